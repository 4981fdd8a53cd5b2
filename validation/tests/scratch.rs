#![allow(clippy::unwrap_used, dead_code)]
mod common;
use std::sync::Arc;
use common::{l1, line, square};
use fpsolve_solvers::dynamics::Dynamics;
use fpsolve_solvers::engine::{Attribute, Engine};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions, SpaceMethod};
use fpsolve_solvers::grid::Grid;
use fpsolve_solvers::initial::Initial;
use fpsolve_validation::reference::linear::{Law, OrnsteinUhlenbeck};
use fpsolve_validation::reference::manufactured::Equilibrium;
use fpsolve_validation::reference::problem;
use fpsolve_validation::reference::pushed_forward::{Sinh, Wave};

fn p5(condition: f64) -> OrnsteinUhlenbeck {
    let (s, c) = (std::f64::consts::PI / 6.0).sin_cos();
    let r = 1.0 / condition;
    let cross = (1.0 - r) * c * s;
    OrnsteinUhlenbeck::new(&[1.0, 0.5, 0.5, 2.0], &[c * c + r * s * s, cross, cross, s * s + r * c * c], 0.1)
}
fn number(engine: &dyn Engine, name: &str) -> f64 {
    match engine.attributes().into_iter().find(|(n, _)| *n == name) {
        Some((_, Attribute::Float(value))) => value,
        other => panic!("{name}: {other:?}"),
    }
}
fn report(name: &str, dynamics: Arc<dyn Dynamics>, t: f64, grid: &Grid, initial: Initial, time: f64, exact: Option<&[f64]>, rest: Option<&[f64]>) {
    for method in [SpaceMethod::Edges, SpaceMethod::Chain] {
        let clock = std::time::Instant::now();
        let options = FokkerPlanckOptions { discretisation: method, ..FokkerPlanckOptions::default() };
        let problem = problem(dynamics.clone(), t, grid.clone(), initial.clone(), vec![0.0, time]);
        let mut engine = match FokkerPlanck::new(&problem, options) { Ok(e) => e, Err(e) => { println!("{name}: {e}"); continue } };
        let mut out = format!("{name} {:5}", method.word());
        if let (Some(rest), Some(found)) = (rest, engine.stationary()) {
            let e = l1(&found.probability, rest);
            out += &format!(" rest {e:.2e} true/est {:.2}", e / found.error_grid.unwrap_or(f64::NAN));
        }
        engine.advance(time, &|| false).unwrap();
        if let Some(exact) = exact {
            let e = l1(&engine.snapshot().probability, exact);
            out += &format!(" moving {e:.2e} true/est {:.2}", e / (number(&engine, "error_grid") + number(&engine, "error_time")));
        }
        let reason = engine.attributes().into_iter().find(|(n, _)| *n == "method_reason").unwrap();
        println!("{out} {:.2}s {:?}", clock.elapsed().as_secs_f64(), if method == SpaceMethod::Chain { Some(reason.1) } else { None });
    }
}
#[test]
fn scratch() {
    if std::env::var("ONE").is_ok() {
        let e = Equilibrium::turning(1.0);
        let grid = square(5.5, 128);
        let exact = e.stationary(&grid);
        report("one", Arc::new(e), 1.0, &grid, Initial::Uniform, 1.0, None, Some(&exact));
        return;
    }
    for n in [64, 128] {
    for c in [10.0, 100.0, 1000.0] {
        let process = p5(c);
        let start = Law { mean: vec![0.8, -0.4], covariance: vec![0.05, 0.0, 0.0, 0.05] };
        let grid = square(2.0, n);
        let exact = process.law(&start, 1.0).cell_probability(&grid).unwrap();
        let rest = process.stationary().cell_probability(&grid).unwrap();
        report(&format!("P5 {c} {n}"), Arc::new(process), 0.1, &grid, start.initial(), 1.0, Some(&exact), Some(&rest));
    }
    for r in [0.0, 1.0] {
        let e = Equilibrium::turning(r);
        let grid = square(5.5, n);
        let exact = e.stationary(&grid);
        report(&format!("turning {r} {n}"), Arc::new(e), 1.0, &grid, Initial::Uniform, 1.0, None, Some(&exact));
        let e = Equilibrium::b10(r);
        let grid = square(4.5, n);
        let exact = e.stationary(&grid);
        report(&format!("b10 {r} {n}"), Arc::new(e), 1.0, &grid, Initial::Uniform, 1.0, None, Some(&exact));
    }
    let wave = Wave { rates: [1.0, 0.5], amplitude: 0.8, temperature: 0.3 };
    let start = [(0.6, 0.1), (-0.3, 0.2)];
    let grid = square(4.5, n);
    report(&format!("wave {n}"), Arc::new(wave), 0.3, &grid, Initial::Cells { probability: wave.cell_probability(&grid, start, 0.0)}, 0.8, Some(&wave.cell_probability(&grid, start, 0.8)), None);
    let sinh = Sinh { rate: 1.0, temperature: 0.2 };
    let grid = line(-6.0, 6.0, n);
    report(&format!("sinh {n}"), Arc::new(sinh), 0.2, &grid, Initial::Cells { probability: sinh.cell_probability(&grid, (0.5, 0.1), 0.0)}, 0.8, Some(&sinh.cell_probability(&grid, (0.5, 0.1), 0.8)), None);
    let grid = line(-1.5, 2.5, n);
    let process = OrnsteinUhlenbeck::b01();
    let start = Law { mean: vec![1.0], covariance: vec![0.01] };
    let exact = process.law(&start, 0.7).cell_probability(&grid).unwrap();
    report(&format!("B01 {n}"), Arc::new(process.clone()), 0.1, &grid, start.initial(), 0.7, Some(&exact), Some(&process.stationary().cell_probability(&grid).unwrap()));
    }
}
