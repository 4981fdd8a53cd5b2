#![allow(clippy::unwrap_used)]
use super::*;
use crate::fokker_planck::stationary::solve::stationary_law;
use crate::fokker_planck::testing::fixtures::{chain, plane, quartic, ring};

fn of(generator: Generator, shape: &[usize], count: usize) -> (Spectrum, Arc<Generator>) {
    let law = Arc::new(stationary_law(&generator, shape).unwrap());
    let generator = Arc::new(generator);
    (spectrum(&generator, shape, &law, count, &|| false).unwrap(), generator)
}

#[test]
fn the_quartic_double_well_has_its_eigenvalues_to_the_error_of_the_grid() {
    // reference numbers B02
    for (temperature, wanted) in [
        (0.1, [0.03354528730800061, 0.9273721026075859, 1.680263767388334, 2.59582057570045]),
        (0.25, [0.1871704180870985, 1.501028417712727, 2.915173889417815, 4.66078669535205]),
    ] {
        let fine = of(chain(800, -3.2, 3.2, temperature, quartic), &[800], 5).0;
        let coarse = of(chain(400, -3.2, 3.2, temperature, quartic), &[400], 5).0;
        for (k, exact) in wanted.iter().enumerate() {
            let (fine, coarse) = (fine.real[k + 1], coarse.real[k + 1]);
            let order = ((coarse - exact) / (fine - exact)).log2();
            assert!((order - 2.0).abs() < 0.1, "T = {temperature}, mode {k}: order {order}");
            let extrapolated = (4.0 * fine - coarse) / 3.0;
            assert!((extrapolated / exact - 1.0).abs() < 2e-6, "T = {temperature}, mode {k}: {extrapolated}");
        }
    }
}

#[test]
fn an_escape_rate_of_1e_minus_12_keeps_three_digits() {
    let rate = |n: usize| of(chain(n, -1.8, 1.8, 0.01, quartic), &[n], 2).0.real[1];
    let (coarse, fine) = (rate(600), rate(1200));
    let extrapolated = (4.0 * fine - coarse) / 3.0;
    // exact rate of the chain by the closed form: 1/λ to relative order λ is the mean passage time of the symmetric well,
    // 2λ⁻¹ = ∫∫ e^{(V(y) − V(z))/T} dz dy/T over half the line, here by the trapezoidal rule with 20000 points
    let (m, t) = (20_000, 0.01);
    let h = 1.8 / m as f64;
    let (mut inner, mut total) = (0.0, 0.0);
    for i in 0..m {
        let y = -1.8 + (i as f64 + 0.5) * h;
        inner += 0.5 * h * (-quartic(y) / t).exp();
        total += h * (quartic(y) / t).exp() * inner / t;
        inner += 0.5 * h * (-quartic(y) / t).exp();
    }
    let exact = 1.0 / total;
    assert!((5e-12..7e-12).contains(&exact), "{exact:e}");
    assert!((extrapolated / exact - 1.0).abs() < 1e-4, "{extrapolated:e} {exact:e}");
}

#[test]
fn modes_solve_their_equations_and_are_biorthogonal() {
    let cases = [
        of(ring(80, 0.9, 0.3), &[80], 6),
        of(plane(20, 18, 0.25, 1.5), &[20, 18], 6),
        of(plane(22, 18, 0.05, 0.0), &[22, 18], 5),
    ];
    for (modes, generator) in &cases {
        let n = generator.cells();
        let mut k = 0;
        while k < modes.real.len() {
            let (lr, li) = (modes.real[k], modes.imaginary[k]);
            let zero = vec![0.0; n];
            let pair = li != 0.0;
            let (ui, vi) = if pair { (&modes.right[k + 1], &modes.left[k + 1]) } else { (&zero, &zero) };
            let (mut qr, mut qi, mut fr, mut fi) = (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
            generator.backward(&modes.right[k], &mut qr);
            generator.backward(ui, &mut qi);
            generator.forward(&modes.left[k], &mut fr);
            generator.forward(vi, &mut fi);
            let pi = &modes.left[0];
            let mut worst = 0.0f64;
            for i in 0..n {
                let (u, v) = ((modes.right[k][i], ui[i]), (modes.left[k][i], vi[i]));
                let ru = (qr[i] + lr * u.0 - li * u.1).hypot(qi[i] + lr * u.1 + li * u.0);
                let rv = (fr[i] + lr * v.0 - li * v.1).hypot(fi[i] + lr * v.1 + li * v.0);
                worst = worst.max(pi[i] * ru).max(rv);
            }
            let scale = generator.leaving().iter().copied().fold(0.0, f64::max);
            assert!(worst < 1e-9 * scale, "mode {k}: residual {worst:e}");
            for other in 1..modes.real.len() {
                let dot: f64 = modes.right[0].iter().zip(&modes.left[other]).map(|(a, b)| a * b).sum();
                assert!(dot.abs() < 1e-10, "mode {other} has mass {dot:e}");
            }
            k += if pair { 2 } else { 1 };
        }
        assert!(modes.real.windows(2).all(|w| w[0] <= w[1] * (1.0 + 1e-9)), "{:?}", modes.real);
    }
    assert!(cases[0].0.imaginary[1] > 0.0 && cases[0].0.imaginary[2] == -cases[0].0.imaginary[1]);
}

#[test]
fn a_free_ring_has_the_eigenvalues_of_a_circulant() {
    // constant force, no potential: λ_k = Σ over both steps of rate·(1 − e^{±ik h})
    let n = 60;
    let mut builder = crate::fokker_planck::generator::GeneratorBuilder::new(n);
    (0..n).for_each(|i| builder.add_edge(i, (i + 1) % n, 3.0, 2.0));
    let (modes, _) = of(builder.finish(), &[n], 5);
    for (k, at) in [(1.0, 1), (2.0, 3)] {
        let angle = std::f64::consts::TAU * k / n as f64;
        assert!((modes.real[at] - 5.0 * (1.0 - angle.cos())).abs() < 1e-11, "{:?}", modes.real);
        assert!((modes.imaginary[at] - angle.sin()).abs() < 1e-11, "{:?}", modes.imaginary);
    }
    let generator = Arc::new(chain(10, -1.0, 1.0, 0.1, quartic));
    let law = Arc::new(stationary_law(&generator, &[10]).unwrap());
    assert_eq!(spectrum(&generator, &[10], &law, 10, &|| false).unwrap().real.len(), 10);
    assert!(spectrum(&generator, &[10], &law, 11, &|| false).is_err());
    assert_eq!(spectrum(&generator, &[10], &law, 1, &|| false).unwrap().left[0], law.probability);
}

#[test]
fn multiple_eigenvalues_are_found_as_often_as_they_are_there() {
    let n = 24;
    let line = chain(n, -3.0, 3.0, 0.4, |x| 0.5 * x * x);
    let mut builder = crate::fokker_planck::generator::GeneratorBuilder::new(n * n);
    for i in 0..n - 1 {
        let (forth, back) = (line.outgoing(i), line.incoming(i));
        let at = forth.0.iter().position(|&j| j as usize == i + 1).unwrap();
        for other in 0..n {
            builder.add_edge(i * n + other, (i + 1) * n + other, forth.1[at], back.1[at]);
            builder.add_edge(other * n + i, other * n + i + 1, forth.1[at], back.1[at]);
        }
    }
    let one = of(line, &[n], 3).0.real;
    let two = of(builder.finish(), &[n, n], 7).0.real;
    let wanted = [0.0, one[1], one[1], 2.0 * one[1], one[2], one[2]];
    let mut wanted = wanted.to_vec();
    wanted.sort_by(f64::total_cmp);
    for (got, exact) in two.iter().zip(&wanted) {
        assert!((got - exact).abs() < 1e-9, "{two:?} {wanted:?}");
    }
}

/// λ₁ of the symmetric quartic well, 1/∫₀^∞ e^{V(y)/T} ∫_y^∞ e^{−V(z)/T} dz dy/T: the inverse mean time from a well to the top.
fn slowest_of_quartic(t: f64) -> f64 {
    let (m, end) = (40_000, 1.8);
    let h = end / m as f64;
    let (mut inner, mut total) = (0.0, 0.0);
    for i in 0..m {
        let y = -end + (i as f64 + 0.5) * h;
        inner += 0.5 * h * (-quartic(y) / t).exp();
        total += h * (quartic(y) / t).exp() * inner / t;
        inner += 0.5 * h * (-quartic(y) / t).exp();
    }
    1.0 / total
}

#[test]
fn rates_far_below_the_rounding_of_the_fastest_keep_three_digits() {
    for (temperature, digits) in [(0.004, 3.2e-28), (0.0025, 1.7e-44), (0.0017, 6.1e-65)] {
        let on = |n: usize| of(chain(n, -1.8, 1.8, temperature, quartic), &[n], 4).0;
        let (coarse, fine) = (on(500), on(1000));
        let extrapolated = (4.0 * fine.real[1] - coarse.real[1]) / 3.0;
        let exact = slowest_of_quartic(temperature);
        assert!((exact / digits - 1.0).abs() < 0.02, "{exact:e}");
        assert!((extrapolated / exact - 1.0).abs() < 1e-3, "T = {temperature}: {extrapolated:e} {exact:e}");
        assert!(fine.error[1] < 1e-9 && fine.real[2] > 0.9, "{:?} {:?}", fine.error, fine.real);
        // of opposite sign in the wells
        let u = &fine.right[1];
        assert!((u[222] / u[777] + 1.0).abs() < 1e-9, "{} {}", u[222], u[777]);
    }
}

#[test]
fn three_wells_give_two_rates_of_very_different_size() {
    // wells at −1, 0 and 1, barriers of 80 T and 50 T between them
    let potential = |x: f64| if x < 0.0 { 80.0 } else { 50.0 } * (std::f64::consts::PI * x).sin().powi(2);
    let n = 300;
    let generator = chain(n, -1.5, 1.5, 1.0, potential);
    let modes = of(generator, &[n], 3).0;
    // escape over the higher barrier to the rest, and over the lower one between the rest, in closed form by the integrals of e^{±V}
    let x = |i: usize| -1.5 + (i as f64 + 0.5) * 0.01;
    let weight = |from: usize, to: usize| (from..to).map(|i| (-potential(x(i))).exp() * 0.01).sum::<f64>();
    let barrier = |from: usize, to: usize| (from..to).map(|i| potential(x(i)).exp() * 0.01).sum::<f64>();
    let rate = |a: f64, b: f64, top: f64| (1.0 / a + 1.0 / b) / top;
    let (left, middle, right) = (weight(0, 100), weight(100, 200), weight(200, 300));
    let expected = [rate(left, middle + right, barrier(50, 150)), rate(middle, right, barrier(150, 250))];
    for (k, expected) in expected.iter().enumerate() {
        let found = modes.real[k + 1];
        assert!((found / expected - 1.0).abs() < 0.03, "{k}: {found:e} {expected:e}");
    }
    assert!(modes.real[1] < 1e-25 && modes.real[2] > 1e6 * modes.real[1]);
}

/// Brownian motion on [0, 1] with generator ½ ∂², both walls absorbing; a drift around that is not one of a potential in two dimensions.
fn between_absorbing_walls(n: usize) -> Generator {
    let rate = 0.5 * (n * n) as f64;
    let mut builder = crate::fokker_planck::generator::GeneratorBuilder::new(n);
    (0..n - 1).for_each(|i| builder.add_edge(i, i + 1, rate, rate));
    [0, n - 1].into_iter().for_each(|i| builder.add_exit(i, 2.0 * rate));
    builder.finish()
}

#[test]
fn between_absorbing_walls_the_rates_are_those_of_the_decay() {
    let n = 200;
    let modes = decay(&Arc::new(between_absorbing_walls(n)), &[n], 3, &|| false).unwrap();
    let pi = std::f64::consts::PI;
    for k in 0..3 {
        let exact = (pi * (k + 1) as f64).powi(2) / 2.0;
        assert!((modes.real[k] / exact - 1.0).abs() < 3e-4, "{k}: {} {exact}", modes.real[k]);
        assert!(modes.error[k] < 1e-9, "{:?}", modes.error);
    }
    // ν = (π/2) sin πx
    let density = |i: usize| 0.5 * pi * (pi * (i as f64 + 0.5) / n as f64).sin();
    let apart: f64 = modes.left[0].iter().enumerate().map(|(i, v)| (v - density(i) / n as f64).abs()).sum();
    assert!(apart < 1e-4 && !modes.conserved, "{apart}");
}

#[test]
fn decay_with_a_current_solves_its_equations() {
    let ring = ring(60, 0.9, 0.3);
    let mut builder = crate::fokker_planck::generator::GeneratorBuilder::new(60);
    for i in 0..60 {
        let ((cells, out), (_, back)) = (ring.outgoing(i), ring.incoming(i));
        let later = cells.iter().zip(out).zip(back).filter(|((j, _), _)| **j as usize > i);
        later.for_each(|((&j, &out), &back)| builder.add_edge(i, j as usize, out, back));
    }
    builder.add_exit(7, 0.4);
    let generator = Arc::new(builder.finish());
    let modes = decay(&generator, &[60], 4, &|| false).unwrap();
    let mut image = vec![0.0; 60];
    generator.forward(&modes.left[0], &mut image);
    let off: f64 = image.iter().zip(&modes.left[0]).map(|(q, v)| (q + modes.real[0] * v).abs()).sum();
    assert!(off < 1e-9 * modes.real[0] && modes.imaginary[0] == 0.0, "{off:e}");
    assert!((modes.left[0].iter().sum::<f64>() - 1.0).abs() < 1e-12 && modes.left[0].iter().all(|v| *v > 0.0));
    // what leaves leaves through the exit
    assert!((0.4 * modes.left[0][7] / modes.real[0] - 1.0).abs() < 1e-9);
}
