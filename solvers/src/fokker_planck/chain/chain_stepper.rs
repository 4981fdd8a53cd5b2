//! The chain as an integrator: from output to output in steps of about the suitable length.

use std::sync::Arc;

use super::Chain;
use crate::Error;
use crate::dynamics::Dynamics;
use crate::engine::Interrupt;
use crate::fokker_planck::stepper::{Stepper, Work};
use crate::grid::Grid;

/// The chain's name in the record, where an integrator of the generator would stand.
pub const NAME: &str = "long-step chain";

/// Follows cell probabilities by long steps.
///
/// An output is reached from the last one that lies at least a suitable step back (or from the start), in steps that are at
/// least suitable, and outputs nearer to the start than one step are never built upon, so shorter intervals between outputs cost nothing in accuracy.
pub struct ChainStepper {
    dynamics: Arc<dyn Dynamics>,
    temperature: f64,
    grid: Grid,
    step: f64,
    anchors: Vec<(f64, Vec<f64>)>,
    chain: Option<Arc<Chain>>,
    work: Work,
}

impl ChainStepper {
    /// From `start` at time `from`, in steps of at least `step`, with the first chain ready.
    pub fn new(
        dynamics: Arc<dyn Dynamics>,
        temperature: f64,
        grid: Grid,
        chain: Arc<Chain>,
        start: Vec<f64>,
        from: f64,
    ) -> Self {
        let step = chain.step;
        Self {
            dynamics,
            temperature,
            grid,
            step,
            anchors: vec![(from, start)],
            chain: Some(chain),
            work: Work::default(),
        }
    }

    fn chain(&mut self, step: f64) -> Result<&Chain, Error> {
        let fits = self.chain.as_ref().is_some_and(|chain| (chain.step / step - 1.0).abs() < 1e-9);
        if !fits {
            self.chain = None; // two chains at once may not fit
            self.work.factorisations += 1;
        }
        match &mut self.chain {
            Some(chain) => Ok(chain),
            slot => {
                let chain = Chain::new(self.dynamics.as_ref(), self.temperature, &self.grid, step)?;
                Ok(slot.insert(Arc::new(chain)))
            }
        }
    }
}

impl Stepper for ChainStepper {
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error> {
        let usable = |anchor: &(f64, Vec<f64>)| anchor.0 <= to - self.step * (1.0 - 1e-9);
        let base = self.anchors.iter().rposition(usable).unwrap_or(0);
        self.anchors.drain(..base);
        let (time, mut p) = self.anchors[0].clone();
        let interval = to - time;
        if interval > 0.0 {
            let steps = (interval / self.step * (1.0 + 1e-9)).floor().max(1.0);
            let mut next = vec![0.0; p.len()];
            for done in 0..steps as u64 {
                if interrupt() {
                    return Err(Error::Interrupted { time: time + done as f64 * interval / steps });
                }
                self.chain(interval / steps)?.forward(&p, &mut next);
                std::mem::swap(&mut p, &mut next);
                self.work.steps += 1;
                self.work.products += 1;
            }
            if interval >= 0.999 * self.step {
                self.anchors.push((to, p.clone())); // a shorter step would hand on its excess of variance
            }
        }
        out.copy_from_slice(&p);
        Ok(())
    }

    fn error(&self) -> f64 {
        0.0 // no error for a linear drift; otherwise it shows in the grid error, whose steps are longer
    }

    fn work(&self) -> Work {
        self.work
    }
}
