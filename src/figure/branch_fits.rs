//! Fitted functions along branches of critical points, with the data: what a function is that a minimum stands for, and how it comes.

use super::bifurcation::Branches;
use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{GREY, INK, Map};
use super::chart::panel::{HEADING, Key, Panel, legend, range};
use super::source::{Source, values};
use crate::record::read::{column, find, integers, text};

/// Most branches that are shown, those with minima first.
const MOST: usize = 4;
/// The lightest colour of a line on white.
const LIGHTEST: f64 = 0.88;

/// The figure; None where the record has no fitted functions along branches.
pub fn draw(source: &Source) -> Option<Canvas> {
    let branches = Branches::of(source)?;
    let group = source.record.group("genesis/fits")?;
    let inputs = column(group, "input")?;
    let (value, fitted) = (column(group, "value")?, column(group, "fitted")?);
    let (branch, index) = (integers(find(group, "branch")?)?, integers(find(group, "index")?)?);
    let (input, target) = (text(group, "input_column")?, text(group, "target_column")?);
    let x = values(source.record, &format!("problem/data/{input}"))?;
    let y = values(source.record, &format!("problem/data/{target}"))?;
    let n = value.len();
    if n == 0 || fitted.len() != n * inputs.len() || branch.len() != n || index.len() != n || inputs.len() < 2 {
        return None;
    }
    let mut shown: Vec<i64> = branch.clone();
    shown.dedup();
    let minima = |b: i64| (0..n).filter(|&k| branch[k] == b && index[k] == 0).count();
    shown.sort_by_key(|&b| std::cmp::Reverse(minima(b)));
    shown.truncate(MOST);
    shown.sort_unstable();
    let columns = shown.len().min(2);
    let rows = shown.len().div_ceil(columns);
    let mut canvas = Canvas::new(1200.0, if rows == 1 { 620.0 } else { 960.0 }, "Fitted functions along branches");
    let top = source.title(&mut canvas, &format!("fitted functions along branches over {}", branches.parameter));
    let [from, to] = branches.range;
    let colour = |value: f64| Map::Plasma.at(LIGHTEST * (value - from) / (to - from));
    let mut keys: Vec<(Key, String)> = [0.0, 0.25, 0.5, 0.75, 1.0]
        .map(|share| from + share * (to - from))
        .into_iter()
        .map(|v| (Key::Line(Stroke::solid(colour(v), 2.6)), format!("{} = {}", branches.parameter, number(v))))
        .collect();
    keys.push((Key::Line(Stroke::dashed(GREY, 2.0)), "not at a minimum".into()));
    keys.push((Key::Disc(INK), "sample".into()));
    let top = top + legend(&mut canvas, &keys, 100.0, 1165.0, top) + 10.0;
    let width = (1060.0 - 70.0 * (columns - 1) as f64) / columns as f64;
    let height = (canvas.height - top) / rows as f64;
    let (low, high) = range(y.iter().chain(&fitted).copied());
    let (data_low, data_high) = range(y.iter().copied());
    let span = data_high - data_low; // a function that runs away must not flatten the data
    let (low, high) = (low.max(data_low - 0.5 * span), high.min(data_high + 0.5 * span));
    let room = 0.06 * (high - low);
    for (place, &number_of) in shown.iter().enumerate() {
        let (column, row) = ((place % columns) as f64, (place / columns) as f64);
        let corner = [105.0 + column * (width + 70.0), top + row * height + HEADING];
        let panel = Panel {
            rect: Rect::new(corner[0], corner[1], width, height - HEADING - 62.0),
            x: Axis::new(inputs[0], inputs[inputs.len() - 1], Spread::Linear, input),
            y: Axis::new(low - room, high + room, Spread::Linear, target),
        };
        panel.grid(&mut canvas);
        for k in (0..n).filter(|&k| branch[k] == number_of) {
            let h = &fitted[k * inputs.len()..(k + 1) * inputs.len()];
            let stroke = match index[k] {
                0 => Stroke::solid(colour(value[k]), 2.4),
                _ => Stroke::dashed(colour(value[k]), 1.6),
            };
            panel.curve(&mut canvas, &inputs, h, stroke);
        }
        let radius = if y.len() > 200 { 2.5 } else { 4.5 };
        for (x, y) in x.iter().zip(&y) {
            canvas.disc(panel.at(*x, *y), radius, INK.with_opacity(0.8), Some(panel.rect));
        }
        panel.frame(&mut canvas, true, place % columns == 0);
        panel.heading(&mut canvas, &format!("branch {number_of}"));
    }
    Some(canvas)
}
