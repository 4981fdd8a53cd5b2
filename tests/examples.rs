//! Every program of examples/ is run; each holds its number to the known value.
#![allow(clippy::unwrap_used)]

/// A program as a module, and the test that runs it.
macro_rules! examples {
    ($($name:ident in $path:literal),* $(,)?) => {
        $(#[path = $path]
        mod $name;)*

        mod runs {
            $(#[test]
            fn $name() {
                super::$name::main().unwrap();
            })*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

examples! {
    custom_noise in "../examples/custom_noise.rs",
    density in "../examples/density.rs",
    observable in "../examples/observable.rs",
    own_drift in "../examples/own_drift.rs",
    sparse_generator in "../examples/sparse_generator.rs",
}

#[test]
fn none_is_left_out() {
    let entries = std::fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path());
    let entries = entries.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let mut found: Vec<String> = entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_string()).collect();
    found.sort();
    assert_eq!(found, NAMES);
}
