//! Kramers' time beside the mean first-passage times, or why there is none.

use fpsolve_solvers::escape::kramers::{Ground, Kramers};
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::Grid;

use super::place;
use crate::record::{Attribute, Record};
use crate::text::short;

/// Barriers in units of T D below which Kramers' law is rough.
const LOW: f64 = 3.0;
/// Share of the time at the surface of the target above which it counts as all.
const ALL: f64 = 0.95;

/// Adds to each `/escape/<name>` of a record `kramers`, the time from the minimum to beyond the barrier, and `kramers_reason`: over
/// which barrier, or why there is no such time.
pub fn add(record: &mut Record, problem: &Problem, passages: &[Passage]) {
    if record.group("escape").is_none() {
        return;
    }
    let ground = Ground::new(problem);
    for passage in passages {
        if record.group(&format!("escape/{}", passage.name)).is_none() {
            continue;
        }
        let group = record.group_mut("escape").group_mut(&passage.name);
        let reason = match ground.kramers(passage) {
            Ok(found) => {
                group.set("kramers", Attribute::Float(found.time()));
                words(&problem.grid, &found)
            }
            Err(why) => why,
        };
        group.set("kramers_reason", Attribute::Text(reason));
    }
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
