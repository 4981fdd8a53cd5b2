#![allow(clippy::unwrap_used)]
use super::*;
use crate::problem::grid::{Axis, Boundary, Grid};

fn axis(from: f64, to: f64, cells: usize, boundary: Boundary) -> Axis {
    Axis::uniform("x", from, to, cells, [boundary; 2]).unwrap()
}

fn block(d: usize, f: impl Fn(usize, usize) -> f64) -> Block {
    let mut block = Block::new(d, 0, 1000, 1, "test");
    for k in 0..d {
        (0..BLOCK).for_each(|i| block.points[k * BLOCK + i] = f(k, i));
    }
    block
}

/// The vectorised locator gives the cells of `Grid::locate`, edges and ends included.
#[test]
fn locator_agrees_with_the_grid() {
    let graded = Axis::graded("z", vec![-1.0, -0.3, 0.1, 0.15, 1.0], [Boundary::Reflecting; 2]).unwrap();
    let grid =
        Grid::new(vec![axis(-0.7, 1.1, 13, Boundary::Reflecting), axis(0.0, 0.3, 3, Boundary::Periodic), graded])
            .unwrap();
    let edges: Vec<Vec<f64>> = grid.axes().iter().map(|a| a.edges().to_vec()).collect();
    let mut inside = 0;
    for shift in [0.0, 1e-17, -1e-16, 0.02, -3.0, f64::NAN] {
        let block = block(3, |k, i| {
            let x = edges[k][(i * (k + 1)) % edges[k].len()] + shift * f64::from((k != 1) as u8);
            if k == 1 && x >= 0.3 { 0.0 } else { x }
        });
        let mut cells = [0; BLOCK];
        Locator::new(&grid).locate(&block.points, &mut cells);
        for i in 0..BLOCK {
            let point: Vec<f64> = (0..3).map(|k| block.points[k * BLOCK + i]).collect();
            let expected = grid.locate(&point).unwrap_or(grid.len());
            inside += usize::from(expected < grid.len());
            assert_eq!(cells[i] as usize, expected, "{point:?}");
        }
    }
    assert!(inside > BLOCK);
}

/// Blocks far from the origin with a tiny spread: the covariance keeps its digits.
#[test]
fn moments_do_not_cancel() {
    let near = |k: usize, i: usize| ((i * (7 + k)) % 31) as f64 * 2f64.powi(-20);
    let far = |k: usize, i: usize| 1e6 * (k + 1) as f64 + near(k, i);
    let (a, b) = (Moments::of_block(3, &block(3, near)), Moments::of_block(3, &block(3, far)));
    for (x, y) in a.merge(&a).covariance().iter().zip(b.merge(&b).covariance()) {
        assert!((x / y - 1.0).abs() < 1e-6 || (x - y).abs() < 1e-16, "{x} {y}");
    }
    let mean = |k| (0..BLOCK).map(|i| near(k, i)).sum::<f64>() / BLOCK as f64;
    assert!((a.mean()[1] - mean(1)).abs() < 1e-18);
    let variance = (0..BLOCK).map(|i| (near(0, i) - mean(0)).powi(2)).sum::<f64>() / (BLOCK - 1) as f64;
    assert!((a.covariance()[0] / variance - 1.0).abs() < 1e-14);
    assert!((a.standard_error()[0] / (variance / BLOCK as f64).sqrt() - 1.0).abs() < 1e-14);
}

#[test]
fn merging_equals_one_pass_and_skips_the_absorbed() {
    let f = |k: usize, i: usize| ((i * i + 3 * k * i) as f64).sin();
    let mut one = block(2, f);
    let mut two = block(2, |k, i| f(k, i + 50) + 2.0);
    two.active = 90;
    one.absorbed = (0..BLOCK).map(|i| i % 3 == 0).collect();
    let merged = Moments::of_block(2, &one).merge(&Moments::of_block(2, &two));
    let walkers: Vec<[f64; 2]> = (0..BLOCK)
        .filter(|i| i % 3 != 0)
        .map(|i| [f(0, i), f(1, i)])
        .chain((0..90).map(|i| [f(0, i + 50) + 2.0, f(1, i + 50) + 2.0]))
        .collect();
    let n = walkers.len() as f64;
    let mean: [f64; 2] = std::array::from_fn(|k| walkers.iter().map(|w| w[k]).sum::<f64>() / n);
    let cross = walkers.iter().map(|w| (w[0] - mean[0]) * (w[1] - mean[1])).sum::<f64>() / (n - 1.0);
    assert_eq!(merged.count(), n);
    assert!((merged.mean()[1] - mean[1]).abs() < 1e-14);
    assert!((merged.covariance()[1] - cross).abs() < 1e-14);
}
