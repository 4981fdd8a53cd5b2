//! TR-BDF2: one step of the trapezoidal rule and one of BDF2, second order, L-stable, both stages with the same matrix.
//!
//! Bank, Coughran, Fichtner, Grosse, Rose & Smith, doi:10.1109/TCAD.1985.1270142; embedded third-order formula of Hosea &
//! Shampine, doi:10.1016/0168-9274(95)00115-8.

use super::one_step::{Formula, OneStep, State};
use super::system::{Integrator, Task};
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::linear::solver::{Needs, ShiftedSolver};

/// Entry of the table of integrators.
pub const INTEGRATOR: Integrator = Integrator {
    name: "tr-bdf2",
    about: "second order, L-stable, adaptive with an embedded error estimate",
    order: Some(2),
    positive: false,
    reference: "10.1016/0168-9274(95)00115-8",
    cost,
    build: |task| Ok(Box::new(OneStep::new(task, TrBdf2::default()))),
};

fn cost(task: &Task) -> f64 {
    let Needs { factor, solve, .. } = task.system.needs();
    let steps = 4.0 * task.tolerance.powf(-1.0 / 3.0);
    12.0 * factor + 5.0 * steps * (solve + 5e-9 * task.start.len() as f64)
}

/// γ = 2 − √2, the fraction of the step where the first stage ends; γ/2 multiplies h in both matrices.
const GAMMA: f64 = 2.0 - std::f64::consts::SQRT_2;
const DIAGONAL: f64 = 0.5 * GAMMA;
/// Weight √2/4 of the first two stages.
const WEIGHT: f64 = std::f64::consts::SQRT_2 / 4.0;

#[derive(Default)]
struct TrBdf2 {
    middle: Vec<f64>,
}

impl Formula for TrBdf2 {
    fn name(&self) -> &'static str {
        INTEGRATOR.name
    }
    fn order(&self) -> u32 {
        2
    }
    fn diagonal(&self) -> f64 {
        DIAGONAL
    }
    fn solves(&self) -> u64 {
        5
    }
    fn step(
        &mut self,
        solver: &dyn ShiftedSolver,
        h: f64,
        old: &State,
        new: &mut State,
        error: &mut [f64],
        interrupt: Interrupt,
    ) -> Result<(), Error> {
        let n = error.len();
        let step = DIAGONAL * h;
        // trapezoidal rule to γh; the stage's rate follows from its own equation, not from a stiff product
        self.middle.clear();
        self.middle.extend((0..n).map(|i| old.p[i] + step * old.f[i]));
        solver.solve(&mut self.middle, interrupt)?;
        // BDF2 in Runge-Kutta form: p' = p + h (w f + w f_γ + γ/2 f')
        for i in 0..n {
            let rate = (self.middle[i] - old.p[i]) / step - old.f[i];
            self.middle[i] = rate;
            new.p[i] = old.p[i] + WEIGHT * h * (old.f[i] + rate);
        }
        new.f.copy_from_slice(&new.p);
        solver.solve(&mut new.p, interrupt)?;
        for i in 0..n {
            new.f[i] = (new.p[i] - new.f[i]) / step;
            let third = (1.0 - WEIGHT) / 3.0 * old.f[i]
                + (3.0 * WEIGHT + 1.0) / 3.0 * self.middle[i]
                + DIAGONAL / 3.0 * new.f[i];
            error[i] = h * (WEIGHT * (old.f[i] + self.middle[i]) + DIAGONAL * new.f[i] - third);
        }
        solver.solve(error, interrupt)
    }
    /// R(z) = (1 + (1 − γ)z)/(1 − γz/2)² = A/(1 − γz/2) + B/(1 − γz/2)², A = 2 − 2/γ, B = 1 − A.
    fn carry(&self, solver: &dyn ShiftedSolver, carried: &mut [f64], interrupt: Interrupt) -> Result<(), Error> {
        solver.solve(carried, interrupt)?;
        let mut twice = carried.to_vec();
        solver.solve(&mut twice, interrupt)?;
        let single = 2.0 - 1.0 / DIAGONAL;
        carried.iter_mut().zip(&twice).for_each(|(once, twice)| *once = single * *once + (1.0 - single) * twice);
        Ok(())
    }
    /// The parabola through both ends with the slope of the new one, which is damped: with the old slope, that of a cubic, modes
    /// far faster than the step would overshoot by h|λ|/7.
    fn interpolate(&self, h: f64, s: f64, old: &State, new: &State, out: &mut [f64]) {
        let (a, b) = ((1.0 - s) * (1.0 - s), h * s * (1.0 - s));
        for i in 0..out.len() {
            out[i] = a * old.p[i] + (1.0 - a) * new.p[i] - b * new.f[i];
        }
    }
}
