//! The Fokker–Planck engine: the density of a problem, advanced from output time to output time, with its errors.

use super::accuracy::coarse_levels::Companion;
use super::accuracy::truncation::truncation;
use super::accuracy::wall_contact::Touched;
use super::cells::probability_simplex::Moved;
use super::choice::{Candidate, Choice, PECLET, Start, choose};
use super::discretisation::{Discrete, Transient};
use super::quasi_stationary::{Basin, QuasiStationary, quasi_stationary};
use super::start::PointStart;
use super::{FokkerPlanckOptions, Generator, SpaceMethod, Spectrum, Stationary};
use crate::Error;
use crate::engine::{Attribute, Engine, Interrupt, OnGrid, RefinedMoments, Snapshot};
use crate::escape::on_grid::{GridPassage, PassageProblem};
use crate::escape::passage::Passage;
use crate::problem::Problem;
use crate::problem::density::moments;
use crate::problem::grid::Grid;
use crate::problem::initial::Initial;

/// The density ρ(θ, t) of a problem by finite volumes.
pub struct FokkerPlanck {
    problem: Problem,
    options: FokkerPlanckOptions,
    discrete: Discrete,
    choice: Choice,
    transient: Transient,
    companion: Option<Companion>,
    start_time: f64,
    time: f64,
    probability: Vec<f64>,
    stationary: Option<Stationary>,
    seen: Seen,
    touched: Touched,
    warnings: Vec<String>,
}

/// Worst values over the outputs so far.
#[derive(Debug, Clone, Copy)]
struct Seen {
    mass_error: f64,
    mass: f64,
    min_density: f64,
    max_density: f64,
    error_grid: Option<f64>,
    truncation: f64,
    high_peclet: f64,
    moved: Moved,
}

impl FokkerPlanck {
    /// Builds the generator, the stationary density (if wanted and unique) and the integrator. Errors: coefficients that are not
    /// finite, an initial law off the grid, an unknown method.
    pub fn new(problem: &Problem, options: FokkerPlanckOptions) -> Result<Self, Error> {
        Self::new_until(problem, options, &|| false)
    }

    /// [`FokkerPlanck::new`] that can be interrupted. Errors: as there; [`Error::Interrupted`].
    pub fn new_until(problem: &Problem, options: FokkerPlanckOptions, interrupt: Interrupt) -> Result<Self, Error> {
        let grid = &problem.grid;
        let fine = Discrete::unsolved(problem, grid)?;
        let mut warnings = fine.discretization.warnings.clone();
        let probability = problem.initial.cell_probability(grid)?;
        let (start, start_time) = start_law(problem, &probability, &mut warnings);
        let (candidate, choice) = choose(problem, &options, fine, Start { law: &start, time: start_time }, interrupt)?;
        let Candidate { discrete, mut companion } = candidate;
        if options.error_estimate && companion.is_none() {
            warnings.push(
                "no estimate of the grid error: it needs an even number of cells, at least 4, on each axis".into(),
            );
        }
        let stationary = if options.stationary { stationary_of(&discrete, &companion, &mut warnings) } else { None };
        let transient = Transient::new(&discrete, start.clone(), start_time, &problem.times, &options)?;
        if let Some(companion) = &mut companion {
            companion.start(grid, &start, start_time, &problem.times, &options)?;
        }
        let seen = Seen {
            mass_error: 0.0,
            mass: 1.0,
            min_density: f64::INFINITY,
            max_density: 0.0,
            error_grid: companion.as_ref().map(|_| 0.0),
            truncation: 0.0,
            high_peclet: 0.0,
            moved: Moved::default(),
        };
        let mut engine = Self {
            problem: problem.clone(),
            options,
            discrete,
            choice,
            transient,
            companion,
            start_time,
            time: 0.0,
            probability,
            stationary,
            seen,
            touched: Touched::new(problem.dimension()),
            warnings,
        };
        if let Some(stationary) = &engine.stationary {
            engine.touched.see_stationary(grid, &stationary.probability);
        }
        engine.look();
        Ok(engine)
    }

    /// The discretisation that the options lead to for a problem. Errors: as for [`FokkerPlanck::new`].
    pub fn chosen(
        problem: &Problem,
        options: &FokkerPlanckOptions,
        interrupt: Interrupt,
    ) -> Result<SpaceMethod, Error> {
        let fine = Discrete::unsolved(problem, &problem.grid)?;
        let probability = problem.initial.cell_probability(&problem.grid)?;
        let (start, time) = start_law(problem, &probability, &mut Vec::new());
        let options = FokkerPlanckOptions { error_estimate: false, ..options.clone() };
        choose(problem, &options, fine, Start { law: &start, time }, interrupt).map(|(_, choice)| choice.method)
    }

    /// How space is made discrete.
    pub fn discretisation(&self) -> SpaceMethod {
        self.choice.method
    }

    /// The generator.
    pub fn generator(&self) -> &Generator {
        &self.discrete.generator
    }

    fn grid(&self) -> &Grid {
        &self.discrete.grid
    }

    fn look(&mut self) {
        let p = &self.probability;
        let mass: f64 = p.iter().sum();
        // with absorbing walls mass may go, but not come
        let wrong = if self.discrete.generator.has_exit() { mass - self.seen.mass } else { (mass - 1.0).abs() };
        self.seen.mass_error = self.seen.mass_error.max(wrong);
        self.seen.mass = mass;
        for (cell, &p) in p.iter().enumerate() {
            let density = p / self.discrete.grid.volume(cell);
            self.seen.min_density = self.seen.min_density.min(density);
            self.seen.max_density = self.seen.max_density.max(density);
        }
        let centre = if self.time < self.start_time { p } else { &self.transient.centre };
        self.seen.truncation = self.seen.truncation.max(truncation(&self.discrete.grid, centre));
        self.touched.see(&self.discrete.grid, p, self.time);
        let peclet = &self.discrete.discretization.peclet;
        let high: f64 = p.iter().zip(peclet).filter(|(_, peclet)| **peclet > PECLET).map(|(p, _)| p).sum();
        self.seen.high_peclet = self.seen.high_peclet.max(high);
    }

    /// The integrator's estimate, and at least what the projection had to move.
    fn error_time(&self) -> f64 {
        let moved = 2.0 * self.seen.moved.negative + self.seen.moved.mass;
        self.transient.stepper.error().max(moved)
    }

    fn reversible(&self) -> bool {
        self.discrete.law.as_ref().is_ok_and(|law| law.reversible)
    }
}

fn stationary_of(discrete: &Discrete, companion: &Option<Companion>, warnings: &mut Vec<String>) -> Option<Stationary> {
    match discrete.stationary() {
        Ok(mut stationary) => {
            if let Some(companion) = companion {
                stationary.error_grid = companion.stationary(discrete);
                let found = (stationary.mean.clone(), stationary.covariance.clone());
                stationary.refined = companion.refined_moments_at_rest(&found);
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

/// The law the integrator starts from and the time it belongs to.
fn start_law(problem: &Problem, probability: &[f64], warnings: &mut Vec<String>) -> (Vec<f64>, f64) {
    if let Initial::Point { at } = &problem.initial {
        let start = PointStart::new(problem.dynamics.as_ref(), problem.temperature, at);
        let law = start.duration(&problem.grid).and_then(|t| {
            let t = t.min(0.5 * problem.times.last().copied().unwrap_or(t)).max(1e-300);
            Some((start.law(t).cell_probability(&problem.grid).ok()?, t))
        });
        if let Some(law) = law {
            return law;
        }
        warnings.push(
            "the starting point is too close to a wall, or the noise there too degenerate, for a short-time Gaussian: \
             the density starts from one full cell"
                .into(),
        );
    }
    (probability.to_vec(), 0.0)
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
        if to < self.start_time {
            if let Initial::Point { at } = &self.problem.initial {
                let start = PointStart::new(self.problem.dynamics.as_ref(), self.problem.temperature, at);
                self.probability = start.law(to).cell_probability(&self.problem.grid)?;
            }
        } else {
            let reached = self.time;
            self.transient.advance(to, interrupt).map_err(|error| error.interrupted_after(reached))?;
            self.probability.copy_from_slice(&self.transient.probability);
            self.seen.moved = self.transient.moved;
            if let Some(companion) = &mut self.companion {
                let error = companion.advance(to, &self.discrete, &self.transient, interrupt)?;
                self.seen.error_grid = self.seen.error_grid.map(|worst| worst.max(error.unwrap_or(0.0)));
            }
        }
        self.time = to;
        self.look();
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        // centre values have the moments of the density itself, cell averages h²/12 more variance
        let on_the_way = self.time >= self.start_time;
        let (mean, covariance) =
            moments(self.grid(), if on_the_way { &self.transient.centre } else { &self.probability });
        let mass: f64 = self.probability.iter().sum();
        let lost = if self.discrete.generator.has_exit() { (1.0 - mass).max(0.0) } else { 0.0 };
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
        let Snapshot { mean, covariance, .. } = self.snapshot();
        if self.time >= self.start_time {
            return self.companion.as_ref()?.refined_moments(&(mean, covariance));
        }
        // the exact Gaussian of a point start
        let (mean_error, covariance_error) = (vec![0.0; mean.len()], vec![0.0; covariance.len()]);
        Some(RefinedMoments { mean, mean_error, covariance, covariance_error })
    }

    fn on_grid(&self) -> Option<&dyn OnGrid> {
        Some(self)
    }

    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let work = self.transient.stepper.work();
        let count = |n: u64| Attribute::Integer(n as i64);
        let peclet = self.discrete.discretization.peclet.iter().copied().fold(0.0, f64::max);
        let (solver, solver_reason) =
            self.transient.system.as_ref().and_then(|system| system.linear_solver()).unwrap_or(match work.solves {
                0 => ("none", "products alone"),
                _ => ("tridiagonal", "one complex system for each node of the contour"),
            });
        vec![
            ("method", Attribute::Text(self.transient.method.into())),
            ("method_reason", Attribute::Text(self.transient.reason.clone())),
            ("linear_solver", Attribute::Text(solver.into())),
            ("linear_solver_reason", Attribute::Text(solver_reason.into())),
            ("discretisation", Attribute::Text(self.choice.method.word().into())),
            ("discretisation_reason", Attribute::Text(self.choice.reason.clone())),
            ("stencil_radius", count(self.discrete.discretization.stencil_radius as u64)),
            ("stencil_radius_bound", count(self.discrete.discretization.max_radius as u64)),
            ("connecting_edges", count(self.discrete.discretization.axis_edges_added as u64)),
            ("widened_cells", count(self.discrete.discretization.widened_cells as u64)),
            ("tolerance", Attribute::Float(self.options.tolerance)),
            ("mass_error", Attribute::Float(self.seen.mass_error)),
            ("mass_corrected", Attribute::Float(self.transient.stepper.corrected())),
            ("min_density", Attribute::Float(self.seen.min_density)),
            ("error_grid", Attribute::Float(self.seen.error_grid.unwrap_or(f64::NAN))),
            ("error_time", Attribute::Float(self.error_time())),
            ("projected_negative", Attribute::Float(self.seen.moved.negative)),
            ("projected_mass", Attribute::Float(self.seen.moved.mass)),
            ("error_truncation", Attribute::Float(self.seen.truncation)),
            ("max_peclet", Attribute::Float(peclet)),
            ("high_peclet_probability", Attribute::Float(self.seen.high_peclet)),
            ("reversible", Attribute::Integer(i64::from(self.reversible()))),
            ("steps", count(work.steps)),
            ("steps_rejected", count(work.rejected)),
            ("factorisations", count(work.factorisations)),
            ("solves", count(work.solves)),
            ("products", count(work.products)),
        ]
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        let seen = &self.seen;
        if seen.min_density < -1e-14 * seen.max_density {
            warnings.push(format!("the density goes negative: its minimum is {:.2e}", seen.min_density));
        }
        if seen.moved.negative.max(seen.moved.mass) > self.options.tolerance {
            warnings.push(format!(
                "the integrator left {:.1e} of the probability negative and was off by {:.1e} in mass before the density \
                 was projected, more than its tolerance {:.0e}; choose method = \"tr-bdf2\"",
                seen.moved.negative, seen.moved.mass, self.options.tolerance
            ));
        }
        if seen.mass_error > 1e-12 {
            warnings.push(format!("total probability is off by {:.1e}", seen.mass_error));
        }
        warnings.extend(self.touched.warnings(self.grid()));
        if seen.high_peclet > 0.01 && !self.reversible() && self.discrete.chain.is_none() {
            warnings.push(format!(
                "up to {:.0} % of the probability is where the cell Péclet number exceeds {PECLET} and there is a current: \
                 numerical diffusion; see error_grid, use more cells or discretisation = \"chain\"",
                100.0 * seen.high_peclet
            ));
        }
        warnings
    }
}

impl OnGrid for FokkerPlanck {
    fn stationary(&self) -> Option<&Stationary> {
        self.stationary.as_ref()
    }

    fn spectrum(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
        let mut modes = self.discrete.slow_modes(count, interrupt)?;
        if let Some(companion) = &self.companion {
            match companion.discrete().slow_modes(modes.real.len(), interrupt) {
                Ok(other) => modes.refine(&other, companion.growth()),
                Err(error @ Error::Interrupted { .. }) => return Err(error),
                Err(_) => {} // fewer cells than modes, say: the errors stay unknown
            }
        }
        Ok(modes)
    }

    fn first_passage(&self, passage: &Passage, interrupt: Interrupt) -> Result<GridPassage, Error> {
        let (target, avoid) = (&passage.target, passage.avoid.as_ref());
        let question = PassageProblem { from: &passage.from, target, avoid, times: &self.problem.times };
        let mut found = self.discrete.first_passage(&question, &self.options, interrupt)?;
        // a target too small for the coarse grid, or too far for its numbers, leaves the error unknown
        if let Some(companion) = &self.companion {
            let growth = companion.growth_of_passages(self.grid().dimension());
            found.see_coarse(&companion.discrete().at_start(&question, interrupt), growth);
        }
        Ok(found)
    }

    /// By the edge generator, whatever follows the transient.
    fn quasi_stationary(&self, basin: &Basin, interrupt: Interrupt) -> Result<QuasiStationary, Error> {
        let Problem { dynamics, temperature, grid, .. } = &self.problem;
        quasi_stationary(dynamics.as_ref(), *temperature, grid, basin, interrupt)
    }
}
