//! Exponents of escape in one dimension: τ ~ e^{S/η} for small η at fixed B.
//!
//! SGD (Cramér): S = ∫ p*(θ) dθ, where p* ≠ 0 solves Λ(θ, p*) = 0, Λ(θ, p) = B ln (1/m) Σ_s e^{−p g_s/B}. The SDE keeps two cumulants of
//! the noise only: S = 2B ∫ L'/D dθ. Both count the highest climb on the way. The ratio τ_SGD/τ_SDE ~ e^{(S − S_SDE)/η} leaves every bound
//! as η → 0: for escape the SDE's exponent is wrong at low temperature however small η is.

use rayon::prelude::*;

use super::samples::Samples;
use crate::Error;
use crate::engine::Interrupt;

/// Exponents of the way from one point to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Actions {
    /// S of minibatch SGD; ∞ where no sequence of batches leads uphill.
    pub sgd: f64,
    /// S of the SDE of order 1.
    pub sde: f64,
}

impl Actions {
    /// S_SGD/S_SDE.
    pub fn ratio(&self) -> f64 {
        self.sgd / self.sde
    }
}

/// The local exponent between two learning rates: (ln τ₂ − ln τ₁)/(1/η₂ − 1/η₁).
pub fn local_exponent([eta_1, tau_1]: [f64; 2], [eta_2, tau_2]: [f64; 2]) -> f64 {
    (tau_2 / tau_1).ln() / (1.0 / eta_2 - 1.0 / eta_1)
}

/// Pieces that the way is cut into before zeros of L' are looked for.
const PIECES: usize = 400;
/// Nodes and weights of Gauss and Legendre on (−1, 1), positive half.
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// The actions from `from` to `to` (a point of the target) for independent draws of batches of B: with the quasi-potential
/// φ(y) = ∫ p* dθ, S = max φ(y) − φ(z) over `behind` ≤ z ≤ y, `from` ≤ y ≤ `to` along the way, as in the mean time
/// ∫ dy e^{φ(y)/η} ∫^y dz e^{−φ(z)/η}. One climb from a minimum gives ∫ p* dθ over it. Errors: [`Error::Interrupted`].
pub fn actions(
    samples: &dyn Samples,
    batch: usize,
    [behind, from, to]: [f64; 3],
    interrupt: Interrupt,
) -> Result<Actions, Error> {
    let way = Way { samples, uphill: (to - from).signum() };
    let mut climb = Climb::default();
    way.follow(behind, from, &mut climb, interrupt)?;
    climb.highest = climb.now;
    way.follow(from, to, &mut climb, interrupt)?;
    let batch = batch as f64; // Λ_B(p) = B Λ_1(p/B)
    Ok(Actions { sgd: batch * climb.highest[0], sde: batch * climb.highest[1] })
}

/// Variance of the gradient of one draw at a point.
pub fn variance(samples: &dyn Samples, x: f64) -> f64 {
    let (g, p) = Way { samples, uphill: 1.0 }.gradients(x);
    let mean: f64 = g.iter().zip(&p).map(|(g, p)| g * p).sum();
    g.iter().zip(&p).map(|(g, p)| p * (g - mean) * (g - mean)).sum()
}

/// How far the way has climbed above its lowest point so far, for SGD and for the SDE, and the most of it.
#[derive(Default)]
struct Climb {
    now: [f64; 2],
    highest: [f64; 2],
}

impl Climb {
    fn add(&mut self, climbed: [f64; 2]) {
        for k in 0..2 {
            self.now[k] = (self.now[k] + climbed[k]).max(0.0);
            self.highest[k] = self.highest[k].max(self.now[k]);
        }
    }
}

struct Way<'a> {
    samples: &'a dyn Samples,
    /// +1 or −1: the direction of the way.
    uphill: f64,
}

impl Way<'_> {
    /// Gradients along the way and the probabilities they are drawn with.
    fn gradients(&self, x: f64) -> (Vec<f64>, Vec<f64>) {
        let m = self.samples.count();
        let (mut g, mut p) = (vec![0.0; m], vec![1.0 / m as f64; m]);
        self.samples.gradients(&[x], &mut g);
        self.samples.probabilities(&[x], &mut p);
        g.iter_mut().for_each(|g| *g *= self.uphill);
        (g, p)
    }

    fn slope(&self, x: f64) -> f64 {
        let (g, p) = self.gradients(x);
        g.iter().zip(&p).map(|(g, p)| g * p).sum()
    }

    /// Adds ∫ p* over the way from `a` to `b`, piece by piece, each cut where L' vanishes. Errors: [`Error::Interrupted`].
    fn follow(&self, a: f64, b: f64, climb: &mut Climb, interrupt: Interrupt) -> Result<(), Error> {
        let point = |k: usize| a + (b - a) * k as f64 / PIECES as f64;
        let piece = |k: usize| {
            if interrupt() { Err(Error::Interrupted { time: 0.0 }) } else { Ok(self.piece(point(k), point(k + 1))) }
        };
        let pieces = if a == b { 0 } else { PIECES };
        let all = (0..pieces).into_par_iter().map(piece).collect::<Result<Vec<_>, _>>()?;
        all.into_iter().flatten().for_each(|climbed| climb.add(climbed));
        Ok(())
    }

    /// ∫ p* over one piece, or over its parts before and behind a zero of L'.
    fn piece(&self, a: f64, b: f64) -> Vec<[f64; 2]> {
        let first = self.slope(a);
        if first * self.slope(b) >= 0.0 {
            return vec![self.climbed(a, b)];
        }
        let (mut low, mut high) = (a, b);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if self.slope(middle) * first > 0.0 { low = middle } else { high = middle }
        }
        vec![self.climbed(a, low), self.climbed(high, b)]
    }

    /// ∫ p* of one draw over a short way, for SGD and for the SDE.
    fn climbed(&self, a: f64, b: f64) -> [f64; 2] {
        let (centre, half, mut total) = (0.5 * (a + b), 0.5 * (b - a), [0.0; 2]);
        for (z, w) in GAUSS {
            for z in [z, -z] {
                let momenta = self.momenta(centre + half * z);
                (0..2).for_each(|k| total[k] += w * half.abs() * momenta[k]);
            }
        }
        total
    }

    /// p* of one draw for SGD and for the SDE: positive uphill, negative downhill, infinite where no gradient leads that way.
    fn momenta(&self, x: f64) -> [f64; 2] {
        let (mut g, p) = self.gradients(x);
        let mean: f64 = g.iter().zip(&p).map(|(g, p)| g * p).sum();
        if mean == 0.0 {
            return [0.0; 2];
        }
        let variance: f64 = g.iter().zip(&p).map(|(g, p)| p * (g - mean) * (g - mean)).sum();
        if mean < 0.0 {
            g.iter_mut().for_each(|g| *g = -*g);
        }
        let guess = 2.0 * mean.abs() / variance;
        [cramer(&g, &p, guess), guess].map(|p| p.copysign(mean))
    }
}

/// The q > 0 with Σ p e^{−qg} = 1 where the mean of g is > 0; ∞ where no g is negative.
fn cramer(g: &[f64], p: &[f64], guess: f64) -> f64 {
    let least = g.iter().zip(p).filter(|(_, p)| **p > 0.0).map(|(g, _)| *g).fold(f64::INFINITY, f64::min);
    if least >= 0.0 {
        return f64::INFINITY;
    }
    // f is convex, f(0) = 0, f'(0) < 0: above the root Newton's iteration descends to it
    let f = |q: f64| {
        let (mut sum, mut slope) = (0.0, 0.0);
        for (g, p) in g.iter().zip(p) {
            let e = p * (-q * (g - least)).exp();
            sum += e;
            slope -= e * (g - least);
        }
        (sum.ln() - q * least, slope / sum - least)
    };
    let mut q = guess;
    while f(q).0 <= 0.0 && q.is_finite() {
        q *= 1.5;
    }
    for _ in 0..100 {
        let (value, slope) = f(q);
        let next = q - value / slope;
        if next.is_nan() || next >= q * (1.0 - 1e-15) || next <= 0.0 {
            break;
        }
        q = next;
    }
    q
}
