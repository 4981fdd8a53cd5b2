//! Steps beside walls at which the noise vanishes, where a Gaussian step reaches beyond the wall and its reflection moves the mean.
//!
//! At the distance s from the wall the equation is there ds = β dt + √(2κs) dW, β the drift inwards and κ = T D/s: a square-root
//! process, whose step h has the mean m = s + βh and the variance v = κh (2s + βh). A positive variate with both takes the place of the
//! Gaussian one, driven by the same normal number z (the quadratic-exponential scheme, L. Andersen 2008, doi:10.21314/JCF.2008.189):
//! for ψ = v/m² ≤ 3/2 s' = a (√b + z)², b = 2/ψ − 1 + √(2/ψ (2/ψ − 1)), a = m/(1 + b); else s' = 0 with the probability
//! p = (ψ − 1)/(ψ + 1), and beyond exponential. The mean of a linear drift stays exact; weak order 1.

use crate::ensemble::{BLOCK, Block};
use crate::langevin::root;
use crate::langevin::scheme::Work;
use crate::numerics::symmetric::packed_index;
use crate::problem::Problem;
use crate::problem::grid::Boundary;
use crate::problem::walls::walls_without_noise;

/// Distances in units of κh up to which the step is taken: farther off a Gaussian one comes to the wall with a probability of 5e-5.
const NEAR: f64 = 30.0;
/// ψ up to which the variate is a square.
const SQUARE: f64 = 1.5;
/// Least distance from the wall over the length of the axis, since at the wall itself the noise shows no slope.
const LEAST: f64 = 1e-10;

/// Which reflecting walls are without noise.
#[derive(Debug, Clone)]
pub(super) struct VanishingNoise {
    walls: Vec<[bool; 2]>,
    bounds: Vec<[f64; 2]>,
}

impl VanishingNoise {
    /// Of a problem.
    pub fn new(problem: &Problem) -> Self {
        let grid = &problem.grid;
        let of = |k: usize| {
            let (silent, boundary) =
                (walls_without_noise(problem.dynamics.as_ref(), grid, k), grid.axes()[k].boundary());
            [0, 1].map(|side| silent[side] && boundary[side] == Boundary::Reflecting)
        };
        Self {
            walls: (0..grid.dimension()).map(of).collect(),
            bounds: grid.axes().iter().map(|axis| [axis.lower(), axis.upper()]).collect(),
        }
    }

    /// Whether there is such a wall.
    pub fn any(&self) -> bool {
        self.walls.iter().flatten().any(|&silent| silent)
    }

    /// Puts the walkers that were beside such a wall where the square-root process takes them, in `work.next`; normals of the step in
    /// `work.noise`, drift and D before it in `work`. Returns whether any was.
    pub fn apply(&self, block: &Block, work: &mut Work, temperature: f64, h: f64) -> bool {
        let d = self.walls.len();
        if d > 1 {
            root::root(d, &work.diffusion, &mut work.root);
        }
        let mut any = false;
        for k in 0..d {
            for side in (0..2).filter(|&side| self.walls[k][side]) {
                let (wall, sign) = (self.bounds[k][side], if side == 0 { 1.0 } else { -1.0 });
                let least = LEAST * (self.bounds[k][1] - self.bounds[k][0]);
                for i in 0..BLOCK {
                    let distance = sign * (block.points[k * BLOCK + i] - wall);
                    let noise = work.diffusion[packed_index(d, k, k) * BLOCK + i];
                    if distance * distance < NEAR * temperature * h * noise || distance < least {
                        let z = normal(work, d, k, i, noise);
                        let slope = if distance > 0.0 { temperature * h * noise / distance } else { 0.0 };
                        let next = step(distance.max(0.0), sign * work.drift[k * BLOCK + i] * h, slope, sign * z);
                        work.next[k * BLOCK + i] = wall + sign * next.max(least);
                        any = true;
                    }
                }
            }
        }
        any
    }
}

/// The normal number that moves walker i along axis k: (S z)_k/√D_kk.
fn normal(work: &Work, d: usize, k: usize, i: usize, noise: f64) -> f64 {
    if k == 0 || noise <= 0.0 {
        return work.noise[k * BLOCK + i];
    }
    // packed by columns: S_kj stands where D_jk does
    let part = |j: usize| work.root[packed_index(d, j, k) * BLOCK + i] * work.noise[j * BLOCK + i];
    (0..=k).map(part).sum::<f64>() / noise.sqrt()
}

/// The distance after a step from the distance s: `drift` is βh, `slope` κh.
fn step(s: f64, drift: f64, slope: f64, z: f64) -> f64 {
    let mean = s + drift;
    let variance = slope * (2.0 * s + drift);
    if mean <= 0.0 || variance <= 0.0 {
        return mean.max(0.0);
    }
    let psi = variance / (mean * mean);
    if psi <= SQUARE {
        let q = 2.0 / psi;
        let b = q - 1.0 + (q * (q - 1.0)).sqrt();
        return mean / (1.0 + b) * (b.sqrt() + z).powi(2);
    }
    let share = 2.0 / (psi + 1.0); // 1 − p
    let beyond = 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2);
    if beyond >= share { 0.0 } else { mean / share * (share / beyond).ln() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::random::Stream;

    #[test]
    fn a_step_has_the_mean_and_the_variance_of_the_square_root_process() {
        let mut random = Stream::new(7, "vanishing noise", 0);
        for (s, drift, slope) in
            [(0.0, 0.1, 0.5), (0.02, 0.1, 0.5), (1.0, 0.1, 0.5), (1.0, -0.2, 0.05), (3.0, 0.0, 0.1)]
        {
            // at s = 0 the drift alone, without a slope, would give no variance
            let (mean, variance) = (s + drift, slope * (2.0 * s + drift));
            let n = 200_000;
            let values: Vec<f64> = (0..n).map(|_| step(s, drift, slope, random.normal())).collect();
            let found = values.iter().sum::<f64>() / f64::from(n);
            let squares = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            let sigma = (variance / f64::from(n)).sqrt();
            assert!((found - mean).abs() < 5.0 * sigma, "{s} {drift}: {found} {mean}");
            assert!((squares / variance - 1.0).abs() < 0.1, "{s} {drift}: {squares} {variance}");
            assert!(values.iter().all(|&x| x >= 0.0));
        }
    }
}
