//! Fokker–Planck: the density by finite volumes on the grid, and the stationary density.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::fokker_planck::choice::{AUTO, DISCRETISATIONS, from_word};
use fpsolve_solvers::fokker_planck::integrator::system::Integrator;
use fpsolve_solvers::fokker_planck::integrator::table::INTEGRATORS;
use fpsolve_solvers::fokker_planck::linear::solver::Needed;
use fpsolve_solvers::fokker_planck::linear::table::choice;
use fpsolve_solvers::fokker_planck::{DiscretisationKind, FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::Axis;
use miette::Result;

use super::langevin::table_words;
use super::options::{AnyOptions, Options, OptionsTable, refused};
use super::{EngineEntry, Representation};
use crate::engine::work::{Cause, Look, Work};
use crate::limits::sizes::{Item, Key, Sizes};
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};
use crate::record::read::text;
use crate::text::nearest;

/// The engine.
pub static ENTRY: EngineEntry = EngineEntry {
    word: "fokker-planck",
    group: "fokker_planck",
    title: "Fokker–Planck",
    colour: [0x00, 0x72, 0xb2],
    about: "the density by finite volumes on the grid, and the stationary density",
    default: true,
    representation: Representation::Density,
    needs: &[],
    draws_batches: false,
    table: &TABLE,
    step: None,
    memory,
    work,
    build,
    words: |group| {
        let reason = text(group, "discretisation_reason").map(str::to_string);
        reason.into_iter().chain(table_words(group, ENTRY.word)).collect()
    },
};

static TABLE: OptionsTable = OptionsTable {
    key: "fokker_planck",
    keys: &["discretisation", "method", "tolerance", "stationary", "walls", "unresolved"],
    read,
    choices: &[
        ("discretisation", discretisations),
        ("method", methods),
        ("walls", || choices(&WALLS)),
        ("unresolved", || choices(&UNRESOLVED)),
    ],
};

fn read(table: &Table) -> Result<AnyOptions> {
    let auto = || table.here("auto".to_string());
    let space = table.or("discretisation", auto(), "\"auto\"", Value::string)?;
    let method = table.or("method", auto(), "\"auto\"", Value::string)?;
    let tolerance = table.or("tolerance", 1e-6, "1e-6", tolerance)?;
    let stationary = table.or("stationary", true, "true", |v| Ok(v.boolean()?.value))?;
    let physical_walls = table.or("walls", false, "\"auto\"", |value| second_of(value, &WALLS))?;
    let accept_unresolved = table.or("unresolved", false, "\"fail\"", |value| second_of(value, &UNRESOLVED))?;
    let discretisation =
        from_word(&space.value).map_err(|error| refused(table, &space.span, "no such discretisation", &error))?;
    check_method(table, &method, discretisation)?;
    let method = method.value;
    let error_estimate = FokkerPlanckOptions::default().error_estimate;
    Ok(Arc::new(FokkerPlanckOptions {
        discretisation,
        method,
        tolerance,
        stationary,
        error_estimate,
        physical_walls,
        accept_unresolved,
    }))
}

fn tolerance(value: &Value) -> Result<f64> {
    let number = value.positive()?.value;
    if (1e-13..=0.1).contains(&number) {
        return Ok(number);
    }
    let message = format!("`{}` is {number}; it must lie between 1e-13 and 0.1", value.path());
    Err(value.error(message, "out of range", "write for example tolerance = 1e-6"))
}

/// Whether the second of two words was written. Errors: neither was.
fn second_of(value: &Value, words: &[(&str, &str); 2]) -> Result<bool> {
    let word = value.string()?;
    match words.iter().position(|(name, _)| *name == word.value) {
        Some(at) => Ok(at == 1),
        None => {
            let message = format!("`{}` is \"{}\"", value.path(), word.value);
            Err(value.error(message, "no such choice", format!("write \"{}\" or \"{}\"", words[0].0, words[1].0)))
        }
    }
}

/// `walls`, the default first.
const WALLS: [(&str, &str); 2] = [
    ("auto", "walls that neither noise nor drift leads out of belong to the problem; others may cut a tail"),
    ("physical", "all walls belong to the problem and cut nothing"),
];

/// `unresolved`: what becomes of a run whose grid does not resolve the density; the default first.
const UNRESOLVED: [(&str, &str); 2] = [
    ("fail", "a density that the grid does not resolve fails the verdict `resolved`"),
    ("accept", "it is warned of only"),
];

fn choices(words: &[(&str, &str)]) -> Vec<(String, String)> {
    words.iter().map(|(word, about)| (word.to_string(), about.to_string())).collect()
}

/// Errors: an unknown method, a method beside the long-step chain.
fn check_method(table: &Table, method: &Located<String>, discretisation: Option<&DiscretisationKind>) -> Result<()> {
    let names: Vec<&str> = INTEGRATORS.iter().map(|method| method.name).chain(["auto"]).collect();
    if !names.contains(&method.value.as_str()) {
        let label =
            nearest(&method.value, &names).map_or("no such method".into(), |near| format!("did you mean \"{near}\"?"));
        let message = format!("there is no Fokker-Planck method \"{}\"", method.value);
        let help = format!("write one of: {}", names.join(", "));
        return Err(table.source().error(&method.span, message, label, help));
    }
    if let Some(kind) = discretisation.filter(|kind| kind.own_steps && method.value != "auto") {
        let message = format!("method = \"{}\" integrates a generator, and the {} has none", method.value, kind.name);
        let label = format!("not with discretisation = \"{}\"", kind.word);
        let help = "write method = \"auto\", or discretisation = \"edges\"";
        return Err(table.source().error(&method.span, message, label, help));
    }
    Ok(())
}

fn discretisations() -> Vec<(String, String)> {
    let kinds = DISCRETISATIONS.iter().map(|kind| (kind.word, kind.about));
    [AUTO].into_iter().chain(kinds).map(|(word, about)| (word.to_string(), about.to_string())).collect()
}

fn methods() -> Vec<(String, String)> {
    let row = |method: &Integrator| {
        let order = method.order.map_or(String::new(), |order| format!("; order {order}"));
        let positive = if method.positive { "; never negative" } else { "" };
        (method.name.to_string(), format!("{}{order}{positive}; {}", method.about, method.reference))
    };
    INTEGRATORS.iter().map(row).collect()
}

/// Vectors of the Krylov space of the rational integrator, as measured.
const BASIS: f64 = 30.0;
/// Outputs that the polynomial integrator computes together at most.
const GROUP: f64 = 24.0;

/// The generator, its vectors, the larger of what assembly and the integrators need beside them, and the same once more on the
/// coarser grid of the error estimate; the long-step chain, where it may be chosen.
fn memory(sizes: &Sizes) -> Vec<Item> {
    let (cells, d) = (sizes.cells(), sizes.dimension());
    let edges = edges_per_cell(sizes);
    let shape: Vec<usize> = sizes.shape.iter().map(|&n| n as usize).collect();
    let needed = Needed { shape: &shape, rates: 2.0 * edges };
    let (solver, _) = choice(&needed, shape.len() == 1);
    let generator = (40.0 * edges + 24.0) * cells;
    let vectors = 8.0 * (14.0 + 2.0 * d) * cells;
    let assembly = (32.0 * edges + 8.0 * (d + d * (d + 1.0) / 2.0)) * cells;
    let polynomial = 8.0 * (2.0 * edges + 4.0 + GROUP.min(sizes.outputs)) * cells;
    let rational = (solver.needs)(&needed).bytes + 8.0 * BASIS * cells;
    let largest = assembly.max(polynomial).max(rational);
    // the density, two steps and their errors; what the polynomial has in stock: kept, and once more while it is written
    let state = 16.0 * (10.0 + GROUP.min(sizes.outputs)) * cells;
    let coarse = (generator + vectors + largest + state) / 2f64.powf(d);
    let item = |what: &str, bytes: f64| Item::new(what, bytes, Key::Cells);
    let mut items = vec![
        item("generator", generator),
        item("density, stationary density and work vectors", vectors),
        item(&format!("linear solver ({}) and integrator", solver.name), largest),
        item("state for a checkpoint", state),
        item("coarser grid for the error estimate", coarse),
    ];
    let asked = sizes.options.of::<FokkerPlanckOptions>().discretisation;
    for kind in DISCRETISATIONS.iter().filter(|kind| asked.is_none_or(|asked| asked == **kind)) {
        if let Some(bytes) = (kind.memory)(&shape, asked.is_some()) {
            let condition = if asked.is_none() { ", if it is chosen" } else { "" };
            items.push(item(&format!("{}{condition}", kind.name), bytes));
        }
    }
    items
}

/// Edges of the generator per cell: the axes; for a full tensor the diagonals of Selling's decomposition too.
fn edges_per_cell(sizes: &Sizes) -> f64 {
    match (sizes.shape.len(), sizes.isotropic) {
        (1, _) => 1.0,
        (2, true) => 2.0,
        (2, false) => 3.0,
        (_, true) => 3.0,
        (_, false) => 6.0,
    }
}

/// Jumps up to which rates and times can be told apart in double precision.
const MOST_JUMPS: f64 = 1e120;
/// Terms of the polynomial for so many jumps: √(40·jumps) at the accuracy that is aimed at.
const TERMS: f64 = 40.0;
/// Products of the long-step chain for each jump by noise, and seconds of a cell in one, as measured in one dimension.
const CHAIN: (f64, f64) = (1.5, 6e-7);
/// Seconds of a rate in a product of the generator.
const RATE_SECONDS: f64 = 1e-9;

/// Jumps between neighbouring cells until the end, and products of those methods that take more of them the more jumps there are.
fn work(options: &Options, problem: &Problem) -> Result<Work, Error> {
    let options = options.of::<FokkerPlanckOptions>();
    let (end, cells) = (problem.times.last().copied().unwrap_or(0.0), problem.grid.len() as f64);
    let narrowest = |axis: &Axis| (0..axis.cells()).map(|i| axis.width(i)).fold(f64::INFINITY, f64::min);
    let (mut by_drift, mut by_noise) = (0.0, 0.0);
    for (axis, [drift, noise]) in problem.grid.axes().iter().zip(Look::at(problem).extremes()) {
        by_drift += end * drift / narrowest(axis);
        by_noise += end * 2.0 * noise / narrowest(axis) / narrowest(axis);
    }
    let jumps = by_drift + by_noise;
    let what = format!("{jumps:.1e} jumps between neighbouring cells");
    if jumps.is_nan() || jumps > MOST_JUMPS {
        let bound = "double precision can follow";
        return Ok(Work { what, operations: f64::INFINITY, seconds: 0.0, cause: Cause::Rates, bound });
    }
    let polynomial = INTEGRATORS[3].name == options.method;
    let chain = options.discretisation.is_some_and(|kind| kind.own_steps);
    let (products, seconds) = match (polynomial, chain) {
        (true, _) => ((TERMS * jumps).sqrt(), RATE_SECONDS * (1.0 + 2.0 * problem.dimension() as f64)),
        (false, true) => (CHAIN.0 * by_noise, CHAIN.1),
        (false, false) => (0.0, 0.0),
    };
    let what = if products > 0.0 { format!("{products:.1e} products on {cells} cells") } else { what };
    Ok(Work { what, operations: products * cells, seconds, cause: Cause::Rates, bound: "10^15 operations" })
}

fn build(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(FokkerPlanck::new_until(problem, options.of::<FokkerPlanckOptions>().clone(), interrupt)?))
}
