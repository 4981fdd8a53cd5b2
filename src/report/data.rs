//! What the moving pictures show, as JSON: densities (marginal and on pairs of axes), time courses. Long lists are base64 of 32-bit
//! numbers; fine grids are averaged and many times thinned, so that a page stays small.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::engine::Representation;
use crate::figure::Error;
use crate::figure::chart::colour;
use crate::figure::look::Look;
use crate::figure::source::{Engine, GridAxis, Source};
use crate::record::Record;
use crate::record::read::column;

/// Most output times that the slider has.
const TIMES: usize = 60;
/// Most cells of a curve.
const CURVE: usize = 600;
/// Most cells of a map along each axis.
const MAP: usize = 80;

/// Everything the page draws. Errors: a record without a grid.
pub fn data(record: &Record) -> Result<Value, Error> {
    let source = Source::new(record, Look::default()).map_err(Error::Record)?;
    let times: Vec<f64> = source.reference().map_or(Vec::new(), |engine| thinned(&engine.times));
    let engines: Vec<Value> = source.engines.iter().map(describe).collect();
    let d = if source.engines.is_empty() { 0 } else { source.axes.len() };
    let mut panels: Vec<Value> = (0..d).map(|axis| curve(&source, axis)).collect();
    panels.extend((0..d).flat_map(|i| (i + 1..d).map(move |j| [i, j])).map(|pair| map(&source, pair)));
    let mut charts = moments(&source);
    charts.extend(distances(record));
    Ok(json!({ "times": times, "engines": engines, "panels": panels, "charts": charts }))
}

fn describe(engine: &Engine) -> Value {
    json!({
        "label": engine.label,
        "colour": colour::engine(engine.group).hexadecimal(),
        "times": thinned(&engine.times),
        "walkers": engine.representation == Representation::Walkers,
    })
}

/// Which of so many output times are kept: all, or [`TIMES`] of them, the first and the last among them.
fn kept(count: usize) -> Vec<usize> {
    match count {
        0..=TIMES => (0..count).collect(),
        _ => (0..TIMES).map(|k| k * (count - 1) / (TIMES - 1)).collect(),
    }
}

fn thinned(times: &[f64]) -> Vec<f64> {
    kept(times.len()).into_iter().map(|k| times[k]).collect()
}

fn encoded(values: impl IntoIterator<Item = f64>) -> String {
    let bytes: Vec<u8> = values.into_iter().flat_map(|value| (value as f32).to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// An axis in cells that each hold `block` of the grid's.
struct Coarse<'a> {
    axis: &'a GridAxis,
    block: usize,
}

impl<'a> Coarse<'a> {
    fn new(axis: &'a GridAxis, most: usize) -> Self {
        Self { axis, block: axis.centers.len().div_ceil(most) }
    }
    fn len(&self) -> usize {
        self.axis.centers.len().div_ceil(self.block)
    }
    fn ends(&self, cell: usize) -> (f64, f64) {
        let last = ((cell + 1) * self.block).min(self.axis.centers.len());
        (self.axis.edges[cell * self.block], self.axis.edges[last])
    }
    fn centers(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.len()).map(|cell| self.ends(cell)).map(|(from, to)| (from + to) / 2.0)
    }
}

/// The marginal density on some axes, given with their numbers, averaged over their coarse cells: ∫ ρ over the others.
fn marginal(source: &Source, density: &[f64], keep: &[(usize, Coarse)]) -> Vec<f64> {
    let total: usize = keep.iter().map(|(_, axis)| axis.len()).product();
    let mut out = vec![0.0; total];
    let strides: Vec<usize> = (0..source.axes.len())
        .map(|axis| source.axes[axis + 1..].iter().map(|inner| inner.centers.len()).product())
        .collect();
    for (cell, (rho, volume)) in density.iter().zip(&source.volumes).enumerate() {
        let place = keep.iter().fold(0, |place, (axis, coarse)| {
            place * coarse.len() + cell / strides[*axis] % source.axes[*axis].centers.len() / coarse.block
        });
        out[place] += rho * volume;
    }
    for (place, value) in out.iter_mut().enumerate() {
        let mut rest = place;
        for (_, coarse) in keep.iter().rev() {
            let (from, to) = coarse.ends(rest % coarse.len());
            *value /= to - from;
            rest /= coarse.len();
        }
    }
    out
}

/// The densities of all engines and the stationary one on some axes, and the top of the scale that all of them have in common.
struct Densities {
    series: Vec<Value>,
    stationary: Option<Vec<f64>>,
    top: f64,
}

impl Densities {
    fn on(source: &Source, keep: &[(usize, Coarse)]) -> Self {
        let cells: usize = keep.iter().map(|(_, axis)| axis.len()).product();
        let (mut series, mut tops) = (Vec::new(), Vec::new());
        for (k, engine) in source.engines.iter().enumerate() {
            let frames = kept(engine.times.len()).into_iter().map(|t| marginal(source, &engine.density[t], keep));
            let frames: Vec<Vec<f64>> = frames.collect();
            tops.push(top_of(frames.iter().map(|frame| peak(frame)).collect()));
            series.push(json!({ "engine": k, "cells": cells, "values": encoded(frames.into_iter().flatten()) }));
        }
        let stationary = source.stationary.as_ref().map(|density| marginal(source, density, keep));
        let (top, last) = (top_of(tops), stationary.as_deref().map_or(0.0, peak));
        Self { series, stationary, top: top.max(last.min(TOWERS * top)) }
    }
}

/// A density so many times higher than half of the others towers over them: it is cut rather than they are flattened.
const TOWERS: f64 = 3.0;

/// The top of a scale for densities with these peaks: the highest, but for those that tower over the others.
fn top_of(mut peaks: Vec<f64>) -> f64 {
    peaks.sort_unstable_by(f64::total_cmp);
    let highest = peaks.last().copied().unwrap_or(0.0);
    peaks.get(peaks.len().saturating_sub(1) / 2).map_or(highest, |median| highest.min(TOWERS * median))
}

fn peak(density: &[f64]) -> f64 {
    density.iter().copied().fold(0.0, f64::max)
}

fn curve(source: &Source, axis: usize) -> Value {
    let keep = [(axis, Coarse::new(&source.axes[axis], CURVE))];
    let name = &source.axes[axis].label;
    let alone = source.axes.len() == 1;
    let title = if alone { format!("density of {name}") } else { format!("marginal density of {name}") };
    // the loss is no density: it is drawn at the centres of the grid's own cells, where these are those of the curve
    let loss = source.loss.as_ref().filter(|_| alone && keep[0].1.block == 1);
    let densities = Densities::on(source, &keep);
    json!({
        "title": title,
        "about": format!("The {title} at the time of the slider, engine by engine"),
        "xlabel": name,
        "x": encoded(keep[0].1.centers()),
        "series": densities.series,
        "stationary": densities.stationary.map(encoded),
        "top": densities.top,
        "loss": loss.map(|loss| encoded(loss.iter().copied())),
    })
}

fn map(source: &Source, [i, j]: [usize; 2]) -> Value {
    let keep = [i, j].map(|axis| (axis, Coarse::new(&source.axes[axis], MAP)));
    let names = [i, j].map(|axis| &source.axes[axis].label);
    let densities = Densities::on(source, &keep);
    json!({
        "about": format!("The density over {} and {} at the time of the slider", names[0], names[1]),
        "xlabel": names[0],
        "ylabel": names[1],
        "x": encoded(keep[0].1.centers()),
        "y": encoded(keep[1].1.centers()),
        "series": densities.series,
        "stationary": densities.stationary.map(encoded),
        "top": densities.top,
    })
}

/// The mean positions against time, one chart a component.
fn moments(source: &Source) -> Vec<Value> {
    let chart = |(k, axis): (usize, &GridAxis)| {
        let curves = source.engines.iter().filter(|engine| engine.mean.iter().all(|row| row.len() > k)).map(|engine| {
            let y: Vec<f64> = engine.mean.iter().map(|row| row[k]).collect();
            json!({ "name": engine.label, "colour": colour::engine(engine.group).hexadecimal(), "x": engine.times, "y": y })
        });
        let title = format!("mean of {}", axis.label);
        let about = format!("The {title} against time, engine by engine");
        json!({ "title": title, "about": about, "ylabel": axis.label, "curves": curves.collect::<Vec<_>>() })
    };
    match source.engines.is_empty() {
        true => Vec::new(),
        false => source.axes.iter().enumerate().map(chart).collect(),
    }
}

/// The total variation between each two engines against time, with what noise alone explains.
fn distances(record: &Record) -> Option<Value> {
    let pairs = record.group("comparison")?.groups.iter().filter(|pair| pair.name.contains("_vs_"));
    let mut curves = Vec::new();
    for (k, pair) in pairs.enumerate() {
        let (Some(times), Some(values)) = (column(pair, "time"), column(pair, "total_variation")) else { continue };
        let name = pair.name.replace("_vs_", " vs ").replace('_', "-");
        let colour = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"][k % 6];
        curves.push(json!({ "name": name, "colour": colour, "x": times, "y": values }));
        if let Some(upper) = column(pair, "total_variation_noise_upper").filter(|u| u.iter().any(|u| *u > 0.0)) {
            let name = format!("noise alone, {name}");
            curves.push(json!({ "name": name, "colour": colour, "x": times, "y": upper, "faint": true }));
        }
    }
    let about = "Total variation between the engines against time; dotted: what sampling noise alone exceeds once in 1000 readings";
    (!curves.is_empty()).then(|| {
        json!({ "title": "distances between engines", "about": about, "ylabel": "total variation", "log": true, "curves": curves })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_has_the_highest_density_but_for_one_that_towers() {
        assert_eq!(top_of(vec![2.0, 1.0, 4.0]), 4.0);
        assert_eq!(top_of(vec![900.0, 2.0, 1.0]), 6.0);
        assert_eq!(top_of(vec![900.0, 2.0]), 6.0);
        assert_eq!((top_of(vec![5.0]), top_of(Vec::new())), (5.0, 0.0));
    }
}
