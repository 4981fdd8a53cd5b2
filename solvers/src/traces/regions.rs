//! Regions that no walker was seen to go between.
//!
//! Places are told apart on the scale of what moves: cells twice as wide as a typical step or as the distance of the nodes, whichever is
//! larger. The cells of one walker belong together, however it went from one to the next; so do cells that touch. What is left apart has
//! a hole between it that no step crossed, and nothing says how to cross it: a regression whose bandwidth reaches over the hole only
//! draws a line.

use std::collections::HashMap;

use super::Trajectories;
use super::local_linear::FEWEST;
use crate::model::table::Lattice;

/// Rows of one region.
pub(super) struct Region {
    /// Least and largest value of each variable.
    pub ends: Vec<[f64; 2]>,
    /// Walkers in it.
    pub walkers: usize,
}

/// Sets of walkers, each named by one of its own.
struct Sets(Vec<usize>);

impl Sets {
    fn of(&mut self, mut walker: usize) -> usize {
        while self.0[walker] != walker {
            self.0[walker] = self.0[self.0[walker]];
            walker = self.0[walker];
        }
        walker
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// Width of a cell on each axis.
fn widths(traces: &Trajectories, lattice: &Lattice) -> Vec<f64> {
    let square = |k: usize| {
        let steps = (0..traces.walkers()).flat_map(|w| (1..traces.rows()).map(move |row| (w, row)));
        let moved = steps.map(|(w, row)| traces.position(w, row)[k] - traces.position(w, row - 1)[k]);
        let (sum, n) = moved.filter(|x| x.is_finite()).fold((0.0, 0_usize), |(sum, n), x| (sum + x * x, n + 1));
        sum / n.max(1) as f64
    };
    let width = |(k, ends): (usize, [f64; 2])| {
        let spacing = (ends[1] - ends[0]) / (lattice.axes()[k].nodes().len() - 1) as f64;
        2.0 * square(k).sqrt().max(spacing)
    };
    lattice.axes().iter().map(|axis| axis.ends()).enumerate().map(width).collect()
}

/// The regions that hold enough rows to be estimated from, the one with the lowest first coordinate first.
pub(super) fn regions(traces: &Trajectories, lattice: &Lattice) -> Vec<Region> {
    let (d, widths) = (traces.dimension(), widths(traces, lattice));
    let cell = |x: &[f64]| {
        let mut cell = [0_i64; 3];
        (0..d).for_each(|k| cell[k] = ((x[k] - lattice.axes()[k].ends()[0]) / widths[k]).floor() as i64);
        cell
    };
    let rows = |walker: usize| {
        let rows = (0..traces.rows()).map(move |row| traces.position(walker, row));
        rows.filter(|x| x.iter().all(|x| x.is_finite()))
    };
    let mut sets = Sets((0..traces.walkers()).collect());
    let mut owner: HashMap<[i64; 3], usize> = HashMap::new();
    for walker in 0..traces.walkers() {
        let mut last = None;
        for at in rows(walker).map(cell) {
            if last != Some(at) {
                let other = *owner.entry(at).or_insert(walker);
                sets.join(walker, other);
                last = Some(at);
            }
        }
    }
    for (at, walker) in &owner {
        for near in 0..3_usize.pow(d as u32) {
            let mut there = *at;
            (0..d).for_each(|k| there[k] += (near / 3_usize.pow(k as u32) % 3) as i64 - 1);
            if let Some(other) = owner.get(&there) {
                sets.join(*walker, *other);
            }
        }
    }
    let mut found: Vec<(usize, usize, Region)> = Vec::new();
    for walker in 0..traces.walkers() {
        let root = sets.of(walker);
        let position = found.iter().position(|(of, ..)| *of == root).unwrap_or_else(|| {
            found.push((root, 0, Region { ends: vec![[f64::INFINITY, f64::NEG_INFINITY]; d], walkers: 0 }));
            found.len() - 1
        });
        let (_, count, region) = &mut found[position];
        region.walkers += 1;
        for x in rows(walker) {
            *count += 1;
            region.ends.iter_mut().zip(x).for_each(|(ends, x)| *ends = [ends[0].min(*x), ends[1].max(*x)]);
        }
    }
    let enough = found.into_iter().filter(|(_, rows, _)| *rows as f64 >= FEWEST);
    let mut regions: Vec<Region> = enough.map(|(.., region)| region).collect();
    regions.sort_by(|a, b| a.ends[0][0].total_cmp(&b.ends[0][0]));
    regions
}
