//! What the figures need, taken out of a record.

use super::chart::axis;
use super::chart::axis::{Axis, Spread};
use super::chart::canvas::Canvas;
use super::chart::panel;
use super::look::{Look, Style};
use super::plane::Plane;
use crate::engine::{ENGINES, EngineEntry, Representation};
use crate::record::{Attribute, Record};

/// One axis of the grid.
#[derive(Clone)]
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
    /// Name for people, with the number of walkers.
    pub label: String,
    /// Name for people.
    pub name: &'static str,
    /// Whether it computes a density, or counts walkers.
    pub representation: Representation,
    /// Number of walkers, where it counts them.
    pub walkers: Option<f64>,
    /// Output times.
    pub times: Vec<f64>,
    /// Densities, one row of cells per time.
    pub density: Vec<Vec<f64>>,
    /// Mean positions, one row of components per time.
    pub mean: Vec<Vec<f64>>,
    /// The share outside of the grid at each time; empty where it is not known.
    pub outside: Vec<f64>,
}

/// Everything the figures draw from.
pub struct Source<'a> {
    /// The record.
    pub record: &'a Record,
    /// Name of the run.
    pub name: String,
    /// Axes of the grid; none in the record of networks.
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
    /// How the pictures look.
    pub look: Look,
    /// The plane that is shown of a problem in three variables.
    pub plane: Option<Plane>,
}

impl<'a> Source<'a> {
    /// Takes the figures' needs out of a record. Errors: a sentence on what is missing or does not fit together.
    pub fn new(record: &'a Record, look: Look) -> Result<Self, String> {
        let network = record.group("network").is_some();
        let grid = record.group("grid").or_else(|| record.group("network")).ok_or("the record has no /grid")?;
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
        if !network && axes.is_empty() || volumes.is_empty() {
            return Err("the record has an empty /grid".into());
        }
        let cells = volumes.len();
        let field = |path: &str| values(record, path).filter(|v| v.len() == cells);
        let engines = ENGINES.iter().filter_map(|entry| engine(record, entry, cells)).collect();
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
        Ok(Self { record, name, axes, volumes, engines, loss, stationary, diffusion, look, plane: None })
    }

    /// The name of the run and a remark at the left upper corner, where the style has a title; returns where to go on below.
    pub fn title(&self, canvas: &mut Canvas, remark: &str) -> f64 {
        match self.look.style {
            Style::Screen => panel::title(canvas, &self.name, remark),
            Style::Paper => 12.0,
        }
    }

    /// The temperature, as part of a subtitle.
    pub fn temperature(&self) -> Option<f64> {
        number(self.record, "temperature")
    }

    /// An axis for pictures: the interval that holds 99.9 % of every density of every engine, widened on each side by
    /// `margin` times its length; the whole axis where that is not much more.
    pub fn window(&self, axis: usize, margin: f64) -> Axis {
        let grid = &self.axes[axis];
        let cells = grid.centers.len();
        let inner: usize = self.axes[axis + 1..].iter().map(|a| a.centers.len()).product();
        let (mut first, mut last) = (cells - 1, 0);
        for density in self.engines.iter().flat_map(|e| &e.density).chain(&self.stationary) {
            let mut marginal = vec![0.0; cells];
            density.iter().zip(&self.volumes).enumerate().for_each(|(k, (d, v))| marginal[k / inner % cells] += d * v);
            let total: f64 = marginal.iter().sum();
            let mut below = 0.0;
            for (k, p) in marginal.iter().enumerate() {
                below += p;
                if below > 5e-4 * total {
                    first = first.min(k);
                }
                if below < (1.0 - 5e-4) * total {
                    last = last.max(k + 1);
                }
            }
        }
        let last = last.min(cells - 1);
        let (low, high) = (grid.edges[0], grid.edges[cells]);
        let (from, to) = match first <= last {
            true => (grid.edges[first], grid.edges[last + 1]),
            false => (low, high),
        };
        let room = margin * (to - from);
        let (from, to) = ((from - room).max(low), (to + room).min(high));
        if to - from > 0.75 * (high - low) {
            return Axis::new(low, high, Spread::Linear, &grid.label);
        }
        let label = format!("{} (grid: {} to {})", grid.label, axis::number(low), axis::number(high));
        Axis::new(from, to, Spread::Linear, &label)
    }

    /// The values of a field on the cells whose centres lie inside the two axes (two dimensions).
    pub fn inside(&self, field: &[f64], x: &Axis, y: &Axis) -> Vec<f64> {
        let within = |axis: &Axis, v: &f64| *v >= axis.low && *v <= axis.high;
        let columns = self.axes[1].centers.len();
        let at = |(k, v): (usize, &f64)| {
            let (a, b) = (&self.axes[0].centers[k / columns], &self.axes[1].centers[k % columns]);
            (within(x, a) && within(y, b)).then_some(*v)
        };
        field.iter().enumerate().filter_map(at).collect()
    }

    /// The engine whose densities are free of sampling noise, else the first.
    pub fn reference(&self) -> Option<&Engine> {
        self.engines.first()
    }

    /// The output times of the reference engine that were asked for; else up to `n` of them, spaced by how far its density moved between
    /// them.
    pub fn telling_times(&self, n: usize) -> Vec<usize> {
        let Some(engine) = self.reference() else { return Vec::new() };
        if !self.look.at.is_empty() {
            let far = |k: usize, t: f64| (engine.times[k] - t).abs();
            let nearest = |&t: &f64| (0..engine.times.len()).min_by(|&a, &b| far(a, t).total_cmp(&far(b, t)));
            let mut at: Vec<usize> = self.look.at.iter().filter_map(nearest).collect();
            at.sort_unstable();
            at.dedup();
            return at;
        }
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

fn engine(record: &Record, entry: &EngineEntry, cells: usize) -> Option<Engine> {
    let (group, name) = (entry.group, entry.title);
    let times = values(record, &format!("{group}/time"))?;
    let density = values(record, &format!("{group}/density"))?;
    let mean = values(record, &format!("{group}/mean")).unwrap_or_default();
    let outside = values(record, &format!("{group}/outside")).unwrap_or_default();
    if times.is_empty() || density.len() != times.len() * cells {
        return None;
    }
    let (label, walkers) = match record.attribute(&format!("{group}/walkers")) {
        Some(Attribute::Integer(n)) => (format!("{name}, {} walkers", thousands(*n)), Some(*n as f64)),
        _ => (name.to_string(), None),
    };
    let rows = |v: Vec<f64>, n: usize| v.chunks(n.max(1)).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let components = mean.len() / times.len();
    let (density, mean) = (rows(density, cells), rows(mean, components));
    let representation = entry.representation;
    Some(Engine { group, label, name, representation, walkers, density, mean, times, outside })
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
