//! Speed and memory of the Fokker–Planck engine on the problems of benches/README.md, one JSON line each: CPU seconds of all threads
//! for the generator with the stationary density, and for the transient; peak memory.
//!
//! `cargo bench --bench fokker_planck -- NAME [cells per axis] [end time] [threads] [FILE]`, NAME one of P1, P2, P3, P4,
//! P5-10, P5-100, P5-1000 (P5 of that condition number), current, cube, cube-current. One problem a process, so that the peak memory is its own. FILE receives the cell averages of the transient and of
//! the stationary density as raw doubles.

#![allow(clippy::unwrap_used)]

use fpsolve_solvers::engine::OnGrid;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use fpsolve_solvers::diffusion::formula::FormulaDiffusion;
use fpsolve_solvers::dynamics::FormulaDynamics;
use fpsolve_solvers::engine::{Attribute, Engine};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::formula::{Symbols, parse};
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

/// A problem as its formulas, box, end, and Gaussian start.
struct Case {
    name: &'static str,
    drift: &'static [&'static str],
    /// The diagonal of A.
    diffusion: &'static [&'static str],
    /// A₀₁ in two dimensions.
    cross: &'static str,
    half: f64,
    cells: usize,
    end: f64,
    mean: &'static [f64],
    variance: f64,
}

const CASES: &[Case] = &[
    Case {
        name: "P1",
        drift: &["-x"],
        diffusion: &["0.1"],
        cross: "0",
        half: 4.0,
        cells: 512,
        end: 1.0,
        mean: &[1.0],
        variance: 0.02,
    },
    Case {
        name: "P2",
        drift: &["x - x^3"],
        diffusion: &["0.02"],
        cross: "0",
        half: 2.5,
        cells: 512,
        end: 10.0,
        mean: &[-1.0],
        variance: 0.02,
    },
    Case {
        name: "P3",
        drift: &["x - x^3 - 0.3*y", "-y - 0.3*x"],
        diffusion: &["0.05", "0.05"],
        cross: "0",
        half: 2.5,
        cells: 256,
        end: 1.0,
        mean: &[-1.0, 0.3],
        variance: 0.02,
    },
    Case {
        name: "P4",
        drift: &["-x", "-y"],
        diffusion: &["0.05*(1 + x^2)", "0.05*(1 + y^2)"],
        cross: "0",
        half: 4.0,
        cells: 256,
        end: 1.0,
        mean: &[1.0, -0.5],
        variance: 0.05,
    },
    Case {
        name: "P5-10",
        drift: &["-x - 0.5*y", "-0.5*x - 2*y"],
        diffusion: &["0.075 + 0.025*0.1", "0.025 + 0.075*0.1"],
        cross: "0.1*(1 - 0.1)*sqrt(3)/4",
        half: 2.0,
        cells: 128,
        end: 1.0,
        mean: &[0.8, -0.4],
        variance: 0.05,
    },
    Case {
        name: "P5-100",
        drift: &["-x - 0.5*y", "-0.5*x - 2*y"],
        diffusion: &["0.075 + 0.025*0.01", "0.025 + 0.075*0.01"],
        cross: "0.1*(1 - 0.01)*sqrt(3)/4",
        half: 2.0,
        cells: 128,
        end: 1.0,
        mean: &[0.8, -0.4],
        variance: 0.05,
    },
    Case {
        name: "P5-1000",
        drift: &["-x - 0.5*y", "-0.5*x - 2*y"],
        diffusion: &["0.075 + 0.025*0.001", "0.025 + 0.075*0.001"],
        cross: "0.1*(1 - 0.001)*sqrt(3)/4",
        half: 2.0,
        cells: 128,
        end: 1.0,
        mean: &[0.8, -0.4],
        variance: 0.05,
    },
    Case {
        name: "current",
        drift: &["x - x^3 - 0.5*y", "-y + 0.5*x"],
        diffusion: &["0.05", "0.05"],
        cross: "0",
        half: 2.5,
        cells: 1024,
        end: 1.0,
        mean: &[-1.0, 0.3],
        variance: 0.02,
    },
    Case {
        name: "cube",
        drift: &["x - x^3 - 0.3*y", "-y - 0.3*x", "-z"],
        diffusion: &["0.05", "0.05", "0.05"],
        cross: "0",
        half: 2.0,
        cells: 128,
        end: 1.0,
        mean: &[-1.0, 0.3, 0.0],
        variance: 0.02,
    },
    Case {
        name: "cube-current",
        drift: &["x - x^3 - 0.5*y", "-y + 0.5*x", "-z"],
        diffusion: &["0.05", "0.05", "0.05"],
        cross: "0",
        half: 2.0,
        cells: 128,
        end: 1.0,
        mean: &[-1.0, 0.3, 0.0],
        variance: 0.02,
    },
];

fn problem(case: &Case, cells: usize, end: f64) -> Problem {
    let variables = &["x", "y", "z"][..case.drift.len()];
    let symbols = Symbols::new(variables);
    let parsed = |row: &[&str]| -> Vec<_> { row.iter().map(|f| parse(f, &symbols).unwrap()).collect() };
    let d = variables.len();
    let entry = |i: usize, j: usize| match (i, j) {
        _ if i == j => case.diffusion[i],
        (0, 1) | (1, 0) => case.cross,
        _ => "0",
    };
    let rows: Vec<_> = (0..d).map(|i| parsed(&(0..d).map(|j| entry(i, j)).collect::<Vec<_>>())).collect();
    let noise = FormulaDiffusion::new(&rows).unwrap();
    let model = FormulaModel::drift(&parsed(case.drift));
    let dynamics: Arc<dyn Dynamics> = Arc::new(FormulaDynamics::new(&model, &noise, 0.0));
    let axis = |v: &&str| Axis::uniform(*v, -case.half, case.half, cells, [Boundary::Reflecting; 2]).unwrap();
    let packed = |i: usize, j: usize| if i == j { case.variance } else { 0.0 };
    Problem {
        variables: variables.iter().map(|v| (*v).to_string()).collect(),
        model: Arc::new(model),
        dynamics,
        temperature: 1.0,
        minibatch: None,
        grid: Grid::new(variables.iter().map(axis).collect()).unwrap(),
        initial: Initial::Gaussian {
            mean: case.mean.to_vec(),
            covariance: (0..d).flat_map(|i| (i..d).map(move |j| packed(i, j))).collect(),
        },
        times: vec![0.0, end],
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

/// Seconds since the program began to measure.
fn wall() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Largest resident memory so far, bytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    1024.0 * line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
}

/// The densities of the end and of the stationary law, one after the other.
fn write(engine: &FokkerPlanck, grid: &Grid, file: &str) {
    let probability = engine.snapshot().probability;
    let stationary = engine.stationary().map_or(Vec::new(), |s| s.probability.clone());
    let densities = probability.iter().chain(&stationary).enumerate();
    let bytes: Vec<u8> = densities.flat_map(|(i, p)| (p / grid.volume(i % grid.len())).to_le_bytes()).collect();
    std::fs::write(file, bytes).unwrap();
}

/// Smallest probability of a cell, at the end and at rest.
fn least(engine: &FokkerPlanck) -> f64 {
    let probability = engine.snapshot().probability;
    let stationary = engine.stationary().map_or(&[][..], |s| &s.probability);
    probability.iter().chain(stationary).copied().fold(f64::INFINITY, f64::min)
}

fn run(case: &Case, cells: usize, end: f64, threads: usize, file: Option<&String>) {
    let problem = problem(case, cells, end);
    let options = FokkerPlanckOptions { error_estimate: false, ..FokkerPlanckOptions::default() };
    // problems that take less than a tick of the CPU clock are built and advanced many times in a row; of all the best of several rounds
    let (rounds, repeats) = match problem.grid.len() {
        0..2_000 => (9, 200),
        2_000..20_000 => (3, 1),
        20_000..100_000 => (9, 1),
        100_000..1_500_000 => (3, 1),
        _ => (1, 1),
    };
    let mut best = [f64::INFINITY; 4];
    let mut engines = Vec::new();
    for _ in 0..rounds {
        engines.clear();
        let begin = [cpu(), wall()];
        engines.extend((0..repeats).map(|_| FokkerPlanck::new(&problem, options.clone()).unwrap()));
        let built = [cpu(), wall()];
        engines.iter_mut().for_each(|engine| engine.advance(end, &|| false).unwrap());
        let done = [cpu(), wall()];
        let parts = [built[0] - begin[0], done[0] - built[0], built[1] - begin[1], done[1] - built[1]];
        best.iter_mut().zip(parts).for_each(|(best, seconds)| *best = best.min(seconds / f64::from(repeats)));
    }
    let engine = engines.pop().unwrap();
    let text = |key: &str| {
        let found = engine.attributes().into_iter().find(|(name, _)| *name == key);
        match found {
            Some((_, Attribute::Text(text))) => text,
            _ => String::new(),
        }
    };
    if let Some(file) = file {
        write(&engine, &problem.grid, file);
    }
    println!(
        "{{\"peer\":\"fpsolve\",\"problem\":\"{}\",\"cells\":{cells},\"end\":{end},\"threads\":{threads},\"stationary_s\":{:.6},\
         \"transient_s\":{:.6},\"stationary_wall_s\":{:.6},\"transient_wall_s\":{:.6},\"peak_mb\":{:.0},\"min\":{:e},\"method\":\"{}\",\"linear_solver\":\"{}\",\
         \"stationary\":\"{}\"}}",
        case.name,
        best[0],
        best[1],
        best[2],
        best[3],
        peak() / 1e6,
        least(&engine),
        text("method"),
        text("linear_solver"),
        engine.stationary().map_or("none", |s| s.method),
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let Some(case) = arguments.first().and_then(|name| CASES.iter().find(|case| case.name == name)) else {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        eprintln!("name a problem: {}", names.join(", "));
        return;
    };
    let cells = arguments.get(1).and_then(|a| a.parse().ok()).unwrap_or(case.cells);
    let end = arguments.get(2).and_then(|a| a.parse().ok()).unwrap_or(case.end);
    let threads = arguments.get(3).and_then(|a| a.parse().ok()).unwrap_or(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| run(case, cells, end, threads, arguments.get(4)));
}
