//! Dense elimination inside one front, by sums of non-negative numbers.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::numerics::lanes::dispatch;

/// Columns eliminated between two block updates.
const PANEL: usize = 32;
/// Columns from which on a front takes panels of twice the width.
const LARGE: usize = 600;
/// Multiplications from which on a block update goes through the matrix product.
const BLOCK: usize = 20_000;

/// A front: columns = cells of the front (pivots first), rows = the same cells and, last, the ground. Off-diagonal entries hold
/// the rates a(column → row) ≥ 0 of the chain that is left; what stands on the diagonal has no meaning.
pub(super) struct Front {
    pub columns: usize,
    pub value: Vec<f64>,
}

impl Front {
    pub fn zeros(columns: usize) -> Self {
        Self { columns, value: vec![0.0; columns * (columns + 1)] }
    }
    pub fn rows(&self) -> usize {
        self.columns + 1
    }
    pub fn add(&mut self, row: usize, column: usize, rate: f64) {
        self.value[column * (self.columns + 1) + row] += rate;
    }

    /// Eliminates the first `pivots` columns; returns their inverse pivots. Afterwards column k holds a(k → row)/p_k below
    /// its diagonal and rows hold a(column → k) right of it.
    pub fn eliminate(&mut self, pivots: usize) -> Vec<f64> {
        let mut inverse = vec![0.0; pivots];
        let mut start = 0;
        while start < pivots {
            let wide = if self.columns > LARGE { 2 * PANEL } else { PANEL };
            let end = (start + wide).min(pivots);
            panel(&mut self.value, self.columns + 1, start, end, &mut inverse);
            self.trailing_update(start, end);
            start = end;
        }
        inverse
    }

    fn trailing_update(&mut self, start: usize, end: usize) {
        let (rows, columns) = (self.rows(), self.columns);
        let (width, right) = (end - start, columns - end);
        if right == 0 {
            return;
        }
        if width * (rows - end) * right < BLOCK {
            small_update(&mut self.value, rows, start, end);
            return;
        }
        let (head, tail) = self.value.split_at_mut(end * rows);
        let l = MatRef::from_column_major_slice_with_stride(&head[start * rows..], rows, width, rows);
        let l = l.submatrix(end, 0, rows - end, width);
        // a copy of the rows of the panel: the product may not read what it writes
        let mut u = vec![0.0; width * right];
        for (copy, column) in u.chunks_exact_mut(width).zip(tail.chunks_exact(rows)) {
            copy.copy_from_slice(&column[start..end]);
        }
        let u = MatRef::from_column_major_slice(&u, width, right);
        let target = MatMut::from_column_major_slice_with_stride_mut(tail, rows, right, rows);
        matmul(target.submatrix_mut(end, 0, rows - end, right), Accum::Add, l, u, 1.0, Par::Seq);
    }
}

dispatch! {
    /// Eliminates the columns of a panel within themselves, and the rows of the panel in all later columns.
    fn panel(value: &mut [f64], rows: usize, start: usize, end: usize, inverse: &mut [f64]) {
        for k in start..end {
            let (head, tail) = value.split_at_mut((k + 1) * rows);
            let column = &mut head[k * rows..];
            let pivot = sum(&column[k + 1..]);
            inverse[k] = 1.0 / pivot;
            if pivot > 0.0 {
                column[k + 1..].iter_mut().for_each(|entry| *entry *= inverse[k]);
            } else {
                column[rows - 1] = 1.0; // the last cell of a closed class: whatever enters it is gone
            }
            for j in 0..end - k - 1 {
                axpy(tail[j * rows + k], &column[k + 1..], &mut tail[j * rows + k + 1..(j + 1) * rows]);
            }
        }
        let (head, tail) = value.split_at_mut(end * rows);
        for right in tail.chunks_exact_mut(rows) {
            for k in start..end {
                let factor = right[k];
                if factor != 0.0 {
                    axpy(factor, &head[k * rows + k + 1..k * rows + end], &mut right[k + 1..end]);
                }
            }
        }
    }
}

dispatch! {
    /// The block update of a small front, column by column.
    fn small_update(value: &mut [f64], rows: usize, start: usize, end: usize) {
        let (head, tail) = value.split_at_mut(end * rows);
        for column in tail.chunks_exact_mut(rows) {
            let (upper, lower) = column.split_at_mut(end);
            for k in start..end {
                if upper[k] != 0.0 {
                    axpy(upper[k], &head[k * rows + end..(k + 1) * rows], lower);
                }
            }
        }
    }
}

#[inline(always)]
pub(super) fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

#[inline(always)]
fn sum(x: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let chunks = x.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let b = &b[..a.len()];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}
