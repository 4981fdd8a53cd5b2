//! The operator in two dimensions: rows for single draws and listed batches, and solutions by GMRES with the diffusion limit as
//! preconditioner.
//!
//! M⁻¹ = I + (−Q)⁻¹ with Q the generator of the diffusion with the chain's drift and variances a step: on smooth functions it is
//! 1/(ηλ) + 1 against 1/(1 − e^{−ηλ}), on rough ones 1, so that the number of iterations hardly depends on η or on h.

use faer::linalg::solvers::Solve;
use faer::sparse::linalg::solvers::Lu;
use faer::sparse::{SparseColMat, Triplet};
use rayon::prelude::*;

use super::assignment::Rows;
use super::batch_law::BatchLaws;
use super::iterate::gmres;
use super::line::{Nodes, Operator, Part, block, joined, not_finite};
use super::matrix::TransitionMatrix;
use super::plane_law::PlaneLaw;
use super::samples::{Samples, Step};
use crate::Error;
use crate::engine::Interrupt;

/// A chain on the nodes of a plane; state number i·n₂ + j.
#[derive(Debug, Clone)]
pub struct PlaneOperator {
    /// Nodes along each axis.
    pub axes: [Nodes; 2],
    /// P; excess is the larger one of the two axes.
    pub operator: Operator,
    /// Mean displacement of a step in cells, by axis (2×N).
    pub drift: Vec<[f64; 2]>,
    /// Variance of a step in cells², by axis (2×N).
    pub variance: Vec<[f64; 2]>,
}

/// Weights below it are left out of a row.
const LEAST_WEIGHT: f64 = 1e-15;

struct PlanePart {
    part: Part,
    drift: Vec<[f64; 2]>,
    variance: Vec<[f64; 2]>,
}

impl PlaneOperator {
    /// The operator of SGD on the nodes of a plane.
    ///
    /// Errors: those of [`Step::check`]; too many distinct batches for a list; more than `most` entries (with the grid that
    /// fits); gradients that are not finite; [`Error::Interrupted`].
    pub fn new(
        axes: [Nodes; 2],
        samples: &dyn Samples,
        step: &Step,
        most: usize,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let m = samples.count();
        step.check(m)?;
        let laws = BatchLaws::new(step, m);
        if !laws.lists_atoms() {
            return Err(Error::invalid(
                format!(
                    "{m} samples in batches of {} have too many distinct batches for rows in a plane",
                    step.batch_size
                ),
                "take single draws or fewer samples in a plane, or one axis",
            ));
        }
        let states = axes[0].count * axes[1].count;
        let size = block(m);
        let entries = std::sync::atomic::AtomicUsize::new(0);
        let parts: Result<Vec<PlanePart>, Error> = (0..states.div_ceil(size))
            .into_par_iter()
            .map_init(Scratch::default, |scratch, b| {
                if interrupt() {
                    return Err(Error::Interrupted { time: 0.0 });
                }
                let range = b * size..((b + 1) * size).min(states);
                let done = range.end;
                let part = rows(&axes, samples, step, &laws, range, scratch)?;
                let order = std::sync::atomic::Ordering::Relaxed;
                let total = entries.fetch_add(part.part.matrix.entries(), order) + part.part.matrix.entries();
                if total > most {
                    return Err(too_many(most, total as f64 / done.max(size) as f64 * states as f64, &axes));
                }
                Ok(part)
            })
            .collect();
        let (mut drift, mut variance, mut plain) = (Vec::with_capacity(states), Vec::with_capacity(states), Vec::new());
        for part in parts? {
            drift.extend(part.drift);
            variance.extend(part.variance);
            plain.push(part.part);
        }
        Ok(Self { axes, operator: joined(plain), drift, variance })
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.axes[0].count * self.axes[1].count
    }

    /// The invariant law by GMRES from the diffusion's, to `tolerance` in the residual; the number of products beside it.
    ///
    /// The law must be unique. Errors: no convergence, a diffusion that is singular, [`Error::Interrupted`].
    pub fn stationary(&self, tolerance: f64, interrupt: Interrupt) -> Result<(Vec<f64>, usize), Error> {
        let n = self.states();
        let diffusion = self.diffusion(&|_| 0.0, Some(n / 2 + self.axes[1].count / 2))?;
        let matrix = &self.operator.matrix;
        let mut law = vec![0.0; n];
        law[diffusion.pinned.unwrap_or(0)] = 1.0;
        diffusion.transposed(&mut law);
        let unit = law.clone();
        let mass: f64 = unit.iter().sum();
        // a few steps take the rough parts of the guess away
        let mut law: Vec<f64> = unit.iter().map(|v| (v / mass).max(0.0)).collect();
        let mut next = vec![0.0; n];
        for _ in 0..20 {
            matrix.forward(&law, &mut next);
            std::mem::swap(&mut law, &mut next);
        }
        normalise(&mut law);
        // δ (I − P) = law (P − I) on what has sum 0
        let operator = |x: &[f64], out: &mut [f64]| {
            matrix.forward(x, out);
            out.iter_mut().zip(x).for_each(|(o, x)| *o = x - *o);
        };
        let precondition = |v: &mut [f64]| {
            let mut z = v.to_vec();
            if let Some(pin) = diffusion.pinned {
                z[pin] = 0.0;
            }
            diffusion.transposed(&mut z);
            let sum: f64 = z.iter().sum::<f64>() / mass;
            v.iter_mut().zip(&z).zip(&unit).for_each(|((v, z), u)| *v += z - sum * u);
        };
        let mut residual = vec![0.0; n];
        operator(&law, &mut residual);
        residual.iter_mut().for_each(|r| *r = -*r);
        let size = residual.iter().map(|r| r * r).sum::<f64>().sqrt();
        let norm = law.iter().map(|r| r * r).sum::<f64>().sqrt();
        let mut correction = vec![0.0; n];
        let goal = (tolerance * norm / size).min(0.5);
        let products = gmres(&operator, &precondition, &residual, &mut correction, goal, 2000, interrupt)?;
        law.iter_mut().zip(&correction).for_each(|(l, c)| *l = (*l + c).max(0.0));
        normalise(&mut law);
        Ok((law, products))
    }

    /// Mean number of steps to a target of which each cell holds the share given (N), with the number of products.
    ///
    /// Errors: a target without nodes or of all nodes, no convergence, [`Error::Interrupted`].
    pub fn mean_steps(&self, shares: &[f64], tolerance: f64, interrupt: Interrupt) -> Result<(Vec<f64>, usize), Error> {
        if shares.iter().all(|s| *s <= 0.0) || shares.iter().all(|s| *s >= 1.0) {
            return Err(Error::invalid(
                "the target holds no node of the grid, or every node",
                "move the target so that it holds some of the nodes, or use more cells",
            ));
        }
        let diffusion = self.diffusion(&|i| shares[i], None)?;
        let matrix = &self.operator.matrix;
        let alive: Vec<f64> = shares.iter().map(|s| 1.0 - s).collect();
        let operator = |x: &[f64], out: &mut [f64]| {
            let y: Vec<f64> = x.iter().zip(&alive).map(|(x, a)| if *a > 0.0 { x * a } else { 0.0 }).collect();
            matrix.backward(&y, out);
            (0..x.len()).for_each(|i| out[i] = if alive[i] > 0.0 { x[i] - out[i] } else { x[i] });
        };
        let precondition = |v: &mut [f64]| {
            let mut z = v.to_vec();
            diffusion.plain(&mut z);
            v.iter_mut().zip(&z).zip(&alive).for_each(|((v, z), a)| *v += if *a > 0.0 { *z } else { 0.0 });
        };
        let b: Vec<f64> = alive.iter().map(|a| f64::from(u8::from(*a > 0.0))).collect();
        let mut x = vec![0.0; b.len()];
        let products = gmres(&operator, &precondition, &b, &mut x, tolerance, 2000, interrupt)?;
        Ok((x, products))
    }

    /// −Q per step with killing shares, or with one state pinned; factored.
    fn diffusion(&self, shares: &dyn Fn(usize) -> f64, pinned: Option<usize>) -> Result<Diffusion, Error> {
        let (n, width) = (self.states(), self.axes[1].count);
        let mut triplets = Vec::with_capacity(5 * n);
        let mut diagonal = vec![0.0; n];
        let removed = |i: usize| shares(i) >= 1.0 || pinned == Some(i);
        for i in 0..n {
            let (row, column) = (i / width, i % width);
            let neighbours = [(0, row + 1 < self.axes[0].count, i + width), (1, column + 1 < width, i + 1)];
            for (axis, exists, j) in neighbours {
                if !exists {
                    continue;
                }
                let a = (0.25 * (self.variance[i][axis] + self.variance[j][axis])).max(1e-6);
                let peclet = 0.5 * (self.drift[i][axis] + self.drift[j][axis]) / a;
                for (from, to, rate) in [(i, j, a * bernoulli(-peclet)), (j, i, a * bernoulli(peclet))] {
                    if !removed(from) {
                        diagonal[from] += rate;
                        let passes = rate * (1.0 - shares(to));
                        if !removed(to) && passes > 0.0 {
                            triplets.push(Triplet::new(from, to, -passes));
                        }
                    }
                }
            }
        }
        for (i, d) in diagonal.iter().enumerate() {
            triplets.push(Triplet::new(i, i, if removed(i) { 1.0 } else { *d }));
        }
        let failed = |what: &str| {
            Error::numerical("the diffusion limit of the chain", "in its factorisation", what, "use fewer nodes")
        };
        let matrix =
            SparseColMat::<usize, f64>::try_new_from_triplets(n, n, &triplets).map_err(|_| failed("too large"))?;
        let lu = matrix.sp_lu().map_err(|_| failed("it is singular, or too large"))?;
        Ok(Diffusion { lu, pinned, stationary_source: pinned.map(|pin| self.sources(pin)) })
    }

    /// Rates out of the pinned state: the right-hand side of the diffusion's own invariant law.
    fn sources(&self, pin: usize) -> Vec<(usize, f64)> {
        let width = self.axes[1].count;
        let (row, column) = (pin / width, pin % width);
        let mut out = Vec::new();
        let mut add = |axis: usize, j: usize, sign: f64| {
            let a = (0.25 * (self.variance[pin][axis] + self.variance[j][axis])).max(1e-6);
            let peclet = 0.5 * (self.drift[pin][axis] + self.drift[j][axis]) / a;
            out.push((j, a * bernoulli(-sign * peclet)));
        };
        if row > 0 {
            add(0, pin - width, -1.0);
        }
        if row + 1 < self.axes[0].count {
            add(0, pin + width, 1.0);
        }
        if column > 0 {
            add(1, pin - 1, -1.0);
        }
        if column + 1 < width {
            add(1, pin + 1, 1.0);
        }
        out
    }
}

fn normalise(law: &mut [f64]) {
    let sum: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= sum);
}

/// x/(eˣ − 1).
fn bernoulli(x: f64) -> f64 {
    if x.abs() < 1e-8 { 1.0 - 0.5 * x } else { x / x.exp_m1() }
}

fn too_many(most: usize, expected: f64, axes: &[Nodes; 2]) -> Error {
    let factor = (most as f64 / expected).powf(0.25);
    let fits = axes.map(|a| (a.count as f64 * factor).floor());
    Error::invalid(
        format!("the operator would have about {expected:.1e} entries, more than the limit of {most}"),
        format!("use at most {} by {} cells", fits[0], fits[1]),
    )
}

/// −Q, factored.
struct Diffusion {
    lu: Lu<usize, f64>,
    pinned: Option<usize>,
    stationary_source: Option<Vec<(usize, f64)>>,
}

impl Diffusion {
    /// (−Q)⁻¹ v.
    fn plain(&self, v: &mut [f64]) {
        self.lu.solve_in_place(faer::MatMut::from_column_major_slice_mut(v, v.len(), 1));
    }

    /// v (−Q)⁻¹; a unit at the pinned state gives the invariant law of the diffusion with weight 1 there.
    fn transposed(&self, v: &mut [f64]) {
        if let (Some(pin), Some(source)) = (self.pinned, &self.stationary_source)
            && v[pin] != 0.0
        {
            let weight = v[pin];
            source.iter().for_each(|(j, rate)| v[*j] += weight * rate);
        }
        self.lu.solve_transpose_in_place(faer::MatMut::from_column_major_slice_mut(v, v.len(), 1));
    }
}

#[derive(Default)]
struct Scratch {
    law: PlaneLaw,
    atoms: Vec<[f64; 2]>,
    weights: Vec<f64>,
    work: [super::batch_law::Workspace; 2],
}

fn rows(
    axes: &[Nodes; 2],
    samples: &dyn Samples,
    step: &Step,
    laws: &BatchLaws,
    range: std::ops::Range<usize>,
    scratch: &mut Scratch,
) -> Result<PlanePart, Error> {
    let (m, n, width) = (samples.count(), range.len(), axes[1].count);
    let mut points: Vec<f64> = range.clone().map(|i| axes[0].at(i / width)).collect();
    points.extend(range.clone().map(|i| axes[1].at(i % width)));
    let (mut gradients, mut probabilities) = (vec![0.0; 2 * m * n], vec![0.0; m * n]);
    samples.gradients(&points, &mut gradients);
    let weighted = samples.probabilities(&points, &mut probabilities);
    if let Some(bad) = gradients.iter().position(|g| !g.is_finite()) {
        let i = bad % n;
        return Err(not_finite(bad / n % m, &format!("({}, {})", points[i], points[n + i])));
    }
    let mut out = PlanePart { part: Part::new(), drift: Vec::with_capacity(n), variance: Vec::with_capacity(n) };
    let (mut x, mut p) = ([Vec::new(), Vec::new()], Vec::new());
    let last = [axes[0].count as i64 - 1, axes[1].count as i64 - 1];
    for (i, state) in range.enumerate() {
        p.clear();
        if weighted {
            p.extend(probabilities.iter().skip(i).step_by(n));
        }
        let weights = weighted.then_some(&p[..]);
        let mut shift = [0.0; 2];
        for k in 0..2 {
            let column = gradients[k * m * n..(k + 1) * m * n].iter().skip(i).step_by(n).copied();
            shift[k] = super::line::centred(column, weights, step, axes[k].spacing, &mut x[k]);
            laws.find(&x[k], weights, &mut scratch.work[k]);
        }
        scratch.atoms.clear();
        let [a, b] = &scratch.work;
        scratch.atoms.extend(a.law.atoms.iter().zip(&b.law.atoms).map(|(a, b)| [*a, *b]));
        scratch.weights.clear();
        scratch.weights.extend_from_slice(&a.law.weights);
        let law = &mut scratch.law;
        let s = law.assign(&scratch.atoms, &scratch.weights, shift);
        let here = [(state / width) as i64, (state % width) as i64];
        let place = |k: usize| {
            [here[0] + law.first[0] + (k / law.shape[1]) as i64, here[1] + law.first[1] + (k % law.shape[1]) as i64]
        };
        let column = |k: usize| {
            let z = place(k);
            (z[0].clamp(0, last[0]) * width as i64 + z[1].clamp(0, last[1])) as u32
        };
        let kept = || law.weights.iter().enumerate().filter(|(_, w)| **w > LEAST_WEIGHT);
        out.part.matrix.push(kept().map(|(k, w)| (column(k), *w)));
        let beyond = kept().filter(|(k, _)| (0..2).any(|a| !(0..=last[a]).contains(&place(*k)[a])));
        out.part.clamped.push(beyond.map(|(_, w)| w).sum());
        out.part.excess.push(law.left[0].max(law.left[1]));
        let half = (0.5 * (s[0] - s[2])).hypot(s[1]);
        out.part.cells.push((0.5 * (s[0] + s[2]) - half).max(0.0).sqrt());
        out.drift.push(shift);
        out.variance.push([s[0], s[2]]);
    }
    Ok(out)
}

/// What rows in a plane keep: [`Rows::Fitted`] would need the gradient of a quasi-potential to tilt along.
pub const ROWS: Rows = Rows::Moments;

/// Row sums, for tests: the largest distance from 1.
pub fn row_sum_error(matrix: &TransitionMatrix) -> f64 {
    (0..matrix.states()).map(|i| (matrix.row(i).1.iter().sum::<f64>() - 1.0).abs()).fold(0.0, f64::max)
}
