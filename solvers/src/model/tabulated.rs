//! What is known of a model that is interpolated from a table.

use super::table::diffusion::TableDiffusion;
use super::table::tensor::Lattice;

/// A model between the nodes of a lattice.
pub trait Tabulated: Send + Sync {
    /// Its nodes.
    fn lattice(&self) -> &Lattice;

    /// D of the table; None where there is none, or D is the covariance of samples.
    fn diffusion(&self) -> Option<&TableDiffusion>;

    /// At how many points drift or batches were asked for so far, and how many of them lay beyond the table.
    fn points(&self) -> [u64; 2];

    /// Counts anew: what was asked for while a box was sought is no part of the run.
    fn count_anew(&self);

    /// The error of the interpolation.
    fn accuracy(&self) -> Accuracy;

    /// Estimated error of the loss at points (coordinate-major) that matter as these weights say; on one axis, where there is no loss, of the integral of the
    /// drift over points in increasing order. None where there are too few nodes to leave any out, and for a drift in more variables.
    fn potential_error(&self, points: &[f64], weights: &[f64]) -> Option<Vec<f64>>;
}

/// Errors of a table, each as a root mean square over its box, in units of the root mean square of what it is an error of.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    /// Estimated error of ∇L or of the drift; None where there are too few nodes to leave any out.
    pub gradient: Option<f64>,
    /// Estimated error of D in the Frobenius norm; None also where the table gives no D.
    pub diffusion: Option<f64>,
    /// Difference at the nodes between slopes of the splines and a gradient that the table gives besides.
    pub given_gradient: Option<f64>,
    /// The same for the gradients of the samples, in units of their standard deviation.
    pub given_sample_gradients: Option<f64>,
    /// Difference at the nodes between a D that the table gives beside samples, and the covariance of their gradients, which is D.
    pub given_diffusion: Option<f64>,
}
