//! Generators with a current: Arnoldi for right and left vectors, complex pairs.

use faer::linalg::solvers::Eigen;
use faer::{Mat, c64};

use super::Weights;
use super::modes::{first_shift, not_converged};
use super::reversible::largest;
use crate::Error;
use crate::engine::Interrupt;
use crate::engine::Spectrum;
use crate::fokker_planck::integrator::system::System;
use crate::numerics::krylov::{Krylov, start};

const MOST: usize = 250;
const RESIDUAL: f64 = 1e-10;

struct Mode {
    lambda: c64,
    real: Vec<f64>,
    imaginary: Vec<f64>,
    error: f64,
}

/// An operator that shares the eigenvectors of the generator, its largest eigenvalues θ belonging to the slowest modes.
pub(in crate::fokker_planck) struct Filter<'a> {
    /// Applies it to a function.
    pub right: &'a dyn Fn(&mut [f64]) -> Result<(), Error>,
    /// Applies its transpose to cell probabilities.
    pub left: &'a dyn Fn(&mut [f64]) -> Result<(), Error>,
    /// λ from θ.
    pub rate: &'a dyn Fn(c64) -> c64,
    /// Relative error of λ by a relative error 1 of θ.
    pub sensitivity: &'a dyn Fn(c64) -> f64,
}

/// The `count` slowest modes after the stationary one; one more where the last would be half of a pair.
pub(super) fn modes(system: &System, weights: &Weights, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
    let mut shift = first_shift(system);
    for _ in 0..6 {
        let solver = system.linear().factor(shift, 1.0, interrupt)?;
        let scaled = |x: &mut [f64]| x.iter_mut().for_each(|x| *x *= shift);
        let filter = Filter {
            right: &|x| solver.solve_backward(x, interrupt).map(|()| scaled(x)),
            left: &|x| solver.solve(x, interrupt).map(|()| scaled(x)),
            rate: &|theta| shift / theta - shift,
            sensitivity: &|lambda| (lambda + shift).norm() / lambda.norm(),
        };
        let right = side(&filter, weights, count, Side::Right)?;
        let last = right[right.len() - 1].lambda.re;
        if shift < 10.0 * last && last < 1e3 * shift {
            let left = side(&filter, weights, right.len(), Side::Left)?;
            return paired(right, left, weights);
        }
        shift = last;
    }
    Err(not_converged(MOST))
}

/// The same for any filter.
pub(super) fn filtered(filter: &Filter, weights: &Weights, count: usize) -> Result<Spectrum, Error> {
    let right = side(filter, weights, count, Side::Right)?;
    let left = side(filter, weights, right.len(), Side::Left)?;
    paired(right, left, weights)
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// Functions, inner product with the weights π, the constant removed.
    Right,
    /// Cell probabilities, inner product with the weights 1/π, π removed.
    Left,
}

fn side(filter: &Filter, weights: &Weights, count: usize, side: Side) -> Result<Vec<Mode>, Error> {
    let (pi, n) = (weights.pi, weights.pi.len());
    let weight: Vec<f64> = match side {
        Side::Right => pi.to_vec(),
        // far tails would rule the inner product: they are cut off
        Side::Left => pi.iter().map(|p| 1.0 / p.max(1e-30)).collect(),
    };
    let remove = |x: &mut [f64]| match side {
        Side::Right => weights.remove(x),
        Side::Left if !weights.conserved => {}
        Side::Left => {
            let mass: f64 = x.iter().sum();
            x.iter_mut().zip(pi).for_each(|(x, p)| *x -= mass * p);
        }
    };
    let operator = match side {
        Side::Right => filter.right,
        Side::Left => filter.left,
    };
    let mut first = start(n);
    if side == Side::Left {
        first.iter_mut().zip(pi).for_each(|(x, p)| *x *= p);
    }
    let mut krylov = Krylov::new(first, &weight, &remove);
    let most = MOST.min(weights.unknown());
    loop {
        krylov.extend(operator)?;
        let m = krylov.columns.len();
        let last = krylov.columns[m - 1][m];
        let exhausted = m == most || last < 1e-14;
        if !exhausted && (m <= count || !m.is_multiple_of(5)) {
            continue;
        }
        if let Some(modes) = converged(&krylov, count, filter, m == weights.unknown() || last < 1e-14)? {
            return Ok(modes);
        }
        if exhausted {
            return Err(not_converged(m));
        }
    }
}

fn converged(krylov: &Krylov, count: usize, filter: &Filter, certain: bool) -> Result<Option<Vec<Mode>>, Error> {
    let m = krylov.columns.len();
    let h = Mat::from_fn(m, m, |i, j| krylov.columns[j].get(i).copied().unwrap_or(0.0));
    let eigen = Eigen::new_from_real(h.as_ref()).map_err(|_| not_converged(m))?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let rate = |k: usize| (filter.rate)(values[k]);
    let mut order: Vec<usize> = (0..m).filter(|&k| values[k].norm() > 1e-12).collect();
    order.sort_by(|&a, &b| {
        let (x, y) = (rate(a), rate(b));
        let same = (x.re - y.re).abs() <= 1e-9 * (x.re.abs() + y.re.abs() + x.im.abs());
        if same { y.im.total_cmp(&x.im) } else { x.re.total_cmp(&y.re) }
    });
    let mut take = count.min(order.len());
    if take > 0 && take < order.len() && rate(order[take - 1]).im > 1e-9 * rate(order[take - 1]).norm() {
        take += 1;
    }
    let last = krylov.columns[m - 1][m];
    let residual = |k: usize| last * vectors[(m - 1, k)].norm() / values[k].norm();
    if take < count || (!certain && order[..take].iter().any(|&k| residual(k) > RESIDUAL)) {
        return Ok(None);
    }
    let mode = |&k: &usize| Mode {
        lambda: rate(k),
        real: krylov.combine(&(0..m).map(|i| vectors[(i, k)].re).collect::<Vec<_>>()),
        imaginary: krylov.combine(&(0..m).map(|i| vectors[(i, k)].im).collect::<Vec<_>>()),
        error: (residual(k) + f64::EPSILON) * (filter.sensitivity)(rate(k)),
    };
    Ok(Some(order[..take].iter().map(mode).collect()))
}

fn paired(right: Vec<Mode>, mut left: Vec<Mode>, weights: &Weights) -> Result<Spectrum, Error> {
    let mut out = Spectrum { conserved: weights.conserved, ..Spectrum::default() };
    for mut u in right {
        let scale = u.lambda.norm();
        if u.lambda.im < -1e-9 * scale {
            continue; // the conjugate: came with its partner
        }
        let near = (0..left.len())
            .min_by(|&a, &b| (left[a].lambda - u.lambda).norm().total_cmp(&(left[b].lambda - u.lambda).norm()));
        let Some(at) = near.filter(|&at| (left[at].lambda - u.lambda).norm() < 1e-5 * scale) else {
            return Err(not_converged(MOST));
        };
        let mut v = left.swap_remove(at);
        if u.lambda.im.abs() <= 1e-9 * scale {
            u.lambda.im = 0.0;
            make_real(&mut u);
            make_real(&mut v);
        }
        normalise(&mut u, &mut v, weights.pi);
        out.real.push(u.lambda.re);
        out.imaginary.push(u.lambda.im);
        out.right.push(u.real);
        out.left.push(v.real);
        out.error.push(u.error);
        if u.lambda.im != 0.0 {
            out.real.push(u.lambda.re);
            out.imaginary.push(-u.lambda.im);
            out.right.push(u.imaginary);
            out.left.push(v.imaginary);
            out.error.push(u.error);
        }
    }
    Ok(out)
}

/// Turns a vector that is real up to a complex factor real.
fn make_real(mode: &mut Mode) {
    let at = (0..mode.real.len()).max_by(|&a, &b| size(mode, a).total_cmp(&size(mode, b))).unwrap_or(0);
    let turn = c64::new(mode.real[at], mode.imaginary[at]).inv();
    multiply(mode, turn);
    mode.imaginary.fill(0.0);
}

fn size(mode: &Mode, i: usize) -> f64 {
    mode.real[i].hypot(mode.imaginary[i])
}

fn multiply(mode: &mut Mode, factor: c64) {
    for (re, im) in mode.real.iter_mut().zip(&mut mode.imaginary) {
        let z = c64::new(*re, *im) * factor;
        (*re, *im) = (z.re, z.im);
    }
}

fn normalise(u: &mut Mode, v: &mut Mode, pi: &[f64]) {
    let norm: f64 = (0..pi.len()).map(|i| pi[i] * size(u, i).powi(2)).sum();
    let at = largest((0..pi.len()).map(|i| size(u, i)));
    let turn = c64::new(u.real[at], -u.imaginary[at]) / size(u, at); // its largest value real and positive
    multiply(u, turn / norm.sqrt());
    let product: c64 =
        (0..pi.len()).map(|i| c64::new(u.real[i], u.imaginary[i]) * c64::new(v.real[i], v.imaginary[i])).sum();
    multiply(v, product.inv());
}
