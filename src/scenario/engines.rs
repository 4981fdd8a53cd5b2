//! `engines`: which engines run.

use miette::{Report, Result};

use super::Scenario;
use super::dynamics::Drive;
use crate::engine::{self, ENGINES, EngineEntry, Need};
use crate::reader::source::Located;
use crate::reader::table::Table;

/// Reads `engines`; None where it is not written. Errors: an unknown word, an engine named twice, an empty list.
pub fn read(root: &Table) -> Result<Option<Located<Vec<Located<&'static EngineEntry>>>>> {
    let Some(value) = root.get("engines") else { return Ok(None) };
    let words: Vec<_> = ENGINES.iter().map(|engine| (engine.word, *engine)).collect();
    let mut engines: Vec<Located<&'static EngineEntry>> = Vec::new();
    for entry in value.list()? {
        let found = entry.choice(&words)?;
        if engines.iter().any(|engine| engine.value.word == found.value.word) {
            let message = format!("the engine \"{}\" is named twice", found.value.word);
            return Err(entry.error(message, "second time", "name each engine once"));
        }
        engines.push(found);
    }
    if engines.is_empty() {
        let help = format!("name at least one of {}", engine::words().join(", "));
        return Err(value.error("`engines` is empty", "nothing to run", help));
    }
    Ok(Some(Located { value: engines, span: value.span() }))
}

impl Scenario {
    /// The engines that run, in the order of [`ENGINES`]: those written, else all default ones whose needs are met.
    /// Errors: an engine is asked for that needs samples or a learning rate, and there are none.
    pub fn engines_to_run(&self) -> Result<Vec<&'static EngineEntry>> {
        let missing = |engine: &EngineEntry| engine.needs.iter().copied().find(|&need| !self.meets(need));
        let all = ENGINES.iter().copied();
        let Some(written) = &self.engines else {
            return Ok(all.filter(|engine| engine.default && missing(engine).is_none()).collect());
        };
        for engine in &written.value {
            if let Some(need) = missing(engine.value) {
                return Err(self.refuse(engine, need));
            }
        }
        Ok(all.filter(|engine| written.value.iter().any(|written| written.value.word == engine.word)).collect())
    }

    fn meets(&self, need: Need) -> bool {
        match need {
            Need::Samples => self.model.brings().samples(),
            Need::LearningRate => matches!(self.dynamics.drive, Drive::Steps { .. }),
        }
    }

    fn refuse(&self, engine: &Located<&EngineEntry>, need: Need) -> Report {
        let word = engine.value.word;
        let (message, label, help) = match need {
            Need::Samples => (
                format!("the engine \"{word}\" needs a model with samples, and {}", self.model.brings().no_samples()),
                "no samples to draw batches from",
                format!(
                    "remove \"{word}\" from `engines`, or use kind = \"sample-loss\" or \"tanh-regression\" with [model.data], or a \"table\" of the losses of samples"
                ),
            ),
            Need::LearningRate => (
                format!("the engine \"{word}\" needs a learning rate, and [dynamics] gives only the temperature"),
                "no learning rate",
                "write learning_rate and batch_size in [dynamics] instead of temperature".to_string(),
            ),
        };
        self.source.error(&engine.span, message, label, help)
    }
}
