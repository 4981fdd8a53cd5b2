//! `kind = "decomposed"`: D is the noise of minibatches, or some of its parts, averaged over the noise of the data.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::diffusion::{self, Diffusion, FormulaDiffusion};
use fpsolve_solvers::formula::Symbols;
use fpsolve_solvers::gradient_noise::Part;
use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use super::{Given, NoiseKind, Read};
use crate::reader::{Kind, Source, Table, Value};
use crate::scenario::model::Brought;
use crate::scenario::per_variable::PerVariable;

pub(super) const KIND: Kind<'static, Read> = Kind { word: "decomposed", keys: &["parts", "weights"], meaning: read };

const PARTS: [(&str, Part); 3] =
    [("intrinsic", Part::Intrinsic), ("exploration", Part::Exploration), ("mean-gradient", Part::MeanGradient)];

/// The keys of `kind = "decomposed"`.
#[derive(Debug)]
struct Decomposed {
    span: Range<usize>,
    parts: Vec<Part>,
}

fn read(table: &Table, _brought: Brought) -> Result<Arc<dyn NoiseKind>> {
    let parts = table.or("parts", PARTS.map(|(_, part)| part).to_vec(), "all three", parts)?;
    Ok(Arc::new(Decomposed { span: table.kind_span(), parts }))
}

fn parts(value: &Value) -> Result<Vec<Part>> {
    let parts = value.list()?.iter().map(|part| Ok(part.choice(&PARTS)?.value)).collect::<Result<Vec<_>>>()?;
    match parts.is_empty() {
        true => Err(value.error("`noise.parts` is empty", "no parts", "name at least one part")),
        false => Ok(parts),
    }
}

impl NoiseKind for Decomposed {
    fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn of_minibatches(&self) -> bool {
        true
    }

    fn is_isotropic(&self) -> bool {
        false
    }

    fn per_variable(&self) -> Vec<PerVariable> {
        Vec::new()
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn Diffusion>> {
        let Some(teacher) = given.data.and_then(Data::teacher) else {
            let message =
                "kind = \"decomposed\" needs a teacher: only with a known function can the noise be taken apart";
            let help = "write [model.data] teacher = { … } instead of file or points; or kind = \"minibatch\", and \
                        [analysis] decomposition = \"estimate\" for estimates of the parts from residuals";
            return Err(given.source.error(&self.span, message, "no teacher", help));
        };
        if let Some(importance) = given.importance {
            let message = "kind = \"decomposed\" takes apart the noise of uniform sampling, not of importance sampling";
            let help = "remove `importance` from [dynamics], or write kind = \"minibatch\"";
            return Err(given.source.error(&importance.span, message, "another noise", help));
        }
        let built = diffusion::Decomposed::new(given.model, teacher, &self.parts, given.weights);
        Ok(Arc::new(built.map_err(|error| given.source.solver_error(&self.span, "this noise", &error))?))
    }

    fn formulas(&self, _given: &Given) -> Result<Option<FormulaDiffusion>> {
        Ok(None)
    }

    fn check_symmetry(&self, _source: &Source, _symbols: &Symbols, _grid: &Grid) -> Result<()> {
        Ok(()) // sums of covariances
    }
}
