#![allow(clippy::unwrap_used)]

use std::f64::consts::TAU;
use std::sync::Arc;

use super::minimax_path::barriers;
use super::{Ground, Kramers};
use crate::escape::on_grid::PassageProblem;
use crate::escape::passage::{Passage, Target};
use crate::fokker_planck::edges::edge_generator;
use crate::fokker_planck::edges::first_passage::at_start;
use crate::formula::{Program, Symbols, parse};
use crate::model::Model;
use crate::model::formula::FormulaModel;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::Problem;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::{Axis, Boundary, Grid};
use crate::problem::initial::Initial;

const NAMES: [&str; 3] = ["x", "y", "z"];

/// b = −∇L of a model, D = a formula times the identity.
struct Descent(Arc<dyn Model>, Program);

impl Dynamics for Descent {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let d = self.dimension();
        let n = points.len() / d;
        self.0.gradient(points, drift);
        drift.iter_mut().for_each(|b| *b = -*b);
        let mut sigma = vec![0.0; n];
        self.1.evaluate(points, &mut sigma);
        diffusion.fill(0.0);
        for k in 0..d {
            diffusion[packed_index(d, k, k) * n..][..n].copy_from_slice(&sigma);
        }
        assert_eq!(diffusion.len(), packed_len(d) * n);
    }
    fn potential(&self, points: &[f64], potential: &mut [f64], rest: &mut [f64]) -> bool {
        self.0.loss(points, potential);
        rest.fill(0.0);
        self.0.has_loss()
    }
}

struct Case<'a> {
    loss: &'a str,
    diffusion: &'a str,
    temperature: f64,
    axes: &'a [(f64, f64, usize)],
    walls: Boundary,
}

const WELL: Case = Case {
    loss: "(x^2 - 1)^2/4",
    diffusion: "1 + 0*x",
    temperature: 0.1,
    axes: &[(-2.5, 2.5, 400)],
    walls: Boundary::Reflecting,
};

fn problem(case: &Case) -> Problem {
    let d = case.axes.len();
    let formula = |text: &str| parse(text, &Symbols::new(&NAMES[..d])).unwrap();
    let axis = |(k, &(from, to, cells)): (usize, &(f64, f64, usize))| {
        Axis::uniform(NAMES[k], from, to, cells, [case.walls; 2]).unwrap()
    };
    let model: Arc<dyn Model> = match case.loss.strip_prefix("drift ") {
        Some(drift) => Arc::new(FormulaModel::drift(&drift.split(';').map(formula).collect::<Vec<_>>())),
        None => Arc::new(FormulaModel::loss(d, &formula(case.loss))),
    };
    Problem {
        variables: NAMES[..d].iter().map(|name| name.to_string()).collect(),
        dynamics: Arc::new(Descent(model.clone(), Program::compile(&[formula(case.diffusion)]))),
        model,
        temperature: case.temperature,
        minibatch: None,
        grid: Grid::new(case.axes.iter().enumerate().map(axis).collect()).unwrap(),
        initial: Initial::Uniform,
        times: vec![0.0, 1.0],
        seed: 1,
    }
}

fn passage(problem: &Problem, from: &[f64], target: &str) -> Passage {
    let d = problem.dimension();
    let condition = parse(target, &Symbols::new(&NAMES[..d])).unwrap();
    let target = Target::new(target, &condition, d);
    Passage { name: "out".into(), from: from.to_vec(), target, avoid: None, walkers: 1, horizon: 1.0 }
}

fn law(case: &Case, from: &[f64], target: &str) -> Result<Kramers, String> {
    let problem = problem(case);
    Ground::new(&problem).kramers(&passage(&problem, from, target))
}

/// The mean first-passage time on the grid over that of Kramers.
fn ratio(case: &Case, from: &[f64], target: &str) -> f64 {
    let (problem, d) = (problem(case), from.len());
    let passage = passage(&problem, from, target);
    let kramers = Ground::new(&problem).kramers(&passage).unwrap();
    assert_eq!(kramers.minimum.len(), d);
    let generator = edge_generator(problem.dynamics.as_ref(), problem.temperature, &problem.grid).unwrap().generator;
    let question = PassageProblem { from, target: &passage.target, avoid: None, times: &[0.0] };
    at_start(&generator, &problem.grid, None, &question, &|| false).mean_time.unwrap() / kramers.time()
}

fn close(found: f64, exact: f64, relative: f64) {
    assert!((found / exact - 1.0).abs() < relative, "{found} instead of {exact}");
}

#[test]
fn the_double_well_has_the_closed_value_wherever_the_target_begins() {
    // B03: √2 π e^{1/(4T)}; a grid on which neither the minimum nor the top is a node
    for axes in [[(-2.5, 2.5, 400)], [(-2.437, 2.511, 157)]] {
        let case = Case { axes: &axes, ..WELL };
        for (from, target, surface) in [(-1.0, "x > 1", 1.0), (-0.3, "x > 0.9", 1.0), (-1.7, "x > 0", 0.5)] {
            let found = law(&case, &[from], target).unwrap();
            close(found.time(), 54.125_394_562_2, 1e-10);
            close(found.time_to_surface(), 54.125_394_562_2 * surface, if surface == 1.0 { 0.01 } else { 1e-6 });
            assert!((found.minimum[0] + 1.0).abs() < 1e-12 && found.passes[0].position[0].abs() < 1e-12);
            close(found.passes[0].barrier, 2.5, 1e-12);
        }
        let back = law(&case, &[1.2], "x < -1").unwrap();
        close(back.time(), 54.125_394_562_2, 1e-10);
    }
}

#[test]
fn state_dependent_noise_and_general_drifts_have_their_closed_values() {
    // B05 with D = 1 + x²: ∫ L'/D = x²/2 − ln(1 + x²), D_b/D_a = 1/2
    let noisy = Case { diffusion: "1 + x^2", temperature: 0.05, ..WELL };
    let exact = TAU / 2f64.sqrt() * 0.5f64.sqrt() * ((2f64.ln() - 0.5) / 0.05).exp();
    close(law(&noisy, &[-1.0], "x > 1").unwrap().time(), exact, 1e-10);
    // the same drift without a loss
    let drift = Case { loss: "drift x - x^3", ..noisy };
    close(law(&drift, &[-1.0], "x > 1").unwrap().time(), exact, 1e-10);
    // two ways round a circle with the same barrier 2/T between cosine wells: rates add
    let turn = [(0.0, TAU, 200)];
    let circle = Case { loss: "cos(2*x)", temperature: 0.3, axes: &turn, walls: Boundary::Periodic, ..WELL };
    let found = law(&circle, &[1.4], "abs(x - 1.5*pi) < 0.3").unwrap();
    assert_eq!(found.passes.len(), 2);
    close(found.time(), 0.5 * TAU / 4.0 * (2.0f64 / 0.3).exp(), 1e-9);
}

#[test]
fn the_mean_time_of_the_grid_tends_to_kramers_with_the_known_correction() {
    // τ/τ_K = 1 + 3T/2 + 57T²/8 + O(T³) for the quartic double well, by the next terms of both Laplace integrals: each is
    // 1 + 3T/4 + 105T²/32 (u² − u³ + u⁴/4 at the minimum, −x²/2 + x⁴/4 at the top)
    let excess = |t: f64| ratio(&Case { temperature: t, axes: &[(-1.8, 1.8, 1440)], ..WELL }, &[-1.0], "x > 1") - 1.0;
    let off = [0.04, 0.02, 0.01].map(|t| excess(t) / (1.5 * t) - 1.0);
    assert!((0.8..1.3).contains(&(off[1] / off[2]).log2()), "{off:?}");
    let left = [(off[1], 0.02), (off[2], 0.01)].map(|(off, t)| off / (4.75 * t) - 1.0);
    assert!(left[1] > 0.0 && left[1] < 0.09 && left[1] < 0.5 * left[0], "{left:?}");
    // for D = 1 + x² it is 1 + 37T/12 + O(T²), by quadrature of the exact double integral down to T = 5e-4
    let noisy = |t: f64| {
        let case = Case { diffusion: "1 + x^2", temperature: t, axes: &[(-1.8, 1.8, 1440)], ..WELL };
        (ratio(&case, &[-1.0], "x > 1") - 1.0) / (37.0 / 12.0 * t) - 1.0
    };
    let left = [0.02, 0.01].map(noisy);
    assert!(left[1] > 0.0 && left[1] < 0.08 && left[1] < 0.6 * left[0], "{left:?}");
}

/// Two wells along y = c x, coupling κ, with its exact law for D = σ²: H_a = [[2 + κc², −κc], [−κc, κ]], H_s with −1 for 2.
const PLANE: Case = Case {
    loss: "(x^2 - 1)^2/4 + 1.3*(y - 0.4*x)^2",
    diffusion: "0.5 + 0*x",
    temperature: 0.1,
    axes: &[(-2.0, 2.0, 80), (-1.6, 1.6, 64)],
    walls: Boundary::Reflecting,
};

fn exact_in_the_plane(t: f64) -> f64 {
    let (k, c): (f64, f64) = (2.6, 0.4);
    let (a, b) = (-1.0 + k * c * c, k);
    let falling = 0.5 * (a + b) - (0.5 * (a - b)).hypot(k * c);
    TAU / falling.abs() * 0.5f64.sqrt() * (0.25 / (0.5 * t)).exp()
}

#[test]
fn saddles_have_their_closed_value_in_two_and_three_dimensions() {
    for axes in [[(-2.0, 2.0, 80), (-1.6, 1.6, 64)], [(-2.03, 2.0, 41), (-1.57, 1.6, 37)]] {
        let found = law(&Case { axes: &axes, ..PLANE }, &[-0.7, -0.6], "x > 0.8").unwrap();
        close(found.time(), exact_in_the_plane(0.1), 1e-8);
        assert_eq!((found.passes.len(), found.passes[0].barriers), (1, 1));
    }
    let half = law(&PLANE, &[-1.0, -0.4], "x > 0").unwrap();
    close(half.time_to_surface(), 0.5 * exact_in_the_plane(0.1), 1e-5);
    let axis = (-1.6, 1.6, 16);
    let cube = Case { loss: "(x^2 - 1)^2/4 + y^2 + 3*z^2", diffusion: "1 + 0*x", axes: &[axis, axis, axis], ..PLANE };
    close(law(&cube, &[-1.0, 0.2, -0.1], "x > 1").unwrap().time(), 54.125_394_562_2, 1e-8);
}

#[test]
fn the_mean_time_of_the_plane_tends_to_kramers() {
    let off = [0.08, 0.04].map(|t| {
        let axes = [(-1.7, 1.7, 170), (-1.2, 1.2, 120)];
        ratio(&Case { temperature: t, axes: &axes, ..PLANE }, &[-1.0, -0.4], "x > 0.9") - 1.0
    });
    assert!(off[1] > 0.0 && off[1] < 0.04 && (0.7..1.5).contains(&(off[0] / off[1]).log2()), "{off:?}");
}

#[test]
fn two_equal_saddles_halve_the_time() {
    // wells at (±1, 0) on a ring, saddles at (0, ±y), y² = 1 − 0.3/4
    let axes = [(-1.7, 1.7, 85), (-1.7, 1.7, 85)];
    let ring =
        Case { loss: "2*(x^2 + y^2 - 1)^2 + 0.3*y^2", diffusion: "1 + 0*x", temperature: 0.025, axes: &axes, ..PLANE };
    let found = law(&ring, &[-1.0, 0.1], "x > 0.9").unwrap();
    assert_eq!(found.passes.len(), 2, "{found:?}");
    let height: f64 = 0.925;
    for pass in &found.passes {
        assert!(pass.position[0].abs() < 1e-9 && (pass.position[1].abs() - height.sqrt()).abs() < 1e-9);
    }
    // H_a = diag(16, 0.6), H_s = diag(−0.6, 16 y²), ΔL = 2·0.075² + 0.3·0.925
    let rate = 0.6 / TAU
        * (16.0 * 0.6 / (0.6 * 16.0 * height)).sqrt()
        * (-(2.0 * 0.075f64.powi(2) + 0.3 * height) / 0.025).exp();
    close(found.time(), 0.5 / rate, 1e-8);
    close(ratio(&ring, &[-1.0, 0.0], "x > 0.9"), 1.0, 0.15);
}

#[test]
fn the_highest_of_several_barriers_counts() {
    // L' = −(x + 2)(x + 1)… : minima at −2, 0, 2 and tops at ∓1 in a tilted cosine
    let line = Case { loss: "-cos(pi*x) + 0.5*x", temperature: 0.2, axes: &[(-2.8, 2.8, 300)], ..WELL };
    let found = law(&line, &[-2.0], "x > 1.8").unwrap();
    assert_eq!((found.passes.len(), found.passes[0].barriers), (1, 2));
    let top = found.passes[0].position[0];
    assert!((top - 1.0).abs() < 0.1, "the second top lies higher: {top}");
    let plane = Case { loss: "-cos(pi*x) + 0.5*x + y^2", axes: &[(-2.8, 2.8, 112), (-1.0, 1.0, 20)], ..PLANE };
    let found = law(&plane, &[-2.0, 0.0], "x > 1.8").unwrap();
    assert_eq!(found.passes[0].barriers, 2);
    assert!((found.passes[0].position[0] - top).abs() < 1e-9);
    assert_eq!(barriers([0.0, 2.0, 1.9, 2.2, 0.5, 0.6, 0.5, 3.0].into_iter(), 0.5), 2);
    assert_eq!(barriers([3.0, 2.0, 1.0].into_iter(), 0.5), 0);
}

#[test]
fn where_there_is_no_law_the_reason_is_said() {
    let why = |case: &Case, from: &[f64], target: &str| law(case, from, target).unwrap_err();
    let said = |case: &Case, from: &[f64], target: &str, wanted: &str| {
        let found = why(case, from, target);
        assert!(found.contains(wanted), "\"{found}\" does not say \"{wanted}\"");
    };
    said(
        &WELL,
        &[-1.0],
        "x > -0.5",
        "no barrier between the minimum (-1) and the target: the target begins on the way up",
    );
    said(&WELL, &[-1.5], "x > -1.2", "the drift carries the start to the target");
    said(&WELL, &[-1.5], "abs(x + 1) < 0.001", "drains to the minimum (-1) in the target");
    said(&WELL, &[0.0], "x > 1", "the start (0) is no minimum");
    said(&Case { loss: "x", ..WELL }, &[0.0], "x > 1", "to a wall");
    said(&Case { loss: "x^4/4 - x^6/6", ..WELL }, &[0.1], "x > 2", "the curvature vanishes");
    said(&Case { temperature: 1e-4, ..WELL }, &[-1.0], "x > 1", "beyond the range");
    said(&Case { diffusion: "x^2 - 0.01", ..WELL }, &[-1.0], "x > 1", "D vanishes at");
    said(&PLANE, &[-1.0, -0.4], "x > -0.6", "on the way up");
    said(&PLANE, &[-1.0, -0.4], "x < -0.9", "in the target");
    said(&Case { diffusion: "0.5 + 0.1*x^2", ..PLANE }, &[-1.0, -0.4], "x > 1", "it needs D = σ²I");
    said(&Case { loss: "drift x - x^3; -y", ..PLANE }, &[-1.0, 0.0], "x > 1", "it needs a loss");
    said(&Case { loss: "x + y^2", ..PLANE }, &[1.0, 0.0], "x > 1.5", "to a wall");
}

#[test]
fn kinks_have_their_own_prefactors() {
    // |V'| = 1 about both: T ∫e^{−|x|/T} dx = 2T each way, over T: 4 T e^{1/T}
    let tent = Case { loss: "abs(abs(x) - 1)", axes: &[(-3.0, 3.0, 150)], ..WELL };
    for from in [-1.0, -1.3, -0.4] {
        let found = law(&tent, &[from], "x > 1").unwrap();
        close(found.time(), 0.4 * 10f64.exp(), 1e-6);
        assert!((found.minimum[0] + 1.0).abs() < 1e-9 && found.passes[0].position[0].abs() < 1e-9);
        close(found.passes[0].barrier, 10.0, 1e-9);
    }
    // a kink as top between smooth wells, off the nodes: (|x − .013| − 1)²: curvature 2, slopes 2 at the top
    let cusp = Case { loss: "(abs(x - 0.013) - 1)^2", temperature: 0.05, axes: &[(-3.0, 3.0, 150)], ..WELL };
    let found = law(&cusp, &[-1.2], "x > 1").unwrap();
    close(found.time(), (TAU * 0.05 / 2.0).sqrt() * 2.0 * 0.05 / 2.0 / 0.05 * 20f64.exp(), 1e-5);
    // a law of second derivatives does not apply in two dimensions, and says so
    let plane = Case { loss: "(abs(x) - 1)^2 + abs(y)", axes: &[(-2.0, 2.0, 40), (-1.0, 1.0, 20)], ..WELL };
    let why = law(&plane, &[-1.0, 0.0], "x > 1").unwrap_err();
    assert!(why.contains("is a kink of the loss"), "{why}");
}
