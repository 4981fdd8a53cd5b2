//! First passages: mean times and committors on the grid and of walkers against quadrature.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::OnGrid;
use fpsolve_solvers::escape::passage::{Passage, Target};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::formula::{Symbols, parse};
use fpsolve_solvers::langevin::LangevinOptions;
use fpsolve_solvers::langevin::first_passage::first_passage;
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::{Minibatch, Replacement};

use super::solve::{chain, edges, line};
use super::{RATE, Rows, Setting, Suite};
use crate::reference::line::Line;
use crate::reference::quadrature::integrate;
use crate::statistics::{apart, draws_for_mean, standard_errors};

/// The suite.
pub(super) static SUITE: Suite =
    Suite { name: "escape", about: "mean times of escape and committors against quadrature", run };

fn loss(x: f64) -> f64 {
    0.25 * x.powi(4) - 0.5 * x * x
}

/// The mean time of B02 from −1 over 0: (1/T) ∫₋₁⁰ e^{L/T} ∫_{−∞}^y e^{−L/T}.
fn mean_time(t: f64) -> f64 {
    let inner = |y: f64| integrate(|x| (-(loss(x) + 0.25) / t).exp(), -3.0, y, 300);
    integrate(|y| ((loss(y) + 0.25) / t).exp() * inner(y), -1.0, 0.0, 300) / t
}

fn passage(avoid: Option<&str>, walkers: usize) -> Result<Passage, Error> {
    let symbols = Symbols::new(&["x"]);
    let set = |text: &str| match parse(text, &symbols) {
        Ok(condition) => Ok(Target::new(text, &condition, 1)),
        Err(error) => Err(Error::invalid(error.to_string(), "report it with this suite")),
    };
    let avoid = avoid.map(set).transpose()?;
    Ok(Passage { name: "over".into(), from: vec![-1.0], target: set("x > 0")?, avoid, walkers, horizon: 1e4 })
}

/// The temperature of descent with a learning rate and batches of one, as the program takes it.
fn temperature(learning_rate: f64) -> f64 {
    Minibatch { learning_rate, batch_size: 1, replacement: Replacement::With }.temperature(2)
}

fn run(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let temperatures: &[f64] = if setting.full { &[0.1, 0.05, 0.02] } else { &[0.1, 0.05] };
    for &t in temperatures {
        let exact = mean_time(t);
        // as measured, with room for a factor of four; the coldest well is three cells wide where it counts
        let of_chain = if t < 0.05 { 4e-4 } else { 1e-5 };
        for (name, options, bound) in [("edges", edges(), 4e-4), ("chain", chain(), of_chain)] {
            let mut off = [0.0; 2];
            for (off, cells) in off.iter_mut().zip([200, 400]) {
                let found = on_grid(setting, options.clone(), t, cells, None)?;
                *off = (found.from_value / exact - 1.0).abs();
            }
            rows.below(
                format!("B02, T = {t}, {name}: mean time, relative error"),
                off[1],
                bound,
                format!("quadrature: {exact:.6}; 400 cells"),
            );
            if name == "edges" {
                rows.within(
                    format!("B02, T = {t}, {name}: order"),
                    (off[0] / off[1]).log2(),
                    [1.8, 2.3],
                    "second order",
                );
            }
        }
    }
    let (t, cells) = (0.1, 400);
    // to 0 before −1.4: q(x) = ∫ e^{L/T} from −1.4 to −1 over that to 0
    let slope = |x: f64| (loss(x) / t).exp();
    let exact = integrate(slope, -1.4, -1.0, 200) / integrate(slope, -1.4, 0.0, 200);
    let found = on_grid(setting, edges(), t, cells, Some("x < -1.4"))?;
    rows.near(
        "B02, T = 0.1: committor of 0 before −1.4",
        found.from_committor.unwrap_or(f64::NAN),
        exact,
        2e-3,
        "∫ e^{L/T}; 400 cells",
    );
    walkers(setting, rows)
}

fn on_grid(
    setting: &Setting,
    options: FokkerPlanckOptions,
    t: f64,
    cells: usize,
    avoid: Option<&str>,
) -> Result<fpsolve_solvers::escape::on_grid::GridPassage, Error> {
    let (well, of_problem) = (Arc::new(Line::b02(t)), temperature(2.0 * t));
    let problem = setting.problem(well, of_problem, &line(-2.5, 2.5, cells)?, Initial::Uniform, vec![0.0, 1.0]);
    let engine =
        FokkerPlanck::new_until(&problem, FokkerPlanckOptions { stationary: false, ..options }, setting.interrupt)?;
    engine.first_passage(&passage(avoid, 1)?, setting.interrupt)
}

/// Walkers with bridges between the steps: the bias of a step of 0.01 is beneath their noise.
fn walkers(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let t = 0.1;
    let (well, of_problem) = (Arc::new(Line::b02(t)), temperature(2.0 * t));
    let problem = setting.problem(well, of_problem, &line(-2.5, 2.5, 64)?, Initial::Uniform, vec![0.0, 1.0]);
    let options = LangevinOptions { walkers: 1, step: Some(0.01), ..LangevinOptions::default() };
    // the standard deviation of a time of escape is its mean
    let seen = if setting.full { 0.07 } else { 0.15 };
    let count = draws_for_mean(seen, RATE);
    let found = first_passage(&problem, &options, &passage(None, count)?, true, setting.interrupt)?;
    let exact = mean_time(t);
    let bound = standard_errors(RATE) * found.standard_error + 0.01 * exact;
    rows.near(
        "B02, T = 0.1, walkers: mean time",
        found.mean,
        exact,
        bound,
        format!(
            "false alarms 1e-6, and 1 % for the step of 0.01; a difference of {:.0} % is missed with 1e-6",
            100.0 * (seen + 0.01)
        ),
    );
    rows.above(
        "B02, T = 0.1, walkers: standard errors from twice the time",
        (found.mean - 2.0 * exact).abs() / found.standard_error,
        apart(RATE),
        "a factor of two is seen; so far apart one is taken for the other with 1e-6",
    );
    Ok(())
}
