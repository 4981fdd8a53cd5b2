#![allow(clippy::unwrap_used)]

use super::assignment::{LEAST_VARIANCE, NodeLaw, Rows};
use super::batch_law::{BatchLaws, Workspace};
use super::line::{Nodes, Operator, build, build_with, centred};
use super::samples::{Draws, Line, Rule, Step};
use super::solve::{Killed, invariant_laws};
use super::without_replacement::Simple;

const NEVER: &(dyn Fn() -> bool + Sync) = &|| false;

/// Reproducible numbers in (0, 1).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}

#[test]
fn random_rows_keep_mass_mean_and_variance_and_are_positive() {
    let mut numbers = Numbers(7);
    let (mut work, mut node, mut x) = (Workspace::default(), NodeLaw::default(), Vec::new());
    for trial in 0..1500 {
        let m = 2 + numbers.below(58);
        let batch = [1, 2, 7, 64][numbers.below(4)];
        let heavy = trial % 2 == 1;
        let g: Vec<f64> = (0..m)
            .map(|_| {
                let u = numbers.next();
                if heavy {
                    (u - 0.5).signum() * ((1.0 - (2.0 * u - 1.0).abs()).powf(-1.0 / 3.0) - 1.0)
                } else {
                    [-1.0, 0.0, 2.0][numbers.below(3)]
                }
            })
            .collect();
        let mut p: Vec<f64> = (0..m).map(|_| if trial % 3 == 0 { numbers.next() } else { 1.0 }).collect();
        let sum: f64 = p.iter().sum();
        p.iter_mut().for_each(|p| *p /= sum);
        let mean: f64 = g.iter().zip(&p).map(|(g, p)| g * p).sum();
        let variance: f64 = g.iter().zip(&p).map(|(g, p)| p * (g - mean) * (g - mean)).sum();
        if variance < 1e-12 {
            continue;
        }
        let step = Step::sgd(0.1, batch);
        let cells = 0.6 + 9.4 * numbers.next();
        let h = 0.1 * (variance / batch as f64).sqrt() / cells;
        let weights = (trial % 3 == 0).then_some(&p[..]);
        let shift = centred(g.iter().copied(), weights, &step, h, &mut x);
        BatchLaws::new(&step, m).find(&x, weights, &mut work);
        node.assign(&work.law, shift, Rows::Moments, 0.0);
        let mass: f64 = node.weights.iter().sum();
        assert!((mass - 1.0).abs() < 1e-12, "mass {mass}");
        assert!((node.mean() - shift).abs() < 1e-11, "mean {} {shift}", node.mean());
        let v = node.variance();
        assert!((v / (cells * cells) - 1.0).abs() < 1e-11, "variance {v} {} m {m} B {batch}", cells * cells);
        assert!(node.weights.iter().all(|w| *w >= 0.0));
    }
}

#[test]
fn listed_batches_and_the_lattice_give_the_same_row() {
    let (a, c) = ([0.5, 1.0, 1.5, 2.0], [1.0, -1.0, 0.5, 0.0]);
    let g: Vec<f64> = (0..4).map(|s| a[s] * (0.1 - c[s])).collect();
    let mean: f64 = g.iter().sum::<f64>() / 4.0;
    let variance: f64 = g.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / 4.0;
    for cells in [1.0, 2.0, 5.0] {
        for batch in [4, 8, 16] {
            let h = 0.25 * (variance / batch as f64).sqrt() / cells;
            let step = Step::sgd(0.25, batch);
            let (mut x, mut found) = (Vec::new(), Vec::new());
            let shift = centred(g.iter().copied(), None, &step, h, &mut x);
            for laws in [BatchLaws::new(&step, 4), BatchLaws::on_lattice(&step)] {
                let (mut work, mut node) = (Workspace::default(), NodeLaw::default());
                laws.find(&x, None, &mut work);
                node.assign(&work.law, shift, Rows::Moments, 0.0);
                found.push(node);
            }
            let at = |law: &NodeLaw, k: i64| {
                usize::try_from(k - law.first).ok().and_then(|k| law.weights.get(k)).copied().unwrap_or(0.0)
            };
            let tv: f64 = 0.5 * (-200..200).map(|k| (at(&found[0], k) - at(&found[1], k)).abs()).sum::<f64>();
            assert!(tv < 0.03, "{cells} {batch}: {tv}");
            let third = |l: &NodeLaw| -> f64 {
                let mean = l.mean();
                l.weights.iter().enumerate().map(|(k, w)| w * ((l.first + k as i64) as f64 - mean).powi(3)).sum()
            };
            assert!((found[0].mean() - found[1].mean()).abs() < 1e-12);
            assert!((found[0].variance() - found[1].variance()).abs() < 1e-12 * cells * cells);
            if cells >= 2.0 {
                assert!((third(&found[0]) / third(&found[1]) - 1.0).abs() < 0.05);
            }
        }
    }
}

/// φ_B of a simple random sample by the stable recursion over the samples.
fn recursion(x: &[f64], batch: usize, omega: f64) -> (f64, f64) {
    let f = batch as f64 / x.len() as f64;
    let mut q = vec![(0.0, 0.0, 0.0); batch + 1];
    q[0] = (1.0, 0.0, 1.0);
    for x in x {
        let (s, c) = (-omega * x).sin_cos();
        for k in (0..=batch).rev() {
            let (a, b, w) = if k > 0 { q[k - 1] } else { (0.0, 0.0, 0.0) };
            let (u, v, n) = q[k];
            q[k] = ((1.0 - f) * u + f * (c * a - s * b), (1.0 - f) * v + f * (c * b + s * a), (1.0 - f) * n + f * w);
        }
    }
    (q[batch].0 / q[batch].2, q[batch].1 / q[batch].2)
}

#[test]
fn sums_without_replacement_have_the_right_characteristic_function() {
    let mut numbers = Numbers(3);
    // integers: the deposit is exact then, so both must agree to rounding
    for (m, batch) in [(12, 3), (300, 5), (300, 40), (300, 140), (300, 260), (40, 20), (50, 50)] {
        let x: Vec<f64> = (0..m).map(|_| (numbers.next() * 7.0).floor() - 3.0).collect();
        let sum: f64 = x.iter().sum();
        let mut x = x;
        x[0] -= sum;
        let n = 1024;
        let mut transform = super::fft::RealTransform::new(n);
        let (mut real, mut imaginary) = (vec![0.0; n / 2 + 1], vec![0.0; n / 2 + 1]);
        Simple::new(m, batch).transform(&x, &mut transform, &mut real, &mut imaginary);
        for w in [0, 1, 2, 3, 5, 9, 20, 100, 400] {
            let (a, b) = recursion(&x, batch, 2.0 * std::f64::consts::PI * w as f64 / n as f64);
            assert!(
                (a - real[w]).hypot(b - imaginary[w]) < 2e-12,
                "{m} {batch} {w}: {a} {b} {} {}",
                real[w],
                imaginary[w]
            );
        }
    }
}

#[test]
fn rows_without_replacement_have_the_variance_of_all_subsets_and_end_as_descent() {
    let mut numbers = Numbers(5);
    let g: Vec<f64> = (0..12).map(|_| numbers.next() - 0.3).collect();
    for (batch, lattice) in [(3, false), (3, true), (7, true), (12, false), (12, true)] {
        let step = Step { draws: Draws::WithoutReplacement, ..Step::sgd(0.1, batch) };
        let (mut x, mut work, mut node) = (Vec::new(), Workspace::default(), NodeLaw::default());
        let shift = centred(g.iter().copied(), None, &step, 0.003, &mut x);
        let laws = if lattice { BatchLaws::on_lattice(&step) } else { BatchLaws::new(&step, 12) };
        laws.find(&x, None, &mut work);
        let mut subsets = Vec::new();
        for mask in 0u32..1 << 12 {
            if mask.count_ones() as usize == batch {
                subsets.push((0..12).filter(|s| mask >> s & 1 == 1).map(|s| x[s]).sum::<f64>());
            }
        }
        let exact: f64 = subsets.iter().map(|x| x * x).sum::<f64>() / subsets.len() as f64;
        assert!((work.law.variance - exact).abs() < 1e-12, "{batch}: {} {exact}", work.law.variance);
        if !lattice && batch == 3 {
            assert_eq!(work.law.atoms.len(), 220);
        }
        node.assign(&work.law, shift, Rows::Moments, 0.0);
        assert!((node.mean() - shift).abs() < 1e-11 && node.weights.iter().all(|w| *w >= 0.0));
        if batch == 12 {
            assert!(work.law.atoms.len() == 1 && exact < 1e-20 && node.variance() <= 0.25);
        } else {
            assert!((node.variance() - exact).abs() < 1e-11 && exact > LEAST_VARIANCE);
        }
    }
}

fn quadratic(eta: f64, batch: usize, nodes: usize, rows: Rows) -> (Nodes, Operator) {
    let (a, c) = ([0.5, 1.0, 1.5, 2.0], [1.0, -1.0, 0.5, 0.0]);
    let nodes = Nodes::between(-1.6, 1.6, nodes);
    let samples = Line { count: 4, gradient: |t, s| a[s] * (t - c[s]) };
    let operator = build(&nodes, &samples, &Step::sgd(eta, batch), rows, NEVER).unwrap();
    (nodes, operator)
}

#[test]
fn stationary_moments_of_a_random_quadratic_family() {
    let exact = [
        (1, 801, 0.0576923077, 0.0040170118),
        (2, 801, 0.0295754717, 0.0030997578),
        (8, 801, 0.0091744186, 0.0010587383),
        (32, 1601, 0.0041628042, 0.0003702143),
    ];
    for (batch, n, m2, m3) in exact {
        let (nodes, operator) = quadratic(0.25, batch, n, Rows::Moments);
        let found = invariant_laws(&operator.matrix, NEVER).unwrap();
        assert_eq!(found.classes.len(), 1);
        let moment = |k| (0..n).map(|j| found.laws[0][j] * nodes.at(j).powi(k)).sum::<f64>();
        assert!((moment(1) - 0.05).abs() < 1e-10, "B {batch}: m1 {}", moment(1));
        assert!((moment(2) - m2).abs() < 1.01e-10, "B {batch}: m2 {}", moment(2));
        assert!((moment(3) - m3).abs() < 2e-6, "B {batch}: m3 {}", moment(3));
        let worst = operator.variance_excess.iter().fold(0.0f64, |a, e| a.max(e.abs()));
        assert!(worst < 1e-10, "excess {worst}");
    }
}

#[test]
fn bounded_noise_has_two_invariant_laws_or_one() {
    let nodes = Nodes::between(-1.6, 1.6, 801);
    for (s, classes) in [(0.30, 2), (0.45, 1)] {
        let samples = Line { count: 2, gradient: |t: f64, i| t * t * t - t + if i == 0 { s } else { -s } };
        let operator = build(&nodes, &samples, &Step::sgd(0.1, 1), Rows::Linear, NEVER).unwrap();
        let found = invariant_laws(&operator.matrix, NEVER).unwrap();
        assert_eq!(found.classes.len(), classes, "s = {s}");
        if classes == 2 {
            let right = &found.classes[1];
            assert!((nodes.at(right[0]) - 0.7864825412).abs() < 0.008);
            assert!((nodes.at(right[right.len() - 1]) - 1.1254187828).abs() < 0.008);
            let start: Vec<f64> = (0..801).map(|j| f64::from(u8::from(j == 400))).collect();
            let p = found.probabilities(&start);
            assert!((p[0] - 0.5).abs() < 1e-9 && (p[0] + p[1] - 1.0).abs() < 1e-12, "{p:?}");
            // from the left well the right one is never entered
            let killed = nodes.shares(0.9, 9.0);
            let steps = Killed::new(&operator.matrix, &killed, NEVER).unwrap().mean_steps().unwrap();
            assert!(steps[150].is_infinite() && steps[400].is_infinite() && steps[700] == 0.0);
        }
    }
}

/// Two-point noise in the quartic well: mean steps from −1 to θ > 0.9 at `cells` cells a step.
fn two_point(s: f64, eta: f64, cells: f64, rows: Rows) -> f64 {
    let n = (3.4 / (eta * s / cells)) as usize | 1;
    let nodes = Nodes::between(-1.75, 1.65, n);
    let samples = Line { count: 2, gradient: |t: f64, i| t * t * t - t + if i == 0 { s } else { -s } };
    let operator = build(&nodes, &samples, &Step::sgd(eta, 1), rows, NEVER).unwrap();
    let shares = nodes.shares(0.9, 9.0);
    nodes.interpolate(&Killed::new(&operator.matrix, &shares, NEVER).unwrap().mean_steps().unwrap(), -1.0)
}

#[test]
fn fitted_rows_keep_the_exponent_of_escape_where_linear_ones_fail() {
    let fine = two_point(0.6, 0.1, 24.0, Rows::Fitted).ln();
    assert!((fine - 2.1414e9f64.ln()).abs() < 2e-3, "{}", fine.exp());
    let fitted = two_point(0.6, 0.1, 3.0, Rows::Fitted).ln();
    assert!((fitted - fine).abs() < 2e-2, "{}", fitted - fine);
    let linear = two_point(0.6, 0.1, 3.0, Rows::Linear).ln();
    assert!((linear - fine).abs() > 0.1, "{}", linear - fine);
}

#[test]
fn tilted_laws_have_the_far_weights_of_the_binomial_law() {
    // ±1 cell on a lattice that holds both points: nothing is deposited, Z = 2k − B with C(B, k)/2^B
    for (batch, q) in [(64usize, 0.9), (512, 1.2), (512, -1.2)] {
        let (laws, x) = (BatchLaws::on_lattice(&Step::sgd(0.1, batch)), [1.0, -1.0]);
        let mut work = Workspace::default();
        laws.find(&x, None, &mut work);
        let finer = super::batch_law::lattice_reach(&x, batch, &[1.0], batch as f64).finer;
        laws.find_far(&x, None, q, finer, &mut work);
        let factorial = |n: usize| libm::lgamma(n as f64 + 1.0);
        let log = |k: usize| factorial(batch) - factorial(k) - factorial(batch - k) - batch as f64 * 2f64.ln();
        let (mut seen, far) = (0, (batch as f64 * q.abs().tanh()) as i64);
        for (z, w) in work.law.atoms.iter().zip(&work.law.weights) {
            let (out, spread) = (z * q.signum(), (batch as f64).sqrt());
            if out < -3.0 * spread || out > far as f64 + 4.0 * spread / q.cosh() {
                continue; // both ends lie where rounding begins
            }
            let place = (0.5 * (z + batch as f64)).round();
            assert!((2.0 * place - batch as f64 - z).abs() < 1e-9);
            assert!((w.ln() - log(place as usize)).abs() < 1e-8, "B {batch}, z {z}: {w:e} {}", log(place as usize));
            seen += i32::from(z.signum() == q.signum() && *z as i64 * z.signum() as i64 > far);
        }
        assert!(seen > 8, "{seen} weights beyond the mean of the tilted law");
    }
}

#[test]
fn fitted_rows_of_large_batches_keep_the_exponent_where_it_takes_many_deviations() {
    // η = 0.5, B = 64, ±0.7: against the drift a step needs 9 of its standard deviations and more
    let samples = Line { count: 2, gradient: |t: f64, i| t * t * t - t + if i == 0 { 0.7 } else { -0.7 } };
    let (nodes, step) = (Nodes::between(-1.5, 1.5, 601), Step::sgd(0.5, 64));
    let time = |laws: &BatchLaws, rows| {
        let operator = build_with(&nodes, &samples, &step, rows, laws, NEVER).unwrap();
        let shares = nodes.shares(0.9, 9.0);
        let steps = Killed::new(&operator.matrix, &shares, NEVER).unwrap().mean_steps().unwrap();
        let missed = operator.unfitted.iter().enumerate().filter(|(j, m)| **m && nodes.at(*j).abs() < 1.0).count();
        (nodes.interpolate(&steps, -1.0).ln(), missed)
    };
    let (listed, lattice) = (BatchLaws::new(&step, 2), BatchLaws::on_lattice(&step));
    let (exact, missed) = time(&listed, Rows::Fitted);
    assert!(exact > 120.0 && missed == 0, "{exact} {missed}");
    let (found, missed) = time(&lattice, Rows::Fitted);
    // rows near the minimum still end at 7.5 deviations, which single long jumps feel at so large a rate: 1.2 %
    assert!((found / exact - 1.0).abs() < 1.5e-2 && missed == 0, "{found} {exact} {missed}");
    // without replacement the far tail is not to be had: such rows are told
    let simple = Step { draws: Draws::WithoutReplacement, ..Step::sgd(0.5, 64) };
    let many = Line { count: 128, gradient: |t: f64, i| t * t * t - t + if i % 2 == 0 { 0.7 } else { -0.7 } };
    let operator = build(&Nodes::between(-1.5, 1.5, 101), &many, &simple, Rows::Fitted, NEVER).unwrap();
    assert!(operator.unfitted.iter().filter(|missed| **missed).count() > 30);
}

#[test]
fn svag_has_the_time_and_the_variance_of_its_rule() {
    let step = Step { rule: Rule::Svag { l: 4.0 }, ..Step::sgd(0.2, 1) };
    let g = [1.0, -2.0, 0.5, 0.5];
    let h = 0.003;
    let (mut x, mut work) = (Vec::new(), Workspace::default());
    centred(g.iter().copied(), None, &step, h, &mut x);
    for laws in [BatchLaws::new(&step, 4), BatchLaws::on_lattice(&step)] {
        laws.find(&x, None, &mut work);
        // (η/l)²·l·D
        let exact = 0.05f64.powi(2) * 4.0 * 1.375 / (h * h);
        assert!((work.law.variance / exact - 1.0).abs() < 1e-12);
        let spread: f64 = work.law.atoms.iter().zip(&work.law.weights).map(|(z, w)| w * z * z).sum();
        assert!((spread - exact).abs() < 0.2, "{spread} {exact}");
    }
    assert!((step.time() - 0.05).abs() < 1e-15);
}

#[test]
fn laws_of_many_draws_do_not_depend_on_how_they_are_found() {
    let samples = Line { count: 2, gradient: |t: f64, i| t + if i == 0 { 1.0 } else { -1.0 } };
    let nodes = Nodes::between(-1.0, 1.0, 201);
    let step = Step::sgd(0.1, 6);
    let lattice = BatchLaws::on_lattice(&step);
    let one = build(&nodes, &samples, &step, Rows::Moments, NEVER).unwrap();
    let two = build_with(&nodes, &samples, &step, Rows::Moments, &lattice, NEVER).unwrap();
    let law = |o: &Operator| invariant_laws(&o.matrix, NEVER).unwrap().laws[0].clone();
    let (a, b) = (law(&one), law(&two));
    assert!(a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() < 0.02);
    let square = |p: &[f64]| (0..201).map(|j| p[j] * nodes.at(j) * nodes.at(j)).sum::<f64>();
    assert!((square(&a) - square(&b)).abs() < 1e-12);
}

#[test]
fn interrupts_are_heard() {
    let nodes = Nodes::between(-1.0, 1.0, 101);
    let samples = Line { count: 2, gradient: |t: f64, i| t + i as f64 };
    assert!(build(&nodes, &samples, &Step::sgd(0.1, 1), Rows::Moments, &|| true).is_err());
}

#[test]
fn exponents_of_escape_are_those_of_cramer() {
    let two = [1.0, -1.0];
    let skewed = [2.0, -0.5, -0.5, -0.5, -0.5];
    let action = |x: &[f64], s: f64, batch| {
        let samples = Line { count: x.len(), gradient: |t: f64, i| t * t * t - t + s * x[i] };
        super::action::actions(&samples, batch, [-1.0, -1.0, 0.9], NEVER).unwrap()
    };
    let cases: [(&[f64], f64, f64, f64); 4] = [
        (&two, 1.0, 0.5375867863, 0.5),
        (&two, 0.6, 1.7712850362, 1.3888888889),
        (&skewed, 1.0, 0.9486851671, 0.5),
        (&[-2.0, 0.5, 0.5, 0.5, 0.5], 1.0, 0.4083695466, 0.5),
    ];
    for (x, s, sgd, sde) in cases {
        let found = action(x, s, 1);
        assert!((found.sgd - sgd).abs() < 1e-9 && (found.sde - sde).abs() < 1e-9, "{found:?}");
        let four = action(x, s, 4);
        assert!((four.sgd - 4.0 * found.sgd).abs() < 1e-12 && (four.ratio() - found.ratio()).abs() < 1e-12);
    }
    assert!(action(&two, 0.3, 1).sgd.is_infinite());
    // three wells, the middle one as deep as the first: the exponent is the higher of both climbs, not their sum, and a start above the
    // minimum has the climb from the minimum behind it
    let slope = |t: f64| t * (t * t - 1.0) * (t * t - 4.0);
    let samples = Line { count: 2, gradient: |t: f64, i| slope(t) + 10.0 * two[i] };
    let climb = |way| super::action::actions(&samples, 1, way, NEVER).unwrap().sde;
    let loss = |t: f64| t.powi(6) / 6.0 - 1.25 * t.powi(4) + 2.0 * t * t;
    let barriers = [loss(1.0) - loss(-2.0), loss(1.0) - loss(0.0), loss(-1.0) - loss(-2.0)].map(|l| 2.0 * l / 100.0);
    assert!((climb([-2.4, -1.8, 2.0]) - barriers[0].max(barriers[1])).abs() < 1e-10);
    assert!(
        (climb([-2.4, -1.8, 0.0]) - barriers[2]).abs() < 1e-10 && (climb([2.4, 1.8, 0.0]) - barriers[2]).abs() < 1e-10
    );
    // the right well is a part of what lies behind a start in the middle one
    assert!((climb([2.4, 0.1, -2.0]) - barriers[0]).abs() < 1e-10);
}

#[test]
fn momentum_has_the_exact_variances_of_position_and_velocity() {
    let (eta, mu, h) = (0.1, 0.9, 0.05);
    let noise = [1.5f64.sqrt(), -(1.5f64.sqrt()), 0.0];
    let samples = Line { count: 3, gradient: |t: f64, i| t - noise[i] };
    let nodes = Nodes { first: -88.0 * h, spacing: h, count: 177 };
    let step = Step { rule: Rule::Momentum { mu }, ..Step::sgd(eta, 1) };
    let range = 1.1 * super::pairs::velocity_range(&step, mu, 1.0, 1.0);
    let chain = super::pairs::PairChain::new(&nodes, &samples, &step, range, NEVER).unwrap();
    let n = chain.operator.matrix.states();
    let (law, _) =
        super::iterate::by_power_steps(&chain.operator.matrix, &vec![1.0 / n as f64; n], 1e-13, 4000, NEVER).unwrap();
    let variance = |p: &[f64], x: &dyn Fn(usize) -> f64| {
        let mean: f64 = p.iter().enumerate().map(|(i, p)| p * x(i)).sum();
        p.iter().enumerate().map(|(i, p)| p * (x(i) - mean).powi(2)).sum::<f64>()
    };
    let theta = variance(&chain.positions(&law), &|i| nodes.at(i));
    let v = variance(&chain.speeds(&law), &|k| (k as f64 - chain.reach as f64) * h);
    assert!((theta - 0.513513513514).abs() < 1e-10, "{theta}");
    assert!((v - 0.054054054054).abs() < 1e-10, "{v}");
}

#[test]
fn relaxation_of_a_linear_chain_is_geometric() {
    // eigenvalues E (1 − ηh)^n for a linear model: n = 1, 2 are exact on the lattice
    let (_, operator) = quadratic(0.25, 2, 401, Rows::Moments);
    let law = invariant_laws(&operator.matrix, NEVER).unwrap().laws.remove(0);
    let modes = super::modes::slow_modes(&operator.matrix, &law, 2, NEVER).unwrap();
    let mean = 1.0 - 0.25 * 1.25;
    let square = mean * mean + 0.25f64.powi(2) / 2.0 * 0.3125;
    assert!((modes.gap_real[0] - (1.0 - mean)).abs() < 1e-9, "{:?}", modes.gap_real);
    assert!((modes.gap_real[1] - (1.0 - square)).abs() < 1e-9, "{:?}", modes.gap_real);
    assert!((modes.rates()[0].0 + mean.ln()).abs() < 1e-9);
    let product: f64 = modes.right[0].iter().zip(&modes.left[1]).map(|(a, b)| a * b).sum();
    assert!(product.abs() < 1e-8);
}

#[test]
fn quasi_stationary_exit_agrees_with_the_slow_mode_and_the_passage() {
    let nodes = Nodes::between(-1.8, 1.8, 361);
    let samples = Line { count: 2, gradient: |t: f64, i| t * t * t - t + if i == 0 { 1.0 } else { -1.0 } };
    let operator = build(&nodes, &samples, &Step::sgd(0.1, 1), Rows::Fitted, NEVER).unwrap();
    let shares = nodes.shares(0.9, 9.0);
    let killed = Killed::new(&operator.matrix, &shares, NEVER).unwrap();
    let (law, rate) = killed.quasi_stationary(NEVER).unwrap();
    let steps = killed.mean_steps().unwrap();
    let from_law: f64 = law.iter().zip(&steps).map(|(p, t)| p * t).sum();
    assert!((from_law * rate - 1.0).abs() < 1e-10, "exit from the law is geometric: {from_law} {}", 1.0 / rate);
    assert!((nodes.interpolate(&steps, -1.0) * rate - 1.0).abs() < 0.05);
    let survival = killed.survival(&law, &[0, 1, 100], NEVER).unwrap();
    assert!((survival[2] / survival[1] - (1.0 - rate).powi(99)).abs() < 1e-10);
    // to the right before the left: one at the target, zero at the avoided set, one half between
    let (right, left) = (nodes.shares(1.0, 9.0), nodes.shares(-9.0, -1.0));
    let both: Vec<f64> = right.iter().zip(&left).map(|(a, b)| a + b).collect();
    let committor = Killed::new(&operator.matrix, &both, NEVER).unwrap().committor(&right).unwrap();
    assert!((committor[180] - 0.5).abs() < 1e-6 && committor[0] == 0.0 && committor[360] == 1.0);
    assert!((committor[100] + committor[260] - 1.0).abs() < 1e-6);
}

/// Linear regression on four points (B13) by η = 0.1, B = 1 on cells² nodes within these half widths about the best fit: covariance of the
/// law, and the axes.
fn regression_in_a_plane(half: [f64; 2], cells: usize) -> ([f64; 3], [Nodes; 2]) {
    let (x, y) = ([(1.0, 0.5), (0.0, 1.0), (1.0, -1.0), (0.5, 2.0)], [1.0, -1.0, 0.5, 2.0]);
    // normal equations
    let (mut h, mut b) = ([0.0; 3], [0.0; 2]);
    for (x, y) in x.iter().zip(y) {
        h = [h[0] + x.0 * x.0, h[1] + x.0 * x.1, h[2] + x.1 * x.1];
        b = [b[0] + x.0 * y, b[1] + x.1 * y];
    }
    let det = h[0] * h[2] - h[1] * h[1];
    let best = [(h[2] * b[0] - h[1] * b[1]) / det, (h[0] * b[1] - h[1] * b[0]) / det];
    let axis = |c: f64, r: f64| Nodes::between(c - r, c + r, cells);
    let axes = [axis(best[0], half[0]), axis(best[1], half[1])];
    let samples = regression();
    let plane = super::plane::PlaneOperator::new(axes, &samples, &Step::sgd(0.1, 1), 10_000_000, NEVER).unwrap();
    assert!(super::plane::row_sum_error(&plane.operator.matrix) < 1e-14);
    let law = invariant_laws(&plane, NEVER).unwrap().laws.remove(0);
    let (mut mean, mut s) = ([0.0; 2], [0.0; 3]);
    let at = |k: usize| [axes[0].at(k / cells), axes[1].at(k % cells)];
    law.iter().enumerate().for_each(|(k, p)| (0..2).for_each(|i| mean[i] += p * at(k)[i]));
    for (k, p) in law.iter().enumerate() {
        let d = [at(k)[0] - mean[0], at(k)[1] - mean[1]];
        s = [s[0] + p * d[0] * d[0], s[1] + p * d[0] * d[1], s[2] + p * d[1] * d[1]];
    }
    (s, axes)
}

/// The samples of B13.
fn regression() -> super::samples::Plane<impl Fn([f64; 2], usize) -> [f64; 2] + Sync> {
    let (x, y) = ([(1.0, 0.5), (0.0, 1.0), (1.0, -1.0), (0.5, 2.0)], [1.0, -1.0, 0.5, 2.0]);
    let gradient = move |t: [f64; 2], s: usize| {
        let r = x[s].0 * t[0] + x[s].1 * t[1] - y[s];
        [r * x[s].0, r * x[s].1]
    };
    super::samples::Plane { count: 4, gradient }
}

#[test]
fn linear_regression_in_a_plane_has_its_exact_covariance() {
    let exact = [0.0050072934, 0.0048924580, 0.0364024655];
    let (s, axes) = regression_in_a_plane([0.5, 1.1], 91);
    for (found, exact) in s.iter().zip(exact) {
        assert!((found / exact - 1.0).abs() < 4e-5, "{found} {exact}");
    }
    for (found, known) in s.iter().zip([0.00500719, 0.00489242, 0.03640245]) {
        assert!((found - known).abs() < 1.1e-8, "{found} {known}");
    }
    // in a wider box no step of note is too short for its cells
    let (s, _) = regression_in_a_plane([0.6, 1.32], 121);
    for (found, exact) in s.iter().zip([0.0050072934, 0.0048924580, 0.0364024655]) {
        assert!((found / exact - 1.0).abs() < 1e-6, "{found} {exact}");
    }
    let error = super::plane::PlaneOperator::new(axes, &regression(), &Step::sgd(0.1, 1), 10_000, NEVER).unwrap_err();
    assert!(error.help().is_some_and(|h| h.contains("use at most")), "{error}");
}

#[test]
fn random_rows_in_a_plane_keep_mean_and_covariance() {
    let mut numbers = Numbers(11);
    let mut law = super::plane_law::PlaneLaw::default();
    for _ in 0..200 {
        let m = 6 + numbers.below(60);
        let mut z: Vec<[f64; 2]> =
            (0..m).map(|_| [8.0 * (numbers.next() - 0.5), 6.0 * (numbers.next() - 0.5)]).collect();
        for k in 0..2 {
            let mean = z.iter().map(|z| z[k]).sum::<f64>() / m as f64;
            z.iter_mut().for_each(|z| z[k] -= mean);
        }
        let w = vec![1.0 / m as f64; m];
        let shift = [numbers.next(), numbers.next()];
        let mut s = [0.0; 3];
        z.iter().for_each(|z| s = [s[0] + z[0] * z[0], s[1] + z[0] * z[1], s[2] + z[1] * z[1]].map(|s: f64| s));
        let s = s.map(|s| s / m as f64);
        law.assign(&z, &w, shift, s);
        let (mean, found) = law.moments();
        assert!((mean[0] - shift[0]).abs() + (mean[1] - shift[1]).abs() < 1e-12);
        (0..3).for_each(|k| assert!((found[k] - s[k]).abs() < 1e-10, "{found:?} {s:?} {:?}", law.left));
        assert!(law.weights.iter().all(|w| *w >= 0.0));
    }
}

#[test]
fn passages_in_a_plane_agree_with_those_on_a_line_where_the_axes_are_independent() {
    // the second coordinate does not matter for a target in the first
    let noise: [[f64; 2]; 4] = [[1.0, 0.7], [1.0, -0.7], [-1.0, 0.7], [-1.0, -0.7]];
    let gradient = |t: [f64; 2], s: usize| [t[0].powi(3) - t[0] + noise[s][0], t[1] + noise[s][1]];
    let samples = super::samples::Plane { count: 4, gradient };
    let axes = [Nodes::between(-1.8, 1.8, 91), Nodes::between(-1.0, 1.0, 41)];
    let step = Step::sgd(0.1, 1);
    let plane = super::plane::PlaneOperator::new(axes, &samples, &step, 10_000_000, NEVER).unwrap();
    let along = axes[0].shares(0.9, 9.0);
    let shares: Vec<f64> = (0..plane.states()).map(|k| along[k / 41]).collect();
    let steps = Killed::new(&plane, &shares, NEVER).unwrap().mean_steps().unwrap();
    let line = Line { count: 2, gradient: |t: f64, i| t * t * t - t + [1.0, -1.0][i] };
    let operator = build(&axes[0], &line, &step, Rows::Moments, NEVER).unwrap();
    let exact = Killed::new(&operator.matrix, &along, NEVER).unwrap().mean_steps().unwrap();
    for i in [10, 20, 45, 60] {
        assert!((steps[i * 41 + 20] / exact[i] - 1.0).abs() < 0.05, "{} {}", steps[i * 41 + 20], exact[i]);
    }
}
