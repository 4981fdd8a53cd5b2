//! First passages: the sets that are reached, and Kramers' law for the mean time.
//!
//! ```text
//! τ(θ) = E[first time in the target | θ(0) = θ],   −1 = b·∇τ + T D:∇∇τ,   τ = 0 on the target
//! q(θ) = P(target before the avoided set),          0 = b·∇q + T D:∇∇q
//! τ ≈ (2π/|λ₋|) √(|det H_s|/det H_a) e^{(L_s − L_a)/(Tσ²)}      for low temperatures
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `passage.rs` | start, target and avoided set, checked on the grid |
//! | `basin.rs` | a basin, its quasi-stationary density and exit rate |
//! | `basin_chain.rs` | the Markov chain on basins, from the mean times between them |
//! | `by_walkers.rs` | the problem as walkers see it: who is on the way, and what their times say |
//! | `on_grid.rs` | the problem as a grid sees it, and what it answers |
//! | `line.rs` | stationary density and mean times on a line in closed form, by quadrature |
//! | `reaction.rs` | transitions from one set to another at rest |
//! | `kramers/` | Kramers' law: on a line by quadrature, in more dimensions over saddles on minimax paths |
//!
//! The equations are solved by [`crate::fokker_planck`] on the grid, by [`crate::langevin::first_passage`] and [`crate::sgd::first_passage`] with
//! walkers.
//! Reference: P. Hänggi, P. Talkner & M. Borkovec 1990, doi:10.1103/RevModPhys.62.251.

pub mod basin;
pub mod basin_chain;
pub mod by_walkers;
pub mod kramers;
pub mod line;
pub mod on_grid;
pub mod passage;
pub mod reaction;
