//! The scenario as it was written: one struct per table, positions kept, unknown keys refused.

pub mod cells;
pub mod compare;
pub mod data;
pub mod dynamics;
pub mod engines;
pub mod expect;
pub mod genesis;
pub mod grid;
pub mod initial;
pub mod keys;
pub mod model;
pub mod names;
pub mod noise;
pub mod output;
pub mod per_variable;
pub mod prepare;
pub mod schema;
pub mod sweep;
pub mod time;
pub mod validity;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::analysis::Requests;
use crate::engine::{self, EngineEntry};
use fpsolve_validation::verdict::{Expectation, Limit};
use miette::Result;
use toml::de::DeTable;

use crate::reader::{Located, Source, Table, Value, overrides};

pub use prepare::Prepared;

const KEYS: &[&str] =
    &["schema", "name", "description", "seed", "engines", "model", "noise", "dynamics", "grid", "initial", "time"];
const KEYS_OF_RESULTS: &[&str] = &["analysis", "genesis", "validity", "sweep", "compare", "expect", "output"];

/// The keys of a scenario: its own, and the tables of the engines.
fn keys() -> Vec<&'static str> {
    let tables: Vec<&str> = engine::tables().iter().map(|table| table.key).collect();
    [KEYS, &tables, KEYS_OF_RESULTS].concat()
}

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
    pub engines: Option<Located<Vec<Located<&'static EngineEntry>>>>,
    /// `[model]`.
    pub model: model::Model,
    /// `[noise]`.
    pub noise: noise::Noise,
    /// `[dynamics]`.
    pub dynamics: dynamics::Dynamics,
    /// `[grid]`.
    pub grid: Located<grid::Grid>,
    /// Most cells that a grid may have which the program refines: what memory allows, once it is known.
    pub most_cells: OnceLock<f64>,
    /// `[initial]`.
    pub initial: Arc<dyn initial::InitialKind>,
    /// `[time]`.
    pub time: time::Time,
    /// The tables of the engines.
    pub options: engine::Options,
    /// `[analysis]`.
    pub analysis: Requests,
    /// `[genesis]`.
    pub genesis: Option<genesis::Genesis>,
    /// `[validity]`.
    pub validity: Option<validity::Validity>,
    /// `[sweep]`.
    pub sweep: Option<sweep::Sweep>,
    /// `[compare]`.
    pub compare: Vec<Limit>,
    /// `[expect]`.
    pub expect: Vec<Expectation>,
    /// `[output]`.
    pub output: output::Output,
}

impl Scenario {
    /// Reads a scenario file and applies `overrides` (`key.path=value`). Errors point at file, line and column.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        Self::load_with_data(path, overrides, &[])
    }

    /// [`Scenario::load`] with its errors, and folders in which data files may lie beside that of the scenario.
    pub fn load_with_data(path: &Path, overrides: &[String], data_folders: &[PathBuf]) -> Result<Self> {
        Self::of_source(Source::read(path)?, overrides, data_folders)
    }

    /// [`Scenario::load_with_data`] of a text that is there.
    pub fn of_source(mut source: Source, overrides: &[String], data_folders: &[PathBuf]) -> Result<Self> {
        source.data_folders = data_folders.to_vec();
        source.text = overrides::apply(&source.text, overrides)?;
        source.overrides = overrides.to_vec();
        Self::parse(source)
    }

    /// The scenario in a text. Errors as for [`Scenario::load`].
    pub fn parse(source: Source) -> Result<Self> {
        let document = DeTable::parse(&source.text).map_err(|error| syntax_error(&source, &error))?;
        let root = Table::root(&source, &document, &keys())?;
        root.or("schema", 1, "1", |value| Ok(value.count(1..=1)?.value))?;
        let stem = source.path.file_stem().map_or("scenario".into(), |stem| stem.to_string_lossy().into_owned());
        let name = root.or("name", stem.clone(), &format!("\"{stem}\""), read_name)?;
        let description = root.optional("description", |v| Ok(v.string()?.value))?.unwrap_or_default();
        let seed = root.or("seed", 0, "0", |v| Ok(v.count(0..=i64::MAX as u64)?.value))?;
        let engines = engines::read(&root)?;
        let model = model::read(&root)?;
        let scenario = Self {
            noise: noise::read(&root, model.brings())?,
            dynamics: dynamics::read(&root)?,
            grid: grid::read(&root)?,
            most_cells: OnceLock::new(),
            initial: initial::read(&root)?,
            time: time::read(&root)?,
            options: engine::Options::read(&root, &engine::tables())?,
            analysis: Requests::read(&root)?,
            genesis: genesis::read(&root)?,
            validity: validity::read(&root)?,
            sweep: sweep::read(&root)?,
            compare: compare::read(&root)?,
            expect: expect::read(&root)?,
            output: output::read(&root)?,
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
        match &self.output.file {
            Some(file) => PathBuf::from(&file.value),
            None => PathBuf::from(format!("{}.h5", self.name)),
        }
    }

    /// The file with the data, where there is one. Errors: one that may not be read, or is not there.
    pub fn data_file(&self) -> Result<Option<PathBuf>> {
        if let Some(file) = self.model.kind.file() {
            return data::load::path(&self.source, file, &["model", "file"]).map(Some);
        }
        match self.model.data.as_ref().map(|data| &data.value.origin) {
            Some(data::Origin::File(written)) => {
                data::load::path(&self.source, &written.file, &["model", "data", "file"]).map(Some)
            }
            Some(data::Origin::Points(_) | data::Origin::Teacher(_)) | None => Ok(None),
        }
    }

    /// Number of dimensions of θ.
    pub fn dimension(&self) -> usize {
        self.model.dimension()
    }
}

/// The name of a scenario, which becomes part of file names. Errors: no bare name.
pub fn read_name(value: &Value) -> Result<String> {
    let name = value.string()?.value;
    if output::is_bare_name(&name) {
        return Ok(name);
    }
    let help = "the name becomes part of file names: use a short word such as \"transient\"";
    Err(value.error(format!("\"{name}\" cannot be the name of a scenario"), "not a name", help))
}

/// The error for a text that is not TOML, at its place.
pub fn syntax_error(source: &Source, error: &toml::de::Error) -> miette::Report {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().lines().next().unwrap_or("not valid TOML").to_string();
    let help = match message.contains("duplicate") {
        true => "write each key and each table once",
        false => "strings need quotes, lists [ … ], tables { … } on one line or a [header]; see https://toml.io",
    };
    source.error(&span, format!("this is not valid TOML: {message}"), "here", help)
}

#[cfg(test)]
mod tests {
    use crate::reader::Kind;

    /// Errors: two kinds of one word, or a key that all kinds read already.
    fn check<T>(table: &str, kinds: &[Kind<T>], common: &[&str]) {
        for (i, kind) in kinds.iter().enumerate() {
            assert!(kinds[..i].iter().all(|other| other.word != kind.word), "{table}: {} twice", kind.word);
            assert!(kind.keys.iter().all(|key| !common.contains(key)), "{table}: keys of {}", kind.word);
        }
    }

    #[test]
    fn kinds_have_words_and_keys_of_their_own() {
        check("model", super::model::MODEL_KINDS, super::model::COMMON);
        check("noise", super::noise::NOISE_KINDS, super::noise::COMMON);
        check("initial", super::initial::INITIAL_KINDS, &[]);
    }
}
