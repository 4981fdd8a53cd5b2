//! Walls at which the noise vanishes.

use super::dynamics::Dynamics;
use super::grid::Grid;
use crate::numerics::symmetric::{packed_index, packed_len};

/// Noise at a wall over that in the middle of its axis that counts as none.
const NONE: f64 = 1e-9;
/// Powers of the distance to a wall with which the noise vanishes there; other noise is small before, or small all over.
const POWERS: [f64; 2] = [0.2, 4.0];

/// For both sides of axis k, whether D_kk vanishes on the whole of it, though not in the middle; never so on a periodic axis.
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
    let (first, last, middle) = (0, axis.cells() - 1, axis.cells() / 2);
    let inside = diffusion(middle, axis.center(middle));
    [(first, axis.lower()), (last, axis.upper())].map(|(i, wall)| {
        let none = |(a, inside): (&f64, &f64)| a.abs() <= NONE * inside && *inside > 0.0;
        let power = |(near, far): (&f64, &f64)| (POWERS[0]..=POWERS[1]).contains(&(far / near).log2());
        let [near, far] = [0.25, 0.5].map(|share| diffusion(i, wall + share * 2.0 * (axis.center(i) - wall)));
        diffusion(i, wall).iter().zip(&inside).all(none) && near.iter().zip(&far).all(power)
    })
}
