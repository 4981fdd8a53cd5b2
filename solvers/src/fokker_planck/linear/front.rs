//! Dense elimination inside one front, by sums of non-negative numbers.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// Columns eliminated between two block updates.
const PANEL: usize = 32;

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
            let end = (start + PANEL).min(pivots);
            self.panel(start, end, &mut inverse);
            self.rows_right_of_panel(start, end);
            self.trailing_update(start, end);
            start = end;
        }
        inverse
    }

    fn panel(&mut self, start: usize, end: usize, inverse: &mut [f64]) {
        let rows = self.rows();
        for k in start..end {
            let (head, tail) = self.value.split_at_mut((k + 1) * rows);
            let column = &mut head[k * rows..];
            let pivot = column[k + 1..].iter().sum::<f64>();
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
    }

    fn rows_right_of_panel(&mut self, start: usize, end: usize) {
        let rows = self.rows();
        let (head, tail) = self.value.split_at_mut(end * rows);
        for right in tail.chunks_exact_mut(rows) {
            for k in start..end {
                let factor = right[k];
                if factor != 0.0 {
                    axpy(factor, &head[k * rows + k + 1..k * rows + end], &mut right[k + 1..end]);
                }
            }
        }
    }

    fn trailing_update(&mut self, start: usize, end: usize) {
        let (rows, columns) = (self.rows(), self.columns);
        if end == columns {
            return;
        }
        let (head, tail) = self.value.split_at_mut(end * rows);
        let (width, right) = (end - start, columns - end);
        if width * (rows - end) * right < 4096 {
            for column in tail.chunks_exact_mut(rows) {
                let (upper, lower) = column.split_at_mut(end);
                for k in start..end {
                    if upper[k] != 0.0 {
                        axpy(upper[k], &head[k * rows + end..(k + 1) * rows], lower);
                    }
                }
            }
            return;
        }
        let l = MatRef::from_column_major_slice_with_stride(&head[start * rows..], rows, width, rows);
        let l = l.submatrix(end, 0, rows - end, width);
        // a copy of the rows of the panel: the product may not read what it writes
        let u: Vec<f64> = tail.chunks_exact(rows).flat_map(|column| column[start..end].iter().copied()).collect();
        let u = MatRef::from_column_major_slice(&u, width, right);
        let target = MatMut::from_column_major_slice_with_stride_mut(tail, rows, right, rows);
        matmul(target.submatrix_mut(end, 0, rows - end, right), Accum::Add, l, u, 1.0, Par::Seq);
    }
}

fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}
