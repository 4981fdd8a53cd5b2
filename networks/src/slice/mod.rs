//! Slices: losses of samples over a plane θ₀ + s a + t b of the parameters, as a table for the engines of fpsolve.
//!
//! What runs on a slice is gradient descent constrained to the plane: drift −Pᵀ∇L and noise PᵀDP with P = (a b). A step of η along θ is
//! one of η/|a|² in (s, t), where a and b are orthogonal and equally long.

mod accuracy;
mod directions;
mod eigen;
mod group;
mod table;

use fpsolve::error::Failure;
use fpsolve::record::Group;

pub use directions::Plane;
pub use table::Table;

use crate::progress::Progress;
use crate::scenario::Slice;
use crate::train::{RunState, Trainer};

/// Relative error of D above which a finer grid is proposed.
const LARGE_ERROR: f64 = 0.05;

/// Groups of slices, and what may not be trusted.
type Groups = (Vec<Group>, Vec<String>);

/// Tabulates every `[[slice]]`: their groups, and what may not be trusted. None where it was interrupted. Errors: directions that span no plane.
pub fn all(trainer: &Trainer, runs: &[RunState], progress: &mut Progress) -> Result<Option<Groups>, Failure> {
    let (mut groups, mut warnings) = (Vec::new(), Vec::new());
    for slice in &trainer.scenario.slices {
        let Some(cut) = cut(trainer, runs, slice, progress)? else { return Ok(None) };
        warnings.extend(cut.warnings);
        groups.push(cut.group);
    }
    Ok(Some((groups, warnings)))
}

/// A slice that was tabulated.
pub struct Cut {
    /// Its plane.
    pub plane: Plane,
    /// Its losses.
    pub table: Table,
    /// Its group.
    pub group: Group,
    /// What may not be trusted.
    pub warnings: Vec<String>,
}

/// Tabulates a slice. None where it was interrupted. Errors: directions that span no plane.
pub fn cut(
    trainer: &Trainer,
    runs: &[RunState],
    slice: &Slice,
    progress: &mut Progress,
) -> Result<Option<Cut>, Failure> {
    let samples = table::samples(trainer, slice);
    let Some(plane) = directions::plane(trainer, runs, slice, &samples, progress)? else { return Ok(None) };
    let Some(table) = table::tabulate(trainer, slice, &plane, samples, progress) else { return Ok(None) };
    let model = table.model()?;
    let Some(errors) = accuracy::measure(trainer, slice, &plane, &table, &model) else { return Ok(None) };
    let mut warnings = Vec::new();
    if errors.diffusion > LARGE_ERROR {
        warnings.push(format!(
            "slice {}: D from the table is off by {:.1} %; give its axes more nodes, or a smaller range",
            slice.name,
            100.0 * errors.diffusion
        ));
    }
    let group = group::slice_group(trainer, slice, &plane, &table, &model, &errors);
    Ok(Some(Cut { plane, table, group, warnings }))
}
