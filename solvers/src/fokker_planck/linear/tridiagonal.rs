//! Tridiagonal matrices with or without the periodic corner: one axis, O(N), real or complex.

use std::ops::{Add, AddAssign, Div, Mul};
use std::sync::Arc;

use super::solver::{LinearSolver, Needs, PreparedSolver, ShiftedSolver, check_shift, proceed, singular};
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::generator::Generator;

/// Entry of the table of linear solvers.
pub const SOLVER: LinearSolver = LinearSolver {
    name: "tridiagonal",
    about: "one axis: elimination in O(N), with the corner where the axis is periodic",
    applies: |generator, _| neighbours_only(generator),
    needs: |needed| {
        let n = needed.cells();
        Needs { bytes: 40.0 * n, factor: 1e-8 * n, solve: 1e-8 * n }
    },
    prepare: |generator, _, _| Box::new(Prepared { generator: generator.clone() }),
};

/// Whether all rates connect neighbours i, i+1 or the two ends.
pub fn neighbours_only(generator: &Generator) -> bool {
    let n = generator.cells();
    let near = |i: usize, j: usize| i.abs_diff(j) == 1 || i.abs_diff(j) == n - 1;
    n >= 2 && (0..n).all(|i| generator.outgoing(i).0.iter().all(|&j| near(i, j as usize)))
}

struct Prepared {
    generator: Arc<Generator>,
}

impl PreparedSolver for Prepared {
    fn name(&self) -> &'static str {
        SOLVER.name
    }
    fn factor(&self, c: f64, gamma: f64, interrupt: Interrupt) -> Result<Box<dyn ShiftedSolver>, Error> {
        check_shift(SOLVER.name, c, gamma)?;
        proceed(interrupt)?;
        let factored = Tridiagonal::factor(&self.generator, c, gamma);
        if factored.inverse_pivot.iter().any(|p| !p.is_finite()) {
            return Err(singular(SOLVER.name));
        }
        Ok(Box::new(factored))
    }
    fn cost(&self) -> (f64, f64) {
        (2e-8 * self.generator.cells() as f64, 6e-9 * self.generator.cells() as f64)
    }
}

/// Numbers the elimination runs over: `f64` or `c64`.
pub trait Scalar:
    Copy + From<f64> + Add<Output = Self> + AddAssign + Mul<Output = Self> + Div<Output = Self> + Send + Sync
{
    /// Whether it is 0.
    fn is_zero(self) -> bool;
}
impl Scalar for f64 {
    fn is_zero(self) -> bool {
        self == 0.0
    }
}
impl Scalar for faer::c64 {
    fn is_zero(self) -> bool {
        self.re == 0.0 && self.im == 0.0
    }
}

/// The rates of a chain of cells: up K(k→k+1) and down K(k+1→k), n − 1 each; first to last and back around a periodic axis; exits.
pub struct Bands {
    up: Vec<f64>,
    down: Vec<f64>,
    corner: [f64; 2],
    exit: Vec<f64>,
}

impl Bands {
    /// The bands of a generator of which [`neighbours_only`] holds.
    pub fn new(generator: &Generator) -> Self {
        let n = generator.cells();
        let rate = |i: usize, j: usize| {
            let (cells, rates) = generator.outgoing(i);
            cells.iter().position(|&cell| cell as usize == j).map_or(0.0, |at| rates[at])
        };
        Self {
            up: (0..n - 1).map(|k| rate(k, k + 1)).collect(),
            down: (0..n - 1).map(|k| rate(k + 1, k)).collect(),
            corner: if n > 2 { [rate(0, n - 1), rate(n - 1, 0)] } else { [0.0; 2] },
            exit: generator.exit().to_vec(),
        }
    }
}

/// Factors of c I − γ Qᵀ for a chain of cells, eliminated in order 0, 1, …; the last cell, which a periodic axis connects to
/// the first, is carried along.
///
/// With a(i→j) = γ K(i→j): `next`, `last` = a(k→k+1)/p, a(k→last)/p, `from_next`, `from_last` = a(k+1→k), a(last→k) at the
/// moment cell k is eliminated, p its pivot. Complex c needs no pivoting either: where c is not on the negative real axis the
/// symmetrised matrix has a definite imaginary part.
pub struct Tridiagonal<S> {
    next: Vec<S>,
    from_next: Vec<S>,
    corner: Option<(Vec<S>, Vec<S>)>,
    inverse_pivot: Vec<S>,
}

impl<S: Scalar> Tridiagonal<S> {
    /// Eliminates; a singular matrix gives an inverse pivot that is not finite (one for each closed class without exit).
    pub fn factor(generator: &Generator, c: S, gamma: f64) -> Self {
        Self::eliminate(&Bands::new(generator), c, gamma)
    }

    /// [`Tridiagonal::factor`] from the bands. Inlined, so that it is compiled for the instruction set of its caller.
    #[inline(always)]
    pub fn eliminate(bands: &Bands, c: S, gamma: f64) -> Self {
        let n = bands.exit.len();
        let (zero, one) = (S::from(0.0), S::from(1.0));
        let scaled = |rate: f64| S::from(gamma * rate);
        let periodic = bands.corner != [0.0; 2];
        let mut corner = periodic.then(|| (vec![zero; n], vec![zero; n]));
        let (mut next, mut from_next) = (vec![zero; n], vec![zero; n]);
        let mut inverse_pivot = vec![zero; n];
        let ground = |k: usize| c + scaled(bands.exit[k]);
        let (mut here, mut end) = (ground(0), ground(n - 1));
        let (mut up, mut down) = (scaled(bands.up[0]), scaled(bands.down[0]));
        let (mut to_last, mut from_last) = (scaled(bands.corner[0]), scaled(bands.corner[1]));
        for k in 0..n - 1 {
            if k == n - 2 {
                (up, down) = (up + to_last, down + from_last);
                (to_last, from_last) = (zero, zero);
            }
            let pivot = here + up + to_last;
            inverse_pivot[k] = one / pivot;
            let inverse = if pivot.is_zero() { zero } else { inverse_pivot[k] };
            // the last cell of a closed class: whatever enters it is gone
            let grounded = if pivot.is_zero() { one } else { here * inverse };
            (next[k], from_next[k]) = (up * inverse, down);
            if let Some((last, last_in)) = &mut corner {
                (last[k], last_in[k]) = (to_last * inverse, from_last);
            }
            end += from_last * grounded;
            if k == n - 2 {
                end += down * grounded;
                break;
            }
            (to_last, from_last, here) =
                (down * to_last * inverse, from_last * up * inverse, ground(k + 1) + down * grounded);
            (up, down) = (scaled(bands.up[k + 1]), scaled(bands.down[k + 1]));
        }
        inverse_pivot[n - 1] = one / end;
        Self { next, from_next, corner, inverse_pivot }
    }

    /// Solves with the matrix itself; `x` holds the right-hand side on entry. Inlined like [`Tridiagonal::eliminate`].
    #[inline(always)]
    pub fn solve_in_place(&self, x: &mut [S]) {
        let n = x.len();
        let mut carry = x[0];
        let mut end = x[n - 1];
        for k in 0..n - 1 {
            x[k] = carry;
            if let Some((last, _)) = &self.corner {
                end += last[k] * carry;
            }
            carry = if k + 1 < n - 1 { x[k + 1] + self.next[k] * carry } else { end + self.next[k] * carry };
        }
        let end = carry * self.inverse_pivot[n - 1];
        x[n - 1] = end;
        let mut after = end;
        for k in (0..n - 1).rev() {
            let mut y = x[k] + self.from_next[k] * after;
            if let Some((_, last_in)) = &self.corner {
                y += last_in[k] * end;
            }
            after = y * self.inverse_pivot[k];
            x[k] = after;
        }
    }

    /// Solves with the transposed matrix (no complex conjugation); `x` holds the right-hand side on entry.
    pub fn solve_transposed_in_place(&self, x: &mut [S]) {
        let n = x.len();
        let mut end = x[n - 1];
        let mut carry = x[0];
        for k in 0..n - 1 {
            let z = carry * self.inverse_pivot[k];
            x[k] = z;
            if let Some((_, last_in)) = &self.corner {
                end += last_in[k] * z;
            }
            carry = if k + 1 < n - 1 { x[k + 1] } else { end } + self.from_next[k] * z;
        }
        let end = carry * self.inverse_pivot[n - 1];
        x[n - 1] = end;
        let mut after = end;
        for k in (0..n - 1).rev() {
            let mut y = x[k] + self.next[k] * after;
            if let Some((last, _)) = &self.corner {
                y += last[k] * end;
            }
            after = y;
            x[k] = after;
        }
    }
}

impl Tridiagonal<f64> {
    /// ln π (shifted to maximum 0) where Qᵀπ = 0, from factors with c = 0 of a generator with one closed class: the closed
    /// recursion back from the class's last cell, in logs, every entry right to N·10⁻¹⁶ relative.
    pub(crate) fn log_null_vector(&self) -> Vec<f64> {
        let n = self.inverse_pivot.len();
        let mut log = vec![f64::NEG_INFINITY; n];
        if self.inverse_pivot[n - 1].is_infinite() {
            log[n - 1] = 0.0;
        }
        for k in (0..n - 1).rev() {
            if self.inverse_pivot[k].is_infinite() {
                log[k] = 0.0;
                continue;
            }
            let from_end = self.corner.as_ref().map_or(0.0, |(_, last_in)| last_in[k]);
            let top = log[k + 1].max(log[n - 1]);
            if top == f64::NEG_INFINITY {
                continue;
            }
            let sum = self.from_next[k] * (log[k + 1] - top).exp() + from_end * (log[n - 1] - top).exp();
            log[k] = top + (sum * self.inverse_pivot[k]).ln();
        }
        let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        log.iter_mut().for_each(|l| *l -= top);
        log
    }
}

impl ShiftedSolver for Tridiagonal<f64> {
    fn solve(&self, x: &mut [f64], _: Interrupt) -> Result<(), Error> {
        self.solve_in_place(x);
        Ok(())
    }
    fn solve_backward(&self, x: &mut [f64], _: Interrupt) -> Result<(), Error> {
        self.solve_transposed_in_place(x);
        Ok(())
    }
    fn bytes(&self) -> usize {
        8 * self.next.len() * if self.corner.is_some() { 5 } else { 3 }
    }
}
