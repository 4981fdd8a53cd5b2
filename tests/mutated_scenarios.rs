//! Mutated scenarios are either accepted or refused with words and advice; nothing panics. Seeded, in process.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use fpsolve::analysis::ANALYSES;
use fpsolve::limits;
use fpsolve::reader::Source;
use fpsolve::scenario::Scenario;
use miette::Report;
use toml::de::DeTable;

/// Mutants of one run; the environment variable FPSOLVE_MUTANTS asks for another number.
const MUTANTS: usize = 6000;

/// The keys of `[analysis]`.
fn keys() -> impl Iterator<Item = &'static str> {
    ANALYSES.iter().filter_map(|entry| entry.key)
}

fn mutants() -> usize {
    std::env::var("FPSOLVE_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(MUTANTS)
}

/// Every key of the format at least once, besides the shipped scenarios; half of the mutants are theirs.
const BASES: [&str; 5] = [
    r#"schema = 1
name = "all"
description = "every key"
seed = 3
engines = ["fokker-planck", "langevin"]
[model]
kind = "formula"
variables = ["x", "y"]
parameters = { a = 0.3, b = 2 }
loss = "(x^2 - 1)^2/4 + a*x*y + y^b/2"
[noise]
kind = "formula"
diffusion = [["1 + x^2", "0.1"], ["0.1", "1"]]
interpretation = "stratonovich"
floor = 0.01
[dynamics]
temperature = 0.1
order = 1
[grid]
axes = [{ from = -2.5, to = 2.5, cells = 16, boundary = "reflecting" }, { from = -2, to = 2, cells = 12, boundary = ["reflecting", "reflecting"] }]
[initial]
kind = "gaussian"
mean = [-1.0, 0.0]
covariance = [[0.04, 0.01], [0.01, 0.04]]
[time]
end = 50.0
outputs = 4
spacing = "log"
[fokker_planck]
method = "auto"
tolerance = 1e-6
stationary = true
[langevin]
walkers = 1000
step = 0.01
scheme = "euler-maruyama"
trajectories = 3
[analysis]
first_passage = [{ name = "over", from = [-1, 0], target = "(x > 0)*(y < 1)", avoid = "x < -1.5", walkers = 50, horizon = 80 }]
[compare]
max_total_variation = 0.02
[expect]
"stationary/mean/x" = { value = 0.0, atol = 1e-8 }
[output]
file = "all.h5"
"#,
    r#"[model]
kind = "sample-loss"
variables = ["w"]
parameters = { a = 1.2, b = 0.3 }
sample_loss = "(y - a*tanh(w*(x - b)))^2"
[model.data]
teacher = { inputs = { from = -2, to = 2, samples = 9, spacing = "random" }, function = "sin(3*x)", noise_std = 0.1, outliers = [{ index = 5, shift = 4.0 }] }
standardize = true
[noise]
kind = "minibatch"
[dynamics]
learning_rate = 0.05
batch_size = 4
replacement = "epoch"
[grid]
axes = [{ from = 0.1, to = 4, cells = 20, boundary = "periodic" }]
[initial]
kind = "formula"
density = "exp(-w^2)"
[time]
at = [0, 1, 2.5]
[sgd]
walkers = 50
optimizer = { kind = "sgd" }
"#,
    r#"[model]
kind = "tanh-regression"
centers = [-1, 0, 1]
slopes = [0, 1, 1]
sample_gradient = "total"
[model.data]
points = { x = [-2, -1, 0, 1, 2, 3, 4], y = [1, 2, 0, -1, 1, 2, 0] }
[noise]
kind = "minibatch"
weights = "trained"
[dynamics]
learning_rate = 0.1
batch_size = 2
replacement = false
[grid]
axes = [{ from = 0.1, to = 3, cells = 9 }, { from = 0.1, to = 3, cells = 8 }]
[initial]
kind = "gaussian"
mean = [1, 1]
std = [0.1, 0.2]
[time]
end = 2
spacing = "log"
first = 0.01
[fokker_planck]
discretisation = "edges"
[sgd]
optimizer = { kind = "momentum", mu = 0.5 }
[analysis]
eigenpairs = 6
critical_points = true
merge_tree = true
rare_event = [{ name = "over", from = [1.0, 0.5], target = "w1 > 1.2", score = "w1", engine = "langevin", replicas = 8, repetitions = 2 }]
quasi_stationary = [{ name = "low", basin = "w1 < 1" }]
decomposition = "estimate"
outliers = { at = [[1.0, 0.5]], q = 0.1, c = 2.0, scale = "max-loss" }
first_passage = [{ name = "escape", from = [1.0, 0.5], target = "w1 > 1" }]
"#,
    r#"engines = ["fokker-planck", "langevin", "gaussian-sgd", "sgd", "gradient-descent"]
[model]
kind = "tanh-regression"
centers = [-1, 0, 1]
slopes = [0, 1, 1]
amplitudes = [1, -1, 2]
sample_gradient = "envelope"
[model.data]
points = { x = [-2, -1, 0, 1, 2], y = [1, 2, 0, -1, 1] }
[noise]
kind = "isotropic"
variance = 0.5
[dynamics]
learning_rate = 0.1
batch_size = 2
importance = { c = 1.0, scale = 2.0, reweight = false }
[grid]
axes = [{ from = 0.1, to = 3, cells = 9, grading = { center = 1, width = 0.5 } }, { edges = [0.1, 0.4, 0.8, 1.5, 2.2, 3] }]
[initial]
kind = "point"
at = [1, 1]
[time]
end = 2
[analysis]
outliers = { at = "minima" }
"#,
    r#"[model]
variables = ["x"]
drift = ["x - x^3"]
[dynamics]
temperature = 0.3
[grid]
bounds = "auto"
cells = [40]
[initial]
kind = "gaussian"
mean = [-1]
std = [0.3]
[time]
end = 3
[langevin]
walkers = 100
[analysis]
eigenpairs = 2
"#,
];

/// Values that meet no key's expectation, or only by accident.
const VALUES: [&str; 24] = [
    "-1",
    "0",
    "1",
    "3",
    "1e308",
    "-0.0",
    "nan",
    "inf",
    "1e-320",
    "99999999999999999999",
    "\"\"",
    "\"x\"",
    "\"w\"",
    "true",
    "[]",
    "{}",
    "[[]]",
    "[1, \"a\"]",
    "{ kind = \"formula\" }",
    "2024-01-01",
    "\"\u{e9}\u{1F600}\"",
    "0x7fffffffffffffff",
    "\"x^\"",
    "'''a\nb'''",
];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }
}

fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let at = dice.roll(lines.len());
    match dice.roll(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(dice.roll(lines.len()), lines[at].clone()),
        2 => lines.truncate(at),
        3 | 4 => {
            if let Some((key, _)) = lines[at].split_once('=') {
                lines[at] = format!("{key}= {}", VALUES[dice.roll(VALUES.len())]);
            }
        }
        5 => lines[at] = swap_number(&lines[at], dice),
        6 => {
            let mut letters: Vec<char> = lines[at].chars().collect();
            let place = dice.roll(letters.len() + 1);
            letters.insert(place, ['x', '"', '[', '}', '=', '-', '9', '\\', '\u{fc}', '.'][dice.roll(10)]);
            lines[at] = letters.into_iter().collect();
        }
        _ => {
            let mut letters: Vec<char> = lines[at].chars().collect();
            if !letters.is_empty() {
                letters.remove(dice.roll(letters.len()));
            }
            lines[at] = letters.into_iter().collect();
        }
    }
    lines.join("\n") + "\n"
}

/// One number or word inside a line replaced by a value.
fn swap_number(line: &str, dice: &mut Dice) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let starts: Vec<usize> =
        line.char_indices().filter(|&(i, c)| inside(c) && !line[..i].ends_with(inside)).map(|(i, _)| i).collect();
    if starts.is_empty() {
        return line.to_string();
    }
    let start = starts[dice.roll(starts.len())];
    let length = line[start..].find(|c| !inside(c)).unwrap_or(line.len() - start);
    format!("{}{}{}", &line[..start], VALUES[dice.roll(VALUES.len())], &line[start + length..])
}

fn small(scenario: &Scenario) -> bool {
    let cells: usize = scenario.grid.value.shape(scenario.dimension()).iter().product();
    let samples = scenario.model.data.as_ref().map_or(1, |data| match &data.value.origin {
        fpsolve::scenario::data::Origin::Teacher(teacher) => teacher.samples,
        _ => 200,
    });
    cells * samples <= 200_000
}

/// What `fpsolve check` does: reads, adds up the memory, builds the problem; false where a large problem was not built.
fn check(text: &str) -> Result<bool, Report> {
    let scenario = Scenario::parse(Source::from_text(Path::new("scenarios/mutant.toml"), text.to_string()))?;
    let engines = scenario.engines_to_run()?;
    limits::check(&scenario, &engines, 1 << 34).map_err(|failure| failure.report)?;
    if !small(&scenario) {
        return Ok(false);
    }
    scenario.problem().map(|_| true)
}

/// The keys of `[analysis]` that a scenario asks for.
fn analyses(text: &str) -> Vec<&'static str> {
    let scenario = DeTable::parse(text).unwrap();
    let table = scenario.get_ref().get("analysis").map(|table| table.get_ref());
    let asked = |key: &&str| table.is_some_and(|table| table.get(*key).is_some());
    keys().filter(asked).collect()
}

#[test]
fn mutants_are_accepted_or_refused_with_words() {
    let shipped: Vec<String> = common::shipped().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut accepted, mut refused) = (0, 0);
    let (mut of_base, mut of_analysis) = ([0; BASES.len()], BTreeMap::new());
    let mutants = mutants();
    for i in 0..mutants {
        let base = i / 2 % BASES.len();
        let mut text = if i % 2 == 0 { BASES[base].to_string() } else { shipped[i / 2 % shipped.len()].clone() };
        for _ in 0..=dice.roll(3) {
            text = mutate(&text, &mut dice);
        }
        match check(&text) {
            Ok(built) => {
                accepted += 1;
                if built {
                    of_base[base] += usize::from(i % 2 == 0);
                    analyses(&text).into_iter().for_each(|key| *of_analysis.entry(key).or_insert(0) += 1);
                }
            }
            Err(report) => {
                refused += 1;
                assert!(!report.to_string().is_empty() && report.help().is_some(), "no advice: {report:?}\n{text}");
            }
        }
    }
    println!(
        "{accepted} accepted, {refused} refused; built of each base: {of_base:?}; of each analysis: {of_analysis:?}"
    );
    assert!(
        accepted > mutants / 50 && refused > mutants / 2,
        "{accepted} accepted, {refused} refused: the mutations are too tame or too wild"
    );
    // a base has a tenth of the mutants, and a tenth of those of a long base are accepted
    assert!(of_base.iter().all(|&built| built > mutants / 400), "mutants of the bases that were built: {of_base:?}");
    for key in keys() {
        let built = of_analysis.get(key).copied().unwrap_or(0);
        assert!(built > mutants / 400, "analysis.{key} is asked for by {built} accepted mutants: {of_analysis:?}");
    }
}

#[test]
fn the_bases_are_good() {
    for (i, text) in BASES.iter().enumerate() {
        let built = check(text);
        assert!(matches!(built, Ok(true)), "base {i}: {built:?}");
    }
}
