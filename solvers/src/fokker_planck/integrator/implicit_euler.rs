//! Implicit Euler: first order, non-negative and mass-conserving for every step size.

use super::one_step::{Formula, OneStep, State};
use super::system::{Integrator, Task};
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::linear::solver::{Needs, ShiftedSolver};

/// Entry of the table of integrators.
pub const INTEGRATOR: Integrator = Integrator {
    name: "implicit-euler",
    about: "first order, positive for every step, adaptive",
    order: Some(1),
    positive: true,
    reference: "10.1007/978-3-642-05221-7",
    cost,
    build: |task| Ok(Box::new(OneStep::new(task, ImplicitEuler))),
};

fn cost(task: &Task) -> f64 {
    let Needs { factor, solve, .. } = task.system.needs();
    10.0 * factor + 4.0 / task.tolerance * 3.0 * solve
}

struct ImplicitEuler;

impl Formula for ImplicitEuler {
    fn name(&self) -> &'static str {
        INTEGRATOR.name
    }
    fn order(&self) -> u32 {
        1
    }
    fn diagonal(&self) -> f64 {
        1.0
    }
    fn solves(&self) -> u64 {
        3
    }
    /// p' = (I − hQᵀ)⁻¹ p; the local error h²/2 p'' ≈ h/2 (f' − f), smoothed by one more solve.
    fn step(
        &mut self,
        solver: &dyn ShiftedSolver,
        h: f64,
        old: &State,
        new: &mut State,
        error: &mut [f64],
        interrupt: Interrupt,
    ) -> Result<(), Error> {
        new.p.copy_from_slice(&old.p);
        solver.solve(&mut new.p, interrupt)?;
        for i in 0..error.len() {
            new.f[i] = (new.p[i] - old.p[i]) / h;
            error[i] = 0.5 * h * (new.f[i] - old.f[i]);
        }
        solver.solve(error, interrupt)
    }
    fn carry(&self, solver: &dyn ShiftedSolver, carried: &mut [f64], interrupt: Interrupt) -> Result<(), Error> {
        solver.solve(carried, interrupt)
    }
    fn interpolate(&self, _: f64, s: f64, old: &State, new: &State, out: &mut [f64]) {
        for i in 0..out.len() {
            out[i] = (1.0 - s) * old.p[i] + s * new.p[i];
        }
    }
}
