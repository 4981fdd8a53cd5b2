//! `[model.data]` → samples.

use std::sync::Arc;

use fpsolve_solvers::formula::{Program, Symbols};
use fpsolve_solvers::model::data::{Data, even_inputs, random_inputs};
use miette::Result;

use crate::reader::Located;
use crate::scenario::data::{Origin, Teacher, load};
use crate::scenario::model::build::parse;
use crate::scenario::{Scenario, data};

/// Reads, makes and standardises the samples; None for a model without data.
pub(super) fn build(scenario: &Scenario) -> Result<Option<Arc<Data>>> {
    let Some(written) = &scenario.model.data else { return Ok(None) };
    let (span, mut data) = match &written.value.origin {
        Origin::File { file, columns } => {
            let columns = load::load(&scenario.source, file, columns)?;
            (&file.span, new(scenario, written, columns)?)
        }
        Origin::Points(columns) => {
            let columns = columns.iter().map(|(name, values)| (name.value.clone(), values.value.clone())).collect();
            (&written.span, new(scenario, written, columns)?)
        }
        Origin::Teacher(teacher) => (&teacher.function.span, from_teacher(scenario, teacher)?),
    };
    if written.value.standardize {
        data.standardize().map_err(|error| scenario.solver_error(span, "these data", &error))?;
    }
    Ok(Some(Arc::new(data)))
}

fn new(scenario: &Scenario, written: &Located<data::Data>, columns: load::Columns) -> Result<Data> {
    Data::new(columns).map_err(|error| scenario.solver_error(&written.span, "these data", &error))
}

fn from_teacher(scenario: &Scenario, teacher: &Teacher) -> Result<Data> {
    let parameters = scenario.parameters();
    let symbols = Symbols::new(&["x"]).with_parameters(parameters);
    let function = parse(scenario, &teacher.function, &symbols)?;
    let inputs = match teacher.even {
        true => even_inputs(teacher.from, teacher.to, teacher.samples),
        false => random_inputs(teacher.from, teacher.to, teacher.samples, scenario.seed),
    };
    let mut truth = vec![0.0; inputs.len()];
    Program::compile(&[function]).evaluate(&inputs, &mut truth);
    if let Some(i) = truth.iter().position(|y| !y.is_finite()) {
        let message = format!("the teacher's function is {} at x = {}", truth[i], inputs[i]);
        let help = "change the function or the range of the inputs";
        return Err(scenario.source.error(&teacher.function.span, message, "not finite on the inputs", help));
    }
    Data::from_teacher(inputs, truth, teacher.noise_std, &teacher.outliers, scenario.seed)
        .map_err(|error| scenario.solver_error(&teacher.function.span, "this teacher", &error))
}
