//! Sets that end a path: cells inside them, and the chance that a step between two cells outside has touched them.
//!
//! The surface g = 0 of a set (g < 0 outside) is met by a Brownian bridge from x to y with probability e^{−2 a b},
//! a = |g(x)|/|∇g(x)|_S and b = |g(y)|/|∇g(y)|_S, |n|_S² = nᵀ S n with the covariance S of the step: exact for constant drift and noise and
//! a half-space, the tangent planes stand for curved surfaces.

use libm::erfc;

use super::lattice_law::covariance;
use super::moments::Moments;
use crate::Error;
use crate::escape::passage::Target;
use crate::fokker_planck::edges::first_passage::covered;
use crate::problem::grid::{Boundary, Grid};

/// Distances, in standard deviations of a step, beyond which a surface is out of reach.
const FAR: f64 = 8.0;

/// Nodes and weights of Gauss's rule on (0, 1).
const GAUSS: [(f64, f64); 8] = [
    (0.019_855_071_751_231_884, 0.050_614_268_145_188_13),
    (0.101_666_761_293_186_63, 0.111_190_517_226_687_24),
    (0.237_233_795_041_835_5, 0.156_853_322_938_943_64),
    (0.408_282_678_752_175_1, 0.181_341_891_689_181),
    (0.591_717_321_247_825, 0.181_341_891_689_181),
    (0.762_766_204_958_164_5, 0.156_853_322_938_943_64),
    (0.898_333_238_706_813_4, 0.111_190_517_226_687_24),
    (0.980_144_928_248_768_1, 0.050_614_268_145_188_13),
];

/// A set with its surface on the cells.
struct Set {
    inside: Vec<bool>,
    /// g, then ∂g/∂θ_k (in cells), (1 + d)×n; empty where the surface is not known.
    surface: Vec<f64>,
}

/// The sets that end a path.
pub struct Surfaces {
    /// In its coordinates.
    grid: Grid,
    sets: Vec<Set>,
}

/// What becomes of a step.
pub struct Step {
    /// Probability to end in the first set.
    pub arrival: f64,
    /// Probability to end in any set or at an absorbing wall.
    pub exit: f64,
    /// Mean time until the end of the path or of the step, in steps.
    pub time: f64,
}

impl Surfaces {
    /// The sets on a grid. Errors: a set without cells.
    pub fn new(grid: &Grid, targets: &[&Target]) -> Result<Self, Error> {
        let (d, n, centers) = (grid.dimension(), grid.len(), grid.centers());
        let set = |target: &&Target| {
            let mut surface = vec![0.0; (1 + d) * n];
            if target.boundary(&centers, &mut surface) {
                for (k, axis) in grid.axes().iter().enumerate() {
                    let steps: Vec<f64> = (0..axis.cells()).map(|i| axis.step_at(i)).collect();
                    let slopes = surface[(1 + k) * n..(2 + k) * n].iter_mut().enumerate();
                    slopes.for_each(|(cell, slope)| *slope *= steps[grid.multi_index(cell)[k]]);
                }
            } else {
                surface.clear();
            }
            Set { inside: target.cells(grid), surface }
        };
        targets.iter().try_for_each(|target| covered(target, grid))?;
        Ok(Self {
            grid: grid.in_coordinates().unwrap_or_else(|| grid.clone()),
            sets: targets.iter().map(set).collect(),
        })
    }

    /// Whether a cell is in any of the sets.
    pub fn holds(&self, cell: usize) -> bool {
        self.sets.iter().any(|set| set.inside[cell])
    }

    /// Takes out of a row what the sets end; `i` of n is the cell's place among the moments.
    pub fn end(&self, cell: usize, row: &mut Vec<(u32, f64)>, moments: &Moments, i: usize, n: usize) -> Step {
        if self.holds(cell) {
            row.clear();
            return Step { arrival: 0.0, exit: 1.0, time: 0.0 };
        }
        let s = covariance(&self.grid, moments, i, n);
        let here: Vec<Option<f64>> = self.sets.iter().map(|set| set.distance(cell, &s, &self.grid)).collect();
        let lost = 1.0 - row.iter().map(|entry| entry.1).sum::<f64>(); // at absorbing walls
        let mut ended = vec![0.0; self.sets.len()];
        for (to, weight) in row.iter_mut() {
            let to = *to as usize;
            if let Some(set) = self.sets.iter().position(|set| set.inside[to]) {
                ended[set] += std::mem::take(weight);
                continue;
            }
            for ((set, here), ended) in self.sets.iter().zip(&here).zip(&mut ended) {
                let Some((a, b)) = here.zip(set.distance(to, &s, &self.grid)) else { continue };
                let touched = *weight * (-2.0 * a * b).exp();
                *ended += touched;
                *weight -= touched;
            }
        }
        row.retain(|entry| entry.1 > 0.0);
        let time = self.time(cell, &here, &s, moments, i, n);
        Step { arrival: ended[0], exit: (lost + ended.iter().sum::<f64>()).clamp(0.0, 1.0), time }
    }

    /// Mean of min(end of the path, end of the step) in steps, by Brownian motion with drift across each surface within reach.
    fn time(&self, cell: usize, here: &[Option<f64>], s: &[[f64; 3]; 3], moments: &Moments, i: usize, n: usize) -> f64 {
        let center = self.grid.center(cell);
        let mut moved = [0.0; 3];
        for (k, axis) in self.grid.axes().iter().enumerate() {
            moved[k] = (moments.mean[k * n + i] - center[k]) / axis.spacing();
        }
        let mut near: Vec<(f64, f64)> = Vec::new();
        for (set, distance) in self.sets.iter().zip(here) {
            if let Some(a) = distance.filter(|a| *a < FAR) {
                near.push((a, set.drift(cell, &moved, s, &self.grid)));
            }
        }
        let index = self.grid.multi_index(cell);
        for (k, axis) in self.grid.axes().iter().enumerate() {
            let unit = s[k][k].sqrt();
            let rooms = [index[k] as f64 + 0.5, axis.cells() as f64 - index[k] as f64 - 0.5];
            for (side, wall) in axis.boundary().iter().enumerate() {
                if *wall == Boundary::Absorbing && unit > 0.0 && rooms[side] / unit < FAR {
                    let away = if side == 0 { moved[k] } else { -moved[k] };
                    near.push((rooms[side] / unit, away / unit));
                }
            }
        }
        if near.is_empty() {
            return 1.0;
        }
        // t = v²: the survival is smooth in √t
        let survival = |t: f64| near.iter().map(|&(a, m)| survival(a, m, t)).product::<f64>();
        GAUSS.iter().map(|&(v, weight)| weight * 2.0 * v * survival(v * v)).sum()
    }
}

impl Set {
    /// Distance of a cell outside from the surface, in standard deviations of the step; None where the surface is not known.
    fn distance(&self, cell: usize, s: &[[f64; 3]; 3], grid: &Grid) -> Option<f64> {
        let g = *self.surface.get(cell)?;
        let unit = self.unit(cell, s, grid);
        Some(if unit > 0.0 { (-g).max(0.0) / unit } else { f64::INFINITY })
    }

    /// |∇g|_S.
    fn unit(&self, cell: usize, s: &[[f64; 3]; 3], grid: &Grid) -> f64 {
        let (d, n) = (grid.dimension(), grid.len());
        let slope = |k: usize| self.surface[(1 + k) * n + cell];
        let square: f64 = (0..d).map(|k| (0..d).map(|j| slope(k) * s[k][j] * slope(j)).sum::<f64>()).sum();
        square.max(0.0).sqrt()
    }

    /// Mean displacement of a step away from the surface, in its standard deviations.
    fn drift(&self, cell: usize, moved: &[f64; 3], s: &[[f64; 3]; 3], grid: &Grid) -> f64 {
        let (d, n) = (grid.dimension(), grid.len());
        let along: f64 = (0..d).map(|k| self.surface[(1 + k) * n + cell] * moved[k]).sum();
        -along / self.unit(cell, s, grid)
    }
}

/// Probability that Brownian motion with drift m from a > 0 has not met 0 by time t (unit variance at t = 1).
fn survival(a: f64, m: f64, t: f64) -> f64 {
    let root = t.sqrt();
    let above = |x: f64| 0.5 * erfc(-x / std::f64::consts::SQRT_2);
    // e^{−2ma} Φ((mt − a)/√t) by its logarithm: the factor may overflow
    let z = (a - m * t) / root;
    let log = if z > 30.0 { -0.5 * z * z - (z * std::f64::consts::TAU.sqrt()).ln() } else { above(-z).ln() };
    (above((a + m * t) / root) - (-2.0 * m * a + log).exp()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brownian_motion_with_drift_survives_as_it_should() {
        // without drift erf(a/√(2t)); for t → ∞ 1 − e^{−2ma}
        for (a, t) in [(0.3, 1.0), (1.0, 0.25), (2.0, 0.9)] {
            let exact = 1.0 - erfc(a / (2.0f64 * t).sqrt());
            assert!((survival(a, 0.0, t) - exact).abs() < 1e-12, "{a} {t}");
        }
        assert!((survival(0.5, 0.8, 1e6) - (1.0 - (-0.8f64).exp())).abs() < 1e-9);
        assert!(survival(0.5, -40.0, 1.0) < 1e-9 && survival(7.0, -300.0, 0.01) > 0.99);
    }
}
