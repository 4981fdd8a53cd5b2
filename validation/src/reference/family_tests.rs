//! The exact families by a second way: the Fokker–Planck equation by differences, identities of moments, closed forms.
#![allow(clippy::unwrap_used)]

use std::f64::consts::PI;

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Boundary, Grid};
use statrs::function::{beta::beta_reg, gamma::gamma_lr};

use super::balls::Ball;
use super::bessel::{Bessel, bessel_zero};
use super::grids::uniform;
use super::hopf::Hopf;
use super::jacobi::Jacobi;
use super::laplace::{Laplace, Mode};
use super::linear::{Law, OrnsteinUhlenbeck};
use super::natural_scale::NaturalScale;
use super::quadrature::integrate;
use super::square_root::SquareRoot;
use super::student::{Mixture, Student};
use super::torus::{Drifted, TorusFlow};
use super::washboard::Washboard;

fn close(got: f64, want: f64, rtol: f64) {
    assert!((got - want).abs() <= rtol * want.abs(), "{got} for {want}");
}

/// A grid of three cells about x, of which the middle one is narrow.
fn about(x: f64) -> Grid {
    uniform(&[(x - 1.5e-3, x + 1.5e-3, 3)], Boundary::Reflecting).unwrap()
}

/// ∂ρ/∂t = −∂(bρ) + T ∂²(Dρ) by differences of cell probabilities of width 1e-3.
fn solves(dynamics: &dyn Dynamics, t: f64, cells: &dyn Fn(&Grid, f64) -> Vec<f64>, time: f64, x: f64) {
    let (h, dt) = (1e-3, 1e-4);
    let density: Vec<f64> = cells(&about(x), time).iter().map(|p| p / h).collect();
    let later = (cells(&about(x), time + dt)[1] - cells(&about(x), time - dt)[1]) / (2.0 * dt * h);
    let flow: Vec<(f64, f64)> = [-1.0, 0.0, 1.0]
        .iter()
        .zip(&density)
        .map(|(k, rho)| {
            let (mut b, mut d) = ([0.0], [0.0]);
            dynamics.drift_diffusion(&[x + k * h], &mut b, &mut d);
            (b[0] * rho, t * d[0] * rho)
        })
        .collect();
    let operator = -(flow[2].0 - flow[0].0) / (2.0 * h) + (flow[2].1 - 2.0 * flow[1].1 + flow[0].1) / (h * h);
    let scale = density[1] + operator.abs();
    assert!((later - operator).abs() < 2e-4 * scale, "{later} for {operator} at {x}, {time}");
}

/// b τ′ + A τ″ = −1 by differences of the mean time to y.
fn waits(process: &(impl NaturalScale + Dynamics), t: f64, x: f64, y: f64) {
    let h = 1e-3 * (y - x).abs();
    let [left, here, right] = [x - h, x, x + h].map(|x| process.mean_time(x, y));
    let (mut b, mut d) = ([0.0], [0.0]);
    process.drift_diffusion(&[x], &mut b, &mut d);
    let found = b[0] * (right - left) / (2.0 * h) + t * d[0] * (right - 2.0 * here + left) / (h * h);
    assert!((found + 1.0).abs() < 1e-4, "{found} at {x}");
}

#[test]
fn exits_of_brownian_motion_are_closed() {
    let still = Drifted { drift: 0.0, spread: 0.7 };
    let (x, a, b) = (0.3, -1.0, 1.3);
    let exit = still.exit(x, [a, b]);
    close(exit.upper, (x - a) / (b - a), 1e-13);
    close(exit.mean_time, (x - a) * (b - x) / 1.4, 1e-13);
    close(exit.mean_time_upper, ((b - a) * (b - a) - (x - a) * (x - a)) / 4.2, 1e-13);
    // with a drift: Wald's identity v E τ = E x(τ) − x
    let drifted = Drifted { drift: 0.8, spread: 0.7 };
    let exit = drifted.exit(x, [a, b]);
    close(0.8 * exit.mean_time, exit.upper * b + (1.0 - exit.upper) * a - x, 1e-12);
}

#[test]
fn jacobi_diffusion() {
    for process in
        [Jacobi { rate: 1.0, mean: 0.3, temperature: 0.5 }, Jacobi { rate: 0.3, mean: 1.0 / 3.0, temperature: 0.5 }]
    {
        let ([a, b], t) = (process.shapes(), process.temperature);
        let (mean, variance) = process.moments_at_rest();
        close(mean, process.mean, 1e-9);
        close(variance, a * b / ((a + b).powi(2) * (a + b + 1.0)), 1e-8);
        let grid = uniform(&[(0.0, 1.0, 7)], Boundary::Reflecting).unwrap();
        let cells = process.at_rest(&grid);
        for (k, p) in cells.iter().enumerate() {
            let beyond = |k: usize| {
                if k == 7 {
                    1.0
                } else if k == 0 {
                    0.0
                } else {
                    beta_reg(a, b, k as f64 / 7.0)
                }
            };
            close(*p, beyond(k + 1) - beyond(k), 1e-8);
        }
        let law = |grid: &Grid, time: f64| process.tilted(grid, 0.8, time);
        solves(&process, t, &law, 0.4, 0.37);
        waits(&process, t, 0.3, 0.6);
        // the moments' equations against the law
        let (mean, variance) = process.moments(process.tilted_moments(0.8), 0.7);
        let left = 0.8 * (-process.rate * 0.7f64).exp();
        let f = |x: f64| 1.0 + left * (x - process.mean);
        close(mean, process.expectation(&|x| x * f(x)), 1e-9);
        close(variance, process.expectation(&|x| (x - mean).powi(2) * f(x)), 1e-8);
    }
}

#[test]
fn square_root_process() {
    for temperature in [0.4, 1.25, 2.5] {
        let process = SquareRoot { rate: 1.0, mean: 1.0, temperature };
        let rest = process.stationary();
        let (mean, variance) = process.moments_at_rest();
        close(mean, rest.moments().0, 1e-11);
        close(variance, rest.moments().1, 1e-10);
        let grid = uniform(&[(0.0, 6.0, 9)], Boundary::Reflecting).unwrap();
        for (k, p) in rest.cells(&grid).iter().enumerate() {
            let below = |x: f64| if x > 0.0 { gamma_lr(rest.shape, x / rest.scale) } else { 0.0 };
            close(*p, below(6.0 * (k + 1) as f64 / 9.0) - below(6.0 * k as f64 / 9.0), 1e-8);
        }
        solves(&process, temperature, &|grid, time| process.law(0.3, time).cells(grid), 0.4, 0.7);
        waits(&process, temperature, 0.5, 1.5);
        waits(&process, temperature, 1.5, 0.6);
        // a Gamma start is a mixture of points: the laws of total mean and variance
        let (m, v) = process.law(0.3, 0.0).moments();
        let (mean, variance) = process.from_point(m, 0.5);
        let decay = (-0.5f64).exp();
        close(process.law(0.3, 0.5).moments().0, mean, 1e-13);
        close(process.law(0.3, 0.5).moments().1, variance + decay * decay * v, 1e-12);
    }
}

#[test]
fn student_diffusion() {
    let process = Student { rate: 1.0, temperature: 0.2, constant: 0.3, growth: 0.5 };
    close(process.freedom(), 11.0, 1e-14);
    let rest = Mixture { first: 0.0, second: 0.0 };
    let start = Mixture { first: 1.0, second: 1.0 };
    let (mean, variance) = process.moments_at_rest();
    assert!(mean.abs() < 1e-14);
    close(variance, 1.0 / 15.0, 1e-12);
    close(process.moments(rest).1, variance, 1e-12);
    let ratio = |x: f64| 1.0 + x + x * x - process.variance();
    close(process.moments(start).0, process.expectation(&|x| x * ratio(x)), 1e-11);
    let mean = process.moments(start).0;
    close(process.moments(start).1, process.expectation(&|x| (x - mean).powi(2) * ratio(x)), 1e-10);
    for x in [0.0, 0.3, 1.0] {
        solves(&process, 0.2, &|grid, time| process.cells(grid, process.mixture(start, time)), 0.3, x);
    }
    waits(&process, 0.2, 0.0, 0.7);
    assert_eq!(
        (1..6).map(|n| process.eigenvalue(n)).map(|l| (10.0 * l).round()).collect::<Vec<_>>(),
        [10.0, 18.0, 24.0, 28.0, 30.0]
    );
}

#[test]
fn bessel_processes() {
    close(bessel_zero(0.0, 1), 2.404_825_557_695_773, 1e-13);
    close(bessel_zero(1.0, 2), 7.015_586_669_815_619, 1e-12);
    close(bessel_zero(0.5, 3), 3.0 * PI, 1e-12);
    for dimension in [0.7, 1.5, 3.0] {
        let process = Bessel { dimension, pull: 1.0, temperature: 0.5, wall: 6.5 };
        let rest = process.law(0.5f64.sqrt(), 0.0);
        close(rest.moments_at_rest().0, rest.moments().0, 1e-10);
        close(rest.moments_at_rest().1, rest.moments().1, 1e-9);
        close(process.moments_at_rest().0, rest.moments().0, 1e-9);
        solves(&process, 0.5, &|grid, time| process.law(0.45, time).at_rest(grid), 0.3, 0.8);
        waits(&process, 0.5, 0.5, 1.2);
        waits(&process, 0.5, 1.5, 0.7);
        let walled = Bessel { dimension, pull: 0.0, temperature: 0.5, wall: 1.0 };
        solves(&walled, 0.5, &|grid, time| walled.mixture(grid, &[0.8, 0.15], time), 0.05, 0.6);
        close(walled.mean_time(0.2, 0.8), 0.6 / dimension, 1e-10);
        // no flux at the wall
        let slope = |r: f64| (walled.eigenfunction(2, r + 1e-5) - walled.eigenfunction(2, r - 1e-5)) / 2e-5;
        assert!(slope(1.0).abs() < 1e-8);
    }
}

#[test]
fn laplace_law() {
    let process = Laplace { kink: 0.02, walls: [-2.98, 3.02], temperature: 0.4 };
    let start = [(Mode::Odd(1), 0.01), (Mode::Even(1), 0.005)];
    let law = |grid: &Grid, time: f64| process.cells(grid, &start, time);
    for x in [-1.3, -0.2, 0.4, 2.5] {
        solves(&process, 0.4, &law, 0.4, x);
        for mode in [Mode::Odd(1), Mode::Even(1), Mode::Odd(2), Mode::Even(2)] {
            let u = |x: f64| process.eigenfunction(mode, x);
            let (h, sign) = (1e-3, (x - process.kink).signum());
            let found = 0.4 * (u(x + h) - 2.0 * u(x) + u(x - h)) / (h * h) - sign * (u(x + h) - u(x - h)) / (2.0 * h);
            assert!((found + process.eigenvalue(mode) * u(x)).abs() < 1e-4 * (1.0 + u(x).abs()), "{mode:?} {x}");
            // no flux at the walls
            let end = (u(3.02) - u(3.02 - 1e-6)) / 1e-6;
            assert!(end.abs() < 1e-4 * (1.0 + u(3.02).abs()), "{mode:?} {end}");
        }
    }
    let (l, t) = (3.0f64, 0.4);
    let e = (-l / t).exp();
    // ∫ y² e^{−y/T} over [0, L] over ∫ e^{−y/T}
    let square = (2.0 * t * t * t - e * t * (l * l + 2.0 * l * t + 2.0 * t * t)) / (t * (1.0 - e));
    close(process.moments_at_rest().1, square, 1e-12);
    waits(&process, 0.4, -0.3, 1.0);
}

#[test]
fn washboards() {
    let process = Washboard { tilt: 0.4, barrier: 1.0, modulation: 0.5, phase: 0.8, temperature: 0.3 };
    for x in [-2.0, 0.3, 1.9] {
        solves(&process, 0.3, &|grid, time| Washboard::cells(grid, &process.law((0.8, 0.5), time)), 0.5, x);
        solves(&process, 0.3, &|grid, _| Washboard::cells(grid, &process.at_rest()), 0.5, x);
    }
    let rest = process.at_rest();
    let mean = integrate(|x| x * rest.density(x), -PI, PI, 40);
    close(rest.moments().0, mean, 1e-10);
    close(rest.moments().1, integrate(|x| (x - mean).powi(2) * rest.density(x), -PI, PI, 40), 1e-10);
    close(rest.probability(-1.0, 0.4), integrate(|x| rest.density(x), -1.0, 0.4, 20), 1e-12);
    // the late law is that at rest, and approaches it with the slowest rate
    let away = |time: f64| process.law((0.8, 0.5), time).probability(-1.0, 0.4) - rest.probability(-1.0, 0.4);
    assert!(away(60.0).abs() < 1e-10);
    let level = Washboard { tilt: 0.9, barrier: 0.0, modulation: 0.0, phase: 0.0, temperature: 0.3 };
    let modes = level.waves().eigenvalues().unwrap();
    for (found, want) in modes.iter().zip([(0.0, 0.0), (0.3, 0.9), (0.3, -0.9), (1.2, 1.8)]) {
        assert!((found.0 - want.0).hypot(found.1 - want.1) < 1e-12, "{found:?} {want:?}");
    }
    // a potential without tilt and with even noise is reversible: density ∝ e^{V₀ cos x/T}
    let even = Washboard { tilt: 0.0, barrier: 0.8, modulation: 0.0, phase: 0.0, temperature: 0.4 };
    close(even.at_rest().density(1.0) / even.at_rest().density(0.0), (2.0 * (1f64.cos() - 1.0)).exp(), 1e-10);
}

#[test]
fn hopf_normal_form() {
    let process = Hopf { growth: 1.0, rotation: 1.0, shear: 0.0, temperature: 0.25 };
    // E[θ·b] + 2T = 0 at rest
    let radial = |f: &dyn Fn(f64) -> f64| process.expectation(f);
    close(process.mean_square(), radial(&|r| r * r), 1e-11);
    close(radial(&|r| r.powi(4)) - process.mean_square(), 0.5, 1e-10);
    for m in 0..3 {
        let sector = process.sector(m);
        let order = f64::from(m);
        for n in 0..3 {
            let u = |r: f64| r.powi(m as i32) * sector.modes(r * r)[n];
            let (r, h) = (0.8, 1e-3);
            let (slope, bend) = ((u(r + h) - u(r - h)) / (2.0 * h), (u(r + h) - 2.0 * u(r) + u(r - h)) / (h * h));
            let found = 0.25 * (bend + slope / r - order * order * u(r) / (r * r)) + (r - r.powi(3)) * slope;
            let want = -sector.values[n] * u(r);
            assert!((found - want).abs() < 2e-5 * (1.0 + want.abs()), "{m} {n}: {found} {want}");
        }
    }
    // far below the bifurcation nearly linear: E x decays at the rate −μ + 4T/(−μ) + …
    let focus = Hopf { growth: -20.0, rotation: 2.0, shear: 0.0, temperature: 0.1 };
    close(focus.sector(1).values[0], 20.0 + 4.0 * 0.1 / 20.0, 1e-4);
    // the mean at time 0 by quadrature on a grid
    let grid = uniform(&[(-3.0, 3.0, 60); 2], Boundary::Reflecting).unwrap();
    let cells = process.tilted(&grid, 0.9, 0.0);
    let mean: f64 = cells.iter().enumerate().map(|(cell, p)| p * grid.center(cell)[0]).sum();
    close(process.tilted_mean(0.9, 0.0)[0], mean, 2e-3);
    let cells = process.tilted(&grid, 0.9, 0.5);
    let means = [0, 1].map(|k| cells.iter().enumerate().map(|(cell, p)| p * grid.center(cell)[k]).sum::<f64>());
    (0..2).for_each(|k| close(process.tilted_mean(0.9, 0.5)[k], means[k], 2e-3));
}

#[test]
fn torus_flows() {
    let uniform_flow = TorusFlow { flow: [0.7, -0.4], shear: 0.0, diffusion: [1.0, 0.25, 0.6], temperature: 0.3 };
    let modes = uniform_flow.waves(1).eigenvalues().unwrap();
    close(modes[0].0, 0.3, 1e-12);
    close(modes[0].1, 0.7, 1e-12);
    // Mathieu: for S → 0 the wave e^{ix} decays at T + S²/(2T)·½ … (second-order perturbation)
    let weak = TorusFlow { flow: [0.0; 2], shear: 1e-3, diffusion: [1.0, 0.0, 1.0], temperature: 0.3 };
    close(weak.waves(1).eigenvalues().unwrap()[0].0 - 0.3, 1e-6 / (2.0 * 0.3), 1e-4);
    // ∂ρ/∂t by differences of cells
    let flow = TorusFlow { flow: [0.3, 0.5], shear: 0.8, diffusion: [0.5, 0.1, 1.0], temperature: 0.25 };
    let (x, y, h, dt) = (0.4, -0.9, 1e-2, 1e-4);
    let near = uniform(&[(x - 1.5 * h, x + 1.5 * h, 3), (y - 1.5 * h, y + 1.5 * h, 3)], Boundary::Reflecting).unwrap();
    let density =
        |time: f64| -> Vec<f64> { flow.cells(&near, [0.8, 0.6], time).into_iter().map(|p| p / (h * h)).collect() };
    let r = density(0.5);
    let at = |i: i32, j: i32| r[((i + 1) * 3 + j + 1) as usize];
    let change = (density(0.5 + dt)[4] - density(0.5 - dt)[4]) / (2.0 * dt);
    let carried = (0.3 + 0.8 * y.sin()) * (at(1, 0) - at(-1, 0)) / (2.0 * h) + 0.5 * (at(0, 1) - at(0, -1)) / (2.0 * h);
    let cross = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4.0 * h * h);
    let bend = |a: f64, b: f64| (a - 2.0 * at(0, 0) + b) / (h * h);
    let spread = 0.25 * (0.5 * bend(at(1, 0), at(-1, 0)) + 0.2 * cross + bend(at(0, 1), at(0, -1)));
    assert!((change - spread + carried).abs() < 1e-5, "{change} {spread} {carried}");
}

#[test]
fn balls_and_linear_processes() {
    let disc = Ball { dimension: 2, temperature: 0.5 };
    close(disc.decay_rate(2.0), 0.5 * (2.404_825_557_695_773f64 / 2.0).powi(2), 1e-12);
    close(Ball { dimension: 3, temperature: 0.5 }.decay_rate(1.0), 0.5 * PI * PI, 1e-12);
    // T(τ″ + τ′/r) = −1 between the spheres
    let (h, time) = (1e-3, |r: f64| disc.exit_time(r, [0.25, 1.0]));
    let found =
        0.5 * ((time(0.5 + h) - 2.0 * time(0.5) + time(0.5 - h)) / (h * h) + (time(0.5 + h) - time(0.5 - h)) / h);
    close(found, -1.0, 1e-5);
    assert!(time(0.25).abs() < 1e-15 && time(1.0).abs() < 1e-15);

    let kinetic = OrnsteinUhlenbeck::kinetic(1.69, 1.0, 0.5);
    close(kinetic.rates()[0].0, 0.5, 1e-14);
    close(kinetic.rates()[0].1, 1.2, 1e-14);
    for (got, want) in kinetic.stationary_covariance().iter().zip([0.5 / 1.69, 0.0, 0.0, 0.5]) {
        assert!((got - want).abs() < 1e-14, "{got} {want}");
    }
    // the moments' equation m′ = −Hm, C′ = −HC − CHᵀ + 2TD by differences
    let start = Law { mean: vec![0.5, 0.0], covariance: vec![0.15, 0.0, 0.0, 0.15] };
    let (before, now, after) =
        (kinetic.law(&start, 0.7 - 1e-4), kinetic.law(&start, 0.7), kinetic.law(&start, 0.7 + 1e-4));
    close((after.mean[1] - before.mean[1]) / 2e-4, -1.69 * now.mean[0] - now.mean[1], 1e-6);
    close(
        (after.covariance[3] - before.covariance[3]) / 2e-4,
        1.0 - 2.0 * (1.69 * now.covariance[1] + now.covariance[3]),
        1e-6,
    );
    let space = OrnsteinUhlenbeck::new(&[1.0, 0.0, 0.0, 0.4, 1.5, 0.3, 0.0, -0.5, 1.2], &[1.0; 9], 0.3);
    let rates = space.rates();
    close(rates.iter().map(|r| r.0).sum(), 3.7, 1e-12);
    // (1.5 − λ)(1.2 − λ) + 0.15 = 0
    assert!((rates[1].0 - 1.35).abs() < 1e-12 && (rates[1].1.powi(2) - (0.15 - 0.0225)).abs() < 1e-12, "{rates:?}");
    let values = space.eigenvalues(4);
    assert_eq!(values[0], (0.0, 0.0));
    close(values[1].0, 1.0, 1e-9);
    let line = OrnsteinUhlenbeck::b01();
    let x = line.coordinate(0).unwrap();
    let times = [0.3 - 1e-3, 0.3, 0.3 + 1e-3].map(|from| x.mean_time(from, 0.5));
    let found = -1.5 * 0.3 * (times[2] - times[0]) / 2e-3 + 0.1 * (times[2] - 2.0 * times[1] + times[0]) / 1e-6;
    close(found, -1.0, 1e-4);
    assert!(OrnsteinUhlenbeck::kinetic(1.0, 1.0, 1.0).coordinate(0).is_none());
}
