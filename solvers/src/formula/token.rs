//! A formula's text cut into numbers, names and signs.

use std::ops::Range;

use super::error::FormulaError;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    Name(&'a str),
    /// One of `+ - * / ^ ( ) , < <= > >= == !=`.
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 14] = ["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "^", "(", ")", ","];

/// Tokens with their byte spans, the last one [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Range<usize>)>, FormulaError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (token, length) = if c.is_ascii_digit() || c == '.' {
            let length = number_length(rest);
            (number(&rest[..length], at)?, length)
        } else if starts_name(c) {
            let length = rest.find(|c| !continues_name(c)).unwrap_or(rest.len());
            (Token::Name(&rest[..length]), length)
        } else if rest.starts_with("**") {
            return Err(FormulaError::new(at..at + 2, "`**` is not used in formulas", "a power is written x^2"));
        } else if let Some(sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(unknown(c, at));
        };
        found.push((token, at..at + length));
        at += length;
    }
    found.push((Token::End, text.len()..text.len()));
    Ok(found)
}

/// Letters of any script and `_`; no superscripts, which look like powers.
pub(super) fn starts_name(c: char) -> bool {
    c == '_' || (c.is_alphabetic() && !('\u{2070}'..='\u{207f}').contains(&c))
}

/// The same, digits and subscripts.
pub(super) fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_ascii_digit() || ('₀'..='₉').contains(&c)
}

fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length += 1;
        length += digits(length);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits((length + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

fn number(text: &str, at: usize) -> Result<Token<'static>, FormulaError> {
    let span = at..at + text.len();
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Token::Number(value)),
        Ok(_) => Err(FormulaError::new(span, format!("`{text}` is too large for a number"), "the largest is 1.8e308")),
        Err(_) => Err(FormulaError::new(span, format!("`{text}` is not a number"), "write 1.5, .5 or 1e-3")),
    }
}

fn unknown(c: char, at: usize) -> FormulaError {
    let help = match c {
        '−' | '–' => "the minus sign is the hyphen -",
        '·' | '×' => "multiplication is written *",
        '=' => "equality is written ==; a formula has no assignment",
        '&' | '|' => "use a product of comparisons for \"and\", max of them for \"or\"",
        '[' | ']' | '{' | '}' => "use round brackets",
        '%' => "there is no remainder in formulas",
        '²' | '³' => "a power is written x^2",
        _ => "formulas have numbers, names, + - * / ^, comparisons, brackets and commas",
    };
    FormulaError::new(at..at + c.len_utf8(), format!("`{c}` has no meaning here"), help)
}
