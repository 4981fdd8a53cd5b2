//! A scenario of networks as it was written: `[network]`, `[training]`, `[importance]`, `[runs]`, `[[slice]]`, `[structure]`.

mod architecture;
mod data;
mod importance;
mod slice;
mod structure;
mod training;

use std::path::{Path, PathBuf};

use fpsolve::reader::{Source, Table, overrides};
use fpsolve::scenario::{expect, output};
use fpsolve_validation::verdict::Expectation;
use miette::Result;
use toml::de::DeTable;

pub use data::{Augment, Data, Origin};
pub use importance::{Importance, Refresh, Rule};
pub use slice::{Directions, Norm, RunName, Slice, SliceAxis};
pub use structure::Structure;
pub use training::{DeviceKind, Order, Rate, Training};

use crate::network::Architecture;

const KEYS: &[&str] = &[
    "schema",
    "name",
    "description",
    "seed",
    "network",
    "training",
    "importance",
    "runs",
    "slice",
    "structure",
    "expect",
    "output",
];

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The text as run.
    pub source: Source,
    /// Name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Seed of the data: the subset, the planted labels.
    pub seed: u64,
    /// `[network]`.
    pub architecture: Architecture,
    /// `[network.data]`.
    pub data: Data,
    /// `[training]`.
    pub training: Training,
    /// `[importance]`.
    pub importance: Importance,
    /// `[runs]`: seeds of initial parameters and of what is drawn.
    pub seeds: Vec<u64>,
    /// `[[slice]]`.
    pub slices: Vec<Slice>,
    /// `[structure]`.
    pub structure: Option<Structure>,
    /// `[expect]`.
    pub expect: Vec<Expectation>,
    /// `[output]`.
    output: output::Output,
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
        let document =
            DeTable::parse(&source.text).map_err(|error| fpsolve::scenario::syntax_error(&source, &error))?;
        let root = Table::root(&source, &document, KEYS)?;
        if root.get("network").is_none() && root.get("model").is_some() {
            let help = "run it with `fpsolve scenario`, or give a scenario with a [network]";
            return Err(source.error(&root.span(), "this scenario has a [model], not a [network]", "", help));
        }
        root.or("schema", 1, "1", |value| Ok(value.count(1..=1)?.value))?;
        let stem = source.path.file_stem().map_or("network".into(), |stem| stem.to_string_lossy().into_owned());
        let name = root.or("name", stem.clone(), &stem, fpsolve::scenario::read_name)?;
        let network =
            root.require("network", "write [network] with kind = \"cnn\", \"alexnet\", \"resnet\" or \"linear\"")?;
        let network = network.open_table()?;
        let importance = importance::read(&root)?;
        let seeds = runs(&root)?;
        let scenario = Self {
            name,
            description: root.optional("description", |v| Ok(v.string()?.value))?.unwrap_or_default(),
            seed: root.or("seed", 0, "0", |v| Ok(v.count(0..=i64::MAX as u64)?.value))?,
            architecture: architecture::read(&network)?,
            data: data::read(&network)?,
            training: training::read(&root)?,
            slices: slice::read(&root, &importance, &seeds)?,
            structure: structure::read(&root)?,
            importance,
            seeds,
            expect: expect::read(&root)?,
            output: output::read(&root)?,
            source: source.clone(),
        };
        if let Some(structure) = &scenario.structure {
            structure.check(&scenario)?;
        }
        Ok(scenario)
    }

    /// Whether the scenario in a text trains the same runs: it may cut other slices of them, and expect other things.
    pub fn trains_as(&self, text: &str) -> bool {
        let trained = |text: &str| {
            let mut table: toml::Table = text.parse().ok()?;
            table.retain(|key, _| !["description", "slice", "structure", "expect", "output"].contains(&key));
            Some(table)
        };
        trained(text).is_some_and(|other| Some(other) == trained(&self.source.text))
    }

    /// File name of the record: `[output] file`, or NAME.h5.
    pub fn output_file(&self) -> PathBuf {
        match &self.output.file {
            Some(file) => PathBuf::from(&file.value),
            None => PathBuf::from(format!("{}.h5", self.name)),
        }
    }
}

/// Reads `[runs]`. Errors: no seed, one twice.
fn runs(root: &Table) -> Result<Vec<u64>> {
    let table = root.table("runs", &["seeds"])?;
    let Some(value) = table.get("seeds") else { return Ok(vec![1]) };
    let seeds: Vec<u64> =
        value.list()?.iter().map(|v| Ok(v.count(0..=u64::from(u32::MAX))?.value)).collect::<Result<_>>()?;
    let twice = seeds.iter().enumerate().find(|(k, seed)| seeds[..*k].contains(seed));
    if seeds.is_empty() || twice.is_some() {
        let message =
            twice.map_or("`runs.seeds` has no seed".into(), |(_, seed)| format!("`runs.seeds` has {seed} twice"));
        return Err(value.error(message, "seeds", "write different whole numbers, for example seeds = [1, 2, 3]"));
    }
    Ok(seeds)
}
