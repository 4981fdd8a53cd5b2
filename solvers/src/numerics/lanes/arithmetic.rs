//! Arithmetic without branches that the functions are made of.

/// a·b + c with one rounding.
#[inline(always)]
pub fn fma(a: f64, b: f64, c: f64) -> f64 {
    a.mul_add(b, c)
}

/// Adding it rounds to an integer (ties to even) that then stands in the low mantissa bits; 1.5·2^52.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0;

/// Smaller of two numbers, NaN where either is (`f64::min` would drop it).
#[inline(always)]
pub fn min(a: f64, b: f64) -> f64 {
    let smaller = if a < b { a } else { b };
    if a.is_nan() { a } else { smaller }
}

/// Larger of two numbers, NaN where either is.
#[inline(always)]
pub fn max(a: f64, b: f64) -> f64 {
    let larger = if a > b { a } else { b };
    if a.is_nan() { a } else { larger }
}

/// −1, 0 or 1; NaN for NaN.
#[inline(always)]
pub fn sign(x: f64) -> f64 {
    let nonnegative = if x > 0.0 { 1.0 } else { x };
    if x < 0.0 { -1.0 } else { nonnegative }
}

/// Horner's rule with fused multiply-adds, coefficients from the constant term upwards.
macro_rules! polynomial {
    ($x:expr; $first:expr $(, $rest:expr)* $(,)?) => { polynomial!(@ $x; [] $first $(, $rest)*) };
    (@ $x:expr; [$($done:expr),*] $next:expr, $($rest:expr),+) => { polynomial!(@ $x; [$next $(, $done)*] $($rest),+) };
    (@ $x:expr; [$($done:expr),*] $last:expr) => {{
        let (x, p): (f64, f64) = ($x, $last);
        $(let p = p.mul_add(x, $done);)*
        p
    }};
}
pub(super) use polynomial;
