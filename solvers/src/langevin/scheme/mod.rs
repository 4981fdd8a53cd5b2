//! Time stepping schemes of dθ = b dt + √(2T) S dW, one file each, and the table [`SCHEMES`] that lists them with what they
//! promise: strong order γ, E|θ_h − θ| = O(h^γ), and weak order β, |E f(θ_h) − E f(θ)| = O(h^β) (P. Kloeden & E. Platen 1992,
//! doi:10.1007/978-3-662-12616-5).

mod euler_maruyama;
mod heun;
mod milstein;
mod two_point;
mod weak2;

use std::sync::Arc;

use crate::Error;
use crate::ensemble::root;
use crate::ensemble::{Aligned, BLOCK};
use crate::fault::{Fault, planted};
use crate::numerics::lanes::{dispatch, fma};
use crate::numerics::random::LaneStream;
use crate::numerics::symmetric::packed_len;
use crate::problem::Problem;
use crate::problem::dynamics::{Dynamics, lengths};

/// The equation that a scheme integrates: dθ = b dt + √(2T) S dW, S Sᵀ = D (Itô).
pub struct Sde {
    /// Drift and diffusion.
    pub dynamics: Arc<dyn Dynamics>,
    /// Temperature T.
    pub temperature: f64,
    /// Ends of the axes.
    pub bounds: Vec<[f64; 2]>,
    /// Lengths on which differences are based (see [`crate::problem::dynamics::lengths`]).
    pub lengths: Vec<f64>,
    /// Which axes are periodic.
    pub periodic: Vec<bool>,
    constant: bool,
}

impl Sde {
    /// The equation of a problem.
    pub fn new(problem: &Problem) -> Self {
        let axes = problem.grid.axes();
        let stronger = if planted(Fault::Noise) { 1.01 * 1.01 } else { 1.0 };
        Self {
            dynamics: Arc::clone(&problem.dynamics),
            temperature: stronger * problem.temperature,
            bounds: axes.iter().map(|axis| [axis.lower(), axis.upper()]).collect(),
            lengths: lengths(&problem.grid),
            periodic: axes.iter().map(|axis| axis.is_periodic()).collect(),
            constant: problem.dynamics.additive().is_some(),
        }
    }

    /// Drift and D at `points` and the Euler–Maruyama update, with normals from the stream or, without one, with
    /// `work.noise`; returns whether all walkers stay inside.
    fn euler(&self, h: f64, points: &[f64], work: &mut Work, stream: Option<&mut LaneStream>) -> bool {
        // Where D is the same everywhere it stands in `work` after the first step.
        match self.dynamics.additive().filter(|_| work.diffusion_known) {
            Some(drift) => drift.drift(points, &mut work.drift),
            None => {
                self.dynamics.drift_diffusion(points, &mut work.drift, &mut work.diffusion);
                work.diffusion_known = self.constant;
            }
        }
        let stream = match stream {
            Some(stream) if self.bounds.len() == 3 => {
                draw_normals(work, stream);
                None
            }
            stream => stream,
        };
        let update = root::Update {
            points,
            drift: &work.drift,
            diffusion: &work.diffusion,
            noise: &work.noise,
            h,
            scale: (2.0 * self.temperature * h).sqrt(),
            bounds: &self.bounds,
            constant: self.constant,
        };
        match stream {
            Some(stream) => root::euler_drawn(update, stream, &mut work.next),
            None => root::euler(update, &mut work.next),
        }
    }

    /// Drift, D and S at the supporting points of a stage, which are first reflected into the box (wrapped on periodic
    /// axes): outside it the formulas need not mean anything.
    fn evaluate(&self, stage: &mut Stage) {
        for ((x, &bounds), &periodic) in stage.points.chunks_exact_mut(BLOCK).zip(&self.bounds).zip(&self.periodic) {
            bring_inside(x, bounds, periodic);
        }
        self.dynamics.drift_diffusion(&stage.points, &mut stage.drift, &mut stage.diffusion);
        root::root(self.dynamics.dimension(), &stage.diffusion, &mut stage.root);
    }
}

/// Points with drift, D and S, as blocks.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Positions (d × BLOCK).
    pub points: Aligned,
    /// Drift (d × BLOCK).
    pub drift: Aligned,
    /// D (packed × BLOCK).
    pub diffusion: Aligned,
    /// S, packed by columns.
    pub root: Aligned,
}

/// What one thread reuses from step to step; all arrays are coordinate-major blocks.
#[derive(Debug, Clone)]
pub struct Work {
    /// Drift at the start of the step (d × BLOCK).
    pub drift: Aligned,
    /// D at the start of the step (packed × BLOCK); the walls read it after the step.
    pub diffusion: Aligned,
    /// Whether `diffusion` holds the D that is the same everywhere.
    pub diffusion_known: bool,
    /// S, packed by columns.
    pub root: Aligned,
    /// Standard normal (or two-point) variates of the step (d × BLOCK).
    pub noise: Aligned,
    /// Independent signs ±1 of the step (d × BLOCK), where a scheme draws them.
    pub signs: Aligned,
    /// Positions after the step (d × BLOCK).
    pub next: Aligned,
    /// Supporting points of schemes with several stages.
    pub stage: Stage,
}

impl Work {
    /// Room for a block in d dimensions.
    pub fn new(d: usize) -> Self {
        let (vector, matrix) = (Aligned::zeros(d * BLOCK), Aligned::zeros(packed_len(d) * BLOCK));
        let stage =
            Stage { points: vector.clone(), drift: vector.clone(), diffusion: matrix.clone(), root: matrix.clone() };
        Self {
            drift: vector.clone(),
            diffusion: matrix.clone(),
            diffusion_known: false,
            root: matrix,
            noise: vector.clone(),
            signs: vector.clone(),
            next: vector,
            stage,
        }
    }
}

/// One time step of a block of walkers.
pub trait Scheme: Send + Sync {
    /// Whether `draw` leaves standard normal numbers in `work.noise`.
    fn draws_normals(&self) -> bool {
        true
    }

    /// Draws the random numbers of a step to `work.noise` (and `work.signs`).
    fn draw(&self, work: &mut Work, stream: &mut LaneStream) {
        draw_normals(work, stream);
    }

    /// Writes the positions one step `h` after `points` to `work.next`, walls not yet applied; drift and D at `points`
    /// stand in `work` afterwards. Returns false where a walker may be outside the box or not finite.
    fn step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work) -> bool;

    /// Both at once, with the same result; schemes that use up the numbers as they come are faster.
    fn draw_and_step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work, stream: &mut LaneStream) -> bool {
        self.draw(work, stream);
        self.step(sde, h, points, work)
    }
}

/// Normals for every axis; in two dimensions both of a walker come from one pair.
fn draw_normals(work: &mut Work, stream: &mut LaneStream) {
    match work.noise.split_at_mut(BLOCK) {
        (first, second) if second.len() == BLOCK => stream.normal_pairs(first, second),
        _ => stream.normals(&mut work.noise),
    }
}

/// A scheme and what it promises.
pub struct Entry {
    /// Name in scenarios and records.
    pub name: &'static str,
    /// Strong order of convergence (0 where there is none).
    pub strong_order: f64,
    /// Weak order of convergence.
    pub weak_order: f64,
    /// What it asks of the problem, in words.
    pub requirements: &'static str,
    /// Where it comes from.
    pub reference: &'static str,
    /// Makes it for a problem. Errors: a problem that it cannot integrate.
    pub build: fn(&Problem) -> Result<Box<dyn Scheme>, Error>,
}

/// All schemes; the first is the default.
pub const SCHEMES: &[Entry] = &[euler_maruyama::ENTRY, milstein::ENTRY, heun::ENTRY, weak2::ENTRY, two_point::ENTRY];

/// The scheme with this name. Errors: no such scheme.
pub fn find(name: &str) -> Result<&'static Entry, Error> {
    SCHEMES.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = SCHEMES.iter().map(|entry| entry.name).collect();
        Error::invalid(format!("there is no Langevin scheme \"{name}\""), format!("write one of: {}", names.join(", ")))
    })
}

/// The components S_kj, k ≥ j, of column j of a packed root, each with its k.
fn column(root: &[f64], d: usize, j: usize) -> impl Iterator<Item = (usize, &[f64])> {
    let first = j * d - j * (j + 1) / 2;
    (j..d).map(move |k| (k, &root[(first + k) * BLOCK..(first + k + 1) * BLOCK]))
}

/// The block of axis k.
fn axis(values: &[f64], k: usize) -> &[f64] {
    &values[k * BLOCK..(k + 1) * BLOCK]
}

fn axis_mut(values: &mut [f64], k: usize) -> &mut [f64] {
    &mut values[k * BLOCK..(k + 1) * BLOCK]
}

dispatch! {
    /// out += scale·a.
    fn add(out: &mut [f64], scale: f64, a: &[f64]) {
        for (o, &a) in out.iter_mut().zip(a) {
            *o = fma(scale, a, *o);
        }
    }
}

dispatch! {
    /// out += scale·a·b.
    fn add_product(out: &mut [f64], scale: f64, a: &[f64], b: &[f64]) {
        for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *o = fma(scale * a, b, *o);
        }
    }
}

dispatch! {
    fn bring_inside(x: &mut [f64], bounds: [f64; 2], periodic: bool) {
        let [lower, upper] = bounds;
        let length = upper - lower;
        for x in x {
            let (below, above) = (*x < lower, *x > upper);
            let image = if periodic {
                *x + if below { length } else { -length }
            } else {
                2.0 * (if below { lower } else { upper }) - *x
            };
            let y = if below | above { image } else { *x };
            // Farther than a box length away only the nearest end is sensible.
            let y = if y < lower { lower } else { y };
            *x = if y > upper { upper } else { y };
        }
    }
}

#[cfg(test)]
mod tests;
