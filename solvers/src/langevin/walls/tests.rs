#![allow(clippy::unwrap_used)]
use super::*;
use crate::engine::Engine;
use crate::langevin::Langevin;
use crate::langevin::tests::{options, problem};
use crate::problem::initial::Initial;
use statrs::distribution::{ChiSquared, ContinuousCDF};

fn chi_squared(counts: &[u32]) -> f64 {
    let expected = counts.iter().map(|&c| f64::from(c)).sum::<f64>() / counts.len() as f64;
    let statistic: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
    ChiSquared::new(counts.len() as f64 - 1.0).unwrap().sf(statistic)
}

/// Brownian motion with a full constant tensor keeps the uniform law in a box without current through its walls. Reflection
/// along the conormal does; mirror reflection empties two corners and fails this test by hundreds of standard deviations.
/// The conormal scheme is of weak order 1, exact on a half-space for constant D, and errs in the corners of a box by a share of
/// the cells' contents proportional to the step: χ² of 36 cells with 60 000 walkers at the false-alarm rate 1e-5.
#[test]
fn the_uniform_law_is_kept_by_a_full_tensor() {
    let wall = Boundary::Reflecting;
    let p = problem(&[(0.0, 1.0, 6, wall), (0.0, 2.0, 6, wall)], Initial::Uniform, 0.5, |_, b, a| {
        b.fill(0.0);
        a.copy_from_slice(&[1.0, 0.8, 1.0]);
    });
    let mut engine = Langevin::new(&p, options(60_000, 2e-4)).unwrap();
    engine.advance(0.2, &|| false).unwrap();
    let counts = engine.counts();
    assert_eq!(counts[36], 0);
    let p_value = chi_squared(&counts[..36]);
    assert!(p_value > 1e-5, "{p_value} {counts:?}");
}

/// Survival of Brownian motion between two absorbing walls, Σ 4/(kπ) sin(kπ/2) e^{−k²π²Tt} over odd k, within 4.5 standard
/// errors (false alarm 7e-6); without the bridge it would be 40 standard errors too high.
#[test]
fn absorption_between_two_walls() {
    let wall = Boundary::Absorbing;
    let p = problem(&[(0.0, 1.0, 10, wall)], Initial::Point { at: vec![0.5] }, 1.0, |_, b, a| {
        b[0] = 0.0;
        a[0] = 1.0;
    });
    let n = 100_000;
    let mut engine = Langevin::new(&p, options(n, 0.001)).unwrap();
    let mut last = 0.0;
    for t in [0.05, 0.1, 0.2] {
        engine.advance(t, &|| false).unwrap();
        let seen = engine.snapshot();
        let term = |k: i32, sign: f64| {
            sign * 4.0 / (f64::from(k) * std::f64::consts::PI)
                * (-f64::from(k * k) * std::f64::consts::PI.powi(2) * t).exp()
        };
        let survival = term(1, 1.0) + term(3, -1.0) + term(5, 1.0) + term(7, -1.0);
        let z = (1.0 - seen.outside - survival) / (survival * (1.0 - survival) / n as f64).sqrt();
        assert!(z.abs() < 4.5, "t = {t}: {} against {survival}, z = {z}", 1.0 - seen.outside);
        assert!(seen.outside >= last);
        assert!((seen.probability.iter().sum::<f64>() + seen.outside - 1.0).abs() < 1e-12);
        last = seen.outside;
    }
}

#[test]
fn periodic_walkers_go_round() {
    let wall = Boundary::Periodic;
    let p = problem(&[(-1.0, 1.0, 10, wall)], Initial::Point { at: vec![0.5] }, 0.01, |_, b, a| {
        b[0] = 10.0;
        a[0] = 0.0;
    });
    let mut engine = Langevin::new(&p, options(100, 0.01)).unwrap();
    engine.advance(1.0, &|| false).unwrap();
    assert!((engine.snapshot().mean[0] - 0.5).abs() < 1e-12);
    assert!(engine.warnings().is_empty());
}

/// Mixed walls, jumps of many box lengths: everybody ends in the box or is absorbed, and the counts say so.
#[test]
fn overlong_steps_are_reflected_and_counted() {
    let wall = Boundary::Reflecting;
    let p = problem(&[(0.0, 1.0, 5, wall), (0.0, 1.0, 5, wall)], Initial::Uniform, 100.0, |_, b, a| {
        b.fill(0.0);
        a.copy_from_slice(&[1.0, 0.99, 1.0]);
    });
    let mut engine = Langevin::new(&p, options(1000, 0.1)).unwrap();
    engine.advance(1.0, &|| false).unwrap();
    assert_eq!(engine.snapshot().outside, 0.0);
    assert_eq!(engine.warnings().len(), 2);
    let tally = engine.ensemble().tally();
    assert!(tally.overlong > 5000 && tally.multiple_reflections > 500, "{tally:?}");
}

#[test]
fn reflects_and_wraps() {
    let bounds = [-1.0, 2.0];
    for (x, reflected, wrapped) in
        [(-1.5, -0.5, 1.5), (2.5, 1.5, -0.5), (5.25, -0.75, 2.25 - 3.0), (-1.0, -1.0, -1.0), (1e9, 0.0, 0.0)]
    {
        if x < 1e8 {
            assert!((reflect(x, bounds) - reflected).abs() < 1e-12, "{x}");
            assert!((wrap(x, bounds) - wrapped).abs() < 1e-12, "{x}");
        }
        assert!((-1.0..=2.0).contains(&reflect(x, bounds)) && (-1.0..2.0).contains(&wrap(x, bounds)));
    }
    assert_eq!(wrap(-1.0 - 1e-17, bounds), -1.0);
    assert_eq!(wrap(2.0, bounds), -1.0);
}
