//! The straight line from a problem to its record: every engine advances from output time to output time, is checked,
//! observed and kept; then the engines are compared and the verdicts spoken.

pub mod convergence;

use std::time::Instant;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Attribute, Engine, Interrupt, RefinedMoments, Snapshot, Statistics};
use fpsolve_solvers::escape::on_grid::GridPassage;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::fokker_planck::Stationary;
use fpsolve_solvers::fokker_planck::spectrum::Spectrum;
use fpsolve_solvers::langevin::first_passage::{FirstPassage, first_passage};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::Fields;
use fpsolve_validation::compare::{Comparison, STATIONARY, Series, Settings, compare};
use fpsolve_validation::verdict::{Verdict, judge_expectations, judge_limits};

use crate::analysis::noise_parts;
use crate::analysis::{kramers, landscape, outliers, projection};
use crate::engine::EngineEntry;
use crate::engine::langevin::LangevinTable;
use crate::engine::sgd::SgdTable;
use crate::record::analysis;
use crate::record::groups::ensemble;
use crate::record::lookup;
use crate::record::scales;
use crate::record::scales::StationaryFields;
use crate::record::{Record, batch_noise};
use crate::scenario::Prepared;

/// How a run ended; the word that the record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All output times were reached.
    Complete,
    /// The user stopped it; what was reached is in the record.
    Interrupted,
    /// An engine failed; what was reached is in the record.
    Failed,
}

impl Status {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// A finished run.
pub struct Run {
    /// Everything that was computed.
    pub record: Record,
    /// How it ended.
    pub status: Status,
    /// The first failure of an engine.
    pub failure: Option<Error>,
    /// Limits of `[compare]` and numbers of `[expect]`, judged.
    pub verdicts: Vec<Verdict>,
}

impl Run {
    /// Whether every verdict passed.
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.passed)
    }
}

/// One engine on its way, with what it showed so far.
struct Lane {
    engine: Box<dyn Engine>,
    snapshots: Vec<Snapshot>,
    statistics: Vec<Statistics>,
    refined: Vec<RefinedMoments>,
    seconds: f64,
    failure: Option<Error>,
}

/// Runs a prepared scenario. `progress` hears a short line whenever there is something to say.
///
/// Never fails as a whole: a failing engine stops, the others go on, and the record holds what was reached.
pub fn run(prepared: &Prepared, interrupt: Interrupt, progress: &dyn Fn(&str)) -> Run {
    let mut problem = prepared.problem.clone();
    let mut warnings = align_with_sgd(&mut problem, prepared);
    warnings.extend(prepared.notes.iter().cloned());
    let mut failures: Vec<Error> = Vec::new();
    progress("building");
    let Built { mut lanes, stationary, spectrum, passages: by_grid } =
        build(prepared, &problem, &mut failures, interrupt);
    for &time in &problem.times {
        for lane in &mut lanes {
            progress(&format!("{} to t = {time}", lane.engine.name()));
            lane.advance(time, interrupt);
        }
    }
    failures.extend(lanes.iter().filter_map(|lane| lane.failure.clone()));
    let passages = first_passages(prepared, &problem, &lanes, interrupt, progress, &mut failures);
    progress("taking the noise apart");
    let parts = noise_parts::take_apart(prepared, &problem, interrupt);
    let parts = parts.unwrap_or_else(|error| {
        failures.push(error);
        None
    });
    let found = outliers::find(prepared, &problem.grid);
    let status = match failures.iter().find(|error| !matches!(error, Error::Interrupted { .. })) {
        Some(_) => Status::Failed,
        None if failures.is_empty() => Status::Complete,
        None => Status::Interrupted,
    };
    progress("comparing");
    let comparisons = comparisons(&problem, &lanes, stationary.as_ref());
    let mut record = describe(prepared, &problem, status, &mut warnings);
    warnings.extend(projection::report(record.group_mut("problem"), &*prepared.model, &problem.grid));
    if let Some(parts) = &parts {
        analysis::add_noise_parts(record.group_mut("problem"), &problem.grid, parts);
        record.groups.extend(analysis::path_group(&problem.grid, parts));
        warnings.extend(parts.warnings.iter().cloned());
    }
    if prepared.critical_points {
        record.groups.push(analysis::landscape_group(&problem.grid, &landscape::find(&problem)));
    }
    if let Some(found) = &found {
        record.groups.push(analysis::outliers_group(&problem.grid, found));
        warnings.extend(found.warnings.iter().cloned());
    }
    for lane in &lanes {
        let seconds = format!("wall_seconds_{}", lane.engine.name());
        record.group_mut("provenance").set(&seconds, Attribute::Float(lane.seconds));
        record.groups.push(lane.group(&problem, stationary.as_ref(), &mut warnings));
    }
    if let Some(stationary) = &stationary {
        warnings.extend(stationary.warnings.iter().map(|w| format!("stationary: {w}")));
        record.groups.push(stationary_group(&problem, stationary));
    }
    for (passage, found) in &by_grid {
        let group = ensemble::passage_group(&mut record, passage, &problem.times);
        scales::add_grid_passage(group, &problem.grid, found);
    }
    for (passage, found) in prepared.passages.iter().zip(&passages) {
        let group = ensemble::passage_group(&mut record, passage, &problem.times);
        ensemble::add_first_passage(group, passage, &problem.times, found);
        warnings.extend(passage_warnings(passage, found));
    }
    kramers::add(&mut record, &problem, &prepared.passages);
    if let Some(law) = bounded_against(prepared, &lanes, stationary.as_ref()) {
        warnings.extend(batch_noise::add_reach(record.group_mut("problem"), &problem, law));
    }
    record.groups.extend(spectrum.map(|modes| scales::spectrum_group(&problem.grid, &modes)));
    warnings.extend(failures.iter().map(|error| match error.help() {
        Some(help) => format!("{error}; {help}"),
        None => error.to_string(),
    }));
    let mut verdicts = judge_limits(&comparisons, &prepared.compare);
    if status == Status::Complete {
        verdicts.extend(judge_expectations(&prepared.expect, &|path| lookup::lookup(&record, path).ok()));
    }
    record.groups.push(scales::comparison_group(&comparisons, &verdicts));
    record.datasets.extend(scales::warning_rows(&warnings));
    let failure = failures.into_iter().find(|error| !matches!(error, Error::Interrupted { .. }));
    Run { record, status, failure, verdicts }
}

/// The root of a record and its `/grid`: what ran, from which scenario, how it ended.
pub fn heading(prepared: &Prepared, problem: &Problem, status: Status) -> Record {
    let mut record = Record::new("");
    let text = |text: &str| Attribute::Text(text.to_string());
    record.set("schema", Attribute::Integer(1));
    record.set("fpsolve_version", text(env!("CARGO_PKG_VERSION")));
    record.set("status", text(status.word()));
    record.set("name", text(&prepared.name));
    record.set("description", text(&prepared.description));
    record.set("scenario", text(&prepared.text));
    record.set("seed", Attribute::Integer(problem.seed as i64));
    record.set("temperature", Attribute::Float(problem.temperature));
    record.set("beta", Attribute::Float(2.0 * problem.temperature));
    if let Some(minibatch) = problem.minibatch {
        record.set("learning_rate", Attribute::Float(minibatch.learning_rate));
        record.set("batch_size", Attribute::Integer(minibatch.batch_size as i64));
    }
    let mut grid = scales::grid_group(&problem.grid);
    if let Some(found) = &prepared.box_found {
        grid.set("bounds", text("auto"));
        grid.set("bounds_reason", text(&found.reason()));
        grid.set("bounds_trials", Attribute::Integer(found.rounds as i64));
        grid.set("bounds_share", Attribute::Float(found.share));
    }
    record.groups.push(grid);
    record
}

/// The heading, the functions of the problem on the grid, the data.
fn describe(prepared: &Prepared, problem: &Problem, status: Status, warnings: &mut Vec<String>) -> Record {
    let mut record = heading(prepared, problem, status);
    let fields = Fields::on_grid(problem);
    warnings.extend(collapsed_sampling(problem, &fields));
    let columns: Vec<(&str, &[f64])> = prepared.data.as_deref().map_or(Vec::new(), |data| {
        data.names().iter().filter_map(|name| Some((name.as_str(), data.column(name)?))).collect()
    });
    let loss = fields.loss.as_deref();
    let mut group = scales::problem_group(&problem.grid, loss, &fields.drift, &fields.diffusion, &[], &columns);
    for (name, values) in fields.diagnostics {
        let long_name = name.replace('_', " ");
        group.datasets.push(scales::field(name, &problem.grid, &[], values, "1", &long_name));
    }
    group.datasets.extend(batch_noise::cumulant_fields(problem));
    record.groups.push(group);
    record
}

/// The density of the SDE to hold against the bounded noise of SGD: the stationary one, else the last of an engine; the outer
/// None where another optimizer than plain SGD, or none, runs.
fn bounded_against<'a>(
    prepared: &Prepared,
    lanes: &'a [Lane],
    stationary: Option<&'a Stationary>,
) -> Option<Option<(&'static str, &'a [f64])>> {
    let batches = prepared.engines.iter().any(|engine| engine.draws_batches);
    if !batches || !prepared.options.of::<SgdTable>().is_plain() {
        return None;
    }
    let last = |name: &str| {
        let lane = lanes.iter().find(|lane| lane.engine.name() == name)?;
        Some(lane.snapshots.last()?.probability.as_slice())
    };
    let stationary = stationary.map(|s| ("the stationary density", s.probability.as_slice()));
    let density = || last("fokker_planck").map(|p| ("the last density of Fokker-Planck", p));
    let walkers = || last("langevin").map(|p| ("the last density of Langevin", p));
    Some(stationary.or_else(density).or_else(walkers))
}

/// Effective samples below which importance sampling follows single samples instead of the data.
const FEW_EFFECTIVE_SAMPLES: f64 = 2.0;

/// Says where importance sampling draws nearly always the same sample.
fn collapsed_sampling(problem: &Problem, fields: &Fields) -> Option<String> {
    let (_, sizes) = fields.diagnostics.iter().find(|(name, _)| *name == "effective_sample_size")?;
    let few = sizes.iter().filter(|size| **size < FEW_EFFECTIVE_SAMPLES).count();
    let least = (0..sizes.len()).min_by(|&i, &j| sizes[i].total_cmp(&sizes[j]))?;
    let center = problem.grid.center(least);
    let place: Vec<String> =
        problem.variables.iter().zip(center).map(|(name, x)| format!("{name} = {}", crate::text::short(x))).collect();
    (few > 0).then(|| {
        format!(
            "dynamics.importance: the sampling collapses, on {:.1} % of the grid fewer than {FEW_EFFECTIVE_SAMPLES} of {} samples \
             are in effect (least {:.3} at {}): take a larger c",
            100.0 * few as f64 / sizes.len() as f64,
            problem.model.sample_count(),
            sizes[least],
            place.join(", ")
        )
    })
}

fn stationary_group(problem: &Problem, stationary: &Stationary) -> Record {
    let fields = StationaryFields {
        probability: &stationary.probability,
        potential: &stationary.potential,
        current: Some(&stationary.current),
        mean: &stationary.mean,
        covariance: &stationary.covariance,
        refined: stationary.refined.as_ref(),
    };
    let mut attributes = vec![
        ("method", Attribute::Text(stationary.method.to_string())),
        ("reversible", Attribute::Integer(i64::from(stationary.reversible))),
        ("entropy_production", Attribute::Float(stationary.entropy_production)),
        ("residual", Attribute::Float(stationary.residual)),
        ("error_truncation", Attribute::Float(stationary.error_truncation)),
    ];
    attributes.extend(stationary.error_grid.map(|error| ("error_grid", Attribute::Float(error))));
    scales::stationary_group(&problem.grid, fields, &attributes)
}

/// The engines, and what the Fokker–Planck engine knows before the first step.
#[derive(Default)]
struct Built {
    lanes: Vec<Lane>,
    stationary: Option<Stationary>,
    spectrum: Option<Spectrum>,
    passages: Vec<(Passage, GridPassage)>,
}

/// Builds the engines that were asked for; failures of the stationary density are the engine's warnings.
fn build(prepared: &Prepared, problem: &Problem, failures: &mut Vec<Error>, interrupt: Interrupt) -> Built {
    let mut built = Built::default();
    let modes = prepared.analysis.eigenpairs.as_ref().map_or(0, |count| count.value);
    for kind in &prepared.engines {
        let start = Instant::now();
        let engine = (kind.build)(&prepared.options, problem, interrupt);
        if let Ok(Some(grid)) = engine.as_ref().map(|engine| engine.on_grid()) {
            built.stationary = grid.stationary().cloned();
            if modes > 0 {
                match grid.spectrum(modes, interrupt) {
                    Ok(spectrum) => built.spectrum = Some(spectrum),
                    Err(error) => failures.push(error),
                }
            }
            for passage in &prepared.passages {
                match grid.first_passage(passage, interrupt) {
                    Ok(found) => built.passages.push((passage.clone(), found)),
                    Err(error) => failures.push(error),
                }
            }
        }
        match engine {
            Ok(engine) => {
                let seconds = start.elapsed().as_secs_f64();
                built.lanes.push(Lane {
                    engine,
                    snapshots: Vec::new(),
                    statistics: Vec::new(),
                    refined: Vec::new(),
                    seconds,
                    failure: None,
                });
            }
            Err(error) => failures.push(error),
        }
    }
    built
}

impl Lane {
    /// Advances to `time`, checks and keeps what can be seen there; does nothing once the engine has failed.
    fn advance(&mut self, time: f64, interrupt: Interrupt) {
        if self.failure.is_some() {
            return;
        }
        let start = Instant::now();
        match self.engine.advance(time, interrupt).map(|()| self.engine.snapshot()) {
            Ok(snapshot) if is_finite(&snapshot) => {
                self.snapshots.push(snapshot);
                self.statistics.extend(self.engine.statistics());
                self.refined.extend(self.engine.refined_moments());
            }
            Ok(_) => {
                let help = "this is a bug of the method: please report it with the scenario";
                self.failure =
                    Some(Error::numerical(self.engine.name(), format!("at t = {time}"), "a value is not finite", help));
            }
            Err(error) => self.failure = Some(error),
        }
        self.seconds += start.elapsed().as_secs_f64();
    }

    /// L1 error of the density that the engine itself reports: grid and time.
    fn density_error(&self) -> f64 {
        let reported = |(name, value): &(&'static str, Attribute)| match value {
            Attribute::Float(x) if ["error_grid", "error_time"].contains(name) && x.is_finite() => Some(*x),
            _ => None,
        };
        self.engine.attributes().iter().filter_map(reported).sum()
    }

    fn group(&self, problem: &Problem, stationary: Option<&Stationary>, warnings: &mut Vec<String>) -> Record {
        let name = self.engine.name();
        let mut attributes = self.engine.attributes();
        // an estimate that does not exist (no coarser grid) is left out: a record holds finite numbers
        attributes.retain(|(_, value)| !matches!(value, Attribute::Float(x) if !x.is_finite()));
        let mut own = self.engine.warnings();
        own.extend(
            self.engine.another_small_step_limit().map(|why| format!("not compared with the other engines: {why}")),
        );
        let mut group =
            scales::engine_group(name, self.engine.walkers(), &problem.grid, &self.snapshots, &attributes, &own);
        if self.engine.walkers().is_none() {
            let stationary = stationary.map(|s| s.probability.as_slice());
            scales::add_relaxation(&mut group, &problem.grid, &self.snapshots, stationary);
            if !self.refined.is_empty() && self.refined.len() == self.snapshots.len() {
                scales::add_refined_moments(&mut group, &problem.grid, &self.refined);
            }
        } else {
            ensemble::add_statistics(&mut group, &problem.grid, &self.statistics);
        }
        if let Some(kept) = self.engine.trajectories() {
            ensemble::add_trajectories(&mut group, &problem.grid, kept);
        }
        warnings.extend(own.into_iter().map(|warning| format!("{}: {warning}", name.replace('_', "-"))));
        group
    }
}

fn is_finite(snapshot: &Snapshot) -> bool {
    let finite = |values: &[f64]| values.iter().all(|x| x.is_finite());
    finite(&snapshot.probability)
        && finite(&snapshot.mean)
        && finite(&snapshot.covariance)
        && snapshot.outside.is_finite()
}

/// SGD lives at multiples of its step: with it among the engines the output times move to the nearest whole step, for all.
fn align_with_sgd(problem: &mut Problem, prepared: &Prepared) -> Vec<String> {
    let Some(minibatch) = problem.minibatch else { return Vec::new() };
    let step = |engine: &&EngineEntry| engine.step?(&prepared.options, minibatch.learning_rate).ok();
    let Some(eta) = prepared.engines.iter().find_map(step) else { return Vec::new() };
    let aligned: Vec<f64> = problem.times.iter().map(|t| (t / eta).round() * eta).collect();
    let moved = aligned.iter().zip(&problem.times).map(|(a, t)| (a - t).abs()).fold(0.0, f64::max);
    problem.times = aligned;
    problem.times.dedup();
    if moved <= 1e-9 * eta {
        return Vec::new();
    }
    vec![format!(
        "sgd: output times moved by up to {moved:.2e} to whole steps of {eta}, for all engines; write times that are multiples of it"
    )]
}

/// The first-passage problems by Langevin walkers, in order, until one fails; nothing without a Langevin engine that got through.
fn first_passages(
    prepared: &Prepared,
    problem: &Problem,
    lanes: &[Lane],
    interrupt: Interrupt,
    progress: &dyn Fn(&str),
    failures: &mut Vec<Error>,
) -> Vec<FirstPassage> {
    let mut found = Vec::new();
    if !lanes.iter().any(|lane| lane.engine.name() == "langevin" && lane.failure.is_none()) {
        return found;
    }
    let options = &prepared.options.of::<LangevinTable>().options;
    for passage in &prepared.passages {
        progress(&format!("langevin: first passage \"{}\"", passage.name));
        match first_passage(problem, options, passage, true, interrupt) {
            Ok(passage) => found.push(passage),
            Err(error) => {
                failures.push(error);
                break;
            }
        }
    }
    found
}

/// Sentences on first passages whose mean is not what it seems.
fn passage_warnings(passage: &Passage, found: &FirstPassage) -> Vec<String> {
    let (name, horizon) = (&passage.name, found.horizon);
    let mut warnings = Vec::new();
    if found.censored() > 0.0 {
        let share = 100.0 * found.censored();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the Langevin walkers had not arrived by the horizon t = {horizon}; their mean time \
             is too small: write a longer `horizon`"
        ));
    }
    if !found.absorbed.is_empty() {
        let share = 100.0 * found.absorbed();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the Langevin walkers were absorbed at a wall; the mean time is that of the others"
        ));
    }
    if found.undecided() > 0.0 {
        let share = 100.0 * found.undecided();
        warnings.push(format!(
            "escape \"{name}\": {share:.3} % of the Langevin walkers had come neither to the target nor to what excludes it by the \
             horizon t = {horizon}; their committor is that of the others: write a longer `horizon`"
        ));
    }
    for (role, set) in
        std::iter::once(("target", &passage.target)).chain(passage.avoid.iter().map(|a| ("avoided set", a)))
    {
        if !set.has_boundary() {
            warnings.push(format!(
                "escape \"{name}\": the {role} \"{}\" has no surface to build bridges to; Langevin walkers arrive late by about a \
                 step's length: write it with < and >, joined by * (both) or max (either)",
                set.text()
            ));
        }
    }
    warnings
}

/// Distances between the engines that have the same limit and to the stationary density, each beside the noise and the reported
/// grid errors.
fn comparisons(problem: &Problem, lanes: &[Lane], stationary: Option<&Stationary>) -> Vec<Comparison> {
    let lanes: Vec<&Lane> = lanes.iter().filter(|lane| lane.engine.another_small_step_limit().is_none()).collect();
    let shown: Vec<Shown> = lanes.iter().map(|lane| Shown::of(&lane.snapshots)).collect();
    let series = lanes.iter().zip(&shown).map(|(lane, shown)| Series {
        name: lane.engine.name(),
        walkers: lane.engine.walkers(),
        times: &shown.times,
        probability: &shown.probability,
        outside: &shown.outside,
    });
    let series: Vec<Series> = series.collect();
    let law = stationary.map(|s| s.probability.as_slice());
    let mut comparisons = compare(&problem.grid, &series, law, Settings::default());
    let transient_error: f64 =
        lanes.iter().filter(|lane| lane.engine.walkers().is_none()).map(|lane| lane.density_error()).sum();
    for comparison in &mut comparisons {
        comparison.add_discretisation("fokker_planck", transient_error);
        comparison.add_discretisation(STATIONARY, stationary.and_then(|s| s.error_grid).unwrap_or(0.0));
    }
    comparisons
}

/// The snapshots of an engine, column by column.
struct Shown {
    times: Vec<f64>,
    probability: Vec<Vec<f64>>,
    outside: Vec<f64>,
}

impl Shown {
    fn of(snapshots: &[Snapshot]) -> Self {
        Self {
            times: snapshots.iter().map(|s| s.time).collect(),
            probability: snapshots.iter().map(|s| s.probability.clone()).collect(),
            outside: snapshots.iter().map(|s| s.outside).collect(),
        }
    }
}
