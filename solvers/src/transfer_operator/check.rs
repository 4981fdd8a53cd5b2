//! Whether the law of descent of a problem can be put on its grid; said before anything is computed.

use std::sync::Arc;

use super::action::{Actions, actions, variance};
use super::assignment::Rows;
use super::batches;
use super::options::TransferOperatorOptions;
use super::plane_batches::PlaneBatches;
use super::samples::{Draws, Rule, Samples, Step};
use crate::Error;
use crate::engine::Interrupt;
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
/// Errors: epoch sampling (no chain in θ), a model without samples, no learning rate, three axes, a graded or periodic axis or an
/// absorbing wall, momentum or fitted rows in a plane, too many entries (with the grid that fits).
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
    check_grid(&problem.grid, options)?;
    if problem.grid.dimension() == 2 {
        PlaneBatches::new(&step, samples.count())?;
    }
    check_entries(&problem.grid, &samples, &step, options.max_entries)?;
    Ok((samples, step))
}

fn check_grid(grid: &Grid, options: &TransferOperatorOptions) -> Result<(), Error> {
    let refuse = |what: &str, help: &str| Err(Error::invalid(what, help));
    if grid.dimension() > 2 {
        return refuse("the transfer operator runs on one or two axes", "leave this engine out in three dimensions");
    }
    if grid.dimension() == 2 {
        match options.rule {
            Rule::Momentum { .. } => {
                return refuse(
                    "the law of descent with momentum is computed on one axis only: its states are pairs of points",
                    "take the optimizer sgd or svag, or leave this engine out",
                );
            }
            Rule::Sgd | Rule::Svag { .. } => {}
        }
        match options.rows {
            Rows::Fitted => {
                return refuse(
                    "fitted rows exist on one axis only: in a plane they would need the gradient of a quasi-potential",
                    "take the rows \"moments\", and look at the exponents on two grids",
                );
            }
            Rows::Moments | Rows::Linear => {}
        }
    }
    if !grid.is_uniform() {
        return refuse("the transfer operator needs cells of one width", "use uniform axes, or leave this engine out");
    }
    if grid.axes().iter().any(|axis| axis.boundary() != [Boundary::Reflecting; 2]) {
        return refuse(
            "descent knows no periodic or absorbing walls: what leaves the box is kept at its end and told",
            "use reflecting walls, or leave this engine out",
        );
    }
    if grid.shape().iter().any(|n| *n < 8) {
        return refuse("the transfer operator needs at least 8 cells along each axis", "use more cells");
    }
    Ok(())
}

/// Cells that a step may lead away: a hundred grids of the most cells.
const FARTHEST: f64 = 1e7;
/// Points along an axis at which the width of rows is looked at.
const LOOKED_AT: [usize; 2] = [33, 9];

/// Refuses an operator of too many entries before it is built.
fn check_entries(grid: &Grid, samples: &ModelSamples, step: &Step, most: usize) -> Result<(), Error> {
    let d = grid.dimension();
    let looked = LOOKED_AT[d - 1];
    let n = looked.pow(d as u32);
    let m = samples.count();
    let place = |k: usize, i: usize| {
        let (axis, j) = (&grid.axes()[k], if k + 1 == d { i % looked } else { i / looked });
        axis.lower() + axis.length() * (j as f64 + 0.5) / looked as f64
    };
    let points: Vec<f64> = (0..d).flat_map(|k| (0..n).map(move |i| (k, i))).map(|(k, i)| place(k, i)).collect();
    let mut gradients = vec![0.0; d * m * n];
    samples.gradients(&points, &mut gradients);
    let farthest = |k: usize| {
        let steepest = gradients[k * m * n..(k + 1) * m * n].iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        step.factor() * steepest / grid.axes()[k].spacing()
    };
    let cells = (0..d).map(farthest).fold(0.0, f64::max);
    if cells > FARTHEST {
        let what = format!("a step with one of the samples leads {cells:.1e} cells away");
        return Err(Error::invalid(what, "look for an outlier in the data, or take a smaller learning rate"));
    }
    let b = step.batch_size as f64;
    let width = |k: usize, i: usize| {
        let g = || gradients[k * m * n..(k + 1) * m * n].iter().skip(i).step_by(n);
        let (low, high) = g().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), g| (a.min(*g), b.max(*g)));
        let mean = g().sum::<f64>() / m as f64;
        let deviation = (g().map(|g| (g - mean).powi(2)).sum::<f64>() / m as f64 / b).sqrt();
        let range = (high - low).min(18.0 * deviation + 25.0 * (high - low) / b);
        (step.factor() * range / grid.axes()[k].spacing() + 6.0).min(grid.shape()[k] as f64)
    };
    // few batches leave most of a window empty: a bilinear deposit and its moves reach some twenty nodes each
    let atoms = ENTRIES_OF_AN_ATOM * batches::count(m, step.batch_size, step.draws);
    let row = |i: usize| if d == 1 { width(0, i) } else { (width(0, i) * width(1, i)).min(atoms) };
    let mean = (0..n).map(row).filter(|w| w.is_finite()).sum::<f64>() / n as f64;
    let pairs = match step.rule {
        Rule::Sgd | Rule::Svag { .. } => 1.0,
        Rule::Momentum { mu } => 2.0 * mean / (1.0 - mu).sqrt() + 1.0,
    };
    let entries = mean * grid.len() as f64 * pairs;
    if entries <= most as f64 {
        return Ok(());
    }
    let power = if pairs > 1.0 { 1.0 / 3.0 } else { 0.5 / d as f64 };
    let fits = |n: &usize| format!("{}", (*n as f64 * (most as f64 / entries).powf(power)).floor());
    let fits: Vec<String> = grid.shape().iter().map(fits).collect();
    Err(Error::invalid(
        format!("the operator would have about {entries:.1e} entries, more than the limit of {most}"),
        format!("use at most {} cells", fits.join(" by ")),
    ))
}

/// Nodes that one atom of a batch law in a plane ends on.
const ENTRIES_OF_AN_ATOM: f64 = 20.0;
/// The exponents of the mean time along `way` = [behind, from, to] on a problem's one axis (see [`super::action::actions`]); None without
/// samples, without a learning rate, where batches are not drawn independently, where it was interrupted, or where the SDE's noise is not that of the batches.
pub fn exponents(problem: &Problem, way: [f64; 3], interrupt: Interrupt) -> Option<Actions> {
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
    same.then(|| actions(&samples, minibatch.batch_size, way, interrupt).ok()).flatten()
}
