//! A model given by a formula: a loss L(θ), or a general drift b(θ).

use std::sync::OnceLock;

use crate::formula::{Expression, Program};
use crate::model::capability::Model;

/// A loss L(θ) or a drift b(θ) of formulas, with symbolic derivatives.
#[derive(Debug)]
pub struct FormulaModel {
    loss: Option<(Expression, Program)>,
    /// ∇L, or −b.
    gradient: Vec<Expression>,
    gradient_program: Program,
    hessian: OnceLock<Program>,
    third: OnceLock<Program>,
}

impl FormulaModel {
    /// The model with this loss of `dimension` variables (inputs 0 to d − 1 of the formula).
    pub fn loss(dimension: usize, loss: &Expression) -> Self {
        let gradient = (0..dimension).map(|k| loss.derivative(k)).collect();
        let program = Program::compile(std::slice::from_ref(loss));
        Self::new(Some((loss.clone(), program)), gradient)
    }

    /// The model with this drift, one formula per variable; it has no loss.
    pub fn drift(drift: &[Expression]) -> Self {
        Self::new(None, drift.iter().map(Expression::negated).collect())
    }

    fn new(loss: Option<(Expression, Program)>, gradient: Vec<Expression>) -> Self {
        let gradient_program = Program::compile(&gradient);
        Self { loss, gradient, gradient_program, hessian: OnceLock::new(), third: OnceLock::new() }
    }

    /// The formula of the loss, if there is one.
    pub fn loss_formula(&self) -> Option<&Expression> {
        self.loss.as_ref().map(|loss| &loss.0)
    }

    /// The formulas of ∇L, or of −b.
    pub fn gradient_formulas(&self) -> &[Expression] {
        &self.gradient
    }

    /// Third derivatives ∂_i∂_j∂_k L, i ≤ j ≤ k, last index fastest (d(d+1)(d+2)/6 × n). Compiled at the first call.
    /// For a drift: of −b_i, symmetric in j and k only as far as i ≤ j ≤ k shows.
    pub fn third_derivatives(&self, points: &[f64], third: &mut [f64]) {
        let d = self.dimension();
        let program = self.third.get_or_init(|| {
            let pairs = (0..d).flat_map(|i| (i..d).map(move |j| (i, j)));
            let triples = pairs.flat_map(|(i, j)| (j..d).map(move |k| (i, j, k)));
            let formulas: Vec<Expression> =
                triples.map(|(i, j, k)| self.gradient[i].derivative(j).derivative(k)).collect();
            Program::compile(&formulas)
        });
        program.evaluate(points, third);
    }
}

impl Model for FormulaModel {
    fn dimension(&self) -> usize {
        self.gradient.len()
    }

    fn has_loss(&self) -> bool {
        self.loss.is_some()
    }

    fn loss(&self, points: &[f64], loss: &mut [f64]) {
        match &self.loss {
            Some((_, program)) => program.evaluate(points, loss),
            None => loss.fill(f64::NAN),
        }
    }

    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        self.gradient_program.evaluate(points, gradient);
    }

    fn hessian(&self, points: &[f64], hessian: &mut [f64]) {
        let d = self.dimension();
        let program = self.hessian.get_or_init(|| {
            let pairs = (0..d).flat_map(|i| (i..d).map(move |j| (i, j)));
            let entry = |(i, j): (usize, usize)| {
                let one = self.gradient[i].derivative(j);
                if self.has_loss() || i == j {
                    return one; // symmetric by itself
                }
                one.plus(&self.gradient[j].derivative(i)).times(&Expression::constant(0.5))
            };
            Program::compile(&pairs.map(entry).collect::<Vec<_>>())
        });
        program.evaluate(points, hessian);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::formula::{Symbols, parse};

    /// L = x⁴/4 + x²y − 3 y² + xyz, d = 3.
    fn model() -> FormulaModel {
        let symbols = Symbols::new(&["x", "y", "z"]).with_parameters([("a", -3.0)]);
        FormulaModel::loss(3, &parse("x^4/4 + x^2*y + a*y^2 + x*y*z", &symbols).unwrap())
    }

    #[test]
    fn derivatives_of_a_polynomial_are_exact() {
        let (model, points) = (model(), [1.0, 2.0, -1.0, 0.5, 3.0, 4.0]); // (1, −1, 3) and (2, 0.5, 4)
        let mut loss = [0.0; 2];
        Model::loss(&model, &points, &mut loss);
        assert_eq!(loss, [0.25 - 1.0 - 3.0 - 3.0, 4.0 + 2.0 - 0.75 + 4.0]);
        let mut gradient = [0.0; 6];
        model.gradient(&points, &mut gradient);
        // x³ + 2xy + yz, x² − 6y + xz, xy
        assert_eq!(gradient, [1.0 - 2.0 - 3.0, 8.0 + 2.0 + 2.0, 1.0 + 6.0 + 3.0, 4.0 - 3.0 + 8.0, -1.0, 1.0]);
        let mut hessian = [0.0; 12];
        model.hessian(&points, &mut hessian);
        // 3x² + 2y, 2x + z, y; −6, x; 0
        assert_eq!(hessian, [1.0, 13.0, 5.0, 8.0, -1.0, 0.5, -6.0, -6.0, 1.0, 2.0, 0.0, 0.0]);
        let mut third = [0.0; 20];
        model.third_derivatives(&points, &mut third);
        let expected = [6.0, 12.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]; // xxx 6x, xxy 2, xxz 0, xyy 0, xyz 1, then 0
        assert_eq!(third[..10], expected);
        assert!(third[10..].iter().all(|t| *t == 0.0));
    }

    #[test]
    fn a_drift_has_no_loss_and_its_negative_as_gradient() {
        let symbols = Symbols::new(&["x", "y"]);
        let drift = ["y", "-x - 0.1*y"].map(|text| parse(text, &symbols).unwrap());
        let model = FormulaModel::drift(&drift);
        assert!(!model.has_loss() && model.loss_formula().is_none());
        let mut gradient = [0.0; 2];
        model.gradient(&[2.0, 10.0], &mut gradient);
        assert_eq!(gradient, [-10.0, 3.0]);
        let mut loss = [0.0];
        Model::loss(&model, &[2.0, 10.0], &mut loss);
        assert!(loss[0].is_nan());
        let mut hessian = [0.0; 3];
        model.hessian(&[2.0, 10.0], &mut hessian);
        assert_eq!(hessian, [0.0, 0.0, 0.1]); // the rotation has no symmetric part
    }

    /// The same gradient without the symbolic Hessian.
    struct Plain(FormulaModel);

    impl Model for Plain {
        fn dimension(&self) -> usize {
            self.0.dimension()
        }
        fn loss(&self, points: &[f64], loss: &mut [f64]) {
            Model::loss(&self.0, points, loss);
        }
        fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
            self.0.gradient(points, gradient);
        }
    }

    #[test]
    fn differences_and_symbols_give_the_same_hessian() {
        let symbols = Symbols::new(&["x", "y"]);
        let loss = parse("tanh(x*y)^2 + exp(-x)*sin(y)", &symbols).unwrap();
        let (exact, plain) = (FormulaModel::loss(2, &loss), Plain(FormulaModel::loss(2, &loss)));
        let points = [0.3, -1.0, 2.0, 0.5, 0.1, -0.7];
        let (mut a, mut b) = ([0.0; 9], [0.0; 9]);
        exact.hessian(&points, &mut a);
        plain.hessian(&points, &mut b);
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{a} {b}");
        }
    }
}
