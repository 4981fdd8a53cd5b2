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
