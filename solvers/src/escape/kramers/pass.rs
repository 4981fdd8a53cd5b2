//! Passes over a barrier and what Kramers' law says of them.

use crate::escape::passage::Target;
use crate::problem::grid::Grid;

/// A way over the barrier.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// The top b, or the saddle s (d).
    pub position: Vec<f64>,
    /// ψ_b − ψ_a, or (L_s − L_a)/(T σ²).
    pub barrier: f64,
    /// Kramers' rate over it.
    pub rate: f64,
    /// Barriers on this way; the position is that of the highest.
    pub barriers: usize,
    /// The share of the time after which the surface of the target is reached, Φ(z) for a surface at z = distance to the top over
    /// √(T D/|λ₋|): 1 where it lies beyond the barrier, ½ where it runs over the top.
    pub surface: f64,
}

/// Kramers' law for a first passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Kramers {
    /// The minimum that the start drains to (d).
    pub minimum: Vec<f64>,
    /// The ways from there to the target, the lowest first.
    pub passes: Vec<Pass>,
}

impl Kramers {
    /// The mean time to beyond the barrier: one over the sum of the rates.
    pub fn time(&self) -> f64 {
        1.0 / self.passes.iter().map(|pass| pass.rate).sum::<f64>()
    }

    /// The mean time to the surface of the target, shorter where that runs over the top of the barrier.
    pub fn time_to_surface(&self) -> f64 {
        1.0 / self.passes.iter().map(|pass| pass.rate / pass.surface).sum::<f64>()
    }
}

/// Barriers above the lowest, in units of T D, that still count.
pub(super) const PARALLEL: f64 = 5.0;
/// Least share of the time at the surface of a target for which the way up still counts as a barrier: one width before the top.
pub(super) const SHARE: f64 = 0.1587;

/// A point in words.
pub(super) fn place(theta: &[f64]) -> String {
    let rounded = |x: &f64| (1e6 * x).round() / 1e6 + 0.0; // no −0
    format!("({})", theta.iter().map(|x| rounded(x).to_string()).collect::<Vec<_>>().join(", "))
}

/// Samples per width along the falling direction, widths looked at, halvings.
const SAMPLES: usize = 50;
const WIDTHS: usize = 3;
const HALVINGS: usize = 40;

/// Φ(z) of the surface of the target at z widths beyond a top, along the falling direction; 1 where the surface is not near.
pub(super) fn share_at_surface(grid: &Grid, target: &Target, top: &[f64], direction: &[f64], width: f64) -> f64 {
    let point = |t: f64| -> Vec<f64> {
        let moved = top.iter().zip(direction).map(|(x, v)| x + t * width * v);
        moved.zip(grid.axes()).map(|(x, axis)| if axis.is_periodic() { axis.wrap(x) } else { x }).collect()
    };
    let inside = |t: f64| target.contains(&point(t))[0];
    let beyond = !inside(0.0);
    let step = |k: usize| k as f64 / SAMPLES as f64;
    let crossing = |sign: f64| {
        let k = (1..=WIDTHS * SAMPLES).find(|&k| inside(sign * step(k)) == beyond)?;
        let (mut low, mut high) = (step(k - 1), step(k));
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if inside(sign * middle) == beyond { high = middle } else { low = middle }
        }
        Some(0.5 * (low + high))
    };
    let nearest = [1.0, -1.0].into_iter().filter_map(crossing).fold(f64::INFINITY, f64::min);
    let z = if beyond { nearest } else { -nearest };
    0.5 * (1.0 + libm::erf(z / std::f64::consts::SQRT_2))
}
