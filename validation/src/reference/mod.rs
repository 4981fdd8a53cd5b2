//! Exact solutions with their sources.
