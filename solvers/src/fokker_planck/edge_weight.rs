//! The two rates of an edge from its weight and its exponent: every law w(p) with w(p)/w(−p) = eᵖ keeps the equilibrium.

use super::bernoulli::weighted_pair;

/// The law of the rates K(x → y) = λ w(p), K(y → x) = λ w(−p).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EdgeWeight {
    /// w(p) = B(−p): Scharfetter–Gummel, Chang–Cooper; becomes upwinding for large |p|.
    #[default]
    Bernoulli,
    /// w(p) = e^{p/2} for |p| ≤ 2, continued by a Bernoulli law of the same size beyond.
    SquareRoot,
}

impl EdgeWeight {
    /// (λ w(p), λ w(−p)), finite and ≥ 0 for finite p.
    pub fn rates(self, weight: f64, p: f64) -> (f64, f64) {
        match self {
            Self::Bernoulli => weighted_pair(weight, p),
            Self::SquareRoot => {
                let q = p.abs().min(2.0);
                let scale = if q < 1e-4 { 1.0 + q * q / 24.0 } else { (0.5 * q).sinh() / (0.5 * q) };
                weighted_pair(weight * scale, p)
            }
        }
    }
}
