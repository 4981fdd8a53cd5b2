//! The slowest relaxation modes of a chain: eigenvalues of P nearest 1.
//!
//! Arnoldi's recursion on the group inverse of I − P: for Σ πf = 0 the solution of (I − P)x = f with Σ πx = 0. The
//! eigenvalue μ of it is 1/(1 − λ), so that 1 − λ is right relative to itself however slow the mode is.

use faer::Mat;

use super::inverse::Solver;
use crate::Error;
use crate::engine::Interrupt;
use crate::numerics::krylov::{Krylov, start};

/// Modes after the stationary one, slowest first. Complex pairs stand in two places: the real parts of the vectors where the
/// imaginary part of ln λ is negative (a rate with Im > 0), the imaginary parts in the next.
#[derive(Debug, Clone, Default)]
pub struct Modes {
    /// 1 − λ, real part.
    pub gap_real: Vec<f64>,
    /// 1 − λ, imaginary part.
    pub gap_imaginary: Vec<f64>,
    /// Functions u with P u = λ u (N each).
    pub right: Vec<Vec<f64>>,
    /// Measures v with v P = λ v (N each).
    pub left: Vec<Vec<f64>>,
}

impl Modes {
    /// −ln λ a step: real and imaginary part of every rate.
    pub fn rates(&self) -> Vec<(f64, f64)> {
        let rate = |(&re, &im): (&f64, &f64)| {
            // ln |1 − g|² without cancellation for small g
            let size = (re * re + im * im - 2.0 * re).ln_1p();
            (-0.5 * size, im.atan2(1.0 - re))
        };
        self.gap_real.iter().zip(&self.gap_imaginary).map(rate).collect()
    }
}

/// Arnoldi vectors at most.
const MOST: usize = 120;

/// The `count` slowest modes of a chain with the unique invariant law `pi`; one more where the last is half of a pair.
///
/// Errors: more modes than the Krylov space holds; those of the solver; [`Error::Interrupted`].
pub fn slow_modes(chain: &dyn Solver, pi: &[f64], count: usize, interrupt: Interrupt) -> Result<Modes, Error> {
    let matrix = chain.matrix();
    let n = matrix.states();
    if count + 1 > n.min(MOST / 2) {
        return Err(Error::invalid(format!("{count} modes of {n} nodes cannot be had"), "ask for fewer modes"));
    }
    let centre = (0..n).fold(0, |a, b| if pi[b] > pi[a] { b } else { a });
    let states: Vec<usize> = (0..n).filter(|&i| i != centre).collect();
    let into = |i: usize| {
        let (columns, values) = matrix.row(i);
        columns.iter().position(|c| *c as usize == centre).map_or(0.0, |k| values[k])
    };
    let killing: Vec<f64> = states.iter().map(|&i| into(i)).collect();
    let inverse = chain.inverse(&states, &|_| 1.0, &killing, interrupt)?;
    let reduce = |v: &[f64]| -> Vec<f64> { states.iter().map(|&i| v[i]).collect() };
    let expand = |v: &mut [f64], x: &[f64]| {
        v[centre] = 0.0;
        states.iter().zip(x).for_each(|(&i, x)| v[i] = *x);
    };
    let constant = |v: &mut [f64]| {
        let mean: f64 = v.iter().zip(pi).map(|(v, p)| v * p).sum();
        v.iter_mut().for_each(|v| *v -= mean);
    };
    let law = |v: &mut [f64]| {
        let sum: f64 = v.iter().sum();
        v.iter_mut().zip(pi).for_each(|(v, p)| *v -= sum * p);
    };
    let looked = |v: &mut [f64], solve: &dyn Fn(&mut [f64]) -> Result<(), Error>| {
        if interrupt() {
            return Err(Error::Interrupted { time: 0.0 });
        }
        let mut x = reduce(v);
        solve(&mut x)?;
        expand(v, &x);
        Ok(())
    };
    let right = arnoldi(n, &constant, &|v| looked(v, &|x| inverse.solve(x)), count)?;
    let left = arnoldi(n, &law, &|v| looked(v, &|x| inverse.solve_left(x)), right.len())?;
    Ok(paired(right, left, pi))
}

struct Mode {
    mu: (f64, f64),
    real: Vec<f64>,
    imaginary: Vec<f64>,
}

fn arnoldi(
    n: usize,
    remove: &dyn Fn(&mut [f64]),
    operator: &dyn Fn(&mut [f64]) -> Result<(), Error>,
    count: usize,
) -> Result<Vec<Mode>, Error> {
    let weight = vec![1.0; n];
    let size = (4 * count + 30).min(MOST).min(n - 1);
    let mut krylov = Krylov::new(start(n), &weight, remove);
    for k in 0..size {
        krylov.extend(operator)?;
        if krylov.columns[k][k + 1] <= 1e-14 * krylov.columns[0][0].abs().max(f64::MIN_POSITIVE) {
            break; // the space is invariant
        }
    }
    let k = krylov.columns.len();
    let hessenberg = Mat::from_fn(k, k, |i, j| krylov.columns[j].get(i).copied().unwrap_or(0.0));
    let eigen = hessenberg.eigen().map_err(|_| {
        Error::numerical(
            "the slow modes",
            "in the Krylov space",
            "the eigenvalues were not found",
            "ask for fewer modes",
        )
    })?;
    let (values, vectors) = (eigen.S(), eigen.U());
    let mut order: Vec<usize> = (0..k).filter(|&i| values[i].im >= 0.0).collect();
    let size = |i: usize| values[i].re.hypot(values[i].im);
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    let mut modes = Vec::new();
    let mut found = 0;
    for i in order {
        if found >= count {
            break;
        }
        found += if values[i].im > 0.0 { 2 } else { 1 };
        let part = |take: &dyn Fn(usize) -> f64| krylov.combine(&(0..k).map(take).collect::<Vec<_>>());
        modes.push(Mode {
            mu: (values[i].re, values[i].im),
            real: part(&|j| vectors[(j, i)].re),
            imaginary: part(&|j| vectors[(j, i)].im),
        });
    }
    Ok(modes)
}

/// Puts every right vector beside the left one of the nearest eigenvalue: Σ π|u|² = 1, Σ u v = 1.
fn paired(right: Vec<Mode>, left: Vec<Mode>, pi: &[f64]) -> Modes {
    let mut modes = Modes::default();
    for mut u in right {
        let far = |v: &Mode| (v.mu.0 - u.mu.0).hypot(v.mu.1 - u.mu.1);
        let Some(v) = left.iter().min_by(|a, b| far(a).total_cmp(&far(b))) else { continue };
        let square: f64 = pi.iter().zip(u.real.iter().zip(&u.imaginary)).map(|(p, (a, b))| p * (a * a + b * b)).sum();
        let scale = 1.0 / square.sqrt();
        u.real.iter_mut().chain(&mut u.imaginary).for_each(|x| *x *= scale);
        let (mut a, mut b) = (0.0, 0.0);
        for i in 0..pi.len() {
            a += u.real[i] * v.real[i] - u.imaginary[i] * v.imaginary[i];
            b += u.real[i] * v.imaginary[i] + u.imaginary[i] * v.real[i];
        }
        let square = a * a + b * b;
        let re = |i: usize| (v.real[i] * a + v.imaginary[i] * b) / square;
        let im = |i: usize| (v.imaginary[i] * a - v.real[i] * b) / square;
        // 1 − λ = 1/μ
        let size = u.mu.0 * u.mu.0 + u.mu.1 * u.mu.1;
        let (gap_re, gap_im) = (u.mu.0 / size, -u.mu.1 / size);
        let n = pi.len();
        if u.mu.1 == 0.0 {
            modes.gap_real.push(gap_re);
            modes.gap_imaginary.push(0.0);
            modes.left.push((0..n).map(re).collect());
            modes.right.push(u.real);
        } else {
            // of the pair the one with a positive frequency first: its vectors are the conjugates
            modes.gap_real.extend([gap_re, gap_re]);
            modes.gap_imaginary.extend([-gap_im, gap_im]);
            modes.left.extend([(0..n).map(re).collect(), (0..n).map(|i| -im(i)).collect()]);
            u.imaginary.iter_mut().for_each(|x| *x = -*x);
            modes.right.extend([u.real, u.imaginary]);
        }
    }
    modes
}
