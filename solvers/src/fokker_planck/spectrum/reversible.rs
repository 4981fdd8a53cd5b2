//! Reversible generators: Lanczos with the weights π, eigenvalues from the energy form.

use faer::{Mat, Side};

use super::modes::{first_shift, not_converged};
use crate::Error;
use crate::engine::Interrupt;
use crate::engine::Spectrum;
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::integrator::system::System;
use crate::fokker_planck::linear::solver::proceed;
use crate::numerics::krylov::{Krylov, start};
use crate::numerics::small_matrix::diagonalise;

const MOST: usize = 400;
/// Relative residual of the inverse at which a vector is accepted; eigenvalues are right to its square.
const RESIDUAL: f64 = 1e-9;

/// The `count` slowest modes after the stationary one.
pub(super) fn modes(system: &System, pi: &[f64], count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
    let mut shift = first_shift(system);
    for _ in 0..6 {
        let vectors = ritz(system, pi, count, shift, &[], interrupt)?;
        let found = rayleigh_ritz(system.generator(), pi, &vectors);
        let last = found.real[count - 1];
        // the shift decides how sharply the slow modes are told apart: it should be of their size, not far above or below
        if shift < 3.0 * last && last < 1e4 * shift {
            return with_multiples(system, pi, found, shift, interrupt);
        }
        shift = 0.3 * last;
    }
    Err(not_converged(MOST))
}

/// One Krylov space holds one vector of a multiple eigenvalue: look for more, orthogonal to what is known, until the slowest
/// is not among the wanted.
fn with_multiples(
    system: &System,
    pi: &[f64],
    mut found: Spectrum,
    shift: f64,
    interrupt: Interrupt,
) -> Result<Spectrum, Error> {
    let count = found.real.len();
    for _ in 0..count {
        if count + 1 >= pi.len() {
            break;
        }
        let extra = ritz(system, pi, 1, shift, &found.right, interrupt)?;
        let rate = rayleigh_ritz(system.generator(), pi, &extra).real[0];
        if rate > found.real[count - 1] * (1.0 - 1e-9) {
            break;
        }
        found.right.extend(extra);
        found = rayleigh_ritz(system.generator(), pi, &found.right);
        found.real.truncate(count);
        found.imaginary.truncate(count);
        found.error.truncate(count);
        found.right.truncate(count);
        found.left.truncate(count);
    }
    Ok(found)
}

fn ritz(
    system: &System,
    pi: &[f64],
    count: usize,
    shift: f64,
    known: &[Vec<f64>],
    interrupt: Interrupt,
) -> Result<Vec<Vec<f64>>, Error> {
    let solver = system.linear().factor(shift, 1.0, interrupt)?;
    let remove = |u: &mut [f64]| {
        let mean: f64 = pi.iter().zip(u.iter()).map(|(p, u)| p * u).sum();
        u.iter_mut().for_each(|u| *u -= mean);
        for v in known {
            let share: f64 = pi.iter().zip(u.iter()).zip(v).map(|((p, u), v)| p * u * v).sum();
            u.iter_mut().zip(v).for_each(|(u, v)| *u -= share * v);
        }
    };
    let n = pi.len();
    let mut krylov = Krylov::new(start(n), pi, &remove);
    let operator = |u: &mut [f64]| {
        solver.solve_backward(u, interrupt)?;
        u.iter_mut().for_each(|u| *u *= shift); // eigenvalues shift/(shift + λ) ≤ 1
        Ok(())
    };
    let free = n - 1 - known.len();
    let most = MOST.min(free);
    loop {
        proceed(interrupt)?;
        krylov.extend(&operator)?;
        let m = krylov.columns.len();
        let last = krylov.columns[m - 1][m];
        let exhausted = m == most || last < 1e-14;
        if m < count || !(exhausted || m.is_multiple_of(5)) {
            continue;
        }
        let h = Mat::from_fn(m, m, |i, j| 0.5 * (entry(&krylov.columns, i, j) + entry(&krylov.columns, j, i)));
        let Ok(eigen) = h.self_adjoint_eigen(Side::Lower) else { return Err(not_converged(m)) };
        let (values, vectors) = (eigen.S().column_vector(), eigen.U());
        // ascending: the slowest modes are the last
        let residual = |k: usize| last * vectors[(m - 1, m - 1 - k)].abs() / values[m - 1 - k].abs();
        if m == free || last < 1e-14 || (0..count).all(|k| residual(k) < RESIDUAL) {
            let one = |k: usize| {
                let coordinates: Vec<f64> = (0..m).map(|i| vectors[(i, m - 1 - k)]).collect();
                krylov.combine(&coordinates)
            };
            return Ok((0..count).map(one).collect());
        }
        if exhausted {
            return Err(not_converged(m));
        }
    }
}

fn entry(columns: &[Vec<f64>], i: usize, j: usize) -> f64 {
    columns[j].get(i).copied().unwrap_or(0.0)
}

/// Eigenvalues of the energy form ½ Σ_ij π_i K_ij (u_i − u_j)² on the span of the vectors, by Jacobi rotations: they keep the
/// relative accuracy of values of very different size.
fn rayleigh_ritz(generator: &Generator, pi: &[f64], vectors: &[Vec<f64>]) -> Spectrum {
    let k = vectors.len();
    let mut energy = vec![0.0; k * k];
    let mut step = vec![0.0; k];
    for i in 0..generator.cells() {
        let (cells, rates) = generator.outgoing(i);
        for (&j, &rate) in cells.iter().zip(rates) {
            let j = j as usize;
            if j < i {
                continue; // detailed balance: the other direction carries the same
            }
            let weight = pi[i] * rate;
            (0..k).for_each(|a| step[a] = vectors[a][i] - vectors[a][j]);
            for a in 0..k {
                for b in a..k {
                    energy[a * k + b] += weight * step[a] * step[b];
                }
            }
        }
    }
    for a in 0..k {
        for b in 0..a {
            energy[a * k + b] = energy[b * k + a];
        }
    }
    let mut turn = vec![0.0; k * k];
    (0..k).for_each(|a| turn[a * k + a] = 1.0);
    diagonalise(k, &mut energy, &mut turn);
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| energy[a * k + a].total_cmp(&energy[b * k + b]));
    let mut out =
        Spectrum { real: vec![], imaginary: vec![], right: vec![], left: vec![], error: vec![], refined: None };
    for a in order {
        let mut u = vec![0.0; pi.len()];
        for (b, v) in vectors.iter().enumerate() {
            let c = turn[b * k + a];
            u.iter_mut().zip(v).for_each(|(u, v)| *u += c * v);
        }
        let norm: f64 = pi.iter().zip(&u).map(|(p, u)| p * u * u).sum();
        let largest = u.iter().copied().fold(0.0, |m: f64, v| if v.abs() > m.abs() { v } else { m });
        let scale = largest.signum() / norm.sqrt();
        u.iter_mut().for_each(|u| *u *= scale);
        out.real.push(energy[a * k + a] / norm);
        out.imaginary.push(0.0);
        out.left.push(pi.iter().zip(&u).map(|(p, u)| p * u).collect());
        out.right.push(u);
        out.error.push(1e-12);
    }
    out
}
