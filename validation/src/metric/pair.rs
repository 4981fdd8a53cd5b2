//! Two laws on one grid, with what all metrics need of them.

use fpsolve_solvers::problem::grid::{Axis, Grid};

use crate::statistics::{Cellwise, Noise, Null};

/// One side of a comparison: cell probabilities, the probability off the grid, and the walkers behind them.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Probability of each cell; sums to 1 − outside.
    pub probability: &'a [f64],
    /// Probability off the grid; counts as one more cell.
    pub outside: f64,
    /// Number of walkers of a histogram; None for a density.
    pub walkers: Option<usize>,
}

impl Side<'_> {
    /// Probabilities of the cells and, last, of the outside.
    pub fn cells(&self) -> impl Iterator<Item = f64> + '_ {
        self.probability.iter().map(|&p| p.max(0.0)).chain(std::iter::once(self.outside.max(0.0)))
    }
}

/// The two laws along one axis, conditional on being on the grid.
#[derive(Debug, Clone)]
pub struct Marginal<'a> {
    /// The axis.
    pub axis: &'a Axis,
    /// Cell probabilities of the first law, sum 1.
    pub a: Vec<f64>,
    /// Cell probabilities of the second law, sum 1.
    pub b: Vec<f64>,
    /// The law both would share: the density, the pooled histogram, or the mean of two densities; sum 1.
    pub law: Vec<f64>,
    /// Effective number of walkers on the grid: n, or n_a n_b/(n_a + n_b); infinite for two densities.
    pub walkers: f64,
}

impl Marginal<'_> {
    /// Whether one of the two laws has nothing on the grid: no conditional law of it exists.
    pub fn is_empty(&self) -> bool {
        [&self.a, &self.b].into_iter().any(|law| law.iter().all(|&p| p == 0.0))
    }

    /// F − G of the two distribution functions at the cell edges (n + 1), and the widths of the cells (n).
    pub fn difference(&self) -> (Vec<f64>, Vec<f64>) {
        let mut edges = vec![0.0; self.a.len() + 1];
        for i in 0..self.a.len() {
            edges[i + 1] = edges[i] + self.a[i] - self.b[i];
        }
        (edges, (0..self.axis.cells()).map(|i| self.axis.width(i)).collect())
    }
}

/// Two laws on one grid under comparison.
#[derive(Debug, Clone)]
pub struct Pair<'a> {
    /// First law.
    pub a: Side<'a>,
    /// Second law.
    pub b: Side<'a>,
    /// Null hypothesis: same law, these walkers.
    pub null: &'a Null,
    marginals: Vec<Marginal<'a>>,
}

impl<'a> Pair<'a> {
    /// Puts two laws on `grid` side by side; `null` must have been made for the walkers of `a` and `b`.
    pub fn new(grid: &'a Grid, a: Side<'a>, b: Side<'a>, null: &'a Null) -> Self {
        let marginals = (0..grid.dimension()).map(|k| marginal(grid, &a, &b, k)).collect();
        Self { a, b, null, marginals }
    }

    /// Mean and variance of a cellwise metric under "same law".
    pub fn cellwise(&self, metric: Cellwise) -> Noise {
        match self.sampled_and_density() {
            Some((_, density)) => self.null.against(metric, density.cells()),
            None => self.null.between(metric, self.a.cells().zip(self.b.cells())),
        }
    }

    /// The two laws along each axis.
    pub fn marginals(&self) -> &[Marginal<'a>] {
        &self.marginals
    }

    /// The sampled side and the density, where exactly one side is sampled.
    pub fn sampled_and_density(&self) -> Option<(&Side<'a>, &Side<'a>)> {
        match (self.a.walkers, self.b.walkers) {
            (Some(_), None) => Some((&self.a, &self.b)),
            (None, Some(_)) => Some((&self.b, &self.a)),
            _ => None,
        }
    }
}

fn marginal<'a>(grid: &'a Grid, a: &Side, b: &Side, k: usize) -> Marginal<'a> {
    let (pa, pb) = (along(grid, a.probability, k), along(grid, b.probability, k));
    let (on_a, on_b) = (pa.iter().sum::<f64>(), pb.iter().sum::<f64>());
    let count = |side: &Side, on: f64| side.walkers.map(|n| n as f64 * on);
    let (law, walkers) = match (count(a, on_a), count(b, on_b)) {
        (None, None) => (pa.iter().zip(&pb).map(|(p, q)| p + q).collect(), f64::INFINITY),
        (Some(n), None) => (pb.clone(), n),
        (None, Some(n)) => (pa.clone(), n),
        (Some(n), Some(m)) => {
            let pooled = pa
                .iter()
                .zip(&pb)
                .map(|(p, q)| n * p / on_a.max(f64::MIN_POSITIVE) + m * q / on_b.max(f64::MIN_POSITIVE));
            (pooled.collect(), if n + m > 0.0 { n * m / (n + m) } else { 0.0 })
        }
    };
    Marginal { axis: &grid.axes()[k], a: normalised(pa), b: normalised(pb), law: normalised(law), walkers }
}

/// Sums over all axes but `axis`.
fn along(grid: &Grid, probability: &[f64], axis: usize) -> Vec<f64> {
    let n = grid.shape()[axis];
    let inner: usize = grid.shape()[axis + 1..].iter().product();
    let mut out = vec![0.0; n];
    for (block, slice) in probability.chunks_exact(inner).enumerate() {
        out[block % n] += slice.iter().map(|p| p.max(0.0)).sum::<f64>();
    }
    out
}

fn normalised(mut p: Vec<f64>) -> Vec<f64> {
    let mass: f64 = p.iter().sum();
    if mass > 0.0 {
        p.iter_mut().for_each(|x| *x /= mass);
    }
    p
}
