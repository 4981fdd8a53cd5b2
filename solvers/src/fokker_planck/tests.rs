#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use super::*;
use crate::dynamics::Dynamics;
use crate::fokker_planck::fixtures::l1;
use crate::grid::{Axis, Boundary};
use crate::model::Model;
use crate::symmetric::{packed_index, packed_len};

/// b = −H θ with constant D.
struct Linear {
    h: Vec<f64>,
    diffusion: Vec<f64>,
    d: usize,
}

impl Dynamics for Linear {
    fn dimension(&self) -> usize {
        self.d
    }
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / self.d;
        for i in 0..n {
            for k in 0..self.d {
                drift[k * n + i] = -(0..self.d).map(|j| self.h[k * self.d + j] * points[j * n + i]).sum::<f64>();
            }
            for c in 0..packed_len(self.d) {
                diffusion[c * n + i] = self.diffusion[c];
            }
        }
    }
}

struct NoModel(usize);
impl Model for NoModel {
    fn dimension(&self) -> usize {
        self.0
    }
    fn loss(&self, _: &[f64], loss: &mut [f64]) {
        loss.fill(0.0);
    }
    fn gradient(&self, _: &[f64], gradient: &mut [f64]) {
        gradient.fill(0.0);
    }
}

fn problem(dynamics: Linear, cells: usize, half: f64, initial: Initial, times: &[f64]) -> Problem {
    let d = dynamics.d;
    let axis = |k: usize| {
        Axis::uniform(format!("x{k}"), -half, half, cells, [Boundary::Reflecting, Boundary::Reflecting]).unwrap()
    };
    Problem {
        variables: (0..d).map(|k| format!("x{k}")).collect(),
        model: Arc::new(NoModel(d)),
        dynamics: Arc::new(dynamics),
        temperature: 0.1,
        minibatch: None,
        grid: Grid::new((0..d).map(axis).collect()).unwrap(),
        initial,
        times: times.to_vec(),
        seed: 1,
    }
}

fn ornstein_uhlenbeck(cells: usize, initial: Initial, times: &[f64]) -> Problem {
    problem(Linear { h: vec![1.5], diffusion: vec![1.0], d: 1 }, cells, 2.5, initial, times)
}

/// B08 of the reference numbers: H = diag(1, 3), D = [[1, .8], [.8, 2]], T = 0.1; a rotating stationary current.
fn rotating(cells: usize, initial: Initial, times: &[f64]) -> Problem {
    let dynamics = Linear { h: vec![1.0, 0.0, 0.0, 3.0], diffusion: vec![1.0, 0.8, 2.0], d: 2 };
    problem(dynamics, cells, 1.9, initial, times)
}

fn follow(problem: &Problem, method: &str) -> (FokkerPlanck, Vec<Snapshot>) {
    let options = FokkerPlanckOptions { method: method.into(), ..FokkerPlanckOptions::default() };
    let mut engine = FokkerPlanck::new(problem, options).unwrap();
    let mut out = Vec::new();
    for &t in &problem.times {
        engine.advance(t, &|| false).unwrap();
        assert_eq!(engine.time(), t);
        out.push(engine.snapshot());
    }
    (engine, out)
}

fn number(engine: &FokkerPlanck, name: &str) -> f64 {
    match engine.attributes().into_iter().find(|(key, _)| *key == name).unwrap().1 {
        Attribute::Float(value) => value,
        Attribute::Integer(value) => value as f64,
        Attribute::Text(text) => panic!("{text}"),
    }
}

fn gaussian(problem: &Problem, mean: Vec<f64>, covariance: Vec<f64>) -> Vec<f64> {
    Initial::Gaussian { mean, covariance }.cell_probability(&problem.grid).unwrap()
}

#[test]
fn a_point_start_follows_the_exact_gaussian_at_second_order_with_an_honest_estimate() {
    let times = [0.0, 1e-5, 0.1, 0.7];
    let errors: Vec<f64> = [100, 200, 400]
        .iter()
        .map(|&cells| {
            let problem = ornstein_uhlenbeck(cells, Initial::Point { at: vec![1.003] }, &times);
            let (engine, seen) = follow(&problem, "auto");
            assert!((seen[0].mean[0] - 1.003).abs() < 0.5 * problem.grid.axes()[0].spacing());
            let worst = |k: usize| {
                let e = (-1.5 * times[k]).exp();
                let exact = gaussian(&problem, vec![1.003 * e], vec![0.1 / 1.5 * (1.0 - e * e)]);
                l1(&seen[k].probability, &exact)
            };
            assert!(worst(1) < 1e-6, "before the start time: {:e}", worst(1));
            assert!(number(&engine, "mass_error") < 1e-12);
            assert!(engine.warnings().is_empty(), "{:?}", engine.warnings());
            let error = worst(2).max(worst(3));
            let said = number(&engine, "error_grid");
            assert!(error < 3.0 * said && said < 3.0 * error, "{cells}: error {error:e}, said {said:e}");
            error
        })
        .collect();
    assert!(errors[2] < 3e-3, "{errors:?}");
    assert!((errors[1] / errors[2]).log2() > 1.85, "{errors:?}");
}

#[test]
fn the_rotating_gaussian_has_its_covariance_current_and_entropy_production() {
    let initial = Initial::Gaussian { mean: vec![0.5, -0.3], covariance: vec![0.05, 0.0, 0.05] };
    let problem = rotating(64, initial, &[0.0, 0.2, 1.0]);
    let (engine, seen) = follow(&problem, "auto");
    let stationary = engine.stationary().unwrap();
    for (got, exact) in stationary.covariance.iter().zip([0.1, 0.04, 1.0 / 15.0]) {
        assert!((got - exact).abs() < 5e-3 * exact, "{got} {exact}");
    }
    assert!((stationary.entropy_production - 8.0 / 17.0).abs() < 1e-2, "{}", stationary.entropy_production);
    assert!(stationary.residual < 1e-14 && !stationary.reversible);
    let exact = gaussian(&problem, vec![0.0, 0.0], vec![0.1, 0.04, 1.0 / 15.0]);
    let (error, said) = (l1(&stationary.probability, &exact), stationary.error_grid.unwrap());
    assert!(error < 1e-2 && error < 3.0 * said && said < 3.0 * error, "{error:e} {said:e}");
    // the potential is the Gaussian's, also where the density is 1e-20: Φ = T/2 θᵀC⁻¹θ
    let det = 0.1 / 15.0 - 0.0016;
    let centre = problem.grid.center(problem.grid.cell(&[60, 14]));
    let (x, y) = (centre[0], centre[1]);
    let phi = 0.05 * (x * x / 15.0 - 0.08 * x * y + 0.1 * y * y) / det;
    let got = stationary.potential[problem.grid.cell(&[60, 14])];
    assert!((got / phi - 1.0).abs() < 0.05, "{got} {phi}");
    let e = [(-1.0f64).exp(), (-3.0f64).exp()];
    for k in 0..2 {
        let wanted = [0.5, -0.3][k] * e[k];
        assert!((seen[2].mean[k] - wanted).abs() < 2e-3, "{:?}", seen[2].mean);
    }
    let c = |i: usize, j: usize| {
        let (rate, noise) = ([1.0, 3.0][i] + [1.0, 3.0][j], 0.2 * [1.0, 0.8, 2.0][packed_index(2, i, j)]);
        let start = if i == j { 0.05 } else { 0.0 };
        noise / rate + (start - noise / rate) * (-rate * 1.0f64).exp()
    };
    let mean = vec![0.5 * e[0], -0.3 * e[1]];
    let exact = gaussian(&problem, mean, vec![c(0, 0), c(0, 1), c(1, 1)]);
    assert!(l1(&seen[2].probability, &exact) < 2e-2);
    assert!(number(&engine, "mass_error") < 1e-12);
}

#[test]
fn methods_agree_and_a_positive_one_stays_non_negative() {
    let problem = ornstein_uhlenbeck(120, Initial::Uniform, &[0.0, 0.3, 2.0]);
    let (_, truth) = follow(&problem, "tr-bdf2");
    for method in stepper::METHODS {
        let options =
            FokkerPlanckOptions { method: method.name.into(), tolerance: 1e-4, ..FokkerPlanckOptions::default() };
        let mut engine = FokkerPlanck::new(&problem, options).unwrap();
        engine.advance(0.3, &|| false).unwrap();
        engine.advance(2.0, &|| false).unwrap();
        assert!(l1(&engine.snapshot().probability, &truth[2].probability) < 1e-4, "{}", method.name);
        let lowest = number(&engine, "min_density");
        assert!(if method.positive { lowest >= 0.0 } else { lowest > -1e-6 }, "{} {lowest:e}", method.name);
    }
    let wrong = FokkerPlanckOptions { method: "magic".into(), ..FokkerPlanckOptions::default() };
    assert!(FokkerPlanck::new(&problem, wrong).is_err());
}

#[test]
fn interrupts_reach_the_caller_and_walls_are_reported() {
    let start = Initial::Gaussian { mean: vec![2.4], covariance: vec![0.01] };
    let problem = ornstein_uhlenbeck(100, start, &[0.0, 1.0]);
    let mut engine = FokkerPlanck::new(&problem, FokkerPlanckOptions::default()).unwrap();
    assert!(matches!(engine.advance(1.0, &|| true), Err(Error::Interrupted { .. })));
    assert!(engine.warnings().iter().any(|w| w.contains("outermost")), "{:?}", engine.warnings());
    assert_eq!(engine.time(), 0.0);
}

#[test]
fn the_ladder_shows_second_order_and_extrapolates_to_the_exact_moments() {
    let start = Initial::Gaussian { mean: vec![1.0], covariance: vec![0.05] };
    let problem = ornstein_uhlenbeck(256, start, &[0.0, 0.7]);
    let ladder = convergence::convergence(&problem, &FokkerPlanckOptions::default(), 4, &|| false).unwrap();
    assert_eq!(ladder.rungs.iter().map(|r| r.cells[0]).collect::<Vec<_>>(), [32, 64, 128, 256]);
    let last = &ladder.rungs[3];
    assert!((last.order.unwrap() - 2.0).abs() < 0.15, "{ladder:?}");
    assert!(last.change.is_none() && ladder.rungs[0].order.is_none());
    let e = (-1.05f64).exp();
    let exact = [e, 0.1 / 1.5 + (0.05 - 0.1 / 1.5) * e * e];
    for (functional, exact) in ladder.functionals.iter().zip(exact) {
        let error =
            (last.values[ladder.functionals.iter().position(|f| f.name == functional.name).unwrap()] - exact).abs();
        assert!((functional.extrapolated - exact).abs() < 1e-6, "{functional:?} {exact}");
        assert!(error < 3.0 * functional.error + 1e-9 && functional.error < 3.0 * error + 1e-9, "{functional:?}");
    }
    let odd = ornstein_uhlenbeck(33, Initial::Uniform, &[0.0, 0.1]);
    assert!(convergence::convergence(&odd, &FokkerPlanckOptions::default(), 3, &|| false).is_err());
}
