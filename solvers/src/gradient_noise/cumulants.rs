//! What a diffusion cannot carry: skewness and excess kurtosis of the batch gradient.

use crate::model::SampleModel;
use crate::problem::Replacement;

/// Standardised third and fourth cumulants of the batch gradient, component by component (each d×n); 0 where it has no variance.
#[derive(Debug, Clone, PartialEq)]
pub struct Cumulants {
    /// Skewness κ₃/κ₂^{3/2}.
    pub skewness: Vec<f64>,
    /// Excess kurtosis κ₄/κ₂².
    pub excess_kurtosis: Vec<f64>,
}

/// Cumulants of the mean gradient of one batch at n points, drawn as the model draws its samples. A normal law has zeros.
///
/// Independent draws: those of one gradient times B^{−1/2} and B^{−1}. Distinct samples (also the single batch of an epoch): the
/// moments of a sum over a random set of B out of m.
pub fn batch_cumulants(
    model: &dyn SampleModel,
    points: &[f64],
    batch_size: usize,
    replacement: Replacement,
) -> Cumulants {
    let (d, m) = (model.dimension(), model.samples());
    let n = points.len() / d;
    let mut out = Cumulants { skewness: vec![0.0; d * n], excess_kurtosis: vec![0.0; d * n] };
    let block = ((1 << 16) / m.max(1)).clamp(1, 64); // the gradients of a block stay in the cache
    for first in (0..n).step_by(block) {
        let count = block.min(n - first);
        let here: Vec<f64> = (0..d).flat_map(|k| points[k * n + first..k * n + first + count].to_vec()).collect();
        let mut gradients = vec![0.0; d * m * count];
        let mut weights = vec![0.0; m * count];
        model.sample_gradients(&here, &mut gradients);
        model.sampling_probabilities(&here, &mut weights);
        for k in 0..d {
            for i in 0..count {
                let one = Moments::new(
                    gradients[k * m * count + i..(k + 1) * m * count].iter().step_by(count),
                    weights[i..].iter().step_by(count),
                );
                let [variance, third, fourth] = match replacement {
                    Replacement::With => one.independent(batch_size as f64),
                    Replacement::Without | Replacement::Epoch => one.distinct(batch_size as f64, m as f64),
                };
                if variance > 0.0 {
                    out.skewness[k * n + first + i] = third / variance.powf(1.5);
                    out.excess_kurtosis[k * n + first + i] = fourth / (variance * variance) - 3.0;
                }
            }
        }
    }
    out
}

/// Central moments of order 2, 3, 4 of one drawn gradient.
struct Moments([f64; 3]);

impl Moments {
    fn new<'a>(values: impl Iterator<Item = &'a f64> + Clone, weights: impl Iterator<Item = &'a f64> + Clone) -> Self {
        let mean: f64 = values.clone().zip(weights.clone()).map(|(g, p)| p * g).sum();
        let central = |power| values.clone().zip(weights.clone()).map(|(g, p)| p * (g - mean).powi(power)).sum();
        Self([central(2), central(3), central(4)])
    }

    /// Those of the sum of B independent draws.
    fn independent(&self, batch: f64) -> [f64; 3] {
        let [two, three, four] = self.0;
        [batch * two, batch * three, batch * four + 3.0 * batch * (batch - 1.0) * two * two]
    }

    /// Those of the sum over a random set of B out of m equally likely samples: with Σx = 0, the sums of products of distinct
    /// samples are Σ xx = −mμ₂, Σ x²x = −mμ₃, Σ xxx = 2mμ₃, Σ x³x = −mμ₄, Σ x²x² = m²μ₂² − mμ₄, Σ x²xx = 2mμ₄ − m²μ₂²,
    /// Σ xxxx = 3m²μ₂² − 6mμ₄, and k given samples are all in the set with the probability B…(B−k+1)/(m…(m−k+1)).
    fn distinct(&self, batch: f64, m: f64) -> [f64; 3] {
        let [two, three, four] = self.0.map(|moment| m * moment);
        let mut p = [1.0; 4];
        for k in 0..4 {
            let before = if k == 0 { 1.0 } else { p[k - 1] };
            p[k] = if batch > k as f64 { before * (batch - k as f64) / (m - k as f64) } else { 0.0 };
        }
        let pairs = 3.0 * (two * two - four) - 4.0 * four;
        [
            (p[0] - p[1]) * two,
            (p[0] - 3.0 * p[1] + 2.0 * p[2]) * three,
            p[0] * four + p[1] * pairs + 6.0 * p[2] * (2.0 * four - two * two) + p[3] * (3.0 * two * two - 6.0 * four),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::formula::{Symbols, parse};
    use crate::model::data::Data;
    use crate::model::sample_loss::SampleLossModel;

    #[test]
    fn cumulants_of_a_batch_are_those_of_all_batches() {
        let samples = [0.3, -1.0, 2.5, 0.1, 0.9];
        let data = Data::new(vec![("a".into(), samples.to_vec())]).unwrap();
        let symbols = Symbols::new(&["w", "v"]).with_columns(&["a"]);
        let model = SampleLossModel::new(2, &parse("a*w + v^2", &symbols).unwrap(), &data).unwrap();
        let points = [0.5; 200]; // more than one block
        let found = batch_cumulants(&model, &points, 3, Replacement::With);
        let mut batches = Vec::new();
        for a in samples {
            for b in samples {
                samples.iter().for_each(|c| batches.push((a + b + c) / 3.0));
            }
        }
        let mean = batches.iter().sum::<f64>() / 125.0;
        let central = |p: i32| batches.iter().map(|g| (g - mean).powi(p)).sum::<f64>() / 125.0;
        let skewness = central(3) / central(2).powf(1.5);
        let kurtosis = central(4) / central(2).powi(2) - 3.0;
        assert!(skewness.abs() > 0.1 && kurtosis.abs() > 0.1);
        for i in [0, 63, 64, 99] {
            assert!((found.skewness[i] - skewness).abs() < 1e-13);
            assert!((found.excess_kurtosis[i] - kurtosis).abs() < 1e-13);
            assert_eq!(found.skewness[100 + i], 0.0); // the gradient in v is the same for every sample
        }
    }

    /// Every sampling, batches of 1 to m, against all batches: skewness and kurtosis to rounding.
    #[test]
    fn cumulants_follow_the_sampling() {
        use crate::model::{ImportanceSampled, LossScale};
        let samples = [0.3, -1.0, 2.5, 0.1, 0.9];
        let data = Data::new(vec![("a".into(), samples.to_vec())]).unwrap();
        let symbols = Symbols::new(&["w"]).with_columns(&["a"]);
        let model = SampleLossModel::new(1, &parse("(w - a)^2/2", &symbols).unwrap(), &data).unwrap();
        let model = std::sync::Arc::new(model);
        let biased = ImportanceSampled::new(model.clone(), LossScale::MeanLoss, 0.8, false).unwrap();
        let weighted = ImportanceSampled::new(model.clone(), LossScale::MeanLoss, 0.8, true).unwrap();
        let cases: [(&dyn SampleModel, Replacement); 4] = [
            (&*model, Replacement::Without),
            (&*model, Replacement::With),
            (&biased, Replacement::With),
            (&weighted, Replacement::With),
        ];
        for (model, replacement) in cases {
            for size in 1..=4 {
                let mut p = [0.0; 5];
                model.sampling_probabilities(&[0.4], &mut p);
                let mut batches = Vec::new(); // ĝ and its probability, over all 5^size ordered batches
                for code in 0..5usize.pow(size) {
                    let batch: Vec<u32> = (0..size).map(|b| (code / 5usize.pow(b) % 5) as u32).collect();
                    let twice = batch.iter().enumerate().any(|(i, s)| batch[..i].contains(s));
                    let mut g = [0.0];
                    model.batch_gradient(&[0.4], &batch, &mut g);
                    let probability: f64 = batch.iter().map(|&s| p[s as usize]).product();
                    batches.push((g[0], if twice && replacement == Replacement::Without { 0.0 } else { probability }));
                }
                let all: f64 = batches.iter().map(|b| b.1).sum();
                let mean = batches.iter().map(|b| b.0 * b.1 / all).sum::<f64>();
                let central = |k: i32| batches.iter().map(|b| (b.0 - mean).powi(k) * b.1 / all).sum::<f64>();
                let found = batch_cumulants(model, &[0.4], size as usize, replacement);
                assert!(
                    (found.skewness[0] - central(3) / central(2).powf(1.5)).abs() < 1e-11,
                    "{size} {replacement:?}"
                );
                let kurtosis = central(4) / central(2).powi(2) - 3.0;
                assert!((found.excess_kurtosis[0] - kurtosis).abs() < 1e-11, "{size} {replacement:?}");
            }
        }
        assert_eq!(batch_cumulants(&*model, &[0.4], 5, Replacement::Without).skewness, [0.0]);
    }
}
