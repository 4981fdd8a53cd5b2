//! Stochastic modified equations of SGD: drift and diffusion corrected for the finite step η.
//!
//! With H = ∇²L, Σ = 2T D/η (the covariance of the batch gradient) and T = η/(2B):
//!
//! ```text
//! order 1   b = −∇L,                D
//! order 2   b = −∇L − ½η H∇L,       D                                     (Li, Tai, E 2017, arXiv 1511.06251)
//! order 3   b = −∇L − ½η H∇L − η²(⅓ H²∇L + (1/12) ∇³L[∇L, ∇L]) + ¼η² tr(Σ ∇²∂_iL)
//!           D + ½η( (∇L·∇)D + HD + DH )
//! ```
//!
//! Weak errors at fixed time are O(η), O(η²), and O(η³) but for the third cumulant of the noise, which no diffusion can match.
//! Order 2 makes the *stationary* variance worse: for a quadratic loss with curvature λ and per-sample gradient variance s the
//! chain has ηs/(Bλ(2 − ηλ)), order 1 ηs/(2Bλ), order 2 ηs/(Bλ(2 + ηλ)).

use std::sync::Arc;

use crate::diffusion::Diffusion;
use crate::model::Model;
use crate::numerics::difference::{WIDE_STEP, derivatives};
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::dynamics::{Dynamics, central_divergence};

/// Order of a stochastic modified equation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Order {
    /// Plain: drift −∇L.
    #[default]
    One,
    /// Drift of second order.
    Two,
    /// Drift and diffusion of third order; the diffusion may lose definiteness for large η.
    Three,
}

/// The modified equation of SGD with the learning rate η and the temperature T, Itô.
#[derive(Clone)]
pub struct ModifiedDynamics {
    model: Arc<dyn Model>,
    noise: Arc<dyn Diffusion>,
    order: Order,
    learning_rate: f64,
    temperature: f64,
    lengths: Vec<f64>,
}

impl ModifiedDynamics {
    /// The modified equation of this order for a model and its noise; differences are based on the lengths 1.
    pub fn new(
        model: Arc<dyn Model>,
        noise: Arc<dyn Diffusion>,
        order: Order,
        learning_rate: f64,
        temperature: f64,
    ) -> Self {
        let lengths = vec![1.0; model.dimension()];
        Self { model, noise, order, learning_rate, temperature, lengths }
    }

    /// Bases differences on these lengths (d), see [`crate::problem::dynamics::lengths`].
    pub fn with_lengths(mut self, lengths: &[f64]) -> Self {
        self.lengths = lengths.to_vec();
        self
    }

    fn third_order(&self, points: &[f64], p: &Local, drift: &mut [f64], diffusion: &mut [f64]) {
        let (d, n) = (p.d, p.n);
        let eta = self.learning_rate;
        let third = third_derivatives(&*self.model, points, &self.lengths);
        let slopes = self.noise.derivatives(&*self.model, points, &self.lengths);
        let packed = packed_len(d);
        for q in 0..n {
            let g = |i: usize| p.gradient[i * n + q];
            let h = |i: usize, j: usize| p.hessian[packed_index(d, i, j) * n + q];
            let noise = |i: usize, j: usize| p.diffusion[packed_index(d, i, j) * n + q];
            let third = |i: usize, j: usize, k: usize| third[(k * packed + packed_index(d, i, j)) * n + q];
            let sum = |f: &dyn Fn(usize) -> f64| (0..d).map(f).sum::<f64>();
            for i in 0..d {
                let twice = sum(&|j| sum(&|k| h(i, j) * h(j, k) * g(k)));
                let bend = sum(&|j| sum(&|k| third(i, j, k) * g(j) * g(k)));
                let spread = sum(&|j| sum(&|k| third(i, j, k) * noise(j, k)));
                drift[i * n + q] -= eta * eta * (twice / 3.0 + bend / 12.0);
                drift[i * n + q] += 0.5 * eta * self.temperature * spread; // ¼η² tr(Σ …), Σ = 2T D/η
                for j in i..d {
                    let c = packed_index(d, i, j);
                    let along = sum(&|k| slopes[(k * packed + c) * n + q] * g(k));
                    let turned = sum(&|k| h(i, k) * noise(k, j) + noise(i, k) * h(k, j));
                    diffusion[c * n + q] += 0.5 * eta * (along + turned);
                }
            }
        }
    }
}

/// What all orders need, at n points.
struct Local {
    d: usize,
    n: usize,
    gradient: Vec<f64>,
    diffusion: Vec<f64>,
    hessian: Vec<f64>,
}

impl Dynamics for ModifiedDynamics {
    fn dimension(&self) -> usize {
        self.model.dimension()
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        self.noise.gradient_diffusion(&*self.model, points, drift, diffusion);
        if self.order == Order::One {
            return drift.iter_mut().for_each(|g| *g = -*g);
        }
        let d = self.dimension();
        let n = points.len() / d;
        let mut local = Local {
            d,
            n,
            gradient: drift.to_vec(),
            diffusion: diffusion.to_vec(),
            hessian: vec![0.0; packed_len(d) * n],
        };
        self.model.hessian(points, &self.lengths, &mut local.hessian);
        for i in 0..d {
            for q in 0..n {
                let turned: f64 =
                    (0..d).map(|j| local.hessian[packed_index(d, i, j) * n + q] * local.gradient[j * n + q]).sum();
                drift[i * n + q] = -local.gradient[i * n + q] - 0.5 * self.learning_rate * turned;
            }
        }
        if self.order == Order::Three {
            self.third_order(points, &local, drift, diffusion);
        }
    }

    /// U = L at first order. The corrections of higher order are those of a smooth loss, whose drift shows all there is.
    fn potential(&self, points: &[f64], potential: &mut [f64], rest: &mut [f64]) -> bool {
        if self.order > Order::One || !self.model.has_loss() {
            return false;
        }
        self.model.loss(points, potential);
        rest.fill(0.0);
        true
    }

    fn potential_cost(&self) -> usize {
        self.model.sample_count().max(1)
    }

    fn diffusion_divergence(&self, points: &[f64], lengths: &[f64], divergence: &mut [f64]) {
        if self.order == Order::Three {
            central_divergence(self, points, lengths, divergence);
        } else {
            self.noise.divergence(&*self.model, points, lengths, divergence);
        }
    }
}

/// ∂_k H_c (component c, point p at `[(k·packed + c)·n + p]`) by differences of the Hessian, which may come from differences.
fn third_derivatives(model: &dyn Model, points: &[f64], lengths: &[f64]) -> Vec<f64> {
    let d = model.dimension();
    let hessian = |points: &[f64], hessian: &mut [f64]| model.hessian(points, lengths, hessian);
    derivatives(d, points, lengths, WIDE_STEP, packed_len(d), hessian)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::diffusion::Minibatch;
    use crate::diffusion::formula::FormulaDiffusion;
    use crate::dynamics::GradientDynamics;
    use crate::formula::{Symbols, parse};
    use crate::model::data::Data;
    use crate::model::formula::FormulaModel;
    use crate::model::sample_loss::SampleLossModel;

    const A: [f64; 4] = [0.5, 1.0, 1.5, 2.0];
    const C: [f64; 4] = [1.0, -1.0, 0.5, 0.0];

    fn quadratic() -> Arc<dyn Model> {
        let data = Data::new(vec![("a".into(), A.to_vec()), ("c".into(), C.to_vec())]).unwrap();
        let symbols = Symbols::new(&["w"]).with_columns(&["a", "c"]);
        Arc::new(SampleLossModel::new(1, &parse("a/2*(w - c)^2", &symbols).unwrap(), &data).unwrap())
    }

    /// First three moments at time 1 from θ = 2, exact: linear drift, quadratic diffusion, so that the moments close.
    fn moments(dynamics: &dyn Dynamics, temperature: f64) -> [f64; 3] {
        let (mut b, mut a) = ([0.0; 3], [0.0; 3]);
        dynamics.drift_diffusion(&[-1.0, 0.0, 1.0], &mut b, &mut a);
        let (b0, b1) = (b[1], 0.5 * (b[2] - b[0]));
        assert!((b[0] + b[2] - 2.0 * b[1]).abs() < 1e-9, "linear");
        let a = a.map(|a| temperature * a);
        let (a0, a1, a2) = (a[1], 0.5 * (a[2] - a[0]), 0.5 * (a[2] + a[0]) - a[1]);
        // d/dt E θ^k = k E[θ^{k−1} b] + k(k − 1) E[θ^{k−2} A]
        let rate = |m: [f64; 3]| {
            let low = [1.0, m[0], m[1], m[2]];
            let term = |k: usize| {
                let spread = if k > 1 { a0 * low[k - 2] + a1 * low[k - 1] + a2 * low[k] } else { 0.0 };
                let k_ = k as f64;
                k_ * (b0 * low[k - 1] + b1 * low[k]) + k_ * (k_ - 1.0) * spread
            };
            [term(1), term(2), term(3)]
        };
        let (mut m, steps) = ([2.0, 4.0, 8.0], 2000);
        let h = 1.0 / steps as f64;
        let go = |m: [f64; 3], k: [f64; 3], s: f64| std::array::from_fn(|i| m[i] + s * k[i]);
        for _ in 0..steps {
            let k1 = rate(m);
            let k2 = rate(go(m, k1, 0.5 * h));
            let k3 = rate(go(m, k2, 0.5 * h));
            let k4 = rate(go(m, k3, h));
            for i in 0..3 {
                m[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
            }
        }
        m
    }

    /// Exact first three moments of the chain with batches of one.
    fn chain(eta: f64) -> [f64; 3] {
        let mut m = [2.0, 4.0, 8.0];
        for _ in 0..(1.0 / eta).round() as usize {
            let mean = |f: &dyn Fn(f64, f64) -> f64| {
                A.iter().zip(&C).map(|(&a, &c)| f(1.0 - eta * a, eta * a * c)).sum::<f64>() / 4.0
            };
            m = [
                mean(&|r, s| r * m[0] + s),
                mean(&|r, s| r * r * m[1] + 2.0 * r * s * m[0] + s * s),
                mean(&|r, s| r * r * r * m[2] + 3.0 * r * r * s * m[1] + 3.0 * r * s * s * m[0] + s * s * s),
            ];
        }
        m
    }

    fn errors(order: Order, eta: f64) -> [f64; 3] {
        let dynamics =
            ModifiedDynamics::new(quadratic(), Arc::new(Minibatch::new(&*quadratic()).unwrap()), order, eta, eta / 2.0);
        let (m, exact) = (moments(&dynamics, eta / 2.0), chain(eta));
        std::array::from_fn(|i| m[i] - exact[i])
    }

    /// B14: errors at η = 2⁻⁴ and 2⁻⁸, and the slopes between 2⁻⁷ and 2⁻⁸ of E θ (1.003, 2.001, 3.001) and of E θ³ (0.998, 2.002, 2.127:
    /// order 3 keeps an error of second order there, since no diffusion has the third cumulant of the noise).
    #[test]
    fn weak_errors_have_their_reference_values_and_orders() {
        let coarse = chain(2f64.powi(-4));
        for (found, expected) in coarse.into_iter().zip([0.5806243968012, 0.35453680799301, 0.2266387509949]) {
            assert!((found - expected).abs() < 1e-13, "{coarse:?}");
        }
        let table = [
            (Order::One, [3.2469e-2, 2.0729e-3], [1.0025, 0.9975]),
            (Order::Two, [-1.1348e-4, -1.2525e-7], [2.0009, 2.0023]),
            (Order::Three, [-5.7222e-5, -1.2913e-8], [3.0012, 2.1274]),
        ];
        for (order, [at_4, at_8], slopes) in table {
            let second = errors(order, 2f64.powi(-4))[1];
            assert!((second / at_4 - 1.0).abs() < 5e-5, "{order:?}: {second}");
            let (coarse, fine) = (errors(order, 2f64.powi(-7)), errors(order, 2f64.powi(-8)));
            assert!((fine[1] / at_8 - 1.0).abs() < 1e-3, "{order:?}: {}", fine[1]);
            for (moment, expected) in [(0, slopes[0]), (2, slopes[1])] {
                let slope = (coarse[moment] / fine[moment]).abs().log2();
                assert!((slope - expected).abs() < 1e-3, "{order:?}, moment {}: slope {slope}", moment + 1);
            }
        }
    }

    #[test]
    fn order_two_shrinks_the_stationary_variance() {
        let (eta, lambda) = (0.1, 1.3);
        let symbols = Symbols::new(&["w"]);
        let model = FormulaModel::loss(1, &parse("0.65*w^2", &symbols).unwrap());
        let noise = Arc::new(crate::diffusion::Isotropic { variance: 1.0 });
        let dynamics = ModifiedDynamics::new(Arc::new(model), noise, Order::Two, eta, eta / 2.0);
        let (mut b, mut d) = ([0.0], [0.0]);
        dynamics.drift_diffusion(&[1.0], &mut b, &mut d);
        let variance = eta / 2.0 * d[0] / -b[0];
        assert!((variance - eta / (lambda * (2.0 + eta * lambda))).abs() < 1e-14);
    }

    #[test]
    fn order_three_in_two_dimensions_is_its_formula() {
        let symbols = Symbols::new(&["x", "y"]);
        let formula = |text: &str| parse(text, &symbols).unwrap();
        let model = FormulaModel::loss(2, &formula("x^3/3 + x*y^2 + y"));
        let rows = [["1 + x^2", "x*y/4"], ["x*y/4", "2"]].map(|row| row.map(formula).to_vec());
        let noise = FormulaDiffusion::new(&rows).unwrap();
        let (eta, t) = (0.2, 0.05);
        let dynamics = ModifiedDynamics::new(Arc::new(model), Arc::new(noise), Order::Three, eta, t);
        let (mut b, mut d) = ([0.0; 2], [0.0; 3]);
        dynamics.drift_diffusion(&[0.5, -1.0], &mut b, &mut d);
        // g = (x² + y², 2xy + 1) = (1.25, 0); H = [[2x, 2y], [2y, 2x]] = [[1, −2], [−2, 1]]; ∇³L: xxx 2, xyy 2
        let hg = [1.25, -2.5];
        let hhg = [1.25 + 5.0, -2.5 - 2.5];
        let bend = [2.0 * 1.25 * 1.25, 0.0];
        let spread = [2.0 * 1.25 + 2.0 * 2.0, 2.0 * 2.0 * -0.125];
        let g = [1.25, 0.0];
        for i in 0..2 {
            let expected =
                -g[i] - 0.5 * eta * hg[i] - eta * eta * (hhg[i] / 3.0 + bend[i] / 12.0) + 0.5 * eta * t * spread[i];
            assert!((b[i] - expected).abs() < 1e-9, "{} {expected}", b[i]);
        }
        // (g·∇)D = 1.25 ∂_x D = 1.25 (2x, y/4; 0); HD + DH
        let (d0, d1, d2) = (1.25, -0.125, 2.0);
        let along = [1.25, 1.25 * -0.25, 0.0];
        let turned = [2.0 * (d0 - 2.0 * d1), 2.0 * d1 - 2.0 * (d0 + d2), 2.0 * (d2 - 2.0 * d1)];
        for (c, base) in [d0, d1, d2].into_iter().enumerate() {
            assert!((d[c] - base - 0.5 * eta * (along[c] + turned[c])).abs() < 1e-10);
        }
    }

    #[test]
    fn order_one_is_the_plain_dynamics() {
        let modified =
            ModifiedDynamics::new(quadratic(), Arc::new(Minibatch::new(&*quadratic()).unwrap()), Order::One, 0.1, 0.05);
        let plain = GradientDynamics::new(quadratic(), Arc::new(Minibatch::new(&*quadratic()).unwrap()));
        let (mut b, mut d, mut e, mut f) = ([0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2]);
        modified.drift_diffusion(&[0.3, 1.0], &mut b, &mut d);
        plain.drift_diffusion(&[0.3, 1.0], &mut e, &mut f);
        assert_eq!((b, d), (e, f));
    }
}
