//! First passages: the sets that are reached, and Kramers’ law for the mean time.

pub mod kramers;
pub mod on_grid;
pub mod passage;
