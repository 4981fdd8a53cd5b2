//! Estimates of the Fokker–Planck engine against exact families: true error over stated error within a factor of three.
//!
//! `FAMILY=student cargo test …` runs one family and prints its numbers. Every case of the table runs as a user would run it (automatic choice, default tolerance) on several grids. Held are the L1 error
//! of densities at rest and in time, mean and covariance, eigenvalues, mean first-passage times. Errors at rounding ask nothing of an
//! estimate and do not count; numbers whose estimate is "unknown" do not count either. What is not held is counted and named in
//! [`KNOWN`], with the reason.
#![allow(clippy::unwrap_used)]

mod common;

use std::f64::consts::PI;
use std::sync::Arc;

use fpsolve_solvers::diffusion::Isotropic;
use fpsolve_solvers::dynamics::GradientDynamics;
use fpsolve_solvers::engine::{Attribute, Engine, OnGrid, RefinedMoments};
use fpsolve_solvers::escape::basin::Basin;
use fpsolve_solvers::escape::passage::{Passage, Target};
use fpsolve_solvers::fokker_planck::{EDGES, FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::formula::{Symbols, parse};
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::density::l1;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_validation::reference::balls::Ball;
use fpsolve_validation::reference::bessel::Bessel;
use fpsolve_validation::reference::grids::uniform;
use fpsolve_validation::reference::heston::Heston;
use fpsolve_validation::reference::hopf::Hopf;
use fpsolve_validation::reference::jacobi::Jacobi;
use fpsolve_validation::reference::laplace::{Laplace, Mode};
use fpsolve_validation::reference::linear::{Law, OrnsteinUhlenbeck};
use fpsolve_validation::reference::natural_scale::NaturalScale;
use fpsolve_validation::reference::square_root::SquareRoot;
use fpsolve_validation::reference::student::{Mixture, Student};
use fpsolve_validation::reference::torus::{Drifted, TorusFlow};
use fpsolve_validation::reference::washboard::Washboard;
use rayon::prelude::*;

/// True error over stated error, and its inverse, stay below this.
const HONEST: f64 = 3.0;
/// Errors below this share of the size of a number are rounding.
const ROUNDING: f64 = 1e-10;
/// Numbers of each class that must be held.
const LEAST: usize = 60;

/// Numbers that are not held: case, class, how many of them at most, why. A number more than this fails the test; a mend lowers the counts
/// (the test prints them as they are now).
#[rustfmt::skip]
const KNOWN: &[(&str, Class, usize, &str)] = &[
    ("Bessel dimension 1.3", Class::Moment, 2, "drift singular at r = 0"),
    ("Heston", Class::Moment, 3, "error of Var v near its change of sign: stated four to five times too large"),
    ("Hopf cycle", Class::Moment, 7, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Hopf fast cycle", Class::Eigenvalue, 2, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Hopf fast cycle", Class::Moment, 2, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Hopf fast cycle", Class::Time, 1, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Hopf sheared", Class::Moment, 1, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Hopf sheared", Class::Time, 3, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Jacobi a = 0.20, b = 0.40", Class::Time, 2, "density infinite at a wall, orders below a half"),
    ("Jacobi a = 0.60, b = 1.40", Class::Time, 1, "density infinite at a wall, orders below a half"),
    ("Laplace in a cell", Class::Density, 2, "kink somewhere in its cell, another place on every grid"),
    ("Laplace in a cell", Class::Moment, 1, "kink somewhere in its cell, another place on every grid"),
    ("Laplace in a cell, cold", Class::Density, 3, "kink somewhere in its cell, another place on every grid"),
    ("Laplace in a cell, cold", Class::Moment, 3, "kink somewhere in its cell, another place on every grid"),
    ("Laplace in the middle", Class::Moment, 4, "kink somewhere in its cell, another place on every grid"),
    ("Laplace on an edge", Class::Moment, 5, "kink on the edge of a cell: not looked into"),
    ("Laplace on an edge", Class::Time, 2, "kink on the edge of a cell: not looked into"),
    ("Ornstein-Uhlenbeck 3-D", Class::Density, 5, "16 to 24 cells a side, the coarsest 4 to 6: errors not yet in their order, most stated too large"),
    ("Ornstein-Uhlenbeck 3-D", Class::Eigenvalue, 1, "16 to 24 cells a side, the coarsest 4 to 6: errors not yet in their order, most stated too large"),
    ("Ornstein-Uhlenbeck 3-D", Class::Moment, 24, "16 to 24 cells a side, the coarsest 4 to 6: errors not yet in their order, most stated too large"),
    ("Ornstein-Uhlenbeck 3-D, singular", Class::Eigenvalue, 1, "16 to 24 cells a side, the coarsest 4 to 6: errors not yet in their order, most stated too large"),
    ("Ornstein-Uhlenbeck 3-D, singular", Class::Moment, 18, "16 to 24 cells a side, the coarsest 4 to 6: errors not yet in their order, most stated too large"),
    ("Ornstein-Uhlenbeck B08", Class::Moment, 7, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Ornstein-Uhlenbeck B08", Class::Time, 4, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Ornstein-Uhlenbeck P5 condition 10", Class::Eigenvalue, 1, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Ornstein-Uhlenbeck P5 condition 10", Class::Moment, 3, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Ornstein-Uhlenbeck driven, along a line", Class::Density, 2, "no noise across: first order, upwind"),
    ("Ornstein-Uhlenbeck driven, singular", Class::Density, 4, "no noise across: first order, upwind"),
    ("Ornstein-Uhlenbeck driven, singular", Class::Eigenvalue, 6, "what the walls cut of eigenvalues is stated too large"),
    ("Ornstein-Uhlenbeck driven, singular", Class::Moment, 10, "no noise across: first order, upwind"),
    ("Ornstein-Uhlenbeck kinetic, singular", Class::Density, 4, "no noise across: first order, upwind"),
    ("Ornstein-Uhlenbeck kinetic, singular", Class::Eigenvalue, 3, "no noise across: first order, upwind"),
    ("Ornstein-Uhlenbeck kinetic, singular", Class::Moment, 2, "no noise across: first order, upwind"),
    ("Ornstein-Uhlenbeck spiral, condition 100", Class::Density, 1, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Ornstein-Uhlenbeck spiral, condition 100", Class::Eigenvalue, 2, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Ornstein-Uhlenbeck spiral, condition 100", Class::Moment, 2, "errors of the chain's moments, modes and passages; passages on edges with a current"),
    ("Student 11, to 4", Class::Eigenvalue, 2, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("Student 11, to 4", Class::Moment, 3, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("Student 11, to 4", Class::Time, 1, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("Student 11, to 40, graded", Class::Eigenvalue, 2, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("Student 11, to 40, graded", Class::Time, 3, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("Student 21, to 5", Class::Eigenvalue, 1, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("Student 21, to 5", Class::Moment, 1, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("Student 6, to 1000, graded", Class::Density, 1, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("Student 6, to 1000, graded", Class::Eigenvalue, 1, "heavy tails beyond the walls are only roughly known; few cells between the surfaces"),
    ("disc", Class::Time, 2, "a sphere cuts the cells of every grid elsewhere"),
    ("radial Ornstein-Uhlenbeck dimension 0.7", Class::Eigenvalue, 6, "drift singular at r = 0"),
    ("radial Ornstein-Uhlenbeck dimension 1.5", Class::Density, 3, "drift singular at r = 0"),
    ("radial Ornstein-Uhlenbeck dimension 1.5", Class::Eigenvalue, 3, "drift singular at r = 0"),
    ("radial Ornstein-Uhlenbeck dimension 1.5", Class::Moment, 3, "drift singular at r = 0"),
    ("radial Ornstein-Uhlenbeck dimension 1.5", Class::Time, 1, "drift singular at r = 0"),
    ("radial Ornstein-Uhlenbeck dimension 3", Class::Moment, 1, "drift singular at r = 0"),
    ("radial Ornstein-Uhlenbeck dimension 3", Class::Time, 1, "drift singular at r = 0"),
    ("square root k = 0.40", Class::Time, 4, "density infinite or steep at the wall; start or surface near it"),
    ("square root k = 0.80", Class::Time, 2, "density infinite or steep at the wall; start or surface near it"),
    ("torus carried shear", Class::Density, 1, "walls of a passage or of the coordinate where the density does not vanish"),
    ("torus uniform", Class::Time, 6, "walls of a passage or of the coordinate where the density does not vanish"),
    ("washboard locked", Class::Density, 2, "orders between two and four, and errors near their change of sign"),
    ("washboard locked", Class::Eigenvalue, 2, "orders between two and four, and errors near their change of sign"),
    ("washboard locked", Class::Moment, 4, "orders between two and four, and errors near their change of sign"),
    ("washboard ratchet", Class::Eigenvalue, 2, "orders between two and four, and errors near their change of sign"),
    ("washboard ratchet", Class::Moment, 2, "orders between two and four, and errors near their change of sign"),
    ("washboard running", Class::Moment, 2, "error near its change of sign"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Density,
    Moment,
    Eigenvalue,
    Time,
}

const CLASSES: [Class; 4] = [Class::Density, Class::Moment, Class::Eigenvalue, Class::Time];

/// Mean (d) and covariance (packed).
type Moments = (Vec<f64>, Vec<f64>);

/// A first passage with its exact mean times.
#[derive(Clone)]
struct Arrival {
    from: Vec<f64>,
    target: &'static str,
    avoid: Option<&'static str>,
    /// To the target.
    mean: Option<f64>,
    /// To the target or the avoided set.
    exit: Option<f64>,
    /// To the target given that it comes first.
    conditional: Option<f64>,
}

impl Arrival {
    fn at(from: &[f64], target: &'static str, mean: f64) -> Self {
        Self { from: from.to_vec(), target, avoid: None, mean: Some(mean), exit: None, conditional: None }
    }

    fn either(from: &[f64], [target, avoid]: [&'static str; 2], exit: f64, conditional: Option<f64>) -> Self {
        Self { from: from.to_vec(), target, avoid: Some(avoid), mean: None, exit: Some(exit), conditional }
    }
}

/// The cases of a family.
type Family = fn() -> Vec<Case>;
type OfGrid = Box<dyn Fn(&Grid) -> Vec<f64> + Send + Sync>;
type OfTime = Box<dyn Fn(&Grid, f64) -> Vec<f64> + Send + Sync>;

/// A process with what is exact about it.
struct Case {
    name: String,
    dynamics: Arc<dyn Dynamics>,
    temperature: f64,
    grids: Vec<Grid>,
    initial: Box<dyn Fn(&Grid) -> Initial + Send + Sync>,
    times: Vec<f64>,
    at_rest: Option<OfGrid>,
    law: Option<OfTime>,
    moments_at_rest: Option<Moments>,
    moments: Option<Box<dyn Fn(f64) -> Moments + Send + Sync>>,
    /// Place in the spectrum, Re λ, Im λ.
    eigenvalues: Vec<(usize, f64, f64)>,
    arrivals: Vec<Arrival>,
    /// The basin, what is outside, its decay rate.
    basin: Option<([&'static str; 2], f64)>,
    /// Whether the walls cut a tail, so that the estimate of what they cut belongs to the error.
    cut: bool,
    options: FokkerPlanckOptions,
}

impl Case {
    fn new(name: impl Into<String>, dynamics: impl Dynamics + 'static, temperature: f64, grids: Vec<Grid>) -> Self {
        Self {
            name: name.into(),
            dynamics: Arc::new(dynamics),
            temperature,
            grids,
            initial: Box::new(|_| Initial::Uniform),
            times: Vec::new(),
            at_rest: None,
            law: None,
            moments_at_rest: None,
            moments: None,
            eigenvalues: Vec::new(),
            arrivals: Vec::new(),
            basin: None,
            cut: false,
            options: FokkerPlanckOptions::default(),
        }
    }
}

/// A number with its error and what the run says of it.
struct Number {
    class: Class,
    case: String,
    quantity: String,
    cells: String,
    value: f64,
    error: f64,
    stated: f64,
    /// What rounding is measured by.
    size: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Held,
    Rounding,
    Unknown,
    Failed,
}

impl Number {
    fn ratio(&self) -> f64 {
        self.error / self.stated
    }

    fn judgement(&self) -> Judgement {
        if self.error <= ROUNDING * self.size {
            return Judgement::Rounding;
        }
        if self.stated.is_nan() {
            return Judgement::Unknown;
        }
        if self.error < HONEST * self.stated && self.stated < HONEST * self.error {
            return Judgement::Held;
        }
        Judgement::Failed
    }

    fn line(&self) -> String {
        format!(
            "{:?}\t{}\t{}\t{}\tvalue {:.6e}\ttrue {:.2e}\tstated {:.2e}\tratio {:.2}\t{:?}",
            self.class,
            self.case,
            self.quantity,
            self.cells,
            self.value,
            self.error,
            self.stated,
            self.ratio(),
            self.judgement()
        )
    }
}

fn attribute(engine: &dyn Engine, name: &str) -> f64 {
    match engine.attributes().into_iter().find(|(n, _)| *n == name) {
        Some((_, Attribute::Float(value))) => value,
        other => panic!("{name}: {other:?}"),
    }
}

fn word(engine: &dyn Engine, name: &str) -> String {
    match engine.attributes().into_iter().find(|(n, _)| *n == name) {
        Some((_, Attribute::Text(value))) => value,
        other => panic!("{name}: {other:?}"),
    }
}

/// All numbers of a case on one grid.
fn numbers(case: &Case, grid: &Grid) -> Vec<Number> {
    let times = [&[0.0], case.times.as_slice()].concat();
    let d = grid.dimension();
    let problem =
        Problem::of_dynamics(case.dynamics.clone(), case.temperature, grid.clone(), (case.initial)(grid), times);
    let options = FokkerPlanckOptions { physical_walls: !case.cut, ..case.options.clone() };
    let mut engine = FokkerPlanck::new(&problem, options).unwrap();
    let shape: Vec<String> = grid.shape().iter().map(usize::to_string).collect();
    let cells = format!("{} {}", shape.join("x"), word(&engine, "discretisation"));
    let mut found = Vec::new();
    let mut add = |class, quantity: String, value: f64, error: f64, stated: f64, size: f64| {
        found.push(Number {
            class,
            case: case.name.clone(),
            quantity,
            cells: cells.clone(),
            value,
            error,
            stated,
            size,
        });
    };
    let size = |k: usize| grid.axes()[k].length();
    let see_moments = |when: &str,
                       (mean, covariance): (&[f64], &[f64]),
                       refined: Option<&RefinedMoments>,
                       exact: &Moments,
                       add: &mut dyn FnMut(Class, String, f64, f64, f64, f64)| {
        for k in 0..d {
            let stated = refined.map_or(f64::NAN, |r| r.mean_error[k]);
            add(Class::Moment, format!("mean {k} {when}"), mean[k], (mean[k] - exact.0[k]).abs(), stated, size(k));
        }
        for i in 0..d {
            for j in i..d {
                let c = packed_index(d, i, j);
                let stated = refined.map_or(f64::NAN, |r| r.covariance_error[c]);
                let error = (covariance[c] - exact.1[c]).abs();
                add(
                    Class::Moment,
                    format!("covariance {i}{j} {when}"),
                    covariance[c],
                    error,
                    stated,
                    size(i) * size(j),
                );
            }
        }
    };
    if let Some(stationary) = engine.stationary() {
        let stated =
            stationary.error_grid.unwrap_or(f64::NAN) + if case.cut { stationary.error_truncation } else { 0.0 };
        if let Some(exact) = &case.at_rest {
            let exact = exact(grid);
            let error = l1(&stationary.probability, &exact) + (1.0 - exact.iter().sum::<f64>()).abs();
            add(Class::Density, "at rest".into(), 1.0, error, stated, 1.0);
        }
        if let Some(exact) = &case.moments_at_rest {
            let now = (stationary.mean.as_slice(), stationary.covariance.as_slice());
            see_moments("at rest", now, stationary.refined.as_ref(), exact, &mut add);
        }
    } else if case.at_rest.is_some() {
        add(Class::Density, "at rest".into(), f64::NAN, f64::INFINITY, 1e-300, 1.0);
    }
    let mut worst = 0.0f64;
    for &time in &case.times {
        engine.advance(time, &|| false).unwrap();
        let seen = engine.snapshot();
        if let Some(law) = &case.law {
            let exact = law(grid, time);
            worst = worst.max(l1(&seen.probability, &exact) + (1.0 - exact.iter().sum::<f64>()).abs());
            let cut = if case.cut { attribute(&engine, "error_truncation") } else { 0.0 };
            let stated = attribute(&engine, "error_grid") + attribute(&engine, "error_time") + cut;
            add(Class::Density, format!("until {time}"), 1.0, worst, stated, 1.0);
        }
        if let Some(moments) = &case.moments {
            let refined = engine.refined_moments();
            see_moments(
                &format!("at {time}"),
                (&seen.mean, &seen.covariance),
                refined.as_ref(),
                &moments(time),
                &mut add,
            );
        }
    }
    if let Some(last) = case.eigenvalues.iter().map(|(n, ..)| *n).max() {
        match engine.spectrum(last + 1, &|| false) {
            Ok(modes) => {
                for &(n, re, im) in &case.eigenvalues {
                    let error = (modes.real[n] - re).hypot(modes.imaginary[n] - im);
                    let size = re.hypot(im);
                    let stated = modes.refined.as_ref().map_or(f64::NAN, |r| r.error[n]) + modes.error[n] * size;
                    add(
                        Class::Eigenvalue,
                        format!("eigenvalue {n} ({re:.6}, {im:.6})"),
                        modes.real[n],
                        error,
                        stated,
                        size,
                    );
                }
            }
            // told to the user, and unknown here
            Err(error) => add(Class::Eigenvalue, error.to_string(), f64::NAN, f64::INFINITY, f64::NAN, 1.0),
        }
    }
    let symbols = Symbols::new(&["x", "y", "z"][..d]);
    let set = |text: &str| Target::new(text, &parse(text, &symbols).unwrap(), d);
    for arrival in &case.arrivals {
        let passage = Passage {
            name: "away".into(),
            from: arrival.from.clone(),
            target: set(arrival.target),
            avoid: arrival.avoid.map(set),
            walkers: 1,
            horizon: 1.0,
        };
        let seen = match engine.first_passage(&passage, &|| false) {
            Ok(seen) => seen,
            Err(error) => {
                add(Class::Time, error.to_string(), f64::NAN, f64::INFINITY, f64::NAN, 1.0);
                continue;
            }
        };
        let mut time = |kind: &str, value: f64, stated: Option<f64>, exact: f64| {
            let stated = stated.unwrap_or(f64::NAN);
            add(Class::Time, format!("{kind} to {}", arrival.target), value, (value - exact).abs(), stated, exact);
        };
        if let Some(exact) = arrival.mean {
            time("mean time", seen.from_value, seen.error_grid, exact);
        }
        if let (Some(exact), Some(exit)) = (arrival.exit, seen.from_exit) {
            time("exit time", exit.value, exit.error, exact);
        }
        if let (Some(exact), Some(conditional)) = (arrival.conditional, seen.from_conditional) {
            time("conditional time", conditional.value, conditional.error, exact);
        }
    }
    if let Some(([inside, outside], rate)) = case.basin {
        let basin = Basin { inside: set(inside), outside: set(outside) };
        let seen = engine.quasi_stationary(&basin, &|| false).unwrap();
        let stated = seen.rate_error.unwrap_or(f64::NAN);
        add(Class::Eigenvalue, format!("exit rate of {inside}"), seen.rate, (seen.rate - rate).abs(), stated, rate);
        let (time, exact) = (1.0 / seen.rate, 1.0 / rate);
        let stated = stated * time * time;
        add(Class::Time, format!("exit time at quasi-rest of {inside}"), time, (time - exact).abs(), stated, exact);
    }
    found
}

fn lines(from: f64, to: f64, cells: &[usize]) -> Vec<Grid> {
    cells.iter().map(|&n| common::line(from, to, n)).collect()
}

fn boxes(ends: &[(f64, f64)], wall: Boundary, cells: &[usize]) -> Vec<Grid> {
    let axes = |n: usize| ends.iter().map(|&(a, b)| (a, b, n)).collect::<Vec<_>>();
    cells.iter().map(|&n| uniform(&axes(n), wall).unwrap()).collect()
}

fn cells_of(law: Vec<f64>) -> Initial {
    let mass: f64 = law.iter().sum();
    Initial::Cells { probability: law.into_iter().map(|p| p / mass).collect() }
}

fn one((mean, variance): (f64, f64)) -> Moments {
    (vec![mean], vec![variance])
}

fn jacobi() -> Vec<Case> {
    let of = |rate: f64, mean: f64, temperature: f64| {
        let process = Jacobi { rate, mean, temperature };
        let [a, b] = process.shapes();
        let mut case =
            Case::new(format!("Jacobi a = {a:.2}, b = {b:.2}"), process, temperature, lines(0.0, 1.0, &[64, 128, 256]));
        let tilt = 0.8;
        case.initial = Box::new(move |grid| cells_of(process.tilted(grid, tilt, 0.0)));
        case.times = vec![0.3, 1.0];
        case.at_rest = Some(Box::new(move |grid| process.at_rest(grid)));
        case.law = Some(Box::new(move |grid, time| process.tilted(grid, tilt, time)));
        case.moments_at_rest = Some(one(process.moments_at_rest()));
        case.moments = Some(Box::new(move |time| one(process.moments(process.tilted_moments(tilt), time))));
        case.eigenvalues = (1..4).map(|n| (n, process.eigenvalue(n as u32), 0.0)).collect();
        let exit = process.exit(0.4, [0.1, 0.7]);
        case.arrivals = vec![
            Arrival::at(&[0.3], "x > 0.6", process.mean_time(0.3, 0.6)),
            Arrival::either(&[0.4], ["x > 0.7", "x < 0.1"], exit.mean_time, Some(exit.mean_time_upper)),
        ];
        case
    };
    vec![of(1.0, 0.3, 0.5), of(1.0, 0.5, 0.2), of(0.3, 1.0 / 3.0, 0.5)]
}

fn square_root() -> Vec<Case> {
    let of = |rate: f64, mean: f64, temperature: f64| {
        let process = SquareRoot { rate, mean, temperature };
        let rest = process.stationary();
        let far = rest.scale * (rest.shape + 6.0 * rest.shape.sqrt() + 22.0);
        let name = format!("square root k = {:.2}", rest.shape);
        let mut case = Case::new(name, process, temperature, lines(0.0, far, &[128, 256, 512]));
        case.cut = true;
        let start = 0.5 * rest.scale;
        case.initial = Box::new(move |grid| cells_of(process.law(start, 0.0).cells(grid)));
        case.times = vec![0.3, 1.0];
        case.at_rest = Some(Box::new(move |grid| rest.cells(grid)));
        case.law = Some(Box::new(move |grid, time| process.law(start, time).cells(grid)));
        case.moments_at_rest = Some(one(rest.moments()));
        case.moments = Some(Box::new(move |time| one(process.law(start, time).moments())));
        case.eigenvalues = (1..4).map(|n| (n, rate * n as f64, 0.0)).collect();
        let exit = process.exit(1.0, [0.3, 2.0]);
        case.arrivals = vec![
            Arrival::at(&[0.5], "x > 1.5", process.mean_time(0.5, 1.5)),
            Arrival::at(&[1.5], "x < 0.6", process.mean_time(1.5, 0.6)),
            Arrival::either(&[1.0], ["x > 2", "x < 0.3"], exit.mean_time, Some(exit.mean_time_upper)),
        ];
        case
    };
    vec![of(1.0, 1.0, 0.4), of(1.0, 1.0, 1.25), of(2.0, 0.5, 2.5)]
}

fn student() -> Vec<Case> {
    let of = |name: &str, process: Student, grids: Vec<Grid>, start: Mixture, eigenvalues: u32| {
        let mut case = Case::new(format!("Student {name}"), process, process.temperature, grids);
        case.initial = Box::new(move |grid| cells_of(process.cells(grid, start)));
        case.times = vec![0.3, 1.0];
        case.cut = true;
        let rest = Mixture { first: 0.0, second: 0.0 };
        case.at_rest = Some(Box::new(move |grid| process.cells(grid, rest)));
        case.law = Some(Box::new(move |grid, time| process.cells(grid, process.mixture(start, time))));
        case.moments_at_rest = Some(one(process.moments(rest)));
        case.moments = Some(Box::new(move |time| one(process.moments(process.mixture(start, time)))));
        case.eigenvalues = (1..=eigenvalues).map(|n| (n as usize, process.eigenvalue(n), 0.0)).collect();
        let exit = process.exit(0.1, [-0.4, 0.5]);
        case.arrivals = vec![
            Arrival::at(&[0.0], "x > 0.7", process.mean_time(0.0, 0.7)),
            Arrival::at(&[0.9], "x < 0", process.mean_time(0.9, 0.0)),
            Arrival::either(&[0.1], ["x > 0.5", "x < -0.4"], exit.mean_time, Some(exit.mean_time_upper)),
        ];
        case
    };
    let graded = |reach: f64, cells: &[usize]| -> Vec<Grid> {
        let axis = |&n: &usize| Axis::sinh("x", [-reach, reach], n, [0.0, 0.3], [Boundary::Reflecting; 2]).unwrap();
        cells.iter().map(|n| Grid::new(vec![axis(n)]).unwrap()).collect()
    };
    let eleven = Student { rate: 1.0, temperature: 0.2, constant: 0.3, growth: 0.5 };
    let twenty = Student { rate: 1.0, temperature: 0.1, constant: 1.0, growth: 0.5 };
    let six = Student { rate: 1.0, temperature: 0.2, constant: 0.3, growth: 1.0 };
    vec![
        of("11, to 4", eleven, lines(-4.0, 4.0, &[128, 256, 512]), Mixture { first: 1.0, second: 1.0 }, 4),
        of("11, to 40, graded", eleven, graded(40.0, &[64, 128, 256]), Mixture { first: 1.0, second: 1.0 }, 4),
        of("21, to 5", twenty, lines(-5.0, 5.0, &[64, 128, 256]), Mixture { first: 0.8, second: 1.0 }, 3),
        of("6, to 1000, graded", six, graded(1000.0, &[64, 128, 256]), Mixture { first: 1.0, second: 1.0 }, 2),
    ]
}

fn bessel() -> Vec<Case> {
    let radial = |dimension: f64| {
        let process = Bessel { dimension, pull: 1.0, temperature: 0.5, wall: 6.5 };
        let name = format!("radial Ornstein-Uhlenbeck dimension {dimension}");
        let mut case = Case::new(name, process, 0.5, lines(0.0, 6.5, &[64, 128, 256]));
        let start = 0.45;
        case.initial = Box::new(move |grid| cells_of(process.law(start, 0.0).at_rest(grid)));
        case.times = vec![0.3, 1.0];
        let rest = process.law(0.5f64.sqrt(), 0.0);
        case.at_rest = Some(Box::new(move |grid| rest.at_rest(grid)));
        case.law = Some(Box::new(move |grid, time| process.law(start, time).at_rest(grid)));
        case.moments_at_rest = Some(one(rest.moments()));
        case.moments = Some(Box::new(move |time| one(process.law(start, time).moments())));
        case.eigenvalues = (1..4).map(|n| (n, process.eigenvalue(n as u32), 0.0)).collect();
        let exit = process.exit(1.0, [0.4, 1.6]);
        case.arrivals = vec![
            Arrival::at(&[0.5], "x > 1.2", process.mean_time(0.5, 1.2)),
            Arrival::at(&[1.5], "x < 0.7", process.mean_time(1.5, 0.7)),
            Arrival::either(&[1.0], ["x > 1.6", "x < 0.4"], exit.mean_time, Some(exit.mean_time_upper)),
        ];
        case
    };
    let walled = |dimension: f64| {
        let process = Bessel { dimension, pull: 0.0, temperature: 0.5, wall: 1.0 };
        let mut case =
            Case::new(format!("Bessel dimension {dimension}"), process, 0.5, lines(0.0, 1.0, &[32, 64, 128]));
        let start = [0.8, 0.15];
        case.initial = Box::new(move |grid| cells_of(process.mixture(grid, &start, 0.0)));
        case.times = vec![0.05, 0.15];
        case.at_rest = Some(Box::new(move |grid| process.at_rest(grid)));
        case.law = Some(Box::new(move |grid, time| process.mixture(grid, &start, time)));
        case.moments_at_rest = Some(one(process.moments_at_rest()));
        case.moments = Some(Box::new(move |time| {
            let ratio = process.ratio(&start, time);
            let mean = process.expectation(&|r| r * ratio(r));
            one((mean, process.expectation(&|r| (r - mean).powi(2) * ratio(r))))
        }));
        case.eigenvalues = (1..4).map(|n| (n, process.eigenvalue(n as u32), 0.0)).collect();
        case.arrivals = vec![
            Arrival::at(&[0.2], "x > 0.8", (0.64 - 0.04) / dimension),
            Arrival::at(&[0.9], "x < 0.35", process.mean_time(0.9, 0.35)),
        ];
        case
    };
    vec![radial(3.0), radial(1.5), radial(0.7), walled(2.0), walled(2.5), walled(1.3)]
}

fn washboard() -> Vec<Case> {
    let of = |name: &str, process: Washboard| {
        let grids = boxes(&[(-PI, PI)], Boundary::Periodic, &[48, 96, 192]);
        let mut case = Case::new(format!("washboard {name}"), process, process.temperature, grids);
        let start = (0.8, 0.5);
        case.initial = Box::new(move |grid| cells_of(Washboard::cells(grid, &process.law(start, 0.0))));
        case.times = vec![0.5, 2.0];
        case.at_rest = Some(Box::new(move |grid| Washboard::cells(grid, &process.at_rest())));
        case.law = Some(Box::new(move |grid, time| Washboard::cells(grid, &process.law(start, time))));
        case.moments_at_rest = Some(one(process.at_rest().moments()));
        case.moments = Some(Box::new(move |time| one(process.law(start, time).moments())));
        let modes = process.waves().eigenvalues().unwrap();
        case.eigenvalues = (1..4).map(|n| (n, modes[n].0, modes[n].1)).collect();
        let exit = process.exit(0.3, [-1.5, 1.7]);
        case.arrivals = vec![
            Arrival::at(&[0.3], "max(x > 1.7, x < -1.5)", exit.mean_time),
            Arrival::either(&[0.3], ["x > 1.7", "x < -1.5"], exit.mean_time, Some(exit.mean_time_upper)),
        ];
        case
    };
    vec![
        of("locked", Washboard { tilt: 0.4, barrier: 1.0, modulation: 0.5, phase: 0.8, temperature: 0.3 }),
        of("running", Washboard { tilt: 1.5, barrier: 1.0, modulation: 0.3, phase: -1.0, temperature: 0.3 }),
        of("ratchet", Washboard { tilt: 0.0, barrier: 1.0, modulation: 0.7, phase: 1.2, temperature: 0.5 }),
        of("level", Washboard { tilt: 0.0, barrier: 0.8, modulation: 0.0, phase: 0.0, temperature: 0.4 }),
    ]
}

fn laplace() -> Vec<Case> {
    let dynamics = |kink: f64| {
        let loss = parse(&format!("abs(x - ({kink}))"), &Symbols::new(&["x"])).unwrap();
        GradientDynamics::new(Arc::new(FormulaModel::loss(1, &loss)), Arc::new(Isotropic { variance: 1.0 }))
    };
    let of = |name: &str, process: Laplace, cells: &[usize]| {
        let [from, to] = process.walls;
        let mut case =
            Case::new(format!("Laplace {name}"), dynamics(process.kink), process.temperature, lines(from, to, cells));
        case.at_rest = Some(Box::new(move |grid| process.at_rest(grid)));
        case.moments_at_rest = Some(one(process.moments_at_rest()));
        let k = process.kink;
        let exit = process.exit(k + 0.1, [-0.7, 0.9]);
        case.arrivals = vec![
            Arrival::at(&[k - 0.3], "x > 1", process.mean_time(k - 0.3, 1.0)),
            Arrival::at(&[k + 0.8], "x < -0.5", process.mean_time(k + 0.8, -0.5)),
            Arrival::either(&[k + 0.1], ["x > 0.9", "x < -0.7"], exit.mean_time, Some(exit.mean_time_upper)),
        ];
        if (0.5 * (from + to) - k).abs() < 1e-12 {
            let start = [(Mode::Odd(1), 0.01), (Mode::Even(1), 0.005)];
            case.initial = Box::new(move |grid| cells_of(process.cells(grid, &start, 0.0)));
            case.times = vec![0.3, 1.0];
            case.law = Some(Box::new(move |grid, time| process.cells(grid, &start, time)));
            case.moments = Some(Box::new(move |time| one(process.moments(&start, time))));
            let mut modes: Vec<f64> =
                (1..4).flat_map(|n| [Mode::Odd(n), Mode::Even(n)]).map(|mode| process.eigenvalue(mode)).collect();
            modes.sort_by(f64::total_cmp);
            case.eigenvalues = (1..4).map(|n| (n, modes[n - 1], 0.0)).collect();
        }
        case
    };
    vec![
        of("on an edge", Laplace { kink: 0.0, walls: [-3.0, 3.0], temperature: 0.4 }, &[64, 128, 256]),
        of("in the middle", Laplace { kink: 0.02, walls: [-2.98, 3.02], temperature: 0.4 }, &[66, 132, 264]),
        of("in a cell", Laplace { kink: 0.0204, walls: [-4.0, 4.0], temperature: 0.4 }, &[128, 256, 512]),
        of("in a cell, cold", Laplace { kink: -0.113, walls: [-2.0, 2.0], temperature: 0.2 }, &[100, 200, 400]),
    ]
}

fn hopf() -> Vec<Case> {
    let of = |name: &str, process: Hopf, half: f64| {
        let grids = boxes(&[(-half, half); 2], Boundary::Reflecting, &[32, 48, 64]);
        let mut case = Case::new(format!("Hopf {name}"), process, process.temperature, grids);
        case.at_rest = Some(Box::new(move |grid| process.at_rest(grid)));
        let variance = 0.5 * process.mean_square();
        case.moments_at_rest = Some((vec![0.0; 2], vec![variance, 0.0, variance]));
        case.arrivals = vec![Arrival::at(&[0.3, 0.1], "x^2 + y^2 > 1.44", process.mean_time(0.1f64.sqrt(), 1.2))];
        if process.shear == 0.0 {
            let tilt = 0.9;
            case.initial = Box::new(move |grid| cells_of(process.tilted(grid, tilt, 0.0)));
            case.times = vec![0.4, 1.0];
            case.law = Some(Box::new(move |grid, time| process.tilted(grid, tilt, time)));
            case.moments = Some(Box::new(move |time| {
                let mean = process.tilted_mean(tilt, time);
                let [x, y] = mean;
                (mean.to_vec(), vec![variance - x * x, -x * y, variance - y * y])
            }));
            let mut modes: Vec<(f64, f64)> = (0..4)
                .flat_map(|m| {
                    let sector = process.sector(m);
                    let turn = f64::from(m) * process.rotation;
                    let values: Vec<f64> = sector.values[..3].to_vec();
                    let signs: &[f64] = if m == 0 { &[0.0] } else { &[1.0, -1.0] };
                    values.into_iter().flat_map(|v| signs.iter().map(move |s| (v, s * turn))).collect::<Vec<_>>()
                })
                .collect();
            let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * (1.0 + a.abs());
            modes.sort_by(|a, b| if close(a.0, b.0) { b.1.total_cmp(&a.1) } else { a.0.total_cmp(&b.0) });
            case.eigenvalues = [1, 3, 5].map(|n| (n, modes[n].0, modes[n].1)).to_vec();
        }
        case
    };
    vec![
        of("focus", Hopf { growth: -0.5, rotation: 1.0, shear: 0.0, temperature: 0.3 }, 2.4),
        of("cycle", Hopf { growth: 1.0, rotation: 1.0, shear: 0.0, temperature: 0.25 }, 2.5),
        of("fast cycle", Hopf { growth: 1.0, rotation: 3.0, shear: 0.0, temperature: 0.25 }, 2.5),
        of("sheared", Hopf { growth: 0.7, rotation: 0.5, shear: 0.8, temperature: 0.3 }, 2.5),
    ]
}

fn packed(d: usize, full: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; packed_len(d)];
    (0..d).for_each(|i| (i..d).for_each(|j| out[packed_index(d, i, j)] = full[i * d + j]));
    out
}

fn linear() -> Vec<Case> {
    let of = |name: &str, process: OrnsteinUhlenbeck, start: Law, cells: &[usize], modes: &[usize]| {
        let d = start.mean.len();
        let rest = process.stationary();
        let ends: Vec<(f64, f64)> = (0..d)
            .map(|k| {
                let (low, high) = [0.0, 0.2, 0.5, 1.0]
                    .iter()
                    .map(|&t| process.law(&start, t))
                    .chain([rest.clone()])
                    .fold((0.0f64, 0.0f64), |(low, high), law| {
                        let reach = 6.0 * law.covariance[k * d + k].sqrt();
                        (low.min(law.mean[k] - reach), high.max(law.mean[k] + reach))
                    });
                (low, high)
            })
            .collect();
        let grids = boxes(&ends, Boundary::Reflecting, cells);
        let mut case = Case::new(format!("Ornstein-Uhlenbeck {name}"), process.clone(), process.temperature(), grids);
        let initial = start.initial();
        case.initial = Box::new(move |_| initial.clone());
        case.times = vec![0.3, 1.0];
        case.cut = true;
        let law = rest.clone();
        case.at_rest = Some(Box::new(move |grid| law.cell_probability(grid).unwrap()));
        case.moments_at_rest = Some((rest.mean.clone(), packed(d, &rest.covariance)));
        let (moving, begin) = (process.clone(), start.clone());
        case.law = Some(Box::new(move |grid, time| moving.law(&begin, time).cell_probability(grid).unwrap()));
        let (moving, begin) = (process.clone(), start);
        case.moments = Some(Box::new(move |time| {
            let law = moving.law(&begin, time);
            (law.mean.clone(), packed(d, &law.covariance))
        }));
        if d == 3 {
            // the chain takes minutes in space
            case.options = FokkerPlanckOptions { discretisation: Some(&EDGES), ..case.options };
        }
        let values = process.eigenvalues(12);
        case.eigenvalues = modes.iter().map(|&n| (n, values[n].0, values[n].1)).collect();
        if let Some(x) = process.coordinate(0) {
            let spread = rest.covariance[0].sqrt();
            let (from, mut at) = (-0.4 * spread, vec![0.0; d]);
            at[0] = from;
            // one deviation out, in words that are the same for all cases
            let (target, to): (&'static str, f64) = if spread > 0.5 { ("x > 0.6", 0.6) } else { ("x > 0.3", 0.3) };
            case.arrivals = vec![Arrival::at(&at, target, x.mean_time(from, to))];
            let (out, back, [a, b]): (&'static str, &'static str, [f64; 2]) =
                if spread > 0.5 { ("x > 0.6", "x < -0.7", [-0.7, 0.6]) } else { ("x > 0.3", "x < -0.4", [-0.4, 0.3]) };
            let exit = x.exit(from, [a, b]);
            case.arrivals.push(Arrival::either(&at, [out, back], exit.mean_time, Some(exit.mean_time_upper)));
        }
        case
    };
    let law = |mean: &[f64], variance: f64| {
        let d = mean.len();
        Law {
            mean: mean.to_vec(),
            covariance: (0..d * d).map(|at| if at % (d + 1) == 0 { variance } else { 0.0 }).collect(),
        }
    };
    let (s, c) = (PI / 6.0).sin_cos();
    let turned = |ratio: f64| {
        let cross = (1.0 - ratio) * c * s;
        [c * c + ratio * s * s, cross, cross, s * s + ratio * c * c]
    };
    vec![
        of("B08", OrnsteinUhlenbeck::b08(), law(&[0.3, -0.2], 0.03), &[48, 64, 80], &[1, 2, 3]),
        of(
            "P5 condition 10",
            OrnsteinUhlenbeck::new(&[1.0, 0.5, 0.5, 2.0], &turned(0.1), 0.1),
            law(&[0.3, -0.2], 0.05),
            &[32, 48],
            &[1, 2, 3],
        ),
        of(
            "spiral, condition 100",
            OrnsteinUhlenbeck::new(&[1.0, -1.2, 3.0, 0.8], &turned(0.01), 0.3),
            law(&[0.4, 0.2], 0.08),
            &[56],
            &[1, 3],
        ),
        of(
            "driven, singular",
            OrnsteinUhlenbeck::new(&[1.0, 0.0, -1.0, 1.5], &[1.0, 0.0, 0.0, 0.0], 0.2),
            law(&[0.3, -0.1], 0.05),
            &[48, 64, 80],
            &[1, 2],
        ),
        of(
            "driven, along a line",
            OrnsteinUhlenbeck::new(&[1.0, 0.0, -1.0, 2.0], &[1.0, 0.5, 0.5, 0.25], 0.4),
            law(&[0.3, -0.1], 0.1),
            &[48, 64],
            &[1, 2],
        ),
        of(
            "kinetic, singular",
            OrnsteinUhlenbeck::kinetic(1.69, 1.0, 0.5),
            law(&[0.5, 0.0], 0.15),
            &[48, 64, 80],
            &[1],
        ),
        of(
            "3-D",
            OrnsteinUhlenbeck::new(
                &[1.0, 0.0, 0.0, 0.4, 1.5, 0.3, 0.0, -0.5, 1.2],
                &[1.0, 0.3, 0.0, 0.3, 1.0, -0.2, 0.0, -0.2, 0.8],
                0.3,
            ),
            law(&[0.3, 0.0, -0.2], 0.15),
            &[16, 20, 24],
            &[1],
        ),
        of(
            "3-D, singular",
            OrnsteinUhlenbeck::new(
                &[1.0, 0.0, 0.0, -0.6, 1.2, 0.0, 0.0, -0.5, 1.5],
                &[1.0, 0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0],
                0.3,
            ),
            law(&[0.2, 0.0, -0.2], 0.12),
            &[16, 20, 24],
            &[1],
        ),
    ]
}

fn torus() -> Vec<Case> {
    let of = |name: &str, process: TorusFlow, cells: &[usize], modes: &[(usize, f64, f64)]| {
        let grids = boxes(&[(-PI, PI); 2], Boundary::Periodic, cells);
        let mut case = Case::new(format!("torus {name}"), process, process.temperature, grids);
        let start = [0.8, 0.6];
        case.initial = Box::new(move |grid| cells_of(process.cells(grid, start, 0.0)));
        case.times = vec![0.5, 1.5];
        case.at_rest = Some(Box::new(|grid: &Grid| vec![1.0 / grid.len() as f64; grid.len()]));
        case.law = Some(Box::new(move |grid, time| process.cells(grid, start, time)));
        let flat = PI * PI / 3.0;
        case.moments_at_rest = Some((vec![0.0; 2], vec![flat, 0.0, flat]));
        case.eigenvalues = modes.to_vec();
        if process.shear == 0.0 {
            let x = Drifted { drift: process.flow[0], spread: process.temperature * process.diffusion[0] };
            let exit = x.exit(0.2, [-1.0, 1.3]);
            case.arrivals = vec![
                Arrival::at(&[0.2, 0.5], "max(x > 1.3, x < -1)", exit.mean_time),
                Arrival::either(&[0.2, 0.5], ["x > 1.3", "x < -1"], exit.mean_time, Some(exit.mean_time_upper)),
            ];
        }
        case
    };
    let uniform = TorusFlow { flow: [0.7, -0.4], shear: 0.0, diffusion: [1.0, 0.25, 0.6], temperature: 0.3 };
    let shear = TorusFlow { flow: [0.0, 0.0], shear: 1.0, diffusion: [1.0, 0.0, 1.0], temperature: 0.3 };
    let carried = TorusFlow { flow: [0.3, 0.5], shear: 0.8, diffusion: [0.5, 0.0, 1.0], temperature: 0.25 };
    // all waves |k| ≤ 3 together, ascending
    let slow = |process: &TorusFlow, places: &[usize]| -> Vec<(usize, f64, f64)> {
        let mut all: Vec<(f64, f64)> = (-3..=3).flat_map(|k| process.waves(k).eigenvalues().unwrap()).collect();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * (1.0 + a.abs());
        all.sort_by(|a, b| if close(a.0, b.0) { b.1.total_cmp(&a.1) } else { a.0.total_cmp(&b.0) });
        places.iter().map(|&n| (n, all[n].0, all[n].1)).collect()
    };
    let cells = [24, 36, 48];
    vec![
        of("uniform", uniform, &cells, &slow(&uniform, &[1, 3])),
        of("shear", shear, &cells, &slow(&shear, &[1])),
        of("carried shear", carried, &cells, &slow(&carried, &[1])),
    ]
}

fn balls() -> Vec<Case> {
    let disc = |cells: &[usize]| {
        let ball = Ball { dimension: 2, temperature: 0.5 };
        let grids = boxes(&[(-1.1, 1.1); 2], Boundary::Reflecting, cells);
        let mut case = Case::new("disc", ball, 0.5, grids);
        let r = 0.3f64.hypot(0.4);
        let [inner, outer] = ["x^2 + y^2 < 0.0625", "x^2 + y^2 > 1"];
        case.times = vec![0.1];
        case.arrivals = vec![
            Arrival::at(&[0.0, 0.0], outer, ball.mean_time(0.0, 1.0)),
            Arrival::at(&[0.3, 0.4], outer, ball.mean_time(r, 1.0)),
            Arrival::either(&[0.3, 0.4], [outer, inner], ball.exit_time(r, [0.25, 1.0]), None),
        ];
        case.basin = Some((["x^2 + y^2 < 1", "x^2 + y^2 >= 1"], ball.decay_rate(1.0)));
        case
    };
    let ball = |cells: &[usize]| {
        let ball = Ball { dimension: 3, temperature: 0.5 };
        let grids = boxes(&[(-1.15, 1.15); 3], Boundary::Reflecting, cells);
        let mut case = Case::new("ball", ball, 0.5, grids);
        let r = (0.09f64 + 0.04 + 0.01).sqrt();
        case.times = vec![0.1];
        case.arrivals = vec![
            Arrival::at(&[0.0, 0.0, 0.0], "x^2 + y^2 + z^2 > 1", ball.mean_time(0.0, 1.0)),
            Arrival::at(&[0.3, 0.2, 0.1], "x^2 + y^2 + z^2 > 1", ball.mean_time(r, 1.0)),
        ];
        case.basin = Some((["x^2 + y^2 + z^2 < 1", "x^2 + y^2 + z^2 >= 1"], ball.decay_rate(1.0)));
        case
    };
    vec![disc(&[32, 64, 96]), ball(&[16, 24, 32])]
}

fn heston() -> Vec<Case> {
    let process = Heston { rate: 2.0, mean: 0.04, volatility: 0.5, correlation: -0.7 };
    let axes = |n: usize| [(-1.5, 1.0, n), (0.0, 0.6, 3 * n / 5)];
    let grids = [60, 100, 120].map(|n| uniform(&axes(n), Boundary::Reflecting).unwrap()).to_vec();
    let mut case = Case::new("Heston", process, 0.5, grids);
    case.initial = Box::new(move |_| Initial::Point { at: vec![0.0, process.mean] });
    case.cut = true;
    case.times = vec![0.25, 1.0];
    case.moments = Some(Box::new(move |time| {
        let (mean, covariance) = process.moments(time);
        (mean.to_vec(), covariance.to_vec())
    }));
    case.options = FokkerPlanckOptions { stationary: false, ..case.options };
    vec![case]
}

#[test]
fn estimates_hold_within_a_factor_of_three() {
    let families: [(&str, Family); 11] = [
        ("jacobi", jacobi),
        ("square root", square_root),
        ("student", student),
        ("bessel", bessel),
        ("washboard", washboard),
        ("laplace", laplace),
        ("hopf", hopf),
        ("linear", linear),
        ("torus", torus),
        ("balls", balls),
        ("heston", heston),
    ];
    let only = std::env::var("FAMILY").unwrap_or_default();
    let cases: Vec<Case> =
        families.iter().filter(|(name, _)| name.contains(&only)).flat_map(|(_, family)| family()).collect();
    let only_some = !only.is_empty();
    let runs: Vec<(&Case, &Grid)> =
        cases.iter().flat_map(|case| case.grids.iter().map(move |grid| (case, grid))).collect();
    let all: Vec<Number> = runs.par_iter().flat_map_iter(|(case, grid)| numbers(case, grid)).collect();
    let of = |judgement: Judgement| all.iter().filter(move |number| number.judgement() == judgement);
    all.iter().for_each(|number| println!("{}", number.line()));
    for class in CLASSES {
        let count = |judgement| of(judgement).filter(|number| number.class == class).count();
        let [held, rounding, unknown, failed] =
            [Judgement::Held, Judgement::Rounding, Judgement::Unknown, Judgement::Failed].map(count);
        println!("{class:?}: held {held}, rounding {rounding}, unknown {unknown}, not held {failed}");
    }
    let mut beyond = Vec::new();
    for case in &cases {
        for class in CLASSES {
            let failed: Vec<String> = of(Judgement::Failed)
                .filter(|number| number.case == case.name && number.class == class)
                .map(Number::line)
                .collect();
            let known = KNOWN.iter().find(|(name, of, ..)| *name == case.name && *of == class);
            let (most, why) = known.map_or((0, "?"), |(_, _, most, why)| (*most, *why));
            if failed.len() != most {
                println!("now: (\"{}\", Class::{class:?}, {}, \"{why}\"),", case.name, failed.len());
            }
            if failed.len() > most {
                beyond.push(format!(
                    "{}, {class:?}: {} not held, {most} known\n{}",
                    case.name,
                    failed.len(),
                    failed.join("\n")
                ));
            }
        }
    }
    assert!(beyond.is_empty(), "estimates that do not hold:\n{}", beyond.join("\n"));
    if only_some {
        return;
    }
    for class in CLASSES {
        let held = of(Judgement::Held).filter(|number| number.class == class).count();
        assert!(held >= LEAST, "{class:?}: {held} numbers held, {LEAST} wanted");
    }
}
