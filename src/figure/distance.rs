//! Distances to the stationary density against time, one curve per engine, with their noise floors.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour;
use super::chart::panel::{Key, Panel, legend, range};
use super::landscape::remark;
use super::source::{Source, values};

/// One curve.
struct Curve {
    group: &'static str,
    times: Vec<f64>,
    values: Vec<f64>,
    floor: Option<Vec<f64>>,
}

/// The figure: up to four metrics; None where the record has no distance to the stationary density.
pub fn draw(source: &Source) -> Option<Canvas> {
    let panels: Vec<(String, Vec<Curve>)> =
        metrics(source).into_iter().take(4).map(|m| (words(&m), curves(source, &m))).collect();
    if panels.is_empty() {
        return None;
    }
    let columns = if panels.len() > 1 { 2 } else { 1 };
    let rows = panels.len().div_ceil(columns);
    let mut canvas = Canvas::new(1200.0, if rows == 1 { 640.0 } else { 880.0 }, "Distance to the stationary density");
    let top = source.title(&mut canvas, &remark(source, "distance to the stationary density"));
    let top = top + legend(&mut canvas, &keys(source, &panels), 105.0, 1165.0, top) + 14.0;
    let between = 105.0; // room for the labels of the second column
    let width = (1055.0 - between * (columns - 1) as f64) / columns as f64;
    let height = (canvas.height - 14.0 - top) / rows as f64;
    for (k, (label, curves)) in panels.iter().enumerate() {
        let (column, row) = ((k % columns) as f64, (k / columns) as f64);
        let rect = Rect::new(110.0 + column * (width + between), top + row * height, width, height - 64.0);
        panel(&mut canvas, rect, label, curves);
    }
    Some(canvas)
}

/// Metrics of any `…_vs_stationary` pair, in the order of the record.
fn metrics(source: &Source) -> Vec<String> {
    let mut names = Vec::new();
    for engine in &source.engines {
        let pair = source.record.group(&format!("comparison/{}_vs_stationary", engine.group));
        for dataset in pair.iter().flat_map(|p| &p.datasets) {
            let helper = dataset.name == "time" || dataset.name.contains("_noise_");
            if !helper && !names.contains(&dataset.name) {
                names.push(dataset.name.clone());
            }
        }
    }
    if names.is_empty() && source.record.dataset("fokker_planck/total_variation_to_stationary").is_some() {
        names.push("total_variation".into());
    }
    names
}

fn curves(source: &Source, metric: &str) -> Vec<Curve> {
    let curve = |engine: &super::source::Engine| {
        let pair = format!("comparison/{}_vs_stationary", engine.group);
        let found = values(source.record, &format!("{pair}/{metric}"));
        let own = || values(source.record, &format!("{}/{metric}_to_stationary", engine.group));
        let times = values(source.record, &format!("{pair}/time")).unwrap_or_else(|| engine.times.clone());
        let values = found.or_else(own).filter(|v| v.len() == times.len())?;
        let floor = self::values(source.record, &format!("{pair}/{metric}_noise_floor"));
        let floor = floor.filter(|f| f.len() == times.len() && f.iter().any(|&v| v > 0.0));
        Some(Curve { group: engine.group, times, values, floor })
    };
    source.engines.iter().filter_map(curve).collect()
}

fn words(metric: &str) -> String {
    match metric {
        "total_variation" => "total variation".into(),
        "kullback_leibler" => "Kullback–Leibler divergence".into(),
        "hellinger" => "Hellinger distance".into(),
        "kolmogorov_smirnov" => "Kolmogorov–Smirnov distance".into(),
        other => match other.strip_prefix("wasserstein_1") {
            Some("") => "Wasserstein-1 distance".into(),
            Some(marginal) => format!("Wasserstein-1 distance, {}", marginal.trim_start_matches('_')),
            None => other.replace('_', " "),
        },
    }
}

fn keys(source: &Source, panels: &[(String, Vec<Curve>)]) -> Vec<(Key, String)> {
    let curves = || panels.iter().flat_map(|(_, curves)| curves);
    let mut keys = Vec::new();
    for engine in source.engines.iter().filter(|e| curves().any(|c| c.group == e.group)) {
        keys.push((Key::Line(Stroke::solid(colour::engine(engine.group), 2.4)), engine.label.clone()));
    }
    if curves().any(|c| c.floor.is_some()) {
        keys.push((Key::Line(Stroke::dashed(colour::GREY, 1.6)), "noise floor (same colour)".into()));
    }
    keys
}

fn panel(canvas: &mut Canvas, rect: Rect, label: &str, curves: &[Curve]) {
    let times = || curves.iter().flat_map(|c| c.times.iter().copied());
    let (first, last) = range(times().filter(|&t| t > 0.0));
    // exponential decay is a straight line over linear time; only decades of times ask for more
    let x = match last / first > 150.0 {
        true => Axis::new(first, last, Spread::Log, "time t"),
        false => Axis::new(times().fold(first, f64::min), last, Spread::Linear, "time t"),
    };
    let all = || curves.iter().flat_map(|c| c.values.iter().chain(c.floor.iter().flatten())).copied();
    let positive = || all().filter(|v| v.is_finite() && *v > 0.0);
    let high = positive().fold(0.0, f64::max);
    let lowest = positive().fold(f64::INFINITY, f64::min).max(1e-6 * high);
    let panel = Panel { rect, x, y: Axis::new(0.7 * lowest, 1.4 * high, Spread::Log, label) };
    panel.grid(canvas);
    // the first lies thin on top, so that curves that coincide are all seen
    for (k, curve) in curves.iter().enumerate().rev() {
        if let Some(floor) = &curve.floor {
            let stroke = Stroke::dashed(colour::engine(curve.group), 1.6);
            panel.curve(canvas, &curve.times, floor, Stroke { width: 1.6 + 2.0 * k as f64, ..stroke });
        }
    }
    for (k, curve) in curves.iter().enumerate().rev() {
        let stroke = Stroke::solid(colour::engine(curve.group), 2.0 + 2.6 * k as f64);
        panel.curve(canvas, &curve.times, &curve.values, stroke);
    }
    panel.frame(canvas, true, true);
}
