//! Walls that belong to the problem: where neither noise nor drift carries anything out, no tail is cut.

use crate::fokker_planck::stencil::coefficients::at_points;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Noise at a wall over the largest one on the grid that counts as none.
const NONE: f64 = 1e-9;

/// For each axis and side, whether D·n = 0 and the drift does not point outwards on the whole side of the grid; values that are not
/// finite there count as neither.
pub fn physical_walls(dynamics: &dyn Dynamics, grid: &Grid) -> Vec<[bool; 2]> {
    let d = grid.dimension();
    let (_, inside, _) = at_points(dynamics, 1.0, &grid.centers(), None);
    let sides = grid.axes().iter().enumerate().map(|(k, axis)| {
        let entry = |l: usize| packed_index(d, k.min(l), k.max(l));
        let largest = |l: usize| {
            let c = entry(l);
            inside[c * grid.len()..(c + 1) * grid.len()].iter().fold(0.0f64, |most, a| most.max(a.abs()))
        };
        let largest: Vec<f64> = (0..d).map(largest).collect();
        [(axis.lower(), 0, -1.0), (axis.upper(), axis.cells() - 1, 1.0)].map(|(wall, layer, outwards)| {
            let cells: Vec<usize> = (0..grid.len()).filter(|&cell| grid.multi_index(cell)[k] == layer).collect();
            let n = cells.len();
            let coordinate = |l: usize, cell: usize| if l == k { wall } else { grid.center(cell)[l] };
            let points: Vec<f64> = (0..d).flat_map(|l| cells.iter().map(move |&cell| coordinate(l, cell))).collect();
            let (b, a, _) = at_points(dynamics, 1.0, &points, None);
            debug_assert_eq!(a.len(), packed_len(d) * n);
            largest[k] > 0.0
                && b[k * n..(k + 1) * n].iter().all(|b| b * outwards <= 0.0)
                && (0..d).all(|l| a[entry(l) * n..(entry(l) + 1) * n].iter().all(|a| a.abs() <= NONE * largest[l]))
        })
    });
    sides.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fokker_planck::testing::test_fields::Field;
    use crate::problem::grid::{Axis, Boundary};

    #[test]
    fn a_wall_without_noise_belongs_to_the_problem_unless_the_drift_leaves_through_it() {
        let line =
            |from: f64| Grid::new(vec![Axis::uniform("x", from, 2.0, 40, [Boundary::Reflecting; 2]).unwrap()]).unwrap();
        let inwards = Field::line(|x| (1.0 - x, x));
        assert_eq!(physical_walls(&inwards, &line(0.0)), [[true, false]]);
        assert_eq!(physical_walls(&inwards, &line(0.1)), [[false, false]]);
        assert_eq!(physical_walls(&Field::line(|x| (-0.1 - x, x)), &line(0.0)), [[false, false]]);
    }
}
