//! A drift and a diffusion matrix of one's own, as closures: a rotating process, whose drift is not the gradient of a loss.
//!
//! dθ = −H θ dt + √(2T) S dW with a D = S Sᵀ that does not commute with H: the stationary state carries a current, and the
//! entropy it produces is known.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::FromFunctions;
use fpsolve_solvers::engine::{Engine, OnGrid};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

pub(crate) fn main() -> Result<(), Error> {
    let drift = |x: &[f64], b: &mut [f64]| (b[0], b[1]) = (-x[0], -3.0 * x[1]);
    // a symmetric matrix is packed by rows of its upper triangle: D₁₁, D₁₂, D₂₂
    let diffusion = |_: &[f64], d: &mut [f64]| d.copy_from_slice(&[1.0, 0.8, 2.0]);
    let axis = |name: &str, half: f64| Axis::uniform(name, -half, half, 96, [Boundary::Reflecting; 2]);
    let grid = Grid::new(vec![axis("x", 2.0)?, axis("y", 1.7)?])?;
    let dynamics = Arc::new(FromFunctions::new(2, drift, diffusion));
    let problem = Problem::of_dynamics(dynamics, 0.1, grid, Initial::Uniform, vec![0.0, 1.0]);
    let engine = FokkerPlanck::new(&problem, FokkerPlanckOptions::default())?;
    let stationary =
        engine.on_grid().and_then(OnGrid::stationary).expect("walls reflect: there is one stationary density");
    println!("covariance {:.5?}", stationary.covariance);
    println!("entropy production {:.5}", stationary.entropy_production);
    assert!((stationary.covariance[1] - 0.04).abs() < 1e-3, "B08 of the reference problems");
    assert!((stationary.entropy_production - 8.0 / 17.0).abs() < 0.01, "B08 of the reference problems");
    Ok(())
}
