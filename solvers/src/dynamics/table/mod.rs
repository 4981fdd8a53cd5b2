//! Drift and D interpolated between the nodes of a lattice over the box: a model with data is evaluated once a node.
//!
//! | file | holds |
//! |---|---|
//! | `lattice.rs` | nodes, and the polynomials of degree five through them |
//! | `beside.rs` | a dynamics that can make its own table |
//!
//! D itself is interpolated, not its root: where D vanishes in a point (at an interpolating minimum) it is smooth and its root has
//! a kink. What comes out indefinite, by rounding or by the error of the interpolation, is brought back to eigenvalues ≥ 0.
//!
//! The sixth divided differences of the values tell where a polynomial does not serve: a kink of the loss, D over many decades
//! within a few nodes. Such boxes between nodes, and points off the lattice, are evaluated exactly. The lattice is refined until they
//! are few; the error that is left is measured at random points.

mod beside;
mod lattice;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;

use crate::Error;
use crate::engine::{Attribute, Interrupt};
use crate::numerics::random::Stream;
use crate::numerics::symmetric::{eigen, packed_index, packed_len, products};
use crate::problem::Problem;
use crate::problem::dynamics::{Drift, Dynamics, Interpolation};
use crate::problem::grid::Grid;
pub use beside::WithTable;
use lattice::{Lattice, Values, interpolate, width};

/// Error of drift and D, relative to their sizes nearby, up to which a polynomial serves a box between nodes.
const TOLERANCE: f64 = 1e-6;
/// What the divided differences say is taken this many times.
const SAFETY: f64 = 2.0;
/// Intervals along an axis of the first lattice, in one to three dimensions.
const FIRST: [usize; 3] = [128, 48, 12];
/// Most nodes.
const MOST_NODES: usize = 1 << 18;
/// Most evaluations of a sample that a lattice takes, but for [`FEWEST_NODES`].
const MOST_EVALUATIONS: usize = 200_000_000;
/// Nodes that may be taken whatever they cost.
const FEWEST_NODES: usize = 1 << 13;
/// Share of boxes without a polynomial from which on the lattice is fine enough.
const FINE: f64 = 5e-4;
/// Share of boxes without a polynomial up to which a table is worth it.
const WORTH: f64 = 0.3;
/// Largest measured error, relative, at which a table is taken unasked.
const ACCURATE: f64 = 1e-4;
/// Samples above which a table is taken unasked.
const SAMPLES: usize = 50;
/// Random points at which the error is measured.
const MEASURED: usize = 512;
/// Share of a determinant that counts as rounding.
const ROUNDING: f64 = 1e-14;
/// Nodes of a task.
const CHUNK: usize = 64;

/// From where drift and D are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coefficients {
    /// A table for models of more than 50 samples where it is accurate and serves most of the box.
    #[default]
    Auto,
    /// The model itself.
    Exact,
    /// A table.
    Table,
}

/// Coefficients by the words of a scenario.
pub const COEFFICIENTS: [(&str, Coefficients); 3] =
    [("auto", Coefficients::Auto), ("exact", Coefficients::Exact), ("table", Coefficients::Table)];

impl Coefficients {
    /// A table for models of more than 50 samples, else the model itself, however accurate a table is where it serves.
    pub fn unasked(problem: &Problem) -> Self {
        if problem.model.sample_count() > SAMPLES { Self::Table } else { Self::Exact }
    }

    /// The problem with its dynamics taken from there. Errors: [`Error::Interrupted`].
    pub fn of(self, problem: &Problem, interrupt: Interrupt) -> Result<Problem, Error> {
        let wanted = match self {
            Self::Exact => false,
            Self::Table => true,
            Self::Auto => Self::unasked(problem) == Self::Table,
        };
        let table = if wanted { problem.dynamics.table(interrupt)? } else { None };
        let suits = |table: &Arc<dyn Dynamics>| self == Self::Table || table.interpolation().is_some_and(|i| suits(&i));
        let dynamics = table.filter(suits).unwrap_or_else(|| Arc::clone(&problem.dynamics));
        Ok(Problem { dynamics, ..problem.clone() })
    }
}

/// Whether a table is taken unasked.
fn suits(found: &Interpolation) -> bool {
    found.exact_share <= WORTH && found.drift_error.max(found.diffusion_error) <= ACCURATE
}

/// What a record says of the coefficients of an engine; nothing where they are those of the model itself.
pub(crate) fn attributes(dynamics: &dyn Dynamics) -> Vec<(&'static str, Attribute)> {
    let Some(found) = dynamics.interpolation() else { return Vec::new() };
    vec![
        ("coefficients", Attribute::Text("table".into())),
        ("coefficients_nodes", Attribute::Integer(found.nodes as i64)),
        ("coefficients_exact_share", Attribute::Float(found.exact_share)),
        ("coefficients_drift_error", Attribute::Float(found.drift_error)),
        ("coefficients_diffusion_error", Attribute::Float(found.diffusion_error)),
    ]
}

/// Nodes that a lattice may have where an evaluation goes through so many samples.
fn affordable(cost: usize) -> usize {
    (MOST_EVALUATIONS / cost.max(1)).clamp(FEWEST_NODES, MOST_NODES)
}

/// Bytes of the largest table that these coefficients may take, with the coarser one that it follows.
pub fn most_bytes(coefficients: Coefficients, problem: &Problem) -> f64 {
    let samples = problem.model.sample_count();
    if samples <= SAMPLES && coefficients != Coefficients::Table {
        return 0.0;
    }
    let (d, affordable) = (problem.dimension(), affordable(samples));
    let nodes = |doublings: u32| ((FIRST[d - 1] << doublings) + 1).pow(d as u32);
    let largest = (0..).take_while(|&k| k == 0 || nodes(k) <= affordable).last().unwrap_or(0);
    let coarser = largest.checked_sub(1).map_or(0, nodes);
    ((8 * width(d) + 1) * (nodes(largest) + coarser)) as f64
}

/// The dynamics of a model, interpolated.
pub struct TabulatedDynamics {
    exact: Arc<dyn Dynamics>,
    lattice: Lattice,
    values: Vec<f64>,
    unfit: Vec<bool>,
    found: Interpolation,
}

impl TabulatedDynamics {
    /// Tabulates `exact` on the box of a grid; `cost` is how many samples an evaluation goes through. Errors: [`Error::Interrupted`].
    pub fn new(exact: Arc<dyn Dynamics>, grid: &Grid, cost: usize, interrupt: Interrupt) -> Result<Self, Error> {
        let d = grid.dimension();
        let affordable = affordable(cost);
        let (mut intervals, mut evaluations) = (FIRST[d - 1], 0);
        loop {
            let lattice = Lattice::new(grid, intervals);
            evaluations += lattice.nodes();
            let values = tabulate(exact.as_ref(), grid, &lattice, interrupt)?;
            let unfit = unfit(&lattice, &values, grid);
            let exact_share = unfit.iter().filter(|unfit| **unfit).count() as f64 / unfit.len() as f64;
            let next = Lattice::new(grid, 2 * intervals).nodes();
            if exact_share > FINE && next <= affordable {
                intervals *= 2;
                continue;
            }
            let nodes = lattice.nodes();
            let found = Interpolation { nodes, evaluations, exact_share, drift_error: 0.0, diffusion_error: 0.0 };
            let mut table = Self { exact, lattice, values, unfit, found };
            (table.found.drift_error, table.found.diffusion_error) = table.measured(grid);
            table.found.evaluations += MEASURED;
            return Ok(table);
        }
    }

    fn values(&self) -> Values<'_> {
        Values { lattice: &self.lattice, values: &self.values, unfit: &self.unfit }
    }

    /// Largest errors of drift and D at random points, relative to their sizes at the corners of the box that the point is in.
    fn measured(&self, grid: &Grid) -> (f64, f64) {
        let d = grid.dimension();
        let packed = packed_len(d);
        let mut stream = Stream::new(0, "table", 0);
        let points: Vec<f64> = grid
            .axes()
            .iter()
            .flat_map(|axis| (0..MEASURED).map(|_| axis.lower() + axis.length() * stream.uniform()).collect::<Vec<_>>())
            .collect();
        let (mut b, mut a) = (vec![0.0; d * MEASURED], vec![0.0; packed * MEASURED]);
        let (mut exact_b, mut exact_a) = (b.clone(), a.clone());
        self.drift_diffusion(&points, &mut b, &mut a);
        self.exact.drift_diffusion(&points, &mut exact_b, &mut exact_a);
        let units = Units::new(grid);
        let mut worst = (0.0f64, 0.0f64);
        for i in 0..MEASURED {
            let at = |values: &[f64], c: usize| values[c * MEASURED + i];
            let difference =
                |c: usize| if c < d { at(&b, c) - at(&exact_b, c) } else { at(&a, c - d) - at(&exact_a, c - d) };
            let own = |c: usize| if c < d { at(&exact_b, c) } else { at(&exact_a, c - d) };
            let point: Vec<f64> = (0..d).map(|k| points[k * MEASURED + i]).collect();
            let nearby = self.lattice.nearby(&point).map(|node| units.sizes(|c| self.values[node * width(d) + c]));
            let (error, mut size) = (units.sizes(difference), units.sizes(own));
            nearby.for_each(|(b, a)| size = (size.0.max(b), size.1.max(a)));
            let relative = |error: f64, size: f64| if error == 0.0 { 0.0 } else { error / size };
            worst = (worst.0.max(relative(error.0, size.0)), worst.1.max(relative(error.1, size.1)));
        }
        worst
    }
}

/// Lengths of the axes, in which drift and D are measured.
struct Units {
    lengths: Vec<f64>,
    squares: Vec<f64>,
}

impl Units {
    fn new(grid: &Grid) -> Self {
        let lengths: Vec<f64> = grid.axes().iter().map(|axis| axis.length()).collect();
        let squares = products(&lengths);
        Self { lengths, squares }
    }

    /// |b| and the largest entry of D in units of the axes, from d + d(d+1)/2 components.
    fn sizes(&self, component: impl Fn(usize) -> f64) -> (f64, f64) {
        let d = self.lengths.len();
        let drift = (0..d).map(|k| (component(k) / self.lengths[k]).powi(2)).sum::<f64>().sqrt();
        let diffusion = self.squares.iter().enumerate().map(|(c, unit)| (component(d + c) / unit).abs());
        (drift, diffusion.fold(0.0, f64::max))
    }
}

/// Drift and D at all nodes.
fn tabulate(exact: &dyn Dynamics, grid: &Grid, lattice: &Lattice, interrupt: Interrupt) -> Result<Vec<f64>, Error> {
    let d = grid.dimension();
    let (w, packed) = (width(d), packed_len(d));
    let mut values = vec![0.0; w * lattice.nodes()];
    values.par_chunks_mut(w * CHUNK).enumerate().try_for_each(|(chunk, out)| {
        if interrupt() {
            return Err(Error::Interrupted { time: 0.0 });
        }
        let n = out.len() / w;
        let mut points = lattice.points(chunk * CHUNK, n);
        for (axis, x) in grid.axes().iter().zip(points.chunks_mut(n)) {
            x.iter_mut().filter(|_| axis.is_periodic()).for_each(|x| *x = axis.wrap(*x));
        }
        let (mut b, mut a) = (vec![0.0; d * n], vec![0.0; packed * n]);
        exact.drift_diffusion(&points, &mut b, &mut a);
        for (i, node) in out.chunks_exact_mut(w).enumerate() {
            (0..d).for_each(|k| node[k] = b[k * n + i]);
            (0..packed).for_each(|c| node[d + c] = a[c * n + i]);
        }
        Ok(())
    })?;
    Ok(values)
}

/// For each box between nodes, whether the polynomials miss the tolerance there.
fn unfit(lattice: &Lattice, values: &[f64], grid: &Grid) -> Vec<bool> {
    let d = grid.dimension();
    let (w, units) = (width(d), Units::new(grid));
    let misses = |number: usize| {
        let at = lattice.intervals(number);
        let corners: Vec<[usize; 3]> = lattice.corners(at).collect();
        let (mut size, mut error) = ((0.0, 0.0), (0.0f64, 0.0f64));
        for corner in &corners {
            let node = lattice.number(corner);
            let (b, a) = units.sizes(|c| values[node * w + c]);
            size = (size.0 + b / corners.len() as f64, size.1 + a / corners.len() as f64);
        }
        for k in 0..d {
            let lower = lattice.axes[k].node(at[k]);
            for corner in corners.iter().filter(|corner| corner[k] == lower) {
                let on_line = |j: usize| {
                    let mut node = *corner;
                    node[k] = j;
                    lattice.number(&node)
                };
                let (b, a) = units.sizes(|c| lattice.axes[k].error(at[k], |j| values[on_line(j) * w + c]));
                error = (error.0.max(b), error.1.max(a));
            }
        }
        let fits = |error: f64, size: f64| SAFETY * error <= TOLERANCE * size;
        !(fits(error.0, size.0) && fits(error.1, size.1))
    };
    (0..lattice.boxes()).into_par_iter().map(misses).collect()
}

/// Brings a packed matrix of n points that has a negative eigenvalue to the nearest one that has none.
fn make_semidefinite(d: usize, diffusion: &mut [f64]) {
    let n = diffusion.len() / packed_len(d);
    for i in 0..n {
        let at = |r: usize, c: usize| packed_index(d, r, c) * n + i;
        let negative = match d {
            1 => diffusion[i] < 0.0,
            2 => {
                let (x, y, z) = (diffusion[at(0, 0)], diffusion[at(0, 1)], diffusion[at(1, 1)]);
                !(x >= 0.0 && z >= 0.0 && x * z * (1.0 + ROUNDING) >= y * y)
            }
            _ => true,
        };
        if !negative {
            continue;
        }
        let packed: Vec<f64> = (0..packed_len(d)).map(|c| diffusion[c * n + i]).collect();
        let (values, v) = eigen(d, &packed);
        if values[0] >= 0.0 {
            continue;
        }
        for r in 0..d {
            for c in r..d {
                diffusion[at(r, c)] = (0..d).map(|k| v[r][k] * values[k].max(0.0) * v[c][k]).sum();
            }
        }
    }
}

impl Dynamics for TabulatedDynamics {
    fn dimension(&self) -> usize {
        self.lattice.axes.len()
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let d = self.dimension();
        let n = points.len() / d;
        let mut out = vec![0.0; (d + packed_len(d)) * n];
        let mut good = vec![true; n];
        interpolate(&self.values(), points, &mut out, &mut good);
        let (b, a) = out.split_at_mut(d * n);
        make_semidefinite(d, a);
        drift.copy_from_slice(b);
        diffusion.copy_from_slice(a);
        let exact: Vec<usize> = (0..n).filter(|&i| !good[i]).collect();
        if !exact.is_empty() {
            let m = exact.len();
            let there: Vec<f64> = (0..d).flat_map(|k| exact.iter().map(move |&i| points[k * n + i])).collect();
            let (mut b, mut a) = (vec![0.0; d * m], vec![0.0; packed_len(d) * m]);
            self.exact.drift_diffusion(&there, &mut b, &mut a);
            for (from, to) in [(&b, drift), (&a, diffusion)] {
                for (row, values) in from.chunks_exact(m).enumerate() {
                    exact.iter().zip(values).for_each(|(&i, value)| to[row * n + i] = *value);
                }
            }
        }
    }

    fn additive(&self) -> Option<&dyn Drift> {
        self.exact.additive().map(|_| self as &dyn Drift)
    }

    fn floor(&self) -> f64 {
        self.exact.floor()
    }

    fn potential(&self, points: &[f64], potential: &mut [f64], rest: &mut [f64]) -> bool {
        self.exact.potential(points, potential, rest)
    }

    fn potential_cost(&self) -> usize {
        self.exact.potential_cost()
    }

    fn diffusion_divergence(&self, points: &[f64], lengths: &[f64], divergence: &mut [f64]) {
        match self.dimension() {
            1 => self.divergence::<1, { width(1) }>(points, lengths, divergence),
            2 => self.divergence::<2, { width(2) }>(points, lengths, divergence),
            _ => self.divergence::<3, { width(3) }>(points, lengths, divergence),
        }
    }

    fn interpolation(&self) -> Option<Interpolation> {
        Some(self.found)
    }

    fn exact_share(&self, points: &[f64]) -> f64 {
        let d = self.dimension();
        let n = points.len() / d;
        let mut good = vec![true; n];
        interpolate(&self.values(), points, &mut vec![0.0; (d + packed_len(d)) * n], &mut good);
        good.iter().filter(|good| !**good).count() as f64 / n.max(1) as f64
    }
}

impl TabulatedDynamics {
    fn divergence<const D: usize, const W: usize>(&self, points: &[f64], lengths: &[f64], divergence: &mut [f64]) {
        let (n, values) = (points.len() / D, self.values());
        let mut good = vec![true; n];
        interpolate(&values, points, &mut vec![0.0; n], &mut good);
        for i in (0..n).filter(|&i| good[i]) {
            let point: [f64; D] = std::array::from_fn(|k| points[k * n + i]);
            (0..D).for_each(|row| divergence[row * n + i] = 0.0);
            for j in 0..D {
                let slope: [f64; W] = values.slope(point, j);
                (0..D).for_each(|row| divergence[row * n + i] += slope[D + packed_index(D, row, j)]);
            }
        }
        let exact: Vec<usize> = (0..n).filter(|&i| !good[i]).collect();
        if !exact.is_empty() {
            let there: Vec<f64> = (0..D).flat_map(|k| exact.iter().map(move |&i| points[k * n + i])).collect();
            let mut found = vec![0.0; there.len()];
            self.exact.diffusion_divergence(&there, lengths, &mut found);
            for (row, values) in found.chunks_exact(exact.len()).enumerate() {
                exact.iter().zip(values).for_each(|(&i, value)| divergence[row * n + i] = *value);
            }
        }
    }
}

impl Drift for TabulatedDynamics {
    fn drift(&self, points: &[f64], drift: &mut [f64]) {
        let d = self.dimension();
        let mut diffusion = vec![0.0; packed_len(d) * points.len() / d];
        self.drift_diffusion(points, drift, &mut diffusion);
    }
}
