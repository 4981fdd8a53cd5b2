//! Planted faults: mistakes of the kind that solvers of this equation make, one at a time, so that the suites can be seen to fail.
//!
//! A fault stands between the mathematics and the suite: in the problem that an engine gets, or in what comes back from it. The engines
//! themselves are not touched.

use std::sync::Arc;

use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::dynamics::Dynamics;

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The temperature taken for η/B instead of η/(2B).
    TwiceTooHot,
    /// The drift of the Itô equation taken for that of Fick's law: T ∇·D once too often.
    Fick,
    /// The term T ∇·D of the drift missing.
    NoDivergence,
    /// The second moment of the gradient for its covariance: D + ∇L ∇Lᵀ.
    SecondMoment,
    /// A rate between two cells that arrives and does not leave.
    OneSided,
    /// A wall through which 10⁻⁶ of the probability goes in a unit of time.
    Leak,
    /// Two blocks of walkers with one stream of random numbers.
    OneSeed,
    /// Noise whose standard deviation is 1 % too large.
    Noise,
    /// Batches drawn with replacement where they should be without.
    Replacement,
    /// One step too many.
    Time,
    /// Probability laid down between two nodes: a variance of h²/6 in each step.
    Deposit,
    /// Derivatives by differences with a step that does not know the scale of the axis.
    Difference,
    /// An estimate of the error that is half of what it should be.
    Halved,
}

/// A fault, what it is in words, and the suites that must see it.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// The fault.
    pub fault: Fault,
    /// In words.
    pub what: &'static str,
    /// Suites that must fail.
    pub suites: &'static [&'static str],
}

/// All faults.
pub static FAULTS: &[Planted] = &[
    planted(Fault::TwiceTooHot, "η/B for the temperature η/(2B)", &["exact", "escape"]),
    planted(Fault::Fick, "Fick's law for Itô's equation", &["exact"]),
    planted(Fault::NoDivergence, "the term T ∇·D missing", &["exact"]),
    planted(Fault::SecondMoment, "Σ with ∇G ∇Gᵀ", &["exact"]),
    planted(Fault::OneSided, "a rate that arrives and does not leave", &["invariants"]),
    planted(Fault::Leak, "a wall that leaks 1e-6 per unit time", &["invariants"]),
    planted(Fault::OneSeed, "one seed for two blocks of walkers", &["ensembles"]),
    planted(Fault::Noise, "noise 1 % too strong", &["ensembles"]),
    planted(Fault::Replacement, "sampling with replacement for without", &["ensembles"]),
    planted(Fault::Time, "time off by one step", &["ensembles"]),
    planted(Fault::Deposit, "a variance of h²/6 laid down in each step", &["convergence"]),
    planted(Fault::Difference, "an unscaled difference step", &["invariants"]),
    planted(Fault::Halved, "an error estimate halved", &["honesty"]),
];

const fn planted(fault: Fault, what: &'static str, suites: &'static [&'static str]) -> Planted {
    Planted { fault, what, suites }
}

/// Dynamics with a mistake in it.
pub(super) struct Faulty {
    pub inner: Arc<dyn Dynamics>,
    pub fault: Fault,
    pub temperature: f64,
}

impl Faulty {
    /// `inner` itself where the fault is none of drift and noise.
    pub fn of(inner: Arc<dyn Dynamics>, fault: Option<Fault>, temperature: f64) -> Arc<dyn Dynamics> {
        match fault {
            Some(fault @ (Fault::Fick | Fault::NoDivergence | Fault::SecondMoment | Fault::Noise)) => {
                Arc::new(Self { inner, fault, temperature })
            }
            Some(
                Fault::TwiceTooHot
                | Fault::OneSided
                | Fault::Leak
                | Fault::OneSeed
                | Fault::Replacement
                | Fault::Time
                | Fault::Deposit
                | Fault::Difference
                | Fault::Halved,
            )
            | None => inner,
        }
    }
}

impl Dynamics for Faulty {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        self.inner.drift_diffusion(points, drift, diffusion);
        let d = self.dimension();
        let n = points.len() / d;
        match self.fault {
            Fault::Fick | Fault::NoDivergence => {
                let mut divergence = vec![0.0; d * n];
                self.inner.diffusion_divergence(points, &vec![1.0; d], &mut divergence);
                let sign = if self.fault == Fault::Fick { 1.0 } else { -1.0 };
                drift.iter_mut().zip(divergence).for_each(|(b, div)| *b += sign * self.temperature * div);
            }
            Fault::SecondMoment => {
                for row in 0..d {
                    for column in row..d {
                        let c = packed_index(d, row, column);
                        for i in 0..n {
                            diffusion[c * n + i] += drift[row * n + i] * drift[column * n + i];
                        }
                    }
                }
            }
            Fault::Noise => diffusion[..packed_len(d) * n].iter_mut().for_each(|entry| *entry *= 1.01 * 1.01),
            _ => {}
        }
    }
}
