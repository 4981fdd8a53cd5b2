//! `kind = "tanh-regression"`: h(x) = Σ_j α_j tanh(w_j (x − b_j)) fitted to y by squares, θ the slopes w.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::model;
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::model::tanh_regression::{Amplitudes, SampleGradient, TanhRegression};
use miette::Result;

use super::variables::variables;
use super::{Given, MAX_DIMENSIONS, Model, ModelKind, Parameter, Read, require_data};
use crate::reader::{Kind, Located, Table, Value};
use crate::scenario::data::Data;

pub(super) const KIND: Kind<'static, Read> =
    Kind { word: "tanh-regression", keys: &["centers", "slopes", "amplitudes", "sample_gradient"], meaning: read };

/// Most units of the network.
const MAX_UNITS: usize = 64;

/// The keys of `kind = "tanh-regression"`.
#[derive(Debug)]
struct Regression {
    /// Fixed b_j.
    centers: Located<Vec<f64>>,
    /// Group of each unit's slope.
    groups: Located<Vec<usize>>,
    /// Fixed α_j; None for variable projection.
    amplitudes: Option<Located<Vec<f64>>>,
    /// Which per-sample gradient variable projection uses.
    sample_gradient: Located<SampleGradient>,
}

fn read(table: &Table, data: Option<Located<Data>>) -> Result<Model> {
    let centers = table.require("centers", "write the fixed centres b_j, for example centers = [-1.0, 0.0, 1.0]")?;
    let centers = centers.numbers()?;
    let units = centers.value.len();
    if units == 0 || units > MAX_UNITS {
        let message = format!("`model.centers` has {units} entries");
        let help = "give at least one centre, at most 64";
        return Err(table.source().error(&centers.span, message, "1 to 64 centres", help));
    }
    let groups = table.or("slopes", table.here(vec![0; units]), "\"shared\"", |value| groups(value, units))?;
    let slopes = 1 + groups.value.iter().copied().max().unwrap_or(0);
    if slopes > MAX_DIMENSIONS {
        let message = format!("`model.slopes` makes {slopes} slopes; θ has at most {MAX_DIMENSIONS} dimensions");
        let help =
            "put the units into at most 3 groups, for example slopes = [0, 0, 1, 1, 2], or write slopes = \"shared\"";
        return Err(table.source().error(&groups.span, message, format!("{slopes} slopes"), help));
    }
    let variables = slope_names(table, slopes)?;
    let amplitudes = table.or("amplitudes", None, "\"projected\"", |value| amplitudes(value, units))?;
    let gradients =
        [("total", SampleGradient::Total), ("envelope", SampleGradient::Envelope), ("batch", SampleGradient::Batch)];
    let total = table.here(SampleGradient::Total);
    let sample_gradient = table.or("sample_gradient", total, "\"total\"", |value| value.choice(&gradients))?;
    require_data(table, &data)?;
    Ok(Model { variables, kind: Arc::new(Regression { centers, groups, amplitudes, sample_gradient }), data })
}

/// The names of the slopes: `variables`, else w, or w1, w2, …. Errors: another number of names.
fn slope_names(table: &Table, slopes: usize) -> Result<Located<Vec<Located<String>>>> {
    let names = match slopes {
        1 => vec!["w".to_string()],
        _ => (1..=slopes).map(|k| format!("w{k}")).collect(),
    };
    let variables = match table.get("variables") {
        Some(_) => variables(table)?,
        None => {
            table.source().note_default(&table.path("variables"), format!("{names:?}"));
            table.here(names.iter().map(|name| table.here(name.clone())).collect())
        }
    };
    if variables.value.len() != slopes {
        let message =
            format!("`model.variables` names {} variables, but there are {slopes} slopes", variables.value.len());
        let help = format!("write variables = {names:?}, or change `slopes`");
        return Err(table.source().error(&variables.span, message, format!("needs {slopes}"), help));
    }
    Ok(variables)
}

fn groups(value: &Value, units: usize) -> Result<Located<Vec<usize>>> {
    if value.is_string() {
        return value.choice(&[("shared", vec![0; units]), ("free", (0..units).collect())]);
    }
    if !value.is_list() {
        return Err(value.wrong_type("\"shared\", \"free\" or a list with the group of each unit", "[0, 0, 1]"));
    }
    let groups = value.list()?.iter().map(|v| v.count(0..=63).map(|n| n.value as usize)).collect::<Result<Vec<_>>>()?;
    if groups.len() != units {
        let message = format!("`model.slopes` has {} entries for {units} centres", groups.len());
        let help = "give the group of each unit, one entry per centre";
        return Err(value.error(message, format!("needs {units}"), help));
    }
    let count = 1 + groups.iter().copied().max().unwrap_or(0);
    if let Some(empty) = (0..count).find(|group| !groups.contains(group)) {
        let message = format!("`model.slopes` skips group {empty}");
        return Err(value.error(message, "a slope that no unit uses", "number the groups 0, 1, 2 without gaps"));
    }
    Ok(Located { value: groups, span: value.span() })
}

fn amplitudes(value: &Value, units: usize) -> Result<Option<Located<Vec<f64>>>> {
    if value.is_string() {
        return Ok(value.choice(&[("projected", None)])?.value);
    }
    if !value.is_list() {
        return Err(value.wrong_type("\"projected\" or a list of numbers", "\"projected\""));
    }
    let amplitudes = value.numbers()?;
    if amplitudes.value.len() != units {
        let message = format!("`model.amplitudes` has {} entries for {units} centres", amplitudes.value.len());
        return Err(value.error(message, format!("needs {units}"), "give one amplitude per centre, or \"projected\""));
    }
    Ok(Some(amplitudes))
}

impl ModelKind for Regression {
    fn parameters(&self) -> &[Parameter] {
        &[]
    }

    fn span(&self) -> Range<usize> {
        self.centers.span.clone()
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn model::Model>> {
        let (x, y) = (column(given, "x")?, column(given, "y")?);
        let units = TanhRegression::units(&self.centers.value, &self.groups.value);
        let amplitudes = match &self.amplitudes {
            Some(values) => Amplitudes::Fixed(values.value.clone()),
            None => Amplitudes::Projected,
        };
        self.check_batch(given)?;
        let model = TanhRegression::new(x, y, &units, amplitudes, self.sample_gradient.value);
        Ok(Arc::new(model.map_err(|error| given.source.solver_error(&self.centers.span, "these units", &error))?))
    }

    fn formulas(&self, _given: &Given) -> Result<Option<FormulaModel>> {
        Ok(None)
    }

    fn notes(&self) -> Vec<String> {
        match self.sample_gradient.value {
            SampleGradient::Total | SampleGradient::Envelope => Vec::new(),
            SampleGradient::Batch => vec![
                "model.sample_gradient = \"batch\": the mean of such gradients is not that of the loss; drift and diffusion in \
                 /problem are those of \"total\""
                    .to_string(),
            ],
        }
    }
}

impl Regression {
    /// Amplitudes solved on each batch: only SGD itself can run that, with more samples in a batch than amplitudes.
    fn check_batch(&self, given: &Given) -> Result<()> {
        let key = &self.sample_gradient;
        if key.value != SampleGradient::Batch || self.amplitudes.is_some() {
            return Ok(());
        }
        let refuse =
            |message: String, label: &str, help: String| Err(given.source.error(&key.span, message, label, help));
        if let Some(engine) = given.engines.iter().find(|engine| !engine.draws_batches) {
            return refuse(
                format!("sample_gradient = \"batch\" has no drift and diffusion for the engine \"{}\"", engine.word),
                "amplitudes solved on each batch: biased",
                "write engines = [\"sgd\"], or sample_gradient = \"total\"".to_string(),
            );
        }
        let units = self.centers.value.len();
        match given.batch_size {
            Some(batch_size) if batch_size <= units => refuse(
                format!(
                    "sample_gradient = \"batch\": {batch_size} samples determine {units} amplitudes without a residual"
                ),
                "needs larger batches",
                format!("write batch_size = {} or more", units + 1),
            ),
            Some(_) | None => Ok(()),
        }
    }
}

fn column<'d>(given: &Given<'d>, name: &str) -> Result<&'d [f64]> {
    let data = given.require_data()?;
    data.column(name).ok_or_else(|| {
        let names: Vec<String> = data.names().iter().map(|name| format!("`{name}`")).collect();
        let message = format!("the data have no column `{name}`; they have {}", names.join(", "));
        let help = "tanh-regression fits y as a function of x: write columns = { x = \"…\", y = \"…\" } with the names in the file";
        let span = given.model.data.as_ref().map_or(0..0, |data| data.span.clone());
        given.source.error(&span, message, format!("needs `{name}`"), help)
    })
}
