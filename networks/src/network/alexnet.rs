//! AlexNet for images of 32×32 pixels.

use super::layers::{Layers, RELU};

/// Units of the two large layers.
const UNITS: usize = 4096;

pub(super) fn walk<L: Layers>(layers: &mut L, mut x: L::Signal, dropout: f64, classes: usize) -> L::Signal {
    for (channels, stride, pool) in [(64, 2, true), (192, 1, true), (384, 1, false), (256, 1, false), (256, 1, true)] {
        x = layers.convolution(x, channels, stride, true);
        x = layers.relu(x);
        if pool {
            x = layers.max_pool(x);
        }
    }
    for _ in 0..2 {
        x = layers.dropout(x, dropout);
        x = layers.linear(x, UNITS, RELU);
        x = layers.relu(x);
    }
    layers.linear(x, classes, 1.0)
}
