//! The engine: the law of minibatch descent of a problem, advanced from output time to output time, with its errors.

use std::sync::OnceLock;

use super::assignment::{LEAST_VARIANCE, Rows};
use super::check::{ModelSamples, chain_of};
use super::level::{Level, Start};
use super::options::TransferOperatorOptions;
use super::samples::{Rule, Step};
use crate::Error;
use crate::engine::{Archive, Attribute, ByCell, Engine, Interrupt, LongRun, OnGrid, RefinedMoments, Snapshot};
use crate::fault::{Fault, planted};
use crate::numerics::richardson::{self, Extrapolated};
use crate::numerics::symmetric::packed_len;
use crate::problem::Problem;
use crate::problem::density::{self, moments};
use crate::problem::grid::Grid;
use crate::problem::initial::Initial;

/// Name of the group in a record.
pub const NAME: &str = "transfer_operator";
/// Probability that may leave the box in a step before it is told.
const TOLD: f64 = 1e-8;
/// Share of the probability on nodes with too short steps above which the grid is refused.
const UNRESOLVED: f64 = 0.5;

/// The law of minibatch descent on the cell centres of a grid of one or two axes.
pub struct TransferOperator {
    pub(super) problem: Problem,
    pub(super) options: TransferOperatorOptions,
    pub(super) samples: ModelSamples,
    pub(super) step: Step,
    /// The grid, and those of twice and four times its spacing.
    pub(super) levels: Vec<Level>,
    /// The same with fitted rows, once times have been asked for.
    pub(super) fitted: OnceLock<Vec<Level>>,
    pub(super) long_run: Option<LongRun>,
    /// Node probabilities of the invariant law on every level, where it is unique.
    pub(super) invariant: Vec<Vec<f64>>,
    error_grid: Option<f64>,
    pub(super) clamped: f64,
    pub(super) warnings: Vec<String>,
}

impl TransferOperator {
    /// Whether the law of descent can be put on the grid of a problem, as far as can be said before anything is computed.
    ///
    /// Errors: epoch sampling (no chain in θ), a model without samples, no learning rate, three axes, a graded or periodic axis or an
    /// absorbing wall, momentum or fitted rows in a plane, too many entries (with the grid that fits).
    pub fn check(problem: &Problem, options: &TransferOperatorOptions) -> Result<(), Error> {
        chain_of(problem, options).map(|_| ())
    }

    /// Entries of the transition matrix.
    pub fn entries(&self) -> usize {
        self.levels[0].operator().matrix.entries()
    }

    /// Builds the operator and its invariant laws.
    ///
    /// Errors: those of [`TransferOperator::check`]; a grid on which a step covers fewer than 0.55 cells (with the cells needed);
    /// [`Error::Interrupted`].
    pub fn new(problem: &Problem, options: TransferOperatorOptions, interrupt: Interrupt) -> Result<Self, Error> {
        let (samples, step) = chain_of(problem, &options)?;
        let rows = if planted(Fault::Deposit) { Rows::Linear } else { options.rows };
        let options = TransferOperatorOptions { rows, ..options };
        let mut engine = Self {
            problem: problem.clone(),
            step,
            levels: Vec::new(),
            fitted: OnceLock::new(),
            long_run: None,
            invariant: Vec::new(),
            error_grid: None,
            clamped: 0.0,
            warnings: Vec::new(),
            samples,
            options,
        };
        engine.levels = engine.build(engine.options.rows, interrupt)?;
        if engine.options.stationary {
            engine.find_long_run(interrupt)?;
        }
        engine.check_resolution()?;
        engine.look();
        Ok(engine)
    }

    /// The chain with these rows on the grid and on the coarser ones that there are.
    pub(super) fn build(&self, rows: Rows, interrupt: Interrupt) -> Result<Vec<Level>, Error> {
        let (mut grid, mut levels) = (self.problem.grid.clone(), Vec::new());
        let mut cells = self.problem.initial.cell_probability(&grid)?;
        let point = match &self.problem.initial {
            Initial::Point { at } => Some(&at[..]),
            Initial::Gaussian { .. } | Initial::Uniform | Initial::Cells { .. } => None,
        };
        let most = self.options.max_entries;
        for _ in 0..3 {
            let start = Start { cells: &cells, point };
            levels.push(Level::new(&grid, &self.samples, &self.step, rows, most, start, interrupt)?);
            let enough = |next: &Grid| next.shape().iter().all(|n| *n >= FEWEST);
            let Some(next) = grid.coarsened().filter(enough) else { break };
            cells = grid.coarsen_probability(&cells);
            grid = next;
        }
        Ok(levels)
    }

    /// Refuses a grid on which most of the probability takes steps too short for it.
    fn check_resolution(&self) -> Result<(), Error> {
        let fine = &self.levels[0];
        let nodes = self.invariant.first().cloned().unwrap_or_else(|| fine.at_nodes());
        if fine.unresolved(&nodes) <= UNRESOLVED {
            return Ok(());
        }
        let cells = fine.by_node(&fine.operator().step_cells);
        let typical: f64 = nodes.iter().zip(&cells).map(|(p, c)| p * c).sum();
        if typical <= 1e-9 {
            return Err(Error::invalid(
                "the steps of this descent have no noise, so that no grid can hold their law",
                "use smaller batches, or leave this engine out",
            ));
        }
        let times = |factor: f64| {
            let needed = |n: &usize| format!("{}", (*n as f64 * factor * LEAST_VARIANCE.sqrt() / typical).ceil());
            fine.grid.shape().iter().map(needed).collect::<Vec<_>>().join(" by ")
        };
        let along = if fine.grid.dimension() > 1 { " in its narrowest direction" } else { "" };
        Err(Error::invalid(
            format!("a step has a standard deviation of {typical:.2} cells{along} where the law is, fewer than 0.55"),
            format!("use at least {} cells, better {}", times(1.0), times(4.0)),
        ))
    }

    /// What is seen of errors now.
    fn look(&mut self) {
        self.clamped = self.clamped.max(self.levels[0].clamped_now());
        if self.levels[0].is_at_start() {
            return;
        }
        let densities: Vec<Vec<f64>> = self.levels.iter().map(|level| level.cells_of(&level.at_nodes())).collect();
        if let Some(error) = l1_error(&self.levels, &densities) {
            self.error_grid = Some(self.error_grid.map_or(error, |worst| worst.max(error)));
        }
    }

    /// Whether its steps have a memory (momentum), so that its states are pairs.
    pub(super) fn is_of_pairs(&self) -> bool {
        matches!(self.step.rule, Rule::Momentum { .. })
    }
}

/// Mean (d) and covariance (packed).
type Moments = (Vec<f64>, Vec<f64>);

/// Fewest cells along an axis on which anything can be said.
const FEWEST: usize = 8;
/// The highest order that is believed: rows with exact means and variances.
const HIGHEST_ORDER: f64 = 4.0;

/// A number without its leading error by the grid, and the error on the finest.
pub(super) fn refined(fine: f64, coarse: f64, coarsest: Option<f64>) -> Extrapolated {
    richardson::extrapolated(fine, coarse, coarsest, HIGHEST_ORDER)
}

/// Estimated L1 error of the cell probabilities on the finest of two or three grids.
pub(super) fn l1_error(levels: &[Level], cells: &[Vec<f64>]) -> Option<f64> {
    let difference = |k: usize| {
        let coarse = cells.get(k + 1)?;
        let merged = levels[k].grid.coarsen_probability(&cells[k]);
        Some(density::l1(&merged, coarse))
    };
    difference(0).map(|fine| richardson::richardson(fine, difference(1), HIGHEST_ORDER))
}

impl Engine for TransferOperator {
    fn name(&self) -> &'static str {
        NAME
    }
    fn walkers(&self) -> Option<usize> {
        None
    }
    fn time(&self) -> f64 {
        self.levels[0].steps as f64 * self.step.time()
    }

    fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        let target = (to / self.step.time()).round().max(0.0) as u64;
        for level in &mut self.levels {
            level.advance(target, interrupt)?;
        }
        self.look();
        Ok(())
    }

    fn pauses(&self) -> bool {
        true
    }

    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        for (k, level) in self.levels.iter_mut().enumerate() {
            archive.part(&format!("level_{k}"), &mut |archive| level.archive(archive))?;
        }
        archive.optional("error_grid", &mut self.error_grid)?;
        archive.number("clamped", &mut self.clamped)
    }

    fn snapshot(&self) -> Snapshot {
        let (fine, outside) = (&self.levels[0], 0.0);
        let grid: &Grid = &fine.grid;
        if let (true, Initial::Point { at }) = (fine.is_at_start(), &self.problem.initial) {
            let probability = self.problem.initial.cell_probability(grid).unwrap_or_else(|_| fine.at_nodes());
            let d = grid.dimension();
            let (mean, mean_se, covariance) = (at[..d].to_vec(), vec![0.0; d], vec![0.0; packed_len(d)]);
            return Snapshot { time: self.time(), probability, mean, mean_se, covariance, outside };
        }
        // the nodes sample the density: they have its moments
        let nodes = fine.at_nodes();
        let (mean, covariance) = moments(grid, &nodes);
        let probability = fine.cells_of(&nodes);
        let mean_se = vec![0.0; mean.len()];
        Snapshot { time: self.time(), probability, mean, mean_se, covariance, outside }
    }

    fn refined_moments(&self) -> Option<RefinedMoments> {
        let Snapshot { mean, covariance, .. } = self.snapshot();
        let (mut mean_error, mut covariance_error) = (vec![0.0; mean.len()], vec![0.0; covariance.len()]);
        let (mut mean, mut covariance) = (mean, covariance);
        if self.levels[0].is_at_start() {
            return Some(RefinedMoments { mean, mean_error, covariance, covariance_error });
        }
        let on = |level: &Level| moments(&level.grid, &level.at_nodes());
        let (coarse, coarsest) = (on(self.levels.get(1)?), self.levels.get(2).map(on));
        let refine = |values: &mut [f64], errors: &mut [f64], of: fn(&Moments) -> &[f64]| {
            for k in 0..values.len() {
                let found = refined(values[k], of(&coarse)[k], coarsest.as_ref().map(|moments| of(moments)[k]));
                (values[k], errors[k]) = (found.value, found.error);
            }
        };
        refine(&mut mean, &mut mean_error, |moments| &moments.0);
        refine(&mut covariance, &mut covariance_error, |moments| &moments.1);
        Some(RefinedMoments { mean, mean_error, covariance, covariance_error })
    }

    fn chain(&self) -> Option<&dyn OnGrid> {
        Some(self)
    }

    fn long_run(&self) -> Option<&LongRun> {
        self.long_run.as_ref()
    }

    fn by_cell(&self) -> Vec<ByCell> {
        let (fine, operator) = (&self.levels[0], self.levels[0].operator());
        let one = |name, about, values: &[f64]| ByCell { name, about, values: fine.by_node(values) };
        vec![
            one("step_cells", "standard deviation of a step from the cell, in cells", &operator.step_cells),
            one("variance_excess", "variance of a step beyond the exact one, in cells²", &operator.variance_excess),
            one("clamped_from", "probability of a step out of the box", &operator.clamped),
        ]
    }

    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let (fine, operator) = (&self.levels[0], self.levels[0].operator());
        let most = |values: &[f64]| values.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        let smallest = operator.step_cells.iter().copied().fold(f64::INFINITY, f64::min);
        let long_run = self.long_run.as_ref();
        let rows = if self.is_of_pairs() || fine.grid.dimension() > 1 { Rows::Moments } else { self.options.rows };
        vec![
            ("method", Attribute::Text(format!("{} rows", rows.word()))),
            ("rows", Attribute::Text(rows.word().into())),
            ("step", Attribute::Float(self.step.time())),
            ("entries", Attribute::Integer(self.entries() as i64)),
            ("states", Attribute::Integer(operator.matrix.states() as i64)),
            ("clamped", Attribute::Float(self.clamped)),
            ("variance_excess_max", Attribute::Float(most(&operator.variance_excess))),
            ("step_cells_min", Attribute::Float(smallest)),
            ("error_grid", Attribute::Float(self.error_grid.unwrap_or(f64::NAN))),
            ("stationary_error_grid", Attribute::Float(long_run.and_then(|l| l.error_grid).unwrap_or(f64::NAN))),
            ("stationary_residual", Attribute::Float(long_run.map_or(f64::NAN, |l| l.residual))),
            ("classes", Attribute::Integer(long_run.map_or(0, |l| l.class_probability.len()) as i64)),
            ("steps", Attribute::Integer(self.levels[0].steps as i64)),
        ]
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        if self.clamped > TOLD {
            warnings.push(format!(
                "up to {:.1e} of the probability left the box in one step and was kept at its ends: widen the grid, or take \
                 a smaller learning rate (ηλ > 2 leaves every box)",
                self.clamped
            ));
        }
        let fine = &self.levels[0];
        let unresolved = fine.unresolved(&fine.at_nodes());
        if unresolved > 0.01 {
            warnings.push(format!(
                "{:.0} % of the probability is where a step covers fewer than 0.55 cells: the variance there is too large \
                 (variance_excess); use more cells",
                100.0 * unresolved
            ));
        }
        warnings.extend(unfitted(&fine.unfitted(None, &[]), "the shares of the wells may be wrong"));
        warnings
    }
}

/// A sentence on places (x) where fitted rows fall short.
pub(super) fn unfitted(places: &[f64], what: &str) -> Option<String> {
    let (first, last) = (places.first()?, places.last()?);
    Some(format!(
        "{} fitted rows between {first:.4} and {last:.4} miss the exponent of the steps against the drift, which are too rare or too short \
         for the cells: {what}; use more cells, a smaller learning rate, or draws with replacement",
        places.len()
    ))
}
