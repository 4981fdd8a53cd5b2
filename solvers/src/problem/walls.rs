//! Walls at which the noise vanishes.

use super::dynamics::Dynamics;
use super::grid::Grid;
use crate::numerics::symmetric::{packed_index, packed_len};

/// Noise at a wall over that in the middle of the cell beside it that counts as none: noise that is small all over does not vanish there.
const NONE: f64 = 1e-9;

/// For both sides of axis k, whether D_kk vanishes on the whole of it, though not in the cells beside it; never so on a periodic axis.
pub fn walls_without_noise(dynamics: &dyn Dynamics, grid: &Grid, k: usize) -> [bool; 2] {
    let (d, axis) = (grid.dimension(), &grid.axes()[k]);
    if axis.is_periodic() || axis.cells() < 2 {
        return [false; 2];
    }
    let diffusion = |layer: usize, at: f64| -> Vec<f64> {
        let cells: Vec<usize> = (0..grid.len()).filter(|&cell| grid.multi_index(cell)[k] == layer).collect();
        let n = cells.len();
        let mut points = vec![0.0; d * n];
        for (i, &cell) in cells.iter().enumerate() {
            let center = grid.center(cell);
            (0..d).for_each(|l| points[l * n + i] = if l == k { at } else { center[l] });
        }
        let (mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
        dynamics.drift_diffusion(&points, &mut drift, &mut diffusion);
        let c = packed_index(d, k, k);
        diffusion[c * n..(c + 1) * n].to_vec()
    };
    let (first, last) = (0, axis.cells() - 1);
    [(first, axis.lower()), (last, axis.upper())].map(|(i, wall)| {
        let none = |(a, beside): (&f64, &f64)| a.abs() <= NONE * beside && *beside > 0.0;
        diffusion(i, wall).iter().zip(&diffusion(i, axis.center(i))).all(none)
    })
}
