//! What the figures need, taken out of a record.

use crate::record::{Attribute, Record};

/// One axis of the grid.
pub struct GridAxis {
    /// Variable and units, as an axis label.
    pub label: String,
    /// Cell centres.
    pub centers: Vec<f64>,
    /// Cell edges.
    pub edges: Vec<f64>,
}

/// One engine.
pub struct Engine {
    /// Name of its group.
    pub group: &'static str,
    /// Name for people.
    pub label: String,
    /// Output times.
    pub times: Vec<f64>,
    /// Densities, one row of cells per time.
    pub density: Vec<Vec<f64>>,
    /// Mean positions, one row of components per time.
    pub mean: Vec<Vec<f64>>,
}

/// Everything the figures draw from.
pub struct Source<'a> {
    /// The record.
    pub record: &'a Record,
    /// Name of the run.
    pub name: String,
    /// Axes of the grid.
    pub axes: Vec<GridAxis>,
    /// Volume of each cell.
    pub volumes: Vec<f64>,
    /// Engines that have at least one output time.
    pub engines: Vec<Engine>,
    /// Loss.
    pub loss: Option<Vec<f64>>,
    /// Stationary density.
    pub stationary: Option<Vec<f64>>,
    /// D, d·d rows of cells.
    pub diffusion: Vec<Vec<f64>>,
}

/// Engines in the order of the figures, with their names for people.
const ENGINES: [(&str, &str); 3] = [("fokker_planck", "Fokker–Planck"), ("langevin", "Langevin"), ("sgd", "SGD")];

impl<'a> Source<'a> {
    /// Takes the figures' needs out of a record. Errors: a sentence on what is missing or does not fit together.
    pub fn new(record: &'a Record) -> Result<Self, String> {
        let grid = record.group("grid").ok_or("the record has no /grid")?;
        let mut axes = Vec::new();
        for edges in grid.datasets.iter().filter(|d| d.name.ends_with("_edges")) {
            let name = edges.name.trim_end_matches("_edges").to_string();
            let label = if edges.units == "1" { name.clone() } else { format!("{name} [{}]", edges.units) };
            let edges = values(record, &format!("grid/{}", edges.name)).unwrap_or_default();
            let centers = values(record, &format!("grid/{name}")).ok_or(format!("the record has no /grid/{name}"))?;
            if centers.is_empty() || edges.len() != centers.len() + 1 {
                return Err(format!("/grid/{name} and /grid/{name}_edges do not fit together"));
            }
            axes.push(GridAxis { label, centers, edges });
        }
        let widths = |a: &GridAxis| a.edges.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>();
        let volumes = axes.iter().map(widths).fold(vec![1.0], |volumes: Vec<f64>, widths| {
            volumes.iter().flat_map(|v| widths.iter().map(move |w| v * w)).collect()
        });
        if axes.is_empty() || volumes.is_empty() {
            return Err("the record has an empty /grid".into());
        }
        let cells = volumes.len();
        let field = |path: &str| values(record, path).filter(|v| v.len() == cells);
        let engines = ENGINES.iter().filter_map(|&(group, label)| engine(record, group, label, cells)).collect();
        let diffusion = values(record, "problem/diffusion").unwrap_or_default();
        let diffusion = match diffusion.len() == axes.len().pow(2) * cells {
            true => diffusion.chunks(cells).map(<[f64]>::to_vec).collect(),
            false => Vec::new(),
        };
        let name = match record.attribute("name") {
            Some(Attribute::Text(name)) => name.clone(),
            _ => "record".into(),
        };
        let (loss, stationary) = (field("problem/loss"), field("stationary/density"));
        Ok(Self { record, name, axes, volumes, engines, loss, stationary, diffusion })
    }

    /// The temperature, as part of a subtitle.
    pub fn temperature(&self) -> Option<f64> {
        number(self.record, "temperature")
    }

    /// The engine whose densities are free of sampling noise, else the first.
    pub fn reference(&self) -> Option<&Engine> {
        self.engines.first()
    }

    /// Up to `n` output times of the reference engine, spaced by how far its density moved between them.
    pub fn telling_times(&self, n: usize) -> Vec<usize> {
        let Some(engine) = self.reference() else { return Vec::new() };
        let moved = |w: &[Vec<f64>]| -> f64 {
            w[0].iter().zip(&w[1]).zip(&self.volumes).map(|((a, b), v)| (a - b).abs() * v).sum()
        };
        let mut path = vec![0.0];
        for step in engine.density.windows(2) {
            path.push(path[path.len() - 1] + moved(step));
        }
        let last = path.len() - 1;
        let goal = |k: usize| path[last] * k as f64 / (n.max(2) - 1) as f64;
        let mut at: Vec<usize> = (0..n).map(|k| path.partition_point(|&p| p < goal(k) * 0.999_999).min(last)).collect();
        at.push(last);
        at.sort_unstable();
        at.dedup();
        if at.len() > n && n >= 2 {
            at.remove(at.len() - 2);
        }
        at
    }
}

fn engine(record: &Record, group: &'static str, label: &str, cells: usize) -> Option<Engine> {
    let times = values(record, &format!("{group}/time"))?;
    let density = values(record, &format!("{group}/density"))?;
    let mean = values(record, &format!("{group}/mean")).unwrap_or_default();
    if times.is_empty() || density.len() != times.len() * cells {
        return None;
    }
    let label = match record.attribute(&format!("{group}/walkers")) {
        Some(Attribute::Integer(n)) => format!("{label}, {} walkers", thousands(*n)),
        _ => label.to_string(),
    };
    let rows = |v: Vec<f64>, n: usize| v.chunks(n.max(1)).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let components = mean.len() / times.len();
    Some(Engine { group, label, density: rows(density, cells), mean: rows(mean, components), times })
}

/// The values of a dataset of numbers.
pub fn values(record: &Record, path: &str) -> Option<Vec<f64>> {
    Some(record.dataset(path)?.as_float()?.iter().copied().collect())
}

fn number(record: &Record, path: &str) -> Option<f64> {
    match record.attribute(path)? {
        Attribute::Float(x) => Some(*x),
        _ => None,
    }
}

fn thousands(n: i64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (k, c) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) && c.is_ascii_digit() {
            out.push('\u{2009}'); // thin space
        }
        out.push(c);
    }
    out
}
