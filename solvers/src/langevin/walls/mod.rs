//! Walls: reflection, periodic wrap and absorption of the walkers of a block after a step.
//!
//! A reflecting wall carries no probability current, n·J = 0. For a full tensor D that means reflection along the conormal
//! D n, not along the normal n: a walker that overshoots the wall of axis k by δ moves back by 2δ D n/(nᵀ D n) (symmetrised
//! Euler scheme, Bossy, Gobet & Talay 2004, doi:10.1239/jap/1091543434; weak order 1).
//! Where the noise vanishes at a wall the step itself is another one; see [`vanishing_noise`].
//! Absorption uses the Brownian-bridge probability that the path between two points inside touched the wall,
//! exp(−d₀ d₁/(T D_kk h)) for distances d₀, d₁ (Gobet 2000, doi:10.1016/S0304-4149(99)00109-X; weak order 1).

mod vanishing_noise;

use super::scheme::{Scheme, Sde, Work};
use crate::ensemble::{BLOCK, Block, Tally};
use crate::numerics::lanes::dispatch;
use crate::numerics::symmetric::packed_index;
use crate::problem::Problem;
use crate::problem::grid::{Boundary, Grid};
use vanishing_noise::VanishingNoise;

/// The box of the grid and what its faces do.
#[derive(Debug, Clone)]
pub(super) struct Walls {
    bounds: Vec<[f64; 2]>,
    boundary: Vec<[Boundary; 2]>,
    absorbs: bool,
    vanishing: Option<VanishingNoise>,
}

/// Reflections by the conormal rule before a walker is reflected straight back.
const MOST_REFLECTIONS: usize = 8;

impl Walls {
    /// The walls of a problem.
    pub fn of(problem: &Problem) -> Self {
        let vanishing = Some(VanishingNoise::new(problem)).filter(VanishingNoise::any);
        Self { vanishing, ..Self::new(&problem.grid) }
    }

    /// The walls of a grid, all with noise.
    pub fn new(grid: &Grid) -> Self {
        let boundary: Vec<_> = grid.axes().iter().map(|axis| axis.boundary()).collect();
        Self {
            bounds: grid.axes().iter().map(|axis| [axis.lower(), axis.upper()]).collect(),
            absorbs: boundary.iter().flatten().any(|b| *b == Boundary::Absorbing),
            boundary,
            vanishing: None,
        }
    }

    /// Draws and takes a step `h` of a block, walls included. Errors: as for [`Walls::finish`].
    pub fn step(
        &self,
        sde: &Sde,
        scheme: &dyn Scheme,
        h: f64,
        block: &mut Block,
        work: &mut Work,
    ) -> Result<(), usize> {
        let inside = if self.vanishing.is_some() {
            scheme.draw(work, &mut block.stream);
            scheme.step(sde, h, &block.points, work)
        } else {
            scheme.draw_and_step(sde, h, &block.points, work, &mut block.stream)
        };
        self.finish(sde, scheme, h, block, work, inside)
    }

    /// Whether any wall absorbs.
    pub fn absorbs(&self) -> bool {
        self.absorbs
    }

    /// Ends a step: applies the walls unless all walkers are known to be inside, then exchanges `work.next` and the positions
    /// of the block. Errors: the first walker that is not finite; the block then still has the positions before the step.
    pub fn finish(
        &self,
        sde: &Sde,
        scheme: &dyn Scheme,
        h: f64,
        block: &mut Block,
        work: &mut Work,
        mut inside: bool,
    ) -> Result<(), usize> {
        if let Some(vanishing) = self.vanishing.as_ref().filter(|_| scheme.draws_normals()) {
            inside &= !vanishing.apply(block, work, sde.temperature, h);
        }
        self.bring_inside(block, work, inside, sde.temperature * h)
    }

    fn bring_inside(&self, block: &mut Block, work: &mut Work, inside: bool, scaled_time: f64) -> Result<(), usize> {
        if !inside || self.absorbs {
            self.apply(block, work, scaled_time)?;
        }
        std::mem::swap(&mut block.points, &mut work.next);
        Ok(())
    }

    /// Brings `work.next` back into the box; `scaled_time` = T·h. Errors: the first walker that is not finite.
    fn apply(&self, block: &mut Block, work: &mut Work, scaled_time: f64) -> Result<(), usize> {
        if self.absorbs {
            // The noise of the step is used up; its place holds the uniform variates of the bridges.
            block.stream.uniforms(&mut work.noise[..BLOCK]);
            for i in 0..BLOCK {
                self.apply_one(block, work, scaled_time, i)?;
            }
            return Ok(());
        }
        let mut outside = [false; BLOCK];
        if find_outside(&work.next, &self.bounds, &mut outside) {
            for i in (0..BLOCK).filter(|&i| outside[i]) {
                self.apply_one(block, work, scaled_time, i)?;
            }
        }
        Ok(())
    }

    fn apply_one(&self, block: &mut Block, work: &mut Work, scaled_time: f64, i: usize) -> Result<(), usize> {
        let d = self.bounds.len();
        let old: [f64; 3] = std::array::from_fn(|k| if k < d { block.points[k * BLOCK + i] } else { 0.0 });
        let mut new: [f64; 3] = std::array::from_fn(|k| if k < d { work.next[k * BLOCK + i] } else { 0.0 });
        let gone = block.absorbed.get(i).copied().unwrap_or(false);
        if gone || i >= block.active {
            new = old;
        } else if new.iter().any(|x| !x.is_finite()) {
            return Err(i);
        } else {
            let diffusion = |r, c| work.diffusion[packed_index(d, r, c) * BLOCK + i];
            let bridged = self.absorbs && self.bridge(&old, &mut new, scaled_time, diffusion, work.noise[i]);
            if bridged || self.bring_back(&old, &mut new, diffusion, &mut block.tally) {
                block.absorbed[i] = true;
                block.tally.absorbed += 1;
            }
        }
        for k in 0..d {
            work.next[k * BLOCK + i] = new[k];
        }
        Ok(())
    }

    /// Whether the path touched an absorbing wall although both its ends are inside; then `new` is put on that wall.
    fn bridge(
        &self,
        old: &[f64; 3],
        new: &mut [f64; 3],
        scaled_time: f64,
        diffusion: impl Fn(usize, usize) -> f64,
        u: f64,
    ) -> bool {
        let mut survival = 1.0;
        for (k, (bounds, boundary)) in self.bounds.iter().zip(&self.boundary).enumerate() {
            for side in (0..2).filter(|&side| boundary[side] == Boundary::Absorbing) {
                let (before, after) = ((old[k] - bounds[side]).abs(), (new[k] - bounds[side]).abs());
                let inside = new[k] > bounds[0] && new[k] < bounds[1];
                let variance = scaled_time * diffusion(k, k);
                if inside && variance > 0.0 && before * after < 40.0 * variance {
                    survival *= -(-before * after / variance).exp_m1();
                    if 1.0 - u > survival {
                        new[k] = bounds[side];
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Reflects and wraps `new` into the box; true when it is absorbed, then it stays on the wall.
    fn bring_back(
        &self,
        old: &[f64; 3],
        new: &mut [f64; 3],
        diffusion: impl Fn(usize, usize) -> f64,
        tally: &mut Tally,
    ) -> bool {
        let d = self.bounds.len();
        let length = |k: usize| self.bounds[k][1] - self.bounds[k][0];
        tally.overlong += u64::from((0..d).any(|k| (new[k] - old[k]).abs() > length(k)));
        let mut reflections = 0;
        loop {
            let [lower, upper] = [0, 1].map(|side| (0..d).find(|&k| self.beyond(new, k, side)));
            let (k, side) = match (lower, upper) {
                (Some(k), _) => (k, 0),
                (None, Some(k)) => (k, 1),
                (None, None) => break,
            };
            let wall = self.bounds[k][side];
            match self.boundary[k][side] {
                Boundary::Periodic => new[k] = wrap(new[k], self.bounds[k]),
                Boundary::Absorbing => {
                    new[k] = wall;
                    (0..d).for_each(|j| new[j] = new[j].clamp(self.bounds[j][0], self.bounds[j][1]));
                    return true;
                }
                Boundary::Reflecting => {
                    reflections += 1;
                    let (overshoot, own) = (wall - new[k], diffusion(k, k));
                    if reflections > MOST_REFLECTIONS || overshoot.abs() > length(k) {
                        new[k] = reflect(new[k], self.bounds[k]);
                        continue;
                    }
                    for j in (0..d).filter(|&j| j != k && own > 0.0) {
                        new[j] += 2.0 * overshoot * diffusion(j, k) / own;
                    }
                    new[k] = wall + overshoot;
                }
            }
        }
        tally.multiple_reflections += u64::from(reflections > 1);
        false
    }

    fn beyond(&self, point: &[f64; 3], k: usize, side: usize) -> bool {
        let [lower, upper] = self.bounds[k];
        match (self.boundary[k][side], side) {
            (Boundary::Periodic, 0) => point[k] < lower,
            (Boundary::Periodic, _) => point[k] >= upper,
            (Boundary::Absorbing, 0) => point[k] <= lower,
            (Boundary::Absorbing, _) => point[k] >= upper,
            (Boundary::Reflecting, 0) => point[k] < lower,
            (Boundary::Reflecting, _) => point[k] > upper,
        }
    }
}

/// Mirror images until `x` is inside.
fn reflect(x: f64, [lower, upper]: [f64; 2]) -> f64 {
    let length = upper - lower;
    let y = (x - lower).rem_euclid(2.0 * length);
    (lower + if y > length { 2.0 * length - y } else { y }).clamp(lower, upper)
}

/// `x` moved into the period [lower, upper).
fn wrap(x: f64, [lower, upper]: [f64; 2]) -> f64 {
    let y = lower + (x - lower).rem_euclid(upper - lower);
    if y >= upper { lower } else { y }
}

dispatch! {
    /// Marks the walkers that are not strictly inside the box (or not finite); true if there are any.
    fn find_outside(points: &[f64], bounds: &[[f64; 2]], outside: &mut [bool; BLOCK]) -> bool {
        let mut any = false;
        for (x, &[lower, upper]) in points.as_chunks::<BLOCK>().0.iter().zip(bounds) {
            any |= x.iter().fold(false, |any, &x| any | !(x >= lower && x < upper));
        }
        if any {
            for (x, &[lower, upper]) in points.as_chunks::<BLOCK>().0.iter().zip(bounds) {
                for i in 0..BLOCK {
                    outside[i] |= !(x[i] >= lower && x[i] < upper);
                }
            }
        }
        any
    }
}

#[cfg(test)]
mod tests;
