//! `fpsolve validity`: over learning rate η and batch size B, where does the SDE say what SGD does?
//!
//! For each (η, B) and each order of the modified equation: total variation and Wasserstein distance of the laws of the long run, their
//! means and variances, and ln(τ_SGD/τ_SDE) of a passage. On one axis by the transfer operator and quadrature, without sampling noise,
//! with bars from two grids; elsewhere by ensembles, with their noise floors as bars.
//!
//! | file | holds |
//! |---|---|
//! | `cell.rs` | what is known of one (η, B), and the verdict |
//! | `line.rs` | a cell without sampling noise, on one axis |
//! | `ensembles.rs` | a cell by walkers and the Fokker–Planck equation |
//! | `map.rs` | which cells are computed: coarse first, then along boundaries |
//! | `record.rs` | `/validity`, written and read back |
//! | `table.rs` | the table for people and the rows for spreadsheets |

mod cell;
mod ensembles;
mod line;
mod map;
mod record;
mod table;

pub use cell::{Cell, Estimate, ORDERS, OrderCell, Thresholds, Valid};
pub use map::{Map, compute};
pub use record::{group, resumed};
pub use table::{csv, report};
