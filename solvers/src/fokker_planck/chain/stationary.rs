//! The stationary law of the chain by reduced-rank extrapolation of its powers.

use super::Chain;
use crate::Error;

/// Steps between extrapolations.
const WINDOW: usize = 12;
/// Most steps.
const MOST: usize = 20_000;

impl Chain {
    /// Pᵀπ = π with Σπ = 1 and π ≥ 0, from the given start, to ‖Pᵀπ − π‖₁ ≤ `tolerance`. Errors: no convergence (a metastable
    /// problem whose slowest time is thousands of windows of steps).
    pub fn stationary(&self, start: &[f64], tolerance: f64) -> Result<Vec<f64>, Error> {
        let mut p = normalised(start.to_vec());
        let mut steps = 0;
        let mut defect = f64::INFINITY;
        while steps < MOST {
            let mut sequence = vec![p];
            for k in 0..WINDOW {
                let mut next = vec![0.0; self.cells()];
                self.forward(&sequence[k], &mut next);
                sequence.push(next);
            }
            steps += WINDOW;
            defect = l1(&sequence[WINDOW], &sequence[WINDOW - 1]);
            if defect <= tolerance {
                return Ok(normalised(sequence.swap_remove(WINDOW)));
            }
            p = extrapolated(&sequence);
        }
        Err(Error::numerical(
            "the stationary density of the long-step chain",
            format!("after {steps} steps of {:e}", self.step),
            format!("the density still changes by {defect:.1e} a step"),
            "use the edge generator, or ask for no stationary density",
        ))
    }
}

impl Chain {
    /// ‖Pᵀp − p‖₁.
    pub fn residual(&self, p: &[f64]) -> f64 {
        let mut next = vec![0.0; p.len()];
        self.forward(p, &mut next);
        l1(&next, p)
    }
}

fn normalised(mut p: Vec<f64>) -> Vec<f64> {
    p.iter_mut().for_each(|v| *v = v.max(0.0));
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|v| *v /= sum);
    p
}

fn l1(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}

/// Σ γ_k p_k with Σγ = 1 and the least ‖Σ γ_k (p_{k+1} − p_k)‖₂; negative entries are cut (Sidi 2017, doi:10.1137/1.9781611974966).
fn extrapolated(sequence: &[Vec<f64>]) -> Vec<f64> {
    let m = sequence.len() - 1;
    let difference = |k: usize| sequence[k + 1].iter().zip(&sequence[k]).map(|(a, b)| a - b).collect::<Vec<f64>>();
    let u: Vec<Vec<f64>> = (0..m).map(difference).collect();
    let mut gram = vec![vec![0.0; m]; m];
    for i in 0..m {
        for j in 0..m {
            gram[i][j] = u[i].iter().zip(&u[j]).map(|(a, b)| a * b).sum();
        }
    }
    let trace: f64 = (0..m).map(|k| gram[k][k]).sum();
    for (k, row) in gram.iter_mut().enumerate() {
        row[k] += 1e-15 * trace;
    }
    let weights = solve(gram, vec![1.0; m]);
    let sum: f64 = weights.iter().sum();
    if !(sum.is_finite() && sum != 0.0) {
        return sequence[m].clone();
    }
    let mut p = vec![0.0; sequence[0].len()];
    for (weight, terms) in weights.iter().zip(&sequence[1..]) {
        p.iter_mut().zip(terms).for_each(|(p, t)| *p += weight / sum * t);
    }
    normalised(p)
}

/// Gaussian elimination of a symmetric positive definite system.
fn solve(mut m: Vec<Vec<f64>>, mut x: Vec<f64>) -> Vec<f64> {
    let n = x.len();
    for k in 0..n {
        for i in k + 1..n {
            let factor = m[i][k] / m[k][k];
            for j in k..n {
                m[i][j] -= factor * m[k][j];
            }
            x[i] -= factor * x[k];
        }
    }
    for k in (0..n).rev() {
        for j in k + 1..n {
            x[k] -= m[k][j] * x[j];
        }
        x[k] /= m[k][k];
    }
    x
}
