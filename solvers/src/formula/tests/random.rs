//! Random formulas: nothing panics, and what is read is what was written.

use proptest::prelude::*;

use super::*;

/// A formula by itself, evaluated with the standard library.
#[derive(Debug, Clone)]
enum Tree {
    Number(f64),
    X,
    Y,
    Call(&'static str, Box<Tree>),
    Pair(&'static str, Box<Tree>, Box<Tree>),
    Power(Box<Tree>, i32),
    Where(Box<Tree>, Box<Tree>, Box<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Number(c) => format!("{c}"),
            Self::X => "x".into(),
            Self::Y => "y".into(),
            Self::Call("-", a) => format!("(-{})", a.text()),
            Self::Call(f, a) => format!("{f}({})", a.text()),
            Self::Pair(f @ ("min" | "max"), a, b) => format!("{f}({}, {})", a.text(), b.text()),
            Self::Pair(f, a, b) => format!("({} {f} {})", a.text(), b.text()),
            Self::Power(a, n) => format!("({})^({n})", a.text()),
            Self::Where(c, a, b) => format!("where({} < 1, {}, {})", c.text(), a.text(), b.text()),
        }
    }

    /// Value and a bound for the rounding error of any order of evaluation, to first order.
    fn value(&self, x: f64, y: f64) -> (f64, f64) {
        let eps = 1e-15;
        match self {
            Self::Number(c) => (*c, 0.0),
            Self::X => (x, 0.0),
            Self::Y => (y, 0.0),
            Self::Call(f, a) => {
                let (a, e) = a.value(x, y);
                let (v, slope): (f64, f64) = match *f {
                    "-" => (-a, 1.0),
                    "sin" => (a.sin(), 1.0),
                    "tanh" => (a.tanh(), 1.0),
                    "atan" => (a.atan(), 1.0),
                    "abs" => (a.abs(), 1.0),
                    _ => (a.exp(), a.exp()),
                };
                (v, slope * e + eps * v.abs())
            }
            Self::Pair(f, a, b) => {
                let ((a, ea), (b, eb)) = (a.value(x, y), b.value(x, y));
                let (v, e) = match *f {
                    "+" => (a + b, ea + eb + eps * (a.abs() + b.abs())),
                    "-" => (a - b, ea + eb + eps * (a.abs() + b.abs())),
                    "*" => (a * b, ea * b.abs() + eb * a.abs()),
                    "/" => (a / b, ea / b.abs() + eb * a.abs() / (b * b)),
                    "min" => (a.min(b), ea + eb),
                    _ => (a.max(b), ea + eb),
                };
                (v, e + eps * v.abs())
            }
            Self::Power(a, n) => {
                let (a, e) = a.value(x, y);
                let v = a.powi(*n);
                (v, f64::from(n.abs()) * (e * a.powi(n - 1).abs() + eps * v.abs()))
            }
            Self::Where(c, a, b) => {
                let (c, e) = c.value(x, y);
                let sure = (c - 1.0).abs() > 10.0 * e; // an error that is not a number is none: a pole has the sign of a zero
                let (v, ev) = if c < 1.0 { a.value(x, y) } else { b.value(x, y) };
                (v, if sure { ev } else { f64::INFINITY })
            }
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let number = (-40..40_i32).prop_map(|n| Tree::Number(f64::from(n) / 8.0));
    let leaf = prop_oneof![number, Just(Tree::X), Just(Tree::Y)];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let call = prop::sample::select(vec!["-", "sin", "tanh", "atan", "abs", "exp"]);
        let pair = prop::sample::select(vec!["+", "-", "*", "/", "min", "max"]);
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            (call, boxed()).prop_map(|(f, a)| Tree::Call(f, a)),
            (pair, boxed(), boxed()).prop_map(|(f, a, b)| Tree::Pair(f, a, b)),
            (boxed(), -3..6_i32).prop_map(|(a, n)| Tree::Power(a, n)),
            (boxed(), boxed(), boxed()).prop_map(|(c, a, b)| Tree::Where(c, a, b)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn random_formulas_mean_what_they_say(tree in trees(), x in -2.0..2.0_f64, y in -2.0..2.0_f64) {
        let text = tree.text();
        let Ok(expression) = parse(&text, &xy()) else {
            prop_assert!(text.len() > 100, "{text}"); // only the limits may refuse it
            return Ok(());
        };
        let (expected, error) = tree.value(x, y);
        let found = Program::compile(std::slice::from_ref(&expression)).evaluate_point(&[x, y])[0];
        let certain = expected.is_finite() && error.is_finite();
        prop_assert!(!certain || (found - expected).abs() <= 4.0 * error + 1e-300, "{text}: {found} {expected} {error}");
        let derivative = expression.derivative(0).derivative(1);
        let _ = Program::compile(&[expression, derivative]).evaluate_point(&[x, y]); // no panic
    }

    #[test]
    fn random_tokens_never_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "x", "y", "a", "1", "2.5", ".", "1e", "e", "pi", "+", "-", "*", "/", "^", "(", ")", ",", "<", "<=", "==", "!=", "!", "=",
        "sin", "tanh(", "min(", "where(", "log(", "sqrt(", " ", "−", "é", "0", "1e308", "#", "²", "1e-400",
    ]), 0..40)) {
        let text = parts.concat();
        match parse(&text, &xy()) {
            Ok(expression) => {
                let _ = Program::compile(&[expression.derivative(0), expression]).evaluate_point(&[0.3, -0.7]);
            }
            Err(error) => {
                prop_assert!(text.get(error.span.clone()).is_some(), "{text}: {error:?}");
                prop_assert!(!error.message.is_empty());
            }
        }
    }

    #[test]
    fn random_text_never_panics(text in "\\PC{0,60}") {
        let _ = parse(&text, &xy());
    }
}
