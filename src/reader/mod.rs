//! TOML with places: tables, values, overrides.

pub mod overrides;
pub mod source;
pub mod table;
pub mod value;

pub use source::Located;
pub use source::Source;
