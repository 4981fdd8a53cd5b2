//! Training: one run for each way of drawing and each seed.

pub mod checkpoint;
mod evaluate;
mod state;

use burn_tensor::{Device, Tensor};
use fpsolve::error::Failure;
use fpsolve::signal;
use fpsolve_solvers::numerics::random::Stream;

pub use evaluate::Evaluated;
pub use state::{Curve, Part, RunState};

use crate::data::{DataSet, permutation};
use crate::network::pass::{Batch, Mode};
use crate::network::{Network, flat};
use crate::sampler::{Drawing, area_under_curve, effective_share, precision_recall, total_variation};
use crate::scenario::{Order, Refresh, Rule, Scenario};

/// What happens in a run, for those who watch it.
pub enum Event {
    /// A step was taken.
    Step,
    /// An epoch was evaluated; whether it is one of those after which a checkpoint is written.
    Epoch {
        /// A checkpoint is due.
        checkpoint: bool,
    },
}

/// All that runs share.
pub struct Trainer<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The images.
    pub data: &'a DataSet,
    /// The network.
    pub network: &'a Network,
    /// Where it runs.
    pub device: Device,
    /// Whether the parameters of every checkpoint are kept (for slices along the path).
    pub keep_path: bool,
}

/// Parameters and velocities on the device, while a run advances.
struct Moving {
    weights: Vec<Tensor<1>>,
    velocity: Vec<Tensor<1>>,
}

impl Trainer<'_> {
    /// Does `work` with the network; None where the user asked for an end that it did not come to soon. One step of a deep network may take seconds.
    pub fn attended<T: Send + 'static>(&self, work: impl FnOnce(&Network) -> T + Send + 'static) -> Option<T> {
        let network = self.network.clone();
        signal::attended(move || work(&network))
    }

    /// Steps in an epoch.
    pub fn steps(&self) -> usize {
        (self.data.train.len() / self.scenario.training.batch_size).max(1)
    }

    /// Samples in a batch.
    pub fn batch_size(&self) -> usize {
        self.scenario.training.batch_size.min(self.data.train.len())
    }

    /// The start of a run.
    pub fn start(&self, rule: usize, seed: u64) -> RunState {
        let theta = self.network.initial(seed);
        RunState { rule, seed, velocity: vec![0.0; theta.len()], theta, ..RunState::default() }
    }

    /// Advances a run to its end, or to where it is interrupted; whether it has come to its end. Errors: losses that are no numbers any more.
    pub fn advance(&self, state: &mut RunState, watch: &mut dyn FnMut(&RunState, Event)) -> Result<bool, Failure> {
        let tensors = |values: &[f32]| self.network.tensors(values, &self.device);
        let mut moving = Moving { weights: tensors(&state.theta), velocity: tensors(&state.velocity) };
        let mut kept = state.clone();
        let done = self.go(state, &mut moving, &mut kept, watch);
        if !self.settle(state, &moving) {
            *state = kept; // the device does not answer: what it was last heard of
        }
        done
    }

    /// Takes parameters and velocities back from the device; false where the user asked for an end before they came.
    fn settle(&self, state: &mut RunState, moving: &Moving) -> bool {
        let (weights, velocity) = (moving.weights.clone(), moving.velocity.clone());
        let Some(found) = signal::attended(move || (flat(&weights), flat(&velocity))) else { return false };
        (state.theta, state.velocity) = found;
        true
    }

    fn go(
        &self,
        state: &mut RunState,
        moving: &mut Moving,
        kept: &mut RunState,
        watch: &mut dyn FnMut(&RunState, Event),
    ) -> Result<bool, Failure> {
        if state.table.is_empty() && !self.refresh(state, moving, 0)? {
            return Ok(false);
        }
        if state.kept_epochs.is_empty() {
            state.keep_losses(0);
        }
        let (mut order, mut order_of) = (Vec::new(), usize::MAX);
        while state.epoch() < self.scenario.training.epochs {
            let epoch = state.epoch();
            if state.step == (epoch + 1) * self.steps() {
                if !self.settle(state, moving) || !self.close_epoch(state, moving)? {
                    return Ok(false);
                }
                *kept = state.clone();
                let checkpoint = (epoch + 1).is_multiple_of(self.scenario.training.checkpoints);
                if checkpoint && self.keep_path {
                    state.path.extend(&state.theta);
                    state.path_epochs.push((epoch + 1) as f64);
                }
                watch(state, Event::Epoch { checkpoint });
                continue;
            }
            if signal::interrupted() {
                return Ok(false);
            }
            if let Refresh::Steps(n) = self.scenario.importance.refresh
                && state.step > 0
                && state.step.is_multiple_of(n)
                && !self.refresh(state, moving, state.step)?
            {
                return Ok(false);
            }
            if order_of != epoch {
                order = permutation(self.data.train.len(), &mut Stream::new(state.seed, "network/order", epoch as u64));
                order_of = epoch;
            }
            if !self.step(state, moving, &order)? {
                return Ok(false);
            }
            watch(state, Event::Step);
        }
        Ok(true)
    }

    /// The rule of a run.
    pub fn rule(&self, state: &RunState) -> &Rule {
        &self.scenario.importance.rules[state.rule]
    }

    /// Whether samples are drawn uniformly in an epoch of a run.
    fn is_uniform(&self, state: &RunState, epoch: usize) -> bool {
        self.rule(state).c.is_none() || epoch < self.scenario.importance.uniform_epochs
    }

    /// Computes the table of losses anew; false where that was interrupted.
    fn refresh(&self, state: &mut RunState, moving: &Moving, at: usize) -> Result<bool, Failure> {
        let Some(fresh) = self.training_losses(&moving.weights, state.seed, at) else { return Ok(false) };
        state.table = fresh.losses;
        Ok(true)
    }

    /// The samples of a step, and what each loss is multiplied by in their mean.
    fn draw(&self, state: &mut RunState, order: &[usize]) -> Result<(Vec<usize>, Vec<f32>), Failure> {
        let (n, epoch) = (self.batch_size(), state.epoch());
        let mut stream = Stream::new(state.seed, "network/draw", state.step as u64);
        let even = vec![1.0 / n as f32; n];
        if self.is_uniform(state, epoch) {
            let first = (state.step - epoch * self.steps()) * n;
            let chosen = match self.scenario.training.order {
                Order::Shuffled => order[first..first + n].to_vec(),
                Order::Drawn => (0..n).map(|_| stream.below(order.len())).collect(),
            };
            return Ok((chosen, even));
        }
        let sampling = self.rule(state).sampling;
        let drawing = Drawing::new(&sampling, &state.table)?;
        let chosen = drawing.draw(n, &mut stream);
        let weights: Vec<f64> = chosen.iter().map(|&i| 1.0 / (order.len() as f64 * drawing.probabilities[i])).collect();
        state.max_weight = weights.iter().copied().fold(state.max_weight, f64::max);
        let shares = match sampling.reweight {
            true => weights.iter().map(|w| (w / n as f64) as f32).collect(),
            false => even,
        };
        Ok((chosen, shares))
    }

    /// v ← μ v + g + λ θ, θ ← θ − η v with the gradient g of a batch, whose losses go into the table; false where that was interrupted.
    /// Errors: a loss that is no number.
    fn step(&self, state: &mut RunState, moving: &mut Moving, order: &[usize]) -> Result<bool, Failure> {
        let training = &self.scenario.training;
        let (chosen, shares) = self.draw(state, order)?;
        let stream = |purpose: &str| Stream::new(state.seed, purpose, state.step as u64);
        let pixels = self.data.pixels(&self.data.train, &chosen, Some(&mut stream("network/augment")));
        let labels: Vec<u8> = chosen.iter().map(|&i| self.data.train.labels[i]).collect();
        let batch = Batch::new(self.network, pixels, &labels, &self.device);
        let (weights, loss, mut dropout) = (moving.weights.clone(), training.loss, stream("network/dropout"));
        let work =
            move |network: &Network| network.gradient(&weights, batch, &shares, loss, Mode::Training(&mut dropout));
        let Some((losses, gradient)) = self.attended(work) else { return Ok(false) };
        let mean = mean(&losses);
        if !mean.is_finite() {
            return Err(self.diverged(state));
        }
        let rate = training.rate.of(state.epoch());
        for (k, gradient) in gradient.into_iter().enumerate() {
            let (weight, velocity) = (moving.weights[k].clone(), moving.velocity[k].clone());
            let mut push = gradient;
            if training.weight_decay > 0.0 {
                push = push + weight.clone() * training.weight_decay;
            }
            if training.momentum > 0.0 {
                push = push + velocity * training.momentum;
            }
            moving.velocity[k] = push.clone();
            moving.weights[k] = weight - push * rate;
        }
        chosen.iter().zip(&losses).for_each(|(&i, &loss)| state.table[i] = loss);
        state.step_loss.push(mean as f32);
        state.step += 1;
        Ok(true)
    }

    fn diverged(&self, state: &RunState) -> Failure {
        let message = format!(
            "the losses of the run with {} and seed {} are no numbers any more in epoch {}",
            self.rule(state).title(),
            state.seed,
            state.epoch() + 1
        );
        let help = "choose a smaller training.learning_rate, or learning_rate = { start = …, warm_up = 1 }";
        Failure::run(fpsolve::error::advice(message, help))
    }

    /// Evaluates at the end of an epoch; false where that was interrupted. Errors: a loss that is no number.
    fn close_epoch(&self, state: &mut RunState, moving: &Moving) -> Result<bool, Failure> {
        let epoch = state.epoch();
        let Some(train) = self.training_losses(&moving.weights, state.seed, state.step) else { return Ok(false) };
        let Some(test) = self.test_losses(&moving.weights, &train) else { return Ok(false) };
        if train.losses.iter().chain(&test.losses).any(|loss| !loss.is_finite()) {
            return Err(self.diverged(state));
        }
        let m = self.data.train.len() as f64;
        let uniform = self.is_uniform(state, epoch);
        let p = |losses: &[f64]| -> Result<Vec<f64>, Failure> {
            if uniform { Ok(vec![1.0 / m; losses.len()]) } else { Ok(self.rule(state).sampling.of_losses(losses)?) }
        };
        let (fresh, stale) = (p(&train.losses)?, p(&state.table)?);
        let low: Vec<bool> = fresh.iter().map(|&p| p < self.scenario.importance.low / m).collect();
        let wrong = self.data.wrong();
        // without planted labels nothing can be right or wrong about the outliers
        let [precision, recall] = if wrong.contains(&true) { precision_recall(&low, &wrong) } else { [None; 2] };
        let unknown = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let row = Curve::ALL.map(|curve| match curve {
            Curve::TrainLoss => mean(&train.losses),
            Curve::SampledLoss => fresh.iter().zip(&train.losses).map(|(p, l)| p * l).sum(),
            Curve::TestLoss => mean(&test.losses),
            Curve::TrainAccuracy => train.accuracy(&self.data.train.labels),
            Curve::TestAccuracy => test.accuracy(&self.data.test.labels),
            Curve::EffectiveShare => effective_share(&fresh),
            Curve::TableVariation => total_variation(&fresh, &stale),
            Curve::MaxWeight => state.max_weight,
            Curve::LearningRate => self.scenario.training.rate.of(epoch),
            Curve::LowShare => low.iter().filter(|&&low| low).count() as f64 / m,
            Curve::Auc => unknown(area_under_curve(&train.losses, &wrong)),
            Curve::Precision => unknown(precision),
            Curve::Recall => unknown(recall),
        });
        state.epochs_low.resize(low.len(), 0.0);
        state.epochs_low.iter_mut().zip(&low).for_each(|(n, &low)| *n += f64::from(u8::from(low)));
        state.curves.extend(row);
        state.max_weight = 1.0;
        state.fresh = train.losses.clone();
        state.probabilities = fresh;
        state.predicted = train.predicted.iter().map(|&k| f64::from(k)).collect();
        let epochs = self.scenario.training.epochs;
        if epoch + 1 == epochs.div_ceil(2) || epoch + 1 == epochs {
            state.keep_losses(epoch + 1);
        }
        if self.scenario.importance.refresh == Refresh::Epoch {
            state.table = train.losses;
        }
        Ok(true)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
