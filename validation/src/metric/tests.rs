#![allow(clippy::unwrap_used)]

use fpsolve_solvers::problem::grid::{Boundary, Grid};

use super::*;
use crate::reference::grids::uniform;
use crate::statistics::Null;

fn read(grid: &Grid, p: &[f64], q: &[f64], name: &str) -> Vec<Reading> {
    let null = Null::new(None, None);
    let outside = |p: &[f64]| 1.0 - p.iter().sum::<f64>();
    let a = Side { probability: p, outside: outside(p), walkers: None };
    let b = Side { probability: q, outside: outside(q), walkers: None };
    (by_name(name).unwrap().read)(&Pair::new(grid, a, b, &null), 1e-3)
}

fn value(grid: &Grid, p: &[f64], q: &[f64], name: &str) -> f64 {
    read(grid, p, q, name)[0].value
}

#[test]
fn distances_by_hand() {
    let grid = uniform(&[(0.0, 4.0, 4)], Boundary::Reflecting).unwrap();
    let (p, q) = ([0.5, 0.25, 0.25, 0.0], [0.25, 0.25, 0.25, 0.25]);
    let close = |name, want: f64| {
        let got = value(&grid, &p, &q, name);
        assert!((got - want).abs() < 1e-9, "{name}: {got} for {want}");
    };
    close("total_variation", 0.25);
    close("kullback_leibler", 0.5 * 2f64.ln());
    close("hellinger", (1.0 - (0.125f64.sqrt() + 0.5)).sqrt());
    close("kolmogorov_smirnov", 0.25);
    close("wasserstein_1", 0.25 * (0.5 + 2.0 + 0.5));
    // variances 0.6875 and 1.25, that of (p + q)/2 1.109375
    close("mean_difference", 0.75 / 1.109375f64.sqrt());
    close("variance_difference", (1.25 - 0.6875) / 1.109375);
    for metric in METRICS {
        assert_eq!(value(&grid, &q, &q, metric.name), 0.0, "{}", metric.name);
    }
}

#[test]
fn empty_cells_and_the_outside_stay_finite() {
    let grid = uniform(&[(0.0, 2.0, 2)], Boundary::Absorbing).unwrap();
    let kl = value(&grid, &[0.5, 0.5], &[1.0, 0.0], "kullback_leibler");
    assert!(kl.is_finite() && kl > 9.0, "{kl}"); // ½ ln 1e9 − ½ ln 2
    assert!((value(&grid, &[0.5, 0.3], &[0.5, 0.5], "total_variation") - 0.2).abs() < 1e-15);
    for metric in METRICS {
        for (p, q) in [([0.0, 0.0], [0.5, 0.5]), ([0.0, 0.0], [0.0, 0.0]), ([1.0, 0.0], [0.0, 1.0])] {
            for r in read(&grid, &p, &q, metric.name) {
                assert!(r.value.is_finite() && r.noise_upper.is_finite(), "{} {p:?} {q:?}: {r:?}", metric.name);
            }
        }
    }
}

#[test]
fn wasserstein_of_a_shift_is_the_shift_also_across_a_periodic_end() {
    let flat = uniform(&[(0.0, 8.0, 8)], Boundary::Reflecting).unwrap();
    let ring = uniform(&[(0.0, 8.0, 8)], Boundary::Periodic).unwrap();
    let in_cell = |at: usize| -> Vec<f64> { (0..8).map(|i| f64::from(u8::from(i == at))).collect() };
    for (from, to, line, circle) in [(1, 2, 1.0, 1.0), (7, 0, 7.0, 1.0), (0, 2, 2.0, 2.0), (6, 1, 5.0, 3.0)] {
        assert!((value(&flat, &in_cell(from), &in_cell(to), "wasserstein_1") - line).abs() < 1e-12);
        let ring = value(&ring, &in_cell(from), &in_cell(to), "wasserstein_1");
        assert!((ring - circle).abs() < 1e-9, "{from} to {to}: {ring}");
    }
}

#[test]
fn two_axes_report_each_marginal_and_the_largest() {
    let grid = uniform(&[(0.0, 2.0, 2), (0.0, 30.0, 3)], Boundary::Reflecting).unwrap();
    let p = [0.5, 0.0, 0.0, 0.5, 0.0, 0.0];
    let q = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    let r = read(&grid, &p, &q, "wasserstein_1");
    assert_eq!(r.len(), 3);
    assert!((r[1].value - 0.5).abs() < 1e-12 && (r[2].value - 20.0).abs() < 1e-12);
    assert_eq!(r[0].value, r[2].value);
}

#[test]
fn names_are_unique_and_scale_as_they_say() {
    for (i, metric) in METRICS.iter().enumerate() {
        assert!(METRICS[i + 1..].iter().all(|other| other.name != metric.name));
        assert!(!metric.definition.is_empty() && !metric.reference.is_empty());
    }
    assert_eq!(Scaling::Root.debias(0.5, 0.3), 0.4);
    assert_eq!(Scaling::Linear.debias(0.1, 0.3), 0.0);
    assert!((Scaling::Root.walkers_factor(0.2, 0.1) - 4.0).abs() < 1e-12);
}
