//! Formulas evaluated for every pair of a sample and a point, in blocks: their means, covariances and batches.

use std::cell::RefCell;

use crate::Error;
use crate::formula::{BLOCK, Expression, Layout, Program, Scratch, decompose};
use crate::numerics::lanes::dispatch;
use crate::numerics::symmetric::packed_len;

/// Formulas for every pair of a sample and a point, split by what depends on what.
#[derive(Debug)]
pub(super) struct PerSample {
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
    pub(super) fn new(
        variables: usize,
        formulas: &[Expression],
        columns: &[&[f64]],
        samples: usize,
    ) -> Result<Self, Error> {
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
    pub(super) fn mean(&self, points: &[f64], out: &mut [f64]) {
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
    pub(super) fn all(&self, points: &[f64], out: &mut [f64]) {
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
    pub(super) fn moments(&self, points: &[f64], mean: &mut [f64], covariance: &mut [f64]) {
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
    pub(super) fn batch(&self, points: &[f64], batch: &[u32], out: &mut [f64]) {
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
