use super::*;

/// Fourth-order central difference.
fn difference(e: &Expression, at: [f64; 2], k: usize) -> f64 {
    let h = 1e-3;
    let shifted = |steps: f64| {
        let mut p = at;
        p[k] += steps * h;
        e.evaluate(&p)
    };
    (shifted(-2.0) - 8.0 * shifted(-1.0) + 8.0 * shifted(1.0) - shifted(2.0)) / (12.0 * h)
}

#[test]
fn every_function_has_the_right_derivatives_up_to_the_third() {
    for text in [
        "sin(x*y)",
        "cos(x + y^2)",
        "tan(x*y/3)",
        "asin(x*y/4)",
        "acos(x/2 - y/5)",
        "atan(x*y)",
        "sinh(x*y)",
        "cosh(x - y)",
        "tanh(x*y)",
        "exp(-x*y)",
        "log(x + y^2)",
        "sqrt(x*y + 1)",
        "abs(x - 3*y)*x",
        "sign(x)*x*y",
        "erf(x*y)",
        "softplus(x*y - 1)",
        "sigmoid(x - y)",
        "relu(x - 3*y)*x",
        "gelu(x*y)",
        "logaddexp(x, y^2)",
        "softmax(x, y, x*y - 1)",
        "sqrt((x - 3*y)^2)*y",
        "min(x^2, y)*y",
        "max(x^2, y)*x",
        "where(x > y, x^3, y^3)",
        "(x > y)*x^2",
        "x^y",
        "2^(x*y)",
        "x^2.5*y",
        "x^-3/y",
        "x^4*y^3 - 3*x/(1 + y^2)",
        "(x^2 - 1)^2/4 + 0.3*x*y",
        "-(x - y)^3",
        "x/y - y/x",
        "(x + y)^1.7",
        "-2*sin(-x)/3",
        "x^0.5 + x^-0.5",
        "exp(x)^2/(1 + exp(x))",
        "min(x, y, x*y)^2",
        "sqrt(x)^3",
    ] {
        let e = parse(text, &xy()).unwrap();
        for at in [[0.7, 1.1], [1.3, 0.4]] {
            let mut orders = vec![e.clone()];
            for order in 1..=3 {
                orders = orders.iter().flat_map(|e| [e.derivative(0), e.derivative(1)]).collect();
                let before: Vec<Expression> = match order {
                    1 => vec![e.clone()],
                    2 => vec![e.derivative(0), e.derivative(1)],
                    _ => [0, 1].iter().flat_map(|&k| [0, 1].map(|j| e.derivative(k).derivative(j))).collect(),
                };
                for (i, derivative) in orders.iter().enumerate() {
                    let (symbolic, numeric) = (derivative.evaluate(&at), difference(&before[i / 2], at, i % 2));
                    let bound = 2e-9 * (1.0 + symbolic.abs());
                    assert!((symbolic - numeric).abs() < bound, "{text}, order {order}, {i}: {symbolic} {numeric}");
                }
            }
        }
    }
}

#[test]
fn simplification_keeps_derivatives_short() {
    let symbols = Symbols::new(&["x"]);
    let constant = |text: &str| parse(text, &symbols).unwrap().derivative(0).as_constant();
    assert_eq!(constant("3*x + 2"), Some(3.0));
    assert_eq!(constant("x - x"), Some(0.0));
    let e = parse("x^2/2", &symbols).unwrap();
    assert_eq!(e.derivative(0), Expression::input(0));
    assert_eq!(e.derivative(0).derivative(0).as_constant(), Some(1.0));
    assert_eq!(parse("2*x*3/6", &symbols).unwrap(), Expression::input(0));
    assert_eq!(parse("x*y", &xy()).unwrap(), parse("y*x", &xy()).unwrap());
    assert!(parse("x*y", &xy()).unwrap() != parse("x + y", &xy()).unwrap());
    assert!(e.depends_on(|i| i == 0) && !e.depends_on(|i| i == 1));
}

/// −1 is the slope on the left, 1 on the right, and so on; the mean of both is exact here.
#[test]
fn kinks_take_the_mean_of_the_one_sided_derivatives() {
    let symbols = Symbols::new(&["x"]).with_columns(&["u"]);
    for (text, at, expected) in [
        ("abs(x - 1)", 1.0, 0.0),
        ("sqrt(x^2)", 0.0, 0.0),
        ("sqrt(4*(x - 1)^2) + x", 1.0, 1.0),
        ("sqrt(x^4)", 0.0, 0.0),
        ("(x^2)^0.5", 0.0, 0.0),
        ("(x^2 + (x - 0)^4)^0.5", 0.0, 0.0), // |x| √(1 + x²)
        ("abs(x)^0.5", 0.0, 0.0),
        ("max(0, 1 - x)", 1.0, -0.5), // hinge
        ("max(0, 1 - x)^2", 1.0, 0.0),
        ("relu(2*x)", 0.0, 1.0),
        ("max(x, -x, 3*x)", 0.0, 1.5), // the larger of the first two has slope 0 there
        ("min(x, 2*x)", 0.0, 1.5),
        ("where(x > 1, 3*x - 2, x)", 1.0, 2.0),
        ("where(x >= 1, 3*x - 2, x)", 1.0, 2.0),
        ("where((x > 0)*(x < 1), x, 0)", 0.0, 0.5),
        ("where(x > 0.3, 5, 0) + x^2/2", 0.3, 0.3), // a jump: of the branch in force
        ("where(x > 0, log(x + 1), x^2)", 0.0, 0.5),
        ("abs(u - x)", 2.0, 0.0),
        ("0.1*abs(x) + x^2/2", 0.0, 0.0),
    ] {
        let derivative = parse(text, &symbols).unwrap().derivative(0);
        let compiled = Program::compile(std::slice::from_ref(&derivative)).evaluate_point(&[at, 2.0])[0];
        assert_eq!((derivative.evaluate(&[at, 2.0]), compiled), (expected, expected), "{text} at {at}");
    }
    // a root that falls without end stays so
    assert!(parse("sqrt(x)", &symbols).unwrap().derivative(0).evaluate(&[0.0, 0.0]).is_infinite());
    let cone = parse("sqrt(x^2 + y^2)", &xy()).unwrap();
    for k in 0..2 {
        assert_eq!(cone.derivative(k).evaluate(&[0.0, 0.0]), 0.0);
        assert!((cone.derivative(k).evaluate(&[0.3, 0.4]) - [0.6, 0.8][k]).abs() < 1e-15);
    }
}
