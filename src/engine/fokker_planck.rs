//! Fokker–Planck: the density by finite volumes on the grid, and the stationary density.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::Coefficients;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::fokker_planck::choice::{AUTO, DISCRETISATIONS, chain_cost, from_word};
use fpsolve_solvers::fokker_planck::integrator::system::Integrator;
use fpsolve_solvers::fokker_planck::integrator::table::INTEGRATORS;
use fpsolve_solvers::fokker_planck::linear::solver::Needed;
use fpsolve_solvers::fokker_planck::linear::table::choice;
use fpsolve_solvers::fokker_planck::{DiscretisationKind, EDGES, FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;
use miette::Result;

use super::langevin::table_words;
use super::options::{AnyOptions, Options, OptionsTable, refused};
use super::{EngineEntry, Representation};
use crate::engine::work::{Cause, Coarse, LONGEST_PROBE, Look, Measured, Stopwatch, Work, until};
use crate::limits::sizes::{Item, Key, Sizes};
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};
use crate::record::read::text;
use crate::text::{nearest, parse_seconds};

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
    rehearse,
    build,
    words: |group| {
        let reason = text(group, "discretisation_reason").map(str::to_string);
        reason.into_iter().chain(table_words(group, ENTRY.word)).collect()
    },
};

static TABLE: OptionsTable = OptionsTable {
    key: "fokker_planck",
    keys: &["discretisation", "method", "tolerance", "stationary", "walls", "unresolved", "budget"],
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
    let budget = table.optional("budget", time)?;
    let error_estimate = FokkerPlanckOptions::default().error_estimate;
    Ok(Arc::new(FokkerPlanckOptions {
        discretisation,
        method,
        tolerance,
        stationary,
        error_estimate,
        physical_walls,
        accept_unresolved,
        budget,
    }))
}

/// A length of time, such as "60 s".
fn time(value: &Value) -> Result<Duration> {
    let text = value.string()?.value;
    let seconds = parse_seconds(&text).map_err(|why| {
        value.error(format!("`{}`: {why}", value.path()), "not a time", "write for example budget = \"60 s\"")
    })?;
    Ok(Duration::from_secs_f64(seconds))
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
/// Factors that the one-step integrators keep, as measured.
const FACTORS: f64 = 2.5;
/// Numbers for each cell of a line in the systems of all nodes of the contour, which are solved side by side, as measured.
const CONTOUR: f64 = 220.0;
/// Memory of the chain for a full tensor in three variables, over that for one along the axes.
const FAR: f64 = 3.2;
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
    // steps of changing length keep factors of several lengths
    let by_steps =
        INTEGRATORS[..2].iter().any(|method| method.name == sizes.options.of::<FokkerPlanckOptions>().method);
    let kept = if by_steps { FACTORS } else { 1.0 };
    let contour = if shape.len() == 1 { CONTOUR } else { 0.0 };
    let rational = kept * (solver.needs)(&needed).bytes + 8.0 * (BASIS + contour) * cells;
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
    let possible = |kind: &&&DiscretisationKind| asked.map_or(sizes.steep || !kind.own_steps, |asked| asked == **kind);
    for kind in DISCRETISATIONS.iter().filter(possible) {
        if let Some(bytes) = (kind.memory)(&shape, asked.is_some()) {
            let condition = if asked.is_none() { ", if it is chosen" } else { "" };
            // steps along a full tensor in three variables reach farther than along the axes, as measured
            let reach = if shape.len() == 3 && !sizes.isotropic { FAR } else { 1.0 };
            let bytes = sizes.matrix.filter(|_| kind.own_steps).unwrap_or(reach * bytes);
            items.extend((bytes > 0.0).then(|| item(&format!("{}{condition}", kind.name), bytes)));
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
/// Products of the long-step chain for each jump by noise, as measured in one dimension.
const CHAIN: f64 = 1.5;

/// Jumps between neighbouring cells until the end, and products of those methods that take more of them the more jumps there are.
fn work(options: &Options, problem: &Problem) -> Result<Work, Error> {
    let options = options.of::<FokkerPlanckOptions>();
    let (end, cells) = (problem.times.last().copied().unwrap_or(0.0), problem.grid.len() as f64);
    let (mut by_drift, mut by_noise) = (0.0, 0.0);
    for (axis, [drift, noise]) in problem.grid.axes().iter().zip(Look::at(problem).extremes()) {
        by_drift += end * drift / axis.narrowest();
        by_noise += end * 2.0 * noise / axis.narrowest() / axis.narrowest();
    }
    let jumps = by_drift + by_noise;
    let what = format!("{jumps:.1e} jumps between neighbouring cells");
    if jumps.is_nan() || jumps > MOST_JUMPS {
        let bound = "double precision can follow";
        return Ok(Work { what, operations: f64::INFINITY, cause: Cause::Rates, bound });
    }
    let polynomial = INTEGRATORS[3].name == options.method;
    let chain = options.discretisation.is_some_and(|kind| kind.own_steps);
    let products = match (polynomial, chain) {
        (true, _) => (TERMS * jumps).sqrt(),
        (false, true) => CHAIN * by_noise,
        (false, false) => 0.0,
    };
    let what = if products > 0.0 { format!("{products:.1e} products on {cells} cells") } else { what };
    Ok(Work { what, operations: products * cells, cause: Cause::Rates, bound: "10^15 operations" })
}

/// Time from which on no further window is looked at.
const WINDOWS: Duration = Duration::from_millis(250);
/// Longest that a table of drift and noise may take in a measurement.
const LONGEST_TABLE: Duration = Duration::from_secs(5);

/// Built in windows of the grid, whose cells are those of the grid: what the adaptive quadrature of the rates takes depends on their size.
fn rehearse(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Measured, Error> {
    let written = options.of::<FokkerPlanckOptions>();
    // the edges alone: a chain that is tried and a stationary density are not those of the whole grid
    let discretisation = written.discretisation.or(Some(&EDGES));
    let own = FokkerPlanckOptions {
        discretisation,
        stationary: false,
        error_estimate: false,
        budget: None,
        ..written.clone()
    };
    let edges = FokkerPlanckOptions { discretisation: Some(&EDGES), ..written.clone() };
    let by_edges: Coarse = Box::new(move |coarse, interrupt| {
        let engine = FokkerPlanck::new_until(coarse, edges.clone(), &until(LONGEST_PROBE, interrupt)).ok();
        engine.map(|engine| Box::new(engine) as Box<dyn Engine>)
    });
    // the steps of a chain fit its cells, so that it is planned: those of a part of the box, or of coarser cells, are not its own
    if written.discretisation.is_some_and(|kind| kind.own_steps) {
        let planned = chain_cost(problem, true, &until(LONGEST_TABLE, interrupt))?;
        let building = planned.map_or(0.0, |cost| cost.seconds) / rayon::current_num_threads() as f64;
        let matrix = planned.map(|cost| cost.bytes);
        return Ok(Measured { building, seconds: 0.0, stepping: None, matrix, coarse: Some(by_edges) });
    }
    // a table of drift and noise takes its time once, and stays for the run
    let start = Stopwatch::start();
    let table = Coefficients::unasked(problem).of(problem, &until(LONGEST_TABLE, interrupt));
    let table = table.map_or(0.0, |_| start.seconds());
    let (mut seen, start) = (0.0, Stopwatch::start());
    for window in windows(&problem.grid) {
        let cells = window.len() as f64;
        let there = Problem { grid: window, initial: Initial::Uniform, ..problem.clone() };
        // what fails in a window has taken its time all the same
        match FokkerPlanck::new_until(&there, own.clone(), &until(LONGEST_PROBE, interrupt)) {
            Err(Error::Interrupted { .. }) if interrupt() => return Err(Error::Interrupted { time: 0.0 }),
            Ok(_) | Err(_) => seen += cells,
        }
        if start.elapsed() > WINDOWS {
            break;
        }
    }
    let coarser = 1.0 + 1.0 / 2f64.powf(problem.dimension() as f64);
    let building = table + start.seconds() * coarser * problem.grid.len() as f64 / f64::max(seen, 1.0);
    // what the program may choose besides; nothing where that is known not to serve
    let chain = match written.discretisation {
        None => chain_cost(problem, false, &until(LONGEST_PROBE, interrupt)).ok(),
        Some(_) => Some(None),
    };
    let seconds = chain.flatten().map_or(0.0, |cost| cost.seconds);
    let building = building + seconds / rayon::current_num_threads() as f64;
    let matrix = chain.map(|cost| cost.map_or(0.0, |cost| cost.bytes));
    Ok(Measured { building, seconds: 0.0, stepping: None, matrix, coarse: Some(by_edges) })
}

/// Parts of the grid, spread over it: an eighth of each axis, at least 8 cells.
fn windows(grid: &Grid) -> Vec<Grid> {
    let shape = grid.shape();
    let size: Vec<usize> = shape.iter().map(|&n| ((n / 8).clamp(8, 32).min(n) & !1).max(1)).collect();
    let at = |share: f64| -> Vec<Range<usize>> {
        let ranges = shape.iter().zip(&size).enumerate();
        ranges
            .map(|(k, (&n, &size))| {
                // a different place along each axis
                let first = ((share + 0.37 * k as f64).fract() * (n - size) as f64) as usize;
                first..first + size
            })
            .collect()
    };
    [0.5, 0.15, 0.85, 0.3, 0.7].into_iter().filter_map(|share| grid.window(&at(share))).collect()
}

fn build(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(FokkerPlanck::new_until(problem, options.of::<FokkerPlanckOptions>().clone(), interrupt)?))
}
