//! `/checkpoint`: what an interrupted run needs to go on, and by what it is known again.

use fpsolve_solvers::engine::{Numbers, State};
use ndarray::Array1;
use sha2::{Digest, Sha256};
use std::io::Read as _;

use crate::record::read::{find, floats, integers, text};
use crate::record::{Attribute, Dataset, Group, Values};

/// Name of the group.
pub const NAME: &str = "checkpoint";
/// What the numbers in it mean to this program: raised when that changes.
const FORMAT: i64 = 1;

/// Where a run came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Absolute path of the scenario's file, from which relative paths count.
    pub scenario_file: String,
    /// Overrides of the command line, which are in the text already.
    pub overrides: Vec<String>,
    /// Further folders with data.
    pub data_folders: Vec<String>,
    /// SHA-256 of the data file; empty without one.
    pub data_sha256: String,
}

/// A checkpoint as it was read.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Where the run came from.
    pub origin: Origin,
    /// How far it came.
    pub state: State,
}

/// Which program this is: what it computes may differ from version to version.
fn program() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), env!("FPSOLVE_COMMIT"))
}

/// `/checkpoint` of a run of the given scenario: its origin, its state (a group for each part, a dataset for each array), and a SHA-256 of
/// all that.
pub fn group(scenario: &str, origin: &Origin, state: State) -> Group {
    let sum = digest(origin, &state);
    let mut group = part(NAME, state);
    let Origin { scenario_file, overrides, data_folders, data_sha256 } = origin;
    group.set("format", Attribute::Integer(FORMAT));
    for (name, value) in [
        ("program", program()),
        ("scenario_file", scenario_file.clone()),
        ("data_sha256", data_sha256.clone()),
        ("scenario_sha256", sha256(scenario.as_bytes())),
        ("sha256", sum),
    ] {
        group.set(name, Attribute::Text(value));
    }
    let lists = [("overrides", overrides), ("data_folders", data_folders)].into_iter().filter(|(_, l)| !l.is_empty());
    let rows = |(name, list): (&str, &Vec<String>)| Dataset::new(name, Values::Text(list.clone()), &[name], "1", name);
    group.datasets.extend(lists.map(rows));
    group
}

fn part(name: &str, state: State) -> Group {
    let mut group = Group::new(name);
    for (name, numbers) in state.arrays {
        let values = match numbers {
            Numbers::Floats(values) => Values::Float(Array1::from_vec(values).into_dyn()),
            // the same bits: HDF5 readers of records know signed counts
            Numbers::Words(words) => {
                Values::Integer(words.into_iter().map(|word| word as i64).collect::<Array1<_>>().into_dyn())
            }
        };
        group.datasets.push(Dataset::new(&name, values, &[&name], "1", "state"));
    }
    group.groups = state.parts.into_iter().map(|(name, state)| part(&name, state)).collect();
    group
}

/// Reads `/checkpoint` of a record. Errors: a sentence that says why the record cannot be gone on with: none there, written by another
/// version of the program, of another scenario, damaged.
pub fn read(record: &Group) -> Result<Checkpoint, String> {
    let Some(group) = record.group(NAME) else { return Err("it holds no checkpoint".into()) };
    let word = |name: &str| text(group, name).unwrap_or_default().to_string();
    let (written_by, here) = (word("program"), program());
    if group.attribute("format") != Some(&Attribute::Integer(FORMAT)) || written_by != here {
        return Err(format!("its checkpoint was written by fpsolve {written_by}, and this is fpsolve {here}"));
    }
    if word("scenario_sha256") != sha256(text(record, "scenario").unwrap_or_default().as_bytes()) {
        return Err("its checkpoint belongs to another scenario than the one it holds".into());
    }
    let rows = |name: &str| match find(group, name).map(|dataset| &dataset.values) {
        Some(Values::Text(rows)) => rows.clone(),
        _ => Vec::new(),
    };
    let origin = Origin {
        scenario_file: word("scenario_file"),
        overrides: rows("overrides"),
        data_folders: rows("data_folders"),
        data_sha256: word("data_sha256"),
    };
    let state = state(group);
    if digest(&origin, &state) != word("sha256") {
        return Err("its checkpoint is damaged: the numbers are not those that were written".into());
    }
    Ok(Checkpoint { origin, state })
}

fn state(group: &Group) -> State {
    let numbers = |dataset: &Dataset| match &dataset.values {
        Values::Float(_) => floats(dataset).map(Numbers::Floats),
        Values::Integer(_) => {
            integers(dataset).map(|words| Numbers::Words(words.into_iter().map(|word| word as u64).collect()))
        }
        Values::Text(_) => None,
    };
    let arrays = group.datasets.iter().filter_map(|dataset| Some((dataset.name.clone(), numbers(dataset)?)));
    State {
        arrays: arrays.collect(),
        parts: group.groups.iter().map(|part| (part.name.clone(), state(part))).collect(),
    }
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

/// SHA-256 of a file in hexadecimal digits. Errors: those of the system.
pub fn sha256_of_file(path: &std::path::Path) -> std::io::Result<String> {
    let (mut hash, mut file, mut bytes) = (Sha256::new(), std::fs::File::open(path)?, vec![0; 1 << 16]);
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hexadecimal(hash)),
            n => hash.update(&bytes[..n]),
        }
    }
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of an origin and a state: every text and array with its length before it.
fn digest(origin: &Origin, state: &State) -> String {
    let mut hash = Sha256::new();
    let Origin { scenario_file, overrides, data_folders, data_sha256 } = origin;
    for list in [&vec![scenario_file.clone(), data_sha256.clone()], overrides, data_folders] {
        hash.update(list.len().to_le_bytes());
        list.iter().for_each(|entry| add_text(&mut hash, entry));
    }
    add_state(&mut hash, state);
    hexadecimal(hash)
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update(text.len().to_le_bytes());
    hash.update(text);
}

fn add_state(hash: &mut Sha256, state: &State) {
    hash.update(state.arrays.len().to_le_bytes());
    for (name, numbers) in &state.arrays {
        add_text(hash, name);
        match numbers {
            Numbers::Floats(values) => {
                hash.update([0]);
                hash.update(values.len().to_le_bytes());
                values.iter().for_each(|value| hash.update(value.to_bits().to_le_bytes()));
            }
            Numbers::Words(words) => {
                hash.update([1]);
                hash.update(words.len().to_le_bytes());
                words.iter().for_each(|word| hash.update(word.to_le_bytes()));
            }
        }
    }
    hash.update(state.parts.len().to_le_bytes());
    for (name, part) in &state.parts {
        add_text(hash, name);
        add_state(hash, part);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record() -> Group {
        let arrays = vec![
            ("x".to_string(), Numbers::Floats(vec![1.0, -0.0, f64::NAN])),
            ("n".to_string(), Numbers::Words(vec![u64::MAX])),
        ];
        let inner = State { arrays: arrays.clone(), parts: Vec::new() };
        let state = State { arrays, parts: vec![("inner".into(), inner)] };
        let origin = Origin { overrides: vec!["a=1\n".into()], ..Origin::default() };
        let mut record = Group::new("");
        record.set("scenario", Attribute::Text("[model]".into()));
        record.groups.push(group("[model]", &origin, state));
        record
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let found = read(&record()).unwrap();
        assert_eq!(found.origin.overrides, ["a=1\n"]);
        assert_eq!(part("", found.state.clone()).groups[0].datasets[1].shape(), [1]);
        assert_eq!(found.state.parts[0].1.arrays[1].1, Numbers::Words(vec![u64::MAX]));
    }

    #[test]
    fn what_does_not_belong_to_this_run_is_refused() {
        let said = |change: &dyn Fn(&mut Group)| {
            let mut record = record();
            change(&mut record);
            read(&record).unwrap_err()
        };
        let set = |name: &'static str, value: &'static str| {
            move |record: &mut Group| record.group_mut(NAME).set(name, Attribute::Text(value.into()))
        };
        assert!(said(&|record| record.groups.clear()).contains("no checkpoint"));
        assert!(said(&set("program", "9.9 abc")).contains("written by fpsolve 9.9 abc, and this is"));
        assert!(said(&|record| record.set("scenario", Attribute::Text("[noise]".into()))).contains("another scenario"));
        for damage in [
            |group: &mut Group| group.groups[0].datasets[0].name = "y".into(),
            |group: &mut Group| drop(group.datasets.remove(0)),
            |group: &mut Group| drop(group.groups.remove(0)),
            |group: &mut Group| group.set("data_sha256", Attribute::Text("0".into())),
            |group: &mut Group| {
                let values = Array1::from_vec(vec![1.0, 0.0, f64::NAN]).into_dyn();
                group.datasets[0].values = Values::Float(values);
            },
        ] {
            assert!(said(&|record| damage(record.group_mut(NAME))).contains("damaged"));
        }
    }
}
