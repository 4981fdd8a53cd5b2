//! First passage on the grid: mean time to a target, survival, committor.
//!
//! With the target's cells cut out of the generator Q the mean first-passage time solves −Q τ = 1, the survival from a point
//! is the mass left of dp/dt = Qᵀp, and the committor (the probability to reach the target before a set that is avoided, or an
//! absorbing wall) solves −Q q = the rate into the target.
//!
//! The surface of the target lies between cell centres. On an edge that crosses it at the fraction s the rate is that of an edge
//! of this length into the cemetery, λ/s · B(−s p) for λ B(−p) before, which keeps second order (the symmetric treatment of
//! F. Gibou et al., doi:10.1006/jcph.2001.6977, with exponential fitting). λ and p are those in the middle of what is left of the edge,
//! by interpolation between this edge and the one on the other side of the cell.
//!
//! That alone leaves mean times an error of order h² that depends on s, which is another one on every grid, since the cell at the
//! surface counts with its whole volume where its shortened edges stand for (1 + s)/2 of it (G. H. Shortley & R. Weller 1938,
//! doi:10.1063/1.1710426). Its source is therefore Σ_k n_k² (1 + s_k)/2, n the normal of the plane through the points where the axes meet the
//! surface; and values at the start are read off by cubic interpolation. What is left of s is of order h³ on a line, below the regular
//! error of the interior that coarser grids tell.

use std::sync::Arc;

use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::escape::on_grid::{Absorbed, AtStart, GridPassage, PassageProblem, Timed};
use crate::escape::passage::Target;
use crate::fokker_planck::cells::interpolation::{at, cubic, interpolation, of_field};
use crate::fokker_planck::cells::weighted::WeightedCells;
use crate::fokker_planck::generator::{Generator, GeneratorBuilder};
use crate::fokker_planck::integrator::system::{IntegratorOptions, System, Task};
use crate::fokker_planck::integrator::table::choose;
use crate::fokker_planck::linear::table::{solve_backward, solve_forward};
use crate::numerics::bernoulli::{bernoulli, weighted_pair};
use crate::problem::grid::{Axis, Boundary, Grid};

/// Shortest fraction of an edge before the surface of a target.
const SHORTEST: f64 = 1e-9;

/// Mean time, survival and committor on a grid with its generator, whose fields stand at the centres or at the nodes of weighted `cells`.
///
/// At absorbing walls a passage ends as well: τ is then the mean time to the target or such a wall. Errors: a target without
/// cells, cells from which the target cannot be reached, times beyond the range of floating-point numbers, interruption.
pub fn first_passage(
    generator: &Generator,
    grid: &Grid,
    cells: Option<&WeightedCells>,
    problem: &PassageProblem,
    integrator: IntegratorOptions,
    interrupt: Interrupt,
) -> Result<GridPassage, Error> {
    let killed = Killed::new(generator, grid, &[problem.target])?;
    let weights = interpolation(grid, cells, problem.from);
    let mean_time = killed.solve(grid, &killed.source, interrupt)?;
    let (survival, error_time) = survival(&killed, grid, &weights, problem.times, integrator, interrupt)?;
    let either = Either::new(generator, grid, cells, problem, &killed, interrupt)?;
    let committor = either.as_ref().map(|either| either.committor.clone());
    Ok(GridPassage {
        from_value: at(&killed.reading(grid, cells, problem.from), &mean_time),
        from_committor: either.as_ref().map(Either::committor_at_start),
        from_exit: either.as_ref().and_then(Either::exit_at_start).map(Timed::new),
        from_conditional: either.as_ref().and_then(Either::conditional_at_start).map(Timed::new),
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
    /// Weights that read them at the start.
    reading: Vec<(usize, f64)>,
}

impl Either {
    /// `alone` is without the target alone. None where nothing else can happen.
    fn new(
        generator: &Generator,
        grid: &Grid,
        cells: Option<&WeightedCells>,
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
        let source: Vec<f64> = committor.iter().zip(&killed.source).map(|(q, source)| q * source).collect();
        let weighted = killed.solve(grid, &source, interrupt)?;
        let exit = both.as_ref().map(|both| both.solve(grid, &both.source, interrupt)).transpose()?;
        let reading = killed.reading(grid, cells, problem.from);
        Ok(Some(Self { committor, exit, weighted, reading }))
    }

    fn committor_at_start(&self) -> f64 {
        at(&self.reading, &self.committor).clamp(0.0, 1.0)
    }

    fn exit_at_start(&self) -> Option<f64> {
        self.exit.as_deref().map(|exit| at(&self.reading, exit))
    }

    /// τ_c at the start; None where the target never comes first.
    fn conditional_at_start(&self) -> Option<f64> {
        let (time, share) = (at(&self.reading, &self.weighted), at(&self.reading, &self.committor));
        Some(time / share).filter(|time| time.is_finite())
    }
}

/// τ and the committor at the starting point alone; None for what fails as [`first_passage`] would.
pub fn at_start(
    generator: &Generator,
    grid: &Grid,
    cells: Option<&WeightedCells>,
    problem: &PassageProblem,
    interrupt: Interrupt,
) -> AtStart {
    let Ok(killed) = Killed::new(generator, grid, &[problem.target]) else {
        return AtStart::default();
    };
    let mean_time = killed.solve(grid, &killed.source, interrupt).ok();
    let either = Either::new(generator, grid, cells, problem, &killed, interrupt).ok().flatten();
    let either = either.as_ref();
    AtStart {
        mean_time: mean_time.map(|time| at(&killed.reading(grid, cells, problem.from), &time)),
        committor: either.map(Either::committor_at_start),
        exit: either.and_then(Either::exit_at_start),
        conditional: either.and_then(Either::conditional_at_start),
    }
}

/// A generator whose target cells are cut out: they have no edges, and an exit that only keeps the matrix regular.
struct Killed {
    generator: Arc<Generator>,
    /// Rate into the first set, 0 in the sets themselves.
    arrival: Vec<f64>,
    /// 1 outside the sets, 0 in them.
    outside: Vec<f64>,
    /// The same with the shares of the cells at the surfaces: what a unit source gives.
    source: Vec<f64>,
    /// Cells of the first set.
    target: Vec<bool>,
}

/// The generator with the cells of a set cut out, its surface as above. Errors: no cells in it, cells with no way to it.
pub(crate) fn killed(generator: &Generator, grid: &Grid, set: &Target) -> Result<Arc<Generator>, Error> {
    Ok(Killed::new(generator, grid, &[set])?.generator)
}

/// Probability to reach `target` before `avoid` (n) and the rate of arrivals in the target from each cell (n).
///
/// Errors: a set without cells, cells without a way to either, [`Error::Interrupted`].
pub(crate) fn committor_and_arrival(
    generator: &Generator,
    grid: &Grid,
    target: &Target,
    avoid: &Target,
    interrupt: Interrupt,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let killed = Killed::new(generator, grid, &[target, avoid])?;
    Ok((killed.committor(grid, interrupt)?, killed.arrival))
}

/// An edge from a cell outside the sets to one inside: both cells, rates there and back, the fraction of it before the surface.
struct Crossing {
    from: usize,
    to: usize,
    set: usize,
    rates: [f64; 2],
    fraction: f64,
}

impl Crossing {
    /// The rate along the part of the edge before the surface.
    fn rate(&self, generator: &Generator, grid: &Grid) -> f64 {
        let way = |to: usize| segment(grid, self.from, to).1;
        let seen = |to: usize, rates: [f64; 2]| {
            let length = way(to).iter().map(|x| x * x).sum::<f64>().sqrt();
            Seen::new(rates, [grid.volume(self.from), grid.volume(to)], length)
        };
        let Some(edge) = seen(self.to, self.rates) else {
            return self.rates[0]; // an upwind edge: the drift carries out what it carried over
        };
        let ((cells, out), (_, back)) = (generator.outgoing(self.from), generator.incoming(self.from));
        let there = way(self.to);
        let mut beside = cells.iter().zip(out).zip(back).map(|((&to, &out), &back)| (to as usize, [out, back]));
        let other = beside.find(|(to, _)| opposite(there, way(*to))).and_then(|(to, rates)| seen(to, rates));
        edge.shortened(self.fraction, other)
    }
}

/// Whether two ways from a cell point in opposite directions.
fn opposite(a: [f64; 3], b: [f64; 3]) -> bool {
    let dot = |a: [f64; 3], b: [f64; 3]| (0..3).map(|k| a[k] * b[k]).sum::<f64>();
    dot(a, b) < -(1.0 - 1e-9) * (dot(a, a) * dot(b, b)).sqrt()
}

/// The edges that cross the surfaces of the sets.
fn crossings(
    generator: &Generator,
    grid: &Grid,
    sets: &[&Target],
    set_of: &dyn Fn(usize) -> Option<usize>,
) -> Vec<Crossing> {
    let mut all = Vec::new();
    for (set, target) in sets.iter().enumerate() {
        let mut through = Vec::new();
        for from in (0..grid.len()).filter(|&cell| set_of(cell).is_none()) {
            let ((cells, out), (_, back)) = (generator.outgoing(from), generator.incoming(from));
            for ((&to, &out), &back) in cells.iter().zip(out).zip(back) {
                if set_of(to as usize) == Some(set) {
                    through.push(Crossing { from, to: to as usize, set, rates: [out, back], fraction: 1.0 });
                }
            }
        }
        let fractions = fractions(grid, &through, target);
        through.iter_mut().zip(fractions).for_each(|(crossing, s)| crossing.fraction = s);
        all.extend(through);
    }
    all
}

/// The share of each cell's volume that its edges stand for: 1 but next to surfaces; see the module.
fn shares(grid: &Grid, crossings: &[Crossing]) -> Vec<f64> {
    let mut sums = vec![[0.0; 2]; grid.len()];
    for crossing in crossings {
        // n_k² ∝ 1/(s_k d_k)², times A_kk ∝ λ_k d_k²
        let weight = crossing.rates[0].max(crossing.rates[1]) / crossing.fraction.powi(2);
        let [whole, cut] = &mut sums[crossing.from];
        *whole += weight;
        *cut += weight * 0.5 * (1.0 - crossing.fraction);
    }
    let share = |[whole, cut]: [f64; 2]| if whole > 0.0 { (1.0 - cut / whole).clamp(0.0, 1.0) } else { 1.0 };
    sums.into_iter().map(share).collect()
}

impl Killed {
    fn new(generator: &Generator, grid: &Grid, sets: &[&Target]) -> Result<Self, Error> {
        let n = grid.len();
        let inside: Vec<Vec<bool>> = sets.iter().map(|set| set.cells(grid)).collect();
        sets.iter().try_for_each(|set| covered(set, grid))?;
        // a cell of a set is left at some rate, which no answer depends on: one of the size of the others
        let slowest = generator.leaving().iter().copied().filter(|rate| *rate > 0.0).fold(f64::INFINITY, f64::min);
        let slowest = if slowest.is_finite() { slowest } else { 1.0 };
        let set_of = |cell: usize| inside.iter().position(|cells| cells[cell]);
        let crossings = crossings(generator, grid, sets, &set_of);
        let mut builder = GeneratorBuilder::new(n);
        for i in 0..n {
            if set_of(i).is_some() {
                builder.add_exit(i, generator.leaving()[i].max(slowest));
                continue;
            }
            builder.add_exit(i, generator.exit()[i]);
            let ((cells, out), (_, back)) = (generator.outgoing(i), generator.incoming(i));
            for ((&j, &out), &back) in cells.iter().zip(out).zip(back) {
                let j = j as usize;
                if i < j && set_of(j).is_none() {
                    builder.add_edge(i, j, out, back);
                }
            }
        }
        let mut arrival = vec![0.0; n];
        for crossing in &crossings {
            let rate = crossing.rate(generator, grid);
            builder.add_exit(crossing.from, rate);
            if crossing.set == 0 {
                arrival[crossing.from] += rate;
            }
        }
        let outside: Vec<f64> = (0..n).map(|i| if set_of(i).is_some() { 0.0 } else { 1.0 }).collect();
        let source = outside.iter().zip(shares(grid, &crossings)).map(|(outside, share)| outside * share).collect();
        let target = inside[0].clone();
        let killed = Self { generator: Arc::new(builder.finish()), arrival, outside, source, target };
        killed.check_reachable(grid, sets[0])?;
        Ok(killed)
    }

    /// Weights that read a field outside the sets at a point: cubic where there are cells enough, else linear.
    fn reading(&self, grid: &Grid, cells: Option<&WeightedCells>, point: &[f64]) -> Vec<(usize, f64)> {
        let used = |cell: usize| self.outside[cell] > 0.0;
        cubic(grid, cells, point, &used).unwrap_or_else(|| of_field(grid, cells, point))
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
            "choose a grid on which the noise connects all cells with the target, or add isotropic noise",
        )
        .set_by(&[Setting::NoiseFloor]))
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

/// An edge out of a cell as seen from there: conductance λ d and exponent p/d per length, and its length d.
#[derive(Clone, Copy)]
struct Seen {
    conductance: f64,
    exponent: f64,
    length: f64,
}

impl Seen {
    /// The edge between cells of these volumes with the rates [out, back]; None for an upwind one.
    fn new([out, back]: [f64; 2], volumes: [f64; 2], length: f64) -> Option<Self> {
        if !(out > 0.0 && back > 0.0) {
            return None;
        }
        let back = back * volumes[1] / volumes[0];
        let p = out.ln() - back.ln();
        // by the rate that the drift helps, so that the other one may be as small as it likes
        let even = if p > 0.0 { out / bernoulli(-p) } else { back / bernoulli(p) };
        (even > 0.0 && even.is_finite()).then(|| Self { conductance: even * length, exponent: p / length, length })
    }

    /// The part of length s d next to the cell, with the coefficients in its middle by `other`, the edge on the other side.
    fn shortened(self, s: f64, other: Option<Self>) -> f64 {
        let length = s * self.length;
        let (conductance, exponent) = match other {
            None => (self.conductance, self.exponent),
            Some(other) => {
                let share = (length + other.length) / (self.length + other.length);
                let between = |mine: f64, other: f64| other + (mine - other) * share;
                (between(self.conductance, other.conductance), between(self.exponent, -other.exponent))
            }
        };
        weighted_pair(conductance / length, exponent * length).0.min(f64::MAX)
    }
}

/// Where each crossing meets the surface of the set, as a fraction of the edge, by bisection.
fn fractions(grid: &Grid, crossings: &[Crossing], set: &Target) -> Vec<f64> {
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
