//! Building expressions: constants folded and moved outwards, neutral elements dropped, signs pulled out.

use super::expression::{Expression, Node};
use super::operation::{Binary, Unary};
use super::scalar;

impl Expression {
    pub(super) fn unary(f: Unary, a: Self) -> Self {
        if let Some(c) = a.as_constant() {
            return Self::constant(scalar::unary(f, c));
        }
        if f != Unary::Neg {
            return Self::build(Node::Unary(f, a));
        }
        match a.node() {
            Node::Unary(Unary::Neg, inner) => inner.clone(),
            Node::Binary(Binary::Sub, x, y) => Self::build(Node::Binary(Binary::Sub, y.clone(), x.clone())),
            Node::Binary(Binary::Mul, x, c) if c.as_constant().is_some() => x.times(&c.negated()),
            _ => Self::build(Node::Unary(f, a)),
        }
    }

    pub(super) fn binary(f: Binary, a: Self, b: Self) -> Self {
        if let (Some(x), Some(y)) = (a.as_constant(), b.as_constant()) {
            return Self::constant(scalar::binary(f, x, y));
        }
        match f {
            Binary::Add => add(a, b),
            Binary::Sub => subtract(a, b),
            Binary::Mul => multiply(a, b),
            Binary::Div => divide(a, b),
            Binary::Pow => power(a, b),
            _ => Self::build(Node::Binary(f, a, b)),
        }
    }

    /// a where the condition is neither 0 nor NaN, else b.
    pub(super) fn select(condition: Self, a: Self, b: Self) -> Self {
        match condition.as_constant() {
            Some(c) => {
                if scalar::select(c, 1.0, 0.0) == 1.0 {
                    a
                } else {
                    b
                }
            }
            None if a == b => a,
            None => Self::build(Node::Where(condition, a, b)),
        }
    }

    fn negation(&self) -> Option<&Self> {
        match self.node() {
            Node::Unary(Unary::Neg, inner) => Some(inner),
            _ => None,
        }
    }

    /// (x, c) of a product x·c with a constant.
    fn scaled(&self) -> Option<(&Self, f64)> {
        match self.node() {
            Node::Binary(Binary::Mul, x, c) => c.as_constant().map(|c| (x, c)),
            _ => None,
        }
    }

    /// (base, n) of a power with a positive integer exponent; everything else is its own first power.
    fn integer_power(&self) -> (&Self, f64) {
        match self.node() {
            Node::Binary(Binary::Pow, base, n) => match n.as_constant() {
                Some(n) if n > 0.0 && n.fract() == 0.0 => (base, n),
                _ => (self, 1.0),
            },
            _ => (self, 1.0),
        }
    }
}

fn raw(f: Binary, a: Expression, b: Expression) -> Expression {
    Expression::build(Node::Binary(f, a, b))
}

/// Constants stand on the right.
fn add(a: Expression, b: Expression) -> Expression {
    if a.as_constant().is_some() {
        return add(b, a);
    }
    if b.as_constant() == Some(0.0) {
        return a;
    }
    if let (Some(c), Node::Binary(Binary::Add, x, y)) = (b.as_constant(), a.node())
        && let Some(first) = y.as_constant()
    {
        return add(x.clone(), Expression::constant(first + c));
    }
    if let Some(x) = b.negation() {
        return subtract(a, x.clone());
    }
    if let Some(x) = a.negation() {
        return subtract(b, x.clone());
    }
    if a == b {
        return multiply(a, Expression::constant(2.0));
    }
    raw(Binary::Add, a, b)
}

fn subtract(a: Expression, b: Expression) -> Expression {
    if b.as_constant().is_some() {
        return add(a, b.negated());
    }
    if a.as_constant() == Some(0.0) {
        return b.negated();
    }
    if let Some(x) = b.negation() {
        return add(a, x.clone());
    }
    if a == b {
        return Expression::constant(0.0);
    }
    raw(Binary::Sub, a, b)
}

/// Constants stand on the right and outside, signs outside.
fn multiply(a: Expression, b: Expression) -> Expression {
    if a.as_constant().is_some() {
        return multiply(b, a);
    }
    if let Some(c) = b.as_constant() {
        return scale(a, c);
    }
    if let Some((x, c)) = a.scaled() {
        return scale(multiply(x.clone(), b), c);
    }
    if let Some((x, c)) = b.scaled() {
        return scale(multiply(a, x.clone()), c);
    }
    match (a.negation(), b.negation()) {
        (Some(x), Some(y)) => return multiply(x.clone(), y.clone()),
        (Some(x), None) => return multiply(x.clone(), b).negated(),
        (None, Some(y)) => return multiply(a, y.clone()).negated(),
        (None, None) => {}
    }
    let ((x, n), (y, m)) = (a.integer_power(), b.integer_power());
    if x == y {
        return power(x.clone(), Expression::constant(n + m));
    }
    raw(Binary::Mul, a, b)
}

fn scale(a: Expression, c: f64) -> Expression {
    if c == 0.0 {
        return Expression::constant(0.0);
    }
    if c == 1.0 {
        return a;
    }
    if c == -1.0 {
        return a.negated();
    }
    if let Some((x, first)) = a.scaled() {
        return scale(x.clone(), first * c);
    }
    if let Some(x) = a.negation() {
        return scale(x.clone(), -c);
    }
    raw(Binary::Mul, a, Expression::constant(c))
}

fn divide(a: Expression, b: Expression) -> Expression {
    if let Some(c) = b.as_constant()
        && (1.0 / c).is_normal()
    {
        return scale(a, 1.0 / c);
    }
    if a.as_constant() == Some(0.0) {
        return a;
    }
    if let Some((x, c)) = a.scaled() {
        return scale(divide(x.clone(), b), c);
    }
    match (a.negation(), b.negation()) {
        (Some(x), Some(y)) => divide(x.clone(), y.clone()),
        (Some(x), None) => divide(x.clone(), b).negated(),
        (None, Some(y)) => divide(a, y.clone()).negated(),
        (None, None) => raw(Binary::Div, a, b),
    }
}

fn power(a: Expression, b: Expression) -> Expression {
    let Some(n) = b.as_constant() else { return raw(Binary::Pow, a, b) };
    if n == 0.0 {
        return Expression::constant(1.0);
    }
    if n == 1.0 {
        return a;
    }
    if n == 0.5 {
        return Expression::unary(Unary::Sqrt, a);
    }
    if n.fract() == 0.0 {
        if let Some(x) = a.negation() {
            let positive = power(x.clone(), b);
            return if (n * 0.5).fract() == 0.0 { positive } else { positive.negated() };
        }
        let (x, m) = a.integer_power();
        if m > 1.0 {
            return power(x.clone(), Expression::constant(n * m));
        }
    }
    raw(Binary::Pow, a, b)
}
