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
        (Some(expected), _) => [digits(expected, row.bound), format!("± {}", short(row.bound))],
        (None, Some(least)) if row.bound.is_infinite() => [String::new(), format!("at least {}", short(least))],
        (None, Some(least)) => [String::new(), format!("{} to {}", short(least), short(row.bound))],
        (None, None) => [String::new(), format!("at most {}", short(row.bound))],
    }
}

/// A number with as many digits as show whether it holds.
fn number(check: &Check) -> String {
    let row = &check.row;
    let of_row = || row.expected.map_or_else(|| short(row.value), |_| digits(row.value, row.bound));
    check.word.clone().unwrap_or_else(of_row)
}

/// A number to a tenth of its bound, where that takes more than the usual digits.
fn digits(x: f64, bound: f64) -> String {
    let decimals = if bound > 0.0 { 1.0 - bound.log10().floor() } else { 0.0 };
    let (few, many) = (short(x), format!("{x:.*}", decimals.clamp(0.0, 12.0) as usize));
    if (1e-3..1e5).contains(&x.abs()) && many.len() > few.len() { many } else { few }
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
    let failed = failures(checks);
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

/// The suites in their order, each with its checks.
fn by_suite(checks: &[Check]) -> impl Iterator<Item = (&'static str, &[Check])> {
    checks.chunk_by(|a, b| a.suite == b.suite).map(|of| (of[0].suite, of))
}

fn failures(of: &[Check]) -> usize {
    of.iter().filter(|check| !check.row.passed).count()
}

fn seconds(of: &[Check]) -> f64 {
    of.iter().map(|check| check.seconds).sum()
}

/// As CI systems read it: a test suite for each suite, a test case for each check.
fn junit(checks: &[Check], heading: &str) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let head = |of: &[Check]| {
        let (tests, failures, time) = (of.len(), failures(of), seconds(of));
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" time=\"{time:.3}\"")
    };
    let _ = writeln!(text, "<testsuites name=\"fpsolve validate, {}\" {}>", escape(heading), head(checks));
    for (name, of) in by_suite(checks) {
        let _ = writeln!(text, "  <testsuite name=\"{name}\" {} skipped=\"0\">", head(of));
        for check in of {
            let what = escape(&check.row.what);
            let case = format!("<testcase classname=\"{name}\" name=\"{what}\" time=\"{:.3}\"", check.seconds);
            if check.row.passed {
                let _ = writeln!(text, "    {case}/>");
            } else {
                let [expected, bound] = expected(check);
                let short = [number(check), expected, bound].into_iter().filter(|part| !part.is_empty());
                let short = escape(&short.collect::<Vec<_>>().join(" "));
                let why = escape(&check.row.why);
                let _ =
                    writeln!(text, "    {case}><failure type=\"check\" message=\"{short}\">{why}</failure></testcase>");
            }
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;padding:0 1em;max-width:82em;color:#222}\
    table{border-collapse:collapse;margin:.5em 0 2em}th{font-weight:600;color:#555}\
    td,th{padding:.25em .8em;text-align:left;border-bottom:1px solid #ddd;vertical-align:top}\
    .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.why{color:#555;font-size:.9em;max-width:34em}\
    .passed{color:#1b6e2e}.FAILED{color:#b00020;font-weight:600}tr.bad{background:#fdecee}";

/// Checks that failed first, then the suites one by one.
fn page(checks: &[Check], heading: &str) -> String {
    let title = format!("fpsolve validate: {} of {} checks passed", checks.len() - failures(checks), checks.len());
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p>{}</p>\n",
        escape(heading)
    );
    text += "<table><tr><th>suite</th><th class=\"n\">checks</th><th class=\"n\">failed</th><th class=\"n\">seconds</th></tr>\n";
    for (name, of) in by_suite(checks) {
        let (bad, n, s) = (failures(of), of.len(), seconds(of));
        let class = if bad > 0 { " class=\"bad\"" } else { "" };
        let _ = writeln!(
            text,
            "<tr{class}><td><a href=\"#{name}\">{name}</a></td><td class=\"n\">{n}</td><td class=\"n\">{bad}</td>\
             <td class=\"n\">{s:.1}</td></tr>"
        );
    }
    text += "</table>\n";
    for (name, of) in by_suite(checks) {
        let _ = writeln!(text, "<h2 id=\"{name}\">{name}</h2>\n<table>");
        text += "<tr><th>what</th><th class=\"n\">value</th><th class=\"n\">expected</th><th class=\"n\">bound</th>\
                 <th>verdict</th><th>why</th></tr>\n";
        let (bad, good): (Vec<&Check>, Vec<&Check>) = of.iter().partition(|check| !check.row.passed);
        bad.into_iter().chain(good).for_each(|check| text += &row(check));
        text += "</table>\n";
    }
    text + "</body></html>\n"
}

fn row(check: &Check) -> String {
    let [expected, bound] = expected(check);
    let numbers: String =
        [number(check), expected, bound].iter().map(|cell| format!("<td class=\"n\">{}</td>", escape(cell))).collect();
    let (what, why, verdict) = (escape(&check.row.what), escape(&check.row.why), verdict(check));
    let class = if check.row.passed { "" } else { " class=\"bad\"" };
    format!(
        "<tr{class}><td>{what}</td>{numbers}<td class=\"{verdict}\">{verdict}</td><td class=\"why\">{why}</td></tr>\n"
    )
}

#[cfg(test)]
mod tests {
    use fpsolve_validation::suite::Row;

    use super::*;

    fn check(value: f64) -> Check {
        let row = Row {
            what: "mean of <x> & \"y\"".into(),
            value,
            expected: Some(0.1),
            bound: 1e-7,
            least: None,
            passed: value == 0.1,
            why: "why".into(),
        };
        Check { suite: "exact", row, word: None, seconds: 0.5 }
    }

    #[test]
    fn every_form_has_every_check_and_escapes_what_it_says() {
        let checks = [check(0.1), check(0.100_001)];
        let xml = junit(&checks, "h");
        assert!(
            xml.contains("<testsuite name=\"exact\" tests=\"2\" failures=\"1\" errors=\"0\" time=\"1.000\""),
            "{xml}"
        );
        assert!(xml.contains("name=\"mean of &lt;x&gt; &amp; &quot;y&quot;\" time=\"0.500\"/>"), "{xml}");
        assert!(xml.contains("message=\"0.10000100 0.10000000 ± 1.0e-7\">why</failure>"), "{xml}");
        let html = page(&checks, "h");
        assert!(html.matches("mean of &lt;x&gt;").count() == 2 && html.contains("1 of 2 checks passed"), "{html}");
        assert!(html.find("0.10000100") < html.find(">passed<"), "what failed comes first: {html}");
        let json: Value = serde_json::from_str(&json_text(&checks, "h")).unwrap_or_default();
        assert_eq!(json["checks"][1]["passed"], false);
        assert!(to_text(&checks, "h").contains("FAILED exact: mean of <x>"));
    }
}
