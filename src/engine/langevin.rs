//! Langevin: an ensemble of the stochastic differential equation.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::ensemble::Trajectories;
use fpsolve_solvers::langevin::{Langevin, LangevinOptions, scheme};
use fpsolve_solvers::problem::Problem;
use miette::Result;

use super::options::{AnyOptions, Options, OptionsTable, refused, walkers};
use super::{EngineEntry, Representation};
use crate::limits::sizes::{Count, Item, Key, Sizes};
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};
use crate::record::Group;
use crate::record::read::{float, text};
use crate::text::short;

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
    build,
    words,
};

static TABLE: OptionsTable = OptionsTable {
    key: "langevin",
    keys: &["walkers", "step", "scheme", "trajectories"],
    read,
    choices: &[("scheme", schemes)],
};

/// `[langevin]`.
#[derive(Debug)]
pub struct LangevinTable {
    /// What it says.
    pub options: LangevinOptions,
    walkers: Range<usize>,
}

/// Most walkers whose positions are kept (8 kB and more for each).
const MAX_TRAJECTORIES: u64 = 1000;

fn read(table: &Table) -> Result<AnyOptions> {
    let step = table.optional("step", |v| Ok(v.positive()?.value))?;
    if step.is_none() {
        table.source().note_default(&table.path("step"), "chosen from the drift and the noise");
    }
    let scheme = table.here("euler-maruyama".to_string());
    let scheme = table.or("scheme", scheme, "\"euler-maruyama\"", Value::string)?;
    let count = |v: &Value| Ok(v.count(0..=MAX_TRAJECTORIES)?.value as usize);
    let trajectories = table.or("trajectories", 0, "0", count)?;
    let walkers = walkers(table)?;
    if let Some(value) = table.get("trajectories").filter(|_| trajectories > walkers.value) {
        let message = format!("{trajectories} trajectories of {} walkers", walkers.value);
        return Err(value.error(message, "more than there are", "follow at most as many walkers as there are"));
    }
    scheme::find(&scheme.value).map_err(|error| refused(table, &scheme.span, "no such scheme", &error))?;
    let options = LangevinOptions { walkers: walkers.value, step, scheme: scheme.value, trajectories };
    Ok(Arc::new(LangevinTable { options, walkers: walkers.span }))
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

/// `langevin.walkers`.
static WALKERS: Count = Count {
    name: "langevin walkers",
    written: |options| {
        let table = options.of::<LangevinTable>();
        Located { value: table.options.walkers, span: table.walkers.clone() }
    },
};

fn memory(sizes: &Sizes) -> Vec<Item> {
    let d = sizes.dimension();
    let mut items = vec![Item::new("walkers", 16.0 * d * sizes.count(&WALKERS), Key::Count(&WALKERS))];
    let trajectories = sizes.options.of::<LangevinTable>().options.trajectories as f64;
    if trajectories > 0.0 {
        let rows = Trajectories::ROWS + sizes.outputs;
        items.push(Item::new("trajectories", 3.0 * 8.0 * d * trajectories * rows, Key::Outputs));
    }
    items
}

fn build(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Box<dyn Engine>, Error> {
    let options = options.of::<LangevinTable>().options.clone();
    Ok(Box::new(Langevin::new_until(problem, options, interrupt)?))
}

/// The step that was chosen, and why.
fn words(group: &Group) -> Vec<String> {
    let reason = text(group, "step_reason").filter(|reason| *reason != "given");
    let chosen = float(group, "step").zip(reason);
    chosen.map(|(step, reason)| format!("langevin: step {} chosen: {reason}", short(step))).into_iter().collect()
}
