//! Coarser discretisations of the same problem, advanced beside the fine one: estimates of its error.
//!
//! Which there are, and how errors follow from them, is the discretisation's to say: see
//! [`ErrorLaw`].

use std::sync::Arc;

use crate::Error;
use crate::engine::{Archive, Interrupt, RefinedMoments, Stationary};
use crate::fault::{Fault, planted};
use crate::fokker_planck::accuracy::richardson::{Extrapolated, LEAST, ORDER};
use crate::fokker_planck::accuracy::wall_contact::{Ends, meets};
use crate::fokker_planck::cells::weighted::{averages, moments};
use crate::fokker_planck::discretisation::{Coarser, Discretisation, ErrorLaw, Observables};
use crate::fokker_planck::options::FokkerPlanckOptions;
use crate::fokker_planck::start::StartLaw;
use crate::fokker_planck::transient::Transient;
use crate::problem::grid::Grid;

/// Mean (d) and covariance (packed).
pub type Moments = (Vec<f64>, Vec<f64>);

/// One coarser run.
struct Level {
    discretisation: Box<dyn Discretisation>,
    transient: Option<Transient>,
}

/// The coarser runs.
pub struct CoarseLevels {
    levels: Vec<Level>,
    errors: Box<dyn ErrorLaw>,
    from: f64,
}

/// What a discretisation shows at rest; None where it has no stationary law.
fn at_rest(discretisation: &dyn Discretisation) -> Option<Observables<'_>> {
    let (grid, law) = (discretisation.grid(), &discretisation.law().ok()?.probability);
    Some(Observables {
        grid,
        law: averages(discretisation.weighted().map(Arc::as_ref), grid, law),
        parts: discretisation.unextrapolated_at_rest(),
        reconstruction_error: discretisation.reconstruction_error(law),
    })
}

/// What a run shows now.
fn now<'a>(discretisation: &'a dyn Discretisation, transient: &Transient) -> Observables<'a> {
    Observables {
        grid: discretisation.grid(),
        law: transient.probability.clone(),
        parts: transient.unextrapolated(),
        reconstruction_error: discretisation.reconstruction_error(&transient.centre),
    }
}

/// Components (d×n) at the centres of the coarser grid, by the cubic through four centres along each axis, the mean of two at walls.
pub fn at_coarse_centres(grid: &Grid, components: &[f64]) -> Vec<f64> {
    let along = |field: &[f64], shape: &[usize], k: usize| -> Vec<f64> {
        let (n, stride) = (shape[k], shape[k + 1..].iter().product::<usize>());
        let periodic = grid.axes()[k].is_periodic();
        let mut out = Vec::with_capacity(field.len() / 2);
        for line in field.chunks(n * stride) {
            for (i, inner) in (0..n / 2).flat_map(|i| (0..stride).map(move |inner| (i, inner))) {
                let value = |j: usize| line[(j % n) * stride + inner];
                let middle = 0.5 * (value(2 * i) + value(2 * i + 1));
                let inside = n >= 4 && (periodic || (i > 0 && 2 * i + 2 < n));
                let outer = || 0.5 * (value(2 * i + n - 1) + value(2 * i + 2));
                out.push(if inside { (9.0 * middle - outer()) / 8.0 } else { middle });
            }
        }
        out
    };
    let coarse = |component: &[f64]| {
        let mut shape = grid.shape().to_vec();
        (0..grid.dimension()).fold(component.to_vec(), |field, k| {
            let merged = along(&field, &shape, k);
            shape[k] /= 2;
            merged
        })
    };
    components.chunks(grid.len()).flat_map(coarse).collect()
}

impl CoarseLevels {
    /// The coarser levels of `fine`, whose start law is `start`; None where it has none. Errors: as for
    /// [`Discretisation::coarser`].
    pub fn new(fine: &dyn Discretisation, start: &[f64], interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let level = |discretisation| Level { discretisation, transient: None };
        Ok(fine.coarser(start, interrupt)?.map(|Coarser { levels, errors }| Self {
            levels: levels.into_iter().map(level).collect(),
            errors,
            from: 0.0,
        }))
    }

    /// The next coarser discretisation.
    pub fn first(&self) -> &dyn Discretisation {
        self.levels[0].discretisation.as_ref()
    }

    /// The one after that.
    pub fn second(&self) -> Option<&dyn Discretisation> {
        self.levels.get(1).map(|level| level.discretisation.as_ref())
    }

    /// What follows from them.
    pub fn errors(&self) -> &dyn ErrorLaw {
        self.errors.as_ref()
    }

    /// Starts beside the fine run on `grid`, from the same law. Errors: as for the integrators.
    pub fn start(
        &mut self,
        grid: &Grid,
        start: StartLaw,
        times: &[f64],
        options: &FokkerPlanckOptions,
    ) -> Result<(), Error> {
        self.from = start.time;
        let (mut grid, mut law) = (grid.clone(), start.law.to_vec());
        for level in &mut self.levels {
            let discretisation = level.discretisation.as_ref();
            if *discretisation.grid() != grid {
                law = grid.coarsen_probability(&law);
                grid = discretisation.grid().clone();
            }
            level.transient = Some(Transient::new(discretisation, StartLaw { law: &law, ..start }, times, options)?);
        }
        Ok(())
    }

    /// Estimated L1 error of the fine density at time `to`; None before [`CoarseLevels::start`]. Errors: as for the integrators.
    pub fn advance(
        &mut self,
        to: f64,
        fine: &dyn Discretisation,
        transient: &Transient,
        interrupt: Interrupt,
    ) -> Result<Option<f64>, Error> {
        for transient in self.levels.iter_mut().filter_map(|level| level.transient.as_mut()) {
            transient.advance(to, interrupt)?;
        }
        let levels = self.levels.iter();
        let coarse: Vec<Observables> =
            levels.map_while(|level| Some(now(level.discretisation.as_ref(), level.transient.as_ref()?))).collect();
        Ok(self.error(&now(fine, transient), &coarse, Some(to - self.from)))
    }

    /// Notes the state of every level, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        for (k, transient) in self.levels.iter_mut().filter_map(|level| level.transient.as_mut()).enumerate() {
            archive.part(&format!("coarse_{k}"), &mut |archive| transient.archive(archive))?;
        }
        Ok(())
    }

    /// The moments `fine` (mean, covariance) of the density on `grid` now, extrapolated with those of the coarser levels. Their errors are
    /// unknown where the companion shares the grid: its longer steps do not show what the cells change.
    pub fn refined_moments(&self, grid: &Grid, fine: &Moments) -> Option<RefinedMoments> {
        let law = &self.levels[0].transient.as_ref()?.probability;
        let extrapolated = |f: f64, c: f64, cc: Option<f64>| self.errors.extrapolated(f, c, cc);
        self.refine((grid, fine), law, &extrapolated, &|level| {
            let discretisation = level.discretisation.as_ref();
            let cells = discretisation.weighted().map(Arc::as_ref);
            level.transient.as_ref().map(|t| moments(cells, discretisation.grid(), &t.centre))
        })
    }

    /// The moments `fine` of the stationary density on `grid`, extrapolated.
    pub fn refined_moments_at_rest(&self, grid: &Grid, fine: &Moments) -> Option<RefinedMoments> {
        let law = &self.first().law().ok()?.probability;
        let extrapolated = |f: f64, c: f64, cc: Option<f64>| self.errors.extrapolated_at_rest(f, c, cc);
        self.refine((grid, fine), law, &extrapolated, &|level| {
            let discretisation = level.discretisation.as_ref();
            let cells = discretisation.weighted().map(Arc::as_ref);
            Some(moments(cells, discretisation.grid(), &discretisation.law().ok()?.probability))
        })
    }

    /// That of the error law where the law of the next coarser level meets an end of an axis.
    fn growth_of_moments(&self, law: &[f64]) -> Option<f64> {
        let grid = self.first().grid();
        let at = |ends: Ends| self.errors.growth_at(ends).filter(|_| meets(ends, grid, law));
        at(Ends::Walls).or_else(|| at(Ends::Cuts))
    }

    /// The moments `fine` on `grid` extrapolated with those of the levels; `law` is that of the next coarser one.
    fn refine(
        &self,
        (grid, fine): (&Grid, &Moments),
        law: &[f64],
        extrapolated: &dyn Fn(f64, f64, Option<f64>) -> Extrapolated,
        of: &dyn Fn(&Level) -> Option<Moments>,
    ) -> Option<RefinedMoments> {
        let seen = if self.levels[0].discretisation.grid() == grid { f64::NAN } else { 1.0 };
        let first = of(&self.levels[0])?;
        let second = self.levels.get(1).and_then(of);
        let growth = self.growth_of_moments(law);
        let extrapolated = |f: f64, c: f64, cc: Option<f64>| match growth {
            Some(growth) => Extrapolated::by_growth(f, c, growth),
            None => extrapolated(f, c, cc),
        };
        let all = |f: &[f64], first: &[f64], second: Option<&[f64]>| -> (Vec<f64>, Vec<f64>) {
            let one = |k: usize| extrapolated(f[k], first[k], second.map(|second| second[k]));
            (0..f.len()).map(one).map(|found| (found.value, seen * found.error)).unzip()
        };
        let (mean, mean_error) = all(&fine.0, &first.0, second.as_ref().map(|s| s.0.as_slice()));
        let (covariance, covariance_error) = all(&fine.1, &first.1, second.as_ref().map(|s| s.1.as_slice()));
        Some(RefinedMoments { mean, mean_error, covariance, covariance_error })
    }

    /// Estimated errors of the stationary current, ∫ Σ_k |δJ_k|/L_k dθ with the lengths L of the axes, and of the entropy production on `grid`; None
    /// where the companion shares the grid and cannot show them, or has no stationary law.
    pub fn errors_of_fluxes(&self, grid: &Grid, fine: &Stationary) -> Option<(f64, f64)> {
        let ends = grid.dimension() == 1 && !grid.axes()[0].is_periodic();
        if fine.reversible || ends {
            return Some((0.0, 0.0)); // detailed balance, and a line with ends: both are 0
        }
        let first = self.levels.first().filter(|level| level.discretisation.grid() != grid)?.discretisation.as_ref();
        let second = self.levels.get(1).map(|level| level.discretisation.as_ref());
        let at_rest = first.stationary().ok()?;
        let second = second.and_then(|second| Some((second.grid(), second.stationary().ok()?)));
        let change = |grid: &Grid, fine: &Stationary, to: &Grid, coarse: &Stationary| {
            let moved = at_coarse_centres(grid, &fine.current);
            let cells = moved.iter().zip(&coarse.current).enumerate();
            cells
                .map(|(i, (f, c))| (f - c).abs() * to.volume(i % to.len()) / to.axes()[i / to.len()].length())
                .sum::<f64>()
        };
        let last = change(grid, fine, first.grid(), &at_rest);
        let before = second.as_ref().map(|(to, second)| change(first.grid(), &at_rest, to, second));
        let ratio = before.filter(|before| *before > 0.0 && last > 0.0).map(|before| before / last);
        let orders = [LEAST, f64::from(ORDER)].map(f64::exp2);
        let current = last / (ratio.map_or(orders[1], |ratio| ratio.clamp(orders[0], orders[1])) - 1.0);
        let coarsest = second.as_ref().map(|(_, second)| second.entropy_production);
        let production = self.errors.extrapolated(fine.entropy_production, at_rest.entropy_production, coarsest).error;
        Some((current, production))
    }

    /// Estimated L1 error of the fine stationary density.
    pub fn stationary(&self, fine: &dyn Discretisation) -> Option<f64> {
        let coarse: Vec<_> = self.levels.iter().map_while(|level| at_rest(level.discretisation.as_ref())).collect();
        self.error(&at_rest(fine)?, &coarse, None)
    }

    /// The error after `elapsed` time; None: at rest.
    fn error(&self, fine: &Observables, coarse: &[Observables], elapsed: Option<f64>) -> Option<f64> {
        let error = self.errors.error(fine, coarse.first()?, coarse.get(1), elapsed);
        let error = if planted(Fault::Halved) { 0.5 * error } else { error };
        Some(error.min(2.0)) // no two laws are farther apart
    }
}
