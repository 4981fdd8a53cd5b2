//! The inner loop: one instruction after the other over a block of points.

use super::graph::Fused;
use super::instruction::{Block, Code, Instruction, Layout, Scratch, Source, Target};
use super::operation::{Binary, Unary};
use super::scalar::truth;
use crate::numerics::lanes;
use crate::numerics::lanes::{TRIGONOMETRIC_LIMIT, dispatch};

/// The vector or the number behind an operand.
#[inline(always)]
fn fetch<'a>(
    source: Source,
    registers: &'a [Box<Block>],
    scalars: &[f64],
    inputs: &'a [f64],
    layout: Layout,
    length: usize,
) -> (&'a [f64], f64) {
    match source {
        Source::Register(r) => (&registers[r].0[..length], 0.0),
        Source::Input(i) => (&inputs[i * layout.stride + layout.start..][..length], 0.0),
        Source::Scalar(s) => (&[], scalars.get(s).copied().unwrap_or(0.0)),
    }
}

/// One loop over a block; the operands are slices or numbers.
macro_rules! each {
    ($out:expr; $x:ident in $a:expr => $value:expr) => {
        for (o, &$x) in $out.iter_mut().zip($a) {
            *o = $value;
        }
    };
    ($out:expr; $x:ident in $a:expr, $y:ident in $b:expr => $value:expr) => {
        for ((o, &$x), &$y) in $out.iter_mut().zip($a).zip($b) {
            *o = $value;
        }
    };
    ($out:expr; $x:ident in $a:expr, $y:ident in $b:expr, $z:ident in $c:expr => $value:expr) => {
        for (((o, &$x), &$y), &$z) in $out.iter_mut().zip($a).zip($b).zip($c) {
            *o = $value;
        }
    };
}

/// A function of two operands, of which at most one is a number.
macro_rules! two {
    ($out:expr, $a:expr, $b:expr; |$x:ident, $y:ident| $value:expr) => {
        if $b.0.is_empty() {
            let $y = $b.1;
            each!($out; $x in $a.0 => $value)
        } else if $a.0.is_empty() {
            let $x = $a.1;
            each!($out; $y in $b.0 => $value)
        } else {
            each!($out; $x in $a.0, $y in $b.0 => $value)
        }
    };
}

/// A function of three operands, the first a vector.
macro_rules! three {
    ($out:expr, $a:expr, $b:expr, $c:expr; |$x:ident, $y:ident, $z:ident| $value:expr) => {
        match ($b.0.is_empty(), $c.0.is_empty()) {
            (false, false) => each!($out; $x in $a.0, $y in $b.0, $z in $c.0 => $value),
            (false, true) => {
                let $z = $c.1;
                each!($out; $x in $a.0, $y in $b.0 => $value)
            }
            (true, false) => {
                let $y = $b.1;
                each!($out; $x in $a.0, $z in $c.0 => $value)
            }
            (true, true) => {
                let ($y, $z) = ($b.1, $c.1);
                each!($out; $x in $a.0 => $value)
            }
        }
    };
}

/// A circular function: the lanes whose arguments are too large are done again by the standard library.
macro_rules! circular {
    ($out:expr, $a:expr, $near:path, $far:path) => {{
        let mut large = 0_u64;
        for (o, &x) in $out.iter_mut().zip($a) {
            *o = $near(x);
            large |= u64::from(x.abs() > TRIGONOMETRIC_LIMIT);
        }
        if large != 0 {
            mend($out, $a, $far);
        }
    }};
}

#[cold]
#[inline(never)]
fn mend(out: &mut [f64], a: &[f64], far: fn(f64) -> f64) {
    for (o, &x) in out.iter_mut().zip(a) {
        if x.abs() > TRIGONOMETRIC_LIMIT {
            *o = far(x);
        }
    }
}

// Long functions stay out of the loop over the instructions, which would otherwise load all their constants every time.

dispatch! {
    /// The functions of one number.
    fn unary(f: Unary, a: &[f64], out: &mut [f64]) {
        match f {
            Unary::Neg => each!(out; x in a => -x),
            Unary::Sqrt => each!(out; x in a => x.sqrt()),
            Unary::Abs => each!(out; x in a => x.abs()),
            Unary::Sign => each!(out; x in a => lanes::sign(x)),
            Unary::Exp => each!(out; x in a => lanes::exp(x)),
            Unary::Log => each!(out; x in a => lanes::ln(x)),
            Unary::Sin => circular!(out, a, lanes::sin, f64::sin),
            Unary::Cos => circular!(out, a, lanes::cos, f64::cos),
            Unary::Tan => circular!(out, a, lanes::tan, f64::tan),
            Unary::Asin => each!(out; x in a => lanes::asin(x)),
            Unary::Acos => each!(out; x in a => lanes::acos(x)),
            Unary::Atan => each!(out; x in a => lanes::atan(x)),
            Unary::Sinh => each!(out; x in a => lanes::sinh(x)),
            Unary::Cosh => each!(out; x in a => lanes::cosh(x)),
            Unary::Tanh => each!(out; x in a => lanes::tanh(x)),
            Unary::Erf => each!(out; x in a => lanes::erf(x)),
        }
    }
}

dispatch! {
    /// The functions of two numbers beyond arithmetic.
    fn binary(f: Binary, a: (&[f64], f64), b: (&[f64], f64), out: &mut [f64]) {
        match f {
            Binary::Pow => two!(out, a, b; |x, y| lanes::pow(x, y)),
            Binary::Min => two!(out, a, b; |x, y| lanes::min(x, y)),
            Binary::Max => two!(out, a, b; |x, y| lanes::max(x, y)),
            Binary::Less => two!(out, a, b; |x, y| truth(x < y)),
            Binary::LessEqual => two!(out, a, b; |x, y| truth(x <= y)),
            Binary::Equal => two!(out, a, b; |x, y| truth(x == y)),
            Binary::NotEqual => two!(out, a, b; |x, y| truth((x < y) | (x > y))),
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div => arithmetic(f, a, b, out),
        }
    }
}

#[inline(always)]
fn arithmetic(f: Binary, a: (&[f64], f64), b: (&[f64], f64), out: &mut [f64]) {
    match f {
        Binary::Add => two!(out, a, b; |x, y| x + y),
        Binary::Sub => two!(out, a, b; |x, y| x - y),
        Binary::Mul => two!(out, a, b; |x, y| x * y),
        _ => two!(out, a, b; |x, y| x / y),
    }
}

#[inline(always)]
fn fused(f: Fused, a: (&[f64], f64), b: (&[f64], f64), c: (&[f64], f64), out: &mut [f64]) {
    match f {
        Fused::MulAdd => three!(out, a, b, c; |x, y, z| x.mul_add(y, z)),
        Fused::MulSub => three!(out, a, b, c; |x, y, z| x.mul_add(y, -z)),
        Fused::NegMulAdd => three!(out, a, b, c; |x, y, z| (-x).mul_add(y, z)),
    }
}

dispatch! {
    /// The second vector where the first is neither 0 nor NaN, else the third.
    fn select(a: &[f64], b: &[f64], c: &[f64], out: &mut [f64]) {
        each!(out; x in a, y in b, z in c => if (x < 0.0) | (x > 0.0) { y } else { z })
    }
}

dispatch! {
    /// Runs all instructions on `length` points; outputs before `split` go to the first array, the others to the second.
    pub(super) fn run_block(
        instructions: &[Instruction],
        scalars: &[f64],
        inputs: &[f64],
        input: Layout,
        first: &mut [f64],
        second: &mut [f64],
        split: usize,
        output: Layout,
        length: usize,
        scratch: &mut Scratch,
    ) {
        let Some((spare, registers)) = scratch.registers.split_last_mut() else { return };
        for instruction in instructions {
            let [a, b, c] = instruction.operands;
            let a = fetch(a, registers, scalars, inputs, input, length);
            let b = fetch(b, registers, scalars, inputs, input, length);
            let out = match instruction.target {
                Target::Register(_) => &mut spare.0[..length],
                Target::Output(k) if k < split => &mut first[k * output.stride + output.start..][..length],
                Target::Output(k) => &mut second[(k - split) * output.stride + output.start..][..length],
            };
            match instruction.code {
                Code::Copy if a.0.is_empty() => out.fill(a.1),
                Code::Copy => out.copy_from_slice(a.0),
                Code::Unary(f) => unary(f, a.0, out),
                Code::Binary(f @ (Binary::Add | Binary::Sub | Binary::Mul | Binary::Div)) => arithmetic(f, a, b, out),
                Code::Binary(f) => binary(f, a, b, out),
                Code::Fused(f) => fused(f, a, b, fetch(c, registers, scalars, inputs, input, length), out),
                Code::Where => select(a.0, b.0, fetch(c, registers, scalars, inputs, input, length).0, out),
            }
            if let Target::Register(r) = instruction.target {
                std::mem::swap(&mut registers[r], spare);
            }
        }
    }
}
