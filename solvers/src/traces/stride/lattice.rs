//! Two and three variables: b in polynomials, A = R Rᵀ with a triangular R whose entries, on the diagonal their logarithms, are polynomials too.
//!
//! What bins hold is weighed by the covariance that was measured, the same for every degree, so that their sums of squares compare.

use faer::Mat;
use faer::linalg::solvers::Solve;

use super::bins::{Bin, Binned, frames, pairs, root};
use super::chain::ChainLattice;
use super::least_squares::{Minimum, minimum};
use super::polynomials::Polynomials;
use super::{OneStep, excess, plausible};
use crate::model::table::Lattice;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::traces::fields::linear;
use crate::traces::trajectories::Trajectories;

/// Highest degree of the polynomials that is tried in one to three variables.
const DEGREES: [usize; 3] = [0, 8, 4];
/// Degrees in a row that may be worse than the best before the search ends.
const PATIENCE: usize = 2;
/// Fewest bins for each polynomial.
const BINS: usize = 6;
/// Places on each axis where coefficients are held if no bin is near.
const HELD: [usize; 3] = [0, 9, 5];
/// A bin this near to a place, in u, is near.
const NEAR: f64 = 0.25;
/// How far what is held may go, in units of the coefficients.
const LOOSE: f64 = 3.0;
/// Largest error of ln A that is told.
const LOGARITHM: f64 = 20.0;

/// The chain of one degree.
struct Fit<'a> {
    d: usize,
    chain: &'a ChainLattice,
    basis: Polynomials,
    /// Polynomials at the points of the chain: taken to the box, and going on as straight lines.
    inside: Vec<Vec<f64>>,
    straight: Vec<Vec<f64>>,
    /// Length of a step.
    step: f64,
    /// Size of each coefficient.
    sizes: &'a [f64],
}

/// b (d), then the entries of R (packed): log R_kk on the diagonal.
fn coefficients(count: usize, parameters: &[f64], polynomials: &[f64]) -> Vec<f64> {
    let each = parameters.len() / count;
    parameters.chunks_exact(each).map(|row| row.iter().zip(polynomials).map(|(p, q)| p * q).sum()).collect()
}

/// log R_kk to R_kk.
fn exponentiated(d: usize, entries: &[f64]) -> [f64; 6] {
    let mut out = [0.0; 6];
    for (k, l) in pairs(d) {
        let c = packed_index(d, k, l);
        out[c] = if k == l { entries[c].exp() } else { entries[c] };
    }
    out
}

/// x in L x = y.
fn solved(lower: &Mat<f64>, y: &[f64]) -> Vec<f64> {
    let mut x: Vec<f64> = Vec::with_capacity(y.len());
    for (i, y) in y.iter().enumerate() {
        let rest = y - x.iter().enumerate().map(|(j, x)| lower[(i, j)] * x).sum::<f64>();
        x.push(rest / lower[(i, i)]);
    }
    x
}

impl<'a> Fit<'a> {
    fn new(d: usize, chain: &'a ChainLattice, step: f64, sizes: &'a [f64], degree: usize) -> Self {
        let basis = Polynomials::new(d, degree);
        let positions: Vec<Vec<f64>> = (0..chain.len()).map(|point| chain.position(point)).collect();
        let inside = positions.iter().map(|u| basis.at(u)).collect();
        let straight = positions.iter().map(|u| basis.straight_on(u)).collect();
        Self { d, chain, basis, inside, straight, step, sizes }
    }

    /// Mean (d) and covariance (packed) of the displacements over so many steps from the places of each bin's rows.
    fn moments_of<const F: usize>(&self, bins: &[Bin], steps: usize, parameters: &[f64]) -> Vec<Vec<f64>> {
        let d = self.d;
        let scale = (2.0 * self.step).sqrt();
        let step = |point: usize| {
            let drift = coefficients(d, &parameters[..d * self.basis.len()], &self.straight[point]);
            let entries = coefficients(packed_len(d), &parameters[d * self.basis.len()..], &self.inside[point]);
            (drift.iter().map(|b| self.step * b).collect(), exponentiated(d, &entries).map(|r| scale * r))
        };
        let fields = self.chain.moments::<F>(steps, step);
        let of = |bin: &Bin| {
            let there: Vec<[f64; F]> = bin.points.iter().map(|at| self.chain.value(at, &fields)).collect();
            let average = |f: &dyn Fn(&[f64; F]) -> f64| there.iter().map(f).sum::<f64>() / there.len() as f64;
            let mut all: Vec<f64> = (0..F).map(|c| average(&|m| m[c])).collect();
            // a bin adds the variance of its means
            for (k, l) in pairs(d) {
                all[d + packed_index(d, k, l)] += average(&|m| (m[k] - all[k]) * (m[l] - all[l]));
            }
            all
        };
        bins.iter().map(of).collect()
    }

    fn moments(&self, bins: &[Bin], steps: usize, parameters: &[f64]) -> Vec<Vec<f64>> {
        match self.d {
            2 => self.moments_of::<5>(bins, steps, parameters),
            _ => self.moments_of::<9>(bins, steps, parameters),
        }
    }

    /// What is left of the data, in standard errors.
    fn residuals(&self, data: &Binned, steps: usize, parameters: &[f64]) -> Vec<f64> {
        let mut all = Vec::with_capacity(data.len());
        let models = self.moments(&data.bins, steps, parameters);
        for ((bin, model), [mean, variance]) in data.bins.iter().zip(models).zip(&data.roots) {
            let left: Vec<f64> = bin.moments.iter().zip(&model).map(|(a, b)| a - b).collect();
            all.extend(solved(mean, &left[..self.d]));
            all.extend(solved(variance, &left[self.d..]));
        }
        all
    }

    fn parameters(&self) -> usize {
        self.sizes.len() * self.basis.len()
    }

    /// What Akaike's criterion for few data adds to n ln χ², for n data whose errors are known but for a factor.
    fn penalty(&self, data: &Binned) -> f64 {
        let (n, parameters) = (data.len() as f64, self.parameters() as f64);
        2.0 * parameters * n / (n - parameters - 1.0).max(1.0)
    }

    /// Σ p pᵀ over the places that no bin is near, p the polynomials there, for each coefficient by its size: nothing else would keep it small there.
    fn held(&self, bins: &[Bin]) -> Mat<f64> {
        let (each, on_axis) = (self.basis.len(), HELD[self.d - 1]);
        let place = |i: usize| -> Vec<f64> {
            let index = |k: usize| i / on_axis.pow(k as u32) % on_axis;
            (0..self.d).map(|k| -1.0 + 2.0 * index(k) as f64 / (on_axis - 1) as f64).collect()
        };
        let square = |bin: &Bin, at: &[f64]| bin.place.iter().zip(at).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let lonely = |at: &Vec<f64>| !bins.iter().any(|bin| square(bin, at) < NEAR * NEAR);
        let places: Vec<Vec<f64>> =
            (0..on_axis.pow(self.d as u32)).map(place).filter(lonely).map(|at| self.basis.at(&at)).collect();
        let products = Mat::from_fn(each, each, |a, b| places.iter().map(|p| p[a] * p[b]).sum::<f64>());
        Mat::from_fn(self.parameters(), self.parameters(), |a, b| {
            let same = a / each == b / each;
            if same { products[(a % each, b % each)] / (LOOSE * self.sizes[a / each]).powi(2) } else { 0.0 }
        })
    }

    /// The least squares from `start` on; None where they do not end, or come not below `wanted`.
    fn run(&self, data: &Binned, steps: usize, start: &[f64], wanted: f64) -> Option<Minimum> {
        let scale: Vec<f64> = self.sizes.iter().flat_map(|size| vec![*size; self.basis.len()]).collect();
        let (residuals, held) = (|p: &[f64]| self.residuals(data, steps, p), self.held(&data.bins));
        let found = minimum(&residuals, start, &scale, &held, wanted)?;
        // held to what was found, no longer to the start
        minimum(&residuals, &found.parameters, &scale, &held, wanted)
    }

    /// Parameters of another degree as those of this one.
    fn from(&self, parameters: &[f64]) -> Vec<f64> {
        let row = |row: &[f64]| (0..self.basis.len()).map(|i| row.get(i).copied().unwrap_or(0.0)).collect::<Vec<_>>();
        parameters.chunks_exact(parameters.len() / self.sizes.len()).flat_map(row).collect()
    }

    /// Parameters by linear regression on the values (bins × coefficients) in the bins.
    fn regressed(&self, bins: &[Bin], values: &[Vec<f64>]) -> Vec<f64> {
        let rows: Vec<Vec<f64>> = bins.iter().map(|bin| self.basis.at(&bin.place)).collect();
        let sum = |f: &dyn Fn(usize) -> f64| (0..bins.len()).map(|i| bins[i].rows * f(i)).sum::<f64>();
        let each = self.basis.len();
        let normal = Mat::from_fn(each, each, |a, b| sum(&|i| rows[i][a] * rows[i][b]));
        let right = Mat::from_fn(each, self.sizes.len(), |a, c| sum(&|i| rows[i][a] * values[i][c]));
        let found = normal.partial_piv_lu().solve(&right);
        (0..self.parameters()).map(|j| found[(j % each, j / each)]).collect()
    }

    /// Whether the chain has the moments of the data over two rows, as that of a Markov path has.
    fn forgets(&self, traces: &Trajectories, lattice: &Lattice, parameters: &[f64]) -> bool {
        let steps = 2 * traces.stride();
        let covariance = |bins: &[Bin]| -> Vec<Vec<f64>> {
            self.moments(bins, steps, parameters).iter().map(|moments| moments[self.d..].to_vec()).collect()
        };
        let data = Binned::new(traces, lattice, self.chain, 2, covariance);
        let cost: f64 = self.residuals(&data, steps, parameters).iter().map(|r| r * r).sum();
        plausible(cost, data.len(), data.rows())
    }

    /// The coefficients at the nodes, in the units of the lattice, with their standard errors; those of the least squares times `misfit`.
    fn answer(&self, found: &Minimum, misfit: f64, lattice: &Lattice) -> OneStep {
        let (d, n, each, frames) = (self.d, lattice.len(), self.basis.len(), frames(lattice));
        // of a function of the coefficients `of`, whose derivatives by them are `slopes`
        let error = |of: &[usize], slopes: &[f64], polynomials: &[f64]| {
            let mut sum = 0.0;
            for (a, x) in of.iter().zip(slopes) {
                for (b, y) in of.iter().zip(slopes) {
                    for (i, p) in polynomials.iter().enumerate() {
                        let entry = |(j, q): (usize, &f64)| found.covariance[(a * each + i, b * each + j)] * q;
                        sum += x * y * p * polynomials.iter().enumerate().map(entry).sum::<f64>();
                    }
                }
            }
            misfit * sum.max(0.0).sqrt()
        };
        let zeros = |fields: usize| vec![0.0; fields * n];
        let (entries, mut out) = (packed_len(d), OneStep::default());
        (out.drift, out.drift_se, out.diffusion, out.diffusion_se) =
            (zeros(d), zeros(d), zeros(entries), zeros(entries));
        for node in 0..n {
            let at: Vec<f64> =
                lattice.position(node).iter().zip(&frames).map(|(x, (middle, half))| (x - middle) / half).collect();
            let polynomials = self.basis.at(&at);
            let all = coefficients(self.sizes.len(), &found.parameters, &polynomials);
            let root = exponentiated(d, &all[d..]);
            let entry = |k: usize, i: usize| root[packed_index(d, k, i)];
            // A is log-normal: from a relative error r upwards A (eʳ − 1) and not A r
            let log = |k: usize| error(&[d + packed_index(d, k, k)], &[2.0], &polynomials).clamp(1e-9, LOGARITHM);
            for k in 0..d {
                out.drift[k * n + node] = frames[k].1 * all[k];
                out.drift_se[k * n + node] = frames[k].1 * error(&[k], &[1.0], &polynomials);
            }
            for (k, l) in pairs(d) {
                let (c, unit) = (packed_index(d, k, l), frames[k].1 * frames[l].1);
                out.diffusion[c * n + node] = unit * (0..=k).map(|i| entry(k, i) * entry(l, i)).sum::<f64>();
                // A_kl = Σ R_ki R_li, each entry by its own coefficient
                let by = |a: usize, other: usize, i: usize| {
                    (d + packed_index(d, a, i), entry(other, i) * if a == i { entry(a, i) } else { 1.0 })
                };
                let (of, slopes): (Vec<usize>, Vec<f64>) = (0..=k).flat_map(|i| [by(k, l, i), by(l, k, i)]).unzip();
                let r = log(k).max(log(l));
                out.diffusion_se[c * n + node] = unit * error(&of, &slopes, &polynomials) * r.exp_m1() / r;
            }
        }
        out
    }
}

/// b and the root of A (log on the diagonal) as a bin has them over the time between rows.
fn seen(d: usize, bin: &Bin, interval: f64) -> Vec<f64> {
    let mut all: Vec<f64> = bin.moments[..d].iter().map(|m| m / interval).collect();
    all.resize(d + packed_len(d), 0.0);
    if let Some(lower) = root(&Mat::from_fn(d, d, |k, l| bin.moments[d + packed_index(d, k, l)])) {
        let by = 1.0 / (2.0 * interval).sqrt();
        for (k, l) in pairs(d) {
            let entry = by * lower[(l, k)];
            all[d + packed_index(d, k, l)] = if k == l { entry.ln() } else { entry };
        }
    }
    all
}

/// Drift and A of one step at the nodes, where A over the time between rows was `measured` (packed × nodes). None where no degree fits. Errors of the
/// coefficients as in `stride`.
pub(super) fn one_step(traces: &Trajectories, lattice: &Lattice, measured: &[f64]) -> Option<OneStep> {
    let (d, n, frames) = (lattice.dimension(), lattice.len(), frames(lattice));
    let (chain, interval, steps) = (ChainLattice::new(d), traces.interval(), traces.stride());
    let covariance = |bin: &Bin| -> Vec<f64> {
        let at: Vec<f64> = bin.place.iter().zip(&frames).map(|(u, (middle, half))| middle + half * u).collect();
        let entry = |(k, l)| {
            let a = linear(lattice, &measured[packed_index(d, k, l) * n..][..n], &at);
            2.0 * interval * a / (frames[k].1 * frames[l].1)
        };
        pairs(d).map(entry).collect()
    };
    let data = Binned::new(traces, lattice, &chain, 1, |bins| bins.iter().map(covariance).collect());
    let values: Vec<Vec<f64>> = data.bins.iter().map(|bin| seen(d, bin, interval)).collect();
    let largest = |c: usize| values.iter().map(|all| all[c].abs()).fold(f64::MIN_POSITIVE, f64::max);
    let mean = |c: usize| values.iter().map(|all| all[c]).sum::<f64>() / values.len() as f64;
    let log = |k: usize| mean(d + packed_index(d, k, k));
    let mut sizes: Vec<f64> = (0..d).map(largest).collect();
    sizes.extend(pairs(d).map(|(k, l)| if k == l { 1.0 } else { (0.5 * (log(k) + log(l))).exp() }));

    let mut best: Option<(f64, Fit, Minimum)> = None;
    let (mut worse, mut last): (usize, Option<Vec<f64>>) = (0, None);
    for degree in 1..=DEGREES[d - 1] {
        let fit = Fit::new(d, &chain, traces.step(), &sizes, degree);
        if BINS * fit.basis.len() > data.bins.len() {
            break;
        }
        // from the degree below where that is within chance, from where the slopes of a fit are true
        let below = best.as_ref().filter(|_| last.is_some());
        let wanted = below.map_or(f64::INFINITY, |(least, ..)| {
            let count = data.len() as f64;
            count * ((least - fit.penalty(&data)) / count).exp()
        });
        let start = last.as_ref().map_or_else(|| fit.regressed(&data.bins, &values), |last| fit.from(last));
        worse += 1;
        if let Some(found) = fit.run(&data, steps, &start, wanted) {
            let count = data.len() as f64;
            let criterion = count * (found.cost / count).ln() + fit.penalty(&data);
            last = (excess(found.cost, data.len() - fit.parameters()) < 0.0).then(|| found.parameters.clone());
            if best.as_ref().is_none_or(|(least, ..)| criterion < *least) {
                best = Some((criterion, fit, found));
                worse = 0;
            }
        }
        if worse >= PATIENCE {
            break;
        }
    }
    let (_, fit, found) = best?;
    let freedom = data.len() - fit.parameters();
    let holds = plausible(found.cost, freedom, data.rows()) && fit.forgets(traces, lattice, &found.parameters);
    holds.then(|| fit.answer(&found, (found.cost / freedom as f64).max(1.0).sqrt(), lattice))
}
