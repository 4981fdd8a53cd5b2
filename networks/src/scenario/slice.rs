//! `[[slice]]`: planes through the parameters of trained networks.

use fpsolve::reader::{Table, Value};
use fpsolve::scenario::output;
use miette::Result;

use super::Importance;

/// A plane θ₀ + s a + t b.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Name of its group.
    pub name: String,
    /// Where a and b come from.
    pub directions: Directions,
    /// The run whose last parameters are θ₀.
    pub run: RunName,
    /// Training samples whose losses are tabulated.
    pub samples: usize,
    /// s and t.
    pub axes: [SliceAxis; 2],
    /// What batch norm takes for its statistics.
    pub norm: Norm,
    /// Whether a and b are made orthogonal and equally long.
    pub orthogonal: bool,
}

/// Nodes along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceAxis {
    /// First node.
    pub from: f64,
    /// Last node.
    pub to: f64,
    /// Number of nodes.
    pub nodes: usize,
}

/// Where directions come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Directions {
    /// Differences to the last parameters of two other runs.
    Minima([RunName; 2]),
    /// Principal components of the checkpoints of the run, as seen from its end.
    Pca,
    /// Eigenvectors of the two largest eigenvalues of the Hessian.
    Hessian,
    /// Normal, each filter as long as that of the parameters (Li et al. 2018, arXiv:1712.09913).
    Random,
}

/// A run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunName {
    /// Place of its rule in `importance.c`.
    pub rule: usize,
    /// Its seed.
    pub seed: u64,
}

/// Statistics of batch norm over a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// Those of all tabulated samples at θ₀.
    Frozen,
    /// Those of all tabulated samples at each node.
    Recomputed,
}

const KEYS: &[&str] = &["name", "directions", "run", "others", "samples", "axes", "batch_norm", "orthogonal"];

/// Reads all `[[slice]]`. Errors: a run that is not made; values out of range; one name twice.
pub(super) fn read(root: &Table, importance: &Importance, seeds: &[u64]) -> Result<Vec<Slice>> {
    let Some(value) = root.get("slice") else { return Ok(Vec::new()) };
    let mut slices: Vec<Slice> = Vec::new();
    for value in value.list()? {
        let slice = one(&value, importance, seeds)?;
        if slices.iter().any(|other| other.name == slice.name) {
            let message = format!("two slices are called {}", slice.name);
            return Err(value.error(message, "a name that is taken", "give each slice a name of its own"));
        }
        slices.push(slice);
    }
    Ok(slices)
}

fn one(value: &Value, importance: &Importance, seeds: &[u64]) -> Result<Slice> {
    let table = value.table(KEYS)?;
    let name = table.require("name", "write name = \"minima\"")?;
    let text = name.string()?.value;
    if !output::is_bare_name(&text) {
        return Err(name.error(
            format!("\"{text}\" cannot be the name of a slice"),
            "not a name",
            "write a short word",
        ));
    }
    let run = |value: &Value| run(value, importance, seeds);
    let words = [("minima", 0), ("pca", 1), ("hessian", 2), ("random", 3)];
    let help = "write directions = \"minima\", \"pca\", \"hessian\" or \"random\"";
    let directions = match table.require("directions", help)?.choice(&words)?.value {
        0 => {
            let help = "write others = [{ seed = 2 }, { seed = 3 }]: the runs that the plane goes through";
            let value = table.require("others", help)?;
            let others = value.list()?.iter().map(run).collect::<Result<Vec<_>>>()?;
            let [a, b] = others[..] else {
                return Err(value.error(
                    format!("a plane goes through two others, not {}", others.len()),
                    "not two",
                    help,
                ));
            };
            Directions::Minima([a, b])
        }
        word => {
            if let Some(others) = table.get("others") {
                let message = "`others` belongs to directions = \"minima\"";
                return Err(others.error(message, "not read here", "remove it, or write directions = \"minima\""));
            }
            [Directions::Pca, Directions::Hessian, Directions::Random][word - 1].clone()
        }
    };
    let axes = table.require("axes", "write axes = [{ from = -0.6, to = 1.4, nodes = 41 }, { … }]")?;
    let read = axes.list()?.iter().map(axis).collect::<Result<Vec<_>>>()?;
    let [s, t] = read[..] else {
        return Err(axes.error("a slice has two axes", "not two", "write axes = [{ … }, { … }]"));
    };
    let norms = [("frozen", Norm::Frozen), ("recomputed", Norm::Recomputed)];
    Ok(Slice {
        name: text,
        directions,
        run: match table.get("run") {
            Some(value) => run(&value)?,
            None => RunName { rule: 0, seed: seeds[0] },
        },
        samples: table.or("samples", 2000, "2000", |v| Ok(v.count(2..=5000)?.value as usize))?,
        axes: [s, t],
        norm: table.or("batch_norm", norms[0].1, "\"frozen\"", |v| Ok(v.choice(&norms)?.value))?,
        orthogonal: table.or("orthogonal", true, "true", |v| Ok(v.boolean()?.value))?,
    })
}

fn run(value: &Value, importance: &Importance, seeds: &[u64]) -> Result<RunName> {
    let table = value.table(&["c", "seed"])?;
    let rule = match table.get("c") {
        None => 0,
        Some(c) => {
            let wanted = if c.is_string() { c.string()?.value } else { fpsolve::text::exact(c.number()?.value) };
            let found = importance.rules.iter().position(|rule| rule.word() == wanted);
            found.ok_or_else(|| {
                let known: Vec<String> = importance.rules.iter().map(super::Rule::word).collect();
                c.error(
                    format!("no run has c = {wanted}"),
                    "not among importance.c",
                    format!("write one of {}", known.join(", ")),
                )
            })?
        }
    };
    let seed = match table.get("seed") {
        None => seeds[0],
        Some(value) => {
            let seed = value.count(0..=u64::from(u32::MAX))?.value;
            if !seeds.contains(&seed) {
                let message = format!("no run has the seed {seed}");
                return Err(value.error(message, "not among runs.seeds", format!("write one of {seeds:?}")));
            }
            seed
        }
    };
    Ok(RunName { rule, seed })
}

fn axis(value: &Value) -> Result<SliceAxis> {
    let table = value.table(&["from", "to", "nodes"])?;
    let help = "write { from = -0.6, to = 1.4, nodes = 41 }";
    let (from, to) = (table.require("from", help)?.number()?.value, table.require("to", help)?.number()?.value);
    if to <= from {
        return Err(value.error(format!("an axis from {from} to {to}"), "empty", "`from` must be less than `to`"));
    }
    Ok(SliceAxis { from, to, nodes: table.require("nodes", help)?.count(5..=401)?.value as usize })
}
