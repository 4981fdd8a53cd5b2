//! Simplified Euler: θ' = θ + b h + √(2Th) S ξ with ξ = ±1, an eighth of the cost of normals.

use super::{Entry, Scheme, Sde, Work};
use crate::numerics::random::LaneStream;

pub(super) const ENTRY: Entry = Entry {
    name: "two-point",
    strong_order: 0.0,
    weak_order: 1.0,
    requirements: "only low moments matter: after few steps the law sits on a lattice, and tails are cut off",
    reference: "Kloeden & Platen 1992, section 14.1",
    build: |_| Ok(Box::new(TwoPoint)),
};

struct TwoPoint;

impl Scheme for TwoPoint {
    fn draws_normals(&self) -> bool {
        false
    }

    fn draw(&self, work: &mut Work, stream: &mut LaneStream) {
        stream.signs(&mut work.noise);
    }

    fn step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work) -> bool {
        sde.euler(h, points, work, None)
    }
}
