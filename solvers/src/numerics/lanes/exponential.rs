//! Exponential, hyperbolic functions and the error function.
//!
//! x = k ln 2 + r with |r| ≤ (ln 2)/2; e^r − 1 is a polynomial of degree 11 with relative error 2·10⁻¹⁷ (minimax, own Remez fit).

use std::f64::consts::{LN_2, LOG2_E};

use super::arithmetic::{ROUND, polynomial};

const LN_2_LOW: f64 = 2.319_046_813_846_299_6e-17;
const OVERFLOW: f64 = 709.782_712_893_384; // ln of the largest number
const UNDERFLOW: f64 = -708.396_418_532_264_1; // ln of the smallest normal number

/// e^r − 1 for |r| ≤ 0.347.
#[inline(always)]
fn exp_m1_core(r: f64) -> f64 {
    let q = polynomial!(r; 0.500_000_000_000_000_6, 0.166_666_666_666_666_85, 0.041_666_666_666_573_67,
        0.008_333_333_333_314_588, 0.001_388_888_893_236_732_6, 0.000_198_412_699_030_420_38, 2.480_150_445_713_498_5e-5,
        2.755_722_794_241_094_4e-6, 2.762_632_276_970_058_6e-7, 2.511_447_679_051_159e-8);
    (r * r).mul_add(q, r)
}

/// e^r − 1 and k (with [`ROUND`] added) such that e^x = 2^k e^r, for |x| < 10^15.
#[inline(always)]
pub(crate) fn reduce(x: f64) -> (f64, f64) {
    reduce_sum(x, 0.0)
}

/// The same for x + low where |low| is below the rounding error of x.
#[inline(always)]
fn reduce_sum(x: f64, low: f64) -> (f64, f64) {
    let k = x.mul_add(LOG2_E, ROUND);
    let n = k - ROUND;
    // n·LN_2 has no more bits than fit below 1/2, so the first difference is exact
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2, x)) + low;
    (exp_m1_core(r), k)
}

/// y·2^k for y in [1/2, 2), by adding to the exponent field.
#[inline(always)]
fn scale(y: f64, k: f64) -> f64 {
    f64::from_bits(y.to_bits().wrapping_add(k.to_bits() << 52))
}

/// e^x, relative error below 3·10⁻¹⁶; results below 2.2·10⁻³⁰⁸ are 0.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    exp_sum(x, 0.0)
}

/// e^(x + low) where |low| is below the rounding error of x.
#[inline(always)]
pub(crate) fn exp_sum(x: f64, low: f64) -> f64 {
    let (p, k) = reduce_sum(x, low);
    let value = scale(1.0 + p, k);
    let value = if x < UNDERFLOW { 0.0 } else { value };
    if x <= OVERFLOW { value } else { x * f64::INFINITY } // the last keeps NaN
}

/// 2^y, relative error below 3·10⁻¹⁶; results below 2.2·10⁻³⁰⁸ are 0.
#[inline(always)]
pub fn exp2(y: f64) -> f64 {
    let k = y + ROUND;
    let value = scale(1.0 + exp_m1_core((y - (k - ROUND)) * LN_2), k);
    let value = if y < -1022.0 { 0.0 } else { value };
    if y < 1024.0 { value } else { y * f64::INFINITY }
}

/// e^x − 1 for |x| ≤ 700, relative error below 5·10⁻¹⁶ also near 0.
#[inline(always)]
fn exp_m1(x: f64) -> f64 {
    let (p, k) = reduce(x);
    let s = scale(1.0, k);
    s.mul_add(p, s - 1.0)
}

/// Hyperbolic tangent, relative error below 6·10⁻¹⁶, odd to the last bit.
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 22.0 { 22.0 } else { a };
    let e = exp_m1(a + a);
    (e / (e + 2.0)).copysign(x)
}

/// Hyperbolic sine, relative error below 8·10⁻¹⁶, odd to the last bit.
#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    let a = x.abs();
    let (p, k) = reduce(a);
    let half = scale(1.0, k - 1.0);
    let e = half.mul_add(p, half - 0.5); // (e^a − 1)/2
    let near = e + e / e.mul_add(2.0, 1.0);
    let value = if a > 22.0 { scale(1.0 + p, k - 1.0) } else { near };
    let value = if a <= HALF_OVERFLOW { value } else { a * f64::INFINITY };
    value.copysign(x)
}

/// Hyperbolic cosine, relative error below 5·10⁻¹⁶.
#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    let a = x.abs();
    let (p, k) = reduce(a);
    let half = scale(1.0 + p, k - 1.0); // e^a / 2
    let value = half + 0.25 / half;
    if a <= HALF_OVERFLOW { value } else { a * f64::INFINITY }
}

const HALF_OVERFLOW: f64 = 710.475_860_073_943_9; // where e^x / 2 overflows

/// Error function, relative error below 8·10⁻¹⁶, odd to the last bit.
///
/// erf a = 1 − e^(−a R(a)) for a ≥ 0, R a polynomial of degree 22 in a − 2 (weighted minimax on [0, 5.95], own Remez fit).
#[inline(always)]
pub fn erf(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 5.95 { 5.95 } else { a };
    let r = polynomial!(a - 2.0; 2.682_470_632_308_305_6, 0.867_845_086_843_035_1, 0.027_952_877_491_487_35,
        -0.005_743_879_672_376_1, 0.001_086_561_661_491_199_3, -0.000_177_081_180_383_713_33, 2.088_586_099_191_534_4e-5,
        -8.965_049_384_676_982e-8, -9.310_506_111_133_792e-7, 3.637_885_461_152_061_4e-7, -9.553_036_909_543_443e-8,
        1.862_780_946_233_475e-8, -2.271_274_739_960_861_2e-9, 4.541_439_510_037_625e-11, 1.490_007_859_157_488e-10,
        -1.086_450_912_408_01e-10, 9.243_678_481_796_439e-12, 5.671_733_035_950_358e-12, 3.192_601_354_144_949e-12,
        -7.968_701_306_321_685e-13, -3.968_556_839_243_592_5e-13, 4.486_301_943_462_313e-14, 1.309_704_004_858_000_2e-14);
    (-exp_m1(-(a * r))).copysign(x)
}
