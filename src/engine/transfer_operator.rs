//! Transfer operator: the law of minibatch descent itself on the grid, without sampling noise; dt = η, no walls.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::transfer_operator::{Rows, TransferOperator, TransferOperatorOptions};
use miette::Result;

use super::options::{AnyOptions, Options, OptionsTable};
use super::sgd::{self, SgdTable};
use super::work::{Cause, Measured, Stopwatch, Work, pace, thinned};
use super::{EngineEntry, Representation};
use crate::limits::sizes::{Item, Key, Sizes};
use crate::reader::table::{Table, Value};
use crate::record::Group;
use crate::record::read::{column, float};
use crate::text::{relative, short};

/// The engine.
pub static ENTRY: EngineEntry = EngineEntry {
    word: "transfer-operator",
    group: "transfer_operator",
    title: "law of SGD",
    colour: [0x9b, 0x3f, 0xa6],
    about: "the law of minibatch SGD without sampling noise, one or two axes, optimizer as [sgd] (only where it is named)",
    default: false,
    representation: Representation::Density,
    needs: sgd::DESCENT,
    draws_batches: false,
    table: &TABLE,
    step: Some(sgd::step),
    memory,
    work,
    rehearse,
    build,
    words,
};

static TABLE: OptionsTable =
    OptionsTable { key: "transfer_operator", keys: &["rows", "stationary"], read, choices: &[("rows", rows)] };

/// `rows`, the default first.
const ROWS: [(Rows, &str); 2] = [
    (Rows::Moments, "mean and variance of a step are exact: for densities"),
    (Rows::Fitted, "what decides rare events is exact: for the shares of wells; passages always take it"),
];

fn read(table: &Table) -> Result<AnyOptions> {
    let rows = table.or("rows", Rows::Moments, "\"moments\"", |value| {
        let word = value.string()?;
        let found = ROWS.iter().map(|row| row.0).find(|rows| rows.word() == word.value);
        found.ok_or_else(|| {
            let message = format!("`{}` is \"{}\"", value.path(), word.value);
            value.error(
                message,
                "no such choice",
                format!("write \"{}\" or \"{}\"", ROWS[0].0.word(), ROWS[1].0.word()),
            )
        })
    })?;
    let stationary = table.or("stationary", true, "true", |v: &Value| Ok(v.boolean()?.value))?;
    Ok(Arc::new(TransferOperatorOptions { rows, stationary, ..TransferOperatorOptions::default() }))
}

fn rows() -> Vec<(String, String)> {
    ROWS.iter().map(|(rows, about)| (rows.word().to_string(), about.to_string())).collect()
}

/// Vectors of GMRES, and the factors of the diffusion beside them.
const KRYLOV: f64 = 200.0;
/// Bytes of an entry of the operator.
const ENTRY_BYTES: f64 = 12.0;

/// The matrix, at its densest where nothing else is known, those of the coarser grids (½ in all), and the band that is eliminated.
fn memory(sizes: &Sizes) -> Vec<Item> {
    let most = TransferOperatorOptions::default().max_entries as f64;
    let densest = (sizes.cells() * sizes.cells()).min(most);
    let entries = sizes.matrix.map_or(densest, |bytes| densest.min(bytes / ENTRY_BYTES));
    let vectors = 8.0 * 20.0 * sizes.cells();
    // those of coarser grids have a half in all on one axis, a fifteenth on two
    let (coarser, solution) = if sizes.dimension() < 2.0 {
        (1.5, Item::new("elimination", 8.0 * entries + vectors, Key::Cells))
    } else {
        (1.1, Item::new("Krylov space", 8.0 * KRYLOV * sizes.cells() + vectors, Key::Cells))
    };
    vec![Item::new("operator and those of coarser grids", coarser * ENTRY_BYTES * entries, Key::Cells), solution]
}

fn work(options: &Options, problem: &Problem) -> Result<Work, Error> {
    let options_here = with_rule(options)?;
    TransferOperator::check(problem, &options_here)?;
    let rate = problem.minibatch.map_or(1.0, |minibatch| minibatch.learning_rate);
    let step = sgd::step(options, rate)?;
    let steps = problem.times.last().copied().unwrap_or(0.0) / step;
    let cells = problem.grid.len() as f64;
    let what = format!("{} steps of {} on {cells} cells", short(steps), short(step));
    let operations = steps * cells * cells.min(TYPICAL_ROW);
    Ok(Work { what, operations, cause: Cause::LearningRate, bound: "10^15 operations" })
}

/// Entries of a row, roughly.
const TYPICAL_ROW: f64 = 100.0;

/// The options with the rule of the optimizer in `[sgd]`. Errors: an optimizer whose steps are no chain in θ alone, or no law on a line.
fn with_rule(options: &Options) -> Result<TransferOperatorOptions, Error> {
    let (own, descent) = (options.of::<TransferOperatorOptions>(), &options.of::<SgdTable>().options);
    if descent.amplitude_rate.is_some() {
        return Err(Error::invalid(
            "the law of descent in θ and the amplitudes together is not computed",
            "solve for the amplitudes, or leave this engine out",
        ));
    }
    let rule = descent.build()?.chain().ok_or_else(|| {
        Error::invalid(
            format!("the law of descent with the optimizer \"{}\" is not computed", descent.optimizer),
            "take the optimizer sgd, svag or momentum, or leave the transfer operator out",
        )
    })?;
    Ok(TransferOperatorOptions { rule, ..own.clone() })
}

/// Seconds of building from which on no finer grid is measured.
const TOLD: f64 = 0.3;

/// On an eighth of the cells along every axis or, where a step does not cover those or they take no time, on more, up to a half: a row on
/// half as many cells has half as many entries.
fn rehearse(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Measured, Error> {
    let rate = problem.minibatch.map_or(1.0, |minibatch| minibatch.learning_rate);
    let (step, end) = (sgd::step(options, rate)?, problem.times.last().copied().unwrap_or(0.0));
    let measured = |share: usize| -> Result<(f64, Measured), Error> {
        let fewer: Vec<usize> = problem.grid.shape().iter().map(|n| n / share).collect();
        let coarse = thinned(problem, &fewer).unwrap_or_else(|| problem.clone());
        let start = Stopwatch::start();
        let mut engine = TransferOperator::new(&coarse, with_rule(options)?, interrupt)?;
        let built = start.seconds();
        let [of_step, _] = pace(&mut engine, step, end / step, interrupt)?;
        let times = (problem.grid.len() as f64 / coarse.grid.len() as f64).powi(2);
        let (building, seconds) = (times * built, times * end / step * of_step);
        let matrix = Some(ENTRY_BYTES * times * engine.entries() as f64);
        Ok((built, Measured { building, seconds, stepping: None, matrix, coarse: None }))
    };
    for share in [8, 4] {
        match measured(share) {
            Ok((built, found)) if built > TOLD => return Ok(found),
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    measured(2).map(|(_, found)| found)
}

fn build(options: &Options, problem: &Problem, interrupt: Interrupt) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(TransferOperator::new(problem, with_rule(options)?, interrupt)?))
}

/// The law of the long run, and where each of several is reached.
fn words(group: &Group) -> Vec<String> {
    let (Some(mean), Some(covariance)) = (column(group, "stationary_mean"), column(group, "stationary_covariance"))
    else {
        return Vec::new();
    };
    let list = |values: &mut dyn Iterator<Item = &f64>| {
        let all: Vec<String> = values.map(|value| short(*value)).collect();
        if all.len() == 1 { all.concat() } else { format!("({})", all.join(", ")) }
    };
    let variances = list(&mut covariance.iter().step_by(mean.len() + 1));
    let mut line = format!("law of SGD in the long run: mean {}, variance {variances}", list(&mut mean.iter()));
    let error = float(group, "stationary_error_grid").map_or("unknown".into(), |error| relative(error, 1.0));
    line += &format!(", grid error {error}");
    let classes = column(group, "class_probability").unwrap_or_default();
    if classes.len() > 1 {
        let shares: Vec<String> = classes.iter().map(|share| short(*share)).collect();
        line += &format!("; {} sets are never left, reached with {}", classes.len(), shares.join(", "));
    }
    vec![line]
}
