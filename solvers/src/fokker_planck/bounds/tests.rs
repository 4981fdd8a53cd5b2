#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use super::*;
use crate::engine::{Engine, OnGrid};
use crate::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use crate::model::Model;
use crate::problem::dynamics::Dynamics;

/// b = −slope·x − cubic·x³ in each variable, D = 1 + growth x².
struct Drift {
    slope: f64,
    cubic: f64,
    growth: f64,
    d: usize,
}

impl Dynamics for Drift {
    fn dimension(&self) -> usize {
        self.d
    }
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / self.d;
        diffusion.fill(0.0);
        for (i, &x) in points.iter().enumerate() {
            let k = i / n;
            drift[i] = -self.slope * x - self.cubic * x.powi(3);
            diffusion[packed_index(self.d, k, k) * n + i % n] = 1.0 + self.growth * x * x;
        }
    }
}

impl Model for Drift {
    fn dimension(&self) -> usize {
        self.d
    }
    fn loss(&self, _: &[f64], loss: &mut [f64]) {
        loss.fill(0.0);
    }
    fn gradient(&self, _: &[f64], gradient: &mut [f64]) {
        gradient.fill(0.0);
    }
}

fn problem(slope: f64, cubic: f64, growth: f64, d: usize, initial: Initial, end: f64) -> Problem {
    let drift = Arc::new(Drift { slope, cubic, growth, d });
    let variables: Vec<String> = ["x", "y", "z"][..d].iter().map(|v| v.to_string()).collect();
    let axis = |name: &String| Axis::uniform(name, 0.0, 1.0, 8, [Boundary::Reflecting; 2]).unwrap();
    Problem {
        grid: Grid::new(variables.iter().map(axis).collect()).unwrap(),
        variables,
        model: drift.clone(),
        dynamics: drift,
        temperature: 0.1,
        minibatch: None,
        initial,
        times: vec![0.0, 0.1 * end, end],
        seed: 3,
    }
}

fn gaussian(mean: &[f64], std: f64) -> Initial {
    let d = mean.len();
    let mut covariance = vec![0.0; packed_len(d)];
    (0..d).for_each(|k| covariance[packed_index(d, k, k)] = std * std);
    Initial::Gaussian { mean: mean.to_vec(), covariance }
}

/// Probability in the outermost cells of any side, at any output time and stationary, on a grid with these bounds.
fn touched(problem: &Problem, bounds: &[[f64; 2]], cells: usize) -> f64 {
    let axis =
        |(name, b): (&String, &[f64; 2])| Axis::uniform(name, b[0], b[1], cells, [Boundary::Reflecting; 2]).unwrap();
    let grid = Grid::new(problem.variables.iter().zip(bounds).map(axis).collect()).unwrap();
    let problem = Problem { grid, ..problem.clone() };
    let options = FokkerPlanckOptions { tolerance: 1e-11, ..Default::default() };
    let mut engine = FokkerPlanck::new(&problem, options).unwrap();
    let mut most: f64 = 0.0;
    let mut laws = vec![engine.stationary().unwrap().probability.clone()];
    for &time in &problem.times {
        engine.advance(time, &|| false).unwrap();
        laws.push(engine.snapshot().probability);
    }
    for law in laws {
        for k in 0..problem.dimension() {
            let line = marginal(&problem.grid, &law, k);
            most = most.max(line[0]).max(line[line.len() - 1]);
        }
    }
    most
}

#[test]
fn boxes_hold_all_but_a_1e_8th_of_the_probability_and_little_room_beside() {
    // standard deviation 0.258: from −1.55 to 1.55 is 6 of them; the second starts far outside of it; the third grows from a point
    let cases = [
        (problem(1.5, 0.0, 0.0, 1, gaussian(&[0.2], 0.1), 2.0), [-1.9, -1.4], [1.4, 1.9]),
        (problem(1.5, 0.0, 0.0, 1, gaussian(&[4.0], 0.05), 2.0), [-2.0, -1.4], [4.2, 4.8]),
        (problem(1.5, 0.0, 0.0, 1, Initial::Point { at: vec![-3.0] }, 0.5), [-3.6, -3.0], [1.4, 1.9]),
        (problem(-1.0, 1.0, 1.0, 1, gaussian(&[-1.0], 0.2), 5.0), [-9.0, -2.5], [2.5, 9.0]), // B05: fatter tails
    ];
    for (k, (problem, lower, upper)) in cases.iter().enumerate() {
        let found = find(problem, &[200], true).unwrap();
        let [from, to] = found.bounds[0];
        assert!(from > lower[0] && from < lower[1] && to > upper[0] && to < upper[1], "{k}: {found:?}");
        let share = touched(problem, &found.bounds, 200);
        assert!(share < SHARE, "{k}: {share:e} {found:?}");
        assert_eq!(find(problem, &[200], true).unwrap().bounds, found.bounds, "not deterministic");
    }
}

#[test]
fn two_dimensions_and_a_stationary_tail_that_the_transient_never_sees() {
    let problem = problem(1.0, 0.0, 0.0, 2, gaussian(&[0.0, 0.5], 0.01), 1e-3);
    let found = find(&problem, &[48, 48], true).unwrap();
    assert!(touched(&problem, &found.bounds, 48) < SHARE, "{found:?}");
    let found = find(&problem, &[48, 48], false).unwrap();
    let [from, to] = found.bounds[1];
    assert!(from > 0.2 && to < 0.8, "without the stationary density the box is that of the start: {found:?}");
}

#[test]
fn what_no_box_can_hold_is_refused_with_the_side_and_a_way_out() {
    let start = || gaussian(&[0.1], 0.1);
    let error = |problem: &Problem| {
        let error = find(problem, &[128], true).unwrap_err();
        assert!(error.help().unwrap().contains("give the ends and the cells of each axis"), "{error}");
        error.to_string()
    };
    let free = problem(0.0, 0.0, 0.0, 1, start(), 1.0);
    assert!(error(&free).contains("nothing confines x towards"), "{}", error(&free));
    assert!(find(&free, &[128], false).is_ok(), "the density itself is confined over the output times");
    let repelled = problem(-1.0, 0.0, 0.0, 1, start(), 2.0);
    assert!(error(&repelled).contains("nothing confines"), "{}", error(&repelled));
    let runaway = problem(-1.0, -1.0, 0.0, 1, start(), 5.0);
    assert!(error(&runaway).contains("confines"), "{}", error(&runaway));
    let heavy = problem(1.0, 0.0, 20.0, 1, start(), 1.0); // ρ ~ |x|^−1.5: the tail does not even have a mean
    assert!(error(&heavy).contains("no box"), "{}", error(&heavy));
    let uniform = problem(1.0, 0.0, 0.0, 1, Initial::Uniform, 1.0);
    assert!(error(&uniform).contains("only defined on a box"));
}
