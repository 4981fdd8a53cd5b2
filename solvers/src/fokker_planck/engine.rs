//! The Fokker–Planck engine: the density of a problem, advanced from output time to output time, with its errors.

use std::sync::Arc;

use super::accuracy::coarse_levels::{CoarseLevels, at_coarse_centres};
use super::accuracy::finer_levels::FinerLevels;
use super::accuracy::physical_walls::physical_walls;
use super::accuracy::truncation::{truncation, truncation_of_moments};
use super::accuracy::wall_contact::WallContact;
use super::budget::Budget;
use super::cells::probability_simplex::Moved;
use super::cells::weighted::moments;
use super::choice::{Candidate, Choice, choose};
use super::discretisation::{Discretisation, DiscretisationKind, PECLET};
use super::generator::Generator;
use super::options::FokkerPlanckOptions;
use super::quasi_stationary::quasi_stationary;
use super::reaction::reaction;
use super::spectrum::Spectrum;
use super::start::{Moments, PointStart, start_law};
use super::transient::Transient;
use crate::Error;
use crate::dynamics::{Coefficients, table};
use crate::engine::Stationary;
use crate::engine::{Archive, Attribute, Engine, Interrupt, OnGrid, RefinedMoments, Snapshot};
use crate::escape::basin::{Basin, QuasiStationary};
use crate::escape::on_grid::{AtStart, GridPassage, PassageProblem};
use crate::escape::passage::{Passage, Target};
use crate::escape::reaction::Reaction;
use crate::problem::Problem;
use crate::problem::grid::Grid;
use crate::problem::initial::Initial;

/// The density ρ(θ, t) of a problem by finite volumes.
pub struct FokkerPlanck {
    problem: Problem,
    options: FokkerPlanckOptions,
    budget: Budget,
    discretisation: Box<dyn Discretisation>,
    /// Why this discretisation.
    reason: String,
    transient: Transient,
    coarse: Option<CoarseLevels>,
    finer: Option<FinerLevels>,
    start_time: f64,
    /// By how much the start on the cells misses its mean and covariance.
    start_missed: Moments,
    time: f64,
    probability: Vec<f64>,
    stationary: Option<Stationary>,
    extremes: RunExtremes,
    wall_contact: WallContact,
    /// Walls that belong to the problem.
    physical: Vec<[bool; 2]>,
    warnings: Vec<String>,
}

/// Worst values over the outputs so far.
#[derive(Debug, Clone, Copy)]
struct RunExtremes {
    mass_error: f64,
    mass: f64,
    min_density: f64,
    max_density: f64,
    error_grid: Option<f64>,
    /// When it was largest.
    error_grid_time: f64,
    truncation: f64,
    high_peclet: f64,
    moved: Moved,
}

impl RunExtremes {
    /// Notes them, or puts them back.
    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        let Self {
            mass_error,
            mass,
            min_density,
            max_density,
            error_grid,
            error_grid_time,
            truncation,
            high_peclet,
            moved,
        } = self;
        let Moved { negative, mass: moved_mass } = moved;
        let all = [mass_error, mass, min_density, max_density, truncation, high_peclet, negative, moved_mass];
        archive.pieces("extremes", all.into_iter().map(std::slice::from_mut).collect())?;
        archive.number("error_grid_time", error_grid_time)?;
        archive.optional("error_grid", error_grid)
    }
}

impl FokkerPlanck {
    /// Builds the generator, the stationary density (if wanted and unique) and the integrator. Errors: coefficients that are not
    /// finite, an initial law off the grid, an unknown method.
    pub fn new(problem: &Problem, options: FokkerPlanckOptions) -> Result<Self, Error> {
        Self::new_until(problem, options, &|| false)
    }

    /// [`FokkerPlanck::new`] that can be interrupted. Errors: as there; the budget is used up; [`Error::Interrupted`].
    pub fn new_until(problem: &Problem, options: FokkerPlanckOptions, interrupt: Interrupt) -> Result<Self, Error> {
        let mut budget = Budget::new(options.budget);
        let built = budget.within(0.0, interrupt, |interrupt| Self::built(problem, options, interrupt))?;
        Ok(Self { budget, ..built })
    }

    fn built(problem: &Problem, options: FokkerPlanckOptions, interrupt: Interrupt) -> Result<Self, Error> {
        let problem = &Coefficients::Auto.of(problem, interrupt)?;
        let grid = &problem.grid;
        let probability = problem.initial.cell_probability(grid)?;
        let mut start_warnings = Vec::new();
        let start = start_law(problem, &probability, &mut start_warnings);
        let mut finer = if options.error_estimate { FinerLevels::new(problem, interrupt)? } else { None };
        let Choice { candidate, reason } = choose(problem, &options, start.borrowed(), finer.as_mut(), interrupt)?;
        let Candidate { discretisation, mut coarse } = candidate;
        let mut warnings = discretisation.warnings().to_vec();
        warnings.extend(start_warnings);
        if options.error_estimate && coarse.is_none() && finer.is_none() {
            let why = match grid.coarsened() {
                None => "it needs an even number of cells, at least 4, on each axis",
                Some(_) => "the chain that would tell it, of coarser cells or longer steps, fails or takes too long",
            };
            warnings.push(format!("no estimate of the grid error: {why}"));
        }
        let fine = discretisation.as_ref();
        let physical = match options.physical_walls {
            true => vec![[true; 2]; grid.dimension()],
            false => physical_walls(problem.dynamics.as_ref(), grid),
        };
        let mut stationary =
            if options.stationary { stationary_of(fine, &coarse, &finer, &mut warnings) } else { None };
        if let Some(stationary) = &mut stationary {
            let centre: Vec<f64> = stationary.log_probability.iter().map(|log| log.exp()).collect();
            stationary.error_truncation = truncation(grid, &centre, &physical);
            if let Some(refined) = &mut stationary.refined {
                refined.count(&truncation_of_moments(grid, &centre, &physical));
            }
        }
        let transient = Transient::new(fine, start.borrowed(), &problem.times, &options)?;
        if let Some(coarse) = &mut coarse {
            coarse.start(grid, start.borrowed(), &problem.times, &options)?;
        }
        if let Some(finer) = &mut finer {
            finer.start(&problem.times, &options)?;
        }
        let extremes = RunExtremes {
            mass_error: 0.0,
            mass: 1.0,
            min_density: f64::INFINITY,
            max_density: 0.0,
            error_grid: (coarse.is_some() || finer.is_some()).then_some(0.0),
            error_grid_time: 0.0,
            truncation: 0.0,
            high_peclet: 0.0,
            moved: Moved::default(),
        };
        let start_missed = start.missed(grid, discretisation.weighted().map(Arc::as_ref));
        let mut engine = Self {
            problem: problem.clone(),
            budget: Budget::new(options.budget),
            options,
            discretisation,
            reason,
            transient,
            coarse,
            finer,
            start_time: start.time,
            start_missed,
            time: 0.0,
            probability,
            stationary,
            extremes,
            wall_contact: WallContact::new(physical.clone()),
            physical,
            warnings,
        };
        if let Some(stationary) = &engine.stationary {
            engine.wall_contact.observe_stationary(grid, &stationary.probability);
        }
        engine.update_extremes();
        Ok(engine)
    }

    /// The discretisation that the options lead to for a problem. Errors: as for [`FokkerPlanck::new`].
    pub fn chosen(
        problem: &Problem,
        options: &FokkerPlanckOptions,
        interrupt: Interrupt,
    ) -> Result<&'static DiscretisationKind, Error> {
        let problem = &Coefficients::Auto.of(problem, interrupt)?;
        let probability = problem.initial.cell_probability(&problem.grid)?;
        let start = start_law(problem, &probability, &mut Vec::new());
        let options = FokkerPlanckOptions { error_estimate: false, ..options.clone() };
        let mut finer = FinerLevels::new(problem, interrupt)?;
        let choice = choose(problem, &options, start.borrowed(), finer.as_mut(), interrupt)?;
        Ok(choice.candidate.discretisation.kind())
    }

    /// How space is made discrete.
    pub fn discretisation(&self) -> &dyn Discretisation {
        self.discretisation.as_ref()
    }

    /// The generator Q, where the operator is one.
    pub fn generator(&self) -> Option<&Arc<Generator>> {
        self.discretisation.generator()
    }

    /// Whether the law has been put on the cells: a start at a point is a Gaussian narrower than a cell for a while.
    pub fn covers_cells(&self) -> bool {
        let point = matches!(self.problem.initial, Initial::Point { .. });
        self.time >= self.start_time && !(point && self.time == 0.0)
    }

    /// Estimated L1 error up to now: of the grid, of the steps in time and of what the walls cut off, at its worst output, or of the
    /// stationary density, whichever is larger; infinite where there is no estimate.
    pub fn estimated_error(&self) -> f64 {
        let [grid, truncation] = self.estimated_parts();
        grid + truncation
    }

    /// [`FokkerPlanck::estimated_error`] without the walls, and what the walls cut off.
    pub fn estimated_parts(&self) -> [f64; 2] {
        let transient = self.extremes.error_grid.unwrap_or(f64::INFINITY) + self.error_time();
        let at_rest = self.stationary.as_ref();
        let grid = at_rest.map_or(transient, |law| transient.max(law.error_grid.unwrap_or(f64::INFINITY)));
        [grid, at_rest.map_or(0.0, |law| law.error_truncation).max(self.extremes.truncation)]
    }

    fn grid(&self) -> &Grid {
        self.discretisation.grid()
    }

    /// Takes the density now into the worst values of the run.
    fn update_extremes(&mut self) {
        let (p, grid, extremes) = (&self.probability, self.discretisation.grid(), &mut self.extremes);
        let mass: f64 = p.iter().sum();
        // with absorbing walls mass may go, but not come
        let wrong = if self.discretisation.has_exit() { mass - extremes.mass } else { (mass - 1.0).abs() };
        extremes.mass_error = extremes.mass_error.max(wrong);
        extremes.mass = mass;
        for (cell, &p) in p.iter().enumerate() {
            let density = p / grid.volume(cell);
            extremes.min_density = extremes.min_density.min(density);
            extremes.max_density = extremes.max_density.max(density);
        }
        let centre = if self.time < self.start_time { p } else { &self.transient.centre };
        extremes.truncation = extremes.truncation.max(truncation(grid, centre, &self.physical));
        self.wall_contact.observe(grid, p, self.time);
        let peclet = self.discretisation.peclet();
        let high: f64 = p.iter().zip(peclet).filter(|(_, peclet)| **peclet > PECLET).map(|(p, _)| p).sum();
        extremes.high_peclet = extremes.high_peclet.max(high);
    }

    /// The integrator's estimate, and at least what the projection had to move.
    fn error_time(&self) -> f64 {
        let moved = 2.0 * self.extremes.moved.negative + self.extremes.moved.mass;
        self.transient.evolution.stepper.error().max(moved)
    }

    /// The moment equations' own mean and covariance, up to the time at which a point start is put on the cells.
    fn moment_equations(&self) -> Option<Moments> {
        match &self.problem.initial {
            Initial::Point { at } if self.time < self.start_time || self.time == 0.0 => {
                Some(PointStart::new(&self.problem, at).moments(self.time))
            }
            _ => None,
        }
    }

    /// Mean and covariance now: centre values have those of the density itself, cell averages h²/12 more variance.
    fn moments(&self) -> Moments {
        let cells = self.discretisation.weighted().map(Arc::as_ref);
        self.moment_equations().unwrap_or_else(|| moments(cells, self.grid(), &self.transient.centre))
    }

    /// Estimated L1 error of the density by the grid at the time `to` of the transient.
    fn error_at(&mut self, to: f64, interrupt: Interrupt) -> Result<Option<f64>, Error> {
        let fine = self.discretisation.as_ref();
        let coarse = self.coarse.as_mut().map(|coarse| coarse.advance(to, fine, &self.transient, interrupt));
        let error = coarse.transpose()?.flatten();
        let finer = self.finer.as_mut().map(|finer| finer.advance(to, interrupt)).transpose()?.flatten();
        Ok(finer.map_or(error, |law| law.bounded(&self.probability, error)))
    }

    fn reversible(&self) -> bool {
        self.discretisation.law().is_ok_and(|law| law.reversible)
    }

    /// Goes on to a later time.
    fn go(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        if to < self.start_time {
            if let Initial::Point { at } = &self.problem.initial {
                self.probability = PointStart::new(&self.problem, at).early(to);
            }
        } else {
            let reached = self.time;
            self.transient.advance(to, interrupt).map_err(|error| error.interrupted_after(reached))?;
            self.probability.copy_from_slice(&self.transient.probability);
            self.extremes.moved = self.transient.moved;
            let error = self.error_at(to, interrupt)?;
            let RunExtremes { error_grid, error_grid_time, .. } = &mut self.extremes;
            match (error_grid.as_mut(), error) {
                (Some(worst), Some(error)) if error > *worst => (*worst, *error_grid_time) = (error, to),
                (_, None) => *error_grid = None,
                _ => {}
            }
        }
        self.time = to;
        self.update_extremes();
        Ok(())
    }
}

/// Fine cells between the start of a passage and its end below which a grid of half as many does not show the error.
const RESOLVED: f64 = 4.0;

/// Whether the centres of all cells in which a passage ends lie [`RESOLVED`] cells from its start.
fn resolved_by_coarse(grid: &Grid, passage: &Passage) -> bool {
    let ends = passage.target.cells(grid);
    let avoided = passage.avoid.as_ref().map(|avoid| avoid.cells(grid));
    let ended = |cell: &usize| ends[*cell] || avoided.as_ref().is_some_and(|avoided| avoided[*cell]);
    let apart = |cell: usize| {
        let (index, centre) = (grid.multi_index(cell), grid.center(cell));
        let axes = grid.axes().iter().enumerate();
        let along = axes.map(|(k, axis)| {
            let distance = (centre[k] - passage.from[k]).abs();
            let shortest = if axis.is_periodic() { distance.min(axis.length() - distance) } else { distance };
            shortest / axis.width(index[k])
        });
        along.fold(0.0, f64::max)
    };
    (0..grid.len()).filter(ended).all(|cell| apart(cell) >= RESOLVED)
}

/// What `error` gives for a field on `fine` from one on `coarse`, which has the same cells or every two merged: compared at the centres of
/// the coarse cells, each answer for all cells inside.
fn errors_in_cells(
    fine: &Grid,
    coarse: &Grid,
    field: &[f64],
    other: &[f64],
    error: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    if fine == coarse {
        return field.iter().zip(other).map(|(f, c)| error(*f, *c)).collect();
    }
    let moved = at_coarse_centres(fine, field);
    let found: Vec<f64> = moved.iter().zip(other).map(|(f, c)| error(*f, *c)).collect();
    let inside = |cell: usize| coarse.cell(&fine.multi_index(cell).map(|i| i / 2)[..fine.dimension()]);
    (0..fine.len()).map(|cell| found[inside(cell)]).collect()
}

fn stationary_of(
    fine: &dyn Discretisation,
    coarse: &Option<CoarseLevels>,
    finer: &Option<FinerLevels>,
    warnings: &mut Vec<String>,
) -> Option<Stationary> {
    match fine.stationary() {
        Ok(mut stationary) => {
            if let Some(coarse) = coarse {
                stationary.error_grid = coarse.stationary(fine);
                let errors = coarse.errors_of_fluxes(fine.grid(), &stationary);
                (stationary.current_error, stationary.entropy_production_error) =
                    errors.unwrap_or((f64::NAN, f64::NAN));
                let found = (stationary.mean.clone(), stationary.covariance.clone());
                stationary.refined = coarse.refined_moments_at_rest(fine.grid(), &found);
                if let (Some(finer), Some(refined)) = (finer, &mut stationary.refined) {
                    finer.bound_moments_at_rest(&found, refined);
                }
            }
            if let Some(law) = finer.as_ref().and_then(FinerLevels::at_rest) {
                stationary.error_grid = law.bounded(&stationary.probability, stationary.error_grid);
            }
            warnings.extend(stationary.warnings.iter().cloned());
            Some(stationary)
        }
        Err(error) => {
            warnings.push(format!("{error}{}", error.help().map(|help| format!(": {help}")).unwrap_or_default()));
            None
        }
    }
}

impl Engine for FokkerPlanck {
    fn name(&self) -> &'static str {
        "fokker_planck"
    }
    fn walkers(&self) -> Option<usize> {
        None
    }
    fn time(&self) -> f64 {
        self.time
    }

    fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        if to <= self.time {
            return Ok(());
        }
        let mut budget = self.budget;
        let advanced = budget.within(self.time, interrupt, |interrupt| self.go(to, interrupt));
        self.budget = budget;
        advanced
    }

    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.number("time", &mut self.time)?;
        archive.array("probability", &mut self.probability)?;
        archive.part("transient", &mut |archive| self.transient.archive(archive))?;
        self.coarse.as_mut().map_or(Ok(()), |coarse| coarse.archive(archive))?;
        self.finer.as_mut().map_or(Ok(()), |finer| finer.archive(archive))?;
        self.extremes.archive(archive)?;
        self.wall_contact.archive(archive)
    }

    fn snapshot(&self) -> Snapshot {
        let (mean, covariance) = self.moments();
        let mass: f64 = self.probability.iter().sum();
        let lost = if self.discretisation.has_exit() { (1.0 - mass).max(0.0) } else { 0.0 };
        Snapshot {
            time: self.time,
            probability: self.probability.clone(),
            mean_se: vec![0.0; mean.len()],
            mean,
            covariance,
            outside: lost,
        }
    }

    fn refined_moments(&self) -> Option<RefinedMoments> {
        let found = self.moments();
        if self.moment_equations().is_none() {
            let mut refined = self.coarse.as_ref()?.refined_moments(self.grid(), &found)?;
            if let Some(finer) = &self.finer {
                finer.bound_moments(&found, &mut refined);
            }
            refined.count(&self.start_missed);
            refined.count(&truncation_of_moments(self.grid(), &self.transient.centre, &self.physical));
            return Some(refined);
        }
        let (mean, covariance) = found;
        let (mean_error, covariance_error) = (vec![0.0; mean.len()], vec![0.0; covariance.len()]);
        Some(RefinedMoments { mean, mean_error, covariance, covariance_error })
    }

    fn on_grid(&self) -> Option<&dyn OnGrid> {
        Some(self)
    }

    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let work = self.transient.evolution.stepper.work();
        let count = |n: u64| Attribute::Integer(n as i64);
        let text = |text: &str| Attribute::Text(text.into());
        let peclet = self.discretisation.peclet().iter().copied().fold(0.0, f64::max);
        let (solver, solver_reason) = self.transient.linear_solver();
        let mut attributes = vec![
            ("method", text(self.transient.evolution.method)),
            ("method_reason", text(&self.transient.evolution.reason)),
            ("linear_solver", text(solver)),
            ("linear_solver_reason", text(solver_reason)),
            ("discretisation", text(self.discretisation.kind().word)),
            ("discretisation_reason", text(&self.reason)),
        ];
        attributes.extend(self.discretisation.counts().into_iter().map(|(name, n)| (name, count(n as u64))));
        attributes.extend([
            ("tolerance", Attribute::Float(self.options.tolerance)),
            ("mass_error", Attribute::Float(self.extremes.mass_error)),
            ("mass_corrected", Attribute::Float(self.transient.evolution.stepper.corrected())),
            ("min_density", Attribute::Float(self.extremes.min_density)),
            ("error_grid", Attribute::Float(self.extremes.error_grid.unwrap_or(f64::NAN))),
            ("error_grid_time", Attribute::Float(self.extremes.error_grid_time)),
            ("error_time", Attribute::Float(self.error_time())),
            ("projected_negative", Attribute::Float(self.extremes.moved.negative)),
            ("projected_mass", Attribute::Float(self.extremes.moved.mass)),
            ("error_truncation", Attribute::Float(self.extremes.truncation)),
            ("max_peclet", Attribute::Float(peclet)),
            ("high_peclet_probability", Attribute::Float(self.extremes.high_peclet)),
            ("reversible", Attribute::Integer(i64::from(self.reversible()))),
            ("steps", count(work.steps)),
            ("steps_rejected", count(work.rejected)),
            ("factorisations", count(work.factorisations)),
            ("solves", count(work.solves)),
            ("products", count(work.products)),
        ]);
        attributes.extend(table::attributes(self.problem.dynamics.as_ref()));
        attributes
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        let extremes = &self.extremes;
        if extremes.min_density < -1e-14 * extremes.max_density {
            warnings.push(format!("the density goes negative: its minimum is {:.2e}", extremes.min_density));
        }
        if extremes.moved.negative.max(extremes.moved.mass) > self.options.tolerance {
            warnings.push(format!(
                "the integrator left {:.1e} of the probability negative and was off by {:.1e} in mass before the density \
                 was projected, more than its tolerance {:.0e}; take the integrator \"tr-bdf2\"",
                extremes.moved.negative, extremes.moved.mass, self.options.tolerance
            ));
        }
        if extremes.mass_error > 1e-12 {
            warnings.push(format!("total probability is off by {:.1e}", extremes.mass_error));
        }
        warnings.extend(self.wall_contact.warnings(self.grid()));
        if extremes.high_peclet > 0.01 && !self.reversible() && self.discretisation.kind().diffusive {
            warnings.push(format!(
                "up to {:.0} % of the probability is where the cell Péclet number exceeds {PECLET} and there is a current: \
                 numerical diffusion; see error_grid, use more cells or the discretisation \"chain\"",
                100.0 * extremes.high_peclet
            ));
        }
        warnings
    }
}

impl OnGrid for FokkerPlanck {
    fn unseen(&self) -> Option<&str> {
        self.discretisation.unseen()
    }

    fn stationary(&self) -> Option<&Stationary> {
        self.stationary.as_ref()
    }

    fn spectrum(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
        let mut modes = self.discretisation.modes(count, interrupt)?;
        let cut = modes.cut_by_walls(self.grid(), &self.physical);
        if let Some(coarse) = &self.coarse {
            // fewer cells than modes, say, leaves the errors unknown
            let of = |coarse: &dyn Discretisation| match coarse.modes(modes.real.len(), interrupt) {
                Err(error @ Error::Interrupted { .. }) => Err(error),
                found => Ok(found.ok()),
            };
            if let Some(first) = of(coarse.first())? {
                let second = coarse.second().map(of).transpose()?.flatten();
                let errors = coarse.errors();
                modes.refine(&first, second.as_ref(), |f, c, cc| errors.extrapolated(f, c, cc));
            }
        }
        if let Some(finer) = &self.finer {
            finer.bound_modes(&mut modes, interrupt)?;
        }
        if let Some(refined) = &mut modes.refined {
            refined.error.iter_mut().zip(cut).for_each(|(error, cut)| *error += cut);
        }
        Ok(modes)
    }

    fn first_passage(&self, passage: &Passage, interrupt: Interrupt) -> Result<GridPassage, Error> {
        let (target, avoid) = (&passage.target, passage.avoid.as_ref());
        let problem = PassageProblem { from: &passage.from, target, avoid, times: &self.problem.times };
        let mut found = self.discretisation.passage(&problem, self.options.integrator(), interrupt)?;
        // a target too small for the coarse grid, or too far for its numbers, leaves the error unknown
        if let Some(coarse) = &self.coarse {
            let (errors, d) = (coarse.errors(), self.grid().dimension());
            let extrapolated = |f: f64, c: f64, cc: Option<f64>| {
                let found = errors.extrapolated_passage(d, f, c, cc);
                (found.value, found.error)
            };
            let second = coarse.second().map(|level| level.passage_at_start(&problem, interrupt)).unwrap_or_default();
            match coarse.first().passage(&problem, self.options.integrator(), interrupt) {
                Ok(other) => {
                    found.see_coarse(&AtStart::of(&other), &second, extrapolated);
                    found.see_coarse_curve(&other, |f, c| extrapolated(f, c, None).1);
                    let (fine, coarse) = (self.grid(), coarse.first().grid());
                    found.see_coarse_fields(&other, |f, c| {
                        errors_in_cells(fine, coarse, f, c, |f, c| extrapolated(f, c, None).1)
                    });
                }
                Err(error @ Error::Interrupted { .. }) => return Err(error),
                Err(_) => {
                    let first = coarse.first().passage_at_start(&problem, interrupt);
                    found.see_coarse(&first, &second, extrapolated);
                }
            }
            if !resolved_by_coarse(self.grid(), passage) {
                found.forget_errors();
            }
        }
        if let Some(finer) = &self.finer {
            finer.bound_passage(&problem, &mut found, self.options.integrator(), interrupt)?;
        }
        Ok(found)
    }

    /// By the edge generator, whatever follows the transient.
    fn quasi_stationary(&self, basin: &Basin, interrupt: Interrupt) -> Result<QuasiStationary, Error> {
        let Problem { dynamics, temperature, grid, .. } = &self.problem;
        quasi_stationary(dynamics.as_ref(), *temperature, grid, basin, interrupt)
    }

    /// By the edge generator, whatever follows the transient.
    fn reaction(&self, from: &Target, to: &Target, interrupt: Interrupt) -> Result<Reaction, Error> {
        let Problem { dynamics, temperature, grid, .. } = &self.problem;
        reaction(dynamics, *temperature, grid, [from, to], interrupt)
    }
}
