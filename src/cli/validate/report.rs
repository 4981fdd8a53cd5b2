//! The table of all checks: for people, as JSON, as JUnit XML for CI systems, as a page.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::Check;
use crate::error::{self, Failure};
use crate::report::html::escape;
use crate::text::{short, table};

/// A way to write the checks.
type Form = fn(&[Check], &str) -> String;

/// By the ending of the file.
const FORMS: [(&str, Form); 3] = [("json", json_text), ("xml", junit), ("html", page)];

/// The endings of a file for a report.
pub(super) fn form(path: &Path) -> Result<Form, String> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let found = FORMS.iter().find(|(word, _)| *word == ending).map(|(_, form)| *form);
    found.ok_or_else(|| "the report ends in .html, .json or .xml (JUnit)".to_string())
}

/// Writes the report. Errors: what the system says.
pub(super) fn write(path: &Path, form: Form, checks: &[Check], heading: &str) -> Result<(), Failure> {
    std::fs::write(path, form(checks, heading)).map_err(|error| {
        let message = format!("cannot write the report {}: {error}", path.display());
        Failure::run(error::advice(message, "give a path in a folder that can be written to"))
    })
}

/// What was expected and how far off it may be, in words.
fn expected(check: &Check) -> [String; 2] {
    let row = &check.row;
    match (row.expected, row.least) {
        (Some(expected), _) => [short(expected), format!("± {}", short(row.bound))],
        (None, Some(least)) if row.bound.is_infinite() => [String::new(), format!("at least {}", short(least))],
        (None, Some(least)) => [String::new(), format!("{} to {}", short(least), short(row.bound))],
        (None, None) => [String::new(), format!("at most {}", short(row.bound))],
    }
}

/// A number with as many digits as show whether it holds.
fn number(check: &Check) -> String {
    check.word.clone().unwrap_or_else(|| short(check.row.value))
}

fn verdict(check: &Check) -> &'static str {
    if check.row.passed { "passed" } else { "FAILED" }
}

/// The table for people, with the seconds of each suite.
pub(super) fn to_text(checks: &[Check], heading: &str) -> String {
    let mut rows = vec![["suite", "what", "value", "expected", "bound", "verdict", "why"].map(String::from).to_vec()];
    let mut before = "";
    for check in checks {
        let [expected, bound] = expected(check);
        let suite = if check.suite == before { "" } else { check.suite };
        let [what, why] = [check.row.what.clone(), check.row.why.clone()];
        rows.push(vec![suite.into(), what, number(check), expected, bound, verdict(check).into(), why]);
        before = check.suite;
    }
    let mut text = String::new();
    table(&rows, &mut text);
    for check in checks.iter().filter(|check| !check.row.passed) {
        let _ = writeln!(text, "  FAILED {}: {}: {} ({})", check.suite, check.row.what, number(check), check.row.why);
    }
    let failed = checks.iter().filter(|check| !check.row.passed).count();
    let _ = writeln!(text, "  {} of {} checks passed; {heading}", checks.len() - failed, checks.len());
    text
}

fn json_text(checks: &[Check], heading: &str) -> String {
    let number = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
    let one = |check: &Check| {
        let row = &check.row;
        json!({
            "suite": check.suite,
            "what": row.what,
            "value": number(row.value),
            "expected": row.expected.map(number),
            "bound": number(row.bound),
            "least": row.least.map(number),
            "passed": row.passed,
            "why": row.why,
            "seconds": check.seconds,
        })
    };
    format!("{:#}\n", json!({ "about": heading, "checks": checks.iter().map(one).collect::<Vec<_>>() }))
}

/// As CI systems read it: a test suite for each suite, a test case for each check.
fn junit(checks: &[Check], heading: &str) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failures = |of: &[&Check]| of.iter().filter(|check| !check.row.passed).count();
    let all: Vec<&Check> = checks.iter().collect();
    let seconds = |of: &[&Check]| of.iter().map(|check| check.seconds).sum::<f64>();
    let head =
        |of: &[&Check]| format!("tests=\"{}\" failures=\"{}\" time=\"{:.3}\"", of.len(), failures(of), seconds(of));
    let _ = writeln!(text, "<testsuites name=\"fpsolve validate, {}\" {}>", escape(heading), head(&all));
    let mut names: Vec<&str> = checks.iter().map(|check| check.suite).collect();
    names.dedup();
    for name in names {
        let of: Vec<&Check> = checks.iter().filter(|check| check.suite == name).collect();
        let _ = writeln!(text, "  <testsuite name=\"{name}\" {}>", head(&of));
        for check in of {
            let what = escape(&crate::text::harmless(&check.row.what));
            let case = format!("<testcase classname=\"{name}\" name=\"{what}\" time=\"{:.3}\"", check.seconds);
            if check.row.passed {
                let _ = writeln!(text, "    {case}/>");
            } else {
                let [expected, bound] = expected(check);
                let said = format!("{} for {expected} {bound}: {}", number(check), check.row.why);
                let said = escape(&crate::text::harmless(&said));
                let _ = writeln!(text, "    {case}><failure message=\"{said}\"/></testcase>");
            }
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

const STYLE: &str = "body{font:15px/1.4 system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse}\
    td,th{padding:.2em .7em;text-align:left;border-bottom:1px solid #ddd;vertical-align:top}.FAILED{color:#b00020;font-weight:600}";

fn page(checks: &[Check], heading: &str) -> String {
    let failed = checks.iter().filter(|check| !check.row.passed).count();
    let title = format!("fpsolve validate: {} of {} checks passed", checks.len() - failed, checks.len());
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p>{}</p>\n<table>\n",
        escape(heading)
    );
    text += "<tr><th>suite</th><th>what</th><th>value</th><th>expected</th><th>bound</th><th>verdict</th><th>why</th></tr>\n";
    for check in checks {
        let [expected, bound] = expected(check);
        let cells = [check.suite.to_string(), check.row.what.clone(), number(check), expected, bound];
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
        let verdict = verdict(check);
        let _ =
            writeln!(text, "<tr>{cells}<td class=\"{verdict}\">{verdict}</td><td>{}</td></tr>", escape(&check.row.why));
    }
    text + "</table>\n</body></html>\n"
}
