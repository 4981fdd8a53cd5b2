#![allow(clippy::unwrap_used)]
//! Interpolated dynamics against exact ones: order, kinks, walls, periodic axes, noise that vanishes.

use std::f64::consts::PI;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lattice::Nodes;
use super::*;
use crate::dynamics::FromFunctions;
use crate::problem::grid::{Axis, Boundary};

fn never() -> bool {
    false
}

fn axis(name: &str, from: f64, to: f64, cells: usize) -> Axis {
    Axis::uniform(name, from, to, cells, [Boundary::Reflecting; 2]).unwrap()
}

/// b = (sin x + y², cos(x y)) and D of rank 2 that vanishes at the origin.
fn smooth() -> Arc<dyn Dynamics> {
    Arc::new(FromFunctions::new(
        2,
        |p: &[f64], b: &mut [f64]| {
            b[0] = p[0].sin() + p[1] * p[1];
            b[1] = (p[0] * p[1]).cos();
        },
        |p: &[f64], a: &mut [f64]| {
            a[0] = p[0] * p[0] + p[1].powi(4);
            a[1] = p[0] * p[1];
            a[2] = p[1] * p[1] + p[0].sin().powi(4);
        },
    ))
}

#[test]
fn the_error_is_of_sixth_order() {
    let f = |x: f64| (3.0 * x).sin();
    let error = |intervals: usize| {
        let nodes = Lattice { axes: vec![Nodes::new(&axis("x", -1.0, 1.0, 8), intervals)] };
        let values: Vec<f64> = nodes.axes[0].places.iter().flat_map(|&x| [f(x), 0.0]).collect();
        let unfit = vec![false; nodes.boxes()];
        let table = Values { lattice: &nodes, values: &values, unfit: &unfit };
        let points: Vec<f64> = (0..1000).map(|i| -1.0 + 2.0 * f64::from(i) / 999.0).collect();
        let (mut out, mut good) = (vec![0.0; 1000], vec![false; 1000]);
        interpolate(&table, &points, &mut out, &mut good);
        assert!(good.iter().all(|good| *good));
        points.iter().zip(&out).map(|(&x, y)| (y - f(x)).abs()).fold(0.0, f64::max)
    };
    let (coarse, fine) = (error(16), error(32));
    let order = (coarse / fine).log2();
    assert!(order > 5.7 && fine < 2e-6, "{order} {coarse:e} {fine:e}");
}

#[test]
fn a_table_is_the_dynamics_within_what_it_says() {
    let grid = Grid::new(vec![axis("x", -1.0, 2.0, 40), axis("y", -1.5, 1.5, 40)]).unwrap();
    let exact = smooth();
    let table = TabulatedDynamics::new(Arc::clone(&exact), &grid, 1, &never).unwrap();
    let found = table.interpolation().unwrap();
    assert!(found.drift_error < 1e-6 && found.diffusion_error < 1e-5 && found.exact_share < 0.02, "{found:?}");
    let points: Vec<f64> = (0..400).map(|i| -0.9 + 1.7 * (f64::from(i) * 0.618).fract()).collect();
    let n = 200;
    let (mut b, mut a) = (vec![0.0; 2 * n], vec![0.0; 3 * n]);
    let (mut exact_b, mut exact_a) = (b.clone(), a.clone());
    table.drift_diffusion(&points, &mut b, &mut a);
    exact.drift_diffusion(&points, &mut exact_b, &mut exact_a);
    for (got, right) in b.iter().chain(&a).zip(exact_b.iter().chain(&exact_a)) {
        assert!((got - right).abs() < 1e-6, "{got} {right}");
    }
    assert!((0..n).all(|i| a[i] >= 0.0 && a[i] * a[2 * n + i] >= (1.0 - 1e-12) * a[n + i] * a[n + i]));
    let (mut got, mut right) = (vec![0.0; 2 * n], vec![0.0; 2 * n]);
    let lengths = [3.0, 3.0];
    table.diffusion_divergence(&points, &lengths, &mut got);
    exact.diffusion_divergence(&points, &lengths, &mut right);
    assert!(got.iter().zip(&right).all(|(got, right)| (got - right).abs() < 2e-5));
}

#[test]
fn kinks_and_points_outside_are_evaluated_exactly() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let drift = move |p: &[f64], b: &mut [f64]| {
        counted.fetch_add(1, Ordering::Relaxed);
        b[0] = -(p[0] - 0.237).abs();
    };
    let exact: Arc<dyn Dynamics> =
        Arc::new(FromFunctions::new(1, drift, |p: &[f64], a: &mut [f64]| a[0] = 1.0 + p[0] * p[0]));
    let grid = Grid::new(vec![axis("x", -1.0, 1.0, 64)]).unwrap();
    let table = TabulatedDynamics::new(exact, &grid, 1, &never).unwrap();
    let found = table.interpolation().unwrap();
    assert!(found.drift_error < 1e-9 && found.exact_share > 0.0 && found.exact_share < 0.05, "{found:?}");
    let before = calls.load(Ordering::Relaxed);
    let (mut b, mut a) = ([0.0; 4], [0.0; 4]);
    table.drift_diffusion(&[0.237, 0.23701, -0.8, 1.5], &mut b, &mut a);
    assert_eq!(calls.load(Ordering::Relaxed) - before, 3);
    assert!(b[0] == 0.0 && (b[1] + 1e-5).abs() < 1e-12 && (b[2] + 1.037).abs() < 1e-12 && (b[3] + 1.263).abs() < 1e-12);
}

#[test]
fn periodic_and_graded_axes_are_served() {
    let round = Axis::uniform("phi", -PI, PI, 32, [Boundary::Periodic; 2]).unwrap();
    let graded = Axis::sinh("y", [0.0, 4.0], 30, [0.5, 0.2], [Boundary::Reflecting; 2]).unwrap();
    let grid = Grid::new(vec![round, graded]).unwrap();
    let exact: Arc<dyn Dynamics> = Arc::new(FromFunctions::new(
        2,
        |p: &[f64], b: &mut [f64]| (b[0], b[1]) = (p[0].sin(), -p[1]),
        |p: &[f64], a: &mut [f64]| (a[0], a[1], a[2]) = (1.0, 0.0, (1.0 + p[0].cos()).powi(2) + p[1]),
    ));
    let table = TabulatedDynamics::new(exact, &grid, 1, &never).unwrap();
    assert!(table.interpolation().unwrap().diffusion_error < 1e-6, "{:?}", table.interpolation());
    let (mut b, mut a) = ([0.0; 4], [0.0; 6]);
    table.drift_diffusion(&[PI - 1e-3, 3.0, 0.01, 3.99], &mut b, &mut a);
    assert!((b[0] - 1e-3).abs() < 1e-8 && (b[2] + 0.01).abs() < 1e-12 && (a[5] - 3.99).abs() < 2e-4, "{b:?} {a:?}");
}

#[test]
fn it_can_be_interrupted() {
    let grid = Grid::new(vec![axis("x", -1.0, 2.0, 40), axis("y", -1.5, 1.5, 40)]).unwrap();
    let stopped = TabulatedDynamics::new(smooth(), &grid, 1, &|| true);
    assert!(matches!(stopped.err(), Some(Error::Interrupted { .. })));
}
