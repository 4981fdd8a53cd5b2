//! Moments of residuals and their derivatives over the noise of the data, at one point; see [`super::decomposition`].

use crate::model::Projection;
use crate::numerics::symmetric::{eigen, packed_len};
use crate::numerics::vector::dot;

/// Residuals r and slopes a_k = −∂_k r of the data without noise, and what noise of variance 1 does to them: r and a are
/// linear in the targets. Rows over k have the samples contiguous (`[k·m + s]`), pairs k ≤ l are packed.
pub(crate) struct Moments {
    residual: Vec<f64>,
    slopes: Vec<f64>,
    /// The part of a_k that projected amplitudes cannot follow, where that is not all of it.
    free: Option<Vec<f64>>,
    /// Var r_s, Cov(r_s, a_ks), Cov(a_ks, a_ls).
    variance: Vec<f64>,
    cross: Vec<f64>,
    slope_variance: Vec<f64>,
    /// Covariance of Σ_s r_s a_ks: its parts of first and second order in the variance.
    mean_variance: [Vec<f64>; 2],
}

/// Pairs k ≤ l in packed order.
fn pairs(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).flat_map(move |k| (k..d).map(move |l| (k, l)))
}

/// b(row s of f) · matrix · b(row s of g) for all s; f, g m×u by columns.
fn sandwich(m: usize, f: &[f64], matrix: &[f64], g: &[f64]) -> Vec<f64> {
    let u = f.len() / m;
    let entry = |s: usize| -> f64 {
        (0..u).map(|i| f[i * m + s] * (0..u).map(|j| matrix[i * u + j] * g[j * m + s]).sum::<f64>()).sum()
    };
    (0..m).map(entry).collect()
}

/// fᵀ g (u×u) of two m×u matrices by columns.
fn gram(m: usize, f: &[f64], g: &[f64]) -> Vec<f64> {
    f.chunks_exact(m).flat_map(|a| g.chunks_exact(m).map(|b| dot(a, b))).collect()
}

/// matrix · x for an m×u matrix by columns.
fn times(m: usize, matrix: &[f64], x: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; m];
    for (column, x) in matrix.chunks_exact(m).zip(x) {
        out.iter_mut().zip(column).for_each(|(o, c)| *o += c * x);
    }
    out
}

impl Moments {
    /// Predictions that do not depend on the data: r = y − h, a = ∇h.
    pub(crate) fn fixed(residual: Vec<f64>, slopes: Vec<f64>) -> Self {
        let m = residual.len();
        let d = slopes.len() / m;
        let row = |k: usize| &slopes[k * m..(k + 1) * m];
        let first = pairs(d).map(|(k, l)| dot(row(k), row(l))).collect();
        let packed = d * (d + 1) / 2;
        Self {
            variance: vec![1.0; m],
            cross: vec![0.0; d * m],
            slope_variance: vec![0.0; packed * m],
            mean_variance: [first, vec![0.0; packed]],
            free: None,
            residual,
            slopes,
        }
    }

    /// Projected amplitudes: r = (I − QQᵀ) y, a_k = (A_k + A_kᵀ) y (total) or F_k G y (envelope), A_k = W_k G.
    pub(crate) fn projected(y: &[f64], p: &Projection) -> Self {
        let (m, d) = (p.samples, p.derivatives.len());
        let (u, packed) = (p.inverse.len() / m, packed_len(d));
        let alpha: Vec<f64> = p.inverse.chunks_exact(m).map(|g| dot(g, y)).collect();
        let rest = |f: &Vec<f64>| {
            let mut w = f.clone();
            w.chunks_exact_mut(m).for_each(|column| p.remove(column));
            w
        };
        let remainders: Vec<Vec<f64>> = p.derivatives.iter().map(rest).collect();
        let amplitudes = gram(m, &p.inverse, &p.inverse); // G Gᵀ
        let mut out = Self {
            residual: p.residual(y),
            slopes: Vec::with_capacity(d * m),
            free: None,
            variance: (0..m).map(|s| 1.0 - p.basis.iter().skip(s).step_by(m).map(|q| q * q).sum::<f64>()).collect(),
            cross: Vec::with_capacity(d * m),
            slope_variance: Vec::with_capacity(packed * m),
            mean_variance: [Vec::new(), Vec::new()],
        };
        let mut gradients = Vec::with_capacity(d); // (A_k + A_kᵀ) y
        let mut free = Vec::with_capacity(d * m);
        for (f, w) in p.derivatives.iter().zip(&remainders) {
            let back: Vec<f64> = w.chunks_exact(m).map(|w| dot(w, y)).collect();
            let mut whole = times(m, w, &alpha);
            free.extend_from_slice(&whole);
            whole.iter_mut().zip(times(m, &p.inverse, &back)).for_each(|(a, b)| *a += b);
            out.slopes.extend(if p.total { whole.clone() } else { times(m, f, &alpha) });
            // Cov(r_s, a_ks) = (A_k)_ss; with α̂ held, r and a are independent
            let own = |s: usize| (0..u).map(|j| w[j * m + s] * p.inverse[j * m + s]).sum::<f64>();
            out.cross.extend((0..m).map(|s| if p.total { own(s) } else { 0.0 }));
            gradients.push(whole);
        }
        out.free = Some(free);
        for (k, l) in pairs(d) {
            let bend = gram(m, &remainders[k], &remainders[l]);
            let (f, g) =
                if p.total { (&remainders[k], &remainders[l]) } else { (&p.derivatives[k], &p.derivatives[l]) };
            let mut spread = sandwich(m, f, &amplitudes, g);
            if p.total {
                spread.iter_mut().zip(sandwich(m, &p.inverse, &bend, &p.inverse)).for_each(|(a, b)| *a += b);
            }
            out.slope_variance.extend(spread);
            out.mean_variance[0].push(dot(&gradients[k], &gradients[l]));
            out.mean_variance[1].push(dot(&bend, &amplitudes));
        }
        out
    }

    fn row(&self, k: usize) -> &[f64] {
        let m = self.residual.len();
        &self.slopes[k * m..(k + 1) * m]
    }

    fn dimension(&self) -> usize {
        self.slopes.len() / self.residual.len()
    }

    /// Second moment (4/m) Σ r² a aᵀ and squared mean (4/m²)(Σ r a)(Σ r a)ᵀ of the data without noise.
    pub(crate) fn noise_free(&self) -> (Vec<f64>, Vec<f64>) {
        self.weighted(&self.residual, &self.residual.iter().map(|r| r * r).collect::<Vec<_>>())
    }

    /// (4/m) Σ weight a aᵀ and (4/m²)(Σ r a)(Σ r a)ᵀ.
    fn weighted(&self, residual: &[f64], weight: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (d, m) = (self.dimension(), residual.len());
        let means: Vec<f64> = (0..d).map(|k| dot(self.row(k), residual)).collect();
        let product = |(k, l): (usize, usize)| -> f64 {
            (0..m).map(|s| weight[s] * self.row(k)[s] * self.row(l)[s]).sum::<f64>() * 4.0 / m as f64
        };
        let mean = |(k, l): (usize, usize)| 4.0 / (m * m) as f64 * means[k] * means[l];
        (pairs(d).map(product).collect(), pairs(d).map(mean).collect())
    }

    /// What noise of variance v adds to the means of both (v < 0 takes it away).
    pub(crate) fn added(&self, v: f64) -> (Vec<f64>, Vec<f64>) {
        let (d, m) = (self.dimension(), self.residual.len());
        let square = |(c, (k, l)): (usize, (usize, usize))| -> f64 {
            let term = |s: usize| {
                let (r, a, b) = (self.residual[s], self.row(k)[s], self.row(l)[s]);
                let (rr, ra, rb) = (v * self.variance[s], v * self.cross[k * m + s], v * self.cross[l * m + s]);
                let ab = v * self.slope_variance[c * m + s];
                // E[r² a b] − r̄² ā b̄
                rr * a * b + (r * r + rr) * ab + 2.0 * r * (b * ra + a * rb) + 2.0 * ra * rb
            };
            4.0 / m as f64 * (0..m).map(term).sum::<f64>()
        };
        let [first, second] = &self.mean_variance;
        let mean = |(a, b): (&f64, &f64)| 4.0 / (m * m) as f64 * (v * a + v * v * b);
        (pairs(d).enumerate().map(square).collect(), first.iter().zip(second).map(mean).collect())
    }

    /// At a point fitted to these data: second moment, what noise of variance v adds to it, squared mean.
    pub(crate) fn trained(&self, v: f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut residual = self.residual.clone();
        let leverage = self.leverage(&mut residual);
        let noise: Vec<f64> = self.variance.iter().zip(leverage).map(|(own, h)| v * (own - h)).collect();
        let (intrinsic, _) = self.weighted(&residual, &noise);
        let (square, mean) = self.weighted(&residual, &residual.iter().map(|r| r * r).collect::<Vec<_>>());
        (square, intrinsic, mean)
    }

    /// Leverages of the slopes; makes `residual` orthogonal to them.
    /// Directions below 10⁻¹² of the largest are left out.
    fn leverage(&self, residual: &mut [f64]) -> Vec<f64> {
        let (d, m) = (self.dimension(), residual.len());
        let free = self.free.as_ref().unwrap_or(&self.slopes);
        let row = |k: usize| &free[k * m..(k + 1) * m];
        let gram: Vec<f64> = pairs(d).map(|(k, l)| dot(row(k), row(l))).collect();
        let (values, vectors) = eigen(d, &gram);
        let mut leverage = vec![0.0; m];
        for a in (0..d).filter(|&a| values[a] > 1e-12 * values[d - 1]) {
            let entry = |s: usize| (0..d).map(|k| vectors[k][a] * row(k)[s]).sum::<f64>() / values[a].sqrt();
            let direction: Vec<f64> = (0..m).map(entry).collect();
            let part = dot(&direction, residual);
            for s in 0..m {
                leverage[s] += direction[s] * direction[s];
                residual[s] -= part * direction[s];
            }
        }
        leverage
    }
}
