//! (I − Q)⁻¹ in a plane by GMRES with the diffusion limit as preconditioner.
//!
//! M⁻¹ = I + (−G)⁻¹ with G the generator of the diffusion with the chain's drift and variances a step: on smooth functions it is
//! 1/(ηλ) + 1 against 1/(1 − e^{−ηλ}), on rough ones 1, so that the number of iterations hardly depends on η or on h.

use std::cell::RefCell;

use faer::linalg::solvers::Solve;
use faer::sparse::linalg::solvers::Lu;
use faer::sparse::{SparseColMat, Triplet};

use super::inverse::{Inverse, Solver};
use super::iterate::gmres;
use super::matrix::TransitionMatrix;
use super::plane::PlaneOperator;
use crate::Error;
use crate::engine::Interrupt;
use crate::numerics::bernoulli::bernoulli;

/// Relative residual that GMRES goes to.
const TOLERANCE: f64 = 1e-12;
/// Products with P at most.
const MOST_PRODUCTS: usize = 3000;
/// Variance in cells² that the diffusion has at least.
const LEAST_VARIANCE: f64 = 1e-6;

struct Iterated<'a> {
    matrix: &'a TransitionMatrix,
    states: Vec<usize>,
    /// survival_j of every state (N), 0 outside `states`.
    survival: Vec<f64>,
    /// −G, factored.
    diffusion: Lu<usize, f64>,
    interrupt: Interrupt<'a>,
    full: RefCell<[Vec<f64>; 2]>,
}

impl Solver for PlaneOperator {
    fn matrix(&self) -> &TransitionMatrix {
        &self.operator.matrix
    }

    fn inverse<'a>(
        &'a self,
        states: &[usize],
        survival: &dyn Fn(usize) -> f64,
        _killing: &[f64],
        interrupt: Interrupt<'a>,
    ) -> Result<Box<dyn Inverse + 'a>, Error> {
        let (n, matrix) = (self.states(), &self.operator.matrix);
        let mut alive = vec![false; n];
        states.iter().for_each(|&i| alive[i] = true);
        let survival: Vec<f64> = (0..n).map(survival).collect();
        // states that are entered and end the chain are removed; others that it never sees may stay
        let mut removed: Vec<bool> = (0..n).map(|i| !alive[i] && survival[i] <= 0.0).collect();
        for &i in states {
            matrix.row(i).0.iter().map(|c| *c as usize).filter(|&j| !alive[j]).for_each(|j| removed[j] = true);
        }
        let diffusion = self.diffusion(&survival, &removed)?;
        let survival = (0..n).map(|i| if alive[i] { survival[i] } else { 0.0 }).collect();
        let full = RefCell::new([vec![0.0; n], vec![0.0; n]]);
        Ok(Box::new(Iterated { matrix, states: states.to_vec(), survival, diffusion, interrupt, full }))
    }
}

impl PlaneOperator {
    /// −G per step with the survival of a state that is entered, factored.
    fn diffusion(&self, survival: &[f64], removed: &[bool]) -> Result<Lu<usize, f64>, Error> {
        let (n, width) = (self.states(), self.axes[1].count);
        let mut triplets = Vec::with_capacity(5 * n);
        let mut diagonal = vec![0.0; n];
        for i in 0..n {
            let (row, column) = (i / width, i % width);
            let neighbours = [(0, row + 1 < self.axes[0].count, i + width), (1, column + 1 < width, i + 1)];
            for (axis, exists, j) in neighbours {
                if !exists {
                    continue;
                }
                let a = (0.25 * (self.variance[i][axis] + self.variance[j][axis])).max(LEAST_VARIANCE);
                let peclet = 0.5 * (self.drift[i][axis] + self.drift[j][axis]) / a;
                for (from, to, rate) in [(i, j, a * bernoulli(-peclet)), (j, i, a * bernoulli(peclet))] {
                    if removed[from] {
                        continue;
                    }
                    diagonal[from] += rate;
                    let passes = rate * survival[to];
                    if !removed[to] && passes > 0.0 {
                        triplets.push(Triplet::new(from, to, -passes));
                    }
                }
            }
        }
        for (i, d) in diagonal.iter().enumerate() {
            triplets.push(Triplet::new(i, i, if removed[i] || *d <= 0.0 { 1.0 } else { *d }));
        }
        let failed = |what: &str| {
            Error::numerical("the diffusion limit of the chain", "in its factorisation", what, "use fewer cells")
        };
        let matrix =
            SparseColMat::<usize, f64>::try_new_from_triplets(n, n, &triplets).map_err(|_| failed("too large"))?;
        matrix.sp_lu().map_err(|_| failed("it is singular, or too large"))
    }
}

impl Iterated<'_> {
    fn spread(&self, values: &[f64], full: &mut [f64]) {
        full.fill(0.0);
        self.states.iter().zip(values).for_each(|(&i, v)| full[i] = *v);
    }

    fn iterate(
        &self,
        b: &mut [f64],
        operator: &dyn Fn(&[f64], &mut [f64]),
        smooth: &dyn Fn(&mut [f64]),
    ) -> Result<(), Error> {
        let precondition = |v: &mut [f64]| {
            let [full, _] = &mut *self.full.borrow_mut();
            self.spread(v, full);
            smooth(full);
            self.states.iter().zip(v).for_each(|(&i, v)| *v += full[i]);
        };
        let mut x = vec![0.0; b.len()];
        gmres(operator, &precondition, b, &mut x, TOLERANCE, MOST_PRODUCTS, self.interrupt)?;
        b.copy_from_slice(&x);
        Ok(())
    }
}

impl Inverse for Iterated<'_> {
    fn states(&self) -> &[usize] {
        &self.states
    }

    fn solve(&self, b: &mut [f64]) -> Result<(), Error> {
        let operator = |x: &[f64], out: &mut [f64]| {
            let [full, mean] = &mut *self.full.borrow_mut();
            self.spread(x, full);
            full.iter_mut().zip(&self.survival).for_each(|(f, s)| *f *= s);
            self.matrix.backward(full, mean);
            self.states.iter().zip(x).zip(out).for_each(|((&i, x), out)| *out = x - mean[i]);
        };
        let smooth = |v: &mut [f64]| {
            let rows = v.len();
            self.diffusion.solve_in_place(faer::MatMut::from_column_major_slice_mut(v, rows, 1));
        };
        self.iterate(b, &operator, &smooth)
    }

    fn solve_left(&self, c: &mut [f64]) -> Result<(), Error> {
        let operator = |y: &[f64], out: &mut [f64]| {
            let [full, next] = &mut *self.full.borrow_mut();
            self.spread(y, full);
            self.matrix.forward(full, next);
            self.states.iter().zip(y).zip(out).for_each(|((&i, y), out)| *out = y - next[i] * self.survival[i]);
        };
        let smooth = |v: &mut [f64]| {
            let rows = v.len();
            self.diffusion.solve_transpose_in_place(faer::MatMut::from_column_major_slice_mut(v, rows, 1));
        };
        self.iterate(c, &operator, &smooth)
    }

    fn precision(&self) -> f64 {
        10.0 * TOLERANCE
    }
}
