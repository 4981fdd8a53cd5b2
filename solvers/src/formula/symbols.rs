//! The names that a formula may use.

use super::functions::{CONSTANTS, FUNCTIONS};
use crate::Error;

/// Variables, parameters with their values, and data columns. A formula's inputs are the variables, then the columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Symbols {
    variables: Vec<String>,
    parameters: Vec<(String, f64)>,
    columns: Vec<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Symbol {
    Input(usize),
    Value(f64),
}

impl Symbols {
    /// Symbols with these variables, no parameters and no data columns.
    pub fn new(variables: &[impl AsRef<str>]) -> Self {
        Self { variables: variables.iter().map(|v| v.as_ref().to_owned()).collect(), ..Self::default() }
    }

    /// Adds parameters: names with fixed values.
    #[must_use]
    pub fn with_parameters(mut self, parameters: impl IntoIterator<Item = (impl Into<String>, f64)>) -> Self {
        self.parameters.extend(parameters.into_iter().map(|(name, value)| (name.into(), value)));
        self
    }

    /// Adds data columns.
    #[must_use]
    pub fn with_columns(mut self, columns: &[impl AsRef<str>]) -> Self {
        self.columns.extend(columns.iter().map(|c| c.as_ref().to_owned()));
        self
    }

    /// Names of the variables, in the order of the inputs.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Names of the data columns; column c is input (number of variables) + c.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of inputs of a formula: variables and columns.
    pub fn inputs(&self) -> usize {
        self.variables.len() + self.columns.len()
    }

    /// Checks that every name can be used: letters, digits and `_`, no function, not `pi` or `e`, no name twice.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the name.
    pub fn check(&self) -> Result<(), Error> {
        let names: Vec<&str> = self.names().collect();
        for (i, name) in names.iter().enumerate() {
            let mut letters = name.chars();
            let starts = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
            if !starts || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(Error::invalid(
                    format!("`{name}` cannot be a name in formulas"),
                    "use letters, digits and _, starting with a letter",
                ));
            }
            if FUNCTIONS.iter().any(|f| f.0 == *name) || CONSTANTS.iter().any(|c| c.0 == *name) {
                let what = format!("the name `{name}` already has a meaning in formulas");
                return Err(Error::invalid(what, "choose another name"));
            }
            if names[..i].contains(name) {
                let what = format!("the name `{name}` is given twice");
                return Err(Error::invalid(what, "variables, parameters and data columns need different names"));
            }
        }
        Ok(())
    }

    pub(super) fn find(&self, name: &str) -> Option<Symbol> {
        let position = |names: &[String]| names.iter().position(|n| n == name);
        position(&self.variables)
            .map(Symbol::Input)
            .or_else(|| self.parameters.iter().find(|p| p.0 == name).map(|p| Symbol::Value(p.1)))
            .or_else(|| position(&self.columns).map(|c| Symbol::Input(self.variables.len() + c)))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let parameters = self.parameters.iter().map(|p| &p.0);
        self.variables.iter().chain(parameters).chain(&self.columns).map(String::as_str)
    }
}
