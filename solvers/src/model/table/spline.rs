//! Cubic splines on one axis: interpolation of values at nodes, twice continuously differentiable, exact for cubic polynomials.
//!
//! Not-a-knot ends: the knots are the nodes without the second and the last but one, so that there are as many B-splines as nodes.
//! Beyond the ends each B-spline goes on as a straight line. Reference: C. de Boor 2001, *A Practical Guide to Splines*, chapters IX,
//! XIII.

use crate::Error;

/// Fewest nodes of an axis: those of one cubic polynomial.
pub const FEWEST_NODES: usize = 4;

/// Value, first and second derivative of the four B-splines that are not zero at a point.
pub(super) type Weights = [[f64; 4]; 3];

/// The cubic B-splines of an axis with n nodes.
#[derive(Debug, Clone)]
pub struct SplineAxis {
    name: String,
    nodes: Vec<f64>,
    /// Where the polynomials change: the nodes but the second and the last but one.
    breaks: Vec<f64>,
    /// Between two breaks: coefficients of t⁰ … t³ of the four B-splines there, t measured from the lower break.
    pieces: Vec<[[f64; 4]; 4]>,
    /// The collocation matrix, factorised: row r has the B-splines r − 3 … r + 3.
    factors: Vec<[f64; 7]>,
}

impl SplineAxis {
    /// The axis of the variable `name` with these nodes.
    ///
    /// # Errors
    /// Fewer than [`FEWEST_NODES`] nodes; nodes that are not finite or not increasing.
    pub fn new(name: &str, nodes: Vec<f64>) -> Result<Self, Error> {
        let n = nodes.len();
        if n < FEWEST_NODES {
            let what = format!("the axis `{name}` has {n} nodes; cubic splines need at least {FEWEST_NODES}");
            return Err(Error::invalid(what, "tabulate more points along it"));
        }
        if let Some(i) = nodes.iter().position(|node| !node.is_finite()) {
            return Err(Error::invalid(
                format!("node {i} of the axis `{name}` is {}", nodes[i]),
                "give finite numbers",
            ));
        }
        if let Some(i) = (1..n).find(|&i| nodes[i] <= nodes[i - 1]) {
            let what = format!("the axis `{name}` does not increase: node {i} is {} after {}", nodes[i], nodes[i - 1]);
            return Err(Error::invalid(what, "sort the axis and the arrays with it, each node once"));
        }
        let inner = &nodes[2..n - 2];
        let knots = [&[nodes[0]; 4][..], inner, &[nodes[n - 1]; 4]].concat();
        let breaks = [&[nodes[0]][..], inner, &[nodes[n - 1]]].concat();
        let pieces = (0..breaks.len() - 1).map(|i| piece(&knots, i + 3)).collect();
        let mut axis = Self { name: name.to_string(), nodes, breaks, pieces, factors: Vec::new() };
        axis.factorise();
        Ok(axis)
    }

    /// Name of the variable.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The nodes.
    pub fn nodes(&self) -> &[f64] {
        &self.nodes
    }

    /// First and last node.
    pub fn ends(&self) -> [f64; 2] {
        [self.nodes[0], self.nodes[self.nodes.len() - 1]]
    }

    /// The first of the four B-splines at x with their weights; beyond the ends straight lines.
    pub(super) fn weights(&self, x: f64) -> (usize, Weights) {
        let [lower, upper] = self.ends();
        let inside = x.clamp(lower, upper);
        let last = self.pieces.len() - 1;
        let i = self.breaks[1..=last].partition_point(|b| *b <= inside).min(last);
        let t = inside - self.breaks[i];
        let mut weights = [[0.0; 4]; 3];
        for (k, &[a, b, c, d]) in self.pieces[i].iter().enumerate() {
            weights[0][k] = a + t * (b + t * (c + t * d));
            weights[1][k] = b + t * (2.0 * c + t * 3.0 * d);
            weights[2][k] = 2.0 * c + t * 6.0 * d;
        }
        let beyond = x - inside;
        if beyond != 0.0 {
            for k in 0..4 {
                weights[0][k] += beyond * weights[1][k];
                weights[2][k] = 0.0;
            }
        }
        (i, weights)
    }

    /// The spline through these values at the nodes, at other points; constant beyond the ends.
    pub fn interpolate(&self, values: &[f64], points: &[f64]) -> Vec<f64> {
        let mut coefficients = values.to_vec();
        self.fit(&mut coefficients, 0, 1);
        let [lower, upper] = self.ends();
        let at = |x: &f64| {
            let (first, weights) = self.weights(x.clamp(lower, upper));
            weights[0].iter().zip(&coefficients[first..]).map(|(w, c)| w * c).sum()
        };
        points.iter().map(at).collect()
    }

    /// Gaussian elimination of the collocation matrix, which is totally positive: no pivots are needed.
    fn factorise(&mut self) {
        let n = self.nodes.len();
        let mut rows = vec![[0.0; 7]; n];
        for (r, row) in rows.iter_mut().enumerate() {
            let (first, weights) = self.weights(self.nodes[r]);
            for (k, &w) in weights[0].iter().enumerate().filter(|(_, w)| **w != 0.0) {
                row[first + k + 3 - r] = w;
            }
        }
        for r in 0..n {
            for below in r + 1..n.min(r + 4) {
                let factor = rows[below][3 + r - below] / rows[r][3];
                rows[below][3 + r - below] = factor;
                for k in 1..4 {
                    let entry = rows[r][3 + k];
                    if entry != 0.0 {
                        rows[below][3 + r + k - below] -= factor * entry;
                    }
                }
            }
        }
        self.factors = rows;
    }

    /// Values at the nodes (at `start`, `start` + `stride`, …) → coefficients of the B-splines, in place.
    pub(super) fn fit(&self, values: &mut [f64], start: usize, stride: usize) {
        let n = self.nodes.len();
        let at = |i: usize| start + i * stride;
        for r in 0..n {
            for k in r.saturating_sub(3)..r {
                values[at(r)] -= self.factors[r][3 + k - r] * values[at(k)];
            }
        }
        for r in (0..n).rev() {
            for k in r + 1..n.min(r + 4) {
                values[at(r)] -= self.factors[r][3 + k - r] * values[at(k)];
            }
            values[at(r)] /= self.factors[r][3];
        }
    }
}

/// The four B-splines between the knots j and j + 1 as polynomials in t = x − t_j, by the recursion of Cox and de Boor on polynomials.
fn piece(knots: &[f64], j: usize) -> [[f64; 4]; 4] {
    let mut splines = [[0.0; 4]; 4]; // spline k is B_{j − degree + k}
    splines[0][0] = 1.0;
    for degree in 1..4 {
        let mut higher = [[0.0; 4]; 4];
        for k in 0..=degree {
            let i = j + k - degree;
            let mut add = |lower: &[f64; 4], shift: f64, slope: f64| {
                for power in 0..degree {
                    higher[k][power] += shift * lower[power];
                    higher[k][power + 1] += slope * lower[power];
                }
            };
            if k > 0 {
                let width = knots[i + degree] - knots[i];
                add(&splines[k - 1], (knots[j] - knots[i]) / width, 1.0 / width);
            }
            if k < degree {
                let width = knots[i + degree + 1] - knots[i + 1];
                add(&splines[k], (knots[i + degree + 1] - knots[j]) / width, -1.0 / width);
            }
        }
        splines = higher;
    }
    splines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fitted(axis: &SplineAxis, f: impl Fn(f64) -> f64) -> impl Fn(f64) -> [f64; 3] {
        let mut values: Vec<f64> = axis.nodes().iter().map(|&x| f(x)).collect();
        axis.fit(&mut values, 0, 1);
        move |x| {
            let (first, weights) = axis.weights(x);
            weights.map(|row| row.iter().zip(&values[first..]).map(|(w, c)| w * c).sum())
        }
    }

    #[test]
    fn cubic_polynomials_are_exact_on_any_nodes_with_their_derivatives() {
        for nodes in
            [vec![-1.0, 0.0, 0.5, 2.0], vec![-1.0, -0.7, 0.1, 0.2, 1.0], (0..30).map(|i| f64::from(i * i)).collect()]
        {
            let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
            let axis = SplineAxis::new("x", nodes).unwrap();
            let unit = last - first;
            let at = |x: f64| (x - first) / unit;
            let spline = fitted(&axis, |x| 1.0 - at(x) + 3.0 * at(x).powi(2) - 2.0 * at(x).powi(3));
            for k in 0..=40 {
                let t = f64::from(k) / 40.0;
                let exact = [
                    1.0 - t + 3.0 * t * t - 2.0 * t * t * t,
                    (-1.0 + 6.0 * t - 6.0 * t * t) / unit,
                    (6.0 - 12.0 * t) / unit / unit,
                ];
                let found = spline(first + t * unit);
                for (order, (f, e)) in found.iter().zip(exact).enumerate() {
                    assert!((f - e).abs() * unit.powi(order as i32) < 1e-9, "{t} {found:?} {exact:?}");
                }
            }
        }
    }

    #[test]
    fn the_error_is_of_fourth_order() {
        let error = |n: u32| {
            let axis = SplineAxis::new("x", (0..=n).map(|i| f64::from(i) / f64::from(n)).collect()).unwrap();
            let spline = fitted(&axis, |x| (5.0 * x).sin());
            (0..1000)
                .map(|k| (spline(f64::from(k) / 999.0)[0] - (5.0 * f64::from(k) / 999.0).sin()).abs())
                .fold(0.0, f64::max)
        };
        let ratio = error(40) / error(80);
        assert!((13.0..19.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn beyond_its_ends_it_is_a_straight_line() {
        let axis = SplineAxis::new("x", (0..9).map(f64::from).collect()).unwrap();
        let spline = fitted(&axis, |x| (0.7 * x).sin());
        let [value, slope, _] = spline(8.0);
        assert!(
            (spline(10.0)[0] - value - 2.0 * slope).abs() < 1e-14 && spline(10.0)[1] == slope && spline(10.0)[2] == 0.0
        );
    }

    #[test]
    fn senseless_axes_are_refused() {
        let refused = |nodes: &[f64]| SplineAxis::new("s", nodes.to_vec()).unwrap_err().to_string();
        assert!(refused(&[0.0, 1.0, 2.0]).contains("`s` has 3 nodes"));
        assert!(refused(&[0.0, 2.0, 1.0, 3.0]).contains("node 2 is 1 after 2"));
        assert!(refused(&[0.0, 1.0, 1.0, 3.0]).contains("does not increase"));
        assert!(refused(&[0.0, f64::NAN, 1.0, 3.0]).contains("node 1 of the axis `s` is NaN"));
    }
}
