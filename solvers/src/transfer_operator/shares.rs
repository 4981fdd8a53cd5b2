//! The part of every cell that lies in a target: fractional shares at its edge make times second order in h.

use crate::escape::passage::Target;
use crate::problem::grid::Grid;

/// Pieces of a line through a cell in which one edge of a target is looked for.
const PIECES: usize = 8;
/// Lines along the last axis through a cell that the edge cuts, each for the middle of its strip.
const LINES: usize = 16;

/// The share (n) of each cell of a grid of one or two axes inside the target, with the edges found by bisection.
pub(super) fn shares(grid: &Grid, target: &Target) -> Vec<f64> {
    let last = grid.dimension() - 1;
    let axis = &grid.axes()[last];
    let along = |cell: usize, before: &[f64]| {
        let (centre, half) = (grid.center(cell)[last], 0.5 * axis.spacing());
        share(target, before, centre - half, centre + half)
    };
    if last == 0 {
        return (0..grid.len()).map(|cell| along(cell, &[])).collect();
    }
    let whole = corners_agree(grid, target);
    let step = grid.axes()[0].spacing() / LINES as f64;
    let line = |cell: usize, k: usize| grid.center(cell)[0] + (k as f64 + 0.5 - 0.5 * LINES as f64) * step;
    let cut = |cell: usize| (0..LINES).map(|k| along(cell, &[line(cell, k)])).sum::<f64>() / LINES as f64;
    whole.iter().enumerate().map(|(cell, whole)| whole.unwrap_or_else(|| cut(cell))).collect()
}

/// 0 or 1 for each cell of a plane of which nine points agree.
fn corners_agree(grid: &Grid, target: &Target) -> Vec<Option<f64>> {
    let (n, centres) = (grid.len(), grid.centers());
    let halves = [0, 1].map(|k| 0.5 * (1.0 - 1e-12) * grid.axes()[k].spacing());
    let mut inside = vec![0; n];
    for dx in [-1.0, 0.0, 1.0] {
        for dy in [-1.0, 0.0, 1.0] {
            let moved: Vec<f64> =
                (0..2 * n).map(|i| centres[i] + if i < n { dx * halves[0] } else { dy * halves[1] }).collect();
            inside.iter_mut().zip(target.contains(&moved)).for_each(|(count, one)| *count += usize::from(one));
        }
    }
    let whole = |count: usize| match count {
        0 => Some(0.0),
        9 => Some(1.0),
        1..9 | 10.. => None,
    };
    inside.into_iter().map(whole).collect()
}

/// The share of the line from `low` to `high` along the last axis, at `before` along those before it.
fn share(target: &Target, before: &[f64], low: f64, high: f64) -> f64 {
    let inside_at = |points: &[f64]| {
        let fixed = before.iter().flat_map(|x| std::iter::repeat_n(*x, points.len()));
        target.contains(&fixed.chain(points.iter().copied()).collect::<Vec<f64>>())
    };
    // a hair inside, so that conditions at the edge itself count for the side they belong to
    let at = |k: usize| low + (high - low) * (1e-12 + (1.0 - 2e-12) * k as f64 / PIECES as f64);
    let points: Vec<f64> = (0..=PIECES).map(at).collect();
    let inside = inside_at(&points);
    let mut total = 0.0;
    for k in 0..PIECES {
        match (inside[k], inside[k + 1]) {
            (true, true) => total += 1.0,
            (false, false) => {}
            (first, _) => {
                let (mut a, mut b) = (points[k], points[k + 1]);
                for _ in 0..40 {
                    let middle = 0.5 * (a + b);
                    if inside_at(&[middle])[0] == first { a = middle } else { b = middle }
                }
                let part = (a - points[k]) / (points[k + 1] - points[k]);
                total += if first { part } else { 1.0 - part };
            }
        }
    }
    total / PIECES as f64
}
