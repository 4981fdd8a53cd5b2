//! The merge tree of a landscape: its basins as water rises, and the barriers over which they meet.
//!
//! ```text
//! {θ: L(θ) < h}:  a basin is born at each minimum; where two meet, at a saddle, the younger ends:  persistence = L(saddle) − L(minimum)
//! ```
//!
//! Cells are flooded in the order of their values with union–find over their 3^d − 1 neighbours, O(N log N); then minima and saddles are
//! replaced by the critical points next to them, and the tree is built again from their exact heights.
//!
//! Reference: H. Edelsbrunner & J. Harer 2010, *Computational Topology*, VII.

use super::critical::zero;
use super::minima::{descend, neighbours};
use super::point::{CriticalPoint, same_place};
use crate::model::Model;
use crate::problem::grid::Grid;

/// A basin: a leaf of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Number of its minimum among the critical points; None for the lowest place at a wall.
    pub minimum: Option<usize>,
    /// Where its bottom is (d).
    pub position: Vec<f64>,
    /// Height of the bottom.
    pub height: f64,
    /// Where it ends in an older basin; None for the eldest.
    pub end: Option<Pass>,
}

/// Where a basin meets an older one.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// Number of the saddle (in one dimension: of the maximum) among the critical points; None where none is next to the cell.
    pub saddle: Option<usize>,
    /// Where they meet (d).
    pub position: Vec<f64>,
    /// Height of the pass.
    pub height: f64,
    /// Number of the leaf that goes on.
    pub parent: usize,
}

impl Leaf {
    /// Height of the pass over the bottom; infinite for the eldest.
    pub fn persistence(&self) -> f64 {
        self.end.as_ref().map_or(f64::INFINITY, |pass| pass.height - self.height)
    }
}

/// Cells within which a critical point is that of a cell.
const NEAR: f64 = 3.0;

/// The merge tree of the values of a model at the cell centres (n), eldest leaf first; `points` are its critical points, to which saddles that
/// are found besides are added. Cells whose value is not finite are never flooded. Basins whose persistence is not above `least`, or, at
/// walls, not above what a cell hides, are left out.
pub fn merge_tree(
    model: &dyn Model,
    grid: &Grid,
    values: &[f64],
    points: &mut Vec<CriticalPoint>,
    least: f64,
) -> Vec<Leaf> {
    let flood = Flood::of(grid, values);
    let mut bottoms: Vec<Bottom> = Vec::new();
    let of_cell: Vec<usize> = flood
        .bottoms
        .iter()
        .map(|&cell| {
            let bottom = bottom(model, grid, (cell, values[cell]), points);
            let known = bottoms.iter().position(|other| bottom.minimum.is_some() && other.minimum == bottom.minimum);
            known.unwrap_or_else(|| {
                bottoms.push(bottom);
                bottoms.len() - 1
            })
        })
        .collect();
    let mut passes: Vec<(Pass, usize, usize)> = flood
        .meetings
        .iter()
        .filter(|(_, a, b)| of_cell[*a] != of_cell[*b])
        .map(|&(cell, a, b)| (pass(model, grid, (cell, values), points), of_cell[a], of_cell[b]))
        .collect();
    passes.sort_by(|a, b| a.0.height.total_cmp(&b.0.height));
    tree(&bottoms, passes, least)
}

/// The bottom of a basin.
struct Bottom {
    minimum: Option<usize>,
    position: Vec<f64>,
    height: f64,
}

/// What flooding the cells finds: the cells where basins begin, and where two of them (by their numbers) meet.
struct Flood {
    bottoms: Vec<usize>,
    meetings: Vec<(usize, usize, usize)>,
}

impl Flood {
    fn of(grid: &Grid, values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..grid.len()).filter(|&cell| values[cell].is_finite()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
        let mut basin = vec![usize::MAX; grid.len()];
        let mut found = Self { bottoms: Vec::new(), meetings: Vec::new() };
        let mut eldest = Union::default();
        for cell in order {
            let mut around: Vec<usize> =
                neighbours(grid, cell).map(|other| basin[other]).filter(|b| *b != usize::MAX).collect();
            around.iter_mut().for_each(|b| *b = eldest.root(*b));
            around.sort_unstable();
            around.dedup();
            let Some((&first, others)) = around.split_first() else {
                basin[cell] = eldest.add();
                found.bottoms.push(cell);
                continue;
            };
            basin[cell] = first;
            for &other in others {
                found.meetings.push((cell, first, other));
                eldest.join(first, other);
            }
        }
        found
    }
}

/// Union–find; the root of a set is its smallest number.
#[derive(Default)]
struct Union(Vec<usize>);

impl Union {
    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }
    fn root(&mut self, mut k: usize) -> usize {
        while self.0[k] != k {
            self.0[k] = self.0[self.0[k]];
            k = self.0[k];
        }
        k
    }
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// The critical point of one kind that is nearest to a cell, no farther than a few cells.
fn nearest(
    grid: &Grid,
    points: &[CriticalPoint],
    cell: usize,
    wanted: impl Fn(&CriticalPoint) -> bool,
) -> Option<usize> {
    let centre = grid.center(cell);
    let apart = |point: &CriticalPoint| {
        let each = grid.axes().iter().zip(&point.position).zip(&centre).map(|((axis, t), c)| {
            let apart = (t - c).abs();
            let apart = if axis.is_periodic() { apart.min(axis.length() - apart) } else { apart };
            apart / axis.width(axis.locate(*t).unwrap_or(0))
        });
        each.fold(0.0, f64::max)
    };
    let near = points.iter().enumerate().filter(|(_, point)| wanted(point)).map(|(k, point)| (k, apart(point)));
    near.filter(|(_, apart)| *apart <= NEAR).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(k, _)| k)
}

fn bottom(model: &dyn Model, grid: &Grid, (cell, height): (usize, f64), points: &[CriticalPoint]) -> Bottom {
    let centre = grid.center(cell)[..grid.dimension()].to_vec();
    let below = || {
        let found = descend(model, grid, centre.clone())?;
        points.iter().position(|point| point.index() == 0 && same_place(grid, &point.position, &found.position))
    };
    let found = below().or_else(|| nearest(grid, points, cell, |point| point.index() == 0));
    match found.map(|k| (k, &points[k])) {
        Some((k, point)) => Bottom { minimum: Some(k), position: point.position.clone(), height: point.loss },
        None => Bottom { minimum: None, position: centre, height },
    }
}

/// The pass at a cell: the saddle next to it, of those that are known, else by Newton's method.
fn pass(model: &dyn Model, grid: &Grid, (cell, values): (usize, &[f64]), points: &mut Vec<CriticalPoint>) -> Pass {
    let one = |point: &CriticalPoint| point.index() == 1;
    let known = nearest(grid, points, cell, one).or_else(|| {
        let found = zero(model, grid, cell).filter(one)?;
        nearest(grid, std::slice::from_ref(&found), cell, one)?;
        points.push(found);
        Some(points.len() - 1)
    });
    let centre = grid.center(cell)[..grid.dimension()].to_vec();
    match known {
        Some(k) => Pass { saddle: Some(k), position: points[k].position.clone(), height: points[k].loss, parent: 0 },
        None => Pass { saddle: None, position: centre, height: values[cell], parent: 0 },
    }
}

/// The tree of bottoms and passes between them, lowest pass first: the elder basin has the lower bottom; of equal ones the first.
fn tree(bottoms: &[Bottom], passes: Vec<(Pass, usize, usize)>, least: f64) -> Vec<Leaf> {
    let mut order: Vec<usize> = (0..bottoms.len()).collect();
    order.sort_by(|&a, &b| bottoms[a].height.total_cmp(&bottoms[b].height).then(a.cmp(&b)));
    let mut rank = vec![0; order.len()];
    order.iter().enumerate().for_each(|(k, &b)| rank[b] = k);
    let leaf = |&b: &usize| {
        let Bottom { minimum, position, height } = &bottoms[b];
        Leaf { minimum: *minimum, position: position.clone(), height: *height, end: None }
    };
    let mut leaves: Vec<Leaf> = order.iter().map(leaf).collect();
    let mut eldest = Union((0..leaves.len()).collect());
    for (pass, a, b) in passes {
        let (a, b) = (eldest.root(rank[a]), eldest.root(rank[b]));
        if a != b {
            leaves[a.max(b)].end = Some(Pass { parent: a.min(b), ..pass });
            eldest.join(a, b);
        }
    }
    without(leaves, least)
}

/// The tree without leaves of too little persistence; those that ended in them end in what these ended in.
fn without(mut leaves: Vec<Leaf>, least: f64) -> Vec<Leaf> {
    let kept: Vec<bool> = leaves.iter().map(|leaf| leaf.persistence() > least).collect();
    for k in 0..leaves.len() {
        let mut parent = leaves[k].end.as_ref().map(|pass| pass.parent);
        while let Some(p) = parent.filter(|&p| !kept[p]) {
            parent = leaves[p].end.as_ref().map(|pass| pass.parent);
        }
        if let (Some(pass), Some(parent)) = (&mut leaves[k].end, parent) {
            pass.parent = parent;
        }
    }
    let number: Vec<usize> = kept.iter().scan(0, |n, &kept| Some((*n, *n += usize::from(kept)).0)).collect();
    leaves.iter_mut().filter_map(|leaf| leaf.end.as_mut()).for_each(|pass| pass.parent = number[pass.parent]);
    leaves.into_iter().zip(kept).filter_map(|(leaf, kept)| kept.then_some(leaf)).collect()
}
