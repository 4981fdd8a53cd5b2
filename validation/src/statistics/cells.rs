//! Mean and variance, under "same law", of metrics that are sums over the cells.

/// Metrics that are sums over cells of a function of the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cellwise {
    /// ½ |X − λ|, with N_h in the denominator.
    TotalVariation,
    /// X ln(X/λ) − X + λ.
    KullbackLeibler,
    /// ½ (√X − √λ)².
    SquaredHellinger,
}

/// Mean and variance of a metric under "same law".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
}

/// The hypothesis "same law, these walkers": who is sampled, and the law of one cell's share in each metric.
#[derive(Debug, Clone)]
pub struct Null {
    sampled: Sampled,
    /// Per metric, then per node.
    tables: [Vec<Share>; 3],
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sampled {
    Neither,
    /// Against a density: Poisson counts of mean λ, tabulated over ln λ.
    One {
        walkers: f64,
    },
    /// Two histograms: binomial counts (K, weight), tabulated over K.
    Both {
        walkers: [f64; 2],
    },
}

/// Mean and variance of one cell's share, and its covariance with the count.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    mean: f64,
    variance: f64,
    covariance: f64,
}

const METRICS: [Cellwise; 3] = [Cellwise::TotalVariation, Cellwise::KullbackLeibler, Cellwise::SquaredHellinger];
/// Poisson means from e^FIRST to e^LAST are tabulated; below, three terms of the sum do; above, the Gaussian limit.
const FIRST: f64 = -6.0;
const LAST: f64 = 4.5;
const NODES: usize = 800;
/// Pooled counts up to here are tabulated.
const POOLED: usize = 200;
/// Expected counts that add nothing to a sum: a million of such cells are 4e-9 of a walker's share.
const NOTHING: f64 = 1e-16;

impl Null {
    /// Tables for one comparison: number of walkers of either side, None for a density.
    pub fn new(a: Option<usize>, b: Option<usize>) -> Self {
        let sampled = match (a, b) {
            (None, None) => Sampled::Neither,
            (Some(n), None) | (None, Some(n)) => Sampled::One { walkers: n as f64 },
            (Some(n), Some(m)) => Sampled::Both { walkers: [n as f64, m as f64] },
        };
        let tables = METRICS.map(|metric| match sampled {
            Sampled::Neither => Vec::new(),
            Sampled::One { .. } => (0..=NODES).map(|node| poisson(metric, node_mean(node))).collect(),
            Sampled::Both { walkers: [n, m] } => (0..=POOLED).map(|k| binomial(metric, k, n / (n + m))).collect(),
        });
        Self { sampled, tables }
    }

    /// Share of a cell: `count` is the expected count λ against a density, the pooled count K between histograms.
    fn share(&self, metric: Cellwise, count: f64) -> Share {
        let table = &self.tables[metric as usize];
        match self.sampled {
            Sampled::Neither => Share::default(),
            Sampled::One { .. } if count < FIRST.exp() => poisson(metric, count),
            Sampled::One { .. } if count < LAST.exp() => {
                let at = (count.ln() - FIRST) / (LAST - FIRST) * NODES as f64;
                let node = (at as usize).min(NODES - 1);
                table[node].towards(&table[node + 1], at - node as f64)
            }
            Sampled::One { .. } => gaussian(metric, count, 1.0 / count),
            Sampled::Both { .. } if count < POOLED as f64 + 0.5 => table[count.round() as usize],
            Sampled::Both { walkers: [n, m] } => {
                let w = n / (n + m);
                gaussian(metric, count * w * (1.0 - w), (1.0 / (w * (1.0 - w)) - 1.0) / count)
            }
        }
    }
}

impl Share {
    fn towards(&self, other: &Self, t: f64) -> Self {
        let mix = |a: f64, b: f64| a + t * (b - a);
        Self {
            mean: mix(self.mean, other.mean),
            variance: mix(self.variance, other.variance),
            covariance: mix(self.covariance, other.covariance),
        }
    }
}

impl Null {
    /// Mean and variance of a cellwise metric of walkers against the cells of a density under "same law"; 0 where the walkers are others.
    ///
    /// Counts of different cells are tied by their sum. That enters through the regression of each share on its count, through
    /// the factor 1 − κ of a cell that holds the share κ of everything, and, where a few cells hold most, through the exact
    /// covariance of Gaussian absolute values.
    pub fn against(&self, metric: Cellwise, density: impl Iterator<Item = f64>) -> Noise {
        match self.sampled {
            Sampled::One { walkers } => sum(self, metric, walkers, walkers, density.map(|q| q * walkers)),
            Sampled::Neither | Sampled::Both { .. } => Noise { mean: 0.0, variance: 0.0 },
        }
    }

    /// The same between the cells of two histograms.
    pub fn between(&self, metric: Cellwise, cells: impl Iterator<Item = (f64, f64)>) -> Noise {
        match self.sampled {
            Sampled::Both { walkers: [n, m] } => {
                let pooled = cells.map(|(p, q)| (p * n).round() + (q * m).round());
                sum(self, metric, n + m, n * m / (n + m), pooled)
            }
            Sampled::Neither | Sampled::One { .. } => Noise { mean: 0.0, variance: 0.0 },
        }
    }
}

fn sum(null: &Null, metric: Cellwise, total: f64, effective: f64, counts: impl Iterator<Item = f64>) -> Noise {
    let (mut mean, mut variance, mut tied, mut tied_squares, mut squares) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut heavy: Vec<f64> = Vec::new();
    for count in counts {
        if count <= NOTHING {
            continue;
        }
        let kappa = (count / total).min(1.0);
        let rest = 1.0 - kappa;
        let root = metric == Cellwise::TotalVariation;
        let (share, slope) = if root && kappa > 0.5 {
            // as far off as all others together
            let share = null.share(metric, total - count);
            let slope = -share.covariance * kappa / rest.max(1e-300);
            (Share { mean: share.mean * kappa.sqrt(), variance: share.variance * kappa, ..share }, slope)
        } else {
            let share = null.share(metric, count);
            let factor = if root { rest.sqrt() } else { rest };
            (Share { mean: share.mean * factor, variance: share.variance * factor * factor, ..share }, share.covariance)
        };
        mean += share.mean;
        variance += share.variance;
        tied += slope;
        tied_squares += slope * slope;
        squares += kappa * kappa;
        if kappa > 0.02 {
            heavy.push(kappa);
        }
    }
    let gaussian = match metric {
        Cellwise::TotalVariation => 0.25 * effective * absolute_covariances(&heavy),
        Cellwise::KullbackLeibler => 0.5 * (1.0 - squares).max(0.0),
        Cellwise::SquaredHellinger => (1.0 - squares).max(0.0) / 32.0,
    };
    let variance = (variance - (tied * tied - tied_squares) / effective + gaussian).max(0.0);
    Noise { mean: mean / effective, variance: variance / (effective * effective) }
}

/// Σ_{i≠j} Cov(|Z_i|, |Z_j|) for Z of covariance diag(κ) − κκᵀ.
fn absolute_covariances(kappa: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (i, &p) in kappa.iter().enumerate() {
        for &q in &kappa[..i] {
            let spread = (p * (1.0 - p) * q * (1.0 - q)).sqrt();
            if spread > 0.0 {
                sum += 2.0 * spread * absolute_correlation((p * q / spread).min(1.0));
            }
        }
    }
    sum
}

/// Cov(|X|, |Y|) of standard normal variables with correlation ±ρ: (2/π)(√(1−ρ²) + ρ asin ρ − 1).
fn absolute_correlation(rho: f64) -> f64 {
    std::f64::consts::FRAC_2_PI * ((1.0 - rho * rho).max(0.0).sqrt() + rho * rho.asin() - 1.0)
}

fn node_mean(node: usize) -> f64 {
    (FIRST + (LAST - FIRST) * node as f64 / NODES as f64).exp()
}

/// A cell's share g(X) when `expected` was expected.
fn value(metric: Cellwise, x: f64, expected: f64) -> f64 {
    match metric {
        Cellwise::TotalVariation => 0.5 * (x - expected).abs(),
        Cellwise::KullbackLeibler if x > 0.0 => x * (x / expected).ln() - x + expected,
        Cellwise::KullbackLeibler => expected,
        Cellwise::SquaredHellinger => 0.5 * (x.sqrt() - expected.sqrt()).powi(2),
    }
}

fn poisson(metric: Cellwise, lambda: f64) -> Share {
    let last = if lambda < FIRST.exp() { 3 } else { (lambda + 12.0 * lambda.sqrt() + 20.0) as usize };
    let mut p = (-lambda).exp();
    moments((0..=last).map(|x| {
        let now = (p, x as f64, value(metric, x as f64, lambda));
        p *= lambda / (x + 1) as f64;
        now
    }))
}

fn binomial(metric: Cellwise, pooled: usize, weight: f64) -> Share {
    let (k, other) = (pooled as f64, 1.0 - weight);
    let mut ln_choose = 0.0;
    moments((0..=pooled).map(|x| {
        let x_f = x as f64;
        let p = (ln_choose + x_f * weight.ln() + (k - x_f) * other.ln()).exp();
        ln_choose += ((k - x_f) / (x_f + 1.0)).ln();
        let y = k - x_f;
        let share = match metric {
            Cellwise::TotalVariation => value(metric, x_f, k * weight),
            Cellwise::KullbackLeibler => value(metric, x_f, k * weight) + value(metric, y, k * other),
            Cellwise::SquaredHellinger => 0.5 * ((x_f * other).sqrt() - (y * weight).sqrt()).powi(2),
        };
        (p, x_f, share)
    }))
}

fn moments(terms: impl Iterator<Item = (f64, f64, f64)>) -> Share {
    let (mut ex, mut eg, mut egg, mut egx) = (0.0, 0.0, 0.0, 0.0);
    for (p, x, g) in terms {
        ex += p * x;
        eg += p * g;
        egg += p * g * g;
        egx += p * g * x;
    }
    Share { mean: eg, variance: (egg - eg * eg).max(0.0), covariance: egx - eg * ex }
}

/// Limit of large counts of variance `variance`, with the leading correction in the squared skewness-like `small`.
fn gaussian(metric: Cellwise, variance: f64, small: f64) -> Share {
    let two_over_pi = std::f64::consts::FRAC_2_PI;
    match metric {
        Cellwise::TotalVariation => Share {
            mean: 0.5 * (two_over_pi * variance).sqrt(),
            variance: 0.25 * (1.0 - two_over_pi) * variance,
            covariance: 0.0,
        },
        Cellwise::KullbackLeibler => Share { mean: 0.5 + small / 12.0, variance: 0.5 * (1.0 + small), covariance: 0.0 },
        Cellwise::SquaredHellinger => {
            Share { mean: 0.125 + 7.0 * small / 128.0, variance: (1.0 + small) / 32.0, covariance: 0.0 }
        }
    }
}
