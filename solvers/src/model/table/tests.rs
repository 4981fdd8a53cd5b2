//! Tables against the models that they were made from.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::numerics::symmetric::{eigen, packed_len};

/// Nodes −1.5 … 1.5 on each of d axes.
fn lattice(d: usize, nodes: usize) -> Lattice {
    let axis = |k: usize| {
        let nodes = (0..nodes).map(|i| -1.5 + 3.0 * i as f64 / (nodes - 1) as f64);
        SplineAxis::new(["x", "y", "z"][k], nodes.collect()).unwrap()
    };
    Lattice::new((0..d).map(axis).collect()).unwrap()
}

const M: usize = 5;

/// l_s = (tanh(Σ_k a_sk θ_k) − c_s)², with its gradient.
fn sample(s: usize, theta: &[f64]) -> (f64, Vec<f64>) {
    let a = |k: usize| ((s * 3 + k + 1) as f64).sin();
    let h = theta.iter().enumerate().map(|(k, t)| a(k) * t).sum::<f64>().tanh();
    let off = h - (s as f64).cos();
    (off * off, (0..theta.len()).map(|k| 2.0 * off * (1.0 - h * h) * a(k)).collect())
}

fn losses(lattice: &Lattice) -> Vec<f64> {
    (0..M).flat_map(|s| (0..lattice.len()).map(move |node| sample(s, &lattice.position(node)).0)).collect()
}

fn gradients(lattice: &Lattice) -> Vec<f64> {
    let d = lattice.dimension();
    let rows = (0..M).flat_map(|s| (0..d).map(move |k| (s, k)));
    rows.flat_map(|(s, k)| (0..lattice.len()).map(move |node| sample(s, &lattice.position(node)).1[k])).collect()
}

/// Points inside, coordinate-major.
fn points(d: usize) -> Vec<f64> {
    (0..d).flat_map(|k| (0..40).map(move |i| 1.4 * (2.0 * i as f64 + k as f64 + 0.3).sin())).collect()
}

/// Largest difference of gradients and covariances from those of the samples themselves.
fn error(model: &TableModel) -> f64 {
    let d = model.dimension();
    let points = points(d);
    let n = points.len() / d;
    let (mut gradient, mut covariance) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
    model.gradient_covariance(&points, &mut gradient, &mut covariance);
    let mut worst: f64 = 0.0;
    for i in 0..n {
        let theta: Vec<f64> = (0..d).map(|k| points[k * n + i]).collect();
        let g: Vec<Vec<f64>> = (0..M).map(|s| sample(s, &theta).1).collect();
        let mean = |k: usize| g.iter().map(|g| g[k]).sum::<f64>() / M as f64;
        for k in 0..d {
            worst = worst.max((gradient[k * n + i] - mean(k)).abs());
            for l in k..d {
                let exact = g.iter().map(|g| (g[k] - mean(k)) * (g[l] - mean(l))).sum::<f64>() / M as f64;
                worst = worst.max((covariance[packed_index(d, k, l) * n + i] - exact).abs());
            }
        }
    }
    worst
}

#[test]
fn tables_of_losses_and_of_gradients_are_the_samples_up_to_their_order() {
    for d in 1..=3 {
        for of_losses in [true, false] {
            let model = |nodes| {
                let lattice = lattice(d, nodes);
                let fields = match of_losses {
                    true => Fields { losses: Some(losses(&lattice)), ..Fields::default() },
                    false => Fields { gradients: Some(gradients(&lattice)), ..Fields::default() },
                };
                TableModel::new(lattice, fields).unwrap()
            };
            let [coarse, fine] = [error(&model(15)), error(&model(29))];
            assert!(fine < 4e-3 && coarse / fine > 5.0, "{d} {of_losses}: {coarse} {fine}");
        }
    }
}

#[test]
fn batches_losses_and_means_are_those_of_the_same_functions() {
    let lattice = lattice(2, 11);
    let fields = Fields { losses: Some(losses(&lattice)), ..Fields::default() };
    let model = TableModel::new(lattice, fields).unwrap();
    let points = [0.3, -0.2, 1.9, 0.4, 0.1, -1.8]; // three points, the last beyond the table
    let (mut all, mut batch, mut mean) = (vec![0.0; 2 * M * 3], vec![0.0; 6], vec![0.0; 6]);
    model.sample_gradients(&points, &mut all);
    model.batch_gradient(&points, &[1, 2, 0, 4, 2, 0], &mut batch);
    model.gradient(&points, &mut mean);
    let (mut losses, mut loss) = (vec![0.0; M * 3], vec![0.0; 3]);
    model.sample_losses(&points, &mut losses);
    model.loss(&points, &mut loss);
    for i in 0..3 {
        assert!((loss[i] - (0..M).map(|s| losses[s * 3 + i]).sum::<f64>() / M as f64).abs() < 1e-14);
        for k in 0..2 {
            let of = |s: usize| all[(k * M + s) * 3 + i];
            let drawn = [[1, 4], [2, 2], [0, 0]][i];
            assert!((batch[k * 3 + i] - (of(drawn[0]) + of(drawn[1])) / 2.0).abs() < 1e-15);
            assert!((mean[k * 3 + i] - (0..M).map(of).sum::<f64>() / M as f64).abs() < 1e-14);
        }
    }
    let step = 1e-5;
    for (i, k) in (0..3).flat_map(|i| (0..2).map(move |k| (i, k))) {
        let moved = |by: f64| {
            let mut moved = points;
            moved[k * 3 + i] += by;
            let mut loss = vec![0.0; 3];
            model.loss(&moved, &mut loss);
            loss[i]
        };
        assert!(
            ((moved(step) - moved(-step)) / (2.0 * step) - mean[k * 3 + i]).abs() < 1e-8,
            "slope of what is beyond too"
        );
    }
    assert_eq!(model.points(), [9, 3]);
}

#[test]
fn the_curvature_is_that_of_the_gradient() {
    let lattice = lattice(2, 12);
    let drift: Vec<f64> = (0..2)
        .flat_map(|k| {
            let of = |node| -sample(1, &lattice.position(node)).1[k];
            (0..lattice.len()).map(of).collect::<Vec<_>>()
        })
        .collect();
    let loss = (0..lattice.len()).map(|node| sample(1, &lattice.position(node)).0).collect();
    for fields in [Fields { loss: Some(loss), ..Fields::default() }, Fields { drift: Some(drift), ..Fields::default() }]
    {
        let model = TableModel::new(lattice.clone(), fields).unwrap();
        let at = |x: f64, y: f64| {
            let mut gradient = [0.0; 2];
            model.gradient(&[x, y], &mut gradient);
            gradient
        };
        let mut hessian = [0.0; 3];
        model.hessian(&[0.21, -0.4], &[1.0; 2], &mut hessian);
        let step = 1e-5;
        let along_x = [0, 1].map(|k| (at(0.21 + step, -0.4)[k] - at(0.21 - step, -0.4)[k]) / (2.0 * step));
        let along_y = [0, 1].map(|k| (at(0.21, -0.4 + step)[k] - at(0.21, -0.4 - step)[k]) / (2.0 * step));
        let expected = [along_x[0], 0.5 * (along_x[1] + along_y[0]), along_y[1]];
        assert!(hessian.iter().zip(expected).all(|(h, e)| (h - e).abs() < 1e-7), "{hessian:?} {expected:?}");
    }
}

#[test]
fn a_matrix_of_a_table_is_nowhere_indefinite() {
    let lattice = lattice(2, 8);
    // rank one everywhere: splines between the nodes are indefinite
    let entry = |node: usize, k: usize, l: usize| {
        let p = lattice.position(node);
        let v = [(2.0 * p[0] + p[1]).cos(), (3.0 * p[1] - p[0]).sin()];
        v[k] * v[l]
    };
    let entries = [(0, 0), (0, 1), (1, 1)].iter();
    let entries: Vec<f64> = entries.flat_map(|&(k, l)| (0..lattice.len()).map(move |node| entry(node, k, l))).collect();
    let raw = lattice.interpolate(entries.clone());
    let table = TableDiffusion::new(lattice.clone(), entries).unwrap();
    let (mut least_raw, mut least) = (0.0_f64, 0.0_f64);
    for i in 0..400 {
        let point = [1.5 * (0.37 * f64::from(i)).sin(), 1.5 * (0.59 * f64::from(i)).sin()];
        let mut d = [0.0; 3];
        values::<2>(&lattice, &raw, &point, 1, &mut d);
        least_raw = least_raw.min(eigen(2, &d).0[0]);
        table.evaluate(&point, &mut d);
        least = least.min(eigen(2, &d).0[0]);
    }
    assert!(least_raw < -1e-3 && least > -1e-15, "{least_raw} {least}");
    let indefinite = [[1.0; 64], [2.0; 64], [1.0; 64]].concat();
    let refused = TableDiffusion::new(self::lattice(2, 8), indefinite).unwrap_err().to_string();
    assert!(refused.contains("eigenvalue -1") && refused.contains("x = -1.5"), "{refused}");
}

#[test]
fn the_measured_error_is_that_of_the_drift() {
    let lattice = lattice(1, 21);
    let fields = |losses| Fields { losses: Some(losses), ..Fields::default() };
    let model = TableModel::new(lattice.clone(), fields(losses(&lattice))).unwrap();
    let found = model.accuracy();
    let (mut error, mut size) = (0.0, 0.0);
    for i in 0..1000 {
        let x = -1.5 + 3.0 * (f64::from(i) + 0.5) / 1000.0;
        let mut gradient = [0.0];
        model.gradient(&[x], &mut gradient);
        let exact = (0..M).map(|s| sample(s, &[x]).1[0]).sum::<f64>() / M as f64;
        error += (gradient[0] - exact).powi(2);
        size += exact.powi(2);
    }
    let true_error = (error / size).sqrt();
    let ratio = found.gradient.unwrap() / true_error;
    assert!((0.5..4.0).contains(&ratio), "{found:?} {true_error}");
    let cubic = lattice.clone();
    let exact = (0..2).flat_map(|s| (0..21).map(move |i| f64::from(s + 1) * (f64::from(i) / 10.0).powi(3)));
    let found = TableModel::new(cubic, fields(exact.collect())).unwrap().accuracy();
    assert!(found.gradient.unwrap() < 1e-12 && found.diffusion.unwrap() < 1e-12, "{found:?}");
}

#[test]
fn gradients_that_are_given_besides_are_compared() {
    let lattice = lattice(2, 21);
    let mut fields =
        Fields { losses: Some(losses(&lattice)), gradients: Some(gradients(&lattice)), ..Fields::default() };
    let right = TableModel::new(lattice.clone(), fields.clone()).unwrap().accuracy().given_sample_gradients.unwrap();
    fields.gradients.iter_mut().flatten().for_each(|g| *g *= 2.0);
    let wrong = TableModel::new(lattice, fields).unwrap().accuracy().given_sample_gradients.unwrap();
    assert!(right < 0.01 && (0.4..1.0).contains(&wrong), "{right} {wrong}");
}

#[test]
fn senseless_tables_are_refused() {
    let refused = |fields: Fields| TableModel::new(lattice(1, 5), fields).unwrap_err().to_string();
    assert!(refused(Fields::default()).contains("neither losses nor a drift"));
    assert!(refused(Fields { loss: Some(vec![1.0; 4]), ..Fields::default() }).contains("nodes"));
    let hole = vec![1.0, 2.0, f64::NAN, 4.0, 5.0];
    assert!(refused(Fields { loss: Some(hole), ..Fields::default() }).contains("NaN at x = 0"));
}
