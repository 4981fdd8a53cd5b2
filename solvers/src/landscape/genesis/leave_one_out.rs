//! Which sample makes which minimum: the first order for all of them, and branches in the weight of those that move it most.
//!
//! ```text
//! dθ*/dc_i = −H⁻¹ ∇l_i/m  at c = 1
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::branches::{points, seeding};
use super::continuation::{BranchPoint, End, Path, describe, follow};
use super::family::SampleWeight;
use super::node::Node;
use super::system::{System, difference, norm};
use crate::engine::Interrupt;
use crate::error::Error;
use crate::landscape::CriticalPoint;
use crate::model::Model;
use crate::model::weighted::pulls;
use crate::numerics::elimination::solve;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::dynamics::lengths;
use crate::problem::grid::Grid;

/// Points nearer than this, in units of box and range, are the same.
const SAME: f64 = 1e-6;

/// The first order of a sample's weight at a minimum.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// The sample, from 0.
    pub sample: usize,
    /// dθ*/dc_i (d).
    pub derivative: Vec<f64>,
}

/// What becomes of a minimum as the weight of a sample falls from 1 to 0.
#[derive(Debug, Clone)]
pub struct Fate {
    /// The sample, from 0.
    pub sample: usize,
    /// Why the branch ends: at weight 0 with [`End::Range`].
    pub end: End,
    /// Where it ends: at weight 0, at the fold, or at the edge of the box.
    pub last: BranchPoint,
}

impl Fate {
    /// Whether the minimum is there without the sample.
    pub fn survives(&self) -> bool {
        self.end == End::Range
    }
}

/// A critical point that is there without a sample, and not with it.
#[derive(Debug, Clone)]
pub struct Born {
    /// The sample, from 0.
    pub sample: usize,
    /// The point without it.
    pub point: BranchPoint,
    /// Why its branch ends as the weight grows, and where.
    pub end: End,
    /// Where it ends.
    pub last: BranchPoint,
}

/// Leave-one-out: for each minimum all samples, the strongest first, and what becomes of it without some of them.
#[derive(Debug, Clone)]
pub struct LeaveOneOut {
    /// The minima with all samples.
    pub minima: Vec<CriticalPoint>,
    /// For each minimum all samples, by |dθ*/dc_i| in units of the box.
    pub ranking: Vec<Vec<Ranked>>,
    /// For each minimum what becomes of it without the samples that were followed, in the order of the samples.
    pub fates: Vec<Vec<Fate>>,
    /// Critical points that are there without a sample alone.
    pub born: Vec<Born>,
}

/// Leave-one-out at the minima of a model with data; the `top` samples of each minimum are followed, and `tell` hears how many are done, of
/// how many.
///
/// # Errors
/// A model without samples or without their losses; interrupted.
pub fn leave_one_out(
    model: &Arc<dyn Model>,
    grid: &Grid,
    top: usize,
    interrupt: Interrupt,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> Result<LeaveOneOut, Error> {
    let family = |sample: usize| SampleWeight { model: Arc::clone(model), sample };
    let seeding = seeding(grid);
    let all = points(&family(0), grid, 1.0)?;
    let minima: Vec<CriticalPoint> = all.iter().filter(|point| point.index() == 0).cloned().collect();
    let ranking =
        minima.iter().map(|minimum| rank(&**model, grid, &minimum.position)).collect::<Result<Vec<_>, _>>()?;
    let mut samples: Vec<usize> =
        ranking.iter().flat_map(|ranked: &Vec<Ranked>| ranked.iter().take(top).map(|one| one.sample)).collect();
    samples.sort_unstable();
    samples.dedup();
    let done = AtomicUsize::new(0);
    let without = |&sample: &usize| {
        let found = without(&family(sample), grid, &seeding, &all, interrupt)?;
        tell(done.fetch_add(1, Ordering::Relaxed) + 1, samples.len());
        Ok(found)
    };
    let found = samples.par_iter().map(without).collect::<Result<Vec<_>, Error>>()?;
    let mut fates = vec![Vec::new(); minima.len()];
    let mut born = Vec::new();
    for (of_minima, born_here) in found {
        fates.iter_mut().zip(of_minima).for_each(|(fates, fate)| fates.extend(fate));
        born.extend(born_here);
    }
    Ok(LeaveOneOut { minima, ranking, fates, born })
}

/// dθ*/dc_i of every sample, the longest first.
fn rank(model: &dyn Model, grid: &Grid, theta: &[f64]) -> Result<Vec<Ranked>, Error> {
    let data =
        model.data().ok_or_else(|| Error::invalid("samples of a model without data", "give a model with data"))?;
    let (d, m) = (theta.len(), data.samples());
    let mut hessian = vec![0.0; packed_len(d)];
    model.hessian(theta, &lengths(grid), &mut hessian);
    let mut ranked = Vec::with_capacity(m);
    for (sample, pull) in pulls(data, theta).into_iter().enumerate() {
        let mut matrix: Vec<f64> = (0..d * d).map(|ij| hessian[packed_index(d, ij / d, ij % d)]).collect();
        let mut derivative: Vec<f64> = pull.iter().map(|g| -g / m as f64).collect();
        let flat = || Error::numerical("leave-one-out", "at a minimum", "the Hessian is singular", "move the box");
        solve(d, &mut matrix, &mut derivative).ok_or_else(flat)?;
        ranked.push(Ranked { sample, derivative });
    }
    let long =
        |one: &Ranked| one.derivative.iter().zip(grid.axes()).map(|(x, axis)| (x / axis.length()).powi(2)).sum::<f64>();
    ranked.sort_by(|a, b| long(b).total_cmp(&long(a)).then(a.sample.cmp(&b.sample)));
    Ok(ranked)
}

/// The fates of all minima among the critical points `all` without a sample, and what is born.
fn without(
    family: &SampleWeight,
    grid: &Grid,
    seeding: &Grid,
    all: &[CriticalPoint],
    interrupt: Interrupt,
) -> Result<(Vec<Option<Fate>>, Vec<Born>), Error> {
    let system = System::new(family, grid, [0.0, 1.0]);
    let path = |y: Vec<f64>, towards: f64| -> Result<Option<Path>, Error> {
        let mut side = vec![0.0; y.len()];
        side[y.len() - 1] = towards;
        Node::at(&system, y, &side).map(|start| follow(&system, start, true, interrupt)).transpose()
    };
    let (mut fates, mut reached) = (Vec::new(), Vec::new());
    for point in all {
        let path = path(system.scaled(&point.position, 1.0), -1.0)?;
        let fate = path.map(|path| (path.end, last(&system, &path))).map(|(end, y)| {
            if end == End::Range {
                reached.push(y.clone());
            }
            Ok::<_, Error>(Fate { sample: family.sample, end, last: describe(&system, &y)? })
        });
        if point.index() == 0 {
            fates.push(fate.transpose()?);
        }
    }
    let mut born = Vec::new();
    for point in points(family, seeding, 0.0)? {
        let y = system.scaled(&point.position, 0.0);
        if reached.iter().any(|other| norm(&difference(other, &y)) < SAME) {
            continue;
        }
        if let Some(path) = path(y.clone(), 1.0)? {
            let (end, y_last) = (path.end, last(&system, &path));
            if end != End::Range {
                let (point, last) = (describe(&system, &y)?, describe(&system, &y_last)?);
                born.push(Born { sample: family.sample, point, end, last });
            }
        }
    }
    Ok((fates, born))
}

/// Where a path ends: at its fold if it was followed up to there.
fn last(system: &System, path: &Path) -> Vec<f64> {
    match path.turns.last() {
        Some(turn) if path.end == End::Fold => system.scaled(&turn.position, turn.value),
        _ => path.nodes[path.nodes.len() - 1].y.clone(),
    }
}
