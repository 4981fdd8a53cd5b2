//! The slowest relaxation modes: eigenvalues of −Q nearest 0 with right and left vectors.
//!
//! Q u = −λ u (backward: observables), Qᵀ v = −λ v (forward: densities); p(t) = Σ e^{−λt} ⟨u, p(0)⟩ v with ⟨u_i, v_j⟩ = δ_ij.
//! Both by shift-and-invert Krylov on the subtraction-free direct solvers. A reversible generator is self-adjoint with the
//! weights π: the eigenvalues then come from the energy form Σ π_i K_ij (u_i − u_j)², a sum of squares, which keeps their
//! *relative* accuracy however slow the mode is (metastable wells).
//!
//! * [`modes`]: the values; `reversible`: the energy form; `general`: Krylov spaces of the inverse, or of a transition matrix.

mod general;
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
    after_rest(&law.probability, count, |count| {
        if law.reversible {
            reversible::modes(&system, &law.probability, count, interrupt)
        } else {
            general::modes(&system, &law.probability, count, interrupt)
        }
    })
}

/// The `count` slowest modes of an operator whose largest eigenvalues belong to them. Errors: as for [`spectrum`].
pub(super) fn filtered(filter: &Filter, pi: &[f64], count: usize) -> Result<Spectrum, Error> {
    after_rest(pi, count, |count| general::filtered(filter, pi, count))
}

/// The mode of λ = 0, then those that `others` finds.
fn after_rest(
    pi: &[f64],
    count: usize,
    others: impl FnOnce(usize) -> Result<Spectrum, Error>,
) -> Result<Spectrum, Error> {
    let cells = pi.len();
    if count == 0 || count > cells {
        return Err(Error::invalid(
            format!("{count} modes of {cells} cells cannot be had"),
            "ask for at least 1 and at most as many modes as cells",
        ));
    }
    let mut modes = Spectrum {
        real: vec![0.0],
        imaginary: vec![0.0],
        right: vec![vec![1.0; cells]],
        left: vec![pi.to_vec()],
        error: vec![0.0],
        refined: None,
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
