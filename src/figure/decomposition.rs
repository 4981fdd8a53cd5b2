//! Where the noise comes from: its intrinsic, exploration and mean-gradient parts over θ and along a path of SGD.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, INK, LOSS, Map, WHITE};
use super::chart::panel::{HEADING, Key, Panel, Shade, legend, quantile};
use super::landscape::remark;
use super::source::{Source, values};
use crate::record::Attribute;

/// Name in the record, words, colour.
const PARTS: [(&str, &str, Colour); 3] = [
    ("intrinsic", "intrinsic (noise of the data)", Colour::hex(0x00_72_b2)),
    ("exploration", "exploration (misfit)", Colour::hex(0xd5_5e_00)),
    ("mean_gradient", "mean gradient, subtracted", Colour::hex(0x00_9e_73)),
];

/// Times of a path of SGD and the traces along it: of D, then of the parts.
struct Path {
    times: Vec<f64>,
    positions: Vec<f64>,
    traces: Vec<Vec<f64>>,
}

/// The figure; None where the record holds no parts.
pub fn draw(source: &Source) -> Option<Canvas> {
    let cells = source.volumes.len();
    let d = source.axes.len();
    let field = |(name, _, _): &(&str, &str, Colour)| {
        let all = values(source.record, &format!("problem/diffusion_{name}")).filter(|v| v.len() == d * d * cells)?;
        let trace = |c: usize| (0..d).map(|k| all[k * (d + 1) * cells + c]).sum::<f64>();
        Some((0..cells).map(trace).collect::<Vec<f64>>())
    };
    let fields: Vec<Vec<f64>> = PARTS.iter().filter_map(field).collect();
    if fields.len() < 3 {
        return None;
    }
    let path = path(source, d);
    match d {
        1 => Some(curves(source, &fields, path.as_ref())),
        2 => Some(maps(source, &fields, path.as_ref())),
        _ => None,
    }
}

fn path(source: &Source, d: usize) -> Option<Path> {
    let row = |name: &str| values(source.record, &format!("decomposition/{name}"));
    let (times, positions) = (row("time")?, row("position")?);
    let names = ["trace", "trace_intrinsic", "trace_exploration", "trace_mean_gradient"];
    let traces: Vec<Vec<f64>> = names.iter().filter_map(|name| row(name)).collect();
    let whole =
        traces.len() == 4 && traces.iter().all(|t| t.len() == times.len()) && positions.len() == d * times.len();
    (whole && times.len() > 1).then_some(Path { times, positions, traces })
}

fn text<'s>(source: &'s Source, name: &str) -> &'s str {
    match source.record.attribute(&format!("problem/{name}")) {
        Some(Attribute::Text(text)) => text,
        _ => "",
    }
}

fn is_estimate(source: &Source) -> bool {
    text(source, "decomposition").starts_with("estimate")
}

fn dotted(colour: Colour) -> Stroke {
    Stroke { dash: vec![3.0, 4.0], ..Stroke::solid(colour, 1.6) }
}

/// What the parts are, after the title.
fn kind(source: &Source) -> String {
    let trained = if text(source, "decomposition_weights") == "trained" { ", trained weights" } else { "" };
    match is_estimate(source) {
        true => format!("parts of the gradient noise D, estimates from residuals{trained}"),
        false => format!("parts of the gradient noise D, means over the noise of the data{trained}"),
    }
}

/// Smallest (but for the share `least`) and largest of the sizes, at most seven decades apart; what is rounding beside the
/// largest, such as the mean gradient of trained weights, counts for nothing.
fn span<'v>(rows: impl Iterator<Item = &'v Vec<f64>>, least: f64) -> (f64, f64) {
    let all: Vec<f64> = rows.flatten().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
    let high = all.iter().copied().fold(0.0, f64::max);
    let seen: Vec<f64> = all.into_iter().filter(|v| *v > 1e-11 * high).collect();
    (quantile(&seen, least).max(1e-7 * high), high)
}

/// Logarithmic over what the sizes span.
fn sizes<'v>(rows: impl Iterator<Item = &'v Vec<f64>>, label: &str) -> Axis {
    let (low, high) = span(rows, 0.01);
    Axis::new(0.6 * low, 2.0 * high, Spread::Log, label)
}

fn keys(source: &Source, with_loss: bool) -> Vec<(Key, String)> {
    let line = |(_, words, colour): &(&str, &str, Colour)| (Key::Line(Stroke::solid(*colour, 2.6)), words.to_string());
    let mut keys: Vec<(Key, String)> = PARTS.iter().map(line).collect();
    if with_loss {
        keys.push((Key::Patch(LOSS.with_opacity(0.6)), "loss L".into()));
    }
    keys.push((Key::Line(Stroke::dashed(INK, 1.6)), "tr D of these data".into()));
    if is_estimate(source) {
        keys.push((Key::Line(dotted(GREY)), "estimate of the wrong sign".into()));
    }
    keys
}

/// A curve of sizes: dashed where the values are negative though the part cannot be, which only estimates can be.
fn part(panel: &Panel, canvas: &mut Canvas, x: &[f64], y: &[f64], k: usize) {
    let sign = if k == 2 { -1.0 } else { 1.0 };
    let side =
        |wanted: f64| y.iter().map(|v| if sign * v * wanted > 0.0 { v.abs() } else { f64::NAN }).collect::<Vec<_>>();
    panel.curve(canvas, x, &side(1.0), Stroke::solid(PARTS[k].2, 2.4));
    panel.curve(canvas, x, &side(-1.0), dotted(PARTS[k].2));
}

fn along(canvas: &mut Canvas, rect: Rect, path: &Path) {
    let first = path.times.iter().copied().find(|t| *t > 0.0).unwrap_or(1.0);
    let last = path.times[path.times.len() - 1];
    let x = match last / first > 400.5 {
        true => Axis::new(first, last, Spread::Log, "time t of one path of SGD"),
        false => Axis::new(0.0, last, Spread::Linear, "time t of one path of SGD"),
    };
    let panel = Panel { rect, x, y: sizes(path.traces.iter(), "trace along the path") };
    panel.grid(canvas);
    panel.curve(canvas, &path.times, &path.traces[0], Stroke::dashed(INK, 1.6));
    for k in [2, 1, 0] {
        part(&panel, canvas, &path.times, &path.traces[k + 1], k);
    }
    panel.frame(canvas, true, true);
}

fn curves(source: &Source, fields: &[Vec<f64>], path: Option<&Path>) -> Canvas {
    let axis = &source.axes[0];
    let mut canvas = Canvas::new(1200.0, if path.is_some() { 900.0 } else { 560.0 }, "Parts of the gradient noise");
    let top = source.title(&mut canvas, &remark(source, &kind(source)));
    let top = top + legend(&mut canvas, &keys(source, source.loss.is_some()), 110.0, 1165.0, top) + 12.0;
    let height =
        if path.is_some() { 0.5 * (canvas.height - 2.0 * 66.0 - 10.0 - top) } else { canvas.height - 66.0 - top };
    let right = if source.loss.is_some() { 1090.0 } else { 1165.0 };
    let rect = Rect::new(110.0, top, right - 110.0, height);
    let mut shown = fields.to_vec();
    shown.extend(source.diffusion.first().cloned());
    let panel = Panel {
        rect,
        x: Axis::new(axis.edges[0], axis.edges[axis.edges.len() - 1], Spread::Linear, &axis.label),
        y: sizes(shown.iter(), "part of D"),
    };
    panel.grid(&mut canvas);
    if let Some(loss) = &source.loss {
        let (low, high) = (quantile(loss, 0.0), quantile(loss, 0.97));
        let right = Axis::new(low - 0.08 * (high - low), high + 0.4 * (high - low), Spread::Linear, "loss L");
        let behind = Panel { rect, x: panel.x.clone(), y: right.clone() };
        behind.area(&mut canvas, &axis.centers, loss, LOSS.with_opacity(0.35));
        panel.right_axis(&mut canvas, &right, GREY);
    }
    if let Some(whole) = source.diffusion.first() {
        panel.curve(&mut canvas, &axis.centers, whole, Stroke::dashed(INK, 1.6));
    }
    for k in [2, 1, 0] {
        part(&panel, &mut canvas, &axis.centers, &fields[k], k);
    }
    panel.frame(&mut canvas, true, true);
    if let Some(path) = path {
        along(&mut canvas, Rect::new(110.0, rect.bottom() + 66.0 + 10.0, right - 110.0, height), path);
    }
    canvas
}

fn maps(source: &Source, fields: &[Vec<f64>], path: Option<&Path>) -> Canvas {
    let (x, y) = (&source.axes[0], &source.axes[1]);
    let mut canvas = Canvas::new(1200.0, if path.is_some() { 900.0 } else { 560.0 }, "Parts of the gradient noise");
    let top = source.title(&mut canvas, &remark(source, &kind(source)));
    let sizes: Vec<Vec<f64>> = fields.iter().map(|f| f.iter().map(|v| v.abs()).collect()).collect();
    let (low, _) = span(sizes.iter(), 0.02);
    let high = quantile(&sizes.concat(), 0.995).max(10.0 * low);
    let shade = Shade { map: Map::Viridis, axis: Axis::new(low, high, Spread::Log, "size of the trace") };
    let height = if path.is_some() { 330.0 } else { canvas.height - 66.0 - top - HEADING };
    let width = 300.0;
    for (k, size) in sizes.iter().enumerate() {
        let panel = Panel {
            rect: Rect::new(95.0 + (width + 42.0) * k as f64, top + HEADING, width, height),
            x: Axis::new(x.edges[0], x.edges[x.edges.len() - 1], Spread::Linear, &x.label),
            y: Axis::new(y.edges[0], y.edges[y.edges.len() - 1], Spread::Linear, &y.label),
        };
        panel.heat(&mut canvas, &x.edges, &y.edges, size, &shade);
        if let Some(path) = path {
            let line: Vec<[f64; 2]> = path.positions.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            panel.paths(&mut canvas, std::slice::from_ref(&line), &Stroke::solid(WHITE, 1.2));
            let start = panel.at(line[0][0], line[0][1]);
            canvas.disc(start, 5.0, WHITE, Some(panel.rect));
        }
        panel.frame(&mut canvas, true, k == 0);
        panel.heading(&mut canvas, PARTS[k].1);
        if k == 2 {
            shade.bar(&mut canvas, Rect::new(panel.rect.right() + 14.0, panel.rect.y, 18.0, height));
        }
    }
    if let Some(path) = path {
        let under = top + HEADING + height + 66.0;
        let under = under + legend(&mut canvas, &keys(source, false), 110.0, 1165.0, under) + 8.0;
        let rect = Rect::new(110.0, under, 1055.0, canvas.height - 66.0 - under);
        along(&mut canvas, rect, path);
    }
    canvas
}
