//! The same samples from CSV, .npy, .npz and .h5; hostile files are refused.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use fpsolve::reader::Source;
use fpsolve::scenario::Scenario;
use ndarray::{Array1, Array2, ShapeBuilder};

const X: [f64; 4] = [-1.0, 0.0, 1.0, 2.0];
const Y: [f64; 4] = [3.0, -1.0, 2.0, 8.0];

/// A scenario that reads `x` and `y` from `file`.
fn scenario(file: &str, columns: &str) -> String {
    format!(
        "[model]\nkind = \"sample-loss\"\nvariables = [\"w\"]\nsample_loss = \"(y - w*x)^2\"\n\
         [model.data]\nfile = \"{file}\"\n{columns}\n[dynamics]\nlearning_rate = 0.1\n\
         [grid]\naxes = [{{ from = 0, to = 1, cells = 4 }}]\n[initial]\nkind = \"uniform\"\n[time]\nend = 1\n"
    )
}

/// The columns `x` and `y` that a scenario in `folder` reads from `file`, or the words of the refusal.
fn columns(folder: &Path, file: &str, columns: &str) -> Result<(Vec<f64>, Vec<f64>), String> {
    let source = Source::from_text(&folder.join("scenario.toml"), scenario(file, columns));
    let prepared =
        Scenario::parse(source).and_then(|scenario| scenario.problem()).map_err(|report| report.to_string())?;
    let data = prepared.data.unwrap();
    Ok((data.column("x").unwrap().to_vec(), data.column("y").unwrap().to_vec()))
}

fn expected() -> Result<(Vec<f64>, Vec<f64>), String> {
    Ok((X.to_vec(), Y.to_vec()))
}

#[test]
fn csv_with_semicolons_tabs_decimal_commas_and_blanks_after_names() {
    let folder = tempfile::tempdir().unwrap();
    for (sign, point) in [(";", ","), (";", "."), ("\t", ","), ("\t", ".")] {
        let lines =
            ["Länge µm ;Kraft [N] ", "-1.0;3", " 0 ;-1.0", "1;2.0", "2.0;8"].map(|line| line.replace('.', point));
        std::fs::write(folder.path().join("d.csv"), lines.join("\n").replace(';', sign)).unwrap();
        let wanted = "columns = { x = \"Länge µm\", y = \"Kraft [N] \" }";
        assert_eq!(columns(folder.path(), "d.csv", wanted), expected(), "{sign:?} {point}");
    }
}

#[test]
fn the_separator_is_found_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = "columns = { x = \"pos, m\", y = \"v\" }";
    let rows = |sign: &str| {
        let rows = X.iter().zip(Y).map(|(x, y)| format!(" {x:.1}{sign}{y:.1} \n")).collect::<String>();
        format!(" \"pos, m\"{sign}\" v \"\n{rows}")
    };
    for (sign, word) in [(",", ","), (";", ";"), ("\t", "tab"), ("   ", "space"), ("\t", "\\t"), (" ", " ")] {
        std::fs::write(folder.path().join("d.dat"), rows(sign)).unwrap();
        assert_eq!(columns(folder.path(), "d.dat", wanted), expected(), "{sign:?} found");
        let written = format!("separator = \"{word}\"\n{wanted}");
        assert_eq!(columns(folder.path(), "d.dat", &written), expected(), "{sign:?} written {word}");
    }
    std::fs::write(folder.path().join("d.csv"), "x;y\n0,5;1\n").unwrap();
    let refused = columns(folder.path(), "d.csv", "separator = \",\"").unwrap_err();
    assert!(refused.contains("separated by \",\", the header is the one name \"x;y\""), "{refused}");
    let refused = columns(folder.path(), "d.csv", "separator = \"|\"").unwrap_err();
    assert!(refused.contains("`model.data.separator` cannot be \"|\""), "{refused}");
    std::fs::write(folder.path().join("d.csv"), "x,y\n\"0,5\",1\n").unwrap();
    let refused = columns(folder.path(), "d.csv", "").unwrap_err();
    assert!(refused.contains("column `x` holds \"0,5\", which is not a number"), "{refused}");
    ndarray_npy::write_npy(folder.path().join("d.npy"), &Array2::<f64>::zeros((2, 2))).unwrap();
    let refused = columns(folder.path(), "d.npy", "separator = \",\"\ncolumns = { x = 0, y = 1 }").unwrap_err();
    assert!(refused.contains("a .npy file has no separator"), "{refused}");
}

#[test]
fn all_columns_are_standardised_or_those_that_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.csv"), "x,y\n1,1\n3,5\n").unwrap();
    let read = |standardize: &str| columns(folder.path(), "d.csv", &format!("standardize = {standardize}"));
    assert_eq!(read("true"), Ok((vec![-1.0, 1.0], vec![-1.0, 1.0])));
    assert_eq!(read("[\"x\"]"), Ok((vec![-1.0, 1.0], vec![1.0, 5.0])));
    assert_eq!(read("[]"), read("false"));
    assert!(read("\"x\"").unwrap_err().contains("must be true, false or a list of columns"));
}

#[test]
fn csv_with_quotes_blanks_bom_and_windows_line_ends() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}name,time s,\"y\"\r\na,-1.0,3\r\nb, 0 ,-1e0\r\n\"c, d\",1,+2\r\n\r\ne,2.0,8\r\n";
    std::fs::write(folder.path().join("d.csv"), text).unwrap();
    assert_eq!(columns(folder.path(), "d.csv", "columns = { x = \"time s\", y = 2 }"), expected());
    let refused = columns(folder.path(), "d.csv", "columns = { x = \"name\", y = \"y\" }").unwrap_err();
    assert!(refused.contains("column `name` holds \"a\", which is not a number"), "{refused}");
}

#[test]
fn npy_in_either_order_and_any_number_type() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<f64> = X.iter().zip(Y).flat_map(|(&x, y)| [x, y]).collect();
    let table = Array2::from_shape_vec((4, 2), rows).unwrap();
    let at = |name: &str| folder.path().join(name);
    ndarray_npy::write_npy(at("f8.npy"), &table).unwrap();
    ndarray_npy::write_npy(at("f4.npy"), &table.mapv(|v| v as f32)).unwrap();
    ndarray_npy::write_npy(at("i8.npy"), &table.mapv(|v| v as i64)).unwrap();
    let mut fortran = Array2::<f64>::zeros((4, 2).f());
    fortran.assign(&table);
    ndarray_npy::write_npy(at("fortran.npy"), &fortran).unwrap();
    for file in ["f8.npy", "f4.npy", "i8.npy", "fortran.npy"] {
        assert_eq!(columns(folder.path(), file, "columns = { x = 0, y = 1 }"), expected(), "{file}");
    }
    assert!(columns(folder.path(), "f8.npy", "").unwrap_err().contains("have no names"));
    ndarray_npy::write_npy(at("bool.npy"), &table.mapv(|v| v > 0.0)).unwrap();
    assert!(
        columns(folder.path(), "bool.npy", "columns = { x = 0, y = 1 }")
            .unwrap_err()
            .contains("cannot read the data file")
    );
}

/// An .npy of 4 × 2 numbers of a type of numpy, from their bytes.
fn npy(path: &Path, kind: &str, bytes: &[u8]) {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (4, 2), }}");
    let header = format!("{header:<117}\n");
    let start = [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    std::fs::write(path, [&start, bytes].concat()).unwrap();
}

#[test]
fn npy_of_either_order_of_bytes_and_half_precision() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<f64> = X.iter().zip(Y).flat_map(|(&x, y)| [x, y]).collect();
    let half = |x: f64| -> u16 {
        let word = |x: f64| {
            if x == 0.0 {
                0
            } else {
                ((x.log2().floor() as u16 + 15) << 10) + ((x / x.log2().floor().exp2() - 1.0) * 1024.0) as u16
            }
        };
        if x < 0.0 { 1 << 15 | word(-x) } else { word(x) }
    };
    let bytes: [(&str, Vec<u8>); 5] = [
        (">f8", rows.iter().flat_map(|x| x.to_be_bytes()).collect()),
        (">f4", rows.iter().flat_map(|x| (*x as f32).to_be_bytes()).collect()),
        (">i2", rows.iter().flat_map(|x| (*x as i16).to_be_bytes()).collect()),
        ("<f2", rows.iter().flat_map(|x| half(*x).to_le_bytes()).collect()),
        ("|i1", rows.iter().flat_map(|x| (*x as i8).to_le_bytes()).collect()),
    ];
    for (kind, bytes) in bytes {
        npy(&folder.path().join("d.npy"), kind, &bytes);
        assert_eq!(columns(folder.path(), "d.npy", "columns = { x = 0, y = 1 }"), expected(), "{kind}");
    }
    npy(&folder.path().join("d.npy"), "|O", &[0; 64]);
    let refused = columns(folder.path(), "d.npy", "columns = { x = 0, y = 1 }").unwrap_err();
    assert!(refused.contains("holds objects and not numbers"), "{refused}");
    npy(&folder.path().join("d.npy"), "<f16", &[0; 128]);
    let refused = columns(folder.path(), "d.npy", "columns = { x = 0, y = 1 }").unwrap_err();
    assert!(refused.contains("of the type '<f16'") && refused.contains(".astype(float)"), "{refused}");
}

#[test]
fn npz_by_the_names_of_its_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("d.npz")).unwrap();
    let mut archive = ndarray_npy::NpzWriter::new_compressed(file);
    archive.add_array("y", &Array1::from(Y.to_vec())).unwrap();
    archive.add_array("x", &Array1::from(X.to_vec())).unwrap();
    archive.finish().unwrap();
    assert_eq!(columns(folder.path(), "d.npz", ""), expected());
    let refused = columns(folder.path(), "d.npz", "columns = { x = \"z\", y = \"y\" }").unwrap_err();
    assert!(refused.contains("has no column `z`"), "{refused}");
}

#[test]
fn hdf5_by_the_paths_of_its_datasets() {
    let folder = tempfile::tempdir().unwrap();
    let file = hdf5::File::create(folder.path().join("d.h5")).unwrap();
    let group = file.create_group("run").unwrap();
    group.new_dataset_builder().with_data(&X).create("x").unwrap();
    group.new_dataset_builder().with_data(&Y).create("y").unwrap();
    group.new_dataset_builder().with_data(&Array2::<f64>::zeros((2, 2))).create("table").unwrap();
    file.link_soft("/run/x", "alias").unwrap();
    drop((group, file));
    let read = |x: &str| columns(folder.path(), "d.h5", &format!("columns = {{ x = \"{x}\", y = \"run/y\" }}"));
    assert_eq!(read("/run/x"), expected());
    assert!(read("alias").unwrap_err().contains("soft or external link"));
    assert!(read("run/table").unwrap_err().contains("not one axis"));
    assert!(read("run/z").unwrap_err().contains("there are table, x, y"));
    std::fs::write(folder.path().join("no.h5"), "no HDF5 at all").unwrap();
    assert!(columns(folder.path(), "no.h5", "columns = { x = \"x\", y = \"y\" }").unwrap_err().contains("is it HDF5?"));
}

/// A scenario reads outside its folder only what the command line allows.
#[test]
fn data_elsewhere_need_a_word_on_the_command_line() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = elsewhere.path().join("d.csv");
    std::fs::write(&data, "x,y\n1,2\n2,1\n").unwrap();
    let (data, folder) = (data.to_str().unwrap(), elsewhere.path().to_str().unwrap());
    let check = |file: &str, more: &[&str]| {
        std::fs::write(home.path().join("s.toml"), scenario(file, "")).unwrap();
        let output = common::fpsolve(home.path(), &[&["check", "s.toml"], more].concat());
        (output.status.code(), common::words(&output))
    };
    let set = format!("model.data.file={data}");
    let uncle = format!("../{}/d.csv", elsewhere.path().file_name().unwrap().to_str().unwrap());
    for (file, more) in [
        ("d.csv", ["--data-folder", folder]),
        (data, ["--data-folder", folder]),
        (&uncle, ["--data-folder", folder]),
        ("missing.csv", ["--set", &set]),
        (data, ["--set", &set]),
    ] {
        assert_eq!(check(file, &more), (Some(0), String::new()), "{file} {more:?}");
    }
    // an absolute path in the scenario, another one on the command line, a relative one, another folder
    for (file, more) in [
        (data, &[][..]),
        (&uncle, &[]),
        ("/etc/passwd", &["--data-folder", folder]),
        ("../no-such-file", &["--data-folder", folder]),
        ("d.csv", &["--set", &format!("model.data.file={uncle}")]),
    ] {
        let (code, said) = check(file, more);
        assert!(code == Some(2) && said.contains("lies outside the scenario's folder"), "{file} {more:?}: {said}");
        assert!(said.contains("--data-folder DIR") && said.contains("--set model.data.file=/PATH"), "{said}");
    }
    let (code, said) = check("d.csv", &["--data-folder", "no-such-folder"]);
    assert!(code == Some(2) && said.contains("--data-folder no-such-folder: there is no such folder"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.csv");
    std::fs::write(&secret, "x,y\n1,2\n").unwrap();
    std::os::unix::fs::symlink(&secret, folder.path().join("d.csv")).unwrap();
    assert!(columns(folder.path(), "d.csv", "").unwrap_err().contains("lies outside the scenario's folder"));
    assert!(
        columns(folder.path(), secret.to_str().unwrap(), "")
            .unwrap_err()
            .contains("lies outside the scenario's folder")
    );
}
