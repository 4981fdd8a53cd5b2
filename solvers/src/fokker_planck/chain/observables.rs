//! Probability current and entropy production straight from a density, J = b ρ − ∇·(A ρ), for a law that has no rates.

use crate::Error;
use crate::dynamics::coordinates::in_coordinates;
use crate::fokker_planck::edges::local_slope::solve_node;
use crate::fokker_planck::edges::tensor::{index_units, spacing};
use crate::fokker_planck::stencil::coefficients::at_cells;
use crate::fokker_planck::stencil::lattice::{Lattice, Step};
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// What a density shows.
pub struct Observed {
    /// J, d×n.
    pub current: Vec<f64>,
    /// ∫ Jᵀ A⁻¹ J/ρ, over the part of J in the range of A.
    pub entropy_production: f64,
}

/// Observes cell probabilities at rest on a grid that is uniform in its coordinates, by central differences (one-sided at walls); on a line with ends nothing
/// flows at rest. Errors: coefficients that are not finite.
pub fn observe(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, probability: &[f64]) -> Result<Observed, Error> {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
        let mut out = observe(&dynamics, temperature, &flat, probability)?;
        back_to_variables(grid, &flat, &mut out.current);
        return Ok(out);
    }
    let (d, n, pairs) = (grid.dimension(), grid.len(), packed_len(grid.dimension()));
    let volume = grid.volume(0);
    let (lattice, h) = (Lattice::new(grid), spacing(grid));
    let mut out = Observed { current: vec![0.0; d * n], entropy_production: 0.0 };
    if let [line] = grid.axes()
        && !line.is_periodic()
    {
        return Ok(out);
    }
    let cells = at_cells(dynamics, temperature, grid)?;
    for x in 0..n {
        let index = grid.multi_index(x);
        let mut j = [0.0; 3];
        for (k, j) in j.iter_mut().enumerate().take(d) {
            *j = cells.drift[x * d + k] * probability[x] / volume;
        }
        for (along, axis) in grid.axes().iter().enumerate() {
            let side = |sign: i8| {
                let mut offset = [0i8; 3];
                offset[along] = sign;
                match lattice.step(index, offset) {
                    Step::Cell(y) => (y, 1.0),
                    _ => (x, 0.0),
                }
            };
            let ((up, a), (down, b)) = (side(1), side(-1));
            let distance = (a + b) * axis.spacing() * volume;
            for k in 0..d {
                let c = packed_index(d, k, along);
                let flow = |cell: usize| cells.diffusion[cell * pairs + c] * probability[cell];
                if distance > 0.0 {
                    j[k] -= (flow(up) - flow(down)) / distance;
                }
            }
        }
        (0..d).for_each(|k| out.current[k * n + x] = j[k]);
        if probability[x] > 1e-30 {
            // in units of the cells: which part of J is in the range of A must not depend on those of the axes
            let (a, j) =
                (index_units(d, &cells.diffusion[x * pairs..(x + 1) * pairs], &h), [0, 1, 2].map(|k| j[k] / h[k]));
            let gamma = solve_node(d, &a, 0.0, j).gamma;
            let product: f64 = (0..d).map(|k| gamma[k] * j[k]).sum();
            out.entropy_production += product * volume * volume / probability[x];
        }
    }
    Ok(out)
}

/// J of the variables from that of the coordinates: J_k = ψ'_k J_u,k / Π_j ψ'_j.
fn back_to_variables(grid: &Grid, flat: &Grid, current: &mut [f64]) {
    let n = grid.len();
    for cell in 0..n {
        let index = grid.multi_index(cell);
        let slope = |k: usize| grid.axes()[k].step_at(index[k]) / flat.axes()[k].spacing();
        let volume: f64 = (0..grid.dimension()).map(slope).product();
        (0..grid.dimension()).for_each(|k| current[k * n + cell] *= slope(k) / volume);
    }
}
