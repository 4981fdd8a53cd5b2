//! First passages over the parameters: the mean time to the target, and the committor where something else can happen first.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, INK, LOSS, Map, WHITE};
use super::chart::contour;
use super::chart::font;
use super::chart::panel::{HEADING, Key, LABEL, Panel, Shade, legend, range};
use super::landscape::{loss_lines, loss_range, remark};
use super::source::{Source, values};
use crate::record::{Attribute, Group};

const TIME: Colour = Colour::hex(0x00_72_b2);
const COMMITTOR: Colour = Colour::hex(0xcc_79_a7);
const TARGET: Colour = Colour::hex(0x00_9e_73);
const AVOIDED: Colour = Colour::hex(0xd5_5e_00);

/// A first-passage problem of the record.
struct Passage {
    /// Starting point.
    from: Vec<f64>,
    /// Mean time from each cell.
    time: Vec<f64>,
    /// Committor from each cell.
    committor: Option<Vec<f64>>,
    /// 1 in the cells of the target, 0 elsewhere.
    target: Vec<f64>,
    /// 1 in the cells of the avoided set, 0 elsewhere.
    avoided: Option<Vec<f64>>,
    /// Two lines over each of the two panels.
    headings: [[String; 2]; 2],
}

/// The figure: up to three first-passage problems, in three dimensions in the planes through the first start. None where no grid
/// answered one.
pub fn draw(source: &Source) -> Option<Canvas> {
    let groups = source.record.group("escape").map(|escape| escape.groups.as_slice()).unwrap_or_default();
    if source.axes.len() > 2 {
        let start = groups.iter().map(start).find(|start| start.len() == source.axes.len());
        return source.by_planes(start.as_deref(), draw);
    }
    let passages: Vec<Passage> = groups.iter().filter_map(|group| passage(source, group)).take(3).collect();
    if passages.is_empty() {
        return None;
    }
    let row = if passages.len() == 1 { 500.0 } else { 360.0 };
    let mut canvas = Canvas::new(1200.0, 140.0 + row * passages.len() as f64, "First passages");
    let committor = if passages.iter().any(|p| p.committor.is_some()) { " and committor" } else { "" };
    let what = format!("first passages: mean time{committor}");
    let top = source.title(&mut canvas, &remark(source, &what));
    let top = top + legend(&mut canvas, &keys(source, &passages), 95.0, 1165.0, top);
    let height = (canvas.height - 14.0 - top) / passages.len() as f64;
    for (k, passage) in passages.iter().enumerate() {
        let (y, below) = (top + 2.0 * HEADING + k as f64 * height, 2.0 * HEADING + 56.0);
        match source.axes.len() {
            1 => curves(source, &mut canvas, [y, height - below], passage),
            _ => maps(source, &mut canvas, [y, height - below], passage),
        }
    }
    Some(canvas)
}

fn passage(source: &Source, group: &Group) -> Option<Passage> {
    let field =
        |name: &str| values(source.record, &format!("escape/{}/{name}", group.name)).and_then(|v| source.field(v));
    let time = field("mean_first_passage_time")?;
    let text = |name: &str| match group.attribute(name) {
        Some(Attribute::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let float = |name: &str| match group.attribute(name) {
        Some(Attribute::Float(x)) => Some(number(*x)),
        _ => None,
    };
    let start = start(group);
    if start.len() != source.dimension() {
        return None;
    }
    let from: Vec<f64> = source.components().into_iter().map(|k| start[k]).collect();
    let (committor, avoid) = (field("committor"), text("avoid"));
    let goal = text("target").unwrap_or("?".into());
    let here = format!("from ({})", start.iter().map(|x| number(*x)).collect::<Vec<_>>().join(", "));
    let mean = float("from_value").map_or(String::new(), |time| format!(": {time}"));
    let kramers = float("kramers").map_or(String::new(), |time| format!(" (Kramers, beyond the barrier: {time})"));
    let share = float("from_committor").map_or(String::new(), |share| format!(": {share}"));
    let excluded = avoid.clone().unwrap_or("an absorbing wall".into());
    let cells = |inside: &dyn Fn(usize) -> bool| (0..time.len()).map(|c| f64::from(u8::from(inside(c)))).collect();
    let target = cells(&|c| time[c] == 0.0);
    let avoided = committor.as_ref().filter(|_| avoid.is_some()).map(|q| cells(&|c| q[c] == 0.0));
    let headings = [
        [format!("{}: mean time to {goal}", group.name), format!("{here}{mean}{kramers}")],
        [format!("probability of {goal} before {excluded}"), format!("{here}{share}")],
    ];
    Some(Passage { from, time, committor, target, avoided, headings })
}

/// Where a first-passage problem starts; empty where the record does not say.
fn start(group: &Group) -> Vec<f64> {
    match group.attribute("from") {
        Some(Attribute::Text(point)) => point.split(' ').filter_map(|x| x.parse().ok()).collect(),
        _ => Vec::new(),
    }
}

fn keys(source: &Source, passages: &[Passage]) -> Vec<(Key, String)> {
    let (line, avoided) = (source.axes.len() == 1, passages.iter().any(|p| p.avoided.is_some()));
    let committor = passages.iter().any(|p| p.committor.is_some());
    let mut keys = vec![(Key::Disc(INK), "start".to_string())];
    let region = |colour: Colour| if line { Key::Patch(colour.with_opacity(0.35)) } else { Key::Line(outline(colour)) };
    keys.push((region(TARGET), "target".into()));
    if avoided {
        keys.push((region(AVOIDED), "avoided set".into()));
    }
    if committor && !line {
        keys.push((Key::Line(Stroke::dashed(GREY, 2.0)), "as likely as not".into()));
    }
    if source.loss.is_some() {
        let loss = if line { Key::Patch(LOSS.with_opacity(0.6)) } else { Key::Line(Stroke::solid(LOSS, 1.2)) };
        keys.push((loss, "loss L".into()));
    }
    keys
}

fn outline(colour: Colour) -> Stroke {
    Stroke::solid(colour, 2.6)
}

/// The part of an axis where the densities are, and the start and the nearest of the target with it.
fn window(source: &Source, k: usize, passage: &Passage) -> Axis {
    let (axis, window) = (&source.axes[k], source.window(k, 0.25));
    let inner: usize = source.axes[k + 1..].iter().map(|a| a.centers.len()).product();
    let inside = passage.target.iter().enumerate().filter(|(_, t)| **t > 0.0);
    let places = inside.map(|(c, _)| axis.centers[c / inner % axis.centers.len()]);
    let goal = places.min_by(|a, b| (a - passage.from[k]).abs().total_cmp(&(b - passage.from[k]).abs()));
    let (low, high) = range([passage.from[k]].into_iter().chain(goal));
    let room = 0.08 * (window.high - window.low);
    let (first, last) = (axis.edges[0], axis.edges[axis.edges.len() - 1]);
    Axis { low: window.low.min(low - room).max(first), high: window.high.max(high + room).min(last), ..window }
}

/// A heading of two lines, cut to the room there is.
fn heading(canvas: &mut Canvas, panel: &Panel, lines: &[String; 2], room: f64) {
    let fit = |text: &String| -> String {
        let mut cut: Vec<char> = text.chars().collect();
        while font::width(&cut.iter().collect::<String>(), LABEL) > room && cut.len() > 2 {
            cut.truncate(cut.len() - 2);
            cut.push('…');
        }
        cut.into_iter().collect()
    };
    panel.heading_of_two(canvas, &lines.each_ref().map(fit), GREY);
}

fn curves(source: &Source, canvas: &mut Canvas, [y, height]: [f64; 2], passage: &Passage) {
    let axis = &source.axes[0];
    let x = window(source, 0, passage);
    let seen = passage.time.iter().zip(&axis.centers).filter(|(_, c)| **c >= x.low && **c <= x.high);
    let longest = seen.map(|(t, _)| *t).fold(0.0, f64::max);
    let both = passage.committor.is_some();
    let width = if both { 470.0 } else { 1040.0 };
    let mut shown = vec![(&passage.time, TIME, Axis::new(0.0, 1.08 * longest, Spread::Linear, "mean time τ"))];
    if let Some(committor) = &passage.committor {
        shown.push((committor, COMMITTOR, Axis::new(0.0, 1.04, Spread::Linear, "committor q")));
    }
    for (k, (field, colour, y_axis)) in shown.into_iter().enumerate() {
        let rect = Rect::new(110.0 + k as f64 * (width + 115.0), y, width, height);
        let panel = Panel { rect, x: x.clone(), y: y_axis };
        panel.grid(canvas);
        if let Some(loss) = &source.loss {
            let densities: Vec<&[f64]> = source
                .engines
                .iter()
                .flat_map(|e| e.density.iter().map(Vec::as_slice))
                .chain(source.stationary.as_deref())
                .collect();
            let (low, high) = loss_range(source, loss, &densities);
            let behind = Panel { rect, x: x.clone(), y: Axis::new(low, high + (high - low), Spread::Linear, "") };
            behind.area(canvas, &axis.centers, loss, LOSS.with_opacity(0.35));
        }
        region(canvas, &panel, &axis.edges, &passage.target, TARGET);
        if let Some(avoided) = passage.avoided.as_ref() {
            region(canvas, &panel, &axis.edges, avoided, AVOIDED);
        }
        panel.curve(canvas, &axis.centers, field, Stroke::solid(colour, 2.4));
        let here = axis.centers.partition_point(|c| *c < passage.from[0]).clamp(1, axis.centers.len() - 1);
        let [a, b] = [here - 1, here].map(|c| (axis.centers[c], field[c]));
        let share = ((passage.from[0] - a.0) / (b.0 - a.0)).clamp(0.0, 1.0);
        canvas.disc(panel.at(passage.from[0], a.1 + share * (b.1 - a.1)), 6.0, INK, Some(rect));
        panel.frame(canvas, true, true);
        heading(canvas, &panel, &passage.headings[k], width);
    }
}

/// The cells of a set over the whole height of a panel.
fn region(canvas: &mut Canvas, panel: &Panel, edges: &[f64], inside: &[f64], colour: Colour) {
    let mut first = 0;
    for run in inside.chunk_by(|a, b| a == b) {
        let last = first + run.len();
        if run[0] > 0.0 {
            let (left, right) = (panel.at(edges[first], 0.0)[0], panel.at(edges[last], 0.0)[0]);
            let band = Rect::new(left, panel.rect.y, right - left, panel.rect.h);
            canvas.fill(band.corners(), colour.with_opacity(0.18), Some(panel.rect));
        }
        first = last;
    }
}

/// Means over 3 × 3 cells, twice: the outline of a set of cells without their corners. `ny` cells stand in a column.
fn smoothed(field: &[f64], ny: usize) -> Vec<f64> {
    let nx = field.len() / ny;
    let near = |k: usize, n: usize| [k.saturating_sub(1), k, (k + 1).min(n - 1)];
    let mean = |field: &[f64]| -> Vec<f64> {
        let at = |c: usize| {
            let (columns, rows) = (near(c / ny, nx), near(c % ny, ny));
            columns.iter().map(|i| rows.iter().map(|j| field[i * ny + j]).sum::<f64>()).sum::<f64>() / 9.0
        };
        (0..field.len()).map(at).collect()
    };
    mean(&mean(field))
}

fn maps(source: &Source, canvas: &mut Canvas, [y, height]: [f64; 2], passage: &Passage) {
    let (columns, rows) = (&source.axes[0], &source.axes[1]);
    let axes = [window(source, 0, passage), window(source, 1, passage)];
    let both = passage.committor.is_some();
    let width = if both { 400.0 } else { 960.0 };
    let longest = source.inside(&passage.time, &axes[0], &axes[1]).into_iter().fold(0.0, f64::max);
    // the target itself stays white
    let waiting = passage.time.iter().zip(&passage.target).map(|(t, inside)| if *inside > 0.0 { f64::NAN } else { *t });
    let mut shown = vec![(
        waiting.collect::<Vec<f64>>(),
        Shade { map: Map::Viridis, axis: Axis::new(0.0, longest, Spread::Linear, "mean time τ") },
    )];
    if let Some(committor) = &passage.committor {
        let axis = Axis::new(0.0, 1.0, Spread::Linear, "committor q");
        shown.push((committor.clone(), Shade { map: Map::Plasma, axis }));
    }
    for (k, (field, shade)) in shown.into_iter().enumerate() {
        let rect = Rect::new(95.0 + 570.0 * k as f64, y, width, height);
        let panel = Panel { rect, x: axes[0].clone(), y: axes[1].clone() };
        panel.heat(canvas, &columns.edges, &rows.edges, &field, &shade);
        loss_lines(source, &panel, canvas, 10, &Stroke::solid(WHITE.with_opacity(0.55), 0.9));
        let mut line = |field: &[f64], stroke: Stroke| {
            let segments = contour::segments(&columns.centers, &rows.centers, field, 0.5);
            panel.paths(canvas, &contour::lines(&segments), &stroke);
        };
        if k == 1 {
            line(&field, Stroke::dashed(WHITE, 2.4));
        }
        line(&smoothed(&passage.target, rows.centers.len()), outline(TARGET));
        if let Some(avoided) = &passage.avoided {
            line(&smoothed(avoided, rows.centers.len()), outline(AVOIDED));
        }
        let start = panel.at(passage.from[0], passage.from[1]);
        canvas.disc(start, 7.5, WHITE, Some(rect));
        canvas.disc(start, 6.0, INK, Some(rect));
        panel.frame(canvas, true, true);
        heading(canvas, &panel, &passage.headings[k], if both { 545.0 } else { 1060.0 });
        shade.bar(canvas, Rect::new(rect.right() + 16.0, rect.y, 20.0, rect.h));
    }
}
