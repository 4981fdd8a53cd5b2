//! The law of one step put on the nodes of a grid: positive, conserving, exact in mean and variance.
//!
//! 1. Every atom goes to its two nodes (linear deposit): mass and mean are exact, the variance is too large.
//! 2. Limited contraction takes the excess out: a move (−e, +2e, −e) keeps mass and mean, removes 2e of variance and, with
//!    e ≤ ½ min of its neighbours, keeps every weight ≥ 0.
//! 3. Where that does not suffice the atoms are shrunk about their mean until it does.
//!
//! With a tilt q the moves keep E e^{qX} = 1 instead of the variance: the idea of Scharfetter and Gummel for jump laws, which keeps
//! the exponents of escape right on coarse grids.

use super::batch_law::BatchLaw;

/// What the weights on the nodes keep besides mass and mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rows {
    /// Nothing: linear deposit, second order, adds variance at every step (for comparison).
    Linear,
    /// The variance: for densities.
    #[default]
    Moments,
    /// E e^{qX} = 1 at the q that balances the drift: for escape and for the shares of wells.
    Fitted,
}

impl Rows {
    /// Its word in a record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Moments => "moments",
            Self::Fitted => "fitted",
        }
    }
}

/// Variance in cells² from which on a step can be put on nodes with the exact variance.
pub const LEAST_VARIANCE: f64 = 0.3;
/// Tilts below it are 0.
const LEAST_TILT: f64 = 1e-3;

/// The law of a step on the nodes, relative to the node it starts from.
#[derive(Debug, Clone, Default)]
pub struct NodeLaw {
    /// The first node.
    pub first: i64,
    /// Weights from there on, ≥ 0, sum 1.
    pub weights: Vec<f64>,
    /// What could not be taken out: variance in cells², or the excess of E e^{qX}.
    pub left: f64,
    moves: Moves,
    costs: Vec<f64>,
}

impl NodeLaw {
    /// Assigns the atoms of `law` moved by `shift` (cells). `tilt` is the q of [`Rows::Fitted`], 0 for the variance.
    pub fn assign(&mut self, law: &BatchLaw, shift: f64, rows: Rows, tilt: f64) {
        let spread: f64 = law.atoms.iter().zip(&law.weights).map(|(z, w)| w * z * z).sum();
        self.place(law, shift, rows, tilt, 1.0, spread);
        if rows == Rows::Linear || self.left <= 1e-13 || law.variance <= LEAST_VARIANCE {
            return;
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            self.place(law, shift, rows, tilt, middle, spread);
            if self.left > 0.0 {
                high = middle;
            } else {
                low = middle;
            }
        }
        self.place(law, shift, rows, tilt, 0.5 * (low + high), spread);
    }

    fn place(&mut self, law: &BatchLaw, shift: f64, rows: Rows, tilt: f64, scale: f64, spread: f64) {
        let at = |z: &f64| shift + scale * z;
        let (low, high) =
            law.atoms.iter().map(at).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), z| (a.min(z), b.max(z)));
        self.first = low.floor() as i64 - 2;
        let n = (high.floor() as i64 + 4 - self.first) as usize;
        self.weights.clear();
        self.weights.resize(n, 0.0);
        let (origin, mut added) = (self.first as f64, 0.0);
        for (z, &w) in law.atoms.iter().map(at).zip(&law.weights) {
            let place = z - origin; // ≥ 2: cutting it is its floor, and quicker
            let i = place as usize;
            let a = place - i as f64;
            self.weights[i] += w * (1.0 - a);
            self.weights[i + 1] += w * a;
            added += w * a * (1.0 - a);
        }
        let excess = scale * scale * spread + added - law.variance;
        if rows == Rows::Linear {
            self.left = excess;
            return;
        }
        if tilt.abs() < LEAST_TILT {
            self.left = contract(&mut self.weights, 1, |_| 2.0, excess, &mut self.moves);
        } else {
            let exponential = |j: usize| (tilt * (origin + j as f64)).exp().min(1e290);
            let need = (0..n).map(|j| self.weights[j] * exponential(j)).sum::<f64>() - 1.0;
            let factor = 2.0 * tilt.cosh() - 2.0;
            self.costs.clear();
            self.costs.extend((0..n).map(|j| factor * exponential(j)));
            self.left = contract(&mut self.weights, 1, |j| self.costs[j], need, &mut self.moves);
        }
    }
}

/// Arrays of [`contract`] that are used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Moves {
    caps: Vec<f64>,
    moves: Vec<f64>,
}

/// Moves (−e, +2e, −e) between neighbours `stride` apart until Σ e_j c_j = need, c_j = `cost(j)`; returns what is left. The window has an
/// empty line around along every axis, so that neighbours beyond it in memory are 0.
pub(super) fn contract(
    weights: &mut [f64],
    stride: usize,
    cost: impl Fn(usize) -> f64,
    need: f64,
    scratch: &mut Moves,
) -> f64 {
    if need <= 0.0 {
        return need;
    }
    let (n, w) = (weights.len(), &*weights);
    let Moves { caps, moves } = scratch;
    caps.clear();
    caps.resize(n, 0.0);
    let (mut all, mut reach) = (0.0, 0.0);
    for j in stride..n - stride {
        let cap = 0.5 * w[j - stride].min(w[j + stride]);
        caps[j] = cap;
        if cap > 0.0 {
            all += cap * cost(j);
            reach += if w[j] > 0.0 { cap * cost(j) } else { 0.0 };
        }
    }
    moves.clear();
    if all <= need {
        moves.extend_from_slice(caps);
    } else {
        if reach < 1.0001 * need {
            // the gaps between atoms are needed too: there w = 0 but the cap is not
            let mean = |j: usize| {
                let inside = j >= stride && j + stride < n;
                if inside { 0.25 * (w[j - stride] + 2.0 * w[j] + w[j + stride]) } else { 0.0 }
            };
            moves.extend((0..n).map(mean));
        } else {
            moves.extend_from_slice(w);
        }
        let s = solve(moves, caps, &cost, need);
        moves.iter_mut().zip(&*caps).for_each(|(u, cap)| *u = (s * *u).min(*cap));
        let removed: f64 = moves.iter().enumerate().map(|(j, e)| if *e > 0.0 { e * cost(j) } else { 0.0 }).sum();
        let scale = need / removed;
        moves.iter_mut().for_each(|e| *e *= scale);
    }
    for j in stride..n - stride {
        let e = moves[j];
        if e > 0.0 {
            weights[j - stride] -= e;
            weights[j] += 2.0 * e;
            weights[j + stride] -= e;
        }
    }
    weights.iter_mut().for_each(|w| *w = w.max(0.0));
    if all <= need { need - all } else { 0.0 }
}

/// The s with Σ min(s u_j, cap_j) c_j = need: the sum is concave and piecewise linear in s, so Newton's iteration climbs to the
/// root from below and ends there.
pub(super) fn solve(u: &[f64], caps: &[f64], cost: impl Fn(usize) -> f64, need: f64) -> f64 {
    let mut s = 0.0;
    for _ in 0..100 {
        let (mut value, mut slope) = (0.0, 0.0);
        for (j, (u, cap)) in u.iter().zip(caps).enumerate() {
            if *cap > 0.0 {
                if s * u < *cap {
                    value += s * u * cost(j);
                    slope += u * cost(j);
                } else {
                    value += cap * cost(j);
                }
            }
        }
        if value >= need * (1.0 - 1e-15) || slope == 0.0 {
            break;
        }
        let next = s + (need - value) / slope;
        if next <= s {
            break;
        }
        s = next;
    }
    s
}

impl NodeLaw {
    /// Mean in cells, from the node the step starts from.
    pub fn mean(&self) -> f64 {
        self.weights.iter().enumerate().map(|(k, w)| w * (self.first + k as i64) as f64).sum()
    }
    /// Variance in cells².
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        let square = |k: usize| ((self.first + k as i64) as f64 - mean).powi(2);
        self.weights.iter().enumerate().map(|(k, w)| w * square(k)).sum()
    }
}
