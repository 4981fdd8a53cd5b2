//! Every engine of the table has what the table promises.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use toml::de::DeTable;

use super::*;
use crate::limits;
use crate::reader::Source;
use crate::reader::table::Table;
use crate::scenario::Scenario;

const SCENARIO: &str = r#"
model = { kind = "sample-loss", variables = ["x"], data = { points = { u = [-1.0, 1.0] } }, sample_loss = "(x - u)^2/2" }
dynamics = { learning_rate = 0.1 }
grid = { axes = [{ from = -4.0, to = 4.0, cells = 50 }] }
initial = { kind = "gaussian", mean = [0.0], std = [0.5] }
time = { at = [1.0] }
"#;

fn scenario(more: &str) -> miette::Result<Scenario> {
    Scenario::parse(Source::from_text(std::path::Path::new("test.toml"), format!("{more}{SCENARIO}")))
}

#[test]
fn words_groups_titles_and_colours_differ_and_none_is_empty() {
    let all = |of: fn(&EngineEntry) -> String| {
        let found: HashSet<String> = ENGINES.iter().map(|engine| of(engine)).filter(|text| !text.is_empty()).collect();
        assert_eq!(found.len(), ENGINES.len(), "{found:?}");
    };
    all(|engine| engine.word.to_string());
    all(|engine| engine.group.to_string());
    all(|engine| engine.title.to_string());
    all(|engine| engine.about.to_string());
    all(|engine| format!("{:?}", engine.colour));
    for engine in ENGINES {
        assert_eq!(find(engine.word).unwrap().group, engine.group);
    }
}

#[test]
fn an_engine_runs_alone_and_takes_memory_that_grows_with_what_it_names() {
    for engine in ENGINES {
        let scenario = scenario(&format!("engines = [\"{}\"]", engine.word)).unwrap();
        let engines = scenario.engines_to_run().unwrap();
        assert_eq!(engines.iter().map(|e| e.word).collect::<Vec<_>>(), [engine.word]);
        let own = limits::estimate(&scenario, &engines).total() - limits::estimate(&scenario, &[]).total();
        let densities = 3.0 * 8.0 * 50.0;
        assert!(own > densities, "{} takes {own} bytes", engine.word);
    }
}

#[test]
fn engines_that_are_built_are_what_the_table_says() {
    for engine in ENGINES {
        let more = format!("engines = [\"{}\"]\nlangevin.walkers = 8\nsgd.walkers = 8", engine.word);
        let prepared = scenario(&more).unwrap().problem().unwrap();
        let built = (engine.build)(&prepared.options, &prepared.problem, &|| false).unwrap();
        assert_eq!(built.name(), engine.group);
        assert_eq!(built.walkers().is_some(), engine.representation == Representation::Walkers, "{}", engine.word);
        let step = engine.step.map(|step| step(&prepared.options, 0.1).unwrap());
        assert_eq!(step.is_some(), engine.needs.contains(&Need::LearningRate), "{}", engine.word);
    }
}

#[test]
fn what_an_engine_needs_is_asked_for() {
    let none = SCENARIO.replace("{ learning_rate = 0.1 }", "{ temperature = 0.1 }");
    for engine in ENGINES {
        let text = format!("engines = [\"{}\"]{none}", engine.word);
        let scenario = Scenario::parse(Source::from_text(std::path::Path::new("test.toml"), text)).unwrap();
        let needs = engine.needs.contains(&Need::LearningRate);
        assert_eq!(scenario.engines_to_run().is_err(), needs, "{}", engine.word);
    }
}

/// A date is a wrong value for every key: a table that accepts one has not read it.
#[test]
fn every_key_of_every_table_is_read_and_no_other() {
    let refusal = |text: &str| {
        let source = Source::from_text(std::path::Path::new("test.toml"), text.to_string());
        let document = DeTable::parse(text).unwrap();
        let keys: Vec<&str> = tables().iter().map(|table| table.key).collect();
        Options::read(&Table::root(&source, &document, &keys).unwrap()).unwrap_err().to_string()
    };
    for table in tables() {
        for key in table.keys {
            let message = refusal(&format!("[{}]\n{key} = 1979-05-27", table.key));
            assert!(message.contains(&format!("`{}.{key}` must be", table.key)), "{message}");
        }
        let message = refusal(&format!("[{}]\nnosuch = 1", table.key));
        assert!(message.contains(&format!("unknown key `{}.nosuch`", table.key)), "{message}");
        for (key, rows) in table.choices {
            assert!(table.keys.contains(key) && !rows().is_empty(), "{}.{key}", table.key);
        }
    }
}
