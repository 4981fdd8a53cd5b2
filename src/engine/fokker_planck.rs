//! Fokker–Planck: the density by finite volumes on the grid, and the stationary density.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::fokker_planck::chain::MOST_ENTRIES_UNASKED;
use fpsolve_solvers::fokker_planck::integrator::METHODS;
use fpsolve_solvers::fokker_planck::linear::{Needed, choice};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions, SpaceMethod};
use fpsolve_solvers::problem::Problem;
use miette::Result;

use super::options::{AnyOptions, Options, OptionsTable, refused};
use super::{EngineEntry, Representation};
use crate::limits::{Item, Key, Sizes};
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};
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
    build,
};

static TABLE: OptionsTable = OptionsTable {
    key: "fokker_planck",
    keys: &["discretisation", "method", "tolerance", "stationary"],
    read,
    choices: &[("discretisation", discretisations), ("method", methods)],
};

fn read(table: &Table) -> Result<AnyOptions> {
    let auto = || table.here("auto".to_string());
    let space = table.or("discretisation", auto(), "\"auto\"", Value::string)?;
    let method = table.or("method", auto(), "\"auto\"", Value::string)?;
    let tolerance = table.or("tolerance", 1e-6, "1e-6", tolerance)?;
    let stationary = table.or("stationary", true, "true", |v| Ok(v.boolean()?.value))?;
    let discretisation = SpaceMethod::from_word(&space.value)
        .map_err(|error| refused(table, &space.span, "no such discretisation", &error))?;
    check_method(table, &method, discretisation)?;
    let method = method.value;
    let defaults = FokkerPlanckOptions::default();
    Ok(Arc::new(FokkerPlanckOptions { discretisation, method, tolerance, stationary, ..defaults }))
}

fn tolerance(value: &Value) -> Result<f64> {
    let number = value.positive()?.value;
    if (1e-13..=0.1).contains(&number) {
        return Ok(number);
    }
    let message = format!("`{}` is {number}; it must lie between 1e-13 and 0.1", value.path());
    Err(value.error(message, "out of range", "write for example tolerance = 1e-6"))
}

/// Errors: an unknown method, a method beside the long-step chain.
fn check_method(table: &Table, method: &Located<String>, discretisation: SpaceMethod) -> Result<()> {
    let names: Vec<&str> = METHODS.iter().map(|method| method.name).chain(["auto"]).collect();
    if !names.contains(&method.value.as_str()) {
        let label =
            nearest(&method.value, &names).map_or("no such method".into(), |near| format!("did you mean \"{near}\"?"));
        let message = format!("there is no Fokker-Planck method \"{}\"", method.value);
        let help = format!("write one of: {}", names.join(", "));
        return Err(table.source().error(&method.span, message, label, help));
    }
    if discretisation == SpaceMethod::Chain && method.value != "auto" {
        let message = format!("method = \"{}\" integrates a generator, and the long-step chain has none", method.value);
        let help = "write method = \"auto\", or discretisation = \"edges\"";
        return Err(table.source().error(&method.span, message, "not with discretisation = \"chain\"", help));
    }
    Ok(())
}

fn discretisations() -> Vec<(String, String)> {
    SpaceMethod::ALL.iter().map(|&(_, word, about)| (word.to_string(), about.to_string())).collect()
}

fn methods() -> Vec<(String, String)> {
    let row = |method: &fpsolve_solvers::fokker_planck::integrator::Method| {
        let order = method.order.map_or(String::new(), |order| format!("; order {order}"));
        let positive = if method.positive { "; never negative" } else { "" };
        (method.name.to_string(), format!("{}{order}{positive}; {}", method.about, method.reference))
    };
    METHODS.iter().map(row).collect()
}

/// Vectors of the Krylov space of the rational integrator, as measured.
const BASIS: f64 = 30.0;
/// Entries a cell of both chains of the long-step chain in one, two and three dimensions, where the noise of a step just covers the
/// cells; at condition number 1000 they are three times as many.
const CHAIN_ENTRIES: [f64; 3] = [30.0, 450.0, 3400.0];
/// The chain's companion beside it, at most.
const COMPANION: f64 = 1.7;
/// Numbers that the Krylov space of the chain's solver holds at most.
const KRYLOV_NUMBERS: f64 = 2e7;
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
    let coarse = (generator + vectors + largest) / 2f64.powf(d);
    let item = |what: &str, bytes: f64| Item::new(what, bytes, Key::Cells);
    let mut items = vec![
        item("generator", generator),
        item("density, stationary density and work vectors", vectors),
        item(&format!("linear solver ({}) and integrator", solver.name), largest),
        item("coarser grid for the error estimate", coarse),
    ];
    let entries = CHAIN_ENTRIES[shape.len().clamp(1, 3) - 1] * cells;
    let chain = match sizes.options.of::<FokkerPlanckOptions>().discretisation {
        SpaceMethod::Auto if entries <= MOST_ENTRIES_UNASKED => Some("long-step chain, if it is chosen"),
        SpaceMethod::Edges | SpaceMethod::Auto => None,
        SpaceMethod::Chain => Some("long-step chain"),
    };
    let vectors = KRYLOV_NUMBERS.min(250.0 * cells);
    items.extend(chain.map(|name| item(name, COMPANION * 9.0 * entries + 8.0 * vectors)));
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

fn build(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(FokkerPlanck::new_until(problem, options.of::<FokkerPlanckOptions>().clone(), interrupt)?))
}
