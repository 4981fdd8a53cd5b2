//! One (η, B) of the map.

/// Orders of the modified equation that are held against SGD.
pub const ORDERS: usize = 3;

/// A number and its bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The number; NaN where it is not known.
    pub value: f64,
    /// Its bar; infinite where the number is at least `value`.
    pub error: f64,
}

impl Estimate {
    /// Not known.
    pub const UNKNOWN: Self = Self { value: f64::NAN, error: f64::NAN };

    /// Whether |value| is at most a bound; None where its bar crosses it, or it is not known.
    fn within(self, bound: f64) -> Option<bool> {
        if self.error == f64::INFINITY {
            return (self.value > bound).then_some(false);
        }
        let size = self.value.abs();
        if size == f64::INFINITY || size - self.error > bound {
            return Some(false);
        }
        (size + self.error <= bound).then_some(true)
    }
}

/// What one order of the SDE says beside SGD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderCell {
    /// Total variation of the laws of the long run.
    pub total_variation: Estimate,
    /// Their Wasserstein distance.
    pub wasserstein_1: Estimate,
    /// ln(τ_SGD/τ_SDE); infinite where SGD does not escape at all.
    pub log_ratio: Estimate,
    /// Mean and variance of the SDE's law.
    pub moments: [f64; 2],
}

impl OrderCell {
    /// Nothing known.
    pub const UNKNOWN: Self = Self {
        total_variation: Estimate::UNKNOWN,
        wasserstein_1: Estimate::UNKNOWN,
        log_ratio: Estimate::UNKNOWN,
        moments: [f64::NAN; 2],
    };
}

/// What is known of one (η, B).
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// By order of the SDE.
    pub orders: [OrderCell; ORDERS],
    /// Mean and variance of SGD's law.
    pub moments: [f64; 2],
    /// η times the largest curvature where the law is.
    pub rate_times_curvature: f64,
    /// Number of invariant laws of SGD.
    pub classes: f64,
    /// Probability that leaves the box in a step.
    pub clamped: f64,
    /// Why something is not known, in words.
    pub remark: Option<String>,
}

/// Whether the SDE may be taken for SGD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Valid {
    /// All differences are below the thresholds, bars included.
    Yes,
    /// One is above, bar included.
    No,
    /// A bar crosses a threshold.
    Undecided,
}

impl Valid {
    /// 1, 0 and −1.
    pub fn number(self) -> f64 {
        match self {
            Self::Yes => 1.0,
            Self::No => 0.0,
            Self::Undecided => -1.0,
        }
    }
    /// From its number.
    pub fn of(number: f64) -> Self {
        match number {
            1.0 => Self::Yes,
            0.0 => Self::No,
            _ => Self::Undecided,
        }
    }
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Undecided => "?",
        }
    }
}

/// What SDE and SGD may differ by.
#[derive(Debug, Clone, Copy)]
pub struct Thresholds {
    /// Total variation.
    pub total_variation: f64,
    /// |ln(τ_SGD/τ_SDE)|; None where no passage is asked for.
    pub log_ratio: Option<f64>,
}

/// Probability that may leave the box in a step before a cell is no longer decided.
const CLAMPED: f64 = 1e-8;

impl Cell {
    /// Nothing known, for a reason.
    pub fn unknown(remark: String) -> Self {
        Self {
            orders: [OrderCell::UNKNOWN; ORDERS],
            moments: [f64::NAN; 2],
            rate_times_curvature: f64::NAN,
            classes: f64::NAN,
            clamped: f64::NAN,
            remark: Some(remark),
        }
    }

    /// The verdict on an order of the SDE (from 0).
    pub fn valid(&self, order: usize, thresholds: &Thresholds) -> Valid {
        let cell = &self.orders[order];
        let ratio = thresholds.log_ratio.map(|bound| cell.log_ratio.within(bound));
        let each = [Some(cell.total_variation.within(thresholds.total_variation)), ratio];
        let each = || each.into_iter().flatten();
        if each().any(|within| within == Some(false)) {
            return Valid::No;
        }
        if self.clamped > CLAMPED || each().any(|within| within.is_none()) { Valid::Undecided } else { Valid::Yes }
    }
}
