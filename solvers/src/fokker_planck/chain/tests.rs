#![allow(clippy::unwrap_used)]
use super::*;
use crate::fokker_planck::test_fields::{Field, grid, l1, nodal};

use Boundary::{Absorbing, Periodic, Reflecting};

/// dθ = −Hθ dt + noise of D = 0.1 R(30°) diag(1, ratio) Rᵀ with H = [[1, ½], [½, 2]].
fn rotated(ratio: f64) -> (Field, [f64; 3]) {
    let (s, c) = (std::f64::consts::PI / 6.0).sin_cos();
    let a = [0.1 * (c * c + ratio * s * s), 0.1 * (1.0 - ratio) * c * s, 0.1 * (s * s + ratio * c * c)];
    (
        Field::new(2, move |[x, y, _]| {
            ([-(x + 0.5 * y), -(0.5 * x + 2.0 * y), 0.0], [a[0], a[1], a[2], 0.0, 0.0, 0.0])
        }),
        a,
    )
}

/// Stationary covariance of [`rotated`]: H C + C H = 2 D.
fn lyapunov(a: [f64; 3]) -> [f64; 3] {
    // unknowns c11, c12, c22: 2 c11 + c12 = 2 a11; ½ c11 + 3 c12 + ½ c22 = 2 a12; c12 + 4 c22 = 2 a22
    let [a11, a12, a22] = a;
    let c12 = (2.0 * a12 - 0.5 * a11 - 0.25 * a22) / (3.0 - 0.25 - 0.125);
    [a11 - 0.5 * c12, c12, 0.5 * a22 - 0.25 * c12]
}

fn gaussian(g: &Grid, c: [f64; 3]) -> Vec<f64> {
    let det = c[0] * c[2] - c[1] * c[1];
    nodal(g, |[x, y, _]| -0.5 * (c[2] * x * x - 2.0 * c[1] * x * y + c[0] * y * y) / det)
}

#[test]
fn strong_anisotropy_is_accurate_and_never_negative() {
    // against the density at the cell centres; its cell averages differ by 0.004, 0.008 and 0.010
    for (ratio, tau, level) in [(0.1, 0.125, 4e-6), (0.01, 0.125, 1.2e-5), (0.001, 0.25, 6e-3)] {
        let (field, a) = rotated(ratio);
        let g = grid(&[(-2.0, 2.0, 128), (-2.0, 2.0, 128)], Reflecting);
        let chain = Chain::new(&field, 1.0, &g, tau).unwrap();
        let exact = gaussian(&g, lyapunov(a));
        let p = chain.stationary(&exact, 1e-9).unwrap();
        let error = l1(&p, &exact);
        assert!(p.iter().all(|&p| p >= 0.0));
        assert!(error < level, "{ratio} {error}");
    }
}

#[test]
fn moments_of_a_linear_drift_evolve_exactly() {
    let (field, _) = rotated(0.01);
    let g = grid(&[(-2.0, 2.0, 64), (-2.0, 2.0, 64)], Reflecting);
    let chain = Chain::new(&field, 1.0, &g, 0.25).unwrap();
    // E[θ' | θ] = e^{−Hτ} θ in the middle of the grid, to the tolerance of the flow
    let x: Vec<f64> = (0..g.len()).map(|i| g.center(i)[0]).collect();
    let mut mean = vec![0.0; g.len()];
    chain.backward(&x, &mut mean);
    let h = [[1.0, 0.5], [0.5, 2.0f64]];
    // e^{−Hτ} by its series
    let (mut power, mut f) = ([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]);
    for n in 1..30 {
        let mut next = [[0.0; 2]; 2];
        for i in 0..2 {
            for j in 0..2 {
                next[i][j] = -(0..2).map(|k| power[i][k] * h[k][j]).sum::<f64>() * 0.25 / f64::from(n);
                f[i][j] += next[i][j];
            }
        }
        power = next;
    }
    for i in 24..40 {
        for j in 24..40 {
            let cell = g.cell(&[i, j]);
            let [a, b, _] = g.center(cell);
            assert!((mean[cell] - f[0][0] * a - f[0][1] * b).abs() < 1e-4);
        }
    }
}

#[test]
fn rows_sum_to_one_for_all_walls_and_dimensions() {
    let momentum = Field::new(2, |[x, v, _]| ([v, -x - v, 0.0], [0.0, 0.0, 0.3, 0.0, 0.0, 0.0]));
    let ring = Field::line(|x: f64| (0.5 - x.sin(), 0.3));
    let space = Field::new(3, |[x, y, z]| ([-x, x - y, -z], [0.3, 0.1, 0.0, 0.2, 0.05, 0.1]));
    let nothing = Field::new(2, |[x, y, _]| ([-y, x, 0.0], [0.0; 6]));
    let cases = [
        (&momentum, grid(&[(-2.0, 2.0, 24), (-2.0, 2.0, 20)], Reflecting)),
        (&ring, grid(&[(0.0, std::f64::consts::TAU, 30)], Periodic)),
        (&space, grid(&[(-1.0, 1.0, 8), (-1.0, 1.0, 9), (-1.0, 1.0, 7)], Reflecting)),
        (&nothing, grid(&[(-1.0, 1.0, 8), (-1.0, 1.0, 8)], Reflecting)),
    ];
    for (field, g) in &cases {
        let chain = Chain::new(*field, 1.0, g, 0.2).unwrap();
        let mut p = vec![1.0 / g.len() as f64; g.len()];
        let mut out = p.clone();
        for _ in 0..20 {
            chain.forward(&p, &mut out);
            std::mem::swap(&mut p, &mut out);
        }
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-13);
        assert!(p.iter().all(|&p| p >= 0.0));
        chain.backward(&vec![1.0; g.len()], &mut out);
        assert!(out.iter().all(|v| (v - 1.0).abs() < 1e-14));
        // forward and backward are adjoint
        let u: Vec<f64> = (0..g.len()).map(|i| (i as f64).sin()).collect();
        let (mut pu, mut pp) = (vec![0.0; g.len()], vec![0.0; g.len()]);
        chain.backward(&u, &mut pu);
        chain.forward(&p, &mut pp);
        let (a, b): (f64, f64) =
            (p.iter().zip(&pu).map(|(a, b)| a * b).sum(), pp.iter().zip(&u).map(|(a, b)| a * b).sum());
        assert!((a - b).abs() < 1e-13);
    }
}

#[test]
fn walls_that_absorb_are_refused() {
    let field = Field::line(|x| (-x, 1.0));
    assert!(Chain::new(&field, 1.0, &grid(&[(-1.0, 1.0, 8)], Absorbing), 0.1).is_err());
}

#[test]
fn the_suitable_step_is_feasible_on_nearly_all_probability() {
    let g = grid(&[(-2.0, 2.0, 64), (-2.0, 2.0, 64)], Reflecting);
    let (field, a) = rotated(0.01);
    let law = gaussian(&g, lyapunov(a));
    let step = super::step_choice::suitable_step(&field, 1.0, &g, &[&law], f64::INFINITY).unwrap();
    let chain = Chain::new(&field, 1.0, &g, step).unwrap();
    let bad: f64 = (0..g.len()).filter(|&i| chain.infeasible[i]).map(|i| law[i]).sum();
    assert!(bad < 0.05, "{bad} {step}");
}

#[test]
fn outputs_closer_than_a_step_do_not_spoil_later_ones() {
    use super::chain_stepper::ChainStepper;
    use crate::fokker_planck::stepper::Stepper;
    let g = grid(&[(-2.0, 2.0, 48), (-2.0, 2.0, 48)], Reflecting);
    let start = nodal(&g, |[x, y, _]| -10.0 * ((x - 0.8).powi(2) + (y + 0.4).powi(2)));
    let run = |times: &[f64]| {
        let (field, _) = rotated(0.5);
        let chain = std::sync::Arc::new(Chain::new(&field, 1.0, &g, 0.1).unwrap());
        let mut stepper = ChainStepper::new(std::sync::Arc::new(field), 1.0, g.clone(), chain, start.clone(), 0.0);
        let mut out = vec![0.0; g.len()];
        for &t in times {
            stepper.advance(t, &|| false, &mut out).unwrap();
        }
        out
    };
    let straight = run(&[0.4]);
    let broken = run(&[1e-3, 2e-3, 0.05, 0.1, 0.15, 0.2, 0.3, 0.33, 0.4]);
    let difference = l1(&straight, &broken);
    assert!(difference < 1e-9, "{difference}");
}
