//! What a step is made of: per-sample gradients, the probabilities samples are drawn with, and the rule of a step.

use crate::Error;

/// Per-sample gradients and sampling probabilities at points.
///
/// Points are coordinate-major (d×n), per-sample arrays have the samples outside: component k of sample s at point i is
/// `[(k·m + s)·n + i]`.
pub trait Samples: Sync {
    /// Number of samples m.
    fn count(&self) -> usize;
    /// Number of dimensions d.
    fn dimension(&self) -> usize {
        1
    }
    /// The gradients g_s (d×m×n) that a step takes: already divided by m·p_s where draws are reweighted.
    fn gradients(&self, points: &[f64], gradients: &mut [f64]);
    /// Probabilities p_s (m×n) that samples are drawn with; false, and nothing written, where they are all 1/m.
    fn probabilities(&self, _points: &[f64], _probabilities: &mut [f64]) -> bool {
        false
    }
}

/// Samples drawn uniformly whose gradients in one dimension are given by a function of the point and the sample.
pub struct Line<F> {
    /// Number of samples m.
    pub count: usize,
    /// g_s(θ).
    pub gradient: F,
}

impl<F: Fn(f64, usize) -> f64 + Sync> Samples for Line<F> {
    fn count(&self) -> usize {
        self.count
    }
    fn gradients(&self, points: &[f64], gradients: &mut [f64]) {
        for s in 0..self.count {
            for (i, &x) in points.iter().enumerate() {
                gradients[s * points.len() + i] = (self.gradient)(x, s);
            }
        }
    }
}

/// Samples drawn uniformly whose gradients in two dimensions are given by a function of the point and the sample.
pub struct Plane<F> {
    /// Number of samples m.
    pub count: usize,
    /// g_s(θ).
    pub gradient: F,
}

impl<F: Fn([f64; 2], usize) -> [f64; 2] + Sync> Samples for Plane<F> {
    fn count(&self) -> usize {
        self.count
    }
    fn dimension(&self) -> usize {
        2
    }
    fn gradients(&self, points: &[f64], gradients: &mut [f64]) {
        let (m, n) = (self.count, points.len() / 2);
        for s in 0..m {
            for i in 0..n {
                let [a, b] = (self.gradient)([points[i], points[n + i]], s);
                gradients[s * n + i] = a;
                gradients[(m + s) * n + i] = b;
            }
        }
    }
}

/// Whether the draws of one batch are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draws {
    /// Independent draws, uniform or with the probabilities of the samples.
    WithReplacement,
    /// Distinct samples inside one batch, batches independent.
    WithoutReplacement,
}

/// How a step follows from batch gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// θ' = θ − η ĝ.
    Sgd,
    /// θ' = θ − (η/l)(½(1+a) ĝ₁ + ½(1−a) ĝ₂), a = √(2l−1), two independent batches (Li, Malladi & Arora 2021).
    Svag {
        /// The number l ≥ 1 of steps that replace one.
        l: f64,
    },
    /// v' = μv − η ĝ, θ' = θ + v'.
    Momentum {
        /// The coefficient μ, 0 ≤ μ < 1.
        mu: f64,
    },
}

/// One step of minibatch descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Learning rate η.
    pub learning_rate: f64,
    /// Batch size B.
    pub batch_size: usize,
    /// How a batch is drawn.
    pub draws: Draws,
    /// What is done with it.
    pub rule: Rule,
}

impl Step {
    /// Plain SGD with independent draws.
    pub fn sgd(learning_rate: f64, batch_size: usize) -> Self {
        Self { learning_rate, batch_size, draws: Draws::WithReplacement, rule: Rule::Sgd }
    }

    /// The factor of the (combined) batch gradient in θ' − θ is minus this: η, for SVAG η/l.
    pub fn factor(&self) -> f64 {
        match self.rule {
            Rule::Sgd | Rule::Momentum { .. } => self.learning_rate,
            Rule::Svag { l } => self.learning_rate / l,
        }
    }

    /// Time that one step lasts on the clock on which dθ = −∇L dt is the limit: η, for SVAG η/l, for momentum η/(1 − μ).
    pub fn time(&self) -> f64 {
        match self.rule {
            Rule::Sgd | Rule::Svag { .. } => self.factor(),
            Rule::Momentum { mu } => self.learning_rate / (1.0 - mu),
        }
    }

    /// Weights of the independent batches in the gradient of a step.
    pub(super) fn combination(&self) -> Vec<f64> {
        match self.rule {
            Rule::Sgd | Rule::Momentum { .. } => vec![1.0],
            Rule::Svag { l } if l <= 1.0 => vec![1.0],
            Rule::Svag { l } => {
                let a = (2.0 * l - 1.0).sqrt();
                vec![0.5 * (1.0 + a), 0.5 * (1.0 - a)]
            }
        }
    }

    /// Checks the step for m samples. Errors: no samples, a rate that is not positive, an empty batch, a batch larger than m
    /// without replacement, l < 1, a coefficient of momentum outside [0, 1).
    pub fn check(&self, m: usize) -> Result<(), Error> {
        let invalid = |what: String, help: &str| Err(Error::invalid(what, help));
        if m == 0 {
            return invalid(
                "the law of minibatch descent needs per-sample gradients, and the model has no samples".into(),
                "give a model with data, or leave this engine out",
            );
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return invalid(format!("the learning rate is {}", self.learning_rate), "it must be a positive number");
        }
        if self.batch_size == 0 {
            return invalid("a batch of 0 samples has no gradient".into(), "give batches at least one sample");
        }
        if self.draws == Draws::WithoutReplacement && self.batch_size > m {
            let what = format!("{m} samples cannot fill a batch of {} without replacement", self.batch_size);
            return invalid(what, "take a batch of at most m samples, or draw with replacement");
        }
        match self.rule {
            Rule::Svag { l } if !(l >= 1.0 && l.is_finite()) => {
                invalid(format!("SVAG with l = {l}"), "l counts the steps that replace one: at least 1")
            }
            Rule::Momentum { mu } if !(0.0..1.0).contains(&mu) => {
                invalid(format!("a coefficient of momentum of {mu}"), "0 ≤ μ < 1")
            }
            Rule::Sgd | Rule::Svag { .. } | Rule::Momentum { .. } => Ok(()),
        }
    }
}
