//! The loss with densities at several times and the stationary density over it.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour;
use super::chart::colour::{Colour, GREY, INK, LOSS, Map, WHITE};
use super::chart::contour;
use super::chart::panel::{HEADING, Key, Panel, Shade, legend, quantile, range};
use super::source::{Engine, Source};
use crate::engine::Representation;

const TIMES: usize = 5;

/// The figure; plane by plane in three dimensions. None without any density.
pub fn draw(source: &Source) -> Option<Canvas> {
    match source.axes.len() {
        1 => line_plot(source),
        2 => map(source),
        _ => source.by_planes(None, map),
    }
}

/// What the title says after the name.
pub fn remark(source: &Source, what: &str) -> String {
    match source.temperature() {
        Some(t) => format!("{what}, T = {}", number(t)),
        None => what.to_string(),
    }
}

/// Range of the loss where there is any probability to speak of; the walls beyond would flatten the rest.
pub fn loss_range(source: &Source, loss: &[f64], shown: &[&[f64]]) -> (f64, f64) {
    let least = |density: &&[f64]| 1e-3 * density.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let least: Vec<f64> = shown.iter().map(least).collect();
    let visited = |cell: usize| shown.iter().zip(&least).any(|(density, least)| density[cell] > *least);
    let (low, high) = range(loss.iter().copied());
    let (_, top) = range((0..source.volumes.len()).filter(|&c| visited(c)).map(|c| loss[c]));
    (low, (low + 1.5 * (top - low)).min(high))
}

fn line_plot(source: &Source) -> Option<Canvas> {
    let (axis, at) = (&source.axes[0], source.telling_times(TIMES));
    let reference = source.reference()?;
    let colours = Map::Plasma.lines(at.len());
    let mut shown: Vec<&[f64]> = at.iter().map(|&k| reference.density[k].as_slice()).collect();
    shown.extend(source.stationary.as_deref());
    let mut canvas = Canvas::new(1200.0, 190.0 + 240.0 * source.engines.len().max(2) as f64, "Loss and densities");
    let what = if source.loss.is_some() { "densities over the loss" } else { "densities" };
    let top = source.title(&mut canvas, &remark(source, what));
    let (left, right) = (105.0, if source.loss.is_some() { 1090.0 } else { 1165.0 });
    let top = top + legend(&mut canvas, &entries(source, &at, &colours), left, right, top) + 4.0;
    let room = canvas.height - 66.0 - top;
    let height = room / source.engines.len() as f64 - HEADING;
    let (lowest, highest) = peaks(&shown);
    let (spread, label) =
        if highest > 4.0 * lowest { (Spread::Sqrt, "density ρ (√ scale)") } else { (Spread::Linear, "density ρ") };
    let window = source.window(0, 0.5);
    for (row, engine) in source.engines.iter().enumerate() {
        let histogram = Histogram::of(source, engine, &at);
        let panel = Panel {
            rect: Rect::new(left, top + HEADING + row as f64 * (height + HEADING), right - left, height),
            x: window.clone(),
            y: Axis::new(0.0, 1.08 * highest.max(histogram.top), spread, label),
        };
        if let Some(loss) = &source.loss {
            let (low, high) = loss_range(source, loss, &shown);
            let right_axis = Axis::new(low - 0.06 * (high - low), high, Spread::Linear, "loss L");
            let behind = Panel { rect: panel.rect, x: panel.x.clone(), y: right_axis.clone() };
            behind.area(&mut canvas, &axis.centers, loss, LOSS.with_opacity(0.35));
            behind.curve(&mut canvas, &axis.centers, loss, Stroke::solid(LOSS, 1.5));
            panel.right_axis(&mut canvas, &right_axis, GREY);
        }
        for (values, &colour) in histogram.values.iter().zip(&colours) {
            match engine.representation {
                Representation::Density => panel.curve(&mut canvas, &axis.centers, values, Stroke::solid(colour, 2.2)),
                Representation::Walkers => {
                    panel.steps(&mut canvas, &histogram.edges, values, Stroke::solid(colour, 1.6));
                }
            }
        }
        if let Some(stationary) = &source.stationary {
            panel.curve(&mut canvas, &axis.centers, stationary, Stroke::dashed(INK, 1.8));
        }
        panel.frame(&mut canvas, row + 1 == source.engines.len(), true);
        panel.heading(&mut canvas, &format!("{}{}", engine.label, histogram.said(engine, &at, panel.y.high)));
    }
    Some(canvas)
}

/// The densities of an engine at the times shown, those of walkers over bins that hold enough of them.
pub struct Histogram {
    /// Cells that a bin holds.
    merged: usize,
    /// Edges of the bins.
    pub edges: Vec<f64>,
    /// Densities by bins, time by time.
    pub values: Vec<Vec<f64>>,
    /// What nearly all bins that hold anything stay below; 0 for the reference, whose peaks the picture is made for.
    top: f64,
}

/// Walkers in a bin, in the mean over the bins that have any: fewer show noise alone.
const ENOUGH: f64 = 10.0;
/// Share of the bins with walkers that lie below the top.
const BELOW: f64 = 0.99;

impl Histogram {
    /// Of an engine in one variable, at these output times as far as it has them.
    pub fn of(source: &Source, engine: &Engine, at: &[usize]) -> Self {
        let axis = &source.axes[0];
        let rows: Vec<&Vec<f64>> = at.iter().filter_map(|&k| engine.density.get(k)).collect();
        let bins = |merged: usize| -> Vec<Vec<f64>> {
            let volume: Vec<f64> = source.volumes.chunks(merged).map(|part| part.iter().sum()).collect();
            let mass = |row: &[f64]| row.iter().zip(&source.volumes).map(|(d, v)| d * v).collect::<Vec<f64>>();
            let over = |row: &&Vec<f64>| {
                let mass = mass(row);
                mass.chunks(merged).zip(&volume).map(|(part, v)| part.iter().sum::<f64>() / v).collect()
            };
            rows.iter().map(over).collect()
        };
        let walkers = engine.walkers.unwrap_or(f64::INFINITY) * rows.len() as f64;
        let held = |rows: &[Vec<f64>]| walkers / rows.iter().flatten().filter(|v| **v > 0.0).count().max(1) as f64;
        let cells = axis.centers.len();
        let mut merged = 1;
        let mut values = rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>();
        while held(&values) < ENOUGH && cells / (2 * merged) >= 16 {
            merged *= 2;
            values = bins(merged);
        }
        let mut edges: Vec<f64> = axis.edges[..cells].iter().step_by(merged).copied().collect();
        edges.push(axis.edges[cells]);
        let least = 1e-3 * values.iter().map(|row| peak(row)).fold(0.0, f64::max);
        let filled = match source.reference().is_some_and(|reference| reference.group == engine.group) {
            true => Vec::new(),
            false => values.iter().flatten().copied().filter(|v| *v > least).collect(),
        };
        Self { merged, edges, values, top: quantile(&filled, BELOW) }
    }

    /// How many cells a bin holds, where it is not one.
    pub fn bins(&self) -> String {
        if self.merged > 1 { format!("; bins of {} cells", self.merged) } else { String::new() }
    }

    /// How many cells a bin holds, and which of the densities reach beyond the top; of more than three how many, and how high.
    fn said(&self, engine: &Engine, at: &[usize], top: f64) -> String {
        let peaks = at.iter().zip(&self.values).map(|(&k, values)| (engine.times[k], peak(values)));
        let beyond: Vec<(f64, f64)> = peaks.filter(|(_, peak)| *peak > top).collect();
        let one = |(time, peak): &(f64, f64)| format!("t = {} (up to {})", number(*time), number(*peak));
        let cut = match beyond.len() {
            0 => String::new(),
            1..=3 => format!("; cut at the top: {}", beyond.iter().map(one).collect::<Vec<_>>().join(", ")),
            n => {
                let highest = beyond.iter().map(|(_, peak)| *peak).fold(0.0, f64::max);
                format!("; cut at the top: {n} of {} times (up to {})", at.len(), number(highest))
            }
        };
        self.bins() + &cut
    }
}

fn peak(density: &[f64]) -> f64 {
    density.iter().copied().fold(0.0, f64::max)
}

/// The lowest and the highest peak of densities, the first one at the start: where that towers over all the others, it is cut rather
/// than they are flattened.
fn peaks(densities: &[&[f64]]) -> (f64, f64) {
    let peaks: Vec<f64> = densities.iter().map(|density| peak(density)).collect();
    let later = peaks.iter().skip(1).copied().fold(0.0, f64::max);
    let shown = if later > 0.0 && peaks[0] > 3.0 * later { &peaks[1..] } else { &peaks };
    (shown.iter().copied().fold(f64::INFINITY, f64::min), shown.iter().copied().fold(0.0, f64::max))
}

fn entries(source: &Source, at: &[usize], colours: &[Colour]) -> Vec<(Key, String)> {
    let times = source.reference().map(|e| e.times.clone()).unwrap_or_default();
    let line = |(&k, &c): (&usize, &Colour)| (Key::Line(Stroke::solid(c, 2.5)), format!("t = {}", number(times[k])));
    let mut entries: Vec<(Key, String)> = at.iter().zip(colours).map(line).collect();
    if source.stationary.is_some() {
        entries.push((Key::Line(Stroke::dashed(INK, 1.8)), "stationary".into()));
    }
    if source.loss.is_some() && source.axes.len() == 1 {
        entries.push((Key::Patch(LOSS.with_opacity(0.6)), "loss L".into()));
    }
    entries
}

fn map(source: &Source) -> Option<Canvas> {
    let (x, y, at) = (&source.axes[0], &source.axes[1], source.telling_times(TIMES));
    let reference = source.reference()?;
    let colours = Map::Plasma.lines(at.len());
    let mut canvas = Canvas::new(1200.0, 820.0, "Loss and densities");
    let what = format!("lines hold 50 % and 90 % of the {} density", reference.name);
    let top = source.title(&mut canvas, &remark(source, &what));
    let mut keys = entries(source, &at, &colours);
    // the mean of a law with two peaks lies where nobody is
    let one_peak = |density: &[f64]| {
        // a little lower: through the very value of a cell a contour has no one way
        let level = contour::level_of_mass(density, &source.volumes, 0.5) * (1.0 - 1e-6);
        let lines = contour::lines(&contour::segments(&x.centers, &y.centers, density, level));
        lines.iter().filter(|line| line.len() > 4).count() < 2
    };
    let means = reference.density.iter().map(|density| one_peak(density)).collect::<Vec<bool>>();
    let until = means.iter().position(|one| !one).unwrap_or(means.len());
    let with_mean = |e: &Engine| until > 0 && e.mean.first().is_some_and(|m| m.len() == 2);
    for engine in source.engines.iter().filter(|engine| with_mean(engine)) {
        let lost = engine.outside.iter().take(until).copied().fold(0.0, f64::max);
        let lost = if lost > 1e-3 { format!(" (of all, {} % outside)", number(100.0 * lost)) } else { String::new() };
        let end = match reference.times.get(until) {
            Some(&time) => format!(" until the density has several peaks (t = {})", number(time)),
            None => String::new(),
        };
        keys.push((Key::Disc(colour::engine(engine.group)), format!("mean, {}{end}{lost}", engine.name)));
    }
    let top = top + legend(&mut canvas, &keys, 95.0, 1165.0, top) + 12.0;
    let panel = Panel {
        rect: Rect::new(95.0, top, 960.0, canvas.height - 66.0 - top),
        x: source.window(0, 0.25),
        y: source.window(1, 0.25),
    };
    if let Some(loss) = &source.loss {
        let shade = ground(source, loss, &panel);
        panel.smooth_heat(&mut canvas, &x.centers, &y.centers, loss, &shade);
        loss_lines(source, &panel, &mut canvas, 14, &Stroke::solid(WHITE.with_opacity(0.7), 0.8));
        shade.bar(&mut canvas, Rect::new(1075.0, panel.rect.y, 22.0, panel.rect.h));
    }
    let mut outline = |density: &[f64], stroke: Stroke| {
        for (inside, width) in [(0.9, 0.65), (0.5, 1.0)] {
            let lines = contour::lines_of_mass(&x.centers, &y.centers, density, &source.volumes, inside);
            panel.paths(&mut canvas, &lines, &Stroke { width: stroke.width * width, ..stroke.clone() });
        }
    };
    for (&k, &colour) in at.iter().zip(&colours) {
        outline(&reference.density[k], Stroke::solid(colour, 2.6));
    }
    if let Some(stationary) = &source.stationary {
        outline(stationary, Stroke::dashed(INK, 2.0));
    }
    // the first engine has the smallest discs, so that means that coincide are all seen
    for (k, engine) in source.engines.iter().enumerate().rev().filter(|(_, engine)| with_mean(engine)) {
        let (colour, radius) = (colour::engine(engine.group), 4.0 + 2.5 * k as f64);
        let path: Vec<[f64; 2]> =
            engine.mean.iter().take(until).filter(|m| m.len() == 2).map(|m| [m[0], m[1]]).collect();
        panel.paths(&mut canvas, std::slice::from_ref(&path), &Stroke::solid(colour, 1.5 + k as f64));
        for &t in at.iter().filter(|&&t| t < path.len()) {
            let place = panel.at(path[t][0], path[t][1]);
            canvas.disc(place, radius + 1.0, WHITE, Some(panel.rect));
            canvas.disc(place, radius, colour, Some(panel.rect));
        }
    }
    panel.frame(&mut canvas, true, true);
    Some(canvas)
}

/// The loss as shades of grey by its rank where walkers and densities come: up to 1.5 times what they see, and not the walls beyond.
pub fn ground(source: &Source, loss: &[f64], panel: &Panel) -> Shade {
    let densities = source.engines.iter().flat_map(|engine| engine.density.iter().map(Vec::as_slice));
    let seen: Vec<&[f64]> = densities.chain(source.stationary.as_deref()).collect();
    let top = if seen.is_empty() { f64::INFINITY } else { loss_range(source, loss, &seen).1 };
    let mut shown = source.inside(loss, &panel.x, &panel.y);
    shown.retain(|v| *v <= top);
    Shade { map: Map::Grey, axis: Axis::by_rank(&shown, "loss L (shades and lines: equal areas)") }
}

/// Contour lines of the loss, with equal areas of the panel between them: they are dense nowhere and missing nowhere.
pub fn loss_lines(source: &Source, panel: &Panel, canvas: &mut Canvas, areas: u32, stroke: &Stroke) {
    let Some(loss) = &source.loss else { return };
    let shown = source.inside(loss, &panel.x, &panel.y);
    for k in 1..areas {
        let level = quantile(&shown, f64::from(k) / f64::from(areas));
        let segments = contour::segments(&source.axes[0].centers, &source.axes[1].centers, loss, level);
        panel.paths(canvas, &contour::lines(&segments), stroke);
    }
}
