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
    close("chi_square", 0.0625 / 0.375 + 0.0625 / 0.125);
    close("energy_distance", (2.0 * 0.0625 * (2.0 + 2.0 / 3.0f64)).sqrt());
    // between cell centres, in units of the spread
    close("sliced_wasserstein", 0.75 / 1.109375f64.sqrt());
    close("transport", 0.75 / 1.109375f64.sqrt());
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

/// On a square of 2 x 2 cells the spread along each axis is half a cell: neighbours are 2 apart.
#[test]
fn what_no_marginal_shows_is_seen_along_other_directions_and_by_transport() {
    let grid = uniform(&[(0.0, 2.0, 2); 2], Boundary::Reflecting).unwrap();
    let (p, q) = ([0.5, 0.0, 0.0, 0.5], [0.0, 0.5, 0.5, 0.0]);
    for name in ["wasserstein_1", "kolmogorov_smirnov", "energy_distance", "mean_difference"] {
        assert_eq!(value(&grid, &p, &q, name), 0.0, "{name}");
    }
    assert!((value(&grid, &p, &q, "transport") - 2.0).abs() < 1e-12);
    // the projections of the corners on (cos, sin) are 2 cos and 2 sin apart: ∫ |F − G| is the smaller of both
    let angle = |j: i32| std::f64::consts::PI * (f64::from(j) + 0.5) / 16.0;
    let least = |j: i32| 2.0 * angle(j).cos().abs().min(angle(j).sin().abs());
    let mean = (0..16).map(least).sum::<f64>() / 16.0;
    assert!((value(&grid, &p, &q, "sliced_wasserstein") - mean).abs() < 1e-12);
    // from corner to corner
    assert!((value(&grid, &[1.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.0, 1.0], "transport") - 8f64.sqrt()).abs() < 1e-12);
}

/// In one variable the cheapest plan is the ordered one, whose cost is the area between the distribution functions.
#[test]
fn transport_on_a_line_is_the_area_between_distribution_functions() {
    let grid = uniform(&[(0.0, 40.0, 40)], Boundary::Reflecting).unwrap();
    let law = |shift: f64| -> Vec<f64> {
        let raw: Vec<f64> =
            (0..40).map(|i| 1.5 + (f64::from(i) * 0.7 + shift).sin() + 0.4 * (f64::from(i) * shift).cos()).collect();
        raw.iter().map(|x| x / raw.iter().sum::<f64>()).collect()
    };
    let (p, q) = (law(0.3), law(2.1));
    let (plan, area) = (value(&grid, &p, &q, "transport"), value(&grid, &p, &q, "sliced_wasserstein"));
    assert!((plan - area).abs() < 1e-9 * area, "{plan} {area}");
}
