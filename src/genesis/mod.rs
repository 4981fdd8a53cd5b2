//! How critical points come and go with a key of the scenario, and which sample makes which minimum: `fpsolve genesis`.
//!
//! | file | holds |
//! |---|---|
//! | `parameter.rs` | what `genesis.parameter` names, and the losses that it is a parameter of |
//! | `compute.rs` | branches, fitted functions along them, samples left out |
//! | `record.rs` | `/genesis` |
//! | `words.rs` | the same in tables |

mod compute;
mod parameter;
mod record;
mod words;

pub use compute::{Found, compute};
pub use record::group;
pub use words::report;
