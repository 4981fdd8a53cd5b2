//! What the three engines have in common: they advance from output time to output time and can be observed there.

use crate::Error;
use crate::ensemble::Trajectories;
use crate::escape::on_grid::GridPassage;
use crate::escape::passage::Passage;
use crate::fokker_planck::quasi_stationary::{Basin, QuasiStationary};
use crate::fokker_planck::{Spectrum, Stationary};

/// Asked once a step: true when the user wants the run to stop.
pub type Interrupt<'a> = &'a (dyn Fn() -> bool + Sync);

/// What an engine shows at an output time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Time.
    pub time: f64,
    /// Probability of each grid cell; sums to 1 − outside.
    pub probability: Vec<f64>,
    /// Mean position (d). Ensembles: over all walkers, also those off the grid.
    pub mean: Vec<f64>,
    /// Standard error of the mean (d); zeros for the Fokker–Planck engine.
    pub mean_se: Vec<f64>,
    /// Covariance (packed, d(d+1)/2).
    pub covariance: Vec<f64>,
    /// Share of the probability that is off the grid (left it or was absorbed).
    pub outside: f64,
}

/// Levels of the quantiles that ensembles show.
pub const QUANTILE_LEVELS: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// What only an ensemble shows at an output time, over the walkers that were not absorbed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// Quantiles (d × levels) at [`QUANTILE_LEVELS`]; empty when no walker is left.
    pub quantiles: Vec<f64>,
    /// Standard errors of the covariance (packed).
    pub covariance_se: Vec<f64>,
}

/// Moments of a density with the leading error of the discretisation taken off (Richardson).
#[derive(Debug, Clone, PartialEq)]
pub struct RefinedMoments {
    /// Extrapolated mean (d).
    pub mean: Vec<f64>,
    /// Estimated |error| of the mean that is not extrapolated (d).
    pub mean_error: Vec<f64>,
    /// Extrapolated covariance (packed).
    pub covariance: Vec<f64>,
    /// Estimated |error| of the covariance that is not extrapolated (packed).
    pub covariance_error: Vec<f64>,
}

/// An attribute of an engine's group in the record.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A number.
    Float(f64),
    /// A count.
    Integer(i64),
    /// A word or a sentence.
    Text(String),
}

/// An engine: one way of computing the density ρ(θ, t) of the problem it was built with.
pub trait Engine {
    /// Name of its group in the record: `fokker_planck`, `langevin`, `sgd`.
    fn name(&self) -> &'static str;
    /// Number of walkers of an ensemble; None for a density.
    fn walkers(&self) -> Option<usize>;
    /// Time reached so far.
    fn time(&self) -> f64;
    /// Moves on to time `to`. Errors: [`Error::Numerical`] when the method fails, [`Error::Interrupted`] when asked to stop;
    /// the engine then stands at the last time it reached.
    fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error>;
    /// What can be seen now.
    fn snapshot(&self) -> Snapshot;
    /// What an ensemble shows besides; None for a density.
    fn statistics(&self) -> Option<Statistics> {
        None
    }
    /// Extrapolated moments now; None for an ensemble, or where nothing coarser runs beside.
    fn refined_moments(&self) -> Option<RefinedMoments> {
        None
    }
    /// Positions of the walkers that were to be followed, at all times so far; None where there are none.
    fn trajectories(&self) -> Option<&Trajectories> {
        None
    }
    /// Why its law is not that of the problem's Fokker–Planck equation even for small steps; None where it is.
    fn other_limit(&self) -> Option<String> {
        None
    }
    /// What it answers besides, where it holds the whole law on a grid; None for an ensemble.
    fn on_grid(&self) -> Option<&dyn OnGrid> {
        None
    }
    /// Attributes for the record (`method`, `walkers`, `step`, …), final values once the run is over.
    fn attributes(&self) -> Vec<(&'static str, Attribute)>;
    /// Sentences for the summary and the record on where the result may not be trusted.
    fn warnings(&self) -> Vec<String>;
}

/// An engine that holds the whole law on a grid: its operator answers more than densities at output times.
pub trait OnGrid {
    /// The stationary density, where it was wanted and is unique.
    fn stationary(&self) -> Option<&Stationary>;
    /// The `count` slowest relaxation modes. Errors: no unique stationary density, more modes than cells, no convergence,
    /// [`Error::Interrupted`].
    fn spectrum(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error>;
    /// Mean time, survival at the output times and committor of a first-passage problem. Errors: a target without cells or out of
    /// reach, times beyond the range of floating-point numbers, [`Error::Interrupted`].
    fn first_passage(&self, passage: &Passage, interrupt: Interrupt) -> Result<GridPassage, Error>;
    /// The quasi-stationary density of a basin and its exit rate. Errors: a basin without cells or with all of them, no convergence,
    /// [`Error::Interrupted`].
    fn quasi_stationary(&self, basin: &Basin, interrupt: Interrupt) -> Result<QuasiStationary, Error>;
}
