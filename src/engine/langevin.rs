//! Langevin: an ensemble of the stochastic differential equation.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::table::{COEFFICIENTS, Coefficients};
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::langevin::{Langevin, LangevinOptions, scheme};
use fpsolve_solvers::problem::Problem;
use miette::Result;

use super::options::{AnyOptions, Options, OptionsTable, refused, trajectories, walkers};
use super::{EngineEntry, Representation};
use crate::engine::work::{
    Cause, LONGEST_PROBE, Look, Measured, Stepping, Stopwatch, WALKERS_OF_BLOCK, Work, few_walkers, pace, until,
};
use crate::limits::sizes::{Count, Item, Key, Sizes};
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};
use crate::record::Group;
use crate::record::read::{float, integer, text};
use crate::text::{grouped, short};

/// The engine.
pub static ENTRY: EngineEntry = EngineEntry {
    word: "langevin",
    group: "langevin",
    title: "Langevin",
    colour: [0xd5, 0x5e, 0x00],
    about: "an ensemble of the stochastic differential equation",
    default: true,
    representation: Representation::Walkers,
    needs: &[],
    draws_batches: false,
    table: &TABLE,
    step: None,
    memory,
    work,
    rehearse,
    build,
    words,
};

static TABLE: OptionsTable = OptionsTable {
    key: "langevin",
    keys: &["walkers", "step", "scheme", "coefficients", "trajectories"],
    read,
    choices: &[("scheme", schemes), ("coefficients", coefficients)],
};

/// `[langevin]`.
#[derive(Debug)]
pub struct LangevinTable {
    /// What it says.
    pub options: LangevinOptions,
    walkers: Range<usize>,
    step: Option<Range<usize>>,
}

fn read(table: &Table) -> Result<AnyOptions> {
    let step = table.optional("step", Value::positive)?;
    if step.is_none() {
        table.source().note_default(&table.path("step"), "chosen from the drift and the noise");
    }
    let scheme = table.here("euler-maruyama".to_string());
    let scheme = table.or("scheme", scheme, "\"euler-maruyama\"", Value::string)?;
    let auto = table.here(Coefficients::Auto);
    let coefficients = table.or("coefficients", auto, "\"auto\"", |v: &Value| v.choice(&COEFFICIENTS))?.value;
    let walkers = walkers(table)?;
    let trajectories = trajectories(table, walkers.value)?;
    scheme::find(&scheme.value).map_err(|error| refused(table, &scheme.span, "no such scheme", &error))?;
    let (length, step) = step.map(|step| (step.value, step.span)).unzip();
    let options =
        LangevinOptions { walkers: walkers.value, step: length, scheme: scheme.value, trajectories, coefficients };
    Ok(Arc::new(LangevinTable { options, walkers: walkers.span, step }))
}

fn schemes() -> Vec<(String, String)> {
    let row = |scheme: &scheme::Entry| {
        let orders = format!("weak order {}, strong order {}", scheme.weak_order, scheme.strong_order);
        let needs = match scheme.requirements {
            "" | "none" => String::new(),
            requirements => format!("; {requirements}"),
        };
        (scheme.name.to_string(), format!("{orders}{needs}; {}", scheme.reference))
    };
    scheme::SCHEMES.iter().map(row).collect()
}

fn coefficients() -> Vec<(String, String)> {
    let about = |coefficients| match coefficients {
        Coefficients::Auto => {
            "a table for models of more than 50 samples where it is accurate and serves most of the box"
        }
        Coefficients::Exact => "the model itself, at every step of every walker",
        Coefficients::Table => "interpolated between the nodes of a lattice over the box; exact at kinks and outside",
    };
    COEFFICIENTS.iter().map(|(word, which)| (word.to_string(), about(*which).to_string())).collect()
}

/// `langevin.walkers`.
static WALKERS: Count = Count {
    name: "langevin walkers",
    written: |options| {
        let table = options.of::<LangevinTable>();
        Located { value: table.options.walkers, span: table.walkers.clone() }
    },
};

/// The walkers twice, since a step takes all of them or none, and what sorts them for the quantiles; as measured.
fn memory(sizes: &Sizes) -> Vec<Item> {
    let d = sizes.dimension();
    // a state that is kept, and one that is written, beside the walkers and where they go
    let bytes = [("walkers", 27.0), ("state for a checkpoint", 16.0)];
    let of = |(what, bytes): (&str, f64)| Item::new(what, bytes * d * sizes.count(&WALKERS), Key::Count(&WALKERS));
    let mut items = bytes.map(of).to_vec();
    items.extend(sizes.trajectories(sizes.options.of::<LangevinTable>().options.trajectories));
    items
}

/// Steps of walkers up to which a rough guess of the step will do.
const FEW: f64 = 1e10;
fn work(options: &Options, problem: &Problem) -> Result<Work, Error> {
    let table = options.of::<LangevinTable>();
    let LangevinOptions { walkers, step, .. } = table.options;
    let end = problem.times.last().copied().unwrap_or(0.0);
    let look = Look::at(problem);
    let guess = || rough_step(problem, &look.extremes());
    let step = match step {
        Some(step) => step,
        None if end / guess() * walkers as f64 <= FEW => guess(),
        None => Langevin::natural_step(problem)?,
    };
    let work = Work::of_walkers((end / step).max(1.0), step, walkers, 1.0);
    let cause = table.step.clone().map_or(Cause::Dynamics, Cause::Step);
    Ok(Work { cause, ..work })
}

/// The time in which drift or noise cover 4 % of an axis, at least a tenth of the learning rate: about the step that would be chosen.
fn rough_step(problem: &Problem, extremes: &[[f64; 2]]) -> f64 {
    let reach = problem.grid.axes().iter().map(|axis| 0.04 * axis.length());
    let steps = reach.zip(extremes).map(|(reach, [drift, noise])| (reach / drift).min(reach * reach / (2.0 * noise)));
    let least = problem.minibatch.map_or(0.0, |minibatch| 0.1 * minibatch.learning_rate);
    steps.fold(f64::INFINITY, f64::min).max(least)
}

/// Steps of a few walkers, and the choice of the step where it is left to the program.
fn rehearse(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Measured, Error> {
    let options = &options.of::<LangevinTable>().options;
    let (walkers, few) = (options.walkers, few_walkers(options.walkers));
    let step = match Langevin::chosen_step(problem, options, &until(LONGEST_PROBE, interrupt)) {
        Err(Error::Interrupted { .. }) => Langevin::natural_step(problem)?,
        step => step?,
    };
    let end = problem.times.last().copied().unwrap_or(0.0);
    let small = LangevinOptions { walkers: few, step: Some(step), trajectories: 0, ..options.clone() };
    // a table of drift and noise takes its time once; where that is long the steps are measured without it
    let start = Stopwatch::start();
    let mut engine = match Langevin::new_until(problem, small.clone(), &until(LONGEST_PROBE, interrupt)) {
        Err(Error::Interrupted { .. }) if !interrupt() => {
            Langevin::new_until(problem, LangevinOptions { coefficients: Coefficients::Exact, ..small }, interrupt)?
        }
        engine => engine?,
    };
    let tables = start.seconds();
    let [of_step, of_look] = pace(&mut engine, step, (end / step).max(1.0), interrupt)?;
    let of_block = of_step / Langevin::blocks(few);
    // a trial of the step takes it for all pairs, and half of it, whatever the number of walkers
    let trial = if options.step.is_none() {
        Langevin::blocks(walkers.max(8192)) - walkers.max(8192).div_ceil(WALKERS_OF_BLOCK) as f64
    } else {
        0.0
    };
    let steps = (end / step).max(problem.times.len() as f64 - 1.0);
    let looks = of_look * problem.times.len() as f64 * walkers as f64 / few as f64;
    let (building, seconds) = (tables + steps * of_block * trial, steps * of_block * Langevin::blocks(walkers) + looks);
    let stepping = Some(Stepping { step, seconds: of_block });
    Ok(Measured { building, seconds, stepping, matrix: None, coarse: None })
}

fn build(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Box<dyn Engine>, Error> {
    let options = options.of::<LangevinTable>().options.clone();
    Ok(Box::new(Langevin::new_until(problem, options, interrupt)?))
}

/// How drift and D were tabulated, where they were.
pub(super) fn table_words(group: &Group, engine: &str) -> Option<String> {
    let share = float(group, "coefficients_exact_share")?;
    let error = float(group, "coefficients_drift_error")?.max(float(group, "coefficients_diffusion_error")?);
    let nodes = grouped(integer(group, "coefficients_nodes")?.unsigned_abs());
    let exact = if share > 0.0 { format!(", exact on {} % of the box", short(100.0 * share)) } else { String::new() };
    Some(format!(
        "{engine}: drift and D from a table of {nodes} nodes{exact}; its error at random points is at most {}",
        short(error)
    ))
}

/// The step that was chosen, and why.
fn words(group: &Group) -> Vec<String> {
    let reason = text(group, "step_reason").filter(|reason| *reason != "given");
    let chosen = float(group, "step").zip(reason);
    let chosen = chosen.map(|(step, reason)| format!("langevin: step {} chosen: {reason}", short(step)));
    chosen.into_iter().chain(table_words(group, ENTRY.word)).collect()
}
