#![allow(clippy::unwrap_used)]

use super::*;
use crate::numerics::lanes::{Level, force_level};

/// The "genesis of minima" data: three units with one slope, ten samples, sample 5 an outlier.
pub(crate) fn genesis(sample_gradient: SampleGradient) -> TanhRegression {
    let x: Vec<f64> = (0..10).map(|i| -2.25 + 0.5 * i as f64).collect();
    let y = [3.5, 3.22, 1.69, -0.9, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
    let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 0, 0]);
    TanhRegression::new(&x, &y, &units, Amplitudes::Projected, sample_gradient).unwrap()
}

/// The motorcycle-crash data, standardised, five centres, slopes in two groups.
pub(crate) fn motorcycle(sample_gradient: SampleGradient) -> TanhRegression {
    let text = include_str!("../../../../scenarios/data/mcycle.csv");
    let rows = text.lines().skip(1).map(|line| line.split_once(',').unwrap());
    let (mut x, mut y): (Vec<f64>, Vec<f64>) =
        rows.map(|(a, b)| (a.trim().parse::<f64>().unwrap(), b.trim().parse::<f64>().unwrap())).unzip();
    crate::model::data::standardize(&mut x).unwrap();
    crate::model::data::standardize(&mut y).unwrap();
    let units = TanhRegression::units(&[-1.2, -0.6, 0.0, 0.6, 1.2], &[0, 0, 0, 1, 1]);
    TanhRegression::new(&x, &y, &units, Amplitudes::Projected, sample_gradient).unwrap()
}

/// Two of four units have free slopes, the amplitudes are fixed; 64 samples.
fn four_units() -> TanhRegression {
    let centers = [-1.5, -0.5, 0.5, 1.5];
    let alpha = [1.0, -0.8, 0.6, 0.5];
    let teacher = [1.5, 0.8, 1.0, 1.0];
    let x: Vec<f64> = (0..64).map(|j| -3.0 + 6.0 * j as f64 / 63.0).collect();
    let h = |x: f64| -> f64 { (0..4).map(|i| alpha[i] * (teacher[i] * (x - centers[i])).tanh()).sum() };
    let y: Vec<f64> = x.iter().enumerate().map(|(j, &x)| h(x) + 0.42 * (12.9898 * j as f64 + 0.7).sin()).collect();
    let slopes = [Slope::Group(0), Slope::Group(1), Slope::Fixed(1.0), Slope::Fixed(1.0)];
    let units: Vec<Unit> = centers.iter().zip(slopes).map(|(&center, slope)| Unit { center, slope }).collect();
    TanhRegression::new(&x, &y, &units, Amplitudes::Fixed(alpha.to_vec()), SampleGradient::Total).unwrap()
}

fn loss(model: &dyn Model, point: &[f64]) -> f64 {
    let mut out = [0.0];
    model.loss(point, &mut out);
    out[0]
}

fn gradient_covariance(model: &dyn SampleModel, point: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let d = model.dimension();
    let (mut gradient, mut covariance) = (vec![0.0; d], vec![0.0; d * (d + 1) / 2]);
    model.gradient_covariance(point, &mut gradient, &mut covariance);
    (gradient, covariance)
}

/// Minimum by Newton steps with a Hessian from differences of the gradient.
fn newton(model: &dyn SampleModel, start: &[f64]) -> Vec<f64> {
    let d = start.len();
    let mut w = start.to_vec();
    for _ in 0..20 {
        let g = gradient_covariance(model, &w).0;
        let mut hessian = vec![vec![0.0; d]; d];
        for k in 0..d {
            let shifted = |s: f64| {
                let mut moved = w.clone();
                moved[k] += s;
                gradient_covariance(model, &moved).0
            };
            let (up, down) = (shifted(1e-5), shifted(-1e-5));
            for i in 0..d {
                hessian[i][k] = (up[i] - down[i]) / 2e-5;
            }
        }
        if d == 1 {
            w[0] -= g[0] / hessian[0][0];
        } else {
            let det = hessian[0][0] * hessian[1][1] - hessian[0][1] * hessian[1][0];
            w[0] -= (hessian[1][1] * g[0] - hessian[0][1] * g[1]) / det;
            w[1] -= (hessian[0][0] * g[1] - hessian[1][0] * g[0]) / det;
        }
    }
    w
}

fn close(a: f64, b: f64, relative: f64) {
    assert!((a - b).abs() <= relative * b.abs(), "{a} against {b}: {:e}", (a - b).abs() / b.abs());
}

#[test]
fn genesis_losses_have_their_reference_values() {
    let model = genesis(SampleGradient::Total);
    let table = [
        (0.1, 0.779741056),
        (0.3, 0.547693168),
        (0.5, 0.3630357086),
        (1.0, 0.3490222557),
        (2.0, 0.4024005391),
        (3.0, 0.3658601883),
        (4.0, 0.3483206573),
        (6.0, 0.3498654417),
        (8.0, 0.3644446677),
        (12.0, 0.3934508937),
    ];
    for (w, expected) in table {
        assert!((loss(&model, &[w]) - expected).abs() < 6e-11 * 10.0, "w = {w}");
        assert_eq!(loss(&model, &[w]), loss(&model, &[-w]), "L is even");
    }
}

#[test]
fn genesis_minima_curvatures_and_noise() {
    let (total, envelope) = (genesis(SampleGradient::Total), genesis(SampleGradient::Envelope));
    // w, L, L'', D_total, D_envelope, share of the outlier in L
    let table: [[f64; 6]; 3] = [
        [0.7115671623104967, 0.3100053490663363, 1.69013091106, 0.45516778880888, 42.752406502976, 0.655],
        [1.666310298380531, 0.4092261102332884, -0.170189155159, 0.036138146268717, 0.28122269727492, 0.843],
        [4.758392164878343, 0.3454442201159178, 0.00803375039541, 0.00089375084217942, 0.0016249329021414, 0.841],
    ];
    for [w, l, curvature, d_total, d_envelope, share] in table {
        close(newton(&total, &[w + 0.01])[0], w, 1e-11);
        close(loss(&total, &[w]), l, 1e-14);
        let h = 1e-3;
        let slope = |w: f64| gradient_covariance(&total, &[w]).0[0];
        let second = (8.0 * (slope(w + h) - slope(w - h)) - (slope(w + 2.0 * h) - slope(w - 2.0 * h))) / (12.0 * h);
        close(second, curvature, 2e-8);
        close(gradient_covariance(&total, &[w]).1[0], d_total, 1e-12);
        close(gradient_covariance(&envelope, &[w]).1[0], d_envelope, 1e-12);
        let mut losses = vec![0.0; 10];
        total.sample_losses(&[w], &mut losses);
        assert!((losses[5] / losses.iter().sum::<f64>() - share).abs() < 5.1e-4);
    }
    // IS-1 at w = 1 (uniform sampling): loss, gradient, covariance
    let (g, d) = gradient_covariance(&total, &[1.0]);
    close(loss(&total, &[1.0]), 0.349022255725, 2e-12);
    close(g[0], 0.185569230673, 2e-12);
    close(d[0], 0.480108991863, 2e-12);
}

#[test]
fn motorcycle_minima_and_condition() {
    let model = motorcycle(SampleGradient::Total);
    for (w, l) in [([0.37261, 0.46173], 0.421498), ([1.82627, 3.97606], 0.218469)] {
        let found = newton(&model, &w);
        assert!((found[0] - w[0]).abs() < 6e-6 && (found[1] - w[1]).abs() < 6e-6, "{found:?} against {w:?}");
        assert!((loss(&model, &found) - l).abs() < 6e-7);
    }
    let fields = model.diagnostics(&[0.37261, 0.46173]);
    assert_eq!(fields[0].0, "condition_number");
    assert!((fields[0].1[0] / 1.1e4 - 1.0).abs() < 0.05, "{}", fields[0].1[0]);
    assert_eq!(fields[1].1[0], 5.0);
}

/// Eigenvalues of a packed 2×2 matrix, small one first.
fn eigenvalues(a: f64, b: f64, c: f64) -> (f64, f64) {
    let high = 0.5 * (a + c) + (0.5 * (a - c)).hypot(b);
    ((a * c - b * b) / high, high)
}

#[test]
fn motorcycle_noise_over_the_square() {
    let side = 78;
    let axis = |i: usize| 0.15 + 0.1 * i as f64;
    let n = side * side;
    let points: Vec<f64> = (0..n).map(|i| axis(i / side)).chain((0..n).map(|i| axis(i % side))).collect();
    // medians and 95 % quantiles of cond D on these points, from NumPy's pseudo-inverse
    let table = [(SampleGradient::Total, 9.348, 252.04), (SampleGradient::Envelope, 82.356, 8162.7)];
    for (kind, median, quantile) in table {
        let (mut g, mut d) = (vec![0.0; 2 * n], vec![0.0; 3 * n]);
        motorcycle(kind).gradient_covariance(&points, &mut g, &mut d);
        let pairs: Vec<(f64, f64)> = (0..n).map(|i| eigenvalues(d[i], d[n + i], d[2 * n + i])).collect();
        let mut condition: Vec<f64> = pairs.iter().map(|(low, high)| high / low).collect();
        condition.sort_by(f64::total_cmp);
        close(condition[n / 2], median, 0.005);
        close(condition[n * 95 / 100], quantile, 0.005);
        if kind == SampleGradient::Total {
            let extremes = |values: &mut dyn Iterator<Item = f64>| {
                values.fold((f64::MAX, 0.0_f64), |(a, b), x| (a.min(x), b.max(x)))
            };
            let high = extremes(&mut pairs.iter().map(|p| p.1));
            let length = extremes(&mut (0..n).map(|i| g[i].hypot(g[n + i])));
            close(high.0, 6.82719988e-4, 1e-8);
            close(high.1, 466865.6, 1e-5); // at (0.15, 0.15), where cond Φ is 4e5
            close(length.0, 2.3861597e-4, 1e-8);
            close(length.1, 237.2125, 1e-6);
        }
    }
}

/// All parts of the model against each other and against central differences, at one point.
fn consistent(model: &dyn SampleModel, point: &[f64]) {
    let (d, m) = (model.dimension(), model.samples());
    let (gradient, covariance) = gradient_covariance(model, point);
    let mut alone = vec![0.0; d];
    model.gradient(point, &mut alone);
    assert_eq!(alone, gradient);
    for k in 0..d {
        let h = 1e-4;
        let at = |s: f64| {
            let mut moved = point.to_vec();
            moved[k] += s * h;
            loss(model, &moved)
        };
        let difference = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * h);
        assert!((difference - gradient[k]).abs() < 1e-10 + 1e-8 * gradient[k].abs(), "{difference} {}", gradient[k]);
    }
    let mut samples = vec![0.0; d * m];
    model.sample_gradients(point, &mut samples);
    let mean: Vec<f64> = samples.chunks(m).map(|g| g.iter().sum::<f64>() / m as f64).collect();
    let mut c = 0;
    for i in 0..d {
        let scale = samples[i * m..(i + 1) * m].iter().fold(0.0_f64, |a, g| a.max(g.abs()));
        assert!((mean[i] - gradient[i]).abs() < 1e-12 * scale);
        for j in i..d {
            let product: f64 =
                (0..m).map(|s| (samples[i * m + s] - mean[i]) * (samples[j * m + s] - mean[j])).sum::<f64>() / m as f64;
            let size = (covariance[0].abs() + covariance[covariance.len() - 1].abs()).max(1e-300);
            assert!((product - covariance[c]).abs() < 1e-12 * size, "{product} {}", covariance[c]);
            c += 1;
        }
    }
    let mut batch_gradient = vec![0.0; d];
    let everything: Vec<u32> = (0..m as u32).collect();
    model.batch_gradient(point, &everything, &mut batch_gradient);
    let some = [1, 3, 3, 0].map(|s: u32| s);
    let mut few = vec![0.0; d];
    model.batch_gradient(point, &some, &mut few);
    for k in 0..d {
        let scale = samples[k * m..(k + 1) * m].iter().fold(0.0_f64, |a, g| a.max(g.abs()));
        assert!((batch_gradient[k] - gradient[k]).abs() < 1e-12 * scale);
        let expected = some.iter().map(|&s| samples[k * m + s as usize]).sum::<f64>() / 4.0;
        assert!((few[k] - expected).abs() < 1e-12 * scale);
    }
    let mut losses = vec![0.0; m];
    model.sample_losses(point, &mut losses);
    close(losses.iter().sum::<f64>() / m as f64, loss(model, point), 1e-13);
    let (mut values, mut jacobian) = (vec![0.0; m], vec![0.0; d * m]);
    if model.regression().unwrap().predictions(point, &mut values, &mut jacobian) {
        for row in 0..d * m {
            let expected = 2.0 * losses[row % m].sqrt() * jacobian[row].abs();
            assert!((samples[row].abs() - expected).abs() < 1e-14 * (1.0 + expected));
        }
    }
}

#[test]
fn gradients_agree_with_differences_and_with_each_other() {
    for kind in [SampleGradient::Total, SampleGradient::Envelope] {
        for w in [0.3, 1.0, 5.0] {
            consistent(&genesis(kind), &[w]);
        }
        for w in [[0.5, 0.7], [1.8, 4.0], [6.0, -2.0]] {
            consistent(&motorcycle(kind), &w);
        }
    }
    consistent(&four_units(), &[0.5, 0.5]);
    let shared = TanhRegression::units(&[-1.0, 0.0, 1.0], &[0, 1, 0]);
    let x: Vec<f64> = (0..9).map(|i| i as f64 / 2.0 - 2.0).collect();
    let y: Vec<f64> = x.iter().map(|x| x.cos()).collect();
    let fixed = Amplitudes::Fixed(vec![0.4, -1.0, 0.9]);
    consistent(&TanhRegression::new(&x, &y, &shared, fixed, SampleGradient::Total).unwrap(), &[0.7, 1.9]);
    let free = TanhRegression::units(&[-1.0, 0.0, 1.0], &[0, 1, 2]);
    let projected = TanhRegression::new(&x, &y, &free, Amplitudes::Projected, SampleGradient::Total).unwrap();
    consistent(&projected, &[0.7, 1.9, 1.1]);
}

#[test]
fn total_is_the_derivative_of_each_sample_loss() {
    let model = motorcycle(SampleGradient::Total);
    let (w, h, m) = ([1.1, 2.3], 1e-4, 133);
    let mut gradients = vec![0.0; 2 * m];
    model.sample_gradients(&w, &mut gradients);
    for k in 0..2 {
        let at = |s: f64| {
            let (mut moved, mut losses) = (w, vec![0.0; m]);
            moved[k] += s * h;
            model.sample_losses(&moved, &mut losses);
            losses
        };
        let [a, b, c, d] = [-2.0, -1.0, 1.0, 2.0].map(at);
        for i in 0..m {
            let difference = (a[i] - 8.0 * b[i] + 8.0 * c[i] - d[i]) / (12.0 * h);
            assert!((difference - gradients[k * m + i]).abs() < 1e-9, "sample {i}");
        }
    }
}

#[test]
fn lost_rank_is_seen_and_harmless() {
    let x: Vec<f64> = (0..20).map(|i| i as f64 / 8.0 - 1.2).collect();
    let y: Vec<f64> = x.iter().map(|x| (2.0 * x).sin() + 0.3).collect();
    let build = |centers: &[f64]| {
        let units = TanhRegression::units(centers, &vec![0; centers.len()]);
        TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap()
    };
    let (twice, once) = (build(&[-0.5, 0.4, 0.4]), build(&[-0.5, 0.4]));
    assert_eq!(twice.rank(&[1.3]), [2.0]);
    close(loss(&twice, &[1.3]), loss(&once, &[1.3]), 1e-14);
    let ((g2, d2), (g1, d1)) = (gradient_covariance(&twice, &[1.3]), gradient_covariance(&once, &[1.3]));
    close(g2[0], g1[0], 1e-12);
    close(d2[0], d1[0], 1e-12);
    // at w = 0 nothing is left to fit with; just beside it the span tends to a limit
    let mean_square = y.iter().map(|y| y * y).sum::<f64>() / 20.0;
    close(loss(&once, &[0.0]), mean_square, 1e-14);
    assert_eq!(once.rank(&[0.0]), [0.0]);
    close(loss(&once, &[1e-5]), loss(&once, &[1e-4]), 1e-6);
    assert!(loss(&once, &[f64::NAN]).is_nan());
}

#[test]
fn fitted_function_leaves_the_loss() {
    let model = motorcycle(SampleGradient::Total);
    let w = [1.82627, 3.97606];
    let fixed = four_units();
    let x: Vec<f64> = (0..64).map(|j| -3.0 + 6.0 * j as f64 / 63.0).collect();
    let (mut values, mut jacobian) = ([0.0; 64], [0.0; 128]);
    assert!(fixed.predictions(&[0.7, 1.1], &mut values, &mut jacobian));
    for (a, b) in fixed.fitted(&[0.7, 1.1], &x).unwrap().iter().zip(values) {
        assert!((a - b).abs() < 4e-15);
    }
    let Core::Projected(core) = &model.core else { panic!("projected") };
    let h = model.fitted(&w, &core.x).unwrap();
    let mean = h.iter().zip(&core.y).map(|(h, y)| (y - h) * (y - h)).sum::<f64>() / 133.0;
    close(mean, loss(&model, &w), 1e-12);
}

#[test]
fn a_walker_does_not_feel_its_neighbours_or_the_processor() {
    let projected = motorcycle(SampleGradient::Total);
    let fixed = four_units();
    for model in [&projected as &dyn SampleModel, &fixed] {
        let n = 21;
        let points: Vec<f64> = (0..2 * n).map(|i| 0.3 + 0.11 * i as f64).collect();
        let run = |level| {
            force_level(level);
            let (mut g, mut d) = (vec![0.0; 2 * n], vec![0.0; 3 * n]);
            model.gradient_covariance(&points, &mut g, &mut d);
            force_level(None);
            (g, d)
        };
        let all = run(None);
        assert_eq!(all, run(Some(Level::Avx2)));
        for i in [0, 7, 8, 20] {
            let (g, d) = gradient_covariance(model, &[points[i], points[n + i]]);
            assert_eq!((g[1], d[1]), (all.0[n + i], all.1[n + i]));
        }
    }
}

#[test]
fn bad_input_is_refused() {
    let units = TanhRegression::units(&[0.0, 1.0], &[0, 2]);
    let new = |x: &[f64], y: &[f64], units: &[Unit]| {
        TanhRegression::new(x, y, units, Amplitudes::Projected, SampleGradient::Total).err().unwrap().to_string()
    };
    assert!(new(&[1.0, 2.0, 3.0], &[0.0; 3], &units).contains("groups"));
    let units = TanhRegression::units(&[0.0, 1.0], &[0, 0]);
    assert!(new(&[1.0, 2.0], &[0.0; 2], &units).contains("fit 2 samples exactly"));
    assert!(new(&[1.0, f64::NAN, 3.0], &[0.0; 3], &units).contains("sample 1"));
    assert!(new(&[1.0, 2.0], &[0.0; 3], &units).contains("2 and 3 samples"));
}
