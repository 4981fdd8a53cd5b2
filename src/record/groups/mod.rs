//! The groups of a record that every run has: names, axes, units and long names as the format fixes them. Those of an analysis are
//! in its own file.

pub mod chain;
pub mod checkpoint;
pub mod comparison;
pub mod engine;
pub mod engines;
pub mod ensemble;
pub mod grid;
pub mod problem;
pub mod stationary;
