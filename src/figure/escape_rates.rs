//! Escape between basins: mean times of all pairs, and the weights that they lead to, way by way.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use super::chart::colour::{self, Colour, FAINT, GREY, INK};
use super::chart::panel::{HEADING, Key, LABEL, Panel, legend, range};
use super::landscape::remark;
use super::source::{Source, values};
use crate::analysis::escape_rates::METHODS;
use crate::engine::ENGINES;

/// Room for the names of pairs and basins.
const NAMES: f64 = 280.0;

/// One way of finding times.
struct Way {
    title: &'static str,
    colour: Colour,
    times: Vec<f64>,
    weights: Option<Vec<f64>>,
    at_rest: Option<Vec<f64>>,
}

/// The figure; None where the record has no times between basins.
pub fn draw(source: &Source) -> Option<Canvas> {
    let at = |name: &str| values(source.record, &format!("escape_rates/{name}"));
    let loss = at("loss")?;
    let k = loss.len();
    let place = at("position")?;
    let way = |(name, title): &(&'static str, &'static str)| {
        let times = at(&format!("{name}_time")).filter(|times| times.len() == k * k)?;
        let colour = match *name {
            "kramers" => INK,
            "eyring" => GREY,
            engine => colour::engine(engine),
        };
        let title = ENGINES.iter().find(|engine| engine.group == *name).map_or(*title, |engine| engine.title);
        let weights = at(&format!("{name}_weight"));
        Some(Way { title, colour, times, weights, at_rest: at(&format!("{name}_occupancy")) })
    };
    let ways: Vec<Way> = METHODS.iter().filter_map(way).collect();
    let pairs: Vec<(usize, usize)> = (0..k).flat_map(|i| (0..k).map(move |j| (i, j))).filter(|(i, j)| i != j).collect();
    let row = 30.0;
    let height = 260.0 + row * (pairs.len() + k) as f64 + 110.0;
    let mut canvas = Canvas::new(1200.0, height.max(560.0), "Escape between basins");
    let top = source.title(&mut canvas, &remark(source, "mean times between the minima, and the weights they lead to"));
    let mut keys: Vec<(Key, String)> = ways.iter().map(|way| (Key::Disc(way.colour), way.title.to_string())).collect();
    keys.push((Key::Line(Stroke::solid(INK, 2.0)), "weight at rest by the engine itself (bar of its colour)".into()));
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top);
    let d = place.len() / k;
    let name = |i: usize| {
        let theta: Vec<String> = place[i * d..(i + 1) * d].iter().map(|x| number(*x)).collect();
        format!("{i}: ({}), L = {}", theta.join(", "), number(loss[i]))
    };
    let room = canvas.height - top - 2.0 * (HEADING + 60.0) - 14.0;
    let unit = room / (pairs.len() + k) as f64;
    let times = || ways.iter().flat_map(|way| way.times.iter().copied().filter(|time| *time > 0.0));
    let first = Rect::new(NAMES, top + HEADING, 1165.0 - NAMES, unit * pairs.len() as f64);
    let rows: Vec<String> = pairs.iter().map(|(i, j)| format!("{i} to {j}")).collect();
    let panel = table(&mut canvas, first, &rows, logarithmic(times(), "mean time τ"));
    panel.heading(&mut canvas, "mean time from the minimum of a basin to that of another");
    for way in &ways {
        for (row, (i, j)) in pairs.iter().enumerate() {
            dot(&mut canvas, &panel, way.times[i * k + j], row, pairs.len(), way.colour);
        }
    }
    let all =
        || ways.iter().flat_map(|way| way.weights.iter().chain(&way.at_rest).flatten().copied().filter(|w| *w > 0.0));
    if all().next().is_some() {
        let second = Rect::new(NAMES, first.bottom() + 60.0 + HEADING, 1165.0 - NAMES, unit * k as f64);
        let rows: Vec<String> = (0..k).map(name).collect();
        let panel = table(&mut canvas, second, &rows, logarithmic(all(), "weight"));
        panel.heading(&mut canvas, "weight of each basin by the rates between them");
        for way in &ways {
            for row in 0..k {
                if let Some(at_rest) = &way.at_rest {
                    bar(&mut canvas, &panel, at_rest[row], row, k, way.colour);
                }
                if let Some(weights) = &way.weights {
                    dot(&mut canvas, &panel, weights[row], row, k, way.colour);
                }
            }
        }
    }
    Some(canvas)
}

fn logarithmic(values: impl Iterator<Item = f64>, label: &str) -> Axis {
    let (low, high) = range(values);
    Axis::new(0.4 * low, 2.5 * high, Spread::Log, label)
}

/// A panel with a name for each row.
fn table(canvas: &mut Canvas, rect: Rect, rows: &[String], x: Axis) -> Panel {
    let n = rows.len() as f64;
    let panel = Panel { rect, x, y: Axis::new(0.0, n, Spread::Linear, "") };
    panel.grid(canvas);
    for (k, row) in rows.iter().enumerate() {
        let y = rect.y + rect.h * (k as f64 + 0.5) / n;
        canvas.line(vec![[rect.x, y], [rect.right(), y]], Stroke::solid(FAINT, 1.0), None);
        canvas.text([rect.x - 10.0, y + 0.36 * LABEL], row, LABEL, INK, Anchor::End);
    }
    panel.frame(canvas, true, false);
    panel
}

fn place(panel: &Panel, value: f64, row: usize, rows: usize) -> [f64; 2] {
    [panel.at(value, 0.0)[0], panel.rect.y + panel.rect.h * (row as f64 + 0.5) / rows as f64]
}

fn dot(canvas: &mut Canvas, panel: &Panel, value: f64, row: usize, rows: usize, colour: Colour) {
    if value > 0.0 {
        canvas.disc(place(panel, value, row, rows), 6.0, colour.with_opacity(0.75), Some(panel.rect));
    }
}

fn bar(canvas: &mut Canvas, panel: &Panel, value: f64, row: usize, rows: usize, colour: Colour) {
    if value > 0.0 {
        let [x, y] = place(panel, value, row, rows);
        canvas.line(vec![[x, y - 11.0], [x, y + 11.0]], Stroke::solid(colour, 2.4), Some(panel.rect));
    }
}
