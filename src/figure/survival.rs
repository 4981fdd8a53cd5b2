//! First passages: the share that has not reached the target yet against time, engine by engine; where nearly all have not, the share that has.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use super::chart::colour;
use super::chart::panel::{HEADING, Key, LABEL, Panel, legend, range};
use super::landscape::remark;
use super::source::{Source, values};
use crate::engine::{EngineEntry, fokker_planck, langevin, sgd, transfer_operator};
use crate::record::{Attribute, Group};

/// Where more than this has not arrived at the end, the share that has is drawn: a survival near 1 is a flat line.
const MOST: f64 = 0.5;
/// Points of a curve that are drawn as discs too, if there are no more.
const FEW: usize = 4;
/// Shares below this are rounding beside 1.
const ROUNDING: f64 = 1e-13;

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
}

impl Passage {
    /// Whether the share that has arrived is drawn.
    fn arrived(&self) -> bool {
        let last = self.curves.iter().flat_map(|curve| &curve.survival).copied().filter(|s| s.is_finite());
        last.fold(1.0, f64::min) > MOST
    }
}

/// The figure: up to four first-passage problems; None where the record has none.
pub fn draw(source: &Source) -> Option<Canvas> {
    let groups = source.record.group("escape").map(|escape| escape.groups.as_slice()).unwrap_or_default();
    let passages: Vec<Passage> = groups.iter().filter_map(|group| passage(source, group)).take(4).collect();
    if passages.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new(1200.0, (130.0 + 400.0 * passages.len() as f64).max(640.0), "Survival");
    let what = match passages.iter().all(Passage::arrived) {
        true => "share that has reached the target",
        false => "share that has not reached the target",
    };
    let top = source.title(&mut canvas, &remark(source, what));
    let mut keys: Vec<(Key, String)> = Vec::new();
    for (k, curve) in passages.iter().flat_map(|p| p.curves.iter().enumerate()) {
        let label = format!("{}{}", curve.name, curve.band());
        if !keys.iter().any(|(_, known)| *known == label) {
            keys.push((Key::Line(Stroke::told_apart(colour::engine(curve.engine), 2.4, k)), label));
        }
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
    if curves.is_empty() { None } else { Some(Passage { heading, times, curves }) }
}

fn panel(canvas: &mut Canvas, rect: Rect, passage: &Passage) {
    let arrived = passage.arrived();
    let share = |survival: f64| if arrived { 1.0 - survival } else { survival };
    // what is not there has no place on a logarithmic axis: a curve ends where the last walker has arrived
    let known = |s: &f64| Some(share(*s)).filter(|v| *v > ROUNDING).unwrap_or(f64::NAN);
    let curves: Vec<Vec<f64>> = passage.curves.iter().map(|c| c.survival.iter().map(known).collect()).collect();
    let seen = || curves.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = range(seen());
    let (low, label) = match arrived {
        true => (low.max(1e-6 * high), "arrived, 1 − P(τ > t)"),
        false => (low.max(1e-6), "survival P(τ > t)"),
    };
    // an exponential law is a straight line over a logarithmic axis
    let y = match low < 0.3 {
        true => Axis::new(0.7 * low, if arrived { 1.4 * high } else { 1.1 }, Spread::Log, label),
        false => Axis::new(0.0, 1.05, Spread::Linear, label),
    };
    // the axis ends with the first output at which no curve is left
    let (first, last) = range(passage.times.iter().copied());
    let left = (0..passage.times.len()).filter(|&k| curves.iter().any(|curve| curve[k] >= low)).max();
    let last = left.and_then(|k| passage.times.get(k + 1)).copied().unwrap_or(last);
    let panel = Panel { rect, x: Axis::new(first, last, Spread::Linear, "time t"), y };
    panel.grid(canvas);
    for (curve, shares) in passage.curves.iter().zip(&curves) {
        let Some(error) = &curve.error else { continue };
        let side = |sign: f64| {
            let edge = shares.iter().zip(error).map(move |(s, e)| (s + sign * 2.0 * e).max(1e-300));
            let points = passage.times.iter().zip(edge).zip(shares);
            points.filter(|(_, share)| share.is_finite()).map(|((&t, s), _)| panel.at(t, s)).collect::<Vec<_>>()
        };
        let mut band = side(1.0);
        band.extend(side(-1.0).into_iter().rev());
        canvas.fill(band, colour::engine(curve.engine).with_opacity(0.25), Some(rect));
    }
    for (k, (curve, shares)) in passage.curves.iter().zip(&curves).enumerate() {
        let stroke = Stroke::told_apart(colour::engine(curve.engine), 2.4, k);
        let colour = stroke.colour;
        panel.curve(canvas, &passage.times, shares, stroke);
        // few outputs are no line
        if shares.iter().filter(|share| share.is_finite()).count() < FEW {
            for (&time, &share) in passage.times.iter().zip(shares).filter(|(_, share)| **share >= low) {
                canvas.disc(panel.at(time, share), 5.0, colour, None);
            }
        }
    }
    panel.frame(canvas, true, true);
    if seen().next().is_none() {
        let middle = [rect.x + 0.5 * rect.w, rect.y + 0.5 * rect.h];
        let said = "less than 10⁻¹³ has reached the target at every output time";
        canvas.text(middle, said, LABEL, colour::INK, Anchor::Middle);
    }
    panel.heading(canvas, &passage.heading);
}
