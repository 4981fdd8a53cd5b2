//! `[compare]`, `[expect]` and `[output]`: what is asked of the result.

use fpsolve_validation::verdict::{Expectation, Limit, Tolerance, limit_keys};
use miette::Result;

use crate::analysis::ANALYSES;
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};
use crate::text::nearest;

/// Reads `[compare]`: `max_<metric>`, the largest distance allowed between any two engines.
pub fn read_compare(root: &Table) -> Result<Vec<Limit>> {
    let keys = limit_keys();
    let table = root.table("compare", &keys.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut limits = Vec::new();
    for key in &keys {
        if let Some(value) = table.get(key) {
            limits.extend(Limit::from_key(key, value.positive()?.value));
        }
    }
    Ok(limits)
}

const GROUPS: [&str; 13] = [
    "grid",
    "problem",
    "decomposition",
    "outliers",
    "fokker_planck",
    "stationary",
    "spectrum",
    "escape",
    "langevin",
    "gaussian_sgd",
    "sgd",
    "gradient_descent",
    "comparison",
];

/// The groups that a record can have, those of the analyses last.
fn record_groups() -> Vec<&'static str> {
    let analyses = ANALYSES.iter().flat_map(|entry| entry.groups).copied();
    GROUPS.into_iter().chain(analyses.filter(|group| !GROUPS.contains(group))).collect()
}

/// Reads `[expect]`.
pub fn read_expect(root: &Table) -> Result<Vec<Expectation>> {
    let Some(value) = root.get("expect") else { return Ok(Vec::new()) };
    value.open_table()?.values().into_iter().map(|(path, value)| expectation(path, &value)).collect()
}

fn expectation(path: Located<String>, value: &Value) -> Result<Expectation> {
    let groups = record_groups();
    let first = path.value.split('/').find(|part| !part.is_empty()).unwrap_or_default();
    if path.value.contains('/') && !groups.contains(&first) {
        let label = nearest(first, &groups).map_or("no such group".into(), |near| format!("did you mean `{near}/…`?"));
        let message = format!("a record has no group `{first}`");
        let help = format!("begin with one of {}", groups.join(", "));
        return Err(value.source().error(&path.span, message, label, help));
    }
    let help = format!("write \"{}\" = {{ value = 0.0, rtol = 1e-6 }} (or atol)", path.value);
    let table = value.open_table()?;
    let unquoted = table.get("value").is_none() && table.values().iter().any(|(_, v)| v.open_table().is_ok());
    if unquoted {
        let help = "write the path in quotes: \"stationary/mean/x\" = { value = …, rtol = … }";
        return Err(value.error(format!("`{}` is not an expected number", value.path()), "a table of tables", help));
    }
    let table = value.table(&["value", "rtol", "atol"])?;
    table.exclusive("rtol", "atol", "give one of the two")?;
    let expected = table.require("value", &help)?.number()?.value;
    let tolerance = match table.get("rtol") {
        Some(rtol) => Tolerance::Relative(rtol.non_negative()?.value),
        None => Tolerance::Absolute(table.require("atol", &help)?.non_negative()?.value),
    };
    if expected == 0.0 && matches!(tolerance, Tolerance::Relative(_)) {
        let help = "write atol instead of rtol";
        return Err(value.error("a relative tolerance around 0 allows nothing", "value = 0 with rtol", help));
    }
    Ok(Expectation { path: path.value, value: expected, tolerance })
}

/// Reads `[output]`; None for NAME.h5.
pub fn read_output(root: &Table) -> Result<Option<Located<String>>> {
    let table = root.table("output", &["file"])?;
    table.optional("file", |value| {
        let file = value.string()?;
        match is_bare_name(&file.value) {
            true => Ok(file),
            false => {
                let message = format!("`output.file` must be a bare file name, not \"{}\"", file.value);
                let help = "write only the name; choose the folder with -o FOLDER/NAME.h5 on the command line";
                Err(value.error(message, "not a bare name", help))
            }
        }
    })
}

/// Whether `name` names a file in the current folder and nothing else.
pub fn is_bare_name(name: &str) -> bool {
    let bad = |c: char| c == '/' || c == '\\' || c.is_control();
    !name.is_empty() && name.len() <= 200 && name != "." && name != ".." && !name.contains(bad)
}
