//! Sums over short vectors, term after term.

/// Σ a_k b_k.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
