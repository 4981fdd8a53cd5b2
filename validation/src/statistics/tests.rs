#![allow(clippy::unwrap_used)]

use fpsolve_solvers::problem::grid::{Boundary, Grid};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Binomial, Distribution};

use super::*;
use crate::metric::{Pair, Reading, Side};
use crate::reference::grids::uniform;

fn line(cells: usize, wall: Boundary) -> Grid {
    uniform(&[(-4.0, 4.0, cells)], wall).unwrap()
}

fn gaussian(grid: &Grid) -> Vec<f64> {
    let density = |cell| {
        let c = grid.center(cell);
        (-0.5 * (c[0] * c[0] + c[1] * c[1])).exp()
    };
    let p: Vec<f64> = (0..grid.len()).map(density).collect();
    let mass: f64 = p.iter().sum();
    p.iter().map(|p| p / mass).collect()
}

/// Multinomial draw, as shares of `n`.
fn histogram(rng: &mut Xoshiro256PlusPlus, law: &[f64], n: usize) -> Vec<f64> {
    let (mut left, mut mass) = (n as u64, 1.0);
    law.iter()
        .map(|&q| {
            let share: f64 = if mass > 0.0 { (q / mass).clamp(0.0, 1.0) } else { 0.0 };
            let k = if left == 0 { 0 } else { Binomial::new(left, share).unwrap().sample(rng) };
            left -= k;
            mass -= q;
            k as f64 / n as f64
        })
        .collect()
}

/// What a simulation under "same law" showed of one metric.
struct Outcome {
    value: f64,
    floor: f64,
    alarms: f64,
}

fn simulate(name: &str, grid: &Grid, law: &[f64], a: usize, b: Option<usize>, runs: usize) -> Outcome {
    let metric = crate::metric::by_name(name).unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_260);
    let null = Null::new(Some(a), b);
    let mut out = Outcome { value: 0.0, floor: 0.0, alarms: 0.0 };
    for _ in 0..runs {
        let p = histogram(&mut rng, law, a);
        let q = b.map_or_else(|| law.to_vec(), |m| histogram(&mut rng, law, m));
        let side = |probability, walkers| Side { probability, outside: 0.0, walkers };
        let pair = Pair::new(grid, side(&p, Some(a)), side(&q, b), &null);
        let r: Reading = (metric.read)(&pair, RATE)[0];
        out.value += r.value / runs as f64;
        out.floor += r.noise_floor / runs as f64;
        out.alarms += f64::from(u8::from(r.value > r.noise_upper));
    }
    out
}

const RATE: f64 = 1e-2;

/// False-alarm rate of these tests 1e-6 for each bound (4.75 standard errors of the binomial count of alarms); a bound that
/// is exceeded twice as often as it says is caught with 2000 runs at a rate of 0.99.
fn check(name: &str, grid: &Grid, law: &[f64], a: usize, b: Option<usize>, runs: usize, tolerance: f64) {
    let outcome = simulate(name, grid, law, a, b, runs);
    let expected = RATE * runs as f64;
    let what = format!("{name}, {} cells, {a} against {b:?}", grid.len());
    assert!(outcome.alarms <= expected + 4.75 * expected.sqrt(), "{what}: {} alarms in {runs}", outcome.alarms);
    let ratio = outcome.value / outcome.floor;
    assert!((ratio - 1.0).abs() < tolerance, "{what}: mean over floor {ratio}");
}

fn plane(cells: usize) -> Grid {
    uniform(&[(-4.0, 4.0, cells); 2], Boundary::Reflecting).unwrap()
}

#[test]
fn cellwise_floors_hold_at_their_rate() {
    let (fine, two, wide) = (line(64, Boundary::Reflecting), line(2, Boundary::Reflecting), plane(24));
    let wide_law = gaussian(&wide);
    for name in ["total_variation", "kullback_leibler", "hellinger"] {
        for b in [None, Some(10_000), Some(2_500)] {
            check(name, &fine, &gaussian(&fine), 10_000, b, 1000, 0.02);
            check(name, &two, &[0.3, 0.7], 10_000, b, 1000, 0.12);
        }
        // far fewer walkers than cells
        for b in [None, Some(300), Some(75)] {
            check(name, &wide, &wide_law, 300, b, 500, 0.02);
        }
    }
    // nearly everything in one cell: the law of total variation is discrete there
    let three = line(3, Boundary::Reflecting);
    for b in [None, Some(2000)] {
        check("total_variation", &three, &[0.0005, 0.999, 0.0005], 2000, b, 1000, 0.1);
    }
}

#[test]
fn marginal_floors_hold_at_their_rate() {
    let fine = line(64, Boundary::Reflecting);
    let law = gaussian(&fine);
    for b in [None, Some(1000)] {
        check("wasserstein_1", &fine, &law, 2000, b, 300, 0.1);
        check("mean_difference", &fine, &law, 2000, b, 1000, 0.1);
        check("variance_difference", &fine, &law, 2000, b, 1000, 0.1);
        check("kolmogorov_smirnov", &fine, &law, 2000, b, 1000, 0.25); // the floor is the continuum's
    }
    let circle = line(64, Boundary::Periodic);
    check("wasserstein_1", &circle, &[1.0 / 64.0; 64], 2000, None, 150, 0.12);
    check("kolmogorov_smirnov", &circle, &[1.0 / 64.0; 64], 2000, None, 1000, 0.25);
    let wide = plane(16);
    check("wasserstein_1", &wide, &gaussian(&wide), 2000, None, 150, 0.12);
    check("mean_difference", &wide, &gaussian(&wide), 2000, None, 1000, 0.1);
}

#[test]
fn floors_of_all_variables_at_once_hold() {
    let (fine, wide) = (line(64, Boundary::Reflecting), plane(6));
    let (on_line, on_plane) = (gaussian(&fine), gaussian(&wide));
    for b in [None, Some(3000)] {
        check("chi_square", &fine, &on_line, 10_000, b, 1000, 0.03);
        check("energy_distance", &fine, &on_line, 2000, b, 300, 0.1);
        check("sliced_wasserstein", &wide, &on_plane, 2000, b, 400, 0.05);
        check("transport", &wide, &on_plane, 2000, b, 100, 0.12);
    }
    let circle = line(64, Boundary::Periodic);
    check("energy_distance", &circle, &[1.0 / 64.0; 64], 2000, None, 300, 0.12);
}

/// Mean absolute deviation of a binomial count: 2 ν C(n, ν) p^ν (1 − p)^{n − ν + 1}, ν = ⌊np⌋ + 1 (De Moivre).
fn de_moivre(n: f64, p: f64) -> f64 {
    use statrs::function::gamma::ln_gamma;
    let nu = (n * p).floor() + 1.0;
    let ln_choose = ln_gamma(n + 1.0) - ln_gamma(nu + 1.0) - ln_gamma(n - nu + 1.0);
    2.0 * (nu.ln() + ln_choose + nu * p.ln() + (n - nu + 1.0) * (1.0 - p).ln()).exp()
}

#[test]
fn total_variation_floor_is_de_moivres_sum() {
    for (n, cells) in [(100usize, 400), (3_000, 400), (100_000, 64), (1000, 12)] {
        let grid = line(cells, Boundary::Reflecting);
        let law = gaussian(&grid);
        let null = Null::new(Some(n), None);
        let side = |walkers| Side { probability: &law, outside: 0.0, walkers };
        let pair = Pair::new(&grid, side(Some(n)), side(None), &null);
        let exact: f64 = law.iter().map(|&q| 0.5 * de_moivre(n as f64, q) / n as f64).sum();
        let floor = pair.cellwise(Cellwise::TotalVariation).mean;
        assert!((floor / exact - 1.0).abs() < 3e-3, "{n} walkers in {cells} cells: {floor} for {exact}");
    }
}

#[test]
fn quantiles_of_the_fitted_laws() {
    assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-9);
    // half-normal: mean √(2/π), variance 1 − 2/π; exceeded with 1e-3 at 3.2905
    let half = Noise { mean: 0.797_884_560_8, variance: 0.363_380_227_6 };
    assert!((distance_quantile(half, 1e-3) - 3.290_526_7).abs() < 1e-4);
    // χ² with 5 degrees of freedom: 20.515 at 1e-3; with 1000: 1143.917
    assert!((gamma_quantile(Noise { mean: 5.0, variance: 10.0 }, 1e-3) - 20.515).abs() < 1e-2);
    assert!((gamma_quantile(Noise { mean: 1000.0, variance: 2000.0 }, 1e-3) - 1143.917).abs() < 1e-1);
    assert_eq!(walkers_for_kolmogorov(0.01, 1e-6), 290_174);
}
