//! A branch of critical points, followed from one of them by pseudo-arclength continuation.

use super::fold::{self, Turn, TurnKind};
use super::node::Node;
use super::system::{System, difference, norm};
use crate::engine::Interrupt;
use crate::error::Error;
use crate::numerics::symmetric::eigen;
use crate::numerics::vector::dot;

/// First, longest and shortest step, in units of box and range.
const FIRST: f64 = 2e-3;
const LONGEST: f64 = 2e-2;
const SHORTEST: f64 = 1e-9;
/// Most points of a branch to one side.
const MOST: usize = 4000;
/// Least cosine between successive tangents, and the one from which steps grow; Newton steps up to which they do.
const TURN: f64 = 0.97;
const STRAIGHT: f64 = 0.995;
const EASY: usize = 4;
/// How far a point may lie from its prediction, in steps.
const ASIDE: f64 = 0.3;
/// How near a loop has to come to its beginning.
const CLOSED: f64 = 1e-7;

/// Why a branch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It leaves the box.
    Box,
    /// The parameter's range ends.
    Range,
    /// It comes back to where it began.
    Loop,
    /// It was followed up to its first fold and no further.
    Fold,
    /// The loss is not smooth there, or steps became too short.
    Lost,
    /// It is longer than anybody wants to know.
    Steps,
}

impl End {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Box => "box left",
            Self::Range => "end of the range",
            Self::Loop => "closed loop",
            Self::Fold => "fold",
            Self::Lost => "lost",
            Self::Steps => "given up",
        }
    }
}

/// A critical point on a branch.
#[derive(Debug, Clone)]
pub struct BranchPoint {
    /// θ (d).
    pub position: Vec<f64>,
    /// The parameter c.
    pub value: f64,
    /// L(θ; c).
    pub loss: f64,
    /// Eigenvalues of ∇²L, ascending (d).
    pub eigenvalues: Vec<f64>,
}

impl BranchPoint {
    /// Number of directions in which the loss falls.
    pub fn index(&self) -> usize {
        self.eigenvalues.iter().filter(|&&value| value < 0.0).count()
    }
}

/// A curve of critical points.
#[derive(Debug, Clone)]
pub struct Branch {
    /// Its points in their order; of a closed loop the first once more at the end.
    pub points: Vec<BranchPoint>,
    /// Why it ends before the first and after the last.
    pub ends: [End; 2],
    /// Folds, and crossings with other branches, in their order.
    pub turns: Vec<Turn>,
}

/// A branch to one side of its beginning, in units of box and range.
pub(super) struct Path {
    pub(super) nodes: Vec<Node>,
    pub(super) turns: Vec<Turn>,
    pub(super) end: End,
}

/// Follows a branch from a point in the direction of its tangent; `first_fold`: up to the first one. Errors: interrupted.
pub(super) fn follow(system: &System, start: Node, first_fold: bool, interrupt: Interrupt) -> Result<Path, Error> {
    let mut path = Path { nodes: vec![start], turns: Vec::new(), end: End::Steps };
    let mut step = FIRST;
    while path.nodes.len() < MOST {
        if interrupt() {
            return Err(Error::Interrupted { time: 0.0 });
        }
        let here = &path.nodes[path.nodes.len() - 1];
        let Some((next, end, steps)) = advance(system, here, step) else {
            step *= 0.5;
            if step < SHORTEST {
                path.end = End::Lost;
                break;
            }
            continue;
        };
        if let Some(closing) = closing(system, &path, &next) {
            path.push(system, closing);
            path.end = End::Loop;
            break;
        }
        if dot(&next.tangent, &here.tangent) > STRAIGHT && steps <= EASY {
            step = (1.5 * step).min(LONGEST);
        }
        let moved = norm(&difference(&next.y, &here.y)) > SHORTEST;
        if moved {
            path.push(system, next);
        }
        if let Some(end) = end {
            path.end = end;
            break;
        }
        if first_fold && path.turns.iter().any(|turn| turn.kind == TurnKind::Fold) {
            path.end = End::Fold;
            break;
        }
    }
    Ok(path)
}

impl Path {
    /// The next node, with the fold or crossing on the way to it.
    fn push(&mut self, system: &System, node: Node) {
        let here = &self.nodes[self.nodes.len() - 1];
        if let Some(mut turn) = fold::between(system, here, &node) {
            turn.after = self.nodes.len() - 1;
            self.turns.push(turn);
        }
        self.nodes.push(node);
    }
}

/// One step: the next node, why the branch ends there if it does, and the Newton steps that it took; None where the step is too long.
fn advance(system: &System, here: &Node, step: f64) -> Option<(Node, Option<End>, usize)> {
    let predicted: Vec<f64> = here.y.iter().zip(&here.tangent).map(|(y, t)| y + step * t).collect();
    if let Some(last) = leave(system, here, &predicted) {
        return Some(last);
    }
    let (y, linear, steps) = system.correct(&predicted, &here.tangent, dot(&here.tangent, &predicted))?;
    if norm(&difference(&y, &predicted)) > ASIDE * step {
        return None;
    }
    if let Some(last) = leave(system, here, &y) {
        return Some(last);
    }
    if wall(system, &here.y, &y).is_some() {
        return None;
    }
    let next = Node::of(system, y, &linear, &here.tangent)?;
    (dot(&next.tangent, &here.tangent) > TURN).then_some((next, None, steps))
}

/// The first wall of box or range between a point and one that may lie outside: its component, where it is, and why a branch ends there.
fn wall(system: &System, from: &[f64], to: &[f64]) -> Option<(usize, f64, f64, End)> {
    let d = system.dimension();
    let axes = system.grid.axes().iter().enumerate().filter(|(_, axis)| !axis.is_periodic());
    let mut walls: Vec<(usize, [f64; 2], End)> =
        axes.map(|(k, axis)| (k, [axis.lower(), axis.upper()], End::Box)).collect();
    let [a, b] = system.range;
    walls.push((d, [a.min(b), a.max(b)], End::Range));
    let crossed = |(k, [low, high], end): (usize, [f64; 2], End)| {
        let [low, high] = [low, high].map(|x| x / system.units[k]);
        let at = if to[k] < low { low } else { high };
        let outside = to[k] < low || to[k] > high;
        outside.then(|| (k, at, ((at - from[k]) / (to[k] - from[k])).clamp(0.0, 1.0), end))
    };
    walls.into_iter().filter_map(crossed).min_by(|a, b| a.2.total_cmp(&b.2))
}

/// The last node of a branch that would leave box or range on the way to `to`.
fn leave(system: &System, here: &Node, to: &[f64]) -> Option<(Node, Option<End>, usize)> {
    let (k, at, share, end) = wall(system, &here.y, to)?;
    let mut unit = vec![0.0; here.y.len()];
    unit[k] = 1.0;
    let mut start: Vec<f64> = here.y.iter().zip(to).map(|(a, b)| a + share * (b - a)).collect();
    start[k] = at;
    let (y, linear, steps) = system.correct(&start, &unit, at)?;
    let (way, meant) = (difference(&y, &here.y), norm(&difference(to, &here.y)));
    let far = norm(&way);
    let ahead = far < SHORTEST || (dot(&way, &here.tangent) > 0.9 * far && far < 1.5 * meant);
    let next = Node::of(system, y, &linear, &here.tangent)?;
    (ahead && dot(&next.tangent, &here.tangent) > 0.5).then_some((next, Some(end), steps))
}

/// The beginning of a path once more, if the branch passes through it on the way to `next`.
fn closing(system: &System, path: &Path, next: &Node) -> Option<Node> {
    let (first, here) = (path.nodes.first()?, path.nodes.last()?);
    let (way, back) = (difference(&next.y, &here.y), wrapped(system, &first.y, &here.y));
    let (long, along) = (norm(&way), dot(&way, &back) / norm(&way));
    let beside = norm(&back.iter().zip(&way).map(|(b, w)| b - along * w / long).collect::<Vec<f64>>());
    if path.nodes.len() < 4 || along <= 0.0 || along > long || beside > ASIDE * long {
        return None;
    }
    if dot(&first.tangent, &next.tangent) < 0.5 {
        return None;
    }
    let there: Vec<f64> = here.y.iter().zip(&back).map(|(y, b)| y + b).collect();
    let start: Vec<f64> = here.y.iter().zip(&way).map(|(y, w)| y + along * w / long).collect();
    let (y, ..) = system.correct(&start, &first.tangent, dot(&first.tangent, &there))?;
    (norm(&difference(&y, &there)) < CLOSED).then(|| Node { y: there, ..first.clone() })
}

/// Whether a point lies on a path.
pub(super) fn on(system: &System, nodes: &[Node], y: &[f64]) -> bool {
    nodes.windows(2).any(|pair| {
        let way = difference(&pair[1].y, &pair[0].y);
        let (long, to) = (norm(&way), wrapped(system, y, &pair[0].y));
        let along = dot(&way, &to) / long;
        let beside = norm(&to.iter().zip(&way).map(|(t, w)| t - along * w / long).collect::<Vec<f64>>());
        if along < -0.1 * long || along > 1.1 * long || beside > ASIDE * long {
            return false;
        }
        if beside < CLOSED {
            return true;
        }
        let there: Vec<f64> = pair[0].y.iter().zip(&to).map(|(y, t)| y + t).collect();
        let start: Vec<f64> = pair[0].y.iter().zip(&way).map(|(y, w)| y + along * w / long).collect();
        let unit: Vec<f64> = way.iter().map(|w| w / long).collect();
        let found = system.correct(&start, &unit, dot(&unit, &there));
        found.is_some_and(|(found, ..)| norm(&difference(&found, &there)) < CLOSED)
    })
}

/// a − b the short way round on periodic axes.
fn wrapped(system: &System, a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = difference(a, b);
    for (x, axis) in out.iter_mut().zip(system.grid.axes()) {
        *x -= if axis.is_periodic() { x.round() } else { 0.0 };
    }
    out
}

/// The point of a node: its loss and curvature. Errors: no loss for its value.
pub(super) fn describe(system: &System, y: &[f64]) -> Result<BranchPoint, Error> {
    let d = system.dimension();
    let (mut position, value) = system.point(y);
    let model = system.family.at(value)?;
    let mut loss = [0.0];
    model.loss(&position, &mut loss);
    let mut hessian = system.hessian(&*model, &position, false);
    let mut entry = 0;
    for i in 0..d {
        for j in i..d {
            hessian[entry] /= system.units[i] * system.units[j];
            entry += 1;
        }
    }
    for (x, axis) in position.iter_mut().zip(system.grid.axes()) {
        *x = if axis.is_periodic() { axis.wrap(*x) } else { *x };
    }
    Ok(BranchPoint { position, value, loss: loss[0], eigenvalues: eigen(d, &hessian).0[..d].to_vec() })
}
