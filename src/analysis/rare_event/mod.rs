//! `analysis.rare_event`: probabilities and mean times of escapes too rare to be waited for, by adaptive multilevel splitting of walkers of
//! SGD or of the SDE; `/rare_event/<name>`.

mod event;
mod group;
mod request;
mod score;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Numbers, State};
use fpsolve_solvers::langevin::LangevinChain;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::sgd::SgdChain;
use fpsolve_solvers::splitting::{Chain, Estimate, RareEvent, rare_event};
use miette::Result;

use self::event::Event;
use super::walkers::Walkers;
use super::{Analysis, AnalysisEntry, Assisting, Failure, Findings, Finished, Subject};
use crate::engine::langevin::LangevinTable;
use crate::engine::sgd::SgdTable;
use crate::ranks::{Order, together};
use crate::record::Record;
use crate::text::short;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "rare_event",
    key: Some("rare_event"),
    about: "list of { name, from, target, score, engine, replicas, repetitions }: probability and mean time of a rare escape by \
            multilevel splitting of walkers; /rare_event",
    subject: Subject::Law,
    groups: &["rare_event"],
    read: request::read,
    words: group::words,
};

/// The events.
struct Events(Vec<Event>);

/// What was found of each, and what failed.
struct Found {
    estimates: Vec<(Event, Estimate)>,
    failures: Vec<Failure>,
}

impl Analysis for Events {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let (mut estimates, mut failures) = (Vec::new(), Vec::new());
        for event in &self.0 {
            (finished.progress)(&format!("{}: rare event \"{}\"", event.walkers.word(), event.name));
            match estimate(event, finished) {
                Ok(found) => estimates.push((event.clone(), found)),
                Err(error) => failures.push(Failure { group: format!("rare_event/{}", event.name), error }),
            }
        }
        Ok(Some(Box::new(Found { estimates, failures })))
    }

    fn assist(&self, name: &str, found: &State, assisting: &Assisting) {
        let committor = found.arrays.iter().find_map(|(name, numbers)| match numbers {
            Numbers::Floats(values) if name == SCORE => Some(values.clone()),
            Numbers::Floats(_) | Numbers::Words(_) => None,
        });
        if let Some(event) = self.0.iter().find(|event| event.name == name) {
            let _ = look_for(event, committor, assisting); // rank 0 has the answer
        }
    }
}

/// The walkers of an event as a chain. Errors: those of its engine.
fn chain(event: &Event, problem: &Problem, sgd: &SgdTable, langevin: &LangevinTable) -> Result<Box<dyn Chain>, Error> {
    Ok(match event.walkers {
        Walkers::Sgd => Box::new(SgdChain::new(problem, &sgd.options)?),
        Walkers::Langevin => Box::new(LangevinChain::new(problem, &langevin.options)?),
    })
}

/// What is told of a score: the committor, where it is that.
const SCORE: &str = "committor";

fn estimate(event: &Event, finished: &Finished) -> Result<Estimate, Error> {
    let Finished { problem, options, ranks, interrupt, .. } = *finished;
    // what can fail here fails before others are told
    chain(event, problem, options.of(), options.of())?;
    let committor = score::committor(event, finished)?;
    let arrays = committor.iter().map(|values| (SCORE.into(), Numbers::Floats(values.clone()))).collect();
    let (analysis, name, found) = (ENTRY.name.into(), event.name.clone(), State { arrays, parts: Vec::new() });
    let order = Order::Assist { analysis, name, found };
    let assisting = Assisting { problem, options, ranks, interrupt };
    together(&**ranks, &order, || look_for(event, committor, &assisting))
}

/// Looks for an event together with the other processes. Errors: those of [`rare_event`] and of the walkers.
fn look_for(event: &Event, committor: Option<Vec<f64>>, assisting: &Assisting) -> Result<Estimate, Error> {
    let Assisting { problem, options, ranks, interrupt } = *assisting;
    let chain = chain(event, problem, options.of(), options.of())?;
    let score = score::function(event, &problem.grid, committor);
    let purpose = format!("{}/rare-event/{}", event.walkers.word(), event.name);
    let asked = RareEvent {
        chain: &*chain,
        from: &event.from,
        target: &|points| event.target.contains(points),
        score: &*score,
        replicas: event.replicas,
        repetitions: event.repetitions,
        seed: problem.seed,
        purpose: &purpose,
        ranks: &**ranks,
    };
    rare_event(&asked, interrupt)
}

/// Variance of ln p̂ above which the bars are not to be trusted.
const BAD_SCORE: f64 = 1.0;

impl Findings for Found {
    fn add_to(&self, record: &mut Record, _problem: &Problem) {
        self.estimates.iter().for_each(|(event, found)| group::add(record, event, found));
    }

    fn warnings(&self) -> Vec<String> {
        let warning = |(event, found): &(Event, Estimate)| {
            let name = &event.name;
            if found.probability[0] == 0.0 {
                let (n, r) = (event.replicas, event.repetitions);
                return Some(format!(
                    "rare event \"{name}\": no path came to the target in any of {r} repetitions of {n} replicas: either nothing leads \
                     there, or the score does not; take more replicas or another score"
                ));
            }
            let missed = found.repetitions.iter().filter(|r| r.probability == 0.0).count();
            let varied = || format!("the variance of ln p over the repetitions is {}", short(found.log_variance));
            let how = if missed > 0 {
                format!("{missed} of {} repetitions found nothing", event.repetitions)
            } else {
                varied()
            };
            (found.log_variance > BAD_SCORE).then(|| {
                format!(
                    "rare event \"{name}\": {how}: the score \"{}\" is a bad one here, and the bars are too small; take the committor as \
                     the score, or more replicas",
                    event.score.text()
                )
            })
        };
        self.estimates.iter().filter_map(warning).collect()
    }

    fn failures(&self) -> Vec<Failure> {
        self.failures.clone()
    }
}
