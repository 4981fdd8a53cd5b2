//! What the chain of descent adds to `/escape/<name>`.

use fpsolve_solvers::escape::on_grid::GridPassage;

use crate::record::read::float;
use crate::record::scales::series;
use crate::record::{Attribute, Group};
use crate::text::with_error;

/// Adds `transfer_operator_survival` over `time` and, as attributes, `transfer_operator_from_value`, `transfer_operator_committor` and
/// `transfer_operator_exit`, each with its `_error` by the grid.
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
    let long_name = "probability that descent has not reached the target, counted at its steps";
    group.datasets.push(series("transfer_operator_survival", found.survival.clone(), long_name));
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

/// How the chain counts an arrival, where the SDE stands beside it.
pub fn how_counted(group: &Group) -> Option<String> {
    let [sde, descent] = [["from_value", "langevin_mean"], ["transfer_operator_from_value", "sgd_mean"]];
    let any = |names: [&str; 2]| names.into_iter().any(|name| float(group, name).is_some());
    let words = "  arrival counts at any time for the SDE (fokker-planck, langevin), at the end of a step for SGD (sgd, \
                 transfer-operator), which overshoots by about .58 of a step's noise: compare targets deep in the other well";
    (any(sde) && any(descent)).then(|| words.to_string())
}
