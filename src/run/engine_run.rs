//! One engine on its way through the output times.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Alone, Engine, Interrupt, Ranks, Snapshot, State};
use fpsolve_solvers::problem::grid::Grid;

use super::kept::Keeping;
use super::seen::{Seen, read};
use crate::error::{BUG, caught};
use crate::ranks::{Order, together};
use crate::record::Group;
use crate::record::groups::chain::{add_by_cell, add_long_run};
use crate::record::groups::ensemble::add_trajectories;

/// One engine on its way, with what it showed at the output times so far.
pub struct EngineRun {
    /// The engine.
    pub engine: Box<dyn Engine>,
    seen: Arc<RwLock<Seen>>,
    /// When its state was kept, and how long that took.
    keeping: Keeping,
    /// Wall seconds that it took.
    pub seconds: f64,
    /// Why it stopped, if it did.
    pub failure: Option<Error>,
    /// The processes that advance it together.
    ranks: Arc<dyn Ranks>,
}

impl EngineRun {
    /// An engine that took `seconds` to build.
    pub fn new(engine: Box<dyn Engine>, seconds: f64) -> Self {
        let seen = Seen::of(&*engine);
        let (seen, keeping, ranks) = (Arc::new(RwLock::new(seen)), Keeping::default(), Arc::new(Alone));
        Self { engine, seen, keeping, seconds, failure: None, ranks }
    }

    /// Lets other processes, which have built the same engine, compute a part of its walkers.
    pub fn share(&mut self, ranks: &Arc<dyn Ranks>) {
        self.engine.share(ranks);
        self.ranks = Arc::clone(ranks);
    }

    /// Takes it to where an earlier run kept its state. Errors: the state of something else.
    pub fn restore(&mut self, state: &State) -> Result<(), Error> {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        self.seconds += seen.restore(&mut *self.engine, state)?;
        seen.listen(&*self.engine);
        Ok(())
    }

    /// Keeps its state now.
    fn keep(&mut self) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let (engine, seconds) = (&mut *self.engine, self.seconds);
        self.keeping.timed(|| seen.keep(engine, seconds));
    }

    /// Keeps its state at its last output time, where that is not kept yet.
    pub fn keep_the_end(&mut self) {
        let kept = self.seen().is_kept();
        if self.failure.is_none() && !kept {
            self.keep();
        }
    }

    /// What it showed so far.
    pub fn seen(&self) -> RwLockReadGuard<'_, Seen> {
        read(&self.seen)
    }

    /// The same, for whoever looks on while it computes.
    pub fn shared(&self) -> Arc<RwLock<Seen>> {
        Arc::clone(&self.seen)
    }

    /// Advances to the output time number `k`, checks and keeps what can be seen there; does nothing where it has been there, or once the
    /// engine has failed. Its state is kept now and then, on long ways once in `pace`.
    pub fn advance(&mut self, k: usize, time: f64, interrupt: Interrupt, pace: Option<Duration>) {
        while self.failure.is_none() && self.seen().snapshots.len() <= k {
            let start = Instant::now();
            let pauses = self.engine.pauses();
            let until_rest = pace.filter(|_| pauses).map(|pace| self.keeping.until_rest(pace));
            let rest = || until_rest.is_some_and(|time| start.elapsed() > time);
            self.go(time, &|| interrupt() || rest());
            self.seconds += start.elapsed().as_secs_f64();
            let stopped = matches!(self.failure, Some(Error::Interrupted { .. }));
            if stopped && !interrupt() {
                self.failure = None; // a rest
            }
            if (stopped && pauses) || (self.failure.is_none() && self.keeping.is_due()) {
                self.keep();
            }
        }
        self.seen.write().unwrap_or_else(PoisonError::into_inner).failure = self.failure.clone();
    }

    fn go(&mut self, time: f64, interrupt: Interrupt) {
        let (name, engine, ranks) = (self.engine.name(), &mut self.engine, &*self.ranks);
        let order = Order::Advance { engine: name.into(), to: time };
        let bug = |what: &str| Error::numerical(name, format!("at t = {time}"), what, BUG);
        let advance = || together(ranks, &order, || engine.advance(time, interrupt)).map(|()| engine.snapshot());
        match caught(advance) {
            Ok(Ok(snapshot)) if is_finite(&snapshot) => self.look(Some(snapshot)),
            Ok(Ok(_)) => {
                self.failure = Some(bug("a value is not finite"));
                self.look(None);
            }
            Ok(Err(error)) => {
                self.failure = Some(error);
                self.look(None);
            }
            // what a panic leaves of an engine is not looked at
            Err(panic) => self.failure = Some(bug(&panic)),
        }
    }

    /// Keeps what the engine says of itself now, and what can be seen at an output time.
    fn look(&mut self, snapshot: Option<Snapshot>) {
        let engine = &*self.engine;
        let more = snapshot.map(|snapshot| (snapshot, engine.statistics(), engine.refined_moments()));
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.listen(engine);
        if let Some((snapshot, statistics, refined)) = more {
            seen.add(snapshot, statistics, refined);
        }
    }

    /// Its group in the record; `stationary` are cell probabilities to relax to.
    pub fn group(&self, grid: &Grid, stationary: Option<&[f64]>) -> Group {
        let target = if self.engine.chain().is_some() { None } else { stationary };
        let mut group = self.seen().group(grid, target);
        self.engine.long_run().into_iter().for_each(|long_run| add_long_run(&mut group, grid, long_run));
        add_by_cell(&mut group, grid, self.engine.by_cell());
        if let Some(kept) = self.engine.trajectories() {
            add_trajectories(&mut group, grid, kept);
        }
        group
    }
}

fn is_finite(snapshot: &Snapshot) -> bool {
    let finite = |values: &[f64]| values.iter().all(|x| x.is_finite());
    // where all has left through a wall there are no moments
    let moments = || finite(&snapshot.mean) && finite(&snapshot.covariance);
    let empty = || snapshot.probability.iter().all(|p| *p == 0.0);
    finite(&snapshot.probability) && snapshot.outside.is_finite() && (empty() || moments())
}
