//! How far interpolation is from what was tabulated: measured by leaving out every second node, then three of four.

use std::sync::atomic::Ordering;

use super::diffusion::TableDiffusion;
use super::tensor::{Lattice, in_dimension};
use super::{Fields, Law, TableModel, slopes};
use crate::model::{Accuracy, Model, SampleModel, Tabulated};
use crate::numerics::symmetric::{packed_index, packed_len};

/// Points at which tables are compared.
const POINTS: usize = 300;
/// Largest ratio of errors at nodes 2h and h apart: slopes of cubic splines are of third order.
const MOST: f64 = 8.0;
/// The same for the values.
const MOST_OF_VALUES: f64 = 16.0;
/// Ratios below this say nothing of an order: the error is then taken as the difference itself.
const LEAST: f64 = 1.5;

/// Drift and D at the points of comparison.
struct Values {
    gradient: Vec<f64>,
    diffusion: Vec<f64>,
}

impl Tabulated for TableModel {
    fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    fn diffusion(&self) -> Option<&TableDiffusion> {
        self.diffusion.as_ref()
    }

    fn points(&self) -> [u64; 2] {
        [self.asked.load(Ordering::Relaxed), self.beyond.load(Ordering::Relaxed)]
    }

    fn count_anew(&self) {
        self.asked.store(0, Ordering::Relaxed);
        self.beyond.store(0, Ordering::Relaxed);
    }

    fn accuracy(&self) -> Accuracy {
        measure(self, &self.fields)
    }

    fn potential_error(&self, points: &[f64], weights: &[f64]) -> Option<Vec<f64>> {
        let finest = potential(self, points)?;
        let (coarser, fields) = coarser(self, &self.fields)?;
        let middle = potential(&coarser, points)?;
        let apart = |a: &[f64], b: &[f64]| -> Vec<f64> {
            let mean =
                a.iter().zip(b).zip(weights).map(|((a, b), w)| w * (a - b)).sum::<f64>() / weights.iter().sum::<f64>();
            a.iter().zip(b).map(|(a, b)| a - b - mean).collect()
        };
        let size = |difference: &[f64]| difference.iter().zip(weights).map(|(e, w)| w * e * e).sum::<f64>().sqrt();
        let first = apart(&finest, &middle);
        let last = self::coarser(&coarser, &fields).and_then(|(coarsest, _)| potential(&coarsest, points));
        let ratio = last.map_or(1.0, |last| size(&apart(&middle, &last)) / size(&first));
        let by = if ratio < LEAST || !ratio.is_finite() { 1.0 } else { ratio.min(MOST_OF_VALUES) - 1.0 };
        Some(first.iter().map(|e| e / by).collect())
    }
}

/// The loss at points; on one axis the integral of its slope, from the first of the points on, where there is none.
fn potential(model: &TableModel, points: &[f64]) -> Option<Vec<f64>> {
    let d = model.dimension();
    let mut values = vec![0.0; points.len() / d];
    if matches!(model.law, Law::SampleLosses { .. } | Law::Loss(_)) {
        model.loss(points, &mut values);
        return Some(values);
    }
    if d > 1 {
        return None;
    }
    let mut slopes = vec![0.0; points.len()];
    model.evaluate(points, &mut slopes);
    for i in 1..points.len() {
        values[i] = values[i - 1] + 0.5 * (slopes[i] + slopes[i - 1]) * (points[i] - points[i - 1]);
    }
    Some(values)
}

fn measure(model: &TableModel, fields: &Fields) -> Accuracy {
    let points = points(model);
    let finest = values(model, &points);
    let coarser = coarser(model, fields);
    let coarsest = coarser.as_ref().and_then(|(model, fields)| self::coarser(model, fields));
    let at = |level: &Option<(TableModel, Fields)>| level.as_ref().map(|(model, _)| values(model, &points));
    let (middle, last) = (at(&coarser), at(&coarsest));
    let error = |part: &dyn Fn(&Values) -> Vec<f64>| {
        let fine = part(&finest);
        let first = rms_difference(&fine, &part(middle.as_ref()?));
        let ratio = last
            .as_ref()
            .map(|last| rms_difference(&part(last), &middle.as_ref().map(part).unwrap_or_default()) / first);
        let size = rms_difference(&fine, &vec![0.0; fine.len()]);
        relative(first / ratio.map_or(1.0, |ratio| if ratio < LEAST { 1.0 } else { ratio.min(MOST) - 1.0 }), size)
    };
    let has_diffusion = !finest.diffusion.is_empty();
    Accuracy {
        gradient: error(&|values| values.gradient.clone()),
        diffusion: if has_diffusion { error(&|values| values.diffusion.clone()) } else { None },
        given_gradient: given_gradient(model, fields),
        given_sample_gradients: given_sample_gradients(model, fields),
        given_diffusion: given_diffusion(model, fields),
    }
}

/// `error` in units of `size`; nothing is an error of nothing.
fn relative(error: f64, size: f64) -> Option<f64> {
    let ratio = if error == 0.0 { 0.0 } else { error / size };
    ratio.is_finite().then_some(ratio)
}

/// Points that fill the box evenly (additive recurrence; M. Roberts 2018), coordinate-major.
fn points(model: &TableModel) -> Vec<f64> {
    let d = model.dimension();
    let base = [1.618_033_988_749_895_f64, 1.324_717_957_244_746, 1.220_744_084_605_759_6][d - 1];
    let axes = model.lattice().axes().iter().enumerate();
    axes.flat_map(|(k, axis)| {
        let ([lower, upper], step) = (axis.ends(), base.powi(-(k as i32) - 1));
        (1..=POINTS).map(move |i| lower + (upper - lower) * (0.5 + i as f64 * step).fract())
    })
    .collect()
}

/// ∇L and D of a model, off the diagonal of D times √2 so that sums of squares are the Frobenius norm.
fn values(model: &TableModel, points: &[f64]) -> Values {
    let d = model.dimension();
    let n = points.len() / d;
    let (mut gradient, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
    match (model.data(), Tabulated::diffusion(model)) {
        (Some(data), _) => data.gradient_covariance(points, &mut gradient, &mut diffusion),
        (None, Some(table)) => {
            model.evaluate(points, &mut gradient);
            table.evaluate(points, &mut diffusion);
        }
        (None, None) => {
            model.evaluate(points, &mut gradient);
            diffusion.clear();
        }
    }
    if !diffusion.is_empty() {
        for (i, j) in (0..d).flat_map(|i| (i + 1..d).map(move |j| (i, j))) {
            diffusion[packed_index(d, i, j) * n..][..n].iter_mut().for_each(|entry| *entry *= std::f64::consts::SQRT_2);
        }
    }
    Values { gradient, diffusion }
}

/// The table with every second node.
fn coarser(model: &TableModel, fields: &Fields) -> Option<(TableModel, Fields)> {
    let (lattice, kept) = model.lattice().coarser()?;
    let n = model.lattice().len();
    let thinned = |values: &Option<Vec<f64>>| {
        let thin = |field: &[f64]| kept.iter().map(|&node| field[node]).collect::<Vec<f64>>();
        values.as_ref().map(|values| values.chunks_exact(n).flat_map(thin).collect())
    };
    let fields = Fields {
        losses: thinned(&fields.losses),
        gradients: thinned(&fields.gradients),
        loss: thinned(&fields.loss),
        drift: thinned(&fields.drift),
        diffusion: thinned(&fields.diffusion),
    };
    Some((TableModel::new(lattice, fields.clone()).ok()?, fields))
}

fn rms_difference(a: &[f64], b: &[f64]) -> f64 {
    (a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.len() as f64).sqrt()
}

/// The nodes as points, coordinate-major.
fn nodes(model: &TableModel) -> Vec<f64> {
    let (lattice, d) = (model.lattice(), model.dimension());
    let positions: Vec<Vec<f64>> = (0..lattice.len()).map(|node| lattice.position(node)).collect();
    (0..d).flat_map(|k| positions.iter().map(move |p| p[k])).collect()
}

/// The gradient that is used against those of a drift and of a loss that are given besides: the larger difference.
fn given_gradient(model: &TableModel, fields: &Fields) -> Option<f64> {
    let nodes = nodes(model);
    let mut used = vec![0.0; nodes.len()];
    model.evaluate(&nodes, &mut used);
    let difference = |given: &[f64]| {
        let size = rms_difference(given, &vec![0.0; given.len()]);
        relative(rms_difference(&used, given), size)
    };
    let drift = fields.drift.as_ref().filter(|_| !matches!(model.law, Law::MinusDrift(_)));
    let of_drift = drift.and_then(|drift| difference(&drift.iter().map(|b| -b).collect::<Vec<f64>>()));
    let loss = match &model.law {
        Law::SampleGradients { loss, .. } => loss.as_ref(),
        _ => None,
    };
    let of_loss = loss.and_then(|loss| {
        let mut given = vec![0.0; used.len()];
        let (lattice, n) = (&model.lattice, model.lattice.len());
        in_dimension!(lattice.dimension(), slopes(lattice, loss, &nodes, n, &mut given));
        difference(&given)
    });
    [of_drift, of_loss].into_iter().flatten().reduce(f64::max)
}

/// Slopes of the losses of samples against gradients that are given besides.
fn given_sample_gradients(model: &TableModel, fields: &Fields) -> Option<f64> {
    let given = fields.gradients.as_ref().filter(|_| model.has_sample_losses())?;
    let (n, d, m, points) = (model.lattice().len(), model.dimension(), model.samples(), nodes(model));
    let mut slopes = vec![0.0; given.len()]; // (k·m + s)·n + i, given (s·d + k)·n + i
    model.sample_gradients(&points, &mut slopes);
    let (mut error, mut spread) = (0.0, 0.0);
    for k in 0..d {
        for i in 0..n {
            let of = |s: usize| given[(s * d + k) * n + i];
            let mean = (0..m).map(of).sum::<f64>() / m as f64;
            for s in 0..m {
                error += (of(s) - slopes[(k * m + s) * n + i]).powi(2);
                spread += (of(s) - mean).powi(2);
            }
        }
    }
    relative(error.sqrt(), spread.sqrt())
}

/// The covariance of the gradients of samples, which is D, against a D that is given besides.
fn given_diffusion(model: &TableModel, fields: &Fields) -> Option<f64> {
    let (given, data) = (fields.diffusion.as_ref()?, model.data()?);
    let points = nodes(model);
    let (mut gradient, mut covariance) = (vec![0.0; points.len()], vec![0.0; given.len()]);
    data.gradient_covariance(&points, &mut gradient, &mut covariance);
    let size = rms_difference(&covariance, &vec![0.0; covariance.len()]);
    relative(rms_difference(&covariance, given), size)
}
