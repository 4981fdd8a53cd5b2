//! Reversible generators: Lanczos with the weights π, eigenvalues from the energy form.

use faer::{Mat, Side};

use super::Weights;
use super::metastable::{SLOW, Slow, slowest};
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
pub(super) fn modes(system: &System, weights: &Weights, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
    let fastest = system.generator().leaving().iter().copied().fold(0.0, f64::max);
    let found = by_energy(system, weights, count, &[], interrupt);
    match found {
        Ok(found) if found.real[0] > SLOW * fastest => return Ok(found),
        Err(error @ Error::Interrupted { .. }) => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let slow = slowest(system, weights, count, interrupt)?;
    if slow.is_empty() {
        return found;
    }
    let known: Vec<Vec<f64>> = slow.iter().map(|mode| mode.vector.clone()).collect();
    let mut out = Spectrum { conserved: weights.conserved, ..Spectrum::default() };
    for Slow { rate, vector, error } in slow {
        push(&mut out, weights.pi, rate, vector, error);
    }
    if known.len() < count {
        let others = by_energy(system, weights, count - known.len(), &known, interrupt)?;
        for (k, vector) in others.right.into_iter().enumerate() {
            push(&mut out, weights.pi, others.real[k], vector, others.error[k]);
        }
    }
    Ok(out)
}

/// The `count` slowest modes orthogonal to the known ones, by Lanczos and the energy form.
fn by_energy(
    system: &System,
    weights: &Weights,
    count: usize,
    known: &[Vec<f64>],
    interrupt: Interrupt,
) -> Result<Spectrum, Error> {
    let mut shift = first_shift(system);
    for _ in 0..6 {
        let vectors = ritz(system, weights, count, shift, known, interrupt)?;
        let found = rayleigh_ritz(system.generator(), weights, &vectors);
        let last = found.real[count - 1];
        // the shift decides how sharply the slow modes are told apart: it should be of their size, not far above or below
        if shift < 3.0 * last && last < 1e4 * shift {
            let mut found = with_multiples(system, weights, found, shift, known, interrupt)?;
            found.error = errors(system.generator(), weights, &found);
            return Ok(found);
        }
        shift = 0.3 * last;
    }
    Err(not_converged(MOST))
}

/// One Krylov space holds one vector of a multiple eigenvalue: look for more, orthogonal to what is known, until the slowest
/// is not among the wanted.
fn with_multiples(
    system: &System,
    weights: &Weights,
    mut found: Spectrum,
    shift: f64,
    known: &[Vec<f64>],
    interrupt: Interrupt,
) -> Result<Spectrum, Error> {
    let count = found.real.len();
    for _ in 0..count {
        if count + known.len() + 1 >= weights.pi.len() {
            break;
        }
        let all = [known, &found.right].concat();
        let extra = ritz(system, weights, 1, shift, &all, interrupt)?;
        let rate = rayleigh_ritz(system.generator(), weights, &extra).real[0];
        if rate > found.real[count - 1] * (1.0 - 1e-9) {
            break;
        }
        found.right.extend(extra);
        found = rayleigh_ritz(system.generator(), weights, &found.right);
        found.real.truncate(count);
        found.imaginary.truncate(count);
        found.right.truncate(count);
        found.left.truncate(count);
    }
    Ok(found)
}

/// Relative errors of the eigenvalues by their residuals r = ‖Qu + λu‖_π: the smaller of r and r²/δ over λ, δ the distance to the next of
/// the others (Kato & Temple; J. Phys. Soc. Jpn 4, 334, doi:10.1143/JPSJ.4.334), and rounding.
fn errors(generator: &Generator, weights: &Weights, found: &Spectrum) -> Vec<f64> {
    let mut image = vec![0.0; weights.pi.len()];
    let mut one = |k: usize| {
        let (u, rate) = (&found.right[k], found.real[k]);
        generator.backward(u, &mut image);
        let square = |((p, q), u): ((&f64, &f64), &f64)| p * (q + rate * u).powi(2);
        let residual = weights.pi.iter().zip(&image).zip(u).map(square).sum::<f64>().sqrt();
        let rest = weights.conserved.then_some(rate);
        let others = found.real.iter().map(|other| (other - rate).abs()).chain(rest);
        let gap = others.filter(|gap| *gap > 10.0 * residual).fold(f64::INFINITY, f64::min);
        residual.min(if gap.is_finite() { residual * residual / gap } else { residual }) / rate + f64::EPSILON
    };
    (0..found.real.len()).map(&mut one).collect()
}

/// The first of the largest values: those that differ by rounding count as one, so that symmetric modes keep their sign.
pub(super) fn largest(sizes: impl Iterator<Item = f64>) -> usize {
    let larger = |(at, most): (usize, f64), (i, size)| if size > 1.000_001 * most { (i, size) } else { (at, most) };
    sizes.enumerate().fold((0, 0.0), larger).0
}

/// Adds a mode with Σ π u² = 1, its largest value positive.
fn push(out: &mut Spectrum, pi: &[f64], rate: f64, mut u: Vec<f64>, error: f64) {
    let norm: f64 = pi.iter().zip(&u).map(|(p, u)| p * u * u).sum();
    let scale = u[largest(u.iter().map(|u| u.abs()))].signum() / norm.sqrt();
    u.iter_mut().for_each(|u| *u *= scale);
    out.real.push(rate);
    out.imaginary.push(0.0);
    out.left.push(pi.iter().zip(&u).map(|(p, u)| p * u).collect());
    out.right.push(u);
    out.error.push(error);
}

fn ritz(
    system: &System,
    weights: &Weights,
    count: usize,
    shift: f64,
    known: &[Vec<f64>],
    interrupt: Interrupt,
) -> Result<Vec<Vec<f64>>, Error> {
    let pi = weights.pi;
    let solver = system.linear().factor(shift, 1.0, interrupt)?;
    let remove = |u: &mut [f64]| {
        weights.remove(u);
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
    let free = weights.unknown() - known.len();
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

/// Eigenvalues of the energy form ½ Σ_ij π_i K_ij (u_i − u_j)² + Σ_i π_i exit_i u_i² on the span of the vectors, by Jacobi rotations: they keep the
/// relative accuracy of values of very different size.
fn rayleigh_ritz(generator: &Generator, weights: &Weights, vectors: &[Vec<f64>]) -> Spectrum {
    let pi = weights.pi;
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
        let exit = pi[i] * generator.exit()[i];
        if exit > 0.0 {
            (0..k).for_each(|a| (a..k).for_each(|b| energy[a * k + b] += exit * vectors[a][i] * vectors[b][i]));
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
    let mut out = Spectrum { conserved: weights.conserved, ..Spectrum::default() };
    for a in order {
        let mut u = vec![0.0; pi.len()];
        for (b, v) in vectors.iter().enumerate() {
            let c = turn[b * k + a];
            u.iter_mut().zip(v).for_each(|(u, v)| *u += c * v);
        }
        let norm: f64 = pi.iter().zip(&u).map(|(p, u)| p * u * u).sum();
        push(&mut out, pi, energy[a * k + a] / norm, u, f64::NAN);
    }
    out
}
