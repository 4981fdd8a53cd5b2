//! Formulas that are squares.

use super::expression::{Expression, Node};
use super::operation::Binary;

impl Expression {
    /// (κ, e) where the formula is κ·e² with a number κ, as written: `(y - h)^2`, `0.5*(y - h)^2`, `(y - h)^2/2`.
    pub fn square_of(&self) -> Option<(f64, Expression)> {
        match self.node() {
            Node::Binary(Binary::Mul, inner, factor) => {
                let (weight, root) = inner.square_of()?;
                Some((weight * factor.as_constant()?, root))
            }
            Node::Binary(Binary::Pow, root, exponent) if exponent.as_constant() == Some(2.0) => {
                Some((1.0, root.clone()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::formula::{Symbols, parse};

    #[test]
    fn squares_are_recognised() {
        let symbols = Symbols::new(&["w"]).with_columns(&["y"]);
        for (text, weight) in
            [("(y - w)^2", 1.0), ("0.5*(w - y)^2", 0.5), ("(y - w)^2/4", 0.25), ("(y - w)*(y - w)", 1.0)]
        {
            let (found, root) = parse(text, &symbols).unwrap().square_of().unwrap();
            assert_eq!(found, weight, "{text}");
            assert_eq!(root.evaluate(&[3.0, 1.0]).abs(), 2.0);
        }
        for text in ["(y - w)^4", "abs(y - w)", "(y - w)^2 + w^2", "w*(y - w)^2"] {
            assert!(parse(text, &symbols).unwrap().square_of().is_none(), "{text}");
        }
    }
}
