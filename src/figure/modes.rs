//! The slowest relaxation modes: right vectors (functions) and left vectors (densities), with their rates.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{GREY, INK, LOSS, Map};
use super::chart::panel::{HEADING, Key, Panel, Shade, TICK, legend};
use super::landscape::{loss_lines, remark};
use super::source::{Source, values};

/// Modes that one picture holds besides the stationary one.
const MODES: usize = 4;

/// Values of a mode below this share of its largest are error.
const ERROR: f64 = 1e-6;

/// A mode, or the real and imaginary part of a complex pair.
struct Mode {
    /// Its number, or numbers.
    name: String,
    /// Rate and times.
    rates: [String; 2],
    /// Real part, and imaginary part of a pair: right vector and left vector, the largest seen value 1.
    parts: Vec<[Vec<f64>; 2]>,
}

/// The figure; plane by plane in three dimensions, where densities are marginals. None without modes that decay.
pub fn draw(source: &Source) -> Option<Canvas> {
    let shown = |source: &Source| {
        let modes = read(source).filter(|modes| !modes.is_empty())?;
        Some(if source.axes.len() == 1 { curves(source, &modes) } else { maps(source, &modes) })
    };
    if source.axes.len() < 3 { shown(source) } else { source.by_planes(None, shown) }
}

fn windows(source: &Source) -> Vec<Axis> {
    (0..source.axes.len()).map(|k| source.window(k, 0.1)).collect()
}

fn read(source: &Source) -> Option<Vec<Mode>> {
    let row = |name: &str| values(source.record, &format!("spectrum/{name}"));
    let (real, imaginary, cells) = (row("eigenvalues_real")?, row("eigenvalues_imag")?, source.cells());
    let vectors = ["right", "left"].map(row);
    let [right, left] = vectors.each_ref().map(|v| v.as_ref().filter(|v| v.len() == real.len() * cells));
    let (right, left) = (right?, left?);
    let vector = |all: &[f64], k: usize| all[k * cells..(k + 1) * cells].to_vec();
    let peak = |field: &[f64]| field.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    // what cancels in a plane but for the error of a mode would be scaled to noise
    let above_error = |shown: Vec<f64>, whole: f64| {
        if peak(&shown) > ERROR * whole { shown } else { vec![f64::NAN; shown.len()] }
    };
    let functions = |k: &usize| {
        let whole = vector(right, *k);
        let largest = peak(&whole);
        source.field(whole).map(|shown| above_error(shown, largest))
    };
    let densities = |k: &usize| {
        let whole = vector(left, *k);
        let sizes = source.marginal(whole.iter().map(|v| v.abs()).collect())?;
        source.marginal(whole).map(|shown| above_error(shown, peak(&sizes)))
    };
    let seen = seen(source);
    let (mut modes, mut shown, mut k) = (Vec::new(), 0, 1);
    while k < real.len() && shown < MODES {
        let pair = imaginary.get(k).is_some_and(|w| *w != 0.0) && k + 1 < real.len();
        let numbers = if pair { vec![k, k + 1] } else { vec![k] };
        let right = numbers.iter().map(functions).collect::<Option<Vec<_>>>()?;
        let left = numbers.iter().map(densities).collect::<Option<Vec<_>>>()?;
        let (right, left) = scaled(right, left, &seen);
        let (rate, time) = (number(real[k]), number(1.0 / real[k]));
        let (name, rates) = match pair {
            true => {
                let (turn, period) = (number(imaginary[k].abs()), number(std::f64::consts::TAU / imaginary[k].abs()));
                let both = format!("rate {rate} ± {turn} i");
                (format!("modes {k}, {}", k + 1), [both, format!("time {time}, period {period}")])
            }
            false => (format!("mode {k}"), [format!("rate {rate}"), format!("time {time}")]),
        };
        let parts: Vec<[Vec<f64>; 2]> = right.into_iter().zip(left).map(|(r, l)| [r, l]).collect();
        shown += parts.len();
        k += numbers.len();
        modes.push(Mode { name, rates, parts });
    }
    Some(modes)
}

/// Whether the centre of each cell lies in the part of the grid that is shown.
fn seen(source: &Source) -> Vec<bool> {
    let windows = windows(source);
    let mut seen = vec![true];
    for (axis, window) in source.axes.iter().zip(&windows) {
        let within: Vec<bool> = axis.centers.iter().map(|x| *x >= window.low && *x <= window.high).collect();
        seen = seen.iter().flat_map(|s| within.iter().map(move |w| *s && *w)).collect();
    }
    seen
}

/// The parts of a right and a left vector, each divided by its largest modulus that is seen; with one sign for both, so that the
/// largest value of a real density is positive.
fn scaled(mut right: Vec<Vec<f64>>, mut left: Vec<Vec<f64>>, seen: &[bool]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let largest = |parts: &[Vec<f64>]| {
        let size = |c: usize| parts.iter().map(|part| part[c].powi(2)).sum::<f64>().sqrt();
        let cell = (0..seen.len()).filter(|&c| seen[c]).max_by(|&a, &b| size(a).total_cmp(&size(b)));
        cell.map(|c| (size(c), parts[0][c])).filter(|(size, _)| *size > 0.0)
    };
    let sign = match largest(&left) {
        Some((_, value)) if left.len() == 1 && value < 0.0 => -1.0,
        _ => 1.0,
    };
    for parts in [&mut right, &mut left] {
        if let Some((size, _)) = largest(parts) {
            parts.iter_mut().flatten().for_each(|v| *v *= sign / size);
        }
    }
    (right, left)
}

const KINDS: [&str; 2] = ["right vectors: functions", "left vectors: densities"];

fn curves(source: &Source, modes: &[Mode]) -> Canvas {
    let axis = &source.axes[0];
    let mut canvas = Canvas::new(1200.0, 820.0, "Relaxation modes");
    let top = source.title(&mut canvas, &remark(source, "slowest relaxation modes, each scaled to 1"));
    let colours = Map::Plasma.lines(modes.len());
    let strokes = |k: usize| [Stroke::solid(colours[k], 2.4), Stroke::dashed(colours[k], 2.0)];
    let mut keys: Vec<(Key, String)> = Vec::new();
    for (k, mode) in modes.iter().enumerate() {
        let dashed = if mode.parts.len() > 1 { " (dashed: imaginary part)" } else { "" };
        let label = format!("{}: {}, {}{dashed}", mode.name, mode.rates[0], mode.rates[1]);
        keys.push((Key::Line(strokes(k)[0].clone()), label));
    }
    if source.stationary.is_some() {
        keys.push((Key::Patch(LOSS.with_opacity(0.6)), "stationary density (own scale)".into()));
    }
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top);
    let height = 0.5 * (canvas.height - 66.0 - top) - HEADING;
    for (row, kind) in KINDS.into_iter().enumerate() {
        let rect = Rect::new(105.0, top + HEADING + row as f64 * (height + HEADING), 1060.0, height);
        let x = windows(source).remove(0);
        let panel = Panel { rect, x: x.clone(), y: Axis::new(-1.1, 1.1, Spread::Linear, "") };
        panel.grid(&mut canvas);
        if let Some(stationary) = &source.stationary {
            let top = stationary.iter().copied().fold(0.0, f64::max);
            let behind = Panel { rect, x, y: Axis::new(0.0, 1.1 * top, Spread::Linear, "") };
            behind.area(&mut canvas, &axis.centers, stationary, LOSS.with_opacity(0.35));
        }
        for (k, mode) in modes.iter().enumerate().rev() {
            for (part, stroke) in mode.parts.iter().zip(strokes(k)) {
                panel.curve(&mut canvas, &axis.centers, &part[row], stroke);
            }
        }
        panel.frame(&mut canvas, row == 1, true);
        panel.heading(&mut canvas, kind);
    }
    canvas
}

fn maps(source: &Source, modes: &[Mode]) -> Canvas {
    let (x, y) = (&source.axes[0], &source.axes[1]);
    let windows = windows(source);
    let columns: usize = modes.iter().map(|mode| mode.parts.len()).sum();
    let (left, right, gap) = (125.0, 1075.0, 14.0);
    let width = ((right - left + gap) / columns as f64 - gap).min(420.0);
    let height = (width * 0.95).min(330.0);
    let row = height + 26.0;
    let mut canvas = Canvas::new(1200.0, (170.0 + 2.0 * row).max(640.0), "Relaxation modes");
    let loss = if source.loss.is_some() { "; thin lines: loss" } else { "" };
    let what = format!("slowest relaxation modes, each scaled to 1{loss}");
    let top = source.title(&mut canvas, &remark(source, &what)) + 2.0 * HEADING;
    let shade = Shade { map: Map::BlueRed, axis: Axis::new(-1.0, 1.0, Spread::Linear, "") };
    let mut column = 0;
    for mode in modes {
        for (k, part) in mode.parts.iter().enumerate() {
            let label = match (mode.parts.len(), k) {
                (1, _) => [mode.name.clone(), mode.rates.join(", ")],
                (_, 0) => [format!("{}, real part", mode.name), mode.rates[0].clone()],
                _ => [format!("{}, imaginary part", mode.name), mode.rates[1].clone()],
            };
            for (down, field) in part.iter().enumerate() {
                let rect = Rect::new(left + column as f64 * (width + gap), top + down as f64 * row, width, height);
                let panel = Panel {
                    rect,
                    x: Axis { label: x.label.clone(), ..windows[0].clone() },
                    y: Axis { label: y.label.clone(), ..windows[1].clone() },
                };
                panel.heat(&mut canvas, &x.edges, &y.edges, field, &shade);
                loss_lines(source, &panel, &mut canvas, 9, &Stroke::solid(INK.with_opacity(0.3), 0.7));
                panel.frame(&mut canvas, down == 1, column == 0);
                if field.iter().all(|v| v.is_nan()) {
                    let middle = [rect.x + 0.5 * rect.w, rect.y + 0.5 * rect.h];
                    let said = "0 here, but for the error of the mode";
                    canvas.text(middle, said, TICK, GREY, super::chart::canvas::Anchor::Middle);
                }
                if down == 0 {
                    panel.heading_of_two(&mut canvas, &label, GREY);
                }
                if column == 0 {
                    let at = [34.0, rect.y + 0.5 * rect.h];
                    canvas.text_upwards(
                        at,
                        KINDS[down],
                        super::chart::panel::LABEL,
                        INK,
                        super::chart::canvas::Anchor::Middle,
                    );
                }
            }
            column += 1;
        }
    }
    let end = left + columns as f64 * (width + gap);
    shade.bar(&mut canvas, Rect::new(end + 4.0, top, 22.0, row + height));
    canvas
}
