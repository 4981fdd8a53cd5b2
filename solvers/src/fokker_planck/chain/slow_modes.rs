//! The slow modes of a pair of chains: e^{−λτ} are the eigenvalues of P, extrapolated to τ = 0. Phases of
//! e^{−λτ} give Im λ modulo 2π/τ.

use std::f64::consts::TAU;

use faer::c64;

use super::extrapolation::Pair;
use super::transition::Chain;
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::accuracy::richardson::Extrapolated;
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::linear::solver::proceed;
use crate::fokker_planck::spectrum::{Filter, Spectrum, Weights, filtered};

/// Errors of the two chains: the steps of one are twice those of the other, and the error is first order in them.
const GROWTH: f64 = 2.0;

/// The `count` slowest modes; eigenvalues are extrapolated, vectors are those of the shorter steps. `weights` of both chains, the shorter
/// steps first; the generator of the same grid tells the frequencies modulo 2π/τ apart. Errors: more modes than cells, an iteration that does
/// not converge, [`Error::Interrupted`].
pub(in crate::fokker_planck) fn slow_modes(
    pair: &Pair,
    generator: &Generator,
    weights: &[Weights; 2],
    count: usize,
    interrupt: Interrupt,
) -> Result<Spectrum, Error> {
    let mut modes = of_chain(&pair.short, &weights[0], count, interrupt)?;
    unwrap_by_generator(&mut modes, generator, weights[0].pi, pair.short.step);
    let mut long = of_chain(&pair.long, &weights[1], count, interrupt)?;
    unwrap_by_modes(&mut long, &modes, pair.long.step);
    modes.refine(&long, None, |fine, coarse, _| Extrapolated::by_growth(fine, coarse, GROWTH));
    if let Some(refined) = modes.refined.take() {
        (modes.real, modes.imaginary) = (refined.real, refined.imaginary);
    }
    Ok(modes)
}

/// Puts the frequency of each pair, known modulo 2π/τ, next to that of −uᴴWQu/uᴴWu with weights W. (−vᵀQu/vᵀu is nearer to it, but where two
/// modes are nearly one vᵀu is next to nothing.)
fn unwrap_by_generator(modes: &mut Spectrum, generator: &Generator, weights: &[f64], tau: f64) {
    let n = generator.cells();
    for k in 0..modes.real.len().saturating_sub(1) {
        if modes.imaginary[k] <= 0.0 {
            continue;
        }
        let (mut re, mut im) = (vec![0.0; n], vec![0.0; n]);
        generator.backward(&modes.right[k], &mut re);
        generator.backward(&modes.right[k + 1], &mut im);
        // real parts of u in one place, imaginary parts in the next
        let [a, b] = [&modes.right[k], &modes.right[k + 1]];
        let product = |x: &[f64], y: &[f64]| weights.iter().zip(x).zip(y).map(|((w, x), y)| w * x * y).sum::<f64>();
        let frequency = (product(b, &re) - product(a, &im)) / (product(a, a) + product(b, b));
        let turn = TAU / tau;
        modes.imaginary[k] += turn * ((frequency - modes.imaginary[k]) / turn).round();
        if modes.imaginary[k] < 0.0 {
            // the other of the pair: its vectors are the conjugates
            modes.imaginary[k] = -modes.imaginary[k];
            for vectors in [&mut modes.right, &mut modes.left] {
                vectors[k + 1].iter_mut().for_each(|v| *v = -*v);
            }
        }
        modes.imaginary[k + 1] = -modes.imaginary[k];
    }
}

/// Puts each frequency next to one of `known`.
fn unwrap_by_modes(modes: &mut Spectrum, known: &Spectrum, tau: f64) {
    let turn = TAU / tau;
    for (&re, im) in modes.real.iter().zip(&mut modes.imaginary) {
        let branch = |other: f64| *im + turn * ((other - *im) / turn).round();
        let distance = |k: usize| (known.real[k] - re).hypot(known.imaginary[k] - branch(known.imaginary[k]));
        let near = (0..known.real.len()).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        if let Some(near) = near {
            *im = branch(known.imaginary[near]);
        }
    }
}

fn of_chain(chain: &Chain, weights: &Weights, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
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
    filtered(&filter, weights, count)
}
