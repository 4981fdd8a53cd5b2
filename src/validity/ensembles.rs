//! A cell where no operator fits: walkers of SGD against the Fokker–Planck equation at the last output time, with the noise floor as bar.

use fpsolve_solvers::engine::Interrupt;

use super::cell::{Cell, Estimate, ORDERS, OrderCell};
use crate::record::Record;
use crate::record::lookup::lookup;
use crate::run::{Reached, Status, run};
use crate::scenario::{Prepared, Scenario};

/// The cell of a scenario: `orders` are the scenarios with the modified equations of each order, with their problems.
/// None where it was interrupted.
pub fn cell(
    orders: &[Option<(Scenario, Prepared)>; ORDERS],
    passage: Option<&str>,
    interrupt: Interrupt,
    progress: &dyn Fn(&str),
) -> Option<Cell> {
    let mut cell = Cell::unknown("by ensembles at the last output time".into());
    for (order, asked) in orders.iter().enumerate() {
        let Some((scenario, prepared)) = asked else { continue };
        let found = run(prepared, interrupt, &|doing| progress(&doing.words()), &Reached::nothing_of(scenario));
        match found.status {
            Status::Interrupted => return None,
            Status::Failed => cell.remark = found.failure.map(|error| error.to_string()),
            Status::Complete => {
                cell.orders[order] = of_record(&found.record, passage, prepared);
                let number = |path: &str| last(&found.record, path, prepared);
                cell.moments = [number("sgd/mean"), number("sgd/covariance")];
                cell.rate_times_curvature = lookup(&found.record, "sgd/max_rate_times_curvature").unwrap_or(f64::NAN);
            }
        }
    }
    Some(cell)
}

/// The last row of a series, its first number.
fn last(record: &Record, path: &str, prepared: &Prepared) -> f64 {
    let row = prepared.problem.times.len() - 1;
    let dataset = record.dataset(path).and_then(|dataset| dataset.as_float());
    dataset.and_then(|values| values.outer_iter().nth(row)?.iter().next().copied()).unwrap_or(f64::NAN)
}

fn of_record(record: &Record, passage: Option<&str>, prepared: &Prepared) -> OrderCell {
    let distance = |metric: &str| {
        let at = |name: &str| last(record, &format!("comparison/fokker_planck_vs_sgd/{metric}{name}"), prepared);
        Estimate { value: at(""), error: at("_noise_upper") }
    };
    let log_ratio = passage.map_or(Estimate::UNKNOWN, |name| {
        let at = |what: &str| lookup(record, &format!("escape/{name}/{what}")).unwrap_or(f64::NAN);
        let (sde, sgd) = (at("from_value"), at("sgd_mean"));
        let error = (at("error_grid") / sde).hypot(2.0 * at("sgd_mean_se") / sgd);
        let value = (sgd / sde).ln();
        // walkers that did not arrive make the mean a lower bound
        if at("sgd_censored") > 0.0 {
            return Estimate { value: value - error, error: f64::INFINITY };
        }
        Estimate { value, error }
    });
    OrderCell {
        total_variation: distance("total_variation"),
        wasserstein_1: distance("wasserstein_1"),
        log_ratio,
        moments: ["mean", "covariance"].map(|name| last(record, &format!("fokker_planck/{name}"), prepared)),
    }
}
