//! The functions and the constants that a formula may name.

use super::expression::Expression;
use super::operation::{Binary, Unary};

/// How the arguments of a function become an expression.
#[derive(Clone, Copy)]
pub(super) enum Function {
    One(Unary),
    /// One argument, written with other functions.
    Built(fn(&Expression) -> Expression),
    /// Two or more arguments, taken from left to right.
    Many(Binary),
    /// Two or more arguments, written with other functions.
    BuiltOfMany(fn(&Expression, &[Expression]) -> Expression),
    Where,
}

pub(super) const CONSTANTS: [(&str, f64); 3] =
    [("pi", std::f64::consts::PI), ("e", std::f64::consts::E), ("π", std::f64::consts::PI)];

pub(super) const FUNCTIONS: [(&str, Function); 25] = [
    ("sin", Function::One(Unary::Sin)),
    ("cos", Function::One(Unary::Cos)),
    ("tan", Function::One(Unary::Tan)),
    ("asin", Function::One(Unary::Asin)),
    ("acos", Function::One(Unary::Acos)),
    ("atan", Function::One(Unary::Atan)),
    ("sinh", Function::One(Unary::Sinh)),
    ("cosh", Function::One(Unary::Cosh)),
    ("tanh", Function::One(Unary::Tanh)),
    ("exp", Function::One(Unary::Exp)),
    ("log", Function::One(Unary::Log)),
    ("sqrt", Function::One(Unary::Sqrt)),
    ("abs", Function::One(Unary::Abs)),
    ("sign", Function::One(Unary::Sign)),
    ("erf", Function::One(Unary::Erf)),
    ("sigmoid", Function::One(Unary::Sigmoid)),
    ("softplus", Function::Built(softplus)),
    ("relu", Function::Built(relu)),
    ("gelu", Function::Built(gelu)),
    ("logaddexp", Function::Many(Binary::LogAddExp)),
    ("logsumexp", Function::Many(Binary::LogAddExp)),
    ("softmax", Function::BuiltOfMany(softmax)),
    ("min", Function::Many(Binary::Min)),
    ("max", Function::Many(Binary::Max)),
    ("where", Function::Where),
];

/// The functions that a formula may name.
pub fn function_names() -> Vec<&'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name).collect()
}

/// log(1 + e^x).
fn softplus(x: &Expression) -> Expression {
    Expression::binary(Binary::LogAddExp, x.clone(), Expression::constant(0.0))
}

/// max(x, 0).
fn relu(x: &Expression) -> Expression {
    Expression::binary(Binary::Max, x.clone(), Expression::constant(0.0))
}

/// x Φ(x) with the normal distribution function Φ(x) = (1 + erf(x/√2))/2.
fn gelu(x: &Expression) -> Expression {
    let half = Expression::constant(0.5);
    let erf = Expression::unary(Unary::Erf, x.times(&Expression::constant(std::f64::consts::FRAC_1_SQRT_2)));
    x.times(&erf.times(&half).plus(&half))
}

/// e^x/(e^x + Σ e^y), the share of the first argument, as 1/(1 + e^{log Σ e^y − x}): no exponential overflows.
fn softmax(x: &Expression, others: &[Expression]) -> Expression {
    let all = others.iter().cloned().reduce(|all, y| Expression::binary(Binary::LogAddExp, all, y));
    let rest = all.unwrap_or_else(|| Expression::constant(f64::NEG_INFINITY));
    Expression::unary(Unary::Sigmoid, Expression::binary(Binary::Sub, x.clone(), rest))
}
