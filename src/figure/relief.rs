//! The loss of two variables as a relief, seen from above at an angle: its colour is the rank of the loss where the law is, with the critical
//! points, the stationary density and the ways of walkers on it.

use super::basins::{mark, points};
use super::chart::axis::Axis;
use super::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use super::chart::colour::{self, Colour, GREY, INK, Map, WHITE};
use super::chart::contour;
use super::chart::panel::{Key, LABEL, Shade, legend};
use super::landscape::{loss_range, remark};
use super::source::{Source, values};
use crate::engine::{langevin, sgd};

/// Most cells of the surface along an axis.
const CELLS: usize = 64;
/// Most walkers that are drawn.
const WALKERS: usize = 6;
/// The view: turned about the vertical, and seen from this high above the plane (radians).
const TURN: f64 = 0.55;
const ABOVE: f64 = 0.95;
/// Height of the relief in units of its side.
const HEIGHT: f64 = 0.45;
/// How far the relief is shown above the highest critical point, in units of the height of that.
const RIM: f64 = 0.3;

/// From the plane and a height to the canvas.
struct View<'a> {
    axes: [&'a [f64]; 2],
    low: f64,
    high: f64,
    scale: f64,
    centre: [f64; 2],
}

impl View<'_> {
    /// Where a point at a height is seen, and how far behind it lies.
    fn at(&self, [x, y]: [f64; 2], height: f64) -> ([f64; 2], f64) {
        let unit = |edges: &[f64], v: f64| (v - edges[0]) / (edges[edges.len() - 1] - edges[0]) - 0.5;
        let (u, v) = (unit(self.axes[0], x), unit(self.axes[1], y));
        let (across, depth) = (u * TURN.cos() - v * TURN.sin(), u * TURN.sin() + v * TURN.cos());
        let up = HEIGHT * ((height.clamp(self.low, self.high) - self.low) / (self.high - self.low) - 0.5);
        let place = [across, -(depth * ABOVE.sin() + up * ABOVE.cos())];
        ([self.centre[0] + self.scale * place[0], self.centre[1] + self.scale * place[1]], depth)
    }
}

/// The figure; None but for a loss of two variables.
pub fn draw(source: &Source) -> Option<Canvas> {
    let (2, Some(loss)) = (source.axes.len(), source.loss.as_ref()) else { return None };
    let mut canvas = Canvas::new(1200.0, 960.0, "Relief of the loss");
    let top = source.title(&mut canvas, &remark(source, "the loss as a relief, cut above the highest pass or summit"));
    let densities = source.engines.iter().flat_map(|engine| engine.density.iter().map(Vec::as_slice));
    let seen: Vec<&[f64]> = densities.chain(source.stationary.as_deref()).collect();
    let finite = || loss.iter().copied().filter(|l| l.is_finite());
    let all = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let marked = points(source);
    let (low, visited) = if seen.is_empty() { all } else { loss_range(source, loss, &seen) };
    let heights: Vec<f64> = marked.iter().map(|point| height(source, loss, [point.at[0], point.at[1]])).collect();
    let highest = heights.iter().copied().fold(low, f64::max);
    let high = if marked.len() > 1 { (highest + RIM * (highest - low)).min(all.1) } else { visited };
    if high.partial_cmp(&low) != Some(std::cmp::Ordering::Greater) {
        return None;
    }
    let shown: Vec<f64> = finite().filter(|l| *l <= high).collect();
    let shade = Shade { map: Map::Viridis, axis: Axis::by_rank(&shown, "loss L (equal areas)") };
    let axes = [source.axes[0].edges.as_slice(), source.axes[1].edges.as_slice()];
    let view = View { axes, low, high, scale: 560.0, centre: [540.0, 510.0] };
    surface(source, loss, &view, &shade, &mut canvas);
    let mut keys = vec![(Key::Disc(INK), "minimum; cross: saddle; triangle: maximum".to_string())];
    on_it(source, loss, &view, &mut canvas, &mut keys);
    for (point, height) in marked.iter().zip(&heights) {
        mark(&mut canvas, view.at([point.at[0], point.at[1]], *height).0, point, None);
    }
    names(source, &view, &mut canvas);
    shade.bar(&mut canvas, Rect::new(1085.0, 220.0, 20.0, 480.0));
    legend(&mut canvas, &keys, 40.0, 1165.0, top);
    Some(canvas)
}

/// The loss in the cell of a point.
fn height(source: &Source, loss: &[f64], at: [f64; 2]) -> f64 {
    let cell = |k: usize| {
        let edges = &source.axes[k].edges;
        edges.partition_point(|edge| *edge <= at[k]).clamp(1, edges.len() - 1) - 1
    };
    loss[cell(0) * source.axes[1].centers.len() + cell(1)]
}

/// The faces of the surface, the farthest first.
fn surface(source: &Source, loss: &[f64], view: &View, shade: &Shade, canvas: &mut Canvas) {
    let nodes = |k: usize| {
        let n = source.axes[k].centers.len();
        let few = n.min(CELLS);
        (0..few).map(|i| i * (n - 1) / (few - 1).max(1)).collect::<Vec<usize>>()
    };
    let (rows, columns) = (nodes(0), nodes(1));
    let at = |i: usize, j: usize| {
        let value = loss[i * source.axes[1].centers.len() + j];
        let (place, depth) = view.at([source.axes[0].centers[i], source.axes[1].centers[j]], value);
        (place, depth, value)
    };
    let mut faces = Vec::new();
    for (a, b) in rows.iter().zip(&rows[1..]) {
        for (c, d) in columns.iter().zip(&columns[1..]) {
            let corners = [at(*a, *c), at(*b, *c), at(*b, *d), at(*a, *d)];
            let mean = corners.iter().map(|corner| corner.2.min(view.high)).sum::<f64>() / 4.0;
            if mean.is_finite() && corners.iter().any(|corner| corner.2 < view.high) {
                let depth = corners.iter().map(|corner| corner.1).sum::<f64>();
                // light from the left: faces that fall to the right are darker
                let slope = (corners[1].2.min(view.high) - corners[0].2.min(view.high)) / (view.high - view.low);
                faces.push((depth, corners.map(|corner| corner.0), lit(shade.map.at(shade.axis.place(mean)), slope)));
            }
        }
    }
    faces.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (_, corners, colour) in faces {
        canvas.fill(corners.to_vec(), colour, None);
        canvas.outline(corners.to_vec(), Stroke::solid(colour, 0.8), None); // no gaps between faces
    }
}

fn lit(colour: Colour, slope: f64) -> Colour {
    let factor = (1.0 + 2.5 * slope).clamp(0.72, 1.18);
    Colour { rgb: colour.rgb.map(|c| (f64::from(c) * factor).clamp(0.0, 255.0) as u8), ..colour }
}

/// The stationary density's contours, and the ways of a few walkers.
fn on_it(source: &Source, loss: &[f64], view: &View, canvas: &mut Canvas, keys: &mut Vec<(Key, String)>) {
    let lift = |line: &[[f64; 2]]| line.iter().map(|&at| view.at(at, height(source, loss, at)).0).collect::<Vec<_>>();
    let (x, y) = (&source.axes[0], &source.axes[1]);
    if let Some(stationary) = &source.stationary {
        for inside in [0.9, 0.5] {
            for line in contour::lines_of_mass(&x.centers, &y.centers, stationary, &source.volumes, inside) {
                canvas.line(lift(&line), Stroke::solid(WHITE, 1.8), None);
            }
        }
        keys.push((Key::Line(Stroke::solid(GREY, 1.8)), "white: 50 % and 90 % of the stationary density".into()));
    }
    for engine in [&langevin::ENTRY, &sgd::ENTRY] {
        let times = values(source.record, &format!("{}/trajectory_time", engine.group)).unwrap_or_default();
        let points = values(source.record, &format!("{}/trajectory", engine.group)).unwrap_or_default();
        if times.len() < 2 || points.len() < 2 * times.len() || source.dimension() != 2 {
            continue;
        }
        let colour = colour::engine(engine.group);
        for walker in points.chunks_exact(2 * times.len()).take(WALKERS) {
            let inside = |row: &&[f64]| {
                (0..2).all(|k| (view.axes[k][0]..=view.axes[k][view.axes[k].len() - 1]).contains(&row[k]))
            };
            let path: Vec<[f64; 2]> = walker.chunks_exact(2).take_while(inside).map(|row| [row[0], row[1]]).collect();
            canvas.line(lift(&path), Stroke::solid(colour.with_opacity(0.8), 1.2), None);
        }
        keys.push((Key::Line(Stroke::solid(colour, 1.6)), format!("walkers, {}", engine.title)));
        break;
    }
}

/// Names and ends of the axes along the two front edges.
fn names(source: &Source, view: &View, canvas: &mut Canvas) {
    let end = |k: usize, upper: bool| if upper { view.axes[k][view.axes[k].len() - 1] } else { view.axes[k][0] };
    let corner = |a: bool, b: bool| view.at([end(0, a), end(1, b)], view.low).0;
    let (left, front, right) = (corner(false, true), corner(false, false), corner(true, false));
    for [from, to] in [[left, front], [front, right]] {
        canvas.line(vec![from, to], Stroke::solid(GREY, 1.2), None);
    }
    let between = |a: [f64; 2], b: [f64; 2]| [0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]) + 34.0];
    let words = |k: usize| {
        let number = super::chart::axis::number;
        format!("{}: {} to {}", source.axes[k].label, number(end(k, false)), number(end(k, true)))
    };
    canvas.text(between(front, right), &words(0), LABEL, INK, Anchor::Start);
    canvas.text(between(left, front), &words(1), LABEL, INK, Anchor::End);
}
