//! Two laws gathered in few points, for metrics that look at all axes at once.

use super::Pair;

/// Laws on a coarser grid, conditional on being on it, at the centres of its cells in units of the spread along each axis.
pub(super) struct Coarse {
    /// Centres; unused axes are 0.
    pub points: Vec<[f64; 3]>,
    /// p − q at each point.
    pub difference: Vec<f64>,
    /// The law that both would share, sum 1.
    pub law: Vec<f64>,
    /// Trace of its covariance; about the number of axes.
    pub trace: f64,
    /// Number of axes.
    pub dimension: usize,
    /// Effective number of walkers on the grid; infinite between densities.
    pub walkers: f64,
}

impl Coarse {
    /// At most `most` cells along each axis; None on a periodic axis, and where a side has nothing on the grid.
    pub fn of(pair: &Pair, most: usize) -> Option<Self> {
        let marginals = pair.marginals();
        if marginals.iter().any(|marginal| marginal.axis.is_periodic() || marginal.is_empty()) {
            return None;
        }
        let axes: Vec<Gathered> =
            marginals.iter().map(|marginal| Gathered::of(marginal.axis, &marginal.law, most)).collect();
        let d = axes.len();
        let count: usize = axes.iter().map(|axis| axis.centers.len()).product();
        let (mut difference, mut law) = (vec![0.0; count], vec![0.0; count]);
        let masses = [pair.a.probability, pair.b.probability].map(|p| p.iter().map(|p| p.max(0.0)).sum::<f64>());
        let walkers =
            [(pair.a.walkers, masses[0]), (pair.b.walkers, masses[1])].map(|(n, on)| n.map(|n| n as f64 * on));
        let (weights, effective) = match walkers {
            [Some(n), Some(m)] => ([n / (n + m), m / (n + m)], n * m / (n + m)),
            [Some(n), None] => ([0.0, 1.0], n),
            [None, Some(n)] => ([1.0, 0.0], n),
            [None, None] => ([0.5, 0.5], f64::INFINITY),
        };
        for cell in 0..pair.a.probability.len() {
            let (mut rest, mut at, mut stride) = (cell, 0, 1);
            for axis in axes.iter().rev() {
                let n = axis.group.len();
                at += stride * axis.group[rest % n];
                stride *= axis.centers.len();
                rest /= n;
            }
            let [p, q] = [pair.a.probability[cell].max(0.0) / masses[0], pair.b.probability[cell].max(0.0) / masses[1]];
            difference[at] += p - q;
            law[at] += weights[0] * p + weights[1] * q;
        }
        let point = |i: usize| {
            let mut point = [0.0; 3];
            let mut rest = i;
            for (k, axis) in axes.iter().enumerate().rev() {
                point[k] = axis.centers[rest % axis.centers.len()];
                rest /= axis.centers.len();
            }
            point
        };
        let points: Vec<[f64; 3]> = (0..count).map(point).collect();
        let along = |k: usize| {
            let mean: f64 = points.iter().zip(&law).map(|(x, p)| p * x[k]).sum();
            points.iter().zip(&law).map(|(x, p)| p * (x[k] - mean).powi(2)).sum::<f64>()
        };
        let trace = (0..d).map(along).sum();
        Some(Self { points, difference, law, trace, dimension: d, walkers: effective })
    }

    /// What a mean of functions of slope 1, or a supremum over such, exceeds its `floor` by with probability `rate` (Borell, Tsirelson,
    /// Ibragimov & Sudakov): √(2 ln(1/rate) s/N) where s bounds their variances, and one walker that strays where less than one is expected.
    pub fn upper(&self, floor: f64, s: f64, rate: f64) -> f64 {
        if self.walkers.is_infinite() {
            return 0.0;
        }
        let mean = [0, 1, 2].map(|k| self.points.iter().zip(&self.law).map(|(x, p)| p * x[k]).sum::<f64>());
        let reached = self.points.iter().zip(&self.law).filter(|&(_, &p)| p * self.walkers > rate);
        let stray = reached.map(|(x, _)| distance(x, &mean)).fold(0.0, f64::max);
        floor + (2.0 * rate.recip().ln() * s / self.walkers).sqrt() + stray / self.walkers
    }
}

/// |x − y|.
pub(super) fn distance(x: &[f64; 3], y: &[f64; 3]) -> f64 {
    (0..3).map(|k| (x[k] - y[k]).powi(2)).sum::<f64>().sqrt()
}

/// Cells of an axis in groups of neighbours.
struct Gathered {
    /// The group of each cell.
    group: Vec<usize>,
    /// Centre of each group, in units of the spread.
    centers: Vec<f64>,
}

impl Gathered {
    fn of(axis: &fpsolve_solvers::problem::grid::Axis, law: &[f64], most: usize) -> Self {
        let centers = axis.centers();
        let mean: f64 = centers.iter().zip(law).map(|(x, p)| p * x).sum();
        let variance: f64 = centers.iter().zip(law).map(|(x, p)| p * (x - mean).powi(2)).sum();
        let spread = variance.max(axis.spacing().powi(2) / 12.0).sqrt();
        let n = axis.cells();
        let groups = n.min(most);
        let group: Vec<usize> = (0..n).map(|i| i * groups / n).collect();
        let edges = axis.edges();
        let ends = |g: usize| [g * n, (g + 1) * n].map(|at| edges[at.div_ceil(groups)]);
        let centers = (0..groups).map(|g| 0.5 * (ends(g)[0] + ends(g)[1]) / spread).collect();
        Self { group, centers }
    }
}
