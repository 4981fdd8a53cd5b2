//! Instructions of a program and the registers that they work on.

use super::graph::Fused;
use super::operation::{Binary, Unary};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Instruction {
    pub(super) code: Code,
    pub(super) target: Target,
    pub(super) operands: [Source; 3],
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Code {
    Copy,
    Unary(Unary),
    Binary(Binary),
    Fused(Fused),
    Where,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    Register(usize),
    Output(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    Input(usize),
    Register(usize),
    /// A uniform, or after them a constant.
    Scalar(usize),
}

/// Points per block: long enough to hide what an instruction costs to start, short enough for the first-level cache.
pub(crate) const BLOCK: usize = 128;

/// Where a block stands in an array: component k of its point i is at `[k·stride + start + i]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) stride: usize,
    pub(crate) start: usize,
}

#[derive(Debug, Clone)]
#[repr(align(64))] // whole cache lines, so that no vector straddles two
pub(super) struct Block(pub(super) [f64; BLOCK]);

/// Working memory of programs; grows to the largest program it has served.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    #[allow(clippy::vec_box)] // a result is swapped in by its pointer
    pub(super) registers: Vec<Box<Block>>,
}

impl Scratch {
    /// One register more than the program has: results are built there and then swapped in.
    pub(super) fn reserve(&mut self, registers: usize) {
        if self.registers.len() <= registers {
            self.registers.resize_with(registers + 1, || Box::new(Block([0.0; BLOCK])));
        }
    }
}
