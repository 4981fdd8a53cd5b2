//! Residual networks for CIFAR: a convolution, three stages of n blocks, the mean over the pixels, one layer.

use super::layers::Layers;

pub(super) fn walk<L: Layers>(layers: &mut L, x: L::Signal, n: usize, width: usize, classes: usize) -> L::Signal {
    let mut x = layers.convolution(x, width, 1, false);
    x = layers.batch_norm(x);
    x = layers.relu(x);
    for stage in 0..3 {
        for block in 0..n {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            x = residual(layers, x, width << stage, stride);
        }
    }
    x = layers.mean_over_pixels(x);
    layers.linear(x, classes, 1.0)
}

/// ReLU(x + F(x)), F two convolutions with batch norm.
fn residual<L: Layers>(layers: &mut L, x: L::Signal, channels: usize, stride: usize) -> L::Signal {
    let mut y = layers.convolution(x.clone(), channels, stride, false);
    y = layers.batch_norm(y);
    y = layers.relu(y);
    y = layers.convolution(y, channels, 1, false);
    y = layers.batch_norm(y);
    let x = layers.shortcut(x, channels, stride);
    let sum = layers.add(x, y);
    layers.relu(sum)
}
