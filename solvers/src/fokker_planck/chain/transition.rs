//! The transition matrix P of a step: stored by rows, products with P and Pᵀ.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::flow_table::FlowTable;
use super::lattice_law::lattice_law;
use super::moments::{MOST_STEPS, Moments, conditional_moments};
use super::rows::Walls;
use super::surfaces::{Step, Surfaces};
use super::tile::{CELLS, Row, Tile};
use crate::dynamics::coordinates::in_coordinates;
use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::fokker_planck::linear::solver::proceed;
use crate::fokker_planck::stencil::coefficients::place;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::{Axis, Grid};

/// Products are accumulated in this many parts, whatever the number of threads, so their bits do not depend on it.
const PARTS: usize = 8;
/// Tiles per task.
const TASK: usize = 8;
/// Share of the whole below which the cells of a tile take no part in a product Pᵀp: what they hold stays where it is.
pub const RESTING: f64 = 1e-18;
/// Entries that a chain may have (some 5 bytes each).
pub const MOST_ENTRIES: usize = 400_000_000;
/// Entries of a pair of chains that is chosen unasked.
pub const MOST_ENTRIES_UNASKED: f64 = 6e7;

/// The chain; see the module. Its rows are made when a product first needs them, in tiles of neighbouring cells.
pub struct Chain {
    /// Time of a step.
    pub step: f64,
    cells: usize,
    tiles: Vec<OnceLock<Tile>>,
    /// What the rows are made of; None where all of them are there.
    source: Option<Source>,
    entries: AtomicUsize,
    loses: bool,
}

/// Drift, A = T·D and grid of a chain.
struct Source {
    dynamics: Arc<dyn Dynamics>,
    temperature: f64,
    grid: Grid,
    table: OnceLock<Option<FlowTable>>,
}

/// How paths end within a step, cell by cell.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Probability to end in the first set.
    pub arrival: Vec<f64>,
    /// Probability to end in any set or at an absorbing wall.
    pub exit: Vec<f64>,
    /// Mean of min(end of the path, end of the step), in steps.
    pub time: Vec<f64>,
}

/// What a row of a chain takes on the average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Entries to be stored.
    pub entries: f64,
    /// Evaluations of drift and D at a point.
    pub evaluations: f64,
}

/// A cell's part of the chain while it is put together.
struct CellLaw {
    row: Row,
    ended: Option<Step>,
}

/// What a chain is made of.
struct Build<'a> {
    interrupt: Interrupt<'a>,
    dynamics: &'a dyn Dynamics,
    temperature: f64,
    grid: &'a Grid,
    step: f64,
    surfaces: Option<&'a Surfaces>,
    table: Option<&'a FlowTable>,
}

impl Chain {
    /// The chain of steps `tau`, all rows made. Errors: graded axes, a flow that does not stay finite, more than
    /// [`MOST_ENTRIES`] entries.
    pub fn new(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, tau: f64) -> Result<Self, Error> {
        applies(grid)?;
        if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
            return Self::new(&dynamics, temperature, &flat, tau);
        }
        let interrupt: Interrupt = &|| false;
        let table = FlowTable::new(dynamics, temperature, grid, tau, interrupt)?;
        let build = Build { interrupt, dynamics, temperature, grid, step: tau, surfaces: None, table: table.as_ref() };
        build.chain().map(|found| found.0)
    }

    /// The chain of steps `tau`, its rows made when they are needed. Errors: graded axes.
    pub fn on_demand(dynamics: &Arc<dyn Dynamics>, temperature: f64, grid: &Grid, tau: f64) -> Result<Self, Error> {
        applies(grid)?;
        let source = Source { dynamics: dynamics.clone(), temperature, grid: grid.clone(), table: OnceLock::new() };
        Ok(Self { source: Some(source), ..Self::empty(grid, tau) })
    }

    /// A chain without rows.
    fn empty(grid: &Grid, step: f64) -> Self {
        let cells = grid.len();
        let tiles = (0..cells.div_ceil(CELLS)).map(|_| OnceLock::new()).collect();
        let loses = grid.axes().iter().any(Axis::absorbs);
        Self { step, cells, tiles, source: None, entries: AtomicUsize::new(0), loses }
    }

    /// The chain of steps `tau` without those that touch a set, all rows made. Errors: as for [`Chain::new`];
    /// [`Error::Interrupted`].
    pub fn ending(
        dynamics: &dyn Dynamics,
        temperature: f64,
        grid: &Grid,
        tau: f64,
        surfaces: &Surfaces,
        interrupt: Interrupt,
    ) -> Result<(Self, Ended), Error> {
        applies(grid)?;
        if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
            return Self::ending(&dynamics, temperature, &flat, tau, surfaces, interrupt);
        }
        let table = FlowTable::new(dynamics, temperature, grid, tau, interrupt)?;
        let surfaces = Some(surfaces);
        Build { interrupt, dynamics, temperature, grid, step: tau, surfaces, table: table.as_ref() }.chain()
    }

    /// What the rows of some cells take on the average. Errors as for [`Chain::new`].
    pub fn expected(
        dynamics: &dyn Dynamics,
        temperature: f64,
        grid: &Grid,
        tau: f64,
        cells: &[usize],
    ) -> Result<Expected, Error> {
        if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
            return Self::expected(&dynamics, temperature, &flat, tau, cells);
        }
        let build = Build { interrupt: &|| false, dynamics, temperature, grid, step: tau, surfaces: None, table: None };
        let (laws, evaluations) = build.cell_laws(cells)?;
        let (entries, n) = (laws.iter().map(|law| law.row.entries.len()).sum::<usize>(), cells.len().max(1) as f64);
        Ok(Expected { entries: entries as f64 / n, evaluations: evaluations / n })
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Number of entries that are stored so far.
    pub fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// Cells of a tile.
    fn range(&self, tile: usize) -> Range<usize> {
        tile * CELLS..((tile + 1) * CELLS).min(self.cells)
    }

    fn tile(&self, tile: usize) -> Option<&Tile> {
        self.tiles[tile].get()
    }

    /// Variance of the law of a cell beyond that of the SDE, in squared cells: its shift is a fraction of a cell and S too small for it. 0 where
    /// its row was not needed yet.
    pub fn excess(&self, cell: usize) -> f64 {
        self.tile(cell / CELLS).map_or(0.0, |tile| tile.excess(cell % CELLS))
    }

    /// Whether probability is lost at an absorbing wall, or in a set.
    pub fn has_exit(&self) -> bool {
        self.loses
    }

    /// Cells that a step from cell x may lead to; none where its row was not needed yet.
    pub fn targets(&self, x: usize) -> impl Iterator<Item = usize> {
        self.tile(x / CELLS).into_iter().flat_map(move |tile| tile.targets(x % CELLS))
    }

    /// ‖Pᵀp − p‖₁. Errors: those of [`Chain::forward`].
    pub fn residual(&self, p: &[f64], interrupt: Interrupt) -> Result<f64, Error> {
        let mut next = vec![0.0; p.len()];
        self.forward(p, &mut next, interrupt)?;
        Ok(next.iter().zip(p).map(|(a, b)| (a - b).abs()).sum())
    }

    /// Makes the rows of those of the tiles that have none. Errors: a flow that does not stay finite, more than [`MOST_ENTRIES`] entries,
    /// [`Error::Interrupted`].
    fn make(&self, tiles: &[usize], interrupt: Interrupt) -> Result<(), Error> {
        let missing: Vec<usize> = tiles.iter().copied().filter(|&tile| self.tile(tile).is_none()).collect();
        let Some(source) = self.source.as_ref().filter(|_| !missing.is_empty()) else {
            return Ok(());
        };
        let Source { dynamics, temperature, grid, table } = source;
        let (temperature, step) = (*temperature, self.step);
        let made = |dynamics: &dyn Dynamics, grid: &Grid| {
            if table.get().is_none() {
                let made = FlowTable::new(dynamics, temperature, grid, step, interrupt)?;
                let _ = table.set(made); // another thread made the same
            }
            let table = table.get().and_then(Option::as_ref);
            let build = Build { interrupt, dynamics, temperature, grid, step, surfaces: None, table };
            missing.par_chunks(TASK).try_for_each(|tiles| build.tiles(self, tiles).map(drop))
        };
        match in_coordinates(dynamics.as_ref(), temperature, grid) {
            Some((dynamics, flat)) => made(&dynamics, &flat),
            None => made(dynamics.as_ref(), grid),
        }
    }

    /// Pᵀ p: cell probabilities a step later; the number of cells that took part, see [`RESTING`]. Errors: rows that cannot be made,
    /// [`Error::Interrupted`].
    pub fn forward(&self, p: &[f64], out: &mut [f64], interrupt: Interrupt) -> Result<usize, Error> {
        let least = RESTING * p.iter().map(|p| p.abs()).sum::<f64>();
        let is_awake = |tile: &usize| p[self.range(*tile)].iter().any(|p| p.abs() > least);
        let awake: Vec<usize> = (0..self.tiles.len()).filter(is_awake).collect();
        self.make(&awake, interrupt)?;
        let part = |numbers: &[usize]| {
            let tiles = || numbers.iter().filter_map(|&number| Some((number, self.tile(number)?)));
            let low = tiles().map(|(_, tile)| tile.reach.start).min().unwrap_or(0);
            let high = tiles().map(|(_, tile)| tile.reach.end).max().unwrap_or(low);
            let mut sum = vec![0.0; high - low];
            tiles().for_each(|(number, tile)| tile.forward(&p[self.range(number)], low, &mut sum));
            (low, sum)
        };
        let parts: Vec<(usize, Vec<f64>)> = awake.par_chunks(awake.len().div_ceil(PARTS).max(1)).map(part).collect();
        out.copy_from_slice(p);
        awake.iter().for_each(|&tile| out[self.range(tile)].fill(0.0));
        for (low, sum) in parts {
            out[low..low + sum.len()].iter_mut().zip(sum).for_each(|(out, sum)| *out += sum);
        }
        Ok(awake.len() * CELLS)
    }

    /// P u: the conditional expectation of u a step later. Errors: as for [`Chain::forward`].
    pub fn backward(&self, u: &[f64], out: &mut [f64], interrupt: Interrupt) -> Result<(), Error> {
        let all: Vec<usize> = (0..self.tiles.len()).collect();
        self.make(&all, interrupt)?;
        out.par_chunks_mut(CELLS).zip(&self.tiles).for_each(|(out, tile)| {
            tile.get().into_iter().for_each(|tile| tile.backward(u, out));
        });
        Ok(())
    }
}

/// Whether the chain can serve the grid. Errors: why not.
pub fn applies(grid: &Grid) -> Result<(), Error> {
    if grid.is_regular() {
        return Ok(());
    }
    Err(Error::invalid(
        "the long-step chain does not work with graded axes",
        "use the discretisation \"edges\", or uniform axes",
    )
    .set_by(&[Setting::Discretisation]))
}

impl Build<'_> {
    fn chain(&self) -> Result<(Chain, Ended), Error> {
        let chain = Chain::empty(self.grid, self.step);
        let chain = Chain { loses: chain.loses || self.surfaces.is_some(), ..chain };
        let tiles: Vec<usize> = (0..chain.tiles.len()).collect();
        let steps: Result<Vec<Vec<Step>>, Error> =
            tiles.par_chunks(TASK).map(|tiles| self.tiles(&chain, tiles)).collect();
        let mut ended = Ended::default();
        for step in steps?.into_iter().flatten() {
            ended.arrival.push(step.arrival);
            ended.exit.push(step.exit);
            ended.time.push(step.time);
        }
        Ok((chain, ended))
    }

    /// Makes some tiles of a chain; how the steps from their cells end, where there are sets.
    fn tiles(&self, chain: &Chain, tiles: &[usize]) -> Result<Vec<Step>, Error> {
        let cells: Vec<usize> = tiles.iter().flat_map(|&tile| chain.range(tile)).collect();
        let (laws, _) = self.cell_laws(&cells)?;
        let (rows, ended): (Vec<Row>, Vec<Option<Step>>) = laws.into_iter().map(|law| (law.row, law.ended)).unzip();
        let mut rows = rows.into_iter();
        let mut entries = 0;
        for &tile in tiles {
            let made = Tile::new(rows.by_ref().take(chain.range(tile).len()));
            entries += made.entries();
            let _ = chain.tiles[tile].set(made); // another thread made the same
        }
        if chain.entries.fetch_add(entries, Ordering::Relaxed) + entries > MOST_ENTRIES {
            return Err(Error::numerical(
                "the long-step chain",
                format!("near {}", place(self.grid, cells[0])),
                format!("steps of {:e} reach too many cells ({} entries so far)", self.step, chain.entries()),
                "use the edge generator, or fewer cells",
            ));
        }
        Ok(ended.into_iter().flatten().collect())
    }

    /// The laws of some cells, and the evaluations that they took.
    fn cell_laws(&self, cells: &[usize]) -> Result<(Vec<CellLaw>, f64), Error> {
        proceed(self.interrupt)?;
        let (grid, d, n) = (self.grid, self.grid.dimension(), cells.len());
        let mut points = vec![0.0; d * n];
        for (i, &cell) in cells.iter().enumerate() {
            let center = grid.center(cell);
            (0..d).for_each(|k| points[k * n + i] = center[k]);
        }
        let moments = self.moments(&points).ok_or_else(|| {
            Error::numerical(
                "the long-step chain",
                format!("near {}", place(grid, cells[0])),
                format!("mean and covariance after a step of {:e} are not finite", self.step),
                "use the edge generator, or narrower bounds",
            )
        })?;
        let walls = Walls::new(grid);
        let cell_law = |(i, &cell): (usize, &usize)| {
            let law = lattice_law(grid, &moments, i, n);
            let mut row = walls.row(cell, law.shift, law.variance, &law.entries);
            let ended = self.surfaces.map(|surfaces| surfaces.end(cell, &mut row, &moments, i, n));
            CellLaw { row: Row { entries: row, excess: law.excess }, ended }
        };
        Ok((cells.iter().enumerate().map(cell_law).collect(), moments.evaluations))
    }

    /// Mean and covariance after a step from the points, by the table where it serves. None where the flow does not stay finite.
    fn moments(&self, points: &[f64]) -> Option<Moments> {
        let flow = |points: &[f64]| {
            conditional_moments(self.dynamics, self.temperature, self.grid, points, self.step, MOST_STEPS)
        };
        let Some(table) = self.table else { return flow(points) };
        let (mut out, others) = table.moments(self.grid, points);
        if !others.is_empty() {
            let n = points.len() / self.grid.dimension();
            let there: Vec<f64> = points.chunks(n).flat_map(|row| others.iter().map(move |&i| row[i])).collect();
            let found = flow(&there)?;
            out.evaluations += found.evaluations;
            for (from, to) in [(&found.mean, &mut out.mean), (&found.covariance, &mut out.covariance)] {
                for (row, values) in from.chunks(others.len()).enumerate() {
                    others.iter().zip(values).for_each(|(&i, value)| to[row * n + i] = *value);
                }
            }
        }
        Some(out)
    }
}
