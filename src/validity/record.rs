//! `/validity`, written and read back.

use super::cell::{Cell, Estimate, ORDERS, OrderCell};
use super::map::Map;
use crate::record::read::column;
use crate::record::scales::{array, vector};
use crate::record::{Attribute, Dataset, Group, Record, Values};

/// The group: over `learning_rate` (a) and `batch_size` (b) what each `order` of the SDE says beside SGD, each number with its `_error`, infinite where the number is a lower bound;
/// `valid` is 1, 0, or −1 where a bar crosses a threshold. Cells that were not computed are not a number, and `computed` is 0 there.
pub fn group(map: &Map) -> Group {
    let mut group = Group::new("validity");
    let (na, nb) = (map.learning_rate.len(), map.batch_size.len());
    group.set("max_total_variation", Attribute::Float(map.thresholds.total_variation));
    if let (Some(name), Some(bound)) = (&map.passage, map.thresholds.log_ratio) {
        group.set("passage", Attribute::Text(name.clone()));
        group.set("max_log_ratio", Attribute::Float(bound));
    }
    let how =
        if map.exact { "laws of the long run, without sampling noise" } else { "ensembles at the last output time" };
    group.set("laws", Attribute::Text(how.into()));
    group.datasets.push(vector("learning_rate", map.learning_rate.clone(), "1", "learning rate η"));
    let sizes = map.batch_size.iter().map(|b| *b as f64).collect();
    group.datasets.push(vector("batch_size", sizes, "1", "batch size B"));
    group.datasets.push(vector("order", vec![1.0, 2.0, 3.0], "1", "order of the stochastic modified equation"));
    let whole = |of: &dyn Fn(&Cell) -> f64| -> Vec<f64> {
        map.cells.iter().map(|cell| cell.as_ref().map_or(f64::NAN, of)).collect()
    };
    for (name, long_name, of) in ESTIMATES {
        for (suffix, words) in [("", ""), ("_error", "bar of: ")] {
            let number = |estimate: Estimate| if suffix.is_empty() { estimate.value } else { estimate.error };
            let values: Vec<f64> = (0..ORDERS).flat_map(|k| whole(&|cell| number(of(&cell.orders[k])))).collect();
            group.datasets.push(over_orders(
                &format!("{name}{suffix}"),
                values,
                [na, nb],
                &format!("{words}{long_name}"),
            ));
        }
    }
    let moments = [("sde_mean", 0, "mean of the SDE's law"), ("sde_variance", 1, "variance of the SDE's law")];
    for (name, which, long_name) in moments {
        let values = (0..ORDERS).flat_map(|k| whole(&|cell| cell.orders[k].moments[which])).collect();
        group.datasets.push(over_orders(name, values, [na, nb], long_name));
    }
    let number = |k: usize, a: usize, b: usize| map.valid(k, a, b).map_or(-1.0, super::Valid::number);
    let cells = || (0..na).flat_map(|a| (0..nb).map(move |b| (a, b)));
    let valid = (0..ORDERS).flat_map(|k| cells().map(move |(a, b)| number(k, a, b))).collect();
    group.datasets.push(over_orders("valid", valid, [na, nb], "1 the SDE may be taken for SGD, 0 not, -1 undecided"));
    for (name, long_name, of) in NUMBERS {
        let values = array(&[na, nb], whole(&of));
        group.datasets.push(Dataset::float(name, values, &["learning_rate", "batch_size"], "1", long_name));
    }
    let computed = map.cells.iter().map(|cell| f64::from(u8::from(cell.is_some()))).collect();
    let long_name = "1 computed, 0 taken over from neighbours that agree";
    let axes = ["learning_rate", "batch_size"];
    group.datasets.push(Dataset::float("computed", array(&[na, nb], computed), &axes, "1", long_name));
    let remarks = map.cells.iter().map(|cell| cell.as_ref().and_then(|c| c.remark.clone()).unwrap_or_default());
    let remarks: Vec<String> = remarks.collect();
    group.datasets.push(crate::record::scales::index_scale("cell", remarks.len(), "number of the cell"));
    group.datasets.push(Dataset::new("remark", Values::Text(remarks), &["cell"], "1", "why numbers are missing"));
    group
}

fn over_orders(name: &str, values: Vec<f64>, [na, nb]: [usize; 2], long_name: &str) -> Dataset {
    let axes = ["order", "learning_rate", "batch_size"];
    Dataset::float(name, array(&[ORDERS, na, nb], values), &axes, "1", long_name)
}

/// A name, what it is, and how it is read from an order of a cell.
type OfOrder = (&'static str, &'static str, fn(&OrderCell) -> Estimate);

const ESTIMATES: [OfOrder; 3] = [
    ("total_variation", "total variation of the laws of SGD and of the SDE", |c| c.total_variation),
    ("wasserstein_1", "Wasserstein distance of the laws of SGD and of the SDE", |c| c.wasserstein_1),
    ("log_ratio", "ln(mean time of SGD / mean time of the SDE), infinite where SGD never arrives", |c| c.log_ratio),
];

/// A name, what it is, and how it is read from a cell.
type OfCell = (&'static str, &'static str, fn(&Cell) -> f64);

const NUMBERS: [OfCell; 5] = [
    ("mean", "mean of SGD's law", |c| c.moments[0]),
    ("variance", "variance of SGD's law", |c| c.moments[1]),
    ("rate_times_curvature", "learning rate times largest curvature where the law is", |c| c.rate_times_curvature),
    ("classes", "number of invariant laws of SGD", |c| c.classes),
    ("clamped", "probability of SGD that leaves the box in a step", |c| c.clamped),
];

/// Takes over the cells that a record of the same scenario holds. False where the record is of another scenario or map.
pub fn resumed(map: &mut Map, record: &Record, text: &str) -> bool {
    let same = matches!(record.attribute("scenario"), Some(Attribute::Text(before)) if before == text);
    let Some(group) = record.group("validity").filter(|_| same) else { return false };
    let (na, nb) = (map.learning_rate.len(), map.batch_size.len());
    let read = |name: &str, n: usize| column(group, name).filter(|values| values.len() == n);
    let Some(computed) = read("computed", na * nb) else { return false };
    let over_orders = |name: &str| read(name, ORDERS * na * nb);
    let estimates = ESTIMATES.map(|(name, ..)| over_orders(name).zip(over_orders(&format!("{name}_error"))));
    let moments = ["sde_mean", "sde_variance"].map(over_orders);
    let numbers = NUMBERS.map(|(name, ..)| read(name, na * nb));
    let remarks = match group.datasets.iter().find(|d| d.name == "remark").map(|d| &d.values) {
        Some(Values::Text(remarks)) if remarks.len() == na * nb => remarks.clone(),
        _ => return false,
    };
    let (Some(moments), Some(numbers)) = (all(moments), all(numbers)) else { return false };
    let Some(estimates) = all(estimates) else { return false };
    for at in (0..na * nb).filter(|at| computed[*at] == 1.0) {
        let order = |k: usize| {
            let place = k * na * nb + at;
            let [total_variation, wasserstein_1, log_ratio] =
                [0, 1, 2].map(|q| Estimate { value: estimates[q].0[place], error: estimates[q].1[place] });
            OrderCell { total_variation, wasserstein_1, log_ratio, moments: [moments[0][place], moments[1][place]] }
        };
        map.cells[at] = Some(Cell {
            orders: std::array::from_fn(order),
            moments: [numbers[0][at], numbers[1][at]],
            rate_times_curvature: numbers[2][at],
            classes: numbers[3][at],
            clamped: numbers[4][at],
            remark: Some(remarks[at].clone()).filter(|remark| !remark.is_empty()),
        });
    }
    true
}

/// All of them, where each is there.
fn all<T, const N: usize>(parts: [Option<T>; N]) -> Option<Vec<T>> {
    parts.into_iter().collect()
}
