//! Flows on the torus [−π, π)²: dx = (u + S sin y) dt + …, dy = v dt + …, noise √(2T) dW with D = I or a constant tensor.
//!
//! The flow keeps volumes, so the law at rest is uniform. The wave e^{i(kx + ly)} of the density is carried to its neighbours l ± 1:
//!
//! ```text
//! c_l′ = −(T(k² d₀₀ + 2kl d₀₁ + l² d₁₁) + i(ku + lv)) c_l − (kS/2)(c_{l−1} − c_{l+1})
//! ```
//!
//! For S = 0 its eigenvalues are T kᵀDk + i k·(u, v); for u = v = 0, D = I they are T k² + T a(q)/4 with Mathieu's characteristic values
//! of imaginary q. Source: R. N. Bhattacharya, V. K. Gupta & H. F. Walker 1989, doi:10.1137/0149005; Abramowitz & Stegun 20.

use std::f64::consts::PI;

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;

use super::fourier::{Complex, Waves};
use super::natural_scale::NaturalScale;

/// The highest wave number along y.
const MOST: i32 = 16;

/// The process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TorusFlow {
    /// Uniform flow (u, v).
    pub flow: [f64; 2],
    /// Shear S.
    pub shear: f64,
    /// D, components 00, 01, 11.
    pub diffusion: [f64; 3],
    /// Temperature T.
    pub temperature: f64,
}

impl TorusFlow {
    /// The operator on the waves e^{ikx} e^{ily} of one k.
    pub fn waves(&self, k: i32) -> Waves {
        let (k, [u, v], [d00, d01, d11]) = (f64::from(k), self.flow, self.diffusion);
        Waves::new(MOST, |row, column| {
            let l = f64::from(row);
            match row - column {
                0 => {
                    let spread = self.temperature * (k * k * d00 + 2.0 * k * l * d01 + l * l * d11);
                    (-spread, -(k * u + l * v))
                }
                1 => (-0.5 * k * self.shear, 0.0),
                -1 => (0.5 * k * self.shear, 0.0),
                _ => (0.0, 0.0),
            }
        })
    }

    /// Coefficients of e^{ikx} at time t from the density (1 + p cos x)(1 + q cos y)/4π², k = 0, 1.
    pub fn waves_at(&self, k: i32, [p, q]: [f64; 2], time: f64) -> Vec<Complex> {
        let share = if k == 0 { 1.0 } else { 0.5 * p };
        let mut start = vec![(0.0, 0.0); 2 * MOST as usize + 1];
        let middle = MOST as usize;
        start[middle] = (share, 0.0);
        start[middle + 1] = (0.5 * q * share, 0.0);
        start[middle - 1] = (0.5 * q * share, 0.0);
        if time == 0.0 { start } else { self.waves(k).after(&start, time) }
    }

    /// Cell probabilities at time t from (1 + p cos x)(1 + q cos y)/4π².
    pub fn cells(&self, grid: &Grid, start: [f64; 2], time: f64) -> Vec<f64> {
        let (none, one) = (self.waves_at(0, start, time), self.waves_at(1, start, time));
        let parts = |axis: usize, most: i32| -> Vec<Vec<Complex>> {
            grid.axes()[axis].edges().windows(2).map(|ends| (-most..=most).map(|l| wave(l, ends)).collect()).collect()
        };
        let (along_x, along_y) = (parts(0, 1), parts(1, MOST));
        let mut cells = Vec::with_capacity(grid.len());
        for x in &along_x {
            for y in &along_y {
                let sum = |c: &[Complex]| {
                    c.iter().zip(y).fold((0.0, 0.0), |s: Complex, (&c, &w)| {
                        (s.0 + c.0 * w.0 - c.1 * w.1, s.1 + c.0 * w.1 + c.1 * w.0)
                    })
                };
                let (still, moving) = (sum(&none), sum(&one));
                // the wave −k is the conjugate of k
                let real = still.0 * x[1].0 + 2.0 * (moving.0 * x[2].0 - moving.1 * x[2].1);
                cells.push(real / (4.0 * PI.powi(2)));
            }
        }
        cells
    }
}

/// A coordinate with uniform drift v, dx = v dt + √(2A) dW, unrolled: first passages out of an arc.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drifted {
    /// v.
    pub drift: f64,
    /// A.
    pub spread: f64,
}

impl NaturalScale for Drifted {
    fn ends(&self) -> [f64; 2] {
        [-PI, PI]
    }

    fn weight(&self, x: f64) -> f64 {
        (self.drift * x / self.spread).exp()
    }

    fn spread(&self, _x: f64) -> f64 {
        self.spread
    }
}

/// ∫ e^{ilx} dx over a cell.
fn wave(l: i32, ends: &[f64]) -> Complex {
    let (middle, half, l) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]), f64::from(l));
    let length = if l == 0.0 { 2.0 * half } else { 2.0 * (l * half).sin() / l };
    (length * (l * middle).cos(), length * (l * middle).sin())
}

impl Dynamics for TorusFlow {
    fn dimension(&self) -> usize {
        2
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / 2;
        for p in 0..n {
            drift[p] = self.flow[0] + self.shear * points[n + p].sin();
            drift[n + p] = self.flow[1];
        }
        for (c, d) in self.diffusion.iter().enumerate() {
            diffusion[c * n..(c + 1) * n].fill(*d);
        }
    }

    fn diffusion_divergence(&self, _points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.fill(0.0);
    }
}
