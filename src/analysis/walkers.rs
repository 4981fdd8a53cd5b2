//! The ensembles that first passages and rare events are found with.

/// An ensemble of walkers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walkers {
    /// Of the SDE.
    Langevin,
    /// Of minibatch descent.
    Sgd,
}

impl Walkers {
    /// The word in a scenario, with which names in the record begin.
    pub fn word(self) -> &'static str {
        match self {
            Self::Langevin => "langevin",
            Self::Sgd => "sgd",
        }
    }
    /// Whose walkers they are, in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Langevin => "Langevin",
            Self::Sgd => "SGD",
        }
    }
}
