//! The noise taken apart over the grid and along one path of SGD.

use fpsolve_solvers::Error;
use fpsolve_solvers::diffusion::{Diffusion, Minibatch};
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::gradient_noise::Decomposition;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::fields::tabulate;
use fpsolve_solvers::sgd::{Sgd, SgdOptions};

use super::super::{Finished, minima, place};
use super::Source;
use crate::engine::sgd::SgdTable;
use crate::text::short;

/// The parts of the noise, for the record.
pub struct NoiseParts {
    /// How it was taken apart.
    pub decomposition: Decomposition,
    /// Intrinsic, exploration and mean-gradient part over the grid (packed × n each).
    pub fields: [Vec<f64>; 3],
    /// Along one path of SGD, where there is a learning rate.
    pub path: Option<Path>,
    /// Where the estimate may not be trusted.
    pub warnings: Vec<String>,
}

/// One path of SGD and the traces of the noise at its points.
pub struct Path {
    /// Times t = kη.
    pub times: Vec<f64>,
    /// Positions, one row of d numbers a time.
    pub positions: Vec<f64>,
    /// Traces of the three parts.
    pub traces: [Vec<f64>; 3],
    /// Trace of the covariance of these data's gradients.
    pub diffusion: Vec<f64>,
}

/// Most points of the path.
const POINTS: usize = 400;

/// Splits the noise into its parts.
///
/// Errors: estimates without a minimum of the loss on the grid, [`Error::Interrupted`].
pub fn decompose(source: &Source, finished: &Finished) -> Result<NoiseParts, Error> {
    let (model, problem) = (finished.model, finished.problem);
    let mut warnings = Vec::new();
    let decomposition = match source {
        Source::Teacher(decomposition) => decomposition.clone(),
        Source::Estimate(weights) => {
            let found = minima(model, &problem.grid);
            let best = found.first().ok_or_else(|| {
                Error::invalid(
                    "the noise of the data cannot be estimated: the loss has no minimum inside the grid",
                    "let the grid hold the best fit, or remove analysis.decomposition",
                )
            })?;
            let variance = Decomposition::residual_variance(model, best.loss)?;
            let (at, std) = (place(&problem.grid, &best.position), short(variance.sqrt()));
            warnings.push(format!(
                "decomposition: estimates, not the parts themselves: the noise of the data is taken as σ = {std}, what the \
                 residuals at the best fit on the grid ({at}) show; misfit there counts as noise"
            ));
            Decomposition::estimated(model, variance, *weights)?
        }
    };
    let (d, packed) = (problem.dimension(), packed_len(problem.dimension()));
    let all = tabulate(&problem.grid, 3 * packed, (1 + d) * model.sample_count(), |points, out| {
        let parts = decomposition.parts(model, points);
        out.chunks_exact_mut(packed * points.len() / d).zip(parts).for_each(|(to, from)| to.copy_from_slice(&from));
    });
    let cells = problem.grid.len();
    let fields = [0, 1, 2].map(|k| all[k * packed * cells..(k + 1) * packed * cells].to_vec());
    if decomposition.is_estimate() {
        warnings.extend(negative(d, cells, &fields[1]));
    }
    let path = match path(finished, &decomposition) {
        Ok(path) => path,
        Err(error @ Error::Interrupted { .. }) => return Err(error),
        Err(error) => {
            warnings.push(format!("decomposition: no path of SGD, {error}"));
            None
        }
    };
    Ok(NoiseParts { decomposition, fields, path, warnings })
}

/// A warning where the estimate of the exploration part, a covariance, has a negative trace.
fn negative(d: usize, cells: usize, exploration: &[f64]) -> Option<String> {
    let trace = |cell: usize| (0..d).map(|k| exploration[packed_index(d, k, k) * cells + cell]).sum::<f64>();
    let below = (0..cells).filter(|&cell| trace(cell) < 0.0).count();
    (below > 0).then(|| {
        format!(
            "decomposition: the estimate of the exploration part is negative in {:.0} % of the cells: the misfit there is too small \
             to be told from noise, or the noise is not the same for all samples",
            (100.0 * below as f64 / cells as f64).ceil()
        )
    })
}

/// One walker of the SGD engine, seen at up to [`POINTS`] steps, evenly spaced over the logarithm of the time where there are more.
fn path(finished: &Finished, decomposition: &Decomposition) -> Result<Option<Path>, Error> {
    let (problem, model) = (finished.problem, finished.model);
    let Some(minibatch) = problem.minibatch else { return Ok(None) };
    let (d, eta) = (problem.dimension(), minibatch.learning_rate);
    let last = (problem.times.last().copied().unwrap_or(0.0) / eta).round().max(1.0);
    let mut steps: Vec<f64> = match last <= POINTS as f64 {
        true => (0..=last as usize).map(|k| k as f64).collect(),
        false => (0..=POINTS).map(|k| last.powf(k as f64 / POINTS as f64).round()).collect(),
    };
    steps.insert(0, 0.0);
    steps.dedup();
    let mut sgd = Sgd::new(problem, SgdOptions { walkers: 1, ..finished.options.of::<SgdTable>().options.clone() })?;
    let mut path = Path {
        times: steps.iter().map(|k| k * eta).collect(),
        positions: Vec::with_capacity(d * steps.len()),
        traces: [const { Vec::new() }; 3],
        diffusion: Vec::with_capacity(steps.len()),
    };
    let trace = |packed: &[f64]| (0..d).map(|k| packed[packed_index(d, k, k)]).sum::<f64>();
    for &time in &path.times {
        sgd.advance(time, finished.interrupt)?;
        let theta = sgd.ensemble().first_points(1);
        for (to, part) in path.traces.iter_mut().zip(decomposition.parts(model, &theta)) {
            to.push(trace(&part));
        }
        path.diffusion.push(trace(&covariance(model, &theta)?));
        path.positions.extend(theta);
    }
    Ok(Some(path))
}

fn covariance(model: &dyn Model, theta: &[f64]) -> Result<Vec<f64>, Error> {
    let mut packed = vec![0.0; packed_len(theta.len())];
    Minibatch::new(model)?.diffusion(model, theta, &mut packed);
    Ok(packed)
}
