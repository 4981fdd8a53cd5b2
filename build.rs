//! Records the commit the program is built from, for the provenance of its records, and whether the HDF5 library can do without locks.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rustc-check-cfg=cfg(hdf5_without_locks)");
    let version = |version: &str| std::env::var_os(format!("DEP_HDF5_VERSION_{version}")).is_some();
    if version("1_12_1") || (version("1_10_7") && !version("1_12_0")) {
        println!("cargo:rustc-cfg=hdf5_without_locks");
    }
    let git = |arguments: &[&str]| {
        let out = Command::new("git").args(arguments).output().ok().filter(|out| out.status.success())?;
        Some(String::from_utf8(out.stdout).ok()?.trim().to_string())
    };
    println!("cargo:rustc-env=FPSOLVE_COMMIT={}", git(&["rev-parse", "HEAD"]).unwrap_or_default());
    // what a commit or a checkout changes; in a work tree of its own .git is a file, and a path that is missing is always new
    let branch = git(&["rev-parse", "--symbolic-full-name", "HEAD"]);
    let watched = ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref());
    let paths =
        watched.filter_map(|name| git(&["rev-parse", "--git-path", name])).filter(|path| Path::new(path).exists());
    paths.for_each(|path| println!("cargo:rerun-if-changed={path}"));
    println!("cargo:rerun-if-changed=build.rs");
}
