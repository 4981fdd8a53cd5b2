//! What a chain answers: invariant laws, first passages, survival, quasi-stationary laws.

use super::classes::{closed_classes, reaching};
use super::inverse::{Inverse, Solver};
use super::matrix::TransitionMatrix;
use crate::Error;
use crate::engine::Interrupt;

/// The closed classes of a chain and the invariant law on each.
#[derive(Debug, Clone)]
pub struct InvariantLaws {
    /// States of each class, increasing.
    pub classes: Vec<Vec<usize>>,
    /// The law on each class (N, 0 outside).
    pub laws: Vec<Vec<f64>>,
    /// Probability to end in each class from every state (N each).
    pub absorption: Vec<Vec<f64>>,
}

impl InvariantLaws {
    /// Probability to end in each class from a law.
    pub fn probabilities(&self, law: &[f64]) -> Vec<f64> {
        self.absorption.iter().map(|h| h.iter().zip(law).map(|(h, p)| h * p).sum()).collect()
    }

    /// The law that remains of `start` on the long run (averaged over periods).
    pub fn limit(&self, start: &[f64]) -> Vec<f64> {
        let mut law = vec![0.0; start.len()];
        for (share, one) in self.probabilities(start).iter().zip(&self.laws) {
            law.iter_mut().zip(one).for_each(|(l, p)| *l += share * p);
        }
        law
    }
}

/// All invariant laws: recurrent states first, then visits between two returns on each class.
///
/// Errors: those of [`Solver::inverse`] and [`Inverse::solve`]; [`Error::Interrupted`].
pub fn invariant_laws(chain: &dyn Solver, interrupt: Interrupt) -> Result<InvariantLaws, Error> {
    let classes = closed_classes(chain.matrix());
    let laws = classes.iter().map(|class| law_of_class(chain, class, interrupt)).collect::<Result<Vec<_>, _>>()?;
    let absorption = absorption(chain, &classes, interrupt)?;
    Ok(InvariantLaws { classes, laws, absorption })
}

/// Power steps that find a state of high probability.
const FIRST_STEPS: usize = 200;

fn law_of_class(chain: &dyn Solver, class: &[usize], interrupt: Interrupt) -> Result<Vec<f64>, Error> {
    let matrix = chain.matrix();
    let n = matrix.states();
    let (mut law, mut next) = (vec![0.0; n], vec![0.0; n]);
    class.iter().for_each(|&i| law[i] = 1.0 / class.len() as f64);
    for _ in 0..FIRST_STEPS {
        matrix.forward(&law, &mut next);
        std::mem::swap(&mut law, &mut next);
        if interrupt() {
            return Err(Error::Interrupted { time: 0.0 });
        }
    }
    let greatest = |law: &[f64]| class.iter().copied().fold(class[0], |a, b| if law[b] > law[a] { b } else { a });
    let mut centre = greatest(&law);
    for _ in 0..3 {
        law = relative_to(chain, class, centre, interrupt)?;
        let best = greatest(&law);
        // weights beyond the range of numbers: from a state that has less than 1e-200 of the probability
        if law.iter().all(|v| v.is_finite()) && law[best] < 1e200 {
            break;
        }
        centre = class.iter().copied().find(|&i| law[i].is_infinite()).unwrap_or(best);
    }
    let sum: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= sum);
    Ok(law)
}

/// Expected visits to every state between two visits to `centre`.
fn relative_to(chain: &dyn Solver, class: &[usize], centre: usize, interrupt: Interrupt) -> Result<Vec<f64>, Error> {
    let matrix = chain.matrix();
    let states: Vec<usize> = class.iter().copied().filter(|&i| i != centre).collect();
    let killing: Vec<f64> =
        states.iter().map(|&i| probability(matrix, i, |j| f64::from(u8::from(j == centre)))).collect();
    let inverse = chain.inverse(&states, &|_| 1.0, &killing, interrupt)?;
    let mut full = vec![0.0; matrix.states()];
    let (columns, values) = matrix.row(centre);
    columns.iter().zip(values).for_each(|(c, v)| full[*c as usize] = *v);
    let mut visits: Vec<f64> = states.iter().map(|&i| full[i]).collect();
    inverse.solve_left(&mut visits)?;
    let mut law = vec![0.0; matrix.states()];
    states.iter().zip(&visits).for_each(|(&i, v)| law[i] = v.max(0.0));
    law[centre] = 1.0;
    Ok(law)
}

/// Σ_j P_ij share(j).
fn probability(matrix: &TransitionMatrix, i: usize, share: impl Fn(usize) -> f64) -> f64 {
    let (columns, values) = matrix.row(i);
    columns.iter().zip(values).map(|(c, v)| v * share(*c as usize)).sum()
}

/// Probability to end in each of the closed classes (N for each class).
fn absorption(chain: &dyn Solver, classes: &[Vec<usize>], interrupt: Interrupt) -> Result<Vec<Vec<f64>>, Error> {
    let matrix = chain.matrix();
    let n = matrix.states();
    let mut class_of = vec![usize::MAX; n];
    for (k, class) in classes.iter().enumerate() {
        class.iter().for_each(|&i| class_of[i] = k);
    }
    if classes.len() == 1 {
        return Ok(vec![vec![1.0; n]]);
    }
    let states: Vec<usize> = (0..n).filter(|&i| class_of[i] == usize::MAX).collect();
    let inside = |i: usize, k: usize| probability(matrix, i, |j| f64::from(u8::from(class_of[j] == k)));
    let killing: Vec<f64> =
        states.iter().map(|&i| probability(matrix, i, |j| f64::from(u8::from(class_of[j] != usize::MAX)))).collect();
    let ends = |j: usize| f64::from(u8::from(class_of[j] == usize::MAX));
    let inverse = chain.inverse(&states, &ends, &killing, interrupt)?;
    let one = |k: usize| {
        let mut h: Vec<f64> = states.iter().map(|&i| inside(i, k)).collect();
        inverse.solve(&mut h)?;
        let mut all: Vec<f64> = (0..n).map(|i| f64::from(u8::from(class_of[i] == k))).collect();
        states.iter().zip(&h).for_each(|(&i, h)| all[i] = h.clamp(0.0, 1.0));
        Ok(all)
    };
    (0..classes.len()).map(one).collect()
}

/// A chain that ends when it enters a target: state j counts as entered with the probability share_j of its cell inside.
pub struct Killed<'a> {
    matrix: &'a TransitionMatrix,
    shares: &'a [f64],
    inverse: Box<dyn Inverse + 'a>,
    /// Whether the target is entered with certainty from each state.
    certain: Vec<bool>,
    /// Σ_j P_ij share_j.
    killing: Vec<f64>,
}

impl<'a> Killed<'a> {
    /// The chain with the shares (N, from 0 to 1) of a target's cells: a share of ½ at an edge makes times second order in h.
    ///
    /// Errors: a target without nodes, or one that holds every node; [`Error::Interrupted`].
    pub fn new(chain: &'a dyn Solver, shares: &'a [f64], interrupt: Interrupt<'a>) -> Result<Self, Error> {
        let matrix = chain.matrix();
        let n = matrix.states();
        if shares.iter().all(|s| *s <= 0.0) || shares.iter().all(|s| *s >= 1.0) {
            let what =
                if shares[0] <= 0.0 { "the target holds no node of the grid" } else { "the target holds every node" };
            return Err(Error::invalid(what, "move the target so that it holds some of the nodes, or use more cells"));
        }
        let killing: Vec<f64> = (0..n).map(|i| probability(matrix, i, |j| shares[j])).collect();
        let done = |i: usize| shares[i] >= 1.0;
        let can = reaching(matrix, &killing.iter().map(|k| *k > 0.0).collect::<Vec<_>>(), &done);
        let never: Vec<bool> = (0..n).map(|i| !can[i] && !done(i)).collect();
        let risky = reaching(matrix, &never, &done);
        let certain = (0..n).map(|i| done(i) || !risky[i]).collect();
        let states: Vec<usize> = (0..n).filter(|&i| can[i] && !done(i)).collect();
        let survival = |j: usize| if can[j] { 1.0 - shares[j] } else { 0.0 };
        let out: Vec<f64> = states
            .iter()
            .map(|&i| killing[i] + probability(matrix, i, |j| if can[j] { 0.0 } else { 1.0 - shares[j] }))
            .collect();
        let inverse = chain.inverse(&states, &survival, &out, interrupt)?;
        Ok(Self { matrix, shares, inverse, certain, killing })
    }

    fn spread(&self, values: &[f64], elsewhere: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut all: Vec<f64> = (0..self.matrix.states()).map(elsewhere).collect();
        self.inverse.states().iter().zip(values).for_each(|(&i, v)| all[i] = *v);
        all
    }

    /// Mean number of steps to the target (N): 0 in it, ∞ from where it may never be entered.
    ///
    /// Errors: those of [`Inverse::solve`].
    pub fn mean_steps(&self) -> Result<Vec<f64>, Error> {
        let mut t = vec![1.0; self.inverse.states().len()];
        self.inverse.solve(&mut t)?;
        let mut all = self.spread(&t, |_| 0.0);
        for (i, t) in all.iter_mut().enumerate() {
            if !self.certain[i] {
                *t = f64::INFINITY;
            }
        }
        Ok(all)
    }

    /// Probability that the target is entered through the part `inside` (N, ≤ shares) of it: the committor where the rest of the
    /// shares is a set to be avoided. Errors: those of [`Inverse::solve`].
    pub fn committor(&self, inside: &[f64]) -> Result<Vec<f64>, Error> {
        let mut h: Vec<f64> =
            self.inverse.states().iter().map(|&i| probability(self.matrix, i, |j| inside[j])).collect();
        self.inverse.solve(&mut h)?;
        Ok(self.spread(&h, |i| if self.shares[i] >= 1.0 { inside[i] } else { 0.0 }))
    }

    /// Σ over the steps k ≥ 0 of the probability not to have entered after k steps and to come through the part with the committor `q`
    /// (N): mean steps to that part times its probability (N). Errors: those of [`Inverse::solve`].
    pub fn weighted_steps(&self, q: &[f64]) -> Result<Vec<f64>, Error> {
        let mut w: Vec<f64> = self.inverse.states().iter().map(|&i| q[i]).collect();
        self.inverse.solve(&mut w)?;
        Ok(self.spread(&w, |_| 0.0))
    }

    /// Probability not to have entered after each of the increasing numbers of steps, from a law of what has not entered.
    /// Errors: [`Error::Interrupted`].
    pub fn survival(&self, start: &[f64], steps: &[u64], interrupt: Interrupt) -> Result<Vec<f64>, Error> {
        let (mut law, mut next) = (start.to_vec(), vec![0.0; start.len()]);
        let (mut now, mut out) = (0, Vec::with_capacity(steps.len()));
        for &to in steps {
            while now < to {
                self.matrix.forward(&law, &mut next);
                next.iter_mut().zip(self.shares).for_each(|(p, s)| *p *= 1.0 - s);
                std::mem::swap(&mut law, &mut next);
                now += 1;
                if interrupt() {
                    return Err(Error::Interrupted { time: 0.0 });
                }
            }
            out.push(law.iter().sum());
        }
        Ok(out)
    }

    /// The quasi-stationary law (N) and the probability κ a step that it ends: what the chain looks like given that it has not
    /// entered the target for long; from it the exit is exactly geometric with mean 1/κ.
    ///
    /// Errors: no convergence of the inverse iteration; [`Error::Interrupted`].
    pub fn quasi_stationary(&self, interrupt: Interrupt) -> Result<(Vec<f64>, f64), Error> {
        let states = self.inverse.states();
        let mut y = vec![1.0 / states.len() as f64; states.len()];
        for _ in 0..2000 {
            if interrupt() {
                return Err(Error::Interrupted { time: 0.0 });
            }
            let before = y.clone();
            self.inverse.solve_left(&mut y)?;
            y.iter_mut().for_each(|v| *v = v.max(0.0));
            let sum: f64 = y.iter().sum();
            y.iter_mut().for_each(|v| *v /= sum);
            if y.iter().zip(&before).map(|(a, b)| (a - b).abs()).sum::<f64>() < 10.0 * self.inverse.precision() {
                let rate = states.iter().zip(&y).map(|(&i, y)| y * self.killing[i]).sum();
                return Ok((self.spread(&y, |_| 0.0), rate));
            }
        }
        Err(Error::numerical(
            "the quasi-stationary law",
            "after 2000 inverse iterations",
            "two laws decay at nearly the same rate, so it is not unique",
            "ask for a smaller basin",
        ))
    }
}
