//! `kind = "traces"`: trajectories of any optimizer; drift and D are estimated from them.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use fpsolve_solvers::model;
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::model::table::{Fields, TableModel};
use fpsolve_solvers::traces::{Estimate, Trajectories};
use miette::Result;
use ndarray::{ArrayD, Dimension};

use super::variables::variables;
use super::{Brought, Given, Model, ModelKind, Parameter, Read};
use crate::reader::{Kind, Located, Table, Value};
use crate::scenario::data::Data;
use crate::scenario::data::load::named::NamedArrays;

pub(super) const KIND: Kind<'static, Read> = Kind {
    word: "traces",
    keys: &["file", "group", "stride", "learning_rate", "batch_size", "bandwidth"],
    meaning: read,
};

/// Why there are no samples.
const NO_SAMPLES: &str = "traces show what samples did, not the samples";

/// Trajectories and what was estimated from them.
pub struct Traces {
    file: Located<String>,
    /// The trajectories.
    pub trajectories: Trajectories,
    /// Drift and A = η D/(2B), once the model is built.
    estimate: OnceLock<Estimate>,
    bandwidth: Option<f64>,
    names: Vec<String>,
    /// Learning rate η of the optimizer.
    pub learning_rate: f64,
    /// Batch size B of the optimizer.
    pub batch_size: f64,
    /// Distance off the plane, walkers × rows.
    pub distance: Option<Vec<f64>>,
}

impl Traces {
    /// Drift and A, estimated at the first call. Errors: those of [`Estimate::new`].
    pub fn estimated(&self) -> std::result::Result<&Estimate, fpsolve_solvers::Error> {
        match self.estimate.get() {
            Some(estimate) => Ok(estimate),
            None => {
                let estimate = Estimate::new(&self.trajectories, &self.names, self.bandwidth)?;
                Ok(self.estimate.get_or_init(|| estimate))
            }
        }
    }
}

impl std::fmt::Debug for Traces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Traces {{ file: {:?}, walkers: {} }}", self.file.value, self.trajectories.walkers())
    }
}

/// The keys of `kind = "traces"`.
#[derive(Debug)]
struct Written(Arc<Traces>);

fn read(table: &Table, data: Option<Located<Data>>) -> Result<Model> {
    let source = table.source();
    if let Some(data) = &data {
        let help = "remove [model.data]: traces are no samples";
        let message = "kind = \"traces\" reads its own file, but there is a [model.data]";
        return Err(source.error(&data.span, message, "not read for this kind", help));
    }
    let help = "write file = \"traces.npz\" (or .h5, .nc) with the array `trace` [walkers, rows, variables]";
    let file = table.require("file", help)?.string()?;
    let group = table.optional("group", |value| value.string())?;
    let variables = variables(table)?;
    let d = variables.value.len();
    let arrays = NamedArrays::open(source, &file, &["model", "file"], group.as_ref())?;
    let number = |key: &str, read: &dyn Fn(&Value) -> Result<f64>| -> Result<Option<f64>> {
        match table.get(key) {
            Some(value) => read(&value).map(Some),
            None => scalar(&arrays, key),
        }
    };
    let count = |value: &Value| Ok(value.count(1..=u64::from(u32::MAX))?.value as f64);
    let stride = number("stride", &count)?;
    if stride.is_none() {
        source.note_default(&table.path("stride"), "1");
    }
    let learning_rate = number("learning_rate", &|value| Ok(value.positive()?.value))?;
    let batch_size = number("batch_size", &count)?;
    if batch_size.is_none() {
        source.note_default(&table.path("batch_size"), "1");
    }
    let bandwidth = table.or("bandwidth", None, "chosen", |value| share(value).map(Some))?;
    let Some(learning_rate) = learning_rate else {
        let help = "write learning_rate = … in [model], or save it with the trace: the time of one step";
        return Err(table.missing("learning_rate", help));
    };
    let (batch_size, stride) = (batch_size.unwrap_or(1.0), stride.unwrap_or(1.0));
    for (name, value) in [("stride", stride), ("learning_rate", learning_rate), ("batch_size", batch_size)] {
        if value <= 0.0 || (name != "learning_rate" && value.fract() != 0.0) {
            let help = "a learning rate is positive, a stride and a batch size are whole numbers of at least 1";
            return Err(arrays.error(format!("`{name}` of {} is {value}", arrays.name()), "out of range", help));
        }
    }
    // rows that are NaN are not there: walkers of different lengths, gaps
    let trace = finite_or_missing(&arrays, "trace")?;
    let Some(trace) = trace else {
        return Err(arrays.missing("trace", "positions [walkers, rows, variables]"));
    };
    let (walkers, rows) = shape(&arrays, &trace, d)?;
    let distance = distance(&arrays, walkers, rows)?;
    let positions = trace.into_iter().collect();
    let wrong = |error| source.solver_error(&file.span, "these traces", &error);
    let trajectories = Trajectories::new(walkers, rows, d, positions, learning_rate, stride as usize).map_err(wrong)?;
    let names: Vec<String> = variables.value.iter().map(|name| name.value.clone()).collect();
    let (file, estimate) = (file.clone(), OnceLock::new());
    let traces = Traces { file, trajectories, estimate, bandwidth, names, learning_rate, batch_size, distance };
    Ok(Model { variables, kind: Arc::new(Written(Arc::new(traces))), data: None })
}

/// A bandwidth as a share of the box. Errors: none between 0 and 1.
fn share(value: &Value) -> Result<f64> {
    let share = value.positive()?.value;
    if share > 1.0 {
        let help = "write the share of the box that the regression at a node looks at to each side, for example 0.05";
        return Err(value.error(format!("`{}` is {share}", value.path()), "above 1", help));
    }
    Ok(share)
}

/// A single number of the file. Errors: an array of several.
fn scalar(arrays: &NamedArrays, name: &str) -> Result<Option<f64>> {
    let Some(array) = arrays.read(name, &[])? else { return Ok(None) };
    match array.len() {
        1 => Ok(array.first().copied()),
        _ => {
            let message = format!("`{name}` of {} has the shape {:?}", arrays.name(), array.shape());
            Err(arrays.error(message, "one number is wanted", "save it as a single number"))
        }
    }
}

/// An array of finite numbers and NaN. Errors: an infinite one.
fn finite_or_missing(arrays: &NamedArrays, name: &str) -> Result<Option<ArrayD<f64>>> {
    let array = arrays.read_with_holes(name, &[])?;
    match array.as_ref().and_then(|array| array.indexed_iter().find(|(_, value)| value.is_infinite())) {
        Some((index, value)) => {
            let message = format!("{}: `{name}`{:?} is {value}", arrays.name(), index.slice());
            let help = "leave that walker out, or write NaN from there on: rows that are NaN are not there";
            Err(arrays.error(message, "not a finite number", help))
        }
        None => Ok(array),
    }
}

/// Walkers and rows. Errors: other axes than walkers, rows and variables.
fn shape(arrays: &NamedArrays, trace: &ArrayD<f64>, d: usize) -> Result<(usize, usize)> {
    match *trace.shape() {
        [walkers, rows, variables] if variables == d => Ok((walkers, rows)),
        [walkers, rows] if d == 1 => Ok((walkers, rows)),
        [rows, variables] if d > 1 && variables == d => Ok((1, rows)),
        _ => {
            let message = format!(
                "`trace` of {} has the shape {:?}; with {d} of `variables` it must be [walkers, rows, {d}]",
                arrays.name(),
                trace.shape()
            );
            let help = "one walker may leave out its axis, one variable its own";
            Err(arrays.error(message, "wrong shape", help))
        }
    }
}

/// The distances off the plane. Errors: another number of them than rows.
fn distance(arrays: &NamedArrays, walkers: usize, rows: usize) -> Result<Option<Vec<f64>>> {
    let Some(distance) = finite_or_missing(arrays, "trace_distance")? else { return Ok(None) };
    if distance.len() != walkers * rows {
        let message = format!(
            "`trace_distance` of {} has the shape {:?} for {walkers} walkers with {rows} rows",
            arrays.name(),
            distance.shape()
        );
        return Err(arrays.error(message, "wrong shape", "give one distance for each row of `trace`"));
    }
    Ok(Some(distance.into_iter().collect()))
}

impl ModelKind for Written {
    fn parameters(&self) -> &[Parameter] {
        &[]
    }

    fn span(&self) -> Range<usize> {
        self.0.file.span.clone()
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn model::Model>> {
        let wrong = |error| given.source.solver_error(&self.0.file.span, "these traces", &error);
        let estimate = self.0.estimated().map_err(wrong)?;
        let (drift, diffusion) = estimate.filled();
        let temperature = self.0.learning_rate / (2.0 * self.0.batch_size);
        let diffusion = diffusion.iter().map(|a| a / temperature).collect();
        let fields = Fields { drift: Some(drift), diffusion: Some(diffusion), ..Fields::default() };
        let model = TableModel::new(estimate.lattice.clone(), fields);
        Ok(Arc::new(model.map_err(wrong)?))
    }

    fn formulas(&self, _given: &Given) -> Result<Option<FormulaModel>> {
        Ok(None)
    }

    fn file(&self) -> Option<&Located<String>> {
        Some(&self.0.file)
    }

    fn notes(&self) -> Vec<String> {
        let traces = &self.0.trajectories;
        let all = traces.walkers() * traces.rows();
        match all - traces.present() {
            0 => Vec::new(),
            missing => vec![format!("traces: {missing} of {all} rows are NaN and count as not there")],
        }
    }

    fn brings(&self, _data: bool) -> Brought {
        Brought::Diffusion(NO_SAMPLES)
    }

    fn traces(&self) -> Option<&Arc<Traces>> {
        Some(&self.0)
    }
}
