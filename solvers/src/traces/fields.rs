//! Fields at the nodes of a lattice: holes filled, values between.

use crate::model::table::Lattice;

/// Fields with NaN replaced by the value of the nearest node that has one, in units of the distances of the nodes.
pub(super) fn filled(lattice: &Lattice, fields: usize, values: &[f64]) -> Vec<f64> {
    let n = lattice.len();
    let shape = lattice.shape();
    let index = |mut node: usize| {
        let mut index = [0.0; 3];
        for (k, &n) in shape.iter().enumerate().rev() {
            index[k] = (node % n) as f64;
            node /= n;
        }
        index
    };
    let known: Vec<(usize, [f64; 3])> =
        (0..n).filter(|&node| values[node].is_finite()).map(|node| (node, index(node))).collect();
    let mut out = values.to_vec();
    for node in (0..n).filter(|&node| !values[node].is_finite()) {
        let here = index(node);
        let distance = |at: &[f64; 3]| (0..3).map(|k| (at[k] - here[k]).powi(2)).sum::<f64>();
        if let Some((nearest, _)) = known.iter().min_by(|a, b| distance(&a.1).total_cmp(&distance(&b.1))) {
            for f in 0..fields {
                out[f * n + node] = values[f * n + nearest];
            }
        }
    }
    out
}

/// The node at or below x and x's share of the way to the next; the ends beyond them.
pub(super) fn segment(nodes: &[f64], x: f64) -> (usize, f64) {
    let i = nodes.partition_point(|node| *node <= x).clamp(1, nodes.len() - 1) - 1;
    (i, ((x - nodes[i]) / (nodes[i + 1] - nodes[i])).clamp(0.0, 1.0))
}

/// A field of one axis at x, linear between the nodes and constant beyond them.
pub(super) fn linear_on(nodes: &[f64], field: &[f64], x: f64) -> f64 {
    let (i, share) = segment(nodes, x);
    (1.0 - share) * field[i] + share * field[i + 1]
}

/// A field at a point, linear between the nodes and constant beyond them.
pub(super) fn linear(lattice: &Lattice, field: &[f64], x: &[f64]) -> f64 {
    let d = lattice.dimension();
    let (mut below, mut share, mut strides) = ([0; 3], [0.0; 3], [1; 3]);
    for k in 0..d {
        (below[k], share[k]) = segment(lattice.axes()[k].nodes(), x[k]);
    }
    for k in (0..d.saturating_sub(1)).rev() {
        strides[k] = strides[k + 1] * lattice.axes()[k + 1].nodes().len();
    }
    let corner = |corner: usize| {
        let (mut weight, mut node) = (1.0, 0);
        for k in 0..d {
            let upper = corner >> k & 1;
            weight *= if upper == 1 { share[k] } else { 1.0 - share[k] };
            node += (below[k] + upper) * strides[k];
        }
        weight * field[node]
    };
    (0..1 << d).map(corner).sum()
}

/// A field at points that are equally far apart, at x between them: the cubic through the four nearest.
pub(super) fn cubic_on(points: &[f64], field: &[f64], x: f64) -> f64 {
    let (i, _) = segment(points, x);
    let first = i.saturating_sub(1).min(points.len() - 4);
    let t = (x - points[first]) / (points[1] - points[0]);
    let weights = [
        -(t - 1.0) * (t - 2.0) * (t - 3.0) / 6.0,
        t * (t - 2.0) * (t - 3.0) / 2.0,
        -t * (t - 1.0) * (t - 3.0) / 2.0,
        t * (t - 1.0) * (t - 2.0) / 6.0,
    ];
    weights.iter().zip(&field[first..]).map(|(w, f)| w * f).sum()
}
