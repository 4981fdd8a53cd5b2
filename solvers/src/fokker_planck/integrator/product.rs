//! Products y = a·Qᵀx + b·x − z, stored by diagonals where the stencil is regular; by diagonals of a few rows each where it changes over the
//! grid, as for a full tensor; by rows otherwise.

use rayon::prelude::*;

use crate::fokker_planck::generator::Generator;
use crate::numerics::aligned::Aligned;
use crate::numerics::lanes::dispatch;

/// Rows that are worked on at a time, so that they stay in the nearest cache.
const CHUNK: usize = 512;
/// From this size on products run on all threads.
pub(crate) const PARALLEL: usize = 150_000;

/// a·Qᵀ + b·I.
pub(crate) struct Product {
    diagonal: Aligned,
    off: Off,
    /// Largest distance between a row and an entry of it.
    pub reach: usize,
}

enum Off {
    /// Entry k of the diagonal with offset o multiplies x[k + o].
    Diagonals(Vec<(isize, Aligned)>),
    /// The same for every [`FEW`] rows alone.
    Blocks(Blocks),
    Rows {
        start: Vec<u32>,
        cell: Vec<u32>,
        value: Vec<f64>,
    },
}

/// Rows of a block.
const FEW: usize = 16;
/// Numbers of the blocks for each rate up to which they are better than rows.
const PADDED: usize = 4;

/// Entry i of diagonal k, `offsets[k]`, of a block multiplies x[i + offset]; block j has the diagonals from `begins[j]` to `begins[j + 1]`.
struct Blocks {
    begins: Vec<u32>,
    offsets: Vec<isize>,
    values: Aligned,
}

/// The offsets of all entries; None where they are too many for whole diagonals.
fn diagonals(generator: &Generator) -> Option<Vec<isize>> {
    let n = generator.cells();
    let mut offsets: Vec<isize> = Vec::new();
    for j in 0..n {
        for &i in generator.incoming(j).0 {
            let offset = i as isize - j as isize;
            if !offsets.contains(&offset) {
                offsets.push(offset);
            }
        }
        if 10 * offsets.len() * n > 20 * generator.rates() {
            return None;
        }
    }
    offsets.sort_unstable();
    Some(offsets)
}

/// The offsets of all entries block by block, and where those of a block begin; None where they are too many.
fn offsets_of_blocks(generator: &Generator) -> Option<(Vec<u32>, Vec<isize>)> {
    let n = generator.cells();
    let (mut begins, mut offsets, mut own) = (vec![0], Vec::new(), Vec::new());
    for first in (0..n).step_by(FEW) {
        own.clear();
        for j in first..n.min(first + FEW) {
            for &i in generator.incoming(j).0 {
                let offset = i as isize - j as isize;
                if !own.contains(&offset) {
                    own.push(offset);
                }
            }
            if own.len() > FEW * PADDED {
                return None;
            }
        }
        own.sort_unstable();
        offsets.extend_from_slice(&own);
        begins.push(u32::try_from(offsets.len()).ok()?);
    }
    (FEW * offsets.len() <= PADDED * generator.rates()).then_some((begins, offsets))
}

impl Blocks {
    fn new(generator: &Generator, a: f64, (begins, offsets): (Vec<u32>, Vec<isize>)) -> Self {
        let mut values = Aligned::zeros(FEW * offsets.len());
        for j in 0..generator.cells() {
            let block = j / FEW;
            let range = begins[block] as usize..begins[block + 1] as usize;
            let (cells, rates) = generator.incoming(j);
            for (&i, &rate) in cells.iter().zip(rates) {
                if let Ok(at) = offsets[range.clone()].binary_search(&(i as isize - j as isize)) {
                    values[(range.start + at) * FEW + j % FEW] = a * rate;
                }
            }
        }
        Self { begins, offsets, values }
    }

    /// y := y + the products of the rows from `first` on with `x`, which begins at row `origin`.
    fn add(&self, origin: usize, first: usize, x: &[f64], y: &mut [f64]) {
        let end = first + y.len();
        for block in first / FEW..end.div_ceil(FEW) {
            let (from, to) = (first.max(block * FEW), end.min((block + 1) * FEW));
            let range = self.begins[block] as usize..self.begins[block + 1] as usize;
            let (offsets, values) = (&self.offsets[range.clone()], &self.values[range.start * FEW..range.end * FEW]);
            let y = &mut y[from - first..to - first];
            let (Some(least), Some(most)) = (offsets.first(), offsets.last()) else { continue };
            let [low, high] = [from as isize + least, to as isize + most];
            let inside = low >= origin as isize && high <= (origin + x.len()) as isize;
            if let (true, Ok(y)) = (inside, <&mut [f64; FEW]>::try_from(&mut *y)) {
                add_block(offsets, values, x, from - origin, y);
                continue;
            }
            for (offset, values) in offsets.iter().zip(values.chunks_exact(FEW)) {
                // where it leaves x its entries are 0
                let begin = from.max((origin as isize - offset).max(0) as usize);
                let stop = to.min(((origin + x.len()) as isize - offset).max(0) as usize);
                if begin < stop {
                    let at = (begin as isize + offset) as usize - origin;
                    let values = &values[begin - block * FEW..stop - block * FEW];
                    let rows = y[begin - from..stop - from].iter_mut().zip(values).zip(&x[at..]);
                    rows.for_each(|((y, v), x)| *y += v * x);
                }
            }
        }
    }
}

dispatch! {
    /// y := y + Σ_k v_k·x shifted by o_k, for all rows of a block, the first of which is at `at` in x.
    fn add_block(offsets: &[isize], values: &[f64], x: &[f64], at: usize, y: &mut [f64; FEW]) {
        let mut sums = *y;
        for (offset, values) in offsets.iter().zip(values.chunks_exact(FEW)) {
            let begin = (at as isize + offset) as usize;
            for ((sum, v), x) in sums.iter_mut().zip(values).zip(&x[begin..begin + FEW]) {
                *sum += v * x;
            }
        }
        *y = sums;
    }
}

impl Product {
    pub fn new(generator: &Generator, a: f64, b: f64) -> Self {
        let n = generator.cells();
        let mut diagonal = Aligned::zeros(n);
        diagonal.iter_mut().zip(generator.leaving()).for_each(|(d, rate)| *d = b - a * rate);
        let Some(offsets) = diagonals(generator) else {
            let reach = (0..n).flat_map(|j| generator.incoming(j).0.iter().map(move |&i| j.abs_diff(i as usize)));
            let reach = reach.max().unwrap_or(0);
            let off = match offsets_of_blocks(generator) {
                Some(offsets) => Off::Blocks(Blocks::new(generator, a, offsets)),
                None => rows(generator, a),
            };
            return Self { diagonal, off, reach };
        };
        let mut diagonals: Vec<(isize, Aligned)> = offsets.iter().map(|&o| (o, Aligned::zeros(n))).collect();
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
    /// current core with the matrix in and out of its caches, several steps to a tile.
    pub fn seconds(generator: &Generator) -> (f64, f64) {
        let (cells, rates) = (generator.cells() as f64, generator.rates() as f64);
        let kept = match diagonals(generator) {
            Some(offsets) => offsets.len() as f64 * cells,
            None => match offsets_of_blocks(generator) {
                Some((_, offsets)) => OF_BLOCKS * FEW as f64 * offsets.len() as f64,
                None => OF_ROWS / paces(cells, rates).0 * rates,
            },
        };
        seconds(cells, rates, kept)
    }

    /// The same of a product that is built; `rates` are those of its generator.
    pub fn own_seconds(&self, rates: usize) -> (f64, f64) {
        let cells = self.diagonal.len() as f64;
        let kept = match &self.off {
            Off::Diagonals(diagonals) => diagonals.len() as f64 * cells,
            Off::Blocks(blocks) => OF_BLOCKS * blocks.values.len() as f64,
            Off::Rows { value, .. } => OF_ROWS / paces(cells, rates as f64).0 * value.len() as f64,
        };
        seconds(cells, rates as f64, kept)
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

    /// Arrays that a row of the matrix touches.
    pub fn width(&self) -> usize {
        match &self.off {
            Off::Diagonals(diagonals) => diagonals.len(),
            Off::Blocks(blocks) => blocks.values.len() / self.diagonal.len().max(1) + 1,
            Off::Rows { value, .. } => 3 * value.len() / (2 * self.diagonal.len().max(1)),
        }
    }

    /// Rows from `first` on, where `x` begins at row `origin`: y := (a·Qᵀ + b)x − y.
    pub(crate) fn rows(&self, origin: usize, first: usize, x: &[f64], y: &mut [f64]) {
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
            Off::Blocks(blocks) => {
                start(diagonal, &x[first - origin..end - origin], y);
                blocks.add(origin, first, x, y);
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
    fn inner_rows(&self, diagonals: &[(isize, Aligned)], origin: usize, first: usize, x: &[f64], y: &mut [f64]) {
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

/// Seconds of a number in a block over those of one in a whole diagonal, as measured.
const OF_BLOCKS: f64 = 1.6;
/// Seconds of a rate in a product by rows, as measured.
const OF_ROWS: f64 = 9e-10;

/// Seconds of a number in a diagonal, and of one that is added to a vector: in the caches and out of them.
fn paces(cells: f64, rates: f64) -> (f64, f64) {
    if cells + rates < 1e6 { (1.2e-10, 2e-10) } else { (2.5e-10, 4e-10) }
}

/// Seconds of a product with so many numbers beside the diagonal, and of adding a multiple of a vector.
fn seconds(cells: f64, rates: f64, kept: f64) -> (f64, f64) {
    let (number, add) = paces(cells, rates);
    (number * (kept + 3.0 * cells), add * cells)
}

/// Diagonals that one pass takes at most.
const MOST: usize = 12;

dispatch! {
    /// out := out + c·v.
    pub(crate) fn axpy(c: f64, v: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(v).for_each(|(out, v)| *out += c * v);
    }
}

dispatch! {
    /// out := (out + a·x) + b·y.
    pub(crate) fn axpy_two(a: f64, x: &[f64], b: f64, y: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(x).zip(y).for_each(|((out, x), y)| *out = (*out + a * x) + b * y);
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
    #![allow(clippy::unwrap_used)]
    use super::super::tiles::{Plan, Sum};
    use super::*;
    use crate::fokker_planck::generator::GeneratorBuilder;
    use crate::fokker_planck::testing::fixtures::{plane, ring};

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

    /// A grid with rates to its six neighbours and, if `diagonals`, along (1, 1, 0), (2, −1, 1) too.
    fn cube(shape: [usize; 3], diagonals: bool) -> Generator {
        let mut builder = GeneratorBuilder::new(shape.iter().product());
        let offsets: &[[isize; 3]] = &[[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [2, -1, 1]];
        for cell in 0..shape.iter().product() {
            let index = [cell / (shape[1] * shape[2]), cell / shape[2] % shape[1], cell % shape[2]];
            for e in &offsets[..if diagonals { 5 } else { 3 }] {
                let to: [isize; 3] = std::array::from_fn(|k| index[k] as isize + e[k]);
                if (0..3).all(|k| to[k] >= 0 && to[k] < shape[k] as isize) {
                    let to = (to[0] as usize * shape[1] + to[1] as usize) * shape[2] + to[2] as usize;
                    builder.add_edge(cell, to, 1.0 + (cell % 13) as f64, 0.5 + (cell % 7) as f64);
                }
            }
        }
        builder.finish()
    }

    #[test]
    fn tiles_give_the_same_bits_as_single_steps_on_any_number_of_threads() {
        let mut rough = GeneratorBuilder::new(30_000);
        for i in 0..30_000 {
            let near = (i + 1 + (i * i + 7 * i) % 90).min(29_999);
            if near > i {
                rough.add_edge(i, near, 1.0 + i as f64 / 3000.0, 0.5);
            }
        }
        for generator in [
            plane(400, 180, 0.2, 0.7),
            plane(300, 700, 0.1, 0.2),
            cube([61, 50, 64], false),
            cube([70, 63, 57], true),
            rough.finish(),
        ] {
            let n = generator.cells();
            let product = Product::new(&generator, 1e-3, 0.7);
            assert!(Plan::new(n, product.reach, 8 * (product.width() + 5)).is_tiled(), "{n} cells");
            for (levels, threads) in [(32, 1), (32, 2), (19, 3), (2, 1), (1, 2)] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let coefficients: Vec<f64> = (0..levels).map(|k| 1.0 / (k as f64 + 1.5)).collect();
                let v: Vec<f64> = (0..n).map(|i| (0.1 * i as f64).sin()).collect();
                let (mut now, mut before) = (Aligned::from(&v[..]), Aligned::from(&vec![0.25; n][..]));
                let mut out = [vec![0.0; n], vec![0.0; n]];
                let [long, short] = &mut out;
                let mut sums = [
                    Sum { out: long, coefficients: &coefficients },
                    Sum { out: short, coefficients: &coefficients[..levels / 2] },
                ];
                pool.install(|| product.recur(&mut now, &mut before, levels, &mut sums));
                let (mut a, mut b, mut sum) = (v, vec![0.25; n], [vec![0.0; n], vec![0.0; n]]);
                for k in 0..levels {
                    product.subtract_from(&a, &mut b);
                    std::mem::swap(&mut a, &mut b);
                    axpy(coefficients[k], &a, &mut sum[0]);
                    if k < levels / 2 {
                        axpy(coefficients[k], &a, &mut sum[1]);
                    }
                }
                assert!(now[..] == a && before[..] == b, "{n} cells, {levels} levels, {threads} threads");
                assert!(out == sum, "sums: {n} cells, {levels} levels, {threads} threads");
            }
        }
    }
}
