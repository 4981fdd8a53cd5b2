//! Sparse direct solver for grids of 2 and 3 axes: multifrontal elimination along a nested dissection.
//!
//! I. S. Duff & J. K. Reid, doi:10.1145/356044.356047, without pivoting and without subtraction (see the module above).

use std::sync::Arc;

use super::dissection::{Dissection, Node};
use super::front::Front;
use super::{LinearMethod, Method, ShiftedSolver, check_shift, singular};
use crate::Error;
use crate::fokker_planck::Generator;

/// Entry of the table of linear solvers.
pub const METHOD: Method = Method {
    name: "multifrontal",
    about: "sparse direct elimination along a nested dissection, subtraction-free",
    applies: |_, _| true,
    prepare: |generator, shape| Box::new(Prepared::new(generator, shape)),
};

/// Subtrees with fewer pivots than this are not split over threads.
const TASK: usize = 4000;

struct Prepared {
    generator: Arc<Generator>,
    tree: Arc<Dissection>,
}

impl Prepared {
    fn new(generator: &Arc<Generator>, shape: &[usize]) -> Self {
        Self { generator: generator.clone(), tree: Arc::new(Dissection::new(generator, shape)) }
    }
}

impl LinearMethod for Prepared {
    fn name(&self) -> &'static str {
        METHOD.name
    }
    fn factor(&self, c: f64, gamma: f64) -> Result<Box<dyn ShiftedSolver>, Error> {
        check_shift(METHOD.name, c, gamma)?;
        let factored = Multifrontal::factor(&self.generator, &self.tree, c, gamma);
        if factored.blocks.iter().any(|block| block.inverse_pivot.iter().any(|p| !p.is_finite())) {
            return Err(singular(METHOD.name));
        }
        Ok(Box::new(factored))
    }
    fn cost(&self) -> (f64, f64) {
        let (multiplications, entries) = self.tree.work();
        (1.2e-10 * multiplications + 1e-6 * self.generator.cells() as f64, 8e-10 * entries)
    }
}

/// What is kept of a front: `lower` (pivots + border) × pivots, its upper triangle being U's; `upper` pivots × border.
#[derive(Default)]
struct Block {
    lower: Vec<f64>,
    upper: Vec<f64>,
    inverse_pivot: Vec<f64>,
}

/// Factors of c I − γ Qᵀ.
pub struct Multifrontal {
    tree: Arc<Dissection>,
    blocks: Vec<Block>,
}

impl Multifrontal {
    /// Eliminates all cells; a singular matrix gives infinite inverse pivots, one for each closed class without exit.
    pub fn factor(generator: &Generator, tree: &Arc<Dissection>, c: f64, gamma: f64) -> Self {
        let mut blocks: Vec<Block> = tree.nodes.iter().map(|_| Block::default()).collect();
        if let Some(root) = tree.nodes.len().checked_sub(1) {
            let matrix = Shifted { generator, tree, c, gamma };
            matrix.eliminate(root, &mut blocks);
        }
        Self { tree: tree.clone(), blocks }
    }

    fn permuted(&self, x: &mut [f64], work: impl Fn(&mut [f64])) {
        let mut y: Vec<f64> = self.tree.order.iter().map(|&cell| x[cell as usize]).collect();
        work(&mut y);
        self.tree.order.iter().zip(&y).for_each(|(&cell, &value)| x[cell as usize] = value);
    }

    /// ln π (shifted to maximum 0) where Qᵀπ = 0, from factors with c = 0 of a generator with one closed class: back
    /// substitution in logs from the class's last cell, every entry right to about N·10⁻¹⁶ relative.
    pub(crate) fn log_null_vector(&self) -> Vec<f64> {
        let n = self.tree.order.len();
        let mut log = vec![f64::NEG_INFINITY; n];
        for (node, block) in self.tree.nodes.iter().zip(&self.blocks).rev() {
            let border = node.border.iter().map(|&at| log[at as usize]);
            let top = border.clone().fold(f64::NEG_INFINITY, f64::max);
            let top = if top.is_finite() { top } else { 0.0 };
            let outer: Vec<f64> = border.map(|l| (l - top).exp()).collect();
            let mut x = vec![0.0; node.pivots];
            back_substitute(node, block, &outer, &mut x);
            for k in 0..node.pivots {
                log[node.first + k] = x[k].ln() + top;
            }
        }
        let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.tree.position.iter().map(|&at| log[at as usize] - top).collect()
    }
}

struct Shifted<'a> {
    generator: &'a Generator,
    tree: &'a Dissection,
    c: f64,
    gamma: f64,
}

impl Shifted<'_> {
    /// Eliminates the subtree of `node`, whose blocks are `blocks`; returns the front that is left over its border.
    fn eliminate(&self, node: usize, blocks: &mut [Block]) -> Front {
        let here = &self.tree.nodes[node];
        let (below, own) = blocks.split_at_mut(here.subtree - 1);
        let mut front = Front::zeros(here.pivots + here.border.len());
        self.assemble(here, &mut front);
        match here.children[..] {
            [left, right] => {
                let (a, b) = below.split_at_mut(self.tree.nodes[left].subtree);
                let large = self.tree.nodes[node].first - self.first_of(node) > TASK;
                let (mut run_a, mut run_b) = (|| self.eliminate(left, a), || self.eliminate(right, b));
                let (a, b) = if large { rayon::join(run_a, run_b) } else { (run_a(), run_b()) };
                self.extend_add(left, &a, here, &mut front);
                self.extend_add(right, &b, here, &mut front);
            }
            [only] => {
                let rest = self.eliminate(only, below);
                self.extend_add(only, &rest, here, &mut front);
            }
            _ => {}
        }
        let inverse_pivot = front.eliminate(here.pivots);
        own[0] = store(&front, here.pivots, inverse_pivot);
        remainder(front, here.pivots)
    }

    fn first_of(&self, node: usize) -> usize {
        self.tree.nodes[node + 1 - self.tree.nodes[node].subtree].first
    }

    fn assemble(&self, node: &Node, front: &mut Front) {
        let local = |position: usize| -> Option<usize> {
            if position < node.first {
                return None;
            }
            if position < node.first + node.pivots {
                return Some(position - node.first);
            }
            node.border.binary_search(&(position as u32)).ok().map(|at| node.pivots + at)
        };
        for k in 0..node.pivots {
            let cell = self.tree.order[node.first + k] as usize;
            let (targets, rates) = self.generator.outgoing(cell);
            for (&target, &rate) in targets.iter().zip(rates) {
                if let Some(row) = local(self.tree.position[target as usize] as usize) {
                    front.add(row, k, self.gamma * rate);
                }
            }
            let (sources, rates) = self.generator.incoming(cell);
            for (&source, &rate) in sources.iter().zip(rates) {
                let column = local(self.tree.position[source as usize] as usize);
                if let Some(column) = column.filter(|&column| column >= node.pivots) {
                    front.add(k, column, self.gamma * rate);
                }
            }
            front.add(front.rows() - 1, k, self.c + self.gamma * self.generator.exit()[cell]);
        }
    }

    fn extend_add(&self, child: usize, rest: &Front, node: &Node, front: &mut Front) {
        let mut place = Vec::with_capacity(rest.columns + 1);
        let mut at = 0;
        for &position in &self.tree.nodes[child].border {
            let position = position as usize;
            if position < node.first + node.pivots {
                place.push(position - node.first);
                continue;
            }
            while (node.border[at] as usize) < position {
                at += 1;
            }
            place.push(node.pivots + at);
        }
        place.push(front.columns);
        let rows = front.rows();
        for (column, source) in rest.value.chunks_exact(rest.rows()).enumerate() {
            let target = &mut front.value[place[column] * rows..(place[column] + 1) * rows];
            for (&row, &value) in place.iter().zip(source) {
                target[row] += value;
            }
        }
    }
}

fn store(front: &Front, pivots: usize, inverse_pivot: Vec<f64>) -> Block {
    let rows = front.rows();
    let (head, tail) = front.value.split_at(pivots * rows);
    let lower = head.chunks_exact(rows).flat_map(|column| column[..rows - 1].iter().copied()).collect();
    let upper = tail.chunks_exact(rows).flat_map(|column| column[..pivots].iter().copied()).collect();
    Block { lower, upper, inverse_pivot }
}

fn remainder(front: Front, pivots: usize) -> Front {
    let rows = front.rows();
    let columns = front.columns - pivots;
    let tail = &front.value[pivots * rows..];
    let value = tail.chunks_exact(rows).flat_map(|column| column[pivots..].iter().copied()).collect();
    Front { columns, value }
}

/// x_k = (x_k + Σ_{j>k} a(j→k) x_j)/p_k over the border (`outer`) and the later pivots; 1 where p_k = 0.
fn back_substitute(node: &Node, block: &Block, outer: &[f64], x: &mut [f64]) {
    if node.pivots == 0 {
        return;
    }
    let (p, height) = (node.pivots, node.pivots + node.border.len());
    for (column, &value) in block.upper.chunks_exact(p).zip(outer) {
        x.iter_mut().zip(column).for_each(|(x, u)| *x += u * value);
    }
    for k in (0..p).rev() {
        let inverse = block.inverse_pivot[k];
        let value = if inverse.is_finite() { x[k] * inverse } else { 1.0 };
        x[k] = value;
        let column = &block.lower[k * height..k * height + k];
        x.iter_mut().zip(column).for_each(|(x, u)| *x += u * value);
    }
}

impl ShiftedSolver for Multifrontal {
    fn solve(&self, x: &mut [f64]) -> Result<(), Error> {
        self.permuted(x, |y| {
            let mut outer = Vec::new();
            for (node, block) in self.tree.nodes.iter().zip(&self.blocks) {
                let (p, height) = (node.pivots, node.pivots + node.border.len());
                outer.clear();
                outer.resize(node.border.len(), 0.0);
                let own = &mut y[node.first..node.first + p];
                for (k, column) in block.lower.chunks_exact(height.max(1)).enumerate() {
                    let value = own[k];
                    own[k + 1..].iter_mut().zip(&column[k + 1..p]).for_each(|(y, l)| *y += l * value);
                    outer.iter_mut().zip(&column[p..]).for_each(|(y, l)| *y += l * value);
                }
                node.border.iter().zip(&outer).for_each(|(&at, value)| y[at as usize] += value);
            }
            for (node, block) in self.tree.nodes.iter().zip(&self.blocks).rev() {
                outer.clear();
                outer.extend(node.border.iter().map(|&at| y[at as usize]));
                back_substitute(node, block, &outer, &mut y[node.first..node.first + node.pivots]);
            }
        });
        Ok(())
    }

    fn solve_backward(&self, x: &mut [f64]) -> Result<(), Error> {
        self.permuted(x, |y| {
            for (node, block) in self.tree.nodes.iter().zip(&self.blocks) {
                let (p, height) = (node.pivots, node.pivots + node.border.len());
                for k in 0..p {
                    let (before, after) = y[node.first..].split_at_mut(k);
                    let column = &block.lower[k * height..k * height + k];
                    after[0] = (after[0] + dot(column, before)) * block.inverse_pivot[k];
                }
                if p > 0 {
                    for (&at, column) in node.border.iter().zip(block.upper.chunks_exact(p)) {
                        y[at as usize] += dot(column, &y[node.first..node.first + p]);
                    }
                }
            }
            let mut outer = Vec::new();
            for (node, block) in self.tree.nodes.iter().zip(&self.blocks).rev() {
                let (p, height) = (node.pivots, node.pivots + node.border.len());
                outer.clear();
                outer.extend(node.border.iter().map(|&at| y[at as usize]));
                for k in (0..p).rev() {
                    let column = &block.lower[k * height..(k + 1) * height];
                    let own = &y[node.first + k + 1..node.first + p];
                    let sum = dot(&column[k + 1..p], own) + dot(&column[p..], &outer);
                    y[node.first + k] += sum;
                }
            }
        });
        Ok(())
    }

    fn bytes(&self) -> usize {
        8 * self.blocks.iter().map(|b| b.lower.len() + b.upper.len() + b.inverse_pivot.len()).sum::<usize>()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b[..a.len()].chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a4.zip(b4) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}
