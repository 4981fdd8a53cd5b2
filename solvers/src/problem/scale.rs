//! Coordinates of an axis: θ = ψ(u), in which its cells are equal.
//!
//! ```text
//! linear  θ = u          log  θ = ± e^{±u}          sinh  θ = c + w sinh u          power  θ = u^p          drawn  a table of ψ
//! ```

use crate::error::{Error, Setting};

/// The map ψ of an axis.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// θ itself.
    Linear,
    /// ln |θ|, on an axis that does not hold 0.
    Log {
        /// Whether θ < 0.
        negative: bool,
    },
    /// asinh((θ − center)/width): narrow cells near the center, that grow in proportion to the distance beyond the width.
    Sinh {
        /// Where cells are narrowest.
        center: f64,
        /// Distance up to which they stay narrow.
        width: f64,
    },
    /// θ^(1/exponent), for θ ≥ 0.
    Power {
        /// The exponent p.
        exponent: f64,
    },
    /// ψ at equal steps of u from 0 to 1, between them by polynomials of degree five.
    Drawn(Vec<f64>),
}

/// Nodes of the polynomials of a drawn scale.
const POINTS: usize = 6;

impl Scale {
    /// The logarithm on an axis. Errors: ends of different signs, or at 0.
    pub fn log(from: f64, to: f64) -> Result<Self, Error> {
        if from > 0.0 || to < 0.0 {
            return Ok(Self::Log { negative: to < 0.0 });
        }
        Err(Error::invalid(
            format!("a logarithmic axis cannot run from {from} to {to}: 0 has no logarithm"),
            "end the axis before 0, or write scale = \"sinh\", which is linear near its center",
        )
        .set_by(&[Setting::Axes]))
    }

    /// asinh about a center. Errors: a width that is not positive, a center off the axis.
    pub fn sinh([from, to]: [f64; 2], center: f64, width: f64) -> Result<Self, Error> {
        if width > 0.0 && width.is_finite() && center >= from && center <= to {
            return Ok(Self::Sinh { center, width });
        }
        Err(Error::invalid(
            format!("an axis from {from} to {to} has no coordinate asinh((θ − {center})/{width})"),
            "write a center on the axis and a width > 0, the distance up to which the cells stay narrow",
        )
        .set_by(&[Setting::Axes]))
    }

    /// A power. Errors: an axis with negative places, an exponent that is not positive.
    pub fn power(from: f64, exponent: f64) -> Result<Self, Error> {
        if from >= 0.0 && exponent > 0.0 && exponent.is_finite() {
            return Ok(Self::Power { exponent });
        }
        Err(Error::invalid(
            format!("an axis from {from} has no coordinate θ^(1/{exponent})"),
            "begin the axis at 0 or above, and write an exponent > 0",
        )
        .set_by(&[Setting::Axes]))
    }

    /// Cells of widths in proportion to `width(θ)` on an axis, which is looked at in `points` places: the coordinate of unit noise for
    /// width = √D. Errors: widths that are not positive.
    pub fn drawn([from, to]: [f64; 2], points: usize, width: impl Fn(f64) -> f64) -> Result<Self, Error> {
        let mut places: Vec<f64> = (0..=points).map(|i| from + (to - from) * i as f64 / points as f64).collect();
        places[points] = to;
        Self::drawn_at(&places, width)
    }

    /// [`Scale::drawn`] for widths that are looked at in increasing places, more of them where cells are to be narrow. Errors: as there,
    /// fewer than seven places.
    pub fn drawn_at(places: &[f64], width: impl Fn(f64) -> f64) -> Result<Self, Error> {
        let points = places.len().saturating_sub(1);
        if points < POINTS {
            return Err(Error::invalid("a coordinate needs widths at seven places or more", "give more places"));
        }
        let at = |i: usize| places[i];
        let density: Vec<f64> = (0..=2 * points)
            .map(|i| 1.0 / width(if i % 2 == 0 { at(i / 2) } else { 0.5 * (at(i / 2) + at(i / 2 + 1)) }))
            .collect();
        if density.iter().any(|density| !(*density > 0.0 && density.is_finite())) {
            return Err(Error::invalid(
                "cells cannot have a width that is not positive",
                "write another scale of the axis",
            ));
        }
        // u(θ) by Simpson's rule, then ψ by inverting it
        let mut u = vec![0.0];
        for i in 0..points {
            let own = density[2 * i] + 4.0 * density[2 * i + 1] + density[2 * i + 2];
            u.push(u[i] + own * (at(i + 1) - at(i)) / 6.0);
        }
        let total = u[points];
        let mut nodes = vec![at(0)];
        let mut i = 0;
        for j in 1..points {
            let wanted = total * j as f64 / points as f64;
            while u[i + 1] < wanted {
                i += 1;
            }
            // the cubic through value and slope at both ends of the interval, inverted by bisection
            let (h, [a, b]) = (at(i + 1) - at(i), [density[2 * i], density[2 * i + 2]]);
            let value = |s: f64| {
                let (s2, s3) = (s * s, s * s * s);
                (2.0 * s3 - 3.0 * s2 + 1.0) * u[i]
                    + (3.0 * s2 - 2.0 * s3) * u[i + 1]
                    + h * ((s3 - 2.0 * s2 + s) * a + (s3 - s2) * b)
            };
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if value(middle) < wanted { low = middle } else { high = middle }
            }
            nodes.push(at(i) + h * low);
        }
        nodes.push(at(points));
        Ok(Self::Drawn(nodes))
    }

    /// Whether cells that are equal in u are equal in θ.
    pub fn is_linear(&self) -> bool {
        *self == Self::Linear
    }

    /// ψ, dψ/du and d²ψ/du² at u.
    pub fn place(&self, u: f64) -> [f64; 3] {
        match self {
            Self::Linear => [u, 1.0, 0.0],
            Self::Log { negative: false } => [u.exp(); 3],
            Self::Log { negative: true } => [-(-u).exp(), (-u).exp(), -(-u).exp()],
            Self::Sinh { center, width } => [center + width * u.sinh(), width * u.cosh(), width * u.sinh()],
            Self::Power { exponent: p } => {
                let u = u.max(0.0);
                [u.powf(*p), p * u.powf(p - 1.0), p * (p - 1.0) * u.powf(p - 2.0)]
            }
            Self::Drawn(nodes) => drawn(nodes, u),
        }
    }

    /// u at θ.
    pub fn coordinate(&self, x: f64) -> f64 {
        match self {
            Self::Linear => x,
            Self::Log { negative } => {
                if *negative {
                    -(-x).ln()
                } else {
                    x.ln()
                }
            }
            Self::Sinh { center, width } => ((x - center) / width).asinh(),
            Self::Power { exponent } => x.max(0.0).powf(1.0 / exponent),
            Self::Drawn(nodes) => {
                let i = nodes.partition_point(|node| *node <= x).clamp(1, nodes.len() - 1) - 1;
                let (mut low, mut high) = (i as f64, (i + 1) as f64);
                let n = (nodes.len() - 1) as f64;
                for _ in 0..60 {
                    let middle = 0.5 * (low + high);
                    if drawn(nodes, middle / n)[0] < x { low = middle } else { high = middle }
                }
                if x <= nodes[0] {
                    0.0
                } else if x >= nodes[nodes.len() - 1] {
                    1.0
                } else {
                    0.5 * (low + high) / n
                }
            }
        }
    }
}

/// Value, slope and curvature of the polynomial through the six nodes about u.
fn drawn(nodes: &[f64], u: f64) -> [f64; 3] {
    let n = nodes.len() - 1;
    let at = u * n as f64;
    let base = (at.max(0.0) as usize).saturating_sub(2).min(n + 1 - POINTS);
    let s = at - base as f64;
    // Newton's form: differences of rising order, summed from the highest on
    let mut differences: [f64; POINTS] = std::array::from_fn(|j| nodes[base + j]);
    for order in 1..POINTS {
        for j in (order..POINTS).rev() {
            differences[j] -= differences[j - 1];
        }
    }
    let (mut value, mut slope, mut curvature) = (0.0, 0.0, 0.0);
    for (k, difference) in differences.iter().enumerate().rev() {
        let (step, part) = (s - k as f64, 1.0 / (k + 1) as f64);
        curvature = (step * curvature + 2.0 * slope) * part;
        slope = (step * slope + value) * part;
        value = step * value * part + difference;
    }
    [value, slope * n as f64, curvature * (n * n) as f64]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn coordinates_go_there_and_back_and_slopes_are_those_of_the_map() {
        let drawn = Scale::drawn([-1.0, 3.0], 400, |x| 0.1 + x * x).unwrap();
        let scales = [
            (Scale::log(0.5, 4.0).unwrap(), 0.7),
            (Scale::log(-4.0, -0.5).unwrap(), -0.7),
            (Scale::sinh([-1.0, 3.0], 0.2, 0.1).unwrap(), 1.3),
            (Scale::power(0.0, 2.0).unwrap(), 0.6),
            (drawn, 0.31),
        ];
        for (scale, x) in scales {
            let (u, h) = (scale.coordinate(x), 1e-4);
            let [value, slope, curvature] = scale.place(u);
            let [after, before] = [u + h, u - h].map(|u| scale.place(u)[0]);
            assert!((value - x).abs() < 1e-12, "{scale:?}");
            assert!((slope - (after - before) / (2.0 * h)).abs() < 1e-5 * slope, "{scale:?}");
            let differences = (after - 2.0 * value + before) / (h * h);
            assert!((curvature - differences).abs() < 1e-3 * (slope + curvature.abs()), "{curvature} {differences}");
        }
    }

    #[test]
    fn drawn_cells_have_the_widths_that_were_asked_for() {
        let scale = Scale::drawn([0.0, 1.0], 500, |x| 1.0 + 3.0 * x).unwrap();
        let slope = |x: f64| scale.place(scale.coordinate(x))[1] / (1.0 + 3.0 * x);
        assert!((slope(0.1) / slope(0.9) - 1.0).abs() < 1e-7, "{}", slope(0.1) / slope(0.9) - 1.0);
        assert!(Scale::log(-1.0, 1.0).is_err() && Scale::power(-1.0, 2.0).is_err());
        assert!(Scale::sinh([0.0, 1.0], 2.0, 0.1).is_err());
    }
}
