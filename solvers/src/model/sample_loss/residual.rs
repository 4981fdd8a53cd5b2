//! Sample losses that are squared residuals: κ (c·y − …)² with a data column y and numbers κ, c.

use super::PerSample;
use crate::error::Error;
use crate::formula::Expression;
use crate::model::data::Data;

/// The predictions in a sample loss weight·(y − h)².
#[derive(Debug)]
pub(super) struct Residual {
    /// Name of the column y, and of the one column that h needs besides the variables.
    pub(super) target: String,
    pub(super) input: Option<(usize, String)>,
    pub(super) targets: Vec<f64>,
    pub(super) weight: f64,
    /// h, a formula of the variables and the columns in which y does not matter.
    pub(super) prediction: Expression,
    pub(super) values: PerSample,
    pub(super) jacobian: PerSample,
}

impl Residual {
    /// Finds the residual; None where the loss is no square, or no column enters it with a constant factor.
    ///
    /// The target is the column `y` if there are several (y − x − w could be either), else the first.
    pub(super) fn find(variables: usize, loss: &Expression, data: &Data) -> Result<Option<Self>, Error> {
        let Some((weight, residual)) = loss.square_of().filter(|(weight, _)| *weight > 0.0) else { return Ok(None) };
        let names = data.names();
        let factor = |c: usize| residual.derivative(variables + c).as_constant().filter(|&f| f != 0.0);
        let candidates: Vec<(usize, f64)> = (0..names.len()).filter_map(|c| Some((c, factor(c)?))).collect();
        let preferred = candidates.iter().find(|(c, _)| names[*c] == "y").or(candidates.first());
        let Some(&(target, factor)) = preferred else { return Ok(None) };
        // h = y − residual/factor
        let prediction =
            Expression::input(variables + target).plus(&residual.times(&Expression::constant(-1.0 / factor)));
        let others: Vec<usize> =
            (0..names.len()).filter(|&c| c != target && residual.depends_on(|i| i == variables + c)).collect();
        let columns: Vec<&[f64]> = names.iter().filter_map(|name| data.column(name)).collect();
        let jacobian: Vec<Expression> =
            (0..variables).map(|k| residual.derivative(k).times(&Expression::constant(-1.0 / factor))).collect();
        Ok(Some(Self {
            target: names[target].clone(),
            input: match others[..] {
                [c] => Some((c, names[c].clone())),
                _ => None,
            },
            targets: columns[target].to_vec(),
            weight: weight * factor * factor,
            values: PerSample::new(variables, std::slice::from_ref(&prediction), &columns, data.samples())?,
            jacobian: PerSample::new(variables, &jacobian, &columns, data.samples())?,
            prediction,
        }))
    }

    /// h at one point for other values of its input.
    pub(super) fn fitted(&self, theta: &[f64], columns: usize, inputs: &[f64]) -> Option<Vec<f64>> {
        let at = theta.len() + self.input.as_ref()?.0;
        let mut row = theta.to_vec();
        row.resize(theta.len() + columns, 0.0);
        Some(
            inputs
                .iter()
                .map(|&x| {
                    row[at] = x;
                    self.prediction.evaluate(&row)
                })
                .collect(),
        )
    }
}
