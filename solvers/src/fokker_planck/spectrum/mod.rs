//! The slowest relaxation modes: eigenvalues of −Q nearest 0 with right and left vectors.
//!
//! Q u = −λ u (backward: observables), Qᵀ v = −λ v (forward: densities); p(t) = Σ e^{−λt} ⟨u, p(0)⟩ v with ⟨u_i, v_j⟩ = δ_ij.
//! Both by shift-and-invert Krylov on the subtraction-free direct solvers. A reversible generator is self-adjoint with the
//! weights π: the eigenvalues then come from the energy form Σ π_i K_ij (u_i − u_j)², a sum of squares, which keeps their
//! *relative* accuracy as long as differences of u do (metastable wells).
//!
//! Where probability leaves at absorbing walls there is no λ = 0: the rates are those of the decay, and the first left vector is the
//! quasi-stationary density, the law of what is left after long.
//!
//! * [`modes`]: the values; `reversible`: the energy form; `metastable`: rates below the rounding of the fastest one; `general`: Krylov
//!   spaces of the inverse, or of a transition matrix; `decay`: weights where probability leaves.

mod decay;
mod general;
mod metastable;
pub mod modes;
mod reversible;

pub use crate::engine::Spectrum;
pub(super) use general::Filter;

use std::sync::Arc;

use super::generator::Generator;
use super::integrator::system::System;
use super::stationary::law::StationaryLaw;
use crate::Error;
use crate::engine::Interrupt;

/// Weights of the inner product of functions, and whether probability is conserved: the constant is then the mode of λ = 0.
pub(super) struct Weights<'a> {
    pub pi: &'a [f64],
    pub conserved: bool,
}

impl Weights<'_> {
    /// Takes the known mode of λ = 0 off a function: its mean.
    fn remove(&self, u: &mut [f64]) {
        if self.conserved {
            let mean: f64 = self.pi.iter().zip(u.iter()).map(|(p, u)| p * u).sum();
            u.iter_mut().for_each(|u| *u -= mean);
        }
    }

    /// The number of modes that are not known.
    fn unknown(&self) -> usize {
        self.pi.len() - usize::from(self.conserved)
    }
}

/// The `count` slowest modes (at least 1) of a generator with the given stationary law, on a grid of the given shape; one more
/// where the last is half of a complex pair. Errors: more modes than cells, an iteration that does not converge;
/// [`Error::Interrupted`].
pub fn spectrum(
    generator: &Arc<Generator>,
    shape: &[usize],
    law: &Arc<StationaryLaw>,
    count: usize,
    interrupt: Interrupt,
) -> Result<Spectrum, Error> {
    let system = System::new(generator.clone(), shape, Some(law.clone()));
    let weights = Weights { pi: &law.probability, conserved: true };
    after_rest(&weights, count, |count| {
        if law.reversible {
            reversible::modes(&system, &weights, count, interrupt)
        } else {
            general::modes(&system, &weights, count, interrupt)
        }
    })
}

/// The `count` slowest modes (at least 1) of the decay where probability leaves; the left vector of the first is the quasi-stationary
/// density, of mass 1. Errors: as for [`spectrum`]; cells that have no way out.
pub fn decay(
    generator: &Arc<Generator>,
    shape: &[usize],
    count: usize,
    interrupt: Interrupt,
) -> Result<Spectrum, Error> {
    let system = System::new(generator.clone(), shape, None);
    let reversible = system.symmetric().is_some();
    let pi = decay::weights(&system, interrupt)?;
    let weights = Weights { pi: &pi, conserved: false };
    let modes = after_rest(&weights, count, |count| {
        if reversible {
            reversible::modes(&system, &weights, count, interrupt)
        } else {
            general::modes(&system, &weights, count, interrupt)
        }
    });
    modes.map(decay::first_left_of_mass_1)
}

/// The `count` slowest modes of an operator whose largest eigenvalues belong to them. Errors: as for [`spectrum`].
pub(super) fn filtered(filter: &Filter, weights: &Weights, count: usize) -> Result<Spectrum, Error> {
    let modes = after_rest(weights, count, |count| general::filtered(filter, weights, count))?;
    Ok(if weights.conserved { modes } else { decay::first_left_of_mass_1(modes) })
}

pub(super) use decay::weights as decay_weights;

/// The mode of λ = 0, where probability is conserved, then those that `others` finds.
fn after_rest(
    weights: &Weights,
    count: usize,
    others: impl FnOnce(usize) -> Result<Spectrum, Error>,
) -> Result<Spectrum, Error> {
    let cells = weights.pi.len();
    if count == 0 || count > cells {
        return Err(Error::invalid(
            format!("{count} modes of {cells} cells cannot be had"),
            "ask for at least 1 and at most as many modes as cells",
        ));
    }
    if !weights.conserved {
        return others(count);
    }
    let mut modes = Spectrum {
        real: vec![0.0],
        imaginary: vec![0.0],
        right: vec![vec![1.0; cells]],
        left: vec![weights.pi.to_vec()],
        error: vec![0.0],
        refined: None,
        conserved: true,
    };
    if count == 1 {
        return Ok(modes);
    }
    let found = others(count - 1)?;
    modes.real.extend(found.real);
    modes.imaginary.extend(found.imaginary);
    modes.right.extend(found.right);
    modes.left.extend(found.left);
    modes.error.extend(found.error);
    Ok(modes)
}

#[cfg(test)]
mod tests;
