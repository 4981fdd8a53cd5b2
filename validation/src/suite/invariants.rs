//! What holds to rounding whatever the problem: conservation, positivity, decay of free energy, symmetry, separability, units.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::FromFunctions;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::fokker_planck::integrator::system::{System, Task};
use fpsolve_solvers::fokker_planck::integrator::table::INTEGRATORS;
use fpsolve_solvers::fokker_planck::{DISCRETISATIONS, FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;

use super::convergence::walk;
use super::solve::{boxed, chain, edges, line};
use super::{Rows, Setting, Suite};
use crate::reference::line::Line;
use crate::reference::linear::OrnsteinUhlenbeck;
use crate::reference::pushed_forward::{Sinh, normal_between};

/// The suite.
pub(super) static SUITE: Suite = Suite {
    name: "invariants",
    about: "conservation, positivity, decay of free energy, symmetry, separability, units",
    run,
};

fn run(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    every_method(setting, rows)?;
    every_step(setting, rows)?;
    at_the_walls(setting, rows)?;
    generator(setting, rows)?;
    free_energy(setting, rows)?;
    mirror(setting, rows)?;
    swap(setting, rows)?;
    separable(setting, rows)?;
    units(setting, rows)
}

/// Probability is conserved by every method and by the chain, and stays positive where that is claimed.
fn every_method(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let sinh = Sinh { rate: 1.0, temperature: 0.2 };
    let grid = line(-6.0, 6.0, 96)?;
    let law = sinh.cell_probability(&grid, (0.5, 0.1), 0.0);
    let mut held = |name: &str, options: FokkerPlanckOptions, positive: bool| -> Result<(), Error> {
        let initial = Initial::Point { at: vec![0.5] };
        let run = setting.transient(options, (Arc::new(sinh), 0.2), &grid, initial, &[0.4, 2.0], &law)?;
        rows.below(format!("{name}: largest |Σp − 1|"), run.mass_error, 1e-12, "no probability is lost");
        if positive {
            rows.above(format!("{name}: smallest density"), run.least, 0.0, "claimed in the table of methods");
        }
        Ok(())
    };
    for method in INTEGRATORS {
        let tolerance = if method.order == Some(1) { 1e-3 } else { 1e-6 };
        held(method.name, FokkerPlanckOptions { method: method.name.into(), tolerance, ..edges() }, method.positive)?;
    }
    held("chain", chain(), true)
}

/// Methods that claim to be positive whatever the step are so from one cell in one step that is far too long.
fn every_step(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    for method in INTEGRATORS.iter().filter(|method| method.positive) {
        let generator = Arc::new(walk());
        let mut p = vec![0.0; generator.cells()];
        p[7] = 1.0;
        let system = Arc::new(System::new(generator, &[p.len()], None));
        let task = Task { system, start: p.clone(), from: 0.0, times: vec![1.0], tolerance: 1e-6, step: Some(1.0) };
        (method.build)(task)?.advance(1.0, setting.interrupt, &mut p)?;
        let least = p.iter().copied().fold(f64::INFINITY, f64::min);
        rows.above(
            format!("{}: smallest probability after one long step", method.name),
            least,
            0.0,
            "whatever the step",
        );
    }
    Ok(())
}

/// A narrow box, in which the walls see much of the law.
fn at_the_walls(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let process = OrnsteinUhlenbeck::b01();
    let grid = line(-0.3, 0.3, 32)?;
    let law = process.stationary().cell_probability(&grid)?;
    for method in INTEGRATORS {
        let tolerance = if method.order == Some(1) { 1e-3 } else { 1e-6 };
        let options = FokkerPlanckOptions { method: method.name.into(), tolerance, ..edges() };
        let start = Initial::Cells { probability: law.clone() };
        let run = setting.transient(options, (Arc::new(process.clone()), 0.1), &grid, start, &[1.0, 4.0], &law)?;
        let what = format!("{}, a law between near walls: largest |Σp − 1|", method.name);
        rows.below(what, run.mass_error, 1e-12, "walls that reflect lose nothing");
    }
    Ok(())
}

fn engine(
    setting: &Setting,
    options: FokkerPlanckOptions,
    dynamics: Arc<dyn Dynamics>,
    t: f64,
    grid: &Grid,
) -> Result<FokkerPlanck, Error> {
    let start = Initial::Gaussian { mean: vec![0.3; grid.dimension()], covariance: covariance(grid.dimension()) };
    let problem = setting.problem(dynamics, t, grid, start, vec![0.0, 0.4, 0.8]);
    FokkerPlanck::new_until(&problem, options, setting.interrupt)
}

/// 0.1 times the identity, packed.
fn covariance(d: usize) -> Vec<f64> {
    let mut packed = vec![0.0; packed_len(d)];
    (0..d).for_each(|k| packed[packed_index(d, k, k)] = 0.1);
    packed
}

/// Rows of the generator sum to 0, for any vector; the Gibbs law is at rest.
fn generator(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let well = Line::b02(0.1);
    let grid = line(-2.5, 2.5, 128)?;
    let engine = engine(setting, edges(), Arc::new(well), 0.1, &grid)?;
    let Some(generator) = engine.generator() else { return Ok(()) };
    let scale = generator.leaving().iter().fold(0.0, |most: f64, rate| most.max(*rate));
    let flow = |p: &[f64]| {
        let mut out = vec![0.0; p.len()];
        generator.forward(p, &mut out);
        out
    };
    let any: Vec<f64> = (0..128).map(|i| 1.0 + (f64::from(i) * 0.7).sin()).collect();
    let size: f64 = any.iter().sum::<f64>() * scale;
    rows.below(
        "|Σ (Qᵀp)| over ‖Q‖ Σp",
        flow(&any).iter().sum::<f64>().abs() / size,
        1e-13,
        "what leaves a cell arrives in another",
    );
    // the table of discretisations claims it for the centres of the cells
    let gibbs =
        |i: usize| grid.volume(i) * (-(0.25 * grid.center(i)[0].powi(4) - 0.5 * grid.center(i)[0].powi(2)) / 0.1).exp();
    let gibbs: Vec<f64> = (0..128).map(gibbs).collect();
    let most = gibbs.iter().copied().fold(0.0, f64::max);
    for kind in DISCRETISATIONS.iter().filter(|kind| kind.keeps_detailed_balance && !kind.own_steps) {
        let rest = flow(&gibbs).iter().fold(0.0, |most: f64, x| most.max(x.abs())) / (scale * most);
        rows.below(
            format!("{}: largest |Qᵀπ| over ‖Q‖ π for Gibbs' law", kind.word),
            rest,
            1e-12,
            "claimed in the table of discretisations: e^(−L/T) at the centres of the cells is at rest",
        );
    }
    Ok(())
}

/// Kullback–Leibler divergence to the law at rest never grows.
fn free_energy(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let well = Line::b02(0.1);
    let grid = line(-2.5, 2.5, 128)?;
    for method in INTEGRATORS.iter().filter(|method| method.positive) {
        let tolerance = if method.order == Some(1) { 1e-3 } else { 1e-6 };
        let options = FokkerPlanckOptions { method: method.name.into(), tolerance, ..edges() };
        let problem = setting.problem(Arc::new(well), 0.1, &grid, Initial::Point { at: vec![-0.4] }, vec![0.0, 3.0]);
        let mut engine = FokkerPlanck::new_until(&problem, options, setting.interrupt)?;
        let Some(law) = fpsolve_solvers::engine::OnGrid::stationary(&engine).map(|law| law.probability.clone()) else {
            continue;
        };
        let (mut before, mut growth) = (f64::INFINITY, f64::NEG_INFINITY);
        for k in 1..=20 {
            engine.advance(0.15 * f64::from(k), setting.interrupt)?;
            let p = engine.snapshot().probability;
            let now: f64 = p.iter().zip(&law).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q).ln()).sum();
            growth = growth.max(now - before);
            before = now;
        }
        rows.below(
            format!("{}: largest growth of the free energy", method.name),
            growth,
            1e-12,
            "it decays under every law of a Markov chain",
        );
    }
    Ok(())
}

/// The mirrored problem has the mirrored law.
fn mirror(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let grid = line(-2.5, 2.5, 100)?;
    let well = Line::b05(0.1);
    for (name, options) in [("edges", edges()), ("chain", chain())] {
        let run = |at: f64| -> Result<Vec<f64>, Error> {
            let initial = Initial::Gaussian { mean: vec![at], covariance: vec![0.04] };
            let problem = setting.problem(Arc::new(well), 0.1, &grid, initial, vec![0.0, 1.0]);
            let mut engine = FokkerPlanck::new_until(&problem, options.clone(), setting.interrupt)?;
            engine.advance(1.0, setting.interrupt)?;
            Ok(engine.snapshot().probability)
        };
        let (left, right) = (run(-0.7)?, run(0.7)?);
        let off = left.iter().zip(right.iter().rev()).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
        rows.below(format!("{name}: law of the mirrored problem, largest difference"), off, 1e-12, "θ → −θ");
    }
    Ok(())
}

/// The axes in another order: the same law.
fn swap(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    for (name, options) in [("edges", edges()), ("chain", chain())] {
        let law = |rate: &[f64], noise: &[f64], half: [f64; 2], mean: [f64; 2]| -> Result<Vec<f64>, Error> {
            let process = OrnsteinUhlenbeck::new(rate, noise, 0.1);
            let grid = boxed(&half, 32)?;
            let along = |k: usize| -> Vec<f64> {
                let z = |x: f64| (x - mean[k]) / 0.05f64.sqrt();
                grid.axes()[k].edges().windows(2).map(|w| normal_between(z(w[0]), z(w[1]))).collect()
            };
            let (first, second) = (along(0), along(1));
            let probability = first.iter().flat_map(|p| second.iter().map(move |q| p * q)).collect();
            let problem =
                setting.problem(Arc::new(process), 0.1, &grid, Initial::Cells { probability }, vec![0.0, 0.5]);
            let options = FokkerPlanckOptions { stationary: false, tolerance: 1e-11, ..options.clone() };
            let mut engine = FokkerPlanck::new_until(&problem, options, setting.interrupt)?;
            engine.advance(0.5, setting.interrupt)?;
            Ok(engine.snapshot().probability)
        };
        let one = law(&[1.0, 0.3, -0.2, 2.0], &[1.0, 0.4, 0.4, 0.8], [2.0, 1.6], [0.3, -0.2])?;
        let other = law(&[2.0, -0.2, 0.3, 1.0], &[0.8, 0.4, 0.4, 1.0], [1.6, 2.0], [-0.2, 0.3])?;
        let off = |i: usize| (one[i] - other[i % 32 * 32 + i / 32]).abs();
        let off = (0..one.len()).map(off).fold(0.0, f64::max);
        rows.below(
            format!("{name}: law with the axes in the other order, largest difference"),
            off,
            1e-7,
            "cell averages are taken axis by axis, to the fourth order; 32² cells",
        );
    }
    Ok(())
}

/// Two variables that know nothing of each other: each has the law of its own.
fn separable(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let both = OrnsteinUhlenbeck::new(&[1.0, 0.0, 0.0, 2.0], &[1.0, 0.0, 0.0, 0.5], 0.1);
    let tight = || FokkerPlanckOptions { tolerance: 1e-9, ..edges() };
    let law = |dynamics: Arc<dyn Dynamics>, grid: &Grid| -> Result<Vec<f64>, Error> {
        let mut engine = engine(setting, tight(), dynamics, 0.1, grid)?;
        engine.advance(0.8, setting.interrupt)?;
        Ok(engine.snapshot().probability)
    };
    let plane = law(Arc::new(both), &boxed(&[1.8, 1.8], 32)?)?;
    for (k, (rate, noise)) in [(1.0, 1.0), (2.0, 0.5)].into_iter().enumerate() {
        let alone = law(Arc::new(OrnsteinUhlenbeck::new(&[rate], &[noise], 0.1)), &boxed(&[1.8], 32)?)?;
        let marginal =
            |i: usize| (0..32).map(|j| if k == 0 { plane[i * 32 + j] } else { plane[j * 32 + i] }).sum::<f64>();
        let off = (0..32).fold(0.0, |most: f64, i| most.max((marginal(i) - alone[i]).abs()));
        rows.below(
            format!("two independent variables: marginal {} and the law alone", k + 1),
            off,
            1e-8,
            "integrated to 1e-9 each",
        );
    }
    Ok(())
}

/// A quartic well in other units of length: U(x) = s² (x⁴/(4s⁴) − x²/(2s²)), temperature s² T.
struct Scaled {
    scale: f64,
}

impl Dynamics for Scaled {
    fn dimension(&self) -> usize {
        1
    }
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        diffusion.fill(1.0);
        drift.iter_mut().zip(points).for_each(|(drift, &x)| *drift = x - x * (x / self.scale).powi(2));
    }
}

/// The same in two variables, where differences stand for ∇·D: a full tensor that depends on the place.
fn scaled_plane(s: f64) -> Arc<dyn Dynamics> {
    let drift = |x: &[f64], b: &mut [f64]| (b[0], b[1]) = (-x[0], -x[1]);
    let diffusion = move |x: &[f64], a: &mut [f64]| {
        let [u, v] = [x[0] / s, x[1] / s];
        (a[0], a[1], a[2]) = (1.0 + 0.3 * u.sin(), 0.3 * (u + v).cos(), 1.0 + 0.3 * (v - u).cos());
    };
    Arc::new(FromFunctions::new(2, drift, diffusion))
}

/// The same problem in units of 2⁻¹⁰: the same numbers, but for rounding.
fn units(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let mut same = |name: &str, law: &dyn Fn(f64) -> Result<Vec<f64>, Error>, bound: f64| -> Result<(), Error> {
        let (one, small) = (law(1.0)?, law(1.0 / 1024.0)?);
        let off = one.iter().zip(&small).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
        rows.below(format!("{name}: law in units of 1/1024, largest difference"), off, bound, "no length is built in");
        Ok(())
    };
    let at_one = |problem: &Problem, options: &FokkerPlanckOptions| -> Result<Vec<f64>, Error> {
        let mut engine = FokkerPlanck::new_until(problem, options.clone(), setting.interrupt)?;
        engine.advance(1.0, setting.interrupt)?;
        Ok(engine.snapshot().probability)
    };
    for (name, options) in [("edges", edges()), ("chain", chain())] {
        let law = |scale: f64| {
            let grid = line(-2.5 * scale, 2.5 * scale, 100)?;
            let initial = Initial::Gaussian { mean: vec![-0.7 * scale], covariance: vec![0.04 * scale * scale] };
            let dynamics = Arc::new(Scaled { scale });
            at_one(&setting.problem(dynamics, 0.1 * scale * scale, &grid, initial, vec![0.0, 1.0]), &options)
        };
        same(name, &law, 1e-12)?;
    }
    let law = |scale: f64| {
        let s2 = scale * scale;
        let grid = boxed(&[1.8 * scale, 1.8 * scale], 24)?;
        let initial =
            Initial::Gaussian { mean: vec![-0.3 * scale, 0.2 * scale], covariance: vec![0.06 * s2, 0.0, 0.06 * s2] };
        at_one(&setting.problem(scaled_plane(scale), 0.1 * s2, &grid, initial, vec![0.0, 1.0]), &edges())
    };
    same("edges of a full tensor", &law, 1e-10)
}
