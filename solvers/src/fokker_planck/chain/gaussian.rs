//! A Gaussian sampled on the lattice: the law of a cell whose noise covers it.
//!
//! p(k) ∝ exp(−½ (k − m)ᵀ S⁻¹ (k − m)) on ℤᵈ. By Poisson's summation its moments of every order are those of the Gaussian up to
//! e^{−2π²q}, q the least ξᵀSξ over the integer vectors ξ ≠ 0: 10⁻⁶ at q = 0.7.

use super::rows::Entry;

/// Density, relative to the largest, below which points are left out.
const NEGLIGIBLE: f64 = 1e-8;

/// Most corrections of mean and covariance; each takes two to three digits off their error.
const CORRECTIONS: usize = 3;
/// Error of a mean in cells, of a covariance in squared cells, that needs no correction.
const EXACT: f64 = 1e-9;

/// Points and probabilities (sum 1) of the Gaussian of mean `mean` (in cells) and covariance `s` (d×d, symmetric positive definite, in
/// squared cells), row by row of the lattice; sampled at parameters slightly off, such that the mean and covariance of the sample are
/// the given ones. None where a covariance is singular.
pub fn sampled(d: usize, mean: [f64; 3], s: [[f64; 3]; 3]) -> Option<Vec<Entry>> {
    let (mut m, mut c) = (mean, s);
    let mut out = sample(d, m, c)?;
    for _ in 0..CORRECTIONS {
        let (found, covariance) = first_moments(&out);
        let mut worst = 0.0f64;
        for i in 0..d {
            let off = mean[i] - found[i];
            m[i] += off;
            worst = worst.max(off.abs());
            for j in 0..d {
                let off = s[i][j] - covariance[i][j];
                c[i][j] += off;
                worst = worst.max(off.abs());
            }
        }
        if worst <= EXACT {
            break;
        }
        out = sample(d, m, c)?;
    }
    Some(out)
}

fn sample(d: usize, mean: [f64; 3], s: [[f64; 3]; 3]) -> Option<Vec<Entry>> {
    let l = root(d, s)?;
    let shrink = (-1.0 / (l[d - 1][d - 1] * l[d - 1][d - 1])).exp();
    let mut sampler = Sampler { d, l, mean, shrink, point: [0; 3], out: Vec::new() };
    sampler.descend(0, [0.0; 3], -2.0 * NEGLIGIBLE.ln());
    let mut out = sampler.out;
    let sum: f64 = out.iter().map(|entry| entry.1).sum();
    out.iter_mut().for_each(|entry| entry.1 /= sum);
    Some(out)
}

struct Sampler {
    d: usize,
    /// S = L Lᵀ.
    l: [[f64; 3]; 3],
    mean: [f64; 3],
    /// e^{−δ²} with the distance δ of points along the last axis, in units of what L leaves it.
    shrink: f64,
    point: [i32; 3],
    out: Vec<Entry>,
}

impl Sampler {
    /// All points whose first `k` coordinates are given, with z = L⁻¹(point − mean) so far and what is left of |z|².
    fn descend(&mut self, k: usize, z: [f64; 3], left: f64) {
        let unit = self.l[k][k];
        let centre = self.mean[k] + (0..k).map(|j| self.l[k][j] * z[j]).sum::<f64>();
        let reach = unit * left.max(0.0).sqrt();
        let (first, last) = ((centre - reach).ceil() as i32, (centre + reach).floor() as i32);
        if k + 1 < self.d {
            for i in first..=last {
                let mut z = z;
                z[k] = (f64::from(i) - centre) / unit;
                self.point[k] = i;
                self.descend(k + 1, z, left - z[k] * z[k]);
            }
            return;
        }
        // e^{−(z + δ)²/2} = e^{−z²/2} · e^{−zδ − δ²/2}, whose second factor shrinks by e^{−δ²} a point
        let (delta, start) = (1.0 / unit, (f64::from(first) - centre) / unit);
        let before: f64 = z[..k].iter().map(|z| z * z).sum();
        let mut weight = (-0.5 * (before + start * start)).exp();
        let mut factor = (-start * delta - 0.5 * delta * delta).exp();
        for i in first..=last {
            self.point[k] = i;
            self.out.push((self.point, weight));
            weight *= factor;
            factor *= self.shrink;
        }
    }
}

fn first_moments(law: &[Entry]) -> ([f64; 3], [[f64; 3]; 3]) {
    let (mut mean, mut square) = ([0.0; 3], [[0.0; 3]; 3]);
    for (point, weight) in law {
        let x = point.map(f64::from);
        for i in 0..3 {
            mean[i] += weight * x[i];
            (0..3).for_each(|j| square[i][j] += weight * x[i] * x[j]);
        }
    }
    for i in 0..3 {
        (0..3).for_each(|j| square[i][j] -= mean[i] * mean[j]);
    }
    (mean, square)
}

/// Lower Cholesky root; None for a matrix that is not positive definite.
fn root(d: usize, s: [[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let mut l = [[0.0; 3]; 3];
    for j in 0..d {
        for i in j..d {
            let rest = s[i][j] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                l[j][j] = rest.sqrt();
            } else {
                l[i][j] = rest / l[j][j];
            }
        }
    }
    Some(l)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments_up_to_the_fourth_are_those_of_the_gaussian() {
        // least ξᵀSξ: 0.7, 0.9 (at ξ = (1, −1)) and 1.1
        let cases = [
            (1, [0.37, 0.0, 0.0], [[0.7, 0.0, 0.0], [0.0; 3], [0.0; 3]]),
            (2, [0.2, -0.45, 0.0], [[20.0, 18.6, 0.0], [18.6, 18.1, 0.0], [0.0; 3]]),
            (3, [0.5, 0.1, -0.3], [[1.5, 0.3, 0.2], [0.3, 1.2, 0.1], [0.2, 0.1, 1.3]]),
        ];
        for (d, mean, s) in cases {
            let law = sampled(d, mean, s).unwrap();
            assert!((law.iter().map(|e| e.1).sum::<f64>() - 1.0).abs() < 1e-14);
            let moment = |powers: [i32; 3]| -> f64 {
                let factor = |e: &Entry| (0..d).map(|k| (f64::from(e.0[k]) - mean[k]).powi(powers[k])).product::<f64>();
                law.iter().map(|e| e.1 * factor(e)).sum::<f64>()
            };
            for k in 0..d {
                let power = |n: i32| moment(std::array::from_fn(|j| if j == k { n } else { 0 }));
                assert!(power(1).abs() < 1e-9, "{d} {k}: {:e}", power(1));
                assert!((power(2) / s[k][k] - 1.0).abs() < 2e-9, "{d} {k}: {:e}", power(2) / s[k][k] - 1.0);
                assert!(power(3).abs() < 2e-4 * s[k][k].max(1.0).powf(1.5), "{d} {k}: {:e}", power(3));
                assert!((power(4) / (3.0 * s[k][k] * s[k][k]) - 1.0).abs() < 1e-3, "{d} {k}: {:e}", power(4));
            }
            if d > 1 {
                assert!((moment([1, 1, 0]) - s[0][1]).abs() < 1e-9, "{:e}", moment([1, 1, 0]) - s[0][1]);
            }
        }
        assert!(sampled(2, [0.0; 3], [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0; 3]]).is_none());
    }
}
