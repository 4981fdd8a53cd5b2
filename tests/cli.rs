//! The command line as it is written: every block of tests/cmd is run and its words, standard error included, are held to the
//! file. `TRYCMD=overwrite cargo test --test cli` writes the words of today into the files; read the difference before you keep it.

use std::path::Path;

#[test]
fn the_command_line_says_what_is_written() {
    trycmd::TestCases::new()
        .register_bin("fpsolve", Path::new(env!("CARGO_BIN_EXE_fpsolve")))
        .case("tests/cmd/*.trycmd");
}
