//! Rational approximations of the exponential: a contour of complex poles on one axis, shift-and-invert Krylov on more.

use super::system::Integrator;
use super::{contour, shift_invert};

/// Entry of the table of integrators.
pub const INTEGRATOR: Integrator = Integrator {
    name: "rational",
    about: "rational approximation of the exponential: contour integral (one axis), shift-and-invert Krylov (more)",
    order: None,
    positive: false,
    reference: "10.1137/040605461",
    cost: |task| if contour::applies(&task.system) { contour::cost(task) } else { shift_invert::cost(task) },
    build: |task| {
        if contour::applies(&task.system) {
            return Ok(Box::new(contour::Contour::new(task)));
        }
        Ok(Box::new(shift_invert::ShiftInvert::new(task)))
    },
};
