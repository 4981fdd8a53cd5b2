//! Whether the law of descent of a problem can be put on its grid; said before anything is computed.

use std::sync::Arc;

use super::action::{Actions, actions, variance};
use super::options::TransferOperatorOptions;
use super::samples::{Draws, Rule, Samples, Step};
use crate::Error;
use crate::model::SampleModel;
use crate::problem::grid::{Boundary, Grid};
use crate::problem::{Problem, Replacement};

/// The samples of a model as the operator sees them.
pub(super) struct ModelSamples(Arc<dyn SampleModel>);

impl Samples for ModelSamples {
    fn count(&self) -> usize {
        self.0.samples()
    }
    fn dimension(&self) -> usize {
        self.0.dimension()
    }
    fn gradients(&self, points: &[f64], gradients: &mut [f64]) {
        self.0.sample_gradients(points, gradients);
    }
    fn probabilities(&self, points: &[f64], probabilities: &mut [f64]) -> bool {
        let weighted = !self.0.uniform_sampling();
        if weighted {
            self.0.sampling_probabilities(points, probabilities);
        }
        weighted
    }
}

/// The samples and the step of a problem whose law can be computed.
///
/// Errors: epoch sampling (no chain in θ), a model without samples, no learning rate, more than one axis, a graded or periodic axis or
/// an absorbing wall, too many entries (with the grid that fits).
pub(super) fn chain_of(problem: &Problem, options: &TransferOperatorOptions) -> Result<(ModelSamples, Step), Error> {
    let model = Arc::clone(&problem.model).shared_data().ok_or_else(|| {
        Error::invalid(
            "the law of minibatch descent needs per-sample gradients, and the model has no samples",
            "give a model with data, or leave this engine out",
        )
    })?;
    let minibatch = problem.minibatch.ok_or_else(|| {
        Error::invalid(
            "the law of minibatch descent needs a learning rate and a batch size, not a temperature alone",
            "give both, or leave this engine out",
        )
    })?;
    let draws = match minibatch.replacement {
        Replacement::With => Draws::WithReplacement,
        Replacement::Without => Draws::WithoutReplacement,
        Replacement::Epoch => {
            return Err(Error::invalid(
                "reshuffled epochs are no Markov chain in θ: what is drawn depends on what the epoch has drawn before",
                "draw with or without replacement, or leave this engine out",
            ));
        }
    };
    let step =
        Step { learning_rate: minibatch.learning_rate, batch_size: minibatch.batch_size, draws, rule: options.rule };
    step.check(model.samples())?;
    if draws == Draws::WithoutReplacement && !model.uniform_sampling() {
        return Err(Error::invalid("importance sampling draws with replacement", "draw with replacement"));
    }
    let samples = ModelSamples(model);
    check_grid(&problem.grid)?;
    check_entries(&problem.grid, &samples, &step, options.max_entries)?;
    Ok((samples, step))
}

fn check_grid(grid: &Grid) -> Result<(), Error> {
    let refuse = |what: &str, help: &str| Err(Error::invalid(what, help));
    if grid.dimension() != 1 {
        return refuse("the transfer operator runs on one axis", "leave this engine out in more dimensions");
    }
    let axis = &grid.axes()[0];
    if !axis.is_uniform() {
        return refuse(
            "the transfer operator needs cells of one width",
            "use a uniform axis, or leave this engine out",
        );
    }
    if axis.boundary() != [Boundary::Reflecting; 2] {
        return refuse(
            "descent knows no periodic or absorbing walls: what leaves the box is kept at its end and told",
            "use reflecting walls, or leave this engine out",
        );
    }
    if axis.cells() < 8 {
        return refuse("the transfer operator needs at least 8 cells", "use more cells");
    }
    Ok(())
}

/// Refuses an operator of too many entries before it is built.
fn check_entries(grid: &Grid, samples: &ModelSamples, step: &Step, most: usize) -> Result<(), Error> {
    const LOOKED_AT: usize = 33;
    let (axis, m) = (&grid.axes()[0], samples.count());
    let points: Vec<f64> =
        (0..LOOKED_AT).map(|k| axis.lower() + axis.length() * (k as f64 + 0.5) / LOOKED_AT as f64).collect();
    let mut gradients = vec![0.0; m * LOOKED_AT];
    samples.gradients(&points, &mut gradients);
    let b = step.batch_size as f64;
    let width = |i: usize| {
        let g = || gradients.iter().skip(i).step_by(LOOKED_AT);
        let (low, high) = g().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), g| (a.min(*g), b.max(*g)));
        let mean = g().sum::<f64>() / m as f64;
        let deviation = (g().map(|g| (g - mean).powi(2)).sum::<f64>() / m as f64 / b).sqrt();
        let range = (high - low).min(18.0 * deviation + 25.0 * (high - low) / b);
        (step.factor() * range / axis.spacing() + 6.0).min(axis.cells() as f64)
    };
    let mean = (0..LOOKED_AT).map(width).filter(|w| w.is_finite()).sum::<f64>() / LOOKED_AT as f64;
    let pairs = match step.rule {
        Rule::Sgd | Rule::Svag { .. } => 1.0,
        Rule::Momentum { mu } => 2.0 * mean / (1.0 - mu).sqrt() + 1.0,
    };
    let entries = mean * axis.cells() as f64 * pairs;
    if entries <= most as f64 {
        return Ok(());
    }
    let power = if pairs > 1.0 { 1.0 / 3.0 } else { 0.5 };
    let fits = (axis.cells() as f64 * (most as f64 / entries).powf(power)).floor();
    Err(Error::invalid(
        format!("the operator would have about {entries:.1e} entries, more than the limit of {most}"),
        format!("use at most {fits} cells"),
    ))
}

/// The exponents of the mean time along `way` = [behind, from, to] on a problem's one axis (see [`super::action::actions`]); None without
/// samples, without a learning rate, where batches are not drawn independently, or where the SDE's noise is not that of the batches.
pub fn exponents(problem: &Problem, way: [f64; 3]) -> Option<Actions> {
    let model = Arc::clone(&problem.model).shared_data()?;
    let minibatch = problem.minibatch.filter(|minibatch| minibatch.replacement == Replacement::With)?;
    if problem.dimension() != 1 {
        return None;
    }
    let (samples, start) = (ModelSamples(model), [way[1]]);
    let (mut drift, mut diffusion) = ([0.0], [0.0]);
    problem.dynamics.drift_diffusion(&start, &mut drift, &mut diffusion);
    let variance = variance(&samples, start[0]);
    let same = (diffusion[0] - variance).abs() <= 1e-6 * variance;
    same.then(|| actions(&samples, minibatch.batch_size, way))
}
