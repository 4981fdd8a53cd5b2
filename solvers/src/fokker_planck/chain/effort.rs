//! What chains take, counted in operations and not in seconds, so that what is decided by it is the same on every machine.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::problem::Problem;

/// Operations of an evaluation of drift and D beside those of the samples of data.
const EVALUATION: f64 = 40.0;
/// Operations of a sample.
const SAMPLE: f64 = 20.0;

/// Operations of an evaluation from a table, and of the change to the coordinates of the axes.
const TABLE: f64 = 100.0;
const COORDINATES: f64 = 100.0;

/// Cells in which it is looked how many evaluations go through all samples.
const CELLS: usize = 4096;

/// A count of operations, of about a nanosecond each, that the chains of a discretisation have taken together.
#[derive(Debug, Default)]
pub struct Effort {
    /// Operations of an evaluation of drift and D at a point.
    evaluation: f64,
    operations: AtomicU64,
}

impl Effort {
    /// Nothing so far, for a problem. Where its drift and D are tabulated an evaluation goes through all samples in some cells.
    pub fn new(problem: &Problem) -> Self {
        let (grid, all) = (&problem.grid, problem.model.sample_count().max(1) as f64);
        let few: Vec<usize> = (0..grid.len()).step_by(grid.len().div_ceil(CELLS)).collect();
        let points: Vec<f64> =
            (0..grid.dimension()).flat_map(|k| few.iter().map(move |&cell| grid.center(cell)[k])).collect();
        let tabulated = problem.dynamics.interpolation().is_some();
        let (table, share) = if tabulated { (TABLE, problem.dynamics.exact_share(&points)) } else { (0.0, 1.0) };
        let coordinates = if grid.is_uniform() { 0.0 } else { COORDINATES };
        Self { evaluation: EVALUATION + coordinates + table + share * SAMPLE * all, ..Self::default() }
    }

    /// Operations of so many evaluations of drift and D at a point.
    pub fn of_evaluations(&self, count: f64) -> f64 {
        count * self.evaluation.max(EVALUATION)
    }

    /// Counts operations; whole numbers, so that their sum does not hang on the order of threads.
    pub fn add(&self, operations: f64) {
        self.operations.fetch_add(operations as u64, Ordering::Relaxed);
    }

    /// Those counted so far.
    pub fn operations(&self) -> f64 {
        self.operations.load(Ordering::Relaxed) as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::fokker_planck::chain::lattice_law::Uncovered;
    use crate::fokker_planck::chain::transition::Chain;
    use crate::fokker_planck::testing::test_fields::{Field, grid};
    use crate::problem::grid::Boundary;

    #[test]
    fn what_is_expected_is_what_is_counted() {
        // noise of unequal directions that grows along x: laws of every kind and size
        let noise = |ratio: f64| {
            Field::new(2, move |[x, y, _]| {
                let size = 0.1 * (1.0 + x).powi(2);
                (
                    [-x - 0.5 * y, -0.5 * x - 2.0 * y, 0.0],
                    [0.6 * size, 0.5 * size, (0.42 + ratio) * size, 0.0, 0.0, 0.0],
                )
            })
        };
        let g = grid(&[(-2.0, 2.0, 48), (-2.0, 2.0, 48)], Boundary::Reflecting);
        for uncovered in [Uncovered::Arms, Uncovered::Contracted] {
            for (ratio, step) in [(1.0, 0.02), (0.1, 0.1), (0.0, 0.05), (0.0, 0.5)] {
                let field = noise(ratio);
                let expected = Chain::expected((&field, 1.0), &g, step, uncovered, &Arc::default()).unwrap();
                let effort = Arc::new(Effort::default());
                let chain = Chain::with_laws((&field, 1.0), &g, step, uncovered, &effort, &|| false).unwrap();
                let (counted, entries) = (effort.operations(), chain.entries() as f64);
                println!("{uncovered:?} {ratio} {step}: {expected:?}, {counted:e}, {entries:e}");
                assert!((0.5..2.0).contains(&(counted / expected.operations)), "{counted:e} {expected:?}");
                assert!(entries < 2.0 * expected.entries, "{entries:e} {expected:?}");
                chain.forward(&vec![1.0; g.len()], &mut vec![0.0; g.len()]);
                assert_eq!(effort.operations(), counted + entries);
            }
        }
    }
}
