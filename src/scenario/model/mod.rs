//! `[model]`: the loss L(θ), or a general drift.

pub(crate) mod build;

use miette::Result;

use super::data::{self, Data};
use super::names::check_name;
use crate::reader::source::Located;
use crate::reader::table::{Kinds, Table, Value};
use crate::text::count;

/// Most dimensions of θ.
pub const MAX_DIMENSIONS: usize = 3;
/// Most characters of a formula.
pub const MAX_FORMULA: usize = 4096;

const COMMON: &[&str] = &["variables", "data"];
/// The kinds, each with the keys that only it has.
pub const KINDS: Kinds = &[
    ("formula", &["parameters", "loss", "drift"]),
    ("sample-loss", &["parameters", "sample_loss"]),
    ("tanh-regression", &["centers", "slopes", "amplitudes", "sample_gradient"]),
];

/// `[model]`.
#[derive(Debug, Clone)]
pub struct Model {
    /// Names of the variables; empty where tanh regression is left to name its slopes.
    pub variables: Located<Vec<Located<String>>>,
    /// What the loss is.
    pub kind: ModelKind,
    /// `[model.data]`.
    pub data: Option<Located<Data>>,
}

/// The kinds of `[model]`.
#[derive(Debug, Clone)]
pub enum ModelKind {
    /// One formula of the variables, or one per component of a general drift.
    Formula {
        /// Named constants.
        parameters: Vec<(Located<String>, Located<f64>)>,
        /// Loss or drift.
        law: Law,
    },
    /// A loss per sample, of the variables, the parameters and the data columns.
    SampleLoss {
        /// Named constants.
        parameters: Vec<(Located<String>, Located<f64>)>,
        /// The formula.
        sample_loss: Located<String>,
    },
    /// h(x) = Σ_j α_j tanh(w_j (x − b_j)), θ = slopes.
    TanhRegression(TanhRegression),
}

/// What a formula model gives.
#[derive(Debug, Clone)]
pub enum Law {
    /// A loss L; the drift is −∇L.
    Loss(Located<String>),
    /// The drift, one formula per component.
    Drift(Located<Vec<Located<String>>>),
}

/// The keys of `kind = "tanh-regression"`.
#[derive(Debug, Clone)]
pub struct TanhRegression {
    /// Fixed b_j.
    pub centers: Located<Vec<f64>>,
    /// Group of each unit's slope.
    pub groups: Located<Vec<usize>>,
    /// Fixed α_j; None for variable projection.
    pub amplitudes: Option<Located<Vec<f64>>>,
    /// The per-sample gradient is that of SGD on r_i² (total), with α re-solved on all data (envelope) or on each batch (batch).
    pub sample_gradient: Located<SampleGradient>,
}

/// Which per-sample gradient variable projection uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleGradient {
    /// g_i = 2 r_i ∂r_i, the full Golub–Pereyra Jacobian.
    Total,
    /// g_i = −2 r_i (∂Φ α̂)_i.
    Envelope,
    /// The gradient of each batch's own projected loss: biased, engine sgd only.
    Batch,
}

/// Reads `[model]`.
pub fn read(root: &Table) -> Result<Model> {
    let help = "write for example\n[model]\nkind = \"formula\"\nvariables = [\"x\"]\nloss = \"(x^2 - 1)^2/4\"";
    let table = root.require("model", help)?.open_table()?;
    let kind = table.kind("formula", COMMON, KINDS)?;
    let data = table.optional("data", data::read)?;
    match kind {
        "formula" => read_formula(&table, data),
        "sample-loss" => read_sample_loss(&table, data),
        _ => read_tanh(&table, data),
    }
}

fn read_formula(table: &Table, data: Option<Located<Data>>) -> Result<Model> {
    if let Some(data) = &data {
        let help =
            "write kind = \"sample-loss\" with sample_loss = \"…\" for a loss that uses data, or remove [model.data]";
        let message = "kind = \"formula\" reads no data, but there is a [model.data]";
        return Err(table.source().error(&data.span, message, "not read for this kind", help));
    }
    let variables = variables(table)?;
    let parameters = parameters(table, &variables)?;
    table.exclusive("loss", "drift", "give the loss, or a general drift that need not be a gradient")?;
    let law = match table.get("drift") {
        Some(drift) => {
            let span = drift.span();
            let formulas = drift.list()?.iter().map(formula).collect::<Result<Vec<_>>>()?;
            let (n, d) = (formulas.len(), variables.value.len());
            if n != d {
                let message = format!("`model.drift` has {} for {}", count(n, "formula"), count(d, "variable"));
                let help = "write one formula for each variable";
                return Err(table.source().error(&span, message, "one formula per variable", help));
            }
            Law::Drift(Located { value: formulas, span })
        }
        None => {
            Law::Loss(formula(&table.require("loss", "write loss = \"…\", or drift = [\"…\"] for a general drift")?)?)
        }
    };
    Ok(Model { variables, kind: ModelKind::Formula { parameters, law }, data: None })
}

fn read_sample_loss(table: &Table, data: Option<Located<Data>>) -> Result<Model> {
    let variables = variables(table)?;
    let parameters = parameters(table, &variables)?;
    let sample_loss = formula(&table.require(
        "sample_loss",
        "write sample_loss = \"…\", a formula of the variables, parameters and data columns",
    )?)?;
    require_data(table, &data)?;
    Ok(Model { variables, kind: ModelKind::SampleLoss { parameters, sample_loss }, data })
}

fn read_tanh(table: &Table, data: Option<Located<Data>>) -> Result<Model> {
    let centers = table.require("centers", "write the fixed centres b_j, for example centers = [-1.0, 0.0, 1.0]")?;
    let centers = centers.numbers()?;
    let units = centers.value.len();
    if units == 0 || units > 64 {
        let message = format!("`model.centers` has {units} entries");
        return Err(table.source().error(
            &centers.span,
            message,
            "1 to 64 centres",
            "give at least one centre, at most 64",
        ));
    }
    let groups = table.or("slopes", table.here(vec![0; units]), "\"shared\"", |value| groups(value, units))?;
    let slopes = 1 + groups.value.iter().copied().max().unwrap_or(0);
    if slopes > MAX_DIMENSIONS {
        let message = format!("`model.slopes` makes {slopes} slopes; θ has at most {MAX_DIMENSIONS} dimensions");
        let help =
            "put the units into at most 3 groups, for example slopes = [0, 0, 1, 1, 2], or write slopes = \"shared\"";
        return Err(table.source().error(&groups.span, message, format!("{slopes} slopes"), help));
    }
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
    let amplitudes = table.or("amplitudes", None, "\"projected\"", |value| amplitudes(value, units))?;
    let total = table.here(SampleGradient::Total);
    let sample_gradient = table.or("sample_gradient", total, "\"total\"", |value| {
        let word = value.word(&["total", "envelope", "batch"])?;
        let sample_gradient = match word.value {
            "envelope" => SampleGradient::Envelope,
            "batch" => SampleGradient::Batch,
            _ => SampleGradient::Total,
        };
        Ok(Located { value: sample_gradient, span: word.span })
    })?;
    require_data(table, &data)?;
    let kind = ModelKind::TanhRegression(TanhRegression { centers, groups, amplitudes, sample_gradient });
    Ok(Model { variables, kind, data })
}

fn require_data(table: &Table, data: &Option<Located<Data>>) -> Result<()> {
    match data {
        Some(_) => Ok(()),
        None => Err(table.missing("data", "write [model.data] with file = \"…\", points = { … } or teacher = { … }")),
    }
}

fn groups(value: &Value, units: usize) -> Result<Located<Vec<usize>>> {
    let span = value.span();
    if value.is_string() {
        let groups = match value.word(&["shared", "free"])?.value {
            "free" => (0..units).collect(),
            _ => vec![0; units],
        };
        return Ok(Located { value: groups, span });
    }
    if !value.is_list() {
        return Err(value.wrong_type("\"shared\", \"free\" or a list with the group of each unit", "[0, 0, 1]"));
    }
    let groups = value.list()?.iter().map(|v| v.count(0..=63).map(|n| n.value as usize)).collect::<Result<Vec<_>>>()?;
    if groups.len() != units {
        let message = format!("`model.slopes` has {} entries for {units} centres", groups.len());
        return Err(value.error(
            message,
            format!("needs {units}"),
            "give the group of each unit, one entry per centre",
        ));
    }
    let count = 1 + groups.iter().copied().max().unwrap_or(0);
    if let Some(empty) = (0..count).find(|group| !groups.contains(group)) {
        let message = format!("`model.slopes` skips group {empty}");
        return Err(value.error(message, "a slope that no unit uses", "number the groups 0, 1, 2 without gaps"));
    }
    Ok(Located { value: groups, span })
}

fn amplitudes(value: &Value, units: usize) -> Result<Option<Located<Vec<f64>>>> {
    if value.is_string() {
        value.word(&["projected"])?;
        return Ok(None);
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

/// A formula: a string of bounded length. Names and syntax are checked when the problem is built.
pub fn formula(value: &Value) -> Result<Located<String>> {
    let text = value.string()?;
    let length = text.value.chars().count();
    if length > MAX_FORMULA {
        let message = format!("`{}` has {length} characters; a formula may have {MAX_FORMULA}", value.path());
        return Err(value.error(message, "too long", "name the constants in `parameters` and simplify"));
    }
    if text.value.trim().is_empty() {
        return Err(value.error(
            format!("`{}` is empty", value.path()),
            "no formula",
            "write a formula such as \"x^2/2\"",
        ));
    }
    Ok(text)
}

fn variables(table: &Table) -> Result<Located<Vec<Located<String>>>> {
    let value = table.require("variables", "name the components of θ, for example variables = [\"x\", \"y\"]")?;
    let names = value.strings()?;
    if names.value.is_empty() || names.value.len() > MAX_DIMENSIONS {
        let message = format!("`model.variables` names {} variables", names.value.len());
        return Err(value.error(message, "1 to 3 variables", "θ has 1 to 3 dimensions: name one to three variables"));
    }
    for (i, name) in names.value.iter().enumerate() {
        check_name(table.source(), name, "variable")?;
        if names.value[..i].iter().any(|other| other.value == name.value) {
            let message = format!("the variable `{}` is named twice", name.value);
            return Err(table.source().error(&name.span, message, "second time", "give each variable its own name"));
        }
    }
    Ok(names)
}

fn parameters(
    table: &Table,
    variables: &Located<Vec<Located<String>>>,
) -> Result<Vec<(Located<String>, Located<f64>)>> {
    let Some(value) = table.get("parameters") else { return Ok(Vec::new()) };
    let mut parameters = Vec::new();
    for (name, value) in value.open_table()?.values() {
        check_name(table.source(), &name, "parameter")?;
        if variables.value.iter().any(|v| v.value == name.value) {
            let message = format!("`{}` is both a variable and a parameter", name.value);
            return Err(table.source().error(&name.span, message, "already a variable", "rename one of the two"));
        }
        parameters.push((name, value.number()?));
    }
    Ok(parameters)
}
