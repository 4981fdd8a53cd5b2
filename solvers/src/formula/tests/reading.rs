use super::*;

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, expected) in [
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("-x^2*3", -27.0),
        ("6/3/2", 1.0),
        ("1 - 2 - 3", -4.0),
        ("2 + 3*4", 14.0),
        ("(2 + 3)*4", 20.0),
        ("--x", 3.0),
        ("+x", 3.0),
        ("2*-x", -6.0),
        ("1e-1 + .5 + 2.", 2.6),
        ("x > 1", 1.0),
        ("x + 1 < y", 0.0),
        ("(x > 1)*(y >= -5)", 1.0),
        ("x == 3", 1.0),
        ("x != 3", 0.0),
        ("where(x > y, x, y)", 3.0),
        ("min(4, x, y) + max(x, y)", -2.0),
        ("a*lambda", -1.0),
        ("log(e) + cos(pi)", 0.0),
        ("cos(π)", -1.0),
        ("abs(y) + sign(y) + sqrt(4)", 6.0),
        ("x^-2*9", 1.0),
        ("4^1.5", 8.0),
        ("x-x", 0.0),
        ("1e400^0", f64::NAN),
    ] {
        if expected.is_nan() {
            assert!(parse(text, &xy()).is_err(), "{text}");
        } else {
            assert!((value(text, 3.0, -5.0) - expected).abs() < 1e-15, "{text} = {}", value(text, 3.0, -5.0));
        }
    }
}

#[test]
fn errors_point_at_their_place() {
    for (text, place, message, help) in [
        ("", "", "the formula is empty", "for example 0"),
        ("2x", "x", "an operator is missing", "2*x"),
        ("x ** 2", "**", "`**` is not used", "x^2"),
        ("x + z", "z", "the name `z` is unknown", "known names: x, y, a, lambda, pi, e"),
        ("lamda*x", "lamda", "unknown", "did you mean `lambda`?"),
        ("tahn(x)", "tahn", "unknown", "did you mean `tanh`?"),
        ("ln(x)", "ln", "unknown", "log(x)"),
        ("x(2)", "x", "not a function", "x*("),
        ("sin x", "sin", "brackets", "sin(…)"),
        ("min(x)", "min(x)", "cannot take 1 argument", "min(a, b)"),
        ("sin(x, y)", "sin(x, y)", "cannot take 2 arguments", "sin(x)"),
        ("where(x, 1)", "where(x, 1)", "cannot take 2 arguments", "where(condition, a, b)"),
        ("(x + 1", "(", "never closed", ")"),
        ("x + 1)", ")", "never opened", "remove"),
        ("x + * 2", "*", "missing before `*`", ""),
        ("x +", "", "ends where", ""),
        ("0 < x < 1", "<", "chained", "(a < b)*(b < c)"),
        ("x = 2", "=", "no meaning", "=="),
        ("x − 2", "−", "no meaning", "hyphen"),
        ("1,5*x", ",", "comma", "1.5"),
        ("(1,5)*x", ",", "comma", "1.5"),
        ("1e999", "1e999", "too large", ""),
        ("1.2.3", ".3", "operator is missing", ""),
        (". + 1", ".", "not a number", ""),
    ] {
        let error = parse(text, &xy()).unwrap_err();
        assert_eq!(&text[error.span.clone()], place, "{text}: {error:?}");
        assert!(error.message.contains(message), "{text}: {error:?}");
        assert!(error.help.contains(help), "{text}: {error:?}");
    }
    assert_eq!(parse("0 < x < 1", &xy()).unwrap_err().span, 6..7);
}

#[test]
fn length_depth_and_nodes_are_bounded() {
    let nested = |n: usize| format!("{}x{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(32), &xy()).is_ok());
    assert!(parse(&nested(33), &xy()).unwrap_err().message.contains("32 levels"));
    assert!(parse(&"-".repeat(3000), &xy()).unwrap_err().message.contains("32 levels"));
    assert!(parse(&format!("x{}", "^x".repeat(100)), &xy()).unwrap_err().message.contains("32 levels"));
    assert!(parse(&format!("x{}", "+x".repeat(127)), &xy()).is_ok());
    assert!(parse(&format!("x{}", "+x".repeat(128)), &xy()).unwrap_err().message.contains("256"));
    assert!(parse(&" ".repeat(5000), &xy()).unwrap_err().message.contains("too long"));
}

#[test]
fn names_are_checked() {
    assert!(xy().with_columns(&["u", "v_2", "θ", "w₁", "β_0", "Länge"]).check().is_ok());
    for bad in ["x", "a", "sin", "e", "π", "2b", "", "b c", "x²", "xⁿ", "b-c", "\u{1b}", "½"] {
        assert!(xy().with_columns(&[bad]).check().is_err(), "{bad}");
    }
    let columns = Symbols::new(&["w"]).with_columns(&["u", "v"]);
    assert_eq!(parse("v - w*u", &columns).unwrap().evaluate(&[2.0, 3.0, 10.0]), 4.0);
    assert_eq!((columns.inputs(), columns.columns().len()), (3, 2));
    let greek = Symbols::new(&["θ", "w₁"]);
    assert_eq!(parse("θ*w₁^2", &greek).unwrap().evaluate(&[2.0, 3.0]), 18.0);
    assert!(parse("θ²", &greek).unwrap_err().help.contains("x^2"));
}
