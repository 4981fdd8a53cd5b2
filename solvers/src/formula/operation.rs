//! The operations that formulas are made of.

/// Functions of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Unary {
    Neg,
    Sqrt,
    Abs,
    Sign,
    Exp,
    Log,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Erf,
}

/// Functions of two numbers; comparisons give 1 or 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
    Less,
    LessEqual,
    Equal,
    NotEqual,
}

impl Binary {
    /// Whether both operands may change places.
    pub(super) fn commutes(self) -> bool {
        matches!(self, Self::Add | Self::Mul | Self::Equal | Self::NotEqual)
    }
}
