//! `separator = "…"`: what stands between the entries of a line of text.

use std::ops::Range;

use miette::Result;

use crate::reader::{Located, Value};

/// What stands between the entries of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A comma.
    Comma,
    /// A semicolon.
    Semicolon,
    /// A tabulator.
    Tab,
    /// One or more blanks.
    Space,
}

/// The words of a scenario, in the order in which they are tried.
pub const SEPARATORS: [(&str, Separator); 4] =
    [(",", Separator::Comma), (";", Separator::Semicolon), ("tab", Separator::Tab), ("space", Separator::Space)];

/// Reads `separator`; the signs themselves are understood too. Errors: another word.
pub(super) fn read(value: &Value) -> Result<Located<Separator>> {
    match value.string()?.value.as_str() {
        "\t" => Ok(Located { value: Separator::Tab, span: value.span() }),
        " " => Ok(Located { value: Separator::Space, span: value.span() }),
        _ => value.choice(&SEPARATORS),
    }
}

impl Separator {
    /// The sign.
    pub fn sign(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Semicolon => ';',
            Self::Tab => '\t',
            Self::Space => ' ',
        }
    }

    /// The word of a scenario.
    pub fn word(self) -> &'static str {
        SEPARATORS.iter().find(|(_, separator)| *separator == self).map_or("", |(word, _)| word)
    }

    /// The separator of a text: of those that divide its first line, one that divides the second line into as many entries, else the
    /// one that finds most; blanks only where nothing else is found. None where the first line is one entry.
    pub fn detect(text: &str) -> Option<Self> {
        let mut best: Option<(Self, (bool, usize))> = None;
        for (_, separator) in SEPARATORS {
            let Some((header, next)) = separator.line(text, 0) else { continue };
            let first = separator.line(text, next).map_or(0, |(first, _)| first.len());
            let rank = (first == header.len(), header.len());
            let tried = separator != Self::Space || best.is_none();
            if header.len() > 1 && tried && best.is_none_or(|(_, most)| rank > most) {
                best = Some((separator, rank));
            }
        }
        best.map(|(separator, _)| separator)
    }

    /// The entries of the first line of a text from the byte `from` on that is not blank, as ranges of the text without the blanks around
    /// them, and where the next line begins; None at the end. What stands in quotes is not divided.
    pub fn line(self, text: &str, mut from: usize) -> Option<(Vec<Range<usize>>, usize)> {
        while from < text.len() {
            let (entries, end) = self.entries(text, from);
            if entries.len() > 1 || entries.iter().any(|entry| !entry.is_empty()) {
                return Some((entries, end));
            }
            from = end;
        }
        None
    }

    /// The entries from the byte `from` to the end of the line, which may be blank, and where the next one begins.
    fn entries(self, text: &str, from: usize) -> (Vec<Range<usize>>, usize) {
        let (mut entries, mut start, mut quoted, mut blank) = (Vec::new(), from, false, true);
        let mut signs = text[from..].char_indices().map(|(i, sign)| (from + i, sign)).peekable();
        let (mut end, mut next) = (text.len(), text.len());
        while let Some((i, sign)) = signs.next() {
            match sign {
                // two quotes within quotes are one, and no end
                '"' if quoted => quoted = signs.next_if(|(_, next)| *next == '"').is_some(),
                _ if quoted => {}
                '"' if blank => (quoted, blank) = (true, false),
                '\n' | '\r' => {
                    (end, next) = (i, i + 1);
                    break;
                }
                _ if sign == self.sign() => {
                    entries.push(trimmed(text, start..i));
                    (start, blank) = (i + 1, true);
                }
                _ => blank &= sign.is_whitespace(),
            }
        }
        entries.push(trimmed(text, start..end));
        if self == Self::Space {
            entries.retain(|entry| !entry.is_empty());
        }
        (entries, next)
    }
}

/// A range of a text without the blanks at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let from = range.start + part.len() - part.trim_start().len();
    from..from + part.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_the_one_that_divides_both_lines_alike() {
        let detect = |text: &str| Separator::detect(text).map(Separator::word);
        assert_eq!(detect("x,y\n1,2\n"), Some(","));
        assert_eq!(detect("\n x; y\n0,5;1,2\n"), Some(";"));
        assert_eq!(detect("\"a, m\";\"b, s\"\n1;2\n"), Some(";"));
        assert_eq!(detect("length, width;depth, height\n1,5;2,5\n"), Some(","));
        assert_eq!(detect("time [s, UTC];v\n1;2\n"), Some(";"));
        assert_eq!(detect("x y\tz\n1\t2\n"), Some("tab"));
        assert_eq!(detect("  x   y\n 1.0  2.0\n"), Some("space"));
        assert_eq!(detect("time s, y\n1, 2\n"), Some(","));
        assert_eq!(detect("x\n1\n"), None);
        assert_eq!(detect(""), None);
    }

    #[test]
    fn entries_have_no_blanks_around_them_and_quotes_hold_together() {
        let line = |separator: Separator, text: &str| separator.line(text, 0).map(|(entries, _)| entries);
        assert_eq!(line(Separator::Comma, " a , \"b, c\",,"), Some(vec![1..2, 5..11, 12..12, 13..13]));
        assert_eq!(line(Separator::Comma, "\r\n  \n5\" pipe,\"a\"\"b\nc\"\r\n1"), Some(vec![5..12, 13..21]));
        assert_eq!(line(Separator::Space, "  1.0   2 \n"), Some(vec![2..5, 8..9]));
        assert_eq!(line(Separator::Comma, "\n \r\n"), None);
    }
}
