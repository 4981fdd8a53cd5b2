//! What the implicit one-step methods share: step control, reuse of factorisations, output between steps.

use std::sync::Arc;

use super::system::{Stepper, System, Task, Work};
use crate::engine::{Archive, Interrupt};
use crate::error::{Error, Setting};
use crate::fokker_planck::linear::solver::ShiftedSolver;

/// Cell probabilities p and their rate of change f = Qᵀp.
#[derive(Clone)]
pub(crate) struct State {
    pub p: Vec<f64>,
    pub f: Vec<f64>,
}

/// An implicit formula whose stages all solve with I − `diagonal`·h Qᵀ.
pub(crate) trait Formula: Send {
    fn name(&self) -> &'static str;
    fn order(&self) -> u32;
    fn diagonal(&self) -> f64;
    /// Solves per step.
    fn solves(&self) -> u64;
    /// One step of length h; `error` receives an estimate of the local error.
    fn step(
        &mut self,
        solver: &dyn ShiftedSolver,
        h: f64,
        old: &State,
        new: &mut State,
        error: &mut [f64],
        interrupt: Interrupt,
    ) -> Result<(), Error>;
    /// The error that the state had before the step, a step later: `carried` := R(hQᵀ) carried, R the formula's stability function.
    fn carry(&self, solver: &dyn ShiftedSolver, carried: &mut [f64], interrupt: Interrupt) -> Result<(), Error>;
    /// Value at the fraction s of the step.
    fn interpolate(&self, h: f64, s: f64, old: &State, new: &State, out: &mut [f64]);
}

/// Factorisations kept for reuse occupy at most this much.
const CACHE: usize = 1 << 30;
/// Steps are duration·2^level; below this level the method gives up.
const LOWEST_LEVEL: i32 = -64;
/// After this many steps the method gives up: a first-order method needs so many only where another is far quicker.
const MAX_STEPS: u64 = 200_000;

pub(crate) struct OneStep<F> {
    system: Arc<System>,
    formula: F,
    start: f64,
    longest: f64,
    tolerance: f64,
    fixed: Option<f64>,
    level: i32,
    old: State,
    new: State,
    error: Vec<f64>,
    /// Estimated error of `old.p` and of `new.p`: local errors, each carried on by the formula's own steps. To leading order: what is
    /// left of modes that a step no longer resolves, far below the tolerance, may be told too small.
    carried: [Vec<f64>; 2],
    old_time: f64,
    time: f64,
    factors: Vec<(i32, Box<dyn ShiftedSolver>)>,
    worst: f64,
    work: Work,
}

impl<F: Formula> OneStep<F> {
    pub fn new(task: Task, formula: F) -> Self {
        let n = task.start.len();
        let longest = if task.duration() > 0.0 { task.duration() } else { 1.0 };
        let mut state = State { p: task.start, f: vec![0.0; n] };
        task.system.generator().forward(&state.p, &mut state.f);
        let change: f64 = state.f.iter().map(|f| f.abs()).sum();
        let first = task.tolerance.powf(1.0 / f64::from(formula.order() + 1)) / change.max(1e-300);
        let level = ((first / longest).log2().floor()).clamp(-40.0, -3.0) as i32;
        Self {
            system: task.system,
            formula,
            start: task.from,
            longest,
            tolerance: task.tolerance,
            fixed: task.step,
            level,
            old: state.clone(),
            new: state,
            error: vec![0.0; n],
            carried: [vec![0.0; n], vec![0.0; n]],
            old_time: task.from,
            time: task.from,
            factors: Vec::new(),
            worst: 0.0,
            work: Work { products: 1, ..Work::default() },
        }
    }

    fn solver(&mut self, h: f64, interrupt: Interrupt) -> Result<usize, Error> {
        let key = if self.fixed.is_some() { 0 } else { self.level };
        if let Some(at) = self.factors.iter().position(|(level, _)| *level == key) {
            return Ok(at);
        }
        let solver = self.factor(h, interrupt)?;
        self.work.factorisations += 1;
        while !self.factors.is_empty() && (self.factors.len() + 1) * solver.bytes() > CACHE {
            self.factors.remove(0);
        }
        self.factors.push((key, solver));
        Ok(self.factors.len() - 1)
    }

    /// The local error that a step may make: the tolerance is spent evenly over the logarithm of time, since errors of an
    /// earlier, faster phase of the relaxation decay with it.
    fn allowed(&self, h: f64) -> f64 {
        0.25 * self.tolerance * h / (self.time - self.start + h)
    }

    /// Length of the step at a level.
    fn length(&self, level: i32) -> f64 {
        self.fixed.unwrap_or(self.longest * 2f64.powi(level))
    }

    /// The factorisation for a step of length h.
    fn factor(&self, h: f64, interrupt: Interrupt) -> Result<Box<dyn ShiftedSolver>, Error> {
        self.system.linear().factor(1.0, self.formula.diagonal() * h, interrupt)
    }

    fn one_step(&mut self, interrupt: Interrupt) -> Result<(), Error> {
        loop {
            let h = self.length(self.level);
            if self.level < LOWEST_LEVEL {
                return Err(self.failure("the step became too small to go on"));
            }
            if self.work.steps >= MAX_STEPS {
                return Err(self.too_many_steps(h));
            }
            let at = self.solver(h, interrupt)?;
            let solver = self.factors[at].1.as_ref();
            // the accepted state is `new`; the step goes from it into `old`, and they change places
            self.formula.step(solver, h, &self.new, &mut self.old, &mut self.error, interrupt)?;
            self.work.solves += self.formula.solves();
            let error: f64 = self.error.iter().map(|e| e.abs()).sum();
            if !error.is_finite() {
                return Err(self.failure("the density is no longer finite"));
            }
            let (ratio, order) = (error / self.allowed(h), self.formula.order() as i32);
            if ratio > 1.0 && self.fixed.is_none() {
                self.work.rejected += 1;
                self.level -= ((ratio.log2() / f64::from(order)).ceil() as i32).max(1);
                continue;
            }
            std::mem::swap(&mut self.old, &mut self.new);
            let [before, after] = &mut self.carried;
            std::mem::swap(before, after);
            after.copy_from_slice(before);
            self.formula.carry(solver, after, interrupt)?;
            after.iter_mut().zip(&self.error).for_each(|(carried, local)| *carried += local);
            self.work.steps += 1;
            (self.old_time, self.time) = (self.time, self.time + h);
            if ratio * 1.5 * 2f64.powi(order) < 1.0 && self.level < -2 {
                self.level += 1;
            }
            return Ok(());
        }
    }

    fn failure(&self, what: &str) -> Error {
        Error::numerical(
            self.formula.name(),
            format!("at t = {:.6e} after {} steps", self.time, self.work.steps),
            what,
            "loosen the tolerance or choose another integrator",
        )
        .set_by(&[Setting::IntegratorTolerance, Setting::Integrator])
    }

    fn too_many_steps(&self, h: f64) -> Error {
        // with an error of order h^(p+1) a step and an allowance ∝ tolerance·h, steps go like tolerance^(−1/p)
        let (done, order) = (self.time - self.start, f64::from(self.formula.order()));
        let wanted = 10f64.powf((self.tolerance * 100f64.powf(order)).log10().ceil());
        let looser = if wanted < 0.1 { format!(", or ask for a tolerance of {wanted:.0e}") } else { String::new() };
        let what = format!(
            "{MAX_STEPS} steps reached {:.2} % of the time (the step is {h:.1e}): tolerance {:.0e} is too tight for a method of \
             order {order}",
            100.0 * done / self.longest,
            self.tolerance
        );
        let help = format!("leave the integrator to the program{looser}");
        Error::numerical(self.formula.name(), format!("at t = {:.6e}", self.time), what, help)
            .set_by(&[Setting::Integrator, Setting::IntegratorTolerance])
    }
}

impl<F: Formula> Stepper for OneStep<F> {
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error> {
        // a time within rounding of the last step belongs to it
        while self.time < to - 1e-13 * self.longest {
            if interrupt() {
                return Err(Error::Interrupted { time: self.time });
            }
            self.one_step(interrupt)?;
        }
        let h = self.time - self.old_time;
        let s = if h > 0.0 { ((to - self.old_time) / h).min(1.0) } else { 1.0 };
        if (1.0 - s) * h < 1e-13 * self.longest {
            out.copy_from_slice(&self.new.p);
        } else {
            self.formula.interpolate(h, s, &self.old, &self.new, out);
        }
        let [before, after] = &self.carried;
        let carried = before.iter().zip(after).map(|(a, b)| ((1.0 - s) * a + s * b).abs()).sum();
        self.worst = self.worst.max(carried);
        Ok(())
    }
    fn error(&self) -> f64 {
        self.worst
    }
    fn work(&self) -> Work {
        self.work
    }
    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        let mut level = i64::from(self.level) as u64;
        archive.count("level", &mut level)?;
        self.level = level as i64 as i32;
        for (name, state) in [("old", &mut self.old), ("new", &mut self.new)] {
            archive.array(name, &mut state.p)?;
            archive.array(&format!("{name}_rate"), &mut state.f)?;
        }
        archive.pieces("carried", self.carried.iter_mut().map(Vec::as_mut_slice).collect())?;
        archive.number("old_time", &mut self.old_time)?;
        archive.number("time", &mut self.time)?;
        archive.number("worst_error", &mut self.worst)?;
        self.work.archive(archive)?;
        let mut levels: Vec<u64> = self.factors.iter().map(|(level, _)| i64::from(*level) as u64).collect();
        archive.counts("factored_levels", &mut levels)?;
        if archive.is_restoring() {
            let again = |level: u64| {
                let level = level as i64 as i32;
                Ok((level, self.factor(self.length(level), &|| false)?))
            };
            self.factors = levels.into_iter().map(again).collect::<Result<_, Error>>()?;
        }
        Ok(())
    }
}
