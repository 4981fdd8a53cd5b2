//! `[analysis]`, `[compare]`, `[expect]` and `[output]`: what is asked of the result.

use fpsolve_validation::verdict::{Expectation, Limit, Tolerance, limit_keys};
use miette::Result;

use super::outliers::{self, Outliers};
use crate::engine::{ENGINES, Representation};
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};
use crate::text::nearest;

/// `[analysis]`.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// Number of slowest relaxation modes.
    pub eigenpairs: Option<Located<usize>>,
    /// Whether critical points of the loss are searched for.
    pub critical_points: Option<Located<bool>>,
    /// First-passage problems.
    pub first_passage: Vec<Located<FirstPassage>>,
    /// Where the parts of the noise come from; by default from the teacher, where there is one.
    pub decomposition: Option<Located<Decomposition>>,
    /// Samples that the model does not fit.
    pub outliers: Option<Located<Outliers>>,
}

/// Where the parts of the noise come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decomposition {
    /// The teacher of the data: means over the noise.
    Teacher,
    /// The residuals of the data.
    Estimate,
}

/// An entry of `analysis.first_passage`.
#[derive(Debug, Clone)]
pub struct FirstPassage {
    /// Name of its group in the record.
    pub name: Located<String>,
    /// Starting point.
    pub from: Located<Vec<f64>>,
    /// A condition that holds in the target.
    pub target: Located<String>,
    /// A condition that holds in a set to be avoided.
    pub avoid: Option<Located<String>>,
    /// Walkers of the Langevin ensemble.
    pub walkers: usize,
    /// Time up to which those walkers are followed; None for [`HORIZON`] times the end of the run.
    pub horizon: Option<Located<f64>>,
}

/// Walkers of a first-passage problem that names no number.
const PASSAGE_WALKERS: usize = 10_000;
/// Most walkers of a first-passage problem: all their times are kept.
const MOST_PASSAGE_WALKERS: u64 = 10_000_000;
/// Horizon of a first-passage problem that names none, in units of the end of the run.
pub const HORIZON: f64 = 20.0;
/// The keys of `[analysis]`, each with what it gives.
pub const ANALYSES: [(&str, &str); 5] = [
    ("eigenpairs", "number of slowest relaxation modes; /spectrum"),
    ("critical_points", "true: minima, saddles and maxima of the loss, and the basins of the minima; /landscape"),
    (
        "first_passage",
        "list of { name, from, target, avoid, walkers, horizon }: times to where a condition such as \"x > 1\" holds, the \
         probability to come there before where `avoid` holds, and Kramers' time; /escape",
    ),
    (
        "decomposition",
        "\"teacher\" or \"estimate\": the parts of the gradient noise; /problem/diffusion_…, /decomposition",
    ),
    ("outliers", "{ at = \"minima\" or points, q, c, scale }: samples with m·p < q, p ~ exp(−l/(c·U)); /outliers"),
];

/// Reads `[analysis]`.
pub fn read_analysis(root: &Table) -> Result<Analysis> {
    let table = root.table("analysis", &ANALYSES.map(|(key, _)| key))?;
    let eigenpairs = table.optional("eigenpairs", |v| Ok(v.count(0..=1000)?.map(|n| n as usize)))?;
    let critical_points = table.optional("critical_points", Value::boolean)?;
    let passages = |v: &Value| v.list()?.iter().map(passage).collect();
    let first_passage: Option<Vec<Located<FirstPassage>>> = table.optional("first_passage", passages)?;
    let first_passage = first_passage.unwrap_or_default();
    for (i, passage) in first_passage.iter().enumerate() {
        let name = &passage.value.name;
        if first_passage[..i].iter().any(|other| other.value.name.value == name.value) {
            let message = format!("two first-passage problems are named \"{}\"", name.value);
            return Err(table.source().error(&name.span, message, "second time", "give each its own name"));
        }
    }
    let decomposition = table.optional("decomposition", |v| {
        Ok(v.word(&["teacher", "estimate"])?.map(|word| match word {
            "estimate" => Decomposition::Estimate,
            _ => Decomposition::Teacher,
        }))
    })?;
    let outliers = table.optional("outliers", outliers::read)?;
    Ok(Analysis { eigenpairs, critical_points, first_passage, decomposition, outliers })
}

fn passage(value: &Value) -> Result<Located<FirstPassage>> {
    let table = value.table(&["name", "from", "target", "avoid", "walkers", "horizon"])?;
    let help = "write { name = \"escape\", from = [-1.0], target = \"x > 1\" }";
    let name = table.require("name", help)?.string()?;
    super::names::check_name(table.source(), &name, "first-passage problem")?;
    let from = table.require("from", help)?.numbers()?;
    let target = super::model::formula(&table.require("target", help)?)?;
    let avoid = table.optional("avoid", super::model::formula)?;
    let count = |v: &Value| Ok(v.count(1..=MOST_PASSAGE_WALKERS)?.value as usize);
    let walkers = table.or("walkers", PASSAGE_WALKERS, &PASSAGE_WALKERS.to_string(), count)?;
    let horizon = table.optional("horizon", Value::positive)?;
    if horizon.is_none() {
        table.source().note_default(&table.path("horizon"), format!("{HORIZON} times the last output time"));
    }
    Ok(Located { value: FirstPassage { name, from, target, avoid, walkers, horizon }, span: value.span() })
}

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

/// The groups of a record that expectations may name.
fn groups() -> Vec<&'static str> {
    let engines = |kind| ENGINES.iter().filter(move |engine| engine.representation == kind).map(|engine| engine.group);
    let mut groups = vec!["grid", "problem", "decomposition", "outliers"];
    groups.extend(engines(Representation::Density));
    groups.extend(["stationary", "spectrum", "escape"]);
    groups.extend(engines(Representation::Walkers));
    groups.extend(["comparison", "landscape"]);
    groups
}

/// Reads `[expect]`.
pub fn read_expect(root: &Table) -> Result<Vec<Expectation>> {
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
