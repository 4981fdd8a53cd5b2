//! The Markov chain on the basins of a metastable process.
//!
//! A generator K on k states and its matrix M of mean first-passage times (M_jj = 0) determine each other:
//!
//! ```text
//! K M = diag(1/π) − 1·1ᵀ,   π = u/Σu,  M u = 1,   K = (diag(1/π) − 1·1ᵀ) M⁻¹
//! ```
//!
//! (J. G. Kemeny & J. L. Snell 1976, *Finite Markov Chains*, chapter 4.) So the mean times from each minimum to each other, however they were
//! found, give the rates between the basins and the stationary weights that those rates have.

use crate::Error;

/// A Markov chain on k basins.
#[derive(Debug, Clone, PartialEq)]
pub struct BasinChain {
    /// Generator K (k×k, rows from): K_ij the rate from i to j, rows sum to 0.
    pub rates: Vec<f64>,
    /// Stationary weights π (k).
    pub weights: Vec<f64>,
    /// The slowest relaxation rate of K; not a number where it is not real.
    pub slowest: f64,
}

impl BasinChain {
    /// The chain with the mean first-passage times `times` (k×k, rows from; the diagonal is 0).
    ///
    /// Errors: fewer than two basins, times that are not positive and finite, times of no chain (dependent rows).
    pub fn new(times: &[f64]) -> Result<Self, Error> {
        let k = times.len().isqrt();
        let off = (0..k * k).filter(|at| at / k != at % k);
        if k < 2 || off.clone().any(|at| !(times[at] > 0.0 && times[at].is_finite())) {
            return Err(Error::invalid(
                "mean times between basins that are not all known",
                "ask for two basins or more that reach each other",
            ));
        }
        // in units of the longest time, columns scaled by theirs: times of very different sizes stay apart
        let scale: Vec<f64> = (0..k).map(|j| (0..k).map(|i| times[i * k + j]).fold(0.0, f64::max)).collect();
        let scaled: Vec<f64> = (0..k * k).map(|at| times[at] / scale[at % k]).collect();
        let dependent = || {
            Error::invalid(
                "mean times between basins that no Markov chain has",
                "ask for fewer basins, apart from each other",
            )
        };
        let mut inverse = inverted(scaled, k).ok_or_else(dependent)?;
        for i in 0..k {
            inverse[i * k..(i + 1) * k].iter_mut().for_each(|x| *x /= scale[i]);
        }
        let u: Vec<f64> = (0..k).map(|i| inverse[i * k..(i + 1) * k].iter().sum()).collect();
        let sum: f64 = u.iter().sum();
        let weights: Vec<f64> = u.iter().map(|u| u / sum).collect();
        // M⁻¹_ij/π_i − Σ_l M⁻¹_lj with the term of l = i taken into the first, which is exact where π_i is nearly 1
        let rate = |at: usize| {
            let (i, j) = (at / k, at % k);
            let others = |of: &dyn Fn(usize) -> f64| (0..k).filter(|l| *l != i).map(of).sum::<f64>();
            inverse[at] * others(&|l| u[l]) / u[i] - others(&|l| inverse[l * k + j])
        };
        let mut rates: Vec<f64> = (0..k * k).map(rate).collect();
        for i in 0..k {
            rates[i * k + i] = -(0..k).filter(|j| *j != i).map(|j| rates[i * k + j]).sum::<f64>();
        }
        let slowest = slowest(&rates, &weights, k);
        Ok(Self { rates, weights, slowest })
    }

    /// The chain with the bars that rates, weights and slowest rate have where each time is off by its error (k×k, NaN: unknown),
    /// independently. Errors: as for [`BasinChain::new`].
    pub fn with_errors(times: &[f64], errors: &[f64]) -> Result<(Self, Self), Error> {
        let chain = Self::new(times)?;
        let k = chain.basins();
        let mut bars = Self { rates: vec![0.0; k * k], weights: vec![0.0; k], slowest: 0.0 };
        for at in (0..k * k).filter(|at| at / k != at % k) {
            // a part of the error: the change is that of first order
            let part = 1e-3 * errors[at];
            let mut other = times.to_vec();
            other[at] += part;
            let moved = Self::new(&other).ok();
            let add = |bar: &mut f64, value: f64, of: &dyn Fn(&Self) -> f64| {
                let change = moved.as_ref().map_or(f64::NAN, |moved| 1e3 * (of(moved) - value));
                *bar = bar.hypot(if errors[at].is_nan() { f64::NAN } else { change });
            };
            for i in 0..k * k {
                add(&mut bars.rates[i], chain.rates[i], &|chain| chain.rates[i]);
            }
            for i in 0..k {
                add(&mut bars.weights[i], chain.weights[i], &|chain| chain.weights[i]);
            }
            add(&mut bars.slowest, chain.slowest, &|chain| chain.slowest);
        }
        Ok((chain, bars))
    }

    /// Number of basins k.
    pub fn basins(&self) -> usize {
        self.weights.len()
    }
}

/// Mean first-passage times (k×k) of a chain with the rates K_ij (k×k, rows from; the diagonal does not matter). None where a basin is not
/// reached.
pub fn mean_times(rates: &[f64]) -> Option<Vec<f64>> {
    let k = rates.len().isqrt();
    let mut times = vec![0.0; k * k];
    for j in 0..k {
        let rest: Vec<usize> = (0..k).filter(|i| *i != j).collect();
        let leaving = |i: usize| (0..k).filter(|l| *l != i).map(|l| rates[i * k + l]).sum::<f64>();
        let entry = |i: usize, l: usize| if i == l { 1.0 } else { -rates[i * k + l] / leaving(i) };
        let matrix = rest.iter().flat_map(|&i| rest.iter().map(move |&l| entry(i, l))).collect();
        let inverse = inverted(matrix, k - 1)?;
        for (row, i) in rest.iter().enumerate() {
            let terms = rest.iter().enumerate().map(|(column, l)| inverse[row * (k - 1) + column] / leaving(*l));
            times[i * k + j] = terms.sum();
        }
    }
    times.iter().all(|time| time.is_finite()).then_some(times)
}

/// A⁻¹ (k×k) by Gauss & Jordan with pivots; None where A is singular.
fn inverted(mut a: Vec<f64>, k: usize) -> Option<Vec<f64>> {
    let mut inverse = vec![0.0; k * k];
    (0..k).for_each(|i| inverse[i * k + i] = 1.0);
    for c in 0..k {
        let pivot = (c..k).max_by(|i, j| a[i * k + c].abs().total_cmp(&a[j * k + c].abs()))?;
        if a[pivot * k + c].abs() < 1e-14 {
            return None;
        }
        for j in 0..k {
            a.swap(c * k + j, pivot * k + j);
            inverse.swap(c * k + j, pivot * k + j);
        }
        let by = a[c * k + c];
        for j in 0..k {
            a[c * k + j] /= by;
            inverse[c * k + j] /= by;
        }
        for i in (0..k).filter(|i| *i != c) {
            let by = a[i * k + c];
            for j in 0..k {
                a[i * k + j] -= by * a[c * k + j];
                inverse[i * k + j] -= by * inverse[c * k + j];
            }
        }
    }
    Some(inverse)
}

/// The smallest λ ≠ 0 with −K u = λ u, by inverse iteration on −K + s·1πᵀ, which has s in the place of 0; not a number where it does not
/// settle on a real one.
fn slowest(rates: &[f64], weights: &[f64], k: usize) -> f64 {
    let most = (0..k).map(|i| -rates[i * k + i]).fold(0.0, f64::max);
    let shifted = (0..k * k).map(|at| -rates[at] / most + 2.0 * weights[at % k]).collect();
    let Some(inverse) = inverted(shifted, k) else { return f64::NAN };
    // without its part along 1
    let mut u: Vec<f64> = (0..k).map(|i| 1.0 + (i * i) as f64).collect();
    let (mut rate, mut settled) = (f64::NAN, false);
    for _ in 0..2000 {
        let mean: f64 = u.iter().zip(weights).map(|(u, w)| u * w).sum();
        u.iter_mut().for_each(|u| *u -= mean);
        let size = u.iter().fold(0.0f64, |a, u| a.max(u.abs()));
        u.iter_mut().for_each(|u| *u /= size);
        let next: Vec<f64> = (0..k).map(|i| (0..k).map(|j| inverse[i * k + j] * u[j]).sum()).collect();
        let at = (0..k).max_by(|i, j| u[*i].abs().total_cmp(&u[*j].abs())).unwrap_or(0);
        let now = u[at] / next[at];
        settled = (now / rate - 1.0).abs() < 1e-13;
        (rate, u) = (now, next);
        if settled {
            break;
        }
    }
    if settled { rate * most } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn two_basins_leave_at_the_inverse_of_their_times() {
        let chain = BasinChain::new(&[0.0, 4.0, 1e9, 0.0]).unwrap();
        assert!((chain.rates[1] - 0.25).abs() < 1e-15 && (chain.rates[2] * 1e9 - 1.0).abs() < 1e-14);
        assert!((chain.weights[0] / (4.0 / (1e9 + 4.0)) - 1.0).abs() < 1e-12);
        assert!((chain.slowest - 0.25 - 1e-9).abs() < 1e-12);
    }

    #[test]
    fn bars_follow_from_those_of_the_times() {
        let (_, bars) = BasinChain::with_errors(&[0.0, 4.0, 10.0, 0.0], &[0.0, 0.4, 0.1, 0.0]).unwrap();
        // rates 1/τ, weights a/(a + b)
        assert!((bars.rates[1] - 0.025).abs() < 1e-5 && (bars.rates[2] - 0.001).abs() < 1e-6, "{:?}", bars.rates);
        let weight = (10.0f64 * 0.4 / 196.0).hypot(4.0 * 0.1 / 196.0);
        assert!((bars.weights[0] - weight).abs() < 1e-5 && (bars.slowest - 0.025f64.hypot(0.001)).abs() < 1e-5);
        let (_, bars) = BasinChain::with_errors(&[0.0, 4.0, 10.0, 0.0], &[0.0, f64::NAN, 0.1, 0.0]).unwrap();
        assert!(bars.weights[0].is_nan());
    }

    #[test]
    fn times_of_a_chain_give_its_rates_back() {
        // a current round the circle, and rates over six orders of magnitude
        let mut rates = vec![0.0, 2.0, 0.1, 1e-3, 0.5, 0.0, 3.0, 1e-4, 1.0, 0.2, 0.0, 1e-6, 5e-5, 1e-4, 2e-5, 0.0];
        for i in 0..4 {
            rates[i * 4 + i] = -(0..4).filter(|j| *j != i).map(|j| rates[i * 4 + j]).sum::<f64>();
        }
        let chain = BasinChain::new(&mean_times(&rates).unwrap()).unwrap();
        for (found, rate) in chain.rates.iter().zip(&rates) {
            assert!((found - rate).abs() < 1e-9 + 1e-7 * rate.abs(), "{:?}", chain.rates);
        }
        for j in 0..4 {
            let balance: f64 = (0..4).map(|i| chain.weights[i] * rates[i * 4 + j]).sum();
            assert!(balance.abs() < 1e-9, "{balance}");
        }
        // trace of the slow sector: the fourth state is left at 1.7e-4 and entered at about 3.5e-4
        assert!(chain.slowest > 1.7e-4 && chain.slowest < 1e-3, "{}", chain.slowest);
    }

    #[test]
    fn what_is_no_chain_is_refused() {
        for times in [&[0.0][..], &[0.0, 1.0, f64::INFINITY, 0.0], &[0.0, -1.0, 1.0, 0.0], &[0.0, f64::NAN, 1.0, 0.0]] {
            assert!(BasinChain::new(times).is_err(), "{times:?}");
        }
    }
}
