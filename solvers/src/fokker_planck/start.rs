//! The law that a run starts from; at a point that of the moment equations at a short time, instead of one full cell.
//!
//! μ' = E b(X), S' = E[(X − μ) bᵀ + b (X − μ)ᵀ] + 2 E A(X), closed as if X were Gaussian: exact where b is linear and A quadratic. On the
//! cells stands, by the first of these that there is:
//!
//! 1. the Gaussian of the time at which it is 1.5 cells wide on every axis and 6 standard deviations away from the walls;
//! 2. the law of largest entropy with the same mean and covariance, at the first time at which there is one;
//! 3. the point itself, split between the neighbouring centres: right in its mean, and too wide by w(1 − w)h² along each axis.

use super::cells::averages::centre_values;
use super::cells::interpolation::interpolation;
use super::cells::maximum_entropy::maximum_entropy;
use super::cells::weighted::{self, WeightedCells};
use super::chain::moments::moments_after;
use super::edges::vanishing_noise::weighted_cells;
use crate::fokker_planck::stencil::coefficients::at_points;
use crate::numerics::small_matrix::diagonalise;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::Problem;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;
use crate::problem::initial::Initial;

/// Mean (d) and covariance (packed).
pub type Moments = (Vec<f64>, Vec<f64>);

/// The law that a run starts from, its time and, where it is narrow, its moments.
#[derive(Debug, Clone)]
pub struct Start {
    /// Cell probabilities (n).
    pub law: Vec<f64>,
    /// The time that they belong to.
    pub time: f64,
    /// Mean and covariance that stand for it where the cells do not resolve it or are weighted.
    pub moments: Option<Moments>,
}

/// The same, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct StartLaw<'a> {
    /// Cell probabilities (n).
    pub law: &'a [f64],
    /// The time that they belong to.
    pub time: f64,
    /// Mean and covariance that stand for it where the cells do not resolve it.
    pub moments: Option<&'a Moments>,
}

impl Start {
    /// Borrowed.
    pub fn borrowed(&self) -> StartLaw<'_> {
        StartLaw { law: &self.law, time: self.time, moments: self.moments.as_ref() }
    }

    /// By how much the law on the cells misses the moments that it stands for (mean, covariance); zeros where it is resolved.
    pub fn missed(&self, grid: &Grid, cells: Option<&WeightedCells>) -> Moments {
        let d = grid.dimension();
        let Some((mean, covariance)) = &self.moments else { return (vec![0.0; d], vec![0.0; packed_len(d)]) };
        let (m, c) = weighted::moments(cells, grid, &lattice_law(grid, cells, mean, covariance));
        let missed = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).collect();
        (missed(&m, mean), missed(&c, covariance))
    }
}

impl StartLaw<'_> {
    /// Centre values times volumes on `grid`, or what its weighted `cells` hold, on which its cell probabilities are `law`.
    pub fn centre_on(&self, grid: &Grid, cells: Option<&WeightedCells>, law: &[f64]) -> Vec<f64> {
        match self.moments {
            Some((mean, covariance)) => lattice_law(grid, cells, mean, covariance),
            None => cells.map_or_else(|| centre_values(grid, law), |cells| cells.held(grid, law)),
        }
    }
}

/// A positive law on the centres, or the nodes of weighted `cells`, with this mean and covariance, or, where there is none, with this mean.
fn lattice_law(grid: &Grid, cells: Option<&WeightedCells>, mean: &[f64], covariance: &[f64]) -> Vec<f64> {
    maximum_entropy(grid, cells, mean, covariance).unwrap_or_else(|| {
        let mut split = vec![0.0; grid.len()];
        interpolation(grid, cells, mean).into_iter().for_each(|(cell, w)| split[cell] += w);
        split
    })
}

/// The law the integrator starts from: at a point that of a short time, see the module, else the initial one, whose cell
/// probabilities are `probability`.
pub fn start_law(problem: &Problem, probability: &[f64], warnings: &mut Vec<String>) -> Start {
    let at = match &problem.initial {
        Initial::Point { at } => at,
        Initial::Gaussian { mean, covariance } if is_point(&problem.grid, covariance) => {
            warnings.push(format!(
                "the Gaussian start is narrower than {NARROW} cells along every axis and counts as the point of its mean: use more cells, or a wider start"
            ));
            mean
        }
        _ => return Start { law: probability.to_vec(), time: 0.0, moments: None },
    };
    let (grid, end) = (&problem.grid, 0.5 * problem.times.last().copied().unwrap_or(f64::INFINITY));
    let start = PointStart::new(problem, at);
    let resolved = start.duration(end).or_else(|| start.exact_gaussian(end));
    let resolved = resolved.and_then(|time| Some((start.law(time).cell_probability(grid).ok()?, time)));
    if let Some((law, time)) = resolved {
        // the nodes of weighted cells are not where the cells of a Gaussian have their means
        let moments = start.weighted(grid).map(|_| start.moments(time));
        return Start { law, time, moments };
    }
    let (time, moments) = start.on_lattice(end).unwrap_or_else(|| {
        warnings.push(
            "the noise at the starting point is too degenerate for a law of a short time that has its mean and variance on these cells: \
             the density starts as the point, split between the neighbouring centres; the moments' errors count its width"
                .into(),
        );
        (0.0, (at.clone(), vec![0.0; packed_len(at.len())]))
    });
    let cells = start.weighted(grid);
    let cells = cells.as_ref();
    let law = weighted::averages(cells, grid, &lattice_law(grid, cells, &moments.0, &moments.1));
    Start { law, time, moments: Some(moments) }
}

/// Standard deviation, in cells, below which a Gaussian is a point: its variance is less than what a split between two centres adds.
const NARROW: f64 = 0.1;

/// Whether a Gaussian of this covariance (packed) is a point on the cells.
fn is_point(grid: &Grid, covariance: &[f64]) -> bool {
    let d = grid.dimension();
    grid.axes().iter().enumerate().all(|(k, axis)| covariance[packed_index(d, k, k)].sqrt() < NARROW * axis.narrowest())
}

/// Standard deviation at the start time, in cells of the widest-celled axis.
const WIDTH: f64 = 1.5;
/// Least share of the squared width that a shorter Gaussian may have.
const LEAST: f64 = 0.5;
/// Room to the walls, in standard deviations.
const ROOM: f64 = 6.0;
/// Share of the time in which the drift changes that a start may take where the law is not exactly Gaussian.
const SHORT: f64 = 0.1;
/// The same where the moment equations are exact.
const LONGER: f64 = 1.0;
/// Factor between the times that are tried.
const STRIDE: f64 = 1.25;
/// Times that are tried at most.
const TRIALS: usize = 60;

/// Mean and covariance along the flow from a point; see the module.
///
/// The error of the law at time δ is O(δ²) where b is curved, which for δ ∝ h² is below the second-order error of the grid.
pub struct PointStart<'a> {
    dynamics: &'a dyn Dynamics,
    temperature: f64,
    grid: &'a Grid,
    at: &'a [f64],
    /// The first output time after 0.
    first: f64,
}

impl<'a> PointStart<'a> {
    /// A start at the point `at` (d).
    pub fn new(problem: &'a Problem, at: &'a [f64]) -> Self {
        let first = problem.times.iter().copied().find(|&time| time > 0.0).unwrap_or(0.0);
        Self { dynamics: problem.dynamics.as_ref(), temperature: problem.temperature, grid: &problem.grid, at, first }
    }

    /// Mean and covariance at `time`.
    pub fn moments(&self, time: f64) -> Moments {
        moments_after(self.dynamics, self.temperature, self.grid, self.at, time)
    }

    /// The Gaussian at `time`.
    pub fn law(&self, time: f64) -> Initial {
        let (mean, covariance) = self.moments(time);
        Initial::Gaussian { mean, covariance }
    }

    /// Cell probabilities at a time before the start.
    pub fn early(&self, time: f64) -> Vec<f64> {
        let (mean, covariance) = self.moments(time);
        let near_wall = !self.has_room(&mean, &covariance);
        let law = self.law(time);
        let gaussian = if near_wall { None } else { law.cell_probability(self.grid).ok() };
        let cells = self.weighted(self.grid);
        let cells = cells.as_ref();
        gaussian
            .unwrap_or_else(|| weighted::averages(cells, self.grid, &lattice_law(self.grid, cells, &mean, &covariance)))
    }

    /// The weighted cells of `grid`, where the noise vanishes at a wall.
    fn weighted(&self, grid: &Grid) -> Option<WeightedCells> {
        weighted_cells(self.dynamics, self.temperature, grid)
    }

    /// Width of the cell at the start along axis k.
    fn width(&self, k: usize) -> Option<f64> {
        let axis = &self.grid.axes()[k];
        Some(axis.width(axis.locate(self.at[k])?))
    }

    /// Largest rate at which the drift changes: the row sums of |∂b/∂θ| in units of the cells, by differences of a cell.
    fn rate(&self) -> Option<f64> {
        let d = self.at.len();
        let mut rows = vec![0.0; d];
        let widths = (0..d).map(|k| self.width(k)).collect::<Option<Vec<f64>>>()?;
        for k in 0..d {
            let (axis, half) = (&self.grid.axes()[k], 0.5 * widths[k]);
            let inside = |x: f64| if axis.is_periodic() { x } else { x.clamp(axis.lower(), axis.upper()) };
            let ends = [inside(self.at[k] - half), inside(self.at[k] + half)];
            let mut points: Vec<f64> = self.at.iter().flat_map(|&x| [x, x]).collect();
            points[2 * k..2 * k + 2].copy_from_slice(&ends);
            let (b, ..) = at_points(self.dynamics, self.temperature, &points, None);
            let slope = |i: usize| (b[2 * i + 1] - b[2 * i]) / (ends[1] - ends[0]);
            rows.iter_mut().enumerate().for_each(|(i, row)| *row += (slope(i) * widths[k] / widths[i]).abs());
        }
        Some(rows.into_iter().fold(0.0, f64::max))
    }

    /// Time at which the Gaussian is `WIDTH` cells wide along every axis, but not longer than the linearisation holds or
    /// than keeps it 6 standard deviations away from the walls; None where no such time is long enough to be of use.
    fn duration(&self, end: f64) -> Option<f64> {
        let d = self.at.len();
        let (_, diffusion, _) = at_points(self.dynamics, self.temperature, self.at, None);
        let (mut wanted, mut longest) = (0.0f64, f64::INFINITY);
        for (k, axis) in self.grid.axes().iter().enumerate() {
            let a = diffusion[packed_index(d, k, k)];
            if a.is_nan() || a <= 0.0 {
                return None;
            }
            wanted = wanted.max((WIDTH * self.width(k)?).powi(2) / (2.0 * a));
            let room = (self.at[k] - axis.lower()).min(axis.upper() - self.at[k]);
            longest = longest.min((room / ROOM).powi(2) / (2.0 * a));
        }
        let time = wanted.min(longest).min(SHORT / self.rate()?.max(1e-300)).min(end);
        (time.is_finite() && time > LEAST * wanted).then_some(time)
    }

    /// The first time at which the Gaussian is resolved, where the law is Gaussian for as long: b linear, A constant.
    fn exact_gaussian(&self, end: f64) -> Option<f64> {
        self.times(end)?.find(|&time| {
            let (mean, covariance) = self.moments(time);
            let resolved = self.narrowest(&covariance).is_some_and(|narrowest| narrowest >= WIDTH * WIDTH);
            resolved && self.has_room(&mean, &covariance) && self.is_linear(&mean, &covariance)
        })
    }

    /// The first short time with a law of its moments on the grid and on the coarser ones that tell the error, and these moments.
    fn on_lattice(&self, end: f64) -> Option<(f64, Moments)> {
        let coarse = self.grid.coarsened();
        let coarsest = coarse.as_ref().and_then(Grid::coarsened);
        let grids = [Some(self.grid.clone()), coarse, coarsest].into_iter().flatten();
        let grids: Vec<(Grid, Option<WeightedCells>)> =
            grids.map(|grid| (grid.clone(), self.weighted(&grid))).collect();
        // beside a wall without noise the widest cells may ask for too long a time
        let fewest = if grids[0].1.is_some() { grids.len().min(2) } else { grids.len() };
        let rate = self.rate()?.max(1e-300);
        let exact = if self.is_closed() { (0.5 * self.first).min(LONGER / rate) } else { 0.0 };
        let longest = end.min(exact.max(SHORT / rate));
        (fewest..=grids.len()).rev().find_map(|levels| {
            self.times(longest)?.find_map(|time| {
                let (mean, covariance) = self.moments(time);
                let on = |(grid, cells): &(Grid, Option<WeightedCells>)| {
                    maximum_entropy(grid, cells.as_ref(), &mean, &covariance).is_some()
                };
                grids[..levels].iter().all(on).then_some((time, (mean, covariance)))
            })
        })
    }

    /// Times up to `longest`, ascending.
    fn times(&self, longest: f64) -> Option<impl Iterator<Item = f64>> {
        let shortest = longest * STRIDE.powi(1 - TRIALS as i32);
        (longest > 0.0 && longest.is_finite()).then(|| (0..TRIALS as i32).map(move |k| shortest * STRIDE.powi(k)))
    }

    /// Smallest eigenvalue of the covariance in squared cells.
    fn narrowest(&self, covariance: &[f64]) -> Option<f64> {
        let d = self.at.len();
        let mut matrix = vec![0.0; d * d];
        for k in 0..d {
            for l in 0..d {
                matrix[k * d + l] =
                    covariance[packed_index(d, k.min(l), k.max(l))] / (self.width(k)? * self.width(l)?);
            }
        }
        diagonalise(d, &mut matrix, &mut vec![0.0; d * d]);
        (0..d).map(|k| matrix[k * d + k]).reduce(f64::min)
    }

    /// Whether the walls are 6 standard deviations away.
    fn has_room(&self, mean: &[f64], covariance: &[f64]) -> bool {
        let d = mean.len();
        self.grid.axes().iter().enumerate().all(|(k, axis)| {
            let reach = ROOM * covariance[packed_index(d, k, k)].max(0.0).sqrt();
            mean[k] - reach > axis.lower() && mean[k] + reach < axis.upper()
        })
    }

    /// Whether b is linear and A quadratic along the axes of the box, so that the moment equations are exact; as far as four points show.
    fn is_closed(&self) -> bool {
        let d = self.at.len();
        self.grid.axes().iter().enumerate().all(|(k, axis)| {
            let along = |j: usize| axis.lower() + axis.length() * (0.1 + 0.8 * j as f64 / 3.0);
            let points: Vec<f64> =
                (0..d).flat_map(|l| (0..4).map(move |j| if l == k { along(j) } else { self.at[l] })).collect();
            let (b, a, _) = at_points(self.dynamics, self.temperature, &points, None);
            let size = |v: &[f64]| v.iter().fold(f64::MIN_POSITIVE, |most: f64, v| most.max(v.abs()));
            b.chunks(4).all(|v| (1..3).all(|j| (v[j - 1] - 2.0 * v[j] + v[j + 1]).abs() <= 1e-10 * size(v)))
                && a.chunks(4).all(|v| (v[3] - 3.0 * v[2] + 3.0 * v[1] - v[0]).abs() <= 1e-10 * size(v))
        })
    }

    /// Whether b is linear and A constant from the start to `ROOM` standard deviations about the mean, as far as triples of points show.
    fn is_linear(&self, mean: &[f64], covariance: &[f64]) -> bool {
        let d = mean.len();
        let mut arms: Vec<Vec<f64>> = vec![mean.iter().zip(self.at).map(|(m, x)| m - x).collect()];
        for k in 0..d {
            for far in [1.3, 2.9, ROOM] {
                for turn in [-0.4, 0.0, 0.7] {
                    let size = |l: usize| far * covariance[packed_index(d, l, l)].max(0.0).sqrt();
                    arms.push((0..d).map(|l| if l == k { size(l) } else { turn * size(l) }).collect());
                }
            }
        }
        arms.iter().all(|arm| {
            let points: Vec<f64> = (0..d).flat_map(|k| [mean[k] - arm[k], mean[k], mean[k] + arm[k]]).collect();
            let (b, a, _) = at_points(self.dynamics, self.temperature, &points, None);
            let close = |bend: f64, size: f64| bend.abs() <= 1e-10 * size + f64::MIN_POSITIVE;
            let largest = |values: &[f64]| values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
            let (b_size, a_size) = (largest(&b), largest(&a));
            b.chunks(3).all(|b| close(b[0] - 2.0 * b[1] + b[2], b_size))
                && a.chunks(3).all(|a| close(a[0] - a[1], a_size) && close(a[2] - a[1], a_size))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::problem::grid::{Axis, Boundary};

    struct Linear;
    impl Dynamics for Linear {
        fn dimension(&self) -> usize {
            2
        }
        fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
            let n = points.len() / 2;
            for i in 0..n {
                let (x, y) = (points[i], points[n + i]);
                (drift[i], drift[n + i]) = (-x + y, -2.0 * y);
                (diffusion[i], diffusion[n + i], diffusion[2 * n + i]) = (1.0, 0.3, 0.5);
            }
        }
    }

    #[test]
    fn linear_drift_gives_the_exact_gaussian() {
        let axis = |name| Axis::uniform(name, -4.0, 4.0, 40, [Boundary::Reflecting; 2]).unwrap();
        let grid = Grid::new(vec![axis("x"), axis("y")]).unwrap();
        let start = PointStart { dynamics: &Linear, temperature: 0.2, grid: &grid, at: &[1.0, -0.5], first: 1.0 };
        let (mean, covariance) = start.moments(0.4);
        let (e1, e2) = ((-0.4f64).exp(), (-0.8f64).exp());
        assert!((mean[1] + 0.5 * e2).abs() < 1e-9 && (mean[0] - (e1 - 0.5 * (e1 - e2))).abs() < 1e-9, "{mean:?}");
        // C_yy' = −4 C_yy + 2·0.2·0.5
        assert!((covariance[2] - 0.05 * (1.0 - (-1.6f64).exp())).abs() < 1e-9, "{covariance:?}");
        assert!(start.is_linear(&mean, &covariance));
    }
}
