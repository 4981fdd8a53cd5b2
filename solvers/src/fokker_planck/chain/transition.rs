//! The transition matrix P of a step: stored by rows, products with P and Pᵀ.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::effort::Effort;
use super::lattice_law::{Plan, Uncovered};
use super::moments::{MOST_STEPS, Moments, conditional_moments, most_evaluations};
use super::rows::Walls;
use super::step_choice::FEW;
use super::surfaces::{Step, Surfaces};
use crate::dynamics::coordinates::in_coordinates;
use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::fokker_planck::linear::solver::proceed;
use crate::fokker_planck::stencil::coefficients::place;
use crate::numerics::lanes::dispatch;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::{Axis, Grid};

/// Products are accumulated in this many parts, whatever the number of threads, so their bits do not depend on it.
const PARTS: usize = 8;
/// Entries whose product is sooner done by one thread than shared.
const FEW_ENTRIES: usize = 100_000;
/// Cells per task.
const CHUNK: usize = 128;
/// Pieces of work whose rows are held at once.
const AT_ONCE: usize = 16;
/// Entries that a chain may have (9 bytes each).
pub const MOST_ENTRIES: usize = 120_000_000;
/// Entries of a pair of chains that is chosen unasked.
pub const MOST_ENTRIES_UNASKED: f64 = 6e7;
/// Cells of an estimate of their number.
const SAMPLE: usize = 64;
/// Operations that the law of a cell may take: what is wider comes back from the walls many times over.
const MOST_OF_A_CELL: f64 = 2e7;

/// The chain; see the module. Stored by rows of the transition matrix, each as runs of neighbouring cells: some 9 bytes an entry.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Time of a step.
    pub step: f64,
    /// Cells whose law has more variance than the SDE because the shift is a fraction of a cell and S is too small for it.
    pub infeasible: Vec<bool>,
    /// The laws of cells that the noise does not cover.
    pub uncovered: Uncovered,
    /// How much more variance cells have, over all axes, in squared cells, where that is counted ([`Uncovered::Contracted`]).
    pub excess: Vec<f64>,
    /// First run and first probability of every row, and the ends of the last.
    start: Vec<(usize, usize)>,
    /// First cell and length of every run.
    runs: Vec<(u32, u32)>,
    probability: Vec<f64>,
    loses: bool,
    /// Where products are counted.
    effort: Arc<Effort>,
}

/// How paths end within a step, cell by cell.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Probability to end in the first set.
    pub arrival: Vec<f64>,
    /// Probability to end in any set or at an absorbing wall.
    pub exit: Vec<f64>,
    /// Mean of min(end of the path, end of the step), in steps.
    pub time: Vec<f64>,
}

/// What a chain takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Entries to be stored.
    pub entries: f64,
    /// Operations of putting it together.
    pub operations: f64,
}

/// A cell's part of the chain while it is put together.
struct CellLaw {
    row: Vec<(u32, f64)>,
    infeasible: bool,
    excess: f64,
    ended: Option<Step>,
}

/// What a chain is made of.
#[derive(Clone, Copy)]
struct Build<'a> {
    interrupt: Interrupt<'a>,
    dynamics: &'a dyn Dynamics,
    temperature: f64,
    grid: &'a Grid,
    step: f64,
    uncovered: Uncovered,
    surfaces: Option<&'a Surfaces>,
    effort: &'a Arc<Effort>,
}

impl Chain {
    /// The chain of steps `tau`. Errors: graded axes, a flow that does not stay finite, more than
    /// [`MOST_ENTRIES`] entries.
    pub fn new(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, tau: f64) -> Result<Self, Error> {
        Self::new_until(dynamics, temperature, grid, tau, &|| false)
    }

    /// [`Chain::new`] that can be interrupted. Errors: as there; [`Error::Interrupted`].
    pub fn new_until(
        dynamics: &dyn Dynamics,
        temperature: f64,
        grid: &Grid,
        tau: f64,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        Self::with_laws((dynamics, temperature), grid, tau, Uncovered::Arms, &Arc::default(), interrupt)
    }

    /// [`Chain::new_until`] with the given laws of cells that the noise does not cover; `sde` holds drift and D, and T; what it takes is
    /// counted. Errors: as there.
    pub fn with_laws(
        sde: (&dyn Dynamics, f64),
        grid: &Grid,
        tau: f64,
        uncovered: Uncovered,
        effort: &Arc<Effort>,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        applies(grid)?;
        let (dynamics, temperature) = sde;
        if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
            return Self::with_laws((&dynamics, temperature), &flat, tau, uncovered, effort, interrupt);
        }
        let build = Build { interrupt, dynamics, temperature, grid, step: tau, uncovered, surfaces: None, effort };
        build.chain().map(|(chain, _)| chain)
    }

    /// The chain of steps `tau` without those that touch a set. Errors: as for [`Chain::new_until`].
    pub fn ending(
        dynamics: &dyn Dynamics,
        temperature: f64,
        grid: &Grid,
        tau: f64,
        surfaces: &Surfaces,
        interrupt: Interrupt,
    ) -> Result<(Self, Ended), Error> {
        applies(grid)?;
        if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
            return Self::ending(&dynamics, temperature, &flat, tau, surfaces, interrupt);
        }
        let (uncovered, surfaces, effort) = (Uncovered::Arms, Some(surfaces), &Arc::default());
        Build { interrupt, dynamics, temperature, grid, step: tau, uncovered, surfaces, effort }.chain()
    }

    /// What a chain of steps `tau` would take, from the plans of a sample of its cells. Errors as for [`Chain::new`].
    pub fn expected(
        sde: (&dyn Dynamics, f64),
        grid: &Grid,
        tau: f64,
        uncovered: Uncovered,
        effort: &Arc<Effort>,
    ) -> Result<Expected, Error> {
        let (dynamics, temperature) = sde;
        if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
            return Self::expected((&dynamics, temperature), &flat, tau, uncovered, effort);
        }
        let cells: Vec<usize> = (0..SAMPLE).map(|k| (2 * k + 1) * grid.len() / (2 * SAMPLE)).collect();
        let interrupt = &|| false;
        let build = Build { interrupt, dynamics, temperature, grid, step: tau, uncovered, surfaces: None, effort };
        // a few steps show what a law takes, and which points would take more
        let moments = build.moments(&cells, FEW)?;
        let plans: Vec<Plan> = (0..SAMPLE).map(|i| Plan::new(grid, &moments, i, SAMPLE, uncovered)).collect();
        let more = moments.unsettled as f64 * most_evaluations(grid.dimension());
        let evaluations = effort.of_evaluations(moments.evaluations + more);
        let points: f64 = plans.iter().map(|plan| plan.points().min(grid.len() as f64)).sum();
        let operations: f64 = evaluations + plans.iter().map(Plan::operations).sum::<f64>();
        let times = grid.len() as f64 / SAMPLE as f64;
        Ok(Expected { entries: points * times, operations: operations * times })
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.infeasible.len()
    }

    /// Number of entries that are stored.
    pub fn entries(&self) -> usize {
        self.probability.len()
    }

    /// Runs of the row of a cell, each with the probabilities of its cells.
    fn row(&self, x: usize) -> impl Iterator<Item = (usize, &[f64])> {
        let (first, mut at) = self.start[x];
        self.runs[first..self.start[x + 1].0].iter().map(move |&(cell, length)| {
            let run = &self.probability[at..at + length as usize];
            at += length as usize;
            (cell as usize, run)
        })
    }

    /// Adds the row of the next cell (cells ascending).
    fn push(&mut self, row: &[(u32, f64)]) {
        for (k, &(cell, weight)) in row.iter().enumerate() {
            match self.runs.last_mut() {
                Some(run) if k > 0 && run.0 + run.1 == cell => run.1 += 1,
                _ => self.runs.push((cell, 1)),
            }
            self.probability.push(weight);
        }
        self.start.push((self.runs.len(), self.probability.len()));
    }

    /// Whether probability is lost at an absorbing wall, or in a set.
    pub fn has_exit(&self) -> bool {
        self.loses
    }

    /// Cells that a step from cell x may lead to.
    pub fn targets(&self, x: usize) -> impl Iterator<Item = usize> {
        self.row(x).flat_map(|(cell, run)| cell..cell + run.len())
    }

    /// ‖Pᵀp − p‖₁.
    pub fn residual(&self, p: &[f64]) -> f64 {
        let mut next = vec![0.0; p.len()];
        self.forward(p, &mut next);
        next.iter().zip(p).map(|(a, b)| (a - b).abs()).sum()
    }

    /// Pᵀ p: cell probabilities a step later.
    pub fn forward(&self, p: &[f64], out: &mut [f64]) {
        self.effort.add(self.entries() as f64);
        let n = self.cells();
        if self.entries() < FEW_ENTRIES {
            out.fill(0.0);
            return scatter(self, p, 0..n, out);
        }
        let size = n.div_ceil(PARTS);
        let part = |part: usize| {
            let mut sum = vec![0.0; n];
            scatter(self, p, (part * size).min(n)..((part + 1) * size).min(n), &mut sum);
            sum
        };
        let parts: Vec<Vec<f64>> = (0..PARTS).into_par_iter().map(part).collect();
        for (y, out) in out.iter_mut().enumerate() {
            *out = parts.iter().map(|part| part[y]).sum();
        }
    }

    /// P u: the conditional expectation of u a step later.
    pub fn backward(&self, u: &[f64], out: &mut [f64]) {
        self.effort.add(self.entries() as f64);
        let few_rows = FEW_ENTRIES * self.cells() / self.entries().max(1);
        out.par_iter_mut().with_min_len(few_rows.max(1)).enumerate().for_each(|(x, out)| {
            let dot = |(cell, run): (usize, &[f64])| -> f64 {
                u[cell..cell + run.len()].iter().zip(run).map(|(u, w)| w * u).sum()
            };
            *out = self.row(x).map(dot).sum();
        });
    }
}

dispatch! {
    /// Adds what the rows of some cells make of p.
    fn scatter(chain: &Chain, p: &[f64], cells: Range<usize>, sum: &mut [f64]) {
        for x in cells {
            let p = p[x];
            // subnormal products would cost a hundred times more than they are worth
            if p.abs() <= 1e-280 {
                continue;
            }
            let (first, mut at) = chain.start[x];
            for &(cell, length) in &chain.runs[first..chain.start[x + 1].0] {
                let (cell, length) = (cell as usize, length as usize);
                for (sum, weight) in sum[cell..cell + length].iter_mut().zip(&chain.probability[at..at + length]) {
                    *sum += p * weight;
                }
                at += length;
            }
        }
    }
}

/// Whether the chain can serve the grid. Errors: why not.
pub fn applies(grid: &Grid) -> Result<(), Error> {
    if grid.is_regular() {
        return Ok(());
    }
    Err(Error::invalid(
        "the long-step chain does not work with graded axes",
        "use the discretisation \"edges\", or uniform axes",
    )
    .set_by(&[Setting::Discretisation]))
}

impl Build<'_> {
    fn chain(&self) -> Result<(Chain, Ended), Error> {
        let mut out = Chain {
            step: self.step,
            infeasible: Vec::with_capacity(self.grid.len()),
            uncovered: self.uncovered,
            excess: Vec::with_capacity(self.grid.len()),
            start: vec![(0, 0)],
            runs: Vec::new(),
            probability: Vec::new(),
            loses: self.surfaces.is_some() || self.grid.axes().iter().any(Axis::absorbs),
            effort: self.effort.clone(),
        };
        let mut ended = Ended::default();
        let cells: Vec<usize> = (0..self.grid.len()).collect();
        for block in cells.chunks(AT_ONCE * CHUNK) {
            let laws: Result<Vec<Vec<CellLaw>>, Error> =
                block.par_chunks(CHUNK).map(|chunk| self.cell_laws(chunk)).collect();
            for law in laws?.into_iter().flatten() {
                out.infeasible.push(law.infeasible);
                out.excess.push(law.excess);
                out.push(&law.row);
                if let Some(step) = law.ended {
                    ended.arrival.push(step.arrival);
                    ended.exit.push(step.exit);
                    ended.time.push(step.time);
                }
            }
            if out.entries() > MOST_ENTRIES {
                return Err(Error::numerical(
                    "the long-step chain",
                    format!("after {} of {} cells", out.infeasible.len(), self.grid.len()),
                    format!("steps of {:e} reach too many cells ({} entries so far)", self.step, out.entries()),
                    "use the edge generator, or fewer cells",
                ));
            }
        }
        out.runs.shrink_to_fit();
        out.probability.shrink_to_fit();
        Ok((out, ended))
    }

    /// Mean and covariance of a step from some cells, in `most` steps of the flow. Errors: they are not finite; [`Error::Interrupted`].
    fn moments(&self, cells: &[usize], most: usize) -> Result<Moments, Error> {
        proceed(self.interrupt)?;
        let (grid, d, n) = (self.grid, self.grid.dimension(), cells.len());
        let mut points = vec![0.0; d * n];
        for (i, &cell) in cells.iter().enumerate() {
            let center = grid.center(cell);
            (0..d).for_each(|k| points[k * n + i] = center[k]);
        }
        let moments = conditional_moments(self.dynamics, self.temperature, grid, &points, self.step, most);
        moments.ok_or_else(|| {
            let what = format!("mean and covariance after a step of {:e} are not finite", self.step);
            let help = "use the edge generator, or narrower bounds";
            Error::numerical("the long-step chain", format!("near {}", place(grid, cells[0])), what, help)
        })
    }

    /// The laws of some cells.
    fn cell_laws(&self, cells: &[usize]) -> Result<Vec<CellLaw>, Error> {
        let (grid, n) = (self.grid, cells.len());
        let moments = self.moments(cells, MOST_STEPS)?;
        self.effort.add(self.effort.of_evaluations(moments.evaluations));
        let walls = Walls::new(grid);
        let cell_law = |(i, &cell): (usize, &usize)| {
            let plan = Plan::new(grid, &moments, i, n, self.uncovered);
            self.effort.add(plan.operations());
            proceed(self.interrupt)?;
            if plan.operations() > MOST_OF_A_CELL {
                let what = format!("the noise of a step of {:e} reaches far beyond the whole grid", self.step);
                let help = "use the edge generator, or wider bounds";
                let place = format!("near {}", place(grid, cell));
                return Err(Error::numerical("the long-step chain", place, what, help));
            }
            let law = plan.law();
            let mut row = walls.row(cell, law.shift, law.variance, &law.entries);
            let ended = self.surfaces.map(|surfaces| surfaces.end(cell, &mut row, &moments, i, n));
            Ok(CellLaw { row, infeasible: law.infeasible, excess: law.excess, ended })
        };
        cells.iter().enumerate().map(cell_law).collect()
    }
}
