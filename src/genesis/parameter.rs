//! What `genesis.parameter` names: the weight of a sample, or a number of the scenario that the loss depends on.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::landscape::genesis::{Family, SampleWeight};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::data::Data;
use miette::Result;
use toml_edit::{DocumentMut, Item, Value};

use crate::reader::{Located, overrides};
use crate::scenario::genesis::EXAMPLE;
use crate::scenario::{Prepared, Scenario};
use crate::text::nearest;

/// What the weight of a sample is called, before its number; what the noise of a teacher is, and its key.
const WEIGHT: &str = "data.weight.";
const NOISE: (&str, &str) = ("data.noise", "model.data.teacher.noise_std");
/// Beginnings of the keys that the loss depends on.
const OF_LOSS: [&str; 2] = ["model.", "dynamics.importance."];
/// Most numbers that are named where none was meant.
const NAMED: usize = 12;

/// A parameter and its family of losses.
pub struct Parameter {
    /// Its name, as written.
    pub name: String,
    /// Its value in the scenario.
    pub value: f64,
    /// Its range, where the scenario gives none.
    pub usual: Option<[f64; 2]>,
    /// The losses.
    pub family: Box<dyn Family>,
}

/// The parameter of this name. Errors: no number of the scenario, with the nearest; a sample that is not there; a model without samples.
pub fn find(scenario: &Scenario, prepared: &Prepared, written: &Located<String>) -> Result<Parameter> {
    let name = written.value.clone();
    if let Some(number) = name.strip_prefix(WEIGHT) {
        let sample = sample(scenario, prepared, written, number)?;
        let family = Box::new(SampleWeight { model: Arc::clone(&prepared.model), sample });
        return Ok(Parameter { name, value: 1.0, usual: Some([0.0, 1.0]), family });
    }
    let key = if name == NOISE.0 { NOISE.1.to_string() } else { name.clone() };
    let numbers = numbers(&scenario.source.text);
    let Some((_, value)) = numbers.iter().find(|(known, _)| *known == key) else {
        return Err(unknown(scenario, written, &numbers));
    };
    let data = if key.starts_with("model.data.") { None } else { prepared.data.clone() };
    let family = KeyFamily { scenario: scenario.clone(), key, data };
    Ok(Parameter { name, value: *value, usual: None, family: Box::new(family) })
}

/// The number of a sample. Errors: none, or beyond the data; importance sampling besides.
fn sample(scenario: &Scenario, prepared: &Prepared, written: &Located<String>, number: &str) -> Result<usize> {
    let refuse = |message: String, label: &str, help: &str| scenario.source.error(&written.span, message, label, help);
    weighable(scenario, prepared, written)?;
    let samples = prepared.model.sample_count();
    match number.parse::<usize>() {
        Ok(sample) if sample < samples => Ok(sample),
        Ok(sample) => {
            let help = format!("samples count from 0 to {}", samples - 1);
            Err(refuse(format!("there is no sample {sample}: the data have {samples}"), "beyond the data", &help))
        }
        Err(_) => Err(refuse(format!("`{number}` is no number of a sample"), "no number", "write \"data.weight.5\"")),
    }
}

/// Errors: samples without weights that could be changed: none, their losses not known, drawn by importance.
pub fn weighable<T>(scenario: &Scenario, prepared: &Prepared, written: &Located<T>) -> Result<()> {
    let refuse = |message: &str, help: &str| scenario.source.error(&written.span, message, "no weights here", help);
    if !prepared.model.data().is_some_and(|data| data.has_losses()) {
        let help = "take kind = \"sample-loss\" or \"tanh-regression\" with [model.data], or a parameter of the model";
        return Err(refuse("the weight of a sample needs a model whose samples and their losses are known", help));
    }
    if scenario.dynamics.importance.is_some() {
        let help = "leave `dynamics.importance` out, or take \"dynamics.importance.c\" as the parameter";
        return Err(refuse("samples that are drawn by importance have no weights of their own", help));
    }
    Ok(())
}

fn unknown(scenario: &Scenario, written: &Located<String>, numbers: &[(String, f64)]) -> miette::Report {
    let mut known: Vec<&str> = numbers.iter().map(|(key, _)| key.as_str()).collect();
    known.extend(["data.weight.0", NOISE.0]);
    let near = nearest(&written.value, &known).map_or(String::new(), |near| format!("did you mean `{near}`?\n"));
    let mut list: Vec<&str> = numbers.iter().map(|(key, _)| key.as_str()).take(NAMED).collect();
    if numbers.len() > NAMED {
        list.push("…");
    }
    let list = if list.is_empty() { "none".to_string() } else { list.join(", ") };
    let help =
        format!("{near}numbers of this scenario that its loss depends on: {list}; \"data.weight.K\" with samples");
    let message = format!("the loss has no parameter `{}`", written.value);
    scenario.source.error(&written.span, message, "unknown", help)
}

/// The numbers of a scenario that its loss may depend on, with their paths.
fn numbers(text: &str) -> Vec<(String, f64)> {
    let Ok(document) = text.parse::<DocumentMut>() else { return Vec::new() };
    let mut all = Vec::new();
    walk(document.as_item(), String::new(), &mut all);
    all.retain(|(key, _)| OF_LOSS.iter().any(|beginning| key.starts_with(beginning)));
    all
}

fn walk(item: &Item, path: String, all: &mut Vec<(String, f64)>) {
    let below = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
    if let Some(table) = item.as_table_like() {
        table.iter().for_each(|(key, item)| walk(item, below(key), all));
    } else if let Some(tables) = item.as_array_of_tables() {
        tables.iter().enumerate().for_each(|(k, table)| walk(&Item::Table(table.clone()), below(&k.to_string()), all));
    } else if let Some(list) = item.as_array() {
        let entries = list.iter().enumerate();
        entries.for_each(|(k, value)| walk(&Item::Value(value.clone()), below(&k.to_string()), all));
    } else if let Some(number) = item.as_value().and_then(number) {
        all.push((path, number));
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|n| n as f64))
}

/// The scenario's loss with another number at a key.
struct KeyFamily {
    scenario: Scenario,
    key: String,
    /// The data, where they do not depend on the key.
    data: Option<Arc<Data>>,
}

impl KeyFamily {
    /// The model of the data, and the one that is descended.
    fn models(&self, value: f64) -> Result<[Arc<dyn Model>; 2]> {
        let text = overrides::apply(&self.scenario.source.text, &[format!("{}={value:?}", self.key)])?;
        let mut source = self.scenario.source.anew();
        source.text = text;
        let scenario = Scenario::parse(source)?;
        let data = match &self.data {
            Some(data) => Some(Arc::clone(data)),
            None => scenario.samples()?,
        };
        scenario.models(&scenario.given(data.as_deref(), &scenario.engines_to_run()?))
    }
}

impl Family for KeyFamily {
    fn at(&self, value: f64) -> Result<Arc<dyn Model>, Error> {
        let [_, sampled] = self.models(value).map_err(|report| {
            let help = report.help().map_or(EXAMPLE.to_string(), |help| help.to_string());
            Error::invalid(format!("at {} = {value}: {report}", self.key), help)
        })?;
        Ok(sampled)
    }

    fn fitted(&self, value: f64, theta: &[f64], inputs: &[f64]) -> Option<Vec<f64>> {
        let [plain, _] = self.models(value).ok()?;
        plain.regression()?.fitted(theta, inputs)
    }
}
