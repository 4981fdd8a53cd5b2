//! Regressions with squared loss: what is known of their residuals beyond losses and gradients.

/// A model with the losses l_s = κ (y_s − h_s)²: targets y, predictions h(θ), a weight κ.
///
/// Points are coordinate-major and per-sample arrays have the samples outside, as for [`super::Model`].
pub trait Regression: Send + Sync {
    /// Name of the data column of the targets y.
    fn target(&self) -> &str;

    /// Name of the data column that h is a function of; None where h has several inputs, or none.
    fn input(&self) -> Option<&str>;

    /// Targets y (m).
    fn targets(&self) -> &[f64];

    /// Weight κ.
    fn weight(&self) -> f64 {
        1.0
    }

    /// Number of numbers that a fit adjusts: the variables, and amplitudes that are solved for.
    fn parameters(&self) -> usize;

    /// Predictions h_s (m×n) and ∂_k h_s (component k of sample s at point i: `[(k·m + s)·n + i]`); false, with nothing
    /// written, where the predictions follow the targets ([`Regression::projection`]).
    fn predictions(&self, points: &[f64], values: &mut [f64], jacobian: &mut [f64]) -> bool;

    /// The least-squares fit inside the model at one θ, where it has one.
    fn projection(&self, _theta: &[f64]) -> Option<Projection> {
        None
    }

    /// The fitted function h at one θ for other values of [`Regression::input`]; None where h has no single input.
    fn fitted(&self, theta: &[f64], inputs: &[f64]) -> Option<Vec<f64>>;

    /// The same with what is solved for fitted to other `targets` (m); without a projection nothing is.
    fn fitted_to(&self, theta: &[f64], _targets: &[f64], inputs: &[f64]) -> Option<Vec<f64>> {
        self.fitted(theta, inputs)
    }

    /// Residuals y_s − h_s at one θ (m).
    fn residuals(&self, theta: &[f64]) -> Vec<f64> {
        let (d, y) = (theta.len(), self.targets());
        if let Some(projection) = self.projection(theta) {
            return projection.residual(y);
        }
        let mut values = vec![0.0; y.len()];
        self.predictions(theta, &mut values, &mut vec![0.0; d * y.len()]);
        y.iter().zip(values).map(|(y, h)| y - h).collect()
    }
}

/// Amplitudes α̂ = G y solved by least squares, G = Φ⁺, at one θ: everything linear in the targets.
///
/// Residual r = (I − QQᵀ) y. With F_k = ∂_kΦ and W_k = (I − QQᵀ) F_k the derivative of the projector is
/// ∂_k(QQᵀ) = A_k + A_kᵀ, A_k = W_k G (Golub and Pereyra 1973), so that ∂_k r = −(A_k + A_kᵀ) y.
/// Matrices m×u have entry (s, j) at `[j·m + s]`.
#[derive(Debug, Clone)]
pub struct Projection {
    /// Samples m.
    pub samples: usize,
    /// Orthonormal basis Q of the range of Φ (m×u; columns that depend on earlier ones are zero).
    pub basis: Vec<f64>,
    /// F_k = ∂_kΦ, one matrix (m×u) for each variable.
    pub derivatives: Vec<Vec<f64>>,
    /// Gᵀ (m×u).
    pub inverse: Vec<f64>,
    /// Whether the model differentiates α̂ too (`total`), or holds it (`envelope`).
    pub total: bool,
}

impl Projection {
    /// r = (I − QQᵀ) y.
    pub fn residual(&self, y: &[f64]) -> Vec<f64> {
        let mut r = y.to_vec();
        self.remove(&mut r);
        r
    }

    /// Takes its part in the range of Φ away from a vector (twice, so that little is left by rounding).
    pub fn remove(&self, vector: &mut [f64]) {
        for _ in 0..2 {
            for q in self.basis.chunks_exact(self.samples) {
                let part: f64 = q.iter().zip(&*vector).map(|(q, v)| q * v).sum();
                vector.iter_mut().zip(q).for_each(|(v, q)| *v -= part * q);
            }
        }
    }
}
