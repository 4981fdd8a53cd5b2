//! Drift and diffusion given by formulas.

use crate::diffusion::FormulaDiffusion;
use crate::formula::{Expression, Program};
use crate::model::formula::FormulaModel;
use crate::problem::dynamics::{Drift, Dynamics};

/// Itô dynamics whose drift and diffusion are both formulas, evaluated in one program.
#[derive(Debug)]
pub struct FormulaDynamics {
    dimension: usize,
    floor: f64,
    program: Program,
    loss: Option<Program>,
    divergence: Program,
    /// The drift alone, where D is constant.
    drift: Option<Program>,
}

impl FormulaDynamics {
    /// Drift −∇L (or b) of the model, diffusion D + floor·I of the noise; both must have the same dimension.
    pub fn new(model: &FormulaModel, noise: &FormulaDiffusion, floor: f64) -> Self {
        let d = noise.dimension();
        let drift: Vec<Expression> = model.gradient_formulas().iter().map(Expression::negated).collect();
        let diagonal = (0..d).flat_map(|i| (i..d).map(move |j| i == j));
        let added = Expression::constant(floor);
        let entries =
            noise.entries().iter().zip(diagonal).map(|(e, diagonal)| if diagonal { e.plus(&added) } else { e.clone() });
        let formulas: Vec<Expression> = drift.iter().cloned().chain(entries).collect();
        let still = |e: &Expression| (0..d).all(|k| e.derivative(k) == Expression::constant(0.0));
        Self {
            dimension: d,
            floor,
            program: Program::compile(&formulas),
            loss: model.loss_formula().map(|loss| Program::compile(std::slice::from_ref(loss))),
            divergence: noise.divergence_program().clone(),
            drift: noise.entries().iter().all(still).then(|| Program::compile(&drift)),
        }
    }
}

impl Dynamics for FormulaDynamics {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        self.program.evaluate_split(points, drift, diffusion);
    }

    fn additive(&self) -> Option<&dyn Drift> {
        self.drift.as_ref().map(|program| program as &dyn Drift)
    }

    fn floor(&self) -> f64 {
        self.floor
    }

    fn potential(&self, points: &[f64], potential: &mut [f64], rest: &mut [f64]) -> bool {
        let Some(loss) = &self.loss else { return false };
        loss.evaluate(points, potential);
        rest.fill(0.0);
        true
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        self.divergence.evaluate(points, divergence);
    }
}

impl Drift for Program {
    fn drift(&self, points: &[f64], drift: &mut [f64]) {
        self.evaluate(points, drift);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::formula::{Symbols, parse};

    fn rows(texts: [[&str; 2]; 2]) -> Vec<Vec<Expression>> {
        let symbols = Symbols::new(&["x", "y"]);
        texts.iter().map(|row| row.iter().map(|t| parse(t, &symbols).unwrap()).collect()).collect()
    }

    fn model() -> FormulaModel {
        FormulaModel::loss(2, &parse("(x^2 - 1)^2/4 + x*y + y^2", &Symbols::new(&["x", "y"])).unwrap())
    }

    #[test]
    fn one_program_gives_drift_and_diffusion() {
        let noise = FormulaDiffusion::new(&rows([["1 + x^2", "0"], ["0", "y^2"]])).unwrap();
        let dynamics = FormulaDynamics::new(&model(), &noise, 0.5);
        let (mut drift, mut diffusion, mut divergence) = ([0.0; 4], [0.0; 6], [0.0; 4]);
        dynamics.drift_diffusion(&[2.0, 0.0, 1.0, 3.0], &mut drift, &mut diffusion);
        assert_eq!(drift, [-7.0, -3.0, -4.0, -6.0]); // −(x³ − x + y), −(x + 2y)
        assert_eq!(diffusion, [5.5, 1.5, 0.0, 0.0, 1.5, 9.5]);
        dynamics.diffusion_divergence(&[2.0, 0.0, 1.0, 3.0], &[1.0; 2], &mut divergence);
        assert_eq!(divergence, [4.0, 0.0, 2.0, 6.0]);
        assert!(dynamics.additive().is_none());
        let constant = FormulaDiffusion::new(&rows([["2", "1/2"], ["1/2", "3"]])).unwrap();
        let constant = FormulaDynamics::new(&model(), &constant, 0.5);
        let mut alone = [0.0; 4];
        constant.additive().unwrap().drift(&[2.0, 0.0, 1.0, 3.0], &mut alone);
        assert_eq!(alone, drift);
    }
}
