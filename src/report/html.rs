//! HTML from texts: everything escaped.

/// A text as HTML shows it, also inside attributes; control characters as a terminal shows them.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in crate::text::harmless(&text.replace('\t', "    ").replace('\r', "")).chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            sign => out.push(sign),
        }
    }
    out
}

/// A paragraph.
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escape(text))
}

/// A table with a row of headings; cells are HTML.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let head: String = headings.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escape(cell))).collect();
    let row = |row: &Vec<String>| {
        format!("<tr>{}</tr>\n", row.iter().map(|cell| format!("<td>{cell}</td>")).collect::<String>())
    };
    format!(
        "<table><thead><tr>{head}</tr></thead><tbody>\n{}</tbody></table>",
        rows.iter().map(row).collect::<String>()
    )
}

/// The template with each `{name}` replaced by its part, in one pass: what a part holds is not looked at.
pub fn fill(template: &str, parts: &[(&str, String)]) -> String {
    let mut pieces = template.split('{');
    let mut out = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let named = piece.split_once('}');
        match named.and_then(|(name, rest)| Some((parts.iter().find(|(part, _)| *part == name)?, rest))) {
            Some(((_, text), rest)) => {
                out += text;
                out += rest;
            }
            None => {
                out.push('{');
                out += piece;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_not_looked_at_and_texts_are_escaped() {
        let parts = [("a", "{b}".to_string()), ("b", "x".to_string())];
        assert_eq!(fill("<{a}|{b}|{c}>", &parts), "<{b}|x|{c}>");
        assert_eq!(escape("<a href=\"x\" 'y'> & \u{1b}"), "&lt;a href=&quot;x&quot; &#39;y&#39;&gt; &amp; \\u{1b}");
    }
}
