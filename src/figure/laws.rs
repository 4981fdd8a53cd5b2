//! The law of SGD, the SDE's at orders 1, 2 and 3 and the histogram of SGD over each other, with their differences below.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{self, Colour, GREY, INK};
use super::chart::panel::{HEADING, Key, Panel, legend, range, title};
use super::landscape::remark;
use super::source::{Engine, Source, values};
use crate::engine::{fokker_planck, sgd, transfer_operator};
use crate::record::Attribute;

/// Bins at most: a histogram of many cells is all noise.
const MOST_BINS: usize = 160;

/// A density by bins and how it is drawn.
struct Law {
    name: String,
    bins: Vec<f64>,
    /// The law of SGD that it is held against: at the same time, or in the long run.
    of_sgd: Vec<f64>,
    stroke: Stroke,
    is_histogram: bool,
    /// Standard error by bins, of a histogram.
    error: Option<Vec<f64>>,
}

/// The figure: one axis with the transfer operator; None elsewhere.
pub fn draw(source: &Source) -> Option<Canvas> {
    let [axis] = &source.axes[..] else { return None };
    let operator = of(source, transfer_operator::ENTRY.group)?;
    let cells = axis.centers.len();
    let window = source.window(0, 0.15);
    let shown = axis.centers.iter().filter(|x| (window.low..=window.high).contains(*x)).count();
    let merged = (1..=cells).find(|k| cells.is_multiple_of(*k) && shown / k <= MOST_BINS)?;
    let edges: Vec<f64> = axis.edges.iter().step_by(merged).copied().collect();
    let centers: Vec<f64> = edges.windows(2).map(|e| 0.5 * (e[0] + e[1])).collect();
    let binned = |density: &[f64]| -> Vec<f64> {
        density.chunks(merged).map(|chunk| chunk.iter().sum::<f64>() / merged as f64).collect()
    };
    let time = operator.times.last().copied()?;
    let now = binned(operator.density.last()?);
    let long_run = values(source.record, "transfer_operator/stationary_density").map(|density| binned(&density));
    let laws = laws(source, &now, long_run.as_deref(), &binned, time, &edges);
    let mut canvas = Canvas::new(1200.0, 860.0, "Laws");
    let what = format!("laws of SGD and of the SDE, averages over bins of {}", number(edges[1] - edges[0]));
    let top = title(&mut canvas, &source.name, &remark(source, &what));
    let own = Stroke::solid(colour::engine(transfer_operator::ENTRY.group), 2.6);
    let mut keys = vec![(Key::Line(own.clone()), format!("law of SGD, t = {}", number(time)))];
    keys.extend(laws.iter().map(|law| (Key::Line(law.stroke.clone()), law.name.clone())));
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top) + 4.0;
    let room = canvas.height - 66.0 - top - 2.0 * HEADING;
    let highest =
        laws.iter().flat_map(|law| &law.bins).chain(&now).copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    let upper = Panel {
        rect: Rect::new(105.0, top + HEADING, 1060.0, 0.6 * room),
        x: window.clone(),
        y: Axis::new(0.0, 1.08 * highest, Spread::Linear, "density ρ"),
    };
    for law in laws.iter().filter(|law| law.is_histogram) {
        upper.steps(&mut canvas, &edges, &law.bins, law.stroke.clone());
    }
    for law in laws.iter().filter(|law| !law.is_histogram) {
        upper.curve(&mut canvas, &centers, &law.bins, law.stroke.clone());
    }
    upper.curve(&mut canvas, &centers, &now, own);
    upper.frame(&mut canvas, false, true);
    upper.heading(&mut canvas, "densities");
    let lower_rect = Rect::new(105.0, upper.rect.bottom() + HEADING, 1060.0, 0.4 * room);
    differences(&mut canvas, lower_rect, window, &laws, (&centers, &edges));
    Some(canvas)
}

fn of<'a>(source: &'a Source, group: &str) -> Option<&'a Engine> {
    source.engines.iter().find(|engine| engine.group == group)
}

fn laws(
    source: &Source,
    now: &[f64],
    long_run: Option<&[f64]>,
    binned: &dyn Fn(&[f64]) -> Vec<f64>,
    time: f64,
    edges: &[f64],
) -> Vec<Law> {
    let at_time = |group: &'static str| {
        let engine = of(source, group)?;
        let k = engine.times.iter().position(|t| (t - time).abs() <= 1e-9 * time.abs())?;
        Some((engine, binned(&engine.density[k])))
    };
    let mut laws = Vec::new();
    if let Some((engine, bins)) = at_time(sgd::ENTRY.group) {
        let stroke = Stroke::solid(colour::engine(engine.group), 1.4);
        let error = walkers(source, engine.group).map(|n| errors(now, edges, n));
        let of_sgd = now.to_vec();
        laws.push(Law { name: engine.label.clone(), bins, of_sgd, stroke, is_histogram: true, error });
    }
    if let Some((engine, bins)) = at_time(fokker_planck::ENTRY.group) {
        let stroke = Stroke::solid(colour::engine(engine.group), 2.2);
        let name = format!("SDE, t = {}", number(time));
        laws.push(Law { name, bins, of_sgd: now.to_vec(), stroke, is_histogram: false, error: None });
    }
    let orders = values(source.record, "transfer_operator/sde_density").unwrap_or_default();
    let cells = source.axes[0].centers.len();
    let colours: [Colour; 3] = colour::Map::Plasma.lines(4)[..3].try_into().unwrap_or([GREY, GREY, INK]);
    for (k, density) in orders.chunks(cells).enumerate().take(colours.len()) {
        if let Some(long_run) = long_run.filter(|_| density.iter().all(|v| v.is_finite())) {
            let (stroke, of_sgd) = (Stroke::dashed(colours[k], 2.0), long_run.to_vec());
            let name = format!("SDE of order {}, long run", k + 1);
            laws.push(Law { name, bins: binned(density), of_sgd, stroke, is_histogram: false, error: None });
        }
    }
    laws
}

fn walkers(source: &Source, group: &str) -> Option<f64> {
    match source.record.attribute(&format!("{group}/walkers"))? {
        Attribute::Integer(n) => Some(*n as f64),
        _ => None,
    }
}

/// Standard error of the bins of a histogram of n walkers from the law with this density.
fn errors(density: &[f64], edges: &[f64], walkers: f64) -> Vec<f64> {
    let one = |(rho, edge): (&f64, &[f64])| {
        let (width, p) = (edge[1] - edge[0], rho * (edge[1] - edge[0]));
        (p * (1.0 - p).max(0.0) / walkers).sqrt() / width
    };
    density.iter().zip(edges.windows(2)).map(one).collect()
}

fn differences(canvas: &mut Canvas, rect: Rect, x: Axis, laws: &[Law], (centers, edges): (&[f64], &[f64])) {
    let difference = |law: &Law| law.bins.iter().zip(&law.of_sgd).map(|(a, b)| a - b).collect::<Vec<f64>>();
    let all: Vec<Vec<f64>> = laws.iter().map(difference).collect();
    let (low, high) = range(all.iter().flatten().copied().filter(|v| v.is_finite()).chain([0.0]));
    let room = 0.08 * (high - low).max(f64::MIN_POSITIVE);
    let panel = Panel { rect, x, y: Axis::new(low - room, high + room, Spread::Linear, "less the law of SGD") };
    panel.grid(canvas);
    for (law, values) in laws.iter().zip(&all) {
        if let Some(error) = &law.error {
            let side =
                |sign: f64| centers.iter().zip(error).map(|(x, e)| panel.at(*x, sign * 2.0 * e)).collect::<Vec<_>>();
            let mut band = side(1.0);
            band.extend(side(-1.0).into_iter().rev());
            canvas.fill(band, colour::engine(sgd::ENTRY.group).with_opacity(0.25), Some(rect));
        }
        if law.is_histogram {
            panel.steps(canvas, edges, values, law.stroke.clone());
        } else {
            panel.curve(canvas, centers, values, law.stroke.clone());
        }
    }
    panel.frame(canvas, true, true);
    let band = match laws.iter().any(|law| law.error.is_some()) {
        true => " (band: two standard errors of the histogram)",
        false => "",
    };
    panel.heading(canvas, &format!("differences from the law of SGD{band}"));
}
