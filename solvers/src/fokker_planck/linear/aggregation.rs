//! Multigrid for M-matrices with known near-null vectors: the hierarchy, its K-cycle, and the Krylov method around it.
//!
//! Y. Notay, doi:10.1137/100818509 (aggregation and K-cycle). Unknowns are scaled so that the constant vector is the smooth one, and
//! every level is a Markov chain with the same losses: of [`Boxes`] where a grid is coupled along its axes alone, else of unions of four
//! strongly coupled cells with sums of rates.

use super::boxes::Boxes;
use super::front::Front;
use super::solver::proceed;
use crate::Error;
use crate::engine::Interrupt;
use crate::numerics::lanes::dispatch;

/// Levels are coarsened down to this many unknowns, which are eliminated directly.
const COARSEST: usize = 200;
/// Directions kept by the outer iteration.
const DIRECTIONS: usize = 5;

/// B = diag − off with off-diagonal entries a_ij ≥ 0, by rows; `ground` holds the column sums ≥ 0.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    pub start: Vec<u32>,
    pub column: Vec<u32>,
    pub value: Vec<f64>,
    pub diagonal: Vec<f64>,
    /// 1/diagonal; 0 where that is 0.
    pub inverse: Vec<f64>,
    pub ground: Vec<f64>,
}

impl Matrix {
    /// The diagonal follows from the columns: ground + Σ of the entries above and below, by sums alone.
    pub fn new(start: Vec<u32>, column: Vec<u32>, value: Vec<f64>, ground: Vec<f64>) -> Self {
        let mut diagonal = ground.clone();
        column.iter().zip(&value).for_each(|(&j, a)| diagonal[j as usize] += a);
        Self { start, column, value, inverse: inverse(&diagonal), diagonal, ground }
    }

    /// The same with another diagonal.
    pub fn with_diagonal(mut self, diagonal: Vec<f64>) -> Self {
        self.inverse = inverse(&diagonal);
        self.diagonal = diagonal;
        self
    }

    pub fn len(&self) -> usize {
        self.diagonal.len()
    }

    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.start[i] as usize..self.start[i + 1] as usize;
        self.column[range.clone()].iter().zip(&self.value[range]).map(|(&j, &a)| (j as usize, a))
    }

    /// Σ_j a_ij x_j.
    fn inflow(&self, i: usize, x: &[f64]) -> f64 {
        self.row(i).map(|(j, a)| a * x[j]).sum()
    }

    pub fn multiply(&self, x: &[f64], out: &mut [f64]) {
        for i in 0..self.len() {
            out[i] = self.diagonal[i] * x[i] - self.inflow(i, x);
        }
    }

    /// What rounding leaves of a residual in L1.
    fn rounding(&self, x: &[f64]) -> f64 {
        2.0 * f64::EPSILON * self.diagonal.iter().zip(x).map(|(d, x)| d * x.abs()).sum::<f64>()
    }

    /// One Gauss–Seidel sweep in the given order.
    fn relax(&self, x: &mut [f64], b: &[f64], order: impl Iterator<Item = usize>) {
        for i in order {
            if self.inverse[i] > 0.0 {
                x[i] = (b[i] + self.inflow(i, x)) * self.inverse[i];
            }
        }
    }

    /// Pairs every unknown with its strongest free neighbour; returns the aggregate of each and their number.
    fn pairs(&self) -> (Vec<u32>, usize) {
        let mut aggregate = vec![u32::MAX; self.len()];
        let mut count = 0;
        for i in 0..self.len() {
            if aggregate[i] != u32::MAX {
                continue;
            }
            let free = self.row(i).filter(|&(j, a)| j != i && a > 0.0 && aggregate[j] == u32::MAX);
            // relative to the smaller diagonal: a cell of a tail is strongly coupled to its neighbour nearer the middle
            let strength = |j: usize, a: f64| a / self.diagonal[i].min(self.diagonal[j]);
            let best = free.max_by(|x, y| strength(x.0, x.1).total_cmp(&strength(y.0, y.1)));
            aggregate[i] = count;
            if let Some((j, _)) = best {
                aggregate[j] = count;
            }
            count += 1;
        }
        (aggregate, count as usize)
    }

    fn coarsened(&self, aggregate: &[u32], count: usize) -> Self {
        let mut first_member = vec![0u32; count + 1];
        aggregate.iter().for_each(|&a| first_member[a as usize + 1] += 1);
        (0..count).for_each(|row| first_member[row + 1] += first_member[row]);
        let (mut next, mut members) = (first_member.clone(), vec![0u32; aggregate.len()]);
        for (i, &a) in aggregate.iter().enumerate() {
            members[next[a as usize] as usize] = i as u32;
            next[a as usize] += 1;
        }
        let mut ground = vec![0.0; count];
        aggregate.iter().zip(&self.ground).for_each(|(&a, g)| ground[a as usize] += g);
        let (mut start, mut column, mut value) = (vec![0u32], Vec::new(), Vec::<f64>::new());
        let mut place = vec![usize::MAX; count];
        for row in 0..count {
            let first = column.len();
            for &i in &members[first_member[row] as usize..first_member[row + 1] as usize] {
                for (j, a) in self.row(i as usize) {
                    let target = aggregate[j] as usize;
                    if target == row {
                        continue;
                    }
                    if place[target] == usize::MAX || place[target] < first {
                        place[target] = column.len();
                        column.push(target as u32);
                        value.push(0.0);
                    }
                    value[place[target]] += a;
                }
            }
            start.push(column.len() as u32);
        }
        Self::new(start, column, value, ground)
    }
}

fn inverse(diagonal: &[f64]) -> Vec<f64> {
    diagonal.iter().map(|&d| if d > 0.0 { 1.0 / d } else { 0.0 }).collect()
}

struct Level {
    matrix: Matrix,
    aggregate: Vec<u32>,
    /// How corrections come up; None: constant on aggregates.
    boxes: Option<Boxes>,
}

/// Matrices from fine to coarse, the coarsest eliminated.
pub(super) struct Hierarchy {
    levels: Vec<Level>,
    coarsest: Matrix,
    front: Front,
    inverse: Vec<f64>,
}

impl Hierarchy {
    /// Of the matrix of a grid with these cells along its axes.
    pub fn new(mut matrix: Matrix, shape: &[usize]) -> Self {
        let mut levels = Vec::new();
        let mut shape = shape.to_vec();
        while matrix.len() > COARSEST
            && let Some(boxes) = Boxes::of(&matrix, &shape)
        {
            let aggregate = boxes.aggregates();
            shape = boxes.shape().to_vec();
            let coarse = boxes.rescaled(matrix.coarsened(&aggregate, shape.iter().product()));
            levels.push(Level { matrix, aggregate, boxes: Some(boxes) });
            matrix = coarse;
        }
        while matrix.len() > COARSEST {
            let (first, pairs) = matrix.pairs();
            let half = matrix.coarsened(&first, pairs);
            let (second, count) = half.pairs();
            if count as f64 > 0.8 * matrix.len() as f64 {
                break; // hardly any coupling is left
            }
            let aggregate = first.iter().map(|&a| second[a as usize]).collect();
            let coarse = half.coarsened(&second, count);
            levels.push(Level { matrix, aggregate, boxes: None });
            matrix = coarse;
        }
        let n = matrix.len();
        let mut front = Front::zeros(n);
        for i in 0..n {
            matrix.row(i).for_each(|(j, a)| front.add(i, j, a));
            front.add(n, i, matrix.ground[i]);
        }
        let inverse = front.eliminate(n);
        Self { levels, coarsest: matrix, front, inverse }
    }

    pub fn bytes(&self) -> usize {
        let matrix = |m: &Matrix| 12 * m.value.len() + 32 * m.len();
        self.levels.iter().map(|l| matrix(&l.matrix) + 4 * l.aggregate.len()).sum::<usize>()
            + 8 * self.front.value.len()
    }

    fn matrix(&self, level: usize) -> &Matrix {
        self.levels.get(level).map_or(&self.coarsest, |l| &l.matrix)
    }

    fn solve_coarsest(&self, b: &[f64], x: &mut [f64]) {
        let (n, rows) = (x.len(), self.front.rows());
        x.copy_from_slice(b);
        for k in 0..n {
            let value = x[k];
            let column = &self.front.value[k * rows..(k + 1) * rows];
            x[k + 1..].iter_mut().zip(&column[k + 1..n]).for_each(|(x, l)| *x += l * value);
        }
        for k in (0..n).rev() {
            // a pivot of 0: the last cell of a closed system, whose value is free
            x[k] = if self.inverse[k].is_finite() { x[k] * self.inverse[k] } else { 0.0 };
            let value = x[k];
            let column = &self.front.value[k * rows..k * rows + k];
            x.iter_mut().zip(column).for_each(|(x, u)| *x += u * value);
        }
    }

    /// One K-cycle for B e = r at a level.
    fn cycle(&self, level: usize, r: &[f64], e: &mut [f64]) {
        let Some(Level { matrix, aggregate, boxes }) = self.levels.get(level) else {
            self.solve_coarsest(r, e);
            return;
        };
        e.fill(0.0);
        matrix.relax(e, r, 0..matrix.len());
        let coarse = self.matrix(level + 1);
        let mut restricted = vec![0.0; coarse.len()];
        for i in 0..matrix.len() {
            let rest = r[i] - matrix.diagonal[i] * e[i] + matrix.inflow(i, e);
            restricted[aggregate[i] as usize] += rest;
        }
        let mut correction = vec![0.0; coarse.len()];
        self.two_steps(level + 1, &restricted, &mut correction);
        match boxes {
            Some(boxes) => boxes.interpolate(&correction, e),
            None => e.iter_mut().zip(aggregate).for_each(|(e, &a)| *e += correction[a as usize]),
        }
        matrix.relax(e, r, (0..matrix.len()).rev());
    }

    /// Two iterations of [`Projection`], preconditioned by the cycle; the coarsest level is solved exactly by one.
    fn two_steps(&self, level: usize, r: &[f64], x: &mut [f64]) {
        if level == self.levels.len() {
            return self.cycle(level, r, x);
        }
        let mut projection = Projection::new(self.matrix(level), r, 2);
        let before = projection.size();
        for _ in 0..2 {
            let mut z = vec![0.0; r.len()];
            self.cycle(level, &projection.rest, &mut z);
            if !projection.add(z, x) || projection.size() <= 0.0625 * before {
                return;
            }
        }
    }

    /// Solves B x = b from x = 0 until ‖b − Bx‖₁ ≤ tolerance·‖b‖₁ or the rounding of Bx, in at most `most` cycles.
    ///
    /// With ground c·w the error of the probabilities w·x is at most the residual over c, in L1. Errors: [`Error::Interrupted`].
    pub fn solve(
        &self,
        b: &[f64],
        x: &mut [f64],
        tolerance: f64,
        most: usize,
        interrupt: Interrupt,
    ) -> Result<Reached, Error> {
        x.fill(0.0);
        let matrix = self.matrix(0);
        let size = norm1(b);
        let mut projection = Projection::new(matrix, b, DIRECTIONS);
        let mut best = Reached { cycles: 0, residual: 1.0, converged: size == 0.0 };
        while !best.converged && best.cycles < most {
            proceed(interrupt)?;
            let mut z = vec![0.0; b.len()];
            self.cycle(0, &projection.rest, &mut z);
            let went_on = projection.add(z, x);
            best.cycles += 1;
            best.residual = norm1(&projection.rest) / size;
            let rounding = if best.cycles.is_multiple_of(4) { matrix.rounding(x) / size } else { 0.0 };
            best.converged = best.residual <= tolerance.max(rounding);
            if !went_on || !best.residual.is_finite() {
                break;
            }
        }
        Ok(best)
    }
}

/// Where an iteration ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    pub cycles: usize,
    /// ‖b − Bx‖₁/‖b‖₁.
    pub residual: f64,
    pub converged: bool,
}

/// Generalised conjugate residuals (Eisenstat, Elman & Schultz, doi:10.1137/0720023): each step makes Σ r²/diagonal as small as a sum of
/// the directions kept can. It goes on where cycle and matrix together are not positive, which strong currents and interpolation make.
struct Projection<'a> {
    matrix: &'a Matrix,
    rest: Vec<f64>,
    /// p, Bp, ‖Bp‖²; orthogonal in Bp.
    directions: Vec<(Vec<f64>, Vec<f64>, f64)>,
    keep: usize,
}

impl<'a> Projection<'a> {
    fn new(matrix: &'a Matrix, b: &[f64], keep: usize) -> Self {
        Self { matrix, rest: b.to_vec(), directions: Vec::new(), keep }
    }

    /// Σ r²/diagonal.
    fn size(&self) -> f64 {
        dot(&self.matrix.inverse, &self.rest, &self.rest)
    }

    /// Moves x along a new direction; false where there is nothing to gain.
    fn add(&mut self, mut z: Vec<f64>, x: &mut [f64]) -> bool {
        let mut v = vec![0.0; z.len()];
        self.matrix.multiply(&z, &mut v);
        let inverse = &self.matrix.inverse;
        for (p, q, size) in &self.directions {
            let beta = dot(inverse, q, &v) / size;
            axpy(-beta, q, &mut v);
            axpy(-beta, p, &mut z);
        }
        let size = dot(inverse, &v, &v);
        if size.is_nan() || size <= 0.0 {
            return false;
        }
        let alpha = dot(inverse, &v, &self.rest) / size;
        axpy(alpha, &z, x);
        axpy(-alpha, &v, &mut self.rest);
        if self.directions.len() == self.keep {
            self.directions.remove(0);
        }
        self.directions.push((z, v, size));
        true
    }
}

dispatch! {
    fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
        super::front::axpy(factor, x, y);
    }
}

dispatch! {
    /// Σ w a b.
    fn dot(w: &[f64], a: &[f64], b: &[f64]) -> f64 {
        let mut sums = [0.0; 8];
        let (w8, a8, b8) = (w.chunks_exact(8), a.chunks_exact(8), b.chunks_exact(8));
        let rest = w8.remainder().iter().zip(a8.remainder()).zip(b8.remainder()).map(|((w, a), b)| w * a * b).sum::<f64>();
        for ((w, a), b) in w8.zip(a8).zip(b8) {
            for lane in 0..8 {
                sums[lane] += w[lane] * a[lane] * b[lane];
            }
        }
        sums.iter().sum::<f64>() + rest
    }
}

fn norm1(x: &[f64]) -> f64 {
    x.iter().map(|v| v.abs()).sum()
}
