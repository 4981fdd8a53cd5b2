//! Euler–Maruyama: θ' = θ + b h + √(2Th) S z, the scheme of which one step is exactly Gaussian.

use super::{Entry, Scheme, Sde, Work};
use crate::numerics::random::LaneStream;

pub(super) const ENTRY: Entry = Entry {
    name: "euler-maruyama",
    strong_order: 0.5,
    weak_order: 1.0,
    requirements: "none",
    reference: "Maruyama 1955, doi:10.1007/BF02846028; Kloeden & Platen 1992, section 10.2",
    build: |_| Ok(Box::new(EulerMaruyama)),
};

struct EulerMaruyama;

impl Scheme for EulerMaruyama {
    fn step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work) -> bool {
        sde.euler(h, points, work, None)
    }

    fn draw_and_step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work, stream: &mut LaneStream) -> bool {
        sde.euler(h, points, work, Some(stream))
    }
}
