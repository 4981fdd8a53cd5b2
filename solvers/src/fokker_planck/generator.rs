//! The generator of a Markov jump process on the cells: it is filled edge by edge with pairs of rates, so probability cannot
//! get lost.

/// Rates between cells: K(i → j) ≥ 0 for i ≠ j, exit rates into the cemetery, diagonal −Σ.
///
/// With Q = K − diag(row sums + exits) cell probabilities obey dp/dt = Qᵀ p and functions the backward equation du/dt = Q u.
/// Stored by rows in compressed form, both by source (K) and by target (Kᵀ), columns ascending.
#[derive(Debug, Clone)]
pub struct Generator {
    cells: usize,
    out_start: Vec<usize>,
    out_cell: Vec<u32>,
    out_rate: Vec<f64>,
    in_start: Vec<usize>,
    in_cell: Vec<u32>,
    in_rate: Vec<f64>,
    exit: Vec<f64>,
    leaving: Vec<f64>,
}

/// Collects edges; see [`Generator`].
#[derive(Debug, Clone)]
pub struct GeneratorBuilder {
    cells: usize,
    edges: Vec<(u32, u32, f64, f64)>,
    exit: Vec<f64>,
}

impl GeneratorBuilder {
    /// No edges yet between `cells` cells.
    pub fn new(cells: usize) -> Self {
        Self { cells, edges: Vec::new(), exit: vec![0.0; cells] }
    }

    /// Adds the rates i → j and j → i (both ≥ 0 and finite). Several edges between the same cells add up.
    pub fn add_edge(&mut self, i: usize, j: usize, forward: f64, backward: f64) {
        debug_assert!(i != j && i < self.cells && j < self.cells);
        debug_assert!(forward >= 0.0 && backward >= 0.0 && forward.is_finite() && backward.is_finite());
        self.edges.push((i as u32, j as u32, forward, backward));
    }

    /// Adds a rate (≥ 0) from a cell into the cemetery.
    pub fn add_exit(&mut self, i: usize, rate: f64) {
        debug_assert!(rate >= 0.0 && rate.is_finite());
        self.exit[i] += rate;
    }

    /// Sorts, sums and compresses.
    pub fn finish(self) -> Generator {
        let mut directed: Vec<(u32, u32, f64)> = Vec::with_capacity(2 * self.edges.len());
        for &(i, j, forward, backward) in &self.edges {
            if forward > 0.0 {
                directed.push((i, j, forward));
            }
            if backward > 0.0 {
                directed.push((j, i, backward));
            }
        }
        let (out_start, out_cell, out_rate) = compress(self.cells, directed.iter().copied());
        let (in_start, in_cell, in_rate) = compress(self.cells, directed.iter().map(|&(i, j, r)| (j, i, r)));
        let leaving = (0..self.cells)
            .map(|i| out_rate[out_start[i]..out_start[i + 1]].iter().sum::<f64>() + self.exit[i])
            .collect();
        Generator {
            cells: self.cells,
            out_start,
            out_cell,
            out_rate,
            in_start,
            in_cell,
            in_rate,
            exit: self.exit,
            leaving,
        }
    }
}

fn compress(cells: usize, entries: impl Iterator<Item = (u32, u32, f64)> + Clone) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
    let mut start = vec![0usize; cells + 1];
    for (row, _, _) in entries.clone() {
        start[row as usize + 1] += 1;
    }
    for row in 0..cells {
        start[row + 1] += start[row];
    }
    let mut next = start.clone();
    let mut sorted = vec![(0u32, 0.0f64); start[cells]];
    for (row, column, value) in entries {
        sorted[next[row as usize]] = (column, value);
        next[row as usize] += 1;
    }
    let (mut columns, mut values) = (Vec::with_capacity(sorted.len()), Vec::with_capacity(sorted.len()));
    let mut merged = vec![0usize; cells + 1];
    for row in 0..cells {
        let slice = &mut sorted[start[row]..start[row + 1]];
        slice.sort_by_key(|entry| entry.0);
        for &(column, value) in slice.iter() {
            if columns.len() > merged[row] && columns.last() == Some(&column) {
                if let Some(last) = values.last_mut() {
                    *last += value;
                }
            } else {
                columns.push(column);
                values.push(value);
            }
        }
        merged[row + 1] = columns.len();
    }
    (merged, columns, values)
}

impl Generator {
    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.cells
    }
    /// Number of directed rates.
    pub fn rates(&self) -> usize {
        self.out_rate.len()
    }
    /// Targets and rates out of a cell, targets ascending.
    pub fn outgoing(&self, i: usize) -> (&[u32], &[f64]) {
        let range = self.out_start[i]..self.out_start[i + 1];
        (&self.out_cell[range.clone()], &self.out_rate[range])
    }
    /// Sources and rates into a cell, sources ascending.
    pub fn incoming(&self, j: usize) -> (&[u32], &[f64]) {
        let range = self.in_start[j]..self.in_start[j + 1];
        (&self.in_cell[range.clone()], &self.in_rate[range])
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
    /// Qᵀ p: the rate of change of cell probabilities.
    pub fn forward(&self, p: &[f64], out: &mut [f64]) {
        for j in 0..self.cells {
            let (cells, rates) = self.incoming(j);
            let gain: f64 = cells.iter().zip(rates).map(|(&i, &rate)| rate * p[i as usize]).sum();
            out[j] = gain - self.leaving[j] * p[j];
        }
    }
    /// Q u: the backward equation's right-hand side (u = 0 in the cemetery).
    pub fn backward(&self, u: &[f64], out: &mut [f64]) {
        for i in 0..self.cells {
            let (cells, rates) = self.outgoing(i);
            let gain: f64 = cells.iter().zip(rates).map(|(&j, &rate)| rate * u[j as usize]).sum();
            out[i] = gain - self.leaving[i] * u[i];
        }
    }
}
