//! The generator Q of a Markov jump process on the cells: it is filled edge by edge with pairs of rates, so probability cannot
//! get lost.
//!
//! (Qᵀp)_i = Σ_j (K_ji p_j − K_ij p_i) − exit_i p_i: forward, p cell probabilities; (Qu)_i = Σ_j K_ij (u_j − u_i) − exit_i u_i:
//! backward, u functions.
//!
//! * [`communicating_classes`]: closed classes, detailed balance; [`current`]: J and the entropy production of a law.

pub mod communicating_classes;
pub mod current;

use rayon::prelude::*;
use sprs::CsMat;

use crate::fault::{Fault, planted};

/// Rows per task of threaded work; products of smaller generators run on the calling thread.
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

    /// Sorts, sums and compresses; threaded by blocks of rows, with the same result for every number of threads.
    pub fn finish(self) -> Generator {
        let lists: Vec<EdgeList> = self.edges.par_iter().filter_map(|edges| EdgeList::new(edges)).collect();
        let mut count = vec![0usize; self.cells];
        count.par_chunks_mut(BLOCK).enumerate().for_each(|(block, count)| {
            each_entry(&lists, block * BLOCK, count.len(), |row, _, _, _| count[row] += 1);
        });
        let mut start = vec![0usize; self.cells + 1];
        for row in 0..self.cells {
            start[row + 1] = start[row] + count[row];
        }
        let entries = start[self.cells];
        let mut generator = Generator {
            cells: self.cells,
            neighbour: vec![0; entries],
            out_rate: vec![0.0; entries],
            in_rate: vec![0.0; entries],
            exit: self.exit,
            leaving: vec![0.0; self.cells],
            start,
        };
        let mut blocks = generator.blocks(&mut count);
        blocks.par_iter_mut().for_each(|block| block.fill(&lists));
        generator.compress(&count);
        if planted(Fault::OneSided) {
            let middle = generator.in_rate.len() / 2;
            generator.in_rate[middle] = 0.0;
        }
        if planted(Fault::Leak) {
            generator.leaving[0] += 1e-6;
        }
        generator
    }
}

/// Edges with the range of cells that they touch.
struct EdgeList<'a> {
    edges: &'a [RateEdge],
    lowest: usize,
    highest: usize,
}

impl<'a> EdgeList<'a> {
    fn new(edges: &'a [RateEdge]) -> Option<Self> {
        let lowest = edges.iter().map(|edge| edge.0.min(edge.1)).min()?;
        let highest = edges.iter().map(|edge| edge.0.max(edge.1)).max()?;
        Some(Self { edges, lowest: lowest as usize, highest: highest as usize })
    }
}

/// Calls `entry` with (row − first, neighbour, rate out, rate in) for both ends of every edge in the rows from `first`.
fn each_entry(lists: &[EdgeList], first: usize, rows: usize, mut entry: impl FnMut(usize, u32, f64, f64)) {
    for list in lists.iter().filter(|list| list.lowest < first + rows && list.highest >= first) {
        for &(i, j, forward, backward) in list.edges.iter().filter(|edge| edge.2 > 0.0 || edge.3 > 0.0) {
            if let Some(row) = (i as usize).checked_sub(first).filter(|&row| row < rows) {
                entry(row, j, forward, backward);
            }
            if let Some(row) = (j as usize).checked_sub(first).filter(|&row| row < rows) {
                entry(row, i, backward, forward);
            }
        }
    }
}

/// The rows of one task of [`GeneratorBuilder::finish`].
struct Block<'a> {
    first: usize,
    start: &'a [usize],
    count: &'a mut [usize],
    neighbour: &'a mut [u32],
    out_rate: &'a mut [f64],
    in_rate: &'a mut [f64],
    exit: &'a [f64],
    leaving: &'a mut [f64],
}

impl Block<'_> {
    /// Writes the entries, sorts each row, adds up entries of the same neighbour; `count` receives what is left of each row.
    fn fill(&mut self, lists: &[EdgeList]) {
        let offset = self.start[0];
        self.count.fill(0);
        each_entry(lists, self.first, self.count.len(), |row, neighbour, out_rate, in_rate| {
            let begin = self.start[row] - offset;
            // insertion sort: edges come nearly in order, rows are short
            let mut at = begin + self.count[row];
            while at > begin && self.neighbour[at - 1] > neighbour {
                self.neighbour[at] = self.neighbour[at - 1];
                self.out_rate[at] = self.out_rate[at - 1];
                self.in_rate[at] = self.in_rate[at - 1];
                at -= 1;
            }
            (self.neighbour[at], self.out_rate[at], self.in_rate[at]) = (neighbour, out_rate, in_rate);
            self.count[row] += 1;
        });
        for row in 0..self.count.len() {
            let (begin, end) = (self.start[row] - offset, self.start[row + 1] - offset);
            let mut last = begin;
            for at in begin + 1..end {
                if self.neighbour[at] == self.neighbour[last] {
                    self.out_rate[last] += self.out_rate[at];
                    self.in_rate[last] += self.in_rate[at];
                } else {
                    last += 1;
                    self.neighbour[last] = self.neighbour[at];
                    self.out_rate[last] = self.out_rate[at];
                    self.in_rate[last] = self.in_rate[at];
                }
            }
            self.count[row] = if end > begin { last + 1 - begin } else { 0 };
            self.leaving[row] = self.out_rate[begin..begin + self.count[row]].iter().sum::<f64>() + self.exit[row];
        }
    }
}

impl Generator {
    /// The rows in blocks that can be written at the same time.
    fn blocks<'a>(&'a mut self, count: &'a mut [usize]) -> Vec<Block<'a>> {
        let (mut neighbour, mut out_rate, mut in_rate) =
            (&mut self.neighbour[..], &mut self.out_rate[..], &mut self.in_rate[..]);
        let parts = count.chunks_mut(BLOCK).zip(self.leaving.chunks_mut(BLOCK)).zip(self.exit.chunks(BLOCK));
        let mut out = Vec::new();
        for (block, ((count, leaving), exit)) in parts.enumerate() {
            let first = block * BLOCK;
            let start = &self.start[first..=first + count.len()];
            let entries = start[count.len()] - start[0];
            let (a, b, c);
            (a, neighbour) = neighbour.split_at_mut(entries);
            (b, out_rate) = out_rate.split_at_mut(entries);
            (c, in_rate) = in_rate.split_at_mut(entries);
            out.push(Block { first, start, count, neighbour: a, out_rate: b, in_rate: c, exit, leaving });
        }
        out
    }

    /// Closes the gaps that merged entries left; `count` entries of each row are valid.
    fn compress(&mut self, count: &[usize]) {
        let mut end = 0;
        for row in 0..self.cells {
            let begin = self.start[row];
            if begin != end {
                self.neighbour.copy_within(begin..begin + count[row], end);
                self.out_rate.copy_within(begin..begin + count[row], end);
                self.in_rate.copy_within(begin..begin + count[row], end);
            }
            self.start[row] = end;
            end += count[row];
        }
        self.start[self.cells] = end;
        self.neighbour.truncate(end);
        self.out_rate.truncate(end);
        self.in_rate.truncate(end);
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
    /// Q as a sparse matrix (n×n) by rows: row i is the cell that is left, column j the one that is reached, Q_ij = K(i → j) ≥ 0 in
    /// 1/time, Q_ii = −Σ_j K(i → j) − exit_i; rates that are 0 are left out. dp/dt = Qᵀp, Qᵀπ = 0; rows sum to −exit.
    pub fn to_csr(&self) -> CsMat<f64> {
        let n = self.cells;
        let (mut start, mut column, mut value) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            let (cells, rates) = self.outgoing(i);
            let below = cells.partition_point(|&j| (j as usize) < i);
            let rates = cells.iter().map(|&j| j as usize).zip(rates.iter().copied());
            let (before, after) = (rates.clone().take(below), rates.skip(below));
            let entries = before.chain([(i, -self.leaving[i])]).chain(after);
            for (j, entry) in entries.filter(|&(_, entry)| entry != 0.0) {
                column.push(j);
                value.push(entry);
            }
            start.push(column.len());
        }
        CsMat::new((n, n), start, column, value)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Edges of a 300×200 grid in a scrambled order, some of them twice, in several lists.
    fn scrambled() -> Generator {
        let (n, m) = (300, 200);
        let mut builder = GeneratorBuilder::new(n * m);
        let mut list = Vec::new();
        for k in 0..n * m {
            let cell = (k * 7919) % (n * m);
            let rate = 1.0 + (cell as f64).sin().abs();
            for other in [cell + 1, cell + m, cell + 3 * m + 1] {
                if other < n * m {
                    list.push((cell as u32, other as u32, rate, 0.5 * rate));
                }
            }
            if k % 5 == 0 && cell > 0 {
                list.push((cell as u32, cell as u32 - 1, 0.1 * rate, 0.0));
            }
            if k % 1000 == 0 {
                builder.add_edges(std::mem::take(&mut list));
            }
        }
        builder.add_edges(list);
        builder.add_exit(17, 2.0);
        builder.finish()
    }

    #[test]
    fn assembly_and_products_have_the_same_bits_for_every_number_of_threads() {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let generator = scrambled();
                let v: Vec<f64> = (0..generator.cells()).map(|i| (0.01 * i as f64).cos()).collect();
                let (mut forward, mut backward) = (v.clone(), v.clone());
                generator.forward(&v, &mut forward);
                generator.backward(&v, &mut backward);
                (generator, forward, backward)
            })
        };
        let (one, forward, backward) = with(1);
        for threads in [2, 3] {
            let (other, f, b) = with(threads);
            assert!(other.start == one.start && other.neighbour == one.neighbour && other.out_rate == one.out_rate);
            assert!(other.in_rate == one.in_rate && other.leaving == one.leaving && f == forward && b == backward);
        }
    }

    #[test]
    fn the_sparse_matrix_is_q() {
        let generator = scrambled();
        let (n, q) = (generator.cells(), generator.to_csr());
        assert!(q.is_csr() && q.shape() == (n, n) && q.nnz() > generator.rates() / 2);
        assert_eq!(
            q.get(5, 6).copied(),
            generator.outgoing(5).0.iter().position(|&j| j == 6).map(|k| generator.outgoing(5).1[k])
        );
        let product = |q: sprs::CsMatView<f64>, v: &[f64]| {
            let mut out = vec![0.0; n];
            sprs::prod::mul_acc_mat_vec_csr(q, v, &mut out);
            out
        };
        let size = generator.leaving().iter().copied().fold(0.0, f64::max);
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13 * size);
        let minus_exit: Vec<f64> = generator.exit().iter().map(|rate| -rate).collect();
        assert!(close(&product(q.view(), &vec![1.0; n]), &minus_exit), "rows sum to minus the exit rate");
        let v: Vec<f64> = (0..n).map(|i| (0.01 * i as f64).cos()).collect();
        let mut own = vec![0.0; n];
        generator.backward(&v, &mut own);
        assert!(close(&product(q.view(), &v), &own));
        generator.forward(&v, &mut own);
        assert!(close(&product(q.transpose_view().to_csr().view(), &v), &own));
    }

    #[test]
    fn rows_are_sorted_merged_and_transposes_of_each_other() {
        let generator = scrambled();
        let mut doubled = 0;
        for i in (0..generator.cells()).step_by(37) {
            let (cells, rates) = generator.outgoing(i);
            assert!(cells.windows(2).all(|pair| pair[0] < pair[1]));
            let leaving = rates.iter().sum::<f64>() + generator.exit()[i];
            assert!((leaving - generator.leaving()[i]).abs() < 1e-12);
            for (&j, &rate) in cells.iter().zip(rates) {
                let (back, into) = generator.incoming(j as usize);
                assert_eq!(into[back.binary_search(&(i as u32)).unwrap()], rate);
                let single = 1.0 + (i as f64).sin().abs();
                doubled +=
                    usize::from(j as usize + 1 == i && rate > 0.5 * (1.0 + (f64::from(j)).sin().abs()) + 0.05 * single);
            }
        }
        assert!(doubled > 100, "{doubled}");
    }
}
