//! What the yardsticks share: grids, running an engine, sample moments of walkers.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses a part

use fpsolve_solvers::engine::{Engine, Snapshot};
use fpsolve_solvers::ensemble::Ensemble;
use fpsolve_solvers::problem::grid::{Boundary, Grid};
use fpsolve_validation::compare::{Laws, Series};
use fpsolve_validation::reference::grids;
pub use fpsolve_validation::statistics::Estimate;

pub fn line(from: f64, to: f64, cells: usize) -> Grid {
    grids::uniform(&[(from, to, cells)], Boundary::Reflecting).unwrap()
}

pub fn square(half: f64, cells: usize) -> Grid {
    rectangle([half, half], cells)
}

pub fn rectangle(half: [f64; 2], cells: usize) -> Grid {
    grids::uniform(&half.map(|half| (-half, half, cells)), Boundary::Reflecting).unwrap()
}

pub fn cube(half: f64, cells: usize) -> Grid {
    grids::uniform(&[(-half, half, cells); 3], Boundary::Reflecting).unwrap()
}

/// Snapshots of an engine at the given times.
pub fn run(engine: &mut dyn Engine, times: &[f64]) -> Vec<Snapshot> {
    let see = |&time: &f64| {
        engine.advance(time, &|| false).unwrap();
        engine.snapshot()
    };
    times.iter().map(see).collect()
}

/// Snapshots as a series for comparisons.
pub struct Kept {
    pub name: &'static str,
    pub walkers: Option<usize>,
    pub times: Vec<f64>,
    pub probability: Vec<Vec<f64>>,
    pub outside: Vec<f64>,
}

impl Kept {
    pub fn run(engine: &mut dyn Engine, times: &[f64]) -> Self {
        let seen = run(engine, times);
        Self {
            name: engine.name(),
            walkers: engine.walkers(),
            times: times.to_vec(),
            outside: seen.iter().map(|s| s.outside).collect(),
            probability: seen.into_iter().map(|s| s.probability).collect(),
        }
    }

    pub fn exact(probability: Vec<Vec<f64>>, times: &[f64]) -> Self {
        let outside = vec![0.0; times.len()];
        Self { name: "exact", walkers: None, times: times.to_vec(), probability, outside }
    }

    pub fn series(&self) -> Series<'_> {
        let Self { name, walkers, times, probability, outside } = self;
        Series { name, walkers: *walkers, times, probability: Laws::Held(probability), outside }
    }
}

/// Covariance of two coordinates over all walkers, standard error from the sample's fourth moments.
pub fn covariance(ensemble: &Ensemble, i: usize, j: usize) -> Estimate {
    let n = ensemble.walkers();
    Estimate::covariance(&ensemble.first_points(n), n, i, j)
}

/// Observed order between two errors at a refinement by 2.
pub fn order(coarse: f64, fine: f64) -> f64 {
    (coarse / fine).log2()
}
