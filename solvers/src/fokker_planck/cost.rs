//! Seconds that a discretisation takes, told before it is run by what has to be done and what a piece of it takes on a current core.

use super::chain::transition::Expected;
use super::integrator::system::{System, Work};

/// Evaluation of drift and D for a sample of the data.
const SAMPLE: f64 = 2e-8;
/// A point of the flow of moments, but for its evaluation.
const FLOW: f64 = 6e-8;
/// Making an entry of a row.
const ENTRY: f64 = 1.2e-8;
/// An entry in a product.
const PRODUCT: f64 = 1e-9;
/// Products that a stationary law takes.
const AT_REST: f64 = 50.0;
/// A chain with the companions that tell its errors, relative to it alone.
const WITH_COMPANIONS: [f64; 2] = [1.3, 2.3];
/// Setting up a cell of the edge generator, with the coarser grids and the stationary law.
const CELL: f64 = 5e-6;
/// A rate in a product of the edge generator.
const RATE: f64 = 4e-10;
/// The edge generator with the coarser grids that tell its errors, relative to it alone.
const WITH_COARSER: f64 = 1.2;

/// What a pair of chains takes.
#[derive(Debug, Clone, Copy)]
pub struct ChainCost {
    /// Rows, the shorter steps first; none of the shorter ones where there is one chain.
    pub rows: [Expected; 2],
    /// Rows that are made.
    pub cells: f64,
    /// Samples that an evaluation goes through.
    pub samples: f64,
    /// Different lengths of the steps.
    pub lengths: f64,
    /// Long steps until the end.
    pub long_steps: f64,
}

impl ChainCost {
    fn is_pair(&self) -> bool {
        self.rows[0].entries > 0.0
    }

    fn companions(&self) -> f64 {
        WITH_COMPANIONS[usize::from(!self.is_pair())]
    }

    /// The rows and the stationary law.
    pub fn at_least(&self) -> f64 {
        let made = |row: &Expected| row.evaluations * (FLOW + SAMPLE * self.samples) + row.entries * ENTRY;
        let rows: f64 = self.rows.iter().map(made).sum();
        let entries: f64 = self.rows.iter().map(|row| row.entries).sum();
        self.companions() * self.cells * (self.lengths * rows + AT_REST * entries * PRODUCT)
    }

    /// Products on the way.
    pub fn of_products(&self, products: f64) -> f64 {
        let [short, long] = self.rows.map(|row| row.entries);
        let mean = if self.is_pair() { (2.0 * short + long) / 3.0 } else { long };
        self.companions() * self.cells * products * mean * PRODUCT
    }

    /// All of it.
    pub fn seconds(&self) -> f64 {
        let products = if self.is_pair() { 3.0 } else { 1.0 };
        self.at_least() + self.of_products(products * self.long_steps)
    }
}

/// What the edge generator takes on so many cells, by the work of its integrator.
pub fn edges_seconds(cells: usize, system: Option<&System>, work: &Work) -> f64 {
    let integration = system.map_or(0.0, |system| {
        let (rates, needs) = (system.generator().rates() as f64, system.needs());
        RATE * rates * work.products as f64
            + needs.factor * work.factorisations as f64
            + needs.solve * work.solves as f64
    });
    CELL * cells as f64 + WITH_COARSER * integration
}
