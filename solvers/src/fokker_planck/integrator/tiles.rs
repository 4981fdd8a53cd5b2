//! Several steps of the recurrence v_{k+1} = (a·Qᵀ + b)v_k − v_{k−1} at a time, tile by tile in space and time, so that matrix and
//! vectors come from memory once for all of them.
//!
//! A step takes values as far as the matrix reaches, so rows of that many cells follow one another in a wave, every level one row
//! behind the level before it. Threads take blocks of rows, which advance on their own as far as they can, and then fill the wedges
//! between them. Each entry is computed by the same operations in the same order whatever the tiles and threads, so the bits do not
//! depend on them.
//!
//! Measured in 2-D with rows of 1024 cells, nanoseconds a cell and step: 2.5 without tiles, 1.05 with 8 levels, 0.85 with 16 to 24,
//! though these no longer fit into the cache of a core; in 3-D with planes of 128² cells 5.4 without, 2.1 with 4. Cutting the rows into
//! slanted strips that fit gave 1.2 and 3 to 4: short pieces far apart defeat the prefetching and fall on the same cache lines.

use rayon::prelude::*;

use super::product::{PARALLEL, Product, axpy, axpy_two};
use crate::numerics::aligned::Aligned;

/// Bytes of matrix and vectors that the tiles of all threads may touch: a part of the cache that cores share.
const SHARED: usize = 16_000_000;
/// Bytes that the tile of a thread may touch at most.
const OWN: usize = 8_000_000;
/// Steps of a tile at most.
const DEEPEST: usize = 24;
/// Cells that are worked on at a time at least.
const RUN: usize = 512;

/// An output: the vector and the coefficients of the terms that are added to it.
pub(crate) struct Sum<'a> {
    pub out: &'a mut [f64],
    pub coefficients: &'a [f64],
}

/// The cut of a grid into tiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Cells of a row.
    row: usize,
    rows: usize,
    /// Blocks of rows that advance on their own, one for each thread.
    blocks: usize,
    /// Steps of a tile; 1: not tiled.
    levels: usize,
}

impl Plan {
    /// For a matrix whose entries lie at most `distance` cells away; `bytes` are touched for each cell.
    pub fn new(cells: usize, distance: usize, bytes: usize) -> Self {
        let row = RUN.max(distance);
        let rows = cells.div_ceil(row);
        let threads = if cells < PARALLEL { 1 } else { rayon::current_num_threads() };
        let blocks = threads.min(rows / 6).max(1);
        let fit = (SHARED / blocks).min(OWN) / (bytes * row);
        // a block must be wider than the rows that it loses on both sides
        let levels = fit.saturating_sub(2).min((rows / blocks / 2).saturating_sub(1)).clamp(1, DEEPEST);
        Self { row, rows, blocks, levels }
    }

    /// Whether several steps are taken at a time.
    #[cfg(test)]
    pub fn is_tiled(&self) -> bool {
        self.levels > 1
    }

    /// Steps in rounds of equal depth; `first` holds v_k and `second` v_{k−1} on entry. Returns whether the last vector is in `second`.
    pub fn run(&self, product: &Product, levels: usize, vectors: [&mut [f64]; 2], sums: &mut [Sum]) -> bool {
        let rounds = levels.div_ceil(self.levels);
        let [mut first, mut second] = vectors;
        let mut done = 0;
        for round in 0..rounds {
            let levels = (levels - done).div_ceil(rounds - round);
            let coefficients: Vec<&[f64]> =
                sums.iter().map(|sum| &sum.coefficients[done.min(sum.coefficients.len())..]).collect();
            if levels == 1 {
                product.subtract_from(first, second);
                add(second, sums, &coefficients);
            } else {
                let mut tiles = Tiles { product, plan: *self, levels, first, second, coefficients };
                tiles.run(sums);
                (first, second) = (tiles.first, tiles.second);
            }
            done += levels;
            if levels % 2 == 1 {
                std::mem::swap(&mut first, &mut second);
            }
        }
        levels % 2 == 1
    }
}

impl Product {
    /// `levels` steps v_{k+1} = (a·Qᵀ + b)v_k − v_{k−1} from v_k in `now` and v_{k−1} in `before`; every new vector is added to
    /// the sums with their coefficients. Afterwards `now` holds the last, `before` the one before it. The bits do not depend on the
    /// number of threads.
    pub fn recur(&self, now: &mut Aligned, before: &mut Aligned, levels: usize, sums: &mut [Sum]) {
        let bytes = 8 * (self.width() + 3 + sums.len());
        let plan = Plan::new(now.len(), self.reach, bytes);
        if plan.run(self, levels, [now, before], sums) {
            std::mem::swap(now, before);
        }
    }
}

/// One round.
struct Tiles<'a> {
    product: &'a Product,
    plan: Plan,
    levels: usize,
    /// Holds v_k; receives v_{k+2}, v_{k+4}, …
    first: &'a mut [f64],
    /// Holds v_{k−1}; receives v_{k+1}, v_{k+3}, …
    second: &'a mut [f64],
    coefficients: Vec<&'a [f64]>,
}

/// A run of rows that one task advances.
struct Piece<'a> {
    /// First cell.
    origin: usize,
    first: &'a mut [f64],
    second: &'a mut [f64],
    sums: Vec<&'a mut [f64]>,
}

impl Tiles<'_> {
    fn run(&mut self, sums: &mut [Sum]) {
        let (n, Plan { row, rows, blocks, .. }) = (self.first.len(), self.plan);
        let cut = |block: usize| block * rows / blocks;
        let steps = Steps {
            product: self.product,
            row,
            levels: self.levels,
            coefficients: std::mem::take(&mut self.coefficients),
        };
        let cuts: Vec<usize> = (1..blocks).map(|block| cut(block) * row).collect();
        each(self.pieces(&cuts, sums), n, |(at, mut piece)| {
            let count = piece.first.len().div_ceil(row);
            // fewer rows on either side with each level, except at the ends of the grid
            let lower = |level: usize| if at == 0 { 0 } else { level };
            let upper = |level: usize| if at + 1 == blocks { count } else { count - level };
            steps.sweep(&mut piece, |level| (lower(level), upper(level)));
        });
        let middles: Vec<usize> = (0..blocks).map(|block| (cut(block) + cut(block + 1)) / 2).collect();
        let shifted: Vec<usize> = middles.iter().map(|middle| middle * row).collect();
        each(self.pieces(&shifted, sums), n, |(at, mut piece)| {
            if at > 0 && at < blocks {
                let middle = cut(at) - middles[at - 1];
                steps.sweep(&mut piece, |level| (middle - level, middle + level));
            }
        });
    }

    /// Everything between the cuts (cell numbers).
    fn pieces<'b>(&'b mut self, cuts: &[usize], sums: &'b mut [Sum]) -> Vec<Piece<'b>> {
        let n = self.first.len();
        let (mut first, mut second) = (&mut *self.first, &mut *self.second);
        let mut sums: Vec<&mut [f64]> = sums.iter_mut().map(|sum| &mut *sum.out).collect();
        let mut out = Vec::with_capacity(cuts.len() + 1);
        let mut origin = 0;
        for end in cuts.iter().copied().chain([n]) {
            let length = end - origin;
            let (a, b);
            (a, first) = first.split_at_mut(length);
            (b, second) = second.split_at_mut(length);
            let (own, rest) = sums.into_iter().map(|sum| sum.split_at_mut(length)).unzip();
            sums = rest;
            out.push(Piece { origin, first: a, second: b, sums: own });
            origin = end;
        }
        out
    }
}

fn each<'a>(pieces: Vec<Piece<'a>>, cells: usize, work: impl Fn((usize, Piece<'a>)) + Sync + Send) {
    if cells >= PARALLEL {
        pieces.into_par_iter().enumerate().for_each(work);
    } else {
        pieces.into_iter().enumerate().for_each(work);
    }
}

/// What all pieces of a round have in common.
struct Steps<'a> {
    product: &'a Product,
    row: usize,
    levels: usize,
    coefficients: Vec<&'a [f64]>,
}

impl Steps<'_> {
    /// Advances the rows of each level from `rows(level)`.0 up to `rows(level)`.1.
    fn sweep(&self, piece: &mut Piece, rows: impl Fn(usize) -> (usize, usize)) {
        let begin = (1..=self.levels).map(|level| rows(level).0).min().unwrap_or(0);
        let end = (1..=self.levels).map(|level| rows(level).1).max().unwrap_or(0) + self.levels;
        for wave in begin..end {
            for level in 1..=self.levels.min(wave + 1) {
                let here = wave + 1 - level;
                let (lower, upper) = rows(level);
                if (lower..upper).contains(&here) {
                    self.step(piece, here * self.row, (here + 1) * self.row, level);
                }
            }
        }
    }

    /// Takes cells of the piece from level − 2 to `level`. The sums receive two levels at a time.
    fn step(&self, piece: &mut Piece, from: usize, to: usize, level: usize) {
        let Piece { origin, first, second, sums } = piece;
        let (x, y) = if level % 2 == 1 { (&**first, &mut **second) } else { (&**second, &mut **first) };
        let range = from..to.min(y.len());
        let y = &mut y[range.clone()];
        self.product.rows(*origin, *origin + range.start, x, y);
        let last = level == self.levels;
        if level % 2 == 1 && !last {
            return;
        }
        for (sum, c) in sums.iter_mut().zip(&self.coefficients) {
            let out = &mut sum[range.clone()];
            match (c.get(level.wrapping_sub(2)).filter(|_| level.is_multiple_of(2)), c.get(level - 1)) {
                (Some(&before), Some(&now)) => axpy_two(before, &x[range.clone()], now, y, out),
                (Some(&before), None) => axpy(before, &x[range.clone()], out),
                (None, Some(&now)) => axpy(now, y, out),
                (None, None) => {}
            }
        }
    }
}

/// Adds a vector to all sums with the first of their coefficients.
fn add(v: &[f64], sums: &mut [Sum], coefficients: &[&[f64]]) {
    for (sum, c) in sums.iter_mut().zip(coefficients) {
        let Some(&c) = c.first() else { continue };
        if v.len() >= PARALLEL {
            sum.out.par_chunks_mut(RUN).zip(v.par_chunks(RUN)).for_each(|(out, v)| axpy(c, v, out));
        } else {
            axpy(c, v, sum.out);
        }
    }
}
