//! The meaning of each operation for one number; programs compute the same bits over lanes.

use super::operation::{Binary, Unary};
use crate::numerics::lanes;

/// sin, cos or tan for all arguments: `near` where lanes reduce exactly, else the standard library's `far`.
#[inline(always)]
fn wide(x: f64, near: fn(f64) -> f64, far: fn(f64) -> f64) -> f64 {
    if x.abs() <= lanes::TRIGONOMETRIC_LIMIT { near(x) } else { far(x) }
}

pub(super) fn unary(f: Unary, x: f64) -> f64 {
    match f {
        Unary::Neg => -x,
        Unary::Sqrt => x.sqrt(),
        Unary::Abs => x.abs(),
        Unary::Sign => lanes::sign(x),
        Unary::Exp => lanes::exp(x),
        Unary::Log => lanes::ln(x),
        Unary::Sin => wide(x, lanes::sin, f64::sin),
        Unary::Cos => wide(x, lanes::cos, f64::cos),
        Unary::Tan => wide(x, lanes::tan, f64::tan),
        Unary::Asin => lanes::asin(x),
        Unary::Acos => lanes::acos(x),
        Unary::Atan => lanes::atan(x),
        Unary::Sinh => lanes::sinh(x),
        Unary::Cosh => lanes::cosh(x),
        Unary::Tanh => lanes::tanh(x),
        Unary::Erf => lanes::erf(x),
    }
}

pub(super) fn binary(f: Binary, x: f64, y: f64) -> f64 {
    match f {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div => x / y,
        Binary::Pow => lanes::pow(x, y),
        Binary::Min => lanes::min(x, y),
        Binary::Max => lanes::max(x, y),
        Binary::Less => truth(x < y),
        Binary::LessEqual => truth(x <= y),
        Binary::Equal => truth(x == y),
        Binary::NotEqual => truth((x < y) | (x > y)),
    }
}

pub(super) fn select(condition: f64, x: f64, y: f64) -> f64 {
    if (condition < 0.0) | (condition > 0.0) { x } else { y }
}

#[inline(always)]
pub(super) fn truth(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}
