//! Two laws on different grids, moved to one that both can be read on.

use fpsolve_solvers::Error;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};

/// A law moved to another grid.
#[derive(Debug, Clone)]
pub struct Moved {
    /// Probability of each cell.
    pub probability: Vec<f64>,
    /// Probability off the grid.
    pub outside: f64,
    /// Total variation that splitting cells may have made: the law uniform in each cell against one that is linear there.
    pub blur: f64,
}

/// The grid on which laws on `a` and `b` are compared: along each axis what both cover, in the cells of the axis that has fewer there; the same
/// grid where they agree. Errors: other variables, or nothing in common.
pub fn common(a: &Grid, b: &Grid) -> Result<Grid, Error> {
    let refused = |what: String| Error::invalid(what, "give records of one problem");
    let names = |grid: &Grid| grid.axes().iter().map(|axis| axis.variable().to_string()).collect::<Vec<_>>().join(", ");
    if names(a) != names(b) {
        return Err(refused(format!("the variables are {} in one record and {} in the other", names(a), names(b))));
    }
    let axes = a.axes().iter().zip(b.axes()).map(|(a, b)| {
        if a.edges() == b.edges() && a.is_periodic() == b.is_periodic() {
            return Ok(a.clone());
        }
        let (lower, upper) = (a.lower().max(b.lower()), a.upper().min(b.upper()));
        if lower >= upper {
            return Err(refused(format!("the boxes have no {} in common", a.variable())));
        }
        // edges a rounding error apart are one
        let near = 1e-9 * (upper - lower);
        let inside = |axis: &Axis| {
            let between = axis.edges().iter().copied().filter(|&x| x > lower + near && x < upper - near);
            std::iter::once(lower).chain(between).chain(std::iter::once(upper)).collect::<Vec<f64>>()
        };
        let (of_a, of_b) = (inside(a), inside(b));
        let edges = if of_a.len() <= of_b.len() { of_a } else { of_b };
        let whole = |axis: &Axis| axis.is_periodic() && (axis.length() - (upper - lower)).abs() <= near;
        let wall = if whole(a) && whole(b) { Boundary::Periodic } else { Boundary::Reflecting };
        Axis::graded(a.variable(), edges, [wall; 2])
    });
    Grid::new(axes.collect::<Result<_, _>>()?)
}

/// A law on the grid `from` as cell probabilities of the grid `to`; what lies off it joins the outside. A density is taken to be linear in each
/// cell, a histogram (`sampled`) uniform, whose noise slopes would follow.
pub fn moved(from: &Grid, probability: &[f64], (outside, sampled): (f64, bool), to: &Grid) -> Moved {
    let mut shape = from.shape().to_vec();
    let mut now = probability.to_vec();
    let mut blur = 0.0;
    for (k, (old, new)) in from.axes().iter().zip(to.axes()).enumerate() {
        if old.edges() == new.edges() {
            continue;
        }
        let inner: usize = shape[k + 1..].iter().product();
        let lines = Lines { old, new, inner };
        let (flat, linear) = (lines.moved(&now, false), lines.moved(&now, true));
        blur += 0.5 * flat.iter().zip(&linear).map(|(p, q)| (p - q).abs()).sum::<f64>();
        (now, shape[k]) = (if sampled { flat } else { linear }, new.cells());
    }
    let before: f64 = probability.iter().sum();
    let after: f64 = now.iter().sum();
    Moved { probability: now, outside: outside + (before - after).max(0.0), blur }
}

/// All lines of a law along one axis.
struct Lines<'a> {
    old: &'a Axis,
    new: &'a Axis,
    /// Cells of the axes behind it.
    inner: usize,
}

impl Lines<'_> {
    /// Each cell's probability by the share of it in each new cell, the density uniform inside, or linear.
    fn moved(&self, law: &[f64], linear: bool) -> Vec<f64> {
        let (n, m) = (self.old.cells(), self.new.cells());
        let blocks = law.len() / (n * self.inner);
        let mut out = vec![0.0; blocks * m * self.inner];
        let (old, new) = (self.old.edges(), self.new.edges());
        for i in 0..n {
            let first = new.partition_point(|&x| x <= old[i]).saturating_sub(1);
            for j in (first..m).take_while(|&j| new[j] < old[i + 1]) {
                let width = old[i + 1] - old[i];
                let ends = [new[j].max(old[i]), new[j + 1].min(old[i + 1])].map(|x| (x - old[i]) / width);
                if ends[1] <= ends[0] {
                    continue;
                }
                // ∫ of 1 and of the odd part of a density that is linear in the cell
                let (share, tilt) = (ends[1] - ends[0], 0.5 * (ends[1] * (ends[1] - 1.0) - ends[0] * (ends[0] - 1.0)));
                for block in 0..blocks {
                    for k in 0..self.inner {
                        let at = |i: usize| law[(block * n + i) * self.inner + k];
                        let slope = if linear { self.slope(i, &at) } else { 0.0 };
                        out[(block * m + j) * self.inner + k] += share * at(i) + tilt * slope;
                    }
                }
            }
        }
        out
    }

    /// Change of the probability over cell i, that it stays positive: minmod of the changes to its neighbours (per width), at most twice the
    /// probability.
    fn slope(&self, i: usize, at: &dyn Fn(usize) -> f64) -> f64 {
        if i == 0 || i + 1 == self.old.cells() {
            return 0.0;
        }
        let width = self.old.width(i);
        let density = |i: usize| at(i) / self.old.width(i);
        let change =
            |a: usize, b: usize| (density(b) - density(a)) / (self.old.center(b) - self.old.center(a)) * width * width;
        let (left, right) = (change(i - 1, i), change(i, i + 1));
        let least = if left * right <= 0.0 {
            0.0
        } else if left.abs() < right.abs() {
            left
        } else {
            right
        };
        least.clamp(-2.0 * at(i).max(0.0), 2.0 * at(i).max(0.0))
    }
}
