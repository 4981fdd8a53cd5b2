//! `[fokker_planck]`, `[langevin]` and `[sgd]`: how each engine computes.

use miette::Result;

use super::source::Located;
use super::table::{Kinds, Table, Value};

/// Most walkers of an ensemble.
pub const MAX_WALKERS: u64 = 1_000_000_000;
/// Walkers where the scenario names no number.
pub const DEFAULT_WALKERS: u64 = 100_000;

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineKind {
    /// Finite volumes on the grid.
    FokkerPlanck,
    /// Ensemble of the stochastic differential equation.
    Langevin,
    /// Ensemble of stochastic gradient descent.
    Sgd,
}

impl EngineKind {
    /// All engines, in the order they run.
    pub const ALL: [Self; 3] = [Self::FokkerPlanck, Self::Langevin, Self::Sgd];

    /// The word in a scenario and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::FokkerPlanck => "fokker-planck",
            Self::Langevin => "langevin",
            Self::Sgd => "sgd",
        }
    }

    /// Name of its table in the scenario and of its group in the record.
    pub fn group(self) -> &'static str {
        match self {
            Self::FokkerPlanck => "fokker_planck",
            Self::Langevin => "langevin",
            Self::Sgd => "sgd",
        }
    }

    /// The engine with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.word() == word)
    }
}

/// `[fokker_planck]`.
#[derive(Debug, Clone)]
pub struct FokkerPlanck {
    /// Name of the time integrator, or "auto".
    pub method: Located<String>,
    /// Tolerance of the error in time.
    pub tolerance: Located<f64>,
    /// Whether the stationary density is solved for.
    pub stationary: bool,
}

/// `[langevin]`.
#[derive(Debug, Clone)]
pub struct Langevin {
    /// Number of walkers.
    pub walkers: Located<usize>,
    /// Time step; None to choose it.
    pub step: Option<Located<f64>>,
    /// Name of the scheme.
    pub scheme: Located<String>,
}

/// `[sgd]`.
#[derive(Debug, Clone)]
pub struct Sgd {
    /// Number of walkers.
    pub walkers: Located<usize>,
    /// The optimizer.
    pub optimizer: Located<Optimizer>,
}

/// How a gradient becomes a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// θ' = θ − η ĝ.
    Sgd,
    /// v' = μ v − η ĝ, θ' = θ + v'.
    Momentum {
        /// μ in [0, 1).
        mu: f64,
    },
    /// Running mean square.
    Rmsprop {
        /// Decay ρ in [0, 1).
        rho: f64,
        /// Added to the root.
        epsilon: f64,
    },
    /// Running mean and mean square.
    Adam {
        /// Decay of the mean, in [0, 1).
        beta1: f64,
        /// Decay of the mean square, in [0, 1).
        beta2: f64,
        /// Added to the root.
        epsilon: f64,
    },
}

/// Reads `engines`; None where it is not written.
pub fn read_engines(root: &Table) -> Result<Option<Located<Vec<Located<EngineKind>>>>> {
    let Some(value) = root.get("engines") else { return Ok(None) };
    let words: Vec<&'static str> = EngineKind::ALL.iter().map(|engine| engine.word()).collect();
    let mut engines: Vec<Located<EngineKind>> = Vec::new();
    for entry in value.list()? {
        let word = entry.word(&words)?;
        let Some(kind) = EngineKind::from_word(word.value) else { continue };
        if engines.iter().any(|engine| engine.value == kind) {
            let message = format!("the engine \"{}\" is named twice", word.value);
            return Err(entry.error(message, "second time", "name each engine once"));
        }
        engines.push(Located { value: kind, span: word.span });
    }
    if engines.is_empty() {
        return Err(value.error(
            "`engines` is empty",
            "nothing to run",
            format!("name at least one of {}", words.join(", ")),
        ));
    }
    Ok(Some(Located { value: engines, span: value.span() }))
}

/// Reads `[fokker_planck]`.
pub fn read_fokker_planck(root: &Table) -> Result<FokkerPlanck> {
    let table = root.table("fokker_planck", &["method", "tolerance", "stationary"])?;
    Ok(FokkerPlanck {
        method: table.or("method", table.here("auto".to_string()), "\"auto\"", Value::string)?,
        tolerance: table.or("tolerance", table.here(1e-6), "1e-6", tolerance)?,
        stationary: table.or("stationary", true, "true", |v| Ok(v.boolean()?.value))?,
    })
}

fn tolerance(value: &Value) -> Result<Located<f64>> {
    let number = value.positive()?;
    if (1e-13..=0.1).contains(&number.value) {
        return Ok(number);
    }
    let message = format!("`{}` is {}; it must lie between 1e-13 and 0.1", value.path(), number.value);
    Err(value.error(message, "out of range", "write for example tolerance = 1e-6"))
}

fn walkers(table: &Table) -> Result<Located<usize>> {
    let read = |v: &Value| Ok(v.count(1..=MAX_WALKERS)?.map(|n| n as usize));
    table.or("walkers", table.here(DEFAULT_WALKERS as usize), &DEFAULT_WALKERS.to_string(), read)
}

/// Reads `[langevin]`.
pub fn read_langevin(root: &Table) -> Result<Langevin> {
    let table = root.table("langevin", &["walkers", "step", "scheme"])?;
    let step = table.optional("step", Value::positive)?;
    if step.is_none() {
        table.source().note_default(&table.path("step"), "chosen from the drift and the noise");
    }
    let scheme = table.here("euler-maruyama".to_string());
    let scheme = table.or("scheme", scheme, "\"euler-maruyama\"", Value::string)?;
    Ok(Langevin { walkers: walkers(&table)?, step, scheme })
}

/// Reads `[sgd]`.
pub fn read_sgd(root: &Table) -> Result<Sgd> {
    let table = root.table("sgd", &["walkers", "optimizer"])?;
    let optimizer = table.or("optimizer", table.here(Optimizer::Sgd), "{ kind = \"sgd\" }", optimizer)?;
    Ok(Sgd { walkers: walkers(&table)?, optimizer })
}

const OPTIMIZERS: Kinds =
    &[("sgd", &[]), ("momentum", &["mu"]), ("rmsprop", &["rho", "epsilon"]), ("adam", &["beta1", "beta2", "epsilon"])];

fn optimizer(value: &Value) -> Result<Located<Optimizer>> {
    let table = value.open_table()?;
    let decay = |key: &str, default: f64| table.or(key, default, &default.to_string(), fraction);
    let epsilon = || table.or("epsilon", 1e-8, "1e-8", |v| Ok(v.positive()?.value));
    let optimizer = match table.kind("sgd", &[], OPTIMIZERS)? {
        "momentum" => Optimizer::Momentum { mu: decay("mu", 0.9)? },
        "rmsprop" => Optimizer::Rmsprop { rho: decay("rho", 0.99)?, epsilon: epsilon()? },
        "adam" => Optimizer::Adam { beta1: decay("beta1", 0.9)?, beta2: decay("beta2", 0.999)?, epsilon: epsilon()? },
        _ => Optimizer::Sgd,
    };
    Ok(Located { value: optimizer, span: value.span() })
}

fn fraction(value: &Value) -> Result<f64> {
    let number = value.number()?.value;
    if (0.0..1.0).contains(&number) {
        return Ok(number);
    }
    let message = format!("`{}` is {number}; it must be at least 0 and less than 1", value.path());
    Err(value.error(message, "out of range", "write for example 0.9"))
}
