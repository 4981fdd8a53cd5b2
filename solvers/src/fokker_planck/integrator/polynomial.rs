//! Chebyshev expansion of exp(tQᵀ): products only, about √(t‖Q‖) of them, outputs close in time share them.
//!
//! H. Tal-Ezer & R. Kosloff, doi:10.1063/1.448136. With the spectrum in [−ρ, 0], X = I + 2Qᵀ/ρ and z = tρ/2,
//! exp(tQᵀ) = Σ_k (2 − δ_k0) e^{−z} I_k(z) T_k(X). The coefficients are scaled to sum 1, which conserves probability to
//! rounding. Where the spectrum is not real, or the start lies far out in a tail, T_k(X)p grows; growth is watched and the time
//! cut into shorter spans.

use super::estimate::Spans;
use super::product::{Product, axpy};
use super::system::{Integrator, Stepper, System, Task, Work};
use super::tiles::Sum;
use crate::engine::{Archive, Interrupt};
use crate::error::{Error, Setting};
use crate::numerics::aligned::Aligned;
use crate::numerics::lanes::dispatch;
use crate::problem::density::l1;

/// Entry of the table of integrators.
pub const INTEGRATOR: Integrator = Integrator {
    name: "polynomial",
    about: "Chebyshev expansion of the exponential: products only, for short and medium times on large grids",
    order: None,
    positive: false,
    reference: "10.1063/1.448136",
    cost,
    build: |task| Ok(Box::new(Polynomial::new(task))),
};

/// Times as many terms as in the last span that had to be cut are tried in the next one.
const MORE_TERMS: f64 = 2.0;
/// Times as many products where terms grow, as measured: spans are tried and cut, and the error that a cut leaves is followed too.
const CUT: f64 = 3.5;
/// Share of the tolerance that the rounding of growing terms may take; beyond it a span is cut.
const ROUNDING: f64 = 0.05;
/// Largest number of outputs that share the products of a span.
const GROUP: usize = 24;
/// Terms between two looks at the growth.
const LEVELS: usize = 24;
/// Most terms to the last output.
const MOST_TERMS: f64 = 1e7;
/// Most terms of a span, whose coefficients are kept for each output.
const MOST_AT_ONCE: f64 = 3e5;
/// Share of the tolerance that is aimed at, so that negative noise stays far below what a logarithm shows.
const SHARE: f64 = 1e-7;

fn cost(task: &Task) -> f64 {
    let rho = radius(&task.system);
    let (product, add) = Product::seconds(task.system.generator());
    let mut total = 0.0;
    let (mut from, mut rest) = (task.from, task.times.as_slice());
    let accuracy = (task.tolerance * SHARE).max(1e-14);
    while !rest.is_empty() {
        let (group, seconds) = best_group(from, rest, rho, product, add, accuracy);
        total += seconds;
        from = rest[group - 1];
        rest = &rest[group..];
    }
    let end = task.times.last().map_or(0.0, |end| end - task.from);
    let allowed = allowed_growth(terms(0.5 * end * rho, accuracy), task.tolerance, accuracy);
    if most_growth(task) < allowed { total } else { CUT * total }
}

/// A bound of the growth of terms: (Σ p²/π)^½ for the start p, from their norm weighted with 1/π, in which no term of a reversible generator
/// is longer than the start. It is taken for one of the others too; infinite where π is not known.
fn most_growth(task: &Task) -> f64 {
    let Some(law) = task.system.law() else { return f64::INFINITY };
    let mass: f64 = task.start.iter().sum();
    let term = |(p, log): (&f64, &f64)| if *p > 0.0 { (2.0 * (p / mass).ln() - log).exp() } else { 0.0 };
    task.start.iter().zip(&law.log_probability).map(term).sum::<f64>().sqrt()
}

/// The growth of terms from which on rounding spoils a sum of so many of them.
fn allowed_growth(terms: f64, tolerance: f64, accuracy: f64) -> f64 {
    (ROUNDING * tolerance / (accuracy + 1e-16 * terms.powf(1.5))).max(1e3)
}

/// Bound of the spectral radius: of the symmetrised generator where there is one, by Gershgorin's discs otherwise.
fn radius(system: &System) -> f64 {
    let generator = system.generator();
    if system.symmetric().is_none() {
        return 2.0 * generator.leaving().iter().copied().fold(0.0, f64::max);
    }
    let row = |i: usize| {
        let both = generator.outgoing(i).1.iter().zip(generator.incoming(i).1);
        generator.leaving()[i] + both.map(|(a, b)| (a * b).sqrt()).sum::<f64>()
    };
    (0..generator.cells()).map(row).fold(0.0, f64::max)
}

/// Terms needed for z = tρ/2: where e^{−z} I_k(z) has fallen below the accuracy.
fn terms(z: f64, accuracy: f64) -> f64 {
    let l = -accuracy.ln();
    (2.0 * z * l + l * l / 4.0).sqrt() + 4.0
}

/// How many of the next outputs to serve by one span, and the seconds that it takes: the least per unit of time.
fn best_group(from: f64, times: &[f64], rho: f64, product: f64, add: f64, accuracy: f64) -> (usize, f64) {
    let mut best = (1, f64::INFINITY, f64::INFINITY);
    let mut adding = 0.0;
    for (k, t) in times.iter().take(GROUP).enumerate() {
        let t = (t - from).max(0.0);
        let count = terms(0.5 * t * rho, accuracy);
        adding += count * add;
        let seconds = count * product + adding;
        let per_time = seconds / t.max(1e-300);
        if per_time < best.1 || t == 0.0 {
            best = (k + 1, per_time, seconds);
        }
    }
    (best.0, best.2)
}

struct Polynomial {
    rho: f64,
    product: Product,
    /// Seconds of a product and of adding a term to an output.
    seconds: (f64, f64),
    tolerance: f64,
    accuracy: f64,
    times: Vec<f64>,
    from: f64,
    state: Vec<f64>,
    ready: Vec<(f64, Aligned)>,
    /// Whether probability cannot leave.
    closed: bool,
    corrected: f64,
    error: Spans,
    /// Terms up to which the next span is tried: more than those of the last, where that had to be cut.
    most_terms: f64,
    /// The error of the state where a span was cut, as a vector: it consists of terms that grew, which decay fast; empty: none.
    cut: Vec<f64>,
    work: Work,
}

/// Values at several times, their estimated errors, and the error of the last as a vector.
struct Expansion {
    out: Vec<Aligned>,
    errors: Vec<f64>,
    rest: Vec<f64>,
}

impl Polynomial {
    fn new(task: Task) -> Self {
        let rho = radius(&task.system).max(1e-300);
        let product = Product::new(task.system.generator(), 4.0 / rho, 2.0);
        Self {
            seconds: product.own_seconds(task.system.generator().rates()),
            tolerance: task.tolerance,
            accuracy: (task.tolerance * SHARE).max(1e-14),
            rho,
            product,
            times: task.times,
            from: task.from,
            state: task.start,
            ready: Vec::new(),
            closed: !task.system.generator().has_exit(),
            corrected: 0.0,
            error: Spans::default(),
            most_terms: MOST_AT_ONCE,
            cut: Vec::new(),
            work: Work::default(),
        }
    }

    /// Times the next span serves: a group of outputs, or `to` alone where it is none of them.
    fn next_times(&self, to: f64) -> Vec<f64> {
        let ahead: Vec<f64> = self.times.iter().copied().filter(|&t| t > self.from).collect();
        if !ahead.contains(&to) {
            return vec![to];
        }
        let (group, _) = best_group(self.from, &ahead, self.rho, self.seconds.0, self.seconds.1, self.accuracy);
        ahead[..group].to_vec()
    }

    /// Follows the density to each of `times`; cuts the span where the terms grow.
    fn span(&mut self, times: &[f64], interrupt: Interrupt) -> Result<(), Error> {
        let all = terms(0.5 * (times[times.len() - 1] - self.from) * self.rho, self.accuracy);
        if all.is_nan() || all > MOST_TERMS {
            let (place, what) = (format!("at t = {:e}", self.from), format!("it would take {all:.1e} terms"));
            return Err(
                Error::numerical("polynomial", place, what, "take another integrator").set_by(&[Setting::Integrator])
            );
        }
        let mut last = f64::min(times[times.len() - 1], self.from + self.reach(self.most_terms));
        loop {
            let served: Vec<f64> = times.iter().copied().filter(|&t| t <= last).collect();
            let mut wanted: Vec<f64> = served.clone();
            if wanted.last() != Some(&last) {
                wanted.push(last);
            }
            let expanded = self.expand(&wanted, interrupt)?;
            if let Ok(Expansion { mut out, errors, rest }) = expanded {
                self.most_terms = (MORE_TERMS * self.most_terms).min(MOST_AT_ONCE);
                if self.closed {
                    self.restore_mass(&mut out);
                }
                let carried = self.carry(&wanted, interrupt)?;
                let errors: Vec<f64> = errors.iter().zip(&carried).map(|(a, b)| a.hypot(*b)).collect();
                self.error.outputs(&errors[..served.len()]);
                self.end_span(wanted.len() > served.len(), errors[errors.len() - 1], rest);
                if let Some(end) = out.last() {
                    self.state.copy_from_slice(end);
                }
                self.from = last;
                out.truncate(served.len());
                self.ready = served.into_iter().zip(out).collect();
                return Ok(());
            }
            // the terms are the same for all times, and a shorter span takes fewer of them; of the first few it is not known how many fit
            let (fit, tried) = (expanded.err().unwrap_or(0), last - self.from);
            let few = fit < 2 * LEVELS;
            self.most_terms = fit.max(2 * LEVELS) as f64;
            let shorter = if few { 0.4 * tried.min(self.reach(self.most_terms)) } else { self.reach(fit as f64) };
            last = self.from + shorter.min(0.9 * tried);
            if (last - self.from) * self.rho < 1e-3 {
                return Err(Error::numerical(
                    INTEGRATOR.name,
                    format!("at t = {:.6e}", self.from),
                    "the terms of the expansion grow without bound",
                    "take the integrator \"rational\" or \"tr-bdf2\"",
                )
                .set_by(&[Setting::Integrator]));
            }
        }
    }

    /// Norms at several times of the error that a cut left.
    fn carry(&mut self, times: &[f64], interrupt: Interrupt) -> Result<Vec<f64>, Error> {
        if self.cut.is_empty() {
            return Ok(vec![0.0; times.len()]);
        }
        let state = std::mem::replace(&mut self.state, std::mem::take(&mut self.cut));
        let followed = self.expand(times, interrupt);
        let cut = std::mem::replace(&mut self.state, state);
        Ok(match followed? {
            Ok(mut expansion) => {
                let norms: Vec<f64> = expansion.out.iter().map(|v| norm1(v)).collect();
                if norms[norms.len() - 1] > self.accuracy * norm1(&self.state) {
                    self.cut = expansion.out.pop().map_or(Vec::new(), |v| v.to_vec());
                }
                norms
            }
            Err(_) => {
                let norms = vec![norm1(&cut); times.len()];
                self.cut = cut;
                norms
            }
        })
    }

    /// Hands the error at the end of a span on to the next: as a vector where terms have grown before a cut, as a number otherwise.
    fn end_span(&mut self, cut: bool, error: f64, rest: Vec<f64>) {
        if !cut || norm1(&rest) < 2.0 * self.accuracy * norm1(&self.state) {
            return self.error.end(error);
        }
        if self.cut.is_empty() {
            self.cut = rest;
        } else {
            self.cut.iter_mut().zip(&rest).for_each(|(cut, rest)| *cut += rest);
        }
    }

    /// Scales the mass back to that of the start: rounding in K terms can add up to K^1.5·10⁻¹⁶. What was put back is reported.
    fn restore_mass(&mut self, out: &mut [Aligned]) {
        let mass: f64 = self.state.iter().sum();
        for p in out {
            let now: f64 = p.iter().sum();
            self.corrected = self.corrected.max((now - mass).abs());
            let scale = mass / now;
            p.iter_mut().for_each(|p| *p *= scale);
        }
    }

    /// What rounding in a sum of `count` terms of the size `weight` leaves at a time `t` after the start of the span.
    ///
    /// As measured, with room: the terms' own rounding goes like their number. That of the matrix shifts its slow eigenvalues, which
    /// shows in the total probability and is put back with it, unless probability leaves through walls.
    fn rounding(&self, count: usize, weight: f64, t: f64) -> f64 {
        let shift = if self.closed { 0.0 } else { 0.2 * t * self.rho / (self.state.len() as f64).sqrt() };
        1e-16 * weight * (count as f64 + shift)
    }

    /// The time that a span of so many terms follows the density for.
    fn reach(&self, terms: f64) -> f64 {
        // terms() the other way round
        let l = -self.accuracy.ln();
        let z = ((terms - 4.0).max(0.0).powi(2) - l * l / 4.0).max(0.0) / (2.0 * l);
        2.0 * z / self.rho
    }

    fn allowed_growth(&self, terms: usize) -> f64 {
        allowed_growth(terms as f64, self.tolerance, self.accuracy)
    }

    /// The expansion at several times, with estimates of their errors; the number of terms that do not grow too much, where those do.
    ///
    /// What is left out from the K-th term on is Σ c_k T_k p, and scaling the coefficients to sum 1 takes (Σ c_k) times the result
    /// off again: ‖T_m p − result‖ Σ c_k g^{k−m}, with the last term at hand in the place of all, and the growth g per term so far.
    fn expand(&mut self, times: &[f64], interrupt: Interrupt) -> Result<Result<Expansion, usize>, Error> {
        let n = self.state.len();
        let (coefficients, left): (Vec<Vec<f64>>, Vec<Vec<f64>>) =
            times.iter().map(|t| bessel(0.5 * (t - self.from) * self.rho, self.accuracy)).unzip();
        let count = coefficients.iter().map(Vec::len).max().unwrap_or(0);
        let mut out: Vec<Aligned> = coefficients.iter().map(|_| Aligned::zeros(n)).collect();
        out.iter_mut().zip(&coefficients).for_each(|(out, c)| axpy(c[0], &self.state, out));
        let (mut now, mut before) = (Aligned::from(&self.state[..]), Aligned::zeros(n));
        let start = norm1(&now);
        let mut growth = 1.0f64;
        let (mut errors, mut rest) = (vec![0.0; times.len()], Vec::new());
        let mut weights: Vec<f64> = coefficients.iter().map(|c| start * c[0]).collect();
        let allowed = self.allowed_growth(count);
        let mut done = 1; // terms T_0 … T_{done−1} are in the sums
        while done < count {
            if interrupt() {
                return Err(Error::Interrupted { time: self.from });
            }
            let levels = if done == 1 { 1 } else { LEVELS.min(count - done) };
            if done == 1 {
                // T_1 = X T_0, then T_{k+1} = 2X T_k − T_{k−1}; the product carries the factor 2
                self.product.subtract_from(&now, &mut before);
                before.iter_mut().for_each(|v| *v *= 0.5);
                std::mem::swap(&mut now, &mut before);
                out.iter_mut()
                    .zip(&coefficients)
                    .filter(|(_, c)| c.len() > 1)
                    .for_each(|(out, c)| axpy(c[1], &now, out));
            } else {
                let parts = out.iter_mut().zip(&coefficients).filter(|(_, c)| c.len() > done);
                let mut sums: Vec<Sum> = parts.map(|(out, c)| Sum { out, coefficients: &c[done..] }).collect();
                self.product.recur(&mut now, &mut before, levels, &mut sums);
            }
            let size = norm1(&now);
            let lately = (size / (start * growth)).max(1.0).powf(1.0 / levels as f64);
            growth = growth.max(size / start);
            for (j, c) in coefficients.iter().enumerate().filter(|(_, c)| c.len() > done) {
                let end = c.len().min(done + levels);
                weights[j] += size * c[done..end].iter().sum::<f64>();
                if end == c.len() {
                    // two of them: a term may pass through zero
                    let term = l1(&now, &out[j]).max(l1(&before, &out[j]));
                    let per_term = growth.powf(1.0 / (done + levels) as f64);
                    let sum = left_out(&left[j], per_term, lately.min(per_term), done + levels - end);
                    errors[j] = term * sum;
                    if j + 1 == times.len() {
                        rest = now.iter().zip(out[j].iter()).map(|(term, out)| sum * (term - out)).collect();
                    }
                }
            }
            done += levels;
            self.work.products += levels as u64;
            if !growth.is_finite() || start * growth > allowed {
                let fits = start * growth <= self.allowed_growth(done);
                return Ok(Err(if fits { done } else { done - levels }));
            }
        }
        self.work.steps += 1;
        for (j, t) in times.iter().enumerate() {
            errors[j] += self.rounding(coefficients[j].len(), weights[j], t - self.from);
        }
        Ok(Ok(Expansion { out, errors, rest }))
    }
}

dispatch! {
    /// Σ|x|, in eight sums.
    fn norm1(x: &[f64]) -> f64 {
        let mut sums = [0.0; 8];
        let parts = x.chunks_exact(8);
        let rest: f64 = parts.remainder().iter().map(|v| v.abs()).sum();
        for part in parts {
            for (sum, v) in sums.iter_mut().zip(part) {
                *sum += v.abs();
            }
        }
        sums.iter().sum::<f64>() + rest
    }
}

/// Σ c_k g^{k−m} over the coefficients that are left out, the first of which is `back` terms before m + 1; g is what it was `lately` up to the m-th term.
fn left_out(left: &[f64], growth: f64, lately: f64, back: usize) -> f64 {
    let mut factor = lately.max(1.0).powi(1 - back as i32);
    left.iter().fold(0.0, |sum, c| {
        let sum = sum + c * factor;
        factor *= growth.max(1.0);
        sum
    })
}

/// (2 − δ_k0) e^{−z} I_k(z) for k = 0, 1, … until the sum of what is left out is below the accuracy, scaled to sum 1; and those left out.
fn bessel(z: f64, accuracy: f64) -> (Vec<f64>, Vec<f64>) {
    if z <= 0.0 {
        return (vec![1.0], Vec::new());
    }
    // Miller's backward recurrence I_{k−1} = I_{k+1} + (2k/z) I_k
    let top = terms(z, 1e-18) as usize + 30;
    let mut value = vec![0.0; top + 2];
    value[top] = 1e-300;
    for k in (1..=top).rev() {
        value[k - 1] = value[k + 1] + 2.0 * k as f64 / z * value[k];
        if value[k - 1] > 1e250 {
            value[k - 1..].iter_mut().for_each(|v| *v *= 1e-250);
        }
    }
    value[1..].iter_mut().for_each(|v| *v *= 2.0);
    let sum: f64 = value.iter().rev().sum();
    let mut left = 0.0;
    let mut count = value.len();
    while count > 1 && left + value[count - 1] < accuracy * sum {
        count -= 1;
        left += value[count];
    }
    let left = value.split_off(count).into_iter().map(|v| v / sum).collect();
    let sum: f64 = value.iter().rev().sum();
    value.iter_mut().for_each(|v| *v /= sum);
    (value, left)
}

impl Stepper for Polynomial {
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error> {
        loop {
            if let Some((_, p)) = self.ready.iter().find(|(t, _)| *t == to) {
                out.copy_from_slice(p);
                self.ready.retain(|(t, _)| *t >= to);
                return Ok(());
            }
            if to <= self.from {
                out.copy_from_slice(&self.state);
                return Ok(());
            }
            let times = self.next_times(to);
            self.span(&times, interrupt)?;
        }
    }
    fn error(&self) -> f64 {
        self.error.worst()
    }
    fn corrected(&self) -> f64 {
        self.corrected
    }
    fn work(&self) -> Work {
        self.work
    }
    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.array("state", &mut self.state)?;
        archive.number("from", &mut self.from)?;
        archive.number("corrected", &mut self.corrected)?;
        archive.number("most_terms", &mut self.most_terms)?;
        archive.vector("cut", &mut self.cut)?;
        let mut times: Vec<f64> = self.ready.iter().map(|(time, _)| *time).collect();
        archive.vector("ready_times", &mut times)?;
        if archive.is_restoring() {
            self.ready = times.into_iter().map(|time| (time, Aligned::zeros(self.state.len()))).collect();
        }
        archive.pieces("ready", self.ready.iter_mut().map(|(_, values)| &mut values[..]).collect())?;
        self.error.archive(archive)?;
        self.work.archive(archive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_reproduce_the_exponential_on_the_whole_interval() {
        for z in [0.3, 5.0, 200.0, 4e4] {
            let (c, left) = bessel(z, 1e-14);
            assert!(left.iter().sum::<f64>() < 1e-14);
            for x in [-1.0f64, -0.3, 0.5, 0.999, 1.0] {
                let theta = x.acos();
                let sum: f64 = c.iter().enumerate().map(|(k, c)| c * (k as f64 * theta).cos()).sum();
                assert!((sum - (z * (x - 1.0)).exp()).abs() < 1e-11, "{z} {x}: {sum}");
            }
            assert!((c.len() as f64) < 1.3 * terms(z, 1e-14) + 10.0, "{z}: {}", c.len());
        }
    }
}
