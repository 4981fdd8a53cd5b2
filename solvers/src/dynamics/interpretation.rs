//! Interpretation of the noise, converted to an Itô drift once.
//!
//! For dθ = b dt + √(2T) S ⋆ dW with S the symmetric root of D the Itô drift is b plus
//!
//! ```text
//! Itô                 0
//! Stratonovich        T Σ_jk S_jk ∂_j S_ik       (½ T D' in one dimension)
//! Hänggi–Klimontovich T (∇·D)_i = T Σ_j ∂_j D_ij (Fick form: ∂ρ/∂t = ∇·(−bρ + T D ∇ρ))
//! ```
//!
//! In two and more dimensions the Stratonovich term depends on the root; here it is the symmetric one.

use crate::diffusion::Diffusion;
use crate::fault::{Fault, planted};
use crate::model::Model;
use crate::numerics::symmetric::{eigen, packed_index, packed_len};

/// At which end of a step the noise is evaluated. SGD draws its noise at the start: Itô.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpretation {
    /// At the start.
    #[default]
    Ito,
    /// In the middle.
    Stratonovich,
    /// At the end (anti-Itô, isothermal).
    HaenggiKlimontovich,
}

impl Interpretation {
    /// Adds what makes the drift (d×n) an Itô drift; derivatives of D by differences are based on `lengths` (d).
    pub(crate) fn convert(
        self,
        noise: &dyn Diffusion,
        model: &dyn Model,
        points: &[f64],
        lengths: &[f64],
        temperature: f64,
        drift: &mut [f64],
    ) {
        match self {
            Self::Ito => {}
            Self::HaenggiKlimontovich if planted(Fault::NoDivergence) => {}
            Self::HaenggiKlimontovich => {
                let mut divergence = vec![0.0; points.len()];
                noise.divergence(model, points, lengths, &mut divergence);
                for (b, div) in drift.iter_mut().zip(divergence) {
                    *b += temperature * div;
                }
            }
            Self::Stratonovich => stratonovich(noise, model, points, lengths, temperature, drift),
        }
    }
}

/// With D = V diag(s²) Vᵀ, S ∂S + ∂S S = ∂D gives (Vᵀ ∂S V)_ab = (Vᵀ ∂D V)_ab / (s_a + s_b).
fn stratonovich(
    noise: &dyn Diffusion,
    model: &dyn Model,
    points: &[f64],
    lengths: &[f64],
    temperature: f64,
    drift: &mut [f64],
) {
    let d = model.dimension();
    let n = points.len() / d;
    let packed = packed_len(d);
    let mut diffusion = vec![0.0; packed * n];
    noise.diffusion(model, points, &mut diffusion);
    let derivatives = noise.derivatives(model, points, lengths);
    for p in 0..n {
        let here: Vec<f64> = (0..packed).map(|c| diffusion[c * n + p]).collect();
        let (values, v) = eigen(d, &here);
        let s = values.map(|x| x.max(0.0).sqrt());
        for j in 0..d {
            // row j of S in the eigenbasis, and ∂_j D there
            let row: Vec<f64> = (0..d).map(|b| v[j][b] * s[b]).collect();
            let rotated = |a: usize, b: usize| -> f64 {
                let entry = |i: usize, k: usize| derivatives[(j * packed + packed_index(d, i, k)) * n + p];
                (0..d).map(|i| (0..d).map(|k| v[i][a] * entry(i, k) * v[k][b]).sum::<f64>()).sum()
            };
            for a in 0..d {
                let term = |b: usize| if row[b] == 0.0 { 0.0 } else { rotated(a, b) / (s[a] + s[b]) * row[b] };
                let sum: f64 = (0..d).map(term).sum();
                for i in 0..d {
                    drift[i * n + p] += temperature * v[i][a] * sum;
                }
            }
        }
    }
}
