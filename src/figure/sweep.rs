//! A sweep: each collected number over the keys (a heat map for two of them), and its logarithm against B/η with the fitted slope.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, INK, Map};
use super::chart::panel::{HEADING, Key, Panel, Shade, legend, range};
use super::source::{Source, values};
use crate::record::read::{find, float, text};
use crate::record::{Group, Values};
use crate::text::{short, with_error};

/// Most collected numbers that are drawn, one below the other; and most curves in a panel.
const NUMBERS: usize = 4;
const CURVES: usize = 8;
/// Height of a row of panels.
const ROW: f64 = 470.0;

/// A swept key.
struct Swept {
    label: String,
    /// Its values; numbers of the cases where they are words.
    at: Vec<f64>,
    words: Vec<String>,
}

/// A collected number over all cases, the last key fastest.
struct Number {
    title: String,
    values: Vec<f64>,
    bars: Vec<f64>,
    /// Slopes, their standard errors and intercepts, by the places on the keys that do not change B/η.
    fits: Option<[Vec<f64>; 3]>,
    /// Those keys.
    others: Vec<usize>,
}

/// The figure; None where the record has no `/sweep`, or no number of it is known.
pub fn draw(source: &Source) -> Option<Canvas> {
    let group = source.record.group("sweep")?;
    let names = &find(group, "status")?.axes;
    let axes: Vec<Swept> = names.iter().map(|name| swept(group, name)).collect::<Option<_>>()?;
    let collected = text(group, "collected")?.split(' ').map(|name| numbers(source, group, names, name));
    let known = |number: &Number| number.values.iter().any(|v| v.is_finite());
    let collected: Vec<Number> =
        collected.collect::<Option<Vec<_>>>()?.into_iter().filter(known).take(NUMBERS).collect();
    if collected.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new(1200.0, 80.0 + ROW * collected.len() as f64, "Sweep");
    let keys: Vec<&str> = axes.iter().map(|axis| axis.label.as_str()).collect();
    let top = source.title(&mut canvas, &format!("sweep over {}", keys.join(", ")));
    for (k, number) in collected.iter().enumerate() {
        let y = top + HEADING + ROW * k as f64;
        let rect = |x: f64, w: f64| Rect::new(x, y, w, ROW - HEADING - 92.0);
        let beside = match number.fits {
            Some(_) => {
                law(source, group, &mut canvas, rect(95.0, 470.0), number, &axes);
                rect(690.0, 380.0)
            }
            None => rect(95.0, 960.0),
        };
        match axes.as_slice() {
            [first, second] => heat(&mut canvas, beside, number, [first, second]),
            _ => curves(&mut canvas, beside, number, &axes),
        }
    }
    Some(canvas)
}

fn swept(group: &Group, name: &str) -> Option<Swept> {
    let scale = find(group, name)?;
    let numbers: Vec<f64> = match &scale.values {
        Values::Float(values) => values.iter().copied().collect(),
        Values::Integer(values) => values.iter().map(|v| *v as f64).collect(),
        Values::Text(words) => (0..words.len()).map(|k| k as f64).collect(),
    };
    let words = match &scale.values {
        Values::Text(words) => words.clone(),
        Values::Float(_) | Values::Integer(_) => numbers.iter().map(|v| number(*v)).collect(),
    };
    let label = match &scale.values {
        Values::Text(words) => {
            let named: Vec<String> = words.iter().take(6).enumerate().map(|(k, word)| format!("{k} {word}")).collect();
            format!("{}: {}", scale.long_name, named.join(", "))
        }
        Values::Float(_) | Values::Integer(_) => scale.long_name.clone(),
    };
    Some(Swept { label, at: numbers, words })
}

fn numbers(source: &Source, group: &Group, names: &[String], name: &str) -> Option<Number> {
    let all = |suffix: &str| values(source.record, &format!("sweep/{name}{suffix}"));
    let found = all("")?;
    let none = vec![0.0; found.len()];
    let (se, error) = (all("_se").unwrap_or_else(|| none.clone()), all("_error").unwrap_or(none));
    let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
    let bars = se.iter().zip(&error).map(|(a, b)| finite(*a).hypot(finite(*b))).collect();
    let part = |suffix: &str| float(group, &format!("{name}{suffix}")).map(|v| vec![v]).or_else(|| all(suffix));
    let fits = || Some([part("_slope")?, part("_slope_se")?, part("_intercept")?]);
    let others = find(group, &format!("{name}_slope")).map(|slopes| slopes.axes.clone()).unwrap_or_default();
    let others = others.iter().filter_map(|axis| names.iter().position(|name| name == axis)).collect();
    let title = find(group, name)?.long_name.clone();
    Some(Number { title, values: found, bars, fits: fits(), others })
}

/// Place of a case on each axis, the last fastest.
fn place(axes: &[Swept], case: usize) -> Vec<usize> {
    let mut rest = case;
    let mut place: Vec<usize> = axes.iter().rev().map(|axis| (rest % axis.at.len(), rest /= axis.at.len()).0).collect();
    place.reverse();
    place
}

/// The place of a case among those of some axes, and in words.
fn among(axes: &[Swept], of: &[usize], case: usize) -> (usize, String) {
    let place = place(axes, case);
    let at = of.iter().fold(0, |at, &axis| at * axes[axis].at.len() + place[axis]);
    let words: Vec<String> = of.iter().map(|&a| format!("{} = {}", axes[a].label, axes[a].words[place[a]])).collect();
    (at, words.join(", "))
}

/// ln v against B/η, with a line for each fit.
fn law(source: &Source, group: &Group, canvas: &mut Canvas, rect: Rect, number: &Number, axes: &[Swept]) {
    let label = text(group, "slope_against").unwrap_or_default();
    let at = |name: &str| values(source.record, &format!("sweep/{name}"));
    let temperature = at("temperature").unwrap_or_default();
    let x: Vec<f64> = match (at("batch_size"), at("learning_rate")) {
        (Some(batch), Some(rate)) => batch.iter().zip(&rate).map(|(b, r)| b / r).collect(),
        (None, _) | (_, None) => temperature.iter().map(|t| 1.0 / t).collect(),
    };
    if x.len() != number.values.len() {
        return;
    }
    let (low, high) = range(x.iter().copied());
    let room = 0.05 * (high - low);
    let ends = number.values.iter().zip(&number.bars).flat_map(|(v, bar)| [(v - bar).max(0.5 * v), v + bar]);
    let (least, most) = range(ends.filter(|v| *v > 0.0));
    let panel = Panel {
        rect,
        x: Axis::new(low - room, high + room, Spread::Linear, label),
        y: Axis::new(0.7 * least, 1.4 * most, Spread::Log, &number.title),
    };
    panel.grid(canvas);
    let lines = number.fits.as_ref().map_or(1, |fits| fits[0].len());
    let colours = Map::Plasma.lines(lines.max(1));
    let mut keys: Vec<(Key, String)> = Vec::new();
    for (k, &colour) in colours.iter().enumerate() {
        let of_line = |case: &usize| among(axes, &number.others, *case).0 == k;
        let cases: Vec<usize> = (0..x.len()).filter(of_line).filter(|&c| number.values[c] > 0.0).collect();
        let Some(first) = cases.first() else { continue };
        if let Some([slope, error, intercept]) = number.fits.as_ref().map(|fits| [fits[0][k], fits[1][k], fits[2][k]]) {
            let line: Vec<f64> = [low, high].iter().map(|x| (intercept + slope * x).exp()).collect();
            panel.curve(canvas, &[low, high], &line, Stroke::dashed(colour, 1.8));
            let words = among(axes, &number.others, *first).1;
            let slope = if error.is_nan() { short(slope) } else { with_error(slope, error) };
            let words = if words.is_empty() { format!("slope {slope}") } else { format!("{words}: slope {slope}") };
            keys.push((Key::Disc(colour), words));
        }
        cases.iter().for_each(|&c| point(canvas, &panel, [x[c], number.values[c], number.bars[c]], colour));
    }
    panel.frame(canvas, true, true);
    panel.heading(canvas, "logarithm and fitted slope");
    keys.truncate(2);
    legend(canvas, &keys, rect.x - 40.0, rect.right() + 60.0, rect.bottom() + 54.0);
}

fn point(canvas: &mut Canvas, panel: &Panel, [x, y, bar]: [f64; 3], colour: Colour) {
    if bar > 0.0 {
        let ends = [y - bar, y + bar]
            .map(|end| panel.at(x, if panel.y.spread == Spread::Log { end.max(1e-3 * y) } else { end }));
        canvas.line(ends.to_vec(), Stroke::solid(colour, 1.4), Some(panel.rect));
    }
    canvas.disc(panel.at(x, y), 4.5, colour, Some(panel.rect));
}

/// Spread of an axis that holds these values: by the logarithm where they are positive and wide apart.
fn spread(values: &[f64]) -> Spread {
    let (low, high) = range(values.iter().copied());
    if low > 0.0 && high / low >= 8.0 { Spread::Log } else { Spread::Linear }
}

/// Edges around values, which are sorted.
fn edges(values: &[f64], spread: Spread) -> Vec<f64> {
    let by = |x: f64| if spread == Spread::Log { x.ln() } else { x };
    let back = |x: f64| if spread == Spread::Log { x.exp() } else { x };
    let at: Vec<f64> = values.iter().map(|x| by(*x)).collect();
    let n = at.len();
    let half = |k: usize| if n > 1 { 0.5 * (at[k + 1] - at[k]) } else { 0.5 };
    let between = (1..n).map(|k| 0.5 * (at[k - 1] + at[k]));
    let all = std::iter::once(at[0] - half(0)).chain(between).chain(std::iter::once(at[n - 1] + half(n.max(2) - 2)));
    all.map(back).collect()
}

/// Colours over two keys.
fn heat(canvas: &mut Canvas, rect: Rect, number: &Number, [first, second]: [&Swept; 2]) {
    let order = |axis: &Swept| {
        let mut order: Vec<usize> = (0..axis.at.len()).collect();
        order.sort_by(|&a, &b| axis.at[a].total_cmp(&axis.at[b]));
        order
    };
    let (rows, columns) = (order(first), order(second));
    let sorted = |axis: &Swept, order: &[usize]| order.iter().map(|&k| axis.at[k]).collect::<Vec<f64>>();
    let (x, y) = (sorted(first, &rows), sorted(second, &columns));
    let field: Vec<f64> =
        rows.iter().flat_map(|&i| columns.iter().map(move |&j| number.values[i * second.at.len() + j])).collect();
    let (along_x, along_y) = (spread(&x), spread(&y));
    let (x, y) = (edges(&x, along_x), edges(&y, along_y));
    let panel = Panel {
        rect,
        x: Axis::new(x[0], x[x.len() - 1], along_x, &first.label),
        y: Axis::new(y[0], y[y.len() - 1], along_y, &second.label),
    };
    let shade = Shade::fitting(Map::Viridis, &field, &number.title);
    panel.heat(canvas, &x, &y, &field, &shade);
    for (k, value) in field.iter().enumerate().filter(|(_, v)| v.is_nan()) {
        let (i, j) = (k / (y.len() - 1), k % (y.len() - 1));
        let centre = [(x[i], x[i + 1], along_x), (y[j], y[j + 1], along_y)]
            .map(|(a, b, spread)| if spread == Spread::Log { (a * b).sqrt() } else { 0.5 * (a + b) });
        debug_assert!(value.is_nan());
        canvas.disc(panel.at(centre[0], centre[1]), 2.5, GREY, Some(rect));
    }
    panel.frame(canvas, true, true);
    panel.heading(canvas, "over the two keys");
    shade.bar(canvas, Rect::new(rect.right() + 16.0, rect.y, 18.0, rect.h));
}

/// The number against the first key, a curve for each place on the others.
fn curves(canvas: &mut Canvas, rect: Rect, number: &Number, axes: &[Swept]) {
    let first = &axes[0];
    let (low, high) = range(first.at.iter().copied());
    let along = spread(&first.at);
    let room = 0.04 * (high - low);
    let ends = number.values.iter().zip(&number.bars).flat_map(|(v, bar)| [v - bar, v + bar]);
    let (least, most) = range(ends);
    let up = if least > 0.0 && most / least > 30.0 { Spread::Log } else { Spread::Linear };
    let margin = 0.06 * (most - least);
    let (bottom, top) = if up == Spread::Log { (0.7 * least, 1.4 * most) } else { (least - margin, most + margin) };
    let (left, right) = if along == Spread::Log { (low / 1.1, high * 1.1) } else { (low - room, high + room) };
    let panel =
        Panel { rect, x: Axis::new(left, right, along, &first.label), y: Axis::new(bottom, top, up, &number.title) };
    panel.grid(canvas);
    let each: usize = axes[1..].iter().map(|axis| axis.at.len()).product();
    let colours = if each == 1 { vec![INK] } else { Map::Plasma.lines(each.min(CURVES)) };
    let others: Vec<usize> = (1..axes.len()).collect();
    let mut keys = Vec::new();
    let mut order: Vec<usize> = (0..first.at.len()).collect();
    order.sort_by(|&a, &b| first.at[a].total_cmp(&first.at[b]));
    for (k, &colour) in colours.iter().enumerate() {
        let cases: Vec<usize> = order.iter().map(|i| i * each + k).collect();
        let at = |of: &[f64]| cases.iter().map(|&c| of[c]).collect::<Vec<f64>>();
        let x: Vec<f64> = order.iter().map(|&i| first.at[i]).collect();
        let (y, bars) = (at(&number.values), at(&number.bars));
        panel.curve(canvas, &x, &y, Stroke::solid(colour, 1.6));
        let points = x.iter().zip(&y).zip(&bars).filter(|((_, y), _)| y.is_finite());
        points.for_each(|((x, y), bar)| point(canvas, &panel, [*x, *y, *bar], colour));
        keys.extend((each > 1).then(|| (Key::Disc(colour), among(axes, &others, k).1)));
    }
    panel.frame(canvas, true, true);
    panel.heading(canvas, if each > CURVES { "the first curves only" } else { "over the keys" });
    keys.truncate(3);
    legend(canvas, &keys, rect.x - 40.0, rect.right() + 60.0, rect.bottom() + 54.0);
}
