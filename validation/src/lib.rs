//! Distances between densities, each with the noise floor its samples must show; exact references; verdicts.
