//! Chains whose paths end in a set: mean time, committor and survival of first passages.
//!
//! With P without the steps that touch the set, v = E min(T, τ) + P v is the mean time, and q = (arrivals) + P q the
//! probability to end in the first of several sets. Steps τ and 2τ are extrapolated to τ = 0, as laws are.

use super::extrapolation::Pair;
use super::long_steps::ChainStepper;
use super::solve::solve;
use super::surfaces::Surfaces;
use super::transition::{Chain, Ended};
use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::escape::on_grid::{GridPassage, PassageProblem, Timed};
use crate::escape::passage::Target;
use crate::fokker_planck::cells::interpolation::{at, interpolation};
use crate::fokker_planck::integrator::system::Stepper;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Residual, relative to the right-hand side, that systems are solved to.
const TOLERANCE: f64 = 1e-12;
/// Residual up to which a solution is accepted.
const ACCEPTED: f64 = 1e-6;

/// First passages by a pair of chains of the given long step.
pub struct Passages<'a> {
    /// Drift and D.
    pub dynamics: &'a dyn Dynamics,
    /// Temperature T.
    pub temperature: f64,
    /// The grid.
    pub grid: &'a Grid,
    /// The longer step, 2τ.
    pub long_step: f64,
}

/// Share of a mean time that the extrapolation may move it by before its error is as large as itself.
const MUCH: f64 = 0.3;

/// What the passages are like from every cell.
pub struct Fields {
    /// Mean time.
    pub mean_time: Vec<f64>,
    /// What the extrapolation moved the mean time by.
    pub mean_time_moved: Vec<f64>,
    /// Committor, where something else than an arrival can happen.
    pub committor: Option<Vec<f64>>,
    /// What the extrapolation moved the committor by.
    pub moved: Option<Vec<f64>>,
    /// Mean time to the first of the sets or a wall, where a set is avoided.
    pub exit: Option<Vec<f64>>,
    /// q times the mean time given an arrival, where something else can happen.
    pub weighted: Option<Vec<f64>>,
}

impl Passages<'_> {
    /// Mean time, committor and survival. Errors: a target without cells, cells from which no path ends, no convergence,
    /// [`Error::Interrupted`].
    pub fn answer(&self, problem: &PassageProblem, interrupt: Interrupt) -> Result<GridPassage, Error> {
        let Fields { mean_time, mean_time_moved, committor, moved, exit, weighted } =
            self.fields(problem, interrupt)?;
        let weights = interpolation(self.grid, None, problem.from);
        let (from_value, change) = (at(&weights, &mean_time), at(&weights, &mean_time_moved).abs());
        Ok(GridPassage {
            from_value,
            // steps so long that the extrapolation moves much of the value are beyond the range of its order
            error_grid: (change > MUCH * from_value).then_some(change.max(from_value)),
            from_committor: committor.as_deref().map(|field| at(&weights, field)),
            from_exit: exit.map(|exit| Timed::new(at(&weights, &exit))),
            from_conditional: conditional(&weights, weighted.as_deref(), committor.as_deref()).map(Timed::new),
            // where a path ends at a surface the lattice shows, differently for each length of a step
            from_committor_error_grid: moved.map(|moved| 0.5 * at(&weights, &moved).abs()),
            mean_time,
            committor,
            survival: self.survival(problem, &weights, interrupt)?,
            ..GridPassage::default()
        })
    }

    /// Mean time and, where something else than an arrival can happen, committor. Errors: cells without a way to an end, equations that
    /// are not solved, [`Error::Interrupted`].
    pub fn fields(&self, problem: &PassageProblem, interrupt: Interrupt) -> Result<Fields, Error> {
        let sets: Vec<&Target> = [problem.target].into_iter().chain(problem.avoid).collect();
        let by = |sets: &[&Target], field: &dyn Fn(&Killed) -> Result<Vec<f64>, Error>| {
            let [short, long] = [0.5 * self.long_step, self.long_step]
                .map(|step| self.killed(sets, step, interrupt).and_then(|k| field(&k)));
            let (short, long) = (short?, long?);
            let moved: Vec<f64> = short.iter().zip(&long).map(|(a, b)| a - b).collect();
            let field: Vec<f64> = short.iter().zip(&moved).map(|(a, moved)| a + moved).collect();
            Ok::<_, Error>((field, moved))
        };
        let (mut mean_time, mean_time_moved) = by(&sets[..1], &|killed| killed.mean_time(self.grid, interrupt))?;
        mean_time.iter_mut().for_each(|time| *time = time.max(0.0));
        let absorbing = self.grid.axes().iter().any(|axis| axis.absorbs());
        if sets.len() == 1 && !absorbing {
            let [committor, moved, exit, weighted] = [None, None, None, None];
            return Ok(Fields { mean_time, mean_time_moved, committor, moved, exit, weighted });
        }
        let (mut committor, moved) = by(&sets, &|killed| killed.committor(self.grid, interrupt))?;
        let inside = problem.target.cells(self.grid);
        committor.iter_mut().zip(inside).for_each(|(q, inside)| *q = if inside { 1.0 } else { q.clamp(0.0, 1.0) });
        let (weighted, _) = by(&sets, &|killed| killed.weighted_time(self.grid, interrupt))?;
        let exit = problem.avoid.map(|_| by(&sets, &|killed| killed.mean_time(self.grid, interrupt))).transpose()?;
        let (exit, weighted) = (exit.map(|(exit, _)| exit), Some(weighted));
        Ok(Fields { mean_time, mean_time_moved, committor: Some(committor), moved: Some(moved), exit, weighted })
    }

    fn killed(&self, sets: &[&Target], step: f64, interrupt: Interrupt) -> Result<Killed, Error> {
        let surfaces = Surfaces::new(self.grid, sets)?;
        let (chain, ended) = Chain::ending(self.dynamics, self.temperature, self.grid, step, &surfaces, interrupt)?;
        let killed = Killed { chain, ended, target: sets[0].text().to_string() };
        killed.check_reachable(self.grid, &surfaces)?;
        Ok(killed)
    }

    /// Probability not to have arrived at the times of the problem.
    fn survival(
        &self,
        problem: &PassageProblem,
        weights: &[(usize, f64)],
        interrupt: Interrupt,
    ) -> Result<Vec<f64>, Error> {
        let surfaces = Surfaces::new(self.grid, &[problem.target])?;
        let mut p = vec![0.0; self.grid.len()];
        weights.iter().filter(|(cell, _)| !surfaces.holds(*cell)).for_each(|&(cell, w)| p[cell] += w);
        let mut out = vec![p.iter().sum::<f64>()];
        if problem.times.len() > 1 {
            let build = |step: f64, interrupt: Interrupt| {
                Chain::ending(self.dynamics, self.temperature, self.grid, step, &surfaces, interrupt).map(|(c, _)| c)
            };
            let pair = Pair::new(&build, self.long_step, interrupt)?;
            let mut stepper = ChainStepper::new(Box::new(build), pair.into(), p.clone(), 0.0);
            for &time in &problem.times[1..] {
                stepper.advance(time, interrupt, &mut p)?;
                let most = out[out.len() - 1];
                out.push(p.iter().sum::<f64>().clamp(0.0, most));
            }
        }
        Ok(out)
    }
}

/// The mean time given an arrival at the start.
pub fn conditional(weights: &[(usize, f64)], weighted: Option<&[f64]>, committor: Option<&[f64]>) -> Option<f64> {
    let time = at(weights, weighted?) / at(weights, committor?);
    Some(time).filter(|time| time.is_finite())
}

/// A chain without the steps that touch the sets.
struct Killed {
    chain: Chain,
    ended: Ended,
    target: String,
}

impl Killed {
    fn mean_time(&self, grid: &Grid, interrupt: Interrupt) -> Result<Vec<f64>, Error> {
        let time: Vec<f64> = self.ended.time.iter().map(|share| share * self.chain.step).collect();
        self.solve(grid, &time, interrupt)
    }

    fn committor(&self, grid: &Grid, interrupt: Interrupt) -> Result<Vec<f64>, Error> {
        self.solve(grid, &self.ended.arrival, interrupt)
    }

    /// q τ_c, τ_c the mean time given an arrival: w = E(T; arrival in this step) + τ P q + P w, the time of an ending within the step
    /// being the same for all ends.
    fn weighted_time(&self, grid: &Grid, interrupt: Interrupt) -> Result<Vec<f64>, Error> {
        let (n, step) = (grid.len(), self.chain.step);
        let committor = self.committor(grid, interrupt)?;
        let (mut going, mut later) = (vec![0.0; n], vec![0.0; n]);
        self.chain.backward(&vec![1.0; n], &mut going);
        self.chain.backward(&committor, &mut later);
        let now = |x: usize| {
            let ended = 1.0 - going[x];
            let time = (self.ended.time[x] - going[x]).max(0.0);
            if ended > 1e-12 { time * (self.ended.arrival[x] / ended).min(1.0) } else { 0.0 }
        };
        let b: Vec<f64> = (0..n).map(|x| step * (later[x] + now(x))).collect();
        self.solve(grid, &b, interrupt)
    }

    /// (1 − P) u = b.
    fn solve(&self, grid: &Grid, b: &[f64], interrupt: Interrupt) -> Result<Vec<f64>, Error> {
        let mut u = b.to_vec();
        let size: f64 = b.iter().map(|b| b.abs()).sum();
        let product = |v: &[f64], out: &mut [f64]| self.chain.backward(v, out);
        let residual = solve(&product, Some(b), &mut u, TOLERANCE * size, interrupt)?;
        if residual <= ACCEPTED * size && u.iter().all(|u| u.is_finite()) {
            return Ok(u);
        }
        let worst = (0..u.len()).max_by(|&i, &j| u[i].abs().total_cmp(&u[j].abs())).unwrap_or(0);
        Err(Error::numerical(
            "first passage by the long-step chain",
            format!("to \"{}\", worst at {:?}", self.target, &grid.center(worst)[..grid.dimension()]),
            format!("the equations are solved to {:.1e} of their size only", residual / size),
            "use the discretisation \"edges\", a higher temperature, or a target on this side of the barrier",
        )
        .set_by(&[Setting::Discretisation]))
    }

    /// Every cell outside the sets must have a way to an end.
    fn check_reachable(&self, grid: &Grid, surfaces: &Surfaces) -> Result<(), Error> {
        let n = grid.len();
        let mut reached: Vec<bool> = (0..n).map(|x| surfaces.holds(x) || self.ended.exit[x] > 1e-14).collect();
        loop {
            let mut changed = false;
            // up and down in turn, so that ways along the grid are found in few sweeps
            for x in (0..n).chain((0..n).rev()) {
                if !reached[x] && self.chain.targets(x).any(|y| reached[y]) {
                    (reached[x], changed) = (true, true);
                }
            }
            if !changed {
                break;
            }
        }
        let Some(cell) = reached.iter().position(|r| !r) else { return Ok(()) };
        Err(Error::numerical(
            "first passage",
            format!("to \"{}\"", self.target),
            format!(
                "{} cells have no way to the target, the first at {:?}: the mean time from there is infinite",
                reached.iter().filter(|r| !**r).count(),
                &grid.center(cell)[..grid.dimension()]
            ),
            "choose a grid on which the noise connects all cells with the target, or add isotropic noise",
        )
        .set_by(&[Setting::NoiseFloor]))
    }
}
