//! Drift and D in other coordinates of the axes, by Itô's formula.
//!
//! ```text
//! u_k = φ_k(θ_k),   b_u = φ' b + T φ'' D_kk,   (D_u)_ij = φ'_i φ'_j D_ij,   φ' = 1/ψ',   φ'' = −ψ''/ψ'³,   θ = ψ(u)
//! ```
//!
//! (C. Gardiner 2009, section 4.3.3). The probability of a cell is the same in both.

use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::dynamics::{Dynamics, lengths};
use crate::problem::grid::Grid;
use crate::problem::scale::Scale;

/// A dynamics in the coordinates of a grid's axes.
pub struct InCoordinates<'a> {
    exact: &'a dyn Dynamics,
    temperature: f64,
    scales: Vec<&'a Scale>,
    lengths: Vec<f64>,
}

/// A dynamics and a grid in the coordinates in which its cells are equal; None where they are those of the variables.
pub fn in_coordinates<'a>(
    exact: &'a dyn Dynamics,
    temperature: f64,
    grid: &'a Grid,
) -> Option<(InCoordinates<'a>, Grid)> {
    let flat = grid.in_coordinates()?;
    let scales = grid.axes().iter().map(|axis| axis.scale()).collect();
    Some((InCoordinates { exact, temperature, scales, lengths: lengths(grid) }, flat))
}

impl InCoordinates<'_> {
    /// θ (d×n), and φ', φ'' of each coordinate.
    fn places(&self, points: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let n = points.len() / self.scales.len();
        let (mut theta, mut first, mut second) = (points.to_vec(), vec![1.0; points.len()], vec![0.0; points.len()]);
        for (k, scale) in self.scales.iter().enumerate().filter(|(_, scale)| !scale.is_linear()) {
            for i in k * n..(k + 1) * n {
                let [place, slope, curvature] = scale.place(points[i]);
                (theta[i], first[i], second[i]) = (place, 1.0 / slope, -curvature / (slope * slope * slope));
            }
        }
        (theta, first, second)
    }
}

impl Dynamics for InCoordinates<'_> {
    fn dimension(&self) -> usize {
        self.scales.len()
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let d = self.dimension();
        let n = points.len() / d;
        let (theta, first, second) = self.places(points);
        self.exact.drift_diffusion(&theta, drift, diffusion);
        for k in 0..d {
            let own = packed_index(d, k, k) * n;
            for i in 0..n {
                let at = k * n + i;
                drift[at] = first[at] * drift[at] + self.temperature * second[at] * diffusion[own + i];
            }
        }
        for r in 0..d {
            for c in r..d {
                let entry = packed_index(d, r, c) * n;
                (0..n).for_each(|i| diffusion[entry + i] *= first[r * n + i] * first[c * n + i]);
            }
        }
    }

    fn floor(&self) -> f64 {
        self.exact.floor()
    }

    /// φ'_i ( (∇·D)_i + Σ_j (φ''_j/φ'_j) D_ij ) + φ''_i D_ii.
    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        let d = self.dimension();
        let n = points.len() / d;
        let (theta, first, second) = self.places(points);
        let (mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
        self.exact.drift_diffusion(&theta, &mut drift, &mut diffusion);
        self.exact.diffusion_divergence(&theta, &self.lengths, divergence);
        for r in 0..d {
            for i in 0..n {
                let entry = |c: usize| diffusion[packed_index(d, r, c) * n + i];
                let bent: f64 = (0..d).map(|c| second[c * n + i] / first[c * n + i] * entry(c)).sum();
                let at = r * n + i;
                divergence[at] = first[at] * (divergence[at] + bent) + second[at] * entry(r);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dynamics::FromFunctions;
    use crate::problem::dynamics::central_divergence;
    use crate::problem::grid::{Axis, Boundary};

    #[test]
    fn the_divergence_is_that_of_the_transformed_matrix_and_geometric_noise_becomes_constant() {
        let walls = [Boundary::Reflecting; 2];
        let x = Axis::scaled("x", [0.2, 5.0], 20, Scale::log(0.2, 5.0).unwrap(), walls).unwrap();
        let y = Axis::scaled("y", [-1.0, 2.0], 20, Scale::sinh([-1.0, 2.0], 0.3, 0.4).unwrap(), walls).unwrap();
        let grid = Grid::new(vec![x, y]).unwrap();
        let exact = FromFunctions::new(
            2,
            |p: &[f64], b: &mut [f64]| (b[0], b[1]) = (-p[0], p[1]),
            |p: &[f64], a: &mut [f64]| (a[0], a[1], a[2]) = (p[0] * p[0], 0.3 * p[0] * p[1].cos(), 1.0 + p[1] * p[1]),
        );
        let (inner, flat) = in_coordinates(&exact, 0.7, &grid).unwrap();
        let points = [0.1, 0.5, -0.2, 1.1]; // two points
        let (mut b, mut a) = ([0.0; 4], [0.0; 6]);
        inner.drift_diffusion(&points, &mut b, &mut a);
        // d ln x = −dt − T dt + √(2T) dW
        assert!((b[0] + 1.7).abs() < 1e-14 && (a[0] - 1.0).abs() < 1e-14 && (a[1] - 1.0).abs() < 1e-14, "{b:?} {a:?}");
        let (mut own, mut differences) = ([0.0; 4], [0.0; 4]);
        inner.diffusion_divergence(&points, &lengths(&flat), &mut own);
        central_divergence(&inner, &points, &lengths(&flat), &mut differences);
        assert!(own.iter().zip(&differences).all(|(a, b)| (a - b).abs() < 1e-8), "{own:?} {differences:?}");
    }
}
