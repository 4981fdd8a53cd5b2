//! The extension module `fpsolve._fpsolve`: scenarios run without the GIL, records as arrays of numpy that share their memory.

mod failure;
mod record;
mod run;

use pyo3::prelude::*;
use pyo3::types::PyModule;

/// The JSON Schema of a scenario, as text.
#[pyfunction]
fn scenario_schema() -> String {
    fpsolve::scenario::schema::schema().to_string()
}

/// The program: arguments as on the command line, the name first; gives the exit code.
#[pyfunction]
fn main(arguments: Vec<String>) -> u8 {
    use fpsolve::{cli, error};
    error::install_reporter();
    let matches = cli::command().get_matches_from(arguments);
    match cli::run(&matches) {
        Ok(outcome) => outcome as u8,
        Err(failure) => {
            error::show(&failure.report);
            failure.outcome as u8
        }
    }
}

#[pymodule]
fn _fpsolve(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("FpsolveError", module.py().get_type::<failure::FpsolveError>())?;
    module.add("ScenarioError", module.py().get_type::<failure::ScenarioError>())?;
    module.add("TooLarge", module.py().get_type::<failure::TooLarge>())?;
    module.add("RecordError", module.py().get_type::<failure::RecordError>())?;
    module.add_class::<record::Record>()?;
    module.add_class::<run::Finished>()?;
    module.add_function(wrap_pyfunction!(scenario_schema, module)?)?;
    module.add_function(wrap_pyfunction!(main, module)?)?;
    module.add_function(wrap_pyfunction!(run::run, module)?)
}
