//! The JSON Schema of a scenario: the keys and meanings of [`super::keys`], and the form that the readers take each value in.

use fpsolve_validation::verdict::limit_keys;
use serde_json::{Map, Value, json};

use super::dynamics::importance::SCHEMES;
use super::keys::keys;
use super::{data, initial, model, noise};
use crate::engine;
use crate::reader::Kind;

/// What a value looks like.
#[derive(Clone, Copy)]
enum Form {
    /// A table with the keys that stand below it.
    Table,
    /// A list of such tables.
    Tables,
    /// A table whose names the user chooses, each a table with the keys below `…`.
    Named,
    /// A table whose names the user chooses, each a value of this form.
    Map(&'static Form),
    /// A string.
    Text,
    /// A number.
    Number,
    /// A number > 0.
    Positive,
    /// A number ≥ 0.
    NonNegative,
    /// A whole number from here to there.
    Count(u64, u64),
    /// True or false.
    Flag,
    /// A list of values of this form.
    List(&'static Form),
    /// One of these words.
    Words(&'static [&'static str]),
    /// One of the words of a table of the program.
    Choice(fn() -> Vec<String>),
    /// Numbers from one to another: { from, to, points, spacing }.
    Range,
    /// A value of one of these forms.
    Any(&'static [Form]),
}

use Form::{Any, Choice, Count, Flag, List, Named, NonNegative, Number, Positive, Table, Tables, Text, Words};

const NUMBERS: Form = List(&Number);
const TEXTS: Form = List(&Text);
const PLAIN: Form = Any(&[Number, Text, Flag]);
/// What a key of a sweep runs through: values of any kind, or a range.
const VALUES: Form =
    Any(&[Form::Range, List(&Any(&[PLAIN, List(&Any(&[PLAIN, Form::Map(&PLAIN)])), Form::Map(&PLAIN)]))]);
const WALL: Form = Words(&["reflecting", "absorbing", "periodic"]);
const SCALE: Form = Any(&[Words(&["mean-loss", "max-loss"]), Number]);
const WALKERS: Form = Count(1, 1_000_000_000);

/// The form of each key, but for limits of `[compare]`, which are positive numbers.
const FORMS: &[(&str, Form)] = &[
    ("schema", Count(1, 1)),
    ("name", Text),
    ("description", Text),
    ("seed", Count(0, i64::MAX as u64)),
    ("engines", List(&Choice(|| engine::words().into_iter().map(String::from).collect()))),
    ("model", Table),
    ("model.kind", Choice(|| words(model::MODEL_KINDS))),
    ("model.variables", TEXTS),
    ("model.parameters", Form::Map(&Number)),
    ("model.loss", Text),
    ("model.drift", TEXTS),
    ("model.sample_loss", Text),
    ("model.stride", Count(1, u64::MAX)),
    ("model.learning_rate", Positive),
    ("model.batch_size", Count(1, u64::MAX)),
    ("model.bandwidth", Positive),
    ("model.file", Text),
    ("model.group", Text),
    ("model.centers", NUMBERS),
    ("model.slopes", Any(&[Words(&["shared", "free"]), List(&Count(0, 63))])),
    ("model.amplitudes", Any(&[Words(&["projected"]), NUMBERS])),
    ("model.sample_gradient", Words(&["total", "envelope", "batch"])),
    ("model.data", Table),
    ("model.data.file", Text),
    ("model.data.columns", Form::Map(&Any(&[Text, Count(0, 100_000)]))),
    ("model.data.separator", Choice(separators)),
    ("model.data.standardize", Any(&[Flag, TEXTS])),
    ("model.data.points", Form::Map(&NUMBERS)),
    ("model.data.teacher", Table),
    ("model.data.teacher.inputs", Table),
    ("model.data.teacher.inputs.from", Number),
    ("model.data.teacher.inputs.to", Number),
    ("model.data.teacher.inputs.samples", Count(1, u64::MAX)),
    ("model.data.teacher.inputs.spacing", Words(&["even", "random"])),
    ("model.data.teacher.function", Text),
    ("model.data.teacher.noise_std", NonNegative),
    ("model.data.teacher.outliers", Tables),
    ("model.data.teacher.outliers[…].index", Count(0, u64::MAX)),
    ("model.data.teacher.outliers[…].shift", Number),
    ("noise", Table),
    ("noise.kind", Choice(|| words(noise::NOISE_KINDS))),
    ("noise.interpretation", Words(&["ito", "stratonovich", "haenggi-klimontovich"])),
    ("noise.floor", NonNegative),
    ("noise.weights", Words(&["fixed", "trained"])),
    ("noise.parts", List(&Words(&["intrinsic", "exploration", "mean-gradient"]))),
    ("noise.diffusion", List(&TEXTS)),
    ("noise.variance", NonNegative),
    ("dynamics", Table),
    ("dynamics.learning_rate", Positive),
    ("dynamics.batch_size", Count(1, u64::MAX)),
    ("dynamics.temperature", Positive),
    ("dynamics.order", Count(1, 3)),
    ("dynamics.replacement", Any(&[Flag, Words(&["epoch"])])),
    ("dynamics.importance", Table),
    ("dynamics.importance.scheme", Words(&SCHEMES)),
    ("dynamics.importance.c", Positive),
    ("dynamics.importance.exponent", Number),
    ("dynamics.importance.uniform", NonNegative),
    ("dynamics.importance.clip", Positive),
    ("dynamics.importance.scale", SCALE),
    ("dynamics.importance.reweight", Flag),
    ("grid", Table),
    ("grid.axes", Tables),
    ("grid.axes[…].from", Number),
    ("grid.axes[…].to", Number),
    ("grid.axes[…].cells", Count(2, u64::MAX)),
    ("grid.axes[…].boundary", Any(&[WALL, List(&WALL)])),
    ("grid.axes[…].grading", Any(&[Words(&["auto"]), Table])),
    ("grid.axes[…].grading.center", Number),
    ("grid.axes[…].grading.width", Positive),
    ("grid.axes[…].scale", Words(&["linear", "log", "sinh", "power", "noise"])),
    ("grid.axes[…].center", Number),
    ("grid.axes[…].width", Positive),
    ("grid.axes[…].exponent", Positive),
    ("grid.axes[…].edges", NUMBERS),
    ("grid.bounds", Words(&["auto"])),
    ("grid.cells", List(&Count(2, u64::MAX))),
    ("grid.grading", Words(&["auto"])),
    ("grid.tolerance", Positive),
    ("initial", Table),
    ("initial.kind", Choice(|| words(initial::INITIAL_KINDS))),
    ("initial.mean", NUMBERS),
    ("initial.std", NUMBERS),
    ("initial.covariance", List(&NUMBERS)),
    ("initial.at", NUMBERS),
    ("initial.density", Text),
    ("time", Table),
    ("time.end", Positive),
    ("time.outputs", Count(2, u64::MAX)),
    ("time.spacing", Words(&["linear", "log"])),
    ("time.first", Positive),
    ("time.at", NUMBERS),
    ("fokker_planck", Table),
    ("fokker_planck.discretisation", Choice(|| of_engines("fokker_planck.discretisation", &["auto"]))),
    ("fokker_planck.method", Choice(|| of_engines("fokker_planck.method", &["auto"]))),
    ("fokker_planck.tolerance", Positive),
    ("fokker_planck.stationary", Flag),
    ("fokker_planck.walls", Choice(|| of_engines("fokker_planck.walls", &[]))),
    ("fokker_planck.unresolved", Choice(|| of_engines("fokker_planck.unresolved", &[]))),
    ("fokker_planck.budget", Text),
    ("langevin", Table),
    ("langevin.walkers", WALKERS),
    ("langevin.step", Positive),
    ("langevin.scheme", Choice(|| of_engines("langevin.scheme", &[]))),
    ("langevin.coefficients", Words(&["auto", "exact", "table"])),
    ("langevin.trajectories", Count(0, u64::MAX)),
    ("transfer_operator", Table),
    ("transfer_operator.rows", Choice(|| of_engines("transfer_operator.rows", &[]))),
    ("transfer_operator.stationary", Flag),
    ("sgd", Table),
    ("sgd.walkers", WALKERS),
    ("sgd.optimizer", Table),
    ("sgd.optimizer.kind", Choice(|| of_engines("sgd.optimizer", &[]))),
    ("sgd.optimizer.mu", Number),
    ("sgd.optimizer.rho", Number),
    ("sgd.optimizer.epsilon", Number),
    ("sgd.optimizer.beta1", Number),
    ("sgd.optimizer.beta2", Number),
    ("sgd.optimizer.l", Number),
    ("sgd.trajectories", Count(0, u64::MAX)),
    ("sgd.amplitude_rate", Positive),
    ("analysis", Table),
    ("analysis.eigenpairs", Count(0, 1000)),
    ("analysis.critical_points", Flag),
    ("analysis.merge_tree", Flag),
    ("analysis.decomposition", Words(&["teacher", "estimate"])),
    ("analysis.first_passage", Tables),
    ("analysis.first_passage[…].name", Text),
    ("analysis.first_passage[…].from", NUMBERS),
    ("analysis.first_passage[…].target", Text),
    ("analysis.first_passage[…].avoid", Text),
    ("analysis.first_passage[…].walkers", WALKERS),
    ("analysis.first_passage[…].sgd", Flag),
    ("analysis.first_passage[…].horizon", Positive),
    ("analysis.rare_event", Tables),
    ("analysis.rare_event[…].name", Text),
    ("analysis.rare_event[…].from", NUMBERS),
    ("analysis.rare_event[…].target", Text),
    ("analysis.rare_event[…].score", Text),
    ("analysis.rare_event[…].engine", Words(&["sgd", "langevin"])),
    ("analysis.rare_event[…].replicas", Count(2, 100_000)),
    ("analysis.rare_event[…].repetitions", Count(2, 10_000)),
    ("analysis.quasi_stationary", Tables),
    ("analysis.quasi_stationary[…].name", Text),
    ("analysis.quasi_stationary[…].basin", Text),
    ("analysis.reactions", Tables),
    ("analysis.reactions[…].name", Text),
    ("analysis.reactions[…].from", Text),
    ("analysis.reactions[…].to", Text),
    ("analysis.relaxation", Any(&[Flag, Table])),
    ("analysis.relaxation.mixing", NUMBERS),
    ("analysis.escape_rates", Any(&[Flag, Table])),
    ("analysis.escape_rates.walkers", Count(0, 1_000_000)),
    ("analysis.escape_rates.horizon", Positive),
    ("analysis.sampling_schemes", Table),
    ("analysis.sampling_schemes.from", NUMBERS),
    ("analysis.sampling_schemes.target", Text),
    ("analysis.sampling_schemes.schemes", Tables),
    ("analysis.sampling_schemes.schemes[…].name", Text),
    ("analysis.sampling_schemes.schemes[…].scheme", Words(&SCHEMES)),
    ("analysis.sampling_schemes.schemes[…].c", Positive),
    ("analysis.sampling_schemes.schemes[…].scale", SCALE),
    ("analysis.sampling_schemes.schemes[…].exponent", Number),
    ("analysis.sampling_schemes.schemes[…].uniform", NonNegative),
    ("analysis.sampling_schemes.schemes[…].clip", Positive),
    ("analysis.sampling_schemes.schemes[…].reweight", Flag),
    ("analysis.outliers", Table),
    ("analysis.outliers.at", Any(&[Words(&["minima"]), List(&NUMBERS)])),
    ("analysis.outliers.q", Number),
    ("analysis.outliers.c", Positive),
    ("analysis.outliers.scale", SCALE),
    ("genesis", Table),
    ("genesis.parameter", Text),
    ("genesis.from", Number),
    ("genesis.to", Number),
    ("genesis.leave_one_out", Any(&[Flag, Count(1, u32::MAX as u64)])),
    ("validity", Table),
    ("validity.learning_rate", Any(&[Table, List(&Positive)])),
    ("validity.learning_rate.from", Positive),
    ("validity.learning_rate.to", Positive),
    ("validity.learning_rate.points", Count(1, 64)),
    ("validity.learning_rate.spacing", Words(&["log", "linear"])),
    ("validity.batch_size", List(&Count(1, u32::MAX as u64))),
    ("validity.max_total_variation", Positive),
    ("validity.max_log_ratio", Positive),
    ("validity.every", Flag),
    ("sweep", Table),
    ("sweep.over", Form::Map(&VALUES)),
    ("sweep.zip", Form::Map(&VALUES)),
    ("sweep.collect", TEXTS),
    ("compare", Table),
    ("expect", Named),
    ("expect.….value", Number),
    ("expect.….rtol", NonNegative),
    ("expect.….atol", NonNegative),
    ("output", Table),
    ("output.file", Text),
    ("output.checkpoint", Text),
];

fn words<T>(kinds: &[Kind<T>]) -> Vec<String> {
    kinds.iter().map(|kind| kind.word.to_string()).collect()
}

fn separators() -> Vec<String> {
    let words = data::separator::SEPARATORS.iter().map(|(word, _)| *word);
    words.chain(["\t", " "]).map(String::from).collect()
}

/// The words that a key of an engine's table chooses from, and those that mean a choice by the program.
fn of_engines(path: &str, more: &[&str]) -> Vec<String> {
    let tables = engine::tables();
    let choices = tables.iter().flat_map(|table| table.choices.iter().map(|choice| (table.key, choice)));
    let rows = choices.filter(|(table, (key, _))| format!("{table}.{key}") == path).flat_map(|(_, (_, rows))| rows());
    let mut words: Vec<String> = rows.map(|(word, _)| word).chain(more.iter().map(ToString::to_string)).collect();
    let mut seen = std::collections::HashSet::new();
    words.retain(|word| seen.insert(word.clone()));
    words
}

/// The form of a key; the limits of `[compare]` are positive numbers.
fn form(key: &str) -> Option<Form> {
    let written = FORMS.iter().find(|(path, _)| *path == key).map(|(_, form)| *form);
    let is_limit = || limit_keys().iter().any(|limit| key == format!("compare.{limit}"));
    written.or_else(|| is_limit().then_some(Positive))
}

/// The keys that have no form; a test holds it empty.
pub fn without_form() -> Vec<String> {
    keys().into_iter().map(|(key, _)| key).filter(|key| form(key).is_none()).collect()
}

/// Whether a scenario may have a key at this path (entries of lists by number). Errors: the paths of the keys that may stand there instead.
/// What stands below a key whose value the reader takes apart by itself is left to the reader.
pub fn knows(path: &str) -> Result<(), Vec<String>> {
    let keys: Vec<String> = keys().into_iter().map(|(key, _)| key).collect();
    let has_below = |prefix: &str| keys.iter().any(|key| key.starts_with(&format!("{prefix}.")));
    let (mut here, mut written) = (String::new(), String::new()); // the pattern and what was written for it, with a dot at the end
    for part in path.split('.') {
        let entry = format!("{}[…]", here.trim_end_matches('.'));
        let (named, plain) = (format!("{here}…"), format!("{here}{part}"));
        let next = match () {
            () if part.parse::<usize>().is_ok() && has_below(&entry) => entry,
            () if form(&plain).is_some() || has_below(&plain) => plain,
            () if has_below(&named) => named,
            () if !here.is_empty() && !has_below(here.trim_end_matches('.')) => return Ok(()),
            () => {
                let known = keys.iter().filter_map(|key| Some(format!("{written}{}", key.strip_prefix(&here)?)));
                return Err(known.collect());
            }
        };
        here = format!("{next}.");
        written = format!("{written}{part}.");
    }
    Ok(())
}

/// The JSON Schema (draft 2020-12) of a scenario.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of fpsolve",
        "required": ["model", "dynamics", "grid", "initial", "time"],
    });
    if let (Value::Object(schema), Value::Object(table)) = (&mut schema, table("", &keys())) {
        schema.extend(table);
    }
    schema
}

/// A table whose keys are those that begin with `prefix` and go no deeper.
fn table(prefix: &str, keys: &[(String, String)]) -> Value {
    let below = keys.iter().filter_map(|(key, about)| Some((key, key.strip_prefix(prefix)?, about)));
    let here = below.filter(|(_, name, _)| !name.contains(['.', '[']));
    let property = |(key, name, about): (&String, &str, &String)| (name.to_string(), entry(key, about, keys));
    let properties: Map<String, Value> = here.map(property).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// One key: its form, and its meaning as the description that an editor shows.
fn entry(key: &str, about: &str, keys: &[(String, String)]) -> Value {
    let mut value = form(key).map_or_else(|| json!({}), |form| describe(form, key, keys));
    value["description"] = json!(about);
    value
}

fn describe(form: Form, key: &str, keys: &[(String, String)]) -> Value {
    let inner = |form: &Form| describe(*form, key, keys);
    match form {
        Table => table(&format!("{key}."), keys),
        Tables => json!({ "type": "array", "items": table(&format!("{key}[…]."), keys) }),
        Named => json!({ "type": "object", "additionalProperties": table(&format!("{key}.…."), keys) }),
        Form::Map(form) => json!({ "type": "object", "additionalProperties": inner(form) }),
        Text => json!({ "type": "string" }),
        Number => json!({ "type": "number" }),
        Positive => json!({ "type": "number", "exclusiveMinimum": 0 }),
        NonNegative => json!({ "type": "number", "minimum": 0 }),
        Count(least, u64::MAX) => json!({ "type": "integer", "minimum": least }),
        Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Flag => json!({ "type": "boolean" }),
        List(form) => json!({ "type": "array", "items": inner(form) }),
        Words(words) => json!({ "enum": words }),
        Choice(words) => json!({ "enum": words() }),
        Form::Range => json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["from", "to", "points"],
            "properties": {
                "from": { "type": "number" },
                "to": { "type": "number" },
                "points": { "type": "integer", "minimum": 1 },
                "spacing": { "enum": ["linear", "log"] },
            },
        }),
        Any(forms) => json!({ "anyOf": forms.iter().map(inner).collect::<Vec<_>>() }),
    }
}
