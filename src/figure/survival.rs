//! First passages: the share that has not reached the target yet against time, engine by engine.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour;
use super::chart::panel::{HEADING, Key, Panel, legend, range};
use super::landscape::remark;
use super::source::{Source, values};
use crate::engine::{EngineEntry, fokker_planck, langevin, sgd, transfer_operator};
use crate::record::read::float;
use crate::record::{Attribute, Group};

/// The exponential law of Kramers' time.
fn kramers_line() -> Stroke {
    Stroke::dashed(colour::GREY, 1.6)
}

/// One curve: an engine's group, the survival and its standard error, where it has one.
struct Curve {
    engine: &'static str,
    name: &'static str,
    survival: Vec<f64>,
    error: Option<Vec<f64>>,
}

impl Curve {
    /// What its band means, where it has one.
    fn band(&self) -> &'static str {
        if self.error.is_some() { " (band: two standard errors)" } else { "" }
    }
}

/// A first-passage problem of the record.
struct Passage {
    heading: String,
    times: Vec<f64>,
    curves: Vec<Curve>,
    /// Kramers' time to beyond the barrier.
    kramers: Option<f64>,
}

/// The figure: up to four first-passage problems; None where the record has none.
pub fn draw(source: &Source) -> Option<Canvas> {
    let groups = source.record.group("escape").map(|escape| escape.groups.as_slice()).unwrap_or_default();
    let passages: Vec<Passage> = groups.iter().filter_map(|group| passage(source, group)).take(4).collect();
    if passages.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new(1200.0, (130.0 + 400.0 * passages.len() as f64).max(640.0), "Survival");
    let top = source.title(&mut canvas, &remark(source, "share that has not reached the target"));
    let mut keys: Vec<(Key, String)> = Vec::new();
    for curve in passages.iter().flat_map(|p| &p.curves) {
        if !keys.iter().any(|(_, label)| label == &format!("{}{}", curve.name, curve.band())) {
            let label = format!("{}{}", curve.name, curve.band());
            keys.push((Key::Line(Stroke::solid(colour::engine(curve.engine), 2.4)), label));
        }
    }
    if passages.iter().any(|p| p.kramers.is_some()) {
        keys.push((Key::Line(kramers_line()), "exp(−t/τ) with Kramers' time to beyond the barrier".into()));
    }
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top);
    let height = (canvas.height - 14.0 - top) / passages.len() as f64;
    for (k, passage) in passages.iter().enumerate() {
        panel(
            &mut canvas,
            Rect::new(110.0, top + HEADING + k as f64 * height, 1055.0, height - HEADING - 52.0),
            passage,
        );
    }
    Some(canvas)
}

fn passage(source: &Source, group: &Group) -> Option<Passage> {
    let at = |name: &str| values(source.record, &format!("escape/{}/{name}", group.name));
    let times = at("time").filter(|t| t.len() > 1)?;
    let curve = |(engine, prefix): (&EngineEntry, &str)| {
        let survival = at(&format!("{prefix}survival")).filter(|s| s.len() == times.len())?;
        let error = at(&format!("{prefix}survival_se")).filter(|s| s.len() == times.len());
        Some(Curve { engine: engine.group, name: engine.title, survival, error })
    };
    let engines = [
        (&fokker_planck::ENTRY, ""),
        (&langevin::ENTRY, "langevin_"),
        (&sgd::ENTRY, "sgd_"),
        (&transfer_operator::ENTRY, "transfer_operator_"),
    ];
    let curves: Vec<Curve> = engines.into_iter().filter_map(curve).collect();
    let word = |name: &str| match group.attribute(name) {
        Some(Attribute::Text(text)) => text.replace(' ', ", "),
        _ => "?".into(),
    };
    let target = match group.attribute("target") {
        Some(Attribute::Text(target)) => target.as_str(),
        _ => "?",
    };
    let mut heading = format!("{}: from ({}) to {target}", group.name, word("from"));
    let means = [
        ("from_value", &fokker_planck::ENTRY),
        ("langevin_mean", &langevin::ENTRY),
        ("sgd_mean", &sgd::ENTRY),
        ("transfer_operator_from_value", &transfer_operator::ENTRY),
    ];
    for (name, engine) in means {
        if let Some(Attribute::Float(mean)) = group.attribute(name) {
            heading += &format!("; mean time {} ({})", number(*mean), engine.title);
        }
    }
    let kramers = float(group, "kramers").filter(|time| *time > 0.0);
    if curves.is_empty() { None } else { Some(Passage { heading, times, curves, kramers }) }
}

fn panel(canvas: &mut Canvas, rect: Rect, passage: &Passage) {
    let (first, last) = range(passage.times.iter().copied());
    let positive = passage.curves.iter().flat_map(|c| &c.survival).copied().filter(|s| *s > 0.0);
    let low = positive.fold(1.0, f64::min);
    // an exponential law is a straight line over a logarithmic axis
    let y = match low < 0.3 {
        true => Axis::new(0.7 * low, 1.1, Spread::Log, "survival P(τ > t)"),
        false => Axis::new(0.0, 1.05, Spread::Linear, "survival P(τ > t)"),
    };
    let panel = Panel { rect, x: Axis::new(first, last, Spread::Linear, "time t"), y };
    panel.grid(canvas);
    if let Some(time) = passage.kramers {
        let law: Vec<f64> = passage.times.iter().map(|t| (-(t - first) / time).exp()).collect();
        panel.curve(canvas, &passage.times, &law, kramers_line());
    }
    for curve in &passage.curves {
        let colour = colour::engine(curve.engine);
        if let Some(error) = &curve.error {
            let side = |sign: f64| {
                let edge = curve.survival.iter().zip(error).map(move |(s, e)| (s + sign * 2.0 * e).max(1e-300));
                passage.times.iter().zip(edge).map(|(&t, s)| panel.at(t, s)).collect::<Vec<_>>()
            };
            let mut band = side(1.0);
            band.extend(side(-1.0).into_iter().rev());
            canvas.fill(band, colour.with_opacity(0.25), Some(rect));
        }
        panel.curve(canvas, &passage.times, &curve.survival, Stroke::solid(colour, 2.2));
    }
    panel.frame(canvas, true, true);
    panel.heading(canvas, &passage.heading);
}
