//! Tilted periodic potential with noise that depends on the place, on a circle: dx = (F − V₀ sin x) dt + √(2T D(x)) dW (Itô),
//! D = 1 + a cos(x − φ).
//!
//! In Fourier space ρ = (1/2π) Σ c_k e^{ikx}: c_k′ = −ik (bρ)_k − k² T (Dρ)_k, a five-banded matrix. At rest there is a current for
//! F ≠ 0 and also, by a ≠ 0 and sin φ ≠ 0, without a tilt (M. Büttiker 1987, doi:10.1007/BF01304221; Risken 11.3).

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;

use super::fourier::{Complex, Series, Waves};
use super::natural_scale::NaturalScale;
use super::quadrature::integrate;

/// The highest wave number.
const MOST: i32 = 24;

/// The process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Washboard {
    /// Tilt F.
    pub tilt: f64,
    /// Barrier V₀.
    pub barrier: f64,
    /// Modulation a of D, |a| < 1.
    pub modulation: f64,
    /// Phase φ of the modulation.
    pub phase: f64,
    /// Temperature T.
    pub temperature: f64,
}

impl Washboard {
    /// b(x).
    pub fn drift(&self, x: f64) -> f64 {
        self.tilt - self.barrier * x.sin()
    }

    /// D(x).
    pub fn noise(&self, x: f64) -> f64 {
        1.0 + self.modulation * (x - self.phase).cos()
    }

    /// The operator on the coefficients.
    pub fn waves(&self) -> Waves {
        let (t, a) = (self.temperature, 0.5 * self.modulation);
        Waves::new(MOST, |k, l| {
            let wave = f64::from(k);
            // (bρ)_k = F c_k + i V₀/2 (c_{k−1} − c_{k+1}); (Dρ)_k = c_k + a/2 (e^{−iφ} c_{k−1} + e^{iφ} c_{k+1})
            let (s, c) = self.phase.sin_cos();
            match k - l {
                0 => (-wave * wave * t, -wave * self.tilt),
                1 => (0.5 * wave * self.barrier - wave * wave * t * a * c, wave * wave * t * a * s),
                -1 => (-0.5 * wave * self.barrier - wave * wave * t * a * c, -wave * wave * t * a * s),
                _ => (0.0, 0.0),
            }
        })
    }

    /// The law at rest.
    pub fn at_rest(&self) -> Series {
        Series(self.waves().at_rest())
    }

    /// The law at time t from (1 + p cos(x − x₀))/2π.
    pub fn law(&self, (p, at): (f64, f64), time: f64) -> Series {
        let mut start: Vec<Complex> = vec![(0.0, 0.0); 2 * MOST as usize + 1];
        let (s, c) = at.sin_cos();
        let middle = MOST as usize;
        start[middle] = (1.0, 0.0);
        start[middle + 1] = (0.5 * p * c, -0.5 * p * s);
        start[middle - 1] = (0.5 * p * c, 0.5 * p * s);
        Series(if time == 0.0 { start } else { self.waves().after(&start, time) })
    }

    /// Cell probabilities of a law, the axis within [−π, π].
    pub fn cells(grid: &Grid, law: &Series) -> Vec<f64> {
        grid.axes()[0].edges().windows(2).map(|ends| law.probability(ends[0], ends[1])).collect()
    }
}

/// The unrolled process on an arc: first passages out of it.
impl NaturalScale for Washboard {
    fn ends(&self) -> [f64; 2] {
        [-4.0, 4.0]
    }

    fn weight(&self, x: f64) -> f64 {
        let slope = |y: f64| self.drift(y) / (self.temperature * self.noise(y));
        integrate(slope, 0.0, x, 6).exp() / self.noise(x)
    }

    fn spread(&self, x: f64) -> f64 {
        self.temperature * self.noise(x)
    }
}

impl Dynamics for Washboard {
    fn dimension(&self) -> usize {
        1
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        for (p, &x) in points.iter().enumerate() {
            drift[p] = self.drift(x);
            diffusion[p] = self.noise(x);
        }
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.iter_mut().zip(points).for_each(|(out, &x)| *out = -self.modulation * (x - self.phase).sin());
    }
}
