//! Time integrators for dp/dt = Qᵀp: one file per method, each with its promises in the table below.

mod contour;
mod estimate;
mod implicit_euler;
mod one_step;
mod polynomial;
mod product;
mod rational;
mod shift_invert;
mod shifted_lanes;
mod small_exponential;
mod tiles;
mod tr_bdf2;

use std::sync::{Arc, OnceLock};

use super::Generator;
use super::generator::communicating_classes::reversible_log_density;
use super::linear::{self, LinearMethod, Needs};
use super::stationary::StationaryLaw;
use crate::Error;
use crate::engine::Interrupt;

/// A generator with what integrators may use: its grid's shape, a linear solver, the stationary law.
pub struct System {
    generator: Arc<Generator>,
    shape: Vec<usize>,
    law: Option<Arc<StationaryLaw>>,
    needs: OnceLock<Needs>,
    linear: OnceLock<(Box<dyn LinearMethod>, String)>,
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
    pub fn linear(&self) -> &dyn LinearMethod {
        self.prepared().0.as_ref()
    }
    /// What the default linear solver is expected to need; nothing is prepared.
    pub fn needs(&self) -> Needs {
        *self.needs.get_or_init(|| linear::needs(&self.generator, &self.shape))
    }
    /// The linear solver's name and why it was chosen, once it is in use.
    pub fn linear_solver(&self) -> Option<(&'static str, &str)> {
        self.linear.get().map(|(solver, reason)| (solver.name(), reason.as_str()))
    }
    fn prepared(&self) -> &(Box<dyn LinearMethod>, String) {
        self.linear.get_or_init(|| linear::prepare_with_reason(&self.generator, &self.shape, self.law.as_ref()))
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

/// An integrator on its way from the start to later and later times.
pub trait Stepper: Send {
    /// Cell probabilities at time `to`, not before the last one asked for, into `out`. Errors: [`Error::Numerical`] when the
    /// method fails, [`Error::Interrupted`].
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error>;
    /// Estimated L1 error by time integration, the largest over the outputs so far. Held to the true error within a factor of 3
    /// above the floor of rounding; see `honesty.rs`.
    fn error(&self) -> f64;
    /// Largest defect of the total probability that rounding had left and that the method put back.
    fn corrected(&self) -> f64 {
        0.0
    }
    /// The two laws that the last output was extrapolated from, those of the shorter steps first; None without extrapolation.
    fn unextrapolated(&self) -> Option<[&[f64]; 2]> {
        None
    }
    /// Counters.
    fn work(&self) -> Work;
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
pub struct Method {
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

/// The table of integrators.
pub const METHODS: &[Method] = &[implicit_euler::METHOD, tr_bdf2::METHOD, rational::METHOD, polynomial::METHOD];

/// The method of the given name, or for "auto" the one with the smallest estimated cost. Errors: an unknown name.
pub fn choose(name: &str, task: &Task) -> Result<&'static Method, Error> {
    choose_with_reason(name, task).map(|(method, _)| method)
}

/// [`choose`], and why it is this one: the estimated seconds of all.
pub fn choose_with_reason(name: &str, task: &Task) -> Result<(&'static Method, String), Error> {
    if name == "auto" {
        let mut costs: Vec<(&Method, f64)> = METHODS.iter().map(|method| (method, (method.cost)(task))).collect();
        costs.sort_by(|a, b| a.1.total_cmp(&b.1));
        let others: Vec<String> = costs[1..].iter().map(|(m, cost)| format!("{} {cost:.1e} s", m.name)).collect();
        return Ok((costs[0].0, format!("least estimated time: {:.1e} s; {}", costs[0].1, others.join(", "))));
    }
    let method = METHODS.iter().find(|method| method.name == name);
    method.map(|method| (method, "asked for".to_string())).ok_or_else(|| {
        let names: Vec<_> = METHODS.iter().map(|method| method.name).collect();
        Error::invalid(
            format!("there is no Fokker-Planck method \"{name}\""),
            format!("write \"auto\" or one of: {}", names.join(", ")),
        )
    })
}

#[cfg(test)]
mod effectivity;
#[cfg(test)]
mod tests;
