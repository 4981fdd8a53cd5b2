//! Weights of cells where the stationary density has a kink or a jump: there the mean over the cell is not what the values at the
//! centres say.
//!
//! The generator keeps centre values u, and [`averages`](crate::fokker_planck::cells::averages) reads cell averages from them, which
//! is right where u is smooth. A cell whose mean along an axis differs from that by more than `THRESHOLD` gets the volume w e^δ instead of w,
//! δ such that the averages read from u e^δ are the means. Conductances stay as they are.

use super::loss_difference::EdgeMeans;
use crate::fokker_planck::cells::averages::flux;
use crate::problem::grid::Grid;

/// Relative difference of the means from which a cell is given another weight.
const THRESHOLD: f64 = 1e-3;
/// Iterations for δ; each leaves about a tenth.
const ITERATIONS: usize = 5;
/// Largest |δ| that is believed.
const LARGEST: f64 = 40.0;

/// What the edges along one axis say: for the edge from each cell to the next one, p and the means of e^{−V} over both halves of it
/// relative to its ends.
pub struct AxisMeans {
    /// p; NaN where there is no edge.
    pub exponent: Vec<f64>,
    /// Means of both halves and where V has kinks; None where they are not known.
    pub edges: Vec<Option<EdgeMeans>>,
}

impl AxisMeans {
    /// Nothing known, for a number of cells.
    pub fn unknown(cells: usize) -> Self {
        Self { exponent: vec![f64::NAN; cells], edges: vec![None; cells] }
    }
}

/// Adds the δ of axis k to `delta`.
pub fn add_axis(grid: &Grid, k: usize, means: &AxisMeans, delta: &mut [f64]) {
    let axis = &grid.axes()[k];
    if !axis.is_uniform() || axis.cells() < 3 {
        return;
    }
    let stride: usize = grid.shape()[k + 1..].iter().product();
    let n = axis.cells();
    for block in (0..grid.len()).step_by(n * stride) {
        for first in block..block + stride {
            let line: Vec<usize> = (0..n).map(|i| first + i * stride).collect();
            add_line(&line, axis.is_periodic(), means, delta);
        }
    }
}

fn add_line(line: &[usize], periodic: bool, means: &AxisMeans, delta: &mut [f64]) {
    let n = line.len();
    let before = |i: usize| if i > 0 { Some(i - 1) } else { periodic.then(|| n - 1) };
    let after = |i: usize| if i + 1 < n { Some(i + 1) } else { periodic.then_some(0) };
    let p = |i: usize| means.exponent[line[i]];
    // the average of cell i over its centre value without δ
    let read = |i: usize, own: &[f64]| -> f64 {
        let here = own[i].exp();
        let up = after(i).map_or(0.0, |j| flux(here, (p(i) + own[j]).exp()));
        let down = before(i).map_or(0.0, |j| flux((own[j] - p(j)).exp(), here));
        here + up - down
    };
    let mut own = vec![0.0; n];
    let plain: Vec<f64> = (0..n).map(|i| read(i, &own)).collect();
    // the edges to both sides of a cell; at a wall there is one only, and nothing is known
    let sides = |i: usize| after(i).and(before(i)).and_then(|j| means.edges[line[j]].zip(means.edges[line[i]]));
    let sides: Vec<Option<(EdgeMeans, EdgeMeans)>> = (0..n).map(sides).collect();
    let believed = |i: usize, mean: &f64| (mean / plain[i]).ln().abs() < LARGEST;
    let mean = |i: usize| sides[i].map(|(lower, upper)| 0.5 * (lower.halves[1] + upper.halves[0]));
    let means: Vec<Option<f64>> = (0..n).map(|i| mean(i).filter(|mean| believed(i, mean))).collect();
    let mut near = vec![false; n];
    for i in 0..n {
        // a smooth density is read to fourth order
        let kinked = sides[i].is_some_and(|(lower, upper)| lower.kinked_up_to(&upper));
        if kinked && means[i].is_some_and(|mean| (mean / plain[i]).ln().abs() > THRESHOLD) {
            (i.saturating_sub(2)..(i + 3).min(n)).for_each(|j| near[j] = true);
        }
    }
    let wanted: Vec<f64> = (0..n).map(|i| means[i].unwrap_or(plain[i])).collect();
    if !near.contains(&true) {
        return;
    }
    for _ in 0..ITERATIONS {
        let now: Vec<f64> = (0..n).map(|i| if near[i] { (wanted[i] / read(i, &own)).ln() } else { 0.0 }).collect();
        own.iter_mut().zip(now).for_each(|(own, change)| *own += if change.is_finite() { change } else { 0.0 });
    }
    line.iter().zip(own).filter(|(_, own)| own.abs() < LARGEST).for_each(|(&cell, own)| delta[cell] += own);
}
