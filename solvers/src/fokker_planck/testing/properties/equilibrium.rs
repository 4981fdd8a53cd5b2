//! Detailed balance: the Gibbs state and the free energy.

use std::sync::Arc;

use proptest::prelude::*;

use super::cases;
use crate::fokker_planck::edges::{edge_generator, edge_generator_within};
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::integrator::system::{System, Task};
use crate::fokker_planck::integrator::table::INTEGRATORS;
use crate::fokker_planck::testing::test_fields::{Field, nodal, residual};
use crate::numerics::symmetric::packed_index;
use crate::problem::grid::{Axis, Boundary, Grid};

fn potential(c: &[f64; 12], x: [f64; 3]) -> f64 {
    let quartic: f64 = (0..3).map(|k| 0.25 * x[k].powi(4) + c[k] * x[k] * x[k] + c[3 + k] * x[k]).sum();
    quartic + c[6] * x[0] * x[1] + 0.3 * c[7] * x[1] * x[2] * x[0]
}

fn slope(c: &[f64; 12], x: [f64; 3]) -> [f64; 3] {
    let own = |k: usize| x[k].powi(3) + 2.0 * c[k] * x[k] + c[3 + k];
    [
        own(0) + c[6] * x[1] + 0.3 * c[7] * x[1] * x[2],
        own(1) + c[6] * x[0] + 0.3 * c[7] * x[2] * x[0],
        own(2) + 0.3 * c[7] * x[1] * x[0],
    ]
}

/// A constant D = G Gᵀ + floor, of condition up to about 10⁴.
fn constant(d: usize, c: &[f64; 12], floor: f64) -> [f64; 6] {
    let g = |i: usize, k: usize| c[(3 * i + 2 * k) % 12];
    let mut a = [0.0; 6];
    for i in 0..d {
        for j in i..d {
            let sum: f64 = (0..d).map(|k| g(i, k) * g(j, k)).sum();
            a[packed_index(d, i, j)] = sum + if i == j { floor } else { 0.0 };
        }
    }
    a
}

/// b = −A∇V with a constant A: the exponents are cubic along every edge, and Simpson's rule is exact.
fn reversible(d: usize, c: [f64; 12], floor: f64) -> Field {
    let a = constant(d, &c, floor);
    Field::new(d, move |x| {
        let s = slope(&c, x);
        let b = std::array::from_fn(|k| {
            if k < d { -(0..d).map(|j| a[packed_index(d, k, j)] * s[j]).sum::<f64>() } else { 0.0 }
        });
        (b, a)
    })
}

fn grid(d: usize, cells: [usize; 3]) -> Grid {
    let axis = |k: usize| {
        Axis::uniform(["x", "y", "z"][k], -1.2, 1.0 + 0.2 * k as f64, cells[k], [Boundary::Reflecting; 2]).unwrap()
    };
    Grid::new((0..d).map(axis).collect()).unwrap()
}

/// Whole numbers of cells for a dimension.
fn cells(d: usize, given: [usize; 3]) -> [usize; 3] {
    if d == 1 { [given[0] * given[1], 1, 1] } else { given }
}

/// Σ p ln(p/π), with 0 ln 0 = 0.
fn free_energy(p: &[f64], log: &[f64]) -> f64 {
    p.iter().zip(log).map(|(&p, l)| if p > 0.0 { p * (p.ln() - l) } else { 0.0 }).sum()
}

fn balanced(d: usize, c: [f64; 12], floor: f64, g: &Grid) -> (Arc<Generator>, Vec<f64>) {
    // with room for every offset nothing is widened
    let found = edge_generator_within(&reversible(d, c, floor), 1.0, g, Some(100)).unwrap();
    assert_eq!(found.widened_cells, 0);
    (found.generator, nodal(g, |x| -potential(&c, if d == 1 { [x[0], 0.0, 0.0] } else { x })))
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn the_gibbs_state_is_kept_where_the_line_integral_is_exact(
        d in 1usize..=3,
        given in prop::array::uniform3(3usize..9),
        c in prop::array::uniform12(-1.0f64..1.0),
        floor in -3.0f64..0.0,
    ) {
        let g = grid(d, cells(d, given));
        let (q, pi) = balanced(d, c, 10f64.powf(floor), &g);
        let r = residual(&q, &pi);
        prop_assert!(r < 1e-12, "{r:e}");
    }

    #[test]
    fn the_gibbs_state_is_kept_to_quadrature_where_diffusion_depends_on_the_state(
        d in 1usize..=3,
        given in prop::array::uniform3(6usize..10),
        c in prop::array::uniform12(-1.0f64..1.0),
        floor in -2.0f64..0.0,
    ) {
        // A(x) = s(x)·constant, s = 1 + ½ sin(k·x): b = −A∇V + ∇·A with ∇·A = constant·∇s
        let g = grid(d, cells(d, given));
        let a = constant(d, &c, 10f64.powf(floor));
        let field = Field::new(d, move |x| {
            let phase = c[9] * x[0] + c[10] * x[1] + c[11] * x[2];
            let (sin, cos) = phase.sin_cos();
            let scale = 1.0 + 0.5 * sin;
            let s = slope(&c, x);
            let b = std::array::from_fn(|k| {
                if k >= d { return 0.0; }
                let row = (0..d).map(|j| a[packed_index(d, k, j)] * (0.5 * cos * c[9 + j] - scale * s[j]));
                row.sum::<f64>()
            });
            (b, a.map(|a| scale * a))
        });
        let q = edge_generator_within(&field, 1.0, &g, Some(100)).unwrap().generator;
        let r = residual(&q, &nodal(&g, |x| -potential(&c, x)));
        prop_assert!(r < 1e-4, "{r:e}");
    }

    #[test]
    fn implicit_euler_never_raises_the_free_energy(
        d in 1usize..=2,
        given in prop::array::uniform3(3usize..8),
        c in prop::array::uniform12(-1.0f64..1.0),
        step in -4.0f64..3.0,
        start in prop::collection::vec(0.0f64..1.0, 64),
    ) {
        let g = grid(d, cells(d, given));
        let (q, pi) = balanced(d, c, 0.05, &g);
        let log: Vec<f64> = pi.iter().map(|p| p.ln()).collect();
        let mut p: Vec<f64> = (0..g.len()).map(|i| start[i % 64].powi(4)).collect();
        p[0] += 1e-3;
        let sum: f64 = p.iter().sum();
        p.iter_mut().for_each(|v| *v /= sum);
        let step = 10f64.powf(step);
        let times: Vec<f64> = (1..=8).map(|k| f64::from(k) * step).collect();
        let system = Arc::new(System::new(q, g.shape(), None));
        let method = INTEGRATORS.iter().find(|method| method.name == "implicit-euler").unwrap();
        let task = Task { system, start: p.clone(), from: 0.0, times: times.clone(), tolerance: 1e-3, step: Some(step) };
        let mut stepper = (method.build)(task).unwrap();
        let mut energy = free_energy(&p, &log);
        for t in times {
            stepper.advance(t, &|| false, &mut p).unwrap();
            let now = free_energy(&p, &log);
            prop_assert!(now <= energy + 1e-12, "{energy} {now} at {t}");
            energy = now;
        }
    }
}

#[test]
fn a_graded_axis_with_state_dependent_diffusion_keeps_its_gibbs_state() {
    let field = Field::line(|x| (-(1.0 + x * x) * (x * x * x - x) + 2.0 * x, 1.0 + x * x));
    let axis = Axis::sinh("x", [-2.0, 2.5], 200, [0.3, 0.5], [Boundary::Reflecting; 2]).unwrap();
    let g = Grid::new(vec![axis]).unwrap();
    let q = edge_generator(&field, 1.0, &g).unwrap().generator;
    let r = residual(&q, &nodal(&g, |[x, ..]| 0.5 * x * x - 0.25 * x.powi(4)));
    assert!(r < 1e-8, "{r:e}");
}
