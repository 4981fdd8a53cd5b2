//! What the chain of descent adds to `/escape/<name>`.

use fpsolve_solvers::escape::on_grid::GridPassage;
use fpsolve_solvers::problem::grid::Grid;

use crate::record::read::float;
use crate::record::scales::{field, series, variable_scales};
use crate::record::{Attribute, Group};
use crate::text::with_error;

/// Adds `transfer_operator_survival` over `time` and, as attributes, `transfer_operator_from_value`, `transfer_operator_committor`,
/// `transfer_operator_exit` and `transfer_operator_conditional`, each with its `_error` by the grid.
pub fn add(group: &mut Group, found: &GridPassage) {
    let mut number = |name: &str, value: f64, error: Option<f64>| {
        group.set(&format!("transfer_operator_{name}"), Attribute::Float(value));
        group.set(&format!("transfer_operator_{name}_error"), Attribute::Float(error.unwrap_or(f64::NAN)));
    };
    number("from_value", found.from_value, found.error_grid);
    if let Some(committor) = found.from_committor {
        number("committor", committor, found.from_committor_error_grid);
    }
    if let Some(exit) = found.from_exit {
        number("exit", exit.value, exit.error);
    }
    if let Some(time) = found.from_conditional {
        number("conditional", time.value, time.error);
    }
    let long_name = "probability that descent has not reached the target, counted at its steps";
    group.datasets.push(series("transfer_operator_survival", found.survival.clone(), long_name));
    let unknown = vec![f64::NAN; found.survival.len()];
    let errors = if found.survival_error.is_empty() { unknown } else { found.survival_error.clone() };
    let long_name = "estimated error of transfer_operator_survival by the grid";
    group.datasets.push(series("transfer_operator_survival_error", errors, long_name));
}

fn with_its_error(group: &Group, name: &str) -> Option<String> {
    let error = float(group, &format!("{name}_error")).unwrap_or(f64::NAN);
    Some(format!("transfer-operator {}", with_error(float(group, name)?, error)))
}

/// The mean time in words.
pub fn mean(group: &Group) -> Option<String> {
    with_its_error(group, "transfer_operator_from_value").map(|mean| format!("{mean} (law of SGD)"))
}

/// The probability to come to the target first, in words.
pub fn committor(group: &Group) -> Option<String> {
    with_its_error(group, "transfer_operator_committor")
}

/// A further mean time in words: `exit` or `conditional`.
pub fn time(group: &Group, name: &str) -> Option<String> {
    with_its_error(group, &format!("transfer_operator_{name}"))
}

/// How the chain counts an arrival, where the SDE stands beside it.
pub fn how_counted(group: &Group) -> Option<String> {
    let [sde, descent] = [["from_value", "langevin_mean"], ["transfer_operator_from_value", "sgd_mean"]];
    let any = |names: [&str; 2]| names.into_iter().any(|name| float(group, name).is_some());
    let words = "  arrival counts at any time for the SDE (fokker-planck, langevin), at the end of a step for SGD (sgd, \
                 transfer-operator), which overshoots by about .58 of a step's noise: compare targets deep in the other well";
    (any(sde) && any(descent)).then(|| words.to_string())
}

/// Adds the fields `transfer_operator_mean_time` and `transfer_operator_committor_field` (n…) with their errors by the grid.
pub fn add_fields(group: &mut Group, grid: &Grid, found: &GridPassage) {
    if !group.datasets.iter().any(|dataset| dataset.name == grid.axes()[0].variable()) {
        group.datasets.extend(variable_scales(grid));
    }
    let mut one = |name: &str, values: &[f64], errors: &[f64], long_name: &str| {
        let unknown = vec![f64::NAN; grid.len()];
        let errors = if errors.is_empty() { unknown } else { errors.to_vec() };
        group.datasets.push(field(name, grid, &[], values.to_vec(), "1", long_name));
        let about = format!("estimated error of {name} by the grid");
        group.datasets.push(field(&format!("{name}_error"), grid, &[], errors, "1", &about));
    };
    let long_name = "mean time of descent to the target from each node, counted at its steps";
    one("transfer_operator_mean_time", &found.mean_time, &found.mean_time_error, long_name);
    if let Some(committor) = &found.committor {
        let long_name = "probability that descent comes to the target before the avoided set, from each node";
        one("transfer_operator_committor_field", committor, &found.committor_error, long_name);
    }
}
