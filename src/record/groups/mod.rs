//! The groups of a record that more than one part of the program fills.

pub mod ensemble;
