//! One engine on its way through the output times.

use std::time::Instant;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Attribute, Engine, Interrupt, RefinedMoments, Snapshot, Statistics};
use fpsolve_solvers::problem::density;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_validation::verdict::Verdict;

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
    /// What was seen at each output time.
    pub snapshots: Vec<Snapshot>,
    /// What an ensemble showed besides; empty for a density.
    pub statistics: Vec<Statistics>,
    /// Extrapolated moments; empty for an ensemble.
    pub refined: Vec<RefinedMoments>,
    /// Worst L1 error by the grid so far, at each output time; empty where there is no estimate.
    pub grid_errors: Vec<f64>,
    /// Wall seconds that it took.
    pub seconds: f64,
    /// Why it stopped, if it did.
    pub failure: Option<Error>,
}

impl EngineRun {
    /// An engine that took `seconds` to build.
    pub fn new(engine: Box<dyn Engine>, seconds: f64) -> Self {
        Self {
            engine,
            snapshots: Vec::new(),
            statistics: Vec::new(),
            refined: Vec::new(),
            grid_errors: Vec::new(),
            seconds,
            failure: None,
        }
    }

    /// Advances to `time`, checks and keeps what can be seen there; does nothing once the engine has failed.
    pub fn advance(&mut self, time: f64, interrupt: Interrupt) {
        if self.failure.is_some() {
            return;
        }
        let start = Instant::now();
        match self.engine.advance(time, interrupt).map(|()| self.engine.snapshot()) {
            Ok(snapshot) if is_finite(&snapshot) => {
                self.snapshots.push(snapshot);
                self.statistics.extend(self.engine.statistics());
                self.refined.extend(self.engine.refined_moments());
                self.grid_errors.extend(self.reported("error_grid"));
            }
            Ok(_) => {
                let help = "this is a bug of the method: please report it with the scenario";
                self.failure =
                    Some(Error::numerical(self.engine.name(), format!("at t = {time}"), "a value is not finite", help));
            }
            Err(error) => self.failure = Some(error),
        }
        self.seconds += start.elapsed().as_secs_f64();
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
        self.engine.attributes().iter().find_map(number)
    }

    /// Sentences on where its result may not be trusted.
    fn own_warnings(&self) -> Vec<String> {
        let limit =
            self.engine.another_small_step_limit().map(|why| format!("not compared with the other engines: {why}"));
        self.engine.warnings().into_iter().chain(limit).collect()
    }

    /// The same with its name, for the record as a whole.
    pub fn warnings(&self) -> Vec<String> {
        let name = self.engine.name().replace('_', "-");
        self.own_warnings().into_iter().map(|warning| format!("{name}: {warning}")).collect()
    }

    /// Its group in the record; `stationary` are cell probabilities to relax to.
    pub fn group(&self, grid: &Grid, stationary: Option<&[f64]>) -> Group {
        let mut attributes = self.engine.attributes();
        // an estimate that does not exist (no coarser grid) is left out: a record holds finite numbers
        attributes.retain(|(_, value)| !matches!(value, Attribute::Float(x) if !x.is_finite()));
        let (name, walkers) = (self.engine.name(), self.engine.walkers());
        let mut group = engine_group(name, walkers, grid, &self.snapshots, &attributes, &self.own_warnings());
        if self.engine.walkers().is_none() {
            let target = if self.engine.chain().is_some() { None } else { stationary };
            add_relaxation(&mut group, relaxation(grid, &self.snapshots, target));
            if !self.refined.is_empty() && self.refined.len() == self.snapshots.len() {
                add_refined_moments(&mut group, grid, &self.refined);
            }
        } else {
            add_statistics(&mut group, grid, &self.statistics);
        }
        self.engine.long_run().into_iter().for_each(|long_run| add_long_run(&mut group, grid, long_run));
        add_by_cell(&mut group, grid, self.engine.by_cell());
        if let Some(kept) = self.engine.trajectories() {
            add_trajectories(&mut group, grid, kept);
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
