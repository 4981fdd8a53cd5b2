#![allow(clippy::unwrap_used)]
use super::*;
use crate::fokker_planck::fixtures::{chain, dense, dense_solve, plane, quartic, ring};
use crate::fokker_planck::generator::GeneratorBuilder;

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
        for method in METHODS.iter().filter(|method| (method.applies)(&generator, &shape)) {
            let solver = (method.prepare)(&generator, &shape).factor(c, gamma).unwrap();
            let (mut x, mut y) = (b.clone(), b.clone());
            solver.solve(&mut x).unwrap();
            solver.solve_backward(&mut y).unwrap();
            for (got, matrix) in [(&x, &a), (&y, &at)] {
                let wanted = dense_solve(matrix, &b, 1);
                let worst = got.iter().zip(&wanted).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
                assert!(worst < 1e-12, "{} on {shape:?}: {worst:e}", method.name);
            }
        }
    }
}

#[test]
fn direct_solvers_conserve_mass_next_to_singularity() {
    let generators = [(chain(200, -2.0, 2.0, 0.01, quartic), vec![200]), (plane(30, 30, 0.02, 0.5), vec![30, 30])];
    for (generator, shape) in generators {
        let generator = Arc::new(generator);
        for method in METHODS.iter().filter(|method| (method.applies)(&generator, &shape)).take(2) {
            let solver = (method.prepare)(&generator, &shape).factor(1e-30, 1.0).unwrap();
            let mut x = vec![0.0; generator.cells()];
            x[0] = 1.0;
            solver.solve(&mut x).unwrap();
            assert!(x.iter().all(|&v| v > 0.0), "{}", method.name);
            assert!((x.iter().sum::<f64>() * 1e-30 - 1.0).abs() < 1e-12, "{}", method.name);
        }
    }
}

#[test]
fn singular_matrices_and_unknown_names_are_errors() {
    let generator = Arc::new(chain(20, -2.0, 2.0, 0.2, quartic));
    assert!(prepare(&generator, &[20]).factor(0.0, 1.0).is_err());
    assert!(prepare(&generator, &[20]).factor(f64::NAN, 1.0).is_err());
    assert!(prepare_named("cramer", &generator, &[20]).is_err());
    let plane = Arc::new(plane(8, 8, 0.2, 0.1));
    assert!(prepare(&plane, &[8, 8]).factor(0.0, 1.0).is_err());
    assert!(prepare_named("tridiagonal", &plane, &[8, 8]).is_err());
}
