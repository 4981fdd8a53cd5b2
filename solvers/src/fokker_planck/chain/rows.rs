//! From a law on the lattice around a cell to a row of the chain: walls, wrapping, merging.

use crate::problem::grid::{Boundary, Grid};

/// Probabilities below this are gathered at the centre of the law: they change a variance by less than 10⁻⁹.
const NEGLIGIBLE: f64 = 1e-12;

/// A point of the lattice and its probability.
pub type Entry = ([i32; 3], f64);

/// One direction of a law: offset, smallest multiple, probabilities.
pub type Arm = ([i8; 3], i32, Vec<f64>);

/// The law of Σ k_e e with independent k_e, one for each arm; its probabilities sum to 1.
pub fn convolved(arms: &[Arm]) -> Vec<Entry> {
    let mut low = [0i32; 3];
    let mut high = [0i32; 3];
    for (offset, first, p) in arms {
        for k in 0..3 {
            let e = i32::from(offset[k]);
            let ends = [e * first, e * (first + p.len() as i32 - 1)];
            low[k] += ends[0].min(ends[1]);
            high[k] += ends[0].max(ends[1]);
        }
    }
    let size: [usize; 3] = std::array::from_fn(|k| (high[k] - low[k] + 1) as usize);
    let place = |v: [i32; 3]| {
        ((v[0] - low[0]) as usize * size[1] + (v[1] - low[1]) as usize) * size[2] + (v[2] - low[2]) as usize
    };
    let mut window = vec![0.0; size[0] * size[1] * size[2]];
    let mut support = vec![[0i32; 3]];
    window[place([0; 3])] = 1.0;
    for (offset, first, p) in arms {
        let weights: Vec<f64> = support.iter().map(|&v| std::mem::take(&mut window[place(v)])).collect();
        let mut next = Vec::with_capacity(support.len() * 2);
        for (&v, &weight) in support.iter().zip(&weights) {
            for (k, &p) in (*first..).zip(p) {
                if weight * p > 0.01 * NEGLIGIBLE {
                    let to: [i32; 3] = std::array::from_fn(|j| v[j] + k * i32::from(offset[j]));
                    let at = &mut window[place(to)];
                    if *at == 0.0 {
                        next.push(to);
                    }
                    *at += weight * p;
                }
            }
        }
        support = next;
    }
    let mut out: Vec<Entry> =
        support.into_iter().map(|v| (v, window[place(v)])).filter(|(_, weight)| *weight > NEGLIGIBLE).collect();
    let kept: f64 = out.iter().map(|entry| entry.1).sum();
    out.push(([0; 3], (1.0 - kept).max(0.0)));
    out
}

/// What the walls make of a law: the cells that are reached, ascending, with their probabilities.
///
/// Reflecting walls mirror, periodic ones wrap. Beyond an absorbing wall nothing comes back, and a path between two cells before it
/// has met it with the probability e^{−2 a b/s} of a Brownian bridge, a and b the distances of the cells and s the variance of the
/// step across the wall: exact for constant drift and noise at a plane wall.
pub struct Walls<'a> {
    grid: &'a Grid,
    absorbs: [[bool; 2]; 3],
}

impl<'a> Walls<'a> {
    pub fn new(grid: &'a Grid) -> Self {
        let mut absorbs = [[false; 2]; 3];
        for (absorbs, axis) in absorbs.iter_mut().zip(grid.axes()) {
            *absorbs = axis.boundary().map(|wall| wall == Boundary::Absorbing);
        }
        Self { grid, absorbs }
    }

    /// The row of a cell whose law is `law`, moved by `shift`; `variance` is that of the step along each axis in squared cells.
    pub fn row(&self, cell: usize, shift: [i32; 3], variance: [f64; 3], law: &[Entry]) -> Vec<(u32, f64)> {
        if let Some(inside) = self.inside(shift, law) {
            return merged(inside);
        }
        let start = self.grid.multi_index(cell);
        let reached = |&(v, weight): &Entry| {
            let to = self.target(std::array::from_fn(|k| shift[k] + v[k]))?;
            Some((self.grid.cell(&to[..self.grid.dimension()]) as u32, weight * self.unhit(start, to, variance)))
        };
        merged(law.iter().filter_map(reached).collect())
    }

    /// The cells of a law that lies on the grid as a whole; None where a wall has a part in it.
    fn inside(&self, shift: [i32; 3], law: &[Entry]) -> Option<Vec<(u32, f64)>> {
        if self.absorbs.iter().flatten().any(|absorbs| *absorbs) {
            return None;
        }
        let (mut low, mut high) = ([i32::MAX; 3], [i32::MIN; 3]);
        for (v, _) in law {
            for k in 0..3 {
                low[k] = low[k].min(v[k]);
                high[k] = high[k].max(v[k]);
            }
        }
        let mut strides = [0i64; 3];
        let mut stride = 1;
        for (k, axis) in self.grid.axes().iter().enumerate().rev() {
            if shift[k] + low[k] < 0 || shift[k] + high[k] >= axis.cells() as i32 {
                return None;
            }
            strides[k] = stride;
            stride *= axis.cells() as i64;
        }
        let cell = |v: &[i32; 3]| (0..3).map(|k| i64::from(shift[k] + v[k]) * strides[k]).sum::<i64>() as u32;
        Some(law.iter().map(|(v, weight)| (cell(v), *weight)).collect())
    }

    /// Indices after mirroring and wrapping; None beyond an absorbing wall.
    fn target(&self, index: [i32; 3]) -> Option<[usize; 3]> {
        let mut out = [0; 3];
        for (k, axis) in self.grid.axes().iter().enumerate() {
            let (n, mut i) = (axis.cells() as i32, index[k]);
            if axis.is_periodic() {
                i = i.rem_euclid(n);
            }
            while i < 0 || i >= n {
                if self.absorbs[k][usize::from(i >= n)] {
                    return None;
                }
                i = if i < 0 { -1 - i } else { 2 * n - 1 - i };
            }
            out[k] = i as usize;
        }
        Some(out)
    }

    /// Probability that a path from one cell to another has met no absorbing wall.
    fn unhit(&self, from: [usize; 3], to: [usize; 3], variance: [f64; 3]) -> f64 {
        let mut product = 1.0;
        for (k, axis) in self.grid.axes().iter().enumerate() {
            let below = |i: usize| i as f64 + 0.5;
            let above = |i: usize| (axis.cells() - i) as f64 - 0.5;
            if self.absorbs[k][0] {
                product *= -(-2.0 * below(from[k]) * below(to[k]) / variance[k]).exp_m1();
            }
            if self.absorbs[k][1] {
                product *= -(-2.0 * above(from[k]) * above(to[k]) / variance[k]).exp_m1();
            }
        }
        product
    }
}

fn merged(mut entries: Vec<(u32, f64)>) -> Vec<(u32, f64)> {
    if !entries.is_sorted_by_key(|entry| entry.0) {
        entries.sort_unstable_by_key(|entry| entry.0);
    }
    let mut out: Vec<(u32, f64)> = Vec::with_capacity(entries.len());
    for (cell, weight) in entries {
        match out.last_mut() {
            Some(last) if last.0 == cell => last.1 += weight,
            _ => out.push((cell, weight)),
        }
    }
    out
}
