//! How far a table's interpolation is from what was tabulated, and how often it was asked for what lies beyond it. Runs unasked where the
//! model is a table.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::model::{Accuracy, Tabulated};
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::Problem;
use fpsolve_validation::verdict::Verdict;
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Subject};
use crate::record::read::{float, integer, text};
use crate::record::{Attribute, Record};
use crate::text::{grouped, short};

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "table",
    key: None,
    about: "error of the interpolation between the nodes of a table; /problem/table",
    subject: Subject::Problem,
    groups: &[],
    read: |_| Ok(Some(Arc::new(Interpolation))),
    words,
};

/// Errors above this share are warned of.
const LARGE: f64 = 0.05;
/// Total variations of the density above this are warned of.
const NOTICEABLE: f64 = 0.01;
/// Cells of the grid at which errors of the potential are looked at.
const CELLS: usize = 20_000;
/// Share of the points beyond the table above which a run may not be believed.
const BEYOND: f64 = 1e-3;

#[derive(Debug, Clone)]
struct Interpolation;

/// What is known of the table.
struct Found {
    nodes: Vec<usize>,
    samples: usize,
    accuracy: Accuracy,
    points: [u64; 2],
    /// Total variation by which interpolation may put the stationary density off.
    density: Option<f64>,
}

impl Request for Interpolation {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let table = context.model.table().filter(|_| context.kind.traces().is_none()); // traces have bars of their own
        Ok(table.map(|_| Arc::new(self.clone()) as Arc<dyn Analysis>))
    }
}

impl Analysis for Interpolation {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        Ok(finished.model.table().map(|table| Box::new(Found::of(table, finished)) as Box<dyn Findings>))
    }
}

impl Found {
    fn of(table: &dyn Tabulated, finished: &Finished) -> Self {
        let points = table.points(); // before the nodes that are left out ask for more
        Self {
            nodes: table.lattice().shape(),
            samples: finished.model.sample_count(),
            accuracy: table.accuracy(),
            points,
            density: density(table, finished),
        }
    }

    fn errors(&self) -> [(&'static str, Option<f64>); 5] {
        [
            ("error_gradient", self.accuracy.gradient),
            ("error_diffusion", self.accuracy.diffusion),
            ("difference_gradient", self.accuracy.given_gradient),
            ("difference_gradients", self.accuracy.given_sample_gradients),
            ("difference_diffusion", self.accuracy.given_diffusion),
        ]
    }

    fn share_beyond(&self) -> f64 {
        self.points[1] as f64 / self.points[0].max(1) as f64
    }
}

/// Half of Σ ρ |δ − δ̄|, the total variation that a small error δ of −ln ρ makes: δ = δL/(T D̄), D̄ the mean eigenvalue of D there.
/// None without a stationary law, and where the error of the potential is not known.
fn density(table: &dyn Tabulated, finished: &Finished) -> Option<f64> {
    let (law, problem) = (finished.stationary?, finished.problem);
    let (grid, d) = (&problem.grid, problem.dimension());
    let chosen: Vec<usize> = (0..grid.len()).step_by(grid.len().div_ceil(CELLS)).collect();
    let n = chosen.len();
    let points: Vec<f64> = (0..d).flat_map(|k| chosen.iter().map(move |&cell| grid.center(cell)[k])).collect();
    let weights: Vec<f64> = chosen.iter().map(|&cell| law.probability[cell]).collect();
    let errors = table.potential_error(&points, &weights)?;
    let (mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
    problem.dynamics.drift_diffusion(&points, &mut drift, &mut diffusion);
    let mean = |i: usize| (0..d).map(|k| diffusion[packed_index(d, k, k) * n + i]).sum::<f64>() / d as f64;
    let relative: Vec<f64> = (0..n).map(|i| errors[i] / (problem.temperature * mean(i))).collect();
    let known = || weights.iter().zip(&relative).filter(|(_, error)| error.is_finite());
    let all: f64 = known().map(|(weight, _)| weight).sum();
    let centre = known().map(|(weight, error)| weight * error).sum::<f64>() / all;
    let variation = 0.5 * known().map(|(weight, error)| weight * (error - centre).abs()).sum::<f64>() / all;
    variation.is_finite().then_some(variation.min(1.0))
}

impl Findings for Found {
    fn add_to(&self, record: &mut Record, _problem: &Problem) {
        let group = record.group_mut("problem").group_mut("table");
        group.set("nodes", Attribute::Text(self.nodes.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")));
        group.set("samples", Attribute::Integer(self.samples as i64));
        for (name, error) in self.errors() {
            if let Some(error) = error {
                group.set(name, Attribute::Float(error));
            }
        }
        if let Some(off) = self.density {
            group.set("error_density", Attribute::Float(off));
        }
        group.set("points", Attribute::Integer(self.points[0] as i64));
        group.set("points_beyond", Attribute::Integer(self.points[1] as i64));
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let Accuracy { gradient, diffusion, given_gradient, given_sample_gradients, given_diffusion } = self.accuracy;
        if gradient.is_none() {
            warnings.push(
                "table: too few nodes to measure the error of the interpolation by leaving some out: 7 or more on each axis allow it"
                    .to_string(),
            );
        }
        for (what, error) in [("drift", gradient), ("diffusion matrix", diffusion)] {
            if let Some(error) = error.filter(|error| *error > LARGE) {
                warnings.push(format!(
                    "table: interpolation errs by about {} of the {what} between the nodes: tabulate on a finer lattice",
                    percent(error)
                ));
            }
        }
        if let Some(off) = self.density.filter(|off| *off > NOTICEABLE) {
            warnings.push(format!(
                "table: interpolation may put the stationary density off by about {} (total variation): the loss between the nodes errs \
                 by more than a small part of the temperature: tabulate on a finer lattice where the density is large",
                percent(off)
            ));
        }
        for (what, error) in [("gradient", given_gradient), ("gradients", given_sample_gradients)] {
            if let Some(error) = error.filter(|error| *error > LARGE) {
                warnings.push(format!(
                    "table: the slopes of the losses differ by {} from the {what} that the table gives: the lattice is too coarse, or \
                     these are no gradients of these losses",
                    percent(error)
                ));
            }
        }
        if let Some(error) = given_diffusion.filter(|error| *error > LARGE) {
            warnings.push(format!(
                "table: the `diffusion` of the table differs by {} from the covariance of the samples' gradients, which is used: leave \
                 `diffusion` out, or give `loss` or `drift` in place of the samples",
                percent(error)
            ));
        }
        warnings
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let share = self.share_beyond();
        if share <= BEYOND {
            return Vec::new();
        }
        vec![Verdict {
            name: "table".into(),
            value: share,
            bound: BEYOND,
            passed: false,
            why: format!(
                "{} of {} points lay beyond the table, where it goes on as straight lines: tabulate a larger box",
                grouped(self.points[1]),
                grouped(self.points[0])
            ),
        }]
    }
}

fn words(record: &Record) -> Vec<String> {
    let Some(group) = record.group("problem/table") else { return Vec::new() };
    let mut line = format!("table: {} nodes", text(group, "nodes").unwrap_or_default());
    if let Some(samples) = integer(group, "samples").filter(|samples| *samples > 0) {
        line += &format!(", {} samples", grouped(samples as u64));
    }
    let named =
        [("error_gradient", "the drift"), ("error_diffusion", "D"), ("error_density", "the stationary density")];
    let errors = named.iter().filter_map(|(name, what)| Some(format!("{} of {what}", percent(float(group, name)?))));
    let errors: Vec<String> = errors.collect();
    if !errors.is_empty() {
        line += &format!("; interpolation errs by about {}", errors.join(", "));
    }
    if let Some(beyond) = integer(group, "points_beyond").filter(|beyond| *beyond > 0) {
        let asked = integer(group, "points").unwrap_or(0);
        line += &format!("; {} of the points lay beyond it", percent(beyond as f64 / asked.max(1) as f64));
    }
    vec![line]
}

/// A share in per cent.
fn percent(share: f64) -> String {
    format!("{} %", short(100.0 * share))
}
