//! `analysis.escape_rates`: mean times from every minimum to every other, by the grid, by walkers, by the law of SGD and by Kramers' law,
//! as a Markov chain on the basins with its stationary weights; `/escape_rates`.

mod group;
mod request;

pub use group::METHODS;

use std::ops::Range;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::OnGrid;
use fpsolve_solvers::escape::basin_chain::{BasinChain, mean_times};
use fpsolve_solvers::escape::by_walkers::FirstPassage;
use fpsolve_solvers::escape::kramers::Ground;
use fpsolve_solvers::escape::kramers::eyring::eyring;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::langevin::first_passage as langevin;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::sgd::first_passage as sgd;

use super::basins::Basins;
use super::first_passage::langevin_options;
use super::{Analysis, AnalysisEntry, Failure, Findings, Finished, Subject};
use crate::analysis::outlook::{Outlook, Rehearsed, watched};
use crate::engine::langevin::LangevinTable;
use crate::engine::sgd::SgdTable;
use crate::engine::work::{Cause, Stepping, Stopwatch};

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "escape_rates",
    key: Some("escape_rates"),
    about: "true or { walkers, horizon }: mean times from every minimum to every other, the rates between the basins and the weights that \
            they lead to; /escape_rates",
    subject: Subject::Law,
    groups: &["escape_rates"],
    read: request::read,
    words: group::words,
};

/// What is asked.
#[derive(Debug, Clone)]
struct EscapeRates {
    /// Walkers of each ensemble for each pair of minima; 0 for none.
    walkers: usize,
    /// Time up to which they are followed; None for [`HORIZON`] times the mean time on the grid.
    horizon: Option<f64>,
    span: Range<usize>,
}

/// Mean times after which a walker is no longer followed.
const HORIZON: f64 = 20.0;

/// Last output times beyond which a mean time is not waited for by walkers, unless a horizon is written.
const PATIENCE: f64 = 100.0;

/// What one way of finding times says.
struct Method {
    /// The group of its engine, or `kramers`.
    name: &'static str,
    /// Mean times from i to j (k×k) and their errors; 0 on the diagonal.
    times: Vec<f64>,
    errors: Vec<f64>,
    /// Mean times without the leading error of the grid, where it is known.
    extrapolated: Option<Vec<f64>>,
    /// The chain with these times and its bars; or why there is none.
    chain: Result<(BasinChain, BasinChain), String>,
    /// Probability of each basin in the long run, by the engine itself.
    occupancy: Option<Vec<f64>>,
    /// The slowest relaxation rate of the engine itself, and its error.
    slowest: Option<[f64; 2]>,
    /// Largest share of walkers that did not arrive.
    censored: f64,
    /// Pairs that walkers were not sent for, as they would be on their way for too long.
    unsampled: usize,
}

impl Method {
    fn new(name: &'static str, times: Vec<f64>, errors: Vec<f64>) -> Self {
        let chain = BasinChain::with_errors(&times, &errors).map_err(|error| error.to_string());
        Self {
            name,
            times,
            errors,
            extrapolated: None,
            chain,
            occupancy: None,
            slowest: None,
            censored: 0.0,
            unsampled: 0,
        }
    }
}

/// What was found.
struct Found {
    basins: Basins,
    methods: Vec<Method>,
    failures: Vec<Failure>,
}

impl Analysis for EscapeRates {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let basins = Basins::of(finished.problem)?;
        let mut search = Search { asked: self, basins: &basins, finished, failures: Vec::new() };
        let mut methods = Vec::new();
        if let Some(law) = finished.on_grid() {
            methods.extend(search.on_grid("fokker_planck", law)?);
        }
        let by_grid = methods.first().map(|method| method.times.clone());
        if let Some((name, chain)) = finished.chain() {
            methods.extend(search.on_grid(name, chain)?);
        }
        if self.walkers > 0 {
            methods.extend(search.langevin(by_grid.as_deref())?);
            methods.extend(search.sgd(by_grid.as_deref())?);
        }
        methods.extend(search.kramers());
        methods.extend(search.eyring());
        let failures = search.failures;
        Ok((!methods.is_empty()).then(|| Box::new(Found { basins, methods, failures }) as Box<dyn Findings>))
    }

    /// By the grid as on the coarse one; walkers are followed to their arrivals, whose mean times the coarse grid tells.
    fn expected(&self, rehearsed: &Rehearsed) -> Outlook {
        let (finished, start) = (rehearsed.finished, Stopwatch::start());
        let Ok(basins) = Basins::of(finished.problem) else { return Outlook::default() };
        let mut search = Search { asked: self, basins: &basins, finished, failures: Vec::new() };
        let by_grid = finished.on_grid().and_then(|law| search.on_grid("fokker_planck", law).ok().flatten());
        let _ = (search.kramers(), search.eyring());
        let by_chain = rehearsed.by_chain(1, 0);
        let seconds = start.seconds() * rehearsed.growth_of_passages() + by_chain;
        let mut outlook = Outlook { seconds, ..Outlook::default() };
        let times = by_grid.map(|method| method.times);
        let k = basins.count();
        let pairs = (0..k).flat_map(|i| (0..k).map(move |j| (i, j))).filter(|(i, j)| i != j && self.walkers > 0);
        let what = format!("{} walkers for each of {} pairs of minima", self.walkers, k * k - k);
        let mut measured: Option<Vec<Stepping>> = None;
        for (i, j) in pairs {
            let known = times.as_deref().map(|times| times[i * k + j]);
            if let (Some(horizon), Ok(passage)) = (self.followed(known, finished.problem), basins.passage(i, j)) {
                let passage = Passage { walkers: self.walkers, horizon, ..passage };
                // the targets are all of one kind
                for &stepping in measured.get_or_insert_with(|| steps_of_walkers(rehearsed, &passage)).iter() {
                    outlook.add_walkers(
                        &passage,
                        known.unwrap_or(horizon),
                        stepping,
                        Cause::Horizon(self.span.clone()),
                    );
                }
            }
        }
        Outlook { what, ..outlook }
    }
}

/// Steps of the walkers of each ensemble on their way to a target.
fn steps_of_walkers(rehearsed: &Rehearsed, passage: &Passage) -> Vec<Stepping> {
    let (of, interrupt) = (rehearsed.finished, rehearsed.finished.interrupt);
    let by_langevin = rehearsed.stepping.map(|steps| {
        let options = &of.options.of::<LangevinTable>().options;
        watched(steps, passage, |few| langevin::first_passage(of.problem, options, few, true, interrupt))
    });
    let by_sgd = rehearsed.descent.map(|steps| {
        let options = &of.options.of::<SgdTable>().options;
        watched(steps, passage, |few| sgd::first_passage(of.problem, options, few, interrupt))
    });
    by_langevin.into_iter().chain(by_sgd).collect()
}

impl EscapeRates {
    /// The time up to which walkers of a pair are followed, where the grid says `known`; None where they are not sent.
    fn followed(&self, known: Option<f64>, problem: &Problem) -> Option<f64> {
        let end = problem.times.last().copied().unwrap_or(1.0);
        let known = known.filter(|time| time.is_finite());
        let too_long = self.horizon.is_none() && known.is_some_and(|time| time > PATIENCE * end);
        (!too_long).then(|| self.horizon.unwrap_or(HORIZON * known.unwrap_or(end)))
    }
}

struct Search<'a> {
    asked: &'a EscapeRates,
    basins: &'a Basins,
    finished: &'a Finished<'a>,
    failures: Vec<Failure>,
}

impl Search<'_> {
    /// The numbers (k×k) of all pairs, 0 on the diagonal. Errors: [`Error::Interrupted`]; all others leave NaN.
    fn pairs<T: Clone>(&mut self, none: T, one: &dyn Fn(usize, usize) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let k = self.basins.count();
        let mut all = vec![none; k * k];
        for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))).filter(|(i, j)| i != j) {
            match one(i, j) {
                Ok(found) => all[i * k + j] = found,
                Err(error @ Error::Interrupted { .. }) => return Err(error),
                Err(error) => self.failures.push(Failure { group: "escape_rates".into(), error }),
            }
        }
        Ok(all)
    }

    fn diagonal(&self, mut values: Vec<f64>) -> Vec<f64> {
        let k = self.basins.count();
        (0..k).for_each(|i| values[i * k + i] = 0.0);
        values
    }

    fn on_grid(&mut self, name: &'static str, law: &dyn OnGrid) -> Result<Option<Method>, Error> {
        let (basins, finished) = (self.basins, self.finished);
        let none = [f64::NAN; 3];
        let found = self.pairs(none, &|i, j| {
            (finished.progress)(&format!("escape from basin {i} to {j}"));
            let found = law.first_passage(&basins.passage(i, j)?, finished.interrupt)?;
            let better = found.from_value_extrapolated.unwrap_or(f64::NAN);
            Ok([found.from_value, found.error_grid.unwrap_or(f64::NAN), better])
        })?;
        if found.iter().all(|found| found[0].is_nan()) {
            return Ok(None);
        }
        let column = |c: usize| self.diagonal(found.iter().map(|found| found[c]).collect());
        let mut method = Method::new(name, column(0), column(1));
        method.extrapolated = Some(column(2));
        let chain = finished.runs.iter().find(|run| run.engine.name() == name).and_then(|run| run.engine.long_run());
        let law_at_rest = law.stationary().map(|law| &law.probability).or(chain.map(|law| &law.probability));
        method.occupancy = law_at_rest.map(|law| basins.occupancy(law));
        method.slowest = match law.spectrum(2, finished.interrupt) {
            Ok(modes) => modes.real.get(1).map(|rate| {
                [*rate, modes.refined.as_ref().and_then(|refined| refined.error.get(1)).copied().unwrap_or(f64::NAN)]
            }),
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(_) => None, // several laws at rest, say
        };
        Ok(Some(method))
    }

    /// By walkers: where some did not arrive by the horizon, the mean is Σ min(τ, horizon)/arrivals, right for exponential times.
    fn by_walkers(
        &mut self,
        name: &'static str,
        by_grid: Option<&[f64]>,
        find: &dyn Fn(&Passage) -> Result<FirstPassage, Error>,
    ) -> Result<Option<Method>, Error> {
        let (basins, finished, asked) = (self.basins, self.finished, self.asked);
        let k = basins.count();
        let horizon = |i: usize, j: usize| asked.followed(by_grid.map(|times| times[i * k + j]), finished.problem);
        let none = [f64::NAN; 3];
        let found = self.pairs(none, &|i, j| {
            let Some(horizon) = horizon(i, j) else { return Ok(none) };
            (finished.progress)(&format!("{name}: escape from basin {i} to {j}"));
            let passage = Passage { walkers: asked.walkers, horizon, ..basins.passage(i, j)? };
            let found = find(&passage)?;
            let arrived = 1.0 - found.censored();
            if arrived <= 0.0 {
                return Ok([f64::NAN, f64::NAN, 1.0]);
            }
            let mean = found.mean / arrived;
            let by_arrivals = mean / (found.arrivals.len() as f64).sqrt();
            let error = if found.censored() > 0.0 { by_arrivals } else { found.standard_error };
            Ok([mean, error, found.censored()])
        })?;
        if found.iter().all(|found| found[0].is_nan()) {
            return Ok(None);
        }
        let column = |c: usize| self.diagonal(found.iter().map(|found| found[c]).collect());
        let mut method = Method::new(name, column(0), column(1));
        method.unsampled = (0..k * k).filter(|at| at / k != at % k && horizon(at / k, at % k).is_none()).count();
        method.censored = column(2).into_iter().filter(|share| !share.is_nan()).fold(0.0, f64::max);
        Ok(Some(method))
    }

    fn going(&self, engine: &str) -> bool {
        self.finished.run_of(engine).is_some_and(|run| run.failure.is_none())
    }

    fn langevin(&mut self, by_grid: Option<&[f64]>) -> Result<Option<Method>, Error> {
        if !self.going("langevin") {
            return Ok(None);
        }
        let finished = self.finished;
        let options = &langevin_options(finished);
        self.by_walkers("langevin", by_grid, &|passage| {
            let done = (finished.done_blocks)(&passage.name);
            langevin::first_passage_from(finished.problem, options, passage, true, &done, finished.interrupt)
        })
    }

    fn sgd(&mut self, by_grid: Option<&[f64]>) -> Result<Option<Method>, Error> {
        if !self.going("sgd") {
            return Ok(None);
        }
        let finished = self.finished;
        let options = &finished.options.of::<SgdTable>().options;
        self.by_walkers("sgd", by_grid, &|passage| {
            let done = (finished.done_blocks)(&format!("sgd:{}", passage.name));
            sgd::first_passage_from(finished.problem, options, passage, &done, finished.interrupt)
        })
    }

    /// Over every saddle in the plane by WKB, which takes any D(θ), as rates between the basins on its sides.
    fn eyring(&self) -> Option<Method> {
        let (problem, basins) = (self.finished.problem, self.basins);
        let k = basins.count();
        let mut rates = vec![0.0; k * k];
        for saddle in basins.saddles(problem) {
            for (i, j) in [(saddle.between[0], saddle.between[1]), (saddle.between[1], saddle.between[0])] {
                let from = &basins.minima[i].position;
                let points = [[from[0], from[1]], saddle.position];
                let found = eyring(&*problem.dynamics, problem.temperature, points[0], points[1]).ok()?;
                rates[i * k + j] += 1.0 / found.time;
            }
        }
        let times = mean_times(&rates)?;
        Some(Method::new("eyring", times, vec![f64::NAN; k * k]))
    }

    /// Kramers' law from each basin to its neighbours on a line, else between two basins, as rates.
    fn kramers(&self) -> Option<Method> {
        let (ground, k) = (Ground::new(self.finished.problem), self.basins.count());
        let on_a_line = self.finished.problem.dimension() == 1 && self.basins.left_out == 0;
        if !on_a_line && k > 2 {
            return None;
        }
        let mut rates = vec![0.0; k * k];
        for (i, j) in (1..k).flat_map(|i| [(i - 1, i), (i, i - 1)]) {
            rates[i * k + j] = 1.0 / ground.kramers(&self.basins.passage(i, j).ok()?).ok()?.time();
        }
        Some(Method::new("kramers", mean_times(&rates)?, vec![f64::NAN; k * k]))
    }
}
