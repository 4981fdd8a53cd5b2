//! The loss of two variables as a relief, seen from above at an angle: its colour is the rank of the loss where the law is, with the critical
//! points, the stationary density and the ways of walkers on it.

use super::basins::{mark, mark_keys, points};
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
    let mut keys = mark_keys(&marked);
    on_it(source, loss, &view, &mut canvas, &mut keys);
    for (point, height) in marked.iter().zip(&heights) {
        mark(&mut canvas, view.at([point.at[0], point.at[1]], *height).0, point, None);
    }
    names(source, &view, &mut canvas);
    shade.bar(&mut canvas, Rect::new(1085.0, 220.0, 20.0, 480.0));
    legend(&mut canvas, &keys, 40.0, 1165.0, top);
    Some(canvas)
}

/// The loss at a point, linear between the centres of cells; that of the cell where a neighbour has none.
fn height(source: &Source, loss: &[f64], at: [f64; 2]) -> f64 {
    let columns = source.axes[1].centers.len();
    let cell = |k: usize| {
        let edges = &source.axes[k].edges;
        edges.partition_point(|edge| *edge <= at[k]).clamp(1, edges.len() - 1) - 1
    };
    let between = |k: usize| {
        let centers = &source.axes[k].centers;
        let upper = centers.partition_point(|c| *c <= at[k]).min(centers.len() - 1);
        let lower = upper.saturating_sub(1);
        let gap = centers[upper] - centers[lower];
        (lower, upper, if gap > 0.0 { ((at[k] - centers[lower]) / gap).clamp(0.0, 1.0) } else { 0.0 })
    };
    let (a, b, over) = between(0);
    let (c, d, up) = between(1);
    let corners = [[a, c], [b, c], [b, d], [a, d]].map(|[i, j]| loss[i * columns + j]);
    let mixed = bilinear(corners, over, up);
    if mixed.is_finite() { mixed } else { loss[cell(0) * columns + cell(1)] }
}

/// Between four corners in order round a face, the first at (0, 0), the second at (1, 0).
fn bilinear(corners: [f64; 4], over: f64, up: f64) -> f64 {
    let [a, b, c, d] = corners;
    (1.0 - up) * ((1.0 - over) * a + over * b) + up * ((1.0 - over) * d + over * c)
}

/// The part of a polygon below a height: corners (x, y, height) in order; sides that cross it end on it. The ends of the cut come with it.
fn below(polygon: &[[f64; 3]], high: f64) -> (Vec<[f64; 3]>, Vec<[f64; 3]>) {
    let (mut kept, mut cut) = (Vec::new(), Vec::new());
    for (k, from) in polygon.iter().enumerate() {
        let to = &polygon[(k + 1) % polygon.len()];
        if from[2] <= high {
            kept.push(*from);
        }
        if (from[2] <= high) != (to[2] <= high) {
            let share = (high - from[2]) / (to[2] - from[2]);
            let point = [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1]), high];
            kept.push(point);
            cut.push(point);
        }
    }
    (kept, cut)
}

/// A piece of the surface: its depth, corners and colour, and the ends of the cut through it.
struct Piece {
    depth: f64,
    corners: Vec<[f64; 2]>,
    colour: Colour,
    rim: Vec<[f64; 2]>,
}

/// Shares of the colour scale over which a face has one colour, and most parts of a side of it.
const BAND: f64 = 0.05;
const PARTS: usize = 4;

/// The faces of the surface, the farthest first, cut smoothly at the height where it ends.
fn surface(source: &Source, loss: &[f64], view: &View, shade: &Shade, canvas: &mut Canvas) {
    let nodes = |k: usize| {
        let n = source.axes[k].centers.len();
        let few = n.min(CELLS);
        (0..few).map(|i| i * (n - 1) / (few - 1).max(1)).collect::<Vec<usize>>()
    };
    let (rows, columns) = (nodes(0), nodes(1));
    let at = |i: usize, j: usize| {
        let value = loss[i * source.axes[1].centers.len() + j];
        [source.axes[0].centers[i], source.axes[1].centers[j], value]
    };
    let mut pieces = Vec::new();
    for (a, b) in rows.iter().zip(&rows[1..]) {
        for (c, d) in columns.iter().zip(&columns[1..]) {
            let corners = [at(*a, *c), at(*b, *c), at(*b, *d), at(*a, *d)];
            if corners.iter().all(|corner| corner[2].is_finite()) && corners.iter().any(|c| c[2] < view.high) {
                face(corners, view, shade, &mut pieces);
            }
        }
    }
    pieces.sort_by(|a, b| b.depth.total_cmp(&a.depth));
    for piece in pieces {
        canvas.fill(grown(&piece.corners), piece.colour, None);
        if piece.rim.len() == 2 {
            canvas.line(piece.rim, Stroke::solid(GREY, 1.4), None);
        }
    }
}

/// A polygon a little larger than it is, so that there are no gaps between neighbours.
fn grown(corners: &[[f64; 2]]) -> Vec<[f64; 2]> {
    const BY: f64 = 0.6;
    let middle = [0, 1].map(|k| corners.iter().map(|corner| corner[k]).sum::<f64>() / corners.len() as f64);
    let out = |corner: &[f64; 2]| {
        let way = [corner[0] - middle[0], corner[1] - middle[1]];
        let longer = 1.0 + BY / way[0].hypot(way[1]).max(BY);
        [middle[0] + longer * way[0], middle[1] + longer * way[1]]
    };
    corners.iter().map(out).collect()
}

/// A face in as many parts as its colour changes over it.
fn face(corners: [[f64; 3]; 4], view: &View, shade: &Shade, pieces: &mut Vec<Piece>) {
    let values = corners.map(|corner| corner[2]);
    let ranks = values.map(|v| shade.axis.place(v.min(view.high)));
    let spread = ranks.iter().fold(0.0, |m: f64, r| m.max(*r)) - ranks.iter().fold(1.0, |m: f64, r| m.min(*r));
    let n = ((spread / BAND).ceil() as usize).clamp(1, PARTS);
    let node = |i: usize, j: usize| {
        let (over, up) = (i as f64 / n as f64, j as f64 / n as f64);
        [0, 1, 2].map(|k| bilinear(corners.map(|corner| corner[k]), over, up))
    };
    for i in 0..n {
        for j in 0..n {
            let part = [node(i, j), node(i + 1, j), node(i + 1, j + 1), node(i, j + 1)];
            let (kept, cut) = below(&part, view.high);
            if kept.len() < 3 {
                continue;
            }
            let seen: Vec<([f64; 2], f64)> = kept.iter().map(|p| view.at([p[0], p[1]], p[2])).collect();
            let depth = seen.iter().map(|(_, depth)| depth).sum::<f64>() / seen.len() as f64;
            let mean = kept.iter().map(|p| p[2]).sum::<f64>() / kept.len() as f64;
            // light from the left: faces that fall to the right are darker
            let slope = (values[1] - values[0]) / (view.high - view.low);
            pieces.push(Piece {
                depth,
                corners: seen.into_iter().map(|(place, _)| place).collect(),
                colour: lit(shade.map.at(shade.axis.place(mean)), slope),
                rim: cut.iter().map(|p| view.at([p[0], p[1]], p[2]).0).collect(),
            });
        }
    }
}

fn lit(colour: Colour, slope: f64) -> Colour {
    let factor = (1.0 + 2.5 * slope).clamp(0.72, 1.18);
    Colour { rgb: colour.rgb.map(|c| (f64::from(c) * factor).clamp(0.0, 255.0) as u8), ..colour }
}

/// The stationary density's contours, and the ways of a few walkers.
fn on_it(source: &Source, loss: &[f64], view: &View, canvas: &mut Canvas, keys: &mut Vec<(Key, String)>) {
    // those parts of a line that lie on what is shown of the surface
    let lift = |line: &[[f64; 2]]| -> Vec<Vec<[f64; 2]>> {
        let heights: Vec<([f64; 2], f64)> = line.iter().map(|&at| (at, height(source, loss, at))).collect();
        let runs = heights.split(|(_, height)| height.partial_cmp(&view.high) == Some(std::cmp::Ordering::Greater));
        runs.filter(|run| run.len() > 1).map(|run| run.iter().map(|(at, h)| view.at(*at, *h).0).collect()).collect()
    };
    let (x, y) = (&source.axes[0], &source.axes[1]);
    if let Some(stationary) = &source.stationary {
        for inside in [0.9, 0.5] {
            for line in contour::lines_of_mass(&x.centers, &y.centers, stationary, &source.volumes, inside) {
                for run in lift(&line) {
                    canvas.line(run, Stroke::solid(WHITE, 1.8), None);
                }
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
            for run in lift(&path) {
                canvas.line(run, Stroke::solid(colour.with_opacity(0.8), 1.2), None);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_is_cut_where_its_sides_cross_the_height() {
        let square = |heights: [f64; 4]| {
            let [a, b, c, d] = heights;
            [[0.0, 0.0, a], [1.0, 0.0, b], [1.0, 1.0, c], [0.0, 1.0, d]]
        };
        let (kept, cut) = below(&square([0.0, 2.0, 4.0, 0.0]), 1.0);
        assert_eq!(cut, [[0.5, 0.0, 1.0], [0.25, 1.0, 1.0]]);
        assert_eq!(kept, [[0.0, 0.0, 0.0], [0.5, 0.0, 1.0], [0.25, 1.0, 1.0], [0.0, 1.0, 0.0]]);
        assert_eq!(below(&square([0.0; 4]), 1.0), (square([0.0; 4]).to_vec(), Vec::new()));
        assert_eq!(below(&square([2.0; 4]), 1.0), (Vec::new(), Vec::new()));
    }
}
