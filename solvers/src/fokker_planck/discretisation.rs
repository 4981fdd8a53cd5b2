//! What a discretisation is: a way to make the Fokker–Planck operator L of a problem discrete, and all that is asked of it.
//!
//! Today there are two, [`super::edges`] (a generator Q, dp/dt = Qᵀp) and [`super::chain`] (a transition matrix P ≈ e^{τL}).
//! A third is a folder with a type that implements [`Discretisation`], its [`DiscretisationKind`], and a line in
//! [`DISCRETISATIONS`](super::choice::DISCRETISATIONS).

use std::sync::Arc;

use super::accuracy::richardson::Extrapolated;
use super::accuracy::wall_contact::Ends;
use super::cells::weighted::WeightedCells;
use super::generator::Generator;
use super::integrator::system::{IntegratorOptions, Stepper, System};
use super::spectrum::Spectrum;
use super::start::StartLaw;
use super::stationary::law::StationaryLaw;
use crate::Error;
use crate::engine::Interrupt;
use crate::engine::Stationary;
use crate::escape::on_grid::{AtStart, GridPassage, PassageProblem};
use crate::problem::Problem;
use crate::problem::grid::Grid;

/// Cell Péclet number above which exponential fitting is a diffusive first-order scheme.
pub const PECLET: f64 = 2.0;

/// An entry of the table of discretisations: its words and its promises.
#[derive(Debug)]
pub struct DiscretisationKind {
    /// The word in a scenario and in the record.
    pub word: &'static str,
    /// What it is called in sentences.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Order in h of its densities at fixed times.
    pub order: i32,
    /// Whether a non-negative density stays non-negative, whatever the coefficients.
    pub positive: bool,
    /// Whether a reversible problem keeps detailed balance, so that exp(−V) is its stationary density at the cell centres.
    pub keeps_detailed_balance: bool,
    /// Whether it becomes first order and diffusive at cell Péclet numbers above [`PECLET`] where there is a current.
    pub diffusive: bool,
    /// Whether it advances by steps of its own, so that no time integrator can be chosen.
    pub own_steps: bool,
    /// Whether it may fail on a coarse grid and serve finer ones.
    pub needs_fine_grid: bool,
    /// DOI of the reference.
    pub reference: &'static str,
    /// Bytes that it holds besides the edge generator on a grid of the given shape, where it was asked for by name or not; None:
    /// nothing.
    pub memory: fn(shape: &[usize], asked: bool) -> Option<f64>,
    /// Builds it for a problem and the law that it starts from. Errors: a grid or coefficients that it cannot serve,
    /// [`Error::Interrupted`].
    pub build: Build,
}

/// Builds a discretisation of a problem that starts from a law.
pub type Build = fn(&Problem, StartLaw, Interrupt) -> Result<Box<dyn Discretisation>, Error>;

impl PartialEq for DiscretisationKind {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for DiscretisationKind {}

/// A discrete Fokker–Planck operator on a grid of n cells in d dimensions.
///
/// Laws are centre values of the density times volumes unless they are called averages; see [`super::cells::averages`]. Along the axes
/// of [`Discretisation::weighted`] they are averages.
pub trait Discretisation: Send + Sync {
    /// Its entry in the table.
    fn kind(&self) -> &'static DiscretisationKind;
    /// The grid.
    fn grid(&self) -> &Grid;
    /// The stationary law. Errors: it is not unique, it could not be solved for.
    fn law(&self) -> Result<&StationaryLaw, Error>;
    /// The stationary density and what follows from it. Errors: those of [`Discretisation::law`].
    fn stationary(&self) -> Result<Stationary, Error>;
    /// Follows the centre values `start` from the time `from` to the later ones of `times`. Errors: an unknown integrator, one
    /// that does not apply.
    fn evolution(
        &self,
        start: Vec<f64>,
        from: f64,
        times: &[f64],
        integrator: IntegratorOptions,
    ) -> Result<Evolution, Error>;
    /// The `count` slowest modes. Errors: no unique stationary density, more modes than cells, no convergence,
    /// [`Error::Interrupted`].
    fn modes(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error>;
    /// Mean time, survival and committor of a first passage. Errors: a target without cells or out of reach, times beyond the range
    /// of floating-point numbers, [`Error::Interrupted`].
    fn passage(
        &self,
        problem: &PassageProblem,
        integrator: IntegratorOptions,
        interrupt: Interrupt,
    ) -> Result<GridPassage, Error>;
    /// Mean time and committor at the start of a first passage alone, each where it can be had.
    fn passage_at_start(&self, problem: &PassageProblem, interrupt: Interrupt) -> AtStart;
    /// Coarser discretisations of the same problem, which tell its errors; `start` holds the cell probabilities of the initial law. None where there are
    /// none. Errors: coefficients that are not finite, [`Error::Interrupted`].
    fn coarser(&self, start: &[f64], interrupt: Interrupt) -> Result<Option<Coarser>, Error>;
    /// Whether probability is lost at an absorbing wall.
    fn has_exit(&self) -> bool;
    /// Cell Péclet number of the problem at each cell (n); infinite where the drift is carried upwind.
    fn peclet(&self) -> &[f64];
    /// Counts of its own for the record, by name.
    fn counts(&self) -> Vec<(&'static str, usize)>;
    /// Sentences on where it may not be trusted.
    fn warnings(&self) -> &[String];
    /// What of the loss is too narrow for any answer on this grid; None where nothing is.
    fn unseen(&self) -> Option<&str> {
        None
    }
    /// The generator Q, where the operator is one.
    fn generator(&self) -> Option<&Arc<Generator>> {
        None
    }
    /// The weights of cells beside walls without noise; None where it holds centre values everywhere.
    fn weighted(&self) -> Option<&Arc<WeightedCells>> {
        None
    }
    /// Cell averages of the two stationary laws that were extrapolated, the shorter steps first; None without extrapolation.
    fn unextrapolated_at_rest(&self) -> Option<[Vec<f64>; 2]> {
        None
    }
    /// Estimated L1 error by the reconstruction of cell averages from centre values, where its [`ErrorLaw`] asks for it; else 0.
    fn reconstruction_error(&self, _centre: &[f64]) -> f64 {
        0.0
    }
}

/// A time integration on its way.
pub struct Evolution {
    /// The method, as in the record.
    pub method: &'static str,
    /// Why this method.
    pub reason: String,
    /// What advances.
    pub stepper: Box<dyn Stepper>,
    /// The system whose linear solver is in use; None where there is none.
    pub system: Option<Arc<System>>,
}

/// Coarser discretisations of the same problem and what their errors have to do with those of the fine one.
pub struct Coarser {
    /// The next coarser one first; at least one, at most two.
    pub levels: Vec<Box<dyn Discretisation>>,
    /// What follows from them.
    pub errors: Box<dyn ErrorLaw>,
}

/// What a run shows at a time or at rest, as an [`ErrorLaw`] sees it.
pub struct Observables<'a> {
    /// The grid.
    pub grid: &'a Grid,
    /// Cell averages.
    pub law: Vec<f64>,
    /// Cell averages of the two laws that it was extrapolated from.
    pub parts: Option<[Vec<f64>; 2]>,
    /// Estimated L1 error by the reconstruction of cell averages.
    pub reconstruction_error: f64,
}

/// How the errors of a discretisation follow from coarser ones.
pub trait ErrorLaw: Send + Sync {
    /// The number `fine` extrapolated to no error by those of the coarser ones.
    fn extrapolated(&self, fine: f64, coarse: f64, coarsest: Option<f64>) -> Extrapolated;
    /// The same of a number of the stationary law.
    fn extrapolated_at_rest(&self, fine: f64, coarse: f64, coarsest: Option<f64>) -> Extrapolated {
        self.extrapolated(fine, coarse, coarsest)
    }
    /// The same of mean first-passage times in d dimensions.
    fn extrapolated_passage(&self, d: usize, fine: f64, coarse: f64, coarsest: Option<f64>) -> Extrapolated;
    /// By how much errors of means and covariances grow from `fine` to `coarse` where a law meets such ends of an axis. None: as elsewhere.
    fn growth_at(&self, _ends: Ends) -> Option<f64> {
        None
    }
    /// Estimated L1 error of the fine law after the time `elapsed`; None: at rest.
    fn error(
        &self,
        fine: &Observables,
        coarse: &Observables,
        coarsest: Option<&Observables>,
        elapsed: Option<f64>,
    ) -> f64;
}
