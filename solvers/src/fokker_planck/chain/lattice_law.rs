//! The law of one cell on the lattice, from its conditional mean and covariance.

use super::gaussian::sampled;
use super::integer_law::integer_law;
use super::moments::Moments;
use super::rows::{Arm, Entry, convolved};
use super::uncovered::contracted;
use crate::fokker_planck::stencil::selling::{Decomposition, MAX_OFFSETS, selling};
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::grid::Grid;

/// Longest offset of the decomposition of S.
const RADIUS: usize = 60;
/// Least ξᵀSξ over integer vectors that steps are chosen for: the cumulants of a sampled Gaussian beyond the second are then below 10⁻³.
pub const COVERED: f64 = 0.7;
/// Least ξᵀSξ from which on a sampled Gaussian serves at all.
const SAMPLED: f64 = 0.45;

/// Excess of variance in squared cells that counts as none.
const EXACT: f64 = 1e-9;

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
    /// How much more, over all axes, in squared cells, where that is counted ([`Uncovered::Contracted`]); else 0.
    pub excess: f64,
}

/// Which law a cell has whose noise does not cover it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncovered {
    /// Integer laws along the offsets of Selling's decomposition, where the noise of most cells is covered.
    Arms,
    /// Where those do not fit a deposited and contracted Gaussian, whose excess of variance is counted.
    Contracted,
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

/// How the law of a cell is made, from its conditional mean and covariance.
pub struct Plan {
    d: usize,
    /// μ as an index.
    mean: [f64; 3],
    /// S in index units.
    s: [[f64; 3]; 3],
    split: Split,
    kind: Kind,
}

/// The three ways to make a law.
enum Kind {
    /// A sampled Gaussian, where the noise covers a cell in every direction.
    Sampled,
    /// Independent integer laws along the offsets of Selling's decomposition.
    Arms,
    /// Atoms of the Gaussian, deposited and contracted.
    Contracted,
}

/// Squared standard deviations within which a sampled Gaussian, and integer laws, have points: down to 10⁻⁸ and 10⁻¹⁴ of the largest.
const WITHIN: [f64; 2] = [37.0, 64.0];
/// Operations of a point of the lattice: of its probability, as often as it is corrected, and of its place in the row.
const POINT: f64 = 45.0;
/// Operations of a place of the box in which atoms are deposited and contracted.
const PLACE: f64 = 12.0;
/// Operations of a product of two probabilities.
const PRODUCT: f64 = 4.0;
/// Operations of a probability of an integer law, as often as it is corrected.
const TUNED: f64 = 200.0;

impl Plan {
    /// For point i of n: a sampled Gaussian where the noise covers a cell in every direction, else independent integer laws along the
    /// offsets of Selling's decomposition S = Σ λ_e e eᵀ, of mean a_e ∈ [−½, ½] along the heaviest ones, which are a basis of the lattice,
    /// and of variance λ_e, or what `uncovered` says where those do not fit.
    pub fn new(grid: &Grid, moments: &Moments, i: usize, n: usize, uncovered: Uncovered) -> Self {
        let (d, s) = (grid.dimension(), covariance(grid, moments, i, n));
        let (mean, split) = (mean_index(grid, moments, i, n), Split::new(d, &s));
        let kind = if split.least() >= SAMPLED {
            Kind::Sampled
        } else if uncovered == Uncovered::Contracted && !split.fits(mean) {
            Kind::Contracted
        } else {
            Kind::Arms
        };
        Self { d, mean, s, split, kind }
    }

    /// Points of the law, about.
    pub fn points(&self) -> f64 {
        match self.kind {
            Kind::Sampled => ellipsoid(self.d, &self.s, WITHIN[0]),
            Kind::Arms | Kind::Contracted => self.split.convolution()[0],
        }
    }

    /// Operations that making the law and its row takes, about.
    pub fn operations(&self) -> f64 {
        let [_, products, lengths] = self.split.convolution();
        match self.kind {
            Kind::Sampled => POINT * self.points(),
            Kind::Arms => POINT * self.points() + PRODUCT * products + TUNED * lengths,
            Kind::Contracted => POINT * self.points() + PLACE * room(self.d, &self.s),
        }
    }

    /// The law.
    pub fn law(&self) -> LatticeLaw {
        let variance = std::array::from_fn(|k| self.s[k][k]);
        let shift: [i32; 3] = std::array::from_fn(|k| self.mean[k].round() as i32);
        let rest = || std::array::from_fn(|k| self.mean[k] - f64::from(shift[k]));
        match self.kind {
            Kind::Sampled => {
                if let Some(entries) = sampled(self.d, rest(), self.s) {
                    return LatticeLaw { shift, entries, variance, infeasible: false, excess: 0.0 };
                }
            }
            Kind::Contracted => {
                let found = contracted(self.d, rest(), self.s);
                let excess: f64 = found.excess.iter().map(|excess| excess.max(0.0)).sum();
                return LatticeLaw { shift, entries: found.entries, variance, infeasible: excess > EXACT, excess };
            }
            Kind::Arms => {}
        }
        let (shift, arms, infeasible) = self.split.arms(self.mean);
        LatticeLaw { shift, entries: convolved(&arms), variance, infeasible, excess: 0.0 }
    }
}

/// Lattice points in ξᵀS⁻¹ξ ≤ `within`, for an S that covers a cell in every direction.
fn ellipsoid(d: usize, s: &[[f64; 3]; 3], within: f64) -> f64 {
    let unit = [2.0, std::f64::consts::PI, 4.0 / 3.0 * std::f64::consts::PI][d - 1];
    let minor = s[0][0] * s[1][1] - s[0][1] * s[0][1];
    let determinant = match d {
        1 => s[0][0],
        2 => minor,
        _ => {
            s[2][2] * minor
                - s[0][2] * (s[0][2] * s[1][1] - s[0][1] * s[1][2])
                - s[1][2] * (s[1][2] * s[0][0] - s[0][1] * s[0][2])
        }
    };
    1.0 + unit * (within.powi(d as i32) * determinant.max(0.0)).sqrt()
}

/// Points of the lattice within six standard deviations along every axis.
fn room(d: usize, s: &[[f64; 3]; 3]) -> f64 {
    (0..d).map(|k| 3.0 + 12.0 * (d as f64 * s[k][k].max(0.0)).sqrt()).product()
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

    /// Whether every arm has the variance that its shift asks for.
    fn fits(&self, mean: [f64; 3]) -> bool {
        let coordinates = solve_basis(self.d, &self.basis, mean);
        self.basis[..self.d].iter().zip(coordinates).all(|(&(_, weight), at)| {
            let part = (at - at.round()).abs();
            part - part * part - weight <= EXACT
        })
    }

    /// Points of the convolution of all arms; products that it takes, and points of the box around it; the lengths of the arms together; all about.
    fn convolution(&self) -> [f64; 3] {
        let (mut points, mut products, mut lengths) = (1.0f64, 0.0, 0.0);
        let mut box_size = [1.0f64; 3];
        for &(offset, weight) in self.basis[..self.d].iter().chain(&self.others) {
            let length = if weight < 0.37 { 3.0 } else { 3.0 + 2.0 * (WITHIN[1] * weight).sqrt() };
            lengths += length;
            products += points * length;
            (0..self.d).for_each(|k| box_size[k] += f64::from(offset[k]).abs() * (length - 1.0));
            points = (points * length).min(box_size.iter().product());
        }
        [points, products + box_size.iter().product::<f64>() / PRODUCT, lengths]
    }

    /// The cell around which the law lies, its arms, and whether an arm has too little variance for its shift.
    fn arms(&self, mean: [f64; 3]) -> ([i32; 3], Vec<Arm>, bool) {
        let d = self.d;
        let coordinates = solve_basis(d, &self.basis, mean);
        let (mut shift, mut infeasible) = ([0i32; 3], false);
        let mut arms: Vec<Arm> = Vec::with_capacity(MAX_OFFSETS);
        let mut push = |offset, mean, variance| {
            let law = integer_law(mean, variance);
            infeasible |= law.excess > EXACT;
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
