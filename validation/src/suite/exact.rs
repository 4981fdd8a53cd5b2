//! Closed forms: densities, moments, rates that are known.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::diffusion::{self, Diffusion};
use fpsolve_solvers::dynamics::{GradientDynamics, Interpretation};
use fpsolve_solvers::engine::{Engine, OnGrid};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions, Stationary};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::density::moments;
use fpsolve_solvers::problem::dynamics::lengths;
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::{Minibatch, Problem, Replacement};
use fpsolve_solvers::transfer_operator::{TransferOperator, TransferOperatorOptions};

use super::solve::{boxed, edges, line};
use super::{Rows, Setting, Suite};
use crate::reference::descent::{LinearRegression, Quadratic};
use crate::reference::line::{Line, student_t};
use crate::reference::linear::{Law, OrnsteinUhlenbeck};
use crate::reference::manufactured::Equilibrium;
use crate::reference::pushed_forward::{Sinh, Wave};
use crate::reference::quadrature::{integrate, normalised_cells};

/// The suite.
pub(super) static SUITE: Suite =
    Suite { name: "exact", about: "laws, moments, currents and rates that are known in closed form", run };

fn run(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    point_start(setting, rows)?;
    wells(setting, rows)?;
    slowest_mode(setting, rows)?;
    rotating(setting, rows)?;
    multiplicative(setting, rows)?;
    batches(setting, rows)?;
    isothermal(setting, rows)?;
    if setting.full {
        currents(setting, rows)?;
    }
    Ok(())
}

/// B01: the law of an Ornstein–Uhlenbeck process from a point.
fn point_start(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let process = OrnsteinUhlenbeck::b01();
    let grid = line(-1.5, 2.5, 256)?;
    let law = process.law(&Law::point(&[1.0]), 0.7);
    let exact = law.cell_probability(&grid)?;
    let ou = (Arc::new(process) as _, 0.1);
    let run = setting.transient(edges(), ou, &grid, Initial::Point { at: vec![1.0] }, &[0.35, 0.7], &exact)?;
    let (mean, variance) = moments(&grid, &run.probability);
    let h = grid.axes()[0].spacing();
    rows.below("B01: L1 error of the law from a point", run.error, 1e-3, "Gaussian in closed form; 256 cells");
    rows.near("B01: mean", mean[0], law.mean[0], 5e-4, "e^(-λt) θ₀");
    rows.near("B01: variance", variance[0] - h * h / 12.0, law.covariance[0], 5e-4, "T(1 − e^(-2λt))/λ");
    Ok(())
}

/// B02, B05, B06: densities at rest with constant noise, noise of θ², and the tails of Student's t.
fn wells(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let grid = line(-4.0, 4.0, 800)?;
    let h = grid.axes()[0].spacing();
    let found =
        |well: Line| setting.at_rest(edges(), (Arc::new(well), well.temperature), &grid, &well.stationary(&grid));
    let second = |s: &Stationary| s.covariance[0];
    let (b02, error) = found(Line::b02(0.25))?;
    rows.below("B02: L1 error of the quartic well at rest", error, 1e-6, "e^(-L/T); 800 cells");
    rows.near("B02: second moment", second(&b02), 0.832_745_487, 1e-7, "quadrature with 30 digits");
    rows.near("B02: density at 0", b02.probability[400] / h, 0.186_387_723, 2e-5, "quadrature with 30 digits");
    let (b05, _) = found(Line::b05(0.1))?;
    rows.near(
        "B05: second moment",
        second(&b05),
        0.784_242_335,
        1e-7,
        "noise grows with θ: Itô's density, in closed form",
    );
    let highest = (400..800).max_by(|&i, &j| b05.probability[i].total_cmp(&b05.probability[j])).unwrap_or(0);
    rows.near("B05: mode", grid.center(highest)[0], 0.894_427_19, h, "√(1 − β), not at the minimum of the loss");
    let (b06, _) = found(Line::b06())?;
    let at = grid.locate(&[1.0]).unwrap_or(0);
    let student = student_t(grid.center(at)[0], 11.0, 0.233_549_683_248_456_9);
    rows.near("B06: density at 1 over Student's t", b06.probability[at] / h / student, 1.0, 1e-3, "ν = 11");
    let tail: f64 = (0..800).filter(|&i| grid.center(i)[0].abs() > 2.0).map(|i| b06.probability[i]).sum();
    rows.near(
        "B06: probability beyond 2, over its value",
        tail / 3.400_204_6e-6,
        1.0,
        2e-3,
        "tails keep their relative accuracy",
    );
    Ok(())
}

/// The slowest rate of a metastable well: 1/λ = (1/T) ∫₋₁⁰ e^{L/T} ∫ e^{−L/T}, up to e^{−ΔL/T}.
fn slowest_mode(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let (t, well) = (0.01, Line::b02(0.01));
    let loss = |x: f64| 0.25 * x.powi(4) - 0.5 * x * x;
    // times e^{−ΔL/T} with ΔL = ¼, so that nothing overflows
    let inner = |y: f64| integrate(|x| ((-0.25 - loss(x)) / t).exp(), -2.0, y, 200);
    let mean_time = integrate(|y| (loss(y) / t).exp() * inner(y), -1.0, 0.0, 200) / t * (0.25f64 / t).exp();
    let mut off = [0.0; 3];
    for (off, cells) in off.iter_mut().zip([400, 800, 1600]) {
        let problem = setting.problem(Arc::new(well), t, &line(-2.0, 2.0, cells)?, Initial::Uniform, vec![0.0, 1.0]);
        let modes = FokkerPlanck::new_until(&problem, edges(), setting.interrupt)?.spectrum(2, setting.interrupt)?;
        *off = (modes.real[1] * mean_time - 1.0).abs();
    }
    rows.below(
        "slowest rate of a metastable well, relative error",
        off[0],
        1e-3,
        "25 temperatures deep: λ = 1/mean time over the barrier",
    );
    rows.within(
        "slowest rate of a metastable well: order",
        (off[1] / off[2]).log2(),
        [1.9, 2.1],
        "second order in the width of a cell",
    );
    Ok(())
}

/// B08: a rotating current, its covariance and entropy production.
fn rotating(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let process = OrnsteinUhlenbeck::b08();
    let grid = crate::reference::grids::uniform(
        &[(-2.0, 2.0, 128), (-1.7, 1.7, 128)],
        fpsolve_solvers::problem::grid::Boundary::Reflecting,
    )?;
    let exact = process.stationary().cell_probability(&grid)?;
    let (found, error) = setting.at_rest(edges(), (Arc::new(process.clone()), 0.1), &grid, &exact)?;
    rows.below("B08: L1 error at rest", error, 9e-5, "Gaussian of Lyapunov's equation; 128² cells");
    rows.near("B08: entropy production", found.entropy_production, 8.0 / 17.0, 0.01, "8/17");
    for (name, got, want) in
        [("11", found.covariance[0], 0.1), ("12", found.covariance[1], 0.04), ("22", found.covariance[2], 1.0 / 15.0)]
    {
        rows.near(format!("B08: covariance {name}"), got, want, 0.01 * want, "Lyapunov's equation");
    }
    let cell = grid.locate(&[0.3, 0.1]).unwrap_or(0);
    let (at, omega) = (grid.center(cell), process.rotation());
    let density = exact[cell] / grid.volume(cell);
    for k in 0..2 {
        let exact = (omega[2 * k] * at[0] + omega[2 * k + 1] * at[1]) * density;
        let got = found.current[k * grid.len() + cell];
        rows.near(
            format!("B08: current, component {}", k + 1),
            got,
            exact,
            0.03 * exact.abs().max(0.05 * density),
            "J = Ωθρ",
        );
    }
    Ok(())
}

/// Noise that depends on the place, in one and two variables: what tells Itô from Fick and needs ∇·D.
fn multiplicative(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let (sinh, start) = (Sinh { rate: 1.0, temperature: 0.2 }, (0.5, 0.1));
    let grid = line(-6.0, 6.0, 256)?;
    let initial = Initial::Cells { probability: sinh.cell_probability(&grid, start, 0.0) };
    let exact = sinh.cell_probability(&grid, start, 0.8);
    let run = setting.transient(
        FokkerPlanckOptions { tolerance: 1e-7, ..edges() },
        (Arc::new(sinh), 0.2),
        &grid,
        initial,
        &[0.4, 0.8],
        &exact,
    )?;
    rows.below("x = sinh y of an Ornstein–Uhlenbeck y: L1 error", run.error, 3e-4, "D = 1 + x², Itô; 256 cells");
    let wave = Wave { rates: [1.0, 0.5], amplitude: 0.8, temperature: 0.3 };
    let start = [(0.6, 0.1), (-0.3, 0.2)];
    let grid = boxed(&[4.5, 4.5], 64)?;
    let initial = Initial::Cells { probability: wave.cell_probability(&grid, start, 0.0) };
    let exact = wave.cell_probability(&grid, start, 0.8);
    let run = setting.transient(edges(), (Arc::new(wave), 0.3), &grid, initial, &[0.4, 0.8], &exact)?;
    rows.below("x₂ = y₂ + a sin y₁: L1 error", run.error, 3.1e-3, "full tensor that depends on the place; 64² cells");
    Ok(())
}

/// B12: the variance at rest from a learning rate and a batch: of the equation, and of descent itself by the transfer operator.
fn batches(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let q = Quadratic { curvature: 1.0, variance: 1.0, learning_rate: 0.2, batch_size: 1.0 };
    let minibatch = Minibatch { learning_rate: 0.2, batch_size: 1, replacement: Replacement::With };
    let model: Arc<dyn Model> = Arc::new(LinearRegression::b12(&q));
    let noise = Arc::new(diffusion::Minibatch::new(&*model)?);
    let dynamics = Arc::new(GradientDynamics::new(Arc::clone(&model), noise));
    let grid = line(-2.2, 2.2, 220)?;
    let problem = setting.problem(dynamics, minibatch.temperature(2), &grid, Initial::Uniform, vec![0.0, 1.0]);
    let problem = Problem { model, minibatch: Some(minibatch), ..problem };
    let engine = FokkerPlanck::new_until(&problem, edges(), setting.interrupt)?;
    let variance = engine.stationary().map_or(f64::NAN, |law| law.covariance[0]);
    rows.near(
        "B12, η = 0.2: variance of the equation at rest",
        variance,
        q.sde(),
        1e-4 * q.sde(),
        "η σ²/(2B); 220 cells",
    );
    let operator = TransferOperator::new(&problem, TransferOperatorOptions::default(), setting.interrupt)?;
    let variance = operator.long_run().map_or(f64::NAN, |law| law.covariance[0]);
    rows.near(
        "B12, η = 0.2: variance of descent at rest",
        variance,
        q.sgd(),
        1e-6 * q.sgd(),
        "η σ²/(B(2 − η)); transfer operator",
    );
    Ok(())
}

/// D = 1 + θ².
struct Growing;

impl Diffusion for Growing {
    fn diffusion(&self, _model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        diffusion.iter_mut().zip(points).for_each(|(d, x)| *d = 1.0 + x * x);
    }
}

/// The noise of Hänggi & Klimontovich: J = −L'ρ − T D ρ', so that ρ ∝ (1 + θ²)^{−1/(2T)} for L = θ²/2.
fn isothermal(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let (t, grid) = (0.1, line(-2.2, 2.2, 220)?);
    let model: Arc<dyn Model> = Arc::new(LinearRegression::new(&[1.0, 1.0], &[0.3, -0.3]));
    let dynamics = GradientDynamics::new(model, Arc::new(Growing));
    let dynamics = dynamics.with_interpretation(Interpretation::HaenggiKlimontovich, t, &lengths(&grid));
    let exact = normalised_cells(&grid, |x| (1.0 + x[0] * x[0]).powf(-0.5 / t));
    let (_, error) = setting.at_rest(edges(), (Arc::new(dynamics), t), &grid, &exact)?;
    rows.below("Hänggi–Klimontovich noise D = 1 + θ²: L1 error at rest", error, 1e-5, "(1 + θ²)^(−1/(2T)); 220 cells");
    Ok(())
}

/// Currents at rest that are no gradients.
fn currents(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    for rotation in [0.0, 1.5] {
        let equilibrium = Equilibrium::b10(rotation);
        let grid = boxed(&[4.5, 4.5], 96)?;
        let exact = equilibrium.stationary(&grid);
        let (_, error) = setting.at_rest(edges(), (Arc::new(equilibrium), 1.0), &grid, &exact)?;
        rows.below(
            format!("B10, rotation {rotation}: L1 error at rest"),
            error,
            0.02,
            "manufactured equilibrium; 96² cells",
        );
    }
    Ok(())
}
