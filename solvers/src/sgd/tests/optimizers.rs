use super::*;
use crate::sgd::optimizer::Range;

fn engine(problem: &Problem, walkers: usize, name: &str, parameters: &[(&str, f64)]) -> Sgd {
    let parameters = parameters.iter().map(|(key, value)| (key.to_string(), *value)).collect();
    Sgd::new(problem, SgdOptions { walkers, optimizer: name.to_string(), parameters, ..SgdOptions::default() }).unwrap()
}

fn advance(engine: &mut Sgd, steps: u64) {
    engine.advance(steps as f64 * engine.descent.step_time(), &|| false).unwrap();
    assert_eq!(engine.steps, steps);
}

/// Stationary variance of the heavy ball, ηs(1 + μ)/(Bλ(1 − μ)(2(1 + μ) − ηλ)), within 4 standard errors (false alarm 6e-5 each) and
/// at η = 0.5 more than 4 from the overdamped η_eff s/(2Bλ); EMA momentum is the heavy ball with the rate η(1 − μ).
#[test]
fn heavy_ball_variance() {
    let exact = |eta: f64, mu: f64| eta * (1.0 + mu) / ((1.0 - mu) * (2.0 * (1.0 + mu) - eta));
    assert!((exact(0.1, 0.9) - 0.5135135135135135).abs() < 1e-15);
    for (name, eta, mu, rate) in [
        ("momentum", 0.1, 0.9, 0.1),
        ("momentum", 0.5, 0.5, 0.5),
        ("ema", 1.0, 0.9, 0.1),
        ("ema", 0.5, 0.5, 0.25),
        ("momentum", 0.3, 0.0, 0.3),
    ] {
        let p = problem(quadratic(&[-1.0, 1.0], 1.0), &[0.0], eta, 1, Replacement::With, 8.0);
        let mut engine = engine(&p, 60_000, name, &[("mu", mu)]);
        let effective = if name == "momentum" { eta / (1.0 - mu) } else { eta };
        assert!((engine.descent.step_time() / effective - 1.0).abs() < 1e-12);
        advance(&mut engine, 400);
        let z = z_of_covariance(&engine, 0, 0, 0, exact(rate, mu));
        assert!(z.abs() < 4.0, "{name}, η = {eta}, μ = {mu}: z = {z}");
        let z = z_of_covariance(&engine, 0, 0, 0, effective / 2.0);
        assert!(rate < 0.5 || z > 4.0, "{name}, η = {eta}, μ = {mu}: cannot tell it from the SDE, z = {z}");
    }
}

/// Var v = 2η²s/(B(1 − μ)(2(1 + μ) − ηλ)) = 0.0540540… for B12 (4 standard errors of a normal law, false alarm 6e-5).
#[test]
fn heavy_ball_velocity() {
    let p = problem(quadratic(&[-1.0, 1.0], 1.0), &[0.0], 0.1, 1, Replacement::With, 8.0);
    let mut engine = engine(&p, 51_200, "momentum", &[("mu", 0.9)]);
    advance(&mut engine, 400);
    let v: Vec<f64> = engine.ensemble.blocks().iter().flat_map(|block| block.memory.clone()).collect();
    let variance = v.iter().map(|v| v * v).sum::<f64>() / v.len() as f64;
    let z = (variance / 0.05405405405405405 - 1.0) / (2.0 / v.len() as f64).sqrt();
    assert!(z.abs() < 4.0, "{z}");
}

/// Three steps of RMSProp and Adam with a single sample (ĝ = θ − 1, no noise) follow their formulas.
#[test]
fn adaptive_steps_are_their_formulas() {
    let p = problem(quadratic(&[1.0], 1.0), &[0.2], 0.1, 1, Replacement::With, 4.0);
    let (mut x, mut s) = (0.2, 0.0);
    let mut found = engine(&p, 3, "rmsprop", &[("rho", 0.8), ("epsilon", 1e-3)]);
    for _ in 0..3 {
        let g: f64 = x - 1.0;
        s = 0.8 * s + 0.2 * g * g;
        x -= 0.1 * g / (f64::sqrt(s) + 1e-3);
    }
    advance(&mut found, 3);
    assert!((found.ensemble.first_points(3)[2] - x).abs() < 1e-14);

    let (mut x, mut v, mut s) = (0.2, 0.0, 0.0);
    let mut found = engine(&p, 3, "adam", &[("beta1", 0.7), ("beta2", 0.9), ("epsilon", 1e-3)]);
    for k in 1..=3 {
        let g: f64 = x - 1.0;
        v = 0.7 * v + 0.3 * g;
        s = 0.9 * s + 0.1 * g * g;
        let (v, s) = (v / (1.0 - 0.7f64.powi(k)), s / (1.0 - 0.9f64.powi(k)));
        x -= 0.1 * v / (s.sqrt() + 1e-3);
    }
    advance(&mut found, 3);
    assert!((found.ensemble.first_points(3)[1] - x).abs() < 1e-14);
    assert!(found.another_small_step_limit().unwrap().contains("both memories"));
    // the first step of Adam has length η whatever the gradient
    let mut found = engine(&p, 1, "adam", &[]);
    advance(&mut found, 1);
    assert!((found.ensemble.first_points(1)[0] - 0.3).abs() < 1e-7);
}

/// Gradient descent is deterministic, θ_k = m + (1 − ηλ)^k (θ_0 − m), starts where SGD does, and has no diffusion limit.
#[test]
fn gradient_descent_has_no_noise() {
    let p = problem(quadratic(&[-1.0, 2.0, 0.5], 2.0), &[3.0], 0.1, 1, Replacement::Epoch, 4.0);
    let mut descent = Sgd::without_noise(&p, &SgdOptions { walkers: 300, ..SgdOptions::default() }).unwrap();
    advance(&mut descent, 7);
    let exact = 0.5 + 0.8f64.powi(7) * 2.5;
    assert!(descent.ensemble.first_points(300).iter().all(|x| (x - exact).abs() < 1e-14));
    assert!(descent.name() == "gradient_descent" && descent.another_small_step_limit().is_some());
    assert!(descent.warnings().is_empty(), "epochs do not matter to it");
}

/// SVAG with l has the stationary variance of SGD with the step η/l and l times the noise: (η/l) l s/(λ(2 − ηλ/l)); l = 1 is SGD
/// to the bit. 4 standard errors, false alarm 6e-5; l = 1 and the SDE are more than 4 away from l = 3.
#[test]
fn svag_has_the_noise_of_long_steps() {
    let p = problem(quadratic(&[-1.0, 1.0], 1.0), &[0.0], 0.8, 1, Replacement::With, 5.0);
    let exact = |l: f64| 0.8 / (2.0 - 0.8 / l);
    let mut found = engine(&p, 60_000, "svag", &[("l", 3.0)]);
    advance(&mut found, 80);
    let z = [exact(3.0), exact(1.0), 0.4].map(|expected| z_of_covariance(&found, 0, 0, 0, expected));
    assert!(z[0].abs() < 4.0 && z[1] < -4.0 && z[2] > 4.0, "{z:?}");
    assert!((found.descent.step_time() - 0.8 / 3.0).abs() < 1e-16);
    let mut one = engine(&p, 60_000, "svag", &[("l", 1.0)]);
    advance(&mut one, 40);
    let z = z_of_covariance(&one, 0, 0, 0, exact(1.0));
    assert!(z.abs() < 4.0, "{z}");
}

/// Gaussian SGD has the covariance of SGD (B13 at η = 0.3, B = 2, 4 standard errors, false alarm 6e-5 each) but another law: with
/// samples at ±1 the kurtosis of SGD's chain is −0.6 at η = 0.4, Gaussian SGD's is 0 (4 of √(24/n), power over 1 − 1e-9).
#[test]
fn gaussian_sgd_shares_two_moments() {
    let model = Regression { x: B13_X.to_vec(), y: B13_Y.to_vec(), d: 2, scale: 1.0 };
    let p = problem(model, &B13_MINIMUM, 0.3, 2, Replacement::With, 4.0);
    let mut found = Sgd::gaussian(&p, SgdOptions { walkers: 80_000, ..SgdOptions::default() }).unwrap();
    advance(&mut found, 100);
    let exact = b13_covariance(0.3, 2.0, false);
    for (c, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
        let z = z_of_covariance(&found, c, i, j, exact[c]);
        assert!(z.abs() < 4.0, "component {c}: z = {z}");
    }
    let n = 51_200;
    let kurtosis = |engine: &Sgd| {
        let x = engine.ensemble.first_points(n);
        let central = |power: i32| x.iter().map(|x| x.powi(power)).sum::<f64>() / n as f64;
        central(4) / central(2).powi(2) - 3.0
    };
    let p = problem(quadratic(&[-1.0, 1.0], 1.0), &[0.0], 0.4, 1, Replacement::With, 5.0);
    let mut normal = Sgd::gaussian(&p, SgdOptions { walkers: n, ..SgdOptions::default() }).unwrap();
    advance(&mut normal, 60);
    let bound = 4.0 * (24.0 / n as f64).sqrt();
    assert!(kurtosis(&normal).abs() < bound, "{}", kurtosis(&normal));
    assert!(kurtosis(&run(&p, n, 60)) < -0.8, "SGD: {}", kurtosis(&run(&p, n, 60)));
    for (batch, replacement, share) in [(2, Replacement::Without, 1.0 / 3.0), (2, Replacement::With, 0.5)] {
        let p = problem(quadratic(&[-1.0, 1.0, 0.5, -0.5], 1.0), &[0.0], 0.4, batch, replacement, 5.0);
        let normal = Sgd::gaussian(&p, SgdOptions { walkers: 10, ..SgdOptions::default() }).unwrap();
        let Draws::Normal(normal) = &normal.descent.draws else { panic!("normal draws") };
        assert!((normal.share - share).abs() < 1e-15);
    }
}

/// Every parameter of every optimizer refuses values outside its range by its name, and takes its default.
#[test]
fn parameters_out_of_range_are_named() {
    for entry in optimizer::OPTIMIZERS {
        assert!(optimizer::build(entry.name, &[]).is_ok());
        for parameter in entry.parameters {
            let bad = match parameter.range {
                Range::Fraction => [1.0, -0.1],
                Range::Positive => [0.0, f64::INFINITY],
                Range::AtLeastOne => [0.99, f64::NAN],
            };
            for value in bad {
                let error = optimizer::build(entry.name, &[(parameter.name.to_string(), value)]).err().unwrap();
                assert!(error.to_string().contains(parameter.name), "{error}");
                assert!(error.help().unwrap().contains(&parameter.default.to_string()));
            }
        }
    }
}
