//! Units are a convention: a problem whose axes and time are measured in other units, and from other zeros, has the same answers in
//! these units. Whole records are compared, dataset by dataset and attribute by attribute: engines, analyses and all their estimates.
//!
//! By powers of two nothing is rounded differently, so that what is left is the rounding of logarithms; by powers of ten, 10⁻⁹ to 10⁹,
//! every coordinate is rounded once more. A zero that lies s axes away costs the digits of s.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use fpsolve::reader::Source;
use fpsolve::record::{Attribute, Group, Record, Values};
use fpsolve::run::{Reached, Status, run};
use fpsolve::scenario::Scenario;
use proptest::prelude::*;

/// x = c + a·(x in plain units), time in units of t.
#[derive(Debug, Clone, Copy)]
struct Units {
    a: [f64; 2],
    c: [f64; 2],
    t: f64,
}

const PLAIN: Units = Units { a: [1.0; 2], c: [0.0; 2], t: 1.0 };

impl Units {
    fn at(&self, k: usize, x: f64) -> f64 {
        self.c[k] + self.a[k] * x
    }

    /// How far the zeros are away, in axes.
    fn condition(&self) -> f64 {
        1.0 + (0..2).map(|k| (self.c[k] / self.a[k]).abs()).fold(0.0, f64::max)
    }

    /// The parameters of the formulas, in which u and v are the coordinates in plain units.
    fn parameters(&self) -> String {
        let Units { a: [a, b], c: [c, f], t } = self;
        format!("parameters = {{ a = {a:e}, b = {b:e}, c = {c:e}, f = {f:e}, t = {t:e} }}")
    }
}

/// What is random in a problem.
#[derive(Debug, Clone, Copy)]
struct Shape {
    tilt: f64,
    noise: f64,
    coupling: f64,
    start: f64,
}

/// A tilted double well in one variable with noise that depends on it, from a point.
fn well(u: &Units, s: &Shape, sense: &str) -> String {
    let at = |x: f64| format!("{:e}", u.at(0, x));
    let time = |t: f64| format!("{:e}", t * u.t);
    format!(
        r#"
schema = 1
seed = 7
engines = ["fokker-planck", "langevin"]
[model]
kind = "formula"
variables = ["x"]
{parameters}
loss = "a^2/t*(((x - c)/a)^4/4 - ((x - c)/a)^2/2 + {tilt}*(x - c)/a)"
[noise]
kind = "formula"
diffusion = [["a^2/t*(1 + {noise}*((x - c)/a)^2)"]]
interpretation = "{sense}"
[dynamics]
temperature = 0.125
[grid]
axes = [{{ from = {from}, to = {to}, cells = 96 }}]
[initial]
kind = "point"
at = [{start}]
[time]
at = [0, {early}, {late}]
[fokker_planck]
unresolved = "accept"
[langevin]
walkers = 256
[analysis]
eigenpairs = 2
critical_points = true
first_passage = [{{ name = "over", from = [{left}], target = "(x - c)/a > 0.9", avoid = "(x - c)/a < -1.9", walkers = 64 }}]
quasi_stationary = [{{ name = "left", basin = "(x - c)/a < 0.1" }}]
"#,
        parameters = u.parameters(),
        tilt = s.tilt,
        noise = s.noise,
        from = at(-2.25),
        to = at(2.25),
        start = at(s.start),
        left = at(-0.9),
        early = time(0.125),
        late = time(2.0),
    )
}

/// A well in x coupled to y with a full tensor D, in different units.
fn plane(u: &Units, s: &Shape, discretisation: &str) -> String {
    let at = |k: usize, x: f64| format!("{:e}", u.at(k, x));
    let time = |t: f64| format!("{:e}", t * u.t);
    let (tilt, noise, coupling) = (s.tilt, s.noise, s.coupling);
    format!(
        r#"
schema = 1
seed = 7
engines = ["fokker-planck", "langevin"]
[model]
kind = "formula"
variables = ["x", "y"]
{parameters}
drift = [
  "a/t*((x - c)/a - ((x - c)/a)^3 - {tilt} - {coupling}*(y - f)/b)",
  "b/t*(-(y - f)/b - {coupling}*(x - c)/a)",
]
[noise]
kind = "formula"
diffusion = [["a^2/t", "{coupling}*a*b/t"], ["{coupling}*a*b/t", "b^2/t*(1 + {noise}*((x - c)/a)^2)"]]
[dynamics]
temperature = 0.125
[grid]
axes = [{{ from = {x0}, to = {x1}, cells = 32 }}, {{ from = {y0}, to = {y1}, cells = 24 }}]
[initial]
kind = "point"
at = [{x}, {y}]
[time]
at = [0, {early}, {late}]
[fokker_planck]
unresolved = "accept"
discretisation = "{discretisation}"
[langevin]
walkers = 256
[analysis]
eigenpairs = 2
first_passage = [{{ name = "over", from = [{left}, {y}], target = "(x - c)/a > 0.9", walkers = 64 }}]
"#,
        parameters = u.parameters(),
        x0 = at(0, -2.25),
        x1 = at(0, 2.25),
        y0 = at(1, -2.0),
        y1 = at(1, 2.0),
        x = at(0, s.start),
        y = at(1, 0.25),
        left = at(0, -0.9),
        early = time(0.25),
        late = time(2.0),
    )
}

/// Logistic and quadratic losses of four samples: SGD, its Gaussian twin, descent, and what is said of their noise.
fn samples(u: &Units, s: &Shape, order: u8) -> String {
    let at = |x: f64| format!("{:e}", u.at(0, x));
    let time = |t: f64| format!("{:e}", t * u.t);
    format!(
        r#"
schema = 1
seed = 7
engines = ["fokker-planck", "langevin", "sgd", "gaussian-sgd", "gradient-descent"]
[model]
kind = "sample-loss"
variables = ["x"]
{parameters}
sample_loss = "a^2/t*(k/2*((x - c)/a - q)^2 + {tilt}*log(1 + exp(-q*(x - c)/a)) + {coupling}*tanh(k*(x - c)/a))"
[model.data]
points = {{ k = [0.5, 1, 1.5, 2], q = [1, -1, 0.5, 0] }}
[dynamics]
learning_rate = {eta}
batch_size = 2
order = {order}
[grid]
axes = [{{ from = {from}, to = {to}, cells = 96 }}]
[initial]
kind = "gaussian"
mean = [{start}]
std = [{std:e}]
[time]
at = [0, {early}, {late}]
[fokker_planck]
unresolved = "accept"
discretisation = "edges"   # third derivatives by differences are known to nine digits, which decide how finely a chain's moments are followed
[langevin]
walkers = 256
[sgd]
walkers = 256
[analysis]
eigenpairs = 2
critical_points = true
outliers = {{ at = "minima", q = 0.5 }}
"#,
        parameters = u.parameters(),
        tilt = s.tilt,
        coupling = s.coupling,
        eta = time(0.125),
        from = at(-2.0),
        to = at(2.5),
        start = at(s.start),
        std = 0.25 * u.a[0],
        early = time(0.25),
        late = time(2.0),
    )
}

fn record(text: &str) -> Record {
    let scenario = Scenario::parse(Source::from_text(Path::new("scaling.toml"), text.to_string())).unwrap();
    let run = run(&scenario.problem().unwrap(), &|| false, &|_| {}, &Reached::nothing_of(&scenario));
    assert!(run.status == Status::Complete, "{:?}", run.failure);
    run.record
}

/// What a number is measured in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Pure,
    Time,
    Rate,
    /// A coordinate: of the axis with this number, or by the `component` of the dataset.
    Position(Option<usize>),
    Length(Option<usize>),
    Covariance,
    Density,
    Current,
    Drift,
    /// D where it carries all units; a²/t as for the loss.
    Diffusion,
    /// Covariance of gradients, (a/t)².
    Gradients,
    Loss,
    /// Differential entropy: its zero moves.
    Entropy,
    /// Rounding, seconds, or a maximum over axes in different units.
    None,
}

/// The unit of a number by its name and group.
fn unit(group: &str, name: &str, of_samples: bool) -> Unit {
    let of_axis = |axis: &str| usize::from(axis == "y");
    let escape = group.starts_with("escape/") || group.starts_with("quasi_stationary/");
    match name {
        "residual" | "mass_error" | "mass_corrected" | "projected_mass" | "projected_negative" => Unit::None,
        // roots of lengths, the largest over the axes
        _ if name.starts_with("energy_distance") => Unit::None,
        "high_peclet_probability" | "wasserstein_1" | "wasserstein_1_noise_floor" | "wasserstein_1_noise_upper" => {
            Unit::None
        }
        "time" | "trajectory_time" | "error_grid_time" | "step" | "langevin_step" | "langevin_horizon" | "kramers" => {
            Unit::Time
        }
        "mean_first_passage_time" | "mean_first_passage_time_error" | "effective_learning_rate" => Unit::Time,
        "rate" | "rate_error" | "rate_extrapolated" | "entropy_production" | "entropy_production_error" => Unit::Rate,
        "current_error" => Unit::Rate,
        "x" | "x_edges" | "sgd_reach_lower" | "sgd_reach_upper" => Unit::Position(Some(0)),
        "y" | "y_edges" => Unit::Position(Some(1)),
        "mean" | "mean_extrapolated" | "quantile" | "position" | "trajectory" if !escape => Unit::Position(None),
        "mean_error" | "mean_se" if !escape => Unit::Length(None),
        "covariance" | "covariance_error" | "covariance_extrapolated" | "covariance_se" => Unit::Covariance,
        "density" | "left" | "min_density" => Unit::Density,
        "entropy" => Unit::Entropy,
        "current" => Unit::Current,
        "drift" => Unit::Drift,
        "diffusion" if of_samples => Unit::Gradients,
        "diffusion" => Unit::Diffusion,
        "loss" | "sample_loss" => Unit::Loss,
        "potential" | "temperature" | "beta" | "learning_rate" if of_samples => Unit::Time,
        "error_grid" if group == "spectrum" => Unit::Rate,
        "error_grid" if escape => Unit::Time,
        "eigenvalues" if group == "landscape/critical_points" => Unit::Rate,
        _ if name.starts_with("eigenvalues_") => Unit::Rate,
        _ if name.starts_with("wasserstein_1_") => Unit::Length(Some(of_axis(&name[14..15]))),
        _ if escape
            && ["from_value", "from_exit", "from_conditional", "langevin_m", "langevin_exit", "langevin_cond"]
                .iter()
                .any(|word| name.starts_with(word)) =>
        {
            Unit::Time
        }
        _ => Unit::Pure,
    }
}

impl Unit {
    /// The factor and the shift of an entry with these indices along the named axes.
    fn factor(self, u: &Units, d: usize, entry: &dyn Fn(&str) -> Option<usize>) -> (f64, f64) {
        let volume: f64 = u.a[..d].iter().product();
        let component = |given: Option<usize>| given.or(entry("component")).unwrap_or(0);
        let product = || u.a[entry("row").unwrap_or(0)] * u.a[entry("column").unwrap_or(0)];
        match self {
            Self::Pure => (1.0, 0.0),
            Self::Time => (u.t, 0.0),
            Self::Rate => (1.0 / u.t, 0.0),
            Self::Position(k) => (u.a[component(k)], u.c[component(k)]),
            Self::Length(k) => (u.a[component(k)], 0.0),
            Self::Covariance => (product(), 0.0),
            Self::Density => (1.0 / volume, 0.0),
            Self::Current => (u.a[component(None)] / (u.t * volume), 0.0),
            Self::Drift => (u.a[component(None)] / u.t, 0.0),
            Self::Diffusion => (product() / u.t, 0.0),
            Self::Gradients => (product() / (u.t * u.t), 0.0),
            Self::Loss => (u.a[0] * u.a[0] / u.t, 0.0),
            Self::Entropy => (1.0, volume.ln()),
            Self::None => (0.0, 0.0),
        }
    }
}

/// Compares all numbers of two groups and of what is below them; gives back how many there were.
fn compare(path: &str, plain: &Group, scaled: &Group, c: &Comparison) -> usize {
    let (mut count, mut seen) = (0, Vec::new());
    for (name, value) in &plain.attributes {
        let (Attribute::Float(x), Some(Attribute::Float(y))) = (value, scaled.attribute(name)) else { continue };
        let (factor, shift) = unit(path, name, c.of_samples).factor(&c.units, c.d, &|_| None);
        c.check(&format!("{path}@{name}"), &[(*x, *y, factor, shift)]);
        count += 1;
    }
    for dataset in &plain.datasets {
        let place = format!("{path}/{}", dataset.name);
        let other =
            scaled.datasets.iter().find(|other| other.name == dataset.name).unwrap_or_else(|| panic!("{place}"));
        let (Values::Float(x), Values::Float(y)) = (&dataset.values, &other.values) else { continue };
        assert_eq!(x.shape(), y.shape(), "{place}");
        let unit = unit(path, &dataset.name, c.of_samples);
        let rows: Vec<(f64, f64, f64, f64)> = x
            .indexed_iter()
            .zip(y)
            .map(|((index, &x), &y)| {
                let entry = |axis: &str| dataset.axes.iter().position(|name| name == axis).map(|at| index[at]);
                let (factor, shift) = unit.factor(&c.units, c.d, &entry);
                (x, y, factor, shift)
            })
            .collect();
        c.check(&place, &rows);
        count += rows.len();
        seen.push(&dataset.name);
    }
    for group in plain.groups.iter().filter(|group| group.name != "provenance") {
        let place = if path.is_empty() { group.name.clone() } else { format!("{path}/{}", group.name) };
        let other = scaled.groups.iter().find(|other| other.name == group.name).unwrap_or_else(|| panic!("{place}"));
        count += compare(&place, group, other, c);
    }
    count
}

/// Two records are compared.
struct Comparison {
    units: Units,
    d: usize,
    of_samples: bool,
    /// Error that counts as rounding, relative to the largest number of a dataset, and absolute in plain units, where lengths
    /// and times are of order one.
    tolerance: (f64, f64),
}

impl Comparison {
    /// Checks rows of plain, scaled, factor, shift. A number and its estimate are differences of what is known to rounding.
    fn check(&self, place: &str, rows: &[(f64, f64, f64, f64)]) {
        let condition = self.units.condition();
        let largest = rows.iter().map(|row| row.0.abs()).filter(|x| x.is_finite()).fold(0.0, f64::max);
        // errors come from cells up to 32 times as fine, and rounding grows with the rates between them
        let finer = if place.ends_with("_error") { 32.0 } else { 1.0 };
        let allowed = (self.tolerance.0 * largest + self.tolerance.1) * condition * finer;
        for &(x, y, factor, shift) in rows.iter().filter(|row| row.2 != 0.0) {
            let same = x == y || (x.is_nan() && y.is_nan()) || ((y - shift) / factor - x).abs() <= allowed;
            assert!(
                same,
                "{place}: {x:e} became {y:e}, which is {:e} in plain units, not within {allowed:e}; {:?}",
                (y - shift) / factor,
                self.units
            );
        }
    }
}

/// Runs a scenario in plain and in other units.
fn transforms(text: &dyn Fn(&Units) -> String, units: Units, d: usize, of_samples: bool, tolerance: (f64, f64)) {
    let (plain, scaled) = (record(&text(&PLAIN)), record(&text(&units)));
    let count = compare("", &plain, &scaled, &Comparison { units, d, of_samples, tolerance });
    assert!(count > 1000, "{count}");
}

fn shapes() -> impl Strategy<Value = Shape> {
    (0.02..0.2, 0.0..0.5, 0.1..0.6, 0.2..0.6).prop_map(|(tilt, noise, coupling, start)| Shape {
        tilt,
        noise,
        coupling,
        start,
    })
}

/// Powers of ten, and zeros up to a thousand axes away.
fn tens() -> impl Strategy<Value = Units> {
    (prop::array::uniform2(-9..=9), -9..=9, prop::array::uniform2(prop::sample::select(vec![0.0, 3.0, -1000.0])))
        .prop_map(|(exponents, time, shift): ([i32; 2], i32, [f64; 2])| {
            let a = exponents.map(|n| 10f64.powi(n));
            Units { a, c: [shift[0] * a[0], shift[1] * a[1]], t: 10f64.powi(time) }
        })
}

/// Powers of two.
fn twos() -> impl Strategy<Value = Units> {
    (prop::array::uniform2(-30..=30), -30..=30).prop_map(|(exponents, time): ([i32; 2], i32)| Units {
        a: exponents.map(|n| 2f64.powi(n)),
        c: [0.0; 2],
        t: 2f64.powi(time),
    })
}

/// Rounding of coordinates, 10⁻¹⁶, times what mean times and rates of the slowest modes make of it.
const ROUNDED: (f64, f64) = (1e-8, 1e-10);
/// The same for third derivatives, which are differences of differences: 10⁻¹⁶ over the square of their steps of 6·10⁻⁴, over T.
const DIFFERENCES: (f64, f64) = (1e-6, 1e-8);
/// Rounding of logarithms and exponentials.
const EXACT: (f64, f64) = (1e-10, 1e-12);

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2,
        rng_seed: proptest::test_runner::RngSeed::Fixed(11),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    })]

    #[test]
    fn wells_in_other_units(s in shapes(), ten in tens(), two in twos(), sense in prop::sample::select(vec!["ito", "stratonovich", "haenggi-klimontovich"])) {
        transforms(&|u| well(u, &s, sense), ten, 1, false, ROUNDED);
        transforms(&|u| well(u, &s, sense), two, 1, false, EXACT);
    }

    #[test]
    fn planes_in_other_units(s in shapes(), ten in tens(), two in twos(), word in prop::sample::select(vec!["edges", "chain"])) {
        transforms(&|u| plane(u, &s, word), ten, 2, false, ROUNDED);
        transforms(&|u| plane(u, &s, word), two, 2, false, EXACT);
    }

    #[test]
    fn samples_in_other_units(s in shapes(), ten in tens(), two in twos(), order in 1u8..=3) {
        transforms(&|u| samples(u, &s, order), ten, 1, true, if order == 3 { DIFFERENCES } else { ROUNDED });
        transforms(&|u| samples(u, &s, order), two, 1, true, EXACT);
    }
}
