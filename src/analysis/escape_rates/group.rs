//! `/escape_rates`, and what it says in words.

use fpsolve_solvers::problem::Problem;

use super::super::{Failure, Findings};
use super::{Found, Method};
use crate::record::read::{column, find, floats};
use crate::record::scales::{array, component_scale, index_scale};
use crate::record::{Attribute, Dataset, Group, Record};
use crate::summary::axis_lengths;
use crate::text::{beside, short, with_error};

impl Findings for Found {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        let (basins, k, d) = (&self.basins, self.basins.count(), problem.dimension());
        let group = record.group_mut("escape_rates");
        group.set("left_out", Attribute::Integer(basins.left_out as i64));
        group.datasets = vec![
            index_scale("basin", k, "number of the basin that is left"),
            index_scale("basin_to", k, "number of the basin that is reached"),
            component_scale(&problem.grid),
        ];
        let places = basins.minima.iter().flat_map(|minimum| minimum.position.clone()).collect();
        let (rows, cells) = (["basin", "component"], array(&[k, d], places));
        group.datasets.push(Dataset::float("position", cells, &rows, "1", "minimum of the basin"));
        let loss = basins.minima.iter().map(|minimum| minimum.loss).collect();
        group.datasets.push(Dataset::float("loss", array(&[k], loss), &["basin"], "1", "loss at the minimum"));
        self.methods.iter().for_each(|method| add(group, method, k));
    }

    fn warnings(&self) -> Vec<String> {
        let late = |method: &&Method| method.censored > 0.0;
        let mut warnings: Vec<String> = self
            .methods
            .iter()
            .filter(late)
            .map(|method| {
                format!(
                    "escape rates: up to {:.1} % of the {} walkers had not arrived by the horizon; their mean times take arrivals for \
                     exponential",
                    100.0 * method.censored,
                    method.name
                )
            })
            .collect();
        warnings.extend(self.methods.iter().filter(|method| method.unsampled > 0).map(|method| {
            format!(
                "escape rates: {} of the ways take longer than 100 times the run and are not sampled by {} walkers: `rare_event` can, or \
                 write a `horizon`",
                method.unsampled, method.name
            )
        }));
        if self.basins.left_out > 0 {
            warnings.push(format!(
                "escape rates: {} higher minima are left out; times count the ways through them",
                self.basins.left_out
            ));
        }
        warnings
    }

    fn failures(&self) -> Vec<Failure> {
        self.failures.clone()
    }
}

/// Adds `<method>_time`, `_rate` and `_weight` with their errors, and what the engine itself says at rest.
fn add(group: &mut Group, method: &Method, k: usize) {
    let name = method.name;
    let mut square = |what: &str, values: Vec<f64>, about: &str| {
        let values = array(&[k, k], values);
        group.datasets.push(Dataset::float(&format!("{name}_{what}"), values, &["basin", "basin_to"], "1", about));
    };
    square("time", method.times.clone(), "mean time from the minimum of a basin to that of another");
    square("time_error", method.errors.clone(), "estimated error of the mean times");
    if let Some(times) = &method.extrapolated {
        square("time_extrapolated", times.clone(), "mean times without the leading error of the grid");
    }
    let chain = match &method.chain {
        Ok(chain) => chain,
        Err(reason) => return group.set(&format!("{name}_reason"), Attribute::Text(reason.clone())),
    };
    let (chain, bars) = chain;
    square("rate", chain.rates.clone(), "generator of the Markov chain on the basins that has these mean times");
    square("rate_error", bars.rates.clone(), "error of the rates by that of the times");
    let mut row = |what: &str, values: Vec<f64>, about: &str| {
        group.datasets.push(Dataset::float(&format!("{name}_{what}"), array(&[k], values), &["basin"], "1", about));
    };
    row("weight", chain.weights.clone(), "stationary weights of that chain");
    row("weight_error", bars.weights.clone(), "error of the weights by that of the times");
    if let Some(occupancy) = &method.occupancy {
        row("occupancy", occupancy.clone(), "probability of the basin at rest by the engine itself");
    }
    group.set(&format!("{name}_slowest"), Attribute::Float(chain.slowest));
    group.set(&format!("{name}_slowest_error"), Attribute::Float(bars.slowest));
    if let Some([rate, error]) = method.slowest {
        group.set(&format!("{name}_spectrum"), Attribute::Float(rate));
        group.set(&format!("{name}_spectrum_error"), Attribute::Float(error));
    }
}

/// Share by which the slowest rate of the chain on the basins and that of the law itself may differ before it is told.
const APART: f64 = 0.2;

/// The ways of finding times, by the names that they have in the record.
pub const METHODS: [(&str, &str); 6] = [
    ("fokker_planck", "fokker-planck"),
    ("transfer_operator", "transfer-operator"),
    ("langevin", "langevin"),
    ("sgd", "sgd"),
    ("kramers", "Kramers"),
    ("eyring", "Kramers–Eyring"),
];

/// Times, weights and slowest rates, way by way.
pub(super) fn words(record: &Record) -> Vec<String> {
    let Some(group) = record.group("escape_rates") else { return Vec::new() };
    let Some(position) = find(group, "position") else { return Vec::new() };
    let (k, d) = (position.shape()[0], position.shape()[1]);
    let (theta, lengths) = (floats(position).unwrap_or_default(), axis_lengths(record));
    let place = |i: usize| {
        let all: Vec<String> = theta[i * d..(i + 1) * d].iter().zip(&lengths).map(|(t, l)| beside(*t, *l)).collect();
        format!("({})", all.join(", "))
    };
    let minima: Vec<String> = (0..k).map(|i| format!("{i} {}", place(i))).collect();
    let mut lines = vec![format!("escape between {k} basins: {}", minima.join(", "))];
    let bar = |value: f64, error: f64| if error.is_nan() { short(value) } else { with_error(value, error) };
    let numbers = |name: String| column(group, &name);
    for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))).filter(|(i, j)| i != j) {
        let time = |(name, title): &(&str, &str)| {
            let time = numbers(format!("{name}_time"))?[i * k + j];
            let error = numbers(format!("{name}_time_error"))?[i * k + j];
            let words = || if time.is_infinite() { "never".into() } else { bar(time, error) };
            (!time.is_nan()).then(|| format!("{title} {}", words()))
        };
        let all: Vec<String> = METHODS.iter().filter_map(time).collect();
        lines.push(format!("  {i} to {j}: mean time {}", all.join(", ")));
    }
    for (name, title) in METHODS {
        let (Some(weights), Some(errors)) =
            (numbers(format!("{name}_weight")), numbers(format!("{name}_weight_error")))
        else {
            continue;
        };
        let list = |values: &[f64]| values.iter().map(|value| short(*value)).collect::<Vec<_>>().join(", ");
        let shown: Vec<String> = weights.iter().zip(&errors).map(|(weight, error)| bar(*weight, *error)).collect();
        let at_rest =
            numbers(format!("{name}_occupancy")).map_or(String::new(), |own| format!(" (at rest {})", list(&own)));
        let number = |what: &str| crate::record::read::float(group, &format!("{name}_{what}"));
        let slowest = number("slowest").map_or(String::new(), |rate| {
            format!("; slowest rate {}", bar(rate, number("slowest_error").unwrap_or(f64::NAN)))
        });
        let spectrum = number("spectrum").map_or(String::new(), |rate| {
            format!(" (of its spectrum {})", bar(rate, number("spectrum_error").unwrap_or(f64::NAN)))
        });
        let apart =
            number("slowest").zip(number("spectrum")).is_some_and(|(chain, own)| (chain / own - 1.0).abs() > APART);
        let note = if apart { "; the ways between the basins take long themselves: their chain is rough" } else { "" };
        lines.push(format!("  {title}: weights of the basins {}{at_rest}{slowest}{spectrum}{note}", shown.join(", ")));
    }
    lines
}
