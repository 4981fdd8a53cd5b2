//! Products of cubic splines in one to three dimensions: many fields on the same nodes.

use rayon::prelude::*;

use super::spline::SplineAxis;
use crate::Error;

/// The nodes of a table: the product of d axes.
#[derive(Debug, Clone)]
pub struct Lattice {
    axes: Vec<SplineAxis>,
    /// Distance of neighbouring nodes along each axis, the last axis contiguous.
    strides: Vec<usize>,
    nodes: usize,
}

/// Fields on a lattice as coefficients of its splines, field after field.
#[derive(Debug, Clone)]
pub struct Splines {
    coefficients: Vec<f64>,
    nodes: usize,
}

/// A point on a lattice: where its 4ᵈ coefficients begin, and the weights of values and slopes along each axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<const D: usize> {
    start: usize,
    weights: [[[f64; 4]; 2]; D],
}

impl Lattice {
    /// The lattice of these axes.
    ///
    /// # Errors
    /// None or more than three axes; more nodes than can be counted.
    pub fn new(axes: Vec<SplineAxis>) -> Result<Self, Error> {
        if axes.is_empty() || axes.len() > 3 {
            return Err(Error::invalid(format!("a table with {} axes", axes.len()), "give one to three axes"));
        }
        let mut strides = vec![1; axes.len()];
        for k in (1..axes.len()).rev() {
            strides[k - 1] = strides[k] * axes[k].nodes().len();
        }
        let nodes = axes.iter().map(|axis| axis.nodes().len()).product();
        Ok(Self { axes, strides, nodes })
    }

    /// Number of axes d.
    pub fn dimension(&self) -> usize {
        self.axes.len()
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes
    }

    /// Never: an axis has nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes == 0
    }

    /// The axes.
    pub fn axes(&self) -> &[SplineAxis] {
        &self.axes
    }

    /// Nodes along each axis.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.nodes().len()).collect()
    }

    /// Position of a node.
    pub fn position(&self, node: usize) -> Vec<f64> {
        self.axes.iter().zip(&self.strides).map(|(axis, s)| axis.nodes()[node / s % axis.nodes().len()]).collect()
    }

    /// A node in words: `x = 0.5, y = 1`.
    pub fn place(&self, node: usize) -> String {
        let words = self.axes.iter().zip(self.position(node)).map(|(axis, x)| format!("{} = {x}", axis.name()));
        words.collect::<Vec<_>>().join(", ")
    }

    /// The lattice of every second node, and the numbers of its nodes here; None where an axis has too few.
    pub fn coarser(&self) -> Option<(Self, Vec<usize>)> {
        let kept: Vec<Vec<usize>> = self.shape().iter().map(|&n| (0..n).step_by(2).collect()).collect();
        let axes = self
            .axes
            .iter()
            .zip(&kept)
            .map(|(axis, kept)| SplineAxis::new(axis.name(), kept.iter().map(|&i| axis.nodes()[i]).collect()));
        let coarse = Self::new(axes.collect::<Result<_, _>>().ok()?).ok()?;
        let fine = |node: usize| {
            let parts =
                kept.iter().enumerate().map(|(k, kept)| kept[node / coarse.strides[k] % kept.len()] * self.strides[k]);
            parts.sum()
        };
        let nodes = (0..coarse.nodes).map(fine).collect();
        Some((coarse, nodes))
    }

    /// The splines through fields of values at the nodes (field × nodes, the last axis fastest).
    pub fn interpolate(&self, mut values: Vec<f64>) -> Splines {
        values.par_chunks_mut(self.nodes).for_each(|field| {
            for (axis, &stride) in self.axes.iter().zip(&self.strides) {
                let n = axis.nodes().len();
                for start in (0..self.nodes).filter(|node| node / stride % n == 0) {
                    axis.fit(field, start, stride);
                }
            }
        });
        Splines { coefficients: values, nodes: self.nodes }
    }

    /// Point i of n in the block layout of a model.
    #[inline]
    pub(super) fn at<const D: usize>(&self, points: &[f64], n: usize, i: usize) -> At<D> {
        let mut at = At { start: 0, weights: [[[0.0; 4]; 2]; D] };
        for k in 0..D {
            let (first, weights) = self.axes[k].weights(points[k * n + i]);
            at.start += first * self.strides[k];
            at.weights[k] = [weights[0], weights[1]];
        }
        at
    }

    /// The point with each coordinate moved into the lattice.
    pub fn clamp(&self, point: &mut [f64]) {
        for (axis, x) in self.axes.iter().zip(point) {
            *x = x.clamp(axis.ends()[0], axis.ends()[1]);
        }
    }

    /// Value (the first) and gradient of a field at a point.
    #[inline(always)]
    pub(super) fn jet<const D: usize>(&self, field: &[f64], at: &At<D>) -> [f64; 4] {
        let mut jet = [0.0; 4];
        let last = &at.weights[D - 1];
        let outer = if D > 1 { 4 } else { 1 };
        let planes = if D > 2 { 4 } else { 1 };
        for a in 0..planes {
            let plane = at.start + if D > 2 { a * self.strides[0] } else { 0 };
            let mut sums = [0.0; 3]; // value, slope along the last axis, slope along the one before
            for b in 0..outer {
                let row = &field[plane + if D > 1 { b * self.strides[D - 2] } else { 0 }..][..4];
                let (mut value, mut slope) = (0.0, 0.0);
                for c in 0..4 {
                    value += row[c] * last[0][c];
                    slope += row[c] * last[1][c];
                }
                if D > 1 {
                    let [weight, rate] = [at.weights[D - 2][0][b], at.weights[D - 2][1][b]];
                    sums[0] += weight * value;
                    sums[1] += weight * slope;
                    sums[2] += rate * value;
                } else {
                    sums = [value, slope, 0.0];
                }
            }
            if D > 2 {
                let [weight, rate] = [at.weights[0][0][a], at.weights[0][1][a]];
                jet[0] += weight * sums[0];
                jet[1] += rate * sums[0];
                jet[2] += weight * sums[2];
                jet[3] += weight * sums[1];
            } else if D > 1 {
                jet = [sums[0], sums[2], sums[1], 0.0];
            } else {
                jet = [sums[0], sums[1], 0.0, 0.0];
            }
        }
        jet
    }

    /// ∂_i∂_j of a field at a point.
    pub(super) fn second(&self, field: &[f64], point: &[f64], i: usize, j: usize) -> f64 {
        self.derivative(field, point, |k| usize::from(k == i) + usize::from(k == j))
    }

    /// ∂_i of a field at a point.
    pub(super) fn first(&self, field: &[f64], point: &[f64], i: usize) -> f64 {
        self.derivative(field, point, |k| usize::from(k == i))
    }

    /// The derivative of a field of order `order(k)` along axis k.
    fn derivative(&self, field: &[f64], point: &[f64], order: impl Fn(usize) -> usize) -> f64 {
        let along = |(k, (axis, &x)): (usize, (&SplineAxis, &f64))| {
            let (first, weights) = axis.weights(x);
            (first * self.strides[k], weights[order(k)])
        };
        let along: Vec<(usize, [f64; 4])> = self.axes.iter().zip(point).enumerate().map(along).collect();
        let start: usize = along.iter().map(|(first, _)| first).sum();
        let term = |term: usize| {
            let digit = |k: usize| term / 4_usize.pow(k as u32) % 4;
            let offset: usize = (0..along.len()).map(|k| digit(k) * self.strides[k]).sum();
            (0..along.len()).map(|k| along[k].1[digit(k)]).product::<f64>() * field[start + offset]
        };
        (0..4_usize.pow(along.len() as u32)).map(term).sum()
    }
}

impl Splines {
    /// Coefficients of one field.
    #[inline]
    pub(super) fn field(&self, field: usize) -> &[f64] {
        &self.coefficients[field * self.nodes..][..self.nodes]
    }

    /// Number of fields.
    pub fn fields(&self) -> usize {
        self.coefficients.len() / self.nodes
    }

    /// The mean of the fields 0, `step`, 2 `step`, …, that of 1, 1 + `step`, … and so on: `step` fields.
    pub(super) fn mean(&self, step: usize) -> Self {
        let (width, groups) = (step * self.nodes, self.fields() / step);
        let mut sums = vec![0.0; width];
        for row in self.coefficients.chunks_exact(width) {
            sums.iter_mut().zip(row).for_each(|(sum, c)| *sum += c);
        }
        sums.iter_mut().for_each(|sum| *sum /= groups as f64);
        Self { coefficients: sums, nodes: self.nodes }
    }
}

/// Calls a function with the number of dimensions as its constant.
macro_rules! in_dimension {
    ($d:expr, $function:ident($($argument:expr),*)) => {
        match $d {
            1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            _ => $function::<3>($($argument),*),
        }
    };
}
pub(super) use in_dimension;

/// Values of fields at n points (fields × n).
pub(super) fn values<const D: usize>(lattice: &Lattice, fields: &Splines, points: &[f64], n: usize, out: &mut [f64]) {
    for i in 0..n {
        let at = lattice.at::<D>(points, n, i);
        for k in 0..fields.fields() {
            out[k * n + i] = lattice.jet(fields.field(k), &at)[0];
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lattice(d: usize) -> Lattice {
        let axis = |k: usize| {
            let nodes = (0..6 + k).map(|i| (i as f64 + 0.1 * (i as f64).sin()) / (5 + k) as f64);
            SplineAxis::new(["x", "y", "z"][k], nodes.collect()).unwrap()
        };
        Lattice::new((0..d).map(axis).collect()).unwrap()
    }

    /// (1 + x − x³)(2 − y²)(1 + z³) with its gradient and ∂²/∂x∂y, over the first d axes.
    fn exact(p: &[f64]) -> ([f64; 4], f64) {
        let factor = |k: usize| match p.get(k) {
            None => [1.0, 0.0],
            Some(&t) => {
                [[1.0 + t - t.powi(3), 1.0 - 3.0 * t * t], [2.0 - t * t, -2.0 * t], [1.0 + t.powi(3), 3.0 * t * t]][k]
            }
        };
        let [x, y, z] = [factor(0), factor(1), factor(2)];
        let jet = [x[0] * y[0] * z[0], x[1] * y[0] * z[0], x[0] * y[1] * z[0], x[0] * y[0] * z[1]];
        (jet, x[1] * y[1] * z[0])
    }

    fn check<const D: usize>() {
        let lattice = lattice(D);
        let values = (0..lattice.len()).map(|node| exact(&lattice.position(node)).0[0]).collect();
        let splines = lattice.interpolate(values);
        for k in 0..20 {
            let point: Vec<f64> = (0..D).map(|j| (0.618 * f64::from(k) + 0.37 * j as f64).fract()).collect();
            let jet = lattice.jet::<D>(splines.field(0), &lattice.at::<D>(&point, 1, 0));
            let (expected, mixed) = exact(&point);
            assert!(jet.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{D}: {jet:?} {expected:?}");
            if D > 1 {
                assert!((lattice.second(splines.field(0), &point, 0, 1) - mixed).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn products_of_cubics_are_exact_in_one_to_three_dimensions() {
        check::<1>();
        check::<2>();
        check::<3>();
    }

    #[test]
    fn every_second_node_is_the_node_of_the_same_place() {
        let fine = Lattice::new(vec![
            SplineAxis::new("x", (0..9).map(f64::from).collect()).unwrap(),
            SplineAxis::new("y", (0..8).map(|i| f64::from(i) * 2.0).collect()).unwrap(),
        ])
        .unwrap();
        let (coarse, nodes) = fine.coarser().unwrap();
        assert_eq!(coarse.shape(), [5, 4]);
        for (node, &of_fine) in nodes.iter().enumerate() {
            assert_eq!(coarse.position(node), fine.position(of_fine));
        }
        assert!(coarse.coarser().is_none());
    }
}
