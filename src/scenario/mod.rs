//! The scenario as it was written: one struct per table, positions kept, unknown keys refused.

pub mod data;
pub mod dynamics;
pub mod engines;
pub mod grid;
pub mod initial;
pub mod model;
pub mod names;
pub mod noise;
pub mod prepare;
pub mod time;
pub mod verdicts;

use std::path::{Path, PathBuf};

use crate::analysis::Requests;
use crate::reader::{Located, Source, overrides, table};
use fpsolve_validation::verdict::{Expectation, Limit};
use miette::Result;
use toml::de::DeTable;

pub use engines::EngineKind;
pub use prepare::Prepared;

const KEYS: &[&str] = &[
    "schema",
    "name",
    "description",
    "seed",
    "engines",
    "model",
    "noise",
    "dynamics",
    "grid",
    "initial",
    "time",
    "fokker_planck",
    "langevin",
    "sgd",
    "analysis",
    "compare",
    "expect",
    "output",
];

/// A scenario as it was written.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The text as run, for errors and for the record.
    pub source: Source,
    /// Name; the file's stem by default.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// The one seed.
    pub seed: u64,
    /// Engines, where they are written.
    pub engines: Option<Located<Vec<Located<EngineKind>>>>,
    /// `[model]`.
    pub model: model::Model,
    /// `[noise]`.
    pub noise: noise::Noise,
    /// `[dynamics]`.
    pub dynamics: dynamics::Dynamics,
    /// `[grid]`.
    pub grid: Located<grid::Grid>,
    /// `[initial]`.
    pub initial: initial::Initial,
    /// `[time]`.
    pub time: time::Time,
    /// `[fokker_planck]`.
    pub fokker_planck: engines::FokkerPlanck,
    /// `[langevin]`.
    pub langevin: engines::Langevin,
    /// `[sgd]`.
    pub sgd: engines::Sgd,
    /// `[analysis]`.
    pub analysis: Requests,
    /// `[compare]`.
    pub compare: Vec<Limit>,
    /// `[expect]`.
    pub expect: Vec<Expectation>,
    /// `[output] file`.
    pub output: Option<Located<String>>,
}

impl Scenario {
    /// Reads a scenario file and applies `overrides` (`key.path=value`). Errors point at file, line and column.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        let mut source = Source::read(path)?;
        source.text = overrides::apply(&source.text, overrides)?;
        source.overrides = overrides.to_vec();
        Self::parse(source)
    }

    /// The scenario in a text. Errors as for [`Scenario::load`].
    pub fn parse(source: Source) -> Result<Self> {
        let document = DeTable::parse(&source.text).map_err(|error| syntax_error(&source, &error))?;
        let root = table::Table::root(&source, &document, KEYS)?;
        root.or("schema", 1, "1", |value| Ok(value.count(1..=1)?.value))?;
        let stem = source.path.file_stem().map_or("scenario".into(), |stem| stem.to_string_lossy().into_owned());
        let name = root.or("name", stem.clone(), &format!("\"{stem}\""), read_name)?;
        let description = root.optional("description", |v| Ok(v.string()?.value))?.unwrap_or_default();
        let seed = root.or("seed", 0, "0", |v| Ok(v.count(0..=i64::MAX as u64)?.value))?;
        let engines = engines::read_engines(&root)?;
        let model = model::read(&root)?;
        let scenario = Self {
            noise: noise::read(&root, model.data.is_some())?,
            dynamics: dynamics::read(&root)?,
            grid: grid::read(&root)?,
            initial: initial::read(&root)?,
            time: time::read(&root)?,
            fokker_planck: engines::read_fokker_planck(&root)?,
            langevin: engines::read_langevin(&root)?,
            sgd: engines::read_sgd(&root)?,
            analysis: Requests::read(&root)?,
            compare: verdicts::read_compare(&root)?,
            expect: verdicts::read_expect(&root)?,
            output: verdicts::read_output(&root)?,
            source: source.clone(),
            name,
            description,
            seed,
            engines,
            model,
        };
        Ok(scenario)
    }

    /// File name of the record: `[output] file`, or NAME.h5.
    pub fn output_file(&self) -> PathBuf {
        match &self.output {
            Some(file) => PathBuf::from(&file.value),
            None => PathBuf::from(format!("{}.h5", self.name)),
        }
    }

    /// The engines that run: those written, else all that the model allows (sgd needs samples and a learning rate).
    /// Errors: `sgd` asked of a model without samples, or without a learning rate.
    pub fn engines_to_run(&self) -> Result<Vec<EngineKind>> {
        let has_samples = self.model.data.is_some();
        let has_rate = matches!(self.dynamics.drive, dynamics::Drive::Steps { .. });
        let Some(written) = &self.engines else {
            let sgd = has_samples && has_rate;
            return Ok(EngineKind::DEFAULT.into_iter().filter(|&engine| sgd || !engine.descends()).collect());
        };
        if let Some(sgd) = written.value.iter().find(|engine| engine.value.descends()) {
            let word = sgd.value.word();
            if !has_samples {
                let help = format!(
                    "remove \"{word}\" from `engines`, or use kind = \"sample-loss\" or \"tanh-regression\" with [model.data]"
                );
                let message = format!("the engine \"{word}\" needs a model with samples, and this model has none");
                return Err(self.source.error(&sgd.span, message, "no samples to draw batches from", help));
            }
            if !has_rate {
                let help = "write learning_rate and batch_size in [dynamics] instead of temperature";
                let message =
                    format!("the engine \"{word}\" needs a learning rate, and [dynamics] gives only the temperature");
                return Err(self.source.error(&sgd.span, message, "no learning rate", help));
            }
        }
        let mut engines: Vec<EngineKind> = written.value.iter().map(|engine| engine.value).collect();
        engines.sort();
        Ok(engines)
    }

    /// Number of dimensions of θ.
    pub fn dimension(&self) -> usize {
        self.model.variables.value.len()
    }
}

fn read_name(value: &table::Value) -> Result<String> {
    let name = value.string()?.value;
    if verdicts::is_bare_name(&name) {
        return Ok(name);
    }
    let help = "the name becomes part of file names: use a short word such as \"transient\"";
    Err(value.error(format!("\"{name}\" cannot be the name of a scenario"), "not a name", help))
}

fn syntax_error(source: &Source, error: &toml::de::Error) -> miette::Report {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().lines().next().unwrap_or("not valid TOML").to_string();
    let help = match message.contains("duplicate") {
        true => "write each key and each table once",
        false => "strings need quotes, lists [ … ], tables { … } on one line or a [header]; see https://toml.io",
    };
    source.error(&span, format!("this is not valid TOML: {message}"), "here", help)
}
