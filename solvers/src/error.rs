//! The one error type of the solvers: what went wrong, where, and what to do instead.

/// Everything that can stop a solver; each message names the place and a way out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The problem itself cannot be right (found while it is built).
    #[error("{what}")]
    Invalid {
        /// What is wrong, with the point or the entry where it is.
        what: String,
        /// What to do instead.
        help: String,
        /// What the advice would have the user set.
        settings: &'static [Setting],
    },
    /// More memory, cells or time than are allowed would be needed.
    #[error("{what}")]
    TooLarge {
        /// What would be needed, and what is allowed.
        what: String,
        /// What to do instead.
        help: String,
        /// What the advice would have the user set.
        settings: &'static [Setting],
    },
    /// A numerical method stopped before it reached its goal.
    #[error("{method} stopped {place}: {what}")]
    Numerical {
        /// The method, in the words of the record.
        method: String,
        /// Where: time, step, cell, walker.
        place: String,
        /// What happened.
        what: String,
        /// What to change.
        help: String,
        /// What the advice would have the user set.
        settings: &'static [Setting],
    },
    /// The user interrupted the run.
    #[error("interrupted at t = {time}")]
    Interrupted {
        /// Time that was reached.
        time: f64,
    },
}

/// What advice speaks of: a choice of whoever writes a problem. Only who reads problems knows where each is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// What kind of model gives L(θ).
    Model,
    /// The amplitudes of a regression: given or projected.
    Amplitudes,
    /// Whether data are standardised.
    Standardize,
    /// The noise of a teacher's values.
    TeacherNoise,
    /// Learning rate η of stochastic gradient descent.
    LearningRate,
    /// Batch size B.
    BatchSize,
    /// Whether a batch is drawn with replacement.
    Replacement,
    /// Importance sampling of the samples.
    Importance,
    /// The isotropic part that is added to D.
    NoiseFloor,
    /// Ends and cells of the grid's axes.
    Axes,
    /// What happens at the ends of an axis.
    Boundary,
    /// The law that a run starts from.
    Initial,
    /// Which engines run.
    Engines,
    /// The discretisation of the Fokker-Planck operator.
    Discretisation,
    /// The integrator of the Fokker-Planck equation.
    Integrator,
    /// The time that the Fokker-Planck engine may take.
    Budget,
    /// The integrator's tolerance.
    IntegratorTolerance,
    /// Whether the stationary law is asked for.
    Stationary,
    /// The Langevin scheme.
    Scheme,
    /// The Langevin step.
    LangevinStep,
    /// Number of walkers of an ensemble.
    Walkers,
    /// The optimizer of stochastic gradient descent.
    Optimizer,
    /// The rate at which joint descent moves the amplitudes.
    AmplitudeRate,
}

impl Error {
    /// A problem that cannot be right: `what` is wrong, `help` says what to write instead.
    pub fn invalid(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), help: help.into(), settings: &[] }
    }

    /// More than is allowed: `what` would be needed, `help` says what to write instead.
    pub fn too_large(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::TooLarge { what: what.into(), help: help.into(), settings: &[] }
    }

    /// The same, an interruption not before `time`: linear solvers know no time.
    #[must_use]
    pub fn interrupted_after(self, time: f64) -> Self {
        match self {
            Self::Interrupted { time: told } => Self::Interrupted { time: told.max(time) },
            other => other,
        }
    }

    /// A numerical failure of `method` at `place`.
    pub fn numerical(
        method: impl Into<String>,
        place: impl Into<String>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let (method, place, what, help) = (method.into(), place.into(), what.into(), help.into());
        Self::Numerical { method, place, what, help, settings: &[] }
    }

    /// The same error, whose advice speaks of these `settings`.
    #[must_use]
    pub fn set_by(mut self, of_advice: &'static [Setting]) -> Self {
        match &mut self {
            Self::Invalid { settings, .. } | Self::TooLarge { settings, .. } | Self::Numerical { settings, .. } => {
                *settings = of_advice;
            }
            Self::Interrupted { .. } => {}
        }
        self
    }

    /// What the advice would have the user set.
    pub fn settings(&self) -> &'static [Setting] {
        match self {
            Self::Invalid { settings, .. } | Self::TooLarge { settings, .. } | Self::Numerical { settings, .. } => {
                settings
            }
            Self::Interrupted { .. } => &[],
        }
    }

    /// The advice that goes with the message, if there is any.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Invalid { help, .. } | Self::TooLarge { help, .. } | Self::Numerical { help, .. }
                if !help.is_empty() =>
            {
                Some(help)
            }
            _ => None,
        }
    }
}
