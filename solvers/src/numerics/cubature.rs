//! Integrals of one function over many boxes, each halved where halving changes them.
//!
//! The rule is Simpson's along each axis with the outer nodes a hair inside of the box: of degree 3, a jump inside of a box always changes the
//! sum of the halves, and one at a face does not. Adaptive as by G. F. Kuncir 1962 (doi:10.1145/367766.368179).

use rayon::prelude::*;

/// A box of up to three dimensions, lower and upper corner.
pub type Cuboid = ([f64; 3], [f64; 3]);

/// The function: fills the values (n) at points (d×n, coordinate-major), or says why there are none.
pub type Integrand<'a, E> = &'a (dyn Fn(&[f64], &mut [f64]) -> Result<(), E> + Sync);

/// What the halves of a box may move, as a share of the mean integral of all boxes; divided among the halves of halves.
const SHARE: f64 = 1e-7;
/// Halvings at most in 1, 2 and 3 dimensions: along a surface of jumps the halves number 1, 2 and 4 to this power.
const DEPTH: [usize; 3] = [40, 9, 5];
/// Outer nodes of the rule on [−1, 1].
const OUTER: f64 = 1.0 - 1e-9;
/// Weight of an outer node in the mean over [−1, 1].
const WEIGHT: f64 = 1.0 / (6.0 * OUTER * OUTER);

/// ∫ f over the `n` boxes `cuboid(0)`, … of d ≤ 3 dimensions. Errors: those of `f`.
pub fn integrals<E: Send>(
    d: usize,
    n: usize,
    cuboid: &(dyn Fn(usize) -> Cuboid + Sync),
    f: Integrand<E>,
) -> Result<Vec<f64>, E> {
    let coarse = (0..n).into_par_iter().map(|i| simpson(d, &[cuboid(i)], f).map(|value| value[0]));
    let coarse = coarse.collect::<Result<Vec<f64>, E>>()?;
    let bound = SHARE * coarse.iter().map(|value| value.abs()).sum::<f64>() / n as f64;
    (0..n).into_par_iter().map(|i| halved(d, &cuboid(i), coarse[i], bound, DEPTH[d - 1], f)).collect()
}

/// The integral over a box whose rule gives `value`.
fn halved<E>(d: usize, cuboid: &Cuboid, value: f64, bound: f64, depth: usize, f: Integrand<E>) -> Result<f64, E> {
    let parts = 1 << d;
    let mut boxes = [*cuboid; 8];
    for (part, (lower, upper)) in boxes[..parts].iter_mut().enumerate() {
        for k in 0..d {
            let middle = 0.5 * (lower[k] + upper[k]);
            *(if part >> k & 1 == 0 { &mut upper[k] } else { &mut lower[k] }) = middle;
        }
    }
    let values = simpson(d, &boxes[..parts], f)?;
    let sum: f64 = values.iter().take(parts).sum();
    if depth == 0 || (sum - value).abs() <= bound {
        return Ok(sum);
    }
    let bound = bound / parts as f64;
    (0..parts).map(|part| halved(d, &boxes[part], values[part], bound, depth - 1, f)).sum()
}

/// The rule's integrals over at most eight boxes.
fn simpson<E>(d: usize, boxes: &[Cuboid], f: Integrand<E>) -> Result<[f64; 8], E> {
    let nodes = 3usize.pow(d as u32);
    let n = boxes.len() * nodes;
    let (mut points, mut values) = (vec![0.0; d * n], vec![0.0; n]);
    let side = |node: usize, k: usize| (node / 3usize.pow(k as u32) % 3) as f64 - 1.0;
    for (i, (lower, upper)) in boxes.iter().enumerate() {
        for node in 0..nodes {
            for k in 0..d {
                let (middle, half) = (0.5 * (lower[k] + upper[k]), 0.5 * (upper[k] - lower[k]));
                points[k * n + i * nodes + node] = middle + OUTER * half * side(node, k);
            }
        }
    }
    f(&points, &mut values)?;
    let weight = |node| (0..d).map(|k| if side(node, k) == 0.0 { 1.0 - 2.0 * WEIGHT } else { WEIGHT }).product::<f64>();
    let mut integrals = [0.0; 8];
    for (i, (lower, upper)) in boxes.iter().enumerate() {
        let volume: f64 = (0..d).map(|k| upper[k] - lower[k]).product();
        let at = &values[i * nodes..(i + 1) * nodes];
        integrals[i] = volume * at.iter().enumerate().map(|(node, value)| weight(node) * value).sum::<f64>();
    }
    Ok(integrals)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(d: usize, boxes: &[Cuboid], f: fn(&[f64]) -> f64) -> Vec<f64> {
        let fill = |points: &[f64], values: &mut [f64]| -> Result<(), ()> {
            let n = values.len();
            values.iter_mut().enumerate().for_each(|(i, v)| {
                *v = f(&(0..d).map(|k| points[k * n + i]).collect::<Vec<f64>>());
            });
            Ok(())
        };
        integrals(d, boxes.len(), &|i| boxes[i], &fill).unwrap()
    }

    #[test]
    fn smooth_functions_jumps_and_discs() {
        let line: Vec<Cuboid> = (0..4).map(|i| ([f64::from(i), 0.0, 0.0], [f64::from(i) + 1.0, 0.0, 0.0])).collect();
        let exponential = of(1, &line, |x| (-x[0]).exp());
        let right = |i: i32| (-f64::from(i)).exp() - (-f64::from(i) - 1.0).exp();
        assert!((0..4).all(|i| (exponential[i as usize] - right(i)).abs() < 1e-8), "{exponential:?}");
        let jump = of(1, &[([0.0; 3], [1.0, 0.0, 0.0])], |x| f64::from(x[0] < 0.3));
        assert!((jump[0] - 0.3).abs() < 1e-7, "{jump:?}");
        let disc = of(2, &[([-1.0, -1.0, 0.0], [1.0, 1.0, 0.0])], |x| f64::from(x[0] * x[0] + x[1] * x[1] < 0.7));
        assert!((disc[0] - 0.7 * std::f64::consts::PI).abs() < 1e-4, "{disc:?}");
    }
}
