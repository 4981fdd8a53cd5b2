//! Where the SDE says what SGD does: batch size against learning rate, both logarithmic, the ratio of the mean times (else the total
//! variation) as colour.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, INK, Map};
use super::chart::contour;
use super::chart::panel::{HEADING, Key, Panel, Shade, legend};
use super::source::{Source, values};
use crate::record::read::float;

/// Least and largest |ln ratio| that the colours end with.
const ENDS: [f64; 2] = [0.2, 12.0];
/// Distance of the lines that hatch an undecided cell.
const HATCH: f64 = 9.0;

/// What is drawn of one order of the SDE.
struct Order {
    number: usize,
    colours: Vec<f64>,
    total_variation: Vec<f64>,
    valid: Vec<f64>,
}

/// The figure: a panel for each order; None where the record has no `/validity`.
pub fn draw(source: &Source) -> Option<Canvas> {
    let group = source.record.group("validity")?;
    let at = |name: &str| values(source.record, &format!("validity/{name}"));
    let (rates, batches) = (at("learning_rate")?, at("batch_size")?);
    let cells = rates.len() * batches.len();
    let bound = float(group, "max_total_variation")?;
    let passage = group.attribute("passage").is_some();
    let colour = if passage { "log_ratio" } else { "total_variation" };
    let bars = at(&format!("{colour}_error")).unwrap_or_default();
    let known = |(k, value): (usize, f64)| {
        let bound_alone = value.is_finite() && bars.get(k).is_some_and(|bar| bar.is_infinite());
        if bound_alone { f64::NAN } else { value }
    };
    let colours: Vec<f64> = at(colour)?.into_iter().enumerate().map(known).collect();
    let (total, valid) = (at("total_variation")?, at("valid")?);
    let order = |k: usize| {
        let part = |all: &[f64]| all.get(k * cells..(k + 1) * cells).map(<[f64]>::to_vec);
        Some(Order { number: k + 1, colours: part(&colours)?, total_variation: part(&total)?, valid: part(&valid)? })
    };
    let orders: Vec<Order> = (0..3).map_while(order).collect();
    if orders.is_empty() || rates.is_empty() || batches.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new(1200.0, 590.0, "Validity");
    let what = if passage { "colour: ln(mean time of SGD / of the SDE)" } else { "colour: total variation" };
    let top = source.title(&mut canvas, &format!("where the SDE says what SGD does; {what}"));
    let keys = keys(&orders, [&rates, &batches], bound);
    let top = top + legend(&mut canvas, &keys, 80.0, 1165.0, top);
    let shade = shade(passage, bound, &colours);
    let width = (1200.0 - 80.0 - 105.0 - 30.0 * (orders.len() as f64 - 1.0)) / orders.len() as f64;
    let height = canvas.height - top - HEADING - 66.0;
    for (k, order) in orders.iter().enumerate() {
        let rect = Rect::new(80.0 + k as f64 * (width + 30.0), top + HEADING, width, height);
        panel(&mut canvas, rect, [&rates, &batches], order, &shade, (k == 0, bound));
    }
    let finite: Vec<f64> = orders.iter().flat_map(|order| &order.colours).copied().filter(|v| v.is_finite()).collect();
    shade.bar_over(&mut canvas, Rect::new(1110.0, top + HEADING, 20.0, height), &finite);
    Some(canvas)
}

/// A legend of what is drawn, and of nothing else.
fn keys(orders: &[Order], [rates, batches]: [&[f64]; 2], bound: f64) -> Vec<(Key, String)> {
    let any = |is: &dyn Fn(f64, f64) -> bool| {
        orders.iter().any(|order| order.colours.iter().zip(&order.valid).any(|(colour, valid)| is(*colour, *valid)))
    };
    let mut keys = Vec::new();
    if orders.iter().any(|order| !border(order, [rates, batches], bound).is_empty()) {
        keys.push((Key::Line(Stroke::solid(INK, 2.0)), format!("total variation {bound}")));
    }
    keys.push((Key::Line(Stroke::dashed(GREY, 1.2)), "constant η/B".to_string()));
    if any(&|_, valid| valid == 1.0) {
        keys.push((Key::Line(Stroke::solid(VALID, 2.6)), "frame: valid".into()));
    }
    let words = [
        ("hatched: undecided", any(&|_, valid| valid == -1.0)),
        ("dots: no number, or a bound alone", any(&|colour, _| colour.is_nan())),
        ("black: SGD never arrives", any(&|colour, _| colour == f64::INFINITY)),
    ];
    let drawn: Vec<&str> = words.into_iter().filter(|(_, drawn)| *drawn).map(|(word, _)| word).collect();
    if !drawn.is_empty() {
        keys.push((Key::Words, drawn.join("; ")));
    }
    keys
}

/// The line along which the total variation has the value `bound`, between the points of the map.
fn border(order: &Order, [rates, batches]: [&[f64]; 2], bound: f64) -> Vec<Vec<[f64; 2]>> {
    let logarithms = |points: &[f64]| points.iter().map(|p| p.ln()).collect::<Vec<f64>>();
    let segments = contour::segments(&logarithms(rates), &logarithms(batches), &order.total_variation, bound);
    let back = |line: Vec<[f64; 2]>| line.into_iter().map(|p| [p[0].exp(), p[1].exp()]).collect();
    contour::lines(&segments).into_iter().map(back).collect()
}

/// The frame of valid cells.
const VALID: Colour = Colour { rgb: [0x00, 0x7a, 0x4d], opacity: 1.0 };

fn shade(passage: bool, bound: f64, colours: &[f64]) -> Shade {
    let finite = colours.iter().filter(|x| x.is_finite());
    let most = finite.fold(0.0, |most: f64, x| most.max(x.abs())).clamp(ENDS[0], ENDS[1]);
    match passage {
        true => Shade { map: Map::BlueRed, axis: Axis::new(-most, most, Spread::Linear, "ln(τ_SGD/τ_SDE)") },
        false => Shade { map: Map::Viridis, axis: Axis::new(0.0, 4.0 * bound, Spread::Linear, "total variation") },
    }
}

/// Edges around points on a logarithmic axis.
fn edges(points: &[f64]) -> Vec<f64> {
    let n = points.len();
    let half = |a: f64, b: f64| (a * b).sqrt();
    let step = if n > 1 { (points[1] / points[0]).sqrt() } else { 2f64.sqrt() };
    let last = if n > 1 { (points[n - 1] / points[n - 2]).sqrt() } else { step };
    let between = points.windows(2).map(|w| half(w[0], w[1]));
    std::iter::once(points[0] / step).chain(between).chain(std::iter::once(points[n - 1] * last)).collect()
}

fn panel(
    canvas: &mut Canvas,
    rect: Rect,
    [rates, batches]: [&[f64]; 2],
    order: &Order,
    shade: &Shade,
    (left, bound): (bool, f64),
) {
    let (x, y) = (edges(rates), edges(batches));
    let panel = Panel {
        rect,
        x: Axis::new(x[0], x[x.len() - 1], Spread::Log, "learning rate η").with_ticks(rates),
        y: Axis::new(y[0], y[y.len() - 1], Spread::Log, if left { "batch size B" } else { "" }).with_ticks(batches),
    };
    panel.heat(canvas, &x, &y, &order.colours, shade);
    for i in 0..rates.len() {
        for j in 0..batches.len() {
            let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)].map(|(a, b)| panel.at(x[a], y[b]));
            cell(canvas, rect, corners, order, i * batches.len() + j);
        }
    }
    // lines of constant η/B through the corners of the map
    let (low, high) = ((rates[0] / batches[batches.len() - 1]).log2(), (rates[rates.len() - 1] / batches[0]).log2());
    for k in (low.ceil() as i64)..=(high.floor() as i64) {
        let batch = |rate: f64| rate / 2f64.powi(k as i32);
        let line = vec![[x[0], batch(x[0])], [x[x.len() - 1], batch(x[x.len() - 1])]];
        panel.paths(canvas, &[line], &Stroke::dashed(GREY, 1.2));
    }
    let lines = border(order, [rates, batches], bound);
    panel.paths(canvas, &lines, &Stroke::solid(INK, 2.0));
    panel.frame(canvas, true, left);
    panel.heading(canvas, &format!("SDE of order {}", order.number));
}

fn cell(canvas: &mut Canvas, rect: Rect, corners: [[f64; 2]; 4], order: &Order, at: usize) {
    let (value, valid) = (order.colours[at], order.valid[at]);
    if value == f64::INFINITY {
        canvas.fill(corners.to_vec(), INK, Some(rect));
    }
    let [left, right] = [corners[0][0].min(corners[1][0]), corners[0][0].max(corners[1][0])];
    let [top, bottom] = [corners[0][1].min(corners[2][1]), corners[0][1].max(corners[2][1])];
    if value.is_nan() {
        canvas.disc([0.5 * (left + right), 0.5 * (top + bottom)], 2.5, GREY, Some(rect));
    }
    if valid == 1.0 {
        let [l, r, t, b] = [left + 2.0, right - 2.0, top + 2.0, bottom - 2.0];
        canvas.outline(vec![[l, t], [r, t], [r, b], [l, b]], Stroke::solid(VALID, 2.6), Some(rect));
    } else if valid == -1.0 {
        let height = bottom - top;
        let inside = Rect::new(left, top, right - left, height);
        let lines = ((right - left + height) / HATCH) as usize;
        for k in 1..=lines {
            let from = left - height + HATCH * k as f64;
            canvas.line(vec![[from, bottom], [from + height, top]], Stroke::solid(GREY, 1.0), Some(inside));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_names_what_is_drawn() {
        let order = |colour: f64, valid: f64, total: [f64; 4]| Order {
            number: 1,
            colours: vec![colour; 4],
            total_variation: total.to_vec(),
            valid: vec![valid; 4],
        };
        let words = |order: Order| -> Vec<String> {
            keys(&[order], [&[0.1, 0.2], &[1.0, 2.0]], 0.1).into_iter().map(|(_, word)| word).collect()
        };
        assert_eq!(words(order(1.0, 0.0, [0.5; 4])), ["constant η/B"]);
        let all = words(order(f64::NAN, -1.0, [0.0, 0.0, 0.5, 0.5]));
        let more = "hatched: undecided; dots: no number, or a bound alone";
        assert_eq!(all, ["total variation 0.1", "constant η/B", more]);
        assert!(words(order(f64::INFINITY, 1.0, [0.5; 4])).contains(&"frame: valid".to_string()));
    }
}
