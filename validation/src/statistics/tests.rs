#![allow(clippy::unwrap_used)]

use fpsolve_solvers::grid::{Axis, Boundary, Grid};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Binomial, Distribution};

use super::*;
use crate::metric::{METRICS, Pair, Reading, Side};

fn line(cells: usize, wall: Boundary) -> Grid {
    Grid::new(vec![Axis::uniform("x", -4.0, 4.0, cells, [wall; 2]).unwrap()]).unwrap()
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
fn histogram(rng: &mut ChaCha8Rng, law: &[f64], n: usize) -> Vec<f64> {
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

/// Per metric: mean of the values, mean of the floors, share above the bound.
fn simulate(grid: &Grid, law: &[f64], a: usize, b: Option<usize>, rate: f64, runs: usize) -> Vec<[f64; 3]> {
    let mut rng = ChaCha8Rng::seed_from_u64(20_260);
    let null = Null::new(Some(a), b);
    let mut out = vec![[0.0; 3]; METRICS.len()];
    for _ in 0..runs {
        let p = histogram(&mut rng, law, a);
        let q = b.map_or_else(|| law.to_vec(), |m| histogram(&mut rng, law, m));
        let side = |probability, walkers| Side { probability, outside: 0.0, walkers };
        let pair = Pair::new(grid, side(&p, Some(a)), side(&q, b), &null);
        for (metric, sum) in METRICS.iter().zip(&mut out) {
            let r: Reading = (metric.read)(&pair, rate)[0];
            sum[0] += r.value / runs as f64;
            sum[1] += r.noise_floor / runs as f64;
            sum[2] += f64::from(u8::from(r.value > r.noise_upper)) / runs as f64;
        }
    }
    out
}

#[test]
fn explore() {
    let plane = Grid::new(vec![
        Axis::uniform("x", -4.0, 4.0, 40, [Boundary::Reflecting; 2]).unwrap(),
        Axis::uniform("y", -4.0, 4.0, 40, [Boundary::Reflecting; 2]).unwrap(),
    ])
    .unwrap();
    let l64 = line(64, Boundary::Reflecting);
    let p64 = line(64, Boundary::Periodic);
    let l2 = line(2, Boundary::Reflecting);
    let l3 = line(3, Boundary::Reflecting);
    let cases: Vec<(&str, &Grid, Vec<f64>, usize)> = vec![
        ("gauss64", &l64, gaussian(&l64), 10_000),
        ("gauss64 few", &l64, gaussian(&l64), 200),
        ("periodic", &p64, vec![1.0 / 64.0; 64], 5000),
        ("two", &l2, vec![0.5, 0.5], 10_000),
        ("three", &l3, vec![0.0005, 0.999, 0.0005], 2_000),
        ("rare", &l3, vec![0.00001, 0.99998, 0.00001], 1_000),
        ("plane", &plane, gaussian(&plane), 20_000),
        ("plane sparse", &plane, gaussian(&plane), 500),
    ];
    let _: f64 = ChaCha8Rng::seed_from_u64(1).random();
    for (name, grid, law, n) in &cases {
        for b in [None, Some(*n), Some(n / 4)] {
            println!("{name} {n} {b:?}");
            for rate in [1e-2, 1e-3] {
            let out = simulate(grid, law, *n, b, rate, 4000);
            for (m, o) in METRICS.iter().zip(out) {
                println!("   {:22} {rate} mean {:.5e} floor {:.5e} ratio {:.4} alarm {:.5}", m.name, o[0], o[1], o[0] / o[1], o[2]);
            }
            }
        }
    }
}
