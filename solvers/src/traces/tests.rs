//! Estimates from simulated trajectories of known laws. Seeds are fixed; bars of five standard errors.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::numerics::random::Stream;

/// θ' = θ + v, v = μ v − η(θ³ − θ + (1 + .7θ) s ξ): D = s²(1 + .7θ)², the gradient noise normal.
fn well(walkers: usize, rows: usize, eta: f64, mu: f64, stride: usize) -> Trajectories {
    let mut positions = Vec::new();
    for w in 0..walkers {
        let mut random = Stream::new(11, "test", w as u64);
        let (mut x, mut v) = (if w % 2 == 0 { 1.0 } else { -1.0 }, 0.0);
        for k in 0..500 + rows * stride {
            let gradient = x * x * x - x + 1.2 * (random.normal() + 0.7 * x * random.normal());
            v = mu * v - eta * gradient;
            x += v;
            if k >= 500 && (k - 500) % stride == 0 {
                positions.push(x);
            }
        }
    }
    Trajectories::new(walkers, rows, 1, positions, eta, stride).unwrap()
}

fn names(d: usize) -> Vec<String> {
    ["x", "y", "z"][..d].iter().map(|name| name.to_string()).collect()
}

/// b = θ − θ³, A = η/2 · 1.44 (1 + .49 θ²).
fn exact(x: f64, eta: f64) -> (f64, f64) {
    (x - x.powi(3), eta / 2.0 * 1.44 * (1.0 + 0.49 * x * x))
}

/// Root mean square of z of drift and A, and of the relative error of A, over the nodes between the margins.
fn scores(estimate: &Estimate, eta: f64, margin: usize) -> [f64; 4] {
    let nodes = estimate.lattice.axes()[0].nodes();
    let mut sums = [0.0; 4];
    let range = margin..nodes.len() - margin;
    for i in range.clone() {
        let (b, a) = exact(nodes[i], eta);
        sums[0] += ((estimate.drift[i] - b) / estimate.drift_se[i]).powi(2);
        sums[1] += ((estimate.diffusion[i] - a) / estimate.diffusion_se[i]).powi(2);
        sums[2] += (estimate.drift[i] - b).powi(2);
        sums[3] += (estimate.diffusion[i] / a - 1.0).powi(2);
    }
    sums.map(|sum| (sum / range.len() as f64).sqrt())
}

#[test]
fn drift_and_noise_of_every_step_lie_within_their_bars() {
    let traces = well(32, 10_000, 0.1, 0.0, 1);
    let estimate = Estimate::new(&traces, &names(1), None).unwrap();
    let [drift, noise, _, relative] = scores(&estimate, 0.1, 3);
    // neighbouring nodes share their data: the mean over them scatters by about a third
    assert!((0.5..1.8).contains(&drift) && (0.5..1.8).contains(&noise), "{drift} {noise}");
    assert!(relative < 0.03, "{relative}");
    let test = Markov::test(&traces, &estimate, None, 1).unwrap();
    assert_eq!(test.nature, Nature::Markov, "{test:?}");
    assert!(test.correlation[0].abs() < 5.0 * test.correlation_se, "{test:?}");
}

#[test]
fn rows_ten_steps_apart_are_corrected_for() {
    let traces = well(64, 8_000, 0.1, 0.0, 10);
    let corrected = Estimate::new(&traces, &names(1), Some(0.05)).unwrap();
    assert!(corrected.corrected);
    let one_step = Trajectories::new(64, 8_000, 1, traces.coordinate(0).collect(), 1.0, 1).unwrap();
    let raw = Estimate::new(&one_step, &names(1), Some(0.05)).unwrap();
    let [drift_z, noise_z, drift, noise] = scores(&corrected, 0.1, 10);
    let [_, _, raw_drift, raw_noise] = scores(&raw, 0.1, 10);
    assert!(drift < 0.037 && noise < 0.11, "{drift} {noise}");
    assert!(raw_drift > 5.0 * drift && raw_noise > 5.0 * noise, "{raw_drift} {raw_noise}");
    // few parameters: the score is that of a handful of numbers
    assert!(drift_z < 2.5 && noise_z < 2.5, "{drift_z} {noise_z}");
}

#[test]
fn a_velocity_that_was_left_out_is_seen_and_gives_its_momentum() {
    let traces = well(16, 10_000, 0.01, 0.9, 1);
    let estimate = Estimate::new(&traces, &names(1), None).unwrap();
    let test = Markov::test(&traces, &estimate, None, 1).unwrap();
    assert_eq!(test.nature, Nature::AddVelocity);
    assert!((test.correlation[0] - 0.9).abs() < 0.03, "{test:?}");
    assert!(test.variance_ratio[0] > 1.5 && test.variance_ratio[1] > 3.0, "{test:?}");
}

#[test]
fn a_velocity_that_was_left_out_is_not_corrected_for() {
    let traces = well(16, 4_000, 0.01, 0.9, 4);
    let estimate = Estimate::new(&traces, &names(1), None).unwrap();
    assert!(!estimate.corrected);
    assert_eq!(Markov::test(&traces, &estimate, None, 1).unwrap().nature, Nature::AddVelocity);
}

#[test]
fn a_velocity_that_turns_round_in_a_well_is_no_epoch() {
    let traces = well(16, 10_000, 0.05, 0.8, 1);
    let estimate = Estimate::new(&traces, &names(1), None).unwrap();
    let test = Markov::test(&traces, &estimate, None, 1).unwrap();
    assert!(test.correlation.iter().any(|r| *r < -0.02), "{test:?}");
    assert_eq!(test.nature, Nature::AddVelocity);
}

/// Four samples, each once an epoch, on L = θ²/2: walkers from `spread` on.
fn epochs(walkers: usize, rows: usize, eta: f64, spread: f64) -> Markov {
    let (mut positions, samples) = (Vec::new(), [1.5, 0.3, -0.6, -1.2]);
    for w in 0..walkers {
        let mut random = Stream::new(5, "test", w as u64);
        let mut x = spread * (2.0 * random.uniform() - 1.0);
        let mut order = samples;
        for k in 0..rows {
            if k % 4 == 0 {
                for i in (1..4).rev() {
                    order.swap(i, random.below(i + 1));
                }
            }
            x -= eta * (x + order[k % 4]);
            positions.push(x);
        }
    }
    let traces = Trajectories::new(walkers, rows, 1, positions, eta, 1).unwrap();
    Markov::test(&traces, &Estimate::new(&traces, &names(1), None).unwrap(), None, 1).unwrap()
}

#[test]
fn epochs_are_seen_by_their_correlations() {
    let test = epochs(64, 1_000, 0.001, 2.0);
    assert_eq!(test.nature, Nature::EpochSampling, "{test:?}");
    let expected = [-0.25, -1.0 / 6.0, -1.0 / 12.0, 0.0]; // −(4 − j)/12
    assert!(test.correlation.iter().zip(expected).all(|(r, e)| (r - e).abs() < 0.03), "{test:?}");
    // where steps are as long as the path is wide, the place takes a part of the correlation
    assert_eq!(epochs(16, 4_000, 0.05, 0.0).nature, Nature::EpochSampling);
}

#[test]
fn two_variables_give_a_full_matrix_and_a_hidden_third_is_seen() {
    // dx = −x + noise of covariance [[1, .6], [.6, 1]]/2; and x pushed by a slow hidden variable
    let simulate = |push: f64| {
        let mut positions = Vec::new();
        for w in 0..16 {
            let mut random = Stream::new(7, "test", w);
            let (mut x, mut y, mut slow) = (0.0, 0.0, 0.0);
            for k in 0..9_000 {
                let (a, b) = (random.normal(), random.normal());
                let step: f64 = 0.05;
                x += step * (push * slow - x) + step.sqrt() * a;
                y += step * -y + step.sqrt() * (0.6 * a + 0.8 * b);
                slow += -0.005 * slow + 0.1 * random.normal();
                if k >= 1_000 {
                    positions.extend([x, y]);
                }
            }
        }
        Trajectories::new(16, 8_000, 2, positions, 0.05, 1).unwrap()
    };
    let traces = simulate(0.0);
    let estimate = Estimate::new(&traces, &names(2), None).unwrap();
    let (mut worst, mut seen) = (0.0_f64, 0);
    for node in (0..estimate.lattice.len()).filter(|&node| estimate.has_data(node) && estimate.effective[node] > 500.0)
    {
        let n = estimate.lattice.len();
        let position = estimate.lattice.position(node);
        let expected = [0.5, 0.3, 0.5];
        for c in 0..3 {
            worst =
                worst.max((estimate.diffusion[c * n + node] - expected[c]).abs() / estimate.diffusion_se[c * n + node]);
        }
        for k in 0..2 {
            worst = worst.max((estimate.drift[k * n + node] + position[k]).abs() / estimate.drift_se[k * n + node]);
        }
        seen += 1;
    }
    assert!(seen > 100 && worst < 6.0, "{seen} {worst}");
    assert_eq!(Markov::test(&traces, &estimate, None, 1).unwrap().nature, Nature::Markov);
    let traces = simulate(1.0);
    let estimate = Estimate::new(&traces, &names(2), None).unwrap();
    let test = Markov::test(&traces, &estimate, None, 1).unwrap();
    assert_eq!(test.nature, Nature::HiddenSlowDirection, "{test:?}");
}

#[test]
fn a_hole_is_named_and_short_traces_are_refused() {
    let mut positions = Vec::new();
    for w in 0..4 {
        let mut random = Stream::new(1, "test", w);
        let center = if w < 2 { -3.0 } else { 3.0 };
        let mut x = center;
        for _ in 0..2_000 {
            x += 0.1 * (center - x) + 0.1 * random.normal();
            positions.push(x);
        }
    }
    let traces = Trajectories::new(4, 2_000, 1, positions, 0.1, 1).unwrap();
    let refused = Estimate::new(&traces, &names(1), None).unwrap_err().to_string();
    assert!(refused.contains("2 regions with holes between them"), "{refused}");
    let short = Trajectories::new(2, 20, 1, vec![0.0; 40], 0.1, 1).unwrap_err().to_string();
    assert!(short.contains("too short: 2 walkers with 20 rows"), "{short}");
    let still = Trajectories::new(2, 200, 1, vec![0.0; 400], 0.1, 1).unwrap_err().to_string();
    assert!(still.contains("never changes"), "{still}");
}

#[test]
fn the_chain_on_a_line_has_the_moments_of_a_linear_law() {
    let axis =
        crate::model::table::SplineAxis::new("x", (0..121).map(|i| -3.0 + f64::from(i) * 0.05).collect()).unwrap();
    let drift: Vec<f64> = axis.nodes().iter().map(|x| -x).collect();
    let chain = LineChain::new(&axis, &drift, &[0.05; 121], 0.1);
    let (mean, variance) = chain.moments(5);
    let middle = chain.points().iter().position(|x| *x > 0.5).unwrap();
    let x = chain.points()[middle];
    let decay = 0.9_f64.powi(5);
    assert!((mean[middle] - (decay - 1.0) * x).abs() < 1e-6);
    let exact = 0.01 * (1.0 - decay * decay) / (1.0 - 0.81);
    assert!((variance[middle] / exact - 1.0).abs() < 1e-3, "{} {exact}", variance[middle]);
    let law = chain.invariant();
    let second: f64 = law.iter().zip(chain.points()).map(|(p, x)| p * x * x).sum();
    assert!((second / (0.01 / 0.19) - 1.0).abs() < 2e-3, "{second}");
}

/// 32 walkers, each about one of two places with a standard deviation of about .11, and one that goes from one to the other.
fn two_places(apart: f64, crossing: bool) -> Result<Estimate, crate::Error> {
    let mut positions = Vec::new();
    for w in 0..32 {
        let mut random = Stream::new(3, "test", w);
        let mut x = 0.0;
        for k in 0..1_000 {
            x += -0.1 * x + 0.05 * random.normal();
            let way = if crossing && w == 0 { -1.0 + 2.0 * f64::from(k) / 999.0 } else { [-1.0, 1.0][w as usize % 2] };
            positions.push(apart * way + x);
        }
    }
    Estimate::new(&Trajectories::new(32, 1_000, 1, positions, 0.1, 1).unwrap(), &names(1), None)
}

#[test]
fn a_hole_that_a_bandwidth_reaches_over_is_refused_unless_it_was_crossed() {
    // the hole is from about -.55 to .55: no row, and wide bandwidths of the regression reach over it
    let refused = two_places(1.0, false).unwrap_err().to_string();
    assert!(refused.contains("2 regions with holes between them, which no walker crossed"), "{refused}");
    assert!(refused.contains("(16 walkers)"), "{refused}");
    assert!(two_places(1.0, true).is_ok() && two_places(0.2, false).is_ok());
}

#[test]
fn rows_that_are_nan_are_not_there() {
    let full = well(16, 4_000, 0.1, 0.0, 1);
    let rows = |keep: &dyn Fn(usize, usize) -> bool| {
        let at = |w: usize, row: usize| if keep(w, row) { full.position(w, row)[0] } else { f64::NAN };
        let positions = (0..16).flat_map(|w| (0..4_000).map(move |row| (w, row))).map(|(w, row)| at(w, row)).collect();
        Trajectories::new(16, 4_000, 1, positions, 0.1, 1).unwrap()
    };
    // walkers of different lengths and one with a gap
    let padded = rows(&|w, row| row < 2_000 + 100 * w && !(w == 3 && (500..700).contains(&row)));
    let estimate = Estimate::new(&padded, &names(1), None).unwrap();
    let [drift, noise, ..] = scores(&estimate, 0.1, 3);
    assert!((0.4..2.0).contains(&drift) && (0.4..2.0).contains(&noise), "{drift} {noise}");
    let distance = vec![1.0; 64_000];
    let test = Markov::test(&padded, &estimate, Some(&distance), 1).unwrap();
    assert_eq!(test.nature, Nature::Markov, "{test:?}");
    // the same as without the padding
    let cut = Trajectories::new(
        16,
        2_000,
        1,
        (0..16).flat_map(|w| (0..2_000).map(move |row| (w, row))).map(|(w, row)| full.position(w, row)[0]).collect(),
        0.1,
        1,
    )
    .unwrap();
    let [a, b] =
        [&rows(&|_, row| row < 2_000), &cut].map(|traces| Estimate::new(traces, &names(1), Some(0.1)).unwrap());
    assert!(a.drift.iter().zip(&b.drift).all(|(a, b)| (a - b).abs() < 1e-9 || a.is_nan() && b.is_nan()));
}

#[test]
fn coordinates_that_depend_on_each_other_are_told() {
    let positions = (0..500).flat_map(|i| [f64::from(i % 37), 2.0 * f64::from(i % 37) + 1.0]).collect();
    let refused = Trajectories::new(1, 500, 2, positions, 0.1, 1).unwrap_err().to_string();
    assert!(refused.contains("is a linear function of the others"), "{refused}");
}

/// So many rows that what the fit itself gets wrong would show: the width of bins, b and A between nodes, the ends of the box.
#[test]
fn bars_hold_with_millions_of_rows_several_steps_apart() {
    let traces = well(64, 40_000, 0.1, 0.0, 4);
    let estimate = Estimate::new(&traces, &names(1), Some(0.05)).unwrap();
    let [drift_z, noise_z, drift, noise] = scores(&estimate, 0.1, 3);
    assert!(drift_z < 2.0 && noise_z < 2.0, "{drift_z} {noise_z}");
    assert!(drift < 0.004 && noise < 0.006, "{drift} {noise}");
}

/// Steps of a skewness of .6, as minibatches have them: left out of account, A over four steps is off by 5 to 10 bars.
#[test]
fn bars_hold_what_a_skewness_of_the_steps_does_over_several() {
    let mut positions = Vec::new();
    for w in 0..64 {
        let mut random = Stream::new(13, "test", w);
        let mut x: f64 = if w % 2 == 0 { 1.0 } else { -1.0 };
        for k in 0..80_500 {
            let square = random.normal().powi(2);
            let noise = 0.8 * random.normal() + 0.6 * (square - 1.0) / 2.0_f64.sqrt();
            x += 0.1 * (x - x.powi(3) + 1.2 * (1.0 + 0.49 * x * x).sqrt() * noise);
            if k >= 500 && (k - 500) % 4 == 0 {
                positions.push(x);
            }
        }
    }
    let traces = Trajectories::new(64, 20_000, 1, positions, 0.1, 4).unwrap();
    let estimate = Estimate::new(&traces, &names(1), Some(0.05)).unwrap();
    assert!(estimate.corrected);
    let [drift_z, noise_z, drift, noise] = scores(&estimate, 0.1, 3);
    assert!(drift_z < 2.0 && noise_z < 2.5, "{drift_z} {noise_z}");
    assert!(drift < 0.05 && noise < 0.1, "{drift} {noise}");
}
