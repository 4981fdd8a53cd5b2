//! Folds, where a minimum and a saddle meet and vanish, and crossings, where branches meet.

use super::node::Node;
use super::system::{System, difference, norm, rescale};
use crate::model::Model;
use crate::numerics::elimination::solve;
use crate::numerics::symmetric::{eigen, packed_index};
use crate::numerics::vector::dot;

/// Newton steps on the bordered system; the length of one below which it has arrived, and of the last one below which that is good enough.
const STEPS: usize = 20;
const ARRIVED: f64 = 1e-13;
const ENOUGH: f64 = 1e-9;
/// Halvings of the part of a branch in which a crossing lies.
const HALVINGS: usize = 40;

/// What a special point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnKind {
    /// The branch turns round in c: two critical points meet and vanish.
    Fold,
    /// Branches cross: a pitchfork, or an exchange.
    Crossing,
}

/// A point of a branch where ∇²L is singular.
#[derive(Debug, Clone)]
pub struct Turn {
    /// What it is.
    pub kind: TurnKind,
    /// θ (d).
    pub position: Vec<f64>,
    /// The parameter c.
    pub value: f64,
    /// Direction v in which ∇²L is flat, |v| = 1 (d).
    pub direction: Vec<f64>,
    /// vᵀ ∂_c∇L: at a regular fold not 0.
    pub transversality: f64,
    /// ∇³L[v, v, v]: at a regular fold not 0.
    pub cubic: f64,
    /// Number of the point of the branch before it.
    pub after: usize,
}

/// The fold or crossing between two successive nodes of a branch, if there is one.
pub(super) fn between(system: &System, a: &Node, b: &Node) -> Option<Turn> {
    let d = system.dimension();
    if a.determinant * b.determinant < 0.0 {
        let y = located(system, a, b, &|node| node.determinant);
        return turn(system, TurnKind::Crossing, &y, &flat(system, &y)?);
    }
    if a.tangent[d] * b.tangent[d] >= 0.0 {
        return None;
    }
    let share = a.tangent[d] / (a.tangent[d] - b.tangent[d]);
    let near: Vec<f64> = a.y.iter().zip(&b.y).map(|(a, b)| a + share * (b - a)).collect();
    let long = norm(&difference(&b.y, &a.y));
    let polished = |near: &[f64]| {
        let found = polish(system, near.to_vec(), flat(system, near)?)?;
        (norm(&difference(&found.0, near)) < 2.0 * long).then_some(found)
    };
    // a fold so sharp that Newton's method does not find it from the straight line, or not at all, is found by halving
    let halved = || located(system, a, b, &|node| node.tangent[d]);
    let found = polished(&near).or_else(|| {
        let y = halved();
        polished(&y).or_else(|| Some((y.clone(), flat(system, &y)?)))
    });
    let (y, v) = found?;
    turn(system, TurnKind::Fold, &y, &v)
}

/// The direction in which H is flattest.
fn flat(system: &System, y: &[f64]) -> Option<Vec<f64>> {
    let (d, (theta, value)) = (system.dimension(), system.point(y));
    let model = system.family.at(value).ok()?;
    let (values, vectors) = eigen(d, &system.hessian(&*model, &theta, false));
    let least = (0..d).min_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()))?;
    Some((0..d).map(|k| vectors[k][least]).collect())
}

/// H v.
fn times(system: &System, model: &dyn Model, theta: &[f64], v: &[f64], exact: bool) -> Vec<f64> {
    let d = v.len();
    let hessian = system.hessian(model, theta, exact);
    (0..d).map(|i| (0..d).map(|j| hessian[packed_index(d, i, j)] * v[j]).sum()).collect()
}

/// ∂_v H, full.
fn third(system: &System, model: &dyn Model, theta: &[f64], v: &[f64]) -> Vec<f64> {
    let d = v.len();
    let packed = system.along(theta, v, &|theta| system.hessian(model, theta, false));
    (0..d * d).map(|ij| packed[packed_index(d, ij / d, ij % d)]).collect()
}

/// Newton's method on ∇L = 0, H v = 0, |v|² = 1 for (y, v).
fn polish(system: &System, mut y: Vec<f64>, mut v: Vec<f64>) -> Option<(Vec<f64>, Vec<f64>)> {
    let d = system.dimension();
    let k = 2 * d + 1;
    let mut last = f64::INFINITY;
    for _ in 0..STEPS {
        let (theta, value) = system.point(&y);
        let model = system.family.at(value).ok()?;
        let linear = system.linear(&y).ok()?;
        let hessian = system.hessian(&*model, &theta, true);
        let product = times(system, &*model, &theta, &v, true);
        let turning = third(system, &*model, &theta, &v);
        let by_c = system.by_parameter(value, &|model| times(system, model, &theta, &v, false)).ok()?;
        let mut matrix = vec![0.0; k * k];
        for i in 0..d {
            matrix[i * k..i * k + d + 1].copy_from_slice(&linear.jacobian[i * (d + 1)..(i + 1) * (d + 1)]);
            for j in 0..d {
                matrix[(d + i) * k + j] = turning[i * d + j];
                matrix[(d + i) * k + d + 1 + j] = hessian[packed_index(d, i, j)];
            }
            matrix[(d + i) * k + d] = by_c[i];
            matrix[2 * d * k + d + 1 + i] = 2.0 * v[i];
        }
        let mut step: Vec<f64> = linear.value.iter().chain(&product).map(|f| -f).collect();
        step.push(1.0 - dot(&v, &v));
        rescale(k, &mut matrix, &mut step);
        solve(k, &mut matrix, &mut step)?;
        y.iter_mut().zip(&step).for_each(|(y, step)| *y += step);
        v.iter_mut().zip(&step[d + 1..]).for_each(|(v, step)| *v += step);
        let long = norm(&step[..=d]);
        if long < ARRIVED || (long < ENOUGH && long > 0.1 * last) {
            return Some((y, v));
        }
        last = long;
    }
    (last < ENOUGH).then_some((y, v))
}

/// Where a function of the nodes between two changes its sign, by halving.
fn located(system: &System, a: &Node, b: &Node, f: &dyn Fn(&Node) -> f64) -> Vec<f64> {
    let way = difference(&b.y, &a.y);
    let long = norm(&way);
    let unit: Vec<f64> = way.iter().map(|w| w / long).collect();
    let (mut low, mut high, mut best) = (0.0, 1.0, None);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        let start: Vec<f64> = a.y.iter().zip(&way).map(|(y, w)| y + middle * w).collect();
        let solved = system.correct(&start, &unit, dot(&unit, &start));
        let Some(node) = solved.and_then(|(y, linear, _)| Node::of(system, y, &linear, &a.tangent)) else { break };
        *(if f(&node) * f(a) > 0.0 { &mut low } else { &mut high }) = middle;
        best = Some(node.y);
    }
    best.unwrap_or_else(|| a.y.iter().zip(&way).map(|(y, w)| y + 0.5 * w).collect())
}

/// What is said of a special point, in the units of the problem.
fn turn(system: &System, kind: TurnKind, y: &[f64], v: &[f64]) -> Option<Turn> {
    let d = system.dimension();
    let (theta, value) = system.point(y);
    let model = system.family.at(value).ok()?;
    let along = system.by_parameter(value, &|model| system.gradient(model, &theta)).ok()?;
    let turning = third(system, &*model, &theta, v);
    let mut direction: Vec<f64> = v.iter().zip(&system.units).map(|(v, unit)| v * unit).collect();
    let long = norm(&direction);
    // the sign in which the largest part is positive: v and −v are the same direction
    let largest = direction.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    let sign = largest.signum();
    direction.iter_mut().for_each(|v| *v *= sign / long);
    let cubic: f64 = (0..d * d).map(|ij| v[ij / d] * turning[ij] * v[ij % d]).sum();
    Some(Turn {
        kind,
        position: theta,
        value,
        direction,
        transversality: sign * dot(v, &along) / (long * system.units[d]),
        cubic: sign * cubic / long.powi(3),
        after: 0,
    })
}
