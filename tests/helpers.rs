//! What helps a person along: scenarios to start from, the schema, explanations, other formats, completions and manual pages.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{command, fpsolve, succeeds, text, words};
use fpsolve::reader::Source;
use fpsolve::scenario::Scenario;
use fpsolve::scenario::schema::{schema, without_form};
use fpsolve::summary::explanations::{explanations, find};
use serde_json::{Value, json};

/// The kinds of `fpsolve new`, from its help.
fn kinds() -> Vec<String> {
    let help = succeeds(Path::new("."), &["new", "--help"]);
    let rows = help.lines().skip_while(|line| *line != "Kinds:").skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| row.split_whitespace().next().unwrap().to_string()).collect()
}

#[test]
fn scenarios_to_start_from_are_understood_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = kinds();
    assert!(kinds.len() >= 5, "{kinds:?}");
    for kind in &kinds {
        let file = format!("{kind}.toml");
        succeeds(folder.path(), &["new", kind, "-o", &file]);
        let printed = succeeds(folder.path(), &["new", kind]);
        assert_eq!(std::fs::read_to_string(folder.path().join(&file)).unwrap(), printed);
        succeeds(folder.path(), &["check", &file]);
        let few = ["--set", "langevin.walkers=1000", "--set", "time.outputs=3"];
        let run = [&["scenario", &file, "-o", "record.h5", "--force"], &few[..]].concat();
        let output = fpsolve(folder.path(), &run);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{kind}: {}", text(&output.stderr));
    }
    let again = fpsolve(folder.path(), &["new", "-o", "loss.toml"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(words(&again).contains("loss.toml: it exists already"), "{}", words(&again));
    succeeds(folder.path(), &["new", "-o", "loss.toml", "--force"]);
    assert_eq!(fpsolve(folder.path(), &["new", "-o", "no/such/folder.toml"]).status.code(), Some(2));
}

/// A scenario as JSON.
fn as_json(scenario: &str) -> Value {
    toml_edit::de::from_str(scenario).unwrap()
}

fn scenarios() -> Vec<(PathBuf, String)> {
    common::shipped().into_iter().map(|file| (file.clone(), std::fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn the_schema_describes_every_key_and_accepts_the_shipped_scenarios() {
    assert_eq!(without_form(), Vec::<String>::new(), "give these keys their form in src/scenario/schema.rs");
    let printed: Value = serde_json::from_str(&succeeds(Path::new("."), &["schema"])).unwrap();
    assert_eq!(printed, schema());
    jsonschema::meta::validate(&printed).unwrap();
    let kept: Value = serde_json::from_str(&std::fs::read_to_string("docs/fpsolve.schema.json").unwrap()).unwrap();
    assert_eq!(kept, printed, "write it anew: fpsolve schema -o docs/fpsolve.schema.json --force");
    let validator = jsonschema::validator_for(&printed).unwrap();
    for (file, scenario) in scenarios() {
        let faults: Vec<String> =
            validator.iter_errors(&as_json(&scenario)).map(|e| format!("{} at {}", e, e.instance_path())).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", file.display());
        assert!(scenario.starts_with("#:schema ../docs/fpsolve.schema.json\n"), "{} names no schema", file.display());
    }
    for kind in kinds() {
        assert!(validator.is_valid(&as_json(&succeeds(Path::new("."), &["new", &kind]))), "{kind}");
    }
    assert!(!validator.is_valid(&json!({ "model": {} })));
}

/// Every value of a scenario, replaced by another: what the schema refuses there, the reader refuses too.
#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let (mut refused, mut tried) = (0, 0);
    for (file, scenario) in scenarios() {
        let good = as_json(&scenario);
        for pointer in leaves(&good) {
            for other in [json!(true), json!("no such word"), json!(-0.5), json!([true]), json!({ "stray": 1 })] {
                let mut changed = good.clone();
                *changed.pointer_mut(&pointer).unwrap() = other.clone();
                tried += 1;
                if validator.is_valid(&changed) {
                    continue;
                }
                refused += 1;
                let text = toml_edit::ser::to_string(&changed).unwrap();
                let read = Scenario::parse(Source::from_text(&file, text));
                assert!(read.is_err(), "{}: {pointer} = {other} is read", file.display());
            }
        }
    }
    assert!(refused > 500 && refused < tried, "{refused} of {tried}");
}

/// Pointers to the values that are no tables, but for those inside lists of more than a few.
fn leaves(value: &Value) -> Vec<String> {
    let below = |entries: Vec<(String, &Value)>| {
        let nested = entries.into_iter().flat_map(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            leaves(value).into_iter().map(move |rest| format!("/{key}{rest}")).collect::<Vec<_>>()
        });
        nested.collect::<Vec<_>>()
    };
    match value {
        Value::Object(map) => below(map.iter().map(|(key, value)| (key.clone(), value)).collect()),
        Value::Array(list) if list.iter().any(Value::is_object) => {
            below(list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect())
        }
        _ => vec![String::new()],
    }
}

/// A scenario in YAML and in JSON, with a mistake in its fifth line where `mistake` is written.
fn yaml(cells: &str) -> String {
    format!(
        "model: {{ variables: [x], loss: x^2/2 }}\ndynamics: {{ temperature: 0.5 }}\n# a comment\ngrid:\n  axes: [{{ from: -5, to: 5, \
         cells: {cells} }}]\ninitial:\n  kind: gaussian\n  mean: [1]\n  std: [0.5]\ntime: {{ end: 1, outputs: 3 }}\n"
    )
}

#[test]
fn scenarios_in_yaml_and_json_run_and_mistakes_have_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.yaml", &yaml("100"));
    let converted: Value = toml_edit::de::from_str(&Source::read(&folder.path().join("a.yaml")).unwrap().text).unwrap();
    write("b.json", &format!("{converted:#}"));
    write("c.toml", &toml_edit::ser::to_string(&converted).unwrap());
    for file in ["a.yaml", "b.json", "c.toml"] {
        let engine = ["--engine", "fokker-planck", "--set", "name=same"];
        succeeds(folder.path(), &[&["scenario", file, "-o", &format!("{file}.h5")], &engine[..]].concat());
    }
    let density =
        |file: &str| common::read(&folder.path().join(file)).dataset("fokker_planck/density").unwrap().clone();
    assert_eq!(density("a.yaml.h5"), density("c.toml.h5"));
    assert_eq!(density("b.json.h5"), density("c.toml.h5"));

    write("wrong.yaml", &yaml("many"));
    let said = words(&fpsolve(folder.path(), &["check", "wrong.yaml"]));
    assert!(
        said.contains("`grid.axes[0].cells` must be a whole number") && said.contains("[wrong.yaml:5:36]"),
        "{said}"
    );
    assert!(said.contains("cells: many"), "{said}");
    write("open.json", "{\n \"model\": {\n }");
    let said = words(&fpsolve(folder.path(), &["check", "open.json"]));
    assert!(said.contains("not valid JSON") && said.contains("[open.json:3:"), "{said}");
}

/// The program with a text on standard input, of which it need not read all.
fn with_input(folder: &Path, arguments: &[&str], input: &str) -> std::process::Output {
    let mut child =
        command(folder, arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let written = child.stdin.take().unwrap().write_all(input.as_bytes());
    assert!(written.is_ok() || input.len() > 1 << 20, "{written:?}");
    child.wait_with_output().unwrap()
}

#[test]
fn a_scenario_may_come_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = succeeds(folder.path(), &["new"]).replace("name = ", "# name = ");
    let scenario = scenario.split("[compare]").next().unwrap(); // one engine alone cannot be compared
    let run = ["scenario", "-", "--engine", "fokker-planck", "--quiet"];
    let output = with_input(folder.path(), &run, scenario);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(folder.path().join("stdin.h5").is_file());
    let json = format!("{:#}", as_json(scenario));
    assert_eq!(with_input(folder.path(), &["check", "-"], &json).status.code(), Some(0));
    let said = words(&with_input(folder.path(), &["check", "-"], "[model]\nlos = 1\n"));
    assert!(said.contains("[stdin:2:1]"), "{said}");
    assert_eq!(with_input(folder.path(), &["check", "-"], &" ".repeat(1_100_000)).status.code(), Some(2));
}

#[test]
fn completions_and_manual_pages_know_every_subcommand() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(folder.path(), &["man", "-o", "man"]);
    let names: Vec<String> = fpsolve::cli::command().get_subcommands().map(|c| c.get_name().to_string()).collect();
    let scripts: Vec<String> =
        ["bash", "zsh", "fish"].map(|shell| succeeds(folder.path(), &["completions", shell])).into();
    for name in names {
        let page = folder.path().join(format!("man/fpsolve-{name}.1"));
        assert!(std::fs::read_to_string(&page).unwrap().contains("SYNOPSIS"), "{}", page.display());
        assert!(scripts.iter().all(|script| script.contains(&name)), "{name}");
    }
    assert!(succeeds(folder.path(), &["man"]).contains(".TH fpsolve"));
}

/// The string literals that stand in `code`, with `{…}` as a number; tests are left out.
fn literals(code: &str) -> Vec<String> {
    let (mut out, mut signs) = (Vec::new(), code.chars().peekable());
    while let Some(sign) = signs.next() {
        if sign != '"' {
            continue;
        }
        let (mut text, mut depth) = (String::new(), 0);
        while let Some(sign) = signs.next() {
            match sign {
                '"' => break,
                '\\' => match signs.next() {
                    Some('\n') => while signs.next_if(|c| c.is_whitespace()).is_some() {},
                    Some('"') => text.push('"'),
                    _ => {}
                },
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    text += "7";
                }
                _ if depth == 0 => text.push(sign),
                _ => {}
            }
        }
        out.push(text);
    }
    out
}

/// What stands from `start` up to the bracket that closes the first one after it.
fn bracketed(code: &str, start: usize, open: char, close: char) -> &str {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, sign) in code[start..].char_indices() {
        match sign {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            _ if sign == open => depth += 1,
            _ if sign == close && depth == 1 => return &code[start..start + at],
            _ if sign == close => depth -= 1,
            _ => {}
        }
    }
    &code[start..]
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" && name != "testing" {
            sources(&path, out);
        } else if name.ends_with(".rs") && !name.contains("tests") {
            out.push(path);
        }
    }
}

/// The sentences that the sources push onto lists of warnings, or make in functions named after them.
fn sentences() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    ["src", "solvers/src", "networks/src"].iter().for_each(|folder| sources(Path::new(folder), &mut files));
    let mut out = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let pushed = ["warnings.push(", "notes.push("].map(|start| (start, '(', ')'));
        let made = ["fn warning(", "fn warnings(", "fn notes(", "fn step_warnings("].map(|start| (start, '{', '}'));
        for (start, open, close) in pushed.into_iter().chain(made) {
            let begins = |at: usize| !code[at..].split(open).next().unwrap().contains(';'); // no declaration without a body
            for (at, _) in code.match_indices(start).filter(|(at, _)| begins(*at)) {
                let said = literals(bracketed(code, at, open, close));
                let whole = said.into_iter().filter(|text| text.chars().filter(|c| *c == ' ').count() >= 4);
                out.extend(whole.map(|text| (file.clone(), text)));
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

#[test]
fn every_warning_in_the_sources_is_explained() {
    let sentences = sentences();
    assert!(sentences.len() > 25, "{}", sentences.len());
    let lost: Vec<String> = sentences
        .iter()
        .filter(|(_, text)| find(text).is_empty())
        .map(|(file, text)| format!("{}: {text}", file.display()))
        .collect();
    assert!(lost.is_empty(), "no page of the book quotes these:\n{}", lost.join("\n"));
}

#[test]
fn explanations_are_found_by_what_was_printed() {
    let title = |asked: &str| find(asked).into_iter().map(|entry| entry.title).collect::<Vec<_>>();
    let said = "fokker-planck: up to 12.5% of the probability is where the cell Péclet number exceeds 2 and there is a current: numerical \
                diffusion";
    assert_eq!(title(said), ["cell Péclet number"]);
    assert_eq!(title("resolved"), ["resolved"]);
    assert!(explanations().len() > 40);
    let output = succeeds(Path::new("."), &["explain", "total probability is off by 1.2e-3"]);
    assert!(output.contains("please report the scenario") && !output.contains("`tr-bdf2`"), "{output}");
    assert!(succeeds(Path::new("."), &["explain"]).lines().count() > 40);
    assert_eq!(fpsolve(Path::new("."), &["explain", "xyzzy"]).status.code(), Some(2));
}
