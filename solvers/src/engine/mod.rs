//! Engines: what computes the density ρ(θ, t) of a problem, from output time to output time, and how it is observed there.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the traits [`Engine`] and [`OnGrid`] |
//! | `observation.rs` | what is seen at an output time: [`Snapshot`], [`Statistics`], [`RefinedMoments`], [`Trajectories`] |
//! | `law.rs` | what the operator on a grid says besides: [`Stationary`], [`LongRun`], [`Spectrum`] |
//! | `ranks.rs` | several processes that compute one run: [`Ranks`] |
//! | `state.rs` | what an engine needs to go on as if it had never stopped: [`State`], [`Archive`] |
//!
//! An engine knows neither files nor the other engines. One whose law is not that of the problem's Fokker–Planck equation
//! even for small steps says so itself ([`Engine::another_small_step_limit`]).

mod law;
mod observation;
mod ranks;
mod state;

pub use law::{ByCell, LongRun, RefinedSpectrum, Spectrum, Stationary};
pub use observation::{Attribute, Interrupt, QUANTILE_LEVELS, RefinedMoments, Snapshot, Statistics, Trajectories};
pub use ranks::{Alone, Message, Patience, Ranks, meet, shares};
pub use state::{Archive, Numbers, State, Visit};

use std::sync::Arc;

use crate::Error;
use crate::escape::basin::{Basin, QuasiStationary};
use crate::escape::on_grid::GridPassage;
use crate::escape::passage::{Passage, Target};
use crate::escape::reaction::Reaction;

/// An engine: one way of computing the density ρ(θ, t) of the problem it was built with.
pub trait Engine {
    /// Name of its group in the record: `fokker_planck`, `langevin`, `sgd`.
    fn name(&self) -> &'static str;
    /// Number of walkers of an ensemble; None for a density.
    fn walkers(&self) -> Option<usize>;
    /// Time reached so far.
    fn time(&self) -> f64;
    /// Moves on to time `to`. Errors: [`Error::Numerical`] when the method fails, [`Error::Interrupted`] when asked to stop;
    /// the engine then stands at the last time it reached. What it did since is kept where it [`Engine::pauses`], and the next call for the
    /// same time goes on from there.
    fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error>;
    /// Whether nothing is lost where [`Engine::advance`] is interrupted and called again, so that its state is worth saving there.
    fn pauses(&self) -> bool {
        false
    }
    /// Notes its state, at an output time or where it pauses, or puts it back, so that it goes on bit for bit as if it had never stopped. To be put back right after it was built for
    /// the same problem with the same options. Errors: as for [`State::restore`].
    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error>;
    /// Computes its walkers together with other processes, which hold the same engine and advance it to the same times; only that of rank 0
    /// is observed. To be called right after it was built or put back; a density is computed by rank 0.
    fn share(&mut self, _ranks: &Arc<dyn Ranks>) {}
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
    /// Why its small-step limit is another equation than the problem's Fokker–Planck equation; None where it is that one.
    fn another_small_step_limit(&self) -> Option<String> {
        None
    }
    /// What it answers besides, where it holds the whole law on a grid; None for an ensemble.
    fn on_grid(&self) -> Option<&dyn OnGrid> {
        None
    }
    /// The same answers by the chain of descent itself, which are not those of the Fokker–Planck equation; None for all others.
    fn chain(&self) -> Option<&dyn OnGrid> {
        None
    }
    /// What the chain of descent does in the long run, where that was wanted.
    fn long_run(&self) -> Option<&LongRun> {
        None
    }
    /// What it tells of itself cell by cell.
    fn by_cell(&self) -> Vec<ByCell> {
        Vec::new()
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
    /// What of the loss is too narrow for any answer on this grid; None where nothing is.
    fn unseen(&self) -> Option<&str> {
        None
    }
    /// The `count` slowest relaxation modes. Errors: no unique stationary density, more modes than cells, no convergence,
    /// [`Error::Interrupted`].
    fn spectrum(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error>;
    /// Mean time, survival at the output times and committor of a first-passage problem. Errors: a target without cells or out of
    /// reach, times beyond the range of floating-point numbers, [`Error::Interrupted`].
    fn first_passage(&self, passage: &Passage, interrupt: Interrupt) -> Result<GridPassage, Error>;
    /// The quasi-stationary density of a basin and its exit rate. Errors: a basin without cells or with all of them, no convergence,
    /// [`Error::Interrupted`].
    fn quasi_stationary(&self, basin: &Basin, interrupt: Interrupt) -> Result<QuasiStationary, Error>;
    /// Transitions from one set to another at rest. Errors: no unique law at rest, a set without cells or out of reach,
    /// [`Error::Interrupted`].
    fn reaction(&self, from: &Target, to: &Target, interrupt: Interrupt) -> Result<Reaction, Error>;
}
