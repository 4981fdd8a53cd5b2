//! Formulas of the user: text → [`Expression`] → derivatives → [`Program`].
//!
//! A formula is numbers, variables, parameters, data columns, `+ - * / ^`, comparisons, `pi`, `e` and a fixed list of
//! functions: nothing in it can reach files, memory or time. It is differentiated symbolically and compiled, together
//! with others, to a register program that runs over lanes of points.
//!
//! ```
//! use fpsolve_solvers::formula::{Program, Symbols, parse};
//! let symbols = Symbols::new(&["x"]).with_parameters([("a", 3.0)]);
//! let loss = parse("(x^2 - a)^2/4", &symbols)?;
//! let program = Program::compile(&[loss.clone(), loss.derivative(0)]);
//! let mut out = [0.0; 4]; // two outputs at two points
//! program.evaluate(&[1.0, 2.0], &mut out);
//! assert_eq!(out, [1.0, 0.25, -2.0, 2.0]);
//! # Ok::<(), fpsolve_solvers::formula::FormulaError>(())
//! ```

mod condition;
mod derivative;
mod error;
mod expression;
mod graph;
mod hoist;
mod parse;
mod program;
mod run;
mod scalar;
mod simplify;
mod square;
mod symbols;
#[cfg(test)]
mod tests;
mod token;

pub use error::FormulaError;
pub use expression::Expression;
pub(crate) use hoist::take_apart;
pub use parse::parse;
pub use program::Program;
pub use run::Scratch;

pub(crate) use run::{BLOCK, Layout};
pub use symbols::Symbols;
