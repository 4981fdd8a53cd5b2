//! Sample losses that are squared residuals: κ (c·y − …)² with a data column y and numbers κ, c.

use super::per_sample::PerSample;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::formula::{Symbols, parse};
    use crate::model::data::Data;
    use crate::model::sample_loss::SampleLossModel;
    use crate::model::{Model, SampleModel};

    fn data() -> Data {
        let column = |f: fn(f64) -> f64| (0..6).map(|s| f(s as f64)).collect::<Vec<f64>>();
        let columns =
            [("u", column(|s| s / 3.0 - 1.0)), ("v", column(|s| (1.3 * s).sin())), ("y", column(|s| s.cos()))];
        Data::new(columns.map(|(name, values)| (name.to_string(), values)).to_vec()).unwrap()
    }

    fn model(loss: &str) -> SampleLossModel {
        let symbols = Symbols::new(&["a", "w"]).with_columns(&["u", "v", "y"]);
        SampleLossModel::new(2, &parse(loss, &symbols).unwrap(), &data()).unwrap()
    }

    #[test]
    fn losses_and_gradients_are_those_of_the_residual() {
        // target, input, κ of the loss
        let cases = [
            ("(v - a*tanh(w*(u - 0.3)))^2", "v", Some("u"), 1.0),
            ("0.5*(a*exp(-w*u) - 2*y)^2", "y", Some("u"), 2.0),
            ("(y - a*u - w*v^2)^2/8", "y", None, 0.125),
            ("(y - v - a*w)^2", "y", Some("v"), 1.0),
        ];
        let theta = [0.8, 1.3, -0.4, 0.6]; // two points
        for (text, target, input, weight) in cases {
            let model = model(text);
            let regression = model.regression().unwrap();
            assert_eq!(
                (regression.target(), regression.input(), regression.weight()),
                (target, input, weight),
                "{text}"
            );
            let (mut h, mut phi) = (vec![0.0; 12], vec![0.0; 24]);
            assert!(regression.predictions(&theta, &mut h, &mut phi));
            let (mut losses, mut gradients) = (vec![0.0; 12], vec![0.0; 24]);
            model.sample_losses(&theta, &mut losses);
            model.sample_gradients(&theta, &mut gradients);
            for s in 0..6 {
                for i in 0..2 {
                    let r = regression.targets()[s] - h[2 * s + i];
                    assert!((losses[2 * s + i] - weight * r * r).abs() < 1e-14, "{text}");
                    for k in 0..2 {
                        let expected = -2.0 * weight * r * phi[(k * 6 + s) * 2 + i];
                        assert!((gradients[(k * 6 + s) * 2 + i] - expected).abs() < 1e-14, "{text}");
                    }
                }
            }
            let at = [0.8, -0.4];
            let residuals = regression.residuals(&at);
            if let Some(name) = input {
                let x = data().column(name).unwrap().to_vec();
                for (s, fitted) in regression.fitted(&at, &x).unwrap().into_iter().enumerate() {
                    assert!((regression.targets()[s] - fitted - residuals[s]).abs() < 1e-14, "{text}");
                }
            }
        }
    }

    #[test]
    fn other_losses_are_no_regressions() {
        for text in ["(w - log(2 + y^2))^2 + 0.1*a^2", "abs(y - a*w*u)", "(a*y - w*u)^2", "-(y - a*w)^2"] {
            assert!(model(text).regression().is_none(), "{text}");
        }
    }
}
