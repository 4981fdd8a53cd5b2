//! The points of `/outliers/points`: what a record knows of each sample there.

use super::chart::axis::number;
use super::chart::colour::Colour;
use super::source::{Source, values};
use crate::record::{Attribute, Values};

/// Samples that are fitted.
pub const FITTED: Colour = Colour::hex(0x00_72_b2);
/// Dynamic outliers.
pub const OUTLIER: Colour = Colour::hex(0xd5_5e_00);

/// One point θ.
pub struct Point {
    /// θ.
    pub position: Vec<f64>,
    /// `lowest minimum, w = 0.712`, and `L = 0.31, outliers carry 65 %`.
    pub heading: [String; 2],
    /// Whether each sample is an outlier.
    pub outlier: Vec<bool>,
    /// Residuals; empty where the model is no regression.
    pub residual: Vec<f64>,
    /// The fitted function at the inputs; empty where there is none.
    pub fitted: Vec<f64>,
}

/// Most points that a figure shows.
pub const MOST: usize = 4;

/// The first [`MOST`] points; empty where the record has none.
pub fn points(source: &Source) -> Vec<Point> {
    let Some(group) = source.record.group("outliers/points") else { return Vec::new() };
    let row = |name: &str| values(source.record, &format!("outliers/points/{name}")).unwrap_or_default();
    let (loss, share, position) = (row("loss"), row("outlier_share"), row("position"));
    let (residual, fitted) = (row("residual"), row("fitted"));
    let flags: Vec<bool> = match source.record.dataset("outliers/points/outlier").map(|d| &d.values) {
        Some(Values::Integer(flags)) => flags.iter().map(|&f| f == 1).collect(),
        _ => return Vec::new(),
    };
    let (count, d) = (loss.len(), source.axes.len());
    let minima = matches!(group.attribute("kind"), Some(Attribute::Text(kind)) if kind.starts_with("minima"));
    let fits = |v: &[f64]| count > 0 && v.len().is_multiple_of(count);
    if !fits(&residual) || !fits(&fitted) || !flags.len().is_multiple_of(count.max(1)) || position.len() != d * count {
        return Vec::new();
    }
    let part = |v: &[f64], k: usize| v[k * v.len() / count..(k + 1) * v.len() / count].to_vec();
    let point = |k: usize| {
        let theta = part(&position, k);
        let what = match (minima, k) {
            (true, 0) => "lowest minimum",
            (true, _) => "local minimum",
            _ => "point",
        };
        let names = source.axes.iter().zip(&theta).map(|(axis, t)| format!("{} = {}", axis.label, number(*t)));
        let where_it_is = format!("{what}, {}", names.collect::<Vec<_>>().join(", "));
        let carried = match share.get(k) {
            Some(share) if *share > 0.0 => format!("outliers carry {:.0} %", 100.0 * share),
            _ => "no outlier".into(),
        };
        Point {
            heading: [where_it_is, format!("L = {}, {carried}", number(loss[k]))],
            outlier: flags[k * flags.len() / count..(k + 1) * flags.len() / count].to_vec(),
            residual: part(&residual, k),
            fitted: part(&fitted, k),
            position: theta,
        }
    };
    (0..count.min(MOST)).map(point).collect()
}

/// What counts as an outlier, after the title.
pub fn remark(source: &Source) -> String {
    let float = |name: &str| match source.record.attribute(&format!("outliers/{name}")) {
        Some(Attribute::Float(x)) => number(*x),
        _ => "?".into(),
    };
    let scale = match source.record.attribute("outliers/scale") {
        Some(Attribute::Text(scale)) if scale == "mean-loss" => "L".to_string(),
        Some(Attribute::Text(scale)) if scale == "max-loss" => "max l".to_string(),
        Some(Attribute::Text(scale)) => scale.clone(),
        _ => "?".into(),
    };
    let c = float("smoothing");
    let tau = if c == "1" { scale } else { format!("{c}·{scale}") };
    format!("outliers: m·p < {}, p ~ exp(−l/τ), τ = {tau}", float("level"))
}
