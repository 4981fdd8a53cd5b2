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
    let axes: Vec<[Axis; 2]> = panels.iter().map(|(label, curves)| axes(label, curves)).collect();
    let top = top + legend(&mut canvas, &keys(source, &panels, &axes), 105.0, 1165.0, top) + 14.0;
    let between = 105.0; // room for the labels of the second column
    let width = (1055.0 - between * (columns - 1) as f64) / columns as f64;
    let height = (canvas.height - 14.0 - top) / rows as f64;
    for (k, ((_, curves), [x, y])) in panels.iter().zip(axes).enumerate() {
        let (column, row) = ((k % columns) as f64, (k / columns) as f64);
        let rect = Rect::new(110.0 + column * (width + between), top + row * height, width, height - 64.0);
        panel(&mut canvas, Panel { rect, x, y }, curves);
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

fn keys(source: &Source, panels: &[(String, Vec<Curve>)], axes: &[[Axis; 2]]) -> Vec<(Key, String)> {
    let curves = || panels.iter().zip(axes).flat_map(|((_, curves), axes)| curves.iter().map(move |c| (c, &axes[1])));
    let mut keys = Vec::new();
    for engine in &source.engines {
        let found = panels.iter().flat_map(|(_, curves)| curves.iter().enumerate());
        match found.into_iter().find(|(_, curve)| curve.group == engine.group) {
            Some((k, _)) => keys.push((Key::Line(stroke(engine.group, k)), engine.label.clone())),
            None => keys.push((Key::Words, format!("{}: not compared", engine.name))),
        }
    }
    let floors: Vec<bool> = curves().filter_map(|(c, y)| Some(seen(c.floor.as_ref()?, y))).collect();
    match (floors.contains(&true), floors.contains(&false)) {
        (true, below) => {
            let elsewhere = if below { "; elsewhere below the frame" } else { "" };
            keys.push((Key::Line(floor(colour::GREY)), format!("noise floor (same colour){elsewhere}")));
        }
        (false, true) => keys.push((Key::Words, "noise floors: below the frame".into())),
        (false, false) => {}
    }
    if curves().any(|(c, y)| c.values.windows(2).any(|pair| pair[0] >= y.low && pair[1] < y.low)) {
        keys.push((Key::Down(colour::GREY), "goes on below the frame".into()));
    }
    keys
}

fn seen(values: &[f64], y: &Axis) -> bool {
    values.iter().any(|v| *v >= y.low && *v <= y.high)
}

fn stroke(group: &str, k: usize) -> Stroke {
    Stroke::told_apart(colour::engine(group), 2.4, k)
}

fn floor(colour: colour::Colour) -> Stroke {
    Stroke { dash: vec![2.0, 5.0], ..Stroke::solid(colour, 1.6) }
}

/// The axes of a panel: as far as the curves go, whatever their floors; logarithmic where they span more than a decade.
fn axes(label: &str, curves: &[Curve]) -> [Axis; 2] {
    let times = || curves.iter().flat_map(|c| c.times.iter().copied());
    let (first, last) = range(times().filter(|&t| t > 0.0));
    // exponential decay is a straight line over linear time; only decades of times ask for more
    let x = match last / first > 150.0 {
        true => Axis::new(first, last, Spread::Log, "time t"),
        false => Axis::new(times().fold(first, f64::min), last, Spread::Linear, "time t"),
    };
    let positive = || curves.iter().flat_map(|c| &c.values).copied().filter(|v| v.is_finite() && *v > 0.0);
    let (lowest, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    // two decades below the noise of walkers they tell nothing more
    let floors = curves.iter().filter_map(|c| c.floor.as_ref()).flatten().copied().filter(|v| *v > 0.0);
    let noise = floors.fold(f64::INFINITY, f64::min);
    let least = if noise.is_finite() { (1e-2 * noise).max(1e-6 * high) } else { 1e-6 * high };
    let low = lowest.max(least).min(high);
    let y = match high / low > 10.0 {
        true => Axis::new(0.7 * low, 1.4 * high, Spread::Log, label),
        false => {
            let room = 0.06 * (high - low).max(0.05 * high);
            Axis::new(low - room, high + room, Spread::Linear, label)
        }
    };
    [x, y]
}

fn panel(canvas: &mut Canvas, panel: Panel, curves: &[Curve]) {
    panel.grid(canvas);
    for curve in curves {
        if let Some(values) = &curve.floor {
            panel.curve(canvas, &curve.times, values, floor(colour::engine(curve.group)));
        }
    }
    for (k, curve) in curves.iter().enumerate() {
        panel.curve_with_exits(canvas, &curve.times, &curve.values, stroke(curve.group, k));
    }
    panel.frame(canvas, true, true);
}
