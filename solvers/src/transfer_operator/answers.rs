//! What the chain of descent answers besides densities: slow modes, first passages, quasi-stationary laws.

use super::assignment::Rows;
use super::engine::{TransferOperator, refined, unfitted};
use super::level::Level;
use super::long_run::{on_coarser, witnesses};
use super::modes::slow_modes;
use super::reaction::reaction;
use super::solve::{Killed, invariant_laws};
use crate::Error;
use crate::engine::{Interrupt, OnGrid, RefinedSpectrum, Spectrum, Stationary};
use crate::escape::basin::{Basin, QuasiStationary};
use crate::escape::on_grid::{AtStart, GridPassage, Timed};
use crate::escape::passage::{Passage, Target};
use crate::escape::reaction::Reaction;

impl OnGrid for TransferOperator {
    /// None: the law of the long run is that of another process than the problem's, see [`crate::engine::Engine::long_run`].
    fn stationary(&self) -> Option<&Stationary> {
        None
    }

    fn spectrum(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
        let unique = self.invariant.first().is_some_and(|law| law.len() == self.levels[0].operator().matrix.states());
        if !unique || self.has_several() {
            return Err(Error::numerical(
                "the slow modes of the transfer operator",
                "before they were computed",
                "they need a unique invariant law over the nodes",
                "leave the modes out with momentum, or where there are several invariant laws",
            ));
        }
        let one = |level: &Level, law: &[f64]| slow_modes(level.solver(), law, count - 1, interrupt);
        let scale = 1.0 / self.step.time();
        let mut all = Spectrum { conserved: true, ..Spectrum::default() };
        all.real.push(0.0);
        all.imaginary.push(0.0);
        all.error.push(0.0);
        all.right.push(vec![1.0; self.invariant[0].len()]);
        all.left.push(self.invariant[0].clone());
        if count <= 1 {
            return Ok(all);
        }
        let mut by_level = vec![one(&self.levels[0], &self.invariant[0])?];
        let known = self.invariant.len();
        by_level.extend(on_coarser(&self.levels[1..known], |level| {
            one(level, &self.invariant[by_grid(&self.levels, level)])
        })?);
        let rates: Vec<Vec<(f64, f64)>> = by_level
            .iter()
            .map(|modes| modes.rates().iter().map(|(re, im)| (scale * re, scale * im)).collect())
            .collect();
        all.real.extend(rates[0].iter().map(|rate| rate.0));
        all.imaginary.extend(rates[0].iter().map(|rate| rate.1));
        all.error.extend(vec![ITERATION; rates[0].len()]);
        let modes = by_level.swap_remove(0);
        all.right.extend(modes.right);
        all.left.extend(modes.left);
        all.refined = refined_rates(&rates);
        Ok(all)
    }

    fn first_passage(&self, passage: &Passage, interrupt: Interrupt) -> Result<GridPassage, Error> {
        let levels = self.for_passages(interrupt)?;
        let mut answer = self.passage_on(&levels[0], passage, interrupt)?;
        let shares = levels[0].shares(&passage.target);
        let witnesses = witnesses(levels, passage.from.first().copied(), &shares);
        let coarser = on_coarser(witnesses, |level| self.passage_on(level, passage, interrupt))?;
        if let Some(coarse) = coarser.first() {
            let coarsest = coarser.get(1).map(AtStart::of).unwrap_or_default();
            answer.see_coarse(&AtStart::of(coarse), &coarsest, refined_time);
            answer.see_coarse_curve(coarse, |fine, coarse| (fine - coarse).abs() / SECOND_ORDER);
            let shape = levels[0].grid.shape();
            answer.see_coarse_fields(coarse, |fine, coarse| field_errors(shape, fine, coarse));
        }
        Ok(answer)
    }

    fn quasi_stationary(&self, basin: &Basin, interrupt: Interrupt) -> Result<QuasiStationary, Error> {
        basin.check(&self.problem.grid)?;
        let levels = self.for_passages(interrupt)?;
        let on = |level: &Level| {
            let (shares, matrix) = (level.shares(&basin.outside), &level.operator().matrix);
            let killed = Killed::new(level.solver(), &shares, interrupt)?;
            let (law, rate) = killed.quasi_stationary(interrupt)?;
            let mut next = vec![0.0; law.len()];
            matrix.forward(&law, &mut next);
            let off = |((n, l), s): ((&f64, &f64), &f64)| (n * (1.0 - s) - (1.0 - rate) * l).abs();
            let residual = next.iter().zip(&law).zip(&shares).map(off).sum::<f64>() / rate;
            Ok::<_, Error>((law, -(-rate).ln_1p() / self.step.time(), residual))
        };
        let (probability, rate, residual) = on(&levels[0])?;
        let witnesses = witnesses(levels, None, &levels[0].shares(&basin.outside));
        let others = on_coarser(witnesses, |level| on(level).map(|other| other.1))?;
        let rate_error = others.first().map(|coarse| refined_time(rate, *coarse, others.get(1).copied()).1);
        Ok(QuasiStationary { probability, rate, rate_error, residual })
    }

    fn reaction(&self, from: &Target, to: &Target, interrupt: Interrupt) -> Result<Reaction, Error> {
        if self.is_of_pairs() || self.problem.grid.dimension() > 1 || self.has_several() {
            return Err(Error::invalid(
                "transitions of descent between sets are computed on one axis, without momentum, for a unique law at rest",
                "leave the transfer operator out, or take the mean times instead",
            ));
        }
        let levels = self.for_passages(interrupt)?;
        let on = |level: &Level| {
            let law = invariant_laws(level.solver(), interrupt)?.laws.swap_remove(0);
            reaction(level, &law, [from, to], self.step.time(), interrupt)
        };
        let mut found = on(&levels[0])?;
        let others = on_coarser(witnesses(levels, None, &[]), |level| on(level).map(|other| other.flux))?;
        found.flux_error = others.first().map(|coarse| refined_time(found.flux, *coarse, others.get(1).copied()).1);
        Ok(found)
    }
}

/// What an error of second order is smaller than the change from twice the spacing.
const SECOND_ORDER: f64 = 3.0;

/// A time to a target without its leading error, and the error on the finest grid: second order but not smooth in h, so that the larger
/// change counts.
fn refined_time(fine: f64, coarse: f64, coarsest: Option<f64>) -> (f64, f64) {
    let changes = [(fine - coarse).abs(), coarsest.map_or(0.0, |coarsest| (coarse - coarsest).abs())];
    (fine + (fine - coarse) / SECOND_ORDER, changes[0].max(changes[1]) / SECOND_ORDER)
}

/// Estimated |error| in each cell of a grid of the given shape from the same function on the grid of twice its spacing: a coarse cell
/// stands for the mean of those it holds, and all of them have its error.
fn field_errors(shape: &[usize], fine: &[f64], coarse: &[f64]) -> Vec<f64> {
    let half: Vec<usize> = shape.iter().map(|n| n / 2).collect();
    let parent = |mut cell: usize| {
        let (mut stride, mut place) = (1, 0);
        for k in (0..shape.len()).rev() {
            place += cell % shape[k] / 2 * stride;
            cell /= shape[k];
            stride *= half[k];
        }
        place
    };
    let (mut mean, children) = (vec![0.0; coarse.len()], (1 << shape.len()) as f64);
    fine.iter().enumerate().for_each(|(cell, f)| mean[parent(cell)] += f / children);
    (0..fine.len())
        .map(|cell| {
            let change = (mean[parent(cell)] - coarse[parent(cell)]).abs();
            if change.is_finite() { change / SECOND_ORDER } else { f64::NAN }
        })
        .collect()
}

/// The number of a level among all.
fn by_grid(levels: &[Level], one: &Level) -> usize {
    levels.iter().position(|level| level.grid.len() == one.grid.len()).unwrap_or(0)
}

/// Relative error of the eigenvalues by the iteration.
const ITERATION: f64 = 1e-10;

/// Eigenvalues with the leading error of the grid taken off; None where coarser grids do not know as many.
fn refined_rates(rates: &[Vec<(f64, f64)>]) -> Option<RefinedSpectrum> {
    let (fine, coarse) = (rates.first()?, rates.get(1)?);
    if coarse.len() != fine.len() {
        return None;
    }
    let coarsest = rates.get(2).filter(|rates| rates.len() == fine.len());
    let mut all = RefinedSpectrum { real: vec![0.0], imaginary: vec![0.0], error: vec![0.0] };
    for k in 0..fine.len() {
        let real = refined(fine[k].0, coarse[k].0, coarsest.map(|rates| rates[k].0));
        let imaginary = refined(fine[k].1, coarse[k].1, coarsest.map(|rates| rates[k].1));
        all.real.push(real.value);
        all.imaginary.push(imaginary.value);
        all.error.push(real.error.hypot(imaginary.error));
    }
    Some(all)
}

impl TransferOperator {
    fn has_several(&self) -> bool {
        use crate::engine::Engine;
        self.long_run().is_some_and(|long_run| long_run.class_probability.len() > 1)
    }

    /// The chain with fitted rows, which keep the exponents of rare events, made once; in a plane, where there are no such rows, the one
    /// that stands. Errors: steps with a memory; those of the rows.
    fn for_passages(&self, interrupt: Interrupt) -> Result<&[Level], Error> {
        if self.is_of_pairs() {
            return Err(Error::invalid(
                "first passages and exit rates of descent with momentum are not computed",
                "take the optimizer sgd, or leave the transfer operator out",
            ));
        }
        if self.options.rows == Rows::Fitted || self.problem.grid.dimension() > 1 {
            return Ok(&self.levels);
        }
        if let Some(levels) = self.fitted.get() {
            return Ok(levels);
        }
        let levels = self.build(Rows::Fitted, interrupt)?;
        Ok(self.fitted.get_or_init(|| levels))
    }

    /// Mean time, survival and committor on one grid, counted at steps.
    fn passage_on(&self, level: &Level, passage: &Passage, interrupt: Interrupt) -> Result<GridPassage, Error> {
        let (shares, step) = (level.shares(&passage.target), self.step.time());
        // from a point between nodes: the exact law of the first step, then the chain
        let first = level.first_step(&self.samples, Rows::Moments, &passage.from)?;
        let killed = Killed::new(level.solver(), &shares, interrupt)?;
        let steps = killed.mean_steps()?;
        let on_the_way = |((p, t), s): ((&f64, &f64), &f64)| if *p > 0.0 && *s < 1.0 { p * t * (1.0 - s) } else { 0.0 };
        let mean = 1.0 + first.iter().zip(&steps).zip(&shares).map(on_the_way).sum::<f64>();
        let mut answer = GridPassage {
            mean_time: steps.iter().map(|steps| steps * step).collect(),
            from_value: mean * step,
            survival: self.survival(&killed, &first, &shares, interrupt)?,
            warnings: unfitted(&level.unfitted(passage.from.first().copied(), &shares), "the time may be wrong")
                .into_iter()
                .collect(),
            ..GridPassage::default()
        };
        if let Some(avoid) = &passage.avoid {
            self.add_committor(level, (&shares, avoid), &first, &mut answer, interrupt)?;
        }
        Ok(answer)
    }

    fn survival(
        &self,
        killed: &Killed,
        first: &[f64],
        shares: &[f64],
        interrupt: Interrupt,
    ) -> Result<Vec<f64>, Error> {
        let alive: Vec<f64> = first.iter().zip(shares).map(|(p, s)| p * (1.0 - s)).collect();
        let numbers: Vec<u64> = self.problem.times.iter().map(|t| (t / self.step.time()).round() as u64).collect();
        let after: Vec<u64> = numbers.iter().map(|k| k.saturating_sub(1)).collect();
        let mut survival = killed.survival(&alive, &after, interrupt)?;
        survival.iter_mut().zip(&numbers).filter(|(_, k)| **k == 0).for_each(|(s, _)| *s = 1.0);
        Ok(survival)
    }

    /// The probability to come to the target before the set that is avoided, and the time to whichever comes first.
    fn add_committor(
        &self,
        level: &Level,
        (target, avoid): (&[f64], &Target),
        first: &[f64],
        answer: &mut GridPassage,
        interrupt: Interrupt,
    ) -> Result<(), Error> {
        let both: Vec<f64> = level.shares(avoid).iter().zip(target).map(|(a, b)| (a + b).min(1.0)).collect();
        let killed = Killed::new(level.solver(), &both, interrupt)?;
        let (q, steps) = (killed.committor(target)?, killed.mean_steps()?);
        let going = |i: usize| first[i] * (1.0 - both[i]);
        let on_the_way = |i: &usize| going(*i) > 0.0;
        let by_later = |i: usize| going(i) * q[i];
        let range = || (0..first.len()).filter(on_the_way);
        let at_once: f64 = first.iter().zip(target).map(|(p, s)| p * s).sum();
        let committor = at_once + range().map(by_later).sum::<f64>();
        answer.from_committor = Some(committor);
        if committor > 0.0 {
            let weighted = killed.weighted_steps(&q)?;
            let steps = committor + range().map(|i| going(i) * weighted[i]).sum::<f64>();
            answer.from_conditional = Some(Timed::new(steps / committor * self.step.time()));
        }
        let exit = 1.0 + range().map(|i| going(i) * steps[i]).sum::<f64>();
        answer.from_exit = Some(Timed::new(exit * self.step.time()));
        answer.committor = Some(q);
        Ok(())
    }
}
