//! Properties of the engine over random problems: what must hold for every grid, wall, drift and diffusion.
//!
//! The cases are the same in every run (a fixed seed); those that once failed are kept in `proptest-regressions`.
#![allow(clippy::unwrap_used)]

mod chain;
mod equilibrium;
mod generator;
mod integrators;
mod scene;
mod symmetry;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// So many cases, always the same.
fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, rng_seed: RngSeed::Fixed(20_261_124), ..ProptestConfig::default() }
}
