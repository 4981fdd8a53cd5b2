//! D(θ): curves in one dimension; in two the largest eigenvalue with its ellipses, and the condition number.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, INK, LOSS, Map, WHITE};
use super::chart::contour;
use super::chart::panel::{Key, LABEL, Panel, Shade, legend, quantile, range};
use super::landscape::remark;
use super::source::{Source, values};

/// The figure; plane by plane in three dimensions. None without D.
pub fn draw(source: &Source) -> Option<Canvas> {
    match (source.axes.len(), source.diffusion.is_empty()) {
        (1, false) => curves(source),
        (2, false) => maps(source),
        (3, false) => constant(source).or_else(|| source.by_planes(None, maps)),
        _ => None,
    }
}

/// A line of text for a D that is the same in all cells: maps of one colour say less.
fn constant(source: &Source) -> Option<Canvas> {
    let largest = source.diffusion.iter().flatten().fold(0.0, |most: f64, v| most.max(v.abs()));
    let same = |field: &Vec<f64>| field.iter().all(|v| (v - field[0]).abs() <= 1e-12 * largest);
    if !source.diffusion.iter().all(same) {
        return None;
    }
    let mut canvas = Canvas::new(1200.0, 110.0, "Diffusion over the parameters");
    let top = source.title(&mut canvas, &remark(source, "diffusion D"));
    let row = |row: &[Vec<f64>]| row.iter().map(|field| number(field[0])).collect::<Vec<_>>().join(", ");
    let rows: Vec<String> = source.diffusion.chunks(source.axes.len()).map(row).collect();
    let said = format!("D is the same everywhere: [[{}]]", rows.join("], ["));
    canvas.text([28.0, top + 28.0], &said, LABEL, INK, Anchor::Start);
    Some(canvas)
}

/// D and the parts it is made of, as curves.
fn curves(source: &Source) -> Option<Canvas> {
    let axis = &source.axes[0];
    let mut lines = vec![("D".to_string(), source.diffusion[0].clone(), Colour::hex(0x00_72_b2))];
    let parts = [("intrinsic", 0xd5_5e_00), ("exploration", 0x00_9e_73), ("mean_gradient", 0xcc_79_a7)];
    for (part, hex) in parts {
        if let Some(v) =
            values(source.record, &format!("problem/diffusion_{part}")).filter(|v| v.len() == axis.centers.len())
        {
            lines.push((format!("D, {}", part.replace('_', " ")), v, Colour::hex(hex)));
        }
    }
    let sizes: Vec<f64> = lines.iter().flat_map(|l| l.1.iter().map(|v| v.abs())).filter(|v| *v > 0.0).collect();
    let high = sizes.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    // where a part changes its sign its size has no end on a logarithmic axis
    let lowest = quantile(&sizes, 0.005).max(1e-8 * high);
    let (least, _) = range(lines.iter().flat_map(|l| l.1.iter().copied()));
    let log = high / lowest > 30.0;
    let y = match log {
        true => Axis::new(0.6 * lowest, 1.8 * high, Spread::Log, "diffusion D"),
        false => Axis::new((1.08 * least).min(0.0), 1.08 * high, Spread::Linear, "diffusion D"),
    };
    let mut canvas = Canvas::new(1200.0, 640.0, "Diffusion over the parameter");
    // a formula of the user is the covariance of nothing
    let sampled = lines.len() > 1 || source.record.group("sgd").is_some();
    let noise = if sampled { ", the covariance of the gradient noise" } else { "" };
    let what = format!("diffusion D{noise}");
    let top = source.title(&mut canvas, &remark(source, &what));
    let mut keys: Vec<(Key, String)> =
        lines.iter().map(|(label, _, colour)| (Key::Line(Stroke::solid(*colour, 2.4)), label.clone())).collect();
    if log && lines.iter().any(|line| line.1.iter().any(|v| *v < 0.0)) {
        keys.push((Key::Line(Stroke::dashed(GREY, 2.4)), "size of a negative part".into()));
    }
    if source.stationary.is_some() {
        keys.push((Key::Patch(LOSS.with_opacity(0.5)), "stationary density (own scale)".into()));
    }
    let top = top + legend(&mut canvas, &keys, 110.0, 1165.0, top) + 12.0;
    let rect = Rect::new(110.0, top, 1055.0, canvas.height - 66.0 - top);
    let x = Axis::new(axis.edges[0], axis.edges[axis.edges.len() - 1], Spread::Linear, &axis.label);
    let panel = Panel { rect, x: x.clone(), y };
    panel.grid(&mut canvas);
    if let Some(stationary) = &source.stationary {
        let top = stationary.iter().copied().fold(0.0, f64::max);
        let behind = Panel { rect, x, y: Axis::new(0.0, 2.2 * top, Spread::Linear, "") };
        behind.area(&mut canvas, &axis.centers, stationary, LOSS.with_opacity(0.4));
    }
    for (_, v, colour) in lines.iter().rev() {
        let of_sign = |sign: f64| -> Vec<f64> {
            v.iter().map(|v| if !log || sign * v > 0.0 { sign * v } else { f64::NAN }).collect()
        };
        panel.curve(&mut canvas, &axis.centers, &of_sign(1.0), Stroke::solid(*colour, 2.4));
        if log {
            panel.curve(&mut canvas, &axis.centers, &of_sign(-1.0), Stroke::dashed(*colour, 2.4));
        }
    }
    panel.frame(&mut canvas, true, true);
    Some(canvas)
}

/// Eigenvalues, larger first, and the direction of the first, of [[a, b], [b, c]].
fn eigen(a: f64, b: f64, c: f64) -> ([f64; 2], f64) {
    let (mean, half) = (0.5 * (a + c), (0.5 * (a - c)).hypot(b));
    ([mean + half, mean - half], 0.5 * (2.0 * b).atan2(a - c))
}

fn maps(source: &Source) -> Option<Canvas> {
    let (x, y) = (&source.axes[0], &source.axes[1]);
    let cells = source.volumes.len();
    let pairs: Vec<([f64; 2], f64)> =
        (0..cells).map(|k| eigen(source.diffusion[0][k], source.diffusion[1][k], source.diffusion[3][k])).collect();
    let largest: Vec<f64> = pairs.iter().map(|p| p.0[0]).collect();
    // beyond 1e6 the smaller eigenvalue is rounding
    let condition: Vec<f64> =
        pairs.iter().map(|p| if p.0[1] > 1e-6 * p.0[0] { p.0[0] / p.0[1] } else { 1e6 }).collect();
    let mut canvas = Canvas::new(1200.0, 640.0, "Diffusion over the parameters");
    let what = if source.stationary.is_some() {
        "diffusion D; white: 50 % and 90 % of the stationary density"
    } else {
        "diffusion D"
    };
    let top = source.title(&mut canvas, &remark(source, what)) + 12.0;
    let fields = [(largest, "largest eigenvalue of D; ellipses: its shape"), (condition, "condition number of D")];
    for (k, (field, label)) in fields.iter().enumerate() {
        let rect = Rect::new(95.0 + 585.0 * k as f64, top, 385.0, canvas.height - 66.0 - top);
        let panel = Panel {
            rect,
            x: Axis::new(x.edges[0], x.edges[x.edges.len() - 1], Spread::Linear, &x.label),
            y: Axis::new(y.edges[0], y.edges[y.edges.len() - 1], Spread::Linear, &y.label),
        };
        let map = if k == 0 { Map::Viridis } else { Map::Plasma };
        let shade = Shade::fitting(map, field, label);
        panel.heat(&mut canvas, &x.edges, &y.edges, field, &shade);
        if k == 0 {
            ellipses(source, &panel, &pairs, &mut canvas);
        } else if let Some(stationary) = &source.stationary {
            for inside in [0.5, 0.9] {
                let lines = contour::lines_of_mass(&x.centers, &y.centers, stationary, &source.volumes, inside);
                panel.paths(&mut canvas, &lines, &Stroke::solid(WHITE, 1.8));
            }
        }
        panel.frame(&mut canvas, true, true);
        shade.bar(&mut canvas, Rect::new(rect.right() + 16.0, rect.y, 20.0, rect.h));
    }
    Some(canvas)
}

/// Ellipses of equal longest axis with the shape √D, on a coarse lattice of even spacing; round means isotropic.
fn ellipses(source: &Source, panel: &Panel, pairs: &[([f64; 2], f64)], canvas: &mut Canvas) {
    const LATTICE: usize = 9;
    let ny = source.axes[1].centers.len();
    let cell = |axis: usize, range: &Axis, i: usize| {
        let place = range.low + (range.high - range.low) * (i as f64 + 0.5) / LATTICE as f64;
        let edges = &source.axes[axis].edges;
        edges.partition_point(|&edge| edge <= place).clamp(1, edges.len() - 1) - 1
    };
    let radius = 0.42 * (panel.rect.w / LATTICE as f64).min(panel.rect.h / LATTICE as f64);
    // one unit of each variable in pixels: the shape is drawn in the picture's own proportions
    let unit = [panel.rect.w / (panel.x.high - panel.x.low), panel.rect.h / (panel.y.high - panel.y.low)];
    for i in 0..LATTICE {
        for j in 0..LATTICE {
            let (a, b) = (cell(0, &panel.x, i), cell(1, &panel.y, j));
            let ([large, small], angle) = pairs[a * ny + b];
            if large.is_nan() || large <= 0.0 {
                continue;
            }
            let (sin, cos) = angle.sin_cos();
            let axes = [large.sqrt(), small.max(0.0).sqrt()];
            let round: Vec<[f64; 2]> = (0..40)
                .map(|k| {
                    let (s, c) = (f64::from(k) * std::f64::consts::TAU / 40.0).sin_cos();
                    let (p, q) = (axes[0] * c, axes[1] * s);
                    [unit[0] * (cos * p - sin * q), unit[1] * (sin * p + cos * q)]
                })
                .collect();
            let longest = round.iter().map(|p| p[0].hypot(p[1])).fold(0.0, f64::max);
            let at = panel.at(source.axes[0].centers[a], source.axes[1].centers[b]);
            let points =
                round.iter().map(|p| [at[0] + p[0] * radius / longest, at[1] - p[1] * radius / longest]).collect();
            canvas.outline(points, Stroke::solid(INK, 2.6), Some(panel.rect));
            canvas.shapes.extend(canvas.shapes.last().cloned().map(lighter));
        }
    }
}

/// The same outline, thin and white, so that it is seen on dark and on light ground.
fn lighter(shape: super::chart::canvas::Shape) -> super::chart::canvas::Shape {
    match shape {
        super::chart::canvas::Shape::Line { points, closed, clip, .. } => {
            super::chart::canvas::Shape::Line { points, closed, clip, stroke: Stroke::solid(WHITE, 1.2) }
        }
        other => other,
    }
}
