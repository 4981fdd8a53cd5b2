//! `analysis.sampling_schemes`: what other ways of drawing samples would do to the density in the long run and to the time to a set;
//! `/sampling_schemes`.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::diffusion::Minibatch;
use fpsolve_solvers::dynamics::{GradientDynamics, WithTable};
use fpsolve_solvers::engine::{Engine, OnGrid};
use fpsolve_solvers::escape::passage::{Passage, Target};
use fpsolve_solvers::model::{ImportanceSampled, Model, SampleModel, Sampling};
use fpsolve_solvers::numerics::symmetric::packed_index;
use fpsolve_solvers::problem::{Problem, Replacement, density};
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Failure, Findings, Finished, Request, Scale, Subject};
use crate::engine::{EngineEntry, Representation};
use crate::reader::Located;
use crate::reader::formula::formula;
use crate::reader::table::{Table, Value};
use crate::record::read::{column, find, text};
use crate::record::scales::{array, field, name_scale, variable_scales, variables};
use crate::record::{Attribute, Dataset, Record, Values};
use crate::scenario::dynamics::importance::{KEYS, sampling};
use crate::scenario::names::{check_group_name, check_own_names};
use crate::text::{short, with_error};

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "sampling_schemes",
    key: Some("sampling_schemes"),
    about: "{ from, target, schemes = [{ name, scheme, … }] }: the density in the long run and the time to a set under other ways of \
            drawing samples; /sampling_schemes",
    subject: Subject::Law,
    groups: &["sampling_schemes"],
    read,
    words,
};

/// `analysis.sampling_schemes`.
#[derive(Debug)]
struct Written {
    from: Located<Vec<f64>>,
    target: Located<String>,
    schemes: Vec<(Located<String>, Sampling)>,
    span: Range<usize>,
}

fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let help =
        "write { from = [0.7], target = \"w > 3\", schemes = [{ name = \"hard\", scheme = \"soft-max\", c = 1.0 }] }";
    let written = table.optional("sampling_schemes", |value| {
        let table = value.table(&["from", "target", "schemes"])?;
        let from = table.require("from", help)?.numbers()?;
        let target = formula(&table.require("target", help)?)?;
        let list = table.require("schemes", help)?;
        let schemes = list.list()?.iter().map(scheme).collect::<Result<Vec<_>>>()?;
        check_own_names(table.source(), schemes.iter().map(|(name, _)| name), "sampling schemes")?;
        if schemes.is_empty() {
            return Err(list.error("`analysis.sampling_schemes.schemes` names no scheme", "an empty list", help));
        }
        Ok(Written { from, target, schemes, span: value.span() })
    })?;
    Ok(written.map(|written| Arc::new(written) as Arc<dyn Request>))
}

fn scheme(value: &Value) -> Result<(Located<String>, Sampling)> {
    let table = value.table(&[&["name"], KEYS].concat())?;
    let name = table.require("name", "give the scheme a name of its own")?.string()?;
    check_group_name(table.source(), &name, "sampling scheme")?;
    Ok((name, sampling(&table)?))
}

/// What is to be compared.
struct Schemes {
    /// Name and model, drawn so.
    each: Vec<(String, Arc<ImportanceSampled>)>,
    passage: Passage,
}

impl Request for Written {
    /// Errors: a model without samples, another noise than that of its batches, no draws with replacement, a start or a target that is
    /// none.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let refuse = |why: &str, help: &str| {
            let message = format!("`analysis.sampling_schemes` {why}");
            Err(context.source.error(&self.span, message, "other ways of drawing samples", help))
        };
        if context.model.data().is_none() || !context.noise.kind.of_minibatches() {
            let help = "take a model with [model.data] and kind = \"minibatch\" in [noise], or leave this analysis out";
            return refuse("needs the noise of batches", help);
        }
        if context.noise.interpretation != fpsolve_solvers::dynamics::Interpretation::Ito {
            return refuse("compares Itô equations", "write interpretation = \"ito\" in [noise]");
        }
        if context.problem.minibatch.is_some_and(|minibatch| minibatch.replacement != Replacement::With) {
            return refuse("draws with replacement", "write replacement = true in [dynamics]");
        }
        let name = Located { value: "sampling_schemes".to_string(), span: self.from.span.clone() };
        super::first_passage::check_start(context, "sampling_schemes", &name, &self.from)?;
        let condition = (context.parse)(&self.target)?;
        let passage = Passage {
            name: name.value,
            from: self.from.value.clone(),
            target: Target::new(&self.target.value, &condition, context.problem.dimension()),
            avoid: None,
            walkers: 1,
            horizon: 1.0,
        };
        let refused = |error| context.solver_error(&self.target.span, "this target", &error);
        passage.check_target(&context.problem.grid).map_err(refused)?;
        let built = |(name, sampling): &(Located<String>, Sampling)| {
            let model = ImportanceSampled::by(Arc::clone(context.model), *sampling);
            let model = model.map_err(|error| context.solver_error(&name.span, "this scheme", &error))?;
            Ok((name.value.clone(), Arc::new(model)))
        };
        let each = self.schemes.iter().map(built).collect::<Result<Vec<_>>>()?;
        Ok(Some(Arc::new(Schemes { each, passage })))
    }

    fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn numbers_per_cell(&self, _scale: &Scale) -> f64 {
        self.schemes.len() as f64
    }
}

/// What one engine says under one scheme.
#[derive(Clone)]
struct Said {
    /// Cell probabilities in the long run.
    law: Vec<f64>,
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// Mean time to the target and its error by the grid.
    time: Option<(f64, Option<f64>)>,
}

/// What is known of one scheme.
struct Found {
    name: String,
    /// Effective samples, bias of the mean, trace of D and its least value, averaged over the law in the long run.
    averages: [f64; 4],
    /// By engine: name of its group, and its answer.
    said: Vec<(&'static str, Option<Said>)>,
}

struct AllFound {
    found: Vec<Found>,
    passage: Passage,
    failures: Vec<Failure>,
}

impl Schemes {
    /// The problem with its samples drawn another way.
    fn problem(&self, problem: &Problem, model: &Arc<ImportanceSampled>) -> Result<Problem, Error> {
        let noise = Arc::new(Minibatch::new(&**model)?);
        let shared: Arc<dyn Model> = Arc::clone(model) as _;
        let floor = problem.dynamics.floor();
        let dynamics = Arc::new(GradientDynamics::new(Arc::clone(&shared), noise).with_floor(floor));
        let dynamics = Arc::new(WithTable::new(dynamics, problem.grid.clone(), model.samples()));
        Ok(Problem { model: shared, dynamics, times: vec![0.0], ..problem.clone() })
    }

    fn ask(&self, entry: &EngineEntry, problem: &Problem, finished: &Finished) -> Result<Said, Error> {
        let engine = (entry.build)(finished.options, problem, finished.interrupt)?;
        let (law, mean, covariance) = long_run(&*engine).ok_or_else(|| {
            Error::numerical(entry.word, "under another sampling", "no law in the long run", "use a wider grid")
        })?;
        let d = mean.len();
        let variance = (0..d).map(|k| covariance[packed_index(d, k, k)]).collect();
        let on_grid: Option<&dyn OnGrid> = engine.on_grid().or_else(|| engine.chain());
        let found = on_grid.map(|law| law.first_passage(&self.passage, finished.interrupt)).transpose()?;
        Ok(Said { law, mean, variance, time: found.map(|found| (found.from_value, found.error_grid)) })
    }

    fn one(
        &self,
        (name, model): &(String, Arc<ImportanceSampled>),
        finished: &Finished,
        failures: &mut Vec<Failure>,
    ) -> Result<Found, Error> {
        let problem = self.problem(finished.problem, model)?;
        let mut said = Vec::new();
        let engines = finished.engines.iter().filter(|entry| entry.representation == Representation::Density);
        for entry in engines {
            (finished.progress)(&format!("{}: sampling \"{name}\"", entry.word));
            match self.ask(entry, &problem, finished) {
                Ok(answer) => said.push((entry.group, Some(answer))),
                Err(error @ Error::Interrupted { .. }) => return Err(error),
                Err(error) => {
                    failures.push(Failure { group: "sampling_schemes".into(), error });
                    said.push((entry.group, None));
                }
            }
        }
        let law = said.iter().find_map(|(_, answer)| answer.as_ref().map(|answer| &answer.law[..]));
        let averages = law.map_or([f64::NAN; 4], |law| averages(model, &problem, law));
        Ok(Found { name: name.clone(), averages, said })
    }
}

/// Cell probabilities, mean and covariance in the long run.
fn long_run(engine: &dyn Engine) -> Option<(Vec<f64>, Vec<f64>, Vec<f64>)> {
    if let Some(law) = engine.on_grid().and_then(|law| law.stationary()) {
        return Some((law.probability.clone(), law.mean.clone(), law.covariance.clone()));
    }
    engine.long_run().map(|law| (law.probability.clone(), law.mean.clone(), law.covariance.clone()))
}

/// Effective samples, bias, trace of D and its bound over a law.
fn averages(model: &ImportanceSampled, problem: &Problem, law: &[f64]) -> [f64; 4] {
    let (grid, d) = (&problem.grid, problem.dimension());
    let n = grid.len();
    let points: Vec<f64> = (0..d).flat_map(|k| (0..n).map(move |cell| grid.center(cell)[k])).collect();
    let (mut drift, mut noise) = (vec![0.0; d * n], vec![0.0; d * (d + 1) / 2 * n]);
    problem.dynamics.drift_diffusion(&points, &mut drift, &mut noise);
    let trace: Vec<f64> = (0..n).map(|i| (0..d).map(|k| noise[packed_index(d, k, k) * n + i]).sum()).collect();
    let [bias, bound] = model.bias_and_bound(&points);
    let mean = |values: &[f64]| law.iter().zip(values).map(|(p, v)| p * v).sum();
    [mean(&model.effective_sample_size(&points)), mean(&bias), mean(&trace), mean(&bound)]
}

impl Analysis for Schemes {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let mut failures = Vec::new();
        let found =
            self.each.iter().map(|each| self.one(each, finished, &mut failures)).collect::<Result<Vec<_>, _>>()?;
        let any = found.iter().any(|found| !found.said.is_empty());
        Ok(any.then(|| Box::new(AllFound { found, passage: self.passage.clone(), failures }) as Box<dyn Findings>))
    }

    /// On a line the finer cells that tell the errors take most of it, and these are as many on all grids.
    fn growth(&self) -> f64 {
        if self.passage.from.len() == 1 { 0.1 } else { 1.2 }
    }
}

/// What the averages are, in the record.
const AVERAGES: [(&str, &str); 4] = [
    ("effective_sample_size", "effective samples 1/Σp², averaged over the density in the long run"),
    ("bias", "length of mean drawn gradient minus mean gradient, averaged likewise"),
    ("trace", "trace of D, averaged likewise"),
    ("trace_bound", "least trace of D that reweighted sampling can have, averaged likewise"),
];

impl Findings for AllFound {
    /// `/sampling_schemes` over `sampling`: the averages, and for each engine `<engine>_mean` and `_variance` (k, d), `<engine>_density`
    /// (k, n…), `<engine>_time` and `_time_error` (k).
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        let (grid, k) = (&problem.grid, self.found.len());
        let group = record.group_mut("sampling_schemes");
        let from: Vec<String> = self.passage.from.iter().map(f64::to_string).collect();
        group.set("from", Attribute::Text(from.join(" ")));
        group.set("target", Attribute::Text(self.passage.target.text().to_string()));
        let names: Vec<&str> = self.found.iter().map(|found| &*found.name).collect();
        group.datasets = variable_scales(grid);
        group.datasets.push(name_scale("sampling", &names, "way of drawing samples"));
        group.datasets.push(name_scale("variable", &variables(grid), "variable"));
        let row = |name: &str, values: Vec<f64>, about: &str| {
            Dataset::float(name, array(&[k], values), &["sampling"], "1", about)
        };
        for (j, (name, about)) in AVERAGES.iter().enumerate() {
            group.datasets.push(row(name, self.found.iter().map(|found| found.averages[j]).collect(), about));
        }
        let engines = self.found.first().map_or(0, |found| found.said.len());
        for e in 0..engines {
            let engine = self.found[0].said[e].0;
            let answers = || self.found.iter().map(move |found| found.said[e].1.as_ref());
            let each = |of: &dyn Fn(&Said) -> Vec<f64>, n: usize| -> Vec<f64> {
                answers().flat_map(|said| said.map_or(vec![f64::NAN; n], of)).collect()
            };
            let d = grid.dimension();
            let density = each(&|said| density::from_probability(grid, &said.law), grid.len());
            let about = "density in the long run under each sampling";
            group.datasets.push(field(&format!("{engine}_density"), grid, &[("sampling", k)], density, "1", about));
            for (name, of) in
                [("mean", each(&|said| said.mean.clone(), d)), ("variance", each(&|s| s.variance.clone(), d))]
            {
                let about = format!("{name} in the long run under each sampling");
                let values = array(&[k, d], of);
                let dims = ["sampling", "variable"];
                group.datasets.push(Dataset::float(&format!("{engine}_{name}"), values, &dims, "1", &about));
            }
            let unknown = (f64::NAN, None);
            let time: Vec<_> = answers().map(|said| said.and_then(|said| said.time).unwrap_or(unknown)).collect();
            group.datasets.push(row(
                &format!("{engine}_time"),
                time.iter().map(|time| time.0).collect(),
                "mean time from the start to the target under each sampling",
            ));
            let about = format!("estimated error of {engine}_time by the grid");
            let errors = time.iter().map(|time| time.1.unwrap_or(f64::NAN)).collect();
            group.datasets.push(row(&format!("{engine}_time_error"), errors, &about));
        }
    }

    fn warnings(&self) -> Vec<String> {
        let few = |found: &&Found| found.averages[0] < super::importance::FEW_EFFECTIVE_SAMPLES;
        let names: Vec<&str> = self.found.iter().filter(few).map(|found| &*found.name).collect();
        let said = |names: &str| format!("sampling schemes: fewer than 2 samples are in effect under {names}");
        (!names.is_empty()).then(|| said(&names.join(", "))).into_iter().collect()
    }

    fn failures(&self) -> Vec<Failure> {
        self.failures.clone()
    }
}

/// A line a scheme.
fn words(record: &Record) -> Vec<String> {
    let Some(group) = record.group("sampling_schemes") else { return Vec::new() };
    let (Some(schemes), Some(from), Some(target)) =
        (find(group, "sampling"), text(group, "from"), text(group, "target"))
    else {
        return Vec::new();
    };
    let Values::Text(schemes) = &schemes.values else { return Vec::new() };
    let numbers = |name: &str| column(group, name).unwrap_or_default();
    let averages = AVERAGES.map(|(name, _)| numbers(name));
    let from: Vec<String> = from.split(' ').map(|x| x.parse().map_or(x.to_string(), short)).collect();
    let mut lines = vec![format!(
        "sampling schemes: mean time from ({}) to {target}, and averages over the density in the long run",
        from.join(", ")
    )];
    for (k, name) in schemes.iter().enumerate() {
        let time = |engine: &str| {
            let time = numbers(&format!("{engine}_time")).get(k).copied().filter(|time| !time.is_nan())?;
            let error = numbers(&format!("{engine}_time_error")).get(k).copied().unwrap_or(f64::NAN);
            Some(format!("{} ({})", with_error(time, error), engine.replace('_', "-")))
        };
        let times: Vec<String> = ["fokker_planck", "transfer_operator"].into_iter().filter_map(time).collect();
        // what rounding leaves of a bias is none
        let rounding = 1e-12 * averages[2].get(k).map_or(0.0, |trace| trace.abs().sqrt());
        let shown = |value: &f64| short(if value.abs() < rounding { 0.0 } else { *value });
        let average = |j: usize| averages[j].get(k).map_or("unknown".into(), shown);
        lines.push(format!(
            "  {name}: {}; {} effective samples, bias {}, noise {} (least {})",
            times.join(", "),
            average(0),
            average(1),
            average(2),
            average(3)
        ));
    }
    lines
}
