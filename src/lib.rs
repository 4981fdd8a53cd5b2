//! The program fpsolve: scenario files in, records and pictures out.

pub mod error;
pub mod record;
pub mod scenario;
