//! The program fpsolve: scenario files in, records and pictures out.
//!
//! Scenario → problem → [`limits`] → engines → record → comparison → pictures → exit code; [`run`] is that line itself.

pub mod analysis;
pub mod cli;
pub mod engine;
pub mod error;
pub mod figure;
pub mod genesis;
pub mod limits;
pub mod ranks;
pub mod reader;
pub mod record;
pub mod report;
pub mod run;
pub mod scenario;
pub mod serve;
pub mod setting;
pub mod signal;
pub mod summary;
pub mod sweep;
pub mod text;
pub mod validity;
