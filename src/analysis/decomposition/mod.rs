//! `analysis.decomposition`: the parts of the gradient noise; `/problem/diffusion_…`, `/decomposition`. Where the data have a teacher its
//! parts are computed unasked.

mod compute;
mod group;

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::gradient_noise::Decomposition;
use fpsolve_solvers::model::data::{Data, Teacher};
use fpsolve_solvers::problem::Problem;
use miette::Result;

use self::compute::{NoiseParts, Source};
use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Scale, Subject};
use crate::reader::Located;
use crate::reader::table::Table;
use crate::record::Record;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "decomposition",
    key: Some("decomposition"),
    about: "\"teacher\" or \"estimate\": the parts of the gradient noise; /problem/diffusion_…, /decomposition",
    subject: Subject::Problem,
    groups: &["decomposition"],
    read,
    words: group::words,
};

/// Where the parts are to come from, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// The teacher of the data: means over the noise.
    Teacher,
    /// The residuals of the data.
    Estimate,
}

/// What was written; by default the teacher, where there is one.
#[derive(Debug)]
struct Decompose(Option<Located<Written>>);

/// Samples times cells up to which a teacher's parts are computed without being asked for: some ten seconds.
const UNASKED: f64 = 1e8;

fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let written = table.optional("decomposition", |value| {
        value.choice(&[("teacher", Written::Teacher), ("estimate", Written::Estimate)])
    })?;
    Ok(Some(Arc::new(Decompose(written))))
}

impl Request for Decompose {
    /// Errors: a teacher that is not there; a model, a noise or a sampling that cannot be taken apart, where it is asked for.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let source = match &self.0 {
            Some(written) => Some(asked(written, context)?),
            None => unasked(context).map(Source::Teacher),
        };
        Ok(source.map(|source| Arc::new(source) as Arc<dyn Analysis>))
    }

    fn numbers_per_cell(&self, scale: &Scale) -> f64 {
        if scale.teacher || self.0.is_some() { 3.0 * (scale.dimension * scale.dimension) as f64 } else { 0.0 }
    }
}

fn teacher<'a>(context: &Context<'a>) -> Option<&'a Teacher> {
    context.data.and_then(Data::teacher)
}

/// The means of a teacher wherever they can be had, unless that would take long; then a note says so.
fn unasked(context: &mut Context) -> Option<Decomposition> {
    let plain = context.noise.kind.of_minibatches() && context.importance.is_none();
    let teacher = teacher(context).filter(|_| plain)?;
    let known = Decomposition::of_teacher(&**context.model, teacher, context.noise.weights).ok()?;
    let (samples, cells) = (context.model.sample_count(), context.problem.grid.len());
    if cells as f64 * samples as f64 <= UNASKED {
        return Some(known);
    }
    let sizes = format!("{samples} samples on {cells} cells");
    context.notes.push(format!(
        "the noise is not taken apart ({sizes} take long): write [analysis] decomposition = \"teacher\" to have it"
    ));
    None
}

fn asked(written: &Located<Written>, context: &Context) -> Result<Source> {
    let span = &written.span;
    let refuse = |message: &str, label: &str, help: &str| Err(context.source.error(span, message, label, help));
    if !context.noise.kind.of_minibatches() {
        let help = "write [noise] kind = \"minibatch\", or remove `decomposition`";
        return refuse("`analysis.decomposition` takes apart the noise of minibatches", "another noise", help);
    }
    if context.importance.is_some() {
        let message = "`analysis.decomposition` takes apart the noise of uniform sampling, not of importance sampling";
        return refuse(message, "another noise", "remove `importance` from [dynamics], or remove `decomposition`");
    }
    let (model, weights) = (&**context.model, context.noise.weights);
    let solver_error = |error| context.solver_error(span, "cannot be taken apart", &error);
    match (written.value, teacher(context)) {
        (Written::Teacher, Some(teacher)) => {
            Decomposition::of_teacher(model, teacher, weights).map(Source::Teacher).map_err(solver_error)
        }
        (Written::Teacher, None) => {
            let message = "`analysis.decomposition = \"teacher\"` needs a teacher: only with a known function is the noise of the data known";
            let help =
                "write decomposition = \"estimate\" for estimates from the residuals, or [model.data] teacher = { … }";
            refuse(message, "no teacher", help)
        }
        (Written::Estimate, _) => {
            Decomposition::residual_variance(model, 0.0).map_err(solver_error)?;
            Ok(Source::Estimate(weights))
        }
    }
}

impl Analysis for Source {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        (finished.progress)("taking the noise apart");
        Ok(Some(Box::new(compute::decompose(self, finished)?)))
    }

    /// Along a path and at a few points.
    fn growth(&self) -> f64 {
        0.0
    }
}

impl Findings for NoiseParts {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        group::add_parts(record.group_mut("problem"), &problem.grid, self);
        record.groups.extend(group::path_group(&problem.grid, self));
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}
