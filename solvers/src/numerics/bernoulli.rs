//! The Bernoulli function B(p) = p/(eᵖ − 1), the weight of exponential fitting.

/// B(p) = p/(eᵖ − 1), B(0) = 1, to 10⁻¹⁴ relative wherever it is a normal number (−10³⁰⁸ < p < 700).
///
/// B(−p) = B(p) + p and B(−p)/B(p) = eᵖ. It is never cut to zero: a missing rate would break detailed balance in deep wells.
pub fn bernoulli(p: f64) -> f64 {
    if p == 0.0 {
        1.0
    } else if p > 40.0 {
        p * (-p).exp() // eᵖ − 1 = eᵖ to 4e-18, and no overflow up to the smallest double
    } else {
        p / p.exp_m1()
    }
}

/// The pair (w B(−p), w B(p)) for a weight w ≥ 0, finite and ≥ 0 for every finite p.
///
/// Where B(p) alone underflows the product is taken in logarithms, so the ratio eᵖ holds as far as doubles reach.
pub fn weighted_pair(w: f64, p: f64) -> (f64, f64) {
    let (up, down) = (w * bernoulli(-p.abs()), weighted_small(w, p.abs()));
    let up = up.min(f64::MAX);
    if p >= 0.0 { (up, down) } else { (down, up) }
}

fn weighted_small(w: f64, p: f64) -> f64 {
    if p > 600.0 && w > 0.0 { (w.ln() + p.ln() - p).exp() } else { w * bernoulli(p) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Double-double numbers: value = hi + lo, 106 bits.
    #[derive(Clone, Copy)]
    struct Twin(f64, f64);

    impl Twin {
        fn sum(a: f64, b: f64) -> Self {
            let s = a + b;
            let t = s - a;
            Self(s, (a - (s - t)) + (b - t))
        }
        fn plus(self, o: Self) -> Self {
            let Self(s, e) = Self::sum(self.0, o.0);
            let Self(t, f) = Self::sum(self.1, o.1);
            let Self(s, e) = Self::sum(s, e + t);
            Self::sum(s, e + f)
        }
        fn times(self, o: Self) -> Self {
            let p = self.0 * o.0;
            let e = self.0.mul_add(o.0, -p);
            Self::sum(p, e + (self.0 * o.1 + self.1 * o.0))
        }
        fn over(self, o: Self) -> Self {
            let q = self.0 / o.0;
            let r = self.plus(Self(-q, 0.0).times(o));
            let q2 = r.0 / o.0;
            let r = r.plus(Self(-q2, 0.0).times(o));
            Self::sum(q, q2).plus(Self(r.0 / o.0, 0.0))
        }
        /// eˣ − 1 by the Taylor series at x/1024 and ten doublings y → y(2 + y).
        fn expm1(x: f64) -> Self {
            let x = Self(x / 1024.0, 0.0);
            let mut sum = Self(0.0, 0.0);
            for k in (1..=30).rev() {
                // Horner: s ← x/k · (1 + s)
                sum = x.over(Self(f64::from(k), 0.0)).times(Self(1.0, 0.0).plus(sum));
            }
            for _ in 0..10 {
                sum = sum.times(Self(2.0, 0.0).plus(sum));
            }
            sum
        }
    }

    #[test]
    fn agrees_with_double_double_over_700() {
        let mut worst: f64 = 0.0;
        for step in -70_000..=70_000 {
            let p = f64::from(step) * 0.01 + 1e-3 * f64::from(step % 7);
            if p == 0.0 || p.abs() > 700.0 {
                continue;
            }
            let exact = Twin(p, 0.0).over(Twin::expm1(p));
            worst = worst.max(((bernoulli(p) - exact.0) - exact.1).abs() / exact.0);
        }
        for exponent in -300..=0 {
            for sign in [-1.0, 1.0] {
                let p = sign * 10f64.powi(exponent);
                let exact = Twin(p, 0.0).over(Twin::expm1(p));
                worst = worst.max((bernoulli(p) - exact.0).abs() / exact.0);
            }
        }
        assert!(worst < 1e-14, "{worst:e}");
        assert_eq!(bernoulli(0.0), 1.0);
    }

    #[test]
    fn pairs_keep_their_ratio_and_stay_finite() {
        for p in [0.0, 1e-9, 0.5, 30.0, 599.0, 601.0, 690.0] {
            let (up, down) = weighted_pair(3.0, p);
            assert!((up.ln() - down.ln() - p).abs() < 1e-12 * (1.0 + p), "{p}");
            assert_eq!(weighted_pair(3.0, -p), (down, up));
        }
        let (up, down) = weighted_pair(1e250, 1000.0);
        assert!((up.ln() - down.ln() - 1000.0).abs() < 1e-9);
        for p in [1e3, 1e10, 1e300, f64::MAX] {
            for w in [0.0, 1e-300, 1.0, 1e300] {
                let (up, down) = weighted_pair(w, p);
                assert!(up.is_finite() && down.is_finite() && up >= 0.0 && down >= 0.0);
            }
        }
    }
}
