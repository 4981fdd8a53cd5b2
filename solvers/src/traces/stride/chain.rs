//! Moments over several steps of a chain in two and three variables.

use crate::numerics::symmetric::packed_index;

/// Points of the lattice on each axis, in one to three variables.
const POINTS: [usize; 3] = [0, 29, 13];
/// The lattice reaches from −REACH to REACH; the box of the data is [−1, 1]ᵈ.
const REACH: f64 = 1.3;
/// Gauss and Hermite's rule of three points for the normal law.
const NORMAL: [(f64, f64); 3] =
    [(-1.732_050_807_568_877_2, 1.0 / 6.0), (0.0, 2.0 / 3.0), (1.732_050_807_568_877_2, 1.0 / 6.0)];

/// A point between the points of the lattice: the first of four on each axis, and their weights in the cubic through them.
pub(super) struct Between {
    first: [usize; 3],
    weights: [[f64; 4]; 3],
}

/// The points of a chain u' = u + b(u) + R(u) ξ on [−1.3, 1.3]ᵈ.
pub(super) struct ChainLattice {
    d: usize,
    n: usize,
}

/// Weights of a block of points: E[f(u') | u] = Σ weights · f.
struct Row {
    first: [usize; 3],
    size: [usize; 3],
    weights: Vec<f64>,
}

impl ChainLattice {
    pub fn new(d: usize) -> Self {
        Self { d, n: POINTS[d - 1] }
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.n.pow(self.d as u32)
    }

    fn spacing(&self) -> f64 {
        2.0 * REACH / (self.n - 1) as f64
    }

    /// Position of a point (d).
    pub fn position(&self, point: usize) -> Vec<f64> {
        let index = |k: usize| point / self.n.pow((self.d - 1 - k) as u32) % self.n;
        (0..self.d).map(|k| -REACH + self.spacing() * index(k) as f64).collect()
    }

    /// Where u lies, taken to the lattice.
    pub fn between(&self, u: &[f64]) -> Between {
        let mut at = Between { first: [0; 3], weights: [[1.0, 0.0, 0.0, 0.0]; 3] };
        for k in 0..self.d {
            let place = (u[k].clamp(-REACH, REACH) + REACH) / self.spacing();
            let first = (place as usize).saturating_sub(1).min(self.n - 4);
            let t = place - first as f64;
            at.first[k] = first;
            at.weights[k] = [
                -(t - 1.0) * (t - 2.0) * (t - 3.0) / 6.0,
                t * (t - 2.0) * (t - 3.0) / 2.0,
                -t * (t - 1.0) * (t - 3.0) / 2.0,
                t * (t - 1.0) * (t - 2.0) / 6.0,
            ];
        }
        at
    }

    fn extent(&self, k: usize) -> usize {
        if k < self.d { 4 } else { 1 }
    }

    /// Adds the weights of a point, times `share`, to a block.
    fn add(&self, at: &Between, share: f64, row: &mut Row) {
        let [x, y, z] = [0, 1, 2].map(|k| at.first[k] - row.first[k]);
        for i in 0..self.extent(0) {
            for j in 0..self.extent(1) {
                let both = share * at.weights[0][i] * at.weights[1][j];
                let start = ((x + i) * row.size[1] + y + j) * row.size[2] + z;
                for (k, entry) in row.weights[start..start + self.extent(2)].iter_mut().enumerate() {
                    *entry += both * at.weights[2][k];
                }
            }
        }
    }

    /// The weights of points that belong together.
    fn row(&self, points: &[(Between, f64)]) -> Row {
        let (mut first, mut size) = ([0; 3], [1; 3]);
        for k in 0..self.d {
            let all = || points.iter().map(|(at, _)| at.first[k]);
            first[k] = all().min().unwrap_or(0);
            size[k] = all().max().unwrap_or(0) + 4 - first[k];
        }
        let mut row = Row { first, size, weights: vec![0.0; size.iter().product()] };
        points.iter().for_each(|(at, share)| self.add(at, *share, &mut row));
        row
    }

    /// Σ weights · f over the block of a row; f has F numbers for each point.
    fn sum<const F: usize>(&self, row: &Row, f: &[[f64; F]]) -> [f64; F] {
        // the last axis lies together
        let (first, size, n) = (row.first, row.size, self.n);
        let run = size[self.d - 1];
        let mut sum = [0.0; F];
        for (line, weights) in row.weights.chunks_exact(run).enumerate() {
            let start = match self.d {
                3 => ((first[0] + line / size[1]) * n + first[1] + line % size[1]) * n + first[2],
                _ => (first[0] + line) * n + first[1],
            };
            for (f, weight) in f[start..start + run].iter().zip(weights) {
                for (sum, f) in sum.iter_mut().zip(f) {
                    *sum += weight * f;
                }
            }
        }
        sum
    }

    /// Numbers at a place.
    pub fn value<const F: usize>(&self, at: &Between, f: &[[f64; F]]) -> [f64; F] {
        let mut row = Row {
            first: at.first,
            size: [0, 1, 2].map(|k| self.extent(k)),
            weights: vec![0.0; 4usize.pow(self.d as u32)],
        };
        self.add(at, 1.0, &mut row);
        self.sum(&row, f)
    }

    /// Mean displacement (d) and covariance (packed) after `steps` steps from each point; `step` gives b and R (packed, its lower triangle) there.
    pub fn moments<const F: usize>(&self, steps: usize, step: impl Fn(usize) -> (Vec<f64>, [f64; 6])) -> Vec<[f64; F]> {
        let d = self.d;
        let normal: Vec<(Vec<f64>, f64)> = (0..3usize.pow(d as u32))
            .map(|q| {
                let all: Vec<(f64, f64)> = (0..d).map(|k| NORMAL[q / 3usize.pow(k as u32) % 3]).collect();
                (all.iter().map(|(xi, _)| *xi).collect(), all.iter().map(|(_, weight)| weight).product())
            })
            .collect();
        let positions: Vec<Vec<f64>> = (0..self.len()).map(|point| self.position(point)).collect();
        let row = |point: usize| {
            let (drift, root) = step(point);
            let of = |(xi, weight): &(Vec<f64>, f64)| {
                let to = |k: usize| {
                    let noise: f64 = (0..=k).map(|l| root[packed_index(d, k, l)] * xi[l]).sum();
                    positions[point][k] + drift[k] + noise
                };
                (self.between(&(0..d).map(to).collect::<Vec<_>>()), *weight)
            };
            self.row(&normal.iter().map(of).collect::<Vec<_>>())
        };
        let rows: Vec<Row> = (0..self.len()).map(row).collect();
        let pairs = || (0..d).flat_map(|k| (k..d).map(move |l| (k, l)));
        let moments = |u: &Vec<f64>| {
            let mut all = [0.0; F];
            all[..d].copy_from_slice(u);
            pairs().for_each(|(k, l)| all[d + packed_index(d, k, l)] = u[k] * u[l]);
            all
        };
        let mut f: Vec<[f64; F]> = positions.iter().map(moments).collect();
        for _ in 0..steps {
            f = rows.iter().map(|row| self.sum(row, &f)).collect();
        }
        for (f, u) in f.iter_mut().zip(&positions) {
            pairs().for_each(|(k, l)| f[d + packed_index(d, k, l)] -= f[k] * f[l]);
            (0..d).for_each(|k| f[k] -= u[k]);
        }
        f
    }
}
