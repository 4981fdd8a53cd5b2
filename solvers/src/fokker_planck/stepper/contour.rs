//! exp(tQᵀ)p on one axis: the Cauchy integral on a parabola around the negative real axis, one complex tridiagonal solve a node.
//!
//! J. A. C. Weideman & L. N. Trefethen, doi:10.1090/S0025-5718-07-01945-X: the error falls like 2.85⁻ⁿ with n nodes, uniformly
//! in the stiffness, so every output is computed from the start, whatever its time. Needs a real spectrum: reversible problems.

use faer::c64;

use super::nodes::{LANES, Nodes, term};
use super::{Stepper, System, Task, Work};
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::linear::tridiagonal::{Bands, neighbours_only};

/// Nodes on both halves of the parabola; conjugate pairs share a solve.
const NODES: usize = 32;
/// Measured against exact exponentials: 10⁻¹³ of the largest terms of the sum; the estimate leaves room.
const ERROR: f64 = 3e-13;
/// Sum of the terms' norms relative to the start's up to which an output is computed in one step. Where the start lies far out in a
/// tail, terms are large and cancel; over shorter times they are smaller.
const LARGE: f64 = 1e4;
/// Seconds of a node for each cell, measured.
const SECONDS: f64 = 3e-9;
/// Shortest step relative to the time that is left.
const SHORTEST: f64 = 1e-4;

/// Whether the contour method serves this system.
pub(super) fn applies(system: &System) -> bool {
    neighbours_only(system.generator()) && system.symmetric().is_some()
}

/// Estimated seconds.
pub(super) fn cost(task: &Task) -> f64 {
    task.times.len() as f64 * NODES as f64 / 2.0 * SECONDS * task.start.len() as f64
}

pub(super) struct Contour {
    bands: Bands,
    start: Vec<f64>,
    from: f64,
    /// Estimated error of `start`, and the largest so far.
    start_error: f64,
    error: f64,
    work: Work,
}

impl Contour {
    pub fn new(task: Task) -> Self {
        let bands = Bands::new(task.system.generator());
        Self { bands, start: task.start, from: task.from, start_error: 0.0, error: ERROR, work: Work::default() }
    }

    /// The sum over the nodes for a step t from the start, into `out`; returns the sum of the terms' norms relative to the start's.
    fn step(&mut self, t: f64, out: &mut [f64]) -> f64 {
        out.fill(0.0);
        let mut x = vec![Nodes::from(0.0); out.len()];
        let mut size = 0.0;
        for first in (0..NODES / 2).step_by(LANES) {
            let (mut shift, mut weight) = (Nodes::from(0.0), Nodes::from(0.0));
            for lane in 0..LANES {
                let (z, w) = node(first + lane);
                shift.set(lane, z / t);
                weight.set(lane, w / t);
            }
            size += term(&self.bands, &shift, &weight, &self.start, &mut x, out);
        }
        self.work.factorisations += NODES as u64 / 2;
        self.work.solves += NODES as u64 / 2;
        size / self.start.iter().map(|p| p.abs()).sum::<f64>()
    }
}

/// Node k and its weight: z(θ) = n (0.1309 − 0.1194 θ² + 0.25 i θ) at θ = π (2k + 1)/n, −2i e^z dz/dθ/n.
fn node(k: usize) -> (c64, c64) {
    let n = NODES as f64;
    let theta = std::f64::consts::PI * (2 * k + 1) as f64 / n;
    let z = c64::new(n * (0.1309 - 0.1194 * theta * theta), n * 0.25 * theta);
    let slope = c64::new(-2.0 * 0.1194 * theta, 0.25);
    (z, c64::new(0.0, -2.0) * z.exp() * slope)
}

impl Stepper for Contour {
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error> {
        let mut t = to - self.from;
        if t <= 0.0 {
            out.copy_from_slice(&self.start);
            return Ok(());
        }
        loop {
            if interrupt() {
                return Err(Error::Interrupted { time: self.from });
            }
            let size = self.step(t, out);
            let last = t >= to - self.from;
            // NaN: out of range
            if (size.is_nan() || size > LARGE) && t > SHORTEST * (to - self.from) {
                t *= 0.4;
                continue;
            }
            let error = self.start_error + ERROR * size;
            self.error = self.error.max(error);
            if last {
                return Ok(());
            }
            self.start_error = error;
            self.start.copy_from_slice(out);
            self.from += t;
            t = to - self.from;
        }
    }
    fn error(&self) -> f64 {
        self.error
    }
    fn work(&self) -> Work {
        self.work
    }
}
