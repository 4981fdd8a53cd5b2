//! Linear solvers for (c I − γ Qᵀ) x = b: factor once, solve many times.
//!
//! The matrix is a column-diagonally-dominant M-matrix. The direct solvers use that: they eliminate cells without pivoting and
//! carry each column's excess c + γ·exit as one more row (the "ground"), so that every pivot is a sum of non-negative numbers
//! (Grassmann, Taksar & Heyman, doi:10.1287/opre.33.5.1107; Alfa, Xue & Ye, doi:10.1090/S0025-5718-01-01325-4). Nothing is ever
//! subtracted: each entry of the solution of a non-negative right-hand side is right to about N·10⁻¹⁶ *relative*, however
//! close to singular the matrix is, and non-negative.
//!
//! * [`solver`]: what a solver is; [`table`]: all of them, the choice;
//! * [`tridiagonal`]: one axis; [`multifrontal`], [`dissection`], `front`: elimination along a nested dissection;
//! * [`multigrid`], `aggregation`, `boxes`: the iteration for grids too large for that.

mod aggregation;
mod boxes;
pub mod dissection;
mod front;
pub mod multifrontal;
pub mod multigrid;
pub mod solver;
pub mod table;
#[cfg(test)]
pub(crate) mod tests;
pub mod tridiagonal;
