//! The stationary density of a problem on its grid: averages, potential, moments, current.

use super::law::StationaryLaw;
use crate::engine::Stationary;
use crate::fokker_planck::accuracy::truncation::truncation;
use crate::fokker_planck::cells::weighted::{self, WeightedCells};
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::current::{current, entropy_production};
use crate::problem::grid::Grid;

/// Where a law lives: the grid, the weights of its cells where there are any, the temperature T of its potential.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The grid.
    pub grid: &'a Grid,
    /// Weights of the cells.
    pub cells: Option<&'a WeightedCells>,
    /// T.
    pub temperature: f64,
}

/// What flows in a stationary law, and how far it is from stationary.
pub struct Fluxes {
    /// Probability current J (d×n).
    pub current: Vec<f64>,
    /// Entropy production per unit time.
    pub entropy_production: f64,
    /// Σ of what a unit of time or a step still changes, relative to what moves.
    pub residual: f64,
}

impl Stationary {
    /// Potential, moments, current and residual of the stationary law of a generator.
    pub fn of_generator(law: &StationaryLaw, generator: &Generator, place: Place) -> Self {
        let grid = place.grid;
        let (current, entropy_production) = if law.reversible {
            (vec![0.0; grid.dimension() * grid.len()], 0.0)
        } else {
            (current(generator, grid, &law.probability), entropy_production(generator, &law.probability))
        };
        let residual = residual(generator, &law.probability);
        let mut out = Self::new(law, place, Fluxes { current, entropy_production, residual });
        let left = law.log_probability.iter().filter(|l| **l == f64::NEG_INFINITY).count();
        if left > 0 {
            out.warnings.push(format!("{left} cells are left for ever: their stationary probability is 0"));
        }
        out
    }

    /// Potential and moments of a law on its grid, with what flows in it.
    pub fn new(law: &StationaryLaw, place: Place, fluxes: Fluxes) -> Self {
        let Place { grid, cells, temperature } = place;
        let at_centre =
            |i: usize, l: f64| l - cells.map_or(0.0, |cells| cells.log_ratio(i, None)) - grid.volume(i).ln();
        let mut potential: Vec<f64> =
            law.log_probability.iter().enumerate().map(|(i, &l)| -temperature * at_centre(i, l)).collect();
        let lowest = potential.iter().copied().fold(f64::INFINITY, f64::min);
        potential.iter_mut().for_each(|v| *v -= lowest);
        let (mean, covariance) = weighted::moments(cells, grid, &law.probability);
        Self {
            log_probability: law.log_probability.clone(),
            error_truncation: truncation(grid, &law.probability, &[]),
            probability: weighted::averages(cells, grid, &law.probability),
            potential,
            mean,
            covariance,
            current: fluxes.current,
            entropy_production: fluxes.entropy_production,
            current_error: f64::NAN,
            entropy_production_error: f64::NAN,
            residual: fluxes.residual,
            error_grid: None,
            refined: None,
            reversible: law.reversible,
            method: law.method,
            warnings: Vec::new(),
        }
    }
}

/// Σ|Qᵀp| relative to the total rate of jumps Σ p·leaving.
pub(super) fn residual(generator: &Generator, p: &[f64]) -> f64 {
    let mut change = vec![0.0; p.len()];
    generator.forward(p, &mut change);
    let jumps: f64 = p.iter().zip(generator.leaving()).map(|(p, rate)| p * rate).sum();
    change.iter().map(|c| c.abs()).sum::<f64>() / jumps.max(f64::MIN_POSITIVE)
}
