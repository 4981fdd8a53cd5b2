//! The map: which cells are computed, and in what order.

use fpsolve_solvers::engine::Interrupt;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::transfer_operator::{Rows, TransferOperator, TransferOperatorOptions};
use miette::Result;

use super::cell::{Cell, ORDERS, Thresholds, Valid};
use super::{ensembles, line};
use crate::analysis::first_passage;
use crate::engine::sgd::SgdTable;
use crate::reader::overrides;
use crate::scenario::validity::Validity;
use crate::scenario::{Prepared, Scenario, grid};

/// The map so far.
#[derive(Debug, Clone)]
pub struct Map {
    /// Learning rates.
    pub learning_rate: Vec<f64>,
    /// Batch sizes.
    pub batch_size: Vec<usize>,
    /// What SDE and SGD may differ by.
    pub thresholds: Thresholds,
    /// Name of the passage, where one is asked for.
    pub passage: Option<String>,
    /// What is computed: `[a·batch sizes + b]`.
    pub cells: Vec<Option<Cell>>,
    /// Whether the cells have no sampling noise.
    pub exact: bool,
}

impl Map {
    /// The map of a scenario before any cell is computed. Errors: two passages and more, or a threshold for ratios without any.
    pub fn of(scenario: &Scenario, written: &Validity, prepared: &Prepared) -> Result<Self> {
        let passages = first_passage::passages(&prepared.analyses);
        if passages.len() > 1 {
            let help = "leave one entry in `analysis.first_passage`: its times are compared";
            let message = format!("a map needs one first passage, not {}", passages.len());
            return Err(scenario.source.error(&written.max_log_ratio.span, message, "for which of them?", help));
        }
        let passage = passages.first().map(|passage| passage.name.clone());
        let log_ratio = passage.as_ref().map(|_| written.max_log_ratio.value);
        let (learning_rate, batch_size) = (written.learning_rate.value.clone(), written.batch_size.value.clone());
        let cells = vec![None; learning_rate.len() * batch_size.len()];
        let thresholds = Thresholds { total_variation: written.max_total_variation, log_ratio };
        let exact = on_line(&prepared.problem, prepared).is_some();
        Ok(Self { learning_rate, batch_size, thresholds, passage, cells, exact })
    }

    /// Number of a cell.
    pub fn at(&self, a: usize, b: usize) -> usize {
        a * self.batch_size.len() + b
    }

    /// The verdict on an order in a cell: its own, or that of its computed neighbours where they agree and it is not computed.
    pub fn valid(&self, order: usize, a: usize, b: usize) -> Option<Valid> {
        if let Some(cell) = &self.cells[self.at(a, b)] {
            return Some(cell.valid(order, &self.thresholds));
        }
        let mut around = self.corners(a, b).into_iter().map(|(a, b)| self.cells[self.at(a, b)].as_ref());
        let mut one = || around.next().map(|cell| cell.map(|cell| cell.valid(order, &self.thresholds)));
        let first = one()??;
        while let Some(other) = one() {
            if other != Some(first) {
                return None;
            }
        }
        Some(first)
    }

    /// Cells of the coarse map around a cell.
    fn corners(&self, a: usize, b: usize) -> Vec<(usize, usize)> {
        let ends = |k: usize, n: usize| {
            let coarse = coarse(n);
            let below = coarse.iter().copied().filter(|c| *c <= k).max().unwrap_or(0);
            let above = coarse.iter().copied().filter(|c| *c >= k).min().unwrap_or(n - 1);
            if below == above { vec![below] } else { vec![below, above] }
        };
        let (rows, columns) = (ends(a, self.learning_rate.len()), ends(b, self.batch_size.len()));
        rows.iter().flat_map(|&a| columns.iter().map(move |&b| (a, b))).collect()
    }

    /// Cells that are not computed yet and have to be: first the coarse map, then what lies between corners that disagree.
    fn next(&self, every: bool) -> Option<(usize, usize)> {
        let (na, nb) = (self.learning_rate.len(), self.batch_size.len());
        let (rows, columns) = (coarse(na), coarse(nb));
        let open = |&(a, b): &(usize, usize)| self.cells[self.at(a, b)].is_none();
        let first = rows.iter().flat_map(|&a| columns.iter().map(move |&b| (a, b)));
        let wanted = |&(a, b): &(usize, usize)| {
            let decided = |order: usize| self.valid(order, a, b).is_some_and(|valid| valid != Valid::Undecided);
            every || !(0..ORDERS).all(decided)
        };
        let all = (0..na).flat_map(|a| (0..nb).map(move |b| (a, b)));
        first.into_iter().find(open).or_else(|| all.filter(open).find(wanted))
    }
}

/// Numbers of the coarse map out of n: no more than four and a few, the ends among them.
fn coarse(n: usize) -> Vec<usize> {
    if n <= COARSE {
        return (0..n).collect();
    }
    let mut numbers: Vec<usize> = (0..COARSE).map(|k| k * (n - 1) / (COARSE - 1)).collect();
    numbers.dedup();
    numbers
}

/// Cells of the coarse map along each side.
const COARSE: usize = 4;

/// The options of the operator, where it fits: one axis, plain steps.
fn on_line(problem: &Problem, prepared: &Prepared) -> Option<TransferOperatorOptions> {
    let sgd = prepared.options.of::<SgdTable>();
    let options = TransferOperatorOptions { rows: Rows::Fitted, ..TransferOperatorOptions::default() };
    let plain = sgd.is_plain() && sgd.options.amplitude_rate.is_none() && problem.dynamics.floor() == 0.0;
    (plain && TransferOperator::check(problem, &options).is_ok()).then_some(options)
}

/// Computes what is open in the map; `told` hears of it after each cell. Whether it came to its end.
///
/// Errors: a scenario that is refused at these η and B, for all orders.
pub fn compute(
    scenario: &Scenario,
    every: bool,
    map: &mut Map,
    interrupt: Interrupt,
    progress: &dyn Fn(&str),
    told: &dyn Fn(&Map),
) -> Result<bool> {
    while let Some((a, b)) = map.next(every) {
        let (rate, batch) = (map.learning_rate[a], map.batch_size[b]);
        let done = map.cells.iter().flatten().count();
        progress(&format!("learning rate {rate:.4}, batch size {batch} ({} of at most {})", done + 1, map.cells.len()));
        if interrupt() {
            return Ok(false);
        }
        let Some(cell) = one(scenario, map, rate, batch, interrupt, progress)? else { return Ok(false) };
        let at = map.at(a, b);
        map.cells[at] = Some(cell);
        told(map);
    }
    Ok(true)
}

/// One cell; None where it was interrupted.
fn one(
    scenario: &Scenario,
    map: &Map,
    rate: f64,
    batch: usize,
    interrupt: Interrupt,
    progress: &dyn Fn(&str),
) -> Result<Option<Cell>> {
    let mut refused = None;
    let mut orders = [1, 2, 3].map(|order| match of_order(scenario, map.exact, rate, batch, order) {
        Ok(found) => Some(found),
        Err(error) => {
            refused.get_or_insert(error);
            None
        }
    });
    if orders.iter().all(Option::is_none) {
        return refused.map_or(Ok(None), |error| Ok(Some(Cell::unknown(error.to_string()))));
    }
    if !map.exact {
        let cell = ensembles::cell(&orders, map.passage.as_deref(), interrupt, progress);
        // why an order is missing
        return Ok(cell.map(|cell| match &refused {
            Some(error) => Cell { remark: Some(error.to_string()), ..cell },
            None => cell,
        }));
    }
    let passage: Option<Passage> =
        orders.iter().flatten().find_map(|(_, prepared)| first_passage::passages(&prepared.analyses).pop());
    let options = orders.iter().flatten().find_map(|(_, prepared)| on_line(&prepared.problem, prepared));
    let problems = std::array::from_fn(|k| orders[k].take().map(|(_, prepared)| prepared.problem));
    let options = options.unwrap_or_default();
    let cell = line::cell(&problems, &options, passage.as_ref(), interrupt).ok();
    // why an order is missing
    Ok(cell.map(|cell| Cell { remark: cell.remark.clone().or(refused.map(|error| error.to_string())), ..cell }))
}

/// Cells of the grid on which the problem of a cell of the map is checked.
const PROBLEM_CELLS: usize = 256;

/// The scenario with another learning rate, batch size and order, and its problem.
fn of_order(scenario: &Scenario, exact: bool, rate: f64, batch: usize, order: usize) -> Result<(Scenario, Prepared)> {
    let engines = if exact { "[\"transfer-operator\"]" } else { "[\"fokker-planck\", \"sgd\"]" };
    let mut settings = vec![
        format!("dynamics.learning_rate={rate:e}"),
        format!("dynamics.batch_size={batch}"),
        format!("dynamics.order={order}"),
        format!("engines={engines}"),
    ];
    if exact && matches!(scenario.grid.value, grid::Grid::Axes(_)) {
        // the operator has a grid of its own
        settings.push(format!("grid.axes.0.cells={PROBLEM_CELLS}"));
    }
    let mut source = scenario.source.clone();
    source.text = overrides::apply(&source.text, &settings)?;
    let other = Scenario::parse(source)?;
    let prepared = other.problem()?;
    Ok((other, prepared))
}
