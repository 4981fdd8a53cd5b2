//! Formulas that are conditions: where they hold, as the sign of a function.

use super::expression::{Expression, Node};
use super::operation::Binary;

impl Expression {
    /// A function g with g > 0 inside the set where this condition holds and g < 0 outside its closure: the difference of the
    /// two sides of an inequality; the smaller of two for a product ("both"), the larger for a sum ("either").
    /// None for what is not made of inequalities in this way.
    pub fn boundary_function(&self) -> Option<Self> {
        let Node::Binary(f, a, b) = self.node() else { return None };
        let joined = |f: Binary| Some(Self::binary(f, a.boundary_function()?, b.boundary_function()?));
        match f {
            Binary::Less | Binary::LessEqual => Some(Self::binary(Binary::Sub, b.clone(), a.clone())),
            Binary::Mul | Binary::Min => joined(Binary::Min),
            Binary::Add | Binary::Max => joined(Binary::Max),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::formula::{Symbols, parse};

    #[test]
    fn the_sign_of_the_boundary_function_is_the_condition() {
        let symbols = Symbols::new(&["x", "y"]);
        for text in [
            "x > 1",
            "2 <= x + y",
            "(x > 0)*(y < 1)",
            "(x > 0) + (y*x >= 1)",
            "max(x > 1, y > 1)",
            "min(x > 0, y > 0)*(x < 2)",
        ] {
            let condition = parse(text, &symbols).unwrap();
            let g = condition.boundary_function().unwrap();
            for i in -10..20 {
                for j in -10..20 {
                    let point = [0.37 * f64::from(i), 0.41 * f64::from(j)];
                    let g = g.evaluate(&point);
                    let holds = condition.evaluate(&point) != 0.0;
                    assert!(holds == (g > 0.0) || g.abs() < 1e-12, "{text} at {point:?}");
                }
            }
        }
        for text in ["x - 1", "x == 1", "1 - (x > 1)", "sin(x > 1)"] {
            assert_eq!(parse(text, &symbols).unwrap().boundary_function(), None, "{text}");
        }
    }
}
