//! Records the commit the program is built from, for the provenance of its records, and whether the HDF5 library can do without locks.

use std::process::Command;

fn main() {
    println!("cargo:rustc-check-cfg=cfg(hdf5_without_locks)");
    let version = |version: &str| std::env::var_os(format!("DEP_HDF5_VERSION_{version}")).is_some();
    if version("1_12_1") || (version("1_10_7") && !version("1_12_0")) {
        println!("cargo:rustc-cfg=hdf5_without_locks");
    }
    let commit = Command::new("git").args(["rev-parse", "HEAD"]).output().ok().filter(|out| out.status.success());
    let commit = commit.and_then(|out| String::from_utf8(out.stdout).ok()).unwrap_or_default();
    println!("cargo:rustc-env=FPSOLVE_COMMIT={}", commit.trim());
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/refs");
}
