//! The program fpsolve: scenario files in, records and pictures out.

pub mod cli;
pub mod error;
pub mod figure;
pub mod limits;
pub mod record;
pub mod scenario;
