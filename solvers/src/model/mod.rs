//! Models: a loss L(θ), or a general drift, and what else is known of it.
//!
//! ```text
//! L(θ) = (1/m) Σ_s l_s(θ),     g_s = ∇l_s,     ∇L = (1/m) Σ g_s,     Cov g = (1/m) Σ g_s g_sᵀ − ∇L ∇Lᵀ
//! ```
//!
//! Every model has the trait [`Model`]. What only some can do are capabilities of their own: whoever needs one asks for it, and
//! refuses the model by name where it is not there.
//!
//! | capability | trait | asked for by |
//! |---|---|---|
//! | samples ([`Model::data`]) | [`SampleModel`] | SGD, minibatch noise, importance sampling, cumulants of batches |
//! | parameters solved for at every θ ([`Model::projected`]) | [`ProjectedModel`] | joint descent |
//! | residuals of a squared loss ([`Model::regression`]) | [`Regression`] | the decomposition of the noise |
//!
//! | file | holds |
//! |---|---|
//! | `formula.rs` | a loss or a drift given by formulas |
//! | `sample_loss/` | a formula summed over the samples of a table |
//! | `tanh_regression/` | a sum of tanh units with fixed or projected amplitudes (Golub & Pereyra 1973, doi:10.1137/0710036) |
//! | `importance.rs` | samples drawn by importance |
//! | `data.rs` | columns of samples, from a table or from a teacher |
//! | `samples.rs`, `regression.rs` | the capabilities |

pub mod data;
pub mod formula;
pub mod importance;
pub mod regression;
pub mod sample_loss;
pub mod samples;
pub mod tanh_regression;

use std::sync::Arc;

use crate::numerics::difference::{STEP, stencils};
use crate::numerics::symmetric::packed_index;

pub use importance::{ImportanceSampled, LossScale};
pub use regression::{Projection, Regression};
pub use samples::{ProjectedModel, SampleModel};

/// A loss (or a general drift), evaluated over batches of points.
///
/// n points in d dimensions are coordinate-major: θ_k of point i is `points[k·n + i]`; gradients likewise. Packed
/// symmetric matrices as in [`crate::numerics::symmetric`].
pub trait Model: Send + Sync {
    /// Number of dimensions d.
    fn dimension(&self) -> usize;

    /// Whether there is a loss; false for a general drift that is no gradient.
    fn has_loss(&self) -> bool {
        true
    }

    /// Mean loss L at n points; NaN where [`Model::has_loss`] is false.
    fn loss(&self, points: &[f64], loss: &mut [f64]);

    /// ∇L (d×n), or minus the drift where there is no loss.
    fn gradient(&self, points: &[f64], gradient: &mut [f64]);

    /// Second derivatives of L (packed × n); without a loss the symmetric part of −∇b.
    ///
    /// The default takes fourth-order central differences of the gradient with the step 10⁻³·(1 + |θ_j|), good to about
    /// 10⁻¹¹ relative where the gradient is smooth on that scale.
    fn hessian(&self, points: &[f64], hessian: &mut [f64]) {
        central_hessian(self, points, hessian);
    }

    /// Its samples; None for a model without data.
    fn data(&self) -> Option<&dyn SampleModel> {
        None
    }

    /// The same of a shared model; a model that has [`Model::data`] has these too.
    fn shared_data(self: Arc<Self>) -> Option<Arc<dyn SampleModel>> {
        None
    }

    /// The parameters besides θ that it solves for at every θ; None where there are none.
    fn projected(&self) -> Option<Arc<dyn ProjectedModel>> {
        None
    }

    /// What is known of the residuals, for a regression with squared loss.
    fn regression(&self) -> Option<&dyn Regression> {
        None
    }

    /// Fields worth recording besides the loss, by name (for example `condition_number`), each one value per point; often none.
    fn diagnostics(&self, _points: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
        Vec::new()
    }
}

impl dyn Model {
    /// Number of samples m; 0 for a model without data.
    pub fn sample_count(&self) -> usize {
        self.data().map_or(0, SampleModel::samples)
    }
}

fn central_hessian<M: Model + ?Sized>(model: &M, points: &[f64], hessian: &mut [f64]) {
    let d = model.dimension();
    let n = points.len() / d;
    hessian.fill(0.0);
    let gradient = |points: &[f64], gradient: &mut [f64]| model.gradient(points, gradient);
    stencils(d, points, STEP, d, gradient, |j, weights, gradient| {
        for i in 0..d {
            let half = if i == j { 1.0 } else { 0.5 }; // off the diagonal the mean of both differences
            let c = packed_index(d, i, j);
            for p in 0..n {
                hessian[c * n + p] += half * weights[p] * gradient[i * n + p];
            }
        }
    });
}
