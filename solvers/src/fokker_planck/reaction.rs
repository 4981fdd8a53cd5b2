//! Transitions from one set to another by the edge generator (see [`crate::escape::reaction`]).
//!
//! The time-reversed generator is R_ij = π_j Q_ji/π_i. Both committors come from subtraction-free solves, so that J_AB keeps its relative
//! accuracy however high the barrier is.

use std::sync::Arc;

use super::edges::discretisation::EdgeDiscretisation;
use super::edges::first_passage::committor_and_arrival;
use super::generator::current::current;
use super::generator::{Generator, GeneratorBuilder};
use crate::Error;
use crate::engine::Interrupt;
use crate::escape::passage::Target;
use crate::escape::reaction::Reaction;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Error on the grid 2h over that on h, less 1.
const GROWTH: f64 = 3.0;

/// Transitions from `from` to `to` of a process at rest with drift b and A = T·D on a grid.
///
/// Errors: no unique stationary law, a set without cells, cells without a way to either set, [`Error::Interrupted`].
pub fn reaction(
    dynamics: &Arc<dyn Dynamics>,
    temperature: f64,
    grid: &Grid,
    [from, to]: [&Target; 2],
    interrupt: Interrupt,
) -> Result<Reaction, Error> {
    let on = |grid: &Grid| on_one_grid(dynamics, temperature, grid, [from, to], interrupt);
    let mut found = on(grid)?;
    found.flux_error = match grid.coarsened().as_ref().map(on) {
        Some(Ok(coarse)) => Some((found.flux - coarse.flux).abs() / GROWTH),
        Some(Err(error @ Error::Interrupted { .. })) => return Err(error),
        // a set too small for the coarse grid
        Some(Err(_)) | None => None,
    };
    Ok(found)
}

fn on_one_grid(
    dynamics: &Arc<dyn Dynamics>,
    temperature: f64,
    grid: &Grid,
    [from, to]: [&Target; 2],
    interrupt: Interrupt,
) -> Result<Reaction, Error> {
    let edges = EdgeDiscretisation::on(dynamics, temperature, grid)?.solved(interrupt)?;
    let (law, generator) = (edges.law.clone()?, &edges.edges.generator);
    let reversed;
    let back = match law.reversible {
        true => generator,
        false => {
            reversed = time_reversed(generator, &law.log_probability);
            &reversed
        }
    };
    let (forward, arrival) = committor_and_arrival(generator, grid, to, from, interrupt)?;
    let (backward, departure) = committor_and_arrival(back, grid, from, to, interrupt)?;
    let p = &law.probability;
    let sum = |f: &dyn Fn(usize) -> f64| (0..p.len()).map(|i| p[i] * f(i)).sum::<f64>();
    let flux = sum(&|i| backward[i] * arrival[i]);
    let other = sum(&|i| forward[i] * departure[i]);
    let on_the_way = sum(&|i| backward[i] * forward[i]);
    let along = GeneratorOf { generator, p, forward: &forward, backward: &backward }.build();
    Ok(Reaction {
        probability: (0..p.len()).map(|i| p[i] * backward[i] * forward[i] / on_the_way).collect(),
        current: current(&along, grid, &vec![1.0; p.len()]),
        flux,
        flux_error: None,
        residual: (other / flux - 1.0).abs(),
        from_share: sum(&|i| backward[i]),
        duration: on_the_way / flux,
        forward,
        backward,
    })
}

/// R_ij = π_j Q_ji/π_i.
fn time_reversed(generator: &Generator, log_law: &[f64]) -> Arc<Generator> {
    let n = generator.cells();
    let mut builder = GeneratorBuilder::new(n);
    for i in 0..n {
        let ((cells, out), (_, back)) = (generator.outgoing(i), generator.incoming(i));
        for ((&j, &out), &back) in cells.iter().zip(out).zip(back) {
            let j = j as usize;
            if i < j {
                let ratio = (log_law[j] - log_law[i]).exp();
                let finite = |rate: f64| if rate.is_finite() { rate } else { 0.0 };
                builder.add_edge(i, j, finite(back * ratio), finite(out / ratio));
            }
        }
    }
    Arc::new(builder.finish())
}

/// Edges with the fluxes of transitions, π_i q⁻_i Q_ij q⁺_j, in the place of rates: of the law 1 they have the current of transitions.
struct GeneratorOf<'a> {
    generator: &'a Generator,
    p: &'a [f64],
    forward: &'a [f64],
    backward: &'a [f64],
}

impl GeneratorOf<'_> {
    fn build(&self) -> Generator {
        let n = self.p.len();
        let mut builder = GeneratorBuilder::new(n);
        for i in 0..n {
            let ((cells, out), (_, back)) = (self.generator.outgoing(i), self.generator.incoming(i));
            for ((&j, &out), &back) in cells.iter().zip(out).zip(back) {
                let j = j as usize;
                if i < j {
                    let there = self.p[i] * self.backward[i] * out * self.forward[j];
                    let here = self.p[j] * self.backward[j] * back * self.forward[i];
                    builder.add_edge(i, j, there, here);
                }
            }
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dynamics::FromFunctions;
    use crate::fokker_planck::spectrum::spectrum;
    use crate::formula::{Symbols, parse};
    use crate::problem::grid::{Axis, Boundary};

    fn set(text: &str, d: usize) -> Target {
        Target::new(text, &parse(text, &Symbols::new(&["x", "y"][..d])).unwrap(), d)
    }

    fn grid(d: usize, cells: usize) -> Grid {
        let axis = |k: usize| Axis::uniform(["x", "y"][k], -2.0, 2.0, cells, [Boundary::Reflecting; 2]).unwrap();
        Grid::new((0..d).map(axis).collect()).unwrap()
    }

    /// (x² − 1)²/4 along x, a harmonic well across, with a rotation ω of strength `turn` that leaves e^{−L/T} as it is.
    fn wells(d: usize, turn: f64) -> Arc<dyn Dynamics> {
        let drift = move |t: &[f64], b: &mut [f64]| {
            let slope = t[0].powi(3) - t[0];
            b[0] = -slope;
            if t.len() > 1 {
                b[0] -= turn * t[1];
                b[1] = -t[1] + turn * slope;
            }
        };
        Arc::new(FromFunctions::new(d, drift, move |_, out| {
            out.fill(0.0);
            out[0] = 1.0;
            if out.len() > 1 {
                out[2] = 1.0;
            }
        }))
    }

    #[test]
    fn on_a_line_the_rate_is_that_of_quadrature() {
        // J = T/∫ e^{L/T} dx / ∫ e^{−L/T} between the sets
        let t = 0.05;
        let found =
            reaction(&wells(1, 0.0), t, &grid(1, 400), [&set("x < -0.9", 1), &set("x > 0.9", 1)], &|| false).unwrap();
        let loss = |x: f64| (x * x - 1.0f64).powi(2) / 4.0;
        let integral = |a: f64, b: f64, sign: f64| {
            let n = 40_000;
            let h = (b - a) / n as f64;
            (0..n).map(|i| (sign * loss(a + (i as f64 + 0.5) * h) / t).exp() * h).sum::<f64>()
        };
        let exact = t / integral(-0.9, 0.9, 1.0) / integral(-2.0, 2.0, -1.0);
        assert!((found.flux / exact - 1.0).abs() < 1e-3, "{:e} {exact:e}", found.flux);
        assert!((found.flux - exact).abs() < 3.0 * found.flux_error.unwrap(), "{:?} {exact:e}", found.flux_error);
        assert!(found.residual < 1e-10 && (found.from_share - 0.5).abs() < 1e-9, "{found:?}");
        // as much passes every point between
        let centre = |i: usize| -2.0 + (i as f64 + 0.5) * 0.01;
        for i in (0..400).filter(|i| centre(*i).abs() < 0.85) {
            assert!((found.current[i] / found.flux - 1.0).abs() < 1e-6, "at {}: {}", centre(i), found.current[i]);
        }
    }

    #[test]
    fn at_low_temperature_there_and_back_add_up_to_the_slowest_mode() {
        let (t, grid) = (0.03, grid(1, 400));
        let dynamics = wells(1, 0.0);
        let found = reaction(&dynamics, t, &grid, [&set("x < -0.9", 1), &set("x > 0.9", 1)], &|| false).unwrap();
        let edges = EdgeDiscretisation::on(&dynamics, t, &grid).unwrap().solved(&|| false).unwrap();
        let modes = spectrum(&edges.edges.generator, grid.shape(), &edges.law.unwrap(), 2, &|| false).unwrap();
        assert!(
            (found.relaxation() / modes.real[1] - 1.0).abs() < 1e-3,
            "{:e} {:e}",
            found.relaxation(),
            modes.real[1]
        );
    }

    #[test]
    fn without_detailed_balance_the_past_is_not_the_mirror_of_the_future() {
        let sets = [&set("x < -0.8", 2), &set("x > 0.8", 2)];
        let still = reaction(&wells(2, 0.0), 0.1, &grid(2, 60), sets, &|| false).unwrap();
        let turning = reaction(&wells(2, 2.0), 0.1, &grid(2, 60), sets, &|| false).unwrap();
        let worst = |found: &Reaction| {
            (0..3600).map(|i| (found.forward[i] + found.backward[i] - 1.0).abs()).fold(0.0f64, f64::max)
        };
        assert!(worst(&still) < 1e-8 && worst(&turning) > 0.1, "{} {}", worst(&still), worst(&turning));
        for found in [&still, &turning] {
            assert!(found.residual < 1e-3, "{}", found.residual);
            // the flux through the line x = 0 is J_AB
            let through: f64 =
                (0..60).map(|j| 0.5 * (found.current[29 * 60 + j] + found.current[30 * 60 + j]) * 4.0 / 60.0).sum();
            assert!((through / found.flux - 1.0).abs() < 2e-2, "{through:e} {:e}", found.flux);
        }
        assert!(
            turning.flux > 1.05 * still.flux,
            "a rotation helps over the barrier: {:e} {:e}",
            turning.flux,
            still.flux
        );
    }
}
