//! The long-step chain, by its products alone.

use proptest::prelude::*;

use super::cases;
use super::scene::scene;
use crate::fokker_planck::chain::Chain;
use crate::fokker_planck::testing::test_fields::Field;
use crate::problem::grid::{Axis, Boundary, Grid};

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn rows_are_probabilities(scene in scene(6), log_tau in -2.0f64..0.5) {
        let mut scene = scene;
        scene.graded = false;
        for wall in scene.walls.iter_mut().flatten().filter(|wall| **wall == Boundary::Absorbing) {
            *wall = Boundary::Reflecting;
        }
        let grid = scene.grid();
        let chain = Chain::new(&scene.field(), scene.temperature, &grid, 10f64.powf(log_tau)).unwrap();
        let (mut row, mut ones) = (vec![0.0; grid.len()], vec![0.0; grid.len()]);
        for cell in 0..grid.len() {
            let mut here = vec![0.0; grid.len()];
            here[cell] = 1.0;
            chain.forward(&here, &mut row);
            prop_assert!(row.iter().all(|&p| p >= 0.0 && p.is_finite()));
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-14 * grid.len().max(10) as f64);
        }
        chain.backward(&vec![1.0; grid.len()], &mut ones);
        prop_assert!(ones.iter().all(|v| (v - 1.0).abs() < 1e-13));
    }

    #[test]
    fn mean_and_covariance_of_a_linear_drift_are_exact_away_from_walls(
        h in prop::array::uniform4(-1.0f64..1.0),
        angle in 0.0f64..3.2,
        spread in 0.0f64..3.0,
        at in prop::array::uniform2(-0.5f64..0.5),
        tau in 0.05f64..0.4,
    ) {
        let (s, c) = angle.sin_cos();
        let r = 10f64.powf(-spread);
        let a = [0.05 * (c * c + r * s * s), 0.05 * (1.0 - r) * c * s, 0.05 * (s * s + r * c * c)];
        let field = Field::new(2, move |[x, y, _]| {
            ([-(h[0] * x + h[1] * y), -(h[2] * x + h[3] * y), 0.0], [a[0], a[1], a[2], 0.0, 0.0, 0.0])
        });
        let axis = |name: &str| Axis::uniform(name, -2.0, 2.0, 40, [Boundary::Reflecting; 2]).unwrap();
        let grid = Grid::new(vec![axis("x"), axis("y")]).unwrap();
        let chain = Chain::new(&field, 1.0, &grid, tau).unwrap();
        let cell = grid.locate(&at).unwrap();
        let from = grid.center(cell);
        let mut here = vec![0.0; grid.len()];
        here[cell] = 1.0;
        let mut row = vec![0.0; grid.len()];
        chain.forward(&here, &mut row);
        let reach = (0..grid.len()).filter(|&i| row[i] > 0.0).map(|i| grid.center(i));
        let beside = |x: f64| x.abs() < 1.8;
        prop_assume!(reach.clone().all(|x| beside(x[0]) && beside(x[1])));
        let (mean, covariance) = linear(h, a, [from[0], from[1]], tau);
        let average = |f: &dyn Fn([f64; 3]) -> f64| (0..grid.len()).map(|i| row[i] * f(grid.center(i))).sum::<f64>();
        let spacing = 0.1;
        for k in 0..2 {
            let found = average(&|x| x[k]);
            prop_assert!((found - mean[k]).abs() < 1e-3 * spacing, "mean {k}: {found} {}", mean[k]);
        }
        if chain.infeasible[cell] {
            return Ok(()); // more variance than asked for, and told
        }
        for (entry, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
            let found = average(&|x| (x[i] - mean[i]) * (x[j] - mean[j]));
            let wanted = covariance[entry];
            prop_assert!((found - wanted).abs() < 1e-3 * spacing * spacing, "({i}, {j}): {found} {wanted}");
        }
    }
}

/// Mean e^{−Hτ}x and covariance ∫ e^{−Hs} 2A e^{−Hᵀs} ds, by the midpoint rule.
fn linear(h: [f64; 4], a: [f64; 3], x: [f64; 2], tau: f64) -> ([f64; 2], [f64; 3]) {
    let (mut mean, mut s) = (x, [0.0; 3]);
    let dt = tau / 2000.0;
    let rate = |m: [f64; 2], s: [f64; 3]| {
        let (m0, m1) = (-(h[0] * m[0] + h[1] * m[1]), -(h[2] * m[0] + h[3] * m[1]));
        let s0 = -2.0 * (h[0] * s[0] + h[1] * s[1]) + 2.0 * a[0];
        let s1 = -(h[0] * s[1] + h[1] * s[2]) - (h[2] * s[0] + h[3] * s[1]) + 2.0 * a[1];
        let s2 = -2.0 * (h[2] * s[1] + h[3] * s[2]) + 2.0 * a[2];
        ([m0, m1], [s0, s1, s2])
    };
    for _ in 0..2000 {
        // the midpoint rule: its error is 10⁻⁷ of what is asked for
        let (m, v) = rate(mean, s);
        let half =
            ([mean[0] + 0.5 * dt * m[0], mean[1] + 0.5 * dt * m[1]], std::array::from_fn(|k| s[k] + 0.5 * dt * v[k]));
        let (m, v) = rate(half.0, half.1);
        mean = [mean[0] + dt * m[0], mean[1] + dt * m[1]];
        s = std::array::from_fn(|k| s[k] + dt * v[k]);
    }
    (mean, s)
}
