//! The faults that a self-test plants in the solvers, where they go wrong, and the suites that must see them.

pub use fpsolve_solvers::fault::Fault;

/// A fault, what it is and where it is planted in words, and the suites that must see it.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// The fault.
    pub fault: Fault,
    /// In words.
    pub what: &'static str,
    /// The place in the solvers that goes wrong.
    pub place: &'static str,
    /// Suites that must fail.
    pub suites: &'static [&'static str],
}

/// All faults.
pub static FAULTS: &[Planted] = &[
    planted(
        Fault::TwiceTooHot,
        "η/B for the temperature η/(2B)",
        "temperature of a learning rate and a batch",
        &["exact", "escape"],
    ),
    planted(Fault::Fick, "Fick's law for Itô's equation", "exponents of the edges of a diagonal D", &["exact"]),
    planted(
        Fault::NoDivergence,
        "∇·D missing",
        "edges of a full tensor; conversion of Hänggi–Klimontovich noise",
        &["exact"],
    ),
    planted(Fault::SecondMoment, "Σ with ∇G ∇Gᵀ", "covariance of the gradients of samples", &["exact"]),
    planted(Fault::OneSided, "a one-sided edge rate", "one rate of the generator, of the edges", &["invariants"]),
    planted(
        Fault::Leak,
        "a wall that leaks 1e-6 per unit time",
        "the first cell's diagonal of the generator",
        &["invariants"],
    ),
    planted(Fault::OneSeed, "one seed for two blocks of walkers", "stream of the second block", &["ensembles"]),
    planted(Fault::Noise, "noise 1 % too strong", "the equation as every Langevin scheme gets it", &["ensembles"]),
    planted(
        Fault::Replacement,
        "sampling with replacement for without",
        "choice of the sampling of descent",
        &["ensembles"],
    ),
    planted(
        Fault::Time,
        "time off by one step",
        "steps to the first output time, Langevin and descent",
        &["ensembles"],
    ),
    planted(
        Fault::Deposit,
        "a variance of h²/6 laid down in each step",
        "step of the chain; rows of the transfer operator",
        &["exact", "convergence"],
    ),
    planted(Fault::Difference, "an unscaled difference step", "lengths that differences are based on", &["invariants"]),
    planted(Fault::Halved, "an error estimate halved", "L1 error by coarser grids", &["honesty"]),
];

const fn planted(fault: Fault, what: &'static str, place: &'static str, suites: &'static [&'static str]) -> Planted {
    Planted { fault, what, place, suites }
}
