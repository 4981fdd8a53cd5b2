//! Rows of neighbouring cells: what a chain stores.
//!
//! Probabilities are kept in single precision with a factor for each row that makes their sum the one that was given: mass is kept to
//! 10⁻¹⁶, mean and variance of a row are right to 10⁻⁷ of a cell.

use std::ops::Range;

/// Cells of a tile.
pub const CELLS: usize = 16;

/// The row of a cell: what a step may lead to, ascending.
pub struct Row {
    /// Cells and probabilities.
    pub entries: Vec<(u32, f64)>,
    /// Variance beyond that of the SDE, in squared cells.
    pub excess: f64,
}

/// Rows as runs of neighbouring cells: some 5 bytes an entry.
pub struct Tile {
    /// First run and first probability of every row, and the ends of the last.
    start: Vec<(u32, u32)>,
    /// First cell and length of every run.
    runs: Vec<(u32, u32)>,
    probability: Vec<f32>,
    factor: Vec<f64>,
    excess: Vec<f32>,
    /// Cells that are reached.
    pub reach: Range<usize>,
}

impl Tile {
    /// Of rows in the order of their cells.
    pub fn new(rows: impl Iterator<Item = Row>) -> Self {
        let (start, runs, probability) = (vec![(0, 0)], Vec::new(), Vec::new());
        let mut out = Self { start, runs, probability, factor: Vec::new(), excess: Vec::new(), reach: 0..0 };
        rows.for_each(|row| out.push(row));
        let first = out.runs.iter().map(|run| run.0).min().unwrap_or(0);
        let last = out.runs.iter().map(|run| run.0 + run.1).max().unwrap_or(0);
        out.reach = first as usize..last as usize;
        out
    }

    fn push(&mut self, row: Row) {
        let (mut exact, mut kept) = (0.0, 0.0);
        for (k, &(cell, weight)) in row.entries.iter().enumerate() {
            match self.runs.last_mut() {
                Some(run) if k > 0 && run.0 + run.1 == cell => run.1 += 1,
                _ => self.runs.push((cell, 1)),
            }
            let single = weight as f32;
            self.probability.push(single);
            exact += weight;
            kept += f64::from(single);
        }
        self.start.push((self.runs.len() as u32, self.probability.len() as u32));
        self.factor.push(if kept > 0.0 { exact / kept } else { 0.0 });
        self.excess.push(row.excess as f32);
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.probability.len()
    }

    /// Variance of the law of its cell number `i` beyond that of the SDE, in squared cells.
    pub fn excess(&self, i: usize) -> f64 {
        f64::from(self.excess[i])
    }

    /// Runs of the row of its cell number `i`, each with the probabilities of its cells up to the row's factor.
    fn row(&self, i: usize) -> impl Iterator<Item = (usize, &[f32])> {
        let (first, at) = self.start[i];
        let mut at = at as usize;
        self.runs[first as usize..self.start[i + 1].0 as usize].iter().map(move |&(cell, length)| {
            let run = &self.probability[at..at + length as usize];
            at += length as usize;
            (cell as usize, run)
        })
    }

    /// Cells that a step from its cell number `i` may lead to.
    pub fn targets(&self, i: usize) -> impl Iterator<Item = usize> {
        self.row(i).flat_map(|(cell, run)| cell..cell + run.len())
    }

    /// Adds what its cells, which hold `p`, send to the cells from `low` on.
    pub fn forward(&self, p: &[f64], low: usize, sum: &mut [f64]) {
        for (i, p) in p.iter().enumerate() {
            // subnormal products would cost a hundred times more than they are worth
            if p.abs() > 1e-280 {
                let p = p * self.factor[i];
                for (cell, run) in self.row(i) {
                    let at = cell - low;
                    sum[at..at + run.len()].iter_mut().zip(run).for_each(|(sum, w)| *sum += p * f64::from(*w));
                }
            }
        }
    }

    /// The expectations of `u` a step later at its cells.
    pub fn backward(&self, u: &[f64], out: &mut [f64]) {
        let dot = |(cell, run): (usize, &[f32])| -> f64 {
            u[cell..cell + run.len()].iter().zip(run).map(|(u, w)| f64::from(*w) * u).sum()
        };
        for (i, out) in out.iter_mut().enumerate() {
            *out = self.factor[i] * self.row(i).map(dot).sum::<f64>();
        }
    }
}
