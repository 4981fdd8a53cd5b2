//! Words of messages: paths, the nearest known word, numbers, sizes, tables.

use std::fmt::Write;

/// `[path]`, or `path` for entries of arrays, which have no header.
pub fn bracketed(path: &str) -> String {
    if path.contains('[') { format!("`{path}`") } else { format!("[{path}]") }
}

/// Text of the user as a terminal may show it: control characters, and marks that change the direction of writing, as `\\u{1b}`; line
/// ends stay.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() && c != '\n') || turns { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// The known word nearest to `word`, if any is near enough to be meant.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_lowercase();
    let scored = known.iter().map(|&k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), k));
    let close = scored.filter(|&(distance, k)| distance <= 1 + k.len().max(word.len()) / 4).min();
    let begins = || known.iter().copied().find(|k| lower.len() > 2 && (k.starts_with(&lower) || lower.starts_with(k)));
    close.map(|(_, k)| k).or_else(begins)
}

/// A whole number with thousands separators.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 number", "2 numbers".
pub fn count(n: usize, what: &str) -> String {
    match (n, what) {
        (1, what) => format!("1 {what}"),
        (n, "axis") => format!("{n} axes"),
        (n, what) => format!("{n} {what}s"),
    }
}

/// Longest line of a report in characters.
pub const WIDTH: usize = 100;

/// Lines that are longer than [`WIDTH`] go on below, four spaces further in.
pub fn wrapped(text: &str) -> String {
    let fold = |line: &str| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let below = " ".repeat(indent + 4);
        textwrap::fill(
            line,
            textwrap::Options::new(WIDTH)
                .subsequent_indent(&below)
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation),
        )
    };
    text.split_inclusive('\n')
        .map(|line| match line.chars().count() > WIDTH {
            true => fold(line.trim_end_matches('\n')) + "\n",
            false => line.to_string(),
        })
        .collect()
}

/// Columns padded to their widest cell, two spaces of indentation; where that is wider than [`WIDTH`], the widest cells go on below, in
/// their columns.
pub fn table(rows: &[Vec<String>], out: &mut String) {
    let longest_word = |cell: &str| cell.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
    let least = largest(rows, longest_word);
    let mut widths = largest(rows, |cell| cell.chars().count());
    while together(&widths) > WIDTH {
        let breakable = (0..widths.len()).filter(|&k| widths[k] > least[k]);
        let Some(widest) = breakable.max_by_key(|&k| widths[k]) else { break };
        widths[widest] -= 1;
    }
    for row in rows {
        let cells: Vec<Vec<String>> = row.iter().zip(&widths).map(|(cell, &width)| folded(cell, width)).collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let part = |cell: &Vec<String>| cell.get(line).cloned().unwrap_or_default();
            let padded = cells.iter().map(part).zip(&widths).map(|(part, &width)| format!("{part:width$}"));
            let _ = writeln!(out, "  {}", padded.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
}

/// The largest size of a cell in each column.
fn largest(rows: &[Vec<String>], size: fn(&str) -> usize) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let most = |k: usize| rows.iter().filter_map(|row| row.get(k)).map(|cell| size(cell)).max().unwrap_or(0);
    (0..columns).map(most).collect()
}

/// Columns of these widths with two spaces before each.
fn together(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + 2 * widths.len()
}

/// Whether a table goes into [`WIDTH`] without cells that go on below.
pub fn fits(rows: &[Vec<String>]) -> bool {
    together(&largest(rows, |cell| cell.chars().count())) <= WIDTH
}

/// The lines of a cell that may be so wide, broken at spaces.
fn folded(cell: &str, width: usize) -> Vec<String> {
    if cell.chars().count() <= width {
        return vec![cell.to_string()];
    }
    let options = textwrap::Options::new(width)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    textwrap::wrap(cell, options).into_iter().map(|line| line.into_owned()).collect()
}

/// What a system says that refuses to write, in plain words, and what to do; None for what is not known here.
pub fn refused_write(said: &str) -> Option<(&'static str, &'static str)> {
    let known = [
        (
            "File too large",
            "it would become larger than the limit for files allows",
            "raise the limit (ulimit -f unlimited), or write less: fewer output times, cells or walkers that are kept",
        ),
        ("No space left on device", "the disk is full", "make room, or choose another place with -o"),
        ("Disk quota exceeded", "the disk quota is used up", "make room, or choose another place with -o"),
    ];
    known.into_iter().find(|(words, ..)| said.contains(words)).map(|(_, why, help)| (why, help))
}

/// A number in at most four significant digits; unknown where it is not one.
pub fn short(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".into()
    } else if x.is_nan() {
        "unknown".into()
    } else if !(1e-3..1e5).contains(&size) {
        format!("{x:.1e}")
    } else {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let fixed = format!("{x:.digits$}");
        if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.').to_string() } else { fixed }
    }
}

/// A number as it is written shortest, with an exponent where it is very large or very small.
pub fn exact(x: f64) -> String {
    if x == 0.0 || (1e-5..1e15).contains(&x.abs()) { format!("{x}") } else { format!("{x:e}") }
}

/// A number as it is written shortest, rounded to 15 digits: what a computation left in the last two is not shown.
pub fn rounded(x: f64) -> String {
    exact(format!("{x:.14e}").parse().unwrap_or(x))
}

/// A number beside others that differ by `scale`, such as a point on an axis of that length: with three digits of the scale, at least
/// four of its own, four beside nothing; what is less than 10⁻¹³ of the scale is 0.
pub fn beside(x: f64, scale: f64) -> String {
    if scale == 0.0 {
        return significant(x, 4);
    }
    if x.abs() < 1e-13 * scale.abs() {
        return "0".into();
    }
    let digits = (x.abs().log10().floor() - scale.abs().log10().floor() + 3.0).clamp(4.0, 17.0);
    significant(x, if digits.is_nan() { 4 } else { digits as usize })
}

/// An interval or a pair of neighbours, with as many digits as tell the two apart: `[1999999, 2000001]`.
pub fn interval(from: f64, to: f64) -> String {
    format!("[{}, {}]", beside(from, to - from), beside(to, to - from))
}

/// A value with its error, `30.971 ± 0.09`: with two digits of the error, at least four of its own.
pub fn with_error(x: f64, error: f64) -> String {
    let shown = if error.is_nan() { "unknown".into() } else { short(error) };
    format!("{} ± {shown}", if error > 0.0 { beside(x, 10.0 * error) } else { short(x) })
}

/// A number that means something only relative to a scale, such as a residual: 0 where it is less than 10⁻³⁰ of it.
pub fn relative(x: f64, scale: f64) -> String {
    if x.abs() < 1e-30 * scale.abs() { "0".into() } else { short(x) }
}

/// A number in n significant digits, without zeros at its end.
fn significant(x: f64, n: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_string();
    let exponent = x.abs().log10().floor() as i32;
    if (-4..n.max(5) as i32).contains(&exponent) {
        let fixed = format!("{x:.*}", (n as i32 - 1 - exponent).clamp(0, 20) as usize);
        return if fixed.contains('.') { trimmed(&fixed) } else { fixed };
    }
    match format!("{x:.*e}", n - 1).split_once('e') {
        Some((digits, power)) if digits.contains('.') => format!("{}e{power}", trimmed(digits)),
        _ => format!("{x:e}"),
    }
}

/// A size such as `20GiB`, `500MB` or `1e9`. Errors: another unit, no positive number.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| c.is_alphabetic() && c != 'e' && c != 'E').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024f64.powi(2),
        "gib" | "g" => 1024f64.powi(3),
        "tib" | "t" => 1024f64.powi(4),
        _ => return Err(format!("unknown unit `{unit}`: write for example 20GiB or 500MiB")),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if value > 0.0 && (value * factor) < 9e18 => Ok((value * factor) as u64),
        _ => Err(format!("`{text}` is not a size: write for example 20GiB or 500MiB")),
    }
}

/// Seconds of a time such as `90 s`, `10 min`, `2h` or `1 day`. Errors: another unit, no positive number.
pub fn parse_seconds(text: &str) -> Result<f64, String> {
    let split = text.find(|c: char| c.is_alphabetic() && c != 'e' && c != 'E').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "" | "s" | "second" | "seconds" => 1.0,
        "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return Err(format!("unknown unit `{unit}`: write for example \"10 min\" or \"2 h\"")),
    };
    match number.trim().parse::<f64>().map(|value| value * factor) {
        Ok(seconds) if seconds > 0.0 && seconds < 1e10 => Ok(seconds),
        _ => Err(format!("`{text}` is no time: write for example \"10 min\" or \"2 h\"")),
    }
}

/// Bytes in words, three digits.
pub fn size(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    match value {
        v if unit == 0 || v >= 99.5 => format!("{v:.0} {}", units[unit]),
        v if v >= 9.95 => format!("{v:.1} {}", units[unit]),
        v => format!("{v:.2} {}", units[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_means_a_slip_or_a_beginning() {
        let known = ["temperature", "learning_rate", "batch_size", "cells"];
        assert_eq!(nearest("temprature", &known), Some("temperature"));
        assert_eq!(nearest("temp", &known), Some("temperature"));
        assert_eq!(nearest("Cells", &known), Some("cells"));
        assert_eq!(nearest("flux", &known), None);
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!(
            (grouped(7), grouped(65_536), grouped(1_000_000)),
            ("7".into(), "65,536".into(), "1,000,000".into())
        );
        assert_eq!(
            (count(1, "axis"), count(2, "axis"), count(3, "row")),
            ("1 axis".into(), "2 axes".into(), "3 rows".into())
        );
    }

    #[test]
    fn control_characters_are_shown_escaped() {
        assert_eq!(harmless("\u{1b}]0;owned\u{7} ä\n\u{9b}\u{202e}x"), "\\u{1b}]0;owned\\u{7} ä\n\\u{9b}\\u{202e}x");
    }

    #[test]
    fn long_lines_go_on_below_further_in() {
        let words = "word ".repeat(30);
        let text = wrapped(&format!("  warning: {words}\n  short\n"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[2]), (3, "  short"));
        assert!(lines[1].starts_with("      word") && lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn tables_that_are_too_wide_go_on_below_in_their_columns() {
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let mut narrow = String::new();
        table(&[row(["a", "value", "why"]), row(["bb", "1", "so"])], &mut narrow);
        assert_eq!(narrow, "  a   value  why\n  bb  1      so\n");
        let (long, mut wide) = ("reason ".repeat(20), String::new());
        table(&[row(["a", "value", "why"]), row(["bb", "1", long.trim()])], &mut wide);
        let lines: Vec<&str> = wide.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH) && lines.len() == 3, "{wide}");
        assert!(lines[1].starts_with("  bb  1      reason") && lines[2].starts_with("             reason"), "{wide}");
        let mut unbreakable = String::new();
        table(&[row(["a", &"x".repeat(200), "why not"])], &mut unbreakable);
        assert_eq!(unbreakable.split_whitespace().collect::<Vec<_>>().len(), 4);
    }

    #[test]
    fn what_the_system_says_of_writing_is_told_in_plain_words() {
        let said =
            "H5Fflush(): errno = 27, error message = 'File too large', bytes actually written = 18446744073709551615";
        assert!(refused_write(said).is_some_and(|(why, help)| why.contains("limit") && help.contains("ulimit -f")));
        assert_eq!(
            refused_write("No space left on device (os error 28)").map(|(why, _)| why),
            Some("the disk is full")
        );
        assert_eq!(refused_write("Permission denied (os error 13)"), None);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(0.349_937_7), "0.3499");
        assert_eq!(short(-2.0), "-2");
        assert_eq!(short(12345.6), "12346");
        assert_eq!(short(3.2e-15), "3.2e-15");
    }

    #[test]
    fn the_ends_of_an_interval_are_told_apart() {
        assert_eq!(interval(0.1, 8.1), "[0.1, 8.1]");
        assert_eq!(interval(-2.495, 2.505), "[-2.495, 2.505]");
        assert_eq!(interval(1_999_999.0, 2_000_001.0), "[1999999, 2000001]");
        assert_eq!(interval(1.0, 1.0 + 1e-12), "[1, 1.000000000001]");
        assert_eq!(interval(-1e-12, 3e-12), "[-1e-12, 3e-12]");
        assert_eq!(interval(0.0, 1e300), "[0, 1e300]");
        assert_eq!(interval(-1.6e-168, 0.1 + 0.2), "[0, 0.3]");
        assert_eq!(interval(1e6 + 1e-9, 1e6 + 3e-9), "[1000000.000000001, 1000000.000000003]");
        assert_eq!(interval(3.0, 3.0), "[3, 3]");
        assert_eq!(interval(-12345.678, 54321.9), "[-12346, 54322]");
    }

    #[test]
    fn errors_say_how_many_digits_count() {
        assert_eq!(with_error(30.971_234, 0.09), "30.971 ± 0.09");
        assert_eq!(with_error(1_234_567.8, 12.0), "1234568 ± 12");
        assert_eq!(with_error(3.2161e-28, 4e-31), "3.2161e-28 ± 4.0e-31");
        assert_eq!(with_error(0.5, f64::NAN), "0.5 ± unknown");
        assert_eq!(with_error(2.0, 0.0), "2 ± 0");
        assert_eq!(beside(0.1 + 2e-17, 0.0), "0.1");
        assert_eq!((relative(-1.6e-168, 1.0), relative(2e-16, 1.0)), ("0".into(), "2.0e-16".into()));
        assert_eq!((beside(-2.3e-17, 5.0), beside(1e6 + 0.25, 2.0)), ("0".into(), "1000000.25".into()));
        assert_eq!((rounded(0.125_000_000_000_000_03), rounded(8.000_000_000_000_002)), ("0.125".into(), "8".into()));
        assert_eq!((exact(1e300), exact(0.025), exact(1e-300)), ("1e300".into(), "0.025".into(), "1e-300".into()));
    }

    #[test]
    fn times_are_read() {
        assert_eq!(parse_seconds("10 min"), Ok(600.0));
        assert_eq!(["1.5h", "2 days", "90"].map(|t| parse_seconds(t).unwrap_or(0.0)), [5400.0, 172_800.0, 90.0]);
        assert!(["-1 s", "soon", "3 moons", "", "inf", "1e300 d"].iter().all(|t| parse_seconds(t).is_err()));
    }

    #[test]
    fn sizes_are_read_and_written() {
        assert_eq!(parse_size("20GiB"), Ok(20 << 30));
        assert_eq!(parse_size("1.5 kB"), Ok(1500));
        assert_eq!(parse_size("1e9"), Ok(1_000_000_000));
        assert!(parse_size("-1GiB").is_err() && parse_size("many").is_err() && parse_size("5 furlongs").is_err());
        assert_eq!(size(1000.0), "0.98 KiB");
        assert_eq!(size(115.0 * 1024f64.powi(3)), "115 GiB");
    }
}
