//! Moving support: only the cells that hold probability take part.
//!
//! A density that is narrow in a large box is followed on the smallest box of cells that holds all but a negligible part of it, where the drift
//! carries that part until the next output, and a margin. In the generator of this box the edges that leave it lead into the cemetery: the
//! killed process has no more probability in any cell than the whole one, so what is missing at the end is the error of the box. It must stay below a
//! thousandth of the tolerance, else the interval is done again on a larger box; it is put back in proportion. Cells outside keep their
//! probability (below 10⁻¹⁸ each); both count as error. Where probability leaves through walls, nobody could tell what is missing: all cells take part.

use std::ops::Range;
use std::sync::Arc;

use super::system::{Stepper, System, Task, Work};
use super::table::choose_with_reason;
use crate::Error;
use crate::engine::{Archive, Interrupt};
use crate::fokker_planck::generator::{Generator, GeneratorBuilder};

/// Fewest cells of a grid on which it pays.
const FEWEST: usize = 16_384;
/// Share of the cells above which all of them take part, and growth of the box from which a smaller one is taken.
const SHARE: f64 = 0.5;
/// Share of the cells up to which a box is tried whatever is expected.
const TRIED: f64 = 0.35;
/// Probability below which a cell takes no work, and the share of the tolerance that all such cells may hold together.
const NEGLIGIBLE: (f64, f64) = (1e-18, 1e-6);
/// Share of the tolerance that may leave the box in an interval.
const MISSING: f64 = 1e-3;
/// Share of the tolerance that the integrator on the box may take: its errors add up over the boxes.
const OF_INTEGRATOR: f64 = 0.25;
/// Cells around the support at first, and for each cell of its width.
const MARGIN: (f64, f64) = (4.0, 0.125);
/// Standard deviations at which a Gaussian has fallen to the least probability.
const REACH: f64 = 9.0;
/// Most steps, of half a cell each, in which the drift is followed.
const STEPS: usize = 20_000;

/// A box of cells, along each axis.
type Cells = [Range<usize>; 3];
type Matrix = [[f64; 3]; 3];

/// A density followed on the cells that hold it; see the module.
pub struct Active {
    whole: Arc<System>,
    integrator: String,
    tolerance: f64,
    times: Vec<f64>,
    state: Vec<f64>,
    time: f64,
    on_box: Option<OnBox>,
    /// Times the first margin.
    margin: f64,
    /// Error of the boxes before this one, and of what left them.
    error: f64,
    corrected: f64,
    work: Work,
}

/// The integration on one box.
struct OnBox {
    cells: Cells,
    from: f64,
    system: Arc<System>,
    method: &'static str,
    reason: String,
    stepper: Box<dyn Stepper>,
}

impl Active {
    /// Follows a task so, where it pays; else gives it back. The integrator is one of the table, or "auto". Errors: no such integrator, one that
    /// does not apply.
    pub fn new(task: Task, integrator: &str) -> Result<Result<Self, Task>, Error> {
        let n = task.start.len();
        if n < FEWEST || task.step.is_some() || task.times.is_empty() || task.system.generator().has_exit() {
            return Ok(Err(task));
        }
        let mut active = Self {
            whole: task.system,
            integrator: integrator.to_string(),
            tolerance: task.tolerance,
            times: task.times,
            state: task.start,
            time: task.from,
            on_box: None,
            margin: 1.0,
            error: 0.0,
            corrected: 0.0,
            work: Work::default(),
        };
        let first = active.times.iter().copied().find(|&t| t > active.time).unwrap_or(active.time);
        let cells = active.cells_until(first);
        if count(&cells) as f64 > SHARE * n as f64 {
            let Self { whole: system, times, state: start, time: from, tolerance, .. } = active;
            return Ok(Err(Task { system, start, from, times, tolerance, step: None }));
        }
        active.on_box = Some(active.start(cells, active.time)?);
        Ok(Ok(active))
    }

    /// The integrator in use.
    pub fn method(&self) -> &'static str {
        self.on_box.as_ref().map_or("none", |on_box| on_box.method)
    }

    /// Why this integrator.
    pub fn reason(&self) -> &str {
        self.on_box.as_ref().map_or("", |on_box| &on_box.reason)
    }

    /// Cells that take part now, and all cells.
    pub fn cells(&self) -> [usize; 2] {
        [self.on_box.as_ref().map_or(self.state.len(), |on_box| count(&on_box.cells)), self.state.len()]
    }

    fn shape(&self) -> [usize; 3] {
        let mut shape = [1; 3];
        shape.iter_mut().zip(self.whole.shape()).for_each(|(own, n)| *own = *n);
        shape
    }

    /// The probability that a cell must have to take part.
    fn least(&self) -> f64 {
        NEGLIGIBLE.0.max(NEGLIGIBLE.1 * self.tolerance / self.state.len() as f64)
    }

    /// The box of the cells that hold probability, of where the drift carries its corners and its middle until `to`, and of a margin around.
    fn cells_until(&self, to: f64) -> Cells {
        let (shape, least) = (self.shape(), self.least());
        let (mut lower, mut upper) = (shape, [0; 3]);
        for cell in (0..self.state.len()).filter(|&cell| self.state[cell].abs() > least) {
            for (k, i) in index(cell, &shape).into_iter().enumerate() {
                (lower[k], upper[k]) = (lower[k].min(i), upper[k].max(i));
            }
        }
        if lower[0] > upper[0] {
            return shape.map(|n| 0..n); // no number is left, which is told where all cells take part
        }
        let width: [f64; 3] = std::array::from_fn(|k| upper[k].saturating_sub(lower[k]) as f64);
        let [mut from, mut end] = [lower, upper].map(|ends| ends.map(|i| i as f64));
        let middle: [f64; 3] = std::array::from_fn(|k| 0.5 * (from[k] + end[k]));
        let corner =
            |which: usize| std::array::from_fn(|k| if which >> k & 1 == 1 { upper[k] } else { lower[k] } as f64);
        let starts: Vec<[f64; 3]> = (0..1 << self.whole.shape().len()).map(corner).chain([middle]).collect();
        for start in starts {
            self.carried(start, to - self.time, |at| {
                for k in 0..3 {
                    (from[k], end[k]) = (from[k].min(at[k]), end[k].max(at[k]));
                }
            });
        }
        let spread = self.spread(middle, width.map(|width| (0.5 * width / REACH).powi(2)), to - self.time);
        let with = |wider: [f64; 3]| -> Cells {
            std::array::from_fn(|k| {
                let margin = self.margin * (MARGIN.0 + MARGIN.1 * width[k]).max(wider[k]);
                let [first, last] = [from[k] - margin, end[k] + margin].map(|x| x.clamp(0.0, (shape[k] - 1) as f64));
                first as usize..last.ceil() as usize + 1
            })
        };
        let predicted = with(std::array::from_fn(|k| REACH * spread[k].sqrt() - 0.5 * width[k]));
        let small = with([0.0; 3]);
        // a small box is worth a try where a narrow law at the middle of a wide one says that all cells are needed
        let share = |cells: &Cells| count(cells) as f64 / self.state.len() as f64;
        if share(&predicted) > SHARE && share(&small) < TRIED { small } else { predicted }
    }

    /// The mean velocity Σ_j K(i → j) (x_j − x_i) in a cell, and the covariance that is added in a unit of time, in cells.
    fn motion(&self, here: [usize; 3]) -> ([f64; 3], Matrix) {
        let (shape, generator) = (self.shape(), self.whole.generator());
        let cell = (here[0] * shape[1] + here[1]) * shape[2] + here[2];
        let (mut velocity, mut noise) = ([0.0; 3], [[0.0; 3]; 3]);
        for (&j, rate) in generator.outgoing(cell).0.iter().zip(generator.outgoing(cell).1) {
            let there = index(j as usize, &shape);
            let step: [f64; 3] = std::array::from_fn(|k| {
                let (n, step) = (shape[k] as f64, there[k] as f64 - here[k] as f64);
                // round a periodic axis
                if step.abs() > 0.5 * n && n > 2.0 { step - n.copysign(step) } else { step }
            });
            for k in 0..3 {
                velocity[k] += rate * step[k];
                (0..3).for_each(|l| noise[k][l] += rate * step[k] * step[l]);
            }
        }
        (velocity, noise)
    }

    /// The largest variances, in cells, of a narrow law that moves from a place for so long: V' = JV + VJᵀ + 2A with J = ∂b/∂x.
    fn spread(&self, mut at: [f64; 3], variance: [f64; 3], mut left: f64) -> [f64; 3] {
        let (shape, mut most) = (self.shape(), variance);
        let mut v: Matrix = std::array::from_fn(|k| std::array::from_fn(|l| if k == l { variance[k] } else { 0.0 }));
        for _ in 0..STEPS {
            let here: [usize; 3] = std::array::from_fn(|k| at[k].round() as usize);
            let (velocity, noise) = self.motion(here);
            let mut jacobian = [[0.0; 3]; 3];
            for l in 0..3 {
                let (mut before, mut after) = (here, here);
                (before[l], after[l]) = (here[l].saturating_sub(1), (here[l] + 1).min(shape[l] - 1));
                let apart = (after[l] - before[l]).max(1) as f64;
                let [after, before] = [after, before].map(|place| self.motion(place).0);
                (0..3).for_each(|k| jacobian[k][l] = (after[k] - before[k]) / apart);
            }
            let largest = |values: &[f64]| values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
            let rate = largest(jacobian.as_flattened());
            let step = left.min(0.5 / largest(&velocity)).min(0.1 / rate);
            let slope = |v: &Matrix| -> Matrix {
                let product = |k: usize, l: usize| -> f64 { (0..3).map(|m| jacobian[k][m] * v[m][l]).sum() };
                std::array::from_fn(|k| std::array::from_fn(|l| product(k, l) + product(l, k) + noise[k][l]))
            };
            let along = |v: &Matrix, slope: &Matrix, step: f64| -> Matrix {
                std::array::from_fn(|k| std::array::from_fn(|l| v[k][l] + step * slope[k][l]))
            };
            let half = along(&v, &slope(&v), 0.5 * step);
            v = along(&v, &slope(&half), step);
            for k in 0..3 {
                most[k] = most[k].max(v[k][k]);
                at[k] = (at[k] + step * velocity[k]).clamp(0.0, (shape[k] - 1) as f64);
            }
            left -= step;
            if left.is_nan() || left <= 0.0 {
                break;
            }
        }
        most.map(|most| if most.is_finite() { most } else { f64::MAX })
    }

    /// Follows the mean velocity from a place for so long.
    fn carried(&self, mut at: [f64; 3], mut left: f64, mut seen: impl FnMut(&[f64; 3])) {
        let shape = self.shape();
        for _ in 0..STEPS {
            let (velocity, _) = self.motion(std::array::from_fn(|k| at[k].round() as usize));
            let fastest = velocity.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
            let step = left.min(0.5 / fastest);
            if !(step > 0.0 && step.is_finite()) {
                return;
            }
            for k in 0..3 {
                at[k] = (at[k] + step * velocity[k]).clamp(0.0, (shape[k] - 1) as f64);
            }
            seen(&at);
            left -= step;
            if left <= 0.0 {
                return;
            }
        }
    }

    /// The integration on a box from the time `from` on, with the state as it is. Errors: as for [`Active::new`].
    fn start(&self, cells: Cells, from: f64) -> Result<OnBox, Error> {
        let shape = self.shape();
        let all = count(&cells) == self.state.len();
        let system = if all {
            self.whole.clone()
        } else {
            let generator = inside(self.whole.generator(), &shape, &cells);
            let shape: Vec<usize> = cells[..self.whole.shape().len()].iter().map(Range::len).collect();
            Arc::new(System::new(Arc::new(generator), &shape, None))
        };
        let start = each(&shape, &cells).map(|cell| self.state[cell]).collect();
        let times = self.times.iter().copied().filter(|&t| t >= from).collect();
        let tolerance = OF_INTEGRATOR * self.tolerance;
        let task = Task { system: system.clone(), start, from, times, tolerance, step: None };
        let (method, reason) = choose_with_reason(&self.integrator, &task)?;
        let stepper = (method.build)(task)?;
        Ok(OnBox { cells, from, system, method: method.name, reason, stepper })
    }

    /// Leaves the box: its counters and errors are kept.
    fn leave(&mut self) {
        if let Some(on_box) = self.on_box.take() {
            self.error += on_box.stepper.error();
            self.corrected = self.corrected.max(on_box.stepper.corrected());
            self.work = self.work + on_box.stepper.work();
        }
    }

    /// Takes the box for the interval up to `to`, all cells where it is most of them.
    fn enter(&mut self, to: f64) -> Result<(), Error> {
        let mut cells = self.cells_until(to);
        if count(&cells) as f64 > SHARE * self.state.len() as f64 {
            cells = self.shape().map(|n| 0..n);
        }
        self.on_box = Some(self.start(cells, self.time)?);
        Ok(())
    }
}

impl Stepper for Active {
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error> {
        while self.time < to {
            if self.on_box.is_none() {
                self.enter(to)?;
            }
            let Some(on_box) = &mut self.on_box else { break };
            let mut part = vec![0.0; count(&on_box.cells)];
            on_box.stepper.advance(to, interrupt, &mut part)?;
            let (cells, shape) = (on_box.cells.clone(), self.shape());
            let before: f64 = each(&shape, &cells).map(|cell| self.state[cell]).sum();
            let after: f64 = part.iter().sum();
            let missing = (before - after).abs();
            if missing > MISSING * self.tolerance && part.len() < self.state.len() {
                self.margin *= 2.0;
                self.leave();
                continue;
            }
            each(&shape, &cells).zip(part).for_each(|(cell, p)| self.state[cell] = p * (before / after));
            self.error += 2.0 * missing;
            self.time = to;
            // where the density has become narrower, or has moved on, fewer cells will do
            let next = self.times.iter().copied().find(|&t| t > to).unwrap_or(to);
            if (count(&self.cells_until(next)) as f64) < SHARE * count(&cells) as f64 {
                self.leave();
            }
        }
        out.copy_from_slice(&self.state);
        Ok(())
    }

    fn error(&self) -> f64 {
        let outside = 2.0 * self.least() * self.state.len() as f64;
        outside + self.error + self.on_box.as_ref().map_or(0.0, |on_box| on_box.stepper.error())
    }

    fn corrected(&self) -> f64 {
        self.on_box.as_ref().map_or(0.0, |on_box| on_box.stepper.corrected()).max(self.corrected)
    }

    fn work(&self) -> Work {
        self.work + self.on_box.as_ref().map_or(Work::default(), |on_box| on_box.stepper.work())
    }

    fn system(&self) -> Option<&Arc<System>> {
        self.on_box.as_ref().map(|on_box| &on_box.system)
    }

    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.array("state", &mut self.state)?;
        for (name, number) in [
            ("time", &mut self.time),
            ("margin", &mut self.margin),
            ("error", &mut self.error),
            ("corrected", &mut self.corrected),
        ] {
            archive.number(name, number)?;
        }
        self.work.archive(archive)?;
        let mut from: Option<f64> = self.on_box.as_ref().map(|on_box| on_box.from);
        archive.optional("box_from", &mut from)?;
        let mut ends: Vec<u64> = self.on_box.iter().flat_map(|on_box| on_box.cells.iter().flat_map(ends)).collect();
        archive.counts("box", &mut ends)?;
        if archive.is_restoring() {
            let cells = |k: usize| {
                let [first, end] = [2 * k, 2 * k + 1].map(|at| ends.get(at).map_or(0, |&i| i as usize));
                let end = end.min(self.shape()[k]);
                first.min(end.saturating_sub(1))..end
            };
            self.on_box = from.map(|from| self.start(std::array::from_fn(cells), from)).transpose()?;
        }
        match &mut self.on_box {
            Some(on_box) => archive.part("on_box", &mut |archive| on_box.stepper.archive(archive)),
            None => Ok(()),
        }
    }
}

fn ends(range: &Range<usize>) -> [u64; 2] {
    [range.start as u64, range.end as u64]
}

fn count(cells: &Cells) -> usize {
    cells.iter().map(Range::len).product()
}

fn index(cell: usize, shape: &[usize; 3]) -> [usize; 3] {
    [cell / (shape[1] * shape[2]), cell / shape[2] % shape[1], cell % shape[2]]
}

/// The cells of a box, in their order.
fn each<'a>(shape: &'a [usize; 3], cells: &'a Cells) -> impl Iterator<Item = usize> + 'a {
    let [first, second, third] = cells;
    first.clone().flat_map(move |i| {
        second.clone().flat_map(move |j| third.clone().map(move |k| (i * shape[1] + j) * shape[2] + k))
    })
}

/// The generator of a box, whose edges to other cells lead into the cemetery.
fn inside(generator: &Generator, shape: &[usize; 3], cells: &Cells) -> Generator {
    let own: [usize; 3] = std::array::from_fn(|k| cells[k].len());
    let place = |cell: usize| {
        let at = index(cell, shape);
        let within = (0..3).all(|k| cells[k].contains(&at[k]));
        within.then(|| {
            let at: [usize; 3] = std::array::from_fn(|k| at[k] - cells[k].start);
            (at[0] * own[1] + at[1]) * own[2] + at[2]
        })
    };
    let mut builder = GeneratorBuilder::new(count(cells));
    for (i, cell) in each(shape, cells).enumerate() {
        let (neighbours, out) = generator.outgoing(cell);
        for ((&neighbour, &forward), &backward) in neighbours.iter().zip(out).zip(generator.incoming(cell).1) {
            match place(neighbour as usize) {
                Some(j) if j > i => builder.add_edge(i, j, forward, backward),
                Some(_) => {}
                None => builder.add_exit(i, forward),
            }
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests;
