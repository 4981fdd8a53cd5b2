//! Problems that are images of each other have results that are images of each other.

use proptest::prelude::*;

use super::cases;
use super::scene::walls;
use crate::fokker_planck::edges::edge_generator;
use crate::fokker_planck::integrator::system::{System, Task};
use crate::fokker_planck::integrator::table::INTEGRATORS;
use crate::fokker_planck::testing::test_fields::Field;
use crate::numerics::symmetric::packed_index;
use crate::problem::density::l1;
use crate::problem::grid::{Axis, Boundary, Grid};
use std::sync::Arc;

/// D = G Gᵀ with G linear in the point (so that differences of D are exact to rounding), b a cubic.
#[derive(Debug, Clone)]
struct Problem {
    d: usize,
    cells: [usize; 3],
    walls: [[Boundary; 2]; 3],
    full: bool,
    c: Vec<f64>,
}

fn problem() -> impl Strategy<Value = Problem> {
    let shape = (1usize..=3, prop::array::uniform3(3usize..8), prop::array::uniform3(walls()));
    (shape, any::<bool>(), prop::collection::vec(-1.0f64..1.0, 24)).prop_map(|((d, mut cells, walls), full, c)| {
        if d == 1 {
            cells[0] *= cells[1];
        }
        Problem { d, cells, walls, full, c }
    })
}

/// A map of coordinates: axis k of the image is axis `from[k]` of the problem, times `scale[k]`; rates are `rate` times larger.
#[derive(Debug, Clone, Copy)]
struct Image {
    from: [usize; 3],
    scale: [f64; 3],
    rate: f64,
}

impl Problem {
    fn coefficients(&self, x: [f64; 3]) -> ([f64; 3], [[f64; 3]; 3]) {
        let (d, c) = (self.d, &self.c);
        let around = |k: usize| self.walls[k][0] == Boundary::Periodic;
        let period = |k: usize| self.ends(k)[1] - self.ends(k)[0];
        // D does not depend on the coordinate of a periodic axis, b does so periodically
        let y: [f64; 3] =
            std::array::from_fn(|k| if around(k) { (x[k] * std::f64::consts::TAU / period(k)).sin() } else { x[k] });
        let x: [f64; 3] = std::array::from_fn(|k| if around(k) { 0.5 } else { x[k] });
        let g = |i: usize, k: usize| {
            if i == k {
                1.0
            } else if self.full {
                c[3 * i + k] + 0.2 * c[9 + i] * x[k]
            } else {
                0.0
            }
        };
        let mut a = [[0.0; 3]; 3];
        for i in 0..d {
            for j in 0..d {
                a[i][j] = (0..d).map(|k| g(i, k) * g(j, k)).sum::<f64>();
            }
        }
        let b = std::array::from_fn(|k| c[12 + k] - y[k].powi(3) + c[15 + k] * y[(k + 1) % d] + c[18 + k] * y[k]);
        (b, a)
    }

    fn ends(&self, k: usize) -> [f64; 2] {
        [-1.0 - 0.2 * k as f64, 1.3 + 0.1 * k as f64]
    }

    fn image(&self, image: Image) -> (Field, Grid) {
        let axis = |k: usize| {
            let own = image.from[k];
            let mut ends = self.ends(own).map(|x| image.scale[k] * x);
            let mut walls = self.walls[own];
            if image.scale[k] < 0.0 {
                ends.reverse();
                walls.reverse();
            }
            Axis::uniform(["x", "y", "z"][k], ends[0], ends[1], self.cells[own], walls).unwrap()
        };
        let grid = Grid::new((0..self.d).map(axis).collect()).unwrap();
        let problem = self.clone();
        let d = self.d;
        let field = Field::new(d, move |y| {
            let mut x = [0.0; 3];
            (0..d).for_each(|k| x[image.from[k]] = y[k] / image.scale[k]);
            let (b, a) = problem.coefficients(x);
            let mut packed = [0.0; 6];
            for i in 0..d {
                for j in i..d {
                    packed[packed_index(d, i, j)] =
                        image.rate * image.scale[i] * image.scale[j] * a[image.from[i]][image.from[j]];
                }
            }
            let b = std::array::from_fn(|k| if k < d { image.rate * image.scale[k] * b[image.from[k]] } else { 0.0 });
            (b, packed)
        });
        (field, grid)
    }

    /// The cell of the image that belongs to a cell.
    fn cell(&self, image: Image, grid: &Grid, index: [usize; 3]) -> usize {
        let to = |k: usize| {
            let i = index[image.from[k]];
            if image.scale[k] < 0.0 { self.cells[image.from[k]] - 1 - i } else { i }
        };
        grid.cell(&(0..self.d).map(to).collect::<Vec<_>>())
    }
}

/// Largest difference of a rate to that of its image, relative to the rate at which the cell is left.
fn difference(problem: &Problem, image: Image) -> f64 {
    let same = Image { from: [0, 1, 2], scale: [1.0; 3], rate: 1.0 };
    let ((field, grid), (other_field, other_grid)) = (problem.image(same), problem.image(image));
    let q = edge_generator(&field, 0.3, &grid).unwrap().generator;
    let other = edge_generator(&other_field, 0.3, &other_grid).unwrap().generator;
    let mapped: Vec<usize> = (0..grid.len()).map(|i| problem.cell(image, &other_grid, grid.multi_index(i))).collect();
    let other_matrix = other.to_csr();
    let mut worst = 0.0f64;
    for i in 0..grid.len() {
        let unit = q.leaving()[i].max(1e-300);
        worst = worst.max((q.exit()[i] - other.exit()[mapped[i]] / image.rate).abs() / unit);
        worst = worst.max((q.leaving()[i] - other.leaving()[mapped[i]] / image.rate).abs() / unit);
        for (&j, &rate) in q.outgoing(i).0.iter().zip(q.outgoing(i).1) {
            let found = other_matrix.get(mapped[i], mapped[j as usize]).copied().unwrap_or(0.0) / image.rate;
            worst = worst.max((rate - found).abs() / unit);
        }
    }
    worst
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn mirrors(problem in problem(), axis in 0usize..3) {
        let mut scale = [1.0; 3];
        scale[axis % problem.d] = -1.0;
        let worst = difference(&problem, Image { from: [0, 1, 2], scale, rate: 1.0 });
        prop_assert!(worst < 1e-12, "{worst:e}");
    }

    #[test]
    fn permuted_axes(problem in problem(), order in 0usize..3) {
        let from = match (problem.d, order) {
            (1, _) => [0, 1, 2],
            (2, _) => [1, 0, 2],
            (_, 0) => [1, 2, 0],
            (_, 1) => [1, 0, 2],
            _ => [0, 2, 1],
        };
        let worst = difference(&problem, Image { from, scale: [1.0; 3], rate: 1.0 });
        prop_assert!(worst < 1e-12, "{worst:e}");
    }

    #[test]
    fn units_of_length_and_time(problem in problem(), logs in prop::array::uniform3(-3.0f64..3.0), rate in -6.0f64..6.0) {
        let image = Image { from: [0, 1, 2], scale: logs.map(|l| 10f64.powf(l)), rate: 10f64.powf(rate) };
        let worst = difference(&problem, image);
        prop_assert!(worst < 1e-12, "{worst:e}");
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn the_marginal_of_a_separable_problem_is_the_problem_of_its_axis(
        cells in prop::array::uniform2(4usize..14),
        walls in prop::array::uniform2(walls()),
        c in prop::array::uniform8(-1.0f64..1.0),
        steps in 5u32..30,
        duration in -2.0f64..1.0,
    ) {
        // no probability may leave along y: its marginal is summed over
        let keeps = if walls[1][0] == Boundary::Periodic { walls[1] } else { [Boundary::Reflecting; 2] };
        let x = Axis::uniform("x", -1.4, 1.1, cells[0], walls[0]).unwrap();
        let y = Axis::uniform("y", -1.0, 1.5, cells[1], keeps).unwrap();
        let along_x = move |x: f64| (c[0] - x * x * x + c[1] * x, 0.2 + 0.1 * c[2] * x.sin());
        let along_y = move |y: f64| (c[3] - 2.0 * y + c[4] * y * y, 0.3 + 0.2 * c[5] * y.cos());
        let both = Field::new(2, move |[x, y, _]| {
            let ((bx, ax), (by, ay)) = (along_x(x), along_y(y));
            ([bx, by, 0.0], [ax, 0.0, ay, 0.0, 0.0, 0.0])
        });
        let (line, plane) = (Grid::new(vec![x.clone()]).unwrap(), Grid::new(vec![x, y]).unwrap());
        let start: Vec<f64> = (0..plane.len()).map(|i| 1.0 + (i as f64 * (2.0 + c[6])).sin()).collect();
        let sum: f64 = start.iter().sum();
        let start: Vec<f64> = start.iter().map(|v| v / sum).collect();
        let summed = |p: &[f64]| -> Vec<f64> { p.chunks_exact(cells[1]).map(|row| row.iter().sum()).collect() };
        let t = 10f64.powf(duration);
        let follow = |field: &Field, grid: &Grid, start: Vec<f64>| -> Vec<(Vec<f64>, f64)> {
            let q = edge_generator(field, 0.5, grid).unwrap().generator;
            let system = Arc::new(System::new(q, grid.shape(), None));
            INTEGRATORS.iter().map(|method| {
                // equal steps where there are steps: the marginal of every step is the step of the marginal
                let step = method.order.map(|_| t / f64::from(steps));
                let task = Task { system: system.clone(), start: start.clone(), from: 0.0, times: vec![t], tolerance: 1e-7, step };
                let mut out = start.clone();
                let mut stepper = (method.build)(task).unwrap();
                stepper.advance(t, &|| false, &mut out).unwrap();
                // what is not made of steps agrees as far as it is right
                let allowed = if method.order.is_some() { 0.0 } else { stepper.error() };
                (out, allowed)
            }).collect()
        };
        let whole = follow(&both, &plane, start.clone());
        let alone = follow(&Field::line(along_x), &line, summed(&start));
        for ((method, (p, a)), (u, b)) in INTEGRATORS.iter().zip(&whole).zip(&alone) {
            let worst = l1(&summed(p), u);
            prop_assert!(worst < 1e-12 + a + b, "{} {worst:e}", method.name);
        }
    }
}
