//! Two chains of steps τ and 2τ, whose laws are extrapolated to τ = 0.
//!
//! A chain matches mean and covariance; the third cumulant of multiplicative noise, which it does not match, leaves an error
//! C τ + O(τ²). With a the law of the chain of steps τ and b that of steps 2τ the extrapolation is
//!
//! ```text
//! e = a·f(b/a),   f(x) = 2 − x for x ≤ 3/2, 1/(4(x − 1)) beyond:   e = 2a − b where b ≤ 3a/2, and 0 ≤ e ≤ 2a
//! ```
//!
//! so it is second order in τ and never negative. The step that a grid wants grows as h² (the noise of a step must cover a cell), so
//! that the extrapolated law is fourth order in h, as the reconstruction of cell averages is.

use std::sync::Arc;

use super::lattice_law::Uncovered;
use super::solve::solve;
use super::transition::Chain;
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::stationary::solve::lost_at_a_wall;

/// The chains of steps τ and 2τ.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Steps of τ.
    pub short: Arc<Chain>,
    /// Steps of 2τ.
    pub long: Arc<Chain>,
    /// The laws of cells that the noise does not cover.
    pub uncovered: Uncovered,
}

/// Makes the chain of given steps, unless it is interrupted.
pub type Build<'a> = dyn Fn(f64, Interrupt) -> Result<Chain, Error> + Send + 'a;

/// The stationary laws of a pair.
pub struct PairLaw {
    /// The laws of both chains, the shorter steps first.
    pub laws: [Vec<f64>; 2],
    /// The larger ‖Pᵀπ − π‖₁ of the two chains.
    pub residual: f64,
}

/// ‖Pᵀπ − π‖₁ that a stationary law is solved to.
const TOLERANCE: f64 = 1e-13;
/// ‖Pᵀπ − π‖₁ up to which it is accepted.
const ACCEPTED: f64 = 1e-9;

impl Pair {
    /// The chains that `build` makes, the longer steps being `long_step`. Errors: as for [`Chain::new_until`].
    pub fn new(build: &Build, long_step: f64, interrupt: Interrupt) -> Result<Self, Error> {
        let (short, long) = (Arc::new(build(0.5 * long_step, interrupt)?), Arc::new(build(long_step, interrupt)?));
        let uncovered = short.uncovered;
        Ok(Self { short, long, uncovered })
    }

    /// The law of a pair: extrapolated to τ = 0; that of the longer steps where cells have contracted laws, whose excess falls as steps grow.
    pub fn law(&self, short: &[f64], long: &[f64]) -> Vec<f64> {
        match self.uncovered {
            Uncovered::Arms => extrapolated(short, long),
            Uncovered::Contracted => long.to_vec(),
        }
    }

    /// The pair whose steps are twice as long. Errors: as for [`Chain::new_until`].
    pub fn doubled(&self, build: &Build, interrupt: Interrupt) -> Result<Self, Error> {
        let long = Arc::new(build(2.0 * self.long_step(), interrupt)?);
        Ok(Self { short: self.long.clone(), long, uncovered: self.uncovered })
    }

    /// The longer step, 2τ.
    pub fn long_step(&self) -> f64 {
        self.long.step
    }

    /// The stationary laws, from a guess. Errors: an absorbing wall, no convergence, [`Error::Interrupted`].
    pub fn stationary(&self, guess: &[f64], interrupt: Interrupt) -> Result<PairLaw, Error> {
        // steps twice as long come to rest in half as many products, and are a good guess for the shorter ones
        let (long, second) = stationary(&self.long, guess, interrupt)?;
        let (short, first) = stationary(&self.short, &long, interrupt)?;
        Ok(PairLaw { laws: [short, long], residual: first.max(second) })
    }
}

/// The law e of the module; its sum is that of Σa and Σb, 2Σa − Σb where that is positive and not far from Σa.
pub fn extrapolated(short: &[f64], long: &[f64]) -> Vec<f64> {
    let limited = |(&a, &b): (&f64, &f64)| if b <= 1.5 * a { 2.0 * a - b } else { 0.25 * a * (a / (b - a)) };
    let mut out: Vec<f64> = short.iter().zip(long).map(limited).collect();
    let mass: f64 = out.iter().sum();
    if mass > 0.0 {
        let factor = limited((&short.iter().sum(), &long.iter().sum())) / mass;
        out.iter_mut().for_each(|e| *e *= factor);
    }
    out
}

/// Pᵀπ = π with Σπ = 1, and ‖Pᵀπ − π‖₁.
fn stationary(chain: &Chain, guess: &[f64], interrupt: Interrupt) -> Result<(Vec<f64>, f64), Error> {
    let failed = |what: String, help: &str| {
        Err(Error::numerical(
            "the stationary density",
            format!("by the long-step chain of steps {:e}", chain.step),
            what,
            help,
        ))
    };
    if chain.has_exit() {
        return Err(lost_at_a_wall());
    }
    let mut p = guess.to_vec();
    normalise(&mut p);
    solve(&|v, out| chain.forward(v, out), None, &mut p, TOLERANCE, interrupt)?;
    // a step keeps non-negative what the solution left negative by rounding
    let mut next = p.clone();
    for _ in 0..2 {
        normalise(&mut p);
        chain.forward(&p, &mut next);
        std::mem::swap(&mut p, &mut next);
    }
    normalise(&mut p);
    let residual = chain.residual(&p);
    if residual.is_nan() || residual > ACCEPTED {
        return failed(
            format!("it did not converge: the density still changes by {residual:.1e} a step"),
            "use the discretisation \"edges\", or ask for no stationary density",
        );
    }
    Ok((p, residual))
}

fn normalise(p: &mut [f64]) {
    p.iter_mut().for_each(|v| *v = v.max(0.0));
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|v| *v /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extrapolation_is_second_order_bounded_and_keeps_the_sum() {
        let law = |e: f64| vec![0.3 + e + e * e, 0.5 - 2.0 * e, 0.2 + e - e * e];
        let error = |e: f64| {
            let found = extrapolated(&law(e), &law(2.0 * e));
            assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-15);
            found.iter().zip(law(0.0)).map(|(a, b)| (a - b).abs()).sum::<f64>()
        };
        let order = (error(2e-3) / error(1e-3)).log2();
        assert!((1.9..2.1).contains(&order) && error(1e-3) < 2e-5, "{order} {:e}", error(1e-3));
        let wild = extrapolated(&[0.1, 0.0, 0.9, 1e-300], &[0.9, 1e-5, 0.0, 0.1]);
        assert!(wild.iter().all(|&e| e >= 0.0 && e.is_finite()), "{wild:?}");
    }
}
