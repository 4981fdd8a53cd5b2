//! `[expect]`: numbers that the record must have.

use fpsolve_validation::verdict::{Expectation, Tolerance};
use miette::Result;

use crate::analysis::ANALYSES;
use crate::engine::{ENGINES, Representation};
use crate::reader::{Located, Table, Value};
use crate::text::{exact, nearest};

/// The groups of a record that expectations may name.
fn groups() -> Vec<&'static str> {
    let engines = |kind| ENGINES.iter().filter(move |engine| engine.representation == kind).map(|engine| engine.group);
    let mut groups = vec!["grid", "problem", "decomposition", "outliers"];
    groups.extend(engines(Representation::Density));
    groups.extend(["stationary", "spectrum", "escape"]);
    groups.extend(engines(Representation::Walkers));
    groups.push("comparison");
    for group in ANALYSES.iter().flat_map(|entry| entry.groups) {
        if !groups.contains(group) {
            groups.push(group);
        }
    }
    groups
}

/// Reads `[expect]`. Errors: a path to no group of a record; no value, or no tolerance; a relative tolerance around 0.
pub fn read(root: &Table) -> Result<Vec<Expectation>> {
    let Some(value) = root.get("expect") else { return Ok(Vec::new()) };
    value.open_table()?.values().into_iter().map(|(path, value)| expectation(path, &value)).collect()
}

fn expectation(path: Located<String>, value: &Value) -> Result<Expectation> {
    let groups = groups();
    let first = path.value.split('/').find(|part| !part.is_empty()).unwrap_or_default();
    if path.value.contains('/') && !groups.contains(&first) {
        let label = nearest(first, &groups).map_or("no such group".into(), |near| format!("did you mean `{near}/…`?"));
        let message = format!("a record has no group `{first}`");
        let help = format!("begin with one of {}", groups.join(", "));
        return Err(value.source().error(&path.span, message, label, help));
    }
    let help = format!("write \"{}\" = {{ value = 0.0, rtol = 1e-6 }} (or atol)", path.value);
    if !value.is_table() {
        let (number, tolerance) = value.number().map_or((0.5, "rtol"), |number| match number.value {
            0.0 => (0.0, "atol"),
            x => (x, "rtol"),
        });
        let example = format!("{{ value = {}, {tolerance} = 1e-6 }}", exact(number));
        return Err(value.wrong_type("a table with the number and its tolerance", &example));
    }
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
