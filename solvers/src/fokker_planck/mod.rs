//! The Fokker–Planck engine: a Markov jump process on the cells of the grid.

pub mod generator;

pub use generator::Generator;
