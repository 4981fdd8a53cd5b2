//! The choice of a discretisation, and the chain where its steps do not cover the cells, on linear problems whose laws are Gaussian.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::{CHAIN, DiscretisationKind, FokkerPlanck, FokkerPlanckOptions};
use crate::engine::{Attribute, Engine};
use crate::fokker_planck::testing::test_fields::Field;
use crate::model::formula::FormulaModel;
use crate::problem::Problem;
use crate::problem::density::l1;
use crate::problem::grid::Boundary::Reflecting;
use crate::problem::grid::{Axis, Grid};
use crate::problem::initial::Initial;

/// dθ = Mθ dt + noise of A, from a Gaussian without correlation.
#[derive(Clone, Copy)]
struct Linear {
    m: [f64; 4],
    a: [f64; 3],
    half: [f64; 2],
    mean: [f64; 2],
    variance: [f64; 2],
}

/// Nearly singular noise that turns.
const TURNING: Linear = Linear {
    m: [-1.0, -2.0, 1.5, -0.8],
    a: [0.15, 0.135, 0.123],
    half: [2.6, 2.2],
    mean: [0.5, -0.3],
    variance: [0.04, 0.0225],
};
/// Noise along an oblique line only, which the drift does not turn: across it the law contracts.
const LINE: Linear = Linear {
    m: [-1.0, 0.0, 0.0, -1.0],
    a: [0.06, 0.03, 0.015],
    half: [2.0, 2.0],
    mean: [0.8, -0.4],
    variance: [0.05, 0.05],
};
/// Moderate anisotropy.
const PLAIN: Linear = Linear {
    m: [-1.0, -0.5, -0.5, -2.0],
    a: [0.0775, 0.038_971_143_170_299_7, 0.0325],
    half: [2.0, 2.0],
    mean: [0.8, -0.4],
    variance: [0.05, 0.05],
};

impl Linear {
    fn problem(self, cells: usize, times: &[f64]) -> Problem {
        let axis = |name: &str, k: usize| Axis::uniform(name, -self.half[k], self.half[k], cells, [Reflecting; 2]);
        let Self { m, a, .. } = self;
        let field = Field::new(2, move |[x, y, _]| {
            ([m[0] * x + m[1] * y, m[2] * x + m[3] * y, 0.0], [a[0], a[1], a[2], 0.0, 0.0, 0.0])
        });
        let [v, w] = self.variance;
        Problem {
            variables: vec!["x".into(), "y".into()],
            model: Arc::new(FormulaModel::drift(&[])),
            dynamics: Arc::new(field),
            temperature: 1.0,
            minibatch: None,
            grid: Grid::new(vec![axis("x", 0).unwrap(), axis("y", 1).unwrap()]).unwrap(),
            initial: Initial::Gaussian { mean: self.mean.to_vec(), covariance: vec![v, 0.0, w] },
            times: times.to_vec(),
            seed: 1,
        }
    }

    /// Cell probabilities at time t.
    fn exact(self, grid: &Grid, t: f64) -> Vec<f64> {
        let (mut mu, mut s) = (self.mean, [self.variance[0], 0.0, self.variance[1]]);
        let (m, a) = (self.m, self.a);
        let slope = |mu: [f64; 2], s: [f64; 3]| {
            let moved = [m[0] * mu[0] + m[1] * mu[1], m[2] * mu[0] + m[3] * mu[1]];
            let x = 2.0 * (m[0] * s[0] + m[1] * s[1]) + 2.0 * a[0];
            let xy = m[0] * s[1] + m[1] * s[2] + m[2] * s[0] + m[3] * s[1] + 2.0 * a[1];
            (moved, [x, xy, 2.0 * (m[2] * s[1] + m[3] * s[2]) + 2.0 * a[2]])
        };
        let dt = t.min(40.0) / 4000.0; // at rest by then
        for _ in 0..4000 {
            let (v, w) = slope(mu, s);
            let half = ([0, 1].map(|k| mu[k] + 0.5 * dt * v[k]), [0, 1, 2].map(|k| s[k] + 0.5 * dt * w[k]));
            let (v, w) = slope(half.0, half.1);
            (mu, s) = ([0, 1].map(|k| mu[k] + dt * v[k]), [0, 1, 2].map(|k| s[k] + dt * w[k]));
        }
        let det = s[0] * s[2] - s[1] * s[1];
        let points = 8;
        let inside = |cell: usize| {
            let centre = grid.center(cell);
            let at = |k: usize, i: usize| {
                centre[k] + grid.axes()[k].spacing() * ((i as f64 + 0.5) / f64::from(points) - 0.5) - mu[k]
            };
            let weight = |x: f64, y: f64| (-0.5 * (s[2] * x * x - 2.0 * s[1] * x * y + s[0] * y * y) / det).exp();
            let all = (0..points as usize).flat_map(|i| (0..points as usize).map(move |j| (i, j)));
            all.map(|(i, j)| weight(at(0, i), at(1, j))).sum::<f64>()
        };
        let out: Vec<f64> = (0..grid.len()).map(inside).collect();
        let sum: f64 = out.iter().sum();
        out.iter().map(|p| p / sum).collect()
    }
}

/// A run to its end.
struct Run {
    engine: FokkerPlanck,
    /// True L1 errors at the output times after the first.
    errors: Vec<f64>,
}

impl Run {
    fn new(case: Linear, cells: usize, times: &[f64], discretisation: Option<&'static DiscretisationKind>) -> Self {
        let problem = case.problem(cells, times);
        let options = FokkerPlanckOptions { discretisation, ..FokkerPlanckOptions::default() };
        let mut engine = FokkerPlanck::new(&problem, options).unwrap();
        let mut error = |&time: &f64| {
            engine.advance(time, &|| false).unwrap();
            let found = engine.snapshot().probability;
            assert!(found.iter().all(|&p| p >= 0.0));
            assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            l1(&found, &case.exact(&problem.grid, time))
        };
        let errors = times[1..].iter().map(&mut error).collect();
        Self { engine, errors }
    }

    fn number(&self, key: &str) -> f64 {
        match self.engine.attributes().into_iter().find(|(name, _)| *name == key).unwrap().1 {
            Attribute::Integer(n) => n as f64,
            Attribute::Float(x) => x,
            other => panic!("{key}: {other:?}"),
        }
    }

    fn kind(&self) -> &'static DiscretisationKind {
        self.engine.discretisation().kind()
    }

    fn worst(&self) -> f64 {
        self.errors.iter().copied().fold(0.0, f64::max)
    }
}

#[test]
fn nearly_singular_noise_is_given_the_chain_whatever_the_number_of_cells() {
    for cells in [48, 52] {
        let run = Run::new(TURNING, cells, &[0.0, 0.4, 1.5], None);
        assert_eq!(run.kind().word, CHAIN.word, "{cells}");
        let said = run.number("error_grid");
        assert!(run.worst() < 1e-3 && said < 1e-2 && said > run.worst() / 3.0, "{:?} {said}", run.errors);
    }
}

#[test]
fn a_chain_whose_steps_do_not_cover_the_cells_counts_the_variance_that_it_adds() {
    let run = Run::new(LINE, 48, &[0.0, 0.5, 1.0], Some(&CHAIN));
    let said = run.number("error_grid");
    assert!(said < 3.0 * run.worst() && said > run.worst() / 3.0, "{:?} {said}", run.errors);
    assert!(run.worst() < 0.5, "{:?}", run.errors);
}

#[test]
fn a_law_at_rest_takes_no_more_steps() {
    let run = Run::new(PLAIN, 32, &[0.0, 1.0, 1e2, 1e6], Some(&CHAIN));
    // 10⁶ of time would be some 10⁷ steps
    assert!(run.number("steps") < 3000.0, "{}", run.number("steps"));
    assert!(is_near(run.worst(), 0.01317), "{:?}", run.errors);
}

#[test]
fn cells_without_probability_take_no_part_in_products() {
    let cells = |half: f64, cells: usize| {
        let run = Run::new(Linear { half: [half; 2], ..TURNING }, cells, &[0.0, 0.4], Some(&CHAIN));
        (run.number("cells_in_products") / run.number("products"), run.worst())
    };
    let ((narrow, _), (wide, error)) = (cells(3.0, 64), cells(6.0, 128));
    assert!(wide < 1.3 * narrow && wide < 0.4 * 128.0 * 128.0, "{narrow} {wide}");
    assert!(error < 1e-2, "{error}");
}

/// A level that is pinned within 5 %.
fn is_near(found: f64, level: f64) -> bool {
    (found / level - 1.0).abs() < 0.05
}
