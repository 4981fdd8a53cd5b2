//! How far a density is from the true one.
//!
//! * [`richardson`]: errors from the changes h → 2h → 4h; [`coarse_levels`]: the companions of a run that show them;
//!   [`finer_levels`]: what they can be at all, on a line;
//! * [`truncation`], [`wall_contact`]: what the walls of the grid cut off, and where probability touches them; [`physical_walls`]: those that cut
//!   nothing off;
//! * [`convergence`]: orders on a ladder of grids.

pub mod coarse_levels;
pub mod convergence;
pub mod finer_levels;
pub mod physical_walls;
pub mod richardson;
pub mod truncation;
pub mod wall_contact;
