//! The declared orders of the integrators, on a generator whose exponential is known: a walk between reflecting walls.

use std::f64::consts::PI;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::fokker_planck::generator::GeneratorBuilder;
use fpsolve_solvers::fokker_planck::integrator::system::{System, Task};
use fpsolve_solvers::fokker_planck::integrator::table::INTEGRATORS;
use fpsolve_solvers::problem::density::l1;

use super::super::{Rows, Setting};

const CELLS: usize = 64;
/// Errors at the shortest step, as they were measured.
const LEVELS: [(&str, f64); 2] = [("implicit-euler", 1.1686e-3), ("tr-bdf2", 2.4534e-6)];
/// Error that methods without an order are asked for.
const TOLERANCE: f64 = 1e-9;

/// Every method of the table: order and level at fixed steps; those without an order keep their tolerance.
pub(super) fn integrators(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    for method in INTEGRATORS {
        let error = |step: Option<f64>| -> Result<f64, Error> {
            let mut p = law(0.0);
            let system = Arc::new(System::new(Arc::new(walk()), &[CELLS], None));
            let task = Task { system, start: p.clone(), from: 0.0, times: vec![1.0], tolerance: TOLERANCE, step };
            (method.build)(task)?.advance(1.0, setting.interrupt, &mut p)?;
            Ok(l1(&p, &law(1.0)))
        };
        let Some(order) = method.order else {
            let why = format!("tolerance {TOLERANCE:.0e}; a walk between walls, its exponential by cosines");
            rows.below(format!("{}: error of a walk", method.name), error(None)?, TOLERANCE, why);
            continue;
        };
        let (coarse, fine) = (error(Some(1.0 / 32.0))?, error(Some(1.0 / 64.0))?);
        let (declared, level) = (f64::from(order), LEVELS.iter().find(|(name, _)| *name == method.name));
        let level = level.map_or(f64::NAN, |(_, level)| *level);
        rows.within(
            format!("{}: order in the step", method.name),
            (coarse / fine).log2(),
            [declared - 0.1, declared + 0.6],
            format!("declared {order}; a walk between walls, its exponential by cosines"),
        );
        rows.near(
            format!("{}: error over its level", method.name),
            fine / level,
            1.0,
            0.05,
            format!("pinned at {level:.3e}, steps of 1/64"),
        );
    }
    Ok(())
}

/// A walk with equal rates between neighbours, slowest rate about 1.
pub(in crate::suite) fn walk() -> fpsolve_solvers::fokker_planck::generator::Generator {
    let mut builder = GeneratorBuilder::new(CELLS);
    (1..CELLS).for_each(|i| builder.add_edge(i - 1, i, rate(), rate()));
    builder.finish()
}

fn rate() -> f64 {
    (CELLS as f64 / PI).powi(2)
}

/// Σ_k c_k e^{−2r(1 − cos(kπ/n)) t} cos(kπ(i + ½)/n) over a few modes.
fn law(t: f64) -> Vec<f64> {
    let n = CELLS as f64;
    let mode = |k: f64, i: usize| {
        (-2.0 * rate() * (1.0 - (k * PI / n).cos()) * t).exp() * (k * PI * (i as f64 + 0.5) / n).cos()
    };
    (0..CELLS).map(|i| (1.0 + 0.6 * mode(1.0, i) + 0.3 * mode(2.0, i)) / n).collect()
}
