//! What a run will take, measured before it begins: a few walkers take a few steps, the grid is filled in windows, and a coarse grid goes
//! through the output times and the analyses.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Alone, Interrupt, Ranks};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::Fields;

use crate::analysis::Finished;
use crate::analysis::outlook::Rehearsed;
use crate::engine::work::{Coarse, LONGEST_PROBE, Measured, Stepping, Stopwatch, Work, thinned, until};
use crate::engine::{EngineEntry, Representation, langevin, sgd, transfer_operator};
use crate::error::caught;
use crate::ranks::ranks;
use crate::run::engine_run::EngineRun;
use crate::run::{Doing, compare};
use crate::scenario::Prepared;

/// Exponent of the number of cells with which the integration in time grows, where it cannot be measured.
const GROWTH: f64 = 1.25;
/// Largest exponent that is believed, in one to three dimensions: products with a polynomial of a degree that grows like the number of cells
/// along an axis, and more; on a line a few linear systems.
const STEEPEST: [f64; 3] = [1.25, 1.75, 1.75];
/// Seconds below which a measurement tells no exponent.
const SHORT: f64 = 5e-4;
/// Seconds up to which one more measurement takes next to no time.
const BRIEF: f64 = 0.1;

/// Name of the part in which the functions of the problem are evaluated.
const MODEL: &str = "model";
/// Name of the part in which laws are compared.
const COMPARISONS: &str = "comparisons";

/// A part of a run and the seconds that it will take.
#[derive(Debug, Clone)]
pub struct Phase {
    /// The engine or the analysis.
    pub name: &'static str,
    /// What it does.
    pub what: String,
    /// Seconds; None where they are unknown.
    pub seconds: Option<f64>,
    /// Seconds of them that an engine is built in.
    pub building: f64,
    /// Bytes of the matrix that an engine builds or may choose to build, where they are known.
    pub matrix: Option<f64>,
}

/// Seconds that will pass while a run is busy with this; 0 where they are unknown.
pub fn seconds_of(phases: &[Phase], doing: &Doing) -> f64 {
    let named = |name: &str| phases.iter().find(|phase| phase.name == name);
    let seconds = |name: &str| named(name).and_then(|phase| phase.seconds).unwrap_or(0.0);
    match doing {
        Doing::Building(engine) => named(engine).map_or(0.0, |phase| phase.building),
        Doing::Advancing(engine, [from, to], end) if *end > 0.0 => {
            let building = named(engine).map_or(0.0, |phase| phase.building);
            (seconds(engine) - building).max(0.0) * (to - from) / end
        }
        Doing::Model => seconds(MODEL),
        Doing::Analysis(name) => seconds(name),
        Doing::Comparing => seconds(COMPARISONS),
        Doing::Advancing(..) | Doing::Detail(_) => 0.0,
    }
}

/// The cells of the coarse grid along each axis: an eighth, but not too few to keep its shape.
fn coarse_cells(shape: &[usize]) -> Vec<usize> {
    let least = [32, 12, 8][shape.len() - 1];
    shape.iter().map(|&n| (n / 8).max(least).min(n) & !1).collect()
}

/// All parts of a run, in order, and what of its analyses can be counted. Errors: [`Error::Interrupted`].
pub fn rehearse(prepared: &Prepared, interrupt: Interrupt) -> Result<(Vec<Phase>, Vec<Work>), Error> {
    let problem = &prepared.problem;
    let coarse = thinned(problem, &coarse_cells(problem.grid.shape())).unwrap_or_else(|| problem.clone());
    let growth = problem.grid.len() as f64 / coarse.grid.len() as f64;
    let (mut phases, mut runs) = (Vec::new(), Vec::new());
    let mut walkers = Walkers::default();
    for entry in &prepared.engines {
        let measured = caught(|| (entry.rehearse)(&prepared.options, problem, interrupt));
        if interrupt() {
            return Err(Error::Interrupted { time: 0.0 });
        }
        let (mut seconds, mut built, mut bytes) = (None, 0.0, None);
        if let Ok(Ok(Measured { building, seconds: own, stepping: steps, matrix, coarse: build })) = measured {
            walkers.see(entry, steps);
            let advanced = build.and_then(|build| advanced(&build, problem, &coarse, interrupt));
            (built, bytes) = (building, matrix);
            let shared = if entry.representation == Representation::Walkers { ranks().size() as f64 } else { 1.0 };
            let advancing = own + advanced.as_ref().map_or(0.0, |(_, seconds)| *seconds);
            seconds = Some(building + advancing / shared);
            runs.extend(advanced.map(|(run, _)| run));
        }
        let what = (entry.work)(&prepared.options, problem).map_or(String::new(), |work| work.what);
        let seconds = seconds.filter(|seconds| seconds.is_finite());
        phases.push(Phase { name: entry.word, what, seconds, building: built, matrix: bytes });
    }
    let counted = analyses(prepared, &coarse, &runs, (growth, walkers), interrupt, &mut phases)?;
    phases.extend(comparisons(prepared));
    Ok((phases, counted))
}

/// Steps of the ensembles that analyses send walkers of.
#[derive(Default, Clone, Copy)]
struct Walkers {
    langevin: Option<Stepping>,
    sgd: Option<Stepping>,
}

impl Walkers {
    fn see(&mut self, entry: &EngineEntry, steps: Option<Stepping>) {
        let of = |own: &EngineEntry| steps.filter(|_| entry.group == own.group);
        self.langevin = of(&langevin::ENTRY).or(self.langevin);
        self.sgd = of(&sgd::ENTRY).or(self.sgd);
    }
}

/// An engine at the end on the coarse grid, and the seconds in which it will go through the output times on the whole one: a power of the
/// number of cells through the last two of the coarse grid and grids of twice as many cells along each axis, which are tried while they
/// take next to no time.
fn advanced(build: &Coarse, problem: &Problem, coarse: &Problem, interrupt: Interrupt) -> Option<(EngineRun, f64)> {
    let on = |problem: &Problem| {
        let start = Stopwatch::start();
        let (run, seconds) = through(EngineRun::new(build(problem, interrupt)?, 0.0), problem, interrupt);
        Some((run, seconds, start.seconds()))
    };
    let (run, mut seconds, mut taken) = on(coarse)?;
    let d = problem.dimension();
    let (mut last, mut exponent) = (coarse.clone(), GROWTH);
    while taken * 2f64.powf(STEEPEST[d - 1] * d as f64) < BRIEF {
        let doubled = last.grid.shape().iter().zip(problem.grid.shape()).map(|(&n, &most)| (2 * n).min(most));
        let Some(next) = thinned(problem, &doubled.collect::<Vec<_>>()) else { break };
        let times = next.grid.len() as f64 / last.grid.len() as f64;
        let Some((_, longer, all)) = on(&next).filter(|_| times > 1.0) else { break };
        if seconds > SHORT {
            exponent = ((longer / seconds).ln() / times.ln()).clamp(0.0, STEEPEST[d - 1]);
        }
        (last, seconds, taken) = (next, longer, all);
    }
    let times = problem.grid.len() as f64 / last.grid.len() as f64;
    Some((run, seconds * times.powf(exponent)))
}

/// An engine at the last output time, and the seconds that it took; those of the times that were not reached are taken to be as long.
fn through(mut run: EngineRun, problem: &Problem, interrupt: Interrupt) -> (EngineRun, f64) {
    let (start, stop) = (Stopwatch::start(), until(LONGEST_PROBE, interrupt));
    let mut reached = 0;
    for (k, &time) in problem.times.iter().enumerate() {
        run.advance(k, time, &stop, None);
        if run.failure.is_some() {
            break;
        }
        reached += 1;
    }
    let share = problem.times.len() as f64 / f64::from(reached.max(1));
    (run, start.seconds() * share)
}

/// All pairs of engines and of engines with the law at rest, at all times; None where there is one engine alone.
fn comparisons(prepared: &Prepared) -> Option<Phase> {
    let (problem, engines) = (&prepared.problem, prepared.engines.len());
    let (pairs, times) = (engines * engines.saturating_sub(1) / 2 + engines, problem.times.len());
    (engines > 1).then(|| {
        let seconds = caught(|| compare::seconds_of_pair(problem, &prepared.compare)).ok();
        Phase {
            name: COMPARISONS,
            what: format!("{} of two laws at a time", pairs * times),
            seconds: seconds.map(|[pair, each]| pairs as f64 * (pair + times as f64 * each)),
            building: 0.0,
            matrix: None,
        }
    })
}

fn analyses(
    prepared: &Prepared,
    coarse: &Problem,
    runs: &[EngineRun],
    (growth, walkers): (f64, Walkers),
    interrupt: Interrupt,
    phases: &mut Vec<Phase>,
) -> Result<Vec<Work>, Error> {
    let start = Stopwatch::start();
    let Ok(fields) = caught(|| Arc::new(Fields::on_grid(coarse))) else { return Ok(Vec::new()) };
    let seconds = Some(start.seconds() * growth);
    let what = "loss, drift and noise in every cell".into();
    phases.push(Phase { name: MODEL, what, seconds, building: 0.0, matrix: None });
    let chain = phases.iter().find(|phase| phase.name == transfer_operator::ENTRY.word).map(|phase| phase.building);
    let (mut counted, alone): (_, Arc<dyn Ranks>) = (Vec::new(), Arc::new(Alone));
    for planned in &prepared.analyses {
        let stop = until(LONGEST_PROBE, interrupt);
        let finished = Finished {
            problem: coarse,
            fields: &fields,
            model: &*prepared.model,
            data: prepared.data.as_deref(),
            options: &prepared.options,
            engines: &prepared.engines,
            runs,
            stationary: runs.iter().find_map(|run| run.engine.on_grid()?.stationary()),
            done_blocks: &|_| Default::default(),
            ranks: &alone,
            interrupt: &stop,
            progress: &|_| {},
        };
        let rehearsed =
            Rehearsed { finished: &finished, growth, stepping: walkers.langevin, descent: walkers.sgd, chain };
        let found = caught(|| planned.analysis.expected(&rehearsed)).ok();
        if interrupt() {
            return Err(Error::Interrupted { time: 0.0 });
        }
        let (seconds, what) = found.map_or((None, String::new()), |outlook| {
            counted.extend(outlook.counted);
            (Some(outlook.seconds), outlook.what)
        });
        phases.push(Phase { name: planned.entry.name, what, seconds, building: 0.0, matrix: None });
    }
    Ok(counted)
}
