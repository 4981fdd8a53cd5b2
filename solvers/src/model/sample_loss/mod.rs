//! A model with data: one formula of the variables and the data columns, taken for every sample.

mod per_sample;
mod residual;

use std::sync::Arc;

use super::data::Data;
use super::{Model, Regression, SampleModel};
use crate::Error;
use crate::formula::Expression;
use per_sample::PerSample;
use residual::Residual;

/// L(θ) = (1/m) Σ_s l(θ, data_s), with per-sample losses and gradients from one formula l.
#[derive(Debug)]
pub struct SampleLossModel {
    dimension: usize,
    samples: usize,
    columns: usize,
    loss: PerSample,
    gradient: PerSample,
    residual: Option<Residual>,
}

impl SampleLossModel {
    /// The model with per-sample loss `loss`, a formula whose inputs are `dimension` variables, then the columns of the
    /// data in their order.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the formula has none of the variables, or a part of it that depends on the data alone is not
    /// finite for a sample (which it names).
    pub fn new(dimension: usize, loss: &Expression, data: &Data) -> Result<Self, Error> {
        if !loss.depends_on(|i| i < dimension) {
            let help = "a loss must depend on the variables that descent moves";
            return Err(Error::invalid("the sample loss has none of the variables", help));
        }
        let columns: Vec<&[f64]> = data.names().iter().filter_map(|name| data.column(name)).collect();
        let gradient: Vec<Expression> = (0..dimension).map(|k| loss.derivative(k)).collect();
        Ok(Self {
            dimension,
            samples: data.samples(),
            columns: columns.len(),
            residual: Residual::find(dimension, loss, data)?,
            loss: PerSample::new(dimension, std::slice::from_ref(loss), &columns, data.samples())?,
            gradient: PerSample::new(dimension, &gradient, &columns, data.samples())?,
        })
    }
}

impl Model for SampleLossModel {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn loss(&self, points: &[f64], loss: &mut [f64]) {
        self.loss.mean(points, loss);
    }

    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        self.gradient.mean(points, gradient);
    }

    fn data(&self) -> Option<&dyn SampleModel> {
        Some(self)
    }

    fn shared_data(self: Arc<Self>) -> Option<Arc<dyn SampleModel>> {
        Some(self)
    }

    /// For a loss that is written as a square, κ (y − …)², with a data column y that enters it with a constant factor.
    fn regression(&self) -> Option<&dyn Regression> {
        self.residual.as_ref().map(|_| self as &dyn Regression)
    }
}

impl SampleModel for SampleLossModel {
    fn samples(&self) -> usize {
        self.samples
    }

    fn gradient_covariance(&self, points: &[f64], gradient: &mut [f64], covariance: &mut [f64]) {
        self.gradient.moments(points, gradient, covariance);
    }

    fn sample_losses(&self, points: &[f64], losses: &mut [f64]) {
        self.loss.all(points, losses);
    }

    fn sample_gradients(&self, points: &[f64], gradients: &mut [f64]) {
        self.gradient.all(points, gradients);
    }

    fn batch_gradient(&self, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        self.gradient.batch(points, batch, gradient);
    }
}

impl Regression for SampleLossModel {
    fn target(&self) -> &str {
        self.residual.as_ref().map_or("", |r| &r.target)
    }

    fn input(&self) -> Option<&str> {
        self.residual.as_ref()?.input.as_ref().map(|(_, name)| name.as_str())
    }

    fn targets(&self) -> &[f64] {
        self.residual.as_ref().map_or(&[], |r| &r.targets)
    }

    fn weight(&self) -> f64 {
        self.residual.as_ref().map_or(1.0, |r| r.weight)
    }

    fn parameters(&self) -> usize {
        self.dimension
    }

    fn predictions(&self, points: &[f64], values: &mut [f64], jacobian: &mut [f64]) -> bool {
        let Some(residual) = &self.residual else { return false };
        residual.values.all(points, values);
        residual.jacobian.all(points, jacobian);
        true
    }

    fn fitted(&self, theta: &[f64], inputs: &[f64]) -> Option<Vec<f64>> {
        self.residual.as_ref()?.fitted(theta, self.columns, inputs)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::formula::{Symbols, parse};
    use crate::numerics::symmetric::packed_index;

    const M: usize = 7;

    fn data() -> Data {
        let column = |f: fn(f64) -> f64| (0..M).map(|s| f(s as f64)).collect::<Vec<f64>>();
        Data::new(vec![("u".into(), column(|s| s / 3.0 - 1.0)), ("v".into(), column(|s| (1.3 * s).sin()))]).unwrap()
    }

    /// Two tanh units with everything that the splitting treats apart: data alone, variables alone, numbers, products.
    fn formula() -> Expression {
        let symbols = Symbols::new(&["w", "z"]).with_parameters([("a", 1.5)]).with_columns(&["u", "v"]);
        let text = "(v*exp(u/4) - a*tanh(2*w*(u - 0.3)*exp(-z^2)) + sin(z)*u)^2 + 0.01*w^2*z^2 + 0.5*u*3*w";
        parse(text, &symbols).unwrap()
    }

    fn points(n: usize) -> Vec<f64> {
        (0..2 * n).map(|i| (i as f64 * 0.618_033_988_75).fract() * 3.0 - 1.5).collect()
    }

    fn row(data: &Data, s: usize) -> [f64; 2] {
        ["u", "v"].map(|name| data.column(name).unwrap()[s])
    }

    fn close(a: f64, b: f64, what: &str) {
        assert!((a - b).abs() < 2e-14 * (1.0 + b.abs()), "{what}: {a} {b}");
    }

    #[test]
    fn everything_agrees_with_sums_over_the_formula() {
        let (data, e) = (data(), formula());
        let model = SampleLossModel::new(2, &e, &data).unwrap();
        let derivatives = [e.derivative(0), e.derivative(1)];
        for n in [1, 128, 200] {
            let theta = points(n);
            let (mut losses, mut gradients) = (vec![0.0; M * n], vec![0.0; 2 * M * n]);
            model.sample_losses(&theta, &mut losses);
            model.sample_gradients(&theta, &mut gradients);
            let (mut loss, mut gradient) = (vec![0.0; n], vec![0.0; 2 * n]);
            let (mut mean, mut covariance) = (vec![0.0; 2 * n], vec![0.0; 3 * n]);
            model.loss(&theta, &mut loss);
            model.gradient(&theta, &mut gradient);
            model.gradient_covariance(&theta, &mut mean, &mut covariance);
            for i in 0..n {
                let at = |s: usize| [theta[i], theta[n + i], row(&data, s)[0], row(&data, s)[1]];
                let average = |f: &dyn Fn(usize) -> f64| (0..M).map(f).sum::<f64>() / M as f64;
                for s in 0..M {
                    close(losses[s * n + i], e.evaluate(&at(s)), "sample loss");
                    for k in 0..2 {
                        close(gradients[(k * M + s) * n + i], derivatives[k].evaluate(&at(s)), "sample gradient");
                    }
                }
                close(loss[i], average(&|s| e.evaluate(&at(s))), "loss");
                let g: Vec<f64> = (0..2).map(|k| average(&|s| derivatives[k].evaluate(&at(s)))).collect();
                for k in 0..2 {
                    close(gradient[k * n + i], g[k], "gradient");
                    close(mean[k * n + i], g[k], "gradient with covariance");
                    for j in k..2 {
                        let of = |k: usize, s: usize| derivatives[k].evaluate(&at(s)) - g[k];
                        let expected = average(&|s| of(k, s) * of(j, s));
                        close(covariance[packed_index(2, k, j) * n + i], expected, "covariance");
                    }
                }
            }
        }
    }

    #[test]
    fn batches_are_means_of_their_samples() {
        let (data, e) = (data(), formula());
        let model = SampleLossModel::new(2, &e, &data).unwrap();
        let n = 150;
        let theta = points(n);
        let batch: Vec<u32> = (0..3 * n as u32).map(|i| (i * i + 5 * i) % M as u32).collect();
        let (mut gradient, mut all) = (vec![0.0; 2 * n], vec![0.0; 2 * M * n]);
        model.batch_gradient(&theta, &batch, &mut gradient);
        model.sample_gradients(&theta, &mut all);
        for i in 0..n {
            for k in 0..2 {
                let of = |b: usize| all[(k * M + batch[b * n + i] as usize) * n + i];
                close(gradient[k * n + i], (of(0) + of(1) + of(2)) / 3.0, "batch gradient");
            }
        }
    }

    #[test]
    fn equal_samples_have_no_covariance() {
        let data = Data::new(vec![("u".into(), vec![0.7; 5]), ("v".into(), vec![0.1; 5])]).unwrap();
        let model = SampleLossModel::new(2, &formula(), &data).unwrap();
        let (mut mean, mut covariance) = (vec![0.0; 40], vec![1.0; 60]);
        model.gradient_covariance(&points(20), &mut mean, &mut covariance);
        assert!(covariance.iter().all(|c| *c == 0.0));
        assert!(mean.iter().all(|g| *g != 0.0));
    }

    #[test]
    fn a_formula_without_data_is_the_same_for_every_sample() {
        let symbols = Symbols::new(&["w"]).with_columns(&["u", "v"]);
        let model = SampleLossModel::new(1, &parse("w^2", &symbols).unwrap(), &data()).unwrap();
        let (mut loss, mut gradient, mut covariance) = ([0.0], [0.0], [1.0]);
        model.loss(&[3.0], &mut loss);
        model.gradient_covariance(&[3.0], &mut gradient, &mut covariance);
        close(loss[0], 9.0, "loss");
        assert_eq!((gradient, covariance), ([6.0], [0.0]));
        model.batch_gradient(&[3.0], &[1, 4], &mut gradient);
        assert_eq!(gradient, [6.0]);
    }

    #[test]
    fn senseless_formulas_are_refused() {
        let symbols = Symbols::new(&["w"]).with_columns(&["u", "v"]);
        let refused = |text: &str| SampleLossModel::new(1, &parse(text, &symbols).unwrap(), &data()).unwrap_err();
        assert!(refused("u^2").to_string().contains("none of the variables"));
        assert!(refused("(w - log(u))^2").to_string().contains("sample 1"));
    }
}
