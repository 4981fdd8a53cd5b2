//! The edge generator of drift and diffusion on a grid, put together from the edges of diagonal or full tensors.

use std::sync::Arc;

use super::cell_weight::{AxisMeans, add_axis};
use super::connectivity::{Components, gaps};
use super::diagonal::{Diagonal, Edges, diagonal_edges};
use super::loss_difference::{Hidden, Kind};
use super::tensor::{Stencil, Tensor, spacing};
use super::vanishing_noise::weighted_cells;
use crate::Error;
use crate::dynamics::coordinates::in_coordinates;
use crate::fault::{Fault, planted};
use crate::fokker_planck::cells::weighted::WeightedCells;
use crate::fokker_planck::generator::{Generator, GeneratorBuilder};
use crate::fokker_planck::stencil::coefficients::{CellCoefficients, at_cells};
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// A generator and what was done to get it.
#[derive(Debug, Clone)]
pub struct EdgeGenerator {
    /// The generator.
    pub generator: Arc<Generator>,
    /// Largest |p| over the edges of each cell; infinite at cells with upwind edges.
    pub peclet: Vec<f64>,
    /// Largest component of the offsets in use.
    pub stencil_radius: usize,
    /// Bound on the offsets; 1 for a diagonal tensor.
    pub max_radius: usize,
    /// Axis edges that were added to connect cells which had lost their edges at a wall.
    pub axis_edges_added: usize,
    /// Cells whose diffusion was widened to keep the offsets within the bound.
    pub widened_cells: usize,
    /// Largest widening relative to the trace of A in index units.
    pub widening: f64,
    /// Cells (full tensor) or edges (diagonal) where A is singular and the drift is carried upwind.
    pub singular: usize,
    /// The weights of the cells, where the noise vanishes at a wall.
    pub weighted: Option<Arc<WeightedCells>>,
    /// Sentences for the record.
    pub warnings: Vec<String>,
    /// What of the loss lies between cell centres and is too narrow for any answer on this grid; None where nothing is.
    pub unseen: Option<String>,
    /// Whether the loss has jumps, barriers or wells that the drift at the cell centres does not show.
    pub hides: bool,
}

impl EdgeGenerator {
    /// Names what of the loss hides between cell centres, the largest of each kind with its place.
    fn name(&mut self, grid: &Grid, hidden: &[(Hidden, [f64; 3])]) {
        self.hides = !hidden.is_empty();
        for kind in [Kind::Jump, Kind::Barrier, Kind::Well] {
            let of_kind = || hidden.iter().filter(|(found, _)| found.kind == kind);
            let size = |found: &&(Hidden, [f64; 3])| found.0.size.abs();
            let Some((found, at)) = of_kind().max_by(|a, b| size(a).total_cmp(&size(b))) else { continue };
            let names = grid.axes().iter().enumerate().map(|(k, axis)| format!("{} = {:.6}", axis.variable(), at[k]));
            let place = names.collect::<Vec<_>>().join(", ");
            let more = of_kind().count() - 1;
            let others = if more > 0 { format!(" (and on {more} other edges)") } else { String::new() };
            let size = found.size;
            self.warnings.push(match kind {
                Kind::Jump => format!(
                    "the loss jumps by {size:.3} T at {place}{others}, which the drift does not show: the grid counts it, walkers do not"
                ),
                Kind::Barrier => format!(
                    "the loss has a barrier of {size:.3} T at {place}{others}, narrower than a cell: it is counted on the way between \
                     two cells as far as it was seen, walkers need steps that are shorter than it"
                ),
                Kind::Well => format!("the loss has a well of {size:.3} T at {place}{others}, narrower than a cell"),
            });
            let narrow = of_kind().any(|(found, _)| found.coarse);
            if narrow && kind != Kind::Jump {
                let what = if kind == Kind::Well { "well" } else { "barrier" };
                self.unseen = Some(format!("a {what} of {size:.3} T at {place} is far narrower than a cell"));
            }
        }
    }

    /// Counts for the record, by name.
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("stencil_radius", self.stencil_radius),
            ("stencil_radius_bound", self.max_radius),
            ("connecting_edges", self.axis_edges_added),
            ("widened_cells", self.widened_cells),
        ]
    }
}

/// The edge generator; see the module. Errors: coefficients that are not finite or a D that is not positive
/// semidefinite, with the point; a full D on a graded grid.
pub fn edge_generator(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid) -> Result<EdgeGenerator, Error> {
    edge_generator_within(dynamics, temperature, grid, None)
}

/// [`edge_generator`] with a bound on the offsets, by default a quarter of the shortest axis, from 2 to 16; and its errors.
pub fn edge_generator_within(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    max_radius: Option<usize>,
) -> Result<EdgeGenerator, Error> {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
        return assembled(&dynamics, temperature, &flat, max_radius, None);
    }
    let weighted = weighted_cells(dynamics, temperature, grid);
    assembled(dynamics, temperature, grid, max_radius, weighted)
}

fn assembled(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    max_radius: Option<usize>,
    weighted: Option<WeightedCells>,
) -> Result<EdgeGenerator, Error> {
    let cells = at_cells(dynamics, temperature, grid)?;
    if cells.diagonal {
        let weighted = weighted.map(Arc::new);
        let problem = Diagonal {
            dynamics,
            temperature,
            grid,
            cells: &cells,
            weighted: weighted.as_deref(),
            fick: planted(Fault::Fick),
        };
        let mut all = diagonal_edges(&problem);
        let hidden: Vec<(Hidden, [f64; 3])> = all.iter().flat_map(|edges| edges.hidden.iter().copied()).collect();
        if weighted.is_none() {
            reweigh(grid, &mut all); // weighted cells have their integrals already
        }
        let mut collected = Collected::new(grid);
        all.into_iter().try_for_each(|edges| collected.add(edges))?;
        let mut out = EdgeGenerator { weighted, ..collected.finish(usize::from(grid.len() > 1)) };
        out.name(grid, &hidden);
        return Ok(out);
    }
    if !grid.is_uniform() {
        return Err(Error::invalid(
            "a graded grid needs a diagonal diffusion matrix",
            "use equal cells on every axis, or a diagonal D",
        ));
    }
    tensor(dynamics, temperature, grid, max_radius, &cells)
}

/// Other volumes for the cells in which the density has a kink or a jump.
fn reweigh(grid: &Grid, all: &mut [Edges]) {
    let mut delta = vec![0.0; grid.len()];
    for k in 0..grid.dimension() {
        let mut means = AxisMeans::unknown(grid.len());
        for edges in all.iter().filter(|edges| edges.axis == k) {
            for ((edge, p), seen) in edges.edges.iter().zip(&edges.exponents).zip(&edges.means) {
                (means.exponent[edge.0 as usize], means.edges[edge.0 as usize]) = (*p, *seen);
            }
        }
        add_axis(grid, k, &means, &mut delta);
    }
    if delta.iter().all(|delta| *delta == 0.0) {
        return;
    }
    for edges in all {
        for (i, j, forward, backward) in &mut edges.edges {
            *forward *= (-delta[*i as usize]).exp();
            *backward *= (-delta[*j as usize]).exp();
        }
        edges.exits.iter_mut().for_each(|(cell, rate)| *rate *= (-delta[*cell]).exp());
    }
}

fn tensor(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    max_radius: Option<usize>,
    cells: &CellCoefficients,
) -> Result<EdgeGenerator, Error> {
    let shortest = grid.shape().iter().copied().min().unwrap_or(1);
    let max_radius = max_radius.unwrap_or((shortest / 4).clamp(2, 16));
    let stencil = Stencil::new(grid, cells, max_radius);
    let (radius, singular) = (stencil.radius(), stencil.singular());
    let (widened_cells, widening) = stencil.added(grid, cells);
    let problem = Tensor { dynamics, temperature, grid, spacing: spacing(grid), stencil, cells };
    let mut collected = Collected::new(grid);
    problem.edges().into_iter().try_for_each(|edges| collected.add(edges))?;
    let mut components = Components::new(grid.len());
    components.join_all(collected.builder.edges());
    let gaps = gaps(grid, &mut components);
    let joined = problem.axis_edges(&gaps, cells);
    let added = joined.edges.len();
    collected.add(joined)?;
    let mut out = collected.finish(radius);
    (out.axis_edges_added, out.max_radius) = (added, max_radius);
    (out.singular, out.widened_cells, out.widening) = (singular, widened_cells, widening);
    if added > 0 {
        out.warnings.push(format!("{added} axis edges were added to connect cells cut off by long offsets"));
    }
    if widened_cells > 0 {
        out.warnings.push(format!(
            "the diffusion of {widened_cells} cells was widened by up to {widening:.1e} of its trace to keep the stencil within \
             {max_radius} cells"
        ));
    }
    Ok(out)
}

struct Collected {
    builder: GeneratorBuilder,
    peclet: Vec<f64>,
    singular: usize,
}

impl Collected {
    fn new(grid: &Grid) -> Self {
        Self { builder: GeneratorBuilder::new(grid.len()), peclet: vec![0.0; grid.len()], singular: 0 }
    }

    fn add(&mut self, edges: Edges) -> Result<(), Error> {
        for (&(i, j, forward, backward), &p) in edges.edges.iter().zip(&edges.exponents) {
            if !(forward.is_finite() && backward.is_finite()) {
                return Err(not_finite());
            }
            for cell in [i, j] {
                self.peclet[cell as usize] = self.peclet[cell as usize].max(p.abs());
            }
        }
        for &(cell, rate) in &edges.exits {
            if !rate.is_finite() {
                return Err(not_finite());
            }
            self.builder.add_exit(cell, rate);
        }
        self.singular += edges.singular;
        self.builder.add_edges(edges.edges);
        Ok(())
    }

    fn finish(self, stencil_radius: usize) -> EdgeGenerator {
        EdgeGenerator {
            generator: Arc::new(self.builder.finish()),
            peclet: self.peclet,
            stencil_radius,
            max_radius: stencil_radius,
            axis_edges_added: 0,
            widened_cells: 0,
            widening: 0.0,
            singular: self.singular,
            weighted: None,
            warnings: Vec::new(),
            unseen: None,
            hides: false,
        }
    }
}

fn not_finite() -> Error {
    Error::invalid(
        "drift or diffusion is not finite between two cells",
        "choose bounds inside which the model is finite",
    )
}
