//! The law of one cell on the lattice, from its conditional mean and covariance.

use super::gaussian::sampled;
use super::integer_law::integer_law;
use super::moments::Moments;
use super::rows::{Arm, Entry, convolved};
use crate::fokker_planck::stencil::selling::{Decomposition, MAX_OFFSETS, selling};
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::grid::Grid;

/// Longest offset of the decomposition of S.
const RADIUS: usize = 60;
/// Least ξᵀSξ over integer vectors that steps are chosen for: the cumulants of a sampled Gaussian beyond the second are then below 10⁻³.
pub const COVERED: f64 = 0.7;
/// Least ξᵀSξ from which on a sampled Gaussian serves at all.
const SAMPLED: f64 = 0.45;

/// A law around a shifted cell.
pub struct LatticeLaw {
    /// The cell that the law is around, as an index that may lie off the grid.
    pub shift: [i32; 3],
    /// Points relative to it with their probabilities, sum 1.
    pub entries: Vec<Entry>,
    /// Variance along each axis, in squared cells.
    pub variance: [f64; 3],
    /// Whether the law has more variance than the SDE, because the shift is a fraction of a cell and S is too small for it.
    pub infeasible: bool,
}

/// S of point i in index units.
pub fn covariance(grid: &Grid, moments: &Moments, i: usize, n: usize) -> [[f64; 3]; 3] {
    let d = grid.dimension();
    let mut s = [[0.0; 3]; 3];
    for k in 0..d {
        for j in 0..d {
            let c = packed_index(d, k.min(j), k.max(j));
            s[k][j] = moments.covariance[c * n + i] / (grid.axes()[k].spacing() * grid.axes()[j].spacing());
        }
    }
    s
}

/// The law of point i of n: a sampled Gaussian where the noise covers a cell in every direction, else independent integer laws along the
/// offsets of Selling's decomposition S = Σ λ_e e eᵀ, of mean a_e ∈ [−½, ½] along the heaviest ones, which are a basis of the lattice,
/// and of variance λ_e.
pub fn lattice_law(grid: &Grid, moments: &Moments, i: usize, n: usize) -> LatticeLaw {
    let d = grid.dimension();
    let s = covariance(grid, moments, i, n);
    let variance = std::array::from_fn(|k| s[k][k]);
    let mean = mean_index(grid, moments, i, n);
    let split = Split::new(d, &s);
    if split.least() >= SAMPLED {
        let shift: [i32; 3] = std::array::from_fn(|k| mean[k].round() as i32);
        let rest = std::array::from_fn(|k| mean[k] - f64::from(shift[k]));
        if let Some(entries) = sampled(d, rest, s) {
            return LatticeLaw { shift, entries, variance, infeasible: false };
        }
    }
    let (shift, arms, infeasible) = split.arms(mean);
    LatticeLaw { shift, entries: convolved(&arms), variance, infeasible }
}

/// Least ξᵀSξ over integer vectors ξ ≠ 0: how well the noise covers the lattice.
pub fn coverage(grid: &Grid, moments: &Moments, i: usize, n: usize) -> f64 {
    Split::new(grid.dimension(), &covariance(grid, moments, i, n)).least()
}

/// μ of point i as an index, on the grid.
fn mean_index(grid: &Grid, moments: &Moments, i: usize, n: usize) -> [f64; 3] {
    let mut mean = [0.0; 3];
    for (k, axis) in grid.axes().iter().enumerate() {
        // the middle of the grid is the origin, so mirrored problems round alike
        let middle = 0.5 * (axis.lower() + axis.upper());
        let x = if axis.is_periodic() { axis.wrap(moments.mean[k * n + i]) } else { moments.mean[k * n + i] };
        let x = x.clamp(axis.lower(), axis.upper());
        mean[k] = (x - middle) / axis.spacing() + 0.5 * (axis.cells() as f64 - 1.0);
    }
    mean
}

type Weighted = ([i8; 3], f64);

/// Selling's decomposition with a basis of the lattice among its offsets.
struct Split {
    d: usize,
    basis: [Weighted; 3],
    others: Vec<Weighted>,
}

impl Split {
    fn new(d: usize, s: &[[f64; 3]; 3]) -> Self {
        let mut packed = [0.0; 6];
        for k in 0..d {
            (k..d).for_each(|j| packed[packed_index(d, k, j)] = s[k][j]);
        }
        let (basis, others) = lattice_basis(d, &heaviest_first(selling(d, &packed[..packed_len(d)], RADIUS)));
        Self { d, basis, others }
    }

    /// Least ξᵀSξ over ξ = Σ c_q (dual basis vector q), c_q ∈ {−1, 0, 1}: the basis is reduced, so the shortest vectors are among them.
    fn least(&self) -> f64 {
        let coordinates = |e: [i8; 3]| solve_basis(self.d, &self.basis, e.map(f64::from));
        let others: Vec<([f64; 3], f64)> = self.others.iter().map(|&(e, weight)| (coordinates(e), weight)).collect();
        let square = |c: [i8; 3]| -> f64 {
            let own: f64 = self.basis[..self.d].iter().zip(c).map(|(b, c)| b.1 * f64::from(c * c)).sum();
            let along = |e: &[f64; 3]| -> f64 { (0..self.d).map(|q| e[q] * f64::from(c[q])).sum() };
            own + others.iter().map(|(e, weight)| weight * along(e).powi(2)).sum::<f64>()
        };
        shell(self.d, 1).map(square).fold(f64::INFINITY, f64::min)
    }

    /// The cell around which the law lies, its arms, and whether an arm has too little variance for its shift.
    fn arms(&self, mean: [f64; 3]) -> ([i32; 3], Vec<Arm>, bool) {
        let d = self.d;
        let coordinates = solve_basis(d, &self.basis, mean);
        let (mut shift, mut infeasible) = ([0i32; 3], false);
        let mut arms: Vec<Arm> = Vec::with_capacity(MAX_OFFSETS);
        let mut push = |offset, mean, variance| {
            let law = integer_law(mean, variance);
            infeasible |= law.excess > 1e-9;
            arms.push((offset, law.first, law.probability));
        };
        for (q, &(offset, weight)) in self.basis[..d].iter().enumerate() {
            let whole = coordinates[q].round();
            (0..d).for_each(|k| shift[k] += whole as i32 * i32::from(offset[k]));
            push(offset, coordinates[q] - whole, weight);
        }
        for &(offset, weight) in &self.others {
            push(offset, 0.0, weight);
        }
        (shift, arms, infeasible)
    }
}

fn heaviest_first(mut found: Decomposition) -> Decomposition {
    let mut order: Vec<usize> = (0..found.len).collect();
    order.sort_by(|&a, &b| found.weights[b].total_cmp(&found.weights[a]));
    let (offsets, weights) = (found.offsets, found.weights);
    for (to, from) in order.into_iter().enumerate() {
        (found.offsets[to], found.weights[to]) = (offsets[from], weights[from]);
    }
    found
}

/// The heaviest offsets that are a basis of the lattice (with weight 0 where there are too few), and the others.
fn lattice_basis(d: usize, found: &Decomposition) -> ([Weighted; 3], Vec<Weighted>) {
    let mut basis: Vec<Weighted> = Vec::with_capacity(3);
    let mut others = Vec::new();
    for given in found.offsets[..found.len].iter().copied().zip(found.weights) {
        if basis.len() < d && extends(d, &basis, given.0) { basis.push(given) } else { others.push(given) }
    }
    let mut radius = 1;
    while basis.len() < d {
        match shell(d, radius).find(|&e| extends(d, &basis, e)) {
            Some(offset) => basis.push((offset, 0.0)),
            None => radius += 1,
        }
    }
    let mut out = [([0; 3], 0.0); 3];
    out.iter_mut().zip(basis).for_each(|(out, b)| *out = b);
    (out, others)
}

/// Offsets whose largest component is `radius` in size; every primitive vector can be completed to a basis by vectors no
/// longer than itself, so the search ends.
fn shell(d: usize, radius: i8) -> impl Iterator<Item = [i8; 3]> {
    let range = move |k: usize| if k < d { -radius..=radius } else { 0..=0 };
    let all = range(0).flat_map(move |a| range(1).flat_map(move |b| range(2).map(move |c| [a, b, c])));
    all.filter(move |e| e.iter().any(|c| c.abs() == radius))
}

fn extends(d: usize, basis: &[Weighted], offset: [i8; 3]) -> bool {
    let mut trial: Vec<[i8; 3]> = basis.iter().map(|b| b.0).collect();
    trial.push(offset);
    primitive(d, &trial)
}

/// Whether the vectors can be completed to a basis of ℤᵈ: the greatest common divisor of their maximal minors is 1.
fn primitive(d: usize, v: &[[i8; 3]]) -> bool {
    let w: Vec<[i64; 3]> = v.iter().map(|v| v.map(i64::from)).collect();
    let cross =
        |a: [i64; 3], b: [i64; 3]| [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let minors = match (v.len(), d) {
        (1, _) => w[0],
        (2, 2) => [0, 0, cross(w[0], w[1])[2]],
        (2, _) => cross(w[0], w[1]),
        _ => {
            let c = cross(w[0], w[1]);
            [c[0] * w[2][0] + c[1] * w[2][1] + c[2] * w[2][2], 0, 0]
        }
    };
    minors.iter().fold(0, |a, &b| gcd(a, b.abs())) == 1
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Coordinates of `v` in the basis (a unimodular matrix), by Cramer's rule.
fn solve_basis(d: usize, basis: &[Weighted; 3], v: [f64; 3]) -> [f64; 3] {
    let mut m = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for (q, (offset, _)) in basis[..d].iter().enumerate() {
        for k in 0..3 {
            m[k][q] = f64::from(offset[k]);
        }
    }
    let det = |m: &[[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = det(&m);
    let mut out = [0.0; 3];
    for q in 0..d {
        let mut replaced = m;
        for k in 0..3 {
            replaced[k][q] = v[k];
        }
        out[q] = det(&replaced) / whole;
    }
    out
}
