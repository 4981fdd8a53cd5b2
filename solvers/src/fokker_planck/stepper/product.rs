//! Products y = a·Qᵀx + b·x − z, stored by diagonals where the stencil is regular, by rows otherwise.

use rayon::prelude::*;

use crate::fokker_planck::Generator;

/// Rows that are worked on at a time, so that they stay in the nearest cache.
const CHUNK: usize = 1024;
/// From this size on products run on all threads.
const PARALLEL: usize = 150_000;

/// a·Qᵀ + b·I.
pub(super) struct Product {
    diagonal: Vec<f64>,
    off: Off,
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
                return Self { diagonal, off: rows(generator, a) };
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
        Self { diagonal, off: Off::Diagonals(diagonals) }
    }

    /// Estimated seconds of one product with a generator, and of adding a multiple of one vector to another: measured on a
    /// current core with the matrix in and out of its caches.
    pub fn seconds(generator: &Generator) -> (f64, f64) {
        let (cells, rates) = (generator.cells() as f64, generator.rates() as f64);
        if cells + rates < 1e6 {
            return (3.5e-10 * (rates + 3.0 * cells), 5e-10 * cells);
        }
        (1.3e-9 * (rates + 3.0 * cells), 3e-9 * cells)
    }

    /// y := (a·Qᵀ + b)x − y.
    pub fn subtract_from(&self, x: &[f64], y: &mut [f64]) {
        let work = |(chunk, y): (usize, &mut [f64])| self.chunk(chunk * CHUNK, x, y);
        if y.len() >= PARALLEL {
            y.par_chunks_mut(CHUNK).enumerate().for_each(work);
        } else {
            y.chunks_mut(CHUNK).enumerate().for_each(work);
        }
    }

    fn chunk(&self, first: usize, x: &[f64], y: &mut [f64]) {
        let end = first + y.len();
        let (diagonal, own) = (&self.diagonal[first..end], &x[first..end]);
        for ((y, d), x) in y.iter_mut().zip(diagonal).zip(own) {
            *y = d * x - *y;
        }
        match &self.off {
            Off::Diagonals(diagonals) => {
                for (offset, values) in diagonals {
                    // rows k of the chunk with 0 ≤ k + offset < n
                    let from = first.max(offset.unsigned_abs() * usize::from(*offset < 0));
                    let to = end.min((x.len() as isize - offset).max(0) as usize);
                    if from >= to {
                        continue;
                    }
                    let shifted = &x[(from as isize + offset) as usize..(to as isize + offset) as usize];
                    let y = &mut y[from - first..to - first];
                    for ((y, v), x) in y.iter_mut().zip(&values[from..to]).zip(shifted) {
                        *y += v * x;
                    }
                }
            }
            Off::Rows { start, cell, value } => {
                for (row, y) in (first..end).zip(y) {
                    let range = start[row] as usize..start[row + 1] as usize;
                    *y += cell[range.clone()].iter().zip(&value[range]).map(|(&c, v)| v * x[c as usize]).sum::<f64>();
                }
            }
        }
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
}
