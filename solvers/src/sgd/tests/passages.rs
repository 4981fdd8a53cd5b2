//! First passages of walkers of SGD: against enumeration, and against descent whose arrivals are noted from outside.

use super::*;
use crate::escape::passage::{Passage, Target};
use crate::formula::{Symbols, parse};
use crate::sgd::first_passage::first_passage;

fn passage(target: &str, avoid: Option<&str>, from: f64, walkers: usize, horizon: f64) -> Passage {
    let set = |text: &str| Target::new(text, &parse(text, &Symbols::new(&["x"])).unwrap(), 1);
    let (target, avoid) = (set(target), avoid.map(set));
    Passage { name: "out".into(), from: vec![from], target, avoid, walkers, horizon }
}

/// θ' = θ/2 ± ½ from 0: all sequences of ten signs, as long as they did not come beyond .7 or below −.8.
fn enumerated() -> ([f64; 10], f64) {
    let (mut alive, mut survival, mut first) = (vec![(0.0, 1.0)], [0.0; 10], [0.0; 2]);
    for share in &mut survival {
        let mut next = Vec::new();
        for (x, p) in alive {
            for y in [0.5 * x + 0.5, 0.5 * x - 0.5] {
                match (y > 0.7, y < -0.8) {
                    (true, _) => first[0] += 0.5 * p,
                    (_, true) => first[1] += 0.5 * p,
                    (false, false) => next.push((y, 0.5 * p)),
                }
            }
        }
        alive = next;
        *share = alive.iter().map(|(_, p)| p).sum();
    }
    (survival, first[0] / (first[0] + first[1]))
}

#[test]
fn arrivals_at_steps_have_the_law_of_the_chain() {
    let p = problem(quadratic(&[1.0, -1.0], 1.0), &[0.0], 0.5, 1, Replacement::With, 4.0);
    let n = 20_000;
    let found =
        first_passage(&p, &SgdOptions::default(), &passage("(x > 0.7) + (x < -0.8)", None, 0.0, n, 200.0), &|| false);
    let found = found.unwrap();
    let (exact, committor) = enumerated();
    let at: Vec<f64> = (1..=10).map(|k| 0.5 * k as f64).collect();
    // fixed seed; 4.5 standard errors at ten times: false alarm 7e-5
    for (exact, (seen, _)) in exact.iter().zip(found.survival(&at)) {
        assert!((seen - exact).abs() < 4.5 * (exact * (1.0 - exact) / n as f64).sqrt() + 1e-12, "{seen} {exact}");
    }
    assert!((found.step, found.censored(), found.bridge) == (0.5, 0.0, "at the ends of steps"));
    let both =
        first_passage(&p, &SgdOptions::default(), &passage("x > 0.7", Some("x < -0.8"), 0.0, n, 200.0), &|| false);
    let both = both.unwrap();
    // ten steps decide all but 1e-3 of the walkers, which does not show at 4 standard errors and .001
    let (share, se) = both.first.unwrap().committor().unwrap();
    assert!((share - committor).abs() < 4.0 * se + 1e-3, "{share} ± {se}, {committor}");
    assert!(both.exit.unwrap()[0] < both.mean && both.conditional.is_some());
}

/// Walkers of the engine, looked at after every step.
fn seen_from_outside(p: &Problem, options: &SgdOptions, steps: u64, target: &Target) -> Vec<f64> {
    let mut engine = Sgd::new(p, options.clone()).unwrap();
    let mut alive = vec![true; options.walkers];
    let share = |k: u64, alive: &mut Vec<bool>, engine: &mut Sgd| {
        engine.advance(k as f64 * engine.descent.step_time(), &|| false).unwrap();
        let inside = target.contains(&engine.ensemble.first_points(options.walkers));
        alive.iter_mut().zip(inside).for_each(|(alive, inside)| *alive &= !inside);
        alive.iter().filter(|alive| **alive).count() as f64 / options.walkers as f64
    };
    (1..=steps).map(|k| share(k, &mut alive, &mut engine)).collect()
}

#[test]
fn every_optimizer_and_sampling_has_the_passages_of_its_own_walkers() {
    let (n, steps) = (4000, 30);
    for entry in optimizer::OPTIMIZERS {
        for replacement in [Replacement::With, Replacement::Without, Replacement::Epoch] {
            let p = problem(quadratic(&[3.0, -1.0, 0.5, -2.5], 1.0), &[1.5], 0.1, 1, replacement, 6.0);
            let options = SgdOptions { walkers: n, optimizer: entry.name.to_string(), ..SgdOptions::default() };
            let h = options.build().unwrap().step_time(0.1);
            let asked = passage("x < 0.9", None, 1.5, n, steps as f64 * h);
            let found = first_passage(&p, &options, &asked, &|| false).unwrap();
            let at: Vec<f64> = (1..=steps).map(|k| (k as f64 + 0.5) * h).collect();
            let outside = seen_from_outside(&p, &options, steps, &asked.target);
            let noise = entry.name != "gd";
            assert!(!noise || outside.iter().any(|s| *s > 0.02 && *s < 0.98), "{} shows nothing", entry.name);
            // two samples of n walkers, fixed seed: 5 standard errors at 720 times is a false alarm of 4e-4
            for (k, (seen, other)) in found.survival(&at).iter().zip(outside).enumerate() {
                let spread = (2.0 * other * (1.0 - other) / n as f64).sqrt();
                let words = format!("{} {replacement:?} step {}: {} {other}", entry.name, k + 1, seen.0);
                assert!((seen.0 - other).abs() <= 5.0 * spread + 2e-3 * f64::from(noise), "{words}");
            }
        }
    }
}

#[test]
fn a_horizon_below_a_step_is_refused_and_the_number_of_threads_does_not_matter() {
    let p = problem(quadratic(&[1.0, -1.0], 1.0), &[0.0], 0.5, 1, Replacement::With, 4.0);
    let find =
        |horizon| first_passage(&p, &SgdOptions::default(), &passage("x > 0.9", None, 0.0, 3000, horizon), &|| false);
    assert!(find(0.4).unwrap_err().to_string().contains("shorter than a step of 0.5"));
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(find(100.0).unwrap(), one.install(|| find(100.0)).unwrap());
    let stopped = first_passage(&p, &SgdOptions::default(), &passage("x > 3", None, 0.0, 10, 1e9), &|| true);
    assert!(matches!(stopped, Err(Error::Interrupted { .. })));
}

#[test]
fn paths_are_kept_at_steps_and_do_not_change_the_walkers() {
    let p = problem(quadratic(&[1.0, -1.0], 1.0), &[0.0], 0.5, 1, Replacement::With, 4.0);
    let p = Problem { times: vec![0.0, 3.0], ..p };
    let options = SgdOptions { walkers: 700, trajectories: 300, ..SgdOptions::default() };
    let mut engine = Sgd::new(&p, options.clone()).unwrap();
    engine.advance(3.0, &|| false).unwrap();
    let kept = engine.trajectories().unwrap();
    assert_eq!((kept.times.clone(), kept.points.len()), ((0..=6).map(|k| 0.5 * k as f64).collect(), 7 * 300));
    for k in 0..6 {
        for i in 0..300 {
            let (old, new) = (kept.points[k * 300 + i], kept.points[(k + 1) * 300 + i]);
            assert!(((new - 0.5 * old).abs() - 0.5).abs() < 1e-14);
        }
    }
    let mut other = Sgd::new(&p, SgdOptions { trajectories: 0, ..options }).unwrap();
    other.advance(3.0, &|| false).unwrap();
    assert_eq!(other.ensemble.first_points(700), engine.ensemble.first_points(700));
    assert_eq!(other.ensemble.first_points(300), kept.points[6 * 300..]);
}
