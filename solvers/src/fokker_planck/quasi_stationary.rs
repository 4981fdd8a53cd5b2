//! The quasi-stationary density of a basin: the law of θ given that it has not left the basin for a long time.
//!
//! With the cells outside the basin cut out of the generator Q the law of what stays decays as p(t) → c e^{−λt} ν, where Qᵀν = −λν with
//! the largest eigenvalue −λ, ν ≥ 0 and Σν = 1. λ is the exit rate: from ν the time of the exit is exponential with mean 1/λ.
//! (P. Collet, S. Martínez & J. San Martín, Quasi-Stationary Distributions, doi:10.1007/978-3-642-33131-2.)
//!
//! Inverse iteration ν ← λ(−Qᵀ)⁻¹ν on the subtraction-free solvers keeps ν ≥ 0 and the *relative* accuracy of λ however deep the basin
//! is. It converges as λ/λ₂, λ₂ the next relaxation rate inside the basin.

use super::edges::edge_generator;
use super::edges::first_passage::killed;
use super::linear::solver::{ShiftedSolver, proceed};
use super::linear::table::prepare;
use crate::Error;
use crate::engine::Interrupt;
use crate::escape::basin::{Basin, QuasiStationary};
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// L1 change of ν in an iteration, which is its relative residual, at which it has converged.
const CONVERGED: f64 = 1e-13;
/// Most iterations.
const MAX_ITERATIONS: usize = 500;
/// Relative residual above which the iteration has failed.
const FAILED: f64 = 1e-6;
/// Error on the grid 2h over that on h, less 1.
const GROWTH: f64 = 3.0;

/// The quasi-stationary density of a basin by the edge generator of drift b and A = T·D on a grid.
///
/// Errors: a basin without cells or with all of them, cells that have no way out, an iteration that does not converge,
/// [`Error::Interrupted`].
pub fn quasi_stationary(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    basin: &Basin,
    interrupt: Interrupt,
) -> Result<QuasiStationary, Error> {
    let on = |grid: &Grid| on_one_grid(dynamics, temperature, grid, basin, interrupt);
    let mut found = on(grid)?;
    found.rate_error = match grid.coarsened().as_ref().map(on) {
        Some(Ok(coarse)) => Some((found.rate - coarse.rate).abs() / GROWTH),
        Some(Err(error @ Error::Interrupted { .. })) => return Err(error),
        // a basin too small for the coarse grid
        Some(Err(_)) | None => None,
    };
    Ok(found)
}

/// The same without an error of the rate.
fn on_one_grid(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    basin: &Basin,
    interrupt: Interrupt,
) -> Result<QuasiStationary, Error> {
    basin.check(grid)?;
    let inside = basin.inside.cells(grid);
    let generator = edge_generator(dynamics, temperature, grid)?.generator;
    let generator = killed(&generator, grid, &basin.outside)?;
    let solver = prepare(&generator, grid.shape()).factor(0.0, 1.0, interrupt)?;
    let mut nu: Vec<f64> = (0..grid.len()).map(|i| if inside[i] { grid.volume(i) } else { 0.0 }).collect();
    let size: f64 = nu.iter().sum();
    nu.iter_mut().for_each(|p| *p /= size);
    let (rate, residual) = slowest_decay(solver.as_ref(), &mut nu, interrupt)?;
    if !(rate > 0.0 && rate.is_finite() && residual < FAILED) {
        return Err(Error::numerical(
            "quasi-stationary density",
            format!("of \"{}\"", basin.inside.text()),
            format!("the iteration has not converged: relative residual {residual:.1e}"),
            "choose a basin without a barrier inside",
        ));
    }
    Ok(QuasiStationary { probability: nu, rate, rate_error: None, residual })
}

/// Inverse iteration ν ← λ(−Qᵀ)⁻¹ν from `nu` (Σ = 1), which becomes the law of what is left after long: λ and ‖Qᵀν + λν‖₁/λ. Errors: those
/// of the solver.
pub(super) fn slowest_decay(
    solver: &dyn ShiftedSolver,
    nu: &mut [f64],
    interrupt: Interrupt,
) -> Result<(f64, f64), Error> {
    let (mut rate, mut residual) = (0.0, f64::INFINITY);
    for _ in 0..MAX_ITERATIONS {
        proceed(interrupt)?;
        let before = nu.to_vec();
        solver.solve(nu, interrupt)?;
        rate = 1.0 / nu.iter().sum::<f64>();
        nu.iter_mut().for_each(|p| *p *= rate);
        let change: f64 = nu.iter().zip(&before).map(|(a, b)| (a - b).abs()).sum();
        // rounding keeps the change from falling further
        let stalled = change >= residual && residual < FAILED;
        residual = change;
        if change < CONVERGED || stalled {
            break;
        }
    }
    Ok((rate, residual))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::escape::passage::Target;
    use crate::formula::{Expression, Symbols, parse};
    use crate::numerics::symmetric::packed_index;
    use crate::problem::grid::{Axis, Boundary};

    const T: f64 = 0.25;

    /// b = −θ, D = 1.
    struct OrnsteinUhlenbeck(usize);

    impl Dynamics for OrnsteinUhlenbeck {
        fn dimension(&self) -> usize {
            self.0
        }
        fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
            let (d, n) = (self.0, points.len() / self.0);
            diffusion.fill(0.0);
            drift.iter_mut().zip(points).for_each(|(b, x)| *b = -x);
            (0..d).for_each(|k| diffusion[packed_index(d, k, k) * n..][..n].fill(1.0));
        }
    }

    fn basin(text: &str, d: usize) -> Basin {
        let condition = parse(text, &Symbols::new(&["x", "y"][..d])).unwrap();
        let rest = Expression::constant(1.0).plus(&condition.negated());
        let set = |condition| Target::new(text, condition, d);
        Basin { inside: set(&condition), outside: set(&rest) }
    }

    fn grid(d: usize, cells: usize) -> Grid {
        let axis = |k: usize| Axis::uniform(["x", "y"][k], -3.5, 3.5, cells, [Boundary::Reflecting; 2]).unwrap();
        Grid::new((0..d).map(axis).collect()).unwrap()
    }

    fn found(d: usize, cells: usize, text: &str) -> Result<QuasiStationary, Error> {
        quasi_stationary(&OrnsteinUhlenbeck(d), T, &grid(d, cells), &basin(text, d), &|| false)
    }

    /// L1 distance to the density |x|/T e^{−x²/(2T)} of x < 0, times a normal one of y.
    fn distance(d: usize, cells: usize, probability: &[f64]) -> f64 {
        let grid = grid(d, cells);
        let normal = |y: f64| (-y * y / (2.0 * T)).exp() / (2.0 * std::f64::consts::PI * T).sqrt();
        let exact = |[x, y, _]: [f64; 3]| {
            let x = if x < 0.0 { -x / T * (-x * x / (2.0 * T)).exp() } else { 0.0 };
            if d > 1 { x * normal(y) } else { x }
        };
        probability.iter().enumerate().map(|(i, p)| (p - grid.volume(i) * exact(grid.center(i))).abs()).sum()
    }

    #[test]
    fn an_ornstein_uhlenbeck_process_that_stays_on_one_side_leaves_at_the_rate_of_its_drift() {
        // 70 cells: the surface is at a face; 75: at a centre, 0 itself is outside
        for (d, cells) in [(1, 70), (1, 75), (2, 70)] {
            let (coarse, fine) = (found(d, cells, "x < 0").unwrap(), found(d, 2 * cells, "x < 0").unwrap());
            let errors = [&coarse, &fine].map(|found| (found.rate - 1.0).abs());
            assert!(errors[1] < 2e-3 && errors[1] < 0.4 * errors[0], "{d} {cells}: {errors:?}");
            assert!(fine.residual < 1e-12, "{}", fine.residual);
            let told = fine.rate_error.unwrap();
            assert!(errors[1] < 3.0 * told && told < 10.0 * errors[1], "{d} {cells}: {told:e} for {errors:?}");
            let distances =
                [(cells, &coarse), (2 * cells, &fine)].map(|(cells, found)| distance(d, cells, &found.probability));
            assert!(distances[1] < 1e-2 && distances[1] < 0.4 * distances[0], "{d} {cells}: {distances:?}");
        }
    }

    #[test]
    fn deep_basins_have_small_rates_with_their_digits() {
        // mean time to a level a ≫ √T from rest: √(2πT)/a e^{a²/(2T)} (1 + …); here 1/λ by the same law
        let found = found(1, 700, "x < 3").unwrap();
        let kramers = 3.0 / (2.0 * std::f64::consts::PI * T).sqrt() * (-9.0 / (2.0 * T)).exp();
        assert!((found.rate / kramers - 1.0).abs() < 0.05, "{:e} {kramers:e}", found.rate);
        assert!(found.residual < 1e-12);
    }

    #[test]
    fn a_basin_without_cells_or_without_an_outside_is_refused() {
        assert!(found(1, 70, "x < -9").unwrap_err().to_string().contains("covers no cell"));
        assert!(found(1, 70, "x < 9").is_err());
    }
}
