//! The density over space and time: a space–time map in one dimension, small multiples in two and of each plane of three; one row per engine.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use super::chart::colour::{INK, Map, WHITE};
use super::chart::panel::{HEADING, LABEL, Panel, Shade, quantile};
use super::landscape::{Histogram, loss_lines, remark};
use super::source::{Engine, Source};

const DECADES: f64 = 4.0;

/// The figure; None without any density.
pub fn draw(source: &Source) -> Option<Canvas> {
    source.reference()?;
    match source.axes.len() {
        1 => space_time(source),
        2 => small_multiples(source),
        _ => source.by_planes(None, small_multiples),
    }
}

/// Share of the cells with walkers that lie below the top of the colours: a full cell of few walkers says nothing of the density.
const BELOW: f64 = 0.98;

/// Four decades below the highest density, but a spike at the start does not push the rest into the dark, nor do single full cells.
fn shade<'v>(source: &Source, engines: impl Iterator<Item = &'v [Vec<f64>]>) -> Shade {
    let top = |rows: &[Vec<f64>]| rows.iter().flatten().copied().fold(0.0, f64::max);
    let (mut high, mut late) = (0.0_f64, 0.0_f64);
    for (engine, rows) in source.engines.iter().zip(engines) {
        let filled = |rows: &[Vec<f64>]| rows.iter().flatten().copied().filter(|v| *v > 0.0).collect::<Vec<f64>>();
        let of = |rows: &[Vec<f64>]| match engine.walkers {
            Some(_) => quantile(&filled(rows), BELOW),
            None => top(rows),
        };
        high = high.max(of(rows));
        late = late.max(rows.last().map_or(0.0, |row| of(std::slice::from_ref(row))));
    }
    if late > 0.0 {
        high = high.min(10.0 * late);
    }
    Shade::decades(Map::Viridis, high, DECADES, "density ρ")
}

/// Edges half-way between output times; the times are spread logarithmically where the run asked for that.
fn time_axis(times: &[f64]) -> (Axis, Vec<f64>) {
    let n = times.len();
    let positive: Vec<f64> = times.iter().copied().filter(|&t| t > 0.0).collect();
    let log = positive.len() > 4 && {
        let (first, last) = (positive[0], positive[positive.len() - 1]);
        last / first > 50.0 && positive[positive.len() / 2] < 0.3 * last
    };
    let middle = |a: f64, b: f64| if log && a > 0.0 { (a * b).sqrt() } else { 0.5 * (a + b) };
    let mut edges = vec![if log { positive[0] * 0.7 } else { times[0] }];
    edges.extend(times.windows(2).map(|w| middle(w[0], w[1])));
    edges.push(times[n - 1]);
    if log {
        edges[1] = edges[1].max(positive[0] * 0.85); // the first column shows t = 0
    }
    if n == 1 {
        edges[1] = edges[0] + 1.0;
    }
    let (spread, label) =
        if log { (Spread::Log, "time t (log scale; first column t = 0)") } else { (Spread::Linear, "time t") };
    (Axis::new(edges[0], edges[n], spread, label), edges)
}

fn space_time(source: &Source) -> Option<Canvas> {
    let rows = source.engines.len() as f64;
    let mut canvas = Canvas::new(1200.0, 160.0 + 225.0 * rows.max(2.0), "Density over space and time");
    let top = source.title(&mut canvas, &remark(source, "density over space and time")) - 8.0;
    let height = (canvas.height - 66.0 - top) / rows - HEADING;
    let window = source.window(0, 0.05);
    let all = |engine: &Engine| (0..engine.times.len()).collect::<Vec<usize>>();
    let histograms: Vec<Histogram> = source.engines.iter().map(|e| Histogram::of(source, e, &all(e))).collect();
    let shade = shade(source, histograms.iter().map(|histogram| histogram.values.as_slice()));
    for (row, (engine, histogram)) in source.engines.iter().zip(&histograms).enumerate() {
        let (x, edges) = time_axis(&engine.times);
        let panel = Panel {
            rect: Rect::new(95.0, top + HEADING + row as f64 * (height + HEADING), 960.0, height),
            x,
            y: window.clone(),
        };
        let values = histogram.values.concat();
        panel.heat(&mut canvas, &edges, &histogram.edges, &values, &shade);
        panel.frame(&mut canvas, row + 1 == source.engines.len(), true);
        panel.heading(&mut canvas, &format!("{}{}", engine.label, histogram.bins()));
    }
    let height = canvas.height - 66.0 - top - HEADING;
    shade.bar(&mut canvas, Rect::new(1075.0, top + HEADING, 22.0, height));
    Some(canvas)
}

fn small_multiples(source: &Source) -> Option<Canvas> {
    let (x, y) = (&source.axes[0], &source.axes[1]);
    let at = source.telling_times(4);
    let columns = at.len() + usize::from(source.stationary.is_some());
    let rows = source.engines.len();
    let windows = [source.window(0, 0.1), source.window(1, 0.1)];
    let (left, right, gap) = (110.0, 1070.0, 12.0);
    let row_gap = 22.0; // the lowest tick label of one row and the highest of the next both fit
    let width = (right - left + gap) / columns as f64 - gap;
    let height = (width * 1.05).min(270.0);
    let mut canvas = Canvas::new(1200.0, 146.0 + rows as f64 * (height + row_gap), "Density over space and time");
    let top = source.title(&mut canvas, &remark(source, "density; thin lines: loss")) + 24.0;
    let shade = shade(source, source.engines.iter().map(|engine| engine.density.as_slice()));
    for (row, engine) in source.engines.iter().enumerate() {
        for column in 0..columns {
            let (density, label) = match frame(source, engine, &at, column) {
                Some(found) => found,
                None => continue,
            };
            let rect =
                Rect::new(left + column as f64 * (width + gap), top + row as f64 * (height + row_gap), width, height);
            let panel = Panel {
                rect,
                x: Axis { label: x.label.clone(), ..windows[0].clone() },
                y: Axis { label: y.label.clone(), ..windows[1].clone() },
            };
            panel.heat(&mut canvas, &x.edges, &y.edges, density, &shade);
            loss_lines(source, &panel, &mut canvas, 9, &Stroke::solid(WHITE.with_opacity(0.35), 0.7));
            panel.frame(&mut canvas, row + 1 == rows, column == 0);
            if row == 0 {
                canvas.text([rect.x + 0.5 * rect.w, rect.y - 8.0], &label, LABEL, INK, Anchor::Middle);
            }
            if column == 0 {
                canvas.text_upwards([34.0, rect.y + 0.5 * rect.h], engine.name, LABEL, INK, Anchor::Middle);
            }
        }
    }
    let height = rows as f64 * (height + row_gap) - row_gap;
    shade.bar(&mut canvas, Rect::new(1090.0, top, 22.0, height));
    Some(canvas)
}

/// The density and heading of one column; the last one is the stationary density.
fn frame<'a>(source: &'a Source, engine: &'a Engine, at: &[usize], column: usize) -> Option<(&'a [f64], String)> {
    match at.get(column) {
        Some(&k) => Some((engine.density.get(k)?.as_slice(), format!("t = {}", number(engine.times[k])))),
        None if engine.group == source.reference()?.group => Some((source.stationary.as_deref()?, "stationary".into())),
        None => None, // it belongs to none of the ensembles
    }
}
