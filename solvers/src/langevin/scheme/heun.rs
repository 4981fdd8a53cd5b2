//! Stochastic Heun in Roberts' form, which integrates the Itô equation without derivatives of S:
//!
//! ```text
//! K₁ = b(θ) h + √(2T) S(θ) (ΔW − s√h),  K₂ = b(θ + K₁) h + √(2T) S(θ + K₁) (ΔW + s√h),  θ' = θ + ½(K₁ + K₂),
//! ```
//!
//! with independent signs s = ±1 for every component of the noise; s = 0 would be the Stratonovich equation. (A problem given
//! in the Stratonovich sense has been converted to Itô when it was built.) Weak order 2 where the noise is additive.

use super::{Entry, Scheme, Sde, Work, add, add_product, axis, axis_mut, column, draw_normals};
use crate::ensemble::BLOCK;
use crate::ensemble::root;
use crate::numerics::random::LaneStream;

pub(super) const ENTRY: Entry = Entry {
    name: "heun",
    strong_order: 1.0,
    weak_order: 1.0,
    requirements: "D positive definite and smooth; strong order 1 for one dimension, 1/2 for more",
    reference: "Roberts 2012, arXiv:1210.0933",
    build: |_| Ok(Box::new(Heun)),
};

struct Heun;

impl Scheme for Heun {
    fn draw(&self, work: &mut Work, stream: &mut LaneStream) {
        draw_normals(work, stream);
        stream.signs(&mut work.signs);
    }

    fn step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work) -> bool {
        let (d, scale) = (sde.bounds.len(), (2.0 * sde.temperature * h).sqrt());
        sde.dynamics.drift_diffusion(points, &mut work.drift, &mut work.diffusion);
        root::root(d, &work.diffusion, &mut work.root);
        let mut increments = [0.0; BLOCK];
        work.stage.points.copy_from_slice(points);
        work.next.copy_from_slice(points);
        add(&mut work.stage.points, h, &work.drift);
        add(&mut work.next, 0.5 * h, &work.drift);
        for j in 0..d {
            combine(&mut increments, axis(&work.noise, j), axis(&work.signs, j), -1.0);
            for (k, s) in column(&work.root, d, j) {
                add_product(axis_mut(&mut work.stage.points, k), scale, s, &increments);
                add_product(axis_mut(&mut work.next, k), 0.5 * scale, s, &increments);
            }
        }
        sde.evaluate(&mut work.stage);
        add(&mut work.next, 0.5 * h, &work.stage.drift);
        for j in 0..d {
            combine(&mut increments, axis(&work.noise, j), axis(&work.signs, j), 1.0);
            for (k, s) in column(&work.stage.root, d, j) {
                add_product(axis_mut(&mut work.next, k), 0.5 * scale, s, &increments);
            }
        }
        false
    }
}

/// z + side·s.
fn combine(out: &mut [f64], z: &[f64], signs: &[f64], side: f64) {
    out.copy_from_slice(z);
    add(out, side, signs);
}
