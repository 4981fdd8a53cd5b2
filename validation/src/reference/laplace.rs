//! Laplace's law: dx = −sign(x − x₀) dt + √(2T) dW in a box with reflecting walls, the gradient flow of the loss |x − x₀|.
//!
//! Density ∝ e^{−|x − x₀|/T}. With x₀ in the middle of [x₀ − L, x₀ + L] the eigenvalues are 1/(4T) + Tk²: for functions even about x₀
//! kL = nπ, u = e^{|y|/2T} (cos ky − sin k|y|/(2Tk)); for odd ones tan kL = −2Tk, u = e^{|y|/2T} sin ky (for L > 2T no slower one).
//! Source: the delta potential of the transformed Schrödinger equation, Risken 5.5 (rectangular and V-shaped potentials).

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;

use super::natural_scale::NaturalScale;

/// The process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Laplace {
    /// The kink x₀.
    pub kink: f64,
    /// The walls.
    pub walls: [f64; 2],
    /// Temperature T.
    pub temperature: f64,
}

/// A relaxation mode of a process whose kink is in the middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Even about the kink, the n-th from 1.
    Even(u32),
    /// Odd, the n-th from 1.
    Odd(u32),
}

impl Laplace {
    /// Half the length L of the box.
    fn half(&self) -> f64 {
        0.5 * (self.walls[1] - self.walls[0])
    }

    /// The wave number k of a mode.
    pub fn wave_number(&self, mode: Mode) -> f64 {
        let (half, t) = (self.half(), self.temperature);
        match mode {
            Mode::Even(n) => f64::from(n) * std::f64::consts::PI / half,
            // sin kL + 2Tk cos kL = 0 has its n-th zero between (n − ½)π/L and nπ/L
            Mode::Odd(n) => {
                let f = |k: f64| (k * half).sin() + 2.0 * t * k * (k * half).cos();
                let turn = std::f64::consts::PI / half;
                bisect(f, (f64::from(n) - 0.5) * turn, f64::from(n) * turn)
            }
        }
    }

    /// λ of a mode.
    pub fn eigenvalue(&self, mode: Mode) -> f64 {
        0.25 / self.temperature + self.temperature * self.wave_number(mode).powi(2)
    }

    /// u(x) of a mode.
    pub fn eigenfunction(&self, mode: Mode, x: f64) -> f64 {
        let (y, k, t) = (x - self.kink, self.wave_number(mode), self.temperature);
        let grows = (0.5 * y.abs() / t).exp();
        match mode {
            Mode::Even(_) => grows * ((k * y).cos() - (k * y.abs()).sin() / (2.0 * t * k)),
            Mode::Odd(_) => grows * (k * y).sin(),
        }
    }

    /// 1 + Σ c e^{−λt} u: the density at time t over that at rest, from the one at time 0.
    pub fn ratio(&self, start: &[(Mode, f64)], time: f64) -> impl Fn(f64) -> f64 {
        let left: Vec<(Mode, f64)> = start.iter().map(|&(m, c)| (m, c * (-self.eigenvalue(m) * time).exp())).collect();
        let process = *self;
        move |x| 1.0 + left.iter().map(|&(mode, c)| c * process.eigenfunction(mode, x)).sum::<f64>()
    }

    /// Cell probabilities at time t.
    pub fn cells(&self, grid: &Grid, start: &[(Mode, f64)], time: f64) -> Vec<f64> {
        self.cell_probability(grid, &self.ratio(start, time))
    }

    /// Mean and variance at time t.
    pub fn moments(&self, start: &[(Mode, f64)], time: f64) -> (f64, f64) {
        let f = self.ratio(start, time);
        let mean = self.expectation(&|x| x * f(x));
        (mean, self.expectation(&|x| (x - mean).powi(2) * f(x)))
    }
}

/// The zero of f between a and b, where it changes sign.
pub fn bisect(f: impl Fn(f64) -> f64, mut a: f64, mut b: f64) -> f64 {
    let rises = f(b) > 0.0;
    for _ in 0..200 {
        let middle = 0.5 * (a + b);
        if (f(middle) > 0.0) == rises {
            b = middle;
        } else {
            a = middle;
        }
    }
    0.5 * (a + b)
}

impl NaturalScale for Laplace {
    fn ends(&self) -> [f64; 2] {
        self.walls
    }

    fn breaks(&self) -> Vec<f64> {
        vec![self.kink]
    }

    fn weight(&self, x: f64) -> f64 {
        (-(x - self.kink).abs() / self.temperature).exp()
    }

    fn spread(&self, _x: f64) -> f64 {
        self.temperature
    }
}

impl Dynamics for Laplace {
    fn dimension(&self) -> usize {
        1
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        for (p, &x) in points.iter().enumerate() {
            let y = x - self.kink;
            drift[p] = if y == 0.0 { 0.0 } else { -y.signum() };
            diffusion[p] = 1.0;
        }
    }

    fn diffusion_divergence(&self, _points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.fill(0.0);
    }
}
