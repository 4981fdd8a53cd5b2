//! Loss and trace of D over planes through trained networks, with the ends of the runs that they go through.

use crate::figure::chart::axis::{Axis, Spread};
use crate::figure::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use crate::figure::chart::colour::{INK, Map, WHITE};
use crate::figure::chart::contour::{lines, segments};
use crate::figure::chart::font;
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
        let kind = if directions == slice.name { String::new() } else { format!(" ({directions})") };
        panel.heading(canvas, &format!("{}{kind}: {title}", slice.name));
        shade.bar(canvas, Rect::new(rect.right() + 14.0, rect.y, 16.0, rect.h));
    }
    Some(())
}

/// The ends of runs.
fn points(canvas: &mut Canvas, slice: &Group, panel: &Panel) -> Option<()> {
    let (s, t) = (column(slice, "point_s")?, column(slice, "point_t")?);
    let Values::Text(names) = &find(slice, "point")?.values else { return None };
    let mut taken: Vec<Rect> = Vec::new();
    for ((s, t), name) in s.iter().zip(&t).zip(names) {
        let at = panel.at(*s, *t);
        canvas.disc(at, 6.0, INK, Some(panel.rect));
        canvas.disc(at, 4.5, WHITE, Some(panel.rect));
        let room = place(at, font::width(name, SIZE), panel.rect, &taken);
        canvas.text([room.x, room.bottom() - 4.0], name, SIZE, WHITE, Anchor::Start);
        taken.push(room);
    }
    Some(())
}

/// Size of the names of points, and the height of their line.
const SIZE: f64 = 0.8 * LABEL;
const LINE: f64 = 1.3 * SIZE;

/// Where a name of some width stands beside a point: the first of the places round it, nearer ones first, that lies in the frame and on no
/// other name; else the first.
fn place([x, y]: [f64; 2], width: f64, frame: Rect, taken: &[Rect]) -> Rect {
    let ups = (0..8).flat_map(|k| [-1.0 - f64::from(k), f64::from(k)]);
    let places: Vec<Rect> =
        ups.flat_map(|up| [x + 9.0, x - 9.0 - width].map(|left| Rect::new(left, y + up * LINE, width, LINE))).collect();
    let apart = |a: &Rect, b: &Rect| a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y;
    let inside =
        |r: &Rect| r.x >= frame.x && r.right() <= frame.right() && r.y >= frame.y && r.bottom() <= frame.bottom();
    let free = |r: &&Rect| inside(r) && taken.iter().all(|other| apart(r, other));
    places.iter().find(free).copied().unwrap_or(places[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lie_on_no_other_name_and_in_the_frame() {
        let frame = Rect::new(0.0, 0.0, 200.0, 100.0);
        let mut taken = Vec::new();
        for point in [[60.0, 50.0], [150.0, 50.0], [150.0, 52.0], [190.0, 3.0]] {
            let room = place(point, 80.0, frame, &taken);
            let apart =
                |a: &Rect| a.right() <= room.x || room.right() <= a.x || a.bottom() <= room.y || room.bottom() <= a.y;
            assert!(taken.iter().all(apart), "{room:?} {taken:?}");
            assert!(room.x >= 0.0 && room.right() <= 200.0 && room.y >= 0.0 && room.bottom() <= 100.0, "{room:?}");
            taken.push(room);
        }
    }
}
