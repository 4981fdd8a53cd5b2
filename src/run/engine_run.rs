//! One engine on its way through the output times.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Attribute, Engine, Interrupt, RefinedMoments, Snapshot, Statistics};
use fpsolve_solvers::problem::density;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_validation::verdict::Verdict;

use crate::error::{BUG, caught};
use crate::record::Group;
use crate::record::groups::chain::{add_by_cell, add_long_run};
use crate::record::groups::engine::{Relaxation, add_refined_moments, add_relaxation, engine_group};
use crate::record::groups::ensemble::{add_statistics, add_trajectories};
use crate::text::short;

/// Probability that a chain may lose over the ends of the box in a step before its law counts as wrong.
const MOST_CLAMPED: f64 = 1e-6;

/// One engine on its way, with what it showed at the output times so far.
pub struct EngineRun {
    /// The engine.
    pub engine: Box<dyn Engine>,
    seen: Arc<RwLock<Seen>>,
    /// Wall seconds that it took.
    pub seconds: f64,
    /// Why it stopped, if it did.
    pub failure: Option<Error>,
}

/// What an engine showed so far; it can be read while the engine computes.
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
}

impl EngineRun {
    /// An engine that took `seconds` to build.
    pub fn new(engine: Box<dyn Engine>, seconds: f64) -> Self {
        let seen = Seen {
            name: engine.name(),
            walkers: engine.walkers(),
            attributes: engine.attributes(),
            own_warnings: own_warnings(&*engine),
            snapshots: Vec::new(),
            statistics: Vec::new(),
            refined: Vec::new(),
            grid_errors: Vec::new(),
        };
        Self { engine, seen: Arc::new(RwLock::new(seen)), seconds, failure: None }
    }

    /// What it showed so far.
    pub fn seen(&self) -> RwLockReadGuard<'_, Seen> {
        read(&self.seen)
    }

    /// The same, for whoever looks on while it computes.
    pub fn shared(&self) -> Arc<RwLock<Seen>> {
        Arc::clone(&self.seen)
    }

    /// Advances to `time`, checks and keeps what can be seen there; does nothing once the engine has failed.
    pub fn advance(&mut self, time: f64, interrupt: Interrupt) {
        if self.failure.is_some() {
            return;
        }
        let start = Instant::now();
        let engine = &mut self.engine;
        let bug = |what: &str| Error::numerical(engine_name(&self.seen), format!("at t = {time}"), what, BUG);
        match caught(|| engine.advance(time, interrupt).map(|()| engine.snapshot())) {
            Ok(Ok(snapshot)) if is_finite(&snapshot) => self.look(Some(snapshot)),
            Ok(Ok(_)) => {
                self.failure = Some(bug("a value is not finite"));
                self.look(None);
            }
            Ok(Err(error)) => {
                self.failure = Some(error);
                self.look(None);
            }
            // what a panic leaves of an engine is not looked at
            Err(panic) => self.failure = Some(bug(&panic)),
        }
        self.seconds += start.elapsed().as_secs_f64();
    }

    /// Keeps what the engine says of itself now, and what can be seen at an output time.
    fn look(&mut self, snapshot: Option<Snapshot>) {
        let engine = &self.engine;
        let (attributes, own_warnings) = (engine.attributes(), own_warnings(&**engine));
        let more = snapshot.map(|snapshot| (snapshot, engine.statistics(), engine.refined_moments()));
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        (seen.attributes, seen.own_warnings) = (attributes, own_warnings);
        if let Some((snapshot, statistics, refined)) = more {
            seen.snapshots.push(snapshot);
            seen.statistics.extend(statistics);
            seen.refined.extend(refined);
            let error = seen.reported("error_grid");
            seen.grid_errors.extend(error);
        }
    }

    /// Its group in the record; `stationary` are cell probabilities to relax to.
    pub fn group(&self, grid: &Grid, stationary: Option<&[f64]>) -> Group {
        let target = if self.engine.chain().is_some() { None } else { stationary };
        let mut group = self.seen().group(grid, target);
        self.engine.long_run().into_iter().for_each(|long_run| add_long_run(&mut group, grid, long_run));
        add_by_cell(&mut group, grid, self.engine.by_cell());
        if let Some(kept) = self.engine.trajectories() {
            add_trajectories(&mut group, grid, kept);
        }
        group
    }
}

/// What was seen, as it is now.
pub fn read(seen: &RwLock<Seen>) -> RwLockReadGuard<'_, Seen> {
    seen.read().unwrap_or_else(PoisonError::into_inner)
}

fn engine_name(seen: &RwLock<Seen>) -> &'static str {
    read(seen).name
}

/// Sentences on where the result of an engine may not be trusted.
fn own_warnings(engine: &dyn Engine) -> Vec<String> {
    let limit = engine.another_small_step_limit().map(|why| format!("not compared with the other engines: {why}"));
    engine.warnings().into_iter().chain(limit).collect()
}

impl Seen {
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

/// Entropy of the densities, and how far they are from the stationary cell probabilities, where those are known.
pub fn relaxation(grid: &Grid, snapshots: &[Snapshot], stationary: Option<&[f64]>) -> Relaxation {
    let over = |f: &dyn Fn(&[f64]) -> f64| snapshots.iter().map(|s| f(&s.probability)).collect();
    Relaxation {
        entropy: over(&|p| density::entropy(grid, p)),
        to_stationary: stationary
            .map(|q| [over(&|p| density::kullback_leibler(p, q)), over(&|p| density::total_variation(p, q))]),
    }
}

fn is_finite(snapshot: &Snapshot) -> bool {
    let finite = |values: &[f64]| values.iter().all(|x| x.is_finite());
    finite(&snapshot.probability)
        && finite(&snapshot.mean)
        && finite(&snapshot.covariance)
        && snapshot.outside.is_finite()
}
