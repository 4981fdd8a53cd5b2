//! Regression with a sum of tanh units, h(x; θ) = Σ_j α_j tanh(w_j (x − b_j)), squared loss, θ = slopes.
//!
//! Centres b_j are fixed; each unit's slope w_j is a component of θ (several units may share one). The amplitudes α are fixed, or
//! *projected*: solved for at every θ by linear least squares, α̂ = Φ⁺y with Φ_ij = tanh(w_j (x_i − b_j)). The loss is
//! L(θ) = (1/m) Σ_i (y_i − h(x_i))².
//!
//! With projected amplitudes the per-sample gradients depend on what a step sees (all have the mean ∇L):
//! [`SampleGradient::Total`] differentiates l_i(θ) = r_i(θ)², α̂(θ) included; [`SampleGradient::Envelope`] holds α̂ fixed.

mod fixed;
mod joint;
mod lane;
mod projected;
mod regression;
#[cfg(test)]
mod tests;
mod unit;

use std::sync::Arc;

use crate::error::{Error, Setting};
use crate::model::capability::{Model, ProjectedModel, SampleModel};
use crate::model::regression::Regression;
use crate::numerics::small_matrix::condition_number;

pub use unit::{SampleGradient, Slope, Unit};

use fixed::Fixed;
use lane::{WIDTH, pad, with_padded};
use projected::Projected;

/// How the amplitudes α are found.
#[derive(Debug, Clone, PartialEq)]
pub enum Amplitudes {
    /// Least squares at every θ (variable projection).
    Projected,
    /// Constants, one for each unit.
    Fixed(Vec<f64>),
}

/// The model; see the module for the formulas.
#[derive(Debug, Clone)]
pub struct TanhRegression {
    core: Core,
    units: Vec<Unit>,
    amplitudes: Amplitudes,
    dimension: usize,
    y: Vec<f64>,
}

#[derive(Debug, Clone)]
enum Core {
    Fixed(Fixed),
    Projected(Arc<Projected>),
}

impl TanhRegression {
    /// A regression on the samples (x_i, y_i).
    ///
    /// # Errors
    /// Columns that are empty, of different length or not finite; units whose groups are not 0, 1, … (at most three) without
    /// a gap; a number of fixed amplitudes other than that of the units; projected amplitudes with as many units as samples.
    pub fn new(
        x: &[f64],
        y: &[f64],
        units: &[Unit],
        amplitudes: Amplitudes,
        sample_gradient: SampleGradient,
    ) -> Result<Self, Error> {
        check_columns(x, y)?;
        let dimension = check_units(units)?;
        let core = match &amplitudes {
            Amplitudes::Projected if units.len() >= x.len() => {
                return Err(Error::invalid(
                    format!("{} projected amplitudes fit {} samples exactly", units.len(), x.len()),
                    "give more samples than centers, or fixed amplitudes",
                ));
            }
            Amplitudes::Projected => Core::Projected(Arc::new(Projected {
                x: x.to_vec(),
                y: y.to_vec(),
                units: units.to_vec(),
                dimension,
                sample_gradient,
            })),
            Amplitudes::Fixed(values) => {
                if values.len() != units.len() || values.iter().any(|a| !a.is_finite()) {
                    return Err(Error::invalid(
                        format!("{} amplitudes for {} centers", values.len(), units.len()),
                        "give one finite amplitude for each centre, or have them projected",
                    )
                    .set_by(&[Setting::Amplitudes]));
                }
                Core::Fixed(Fixed::new(x, y, units, values, dimension))
            }
        };
        Ok(Self { core, units: units.to_vec(), amplitudes, dimension, y: y.to_vec() })
    }

    /// Units with the given centres whose slopes are the components `groups` of θ.
    pub fn units(centers: &[f64], groups: &[usize]) -> Vec<Unit> {
        let unit = |(&center, &group)| Unit { center, slope: Slope::Group(group) };
        centers.iter().zip(groups).map(unit).collect()
    }

    /// Amplitudes α (one for each unit) at one θ.
    pub fn amplitudes_at(&self, theta: &[f64]) -> Vec<f64> {
        match (&self.core, &self.amplitudes) {
            (_, Amplitudes::Fixed(values)) => values.clone(),
            (Core::Projected(model), _) => factorisation(model, theta).amplitudes,
            _ => Vec::new(),
        }
    }

    /// Numerical rank of Φ at n points; the number of units where the amplitudes are fixed.
    pub fn rank(&self, points: &[f64]) -> Vec<f64> {
        match &self.core {
            Core::Fixed(_) => vec![self.units.len() as f64; points.len() / self.dimension],
            Core::Projected(model) => factorisation(model, points).rank,
        }
    }

    /// The kernels take whole lanes: other numbers of points are padded here.
    fn moments(&self, points: &[f64], loss: &mut [f64], gradient: &mut [f64], covariance: &mut [f64]) {
        let n = points.len() / self.dimension;
        if !n.is_multiple_of(WIDTH) {
            return with_padded(n, [loss, gradient, covariance], |[loss, gradient, covariance]| {
                self.moments(&pad(points, n), loss, gradient, covariance);
            });
        }
        match &self.core {
            Core::Fixed(model) => fixed::moments(model, points, loss, gradient, covariance),
            Core::Projected(model) => projected::moments(model, points, loss, gradient, covariance),
        }
    }

    fn per_sample(&self, points: &[f64], losses: &mut [f64], gradients: &mut [f64]) {
        let n = points.len() / self.dimension;
        if !n.is_multiple_of(WIDTH) {
            return with_padded(n, [losses, gradients], |[losses, gradients]| {
                self.per_sample(&pad(points, n), losses, gradients);
            });
        }
        match &self.core {
            Core::Fixed(model) => fixed::per_sample(model, points, false, losses, gradients),
            Core::Projected(model) => projected::per_sample(model, points, losses, gradients),
        }
    }
}

impl Model for TanhRegression {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn loss(&self, points: &[f64], loss: &mut [f64]) {
        self.moments(points, loss, &mut [], &mut []);
    }

    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        self.moments(points, &mut [], gradient, &mut []);
    }

    fn data(&self) -> Option<&dyn SampleModel> {
        Some(self)
    }

    fn shared_data(self: Arc<Self>) -> Option<Arc<dyn SampleModel>> {
        Some(self)
    }

    fn projected(&self) -> Option<Arc<dyn ProjectedModel>> {
        match &self.core {
            Core::Fixed(_) => None,
            Core::Projected(model) => Some(Arc::clone(model) as Arc<dyn ProjectedModel>),
        }
    }

    fn regression(&self) -> Option<&dyn Regression> {
        Some(self)
    }

    /// `condition_number` (of Φ; infinite where a column vanishes) and `rank`, for projected amplitudes.
    fn diagnostics(&self, points: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
        let Core::Projected(model) = &self.core else { return Vec::new() };
        let Factorisation { triangle, rank, .. } = factorisation(model, points);
        let u = self.units.len();
        let n = rank.len();
        let condition = |i: usize| {
            let matrix: Vec<f64> = (0..u * u).map(|entry| triangle[entry * n + i]).collect();
            condition_number(u, matrix)
        };
        vec![("condition_number", (0..n).map(condition).collect()), ("rank", rank)]
    }
}

impl SampleModel for TanhRegression {
    fn samples(&self) -> usize {
        self.y.len()
    }

    fn gradient_covariance(&self, points: &[f64], gradient: &mut [f64], covariance: &mut [f64]) {
        self.moments(points, &mut [], gradient, covariance);
    }

    fn sample_losses(&self, points: &[f64], losses: &mut [f64]) {
        self.per_sample(points, losses, &mut []);
    }

    fn sample_gradients(&self, points: &[f64], gradients: &mut [f64]) {
        self.per_sample(points, &mut [], gradients);
    }

    fn batch_gradient(&self, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        let n = points.len() / self.dimension;
        if !n.is_multiple_of(WIDTH) {
            return with_padded(n, [gradient], |[gradient]| {
                self.batch_gradient(&pad(points, n), &pad(batch, n), gradient);
            });
        }
        match &self.core {
            Core::Fixed(model) => fixed::batch_gradient(model, points, batch, gradient),
            Core::Projected(model) if model.sample_gradient == SampleGradient::Batch => {
                projected::own_batch_gradient(model, points, batch, gradient);
            }
            Core::Projected(model) => projected::batch_gradient(model, points, batch, gradient),
        }
    }
}

struct Factorisation {
    amplitudes: Vec<f64>,
    triangle: Vec<f64>,
    rank: Vec<f64>,
}

fn factorisation(model: &Projected, points: &[f64]) -> Factorisation {
    let n = points.len() / model.dimension;
    let u = model.units.len();
    let mut out = Factorisation { amplitudes: vec![0.0; u * n], triangle: vec![0.0; u * u * n], rank: vec![0.0; n] };
    let outputs = [out.amplitudes.as_mut_slice(), out.triangle.as_mut_slice(), out.rank.as_mut_slice()];
    if n > 0 {
        with_padded(n, outputs, |[amplitudes, triangle, rank]| {
            projected::amplitudes(model, &pad(points, n), amplitudes, triangle, rank);
        });
    }
    out
}

fn check_columns(x: &[f64], y: &[f64]) -> Result<(), Error> {
    if x.is_empty() || x.len() != y.len() {
        return Err(Error::invalid(
            format!("the columns x and y have {} and {} samples", x.len(), y.len()),
            "give two columns of the same length, at least one sample",
        ));
    }
    match x.iter().zip(y).position(|(x, y)| !x.is_finite() || !y.is_finite()) {
        Some(i) => Err(Error::invalid(format!("sample {i} is not finite"), "remove or repair that row")),
        None => Ok(()),
    }
}

fn check_units(units: &[Unit]) -> Result<usize, Error> {
    let groups = units.iter().filter_map(|unit| match unit.slope {
        Slope::Group(k) => Some(k),
        Slope::Fixed(_) => None,
    });
    let dimension = groups.clone().max().map_or(0, |k| k + 1);
    if !(1..=3).contains(&dimension) || !(0..dimension).all(|k| groups.clone().any(|group| group == k)) {
        return Err(Error::invalid(
            format!("the slopes form {dimension} groups, or leave one out"),
            "number the groups 0, 1, 2 without a gap; one to three of them",
        ));
    }
    let finite = |unit: &Unit| unit.center.is_finite() && !matches!(unit.slope, Slope::Fixed(w) if !w.is_finite());
    match units.iter().position(|unit| !finite(unit)) {
        Some(j) => Err(Error::invalid(format!("unit {j} has a center or slope that is not finite"), "write a number")),
        None => Ok(dimension),
    }
}
