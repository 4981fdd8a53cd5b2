//! Mean and covariance of a step interpolated between the nodes of a lattice over the box, every few cells one.
//!
//! Both are smooth functions of where the step starts; where they are not, beside a wall that the noise reaches or a kink of the drift, the
//! divided differences say so, and cells there are followed one by one.

use rayon::prelude::*;

use super::moments::{Moments, settled_moments};
use crate::Error;
use crate::dynamics::table::lattice::{Lattice, POINTS, Values, interpolate, width};
use crate::dynamics::table::make_semidefinite;
use crate::engine::Interrupt;
use crate::fokker_planck::linear::solver::proceed;
use crate::numerics::symmetric::{packed_len, products};
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Cells between two nodes.
const CELLS: usize = 4;
/// Fewest cells along an axis for a table to be worth it.
const FEWEST: usize = 32;
/// Error up to which a polynomial serves: of the mean in cells, of the covariance in squared cells or of its size.
const TOLERANCE: f64 = 1e-5;
/// Runge–Kutta steps at a node; where they do not suffice there is no polynomial.
const STEPS: usize = 32;
/// Evaluations of a chain by a table, relative to those of following each cell: those of the nodes and of the boxes without a polynomial.
pub const SHARE: f64 = 0.3;
/// Nodes per task.
const CHUNK: usize = 128;

/// Displacement of the mean and covariance at the nodes.
pub struct FlowTable {
    lattice: Lattice,
    values: Vec<f64>,
    unfit: Vec<bool>,
}

impl FlowTable {
    /// Whether a grid has cells enough.
    pub fn serves(grid: &Grid) -> bool {
        grid.shape().iter().all(|&n| n >= FEWEST)
    }

    /// Of steps `tau`; None on small grids, and where hardly any box between nodes has a polynomial. Errors: [`Error::Interrupted`].
    pub fn new(
        dynamics: &dyn Dynamics,
        temperature: f64,
        grid: &Grid,
        tau: f64,
        interrupt: Interrupt,
    ) -> Result<Option<Self>, Error> {
        if !Self::serves(grid) {
            return Ok(None);
        }
        let d = grid.dimension();
        let (w, packed) = (width(d), packed_len(d));
        let lattice = Lattice::new(grid, grid.shape().iter().copied().max().unwrap_or(0) / CELLS);
        let mut values = vec![0.0; w * lattice.nodes()];
        values.par_chunks_mut(w * CHUNK).enumerate().try_for_each(|(chunk, out)| {
            proceed(interrupt)?;
            let n = out.len() / w;
            let mut points = lattice.points(chunk * CHUNK, n);
            for (axis, x) in grid.axes().iter().zip(points.chunks_mut(n)) {
                x.iter_mut().filter(|_| axis.is_periodic()).for_each(|x| *x = axis.wrap(*x));
            }
            let (found, unsettled) = settled_moments(dynamics, temperature, grid, &points, tau, STEPS);
            for (i, node) in out.chunks_exact_mut(w).enumerate() {
                (0..d).for_each(|k| node[k] = found.mean[k * n + i] - points[k * n + i]);
                (0..packed).for_each(|c| node[d + c] = found.covariance[c * n + i]);
            }
            unsettled.into_iter().for_each(|i| out[i * w..i * w + d + packed].fill(f64::NAN));
            Ok::<_, Error>(())
        })?;
        let unfit = unfit(&lattice, &values, grid);
        let few = unfit.iter().filter(|unfit| **unfit).count() * 4 > 3 * unfit.len();
        Ok((!few).then_some(Self { lattice, values, unfit }))
    }

    /// Moments from the points (d×n) that a polynomial serves, and the numbers of the others.
    pub fn moments(&self, grid: &Grid, points: &[f64]) -> (Moments, Vec<usize>) {
        let d = grid.dimension();
        let n = points.len() / d;
        let values = Values { lattice: &self.lattice, values: &self.values, unfit: &self.unfit };
        let (mut out, mut good) = (vec![0.0; (d + packed_len(d)) * n], vec![true; n]);
        interpolate(&values, points, &mut out, &mut good);
        let (mean, covariance) = out.split_at_mut(d * n);
        make_semidefinite(d, covariance);
        let mean = mean.iter().zip(points).map(|(moved, from)| from + moved).collect();
        let others = (0..n).filter(|&i| !good[i]).collect();
        (Moments { mean, covariance: covariance.to_vec(), evaluations: 0.0 }, others)
    }
}

/// For each box between nodes, whether the polynomials miss the tolerance there.
fn unfit(lattice: &Lattice, values: &[f64], grid: &Grid) -> Vec<bool> {
    let d = grid.dimension();
    let (w, packed) = (width(d), packed_len(d));
    let spacing: Vec<f64> = grid.axes().iter().map(|axis| axis.spacing()).collect();
    let squares = products(&spacing);
    let misses = |number: usize| {
        let at = lattice.intervals(number);
        let corners: Vec<[usize; 3]> = lattice.corners(at).collect();
        let value = |node: &[usize; 3], c: usize| values[lattice.number(node) * w + c];
        let size = |c: usize| corners.iter().map(|corner| value(corner, c).abs()).fold(0.0, f64::max);
        let units: Vec<f64> =
            (0..d).map(|k| spacing[k]).chain((0..packed).map(|c| squares[c].max(size(d + c)))).collect();
        let fits = |k: usize, corner: &[usize; 3]| {
            let on_line = |j: usize, c: usize| {
                let mut node = *corner;
                node[k] = j;
                value(&node, c)
            };
            (0..d + packed).all(|c| lattice.axes[k].error(at[k], |j| on_line(j, c)) <= TOLERANCE * units[c])
        };
        if !stencil(lattice, at).all(|node| values[node * w].is_finite()) {
            return true;
        }
        // every line along an axis that the polynomials go through would be too many: those of the corners
        !(0..d).all(|k| {
            let lower = lattice.axes[k].node(at[k]);
            corners.iter().filter(|corner| corner[k] == lower).all(|corner| fits(k, corner))
        })
    };
    (0..lattice.boxes()).into_par_iter().map(misses).collect()
}

/// Numbers of the nodes that the polynomials of a box go through.
fn stencil(lattice: &Lattice, at: [usize; 3]) -> impl Iterator<Item = usize> + '_ {
    let d = lattice.axes.len();
    (0..POINTS.pow(d as u32)).map(move |mut rest| {
        let mut node = [0; 3];
        for k in 0..d {
            node[k] = lattice.axes[k].base(at[k]) + rest % POINTS;
            rest /= POINTS;
        }
        lattice.number(&node)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::moments::{MOST_STEPS, conditional_moments};
    use super::*;
    use crate::fokker_planck::testing::test_fields::{Field, grid};
    use crate::problem::grid::Boundary::Reflecting;

    #[test]
    fn interpolated_moments_are_those_of_the_flow_and_kinks_are_followed() {
        let field = Field::new(2, |[x, y, _]| {
            ([x - x * x * x - 0.5 * y, -y - 0.3 * y.abs(), 0.0], [0.04 + 0.01 * x * x, 0.01, 0.03, 0.0, 0.0, 0.0])
        });
        let g = grid(&[(-1.5, 1.5, 128), (-1.5, 1.5, 96)], Reflecting);
        let table = FlowTable::new(&field, 1.0, &g, 0.05, &|| false).unwrap().unwrap();
        let points: Vec<f64> =
            (0..2).flat_map(|k| (0..g.len()).map(move |i| (k, i))).map(|(k, i)| g.center(i)[k]).collect();
        let (found, others) = table.moments(&g, &points);
        let exact = conditional_moments(&field, 1.0, &g, &points, 0.05, MOST_STEPS).unwrap();
        let n = g.len();
        let served = (0..n).filter(|i| others.binary_search(i).is_err());
        let worst = served
            .flat_map(|i| (0..2).map(move |k| k * n + i))
            .map(|at| (found.mean[at] - exact.mean[at]).abs() / g.axes()[at / n].spacing())
            .fold(0.0, f64::max);
        assert!(worst < 5e-5, "{worst:e}");
        // the kink along y = 0 and the walls
        let share = others.len() as f64 / n as f64;
        assert!((0.05..0.65).contains(&share), "{share}");
        let kink = g.cell(&[64, 48]);
        assert!(others.binary_search(&kink).is_ok());
    }
}
