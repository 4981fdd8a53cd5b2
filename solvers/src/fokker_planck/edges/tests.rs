//! Claims of the edge generator: invariants, exact equilibria, orders and levels.
#![allow(clippy::unwrap_used)]

use super::edge_generator;
use crate::fokker_planck::generator::current::{current, entropy_production};
use crate::fokker_planck::testing::test_fields::{Field, grid, mass_defect, nodal, residual, stationary};
use crate::problem::density::l1;
use crate::problem::grid::{Axis, Boundary, Grid};

use Boundary::{Absorbing, Periodic, Reflecting};

/// The manufactured case: ln ρ, rotating full A of condition κ, antisymmetric S of the given strength; b ρ = ∇·((A + S) ρ).
fn manufactured(kappa: f64, strength: f64) -> Field {
    Field::new(2, move |[x, y, _]| {
        let a = 0.25 * (1.0 + x * x / 4.0);
        let (ax, r, o) = (x / 8.0, 1.0 / kappa, 1.0 - 1.0 / kappa);
        let (s, c) = (0.5 + x / 2.0 + y / 3.0f64).sin_cos();
        let (f11, f12, f22) = (c * c + r * s * s, o * c * s, s * s + r * c * c);
        let (d11, d12, d22) = (-2.0 * o * c * s, o * (c * c - s * s), 2.0 * o * c * s);
        let (gx, gy) = log_gradient(x, y);
        let w = strength * (-(x * x + y * y) / 2.0).exp();
        let b1 = ax * f11 + a * d11 / 2.0 + a * d12 / 3.0 - y * w + a * f11 * gx + (a * f12 + w) * gy;
        let b2 = ax * f12 + a * d12 / 2.0 + a * d22 / 3.0 + x * w + (a * f12 - w) * gx + a * f22 * gy;
        ([b1, b2, 0.0], [a * f11, a * f12, a * f22, 0.0, 0.0, 0.0])
    })
}

fn log_density([x, y, _]: [f64; 3]) -> f64 {
    -0.75 * (x * x - 1.0).powi(2) - 2.0 * (y - 0.3 * x * x).powi(2)
}

fn log_gradient(x: f64, y: f64) -> (f64, f64) {
    let v = y - 0.3 * x * x;
    (-3.0 * x * (x * x - 1.0) + 2.4 * x * v, -4.0 * v)
}

fn manufactured_grid(n: usize) -> Grid {
    grid(&[(-3.2, 3.2, n), (-2.5, 4.0, n)], Reflecting)
}

#[test]
fn a_reversible_full_tensor_keeps_its_density() {
    let g = manufactured_grid(32);
    let found = edge_generator(&manufactured(100.0, 0.0), 1.0, &g).unwrap();
    let exact = nodal(&g, log_density);
    let error = l1(&stationary(&found.generator), &exact);
    assert!(error < 1e-6, "{error:e} {:?}", found.warnings);
    assert!(residual(&found.generator, &exact) < 1e-6);
}

#[test]
fn a_rotating_current_is_second_order() {
    let field = manufactured(10.0, 0.5);
    let mut errors = Vec::new();
    for n in [32, 64, 128] {
        let g = manufactured_grid(n);
        let found = edge_generator(&field, 1.0, &g).unwrap();
        assert!(mass_defect(&found.generator) < 1e-13);
        errors.push(l1(&stationary(&found.generator), &nodal(&g, log_density)));
    }
    let order = (errors[1] / errors[2]).log2();
    assert!((1.9..2.5).contains(&order), "{errors:?}");
    assert!((errors[2] / 0.00640 - 1.0).abs() < 0.05, "{errors:?}");
}

#[test]
fn the_rotating_gaussian_has_its_current_and_entropy_production() {
    // L = ½ θᵀ diag(1, 3) θ, D = [[1, .8], [.8, 2]], T = 0.1: J = Ωθρ, entropy production 8/17
    let field = Field::new(2, |[x, y, _]| ([-x, -3.0 * y, 0.0], [1.0, 0.8, 2.0, 0.0, 0.0, 0.0]));
    let (mut densities, mut productions, mut currents) = (Vec::new(), Vec::new(), Vec::new());
    for n in [40, 80] {
        let g = grid(&[(-2.0, 2.0, n), (-1.6, 1.6, n)], Reflecting);
        let q = edge_generator(&field, 0.1, &g).unwrap().generator;
        let p = stationary(&q);
        let det = 0.1 / 15.0 - 0.0016;
        let exact = nodal(&g, |[x, y, _]| -0.5 * (x * x / 15.0 - 0.08 * x * y + 0.1 * y * y) / det);
        densities.push(l1(&p, &exact));
        productions.push((entropy_production(&q, &p) - 8.0 / 17.0).abs());
        let j = current(&q, &g, &p);
        let mut error = 0.0;
        for i in 0..g.len() {
            let [x, y, _] = g.center(i);
            let jx = (-6.0 * x + 15.0 * y) / 19.0 * exact[i];
            let jy = (-10.0 * x + 6.0 * y) / 19.0 * exact[i];
            error += (j[i] * g.volume(i) - jx).abs() + (j[g.len() + i] * g.volume(i) - jy).abs();
        }
        currents.push(error);
    }
    for (name, e, level) in
        [("density", &densities, 0.01), ("production", &productions, 0.02), ("current", &currents, 0.01)]
    {
        let order = (e[0] / e[1]).log2();
        assert!((1.8..2.7).contains(&order) && e[1] < level, "{name} {e:?}");
    }
}

/// Stationary density in one dimension by the closed recursion over rate ratios.
fn chain_density(field: &Field, temperature: f64, g: &Grid) -> Vec<f64> {
    let q = edge_generator(field, temperature, g).unwrap().generator;
    let mut log = vec![0.0; g.len()];
    for i in 1..g.len() {
        let (cells, out) = q.outgoing(i - 1);
        let (_, back) = q.incoming(i - 1);
        let at = cells.iter().position(|&c| c as usize == i).unwrap();
        log[i] = log[i - 1] + (out[at] / back[at]).ln();
    }
    let top = log.iter().copied().fold(f64::MIN, f64::max);
    nodal(&Grid::new(vec![Axis::uniform("i", 0.0, g.len() as f64, g.len(), [Reflecting; 2]).unwrap()]).unwrap(), |x| {
        log[x[0] as usize] - top
    })
}

#[test]
fn state_dependent_diffusion_keeps_its_stationary_moments() {
    // β = 1: ⟨x²⟩ = 5/6, β = 0.2: 0.7842423352768616; T = β/2, L = x⁴/4 − x²/2, D = 1 + x²
    let double_well = Field::line(|x| (x - x * x * x, 1.0 + x * x));
    // Student t: L = x²/2, D = 0.5 x² + 0.3, β = 0.4: variance 1/15
    let student = Field::line(|x| (-x, 0.5 * x * x + 0.3));
    let cases = [
        (&double_well, 0.5, 6.0, 5.0 / 6.0),
        (&double_well, 0.1, 3.5, 0.7842423352768616),
        (&student, 0.2, 25.0, 1.0 / 15.0),
    ];
    for (field, temperature, end, exact) in cases {
        let error = |n: usize| {
            let g = grid(&[(-end, end, n)], Reflecting);
            let p = chain_density(field, temperature, &g);
            ((0..n).map(|i| p[i] * g.center(i)[0].powi(2)).sum::<f64>() - exact).abs()
        };
        let (coarse, fine) = (error(100), error(400));
        // nodal values of an analytic density: far better than second order, down to the quadrature of p
        assert!(fine < 1e-6 * exact.max(1.0) && fine <= coarse, "T = {temperature}: {coarse:e} {fine:e}");
    }
}

#[test]
fn graded_axes_keep_the_density() {
    let field = Field::line(|x| (-x, 0.5 * x * x + 0.3));
    let edges: Vec<f64> = (0..=160).map(|i| (5.0 * (f64::from(i) / 80.0 - 1.0)).sinh() * 0.3).collect();
    let g = Grid::new(vec![Axis::graded("x", edges, [Reflecting; 2]).unwrap()]).unwrap();
    let q = edge_generator(&field, 0.2, &g).unwrap().generator;
    let exact = nodal(&g, |[x, _, _]| -6.0 * (1.0 + x * x / 0.6).ln());
    let r = residual(&q, &exact);
    assert!(r < 1e-6, "{r:e}");
    assert!(mass_defect(&q) < 1e-13);
}

#[test]
fn a_tilted_ring_has_its_constant_current() {
    // b = f − V' on a ring of length 2π, D = 1, T: J from the closed formula by quadrature
    let (f, t) = (0.7, 0.5);
    let field = Field::line(move |x: f64| (f - x.sin(), 1.0));
    let error = |n: usize| {
        let g = grid(&[(0.0, std::f64::consts::TAU, n)], Periodic);
        let q = edge_generator(&field, t, &g).unwrap().generator;
        let p = stationary(&q);
        let j = current(&q, &g, &p);
        let spread = j.iter().copied().fold(f64::MIN, f64::max) - j.iter().copied().fold(f64::MAX, f64::min);
        assert!(spread < 1e-9, "{spread:e}");
        (j[0] - ring_current(f, t)).abs()
    };
    let (coarse, fine) = (error(32), error(64));
    let order = (coarse / fine).log2();
    assert!((1.9..2.6).contains(&order) && fine < 2e-4, "{coarse:e} {fine:e}");
}

/// J = T (1 − e^{−2πf/T}) / ∫∫ e^{−(U(x) − U(x + s))/T}, U = −cos x − f x, s from 0 to 2π.
fn ring_current(f: f64, t: f64) -> f64 {
    let tau = std::f64::consts::TAU;
    let u = |x: f64| -x.cos() - f * x;
    let n = 1000;
    let h = tau / f64::from(n);
    let mut sum = 0.0;
    for i in 0..n {
        let x = f64::from(i) * h;
        for j in 0..=n {
            let weight = if j == 0 || j == n {
                1.0
            } else if j % 2 == 1 {
                4.0
            } else {
                2.0
            } / 3.0;
            sum += weight * ((u(x + f64::from(j) * h) - u(x)) / t).exp();
        }
    }
    t * (1.0 - (-tau * f / t).exp()) / (sum * h * h)
}

#[test]
fn absorbing_walls_lose_the_heat_kernel_rate() {
    // dp/dt = A p'' on [0, 1], both ends absorbing: slowest rate A π²
    let field = Field::line(|_| (0.0, 1.0));
    let error = |n: usize| {
        let g = grid(&[(0.0, 1.0, n)], Absorbing);
        let q = edge_generator(&field, 0.3, &g).unwrap().generator;
        let mode: Vec<f64> = (0..n).map(|i| (std::f64::consts::PI * g.center(i)[0]).sin()).collect();
        let mut out = vec![0.0; n];
        q.forward(&mode, &mut out);
        let rate = -out.iter().sum::<f64>() / mode.iter().sum::<f64>();
        (rate / (0.3 * std::f64::consts::PI.powi(2)) - 1.0).abs()
    };
    let (coarse, fine) = (error(20), error(40));
    assert!((coarse / fine).log2() > 1.9 && fine < 1e-3, "{coarse:e} {fine:e}");
}

#[test]
fn absorbing_walls_agree_between_full_and_diagonal_tensors() {
    // mean exit time of Brownian motion from a box, started in the middle: the rotated tensor of equal eigenvalues is diagonal,
    // so compare a full tensor on a square with its exact mirror image instead
    let full = |s: f64| Field::new(2, move |_| ([0.0; 3], [1.0, 0.4 * s, 0.5, 0.0, 0.0, 0.0]));
    let g = grid(&[(-1.0, 1.0, 24), (-1.0, 1.0, 24)], Absorbing);
    let a = edge_generator(&full(1.0), 1.0, &g).unwrap().generator;
    let b = edge_generator(&full(-1.0), 1.0, &g).unwrap().generator;
    for cell in 0..g.len() {
        let [i, j, _] = g.multi_index(cell);
        let mirror = g.cell(&[i, 23 - j]);
        assert!((a.exit()[cell] - b.exit()[mirror]).abs() <= 1e-12 * a.exit()[cell]);
        assert!((a.leaving()[cell] - b.leaving()[mirror]).abs() <= 1e-12 * a.leaving()[cell]);
    }
    assert!(a.has_exit());
}

#[test]
fn swapped_axes_give_the_swapped_generator() {
    let one = Field::new(2, |[x, y, _]| {
        ([y - x * x, x.sin() - y, 0.0], [1.0 + 0.3 * y * y, 0.4 * (x * y).sin(), 0.5 + 0.1 * x * x, 0.0, 0.0, 0.0])
    });
    let two = Field::new(2, |[y, x, _]| {
        ([x.sin() - y, y - x * x, 0.0], [0.5 + 0.1 * x * x, 0.4 * (x * y).sin(), 1.0 + 0.3 * y * y, 0.0, 0.0, 0.0])
    });
    let a = edge_generator(&one, 0.2, &grid(&[(-1.0, 1.3, 14), (-2.0, 1.0, 11)], Reflecting)).unwrap().generator;
    let b = edge_generator(&two, 0.2, &grid(&[(-2.0, 1.0, 11), (-1.0, 1.3, 14)], Reflecting)).unwrap().generator;
    let swap = |cell: usize| (cell % 11) * 14 + cell / 11;
    for cell in 0..a.cells() {
        let (cells, rates) = a.outgoing(cell);
        for (&to, &rate) in cells.iter().zip(rates) {
            let (others, other_rates) = b.outgoing(swap(cell));
            let at = others.iter().position(|&c| c as usize == swap(to as usize)).unwrap();
            assert!((other_rates[at] - rate).abs() <= 1e-12 * a.leaving()[cell]);
        }
    }
}

#[test]
fn a_separable_problem_is_the_product_of_its_factors() {
    let fx = |x: f64| (x - x * x * x, 0.3 + 0.1 * x * x);
    let fy = |y: f64| (-2.0 * y, 0.5 + 0.2 * y.cos());
    let both = Field::new(2, move |[x, y, _]| {
        let ((bx, ax), (by, ay)) = (fx(x), fy(y));
        ([bx, by, 0.0], [ax, 0.0, ay, 0.0, 0.0, 0.0])
    });
    let (gx, gy) = (grid(&[(-2.0, 2.0, 20)], Reflecting), grid(&[(-1.0, 2.0, 15)], Reflecting));
    let q = edge_generator(&both, 0.4, &grid(&[(-2.0, 2.0, 20), (-1.0, 2.0, 15)], Reflecting)).unwrap().generator;
    let (qx, qy) =
        (edge_generator(&Field::line(fx), 0.4, &gx).unwrap(), edge_generator(&Field::line(fy), 0.4, &gy).unwrap());
    let (u, v): (Vec<f64>, Vec<f64>) =
        ((0..20).map(|i| f64::from(i).sin() + 2.0).collect(), (0..15).map(|i| f64::from(i * i + 1)).collect());
    let product: Vec<f64> = u.iter().flat_map(|a| v.iter().map(move |b| a * b)).collect();
    let (mut out, mut ox, mut oy) = (vec![0.0; 300], vec![0.0; 20], vec![0.0; 15]);
    q.forward(&product, &mut out);
    qx.generator.forward(&u, &mut ox);
    qy.generator.forward(&v, &mut oy);
    for i in 0..20 {
        for j in 0..15 {
            let expected = ox[i] * v[j] + u[i] * oy[j];
            assert!((out[i * 15 + j] - expected).abs() < 1e-12 * q.leaving()[i * 15 + j] * product[i * 15 + j]);
        }
    }
}

#[test]
fn singular_and_extreme_coefficients_stay_finite() {
    // momentum-like: noise on y alone, drift couples both; and D = 0 everywhere; and D vanishing at a cell centre
    let momentum = Field::new(2, |[x, y, _]| ([y, -x - y, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]));
    let slanted = Field::new(2, |[x, y, _]| ([y, -x - y, 0.0], [2.0, 2f64.sqrt(), 1.0, 0.0, 0.0, 0.0]));
    let nothing = Field::new(2, |[x, y, _]| ([y, -x, 0.0], [0.0; 6]));
    let g = grid(&[(-2.0, 2.0, 21), (-2.0, 2.0, 21)], Reflecting);
    for field in [&momentum, &slanted, &nothing] {
        let found = edge_generator(field, 0.1, &g).unwrap();
        assert!(mass_defect(&found.generator) < 1e-13);
        assert!(found.generator.leaving().iter().all(|v| v.is_finite()));
    }
    let vanishing = Field::line(|x| (-x, x * x));
    let found = edge_generator(&vanishing, 0.1, &grid(&[(-1.0, 1.0, 41)], Reflecting)).unwrap();
    assert_eq!(found.singular, 2);
    // fast growth over nine decades and steep walls
    let wild = Field::line(|x: f64| (-237.0 * x, 8e-4 * (20.0 * x.abs()).exp()));
    let steep = Field::line(|x: f64| (-237.0 * x, 1e-5));
    for field in [&wild, &steep] {
        let found = edge_generator(field, 1e-3, &grid(&[(-1.0, 1.0, 40)], Reflecting)).unwrap();
        assert!(found.generator.leaving().iter().all(|v| v.is_finite() && *v > 0.0));
    }
}

#[test]
fn bad_coefficients_are_refused_with_the_point() {
    let g = grid(&[(-1.0, 1.0, 4), (-1.0, 1.0, 4)], Reflecting);
    let indefinite = Field::new(2, |[x, _, _]| ([0.0; 3], [1.0, if x > 0.5 { 2.0 } else { 0.0 }, 1.0, 0.0, 0.0, 0.0]));
    let message = edge_generator(&indefinite, 1.0, &g).unwrap_err().to_string();
    assert!(message.contains("x = 0.75, y = -0.75"), "{message}");
    let nan = Field::new(2, |[x, _, _]| ([x.sqrt(), 0.0, 0.0], [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]));
    assert!(edge_generator(&nan, 1.0, &g).unwrap_err().to_string().contains("x = -0.75"));
}
