//! A small convolutional network.

use super::layers::{Layers, RELU};

pub(super) fn walk<L: Layers>(
    layers: &mut L,
    mut x: L::Signal,
    channels: &[usize],
    hidden: usize,
    classes: usize,
) -> L::Signal {
    for &channels in channels {
        x = layers.convolution(x, channels, 2, true);
        x = layers.relu(x);
    }
    if hidden > 0 {
        x = layers.linear(x, hidden, RELU);
        x = layers.relu(x);
    }
    layers.linear(x, classes, 1.0)
}
