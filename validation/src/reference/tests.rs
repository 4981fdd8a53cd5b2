#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use fpsolve_solvers::diffusion::Minibatch;
use fpsolve_solvers::dynamics::GradientDynamics;
use fpsolve_solvers::model::{Model, SampleModel};
use fpsolve_solvers::problem::density::{kullback_leibler, moments};
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Boundary, Grid};

use super::descent::{LinearRegression, Quadratic, enumerated_covariance};
use super::line::{Line, student_t};
use super::linear::{Law, OrnsteinUhlenbeck};
use super::manufactured::Equilibrium;
use super::pushed_forward::{Sinh, Wave};
use super::*;

fn close(got: f64, want: f64, rtol: f64) {
    assert!((got - want).abs() <= rtol * want.abs(), "{got} for {want}");
}

fn line(from: f64, to: f64, cells: usize) -> Grid {
    grids::uniform(&[(from, to, cells)], Boundary::Reflecting).unwrap()
}

fn square(half: f64, cells: usize) -> Grid {
    grids::uniform(&[(-half, half, cells); 2], Boundary::Reflecting).unwrap()
}

#[test]
fn b01_transient_of_the_ornstein_uhlenbeck_process() {
    let process = OrnsteinUhlenbeck::b01();
    let law = process.law(&Law::point(&[1.0]), 0.7);
    close(law.mean[0], 0.349_937_749_111_155_3, 1e-14);
    close(law.covariance[0], 0.058_502_904_783_134_54, 1e-13);
    close(process.stationary_covariance()[0], 1.0 / 15.0, 1e-14);
    close(law.density(0.4), 1.614_428_793_349_201, 1e-13);
    close(law.kullback_leibler(&process.stationary()), 0.922_509_333_002_023_1, 1e-13);
    let grid = line(-2.0, 2.0, 400);
    let p = law.cell_probability(&grid).unwrap();
    close(p[250..].iter().sum(), 0.267_492_087_203_641_2, 1e-9);
    let stationary = process.stationary().cell_probability(&grid).unwrap();
    close(kullback_leibler(&p, &stationary), 0.922_509_333, 1e-3);
}

#[test]
fn b08_rotating_process() {
    let process = OrnsteinUhlenbeck::b08();
    for (got, want) in process.stationary_covariance().iter().zip([0.1, 0.04, 0.04, 1.0 / 15.0]) {
        close(*got, want, 1e-13);
    }
    for (got, want) in process.rotation().iter().zip([-6.0 / 19.0, 15.0 / 19.0, -10.0 / 19.0, 6.0 / 19.0]) {
        close(*got, want, 1e-12);
    }
    close(process.entropy_production(), 8.0 / 17.0, 1e-12);
    let late = process.law(&Law::point(&[0.5, -0.5]), 40.0);
    close(late.covariance[1], 0.04, 1e-12);
}

#[test]
fn b02_b05_b06_stationary_densities() {
    for (t, z, second, centre) in [
        (1.0, 3.905_137_169_857_301_3, 1.041_797_296_487_156, 0.256_072_951_218_904_6),
        (0.25, 5.365_160_237_834_569, 0.832_745_487_128_380_1, 0.186_387_722_951_516_1),
        (0.1, 15.170_196_173_701_966, 0.871_362_908_042_049_8, 0.065_918_725_674_328),
    ] {
        let well = Line::b02(t);
        close(well.raw_moment(0, 8.0), z, 1e-13);
        close(well.raw_moment(2, 8.0) / z, second, 1e-13);
        close(well.weight(0.0) / z, centre, 1e-13);
        close(well.raw_moment(4, 8.0) / z, second + t, 1e-12);
    }
    for (beta, z, second) in
        [(1.0, 2.658_680_776_358_274, 5.0 / 6.0), (0.2, 6.603_107_527_883_896, 0.784_242_335_276_861_6)]
    {
        let well = Line::b05(0.5 * beta);
        close(well.raw_moment(0, 12.0), z, 1e-13);
        close(well.raw_moment(2, 12.0) / z, second, 1e-13);
    }
    let tails = Line::b06();
    let (z, scale) = (tails.raw_moment(0, 40.0), 0.233_549_683_248_456_9);
    close(1.0 / z, 1.669_836_377_563_428, 1e-12);
    for x in [0.0, 0.3, 1.0, 5.0] {
        close(tails.weight(x) / z, student_t(x, 11.0, scale), 1e-11);
    }
    close(student_t(1.0, 11.0, scale), 0.004_643_671_872_115_093, 1e-12);
    close(tails.raw_moment(2, 40.0) / z, 1.0 / 15.0, 1e-9);
}

/// The stationary Fokker–Planck equation ∇·(bρ − T∇·(Dρ)) = 0 by differences of the known density.
fn residual(dynamics: &dyn Dynamics, t: f64, density: impl Fn(f64, f64) -> f64, x: f64, y: f64) -> (f64, f64) {
    let h = 1e-3;
    let at = |x: f64, y: f64| -> [f64; 5] {
        let (mut b, mut d) = ([0.0; 2], [0.0; 3]);
        dynamics.drift_diffusion(&[x, y], &mut b, &mut d);
        let rho = density(x, y);
        [b[0] * rho, b[1] * rho, t * d[0] * rho, t * d[1] * rho, t * d[2] * rho]
    };
    let f = |i: f64, j: f64| at(x + i * h, y + j * h);
    let (c, e, w, n, s) = (f(0.0, 0.0), f(1.0, 0.0), f(-1.0, 0.0), f(0.0, 1.0), f(0.0, -1.0));
    let transport = (e[0] - w[0] + n[1] - s[1]) / (2.0 * h);
    let cross = (f(1.0, 1.0)[3] - f(1.0, -1.0)[3] - f(-1.0, 1.0)[3] + f(-1.0, -1.0)[3]) / (4.0 * h * h);
    let spread = (e[2] - 2.0 * c[2] + w[2] + n[4] - 2.0 * c[4] + s[4]) / (h * h) + 2.0 * cross;
    (spread - transport, transport.abs() + density(x, y))
}

#[test]
fn manufactured_drifts_keep_their_densities() {
    for rotation in [0.0, 1.0] {
        let turning = Equilibrium::turning(rotation);
        let density = |x: f64, y: f64| (-0.5 * (x * x + y * y) - 0.5 * (x + 0.5 * y).cos()).exp();
        let b10 = Equilibrium::b10(rotation);
        let double = |x: f64, y: f64| (-0.25 * (x * x - 1.0).powi(2) - 0.5 * y * y).exp();
        for (x, y) in [(0.3, -0.7), (-1.1, 0.4), (1.6, 1.2)] {
            let (off, scale) = residual(&turning, 1.0, density, x, y);
            assert!(off.abs() < 1e-4 * scale, "{off} {scale}");
            let (off, scale) = residual(&b10, 1.0, double, x, y);
            assert!(off.abs() < 1e-4 * scale, "{off} {scale}");
        }
    }
    let grid = square(5.0, 40);
    let second = moments(&grid, &Equilibrium::b10(0.0).stationary(&grid)).1[0];
    close(second, 1.041_797_296_487_156 + 0.25f64.powi(2) / 12.0, 2e-3); // Sheppard's correction
}

/// ∂ρ/∂t of the pushed-forward laws against the Fokker–Planck operator, both by differences of the exact law.
#[test]
fn pushed_forward_laws_solve_their_equations() {
    let wave = Wave { rates: [1.0, 0.5], amplitude: 0.8, temperature: 0.3 };
    let start = [(0.5, 0.1), (-0.2, 0.2)];
    let density = |time: f64| {
        move |x: f64, y: f64| {
            let (m1, v1) = pushed_forward::coordinate(1.0, 0.3, start[0], time);
            let (m2, v2) = pushed_forward::coordinate(0.5, 0.3, start[1], time);
            let z = y - 0.8 * x.sin();
            (-0.5 * ((x - m1).powi(2) / v1 + (z - m2).powi(2) / v2)).exp() / (std::f64::consts::TAU * (v1 * v2).sqrt())
        }
    };
    for (x, y) in [(0.3, -0.2), (-0.6, 0.4), (1.0, 0.9)] {
        let change = (density(0.701)(x, y) - density(0.699)(x, y)) / 0.002;
        let (operator, _) = residual(&wave, 0.3, density(0.7), x, y);
        assert!((change - operator).abs() < 1e-4, "{change} {operator}");
    }
    let grid = square(5.0, 50);
    let p = wave.cell_probability(&grid, start, 0.7);
    let quadrature = quadrature::cells(&grid, |x| density(0.7)(x[0], x[1]));
    for (p, q) in p.iter().zip(quadrature) {
        assert!((p - q).abs() < 1e-9, "{p} {q}");
    }

    // one dimension: moments of sinh y, y normal: E sinh y = sinh(m) e^{v/2}
    let sinh = Sinh { rate: 1.0, temperature: 0.2 };
    let grid = line(-8.0, 8.0, 1600);
    let p = sinh.cell_probability(&grid, (0.5, 0.1), 0.7);
    let (m, v) = pushed_forward::coordinate(1.0, 0.2, (0.5, 0.1), 0.7);
    close(moments(&grid, &p).0[0], m.sinh() * (0.5 * v).exp(), 1e-5);
    // and its equation for the mean: d/dt E x = E b
    let mean = |t: f64| moments(&grid, &sinh.cell_probability(&grid, (0.5, 0.1), t)).0[0];
    let points = grid.centers();
    let (mut drift, mut diffusion) = (vec![0.0; 1600], vec![0.0; 1600]);
    sinh.drift_diffusion(&points, &mut drift, &mut diffusion);
    let pull: f64 = p.iter().zip(&drift).map(|(p, b)| p * b).sum();
    close((mean(0.701) - mean(0.699)) / 0.002, pull, 1e-4);
}

#[test]
fn analytic_divergences_match_differences() {
    struct Plain<'a>(&'a dyn Dynamics);
    impl Dynamics for Plain<'_> {
        fn dimension(&self) -> usize {
            self.0.dimension()
        }
        fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
            self.0.drift_diffusion(points, drift, diffusion);
        }
    }
    let wave = Wave { rates: [1.0, 0.5], amplitude: 0.8, temperature: 0.3 };
    let (turning, sinh) = (Equilibrium::turning(1.0), Sinh { rate: 1.0, temperature: 0.2 });
    let (b05, b06) = (Line::b05(0.1), Line::b06());
    let all: [&dyn Dynamics; 5] = [&wave, &turning, &sinh, &b05, &b06];
    for dynamics in all {
        let points = [0.3, -0.7, 1.1, 0.2];
        let (mut exact, mut differences) = ([0.0; 4], [0.0; 4]);
        dynamics.diffusion_divergence(&points, &mut exact);
        Plain(dynamics).diffusion_divergence(&points, &mut differences);
        for (a, b) in exact.iter().zip(differences) {
            assert!((a - b).abs() < 1e-8, "{a} {b}");
        }
    }
}

#[test]
fn b12_b13_b15_discrete_variances() {
    for (l, eta, b, s, exact, sde, second, slides) in [
        (1.0, 0.1, 1.0, 1.0, 0.052_631_578_947_368_42, 0.05, 0.047_619_047_619_047_62, 0.1),
        (1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0 / 3.0, 1.0),
        (2.0, 0.5, 4.0, 3.0, 0.1875, 0.09375, 0.0625, 0.1875),
        (
            1.3,
            0.05,
            4.0,
            1.5,
            0.007_453_786_523_553_965,
            0.007_211_538_461_538_462,
            0.006_984_540_882_845_968,
            0.014_423_076_923_076_92,
        ),
    ] {
        let q = Quadratic { curvature: l, variance: s, learning_rate: eta, batch_size: b };
        close(q.sgd(), exact, 1e-14);
        close(q.sde(), sde, 1e-14);
        close(q.modified(), second, 1e-8);
        close(q.twice_too_hot(), slides, 1e-14);
        // the regression on constants has the same variance, by its own formula
        let model = LinearRegression::b12(&q);
        close(model.sgd_covariance(eta, b)[0], exact, 1e-12);
        close(model.sde_covariance(eta, b)[0], sde, 1e-12);
    }
    let q = Quadratic { curvature: 1.0, variance: 1.0, learning_rate: 0.1, batch_size: 1.0 };
    close(q.heavy_ball(0.9).0, 0.513_513_513_513_513_5, 1e-13);
    close(q.heavy_ball(0.9).1, 0.054_054_054_054_054_05, 1e-13);
    close(q.heavy_ball(0.0).0, q.sgd(), 1e-14);

    let model = LinearRegression::b13();
    for (got, want) in model.hessian().iter().zip([0.5625, 0.125, 0.125, 1.5625]) {
        close(*got, want, 1e-15);
    }
    for (got, want) in model.minimum().iter().zip([1.022_624_434_389_14, 0.398_190_045_248_869]) {
        close(*got, want, 1e-13);
    }
    let covariance = |c: Vec<f64>| [c[0], c[1], c[3]];
    for (got, want) in [
        (
            covariance(model.sgd_covariance(0.1, 1.0)),
            [0.005_007_293_353_102_78, 0.004_892_458_006_321_88, 0.036_402_465_506_232_4],
        ),
        (
            covariance(model.sde_covariance(0.1, 1.0)),
            [0.004_708_324_704_215_24, 0.004_446_842_907_382_97, 0.033_302_832_035_534_2],
        ),
        (
            covariance(model.sgd_covariance(0.3, 2.0)),
            [0.010_545_811_504_796_6, 0.010_170_886_163_289_8, 0.070_910_648_031_718_9],
        ),
    ] {
        (0..3).for_each(|i| close(got[i], want[i], 1e-12));
    }

    let g = [1.0, 0.0, 0.0, 2.0, -1.0, 1.0, 3.0, -1.0];
    let sigma = [2.1875, -1.375, 1.25];
    for i in 0..3 {
        close(enumerated_covariance(&g, 2, 1, true)[i], sigma[i], 1e-14);
        close(enumerated_covariance(&g, 2, 2, true)[i], sigma[i] / 2.0, 1e-14);
        close(enumerated_covariance(&g, 2, 2, false)[i], sigma[i] / 3.0, 1e-14);
    }
}

#[test]
fn the_regression_model_agrees_with_itself() {
    let model = LinearRegression::b13();
    let points = [0.3, -1.0, 0.8, 0.1, 2.0, -0.4]; // three points
    let (mut gradient, mut covariance) = ([0.0; 6], [0.0; 9]);
    model.gradient_covariance(&points, &mut gradient, &mut covariance);
    for p in 0..3 {
        let exact = model.gradient_covariance_at(&[points[p], points[3 + p]]);
        close(covariance[p], exact[0], 1e-12);
        close(covariance[3 + p], exact[1], 1e-12);
        close(covariance[6 + p], exact[3], 1e-12);
        for k in 0..2 {
            let loss = |h: f64| {
                let (mut moved, mut loss) = (points, [0.0; 3]);
                moved[k * 3 + p] += h;
                model.loss(&moved, &mut loss);
                loss[p]
            };
            close((loss(1e-4) - loss(-1e-4)) / 2e-4, gradient[k * 3 + p], 1e-7);
        }
    }
    let (mut all, mut batch) = ([0.0; 24], [0.0; 6]);
    model.sample_gradients(&points, &mut all);
    model.batch_gradient(&points, &[0, 1, 2, 3, 3, 3], &mut batch); // two samples for each point
    for (p, draws) in [(0, [0, 3]), (1, [1, 3]), (2, [2, 3])] {
        for k in 0..2 {
            let mean = 0.5 * (all[(k * 4 + draws[0]) * 3 + p] + all[(k * 4 + draws[1]) * 3 + p]);
            close(batch[k * 3 + p], mean, 1e-13);
        }
    }
    // minibatch noise on this model is its own covariance
    let dynamics = GradientDynamics::new(Arc::new(model.clone()), Arc::new(Minibatch::new(&model).unwrap()));
    let (mut drift, mut diffusion) = ([0.0; 6], [0.0; 9]);
    dynamics.drift_diffusion(&points, &mut drift, &mut diffusion);
    assert!(diffusion.iter().zip(&covariance).all(|(a, b)| (a - b).abs() < 1e-14));
    assert!(drift.iter().zip(&gradient).all(|(b, g)| (b + g).abs() < 1e-14));
}
