//! `fpsolve sweep`: one scenario at many values of its keys, in one process, and one table of numbers from all the records.
//!
//! Each case has a record of its own, named by its content, so that a sweep goes on where it stopped, whatever ended it, and a value more costs
//! one case more. The table is read off the records, and so the same whoever computed them and in whatever order.
//!
//! | file | holds |
//! |---|---|
//! | `plan.rs` | the cases: a grid over keys, or lists that vary together |
//! | `case.rs` | a case: its scenario, its record, what is collected from it |
//! | `probe.rs` | whether a record will have what is to be collected, before hours pass |
//! | `rare.rs` | whether walkers can arrive at all |
//! | `board.rs` | who computes what, and what has been answered |
//! | `compute.rs` | a case is computed |
//! | `work.rs` | what is not there yet is computed |
//! | `hand_out.rs` | cases that other processes compute |
//! | `law.rs` | slopes of logarithms against B/η |
//! | `table.rs` | `/sweep`, and the report |

mod board;
mod case;
mod compute;
mod hand_out;
mod law;
mod plan;
mod probe;
mod rare;
mod table;
mod work;

pub use board::{Board, Standing};
pub use case::{Answer, Case, Cases, earlier};
pub use compute::Asked;
pub use hand_out::help;
pub use law::{Fit, Law, laws};
pub use plan::{Axis, Collected, Plan};
pub use table::{heading, report, table};
pub use work::carry_out;
