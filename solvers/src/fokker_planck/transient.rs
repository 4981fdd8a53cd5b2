//! A density on its way through the output times.
//!
//! A discretisation advances centre values; outputs are projected onto the probability simplex and given as cell averages, see
//! [`super::cells`].

use std::sync::Arc;

use super::cells::probability_simplex::{Moved, project};
use super::cells::weighted::{WeightedCells, averages};
use super::discretisation::{Discretisation, Evolution};
use super::options::FokkerPlanckOptions;
use super::start::StartLaw;
use crate::engine::{Archive, Interrupt};
use crate::error::{Error, Setting};
use crate::problem::grid::{Axis, Grid};

/// A density on its way; see the module.
pub struct Transient {
    /// The time integration.
    pub evolution: Evolution,
    /// Centre values times volumes.
    pub centre: Vec<f64>,
    /// Cell probabilities.
    pub probability: Vec<f64>,
    /// What the projection onto the probability simplex moved, at worst.
    pub moved: Moved,
    /// Sum of the centre values, where nothing can leave.
    keeps: Option<f64>,
    grid: Grid,
    cells: Option<Arc<WeightedCells>>,
}

impl Transient {
    /// From the law `start`, on the discretisation's grid, to the later ones of `times`. Errors: as for [`Discretisation::evolution`].
    pub fn new(
        discretisation: &dyn Discretisation,
        start: StartLaw,
        times: &[f64],
        options: &FokkerPlanckOptions,
    ) -> Result<Self, Error> {
        let centre = start.centre_on(discretisation.grid(), discretisation.weighted().map(Arc::as_ref), start.law);
        let evolution = discretisation.evolution(centre.clone(), start.time, times, options.integrator())?;
        // a wall that absorbs but that nothing reaches: centre values that vanish there do not sum to 1
        let absorbs = discretisation.grid().axes().iter().any(Axis::absorbs);
        let keeps = (!discretisation.has_exit()).then(|| if absorbs { centre.iter().sum() } else { 1.0 });
        let (grid, cells) = (discretisation.grid().clone(), discretisation.weighted().cloned());
        let probability = start.law.to_vec();
        Ok(Self { evolution, centre, probability, moved: Moved::default(), keeps, grid, cells })
    }

    /// Moves on to `to`. Errors: the integrator's own, a density that is no longer finite.
    pub fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        self.evolution.stepper.advance(to, interrupt, &mut self.centre)?;
        if let Some(cell) = self.centre.iter().position(|p| !p.is_finite()) {
            return Err(Error::numerical(
                self.evolution.method,
                format!("at t = {to:e}, cell {cell}"),
                "the density is no longer finite",
                "choose another integrator, or look for a spot where drift or noise are extreme",
            )
            .set_by(&[Setting::Integrator]));
        }
        let moved = project(&mut self.centre, self.keeps);
        self.moved.negative = self.moved.negative.max(moved.negative);
        self.moved.mass = self.moved.mass.max(moved.mass);
        let before: f64 = self.probability.iter().sum();
        self.probability = averages(self.cells.as_deref(), &self.grid, &self.centre);
        let now: f64 = self.probability.iter().sum();
        let unreached = self.keeps.is_some() && self.grid.axes().iter().any(Axis::absorbs);
        if unreached || (self.keeps.is_none() && now > before) {
            // what has left through a wall does not come back, as an extrapolation from two lengths of steps may say
            self.probability.iter_mut().for_each(|p| *p *= before / now);
        }
        Ok(())
    }

    /// Notes its state, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.array("centre", &mut self.centre)?;
        archive.array("probability", &mut self.probability)?;
        archive.number("moved_negative", &mut self.moved.negative)?;
        archive.number("moved_mass", &mut self.moved.mass)?;
        archive.part("stepper", &mut |archive| self.evolution.stepper.archive(archive))
    }

    /// Cell probabilities of the two laws that the last output was extrapolated from, the shorter steps first; None without
    /// extrapolation.
    pub fn unextrapolated(&self) -> Option<[Vec<f64>; 2]> {
        self.evolution
            .stepper
            .unextrapolated()
            .map(|laws| laws.map(|law| averages(self.cells.as_deref(), &self.grid, law)))
    }

    /// The linear solver in use and why it was chosen.
    pub fn linear_solver(&self) -> (&'static str, &str) {
        let system = self.evolution.stepper.system().or(self.evolution.system.as_ref());
        system.and_then(|system| system.linear_solver()).unwrap_or(match self.evolution.stepper.work().solves {
            0 => ("none", "products alone"),
            _ => ("tridiagonal", "one complex system for each node of the contour"),
        })
    }
}
