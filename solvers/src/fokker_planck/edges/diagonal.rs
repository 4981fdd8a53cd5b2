//! Edges between axis neighbours for a diagonal A (1-D included), on uniform and graded axes.
//!
//! Along axis k the exponent p = ∫ b_k/a_k dx − ln(a_k(y)/a_k(x)) needs no derivative of A. Where a_k vanishes the rates are
//! the local Itô ones, a(x) B(−Δ b/a)/(Δ w) with the coefficients of the cell that is left, which become upwind differences.
//! Axes at whose walls a_k vanishes have the rates of [`vanishing_noise`].

use rayon::prelude::*;

use super::exponent::edge_integrals;
use super::loss_difference::{Conductance, EdgeMeans, Hidden, Line, intervals};
use super::vanishing_noise;
use super::weight::{Flux, rates};
use crate::fokker_planck::cells::weighted::WeightedCells;
use crate::fokker_planck::generator::RateEdge;
use crate::fokker_planck::stencil::coefficients::{CHUNK, CellCoefficients, at_points};
use crate::fokker_planck::stencil::lattice::{Lattice, Step};
use crate::numerics::bernoulli::weighted_pair;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// One edge along axis k from a cell: to a neighbour, or to an absorbing wall.
struct AxisEdge {
    from: usize,
    to: Option<usize>,
    start: [f64; 3],
    /// Signed distance to the neighbour's centre or to the wall.
    distance: f64,
}

/// Edges and exits of a chunk of cells.
pub struct Edges {
    /// Pairs of rates.
    pub edges: Vec<RateEdge>,
    /// Exponent p of each pair.
    pub exponents: Vec<f64>,
    /// Rates into the cemetery.
    pub exits: Vec<(usize, f64)>,
    /// Edges on which A is singular.
    pub singular: usize,
    /// The axis of all of them; 0 where they are not along axes.
    pub axis: usize,
    /// What each pair's edge says of its cells; None where it is not known.
    pub means: Vec<Option<EdgeMeans>>,
    /// What hides between cell centres, with the point.
    pub hidden: Vec<(Hidden, [f64; 3])>,
}

impl Edges {
    /// None yet, along an axis.
    pub fn none(axis: usize) -> Self {
        let (edges, exponents, exits) = (Vec::new(), Vec::new(), Vec::new());
        Self { edges, exponents, exits, singular: 0, axis, means: Vec::new(), hidden: Vec::new() }
    }
}

/// The problem as the assembly sees it.
pub struct Diagonal<'a> {
    pub dynamics: &'a dyn Dynamics,
    pub temperature: f64,
    pub grid: &'a Grid,
    pub cells: &'a CellCoefficients,
    /// Where the noise vanishes at a wall.
    pub weighted: Option<&'a WeightedCells>,
    /// A planted fault: Fick's law, J = bρ − A ∇ρ.
    pub fick: bool,
}

/// All edges, chunk by chunk and axis by axis.
pub fn diagonal_edges(problem: &Diagonal) -> Vec<Edges> {
    let d = problem.grid.dimension();
    let tasks: Vec<(usize, usize)> =
        (0..problem.grid.len()).step_by(CHUNK).flat_map(|first| (0..d).map(move |k| (first, k))).collect();
    tasks.par_iter().map(|&(first, k)| problem.chunk(first, k)).collect()
}

impl Diagonal<'_> {
    fn chunk(&self, first: usize, k: usize) -> Edges {
        let edges = self.list(first, k);
        let ends: Vec<[f64; 4]> = self.end_values(&edges, k);
        let left: Vec<f64> = edges.iter().zip(&ends).map(|(e, v)| e.distance * v[0] / v[1]).collect();
        let right: Vec<f64> = edges.iter().zip(&ends).map(|(e, v)| e.distance * v[2] / v[3]).collect();
        let mut middle: Vec<f64> = Vec::new();
        let integral = edge_integrals(&left, &right, |which, t| {
            let values = self.along(&edges, which, k, t);
            if middle.is_empty() {
                middle = values.iter().map(|[_, a]| *a).collect(); // the first look is at the middle of all
            }
            which.iter().zip(values).map(|(&e, [b, a])| edges[e].distance * b / a).collect()
        });
        let lines = self.lines(&edges, k, &ends, &middle);
        let mut out = Edges::none(k);
        for (((edge, v), integral), line) in edges.iter().zip(&ends).zip(integral).zip(lines) {
            if let Some(hidden) = line.as_ref().and_then(|line| line.hidden(integral)) {
                let mut at = edge.start;
                at[k] += hidden.at * edge.distance;
                out.hidden.push((hidden, at));
            }
            self.rates(edge, k, v, integral, line.as_ref(), &mut out);
        }
        out
    }

    /// The potential along every edge; None where it is not known, or goes round a periodic axis, where it may not be periodic.
    fn lines(&self, edges: &[AxisEdge], k: usize, ends: &[[f64; 4]], middle: &[f64]) -> Vec<Option<Line>> {
        let d = self.grid.dimension();
        let n = intervals(d * self.grid.len(), self.dynamics.potential_cost());
        let inside: Vec<usize> =
            (0..edges.len()).filter(|&e| edges[e].to.is_none_or(|to| to > edges[e].from)).collect();
        let mut lines = vec![None; edges.len()];
        for which in inside.chunks((CHUNK / n).max(1)) {
            let count = which.len() * (n + 1);
            let mut points = vec![0.0; d * count];
            for (i, &e) in which.iter().enumerate() {
                for j in 0..=n {
                    for axis in 0..d {
                        points[axis * count + i * (n + 1) + j] = edges[e].start[axis];
                    }
                    points[k * count + i * (n + 1) + j] += edges[e].distance * j as f64 / n as f64;
                }
            }
            let (mut potential, mut rest) = (vec![0.0; count], vec![0.0; d * count]);
            if !self.dynamics.potential(&points, &mut potential, &mut rest) {
                return lines;
            }
            for (i, &e) in which.iter().enumerate() {
                let at = |j: usize| rest[k * count + i * (n + 1) + j];
                let inverse = [1.0 / ends[e][1], 1.0 / middle[e], 1.0 / ends[e][3]];
                let rest = (at(0) * inverse[0] + 4.0 * at(n / 2) * inverse[1] + at(n) * inverse[2]) / 6.0;
                let values = &potential[i * (n + 1)..(i + 1) * (n + 1)];
                lines[e] = Line::new(values, inverse, rest * edges[e].distance);
            }
        }
        lines
    }

    fn list(&self, first: usize, k: usize) -> Vec<AxisEdge> {
        let lattice = Lattice::new(self.grid);
        let axis = &self.grid.axes()[k];
        let last = (first + CHUNK).min(self.grid.len());
        let mut out = Vec::with_capacity(last - first);
        for from in first..last {
            let index = self.grid.multi_index(from);
            let start = self.grid.center(from);
            for sign in [1i8, -1] {
                let mut offset = [0i8; 3];
                offset[k] = sign;
                let half = 0.5 * axis.width(index[k]);
                match lattice.step(index, offset) {
                    Step::Cell(to) if sign > 0 && to != from => {
                        let distance = half + 0.5 * axis.width(self.grid.multi_index(to)[k]);
                        out.push(AxisEdge { from, to: Some(to), start, distance });
                    }
                    Step::Absorbed(_) => {
                        out.push(AxisEdge { from, to: None, start, distance: f64::from(sign) * half });
                    }
                    _ => {}
                }
            }
        }
        out
    }

    /// (b, a) at both ends of every edge.
    fn end_values(&self, edges: &[AxisEdge], k: usize) -> Vec<[f64; 4]> {
        let d = self.grid.dimension();
        let pairs = packed_len(d);
        let cell =
            |i: usize| (self.cells.drift[i * d + k], self.cells.diffusion[i * pairs + packed_index(d, k, k)].max(0.0));
        let walls: Vec<usize> = (0..edges.len()).filter(|&e| edges[e].to.is_none()).collect();
        let mut at_walls = self.along(edges, &walls, k, 1.0).into_iter();
        let end = |edge: &AxisEdge| {
            let (b, a) = cell(edge.from);
            let (c, e) = match edge.to {
                Some(to) => cell(to),
                None => at_walls.next().map_or((b, a), |[c, e]| (c, e)),
            };
            [b, a, c, e]
        };
        edges.iter().map(end).collect()
    }

    /// (b, a) at the fraction t of the listed edges.
    fn along(&self, edges: &[AxisEdge], which: &[usize], k: usize, t: f64) -> Vec<[f64; 2]> {
        if which.is_empty() {
            return Vec::new();
        }
        let d = self.grid.dimension();
        let n = which.len();
        let lattice = Lattice::new(self.grid);
        let mut points = vec![0.0; d * n];
        for (i, &e) in which.iter().enumerate() {
            let mut point = edges[e].start;
            point[k] += t * edges[e].distance;
            if edges[e].to.is_some() {
                lattice.wrap(&mut point);
            }
            for j in 0..d {
                points[j * n + i] = point[j];
            }
        }
        let (b, a, _) = at_points(self.dynamics, self.temperature, &points, None);
        let c = packed_index(d, k, k);
        (0..n).map(|i| [b[k * n + i], a[c * n + i].max(0.0)]).collect()
    }

    fn rates(&self, edge: &AxisEdge, k: usize, v: &[f64; 4], quadrature: f64, line: Option<&Line>, out: &mut Edges) {
        let axis = &self.grid.axes()[k];
        let width = |cell: usize| axis.width(self.grid.multi_index(cell)[k]);
        let length = edge.distance.abs();
        let integral = line.map_or(quadrature, |line| line.integral(quadrature));
        let p = if self.fick { integral } else { integral - (v[3] / v[1]).ln() };
        let regular = p.is_finite() && p.abs() < 1e12 && v[1] > 0.0 && v[3] > 0.0;
        let (forward, backward) = if regular {
            let weight = 0.5 * (v[1] + v[3]) / length;
            let slopes = [edge.distance * v[0] / v[1], edge.distance * v[2] / v[3]];
            let flux = Flux { weights: [v[1] / length, v[3] / length], integral, slopes };
            fitted(weight, p, &flux, line)
        } else {
            out.singular += 1;
            (local_rate(v[1], v[0] * edge.distance, length), local_rate(v[3], -v[2] * edge.distance, length))
        };
        let forward = finite_rate(forward / width(edge.from));
        match edge.to {
            Some(to) => {
                let (forward, backward) = self.weigh(edge.from, to, k, (forward, finite_rate(backward / width(to))));
                out.edges.push((edge.from as u32, to as u32, forward, backward));
                out.exponents.push(if regular { p } else { f64::INFINITY });
                out.means.push(line.filter(|_| regular).and_then(Line::means));
            }
            None => out.exits.push((edge.from, self.weigh_exit(edge, k, forward))),
        }
    }

    /// The rates of an edge where cells are weighted: along a weighted axis those of the exact weights; across it the ratio of the
    /// two cells' masses, shared between both directions.
    fn weigh(&self, from: usize, to: usize, k: usize, plain: (f64, f64)) -> (f64, f64) {
        let Some(cells) = self.weighted else { return plain };
        let along = cells.get(k, from).zip(cells.get(k, to));
        let (forward, backward) = along.map_or(plain, |(lower, upper)| {
            let axis = &self.grid.axes()[k];
            vanishing_noise::rates(lower, upper, axis.edges()[self.grid.multi_index(to)[k]])
        });
        let without = along.map(|_| k);
        let ratio = (0.5 * (cells.log_ratio(to, without) - cells.log_ratio(from, without))).exp();
        (finite_rate(forward * ratio), finite_rate(backward / ratio))
    }

    /// The rate to an absorbing wall, where cells are weighted.
    fn weigh_exit(&self, edge: &AxisEdge, k: usize, plain: f64) -> f64 {
        let Some(cell) = self.weighted.and_then(|cells| cells.get(k, edge.from)) else { return plain };
        let side = usize::from(edge.distance > 0.0);
        let axis = &self.grid.axes()[k];
        finite_rate(vanishing_noise::exit_rate(cell, side, [axis.lower(), axis.upper()][side]))
    }
}

/// Rates by exponential fitting; by the potential along the edge where it is known.
fn fitted(weight: f64, p: f64, flux: &Flux, line: Option<&Line>) -> (f64, f64) {
    let bend = line.and_then(Line::bend).unwrap_or(flux.slopes[1] - flux.slopes[0]);
    match line.map_or(Conductance::Factor(1.0), Line::conductance) {
        Conductance::Factor(factor) => rates(weight * factor, p, bend, Some(flux)),
        Conductance::LogWhole(log) => ((log.exp()) * weight, (log - p).exp() * weight),
    }
}

/// a B(−q)/length with q = (b·distance)/a; for a = 0 the upwind value max(b·distance, 0)/length.
fn local_rate(a: f64, drift_times_distance: f64, length: f64) -> f64 {
    let q = drift_times_distance / a;
    if q.is_finite() { weighted_pair(a, q).0 / length } else { drift_times_distance.max(0.0) / length }
}

/// Keeps a rate that overflows at the largest double.
fn finite_rate(rate: f64) -> f64 {
    rate.min(f64::MAX)
}
