//! All distinct batches of a small problem with their probabilities.

use super::samples::Draws;

/// Distinct batches: which samples, how often, and the part of ln(probability) that does not depend on the point.
pub(super) struct Batches {
    starts: Vec<usize>,
    samples: Vec<u32>,
    counts: Vec<f64>,
    log_weights: Vec<f64>,
}

/// Number of distinct batches, as a floating-point number: C(m+B−1, B), without replacement C(m, B).
pub(super) fn count(m: usize, batch: usize, draws: Draws) -> f64 {
    let top = match draws {
        Draws::WithReplacement => m + batch - 1,
        Draws::WithoutReplacement => m,
    };
    (1..=batch.min(top - batch)).map(|i| (top - batch.min(top - batch) + i) as f64 / i as f64).product()
}

fn ln_factorial(n: u64) -> f64 {
    (2..=n.min(20)).map(|k| k as f64).product::<f64>().ln()
        + if n > 20 { libm::lgamma(n as f64 + 1.0) - libm::lgamma(21.0) } else { 0.0 }
}

impl Batches {
    /// All batches of B of m samples.
    pub fn new(m: usize, batch: usize, draws: Draws) -> Self {
        let mut all = Self { starts: vec![0], samples: Vec::new(), counts: Vec::new(), log_weights: Vec::new() };
        all.extend(m, 0, batch, draws, &mut Vec::new(), ln_factorial(batch as u64));
        all
    }

    fn extend(&mut self, m: usize, from: usize, left: usize, draws: Draws, chosen: &mut Vec<(u32, u32)>, log: f64) {
        if left == 0 {
            self.samples.extend(chosen.iter().map(|c| c.0));
            self.counts.extend(chosen.iter().map(|c| f64::from(c.1)));
            self.starts.push(self.samples.len());
            self.log_weights.push(log);
            return;
        }
        let most = match draws {
            Draws::WithReplacement => left,
            Draws::WithoutReplacement => 1,
        };
        for sample in from..m {
            for count in 1..=most {
                chosen.push((sample as u32, count as u32));
                let log = log - ln_factorial(count as u64);
                self.extend(m, sample + 1, left - count, draws, chosen, log);
                chosen.pop();
            }
        }
    }

    /// Sums of x over every batch and the batches' probabilities (up to a common factor) for samples drawn with `p`.
    pub fn sums(&self, x: &[f64], p: Option<&[f64]>, atoms: &mut Vec<f64>, weights: &mut Vec<f64>) {
        atoms.clear();
        weights.clear();
        let log_p: Option<Vec<f64>> = p.map(|p| p.iter().map(|p| p.ln()).collect());
        let largest = self.log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (batch, range) in self.starts.windows(2).enumerate() {
            let range = range[0]..range[1];
            let members = || self.samples[range.clone()].iter().map(|s| *s as usize).zip(&self.counts[range.clone()]);
            atoms.push(members().map(|(s, c)| c * x[s]).sum());
            weights.push(match &log_p {
                Some(log_p) => (self.log_weights[batch] + members().map(|(s, c)| c * log_p[s]).sum::<f64>()).exp(),
                None => (self.log_weights[batch] - largest).exp(),
            });
        }
    }
}
