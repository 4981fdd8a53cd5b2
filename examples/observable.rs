//! An observable of one's own over an ensemble: the correlation ⟨x(s) x(s + t)⟩ of Langevin walkers, which no density holds.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::FromFunctions;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::langevin::{Langevin, LangevinOptions};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

pub(crate) fn main() -> Result<(), Error> {
    // dx = −x dt + √(2T) dW, started in its stationary law N(0, T)
    let (temperature, walkers) = (0.5, 40_000);
    let process = FromFunctions::new(1, |x: &[f64], b: &mut [f64]| b[0] = -x[0], |_: &[f64], d: &mut [f64]| d[0] = 1.0);
    let grid = Grid::new(vec![Axis::uniform("x", -5.0, 5.0, 100, [Boundary::Reflecting; 2])?])?;
    let start = Initial::Gaussian { mean: vec![0.0], covariance: vec![temperature] };
    let problem = Problem::of_dynamics(Arc::new(process), temperature, grid, start, vec![0.0, 2.0]);
    let options = LangevinOptions { walkers, step: Some(0.005), ..LangevinOptions::default() };
    let mut langevin = Langevin::new(&problem, options)?;
    let before = langevin.ensemble().first_points(walkers); // coordinate-major: θ_k of walker i at [k·walkers + i]
    for time in [0.5, 1.0, 2.0] {
        langevin.advance(time, &|| false)?;
        let now = langevin.ensemble().first_points(walkers);
        let products: Vec<f64> = before.iter().zip(&now).map(|(x, y)| x * y).collect();
        let mean = products.iter().sum::<f64>() / walkers as f64;
        let square = products.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / walkers as f64;
        let (error, exact) = ((square / walkers as f64).sqrt(), temperature * (-time).exp());
        println!("t = {time}: {mean:.4} ± {error:.4}, exact {exact:.4}");
        assert!((mean - exact).abs() < 4.0 * error, "T e^(−t) at t = {time}");
    }
    Ok(())
}
