//! Where the chain of descent ends: its invariant laws with their moments and errors.

use super::engine::{TransferOperator, l1_error, refined};
use super::level::{Invariant, Level};
use crate::Error;
use crate::engine::{Interrupt, LongRun};
use crate::problem::density::moments;

impl TransferOperator {
    /// Finds the invariant laws on all grids. Errors: [`Error::Interrupted`]; all others become warnings.
    pub(super) fn find_long_run(&mut self, interrupt: Interrupt) -> Result<(), Error> {
        let fine = &self.levels[0];
        let found = match fine.invariant(interrupt) {
            Ok(found) => found,
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => {
                self.warnings.push(format!("no law of the long run: {error}"));
                return Ok(());
            }
        };
        let nodes = mixture(&found.laws, &found.shares);
        let all = numbers(fine, &nodes);
        let mut long_run = LongRun {
            probability: fine.cells_of(&nodes),
            mean: all.mean,
            covariance: all.covariance,
            third_moment: all.third,
            moment_errors: Vec::new(),
            error_grid: None,
            residual: found.residual,
            class_laws: found.laws.iter().map(|law| fine.cells_of(law)).collect(),
            class_probability: found.shares,
        };
        self.clamped = self.clamped.max(found.clamped);
        self.invariant = vec![nodes];
        if long_run.class_probability.len() == 1 {
            self.invariant.extend(self.coarser_laws(interrupt)?);
            let levels = || self.levels.iter().zip(&self.invariant);
            let densities: Vec<Vec<f64>> = levels().map(|(level, law)| level.cells_of(law)).collect();
            long_run.error_grid = l1_error(&self.levels, &densities);
            let lists: Vec<Vec<f64>> = levels().map(|(level, law)| numbers(level, law).list()).collect();
            if let [fine, coarse, rest @ ..] = &lists[..] {
                let error = |k: usize| refined(fine[k], coarse[k], rest.first().map(|rest| rest[k])).error;
                long_run.moment_errors = (0..fine.len()).map(error).collect();
            }
        } else {
            let list: Vec<String> = long_run.class_probability.iter().map(|p| format!("{p:.4}")).collect();
            self.warnings.push(format!(
                "batch noise cannot cross between {} sets of θ: there are as many invariant laws, reached with the \
                 probabilities {}; the SDE has one",
                list.len(),
                list.join(", ")
            ));
        }
        self.long_run = Some(long_run);
        Ok(())
    }

    /// The invariant laws on the coarser grids, as far as they are unique there too.
    fn coarser_laws(&self, interrupt: Interrupt) -> Result<Vec<Vec<f64>>, Error> {
        let unique = |level: &Level| {
            let Invariant { laws, .. } = level.invariant(interrupt)?;
            let several = Error::invalid("several invariant laws", "");
            <[Vec<f64>; 1]>::try_from(laws).map(|[law]| law).map_err(|_| several)
        };
        on_coarser(witnesses(&self.levels, None, &[]), unique)
    }
}

/// The coarser grids whose differences from the finest, `levels[0]`, say how far that is off: none where its rows miss the exponent of rare
/// steps on the ways between wells, from `from` and to a target (its shares). Such rows are off by factors on every grid.
pub(super) fn witnesses<'a>(levels: &'a [Level], from: Option<f64>, shares: &[f64]) -> &'a [Level] {
    if levels[0].unfitted(from, shares).is_empty() { &levels[1..] } else { &[] }
}

/// Answers of the coarser grids, up to the first that has none. Errors: [`Error::Interrupted`].
pub(super) fn on_coarser<T>(levels: &[Level], one: impl Fn(&Level) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    for level in levels {
        match one(level) {
            Ok(answer) => found.push(answer),
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(_) => break, // too coarse for the question: the error stays unknown
        }
    }
    Ok(found)
}

/// Moments of a law on nodes.
struct Numbers {
    /// Mean (d).
    mean: Vec<f64>,
    /// Covariance (packed).
    covariance: Vec<f64>,
    /// Third central moment along each axis (d).
    third: Vec<f64>,
}

impl Numbers {
    fn list(self) -> Vec<f64> {
        [self.mean, self.covariance, self.third].concat()
    }
}

/// The nodes sample the density: they have its moments.
fn numbers(level: &Level, nodes: &[f64]) -> Numbers {
    let (mean, covariance) = moments(&level.grid, nodes);
    let cube = |k: usize| nodes.iter().enumerate().map(|(j, p)| p * (level.grid.center(j)[k] - mean[k]).powi(3)).sum();
    let third = (0..mean.len()).map(cube).collect();
    Numbers { mean, covariance, third }
}

/// Σ share·law.
fn mixture(laws: &[Vec<f64>], shares: &[f64]) -> Vec<f64> {
    let mut all = vec![0.0; laws.first().map_or(0, Vec::len)];
    for (law, share) in laws.iter().zip(shares) {
        all.iter_mut().zip(law).for_each(|(a, p)| *a += share * p);
    }
    all
}
