//! The numbers of a scenario that memory grows with.

use std::ops::Range;

use super::Sizes;
use crate::engine::Options;
use crate::reader::source::Located;
use crate::scenario::Scenario;
use crate::text::grouped;

/// What a line of the memory table grows with.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// `grid`.
    Cells,
    /// `time.outputs`.
    Outputs,
    /// A number in the table of an engine.
    Count(&'static Count),
}

/// A number in the table of an engine that memory grows with.
#[derive(Debug)]
pub struct Count {
    /// What is counted, such as "langevin walkers".
    pub name: &'static str,
    /// How many the scenario asks for, and where.
    pub written: fn(&Options) -> Located<usize>,
}

impl Key {
    /// How much the scenario asks for, where, and a label for the place.
    pub(super) fn written(self, scenario: &Scenario, cells: f64) -> (String, Range<usize>, &'static str) {
        let cells = grouped(cells as u64);
        match self {
            Self::Cells => (format!("a grid of {cells} cells"), scenario.grid.span.clone(), "this grid"),
            Self::Outputs => {
                let times = &scenario.time.at;
                let what = format!("{} output times of {cells} cells", grouped(times.value.len() as u64));
                (what, times.span.clone(), "these times")
            }
            Self::Count(count) => {
                let written = (count.written)(&scenario.options);
                (format!("{} {}", grouped(written.value as u64), count.name), written.span, "this many")
            }
        }
    }

    /// Halves the number, rounded up.
    pub(super) fn halve(self, sizes: &mut Sizes) {
        let half = |n: f64| (n / 2.0).ceil();
        match self {
            Self::Cells => sizes.shape.iter_mut().for_each(|n| *n = half(*n)),
            Self::Outputs => sizes.outputs = half(sizes.outputs),
            Self::Count(count) => sizes.fewer = Some((count, half(sizes.count(count)))),
        }
    }

    /// The number in words.
    pub(super) fn to_text(self, sizes: &Sizes) -> String {
        match self {
            Self::Cells => {
                let shape: Vec<String> = sizes.shape.iter().map(|n| n.to_string()).collect();
                format!("{} cells", shape.join(" x "))
            }
            Self::Outputs => format!("{} output times", sizes.outputs),
            Self::Count(count) => format!("{} {}", sizes.count(count), count.name),
        }
    }
}
