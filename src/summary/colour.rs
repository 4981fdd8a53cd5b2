//! Colours of a summary on a terminal: what went well, what may not be trusted, what failed.

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// A summary with the status in its first line, warnings and verdicts in colour.
pub fn coloured(text: &str) -> String {
    text.split_inclusive('\n').enumerate().map(|(k, line)| paint(line, k == 0)).collect()
}

fn paint(line: &str, first: bool) -> String {
    let (words, end) = line.strip_suffix('\n').map_or((line, ""), |words| (words, "\n"));
    let style = match words.trim_start() {
        status if first => match status.rsplit(": ").next() {
            Some("complete") => GOOD,
            Some("interrupted") => DOUBTFUL,
            _ => BAD,
        },
        rest if rest.starts_with("warning: ") => DOUBTFUL,
        rest if rest.starts_with("FAILED ") => BAD,
        rest if rest.starts_with("verdicts: ") => {
            if all_passed(rest) {
                GOOD
            } else {
                BAD
            }
        }
        _ => return line.to_string(),
    };
    format!("{style}{words}{style:#}{end}")
}

/// Whether "verdicts: 5 of 5 passed" says so of all.
fn all_passed(line: &str) -> bool {
    let numbers: Vec<&str> = line.split(' ').filter(|word| word.parse::<usize>().is_ok()).collect();
    matches!(numbers[..], [good, all] if good == all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_colours_end() {
        let text = "a: complete\n  T = 1\n  verdicts: 4 of 5 passed\n    FAILED x: y\n  warning: z\n";
        let shown = coloured(text);
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), text);
        assert!(shown.starts_with("\u{1b}[32ma: complete\u{1b}[0m\n  T = 1\n"), "{shown:?}");
        assert_eq!(shown.matches("\u{1b}[0m").count(), 4);
        assert!(coloured("a: failed\n").contains("\u{1b}[31m") && all_passed("verdicts: 3 of 3 passed"));
    }
}
