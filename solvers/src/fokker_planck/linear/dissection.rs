//! Geometric nested dissection: an elimination order for the cells of a grid that keeps fill low, with its tree of fronts.
//!
//! A. George, doi:10.1137/0710032. Boxes are halved across their longest axis; the separator is those cells of one half that
//! have an edge to the other, so stencils of any reach and periodic axes need no special case.

use crate::fokker_planck::generator::Generator;

/// Boxes of at most this many cells are eliminated as one front.
const LEAF: usize = 10;

/// One front: consecutive cells of the elimination order, and the later cells that they touch.
#[derive(Debug, Clone)]
pub struct Node {
    /// Position of the first pivot in the elimination order.
    pub first: usize,
    /// Number of pivots.
    pub pivots: usize,
    /// Number of nodes in the subtree that ends with this node (itself included).
    pub subtree: usize,
    /// Child nodes.
    pub children: Vec<usize>,
    /// Positions after the pivots that the front reaches, ascending.
    pub border: Vec<u32>,
}

/// Elimination order and tree.
#[derive(Debug, Clone)]
pub struct Dissection {
    /// Cell at each position.
    pub order: Vec<u32>,
    /// Position of each cell.
    pub position: Vec<u32>,
    /// Nodes in postorder: a subtree is a run that ends with its root; the last is the root of all.
    pub nodes: Vec<Node>,
}

impl Dissection {
    /// Orders the cells of a grid of the given shape (cells per axis, last axis fastest).
    pub fn new(generator: &Generator, shape: &[usize]) -> Self {
        let n = generator.cells();
        let mut builder = Builder::new(generator, shape);
        let mut cells: Vec<u32> = (0..n as u32).collect();
        let mut upper = [1; 3];
        upper[..shape.len()].copy_from_slice(shape);
        builder.split(&mut cells, [0; 3], upper);
        let (order, nodes) = (builder.order, builder.nodes);
        let mut position = vec![0; n];
        for (at, &cell) in order.iter().enumerate() {
            position[cell as usize] = at as u32;
        }
        let mut dissection = Self { order, position, nodes };
        dissection.find_borders(generator);
        dissection
    }

    fn find_borders(&mut self, generator: &Generator) {
        let mut stamp = vec![u32::MAX; self.order.len()];
        for at in 0..self.nodes.len() {
            let (first, end) = (self.nodes[at].first, self.nodes[at].first + self.nodes[at].pivots);
            let mut border = Vec::new();
            let mut add = |position: u32| {
                if position as usize >= end && stamp[position as usize] != at as u32 {
                    stamp[position as usize] = at as u32;
                    border.push(position);
                }
            };
            for pivot in first..end {
                let cell = self.order[pivot] as usize;
                for &other in generator.outgoing(cell).0.iter().chain(generator.incoming(cell).0) {
                    add(self.position[other as usize]);
                }
            }
            for &child in &self.nodes[at].children {
                self.nodes[child].border.iter().for_each(|&position| add(position));
            }
            border.sort_unstable();
            self.nodes[at].border = border;
        }
    }

    /// Multiplications of a factorisation, and stored entries of L and U together.
    pub fn work(&self) -> (f64, f64) {
        let mut total = (0.0, 0.0);
        for node in &self.nodes {
            let (p, b) = (node.pivots as f64, node.border.len() as f64);
            total.0 += p * p * p / 3.0 + p * p * b + p * b * b;
            total.1 += p * p + 2.0 * p * b;
        }
        total
    }
}

struct Builder<'a> {
    generator: &'a Generator,
    shape: [usize; 3],
    coordinate: Vec<[u16; 3]>,
    reach: [usize; 3],
    wraps: [bool; 3],
    half: Vec<u32>,
    stamp: u32,
    order: Vec<u32>,
    nodes: Vec<Node>,
}

impl<'a> Builder<'a> {
    fn new(generator: &'a Generator, shape: &[usize]) -> Self {
        let n = generator.cells();
        let mut full = [1; 3];
        full[..shape.len()].copy_from_slice(shape);
        let coordinate: Vec<[u16; 3]> = (0..n)
            .map(|cell| {
                let mut rest = cell;
                let mut at = [0; 3];
                for k in (0..shape.len()).rev() {
                    at[k] = (rest % shape[k]) as u16;
                    rest /= shape[k];
                }
                at
            })
            .collect();
        let (mut reach, mut wraps) = ([1; 3], [false; 3]);
        for i in 0..n {
            for &j in generator.outgoing(i).0 {
                for k in 0..shape.len() {
                    let distance = coordinate[i][k].abs_diff(coordinate[j as usize][k]) as usize;
                    if 2 * distance > full[k] && full[k] > 2 {
                        wraps[k] = true;
                    } else {
                        reach[k] = reach[k].max(distance);
                    }
                }
            }
        }
        Self {
            generator,
            shape: full,
            coordinate,
            reach,
            wraps,
            half: vec![0; n],
            stamp: 0,
            order: Vec::with_capacity(n),
            nodes: Vec::new(),
        }
    }

    /// Orders `cells`, which lie in the box [lower, upper); returns the node of their last front, if there are any.
    fn split(&mut self, cells: &mut [u32], lower: [usize; 3], upper: [usize; 3]) -> Option<usize> {
        let longest = (0..3).max_by_key(|&k| (upper[k] - lower[k], k)).unwrap_or(0);
        if cells.len() <= LEAF || upper[longest] - lower[longest] < 2 {
            return (!cells.is_empty()).then(|| self.push(cells, Vec::new()));
        }
        let middle = lower[longest] + (upper[longest] - lower[longest]) / 2;
        let cut = partition(cells, |cell| (self.coordinate[cell as usize][longest] as usize) < middle);
        let (left, right) = cells.split_at_mut(cut);
        self.stamp += 1;
        right.iter().for_each(|&cell| self.half[cell as usize] = self.stamp);
        let all = self.wraps[longest] && upper[longest] - lower[longest] == self.shape[longest];
        let near = middle.saturating_sub(self.reach[longest]);
        let inner = partition(left, |cell| {
            let far = (self.coordinate[cell as usize][longest] as usize) < near;
            (far && !all) || !self.touches_right(cell)
        });
        let (left, separator) = left.split_at_mut(inner);
        let (mut left_upper, mut right_lower) = (upper, lower);
        (left_upper[longest], right_lower[longest]) = (middle, middle);
        let children = [self.split(left, lower, left_upper), self.split(right, right_lower, upper)];
        let children: Vec<usize> = children.into_iter().flatten().collect();
        if separator.is_empty() && children.len() == 1 {
            return Some(children[0]);
        }
        Some(self.push(separator, children))
    }

    fn touches_right(&self, cell: u32) -> bool {
        let hit = |&other: &u32| self.half[other as usize] == self.stamp;
        self.generator.outgoing(cell as usize).0.iter().any(hit)
            || self.generator.incoming(cell as usize).0.iter().any(hit)
    }

    fn push(&mut self, pivots: &[u32], children: Vec<usize>) -> usize {
        let subtree = 1 + children.iter().map(|&child| self.nodes[child].subtree).sum::<usize>();
        let first = self.order.len();
        self.order.extend_from_slice(pivots);
        self.nodes.push(Node { first, pivots: pivots.len(), subtree, children, border: Vec::new() });
        self.nodes.len() - 1
    }
}

/// Moves the cells that satisfy `keep` to the front, both groups in their old order; returns how many there are.
fn partition(cells: &mut [u32], keep: impl Fn(u32) -> bool) -> usize {
    let mut rest = Vec::new();
    let mut kept = 0;
    for at in 0..cells.len() {
        let cell = cells[at];
        if keep(cell) {
            cells[kept] = cell;
            kept += 1;
        } else {
            rest.push(cell);
        }
    }
    cells[kept..].copy_from_slice(&rest);
    kept
}
