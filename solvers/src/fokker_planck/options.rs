//! What can be chosen about a Fokker–Planck run.

use crate::Error;

/// How space is made discrete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpaceMethod {
    /// The one with the smaller estimated error; see [`super::choice`].
    #[default]
    Auto,
    /// The edge generator, [`super::edges()`].
    Edges,
    /// The long-step lattice chain, [`super::chain`].
    Chain,
}

impl SpaceMethod {
    /// All of them with a line on each: the words of `fokker_planck.discretisation`.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Auto, "auto", "the one of the two with the smaller estimated error"),
        (Self::Edges, "edges", "edge generator: exponential fitting on Selling edges, sparse, keeps detailed balance"),
        (
            Self::Chain,
            "chain",
            "long-step lattice chain: strong anisotropy, high cell Péclet numbers, singular D; its own steps in time",
        ),
    ];

    /// The word in a scenario and in the record.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|entry| entry.0 == self).map_or("auto", |entry| entry.1)
    }

    /// The method of this word. Errors: an unknown word.
    pub fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.iter().find(|entry| entry.1 == word).map(|entry| entry.0).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|entry| entry.1).collect();
            Error::invalid(
                format!("there is no discretisation \"{word}\""),
                format!("write one of: {}", words.join(", ")),
            )
        })
    }
}

/// Options of [`FokkerPlanck`](super::FokkerPlanck).
#[derive(Debug, Clone, PartialEq)]
pub struct FokkerPlanckOptions {
    /// How space is made discrete.
    pub discretisation: SpaceMethod,
    /// A name of [`stepper::METHODS`](super::integrator::METHODS), or "auto" for the one with the least estimated cost. A name
    /// needs the edge generator.
    pub method: String,
    /// L1 error of the time integration to stay below over the whole run.
    pub tolerance: f64,
    /// Whether to compute the stationary density.
    pub stationary: bool,
    /// Whether to run the grid coarsened by 2 beside, for the estimate of the grid error.
    pub error_estimate: bool,
}

impl Default for FokkerPlanckOptions {
    fn default() -> Self {
        Self {
            discretisation: SpaceMethod::Auto,
            method: "auto".into(),
            tolerance: 1e-6,
            stationary: true,
            error_estimate: true,
        }
    }
}
