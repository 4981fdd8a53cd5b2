//! Large grids: multigrid with a Krylov method around it, memory O(N); also for the stationary density.

use std::sync::{Arc, OnceLock};

use super::aggregation::{Hierarchy, Matrix};
use super::solver::{LinearSolver, Needed, Needs, PreparedSolver, ShiftedSolver, check_shift};
use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::communicating_classes::reversible_log_density;
use crate::fokker_planck::stationary::law::StationaryLaw;

/// Entry of the table of linear solvers.
pub const SOLVER: LinearSolver = LinearSolver {
    name: "multigrid",
    about: "multigrid with a Krylov method around it, memory O(N), for grids too large for elimination",
    applies: |generator, _| generator.cells() > 2,
    needs,
    prepare: |generator, shape, law| {
        let law = law.cloned();
        Box::new(Prepared { generator: generator.clone(), shape: shape.to_vec(), law, weights: OnceLock::new() })
    },
};

/// About 30 cycles, whatever the size; the hierarchy has 1.4 times the entries of the matrix, its construction twice as many.
fn needs(needed: &Needed) -> Needs {
    let (cells, entries) = (needed.cells(), needed.cells() * (1.0 + needed.rates));
    let bytes = 2.0 * (12.0 * entries + 30.0 * cells) + 8.0 * 14.0 * cells;
    Needs { bytes, factor: 2e-7 * entries, solve: 6e-7 * entries }
}

/// Relative residual that solves go to.
const TOLERANCE: f64 = 1e-12;
const CYCLES: usize = 120;
/// Weights below e^this are not told apart: they would underflow.
const DEEPEST: f64 = -500.0;

struct Prepared {
    generator: Arc<Generator>,
    shape: Vec<usize>,
    law: Option<Arc<StationaryLaw>>,
    weights: OnceLock<Arc<Weights>>,
}

/// The scaling of the unknowns.
struct Weights {
    value: Vec<f64>,
    /// Whether it makes the matrix symmetric.
    symmetric: bool,
}

impl Prepared {
    /// The stationary density where there is one, else 1.
    fn find_weights(&self, interrupt: Interrupt) -> Result<Weights, Error> {
        if let Some(law) = &self.law {
            let value = exponentials(&law.log_probability);
            return Ok(Weights { value, symmetric: law.reversible });
        }
        if let Some(log) = reversible_log_density(&self.generator) {
            return Ok(Weights { value: exponentials(&log), symmetric: true });
        }
        let value = if self.generator.has_exit() {
            vec![1.0; self.generator.cells()]
        } else {
            exponentials(&stationary(&self.generator, &self.shape, None, interrupt)?.0)
        };
        Ok(Weights { value, symmetric: false })
    }

    fn weights(&self, interrupt: Interrupt) -> Result<Arc<Weights>, Error> {
        if let Some(known) = self.weights.get() {
            return Ok(known.clone());
        }
        let found = Arc::new(self.find_weights(interrupt)?);
        Ok(self.weights.get_or_init(|| found).clone())
    }
}

impl PreparedSolver for Prepared {
    fn name(&self) -> &'static str {
        SOLVER.name
    }
    fn factor(&self, c: f64, gamma: f64, interrupt: Interrupt) -> Result<Box<dyn ShiftedSolver>, Error> {
        check_shift(SOLVER.name, c, gamma)?;
        if c == 0.0 && !self.generator.has_exit() {
            return Err(super::solver::singular(SOLVER.name));
        }
        let weights = self.weights(interrupt)?;
        let hierarchy = Hierarchy::new(scaled(&self.generator, &weights.value, c, gamma), &self.shape);
        let (generator, shape) = (self.generator.clone(), self.shape.clone());
        Ok(Box::new(Multigrid { generator, shape, c, gamma, weights, hierarchy, transposed: OnceLock::new() }))
    }
    fn cost(&self) -> (f64, f64) {
        let needs = needs(&Needed::of(&self.generator, &self.shape));
        (needs.factor, needs.solve)
    }
}

struct Multigrid {
    generator: Arc<Generator>,
    shape: Vec<usize>,
    c: f64,
    gamma: f64,
    weights: Arc<Weights>,
    hierarchy: Hierarchy,
    /// Of the transpose, where that is another matrix.
    transposed: OnceLock<Hierarchy>,
}

/// B = (c − γQᵀ) diag(w): its unknown x/w is smooth where w is near the stationary density.
pub(super) fn scaled(generator: &Generator, weight: &[f64], c: f64, gamma: f64) -> Matrix {
    let n = generator.cells();
    let (mut start, mut column) = (Vec::with_capacity(n + 1), Vec::with_capacity(generator.rates()));
    let mut value = Vec::with_capacity(generator.rates());
    start.push(0u32);
    for i in 0..n {
        let (cells, rates) = generator.incoming(i);
        column.extend_from_slice(cells);
        value.extend(cells.iter().zip(rates).map(|(&j, rate)| gamma * rate * weight[j as usize]));
        start.push(column.len() as u32);
    }
    let ground = (0..n).map(|j| (c + gamma * generator.exit()[j]) * weight[j]).collect();
    Matrix::new(start, column, value, ground)
}

/// The transpose of [`scaled`] as a matrix of the same kind; its columns sum to the row sums of B, which the weights make small
/// but which need not be positive: what is negative is left out of the preconditioner.
fn scaled_transposed(generator: &Generator, weight: &[f64], c: f64, gamma: f64) -> Matrix {
    let n = generator.cells();
    let (mut start, mut column, mut value) = (vec![0u32], Vec::new(), Vec::new());
    for i in 0..n {
        let (cells, rates) = generator.outgoing(i);
        column.extend_from_slice(cells);
        value.extend(rates.iter().map(|rate| gamma * rate * weight[i]));
        start.push(column.len() as u32);
    }
    let mut matrix = Matrix::new(start, column, value, vec![0.0; n]);
    let diagonal: Vec<f64> = (0..n).map(|i| (c + gamma * generator.leaving()[i]) * weight[i]).collect();
    matrix.ground = diagonal.iter().zip(&matrix.diagonal).map(|(d, s)| (d - s).max(0.0)).collect();
    matrix.with_diagonal(diagonal)
}

impl Multigrid {
    fn run(&self, hierarchy: &Hierarchy, b: &[f64], x: &mut [f64], interrupt: Interrupt) -> Result<(), Error> {
        let reached = hierarchy.solve(b, x, TOLERANCE, CYCLES, interrupt)?;
        if reached.converged || reached.residual <= ACCEPTED {
            return Ok(());
        }
        Err(Error::numerical(
            SOLVER.name,
            format!("after {} cycles", reached.cycles),
            format!("it did not converge: the relative residual is {:.1e}, not {TOLERANCE:.0e}", reached.residual),
            "use fewer cells, so that elimination fits into memory, or the integrator \"polynomial\", which needs no linear solver",
        ).set_by(&[Setting::Integrator]))
    }
}

/// Residuals below this are accepted at the end of the iterations.
const ACCEPTED: f64 = 1e-10;

impl ShiftedSolver for Multigrid {
    fn solve(&self, x: &mut [f64], interrupt: Interrupt) -> Result<(), Error> {
        let b = x.to_vec();
        self.run(&self.hierarchy, &b, x, interrupt)?;
        x.iter_mut().zip(&self.weights.value).for_each(|(x, w)| *x *= w);
        Ok(())
    }

    fn solve_backward(&self, x: &mut [f64], interrupt: Interrupt) -> Result<(), Error> {
        let weight = &self.weights.value;
        let b: Vec<f64> = x.iter().zip(weight).map(|(x, w)| x * w).collect();
        if self.weights.symmetric {
            return self.run(&self.hierarchy, &b, x, interrupt);
        }
        let build = || Hierarchy::new(scaled_transposed(&self.generator, weight, self.c, self.gamma), &self.shape);
        self.run(self.transposed.get_or_init(build), &b, x, interrupt)
    }

    fn bytes(&self) -> usize {
        let transposed = self.transposed.get().map_or(0, Hierarchy::bytes);
        self.hierarchy.bytes() + transposed + 8 * self.weights.value.len()
    }
}

fn exponentials(log: &[f64]) -> Vec<f64> {
    let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    log.iter().map(|l| (l - top).max(DEEPEST).exp()).collect()
}

/// ln π (shifted to maximum 0) of a generator with one closed class, and Σ|Qᵀπ| relative to the rate of jumps.
///
/// From a guess of ln π (from a coarser grid) or from the uniform density, by implicit Euler steps of growing length, each scaled by
/// the last density, so that the multigrid sees a smooth unknown 1 + δ; the longest steps solve the singular system itself.
/// Good to the residual in L1, not relatively right in far tails.
pub(crate) fn stationary(
    generator: &Generator,
    shape: &[usize],
    guess: Option<Vec<f64>>,
    interrupt: Interrupt,
) -> Result<(Vec<f64>, f64), Error> {
    let start = match guess {
        Some(guess) => (polished(generator, &guess, 1), 1e4),
        None => (vec![0.0; generator.cells()], 0.01),
    };
    let (log, residual) = marched(generator, shape, start, interrupt)?;
    Ok((polished(generator, &log, SWEEPS), residual))
}

/// From ln w, the first step being `fraction` of the time to diffuse along the longest axis.
fn marched(
    generator: &Generator,
    shape: &[usize],
    (mut log, fraction): (Vec<f64>, f64),
    interrupt: Interrupt,
) -> Result<(Vec<f64>, f64), Error> {
    let mut leaving = generator.leaving().to_vec();
    let middle = leaving.len() / 2;
    let (_, median, _) = leaving.select_nth_unstable_by(middle, f64::total_cmp);
    let longest = shape.iter().copied().max().unwrap_or(1) as f64;
    let mut step = fraction * longest * longest / median.max(f64::MIN_POSITIVE);
    let mut shape = shape;
    let (mut refused, mut quiet, mut residual) = (0, 0, f64::INFINITY);
    let (mut rest, mut change) = (vec![0.0; log.len()], vec![0.0; log.len()]);
    for _ in 0..STEPS {
        let weight = exponentials(&log);
        generator.forward(&weight, &mut rest);
        let jumps: f64 = weight.iter().zip(generator.leaving()).map(|(w, rate)| w * rate).sum();
        residual = rest.iter().map(|r| r.abs()).sum::<f64>() / jumps;
        if residual < CONVERGED || quiet == 2 || refused > 8 {
            break;
        }
        let (mass, excess) = (weight.iter().sum::<f64>(), rest.iter().sum::<f64>());
        // nothing is created: what rounding left would come back as a density that grows with the step
        rest.iter_mut().zip(&weight).for_each(|(r, w)| *r = step * (*r - w * (excess / mass)));
        let hierarchy = Hierarchy::new(scaled(generator, &weight, 1.0, step), shape);
        let tolerance = (0.3 * CONVERGED / residual).max(1e-3);
        let reached = hierarchy.solve(&rest, &mut change, tolerance, 40, interrupt)?;
        if reached.residual.is_nan() || reached.residual > 0.1 {
            // by strongly coupled cells and no longer by boxes
            (step, refused, shape) = (0.25 * step, refused + 1, &[]);
            continue;
        }
        let moved = weight.iter().zip(&change).map(|(w, c)| w * c.abs()).sum::<f64>() / mass;
        log.iter_mut().zip(&change).for_each(|(l, c)| *l += c.clamp(-0.99, 99.0).ln_1p());
        // a slow mode may move little within one step: two longer ones must agree that all is quiet
        quiet = if moved < QUIET { quiet + 1 } else { 0 };
        step *= 8.0;
    }
    Ok((log, residual))
}

/// Steps until the stationary density at most.
const STEPS: usize = 60;
/// Residual of rounding.
const CONVERGED: f64 = 3e-16;
/// Change in L1 below which a step found nothing to do.
const QUIET: f64 = 1e-12;

/// Gauss–Seidel sweeps from the largest values down: tails hang on what is nearer the middle, and each sweep is a sum of
/// positive numbers, so they gain the relative accuracy that a residual in L1 does not give them. Only cells that still moved are
/// visited again. Shifted to maximum 0.
fn polished(generator: &Generator, log: &[f64], sweeps: usize) -> Vec<f64> {
    let mut order = descending(log);
    let mut p = exponentials(log);
    for _ in 0..sweeps {
        order.retain(|&i| {
            let i = i as usize;
            let (cells, rates) = generator.incoming(i);
            let inflow: f64 = cells.iter().zip(rates).map(|(&j, rate)| rate * p[j as usize]).sum();
            let before = p[i];
            if inflow > 0.0 {
                p[i] = inflow / generator.leaving()[i];
            }
            (p[i] - before).abs() > SETTLED * p[i]
        });
    }
    let top = p.iter().copied().fold(0.0, f64::max);
    p.iter().map(|p| (p / top).ln()).collect()
}

/// Relative change of a cell from which on a sweep moved it.
const SETTLED: f64 = 1e-12;

/// Cells from the largest values down, those within a factor of e in their own order, which the memory likes.
fn descending(log: &[f64]) -> Vec<u32> {
    let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut steps: Vec<Vec<u32>> = Vec::new();
    for (i, l) in log.iter().enumerate() {
        let step = (top - l).clamp(0.0, -2.0 * DEEPEST) as usize;
        if steps.len() <= step {
            steps.resize_with(step + 1, Vec::new);
        }
        steps[step].push(i as u32);
    }
    steps.concat()
}

const SWEEPS: usize = 8;
