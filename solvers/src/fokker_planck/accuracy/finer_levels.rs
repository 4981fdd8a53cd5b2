//! On a line: the same problem by the edge generator on finer cells, which bounds the errors that coarser ones or longer steps tell.
//!
//! Changes from 4h to 2h to h show an error where the law is resolved on all of them. Where it is not they saturate: of two laws far
//! wider than the true one, the wider is not much farther away. On a line cells are cheap. Where the answers f₁, f₂, f₃ on 32, 16 and 8
//! times as many (8, 4 and 2 times, where there are many already) converge, r = |f₃ − f₂|/|f₂ − f₁| > 1, the first is within
//! e = |f₂ − f₁| max(1, 1/(r − 1)) of the truth. The error of an answer f then lies within |f − f₁| ± e, and an estimate outside of that
//! is moved to the nearer end.

use std::sync::Arc;

use crate::Error;
use crate::engine::{Archive, Interrupt, RefinedMoments, RefinedSpectrum, Spectrum};
use crate::escape::on_grid::{GridPassage, PassageProblem};
use crate::fokker_planck::cells::weighted::{averages, moments};
use crate::fokker_planck::discretisation::Discretisation;
use crate::fokker_planck::edges::discretisation::EdgeDiscretisation;
use crate::fokker_planck::integrator::system::IntegratorOptions;
use crate::fokker_planck::options::FokkerPlanckOptions;
use crate::fokker_planck::start::{Moments, Start, start_law};
use crate::fokker_planck::transient::Transient;
use crate::problem::Problem;
use crate::problem::density::l1;
use crate::problem::initial::Initial;

/// How many times more cells the finest may have, and how many cells at most; the first that a grid allows is taken.
const FINER: [(usize, usize); 3] = [(32, 2048), (16, 2048), (8, 4096)];
/// L1 differences below this are rounding and the integration.
const ROUNDING: f64 = 1e-9;

/// One finer run.
struct Level {
    /// How many of its cells make one of the grid that is looked at.
    factor: usize,
    problem: Problem,
    discretisation: EdgeDiscretisation,
    start: Start,
    transient: Option<Transient>,
}

/// The finer runs, the finest first.
pub struct FinerLevels {
    levels: [Level; 3],
}

/// A law on the cells that are looked at, from the finer runs.
pub struct FinerLaw([Vec<f64>; 3]);

/// The error of a number or law `distance` away from the finest answer, which is `uncertain` itself, estimated as `estimate`.
pub fn bounded(estimate: Option<f64>, distance: f64, uncertain: f64) -> Option<f64> {
    let estimate = estimate.filter(|error| error.is_finite());
    // there are no moments where all has left
    if !(distance + uncertain).is_finite() {
        return estimate;
    }
    let (least, most) = ((distance - uncertain).max(0.0), distance + uncertain);
    Some(estimate.unwrap_or(most).clamp(least, most))
}

impl FinerLaw {
    /// The L1 error of a law, estimated as `estimate`; no two laws are farther apart than 2.
    pub fn bounded(&self, law: &[f64], estimate: Option<f64>) -> Option<f64> {
        let change = l1(&self.0[0], &self.0[1]);
        bounded(estimate, l1(law, &self.0[0]), self.uncertain() * change).map(|error| error.min(2.0))
    }

    /// The error of the finest by its last change, max(1, 1/(r − 1)); infinite where they do not converge.
    fn uncertain(&self) -> f64 {
        let [finest, finer, fine] = &self.0;
        let (last, before) = (l1(finest, finer), l1(finer, fine));
        if last < ROUNDING { 1.0 } else { uncertain(last, before) / last }
    }
}

/// The error of an answer that changed by `last` and, on cells twice as wide, by `before`; infinite where it does not converge.
fn uncertain(last: f64, before: f64) -> f64 {
    if last == 0.0 {
        0.0
    } else if before > last {
        last * (1.0 / (before / last - 1.0)).max(1.0)
    } else {
        f64::INFINITY
    }
}

impl Level {
    /// None where the cells cannot be divided, the start does not lie on them, or the edge generator cannot be built. Errors:
    /// [`Error::Interrupted`].
    fn new(problem: &Problem, factor: usize, interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let Some(grid) = problem.grid.refined(factor) else { return Ok(None) };
        let problem = Problem { grid, ..problem.clone() };
        let Ok(probability) = problem.initial.cell_probability(&problem.grid) else { return Ok(None) };
        let Ok(discretisation) = EdgeDiscretisation::unsolved(&problem, &problem.grid) else { return Ok(None) };
        let discretisation = discretisation.solved(interrupt)?;
        let start = start_law(&problem, &probability, &mut Vec::new());
        Ok(Some(Self { factor, problem, discretisation, start, transient: None }))
    }

    fn merged(&self, law: &[f64]) -> Vec<f64> {
        law.chunks(self.factor).map(|cells| cells.iter().sum()).collect()
    }

    fn moments(&self, centre: &[f64]) -> Moments {
        moments(self.discretisation.weighted().map(Arc::as_ref), &self.problem.grid, centre)
    }
}

impl FinerLevels {
    /// Those of a problem; None off a line, of a grid of many cells already, and of a start that is known on the cells alone.
    pub fn new(problem: &Problem, interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let known_on_cells = matches!(problem.initial, Initial::Cells { .. });
        let allowed = FINER.into_iter().find(|(factor, most)| problem.grid.len() * factor <= *most);
        let Some((factor, _)) = allowed.filter(|_| problem.dimension() == 1 && !known_on_cells) else {
            return Ok(None);
        };
        let level = |factor| Level::new(problem, factor, interrupt);
        let (finest, finer, fine) = (level(factor)?, level(factor / 2)?, level(factor / 4)?);
        Ok(finest.zip(finer).zip(fine).map(|((finest, finer), fine)| Self { levels: [finest, finer, fine] }))
    }

    /// Starts, or starts again, beside the run to the output times. Errors: as for the integrators.
    pub fn start(&mut self, times: &[f64], options: &FokkerPlanckOptions) -> Result<(), Error> {
        // an integrator that suits the cells may take a thousand times as many products on these
        let options = FokkerPlanckOptions { method: "auto".into(), ..options.clone() };
        for level in &mut self.levels {
            level.transient = Some(Transient::new(&level.discretisation, level.start.borrowed(), times, &options)?);
        }
        Ok(())
    }

    /// Goes on to a later time; None where a start at a point is not on the finer cells yet. Errors: as for the integrators.
    pub fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<Option<FinerLaw>, Error> {
        for level in &mut self.levels {
            match &mut level.transient {
                Some(transient) if to >= level.start.time => transient.advance(to, interrupt)?,
                _ => return Ok(None),
            }
        }
        Ok(self.now())
    }

    fn now(&self) -> Option<FinerLaw> {
        self.law(|level| Some(level.merged(&level.transient.as_ref()?.probability)))
    }

    /// The law at rest; None where it is not unique.
    pub fn at_rest(&self) -> Option<FinerLaw> {
        self.law(|level| {
            let (cells, grid) = (level.discretisation.weighted().map(Arc::as_ref), &level.problem.grid);
            Some(level.merged(&averages(cells, grid, &level.discretisation.law().ok()?.probability)))
        })
    }

    fn law(&self, of: impl Fn(&Level) -> Option<Vec<f64>>) -> Option<FinerLaw> {
        let [finest, finer, fine] = &self.levels;
        Some(FinerLaw([of(finest)?, of(finer)?, of(fine)?]))
    }

    /// Bounds the errors of the moments `found` now.
    pub fn bound_moments(&self, found: &Moments, refined: &mut RefinedMoments) {
        let of = |level: &Level| Some(level.moments(&level.transient.as_ref()?.centre));
        self.bound(found, refined, self.now(), of);
    }

    /// Bounds the errors of the moments `found` at rest.
    pub fn bound_moments_at_rest(&self, found: &Moments, refined: &mut RefinedMoments) {
        self.bound(found, refined, self.at_rest(), |level| {
            Some(level.moments(&level.discretisation.law().ok()?.probability))
        });
    }

    fn bound(
        &self,
        found: &Moments,
        refined: &mut RefinedMoments,
        law: Option<FinerLaw>,
        of: impl Fn(&Level) -> Option<Moments>,
    ) {
        let ([Some(finest), Some(finer)], Some(law)) = ([0, 1].map(|k| of(&self.levels[k])), law) else { return };
        let uncertain = law.uncertain();
        let all = |errors: &mut [f64], found: &[f64], finest: &[f64], finer: &[f64]| {
            for (k, error) in errors.iter_mut().enumerate() {
                let change = uncertain * (finest[k] - finer[k]).abs();
                *error = bounded(Some(*error), (found[k] - finest[k]).abs(), change).unwrap_or(*error);
            }
        };
        all(&mut refined.mean_error, &found.0, &finest.0, &finer.0);
        all(&mut refined.covariance_error, &found.1, &finest.1, &finer.1);
    }

    /// Bounds the errors of the eigenvalues, each beside the nearest of the finer ones. Errors: [`Error::Interrupted`].
    pub fn bound_modes(&self, modes: &mut Spectrum, interrupt: Interrupt) -> Result<(), Error> {
        let of = |level: &Level| level.discretisation.modes(modes.real.len(), interrupt);
        let Some([finest, finer, fine]) = self.each(of)? else { return Ok(()) };
        let apart = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
        let error = |k: usize| {
            let here = [modes.real[k], modes.imaginary[k]];
            let first = finest.nearest(here[0], here[1])?;
            let second = finer.nearest(first[0], first[1])?;
            let third = fine.nearest(second[0], second[1])?;
            let known = modes.refined.as_ref().map(|refined| refined.error[k]);
            bounded(known, apart(here, first), uncertain(apart(first, second), apart(second, third))).or(known)
        };
        if let Some(error) = (0..modes.real.len()).map(error).collect() {
            match &mut modes.refined {
                Some(refined) => refined.error = error,
                None => {
                    let (real, imaginary) = (modes.real.clone(), modes.imaginary.clone());
                    modes.refined = Some(RefinedSpectrum { real, imaginary, error });
                }
            }
        }
        Ok(())
    }

    /// Bounds the errors of what a passage says at its starting point. Errors: [`Error::Interrupted`].
    pub fn bound_passage(
        &self,
        problem: &PassageProblem,
        found: &mut GridPassage,
        integrator: IntegratorOptions,
        interrupt: Interrupt,
    ) -> Result<(), Error> {
        let of = |level: &Level| level.discretisation.passage(problem, integrator, interrupt);
        let Some(finer) = self.each(of)? else { return Ok(()) };
        let number = |value: f64, of: &dyn Fn(&GridPassage) -> Option<f64>, error: Option<f64>| {
            let [Some(first), Some(second), Some(third)] = [0, 1, 2].map(|k| of(&finer[k])) else { return error };
            if ![value, first, second, third].iter().all(|x| x.is_finite()) {
                return error;
            }
            bounded(error, (value - first).abs(), uncertain((first - second).abs(), (second - third).abs()))
        };
        found.error_grid = number(found.from_value, &|finer| Some(finer.from_value), found.error_grid);
        if let Some(committor) = found.from_committor {
            let known = found.from_committor_error_grid;
            found.from_committor_error_grid = number(committor, &|finer| finer.from_committor, known);
        }
        if let Some(time) = &mut found.from_exit {
            time.error = number(time.value, &|finer| Some(finer.from_exit?.value), time.error);
        }
        if let Some(time) = &mut found.from_conditional {
            time.error = number(time.value, &|finer| Some(finer.from_conditional?.value), time.error);
        }
        for (k, wall) in found.absorbed.iter_mut().enumerate() {
            wall.error = number(wall.probability, &|finer| Some(finer.absorbed.get(k)?.probability), wall.error);
        }
        let known = |k: usize| found.survival_error.get(k).copied();
        let survival = found.survival.iter().enumerate();
        let errors = survival.map(|(k, alive)| number(*alive, &|finer| finer.survival.get(k).copied(), known(k)));
        if let Some(errors) = errors.collect() {
            found.survival_error = errors;
        }
        Ok(())
    }

    /// What each level says; None where one fails. Errors: [`Error::Interrupted`].
    fn each<T>(&self, of: impl Fn(&Level) -> Result<T, Error>) -> Result<Option<[T; 3]>, Error> {
        let mut found = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            match of(level) {
                Err(error @ Error::Interrupted { .. }) => return Err(error),
                Err(_) => return Ok(None),
                Ok(answer) => found.push(answer),
            }
        }
        Ok(found.try_into().ok())
    }

    /// Notes the state of all, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        for (k, transient) in self.levels.iter_mut().filter_map(|level| level.transient.as_mut()).enumerate() {
            archive.part(&format!("finer_{k}"), &mut |archive| transient.archive(archive))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn estimates_move_to_the_nearer_end_of_what_is_possible() {
        assert_eq!(bounded(Some(0.125), 0.75, 0.25), Some(0.5));
        assert_eq!(bounded(Some(0.875), 0.75, 0.25), Some(0.875));
        assert_eq!(bounded(Some(2.0), 0.75, 0.25), Some(1.0));
        assert_eq!(bounded(None, 0.75, 0.25), Some(1.0));
        assert_eq!(bounded(Some(1e-9), 1e-5, 1e-4), Some(1e-9));
        assert_eq!((bounded(None, 1.0, f64::INFINITY), bounded(Some(0.5), 1.0, f64::INFINITY)), (None, Some(0.5)));
    }
}
