//! Neural networks for fpsolve: trained under importance sampling, and slices of their losses as tables for its engines.
//!
//! Scenario → data → runs (every c, every seed) → slices → record → pictures; tensors, automatic differentiation and devices are burn's.

pub mod cli;
pub mod data;
pub mod device;
pub mod network;
pub mod progress;
pub mod record;
pub mod sampler;
pub mod scenario;
pub mod session;
pub mod slice;
pub mod structure;
pub mod train;
