//! What other processes than rank 0 do: they wait for [orders](Order) and compute their part of the walkers, and know nothing of the user, of
//! records and of pictures.

use std::path::PathBuf;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt, Message, Ranks, State, meet};
use fpsolve_solvers::problem::Problem;

use crate::analysis::Assisting;
use crate::error::{self, Failure, advice, caught};
use crate::ranks::Order;
use crate::reader::Source;
use crate::run::times;
use crate::scenario::{Prepared, Scenario};
use crate::signal;
use crate::sweep::{self, Asked, Cases, Plan};

/// Serves until rank 0 sends it home. A panic ends the whole program: a bug, which is told.
pub fn serve(ranks: &Arc<dyn Ranks>) {
    let rank = ranks.rank();
    let ended = || -> Result<(), String> {
        let ranks = Arc::clone(ranks);
        let thread = std::thread::Builder::new().name("serve".into()).stack_size(signal::STACK);
        let thread = thread.spawn(move || caught(|| Served::default().follow(&ranks))).map_err(|e| e.to_string())?;
        thread.join().unwrap_or_else(|panic| Err(error::said(&*panic)))
    };
    if let Err(panic) = ended() {
        let message = format!("this is a bug in fpsolve, at rank {rank}: {panic}");
        error::show(&advice(message, "please report it with the scenario and these lines"));
        std::process::exit(1);
    }
}

/// An engine by the name of its group in the record, or why it could not be built.
type Built = (&'static str, Result<Box<dyn Engine>, Error>);

/// What has been prepared here.
#[derive(Default)]
struct Served {
    scenario: Option<(Prepared, Problem)>,
    engines: Vec<Built>,
}

impl Served {
    /// Does what it is told, until it is sent home.
    fn follow(&mut self, ranks: &Arc<dyn Ranks>) {
        let stopped = || ranks.stopped();
        while let Some(order) = Order::of(ranks.wait().1) {
            match order {
                Order::Prepare { source, threads } => {
                    set_threads(threads);
                    let outcome = self.prepare(source).map_err(|failure| refusal(&failure));
                    ranks.send(0, &Message::part(&outcome, State::default()));
                }
                Order::Build { engine, earlier } => self.build(&engine, earlier.as_ref(), ranks, &stopped),
                Order::Advance { engine, to } => self.advance(&engine, to, ranks, &stopped),
                Order::Assist { analysis, name, found } => self.assist(&analysis, &name, &found, ranks, &stopped),
                Order::Sweep { source, collect, memory, at_a_time, threads } => {
                    set_threads(threads);
                    let (cases, plan) = (Cases::of(&source), Plan::of_paths(&collect));
                    let at_a_time = at_a_time.min(rayon::current_num_threads());
                    let asked = Asked { plan, cases, folder: PathBuf::new(), memory, at_a_time, shard: None, threads };
                    sweep::help(ranks, asked);
                }
                Order::End => return,
            }
        }
    }

    /// Errors: the scenario or its data cannot be read here.
    fn prepare(&mut self, source: Source) -> Result<(), Failure> {
        let prepared = Scenario::parse(source)?.problem()?;
        let mut problem = prepared.problem.clone();
        let _ = times::align_with_sgd(&mut problem, &prepared);
        (self.scenario, self.engines) = (Some((prepared, problem)), Vec::new());
        Ok(())
    }

    /// Builds an engine; where that fails, rank 0 hears of it when it wants the engine to advance.
    fn build(&mut self, word: &str, earlier: Option<&State>, ranks: &Arc<dyn Ranks>, interrupt: Interrupt) {
        let Some((prepared, problem)) = &self.scenario else { return };
        let Some(entry) = prepared.engines.iter().find(|entry| entry.word == word) else { return };
        let built = (entry.build)(&prepared.options, problem, interrupt).and_then(|mut engine| {
            if let Some(state) = earlier {
                state.restore(&mut |archive| engine.archive(archive))?;
            }
            engine.share(ranks);
            Ok(engine)
        });
        self.engines.push((entry.group, built));
    }

    fn advance(&mut self, group: &str, to: f64, ranks: &Arc<dyn Ranks>, interrupt: Interrupt) {
        let found = self.engines.iter_mut().find(|(name, _)| *name == group).map(|(_, engine)| engine);
        let failed = match found {
            Some(Ok(engine)) => {
                let _ = engine.advance(to, interrupt); // rank 0 has heard how that ended
                return;
            }
            Some(Err(error)) => error.clone(),
            None => Error::invalid("this engine was not built", "please report it with the scenario"),
        };
        let rank = ranks.rank();
        let failed = Error::numerical(group, format!("at rank {rank}, while it was built"), failed.to_string(), "");
        let _ = meet(&**ranks, Err(failed), State::default(), interrupt, &mut |_, _| Ok(()));
    }

    fn assist(&self, analysis: &str, name: &str, found: &State, ranks: &Arc<dyn Ranks>, interrupt: Interrupt) {
        let Some((prepared, problem)) = &self.scenario else { return };
        let assisting = Assisting { problem, options: &prepared.options, ranks, interrupt };
        let asked = prepared.analyses.iter().find(|planned| planned.entry.name == analysis);
        asked.into_iter().for_each(|planned| planned.analysis.assist(name, found, &assisting));
    }
}

/// Threads for what is computed here; a number that was set before stays.
fn set_threads(asked: Option<usize>) {
    let threads = asked.or_else(crate::ranks::threads).unwrap_or(0);
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}

/// A failure in words that can be sent.
fn refusal(failure: &Failure) -> Error {
    let help = failure.report.help().map(|help| help.to_string()).unwrap_or_default();
    Error::invalid(failure.report.to_string(), help)
}
