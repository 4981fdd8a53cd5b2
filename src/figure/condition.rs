//! How well the amplitudes are determined: condition number and rank of Φ over θ.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, LOSS, Map, WHITE};
use super::chart::panel::{Key, Panel, Shade, legend, quantile, range};
use super::landscape::{loss_lines, remark};
use super::source::{Source, values};

/// Above this the residuals have few digits left; the picture ends there.
const HOPELESS: f64 = 1e16;
const CONDITION: Colour = Colour::hex(0x00_72_b2);
const RANK: Colour = Colour::hex(0xd5_5e_00);

/// The figure; None where no amplitudes are projected, and in three dimensions.
pub fn draw(source: &Source) -> Option<Canvas> {
    let cells = source.volumes.len();
    let field = |name: &str| values(source.record, &format!("problem/{name}")).filter(|v| v.len() == cells);
    let rank = field("rank");
    // infinite where a column vanishes
    let condition: Vec<f64> = field("condition_number")?.into_iter().map(|c| c.min(HOPELESS)).collect();
    let mut canvas = Canvas::new(1200.0, 640.0, "Condition number of the projection");
    let top = source.title(&mut canvas, &remark(source, "condition number of Φ, the matrix of the fitted amplitudes"));
    match source.axes.len() {
        1 => curves(source, &mut canvas, top, &condition, rank.as_deref()),
        2 => map(source, &mut canvas, top, &condition, rank.as_deref()),
        _ => return None,
    }
    Some(canvas)
}

fn curves(source: &Source, canvas: &mut Canvas, top: f64, condition: &[f64], rank: Option<&[f64]>) {
    let axis = &source.axes[0];
    let mut keys = vec![(Key::Line(Stroke::solid(CONDITION, 2.4)), "condition number".to_string())];
    if rank.is_some() {
        keys.push((Key::Line(Stroke::solid(RANK, 1.8)), "rank".into()));
    }
    if source.loss.is_some() {
        keys.push((Key::Patch(LOSS.with_opacity(0.6)), "loss L (own scale)".into()));
    }
    let top = top + legend(canvas, &keys, 110.0, 1165.0, top) + 12.0;
    let rect = Rect::new(110.0, top, 980.0, canvas.height - 66.0 - top);
    let (low, high) = range(condition.iter().copied());
    let panel = Panel {
        rect,
        x: Axis::new(axis.edges[0], axis.edges[axis.edges.len() - 1], Spread::Linear, &axis.label),
        y: Axis::new(0.7 * low, 1.6 * high.max(10.0 * low), Spread::Log, "condition number of Φ"),
    };
    panel.grid(canvas);
    if let Some(loss) = &source.loss {
        let (low, high) = (quantile(loss, 0.0), quantile(loss, 0.97));
        let y = Axis::new(low - 0.1 * (high - low), high + 0.8 * (high - low), Spread::Linear, "");
        Panel { rect, x: panel.x.clone(), y }.area(canvas, &axis.centers, loss, LOSS.with_opacity(0.35));
    }
    if let Some(rank) = rank {
        let right = Axis::new(0.0, range(rank.iter().copied()).1 + 1.0, Spread::Whole, "rank of Φ");
        let behind = Panel { rect, x: panel.x.clone(), y: right.clone() };
        behind.steps(canvas, &axis.edges, rank, Stroke::solid(RANK, 1.8));
        panel.right_axis(canvas, &right, RANK);
    }
    panel.curve(canvas, &axis.centers, condition, Stroke::solid(CONDITION, 2.4));
    panel.frame(canvas, true, true);
}

fn map(source: &Source, canvas: &mut Canvas, top: f64, condition: &[f64], rank: Option<&[f64]>) {
    let (x, y) = (&source.axes[0], &source.axes[1]);
    let panel = Panel {
        rect: Rect::new(95.0, top + 10.0, 900.0, canvas.height - 66.0 - top - 10.0),
        x: Axis::new(x.edges[0], x.edges[x.edges.len() - 1], Spread::Linear, &x.label),
        y: Axis::new(y.edges[0], y.edges[y.edges.len() - 1], Spread::Linear, &y.label),
    };
    let (low, high) = (range(condition.iter().copied()).0, quantile(condition, 0.999));
    let shade = Shade { map: Map::Plasma, axis: Axis::new(low, high, Spread::Log, "condition number of Φ") };
    panel.heat(canvas, &x.edges, &y.edges, condition, &shade);
    loss_lines(source, &panel, canvas, 14, &Stroke::solid(WHITE.with_opacity(0.5), 0.8));
    if let Some(rank) = rank {
        // where rank is lost
        let full = range(rank.iter().copied()).1;
        let lost: Vec<f64> = rank.iter().map(|r| full - r).collect();
        let segments = super::chart::contour::segments(&x.centers, &y.centers, &lost, 0.5);
        panel.paths(canvas, &super::chart::contour::lines(&segments), &Stroke::solid(GREY, 2.0));
    }
    panel.frame(canvas, true, true);
    shade.bar(canvas, Rect::new(panel.rect.right() + 18.0, panel.rect.y, 22.0, panel.rect.h));
}
