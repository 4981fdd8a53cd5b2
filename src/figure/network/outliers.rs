//! The samples with the largest losses as images, with the label that is learnt and the class that the network gives them.

use crate::figure::chart::canvas::{Anchor, Canvas, Rect, Shape, Stroke};
use crate::figure::chart::colour::{GREY, INK};
use crate::figure::chart::panel::{HEADING, LABEL, TICK};
use crate::figure::samples::OUTLIER;
use crate::figure::source::Source;
use crate::record::read::{column, find, integer, integers};
use crate::record::{Group, Values};

use super::ways;

/// Images in a row, and the room of each.
const COLUMNS: usize = 8;
const ROOM: [f64; 2] = [140.0, 172.0];
/// Side of an image.
const SIDE: f64 = 92.0;
/// Size of the words under it.
const SMALL: f64 = 11.0;

/// The figure: of the last way of drawing, first seed. None where no sample is listed.
pub(in crate::figure) fn draw(source: &Source) -> Option<Canvas> {
    let ways = ways(source.record);
    let (way, run) = ways.iter().rev().find_map(|way| Some((way, *way.runs.first()?)))?;
    let group = run.group("outliers")?;
    let images = find(group, "image")?;
    let Values::Integer(pixels) = &images.values else { return None };
    let [n, channels, height, width] = images.shape()[..] else { return None };
    let mut canvas =
        Canvas::new(1200.0, 110.0 + ROOM[1] * n.div_ceil(COLUMNS) as f64, "Samples with the largest losses");
    let low = integer(group, "count").unwrap_or(0);
    let remark = format!("{}: samples with the largest losses; {low} have p < low/m at the end", way.title);
    let top = source.title(&mut canvas, &remark) + HEADING;
    let planted =
        "framed: the label was planted; under each: label learnt, class the network gives it, label in the file";
    canvas.text([40.0, top - 10.0], planted, TICK, GREY, Anchor::Start);
    let pixels: Vec<i64> = pixels.iter().copied().collect();
    for k in 0..n {
        let (x, y) = (40.0 + ROOM[0] * (k % COLUMNS) as f64, top + 8.0 + ROOM[1] * (k / COLUMNS) as f64);
        let each = channels * height * width;
        let image = &pixels[k * each..(k + 1) * each];
        // each pixel several times, since renderers smooth what they enlarge
        let times = (2.0 * SIDE / width as f64).ceil() as usize;
        let (columns, rows) = (width * times, height * times);
        let row = |c: usize, k: usize| c.min(channels - 1) * height + k / columns / times;
        let pixel = |c: usize, k: usize| image[row(c, k) * width + k % columns / times] as u8;
        let rgb = (0..rows * columns).flat_map(|k| [0, 1, 2].map(|c| pixel(c, k)));
        let rect = Rect::new(x, y, SIDE, SIDE * height as f64 / width as f64);
        canvas.shapes.push(Shape::Image { rect, columns, rows, rgb: rgb.collect() });
        words(&mut canvas, group, k, rect);
    }
    Some(canvas)
}

/// What is said of a sample under its image.
fn words(canvas: &mut Canvas, group: &Group, k: usize, rect: Rect) {
    let whole = |name: &str| find(group, name).and_then(integers).map_or(0, |values| values[k]);
    let number = |name: &str| column(group, name).map_or(f64::NAN, |values| values[k]);
    let (label, truth) = (whole("label"), whole("true_label"));
    let wrong = label != truth;
    let frame = if wrong { Stroke::solid(OUTLIER, 3.0) } else { Stroke::solid(GREY, 1.0) };
    canvas.outline(rect.corners(), frame, None);
    let lines = [
        format!("{label} → {}, in file {truth}", whole("predicted")),
        format!("l {:.1}, p·m {:.0e}", number("loss"), number("probability_m")),
    ];
    for (line, text) in lines.iter().enumerate() {
        let at = [rect.x, rect.bottom() + LABEL * (1.1 + 1.15 * line as f64)];
        canvas.text(at, text, SMALL, if wrong { OUTLIER } else { INK }, Anchor::Start);
    }
}
