//! `grading = "auto"`: cells where the error is.
//!
//! A pilot solution on few cells shows how much the density bends along each axis, and the cells of the axis share that evenly:
//!
//! ```text
//! e_k(θ_k) = max_t ∫ |∂²ρ/∂θ_k²| Π_{j≠k} dθ_j,     an error of h³ e_k in a cell of width h,     h ∝ e_k^{−1/3}
//! ```
//!
//! (equidistribution: C. de Boor 1973; W. Huang & R. D. Russell 2011, doi:10.1007/978-1-4419-7916-2). The widths make a smooth
//! coordinate of the axis, see [`Scale::drawn`], in which the cells are equal, so that every discretisation works as on equal cells. Where the pilot's
//! own cells are too wide for a narrow density, the next pilot is solved on the cells that it asked for.

use super::pilot;
use crate::engine::Interrupt;
use crate::error::Error;
use crate::problem::Problem;
use crate::problem::grid::{Axis, Grid};
use crate::problem::scale::Scale;

/// Cells per axis of the pilot in 1, 2, 3 dimensions.
pub const PILOT: [usize; 3] = [256, 64, 20];
/// Most pilots.
const ROUNDS: usize = 4;
/// Largest change of a width from one pilot to the next at which no other is wanted.
const SETTLED: f64 = 1.6;
/// Narrowest cells relative to the widest, for each pilot.
const NARROWEST: f64 = 0.05;
/// Relative error of the pilot's integration.
const TOLERANCE: f64 = 1e-6;
/// Largest change of the logarithm of the width from one cell of the pilot to the next.
const STEEPEST: f64 = 0.15;
/// How often the widths of neighbouring cells of the pilot are averaged.
const SMOOTHINGS: usize = 6;
/// Most times that a pilot looks at.
const TIMES: usize = 32;
/// Places at which the widths are looked at.
const PLACES: usize = 512;

/// The coordinates of a box' axes.
#[derive(Debug, Clone)]
pub struct Grading {
    /// One for each axis; as it was where an axis is not to be graded.
    pub scales: Vec<Scale>,
    /// How many cells each axis wants, relative to the one that wants most.
    pub share: Vec<f64>,
}

/// Grades those axes of the problem's grid that `graded` names; the others keep their coordinate, and all their walls. The cells of its
/// grid do not matter. `at` puts the problem on another grid of the same box.
///
/// Errors: those of a pilot solution, or of `at`.
pub fn grade(
    grid: &Grid,
    graded: &[bool],
    stationary: bool,
    at: &dyn Fn(Grid) -> Result<Problem, Error>,
    interrupt: Interrupt,
) -> Result<Grading, Error> {
    let cells = PILOT[grid.dimension() - 1];
    let mut axes: Vec<Axis> =
        grid.axes().iter().map(|axis| with_cells(axis, axis.scale(), cells)).collect::<Result<_, _>>()?;
    let mut bends = Vec::new();
    for _ in 0..ROUNDS {
        let pilot = Grid::new(axes.clone())?;
        bends = bending(&at(pilot.clone())?, &pilot, stationary, interrupt)?;
        let mut settled = true;
        for (k, axis) in axes.iter_mut().enumerate().filter(|(k, axis)| graded[*k] && !axis.is_periodic()) {
            let widths = widths(&bends[k]);
            settled &= change(axis, &widths) < SETTLED;
            let scale = drawn(axis, &widths)?;
            *axis = with_cells(axis, &scale, cells)?;
        }
        if settled {
            break;
        }
    }
    // an error of Σ_k C_k/N_k² with the fewest cells Π N_k: N_k ∝ √C_k, C_k = (∫ e_k^{1/3})³
    let wants: Vec<f64> = bends.iter().map(wanted).collect();
    let most = wants.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    Ok(Grading {
        scales: axes.iter().map(|axis| axis.scale().clone()).collect(),
        share: wants.iter().map(|want| (want / most).clamp(0.25, 1.0)).collect(),
    })
}

/// The axis in `cells` cells that are equal in a coordinate.
pub(super) fn with_cells(axis: &Axis, scale: &Scale, cells: usize) -> Result<Axis, Error> {
    Axis::scaled(axis.variable(), [axis.lower(), axis.upper()], cells, scale.clone(), axis.boundary())
}

/// Centres of an axis' cells and how much the density bends there: e_k.
struct Bending {
    widths: Vec<f64>,
    bend: Vec<f64>,
}

/// e_k of every axis: the largest over the laws of a pilot.
fn bending(problem: &Problem, grid: &Grid, stationary: bool, interrupt: Interrupt) -> Result<Vec<Bending>, Error> {
    let mut out: Vec<Bending> = grid
        .axes()
        .iter()
        .map(|axis| Bending {
            widths: (0..axis.cells()).map(|i| axis.width(i)).collect(),
            bend: vec![0.0; axis.cells()],
        })
        .collect();
    let between = Problem { times: times_between(&problem.times), ..problem.clone() };
    for seen in pilot::laws((&between, TIMES), TOLERANCE, stationary, interrupt)? {
        for (k, found) in out.iter_mut().enumerate() {
            let here = bend_along(grid, &seen.probability, k);
            found.bend.iter_mut().zip(here).for_each(|(most, bend)| *most = most.max(bend));
        }
    }
    Ok(out)
}

/// The output times, and some between them: what moves between two outputs goes through the cells there. Before the first output every
/// half of the time to it.
fn times_between(times: &[f64]) -> Vec<f64> {
    let mut out: Vec<f64> = times.first().copied().into_iter().collect();
    for (i, pair) in times.windows(2).enumerate() {
        let steps = if i == 0 { [0.0625, 0.125, 0.25, 0.5] } else { [0.25, 0.5, 0.75, 0.75] };
        out.extend(steps.map(|share| pair[0] + share * (pair[1] - pair[0])));
        out.push(pair[1]);
    }
    out.dedup();
    out
}

/// ∫ |∂²ρ/∂θ_k²| over the other axes, in each cell of axis k; a wall counts as a mirror.
fn bend_along(grid: &Grid, probability: &[f64], k: usize) -> Vec<f64> {
    let (axis, n) = (&grid.axes()[k], grid.shape()[k]);
    let stride: usize = grid.shape()[k + 1..].iter().product();
    let centres = axis.centers();
    let mut out = vec![0.0; n];
    for line in probability.chunks_exact(n * stride) {
        for inner in 0..stride {
            // probability of the other axes' cells, density along this one
            let value = |i: usize| line[i * stride + inner] / axis.width(i);
            let slope = |i: usize| (value(i + 1) - value(i)) / (centres[i + 1] - centres[i]);
            for (i, out) in out.iter_mut().enumerate() {
                let before = if i > 0 { slope(i - 1) } else { 0.0 };
                let after = if i + 1 < n { slope(i) } else { 0.0 };
                *out += (after - before).abs() / axis.width(i);
            }
        }
    }
    out
}

/// Wanted widths of the pilot's cells up to a factor: e^{−1/3}, bounded and smoothed.
fn widths(found: &Bending) -> Vec<f64> {
    let n = found.bend.len();
    let density: Vec<f64> = found.bend.iter().map(|bend| bend.cbrt()).collect();
    let most = density.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let mut wanted: Vec<f64> = density.iter().map(|density| (density / most).max(NARROWEST).ln()).collect();
    // narrow cells stay where they are wanted, and their neighbours are not much wider
    (1..n).for_each(|i| wanted[i] = wanted[i].max(wanted[i - 1] - STEEPEST));
    (1..n).rev().for_each(|i| wanted[i - 1] = wanted[i - 1].max(wanted[i] - STEEPEST));
    for _ in 0..SMOOTHINGS {
        let before = wanted.clone();
        for i in 0..n {
            let (left, right) = (before[i.saturating_sub(1)], before[(i + 1).min(n - 1)]);
            wanted[i] = 0.25 * left + 0.5 * before[i] + 0.25 * right;
        }
    }
    wanted.iter().map(|density| (-density).exp()).collect()
}

/// How far the wanted widths are from those of the axis, in its shape: 1 where they are the same.
fn change(axis: &Axis, widths: &[f64]) -> f64 {
    let ratio: Vec<f64> = widths.iter().enumerate().map(|(i, width)| width / axis.width(i)).collect();
    let (least, most) = ratio.iter().fold((f64::INFINITY, 0.0f64), |(least, most), &r| (least.min(r), most.max(r)));
    most / least
}

/// The coordinate in which cells of these widths are equal: their logarithm by a cubic B-spline of the pilot's cells, so that it is smooth.
fn drawn(axis: &Axis, widths: &[f64]) -> Result<Scale, Error> {
    let (scale, n) = (axis.scale(), axis.cells());
    let [first, last] = [axis.lower(), axis.upper()].map(|x| scale.coordinate(x));
    let mut places: Vec<f64> =
        (0..=PLACES).map(|i| scale.place(first + (last - first) * i as f64 / PLACES as f64)[0]).collect();
    (places[0], places[PLACES]) = (axis.lower(), axis.upper());
    let logarithm = |i: isize| widths[i.clamp(0, n as isize - 1) as usize].ln();
    Scale::drawn_at(&places, |x| {
        let s = (scale.coordinate(x) - first) / (last - first) * n as f64 - 0.5;
        let (i, t) = (s.floor() as isize, s - s.floor());
        let weights = [
            (1.0 - t).powi(3),
            3.0 * t.powi(3) - 6.0 * t * t + 4.0,
            3.0 * (1.0 - t).powi(3) - 6.0 * (1.0 - t).powi(2) + 4.0,
            t.powi(3),
        ];
        weights.iter().zip(i - 1..).map(|(weight, j)| weight / 6.0 * logarithm(j)).sum::<f64>().exp()
    })
}

/// √C_k = (∫ e_k^{1/3} dθ_k)^{3/2}; 0 where the density does not bend.
fn wanted(found: &Bending) -> f64 {
    let integral: f64 = found.bend.iter().zip(&found.widths).map(|(bend, width)| bend.cbrt() * width).sum();
    integral.powf(1.5)
}
