#![allow(clippy::unwrap_used)]

use fpsolve_solvers::problem::grid::Boundary;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Normal};

use super::*;
use crate::reference::grids::uniform;

const TIMES: [f64; 3] = [0.0, 0.5, 1.0];

fn grid() -> Grid {
    uniform(&[(-5.0, 5.0, 100)], Boundary::Reflecting).unwrap()
}

fn density(grid: &Grid, mean: f64) -> Vec<f64> {
    let p: Vec<f64> = (0..grid.len()).map(|i| (-0.5 * (grid.center(i)[0] - mean).powi(2)).exp()).collect();
    let mass: f64 = p.iter().sum();
    p.iter().map(|p| p / mass).collect()
}

fn ensemble(grid: &Grid, mean: f64, walkers: usize, seed: u64) -> Vec<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let law = Normal::new(mean, 1.0).unwrap();
    let mut p = vec![0.0; grid.len()];
    for _ in 0..walkers {
        if let Some(cell) = grid.locate(&[law.sample(&mut rng)]) {
            p[cell] += 1.0 / walkers as f64;
        }
    }
    p
}

fn run(shift: f64, walkers: usize) -> Vec<Comparison> {
    let grid = grid();
    let exact: Vec<Vec<f64>> = TIMES.iter().map(|_| density(&grid, 0.0)).collect();
    let one: Vec<Vec<f64>> = (0..3).map(|i| ensemble(&grid, 0.0, walkers, i)).collect();
    let two: Vec<Vec<f64>> = (0..3).map(|i| ensemble(&grid, shift, walkers, 10 + i)).collect();
    let series = |name, walkers, probability| Series {
        name,
        walkers,
        times: &TIMES,
        probability: Laws::Held(probability),
        outside: &[0.0; 3],
    };
    let engines = [
        series("fokker_planck", None, &exact),
        series("langevin", Some(walkers), &one),
        series("sgd", Some(walkers), &two),
    ];
    compare(&grid, &engines, Some(&exact[0]), &Settings::default())
}

#[test]
fn all_pairs_and_the_stationary_density_in_order() {
    let names: Vec<String> = run(0.0, 1000).iter().map(Comparison::name).collect();
    let expected = [
        "fokker_planck_vs_langevin",
        "fokker_planck_vs_sgd",
        "langevin_vs_sgd",
        "fokker_planck_vs_stationary",
        "langevin_vs_stationary",
        "sgd_vs_stationary",
    ];
    assert_eq!(names, expected);
}

/// Fixed seeds. 15 comparisons × 7 metrics at 1e-3: about 0.1 false alarms expected.
#[test]
fn same_laws_do_not_differ() {
    for comparison in run(0.0, 50_000) {
        for metric in &comparison.metrics {
            for i in 0..3 {
                assert!(!metric.differs(i), "{} {} at {i}: {metric:?}", comparison.name(), metric.name);
            }
        }
    }
}

/// A shift of 0.05σ with 50 000 walkers is 11 standard errors against a density, 8 between two ensembles; total variation,
/// whose noise lies in all cells, sees 0.1σ.
#[test]
fn different_laws_differ() {
    let all = run(0.05, 50_000);
    for (name, differ) in
        [("langevin_vs_sgd", true), ("fokker_planck_vs_sgd", true), ("fokker_planck_vs_langevin", false)]
    {
        let comparison = all.iter().find(|c| c.name() == name).unwrap();
        for metric in ["wasserstein_1", "kolmogorov_smirnov", "mean_difference"] {
            let series = comparison.metric(metric).unwrap();
            assert!((0..3).all(|i| series.differs(i) == differ), "{name} {series:?}");
        }
    }
    let all = run(0.1, 50_000);
    for metric in ["total_variation", "kullback_leibler", "hellinger"] {
        let series = all[2].metric(metric).unwrap();
        assert!((0..3).all(|i| series.differs(i)), "{series:?}");
    }
    // KL of two normal laws 0.1 apart is 0.005; the noise taken off leaves that
    for pair in [1, 2] {
        let kl = all[pair].metric("kullback_leibler").unwrap().debiased();
        assert!(kl.iter().all(|kl| (kl - 0.005).abs() < 0.0015), "{kl:?}");
    }
}

#[test]
fn only_common_times_are_compared() {
    let grid = grid();
    let p = vec![density(&grid, 0.0); 3];
    let (t, u) = ([0.0, 0.5, 1.0], [0.5, 1.0 + 1e-13, 2.0]);
    let series = |name, times| Series { name, walkers: None, times, probability: Laws::Held(&p), outside: &[0.0; 3] };
    let all = compare(&grid, &[series("a", &t), series("b", &u)], None, &Settings::default());
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].times, [0.5, 1.0]);
    assert_eq!(all[0].metrics.len(), METRICS.iter().filter(|metric| metric.quick).count());
    assert!(all[0].metrics.iter().all(|m| m.value == [0.0, 0.0]));
}

/// 20 000 walkers of which none, one, nine or 5000 are left, against a density of which e^−60 is left: only the last says anything,
/// and floors grow as walkers vanish. (The rest of both is outside.)
#[test]
fn an_empty_or_nearly_empty_side_decides_nothing() {
    let grid = grid();
    let left = |p: &[f64], share: f64| p.iter().map(|p| p * share).collect::<Vec<f64>>();
    let walkers = 20_000;
    let here = density(&grid, 0.0);
    let law = [left(&here, (-60f64).exp())];
    let mut floors = vec![f64::INFINITY; 4];
    for count in [0_usize, 1, 9, 5000] {
        let share = count as f64 / walkers as f64;
        let sample = [left(&ensemble(&grid, 3.0, count.max(1), 3), share)];
        let series = |name, walkers, laws, outside| Series {
            name,
            walkers,
            times: &[3.0],
            probability: Laws::Held(laws),
            outside,
        };
        let (o, p) = ([1.0 - (-60f64).exp()], [1.0 - share]);
        let engines =
            [series("fokker_planck", None, &law[..], &o[..]), series("langevin", Some(walkers), &sample[..], &p[..])];
        let pair = compare(&grid, &engines, None, &Settings::default()).remove(0);
        for (k, metric) in
            ["wasserstein_1", "kolmogorov_smirnov", "mean_difference", "variance_difference"].iter().enumerate()
        {
            let series = pair.metric(metric).unwrap();
            if k != 3 {
                assert_eq!(series.differs(0), count == 5000, "{count}: {series:?}");
            }
            let floor = series.noise_floor[0];
            assert!(floor > 0.0 && floor <= floors[k], "{count}: {series:?} {floors:?}");
            assert!(series.noise_upper[0] >= floor, "{count}: {series:?}");
            floors[k] = floor;
            let limit = [crate::verdict::Limit::from_key(&format!("max_{metric}"), 1e-3).unwrap()];
            let verdict = crate::verdict::judge_limits(std::slice::from_ref(&pair), &limit).remove(0);
            assert!(!verdict.passed);
            let word = if count == 5000 && k != 3 { "differ" } else { "inconclusive" };
            assert!(verdict.why.starts_with(word) || k == 3, "{count} {}", verdict.why);
            assert_eq!(verdict.why.contains("nothing of one side is left"), count == 0, "{}", verdict.why);
        }
    }
}
