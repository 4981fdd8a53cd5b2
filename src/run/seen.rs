//! What an engine showed so far, which can be read while it computes: for the record, and for a later run that goes on from it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Archive, Attribute, Engine, RefinedMoments, Snapshot, State, Statistics};
use fpsolve_solvers::problem::density;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_validation::verdict::Verdict;

use super::kept::Kept;
use crate::record::Group;
use crate::record::groups::engine::{Relaxation, add_refined_moments, add_relaxation, engine_group};
use crate::record::groups::ensemble::add_statistics;
use crate::text::short;

/// The part of what is kept of an engine that is its own state.
pub(super) const ENGINE: &str = "engine";
/// Probability that a chain may lose over the ends of the box in a step before its law counts as wrong.
const MOST_CLAMPED: f64 = 1e-6;

/// What an engine showed so far.
pub struct Seen {
    /// Its name.
    pub name: &'static str,
    walkers: Option<usize>,
    attributes: Vec<(&'static str, Attribute)>,
    own_warnings: Vec<String>,
    /// What was seen at each output time.
    pub snapshots: Vec<Snapshot>,
    /// What an ensemble showed besides; empty for a density.
    pub statistics: Vec<Statistics>,
    /// Extrapolated moments; empty for an ensemble.
    pub refined: Vec<RefinedMoments>,
    /// Worst L1 error by the grid so far, at each output time; empty where there is no estimate.
    pub grid_errors: Vec<f64>,
    /// Its state a while ago, and what it had shown by then.
    pub(super) kept: Option<Kept>,
    /// Why it stopped, if it did.
    pub(super) failure: Option<Error>,
}

/// What was seen, as it is now.
pub fn read(seen: &RwLock<Seen>) -> RwLockReadGuard<'_, Seen> {
    seen.read().unwrap_or_else(PoisonError::into_inner)
}

/// Sentences on where the result of an engine may not be trusted.
fn own_warnings(engine: &dyn Engine) -> Vec<String> {
    let limit = engine.another_small_step_limit().map(|why| format!("not compared with the other engines: {why}"));
    engine.warnings().into_iter().chain(limit).collect()
}

impl Seen {
    /// Nothing yet of an engine.
    pub fn of(engine: &dyn Engine) -> Self {
        Self {
            name: engine.name(),
            walkers: engine.walkers(),
            attributes: engine.attributes(),
            own_warnings: own_warnings(engine),
            snapshots: Vec::new(),
            statistics: Vec::new(),
            refined: Vec::new(),
            grid_errors: Vec::new(),
            kept: None,
            failure: None,
        }
    }

    /// Takes in what the engine says of itself now.
    pub fn listen(&mut self, engine: &dyn Engine) {
        (self.attributes, self.own_warnings) = (engine.attributes(), own_warnings(engine));
    }

    /// Adds what can be seen at an output time.
    pub fn add(&mut self, snapshot: Snapshot, statistics: Option<Statistics>, refined: Option<RefinedMoments>) {
        self.snapshots.push(snapshot);
        self.statistics.extend(statistics);
        self.refined.extend(refined);
        let error = self.reported("error_grid");
        self.grid_errors.extend(error);
    }

    /// L1 error of the density that the engine itself reports: grid and time.
    pub fn density_error(&self) -> f64 {
        ["error_grid", "error_time"].into_iter().filter_map(|name| self.reported(name)).sum()
    }

    /// The verdict on a chain that leaves the box: what is kept at its ends is no longer the law asked for.
    pub fn leaves_the_box(&self) -> Option<Verdict> {
        let value = self.reported("clamped").filter(|clamped| *clamped > MOST_CLAMPED)?;
        let why = format!(
            "{} of the probability leaves the box in a step; widen the grid, or take a smaller learning rate",
            short(value)
        );
        Some(Verdict { name: "clamped".into(), value, bound: MOST_CLAMPED, passed: false, why })
    }

    /// A finite number that the engine itself reports.
    fn reported(&self, wanted: &str) -> Option<f64> {
        let number = |(name, value): &(&'static str, Attribute)| match value {
            Attribute::Float(x) if *name == wanted && x.is_finite() => Some(*x),
            Attribute::Float(_) | Attribute::Integer(_) | Attribute::Text(_) => None,
        };
        self.attributes.iter().find_map(number)
    }

    /// The same with its name, for the record as a whole.
    pub fn warnings(&self) -> Vec<String> {
        let name = self.name.replace('_', "-");
        self.own_warnings.iter().map(|warning| format!("{name}: {warning}")).collect()
    }

    /// Its group in the record, without its trajectories; `stationary` are cell probabilities to relax to.
    pub fn group(&self, grid: &Grid, stationary: Option<&[f64]>) -> Group {
        let mut attributes = self.attributes.clone();
        // an estimate that does not exist (no coarser grid) is left out: a record holds finite numbers
        attributes.retain(|(_, value)| !matches!(value, Attribute::Float(x) if !x.is_finite()));
        let (name, walkers) = (self.name, self.walkers);
        let mut group = engine_group(name, walkers, grid, &self.snapshots, &attributes, &self.own_warnings);
        if walkers.is_none() {
            add_relaxation(&mut group, relaxation(grid, &self.snapshots, stationary));
            if !self.refined.is_empty() && self.refined.len() == self.snapshots.len() {
                add_refined_moments(&mut group, grid, &self.refined);
            }
        } else {
            add_statistics(&mut group, grid, &self.statistics);
        }
        group
    }
}

impl Seen {
    /// Whether the state is kept of what was seen last.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.snapshots == self.snapshots.len())
    }

    /// Keeps the state of the engine now.
    pub(super) fn keep(&mut self, engine: &mut dyn Engine, seconds: f64) {
        self.kept = None; // two at once would take more memory
        let state = State::save(&mut |archive| engine.archive(archive));
        self.kept = state.ok().map(|state| Kept {
            engine: Arc::new(state),
            snapshots: self.snapshots.len(),
            statistics: self.statistics.len(),
            refined: self.refined.len(),
            grid_errors: self.grid_errors.len(),
            seconds,
        });
    }

    /// The state that was kept, with what had been shown by then; None where there is none.
    pub(super) fn state(&mut self) -> Option<State> {
        let mut kept = self.kept.clone()?;
        let engine = Arc::clone(&kept.engine);
        let mut state = State::save(&mut |archive| self.archive(&mut kept, archive)).ok()?;
        state.parts.push((ENGINE.into(), State::clone(&engine)));
        Some(state)
    }

    /// Takes an engine that was just built, and what is seen of it, to a state that was kept; returns the seconds it had taken. Errors: the
    /// state of something else.
    pub(super) fn restore(&mut self, engine: &mut dyn Engine, state: &State) -> Result<f64, Error> {
        let (none, inner) = (Arc::default(), State::default());
        let mut kept = Kept { engine: none, snapshots: 0, statistics: 0, refined: 0, grid_errors: 0, seconds: 0.0 };
        state.restore(&mut |archive| self.archive(&mut kept, archive))?;
        state.part(ENGINE).unwrap_or(&inner).restore(&mut |archive| engine.archive(archive))?;
        kept.engine = Arc::new(state.part(ENGINE).cloned().unwrap_or_default());
        let seconds = kept.seconds;
        self.kept = Some(kept);
        Ok(seconds)
    }

    /// What had been shown when a state was kept.
    fn archive(&mut self, kept: &mut Kept, archive: &mut Archive) -> Result<(), Error> {
        archive.number("seconds", &mut kept.seconds)?;
        let mut times: Vec<f64> =
            self.snapshots[..kept.snapshots.min(self.snapshots.len())].iter().map(|s| s.time).collect();
        archive.vector("time", &mut times)?;
        let mut counts = [kept.statistics as u64, kept.refined as u64];
        archive.words("counts", vec![&mut counts])?;
        if archive.is_restoring() {
            // no count is larger than that of the times
            let [statistics, refined] = counts.map(|count| (count as usize).min(times.len()));
            self.snapshots = times.iter().map(|&time| blank(time)).collect();
            self.statistics = vec![Statistics::default(); statistics];
            self.refined = vec![no_moments(); refined];
            (kept.snapshots, kept.statistics, kept.refined) = (times.len(), statistics, refined);
        }
        let snapshots = &mut self.snapshots[..kept.snapshots];
        archive.lists("probability", snapshots.iter_mut().map(|s| &mut s.probability).collect())?;
        archive.lists("mean", snapshots.iter_mut().map(|s| &mut s.mean).collect())?;
        archive.lists("mean_se", snapshots.iter_mut().map(|s| &mut s.mean_se).collect())?;
        archive.lists("covariance", snapshots.iter_mut().map(|s| &mut s.covariance).collect())?;
        archive.pieces("outside", snapshots.iter_mut().map(|s| std::slice::from_mut(&mut s.outside)).collect())?;
        let statistics = &mut self.statistics[..kept.statistics];
        archive.lists("quantiles", statistics.iter_mut().map(|s| &mut s.quantiles).collect())?;
        archive.lists("covariance_se", statistics.iter_mut().map(|s| &mut s.covariance_se).collect())?;
        let refined = &mut self.refined[..kept.refined];
        archive.lists("refined_mean", refined.iter_mut().map(|r| &mut r.mean).collect())?;
        archive.lists("refined_mean_error", refined.iter_mut().map(|r| &mut r.mean_error).collect())?;
        archive.lists("refined_covariance", refined.iter_mut().map(|r| &mut r.covariance).collect())?;
        archive.lists("refined_covariance_error", refined.iter_mut().map(|r| &mut r.covariance_error).collect())?;
        let mut errors = self.grid_errors[..kept.grid_errors.min(self.grid_errors.len())].to_vec();
        archive.vector("grid_errors", &mut errors)?;
        if archive.is_restoring() {
            kept.grid_errors = errors.len();
            self.grid_errors = errors;
        }
        Ok(())
    }
}

/// Entropy of the densities, and how far they are from the stationary cell probabilities, where those are known.
pub fn relaxation(grid: &Grid, snapshots: &[Snapshot], stationary: Option<&[f64]>) -> Relaxation {
    let over = |f: &dyn Fn(&[f64]) -> f64| snapshots.iter().map(|s| f(&s.probability)).collect();
    Relaxation {
        entropy: over(&|p| density::entropy(grid, p)),
        to_stationary: stationary
            .map(|q| [over(&|p| density::kullback_leibler(p, q)), over(&|p| density::total_variation(p, q))]),
    }
}

/// A snapshot to be filled.
fn blank(time: f64) -> Snapshot {
    let none = Vec::new;
    Snapshot { time, probability: none(), mean: none(), mean_se: none(), covariance: none(), outside: 0.0 }
}

/// Moments to be filled.
fn no_moments() -> RefinedMoments {
    let none = Vec::new;
    RefinedMoments { mean: none(), mean_error: none(), covariance: none(), covariance_error: none() }
}
