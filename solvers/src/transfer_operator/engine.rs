//! The engine: the law of minibatch descent of a problem, advanced from output time to output time, with its errors.

use super::assignment::{LEAST_VARIANCE, Rows};
use super::check::{ModelSamples, chain_of};
use super::level::{Level, Start};
use super::options::TransferOperatorOptions;
use super::order;
use super::samples::{Rule, Step};
use crate::Error;
use crate::engine::{Archive, Attribute, ByCell, Engine, Interrupt, LongRun, OnGrid, RefinedMoments, Snapshot};
use crate::problem::Problem;
use crate::problem::density::moments;
use crate::problem::grid::Grid;
use crate::problem::initial::Initial;

/// Name of the group in a record.
pub const NAME: &str = "transfer_operator";
/// Probability that may leave the box in a step before it is told.
const TOLD: f64 = 1e-8;
/// Share of the probability on nodes with too short steps above which the grid is refused.
const UNRESOLVED: f64 = 0.5;

/// The law of minibatch descent on the cell centres of a grid of one axis.
pub struct TransferOperator {
    pub(super) problem: Problem,
    pub(super) options: TransferOperatorOptions,
    pub(super) samples: ModelSamples,
    pub(super) step: Step,
    /// The grid, and those of twice and four times its spacing.
    pub(super) levels: Vec<Level>,
    long_run: Option<LongRun>,
    /// Node probabilities of the invariant law on every level, where it is unique.
    pub(super) invariant: Vec<Vec<f64>>,
    error_grid: Option<f64>,
    clamped: f64,
    warnings: Vec<String>,
}

impl TransferOperator {
    /// Whether the law of descent can be put on the grid of a problem, as far as can be said before anything is computed.
    ///
    /// Errors: epoch sampling (no chain in θ), a model without samples, no learning rate, more than one axis, a graded or periodic
    /// axis or an absorbing wall, too many entries (with the grid that fits).
    pub fn check(problem: &Problem, options: &TransferOperatorOptions) -> Result<(), Error> {
        chain_of(problem, options).map(|_| ())
    }

    /// Builds the operator and its invariant laws.
    ///
    /// Errors: those of [`TransferOperator::check`]; a grid on which a step covers fewer than 0.55 cells (with the cells needed);
    /// [`Error::Interrupted`].
    pub fn new(problem: &Problem, options: TransferOperatorOptions, interrupt: Interrupt) -> Result<Self, Error> {
        let (samples, step) = chain_of(problem, &options)?;
        let mut engine = Self {
            problem: problem.clone(),
            step,
            levels: Vec::new(),
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
            Initial::Point { at } => Some(at[0]),
            Initial::Gaussian { .. } | Initial::Uniform | Initial::Cells { .. } => None,
        };
        for _ in 0..3 {
            let start = Start { cells: &cells, point };
            levels.push(Level::new(&grid, &self.samples, &self.step, rows, start, interrupt)?);
            let Some(next) = grid.coarsened().filter(|next| next.len() >= FEWEST) else { break };
            cells = grid.coarsen_probability(&cells);
            grid = next;
        }
        Ok(levels)
    }

    fn find_long_run(&mut self, interrupt: Interrupt) -> Result<(), Error> {
        let fine = &self.levels[0];
        let found = match fine.invariant(interrupt) {
            Ok(found) => found,
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => {
                self.warnings.push(format!("no law of the long run: {error}"));
                return Ok(());
            }
        };
        let (nodes, unique) = (mixture(&found.laws, &found.shares), found.laws.len() == 1);
        let numbers = |level: &Level, nodes: &[f64]| {
            let (mean, covariance) = moments(&level.grid, nodes);
            let cube: f64 = nodes.iter().enumerate().map(|(j, p)| p * (level.nodes.at(j) - mean[0]).powi(3)).sum();
            [mean[0], covariance[0], cube]
        };
        let [mean, variance, cube] = numbers(fine, &nodes);
        let mut long_run = LongRun {
            probability: fine.cells_of(&nodes),
            mean: vec![mean],
            covariance: vec![variance],
            third_moment: vec![cube],
            moment_errors: Vec::new(),
            error_grid: None,
            residual: found.residual,
            class_laws: found.laws.iter().map(|law| fine.cells_of(law)).collect(),
            class_probability: found.shares,
        };
        self.clamped = self.clamped.max(found.clamped);
        self.invariant = vec![nodes];
        if unique {
            for level in &self.levels[1..] {
                let coarse = match level.invariant(interrupt) {
                    Err(error @ Error::Interrupted { .. }) => return Err(error),
                    Err(_) => break,
                    Ok(coarse) if coarse.laws.len() > 1 => break,
                    Ok(coarse) => coarse,
                };
                self.invariant.extend(coarse.laws);
            }
            let levels = || self.levels.iter().zip(&self.invariant);
            let densities: Vec<Vec<f64>> = levels().map(|(level, law)| level.cells_of(law)).collect();
            long_run.error_grid = l1_error(&self.levels, &densities);
            let all: Vec<[f64; 3]> = levels().map(|(level, law)| numbers(level, law)).collect();
            if let [fine, coarse, rest @ ..] = &all[..] {
                let error = |k: usize| order::refined(fine[k], coarse[k], rest.first().map(|r| r[k])).1;
                long_run.moment_errors = (0..3).map(error).collect();
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

    /// Refuses a grid on which most of the probability takes steps too short for it.
    fn check_resolution(&self) -> Result<(), Error> {
        let fine = &self.levels[0];
        let nodes = self.invariant.first().cloned().unwrap_or_else(|| fine.at_nodes());
        if fine.unresolved(&nodes) <= UNRESOLVED {
            return Ok(());
        }
        let cells = fine.by_node(&fine.operator.step_cells);
        let typical: f64 = nodes.iter().zip(&cells).map(|(p, c)| p * c).sum();
        if typical <= 1e-9 {
            return Err(Error::invalid(
                "the steps of this descent have no noise, so that no grid can hold their law",
                "use smaller batches, or leave this engine out",
            ));
        }
        let needed = (fine.nodes.count as f64 * LEAST_VARIANCE.sqrt() / typical).ceil();
        Err(Error::invalid(
            format!("a step has a standard deviation of {typical:.2} cells where the law is, fewer than 0.55"),
            format!("use at least {needed} cells, better {}", 4.0 * needed),
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

/// Fewest cells of a grid on which anything can be said.
const FEWEST: usize = 8;

/// Σ share·law.
fn mixture(laws: &[Vec<f64>], shares: &[f64]) -> Vec<f64> {
    let mut all = vec![0.0; laws.first().map_or(0, Vec::len)];
    for (law, share) in laws.iter().zip(shares) {
        all.iter_mut().zip(law).for_each(|(a, p)| *a += share * p);
    }
    all
}

/// Estimated L1 error of the cell probabilities on the finest of two or three grids.
fn l1_error(levels: &[Level], cells: &[Vec<f64>]) -> Option<f64> {
    let difference = |k: usize| {
        let coarse = cells.get(k + 1)?;
        let merged = levels[k].grid.coarsen_probability(&cells[k]);
        Some(merged.iter().zip(coarse).map(|(a, b)| (a - b).abs()).sum::<f64>())
    };
    difference(0).map(|fine| order::error(fine, difference(1)))
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
            let (mean, mean_se) = (at[..1].to_vec(), vec![0.0]);
            return Snapshot { time: self.time(), probability, mean, mean_se, covariance: vec![0.0], outside };
        }
        // the nodes sample the density: they have its moments
        let nodes = fine.at_nodes();
        let (mean, covariance) = moments(grid, &nodes);
        let probability = fine.cells_of(&nodes);
        Snapshot { time: self.time(), probability, mean, mean_se: vec![0.0], covariance, outside }
    }

    fn refined_moments(&self) -> Option<RefinedMoments> {
        let Snapshot { mean, covariance, .. } = self.snapshot();
        if self.levels[0].is_at_start() {
            return Some(RefinedMoments { mean, mean_error: vec![0.0], covariance, covariance_error: vec![0.0] });
        }
        let on = |level: &Level| moments(&level.grid, &level.at_nodes());
        let (coarse, coarsest) = (on(self.levels.get(1)?), self.levels.get(2).map(on));
        let one = |fine: f64, of: fn(&(Vec<f64>, Vec<f64>)) -> f64| {
            order::refined(fine, of(&coarse), coarsest.as_ref().map(of))
        };
        let (mean, mean_error) = one(mean[0], |m| m.0[0]);
        let (covariance, covariance_error) = one(covariance[0], |m| m.1[0]);
        Some(RefinedMoments {
            mean: vec![mean],
            mean_error: vec![mean_error],
            covariance: vec![covariance],
            covariance_error: vec![covariance_error],
        })
    }

    fn chain(&self) -> Option<&dyn OnGrid> {
        Some(self)
    }

    fn long_run(&self) -> Option<&LongRun> {
        self.long_run.as_ref()
    }

    fn by_cell(&self) -> Vec<ByCell> {
        let (fine, operator) = (&self.levels[0], &self.levels[0].operator);
        let one = |name, about, values: &[f64]| ByCell { name, about, values: fine.by_node(values) };
        vec![
            one("step_cells", "standard deviation of a step from the cell, in cells", &operator.step_cells),
            one("variance_excess", "variance of a step beyond the exact one, in cells²", &operator.variance_excess),
            one("clamped_from", "probability of a step out of the box", &operator.clamped),
        ]
    }

    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let operator = &self.levels[0].operator;
        let most = |values: &[f64]| values.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        let smallest = operator.step_cells.iter().copied().fold(f64::INFINITY, f64::min);
        let long_run = self.long_run.as_ref();
        let rows = if self.is_of_pairs() { Rows::Moments } else { self.options.rows };
        vec![
            ("method", Attribute::Text(format!("{} rows", rows.word()))),
            ("rows", Attribute::Text(rows.word().into())),
            ("step", Attribute::Float(self.step.time())),
            ("entries", Attribute::Integer(operator.matrix.entries() as i64)),
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
        warnings
    }
}
