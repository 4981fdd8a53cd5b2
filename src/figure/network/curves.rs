//! Accuracy, losses and effective sample size over the epochs: means over the seeds, in bands from the least to the largest.

use crate::figure::chart::axis::{Axis, Spread};
use crate::figure::chart::canvas::{Canvas, Rect, Stroke};
use crate::figure::chart::panel::{HEADING, Key, Panel, legend, range};
use crate::figure::source::Source;
use crate::record::read::column;

use super::{Way, ways};

/// Curves of a record, what they are, and the spread of their axis.
const PANELS: [(&str, &str, Spread); 6] = [
    ("test_accuracy", "test accuracy", Spread::Linear),
    ("test_loss", "mean loss of the test images", Spread::Log),
    ("train_loss", "mean loss of the training images", Spread::Log),
    ("sampled_loss", "loss as sampled, Σ p l", Spread::Log),
    ("ess", "effective sample size 1/Σp² over m", Spread::Linear),
    ("auc", "AUC: wrong labels by their losses", Spread::Linear),
];

/// Height of a row of panels.
const ROW: f64 = 330.0;

/// The figure; None where no run has an epoch.
pub(in crate::figure) fn draw(source: &Source) -> Option<Canvas> {
    let ways = ways(source.record);
    let known = |name: &str| {
        let runs = ways.iter().flat_map(|way| &way.runs);
        runs.filter_map(|run| column(run, name)).flatten().any(f64::is_finite)
    };
    let panels: Vec<_> = PANELS.iter().filter(|(name, ..)| known(name)).collect();
    if panels.is_empty() {
        return None;
    }
    let rows = panels.len().div_ceil(2) as f64;
    let mut canvas = Canvas::new(1200.0, 100.0 + ROW * rows, "Networks under importance sampling");
    let seeds = ways.iter().map(|way| way.runs.len()).max().unwrap_or(1);
    let band =
        if seeds > 1 { format!(", lines: mean of {seeds} seeds, bands: least to largest") } else { String::new() };
    let top = source.title(&mut canvas, &format!("by ways of drawing samples{band}"));
    let keys: Vec<(Key, String)> =
        ways.iter().map(|way| (Key::Line(Stroke::solid(way.colour, 2.4)), way.title.to_string())).collect();
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top);
    for (k, (name, title, spread)) in panels.iter().enumerate() {
        let (x, y) = (105.0 + 580.0 * (k % 2) as f64, top + HEADING + ROW * (k / 2) as f64);
        let rect = Rect::new(x, y, 470.0, ROW - HEADING - 66.0);
        panel(&mut canvas, rect, &ways, (name, title, *spread));
    }
    Some(canvas)
}

fn panel(canvas: &mut Canvas, rect: Rect, ways: &[Way], (name, title, spread): (&str, &str, Spread)) {
    let all = || ways.iter().flat_map(|way| &way.runs).filter_map(|run| column(run, name));
    let (low, high) = range(all().flatten().filter(|v| spread == Spread::Linear || *v > 0.0));
    let room = 0.05 * (high - low).max(0.02);
    let y = match spread {
        Spread::Log => Axis::new(0.9 * low, 1.1 * high, Spread::Log, ""),
        _ => Axis::new(low - room, high + room, spread, ""),
    };
    let epochs = all().map(|curve| curve.len()).max().unwrap_or(1) as f64;
    let panel = Panel { rect, x: Axis::new(1.0, epochs.max(2.0), Spread::Whole, "epoch"), y };
    panel.grid(canvas);
    for way in ways {
        let curves: Vec<Vec<f64>> = way.runs.iter().filter_map(|run| column(run, name)).collect();
        let length = curves.iter().map(Vec::len).min().unwrap_or(0);
        let over = |f: &dyn Fn(f64, f64) -> f64, start: f64| -> Vec<f64> {
            (0..length).map(|k| curves.iter().map(|curve| curve[k]).fold(start, f)).collect()
        };
        let at: Vec<f64> = (1..=length).map(|k| k as f64).collect();
        let (least, most) = (over(&f64::min, f64::INFINITY), over(&f64::max, f64::NEG_INFINITY));
        let mean: Vec<f64> = over(&|a, b| a + b, 0.0).into_iter().map(|sum| sum / curves.len() as f64).collect();
        if curves.len() > 1 {
            let forth = at.iter().zip(&most);
            let back = at.iter().zip(&least).rev();
            let points = forth.chain(back).filter(|(_, v)| v.is_finite()).map(|(&x, &y)| panel.at(x, y)).collect();
            canvas.fill(points, way.colour.with_opacity(0.18), Some(rect));
        }
        panel.curve(canvas, &at, &mean, Stroke::solid(way.colour, 2.2));
    }
    panel.frame(canvas, true, true);
    panel.heading(canvas, title);
}
