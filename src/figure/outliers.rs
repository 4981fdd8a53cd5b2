//! Dynamic outliers over θ: the share of the loss that they carry, and the effective sample size of importance sampling.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, FAINT, GREY, INK, LOSS, Map, WHITE};
use super::chart::panel::{HEADING, Key, Panel, Shade, legend, quantile, range};
use super::samples::{OUTLIER, Point, points, remark};
use super::source::{Source, values};

const SIZE: Colour = Colour::hex(0x00_9e_73);

/// The figure; None where the record has no outliers, and in three dimensions.
pub fn draw(source: &Source) -> Option<Canvas> {
    let cells = source.volumes.len();
    let field = |name: &str| values(source.record, &format!("outliers/{name}")).filter(|v| v.len() == cells);
    let (size, share, count) = (field("effective_sample_size")?, field("outlier_share")?, field("outlier_count")?);
    match source.axes.len() {
        1 => Some(curves(source, &size, &share, &count)),
        2 => Some(maps(source, &size, &share)),
        _ => None,
    }
}

fn mark(canvas: &mut Canvas, at: [f64; 2], lowest: bool) {
    canvas.disc(at, 8.0, INK, None);
    canvas.disc(at, 6.0, if lowest { SIZE } else { WHITE }, None);
}

fn curves(source: &Source, size: &[f64], share: &[f64], count: &[f64]) -> Canvas {
    let (axis, points) = (&source.axes[0], points(source));
    let mut canvas = Canvas::new(1200.0, 860.0, "Dynamic outliers");
    let top = source.title(&mut canvas, &remark(source));
    let mut keys = vec![
        (Key::Line(Stroke::solid(INK, 2.2)), "loss L".to_string()),
        (Key::Patch(OUTLIER.with_opacity(0.6)), "what outliers carry of it".to_string()),
        (Key::Line(Stroke::solid(SIZE, 2.4)), "effective sample size 1/Σp²".to_string()),
        (Key::Line(Stroke::solid(OUTLIER, 1.8)), "number of outliers".to_string()),
    ];
    if !points.is_empty() {
        keys.push((Key::Disc(INK), "points of the record".into()));
    }
    let top = top + legend(&mut canvas, &keys, 110.0, 1165.0, top) + 12.0;
    let height = 0.5 * (canvas.height - 66.0 - 30.0 - top);
    let x = Axis::new(axis.edges[0], axis.edges[axis.edges.len() - 1], Spread::Linear, &axis.label);
    if let Some(loss) = &source.loss {
        // a wall of the loss would flatten the rest
        let high = quantile(loss, 0.97).max(points.iter().map(|p| near(axis, loss, p)).fold(0.0, f64::max) * 1.2);
        let rect = Rect::new(110.0, top, 980.0, height);
        let panel = Panel { rect, x: x.clone(), y: Axis::new(0.0, 1.1 * high, Spread::Linear, "loss L") };
        panel.grid(&mut canvas);
        panel.area(&mut canvas, &axis.centers, loss, LOSS.with_opacity(0.45));
        let carried: Vec<f64> = loss.iter().zip(share).map(|(l, s)| l * s).collect();
        panel.area(&mut canvas, &axis.centers, &carried, OUTLIER.with_opacity(0.55));
        panel.curve(&mut canvas, &axis.centers, loss, Stroke::solid(INK, 2.2));
        for (k, point) in points.iter().enumerate() {
            mark(&mut canvas, panel.at(point.position[0], near(axis, loss, point)), k == 0);
        }
        panel.frame(&mut canvas, false, true);
    }
    let rect = Rect::new(110.0, top + height + 30.0, 980.0, height);
    let samples = range(size.iter().copied()).1.max(1.0);
    let panel = Panel { rect, x, y: Axis::new(0.0, 1.1 * samples, Spread::Linear, "effective sample size") };
    panel.grid(&mut canvas);
    let most = range(count.iter().copied()).1.max(1.0);
    let right = Axis::new(0.0, (1.1 * most).max(4.0), Spread::Linear, "number of outliers");
    let behind = Panel { rect, x: panel.x.clone(), y: right.clone() };
    behind.steps(&mut canvas, &axis.edges, count, Stroke::solid(OUTLIER, 1.8));
    panel.right_axis(&mut canvas, &right, OUTLIER);
    for point in &points {
        let at = panel.at(point.position[0], 0.0)[0];
        canvas.line(vec![[at, rect.y], [at, rect.bottom()]], Stroke::dashed(GREY, 1.2), None);
    }
    panel.curve(&mut canvas, &axis.centers, size, Stroke::solid(SIZE, 2.4));
    panel.frame(&mut canvas, true, true);
    canvas
}

/// The loss at the cell of a point.
fn near(axis: &super::source::GridAxis, loss: &[f64], point: &Point) -> f64 {
    let cell = axis.edges.partition_point(|e| *e <= point.position[0]).clamp(1, loss.len()) - 1;
    loss[cell]
}

fn maps(source: &Source, size: &[f64], share: &[f64]) -> Canvas {
    let (x, y, points) = (&source.axes[0], &source.axes[1], points(source));
    let mut canvas = Canvas::new(1200.0, 660.0, "Dynamic outliers");
    let what = format!("{}; discs: points of the record", remark(source));
    let top = source.title(&mut canvas, &what) + 4.0;
    let (low, high) = range(size.iter().copied());
    let fields = [
        (share, Map::Plasma, Axis::new(0.0, 1.0, Spread::Linear, ""), "share of the loss that outliers carry"),
        (size, Map::Viridis, Axis::new(low.min(0.8 * high), high, Spread::Linear, ""), "effective sample size 1/Σp²"),
    ];
    for (k, (field, map, axis, label)) in fields.into_iter().enumerate() {
        let panel = Panel {
            rect: Rect::new(95.0 + 560.0 * k as f64, top + HEADING, 410.0, canvas.height - 66.0 - HEADING - top),
            x: Axis::new(x.edges[0], x.edges[x.edges.len() - 1], Spread::Linear, &x.label),
            y: Axis::new(y.edges[0], y.edges[y.edges.len() - 1], Spread::Linear, &y.label),
        };
        let shade = Shade { map, axis };
        panel.heat(&mut canvas, &x.edges, &y.edges, field, &shade);
        super::landscape::loss_lines(source, &panel, &mut canvas, 12, &Stroke::solid(FAINT.with_opacity(0.7), 0.8));
        for (k, point) in points.iter().enumerate() {
            mark(&mut canvas, panel.at(point.position[0], point.position[1]), k == 0);
        }
        panel.frame(&mut canvas, true, k == 0);
        panel.heading(&mut canvas, label);
        shade.bar(&mut canvas, Rect::new(panel.rect.right() + 14.0, panel.rect.y, 18.0, panel.rect.h));
    }
    canvas
}
