//! Symbolic derivatives.

use std::collections::HashMap;

use super::expression::{Expression, Key, Node};
use super::operation::{Binary, Unary};

impl Expression {
    /// ∂/∂(input `variable`), of any order by repetition.
    ///
    /// Where a formula has kinks (abs, min, max, where, comparisons) the derivative of the branch in force is taken;
    /// jumps have derivative 0.
    #[must_use]
    pub fn derivative(&self, variable: usize) -> Self {
        differentiate(self, variable, &mut HashMap::new())
    }

    fn minus(&self, other: &Self) -> Self {
        Self::binary(Binary::Sub, self.clone(), other.clone())
    }

    fn over(&self, other: &Self) -> Self {
        Self::binary(Binary::Div, self.clone(), other.clone())
    }

    fn raised(&self, n: f64) -> Self {
        Self::binary(Binary::Pow, self.clone(), Self::constant(n))
    }

    fn apply(&self, f: Unary) -> Self {
        Self::unary(f, self.clone())
    }
}

fn differentiate(e: &Expression, variable: usize, known: &mut HashMap<Key, Expression>) -> Expression {
    if let Some(derivative) = known.get(&e.key()) {
        return derivative.clone();
    }
    let mut d = |part: &Expression| differentiate(part, variable, known);
    let derivative = match e.node() {
        Node::Constant(_) => Expression::constant(0.0),
        Node::Input(i) => Expression::constant(if *i == variable { 1.0 } else { 0.0 }),
        Node::Unary(f, a) => {
            let inner = d(a);
            if inner.as_constant() == Some(0.0) { inner } else { chain(*f, e, a, &inner) }
        }
        Node::Binary(f, a, b) => {
            let (da, db) = (d(a), d(b));
            binary(*f, e, (a, &da), (b, &db))
        }
        Node::Where(condition, a, b) => Expression::select(condition.clone(), d(a), d(b)),
    };
    known.insert(e.key(), derivative.clone());
    derivative
}

/// Derivative of e = f(a), given da.
fn chain(f: Unary, e: &Expression, a: &Expression, da: &Expression) -> Expression {
    let one = Expression::constant(1.0);
    match f {
        Unary::Neg => da.negated(),
        Unary::Sqrt => da.times(&Expression::constant(0.5)).over(e),
        Unary::Abs => da.times(&a.apply(Unary::Sign)),
        Unary::Sign => Expression::constant(0.0),
        Unary::Exp => da.times(e),
        Unary::Log => da.over(a),
        Unary::Sin => da.times(&a.apply(Unary::Cos)),
        Unary::Cos => da.times(&a.apply(Unary::Sin)).negated(),
        Unary::Tan => da.times(&e.raised(2.0).plus(&one)),
        Unary::Asin => da.over(&one.minus(&a.raised(2.0)).apply(Unary::Sqrt)),
        Unary::Acos => da.over(&one.minus(&a.raised(2.0)).apply(Unary::Sqrt)).negated(),
        Unary::Atan => da.over(&a.raised(2.0).plus(&one)),
        Unary::Sinh => da.times(&a.apply(Unary::Cosh)),
        Unary::Cosh => da.times(&a.apply(Unary::Sinh)),
        Unary::Tanh => da.times(&one.minus(&e.raised(2.0))),
        Unary::Erf => {
            let scale = Expression::constant(std::f64::consts::FRAC_2_SQRT_PI);
            da.times(&a.raised(2.0).negated().apply(Unary::Exp)).times(&scale)
        }
    }
}

/// Derivative of e = f(a, b), given da and db.
fn binary(
    f: Binary,
    e: &Expression,
    (a, da): (&Expression, &Expression),
    (b, db): (&Expression, &Expression),
) -> Expression {
    match f {
        Binary::Add => da.plus(db),
        Binary::Sub => da.minus(db),
        Binary::Mul => da.times(b).plus(&a.times(db)),
        Binary::Div => da.minus(&e.times(db)).over(b),
        Binary::Pow => power(e, (a, da), (b, db)),
        Binary::Min => choose(Expression::binary(Binary::LessEqual, a.clone(), b.clone()), da, db),
        Binary::Max => choose(Expression::binary(Binary::LessEqual, b.clone(), a.clone()), da, db),
        Binary::Less | Binary::LessEqual | Binary::Equal | Binary::NotEqual => Expression::constant(0.0),
    }
}

fn choose(condition: Expression, a: &Expression, b: &Expression) -> Expression {
    Expression::select(condition, a.clone(), b.clone())
}

fn power(e: &Expression, (a, da): (&Expression, &Expression), (b, db): (&Expression, &Expression)) -> Expression {
    let by_base = match b.as_constant() {
        Some(n) => da.times(&a.raised(n - 1.0)).times(b),
        None => {
            let less = b.minus(&Expression::constant(1.0));
            da.times(b).times(&Expression::binary(Binary::Pow, a.clone(), less))
        }
    };
    if db.as_constant() == Some(0.0) { by_base } else { by_base.plus(&db.times(&a.apply(Unary::Log)).times(e)) }
}
