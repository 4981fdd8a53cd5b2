#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use super::solver::Needed;
use super::table::{LINEAR_SOLVERS, choice, prepare, prepare_named, solve_backward, solve_forward};
use super::{dissection, multifrontal, multigrid};
use crate::Error;
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::GeneratorBuilder;
use crate::fokker_planck::testing::fixtures::{chain, dense, dense_solve, plane, quartic, ring};

fn cases() -> Vec<(Generator, Vec<usize>)> {
    let mut long = GeneratorBuilder::new(12 * 9);
    for i in 0..12 * 9 {
        for (step, rate) in [(1, 1.0), (9, 2.0), (19, 0.3), (7, 0.2)] {
            long.add_edge(i, (i + step) % 108, rate * (1.0 + (i as f64).sin().powi(2)), 0.7 * rate);
        }
    }
    long.add_exit(17, 0.4);
    let mut cube = GeneratorBuilder::new(6 * 5 * 7);
    for i in 0..210 {
        for step in [1usize, 7, 35] {
            if i + step < 210 {
                cube.add_edge(i, i + step, 1.0 + 0.1 * (i % 5) as f64, 0.5 + 0.2 * (i % 3) as f64);
            }
        }
    }
    vec![
        (chain(40, -2.0, 2.0, 0.2, quartic), vec![40]),
        (ring(30, 0.7, 0.3), vec![30]),
        (ring(3, 0.7, 0.3), vec![3]),
        (chain(2, -2.0, 2.0, 0.2, quartic), vec![2]),
        (plane(13, 17, 0.2, 0.8), vec![13, 17]),
        (long.finish(), vec![12, 9]),
        (cube.finish(), vec![6, 5, 7]),
    ]
}

#[test]
fn every_solver_agrees_with_dense_elimination() {
    for (generator, shape) in cases() {
        let n = generator.cells();
        let (c, gamma) = (0.7, 0.05);
        let generator = Arc::new(generator);
        let mut a: Vec<f64> = dense(&generator).iter().map(|v| -gamma * v).collect();
        (0..n).for_each(|i| a[i * n + i] += c);
        let at: Vec<f64> = (0..n * n).map(|k| a[(k % n) * n + k / n]).collect();
        let b: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).cos()).collect();
        for method in LINEAR_SOLVERS.iter().filter(|method| (method.applies)(&generator, &shape)) {
            let solver = (method.prepare)(&generator, &shape, None).factor(c, gamma, &|| false).unwrap();
            let (mut x, mut y) = (b.clone(), b.clone());
            solver.solve(&mut x, &|| false).unwrap();
            solver.solve_backward(&mut y, &|| false).unwrap();
            for (got, matrix) in [(&x, &a), (&y, &at)] {
                let wanted = dense_solve(matrix, &b, 1);
                let worst = got.iter().zip(&wanted).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
                let bound = if method.name == "multigrid" { 1e-10 } else { 1e-12 };
                assert!(worst < bound, "{} on {shape:?}: {worst:e}", method.name);
            }
        }
    }
}

#[test]
fn direct_solvers_conserve_mass_next_to_singularity() {
    let generators = [(chain(200, -2.0, 2.0, 0.01, quartic), vec![200]), (plane(30, 30, 0.02, 0.5), vec![30, 30])];
    for (generator, shape) in generators {
        let generator = Arc::new(generator);
        for method in
            LINEAR_SOLVERS.iter().filter(|method| (method.applies)(&generator, &shape) && method.name != "multigrid")
        {
            let solver = (method.prepare)(&generator, &shape, None).factor(1e-30, 1.0, &|| false).unwrap();
            let mut x = vec![0.0; generator.cells()];
            x[0] = 1.0;
            solver.solve(&mut x, &|| false).unwrap();
            assert!(x.iter().all(|&v| v > 0.0), "{}", method.name);
            assert!((x.iter().sum::<f64>() * 1e-30 - 1.0).abs() < 1e-12, "{}", method.name);
        }
    }
}

#[test]
fn singular_matrices_and_unknown_names_are_errors() {
    let generator = Arc::new(chain(20, -2.0, 2.0, 0.2, quartic));
    assert!(prepare(&generator, &[20]).factor(0.0, 1.0, &|| false).is_err());
    assert!(prepare(&generator, &[20]).factor(f64::NAN, 1.0, &|| false).is_err());
    assert!(prepare_named("cramer", &generator, &[20]).is_err());
    let plane = Arc::new(plane(8, 8, 0.2, 0.1));
    assert!(prepare(&plane, &[8, 8]).factor(0.0, 1.0, &|| false).is_err());
    assert!(prepare_named("tridiagonal", &plane, &[8, 8]).is_err());
}

#[test]
fn multigrid_converges_within_few_cycles_whatever_the_size_and_the_current() {
    for (n, omega) in [(40, 0.0), (120, 0.0), (40, 1.5), (120, 1.5)] {
        let generator = Arc::new(plane(n, n, 0.1, omega));
        let solver = (multigrid::SOLVER.prepare)(&generator, &[n, n], None).factor(1.0, 5.0, &|| false).unwrap();
        let direct = (multifrontal::SOLVER.prepare)(&generator, &[n, n], None).factor(1.0, 5.0, &|| false).unwrap();
        let mut x = vec![0.0; n * n];
        x[n * n / 3] = 1.0;
        let (mut y, mut z) = (x.clone(), x.clone());
        solver.solve(&mut x, &|| false).unwrap();
        direct.solve(&mut y, &|| false).unwrap();
        let error: f64 = x.iter().zip(&y).map(|(a, b)| (a - b).abs()).sum();
        assert!(error < 1e-10, "n = {n}, rotation {omega}: {error:e}");
        let mut w = z.clone();
        solver.solve_backward(&mut z, &|| false).unwrap();
        direct.solve_backward(&mut w, &|| false).unwrap();
        // near the middle, where the weights are not small
        let at = (n / 2) * n + n / 2;
        assert!((z[at] - w[at]).abs() < 1e-8 * w[at].abs(), "{} {}", z[at], w[at]);
    }
}

#[test]
fn multigrid_finds_the_stationary_density_of_elimination() {
    for (n, temperature, omega) in [(60, 0.1, 1.2), (100, 0.05, 0.4)] {
        let generator = Arc::new(plane(n, n, temperature, omega));
        let tree = Arc::new(dissection::Dissection::new(&generator, &[n, n]));
        let exact =
            multifrontal::Multifrontal::factor(&generator, &tree, 0.0, 1.0, &|| false).unwrap().log_null_vector();
        let (log, residual) = multigrid::stationary(&generator, &[n, n], None, &|| false).unwrap();
        assert!(residual < 1e-11, "residual {residual:e}");
        let sum = |log: &[f64]| log.iter().map(|l| l.exp()).sum::<f64>();
        let (a, b) = (sum(&log), sum(&exact));
        let error: f64 = log.iter().zip(&exact).map(|(x, y)| (x.exp() / a - y.exp() / b).abs()).sum();
        assert!(error < 1e-8, "n = {n}: L1 {error:e}");
        let tail = |depth: f64| {
            let kept = log.iter().zip(&exact).filter(|(_, y)| **y > depth);
            kept.map(|(x, y)| ((x.exp() / a) / (y.exp() / b) - 1.0).abs()).fold(0.0, f64::max)
        };
        assert!(tail(-20.0) < 1e-6, "n = {n}: relative error in the tails {:e}", tail(-20.0));
    }
}

#[test]
fn the_choice_follows_size_and_dimension() {
    let name = |shape: &[usize]| choice(&Needed { shape, rates: 2.0 * shape.len() as f64 }, shape.len() == 1).0.name;
    assert_eq!(name(&[100_000]), "tridiagonal");
    assert_eq!([name(&[64, 64]), name(&[1024, 1024]), name(&[32, 32, 32])], ["multifrontal"; 3]);
    assert_eq!([name(&[4096, 4096]), name(&[128, 128, 128])], ["multigrid"; 2]);
}

#[test]
fn interruptions_reach_into_factorisations_cycles_and_stationary_densities() {
    use crate::fokker_planck::stationary::solve::stationary_law_from;
    let generator = Arc::new(plane(40, 40, 0.1, 0.5));
    let stopped = |result: Result<(), Error>| matches!(result, Err(Error::Interrupted { .. }));
    assert!(stopped(solve_backward(&generator, &[40, 40], 1.0, &mut [1.0; 1600], &|| true)));
    let multigrid = prepare_named("multigrid", &generator, &[40, 40]).unwrap();
    assert!(stopped(multigrid.factor(1.0, 1.0, &|| true).map(|_| ())));
    let solver = multigrid.factor(1.0, 1.0, &|| false).unwrap();
    assert!(stopped(solver.solve(&mut [1.0; 1600], &|| true)));
    assert!(stopped(stationary_law_from(&generator, &[40, 40], &|| None, &|| true).map(|_| ())));
}

#[test]
fn an_iteration_that_stops_early_says_where_and_what_to_try() {
    let generator = Arc::new(plane(40, 40, 0.1, 0.5));
    let solver = prepare_named("multigrid", &generator, &[40, 40]).unwrap().factor(1.0, 1.0, &|| false).unwrap();
    let mut x = vec![f64::NAN; 1600];
    let error = solver.solve(&mut x, &|| false).unwrap_err();
    assert!(error.to_string().contains("cycles") && error.to_string().contains("residual"), "{error}");
    assert!(error.help().unwrap_or_default().contains("polynomial"), "{error:?}");
}

#[test]
fn solves_of_one_line_give_mean_exit_times() {
    // unit rates on n cells, exits at both ends: the mean exit time from cell i is (i + 1)(n − i)/2
    let mut builder = crate::fokker_planck::generator::GeneratorBuilder::new(9);
    (0..8).for_each(|i| builder.add_edge(i, i + 1, 1.0, 1.0));
    builder.add_exit(0, 1.0);
    builder.add_exit(8, 1.0);
    let generator = Arc::new(builder.finish());
    let mut u = [1.0; 9];
    solve_backward(&generator, &[9], 0.0, &mut u, &|| false).unwrap();
    assert!((0..9).all(|i| (u[i] - (i + 1) as f64 * (9 - i) as f64 / 2.0).abs() < 1e-12), "{u:?}");
    // time spent in all cells, started from the middle
    let mut p = [0.0; 9];
    p[4] = 1.0;
    solve_forward(&generator, &[9], 0.0, &mut p, &|| false).unwrap();
    assert!((p.iter().sum::<f64>() - u[4]).abs() < 1e-12, "{p:?}");
}
