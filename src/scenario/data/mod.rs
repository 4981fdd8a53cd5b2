//! `[model.data]`: where the samples come from.

pub mod load;

use miette::Result;

use crate::reader::source::Located;
use crate::reader::table::{Table, Value};

/// Most samples.
pub const MAX_SAMPLES: u64 = 10_000_000;

/// `[model.data]`.
#[derive(Debug, Clone)]
pub struct Data {
    /// Where the samples come from.
    pub origin: Origin,
    /// Whether each column is shifted to mean 0 and scaled to variance 1 (divisor m).
    pub standardize: bool,
}

/// Where the samples come from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A file below the scenario's folder.
    File {
        /// Relative path.
        file: Located<String>,
        /// Names used by the model, and the column of the file each is; empty for all columns by their own names.
        columns: Vec<(Located<String>, Located<Column>)>,
    },
    /// Numbers in the scenario.
    Points(Vec<Points>),
    /// A known function with noise.
    Teacher(Teacher),
}

/// Name and numbers of a column written in the scenario.
pub type Points = (Located<String>, Located<Vec<f64>>);

/// A column of a data file.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// By name: header of a CSV, array of an .npz, dataset of an .h5.
    Name(String),
    /// By number from 0: column of an .npy, or of any other.
    Index(usize),
}

/// y_i = function(x_i) + noise, with the function known.
#[derive(Debug, Clone)]
pub struct Teacher {
    /// First input.
    pub from: f64,
    /// Last input.
    pub to: f64,
    /// Number of samples.
    pub samples: usize,
    /// Evenly spaced inputs, or drawn uniformly.
    pub even: bool,
    /// h*(x).
    pub function: Located<String>,
    /// Standard deviation of the noise.
    pub noise_std: f64,
    /// Shifts of single samples.
    pub outliers: Vec<(usize, f64)>,
}

/// Reads `[model.data]`.
pub fn read(value: &Value) -> Result<Located<Data>> {
    let table = value.table(&["file", "points", "teacher", "columns", "standardize"])?;
    let sources = ["file", "points", "teacher"];
    for (i, first) in sources.iter().enumerate() {
        for second in &sources[i + 1..] {
            table.exclusive(first, second, "keep exactly one of file, points and teacher")?;
        }
    }
    let origin = if let Some(file) = table.get("file") {
        Origin::File { file: file.string()?, columns: columns(&table)? }
    } else if let Some(points) = table.get("points") {
        Origin::Points(read_points(&points)?)
    } else {
        Origin::Teacher(read_teacher(
            &table.require("teacher", "give one of file = \"…\", points = { … } or teacher = { … }")?,
        )?)
    };
    if let (false, Some(columns)) = (matches!(origin, Origin::File { .. }), table.get("columns")) {
        let message = "`model.data.columns` belongs to `file`, which is not given";
        return Err(columns.error(message, "no file to take columns from", "remove `columns`, or give `file`"));
    }
    let standardize = table.or("standardize", false, "false", |v| Ok(v.boolean()?.value))?;
    Ok(Located { value: Data { origin, standardize }, span: value.span() })
}

fn columns(table: &Table) -> Result<Vec<(Located<String>, Located<Column>)>> {
    let Some(columns) = table.get("columns") else {
        table.source().note_default(&table.path("columns"), "every column of the file under its own name");
        return Ok(Vec::new());
    };
    let read = |(name, value): (Located<String>, Value)| -> Result<_> {
        super::names::check_name(table.source(), &name, "data column")?;
        let column = match value.is_string() {
            true => value.string()?.map(Column::Name),
            false => value.count(0..=100_000)?.map(|i| Column::Index(i as usize)),
        };
        Ok((name, column))
    };
    columns.open_table()?.values().into_iter().map(read).collect()
}

fn read_points(value: &Value) -> Result<Vec<Points>> {
    let table = value.open_table()?;
    let mut columns: Vec<Points> = Vec::new();
    for (name, value) in table.values() {
        super::names::check_name(table.source(), &name, "data column")?;
        let numbers = value.numbers()?;
        if numbers.value.is_empty() {
            return Err(value.error(format!("`{}` is empty", value.path()), "no numbers", "give at least one sample"));
        }
        if let Some((first, other)) = columns.first()
            && other.value.len() != numbers.value.len()
        {
            let message = format!(
                "the columns `{}` and `{}` have {} and {} entries",
                first.value,
                name.value,
                other.value.len(),
                numbers.value.len()
            );
            let help = "every sample needs a value in each column";
            return Err(value.error(message, format!("{} entries", numbers.value.len()), help));
        }
        columns.push((name, numbers));
    }
    match columns.is_empty() {
        true => {
            Err(value.error("`model.data.points` is empty", "no columns", "write points = { x = [ … ], y = [ … ] }"))
        }
        false => Ok(columns),
    }
}

fn read_teacher(value: &Value) -> Result<Teacher> {
    let table = value.table(&["inputs", "function", "noise_std", "outliers"])?;
    let help = "write inputs = { from = -2, to = 2, samples = 50, spacing = \"even\" }";
    let inputs = table.require("inputs", help)?.table(&["from", "to", "samples", "spacing"])?;
    let from = inputs.require("from", help)?.number()?;
    let to = inputs.require("to", help)?.number()?;
    if from.value >= to.value {
        let message = format!("the inputs cannot run from {} to {}", from.value, to.value);
        return Err(table.source().error(&to.span, message, "must be greater than `from`", "write from < to"));
    }
    let samples = inputs.require("samples", help)?.count(1..=MAX_SAMPLES)?.value as usize;
    let even = inputs.or("spacing", true, "\"even\"", |v| Ok(v.word(&["even", "random"])?.value == "even"))?;
    let function = super::model::formula(
        &table.require("function", "write the known function, for example function = \"sin(3*x)\"")?,
    )?;
    let noise_std = table.or("noise_std", 0.0, "0.0", |v| Ok(v.non_negative()?.value))?;
    let outliers =
        table.or("outliers", Vec::new(), "[]", |v| v.list()?.iter().map(|o| outlier(o, samples)).collect())?;
    Ok(Teacher { from: from.value, to: to.value, samples, even, function, noise_std, outliers })
}

fn outlier(value: &Value, samples: usize) -> Result<(usize, f64)> {
    let table = value.table(&["index", "shift"])?;
    let help = "write { index = 5, shift = 4.0 }";
    let index = table.require("index", help)?.count(0..=samples as u64 - 1)?.value as usize;
    Ok((index, table.require("shift", help)?.number()?.value))
}
