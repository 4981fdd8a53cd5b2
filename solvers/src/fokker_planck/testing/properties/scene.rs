//! Random problems.

use proptest::prelude::*;

use crate::fokker_planck::testing::test_fields::Field;
use crate::numerics::symmetric::packed_index;
use crate::problem::grid::{Axis, Boundary, Grid};

/// What a random problem is made of.
#[derive(Debug, Clone)]
pub struct Scene {
    pub d: usize,
    pub cells: [usize; 3],
    pub walls: [[Boundary; 2]; 3],
    /// Uneven cells; only with a diagonal D.
    pub graded: bool,
    /// Whether the axes of D turn with the point.
    pub turning: bool,
    /// log₁₀ of the largest over the smallest eigenvalue of D.
    pub spread: f64,
    /// Eigenvalues of D that are not 0.
    pub rank: usize,
    /// Whether the drift is −D∇V of a potential.
    pub gradient: bool,
    pub temperature: f64,
    /// Whatever else is random.
    pub c: [f64; 16],
}

pub fn walls() -> impl Strategy<Value = [Boundary; 2]> {
    let wall = prop_oneof![Just(Boundary::Reflecting), Just(Boundary::Absorbing)];
    prop_oneof![3 => (wall.clone(), wall).prop_map(|(a, b)| [a, b]), 1 => Just([Boundary::Periodic; 2])]
}

/// Any problem of up to `most` cells per axis (squared in 1-D) that is within the promises.
pub fn scene(most: usize) -> impl Strategy<Value = Scene> {
    (
        (1usize..=3, prop::array::uniform3(2usize..=most), prop::array::uniform3(walls())),
        (any::<bool>(), any::<bool>(), any::<bool>(), 0usize..8),
        (0.0f64..4.0, -2.0f64..0.0),
        prop::array::uniform16(-1.0f64..1.0),
    )
        .prop_map(|((d, mut cells, walls), (graded, turning, gradient, singular), (spread, log_t), c)| {
            if d == 1 {
                cells[0] *= cells[1];
            }
            let turning = turning && d > 1;
            Scene {
                d,
                cells,
                walls,
                graded: graded && !turning,
                turning,
                spread,
                rank: if singular == 0 && d > 1 { d - 1 } else { d },
                gradient,
                temperature: 10f64.powf(log_t),
                c,
            }
        })
}

impl Scene {
    pub fn grid(&self) -> Grid {
        let axis = |k: usize| {
            let (from, to, n) = (-1.5 - 0.3 * k as f64, 1.2 + 0.4 * k as f64, self.cells[k]);
            let name = ["x", "y", "z"][k];
            if self.graded && self.walls[k][0] != Boundary::Periodic {
                return Axis::sinh(name, [from, to], n, [0.3 * self.c[k], 0.4], self.walls[k]).unwrap();
            }
            Axis::uniform(name, from, to, n, self.walls[k]).unwrap()
        };
        Grid::new((0..self.d).map(axis).collect()).unwrap()
    }

    pub fn field(&self) -> Field {
        let scene = self.clone();
        Field::new(self.d, move |x| {
            let a = scene.diffusion(x);
            (scene.drift(x, &a), a)
        })
    }

    /// R Λ Rᵀ with eigenvalues and angles that depend on the point.
    fn diffusion(&self, x: [f64; 3]) -> [f64; 6] {
        let (d, c) = (self.d, &self.c);
        let steps = (d.max(2) - 1) as f64;
        let wave = |k: usize| 1.0 + 0.4 * (c[k] + c[(k + 1) % 3] * x[0] + x[1] * c[k + 2] + 0.5 * x[2]).sin();
        let value = |k: usize| {
            if k < self.rank { wave(k) * 10f64.powf(-self.spread * k as f64 / steps) } else { 0.0 }
        };
        let mut r = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        for (i, (p, q)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
            if !self.turning || q >= d {
                continue;
            }
            let (s, k) = (3.0 * c[i] + 0.7 * (c[3 + i] * x[0] + c[4 + i] * x[1] + c[5 + i] * x[2])).sin_cos();
            for row in &mut r {
                (row[p], row[q]) = (k * row[p] - s * row[q], s * row[p] + k * row[q]);
            }
        }
        let mut a = [0.0; 6];
        for i in 0..d {
            for j in i..d {
                a[packed_index(d, i, j)] = (0..d).map(|k| r[i][k] * value(k) * r[j][k]).sum();
            }
        }
        a
    }

    fn drift(&self, x: [f64; 3], a: &[f64; 6]) -> [f64; 3] {
        let (d, c) = (self.d, &self.c);
        let slope = std::array::from_fn::<f64, 3, _>(|k| x[k].powi(3) + 2.0 * c[8 + k] * x[k] + c[11 + k]);
        if !self.gradient {
            let turned = [c[14] * x[1] - c[15] * x[2], c[13] * x[2] - c[14] * x[0], c[15] * x[0] - c[13] * x[1]];
            return std::array::from_fn(|k| 2.0 * turned[k] - slope[k]);
        }
        std::array::from_fn(
            |k| {
                if k < d { -(0..d).map(|j| a[packed_index(d, k, j)] * slope[j]).sum::<f64>() } else { 0.0 }
            },
        )
    }
}
