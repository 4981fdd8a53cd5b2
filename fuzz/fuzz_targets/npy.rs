//! An array of numpy, or an archive of them, is read as samples, or refused.
#![no_main]

mod data;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| data::read(if bytes.starts_with(b"PK") { "npz" } else { "npy" }, bytes));
