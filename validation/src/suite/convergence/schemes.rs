//! The declared orders of the Langevin schemes, without sampling: one step from a point, its random numbers integrated out.
//!
//! The error of one step is h^{β+1} in a mean for weak order β (G. N. Milstein & M. V. Tretyakov 2004, theorem 2.1). A scheme whose
//! one-step errors are h^{p₁} in the mean and h^{p₂} in mean square on the same Brownian path has the strong order
//! min(p₂ − ½, p₁ − 1) (theorem 1.1 there, doi:10.1007/978-3-662-10063-9).

use std::f64::consts::TAU;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::ensemble::BLOCK;
use fpsolve_solvers::langevin::scheme::{Entry, SCHEMES, Scheme, Sde, Work};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::initial::Initial;

use super::super::solve::boxed;
use super::super::{Rows, Setting};
use crate::reference::pushed_forward::{Sinh, Wave};

/// Steps between which orders are read.
const STEPS: [f64; 2] = [0.02, 0.01];
/// Range of an order about the declared one.
const AROUND: [f64; 2] = [-0.15, 0.6];

/// The largest one-step errors at the shorter step: in a mean in one and two variables, and in mean square, as they were measured.
const LEVELS: [(&str, [f64; 3]); 5] = [
    ("euler-maruyama", [1.1131e-4, 9.7485e-5, 6.4061e-3]),
    ("milstein", [1.2970e-4, f64::NAN, 5.4246e-4]),
    ("heun", [1.0430e-4, 3.2338e-5, 2.3345e-4]),
    ("weak2", [1.0215e-6, 4.3051e-7, 3.4379e-4]),
    ("two-point", [1.1131e-4, 9.7485e-5, f64::NAN]),
];

/// Every scheme of the table that takes the problem: weak order in one and in two variables, strong order.
pub(super) fn schemes(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    for entry in SCHEMES {
        let levels = LEVELS.iter().find(|(name, _)| *name == entry.name).map_or([f64::NAN; 3], |(_, levels)| *levels);
        let mut held = |what: &str, declared: f64, orders: f64, level: f64, pinned: f64| {
            let name = format!("{}, {what}", entry.name);
            let range = AROUND.map(|off| declared + off);
            rows.within(format!("{name}: order"), orders, range, format!("declared {declared}; steps 0.02 and 0.01"));
            let why = format!("pinned at {pinned:.3e}, one step of 0.01");
            rows.near(format!("{name}: error over its level"), level / pinned, 1.0, 0.05, why);
        };
        for (what, errors, pinned) in [
            ("weak, one variable", on_a_line as fn(&Setting, &Entry, f64) -> Result<Option<f64>, Error>, levels[0]),
            ("weak, two variables", in_a_plane, levels[1]),
        ] {
            let (Some(coarse), Some(fine)) = (errors(setting, entry, STEPS[0])?, errors(setting, entry, STEPS[1])?)
            else {
                continue;
            };
            held(what, entry.weak_order, (coarse / fine).log2() - 1.0, fine, pinned);
        }
        if entry.strong_order > 0.0 {
            let (coarse, fine) = (path(setting, entry, STEPS[0])?, path(setting, entry, STEPS[1])?);
            let [mean, square] = [0, 1].map(|k| (coarse[k] / fine[k]).log2());
            held("strong, one variable", entry.strong_order, (square - 0.5).min(mean - 1.0), fine[1], levels[2]);
        }
    }
    Ok(())
}

/// A scheme with the equation that it takes a step of; None where it does not take it.
struct OneStep {
    scheme: Box<dyn Scheme>,
    sde: Sde,
    normal: bool,
}

impl OneStep {
    fn of(setting: &Setting, entry: &Entry, dynamics: Arc<dyn Dynamics>, t: f64) -> Result<Option<Self>, Error> {
        let d = dynamics.dimension();
        let initial = Initial::Point { at: vec![0.0; d] };
        let problem: Problem = setting.problem(dynamics, t, &boxed(&vec![50.0; d], 4)?, initial, vec![0.0, 1.0]);
        let Ok(scheme) = (entry.build)(&problem) else { return Ok(None) };
        let normal = scheme.draws_normals();
        Ok(Some(Self { scheme, sde: Sde::new(&problem), normal }))
    }

    /// Means of functions of the point (d) after a step from `start` and of the normal numbers (d) that led there.
    fn means<const N: usize>(&self, start: &[f64], h: f64, of: impl Fn(&[f64], &[f64]) -> [f64; N]) -> [f64; N] {
        let d = start.len();
        let side = if d == 1 { BLOCK } else { 16 };
        // the trapezoidal rule, which for Gaussians is as good as its range
        let reach = if d == 1 { 9.0 } else { 6.0 };
        let value = |i: usize| 2.0 * reach * i as f64 / (side - 1) as f64 - reach;
        let axis: Vec<(f64, f64)> = if self.normal {
            (0..side).map(|i| (value(i), (-0.5 * value(i).powi(2)).exp() / TAU.sqrt())).collect()
        } else {
            (0..side).map(|i| (if i % 2 == 0 { 1.0 } else { -1.0 }, 1.0)).collect()
        };
        let points: Vec<f64> = start.iter().flat_map(|&x| [x; BLOCK]).collect();
        let mut work = Work::new(d);
        let (mut sums, mut total) = ([0.0; N], 0.0);
        for signs in 0..1 << d {
            let mut weights = [1.0; BLOCK];
            for k in 0..d {
                let sign = f64::from(signs >> k & 1) * 2.0 - 1.0;
                work.signs[k * BLOCK..(k + 1) * BLOCK].fill(sign);
                for (i, weight) in weights.iter_mut().enumerate() {
                    let (z, w) = axis[if k == 0 { i % side } else { i / side }];
                    work.noise[k * BLOCK + i] = z;
                    *weight *= w;
                }
            }
            self.scheme.step(&self.sde, h, &points, &mut work);
            for (i, weight) in weights.iter().enumerate() {
                let column = |values: &[f64]| -> Vec<f64> { (0..d).map(|k| values[k * BLOCK + i]).collect() };
                let found = of(&column(&work.next), &column(&work.noise));
                sums.iter_mut().zip(found).for_each(|(sum, value)| *sum += weight * value);
                total += weight;
            }
        }
        sums.map(|sum| sum / total)
    }
}

/// The largest error of E x and E x² after a step of x = sinh y, y an Ornstein–Uhlenbeck process with the rate 1.
fn on_a_line(setting: &Setting, entry: &Entry, h: f64) -> Result<Option<f64>, Error> {
    let sinh = Sinh { rate: 1.0, temperature: 0.3 };
    let Some(step) = OneStep::of(setting, entry, Arc::new(sinh), sinh.temperature)? else { return Ok(None) };
    let worst = [-0.4f64, 0.7, 1.5].map(|start| {
        let (m, v) = (start.asinh() * (-h).exp(), 0.3 * (1.0 - (-2.0 * h).exp()));
        let exact = [(0.5 * v).exp() * m.sinh(), 0.5 * ((2.0 * v).exp() * (2.0 * m).cosh() - 1.0)];
        let found = step.means(&[start], h, |x, _| [x[0], x[0] * x[0]]);
        exact.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    });
    Ok(Some(worst.into_iter().fold(0.0, f64::max)))
}

/// The largest error of five moments after a step of x₁ = y₁, x₂ = y₂ + a sin y₁.
fn in_a_plane(setting: &Setting, entry: &Entry, h: f64) -> Result<Option<f64>, Error> {
    let (rates, a, t) = ([1.0, 0.5], 0.8, 0.3);
    let wave = Wave { rates, amplitude: a, temperature: t };
    let Some(step) = OneStep::of(setting, entry, Arc::new(wave), t)? else { return Ok(None) };
    let worst = [[0.7f64, -0.4], [-0.3, 1.0]].map(|start| {
        let y = [start[0], start[1] - a * start[0].sin()];
        let m = [0, 1].map(|k| y[k] * (-rates[k] * h).exp());
        let v = [0, 1].map(|k| t / rates[k] * (1.0 - (-2.0 * rates[k] * h).exp()));
        let sine = (-0.5 * v[0]).exp() * m[0].sin();
        let cross = (-0.5 * v[0]).exp() * (m[0] * m[0].sin() + v[0] * m[0].cos());
        let square = 0.5 * (1.0 - (-2.0 * v[0]).exp() * (2.0 * m[0]).cos());
        let exact = [
            m[0],
            m[1] + a * sine,
            m[0] * m[0] + v[0],
            m[0] * m[1] + a * cross,
            m[1] * m[1] + v[1] + 2.0 * a * m[1] * sine + a * a * square,
        ];
        let found = step.means(&start, h, |x, _| [x[0], x[1], x[0] * x[0], x[0] * x[1], x[1] * x[1]]);
        exact.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    });
    Ok(Some(worst.into_iter().fold(0.0, f64::max)))
}

/// Largest errors in the mean and in mean square of a step of x = sinh(y₀ + √(2T) W), a function of the path's end.
fn path(setting: &Setting, entry: &Entry, h: f64) -> Result<[f64; 2], Error> {
    let sinh = Sinh { rate: 0.0, temperature: 0.3 };
    let Some(step) = OneStep::of(setting, entry, Arc::new(sinh), sinh.temperature)? else { return Ok([f64::NAN; 2]) };
    let each = [-0.4f64, 0.7, 1.5].map(|start| {
        let end = |z: f64| (start.asinh() + (2.0 * sinh.temperature * h).sqrt() * z).sinh();
        let [mean, square] = step.means(&[start], h, |x, z| [x[0] - end(z[0]), (x[0] - end(z[0])).powi(2)]);
        [mean.abs(), square.sqrt()]
    });
    Ok([0, 1].map(|k| each.iter().map(|found| found[k]).fold(0.0, f64::max)))
}
