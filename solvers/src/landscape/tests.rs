#![allow(clippy::unwrap_used)]

use super::{CriticalPoint, basins, critical_points, minima};
use crate::formula::{Symbols, parse};
use crate::model::Model;
use crate::model::formula::FormulaModel;
use crate::model::tanh_regression::{Amplitudes, SampleGradient, TanhRegression};
use crate::problem::fields::tabulate;
use crate::problem::grid::{Axis, Boundary, Grid};

fn grid(axes: &[(f64, f64, usize, Boundary)]) -> Grid {
    let axis = |(k, &(from, to, cells, wall)): (usize, &(f64, f64, usize, Boundary))| {
        Axis::uniform(["x", "y", "z"][k], from, to, cells, [wall; 2]).unwrap()
    };
    Grid::new(axes.iter().enumerate().map(axis).collect()).unwrap()
}

fn find(model: &dyn Model, grid: &Grid) -> Vec<super::Minimum> {
    let loss = tabulate(grid, 1, 1, |points, out| model.loss(points, out));
    minima(model, grid, &loss)
}

fn formula(variables: &[&str], text: &str) -> FormulaModel {
    FormulaModel::loss(variables.len(), &parse(text, &Symbols::new(variables)).unwrap())
}

#[test]
fn genesis_has_its_two_minima() {
    let x: Vec<f64> = (0..10).map(|i| -2.25 + 0.5 * i as f64).collect();
    let y = [3.5, 3.22, 1.69, -0.9, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
    let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 0, 0]);
    let model = TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap();
    for cells in [40, 400, 3000] {
        let found = find(&model, &grid(&[(0.1, 12.0, cells, Boundary::Reflecting)]));
        let table = [
            (0.7115671623104967, 0.3100053490663363, 1.69013091106),
            (4.758392164878343, 0.3454442201159178, 0.00803375039541),
        ];
        assert_eq!(found.len(), 2, "{cells}: {found:?}");
        for (minimum, (w, loss, curvature)) in found.iter().zip(table) {
            assert!((minimum.eigenvalues[0] / curvature - 1.0).abs() < 1e-8, "{minimum:?}");
            assert!((minimum.position[0] - w).abs() < 1e-10, "{minimum:?}");
            assert!((minimum.loss / loss - 1.0).abs() < 1e-14, "{minimum:?}");
        }
    }
}

#[test]
fn a_minimum_in_a_valley_between_the_cells_is_found() {
    // two wells along a valley one tenth of a cell wide, turned so that it passes between cell centres
    let model = formula(&["x", "y"], "(x^2 - 1)^2 + 0.1*x + 4000*(y - 0.37*x)^2");
    let found = find(&model, &grid(&[(-2.0, 2.0, 30, Boundary::Reflecting), (-2.0, 2.0, 30, Boundary::Reflecting)]));
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn valleys_in_two_dimensions() {
    // (x² − 1)² + a tilt; a narrow curved valley (Rosenbrock) has its one minimum far from the first low cells
    let wells = formula(&["x", "y"], "(x^2 - 1)^2 + 0.1*x + 2*(y - 0.3*x)^2");
    let found = find(&wells, &grid(&[(-2.0, 2.0, 31, Boundary::Reflecting), (-1.0, 1.0, 20, Boundary::Reflecting)]));
    assert_eq!(found.len(), 2);
    for minimum in &found {
        let [x, y] = minimum.position[..] else { panic!() };
        assert!((4.0 * x * (x * x - 1.0) + 0.1).abs() < 1e-9 && (y - 0.3 * x).abs() < 1e-12, "{minimum:?}");
    }
    assert!(found[0].position[0] < 0.0 && found[0].loss < found[1].loss);
    let valley = formula(&["x", "y"], "(1 - x)^2 + 100*(y - x^2)^2");
    let found = find(&valley, &grid(&[(-2.0, 2.0, 50, Boundary::Reflecting), (-1.0, 3.0, 50, Boundary::Reflecting)]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((found[0].position[0] - 1.0).abs() < 1e-10 && (found[0].position[1] - 1.0).abs() < 1e-10);
}

#[test]
fn walls_are_no_minima_and_periods_have_one() {
    let slope = formula(&["x"], "x + 0.1*x^2");
    assert!(find(&slope, &grid(&[(0.0, 1.0, 20, Boundary::Reflecting)])).is_empty());
    let turn = std::f64::consts::TAU;
    let wave = formula(&["x"], "cos(x + 3.1)");
    let found = find(&wave, &grid(&[(0.0, turn, 30, Boundary::Periodic)]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((found[0].position[0] - (std::f64::consts::PI - 3.1)).abs() < 1e-10, "{found:?}");
    let flat = formula(&["x"], "0*x + x^4"); // a Hessian that vanishes at the minimum
    let found = find(&flat, &grid(&[(-1.0, 1.1, 30, Boundary::Reflecting)]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].position[0].abs() < 0.01, "{found:?}");
}

#[test]
fn three_dimensions() {
    let model = formula(&["x", "y", "z"], "(x^2 - 1)^2 + (y - x)^2 + cosh(z - y)");
    let axis = (-2.0, 2.0, 17, Boundary::Reflecting);
    let found = find(&model, &grid(&[axis, axis, axis]));
    assert_eq!(found.len(), 2, "{found:?}");
    for minimum in found {
        assert!(minimum.position.iter().all(|t| (t.abs() - 1.0).abs() < 1e-9), "{minimum:?}");
        assert_eq!(minimum.eigenvalues.len(), 3);
    }
}

#[test]
fn saddles_and_maxima_are_found_and_basins_meet_at_them() {
    // wells at (±1, 0), saddle at (0, 0) lifted by the tilt; (x² − 1)² + y² + 0.1x, and a maximum in a second case
    let model = formula(&["x", "y"], "(x^2 - 1)^2 + 0.1*x + y^2");
    let area = grid(&[(-2.0, 2.0, 41, Boundary::Reflecting), (-1.5, 1.5, 30, Boundary::Reflecting)]);
    let loss = tabulate(&area, 1, 1, |points, out| model.loss(points, out));
    let points = critical_points(&model, &area, &loss);
    assert_eq!(points.iter().map(|p| p.index()).collect::<Vec<_>>(), [0, 0, 1], "{points:?}");
    let saddle = points[2].position[0];
    assert!((4.0 * saddle * (saddle * saddle - 1.0) + 0.1).abs() < 1e-10);
    assert!((points[2].eigenvalues[0] - (12.0 * saddle * saddle - 4.0)).abs() < 1e-8);
    let wells: Vec<&[f64]> = points[..2].iter().map(|p| p.position.as_slice()).collect();
    let basin = basins(&area, &loss, &wells);
    for cell in 0..area.len() {
        let x = area.center(cell)[0];
        if (x - saddle).abs() > 0.1 {
            assert_eq!(basin[cell], i64::from(x > saddle), "at x = {x}");
        }
    }
    let bumps = formula(&["x", "y"], "cos(x)*cos(y)");
    let area = grid(&[(0.5, 6.0, 40, Boundary::Reflecting), (0.5, 6.0, 40, Boundary::Reflecting)]);
    let loss = tabulate(&area, 1, 1, |points, out| bumps.loss(points, out));
    let points = critical_points(&bumps, &area, &loss);
    // minima (0, π) and its kind lie outside but for none; maximum (π, π); saddles at odd multiples of π/2
    let count = |index| points.iter().filter(|p| p.index() == index).count();
    assert_eq!([count(0), count(1), count(2)], [0, 4, 1], "{points:?}");
}

fn of_formula(d: usize, text: &str) -> Vec<CriticalPoint> {
    let axes = [(-3.0, 3.0, 60, Boundary::Reflecting); 2];
    let (model, grid) = (formula(&["x", "y"][..d], text), grid(&axes[..d]));
    let loss = tabulate(&grid, 1, 1, |points, out| model.loss(points, out));
    critical_points(&model, &grid, &loss)
}

#[test]
fn kinks_are_critical_points() {
    let found = of_formula(1, "abs(abs(x) - 1)");
    let rounded = |x: f64| (1e6 * x).round() / 1e6;
    let kinds: Vec<(usize, f64)> = found.iter().map(|c| (c.index(), rounded(c.position[0]))).collect();
    assert_eq!(kinds.len(), 3, "{found:?}");
    assert!(kinds.contains(&(0, -1.0)) && kinds.contains(&(0, 1.0)) && kinds[2].0 == 1 && kinds[2].1.abs() < 1e-6);
    assert_eq!(found[2].eigenvalues, [f64::NEG_INFINITY]);
    // a smooth minimum and a kink that is none
    let found = of_formula(1, "x^2/2 + 0.3*abs(x - 1)");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((found[0].position[0] - 0.3).abs() < 1e-9 && (found[0].eigenvalues[0] - 1.0).abs() < 1e-6);
    // L1 penalty in two dimensions: x* = 0 at the kink, y* = 1.2 − 0.5
    let found = of_formula(2, "(x - 0.3)^2/2 + (y - 1.2)^2/2 + 0.5*(abs(x) + abs(y))");
    assert_eq!(found.len(), 1, "{found:?}");
    let point = &found[0];
    assert!(point.position[0].abs() < 1e-6 && (point.position[1] - 0.7).abs() < 1e-4, "{point:?}");
    assert!((point.eigenvalues[0] - 1.0).abs() < 1e-2 && point.eigenvalues[1] == f64::INFINITY, "{point:?}");
}

fn tree_of(model: &dyn Model, grid: &Grid) -> (Vec<CriticalPoint>, Vec<super::Leaf>) {
    let loss = tabulate(grid, 1, 1, |points, out| model.loss(points, out));
    let mut points = critical_points(model, grid, &loss);
    let tree = super::merge_tree(model, grid, &loss, &mut points, 1e-12);
    (points, tree)
}

/// Two equal wells of the quartic, ¼ deep: the first by its cell is the elder.
#[test]
fn the_double_well_has_two_leaves_of_persistence_a_quarter() {
    let model = formula(&["x"], "(x^2 - 1)^2/4");
    for cells in [17, 100, 401] {
        let (points, tree) = tree_of(&model, &grid(&[(-2.5, 2.5, cells, Boundary::Reflecting)]));
        assert_eq!((points.len(), tree.len()), (3, 2), "{tree:?}");
        assert!(tree[0].persistence().is_infinite() && (tree[1].persistence() - 0.25).abs() < 1e-14, "{tree:?}");
        let pass = tree[1].end.as_ref().unwrap();
        assert!(pass.parent == 0 && pass.saddle == Some(2) && pass.position[0].abs() < 1e-12, "{tree:?}");
        // the basin at rest has the same shape: Φ = L for D = 1
        let area = grid(&[(-2.5, 2.5, 400, Boundary::Reflecting)]);
        let loss = tabulate(&area, 1, 1, |points, out| model.loss(points, out));
        let found = super::potential_landscape(&area, &loss, 0.1).unwrap();
        assert!(found.tree.len() == 2 && (found.tree[1].persistence() - 0.25).abs() < 1e-6, "{:?}", found.tree);
        assert!(
            found.points.iter().any(|p| p.index() == 0 && (p.position[0] - 1.0).abs() < 1e-5),
            "{:?}",
            found.points
        );
    }
}

/// The spurious minimum is the deeper one: .3454442201 ends at the maximum, .0637818901 above it.
#[test]
fn genesis_has_a_tree_of_two_leaves() {
    let x: Vec<f64> = (0..10).map(|i| -2.25 + 0.5 * i as f64).collect();
    let y = [3.5, 3.22, 1.69, -0.9, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
    let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 0, 0]);
    let model = TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap();
    let (points, tree) = tree_of(&model, &grid(&[(0.1, 12.0, 400, Boundary::Reflecting)]));
    assert_eq!((points.len(), tree.len()), (3, 2), "{points:?} {tree:?}");
    assert!((tree[0].position[0] - 0.711_567_162_310_496_7).abs() < 1e-9);
    assert!((tree[1].persistence() - 0.063_781_890_1).abs() < 1e-10, "{}", tree[1].persistence());
}

/// Four wells of (x² − 1)² + (y² − 1)² + tilts: the passes are the four saddles between neighbours, the summit none of them. A well at a
/// wall is a leaf too.
#[test]
fn trees_in_two_and_three_dimensions() {
    let model = formula(&["x", "y"], "(x^2 - 1)^2 + (y^2 - 1)^2 + 0.1*x + 0.03*y");
    let side = (-1.6, 1.6, 40, Boundary::Reflecting);
    let (points, tree) = tree_of(&model, &grid(&[side, side]));
    assert_eq!((points.len(), tree.len()), (9, 4), "{points:?}");
    for leaf in &tree[1..] {
        let pass = leaf.end.as_ref().unwrap();
        assert_eq!(points[pass.saddle.unwrap()].index(), 1);
        // one coordinate of the saddle is that of the bottom, the other is that of the one-dimensional maximum
        let same = (0..2).filter(|&k| (pass.position[k] - leaf.position[k]).abs() < 1e-9).count();
        assert_eq!(same, 1, "{leaf:?}");
    }
    // depth 1 of each of the two quartics, ± the tilts
    assert!(tree[1].persistence() > 0.9 && tree[3].persistence() < 1.0);
    let slope = formula(&["x"], "sin(3*x) + 0.3*x");
    let (_, tree) = tree_of(&slope, &grid(&[(0.0, 2.5, 200, Boundary::Reflecting)]));
    assert_eq!(tree.iter().map(|leaf| leaf.minimum.is_some()).collect::<Vec<_>>(), [true, false], "{tree:?}");
    let cube = formula(&["x", "y", "z"], "(x^2 - 1)^2 + (y - x)^2 + cosh(z - y)");
    let axis = (-2.0, 2.0, 17, Boundary::Reflecting);
    let (_, tree) = tree_of(&cube, &grid(&[axis, axis, axis]));
    assert!(tree.len() == 2 && (tree[1].persistence() - 1.0).abs() < 1e-9, "{tree:?}");
}

/// A valley between the cells has lowest cells along it that are no minima.
#[test]
fn cells_along_a_narrow_valley_are_no_leaves() {
    let model = formula(&["x", "y"], "(x^2 - 1)^2 + 0.1*x + 4000*(y - 0.37*x)^2");
    let side = (-2.0, 2.0, 30, Boundary::Reflecting);
    let (_, tree) = tree_of(&model, &grid(&[side, side]));
    assert_eq!(tree.iter().filter(|leaf| leaf.minimum.is_some()).count(), 2, "{tree:?}");
}
