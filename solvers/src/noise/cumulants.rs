//! What a diffusion cannot carry: skewness and excess kurtosis of the batch gradient.

use crate::model::Model;

/// Standardised third and fourth cumulants of the batch gradient, component by component (each d×n); 0 where it has no variance.
#[derive(Debug, Clone, PartialEq)]
pub struct Cumulants {
    /// Skewness κ₃/κ₂^{3/2}.
    pub skewness: Vec<f64>,
    /// Excess kurtosis κ₄/κ₂².
    pub excess_kurtosis: Vec<f64>,
}

/// Cumulants of the mean of `batch_size` gradients drawn with replacement, at n points: those of one gradient times B^{−1/2}
/// and B^{−1}. A normal law has zeros.
pub fn batch_cumulants(model: &dyn Model, points: &[f64], batch_size: usize) -> Cumulants {
    let (d, m) = (model.dimension(), model.samples());
    let n = points.len() / d;
    let batch = batch_size as f64;
    let mut out = Cumulants { skewness: vec![0.0; d * n], excess_kurtosis: vec![0.0; d * n] };
    for first in (0..n).step_by(64) {
        let count = 64.min(n - first);
        let here: Vec<f64> = (0..d).flat_map(|k| points[k * n + first..k * n + first + count].to_vec()).collect();
        let mut gradients = vec![0.0; d * m * count];
        model.sample_gradients(&here, &mut gradients);
        for k in 0..d {
            for i in 0..count {
                let g = || gradients[k * m * count + i..(k + 1) * m * count].iter().step_by(count);
                let mean = g().sum::<f64>() / m as f64;
                let central = |power: i32| g().map(|g| (g - mean).powi(power)).sum::<f64>() / m as f64;
                let variance = central(2);
                if variance > 0.0 {
                    out.skewness[k * n + first + i] = central(3) / variance.powf(1.5) / batch.sqrt();
                    out.excess_kurtosis[k * n + first + i] = (central(4) / (variance * variance) - 3.0) / batch;
                }
            }
        }
    }
    out
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
        let found = batch_cumulants(&model, &points, 3);
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
}
