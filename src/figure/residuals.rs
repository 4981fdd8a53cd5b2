//! Histograms of the residuals at each minimum (or given point), outliers stacked on top.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{GREY, INK};
use super::chart::panel::{HEADING, Key, Panel, legend};
use super::samples::{FITTED, OUTLIER, Point, points, remark};
use super::source::Source;

/// The figure; None where the record has no residuals.
pub fn draw(source: &Source) -> Option<Canvas> {
    let points: Vec<Point> = points(source).into_iter().filter(|p| !p.residual.is_empty()).collect();
    if points.is_empty() || points.iter().any(|p| p.residual.len() != p.outlier.len()) {
        return None;
    }
    let columns = points.len().min(2);
    let rows = points.len().div_ceil(columns);
    let mut canvas = Canvas::new(1200.0, if rows == 1 { 600.0 } else { 940.0 }, "Residuals");
    let top = source.title(&mut canvas, &format!("residuals y − h; {}", remark(source)));
    let keys = [
        (Key::Patch(FITTED), "samples".to_string()),
        (Key::Patch(OUTLIER), "dynamic outliers".to_string()),
        (Key::Line(Stroke::dashed(INK, 1.6)), "root of the mean square".to_string()),
    ];
    let top = top + legend(&mut canvas, &keys, 100.0, 1165.0, top) + 10.0;
    let edges = edges(&points);
    let tables: Vec<[Vec<f64>; 2]> = points.iter().map(|p| counts(p, &edges)).collect();
    let most = tables.iter().flat_map(|[a, b]| a.iter().zip(b).map(|(a, b)| a + b)).fold(1.0, f64::max);
    let width = (1060.0 - 70.0 * (columns - 1) as f64) / columns as f64;
    let height = (canvas.height - top) / rows as f64;
    for (k, (point, [fitted, outliers])) in points.iter().zip(&tables).enumerate() {
        let (column, row) = ((k % columns) as f64, (k / columns) as f64);
        let corner = [105.0 + column * (width + 70.0), top + row * height + 2.0 * HEADING - 10.0];
        let panel = Panel {
            rect: Rect::new(corner[0], corner[1], width, height - 2.0 * HEADING - 56.0),
            x: Axis::new(edges[0], edges[edges.len() - 1], Spread::Linear, "residual"),
            y: Axis::new(0.0, 1.08 * most, Spread::Linear, "samples"),
        };
        panel.grid(&mut canvas);
        for b in 0..fitted.len() {
            let mut bar = |low: f64, high: f64, colour| {
                if high > low {
                    let (a, c) = (panel.at(edges[b], high), panel.at(edges[b + 1], low));
                    canvas.fill(Rect::new(a[0] + 0.7, a[1], c[0] - a[0] - 1.4, c[1] - a[1]).corners(), colour, None);
                }
            };
            bar(0.0, fitted[b], FITTED);
            bar(fitted[b], fitted[b] + outliers[b], OUTLIER);
        }
        let root = (point.residual.iter().map(|r| r * r).sum::<f64>() / point.residual.len() as f64).sqrt();
        for at in [-root, root] {
            let line = vec![panel.at(at, 0.0), panel.at(at, 1.08 * most)];
            canvas.line(line, Stroke::dashed(INK, 1.6), Some(panel.rect));
        }
        panel.frame(&mut canvas, true, k % columns == 0);
        panel.heading_of_two(&mut canvas, &point.heading, GREY);
    }
    Some(canvas)
}

/// Edges of bins, the same for all points, symmetric about 0, an odd number of bins so that one is centred there.
fn edges(points: &[Point]) -> Vec<f64> {
    let largest = points.iter().flat_map(|p| &p.residual).fold(0.0_f64, |a, r| a.max(r.abs()));
    let m = points[0].residual.len() as f64;
    let bins = (2.0 * (0.8 * m.sqrt()).round().clamp(4.0, 30.0) + 1.0) as usize;
    let high = if largest > 0.0 { 1.02 * largest } else { 1.0 };
    (0..=bins).map(|b| high * (2.0 * b as f64 / bins as f64 - 1.0)).collect()
}

/// Samples in each bin: fitted ones, outliers.
fn counts(point: &Point, edges: &[f64]) -> [Vec<f64>; 2] {
    let mut counts = [vec![0.0; edges.len() - 1], vec![0.0; edges.len() - 1]];
    for (r, &outlier) in point.residual.iter().zip(&point.outlier) {
        let bin = edges.partition_point(|e| e <= r).clamp(1, edges.len() - 1) - 1;
        counts[usize::from(outlier)][bin] += 1.0;
    }
    counts
}
