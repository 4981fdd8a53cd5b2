//! Rates far below the rounding of the fastest one, with their relative accuracy: inverse iteration by elimination without subtraction.
//!
//! The slowest rate is the inverse of the largest eigenvalue of (−Q)⁻¹ on the functions of mean 0, and an eigenvalue at the large end keeps
//! its digits. With a cell c cut out, G = (−Q_c)⁻¹ is non-negative and right in every digit (the mean times to c are G 1), and for
//! ⟨f, 1⟩_π = 0 the function G f solves −Q w = f up to a constant. Modes that are slower than the next by more than [`APART`] are projected
//! out, and a cell is cut out for each of them: what is left is wrong by the ratio of the rates alone.

use std::sync::Arc;

use faer::{Mat, Side};

use super::Weights;
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::generator::{Generator, GeneratorBuilder};
use crate::fokker_planck::integrator::system::System;
use crate::fokker_planck::linear::solver::proceed;
use crate::fokker_planck::linear::table::prepare;
use crate::numerics::krylov::{Krylov, start};

/// Rates below this share of the fastest one have lost digits to its rounding.
pub(super) const SLOW: f64 = 1e-11;
/// Ratio of rates beyond which the slower mode gets a cell of its own.
const APART: f64 = 1e8;
/// Relative residual at which a mode is accepted.
const RESIDUAL: f64 = 1e-10;
const MOST: usize = 100;

/// A slow mode of a reversible generator.
pub(super) struct Slow {
    pub rate: f64,
    /// u with Σ π u² = 1.
    pub vector: Vec<f64>,
    /// Estimated relative error of the rate.
    pub error: f64,
}

/// At most `count` modes whose rates are below [`SLOW`] of the fastest rate, slowest first; fewer where a solve fails. Errors:
/// [`Error::Interrupted`].
pub(super) fn slowest(
    system: &System,
    weights: &Weights,
    count: usize,
    interrupt: Interrupt,
) -> Result<Vec<Slow>, Error> {
    let generator = system.generator();
    let fastest = generator.leaving().iter().copied().fold(0.0, f64::max);
    let mut found: Vec<Slow> = Vec::new();
    let mut cores = Cores::new(weights);
    while found.len() < count {
        let Some(next) = next(system, weights, &cores, &found, interrupt)? else { break };
        if next.rate > SLOW * fastest {
            break;
        }
        let slower = &found[cores.modes..];
        if slower.first().is_some_and(|first| next.rate > APART * first.rate) {
            slower.iter().for_each(|mode| cores.add(weights.pi, &mode.vector));
            cores.modes = found.len();
        } else {
            let before = found[..cores.modes].last().map_or(0.0, |before| before.rate / next.rate);
            let within = slower.first().map_or(0.0, |first| f64::EPSILON * next.rate / first.rate);
            found.push(Slow { error: next.error + before + within, ..next });
        }
    }
    found.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    Ok(found)
}

/// The slowest mode orthogonal to the known ones; None where its time is beyond the numbers or the iteration does not converge.
fn next(
    system: &System,
    weights: &Weights,
    cores: &Cores,
    known: &[Slow],
    interrupt: Interrupt,
) -> Result<Option<Slow>, Error> {
    let (pi, n) = (weights.pi, weights.pi.len());
    let cut = without(system.generator(), &cores.cells);
    let solver = match prepare(&cut, system.shape()).factor(0.0, 1.0, interrupt) {
        Err(error @ Error::Interrupted { .. }) => return Err(error),
        Err(_) => return Ok(None),
        Ok(solver) => solver,
    };
    let remove = |u: &mut [f64]| {
        weights.remove(u);
        for Slow { vector, .. } in known {
            let share: f64 = pi.iter().zip(u.iter()).zip(vector).map(|((p, u), v)| p * u * v).sum();
            u.iter_mut().zip(vector).for_each(|(u, v)| *u -= share * v);
        }
    };
    let mut krylov = Krylov::new(start(n), pi, &remove);
    for m in 1..=MOST.min(n - known.len()) {
        proceed(interrupt)?;
        match krylov.extend(&|u| solver.solve_backward(u, interrupt)) {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(_) => return Ok(None),
            Ok(()) => {}
        }
        if !krylov.columns[m - 1].iter().all(|h| h.is_finite()) {
            return Ok(None);
        }
        let entry = |i: usize, j: usize| krylov.columns[j].get(i).copied().unwrap_or(0.0);
        let h = Mat::from_fn(m, m, |i, j| 0.5 * (entry(i, j) + entry(j, i)));
        let Ok(eigen) = h.self_adjoint_eigen(Side::Lower) else { return Ok(None) };
        let (time, vectors) = (eigen.S().column_vector()[m - 1], eigen.U());
        let residual = krylov.columns[m - 1][m] * vectors[(m - 1, m - 1)].abs() / time;
        if residual < RESIDUAL && time > 0.0 {
            let coordinates: Vec<f64> = (0..m).map(|i| vectors[(i, m - 1)]).collect();
            let (vector, error) = (krylov.combine(&coordinates), residual + f64::EPSILON);
            return Ok(Some(Slow { rate: 1.0 / time, vector, error }));
        }
    }
    Ok(None)
}

/// Cells that are cut out, one for each mode that is far slower than those asked for, and one for the stationary mode.
struct Cores {
    cells: Vec<usize>,
    /// For each but the stationary one: its mode, 0 in the cells before.
    reduced: Vec<(usize, Vec<f64>)>,
    /// Modes that have one.
    modes: usize,
}

impl Cores {
    fn new(weights: &Weights) -> Self {
        let top = weights.conserved.then(|| largest(weights.pi.iter().copied()));
        Self { cells: top.into_iter().collect(), reduced: Vec::new(), modes: 0 }
    }

    /// Elimination with pivots: the cell where the mode differs most from the modes before.
    fn add(&mut self, pi: &[f64], mode: &[f64]) {
        let mut mode = mode.to_vec();
        if self.cells.len() > self.reduced.len() {
            let base = mode[self.cells[0]];
            mode.iter_mut().for_each(|u| *u -= base);
        }
        for (cell, before) in &self.reduced {
            let factor = mode[*cell] / before[*cell];
            mode.iter_mut().zip(before).for_each(|(u, v)| *u -= factor * v);
        }
        let cell = largest(pi.iter().zip(&mode).map(|(p, u)| p * u * u));
        self.cells.push(cell);
        self.reduced.push((cell, mode));
    }
}

fn largest(values: impl Iterator<Item = f64>) -> usize {
    values.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at)
}

/// The generator with cells cut out: edges into them are exits, they themselves have an exit that only keeps the matrix regular.
fn without(generator: &Generator, cut: &[usize]) -> Arc<Generator> {
    let mut builder = GeneratorBuilder::new(generator.cells());
    for i in 0..generator.cells() {
        if cut.contains(&i) {
            builder.add_exit(i, generator.leaving()[i].max(f64::MIN_POSITIVE));
            continue;
        }
        builder.add_exit(i, generator.exit()[i]);
        let ((cells, out), (_, back)) = (generator.outgoing(i), generator.incoming(i));
        for ((&j, &out), &back) in cells.iter().zip(out).zip(back) {
            match j as usize {
                j if cut.contains(&j) => builder.add_exit(i, out),
                j if i < j => builder.add_edge(i, j, out, back),
                _ => {} // came with its other end
            }
        }
    }
    Arc::new(builder.finish())
}
