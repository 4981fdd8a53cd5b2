//! Time stepping schemes, one file each, and the table that lists them.

mod euler_maruyama;

use std::sync::Arc;

use crate::Error;
use crate::dynamics::Dynamics;
use crate::ensemble::BLOCK;
use crate::problem::Problem;
use crate::random::LaneStream;
use crate::symmetric::packed_len;

/// The equation that a scheme integrates: dθ = b dt + √(2T) S dW, S Sᵀ = D (Itô).
pub struct Sde {
    /// Drift and diffusion.
    pub dynamics: Arc<dyn Dynamics>,
    /// Temperature T.
    pub temperature: f64,
    /// Ends of the axes.
    pub bounds: Vec<[f64; 2]>,
}

impl Sde {
    /// The equation of a problem.
    pub fn new(problem: &Problem) -> Self {
        Self {
            dynamics: Arc::clone(&problem.dynamics),
            temperature: problem.temperature,
            bounds: problem.grid.axes().iter().map(|axis| [axis.lower(), axis.upper()]).collect(),
        }
    }
}

/// What one thread reuses from step to step; all arrays are coordinate-major blocks.
#[derive(Debug, Clone)]
pub struct Work {
    /// Drift at the start of the step (d × BLOCK).
    pub drift: Vec<f64>,
    /// D at the start of the step (packed × BLOCK); the walls read it after the step.
    pub diffusion: Vec<f64>,
    /// S, packed by columns.
    pub root: Vec<f64>,
    /// Random numbers of the step (d × BLOCK).
    pub noise: Vec<f64>,
    /// Positions after the step (d × BLOCK).
    pub next: Vec<f64>,
    /// Whatever else a scheme needs; it sets the length itself.
    pub extra: Vec<f64>,
}

impl Work {
    /// Room for a block in d dimensions.
    pub fn new(d: usize) -> Self {
        let (vector, matrix) = (vec![0.0; d * BLOCK], vec![0.0; packed_len(d) * BLOCK]);
        Self {
            drift: vector.clone(),
            diffusion: matrix.clone(),
            root: matrix,
            noise: vector.clone(),
            next: vector,
            extra: Vec::new(),
        }
    }
}

/// One time step of a block of walkers.
pub trait Scheme: Send + Sync {
    /// Writes the positions one step `h` after `points` to `work.next`, walls not yet applied; drift and D at `points`
    /// stand in `work` afterwards. Returns false where a walker may be outside the box or not finite.
    fn step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work, stream: &mut LaneStream) -> bool;
}

/// A scheme and what it promises.
pub struct Entry {
    /// Name in scenarios and records.
    pub name: &'static str,
    /// Strong order of convergence (0 where there is none).
    pub strong_order: f64,
    /// Weak order of convergence.
    pub weak_order: f64,
    /// What it asks of the problem, in words.
    pub requirements: &'static str,
    /// Where it comes from.
    pub reference: &'static str,
    /// Makes it for a problem. Errors: a problem that it cannot integrate.
    pub build: fn(&Problem) -> Result<Box<dyn Scheme>, Error>,
}

/// All schemes; the first is the default.
pub const TABLE: &[Entry] = &[euler_maruyama::ENTRY];

/// The scheme with this name. Errors: no such scheme.
pub fn find(name: &str) -> Result<&'static Entry, Error> {
    TABLE.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = TABLE.iter().map(|entry| entry.name).collect();
        Error::invalid(format!("there is no Langevin scheme \"{name}\""), format!("write one of: {}", names.join(", ")))
    })
}
