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
//! Hence the default: the geometric mean of the two laws where A is diagonal, Bernoulli for a full tensor, both with the curvature.

use crate::numerics::bernoulli::weighted_pair;

/// The law of the rates of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EdgeWeight {
    /// φ = ((p/2)/sinh(p/2))^{1/2} for a diagonal A, φ = (p/2)/sinh(p/2) for a full one, times e^{V''/12}.
    #[default]
    Balanced,
    /// φ = (p/2)/sinh(p/2) everywhere.
    Bernoulli,
    /// φ = 1 everywhere.
    SquareRoot,
}

/// Beyond this |p| every law goes on like Bernoulli's, so that rates grow with |p| only linearly.
const STEEP: f64 = 4.0;

impl EdgeWeight {
    /// (K(x → y), K(y → x)) for the weight λ, the exponent p and bend = g(y) − g(x); finite and ≥ 0 for finite p and λ.
    pub fn rates(self, weight: f64, p: f64, bend: f64, full: bool) -> (f64, f64) {
        let q = p.clamp(-STEEP, STEEP);
        let factor = match self {
            Self::Bernoulli => 1.0,
            Self::SquareRoot => sinh_ratio(q),
            Self::Balanced if full => curvature(bend),
            Self::Balanced => sinh_ratio(q).sqrt() * curvature(bend),
        };
        weighted_pair(weight * factor, p)
    }
}

/// sinh(p/2)/(p/2).
fn sinh_ratio(p: f64) -> f64 {
    if p.abs() < 1e-4 { 1.0 + p * p / 24.0 } else { (0.5 * p).sinh() / (0.5 * p) }
}

/// e^{−bend/12}, kept between ⅗ and 5/3 where an edge does not resolve the potential.
fn curvature(bend: f64) -> f64 {
    if bend.is_finite() { (-bend.clamp(-6.0, 6.0) / 12.0).exp() } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_law_keeps_the_ratio() {
        for law in [EdgeWeight::Balanced, EdgeWeight::Bernoulli, EdgeWeight::SquareRoot] {
            for full in [false, true] {
                for p in [0.0, 1e-7, 0.3, 3.9, 4.1, 50.0, 650.0] {
                    for bend in [0.0, 0.7, -30.0, f64::INFINITY] {
                        let (up, down) = law.rates(2.5, p, bend, full);
                        assert!((up.ln() - down.ln() - p).abs() < 1e-11 * (1.0 + p), "{law:?} {p} {bend}");
                        assert_eq!(law.rates(2.5, -p, bend, full), (down, up));
                    }
                }
            }
        }
    }
}
