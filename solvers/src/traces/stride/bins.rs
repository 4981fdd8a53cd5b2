//! Moments of displacements from the rows in a bin, in two and three variables.
//!
//! Coordinates u in which the box of the data is [−1, 1]ᵈ. The covariances of a bin's mean and (co)variance are those of a normal law of displacements, n rows,
//! (co)variances times one factor for all bins, that of their fourth moments: from each bin's own scatter those that happen to lie low would count more.

use faer::{Mat, Side};

use super::chain::{Between, ChainLattice};
use crate::model::table::Lattice;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::traces::trajectories::Trajectories;

/// Fewest rows of a bin that counts, and rows of a bin if all had the same.
const FEWEST: usize = 20;
const TYPICAL: f64 = 50.0;
/// Fewest bins on an axis.
const FEWEST_BINS: usize = 8;

/// Displacements from the rows in a bin.
pub(super) struct Bin {
    pub rows: f64,
    /// Mean of the places (d).
    pub place: Vec<f64>,
    /// Points with the mean and the covariance of the places.
    pub points: Vec<Between>,
    /// Mean (d) and covariance (packed) of the displacements.
    pub moments: Vec<f64>,
    /// Of the squared entries of the covariance, by those of a normal law, their mean.
    fourth: f64,
}

/// Bins, and the lower roots of the covariances of their means and (co)variances.
pub(super) struct Binned {
    pub bins: Vec<Bin>,
    pub roots: Vec<[Mat<f64>; 2]>,
}

/// A lower triangle L Lᵀ = M. None where M is not positive.
pub(super) fn root(m: &Mat<f64>) -> Option<Mat<f64>> {
    m.llt(Side::Lower).ok().map(|found| found.L().to_owned())
}

/// The entries k ≤ l of a symmetric matrix.
pub(super) fn pairs(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).flat_map(move |k| (k..d).map(move |l| (k, l)))
}

/// The middle of the box and half its width along each axis.
pub(super) fn frames(lattice: &Lattice) -> Vec<(f64, f64)> {
    let frame = |[lower, upper]: [f64; 2]| (0.5 * (lower + upper), 0.5 * (upper - lower));
    lattice.axes().iter().map(|axis| frame(axis.ends())).collect()
}

impl Binned {
    /// Bins of displacements over `lag` rows that do not overlap, but those where the covariance (packed) that `covariance` gives for each is not positive.
    pub fn new(
        traces: &Trajectories,
        lattice: &Lattice,
        chain: &ChainLattice,
        lag: usize,
        covariance: impl Fn(&[Bin]) -> Vec<Vec<f64>>,
    ) -> Self {
        let d = lattice.dimension();
        let bins = bins(traces, lattice, chain, lag);
        let fourth = bins.iter().map(|bin| bin.fourth).sum::<f64>() / bins.len() as f64;
        let covariances = covariance(&bins);
        let both = bins.into_iter().zip(covariances).filter_map(|(bin, v)| {
            let roots = roots(d, &v, bin.rows, fourth)?;
            Some((bin, roots))
        });
        let (bins, roots) = both.unzip();
        Self { bins, roots }
    }

    /// Rows of a bin, in the mean.
    pub fn rows(&self) -> f64 {
        self.bins.iter().map(|bin| bin.rows).sum::<f64>() / self.bins.len() as f64
    }

    /// The numbers that they hold.
    pub fn len(&self) -> usize {
        self.bins.iter().map(|bin| bin.moments.len()).sum()
    }
}

/// Roots of the covariances of mean and (co)variance of n `rows` of a normal law with the covariance v.
fn roots(d: usize, v: &[f64], rows: f64, fourth: f64) -> Option<[Mat<f64>; 2]> {
    let v = |k: usize, l: usize| v[packed_index(d, k, l)];
    let all: Vec<(usize, usize)> = pairs(d).collect();
    let mean = Mat::from_fn(d, d, |k, l| v(k, l) / rows);
    let variance = Mat::from_fn(all.len(), all.len(), |a, b| {
        let ((i, j), (k, l)) = (all[a], all[b]);
        fourth * (v(i, k) * v(j, l) + v(i, l) * v(j, k)) / (rows - 1.0)
    });
    Some([root(&mean)?, root(&variance)?])
}

/// Bins of the box that hold enough rows, as many as give each some fifty, but no narrower than the distance of the nodes.
fn bins(traces: &Trajectories, lattice: &Lattice, chain: &ChainLattice, lag: usize) -> Vec<Bin> {
    let (d, nodes, frames) = (lattice.dimension(), lattice.axes()[0].nodes().len(), frames(lattice));
    let rows = (traces.present() / lag) as f64;
    let each = ((rows / TYPICAL).powf(1.0 / d as f64) as usize).clamp(FEWEST_BINS, nodes.max(FEWEST_BINS));
    // place and displacement (d, d) from a row
    let entry = |&(walker, row): &(usize, usize)| {
        let (from, to) = (traces.position(walker, row), traces.position(walker, row + lag));
        let mut entry = [0.0; 6];
        for (k, (middle, half)) in frames.iter().enumerate() {
            entry[k] = (from[k] - middle) / half;
            entry[d + k] = (to[k] - from[k]) / half;
        }
        entry
    };
    let bin_of = |entry: &[f64; 6]| {
        entry[..d].iter().try_fold(0, |at, u| {
            let i = ((u + 1.0) * 0.5 * each as f64).floor();
            (i >= 0.0 && i < each as f64).then(|| at * each + i as usize)
        })
    };
    // where the rows stand and not what they hold: there may be many
    let mut inside: Vec<Vec<(usize, usize)>> = vec![Vec::new(); each.pow(d as u32)];
    for walker in 0..traces.walkers() {
        for row in (0..traces.rows().saturating_sub(lag)).step_by(lag) {
            if let Some(at) = bin_of(&entry(&(walker, row))).filter(|_| traces.is_there(walker, row + lag)) {
                inside[at].push((walker, row));
            }
        }
    }
    let enough = inside.iter().filter(|rows| rows.len() >= FEWEST);
    enough.filter_map(|rows| bin(d, &rows.iter().map(entry).collect::<Vec<_>>(), chain)).collect()
}

/// Moments of the rows of a bin, place and displacement (d, d) each. None where they do not move, or lie on a line.
fn bin(d: usize, rows: &[[f64; 6]], chain: &ChainLattice) -> Option<Bin> {
    let n = rows.len() as f64;
    let average = |f: &dyn Fn(&[f64; 6]) -> f64| rows.iter().map(f).sum::<f64>() / n;
    let mean: Vec<f64> = (0..2 * d).map(|k| average(&|row| row[k])).collect();
    let covariance = |k: usize, l: usize| average(&|row| (row[k] - mean[k]) * (row[l] - mean[l]));
    let spread = root(&Mat::from_fn(d, d, covariance))?;
    let point = |i: usize| {
        let sign = if i < d { 1.0 } else { -1.0 };
        let at: Vec<f64> = (0..d).map(|k| mean[k] + sign * (d as f64).sqrt() * spread[(k, i % d)]).collect();
        chain.between(&at)
    };
    let of = |k: usize, l: usize| covariance(d + k, d + l);
    let scatter = |(k, l): (usize, usize)| {
        let fourth = average(&|row| ((row[d + k] - mean[d + k]) * (row[d + l] - mean[d + l])).powi(2));
        (fourth - of(k, l).powi(2)) / (of(k, k) * of(l, l) + of(k, l).powi(2))
    };
    // among n rows of a normal law (n − 2)/(n + 1)
    let fourth = (n + 1.0) / (n - 2.0) * pairs(d).map(scatter).sum::<f64>() / packed_len(d) as f64;
    let mut moments = mean[d..].to_vec();
    moments.extend(pairs(d).map(|(k, l)| of(k, l) * n / (n - 1.0)));
    fourth.is_finite().then(|| Bin {
        rows: n,
        place: mean[..d].to_vec(),
        points: (0..2 * d).map(point).collect(),
        moments,
        fourth,
    })
}
