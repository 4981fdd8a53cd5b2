//! The slow modes of a pair of chains: e^{−λτ} are the eigenvalues of P, extrapolated to τ = 0.

use faer::c64;

use super::extrapolation::{Pair, PairLaw};
use super::transition::Chain;
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::linear::solver::proceed;
use crate::fokker_planck::spectrum::{Filter, Spectrum, filtered};

/// Errors of the two chains: the steps of one are twice those of the other, and the error is first order in them.
const GROWTH: f64 = 2.0;

/// The `count` slowest modes; eigenvalues are extrapolated, vectors are those of the shorter steps. Errors: more modes than
/// cells, an iteration that does not converge, [`Error::Interrupted`].
pub fn slow_modes(pair: &Pair, law: &PairLaw, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
    let mut modes = of_chain(&pair.short, &law.laws[0], count, interrupt)?;
    modes.refine(&of_chain(&pair.long, &law.laws[1], count, interrupt)?, GROWTH);
    if let Some(refined) = modes.refined.take() {
        (modes.real, modes.imaginary) = (refined.real, refined.imaginary);
    }
    Ok(modes)
}

fn of_chain(chain: &Chain, pi: &[f64], count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
    let tau = chain.step;
    let apply = |product: &dyn Fn(&[f64], &mut [f64]), x: &mut [f64]| {
        proceed(interrupt)?;
        let before = x.to_vec();
        product(&before, x);
        Ok(())
    };
    let filter = Filter {
        right: &|x| apply(&|v, out| chain.backward(v, out), x),
        left: &|x| apply(&|v, out| chain.forward(v, out), x),
        rate: &|theta: c64| -theta.ln() / tau,
        sensitivity: &|lambda| 1.0 / (tau * lambda.norm()),
    };
    filtered(&filter, pi, count)
}
