//! What walls that cut a tail leave out: the probability that the law without the walls has beyond them.

use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::density::{marginal, moments};
use crate::problem::grid::{Axis, Boundary, Grid};

/// Factor by which the density shall grow from one of the three points of an extrapolation to the next, inwards.
const GROWTH: f64 = std::f64::consts::E;
/// The same for tails heavier than exponential, where a decay length reaches far towards the middle.
const HEAVY: f64 = 1.2;

/// Estimated probability beyond the reflecting walls, 0 to 1, from the density's centre values times volumes: the total variation
/// distance between the law without walls and the one in the box.
///
/// At each reflecting side the marginal along the axis is continued. Where its logarithm bends down this is the parabola through
/// three points about a decay length apart: with f the density at the wall, g = −(ln f)′ > 0 and κ = (ln f)″ < 0,
///
/// ```text
/// ∫₀^∞ f e^{−gy + κy²/2} dy = f √(π/2|κ|) erfcx(g/√(2|κ|)).
/// ```
///
/// Where it bends up it is a power law of the distance r from the peak, with the integral f r/(α − 1). The cell next to the
/// wall is left out, since what a wall reflects of a transient changes the density there. A side counts at most as if the density went on level for the length of
/// its axis, and for just that much where it does not fall towards the wall: then no tail is cut, and either the wall belongs to
/// the problem or the box is far too small, which no density can tell. Sides that are
/// `physical` (one pair an axis; none: no side is) cut nothing. Several axes are put together as if independent.
pub fn truncation(grid: &Grid, probability: &[f64], physical: &[[bool; 2]]) -> f64 {
    let inside: f64 = probability.iter().sum();
    if inside.is_nan() || inside <= 0.0 {
        return 0.0;
    }
    let kept = grid.axes().iter().enumerate().map(|(k, axis)| {
        if axis.boundary().iter().all(|&wall| wall != Boundary::Reflecting) {
            return 1.0;
        }
        let line = marginal(grid, probability, k);
        let cut = |side: &usize| !physical.get(k).is_some_and(|sides| sides[*side]);
        let beyond: f64 = (0..2).filter(cut).map(|side| beyond(axis, &line, side)).sum();
        inside / (inside + beyond)
    });
    inside * (1.0 - kept.product::<f64>()).max(0.0)
}

/// What the walls cut off mean (d) and covariance (packed), of the density's centre values times volumes.
///
/// Beyond each side that is cut lies the probability p of [`truncation`], at its mean distance ℓ = p/f from the wall, f the density there,
/// and with the moments of the outermost cells along the other axes: the mean lacks p (x − m), the covariance
/// p ((x − m)(x − m)ᵀ + c − C), c of these cells and ℓ² across the wall. Added up over the sides without their signs.
pub fn truncation_of_moments(grid: &Grid, probability: &[f64], physical: &[[bool; 2]]) -> (Vec<f64>, Vec<f64>) {
    let d = grid.dimension();
    let mut lacks = (vec![0.0; d], vec![0.0; packed_len(d)]);
    let inside: f64 = probability.iter().sum();
    if inside.is_nan() || inside <= 0.0 {
        return lacks;
    }
    let (mean, covariance) = moments(grid, probability);
    for (k, side) in (0..d).flat_map(|k| [(k, 0), (k, 1)]) {
        let (axis, line) = (&grid.axes()[k], marginal(grid, probability, k));
        let beyond = if physical.get(k).is_some_and(|sides| sides[side]) { 0.0 } else { beyond(axis, &line, side) };
        let cell = if side == 0 { 0 } else { line.len() - 1 };
        if beyond <= 0.0 || line[cell] <= 0.0 {
            continue;
        }
        let layer: Vec<f64> = (0..grid.len())
            .map(|i| if grid.multi_index(i)[k] == cell { probability[i].max(0.0) } else { 0.0 })
            .collect();
        let (mut at, mut own) = moments(grid, &layer);
        let (share, length) = (beyond / (inside + beyond), beyond * axis.width(cell) / line[cell]);
        at[k] = if side == 0 { axis.lower() - length } else { axis.upper() + length };
        own[packed_index(d, k, k)] = length * length;
        for i in 0..d {
            lacks.0[i] += share * (at[i] - mean[i]).abs();
            for j in i..d {
                let c = packed_index(d, i, j);
                lacks.1[c] += share * ((at[i] - mean[i]) * (at[j] - mean[j]) + own[c] - covariance[c]).abs();
            }
        }
    }
    lacks
}

/// Probability beyond a side, with the probability inside left as it is.
fn beyond(axis: &Axis, line: &[f64], side: usize) -> f64 {
    if axis.boundary()[side] != Boundary::Reflecting {
        return 0.0;
    }
    let n = line.len();
    let cell = |i: usize| if side == 0 { i } else { n - 1 - i };
    let wall = if side == 0 { axis.lower() } else { axis.upper() };
    // distance of the centre from the wall, and the density there, of the i-th cell from the wall
    let at = |i: usize| ((axis.center(cell(i)) - wall).abs(), line[cell(i)] / axis.width(cell(i)));
    let (_, outermost) = at(0);
    if outermost.is_nan() || outermost <= 0.0 {
        return 0.0;
    }
    if n < 4 {
        return outermost * axis.length();
    }
    let most = ((n - 1) / 4).max(1);
    let points = |growth: f64| {
        let stride = (1..=most).find(|&i| at(i).1 >= growth * outermost).unwrap_or(most);
        [1, 2, 3].map(|i| at((i * stride).min(n - 1)))
    };
    let tail = gaussian_tail(points(GROWTH)).or_else(|| {
        let peak = (0..n).map(at).fold((0.0, 0.0), |best, point| if point.1 > best.1 { point } else { best });
        power_tail(points(HEAVY), peak.0)
    });
    tail.unwrap_or(f64::INFINITY).min(outermost * axis.length())
}

/// ∫₀^∞ of the parabola of ln f through the densities at three distances inside of the wall, continued beyond it; None where it does
/// not fall or bends up.
fn gaussian_tail([(a, fa), (b, fb), (c, fc)]: [(f64, f64); 3]) -> Option<f64> {
    // ln f = ln fa + ab (y − a) + second (y − a)(y − b), y inwards
    let (ab, bc) = ((fb / fa).ln() / (b - a), (fc / fb).ln() / (c - b));
    let second = (bc - ab) / (c - a);
    let wall = fa * (-ab * a + second * a * b).exp();
    let falls = ab - second * (a + b);
    let usable = falls > 0.0 && second.is_finite() && wall.is_finite();
    if !usable || second > 1e-4 * falls * falls {
        return None;
    }
    if second > -1e-4 * falls * falls {
        return Some(wall / falls);
    }
    let u = falls / (4.0 * second.abs()).sqrt();
    Some(wall / falls * u * std::f64::consts::PI.sqrt() * scaled_erfc(u))
}

/// ∫ of the power law about the peak, at the distance `peak` from the wall, through the first two of the densities; None where it has no
/// integral.
fn power_tail([(a, fa), (b, fb), _]: [(f64, f64); 3], peak: f64) -> Option<f64> {
    let exponent = (fb / fa).ln() / ((peak - a) / (peak - b)).ln();
    let wall = fa * (1.0 - a / peak).powf(exponent);
    (exponent > 1.0 && exponent.is_finite() && wall.is_finite()).then(|| wall * peak / (exponent - 1.0))
}

/// e^{u²} erfc(u) for u > 0.
fn scaled_erfc(u: f64) -> f64 {
    if u < 10.0 {
        return (u * u).exp() * libm::erfc(u);
    }
    let v = 0.5 / (u * u);
    (1.0 - v * (1.0 - 3.0 * v * (1.0 - 5.0 * v))) / (u * std::f64::consts::PI.sqrt())
}

#[cfg(test)]
mod tests;
