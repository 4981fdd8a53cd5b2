//! Dynamic outliers: the samples that sampling by importance would hardly draw, over the grid and at chosen points.

use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::model::{Model, Regression, SampleModel};
use fpsolve_solvers::problem::fields::tabulate;
use fpsolve_solvers::problem::grid::Grid;

use super::super::{Finished, minima, place};
use super::Search;
use crate::text::short;

/// What is known of the samples at one point θ.
pub struct Point {
    /// θ (d).
    pub position: Vec<f64>,
    /// L(θ).
    pub loss: f64,
    /// Losses l_s, probabilities p_s, and whether s is an outlier (m each).
    pub losses: Vec<f64>,
    /// Probabilities p_s.
    pub probabilities: Vec<f64>,
    /// Whether m p_s < q.
    pub outlier: Vec<bool>,
    /// Residuals y − h, of a regression.
    pub residuals: Vec<f64>,
    /// The fitted function at [`Outliers::inputs`].
    pub fitted: Vec<f64>,
}

impl Point {
    /// Share of the loss that the outliers carry.
    pub fn share(&self) -> f64 {
        share(self.losses.iter().copied().zip(self.outlier.iter().copied()))
    }

    /// 1/Σ p².
    pub fn effective_sample_size(&self) -> f64 {
        1.0 / self.probabilities.iter().map(|p| p * p).sum::<f64>()
    }
}

/// Dynamic outliers.
pub struct Outliers {
    /// Level q, smoothing c and scale U.
    pub level: f64,
    /// Smoothing c.
    pub smoothing: f64,
    /// Scale U in words.
    pub scale: String,
    /// Whether the points are the minima of the loss, lowest first.
    pub minima: bool,
    /// The points.
    pub points: Vec<Point>,
    /// Names of the columns of inputs and targets, of a regression of one input.
    pub columns: Option<[String; 2]>,
    /// Inputs at which fitted functions are given.
    pub inputs: Vec<f64>,
    /// Effective sample size, share of the loss that outliers carry, their number: over the grid (n each).
    pub fields: [Vec<f64>; 3],
    /// Where the results may not be trusted.
    pub warnings: Vec<String>,
}

/// Places of a fitted function.
const INPUTS: usize = 400;
/// Effective sample sizes below this are warned of.
const FEW: f64 = 1.5;

fn share(samples: impl Iterator<Item = (f64, bool)>) -> f64 {
    let (mut all, mut out) = (0.0, 0.0);
    for (loss, outlier) in samples {
        all += loss;
        out += if outlier { loss } else { 0.0 };
    }
    if all > 0.0 { out / all } else { 0.0 }
}

/// Looks for dynamic outliers.
pub fn look_for(asked: &Search, finished: &Finished) -> Outliers {
    let (model, grid) = (finished.model, &finished.problem.grid);
    let positions = match &asked.at {
        Some(points) => points.clone(),
        None => minima(model, grid).into_iter().map(|minimum| minimum.position).collect(),
    };
    let regression = model.regression();
    let inputs = inputs(finished.data, regression);
    let points: Vec<Point> = positions.iter().map(|theta| look(asked, model, regression, theta, &inputs)).collect();
    let fields = over_grid(asked, grid);
    let mut warnings = Vec::new();
    if points.is_empty() {
        warnings.push(
            "outliers: the loss has no minimum inside the grid; name points with analysis.outliers.at".to_string(),
        );
    }
    let least = (0..grid.len()).min_by(|&a, &b| fields[0][a].total_cmp(&fields[0][b]));
    if let Some(cell) = least.filter(|&cell| model.sample_count() > 2 && fields[0][cell] < FEW) {
        warnings.push(format!(
            "outliers: the effective sample size falls to {} of {} at {}: with c = {} importance sampling draws one sample \
             there and no other; write a larger c",
            short(fields[0][cell]),
            model.sample_count(),
            place(grid, &grid.center(cell)[..grid.dimension()]),
            short(asked.smoothing)
        ));
    }
    let columns = regression.and_then(|r| Some([r.input()?.to_string(), r.target().to_string()]));
    Outliers {
        level: asked.level,
        smoothing: asked.smoothing,
        scale: asked.scale.clone(),
        minima: asked.at.is_none(),
        points,
        columns,
        inputs,
        fields,
        warnings,
    }
}

/// Even inputs over the range of the data and a twentieth beyond.
pub fn inputs(data: Option<&Data>, regression: Option<&dyn Regression>) -> Vec<f64> {
    let column = regression.and_then(Regression::input).and_then(|name| data?.column(name));
    let Some(column) = column else { return Vec::new() };
    let (low, high) = column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    let room = 0.05 * (high - low);
    (0..INPUTS).map(|k| low - room + (high - low + 2.0 * room) * k as f64 / (INPUTS - 1) as f64).collect()
}

fn look(
    asked: &Search,
    model: &dyn Model,
    regression: Option<&dyn Regression>,
    theta: &[f64],
    inputs: &[f64],
) -> Point {
    let m = asked.sampled.samples();
    let (mut loss, mut losses, mut probabilities) = ([0.0], vec![0.0; m], vec![0.0; m]);
    model.loss(theta, &mut loss);
    asked.sampled.sample_losses(theta, &mut losses);
    asked.sampled.probabilities(theta, &mut probabilities);
    let outlier = probabilities.iter().map(|p| m as f64 * p < asked.level).collect();
    let residuals = regression.map_or(Vec::new(), |r| r.residuals(theta));
    let fitted = regression.and_then(|r| r.fitted(theta, inputs)).unwrap_or_default();
    Point { position: theta.to_vec(), loss: loss[0], losses, probabilities, outlier, residuals, fitted }
}

/// Effective sample size, share of the loss that outliers carry, and their number.
fn over_grid(asked: &Search, grid: &Grid) -> [Vec<f64>; 3] {
    let (m, d, cells) = (asked.sampled.samples(), grid.dimension(), grid.len());
    let all = tabulate(grid, 3, 2 * m, |points, out| {
        let n = points.len() / d;
        let (mut losses, mut probabilities) = (vec![0.0; m * n], vec![0.0; m * n]);
        asked.sampled.sample_losses(points, &mut losses);
        asked.sampled.probabilities(points, &mut probabilities);
        for i in 0..n {
            let sample = |s: usize| (losses[s * n + i], m as f64 * probabilities[s * n + i] < asked.level);
            out[i] = 1.0 / (0..m).map(|s| probabilities[s * n + i].powi(2)).sum::<f64>();
            out[n + i] = share((0..m).map(sample));
            out[2 * n + i] = (0..m).filter(|&s| sample(s).1).count() as f64;
        }
    });
    [0, 1, 2].map(|k| all[k * cells..(k + 1) * cells].to_vec())
}
