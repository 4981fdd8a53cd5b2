//! Memory and work, estimated from the scenario before any large array exists; too much is refused with the breakdown.

pub mod rehearsal;
pub mod sizes;
pub mod work;

use std::ops::Range;

use fpsolve_solvers::dynamics::table::most_bytes;
use miette::Result;

use crate::analysis::Scale;
use crate::engine::EngineEntry;
use crate::engine::langevin::LangevinTable;
use crate::engine::work::is_steep;
use crate::error::{Failure, Outcome};
use crate::scenario::data::Origin;
use crate::scenario::dynamics::Replacement;
use crate::scenario::{Prepared, Scenario, grid};
use crate::text::{grouped, size};

pub use sizes::{Count, Item, Key, Sizes};
pub use work::Expected;

/// Memory that a run needs, line by line.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// The lines.
    pub items: Vec<Item>,
    /// Cells of the grid.
    pub cells: f64,
}

/// The sizes of a scenario.
fn sizes<'s>(scenario: &'s Scenario, built: Option<&Prepared>) -> Sizes<'s> {
    let written = || scenario.grid.value.shape(scenario.variable_names().len());
    let shape = built.map_or_else(written, |built| built.problem.grid.shape().to_vec());
    let shape: Vec<f64> = shape.into_iter().map(|n| n as f64).collect();
    let outputs = scenario.time.at.value.len() as f64;
    let teacher = scenario.model.data.as_ref().is_some_and(|data| matches!(data.value.origin, Origin::Teacher(_)));
    let analysis = scenario.analysis.numbers_per_cell(&Scale { dimension: shape.len(), teacher });
    let isotropic = scenario.noise.kind.is_isotropic();
    let batch = scenario.dynamics.drive.batch_size().unwrap_or(0) as f64;
    let analysis_bytes = scenario.analysis.bytes(&Scale { dimension: shape.len(), teacher });
    let epoch = match scenario.dynamics.replacement.value {
        Replacement::Epoch => samples(scenario, built) as f64,
        Replacement::With | Replacement::Without => 0.0,
    };
    let steep = built.is_some_and(|prepared| is_steep(&prepared.problem));
    let options = &scenario.options;
    Sizes {
        shape,
        outputs,
        analysis,
        analysis_bytes,
        batch,
        epoch,
        isotropic,
        steep,
        matrix: None,
        options,
        fewer: None,
    }
}

/// The number of samples; 0 where a file has to be read first.
fn samples(scenario: &Scenario, built: Option<&Prepared>) -> usize {
    if let Some(prepared) = built {
        return prepared.problem.model.sample_count();
    }
    match scenario.model.data.as_ref().map(|data| &data.value.origin) {
        Some(Origin::Teacher(teacher)) => teacher.samples,
        Some(Origin::File(_) | Origin::Points(_)) | None => 0,
    }
}

/// Memory of a scenario with these engines.
pub fn estimate(scenario: &Scenario, engines: &[&EngineEntry]) -> Estimate {
    of(scenario, engines, Known::default())
}

/// What is known: the problem once it is built, and what its parts take once they have been measured.
#[derive(Clone, Copy, Default)]
struct Known<'a> {
    built: Option<&'a Prepared>,
    measured: Option<&'a Expected>,
}

impl Known<'_> {
    /// Bytes of the matrix of an engine on so many cells; 0 where they are yet to be measured, None where they could not be.
    fn matrix(&self, engine: &EngineEntry, cells: f64) -> Option<f64> {
        let built = self.built?;
        let share = cells / built.problem.grid.len() as f64;
        self.measured.map_or(Some(0.0), |measured| measured.matrix(engine)).map(|bytes| share * bytes)
    }
}

fn of(scenario: &Scenario, engines: &[&EngineEntry], known: Known) -> Estimate {
    let mut estimate = table(&sizes(scenario, known.built), engines, known);
    if let Some(prepared) = known.built {
        let asked = scenario.options.of::<LangevinTable>().options.coefficients;
        let table = most_bytes(asked, &prepared.problem);
        if table > 0.0 {
            estimate.items.push(Item::new("drift and diffusion between the nodes of a table", table, Key::Cells));
        }
    }
    if let Some(data) = &scenario.model.data {
        // the text or the bytes, and its numbers
        let bytes = 3.0 * data.value.origin.bytes(&scenario.source);
        estimate.items.push(Item::new("data", bytes, Key::Data));
    }
    estimate
}

/// The program itself, its libraries and its threads, bytes.
const PROGRAM: f64 = 48.0 * 1_048_576.0;

fn table(sizes: &Sizes, engines: &[&EngineEntry], known: Known) -> Estimate {
    let (cells, d) = (sizes.cells(), sizes.dimension());
    let fields = 1.0 + d + d * d + d * (d + 1.0) / 2.0;
    let mut items = vec![Item::new("drift, diffusion and loss on the grid", 8.0 * fields * cells, Key::Cells)];
    items.push(Item::new("the program itself", PROGRAM, Key::Cells));
    if sizes.analysis > 0.0 {
        // and in the record
        items.push(Item::new("fields of the analysis", 2.0 * 8.0 * sizes.analysis * cells, Key::Cells));
    }
    if sizes.analysis_bytes > 0.0 {
        items.push(Item::new("replicas of rare events", sizes.analysis_bytes, Key::Replicas));
    }
    for engine in engines {
        let mut own = (engine.memory)(&Sizes { matrix: known.matrix(engine, cells), ..sizes.clone() });
        // kept while running, in the record, and in one that is written on the way
        let densities = 3.0 * 8.0 * cells * sizes.outputs;
        own.push(Item::new(format!("densities at {} times", sizes.outputs), densities, Key::Outputs));
        items.extend(own.into_iter().map(|item| Item { what: format!("{}: {}", engine.word, item.what), ..item }));
    }
    Estimate { items, cells }
}

impl Estimate {
    /// All lines together, bytes.
    pub fn total(&self) -> f64 {
        self.items.iter().map(|item| item.bytes).sum()
    }

    /// The table as text, largest first.
    pub fn to_text(&self) -> String {
        let mut items: Vec<&Item> = self.items.iter().collect();
        items.sort_by(|a, b| b.bytes.total_cmp(&a.bytes));
        let width = items.iter().map(|item| item.what.chars().count()).max().unwrap_or(0).max("together".len());
        let mut text = String::new();
        for item in items {
            text += &format!("  {:width$}  {:>10}\n", item.what, size(item.bytes));
        }
        text + &format!("  {:width$}  {:>10}\n", "together", size(self.total()))
    }
}

/// What a scenario needs at least, before anything is built. Errors: more than `limit` bytes, with the breakdown and what to change;
/// exit code 4.
pub fn check(scenario: &Scenario, engines: &[&EngineEntry], limit: u64) -> Result<Estimate, Failure> {
    let found = within(scenario, engines, limit, Known::default())?;
    if matches!(scenario.grid.value, grid::Grid::Refined { .. }) {
        // the first of two limits stays
        let _ = scenario.most_cells.set(most_cells(scenario, engines, limit as f64));
    }
    Ok(found)
}

/// Cells of the largest grid of the shape of the first trial that memory allows.
fn most_cells(scenario: &Scenario, engines: &[&EngineEntry], limit: f64) -> f64 {
    let first = sizes(scenario, None);
    let grown = |factor: f64| Sizes { shape: first.shape.iter().map(|n| n * factor).collect(), ..first.clone() };
    let (mut fits, mut factor) = (1.0, 2.0f64.powi(20));
    while factor > 1.01 {
        factor = factor.sqrt();
        if table(&grown(fits * factor), engines, Known::default()).total() <= limit {
            fits *= factor;
        }
    }
    grown(fits).cells()
}

/// What a scenario needs at least whose problem is built, and whose matrices are not measured yet. Errors: those of [`check`].
pub fn check_built(scenario: &Scenario, prepared: &Prepared, limit: u64) -> Result<Estimate, Failure> {
    within(scenario, &prepared.engines, limit, Known { built: Some(prepared), measured: None })
}

/// What a scenario needs that has been measured. Errors: those of [`check`].
pub fn check_measured(
    scenario: &Scenario,
    prepared: &Prepared,
    expected: &Expected,
    limit: u64,
) -> Result<Estimate, Failure> {
    within(scenario, &prepared.engines, limit, Known { built: Some(prepared), measured: Some(expected) })
}

fn within(scenario: &Scenario, engines: &[&EngineEntry], limit: u64, known: Known) -> Result<Estimate, Failure> {
    let estimate = of(scenario, engines, known);
    if estimate.total() <= limit as f64 {
        return Ok(estimate);
    }
    let largest = estimate.items.iter().max_by(|a, b| a.bytes.total_cmp(&b.bytes)).map_or(Key::Cells, |item| item.key);
    let (what, span, label) = written(largest, scenario, estimate.cells);
    let message = format!("{what} needs at least {} (limit {})", size(estimate.total()), size(limit as f64));
    let help = format!(
        "{}, or --memory-limit {}\n{}",
        way_out(scenario, engines, limit as f64, (largest, known)),
        size(estimate.total() * 1.1).replace(' ', ""),
        estimate.to_text()
    );
    let report = scenario.source.error(&span, message, label, help.trim_end());
    Err(Failure { outcome: Outcome::TooLarge, report })
}

/// How much the scenario asks for, where, and a label for the place.
fn written(key: Key, scenario: &Scenario, cells: f64) -> (String, Range<usize>, &'static str) {
    let cells = grouped(cells as u64);
    match key {
        Key::Cells => (format!("a grid of {cells} cells"), scenario.grid.span.clone(), "this grid"),
        Key::Outputs => {
            let times = &scenario.time.at;
            let what = format!("{} output times of {cells} cells", grouped(times.value.len() as u64));
            (what, times.span.clone(), "these times")
        }
        Key::Batch => {
            let (batch, span) = scenario.dynamics.drive.batch_place().unwrap_or((0, scenario.time.at.span.clone()));
            (format!("a batch size of {}", grouped(batch as u64)), span, "this batch")
        }
        Key::Replicas => (
            "the replicas of `analysis.rare_event`".to_string(),
            scenario.analysis.span_of("rare_event"),
            "these events",
        ),
        Key::Data => {
            let data = scenario.model.data.as_ref().map_or(scenario.grid.span.clone(), |data| data.span.clone());
            ("the data".to_string(), data, "these data")
        }
        Key::Count(count) => {
            let written = (count.written)(&scenario.options);
            (format!("{} {}", grouped(written.value as u64), count.name), written.span, "this many")
        }
    }
}

/// A smaller problem that fits: the first of a sequence of halvings.
fn way_out(scenario: &Scenario, engines: &[&EngineEntry], limit: f64, (largest, known): (Key, Known)) -> String {
    let mut sizes = sizes(scenario, known.built);
    for _ in 0..40 {
        largest.halve(&mut sizes);
        let needed = table(&sizes, engines, known).total();
        if needed <= limit {
            return format!("use {} (about {})", largest.to_text(&sizes), size(needed));
        }
    }
    "use fewer cells, output times and walkers".to_string()
}

/// Half of the memory that is available now; 4 GiB where the system does not say.
pub fn default_limit() -> u64 {
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    available.map_or(4 << 30, |kib| kib.saturating_mul(1024) / 2)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::{Options, fokker_planck};

    fn sizes<'a>(shape: &[f64], options: &'a Options) -> Sizes<'a> {
        Sizes {
            shape: shape.to_vec(),
            outputs: 2.0,
            analysis: 0.0,
            analysis_bytes: 0.0,
            batch: 1.0,
            epoch: 0.0,
            isotropic: true,
            steep: false,
            matrix: None,
            options,
            fewer: None,
        }
    }

    #[test]
    fn a_cube_of_1000_needs_more_than_100_gib() {
        let options = Options::parse("").unwrap();
        let sizes = Sizes { isotropic: false, ..sizes(&[1000.0; 3], &options) };
        let estimate = table(&sizes, &[&fokker_planck::ENTRY], Known::default());
        assert!(estimate.total() > 100.0 * 1024f64.powi(3));
    }

    #[test]
    fn a_batch_of_a_billion_counts() {
        let options = Options::parse("").unwrap();
        let large = Sizes { batch: 1e9, ..sizes(&[64.0], &options) };
        let total = |sizes| table(&sizes, &[&crate::engine::sgd::ENTRY], Known::default()).total();
        assert!(total(large) > 500e9 && total(sizes(&[64.0], &options)) < 1e8);
    }

    #[test]
    fn orders_of_epochs_count() {
        let options = Options::parse("[sgd]\nwalkers = 200000").unwrap();
        let total = |epoch| {
            table(&Sizes { epoch, ..sizes(&[64.0], &options) }, &[&crate::engine::sgd::ENTRY], Known::default()).total()
        };
        assert!(total(100.0) - total(0.0) > 4.0 * 200_000.0 * 100.0);
    }

    #[test]
    fn the_linear_solver_follows_the_grid_and_so_does_its_memory() {
        let options = Options::parse("[fokker_planck]\ndiscretisation = \"edges\"").unwrap();
        let line = |shape: &[f64]| {
            let sizes = sizes(shape, &options);
            let item = (fokker_planck::ENTRY.memory)(&sizes).swap_remove(2);
            (item.what, item.bytes / sizes.cells())
        };
        let (flat, large, cube) = (line(&[1024.0; 2]), line(&[4096.0; 2]), line(&[128.0; 3]));
        assert!(flat.0.contains("multifrontal") && large.0.contains("multigrid") && cube.0.contains("multigrid"));
        // elimination: about 20 bytes a cell for every doubling of the grid; multigrid: the same for every grid
        assert!(flat.1 > 700.0 && large.1 < 700.0, "{flat:?} {large:?}");
        assert!((cube.1 / large.1 - 1.0).abs() < 0.25, "{cube:?} {large:?}");
    }
}
