//! What the ensembles of the Langevin equation and of SGD share: N walkers in blocks of fixed size, advanced from output time to
//! output time, observed on the grid.
//!
//! Blocks are outside, steps inside, so a block stays in the first-level cache and memory does not depend on the number of
//! steps. Each block has its own random stream and is advanced by one thread at a time; counts are integers and moments are
//! merged in block order: results do not depend on the number of threads.
//!
//! ```text
//! p_c = N_c/N,     ⟨θ⟩ = (1/N) Σ θ_i,     C = (1/(N − 1)) Σ (θ_i − ⟨θ⟩)(θ_i − ⟨θ⟩)ᵀ,     se(⟨θ_k⟩) = √(C_kk/N)
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `walkers.rs` | [`Ensemble`]: positions, histogram, snapshot |
//! | `block.rs` | [`Block`]: 256 walkers with their random stream, and what happened to them |
//! | `advance.rs` | all blocks in parallel, all or nothing |
//! | `histogram.rs`, `moments.rs`, `statistics.rs` | counts on the grid; merged moments (T. Chan, G. Golub & R. LeVeque 1983, doi:10.1080/00031305.1983.10483115); quantiles |
//! | `root.rs` | S with S Sᵀ = D for a block of walkers |
//! | `trajectories.rs` | positions of a few walkers in between |

mod advance;
mod block;
mod histogram;
mod moments;
pub(crate) mod root;
mod statistics;
#[cfg(test)]
mod tests;
mod trajectories;
mod walkers;

pub use crate::engine::Trajectories;
pub use crate::numerics::aligned::Aligned;
pub use advance::{Stop, Watch};
pub use block::{BLOCK, Block, Tally};
pub(crate) use block::{steps, were};
pub use histogram::Locator;
pub use moments::Moments;
pub use walkers::Ensemble;
