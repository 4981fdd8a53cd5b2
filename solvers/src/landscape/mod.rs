//! The shape of a loss: its minima, saddles and maxima, and the basins of the minima.
//!
//! ```text
//! ∇L(θ*) = 0,     index = number of negative eigenvalues of H(θ*),     basin(θ*) = { θ: dθ/dt = −∇L ends in θ* }
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `point.rs` | loss, ∇L and ∇²L at a point; what a minimum and a critical point are |
//! | `minima.rs` | cells that lie below their neighbours, refined by Newton's method |
//! | `critical.rs` | all zeros of ∇L, and the basins of the minima |
//! | `merge_tree.rs` | the basins as water rises, and the passes where they meet |
//! | `potential.rs` | the same of Φ = −T ln ρ |
//! | `genesis/` | how critical points come and go with a parameter, or with a sample |
//! | `kinks.rs` | minima and maxima where no gradient vanishes |
//!
//! Reference: D. Wales 2004, *Energy Landscapes*, doi:10.1017/CBO9780511721724.

pub(crate) mod critical;
pub mod genesis;
mod kinks;
mod merge_tree;
pub(crate) mod minima;
pub(crate) mod point;
mod potential;
#[cfg(test)]
mod tests;

pub use critical::{basins, critical_points};
pub use merge_tree::{Leaf, Pass, merge_tree};
pub use minima::minima;
pub use point::{CriticalPoint, Minimum};
pub use potential::{PotentialLandscape, potential_landscape};
