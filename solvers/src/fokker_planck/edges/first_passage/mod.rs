//! First passage on the grid: mean time to a target, survival, committor.
//!
//! With the target's cells cut out of the generator Q the mean first-passage time solves −Q τ = 1, the survival from a point
//! is the mass left of dp/dt = Qᵀp, and the committor (the probability to reach the target before a set that is avoided, or an
//! absorbing wall) solves −Q q = the rate into the target.
//!
//! The surface of the target lies between cell centres. On an edge that crosses it at the fraction s the rate is that of an edge
//! of this length into the cemetery, λ/s · B(−s p) for λ B(−p) before, which keeps second order (the symmetric treatment of
//! F. Gibou et al., doi:10.1006/jcph.2001.6977, with exponential fitting).

use std::sync::Arc;

use crate::Error;
use crate::engine::Interrupt;
use crate::escape::on_grid::{Absorbed, AtStart, GridPassage, PassageProblem, Timed};
use crate::escape::passage::Target;
use crate::fokker_planck::cells::interpolation::{at, interpolation};
use crate::fokker_planck::generator::{Generator, GeneratorBuilder};
use crate::fokker_planck::integrator::system::{IntegratorOptions, System, Task};
use crate::fokker_planck::integrator::table::choose;
use crate::fokker_planck::linear::table::{solve_backward, solve_forward};
use crate::numerics::bernoulli::{bernoulli, weighted_pair};
use crate::problem::grid::{Axis, Boundary, Grid};

/// Shortest fraction of an edge before the surface of a target.
const SHORTEST: f64 = 1e-9;

/// Mean time, survival and committor on a grid with its generator.
///
/// At absorbing walls a passage ends as well: τ is then the mean time to the target or such a wall. Errors: a target without
/// cells, cells from which the target cannot be reached, times beyond the range of floating-point numbers, interruption.
pub fn first_passage(
    generator: &Generator,
    grid: &Grid,
    problem: &PassageProblem,
    integrator: IntegratorOptions,
    interrupt: Interrupt,
) -> Result<GridPassage, Error> {
    let killed = Killed::new(generator, grid, &[problem.target])?;
    let weights = interpolation(grid, problem.from);
    let at_start = |field: &[f64]| at(&weights, field);
    let mean_time = killed.solve(grid, &killed.outside, interrupt)?;
    let (survival, error_time) = survival(&killed, grid, &weights, problem.times, integrator, interrupt)?;
    let either = Either::new(generator, grid, problem, &killed, interrupt)?;
    let committor = either.as_ref().map(|either| either.committor.clone());
    Ok(GridPassage {
        from_value: at_start(&mean_time),
        from_committor: committor.as_deref().map(at_start),
        from_exit: either.as_ref().and_then(|either| either.exit.as_deref()).map(at_start).map(Timed::new),
        from_conditional: either.as_ref().and_then(|either| either.conditional(&weights)).map(Timed::new),
        absorbed: match problem.avoid {
            None => killed.absorbed(generator, grid, &weights, interrupt)?,
            Some(avoid) => {
                let both = Killed::new(generator, grid, &[problem.target, avoid])?;
                both.absorbed(generator, grid, &weights, interrupt)?
            }
        },
        mean_time,
        committor,
        survival,
        error_time,
        ..GridPassage::default()
    })
}

/// Where something else than an arrival can happen: at the target, the avoided set or an absorbing wall, whichever comes first.
struct Either {
    /// Probability q that it is the target.
    committor: Vec<f64>,
    /// Mean time to it; None where no set is avoided, so that it is the mean time itself.
    exit: Option<Vec<f64>>,
    /// q τ_c, τ_c the mean time given that it is the target: −Q(q τ_c) = q.
    weighted: Vec<f64>,
}

impl Either {
    /// `alone` is without the target alone. None where nothing else can happen.
    fn new(
        generator: &Generator,
        grid: &Grid,
        problem: &PassageProblem,
        alone: &Killed,
        interrupt: Interrupt,
    ) -> Result<Option<Self>, Error> {
        let both = match problem.avoid {
            Some(avoid) => Some(Killed::new(generator, grid, &[problem.target, avoid])?),
            None if generator.has_exit() => None,
            None => return Ok(None),
        };
        let killed = both.as_ref().unwrap_or(alone);
        let committor = killed.committor(grid, interrupt)?;
        let source: Vec<f64> = committor.iter().zip(&killed.outside).map(|(q, outside)| q * outside).collect();
        let weighted = killed.solve(grid, &source, interrupt)?;
        let exit = both.as_ref().map(|both| both.solve(grid, &both.outside, interrupt)).transpose()?;
        Ok(Some(Self { committor, exit, weighted }))
    }

    /// τ_c at the start; None where the target never comes first.
    fn conditional(&self, weights: &[(usize, f64)]) -> Option<f64> {
        let (time, share) = (at(weights, &self.weighted), at(weights, &self.committor));
        Some(time / share).filter(|time| time.is_finite())
    }
}

/// τ and the committor at the starting point alone; None for what fails as [`first_passage`] would.
pub fn at_start(generator: &Generator, grid: &Grid, problem: &PassageProblem, interrupt: Interrupt) -> AtStart {
    let Ok(killed) = Killed::new(generator, grid, &[problem.target]) else {
        return AtStart::default();
    };
    let weights = interpolation(grid, problem.from);
    let here = |field: &[f64]| at(&weights, field);
    let mean_time = killed.solve(grid, &killed.outside, interrupt).ok().map(|time| here(&time));
    let either = Either::new(generator, grid, problem, &killed, interrupt).ok().flatten();
    let either = either.as_ref();
    AtStart {
        mean_time,
        committor: either.map(|either| here(&either.committor)),
        exit: either.and_then(|either| either.exit.as_deref()).map(here),
        conditional: either.and_then(|either| either.conditional(&weights)),
    }
}

/// A generator whose target cells are cut out: they have no edges, and an exit that only keeps the matrix regular.
struct Killed {
    generator: Arc<Generator>,
    /// Rate into the first set, 0 in the sets themselves.
    arrival: Vec<f64>,
    /// 1 outside the sets, 0 in them.
    outside: Vec<f64>,
    /// Cells of the first set.
    target: Vec<bool>,
}

/// The generator with the cells of a set cut out, its surface as above. Errors: no cells in it, cells with no way to it.
pub(crate) fn killed(generator: &Generator, grid: &Grid, set: &Target) -> Result<Arc<Generator>, Error> {
    Ok(Killed::new(generator, grid, &[set])?.generator)
}

/// An edge from a cell outside the sets to one inside: both cells, rates there and back.
struct Crossing {
    from: usize,
    to: usize,
    set: usize,
    rates: [f64; 2],
}

impl Killed {
    fn new(generator: &Generator, grid: &Grid, sets: &[&Target]) -> Result<Self, Error> {
        let n = grid.len();
        let inside: Vec<Vec<bool>> = sets.iter().map(|set| set.cells(grid)).collect();
        sets.iter().try_for_each(|set| covered(set, grid))?;
        let set_of = |cell: usize| inside.iter().position(|cells| cells[cell]);
        let mut builder = GeneratorBuilder::new(n);
        let mut crossings = Vec::new();
        for i in 0..n {
            if set_of(i).is_some() {
                builder.add_exit(i, generator.leaving()[i].max(1.0));
                continue;
            }
            builder.add_exit(i, generator.exit()[i]);
            let ((cells, out), (_, back)) = (generator.outgoing(i), generator.incoming(i));
            for ((&j, &out), &back) in cells.iter().zip(out).zip(back) {
                let j = j as usize;
                match set_of(j) {
                    None if i < j => builder.add_edge(i, j, out, back),
                    None => {}
                    Some(set) => crossings.push(Crossing { from: i, to: j, set, rates: [out, back] }),
                }
            }
        }
        let mut arrival = vec![0.0; n];
        for (set, target) in sets.iter().enumerate() {
            let through: Vec<&Crossing> = crossings.iter().filter(|c| c.set == set).collect();
            for (crossing, s) in through.iter().zip(fractions(grid, &through, target)) {
                let rate = shortened(crossing.rates, s);
                builder.add_exit(crossing.from, rate);
                if set == 0 {
                    arrival[crossing.from] += rate;
                }
            }
        }
        let outside = (0..n).map(|i| if set_of(i).is_some() { 0.0 } else { 1.0 }).collect();
        let killed = Self { generator: Arc::new(builder.finish()), arrival, outside, target: inside[0].clone() };
        killed.check_reachable(grid, sets[0])?;
        Ok(killed)
    }

    /// Every cell must have a way to an exit.
    fn check_reachable(&self, grid: &Grid, target: &Target) -> Result<(), Error> {
        let n = self.generator.cells();
        let mut reached: Vec<bool> = self.generator.exit().iter().map(|&rate| rate > 0.0).collect();
        let mut front: Vec<usize> = (0..n).filter(|&i| reached[i]).collect();
        while let Some(j) = front.pop() {
            let (cells, rates) = self.generator.incoming(j);
            for (&i, &rate) in cells.iter().zip(rates) {
                if rate > 0.0 && !reached[i as usize] {
                    reached[i as usize] = true;
                    front.push(i as usize);
                }
            }
        }
        let Some(cell) = reached.iter().position(|r| !r) else { return Ok(()) };
        let stuck = reached.iter().filter(|r| !**r).count();
        Err(Error::numerical(
            "first passage",
            format!("to \"{}\"", target.text()),
            format!(
                "{stuck} cells have no way to the target, the first at {:?}: the mean time from there is infinite",
                &grid.center(cell)[..grid.dimension()]
            ),
            "choose a grid on which the noise connects all cells with the target, or add noise.floor",
        ))
    }

    /// −Q u = b with u = 0 in the sets.
    fn solve(&self, grid: &Grid, b: &[f64], interrupt: Interrupt) -> Result<Vec<f64>, Error> {
        let mut u = b.to_vec();
        solve_backward(&self.generator, grid.shape(), 0.0, &mut u, interrupt)?;
        match u.iter().position(|u| !u.is_finite()) {
            None => Ok(u),
            Some(cell) => Err(Error::numerical(
                "first passage",
                format!("at {:?}", &grid.center(cell)[..grid.dimension()]),
                "the mean time is beyond the largest floating-point number",
                "raise the temperature, or choose a target on this side of the barrier",
            )),
        }
    }

    /// Probability to end at each absorbing wall: the mean times in the cells along it, from the start, times their exit rates; a corner
    /// counts half for either wall.
    fn absorbed(
        &self,
        generator: &Generator,
        grid: &Grid,
        weights: &[(usize, f64)],
        interrupt: Interrupt,
    ) -> Result<Vec<Absorbed>, Error> {
        if !generator.has_exit() {
            return Ok(Vec::new());
        }
        let mut time = vec![0.0; grid.len()];
        weights.iter().for_each(|&(cell, w)| time[cell] += w * self.outside[cell]);
        solve_forward(&self.generator, grid.shape(), 0.0, &mut time, interrupt)?;
        let walls = |(axis, a): (usize, &Axis)| {
            let absorbs = a.boundary().map(|boundary| boundary == Boundary::Absorbing);
            [false, true].into_iter().filter(move |upper| absorbs[usize::from(*upper)]).map(move |upper| (axis, upper))
        };
        let walls: Vec<(usize, bool)> = grid.axes().iter().enumerate().flat_map(walls).collect();
        let along = |cell: usize, &(axis, upper): &(usize, bool)| {
            grid.multi_index(cell)[axis] == if upper { grid.shape()[axis] - 1 } else { 0 }
        };
        let mut shares = vec![0.0; walls.len()];
        for cell in (0..grid.len()).filter(|&cell| self.outside[cell] > 0.0 && generator.exit()[cell] > 0.0) {
            let touched: Vec<usize> = (0..walls.len()).filter(|&k| along(cell, &walls[k])).collect();
            let share = time[cell] * generator.exit()[cell] / touched.len().max(1) as f64;
            touched.iter().for_each(|&k| shares[k] += share);
        }
        let absorbed = |(&(axis, upper), probability)| Absorbed { axis, upper, probability, error: None };
        Ok(walls.iter().zip(shares).map(absorbed).collect())
    }

    fn committor(&self, grid: &Grid, interrupt: Interrupt) -> Result<Vec<f64>, Error> {
        let mut q = self.solve(grid, &self.arrival, interrupt)?;
        q.iter_mut().zip(&self.target).for_each(|(q, &inside)| *q = if inside { 1.0 } else { q.clamp(0.0, 1.0) });
        Ok(q)
    }
}

/// The rate along an edge that ends after the fraction s of its length.
fn shortened([out, back]: [f64; 2], s: f64) -> f64 {
    if !(out > 0.0 && back > 0.0) {
        return out; // an upwind edge: the drift carries out what it carried over
    }
    let p = out.ln() - back.ln();
    (weighted_pair(1.0 / s, s * p).0 * (out / bernoulli(-p))).min(f64::MAX)
}

/// Where each crossing meets the surface of the set, as a fraction of the edge, by bisection.
fn fractions(grid: &Grid, crossings: &[&Crossing], set: &Target) -> Vec<f64> {
    let (d, n) = (grid.dimension(), crossings.len());
    let ends: Vec<([f64; 3], [f64; 3])> = crossings.iter().map(|c| segment(grid, c.from, c.to)).collect();
    let (mut low, mut high) = (vec![0.0; n], vec![1.0; n]);
    let mut points = vec![0.0; d * n];
    for _ in 0..45 {
        for (i, (start, step)) in ends.iter().enumerate() {
            let s = 0.5 * (low[i] + high[i]);
            for (k, axis) in grid.axes().iter().enumerate() {
                let x = start[k] + s * step[k];
                points[k * n + i] = if axis.is_periodic() { axis.wrap(x) } else { x };
            }
        }
        for (i, inside) in set.contains(&points).into_iter().enumerate() {
            let s = 0.5 * (low[i] + high[i]);
            if inside { high[i] = s } else { low[i] = s }
        }
    }
    low.iter().zip(&high).map(|(a, b)| (0.5 * (a + b)).max(SHORTEST)).collect()
}

/// Centre of a cell and the way from there to the nearest image of another.
fn segment(grid: &Grid, from: usize, to: usize) -> ([f64; 3], [f64; 3]) {
    let (start, end) = (grid.center(from), grid.center(to));
    let mut step = [0.0; 3];
    for (k, axis) in grid.axes().iter().enumerate() {
        step[k] = end[k] - start[k];
        if axis.is_periodic() {
            step[k] -= axis.length() * (step[k] / axis.length()).round();
        }
    }
    (start, step)
}

/// Whether a set has cells. Errors: it has none.
pub(crate) fn covered(set: &Target, grid: &Grid) -> Result<(), Error> {
    if set.cells(grid).contains(&true) {
        return Ok(());
    }
    Err(Error::invalid(
        format!("the target \"{}\" covers no cell of a grid of {:?} cells", set.text(), grid.shape()),
        "move the target into the grid, or use more cells",
    ))
}

/// Mass left at each time, from the interpolation weights as the law at time 0, and the error of the time integration.
fn survival(
    killed: &Killed,
    grid: &Grid,
    weights: &[(usize, f64)],
    times: &[f64],
    integrator: IntegratorOptions,
    interrupt: Interrupt,
) -> Result<(Vec<f64>, f64), Error> {
    let mut p = vec![0.0; grid.len()];
    for &(cell, w) in weights {
        p[cell] += w * killed.outside[cell];
    }
    let mut out = vec![p.iter().sum::<f64>()];
    let system = Arc::new(System::new(killed.generator.clone(), grid.shape(), None));
    let (start, times_) = (p.clone(), times.to_vec());
    let task = Task { system, start, from: 0.0, times: times_, tolerance: integrator.tolerance, step: None };
    let method = choose(integrator.name, &task)?;
    let mut stepper = (method.build)(task)?;
    for &time in &times[1..] {
        stepper.advance(time, interrupt, &mut p)?;
        let most = out[out.len() - 1];
        out.push(p.iter().sum::<f64>().clamp(0.0, most));
    }
    Ok((out, stepper.error()))
}

#[cfg(test)]
mod tests;
