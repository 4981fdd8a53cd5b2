//! `[model.data]`: where the samples come from. One file for each origin, which reads its keys and makes the samples.

pub mod file;
pub mod load;
pub mod points;
pub mod separator;
pub mod teacher;

use std::ops::Range;

use fpsolve_solvers::model::data;
use miette::Result;

use crate::reader::{Located, Source, Value};
use crate::text::nearest;

pub use load::File;
pub use points::Points;
pub use teacher::Teacher;

/// `[model.data]`.
#[derive(Debug, Clone)]
pub struct Data {
    /// Where the samples come from.
    pub origin: Origin,
    /// Which columns are shifted to mean 0 and scaled to variance 1 (divisor m).
    pub standardize: Standardize,
}

/// Which columns are standardised.
#[derive(Debug, Clone)]
pub enum Standardize {
    /// All of them, the target too, or none.
    All(bool),
    /// Those of these names.
    Columns(Located<Vec<Located<String>>>),
}

/// Where the samples come from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A file below the scenario's folder.
    File(File),
    /// Numbers in the scenario.
    Points(Points),
    /// A known function with noise.
    Teacher(Teacher),
}

impl Origin {
    /// Bytes of what the samples are read from, or of their numbers; 0 for a file that is not there.
    pub fn bytes(&self, source: &Source) -> f64 {
        match self {
            Self::File(file) => {
                let folders = std::iter::once(source.folder()).chain(source.data_folders.iter().cloned());
                let lengths =
                    folders.filter_map(|folder| Some(std::fs::metadata(folder.join(&file.file.value)).ok()?.len()));
                lengths.max().map_or(0.0, |length| length as f64)
            }
            Self::Points(_) => 0.0,
            Self::Teacher(teacher) => 16.0 * teacher.samples as f64,
        }
    }
}

/// What samples are made from beside the keys of their origin.
pub struct Given<'a> {
    /// The scenario, for errors and for its folder.
    pub source: &'a Source,
    /// The constants that formulas know by name.
    pub parameters: Vec<(String, f64)>,
    /// The seed of random numbers.
    pub seed: u64,
    /// Place of `[model.data]`.
    pub span: Range<usize>,
}

/// The keys of `[model.data]`.
pub const KEYS: &[&str] = &["file", "points", "teacher", "columns", "separator", "standardize"];
/// Those that belong to `file`.
const OF_FILES: [&str; 2] = ["columns", "separator"];

/// Reads `[model.data]`. Errors: none of its origins, or two of them; those of the origin.
pub fn read(value: &Value) -> Result<Located<Data>> {
    let table = value.table(KEYS)?;
    let sources = ["file", "points", "teacher"];
    for (i, first) in sources.iter().enumerate() {
        for second in &sources[i + 1..] {
            table.exclusive(first, second, "keep exactly one of file, points and teacher")?;
        }
    }
    let origin = if let Some(file) = table.get("file") {
        Origin::File(file::read(&file, &table)?)
    } else if let Some(points) = table.get("points") {
        Origin::Points(points::read(&points)?)
    } else {
        let help = "give one of file = \"…\", points = { … } or teacher = { … }";
        Origin::Teacher(teacher::read(&table.require("teacher", help)?)?)
    };
    if let (None, Some(stray)) = (table.get("file"), OF_FILES.iter().find_map(|key| table.get(key))) {
        let message = format!("`{}` belongs to `file`, which is not given", stray.path());
        return Err(stray.error(message, "there is no file to read", "remove it, or give `file`"));
    }
    let standardize = table.or("standardize", Standardize::All(false), "false", standardize)?;
    Ok(Located { value: Data { origin, standardize }, span: value.span() })
}

/// Reads `standardize`. Errors: neither true nor false nor a list of names.
fn standardize(value: &Value) -> Result<Standardize> {
    if value.is_list() {
        return Ok(Standardize::Columns(value.strings()?));
    }
    if value.is_boolean() {
        return Ok(Standardize::All(value.boolean()?.value));
    }
    Err(value.wrong_type("true, false or a list of columns", "[\"x\"]"))
}

impl Standardize {
    /// The names of the columns among those that there are. Errors: a name that is none of them.
    fn columns(&self, source: &Source, there: &[String]) -> Result<Vec<String>> {
        let names = match self {
            Self::All(all) => return Ok(if *all { there.to_vec() } else { Vec::new() }),
            Self::Columns(names) => &names.value,
        };
        if let Some(name) = names.iter().find(|name| !there.contains(&name.value)) {
            let known: Vec<&str> = there.iter().map(String::as_str).collect();
            let label = nearest(&name.value, &known)
                .map_or("no such column".into(), |near| format!("did you mean \"{near}\"?"));
            let message = format!("`model.data.standardize` names \"{}\", which is no column of the data", name.value);
            let help = format!("the columns are \"{}\" (by the names that the model uses)", known.join("\", \""));
            return Err(source.error(&name.span, message, label, help));
        }
        Ok(names.iter().map(|name| name.value.clone()).collect())
    }
}

impl Data {
    /// The samples, standardised if so written. Errors: those of the origin; a column that is to be standardised and is not there, or is
    /// constant.
    pub fn build(&self, given: &Given) -> Result<data::Data> {
        let (span, mut samples) = match &self.origin {
            Origin::File(file) => (&file.file.span, file.build(given)?),
            Origin::Points(points) => (&given.span, points.build(given)?),
            Origin::Teacher(teacher) => (&teacher.function.span, teacher.build(given)?),
        };
        let columns = self.standardize.columns(given.source, samples.names())?;
        samples.standardize(&columns).map_err(|error| given.source.solver_error(span, "these data", &error))?;
        Ok(samples)
    }
}

impl Given<'_> {
    /// Samples with these columns. Errors: columns that are none.
    fn samples(&self, columns: Vec<(String, Vec<f64>)>) -> Result<data::Data> {
        data::Data::new(columns).map_err(|error| self.source.solver_error(&self.span, "these data", &error))
    }
}
