//! TOML with places: the text of a scenario, its tables and values, overrides, formulas.

#![deny(clippy::cast_possible_truncation)] // numbers that strangers wrote are converted with a check

pub mod convert;
pub mod formula;
pub mod kind;
pub mod overrides;
pub mod source;
pub mod table;
pub mod value;

pub use kind::Kind;
pub use source::{Located, Source};
pub use table::Table;
pub use value::Value;
