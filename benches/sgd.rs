//! Speed of the SGD engine on the problem S4b (benches/README.md), one JSON line for each optimizer and sampling: CPU time of the
//! process, histogram on the grid and moments at 100 output times of 2000 steps included.
//!
//! `cargo bench --bench sgd -- [sgd|momentum|ema|rmsprop|adam|svag|gd|without|epoch|importance|all] [walkers] [repeats] [threads]`

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant;

use fpsolve_solvers::diffusion::Minibatch;
use fpsolve_solvers::dynamics::GradientDynamics;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::tanh_regression::{Amplitudes, SampleGradient, Slope, TanhRegression, Unit};
use fpsolve_solvers::model::{ImportanceSampled, LossScale};
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::{self, Problem, Replacement};
use fpsolve_solvers::sgd::{Sgd, SgdOptions, optimizer};

const STEPS: usize = 2000;
const OUTPUTS: usize = 100;

/// Optimizers with independent draws, then plain SGD with other samplings.
fn cases() -> Vec<&'static str> {
    optimizer::OPTIMIZERS.iter().map(|entry| entry.name).chain(["without", "epoch", "importance"]).collect()
}

/// h(x) = Σ α_j tanh(w_j (x − b_j)), θ = (w_1, w_2), 64 samples. The losses here are (h − y)², twice those of the C kernel, so
/// half its learning rate gives the same chain.
fn model() -> TanhRegression {
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

fn problem(case: &str) -> Problem {
    let mut model: Arc<dyn Model> = Arc::new(model());
    if case == "importance" {
        model = Arc::new(ImportanceSampled::new(model, LossScale::MeanLoss, 2.0, false).unwrap());
    }
    let replacement = match case {
        "without" => Replacement::Without,
        "epoch" => Replacement::Epoch,
        _ => Replacement::With,
    };
    let axes = (0..2).map(|_| Axis::uniform("w", -6.0, 6.0, 64, [Boundary::Reflecting; 2]).unwrap()).collect();
    let noise = Minibatch::new(&*model).unwrap();
    Problem {
        variables: vec!["w1".to_string(), "w2".to_string()],
        dynamics: Arc::new(GradientDynamics::new(Arc::clone(&model), Arc::new(noise))) as Arc<dyn Dynamics>,
        model,
        temperature: 0.00625,
        minibatch: Some(problem::Minibatch { learning_rate: 0.05, batch_size: 4, replacement }),
        grid: Grid::new(axes).unwrap(),
        initial: Initial::Point { at: vec![0.5; 2] },
        times: vec![0.0, 0.05 * STEPS as f64],
        seed: 7,
    }
}

/// CPU seconds of all threads so far.
fn cpu() -> f64 {
    let of_thread = |entry: std::fs::DirEntry| -> Option<f64> {
        std::fs::read_to_string(entry.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.flatten().filter_map(of_thread).sum::<f64>() * 1e-9
}

fn run(case: &str, walkers: usize, repeats: usize, threads: usize) {
    let problem = problem(case);
    let optimizer = if optimizer::OPTIMIZERS.iter().any(|entry| entry.name == case) { case } else { "sgd" };
    let (mut times, mut walls) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..repeats {
        let options = SgdOptions { walkers, optimizer: optimizer.to_string(), ..SgdOptions::default() };
        let step = options.build().unwrap().step_time(0.05);
        let mut engine = Sgd::new(&problem, options).unwrap();
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
    let steps = (walkers * STEPS) as f64;
    let seen = last.unwrap();
    println!(
        "{{\"peer\":\"fpsolve\",\"problem\":\"S4b\",\"variant\":\"{case}\",\"paths\":{walkers},\"steps\":{STEPS},\"outputs\":{OUTPUTS},\
         \"threads\":{threads},\"repeats\":{repeats},\"cpu_s\":{cpu:.4},\"cpu_min_s\":{:.4},\"wall_s\":{wall:.4},\"wall_min_s\":{:.4},\
         \"msteps_per_s\":{:.2},\"ns_per_step\":{:.3},\"ns_per_step_min\":{:.3},\"m1\":{:.6},\"m2\":{:.6},\"m11\":{:.6},\"se1\":{:.2e}}}",
        times[0],
        walls[0],
        steps / cpu * 1e-6,
        cpu / steps * 1e9,
        times[0] / steps * 1e9,
        seen.mean[0],
        seen.mean[1],
        seen.covariance[0] + seen.mean[0].powi(2),
        seen.mean_se[0],
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let number = |k: usize, default: usize| arguments.get(k).and_then(|a| a.parse().ok()).unwrap_or(default);
    let which = arguments.first().map_or("sgd", String::as_str);
    let threads = number(3, 1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        for case in cases().into_iter().filter(|case| which == "all" || which == *case) {
            run(case, number(1, 10_240), number(2, 5), threads);
        }
    });
}
