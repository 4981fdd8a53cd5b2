//! SGD: an ensemble of minibatch gradient descent itself. Its table and its walkers serve all engines that descend step by step.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::sgd::optimizer::Gradient;
use fpsolve_solvers::sgd::{Sgd, SgdOptions, optimizer};
use miette::Result;

use super::options::{AnyOptions, Options, OptionsTable, refused, trajectories, walkers};
use super::{EngineEntry, Need, Representation, no_words};
use crate::engine::work::{Cause, Measured, Stepping, WALKERS_OF_BLOCK, Work, few_walkers, pace};
use crate::limits::sizes::{Count, Item, Key, Sizes};
use crate::reader::Kind;
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};

/// The engine.
pub static ENTRY: EngineEntry = EngineEntry {
    word: "sgd",
    group: "sgd",
    title: "SGD",
    colour: [0x00, 0x9e, 0x73],
    about: "an ensemble of minibatch gradient descent itself (needs a model with data)",
    default: true,
    representation: Representation::Walkers,
    needs: DESCENT,
    draws_batches: true,
    table: &TABLE,
    step: Some(step),
    memory,
    work,
    rehearse: |options, problem, interrupt| {
        rehearse(options, problem, interrupt, |small| Ok(Box::new(Sgd::new(problem, small)?)))
    },
    build,
    words: no_words,
};

/// What descent step by step needs.
pub(super) const DESCENT: &[Need] = &[Need::Samples, Need::LearningRate];

pub(super) static TABLE: OptionsTable = OptionsTable {
    key: "sgd",
    keys: &["walkers", "optimizer", "amplitude_rate", "trajectories"],
    read,
    choices: &[("optimizer", optimizers)],
};

/// `[sgd]`.
#[derive(Debug)]
pub struct SgdTable {
    /// What it says.
    pub options: SgdOptions,
    /// Place of the optimizer.
    pub optimizer: Range<usize>,
    /// Place of the learning rate of the amplitudes; None where they are solved for.
    pub amplitude_rate: Option<Range<usize>>,
    walkers: Range<usize>,
}

impl SgdTable {
    /// Whether the optimizer is plain SGD.
    pub fn is_plain(&self) -> bool {
        self.options.optimizer == optimizer::OPTIMIZERS[0].name
    }
}

fn read(table: &Table) -> Result<AnyOptions> {
    let plain = (optimizer::OPTIMIZERS[0].name, Vec::new());
    let shown = format!("{{ kind = \"{}\" }}", plain.0);
    let optimizer = table.or("optimizer", table.here(plain), &shown, read_optimizer)?;
    let amplitude_rate = table.optional("amplitude_rate", Value::positive)?;
    let walkers = walkers(table)?;
    let options = SgdOptions {
        walkers: walkers.value,
        optimizer: optimizer.value.0.to_string(),
        parameters: optimizer.value.1,
        amplitude_rate: amplitude_rate.as_ref().map(|rate| rate.value),
        trajectories: trajectories(table, walkers.value)?,
    };
    options.build().map_err(|error| refused(table, &optimizer.span, "this optimizer", &error))?;
    let amplitude_rate = amplitude_rate.map(|rate| rate.span);
    Ok(Arc::new(SgdTable { options, optimizer: optimizer.span, amplitude_rate, walkers: walkers.span }))
}

/// The name of an optimizer, and its parameters by name.
type Optimizer = (&'static str, Vec<(String, f64)>);

fn read_optimizer(value: &Value) -> Result<Located<Optimizer>> {
    let table = value.open_table()?;
    let entries = optimizer::OPTIMIZERS;
    let keys: Vec<Vec<&'static str>> =
        entries.iter().map(|entry| entry.parameters.iter().map(|p| p.name).collect()).collect();
    let pairs = entries.iter().zip(&keys);
    let kinds: Vec<Kind<&optimizer::Entry>> =
        pairs.map(|(entry, keys)| Kind { word: entry.name, keys, meaning: entry }).collect();
    let entry = table.kind(&kinds[0], &[], &kinds)?.meaning;
    let name = entry.name;
    let mut parameters = Vec::new();
    for parameter in entry.parameters {
        let (key, default) = (parameter.name, parameter.default);
        let number = table.or(key, default, &default.to_string(), |v| Ok(v.number()?.value))?;
        parameters.push((key.to_string(), number));
    }
    Ok(Located { value: (name, parameters), span: value.span() })
}

fn optimizers() -> Vec<(String, String)> {
    let row = |optimizer: &optimizer::Entry| {
        let key = |parameter: &optimizer::Parameter| format!("{} = {}", parameter.name, parameter.default);
        let keys: Vec<String> = optimizer.parameters.iter().map(key).collect();
        let keys = if keys.is_empty() { String::new() } else { format!("{}; ", keys.join(", ")) };
        (optimizer.name.to_string(), format!("{keys}{}; {}", optimizer.formula, optimizer.reference))
    };
    optimizer::OPTIMIZERS.iter().map(row).collect()
}

/// `sgd.walkers`.
static WALKERS: Count = Count {
    name: "sgd walkers",
    written: |options| {
        let table = options.of::<SgdTable>();
        Located { value: table.options.walkers, span: table.walkers.clone() }
    },
};

/// The walkers, and what the optimizer remembers of each.
pub(super) fn memory(sizes: &Sizes) -> Vec<Item> {
    let d = sizes.dimension();
    let optimizer = sizes.options.of::<SgdTable>().options.build();
    let remembered = optimizer.map_or(0.0, |optimizer| optimizer.memory(d as usize) as f64);
    // a state that is kept, and one that is written, beside the walkers and where they go
    let bytes = [("walkers", 27.0 * d + 16.0 * remembered), ("state for a checkpoint", 16.0 * (d + remembered))];
    let of = |(what, bytes): (&str, f64)| Item::new(what, bytes * sizes.count(&WALKERS), Key::Count(&WALKERS));
    let mut items = bytes.map(of).to_vec();
    items.extend(sizes.trajectories(sizes.options.of::<SgdTable>().options.trajectories));
    if sizes.epoch > 0.0 {
        // its own order for each walker, and once more for a checkpoint, where a sample takes more bytes
        for (what, bytes) in [("orders of the samples", 4.0), ("orders for a checkpoint", 24.0)] {
            items.push(of((what, bytes * sizes.epoch)));
        }
    }
    // the numbers of the samples, for the 128 walkers of a block on each thread; small ones are below notice
    let batches = 4.0 * 128.0 * sizes.batch * rayon::current_num_threads() as f64;
    if batches > 64e6 {
        items.push(Item::new("batches", batches, Key::Batch));
    }
    items
}

fn work(options: &Options, problem: &Problem) -> Result<Work, Error> {
    options.of::<SgdTable>().options.check_floor(problem.dynamics.floor())?;
    let batch = problem.minibatch.map_or(1, |minibatch| minibatch.batch_size);
    let samples = match options.of::<SgdTable>().options.build()?.gradient() {
        Gradient::Batch => batch,
        Gradient::Full => problem.model.sample_count(),
        Gradient::Pair(_) => 2 * batch,
    };
    descent(options, problem, samples)
}

/// The work of descent with gradients of so many samples.
pub(super) fn descent(options: &Options, problem: &Problem, samples: usize) -> Result<Work, Error> {
    let (end, rate) =
        (problem.times.last().copied().unwrap_or(0.0), problem.minibatch.map_or(1.0, |m| m.learning_rate));
    let (step, walkers) = (step(options, rate)?, options.of::<SgdTable>().options.walkers);
    let work = Work::of_walkers(end / step, step, walkers, samples.max(1) as f64);
    Ok(Work { cause: Cause::LearningRate, ..work })
}

/// Steps of a few walkers, in the engine that `small` builds of them.
pub(super) fn rehearse(
    options: &Options,
    problem: &Problem,
    interrupt: Interrupt,
    small: impl Fn(SgdOptions) -> Result<Box<dyn Engine>, Error>,
) -> Result<Measured, Error> {
    let (end, rate) =
        (problem.times.last().copied().unwrap_or(0.0), problem.minibatch.map_or(1.0, |m| m.learning_rate));
    let (step, written) = (step(options, rate)?, &options.of::<SgdTable>().options);
    let (walkers, few) = (written.walkers, few_walkers(written.walkers));
    let mut engine = small(SgdOptions { walkers: few, ..written.clone() })?;
    let [of_step, of_look] = pace(&mut *engine, step, end / step, interrupt)?;
    let blocks = |walkers: usize| walkers.div_ceil(WALKERS_OF_BLOCK) as f64;
    let looks = of_look * problem.times.len() as f64 * walkers as f64 / few as f64;
    let of_block = of_step / blocks(few);
    let stepping = Some(Stepping { step, seconds: of_block });
    let seconds = end / step * of_block * blocks(walkers) + looks;
    Ok(Measured { building: 0.0, seconds, stepping, matrix: None, coarse: None })
}

/// Time that a step of the optimizer lasts.
pub(super) fn step(options: &Options, learning_rate: f64) -> Result<f64, Error> {
    Ok(options.of::<SgdTable>().options.build()?.step_time(learning_rate))
}

fn build(options: &Options, problem: &Problem, _: Interrupt) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(Sgd::new(problem, options.of::<SgdTable>().options.clone())?))
}
