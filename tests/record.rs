//! The record file: what is written comes back, other programs read it, and broken files are refused.
#![allow(clippy::unwrap_used)]

mod synthetic;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fpsolve::record::hdf5::{Error, Existing, read};
use fpsolve::record::{Attribute, Dataset, Group, Record, Values};

/// One test at a time: a child process started meanwhile would inherit HDF5's lock on a file that is being written.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(record: &Record, path: &Path) -> Result<(), Error> {
    fpsolve::record::hdf5::write(record, path, Existing::Replaced)
}

fn sorted(mut group: Group) -> Group {
    group.attributes.sort_by(|a, b| a.0.cmp(&b.0));
    group.groups = group.groups.into_iter().map(sorted).collect();
    group
}

/// A record in words: an unknown number (NaN) is not equal to itself, but says the same.
fn same(record: &Record) -> String {
    format!("{record:?}")
}

#[test]
fn what_is_written_comes_back() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    for (name, record) in [("1", synthetic::ornstein_uhlenbeck_1d()), ("2", synthetic::ornstein_uhlenbeck_2d())] {
        let path = folder.path().join(name);
        write(&record, &path).unwrap();
        assert_eq!(same(&read(&path).unwrap()), same(&sorted(record)));
    }
}

#[test]
fn special_numbers_empty_tables_and_strings_come_back() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("special.h5");
    let mut record = Record::new("");
    record.set("empty", Attribute::Text(String::new()));
    record.set("infinite", Attribute::Float(f64::INFINITY));
    for k in 0..40 {
        record.set(&format!("many_{k:02}"), Attribute::Integer(k));
    }
    record.set("long", Attribute::Text("Φ".repeat(100_000)));
    record.groups.push(fpsolve::record::groups::comparison::comparison_group(&[], &[]));
    let numbers = ndarray::arr1(&[f64::MAX, -0.0, 5e-324, f64::NEG_INFINITY]).into_dyn();
    record.datasets.push(Dataset::float("x", numbers, &["x"], "1", "numbers"));
    write(&record, &path).unwrap();
    assert_eq!(same(&read(&path).unwrap()), same(&sorted(record)));
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let record = synthetic::ornstein_uhlenbeck_1d();
    let [a, b] = ["a.h5", "b.h5"].map(|name| folder.path().join(name));
    write(&record, &a).unwrap();
    write(&record, &b).unwrap();
    assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
}

#[test]
fn an_old_record_survives_a_failed_write_and_nothing_is_left_behind() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.h5");
    let good = synthetic::ornstein_uhlenbeck_1d();
    write(&good, &path).unwrap();
    let mut bad = good.clone();
    bad.group_mut("sgd").datasets.retain(|d| d.name != "time");
    assert!(write(&bad, &path).unwrap_err().to_string().contains("/sgd/density needs a scale /sgd/time"));
    let mut nul = good.clone();
    nul.set("note", Attribute::Text("a\0b".into())); // fails inside HDF5, when the temporary file exists
    assert!(matches!(write(&nul, &path), Err(Error::Hdf5 { .. })));
    assert_eq!(same(&read(&path).unwrap()), same(&sorted(good.clone())));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(matches!(write(&good, &folder.path().join("no/such/r.h5")), Err(Error::Io { .. })));
}

#[test]
fn names_that_collide_are_refused() {
    let _alone = alone();
    let mut record = Record::new("");
    record.datasets.push(Dataset::new("x", Values::Text(vec![]), &["x"], "1", ""));
    record.datasets.push(Dataset::new("x", Values::Text(vec![]), &["x"], "1", ""));
    let error = write(&record, Path::new("never.h5")).unwrap_err();
    assert!(error.to_string().contains("/x would be written twice"), "{error}");
}

/// A file made by `make`, and the message with which it is refused.
fn refusal(make: impl Fn(&hdf5::File, &Path) -> hdf5::Result<()>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.h5");
    let file = hdf5::File::create(&path).unwrap();
    make(&file, folder.path()).unwrap();
    file.close().unwrap();
    read(&path).unwrap_err().to_string()
}

#[test]
fn hostile_files_are_refused() {
    let _alone = alone();
    let soft = refusal(|file, _| {
        file.create_group("a")?;
        file.link_soft("/a", "b")
    });
    assert!(soft.contains("/b is a soft or external link"), "{soft}");
    let external = refusal(|file, folder| {
        hdf5::File::create(folder.join("other.h5"))?;
        file.link_external("other.h5", "/", "b")
    });
    assert!(external.contains("/b is a soft or external link"), "{external}");
    let absurd = refusal(|file, _| {
        let builder = file.new_dataset::<f64>().chunk((1, 1024)).shape((1 << 30, 1 << 20));
        builder.create("huge").map(|_| ())
    });
    assert!(absurd.contains("/huge claims the shape"), "{absurd}");
    let raw = refusal(|file, folder| {
        std::fs::write(folder.join("raw"), [0; 80]).unwrap();
        let name = folder.join("raw");
        file.new_dataset::<f64>().external(name.to_str().unwrap(), 0, 80).no_chunk().shape(10).create("x").map(|_| ())
    });
    assert!(raw.contains("/x is stored in other files"), "{raw}");
    let cycle = refusal(|file, _| {
        file.create_group("a")?;
        file.link_hard("/a", "/a/again")
    });
    assert!(cycle.contains("lies deeper"), "{cycle}");
    let foreign = refusal(|file, _| file.new_dataset::<f64>().shape(3).create("x").map(|_| ()));
    assert!(foreign.contains("attribute units of /x"), "{foreign}");
}

#[test]
fn files_that_are_no_records_are_refused() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.h5");
    assert!(matches!(read(&path), Err(Error::Io { .. })));
    std::fs::write(&path, "not HDF5").unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("is it a record?"));
    write(&synthetic::ornstein_uhlenbeck_1d(), &path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(read(&path).is_err(), "half a record was read");
}

/// The Python with h5py and xarray: `FPSOLVE_PYTHON`, else the one `make test` puts into target/python.
fn python() -> PathBuf {
    if let Some(path) = std::env::var_os("FPSOLVE_PYTHON") {
        return path.into();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
    assert!(path.exists(), "no Python with h5py at {}: run `make python`, or set FPSOLVE_PYTHON", path.display());
    path
}

fn run_python(script: &str, arguments: &[&Path]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let out = Command::new(python()).arg("-W").arg("error").arg(script).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{}\n{text}", String::from_utf8_lossy(&out.stdout));
}

#[test]
fn python_reads_the_records() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let paths = [folder.path().join("1d.h5"), folder.path().join("2d.h5")];
    write(&synthetic::ornstein_uhlenbeck_1d(), &paths[0]).unwrap();
    write(&synthetic::ornstein_uhlenbeck_2d(), &paths[1]).unwrap();
    run_python("read_record.py", &[&paths[0], &paths[1]]);
}
