//! `kind = "formula"`: the loss, or a general drift, as formulas of θ.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::model;
use fpsolve_solvers::model::formula::FormulaModel;
use miette::Result;

use super::variables::{parameters, variables};
use super::{Given, Model, ModelKind, Parameter, Read};
use crate::reader::formula::formula;
use crate::reader::{Kind, Located, Table};
use crate::scenario::data::Data;
use crate::text::count;

pub(super) const KIND: Kind<'static, Read> =
    Kind { word: "formula", keys: &["parameters", "loss", "drift"], meaning: read };

/// The keys of `kind = "formula"`.
#[derive(Debug)]
struct Formula {
    parameters: Vec<Parameter>,
    law: Law,
}

/// What the formulas give.
#[derive(Debug)]
enum Law {
    /// A loss L; the drift is −∇L.
    Loss(Located<String>),
    /// The drift, one formula per component.
    Drift(Located<Vec<Located<String>>>),
}

fn read(table: &Table, data: Option<Located<Data>>) -> Result<Model> {
    if let Some(data) = &data {
        let help =
            "write kind = \"sample-loss\" with sample_loss = \"…\" for a loss that uses data, or remove [model.data]";
        let message = "kind = \"formula\" reads no data, but there is a [model.data]";
        return Err(table.source().error(&data.span, message, "not read for this kind", help));
    }
    let variables = variables(table)?;
    let parameters = parameters(table, &variables)?;
    table.exclusive("loss", "drift", "give the loss, or a general drift that need not be a gradient")?;
    let law = match table.get("drift") {
        Some(drift) => {
            let span = drift.span();
            let formulas = drift.list()?.iter().map(formula).collect::<Result<Vec<_>>>()?;
            let (n, d) = (formulas.len(), variables.value.len());
            if n != d {
                let message = format!("`model.drift` has {} for {}", count(n, "formula"), count(d, "variable"));
                let help = "write one formula for each variable";
                return Err(table.source().error(&span, message, "one formula per variable", help));
            }
            Law::Drift(Located { value: formulas, span })
        }
        None => {
            Law::Loss(formula(&table.require("loss", "write loss = \"…\", or drift = [\"…\"] for a general drift")?)?)
        }
    };
    Ok(Model { variables, kind: Arc::new(Formula { parameters, law }), data: None })
}

impl Formula {
    fn model(&self, given: &Given) -> Result<FormulaModel> {
        let symbols = given.model.symbols();
        match &self.law {
            Law::Loss(loss) => Ok(FormulaModel::loss(given.model.dimension(), &given.source.parse(loss, &symbols)?)),
            Law::Drift(drift) => {
                let drift = drift.value.iter().map(|b| given.source.parse(b, &symbols)).collect::<Result<Vec<_>>>()?;
                Ok(FormulaModel::drift(&drift))
            }
        }
    }
}

impl ModelKind for Formula {
    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn span(&self) -> Range<usize> {
        match &self.law {
            Law::Loss(loss) => loss.span.clone(),
            Law::Drift(drift) => drift.span.clone(),
        }
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn model::Model>> {
        Ok(Arc::new(self.model(given)?))
    }

    fn formulas(&self, given: &Given) -> Result<Option<FormulaModel>> {
        self.model(given).map(Some)
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
