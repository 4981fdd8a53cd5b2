//! Walls at which the noise vanishes, against the exact laws of Jacobi and square-root processes.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use statrs::function::beta::beta_reg;
use statrs::function::gamma::gamma_lr;

use super::test_fields::{Field, NoLoss};
use crate::engine::{Attribute, Engine, OnGrid};
use crate::fokker_planck::engine::FokkerPlanck;
use crate::fokker_planck::options::FokkerPlanckOptions;
use crate::formula::{Symbols, parse};
use crate::langevin::{Langevin, LangevinOptions};
use crate::problem::Problem;
use crate::problem::density::l1;
use crate::problem::grid::{Axis, Boundary, Grid};
use crate::problem::initial::Initial;

fn problem(field: Field, boxes: &[([f64; 2], usize)], initial: Initial, times: &[f64]) -> Problem {
    let axis = |&([from, to], cells): &([f64; 2], usize)| {
        Axis::uniform("x", from, to, cells, [Boundary::Reflecting; 2]).unwrap()
    };
    Problem {
        variables: (0..field.dimension).map(|k| format!("x{k}")).collect(),
        model: Arc::new(NoLoss(field.dimension)),
        dynamics: Arc::new(field),
        temperature: 0.5,
        minibatch: None,
        grid: Grid::new(boxes.iter().map(axis).collect()).unwrap(),
        initial,
        times: times.to_vec(),
        seed: 1,
    }
}

/// On [lo, hi] with u the share of the way: du = (p(1 − u) − q u) dt + √(2u(1 − u)) dW; Beta(p, q), rates k(k − 1 + p + q).
fn jacobi([lo, hi]: [f64; 2], p: f64, q: f64) -> Field {
    let length = hi - lo;
    Field::line(move |x| {
        let (u, v) = ((x - lo) / length, (hi - x) / length);
        (length * (p * v - q * u), 2.0 * length * length * u * v)
    })
}

fn beta_cells(n: usize, p: f64, q: f64) -> Vec<f64> {
    let edge = |i: usize| match i {
        0 => 0.0,
        i if i == n => 1.0,
        i => beta_reg(p, q, i as f64 / n as f64),
    };
    (0..n).map(|i| edge(i + 1) - edge(i)).collect()
}

fn edges(problem: &Problem) -> FokkerPlanck {
    let kind = crate::fokker_planck::choice::from_word("edges").unwrap();
    FokkerPlanck::new(problem, FokkerPlanckOptions { discretisation: kind, ..Default::default() }).unwrap()
}

const EXPONENTS: [[f64; 2]; 6] = [[0.1, 0.1], [0.2, 0.4], [0.2, 6.0], [2.5, 0.5], [6.0, 3.0], [0.7, 1.3]];

/// Whether a stated error holds for a true one above `rounding`.
fn holds(error: f64, said: f64, rounding: f64) -> bool {
    error < 3.0 * said.max(rounding) && said < 3.0 * error.max(rounding)
}

#[test]
fn jacobi_processes_have_their_beta_law_mean_and_rates() {
    for [p, q] in EXPONENTS {
        for [lo, hi] in [[0.0, 1.0], [2.0, 5.0], [0.0, 1e-6], [-1000.0, -999.0]] {
            let start = Initial::Point { at: vec![0.5 * (lo + hi)] };
            let engine = edges(&problem(jacobi([lo, hi], p, q), &[([lo, hi], 80)], start, &[0.0, 0.1]));
            let stationary = OnGrid::stationary(&engine).unwrap();
            let mean = (stationary.mean[0] - lo) / (hi - lo) - p / (p + q);
            let error = l1(&stationary.probability, &beta_cells(80, p, q));
            assert!(error < 2e-8 && mean.abs() < 1e-8, "{p} {q} from {lo}: {error:e} {mean:e}");
            assert!(stationary.error_grid.unwrap() < 1e-6, "{p} {q} from {lo}: {:?}", stationary.error_grid);
            let modes = engine.spectrum(4, &|| false).unwrap();
            for (k, bound) in [(1, 1e-7), (2, 2.5e-3), (3, 5e-3)] {
                let exact = k as f64 * (k as f64 - 1.0 + p + q);
                let (error, said) = ((modes.real[k] - exact).abs(), modes.refined.as_ref().unwrap().error[k]);
                assert!(
                    error < bound * exact && holds(error, said, 1e-5),
                    "{p} {q} from {lo}, {k}: {error:e} {said:e}"
                );
            }
        }
    }
}

/// dx = (ν − x) dt + √(2x) dW: Gamma(ν) at rest.
fn square_root(nu: f64) -> Field {
    Field::line(move |x| (nu - x, 2.0 * x))
}

/// Cell probabilities of the square-root process after the time t from x0; at rest for a large one.
fn square_root_cells(nu: f64, x0: f64, t: f64, end: f64, n: usize) -> Vec<f64> {
    let scale = -(-t).exp_m1();
    let arrivals = x0 * (-t).exp() / scale;
    let edge = |i: usize| -> f64 {
        let x = end * i as f64 / n as f64 / scale;
        let (mut weight, mut sum) = ((-arrivals).exp(), 0.0);
        for k in 0..if x0 == 0.0 { 1 } else { 60 } {
            sum += if i == 0 { 0.0 } else { weight * gamma_lr(nu + f64::from(k), x) };
            weight *= arrivals / f64::from(k + 1);
        }
        sum
    };
    (0..n).map(|i| edge(i + 1) - edge(i)).collect()
}

#[test]
fn square_root_processes_follow_their_exact_law_from_the_middle_and_from_the_wall() {
    let (times, end, n) = ([0.0, 0.5, 3.0], 40.0, 400);
    for nu in [0.1, 0.5, 1.0, 2.5, 6.0] {
        for x0 in [3.0, 0.0] {
            let problem = problem(square_root(nu), &[([0.0, end], n)], Initial::Point { at: vec![x0] }, &times);
            let mut engine = edges(&problem);
            let mut worst = 0.0f64;
            for &t in &times[1..] {
                engine.advance(t, &|| false).unwrap();
                let (seen, refined, e) = (engine.snapshot(), engine.refined_moments().unwrap(), (-t).exp());
                worst = worst.max(l1(&seen.probability, &square_root_cells(nu, x0, t, end, n)));
                let mean = seen.mean[0] - nu - (x0 - nu) * e;
                let variance = seen.covariance[0] - 2.0 * x0 * (e - e * e) - nu * (1.0 - e).powi(2);
                let said = refined.covariance_error[0];
                let bound = 3.0 * refined.mean_error[0] + 1e-9;
                assert!(mean.abs() < bound.min(1e-6), "{nu} from {x0} at {t}: {mean:e} {refined:?}");
                // at the wall the law of largest entropy that it starts from has the right moments but another shape
                let right =
                    if x0 > 0.0 { holds(variance.abs(), said, 1e-9) } else { variance.abs() < 3.0 * said + 1e-9 };
                assert!(right, "{nu} from {x0} at {t}: {variance:e} {said:e}");
            }
            let said = engine.attributes().into_iter().find_map(|(name, value)| match value {
                Attribute::Float(x) if name == "error_grid" => Some(x),
                _ => None,
            });
            let right = if x0 > 0.0 { holds(worst, said.unwrap(), 1e-9) } else { worst < 3.0 * said.unwrap() };
            assert!(worst < 0.02 && right, "{nu} from {x0}: {worst:e} {said:?}");
            let rest = l1(&OnGrid::stationary(&engine).unwrap().probability, &square_root_cells(nu, 0.0, 60.0, end, n));
            assert!(rest < 1e-8, "{nu}: {rest:e}");
        }
    }
}

#[test]
fn transients_beside_such_walls_are_second_order() {
    let error = |n: usize| {
        let mut engine =
            edges(&problem(square_root(0.5), &[([0.0, 40.0], n)], Initial::Point { at: vec![3.0] }, &[0.0, 0.5]));
        engine.advance(0.5, &|| false).unwrap();
        l1(&engine.snapshot().probability, &square_root_cells(0.5, 3.0, 0.5, 40.0, n))
    };
    let errors = [200, 400, 800].map(error);
    assert!(errors[2] < 3.3e-4 && (errors[0] / errors[2]).log2() > 3.6, "{errors:?}");
}

#[test]
fn geometric_brownian_motion_has_a_power_law_up_to_the_end_of_the_box() {
    for drift in [1.3, 3.0, 6.0] {
        let field = Field::line(move |x| (drift * x, 2.0 * x * x));
        let start = Initial::Point { at: vec![1.0] };
        let engine = edges(&problem(field, &[([0.0, 4.0], 100)], start, &[0.0, 0.1]));
        let stationary = OnGrid::stationary(&engine).unwrap();
        let edge = |i: i32| (f64::from(i) / 100.0).powf(drift - 1.0);
        let exact: Vec<f64> = (0..100).map(|i| edge(i + 1) - edge(i)).collect();
        let mean = stationary.mean[0] - 4.0 * (drift - 1.0) / drift;
        assert!(l1(&stationary.probability, &exact) < 1e-11 && mean.abs() < 1e-11, "{drift} {mean:e}");
    }
    // below the drift of the noise everything ends at the wall
    let field = Field::line(|x| (0.5 * x, 2.0 * x * x));
    let start = Initial::Point { at: vec![1.0] };
    let mut engine = edges(&problem(field, &[([0.0, 4.0], 100)], start, &[0.0, 100.0]));
    engine.advance(100.0, &|| false).unwrap();
    assert!(engine.snapshot().probability[0] > 0.999, "{:?}", engine.snapshot().mean);
}

#[test]
fn walls_that_are_reached_and_not_left_hold_the_fixation_probabilities() {
    // no drift: the share that ends at the upper wall is the start
    let field = Field::line(|x| (0.0, 2.0 * x * (1.0 - x)));
    let start = Initial::Point { at: vec![0.3] };
    let mut engine = edges(&problem(field, &[([0.0, 1.0], 100)], start, &[0.0, 12.0]));
    engine.advance(12.0, &|| false).unwrap();
    let seen = engine.snapshot();
    assert!((seen.mean[0] - 0.3).abs() < 1e-9 && (seen.probability[99] - 0.3).abs() < 1e-6, "{:?}", seen.mean);
    assert!((seen.probability[0] - 0.7).abs() < 1e-6);
}

#[test]
fn products_with_such_walls_have_the_product_law() {
    for (p, q, nu) in [(0.2, 0.4, 2.5), (2.5, 0.3, 0.5)] {
        let (n, m) = (32, 64);
        let drift = move |x: f64| p * (1.0 - x) - q * x;
        let field = Field::new(2, move |[x, y, _]| {
            ([drift(x), nu - y, 0.0], [2.0 * x * (1.0 - x), 0.0, 2.0 * y, 0.0, 0.0, 0.0])
        });
        let boxes = [([0.0, 1.0], n), ([0.0, 30.0], m)];
        let start = Initial::Point { at: vec![0.5, 2.0] };
        let mut engine = edges(&problem(field, &boxes, start, &[0.0, 0.5]));
        let (a, b) = (beta_cells(n, p, q), square_root_cells(nu, 0.0, 60.0, 30.0, m));
        let product = |b: &[f64]| -> Vec<f64> { a.iter().flat_map(|a| b.iter().map(move |b| a * b)).collect() };
        let stationary = OnGrid::stationary(&engine).unwrap();
        let error = l1(&stationary.probability, &product(&b));
        assert!(error < 1e-8 && (stationary.mean[0] - p / (p + q)).abs() < 1e-8, "{p} {q} {nu}: {error:e}");
        let slowest = engine.spectrum(2, &|| false).unwrap().real[1];
        assert!((slowest - 1f64.min(p + q)).abs() < 1e-7, "{p} {q} {nu}: {slowest}");
        engine.advance(0.5, &|| false).unwrap();
        let seen = engine.snapshot().mean;
        let right = [p / (p + q) + (0.5 - p / (p + q)) * (-0.5 * (p + q)).exp(), nu + (2.0 - nu) * (-0.5f64).exp()];
        assert!(seen.iter().zip(right).all(|(seen, right)| (seen - right).abs() < 1e-6), "{seen:?} {right:?}");
        // beside an axis with noise everywhere
        let field =
            Field::new(2, move |[x, y, _]| ([drift(x), -y, 0.0], [2.0 * x * (1.0 - x), 0.0, 2.0, 0.0, 0.0, 0.0]));
        let start = Initial::Point { at: vec![0.5, 1.0] };
        let engine = edges(&problem(field, &[([0.0, 1.0], n), ([-6.0, 6.0], m)], start, &[0.0, 0.5]));
        let line = Grid::new(vec![Axis::uniform("y", -6.0, 6.0, m, [Boundary::Reflecting; 2]).unwrap()]).unwrap();
        let normal = Initial::Gaussian { mean: vec![0.0], covariance: vec![1.0] }.cell_probability(&line).unwrap();
        let stationary = OnGrid::stationary(&engine).unwrap();
        let (error, said) = (l1(&stationary.probability, &product(&normal)), stationary.error_grid.unwrap());
        assert!(error < 2e-5 && holds(error, said, 1e-9), "{error:e} {said:e}");
    }
}

#[test]
fn mean_times_to_levels_and_from_the_wall_are_those_of_the_square_root_process() {
    use crate::escape::passage::{Passage, Target};
    // from 0 to c: τ = Σ_k c^k/(k (ν)_k), by −1 = (ν − x)τ' + xτ''
    for nu in [0.3, 1.0, 3.0] {
        let c = 2.0f64;
        let (mut term, mut exact) = (1.0, 0.0);
        for k in 1..60 {
            term *= c / (nu + f64::from(k - 1));
            exact += term / f64::from(k);
        }
        let problem = problem(square_root(nu), &[([0.0, 4.0], 200)], Initial::Point { at: vec![0.0] }, &[0.0, 0.5]);
        let target = Target::new("x > 2", &parse("x > 2", &Symbols::new(&["x"])).unwrap(), 1);
        let passage = Passage { name: "up".into(), from: vec![0.0], target, avoid: None, walkers: 1, horizon: 1.0 };
        let found = edges(&problem).first_passage(&passage, &|| false).unwrap();
        let (error, said) = ((found.from_value - exact).abs() / exact, found.error_grid.unwrap() / exact);
        assert!(error < 2e-3 && holds(error, said, 1e-5), "{nu}: {error:e} {said:e}");
    }
}

#[test]
fn walkers_beside_walls_without_noise_keep_the_mean() {
    let (p, q) = (0.2, 0.4);
    for scheme in ["euler-maruyama", "milstein", "weak2", "heun"] {
        let start = Initial::Point { at: vec![0.5] };
        let problem = problem(jacobi([0.0, 1.0], p, q), &[([0.0, 1.0], 20)], start, &[0.0, 6.0]);
        let options =
            LangevinOptions { walkers: 10_000, step: Some(0.01), scheme: scheme.into(), ..Default::default() };
        let mut walkers = Langevin::new(&problem, options).unwrap();
        walkers.advance(6.0, &|| false).unwrap();
        let seen = walkers.snapshot();
        let rate = (-(p + q) * 6.0f64).exp();
        let right = p / (p + q) + (0.5 - p / (p + q)) * rate;
        // E x² = (1 + p)/(1 + p + q) E x at rest, and nearly so here
        let second = seen.covariance[0] + seen.mean[0].powi(2) - (1.0 + p) / (1.0 + p + q) * seen.mean[0];
        // a false alarm in 16,000 for each scheme; reflection is off by .03
        assert!((seen.mean[0] - right).abs() < 4.0 * seen.mean_se[0], "{scheme}: {} {right}", seen.mean[0]);
        assert!(second.abs() < 0.01, "{scheme}: {second}");
    }
}
