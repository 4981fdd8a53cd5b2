//! Losses and classes of many images, with the statistics of batch norm computed anew.

use burn_tensor::Tensor;
use fpsolve::signal;
use fpsolve_solvers::numerics::random::Stream;

use super::Trainer;
use crate::data::{Labelled, permutation};
use crate::network::Network;
use crate::network::pass::{Batch, Loss, Mode, Statistics, losses, values};

/// Images that are evaluated together, and those whose statistics are taken together: few enough that an interruption is heard soon.
const TOGETHER: usize = 100;
const MEASURED_TOGETHER: usize = 200;
/// Training images whose statistics batch norm takes.
const MEASURED: usize = 2000;

/// What a network says of images.
#[derive(Debug, Clone, Default)]
pub struct Evaluated {
    /// Loss of each.
    pub losses: Vec<f64>,
    /// Class of each.
    pub predicted: Vec<u8>,
    /// The statistics of batch norm that were used.
    pub statistics: Statistics,
}

impl Evaluated {
    /// Share of images whose class is right.
    pub fn accuracy(&self, labels: &[u8]) -> f64 {
        let right = self.predicted.iter().zip(labels).filter(|(a, b)| a == b).count();
        right as f64 / labels.len() as f64
    }
}

impl Trainer<'_> {
    /// Of the training images, unchanged; None where it was interrupted.
    pub(super) fn training_losses(&self, weights: &[Tensor<1>], seed: u64, at: usize) -> Option<Evaluated> {
        let train = &self.data.train;
        let statistics = match self.network.norms.is_empty() {
            true => Vec::new(),
            false => {
                let mut stream = Stream::new(seed, "network/statistics", at as u64);
                let places: Vec<usize> = permutation(train.len(), &mut stream).into_iter().take(MEASURED).collect();
                self.statistics(weights, &places)?
            }
        };
        self.evaluate(weights, train, &(0..train.len()).collect::<Vec<_>>(), statistics)
    }

    /// Of the test images, with the statistics of the training images.
    pub(super) fn test_losses(&self, weights: &[Tensor<1>], train: &Evaluated) -> Option<Evaluated> {
        let test = &self.data.test;
        self.evaluate(weights, test, &(0..test.len()).collect::<Vec<_>>(), train.statistics.clone())
    }

    /// Means and variances of batch norm over training images. With more images than go together each batch is normalised by itself.
    pub fn statistics(&self, weights: &[Tensor<1>], places: &[usize]) -> Option<Statistics> {
        let mut parts = Vec::new();
        for places in places.chunks(MEASURED_TOGETHER) {
            if signal::interrupted() {
                return None;
            }
            let batch = self.batch(&self.data.train, places).as_precise_as(weights);
            let weights = weights.to_vec();
            let found = self.attended(move |network| network.outputs(&weights, batch.images, Mode::Measuring).1)?;
            parts.push((places.len(), found));
        }
        Some(pooled(self.network, &parts))
    }

    /// Losses and classes of images; None where it was interrupted.
    pub fn evaluate(
        &self,
        weights: &[Tensor<1>],
        of: &Labelled,
        places: &[usize],
        statistics: Statistics,
    ) -> Option<Evaluated> {
        let mut out = Evaluated { statistics, ..Evaluated::default() };
        for places in places.chunks(TOGETHER) {
            if signal::interrupted() {
                return None;
            }
            let batch = self.batch(of, places).as_precise_as(weights);
            let (weights, statistics) = (weights.to_vec(), out.statistics.clone());
            let outputs =
                self.attended(move |network| network.outputs(&weights, batch.images, Mode::Frozen(&statistics)).0)?;
            let classes: Vec<f32> = values(&outputs);
            out.predicted.extend(classes.chunks(self.network.classes).map(largest));
            let losses: Tensor<1> = losses(outputs, batch.classes, self.loss());
            out.losses.extend(values::<f64, 1>(&losses));
        }
        Some(out)
    }

    /// A batch of images, unchanged.
    pub fn batch(&self, of: &Labelled, places: &[usize]) -> Batch {
        let labels: Vec<u8> = places.iter().map(|&i| of.labels[i]).collect();
        Batch::new(self.network, self.data.pixels(of, places, None), &labels, &self.device)
    }

    fn loss(&self) -> Loss {
        self.scenario.training.loss
    }
}

/// The place of the largest output.
fn largest(outputs: &[f32]) -> u8 {
    let best = (0..outputs.len()).max_by(|&a, &b| outputs[a].total_cmp(&outputs[b]));
    best.unwrap_or(0) as u8
}

/// Means and variances over all parts from those of each.
fn pooled(network: &Network, parts: &[(usize, Statistics)]) -> Statistics {
    if let [(_, only)] = parts {
        return only.clone();
    }
    let all = parts.iter().map(|(n, _)| *n).sum::<usize>() as f64;
    let pool = |layer: usize| {
        let weighted = |f: &dyn Fn(&[Tensor<1>; 2]) -> Tensor<1>| {
            let terms = parts.iter().map(|(n, statistics)| f(&statistics[layer]) * (*n as f64 / all));
            terms.reduce(|a, b| a + b).expect("there is a part")
        };
        let mean = weighted(&|[mean, _]| mean.clone());
        let square = weighted(&|[part, variance]| {
            let off = part.clone() - mean.clone();
            variance.clone() + off.clone() * off
        });
        [mean, square]
    };
    (0..network.norms.len()).map(pool).collect()
}
