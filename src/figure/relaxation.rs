//! Relaxation: the distance of each engine to its law in the long run with the slowest exponential over it, and the occupancy of the basins.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{self, Colour, INK};
use super::chart::panel::{HEADING, Key, Panel, legend, range};
use super::landscape::remark;
use super::source::{Source, values};

/// Curves of one engine.
struct Way {
    label: String,
    colour: Colour,
    distance: Option<Vec<f64>>,
    floor: Option<Vec<f64>>,
    occupancy: Option<Vec<f64>>,
}

/// The figure; None where the record has no relaxation.
pub fn draw(source: &Source) -> Option<Canvas> {
    let at = |name: &str| values(source.record, &format!("relaxation/{name}"));
    let times = at("time").filter(|times| times.len() > 1)?;
    let way = |engine: &super::source::Engine| {
        let own = |what: &str| at(&format!("{}_{what}", engine.group));
        let (distance, occupancy) = (own("total_variation"), own("occupancy"));
        (distance.is_some() || occupancy.is_some()).then(|| Way {
            label: engine.label.clone(),
            colour: colour::engine(engine.group),
            distance,
            floor: own("noise_floor"),
            occupancy,
        })
    };
    let ways: Vec<Way> = source.engines.iter().filter_map(way).collect();
    if ways.is_empty() {
        return None;
    }
    let slowest = at("relaxation_time").and_then(|times| times.first().copied());
    let basins = ways.iter().find_map(|way| way.occupancy.as_ref()).map_or(0, |all| all.len() / times.len());
    let mut canvas = Canvas::new(1200.0, if basins > 0 { 900.0 } else { 560.0 }, "Relaxation");
    let top = source.title(&mut canvas, &remark(source, "coming to rest"));
    let mut keys: Vec<(Key, String)> =
        ways.iter().map(|way| (Key::Line(Stroke::solid(way.colour, 2.4)), way.label.clone())).collect();
    if let Some(time) = slowest {
        let words = format!("slowest mode of the SDE, e^(−t/{})", number(time));
        keys.push((Key::Line(Stroke::dashed(INK, 1.8)), words));
    }
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top);
    let panels = if basins > 0 { 2.0 } else { 1.0 };
    let height = (canvas.height - 14.0 - top) / panels;
    let rect = |k: f64| Rect::new(110.0, top + HEADING + k * height, 1055.0, height - HEADING - 56.0);
    distances(&mut canvas, rect(0.0), &times, &ways, slowest);
    if basins > 0 {
        occupancies(&mut canvas, rect(1.0), &times, &ways, basins);
    }
    Some(canvas)
}

/// Only decades of times ask for a logarithm: an exponential is a straight line over linear time.
fn time_axis(times: &[f64]) -> Axis {
    let (first, last) = range(times.iter().copied().filter(|time| *time > 0.0));
    match last / first > 150.0 {
        true => Axis::new(first, last, Spread::Log, "time t"),
        false => Axis::new(0.0, last, Spread::Linear, "time t"),
    }
}

fn distances(canvas: &mut Canvas, rect: Rect, times: &[f64], ways: &[Way], slowest: Option<f64>) {
    let all = || ways.iter().flat_map(|way| way.distance.iter().flatten()).copied().filter(|v| *v > 0.0);
    let low = all().fold(1.0, f64::min).max(1e-8);
    let y = Axis::new(0.5 * low, 1.5, Spread::Log, "total variation to the law in the long run");
    let panel = Panel { rect, x: time_axis(times), y };
    panel.grid(canvas);
    for way in ways {
        if let Some(floor) = &way.floor {
            panel.curve(canvas, times, floor, Stroke::dashed(way.colour.with_opacity(0.6), 1.4));
        }
        if let Some(distance) = &way.distance {
            panel.curve(canvas, times, distance, Stroke::solid(way.colour, 2.4));
        }
    }
    // through the last point of an engine without sampling noise that is not at rest yet
    let exact = ways.iter().find(|way| way.floor.is_none()).and_then(|way| way.distance.as_ref());
    if let (Some(time), Some(distance)) = (slowest, exact)
        && let Some(k) = (0..times.len()).rev().find(|k| distance[*k] > 1e-7)
    {
        let through: Vec<f64> = times.iter().map(|t| distance[k] * ((times[k] - t) / time).exp()).collect();
        panel.curve(canvas, times, &through, Stroke::dashed(INK, 1.8));
    }
    panel.frame(canvas, true, true);
    panel.heading(
        canvas,
        "distance to the law in the long run; dashed in the engine's colour: what walkers show by chance",
    );
}

fn occupancies(canvas: &mut Canvas, rect: Rect, times: &[f64], ways: &[Way], basins: usize) {
    let panel = Panel { rect, x: time_axis(times), y: Axis::new(0.0, 1.04, Spread::Linear, "probability of a basin") };
    panel.grid(canvas);
    for way in ways {
        for basin in 0..basins {
            let Some(all) = &way.occupancy else { continue };
            let column: Vec<f64> = all.iter().skip(basin).step_by(basins).copied().collect();
            // the first basin solid, the others in dashes
            let stroke = if basin == 0 { Stroke::solid(way.colour, 2.4) } else { Stroke::dashed(way.colour, 1.8) };
            panel.curve(canvas, times, &column, stroke);
        }
    }
    panel.frame(canvas, true, true);
    panel.heading(canvas, "occupancy of the basins of the loss; the first solid, the others dashed");
}
