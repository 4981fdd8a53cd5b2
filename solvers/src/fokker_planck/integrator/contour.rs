//! exp(tQᵀ)p on one axis: the Cauchy integral on a parabola around the negative real axis, one complex tridiagonal solve a node.
//!
//! J. A. C. Weideman & L. N. Trefethen, doi:10.1090/S0025-5718-07-01945-X: the error falls like 2.85⁻ⁿ with n nodes, uniformly
//! in the stiffness, so every output is computed from the start, whatever its time. Needs a real spectrum: reversible problems. Where the
//! start lies far out in a tail, L1 sees how far from normal the generator is, and the error falls more slowly: it is estimated by a
//! sum over fewer nodes, and the time cut where it is too large.

use faer::c64;

use super::shifted_lanes::{LANES, Nodes, add_term};
use super::system::{Stepper, System, Task, Work};
use crate::Error;
use crate::engine::{Archive, Interrupt};
use crate::fokker_planck::linear::tridiagonal::{Bands, neighbours_only};

/// Nodes on both halves of the parabola; conjugate pairs share a solve.
const NODES: usize = 32;
/// Nodes of the second sum that the error is estimated by. Errors fall geometrically, so the first one's is about the square of the
/// difference.
const FEWER: usize = 16;
/// Measured against exact exponentials: 10⁻¹³; the estimate leaves room.
const ERROR: f64 = 3e-13;
/// How much larger than the square of the difference the error may be.
const ROOM: f64 = 5.0;
/// Share of the tolerance that a step may take; larger errors make it shorter. They appear where the start lies far out in a tail.
const SHARE: f64 = 1e-3;
/// Shortest step relative to the time that is left.
const SHORTEST: f64 = 1e-5;
/// Seconds of a node for each cell, measured.
const SECONDS: f64 = 5e-9;

/// Whether the contour method serves this system.
pub(crate) fn applies(system: &System) -> bool {
    neighbours_only(system.generator()) && system.symmetric().is_some()
}

/// Estimated seconds.
pub(crate) fn cost(task: &Task) -> f64 {
    task.times.len() as f64 * ((NODES + FEWER) / 2) as f64 * SECONDS * task.start.len() as f64
}

pub(crate) struct Contour {
    bands: Bands,
    start: Vec<f64>,
    from: f64,
    tolerance: f64,
    /// Estimated error of `start`, and the largest so far.
    start_error: f64,
    error: f64,
    fewer: Vec<f64>,
    space: Vec<Nodes>,
    work: Work,
}

impl Contour {
    pub fn new(task: Task) -> Self {
        let n = task.start.len();
        Self {
            bands: Bands::new(task.system.generator()),
            start: task.start,
            from: task.from,
            tolerance: task.tolerance,
            start_error: 0.0,
            error: ERROR,
            fewer: vec![0.0; n],
            space: vec![Nodes::from(0.0); n],
            work: Work::default(),
        }
    }

    /// A step t from the start, into `out`; returns the estimated error.
    fn step(&mut self, t: f64, out: &mut [f64]) -> f64 {
        let mut fewer = std::mem::take(&mut self.fewer);
        self.sum(NODES, t, out);
        self.sum(FEWER, t, &mut fewer);
        let difference: f64 = out.iter().zip(&fewer).map(|(a, b)| (a - b).abs()).sum();
        self.fewer = fewer;
        let mass: f64 = self.start.iter().map(|p| p.abs()).sum();
        let power = (NODES / FEWER) as i32;
        if mass > 0.0 { mass * (ERROR + ROOM * (difference / mass).powi(power)) } else { 0.0 }
    }

    /// The sum over the nodes.
    fn sum(&mut self, nodes: usize, t: f64, out: &mut [f64]) {
        out.fill(0.0);
        for first in (0..nodes / 2).step_by(LANES) {
            let (mut shift, mut weight) = (Nodes::from(0.0), Nodes::from(0.0));
            for lane in 0..LANES {
                let (z, w) = node(first + lane, nodes);
                shift.set(lane, z / t);
                weight.set(lane, w / t);
            }
            add_term(&self.bands, &shift, &weight, &self.start, &mut self.space, out);
        }
        self.work.factorisations += nodes as u64 / 2;
        self.work.solves += nodes as u64 / 2;
    }
}

/// Node k of n and its weight: z(θ) = n (0.1309 − 0.1194 θ² + 0.25 i θ) at θ = π (2k + 1)/n, −2i e^z dz/dθ/n.
fn node(k: usize, n: usize) -> (c64, c64) {
    let n = n as f64;
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
            let left = to - self.from;
            t = if t < 0.9 * left { t } else { left };
            let error = self.step(t, out);
            // NaN: out of range
            if (error.is_nan() || error > SHARE * self.tolerance + 2.0 * ERROR) && t > SHORTEST * left {
                self.work.rejected += 1;
                t *= 0.4;
                continue;
            }
            let error = self.start_error + error;
            self.error = self.error.max(error);
            self.work.steps += 1;
            if t >= left {
                return Ok(());
            }
            self.start_error = error;
            self.start.copy_from_slice(out);
            self.from += t;
            t *= 2.0;
        }
    }
    fn error(&self) -> f64 {
        self.error
    }
    fn work(&self) -> Work {
        self.work
    }
    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.array("start", &mut self.start)?;
        archive.number("from", &mut self.from)?;
        archive.number("start_error", &mut self.start_error)?;
        archive.number("error", &mut self.error)?;
        self.work.archive(archive)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Arc;

    use crate::fokker_planck::testing::fixtures::{bump, chain, exact, ring};
    use crate::problem::density::l1;

    fn run(system: System, start: &[f64], t: f64) -> (Vec<f64>, f64, Work) {
        let task = Task {
            system: Arc::new(system),
            start: start.to_vec(),
            from: 0.0,
            times: vec![t],
            tolerance: 1e-6,
            step: None,
        };
        assert!(applies(&task.system));
        let (mut contour, mut out) = (Contour::new(task), vec![0.0; start.len()]);
        contour.advance(t, &|| false, &mut out).unwrap();
        (out, contour.error(), contour.work())
    }

    #[test]
    fn one_step_is_exact_to_its_estimate_on_a_line_and_on_a_ring() {
        let half = |x: f64| 0.5 * x * x;
        for generator in [chain(101, -2.0, 2.0, 0.1, half), ring(90, 0.0, 0.3)] {
            let n = generator.cells();
            let start = bump(n, 30.0, 4.0);
            for t in [1e-3, 0.3, 5.0] {
                let truth = exact(&generator, &start, t);
                let (out, said, work) = run(System::new(Arc::new(generator.clone()), &[n], None), &start, t);
                assert_eq!(work.solves, (NODES + FEWER) as u64 / 2);
                let error = l1(&out, &truth);
                assert!(error < 3.0 * said + 1e-12 && said < 1e-11, "{n} cells, t = {t}: {error:e}, said {said:e}");
            }
        }
    }

    #[test]
    fn a_start_far_out_in_a_tail_is_followed_in_shorter_steps() {
        // 28, 9 and 13 standard deviations from the centre: the density there is e⁻³⁹², e⁻⁴⁵, e⁻⁸⁵
        for (n, temperature, at, t) in [(160, 0.01, 24.0, 1.0), (240, 0.1, 30.0, 0.3), (240, 0.05, 30.0, 1.0)] {
            let generator = chain(n, -4.0, 4.0, temperature, |x| 0.5 * x * x);
            let start = bump(n, at, 2.0);
            let truth = exact(&generator, &start, t);
            let (out, said, work) = run(System::new(Arc::new(generator), &[n], None), &start, t);
            let error = l1(&out, &truth);
            assert!(work.steps > 1 || temperature > 0.01, "{work:?}");
            assert!(error < 3.0 * said + 1e-11 && said < 1e-7, "{n} {temperature}: {error:e}, said {said:e}, {work:?}");
            assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-11);
        }
    }
}
