//! Fitted functions with the data at each minimum (or given point), outliers marked.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{GREY, INK};
use super::chart::panel::{HEADING, Key, Panel, legend, range};
use super::samples::{FITTED, OUTLIER, points, remark};
use super::source::{Source, values};
use crate::record::Attribute;

/// The figure; None where the record has no fitted functions.
pub fn draw(source: &Source) -> Option<Canvas> {
    let points: Vec<_> = points(source).into_iter().filter(|p| !p.fitted.is_empty()).collect();
    let text = |name: &str| match source.record.attribute(&format!("outliers/points/{name}")) {
        Some(Attribute::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let (input, target) = (text("input_column")?, text("target_column")?);
    let inputs = values(source.record, "outliers/points/input")?;
    let x = values(source.record, &format!("problem/data/{input}"))?;
    let y = values(source.record, &format!("problem/data/{target}"))?;
    if points.is_empty() || points.iter().any(|p| p.fitted.len() != inputs.len() || p.outlier.len() != y.len()) {
        return None;
    }
    let columns = points.len().min(2);
    let rows = points.len().div_ceil(columns);
    let mut canvas = Canvas::new(1200.0, if rows == 1 { 600.0 } else { 940.0 }, "Fitted functions");
    let top = source.title(&mut canvas, &format!("fitted functions; {}", remark(source)));
    let keys = [
        (Key::Line(Stroke::solid(INK, 2.6)), format!("h({input})")),
        (Key::Disc(FITTED), "sample".to_string()),
        (Key::Disc(OUTLIER), "dynamic outlier".to_string()),
    ];
    let top = top + legend(&mut canvas, &keys, 100.0, 1165.0, top) + 10.0;
    let width = (1060.0 - 70.0 * (columns - 1) as f64) / columns as f64;
    let height = (canvas.height - top) / rows as f64;
    let (low, high) = range(y.iter().chain(points.iter().flat_map(|p| &p.fitted)).copied());
    let room = 0.06 * (high - low);
    let radius = if y.len() > 200 { 3.0 } else { 5.0 };
    for (k, point) in points.iter().enumerate() {
        let (column, row) = ((k % columns) as f64, (k / columns) as f64);
        let corner = [105.0 + column * (width + 70.0), top + row * height + 2.0 * HEADING - 10.0];
        let panel = Panel {
            rect: Rect::new(corner[0], corner[1], width, height - 2.0 * HEADING - 56.0),
            x: Axis::new(inputs[0], inputs[inputs.len() - 1], Spread::Linear, &input),
            y: Axis::new(low - room, high + room, Spread::Linear, &target),
        };
        panel.grid(&mut canvas);
        let values: Vec<f64> = inputs.iter().zip(&point.fitted).map(|(_, h)| *h).collect();
        panel.curve(&mut canvas, &inputs, &values, Stroke::solid(INK, 2.6));
        for s in 0..y.len() {
            if point.outlier[s] && !point.residual.is_empty() {
                let line = vec![panel.at(x[s], y[s]), panel.at(x[s], y[s] - point.residual[s])];
                canvas.line(line, Stroke::dashed(OUTLIER, 1.6), Some(panel.rect));
            }
            let colour = if point.outlier[s] { OUTLIER } else { FITTED };
            canvas.disc(panel.at(x[s], y[s]), radius, colour.with_opacity(0.85), None);
        }
        panel.frame(&mut canvas, true, k % columns == 0);
        panel.heading_of_two(&mut canvas, &point.heading, GREY);
    }
    Some(canvas)
}
