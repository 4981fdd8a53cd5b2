#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::Model;
use crate::numerics::symmetric::packed_len;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::{Axis, Boundary, Grid};
use crate::problem::initial::Initial;
use std::sync::Arc;

/// Drift and D given by a function of one point; also its own (empty) model.
pub(super) struct Given<F>(pub usize, pub F);

impl<F: Fn(&[f64], &mut [f64], &mut [f64]) + Send + Sync> Dynamics for Given<F> {
    fn dimension(&self) -> usize {
        self.0
    }
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let (d, n) = (self.0, points.len() / self.0);
        let (mut x, mut b, mut a) = ([0.0; 3], [0.0; 3], [0.0; 6]);
        for i in 0..n {
            (0..d).for_each(|k| x[k] = points[k * n + i]);
            (self.1)(&x[..d], &mut b[..d], &mut a[..packed_len(d)]);
            (0..d).for_each(|k| drift[k * n + i] = b[k]);
            (0..packed_len(d)).for_each(|c| diffusion[c * n + i] = a[c]);
        }
    }
}

impl<F: Send + Sync> Model for Given<F> {
    fn dimension(&self) -> usize {
        self.0
    }
    fn has_loss(&self) -> bool {
        false
    }
    fn loss(&self, _: &[f64], loss: &mut [f64]) {
        loss.fill(f64::NAN);
    }
    fn gradient(&self, _: &[f64], gradient: &mut [f64]) {
        gradient.fill(0.0);
    }
}

pub(super) fn problem<F>(axes: &[(f64, f64, usize, Boundary)], at: Initial, temperature: f64, f: F) -> Problem
where
    F: Fn(&[f64], &mut [f64], &mut [f64]) + Send + Sync + 'static,
{
    let axes: Vec<Axis> =
        axes.iter().map(|&(from, to, cells, wall)| Axis::uniform("x", from, to, cells, [wall; 2]).unwrap()).collect();
    let given = Arc::new(Given(axes.len(), f));
    Problem {
        variables: vec!["x".to_string(); axes.len()],
        model: given.clone(),
        dynamics: given,
        temperature,
        minibatch: None,
        grid: Grid::new(axes).unwrap(),
        initial: at,
        times: vec![0.0, 1.0],
        seed: 7,
    }
}

pub(super) fn options(walkers: usize, step: f64) -> LangevinOptions {
    LangevinOptions { walkers, step: Some(step), ..LangevinOptions::default() }
}

fn ornstein_uhlenbeck(rate: f64, temperature: f64, start: f64) -> Problem {
    let at = Initial::Point { at: vec![start] };
    problem(&[(-20.0, 20.0, 400, Boundary::Reflecting)], at, temperature, move |x, b, a| {
        b[0] = -rate * x[0];
        a[0] = 1.0;
    })
}

fn run(problem: &Problem, options: LangevinOptions, to: f64) -> Langevin {
    let mut engine = Langevin::new(problem, options).unwrap();
    engine.advance(to, &|| false).unwrap();
    engine
}

/// One step from a point with a full tensor is N(x + bh, 2ThD): five z-scores below 4.5 (false alarm 4e-5 in all); a
/// factor 1.02 in the covariance is found with probability > 0.99.
#[test]
fn one_step_is_exactly_gaussian() {
    let n = 200_000;
    let at = Initial::Point { at: vec![0.3, -0.4] };
    let wall = Boundary::Reflecting;
    let p = problem(&[(-9.0, 9.0, 4, wall), (-9.0, 9.0, 4, wall)], at, 0.7, |x, b, a| {
        (b[0], b[1]) = (x[1], -x[0]);
        (a[0], a[1], a[2]) = (1.0 + x[0], -0.6, 0.5);
    });
    let seen = run(&p, options(n, 0.2), 0.2).snapshot();
    let (mean, scale) = ([0.3 - 0.08, -0.4 - 0.06], 2.0 * 0.7 * 0.2);
    let covariance = [1.3 * scale, -0.6 * scale, 0.5 * scale];
    for k in 0..2 {
        let z = (seen.mean[k] - mean[k]) / (covariance[2 * k] / n as f64).sqrt();
        assert!(z.abs() < 4.5, "mean {k}: z = {z}");
        assert!((seen.mean_se[k] / (covariance[2 * k] / n as f64).sqrt() - 1.0).abs() < 0.01);
    }
    for (c, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
        let variance = covariance[2 * i] * covariance[2 * j] + covariance[c] * covariance[c];
        let z = (seen.covariance[c] - covariance[c]) / (variance / n as f64).sqrt();
        assert!(z.abs() < 4.5, "covariance {c}: z = {z}");
    }
}

/// n Euler steps of the Ornstein–Uhlenbeck process against the exact recursion (|z| < 4.5, false alarm 1.4e-5), and far
/// from the law of the equation itself, which differs by 18 % in the variance at λh = 0.3.
#[test]
fn many_steps_follow_the_exact_recursion() {
    let (rate, t, h, steps, n) = (1.5, 0.1, 0.2, 12, 200_000_usize);
    let mut engine = Langevin::new(&ornstein_uhlenbeck(rate, t, 2.0), options(n, h)).unwrap();
    for k in 1..=4 {
        engine.advance(0.6 * f64::from(k), &|| false).unwrap();
    }
    let seen = engine.snapshot();
    let q: f64 = 1.0 - rate * h;
    let mean = 2.0 * q.powi(steps);
    let variance = 2.0 * t * h * (1.0 - q.powi(2 * steps)) / (1.0 - q * q);
    let z = [
        (seen.mean[0] - mean) / (variance / n as f64).sqrt(),
        (seen.covariance[0] / variance - 1.0) * (n as f64 / 2.0).sqrt(),
    ];
    assert!(z.iter().all(|z| z.abs() < 4.5), "{z:?}");
    let continuous = t / rate * (1.0 - (-2.0 * rate * 2.4f64).exp());
    assert!((seen.covariance[0] / continuous - 1.0) * (n as f64 / 2.0).sqrt() > 30.0);
    assert_eq!(engine.attributes().iter().find(|(k, _)| *k == "steps_total").unwrap().1, Attribute::Integer(12));
}

/// B06: D = a x² + b. The second moment of the Euler chain is known, 2Tb/(2 − h − 2Ta); |z| < 4.5 with the variance of x²
/// taken from the Student law (false alarm 7e-6). The value for h → 0 is 30 standard errors away.
#[test]
fn stationary_variance_with_multiplicative_noise() {
    let (t, a, b, h, n) = (0.2, 0.5, 0.3, 0.1, 400_000);
    let wall = Boundary::Reflecting;
    let p = problem(&[(-20.0, 20.0, 400, wall)], Initial::Point { at: vec![0.2] }, t, move |x, drift, d| {
        drift[0] = -x[0];
        d[0] = a * x[0] * x[0] + b;
    });
    let seen = run(&p, options(n, h), 15.0).snapshot();
    let second = seen.covariance[0] + seen.mean[0] * seen.mean[0];
    let exact = 2.0 * t * b / (2.0 - h - 2.0 * t * a);
    let error = exact * ((2.0 + 6.0 / 7.0) / n as f64).sqrt();
    assert!((second - exact).abs() < 4.5 * error, "{second} {exact} ± {error}");
    assert!((second - 1.0 / 15.0).abs() > 15.0 * error);
}

/// B05 at β = 1: ⟨x²⟩ = 5/6 after extrapolation of the weak error from two steps (false alarm 1e-4; the Fick form, ⟨x²⟩ of
/// e^{−V-type} with modes at ±1, is off by more than 30 standard errors).
#[test]
fn stationary_law_of_the_double_well() {
    let at = |seed| {
        let second = |h: f64| {
            let wall = Boundary::Reflecting;
            let mut p = problem(&[(-7.0, 7.0, 64, wall)], Initial::Uniform, 0.5, |x, b, a| {
                b[0] = x[0] - x[0].powi(3);
                a[0] = 1.0 + x[0] * x[0];
            });
            p.initial = Initial::Gaussian { mean: vec![0.0], covariance: vec![0.8] };
            p.seed = seed;
            let seen = run(&p, options(200_000, h), 6.0).snapshot();
            seen.covariance[0] + seen.mean[0] * seen.mean[0]
        };
        2.0 * second(0.01) - second(0.02)
    };
    // Var x² = ⟨x⁴⟩ − ⟨x²⟩² = 5/6 + ½(1 + 5/6) − 25/36 = 1.0556; extrapolation multiplies the error by √5.
    let error = (1.0556f64 * 5.0 / 200_000.0).sqrt();
    assert!((at(3) - 5.0 / 6.0).abs() < 4.0 * error + 5e-4, "{} ± {error}", at(3));
}

/// The same bits for 1, 2, 3 and 8 threads, with a last block that is not full.
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let wall = Boundary::Reflecting;
    let run_with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let start = Initial::Gaussian { mean: vec![0.0, 0.1], covariance: vec![0.2, 0.1, 0.3] };
            let p = problem(&[(-1.0, 1.0, 8, wall), (-1.0, 1.0, 8, Boundary::Periodic)], start, 0.3, |x, b, a| {
                (b[0], b[1]) = (-x[0], x[0] - x[1]);
                (a[0], a[1], a[2]) = (1.0 + x[0] * x[0], 0.5 * x[0] * x[1], 1.0 + x[1] * x[1]);
            });
            let engine = run(&p, options(1000, 0.01), 0.5);
            (engine.snapshot(), engine.warnings())
        })
    };
    let one = run_with(1);
    for threads in [2, 3, 8] {
        assert_eq!(one, run_with(threads), "{threads} threads");
    }
    assert!((one.0.probability.iter().sum::<f64>() + one.0.outside - 1.0).abs() < 1e-12);
}

#[test]
fn a_walker_that_is_lost_is_named() {
    let wall = Boundary::Reflecting;
    let p = problem(&[(-2.0, 2.0, 8, wall)], Initial::Point { at: vec![0.0] }, 0.1, |x, b, a| {
        b[0] = if x[0] > 0.8 { f64::NAN } else { 1.0 };
        a[0] = 1.0;
    });
    let mut engine = Langevin::new(&p, options(500, 0.01)).unwrap();
    engine.advance(0.1, &|| false).unwrap();
    let error = engine.advance(5.0, &|| false).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("walker") && text.contains("NaN"), "{text}");
    assert!(error.help().unwrap().contains("shorter step"));
    assert_eq!(engine.time(), 0.1);
    assert_eq!(engine.advance(5.0, &|| false).unwrap_err().to_string(), text);
}

#[test]
fn an_interrupt_leaves_the_engine_where_it_was() {
    let mut engine = Langevin::new(&ornstein_uhlenbeck(1.0, 0.1, 1.0), options(1000, 0.01)).unwrap();
    let before = engine.snapshot();
    assert_eq!(engine.advance(1.0, &|| true), Err(Error::Interrupted { time: 0.0 }));
    assert_eq!(engine.snapshot(), before);
    engine.advance(1.0, &|| false).unwrap();
    assert_eq!(engine.snapshot(), run(&ornstein_uhlenbeck(1.0, 0.1, 1.0), options(1000, 0.01), 1.0).snapshot());
}

#[test]
fn bad_options_are_refused() {
    let p = ornstein_uhlenbeck(1.0, 0.1, 1.0);
    assert!(Langevin::new(&p, options(0, 0.1)).is_err());
    for step in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Langevin::new(&p, options(10, step)).is_err());
    }
    let unknown = LangevinOptions { scheme: "euler".to_string(), ..options(10, 0.1) };
    assert!(Langevin::new(&p, unknown).err().unwrap().help().unwrap().contains("euler-maruyama"));
}

#[test]
fn intervals_are_divided_evenly() {
    assert_eq!(divide(1.0, 0.1), (10, 0.1));
    assert_eq!(divide(0.3, 0.1), (3, 0.3 / 3.0));
    assert_eq!(divide(1.0, 0.3), (4, 0.25));
    assert_eq!(divide(0.1, 7.0), (1, 0.1));
}

/// The step follows the relaxation rate, the width of the box, the noise and the outputs.
#[test]
fn the_step_is_chosen_and_explained() {
    let chosen = |p: &Problem| {
        let engine = Langevin::new(p, LangevinOptions { walkers: 10, ..LangevinOptions::default() }).unwrap();
        (engine.step(), engine.step_reason().to_string())
    };
    let mut p = ornstein_uhlenbeck(2.0, 0.01, 0.5);
    let (h, reason) = chosen(&p);
    assert!((h / 0.01 - 1.0).abs() < 1e-4, "{h}");
    assert!(reason.contains("drift and noise change"), "{reason}");
    p.times = vec![0.0, 0.001, 0.002];
    assert_eq!(chosen(&p).0, 0.001);
    p.times = vec![0.0, 1.0];
    p.minibatch = Some(crate::problem::Minibatch {
        learning_rate: 0.5,
        batch_size: 1,
        replacement: crate::problem::Replacement::With,
    });
    assert_eq!(chosen(&p).0, 0.05);
    let (h, reason) = chosen(&ornstein_uhlenbeck(0.01, 100.0, 0.5));
    assert!((h - 1.6 * 1.6 / 200.0).abs() < 1e-3 * h && reason.contains("noise covers"), "{h} {reason}");
}

/// The step-halving estimate: for Ornstein–Uhlenbeck the variance is off by λh/2, which is 0.242·λh/2 in total variation; the
/// estimate agrees to 35 % (its own standard error is below 10 %, so the false alarm rate is below 1e-3), and the scheme of weak
/// order 2 shows far less.
#[test]
fn the_error_of_the_step_is_estimated() {
    let error = |name: &str| {
        let options = LangevinOptions { scheme: name.to_string(), ..options(200_000, 0.1) };
        run(&ornstein_uhlenbeck(1.0, 0.1, 0.0), options, 3.0).step_error().unwrap()
    };
    let (euler, se) = error("euler-maruyama");
    assert!((euler / (0.242 * 0.05 / 0.95) - 1.0).abs() < 0.35, "{euler} ± {se}");
    assert!(se < 0.1 * euler, "{se} {euler}");
    assert!(error("weak2").0 < 0.2 * euler);
    assert!(run(&ornstein_uhlenbeck(1.0, 0.1, 0.0), options(1000, 0.1), 1.0).step_error().is_none());
}

/// Quartiles of a Gaussian start within 4.5 standard errors, √(p(1 − p)/N)/density.
#[test]
fn quantiles_of_the_start() {
    let mut p = ornstein_uhlenbeck(1.0, 0.1, 0.0);
    p.initial = Initial::Gaussian { mean: vec![1.0], covariance: vec![4.0] };
    let engine = Langevin::new(&p, options(100_000, 0.1)).unwrap();
    let found = engine.ensemble().quantiles(&[0.25, 0.5, 0.75]);
    let mut all: Vec<f64> =
        engine.ensemble().blocks().iter().flat_map(|block| block.points[..block.active].to_vec()).collect();
    all.sort_by(f64::total_cmp);
    assert_eq!(found, [0.25, 0.5, 0.75].map(|level| all[(level * 99_999.0) as usize]));
    for (q, exact) in found.iter().zip([1.0 - 1.348_979_5, 1.0, 1.0 + 1.348_979_5]) {
        assert!((q - exact).abs() < 4.5 * (0.25f64 / 1e5).sqrt() / 0.15, "{q} {exact}");
    }
}

/// Followed walkers: all of 10 steps where there are few, the same positions as those of the ensemble at outputs, and the
/// ensemble itself does not change; walkers of more than one block.
#[test]
fn trajectories_are_kept() {
    let mut p = ornstein_uhlenbeck(1.0, 0.1, 1.0);
    p.times = vec![0.0, 0.5, 1.0];
    let follow = |trajectories: usize, step: f64| {
        let mut engine = Langevin::new(&p, LangevinOptions { trajectories, ..options(1000, step) }).unwrap();
        for t in [0.5, 1.0] {
            engine.advance(t, &|| false).unwrap();
        }
        engine
    };
    let engine = follow(300, 0.1);
    let kept = engine.trajectories().unwrap();
    let times: Vec<f64> = (0..=10).map(|k| 0.1 * f64::from(k)).collect();
    assert!(kept.times.iter().zip(&times).all(|(a, b)| (a - b).abs() < 1e-12) && kept.times.len() == 11);
    assert_eq!((kept.walkers, kept.points.len()), (300, 3300));
    assert_eq!(kept.points[..300], [1.0; 300]);
    assert_eq!(kept.points[3000..], engine.ensemble().first_points(300));
    assert!(kept.points.windows(2).any(|w| w[0] != w[1]));
    let long = follow(3, 1e-4);
    assert_eq!(long.trajectories().unwrap().times.len(), 1001);
    assert_eq!(follow(0, 0.1).snapshot(), engine.snapshot());
    assert!(follow(0, 0.1).trajectories().is_none());
}

/// Standard errors of the covariance against √(2/N)·variance of a Gaussian (to 3 %: the error of the error is 0.5 %), also where
/// the last block is not full.
#[test]
fn standard_errors_of_the_covariance() {
    let mut p = ornstein_uhlenbeck(1.0, 0.1, 0.0);
    p.initial = Initial::Gaussian { mean: vec![1.0], covariance: vec![4.0] };
    let engine = Langevin::new(&p, options(100_100, 0.1)).unwrap();
    let se = engine.statistics().unwrap().covariance_se[0];
    assert!((se / (4.0 * (2.0f64 / 100_100.0).sqrt()) - 1.0).abs() < 0.03, "{se}");
}

/// Every scheme of the table keeps its walkers in the box, and agrees with the stationary variance of B06 within its bias.
#[test]
fn every_scheme_runs() {
    for entry in scheme::SCHEMES {
        let p =
            problem(&[(-20.0, 20.0, 400, Boundary::Reflecting)], Initial::Point { at: vec![0.2] }, 0.2, |x, b, a| {
                b[0] = -x[0];
                a[0] = 0.5 * x[0] * x[0] + 0.3;
            });
        let options = LangevinOptions { scheme: entry.name.to_string(), ..options(60_000, 0.05) };
        let seen = run(&p, options, 8.0).snapshot();
        let error = (2.86f64 / 60_000.0).sqrt();
        let bias = if entry.weak_order > 1.5 { 0.002 } else { 0.04 };
        let relative = seen.covariance[0] * 15.0 - 1.0;
        assert!(relative.abs() < 4.0 * error + bias, "{}: {relative}", entry.name);
        assert_eq!(seen.outside, 0.0);
    }
}

/// The first walker of an ensemble after ten steps, seed 7, in one dimension (normals drawn in the update) and in two: what every
/// machine must find.
#[test]
fn positions_golden() {
    let wall = Boundary::Reflecting;
    let line = run(&ornstein_uhlenbeck(1.0, 0.5, 1.0), options(300, 0.01), 0.1).ensemble().first_points(300);
    let p = problem(&[(-8.0, 8.0, 8, wall); 2], Initial::Point { at: vec![1.0, 1.0] }, 0.1, |x, b, a| {
        (b[0], b[1]) = (-x[0], -x[1]);
        (a[0], a[1], a[2]) = (1.0 + x[0] * x[0], 0.5 * x[0] * x[1], 1.0 + x[1] * x[1]);
    });
    let plane = run(&p, options(300, 0.01), 0.1).ensemble().first_points(300);
    let golden = [0.8895865689677442, 1.0242073522690278, 0.6523305314794124, 0.8707167353216367];
    assert_eq!([line[0], line[299], plane[0], plane[300]], golden);
}

/// The same bits from AVX-512, AVX2 and the baseline, in 1 to 3 dimensions and for every scheme.
#[test]
fn every_level_gives_the_same_bits() {
    use crate::numerics::lanes::{Level, force_level};
    let axis = (-3.0, 3.0, 8, Boundary::Reflecting);
    for d in 1..=3 {
        let at = Initial::Gaussian {
            mean: vec![0.1; d],
            covariance: [1.0, 0.2, 0.1, 1.0, 0.2, 1.0][..packed_len(d)].to_vec(),
        };
        let at = if d == 2 { Initial::Uniform } else { at };
        let p = problem(&[axis; 3][..d], at, 0.3, move |x, b, a| {
            (0..d).for_each(|k| b[k] = -x[k]);
            a.copy_from_slice(&[1.0 + x[0] * x[0], 0.3, 0.1, 1.5, -0.2, 2.0][..packed_len(d)]);
            if d == 2 {
                a[2] = 1.5 + x[1] * x[1];
            }
        });
        for entry in scheme::SCHEMES.iter().filter(|entry| d == 1 || entry.name != "milstein") {
            let run_at = |level| {
                force_level(level);
                let options = LangevinOptions { scheme: entry.name.to_string(), ..options(300, 0.05) };
                let seen = run(&p, options, 0.4).snapshot();
                force_level(None);
                seen
            };
            let best = run_at(None);
            assert_eq!(best, run_at(Some(Level::Avx2)), "{} in {d} dimensions", entry.name);
            assert_eq!(best, run_at(Some(Level::Baseline)), "{} in {d} dimensions", entry.name);
        }
    }
}
