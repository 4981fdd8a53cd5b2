//! The Langevin engine: an ensemble of the stochastic differential equation dθ = b dt + √(2T) S dW, S Sᵀ = D.
//!
//! Each interval between output times is divided into the fewest equal steps not longer than `step`, so that the discrete
//! law at output times is that of n equal steps and can be computed exactly where the recursion is known.
//!
//! ```text
//! θ_{k+1} = θ_k + b(θ_k) h + √(2Th) S(θ_k) z_k,   z_k ~ N(0, I)        (Euler–Maruyama; the others in scheme/)
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `scheme/` | the schemes, one file each, with their orders |
//! | `walls/` | reflection along the conormal, periodic wrap, absorption by Brownian bridges |
//! | `step.rs` | how intervals are divided, and the step that is chosen |
//! | `step_halving.rs` | the weak error of the step, by walkers that take it and half of it on the same Brownian paths |
//! | `chain.rs` | the same steps as a Markov chain, for splitting |
//! | `first_passage/` | first-passage times by walkers |

mod chain;
pub mod first_passage;
pub mod scheme;
mod step;
mod step_halving;
mod walls;

use std::sync::Arc;

use crate::Error;
use crate::dynamics::{Coefficients, table};
use crate::engine::{Archive, Attribute, Engine, Interrupt, Ranks, Snapshot, Statistics};
use crate::ensemble::{BLOCK, Block, Ensemble, Stop, Trajectories, steps, were};
use crate::fault::{Fault, planted};
use crate::problem::Problem;
pub use chain::LangevinChain;
use scheme::{Entry, Scheme, Sde, Work};
pub use step::divide;
use step::{STEPS_PER_CHECK, largest_rate};
use step_halving::{StepHalving, Trial};
use walls::Walls;

/// What a scenario says about the Langevin engine.
#[derive(Debug, Clone, PartialEq)]
pub struct LangevinOptions {
    /// Number of walkers N.
    pub walkers: usize,
    /// Longest time step; None: chosen from the drift, the noise and the grid.
    pub step: Option<f64>,
    /// Name of a scheme of [`scheme::SCHEMES`].
    pub scheme: String,
    /// Number of walkers whose positions are kept, at the output times and in between (see [`Trajectories`]).
    pub trajectories: usize,
    /// From where drift and D are taken.
    pub coefficients: Coefficients,
}

impl Default for LangevinOptions {
    fn default() -> Self {
        Self {
            walkers: 100_000,
            step: None,
            scheme: scheme::SCHEMES[0].name.to_string(),
            trajectories: 0,
            coefficients: Coefficients::Auto,
        }
    }
}

/// An ensemble of walkers of the stochastic differential equation.
pub struct Langevin {
    sde: Sde,
    entry: &'static Entry,
    scheme: Box<dyn Scheme>,
    walls: Walls,
    ensemble: Ensemble,
    halving: Option<StepHalving>,
    /// Largest product of a step and a local rate that was seen.
    stiffness: f64,
    step: f64,
    reason: String,
    time: f64,
    end: f64,
    steps: u64,
    trajectories: Trajectories,
}

impl Langevin {
    /// Walkers at their initial positions.
    ///
    /// Errors: no walkers, a step that is not positive, a scheme that is not in the table or does not suit the problem, an
    /// initial law off the grid.
    pub fn new(problem: &Problem, options: LangevinOptions) -> Result<Self, Error> {
        Self::new_until(problem, options, &|| false)
    }

    /// [`Self::new`], whose choice of a step ends early when it is asked to stop.
    pub fn new_until(problem: &Problem, options: LangevinOptions, interrupt: Interrupt) -> Result<Self, Error> {
        let entry = scheme::find(&options.scheme)?;
        let problem = &options.coefficients.of(problem, interrupt)?;
        let mut ensemble = Ensemble::new(problem, "langevin", options.walkers)?;
        let sde = Sde::new(problem);
        let walls = Walls::of(problem);
        if walls.absorbs() {
            ensemble.blocks_mut().iter_mut().for_each(|block| block.absorbed = vec![false; BLOCK]);
        }
        let scheme = (entry.build)(problem)?;
        let (step, reason) = match step::given(options.step)? {
            Some(step) => (step, "given".to_string()),
            None => {
                let trial = Trial { problem, sde: &sde, entry, scheme: &*scheme, walls: &walls };
                trial.shortened(step::choose(problem, &walls)?, options.walkers, interrupt)
            }
        };
        let halving = StepHalving::new(problem, &walls, options.walkers);
        let walkers = options.trajectories.min(options.walkers);
        let mut trajectories = Trajectories { walkers, times: Vec::new(), points: Vec::new() };
        trajectories.keep(0.0, &ensemble);
        let (time, steps, end) = (0.0, 0, problem.times.last().copied().unwrap_or(0.0));
        Ok(Self {
            sde,
            entry,
            scheme,
            walls,
            ensemble,
            halving,
            stiffness: 0.0,
            step,
            reason,
            time,
            end,
            steps,
            trajectories,
        })
    }

    /// The step that is chosen for a problem, before a trial shortens it. Errors: those of [`Self::new`].
    pub fn natural_step(problem: &Problem) -> Result<f64, Error> {
        Ok(step::choose(problem, &Walls::of(problem))?.0)
    }

    /// The step that these options lead to; the one before a trial where that is interrupted. Errors: those of [`Self::new`].
    pub fn chosen_step(problem: &Problem, options: &LangevinOptions, interrupt: Interrupt) -> Result<f64, Error> {
        if let Some(step) = step::given(options.step)? {
            return Ok(step);
        }
        let (entry, sde, walls) = (scheme::find(&options.scheme)?, Sde::new(problem), Walls::of(problem));
        let trial = Trial { problem, sde: &sde, entry, scheme: &*(entry.build)(problem)?, walls: &walls };
        Ok(trial.shortened(step::choose(problem, &walls)?, options.walkers, interrupt).0)
    }

    /// Blocks of walkers that a step of that many walkers moves, the pairs that tell the error of the step among them.
    pub fn blocks(walkers: usize) -> f64 {
        (walkers.div_ceil(BLOCK) + step_halving::blocks(walkers)) as f64
    }

    /// The longest step that is taken.
    pub fn step(&self) -> f64 {
        self.step
    }
    /// Why the step is what it is.
    pub fn step_reason(&self) -> &str {
        &self.reason
    }
    /// Weak error of the time step so far, in units of total variation, and the standard error of that estimate, from walkers
    /// that take the step and half of it on the same Brownian paths. None, unknown, after one of them was lost.
    pub fn step_error(&self) -> Option<(f64, f64)> {
        self.halving.as_ref().and_then(StepHalving::estimate)
    }
    /// Walkers in each cell, and after the last cell those off the grid.
    pub fn counts(&self) -> Vec<u32> {
        self.ensemble.counts()
    }
    /// The walkers.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    /// Warns of a step near the limit of stability, and of a bias that the walkers can see.
    fn step_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.stiffness > NEAR_INSTABILITY {
            warnings.push(format!(
                "the step {:.3e} of Langevin times the largest local rate is {:.2}: at 2 the scheme becomes unstable, and before that \
                 the law is far too wide; take a step below {:.1e}",
                self.step,
                self.stiffness,
                0.1 * self.step / self.stiffness
            ));
        }
        let sampling = step_halving::sampling_error(self.ensemble.walkers());
        if let Some((error, uncertainty)) = self.step_error()
            && error > SEEN * sampling.max(uncertainty)
        {
            warnings.push(format!(
                "the step {:.3e} of Langevin makes an error of {error:.1e} ± {uncertainty:.1e} in its densities, {:.1} times the \
                 sampling error of its walkers: take a step of about {:.1e}",
                self.step,
                error / sampling,
                self.step * (sampling / error).powf(1.0 / self.entry.weak_order)
            ));
        }
        warnings
    }
}

/// Step times rate from which on a step is said to be near instability.
const NEAR_INSTABILITY: f64 = 1.5;
/// Errors of the step are worth a warning from so many sampling errors on.
const SEEN: f64 = 4.0;

/// Largest local rate where the first walkers are; 0 on a process that has not all of them.
fn rate_at_walkers(sde: &Sde, ensemble: &Ensemble) -> f64 {
    if ensemble.is_whole() { largest_rate(sde, &ensemble.first_points(BLOCK)) } else { 0.0 }
}

impl Engine for Langevin {
    fn name(&self) -> &'static str {
        "langevin"
    }
    fn walkers(&self) -> Option<usize> {
        Some(self.ensemble.walkers())
    }
    fn time(&self) -> f64 {
        self.time
    }

    fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        if to <= self.time {
            return Ok(());
        }
        let (steps, h) = divide(to - self.time, self.step);
        let steps = steps + u64::from(self.steps == 0 && planted(Fault::Time));
        if self.steps == 0 && !self.ensemble.is_on_the_way() {
            self.stiffness = self.stiffness.max(h * rate_at_walkers(&self.sde, &self.ensemble));
        }
        let (sde, scheme, walls, from) = (&self.sde, &*self.scheme, &self.walls, self.time);
        let d = sde.dynamics.dimension();
        let (trajectories, kept) = (&self.trajectories, Trajectories::kept_steps(steps, (to - from) / self.end));
        let (ensemble, halving, before) = (&mut self.ensemble, &mut self.halving, self.steps);
        let main = || {
            ensemble.advance(
                [from, to],
                interrupt,
                || Work::new(d),
                |block, work, watch| {
                    let kept = if trajectories.keeps(block) { kept.as_slice() } else { &[] };
                    let first = block.done;
                    let mut kept = kept.iter().skip_while(|after| **after <= first).peekable();
                    for k in first..steps {
                        if k % STEPS_PER_CHECK == 0 {
                            block.done = k;
                            watch.check()?;
                        }
                        walls.step(sde, scheme, h, block, work).map_err(|lane| {
                            let walker = format!("at walker {}, step {}", block.first + lane, before + k + 1);
                            Stop::Failed(lost(block, work, lane, walker, from + k as f64 * h, h))
                        })?;
                        if kept.next_if(|&&after| after == k + 1).is_some() {
                            block.kept.extend_from_slice(&block.points);
                        }
                    }
                    Ok(())
                },
            )
        };
        let beside = || halving.as_mut().is_none_or(|halving| halving.advance(sde, scheme, walls, steps, h, interrupt));
        let (main, all_pairs) = rayon::join(main, beside);
        let outcome = main.and(if all_pairs { Ok(()) } else { Err(Error::Interrupted { time: from }) });
        self.ensemble.arrive(outcome, interrupt)?;
        let (sde, ensemble, halving) = (&self.sde, &self.ensemble, &mut self.halving);
        let compare = || halving.iter_mut().for_each(|halving| halving.compare(self.entry.weak_order));
        let (rate, ()) = rayon::join(|| rate_at_walkers(sde, ensemble), compare);
        self.stiffness = self.stiffness.max(h * rate);
        let time_after = |&k: &u64| if k == steps { to } else { from + k as f64 * h };
        self.trajectories.collect(kept.iter().map(time_after), d, &mut self.ensemble);
        self.time = to;
        self.steps += steps;
        Ok(())
    }

    fn share(&mut self, ranks: &Arc<dyn Ranks>) {
        let pairs = self.halving.as_ref().map_or(0, |_| step_halving::blocks(self.ensemble.walkers()));
        self.ensemble.share(ranks, pairs);
        if !self.ensemble.is_whole() {
            self.halving = None; // rank 0 takes them
        }
    }

    fn pauses(&self) -> bool {
        true
    }

    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.number("time", &mut self.time)?;
        archive.count("steps", &mut self.steps)?;
        archive.number("stiffness", &mut self.stiffness)?;
        archive.vector("trajectory_times", &mut self.trajectories.times)?;
        archive.vector("trajectory_points", &mut self.trajectories.points)?;
        archive.part("ensemble", &mut |archive| self.ensemble.archive(archive))?;
        match &mut self.halving {
            Some(halving) => archive.part("pairs", &mut |archive| halving.archive(archive)),
            None => Ok(()),
        }
    }

    fn snapshot(&self) -> Snapshot {
        self.ensemble.snapshot(self.time)
    }
    fn statistics(&self) -> Option<Statistics> {
        Some(self.ensemble.statistics())
    }
    fn trajectories(&self) -> Option<&Trajectories> {
        Some(&self.trajectories).filter(|kept| kept.walkers > 0)
    }

    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let mut attributes = vec![
            ("walkers", Attribute::Integer(self.ensemble.walkers() as i64)),
            ("step", Attribute::Float(self.step)),
            ("step_reason", Attribute::Text(self.reason.clone())),
            ("scheme", Attribute::Text(self.entry.name.to_string())),
            ("weak_order", Attribute::Float(self.entry.weak_order)),
            ("strong_order", Attribute::Float(self.entry.strong_order)),
            ("steps_total", Attribute::Integer(self.steps as i64)),
        ];
        // not a number: unknown, where a pair is lost or cannot be drawn
        let (error, uncertainty) = self.step_error().unwrap_or((f64::NAN, f64::NAN));
        attributes.push(("error_time", Attribute::Float(error)));
        attributes.push(("error_time_se", Attribute::Float(uncertainty)));
        attributes.extend(table::attributes(self.sde.dynamics.as_ref()));
        attributes
    }

    fn warnings(&self) -> Vec<String> {
        let tally = self.ensemble.tally();
        let all = self.steps as f64 * self.ensemble.walkers() as f64;
        let mut warnings = self.step_warnings();
        if tally.overlong > 0 {
            warnings.push(format!(
                "{} of Langevin walkers ({:.1e} of all) {} longer than the box: the step {:.3e} is too long where drift or \
                 noise are that strong",
                steps(tally.overlong),
                tally.overlong as f64 / all,
                were(tally.overlong),
                self.step
            ));
        }
        if tally.multiple_reflections > 0 {
            warnings.push(format!(
                "{} of Langevin walkers ({:.1e} of all) {} reflected more than once: the law next to the walls is not to be \
                 trusted; take a shorter step or a wider grid",
                steps(tally.multiple_reflections),
                tally.multiple_reflections as f64 / all,
                were(tally.multiple_reflections)
            ));
        }
        warnings
    }
}

/// The error for a walker that became non-finite; `walker` names it and its step.
fn lost(block: &Block, work: &Work, lane: usize, walker: String, time: f64, h: f64) -> Error {
    let column = |values: &[f64]| -> Vec<f64> { values.chunks_exact(BLOCK).map(|v| v[lane]).collect() };
    Error::numerical(
        "langevin",
        format!("{walker} of length {h:.3e} from t = {time:.6}"),
        format!(
            "its position became non-finite; before the step it was at {:?}, where the drift is {:?} and D is {:?}",
            column(&block.points),
            column(&work.drift),
            column(&work.diffusion)
        ),
        "take a shorter step, or move the walls of the grid away from the place where drift and D are not finite",
    )
}

#[cfg(test)]
mod tests;
