//! Speed and memory of the transfer operator (benches/README.md), one JSON line for each case: wall seconds to build the chain,
//! to find its invariant law, CPU seconds of all threads, entries, and the largest resident set of the process so far. Run one case a process for its memory.
//!
//! On a line: rows "moments" and "fitted" at the learning rates 0.1 and 0.5, on the three grids that an engine builds.
//!
//! `cargo bench --bench transfer_operator -- [line|plane|batches|all] [cells]`

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use fpsolve_solvers::transfer_operator::plane::PlaneOperator;
use fpsolve_solvers::transfer_operator::samples::{Line, Plane};
use fpsolve_solvers::transfer_operator::solve::invariant_laws;
use fpsolve_solvers::transfer_operator::{Nodes, Rows, Step, line};

/// Normal numbers from a fixed sequence.
fn normals(n: usize, mut state: u64) -> Vec<f64> {
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    (0..n).map(|_| (-2.0 * next().ln()).sqrt() * (std::f64::consts::TAU * next()).cos()).collect()
}

/// Megabytes of the largest resident set; not a number where the system does not say.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).map_or(f64::NAN, |kb| kb / 1024.0)
}

/// Seconds of all threads of the process so far.
fn cpu() -> f64 {
    let times = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks =
        |k: usize| times.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(k)?.parse::<f64>().ok());
    ticks(11).zip(ticks(12)).map_or(f64::NAN, |(user, system)| (user + system) / 100.0)
}

fn report(case: &str, cells: usize, [build, solve]: [f64; 2], cpu: f64, entries: usize) {
    println!(
        "{{\"case\": \"{case}\", \"cells\": {cells}, \"build_seconds\": {build:.3}, \"law_seconds\": {solve:.3}, \
         \"cpu_seconds\": {cpu:.2}, \"entries\": {entries}, \"peak_megabytes\": {:.0}}}",
        peak()
    );
}

/// Two wells on a line, 10,000 samples in batches of 512: operators and invariant laws of three grids.
fn on_a_line(cells: usize, rows: Rows, rate: f64) {
    let z = normals(10_000, 5);
    let samples = Line { count: z.len(), gradient: |t: f64, s: usize| t * t * t - t + z[s] };
    let (before, mut seconds, mut entries) = (cpu(), [0.0; 2], 0);
    for cells in [cells, cells / 2, cells / 4] {
        let start = Instant::now();
        let nodes = Nodes::between(-1.6, 1.6, cells);
        let operator = line::build(&nodes, &samples, &Step::sgd(rate, 512), rows, &|| false).unwrap();
        seconds[0] += start.elapsed().as_secs_f64();
        let start = Instant::now();
        invariant_laws(&operator.matrix, &|| false).unwrap();
        seconds[1] += start.elapsed().as_secs_f64();
        entries += operator.matrix.entries();
    }
    report(&format!("line, {} rows, rate {rate}", rows.word()), cells, seconds, cpu() - before, entries);
}

/// Two wells in a plane, `m` samples in batches of `batch`.
fn in_a_plane(case: &str, cells: usize, m: usize, batch: usize, rate: f64) {
    let (a, b) = (normals(m, 5), normals(m, 6));
    let gradient = |t: [f64; 2], s: usize| [t[0].powi(3) - t[0] + a[s], t[1] + 0.7 * b[s]];
    let samples = Plane { count: m, gradient };
    let axes = [Nodes::between(-2.4, 2.4, cells), Nodes::between(-1.68, 1.68, cells)];
    let (before, start) = (cpu(), Instant::now());
    let plane = PlaneOperator::new(axes, &samples, &Step::sgd(rate, batch), 40_000_000, &|| false).unwrap();
    let (build, start) = (start.elapsed().as_secs_f64(), Instant::now());
    invariant_laws(&plane, &|| false).unwrap();
    let seconds = [build, start.elapsed().as_secs_f64()];
    report(case, cells, seconds, cpu() - before, plane.operator.matrix.entries());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let case = arguments.first().map_or("all", String::as_str);
    let cells = |or: usize| arguments.get(1).map_or(or, |cells| cells.parse().unwrap());
    if case == "line" || case == "all" {
        for (rows, rate) in [(Rows::Moments, 0.1), (Rows::Moments, 0.5), (Rows::Fitted, 0.1), (Rows::Fitted, 0.5)] {
            on_a_line(cells(4000), rows, rate);
        }
    }
    if case == "plane" || case == "all" {
        in_a_plane("plane", cells(256), 1000, 1, 0.03);
    }
    if case == "batches" || case == "all" {
        in_a_plane("batches", cells(96), 1000, 16, 0.4);
    }
}
