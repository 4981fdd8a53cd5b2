//! A case of a sweep: its scenario, its record, which is named by its content, and what is collected from it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use miette::Result;
use sha2::{Digest, Sha256};
use toml_edit::DocumentMut;

use super::plan::Plan;
use crate::error::{Failure, Outcome};
use crate::reader::Source;
use crate::record::hdf5;
use crate::record::lookup::{beside, lookup};
use crate::record::read::{column, find, text};
use crate::record::{Record, Values};
use crate::run::Status;
use crate::run::reached::data_hash;
use crate::scenario::Scenario;

/// A case whose scenario was read.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its number.
    pub number: usize,
    /// The file of its record.
    pub file: PathBuf,
    /// The overrides that make it.
    pub settings: Vec<String>,
}

/// How a case ended and what it gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Exit code, as of `fpsolve scenario`.
    pub outcome: Outcome,
    /// Why, where it is not done.
    pub remark: String,
    /// The collected numbers, each with its standard error and its error by the grid; NaN where the record has none.
    pub numbers: Vec<[f64; 3]>,
    /// Temperature, learning rate and batch size; NaN where there is none.
    pub drive: [f64; 3],
}

impl Answer {
    /// A case without a record.
    pub fn refused(failure: &Failure, plan: &Plan) -> Self {
        let help = failure.report.help().map(|help| format!(": {help}")).unwrap_or_default();
        let remark = format!("{}{help}", failure.report).lines().next().unwrap_or_default().to_string();
        Self::without_record(failure.outcome, remark, plan)
    }

    /// A case without a record: how it ended, and why.
    pub fn without_record(outcome: Outcome, remark: String, plan: &Plan) -> Self {
        Self { outcome, remark, numbers: vec![[f64::NAN; 3]; plan.collect.len()], drive: [f64::NAN; 3] }
    }

    /// Whether its numbers are those of a run that came to its end.
    pub fn is_complete(&self) -> bool {
        match self.outcome {
            Outcome::Done | Outcome::VerdictFailed => true,
            Outcome::RunFailed | Outcome::BadInput | Outcome::TooLarge | Outcome::Interrupted => false,
        }
    }

    /// How it ended, in a word.
    pub fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Done => "done",
            Outcome::VerdictFailed => "done",
            Outcome::RunFailed => "failed",
            Outcome::BadInput => "refused",
            Outcome::TooLarge => "too large",
            Outcome::Interrupted => "interrupted",
        }
    }

    /// What the record of a case says; None for one that is not finished.
    pub fn of_record(record: &Record, plan: &Plan) -> Option<Self> {
        let status = text(record, "status")?;
        if status == Status::Interrupted.word() {
            return None;
        }
        let failed = status == Status::Failed.word();
        let verdicts = record.group("comparison/verdicts");
        let passed =
            verdicts.and_then(|group| column(group, "passed")).is_none_or(|passed| passed.iter().all(|p| *p != 0.0));
        let (outcome, remark) = match (failed, passed) {
            (true, _) => (Outcome::RunFailed, engine_failures(record)),
            (false, false) => (Outcome::VerdictFailed, verdicts.map(failed_verdicts).unwrap_or_default()),
            (false, true) => (Outcome::Done, String::new()),
        };
        let number = |path: &str| lookup(record, path).unwrap_or(f64::NAN);
        let one =
            |path: &str| [number(path), number(&beside(record, path, "_se")), number(&beside(record, path, "_error"))];
        let numbers: Vec<[f64; 3]> = plan.collect.iter().map(|collected| one(&collected.path)).collect();
        let missing = plan.collect.iter().filter_map(|collected| lookup(record, &collected.path).err());
        let remark = if remark.is_empty() { missing.collect::<Vec<_>>().join("; ") } else { remark };
        let drive = ["temperature", "learning_rate", "batch_size"].map(number);
        Some(Self { outcome, remark, numbers, drive })
    }
}

/// Why engines failed, from `/engines`.
fn engine_failures(record: &Record) -> String {
    let rows = record.group("engines").and_then(|group| find(group, "failure"));
    match rows.map(|rows| &rows.values) {
        Some(Values::Text(rows)) => rows.iter().filter(|row| !row.is_empty()).cloned().collect::<Vec<_>>().join("; "),
        _ => String::new(),
    }
}

fn failed_verdicts(verdicts: &crate::record::Group) -> String {
    let passed = column(verdicts, "passed").unwrap_or_default();
    match find(verdicts, "name").map(|names| &names.values) {
        Some(Values::Text(names)) => {
            let failed: Vec<&str> = names
                .iter()
                .zip(&passed)
                .filter(|(_, passed)| **passed == 0.0)
                .map(|(name, _)| name.as_str())
                .collect();
            format!("verdict failed: {}", failed.join(", "))
        }
        _ => String::new(),
    }
}

/// The scenarios of the cases, all from one text.
pub struct Cases {
    base: Source,
    set: Vec<String>,
    hashes: std::sync::Mutex<HashMap<PathBuf, String>>,
}

impl Cases {
    /// Of a scenario as it is written, with the overrides that hold for every case. The table `[sweep]` is no part of a case: more values give no case another name.
    pub fn of(source: &Source) -> Self {
        let mut base = source.anew();
        if let Ok(mut document) = base.text.parse::<DocumentMut>() {
            document.remove("sweep");
            base.text = document.to_string();
        }
        let set = std::mem::take(&mut base.overrides);
        Self { base, set, hashes: Default::default() }
    }

    /// The scenario as it is written, with the overrides that hold for every case.
    pub fn source(&self) -> Source {
        let mut source = self.base.anew();
        source.overrides.clone_from(&self.set);
        source
    }

    /// The scenario of a case with these overrides. Errors: those of [`Scenario::load`].
    pub fn scenario(&self, settings: &[String]) -> Result<Scenario> {
        let set = [&self.set, settings].concat();
        Scenario::of_source(self.base.anew(), &set, &self.base.data_folders)
    }

    /// A case with the file of its record in `folder`: named by the scenario as run, its data and the program. Errors: a scenario that is
    /// refused.
    pub fn case(&self, plan: &Plan, number: usize, folder: &Path) -> Result<Case, Failure> {
        let settings = plan.settings(number);
        let scenario = self.scenario(&settings)?;
        let mut hash = Sha256::new();
        let data = self.data(&scenario)?;
        for part in [env!("CARGO_PKG_VERSION"), env!("FPSOLVE_COMMIT"), &scenario.source.text, &data] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let digits: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Ok(Case { number, file: folder.join(format!("{digits}.h5")), settings })
    }

    /// SHA-256 of the data file of a scenario, read once; empty without one.
    fn data(&self, scenario: &Scenario) -> Result<String> {
        let Some(path) = scenario.data_file()? else { return Ok(String::new()) };
        let mut known = self.hashes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(hash) = known.get(&path) {
            return Ok(hash.clone());
        }
        let hash = data_hash(scenario)?.map(|(_, hash)| hash).unwrap_or_default();
        known.insert(path, hash.clone());
        Ok(hash)
    }
}

/// The record of a case, where it is there and can be read.
pub fn earlier(case: &Case) -> Option<Record> {
    case.file.exists().then(|| hdf5::read(&case.file).ok()).flatten()
}
