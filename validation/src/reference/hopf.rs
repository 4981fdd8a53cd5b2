//! Hopf normal form with noise: dr-part μr − r³, rotation ω + σr², dθ = ((μ − r²) I + (ω + σr²) J) θ dt + √(2T) dW in the plane.
//!
//! The rotation is along the level lines of r, so that the density at rest is e^{−(r⁴/4 − μr²/2)/T}/Z whatever it is. For σ = 0 it
//! commutes with the rest: the eigenvalues are λ_{m,n} ± imω with those of the radial equation of e^{imφ}, here by a Galerkin method
//! in r^m times polynomials orthogonal in s = r². The mean time from radius r to the circle R is that of the radius alone,
//! dr = (μr − r³ + T/r) dt + √(2T) dW. Source: Risken 12 (laser); L. Arnold, Random Dynamical Systems, 1998, 9.4.

use fpsolve_solvers::numerics::small_matrix::diagonalise;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;

use super::natural_scale::NaturalScale;
use super::quadrature;

/// Polynomials of the Galerkin method.
const BASIS: usize = 24;
/// Panels of 8 points on the radial axis.
const PANELS: usize = 60;

/// The process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hopf {
    /// μ: negative a focus, positive a limit cycle of radius √μ.
    pub growth: f64,
    /// ω.
    pub rotation: f64,
    /// σ.
    pub shear: f64,
    /// Temperature T.
    pub temperature: f64,
}

/// The modes of e^{imφ}: values at the radial nodes.
pub struct Sector {
    /// m.
    pub number: u32,
    /// λ_{m,n}, ascending.
    pub values: Vec<f64>,
    /// Coefficients of mode n in the basis: `vectors[j·N + n]`.
    vectors: Vec<f64>,
    /// Three-term recurrence of the orthonormal polynomials: α_j, √β_j.
    recurrence: Vec<(f64, f64)>,
}

impl Hopf {
    /// The radius beyond which nothing lies.
    fn reach(&self) -> f64 {
        (2.0 * self.growth.max(0.0) + 2.0 * (40.0 * self.temperature).sqrt()).sqrt()
    }

    /// V(r)/T.
    fn exponent(&self, r: f64) -> f64 {
        (0.25 * r.powi(4) - 0.5 * self.growth * r * r) / self.temperature
    }

    /// Radial nodes with the weight r^{2m + 1} e^{−V/T} dr.
    fn nodes(&self, m: u32) -> Vec<(f64, f64)> {
        let width = self.reach() / PANELS as f64;
        let panel = |k: usize| quadrature::nodes(width * k as f64, width * (k + 1) as f64);
        (0..PANELS)
            .flat_map(panel)
            .map(|(r, w)| (r, w * r.powi(2 * m as i32 + 1) * (-self.exponent(r)).exp()))
            .collect()
    }

    /// The modes of e^{imφ}.
    pub fn sector(&self, m: u32) -> Sector {
        let nodes = self.nodes(m);
        let recurrence = stieltjes(&nodes);
        let mut stiffness = vec![0.0; BASIS * BASIS];
        for &(r, w) in &nodes {
            let values = polynomials(&recurrence, r * r);
            // |∇(r^m p e^{imφ})|² r = r^{2m − 1} (…); w carries r^{2m + 1}
            let slope = |(p, dp): (f64, f64)| f64::from(m) * p + 2.0 * r * r * dp;
            for (i, &a) in values.iter().enumerate() {
                for (j, &b) in values.iter().enumerate() {
                    let turning = f64::from(m * m) * a.0 * b.0;
                    stiffness[i * BASIS + j] += self.temperature * w / (r * r) * (slope(a) * slope(b) + turning);
                }
            }
        }
        let mut vectors = super::matrix::identity(BASIS);
        diagonalise(BASIS, &mut stiffness, &mut vectors);
        let mut order: Vec<usize> = (0..BASIS).collect();
        order.sort_by(|&a, &b| stiffness[a * BASIS + a].total_cmp(&stiffness[b * BASIS + b]));
        let values = order.iter().map(|&k| stiffness[k * BASIS + k]).collect();
        let vectors = (0..BASIS * BASIS).map(|at| vectors[(at / BASIS) * BASIS + order[at % BASIS]]).collect();
        Sector { number: m, values, vectors, recurrence }
    }

    /// E r² at rest, twice the variance of each coordinate.
    pub fn mean_square(&self) -> f64 {
        let nodes = self.nodes(0);
        let total: f64 = nodes.iter().map(|(_, w)| w).sum();
        nodes.iter().map(|(r, w)| w * r * r).sum::<f64>() / total
    }

    /// Cell probabilities at rest, normalised on the grid.
    pub fn at_rest(&self, grid: &Grid) -> Vec<f64> {
        quadrature::normalised_cells(grid, |x| (-self.exponent(x[0].hypot(x[1]))).exp())
    }

    /// Coefficients of g(r) e^{imφ} in the modes of a sector.
    pub fn projected(&self, sector: &Sector, g: impl Fn(f64) -> f64) -> Vec<f64> {
        let nodes = self.nodes(sector.number);
        let mut found = vec![0.0; BASIS];
        for (r, w) in nodes {
            let shares = sector.modes(r * r);
            let value = g(r) / r.powi(sector.number as i32);
            found.iter_mut().zip(&shares).for_each(|(out, mode)| *out += w * mode * value);
        }
        found
    }

    /// Cell probabilities at time t from the density at rest times 1 + c x e^{−r²/2}, for σ = 0.
    pub fn tilted(&self, grid: &Grid, tilt: f64, time: f64) -> Vec<f64> {
        if time == 0.0 {
            return quadrature::normalised_cells(grid, |x| {
                let square = x[0] * x[0] + x[1] * x[1];
                (-self.exponent(square.sqrt())).exp() * (1.0 + tilt * x[0] * (-0.5 * square).exp())
            });
        }
        let sector = self.sector(1);
        let start = self.projected(&sector, |r| tilt * r * (-0.5 * r * r).exp());
        let left: Vec<f64> = start.iter().zip(&sector.values).map(|(c, l)| c * (-l * time).exp()).collect();
        let (s, c) = (self.rotation * time).sin_cos();
        quadrature::normalised_cells(grid, |x| {
            let square = x[0] * x[0] + x[1] * x[1];
            let radial: f64 = sector.modes(square).iter().zip(&left).map(|(mode, c)| mode * c).sum();
            (-self.exponent(square.sqrt())).exp() * (1.0 + radial * (c * x[0] + s * x[1]))
        })
    }

    /// Mean at time t of the same: half of E r·(the radial part), turned by ωt.
    pub fn tilted_mean(&self, tilt: f64, time: f64) -> [f64; 2] {
        let sector = self.sector(1);
        let start = self.projected(&sector, |r| tilt * r * (-0.5 * r * r).exp());
        let first = self.projected(&sector, |r| r);
        let total: f64 = self.nodes(0).iter().map(|(_, w)| w).sum();
        let overlap = |n: usize| start[n] * first[n] * (-sector.values[n] * time).exp();
        let size = 0.5 * (0..BASIS).map(overlap).sum::<f64>() / total;
        let (s, c) = (self.rotation * time).sin_cos();
        [size * c, size * s]
    }
}

impl Sector {
    /// The radial modes over r^m at s = r².
    pub fn modes(&self, square: f64) -> Vec<f64> {
        let basis = polynomials(&self.recurrence, square);
        let mode = |n: usize| (0..BASIS).map(|j| self.vectors[j * BASIS + n] * basis[j].0).sum();
        (0..BASIS).map(mode).collect()
    }
}

/// α_j and √β_j of the polynomials in s = r² orthonormal under the weights (W. Gautschi 2004, 2.2.3).
fn stieltjes(nodes: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let total: f64 = nodes.iter().map(|(_, w)| w).sum();
    let (mut before, mut now) = (vec![0.0; nodes.len()], vec![1.0 / total.sqrt(); nodes.len()]);
    let mut recurrence = vec![(0.0, total.sqrt())];
    for j in 0..BASIS {
        let alpha: f64 = nodes.iter().zip(&now).map(|((r, w), p)| w * r * r * p * p).sum();
        recurrence[j].0 = alpha;
        let root = if j == 0 { 0.0 } else { recurrence[j].1 };
        let mut next: Vec<f64> =
            nodes.iter().zip(now.iter().zip(&before)).map(|((r, _), (p, q))| (r * r - alpha) * p - root * q).collect();
        let size = nodes.iter().zip(&next).map(|((_, w), p)| w * p * p).sum::<f64>().sqrt();
        next.iter_mut().for_each(|p| *p /= size);
        recurrence.push((0.0, size));
        (before, now) = (now, next);
    }
    recurrence
}

/// The polynomials at s and their slopes.
fn polynomials(recurrence: &[(f64, f64)], s: f64) -> Vec<(f64, f64)> {
    let mut values = vec![(1.0 / recurrence[0].1, 0.0)];
    for j in 0..BASIS - 1 {
        let (alpha, root) = (recurrence[j].0, if j == 0 { 0.0 } else { recurrence[j].1 });
        let (p, dp) = values[j];
        let (q, dq) = if j == 0 { (0.0, 0.0) } else { values[j - 1] };
        let size = recurrence[j + 1].1;
        values.push((((s - alpha) * p - root * q) / size, (p + (s - alpha) * dp - root * dq) / size));
    }
    values
}

/// The radius alone.
impl NaturalScale for Hopf {
    fn ends(&self) -> [f64; 2] {
        [0.0, self.reach()]
    }

    fn powers(&self) -> [f64; 2] {
        [2.0, 1.0]
    }

    fn weight(&self, r: f64) -> f64 {
        r * (-self.exponent(r)).exp()
    }

    fn spread(&self, _r: f64) -> f64 {
        self.temperature
    }
}

impl Dynamics for Hopf {
    fn dimension(&self) -> usize {
        2
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / 2;
        for p in 0..n {
            let (x, y) = (points[p], points[n + p]);
            let square = x * x + y * y;
            let (pull, turn) = (self.growth - square, self.rotation + self.shear * square);
            (drift[p], drift[n + p]) = (pull * x - turn * y, pull * y + turn * x);
            (diffusion[p], diffusion[n + p], diffusion[2 * n + p]) = (1.0, 0.0, 1.0);
        }
    }

    fn diffusion_divergence(&self, _points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.fill(0.0);
    }
}
