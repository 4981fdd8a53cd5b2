//! All branches of critical points over a range of the parameter.

use super::continuation::{Branch, End, Path, describe, follow, on};
use super::family::Family;
use super::fold::Turn;
use super::node::Node;
use super::system::System;
use crate::engine::Interrupt;
use crate::error::Error;
use crate::landscape::{CriticalPoint, critical_points};
use crate::problem::fields::tabulate;
use crate::problem::grid::Grid;

/// Values of the parameter, ends included, at which critical points are looked for.
const VALUES: usize = 7;
/// Most cells along each axis of the grid that they are looked for on.
const CELLS: [usize; 3] = [400, 32, 12];

/// The grid on which critical points are looked for: the problem's own with fewer cells.
pub(super) fn seeding(grid: &Grid) -> Grid {
    let most = CELLS[grid.dimension() - 1];
    let cells: Vec<usize> = grid.shape().iter().map(|&n| n.min(most)).collect();
    grid.thinned(&cells).unwrap_or_else(|| grid.clone())
}

/// Smooth critical points of the family at one value. Errors: no loss for it.
pub(super) fn points(family: &dyn Family, grid: &Grid, value: f64) -> Result<Vec<CriticalPoint>, Error> {
    let model = family.at(value)?;
    let loss = tabulate(grid, 1, model.sample_count(), |points, out| model.loss(points, out));
    let mut points = critical_points(&*model, grid, &loss);
    points.retain(|point| point.eigenvalues.iter().all(|value| value.is_finite()));
    Ok(points)
}

/// The branches of critical points of a family in the box of a grid, c from `range[0]` to `range[1]`: followed to both sides from the critical
/// points at `start`, and at seven values over the range (on at most 400, in two variables 32, in three 12 cells along each axis), each
/// branch once. A closed loop between two of these values stays unseen.
///
/// # Errors
/// No loss at `start` or at an end of the range; interrupted.
pub fn branches(
    family: &dyn Family,
    grid: &Grid,
    range: [f64; 2],
    start: f64,
    interrupt: Interrupt,
) -> Result<Vec<Branch>, Error> {
    let (system, seeding) = (System::new(family, grid, range), seeding(grid));
    let even = (0..VALUES).map(|k| range[0] + (range[1] - range[0]) * k as f64 / (VALUES - 1) as f64);
    let inside = start >= range[0].min(range[1]) && start <= range[0].max(range[1]);
    let mut known: Vec<Line> = Vec::new();
    for value in inside.then_some(start).into_iter().chain(even) {
        for point in points(family, if value == start { grid } else { &seeding }, value)? {
            let y = system.scaled(&point.position, value);
            if known.iter().any(|line| on(&system, &line.nodes, &y)) {
                continue;
            }
            let found = both_sides(&system, &y, interrupt)?;
            // begun where branches cross, it may be one that is known
            let new = |found: &Line| {
                let middle = &found.nodes[found.nodes.len() / 3].y;
                !known.iter().any(|line| on(&system, &line.nodes, middle))
            };
            known.extend(found.filter(new).into_iter().collect::<Vec<_>>());
        }
    }
    let described = |line: Line| {
        let points = line.nodes.iter().map(|node| describe(&system, &node.y)).collect::<Result<Vec<_>, Error>>()?;
        Ok(Branch { points, ends: line.ends, turns: line.turns })
    };
    known.into_iter().map(described).collect()
}

/// A branch in units of box and range.
struct Line {
    nodes: Vec<Node>,
    ends: [End; 2],
    turns: Vec<Turn>,
}

/// The branch through a point; None where its direction is not unique.
fn both_sides(system: &System, y: &[f64], interrupt: Interrupt) -> Result<Option<Line>, Error> {
    let mut side = vec![0.0; y.len()];
    side[y.len() - 1] = 1.0;
    let Some(start) = Node::at(system, y.to_vec(), &side) else { return Ok(None) };
    let ahead = follow(system, start.clone(), false, interrupt)?;
    if ahead.end == End::Loop {
        return Ok(Some(Line { nodes: ahead.nodes, ends: [End::Loop; 2], turns: ahead.turns }));
    }
    let Path { nodes: mut back, turns, end } = follow(system, start.turned(), false, interrupt)?;
    let before = back.len() - 1;
    let turns = turns.into_iter().rev().map(|turn| Turn { after: before - 1 - turn.after, ..turn });
    let later = ahead.turns.into_iter().map(|turn| Turn { after: before + turn.after, ..turn });
    let turns = turns.chain(later).collect();
    back.reverse();
    let mut nodes: Vec<Node> = back.iter().map(Node::turned).collect();
    nodes.extend(ahead.nodes.into_iter().skip(1));
    Ok(Some(Line { nodes, ends: [end, ahead.end], turns }))
}
