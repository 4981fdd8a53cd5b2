//! Problems on which the choice once was wrong.

#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use super::*;
use crate::engine::{Attribute, Engine, OnGrid};
use crate::fokker_planck::testing::test_fields::{Field, NoLoss};
use crate::problem::Problem;
use crate::problem::density::l1;
use crate::problem::grid::{Axis, Boundary, Grid};
use crate::problem::initial::Initial;

fn problem(dynamics: Field, cells: usize, [from, to]: [f64; 2], mean: &[f64], variance: f64, times: &[f64]) -> Problem {
    let d = mean.len();
    let axis = |k: usize| Axis::uniform(["x", "y"][k], from, to, cells, [Boundary::Reflecting; 2]).unwrap();
    let covariance = if d == 1 { vec![variance] } else { vec![variance, 0.0, variance] };
    Problem {
        variables: ["x", "y"][..d].iter().map(|name| (*name).to_string()).collect(),
        model: Arc::new(NoLoss(d)),
        dynamics: Arc::new(dynamics),
        temperature: 1.0,
        minibatch: None,
        grid: Grid::new((0..d).map(axis).collect()).unwrap(),
        initial: Initial::Gaussian { mean: mean.to_vec(), covariance },
        times: times.to_vec(),
        seed: 1,
    }
}

fn engine(problem: &Problem, word: &str) -> FokkerPlanck {
    let discretisation = choice::from_word(word).unwrap();
    FokkerPlanck::new(problem, FokkerPlanckOptions { discretisation, ..FokkerPlanckOptions::default() }).unwrap()
}

/// Cell averages of a Gaussian, by 24² points a cell.
fn gaussian(grid: &Grid, mean: [f64; 2], [a, b, c]: [f64; 3]) -> Vec<f64> {
    let (det, fine) = (a * c - b * b, 24);
    let h = [0, 1].map(|k| grid.axes()[k].spacing());
    let cell = |i: usize| {
        let center = grid.center(i);
        let offset = |k: usize, j: usize| center[k] - mean[k] + h[k] * ((j as f64 + 0.5) / fine as f64 - 0.5);
        let all = (0..fine).flat_map(|p| (0..fine).map(move |q| (p, q)));
        all.map(|(p, q)| {
            let (x, y) = (offset(0, p), offset(1, q));
            (-0.5 * (c * x * x - 2.0 * b * x * y + a * y * y) / det).exp()
        })
        .sum::<f64>()
    };
    let law: Vec<f64> = (0..grid.len()).map(cell).collect();
    let sum: f64 = law.iter().sum();
    law.iter().map(|p| p / sum).collect()
}

#[test]
fn a_law_that_is_narrow_on_its_way_alone_gets_the_chain() {
    // noise where the law starts and where it rests, next to none on a fast way in between
    let way = |x: f64| {
        let noisy = (-(x * x) / 0.08).exp() + (-((x - 3.0) * (x - 3.0)) / 0.08).exp();
        (3.0 * (3.0 - x) / (1.0 + (3.0 - x).abs()), 0.002 + 0.1 * noisy)
    };
    let times = [0.0, 0.4, 0.8, 1.2, 4.0];
    let narrow = |cells: usize| problem(Field::line(way), cells, [-1.0, 4.0], &[0.0], 0.02, &times);
    let fine = narrow(16_000);
    let mut reference = engine(&fine, "edges");
    let on_way = narrow(250);
    let (mut chosen, mut edges) = (engine(&on_way, "auto"), engine(&on_way, "edges"));
    assert_eq!(chosen.discretisation().kind().word, "chain");
    let mut worst = [0.0f64; 2];
    for &t in &times[1..] {
        reference.advance(t, &|| false).unwrap();
        let truth: Vec<f64> = reference.snapshot().probability.chunks(64).map(|cells| cells.iter().sum()).collect();
        for (worst, engine) in worst.iter_mut().zip([&mut chosen, &mut edges]) {
            engine.advance(t, &|| false).unwrap();
            *worst = worst.max(l1(&engine.snapshot().probability, &truth));
        }
    }
    println!("chain {:e}, told {:e}; edges {:e}", worst[0], chosen.estimated_error(), worst[1]);
    assert!(worst[0] < 0.7 * worst[1], "{worst:?}");
    let told = chosen.estimated_error();
    assert!(worst[0] < 3.0 * told && told < 3.0 * worst[0], "{worst:?}, told {told:e}");
}

#[test]
fn the_choice_does_not_flip_with_the_cells_and_singular_noise_is_met() {
    // −H θ with H = [[1, ½], [½, 2]] and D = 0.1 R(30°) diag(1, ratio) Rᵀ; at rest HC + CH = 2D
    let h = [[1.0, 0.5], [0.5, 2.0]];
    for (ratio, cells, level) in [(0.01, 48, 1.4e-2), (0.01, 52, 1.0e-2), (0.0, 64, 7e-3)] {
        let (s, c) = (std::f64::consts::PI / 6.0).sin_cos();
        let a = [0.1 * (c * c + ratio * s * s), 0.1 * (1.0 - ratio) * c * s, 0.1 * (s * s + ratio * c * c)];
        let drift = move |x: f64, y: f64| [-h[0][0] * x - h[0][1] * y, -h[1][0] * x - h[1][1] * y, 0.0];
        let field = Field::new(2, move |[x, y, _]| (drift(x, y), [a[0], a[1], a[2], 0.0, 0.0, 0.0]));
        let problem = problem(field, cells, [-2.0, 2.0], &[0.8, -0.4], 0.05, &[0.0, 1.0]);
        let engine = engine(&problem, "auto");
        assert_eq!(engine.discretisation().kind().word, "chain", "{ratio} {cells}");
        let c12 = (2.0 * a[1] - 0.5 * a[0] - 0.25 * a[2]) / (3.0 - 0.25 - 0.125);
        let exact = gaussian(&problem.grid, [0.0; 2], [a[0] - 0.5 * c12, c12, 0.5 * a[2] - 0.25 * c12]);
        let stationary = engine.stationary().unwrap();
        let (error, told) = (l1(&stationary.probability, &exact), stationary.error_grid.unwrap());
        println!("{ratio} {cells}: {error:e}, told {told:e}");
        assert!(error < level && error < 3.0 * told && told < 3.0 * error, "{error:e} {told:e}");
    }
}

#[test]
fn noise_that_vanishes_at_rest_is_followed_by_contracted_laws() {
    // −x and D = x²/10 in each variable: the law of ln|x| has drift −1.1 and moments E x² = e^{(−2 + 0.2)t} x₀²; nothing covers the cells at last
    let field = Field::new(2, |[x, y, _]| ([-x, -y, 0.0], [0.1 * x * x, 0.0, 0.1 * y * y, 0.0, 0.0, 0.0]));
    let times = [0.0, 1.0, 2.0];
    let problem = problem(field, 60, [-1.5, 1.5], &[0.8, -0.5], 0.01, &times);
    let mut engine = engine(&problem, "chain");
    assert!(
        engine.warnings().iter().any(|warning| warning.contains("does not cover a cell")),
        "{:?}",
        engine.warnings()
    );
    for &t in &times[1..] {
        engine.advance(t, &|| false).unwrap();
        let found = engine.snapshot();
        let decay = (-t).exp();
        assert!(
            (found.mean[0] - 0.8 * decay).abs() < 2e-3 && (found.mean[1] + 0.5 * decay).abs() < 2e-3,
            "{:?}",
            found.mean
        );
        let exact = (0.64 + 0.01) * (-1.8 * t).exp() - 0.64 * decay * decay;
        let excess = found.covariance[0] - exact;
        // some tenths of a squared cell
        assert!((-2e-4..2.5e-3).contains(&excess), "t = {t}: {excess:e} beyond {exact:e}");
        assert!(found.probability.iter().all(|&p| p >= 0.0));
        let refined = engine.refined_moments().unwrap();
        assert!(refined.covariance_error.iter().all(|error| error.is_nan()), "an error of moments that nothing tells");
    }
    let text = |name: &str| engine.attributes().into_iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    assert!(matches!(text("discretisation"), Some(Attribute::Text(word)) if word == "chain"));
}
