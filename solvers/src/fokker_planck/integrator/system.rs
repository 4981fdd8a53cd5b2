//! What an integrator works on, and what it is: system, task, stepper, an entry of the table.

use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::engine::{Archive, Interrupt};
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::communicating_classes::reversible_log_density;
use crate::fokker_planck::linear::solver::{Needs, PreparedSolver};
use crate::fokker_planck::linear::table::{needs, prepare_with_reason};
use crate::fokker_planck::stationary::law::StationaryLaw;

/// A generator with what integrators may use: its grid's shape, a linear solver, the stationary law.
pub struct System {
    generator: Arc<Generator>,
    shape: Vec<usize>,
    pub(super) law: Option<Arc<StationaryLaw>>,
    needs: OnceLock<Needs>,
    pub(super) linear: OnceLock<(Box<dyn PreparedSolver>, String)>,
    symmetric: OnceLock<Option<Vec<f64>>>,
}

impl System {
    /// A system on a grid of the given shape; `law` where the stationary density is known.
    pub fn new(generator: Arc<Generator>, shape: &[usize], law: Option<Arc<StationaryLaw>>) -> Self {
        Self {
            generator,
            shape: shape.to_vec(),
            law,
            needs: OnceLock::new(),
            linear: OnceLock::new(),
            symmetric: OnceLock::new(),
        }
    }
    /// The generator.
    pub fn generator(&self) -> &Arc<Generator> {
        &self.generator
    }
    /// Cells per axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// The stationary law, where it was computed.
    pub fn law(&self) -> Option<&StationaryLaw> {
        self.law.as_deref()
    }
    /// ln of the weights that make the generator symmetric, where detailed balance holds (exits do not matter).
    pub fn symmetric(&self) -> Option<&[f64]> {
        let find = || match &self.law {
            Some(law) => law.reversible.then(|| law.log_probability.clone()),
            None => reversible_log_density(&self.generator),
        };
        self.symmetric.get_or_init(find).as_deref()
    }
    /// The default linear solver, prepared at its first use.
    pub fn linear(&self) -> &dyn PreparedSolver {
        self.prepared().0.as_ref()
    }
    /// What the default linear solver is expected to need; nothing is prepared.
    pub fn needs(&self) -> Needs {
        *self.needs.get_or_init(|| needs(&self.generator, &self.shape))
    }
    /// The linear solver's name and why it was chosen, once it is in use.
    pub fn linear_solver(&self) -> Option<(&'static str, &str)> {
        self.linear.get().map(|(solver, reason)| (solver.name(), reason.as_str()))
    }
    fn prepared(&self) -> &(Box<dyn PreparedSolver>, String) {
        self.linear.get_or_init(|| prepare_with_reason(&self.generator, &self.shape, self.law.as_ref()))
    }
}

/// What has been done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Steps accepted (Krylov vectors or polynomial terms for the methods without steps).
    pub steps: u64,
    /// Steps refused by the error control.
    pub rejected: u64,
    /// Factorisations.
    pub factorisations: u64,
    /// Linear solves.
    pub solves: u64,
    /// Products with Qᵀ.
    pub products: u64,
}

impl Work {
    /// Notes the counters, or puts them back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        let Self { steps, rejected, factorisations, solves, products } = self;
        let all = [steps, rejected, factorisations, solves, products];
        archive.words("work", all.into_iter().map(std::slice::from_mut).collect())
    }
}

impl std::ops::Add for Work {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            rejected: self.rejected + other.rejected,
            factorisations: self.factorisations + other.factorisations,
            solves: self.solves + other.solves,
            products: self.products + other.products,
        }
    }
}

/// An integrator on its way from the start to later and later times.
pub trait Stepper: Send {
    /// Cell probabilities at time `to`, not before the last one asked for, into `out`. Errors: [`Error::Numerical`] when the
    /// method fails, [`Error::Interrupted`].
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error>;
    /// Estimated L1 error by time integration, the largest over the outputs so far. Held to the true error within a factor of 3
    /// above the floor of rounding; see the tests of the effectivity index.
    fn error(&self) -> f64;
    /// Largest defect of the total probability that rounding had left and that the method put back.
    fn corrected(&self) -> f64 {
        0.0
    }
    /// The two laws that the last output was extrapolated from, those of the shorter steps first; None without extrapolation.
    fn unextrapolated(&self) -> Option<[&[f64]; 2]> {
        None
    }
    /// The system in use, where it is another than that of the task.
    fn system(&self) -> Option<&Arc<System>> {
        None
    }
    /// Counters.
    fn work(&self) -> Work;
    /// Notes its state at the last time that was asked for, or puts it back; see [`Engine::archive`](crate::engine::Engine::archive). What it would compute anew bit for bit, such as
    /// factorisations, is computed again and not counted. Errors: as there.
    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error>;
}

/// Which integrator is wanted, and how accurate.
#[derive(Debug, Clone, Copy)]
pub struct IntegratorOptions<'a> {
    /// A name of [`INTEGRATORS`](super::table::INTEGRATORS), or "auto" for the one with the least estimated cost.
    pub name: &'a str,
    /// L1 error to stay below over the whole run.
    pub tolerance: f64,
}

/// What a stepper is built for.
pub struct Task {
    /// The system.
    pub system: Arc<System>,
    /// Cell probabilities at `from`.
    pub start: Vec<f64>,
    /// Start time.
    pub from: f64,
    /// Output times, increasing, all ≥ `from`.
    pub times: Vec<f64>,
    /// L1 error to stay below over the whole run.
    pub tolerance: f64,
    /// A fixed step, without error control; None: the method chooses.
    pub step: Option<f64>,
}

impl Task {
    /// Time from the start to the last output.
    pub fn duration(&self) -> f64 {
        self.times.last().map_or(0.0, |last| last - self.from)
    }
}

/// An entry of the table of integrators.
pub struct Integrator {
    /// Name, as in `fokker_planck.method`.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Order in the step; None where the error is controlled by other means.
    pub order: Option<u32>,
    /// Whether it never makes a non-negative density negative, whatever the step.
    pub positive: bool,
    /// DOI of the reference.
    pub reference: &'static str,
    /// Estimated seconds on a current core; infinite where it does not apply.
    pub cost: fn(&Task) -> f64,
    /// Builds it. Errors: a method that does not apply, a failed factorisation.
    pub build: fn(Task) -> Result<Box<dyn Stepper>, Error>,
}
