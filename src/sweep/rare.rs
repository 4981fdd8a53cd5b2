//! Cases whose walkers would not arrive in any time: said before they are followed for hours.

use fpsolve_solvers::escape::kramers::Ground;
use fpsolve_solvers::escape::line::Line;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::problem::Problem;

use super::plan::Plan;
use crate::analysis::first_passage::passages;
use crate::analysis::walkers::Walkers;
use crate::error::{Failure, Outcome, advice};
use crate::scenario::Prepared;
use crate::text::{grouped, short};

/// Arrivals that are expected at least of the walkers of a case that is run.
const ARRIVALS: f64 = 0.1;
/// Steps of the quadrature on a line.
const STEPS: usize = 20_000;

/// Errors: a number is collected from walkers of a first passage of whom none would arrive before the horizon.
pub fn check(prepared: &Prepared, plan: &Plan) -> Result<(), Failure> {
    for passage in passages(&prepared.analyses) {
        for walkers in [Walkers::Langevin, Walkers::Sgd] {
            let begin = format!("escape/{}/{}_", passage.name, walkers.word());
            if !plan.collect.iter().any(|collected| collected.path.starts_with(&begin)) {
                continue;
            }
            let Some(mean) = mean_time(&prepared.problem, &passage) else { continue };
            let arrivals = passage.walkers as f64 * -(-passage.horizon / mean).exp_m1();
            if arrivals < ARRIVALS {
                return Err(refusal(&passage, walkers, mean, arrivals));
            }
        }
    }
    Ok(())
}

/// The mean time of the SDE: by quadrature on a line to a target on one side, else by Kramers' law.
fn mean_time(problem: &Problem, passage: &Passage) -> Option<f64> {
    let on_line = || {
        let axis = &problem.grid.axes()[0];
        let plain = problem.dimension() == 1 && !axis.is_periodic() && !axis.absorbs() && passage.avoid.is_none();
        let to = match plain.then(|| passage.target.edges_around(axis, passage.from[0]))? {
            [Some(to), None] | [None, Some(to)] => to,
            [None, None] | [Some(_), Some(_)] => return None,
        };
        Some(Line::new(&*problem.dynamics, problem.temperature, axis, STEPS)?.mean_time(passage.from[0], to))
    };
    let found = on_line().or_else(|| Ground::new(problem).kramers(passage).ok().map(|law| law.time()));
    found.filter(|time| time.is_finite() && *time > 0.0)
}

fn refusal(passage: &Passage, walkers: Walkers, mean: f64, arrivals: f64) -> Failure {
    let message = format!(
        "no ensemble can sample escape \"{}\": of {} {} walkers {} would arrive before the horizon {}, as the mean time of the SDE is {}",
        passage.name,
        grouped(passage.walkers as u64),
        walkers.title(),
        short(arrivals),
        short(passage.horizon),
        short(mean)
    );
    let from: Vec<String> = passage.from.iter().map(f64::to_string).collect();
    let help = format!(
        "splitting can: rare_event = [{{ name = \"{}\", from = [{}], target = \"{}\", score = \"committor\", engine = \"{}\" }}] in [analysis], and \
         collect rare_event/{}/mean_time; the grid too: escape/{}/from_value",
        passage.name,
        from.join(", "),
        passage.target.text(),
        walkers.word(),
        passage.name,
        passage.name
    );
    Failure { outcome: Outcome::TooLarge, report: advice(message, help) }
}
