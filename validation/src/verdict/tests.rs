#![allow(clippy::unwrap_used)]

use super::*;
use crate::metric::Scaling;

fn comparison(b: &str, value: [f64; 2], upper: f64) -> Comparison {
    let series = MetricSeries {
        name: "total_variation".into(),
        definition: "",
        scaling: Scaling::Root,
        value: value.to_vec(),
        noise_floor: vec![0.5 * upper; 2],
        noise_upper: vec![upper; 2],
    };
    Comparison {
        a: "langevin".into(),
        b: b.into(),
        walkers: [Some(10_000), Some(10_000)],
        times: vec![0.0, 2.0],
        false_alarm_rate: 1e-3,
        discretisation: 0.0,
        metrics: vec![series],
    }
}

fn verdict(value: [f64; 2], upper: f64, bound: f64) -> Verdict {
    let limit = Limit::from_key("max_total_variation", bound).unwrap();
    let all = [comparison("sgd", value, upper), comparison(STATIONARY, [1.0, 1.0], 0.0)];
    let verdicts = judge_limits(&all, &[limit]);
    assert_eq!(verdicts.len(), 1, "the stationary density is no engine");
    verdicts[0].clone()
}

#[test]
fn a_pass_says_what_it_could_have_missed() {
    let v = verdict([0.01, 0.02], 0.03, 0.05);
    assert!(v.passed && v.value == 0.02 && v.bound == 0.05);
    assert_eq!(v.name, "max_total_variation langevin_vs_sgd");
    assert_eq!(v.why, "largest 0.02 at t = 2; a difference up to 0.05 could be missed");
}

#[test]
fn a_difference_beyond_noise_and_limit_fails() {
    let v = verdict([0.01, 0.08], 0.03, 0.05);
    assert!(!v.passed && v.why.starts_with("differ: 0.08 at t = 2"), "{}", v.why);
}

#[test]
fn noise_beyond_the_limit_is_inconclusive_and_says_how_many_walkers() {
    for value in [[0.01, 0.02], [0.01, 0.06]] {
        let v = verdict(value, 0.1, 0.05);
        assert!(!v.passed && v.why.starts_with("inconclusive: with 10000 walkers"), "{}", v.why);
        assert!(v.why.contains("at least 40000 walkers"), "{}", v.why);
    }
    assert!(!verdict([f64::NAN, 0.0], 0.01, 0.05).passed);
}

#[test]
fn limits_need_a_known_metric_and_a_pair() {
    assert!(Limit::from_key("max_nothing", 1.0).is_none() && Limit::from_key("total_variation", 1.0).is_none());
    assert!(limit_keys().contains(&"max_wasserstein_1".to_string()));
    let limit = Limit::from_key("max_hellinger", 0.1).unwrap();
    let none = judge_limits(&[], &[limit]);
    assert!(!none[0].passed && none[0].why.contains("at least two engines"));
}

#[test]
fn expectations_are_looked_up_and_judged() {
    let row = |path: &str, value, tolerance| Expectation { path: path.into(), value, tolerance };
    let rows = [
        row("stationary/mean/x", 2.0, Tolerance::Relative(1e-2)),
        row("stationary/mean/x", 2.0, Tolerance::Absolute(1e-3)),
        row("stationary/mean/z", 2.0, Tolerance::Absolute(1e-3)),
        row("nan", 2.0, Tolerance::Absolute(1e3)),
    ];
    let lookup = |path: &str| match path {
        "stationary/mean/x" => Some(2.01),
        "nan" => Some(f64::NAN),
        _ => None,
    };
    let verdicts = judge_expectations(&rows, &lookup);
    assert_eq!(verdicts.iter().map(|v| v.passed).collect::<Vec<_>>(), [true, false, false, false]);
    assert_eq!(verdicts[0].bound, 0.02);
    assert!(verdicts[1].why.contains("off by 0.01, beyond 0.001"), "{}", verdicts[1].why);
    assert!(verdicts[2].why.contains("no number at this path"));
}

#[test]
fn a_discretisation_error_is_put_beside_the_noise() {
    let limit = [Limit::from_key("max_total_variation", 0.05).unwrap()];
    let judged = |value: [f64; 2], l1: f64| {
        let mut comparison = comparison("sgd", value, 0.03);
        comparison.add_discretisation("fokker_planck", 1.0); // not one of the two
        comparison.add_discretisation("langevin", l1);
        judge_limits(&[comparison], &limit).remove(0)
    };
    let v = judged([0.01, 0.07], 0.06);
    assert!(
        !v.passed && v.why.starts_with("differ") && v.why.contains("the discretisation up to 0.03 more"),
        "{}",
        v.why
    );
    let v = judged([0.01, 0.07], 0.09);
    assert!(!v.passed && v.why.starts_with("inconclusive: the reported discretisation"), "{}", v.why);
    let v = judged([0.01, 0.02], 0.2);
    assert!(!v.passed && v.why.starts_with("inconclusive: the reported discretisation"), "{}", v.why);
    let v = judged([0.01, 0.02], 0.02);
    assert!(v.passed && v.why.ends_with("a difference up to 0.06 could be missed"), "{}", v.why);
}
