//! Models from tables: values at the nodes of a lattice, between them cubic splines.
//!
//! ```text
//! losses of samples      l_s(θ) splines:  g_s = ∇l_s,  ∇L = (1/m) Σ g_s,  D = Cov g        everything from one set of functions
//! gradients of samples   g_s(θ) splines:  ∇L = (1/m) Σ g_s,  D = Cov g
//! loss                   L(θ) a spline:   b = −∇L
//! drift                  b(θ) splines
//! diffusion              D(θ) splines of the entries, then the nearest matrix ≥ 0
//! ```
//!
//! The splines ([`spline`], [`tensor`]) are twice continuously differentiable and of fourth order in the distance of the nodes, their
//! slopes of third. Beyond the table they go on as straight lines, D as a constant; how often that was asked for is counted.
//! Projecting D onto the matrices ≥ 0 never takes it further from the true one, which is such a matrix. `accuracy.rs` measures the error
//! by leaving out nodes.

mod accuracy;
pub mod diffusion;
mod samples;
pub mod spline;
pub mod tensor;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Model, SampleModel, Tabulated};
use crate::Error;
use crate::numerics::symmetric::packed_index;
pub use diffusion::TableDiffusion;
pub use spline::SplineAxis;
pub use tensor::Lattice;
use tensor::{Splines, in_dimension, values};

/// What a table gives at its n nodes, the last axis fastest. Shapes with m samples and d variables.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// Loss of each sample, m×n.
    pub losses: Option<Vec<f64>>,
    /// Gradient of each sample, m×d×n.
    pub gradients: Option<Vec<f64>>,
    /// Mean loss, n.
    pub loss: Option<Vec<f64>>,
    /// Drift b, d×n; −∇L where there is a loss.
    pub drift: Option<Vec<f64>>,
    /// D, packed × n.
    pub diffusion: Option<Vec<f64>>,
}

/// Where drift and samples come from.
#[derive(Debug)]
enum Law {
    /// Losses of the samples, and their mean.
    SampleLosses { all: Splines, mean: Splines },
    /// Gradients of the samples, their mean, and the mean loss if it is known.
    SampleGradients { all: Splines, mean: Splines, loss: Option<Splines> },
    /// The loss.
    Loss(Splines),
    /// −b.
    MinusDrift(Splines),
}

/// A model from a table.
#[derive(Debug)]
pub struct TableModel {
    lattice: Lattice,
    fields: Fields,
    law: Law,
    samples: usize,
    diffusion: Option<TableDiffusion>,
    asked: AtomicU64,
    beyond: AtomicU64,
}

impl TableModel {
    /// The model of a table.
    ///
    /// Losses of samples win over their gradients, those over loss and drift; what is given besides is compared
    /// ([`Tabulated::accuracy`]).
    ///
    /// # Errors
    /// Nothing to take a drift from; arrays of another length than the lattice has nodes; values that are not finite; a D that is not
    /// positive semidefinite at a node.
    pub fn new(lattice: Lattice, fields: Fields) -> Result<Self, Error> {
        let (n, d) = (lattice.len(), lattice.dimension());
        let given = [&fields.losses, &fields.gradients, &fields.loss, &fields.drift, &fields.diffusion];
        for values in given.into_iter().flatten() {
            if values.is_empty() || values.len() % n != 0 {
                return Err(Error::invalid("a table whose arrays do not have its nodes", "give a value at every node"));
            }
            if let Some(i) = values.iter().position(|v| !v.is_finite()) {
                let what = format!("the table has {} at {}", values[i], lattice.place(i % n));
                return Err(Error::invalid(what, "leave that node out, or give a finite number"));
            }
        }
        let spline = |values: &Vec<f64>| lattice.interpolate(values.clone());
        let mut samples = 0;
        let law = if let Some(losses) = &fields.losses {
            samples = losses.len() / n;
            let all = spline(losses);
            Law::SampleLosses { mean: all.mean(1), all }
        } else if let Some(gradients) = &fields.gradients {
            samples = gradients.len() / n / d;
            let all = spline(gradients);
            Law::SampleGradients { mean: all.mean(d), all, loss: fields.loss.as_ref().map(spline) }
        } else if let Some(loss) = &fields.loss {
            Law::Loss(spline(loss))
        } else if let Some(drift) = &fields.drift {
            Law::MinusDrift(lattice.interpolate(drift.iter().map(|b| -b).collect()))
        } else {
            return Err(Error::invalid(
                "the table has neither losses nor a drift",
                "give losses or gradients of the samples, a loss, or a drift",
            ));
        };
        let diffusion = match &fields.diffusion {
            Some(values) if samples == 0 => Some(TableDiffusion::new(lattice.clone(), values.clone())?),
            Some(_) | None => None, // with samples D is their covariance
        };
        Ok(Self { lattice, fields, law, samples, diffusion, asked: AtomicU64::new(0), beyond: AtomicU64::new(0) })
    }

    /// Whether each sample has a loss.
    pub fn has_sample_losses(&self) -> bool {
        matches!(self.law, Law::SampleLosses { .. })
    }

    /// Counts points, and those beyond the table.
    fn count(&self, points: &[f64]) {
        let n = points.len() / self.lattice.dimension();
        let beyond = |i: &usize| {
            let outside = |(k, axis): (usize, &SplineAxis)| {
                let [lower, upper] = axis.ends();
                !(lower..=upper).contains(&points[k * n + i])
            };
            self.lattice.axes().iter().enumerate().any(outside)
        };
        let beyond = (0..n).filter(beyond).count();
        self.asked.fetch_add(n as u64, Ordering::Relaxed);
        if beyond > 0 {
            self.beyond.fetch_add(beyond as u64, Ordering::Relaxed);
        }
    }

    /// ∇L or −b without counting.
    fn evaluate(&self, points: &[f64], gradient: &mut [f64]) {
        let (lattice, n) = (&self.lattice, points.len() / self.lattice.dimension());
        match &self.law {
            Law::SampleLosses { mean: field, .. } | Law::Loss(field) => {
                in_dimension!(lattice.dimension(), slopes(lattice, field, points, n, gradient));
            }
            Law::SampleGradients { mean: fields, .. } | Law::MinusDrift(fields) => {
                in_dimension!(lattice.dimension(), values(lattice, fields, points, n, gradient));
            }
        }
    }
}

/// Gradient of one field at n points (D×n).
fn slopes<const D: usize>(lattice: &Lattice, field: &Splines, points: &[f64], n: usize, out: &mut [f64]) {
    for i in 0..n {
        let jet = lattice.jet(field.field(0), &lattice.at::<D>(points, n, i));
        for k in 0..D {
            out[k * n + i] = jet[1 + k];
        }
    }
}

impl Model for TableModel {
    fn dimension(&self) -> usize {
        self.lattice.dimension()
    }

    fn has_loss(&self) -> bool {
        match &self.law {
            Law::SampleLosses { .. } | Law::Loss(_) => true,
            Law::SampleGradients { loss, .. } => loss.is_some(),
            Law::MinusDrift(_) => false,
        }
    }

    fn loss(&self, points: &[f64], loss: &mut [f64]) {
        let (lattice, n) = (&self.lattice, loss.len());
        match &self.law {
            Law::SampleLosses { mean: field, .. }
            | Law::Loss(field)
            | Law::SampleGradients { loss: Some(field), .. } => {
                in_dimension!(lattice.dimension(), values(lattice, field, points, n, loss));
            }
            Law::SampleGradients { loss: None, .. } | Law::MinusDrift(_) => loss.fill(f64::NAN),
        }
    }

    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        self.count(points);
        self.evaluate(points, gradient);
    }

    fn hessian(&self, points: &[f64], _lengths: &[f64], hessian: &mut [f64]) {
        let (lattice, d) = (&self.lattice, self.dimension());
        let n = points.len() / d;
        for p in 0..n {
            let point: Vec<f64> = (0..d).map(|k| points[k * n + p]).collect();
            for (i, j) in (0..d).flat_map(|i| (i..d).map(move |j| (i, j))) {
                hessian[packed_index(d, i, j) * n + p] = match &self.law {
                    Law::SampleLosses { mean: field, .. } | Law::Loss(field) => {
                        lattice.second(field.field(0), &point, i, j)
                    }
                    Law::SampleGradients { mean: fields, .. } | Law::MinusDrift(fields) => {
                        let slope =
                            |component: usize, along: usize| lattice.first(fields.field(component), &point, along);
                        0.5 * (slope(i, j) + slope(j, i))
                    }
                };
            }
        }
    }

    fn data(&self) -> Option<&dyn SampleModel> {
        (self.samples > 0).then_some(self)
    }

    fn shared_data(self: Arc<Self>) -> Option<Arc<dyn SampleModel>> {
        if self.samples > 0 { Some(self) } else { None }
    }

    fn table(&self) -> Option<&dyn Tabulated> {
        Some(self)
    }
}
