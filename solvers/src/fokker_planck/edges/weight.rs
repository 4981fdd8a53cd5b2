//! The two rates of an edge from its weight and its exponent: every even factor φ(p) in K(x → y) = λ φ(p) e^{p/2} keeps the
//! equilibrium, and the choice decides how good transients are.
//!
//! φ = (p/2)/sinh(p/2) is the Bernoulli law (Scharfetter–Gummel, Chang–Cooper), φ = 1 the square-root law. The curvature of
//! the potential along the edge, V'' = −(g(y) − g(x)) with p = ∫g, enters as e^{V''/12}: with it the conductance of an edge is
//! 1/∫e^{V} to fourth order. Measured, L1 error of the transients (peers' problems, their grids) and of stationary densities:
//!
//! | | Bernoulli | square root | Bernoulli·curvature | geometric mean·curvature |
//! |---|---|---|---|---|
//! | 1-D Ornstein–Uhlenbeck, start 3σ off, 512 cells | 4.6e-4 | 1.0e-4 | 3.0e-4 | 1.2e-4 |
//! | 1-D Ornstein–Uhlenbeck, mean over 60 starts and times | 2.1e-3 | 1.3e-3 | 1.6e-3 | 1.1e-3 |
//! | 1-D double well, mean over 50 starts and times | 1.6e-3 | 9.1e-4 | 1.3e-3 | 9.1e-4 |
//! | 2-D double well, 256² | 8.8e-4 | 8.3e-4 | 8.3e-4 | 8.1e-4 |
//! | 2-D, D = diag(1 + x², 1 + y²), 256² | 2.9e-3 | 2.1e-3 | 2.3e-3 | 1.1e-3 |
//! | stationary, rotating current, D isotropic, 128² | 9.4e-4 | 9.3e-4 | 4.3e-4 | 4.5e-4 |
//! | stationary, rotating current, condition 10, 128² | 7.1e-3 | 2.2e-2 | 6.4e-3 | 1.2e-2 |
//!
//! Hence the geometric mean of the two laws where A is diagonal, Bernoulli for a full tensor, both with the curvature.
//!
//! Those are laws of small p. At large |p| the geometric mean would carry a law too fast, by (sinh(p/2)/(p/2))^½, and both by ∇·A where A changes along
//! the edge, whatever the cells, so that coarser ones do not show it. About |p| = 3 the geometric mean goes over into Bernoulli's law, and from 2 to 6 the rates
//! of a diagonal A into those of the flux that solves (bρ − (Aρ)')' = 0 between the two cells, with the exponent q = ∫ b/A and its slope q'(0) where the
//! probability comes from,
//!
//! ```text
//! K(x → y) = λ_x / ∫₀¹ e^{−q(s)} ds  →  λ_x q'(0) = b(x)/h:   each cell moves with its own drift, and the ratio e^p is kept.
//! ```

use crate::numerics::bernoulli::weighted_pair;

/// What the flux along an edge is made of where the Péclet number is large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flux {
    /// λ at both ends.
    pub weights: [f64; 2],
    /// q = ∫ b/A along the edge.
    pub integral: f64,
    /// q' at both ends, in lengths of the edge.
    pub slopes: [f64; 2],
}

/// |q| between which rates go over into those of the flux.
const DRIVEN: [f64; 2] = [2.0, 6.0];
/// Most panels of the integral of a flux; each is twice as long as the one before.
const PANELS: usize = 64;
/// Gauss's rule of four nodes on [0, 1].
const GAUSS: [(f64, f64); 4] = [
    (0.069_431_844_202_973_71, 0.173_927_422_568_726_93),
    (0.330_009_478_207_571_87, 0.326_072_577_431_273_07),
    (0.669_990_521_792_428_1, 0.326_072_577_431_273_07),
    (0.930_568_155_797_026_3, 0.173_927_422_568_726_93),
];

impl Flux {
    /// Share of the rates that is the flux's.
    fn share(&self) -> f64 {
        between(self.integral.abs(), DRIVEN)
    }

    /// The larger one of the two rates.
    fn rate(&self) -> f64 {
        let (from, slope) = if self.integral > 0.0 { (0, self.slopes[0]) } else { (1, -self.slopes[1]) };
        self.weights[from] / mean_beside(slope.max(0.0), self.integral.abs())
    }
}

/// 0 below, 1 above, smooth between, so that rounding decides nothing.
fn between(x: f64, [low, high]: [f64; 2]) -> f64 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// ∫₀¹ e^{−(q s + c s²)} ds with c = total − q, not so small that the exponent falls again.
fn mean_beside(q: f64, total: f64) -> f64 {
    let c = (total - q).max(-0.5 * q);
    let (mut from, mut to, mut sum) = (0.0f64, (1.0 / (q + total.sqrt())).min(1.0), 0.0);
    for _ in 0..PANELS {
        let width = to - from;
        sum += width
            * GAUSS.iter().map(|(x, w)| (from + width * x, w)).map(|(s, w)| w * (-s * (q + c * s)).exp()).sum::<f64>();
        if to >= 1.0 {
            break;
        }
        (from, to) = (to, (2.0 * to).min(1.0));
    }
    sum
}

/// |p| about which the geometric mean goes over into Bernoulli's law, whose speed is right.
const CARRIED: f64 = 3.0;

/// (K(x → y), K(y → x)) for the weight λ, the exponent p and bend = g(y) − g(x), with the flux of a diagonal A; finite and ≥ 0 for finite p and λ.
pub fn rates(weight: f64, p: f64, bend: f64, flux: Option<&Flux>) -> (f64, f64) {
    let mean = flux.map_or(1.0, |_| geometric_mean(p));
    let (forward, backward) = weighted_pair(weight * mean * curvature(bend), p);
    let Some((flux, share)) = flux.map(|flux| (flux, flux.share())).filter(|(_, share)| *share > 0.0) else {
        return (forward, backward);
    };
    let own = if flux.integral > 0.0 { forward } else { backward };
    let factor = (flux.rate() / own).powf(share);
    if factor.is_finite() && factor > 0.0 { (forward * factor, backward * factor) } else { (forward, backward) }
}

/// The geometric mean of the two laws over Bernoulli's, (sinh(p/2)/(p/2))^½, at small |p|; 1 at large ones.
fn geometric_mean(p: f64) -> f64 {
    let x = 0.5 * p.abs().min(600.0);
    let sinh_ratio = if x < 1e-4 { 1.0 + x * x / 6.0 } else { x.sinh() / x };
    sinh_ratio.powf(0.5 / (1.0 + (p / CARRIED).powi(4)))
}

/// e^{−bend/12}, kept between ⅗ and 5/3 where an edge does not resolve the potential.
fn curvature(bend: f64) -> f64 {
    if bend.is_finite() { (-bend.clamp(-6.0, 6.0) / 12.0).exp() } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_large_peclet_numbers_every_cell_moves_with_its_own_drift() {
        assert!((mean_beside(0.0, 1e-9) - 1.0).abs() < 1e-9);
        assert!((mean_beside(2.0, 2.0) - (1.0 - (-2f64).exp()) / 2.0).abs() < 1e-6);
        assert!((mean_beside(1e6, 1.5e6) * 1e6 - 1.0).abs() < 1e-5);
        let half = 0.5 * (std::f64::consts::PI / 400.0).sqrt(); // ∫ e^{−Q s²}
        assert!((mean_beside(0.0, 400.0) / half - 1.0).abs() < 1e-4, "{}", mean_beside(0.0, 400.0) / half);
        // b = 2 on cells of 1, A = 0.01 and 0.03: p = ∫b/A − ln 3
        let integral = 2.0 * 3f64.ln() / 0.02;
        let flux = Flux { weights: [0.01, 0.03], integral, slopes: [200.0, 200.0 / 3.0] };
        let p = integral - 3f64.ln();
        let (forward, backward) = rates(0.02, p, 200.0 / 3.0 - 200.0, Some(&flux));
        assert!((forward / 2.0 - 1.0).abs() < 0.01, "{forward}");
        assert!((backward / forward / (-p).exp() - 1.0).abs() < 1e-10);
    }

    #[test]
    fn the_ratio_is_kept() {
        for p in [0.0, 1e-7, 0.3, 3.9, 4.1, 50.0, 650.0] {
            for bend in [0.0, 0.7, -30.0, f64::INFINITY] {
                let flux = |sign: f64| Flux { weights: [2.5, 2.5], integral: sign * p, slopes: [sign * p; 2] };
                let (up, down) = rates(2.5, p, bend, Some(&flux(1.0)));
                assert!((up.ln() - down.ln() - p).abs() < 1e-11 * (1.0 + p), "{p} {bend}");
                assert_eq!(rates(2.5, -p, bend, Some(&flux(-1.0))), (down, up));
            }
        }
    }
}
