//! Mutated formulas and data files are read or refused with words; nothing panics and nothing ends by a signal. Seeded, from the corpus of
//! the fuzz targets in fuzz/, whose entry points these are.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};

use common::{fpsolve, words};
use fpsolve::reader::Source;
use fpsolve::scenario::Scenario;
use fpsolve_solvers::formula::{Program, Symbols, parse};

/// A linear congruential generator, Knuth's MMIX constants: the mutants are the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Mutants of one kind; the environment variable FPSOLVE_MUTANTS asks for another number.
fn mutants(usual: usize) -> usize {
    std::env::var("FPSOLVE_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Where the mutants of a test begin; the environment variable FPSOLVE_SEED asks for others.
fn dice(test: u64) -> Dice {
    let seed = std::env::var("FPSOLVE_SEED").ok().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    Dice(test + seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The files of a corpus, in the order of their names.
fn corpus(name: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(Path::new("fuzz/corpus").join(name)).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// What is put into the place of bytes: signs, numbers at the edges, pieces of headers.
const PIECES: [&[u8]; 20] = [
    b"(",
    b")",
    b"^",
    b"1e308",
    b"-",
    b",",
    b"\n",
    b"\"",
    b"nan",
    b"x",
    b"y*",
    b"where(",
    b"\xff\xff\xff\xff",
    b"\x00",
    b"\x1b[2J",
    b"99999999999999999999",
    b"'shape': (1099511627776, 2)",
    b"\xe2\x88\x92",
    b";",
    b"0",
];

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.roll(bytes.len() + 1);
    match dice.roll(5) {
        0 if at < bytes.len() => bytes[at] = dice.roll(256) as u8,
        1 if at < bytes.len() => drop(bytes.remove(at)),
        2 => bytes.truncate(at.max(1)),
        3 => {
            let to = (at + dice.roll(24)).min(bytes.len());
            let copied = bytes[at..to].to_vec();
            let there = dice.roll(bytes.len() + 1);
            bytes.splice(there..there, copied);
        }
        _ => {
            let to = (at + dice.roll(4)).min(bytes.len());
            bytes.splice(at..to, PIECES[dice.roll(PIECES.len())].iter().copied());
        }
    }
}

fn mutant(files: &[Vec<u8>], k: usize, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = files[k % files.len()].clone();
    for _ in 0..=dice.roll(4) {
        mutate(&mut bytes, dice);
    }
    bytes
}

#[test]
fn mutated_formulas_are_evaluated_or_refused() {
    let files: Vec<Vec<u8>> = corpus("formula").iter().map(|file| std::fs::read(file).unwrap()).collect();
    let symbols = Symbols::new(&["x", "y"]).with_parameters([("a", 0.3)]);
    let (mut dice, mut accepted, all) = (dice(1), 0, mutants(4000));
    for k in 0..all {
        let text = String::from_utf8_lossy(&mutant(&files, k, &mut dice)).into_owned();
        match parse(&text, &symbols) {
            Ok(expression) => {
                let derivatives = [0, 1].map(|k| expression.derivative(k));
                let program = Program::compile(&[expression, derivatives[0].clone(), derivatives[1].clone()]);
                assert_eq!(program.evaluate_point(&[0.5, -1.5]).len(), 3);
                accepted += 1;
            }
            Err(error) => assert!(!error.to_string().is_empty(), "{text}"),
        }
    }
    println!("{accepted} of {all} accepted");
    assert!((all / 50..all / 2).contains(&accepted), "{accepted} of {all} accepted");
}

fn scenario(file: &str, columns: &str) -> String {
    format!(
        r#"
engines = ["fokker-planck"]
model = {{ kind = "sample-loss", variables = ["w"], sample_loss = "(v - w*u)^2", data = {{ file = "{file}", columns = {columns} }} }}
dynamics = {{ learning_rate = 0.1, batch_size = 1 }}
grid = {{ axes = [{{ from = -2, to = 2, cells = 8 }}] }}
initial = {{ kind = "gaussian", mean = [0.0], std = [0.5] }}
time = {{ end = 1.0, outputs = 2 }}
"#
    )
}

#[test]
fn mutated_data_files_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut dice, all) = (dice(2), mutants(600));
    for (kind, columns) in [("csv", "{ u = 0, v = 1 }"), ("npy", "{ u = 0, v = 1 }")] {
        let named = corpus(kind);
        let files: Vec<Vec<u8>> = named.iter().map(|file| std::fs::read(file).unwrap()).collect();
        let mut read = 0;
        for k in 0..all / 2 {
            let extension =
                named[k % named.len()].extension().map_or(kind.into(), |e| e.to_string_lossy().into_owned());
            let file = format!("d.{extension}");
            std::fs::write(folder.path().join(&file), mutant(&files, k, &mut dice)).unwrap();
            let source = Source::from_text(&folder.path().join("s.toml"), scenario(&file, columns));
            match Scenario::parse(source).and_then(|scenario| scenario.problem()) {
                Ok(_) => read += 1,
                Err(report) => assert!(!report.to_string().is_empty() && report.help().is_some(), "{report:?}"),
            }
        }
        println!("{kind}: {read} of {} read", all / 2);
        assert!((1..all / 2).contains(&read), "{kind}: {read} of {} read", all / 2);
    }
}

/// The HDF5 library itself does not survive every file: it reads in a child process.
#[test]
fn mutated_hdf5_data_end_in_words() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), scenario("d.h5", r#"{ u = "run/u", v = "run/v" }"#)).unwrap();
    let whole = std::fs::read("fuzz/corpus/record/columns.h5").unwrap();
    let (mut dice, mut read, all) = (dice(3), 0, mutants(10));
    for k in 0..all {
        let mut bytes = whole.clone();
        for _ in 0..k % 9 {
            let at = dice.roll(bytes.len());
            bytes[at] = dice.roll(256) as u8;
        }
        std::fs::write(folder.path().join("d.h5"), bytes).unwrap();
        let output = fpsolve(folder.path(), &["check", "s.toml"]);
        let said = words(&output);
        assert!(matches!(output.status.code(), Some(0..=3)), "mutant {k}: {:?} {said}", output.status);
        assert!(!said.contains("bug") && said.len() < 5000, "mutant {k}: {said}");
        read += usize::from(output.status.code() != Some(2));
    }
    println!("{read} of {all} read");
    assert!((1..all).contains(&read), "{read} of {all} read");
}

#[test]
fn what_claims_more_than_it_has_costs_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let tried = |file: &str| {
        let source = Source::from_text(&folder.path().join("s.toml"), scenario(file, "{ u = 0, v = 0 }"));
        Scenario::parse(source).and_then(|scenario| scenario.problem()).map(|_| ()).unwrap_err().to_string()
    };
    // version 2 of the format has a header as long as it says: 4 GB of it
    std::fs::write(folder.path().join("long.npy"), b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'").unwrap();
    assert!(tried("long.npy").contains("claims 4294967295 bytes"), "{}", tried("long.npy"));
    // a gigabyte of zeros in a few kilobytes
    let file = std::fs::File::create(folder.path().join("inflated.npz")).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    let deflated = zip::write::SimpleFileOptions::default();
    archive.start_file("u.npy", deflated).unwrap();
    let header = format!("{:<117}\n", "{'descr': '<f8', 'fortran_order': False, 'shape': (134217728,), }");
    let start = [b"\x93NUMPY\x01\x00".to_vec(), (header.len() as u16).to_le_bytes().to_vec(), header.into_bytes()];
    std::io::Write::write_all(&mut archive, &start.concat()).unwrap();
    for _ in 0..1000 {
        std::io::Write::write_all(&mut archive, &[0; 1 << 17]).unwrap();
    }
    archive.finish().unwrap();
    assert!(std::fs::metadata(folder.path().join("inflated.npz")).unwrap().len() < 1 << 20);
    assert!(tried("inflated.npz").contains("cannot read the data file"), "{}", tried("inflated.npz"));
}

/// As many columns as fit: the names are compared in one pass.
#[test]
fn a_header_of_very_many_columns_is_read_in_one_pass() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..200_000).map(|k| format!("c{k}")).collect();
    let line = vec!["1"; names.len()].join(",");
    std::fs::write(folder.path().join("wide.csv"), format!("{}\n{line}\n", names.join(","))).unwrap();
    let source =
        Source::from_text(&folder.path().join("s.toml"), scenario("wide.csv", r#"{ u = "c0", v = "c199999" }"#));
    assert!(Scenario::parse(source).and_then(|scenario| scenario.problem()).is_ok());
}
