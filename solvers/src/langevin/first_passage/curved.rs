//! Crossing of a curved surface within a step: the Brownian bridge between the two positions is halved, each midpoint drawn from its
//! law, until the surface is flat on the scale of what is left, where the bridge has the probability exp(−d₀ d₁/(T δ)) to
//! touch the tangent plane (d = g/√(nᵀDn), δ the time that is left).
//!
//! The tangent plane of a whole step is wrong by a part of order κσ, κ the curvature of the surface and σ the width of the step; after k
//! halvings κσ 2^{−k/2} is below [`FLAT`].

use crate::ensemble::Block;
use crate::escape::passage::Target;
use crate::numerics::random::LaneStream;
use crate::numerics::symmetric::packed_index;

/// κσ below which a surface counts as flat.
const FLAT: f64 = 0.03;
/// Halvings of a step.
const DEPTH: usize = 14;
/// −ln of the probability of a crossing that is left out.
const RARE: f64 = 16.0;
/// Numbers that are drawn together.
const DRAWN: usize = 64;

/// A set with a curved surface, and what is left of the numbers drawn for it.
#[derive(Clone)]
pub struct Curved<'a> {
    target: &'a Target,
    normals: Numbers,
    uniforms: Numbers,
}

/// Random numbers in store.
#[derive(Clone)]
struct Numbers {
    values: [f64; DRAWN],
    left: usize,
}

impl Numbers {
    const NONE: Self = Self { values: [0.0; DRAWN], left: 0 };

    fn next(&mut self, fill: impl FnOnce(&mut [f64])) -> f64 {
        if self.left == 0 {
            fill(&mut self.values);
            self.left = DRAWN;
        }
        self.left -= 1;
        self.values[self.left]
    }
}

/// A point of the path with g and ∇g there.
#[derive(Clone, Copy)]
struct Place {
    x: [f64; 3],
    g: f64,
    normal: [f64; 3],
    /// √(nᵀDn).
    slope: f64,
}

/// What is the same for all parts of a step.
struct Step {
    d: usize,
    diffusion: [f64; 6],
    /// L Lᵀ = D, by rows.
    root: [[f64; 3]; 3],
    trace: f64,
}

impl Step {
    fn new(d: usize, packed: impl Fn(usize) -> f64) -> Self {
        let mut out = Self { d, diffusion: [0.0; 6], root: [[0.0; 3]; 3], trace: 0.0 };
        (0..d * (d + 1) / 2).for_each(|c| out.diffusion[c] = packed(c));
        for i in 0..d {
            out.trace += out.diffusion[packed_index(d, i, i)];
            for j in 0..=i {
                let inner: f64 = (0..j).map(|k| out.root[i][k] * out.root[j][k]).sum();
                let rest = out.diffusion[packed_index(d, j, i)] - inner;
                let pivot = out.root[j][j];
                out.root[i][j] = match i == j {
                    true => rest.max(0.0).sqrt(),
                    false if pivot > 0.0 => rest / pivot,
                    false => 0.0,
                };
            }
        }
        out
    }

    fn place(&self, x: [f64; 3], values: &[f64]) -> Place {
        let mut normal = [0.0; 3];
        normal[..self.d].copy_from_slice(&values[1..=self.d]);
        let entry =
            |i: usize, j: usize| normal[i] * normal[j] * self.diffusion[packed_index(self.d, i.min(j), i.max(j))];
        let square: f64 = (0..self.d).map(|i| (0..self.d).map(|j| entry(i, j)).sum::<f64>()).sum();
        Place { x, g: values[0], normal, slope: square.max(0.0).sqrt() }
    }
}

/// A part of a step: T times the time it takes, and which part of the step it is.
#[derive(Clone, Copy)]
struct Part {
    time: f64,
    from: f64,
    length: f64,
    depth: usize,
    /// The curvature that was seen so far.
    curvature: f64,
}

impl Part {
    fn half(&self, second: bool, curvature: f64) -> Self {
        let length = 0.5 * self.length;
        let from = if second { self.from + length } else { self.from };
        Self { time: 0.5 * self.time, from, length, depth: self.depth + 1, curvature }
    }
}

impl<'a> Curved<'a> {
    /// Of a set; None where its surface is not known, or is a plane.
    pub fn new(target: &'a Target) -> Option<Self> {
        let curved = target.has_boundary() && target.normal().is_none();
        curved.then_some(Self { target, normals: Numbers::NONE, uniforms: Numbers::NONE })
    }

    /// Forgets the numbers in store, which belong to another block.
    pub fn restart(&mut self) {
        (self.normals, self.uniforms) = (Numbers::NONE, Numbers::NONE);
    }

    /// The fraction of the step of a lane at which it touched the surface; None where it did not. `before` and `after` hold g and ∇g
    /// ((1 + d) × lanes), `old` the positions before the step, `diffusion` D there.
    #[allow(clippy::too_many_arguments)]
    pub fn crossing(
        &mut self,
        block: &mut Block,
        lane: usize,
        old: &[f64],
        diffusion: &[f64],
        before: &[f64],
        after: &[f64],
        scaled_time: f64,
    ) -> Option<f64> {
        let lanes = crate::ensemble::BLOCK;
        let d = before.len() / lanes - 1;
        let column = |values: &[f64], rows: usize| {
            let mut out = [0.0; 4];
            (0..rows).for_each(|k| out[k] = values[k * lanes + lane]);
            out
        };
        let step = Step::new(d, |c| diffusion[c * lanes + lane]);
        let point = |values: &[f64]| {
            let [x, y, z, _] = column(values, d);
            [x, y, z]
        };
        let a = step.place(point(old), &column(before, 1 + d));
        let b = step.place(point(&block.points), &column(after, 1 + d));
        let part = Part { time: scaled_time, from: 0.0, length: 1.0, depth: 0, curvature: bend(&a, &b) };
        self.search(&step, &mut block.stream, &a, &b, part)
    }

    fn search(&mut self, step: &Step, stream: &mut LaneStream, a: &Place, b: &Place, part: Part) -> Option<f64> {
        if a.g > 0.0 {
            return Some(part.from);
        }
        let steepest = a.slope.max(b.slope);
        if b.g <= 0.0 && a.g * b.g > RARE * part.time * steepest * steepest {
            return None;
        }
        let width = (2.0 * part.time * step.trace).sqrt();
        if part.depth > 0 && (part.depth >= DEPTH || part.curvature * width < FLAT) {
            return self.flat(stream, a, b, part);
        }
        let mut x = [0.0; 3];
        let z: [f64; 3] = std::array::from_fn(|k| match k < step.d {
            true => self.normals.next(|values| stream.normals(values)),
            false => 0.0,
        });
        let spread = (0.5 * part.time).sqrt(); // the midpoint of a bridge has a quarter of the variance 2Tδ D
        for (k, x) in x.iter_mut().enumerate().take(step.d) {
            let noise: f64 = (0..=k).map(|j| step.root[k][j] * z[j]).sum();
            *x = 0.5 * (a.x[k] + b.x[k]) + spread * noise;
        }
        let mut values = [0.0; 4];
        self.target.boundary(&x[..step.d], &mut values[..=step.d]);
        let middle = step.place(x, &values);
        let curvature = part.curvature.max(bend(a, &middle)).max(bend(&middle, b));
        self.search(step, stream, a, &middle, part.half(false, curvature))
            .or_else(|| self.search(step, stream, &middle, b, part.half(true, curvature)))
    }

    /// Of a surface that is a plane on this scale.
    fn flat(&mut self, stream: &mut LaneStream, a: &Place, b: &Place, part: Part) -> Option<f64> {
        let crossed = b.g > 0.0 || {
            let product = a.g * b.g / (a.slope * b.slope);
            self.uniforms.next(|values| stream.uniforms(values)) < (-product / part.time).exp()
        };
        crossed.then_some(part.from + 0.5 * part.length)
    }
}

/// Curvature of the surfaces of constant g between two points: the change of the unit normal over the way.
fn bend(a: &Place, b: &Place) -> f64 {
    let norm = |v: &[f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (na, nb) = (norm(&a.normal), norm(&b.normal));
    let turned: f64 = (0..3).map(|k| (a.normal[k] / na - b.normal[k] / nb).powi(2)).sum();
    let way: f64 = (0..3).map(|k| (a.x[k] - b.x[k]).powi(2)).sum();
    let curvature = (turned / way).sqrt();
    if curvature.is_finite() { curvature } else { 0.0 }
}
