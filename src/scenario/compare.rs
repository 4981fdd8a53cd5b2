//! `[compare]`: how far the engines may be apart.

use fpsolve_validation::verdict::{Limit, limit_keys};
use miette::Result;

use crate::reader::Table;
use crate::text::exact;

/// The metrics that are at most 1.
pub const AT_MOST_ONE: [&str; 3] = ["total_variation", "hellinger", "kolmogorov_smirnov"];

/// Reads `[compare]`: `max_<metric>`, the largest distance allowed between any two engines. Errors: another key; a number ≤ 0; a limit
/// above the largest value of its metric.
pub fn read(root: &Table) -> Result<Vec<Limit>> {
    let keys = limit_keys();
    let table = root.table("compare", &keys.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut limits = Vec::new();
    for key in &keys {
        if let Some(value) = table.get(key) {
            let bound = value.positive()?.value;
            if bound > 1.0 && AT_MOST_ONE.iter().any(|name| key.strip_prefix("max_") == Some(name)) {
                let message = format!("`{}` is {}, and this distance is at most 1", value.path(), exact(bound));
                let help = "a limit that nothing can exceed judges nothing: write a number below 1, such as 0.05";
                return Err(value.error(message, "cannot be exceeded", help));
            }
            limits.extend(Limit::from_key(key, bound));
        }
    }
    Ok(limits)
}
