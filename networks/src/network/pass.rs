//! The walk with tensors: the forward pass, the losses of the samples, their gradient.

use burn_tensor::activation::{log_softmax, relu};
use burn_tensor::module::{avg_pool2d, batch_norm, batch_norm_train, conv2d, linear, max_pool2d};
use burn_tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn_tensor::{DType, Device, Element, FloatDType, Tensor, TensorData, s};
use fpsolve_solvers::numerics::random::Stream;

use super::Network;
use super::layers::{KERNEL, Layers};

/// Added to variances in batch norm.
const EPSILON: f64 = 1e-5;

/// Means and variances of each batch norm.
pub type Statistics = Vec<[Tensor<1>; 2]>;

/// What batch norm and dropout do.
pub enum Mode<'a> {
    /// Statistics of the batch; units are left out.
    Training(&'a mut Stream),
    /// Statistics of the batch, which are kept; nothing is left out.
    Measuring,
    /// These statistics; nothing is left out.
    Frozen(&'a [[Tensor<1>; 2]]),
}

/// What is made of the outputs o of a sample and its class y.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// −log softmax(o)_y.
    CrossEntropy,
    /// ½ Σ_k (o_k − δ_ky)².
    Squared,
}

/// A batch on a device: images `[n, channels, height, width]`, classes as rows `[n, classes]` of one 1.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Images.
    pub images: Tensor<4>,
    /// Classes.
    pub classes: Tensor<2>,
}

impl Batch {
    /// From pixels, image by image, and labels.
    pub fn new(network: &Network, pixels: Vec<f32>, labels: &[u8], device: &Device) -> Self {
        let ([c, h, w], n) = (network.input, labels.len());
        let mut rows = vec![0.0_f32; n * network.classes];
        labels.iter().enumerate().for_each(|(i, &label)| rows[i * network.classes + usize::from(label)] = 1.0);
        Self {
            images: Tensor::from_data(TensorData::new(pixels, [n, c, h, w]), device),
            classes: Tensor::from_data(TensorData::new(rows, [n, network.classes]), device),
        }
    }

    /// In the precision of some parameters.
    pub fn as_precise_as(self, weights: &[Tensor<1>]) -> Self {
        let precision = precision(weights);
        Self { images: self.images.cast(precision), classes: self.classes.cast(precision) }
    }
}

/// One walk of a batch.
struct Pass<'a> {
    weights: std::slice::Iter<'a, Tensor<1>>,
    mode: Mode<'a>,
    statistics: Statistics,
    norm: usize,
}

/// The numbers of a tensor, in the precision that is asked for.
pub fn values<E: Element, const D: usize>(tensor: &Tensor<D>) -> Vec<E> {
    tensor.to_data().try_into_vec_as().expect("numbers of every precision are converted")
}

/// The precision of parameters: f64 where they hold that, as they do on slices, else f32.
fn precision(weights: &[Tensor<1>]) -> FloatDType {
    match weights.first().map(Tensor::dtype) {
        Some(DType::F64) => FloatDType::F64,
        _ => FloatDType::F32,
    }
}

impl Network {
    /// Outputs `[n, classes]` of a batch, and the statistics of its batch norms where the batch has them.
    pub fn outputs(&self, weights: &[Tensor<1>], images: Tensor<4>, mode: Mode) -> (Tensor<2>, Statistics) {
        let n = images.dims()[0];
        let mut pass = Pass { weights: weights.iter(), mode, statistics: Vec::new(), norm: 0 };
        let out = self.architecture.walk(&mut pass, images, self.classes);
        (out.reshape([n, self.classes]), pass.statistics)
    }

    /// Losses of the samples of a batch.
    pub fn losses(&self, weights: &[Tensor<1>], batch: Batch, loss: Loss, mode: Mode) -> Tensor<1> {
        let (outputs, _) = self.outputs(weights, batch.images, mode);
        losses(outputs, batch.classes, loss)
    }

    /// Losses of the samples of a batch, and the gradient of Σ share_i·l_i by each parameter, in the precision of the parameters.
    pub fn gradient(
        &self,
        weights: &[Tensor<1>],
        batch: Batch,
        shares: &[f32],
        loss: Loss,
        mode: Mode,
    ) -> (Vec<f64>, Vec<Tensor<1>>) {
        let batch = batch.as_precise_as(weights);
        let leaves: Vec<Tensor<1>> = weights.iter().map(|weight| weight.clone().autodiff().require_grad()).collect();
        let device = weights[0].device();
        let shares = Tensor::<1>::from_data(TensorData::new(shares.to_vec(), [shares.len()]), &device);
        let shares = shares.cast(precision(weights)).autodiff();
        let batch = Batch { images: batch.images.autodiff(), classes: batch.classes.autodiff() };
        let losses = self.losses(&leaves, batch, loss, mode);
        let mut gradients = (losses.clone() * shares).sum().backward();
        let zero = |leaf: &Tensor<1>| leaf.clone().inner().zeros_like();
        let gradient = leaves.iter().map(|leaf| leaf.grad_remove(&mut gradients).unwrap_or_else(|| zero(leaf)));
        (values(&losses.inner()), gradient.collect())
    }
}

/// Losses of outputs `[n, classes]`.
pub fn losses(outputs: Tensor<2>, classes: Tensor<2>, loss: Loss) -> Tensor<1> {
    let n = outputs.dims()[0];
    match loss {
        Loss::CrossEntropy => (log_softmax(outputs, 1) * classes).sum_dim(1).neg().reshape([n]),
        Loss::Squared => {
            let error = outputs - classes;
            ((error.clone() * error).sum_dim(1) * 0.5).reshape([n])
        }
    }
}

impl Pass<'_> {
    fn weight(&mut self) -> Tensor<1> {
        self.weights.next().expect("the layout has a parameter for every layer").clone()
    }
}

impl Layers for Pass<'_> {
    type Signal = Tensor<4>;

    fn convolution(&mut self, x: Tensor<4>, channels: usize, stride: usize, bias: bool) -> Tensor<4> {
        let from = x.dims()[1];
        let weight = self.weight().reshape([channels, from, KERNEL, KERNEL]);
        let bias = bias.then(|| self.weight());
        conv2d(x, weight, bias, ConvOptions::new([stride; 2], [KERNEL / 2; 2], [1, 1], 1))
    }

    fn batch_norm(&mut self, x: Tensor<4>) -> Tensor<4> {
        let (scale, shift) = (self.weight(), self.weight());
        let layer = self.norm;
        self.norm += 1;
        if let Mode::Frozen(statistics) = &self.mode {
            let [mean, variance] = statistics[layer].clone();
            let [mean, variance] = [mean, variance].map(|s| if x.is_autodiff() { s.autodiff() } else { s });
            return batch_norm(x, scale, shift, mean, variance, EPSILON);
        }
        let made = batch_norm_train(x, scale, shift, EPSILON);
        self.statistics.push([made.mean, made.variance].map(Tensor::detach));
        made.output
    }

    fn relu(&mut self, x: Tensor<4>) -> Tensor<4> {
        relu(x)
    }

    fn max_pool(&mut self, x: Tensor<4>) -> Tensor<4> {
        max_pool2d(x, MaxPoolOptions::new([2, 2]))
    }

    fn mean_over_pixels(&mut self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        avg_pool2d(x, AvgPoolOptions::new([h, w]))
    }

    fn linear(&mut self, x: Tensor<4>, units: usize, _gain: f64) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let from = c * h * w;
        let (weight, bias) = (self.weight().reshape([from, units]), self.weight());
        linear(x.reshape([n, from]), weight, Some(bias)).reshape([n, units, 1, 1])
    }

    fn dropout(&mut self, x: Tensor<4>, share: f64) -> Tensor<4> {
        match &mut self.mode {
            Mode::Training(stream) if share > 0.0 => {
                let kept = (1.0 / (1.0 - share)) as f32;
                let n = x.dims().iter().product::<usize>();
                let mask = (0..n).map(|_| if stream.uniform() < share { 0.0 } else { kept }).collect();
                let mask = Tensor::from_data(TensorData::new(mask, x.dims()), (&x.device(), x.dtype()));
                x * mask
            }
            Mode::Training(_) | Mode::Measuring | Mode::Frozen(_) => x,
        }
    }

    fn shortcut(&mut self, x: Tensor<4>, channels: usize, stride: usize) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let x = if stride > 1 { x.slice(s![.., .., 0..h; 2, 0..w; 2]) } else { x };
        if channels == c {
            return x;
        }
        let [_, _, h, w] = x.dims();
        let zero = Tensor::zeros([n, channels - c, h, w], (&x.device(), x.dtype()));
        Tensor::cat(vec![x, zero], 1)
    }

    fn add(&mut self, x: Tensor<4>, y: Tensor<4>) -> Tensor<4> {
        x + y
    }
}
