//! Products y = a·Qᵀx + b·x − z, stored by diagonals where the stencil is regular, by rows otherwise; several in a row are tiled
//! in time, so that the matrix comes from memory once for all of them.

use rayon::prelude::*;

use crate::fokker_planck::Generator;
use crate::lanes::dispatch;

/// Rows that are worked on at a time, so that they stay in the nearest cache; more where the stencil reaches farther.
const CHUNK: usize = 512;
/// From this size on products run on all threads.
const PARALLEL: usize = 150_000;
/// Steps of a recurrence that are taken tile by tile.
pub(super) const LEVELS: usize = 8;
/// Bytes of matrix and vectors that a tile may touch at a time: about what stays in a core's own cache.
const CACHE: usize = 700_000;

/// a·Qᵀ + b·I.
pub(super) struct Product {
    diagonal: Vec<f64>,
    off: Off,
    /// Largest distance between a row and an entry of it.
    reach: usize,
}

enum Off {
    /// Entry k of the diagonal with offset o multiplies x[k + o].
    Diagonals(Vec<(isize, Vec<f64>)>),
    Rows {
        start: Vec<u32>,
        cell: Vec<u32>,
        value: Vec<f64>,
    },
}

/// An output: the vector and the coefficients of the terms that are added to it.
pub(super) struct Sum<'a> {
    pub out: &'a mut [f64],
    pub coefficients: &'a [f64],
}

impl Product {
    pub fn new(generator: &Generator, a: f64, b: f64) -> Self {
        let n = generator.cells();
        let diagonal = generator.leaving().iter().map(|rate| b - a * rate).collect();
        let mut offsets: Vec<isize> = Vec::new();
        for j in 0..n {
            for &i in generator.incoming(j).0 {
                let offset = i as isize - j as isize;
                if !offsets.contains(&offset) {
                    offsets.push(offset);
                }
            }
            if 10 * offsets.len() * n > 20 * generator.rates() {
                let reach = (0..n).flat_map(|j| generator.incoming(j).0.iter().map(move |&i| j.abs_diff(i as usize)));
                return Self { diagonal, off: rows(generator, a), reach: reach.max().unwrap_or(0) };
            }
        }
        offsets.sort_unstable();
        let mut diagonals: Vec<(isize, Vec<f64>)> = offsets.iter().map(|&o| (o, vec![0.0; n])).collect();
        for j in 0..n {
            let (cells, rates) = generator.incoming(j);
            for (&i, &rate) in cells.iter().zip(rates) {
                if let Ok(at) = offsets.binary_search(&(i as isize - j as isize)) {
                    diagonals[at].1[j] = a * rate;
                }
            }
        }
        let reach = offsets.iter().map(|o| o.unsigned_abs()).max().unwrap_or(0);
        Self { diagonal, off: Off::Diagonals(diagonals), reach }
    }

    /// Estimated seconds of one product with a generator, and of adding a multiple of one vector to another: measured on a
    /// current core with the matrix in and out of its caches.
    pub fn seconds(generator: &Generator) -> (f64, f64) {
        let (cells, rates) = (generator.cells() as f64, generator.rates() as f64);
        if cells + rates < 1e6 {
            return (1.5e-10 * (rates + 3.0 * cells), 2e-10 * cells);
        }
        (4e-10 * (rates + 3.0 * cells), 6e-10 * cells)
    }

    /// y := (a·Qᵀ + b)x − y.
    pub fn subtract_from(&self, x: &[f64], y: &mut [f64]) {
        let work = |(chunk, y): (usize, &mut [f64])| self.rows(0, chunk * CHUNK, x, y);
        if y.len() >= PARALLEL {
            y.par_chunks_mut(CHUNK).enumerate().for_each(work);
        } else {
            y.chunks_mut(CHUNK).enumerate().for_each(work);
        }
    }

    /// `levels` steps v_{k+1} = (a·Qᵀ + b)v_k − v_{k−1} from v_k in `now` and v_{k−1} in `before`; every new vector is added to
    /// the sums with their coefficients. Afterwards `now` holds the last, `before` the one before it.
    ///
    /// Tiles in space and time: blocks of chunks first advance on their own as far as they can, one chunk less on either side
    /// with every step; then the triangles between them are filled. Each entry is computed by the same operations in the same
    /// order whatever the tiles, so the result does not depend on the number of threads.
    pub fn recur(&self, now: &mut Vec<f64>, before: &mut Vec<f64>, levels: usize, sums: &mut [Sum]) {
        let n = now.len();
        let chunk = CHUNK.max(self.reach);
        let (chunks, per_block) = (n.div_ceil(chunk), 2 * levels + 2);
        let touched = 8 * chunk * (self.width() + 3 + sums.len());
        let rounds = if levels < 2 || chunks < 2 * per_block || touched > CACHE {
            for level in 0..levels {
                let (x, y) = if level % 2 == 0 { (&*now, &mut *before) } else { (&*before, &mut *now) };
                self.subtract_from(x, y);
                add(y, sums, level);
            }
            levels
        } else {
            let tiles = Tiles { product: self, chunk, levels, first: now, second: before };
            tiles.run(per_block, sums);
            levels
        };
        if rounds % 2 == 1 {
            std::mem::swap(now, before);
        }
    }

    /// Arrays that a row of the matrix touches.
    fn width(&self) -> usize {
        match &self.off {
            Off::Diagonals(diagonals) => diagonals.len(),
            Off::Rows { value, .. } => 3 * value.len() / (2 * self.diagonal.len().max(1)),
        }
    }

    /// Rows from `first` on, where `x` begins at row `origin`: y := (a·Qᵀ + b)x − y.
    fn rows(&self, origin: usize, first: usize, x: &[f64], y: &mut [f64]) {
        let end = first + y.len();
        let diagonal = &self.diagonal[first..end];
        match &self.off {
            Off::Diagonals(diagonals) => {
                let inside = first - origin >= self.reach && end - origin + self.reach <= x.len();
                if inside && diagonals.len() <= MOST {
                    return self.inner_rows(diagonals, origin, first, x, y);
                }
                start(diagonal, &x[first - origin..end - origin], y);
                for (offset, values) in diagonals {
                    // rows k with 0 ≤ k + offset − origin < the length of x
                    let from = first.max((origin as isize - offset).max(0) as usize);
                    let to = end.min(((origin + x.len()) as isize - offset).max(0) as usize);
                    if from < to {
                        let begin = (from as isize + offset) as usize - origin;
                        add_products(&values[from..to], &x[begin..begin + to - from], &mut y[from - first..to - first]);
                    }
                }
            }
            Off::Rows { start: begins, cell, value } => {
                start(diagonal, &x[first - origin..end - origin], y);
                for (row, y) in (first..end).zip(y) {
                    let range = begins[row] as usize..begins[row + 1] as usize;
                    let terms = cell[range.clone()].iter().zip(&value[range]);
                    *y += terms.map(|(&c, v)| v * x[c as usize - origin]).sum::<f64>();
                }
            }
        }
    }

    /// The same where no diagonal leaves x: all of them in one pass.
    fn inner_rows(&self, diagonals: &[(isize, Vec<f64>)], origin: usize, first: usize, x: &[f64], y: &mut [f64]) {
        let end = first + y.len();
        let (mut values, mut shifted) = ([&[][..]; MOST], [&[][..]; MOST]);
        for (k, (offset, value)) in diagonals.iter().enumerate() {
            let begin = ((first - origin) as isize + offset) as usize;
            values[k] = &value[first..end];
            shifted[k] = &x[begin..begin + y.len()];
        }
        let count = diagonals.len();
        fused(&self.diagonal[first..end], &x[first - origin..end - origin], &values[..count], &shifted[..count], y);
    }
}

/// Diagonals that one pass takes at most.
const MOST: usize = 12;

/// The blocks of [`Product::recur`].
struct Tiles<'a> {
    product: &'a Product,
    chunk: usize,
    levels: usize,
    /// Holds v_k; receives v_{k+2}, v_{k+4}, …
    first: &'a mut [f64],
    /// Holds v_{k−1}; receives v_{k+1}, v_{k+3}, …
    second: &'a mut [f64],
}

/// A run of chunks that one task advances.
struct Piece<'a> {
    /// First row.
    origin: usize,
    first: &'a mut [f64],
    second: &'a mut [f64],
    sums: Vec<&'a mut [f64]>,
}

impl Tiles<'_> {
    fn run(mut self, per_block: usize, sums: &mut [Sum]) {
        let n = self.first.len();
        let (chunk, levels) = (self.chunk, self.levels);
        let chunks = n.div_ceil(chunk);
        let blocks = chunks / per_block;
        let coefficients: Vec<&[f64]> = sums.iter().map(|sum| sum.coefficients).collect();
        let product = self.product;
        let cuts: Vec<usize> = (1..blocks).map(|block| block * per_block * chunk).collect();
        let pieces = self.pieces(&cuts, sums);
        let last = pieces.len() - 1;
        let grown = |(at, mut piece): (usize, Piece)| {
            let count = piece.first.len().div_ceil(chunk);
            for wave in 0..count + levels {
                for level in 1..=levels.min(wave + 1) {
                    // one chunk less on either side with each level, except at the ends of the grid
                    let lower = if at == 0 { 0 } else { level };
                    let upper = if at == last { count } else { count - level };
                    let here = wave + 1 - level;
                    if (lower..upper).contains(&here) {
                        piece.step(product, chunk, here, level, &coefficients);
                    }
                }
            }
        };
        each(pieces, n, grown);
        let shifted: Vec<usize> = (0..blocks).map(|block| (block * per_block + per_block / 2) * chunk).collect();
        let pieces = self.pieces(&shifted, sums);
        let middle = per_block / 2;
        let filled = |(at, mut piece): (usize, Piece)| {
            if at == 0 || at == blocks {
                return; // no cut inside
            }
            for level in 1..=levels {
                (middle - level..middle + level)
                    .for_each(|here| piece.step(product, chunk, here, level, &coefficients));
            }
        };
        each(pieces, n, filled);
    }

    /// Everything between the cuts (row numbers).
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

impl Piece<'_> {
    /// Takes a chunk of the piece from level − 2 to `level`.
    fn step(&mut self, product: &Product, chunk: usize, here: usize, level: usize, coefficients: &[&[f64]]) {
        let (x, y) = if level % 2 == 1 { (&*self.first, &mut *self.second) } else { (&*self.second, &mut *self.first) };
        let range = here * chunk..((here + 1) * chunk).min(y.len());
        let y = &mut y[range.clone()];
        product.rows(self.origin, self.origin + range.start, x, y);
        for (sum, c) in self.sums.iter_mut().zip(coefficients) {
            if let Some(&c) = c.get(level - 1) {
                axpy(c, y, &mut sum[range.clone()]);
            }
        }
    }
}

/// Adds a vector to all sums with their coefficients of this level (from 0).
fn add(v: &[f64], sums: &mut [Sum], level: usize) {
    for sum in sums {
        let Some(&c) = sum.coefficients.get(level) else { continue };
        if v.len() >= PARALLEL {
            sum.out.par_chunks_mut(CHUNK).zip(v.par_chunks(CHUNK)).for_each(|(out, v)| axpy(c, v, out));
        } else {
            axpy(c, v, sum.out);
        }
    }
}

dispatch! {
    /// out := out + c·v.
    pub(super) fn axpy(c: f64, v: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(v).for_each(|(out, v)| *out += c * v);
    }
}

dispatch! {
    /// y := d·x − y.
    fn start(d: &[f64], x: &[f64], y: &mut [f64]) {
        for ((y, d), x) in y.iter_mut().zip(d).zip(x) {
            *y = d * x - *y;
        }
    }
}

dispatch! {
    /// y := y + v·x.
    fn add_products(v: &[f64], x: &[f64], y: &mut [f64]) {
        for ((y, v), x) in y.iter_mut().zip(v).zip(x) {
            *y += v * x;
        }
    }
}

dispatch! {
    /// y := d·x − y + Σ_k v_k·s_k.
    fn fused(d: &[f64], x: &[f64], v: &[&[f64]], s: &[&[f64]], y: &mut [f64]) {
        match v.len() {
            2 => body::<2>(d, x, v, s, y),
            4 => body::<4>(d, x, v, s, y),
            6 => body::<6>(d, x, v, s, y),
            8 => body::<8>(d, x, v, s, y),
            _ => {
                for i in 0..y.len() {
                    y[i] = d[i] * x[i] - y[i];
                }
                for (v, s) in v.iter().zip(s) {
                    for i in 0..y.len() {
                        y[i] += v[i] * s[i];
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn body<const K: usize>(d: &[f64], x: &[f64], v: &[&[f64]], s: &[&[f64]], y: &mut [f64]) {
    let n = y.len();
    let (d, x) = (&d[..n], &x[..n]);
    let v: [&[f64]; K] = std::array::from_fn(|k| &v[k][..n]);
    let s: [&[f64]; K] = std::array::from_fn(|k| &s[k][..n]);
    for i in 0..n {
        let mut sum = d[i] * x[i] - y[i];
        for k in 0..K {
            sum += v[k][i] * s[k][i];
        }
        y[i] = sum;
    }
}

fn rows(generator: &Generator, a: f64) -> Off {
    let (mut start, mut cell, mut value) = (vec![0u32], Vec::new(), Vec::new());
    for j in 0..generator.cells() {
        let (cells, rates) = generator.incoming(j);
        cell.extend_from_slice(cells);
        value.extend(rates.iter().map(|rate| a * rate));
        start.push(cell.len() as u32);
    }
    Off::Rows { start, cell, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fokker_planck::fixtures::{plane, ring};
    use crate::fokker_planck::generator::GeneratorBuilder;

    #[test]
    fn both_layouts_agree_with_the_generator() {
        let mut irregular = GeneratorBuilder::new(3000);
        for i in 0..3000 {
            irregular.add_edge(i, (i * i + 7 * i + 1) % 3000, 1.0 + i as f64 / 3000.0, 0.5);
        }
        for (generator, regular) in
            [(ring(2500, 0.4, 0.2), true), (plane(50, 40, 0.2, 0.7), true), (irregular.finish(), false)]
        {
            let n = generator.cells();
            let product = Product::new(&generator, 0.3, 1.7);
            assert_eq!(matches!(product.off, Off::Diagonals(_)), regular);
            let x: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
            let mut y: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
            let mut exact = vec![0.0; n];
            generator.forward(&x, &mut exact);
            exact.iter_mut().enumerate().for_each(|(i, e)| *e = 0.3 * *e + 1.7 * x[i] - y[i]);
            product.subtract_from(&x, &mut y);
            let scale = generator.leaving().iter().copied().fold(1.0, f64::max);
            assert!(y.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 1e-13 * scale));
        }
    }

    #[test]
    fn tiles_in_time_give_the_same_bits_as_single_steps() {
        let mut rough = GeneratorBuilder::new(30_000);
        for i in 0..30_000 {
            let near = (i + 1 + (i * i + 7 * i) % 90).min(29_999);
            if near > i {
                rough.add_edge(i, near, 1.0 + i as f64 / 3000.0, 0.5);
            }
        }
        for generator in [plane(400, 180, 0.2, 0.7), plane(700, 300, 0.1, 0.2), rough.finish()] {
            let n = generator.cells();
            let product = Product::new(&generator, 1e-3, 0.7);
            let v: Vec<f64> = (0..n).map(|i| (0.1 * i as f64).sin()).collect();
            for levels in [8, 7, 2, 1] {
                let coefficients: Vec<f64> = (0..levels).map(|k| 1.0 / (k as f64 + 1.5)).collect();
                let (mut now, mut before) = (v.clone(), vec![0.25; n]);
                let mut out = [vec![0.0; n], vec![0.0; n]];
                let [long, short] = &mut out;
                let mut sums = [
                    Sum { out: long, coefficients: &coefficients },
                    Sum { out: short, coefficients: &coefficients[..levels / 2] },
                ];
                product.recur(&mut now, &mut before, levels, &mut sums);
                let (mut a, mut b, mut sum) = (v.clone(), vec![0.25; n], [vec![0.0; n], vec![0.0; n]]);
                for k in 0..levels {
                    product.subtract_from(&a, &mut b);
                    std::mem::swap(&mut a, &mut b);
                    axpy(coefficients[k], &a, &mut sum[0]);
                    if k < levels / 2 {
                        axpy(coefficients[k], &a, &mut sum[1]);
                    }
                }
                assert!(now == a && before == b, "{n} cells, {levels} levels");
                assert!(out == sum, "sums: {n} cells, {levels} levels");
            }
        }
    }
}
