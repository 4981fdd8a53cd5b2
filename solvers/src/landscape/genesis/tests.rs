#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::error::Error;
use crate::formula::{Symbols, parse};
use crate::landscape::critical_points;
use crate::model::formula::FormulaModel;
use crate::model::tanh_regression::{Amplitudes, SampleGradient, TanhRegression};
use crate::model::{Model, WeightedSample};
use crate::problem::fields::tabulate;
use crate::problem::grid::{Axis, Boundary, Grid};

fn box_of(axes: &[(f64, f64, usize)]) -> Grid {
    let axis = |(k, &(from, to, cells)): (usize, &(f64, f64, usize))| {
        Axis::uniform(["x", "y", "z"][k], from, to, cells, [Boundary::Reflecting; 2]).unwrap()
    };
    Grid::new(axes.iter().enumerate().map(axis).collect()).unwrap()
}

/// B17: ten points of a tanh teacher, the sixth shifted.
fn outlier() -> Arc<dyn Model> {
    let x: Vec<f64> = (0..10).map(|i| -2.25 + 0.5 * i as f64).collect();
    let y = [3.5, 3.22, 1.69, -0.9, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
    let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 0, 0]);
    Arc::new(TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap())
}

struct Formulas {
    variables: &'static [&'static str],
    text: &'static str,
}

impl Family for Formulas {
    fn at(&self, value: f64) -> Result<Arc<dyn Model>, Error> {
        let symbols = Symbols::new(self.variables).with_parameters([("a", value)]);
        Ok(Arc::new(FormulaModel::loss(self.variables.len(), &parse(self.text, &symbols).unwrap())))
    }
}

fn never() -> bool {
    false
}

/// Fold and weights with mpmath at 30 digits (prototype `e1_genesis.py`, quadruple differences), to the digits that are given.
#[test]
fn the_outlier_makes_its_minimum_with_three_percent_of_its_weight() {
    let family = SampleWeight { model: outlier(), sample: 5 };
    let grid = box_of(&[(0.1, 12.0, 400)]);
    let found = branches(&family, &grid, [0.0, 1.0], 1.0, &never).unwrap();
    let folds: Vec<&Turn> = found.iter().flat_map(|branch| &branch.turns).collect();
    assert_eq!(folds.len(), 1, "{folds:?}");
    assert_eq!(folds[0].kind, TurnKind::Fold);
    assert!((folds[0].position[0] - 1.084_372_09).abs() < 1e-8, "{:.12}", folds[0].position[0]);
    assert!((folds[0].value - 0.031_279_58).abs() < 1e-8, "{:.12}", folds[0].value);
    assert!(folds[0].transversality.abs() > 1e-3 && folds[0].cubic.abs() > 1e-3, "{folds:?}");
    // the other minimum goes on to the clean one
    let clean =
        found.iter().flat_map(|branch| branch.points.iter()).find(|point| point.value == 0.0 && point.index() == 0);
    assert!((clean.unwrap().position[0] - 3.1944).abs() < 5e-5, "{clean:?}");
    for branch in &found {
        assert!(branch.ends.iter().all(|end| *end == End::Range), "{:?}", branch.ends);
    }
}

#[test]
fn which_sample_makes_which_minimum() {
    let grid = box_of(&[(0.1, 12.0, 400)]);
    let told = leave_one_out(&outlier(), &grid, 10, &never, &|_, _| {}).unwrap();
    assert_eq!(told.minima.len(), 2);
    for (k, fates) in told.fates.iter().enumerate() {
        assert_eq!(fates.len(), 10);
        for fate in fates {
            assert_eq!(fate.survives(), (k, fate.sample) != (0, 5), "minimum {k}, {fate:?}");
        }
    }
    let dead = told.fates[0].iter().find(|fate| !fate.survives()).unwrap();
    assert_eq!(dead.end, End::Fold);
    assert!((dead.last.value - 0.031_279_58).abs() < 1e-8, "{dead:?}");
    // without sample 2 there is a maximum more, and nothing else is born
    assert_eq!(told.born.len(), 1, "{:?}", told.born);
    let born = &told.born[0];
    assert_eq!((born.sample, born.point.index()), (2, 1));
    assert!((born.point.position[0] - 10.38).abs() < 5e-3, "{born:?}");
}

/// The minima with the weights 1 ± 10⁻⁵.
#[test]
fn the_ranking_is_the_derivative_of_the_minimum() {
    let (model, grid) = (outlier(), box_of(&[(0.1, 12.0, 300)]));
    let told = leave_one_out(&model, &grid, 0, &never, &|_, _| {}).unwrap();
    let minima = |sample: usize, weight: f64| -> Vec<f64> {
        let model = WeightedSample::new(Arc::clone(&model), sample, weight).unwrap();
        let loss = tabulate(&grid, 1, 10, |points, out| model.loss(points, out));
        let points = critical_points(&model, &grid, &loss);
        points.iter().filter(|point| point.index() == 0).map(|point| point.position[0]).collect()
    };
    for sample in [0, 4, 5, 9] {
        let (below, above) = (minima(sample, 1.0 - 1e-5), minima(sample, 1.0 + 1e-5));
        for (k, ranking) in told.ranking.iter().enumerate() {
            let place = told.minima[k].position[0];
            let near =
                |list: &[f64]| *list.iter().min_by(|a, b| (*a - place).abs().total_cmp(&(*b - place).abs())).unwrap();
            let measured = (near(&above) - near(&below)) / 2e-5;
            let derivative = ranking.iter().find(|one| one.sample == sample).unwrap().derivative[0];
            assert!(
                (measured - derivative).abs() < 1e-5 * (1.0 + derivative.abs()),
                "{sample} {k}: {measured} {derivative}"
            );
        }
    }
    assert!(told.ranking[0].windows(2).all(|pair| pair[0].derivative[0].abs() >= pair[1].derivative[0].abs()));
    assert_eq!(told.fates.iter().map(Vec::len).sum::<usize>(), 0);
}

/// L = x³/3 − a x + (y − x²)²: minimum (√a, a), saddle (−√a, a), fold at a = 0 in (0, 0) along x: vᵀ∂_a∇L = −1, ∇³L[v, v, v] = 2.
#[test]
fn a_fold_in_two_dimensions() {
    let family = Formulas { variables: &["x", "y"], text: "x^3/3 - a*x + (y - x^2)^2" };
    let grid = box_of(&[(-1.5, 1.4, 40), (-0.5, 1.5, 40)]);
    let found = branches(&family, &grid, [-0.3, 1.0], 0.8, &never).unwrap();
    assert_eq!(found.len(), 1);
    let (branch, fold) = (&found[0], &found[0].turns[0]);
    assert_eq!((branch.turns.len(), fold.kind, branch.ends), (1, TurnKind::Fold, [End::Range; 2]));
    assert!(fold.value.abs() < 1e-10 && fold.position.iter().all(|x| x.abs() < 1e-8), "{fold:?}");
    assert!((fold.transversality + 1.0).abs() < 1e-8 && (fold.cubic - 2.0).abs() < 1e-5, "{fold:?}");
    assert!((fold.direction[0] - 1.0).abs() < 1e-8 && fold.direction[1].abs() < 1e-8, "{fold:?}");
    for point in &branch.points {
        let root = point.value.sqrt() * if point.index() == 0 { 1.0 } else { -1.0 };
        assert!((point.position[0] - root).abs() < 1e-9 && (point.position[1] - point.value).abs() < 1e-9, "{point:?}");
    }
}

/// x² + a² = ½ is a loop with two folds; (x² − a)² has a pitchfork at 0.
#[test]
fn loops_and_crossings() {
    let grid = box_of(&[(-1.5, 1.4, 60)]);
    let ring = Formulas { variables: &["x"], text: "x^3/3 + x*(a^2 - 1/2)" };
    let found = branches(&ring, &grid, [-1.0, 1.0], 0.2, &never).unwrap();
    assert_eq!((found.len(), found[0].ends, found[0].turns.len()), (1, [End::Loop; 2], 2));
    for fold in &found[0].turns {
        assert!(fold.kind == TurnKind::Fold && (fold.value.abs() - 0.5_f64.sqrt()).abs() < 1e-10, "{fold:?}");
    }
    let fork = Formulas { variables: &["x"], text: "x^4/4 - a*x^2/2" };
    let found = branches(&fork, &grid, [-1.0, 1.0], 0.6, &never).unwrap();
    assert_eq!(found.len(), 2, "{:?}", found.iter().map(|b| b.ends).collect::<Vec<_>>());
    for turn in found.iter().flat_map(|branch| &branch.turns) {
        assert!(turn.kind == TurnKind::Crossing && turn.value.abs() < 1e-6, "{turn:?}");
    }
    // a branch that leaves the box
    let narrow = box_of(&[(-0.5, 1.4, 60)]);
    let found =
        branches(&Formulas { variables: &["x"], text: "x^3/3 - a*x" }, &narrow, [-0.2, 1.0], 0.8, &never).unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].ends.contains(&End::Box) && found[0].ends.contains(&End::Range), "{:?}", found[0].ends);
}

/// Weighted least squares by the rank-one formula against the loss of the samples that are left, and its gradient against differences.
#[test]
fn weight_zero_is_the_model_without_the_sample() {
    let whole = outlier();
    let x: Vec<f64> = (0..10).filter(|i| *i != 3).map(|i| -2.25 + 0.5 * i as f64).collect();
    let y = [3.5, 3.22, 1.69, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
    let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 0, 0]);
    let rest = TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap();
    let points = [0.4, 1.3, 3.0, 7.5];
    let without = WeightedSample::new(Arc::clone(&whole), 3, 0.0).unwrap();
    let ([mut a, mut b], [mut ga, mut gb]) = ([[0.0; 4]; 2], [[0.0; 4]; 2]);
    without.loss(&points, &mut a);
    without.gradient(&points, &mut ga);
    rest.loss(&points, &mut b);
    rest.gradient(&points, &mut gb);
    for i in 0..4 {
        assert!((a[i] - 0.9 * b[i]).abs() < 1e-13 && (ga[i] - 0.9 * gb[i]).abs() < 1e-13, "{a:?} {b:?} {ga:?} {gb:?}");
    }
    let inputs = [-1.0, 0.0, 2.0];
    let (one, two) =
        (without.fitted(&[1.3], &inputs).unwrap(), rest.regression().unwrap().fitted(&[1.3], &inputs).unwrap());
    assert!(one.iter().zip(&two).all(|(a, b)| (a - b).abs() < 1e-11), "{one:?} {two:?}");
    let half = WeightedSample::new(whole, 3, 0.5).unwrap();
    let loss = |w: f64| {
        let mut loss = [0.0];
        half.loss(&[w], &mut loss);
        loss[0]
    };
    half.gradient(&points, &mut ga);
    for (w, slope) in points.iter().zip(ga) {
        let measured = (loss(w + 1e-4) - loss(w - 1e-4)) / 2e-4;
        assert!((measured - slope).abs() < 1e-7 * (1.0 + slope.abs()), "{w}: {measured} {slope}");
    }
}
