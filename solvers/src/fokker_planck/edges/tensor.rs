//! Edges on Selling offsets for a full tensor A on a uniform grid.
//!
//! In index units M_ij = A_ij/(h_i h_j) and β_i = (b − ∇·A)_i/h_i. At each node M γ + c = β, with the remainder c only where M
//! is singular; an edge of offset e has the exponent p = ∫ γ·e, and c is carried by upwind axis edges.

use rayon::prelude::*;

use super::diagonal::Edges;
use super::exponent::edge_integrals;
use super::jump::{FASTER, Jump, NOTICEABLE, distance};
use super::local_slope::{Node, solve_node};
use super::weight::rates;
use crate::fokker_planck::stencil::coefficients::{CHUNK, CellCoefficients, at_points};
use crate::fokker_planck::stencil::lattice::{Lattice, Offset, Step};
use crate::fokker_planck::stencil::selling::{MAX_OFFSETS, selling};
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::dynamics::{Dynamics, lengths};
use crate::problem::grid::Grid;

/// What is kept of every cell.
pub struct Stencil {
    slots: usize,
    offsets: Vec<Offset>,
    weights: Vec<f64>,
    added: Vec<f64>,
    nodes: Vec<Node>,
}

struct TensorEdge {
    from: usize,
    to: Option<usize>,
    offset: [f64; 3],
    weight: f64,
    added: f64,
    to_node: Node,
}

/// The problem as the assembly sees it.
pub struct Tensor<'a> {
    pub dynamics: &'a dyn Dynamics,
    pub temperature: f64,
    pub grid: &'a Grid,
    pub spacing: [f64; 3],
    pub stencil: Stencil,
    pub cells: &'a CellCoefficients,
}

impl Stencil {
    /// Decomposes A of every cell.
    pub fn new(grid: &Grid, cells: &CellCoefficients, max_radius: usize) -> Self {
        let (d, n) = (grid.dimension(), grid.len());
        let slots = packed_len(d).min(MAX_OFFSETS);
        let h = spacing(grid);
        let mut out = Self {
            slots,
            offsets: vec![[0; 3]; slots * n],
            weights: vec![0.0; slots * n],
            added: vec![0.0; n],
            nodes: vec![Node::default(); n],
        };
        let offsets = out.offsets.par_chunks_mut(slots);
        let weights = out.weights.par_chunks_mut(slots);
        let rest = out.added.par_iter_mut().zip(&mut out.nodes);
        offsets.zip(weights).zip(rest).enumerate().for_each(|(i, ((offsets, weights), (added, node)))| {
            let a = &cells.diffusion[i * packed_len(d)..(i + 1) * packed_len(d)];
            let m = index_units(d, a, &h);
            let found = selling(d, &m, max_radius);
            offsets.copy_from_slice(&found.offsets[..slots]);
            weights.copy_from_slice(&found.weights[..slots]);
            *added = found.added;
            let mut beta = [0.0; 3];
            for k in 0..d {
                beta[k] = (cells.drift[i * d + k] - cells.divergence[i * d + k]) / h[k];
            }
            *node = solve_node(d, &m, found.added, beta);
        });
        out
    }

    fn of(&self, cell: usize) -> impl Iterator<Item = (Offset, f64)> {
        let range = cell * self.slots..(cell + 1) * self.slots;
        let pairs = self.offsets[range.clone()].iter().copied().zip(self.weights[range].iter().copied());
        pairs.filter(|&(_, weight)| weight > 0.0)
    }

    fn weight(&self, cell: usize, offset: Offset) -> f64 {
        self.of(cell).find(|&(e, _)| e == offset).map_or(0.0, |(_, weight)| weight)
    }

    /// Largest component of all offsets in use.
    pub fn radius(&self) -> usize {
        self.offsets.par_iter().flatten().map(|c| c.unsigned_abs() as usize).max().unwrap_or(0)
    }

    /// Number of cells that were given additional diffusion, and the largest relative to the trace of M (`cells` gives A).
    pub fn added(&self, grid: &Grid, cells: &CellCoefficients) -> (usize, f64) {
        let (d, h) = (grid.dimension(), spacing(grid));
        let mut worst: f64 = 0.0;
        let mut count = 0;
        for (i, &added) in self.added.iter().enumerate().filter(|&(_, &added)| added > 0.0) {
            let m = index_units(d, &cells.diffusion[i * packed_len(d)..(i + 1) * packed_len(d)], &h);
            let trace: f64 = (0..d).map(|k| m[packed_index(d, k, k)]).sum();
            worst = worst.max(added / trace);
            count += 1;
        }
        (count, worst)
    }

    /// Number of cells where the drift is not in the range of A.
    pub fn singular(&self) -> usize {
        self.nodes.iter().filter(|node| node.rest != [0.0; 3]).count()
    }
}

/// Spacings of a uniform grid; 1 beyond the dimension.
pub fn spacing(grid: &Grid) -> [f64; 3] {
    let mut h = [1.0; 3];
    for (h, axis) in h.iter_mut().zip(grid.axes()) {
        *h = axis.spacing();
    }
    h
}

/// A_ij/(h_i h_j), packed: A in units of the cells.
pub fn index_units(d: usize, a: &[f64], h: &[f64; 3]) -> [f64; 6] {
    let mut m = [0.0; 6];
    for i in 0..d {
        for j in i..d {
            let c = packed_index(d, i, j);
            m[c] = a[c] / (h[i] * h[j]);
        }
    }
    m
}

impl Tensor<'_> {
    /// All edges, chunk by chunk.
    pub fn edges(&self) -> Vec<Edges> {
        let chunks: Vec<usize> = (0..self.grid.len()).step_by(CHUNK).collect();
        chunks.par_iter().map(|&first| self.chunk(first)).collect()
    }

    fn chunk(&self, first: usize) -> Edges {
        let last = (first + CHUNK).min(self.grid.len());
        let listed = self.list(first, last);
        let mut out = self.fitted(listed);
        for cell in first..last {
            self.upwind(cell, &mut out);
        }
        out
    }

    /// Rates of the given edges by exponential fitting.
    fn fitted(&self, mut edges: Vec<TensorEdge>) -> Edges {
        self.wall_nodes(&mut edges);
        let left: Vec<f64> = edges.iter().map(|e| inner(&self.stencil.nodes[e.from].gamma, &e.offset)).collect();
        let right: Vec<f64> = edges.iter().map(|e| inner(&e.to_node.gamma, &e.offset)).collect();
        let exponents = edge_integrals(&left, &right, |which, t| {
            let nodes = self.nodes_along(&edges, which, t);
            which.iter().zip(nodes).map(|(&e, node)| inner(&node.gamma, &edges[e].offset)).collect()
        });
        let mut out = Edges::none(0);
        for (i, (edge, smooth)) in edges.iter().zip(exponents).enumerate() {
            let p = self.jump(edge).map_or(smooth, |jump| {
                let sides = jump.at * left[i] + (1.0 - jump.at) * right[i];
                sides - jump.exponent(self.grid.dimension(), &edge.offset, edge.added)
            });
            let (forward, backward) = rates(edge.weight, p, right[i] - left[i], None);
            match edge.to {
                Some(to) => {
                    out.edges.push((edge.from as u32, to as u32, forward, backward));
                    out.exponents.push(p);
                }
                None => out.exits.push((edge.from, forward)),
            }
        }
        out
    }

    /// The jump of A between two cells; None where it changes little, or gradually, or no faster than beside this edge.
    fn jump(&self, edge: &TensorEdge) -> Option<Jump> {
        let (d, lattice, to) = (self.grid.dimension(), Lattice::new(self.grid), edge.to?);
        let pairs = packed_len(d);
        let of = |cell: usize| index_units(d, &self.cells.diffusion[cell * pairs..(cell + 1) * pairs], &self.spacing);
        let ends = [of(edge.from), of(to)];
        let trace: f64 = (0..d).map(|k| ends[0][packed_index(d, k, k)] + ends[1][packed_index(d, k, k)]).sum();
        let change = distance(&ends[0], &ends[1]);
        if change <= NOTICEABLE * 0.5 * trace {
            return None;
        }
        for (end, sign) in [(edge.from, -1.0), (to, 1.0)] {
            let offset = edge.offset.map(|c| (sign * c) as i8);
            if let Step::Cell(next) = lattice.step(self.grid.multi_index(end), offset)
                && change < FASTER * distance(&of(end), &of(next))
            {
                return None;
            }
        }
        let start = self.grid.center(edge.from);
        Jump::find(d, &edge.offset, ends, &|apart: [f64; 3]| {
            let mut point: [f64; 3] = std::array::from_fn(|k| start[k] + apart[k] * self.spacing[k]);
            lattice.wrap(&mut point);
            let (_, a, _) = at_points(self.dynamics, self.temperature, &point[..d], None);
            index_units(d, &a, &self.spacing)
        })
    }

    /// Every edge once: by its lower end along the offset, or by the other end where that one alone uses the offset.
    fn list(&self, first: usize, last: usize) -> Vec<TensorEdge> {
        let lattice = Lattice::new(self.grid);
        let mut out = Vec::with_capacity(3 * (last - first));
        for from in first..last {
            let index = self.grid.multi_index(from);
            for (e, own) in self.stencil.of(from) {
                for (offset, forward) in [(e, true), (e.map(|c| -c), false)] {
                    let step = lattice.step(index, offset);
                    match step {
                        Step::Cell(to) if to != from => {
                            let other = self.stencil.weight(to, e);
                            if forward || other == 0.0 {
                                out.push(self.edge(from, Some(to), offset, 1.0, 0.5 * (own + other)));
                            }
                        }
                        Step::Absorbed(fraction) => out.push(self.edge(from, None, offset, fraction, own / fraction)),
                        _ => {}
                    }
                }
            }
        }
        out
    }

    fn edge(&self, from: usize, to: Option<usize>, offset: Offset, fraction: f64, weight: f64) -> TensorEdge {
        let added = match to {
            Some(to) => 0.5 * (self.stencil.added[from] + self.stencil.added[to]),
            None => self.stencil.added[from],
        };
        let to_node = to.map_or_else(Node::default, |to| self.stencil.nodes[to]);
        TensorEdge { from, to, offset: offset.map(|c| fraction * f64::from(c)), weight, added, to_node }
    }

    /// Evaluates the wall ends of edges into the cemetery.
    fn wall_nodes(&self, edges: &mut [TensorEdge]) {
        let walls: Vec<usize> = (0..edges.len()).filter(|&e| edges[e].to.is_none()).collect();
        for (&e, node) in walls.iter().zip(self.nodes_along(edges, &walls, 1.0)) {
            edges[e].to_node = node;
        }
    }

    fn nodes_along(&self, edges: &[TensorEdge], which: &[usize], t: f64) -> Vec<Node> {
        let (d, n) = (self.grid.dimension(), which.len());
        if n == 0 {
            return Vec::new();
        }
        let lattice = Lattice::new(self.grid);
        let mut points = vec![0.0; d * n];
        for (i, &e) in which.iter().enumerate() {
            let mut point = self.grid.center(edges[e].from);
            for k in 0..d {
                point[k] += t * edges[e].offset[k] * self.spacing[k];
            }
            lattice.wrap(&mut point);
            for k in 0..d {
                points[k * n + i] = point[k];
            }
        }
        let (b, a, div) = at_points(self.dynamics, self.temperature, &points, Some(&lengths(self.grid)));
        let mut packed = [0.0; 6];
        (0..n)
            .map(|i| {
                let mut beta = [0.0; 3];
                for k in 0..d {
                    beta[k] = (b[k * n + i] - div[k * n + i]) / self.spacing[k];
                }
                (0..packed_len(d)).for_each(|c| packed[c] = a[c * n + i]);
                solve_node(d, &index_units(d, &packed, &self.spacing), edges[which[i]].added, beta)
            })
            .collect()
    }

    /// The part of the drift outside the range of A, upwind along the axes.
    fn upwind(&self, cell: usize, out: &mut Edges) {
        let lattice = Lattice::new(self.grid);
        let index = self.grid.multi_index(cell);
        let own = self.stencil.nodes[cell].rest;
        for k in 0..self.grid.dimension() {
            for sign in [1i8, -1] {
                let mut offset = [0i8; 3];
                offset[k] = sign;
                match lattice.step(index, offset) {
                    Step::Cell(to) if sign > 0 && to != cell => {
                        let speed = 0.5 * (own[k] + self.stencil.nodes[to].rest[k]);
                        if speed != 0.0 {
                            out.edges.push((cell as u32, to as u32, speed.max(0.0), (-speed).max(0.0)));
                            out.exponents.push(f64::INFINITY);
                        }
                    }
                    Step::Absorbed(_) => {
                        let speed = f64::from(sign) * own[k];
                        if speed > 0.0 {
                            out.exits.push((cell, speed));
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Axis edges between the given neighbours, with the diffusivity 1/(M⁻¹)_kk along the axis when all other ways are closed.
    pub fn axis_edges(&self, pairs: &[(usize, usize, usize)], cells: &CellCoefficients) -> Edges {
        let d = self.grid.dimension();
        let conductance = |cell: usize, k: usize| {
            let m = index_units(d, &cells.diffusion[cell * packed_len(d)..(cell + 1) * packed_len(d)], &self.spacing);
            let mut unit = [0.0; 3];
            unit[k] = 1.0;
            let inverse = solve_node(d, &m, self.stencil.added[cell], unit).gamma[k];
            let trace: f64 = (0..d).map(|j| m[packed_index(d, j, j)]).sum();
            if inverse > 0.0 { (1.0 / inverse).min(trace) } else { 0.0 }.max(1e-10 * trace)
        };
        let edges = pairs.iter().map(|&(from, to, k)| {
            let mut offset = [0i8; 3];
            offset[k] = 1;
            self.edge(from, Some(to), offset, 1.0, 0.5 * (conductance(from, k) + conductance(to, k)))
        });
        self.fitted(edges.filter(|edge| edge.weight > 0.0).collect())
    }
}

fn inner(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
