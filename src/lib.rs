//! The program fpsolve: scenario files in, records and pictures out.

pub mod record;
