//! Histograms of the samples' losses at the kept epochs, one row for each way of drawing; wrong labels in a colour of their own.

use crate::figure::chart::axis::{Axis, Spread, number};
use crate::figure::chart::canvas::{Canvas, Rect};
use crate::figure::chart::colour::{Colour, LOSS};
use crate::figure::chart::panel::{HEADING, Key, Panel, legend, quantile};
use crate::figure::samples::OUTLIER;
use crate::figure::source::Source;
use crate::record::read::{column, find, integers};

use super::ways;

/// Bins of a histogram.
const BINS: usize = 48;
/// Height of a row.
const ROW: f64 = 250.0;

/// The figure; None where no losses are kept.
pub(in crate::figure) fn draw(source: &Source) -> Option<Canvas> {
    let network = source.record.group("network")?;
    let wrong: Vec<bool> = integers(find(network, "wrong_label")?)?.iter().map(|&w| w == 1).collect();
    let m = wrong.len();
    let rows: Vec<_> = ways(source.record)
        .into_iter()
        .filter_map(|way| {
            let run = *way.runs.first()?;
            let (losses, epochs) = (column(run, "loss")?, column(run, "kept_epoch")?);
            (losses.len() == m * epochs.len() && !epochs.is_empty()).then_some((way.title, losses, epochs))
        })
        .collect();
    let columns = rows.iter().map(|(_, _, epochs)| epochs.len()).max()?;
    let mut canvas = Canvas::new(1200.0, 120.0 + ROW * rows.len() as f64, "Losses of the samples");
    let top =
        source.title(&mut canvas, "losses of the training images at the start, half way and at the end, first seed");
    let mut keys = vec![(Key::Patch(LOSS), "all samples".to_string())];
    if wrong.contains(&true) {
        keys[0].1 = "right labels".into();
        keys.push((Key::Patch(OUTLIER.with_opacity(0.7)), "planted wrong labels".into()));
    }
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top);
    let all: Vec<f64> = rows.iter().flat_map(|(_, losses, _)| losses.iter().copied().filter(|l| *l > 0.0)).collect();
    let (low, high) = (quantile(&all, 0.002).max(1e-6), 1.2 * quantile(&all, 1.0));
    let width = 1060.0 / columns as f64;
    for (k, (title, losses, epochs)) in rows.iter().enumerate() {
        for (j, epoch) in epochs.iter().enumerate() {
            let (x, y) = (105.0 + width * j as f64, top + HEADING + ROW * k as f64);
            let rect = Rect::new(x, y, width - 62.0, ROW - HEADING - 62.0);
            let heading = format!("{title}, epoch {}", number(*epoch));
            histogram(&mut canvas, rect, (&losses[j * m..(j + 1) * m], &wrong), [low, high], (&heading, j == 0));
        }
    }
    Some(canvas)
}

fn histogram(
    canvas: &mut Canvas,
    rect: Rect,
    (losses, wrong): (&[f64], &[bool]),
    [low, high]: [f64; 2],
    (heading, first): (&str, bool),
) {
    let label = if losses.iter().any(|loss| *loss < low) { "loss (first bar: all below it too)" } else { "loss" };
    let x = Axis::new(low, high, Spread::Log, label);
    let mut counts = [[0.0; BINS]; 2];
    for (loss, &wrong) in losses.iter().zip(wrong) {
        let bin = (x.place(loss.max(low)) * BINS as f64).clamp(0.0, BINS as f64 - 1.0) as usize;
        counts[usize::from(wrong)][bin] += 1.0;
    }
    let most = (0..BINS).map(|b| counts[0][b] + counts[1][b]).fold(1.0, f64::max);
    let panel = Panel { rect, y: Axis::new(0.0, 1.05 * most, Spread::Linear, if first { "samples" } else { "" }), x };
    panel.grid(canvas);
    let mut bar = |bin: usize, from: f64, to: f64, colour: Colour| {
        let edge = |b: usize| panel.x.value(b as f64 / BINS as f64);
        let corner = |x: f64, y: f64| panel.at(x, y);
        let (a, b) = (edge(bin), edge(bin + 1));
        canvas.fill(vec![corner(a, from), corner(b, from), corner(b, to), corner(a, to)], colour, Some(rect));
    };
    for bin in 0..BINS {
        let [right, planted] = [counts[0][bin], counts[1][bin]];
        bar(bin, 0.0, right, LOSS);
        bar(bin, right, right + planted, OUTLIER.with_opacity(0.7));
    }
    panel.frame(canvas, true, true);
    panel.heading(canvas, heading);
}
