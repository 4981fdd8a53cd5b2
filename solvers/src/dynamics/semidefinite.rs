//! A check that drift and diffusion can be used: finite everywhere, D positive semidefinite.

use crate::error::Error;
use crate::numerics::symmetric::{eigen, packed_len, products};
use crate::problem::dynamics::Dynamics;

/// Negative eigenvalues down to this share of the largest count as rounding.
const ROUNDING: f64 = 1e-10;

/// Which function of the dynamics cannot be used, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unusable {
    /// The drift b is not finite.
    #[error("{0}")]
    Drift(Error),
    /// The diffusion matrix D is not finite, or has a negative eigenvalue.
    #[error("{0}")]
    Diffusion(Error),
}

/// Checks drift and diffusion at n points (coordinate-major); what counts as rounding of D is measured in units of `lengths` (d) of the axes.
///
/// # Errors
/// The first point where b or D is not finite, or D has a negative eigenvalue beyond rounding; it names the point in the
/// given variables.
pub fn check_dynamics(
    dynamics: &dyn Dynamics,
    points: &[f64],
    lengths: &[f64],
    variables: &[String],
) -> Result<(), Unusable> {
    let (d, units) = (dynamics.dimension(), products(lengths));
    let n = points.len() / d;
    let packed = packed_len(d);
    let (mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed * n]);
    dynamics.drift_diffusion(points, &mut drift, &mut diffusion);
    for p in 0..n {
        let place = || {
            let name = |k: usize| variables.get(k).map_or_else(|| format!("x{k}"), Clone::clone);
            let values: Vec<String> = (0..d).map(|k| format!("{} = {}", name(k), points[k * n + p])).collect();
            values.join(", ")
        };
        if let Some(k) = (0..d).find(|k| !drift[k * n + p].is_finite()) {
            let what = format!("component {} of the drift is {} at {}", k + 1, drift[k * n + p], place());
            let help = "shrink the grid so that the loss is smooth on it, or change the formula";
            return Err(Unusable::Drift(Error::invalid(what, help)));
        }
        let here: Vec<f64> = (0..packed).map(|c| diffusion[c * n + p]).collect();
        if let Some(value) = here.iter().find(|v| !v.is_finite()) {
            let what = format!("the diffusion matrix has the entry {value} at {}", place());
            let help = "shrink the grid, or change the formula of the diffusion";
            return Err(Unusable::Diffusion(Error::invalid(what, help)));
        }
        let (values, _) = eigen(d, &here.iter().zip(&units).map(|(entry, unit)| entry / unit).collect::<Vec<f64>>());
        let largest = values[..d].iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        if values[0] < -ROUNDING * largest {
            let values = eigen(d, &here).0;
            let what = format!("the diffusion matrix has the eigenvalue {:.6e} at {}", values[0], place());
            let help = "a diffusion matrix must be positive semidefinite: make it S·Sᵀ of some S";
            return Err(Unusable::Diffusion(Error::invalid(what, help)));
        }
    }
    Ok(())
}
