//! The generator of a Markov jump process on the cells: it is filled edge by edge with pairs of rates, so probability cannot
//! get lost.

use rayon::prelude::*;

/// Rows per task of the threaded products; smaller generators run on the calling thread.
const BLOCK: usize = 16_384;

/// Rates between cells: K(i → j) ≥ 0 for i ≠ j, exit rates into the cemetery, diagonal −Σ.
///
/// With Q = K − diag(row sums + exits) cell probabilities obey dp/dt = Qᵀ p and functions the backward equation du/dt = Q u.
/// Stored once, by rows of neighbours in ascending order, each with the rate out to it and the rate in from it (20 bytes an
/// entry). A one-way edge keeps a rate 0 in the other direction.
#[derive(Debug, Clone)]
pub struct Generator {
    cells: usize,
    start: Vec<usize>,
    neighbour: Vec<u32>,
    out_rate: Vec<f64>,
    in_rate: Vec<f64>,
    exit: Vec<f64>,
    leaving: Vec<f64>,
}

/// An undirected edge with its two rates: cells i and j, K(i → j), K(j → i).
pub type RateEdge = (u32, u32, f64, f64);

/// Collects edges; see [`Generator`].
#[derive(Debug, Clone)]
pub struct GeneratorBuilder {
    cells: usize,
    edges: Vec<Vec<RateEdge>>,
    exit: Vec<f64>,
}

impl GeneratorBuilder {
    /// No edges yet between `cells` cells.
    pub fn new(cells: usize) -> Self {
        Self { cells, edges: vec![Vec::new()], exit: vec![0.0; cells] }
    }

    /// Adds the rates i → j and j → i (both ≥ 0 and finite). Several edges between the same cells add up.
    pub fn add_edge(&mut self, i: usize, j: usize, forward: f64, backward: f64) {
        debug_assert!(i != j && i < self.cells && j < self.cells);
        debug_assert!(forward >= 0.0 && backward >= 0.0 && forward.is_finite() && backward.is_finite());
        self.edges[0].push((i as u32, j as u32, forward, backward));
    }

    /// Adds many edges at once without copying them; the same rules as [`GeneratorBuilder::add_edge`].
    pub fn add_edges(&mut self, edges: Vec<RateEdge>) {
        self.edges.push(edges);
    }

    /// Adds a rate (≥ 0) from a cell into the cemetery.
    pub fn add_exit(&mut self, i: usize, rate: f64) {
        debug_assert!(rate >= 0.0 && rate.is_finite());
        self.exit[i] += rate;
    }

    /// All edges so far.
    pub fn edges(&self) -> impl Iterator<Item = &RateEdge> {
        self.edges.iter().flatten()
    }

    /// Sorts, sums and compresses.
    pub fn finish(self) -> Generator {
        let mut start = vec![0usize; self.cells + 1];
        for &(i, j, forward, backward) in self.edges() {
            if forward > 0.0 || backward > 0.0 {
                start[i as usize + 1] += 1;
                start[j as usize + 1] += 1;
            }
        }
        for row in 0..self.cells {
            start[row + 1] += start[row];
        }
        let entries = start[self.cells];
        let mut generator = Generator {
            cells: self.cells,
            neighbour: vec![0; entries],
            out_rate: vec![0.0; entries],
            in_rate: vec![0.0; entries],
            exit: self.exit,
            leaving: Vec::new(),
            start: start.clone(),
        };
        let mut next = start;
        for (i, j, forward, backward) in self.edges.into_iter().flatten() {
            if forward > 0.0 || backward > 0.0 {
                generator.put(&mut next, i, j, forward, backward);
                generator.put(&mut next, j, i, backward, forward);
            }
        }
        generator.sort_and_merge();
        generator.sum_leaving();
        generator
    }
}

impl Generator {
    fn put(&mut self, next: &mut [usize], i: u32, j: u32, out_rate: f64, in_rate: f64) {
        let at = next[i as usize];
        next[i as usize] += 1;
        self.neighbour[at] = j;
        self.out_rate[at] = out_rate;
        self.in_rate[at] = in_rate;
    }

    /// Sorts each row by neighbour and adds up entries of the same neighbour.
    fn sort_and_merge(&mut self) {
        let mut row_entries: Vec<(u32, f64, f64)> = Vec::new();
        let mut end = 0;
        let mut begin = 0;
        for row in 0..self.cells {
            let stop = self.start[row + 1];
            row_entries.clear();
            row_entries.extend((begin..stop).map(|k| (self.neighbour[k], self.out_rate[k], self.in_rate[k])));
            row_entries.sort_by_key(|entry| entry.0);
            let row_begin = end;
            for &(cell, out_rate, in_rate) in &row_entries {
                if end > row_begin && self.neighbour[end - 1] == cell {
                    self.out_rate[end - 1] += out_rate;
                    self.in_rate[end - 1] += in_rate;
                } else {
                    self.neighbour[end] = cell;
                    self.out_rate[end] = out_rate;
                    self.in_rate[end] = in_rate;
                    end += 1;
                }
            }
            begin = stop;
            self.start[row + 1] = end;
        }
        self.neighbour.truncate(end);
        self.out_rate.truncate(end);
        self.in_rate.truncate(end);
    }

    fn sum_leaving(&mut self) {
        let leaving = (0..self.cells).map(|i| self.outgoing(i).1.iter().sum::<f64>() + self.exit[i]).collect();
        self.leaving = leaving;
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.cells
    }
    /// Number of directed rates that are stored.
    pub fn rates(&self) -> usize {
        self.out_rate.len()
    }
    /// Neighbours and rates out of a cell (≥ 0), neighbours ascending.
    pub fn outgoing(&self, i: usize) -> (&[u32], &[f64]) {
        let range = self.start[i]..self.start[i + 1];
        (&self.neighbour[range.clone()], &self.out_rate[range])
    }
    /// Neighbours and rates into a cell (≥ 0), neighbours ascending: the same neighbours as [`Generator::outgoing`].
    pub fn incoming(&self, j: usize) -> (&[u32], &[f64]) {
        let range = self.start[j]..self.start[j + 1];
        (&self.neighbour[range.clone()], &self.in_rate[range])
    }
    /// Rate into the cemetery from each cell.
    pub fn exit(&self) -> &[f64] {
        &self.exit
    }
    /// Total rate at which each cell is left, exits included: minus the diagonal of Q.
    pub fn leaving(&self) -> &[f64] {
        &self.leaving
    }
    /// Whether any cell has a rate into the cemetery.
    pub fn has_exit(&self) -> bool {
        self.exit.iter().any(|&rate| rate > 0.0)
    }
    /// Bytes that the generator occupies.
    pub fn bytes(&self) -> usize {
        20 * self.neighbour.len() + 8 * (self.start.len() + self.exit.len() + self.leaving.len())
    }
    /// Qᵀ p: the rate of change of cell probabilities.
    pub fn forward(&self, p: &[f64], out: &mut [f64]) {
        self.product(&self.in_rate, p, out);
    }
    /// Q u: the backward equation's right-hand side (u = 0 in the cemetery).
    pub fn backward(&self, u: &[f64], out: &mut [f64]) {
        self.product(&self.out_rate, u, out);
    }

    /// Each row is summed in the order of its neighbours, so the bits do not depend on the number of threads.
    fn product(&self, rate: &[f64], v: &[f64], out: &mut [f64]) {
        if self.cells < 2 * BLOCK {
            return self.product_rows(rate, v, 0, out);
        }
        out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| self.product_rows(rate, v, block * BLOCK, out));
    }

    fn product_rows(&self, rate: &[f64], v: &[f64], first: usize, out: &mut [f64]) {
        let mut begin = self.start[first];
        for (row, out) in (first..).zip(out) {
            let end = self.start[row + 1];
            let terms = self.neighbour[begin..end].iter().zip(&rate[begin..end]);
            let gain: f64 = terms.map(|(&i, &rate)| rate * v[i as usize]).sum();
            *out = gain - self.leaving[row] * v[row];
            begin = end;
        }
    }
}
