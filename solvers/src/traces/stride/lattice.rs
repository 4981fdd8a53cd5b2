//! Two and three variables: b in polynomials, A = R Rᵀ with a triangular R whose entries, on the diagonal their logarithms, are polynomials too.
//!
//! Coordinates u in which the box of the data is [−1, 1]ᵈ. Standard errors of a bin's moments are those of a normal law with the covariance that
//! the chain of a lower degree has there, n rows, (co)variances times one factor for all bins, that of their fourth moments: from each bin's own scatter those that happen to lie low would count more.

use faer::{Mat, Side};

use super::OneStep;
use super::chain::{Between, ChainLattice};
use super::least_squares::{Minimum, minimum};
use super::polynomials::Polynomials;
use crate::model::table::Lattice;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::traces::trajectories::Trajectories;

/// Highest degree of the polynomials that is tried in one to three variables.
const DEGREES: [usize; 3] = [0, 8, 4];
/// Degrees in a row that may be worse than the best before the search ends.
const PATIENCE: usize = 2;
/// Fewest rows of a bin that counts, and rows of a bin if all had the same.
const FEWEST: usize = 20;
const TYPICAL: f64 = 50.0;
/// Fewest bins for each polynomial.
const BINS: usize = 6;
/// Fewest bins on an axis.
const FEWEST_BINS: usize = 8;
/// Places on each axis where coefficients are held if no bin is near.
const HELD: [usize; 3] = [0, 9, 5];
/// A bin this near to a place, in u, is near.
const NEAR: f64 = 0.25;

/// Displacements from the rows in a bin.
struct Bin {
    rows: f64,
    /// Mean of the places (d).
    place: Vec<f64>,
    /// Points with the mean and the covariance of the places.
    points: Vec<Between>,
    /// Mean (d) and covariance (packed) of the displacements.
    moments: Vec<f64>,
    /// Of the squared entries of the covariance, by those of a normal law, their mean.
    fourth: f64,
}

/// A lower triangle L Lᵀ = M. None where M is not positive.
fn root(m: &Mat<f64>) -> Option<Mat<f64>> {
    m.llt(Side::Lower).ok().map(|found| found.L().to_owned())
}

fn matrix(d: usize, packed: &[f64]) -> Mat<f64> {
    Mat::from_fn(d, d, |i, j| packed[packed_index(d, i, j)])
}

fn pairs(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).flat_map(move |k| (k..d).map(move |l| (k, l)))
}

/// The middle of the box and half its width along an axis.
fn frame(lattice: &Lattice, k: usize) -> (f64, f64) {
    let [lower, upper] = lattice.axes()[k].ends();
    (0.5 * (lower + upper), 0.5 * (upper - lower))
}

/// Bins of the box that hold enough rows, as many as give each some fifty, but no narrower than the distance of the nodes.
fn bins(traces: &Trajectories, lattice: &Lattice, chain: &ChainLattice) -> Vec<Bin> {
    let (d, nodes) = (lattice.dimension(), lattice.axes()[0].nodes().len());
    let rows = (traces.walkers() * (traces.rows() - 1)) as f64;
    let each = ((rows / TYPICAL).powf(1.0 / d as f64) as usize).clamp(FEWEST_BINS, nodes.max(FEWEST_BINS));
    let frames: Vec<(f64, f64)> = (0..d).map(|k| frame(lattice, k)).collect();
    let mut inside: Vec<Vec<[f64; 6]>> = vec![Vec::new(); each.pow(d as u32)];
    for walker in 0..traces.walkers() {
        for row in 0..traces.rows() - 1 {
            let (from, to) = (traces.position(walker, row), traces.position(walker, row + 1));
            let (mut entry, mut at, mut within) = ([0.0; 6], 0, true);
            for k in 0..d {
                let (middle, half) = frames[k];
                entry[k] = (from[k] - middle) / half;
                entry[d + k] = (to[k] - from[k]) / half;
                let i = ((entry[k] + 1.0) * 0.5 * each as f64).floor();
                within &= i >= 0.0 && i < each as f64;
                at = at * each + i as usize;
            }
            if within {
                inside[at].push(entry);
            }
        }
    }
    inside.iter().filter(|rows| rows.len() >= FEWEST).filter_map(|rows| bin(d, rows, chain)).collect()
}

/// Moments of the rows of a bin, place and displacement (d, d) each. None where they do not move, or lie on a line.
fn bin(d: usize, rows: &[[f64; 6]], chain: &ChainLattice) -> Option<Bin> {
    let n = rows.len() as f64;
    let average = |f: &dyn Fn(&[f64; 6]) -> f64| rows.iter().map(f).sum::<f64>() / n;
    let mean: Vec<f64> = (0..2 * d).map(|k| average(&|row| row[k])).collect();
    let covariance = |k: usize, l: usize| average(&|row| (row[k] - mean[k]) * (row[l] - mean[l]));
    let spread = root(&Mat::from_fn(d, d, |k, l| covariance(k, l)))?;
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
    let fourth = pairs(d).map(scatter).sum::<f64>() / packed_len(d) as f64;
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

/// The least squares of one degree.
struct Fit<'a> {
    d: usize,
    bins: &'a [Bin],
    chain: &'a ChainLattice,
    basis: &'a Polynomials,
    /// Polynomials at the points of the chain: taken to the box, and going on as straight lines.
    inside: Vec<Vec<f64>>,
    straight: Vec<Vec<f64>>,
    /// Polynomials where coefficients are held, and the bin whose they are to be.
    held: &'a [(Vec<f64>, usize)],
    step: f64,
    stride: usize,
    /// Size of each coefficient.
    sizes: &'a [f64],
    /// Roots of the covariances of the bins' mean and (co)variance.
    errors: Vec<[Mat<f64>; 2]>,
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

impl Fit<'_> {
    fn count(&self) -> usize {
        self.d + packed_len(self.d)
    }

    /// Mean (d) and covariance (packed) of the displacements from the places of a bin's rows.
    fn moments<const F: usize>(&self, parameters: &[f64]) -> Vec<Vec<f64>> {
        let d = self.d;
        let scale = (2.0 * self.step).sqrt();
        let step = |point: usize| {
            let drift = coefficients(d, &parameters[..d * self.basis.len()], &self.straight[point]);
            let entries = coefficients(packed_len(d), &parameters[d * self.basis.len()..], &self.inside[point]);
            (drift.iter().map(|b| self.step * b).collect(), exponentiated(d, &entries).map(|r| scale * r))
        };
        let fields = self.chain.moments::<F>(self.stride, step);
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
        self.bins.iter().map(of).collect()
    }

    fn bin_moments(&self, parameters: &[f64]) -> Vec<Vec<f64>> {
        if self.d == 2 { self.moments::<5>(parameters) } else { self.moments::<9>(parameters) }
    }

    /// Roots of the covariances of mean and (co)variance over n rows, where the displacements have these moments; None where they have no variance.
    fn of_normal(d: usize, moments: &[f64], rows: f64, fourth: f64) -> Option<[Mat<f64>; 2]> {
        let v = |k: usize, l: usize| moments[d + packed_index(d, k, l)];
        let all: Vec<(usize, usize)> = pairs(d).collect();
        let mean = Mat::from_fn(d, d, |k, l| v(k, l) / rows);
        let variance = Mat::from_fn(all.len(), all.len(), |a, b| {
            let ((i, j), (k, l)) = (all[a], all[b]);
            fourth * (v(i, k) * v(j, l) + v(i, l) * v(j, k)) / rows
        });
        Some([root(&mean)?, root(&variance)?])
    }

    /// What is left of the data, in standard errors; then what is held.
    fn residuals(&self, parameters: &[f64]) -> Vec<f64> {
        let d = self.d;
        let mut all = Vec::with_capacity(self.bins.len() * self.count());
        for ((bin, model), [mean, variance]) in self.bins.iter().zip(self.bin_moments(parameters)).zip(&self.errors) {
            let left: Vec<f64> = bin.moments.iter().zip(&model).map(|(a, b)| a - b).collect();
            all.extend(solved(mean, &left[..d]));
            all.extend(solved(variance, &left[d..]));
        }
        for (polynomials, bin) in self.held {
            let here = coefficients(self.count(), parameters, polynomials);
            let wanted = seen(d, &self.bins[*bin], self.step * self.stride as f64);
            all.extend(here.iter().zip(&wanted).zip(self.sizes).map(|((a, b), size)| (a - b) / size));
        }
        all
    }

    /// Standard errors where the chain has these parameters.
    fn weigh(&mut self, parameters: &[f64], fourth: f64) {
        let there = self.bin_moments(parameters);
        self.errors.clear();
        for (bin, model) in self.bins.iter().zip(there) {
            let of = |moments: &[f64]| Self::of_normal(self.d, moments, bin.rows, fourth);
            self.errors.extend(of(&model).or_else(|| of(&bin.moments)));
        }
    }

    /// The least squares with the scatter of the chain at `start`, the best of a lower degree; the criterion with it.
    fn run(&mut self, start: Vec<f64>, first: bool) -> Option<(Minimum, f64)> {
        let scale: Vec<f64> = self.sizes.iter().flat_map(|size| vec![*size; self.basis.len()]).collect();
        let fourth = self.bins.iter().map(|bin| bin.fourth).sum::<f64>() / self.bins.len() as f64;
        self.weigh(&start, fourth);
        let mut found = minimum(&|p| self.residuals(p), start, &scale)?;
        if first {
            self.weigh(&found.parameters, fourth);
            found = minimum(&|p| self.residuals(p), found.parameters, &scale)?;
        }
        let log = |lower: &Mat<f64>| (0..lower.nrows()).map(|k| 2.0 * lower[(k, k)].ln()).sum::<f64>();
        let determinants: f64 = self.errors.iter().flatten().map(log).sum();
        // Akaike's criterion for few data
        let (data, parameters) = ((self.count() * self.bins.len()) as f64, found.parameters.len() as f64);
        let criterion = found.cost + determinants + 2.0 * parameters * data / (data - parameters - 1.0).max(1.0);
        Some((found, criterion))
    }

    /// The coefficients at the nodes, in the units of the lattice, with their standard errors.
    fn answer(&self, found: &Minimum, lattice: &Lattice) -> OneStep {
        let (d, n, each) = (self.d, lattice.len(), self.basis.len());
        let freedom = (self.count() * self.bins.len()).saturating_sub(found.parameters.len()).max(1) as f64;
        let misfit = (found.cost / freedom).max(1.0).sqrt();
        let frames: Vec<(f64, f64)> = (0..d).map(|k| frame(lattice, k)).collect();
        // of a function of the coefficients `of`, whose derivatives by them are `slopes`
        let error = |of: &[usize], slopes: &[f64], polynomials: &[f64]| {
            let mut sum = 0.0;
            for (a, x) in of.iter().zip(slopes) {
                for (b, y) in of.iter().zip(slopes) {
                    for (i, p) in polynomials.iter().enumerate() {
                        let row = polynomials
                            .iter()
                            .enumerate()
                            .map(|(j, q)| found.covariance[(a * each + i, b * each + j)] * q);
                        sum += x * y * p * row.sum::<f64>();
                    }
                }
            }
            misfit * sum.max(0.0).sqrt()
        };
        let zeros = |fields: usize| vec![0.0; fields * n];
        let mut out = OneStep {
            drift: zeros(d),
            drift_se: zeros(d),
            diffusion: zeros(packed_len(d)),
            diffusion_se: zeros(packed_len(d)),
        };
        for node in 0..n {
            let at: Vec<f64> =
                lattice.position(node).iter().zip(&frames).map(|(x, (middle, half))| (x - middle) / half).collect();
            let polynomials = self.basis.at(&at);
            let all = coefficients(self.count(), &found.parameters, &polynomials);
            let root = exponentiated(d, &all[d..]);
            let entry = |k: usize, i: usize| root[packed_index(d, k, i)];
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
                out.diffusion_se[c * n + node] = unit * error(&of, &slopes, &polynomials);
            }
        }
        out
    }
}

/// b and the root of A (log on the diagonal) as a bin has them over the time between rows.
fn seen(d: usize, bin: &Bin, interval: f64) -> Vec<f64> {
    let mut all: Vec<f64> = bin.moments[..d].iter().map(|m| m / interval).collect();
    all.resize(d + packed_len(d), 0.0);
    if let Some(lower) = root(&matrix(d, &bin.moments[d..])) {
        let by = 1.0 / (2.0 * interval).sqrt();
        for (k, l) in pairs(d) {
            let entry = by * lower[(l, k)];
            all[d + packed_index(d, k, l)] = if k == l { entry.ln() } else { entry };
        }
    }
    all
}

/// Drift and A of one step at the nodes; None where no degree fits. Errors of the coefficients as in `stride`.
pub(super) fn one_step(traces: &Trajectories, lattice: &Lattice) -> Option<OneStep> {
    let d = lattice.dimension();
    let (chain, interval) = (ChainLattice::new(d), traces.interval());
    let bins: Vec<Bin> = bins(traces, lattice, &chain)
        .into_iter()
        .filter(|bin| Fit::of_normal(d, &bin.moments, bin.rows, 1.0).is_some())
        .collect();
    let values: Vec<Vec<f64>> = bins.iter().map(|bin| seen(d, bin, interval)).collect();
    let largest = |c: usize| values.iter().map(|all| all[c].abs()).fold(f64::MIN_POSITIVE, f64::max);
    let mean = |c: usize| values.iter().map(|all| all[c]).sum::<f64>() / values.len() as f64;
    let diagonal = |k: usize| d + packed_index(d, k, k);
    let mut sizes: Vec<f64> = (0..d).map(largest).collect();
    let off = |k: usize, l: usize| (0.5 * (mean(diagonal(k)) + mean(diagonal(l)))).exp();
    sizes.extend(pairs(d).map(|(k, l)| if k == l { 1.0 } else { off(k, l) }));
    let mut best: Option<(f64, OneStep)> = None;
    let (mut worse, mut last): (usize, Vec<f64>) =
        (0, (0..sizes.len()).map(|c| if c < d { 0.0 } else { mean(c) }).collect());
    for degree in 1..=DEGREES[d - 1] {
        let basis = Polynomials::new(d, degree);
        if BINS * basis.len() > bins.len() {
            break;
        }
        let positions: Vec<Vec<f64>> = (0..chain.len()).map(|point| chain.position(point)).collect();
        let held = held(d, &bins, &basis);
        let mut fit = Fit {
            d,
            bins: &bins,
            chain: &chain,
            basis: &basis,
            inside: positions.iter().map(|u| basis.at(u)).collect(),
            straight: positions.iter().map(|u| basis.straight_on(u)).collect(),
            held: &held,
            step: traces.step(),
            stride: traces.stride(),
            sizes: &sizes,
            errors: Vec::new(),
        };
        // the last degree's polynomials come first
        let each = last.len() / sizes.len();
        let start = last.chunks_exact(each).flat_map(|row| {
            let more = vec![0.0; basis.len() - each];
            row.iter().copied().chain(more)
        });
        let found = fit.run(start.collect(), degree == 1);
        let better = found.as_ref().is_some_and(|(_, now)| best.as_ref().is_none_or(|(least, _)| now < least));
        if let Some((found, criterion)) = found {
            if better {
                best = Some((criterion, fit.answer(&found, lattice)));
            }
            last = found.parameters;
        }
        worse = if better { 0 } else { worse + 1 };
        if worse >= PATIENCE {
            break;
        }
    }
    best.map(|(_, answer)| answer)
}

/// Places of the box that no bin is near, as polynomials, with the nearest bin: nothing else would say what coefficients are there.
fn held(d: usize, bins: &[Bin], basis: &Polynomials) -> Vec<(Vec<f64>, usize)> {
    let each = HELD[d - 1];
    let place = |i: usize| -> Vec<f64> {
        (0..d).map(|k| -1.0 + 2.0 * (i / each.pow(k as u32) % each) as f64 / (each - 1) as f64).collect()
    };
    let nearest = |at: &Vec<f64>| {
        let distance = |bin: &Bin| bin.place.iter().zip(at).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let all = bins.iter().map(distance).enumerate();
        all.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, distance)| *distance > NEAR).map(|(bin, _)| bin)
    };
    (0..each.pow(d as u32)).map(place).filter_map(|at| Some((basis.at(&at), nearest(&at)?))).collect()
}
