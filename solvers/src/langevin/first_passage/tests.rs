#![allow(clippy::unwrap_used)]
use super::*;
use crate::formula::{Symbols, parse};
use crate::langevin::tests::{options, problem};
use crate::problem::grid::Boundary;
use crate::problem::initial::Initial;

fn passage(variables: &[&str], from: &[f64], target: &str, walkers: usize, horizon: f64) -> Passage {
    let condition = parse(target, &Symbols::new(variables)).unwrap();
    let target = Target::new(target, &condition, variables.len());
    Passage { name: "test".into(), from: from.to_vec(), target, avoid: None, walkers, horizon }
}

/// B03: mean first passage −1 → 0 of the quartic double well at T = 0.1, 30.8213024726657. The scheme of weak order 2 with
/// h = 0.05 and the bridge is within 4 standard errors + 0.5 % (false alarm 6e-5); without the bridge it is 5 % too long,
/// which is more than 5 standard errors.
#[test]
fn mean_first_passage_of_the_double_well() {
    let at = Initial::Point { at: vec![0.5] };
    let p = problem(&[(-2.5, 1.0, 64, Boundary::Reflecting)], at, 0.1, |x, b, a| {
        b[0] = x[0] - x[0].powi(3);
        a[0] = 1.0;
    });
    let options = LangevinOptions { scheme: "weak2".to_string(), ..options(1, 0.05) };
    let passage = passage(&["x"], &[-1.0], "x > 0", 16_384, 600.0);
    let time = |bridge| first_passage(&p, &options, &passage, bridge, &|| false).unwrap();
    let (with, without, exact) = (time(true), time(false), 30.8213024726657);
    assert_eq!((with.arrivals.len(), with.censored(), with.absorbed()), (16_384, 0.0, 0.0));
    assert!(
        (with.mean - exact).abs() < 4.0 * with.standard_error + 0.005 * exact,
        "{} ± {}",
        with.mean,
        with.standard_error
    );
    assert!(without.mean - exact > 5.0 * without.standard_error, "{} ± {}", without.mean, without.standard_error);
    // Long after the start the survival falls with the smallest eigenvalue, here 1/30.8 to some per cent.
    let survival = with.survival(&[0.0, 30.0, 60.0, 700.0]);
    assert_eq!((survival[0].0, survival[3].0), (1.0, 0.0));
    let rate = (survival[1].0 / survival[2].0).ln() / 30.0;
    assert!((rate * exact - 1.0).abs() < 0.08, "{rate}");
    assert!(with.bridge.contains("exact") && without.bridge.contains("ends of steps"));
}

/// P(τ > t) for dX = v dt + √(2a) dW from 0 to the level s.
fn inverse_gaussian_survival(v: f64, a: f64, s: f64, t: f64) -> f64 {
    let erf = parse("erf(x)", &Symbols::new(&["x"])).unwrap();
    let phi = |z: f64| 0.5 * (1.0 + erf.evaluate(&[z / 2f64.sqrt()]));
    let sigma = (2.0 * a * t).sqrt();
    phi((s - v * t) / sigma) - (v * s / a).exp() * phi((-s - v * t) / sigma)
}

/// With constant drift and full tensor D the bridge to an oblique half-space is exact for any step: the survival at the ends of
/// long steps is that of the inverse Gaussian law, three z-scores below 4.5 (false alarm 2e-5 in all), with lanes that start
/// walkers again and again. Without the bridge, and for a target without a surface, it is more than 20 standard errors too large.
#[test]
fn the_bridge_to_a_half_space_is_exact() {
    let wall = Boundary::Reflecting;
    let p = problem(&[(-40.0, 40.0, 8, wall); 2], Initial::Uniform, 0.5, |_, b, a| {
        (b[0], b[1]) = (0.4, 0.1);
        (a[0], a[1], a[2]) = (1.0, 0.3, 0.5);
    });
    let (speed, spread) = (0.4 + 2.0 * 0.1, 0.5 * (1.0 + 4.0 * 0.3 + 4.0 * 0.5));
    let times = [0.5, 1.0, 2.0];
    let z_scores = |target: &str, bridge: bool| {
        let passage = passage(&["x", "y"], &[0.0, 0.0], target, 40_000, 3.0);
        let found = first_passage(&p, &options(1, 0.25), &passage, bridge, &|| false).unwrap();
        assert!(found.censored() > 0.05 && found.absorbed() == 0.0);
        let exact = times.map(|t| inverse_gaussian_survival(speed, spread, 1.5, t));
        let z = |((s, se), exact): ((f64, f64), f64)| (s - exact) / se;
        found.survival(&times).into_iter().zip(exact).map(z).collect::<Vec<f64>>()
    };
    for target in ["x + 2*y > 1.5", "(x + 2*y > 1.5)*(x > -100)"] {
        let z = z_scores(target, true);
        assert!(z.iter().all(|z| z.abs() < 4.5), "{target}: {z:?}");
    }
    assert!(z_scores("x + 2*y > 1.5", false).iter().all(|&z| z > 20.0));
    assert!(z_scores("(x + 2*y > 1.5) == 1", true).iter().all(|&z| z > 20.0));
}

/// A curved surface: from the centre of a two-dimensional Ornstein–Uhlenbeck process to the circle of radius 1, mean time
/// ½ Σ aᵏ/(k k!) with a = 1/(2T). With halved bridges at h = 0.01 within 4 standard errors + 1 % (false alarm 6e-5); without bridges
/// more than 5 standard errors late.
#[test]
fn halved_bridges_to_a_circle() {
    let (t, wall) = (0.3, Boundary::Reflecting);
    let p = problem(&[(-3.0, 3.0, 8, wall); 2], Initial::Uniform, t, |x, b, a| {
        (b[0], b[1]) = (-x[0], -x[1]);
        (a[0], a[1], a[2]) = (1.0, 0.0, 1.0);
    });
    let term = |k: i32| (0.5 / t).powi(k) / (f64::from(k) * (1..=k).map(f64::from).product::<f64>());
    let exact = 0.5 * (1..30).map(term).sum::<f64>();
    let passage = passage(&["x", "y"], &[0.0, 0.0], "x^2 + y^2 > 1", 20_000, 40.0);
    let time = |bridge| first_passage(&p, &options(1, 0.01), &passage, bridge, &|| false).unwrap();
    let (with, without) = (time(true), time(false));
    let (mean, se) = (with.mean, with.standard_error);
    assert!((mean - exact).abs() < 4.0 * se + 0.01 * exact, "{mean} ± {se}, exactly {exact}");
    assert!(without.mean - exact > 5.0 * without.standard_error, "{}", without.mean);
    assert!(with.bridge.contains("halved"));
}

/// Brownian motion from 0 between an absorbing wall at −1 and the target x > 2: it arrives with probability 1/3 (|z| < 4.5, false
/// alarm 7e-6; both ends have exact bridges), and the mean time of the two exits together is 2·1/(2a) = 1 for a = 1.
#[test]
fn walkers_that_are_absorbed_elsewhere_are_told() {
    let p = problem(&[(-1.0, 4.0, 8, Boundary::Absorbing)], Initial::Uniform, 1.0, |_, b, a| {
        b[0] = 0.0;
        a[0] = 1.0;
    });
    let passage = passage(&["x"], &[0.0], "x > 2", 40_000, 30.0);
    let found = first_passage(&p, &options(1, 0.01), &passage, true, &|| false).unwrap();
    let n = found.walkers as f64;
    let z = (found.arrivals.len() as f64 / n - 1.0 / 3.0) / (2.0 / 9.0 / n).sqrt();
    assert!(z.abs() < 4.5 && found.censored() == 0.0, "{z}");
    let mean = (found.arrivals.iter().sum::<f64>() + found.absorbed.iter().sum::<f64>()) / n;
    assert!((mean - 1.0).abs() < 4.5 * 1.2 / n.sqrt(), "{mean}");
    let first = found.first.unwrap();
    assert_eq!([first.target, first.other], [found.arrivals.len(), found.absorbed.len()]);
    // given the target, from a distance x = 1 of 3 to the wall: (3² − x²)/(6a)
    let [conditional, se] = found.conditional.unwrap();
    assert!((found.mean - mean).abs() < 1e-12 && found.exit.is_none());
    assert!((conditional - 4.0 / 3.0).abs() < 4.5 * se + 0.005, "{conditional} ± {se}");
}

/// Brownian motion with drift v from 0 between the avoided set x < −0.5 and the target x > 1: q = (1 − e^{v/2})/(e^{−v} − e^{v/2})
/// at T = 1 (|z| < 4.5, false alarm 7e-6, with long steps: both half-spaces have exact bridges). With bridges left out the
/// estimate is more than 5 standard errors off; the arrivals are, walker by walker, those of the passage without an avoided set.
#[test]
fn walkers_that_touch_the_avoided_set_are_told_and_go_on() {
    let (v, wall) = (0.8, Boundary::Reflecting);
    let p = problem(&[(-3.0, 4.0, 8, wall)], Initial::Uniform, 1.0, move |_, b, a| {
        b[0] = v;
        a[0] = 1.0;
    });
    let avoid = Target::new("x < -0.5", &parse("x < -0.5", &Symbols::new(&["x"])).unwrap(), 1);
    let alone = passage(&["x"], &[0.0], "x > 1", 40_000, 60.0);
    let both = Passage { avoid: Some(avoid), ..alone.clone() };
    let exact = (1.0 - (0.5 * v).exp()) / ((-v).exp() - (0.5 * v).exp());
    let z = |bridge: bool| {
        let found = first_passage(&p, &options(1, 0.01), &both, bridge, &|| false).unwrap();
        assert_eq!((found.undecided(), found.censored(), found.arrivals.len()), (0.0, 0.0, 40_000));
        let (q, se) = found.first.unwrap().committor().unwrap();
        (q - exact) / se
    };
    assert!(z(true).abs() < 4.5, "{}", z(true));
    // the nearer side is the avoided one: its missed touches are more than the target's
    assert!(z(false) > 5.0, "{}", z(false));
    let mean = |passage: &Passage| {
        let found = first_passage(&p, &options(1, 0.01), passage, true, &|| false).unwrap();
        (found.mean, found.standard_error)
    };
    let ((with, _), (without, se)) = (mean(&both), mean(&alone));
    assert!((with - without).abs() < 4.5 * 2f64.sqrt() * se, "{with} {without} ± {se}");
    assert_eq!(First { target: 0, other: 0 }.committor(), None);
    let (q, se) = First { target: 98, other: 0 }.committor().unwrap();
    assert!(q == 1.0 && (se - (0.99 * 0.01 / 100_f64).sqrt()).abs() < 1e-12);
}

/// A horizon that ends the chase leaves walkers undecided, and says how many.
#[test]
fn walkers_that_touch_nothing_are_undecided() {
    let p = problem(&[(-5.0, 5.0, 8, Boundary::Reflecting)], Initial::Uniform, 0.5, |_, b, a| {
        b[0] = 0.0;
        a[0] = 1.0;
    });
    let avoid = Target::new("x < -1", &parse("x < -1", &Symbols::new(&["x"])).unwrap(), 1);
    let short = Passage { avoid: Some(avoid), ..passage(&["x"], &[0.0], "x > 1", 20_000, 1.0) };
    let found = first_passage(&p, &options(1, 0.01), &short, true, &|| false).unwrap();
    // P(|W| < 1 up to t = 1) = (4/π) Σ (−1)^k/(2k + 1) e^{−(2k+1)² π² T t/4}
    let term = |k: i32| {
        let odd = f64::from(2 * k + 1);
        (-1f64).powi(k) / odd * (-odd * odd * std::f64::consts::PI.powi(2) * 0.5 / 4.0).exp()
    };
    let exact = 4.0 / std::f64::consts::PI * (0..6).map(term).sum::<f64>();
    let se = (exact * (1.0 - exact) / 20_000.0).sqrt();
    // arrivals count at the middle of a step and the last step is open: a shift of 0.01 of the decay, below 1 %
    assert!((found.undecided() - exact).abs() < 4.5 * se + 0.01 * exact, "{} {exact}", found.undecided());
    let (q, se) = found.first.unwrap().committor().unwrap();
    assert!((q - 0.5).abs() < 4.5 * se && found.censored() > found.undecided());
}

/// The same times for every number of threads and with a number of walkers that fills no block.
#[test]
fn passages_do_not_depend_on_the_number_of_threads() {
    let p = problem(&[(-3.0, 3.0, 8, Boundary::Reflecting)], Initial::Uniform, 0.5, |x, b, a| {
        b[0] = -x[0];
        a[0] = 1.0 + x[0] * x[0];
    });
    let found = |threads: usize, walkers| {
        let passage = passage(&["x"], &[0.0], "abs(x) > 1", walkers, 5.0);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| first_passage(&p, &options(1, 0.01), &passage, true, &|| false).unwrap())
    };
    let one = found(1, 3000);
    assert_eq!(one.walkers, 3000);
    assert!((2..=8).step_by(3).all(|threads| found(threads, 3000) == one));
    let few = found(2, 7);
    assert_eq!(few.arrivals.len() + (few.censored() * 7.0).round() as usize, 7);
}

#[test]
fn failures_and_interrupts_are_errors() {
    let p = problem(&[(-3.0, 3.0, 8, Boundary::Reflecting)], Initial::Uniform, 0.5, |x, b, a| {
        b[0] = if x[0] > 1.0 { f64::NAN } else { 1.0 };
        a[0] = 1.0;
    });
    let passage = passage(&["x"], &[0.0], "x > 2", 3000, 5.0);
    let error = first_passage(&p, &options(1, 0.01), &passage, true, &|| false).unwrap_err().to_string();
    assert!(error.contains("walker") && error.contains("passage \"test\""), "{error}");
    let stopped = first_passage(&p, &options(1, 0.01), &passage, true, &|| true);
    assert_eq!(stopped, Err(Error::Interrupted { time: 0.0 }));
    let never = Passage { horizon: f64::NAN, ..passage };
    assert!(first_passage(&p, &options(1, 0.01), &never, true, &|| false).is_err());
}

/// Brownian motion, T = ½: mean time out of a ball from its centre 1/d, committors of a ring and of a shell from outside
/// the hole of radius .3, at steps as wide as a third of the hole (tangent planes: .454 in the plane). |z| < 4.5 (false alarm 7e-6 each),
/// errors of .03, those of tangent planes, are seen.
#[test]
fn curved_surfaces_are_right_at_long_steps() {
    let wall = Boundary::Reflecting;
    let free = |d: usize| {
        let axes = [(-1.5, 1.5, 8, wall); 3];
        problem(&axes[..d], Initial::Uniform, 0.5, move |_, b, a| {
            (0..d).for_each(|k| b[k] = 0.0);
            let one = crate::numerics::symmetric::packed_index;
            a.fill(0.0);
            (0..d).for_each(|k| a[one(d, k, k)] = 1.0);
        })
    };
    let names = ["x", "y", "z"];
    for (d, rim, hole, exact) in [
        (2, "x^2 + y^2 > 1", "x^2 + y^2 < 0.09", (0.3f64 / 0.29f64.sqrt()).ln() / 0.3f64.ln()),
        (3, "x^2 + y^2 + z^2 > 1", "x^2 + y^2 + z^2 < 0.09", (1.0 / 0.3 - 1.0 / 0.29f64.sqrt()) / (1.0 / 0.3 - 1.0)),
    ] {
        let symbols = Symbols::new(&names[..d]);
        let mut passage = passage(&names[..d], &[0.5, 0.2, 0.0][..d], rim, 8_000, 30.0);
        passage.avoid = Some(Target::new(hole, &parse(hole, &symbols).unwrap(), d));
        let found = first_passage(&free(d), &options(1, 0.01), &passage, true, &|| false).unwrap();
        let (q, se) = found.first.unwrap().committor().unwrap();
        assert!((q - exact).abs() < 4.5 * se, "d = {d}: {q} ± {se}, exactly {exact}");
        (passage.avoid, passage.from) = (None, vec![0.0; d]);
        let found = first_passage(&free(d), &options(1, 0.02), &passage, true, &|| false).unwrap();
        let z = (found.mean - 1.0 / d as f64) / found.standard_error;
        assert!(z.abs() < 4.5, "d = {d}: {} ± {}", found.mean, found.standard_error);
    }
}
