//! Speed of the Langevin engine on the problems S1 to S4a (benches/README.md), one JSON line each: CPU time of the process,
//! histogram on the grid and moments at 100 output times of 1000 steps included.
//!
//! `cargo bench --bench langevin -- [S1|S2|S3|S4a|all] [walkers] [repeats] [threads]`

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant;

use fpsolve_solvers::diffusion::Minibatch;
use fpsolve_solvers::diffusion::formula::FormulaDiffusion;
use fpsolve_solvers::dynamics::FormulaDynamics;
use fpsolve_solvers::dynamics::GradientDynamics;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::formula::{Symbols, parse};
use fpsolve_solvers::langevin::{Langevin, LangevinOptions};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::model::tanh_regression::{Amplitudes, SampleGradient, Slope, TanhRegression, Unit};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

const STEPS: usize = 1000;
const OUTPUTS: usize = 100;

/// Drift and D of formula models, as scenarios build them.
fn formulas(variables: &[&str], drift: &[&str], diffusion: &[&[&str]]) -> Arc<dyn Dynamics> {
    let symbols = Symbols::new(variables);
    let parsed = |row: &[&str]| -> Vec<_> { row.iter().map(|f| parse(f, &symbols).unwrap()).collect() };
    let rows: Vec<_> = diffusion.iter().map(|row| parsed(row)).collect();
    let noise = FormulaDiffusion::new(&rows).unwrap();
    Arc::new(FormulaDynamics::new(&FormulaModel::drift(&parsed(drift)), &noise, 0.0))
}

fn problem(name: &str) -> (Problem, f64) {
    let (dynamics, start, temperature, step, half) = match name {
        "S1" => (formulas(&["x"], &["-x"], &[&["1"]]), vec![1.0], 0.5, 1e-3, 5.0),
        "S2" => (formulas(&["x"], &["x - x^3"], &[&["1 + x^2"]]), vec![0.0], 0.05, 5e-3, 3.0),
        "S3" => {
            let diffusion: [&[&str]; 2] = [&["1 + a^2", "a*b/2"], &["a*b/2", "1 + b^2"]];
            (formulas(&["a", "b"], &["-a", "-b"], &diffusion), vec![1.0; 2], 0.1, 5e-3, 8.0)
        }
        _ => {
            let model: Arc<dyn Model> = Arc::new(s4());
            let noise = Minibatch::new(&*model).unwrap();
            let dynamics = Arc::new(GradientDynamics::new(model, Arc::new(noise)));
            (dynamics as Arc<dyn Dynamics>, vec![0.5; 2], 0.00625, 0.05, 6.0)
        }
    };
    let cells = if start.len() == 1 { 256 } else { 64 };
    let axes =
        start.iter().map(|_| Axis::uniform("x", -half, half, cells, [Boundary::Reflecting; 2]).unwrap()).collect();
    let problem = Problem {
        variables: vec!["x".to_string(); start.len()],
        model: Arc::new(s4()),
        dynamics,
        temperature,
        minibatch: None,
        grid: Grid::new(axes).unwrap(),
        initial: Initial::Point { at: start },
        times: vec![0.0, step * STEPS as f64],
        seed: 7,
    };
    (problem, step)
}

/// h(x) = Σ α_j tanh(w_j (x − b_j)), θ = (w_1, w_2), 64 samples. The losses here are (h − y)², twice those of the C kernel,
/// so half its learning rate gives the same chain.
fn s4() -> TanhRegression {
    let (centers, amplitudes, teacher) = ([-1.5, -0.5, 0.5, 1.5], [1.0, -0.8, 0.6, 0.5], [1.5, 0.8, 1.0, 1.0]);
    let x: Vec<f64> = (0..64).map(|j| -3.0 + 6.0 * f64::from(j) / 63.0).collect();
    let value = |(j, &x): (usize, &f64)| {
        let h: f64 = (0..4).map(|i| amplitudes[i] * f64::tanh(teacher[i] * (x - centers[i]))).sum();
        h + 0.42 * (12.9898 * j as f64 + 0.7).sin()
    };
    let y: Vec<f64> = x.iter().enumerate().map(value).collect();
    let slopes = [Slope::Group(0), Slope::Group(1), Slope::Fixed(1.0), Slope::Fixed(1.0)];
    let units: Vec<Unit> = centers.iter().zip(slopes).map(|(&center, slope)| Unit { center, slope }).collect();
    TanhRegression::new(&x, &y, &units, Amplitudes::Fixed(amplitudes.to_vec()), SampleGradient::Total).unwrap()
}

/// CPU seconds of all threads so far.
fn cpu() -> f64 {
    let of_thread = |entry: std::fs::DirEntry| -> Option<f64> {
        std::fs::read_to_string(entry.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.flatten().filter_map(of_thread).sum::<f64>() * 1e-9
}

fn run(name: &str, walkers: usize, repeats: usize, threads: usize) {
    let (problem, step) = problem(name);
    let (mut times, mut walls) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..repeats {
        let options = LangevinOptions { walkers, step: Some(step), ..LangevinOptions::default() };
        let mut engine = Langevin::new(&problem, options).unwrap();
        let (before, clock) = (cpu(), Instant::now());
        for k in 1..=OUTPUTS {
            engine.advance(step * (k * STEPS / OUTPUTS) as f64, &|| false).unwrap();
            last = Some(engine.snapshot());
        }
        times.push(cpu() - before);
        walls.push(clock.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    walls.sort_by(f64::total_cmp);
    let (cpu, wall) = (times[repeats / 2], walls[repeats / 2]);
    let path_steps = (walkers * STEPS) as f64;
    let seen = last.unwrap();
    println!(
        "{{\"peer\":\"fpsolve\",\"problem\":\"{name}\",\"paths\":{walkers},\"steps\":{STEPS},\"outputs\":{OUTPUTS},\"threads\":{threads},\
         \"repeats\":{repeats},\"cpu_s\":{cpu:.4},\"cpu_min_s\":{:.4},\"wall_s\":{wall:.4},\"wall_min_s\":{:.4},\"msteps_per_s\":{:.1},\"ns_per_step\":{:.3},\
         \"ns_per_step_min\":{:.3},\"m1\":{:.6},\"m11\":{:.6},\"se1\":{:.2e}}}",
        times[0],
        walls[0],
        path_steps / cpu * 1e-6,
        cpu / path_steps * 1e9,
        times[0] / path_steps * 1e9,
        seen.mean[0],
        seen.covariance[0] + seen.mean[0].powi(2),
        seen.mean_se[0],
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let number = |k: usize, default: usize| arguments.get(k).and_then(|a| a.parse().ok()).unwrap_or(default);
    let which = arguments.first().map_or("all", String::as_str);
    let threads = number(3, 1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        for name in ["S1", "S2", "S3", "S4a"].into_iter().filter(|name| which == "all" || which == *name) {
            let walkers = if name == "S4a" { 2_000 } else { 50_000 };
            run(name, number(1, walkers), number(2, 5), threads);
        }
    });
}
