//! A noise of one's own: D(θ) = (floor + L(θ)) I, noise that grows with the loss. On L = x²/2 the law has the tails of
//! Student's t.

use std::sync::Arc;

use fpsolve_solvers::diffusion::Diffusion;
use fpsolve_solvers::dynamics::GradientDynamics;
use fpsolve_solvers::engine::{Engine, OnGrid};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::formula::{Symbols, parse};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::numerics::symmetric::packed_index;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

/// D = (floor + L) I.
struct GrowsWithLoss {
    floor: f64,
}

impl Diffusion for GrowsWithLoss {
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        let (d, n) = (model.dimension(), points.len() / model.dimension());
        let mut loss = vec![0.0; n];
        model.loss(points, &mut loss);
        diffusion.fill(0.0);
        for k in 0..d {
            let row = packed_index(d, k, k) * n;
            (0..n).for_each(|i| diffusion[row + i] = self.floor + loss[i]);
        }
    }
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Arc::new(FormulaModel::loss(1, &parse("x^2/2", &Symbols::new(&["x"]))?));
    let dynamics = Arc::new(GradientDynamics::new(model, Arc::new(GrowsWithLoss { floor: 0.3 })));
    let grid = Grid::new(vec![Axis::uniform("x", -6.0, 6.0, 1200, [Boundary::Reflecting; 2])?])?;
    let problem = Problem::of_dynamics(dynamics, 0.2, grid, Initial::Uniform, vec![0.0, 1.0]);
    let engine = FokkerPlanck::new(&problem, FokkerPlanckOptions::default())?;
    let stationary = engine.on_grid().and_then(OnGrid::stationary).ok_or("no stationary density")?;
    let variance = stationary.covariance[0];
    println!("variance {variance:.6}");
    assert!((variance * 15.0 - 1.0).abs() < 1e-3, "B06 of the reference problems: 1/15");
    Ok(())
}
