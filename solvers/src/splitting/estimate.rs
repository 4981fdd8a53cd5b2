//! What independent repetitions say together.

use crate::Error;
use crate::engine::Archive;

/// What one repetition found; lengths in steps.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Repetition {
    /// p̂; 0 where no path came to B.
    pub probability: f64,
    /// Mean time to the first exit from the start set.
    pub first_exit: f64,
    /// Mean length of a loop that returned.
    pub loop_length: f64,
    /// Mean length of an excursion that came to B; None where none did.
    pub reactive: Option<f64>,
    /// Levels.
    pub levels: u32,
    /// Steps of walkers.
    pub steps: u64,
}

impl Repetition {
    /// Notes repetitions, or puts them back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub(super) fn archive(some: &mut [Self], archive: &mut Archive) -> Result<(), Error> {
        let lengths = some.iter_mut().flat_map(|one| {
            let Self { probability, first_exit, loop_length, .. } = one;
            [probability, first_exit, loop_length].map(|length: &mut f64| std::slice::from_mut(length))
        });
        archive.pieces("lengths", lengths.collect())?;
        let mut reactive: Vec<Vec<f64>> = some.iter().map(|one| one.reactive.into_iter().collect()).collect();
        archive.lists("reactive", reactive.iter_mut().collect())?;
        let mut levels: Vec<u64> = some.iter().map(|one| u64::from(one.levels)).collect();
        archive.words("levels", vec![&mut levels])?;
        archive.words("steps", some.iter_mut().map(|one| std::slice::from_mut(&mut one.steps)).collect())?;
        for (one, (reactive, levels)) in some.iter_mut().zip(reactive.iter().zip(levels)) {
            (one.reactive, one.levels) = (reactive.first().copied(), levels as u32);
        }
        Ok(())
    }
}

/// An estimate with its bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The repetitions, in order.
    pub repetitions: Vec<Repetition>,
    /// Score where the start set ends.
    pub level: f64,
    /// p̂, the mean over the repetitions, and its standard error.
    pub probability: [f64; 2],
    /// Mean time from the start to B and its standard error by leaving out one repetition after the other; None where p̂ = 0.
    pub mean_time: Option<[f64; 2]>,
    /// Variance of ln p̂ over the repetitions, infinite where some found nothing.
    pub log_variance: f64,
    /// Steps of walkers in all.
    pub steps: u64,
}

impl Estimate {
    /// Of repetitions of a chain whose steps last `step_time`; `pilot` steps were taken beside.
    pub(super) fn new(repetitions: Vec<Repetition>, step_time: f64, level: f64, pilot: u64) -> Self {
        let n = repetitions.len() as f64;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let variance = |values: &[f64]| {
            let m = mean(values);
            values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
        };
        let p: Vec<f64> = repetitions.iter().map(|r| r.probability).collect();
        let logarithms: Vec<f64> = p.iter().map(|p| p.ln()).collect();
        let log_variance = if p.contains(&0.0) { f64::INFINITY } else { variance(&logarithms) };
        let mean_time = time_of(&repetitions).map(|time| {
            let without = |k: usize| {
                let others: Vec<Repetition> = (0..p.len()).filter(|j| *j != k).map(|j| repetitions[j]).collect();
                time_of(&others).unwrap_or(f64::INFINITY)
            };
            let left_out: Vec<f64> = (0..p.len()).map(without).collect();
            let spread = (variance(&left_out) * (n - 1.0) * (n - 1.0) / n).sqrt();
            [time * step_time, if spread.is_nan() { f64::INFINITY } else { spread * step_time }]
        });
        let steps = pilot + repetitions.iter().map(|r| r.steps).sum::<u64>();
        Self { probability: [mean(&p), (variance(&p) / n).sqrt()], mean_time, log_variance, steps, level, repetitions }
    }
}

/// (first exit) + (loop)(1/p − 1) + (excursion to B), in steps.
fn time_of(repetitions: &[Repetition]) -> Option<f64> {
    let n = repetitions.len() as f64;
    let mean = |of: fn(&Repetition) -> f64| repetitions.iter().map(of).sum::<f64>() / n;
    let p = mean(|r| r.probability);
    let reactive: Vec<f64> = repetitions.iter().filter_map(|r| r.reactive).collect();
    let reactive = reactive.iter().sum::<f64>() / reactive.len() as f64;
    (p > 0.0).then(|| mean(|r| r.first_exit) + mean(|r| r.loop_length) * (1.0 / p - 1.0) + reactive)
}
