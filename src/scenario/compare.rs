//! `[compare]`: how far the engines may be apart.

use fpsolve_validation::verdict::{Limit, limit_keys};
use miette::Result;

use crate::reader::Table;

/// Reads `[compare]`: `max_<metric>`, the largest distance allowed between any two engines. Errors: another key; a number ≤ 0.
pub fn read(root: &Table) -> Result<Vec<Limit>> {
    let keys = limit_keys();
    let table = root.table("compare", &keys.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut limits = Vec::new();
    for key in &keys {
        if let Some(value) = table.get(key) {
            limits.extend(Limit::from_key(key, value.positive()?.value));
        }
    }
    Ok(limits)
}
