use super::*;

macro_rules! kernels {
    ($($name:ident => $f:expr;)*) => {
        $(dispatch! {
            fn $name(x: &[f64], y: &[f64], out: &mut [f64]) {
                for ((o, &x), &y) in out.iter_mut().zip(x).zip(y) {
                    *o = $f(x, y);
                }
            }
        })*
    };
}

kernels! {
    exp_all => |x, _| exp(x);
    exp2_all => |x, _| exp2(x);
    ln_all => |x: f64, _| ln(x);
    sin_all => |x, _| sin(x);
    cos_all => |x, _| cos(x);
    tan_all => |x, _| tan(x);
    tanh_all => |x, _| tanh(x);
    sinh_all => |x, _| sinh(x);
    cosh_all => |x, _| cosh(x);
    erf_all => |x, _| erf(x);
    atan_all => |x, _| atan(x);
    asin_all => |x, _| asin(x);
    acos_all => |x, _| acos(x);
    pow_all => pow;
}

type Kernel = fn(&[f64], &[f64], &mut [f64]);
type Reference = fn(f64, f64) -> f64;

/// Evaluates on all levels, asserts equal bits and the relative error.
fn check(name: &str, kernel: Kernel, reference: Reference, x: &[f64], y: &[f64], tolerance: f64) {
    let run = |level| {
        force_level(level);
        let mut out = vec![0.0; x.len()];
        kernel(x, y, &mut out);
        force_level(None);
        out
    };
    let best = run(None);
    for level in [Level::Avx2, Level::Baseline] {
        let other = run(Some(level));
        assert!(
            best.iter().zip(&other).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()),
            "{name} {level:?}"
        );
    }
    let mut worst = (0.0, 0.0, 0.0);
    for i in 0..x.len() {
        let expected = reference(x[i], y[i]);
        let flushed = expected.abs() < f64::MIN_POSITIVE && best[i] == 0.0; // results below the normal range are 0
        let same = best[i] == expected || flushed || best[i].is_nan() && expected.is_nan();
        let error = if same { 0.0 } else { ((best[i] - expected) / expected).abs() };
        assert!(error <= tolerance, "{name}({:e}, {:e}) = {:e}, expected {expected:e}: {error:e}", x[i], y[i], best[i]);
        if error > worst.0 {
            worst = (error, x[i], y[i]);
        }
    }
    println!("{name}: worst relative error {:.2e} at {:e}, {:e}", worst.0, worst.1, worst.2);
}

/// Evenly spread, with an irrational offset, plus geometrically towards zero, both signs.
fn points(limit: f64) -> Vec<f64> {
    let even = (0..4000).map(|i| limit * ((i as f64 * 0.618_033_988_749_895).fract() * 2.0 - 1.0));
    let small = (0..400).flat_map(|i| [limit * 0.9_f64.powi(i), -limit * 0.9_f64.powi(i)]);
    even.chain(small).collect()
}

fn unary(name: &str, kernel: Kernel, reference: Reference, limit: f64, tolerance: f64) {
    let mut x = points(limit);
    x.extend([0.0, -0.0, f64::NAN, f64::from_bits(0x7FF8_0000_0000_0FFF)]);
    check(name, kernel, reference, &x, &vec![0.0; x.len()], tolerance);
}

#[test]
fn exponentials_agree_with_the_standard_library_on_every_level() {
    let infinite = [f64::INFINITY, f64::NEG_INFINITY, 709.78, 709.79, -708.3, -760.0, 1e300, -1e300, 710.4, 710.5];
    let zeros = [0.0; 10];
    for limit in [1.0, 30.0, 700.0] {
        unary("exp", exp_all, |x, _| x.exp(), limit, 4e-16);
        unary("exp2", exp2_all, |x, _| x.exp2(), limit, 4e-16);
        unary("tanh", tanh_all, |x, _| x.tanh(), limit, 6e-16);
        unary("sinh", sinh_all, |x, _| x.sinh(), limit, 8e-16);
        unary("cosh", cosh_all, |x, _| x.cosh(), limit, 5e-16);
    }
    check("exp", exp_all, |x, _| x.exp(), &infinite, &zeros, 4e-16);
    check("tanh", tanh_all, |x, _| x.tanh(), &infinite, &zeros, 4e-16);
    check("sinh", sinh_all, |x, _| x.sinh(), &infinite, &zeros, 4e-16);
    check("cosh", cosh_all, |x, _| x.cosh(), &infinite, &zeros, 4e-16);
}

#[test]
fn trigonometric_functions_agree_with_the_standard_library_on_every_level() {
    for limit in [1.0, 50.0, 1e5, TRIGONOMETRIC_LIMIT] {
        unary("sin", sin_all, |x, _| x.sin(), limit, 5e-16);
        unary("cos", cos_all, |x, _| x.cos(), limit, 5e-16);
        unary("tan", tan_all, |x, _| x.tan(), limit, 1e-15);
        unary("atan", atan_all, |x, _| x.atan(), limit, 5e-16);
        unary("asin", asin_all, |x, _| x.asin(), limit.min(1.01), 1e-15);
        unary("acos", acos_all, |x, _| x.acos(), limit.min(1.01), 1e-15);
    }
    // close to the zeros, where reduction loses most
    let near: Vec<f64> = (1..2000).map(|k| f64::from(k) * std::f64::consts::FRAC_PI_2).collect();
    check("sin", sin_all, |x, _| x.sin(), &near, &vec![0.0; near.len()], 5e-16);
    check("cos", cos_all, |x, _| x.cos(), &near, &vec![0.0; near.len()], 5e-16);
    let ends = [1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, 1e300, -2.0];
    check("atan", atan_all, |x, _| x.atan(), &ends, &[0.0; 6], 5e-16);
    check("acos", acos_all, |x, _| x.acos(), &ends, &[0.0; 6], 5e-16);
    check("asin", asin_all, |x, _| x.asin(), &ends, &[0.0; 6], 5e-16);
}

#[test]
fn logarithm_and_power_agree_with_the_standard_library_on_every_level() {
    for limit in [2.0, 1e3, 1e300] {
        let mut x: Vec<f64> = points(limit).iter().map(|x| x.abs()).collect();
        x.extend([
            0.0,
            -1.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            5e-324,
            1e-310,
            1.0,
            1.0 + 1e-15,
            1.0 - 1e-15,
        ]);
        check("ln", ln_all, |x, _| x.ln(), &x, &vec![0.0; x.len()], 3e-16);
    }
    let x: Vec<f64> = points(40.0);
    for y in [0.5, -0.5, 2.0, 3.0, -3.0, 0.1, 1.37, -7.25, 10.0, 100.0, 1e-3] {
        check("pow", pow_all, f64::powf, &x, &vec![y; x.len()], 1e-15);
    }
    let special = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, f64::INFINITY, f64::NAN];
    for y in [0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -0.5, 1e300, -1e300, f64::INFINITY] {
        let x: Vec<f64> = special.iter().copied().filter(|x| x.abs() != 1.0 || y.is_finite()).collect();
        check("pow", pow_all, f64::powf, &x, &vec![y; x.len()], 1e-15);
    }
}

#[test]
fn error_function_agrees_with_known_values() {
    // mpmath 1.4, 15 digits beyond double precision
    let known = [
        (1e-10, 1.1283791670955126e-10),
        (0.01, 0.011283415555849618),
        (0.1, 0.1124629160182849),
        (0.3, 0.3286267594591274),
        (0.47, 0.4937450508860821),
        (0.7, 0.6778011938374184),
        (1.0, 0.8427007929497149),
        (1.3, 0.9340079449406524),
        (1.7, 0.9837904585907745),
        (2.0, 0.9953222650189527),
        (2.5, 0.999593047982555),
        (3.1, 0.9999883513426328),
        (4.0, 0.9999999845827421),
        (5.5, 0.9999999999999927),
    ];
    for (x, expected) in known {
        assert!((erf(x) / expected - 1.0).abs() < 8e-16, "erf({x})");
        assert_eq!(erf(-x), -erf(x));
    }
    unary("erf", erf_all, |x, _| erf(x), 8.0, 0.0); // levels only
    assert_eq!(erf(f64::INFINITY), 1.0);
    assert_eq!(erf(f64::NEG_INFINITY), -1.0);
    assert!(erf(f64::NAN).is_nan());
}

#[test]
fn comparisons_keep_nan() {
    let nan = f64::NAN;
    assert!(min(nan, 1.0).is_nan() && min(1.0, nan).is_nan() && max(nan, 1.0).is_nan() && max(1.0, nan).is_nan());
    assert_eq!((min(1.0, 2.0), max(1.0, 2.0)), (1.0, 2.0));
    assert_eq!((sign(-3.0), sign(0.0), sign(2.0)), (-1.0, 0.0, 1.0));
    assert!(sign(nan).is_nan());
}
