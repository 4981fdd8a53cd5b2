//! Stationary laws known in closed form. Samples at ±1, λ = 1, B = 1: θ' = (1 − η)θ ± η, so θ = η Σ ±(1 − η)^k.

use super::*;

/// √n times the largest gap between the empirical law of the walkers and a continuous distribution function.
fn kolmogorov(engine: &Sgd, law: impl Fn(f64) -> f64) -> f64 {
    let n = engine.ensemble.walkers();
    let mut x = engine.ensemble.first_points(n);
    x.sort_by(f64::total_cmp);
    let gap = |(i, &x): (usize, &f64)| (law(x) - (i as f64 + 0.5) / n as f64).abs() + 0.5 / n as f64;
    x.iter().enumerate().map(gap).fold(0.0, f64::max) * (n as f64).sqrt()
}

fn coin(eta: f64, steps: u64) -> Sgd {
    run(&problem(quadratic(&[-1.0, 1.0], 1.0), &[0.0], eta, 1, Replacement::With, 2.0), 50_000, steps)
}

/// Distribution function of the uniform law on [−1, 1].
fn uniform(x: f64) -> f64 {
    ((x + 1.0) / 2.0).clamp(0.0, 1.0)
}

/// The Cantor function on [−1, 1], by ternary digits to 3^−40.
fn cantor(x: f64) -> f64 {
    let (mut x, mut value, mut half) = ((x + 1.0) / 2.0, 0.0, 0.5);
    if x >= 1.0 {
        return 1.0;
    }
    for _ in 0..40 {
        x *= 3.0;
        match x {
            x if x < 1.0 => {}
            x if x < 2.0 => return value + half,
            _ => value += half,
        }
        x -= x.floor();
        half *= 0.5;
    }
    value
}

/// Bound of the Kolmogorov statistic with the false-alarm rate 2 e^{−2·2.2²} = 1.3e-4. With n = 50,000 walkers a law whose
/// distribution function is 0.02 away somewhere passes with a probability below 2 e^{−2 (0.02 √n − 2.2)²} = 3e-5.
const BOUND: f64 = 2.2;

/// η = ½ gives the uniform law on [−1, 1], η = 2/3 the Cantor law; neither is the other, and neither is a normal law of its variance.
#[test]
fn uniform_and_cantor_laws() {
    let (half, third) = (coin(0.5, 60), coin(2.0 / 3.0, 60));
    let found = [kolmogorov(&half, uniform), kolmogorov(&third, cantor)];
    assert!(found.iter().all(|statistic| *statistic < BOUND), "{found:?}");
    let crossed = [kolmogorov(&half, cantor), kolmogorov(&third, uniform)];
    assert!(crossed.iter().all(|statistic| *statistic > 10.0), "{crossed:?}");
    let normal = |variance: f64| move |x: f64| 0.5 * (1.0 + crate::numerics::lanes::erf(x / (2.0 * variance).sqrt()));
    let crossed = [kolmogorov(&half, normal(1.0 / 3.0)), kolmogorov(&third, normal(0.5))];
    assert!(crossed.iter().all(|statistic| *statistic > 10.0), "{crossed:?}");
    assert!(
        (cantor(0.0) - 0.5).abs() < 1e-15 && (cantor(-0.5) - 1.0 / 3.0).abs() < 1e-11,
        "x = 1/4 of the unit interval"
    );
}

/// Excess kurtosis −0.20994… at η = 0.1 and −0.04040… at η = 0.02 (B12), within 4 standard errors √(24/n) (false alarm 6e-5);
/// that of the SDE, 0, is 10 and 4 standard errors away with n = 200,000 walkers.
#[test]
fn kurtosis_of_the_coin() {
    for (eta, expected) in [(0.1, -0.2099447513812155), (0.02, -0.04039991838400326)] {
        let exact = -2.0 * eta * (2.0 - eta) / (1.0 + (1.0 - eta) * (1.0 - eta)); // κ₄ = −2η⁴/(1 − r⁴), κ₂ = η²/(1 − r²)
        assert!(f64::abs(exact / expected - 1.0) < 1e-12, "{exact}");
        let n = 200_000;
        let p = problem(quadratic(&[-1.0, 1.0], 1.0), &[0.0], eta, 1, Replacement::With, 2.0);
        let x = run(&p, n, (14.0 / eta) as u64).ensemble.first_points(n);
        let mean = x.iter().sum::<f64>() / n as f64;
        let central = |power: i32| x.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n as f64;
        let z = (central(4) / central(2).powi(2) - 3.0 - expected) / (24.0 / n as f64).sqrt();
        assert!(z.abs() < 4.0, "η = {eta}: z = {z}");
    }
}

/// l = (m − x)²/2 with a floor f of D: θ' = (1 − η)θ + η x̄ + √(2Tηf) z has the stationary variance
/// (η² s/B + 2Tηf)/(1 − (1 − η)²) = 0.0325, T = η/(2B) (the SDE: T(s + f) = 0.0316875). 20 000 walkers see 1 %; false alarms 1 in 10⁵.
#[test]
fn a_floor_is_injected_and_other_optimizers_refuse_it() {
    let data = [-1.2, -0.4, 0.1, 0.5, 0.9, 1.6, 2.3, 0.2];
    let (eta, floor) = (0.05, 4.0);
    let p = problem(quadratic(&data, 1.0), &[0.5], eta, 4, Replacement::With, 5.0);
    let noise = Arc::new(crate::diffusion::Minibatch::new(&*p.model).unwrap());
    let dynamics = crate::dynamics::GradientDynamics::new(Arc::clone(&p.model), noise).with_floor(floor);
    let p = Problem { dynamics: Arc::new(dynamics), ..p };
    let options =
        |optimizer: &str| SgdOptions { walkers: 20_000, optimizer: optimizer.to_string(), ..SgdOptions::default() };
    for mut sgd in [Sgd::new(&p, options("sgd")).unwrap(), Sgd::gaussian(&p, options("sgd")).unwrap()] {
        sgd.advance(10.0, &|| false).unwrap();
        let variance = sgd.snapshot().covariance[0];
        assert!((variance / 0.0325 - 1.0).abs() < 0.045, "{variance}");
    }
    assert!(Sgd::new(&p, options("momentum")).is_err_and(|error| error.to_string().contains("floor")));
}
