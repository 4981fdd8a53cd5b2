#![allow(clippy::unwrap_used)]
use super::transition::Chain;
use crate::fokker_planck::testing::fixtures::double_well_committor;
use crate::fokker_planck::testing::test_fields::{Field, grid, nodal};
use crate::problem::density::l1;
use crate::problem::grid::{Axis, Grid};

use super::extrapolation::{Pair, extrapolated};
use super::first_passage::Passages;
use super::long_steps::ChainStepper;
use super::slow_modes::slow_modes;
use crate::engine::Interrupt;
use crate::escape::on_grid::{GridPassage, PassageProblem};
use crate::escape::passage::Target;
use crate::fokker_planck::edges::edge_generator;
use crate::fokker_planck::integrator::system::Stepper;
use crate::fokker_planck::spectrum::Weights;
use crate::formula::{Symbols, parse};
use crate::problem::grid::Boundary::{Absorbing, Periodic, Reflecting};

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

fn pair(field: &Field, g: &Grid, long_step: f64) -> Pair {
    Pair::new(&|step, _| Chain::new(field, 1.0, g, step), long_step, &|| false).unwrap()
}

#[test]
fn strong_anisotropy_is_accurate_and_never_negative() {
    // against the density at the cell centres; its cell averages differ by 0.004, 0.008 and 0.010
    for (ratio, tau, level) in [(0.1, 0.125, 4e-6), (0.01, 0.125, 1.2e-5), (0.001, 0.25, 6e-3)] {
        let (field, a) = rotated(ratio);
        let g = grid(&[(-2.0, 2.0, 128), (-2.0, 2.0, 128)], Reflecting);
        let exact = gaussian(&g, lyapunov(a));
        let found = pair(&field, &g, 2.0 * tau).stationary(&exact, &|| false).unwrap();
        assert!(found.residual < 1e-12, "{:e}", found.residual);
        let p = extrapolated(&found.laws[0], &found.laws[1]);
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
fn the_suitable_step_is_feasible_on_nearly_all_probability() {
    let g = grid(&[(-2.0, 2.0, 64), (-2.0, 2.0, 64)], Reflecting);
    let (field, a) = rotated(0.01);
    let law = gaussian(&g, lyapunov(a));
    let step = super::step_choice::suitable_step(&field, 1.0, &g, &[&law], f64::INFINITY, &|_| false).unwrap();
    let chain = Chain::new(&field, 1.0, &g, step).unwrap();
    let bad: f64 = (0..g.len()).filter(|&i| chain.infeasible[i]).map(|i| law[i]).sum();
    assert!(bad < 0.05, "{bad} {step}");
}

/// Follows `start` by the pair of the given long step and shows the law at the times.
fn follow(field: &Field, g: &Grid, long_step: f64, start: &[f64], times: &[f64]) -> Vec<Vec<f64>> {
    let build = |step: f64, _: Interrupt| Chain::new(field, 1.0, g, step);
    let mut stepper = ChainStepper::new(Box::new(build), pair(field, g, long_step).into(), start.to_vec(), 0.0);
    let mut out = vec![0.0; g.len()];
    let mut see = |&time: &f64| {
        stepper.advance(time, &|| false, &mut out).unwrap();
        out.clone()
    };
    times.iter().map(&mut see).collect()
}

#[test]
fn outputs_closer_than_a_step_do_not_spoil_later_ones() {
    let g = grid(&[(-2.0, 2.0, 48), (-2.0, 2.0, 48)], Reflecting);
    let start = nodal(&g, |[x, y, _]| -10.0 * ((x - 0.8).powi(2) + (y + 0.4).powi(2)));
    let (field, _) = rotated(0.5);
    let run = |times: &[f64]| follow(&field, &g, 0.2, &start, times).pop().unwrap();
    let difference = l1(&run(&[0.4]), &run(&[1e-3, 2e-3, 0.05, 0.1, 0.15, 0.2, 0.3, 0.33, 0.4]));
    assert!(difference < 1e-9, "{difference}");
}

#[test]
fn absorbing_walls_take_what_they_should() {
    // −θ and D = 0.2 on [0, ∞): starting at a the survival is erf(a e^{−t}/√(2 C(t))), C = 0.2 (1 − e^{−2t})
    let field = Field::line(|x| (-x, 0.2));
    let survival = |n: usize| {
        let axis = Axis::uniform("x", 0.0, 3.2, n, [Absorbing, Reflecting]).unwrap();
        let g = Grid::new(vec![axis]).unwrap();
        // odd images of Gaussians: (mean 1, variance 0.02) at the start
        let image =
            |x: f64, m: f64, v: f64| (-0.5 * (x - m) * (x - m) / v).exp() - (-0.5 * (x + m) * (x + m) / v).exp();
        let law = |m: f64, v: f64, mass: f64| {
            let p: Vec<f64> = (0..n).map(|i| image(g.center(i)[0], m, v)).collect();
            let sum: f64 = p.iter().sum();
            p.iter().map(|p| p * mass / sum).collect::<Vec<f64>>()
        };
        let mass = |m: f64, v: f64| libm::erf(m / (2.0 * v).sqrt());
        let (m, e) = (1.0f64, (-0.6f64).exp());
        let v = 0.2 + (0.02 - 0.2) * e * e;
        let long_step = 4.0 * (3.2 / n as f64).powi(2) / 0.2;
        let found = follow(&field, &g, long_step, &law(m, 0.02, mass(m, 0.02)), &[0.6]).pop().unwrap();
        l1(&found, &law(m * e, v, mass(m * e, v)))
    };
    let errors = [survival(32), survival(64), survival(128)];
    let order = (errors[1] / errors[2]).log2();
    assert!(order > 1.9 && errors[2] < 2e-4, "{order} {errors:?}");
}

#[test]
fn slow_modes_of_a_linear_rotation_are_exact() {
    // (−x − ωy, ωx − y) and D = 0.3: eigenvalues n + mωi, n = 1: 1 ± ωi; steps that turn by `turn` half circles or less
    let error = |n: usize, omega: f64, turn: f64| {
        let drift = move |x: f64, y: f64| [-x - omega * y, omega * x - y, 0.0];
        let field = Field::new(2, move |[x, y, _]| (drift(x, y), [0.3, 0.0, 0.3, 0.0, 0.0, 0.0]));
        let g = grid(&[(-3.4, 3.4, n), (-3.4, 3.4, n)], Reflecting);
        let h = 6.8 / n as f64;
        let long_step = if turn > 0.0 { turn * std::f64::consts::PI / omega } else { 4.0 * h * h };
        let pair = pair(&field, &g, long_step);
        let law = pair.stationary(&vec![1.0; g.len()], &|| false).unwrap();
        let generator = edge_generator(&field, 1.0, &g).unwrap().generator;
        let weights = [0, 1].map(|k| Weights { pi: &law.laws[k], conserved: true });
        let modes = slow_modes(&pair, &generator, &weights, 3, &|| false).unwrap();
        assert_eq!(modes.real.len(), 3);
        assert!(modes.imaginary[1] > 0.0 && modes.imaginary[2] == -modes.imaginary[1]);
        // left vectors are densities of mass 0, functions and densities are dual
        assert!(modes.left[1].iter().sum::<f64>().abs() < 1e-8);
        (modes.real[1] - 1.0).hypot(modes.imaginary[1] - omega)
    };
    // a linear drift leaves no error of the grid, only that of the flow over a step
    assert!(error(40, 2.0, 0.0) < 2e-6, "{:e}", error(40, 2.0, 0.0));
    // frequencies beyond half a turn in the longer step, and in both
    for turn in [1.3, 2.6] {
        assert!(error(40, 6.0, turn) < 1e-3, "{turn}: {:e}", error(40, 6.0, turn));
    }
}

fn passage(
    field: &Field,
    g: &Grid,
    long_step: f64,
    from: &[f64],
    sets: [Option<&str>; 2],
    times: &[f64],
) -> GridPassage {
    let d = g.dimension();
    let target = |text: &str| Target::new(text, &parse(text, &Symbols::new(&["x", "y", "z"][..d])).unwrap(), d);
    let [to, avoid] = sets.map(|text| text.map(target));
    let problem = PassageProblem { from, target: to.as_ref().unwrap(), avoid: avoid.as_ref(), times };
    Passages { dynamics: field, temperature: 1.0, grid: g, long_step }.answer(&problem, &|| false).unwrap()
}

#[test]
fn first_passages_of_the_double_well_agree_with_their_integrals() {
    // B03 at T = 0.1
    let field = Field::line(|x| (x - x * x * x, 0.1));
    let found = |n: usize| {
        let g = grid(&[(-2.437, 2.437, n)], Reflecting);
        let h = 4.874 / n as f64;
        passage(&field, &g, 20.0 * h * h, &[-1.0], [Some("x > 1"), None], &[0.0, 30.0, 66.27])
    };
    let errors = [found(50), found(100), found(200)].map(|found| found.from_value / 66.2686263649179 - 1.0);
    let order = (errors[1] / errors[2]).log2();
    assert!((3.5..4.6).contains(&order) && (errors[2] / -1.40e-4 - 1.0).abs() < 0.05, "{order} {errors:?}");
    let fine = found(200);
    assert!((fine.survival[2] - (-1.0f64).exp()).abs() < 0.03 && fine.committor.is_none(), "{:?}", fine.survival);
    assert!(fine.survival.windows(2).all(|s| s[1] <= s[0]));
}

#[test]
fn committors_agree_with_their_integral_also_at_an_absorbing_wall() {
    let field = Field::line(|x| (x - x * x * x, 0.1));
    let exact = double_well_committor();
    let g = grid(&[(-2.5, 2.5, 200)], Reflecting);
    let sets = passage(&field, &g, 0.0125, &[0.21], [Some("x > 1.1"), Some("x < -0.9")], &[0.0]);
    let error = (sets.from_committor.unwrap() - exact).abs();
    let axis = Axis::uniform("x", -0.9, 2.5, 136, [Absorbing, Reflecting]).unwrap();
    let wall = Grid::new(vec![axis]).unwrap();
    let walled = passage(&field, &wall, 0.0125, &[0.21], [Some("x > 1.1"), None], &[0.0]);
    let walled_error = (walled.from_committor.unwrap() - exact).abs();
    assert!(error < 6e-5 && walled_error < 6e-5, "{error:e} {walled_error:e}");
}
