//! The transition matrix of a chain on nodes, by rows.

use rayon::prelude::*;

/// P: entry (i, j) is the probability to be at node j one step after node i. All entries are > 0, every row sums to 1.
#[derive(Debug, Clone)]
pub struct TransitionMatrix {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

/// Entries from which on products run in parallel.
const MANY: usize = 400_000;
/// Parts of a parallel product: fixed, so that sums do not depend on the number of threads.
const PARTS: usize = 8;

impl TransitionMatrix {
    /// An empty matrix with room for rows and entries.
    pub fn with_capacity(states: usize, entries: usize) -> Self {
        let mut starts = Vec::with_capacity(states + 1);
        starts.push(0);
        Self { starts, columns: Vec::with_capacity(entries), values: Vec::with_capacity(entries) }
    }

    /// Adds the next row from weights ≥ 0 at increasing columns: zeros are left out, the rest is divided by its sum.
    pub fn push(&mut self, row: impl Iterator<Item = (u32, f64)>) {
        let first = self.values.len();
        for (column, value) in row {
            if value > 0.0 {
                if self.columns.len() > first && self.columns.last() == Some(&column) {
                    let last = self.values.len() - 1;
                    self.values[last] += value;
                } else {
                    self.columns.push(column);
                    self.values.push(value);
                }
            }
        }
        let sum: f64 = self.values[first..].iter().sum();
        self.values[first..].iter_mut().for_each(|v| *v /= sum);
        self.starts.push(self.values.len());
    }

    /// Adds all rows of another matrix.
    pub fn append(&mut self, other: &Self) {
        let base = self.values.len();
        self.starts.extend(other.starts[1..].iter().map(|s| base + s));
        self.columns.extend_from_slice(&other.columns);
        self.values.extend_from_slice(&other.values);
    }

    /// Number of states N.
    pub fn states(&self) -> usize {
        self.starts.len() - 1
    }
    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.values.len()
    }
    /// Columns and values of row i.
    pub fn row(&self, i: usize) -> (&[u32], &[f64]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// ρ' = ρ P: one step of a law.
    pub fn forward(&self, law: &[f64], next: &mut [f64]) {
        next.fill(0.0);
        if self.entries() < MANY {
            return self.scatter(0..self.states(), law, next);
        }
        let rows = self.states().div_ceil(PARTS);
        let parts: Vec<Vec<f64>> = (0..PARTS)
            .into_par_iter()
            .map(|part| {
                let mut out = vec![0.0; self.states()];
                self.scatter((part * rows).min(self.states())..((part + 1) * rows).min(self.states()), law, &mut out);
                out
            })
            .collect();
        for part in &parts {
            next.iter_mut().zip(part).for_each(|(n, p)| *n += p);
        }
    }

    fn scatter(&self, rows: std::ops::Range<usize>, law: &[f64], next: &mut [f64]) {
        for i in rows {
            if law[i] != 0.0 {
                let (columns, values) = self.row(i);
                for (c, v) in columns.iter().zip(values) {
                    next[*c as usize] += law[i] * v;
                }
            }
        }
    }

    /// f' = P f: the expectation of a function after one step.
    pub fn backward(&self, function: &[f64], mean: &mut [f64]) {
        let one = |i: usize| {
            let (columns, values) = self.row(i);
            columns.iter().zip(values).map(|(c, v)| v * function[*c as usize]).sum()
        };
        if self.entries() < MANY {
            mean.iter_mut().enumerate().for_each(|(i, m)| *m = one(i));
        } else {
            mean.par_iter_mut().enumerate().with_min_len(256).for_each(|(i, m)| *m = one(i));
        }
    }

    /// Greatest distance of an entry below and above the diagonal.
    pub fn bands(&self) -> (usize, usize) {
        let (mut below, mut above) = (0, 0);
        for i in 0..self.states() {
            for &c in self.row(i).0 {
                let c = c as usize;
                below = below.max(i.saturating_sub(c));
                above = above.max(c.saturating_sub(i));
            }
        }
        (below, above)
    }
}
