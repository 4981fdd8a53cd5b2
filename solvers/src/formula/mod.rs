//! Formulas of the user: text → [`Expression`] → derivatives → [`Program`].
//!
//! A formula is numbers, variables, parameters, data columns, `+ - * / ^`, comparisons, `pi`, `e` and a fixed list of
//! functions: nothing in it can reach files, memory or time. It is differentiated symbolically and compiled, together
//! with others, to a register program that runs over lanes of points.
//!
//! | file | holds |
//! |---|---|
//! | `token.rs`, `parse.rs`, `functions.rs`, `symbols.rs`, `error.rs` | text to formula: grammar, names, messages with places |
//! | `expression.rs`, `operation.rs`, `scalar.rs` | formulas as trees with shared parts, and their value at a point |
//! | `simplify.rs`, `derivative.rs` | rules of algebra; ∂/∂θ_k by the chain rule |
//! | `condition.rs`, `square.rs` | what a comparison's surface is; whether a loss is a square |
//! | `decompose.rs` | what depends on data alone, on θ alone, on both |
//! | `graph.rs`, `program.rs`, `instruction.rs`, `run.rs` | common parts once, registers, the loop over blocks of 128 points |
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
mod decompose;
mod derivative;
mod error;
mod expression;
mod functions;
mod graph;
mod instruction;
mod operation;
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

pub(crate) use decompose::decompose;
pub use error::FormulaError;
pub use expression::Expression;
pub use functions::function_names;
pub use instruction::Scratch;
pub(crate) use instruction::{BLOCK, Layout};
pub use parse::parse;
pub use program::Program;
pub use symbols::Symbols;
