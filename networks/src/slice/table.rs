//! Losses of samples at the nodes of a plane.

use burn_tensor::{DType, Tensor};
use fpsolve::error::Failure;
use fpsolve::signal;
use fpsolve_solvers::model::table::{Fields, Lattice, SplineAxis, TableModel};
use fpsolve_solvers::numerics::random::Stream;

use super::Plane;
use crate::data::permutation;
use crate::network::pass::Statistics;
use crate::progress::Progress;
use crate::scenario::{Norm, Slice, SliceAxis};
use crate::train::Trainer;

/// Names of the axes.
pub(super) const AXES: [&str; 2] = ["s", "t"];

/// Losses over a plane.
#[derive(Debug, Clone)]
pub struct Table {
    /// Nodes along s and t.
    pub nodes: [Vec<f64>; 2],
    /// Places of the samples among the training images.
    pub samples: Vec<usize>,
    /// Losses, sample by sample, t fastest; each has λ|θ|²/2 of weight decay in it.
    pub losses: Vec<f64>,
    /// The statistics of batch norm at θ₀.
    pub(super) statistics: Statistics,
}

impl SliceAxis {
    /// Its nodes.
    pub fn nodes(&self) -> Vec<f64> {
        let last = (self.nodes - 1) as f64;
        (0..self.nodes).map(|k| self.from + (self.to - self.from) * k as f64 / last).collect()
    }
}

/// A random subset of the training images.
pub(super) fn samples(trainer: &Trainer, slice: &Slice) -> Vec<usize> {
    let m = trainer.data.train.len();
    let mut stream = Stream::new(trainer.scenario.seed, "network/slice", 0);
    let mut samples: Vec<usize> = permutation(m, &mut stream).into_iter().take(slice.samples).collect();
    samples.sort_unstable();
    samples
}

/// Parameters on the device: in double precision where that has it, since splines are made of differences of their losses.
pub(super) fn weights(trainer: &Trainer, theta: &[f64]) -> Vec<Tensor<1>> {
    if trainer.device.supports_dtype(DType::F64) {
        return trainer.network.tensors(theta, &trainer.device);
    }
    let single: Vec<f32> = theta.iter().map(|&x| x as f32).collect();
    trainer.network.tensors(&single, &trainer.device)
}

/// Losses of samples at a point; None where it was interrupted.
pub(super) fn losses(
    trainer: &Trainer,
    slice: &Slice,
    theta: &[f64],
    samples: &[usize],
    frozen: &Statistics,
) -> Option<Vec<f64>> {
    let weights = weights(trainer, theta);
    let statistics = match slice.norm {
        Norm::Frozen => frozen.clone(),
        Norm::Recomputed => trainer.statistics(&weights, samples)?,
    };
    let decay = trainer.scenario.training.weight_decay;
    let square: f64 = if decay > 0.0 { theta.iter().map(|x| x * x).sum() } else { 0.0 };
    let losses = trainer.evaluate(&weights, &trainer.data.train, samples, statistics)?.losses;
    Some(losses.into_iter().map(|loss| loss + 0.5 * decay * square).collect())
}

/// Losses at every node; None where it was interrupted.
pub(super) fn tabulate(
    trainer: &Trainer,
    slice: &Slice,
    plane: &Plane,
    samples: Vec<usize>,
    progress: &mut Progress,
) -> Option<Table> {
    let nodes = [slice.axes[0].nodes(), slice.axes[1].nodes()];
    let statistics = trainer.statistics(&weights(trainer, &plane.at(0.0, 0.0)), &samples)?;
    let all = nodes[0].len() * nodes[1].len();
    let mut table = vec![0.0; samples.len() * all];
    for node in 0..all {
        if signal::interrupted() {
            return None;
        }
        let (s, t) = (nodes[0][node / nodes[1].len()], nodes[1][node % nodes[1].len()]);
        let here = losses(trainer, slice, &plane.at(s, t), &samples, &statistics)?;
        here.into_iter().enumerate().for_each(|(i, loss)| table[i * all + node] = loss);
        progress.part(&format!("slice {}: nodes", slice.name), node + 1, all);
    }
    Some(Table { nodes, samples, losses: table, statistics })
}

impl Table {
    /// The model that the engines of fpsolve make of it. Errors: losses that are no numbers.
    pub fn model(&self) -> Result<TableModel, Failure> {
        let axis = |k: usize| SplineAxis::new(AXES[k], self.nodes[k].clone());
        let lattice = Lattice::new(vec![axis(0)?, axis(1)?])?;
        Ok(TableModel::new(lattice, Fields { losses: Some(self.losses.clone()), ..Fields::default() })?)
    }

    /// The mean loss at every node.
    pub fn loss(&self) -> Vec<f64> {
        let all = self.nodes[0].len() * self.nodes[1].len();
        let mut mean = vec![0.0; all];
        for row in self.losses.chunks(all) {
            mean.iter_mut().zip(row).for_each(|(mean, loss)| *mean += loss / self.samples.len() as f64);
        }
        mean
    }
}
