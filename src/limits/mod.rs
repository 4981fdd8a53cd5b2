//! Memory and work, estimated from the scenario before any large array exists; too much is refused with the breakdown.

use fpsolve_solvers::ensemble::Trajectories;
use fpsolve_solvers::fokker_planck::SpaceMethod;
use fpsolve_solvers::fokker_planck::chain::MOST_ENTRIES_UNASKED;
use fpsolve_solvers::fokker_planck::linear::{Needed, choice};
use miette::Result;

use crate::analysis::Scale;
use crate::error::{Failure, Outcome};
use crate::scenario::data::Origin;
use crate::scenario::noise::NoiseKind;
use crate::scenario::{EngineKind, Scenario, grid};
use crate::text::grouped;

/// One line of the memory table.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is for.
    pub what: String,
    /// Bytes, as a float because a refused problem may need more than any integer type counts.
    pub bytes: f64,
    /// The key that makes it large.
    pub key: Key,
}

/// What a line of the table grows with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// `grid`.
    Cells,
    /// `time.outputs`.
    Outputs,
    /// `langevin.walkers`.
    LangevinWalkers,
    /// `sgd.walkers`.
    SgdWalkers,
}

/// Memory that a run needs, line by line.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The lines.
    pub items: Vec<Item>,
    /// Cells of the grid.
    pub cells: f64,
}

/// The sizes that memory depends on.
#[derive(Debug, Clone)]
struct Sizes {
    shape: Vec<f64>,
    outputs: f64,
    langevin: f64,
    sgd: f64,
    trajectories: f64,
    /// Numbers that the optimizer remembers of each walker.
    memory: f64,
    /// Fields of `[analysis]`: numbers per cell.
    analysis: f64,
    /// Whether D is a multiple of the identity everywhere.
    isotropic: bool,
    /// `fokker_planck.discretisation`.
    discretisation: SpaceMethod,
}

impl Sizes {
    fn of(scenario: &Scenario) -> Self {
        let shape: Vec<f64> = match &scenario.grid.value {
            grid::Grid::Axes(axes) => axes.value.iter().map(|axis| axis.value.cells as f64).collect(),
            grid::Grid::Auto { cells, .. } => cells.value.iter().map(|&n| n as f64).collect(),
        };
        let outputs = scenario.time.at.value.len() as f64;
        let (langevin, sgd) = (scenario.langevin.walkers.value as f64, scenario.sgd.walkers.value as f64);
        let trajectories = scenario.langevin.trajectories as f64;
        let optimizer = &scenario.sgd.optimizer.value;
        let optimizer = fpsolve_solvers::sgd::optimizer::build(optimizer.name, &optimizer.parameters);
        let memory = optimizer.map_or(0.0, |(optimizer, _)| optimizer.memory(scenario.dimension()) as f64);
        let teacher = scenario.model.data.as_ref().is_some_and(|data| matches!(data.value.origin, Origin::Teacher(_)));
        let analysis = scenario.analysis.numbers_per_cell(&Scale { dimension: shape.len(), teacher });
        let isotropic = matches!(scenario.noise.kind.value, NoiseKind::Isotropic { .. });
        let discretisation = SpaceMethod::from_word(&scenario.fokker_planck.discretisation.value).unwrap_or_default();
        Self { shape, outputs, langevin, sgd, trajectories, memory, analysis, isotropic, discretisation }
    }

    fn cells(&self) -> f64 {
        self.shape.iter().product()
    }
}

/// Memory of a scenario with these engines.
pub fn estimate(scenario: &Scenario, engines: &[EngineKind]) -> Estimate {
    table(&Sizes::of(scenario), engines)
}

fn table(sizes: &Sizes, engines: &[EngineKind]) -> Estimate {
    let (cells, d) = (sizes.cells(), sizes.shape.len() as f64);
    let mut items = Vec::new();
    let mut add = |what: &str, bytes: f64, key: Key| items.push(Item { what: what.to_string(), bytes, key });
    let fields = 1.0 + d + d * d + d * (d + 1.0) / 2.0;
    add("drift, diffusion and loss on the grid", 8.0 * fields * cells, Key::Cells);
    if sizes.analysis > 0.0 {
        add("fields of the analysis", 2.0 * 8.0 * sizes.analysis * cells, Key::Cells); // and in the record
    }
    for engine in engines {
        let word = engine.word();
        match engine {
            EngineKind::FokkerPlanck => {
                for (what, bytes) in fokker_planck(sizes) {
                    add(&format!("{word}: {what}"), bytes, Key::Cells);
                }
            }
            EngineKind::Langevin => {
                add(&format!("{word}: walkers"), 16.0 * d * sizes.langevin, Key::LangevinWalkers);
                if sizes.trajectories > 0.0 {
                    let rows = Trajectories::ROWS + sizes.outputs;
                    add(&format!("{word}: trajectories"), 3.0 * 8.0 * d * sizes.trajectories * rows, Key::Outputs);
                }
            }
            EngineKind::GaussianSgd | EngineKind::Sgd | EngineKind::GradientDescent => {
                add(&format!("{word}: walkers"), 16.0 * (d + sizes.memory) * sizes.sgd, Key::SgdWalkers);
            }
        }
        // kept while running, in the record, and for the comparison
        add(&format!("{word}: densities at {} times", sizes.outputs), 3.0 * 8.0 * cells * sizes.outputs, Key::Outputs);
    }
    Estimate { items, cells }
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

/// What the Fokker–Planck engine holds: the generator, its vectors, the larger of what assembly and the integrators need beside
/// them, and the same once more on the coarser grid of the error estimate.
fn fokker_planck(sizes: &Sizes) -> Vec<(String, f64)> {
    let (cells, d) = (sizes.cells(), sizes.shape.len() as f64);
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
    let mut items = vec![
        ("generator".to_string(), generator),
        ("density, stationary density and work vectors".to_string(), vectors),
        (format!("linear solver ({}) and integrator", solver.name), largest),
        ("coarser grid for the error estimate".to_string(), coarse),
    ];
    let entries = CHAIN_ENTRIES[shape.len().clamp(1, 3) - 1] * cells;
    match sizes.discretisation {
        SpaceMethod::Edges => {}
        SpaceMethod::Auto if entries > MOST_ENTRIES_UNASKED => {}
        method => {
            let vectors = KRYLOV_NUMBERS.min(250.0 * cells);
            let name = if method == SpaceMethod::Auto { "long-step chain, if it is chosen" } else { "long-step chain" };
            items.push((name.to_string(), COMPANION * 9.0 * entries + 8.0 * vectors));
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

/// Refuses a scenario that needs more than `limit` bytes, with the breakdown and what to change; exit code 4.
pub fn check(scenario: &Scenario, engines: &[EngineKind], limit: u64) -> Result<Estimate, Failure> {
    let estimate = estimate(scenario, engines);
    if estimate.total() <= limit as f64 {
        return Ok(estimate);
    }
    let largest = estimate.items.iter().max_by(|a, b| a.bytes.total_cmp(&b.bytes)).map_or(Key::Cells, |item| item.key);
    let (what, span, label) = match largest {
        Key::Cells => (format!("a grid of {} cells", grouped(estimate.cells as u64)), &scenario.grid.span, "this grid"),
        Key::Outputs => {
            let times = scenario.time.at.value.len();
            let what = format!("{} output times of {} cells", grouped(times as u64), grouped(estimate.cells as u64));
            (what, &scenario.time.at.span, "these times")
        }
        Key::LangevinWalkers => {
            let walkers = &scenario.langevin.walkers;
            (format!("{} langevin walkers", grouped(walkers.value as u64)), &walkers.span, "this many")
        }
        Key::SgdWalkers => {
            let walkers = &scenario.sgd.walkers;
            (format!("{} sgd walkers", grouped(walkers.value as u64)), &walkers.span, "this many")
        }
    };
    let message = format!("{what} needs at least {} (limit {})", size(estimate.total()), size(limit as f64));
    let way_out = way_out(scenario, engines, limit as f64, largest);
    let help = format!(
        "{way_out}, or --memory-limit {}\n{}",
        size(estimate.total() * 1.1).replace(' ', ""),
        estimate.to_text()
    );
    let report = scenario.source.error(span, message, label, help.trim_end());
    Err(Failure { outcome: Outcome::TooLarge, report })
}

/// A smaller problem that fits: the first of a sequence of halvings.
fn way_out(scenario: &Scenario, engines: &[EngineKind], limit: f64, largest: Key) -> String {
    let mut sizes = Sizes::of(scenario);
    for _ in 0..40 {
        match largest {
            Key::Cells => sizes.shape.iter_mut().for_each(|n| *n = (*n / 2.0).ceil()),
            Key::Outputs => sizes.outputs = (sizes.outputs / 2.0).ceil(),
            Key::LangevinWalkers => sizes.langevin = (sizes.langevin / 2.0).ceil(),
            Key::SgdWalkers => sizes.sgd = (sizes.sgd / 2.0).ceil(),
        }
        let needed = table(&sizes, engines).total();
        if needed <= limit {
            let shape: Vec<String> = sizes.shape.iter().map(|n| n.to_string()).collect();
            let what = match largest {
                Key::Cells => format!("{} cells", shape.join(" x ")),
                Key::Outputs => format!("{} output times", sizes.outputs),
                Key::LangevinWalkers => format!("{} langevin walkers", sizes.langevin),
                Key::SgdWalkers => format!("{} sgd walkers", sizes.sgd),
            };
            return format!("use {what} (about {})", size(needed));
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

/// A size such as `20GiB`, `500MB` or `1e9`. Errors: another unit, no positive number.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| c.is_alphabetic() && c != 'e' && c != 'E').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024f64.powi(2),
        "gib" | "g" => 1024f64.powi(3),
        "tib" | "t" => 1024f64.powi(4),
        _ => return Err(format!("unknown unit `{unit}`: write for example 20GiB or 500MiB")),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if value > 0.0 && (value * factor) < 9e18 => Ok((value * factor) as u64),
        _ => Err(format!("`{text}` is not a size: write for example 20GiB or 500MiB")),
    }
}

/// Bytes in words, three digits.
pub fn size(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    match value {
        v if unit == 0 || v >= 99.5 => format!("{v:.0} {}", units[unit]),
        v if v >= 9.95 => format!("{v:.1} {}", units[unit]),
        v => format!("{v:.2} {}", units[unit]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        assert_eq!(parse_size("20GiB"), Ok(20 << 30));
        assert_eq!(parse_size("1.5 kB"), Ok(1500));
        assert_eq!(parse_size("1e9"), Ok(1_000_000_000));
        assert!(parse_size("-1GiB").is_err() && parse_size("many").is_err() && parse_size("5 furlongs").is_err());
        assert_eq!(size(1000.0), "0.98 KiB");
        assert_eq!(size(115.0 * 1024f64.powi(3)), "115 GiB");
    }

    #[test]
    fn a_cube_of_1000_needs_more_than_100_gib() {
        let sizes = Sizes {
            shape: vec![1000.0; 3],
            outputs: 2.0,
            langevin: 1.0,
            sgd: 1.0,
            trajectories: 0.0,
            memory: 0.0,
            analysis: 0.0,
            isotropic: false,
            discretisation: SpaceMethod::Auto,
        };
        let estimate = table(&sizes, &[EngineKind::FokkerPlanck]);
        assert!(estimate.total() > 100.0 * 1024f64.powi(3));
    }

    #[test]
    fn the_linear_solver_follows_the_grid_and_so_does_its_memory() {
        let line = |shape: &[f64]| {
            let shape = shape.to_vec();
            let sizes = Sizes {
                shape,
                outputs: 2.0,
                langevin: 1.0,
                sgd: 1.0,
                trajectories: 0.0,
                memory: 0.0,
                analysis: 0.0,
                isotropic: true,
                discretisation: SpaceMethod::Edges,
            };
            let (what, bytes) = fokker_planck(&sizes).swap_remove(2);
            (what, bytes / sizes.cells())
        };
        let (flat, large, cube) = (line(&[1024.0; 2]), line(&[4096.0; 2]), line(&[128.0; 3]));
        assert!(flat.0.contains("multifrontal") && large.0.contains("multigrid") && cube.0.contains("multigrid"));
        // elimination: about 20 bytes a cell for every doubling of the grid; multigrid: the same for every grid
        assert!(flat.1 > 700.0 && large.1 < 700.0, "{flat:?} {large:?}");
        assert!((cube.1 / large.1 - 1.0).abs() < 0.25, "{cube:?} {large:?}");
    }
}
