//! Importance sampling from a table of losses: p ∝ e^{−l/(U c)} as `[dynamics] importance` has it, drawn by bisection.

use fpsolve::error::Failure;
use fpsolve_solvers::model::Sampling;
use fpsolve_solvers::numerics::random::Stream;

/// Probabilities of m samples with their running sums.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// p.
    pub probabilities: Vec<f64>,
    sums: Vec<f64>,
}

impl Drawing {
    /// From the losses of all samples. Errors: those of [`Sampling::of_losses`].
    pub fn new(sampling: &Sampling, losses: &[f64]) -> Result<Self, Failure> {
        let probabilities = sampling.of_losses(losses)?;
        let mut sum = 0.0;
        let sums = probabilities.iter().map(|p| {
            sum += p;
            sum
        });
        Ok(Self { sums: sums.collect(), probabilities })
    }

    /// So many samples, drawn with replacement.
    pub fn draw(&self, n: usize, stream: &mut Stream) -> Vec<usize> {
        let last = self.sums.len() - 1;
        let all = self.sums[last];
        let one = |_| {
            let u = stream.uniform() * all;
            self.sums.partition_point(|&sum| sum <= u).min(last)
        };
        (0..n).map(one).collect()
    }
}

/// Effective sample size 1/Σp² as a share of m.
pub fn effective_share(p: &[f64]) -> f64 {
    1.0 / (p.iter().map(|p| p * p).sum::<f64>() * p.len() as f64)
}

/// Total variation ½ Σ |p − q|.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

/// The probability that a sample of the class has a higher score than one that is not of it, ties counting half (the area under the
/// curve of true against false alarms); None where one of both is empty.
pub fn area_under_curve(scores: &[f64], of_class: &[bool]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let inside = of_class.iter().filter(|&&c| c).count();
    let (mut sum, mut from) = (0.0, 0);
    while from < order.len() {
        let to = from + order[from..].iter().take_while(|&&i| scores[i] == scores[order[from]]).count();
        let rank = 0.5 * (from + to + 1) as f64;
        sum += rank * order[from..to].iter().filter(|&&i| of_class[i]).count() as f64;
        from = to;
    }
    let (n, others) = (inside as f64, (scores.len() - inside) as f64);
    (n > 0.0 && others > 0.0).then(|| (sum - 0.5 * n * (n + 1.0)) / (n * others))
}

/// Precision and recall of a choice of samples; None where nothing is chosen, or nothing of the class is there.
pub fn precision_recall(chosen: &[bool], of_class: &[bool]) -> [Option<f64>; 2] {
    let count = |f: &dyn Fn(usize) -> bool| (0..chosen.len()).filter(|&i| f(i)).count() as f64;
    let (both, chosen, all) = (count(&|i| chosen[i] && of_class[i]), count(&|i| chosen[i]), count(&|i| of_class[i]));
    [chosen, all].map(|n| (n > 0.0).then(|| both / n))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use fpsolve_solvers::model::{LossScale, Scheme};

    use super::*;

    fn soft_min(scale: LossScale, smoothing: f64) -> Sampling {
        Sampling::of(Scheme::SoftMin { scale, smoothing }, false)
    }

    #[test]
    fn the_frequency_of_draws_is_p() {
        let losses: Vec<f64> = (0..20).map(|i| 0.1 * f64::from(i * i)).collect();
        for scale in [LossScale::MeanLoss, LossScale::MaxLoss, LossScale::Constant(3.0)] {
            let drawing = Drawing::new(&soft_min(scale, 1.0), &losses).unwrap();
            let (n, mut counts) = (1_000_000, [0.0; 20]);
            drawing.draw(n, &mut Stream::new(7, "test", 0)).into_iter().for_each(|i| counts[i] += 1.0);
            let expected = drawing.probabilities.iter().map(|p| p * n as f64);
            let chi: f64 = expected.zip(counts).map(|(e, k)| (k - e).powi(2) / e).sum();
            assert!(chi < 43.82, "χ² of 19 degrees of freedom is above 43.82 once in a thousand: {chi}");
        }
    }

    #[test]
    fn extreme_losses_have_probabilities() {
        let p = |losses: &[f64], scale| Drawing::new(&soft_min(scale, 1.0), losses).unwrap().probabilities;
        assert_eq!(p(&[3.0], LossScale::MeanLoss), [1.0]);
        assert_eq!(p(&[2.0; 4], LossScale::MaxLoss), [0.25; 4]);
        assert_eq!(p(&[0.0; 2], LossScale::MeanLoss), [0.5; 2]);
        assert_eq!(p(&[0.0, 1e4], LossScale::Constant(1.0)), [1.0, 0.0]);
        let drawing = Drawing::new(&soft_min(LossScale::Constant(1.0), 1.0), &[1e4, 0.0, 1e4]).unwrap();
        assert!(drawing.draw(1000, &mut Stream::new(1, "test", 0)).into_iter().all(|i| i == 1));
    }

    #[test]
    fn ranks_and_shares_are_counted() {
        let wrong = [false, false, true, true];
        assert_eq!(area_under_curve(&[1.0, 2.0, 3.0, 4.0], &wrong), Some(1.0));
        assert_eq!(area_under_curve(&[1.0, 3.0, 2.0, 4.0], &wrong), Some(0.75));
        assert_eq!(area_under_curve(&[1.0; 4], &wrong), Some(0.5));
        assert_eq!(area_under_curve(&[1.0; 4], &[false; 4]), None);
        assert_eq!(precision_recall(&[true, false, true, false], &wrong), [Some(0.5); 2]);
        assert_eq!(precision_recall(&[false; 4], &wrong), [None, Some(0.0)]);
        assert!((effective_share(&[0.25; 4]) - 1.0).abs() < 1e-15);
        assert_eq!(total_variation(&[1.0, 0.0], &[0.0, 1.0]), 1.0);
    }
}
