//! `[fokker_planck]`, `[langevin]` and `[sgd]`: how each engine computes.

use fpsolve_solvers::sgd::optimizer::{Entry, OPTIMIZERS};
use miette::Result;

use crate::reader::Kind;
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};

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
    /// Ensemble of descent with normal gradients: dt = η, no walls.
    GaussianSgd,
    /// Ensemble of stochastic gradient descent.
    Sgd,
    /// Full-batch gradient descent from the positions where SGD starts.
    GradientDescent,
}

impl EngineKind {
    /// All engines, in the order they run.
    pub const ALL: [Self; 5] =
        [Self::FokkerPlanck, Self::Langevin, Self::GaussianSgd, Self::Sgd, Self::GradientDescent];

    /// The engines that run where a scenario names none.
    pub const DEFAULT: [Self; 3] = [Self::FokkerPlanck, Self::Langevin, Self::Sgd];

    /// Whether it descends step by step, which takes samples and a learning rate.
    pub fn descends(self) -> bool {
        matches!(self, Self::GaussianSgd | Self::Sgd | Self::GradientDescent)
    }

    /// The word in a scenario and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::FokkerPlanck => "fokker-planck",
            Self::Langevin => "langevin",
            Self::GaussianSgd => "gaussian-sgd",
            Self::Sgd => "sgd",
            Self::GradientDescent => "gradient-descent",
        }
    }

    /// Name of its group in the record.
    pub fn group(self) -> &'static str {
        match self {
            Self::FokkerPlanck => "fokker_planck",
            Self::Langevin => "langevin",
            Self::GaussianSgd => "gaussian_sgd",
            Self::Sgd => "sgd",
            Self::GradientDescent => "gradient_descent",
        }
    }

    /// What it computes, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::FokkerPlanck => "the density by finite volumes on the grid, and the stationary density",
            Self::Langevin => "an ensemble of the stochastic differential equation",
            Self::GaussianSgd => {
                "SGD with normal gradients of the same mean and covariance, walkers as [sgd] (only where it is named)"
            }
            Self::Sgd => "an ensemble of minibatch gradient descent itself (needs a model with data)",
            Self::GradientDescent => {
                "full-batch descent from where SGD starts, walkers as [sgd] (only where it is named)"
            }
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
    /// How space is made discrete: a word of the table, or "auto".
    pub discretisation: Located<String>,
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
    /// Number of walkers whose positions are kept.
    pub trajectories: usize,
}

/// Most walkers whose positions are kept (8 kB and more for each).
const MAX_TRAJECTORIES: u64 = 1000;

/// `[sgd]`.
#[derive(Debug, Clone)]
pub struct Sgd {
    /// Number of walkers.
    pub walkers: Located<usize>,
    /// The optimizer.
    pub optimizer: Located<Optimizer>,
    /// Learning rate of the amplitudes in joint descent.
    pub amplitude_rate: Option<Located<f64>>,
}

/// How a gradient becomes a step: an entry of the table of optimizers.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    /// Its name.
    pub name: &'static str,
    /// Its parameters by name.
    pub parameters: Vec<(String, f64)>,
}

/// Reads `engines`; None where it is not written.
pub fn read_engines(root: &Table) -> Result<Option<Located<Vec<Located<EngineKind>>>>> {
    let Some(value) = root.get("engines") else { return Ok(None) };
    let words = EngineKind::ALL.map(|engine| (engine.word(), engine));
    let mut engines: Vec<Located<EngineKind>> = Vec::new();
    for entry in value.list()? {
        let kind = entry.choice(&words)?;
        if engines.iter().any(|engine| engine.value == kind.value) {
            let message = format!("the engine \"{}\" is named twice", kind.value.word());
            return Err(entry.error(message, "second time", "name each engine once"));
        }
        engines.push(kind);
    }
    if engines.is_empty() {
        return Err(value.error(
            "`engines` is empty",
            "nothing to run",
            format!("name at least one of {}", words.map(|(word, _)| word).join(", ")),
        ));
    }
    Ok(Some(Located { value: engines, span: value.span() }))
}

/// Reads `[fokker_planck]`.
pub fn read_fokker_planck(root: &Table) -> Result<FokkerPlanck> {
    let table = root.table("fokker_planck", &["discretisation", "method", "tolerance", "stationary"])?;
    Ok(FokkerPlanck {
        discretisation: table.or("discretisation", table.here("auto".to_string()), "\"auto\"", Value::string)?,
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
    let table = root.table("langevin", &["walkers", "step", "scheme", "trajectories"])?;
    let step = table.optional("step", Value::positive)?;
    if step.is_none() {
        table.source().note_default(&table.path("step"), "chosen from the drift and the noise");
    }
    let scheme = table.here("euler-maruyama".to_string());
    let scheme = table.or("scheme", scheme, "\"euler-maruyama\"", Value::string)?;
    let count = |v: &Value| Ok(v.count(0..=MAX_TRAJECTORIES)?.value as usize);
    let trajectories = table.or("trajectories", 0, "0", count)?;
    let walkers = walkers(&table)?;
    if let Some(value) = table.get("trajectories").filter(|_| trajectories > walkers.value) {
        let message = format!("{trajectories} trajectories of {} walkers", walkers.value);
        return Err(value.error(message, "more than there are", "follow at most as many walkers as there are"));
    }
    Ok(Langevin { walkers, step, scheme, trajectories })
}

/// Reads `[sgd]`.
pub fn read_sgd(root: &Table) -> Result<Sgd> {
    let table = root.table("sgd", &["walkers", "optimizer", "amplitude_rate"])?;
    let plain = Optimizer { name: OPTIMIZERS[0].name, parameters: Vec::new() };
    let shown = format!("{{ kind = \"{}\" }}", plain.name);
    let optimizer = table.or("optimizer", table.here(plain), &shown, optimizer)?;
    let amplitude_rate = table.optional("amplitude_rate", Value::positive)?;
    Ok(Sgd { walkers: walkers(&table)?, optimizer, amplitude_rate })
}

fn optimizer(value: &Value) -> Result<Located<Optimizer>> {
    let table = value.open_table()?;
    let keys: Vec<Vec<&'static str>> =
        OPTIMIZERS.iter().map(|entry| entry.parameters.iter().map(|p| p.name).collect()).collect();
    let entries = OPTIMIZERS.iter().zip(&keys);
    let kinds: Vec<Kind<&Entry>> =
        entries.map(|(entry, keys)| Kind { word: entry.name, keys, meaning: entry }).collect();
    let entry = table.kind(&kinds[0], &[], &kinds)?.meaning;
    let name = entry.name;
    let mut parameters = Vec::new();
    for parameter in entry.parameters {
        let (key, default) = (parameter.name, parameter.default);
        let number = table.or(key, default, &default.to_string(), |v| Ok(v.number()?.value))?;
        parameters.push((key.to_string(), number));
    }
    Ok(Located { value: Optimizer { name, parameters }, span: value.span() })
}
