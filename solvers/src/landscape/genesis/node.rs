//! A point of a branch, in units of box and range.

use super::system::{Linear, System};

/// A point of a path with its tangent and det [F_θ F_c; t].
#[derive(Clone)]
pub(super) struct Node {
    pub(super) y: Vec<f64>,
    pub(super) tangent: Vec<f64>,
    pub(super) determinant: f64,
}

impl Node {
    /// The node at a solution y, its tangent turned to `side`; None where there is no unique one.
    pub(super) fn at(system: &System, y: Vec<f64>, side: &[f64]) -> Option<Self> {
        let linear = system.linear(&y).ok()?;
        Self::of(system, y, &linear, side)
    }

    pub(super) fn of(system: &System, y: Vec<f64>, linear: &Linear, side: &[f64]) -> Option<Self> {
        let (tangent, determinant) = system.tangent(linear, side)?;
        Some(Self { y, tangent, determinant })
    }

    /// The same, looking the other way.
    pub(super) fn turned(&self) -> Self {
        let tangent = self.tangent.iter().map(|t| -t).collect();
        Self { y: self.y.clone(), tangent, determinant: -self.determinant }
    }
}
