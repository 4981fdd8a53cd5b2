//! A problem that is safe to run: what a scenario means, in the words of the mathematics.
//!
//! ```text
//! dθ = b(θ) dt + √(2T) S(θ) dW  (Itô),   S Sᵀ = D,   θ(0) ~ ρ₀,   θ in the box of the grid,   T = η/(2B)
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`Problem`], and the batches of SGD |
//! | `dynamics.rs` | the trait [`Dynamics`]: b and D, in batches of points |
//! | `grid.rs` | axes, walls, cells; fields as arrays |
//! | `scale.rs` | coordinates of an axis in which its cells are equal |
//! | `initial/` | ρ₀: integrals over the cells, and samples |
//! | `density.rs` | what is computed from cell probabilities: moments, entropy, marginals |
//! | `fields.rs` | L, b, D tabulated at the cell centres |
//!
//! References: H. Risken 1989, doi:10.1007/978-3-642-61544-3; C. Gardiner 2009, *Stochastic Methods*.

pub mod density;
pub mod dynamics;
pub mod fields;
pub mod grid;
pub mod initial;
pub mod scale;
pub mod walls;

use std::sync::Arc;

use crate::fault::{Fault, planted};
use crate::model::Model;
use dynamics::Dynamics;
use grid::Grid;
use initial::Initial;

/// The problem that all engines share. Built and checked once; nothing downstream checks again.
#[derive(Clone)]
pub struct Problem {
    /// Names of the variables, in the order of the axes.
    pub variables: Vec<String>,
    /// Loss and per-sample gradients.
    pub model: Arc<dyn Model>,
    /// Drift and diffusion in the Itô sense.
    pub dynamics: Arc<dyn Dynamics>,
    /// Temperature T = η/(2B).
    pub temperature: f64,
    /// Learning rate and batches, where the scenario gives them.
    pub minibatch: Option<Minibatch>,
    /// The grid.
    pub grid: Grid,
    /// Law at time 0.
    pub initial: Initial,
    /// Output times, increasing; the first is 0.
    pub times: Vec<f64>,
    /// The one seed; every random stream derives from it.
    pub seed: u64,
}

impl Problem {
    /// Number of dimensions d.
    pub fn dimension(&self) -> usize {
        self.grid.dimension()
    }
}

/// How batches are drawn from the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// Independent draws.
    With,
    /// Distinct samples inside one batch, batches independent.
    Without,
    /// Reshuffled epochs: every sample once an epoch.
    Epoch,
}

/// Learning rate η and batch rule of stochastic gradient descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Minibatch {
    /// Learning rate η; one step lasts the time η.
    pub learning_rate: f64,
    /// Batch size B.
    pub batch_size: usize,
    /// How batches are drawn.
    pub replacement: Replacement,
}

impl Minibatch {
    /// Temperature T = η/(2B), for batches without replacement out of m samples times (m − B)/(m − 1).
    pub fn temperature(&self, samples: usize) -> f64 {
        let two = if planted(Fault::TwiceTooHot) { 1.0 } else { 2.0 };
        let t = self.learning_rate / (two * self.batch_size as f64);
        match self.replacement {
            Replacement::Without if samples > 1 => t * (samples - self.batch_size) as f64 / (samples - 1) as f64,
            _ => t,
        }
    }
}
