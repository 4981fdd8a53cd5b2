//! A density in one dimension: the stationary law of dx = −L′(x) dt + √(2T) dW in the double well L = x⁴/4 − x²/2.
//!
//! Run it with `cargo run --release --example density`.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::FromFunctions;
use fpsolve_solvers::engine::{Engine, OnGrid};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

pub(crate) fn main() -> Result<(), Error> {
    let well = FromFunctions::new(
        1,
        |x: &[f64], b: &mut [f64]| b[0] = x[0] - x[0].powi(3),
        |_: &[f64], d: &mut [f64]| d[0] = 1.0,
    );
    let grid = Grid::new(vec![Axis::uniform("x", -2.5, 2.5, 400, [Boundary::Reflecting; 2])?])?;
    let start = Initial::Gaussian { mean: vec![-1.0], covariance: vec![0.04] };
    let problem = Problem::of_dynamics(Arc::new(well), 0.1, grid, start, vec![0.0, 5.0]);
    let mut engine = FokkerPlanck::new(&problem, FokkerPlanckOptions::default())?;
    engine.advance(5.0, &|| false)?;
    let density = engine.snapshot(); // .probability holds one number per cell
    println!("after t = 5 the mean is {:.4}", density.mean[0]);
    let stationary =
        engine.on_grid().and_then(OnGrid::stationary).expect("walls reflect: there is one stationary density");
    let variance = stationary.covariance[0];
    println!("at rest the variance is {variance:.6}");
    assert!((variance - 0.871_362_908).abs() < 1e-4, "B02 of the reference problems, T = 0.1");
    Ok(())
}
