//! Centre values and cell averages: what the schemes compute and what histograms, records and exact laws hold.
//!
//! The discretisations are right at cell *centres* (a reversible problem keeps exp(−V) there; the chain has the moments of point
//! masses), cell *averages* differ from that by h²ρ''/24. Along each uniform axis the average of a cell is reconstructed as
//!
//! ```text
//! a_i = u_i + F_{i+½} − F_{i−½},   F_{i+½} = f(ln u_{i+1}/u_i)·(u_{i+1} − u_i),   f(p) = (sinh(p/2)/(p/2) − 1)/(2 cosh p − 2),
//! ```
//!
//! f(0) = 1/24: fourth order for smooth densities, exact for exponential ones however steep, positive (f ≤ 1/24), and conservative.
//! Along graded axes centre values stand for averages, which is second order.

use rayon::prelude::*;

use crate::numerics::lanes::{dispatch, ln};
use crate::problem::grid::{Boundary, Grid};

/// Iterations of [`centre_values`]; each gains two orders in h.
const ITERATIONS: usize = 6;
/// Cells from which on lines are worked on by all threads.
const PARALLEL: usize = 30_000;
/// Cells whose fluxes are computed in one loop at least, where the grid has as many.
const LAYERS: usize = 1024;

/// Cell probabilities from the centre values of the density times volumes. Sums are kept, but for what lies beyond an absorbing wall.
pub fn averages(grid: &Grid, centre: &[f64]) -> Vec<f64> {
    averages_along(grid, centre, |_| true)
}

/// [`averages`] along those axes that `taken` names; along the others the values are averages already.
pub fn averages_along(grid: &Grid, centre: &[f64], taken: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut out = centre.to_vec();
    for k in (0..grid.dimension()).filter(|&k| taken(k)) {
        if grid.axes()[k].is_regular() && grid.axes()[k].cells() > 2 {
            along(grid, k, &mut out);
        }
    }
    out
}

/// Centre values (times volumes) whose [`averages`] are the given cell probabilities, by u ← a·u/averages(u); non-negative, the
/// sum is kept.
pub fn centre_values(grid: &Grid, average: &[f64]) -> Vec<f64> {
    centre_values_along(grid, average, |_| true)
}

/// [`centre_values`] along those axes that `taken` names.
pub fn centre_values_along(grid: &Grid, average: &[f64], taken: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut centre = average.to_vec();
    let sum: f64 = average.iter().sum();
    for _ in 0..ITERATIONS {
        let found = averages_along(grid, &centre, &taken);
        for ((u, found), a) in centre.iter_mut().zip(&found).zip(average) {
            *u = if *found > 0.0 { *u * (a / found) } else { 0.0 };
        }
    }
    let found: f64 = centre.iter().sum();
    if found > 0.0 && !grid.axes().iter().any(|axis| axis.boundary().contains(&Boundary::Absorbing)) {
        centre.iter_mut().for_each(|u| *u *= sum / found);
    }
    centre
}

/// Estimated L1 error of [`averages`]: their distance, axis by axis, to the reconstruction of sixth order,
/// a = u + δ²u/24 − 17 δ⁴u/5760, which is not positive.
pub fn reconstruction_error(grid: &Grid, centre: &[f64]) -> f64 {
    let mut error = 0.0;
    for k in 0..grid.dimension() {
        let axis = &grid.axes()[k];
        let (n, stride) = (axis.cells(), grid.shape()[k + 1..].iter().product::<usize>());
        if !axis.is_regular() || n <= 4 {
            continue;
        }
        let mut read = centre.to_vec();
        along(grid, k, &mut read);
        let absorbing = axis.boundary().map(|wall| wall == Boundary::Absorbing);
        for (read, centre) in read.chunks(n * stride).zip(centre.chunks(n * stride)) {
            for first in 0..stride {
                // odd beyond an absorbing wall, even beyond a reflecting one
                let at = |i: i64| -> f64 {
                    let m = n as i64;
                    if axis.is_periodic() {
                        return centre[first + i.rem_euclid(m) as usize * stride];
                    }
                    let (side, mirrored) = if i < 0 { (0, -1 - i) } else { (1, 2 * m - 1 - i) };
                    match (0..m).contains(&i) {
                        true => centre[first + i as usize * stride],
                        false if absorbing[side] => -centre[first + mirrored as usize * stride],
                        false => centre[first + mirrored as usize * stride],
                    }
                };
                for i in 0..n as i64 {
                    let second = at(i - 1) - 2.0 * at(i) + at(i + 1);
                    let fourth = at(i - 2) - 4.0 * at(i - 1) + 6.0 * at(i) - 4.0 * at(i + 1) + at(i + 2);
                    let wanted = at(i) + second / 24.0 - fourth * (17.0 / 5760.0);
                    error += (read[first + i as usize * stride] - wanted).abs();
                }
            }
        }
    }
    error
}

/// Averages all lines along one axis in place: some layers of neighbouring lines at a time, with all their fluxes in one loop.
fn along(grid: &Grid, k: usize, values: &mut [f64]) {
    let axis = &grid.axes()[k];
    let n = axis.cells();
    let stride: usize = grid.shape()[k + 1..].iter().product();
    let layers = (LAYERS / stride).clamp(1, n);
    let (periodic, walls) = (axis.is_periodic(), axis.boundary().map(|wall| wall == Boundary::Absorbing));
    // odd beyond an absorbing wall
    let through = |wall: bool, cells: &[f64], sign: f64| -> Vec<f64> {
        cells.iter().map(|u| if wall { sign * u / 12.0 } else { 0.0 }).collect()
    };
    let block = |block: &mut [f64]| {
        let (bottom, top) = (&block[..stride], &block[(n - 1) * stride..]);
        let (mut lower, mut upper) = (through(walls[0], bottom, 1.0), through(walls[1], top, -1.0));
        if periodic {
            fluxes(top, bottom, &mut upper);
            lower.copy_from_slice(&upper);
        }
        let mut flow = vec![0.0; stride * (layers + 1)]; // into the layers, and out of the last
        flow[..stride].copy_from_slice(&lower);
        for first in (0..n).step_by(layers) {
            let (begin, end) = (first * stride, (first + layers).min(n) * stride);
            let (length, inner) = (end - begin, end.min((n - 1) * stride) - begin);
            fluxes(&block[begin..begin + inner], &block[begin + stride..], &mut flow[stride..stride + inner]);
            if inner < length {
                flow[length..length + stride].copy_from_slice(&upper);
            }
            let differences = flow[stride..].iter().zip(&flow);
            let own = block[begin..end].iter_mut();
            own.zip(differences).for_each(|(u, (after, before))| *u = *u + after - before);
            flow.copy_within(length..length + stride, 0);
        }
    };
    if values.len() >= PARALLEL {
        values.par_chunks_mut(n * stride).for_each(block);
    } else {
        values.chunks_mut(n * stride).for_each(block);
    }
}

dispatch! {
    /// F between the centre values u and v.
    fn fluxes(u: &[f64], v: &[f64], out: &mut [f64]) {
        for ((out, &u), &v) in out.iter_mut().zip(u).zip(v) {
            *out = flux(u, v);
        }
    }
}

/// F between two centre values, without branches.
#[inline(always)]
pub(crate) fn flux(u: f64, v: f64) -> f64 {
    let (low, high) = if u < v { (u, v) } else { (v, u) };
    let step = v - u;
    let near = high - low <= 0.2 * low;
    let ratio = high / low;
    let p = ln(ratio);
    // f(p) = (1 − 17p²/240 + 43p⁴/13440 − …)/24: the closed form cancels here
    let p2 = p * p;
    let series = (1.0 - p2 * (17.0 / 240.0) + p2 * p2 * (43.0 / 13_440.0)) / 24.0;
    // sinh(p/2)/(p/2) − 1 and 2cosh p − 2 = (√r − 1/√r)² with r = eᵖ
    let root = ratio.sqrt();
    let half = root - 1.0 / root;
    let closed = (half / p - 1.0) / (half * half);
    let factor = if near { series } else { closed };
    if low > 0.0 && ratio <= 1e12 { step * factor } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::problem::density::l1;
    use crate::problem::grid::Axis;
    use crate::problem::initial::Initial;

    fn line(n: usize, walls: [Boundary; 2]) -> Grid {
        Grid::new(vec![Axis::uniform("x", -4.0, 4.0, n, walls).unwrap()]).unwrap()
    }

    fn nodal(grid: &Grid, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..grid.len()).map(|i| f(grid.center(i)[0], grid.center(i)[1]) * grid.volume(i)).collect()
    }

    #[test]
    fn the_series_meets_the_closed_form() {
        for p in [1e-9f64, 1e-3, 0.1, 0.18, 0.1824] {
            let exact = |p: f64| {
                // sums of the two power series
                let (mut a, mut b, mut ta, mut tb) = (0.0, 0.0, 1.0, 1.0);
                for k in 1..12 {
                    let k = f64::from(k);
                    ta *= 0.25 * p * p / ((2.0 * k) * (2.0 * k + 1.0));
                    tb *= p * p / ((2.0 * k - 1.0) * (2.0 * k));
                    (a, b) = (a + ta, b + 2.0 * tb);
                }
                a / b
            };
            let got = flux(1.0, p.exp()) / (p.exp() - 1.0);
            assert!((got / exact(p) - 1.0).abs() < 1e-6, "{p}: {got} {}", exact(p));
        }
    }

    #[test]
    fn the_smallest_numbers_give_no_nan() {
        let tiny = f64::from_bits(1);
        for (u, v) in [(tiny, tiny), (tiny, 3.0 * tiny), (tiny, 1.0), (0.0, tiny), (1.0, f64::MAX)] {
            assert!(flux(u, v).is_finite() && flux(u, v) == -flux(v, u), "{u:e} {v:e}");
        }
    }

    #[test]
    fn exponentials_are_read_exactly_however_steep() {
        for slope in [-40.0, -3.0, 0.3, 7.0] {
            let g = line(32, [Boundary::Reflecting; 2]);
            let h = g.axes()[0].spacing();
            let read = averages(&g, &nodal(&g, |x, _| (slope * x).exp()));
            for i in 1..31 {
                let exact = h * (slope * g.center(i)[0]).exp() * (0.5 * slope * h).sinh() / (0.5 * slope * h);
                assert!((read[i] / exact - 1.0).abs() < 1e-5, "{slope} {i}: {} {exact}", read[i]);
            }
        }
    }

    #[test]
    fn gaussians_are_read_to_fourth_order_and_back() {
        let error = |n: usize| -> (f64, f64) {
            let axis = |name| Axis::uniform(name, -4.0, 4.0, n, [Boundary::Reflecting; 2]).unwrap();
            let g = Grid::new(vec![axis("x"), axis("y")]).unwrap();
            let exact = Initial::Gaussian { mean: vec![0.3, -0.2], covariance: vec![0.5, 0.2, 0.3] }
                .cell_probability(&g)
                .unwrap();
            let det = 0.15 - 0.04;
            let mut centre = nodal(&g, |x, y| {
                let (x, y) = (x - 0.3, y + 0.2);
                (-0.5 * (0.3 * x * x - 0.4 * x * y + 0.5 * y * y) / det).exp()
            });
            let sum: f64 = centre.iter().sum();
            centre.iter_mut().for_each(|u| *u /= sum);
            let (error, said) = (l1(&averages(&g, &centre), &exact), reconstruction_error(&g, &centre));
            assert!(error < 3.0 * said && said < 3.0 * error, "{error:e} {said:e}");
            let back = centre_values(&g, &exact);
            assert!(back.iter().all(|&u| u >= 0.0) && (back.iter().sum::<f64>() - 1.0).abs() < 1e-13);
            (l1(&averages(&g, &centre), &exact), l1(&back, &centre))
        };
        let (coarse, fine) = (error(32), error(64));
        assert!((coarse.0 / fine.0).log2() > 3.7 && fine.0 < 3e-4, "{coarse:?} {fine:?}");
        assert!((coarse.1 / fine.1).log2() > 3.5 && fine.1 < 3e-4, "{coarse:?} {fine:?}");
    }

    #[test]
    fn sums_and_signs_are_kept_and_single_cells_stay_single() {
        for walls in [[Boundary::Reflecting; 2], [Boundary::Periodic; 2]] {
            let g = line(20, walls);
            let mut p: Vec<f64> = (0..20).map(|i| f64::from(i * i % 7)).collect();
            p[4] = 1e-300;
            let read = averages(&g, &p);
            assert!(read.iter().all(|&a| a >= 0.0));
            assert!((read.iter().sum::<f64>() / p.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            let mut one = vec![0.0; 20];
            one[7] = 1.0;
            assert_eq!(averages(&g, &one), one);
            assert_eq!(centre_values(&g, &one), one);
        }
        let g = line(20, [Boundary::Absorbing; 2]);
        let tent: Vec<f64> = (0..20).map(|i| (f64::from(i) + 0.5).min(19.5 - f64::from(i))).collect();
        let read = averages(&g, &tent);
        assert!((read[0] / tent[0] - 1.0).abs() < 0.03, "{}", read[0]);
    }
}
