//! Local-linear regression at the nodes of a lattice: y ≈ f + s·(x − node) by least squares with Epanechnikov's weights.
//!
//! ```text
//! w = Π_k ¾(1 − u_k²),  u_k = (x_k − node_k)/h_k,  |u_k| < 1;      β = M⁻¹ Σ w U y,   M = Σ w U Uᵀ,   U = (1, u)
//! Var β = M⁻¹ (Σ w² r² U Uᵀ) M⁻¹,   r = y − f      (sandwich)
//! ```

use rayon::prelude::*;

use crate::model::table::Lattice;

/// Fewest effective samples (Σw)²/Σw² of a node that counts.
pub(super) const FEWEST: f64 = 20.0;
/// Parts of the data that are worked on at the same time; sums are taken in their order.
const PARTS: usize = 16;
/// Entries of U Uᵀ for the most variables.
const MOST: usize = 10;

/// Values at the nodes, NaN where there are too few data.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    /// For each function (function × node): f, and its standard error.
    pub values: Vec<f64>,
    /// Standard errors (function × node).
    pub errors: Vec<f64>,
    /// Effective samples of each node.
    pub effective: Vec<f64>,
}

/// Sums at one node: Σ w U Uᵀ; for each function Σ w U y, Σ w² U Uᵀ, Σ w² U Uᵀ y, Σ w² U Uᵀ y².
struct Sums {
    width: usize,
    values: Vec<f64>,
}

/// Regression of `functions` functions on points: `point(i)` is the position of datum i of `count`, `value(i, out)` its functions.
pub(super) fn regress<'p>(
    lattice: &Lattice,
    bandwidth: &[f64],
    count: usize,
    functions: usize,
    point: impl Fn(usize) -> &'p [f64] + Sync,
    value: impl Fn(usize, &mut [f64]) + Sync,
) -> Fit {
    let (d, nodes) = (lattice.dimension(), lattice.len());
    let packed = (d + 1) * (d + 2) / 2;
    let width = 2 * packed + functions * (d + 1 + 2 * packed);
    let size = count.div_ceil(PARTS).max(1);
    let parts: Vec<Sums> = (0..count.div_ceil(size))
        .into_par_iter()
        .map(|part| {
            let mut sums = Sums { width, values: vec![0.0; width * nodes] };
            let mut y = vec![0.0; functions];
            for i in part * size..count.min((part + 1) * size) {
                value(i, &mut y);
                sums.add(lattice, bandwidth, point(i), &y, packed);
            }
            sums
        })
        .collect();
    let mut total = vec![0.0; width * nodes];
    parts.iter().for_each(|part| total.iter_mut().zip(&part.values).for_each(|(sum, value)| *sum += value));
    let mut fit = Fit {
        values: vec![f64::NAN; functions * nodes],
        errors: vec![f64::NAN; functions * nodes],
        effective: vec![0.0; nodes],
    };
    for node in 0..nodes {
        solve(&total[node * width..][..width], d, functions, packed, node, nodes, &mut fit);
    }
    fit
}

impl Sums {
    /// Adds one datum to the nodes within the bandwidth.
    fn add(&mut self, lattice: &Lattice, bandwidth: &[f64], x: &[f64], y: &[f64], packed: usize) {
        let d = x.len();
        let mut near = [(0, 0); 3];
        for k in 0..d {
            let nodes = lattice.axes()[k].nodes();
            near[k].0 = nodes.partition_point(|node| *node <= x[k] - bandwidth[k]);
            near[k].1 = nodes.partition_point(|node| *node < x[k] + bandwidth[k]);
            if near[k].0 == near[k].1 {
                return;
            }
        }
        let shape = lattice.shape();
        let mut at = [near[0].0, near[1].0, near[2].0];
        loop {
            let (mut weight, mut u, mut node) = (1.0, [1.0; 4], 0);
            for k in 0..d {
                u[k + 1] = (x[k] - lattice.axes()[k].nodes()[at[k]]) / bandwidth[k];
                weight *= 0.75 * (1.0 - u[k + 1] * u[k + 1]);
                node = node * shape[k] + at[k];
            }
            self.at(node, weight, &u[..=d], y, packed);
            let mut k = d;
            loop {
                if k == 0 {
                    return;
                }
                k -= 1;
                at[k] += 1;
                if at[k] < near[k].1 {
                    break;
                }
                at[k] = near[k].0;
            }
        }
    }

    fn at(&mut self, node: usize, weight: f64, u: &[f64], y: &[f64], packed: usize) {
        let sums = &mut self.values[node * self.width..][..self.width];
        let mut products = [0.0; MOST];
        let mut c = 0;
        for i in 0..u.len() {
            for j in i..u.len() {
                products[c] = weight * u[i] * u[j];
                c += 1;
            }
        }
        for c in 0..packed {
            sums[c] += products[c];
            sums[packed + c] += weight * products[c];
        }
        let each = u.len() + 2 * packed;
        for (f, &y) in y.iter().enumerate() {
            let own = &mut sums[2 * packed + f * each..][..each];
            for (i, u) in u.iter().enumerate() {
                own[i] += weight * u * y;
            }
            for c in 0..packed {
                let square = weight * products[c] * y;
                own[u.len() + c] += square;
                own[u.len() + packed + c] += square * y;
            }
        }
    }
}

/// The regression at one node from its sums.
fn solve(sums: &[f64], d: usize, functions: usize, packed: usize, node: usize, nodes: usize, fit: &mut Fit) {
    let n = d + 1;
    let entry = |row: &[f64], i: usize, j: usize| {
        let (i, j) = (i.min(j), i.max(j));
        row[i * n - i * (i + 1) / 2 + j]
    };
    fit.effective[node] = if sums[packed] > 0.0 { sums[0] * sums[0] / sums[packed] } else { 0.0 };
    if fit.effective[node] < FEWEST {
        return;
    }
    // the first row of M⁻¹: M z = e₀, by Gaussian elimination of a positive matrix
    let mut a = [[0.0; 4]; 4];
    let mut z = [1.0, 0.0, 0.0, 0.0];
    for i in 0..n {
        for j in 0..n {
            a[i][j] = entry(&sums[..packed], i, j);
        }
    }
    for i in 0..n {
        if a[i][i] <= 1e-9 * sums[0] {
            return; // the data lie on a line or in a corner: no slope
        }
        for below in i + 1..n {
            let factor = a[below][i] / a[i][i];
            for j in i..n {
                a[below][j] -= factor * a[i][j];
            }
            z[below] -= factor * z[i];
        }
    }
    for i in (0..n).rev() {
        for j in i + 1..n {
            z[i] -= a[i][j] * z[j];
        }
        z[i] /= a[i][i];
    }
    let each = n + 2 * packed;
    for f in 0..functions {
        let own = &sums[2 * packed + f * each..][..each];
        let value: f64 = (0..n).map(|i| z[i] * own[i]).sum();
        let mut variance = 0.0;
        for i in 0..n {
            for j in 0..n {
                let spread = entry(&own[n + packed..], i, j) - 2.0 * value * entry(&own[n..n + packed], i, j)
                    + value * value * entry(&sums[packed..2 * packed], i, j);
                variance += z[i] * spread * z[j];
            }
        }
        fit.values[f * nodes + node] = value;
        fit.errors[f * nodes + node] = variance.max(0.0).sqrt();
    }
}
