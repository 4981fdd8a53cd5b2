//! Pictures are drawn from a record alone: every figure, both formats, whatever the record lacks.
#![allow(clippy::unwrap_used)]

mod synthetic;

use std::path::Path;

use fpsolve::figure::{FIGURES, plot};
use fpsolve::record::Record;

/// Figures of groups that the synthetic records do not have; the tests of those groups draw them.
const ELSEWHERE: [&str; 1] = ["convergence"];

fn pictures(record: &Record, dir: &Path) -> Vec<String> {
    let paths = plot(record, dir).unwrap();
    paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_string()).collect()
}

/// Width, height and number of different colours of a PNG.
fn look(path: &Path) -> (u32, u32, usize) {
    let picture = tiny_skia::Pixmap::load_png(path).unwrap();
    let colours: std::collections::HashSet<[u8; 4]> =
        picture.data().chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]).collect();
    (picture.width(), picture.height(), colours.len())
}

#[test]
fn every_figure_is_drawn_in_one_and_two_dimensions() {
    let keep = std::env::var_os("FPSOLVE_KEEP_FIGURES"); // a folder, to look at them
    let folder = tempfile::tempdir().unwrap();
    let dir = keep.as_deref().map_or(folder.path(), Path::new);
    let records = [
        ("1d", synthetic::ornstein_uhlenbeck_1d()),
        ("decades", synthetic::decades_1d()),
        ("2d", synthetic::ornstein_uhlenbeck_2d()),
    ];
    for (name, record) in records {
        let dir = dir.join(name);
        let files = pictures(&record, &dir);
        assert_eq!(files.len(), 2 * (FIGURES.len() - ELSEWHERE.len()), "{files:?}");
        for figure in FIGURES.iter().filter(|figure| !ELSEWHERE.contains(&figure.name)) {
            let (width, height, colours) = look(&dir.join(figure.name).with_extension("png"));
            assert!(width == 2400 && (1200..2000).contains(&height), "{}: {width} × {height}", figure.name);
            assert!(colours > 50, "{} shows only {colours} colours", figure.name);
            let svg = std::fs::read_to_string(dir.join(figure.name).with_extension("svg")).unwrap();
            assert!(svg.starts_with("<svg") && svg.contains("sans-serif") && svg.contains("<text"));
            let drawn = || svg.lines().filter(|line| !line.contains("data:image")); // base64 may hold any letters
            assert!(drawn().all(|line| !line.contains("NaN") && !line.contains("inf")), "{}", figure.name);
            assert!(svg.len() < 3_000_000, "{}: {} bytes", figure.name, svg.len());
        }
    }
}

#[test]
fn a_record_without_engines_stationary_density_or_loss_still_gives_what_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let mut record = synthetic::ornstein_uhlenbeck_1d();
    record.groups.retain(|g| ["grid", "problem", "sgd"].contains(&g.name.as_str()));
    record.group_mut("problem").datasets.retain(|d| d.name != "loss");
    let files = pictures(&record, dir.path());
    assert_eq!(
        files,
        ["landscape", "density", "diffusion", "decomposition", "condition"]
            .map(|name| [format!("{name}.png"), format!("{name}.svg")])
            .concat()
    );
    record.groups.retain(|g| g.name == "grid");
    assert!(pictures(&record, dir.path()).is_empty());
    let error = plot(&Record::new(""), dir.path()).unwrap_err().to_string();
    assert!(error.contains("no /grid"), "{error}");
}

#[test]
fn pictures_are_the_same_every_time() {
    let record = synthetic::ornstein_uhlenbeck_2d();
    let [a, b] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [first, second] = [&a, &b].map(|dir| plot(&record, dir.path()).unwrap());
    for (p, q) in first.iter().zip(&second) {
        assert_eq!(std::fs::read(p).unwrap(), std::fs::read(q).unwrap());
    }
}
