//! Steps: how an interval is divided, and the step that is taken when none is given.

use super::scheme::{self, Sde, Work};
use super::walls::Walls;
use crate::ensemble::{BLOCK, Block};
use crate::error::{Error, Setting};
use crate::numerics::random::Stream;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::Problem;

/// Steps between two looks at the interrupt.
pub(super) const STEPS_PER_CHECK: u64 = 64;
/// Relaxation rate times step: the relative error of a variance is about half of it.
const RATE_SHARE: f64 = 0.02;
/// Longest typical step, as a share of the box.
const BOX_SHARE: f64 = 0.04;
/// Steps of the pilot run.
const PILOT_STEPS: usize = 300;

/// The fewest equal steps not longer than `step` that make up `interval` (a part in 10⁹ longer is accepted).
pub fn divide(interval: f64, step: f64) -> (u64, f64) {
    let steps = (interval / step * (1.0 - 1e-9)).ceil().max(1.0);
    (steps as u64, interval / steps)
}

/// The step that was given, if one was. Errors: a step that is not positive.
pub(super) fn given(step: Option<f64>) -> Result<Option<f64>, Error> {
    match step {
        Some(step) if !(step > 0.0 && step.is_finite()) => {
            let what = format!("the Langevin step {step} is not a positive time");
            Err(Error::invalid(what, "give a positive time, 0.01 for example, or leave it to the program")
                .set_by(&[Setting::LangevinStep]))
        }
        step => Ok(step),
    }
}

/// A step for the problem, and the reason in words.
///
/// A pilot of 256 walkers visits the places that matter; at each the local rate r = |∂b| + T Σ (∂D_kk)²/D_kk, in units of the
/// lengths L_k of the axes (|∂b|² = Σ (L_j/L_k ∂_j b_k)², (L_j ∂_j D_kk)²/(L_k² D_kk)), and the speeds
/// |b_k| and T·D_kk are taken, and their 95 % quantiles q give the step: r h ≤ 0.02 (drift and noise change little in a
/// step), |b_k| h and √(2 T D_kk h) ≤ 4 % of the axis, h ≤ the shortest output interval. With a learning rate η the step is
/// not taken below η/10, since the equation itself is only right to O(η). A trial of it may ask for a shorter one
/// ([`super::step_halving::Trial`]).
///
/// Errors: drift or D not finite at the start.
pub(super) fn choose(problem: &Problem, walls: &Walls) -> Result<(f64, String), Error> {
    let d = problem.dimension();
    let end = problem.times.last().copied().unwrap_or(0.0);
    let shortest = problem.times.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    if end <= 0.0 || !shortest.is_finite() {
        return Ok((1.0, "there is no time to cover".to_string()));
    }
    let rates = pilot(problem, walls, end)?;
    let mut choice = (shortest, "the shortest time between outputs".to_string());
    let mut limit = |h: f64, reason: String| {
        if h < choice.0 {
            choice = (h, reason);
        }
    };
    let rate = quantile(rates.rate);
    limit(RATE_SHARE / rate, format!("{RATE_SHARE} of the time {} in which drift and noise change", time(1.0 / rate)));
    for (k, name) in problem.variables.iter().enumerate().take(d) {
        let reach = BOX_SHARE * problem.grid.axes()[k].length();
        let (drift, diffusivity) = (quantile(rates.drift[k].clone()), quantile(rates.diffusivity[k].clone()));
        limit(reach / drift, format!("the drift covers {:.0} % of the axis {name} in it", 100.0 * BOX_SHARE));
        let noise = format!("the noise covers {:.0} % of the axis {name} in it", 100.0 * BOX_SHARE);
        limit(reach * reach / (2.0 * diffusivity), noise);
    }
    if let Some(minibatch) = problem.minibatch {
        let least = (0.1 * minibatch.learning_rate).min(shortest);
        if choice.0 < least {
            choice = (least, format!("a tenth of the learning rate; {:.2e} would be {}", choice.0, choice.1));
        }
    }
    Ok(choice)
}

/// A time in words.
fn time(t: f64) -> String {
    if (0.01..1e4).contains(&t) { format!("{t:.3}") } else { format!("{t:.2e}") }
}

/// Rates r, speeds |b_k| and diffusivities T·D_kk at the walkers of the pilot.
#[derive(Default)]
struct PilotRates {
    rate: Vec<f64>,
    drift: [Vec<f64>; 3],
    diffusivity: [Vec<f64>; 3],
}

fn pilot(problem: &Problem, walls: &Walls, end: f64) -> Result<PilotRates, Error> {
    let d = problem.dimension();
    let sde = Sde::new(problem);
    let scheme = (scheme::SCHEMES[0].build)(problem)?;
    let mut block = Block::new(d, 0, BLOCK, problem.seed, "langevin/pilot");
    if walls.absorbs() {
        block.absorbed = vec![false; BLOCK];
    }
    let mut stream = Stream::new(problem.seed, "langevin/pilot/initial", 0);
    problem.initial.sampler(&problem.grid)?.fill(&mut stream, &mut block.points);
    let (mut rates, mut work, mut time) = (PilotRates::default(), Work::new(d), 0.0);
    for _ in 0..PILOT_STEPS {
        look(problem, &block.points, &mut rates)?;
        let recent = rates.rate[rates.rate.len() - BLOCK.min(rates.rate.len())..].to_vec();
        let h = (0.1 / quantile(recent)).min(end / 20.0).min(end - time);
        if time >= end || h <= 0.0 {
            break;
        }
        if walls.step(&sde, scheme.as_ref(), h, &mut block, &mut work).is_err() {
            break; // the pilot's step was too long somewhere: what it has seen so far must do
        }
        time += h;
    }
    Ok(rates)
}

/// Local rates and speeds at the points of a block, by one-sided differences over 10⁻⁵ of the axes.
fn look(problem: &Problem, points: &[f64], rates: &mut PilotRates) -> Result<(), Error> {
    let d = problem.dimension();
    let mut drift = vec![0.0; d * BLOCK];
    let mut diffusion = vec![0.0; packed_len(d) * BLOCK];
    problem.dynamics.drift_diffusion(points, &mut drift, &mut diffusion);
    let (mut square, mut noise) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (mut moved_drift, mut moved_diffusion) = (drift.clone(), diffusion.clone());
    for j in 0..d {
        let axis = &problem.grid.axes()[j];
        let mut moved = points.to_vec();
        let delta = 1e-5 * axis.length();
        let inward = |x: f64| if x + delta > axis.upper() { -delta } else { delta };
        moved[j * BLOCK..(j + 1) * BLOCK].iter_mut().for_each(|x| *x += inward(*x));
        problem.dynamics.drift_diffusion(&moved, &mut moved_drift, &mut moved_diffusion);
        for k in 0..d {
            let c = packed_index(d, k, k) * BLOCK;
            let ratio = axis.length() / problem.grid.axes()[k].length(); // rates in units of the axes
            for i in 0..BLOCK {
                square[i] += ((moved_drift[k * BLOCK + i] - drift[k * BLOCK + i]) / delta * ratio).powi(2);
                let slope = (moved_diffusion[c + i] - diffusion[c + i]) / delta * ratio;
                let own = diffusion[c + i];
                noise[i] += if own > 0.0 { problem.temperature * slope * slope / own } else { 0.0 };
            }
        }
    }
    let before = rates.rate.len();
    for i in 0..BLOCK {
        let rate = square[i].sqrt() + noise[i];
        let speeds: Vec<(f64, f64)> = (0..d)
            .map(|k| (drift[k * BLOCK + i].abs(), problem.temperature * diffusion[packed_index(d, k, k) * BLOCK + i]))
            .collect();
        if rate.is_finite() && speeds.iter().all(|(b, a)| b.is_finite() && a.is_finite()) {
            rates.rate.push(rate);
            for (k, (b, a)) in speeds.into_iter().enumerate() {
                rates.drift[k].push(b);
                rates.diffusivity[k].push(a);
            }
        }
    }
    if rates.rate.len() == before {
        return Err(Error::invalid(
            "drift or D is not finite at any of 256 walkers drawn from the initial density",
            "write formulas that are finite on the grid, or move the walls",
        ));
    }
    Ok(())
}

/// Largest modulus of an eigenvalue of J = ∂b/∂θ at n points (d×n), by one-sided differences over 10⁻⁵ of the axes:
/// ‖J⁸‖^(1/8) in units of the axes, which is at most 7 % too large.
pub(super) fn largest_rate(sde: &Sde, points: &[f64]) -> f64 {
    let d = sde.bounds.len();
    let n = points.len() / d;
    let (mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
    sde.dynamics.drift_diffusion(points, &mut drift, &mut diffusion);
    let length = |k: usize| sde.bounds[k][1] - sde.bounds[k][0];
    let (mut jacobians, mut there, mut unit) = (vec![0.0; n * d * d], drift.clone(), vec![0.0; d * d]);
    for j in 0..d {
        let delta = 1e-5 * length(j);
        let inward = |x: f64| if x + delta > sde.bounds[j][1] { -delta } else { delta };
        let mut moved = points.to_vec();
        moved[j * n..(j + 1) * n].iter_mut().for_each(|x| *x += inward(*x));
        sde.dynamics.drift_diffusion(&moved, &mut there, &mut diffusion);
        for (i, jacobian) in jacobians.chunks_exact_mut(d * d).enumerate() {
            for k in 0..d {
                let slope = (there[k * n + i] - drift[k * n + i]) / inward(points[j * n + i]);
                jacobian[k * d + j] = slope * length(j) / length(k);
            }
        }
    }
    jacobians.chunks_exact_mut(d * d).map(|jacobian| spectral_radius(d, jacobian, &mut unit)).fold(0.0, f64::max)
}

/// ‖M⁸‖^(1/8) of a d×d matrix in Frobenius' norm; both arrays are its workspace.
fn spectral_radius(d: usize, matrix: &mut [f64], unit: &mut [f64]) -> f64 {
    let mut log = 0.0;
    for power in [1.0, 2.0, 4.0, 8.0] {
        let size = matrix.iter().map(|x| x * x).sum::<f64>().sqrt();
        if size == 0.0 {
            return 0.0;
        }
        log += size.ln() / power;
        unit.iter_mut().zip(&*matrix).for_each(|(unit, x)| *unit = x / size);
        for at in 0..d * d {
            matrix[at] = (0..d).map(|k| unit[at / d * d + k] * unit[k * d + at % d]).sum();
        }
    }
    log.exp()
}

/// The 95 % quantile, at least a tiny positive number.
fn quantile(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() * 95 / 100).copied().unwrap_or(0.0).max(f64::MIN_POSITIVE)
}
