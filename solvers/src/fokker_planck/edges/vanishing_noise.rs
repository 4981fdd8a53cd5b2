//! Axes at whose reflecting walls the noise vanishes: the weight of the cells by quadrature, and the rates between them.
//!
//! Along the axis W = exp(∫ b/a), w = W/a. Near the wall w is a power of the distance s, integrated on dyadic panels and in closed form
//! on what is left, α from the last panels; elsewhere by Gauss–Legendre rules, the exponent by the integrals of
//! the same interpolation polynomials. With the nodes x̄ of [`WeightedCells`]
//!
//! ```text
//! K(x → y) = W(edge) / (∫_x w · |ȳ − x̄|),
//! ```
//!
//! exact in the law at rest and for every u linear along the axis, so that a linear drift keeps its mean and its slowest rate. Where the
//! cells do not resolve W the harmonic mean of W between the nodes takes the place of W(edge).

use rayon::prelude::*;

use crate::fokker_planck::cells::weighted::{Weighted, WeightedCells};
use crate::fokker_planck::stencil::coefficients::at_points;
use crate::numerics::quadrature::GAUSS_8_POSITIVE;
use crate::numerics::symmetric::packed_index;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::{Boundary, Grid};
use crate::problem::walls::walls_without_noise;

/// Halvings towards the wall.
const HALVINGS: i32 = 10;
/// Largest |∫ b/a| of a panel, and the most panels of half a cell.
const STEEP: f64 = 8.0;
const MOST_PANELS: usize = 64;
/// Exponents α + 1 up to which the weight counts as not integrable.
const INTEGRABLE: f64 = 1e-6;
/// |ln| of the ratio of W(edge) to the harmonic mean of W from which on, and from which on alone, the harmonic mean counts.
const UNRESOLVED: [f64; 2] = [1.0, 2.0];

/// The weighted cells of a problem with A diagonal; None where the noise vanishes at no reflecting wall. An absorbing wall without noise
/// leaves its axis as it is, and in other coordinates than the variables themselves cells are not weighted.
pub fn weighted_cells(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid) -> Option<WeightedCells> {
    if grid.axes().iter().any(|axis| !axis.scale().is_linear()) {
        return None;
    }
    let of = |k: usize| -> Vec<Option<Weighted>> {
        let walls = walls_without_noise(dynamics, grid, k);
        let axis = &grid.axes()[k];
        let absorbs = |side: usize| axis.boundary()[side] == Boundary::Absorbing && walls[side];
        let reflects = |side: usize| axis.boundary()[side] == Boundary::Reflecting && walls[side];
        if !(reflects(0) || reflects(1)) || absorbs(0) || absorbs(1) {
            return Vec::new();
        }
        let line = Line { dynamics, temperature, grid, k, walls, rule: Rule::new() };
        (0..grid.len()).into_par_iter().map(|cell| line.weighted(cell)).collect()
    };
    WeightedCells::new((0..grid.dimension()).map(of).collect())
}

/// The rule with 8 points on [0, 1] and the integrals of its interpolation polynomials from 0 to each node.
struct Rule {
    node: [f64; 8],
    weight: [f64; 8],
    integral: [[f64; 8]; 8],
}

impl Rule {
    fn new() -> Self {
        let (mut node, mut weight) = ([0.0; 8], [0.0; 8]);
        for (q, &(x, w)) in GAUSS_8_POSITIVE.iter().enumerate() {
            (node[3 - q], node[4 + q]) = (0.5 - 0.5 * x, 0.5 + 0.5 * x);
            (weight[3 - q], weight[4 + q]) = (0.5 * w, 0.5 * w);
        }
        let lagrange = |r: usize, t: f64| -> f64 {
            (0..8).filter(|&m| m != r).map(|m| (t - node[m]) / (node[r] - node[m])).product()
        };
        let up_to = |t: f64, r: usize| -> f64 { t * (0..8).map(|m| weight[m] * lagrange(r, t * node[m])).sum::<f64>() };
        let integral = node.map(|t| std::array::from_fn(|r| up_to(t, r)));
        Self { node, weight, integral }
    }
}

/// Lines along one axis.
struct Line<'a> {
    dynamics: &'a dyn Dynamics,
    temperature: f64,
    grid: &'a Grid,
    k: usize,
    walls: [bool; 2],
    rule: Rule,
}

/// A piece of the weight at x: ∫w/w(centre) over it is exp(log), about x with some variance of its own; ln W(x)/W(centre).
struct Piece {
    x: f64,
    log: f64,
    spread: f64,
    rise: f64,
}

/// The pieces of half a cell, and ln W(edge)/W(centre).
struct Half {
    pieces: Vec<Piece>,
    rise: f64,
    integrable: bool,
}

impl Line<'_> {
    /// The weight of a cell; None where it cannot be had.
    fn weighted(&self, cell: usize) -> Option<Weighted> {
        let axis = &self.grid.axes()[self.k];
        let i = self.grid.multi_index(cell)[self.k];
        let (start, ends) = (self.grid.center(cell), [axis.edges()[i], axis.edges()[i + 1]]);
        let at_wall = [i == 0 && self.walls[0], i + 1 == axis.cells() && self.walls[1]];
        let (_, a, _) = at_points(self.dynamics, self.temperature, &start[..self.grid.dimension()], None);
        let own = a[packed_index(self.grid.dimension(), self.k, self.k)];
        let halves = [self.half(start, own, ends[0], at_wall[0])?, self.half(start, own, ends[1], at_wall[1])?];
        if let Some(side) = (0..2).find(|&side| !halves[side].integrable) {
            let none = [f64::NEG_INFINITY; 2];
            let (node, rise) = (ends[side], [0.0; 2]);
            return Some(Weighted { log_ratio: f64::INFINITY, node, spread: 0.0, log_rate: none, rise });
        }
        let pieces: Vec<&Piece> = halves.iter().flat_map(|half| &half.pieces).collect();
        let top = pieces.iter().map(|piece| piece.log).fold(f64::NEG_INFINITY, f64::max);
        let sum = |f: &dyn Fn(&Piece) -> f64| -> f64 { pieces.iter().map(|p| (p.log - top).exp() * f(p)).sum() };
        let mass = sum(&|_| 1.0);
        let node = start[self.k] + sum(&|piece| piece.x - start[self.k]) / mass;
        let spread = sum(&|piece| (piece.x - node).powi(2) + piece.spread) / mass;
        let log_ratio = top + (mass / axis.width(i)).ln();
        let there = rise_at(node, start[self.k], ends, &halves);
        let rises = [halves[0].rise, halves[1].rise];
        let log_rate = rises.map(|rise| own.ln() + rise - log_ratio - axis.width(i).ln());
        let out = Weighted { log_ratio, node, spread, log_rate, rise: rises.map(|rise| rise - there) };
        (log_ratio.is_finite() && node.is_finite() && node >= ends[0] && node <= ends[1]).then_some(out)
    }

    /// From the centre to the edge, at a wall where the noise vanishes or not. None where drift or noise are not finite and positive.
    fn half(&self, start: [f64; 3], own: f64, edge: f64, at_wall: bool) -> Option<Half> {
        if at_wall {
            let breaks: Vec<f64> = (0..=HALVINGS).map(|k| 0.5f64.powi(k)).collect();
            return self.panels(start, own, edge, &breaks);
        }
        let mut panels = 1;
        loop {
            let breaks: Vec<f64> = (0..=panels).map(|j| (panels - j) as f64 / panels as f64).collect();
            let half = self.panels(start, own, edge, &breaks)?;
            let wanted = (half.rise.abs() / STEEP).ceil().min(MOST_PANELS as f64) as usize;
            if wanted <= panels {
                return Some(half);
            }
            panels = wanted;
        }
    }

    /// Panels between `breaks`, which fall from 1 at the centre to 0 at the edge, or to the beginning of the power law.
    fn panels(&self, start: [f64; 3], own: f64, edge: f64, breaks: &[f64]) -> Option<Half> {
        let reach = start[self.k] - edge;
        let place = |j: usize, q: usize| breaks[j] - (breaks[j] - breaks[j + 1]) * self.rule.node[q];
        let shares: Vec<f64> = (0..breaks.len() - 1).flat_map(|j| (0..8).map(move |q| place(j, q))).collect();
        let coefficients = self.along(start, edge, &shares)?;
        let mut half = Half { pieces: Vec::with_capacity(shares.len() + 1), rise: 0.0, integrable: true };
        for (j, panel) in coefficients.chunks_exact(8).enumerate() {
            let width = breaks[j] - breaks[j + 1];
            let slope: Vec<f64> = panel.iter().map(|[b, a]| -reach * width * b / a).collect();
            let integral = |weights: &[f64; 8]| -> f64 { weights.iter().zip(&slope).map(|(w, g)| w * g).sum() };
            for q in 0..8 {
                let rise = half.rise + integral(&self.rule.integral[q]);
                let measure = reach.abs() * width * self.rule.weight[q];
                let x = edge + reach * shares[8 * j + q];
                half.pieces.push(Piece { x, log: rise + (measure * own / panel[q][1]).ln(), spread: 0.0, rise });
            }
            half.rise += integral(&self.rule.weight);
        }
        let last = breaks[breaks.len() - 1];
        if last > 0.0 {
            Self::power_law([edge, reach, last], own, &shares, &coefficients, &mut half);
        }
        Some(half)
    }

    /// What lies between the wall and the share `last` = 2⁻ᵏ of the way from it to the centre. Near the wall ln W and ln a have the
    /// logarithmic slopes ν + c s and μ + c' s; the last two panels, at s and 2s, give both, and
    /// ∫₀^S w = S w(S) (1/(α + 1) − (c − c') S/((α + 1)(α + 2))), α = ν − μ.
    fn power_law([edge, reach, last]: [f64; 3], own: f64, shares: &[f64], coefficients: &[[f64; 2]], half: &mut Half) {
        let n = shares.len();
        // at the last node of a panel, and over a panel
        let of_rise = |q: usize| reach * shares[q] * coefficients[q][0] / coefficients[q][1];
        let span = |q: usize| (shares[q - 7] / shares[q]).ln();
        let of_noise = |q: usize| (coefficients[q - 7][1] / coefficients[q][1]).ln() / span(q);
        let at_wall = |f: &dyn Fn(usize) -> f64| (2.0 * f(n - 1) - f(n - 9), f(n - 9) - f(n - 1));
        let ((rise, more_rise), (noise, more_noise)) = (at_wall(&of_rise), at_wall(&of_noise));
        let bend = last * more_rise / shares[n - 1];
        let bend_of_noise = last * more_noise * span(n - 1) / (shares[n - 8] - shares[n - 1]);
        let next = rise - noise + 1.0; // α + 1
        half.integrable = next > INTEGRABLE;
        let size = reach.abs() * last;
        let ratio = last / shares[n - 1];
        let there = coefficients[n - 1][1] * ratio.powf(noise) * (bend_of_noise * (1.0 - 1.0 / ratio)).exp();
        let mean = (1.0 / next - (bend - bend_of_noise) / (next * (next + 1.0))).max(0.0);
        let centre = next / (next + 1.0);
        half.pieces.push(Piece {
            x: edge + reach * last * centre,
            log: half.rise + (size * own / there * mean).ln(),
            spread: size * size * (next / (next + 2.0) - centre * centre),
            rise: half.rise,
        });
    }

    /// (b, a) at the given shares of the way from the edge to the centre; None where they are not finite and a positive.
    fn along(&self, start: [f64; 3], edge: f64, shares: &[f64]) -> Option<Vec<[f64; 2]>> {
        let (d, n) = (self.grid.dimension(), shares.len());
        let mut points = vec![0.0; d * n];
        for (i, share) in shares.iter().enumerate() {
            for l in 0..d {
                points[l * n + i] = if l == self.k { edge + (start[l] - edge) * share } else { start[l] };
            }
        }
        let (b, a, _) = at_points(self.dynamics, self.temperature, &points, None);
        let c = packed_index(d, self.k, self.k);
        let pair = |i: usize| Some([b[self.k * n + i], a[c * n + i]]).filter(|[b, a]| b.is_finite() && *a > 0.0);
        (0..n).map(pair).collect()
    }
}

/// ln W(x)/W(centre), linear between the pieces.
fn rise_at(x: f64, centre: f64, ends: [f64; 2], halves: &[Half; 2]) -> f64 {
    let side = usize::from(x > centre);
    let half = &halves[side];
    let (mut before, mut rise) = (centre, 0.0);
    let wall = Piece { x: ends[side], log: 0.0, spread: 0.0, rise: half.rise };
    for piece in half.pieces.iter().chain([&wall]) {
        if (piece.x - centre).abs() >= (x - centre).abs() && piece.x != before {
            return rise + (piece.rise - rise) * ((x - before) / (piece.x - before)).clamp(0.0, 1.0);
        }
        (before, rise) = (piece.x, piece.rise);
    }
    rise
}

/// The two rates of an edge along the axis between the cells `lower` and `upper`.
pub fn rates(lower: &Weighted, upper: &Weighted, edge: f64) -> (f64, f64) {
    let parts = [(edge - lower.node, lower.rise[1]), (upper.node - edge, upper.rise[0])];
    let distance = upper.node - lower.node;
    let log = -distance.ln() - unresolved(parts.iter().map(|&(part, rise)| part / distance * mean_exp(rise)).sum());
    ((lower.log_rate[1] + log).exp(), (upper.log_rate[0] + log).exp())
}

/// The rate from a cell to the absorbing wall on its lower (0) or upper (1) side.
pub fn exit_rate(cell: &Weighted, side: usize, wall: f64) -> f64 {
    let distance = (wall - cell.node).abs();
    (cell.log_rate[side] - distance.ln() - unresolved(mean_exp(cell.rise[side]))).exp()
}

/// ln of the mean of W(edge)/W, as far as it counts.
fn unresolved(mean: f64) -> f64 {
    let log = mean.ln();
    let t = ((log.abs() - UNRESOLVED[0]) / (UNRESOLVED[1] - UNRESOLVED[0])).clamp(0.0, 1.0);
    if log.is_finite() { log * t * t * (3.0 - 2.0 * t) } else { 0.0 }
}

/// ∫₀¹ e^{pt} dt.
fn mean_exp(p: f64) -> f64 {
    if p.abs() < 1e-8 { 1.0 } else { p.exp_m1() / p }
}
