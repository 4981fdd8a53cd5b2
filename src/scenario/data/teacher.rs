//! `teacher = { … }`: y_i = function(x_i) + noise, with the function known.

use fpsolve_solvers::formula::{Program, Symbols};
use fpsolve_solvers::model::data::{self, even_inputs, random_inputs};
use miette::Result;

use super::Given;
use super::load::MAX_SAMPLES;
use crate::reader::formula::formula;
use crate::reader::{Located, Value};
use crate::text::exact;

/// y_i = function(x_i) + noise, with the function known.
#[derive(Debug, Clone)]
pub struct Teacher {
    /// First input.
    pub from: f64,
    /// Last input.
    pub to: f64,
    /// Number of samples.
    pub samples: usize,
    /// How the inputs lie between the first and the last.
    pub spacing: Spacing,
    /// h*(x).
    pub function: Located<String>,
    /// Standard deviation of the noise.
    pub noise_std: f64,
    /// Shifts of single samples.
    pub outliers: Vec<(usize, f64)>,
}

/// How inputs lie in their interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// At equal distances.
    Even,
    /// Drawn uniformly.
    Random,
}

/// Reads `teacher`. Errors: missing inputs or function; an interval that runs backwards; values out of range.
pub(super) fn read(value: &Value) -> Result<Teacher> {
    let table = value.table(&["inputs", "function", "noise_std", "outliers"])?;
    let help = "write inputs = { from = -2, to = 2, samples = 50, spacing = \"even\" }";
    let inputs = table.require("inputs", help)?.table(&["from", "to", "samples", "spacing"])?;
    let from = inputs.require("from", help)?.number()?;
    let to = inputs.require("to", help)?.number()?;
    if from.value >= to.value {
        let message = format!("the inputs cannot run from {} to {}", exact(from.value), exact(to.value));
        return Err(table.source().error(&to.span, message, "must be greater than `from`", "write from < to"));
    }
    let samples = inputs.require("samples", help)?.count(1..=MAX_SAMPLES)?.value as usize;
    let words = [("even", Spacing::Even), ("random", Spacing::Random)];
    let spacing = inputs.or("spacing", Spacing::Even, "\"even\"", |v| Ok(v.choice(&words)?.value))?;
    let help = "write the known function, for example function = \"sin(3*x)\"";
    let function = formula(&table.require("function", help)?)?;
    let noise_std = table.or("noise_std", 0.0, "0.0", |v| Ok(v.non_negative()?.value))?;
    let outliers =
        table.or("outliers", Vec::new(), "[]", |v| v.list()?.iter().map(|o| outlier(o, samples)).collect())?;
    Ok(Teacher { from: from.value, to: to.value, samples, spacing, function, noise_std, outliers })
}

fn outlier(value: &Value, samples: usize) -> Result<(usize, f64)> {
    let table = value.table(&["index", "shift"])?;
    let help = "write { index = 5, shift = 4.0 }";
    let index = table.require("index", help)?.count(0..=samples as u64 - 1)?.value as usize;
    Ok((index, table.require("shift", help)?.number()?.value))
}

impl Teacher {
    /// The samples. Errors: a formula that is none; a function that is not finite on the inputs.
    pub(super) fn build(&self, given: &Given) -> Result<data::Data> {
        let symbols = Symbols::new(&["x"]).with_parameters(given.parameters.clone());
        let function = given.source.parse(&self.function, &symbols)?;
        let inputs = match self.spacing {
            Spacing::Even => even_inputs(self.from, self.to, self.samples),
            Spacing::Random => random_inputs(self.from, self.to, self.samples, given.seed),
        };
        let mut truth = vec![0.0; inputs.len()];
        Program::compile(&[function]).evaluate(&inputs, &mut truth);
        let span = &self.function.span;
        if let Some(i) = truth.iter().position(|y| !y.is_finite()) {
            let message = format!("the teacher's function is {} at x = {}", truth[i], inputs[i]);
            let help = "change the function or the range of the inputs";
            return Err(given.source.error(span, message, "not finite on the inputs", help));
        }
        data::Data::from_teacher(inputs, truth, self.noise_std, &self.outliers, given.seed)
            .map_err(|error| given.source.solver_error(span, "this teacher", &error))
    }
}
