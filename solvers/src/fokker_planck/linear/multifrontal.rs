//! Sparse direct solver for grids of 2 and 3 axes: multifrontal elimination along a nested dissection.
//!
//! I. S. Duff & J. K. Reid, doi:10.1145/356044.356047, without pivoting and without subtraction (see the module above).

use std::sync::Arc;

use super::dissection::{Dissection, Node};
use super::front::{Front, axpy, dot};
use super::solver::{LinearSolver, Needed, Needs, PreparedSolver, ShiftedSolver, check_shift, proceed, singular};
use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::fokker_planck::generator::Generator;
use crate::numerics::lanes::dispatch;

/// Entry of the table of linear solvers.
pub const SOLVER: LinearSolver = LinearSolver {
    name: "multifrontal",
    about: "sparse direct elimination along a nested dissection, subtraction-free",
    applies: |_, shape| expected_bytes(shape) <= LARGEST,
    needs,
    prepare: |generator, shape, _| Box::new(Prepared::new(generator, shape)),
};

/// Largest size of the factors; larger ones are refused before anything is allocated.
pub const LARGEST: f64 = 4e9;

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

impl PreparedSolver for Prepared {
    fn name(&self) -> &'static str {
        SOLVER.name
    }
    fn factor(&self, c: f64, gamma: f64, interrupt: Interrupt) -> Result<Box<dyn ShiftedSolver>, Error> {
        check_shift(SOLVER.name, c, gamma)?;
        check_size(&self.tree)?;
        let factored = Multifrontal::factor(&self.generator, &self.tree, c, gamma, interrupt)?;
        if factored.blocks.iter().any(|block| block.inverse_pivot.iter().any(|p| !p.is_finite())) {
            return Err(singular(SOLVER.name));
        }
        Ok(Box::new(factored))
    }
    fn cost(&self) -> (f64, f64) {
        let (multiplications, entries) = self.tree.work();
        if 8.0 * entries > LARGEST {
            return (f64::INFINITY, f64::INFINITY);
        }
        (1.1e-10 * multiplications + 1e-6 * self.generator.cells() as f64, 2e-9 * entries)
    }
}

/// Size of the factors to expect for the usual stencils: N log N in two dimensions, N^(4/3) in three.
fn expected_bytes(shape: &[usize]) -> f64 {
    let cells: f64 = shape.iter().map(|&n| n as f64).product();
    // a thin third axis makes no third dimension
    let thinnest = shape.iter().copied().min().unwrap_or(1) as f64;
    let flat = 44.0 * cells * cells.max(2.0).log2();
    if shape.len() < 3 { flat } else { (172.0 * cells.powf(4.0 / 3.0)).min(flat * thinnest) }
}

/// Multiplications go like N^1.5 in two dimensions, N² in three; constants as measured.
fn needs(needed: &Needed) -> Needs {
    let cells = needed.cells();
    let thinnest = needed.shape.iter().copied().min().unwrap_or(1) as f64;
    let flat = 3e-9 * cells.powf(1.5);
    let work = if needed.shape.len() < 3 { flat } else { (6e-10 * cells * cells).min(flat * thinnest.powf(1.5)) };
    let factors = expected_bytes(needed.shape);
    // the tree, and the fronts that are open at once
    let bytes = 1.15 * factors + 80.0 * cells;
    Needs { bytes, factor: work + 1.2e-6 * cells, solve: 2.5e-10 * factors }
}

/// Whether the factors along this tree stay below [`LARGEST`].
pub(crate) fn fits(tree: &Dissection) -> bool {
    8.0 * tree.work().1 <= LARGEST
}

/// Errors: the factors along this tree would be larger than [`LARGEST`].
fn check_size(tree: &Dissection) -> Result<(), Error> {
    let bytes = 8.0 * tree.work().1;
    if bytes <= LARGEST {
        return Ok(());
    }
    Err(Error::numerical(
        SOLVER.name,
        "before it allocated anything",
        format!("the factors would take {:.0} GB, more than the {:.0} GB allowed", bytes / 1e9, LARGEST / 1e9),
        "use fewer cells, or the integrator \"polynomial\", which needs no factors",
    )
    .set_by(&[Setting::Integrator]))
}

/// What is kept of a front: `lower` (pivots + border) × pivots or pivots × pivots, its upper triangle being U's; `upper` pivots × border.
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
    /// Eliminates all cells; a singular matrix gives infinite inverse pivots, one for each closed class without exit. Errors:
    /// [`Error::Interrupted`].
    pub fn factor(
        generator: &Generator,
        tree: &Arc<Dissection>,
        c: f64,
        gamma: f64,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        Self::eliminate(&Shifted { generator, tree, c, gamma, back_only: false, interrupt })
    }

    /// ln π (shifted to maximum 0) where Qᵀπ = 0 for a generator with one closed class: back substitution in logs from the class's
    /// last cell, every entry right to about N·10⁻¹⁶ relative. Only the factor that it needs is kept. Errors: [`Error::Interrupted`].
    pub(crate) fn log_stationary(
        generator: &Generator,
        tree: &Arc<Dissection>,
        interrupt: Interrupt,
    ) -> Result<Vec<f64>, Error> {
        let matrix = Shifted { generator, tree, c: 0.0, gamma: 1.0, back_only: true, interrupt };
        Ok(Self::eliminate(&matrix)?.log_null_vector())
    }

    fn eliminate(matrix: &Shifted) -> Result<Self, Error> {
        let tree = matrix.tree;
        let mut blocks: Vec<Block> = tree.nodes.iter().map(|_| Block::default()).collect();
        if let Some(root) = tree.nodes.len().checked_sub(1) {
            matrix.eliminate(root, &mut blocks)?;
        }
        Ok(Self { tree: tree.clone(), blocks })
    }

    /// Up the tree with `forward`, down with `back`.
    fn sweep(&self, x: &mut [f64], forward: ForwardKernel, back: BackKernel) {
        let mut y: Vec<f64> = self.tree.order.iter().map(|&cell| x[cell as usize]).collect();
        let mut outer = Vec::new();
        let nodes = || self.tree.nodes.iter().zip(&self.blocks).filter(|(node, _)| node.pivots > 0);
        for (node, block) in nodes() {
            outer.clear();
            outer.resize(node.border.len(), 0.0);
            let own = &mut y[node.first..node.first + node.pivots];
            forward(own.len() + outer.len(), block, own, &mut outer);
            node.border.iter().zip(&outer).for_each(|(&at, value)| y[at as usize] += value);
        }
        for (node, block) in nodes().rev() {
            outer.clear();
            outer.extend(node.border.iter().map(|&at| y[at as usize]));
            let own = &mut y[node.first..node.first + node.pivots];
            back(own.len() + outer.len(), block, &outer, own);
        }
        self.tree.order.iter().zip(&y).for_each(|(&cell, &value)| x[cell as usize] = value);
    }

    /// See [`Multifrontal::log_stationary`].
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

type ForwardKernel = fn(usize, &Block, &mut [f64], &mut [f64]);
type BackKernel = fn(usize, &Block, &[f64], &mut [f64]);

struct Shifted<'a> {
    generator: &'a Generator,
    tree: &'a Arc<Dissection>,
    c: f64,
    gamma: f64,
    /// Whether of L only the rows of the pivots are kept: what back substitution needs.
    back_only: bool,
    interrupt: Interrupt<'a>,
}

impl Shifted<'_> {
    /// Eliminates the subtree of `node`, whose blocks are `blocks`; returns the front that is left over its border.
    fn eliminate(&self, node: usize, blocks: &mut [Block]) -> Result<Front, Error> {
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
                self.extend_add(left, &a?, here, &mut front);
                self.extend_add(right, &b?, here, &mut front);
            }
            [only] => {
                let rest = self.eliminate(only, below)?;
                self.extend_add(only, &rest, here, &mut front);
            }
            _ => {}
        }
        proceed(self.interrupt)?;
        let inverse_pivot = front.eliminate(here.pivots);
        let height = if self.back_only { here.pivots } else { front.columns };
        own[0] = store(&front, here.pivots, height, inverse_pivot);
        Ok(remainder(&front, here.pivots))
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

fn store(front: &Front, pivots: usize, height: usize, inverse_pivot: Vec<f64>) -> Block {
    let rows = front.rows();
    let (head, tail) = front.value.split_at(pivots * rows);
    let mut lower = Vec::with_capacity(pivots * height);
    let mut upper = Vec::with_capacity(pivots * (front.columns - pivots));
    head.chunks_exact(rows).for_each(|column| lower.extend_from_slice(&column[..height]));
    tail.chunks_exact(rows).for_each(|column| upper.extend_from_slice(&column[..pivots]));
    Block { lower, upper, inverse_pivot }
}

fn remainder(front: &Front, pivots: usize) -> Front {
    let rows = front.rows();
    let columns = front.columns - pivots;
    let mut value = Vec::with_capacity(columns * (columns + 1));
    front.value[pivots * rows..].chunks_exact(rows).for_each(|column| value.extend_from_slice(&column[pivots..]));
    Front { columns, value }
}

/// x_k = (x_k + Σ_{j>k} a(j→k) x_j)/p_k over the border (`outer`) and the later pivots; 1 where p_k = 0.
fn back_substitute(node: &Node, block: &Block, outer: &[f64], x: &mut [f64]) {
    if let Some(height) = block.lower.len().checked_div(node.pivots) {
        back_kernel(height, block, outer, x);
    }
}

dispatch! {
    fn back_kernel(height: usize, block: &Block, outer: &[f64], x: &mut [f64]) {
        let p = x.len();
        for (column, &value) in block.upper.chunks_exact(p).zip(outer) {
            axpy(value, column, x);
        }
        for k in (0..p).rev() {
            let inverse = block.inverse_pivot[k];
            let value = if inverse.is_finite() { x[k] * inverse } else { 1.0 };
            x[k] = value;
            axpy(value, &block.lower[k * height..k * height + k], x);
        }
    }
}

dispatch! {
    /// Forward substitution: the node's own entries in place, what goes to the border added to `outer`.
    fn forward_kernel(height: usize, block: &Block, own: &mut [f64], outer: &mut [f64]) {
        let p = own.len();
        for (k, column) in block.lower.chunks_exact(height).enumerate() {
            let value = own[k];
            axpy(value, &column[k + 1..p], &mut own[k + 1..]);
            axpy(value, &column[p..], outer);
        }
    }
}

dispatch! {
    /// Forward substitution with the transpose.
    fn forward_transposed(height: usize, block: &Block, own: &mut [f64], outer: &mut [f64]) {
        let p = own.len();
        for k in 0..p {
            let sum = dot(&block.lower[k * height..k * height + k], own);
            own[k] = (own[k] + sum) * block.inverse_pivot[k];
        }
        for (outer, column) in outer.iter_mut().zip(block.upper.chunks_exact(p)) {
            *outer = dot(column, own);
        }
    }
}

dispatch! {
    /// Back substitution with the transpose.
    fn back_transposed(height: usize, block: &Block, outer: &[f64], own: &mut [f64]) {
        let p = own.len();
        for k in (0..p).rev() {
            let column = &block.lower[k * height..(k + 1) * height];
            own[k] += dot(&column[k + 1..p], &own[k + 1..]) + dot(&column[p..], outer);
        }
    }
}

impl ShiftedSolver for Multifrontal {
    fn solve(&self, x: &mut [f64], _: Interrupt) -> Result<(), Error> {
        self.sweep(x, forward_kernel, back_kernel);
        Ok(())
    }

    fn solve_backward(&self, x: &mut [f64], _: Interrupt) -> Result<(), Error> {
        self.sweep(x, forward_transposed, back_transposed);
        Ok(())
    }

    fn bytes(&self) -> usize {
        8 * self.blocks.iter().map(|b| b.lower.len() + b.upper.len() + b.inverse_pivot.len()).sum::<usize>()
    }
}
