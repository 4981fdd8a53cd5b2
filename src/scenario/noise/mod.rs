//! `[noise]`: the diffusion matrix D(θ).

pub(crate) mod dynamics;

use fpsolve_solvers::gradient_noise::Weights;
use miette::Result;

use super::model::formula;
use crate::reader::source::Located;
use crate::reader::table::{Kinds, Table, Value};

const COMMON: &[&str] = &["interpretation", "floor"];
/// The kinds, each with the keys that only it has.
pub const KINDS: Kinds = &[
    ("minibatch", &["weights"]),
    ("decomposed", &["parts", "weights"]),
    ("formula", &["diffusion"]),
    ("isotropic", &["variance"]),
];

/// `[noise]`.
#[derive(Debug, Clone)]
pub struct Noise {
    /// What D is; located at `kind` or at the table.
    pub kind: Located<NoiseKind>,
    /// In which sense the equation is meant.
    pub interpretation: Interpretation,
    /// Added to the diagonal of D.
    pub floor: Located<f64>,
    /// Whether the parts of the noise are those at weights that are fixed, or fitted to the data.
    pub weights: Weights,
}

/// The kinds of `[noise]`.
#[derive(Debug, Clone)]
pub enum NoiseKind {
    /// Covariance of the per-sample gradients.
    Minibatch,
    /// Chosen parts of it, where the teacher is known.
    Decomposed {
        /// Names of the parts.
        parts: Vec<Located<&'static str>>,
    },
    /// One formula per entry.
    Formula {
        /// Rows.
        diffusion: Located<Vec<Vec<Located<String>>>>,
    },
    /// variance·I.
    Isotropic {
        /// Variance.
        variance: Located<f64>,
    },
}

/// In which sense the stochastic equation is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpretation {
    /// Noise taken at the start of the step, as SGD does.
    Ito,
    /// Noise taken in the middle.
    Stratonovich,
    /// Noise taken at the end (Fick's form).
    HaenggiKlimontovich,
}

/// Reads `[noise]`; its kind is minibatch where the model has samples, else isotropic.
pub fn read(root: &Table, has_samples: bool) -> Result<Noise> {
    let Some(value) = root.get("noise") else {
        let (kind, name) = match has_samples {
            true => (NoiseKind::Minibatch, "\"minibatch\""),
            false => (NoiseKind::Isotropic { variance: root.here(1.0) }, "\"isotropic\", variance = 1"),
        };
        root.source().note_default("noise.kind", name);
        return Ok(Noise {
            kind: root.here(kind),
            interpretation: Interpretation::Ito,
            floor: root.here(0.0),
            weights: Weights::Fixed,
        });
    };
    let table = value.open_table()?;
    let default = if has_samples { "minibatch" } else { "isotropic" };
    let name = table.kind(default, COMMON, KINDS)?;
    let span = table.get("kind").map_or(table.span(), |kind| kind.span());
    if name == "minibatch" && !has_samples {
        let message = "[noise] kind = \"minibatch\" needs a model with samples, and this model has none";
        let help = "write kind = \"isotropic\" or kind = \"formula\", or use a model with [model.data]";
        return Err(table.source().error(&span, message, "no samples to draw batches from", help));
    }
    let kind = match name {
        "minibatch" => NoiseKind::Minibatch,
        "decomposed" => NoiseKind::Decomposed { parts: table.or("parts", all_parts(&table), "all three", parts)? },
        "formula" => {
            let diffusion =
                table.require("diffusion", "write D as rows of formulas, for example diffusion = [[\"1 + x^2\"]]")?;
            NoiseKind::Formula { diffusion: rows(&diffusion)? }
        }
        _ => NoiseKind::Isotropic { variance: table.or("variance", table.here(1.0), "1.0", Value::non_negative)? },
    };
    let interpretation = table.or("interpretation", Interpretation::Ito, "\"ito\"", |value| {
        Ok(match value.word(&["ito", "stratonovich", "haenggi-klimontovich"])?.value {
            "ito" => Interpretation::Ito,
            "stratonovich" => Interpretation::Stratonovich,
            _ => Interpretation::HaenggiKlimontovich,
        })
    })?;
    let floor = table.or("floor", table.here(0.0), "0.0", Value::non_negative)?;
    let weights = match name {
        "minibatch" | "decomposed" => table.or("weights", Weights::Fixed, "\"fixed\"", weights)?,
        _ => Weights::Fixed,
    };
    Ok(Noise { kind: Located { value: kind, span }, interpretation, floor, weights })
}

const PARTS: &[&str] = &["intrinsic", "exploration", "mean-gradient"];

fn all_parts(table: &Table) -> Vec<Located<&'static str>> {
    PARTS.iter().map(|&part| table.here(part)).collect()
}

fn parts(value: &Value) -> Result<Vec<Located<&'static str>>> {
    let parts = value.list()?.iter().map(|part| part.word(PARTS)).collect::<Result<Vec<_>>>()?;
    match parts.is_empty() {
        true => Err(value.error("`noise.parts` is empty", "no parts", "name at least one part")),
        false => Ok(parts),
    }
}

fn weights(value: &Value) -> Result<Weights> {
    Ok(match value.word(&["fixed", "trained"])?.value {
        "trained" => Weights::Trained,
        _ => Weights::Fixed,
    })
}

fn rows(value: &Value) -> Result<Located<Vec<Vec<Located<String>>>>> {
    let row = |row: &Value| -> Result<Vec<_>> { row.list()?.iter().map(formula).collect() };
    let rows = value.list()?.iter().map(row).collect::<Result<Vec<_>>>()?;
    Ok(Located { value: rows, span: value.span() })
}
