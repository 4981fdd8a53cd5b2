//! timing
use fpsolve_solvers::model::{Model, tanh_regression::*};
#[repr(C)]
struct Ts {
    s: i64,
    n: i64,
}
unsafe extern "C" {
    fn clock_gettime(c: i32, t: *mut Ts) -> i32;
}
fn cpu() -> f64 {
    let mut t = Ts { s: 0, n: 0 };
    unsafe {
        clock_gettime(3, &mut t);
    }
    t.s as f64 + 1e-9 * t.n as f64
}
fn time(name: &str, n: usize, mut f: impl FnMut()) {
    f();
    let mut best = f64::MAX;
    for _ in 0..15 {
        let a = cpu();
        for _ in 0..4 {
            f();
        }
        best = best.min((cpu() - a) / 4.0);
    }
    println!("{name}: {:.1} ns a point", best / n as f64 * 1e9);
}
fn main() {
    let n = 1024;
    let text = include_str!("../../scenarios/data/mcycle.csv");
    let (mut x, mut y): (Vec<f64>, Vec<f64>) = text
        .lines()
        .skip(1)
        .map(|l| {
            let (a, b) = l.split_once(',').unwrap();
            (a.parse::<f64>().unwrap(), b.trim().parse::<f64>().unwrap())
        })
        .unzip();
    fpsolve_solvers::model::data::standardize(&mut x);
    fpsolve_solvers::model::data::standardize(&mut y);
    let m = TanhRegression::new(
        &x,
        &y,
        &TanhRegression::units(&[-1.2, -0.6, 0.0, 0.6, 1.2], &[0, 0, 0, 1, 1]),
        Amplitudes::Projected,
        SampleGradient::Total,
    )
    .unwrap();
    let me = TanhRegression::new(
        &x,
        &y,
        &TanhRegression::units(&[-1.2, -0.6, 0.0, 0.6, 1.2], &[0, 0, 0, 1, 1]),
        Amplitudes::Projected,
        SampleGradient::Envelope,
    )
    .unwrap();
    let m1 = TanhRegression::new(
        &x,
        &y,
        &TanhRegression::units(&[-1.2, -0.6, 0.0, 0.6, 1.2], &[0; 5]),
        Amplitudes::Projected,
        SampleGradient::Total,
    )
    .unwrap();
    let mf = TanhRegression::new(
        &x,
        &y,
        &TanhRegression::units(&[-1.2, -0.6, 0.0, 0.6, 1.2], &[0, 0, 0, 1, 1]),
        Amplitudes::Fixed(vec![1.0, -0.5, 0.2, 0.8, 0.3]),
        SampleGradient::Total,
    )
    .unwrap();
    let centers = [-1.5, -0.5, 0.5, 1.5];
    let slopes = [Slope::Group(0), Slope::Group(1), Slope::Fixed(1.0), Slope::Fixed(1.0)];
    let units: Vec<Unit> = centers.iter().zip(slopes).map(|(&center, slope)| Unit { center, slope }).collect();
    let x4: Vec<f64> = (0..64).map(|j| -3.0 + 6.0 * j as f64 / 63.0).collect();
    let y4: Vec<f64> = x4.iter().map(|x| x.sin()).collect();
    let s4 = TanhRegression::new(&x4, &y4, &units, Amplitudes::Fixed(vec![1.0, -0.8, 0.6, 0.5]), SampleGradient::Total)
        .unwrap();
    for (name, model, m, b) in [
        ("mcycle total", &m, 133, 8),
        ("mcycle envelope", &me, 133, 8),
        ("mcycle 1-D", &m1, 133, 8),
        ("mcycle fixed", &mf, 133, 8),
        ("S4", &s4, 64, 4),
    ] {
        let d = model.dimension();
        let points: Vec<f64> = (0..d * n).map(|i| 0.3 + (i * 7 % 1000) as f64 * 0.004).collect();
        let (mut g, mut c) = (vec![0.0; d * n], vec![0.0; d * (d + 1) / 2 * n]);
        let mut l = vec![0.0; n];
        time(&format!("{name} loss"), n, || model.loss(&points, &mut l));
        time(&format!("{name} gradient_covariance"), n, || model.gradient_covariance(&points, &mut g, &mut c));
        let batch: Vec<u32> = (0..b * n).map(|i| (i * 7919 % m) as u32).collect();
        time(&format!("{name} batch_gradient {b}"), n, || model.batch_gradient(&points, &batch, &mut g));
    }
}
