//! How batches are drawn from the samples. One file each.

mod epoch;
mod importance;
mod with_replacement;
mod without_replacement;

use std::sync::Arc;

use crate::error::{Error, Setting};
use crate::fault::{Fault, planted};
use crate::model::SampleModel;
use crate::numerics::random::LaneStream;
use crate::problem::{Minibatch, Replacement};

/// Draws one batch for every walker of a block.
pub trait Sampling: Send + Sync {
    /// Name in records.
    fn name(&self) -> &'static str;
    /// Writes the batches of draw number `step` (from 0) for walkers at `points`: the b-th sample of walker i at `batch[b·n + i]`,
    /// n walkers. `order` is the block's memory, empty at first.
    fn draw(&self, stream: &mut LaneStream, order: &mut Vec<u32>, points: &[f64], step: u64, batch: &mut [u32]);
    /// Whether a draw depends on its number and on those before it.
    fn counts_draws(&self) -> bool {
        false
    }
    /// What a reader of the results must know.
    fn warning(&self) -> Option<String> {
        None
    }
}

/// The sampling of a scenario from the m samples of a model.
///
/// Errors: an empty batch, more than 2²⁶ samples, a batch larger than m without replacement, importance without replacement.
pub fn build(minibatch: &Minibatch, model: &Arc<dyn SampleModel>) -> Result<Box<dyn Sampling>, Error> {
    let (batch, samples) = (minibatch.batch_size, model.samples());
    let m = u32::try_from(samples).ok().filter(|m| *m <= 1 << 26);
    let m = m.ok_or_else(|| Error::invalid(format!("{samples} samples are too many"), "give at most 2^26"))?;
    if batch == 0 {
        return Err(Error::invalid("a batch of 0 samples has no gradient", "draw one sample or more")
            .set_by(&[Setting::BatchSize]));
    }
    if minibatch.replacement != Replacement::With && batch > samples {
        return Err(Error::invalid(
            format!("a batch of {batch} without replacement needs more than the {samples} samples there are"),
            format!("draw {samples} or less, or draw with replacement"),
        )
        .set_by(&[Setting::BatchSize, Setting::Replacement]));
    }
    if !model.uniform_sampling() {
        if minibatch.replacement != Replacement::With {
            return Err(Error::invalid("importance sampling draws with replacement", "draw with replacement")
                .set_by(&[Setting::Replacement]));
        }
        return Ok(Box::new(importance::Importance { model: Arc::clone(model) }));
    }
    Ok(match minibatch.replacement {
        Replacement::Without if planted(Fault::Replacement) => {
            Box::new(with_replacement::WithReplacement { samples: m })
        }
        Replacement::With => Box::new(with_replacement::WithReplacement { samples: m }),
        Replacement::Without => Box::new(without_replacement::WithoutReplacement { samples: m }),
        Replacement::Epoch => Box::new(epoch::Epoch { samples: m, batch: batch as u32 }),
    })
}
