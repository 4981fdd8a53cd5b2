//! A model with data: one formula of the variables and the data columns, taken for every sample.

mod residual;

use std::cell::RefCell;
use std::sync::Arc;

use super::data::Data;
use super::{Model, Regression, SampleModel};
use crate::Error;
use crate::formula::{BLOCK, Expression, Layout, Program, Scratch, decompose};
use crate::numerics::lanes::dispatch;
use crate::numerics::symmetric::packed_len;
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

/// Formulas for every pair of a sample and a point, split by what depends on what.
#[derive(Debug)]
struct PerSample {
    variables: usize,
    samples: usize,
    outputs: usize,
    /// Of the variables alone: once per point.
    point: Program,
    /// Inputs: variables, results of `point`; scalars: a row of `table`.
    body: Program,
    /// The same with the data as inputs between the two, one sample per point.
    gathered: Program,
    /// What depends on the data alone: column c of sample s at `[c·m + s]`.
    columns: Vec<f64>,
    /// The same by samples, each row followed by the constants of `body`.
    table: Vec<f64>,
}

/// Working memory of one thread.
#[derive(Default)]
struct Work {
    scratch: Scratch,
    inputs: Vec<f64>,
    outputs: Vec<f64>,
    sums: Vec<f64>,
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::new(Work::default());
}

const WHOLE: Layout = Layout { stride: BLOCK, start: 0 };

fn sized(buffer: &mut Vec<f64>, rows: usize) -> &mut [f64] {
    if buffer.len() < rows * BLOCK {
        buffer.resize(rows * BLOCK, 0.0);
    }
    &mut buffer[..rows * BLOCK]
}

impl PerSample {
    fn new(variables: usize, formulas: &[Expression], columns: &[&[f64]], samples: usize) -> Result<Self, Error> {
        let parts = decompose(formulas, variables);
        let data_parts = parts.data.len();
        let mut inputs = vec![0.0; variables * samples];
        inputs.extend(columns.iter().flat_map(|c| c.iter().copied()));
        let mut derived = vec![0.0; data_parts * samples];
        Program::compile(&parts.data).evaluate(&inputs, &mut derived);
        if let Some(place) = derived.iter().position(|v| !v.is_finite()) {
            let what = format!("a part of the sample loss is {} for sample {}", derived[place], place % samples + 1);
            return Err(Error::invalid(
                what,
                "look at that row of the data: a logarithm, root or quotient of it is not finite",
            ));
        }
        let body = Program::with_uniforms(&parts.body, variables..variables + data_parts);
        let row = |s: usize| (0..data_parts).map(move |c| c * samples + s);
        let table =
            (0..samples).flat_map(|s| row(s).map(|i| derived[i]).chain(body.constants().iter().copied())).collect();
        Ok(Self {
            variables,
            samples,
            outputs: formulas.len(),
            point: Program::compile(&parts.point),
            gathered: Program::compile(&parts.body),
            body,
            columns: derived,
            table,
        })
    }

    fn data_parts(&self) -> usize {
        self.columns.len() / self.samples
    }

    /// Fills the block of inputs: variables, `gap` rows left alone, then what depends on the variables alone.
    fn prepare(
        &self,
        points: &[f64],
        layout: Layout,
        length: usize,
        gap: usize,
        inputs: &mut [f64],
        scratch: &mut Scratch,
    ) {
        for k in 0..self.variables {
            inputs[k * BLOCK..][..length].copy_from_slice(&points[k * layout.stride + layout.start..][..length]);
        }
        let results = &mut inputs[(self.variables + gap) * BLOCK..];
        self.point.evaluate_block(self.point.constants(), (points, layout), (results, WHOLE), length, scratch);
    }

    /// Calls `visit(sample, results, sums)` with the results of every sample for one block of points (row k at `[k·BLOCK..]`).
    fn each_sample(
        &self,
        points: &[f64],
        layout: Layout,
        length: usize,
        work: &mut Work,
        mut visit: impl FnMut(usize, &mut [f64], &mut [f64]),
    ) {
        let inputs = sized(&mut work.inputs, self.variables + self.point.outputs());
        let outputs = sized(&mut work.outputs, self.outputs);
        self.prepare(points, layout, length, 0, inputs, &mut work.scratch);
        let width = self.table.len() / self.samples;
        for s in 0..self.samples {
            let row = &self.table[s * width..][..width];
            self.body.evaluate_block(row, (inputs, WHOLE), (outputs, WHOLE), length, &mut work.scratch);
            visit(s, outputs, &mut work.sums);
        }
    }
}

/// Blocks of n points: layout and length of each.
fn blocks(n: usize) -> impl Iterator<Item = (Layout, usize)> {
    (0..n).step_by(BLOCK).map(move |start| (Layout { stride: n, start }, BLOCK.min(n - start)))
}

dispatch! {
    /// Adds rows of a block to rows of sums.
    fn add_rows(rows: usize, length: usize, values: &[f64], sums: &mut [f64]) {
        for k in 0..rows {
            for (s, &v) in sums[k * BLOCK..][..length].iter_mut().zip(&values[k * BLOCK..][..length]) {
                *s += v;
            }
        }
    }
}

dispatch! {
    /// Adds g − g₀ and its products: `sums` holds g₀ (d rows), Σ(g − g₀) (d rows), Σ(g − g₀)(g − g₀)ᵀ (packed rows).
    fn add_moments(d: usize, length: usize, values: &mut [f64], sums: &mut [f64]) {
        let (shift, rest) = sums.split_at_mut(d * BLOCK);
        let (first, second) = rest.split_at_mut(d * BLOCK);
        for k in 0..d {
            let rows = values[k * BLOCK..][..length].iter_mut().zip(&shift[k * BLOCK..][..length]);
            for ((g, &g0), s) in rows.zip(&mut first[k * BLOCK..][..length]) {
                *g -= g0;
                *s += *g;
            }
        }
        let pairs = (0..d).flat_map(|i| (i..d).map(move |j| (i, j)));
        for ((i, j), products) in pairs.zip(second.chunks_exact_mut(BLOCK)) {
            let rows = values[i * BLOCK..][..length].iter().zip(&values[j * BLOCK..][..length]);
            for ((&a, &b), p) in rows.zip(&mut products[..length]) {
                *p = a.mul_add(b, *p);
            }
        }
    }
}

dispatch! {
    /// Picks the data of one sample per point.
    fn gather(columns: &[f64], samples: usize, picks: &[u32], rows: &mut [f64]) {
        for (row, column) in rows.chunks_exact_mut(BLOCK).zip(columns.chunks_exact(samples)) {
            for (r, &pick) in row.iter_mut().zip(picks) {
                *r = column[pick as usize];
            }
        }
    }
}

/// Copies rows of a block into an array of n points, times a factor.
fn put(rows: usize, block: &[f64], factor: f64, out: &mut [f64], layout: Layout, length: usize) {
    for k in 0..rows {
        let target = &mut out[k * layout.stride + layout.start..][..length];
        for (o, v) in target.iter_mut().zip(&block[k * BLOCK..]) {
            *o = factor * v;
        }
    }
}

impl PerSample {
    /// Mean over the samples.
    fn mean(&self, points: &[f64], out: &mut [f64]) {
        let n = out.len() / self.outputs;
        WORK.with_borrow_mut(|work| {
            for (layout, length) in blocks(n) {
                sized(&mut work.sums, self.outputs).fill(0.0);
                self.each_sample(points, layout, length, work, |_, values, sums| {
                    add_rows(self.outputs, length, values, sums);
                });
                put(self.outputs, &work.sums, 1.0 / self.samples as f64, out, layout, length);
            }
        });
    }

    /// Every result: output k of sample s at point i in `[(k·m + s)·n + i]`.
    fn all(&self, points: &[f64], out: &mut [f64]) {
        let m = self.samples;
        let n = out.len() / (self.outputs * m);
        WORK.with_borrow_mut(|work| {
            for (layout, length) in blocks(n) {
                self.each_sample(points, layout, length, work, |s, values, _| {
                    let place = Layout { stride: m * n, start: s * n + layout.start };
                    put(self.outputs, values, 1.0, out, place, length);
                });
            }
        });
    }

    /// Mean and covariance (packed, divisor m), with the first sample's values subtracted so that little cancels.
    fn moments(&self, points: &[f64], mean: &mut [f64], covariance: &mut [f64]) {
        let (d, packed) = (self.outputs, packed_len(self.outputs));
        let share = 1.0 / self.samples as f64;
        WORK.with_borrow_mut(|work| {
            for (layout, length) in blocks(mean.len() / d) {
                sized(&mut work.sums, 2 * d + packed).fill(0.0);
                self.each_sample(points, layout, length, work, |s, values, sums| {
                    if s == 0 {
                        sums[..d * BLOCK].copy_from_slice(values);
                    }
                    add_moments(d, length, values, sums);
                });
                finish_moments(d, length, share, &mut work.sums);
                put(d, &work.sums, 1.0, mean, layout, length);
                put(packed, &work.sums[2 * d * BLOCK..], 1.0, covariance, layout, length);
            }
        });
    }

    /// Mean over one batch per point.
    fn batch(&self, points: &[f64], batch: &[u32], out: &mut [f64]) {
        let (n, parts) = (out.len() / self.outputs, self.data_parts());
        let size = batch.len().checked_div(n).unwrap_or(0);
        WORK.with_borrow_mut(|work| {
            let inputs = sized(&mut work.inputs, self.variables + parts + self.point.outputs());
            let results = sized(&mut work.outputs, self.outputs);
            let sums = sized(&mut work.sums, self.outputs);
            for (layout, length) in blocks(n) {
                self.prepare(points, layout, length, parts, inputs, &mut work.scratch);
                sums.fill(0.0);
                for b in 0..size {
                    let picks = &batch[b * n + layout.start..][..length];
                    gather(&self.columns, self.samples, picks, &mut inputs[self.variables * BLOCK..]);
                    let constants = self.gathered.constants();
                    self.gathered.evaluate_block(
                        constants,
                        (inputs, WHOLE),
                        (results, WHOLE),
                        length,
                        &mut work.scratch,
                    );
                    add_rows(self.outputs, length, results, sums);
                }
                put(self.outputs, sums, 1.0 / size as f64, out, layout, length);
            }
        });
    }
}

dispatch! {
    /// Turns sums of differences from g₀ into the mean (in place of g₀) and the covariance.
    fn finish_moments(d: usize, length: usize, share: f64, sums: &mut [f64]) {
        let (mean, rest) = sums.split_at_mut(d * BLOCK);
        let (first, second) = rest.split_at_mut(d * BLOCK);
        for k in 0..d {
            for (g, s) in mean[k * BLOCK..][..length].iter_mut().zip(&mut first[k * BLOCK..][..length]) {
                *s *= share;
                *g += *s;
            }
        }
        let pairs = (0..d).flat_map(|i| (i..d).map(move |j| (i, j)));
        for ((i, j), products) in pairs.zip(second.chunks_exact_mut(BLOCK)) {
            let rows = first[i * BLOCK..][..length].iter().zip(&first[j * BLOCK..][..length]);
            for ((&a, &b), p) in rows.zip(&mut products[..length]) {
                *p = share.mul_add(*p, -(a * b));
            }
        }
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
