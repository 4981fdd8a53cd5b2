//! The long-step lattice chain: a transition matrix over a time τ with the SDE's conditional mean and covariance.
//!
//! From the cell x the next cell is n₀ + Σ_e k_e e: S(x) in index units is Σ λ_e e eᵀ (Selling), the heaviest offsets form a
//! basis of the lattice that carries the mean μ(x) to n₀ plus a fraction a_e ∈ [−½, ½] along each, and the k_e are
//! independent integers of mean a_e and variance λ_e. All entries are ≥ 0 and rows sum to 1; mean and covariance evolve exactly
//! where the drift is linear. It keeps its accuracy where the edge generator does not: strong anisotropy, high cell Péclet
//! numbers with a current, singular D. Reflecting and periodic walls.
//!
//! Declared: positive, mass-conserving, second order in h; for nonlinear drift or multiplicative noise the neglected third
//! cumulant makes it first order in τ.

pub mod chain_stepper;
pub mod law;
pub mod moments;
pub mod observables;
mod rows;
mod stationary;
pub mod step_choice;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::selling::{Decomposition, MAX_OFFSETS, selling};
use crate::Error;
use crate::dynamics::Dynamics;
use crate::grid::{Boundary, Grid};
use crate::symmetric::{packed_index, packed_len};
use law::integer_law;
use moments::{MOST_STEPS, Moments, conditional_moments};
use rows::{Arm, row};

/// Products are accumulated in this many parts, whatever the number of threads, so their bits do not depend on it.
const PARTS: usize = 8;
/// Cells per task.
const CHUNK: usize = 256;
/// Entries that a chain may have (12 bytes each).
pub const MOST_ENTRIES: usize = 120_000_000;
/// Cells of an estimate of their number.
const SAMPLE: usize = 64;
/// Longest offset of the decomposition of S.
const RADIUS: usize = 60;

/// The chain; see the module. Stored by rows of the transition matrix, 12 bytes an entry.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Time of a step.
    pub step: f64,
    /// Cells whose law has more variance than the SDE because the shift is a fraction of a cell and S is too small for it.
    pub infeasible: Vec<bool>,
    start: Vec<usize>,
    target: Vec<u32>,
    probability: Vec<f64>,
}

/// A cell's part of the chain while it is put together.
struct CellLaw {
    row: Vec<(u32, f64)>,
    infeasible: bool,
}

impl Chain {
    /// The chain of steps `tau`. Errors: absorbing walls or graded axes, a flow that does not stay finite, more than
    /// [`MOST_ENTRIES`] entries.
    pub fn new(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, tau: f64) -> Result<Self, Error> {
        applies(grid)?;
        let mut out = Self {
            step: tau,
            infeasible: Vec::with_capacity(grid.len()),
            start: vec![0],
            target: Vec::new(),
            probability: Vec::new(),
        };
        let cells: Vec<usize> = (0..grid.len()).collect();
        for block in cells.chunks(32 * CHUNK) {
            let laws: Result<Vec<Vec<CellLaw>>, Error> =
                block.par_chunks(CHUNK).map(|chunk| cell_laws(dynamics, temperature, grid, chunk, tau)).collect();
            for law in laws?.into_iter().flatten() {
                out.infeasible.push(law.infeasible);
                out.target.extend(law.row.iter().map(|entry| entry.0));
                out.probability.extend(law.row.iter().map(|entry| entry.1));
                out.start.push(out.target.len());
            }
            if out.target.len() > MOST_ENTRIES {
                return Err(Error::numerical(
                    "the long-step chain",
                    format!("after {} of {} cells", out.infeasible.len(), grid.len()),
                    format!("steps of {tau:e} reach too many cells ({} entries so far)", out.target.len()),
                    "use the edge generator, or fewer cells",
                ));
            }
        }
        Ok(out)
    }

    /// Entries that a chain of steps `tau` would have, from a sample of its cells. Errors as for [`Chain::new`].
    pub fn expected_entries(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, tau: f64) -> Result<f64, Error> {
        let cells: Vec<usize> = (0..SAMPLE).map(|k| (2 * k + 1) * grid.len() / (2 * SAMPLE)).collect();
        let laws = cell_laws(dynamics, temperature, grid, &cells, tau)?;
        let sampled: usize = laws.iter().map(|law| law.row.len()).sum();
        Ok(sampled as f64 / SAMPLE as f64 * grid.len() as f64)
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.infeasible.len()
    }

    /// Number of entries that are stored.
    pub fn entries(&self) -> usize {
        self.target.len()
    }

    /// Pᵀ p: cell probabilities a step later.
    pub fn forward(&self, p: &[f64], out: &mut [f64]) {
        let n = self.cells();
        let size = n.div_ceil(PARTS);
        let part = |part: usize| {
            let mut sum = vec![0.0; n];
            for x in (part * size).min(n)..((part + 1) * size).min(n) {
                // subnormal products would cost a hundred times more than they are worth
                if p[x] > 1e-280 {
                    let range = self.start[x]..self.start[x + 1];
                    for (&y, &w) in self.target[range.clone()].iter().zip(&self.probability[range]) {
                        sum[y as usize] += p[x] * w;
                    }
                }
            }
            sum
        };
        let parts: Vec<Vec<f64>> = (0..PARTS).into_par_iter().map(part).collect();
        for (y, out) in out.iter_mut().enumerate() {
            *out = parts.iter().map(|part| part[y]).sum();
        }
    }

    /// P u: the conditional expectation of u a step later.
    pub fn backward(&self, u: &[f64], out: &mut [f64]) {
        out.par_iter_mut().enumerate().for_each(|(x, out)| {
            let range = self.start[x]..self.start[x + 1];
            let terms = self.target[range.clone()].iter().zip(&self.probability[range]);
            *out = terms.map(|(&y, &w)| w * u[y as usize]).sum();
        });
    }
}

/// Whether the chain can serve the grid. Errors: why not.
pub fn applies(grid: &Grid) -> Result<(), Error> {
    let problem = |what: &str| {
        Err(Error::invalid(
            format!("the long-step chain does not work with {what}"),
            "use the edge generator: fokker_planck.discretisation = \"edge\"",
        ))
    };
    if grid.axes().iter().any(|axis| axis.boundary().contains(&Boundary::Absorbing)) {
        return problem("absorbing walls");
    }
    if !grid.is_uniform() {
        return problem("graded axes");
    }
    Ok(())
}

fn cell_laws(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    cells: &[usize],
    tau: f64,
) -> Result<Vec<CellLaw>, Error> {
    let (d, n) = (grid.dimension(), cells.len());
    let mut points = vec![0.0; d * n];
    for (i, &cell) in cells.iter().enumerate() {
        let center = grid.center(cell);
        (0..d).for_each(|k| points[k * n + i] = center[k]);
    }
    let Some(moments) = conditional_moments(dynamics, temperature, grid, &points, tau, MOST_STEPS) else {
        return Err(Error::numerical(
            "the long-step chain",
            format!("near {}", super::coefficients::place(grid, cells[0])),
            format!("mean and covariance after a step of {tau:e} are not finite"),
            "use the edge generator, or narrower bounds",
        ));
    };
    Ok((0..n).map(|i| cell_law(grid, &moments, i, n)).collect())
}

/// Decomposition of S of point i in index units.
fn decomposed(grid: &Grid, moments: &Moments, i: usize, n: usize) -> Decomposition {
    let d = grid.dimension();
    let mut s = [0.0; 6];
    for k in 0..d {
        for j in k..d {
            let c = packed_index(d, k, j);
            s[c] = moments.covariance[c * n + i] / (grid.axes()[k].spacing() * grid.axes()[j].spacing());
        }
    }
    let mut found = selling(d, &s[..packed_len(d)], RADIUS);
    let mut order: Vec<usize> = (0..found.len).collect();
    order.sort_by(|&a, &b| found.weights[b].total_cmp(&found.weights[a]));
    let (offsets, weights) = (found.offsets, found.weights);
    for (to, from) in order.into_iter().enumerate() {
        (found.offsets[to], found.weights[to]) = (offsets[from], weights[from]);
    }
    found
}

fn cell_law(grid: &Grid, moments: &Moments, i: usize, n: usize) -> CellLaw {
    let d = grid.dimension();
    let found = decomposed(grid, moments, i, n);
    let (basis, others) = lattice_basis(d, &found);
    let mut mean = [0.0; 3];
    for (k, axis) in grid.axes().iter().enumerate() {
        // the middle of the grid is the origin, so mirrored problems round alike
        let middle = 0.5 * (axis.lower() + axis.upper());
        let x = if axis.is_periodic() { axis.wrap(moments.mean[k * n + i]) } else { moments.mean[k * n + i] };
        let x = x.clamp(axis.lower(), axis.upper());
        mean[k] = (x - middle) / axis.spacing() + 0.5 * (axis.cells() as f64 - 1.0);
    }
    let coordinates = solve_basis(d, &basis, mean);
    let (mut center, mut infeasible) = ([0i32; 3], false);
    let mut arms: Vec<Arm> = Vec::with_capacity(MAX_OFFSETS);
    let mut push = |offset, mean, variance| {
        let law = integer_law(mean, variance);
        infeasible |= law.excess > 1e-9;
        arms.push((offset, law.first, law.probability));
    };
    for (q, &(offset, weight)) in basis[..d].iter().enumerate() {
        let whole = coordinates[q].round();
        (0..d).for_each(|k| center[k] += whole as i32 * i32::from(offset[k]));
        push(offset, coordinates[q] - whole, weight);
    }
    for (offset, weight) in others {
        push(offset, 0.0, weight);
    }
    CellLaw { row: row(grid, center, &arms), infeasible }
}

type Weighted = ([i8; 3], f64);

/// The heaviest offsets that are a basis of the lattice (with weight 0 where there are too few), and the others.
fn lattice_basis(d: usize, found: &Decomposition) -> ([Weighted; 3], Vec<Weighted>) {
    let mut basis: Vec<Weighted> = Vec::with_capacity(3);
    let mut others = Vec::new();
    for given in found.offsets[..found.len].iter().copied().zip(found.weights) {
        if basis.len() < d && extends(d, &basis, given.0) { basis.push(given) } else { others.push(given) }
    }
    let mut radius = 1;
    while basis.len() < d {
        match shell(d, radius).find(|&e| extends(d, &basis, e)) {
            Some(offset) => basis.push((offset, 0.0)),
            None => radius += 1,
        }
    }
    let mut out = [([0; 3], 0.0); 3];
    out.iter_mut().zip(basis).for_each(|(out, b)| *out = b);
    (out, others)
}

/// Offsets whose largest component is `radius` in size; every primitive vector can be completed to a basis by vectors no
/// longer than itself, so the search ends.
fn shell(d: usize, radius: i8) -> impl Iterator<Item = [i8; 3]> {
    let range = move |k: usize| if k < d { -radius..=radius } else { 0..=0 };
    let all = range(0).flat_map(move |a| range(1).flat_map(move |b| range(2).map(move |c| [a, b, c])));
    all.filter(move |e| e.iter().any(|c| c.abs() == radius))
}

fn extends(d: usize, basis: &[Weighted], offset: [i8; 3]) -> bool {
    let mut trial: Vec<[i8; 3]> = basis.iter().map(|b| b.0).collect();
    trial.push(offset);
    primitive(d, &trial)
}

/// Whether the vectors can be completed to a basis of ℤᵈ: the greatest common divisor of their maximal minors is 1.
fn primitive(d: usize, v: &[[i8; 3]]) -> bool {
    let w: Vec<[i64; 3]> = v.iter().map(|v| v.map(i64::from)).collect();
    let cross =
        |a: [i64; 3], b: [i64; 3]| [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let minors = match (v.len(), d) {
        (1, _) => w[0],
        (2, 2) => [0, 0, cross(w[0], w[1])[2]],
        (2, _) => cross(w[0], w[1]),
        _ => {
            let c = cross(w[0], w[1]);
            [c[0] * w[2][0] + c[1] * w[2][1] + c[2] * w[2][2], 0, 0]
        }
    };
    minors.iter().fold(0, |a, &b| gcd(a, b.abs())) == 1
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Coordinates of `v` in the basis (a unimodular matrix), by Cramer's rule.
fn solve_basis(d: usize, basis: &[Weighted; 3], v: [f64; 3]) -> [f64; 3] {
    let mut m = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for (q, (offset, _)) in basis[..d].iter().enumerate() {
        for k in 0..3 {
            m[k][q] = f64::from(offset[k]);
        }
    }
    let det = |m: &[[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = det(&m);
    let mut out = [0.0; 3];
    for q in 0..d {
        let mut replaced = m;
        for k in 0..3 {
            replaced[k][q] = v[k];
        }
        out[q] = det(&replaced) / whole;
    }
    out
}
