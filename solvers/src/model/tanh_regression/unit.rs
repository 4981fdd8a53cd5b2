//! The units of a tanh regression, and what its per-sample gradients see.

/// Where a unit's slope comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slope {
    /// Component of θ.
    Group(usize),
    /// A constant.
    Fixed(f64),
}

/// One unit α tanh(w (x − b)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// Centre b.
    pub center: f64,
    /// Slope w.
    pub slope: Slope,
}

/// Per-sample gradient with projected amplitudes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SampleGradient {
    /// g_i = 2 r_i ∂r_i with the whole Jacobian (Golub and Pereyra 1973): SGD on l_i(θ) = r_i(θ)².
    #[default]
    Total,
    /// g_i = −2 r_i (∂Φ α̂)_i: α̂ solved on all data at every step, and held while differentiating.
    Envelope,
    /// α̂ solved on the samples of each batch: the gradient of the batch's own projected loss. Biased, and no mean over samples, so
    /// that it has no D; everything but [`crate::model::SampleModel::batch_gradient`] is that of [`SampleGradient::Total`].
    Batch,
}
