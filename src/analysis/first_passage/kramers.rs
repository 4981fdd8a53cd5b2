//! Kramers' time beside the mean first-passage times, or why there is none.

use fpsolve_solvers::escape::kramers::{Ground, Kramers};
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::problem::grid::Grid;

use super::super::place;
use crate::record::{Attribute, Group};
use crate::text::short;

/// Barriers in units of T D below which Kramers' law is rough.
const LOW: f64 = 3.0;
/// Share of the time at the surface of the target above which it counts as all.
const ALL: f64 = 0.95;

/// Kramers' law for a first-passage problem.
pub struct Law {
    /// Time from the minimum to beyond the barrier; None where there is no such time.
    pub time: Option<f64>,
    /// Over which barrier, or why there is no such time.
    pub reason: String,
}

/// The law for a passage.
pub fn law(ground: &Ground, grid: &Grid, passage: &Passage) -> Law {
    match ground.kramers(passage) {
        Ok(found) => Law { time: Some(found.time()), reason: words(grid, &found) },
        Err(reason) => Law { time: None, reason },
    }
}

/// Adds `kramers` and `kramers_reason` to `/escape/<name>`.
pub fn add(group: &mut Group, law: &Law) {
    if let Some(time) = law.time {
        group.set("kramers", Attribute::Float(time));
    }
    group.set("kramers_reason", Attribute::Text(law.reason.clone()));
}

/// From where, over which barrier, and how good that is.
fn words(grid: &Grid, found: &Kramers) -> String {
    let pass = &found.passes[0];
    let mut words = format!(
        "Kramers: from the minimum {} over {}, a barrier of {} (in units of T D)",
        place(grid, &found.minimum),
        place(grid, &pass.position),
        short(pass.barrier)
    );
    if pass.barriers > 1 {
        words += &format!(", the highest of {} on the way", pass.barriers);
    }
    if found.passes.len() > 1 {
        words += &format!("; the rates over {} passes added", found.passes.len());
    }
    let share = found.time_to_surface() / found.time();
    if share < ALL {
        words += &format!("; the target begins at the top, which takes about {} of this time", short(share));
    }
    if pass.barrier < LOW {
        words += "; so low a barrier makes this rough";
    }
    words
}
