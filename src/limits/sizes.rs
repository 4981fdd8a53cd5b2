//! The lines of the memory table, and the numbers of a scenario that they grow with.

use fpsolve_solvers::ensemble::Trajectories;

use crate::engine::options::Options;
use crate::reader::source::Located;

/// One line of the memory table.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it is for.
    pub what: String,
    /// Bytes, as a float because a refused problem may need more than any integer type counts.
    pub bytes: f64,
    /// The number in the scenario that makes it large.
    pub key: Key,
}

impl Item {
    /// A line of the table.
    pub fn new(what: impl Into<String>, bytes: f64, key: Key) -> Self {
        Self { what: what.into(), bytes, key }
    }
}

/// What a line of the memory table grows with.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// `grid`.
    Cells,
    /// `time.outputs`.
    Outputs,
    /// `dynamics.batch_size`.
    Batch,
    /// `replicas` of `analysis.rare_event`.
    Replicas,
    /// `model.data`.
    Data,
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
    /// Halves the number, rounded up.
    pub(super) fn halve(self, sizes: &mut Sizes) {
        let half = |n: f64| (n / 2.0).ceil();
        match self {
            Self::Cells => sizes.shape.iter_mut().for_each(|n| *n = half(*n)),
            Self::Outputs => sizes.outputs = half(sizes.outputs),
            Self::Batch => sizes.batch = half(sizes.batch),
            Self::Replicas => sizes.analysis_bytes *= 0.5,
            Self::Data => {}
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
            Self::Batch => format!("batch_size = {}", sizes.batch),
            Self::Replicas => "fewer replicas".to_string(),
            Self::Data => "fewer samples".into(),
            Self::Count(count) => format!("{} {}", sizes.count(count), count.name),
        }
    }
}

/// The sizes that memory depends on.
#[derive(Debug, Clone)]
pub struct Sizes<'a> {
    /// Cells along each axis of the grid.
    pub shape: Vec<f64>,
    /// Number of output times.
    pub outputs: f64,
    /// Fields of `[analysis]`: numbers per cell.
    pub analysis: f64,
    /// Bytes that analyses keep whatever the grid.
    pub analysis_bytes: f64,
    /// Batch size; 0 where none is written.
    pub batch: f64,
    /// Samples in the order that each walker goes through; 0 where batches are drawn anew in each step.
    pub epoch: f64,
    /// Whether D is a multiple of the identity everywhere.
    pub isotropic: bool,
    /// Whether the drift may cross a cell faster than the noise; before anything is evaluated it is not known to.
    pub steep: bool,
    /// Bytes of the matrix that an engine builds or may choose to build, where they are known.
    pub matrix: Option<f64>,
    /// What the tables of the engines say.
    pub options: &'a Options,
    /// A count that is made smaller to find what fits.
    pub(super) fewer: Option<(&'static Count, f64)>,
}

impl Sizes<'_> {
    /// Cells of the grid.
    pub fn cells(&self) -> f64 {
        self.shape.iter().product()
    }

    /// Number of dimensions d.
    pub fn dimension(&self) -> f64 {
        self.shape.len() as f64
    }

    /// The positions of so many walkers on their way; None for none.
    pub fn trajectories(&self, walkers: usize) -> Option<Item> {
        let bytes = 3.0 * 8.0 * self.dimension() * walkers as f64 * (Trajectories::ROWS + self.outputs);
        (walkers > 0).then(|| Item::new("trajectories", bytes, Key::Outputs))
    }

    /// A number in the table of an engine.
    pub fn count(&self, count: &'static Count) -> f64 {
        match self.fewer {
            Some((fewer, n)) if std::ptr::eq(fewer, count) => n,
            _ => (count.written)(self.options).value as f64,
        }
    }
}
