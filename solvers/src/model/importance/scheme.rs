//! Sampling schemes: with what probabilities the samples are drawn at a point.

use std::f64::consts::LOG2_E;

use crate::error::Error;
use crate::numerics::lanes::{dispatch, exp, exp2};

/// Points that are worked on together: bounds the m·d·n numbers held at a time.
pub(super) const BLOCK: usize = 64;

/// The scale U of the loss in τ = U·c.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LossScale {
    /// A constant: a frozen scale.
    Constant(f64),
    /// The mean loss L(θ).
    MeanLoss,
    /// The largest sample loss at θ.
    MaxLoss,
}

/// How likely a sample is drawn, up to a factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scheme {
    /// 1: all alike.
    Uniform,
    /// e^{−l/τ}: samples that fit; biased it descends the soft-min loss −τ ln (1/m) Σ e^{−l/τ}.
    SoftMin {
        /// U in τ = U·c.
        scale: LossScale,
        /// c in τ = U·c.
        smoothing: f64,
    },
    /// e^{+l/τ}: hard examples; biased it descends the soft-max loss τ ln (1/m) Σ e^{l/τ}.
    SoftMax {
        /// U in τ = U·c.
        scale: LossScale,
        /// c in τ = U·c.
        smoothing: f64,
    },
    /// l^α (losses ≥ 0): prioritised by loss; biased its drift is along that of Σ l^{α+1}/(α+1).
    Power {
        /// The exponent α.
        exponent: f64,
    },
    /// ‖g‖: reweighted the least trace of D, (mean ‖g‖)² − ‖∇L‖² (Zhao & Zhang 2015; Katharopoulos & Fleuret 2018).
    GradientNorm,
}

/// A scheme, mixed with uniform sampling, and what is done with the gradients that it draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// The scheme p.
    pub scheme: Scheme,
    /// ε of (1 − ε) p + ε/m: weights 1/(m p) stay below 1/ε.
    pub uniform: f64,
    /// Whether gradients are weighted by 1/(m p).
    pub reweight: bool,
    /// Largest ‖g‖ of a sample: g min(1, clip/‖g‖) in the place of g.
    pub clip: Option<f64>,
}

impl Scheme {
    /// Whether the probabilities need gradients.
    pub(super) fn needs_gradients(self) -> bool {
        match self {
            Self::GradientNorm => true,
            Self::Uniform | Self::SoftMin { .. } | Self::SoftMax { .. } | Self::Power { .. } => false,
        }
    }

    /// Whether the probabilities need losses.
    pub(super) fn needs_losses(self) -> bool {
        match self {
            Self::SoftMin { .. } | Self::SoftMax { .. } | Self::Power { .. } => true,
            Self::Uniform | Self::GradientNorm => false,
        }
    }

    /// σ, U and c of e^{σ l/(U c)}.
    pub(super) fn exponential(self) -> Option<(f64, LossScale, f64)> {
        match self {
            Self::SoftMin { scale, smoothing } => Some((-1.0, scale, smoothing)),
            Self::SoftMax { scale, smoothing } => Some((1.0, scale, smoothing)),
            Self::Uniform | Self::Power { .. } | Self::GradientNorm => None,
        }
    }
}

impl Sampling {
    /// A scheme alone: nothing mixed in, nothing clipped.
    pub fn of(scheme: Scheme, reweight: bool) -> Self {
        Self { scheme, uniform: 0.0, reweight, clip: None }
    }

    /// Errors: a number that is out of range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let invalid = |what: String, help: &str| Err(Error::invalid(what, help));
        if let Some((_, scale, smoothing)) = self.scheme.exponential() {
            if !(smoothing > 0.0 && smoothing.is_finite()) {
                return invalid(format!("the smoothing c is {smoothing}"), "c must be a positive number");
            }
            if let LossScale::Constant(u) = scale
                && !(u > 0.0 && u.is_finite())
            {
                return invalid(format!("the loss scale is {u}"), "the scale must be a positive number");
            }
        }
        if let Scheme::Power { exponent } = self.scheme
            && !exponent.is_finite()
        {
            return invalid(format!("the exponent of the losses is {exponent}"), "it must be a number");
        }
        if !(0.0..=1.0).contains(&self.uniform) {
            return invalid(format!("a share of {} of uniform draws", self.uniform), "it lies between 0 and 1");
        }
        match self.clip {
            Some(clip) if !(clip > 0.0 && clip.is_finite()) => {
                invalid(format!("gradients clipped at {clip}"), "clip at a positive length")
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The probabilities of samples with these losses at one point, for a sampler that keeps losses itself.
    ///
    /// # Errors
    /// Those of [`ImportanceSampled::by`](super::ImportanceSampled::by); no sample; a scheme that needs gradients.
    pub fn of_losses(&self, losses: &[f64]) -> Result<Vec<f64>, Error> {
        self.check()?;
        if losses.is_empty() {
            return Err(Error::invalid("importance sampling without samples", "give at least one loss"));
        }
        if self.scheme.needs_gradients() {
            return Err(Error::invalid(
                "losses alone do not say how samples are drawn by their gradients",
                "choose a scheme of the losses",
            ));
        }
        let mut probabilities = vec![0.0; losses.len()];
        self.weigh(losses, &[], &mut [1.0], &mut probabilities);
        Ok(probabilities)
    }

    /// Whether the mean of the drawn gradients is the gradient of a loss that [`Sampling::potential`] knows.
    pub(super) fn has_potential(&self) -> bool {
        let constant = |scale| matches!(scale, LossScale::Constant(_));
        let exponential = self.scheme.exponential().is_some_and(|(_, scale, _)| constant(scale));
        self.clip.is_none() && (self.reweight || self.scheme == Scheme::Uniform || exponential)
    }

    /// The loss that biased exponential sampling descends, σ τ ln (1/m) Σ e^{σ l/τ}, of point i of n; NaN for other schemes.
    pub(super) fn potential(&self, losses: &[f64], tau: f64, n: usize, i: usize) -> f64 {
        let Some((sign, ..)) = self.scheme.exponential() else { return f64::NAN };
        let losses = || losses.iter().skip(i).step_by(n);
        let (m, extreme) = losses().fold((0.0, f64::INFINITY), |(m, a), &l| (m + 1.0, f64::min(a, -sign * l)));
        let extreme = -sign * extreme;
        let sum: f64 = losses().map(|l| (sign * (l - extreme) / tau).exp_m1()).sum();
        extreme + sign * tau * (sum / m).ln_1p()
    }

    /// τ (n; 1 where there is none) and the probabilities (m×n) of n ≤ [`BLOCK`] points from losses (m×n) and gradients (d×m×n).
    pub(super) fn weigh(&self, losses: &[f64], gradients: &[f64], tau: &mut [f64], probabilities: &mut [f64]) {
        let (n, m) = (tau.len(), probabilities.len() / tau.len());
        match self.scheme {
            Scheme::SoftMin { scale, smoothing } => exponential(losses, -1.0, scale, smoothing, tau, probabilities),
            Scheme::SoftMax { scale, smoothing } => exponential(losses, 1.0, scale, smoothing, tau, probabilities),
            Scheme::Uniform => probabilities.fill(1.0 / m as f64),
            Scheme::Power { exponent } => {
                for (p, loss) in probabilities.iter_mut().zip(losses) {
                    *p = exponent * loss.max(f64::MIN_POSITIVE).ln();
                }
                (0..n).for_each(|i| shared(probabilities, n, i, |p, most| (p - most).exp()));
            }
            Scheme::GradientNorm => {
                norms(gradients, m * n, probabilities);
                (0..n).for_each(|i| shared(probabilities, n, i, |p, most| if most > 0.0 { p / most } else { 1.0 }));
            }
        }
        if self.uniform > 0.0 {
            probabilities.iter_mut().for_each(|p| *p = (1.0 - self.uniform) * *p + self.uniform / m as f64);
        }
    }

    /// Clips gradients (d×m×n).
    pub(super) fn clip(&self, gradients: &mut [f64], each: usize) {
        let Some(most) = self.clip else { return };
        let mut lengths = vec![0.0; each];
        norms(gradients, each, &mut lengths);
        for row in gradients.chunks_mut(each) {
            for (g, length) in row.iter_mut().zip(&lengths) {
                if *length > most {
                    *g *= most / length;
                }
            }
        }
    }
}

/// ‖g‖ of gradients whose components lie `each` apart.
pub(super) fn norms(gradients: &[f64], each: usize, out: &mut [f64]) {
    out.fill(0.0);
    for row in gradients.chunks(each) {
        out.iter_mut().zip(row).for_each(|(norm, g)| *norm = norm.hypot(*g));
    }
}

/// Turns the numbers of point i of n into probabilities: `weight` of each and the largest, divided by their sum.
fn shared(values: &mut [f64], n: usize, i: usize, weight: impl Fn(f64, f64) -> f64) {
    let column = || (i..values.len()).step_by(n);
    let most = column().map(|k| values[k]).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = column().map(|k| weight(values[k], most)).sum();
    for k in (i..values.len()).step_by(n) {
        values[k] = weight(values[k], most) / sum;
    }
}

/// Points whose weights are accumulated together, and walkers whose samples are drawn together.
pub(crate) const LANES: usize = 32;

impl LossScale {
    /// τ = U·c from the mean and the largest of the losses; the smallest number where every loss is 0: uniform.
    #[inline(always)]
    fn temperature(self, smoothing: f64, mean: f64, largest: f64) -> f64 {
        let scale = match self {
            Self::Constant(u) => u,
            Self::MeanLoss => mean,
            Self::MaxLoss => largest,
        };
        (scale * smoothing).max(f64::MIN_POSITIVE)
    }
}

dispatch! {
    /// Σ_{r ≤ s} e^{σ (l_r − l*)/τ} in the place of l_s at [`LANES`] points, l* the loss that is drawn most; with a share ε of uniform
    /// draws their total is 1 and ε (s + 1)/m is mixed in.
    pub(super) fn accumulated(losses: &mut [f64], sign: f64, scale: LossScale, smoothing: f64, uniform: f64) {
        let rows = losses.as_chunks_mut::<LANES>().0;
        let m = rows.len() as f64;
        let (mut least, mut sum, mut largest) = ([f64::INFINITY; LANES], [0.0; LANES], [f64::NEG_INFINITY; LANES]);
        for row in &*rows {
            for i in 0..LANES {
                least[i] = if row[i] < least[i] { row[i] } else { least[i] };
                largest[i] = if row[i] > largest[i] { row[i] } else { largest[i] };
                sum[i] += row[i];
            }
        }
        let (mut rate, extreme) = ([0.0; LANES], if sign > 0.0 { largest } else { least });
        for i in 0..LANES {
            rate[i] = sign * LOG2_E / scale.temperature(smoothing, sum[i] / m, largest[i]);
        }
        sum.fill(0.0);
        for row in &mut *rows {
            for i in 0..LANES {
                sum[i] += exp2((row[i] - extreme[i]) * rate[i]);
            }
            *row = sum;
        }
        if uniform > 0.0 {
            for (s, row) in rows.iter_mut().enumerate() {
                for i in 0..LANES {
                    row[i] = (1.0 - uniform) * (row[i] / sum[i]) + uniform * ((s + 1) as f64 / m);
                }
            }
        }
    }
}

dispatch! {
    /// τ (n) and the probabilities ∝ e^{σ l/τ} (m×n) of n points from their losses (m×n).
    fn exponential(
        losses: &[f64],
        sign: f64,
        scale: LossScale,
        smoothing: f64,
        temperature: &mut [f64],
        probabilities: &mut [f64],
    ) {
        let n = temperature.len();
        let (mut least, mut sum, mut largest) = ([f64::INFINITY; BLOCK], [0.0; BLOCK], [f64::NEG_INFINITY; BLOCK]);
        for row in losses.chunks_exact(n) {
            for i in 0..n {
                least[i] = if row[i] < least[i] { row[i] } else { least[i] };
                largest[i] = if row[i] > largest[i] { row[i] } else { largest[i] };
                sum[i] += row[i];
            }
        }
        let m = (losses.len() / n) as f64;
        for i in 0..n {
            temperature[i] = scale.temperature(smoothing, sum[i] / m, largest[i]);
        }
        let extreme = if sign > 0.0 { &largest } else { &least };
        sum.fill(0.0);
        for (row, p) in losses.chunks_exact(n).zip(probabilities.chunks_exact_mut(n)) {
            for i in 0..n {
                p[i] = exp(sign * (row[i] - extreme[i]) / temperature[i]);
                sum[i] += p[i];
            }
        }
        for p in probabilities.chunks_exact_mut(n) {
            for i in 0..n {
                p[i] /= sum[i];
            }
        }
    }
}
