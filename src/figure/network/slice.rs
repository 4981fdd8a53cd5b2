//! Loss and trace of D over planes through trained networks, with the ends of the runs that they go through.

use crate::figure::chart::axis::{Axis, Spread};
use crate::figure::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use crate::figure::chart::colour::{INK, Map, WHITE};
use crate::figure::chart::contour::{lines, segments};
use crate::figure::chart::panel::{HEADING, LABEL, Panel, Shade, quantile};
use crate::figure::source::Source;
use crate::record::read::{column, find, text};
use crate::record::{Group, Values};

/// Height of a slice.
const ROW: f64 = 500.0;

/// The figure; None where there is no slice.
pub(in crate::figure) fn draw(source: &Source) -> Option<Canvas> {
    let slices = &source.record.group("slice")?.groups;
    if slices.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new(1200.0, 80.0 + ROW * slices.len() as f64, "Slices");
    let top = source.title(&mut canvas, "planes θ₀ + s a + t b through parameters of the network");
    for (k, slice) in slices.iter().enumerate() {
        row(&mut canvas, slice, top + ROW * k as f64);
    }
    Some(canvas)
}

fn row(canvas: &mut Canvas, slice: &Group, top: f64) -> Option<()> {
    let (s, t) = (column(slice, "s")?, column(slice, "t")?);
    let loss = column(slice, "loss")?;
    let diffusion = column(slice, "diffusion")?;
    let n = loss.len();
    let trace: Vec<f64> = (0..n).map(|i| diffusion[i] + diffusion[3 * n + i]).collect();
    let directions = text(slice, "directions").unwrap_or("?");
    for (k, (values, title)) in [(&loss, "mean loss"), (&trace, "trace of D")].into_iter().enumerate() {
        let rect = Rect::new(105.0 + 560.0 * k as f64, top + HEADING, 390.0, ROW - HEADING - 80.0);
        let axis = |nodes: &[f64], label: &str| Axis::new(nodes[0], nodes[nodes.len() - 1], Spread::Linear, label);
        let panel = Panel { rect, x: axis(&s, "s"), y: axis(&t, "t") };
        let shade = Shade::fitting(if k == 0 { Map::Viridis } else { Map::Plasma }, values, title);
        panel.smooth_heat(canvas, &s, &t, values, &shade);
        for level in 1..10 {
            let level = quantile(values, 0.1 * f64::from(level));
            panel.paths(canvas, &lines(&segments(&s, &t, values, level)), &Stroke::solid(WHITE.with_opacity(0.5), 0.8));
        }
        points(canvas, slice, &panel);
        panel.frame(canvas, true, k == 0);
        panel.heading(canvas, &format!("{} ({directions}): {title}", slice.name));
        shade.bar(canvas, Rect::new(rect.right() + 14.0, rect.y, 16.0, rect.h));
    }
    Some(())
}

/// The ends of runs.
fn points(canvas: &mut Canvas, slice: &Group, panel: &Panel) -> Option<()> {
    let (s, t) = (column(slice, "point_s")?, column(slice, "point_t")?);
    let Values::Text(names) = &find(slice, "point")?.values else { return None };
    for ((s, t), name) in s.iter().zip(&t).zip(names) {
        let at = panel.at(*s, *t);
        canvas.disc(at, 6.0, INK, Some(panel.rect));
        canvas.disc(at, 4.5, WHITE, Some(panel.rect));
        let right = at[0] > panel.rect.x + 0.65 * panel.rect.w;
        let (x, anchor) = if right { (at[0] - 9.0, Anchor::End) } else { (at[0] + 9.0, Anchor::Start) };
        canvas.text([x, at[1] - 6.0], name, 0.8 * LABEL, WHITE, anchor);
    }
    Some(())
}
