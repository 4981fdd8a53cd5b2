//! Differences between successive grids against the number of cells, doubly logarithmic, beside the slope of order 2.
//!
//! Differences and not estimated errors: those of the two finest grids come from the declared order, and would show it always.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour;
use super::chart::panel::{Key, Panel, legend, range};
use super::source::{Source, values};
use crate::record::Values;

/// One curve: the difference of each grid but the finest to the next finer one.
struct Curve {
    label: String,
    changes: Vec<f64>,
    stroke: Stroke,
}

/// Most functionals that are drawn: more colours cannot be told apart.
const FUNCTIONALS: usize = 7;

/// The figure: densities on the left, moments and eigenvalues on the right; None where the record has no `/convergence`.
pub fn draw(source: &Source) -> Option<Canvas> {
    let group = source.record.group("convergence")?;
    let axis = group.datasets.iter().find(|d| d.name.starts_with("cells_"))?;
    let cells = values(source.record, &format!("convergence/{}", axis.name))?;
    let panels: Vec<(&str, Vec<Curve>)> = [
        ("L1 distance to the next finer grid", densities(source)),
        ("relative change to the next finer grid", functionals(source)),
    ]
    .into_iter()
    .filter(|(_, curves)| !curves.is_empty())
    .collect();
    let rows = panels.iter().map(|(_, curves)| curves.len() + 1).max()?;
    let mut canvas = Canvas::new(1200.0, 590.0 + 12.0 * rows as f64, "Grid convergence");
    let top = source.title(&mut canvas, "differences between successive grids") + 8.0;
    let width = (1200.0 - 115.0 * panels.len() as f64 - 25.0) / panels.len() as f64;
    let label = format!("cells along {} on the coarser of the two grids", axis.name.trim_start_matches("cells_"));
    for (k, (what, curves)) in panels.iter().enumerate() {
        let rect = Rect::new(110.0 + k as f64 * (width + 115.0), top, width, 450.0);
        panel(&mut canvas, rect, &label, what, &cells, curves);
    }
    Some(canvas)
}

fn densities(source: &Source) -> Vec<Curve> {
    let curve = |(name, colour): (&str, colour::Colour)| {
        let changes = values(source.record, &format!("convergence/{name}_change"))?;
        Some(Curve { label: format!("{name} density"), changes, stroke: Stroke::solid(colour, 2.4) })
    };
    let kinds = [("transient", colour::engine("fokker_planck")), ("stationary", colour::engine("langevin"))];
    kinds.into_iter().filter_map(curve).collect()
}

/// Differences between successive grids, relative to the extrapolated value, of the functionals that have an observed order.
fn functionals(source: &Source) -> Vec<Curve> {
    let text = |path: &str| match source.record.dataset(path).map(|d| &d.values) {
        Some(Values::Text(names)) => names.clone(),
        _ => Vec::new(),
    };
    let names = text("convergence/functional");
    let ordered = text("convergence/ordered");
    let (Some(value), Some(limit)) =
        (values(source.record, "convergence/value"), values(source.record, "convergence/extrapolated"))
    else {
        return Vec::new();
    };
    let n = names.len().max(1);
    let shown = (0..names.len()).filter(|&k| ordered.contains(&names[k]) && limit[k] != 0.0).take(FUNCTIONALS);
    let on_grids = |k: usize| value.iter().skip(k).step_by(n).copied().collect::<Vec<f64>>();
    let curve = |(place, k): (usize, usize)| Curve {
        label: names[k].clone(),
        changes: on_grids(k).windows(2).map(|w| ((w[1] - w[0]) / limit[k]).abs()).collect(),
        stroke: Stroke::solid(colour::Map::Viridis.at(place as f64 / FUNCTIONALS as f64), 2.0),
    };
    shown.enumerate().map(curve).collect()
}

fn panel(canvas: &mut Canvas, rect: Rect, label: &str, what: &str, cells: &[f64], curves: &[Curve]) {
    let (low, high) = range(curves.iter().flat_map(|c| c.changes.iter().copied()).filter(|&e| e > 0.0));
    let cells = &cells[..curves.iter().map(|c| c.changes.len()).max().unwrap_or(0).min(cells.len())];
    let (fewest, most) = range(cells.iter().copied());
    let panel = Panel {
        rect,
        x: Axis::new(0.8 * fewest, 1.25 * most, Spread::Log, label),
        y: Axis::new(0.4 * low, 3.0 * high, Spread::Log, what),
    };
    panel.grid(canvas);
    let slope = Stroke::dashed(colour::GREY, 1.6);
    let reference: Vec<f64> = cells.iter().map(|n| 1.8 * high * (fewest / n).powi(2)).collect();
    panel.curve(canvas, cells, &reference, slope.clone());
    for curve in curves {
        panel.curve(canvas, cells, &curve.changes, curve.stroke.clone());
        for (&n, &error) in cells.iter().zip(&curve.changes).filter(|(_, e)| **e > 0.0) {
            canvas.disc(panel.at(n, error), 4.5, curve.stroke.colour, None);
        }
    }
    panel.frame(canvas, true, true);
    let mut keys: Vec<(Key, String)> = curves.iter().map(|c| (Key::Line(c.stroke.clone()), c.label.clone())).collect();
    keys.push((Key::Line(slope), "order 2".into()));
    legend(canvas, &keys, rect.x - 60.0, rect.right(), rect.bottom() + 62.0);
}
