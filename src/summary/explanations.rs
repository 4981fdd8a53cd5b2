//! What warnings, verdicts and failures mean: the pages of the book that explain them, section by section.
//!
//! A section is found by its heading and by the words that it quotes: `*"…"*`, and the first column of its tables. In a quotation `N`
//! stands for a number and `…` for any words.

use crate::text::WIDTH;

/// The pages, as they are in the book.
const PAGES: [&str; 2] = [include_str!("../../book/src/warnings.md"), include_str!("../../book/src/verdicts.md")];

/// One thing that is explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The part of the page it stands in.
    pub chapter: String,
    /// Its heading, or the first column of its row.
    pub title: String,
    body: String,
    /// What the program prints, each in its fixed pieces.
    patterns: Vec<Vec<String>>,
}

impl Explanation {
    /// Heading and text, without the marks of Markdown.
    pub fn to_text(&self) -> String {
        let body = plain(&self.body);
        let paragraphs: Vec<String> = body.trim().split("\n\n").map(filled).collect();
        format!("{}: {}\n\n{}\n", self.chapter, self.title, paragraphs.join("\n\n"))
    }

    /// How many signs of a sentence the best quotation accounts for; 0 where none fits.
    fn fits(&self, sentence: &str) -> usize {
        let score = |pattern: &Vec<String>| {
            let mut rest = sentence;
            for piece in pattern {
                match rest.find(piece.as_str()) {
                    Some(at) => rest = &rest[at + piece.len()..],
                    None => return 0,
                }
            }
            pattern.iter().map(String::len).sum()
        };
        self.patterns.iter().map(score).max().unwrap_or(0)
    }
}

/// Everything that is explained, in the order of the pages.
pub fn explanations() -> Vec<Explanation> {
    PAGES.iter().flat_map(|page| sections(page)).collect()
}

/// What explains a sentence of the program, or a few words of the user: the best fit among the quotations, else all whose heading or text has
/// each of the words.
pub fn find(asked: &str) -> Vec<Explanation> {
    let all = explanations();
    let sentence = normal(asked);
    let best = all.iter().max_by_key(|entry| entry.fits(&sentence)).filter(|entry| entry.fits(&sentence) > 0);
    if let Some(entry) = best {
        return vec![entry.clone()];
    }
    let has = |text: &str| sentence.split_whitespace().all(|word| normal(text).contains(word));
    let titled: Vec<Explanation> = all.iter().filter(|entry| has(&entry.title)).cloned().collect();
    if titled.is_empty() { all.into_iter().filter(|entry| has(&entry.body)).collect() } else { titled }
}

/// The sections of a page: what stands below a heading of the third level, or of the second where it has none below; each row of a table.
fn sections(page: &str) -> Vec<Explanation> {
    let (mut out, mut chapter, mut title, mut body) = (Vec::new(), String::new(), String::new(), String::new());
    let mut in_block = false;
    for line in page.lines().chain(["## "]) {
        in_block ^= line.starts_with("```");
        let heading = (!in_block).then(|| line.strip_prefix("### ").or(line.strip_prefix("## "))).flatten();
        let Some(heading) = heading else {
            body += &format!("{line}\n");
            continue;
        };
        if !chapter.is_empty() {
            add(&chapter, &title, &body, &mut out);
        }
        body.clear();
        if line.starts_with("## ") {
            chapter = plain(heading);
        }
        title = plain(heading);
    }
    out
}

/// A section, and its rows.
fn add(chapter: &str, title: &str, body: &str, out: &mut Vec<Explanation>) {
    let rows: Vec<Vec<&str>> = body.lines().filter_map(row).collect();
    let text: String = body.lines().filter(|line| row(line).is_none()).map(|line| format!("{line}\n")).collect();
    if !text.trim().is_empty() {
        let headings = title.split(';').map(pieces);
        let patterns = headings.chain(quotations(&text)).filter(|pattern| is_telling(pattern)).collect();
        out.push(Explanation { chapter: chapter.into(), title: title.into(), body: text, patterns });
    }
    for cells in rows.iter().skip(2) {
        let quoted = cells[0].trim().trim_matches('`');
        let body = cells[1..].join("\n");
        let patterns = vec![pieces(quoted)].into_iter().filter(|pattern| is_telling(pattern)).collect();
        out.push(Explanation { chapter: title.into(), title: plain(quoted), body, patterns });
    }
}

fn row(line: &str) -> Option<Vec<&str>> {
    let cells = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(cells.split(" | ").map(str::trim).collect())
}

/// The quotations of a text, in their pieces.
fn quotations(text: &str) -> Vec<Vec<String>> {
    let text = text.replace('\n', " ");
    text.split("*\"").skip(1).filter_map(|rest| rest.split_once("\"*")).map(|(quoted, _)| pieces(quoted)).collect()
}

/// The fixed pieces of a quotation: what stands between numbers and left-out words.
fn pieces(quoted: &str) -> Vec<String> {
    let words = normal(quoted);
    let fixed = words.split([NUMBER, '…']).map(|piece| piece.trim().to_string());
    fixed.filter(|piece| piece.chars().any(char::is_alphabetic)).collect()
}

/// Whether a quotation says enough to be known again.
fn is_telling(pattern: &[String]) -> bool {
    pattern.iter().map(String::len).sum::<usize>() >= 8
}

/// Stands for a number.
const NUMBER: char = '\u{1}';

/// Words in small letters with single blanks, every number (digits, or `N` of a quotation) as one sign.
fn normal(text: &str) -> String {
    let mut out = String::new();
    for word in text.replace('`', "").split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-');
        let number =
            bare == "N" || (bare.starts_with(|c: char| c.is_ascii_digit() || c == '-') && bare.parse::<f64>().is_ok());
        let word = if number { word.replacen(bare, &NUMBER.to_string(), 1) } else { word.to_lowercase() };
        out += if out.is_empty() { "" } else { " " };
        out += &word;
    }
    out
}

/// A paragraph in lines of a report; one with a list or a block keeps its own.
fn filled(paragraph: &str) -> String {
    let own = |line: &str| line.starts_with([' ', '-', '|']) || line.starts_with("```");
    if paragraph.lines().any(own) {
        return paragraph.to_string();
    }
    textwrap::fill(&paragraph.replace('\n', " "), WIDTH)
}

/// Text without the marks of Markdown: emphasis, code, targets of links. Code keeps its brackets.
fn plain(text: &str) -> String {
    let strip = |(part, text): (usize, &str)| if part % 2 == 1 { text.to_string() } else { prose(text) };
    text.split('`').enumerate().map(strip).collect::<String>().trim_end().to_string()
}

/// Text between code without emphasis and targets of links.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("](") {
        let open = rest[..at].rfind('[').unwrap_or(at);
        out += &rest[..open];
        out += rest[open..at].trim_start_matches('[');
        rest = rest[at..].find(')').map_or("", |end| &rest[at + end + 1..]);
    }
    out += rest;
    out.replace('*', "")
}

#[cfg(test)]
mod tests {
    #[test]
    fn code_keeps_its_brackets() {
        let text = "At [0, 1] see [graded *axes*](scenario.md#grid), unless `[fokker_planck] unresolved = \"accept\"`.";
        assert_eq!(super::plain(text), "At [0, 1] see graded axes, unless [fokker_planck] unresolved = \"accept\".");
    }
}
