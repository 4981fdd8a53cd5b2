//! What trajectories say of themselves: whether they are those of a diffusion, and whether its coefficients predict where they were. Runs
//! unasked where the model was estimated from traces.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::traces::{Estimate, Evidence, Markov, Nature, Trajectories};
use miette::Result;
use ndarray::{ArrayD, IxDyn};

use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Subject};
use crate::record::read::{float, integer, text};
use crate::record::scales::{array, field, index_scale, variable_scales};
use crate::record::{Attribute, Dataset, Group, Record};
use crate::run::engine_run::EngineRun;
use crate::scenario::model::traces::Traces;
use crate::text::{grouped, short};

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "traces",
    key: None,
    about: "drift and D with their bars, verdict on the projection, histogram of the traces; /traces",
    subject: Subject::Law,
    groups: &["traces"],
    read: |_| Ok(Some(Arc::new(Asked))),
    words,
};

/// Share of the probability at nodes without data above which it is told.
const UNSEEN: f64 = 0.01;

#[derive(Debug, Clone)]
struct Asked;

struct Plan(Arc<Traces>);

/// What was found.
struct Found {
    traces: Arc<Traces>,
    estimate: Estimate,
    markov: Markov,
    /// Density of the rows on the grid, and the share of them off it.
    histogram: Vec<f64>,
    outside: f64,
    /// Total variation of the histogram to Fokker–Planck, Langevin, the Gaussian chain; and what chance alone shows.
    distances: [(&'static str, Option<f64>); 4],
    /// Probability of the stationary law at nodes without data.
    unseen: Option<f64>,
    /// Learning rate and batch size of the run, where it has them.
    run: Option<[f64; 2]>,
    /// Temperature of the run.
    temperature: f64,
}

impl Request for Asked {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        Ok(context.kind.traces().map(|traces| Arc::new(Plan(Arc::clone(traces))) as Arc<dyn Analysis>))
    }
}

impl Analysis for Plan {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let traces = &self.0;
        let estimate = traces.estimated()?;
        let (grid, trajectories) = (&finished.problem.grid, &traces.trajectories);
        let markov = Markov::test(trajectories, estimate, traces.distance.as_deref(), finished.problem.seed)?;
        let all = Counts::of(grid, trajectories, |_| true);
        let law = all.probabilities();
        let floor = (trajectories.walkers() > 1).then(|| {
            let [even, odd] = [0, 1].map(|rest| Counts::of(grid, trajectories, |w| w % 2 == rest).probabilities());
            0.5 * total_variation(&even, &odd) // halves scatter twice as far as the whole
        });
        let stationary = finished.stationary.map(|law| normalised(&law.probability));
        let langevin = finished.run_of("langevin").and_then(last_law);
        let chain = estimate.line_chain(traces.learning_rate).map(|chain| {
            let law = chain.invariant();
            normalised(&on_cells(grid, chain.points(), &law))
        });
        let to = |other: &Option<Vec<f64>>| other.as_ref().map(|other| total_variation(&law, other));
        let distances = [
            ("total_variation_fokker_planck", to(&stationary)),
            ("total_variation_langevin", to(&langevin)),
            ("total_variation_chain", to(&chain)),
            ("total_variation_noise_floor", floor),
        ];
        let histogram = (0..grid.len()).map(|cell| law[cell] / grid.volume(cell)).collect();
        let unseen = stationary.as_ref().map(|law| unseen(grid, estimate, law));
        let found = Found {
            traces: Arc::clone(traces),
            estimate: estimate.clone(),
            markov,
            histogram,
            outside: all.outside(),
            distances,
            unseen,
            temperature: finished.problem.temperature,
            run: finished.problem.minibatch.map(|steps| [steps.learning_rate, steps.batch_size as f64]),
        };
        Ok(Some(Box::new(found)))
    }
}

/// Rows in each cell of the grid.
struct Counts {
    cells: Vec<u64>,
    rows: u64,
}

impl Counts {
    fn of(grid: &Grid, trajectories: &Trajectories, wanted: impl Fn(usize) -> bool) -> Self {
        let mut counts = Self { cells: vec![0; grid.len()], rows: 0 };
        for walker in (0..trajectories.walkers()).filter(|&walker| wanted(walker)) {
            for row in (0..trajectories.rows()).filter(|&row| trajectories.is_there(walker, row)) {
                counts.rows += 1;
                if let Some(cell) = grid.locate(trajectories.position(walker, row)) {
                    counts.cells[cell] += 1;
                }
            }
        }
        counts
    }

    fn outside(&self) -> f64 {
        1.0 - self.cells.iter().sum::<u64>() as f64 / self.rows as f64
    }

    /// Probabilities of the cells, given that a row lies on the grid.
    fn probabilities(&self) -> Vec<f64> {
        normalised(&self.cells.iter().map(|&n| n as f64).collect::<Vec<_>>())
    }
}

fn normalised(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.iter().map(|v| v / sum).collect()
}

fn total_variation(a: &[f64], b: &[f64]) -> f64 {
    0.5 * a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>()
}

/// Probabilities of the cells at the last output time of an ensemble.
fn last_law(run: &EngineRun) -> Option<Vec<f64>> {
    let seen = run.seen();
    Some(normalised(&seen.snapshots.last()?.probability))
}

/// A law at equally distant points of one axis, each spread over its distance, in the cells of a grid.
fn on_cells(grid: &Grid, points: &[f64], law: &[f64]) -> Vec<f64> {
    let axis = &grid.axes()[0];
    let half = 0.5 * (points[1] - points[0]);
    let cell = |cell: usize| {
        let (lower, upper) = (axis.edges()[cell], axis.edges()[cell + 1]);
        let share = |x: &f64| ((x + half).min(upper) - (x - half).max(lower)).max(0.0) / (2.0 * half);
        points.iter().zip(law).map(|(x, p)| p * share(x)).sum()
    };
    (0..grid.len()).map(cell).collect()
}

/// Probability in the cells whose nearest node has too few data.
fn unseen(grid: &Grid, estimate: &Estimate, law: &[f64]) -> f64 {
    let lattice = &estimate.lattice;
    let has_data = |cell: &usize| {
        let center = grid.center(*cell);
        let node = lattice.axes().iter().zip(center).fold(0, |node, (axis, x)| {
            let nodes = axis.nodes();
            let above = nodes.partition_point(|n| *n < x).clamp(1, nodes.len() - 1);
            let nearest = if x - nodes[above - 1] < nodes[above] - x { above - 1 } else { above };
            node * nodes.len() + nearest
        });
        estimate.has_data(node)
    };
    (0..grid.len()).filter(|cell| !has_data(cell)).map(|cell| law[cell]).sum()
}

impl Findings for Found {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        let traces = &self.traces;
        let group = record.group_mut("traces");
        let numbers = [
            ("walkers", traces.trajectories.walkers()),
            ("rows", traces.trajectories.rows()),
            ("stride", traces.trajectories.stride()),
            ("nodes_with_data", self.estimate.nodes_with_data()),
        ];
        numbers.into_iter().for_each(|(name, n)| group.set(name, Attribute::Integer(n as i64)));
        group.set("learning_rate", Attribute::Float(traces.learning_rate));
        group.set("batch_size", Attribute::Float(traces.batch_size));
        group.set("corrected", Attribute::Text(if self.estimate.corrected { "yes" } else { "no" }.into()));
        group.set("nature", Attribute::Text(self.markov.nature.word().into()));
        group.set("residual_correlation", Attribute::Float(self.markov.correlation[0]));
        group.set("residual_correlation_se", Attribute::Float(self.markov.correlation_se));
        let optional = [("distance_drift", self.markov.distance_drift), ("unseen_probability", self.unseen)];
        for (name, value) in optional.into_iter().chain(self.distances) {
            if let Some(value) = value {
                group.set(name, Attribute::Float(value));
            }
        }
        add_estimate(group, traces, &self.estimate);
        add_tests(group, &self.markov);
        let histogram = group.group_mut("histogram");
        histogram.datasets = variable_scales(&problem.grid);
        let long_name = "density of the rows of the traces, on the grid";
        histogram.datasets.push(field("density", &problem.grid, &[], self.histogram.clone(), "1", long_name));
        histogram.set("outside", Attribute::Float(self.outside));
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let reason = match self.markov.evidence {
            Evidence::None => String::new(),
            Evidence::Correlation(1, r) => format!("residuals of neighbouring steps correlate by {}", short(r)),
            Evidence::Correlation(apart, r) => {
                format!("residuals of steps {apart} rows apart correlate by {}", short(r))
            }
            Evidence::Variance(lag, ratio) => {
                format!("the variance over {lag} rows is {} times that of the estimated diffusion", short(ratio))
            }
            Evidence::Distance(drift) => format!(
                "from the first to the last quarter of the rows the distance from the plane changes by {} of its standard deviations",
                short(drift)
            ),
        };
        match self.markov.nature {
            Nature::Markov => {}
            Nature::AddVelocity => warnings.push(format!(
                "traces: steps remember the one before, {reason}: no diffusion in these variables alone; add the velocity, or take a \
                 descent without momentum"
            )),
            Nature::HiddenSlowDirection => {
                warnings.push(format!("traces: {reason}: a slow direction is missing from these variables"));
            }
            Nature::EpochSampling => warnings.push(format!(
                "traces: {reason}, as batches of reshuffled epochs do: their noise is not white, and the diffusion is too wide"
            )),
        }
        let recorded = [self.traces.learning_rate, self.traces.batch_size];
        if let Some([rate, batch]) =
            self.run.filter(|run| run.iter().zip(recorded).any(|(a, b)| (a / b - 1.0).abs() > 1e-9))
        {
            warnings.push(format!(
                "traces: recorded with learning_rate = {} and batch_size = {}, and the run has {} and {}: their histogram is that of another \
                 noise than the laws beside it, and the total variations are no test of these",
                short(recorded[0]),
                short(recorded[1]),
                short(rate),
                short(batch)
            ));
        }
        let temperature = recorded[0] / (2.0 * recorded[1]);
        if self.run.is_none() && (self.temperature / temperature - 1.0).abs() > 1e-9 {
            warnings.push(format!(
                "traces: recorded at the temperature η/(2B) = {}, and the run has {}: their histogram is that of another noise than the laws \
                 beside it, and the total variations are no test of these",
                short(temperature),
                short(self.temperature)
            ));
        }
        if let Some(unseen) = self.unseen.filter(|unseen| *unseen > UNSEEN) {
            warnings.push(format!(
                "traces: {} % of the stationary law lies where the traces hold too few data; drift and D there are those of the nearest \
                 place with data",
                short(100.0 * unseen)
            ));
        }
        if self.traces.trajectories.stride() > 1 && !self.estimate.corrected {
            warnings.push(
                "traces: rows lie several steps apart, and no drift and D of single steps are found that explain them (too few rows, rows too far apart, or a path \
                 that is not Markov): those over the distance stand, their bars are widened: keep more of the rows"
                    .to_string(),
            );
        }
        warnings
    }
}

/// Drift, D and their bars at the nodes.
fn add_estimate(group: &mut Group, traces: &Traces, estimate: &Estimate) {
    let (d, n) = (estimate.lattice.dimension(), estimate.lattice.len());
    let names: Vec<&str> = estimate.lattice.axes().iter().map(|axis| axis.name()).collect();
    for (axis, bandwidth) in estimate.lattice.axes().iter().zip(&estimate.bandwidth) {
        let name = axis.name();
        group.datasets.push(Dataset::float(
            name,
            array(&[axis.nodes().len()], axis.nodes().to_vec()),
            &[name],
            "1",
            "nodes",
        ));
        group.set(&format!("bandwidth_{name}"), Attribute::Float(*bandwidth));
    }
    for name in ["component", "row", "column"] {
        group.datasets.push(index_scale(name, d, "number of the variable"));
    }
    let with = |leading: &[&'static str]| -> Vec<String> {
        leading.iter().map(|name| name.to_string()).chain(names.iter().map(|name| name.to_string())).collect()
    };
    let shape = |leading: &[usize]| [leading, &estimate.lattice.shape()].concat();
    let mut add = |name: &str, leading: &[&'static str], sizes: &[usize], values: Vec<f64>, about: &str| {
        let axes = with(leading);
        let axes: Vec<&str> = axes.iter().map(String::as_str).collect();
        if let Ok(values) = ArrayD::from_shape_vec(IxDyn(&shape(sizes)), values) {
            group.datasets.push(Dataset::float(name, values, &axes, "1", about));
        }
    };
    let temperature = traces.learning_rate / (2.0 * traces.batch_size);
    let matrix = |packed: &[f64]| -> Vec<f64> {
        let entries = (0..d).flat_map(|i| (0..d).map(move |j| (i, j)));
        entries.flat_map(|(i, j)| packed[packed_index(d, i, j) * n..][..n].iter().map(|a| a / temperature)).collect()
    };
    debug_assert_eq!(estimate.diffusion.len(), packed_len(d) * n);
    add("drift", &["component"], &[d], estimate.drift.clone(), "drift b, NaN where there are too few data");
    add("drift_se", &["component"], &[d], estimate.drift_se.clone(), "standard error of the drift");
    add("diffusion", &["row", "column"], &[d, d], matrix(&estimate.diffusion), "diffusion matrix D = 2 B A/η");
    add("diffusion_se", &["row", "column"], &[d, d], matrix(&estimate.diffusion_se), "standard error of D");
    add("effective_samples", &[], &[], estimate.effective.clone(), "effective samples of the regression");
}

/// Correlations and ratios of variances.
fn add_tests(group: &mut Group, markov: &Markov) {
    let distances = (1..=markov.correlation.len()).map(|j| j as f64).collect();
    let lags: Vec<f64> = markov.lags.iter().map(|&lag| lag as f64).collect();
    let sets = [
        ("distance", "distance", distances, "distance in rows"),
        ("correlation", "distance", markov.correlation.clone(), "correlation of the standardised residuals"),
        ("lag", "lag", lags, "lag in rows"),
        ("variance_ratio", "lag", markov.variance_ratio.clone(), "variance over the lag, traces by model"),
        ("variance_ratio_se", "lag", markov.variance_ratio_se.clone(), "its standard error"),
    ];
    for (name, axis, values, about) in sets.into_iter().filter(|(_, _, values, _)| !values.is_empty()) {
        group.datasets.push(Dataset::float(name, array(&[values.len()], values), &[axis], "1", about));
    }
}

fn words(record: &Record) -> Vec<String> {
    let Some(group) = record.group("traces") else { return Vec::new() };
    let number = |name: &str| float(group, name);
    let count = |name: &str| integer(group, name).map_or(String::new(), |n| grouped(n as u64));
    let mut first = format!("traces: {} walkers × {} rows", count("walkers"), count("rows"));
    if let Some(stride) = integer(group, "stride").filter(|stride| *stride > 1) {
        let corrected = text(group, "corrected").is_some_and(|word| word == "yes");
        first += &format!(
            ", {stride} steps apart{}",
            if corrected { ", corrected for that" } else { ", not corrected for that" }
        );
    }
    if let (Some(nature), Some(r), Some(se)) =
        (text(group, "nature"), number("residual_correlation"), number("residual_correlation_se"))
    {
        first += &format!("; verdict: {nature} (residual correlation {} ± {})", short(r), short(se));
    }
    let named = [
        ("total_variation_fokker_planck", "Fokker-Planck"),
        ("total_variation_langevin", "Langevin"),
        ("total_variation_chain", "the chain"),
    ];
    let told = named.iter().filter_map(|(name, what)| Some(format!("{} to {what}", short(number(name)?))));
    let told: Vec<String> = told.collect();
    let mut lines = vec![first];
    if !told.is_empty() {
        let floor =
            number("total_variation_noise_floor").map_or(String::new(), |f| format!(" (noise floor {})", short(f)));
        lines.push(format!("traces: total variation of their histogram {}{floor}", told.join(", ")));
    }
    lines
}
