//! Nodes of a lattice over a box, and the polynomial of degree five in each variable through the six nearest of them.
//!
//! ```text
//! f(x) ≈ Σ_j w_j(x) f(x_j),   w_j(x) = Π_{k≠j} (x − x_k)/(x_j − x_k),   error f[x_0, …, x_5, x] Π_k (x − x_k) = O(h⁶)
//! ```
//!
//! (M. Abramowitz & I. A. Stegun 1964, section 25.2).

use crate::numerics::lanes::{dispatch, fma};
use crate::problem::grid::{Axis, Grid};

/// Nodes that a polynomial goes through along an axis.
pub const POINTS: usize = 6;
/// Nodes before the first and after the last one of a periodic axis, on its other end.
const GHOSTS: [usize; 2] = [2, 3];

/// The nodes along one axis.
#[derive(Debug, Clone)]
pub struct Nodes {
    /// Places of the nodes, ascending; those beyond the ends of a periodic axis are images.
    pub places: Vec<f64>,
    /// 1/Π_{k≠j}(x_j − x_k) of each set of six neighbouring nodes.
    inverse: Vec<[f64; POINTS]>,
    /// Nodes before the lower end.
    ghosts: usize,
    /// Intervals between the ends.
    pub intervals: usize,
    ends: [f64; 2],
    /// Intervals per length where all are equal.
    rate: Option<f64>,
}

impl Nodes {
    /// `intervals` or more intervals on an axis: equal ones, or where its cells are not equal whole parts of cells.
    pub fn new(axis: &Axis, intervals: usize) -> Self {
        let mut inner = Vec::new();
        let even = axis.is_uniform();
        let intervals = intervals.max(POINTS);
        if even {
            let at = |i: usize| axis.lower() + axis.length() * (i as f64 / intervals as f64);
            inner.extend((0..=intervals).map(at));
        } else {
            let parts = intervals.div_ceil(axis.cells());
            for edges in axis.edges().windows(2) {
                inner.extend((0..parts).map(|j| edges[0] + (edges[1] - edges[0]) * (j as f64 / parts as f64)));
            }
            inner.push(axis.upper());
        }
        let intervals = inner.len() - 1;
        let ghosts = if axis.is_periodic() { GHOSTS[0] } else { 0 };
        let mut places = inner.clone();
        if axis.is_periodic() {
            let before = (intervals - GHOSTS[0]..intervals).map(|i| inner[i] - axis.length());
            let after = (1..=GHOSTS[1]).map(|i| inner[i] + axis.length());
            places = before.chain(inner.iter().copied()).chain(after).collect();
        }
        let inverse = (0..=places.len() - POINTS).map(|base| inverses(&places[base..base + POINTS])).collect();
        let rate = even.then(|| intervals as f64 / axis.length());
        Self { places, inverse, ghosts, intervals, ends: [axis.lower(), axis.upper()], rate }
    }

    /// The interval that x is in; None off the axis.
    #[inline(always)]
    fn interval(&self, x: f64) -> Option<usize> {
        if !(x >= self.ends[0] && x <= self.ends[1]) {
            return None;
        }
        let inner = &self.places[self.ghosts..=self.ghosts + self.intervals];
        let found = match self.rate {
            Some(rate) => ((x - self.ends[0]) * rate) as usize,
            None => inner.partition_point(|&node| node <= x).saturating_sub(1),
        };
        Some(found.min(self.intervals - 1))
    }

    /// First of the six nodes that serve an interval.
    #[inline(always)]
    pub fn base(&self, interval: usize) -> usize {
        (interval + self.ghosts).saturating_sub(GHOSTS[0]).min(self.places.len() - POINTS)
    }

    /// Node at the lower end of an interval.
    pub fn node(&self, interval: usize) -> usize {
        interval + self.ghosts
    }

    /// The weights w_j(x) of the six nodes from `base`.
    #[inline(always)]
    fn weights(&self, base: usize, x: f64) -> [f64; POINTS] {
        let (nodes, inverse) = (&self.places[base..base + POINTS], &self.inverse[base]);
        let mut out = *inverse;
        let (mut below, mut above) = (1.0, 1.0);
        for j in 0..POINTS {
            out[j] *= below;
            below *= x - nodes[j];
            out[POINTS - 1 - j] *= above;
            above *= x - nodes[POINTS - 1 - j];
        }
        out
    }

    /// The derivatives w_j'(x).
    fn slopes(&self, base: usize, x: f64) -> [f64; POINTS] {
        let (nodes, inverse) = (&self.places[base..base + POINTS], &self.inverse[base]);
        std::array::from_fn(|j| {
            let others = || (0..POINTS).filter(move |&k| k != j);
            let without = |skip: usize| others().filter(|&k| k != skip).map(|k| x - nodes[k]).product::<f64>();
            inverse[j] * others().map(without).sum::<f64>()
        })
    }

    /// The error of the interpolation in the middle of an interval as the seventh node beside the six shows it, from values at all
    /// nodes of a line: |f[x_0, …, x_6] Π_k (x − x_k)|.
    pub fn error(&self, interval: usize, value: impl Fn(usize) -> f64) -> f64 {
        let base = self.base(interval);
        let node = self.node(interval);
        let middle = 0.5 * (self.places[node] + self.places[node + 1]);
        let product: f64 = self.places[base..base + POINTS].iter().map(|x| middle - x).product();
        let last = self.places.len() - POINTS - 1;
        let difference = |first: usize| -> f64 {
            let inverse = inverses::<{ POINTS + 1 }>(&self.places[first..=first + POINTS]);
            inverse.iter().enumerate().map(|(j, inverse)| value(first + j) * inverse).sum()
        };
        let [lower, upper] = [base.saturating_sub(1).min(last), base.min(last)].map(|first| difference(first).abs());
        product.abs() * lower.max(upper)
    }
}

/// 1/Π_{k≠j}(x_j − x_k).
fn inverses<const N: usize>(nodes: &[f64]) -> [f64; N] {
    std::array::from_fn(|j| {
        let others = nodes.iter().enumerate().filter(|(k, _)| *k != j);
        1.0 / others.map(|(_, x)| nodes[j] - x).product::<f64>()
    })
}

/// A lattice over a box of one to three dimensions, nodes and intervals numbered in row-major order.
#[derive(Debug, Clone)]
pub struct Lattice {
    /// The nodes along each axis.
    pub axes: Vec<Nodes>,
}

impl Lattice {
    /// About `intervals` intervals along each axis of a grid.
    pub fn new(grid: &Grid, intervals: usize) -> Self {
        Self { axes: grid.axes().iter().map(|axis| Nodes::new(axis, intervals)).collect() }
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.axes.iter().map(|axis| axis.places.len()).product()
    }

    /// Number of boxes between nodes.
    pub fn boxes(&self) -> usize {
        self.axes.iter().map(|axis| axis.intervals).product()
    }

    /// Positions of `count` nodes from `first`, coordinate-major.
    pub fn points(&self, first: usize, count: usize) -> Vec<f64> {
        let d = self.axes.len();
        let mut points = vec![0.0; d * count];
        for i in 0..count {
            let mut rest = first + i;
            for k in (0..d).rev() {
                let n = self.axes[k].places.len();
                points[k * count + i] = self.axes[k].places[rest % n];
                rest /= n;
            }
        }
        points
    }

    /// The interval of a box along each axis.
    pub fn intervals(&self, mut number: usize) -> [usize; 3] {
        let mut out = [0; 3];
        for (k, axis) in self.axes.iter().enumerate().rev() {
            out[k] = number % axis.intervals;
            number /= axis.intervals;
        }
        out
    }
}

/// Values at the nodes of a lattice, W numbers at each, those that belong together beside each other.
pub struct Values<'a> {
    /// The lattice.
    pub lattice: &'a Lattice,
    /// W numbers for each node.
    pub values: &'a [f64],
    /// For each box, whether no polynomial serves it.
    pub unfit: &'a [bool],
}

/// Numbers at a node in d dimensions: drift and D, filled up to whole vectors.
pub const fn width(d: usize) -> usize {
    [2, 2, 8, 12][d]
}

impl Values<'_> {
    /// The values at a point, and whether they are good: on the lattice, and not in an unfit box.
    #[inline(always)]
    fn at<const D: usize, const W: usize>(&self, point: [f64; D]) -> ([f64; W], bool) {
        let (mut number, mut base, mut weights) = (0, [0; D], [[0.0; POINTS]; D]);
        for k in 0..D {
            let axis = &self.lattice.axes[k];
            let Some(interval) = axis.interval(point[k]) else { return ([0.0; W], false) };
            number = number * axis.intervals + interval;
            base[k] = axis.base(interval);
            weights[k] = axis.weights(base[k], point[k]);
        }
        if self.unfit[number] {
            return ([0.0; W], false);
        }
        (self.sum(base, &weights), true)
    }

    #[inline(always)]
    fn sum<const D: usize, const W: usize>(&self, base: [usize; D], weights: &[[f64; POINTS]; D]) -> [f64; W] {
        let mut out = [0.0; W];
        let last = D - 1;
        let lines = POINTS.pow(last as u32);
        for line in 0..lines {
            let (mut node, mut weight, mut rest) = (0, 1.0, line);
            for k in 0..last {
                let j = rest % POINTS;
                rest /= POINTS;
                node = node * self.lattice.axes[k].places.len() + base[k] + j;
                weight *= weights[k][j];
            }
            let first = (node * self.lattice.axes[last].places.len() + base[last]) * W;
            let row = &self.values[first..first + POINTS * W];
            for j in 0..POINTS {
                let w = weight * weights[last][j];
                for c in 0..W {
                    out[c] = fma(w, row[j * W + c], out[c]);
                }
            }
        }
        out
    }

    /// The derivative along an axis at a point of the lattice.
    pub fn slope<const D: usize, const W: usize>(&self, point: [f64; D], along: usize) -> [f64; W] {
        let (mut base, mut weights) = ([0; D], [[0.0; POINTS]; D]);
        for k in 0..D {
            let axis = &self.lattice.axes[k];
            base[k] = axis.base(axis.interval(point[k]).unwrap_or(0));
            weights[k] = if k == along { axis.slopes(base[k], point[k]) } else { axis.weights(base[k], point[k]) };
        }
        self.sum(base, &weights)
    }
}

#[inline(always)]
fn fill<const D: usize, const W: usize>(values: &Values, points: &[f64], out: &mut [f64], good: &mut [bool]) {
    let n = good.len();
    let kept = out.len() / n;
    for i in 0..n {
        let (found, fits) = values.at::<D, W>(std::array::from_fn(|k| points[k * n + i]));
        good[i] = fits;
        for c in 0..kept {
            out[c * n + i] = found[c];
        }
    }
}

dispatch! {
    /// The values at n points (coordinate-major) to `out`, component c of point i at `[c·n + i]`, and whether they are good.
    pub fn interpolate(values: &Values, points: &[f64], out: &mut [f64], good: &mut [bool]) {
        match values.lattice.axes.len() {
            1 => fill::<1, { width(1) }>(values, points, out, good),
            2 => fill::<2, { width(2) }>(values, points, out, good),
            _ => fill::<3, { width(3) }>(values, points, out, good),
        }
    }
}

impl Lattice {
    /// Number of a node from its place along each axis.
    pub fn number(&self, node: &[usize; 3]) -> usize {
        self.axes.iter().zip(node).fold(0, |number, (axis, j)| number * axis.places.len() + j)
    }

    /// The nodes at the corners of a box.
    pub fn corners(&self, intervals: [usize; 3]) -> impl Iterator<Item = [usize; 3]> + '_ {
        (0..1usize << self.axes.len()).map(move |corner| {
            let mut node = [0; 3];
            for (k, axis) in self.axes.iter().enumerate() {
                node[k] = axis.node(intervals[k]) + (corner >> k & 1);
            }
            node
        })
    }

    /// Numbers of the nodes at the corners of the box that a point is in.
    pub fn nearby(&self, point: &[f64]) -> impl Iterator<Item = usize> + '_ {
        let mut intervals = [0; 3];
        for ((interval, axis), x) in intervals.iter_mut().zip(&self.axes).zip(point) {
            *interval = axis.interval(*x).unwrap_or(0);
        }
        self.corners(intervals).map(|node| self.number(&node))
    }
}
