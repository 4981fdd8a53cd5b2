//! `/comparison` and `/warnings`.

use fpsolve_validation::compare::Comparison;
use fpsolve_validation::verdict::Verdict;

use crate::record::scales::{array, index_scale, series, time_scale};
use crate::record::{Attribute, Dataset, Group, Values};

/// `/comparison`: for each pair (`langevin_vs_sgd`, `sgd_vs_stationary`, …) its metrics with `_noise_floor` and
/// `_noise_upper`, and the verdicts as rows.
pub fn comparison_group(comparisons: &[Comparison], verdicts: &[Verdict]) -> Group {
    let mut group = Group::new("comparison");
    for comparison in comparisons {
        let mut pair = Group::new(comparison.name());
        pair.set("false_alarm_rate", Attribute::Float(comparison.false_alarm_rate));
        pair.datasets.push(time_scale(&comparison.times));
        for metric in &comparison.metrics {
            let (name, words) = (&metric.name, metric.name.replace('_', " "));
            let floor = format!("{words} that sampling noise alone shows on average");
            let upper = format!("{words} that sampling noise alone exceeds at the false-alarm rate");
            pair.datasets.push(series(name, metric.value.clone(), metric.definition));
            pair.datasets.push(series(&format!("{name}_noise_floor"), metric.noise_floor.clone(), &floor));
            pair.datasets.push(series(&format!("{name}_noise_upper"), metric.noise_upper.clone(), &upper));
        }
        group.groups.push(pair);
    }
    group.groups.push(verdict_group(verdicts));
    group
}

/// Sentences as the dataset `warnings` over the scale `warning`, for the root of a record.
pub fn warning_rows(warnings: &[String]) -> [Dataset; 2] {
    let long_name = "where the results may not be trusted";
    [
        index_scale("warning", warnings.len(), "number of the warning"),
        Dataset::new("warnings", Values::Text(warnings.to_vec()), &["warning"], "1", long_name),
    ]
}

fn verdict_group(verdicts: &[Verdict]) -> Group {
    let mut group = Group::new("verdicts");
    let n = verdicts.len();
    let axes = ["verdict"];
    let text = |f: &dyn Fn(&Verdict) -> String| Values::Text(verdicts.iter().map(f).collect());
    let number = |f: &dyn Fn(&Verdict) -> f64| Values::Float(array(&[n], verdicts.iter().map(f).collect()));
    let passed: ndarray::Array1<i64> = verdicts.iter().map(|v| i64::from(v.passed)).collect();
    group.datasets = vec![
        index_scale("verdict", n, "number of the verdict"),
        Dataset::new("name", text(&|v| v.name.clone()), &axes, "1", "what was held against the bound"),
        Dataset::new("value", number(&|v| v.value), &axes, "1", "value found"),
        Dataset::new("bound", number(&|v| v.bound), &axes, "1", "bound"),
        Dataset::new("passed", Values::Integer(passed.into_dyn()), &axes, "1", "1 passed, 0 failed"),
        Dataset::new("why", text(&|v| v.why.clone()), &axes, "1", "why"),
    ];
    group
}
