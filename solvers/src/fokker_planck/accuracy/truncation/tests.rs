#![allow(clippy::unwrap_used)]
use crate::engine::OnGrid;
use std::sync::Arc;

use super::*;
use crate::engine::{Attribute, Engine};
use crate::fokker_planck::testing::test_fields::{Field, NoLoss};
use crate::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use crate::problem::Problem;
use crate::problem::initial::Initial;

fn engine(field: Field, axes: Vec<Axis>, initial: Initial, times: &[f64]) -> FokkerPlanck {
    let d = field.dimension;
    let problem = Problem {
        variables: ["x", "y", "z"][..d].iter().map(|name| name.to_string()).collect(),
        model: Arc::new(NoLoss(d)),
        dynamics: Arc::new(field),
        temperature: 1.0,
        minibatch: None,
        grid: Grid::new(axes).unwrap(),
        initial,
        times: times.to_vec(),
        seed: 1,
    };
    let options = FokkerPlanckOptions { tolerance: 1e-9, error_estimate: false, ..Default::default() };
    FokkerPlanck::new(&problem, options).unwrap()
}

fn uniform(bounds: [f64; 2], cells: usize) -> Axis {
    Axis::uniform("x", bounds[0], bounds[1], cells, [Boundary::Reflecting; 2]).unwrap()
}

fn number(engine: &FokkerPlanck, name: &str) -> f64 {
    match engine.attributes().into_iter().find(|(key, _)| *key == name) {
        Some((_, Attribute::Float(value))) => value,
        other => panic!("{name}: {other:?}"),
    }
}

fn within_three(said: f64, truth: f64, what: &str) {
    println!("{what}: true {truth:.3e}, estimate {said:.3e}, ratio {:.3}", truth / said);
    assert!(truth < 3.0 * said && said < 3.0 * truth, "{what}: true {truth:.3e}, estimate {said:.3e}");
}

/// P(X > x) for a standard normal X.
fn above(x: f64) -> f64 {
    0.5 * libm::erfc(x / std::f64::consts::SQRT_2)
}

fn wide_start() -> Initial {
    Initial::Gaussian { mean: vec![0.0], covariance: vec![0.25] }
}

#[test]
fn stationary_gaussians_cut_from_two_and_a_half_to_five_deviations() {
    for cells in [40, 100, 400] {
        for (low, high) in [(-2.5, 2.5), (-3.5, 3.5), (-5.0, 5.0), (-5.0, 3.0), (-2.5, 8.0)] {
            let field = Field::line(|x| (-x, 1.0));
            let engine = engine(field, vec![uniform([low, high], cells)], wide_start(), &[0.0]);
            let said = engine.stationary().unwrap().error_truncation;
            within_three(said, above(high) + above(-low), &format!("{low} to {high}, {cells} cells"));
        }
    }
}

#[test]
fn transient_gaussians_leave_the_box_and_come_back() {
    // mean m e^{−t}, variance 1 + (s² − 1) e^{−2t}: the estimate is the largest over the outputs so far
    let cases = [(1.0, 0.5, [-3.0, 3.5]), (0.0, 0.3, [-3.0, 3.0]), (-2.0, 0.5, [-4.5, 4.0]), (0.0, 1.5, [-5.0, 5.0])];
    for (k, (m, s, [low, high])) in cases.into_iter().enumerate() {
        for cells in [100, 300] {
            let times = [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 5.0];
            let start = Initial::Gaussian { mean: vec![m], covariance: vec![s * s] };
            let mut engine = engine(Field::line(|x| (-x, 1.0)), vec![uniform([low, high], cells)], start, &times);
            let mut truth = 0.0f64;
            for t in times {
                engine.advance(t, &|| false).unwrap();
                let decay = (-t).exp();
                let (mean, deviation) = (m * decay, (1.0 + (s * s - 1.0) * decay * decay).sqrt());
                truth = truth.max(above((high - mean) / deviation) + above((mean - low) / deviation));
                if truth > 1e-9 {
                    within_three(
                        number(&engine, "error_truncation"),
                        truth,
                        &format!("case {k}, {cells} cells, t = {t}"),
                    );
                }
            }
        }
    }
}

/// ∫ of a density beyond the walls over the whole, by the trapezoidal rule in x = sinh s.
fn outside(density: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    let (mut whole, mut out) = (0.0, 0.0);
    let step = 1e-4;
    for k in -120_000..120_000 {
        let s = (f64::from(k) + 0.5) * step;
        let x = s.sinh();
        let weight = density(x) * s.cosh();
        whole += weight;
        out += if x < low || x > high { weight } else { 0.0 };
    }
    out / whole
}

#[test]
fn other_tails_quartic_and_power_laws() {
    for cells in [60, 240] {
        for (temperature, end) in [(0.1, 1.5), (0.1, 1.75), (0.5, 2.0), (0.5, 2.6)] {
            let field = Field::line(move |x| (x - x * x * x, temperature));
            let engine = engine(field, vec![uniform([-end, end], cells)], wide_start(), &[0.0]);
            let truth = outside(|x| ((0.5 * x * x - 0.25 * x.powi(4)) / temperature).exp(), -end, end);
            let said = engine.stationary().unwrap().error_truncation;
            within_three(said, truth, &format!("quartic, T = {temperature}, to {end}, {cells} cells"));
        }
        // b = −x, A = a x² + c: ρ ∝ (c + a x²)^{−1 − 1/2a}, Student's t of 1 + 1/a degrees of freedom
        for (a, end) in [(0.1, 4.0), (0.1, 8.0), (0.5, 5.0), (0.5, 20.0), (1.0, 30.0)] {
            let truth = outside(|x| (0.5 + a * x * x).powf(-1.0 - 0.5 / a), -end, end);
            let run = |axis: Axis| {
                engine(Field::line(move |x| (-x, a * x * x + 0.5)), vec![axis], wide_start(), &[0.0])
                    .stationary()
                    .unwrap()
                    .error_truncation
            };
            within_three(run(uniform([-end, end], cells)), truth, &format!("student {a}, to {end}, {cells} cells"));
            let graded = Axis::sinh("x", [-end, end], cells, [0.0, 0.5], [Boundary::Reflecting; 2]).unwrap();
            within_three(run(graded), truth, &format!("student {a}, to {end}, {cells} graded cells"));
        }
    }
}

#[test]
fn a_double_well_on_its_way_against_a_box_twice_as_wide() {
    let field = || Field::line(|x| (x - x * x * x, 0.2));
    let start = || Initial::Gaussian { mean: vec![-0.3], covariance: vec![0.02] };
    let times = [0.0, 0.4, 1.0, 3.0];
    for (end, cells) in [(1.5, 60), (1.5, 150), (1.8, 120)] {
        let mut narrow = engine(field(), vec![uniform([-end, end], cells)], start(), &times);
        let mut wide = engine(field(), vec![uniform([-2.0 * end, 2.0 * end], 2 * cells)], start(), &times);
        let mut truth = 0.0f64;
        for t in times {
            narrow.advance(t, &|| false).unwrap();
            wide.advance(t, &|| false).unwrap();
            let law = wide.snapshot().probability;
            truth = truth.max(1.0 - law[cells / 2..cells / 2 + cells].iter().sum::<f64>());
            if truth > 1e-8 {
                within_three(number(&narrow, "error_truncation"), truth, &format!("to {end}, {cells} cells, t = {t}"));
            }
        }
        assert!(truth > 1e-5, "nothing was tested");
    }
}

#[test]
fn two_dimensions_with_a_rotating_current() {
    // H = diag(1, 3), D = [[1, .8], [.8, 2]]: covariance [[1, .4], [.4, 2/3]]
    let (sx, sy): (f64, f64) = (1.0, (2.0f64 / 3.0).sqrt());
    for (reach, cells) in [(2.5, 50), (3.5, 50), (3.5, 90), (4.5, 90)] {
        let field = Field::new(2, |[x, y, _]| ([-x, -3.0 * y, 0.0], [1.0, 0.8, 2.0, 0.0, 0.0, 0.0]));
        let axes = vec![uniform([-reach * sx, reach * sx], cells), uniform([-reach * sy, reach * sy], cells)];
        let start = Initial::Gaussian { mean: vec![0.5, 0.3], covariance: vec![0.1, 0.0, 0.1] };
        let mut engine = engine(field, axes, start, &[0.0, 0.5, 6.0]);
        let truth = both_outside(reach, 0.4 / (sx * sy));
        within_three(engine.stationary().unwrap().error_truncation, truth, &format!("stationary, {reach}, {cells}²"));
        engine.advance(0.5, &|| false).unwrap();
        engine.advance(6.0, &|| false).unwrap();
        within_three(number(&engine, "error_truncation"), truth, &format!("t = 6, {reach}, {cells}²"));
    }
}

/// P(|X| > r or |Y| > r) of standard normals with correlation c.
fn both_outside(r: f64, c: f64) -> f64 {
    let n = 20_000;
    let h = 2.0 * r / f64::from(n);
    let s = (1.0 - c * c).sqrt();
    let inside: f64 = (0..n)
        .map(|i| {
            let x = -r + (f64::from(i) + 0.5) * h;
            let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
            h * density * (above((-r - c * x) / s) - above((r - c * x) / s))
        })
        .sum();
    1.0 - inside
}

#[test]
fn walls_that_cut_no_tail_count_as_a_level_continuation() {
    let axis = uniform([0.0, 2.0], 20);
    let grid = Grid::new(vec![axis]).unwrap();
    // level: as much again on both sides
    assert!((truncation(&grid, &[0.05; 20], &[]) - 2.0 / 3.0).abs() < 1e-12);
    let rising: Vec<f64> = (0..20).map(|i| f64::from(i + 1) / 210.0).collect();
    let said = truncation(&grid, &rising, &[]);
    assert!(said > 0.5 && said < 1.0, "{said}");
    let mut away = vec![0.0; 20];
    away[10] = 1.0;
    assert_eq!(truncation(&grid, &away, &[]), 0.0);
    assert_eq!(truncation(&grid, &[0.0; 20], &[]), 0.0);
}

#[test]
fn other_walls_cut_nothing_and_rounding_stays_rounding() {
    let wall = |walls| Grid::new(vec![Axis::uniform("x", 0.0, 1.0, 30, walls).unwrap()]).unwrap();
    let p = [1.0 / 30.0; 30];
    assert_eq!(truncation(&wall([Boundary::Periodic; 2]), &p, &[]), 0.0);
    assert_eq!(truncation(&wall([Boundary::Absorbing; 2]), &p, &[]), 0.0);
    // noise of 10⁻¹⁶ in the outermost cells, falling or not, is no more than noise
    let mut noise: Vec<f64> = (0..30).map(|i| (-0.5 * ((f64::from(i) - 15.0) / 1.2).powi(2)).exp() / 3.0).collect();
    for (i, v) in [(0, 3e-16), (1, 1e-16), (2, 2e-16), (28, 1e-16), (29, 4e-16)] {
        noise[i] = v;
    }
    assert!(truncation(&wall([Boundary::Reflecting; 2]), &noise, &[]) < 1e-13);
}

#[test]
fn scaled_complementary_errors_join() {
    for u in [0.1f64, 1.0, 5.0, 9.99] {
        assert!((scaled_erfc(u) / ((u * u).exp() * libm::erfc(u)) - 1.0).abs() < 1e-12);
    }
    let (below, above) = (scaled_erfc(10.0 - 1e-9), scaled_erfc(10.0));
    assert!((below / above - 1.0).abs() < 1e-6, "{below} {above}");
}
