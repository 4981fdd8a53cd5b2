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
//! | a table ([`Model::table`]) | [`Tabulated`] | the noise of tables, the error of their interpolation |
//! | residuals of a squared loss ([`Model::regression`]) | [`Regression`] | the decomposition of the noise |
//!
//! | file | holds |
//! |---|---|
//! | `formula.rs` | a loss or a drift given by formulas |
//! | `sample_loss/` | a formula summed over the samples of a table |
//! | `table/` | values at nodes, from a network or another program, interpolated by cubic splines |
//! | `tanh_regression/` | a sum of tanh units with fixed or projected amplitudes (Golub & Pereyra 1973, doi:10.1137/0710036) |
//! | `importance.rs` | samples drawn by importance |
//! | `weighted.rs` | one sample with another weight |
//! | `data.rs` | columns of samples, from a table or from a teacher |
//! | `capability.rs`, `regression.rs`, `tabulated.rs` | the traits |

pub mod capability;
pub mod data;
pub mod formula;
pub mod importance;
pub mod regression;
pub mod sample_loss;
pub mod table;
pub mod tabulated;
pub mod tanh_regression;
pub mod weighted;

pub use capability::{Model, ProjectedModel, SampleModel};
pub use importance::{ImportanceSampled, LossScale, Sampling, Scheme};
pub use regression::{Projection, Regression};
pub use tabulated::{Accuracy, Tabulated};
pub use weighted::WeightedSample;
