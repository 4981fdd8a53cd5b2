//! Records in Python: groups, attributes, datasets whose arrays share the memory of the record.

use std::path::PathBuf;

use fpsolve::record::hdf5::{self, Existing};
use fpsolve::record::{self, Attribute, Values, lookup};
use fpsolve::summary::summary;
use numpy::PyArray;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::failure::RecordError;

/// The record of a run, in memory.
#[pyclass(frozen, module = "fpsolve._fpsolve")]
pub struct Record {
    pub record: record::Record,
}

/// A dataset: values, names of the axes, units, long name.
type Parts<'py> = (Bound<'py, PyAny>, Vec<String>, String, String);

impl Record {
    fn find(&self, path: &str) -> PyResult<&record::Group> {
        self.record.group(path).ok_or_else(|| PyKeyError::new_err(format!("the record has no group {path:?}")))
    }
}

#[pymethods]
impl Record {
    /// Reads a record file. Raises: no record, or a damaged one.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let record = py.detach(|| hdf5::read(&path));
        record.map(|record| Self { record }).map_err(|error| RecordError::new_err(error.to_string()))
    }

    /// Names of the groups in the group at `path`.
    fn groups(&self, path: &str) -> PyResult<Vec<String>> {
        Ok(self.find(path)?.groups.iter().map(|group| group.name.clone()).collect())
    }

    /// Names of the datasets in the group at `path`.
    fn datasets(&self, path: &str) -> PyResult<Vec<String>> {
        Ok(self.find(path)?.datasets.iter().map(|dataset| dataset.name.clone()).collect())
    }

    /// Attributes of the group at `path`.
    fn attributes<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyDict>> {
        let attributes = PyDict::new(py);
        for (name, value) in &self.find(path)?.attributes {
            match value {
                Attribute::Float(x) => attributes.set_item(name, x)?,
                Attribute::Integer(n) => attributes.set_item(name, n)?,
                Attribute::Text(text) => attributes.set_item(name, text)?,
            }
        }
        Ok(attributes)
    }

    /// The dataset `name` of the group at `path`: values, axes, units, long name. Numbers share the memory of the record.
    fn dataset<'py>(slf: &Bound<'py, Self>, path: &str, name: &str) -> PyResult<Parts<'py>> {
        let owner = slf.clone().into_any();
        let missing = || PyKeyError::new_err(format!("the group {path:?} has no dataset {name:?}"));
        let group = slf.get().find(path)?;
        let dataset = group.datasets.iter().find(|dataset| dataset.name == name).ok_or_else(missing)?;
        let values = match &dataset.values {
            // SAFETY: the array belongs to `owner`, a frozen object that the numpy array keeps alive; it is never written to.
            Values::Float(a) => unsafe { PyArray::borrow_from_array(a, owner) }.into_any(),
            // SAFETY: as above.
            Values::Integer(a) => unsafe { PyArray::borrow_from_array(a, owner) }.into_any(),
            Values::Text(rows) => PyList::new(slf.py(), rows)?.into_any(),
        };
        if !matches!(dataset.values, Values::Text(_)) {
            values.getattr("flags")?.setattr("writeable", false)?;
        }
        Ok((values, dataset.axes.clone(), dataset.units.clone(), dataset.long_name.clone()))
    }

    /// The number at a path with selectors, as in `[expect]`: `stationary/mean/x`. Raises: a path that leads to none.
    fn number(&self, path: &str) -> PyResult<f64> {
        lookup::lookup(&self.record, path).map_err(PyKeyError::new_err)
    }

    /// The summary that the command line prints.
    fn summary(&self) -> String {
        summary(&self.record)
    }

    /// Writes it as HDF5. Raises: a file is there and `force` is false; the system refuses.
    fn save(&self, py: Python<'_>, path: PathBuf, force: bool) -> PyResult<()> {
        let existing = if force { Existing::Replaced } else { Existing::Kept };
        let written = py.detach(|| hdf5::write(&self.record, &path, existing));
        written.map(|_| ()).map_err(|error| RecordError::new_err(error.to_string()))
    }
}
