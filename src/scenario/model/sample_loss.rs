//! `kind = "sample-loss"`: a formula for the loss of a sample, of the variables, the parameters and the data columns.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::model;
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::model::sample_loss::SampleLossModel;
use miette::Result;

use super::variables::{parameters, variables};
use super::{Given, Model, ModelKind, Parameter, Read, require_data};
use crate::reader::formula::formula;
use crate::reader::{Kind, Located, Table};
use crate::scenario::data::Data;

pub(super) const KIND: Kind<'static, Read> =
    Kind { word: "sample-loss", keys: &["parameters", "sample_loss"], meaning: read };

/// The keys of `kind = "sample-loss"`.
#[derive(Debug)]
struct SampleLoss {
    parameters: Vec<Parameter>,
    sample_loss: Located<String>,
}

fn read(table: &Table, data: Option<Located<Data>>) -> Result<Model> {
    let variables = variables(table)?;
    let parameters = parameters(table, &variables)?;
    let help = "write sample_loss = \"…\", a formula of the variables, parameters and data columns";
    let sample_loss = formula(&table.require("sample_loss", help)?)?;
    require_data(table, &data)?;
    Ok(Model { variables, kind: Arc::new(SampleLoss { parameters, sample_loss }), data })
}

impl ModelKind for SampleLoss {
    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn span(&self) -> Range<usize> {
        self.sample_loss.span.clone()
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn model::Model>> {
        let (source, data) = (given.source, given.require_data()?);
        let symbols = given.model.symbols().with_columns(data.names());
        let names = &given.model.variables.span;
        symbols.check().map_err(|error| source.solver_error(names, "these names", &error))?;
        let loss = source.parse(&self.sample_loss, &symbols)?;
        let model = SampleLossModel::new(given.model.dimension(), &loss, data);
        Ok(Arc::new(model.map_err(|error| source.solver_error(&self.sample_loss.span, "this formula", &error))?))
    }

    fn formulas(&self, _given: &Given) -> Result<Option<FormulaModel>> {
        Ok(None)
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
