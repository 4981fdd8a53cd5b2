//! Exponents of escape on a line beside the mean times: S of SGD and of the SDE in τ ~ e^{S/η}, and the slopes of ln τ in 1/η.

use fpsolve_solvers::escape::line::Line;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::transfer_operator::action::Actions;
use fpsolve_solvers::transfer_operator::{Rows, TransferOperator, TransferOperatorOptions, exponents};

use super::super::Finished;
use crate::engine::sgd::SgdTable;
use crate::record::read::float;
use crate::record::{Attribute, Group};
use crate::text::short;

/// What is known of how the mean time grows as η falls at fixed B.
pub struct Exponents {
    actions: Actions,
    /// d ln τ/d(1/η) at this η by the law of SGD, where that engine found τ.
    slope_sgd: Option<f64>,
    /// The same of the SDE, by quadrature.
    slope_sde: Option<f64>,
}

/// Relative step of η for the slopes.
const STEP: f64 = 0.02;
/// Steps of the quadrature.
const QUADRATURE: usize = 20_000;

/// The exponents of a passage on one axis by plain SGD with independent draws; None for all others.
pub fn find(finished: &Finished, passage: &Passage, by_chain: Option<f64>) -> Option<Exponents> {
    let problem = finished.problem;
    let plain = finished.options.of::<SgdTable>();
    let axis =
        problem.grid.axes().first().filter(|axis| problem.dimension() == 1 && !axis.is_periodic() && !axis.absorbs());
    let (axis, rate) = (axis?, problem.minibatch?.learning_rate);
    if !plain.is_plain() || plain.options.amplitude_rate.is_some() || problem.dynamics.floor() > 0.0 {
        return None;
    }
    let [below, above] = passage.target.edges_around(axis, passage.from[0]);
    let ways =
        [below.map(|to| (above.unwrap_or(axis.upper()), to)), above.map(|to| (below.unwrap_or(axis.lower()), to))];
    let way = |(behind, to): (f64, f64)| exponents(problem, [behind, passage.from[0], to], finished.interrupt);
    let found: Vec<Actions> = ways.into_iter().flatten().filter_map(way).collect();
    let least = |of: fn(&Actions) -> f64| found.iter().map(of).fold(f64::INFINITY, f64::min);
    let actions = Actions { sgd: least(|a| a.sgd), sde: least(|a| a.sde) };
    let slope = |now: f64, then: f64| (then / now).ln() / (1.0 / (rate * (1.0 + STEP)) - 1.0 / rate);
    let slope_sgd = by_chain.and_then(|now| {
        (finished.progress)(&format!("transfer operator: exponent of \"{}\"", passage.name));
        Some(slope(now, at_another_rate(finished, passage, rate * (1.0 + STEP))?))
    });
    let one_way = match [below, above] {
        [Some(to), None] | [None, Some(to)] => Some(to),
        _ => None,
    };
    let sde = |factor: f64| {
        let line = Line::new(&*problem.dynamics, problem.temperature * factor, axis, QUADRATURE)?;
        Some(line.mean_time(passage.from[0], one_way?))
    };
    let slope_sde = sde(1.0).zip(sde(1.0 + STEP)).map(|(now, then)| slope(now, then));
    let finite = |slope: Option<f64>| slope.filter(|slope| slope.is_finite());
    (!found.is_empty()).then(|| Exponents { actions, slope_sgd: finite(slope_sgd), slope_sde: finite(slope_sde) })
}

/// The mean time by the law of SGD on the same grid at another learning rate.
fn at_another_rate(finished: &Finished, passage: &Passage, learning_rate: f64) -> Option<f64> {
    use fpsolve_solvers::engine::Engine;
    let mut problem: Problem = finished.problem.clone();
    problem.minibatch =
        problem.minibatch.map(|minibatch| fpsolve_solvers::problem::Minibatch { learning_rate, ..minibatch });
    problem.times = vec![0.0];
    let own = finished.options.of::<TransferOperatorOptions>();
    let options = TransferOperatorOptions { stationary: false, rows: Rows::Fitted, ..own.clone() };
    let engine = TransferOperator::new(&problem, options, finished.interrupt).ok()?;
    Some(engine.chain()?.first_passage(passage, finished.interrupt).ok()?.from_value)
}

/// Adds `action_sgd`, `action_sde` (in units of η) and the slopes to `/escape/<name>`.
pub fn add(group: &mut Group, found: &Exponents) {
    let Exponents { actions, slope_sgd, slope_sde } = found;
    let numbers = [
        ("action_sgd", Some(actions.sgd).filter(|s| s.is_finite())),
        ("action_sde", Some(actions.sde).filter(|s| s.is_finite())),
        ("slope_sgd", *slope_sgd),
        ("slope_sde", *slope_sde),
    ];
    for (name, value) in numbers {
        value.into_iter().for_each(|value| group.set(name, Attribute::Float(value)));
    }
    if actions.sgd.is_infinite() {
        group.set("action_reason", Attribute::Text("no sequence of batches leads to the target".into()));
    }
}

/// Ratios of the exponents nearer to 1 than this are not worth the sentence.
const SAME: f64 = 1e-3;

/// The exponents in words, and what follows from their ratio.
pub fn words(group: &Group, learning_rate: Option<f64>) -> Vec<String> {
    let number = |name: &str| float(group, name);
    let Some(sde) = number("action_sde") else { return Vec::new() };
    let Some(sgd) = number("action_sgd") else {
        let never = group.attribute("action_reason").map(|_| {
            format!("  no sequence of batches leads to the target: SGD never escapes, the SDE's time is e^(S/η) with S = {}", short(sde))
        });
        return never.into_iter().collect();
    };
    let mut line =
        format!("  τ ~ e^(S/η) for small η: S = {} for SGD (Cramér), {} for the SDE", short(sgd), short(sde));
    if sde > 0.0 {
        line += &format!(", ratio {}", short(sgd / sde));
    }
    let slopes: Vec<String> = [("slope_sgd", "SGD"), ("slope_sde", "the SDE")]
        .into_iter()
        .filter_map(|(name, of)| Some(format!("{} for {of}", short(number(name)?))))
        .collect();
    if !slopes.is_empty() {
        line += &format!("; slope of ln τ in 1/η here: {}", slopes.join(", "));
    }
    let mut lines = vec![line];
    if (sgd - sde).abs() > SAME * sde {
        let here = learning_rate.map(|rate| format!(", here e^({})", short((sgd - sde) / rate))).unwrap_or_default();
        lines.push(format!(
            "  for escape the SDE's exponent is wrong at low temperature however small η is: τ_SGD/τ_SDE goes as e^((S_SGD − S_SDE)/η){here}"
        ));
    }
    lines
}
