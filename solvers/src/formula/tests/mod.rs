#![allow(clippy::unwrap_used)]

mod derivatives;
mod programs;
mod random;
mod reading;

use super::*;

fn xy() -> Symbols {
    Symbols::new(&["x", "y"]).with_parameters([("a", 0.5), ("lambda", -2.0)])
}

fn value(text: &str, x: f64, y: f64) -> f64 {
    parse(text, &xy()).unwrap().evaluate(&[x, y])
}
