//! `/engines`: how far each engine that was asked for came.

use crate::record::scales::name_scale;
use crate::record::{Dataset, Group, Values};

/// How an engine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// At the last output time.
    Complete,
    /// On its way, when the run was interrupted.
    Interrupted,
    /// By an error.
    Failed(String),
    /// Its turn had not come when the run ended.
    NotReached,
}

impl How {
    /// The word in the record.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed(_) => "failed",
            Self::NotReached => "not reached",
        }
    }
}

/// Over `engine`, the words of the engines: `status` (complete, interrupted, failed or not reached), and `failure`, empty where there is none.
pub fn engines_group(engines: &[(&str, How)]) -> Group {
    let mut group = Group::new("engines");
    if engines.is_empty() {
        return group;
    }
    let words: Vec<&str> = engines.iter().map(|(word, _)| *word).collect();
    let why = |how: &How| if let How::Failed(why) = how { why.clone() } else { String::new() };
    let rows = |name: &str, of: &dyn Fn(&How) -> String, long_name: &str| {
        let values = Values::Text(engines.iter().map(|(_, how)| of(how)).collect());
        Dataset::new(name, values, &["engine"], "1", long_name)
    };
    group.datasets = vec![
        name_scale("engine", &words, "engine that was to run"),
        rows("status", &|how| how.word().to_string(), "how it ended"),
        rows("failure", &why, "why it failed"),
    ];
    group
}
