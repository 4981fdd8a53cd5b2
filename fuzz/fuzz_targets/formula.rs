//! A formula is parsed, differentiated, compiled and evaluated, or refused.
#![no_main]

use fpsolve_solvers::formula::{Program, Symbols, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let symbols = Symbols::new(&["x", "y"]).with_parameters([("a", 0.3)]);
    if let Ok(expression) = parse(text, &symbols) {
        let derivatives = [0, 1].map(|k| expression.derivative(k));
        let program = Program::compile(&[expression, derivatives[0].clone(), derivatives[1].clone()]);
        let _ = program.evaluate_point(&[0.5, -1.5]);
    }
});
