//! exp(tQᵀ)p by shift-and-invert Krylov: a Krylov space of (I − γQᵀ)⁻¹, one factorisation for all outputs within a decade.
//!
//! I. Moret & P. Novati, doi:10.1023/B:BITN.0000046805.27551.3b; J. van den Eshof & M. Hochbruck, doi:10.1137/040605461.
//! The known part, mass·π, is split off first: the rest has mass 0 in every Krylov vector, so probability is conserved to
//! rounding and long times end in π itself.

use std::sync::Arc;

use super::estimate::Spans;
use super::small_exponential::Projected;
use super::system::{Stepper, System, Task, Work};
use crate::engine::{Archive, Interrupt};
use crate::error::{Error, Setting};
use crate::fokker_planck::linear::solver::{Needs, ShiftedSolver};

/// Outputs whose times differ by at most this factor share a Krylov space.
const SPAN: f64 = 12.0;
/// γ is the length of the span over this.
const SHIFT: f64 = 16.0;
/// Vectors after which a span is cut in half instead.
const MOST: usize = 90;
/// Padé steps for a span from its start.
const MARCH: f64 = 64.0;
/// Rounding of the march and the solves, relative to the L1 norm of the rest: as measured, with room.
const ROUNDING: f64 = 1e-13;
/// What is left of the change by the last vector: each takes the error down by a factor of 1½ to 6, as measured.
const LEFT: f64 = 0.5;
/// Share of the tolerance that is aimed at: negative noise shall stay far below what a plot or a logarithm shows.
const SHARE: f64 = 1e-7;

/// Estimated seconds.
pub(crate) fn cost(task: &Task) -> f64 {
    let n = task.start.len() as f64;
    let Needs { factor, solve, .. } = task.system.needs();
    let vectors = 8.0 - 1.9 * (task.tolerance * SHARE).log10().min(0.0); // as measured
    let spans = spans(task).max(1) as f64;
    spans * (factor + vectors * solve + 1.5e-9 * vectors * vectors * n) + task.times.len() as f64 * vectors * n * 1e-9
}

fn spans(task: &Task) -> usize {
    let mut count = 0;
    let mut end = 0.0;
    for t in task.times.iter().map(|t| t - task.from).filter(|&t| t > 0.0) {
        if t > end {
            count += 1;
            end = SPAN * t;
        }
    }
    count
}

pub(crate) struct ShiftInvert {
    system: Arc<System>,
    times: Vec<f64>,
    origin: f64,
    /// Tolerance for one span.
    tolerance: f64,
    /// mass·π, and the rest at the start of the span.
    at_rest: Vec<f64>,
    rest: Vec<f64>,
    from: f64,
    space: Option<Space>,
    factored: Option<(f64, Box<dyn ShiftedSolver>)>,
    error: Spans,
    /// Rounding of the present span.
    rounding: f64,
    work: Work,
}

struct Space {
    until: f64,
    norm: f64,
    basis: Vec<Vec<f64>>,
    projected: Projected,
    /// Without the last vector, and its coordinates: the difference tells the error.
    smaller: Projected,
    fewer: Vec<f64>,
    /// What is left of that difference as an error.
    left: f64,
    /// Coordinates at time `at` after the start of the span.
    at: f64,
    coordinates: Vec<f64>,
}

impl ShiftInvert {
    pub fn new(task: Task) -> Self {
        let mass: f64 = task.start.iter().sum();
        let at_rest = match task.system.law() {
            Some(law) => law.probability.iter().map(|p| mass * p).collect(),
            None => vec![0.0; task.start.len()],
        };
        let rest = task.start.iter().zip(&at_rest).map(|(p, s)| p - s).collect();
        let share = SHARE / spans(&task).max(1) as f64;
        Self {
            system: task.system,
            times: task.times,
            origin: task.from,
            tolerance: (task.tolerance * share).max(1e-13),
            at_rest,
            rest,
            from: task.from,
            space: None,
            factored: None,
            error: Spans::default(),
            rounding: 0.0,
            work: Work::default(),
        }
    }

    /// End of the span that begins at `from` and must reach beyond it towards `to`.
    fn span_end(&self, to: f64) -> f64 {
        let first = self.times.iter().copied().find(|&t| t > self.from).unwrap_or(to).min(to);
        let limit = self.origin + SPAN * (first - self.origin);
        self.times.iter().copied().filter(|&t| t > self.from && t <= limit).fold(first, f64::max)
    }

    fn open(&mut self, until: f64, interrupt: Interrupt) -> Result<(), Error> {
        let mut until = until;
        loop {
            if let Some(space) = self.build(until, interrupt)? {
                self.space = Some(space);
                return Ok(());
            }
            until = self.from + 0.25 * (until - self.from);
            if until - self.from < 1e-12 * (until - self.origin) {
                return Err(self.failure("the Krylov space does not converge"));
            }
        }
    }

    fn failure(&self, what: &str) -> Error {
        let place = format!("at t = {:.6e} after {} solves", self.from, self.work.solves);
        Error::numerical("rational", place, what, "take the integrator \"tr-bdf2\"").set_by(&[Setting::Integrator])
    }

    /// The Krylov space for the span up to `until`; None if it needs too many vectors.
    fn build(&mut self, until: f64, interrupt: Interrupt) -> Result<Option<Space>, Error> {
        let length = until - self.from;
        let gamma = length / SHIFT;
        let reuse = self.factored.as_ref().is_some_and(|(old, _)| gamma / old < 2.0 && old / gamma < 2.0);
        if !reuse {
            self.factored = None; // free the memory first
            self.factored = Some((gamma, self.system.linear().factor(1.0, gamma, interrupt)?));
            self.work.factorisations += 1;
        }
        let Some((gamma, solver)) = self.factored.as_ref().map(|(g, s)| (*g, s.as_ref())) else {
            return Err(self.failure("no factorisation"));
        };
        let norm = norm2(&self.rest);
        let mut basis = vec![self.rest.iter().map(|r| r / norm.max(f64::MIN_POSITIVE)).collect::<Vec<f64>>()];
        let mut columns: Vec<Vec<f64>> = Vec::new();
        loop {
            if interrupt() {
                return Err(Error::Interrupted { time: self.from });
            }
            let (column, next) = extend(solver, &basis, interrupt)?;
            let m = columns.len() + 1;
            let (breakdown, size) = (column[m] <= 1e-14, next.iter().map(|v| v.abs()).sum::<f64>());
            let last = column[m];
            columns.push(column);
            self.work.solves += 1;
            self.work.steps += 1;
            if breakdown || (m >= 6 && m.is_multiple_of(3)) {
                let projected = Projected::new(&columns, gamma);
                let error = if breakdown { 0.0 } else { norm * last * size * leak(&projected, m, length) };
                if error <= self.tolerance || norm == 0.0 {
                    self.rounding = ROUNDING * self.rest.iter().map(|v| v.abs()).sum::<f64>();
                    let mut coordinates = vec![0.0; m];
                    coordinates[0] = 1.0;
                    let smaller = Projected::new(&columns[..(m - 1).max(1)], gamma);
                    let fewer = coordinates[..(m - 1).max(1)].to_vec();
                    let left = if breakdown { 0.0 } else { LEFT };
                    return Ok(Some(Space {
                        until,
                        norm,
                        basis,
                        projected,
                        smaller,
                        fewer,
                        left,
                        at: 0.0,
                        coordinates,
                    }));
                }
                if !error.is_finite() {
                    return Err(self.failure("the density is no longer finite"));
                }
                if m >= MOST {
                    return Ok(None);
                }
            }
            basis.push(next);
        }
    }
}

/// The next column of H and the next vector, by modified Gram–Schmidt.
fn extend(solver: &dyn ShiftedSolver, basis: &[Vec<f64>], interrupt: Interrupt) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let mut w = basis[basis.len() - 1].clone();
    solver.solve(&mut w, interrupt)?;
    let mut column = Vec::with_capacity(basis.len() + 1);
    for v in basis {
        let h: f64 = dot(v, &w);
        w.iter_mut().zip(v).for_each(|(w, v)| *w -= h * v);
        column.push(h);
    }
    let norm = norm2(&w);
    column.push(norm);
    let inverse = 1.0 / norm.max(f64::MIN_POSITIVE);
    w.iter_mut().for_each(|w| *w *= inverse);
    Ok((column, w))
}

/// Largest |e_mᵀ H⁻¹ u(s)| over sampled times of the span: what leaks into the next vector.
fn leak(projected: &Projected, m: usize, length: f64) -> f64 {
    let mut u = vec![0.0; m];
    u[0] = 1.0;
    let (mut worst, mut time) = (0.0f64, 0.0);
    for k in (0..4).rev() {
        let next = length / 3f64.powi(k);
        projected.march(&mut u, next - time, 12);
        time = next;
        worst = worst.max(projected.last_of_inverse(&u).abs());
    }
    worst
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}

fn norm2(x: &[f64]) -> f64 {
    // scaled: the rest may be tiny after a long time
    let largest = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * x.iter().map(|v| (v / largest) * (v / largest)).sum::<f64>().sqrt()
}

impl Space {
    /// The rest at time s after the start of the span; returns its estimated error.
    fn rest(&mut self, s: f64, out: &mut [f64]) -> f64 {
        let step = s - self.at;
        if step > 0.0 {
            let steps = if self.at > 0.0 { (MARCH * step / self.at).ceil().clamp(2.0, MARCH) } else { MARCH };
            self.projected.march(&mut self.coordinates, step, steps as usize);
            self.smaller.march(&mut self.fewer, step, steps as usize);
            self.at = s;
        }
        out.fill(0.0);
        let mut change = vec![0.0; out.len()];
        let fewer = self.fewer.iter().copied().chain(std::iter::repeat(0.0));
        for (v, (&c, f)) in self.basis.iter().zip(self.coordinates.iter().zip(fewer)) {
            let (c, d) = (c * self.norm, (c - f) * self.norm);
            out.iter_mut().zip(&mut change).zip(v).for_each(|((out, change), v)| {
                *out += c * v;
                *change += d * v;
            });
        }
        self.left * change.iter().map(|v| v.abs()).sum::<f64>()
    }
}

impl Stepper for ShiftInvert {
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error> {
        loop {
            if let Some(mut space) = self.space.take() {
                if to <= space.until {
                    let error = space.rest(to - self.from, out);
                    self.error.outputs(&[error + self.rounding]);
                    self.space = Some(space);
                    break;
                }
                let mut rest = std::mem::take(&mut self.rest);
                let error = space.rest(space.until - self.from, &mut rest);
                self.error.end(error + self.rounding);
                self.rest = rest;
                self.from = space.until;
            }
            if to <= self.from {
                out.copy_from_slice(&self.rest);
                break;
            }
            self.open(self.span_end(to), interrupt)?;
        }
        out.iter_mut().zip(&self.at_rest).for_each(|(out, at_rest)| *out += at_rest);
        Ok(())
    }
    fn error(&self) -> f64 {
        self.error.worst()
    }
    fn work(&self) -> Work {
        self.work
    }
    /// The Krylov space, up to ninety vectors, is built again from the rest that it starts with.
    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.array("rest", &mut self.rest)?;
        archive.number("from", &mut self.from)?;
        let mut gamma = self.factored.as_ref().map(|(gamma, _)| *gamma);
        archive.optional("factored", &mut gamma)?;
        let mut until = self.space.as_ref().map(|space| space.until);
        archive.optional("until", &mut until)?;
        if archive.is_restoring() {
            self.factored = match gamma {
                Some(gamma) => Some((gamma, self.system.linear().factor(1.0, gamma, &|| false)?)),
                None => None,
            };
            self.space = until.map(|until| self.build(until, &|| false)).transpose()?.flatten();
        }
        if let Some(space) = &mut self.space {
            archive.number("at", &mut space.at)?;
            archive.array("coordinates", &mut space.coordinates)?;
            archive.array("fewer", &mut space.fewer)?;
        }
        archive.number("rounding", &mut self.rounding)?;
        self.error.archive(archive)?;
        self.work.archive(archive)
    }
}
