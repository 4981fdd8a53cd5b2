//! I − Q eliminated inside its band without one subtraction (Grassmann, Taksar & Heyman, doi:10.1287/opre.33.5.1107).
//!
//! Q holds the transitions among the states that are left, killing probabilities k = 1 − Σ_j Q_ij are carried beside it. State by
//! state is censored out: its pivot 1 − Q_nn is k_n + Σ_{j<n} Q_nj, a sum. Every entry of a solution with a right-hand side ≥ 0 is
//! therefore relatively right however small or large it is: probabilities of 1e-60, passage times of 1e61.

use super::matrix::TransitionMatrix;
use crate::Error;
use crate::engine::Interrupt;

/// The factors of I − Q: (I − F)(S − L), F above the diagonal, S the pivots, L below.
pub struct Elimination {
    states: Vec<usize>,
    below: usize,
    width: usize,
    /// Row i, column j at `[i·width + j + below − i]`.
    band: Vec<f64>,
}

/// Products between two looks at the interrupt.
const WORK_PER_CHECK: usize = 50_000_000;

impl Elimination {
    /// Eliminates the chain on `states` (increasing) with transitions P_ij·survival_j and killing probabilities `killing` (one
    /// for each of the states). From every state killing must be reachable.
    ///
    /// Errors: a pivot that is 0 (a state from which nothing leads out, or only probabilities below the range of numbers);
    /// [`Error::Interrupted`].
    pub fn new(
        matrix: &TransitionMatrix,
        states: &[usize],
        survival: &dyn Fn(usize) -> f64,
        killing: &[f64],
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let n = states.len();
        let mut number = vec![usize::MAX; matrix.states()];
        states.iter().enumerate().for_each(|(k, &i)| number[i] = k);
        let inside = |i: usize| {
            let (columns, values) = matrix.row(states[i]);
            columns.iter().zip(values).map(|(c, v)| (number[*c as usize], v * survival(*c as usize)))
        };
        let (mut below, mut above) = (0, 0);
        for i in 0..n {
            for (j, _) in inside(i).filter(|(j, v)| *j != usize::MAX && *v > 0.0) {
                below = below.max(i.saturating_sub(j));
                above = above.max(j.saturating_sub(i));
            }
        }
        let width = below + above + 1;
        let mut band = vec![0.0; n * width];
        for i in 0..n {
            for (j, v) in inside(i).filter(|(j, v)| *j != usize::MAX && *v > 0.0) {
                band[i * width + j + below - i] += v;
            }
        }
        let mut all = Self { states: states.to_vec(), below, width, band };
        all.eliminate(killing.to_vec(), interrupt)?;
        Ok(all)
    }

    fn eliminate(&mut self, mut killing: Vec<f64>, interrupt: Interrupt) -> Result<(), Error> {
        let (n, below, width) = (self.states.len(), self.below, self.width);
        let above = width - 1 - below;
        let mut work = 0;
        for k in (0..n).rev() {
            let low = k.min(below); // how many columns there are below the diagonal
            let (rest, row) = self.band.split_at_mut(k * width);
            let pivot = killing[k] + row[below - low..below].iter().sum::<f64>();
            if pivot.is_nan() || pivot <= 0.0 {
                return Err(Error::numerical(
                    "subtraction-free elimination",
                    format!("at node {}", self.states[k]),
                    "nothing leads out of it",
                    "use a finer grid, or ask for states from which the target can be reached",
                ));
            }
            row[below] = pivot;
            let source = &row[below - low..below];
            for i in k.saturating_sub(above)..k {
                let start = i * width + below - i;
                let f = rest[start + k] / pivot;
                if f != 0.0 {
                    rest[start + k] = f;
                    let target = &mut rest[start + k - low..start + k];
                    target.iter_mut().zip(source).for_each(|(t, s)| *t += f * s);
                    killing[i] += f * killing[k];
                }
            }
            work += (above + 1) * (low + 1);
            if work > WORK_PER_CHECK {
                work = 0;
                if interrupt() {
                    return Err(Error::Interrupted { time: 0.0 });
                }
            }
        }
        Ok(())
    }

    /// The states, in the order of solutions.
    pub fn states(&self) -> &[usize] {
        &self.states
    }

    fn lower(&self, i: usize) -> (usize, &[f64]) {
        let low = i.min(self.below);
        let at = i * self.width + self.below;
        (i - low, &self.band[at - low..at])
    }

    fn upper(&self, i: usize) -> &[f64] {
        let at = i * self.width + self.below + 1;
        let count = (self.width - 1 - self.below).min(self.states.len() - 1 - i);
        &self.band[at..at + count]
    }

    /// x with (I − Q) x = b, in place: sums over the visits of what b gives at each.
    pub fn solve(&self, b: &mut [f64]) {
        let n = self.states.len();
        for i in (0..n).rev() {
            let upper: f64 = self.upper(i).iter().zip(&b[i + 1..]).map(|(f, b)| f * b).sum();
            b[i] += upper;
        }
        // b now holds the censored right-hand side
        for i in 0..n {
            let (first, lower) = self.lower(i);
            let sum: f64 = lower.iter().zip(&b[first..i]).map(|(a, x)| a * x).sum();
            b[i] = (b[i] + sum) / self.band[i * self.width + self.below];
        }
    }

    /// y with y (I − Q) = c, in place: expected visits from the law c until killed.
    pub fn solve_left(&self, c: &mut [f64]) {
        let n = self.states.len();
        for i in (0..n).rev() {
            c[i] /= self.band[i * self.width + self.below];
            let (first, lower) = self.lower(i);
            let z = c[i];
            if z != 0.0 {
                c[first..i].iter_mut().zip(lower).for_each(|(c, a)| *c += z * a);
            }
        }
        for i in 0..n {
            let y = c[i];
            if y != 0.0 {
                let count = self.upper(i).len();
                let upper = self.upper(i);
                c[i + 1..i + 1 + count].iter_mut().zip(upper).for_each(|(c, f)| *c += y * f);
            }
        }
    }
}
