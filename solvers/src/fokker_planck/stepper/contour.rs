//! exp(tQᵀ)p on one axis: the Cauchy integral on a parabola around the negative real axis, one complex tridiagonal solve a node.
//!
//! J. A. C. Weideman & L. N. Trefethen, doi:10.1090/S0025-5718-07-01945-X: the error falls like 2.85⁻ⁿ with n nodes, uniformly
//! in the stiffness, so every output is computed from the start, whatever its time. Needs a real spectrum: reversible problems.

use faer::c64;

use super::{Stepper, System, Task, Work};
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::linear::tridiagonal::{Bands, Tridiagonal, neighbours_only};

/// Nodes on both halves of the parabola; conjugate pairs share a solve.
const NODES: usize = 32;
/// Measured against exact exponentials: 10⁻¹⁴, all of it rounding; the estimate leaves room.
const ERROR: f64 = 1e-13;

/// Whether the contour method serves this system.
pub(super) fn applies(system: &System) -> bool {
    neighbours_only(system.generator()) && system.symmetric().is_some()
}

/// Estimated seconds.
pub(super) fn cost(task: &Task) -> f64 {
    task.times.len() as f64 * NODES as f64 / 2.0 * 4e-8 * task.start.len() as f64
}

pub(super) struct Contour {
    bands: Bands,
    start: Vec<f64>,
    from: f64,
    work: Work,
}

impl Contour {
    pub fn new(task: Task) -> Self {
        let bands = Bands::new(task.system.generator());
        Self { bands, start: task.start, from: task.from, work: Work::default() }
    }
}

impl Stepper for Contour {
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error> {
        if interrupt() {
            return Err(Error::Interrupted { time: self.from });
        }
        let t = to - self.from;
        if t <= 0.0 {
            out.copy_from_slice(&self.start);
            return Ok(());
        }
        out.fill(0.0);
        let n = NODES as f64;
        let mut x = vec![c64::new(0.0, 0.0); out.len()];
        for k in 0..NODES / 2 {
            // z(θ) = n (0.1309 − 0.1194 θ² + 0.25 i θ) at θ = π (2k + 1)/n
            let theta = std::f64::consts::PI * (2 * k + 1) as f64 / n;
            let z = c64::new(n * (0.1309 - 0.1194 * theta * theta), n * 0.25 * theta);
            let slope = c64::new(-2.0 * 0.1194 * theta, 0.25);
            let weight = c64::new(0.0, -2.0) * z.exp() * slope / t;
            let solver = Tridiagonal::eliminate(&self.bands, z / t, 1.0);
            x.iter_mut().zip(&self.start).for_each(|(x, &p)| *x = c64::new(p, 0.0));
            solver.solve_in_place(&mut x);
            out.iter_mut().zip(&x).for_each(|(out, x)| *out += weight.re * x.re - weight.im * x.im);
        }
        self.work.factorisations += NODES as u64 / 2;
        self.work.solves += NODES as u64 / 2;
        Ok(())
    }
    fn error(&self) -> f64 {
        ERROR
    }
    fn work(&self) -> Work {
        self.work
    }
}
