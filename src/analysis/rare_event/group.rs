//! `/rare_event/<name>`, and what it says in words.

use fpsolve_solvers::splitting::{Estimate, Repetition};

use super::event::Event;
use crate::record::read::{float, integer, text};
use crate::record::scales::{array, index_scale};
use crate::record::{Attribute, Dataset, Record};
use crate::text::{short, with_error};

/// Adds the estimate: `mean_time` and `probability` with their `_se`, how they were found, and each repetition's numbers (times in t).
pub fn add(record: &mut Record, event: &Event, found: &Estimate) {
    let group = record.group_mut("rare_event").group_mut(&event.name);
    let from: Vec<String> = event.from.iter().map(f64::to_string).collect();
    let words = [
        ("target", event.target.text().to_string()),
        ("from", from.join(" ")),
        ("score", event.score.text().to_string()),
        ("engine", event.walkers.word().to_string()),
        ("arrivals", "at the ends of steps".to_string()),
    ];
    words.into_iter().for_each(|(name, text)| group.set(name, Attribute::Text(text)));
    let [probability, error] = found.probability;
    let mut numbers = vec![("probability", probability), ("probability_se", error), ("start_level", found.level)];
    if let Some([mean, se]) = found.mean_time {
        numbers.extend([("mean_time", mean), ("mean_time_se", se)]);
    }
    numbers.push(("log_probability_variance", found.log_variance));
    numbers.into_iter().filter(|(_, x)| x.is_finite()).for_each(|(name, x)| group.set(name, Attribute::Float(x)));
    group.set("steps_simulated", Attribute::Integer(found.steps as i64));
    group.set("replicas", Attribute::Integer(event.replicas as i64));
    let n = found.repetitions.len();
    group.datasets.push(index_scale("repetition", n, "number of the repetition"));
    let mut add = |name: &str, long_name: &str, of: &dyn Fn(&Repetition) -> f64| {
        let values = array(&[n], found.repetitions.iter().map(of).collect());
        group.datasets.push(Dataset::float(name, values, &["repetition"], "1", long_name));
    };
    add("repetition_probability", "p of an excursion by each repetition", &|r| r.probability);
    add("repetition_levels", "levels of each repetition", &|r| f64::from(r.levels));
    add("repetition_steps", "steps of walkers of each repetition", &|r| r.steps as f64);
}

/// The events in words.
pub fn words(record: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    for group in record.group("rare_event").iter().flat_map(|g| &g.groups) {
        let word = |name: &str| text(group, name).unwrap_or("?");
        let (Some(p), Some(se)) = (float(group, "probability"), float(group, "probability_se")) else { continue };
        let repetitions =
            group.datasets.iter().find(|d| d.name == "repetition").map_or(0, |d| d.shape().iter().product());
        let time = match (float(group, "mean_time"), float(group, "mean_time_se")) {
            (Some(time), Some(se)) => format!("mean time {}", with_error(time, se)),
            (Some(time), None) => format!("mean time {} (one repetition alone: no bar)", short(time)),
            _ => "never seen".to_string(),
        };
        let steps = integer(group, "steps_simulated").unwrap_or(0);
        lines.push(format!(
            "{} from ({}) to {}: {time}, by splitting of {} walkers (counted at steps)",
            group.name,
            word("from").replace(' ', ", "),
            word("target"),
            word("engine"),
        ));
        lines.push(format!(
            "  probability of an excursion {}, score {}, {repetitions} repetitions of {} replicas, {} steps of walkers",
            with_error(p, se),
            word("score"),
            integer(group, "replicas").unwrap_or(0),
            short(steps as f64),
        ));
    }
    lines
}
