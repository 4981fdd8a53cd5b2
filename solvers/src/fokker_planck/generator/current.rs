//! Probability current and entropy production of cell probabilities under a generator.

use crate::fokker_planck::generator::Generator;
use crate::problem::grid::Grid;

/// Probability current density J at every cell, d×n: component k of cell i at `[k·n + i]`.
///
/// J(x) = ½ Σ_y (p_x K(x→y) − p_y K(y→x)) (y − x)/volume over the neighbours y, the shorter way round periodic axes. Second
/// order inside; a cell at a wall averages the flux of its inner side with the zero flux of the wall.
pub fn current(generator: &Generator, grid: &Grid, probability: &[f64]) -> Vec<f64> {
    let (d, n) = (grid.dimension(), grid.len());
    let mut out = vec![0.0; d * n];
    for x in 0..n {
        let here = grid.center(x);
        let scale = 0.5 / grid.volume(x);
        let (neighbours, out_rates) = generator.outgoing(x);
        let (_, in_rates) = generator.incoming(x);
        for ((&y, &out_rate), &in_rate) in neighbours.iter().zip(out_rates).zip(in_rates) {
            let flux = probability[x] * out_rate - probability[y as usize] * in_rate;
            let there = grid.center(y as usize);
            for (k, axis) in grid.axes().iter().enumerate() {
                let mut step = there[k] - here[k];
                if axis.is_periodic() && step.abs() > 0.5 * axis.length() {
                    step -= axis.length() * step.signum();
                }
                out[k * n + x] += scale * flux * step;
            }
        }
    }
    out
}

/// Entropy production Σ_{edges} (p_x K(x→y) − p_y K(y→x)) ln( p_x K(x→y) / (p_y K(y→x)) ) ≥ 0, the discrete ∫ Jᵀ A⁻¹ J/ρ.
///
/// A one-way edge (an upwind edge, where the logarithm is infinite) counts with 2 (difference)²/(sum), the value for small
/// differences.
pub fn entropy_production(generator: &Generator, probability: &[f64]) -> f64 {
    let mut total = 0.0;
    for x in 0..generator.cells() {
        let (neighbours, out_rates) = generator.outgoing(x);
        let (_, in_rates) = generator.incoming(x);
        for ((&y, &out_rate), &in_rate) in neighbours.iter().zip(out_rates).zip(in_rates) {
            if (y as usize) < x {
                continue; // every edge once
            }
            let (forth, back) = (probability[x] * out_rate, probability[y as usize] * in_rate);
            if forth > 0.0 && back > 0.0 {
                total += (forth - back) * (forth / back).ln();
            } else if forth + back > 0.0 {
                total += 2.0 * (forth - back).powi(2) / (forth + back);
            }
        }
    }
    total
}
