//! D of a model that is interpolated from a table.

use super::matrix::Diffusion;
use crate::Error;
use crate::model::Model;

/// D(θ) of the table of a model, see [`crate::model::table::TableDiffusion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table(());

impl Table {
    /// D of the table of a model.
    ///
    /// Errors: a model that is no table, or whose table gives no D.
    pub fn new(model: &dyn Model) -> Result<Self, Error> {
        let given = model.table().and_then(|table| table.diffusion());
        let refusal = || Error::invalid("the model has no table that gives D", "choose another noise");
        given.map(|_| Self(())).ok_or_else(refusal)
    }
}

impl Diffusion for Table {
    /// NaN for a model without a table that gives D, which is another one than the noise was made for.
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        match model.table().and_then(|table| table.diffusion()) {
            Some(table) => table.evaluate(points, diffusion),
            None => diffusion.fill(f64::NAN),
        }
    }
}
