#![allow(clippy::unwrap_used)]
//! Axes with other scales: orders and levels against exact laws, for both discretisations.

use std::sync::Arc;

use fpsolve_solvers::dynamics::FromFunctions;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::fokker_planck::choice::from_word;
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::scale::Scale;

const WALLS: [Boundary; 2] = [Boundary::Reflecting; 2];

fn axis(name: &str, ends: [f64; 2], cells: usize, scale: Scale) -> Axis {
    Axis::scaled(name, ends, cells, scale, WALLS).unwrap()
}

fn gaussian(mean: &[f64], covariance: &[f64]) -> Initial {
    Initial::Gaussian { mean: mean.to_vec(), covariance: covariance.to_vec() }
}

fn engine(dynamics: &Arc<dyn Dynamics>, grid: Grid, initial: Initial, times: &[f64], word: &str) -> FokkerPlanck {
    let problem = Problem::of_dynamics(Arc::clone(dynamics), 0.1, grid, initial, times.to_vec());
    let options = FokkerPlanckOptions { discretisation: from_word(word).unwrap(), ..Default::default() };
    FokkerPlanck::new(&problem, options).unwrap()
}

/// dx = (½ − x) dt + √(2T) x dW: at rest ρ ∝ x^{−12} e^{−5/x} for T = 0.1.
fn geometric() -> Arc<dyn Dynamics> {
    let drift = |p: &[f64], b: &mut [f64]| b[0] = 0.5 - p[0];
    Arc::new(FromFunctions::new(1, drift, |p: &[f64], a: &mut [f64]| a[0] = p[0] * p[0]))
}

/// Integral of x^{−12} e^{−5/x} by panels in ln x, which suit it.
fn share(from: f64, to: f64) -> f64 {
    let (a, b, n) = (from.ln(), to.ln(), 40);
    let f = |u: f64| (-11.0 * u - 5.0 * (-u).exp()).exp();
    let h = (b - a) / f64::from(n);
    (0..n).map(|i| a + h * f64::from(i)).map(|u| h / 6.0 * (f(u) + 4.0 * f(u + 0.5 * h) + f(u + h))).sum()
}

#[test]
fn a_density_at_rest_on_logarithmic_and_noise_axes_is_that_of_fourth_order_averages() {
    let ends = [0.05, 8.0];
    let noise = || Scale::drawn(ends, 512, |x| x).unwrap();
    // the drawn map is as good as its table
    let cases = [(Scale::log(ends[0], ends[1]).unwrap(), "log", 3.9, 9.3e-6), (noise(), "noise", 3.2, 1.5e-5)];
    for (scale, name, order, level) in cases {
        let error = |cells: usize| {
            let grid = Grid::new(vec![axis("x", ends, cells, scale.clone())]).unwrap();
            let found = engine(&geometric(), grid.clone(), gaussian(&[1.0], &[0.01]), &[0.0, 0.1], "edges");
            let edges = grid.axes()[0].edges();
            let exact: Vec<f64> = edges.windows(2).map(|w| share(w[0], w[1])).collect();
            let total: f64 = exact.iter().sum();
            let own = found.on_grid().unwrap().stationary().unwrap().probability.clone();
            own.iter().zip(&exact).map(|(p, q)| (p - q / total).abs()).sum::<f64>()
        };
        let (coarse, fine) = (error(48), error(96));
        assert!((coarse / fine).log2() > order && fine < level, "{name}: {coarse:e} {fine:e}");
    }
}

#[test]
fn a_transient_on_a_sinh_axis_is_of_second_order() {
    // dx = −x dt + √(0.2) dW from N(1, 0.04)
    let drift = |p: &[f64], b: &mut [f64]| b[0] = -p[0];
    let dynamics: Arc<dyn Dynamics> = Arc::new(FromFunctions::new(1, drift, |_: &[f64], a: &mut [f64]| a[0] = 1.0));
    let (decay, ends) = ((-0.5f64).exp(), [-3.0, 3.0]);
    let exact = gaussian(&[decay], &[0.1 + (0.04 - 0.1) * decay * decay]);
    let error = |cells: usize| {
        let scale = Scale::sinh(ends, 0.5, 0.4).unwrap();
        let grid = Grid::new(vec![axis("x", ends, cells, scale)]).unwrap();
        let mut found = engine(&dynamics, grid.clone(), gaussian(&[1.0], &[0.04]), &[0.0, 0.5], "edges");
        found.advance(0.5, &|| false).unwrap();
        let right = exact.cell_probability(&grid).unwrap();
        found.snapshot().probability.iter().zip(&right).map(|(p, q)| (p - q).abs()).sum::<f64>()
    };
    let (coarse, fine) = (error(64), error(128));
    assert!((coarse / fine).log2() > 1.95 && fine < 4.9e-4, "{coarse:e} {fine:e}");
}

#[test]
fn the_chain_keeps_exact_moments_of_a_full_tensor_in_coordinates() {
    // d(x, y) = (½ − x, x − y) dt with D = ((x², x/2), (x/2, 1)): E x = ½ + ½ e^{−t}, E y = ½ (1 − e^{−t}) + ½ t e^{−t}
    let drift = |p: &[f64], b: &mut [f64]| (b[0], b[1]) = (0.5 - p[0], p[0] - p[1]);
    let diffusion = |p: &[f64], a: &mut [f64]| (a[0], a[1], a[2]) = (p[0] * p[0], 0.5 * p[0], 1.0);
    let dynamics: Arc<dyn Dynamics> = Arc::new(FromFunctions::new(2, drift, diffusion));
    let x = axis("x", [0.06, 8.0], 40, Scale::log(0.06, 8.0).unwrap());
    let y = axis("y", [-3.0, 5.0], 40, Scale::sinh([-3.0, 5.0], 0.5, 1.0).unwrap());
    let grid = Grid::new(vec![x, y]).unwrap();
    let start = gaussian(&[1.0, 0.0], &[0.04, 0.0, 0.04]);
    let mut found = engine(&dynamics, grid, start, &[0.0, 1.0], "chain");
    found.advance(1.0, &|| false).unwrap();
    let (snapshot, e) = (found.snapshot(), (-1.0f64).exp());
    let right = [0.5 + 0.5 * e, 0.5 * (1.0 - e) + 0.5 * e];
    assert!(snapshot.mean.iter().zip(&right).all(|(a, b)| (a - b).abs() < 7.7e-5), "{:?} {right:?}", snapshot.mean);
    assert!(snapshot.probability.iter().all(|p| *p >= 0.0));
    assert!((snapshot.probability.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}
