#![allow(clippy::unwrap_used)]
//! Axes with other scales: orders and levels against exact laws, for both discretisations.

use std::sync::Arc;

use fpsolve_solvers::dynamics::FromFunctions;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::fokker_planck::choice::from_word;
use fpsolve_solvers::fokker_planck::grading::grade;
use fpsolve_solvers::fokker_planck::refinement::{Allowed, Refinement, refine};
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::scale::Scale;

const WALLS: [Boundary; 2] = [Boundary::Reflecting; 2];

fn axis(name: &str, ends: [f64; 2], cells: usize, scale: Scale) -> Axis {
    Axis::scaled(name, ends, cells, scale, WALLS).unwrap()
}

fn gaussian(mean: &[f64], covariance: &[f64]) -> Initial {
    Initial::Gaussian { mean: mean.to_vec(), covariance: covariance.to_vec() }
}

fn engine(dynamics: &Arc<dyn Dynamics>, grid: Grid, initial: Initial, times: &[f64], word: &str) -> FokkerPlanck {
    let problem = Problem::of_dynamics(Arc::clone(dynamics), 0.1, grid, initial, times.to_vec());
    let options = FokkerPlanckOptions { discretisation: from_word(word).unwrap(), ..Default::default() };
    FokkerPlanck::new(&problem, options).unwrap()
}

/// dx = (½ − x) dt + √(2T) x dW: at rest ρ ∝ x^{−12} e^{−5/x} for T = 0.1.
fn geometric() -> Arc<dyn Dynamics> {
    let drift = |p: &[f64], b: &mut [f64]| b[0] = 0.5 - p[0];
    Arc::new(FromFunctions::new(1, drift, |p: &[f64], a: &mut [f64]| a[0] = p[0] * p[0]))
}

/// Integral of x^{−12} e^{−5/x} by panels in ln x, which suit it.
fn share(from: f64, to: f64) -> f64 {
    let (a, b, n) = (from.ln(), to.ln(), 40);
    let f = |u: f64| (-11.0 * u - 5.0 * (-u).exp()).exp();
    let h = (b - a) / f64::from(n);
    (0..n).map(|i| a + h * f64::from(i)).map(|u| h / 6.0 * (f(u) + 4.0 * f(u + 0.5 * h) + f(u + h))).sum()
}

#[test]
fn a_density_at_rest_on_logarithmic_and_noise_axes_is_that_of_fourth_order_averages() {
    let ends = [0.05, 8.0];
    let noise = || Scale::drawn(ends, 512, |x| x).unwrap();
    // the drawn map is as good as its table
    let cases = [(Scale::log(ends[0], ends[1]).unwrap(), "log", 3.9, 9.3e-6), (noise(), "noise", 3.2, 1.5e-5)];
    for (scale, name, order, level) in cases {
        let error = |cells: usize| {
            let grid = Grid::new(vec![axis("x", ends, cells, scale.clone())]).unwrap();
            let found = engine(&geometric(), grid.clone(), gaussian(&[1.0], &[0.01]), &[0.0, 0.1], "edges");
            let edges = grid.axes()[0].edges();
            let exact: Vec<f64> = edges.windows(2).map(|w| share(w[0], w[1])).collect();
            let total: f64 = exact.iter().sum();
            let own = found.on_grid().unwrap().stationary().unwrap().probability.clone();
            own.iter().zip(&exact).map(|(p, q)| (p - q / total).abs()).sum::<f64>()
        };
        let (coarse, fine) = (error(48), error(96));
        assert!((coarse / fine).log2() > order && fine < level, "{name}: {coarse:e} {fine:e}");
    }
}

#[test]
fn the_chain_keeps_exact_moments_of_a_full_tensor_in_coordinates() {
    // d(x, y) = (½ − x, x − y) dt with D = ((x², x/2), (x/2, 1)): E x = ½ + ½ e^{−t}, E y = ½ (1 − e^{−t}) + ½ t e^{−t}
    let drift = |p: &[f64], b: &mut [f64]| (b[0], b[1]) = (0.5 - p[0], p[0] - p[1]);
    let diffusion = |p: &[f64], a: &mut [f64]| (a[0], a[1], a[2]) = (p[0] * p[0], 0.5 * p[0], 1.0);
    let dynamics: Arc<dyn Dynamics> = Arc::new(FromFunctions::new(2, drift, diffusion));
    let x = axis("x", [0.06, 8.0], 40, Scale::log(0.06, 8.0).unwrap());
    let y = axis("y", [-3.0, 5.0], 40, Scale::sinh([-3.0, 5.0], 0.5, 1.0).unwrap());
    let grid = Grid::new(vec![x, y]).unwrap();
    let start = gaussian(&[1.0, 0.0], &[0.04, 0.0, 0.04]);
    let mut found = engine(&dynamics, grid, start, &[0.0, 1.0], "chain");
    found.advance(1.0, &|| false).unwrap();
    let (snapshot, e) = (found.snapshot(), (-1.0f64).exp());
    let right = [0.5 + 0.5 * e, 0.5 * (1.0 - e) + 0.5 * e];
    assert!(snapshot.mean.iter().zip(&right).all(|(a, b)| (a - b).abs() < 7.7e-5), "{:?} {right:?}", snapshot.mean);
    assert!(snapshot.probability.iter().all(|p| *p >= 0.0));
    assert!((snapshot.probability.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

/// A problem on one axis whose grid a tolerance decides on.
struct Sought<'a> {
    dynamics: &'a Arc<dyn Dynamics>,
    temperature: f64,
    ends: [f64; 2],
    start: [f64; 2],
    times: &'a [f64],
}

impl Sought<'_> {
    fn on(&self, grid: Grid) -> Problem {
        let start = gaussian(&[self.start[0]], &[self.start[1] * self.start[1]]);
        Problem::of_dynamics(Arc::clone(self.dynamics), self.temperature, grid, start, self.times.to_vec())
    }

    /// The grid for a tolerance, on graded cells.
    fn refined(&self, tolerance: f64, allowed: Allowed) -> Result<Refinement, fpsolve_solvers::Error> {
        let grid = Grid::new(vec![axis("x", self.ends, 64, Scale::Linear)]).unwrap();
        let at = |grid: Grid| Ok(self.on(grid));
        let grading = grade(&grid, &[true], true, &at, &|| false)?;
        let (scales, share) = (&grading.scales, &grading.share);
        refine((&grid, scales, share), tolerance, (&FokkerPlanckOptions::default(), allowed), &at, &|| false)
    }

    /// The stationary law and those at the times after 0, each merged to every `merged` cells.
    fn laws(&self, grid: &Grid, merged: usize) -> Vec<Vec<f64>> {
        let mut engine = FokkerPlanck::new(&self.on(grid.clone()), FokkerPlanckOptions::default()).unwrap();
        let mut laws = vec![engine.on_grid().unwrap().stationary().unwrap().probability.clone()];
        for &time in &self.times[1..] {
            engine.advance(time, &|| false).unwrap();
            laws.push(engine.snapshot().probability);
        }
        laws.iter().map(|law| law.chunks(merged).map(|cells| cells.iter().sum()).collect()).collect()
    }

    /// The stationary law of the cells, ρ ∝ e^Φ/D with Φ' = b/(T D), by panels of Simpson's rule.
    fn at_rest(&self, grid: &Grid) -> Vec<f64> {
        let at = |x: f64| {
            let (mut b, mut a) = ([0.0], [0.0]);
            self.dynamics.drift_diffusion(&[x], &mut b, &mut a);
            (b[0] / (self.temperature * a[0]), a[0])
        };
        let (panels, mut potential) = (16, 0.0f64);
        let mut logarithms = Vec::new();
        for cell in grid.axes()[0].edges().windows(2) {
            let h = (cell[1] - cell[0]) / f64::from(panels);
            for i in 0..panels {
                let x = cell[0] + h * f64::from(i);
                let half = |x: f64| h / 12.0 * (at(x).0 + 4.0 * at(x + 0.25 * h).0 + at(x + 0.5 * h).0);
                let (middle, end) = (potential + half(x), potential + half(x) + half(x + 0.5 * h));
                for (x, potential, weight) in [(x, potential, 1.0), (x + 0.5 * h, middle, 4.0), (x + h, end, 1.0)] {
                    logarithms.push(potential + (weight * h / 6.0 / at(x).1).ln());
                }
                potential = end;
            }
        }
        let most = logarithms.iter().copied().fold(f64::MIN, f64::max);
        let shares = logarithms.chunks(3 * panels as usize);
        let out: Vec<f64> = shares.map(|cell| cell.iter().map(|log| (log - most).exp()).sum()).collect();
        let total: f64 = out.iter().sum();
        out.iter().map(|p| p / total).collect()
    }
}

const MUCH: Allowed = Allowed { cells: 1e5, per_axis: 65_536, seconds: 60.0 };

fn l1(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum()
}

/// Logistic regression of nine samples (x, y) on a slope: b = −mean g, D = Cov g.
fn nine_samples() -> Arc<dyn Dynamics> {
    let x = [-2.0, -1.4, -0.9, -0.3, 0.2, 0.6, 1.1, 1.7, 2.3];
    let y = [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let gradients =
        move |w: f64| -> [f64; 9] { std::array::from_fn(|i| (1.0 / (1.0 + (-w * x[i]).exp()) - y[i]) * x[i]) };
    let mean = move |w: f64| gradients(w).iter().sum::<f64>() / 9.0;
    let variance = move |w: f64| gradients(w).iter().map(|g| g * g).sum::<f64>() / 9.0 - mean(w) * mean(w);
    Arc::new(FromFunctions::new(
        1,
        move |p: &[f64], b: &mut [f64]| b[0] = -mean(p[0]),
        move |p: &[f64], a: &mut [f64]| a[0] = variance(p[0]),
    ))
}

#[test]
fn a_tolerance_is_truly_met_on_a_double_well_a_narrow_density_and_a_model_of_data() {
    let unit = |_: &[f64], a: &mut [f64]| a[0] = 1.0;
    let well: Arc<dyn Dynamics> =
        Arc::new(FromFunctions::new(1, |p: &[f64], b: &mut [f64]| b[0] = p[0] - p[0].powi(3), unit));
    let line: Arc<dyn Dynamics> = Arc::new(FromFunctions::new(1, |p: &[f64], b: &mut [f64]| b[0] = -p[0], unit));
    let data = nine_samples();
    let times = [0.0, 0.5, 2.0];
    let cases = [
        ("double well", &well, 0.05, [-2.0, 2.0], [-1.2, 0.1], 1e-3),
        // a hundredth of half the box wide at rest, half of that at the start
        ("narrow", &line, 1e-4, [-1.0, 1.0], [0.03, 0.005], 1e-2),
        ("data", &data, 0.05, [-1.0, 5.0], [0.5, 0.1], 1e-3),
    ];
    for (name, dynamics, temperature, ends, start, tolerance) in cases {
        let sought = Sought { dynamics, temperature, ends, start, times: &times };
        let found = sought.refined(tolerance, MUCH).unwrap();
        assert!(found.error() <= tolerance, "{name}: {}", found.reason());
        let grid = &found.grid;
        let laws = sought.laws(grid, 1);
        // at rest by quadrature; in between by the exact Gaussian, or by a fourfold grid whose cells nest
        let mut truth = vec![sought.at_rest(grid)];
        if name == "narrow" {
            for t in &times[1..] {
                let decay = f64::exp(-t);
                let variance = temperature + (start[1] * start[1] - temperature) * decay * decay;
                truth.push(gaussian(&[start[0] * decay], &[variance]).cell_probability(grid).unwrap());
            }
        } else {
            let axis = &grid.axes()[0];
            let fine = Axis::scaled("x", ends, 4 * axis.cells(), axis.scale().clone(), WALLS).unwrap();
            truth.extend(sought.laws(&Grid::new(vec![fine]).unwrap(), 4).split_off(1));
        }
        let worst = laws.iter().zip(&truth).map(|(p, q)| l1(p, q)).fold(0.0, f64::max);
        assert!(worst <= 3.0 * found.error() && worst <= tolerance, "{name}: {worst:e} {}", found.reason());
    }
}

#[test]
fn graded_cells_are_better_than_as_many_equal_ones_and_a_tolerance_out_of_reach_is_refused() {
    let line: Arc<dyn Dynamics> =
        Arc::new(FromFunctions::new(1, |p: &[f64], b: &mut [f64]| b[0] = -p[0], |_: &[f64], a: &mut [f64]| a[0] = 1.0));
    let sought =
        Sought { dynamics: &line, temperature: 1e-4, ends: [-1.0, 1.0], start: [0.03, 0.005], times: &[0.0, 0.5, 2.0] };
    let at = |grid: Grid| Ok(sought.on(grid));
    let equal = Grid::new(vec![axis("x", sought.ends, 256, Scale::Linear)]).unwrap();
    let grading = grade(&equal, &[true], true, &at, &|| false).unwrap();
    let graded = Grid::new(vec![axis("x", sought.ends, 256, grading.scales[0].clone())]).unwrap();
    let error = |grid: &Grid| l1(&sought.laws(grid, 1)[0], &sought.at_rest(grid));
    let (even, uneven) = (error(&equal), error(&graded));
    assert!(uneven < 0.1 * even, "{even:e} {uneven:e}");
    let few = Allowed { cells: 150.0, ..MUCH };
    let error = sought.refined(1e-5, few).unwrap_err().to_string();
    assert!(error.contains("not reached") && error.contains("memory"), "{error}");
    let brief = Allowed { seconds: 0.0, ..MUCH };
    let error = sought.refined(1e-5, brief).unwrap_err().to_string();
    assert!(error.contains("s allowed"), "{error}");
    let wall = Sought { ends: [-0.01, 1.0], ..sought };
    let error = wall.refined(1e-3, MUCH).unwrap_err().to_string();
    assert!(error.contains("walls cut off"), "{error}");
}
