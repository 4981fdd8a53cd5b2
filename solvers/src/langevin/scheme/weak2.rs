//! Platen's explicit scheme of weak order 2 for general noise (Kloeden & Platen 1992, equation 15.1.3). With the columns
//! g_j = √(2T) S_j, ΔW_j = √h z_j, the stages Υ = θ + b h + Σ g_j ΔW_j, R± = θ + b h ± g_j √h and U± = θ ± g_r √h, and signs
//! v_rj = ±1, v_jr = −v_rj:
//!
//! ```text
//! θ' = θ + ½ h (b(Υ) + b(θ))
//!    + ¼ Σ_j { g_j(R+) + g_j(R−) + 2 g_j(θ) + Σ_{r≠j} (g_j(U_r+) + g_j(U_r−) − 2 g_j(θ)) } ΔW_j
//!    + ¼ Σ_j { (g_j(R+) − g_j(R−)) (ΔW_j² − h) + Σ_{r≠j} (g_j(U_r+) − g_j(U_r−)) (ΔW_j ΔW_r + v_rj h) } / √h
//! ```

use super::{Entry, Scheme, Sde, Work, add, add_product, axis, axis_mut, column, draw_normals};
use crate::ensemble::BLOCK;
use crate::ensemble::root;
use crate::numerics::random::LaneStream;

pub(super) const ENTRY: Entry = Entry {
    name: "weak2",
    strong_order: 0.5,
    weak_order: 2.0,
    requirements: "D positive definite with smooth square root; 4 (one dimension), 10 or 14 evaluations of drift and D a step",
    reference: "Platen 1984; Kloeden & Platen 1992, section 15.1, doi:10.1007/978-3-662-12616-5",
    build: |_| Ok(Box::new(Weak2)),
};

struct Weak2;

impl Scheme for Weak2 {
    fn draw(&self, work: &mut Work, stream: &mut LaneStream) {
        draw_normals(work, stream);
        if work.noise.len() > BLOCK {
            stream.signs(&mut work.signs);
        }
    }

    fn step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work) -> bool {
        let (d, scale) = (sde.bounds.len(), (2.0 * sde.temperature * h).sqrt());
        sde.dynamics.drift_diffusion(points, &mut work.drift, &mut work.diffusion);
        root::root(d, &work.diffusion, &mut work.root);
        work.next.copy_from_slice(points);
        add(&mut work.next, 0.5 * h, &work.drift);
        for j in 0..d {
            for (k, s) in column(&work.root, d, j) {
                let own = 0.5 * (2.0 - d as f64) * scale;
                add_product(axis_mut(&mut work.next, k), own, s, axis(&work.noise, j));
            }
        }
        full_step(sde, h, scale, points, work);
        let mut weight = [0.0; BLOCK];
        for side in [1.0, -1.0] {
            for r in 0..d {
                work.stage.points.copy_from_slice(points);
                add(&mut work.stage.points, h, &work.drift);
                shift(&mut work.stage.points, &work.root, d, r, side * scale);
                sde.evaluate(&mut work.stage);
                own_weight(&mut weight, axis(&work.noise, r), side);
                collect(&mut work.next, &work.stage.root, d, r, 0.25 * scale, &weight);
                if d == 1 {
                    continue;
                }
                work.stage.points.copy_from_slice(points);
                shift(&mut work.stage.points, &work.root, d, r, side * scale);
                sde.evaluate(&mut work.stage);
                for j in (0..d).filter(|&j| j != r) {
                    let (sign, pair) = if r < j { (side, r + j - 1) } else { (-side, r + j - 1) };
                    let (z, signs) = (&work.noise, axis(&work.signs, pair));
                    cross_weight(&mut weight, axis(z, j), axis(z, r), signs, side, sign);
                    collect(&mut work.next, &work.stage.root, d, j, 0.25 * scale, &weight);
                }
            }
        }
        false
    }
}

/// ½ h b(Υ).
fn full_step(sde: &Sde, h: f64, scale: f64, points: &[f64], work: &mut Work) {
    let d = sde.bounds.len();
    work.stage.points.copy_from_slice(points);
    add(&mut work.stage.points, h, &work.drift);
    for j in 0..d {
        for (k, s) in column(&work.root, d, j) {
            add_product(axis_mut(&mut work.stage.points, k), scale, s, axis(&work.noise, j));
        }
    }
    sde.evaluate(&mut work.stage);
    add(&mut work.next, 0.5 * h, &work.stage.drift);
}

/// points += amount · S_r.
fn shift(points: &mut [f64], root: &[f64], d: usize, r: usize, amount: f64) {
    for (k, s) in column(root, d, r) {
        add(axis_mut(points, k), amount, s);
    }
}

/// next += scale · S_j · weight.
fn collect(next: &mut [f64], root: &[f64], d: usize, j: usize, scale: f64, weight: &[f64]) {
    for (k, s) in column(root, d, j) {
        add_product(axis_mut(next, k), scale, s, weight);
    }
}

/// z ± (z² − 1), all in units of √h.
fn own_weight(weight: &mut [f64], z: &[f64], side: f64) {
    weight.iter_mut().zip(z).for_each(|(w, z)| *w = z + side * (z * z - 1.0));
}

/// z_j ± (z_j z_r + v_rj).
fn cross_weight(weight: &mut [f64], z: &[f64], other: &[f64], v: &[f64], side: f64, sign: f64) {
    for (((w, z), other), v) in weight.iter_mut().zip(z).zip(other).zip(v) {
        *w = z + side * z * other + sign * v;
    }
}
