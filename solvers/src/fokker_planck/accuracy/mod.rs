//! How far a density is from the true one: coarser grids, truncation at the walls, orders on a ladder of grids.

pub mod coarse_levels;
pub mod convergence;
pub mod truncation;
pub mod wall_contact;
