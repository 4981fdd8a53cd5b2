use super::*;
use crate::numerics::lanes::{Level, force_level};

const ALL: [&str; 30] = [
    "sin(x)",
    "cos(x*y)",
    "tan(x)",
    "asin(x/9)",
    "acos(y/9)",
    "atan(x)",
    "sinh(x)",
    "cosh(y)",
    "tanh(x)",
    "exp(y)",
    "log(x)",
    "sqrt(x)",
    "abs(x)",
    "sign(y)",
    "erf(x)",
    "sigmoid(x)",
    "softplus(3*x)",
    "relu(y)",
    "gelu(x)",
    "logaddexp(x, y)",
    "softmax(x, y, x*y)",
    "min(x, y)",
    "max(x, 2)",
    "where(x > y, x, 1)",
    "x^y",
    "2^x",
    "x^2.7",
    "(x <= 1) + 2*(x == y) + 4*(x != y) + 8*(1 < y)",
    "x*y + 2 - x/y",
    "3 - 2*(x + 1)/(4 - x)",
];

fn points(n: usize) -> Vec<f64> {
    (0..2 * n).map(|i| (i as f64 * 0.618_033_988_75).fract() * 12.0 - 4.0).collect()
}

fn compiled(texts: &[&str]) -> (Vec<Expression>, Program) {
    let expressions: Vec<Expression> = texts.iter().map(|t| parse(t, &xy()).unwrap()).collect();
    let program = Program::compile(&expressions);
    (expressions, program)
}

/// Equal up to the rounding that fused operations save.
fn close(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 4e-15 * (1.0 + a.abs().max(b.abs()))
}

#[test]
fn programs_agree_with_their_expressions_for_every_length() {
    let (mut expressions, _) = compiled(&ALL);
    let first: Vec<Expression> = expressions.iter().map(|e| e.derivative(0)).collect();
    expressions.extend(first);
    expressions.extend([Expression::constant(7.0), Expression::input(1), Expression::input(1), expressions[0].clone()]);
    let program = Program::compile(&expressions);
    for n in [1, 2, 127, 128, 129, 300] {
        let inputs = points(n);
        let mut out = vec![0.0; expressions.len() * n];
        program.evaluate(&inputs, &mut out);
        for i in 0..n {
            for (k, e) in expressions.iter().enumerate() {
                let expected = e.evaluate(&[inputs[i], inputs[n + i]]);
                assert!(close(out[k * n + i], expected), "{k} at {i}: {} {expected}", out[k * n + i]);
            }
            let alone = program.evaluate_point(&[inputs[i], inputs[n + i]]);
            assert!(
                (0..expressions.len()).all(|k| alone[k].to_bits() == out[k * n + i].to_bits() || alone[k].is_nan())
            );
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    let (_, program) = compiled(&ALL);
    let inputs = points(500);
    let run = |level| {
        force_level(level);
        let mut out = vec![0.0; ALL.len() * 500];
        program.evaluate(&inputs, &mut out);
        force_level(None);
        out
    };
    let best = run(None);
    for level in [Level::Avx2, Level::Baseline] {
        let equal = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        assert!(best.iter().zip(&run(Some(level))).all(equal), "{level:?}");
    }
}

#[test]
fn shared_parts_are_computed_once_and_products_fused() {
    let x = Symbols::new(&["x"]);
    let e = ["x - x^3", "0.05*(1 + x^2)"].map(|t| parse(t, &x).unwrap());
    assert_eq!(Program::compile(&e).instructions(), 3); // x², x − x²·x, 0.05 x² + 0.05
    let loss = parse("tanh(3*x)^2", &x).unwrap();
    let all = [loss.clone(), loss.derivative(0)];
    assert_eq!(Program::compile(&all).instructions(), 7); // 3x, tanh, t², 1 − t², ·t, ·6, and t² copied out
    assert_eq!(Program::compile(&[]).outputs(), 0);
    Program::compile(&[]).evaluate(&[], &mut []);
}

#[test]
fn not_a_number_and_infinity_pass_through() {
    let inf = f64::INFINITY;
    for (text, x, expected) in [
        ("exp(x)", inf, inf),
        ("exp(-x)", inf, 0.0),
        ("tanh(x)", -inf, -1.0),
        ("log(x)", 0.0, -inf),
        ("log(x)", -1.0, f64::NAN),
        ("sqrt(x)", -1.0, f64::NAN),
        ("1/x", 0.0, inf),
        ("sin(x)", inf, f64::NAN),
        ("sin(x)", 1e22, -0.852_200_849_767_188_8),
        ("cos(x)", 1e300, 1e300_f64.cos()),
        ("x + 1", f64::NAN, f64::NAN),
        ("min(x, 1)", f64::NAN, f64::NAN),
        ("max(1, x)", f64::NAN, f64::NAN),
        ("where(x > 0, 1, 2)", f64::NAN, 2.0),
        ("where(x, 1, 2)", f64::NAN, 2.0),
        ("erf(x)", f64::NAN, f64::NAN),
        ("x^2", -inf, inf),
        ("x^0.3", -1.0, f64::NAN),
    ] {
        let (expressions, program) = compiled(&[text]);
        for found in [program.evaluate_point(&[x, 0.0])[0], expressions[0].evaluate(&[x, 0.0])] {
            assert!(close(found, expected), "{text} at {x}: {found}");
        }
    }
}

/// Values and slopes far out, against closed forms; softplus(−40) = e^−40 (1 − e^−40/2 + …).
#[test]
fn smooth_steps_are_exact_far_out() {
    let small = (-40.0_f64).exp();
    for (text, x, value, slope) in [
        ("softplus(x)", 800.0, 800.0, 1.0),
        ("softplus(x)", -800.0, 0.0, 0.0),
        ("softplus(x)", -40.0, small, small),
        ("softplus(x)", 0.0, std::f64::consts::LN_2, 0.5),
        ("sigmoid(x)", 800.0, 1.0, 0.0),
        ("sigmoid(x)", -800.0, 0.0, 0.0),
        ("sigmoid(x)", -40.0, small, small),
        ("sigmoid(x)", 40.0, 1.0, small),
        ("sigmoid(x)", 0.0, 0.5, 0.25),
        ("relu(x)", 800.0, 800.0, 1.0),
        ("relu(x)", -800.0, 0.0, 0.0),
        ("gelu(x)", 800.0, 800.0, 1.0),
        ("gelu(x)", -800.0, 0.0, 0.0),
        ("gelu(x)", 1.0, 0.841_344_746_068_542_9, 1.083_315_470_587_686_4), // Φ(1), Φ(1) + φ(1)
        ("logaddexp(x, -x)", 800.0, 800.0, 1.0),
        ("logaddexp(x, 2*x)", -800.0, -800.0, 1.0),
        ("logaddexp(x, 1)", -1e20, 1.0, 0.0),
        ("logaddexp(x, x)", -800.0, -800.0 + std::f64::consts::LN_2, 1.0),
        ("logaddexp(x, 2, 3)", -800.0, 3.313_261_687_518_222_8, 0.0),
        ("logsumexp(x, 2, 3)", -800.0, 3.313_261_687_518_222_8, 0.0),
        ("softmax(x, 0)", 0.0, 0.5, 0.25),
        ("softmax(x, 0, 0)", 0.0, 1.0 / 3.0, 2.0 / 9.0),
        ("softmax(x, -x, 0)", 800.0, 1.0, 0.0),
        ("softmax(0, x, -x)", 800.0, 0.0, 0.0),
        ("softmax(x, 40)", 0.0, small, small),
        ("abs(x)^1.5 + sqrt(x^2) + max(x, -x, 0)", 0.0, 0.0, 0.0),
    ] {
        let (expressions, _) = compiled(&[text]);
        let program = Program::compile(&[expressions[0].clone(), expressions[0].derivative(0)]);
        let found = program.evaluate_point(&[x, 0.0]);
        for (found, expected) in found.iter().zip([value, slope]) {
            assert!((found - expected).abs() <= 4e-16 * expected.abs(), "{text} at {x}: {found} {expected}");
        }
    }
}
