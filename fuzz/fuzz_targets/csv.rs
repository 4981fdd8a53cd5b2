//! A text file of data is read as samples, or refused with file and line.
#![no_main]

mod data;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| data::read("csv", bytes));
