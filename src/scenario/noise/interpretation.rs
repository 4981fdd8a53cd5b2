//! `interpretation`: in which sense the stochastic equation is meant.

use fpsolve_solvers::dynamics::Interpretation;
use miette::Result;

use crate::reader::Value;

const WORDS: [(&str, Interpretation); 3] = [
    ("ito", Interpretation::Ito),
    ("stratonovich", Interpretation::Stratonovich),
    ("haenggi-klimontovich", Interpretation::HaenggiKlimontovich),
];

/// The sense with the written name. Errors: another word.
pub(super) fn read(value: &Value) -> Result<Interpretation> {
    Ok(value.choice(&WORDS)?.value)
}
