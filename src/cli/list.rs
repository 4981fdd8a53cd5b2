//! `fpsolve list`: what a scenario can choose from, read from the tables that the program itself uses.

use fpsolve_solvers::fokker_planck::SpaceMethod;
use fpsolve_solvers::fokker_planck::integrator::METHODS;
use fpsolve_solvers::langevin::scheme;
use fpsolve_solvers::sgd::optimizer;
use fpsolve_validation::metric::METRICS;

use crate::analysis::ANALYSES;
use crate::error::{Failure, Outcome};
use crate::figure::FIGURES;
use crate::reader::table::Kinds;
use crate::scenario::{EngineKind, initial, model, noise};

/// Arguments of `fpsolve list`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the tables.
pub fn run(_args: &Args) -> Result<Outcome, Failure> {
    let mut text = String::new();
    let mut section = |title: &str, rows: Vec<(String, String)>| {
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        text += &format!("{title}\n");
        for (name, about) in rows {
            text += format!("  {name:width$}  {about}").trim_end();
            text += "\n";
        }
        text += "\n";
    };
    section("engines", EngineKind::ALL.iter().map(|e| row(e.word(), e.about())).collect());
    section("model.kind", kinds(model::KINDS));
    section("noise.kind", kinds(noise::KINDS));
    section("initial.kind", kinds(initial::KINDS));
    let spaces = SpaceMethod::ALL.iter().map(|&(_, word, about)| row(word, about)).collect();
    section("fokker_planck.discretisation", spaces);
    section("fokker_planck.method", METHODS.iter().map(method).collect());
    section("langevin.scheme", scheme::TABLE.iter().map(scheme_row).collect());
    section("sgd.optimizer", optimizer::TABLE.iter().map(optimizer_row).collect());
    section("analysis.…", ANALYSES.iter().filter_map(|entry| Some(row(entry.key?, entry.about))).collect());
    section("compare.max_…", METRICS.iter().map(|metric| row(metric.name, metric.definition)).collect());
    section("pictures", FIGURES.iter().map(|figure| row(figure.name, figure.about)).collect());
    super::print(&(text.trim_end().to_string() + "\n"));
    Ok(Outcome::Done)
}

/// Each kind with the keys that only it has.
fn kinds(kinds: Kinds) -> Vec<(String, String)> {
    let keys = |keys: &[&str]| if keys.is_empty() { String::new() } else { format!("keys {}", keys.join(", ")) };
    kinds.iter().map(|(kind, own)| row(*kind, keys(own))).collect()
}

fn row(name: impl Into<String>, about: impl Into<String>) -> (String, String) {
    (name.into(), about.into())
}

fn method(method: &fpsolve_solvers::fokker_planck::integrator::Method) -> (String, String) {
    let order = method.order.map_or(String::new(), |order| format!("; order {order}"));
    let positive = if method.positive { "; never negative" } else { "" };
    row(method.name, format!("{}{order}{positive}; {}", method.about, method.reference))
}

fn scheme_row(scheme: &scheme::Entry) -> (String, String) {
    let orders = format!("weak order {}, strong order {}", scheme.weak_order, scheme.strong_order);
    let needs =
        if matches!(scheme.requirements, "" | "none") { String::new() } else { format!("; {}", scheme.requirements) };
    row(scheme.name, format!("{orders}{needs}; {}", scheme.reference))
}

fn optimizer_row(optimizer: &optimizer::Entry) -> (String, String) {
    let key = |parameter: &optimizer::Parameter| format!("{} = {}", parameter.name, parameter.default);
    let keys: Vec<String> = optimizer.parameters.iter().map(key).collect();
    let keys = if keys.is_empty() { String::new() } else { format!("{}; ", keys.join(", ")) };
    row(optimizer.name, format!("{keys}{}; {}", optimizer.formula, optimizer.reference))
}
