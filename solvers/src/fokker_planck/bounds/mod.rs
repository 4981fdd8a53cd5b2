//! `bounds = "auto"`: a box that holds the probability, transient and stationary.
//!
//! A pilot ensemble without walls gives a first box. The problem is then solved on it with few cells and reflecting walls;
//! each side where the outermost cells hold more than [`SHARE`] of the probability at some output time, or of the stationary
//! density, moves out as far as the decay towards it asks for, each side with much room to spare moves in; until nothing moves.

use std::sync::Arc;

use super::pilot::{self, Seen};
use super::stencil::coefficients::at_points;
use crate::dynamics::{Coefficients, WithTable};
use crate::error::{Error, Setting};
use crate::numerics::random::Stream;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::Problem;
use crate::problem::density::marginal;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::{Axis, Boundary, Grid};
use crate::problem::initial::Initial;

/// Boxes longer than the pilot's by this factor resolve nothing: the tail does not end.
const FARTHEST: f64 = 1e6;
/// Most probability in the outermost cells of a side.
pub const SHARE: f64 = 1e-8;
/// Most rounds of solving and moving.
const ROUNDS: usize = 40;
/// Rounds in which a side may move out before its share has halved.
const MAX_ROUNDS: usize = 6;
/// How often a side may move in.
const TRIMS: usize = 3;
/// Most cells per axis of the trial solutions in 1, 2, 3 dimensions.
const CELLS: [usize; 3] = [512, 64, 20];
/// Most output times that the trial solutions look at.
const TIMES: usize = 12;
/// Walkers of the pilot.
const WALKERS: usize = 256;
/// Steps of the pilot.
const STEPS: usize = 400;

/// A box and why it is what it is.
#[derive(Debug, Clone)]
pub struct ChosenBounds {
    /// Ends of each axis.
    pub bounds: Vec<[f64; 2]>,
    /// Trial solutions.
    pub rounds: usize,
    /// Largest share of the probability in the outermost cells of a side.
    pub share: f64,
    /// Where and when that is: `at x = 3.2, stationary`.
    pub place: String,
    /// Where the pilot's walkers went.
    pub pilot: Vec<[f64; 2]>,
}

impl ChosenBounds {
    /// How the box was found, in a sentence.
    pub fn reason(&self) -> String {
        format!(
            "a pilot of {WALKERS} walkers and {} trial solutions; at most {:.0e} of the probability in the outermost cells of \
             a side ({})",
            self.rounds, self.share, self.place
        )
    }
}

/// Finds a box for `problem` with that many cells per axis; the bounds of its grid are ignored. Deterministic by its seed.
///
/// Errors: an initial law that needs a box to be defined, walkers that diverge, a side where the probability does not decay,
/// formulas that are not finite where the box would have to reach.
pub fn find(problem: &Problem, cells: &[usize], stationary: bool) -> Result<ChosenBounds, Error> {
    let pilot = walkers(problem)?;
    let problem = &tabulated(problem, &pilot)?;
    let most = CELLS[problem.dimension() - 1];
    let trial: Vec<usize> = cells.iter().map(|&n| n.clamp(8, most)).collect();
    let mut sides: Vec<[Side; 2]> = pilot.iter().map(|b| b.map(Side::at)).collect();
    for rounds in 1..=ROUNDS {
        let profile = Profile::of(problem, &sides, &trial, stationary)?;
        let mut moved = false;
        for (k, pair) in sides.iter_mut().enumerate() {
            let length = pair[1].place - pair[0].place;
            let beyond = length > FARTHEST * (pilot[k][1] - pilot[k][0]);
            for (side, wall) in pair.iter_mut().enumerate() {
                let seen = profile.side(k, side);
                wall.watch(seen.share).map_err(|from| unconfined(problem, k, side, from, seen.share, length))?;
                if beyond && seen.share > 0.0 {
                    return Err(unconfined(problem, k, side, seen.share, seen.share, length));
                }
                let shift = wall.allowed(seen.shift) * length;
                wall.place += if side == 0 { -shift } else { shift };
                moved |= shift != 0.0;
            }
        }
        if !moved {
            let bounds = sides.iter().map(|pair| rounded([pair[0].place, pair[1].place])).collect();
            let (share, place) = profile.largest(problem, &sides);
            return Ok(ChosenBounds { bounds, rounds, share, place, pilot });
        }
    }
    Err(Error::invalid(
        format!("no box was found in {ROUNDS} trial solutions"),
        "give the ends and the cells of each axis",
    )
    .set_by(&[Setting::Axes]))
}

/// The problem with a table of its dynamics on twice the pilot's box, where it has many samples.
fn tabulated(problem: &Problem, pilot: &[[f64; 2]]) -> Result<Problem, Error> {
    let axis = |(variable, [from, to]): (&String, &[f64; 2])| {
        let half = 0.5 * (to - from);
        Axis::uniform(variable, from - half, to + half, 2, [Boundary::Reflecting; 2])
    };
    let grid = Grid::new(problem.variables.iter().zip(pilot).map(axis).collect::<Result<Vec<_>, _>>()?)?;
    let table = WithTable::new(Arc::clone(&problem.dynamics), grid, problem.model.sample_count());
    Coefficients::unasked(problem).of(&Problem { dynamics: Arc::new(table), ..problem.clone() }, &|| false)
}

fn unconfined(problem: &Problem, k: usize, side: usize, from: f64, share: f64, length: f64) -> Error {
    let variable = &problem.variables[k];
    let (end, sign) = if side == 0 { ("lower", "-") } else { ("upper", "") };
    Error::invalid(
        format!(
            "no box holds the probability: the share in the outermost cells at the {end} end of {variable} was {from:.1e} and \
             is {share:.1e} with a box of length {length:.3e}; nothing confines {variable} towards {sign}infinity"
        ),
        format!(
            "give the ends and the cells of each axis, with walls where they belong to the problem; if {variable} is \
             confined over the output times and only the stationary density is not, do without the stationary density"
        ),
    ).set_by(&[Setting::Axes, Setting::Stationary])
}

/// A wall on its way.
struct Side {
    place: f64,
    /// Share when it first moved out, and rounds since.
    first: Option<f64>,
    rounds: usize,
    /// How often it moved in.
    trims: usize,
}

impl Side {
    fn at(place: f64) -> Self {
        Self { place, first: None, rounds: 0, trims: 0 }
    }

    /// The shift, or 0 where the wall has moved in often enough: two walls that drive each other must come to an end.
    fn allowed(&mut self, shift: f64) -> f64 {
        self.trims += usize::from(shift < 0.0);
        if shift < 0.0 && self.trims > TRIMS { 0.0 } else { shift }
    }

    /// Notes the share of this round. Errors: the share at first, where moving out does not help.
    fn watch(&mut self, share: f64) -> Result<(), f64> {
        if share <= SHARE {
            (self.first, self.rounds) = (None, 0);
            return Ok(());
        }
        let first = *self.first.get_or_insert(share);
        self.rounds += 1;
        if share < 0.5 * first {
            (self.first, self.rounds) = (Some(share), 0);
        }
        if self.rounds > MAX_ROUNDS { Err(first) } else { Ok(()) }
    }
}

/// Ends that are read easily: multiples of 1/100 of the leading power of ten of the length, outwards.
fn rounded([from, to]: [f64; 2]) -> [f64; 2] {
    let unit = 10f64.powi((to - from).log10().floor() as i32 - 2);
    // dividing by 10^n instead of multiplying by 10^-n gives the double nearest to the decimal number
    let nearest = |n: f64| if unit < 1.0 { n / unit.recip().round() } else { n * unit };
    [nearest((from / unit).floor()), nearest((to / unit).ceil())]
}

/// Marginal probabilities along each axis: the largest over the output times and the stationary density.
struct Profile {
    axes: Vec<Vec<f64>>,
    /// When each axis' two ends held most.
    when: Vec<[String; 2]>,
}

/// What one side of the box shows.
struct Trial {
    /// Share of the outermost cells.
    share: f64,
    /// How far to move out (or in, negative), as a share of the length.
    shift: f64,
}

impl Profile {
    fn of(problem: &Problem, sides: &[[Side; 2]], cells: &[usize], stationary: bool) -> Result<Self, Error> {
        let axis = |(k, pair): (usize, &[Side; 2])| {
            let name = problem.variables[k].clone();
            Axis::uniform(name, pair[0].place, pair[1].place, cells[k], [Boundary::Reflecting; 2])
        };
        let grid = Grid::new(sides.iter().enumerate().map(axis).collect::<Result<Vec<_>, Error>>()?)?;
        let trial = Problem { grid, ..problem.clone() };
        let blame = |error: Error| {
            let box_: Vec<String> = trial.grid.axes().iter().map(words).collect();
            Error::invalid(
                format!("while looking for a box, with {}: {error}", box_.join(", ")),
                "give the ends and the cells of each axis, and end them where the formulas do",
            )
            .set_by(&[Setting::Axes])
        };
        // the tails matter here: the integrators' errors must stay below the share that is looked for
        let seen = pilot::laws((&trial, TIMES), 1e-2 * SHARE, stationary, &|| false).map_err(blame)?;
        let mut profile = Self {
            axes: cells.iter().map(|&n| vec![0.0; n]).collect(),
            when: vec![[String::new(), String::new()]; cells.len()],
        };
        for Seen { probability, when } in &seen {
            profile.add(&trial.grid, probability, when);
        }
        Ok(profile)
    }

    fn add(&mut self, grid: &Grid, probability: &[f64], when: &str) {
        for (k, profile) in self.axes.iter_mut().enumerate() {
            let here = marginal(grid, probability, k);
            for (side, cell) in [0, here.len() - 1].into_iter().enumerate() {
                if here[cell] > profile[cell] {
                    self.when[k][side] = when.to_string();
                }
            }
            profile.iter_mut().zip(here).for_each(|(most, p)| *most = most.max(p));
        }
    }

    fn side(&self, k: usize, side: usize) -> Trial {
        let mut inwards: Vec<f64> = self.axes[k].clone();
        if side == 1 {
            inwards.reverse();
        }
        let n = inwards.len() as f64;
        let share = inwards[0];
        if share > SHARE {
            // the decay over the last three cells tells how far the wall is from where it should be
            let decay = (inwards[3] / share).ln() / 3.0;
            let cells = if decay > 0.0 { (share / (0.1 * SHARE)).ln() / decay } else { f64::INFINITY };
            return Trial { share, shift: (cells / n).clamp(0.05, 1.0) };
        }
        let mut tail = 0.0;
        let spare = inwards.iter().take_while(|&&p| {
            tail += p;
            tail < 0.01 * SHARE
        });
        let spare = spare.count() as f64 / n - 0.02;
        Trial { share, shift: if spare > 0.05 { -spare } else { 0.0 } }
    }

    fn largest(&self, problem: &Problem, sides: &[[Side; 2]]) -> (f64, String) {
        let mut most = (-1.0, String::new());
        for (k, pair) in sides.iter().enumerate() {
            for (side, wall) in pair.iter().enumerate() {
                let share = self.side(k, side).share;
                if share > most.0 {
                    let when = &self.when[k][side];
                    let when = if when.is_empty() { String::new() } else { format!(", {when}") };
                    most = (share, format!("at {} = {:.3}{when}", problem.variables[k], wall.place));
                }
            }
        }
        most
    }
}

fn words(axis: &Axis) -> String {
    // five digits of the length, so that the ends are told apart
    let decimals = (4 - axis.length().log10().floor() as i32).clamp(0, 20) as usize;
    format!("{} in [{:.decimals$}, {:.decimals$}]", axis.variable(), axis.lower(), axis.upper())
}

/// Where 256 walkers without walls go, and the initial law: the first box.
fn walkers(problem: &Problem) -> Result<Vec<[f64; 2]>, Error> {
    let d = problem.dimension();
    let start = start_box(problem)?;
    let mut points = vec![0.0; d * WALKERS];
    let mut stream = Stream::new(problem.seed, "grid/pilot", 0);
    problem.initial.sampler(&start)?.fill(&mut stream, &mut points);
    let mut reach: Vec<[f64; 2]> = start.axes().iter().map(|axis| [axis.lower(), axis.upper()]).collect();
    // far beyond the start in units of its own size
    let far: Vec<[f64; 2]> = reach.iter().map(|r| [0.5 * (r[0] + r[1]), FARTHEST * (r[1] - r[0])]).collect();
    let (end, mut time) = (problem.times.last().copied().unwrap_or(0.0), 0.0);
    for _ in 0..STEPS {
        let step = Step::at(problem, &points, &reach);
        let h = (0.1 / step.rate).min(end / 20.0).min(end - time);
        if h.is_nan() || h <= 0.0 {
            break;
        }
        step.take(problem, h, &mut points, &mut stream);
        time += h;
        for (k, reach) in reach.iter_mut().enumerate() {
            for &x in &points[k * WALKERS..(k + 1) * WALKERS] {
                if x.is_nan() || (x - far[k][0]).abs() >= far[k][1] {
                    return Err(diverges(problem, k, time));
                }
                *reach = [reach[0].min(x), reach[1].max(x)];
            }
        }
    }
    Ok(reach)
}

fn diverges(problem: &Problem, k: usize, time: f64) -> Error {
    Error::invalid(
        format!("a pilot walker runs away along {} at t = {time:.3e}: nothing confines it", problem.variables[k]),
        "give the ends and the cells of each axis, with walls where they belong to the problem",
    )
    .set_by(&[Setting::Axes])
}

/// A grid of few cells round the initial law.
fn start_box(problem: &Problem) -> Result<Grid, Error> {
    let end = problem.times.last().copied().unwrap_or(0.0);
    let walk = |at: &[f64]| first_distances(problem.dynamics.as_ref(), problem.temperature, at, end);
    let ends: Vec<[f64; 2]> = match &problem.initial {
        Initial::Gaussian { mean, covariance } => {
            // 2e-9 of a Gaussian lies beyond six standard deviations
            let wide = |k: usize| 6.0 * covariance[packed_index(mean.len(), k, k)].sqrt();
            let reach = walk(mean).into_iter().enumerate().map(|(k, walk)| walk.max(wide(k)));
            mean.iter().zip(reach).map(|(x, reach)| [x - reach, x + reach]).collect()
        }
        Initial::Point { at } => at.iter().zip(walk(at)).map(|(x, reach)| [x - reach, x + reach]).collect(),
        Initial::Uniform | Initial::Cells { .. } => {
            return Err(Error::invalid(
                "this initial density is only defined on a box, so no box can be found for it",
                "give the ends and the cells of each axis, or start from a gaussian or a point",
            )
            .set_by(&[Setting::Axes, Setting::Initial]));
        }
    };
    let axis = |(name, [from, to]): (&String, [f64; 2])| Axis::uniform(name, from, to, 8, [Boundary::Reflecting; 2]);
    Grid::new(problem.variables.iter().zip(ends).map(axis).collect::<Result<Vec<_>, Error>>()?)
}

/// Lengths (d) on which differences may be based before there is a box: how far a walker gets from the start in the time in which
/// drift and D hardly change. 1 where there is no start at a point or around a mean.
pub fn lengths_at_start(dynamics: &dyn Dynamics, temperature: f64, initial: &Initial, end: f64) -> Vec<f64> {
    match initial {
        Initial::Gaussian { mean: at, .. } | Initial::Point { at } => first_distances(dynamics, temperature, at, end),
        Initial::Uniform | Initial::Cells { .. } => vec![1.0; dynamics.dimension()],
    }
}

/// Longest time that is tried relative to the shortest, as a number of quarterings.
const QUARTERINGS: usize = 200;

/// The distances δ_k = max |b_k| h + √(2T max D_kk h) (d) over the point and its neighbours at ± δ_j, for the longest h ≤ `end` where
/// taking the neighbours' neighbours into account makes none of them a quarter longer: lengths of the equation itself, whatever its units.
///
/// A variable that does not move at all gets the size of its position.
fn first_distances(dynamics: &dyn Dynamics, temperature: f64, at: &[f64], end: f64) -> Vec<f64> {
    let d = at.len();
    let reached = |distance: &[f64], h: f64| -> Vec<f64> {
        let n = 2 * d + 1;
        let mut points: Vec<f64> = at.iter().flat_map(|&x| vec![x; n]).collect();
        for (k, distance) in distance.iter().enumerate() {
            points[k * n + 2 * k] -= distance;
            points[k * n + 2 * k + 1] += distance;
        }
        let (b, a, _) = at_points(dynamics, temperature, &points, None);
        let largest =
            |row: &[f64]| row.iter().fold(0.0, |most: f64, v| if v.is_nan() { f64::NAN } else { most.max(v.abs()) });
        let row = |values: &[f64], row: usize| largest(&values[row * n..(row + 1) * n]);
        (0..d).map(|k| row(&b, k) * h + (2.0 * row(&a, packed_index(d, k, k)) * h).sqrt()).collect()
    };
    let steady = |h: f64| {
        let mut distance = vec![0.0; d];
        for _ in 0..=d {
            distance = reached(&distance, h);
        }
        let next = reached(&distance, h);
        distance.iter().zip(next).all(|(now, next)| next.is_finite() && next <= 1.25 * now).then_some(distance)
    };
    let times = (0..QUARTERINGS as i32).map(|k| end * 0.25f64.powi(k));
    let found = times.filter(|h| *h > 0.0).find_map(steady).unwrap_or_else(|| vec![0.0; d]);
    found
        .into_iter()
        .zip(at)
        .map(|(l, x)| {
            if l > 0.0 {
                l
            } else if *x == 0.0 {
                1.0
            } else {
                x.abs()
            }
        })
        .collect()
}

/// Drift, D and how fast they change at the walkers.
struct Step {
    drift: Vec<f64>,
    diffusion: Vec<f64>,
    /// |∂b| of each walker, in units of the box.
    rates: Vec<f64>,
    /// Their 95 % quantile.
    rate: f64,
}

impl Step {
    fn at(problem: &Problem, points: &[f64], reach: &[[f64; 2]]) -> Self {
        let d = problem.dimension();
        let (mut drift, mut diffusion) = (vec![0.0; d * WALKERS], vec![0.0; packed_len(d) * WALKERS]);
        problem.dynamics.drift_diffusion(points, &mut drift, &mut diffusion);
        let mut rates = vec![0.0; WALKERS];
        let (mut moved_drift, mut unused) = (drift.clone(), diffusion.clone());
        for j in 0..d {
            let delta = 1e-5 * (reach[j][1] - reach[j][0]);
            let mut moved = points.to_vec();
            moved[j * WALKERS..(j + 1) * WALKERS].iter_mut().for_each(|x| *x += delta);
            problem.dynamics.drift_diffusion(&moved, &mut moved_drift, &mut unused);
            for k in 0..d {
                let unit = delta * (reach[k][1] - reach[k][0]) / (reach[j][1] - reach[j][0]);
                for i in 0..WALKERS {
                    rates[i] += ((moved_drift[k * WALKERS + i] - drift[k * WALKERS + i]) / unit).abs();
                }
            }
        }
        let mut sorted: Vec<f64> = rates.iter().copied().filter(|r| r.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let rate = sorted.get(sorted.len() * 95 / 100).copied().unwrap_or(0.0).max(f64::MIN_POSITIVE);
        Self { drift, diffusion, rates, rate }
    }

    /// An Euler–Maruyama step; the drift is tamed where it changes faster than the step resolves.
    fn take(&self, problem: &Problem, h: f64, points: &mut [f64], stream: &mut Stream) {
        let d = problem.dimension();
        for i in 0..WALKERS {
            let packed: Vec<f64> = (0..packed_len(d)).map(|c| self.diffusion[c * WALKERS + i]).collect();
            let root = cholesky(d, &packed);
            let normal: [f64; 3] = std::array::from_fn(|_| stream.normal());
            for k in 0..d {
                let noise: f64 = (0..=k).map(|j| root[k][j] * normal[j]).sum();
                let drift = self.drift[k * WALKERS + i] * h / (1.0 + h * self.rates[i]);
                points[k * WALKERS + i] += drift + (2.0 * problem.temperature * h).sqrt() * noise;
            }
        }
    }
}

/// Lower triangle S with S Sᵀ = D; columns of a singular D are 0.
fn cholesky(d: usize, packed: &[f64]) -> [[f64; 3]; 3] {
    let mut s = [[0.0f64; 3]; 3];
    for j in 0..d {
        for i in j..d {
            let rest = packed[packed_index(d, j, i)] - (0..j).map(|k| s[i][k] * s[j][k]).sum::<f64>();
            s[i][j] = if i == j {
                rest.max(0.0).sqrt()
            } else if s[j][j] > 0.0 {
                rest / s[j][j]
            } else {
                0.0
            };
        }
    }
    s
}

#[cfg(test)]
mod tests;
