//! One layer.

use super::layers::Layers;

pub(super) fn walk<L: Layers>(layers: &mut L, x: L::Signal, classes: usize) -> L::Signal {
    layers.linear(x, classes, 1.0)
}
