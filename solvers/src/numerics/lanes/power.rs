//! Natural logarithm and general powers.

use super::arithmetic::polynomial;
use super::exponential::exp_sum;

const LN_2_HIGH: f64 = 0.693_147_180_369_123_8; // its low 20 bits are zero: k·LN_2_HIGH is exact
const LN_2_REST: f64 = 1.908_214_929_270_587_7e-10;
const SQRT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;

/// (k, m) with x = 2^k m, m in [√½, √2), for x > 0 and finite.
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    let tiny = x < f64::MIN_POSITIVE;
    let scaled = if tiny { x * 18_014_398_509_481_984.0 } else { x }; // 2^54
    let bits = scaled.to_bits().wrapping_add(0x3FF0_0000_0000_0000 - SQRT_HALF);
    // the biased exponent pasted into 2^52 gives it as a number without an integer conversion
    let biased = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - 4_503_599_627_370_496.0;
    let k = biased - if tiny { 1077.0 } else { 1023.0 };
    (k, f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF).wrapping_add(SQRT_HALF)))
}

/// R(z) ≈ z(2/3 + 2z/5 + …) of ln(1+f) = 2s + s R(s²), s = f/(2+f) (coefficients of fdlibm's `e_log.c`, error 2^−58).
#[inline(always)]
fn tail(z: f64) -> f64 {
    z * polynomial!(z; 0.666_666_666_666_673_5, 0.399_999_999_994_094_2, 0.285_714_287_436_623_9, 0.222_221_984_321_497_84,
        0.181_835_721_616_180_5, 0.153_138_376_992_093_73, 0.147_981_986_051_165_86)
}

/// Natural logarithm, relative error below 3·10⁻¹⁶; −∞ at 0, NaN below.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let (k, m) = split(x);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let half_square = 0.5 * f * f;
    let correction = s.mul_add(half_square + tail(s * s), k * LN_2_REST);
    specials(x, k.mul_add(LN_2_HIGH, -((half_square - correction) - f)))
}

#[inline(always)]
fn specials(x: f64, value: f64) -> f64 {
    let value = if x < f64::INFINITY { value } else { x };
    let other = if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    if x > 0.0 { value } else { other }
}

/// ln x as high + low, relative error about 2^−60, for x > 0 and finite.
#[inline(always)]
fn ln_sum(x: f64) -> (f64, f64) {
    let (k, m) = split(x);
    let (f, d) = (m - 1.0, m + 1.0);
    let d_low = m - (d - 1.0);
    let reciprocal = 1.0 / d;
    let s = f * reciprocal;
    let s_low = d_low.mul_add(-s, s.mul_add(-d, f)) * reciprocal;
    let series = s * tail(s * s);
    let (a, b) = (k * LN_2_HIGH, s + s);
    let high = a + b;
    let rounded = high - a;
    let lost = (a - (high - rounded)) + (b - rounded);
    let low = lost + s_low.mul_add(2.0, k.mul_add(LN_2_REST, series));
    let sum = high + low;
    (sum, low - (sum - high))
}

/// x^y, relative error below 10⁻¹⁵ where the result is normal; results below 2.2·10⁻³⁰⁸ are 0.
///
/// A negative x needs an integer y, else NaN; x^0 = 1.
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let (high, low) = ln_sum(a);
    let high = specials(a, high);
    let finite = a > 0.0 && a < f64::INFINITY;
    let t = y * high;
    let t_low = y.mul_add(high, -t) + y * low;
    let t_low = if finite && t.abs() < 1000.0 { t_low } else { 0.0 };
    let size = exp_sum(t, t_low);
    let integer = y.round_ties_even() == y;
    let odd = integer && (y * 0.5).round_ties_even() != y * 0.5;
    let negative = if odd { -size } else { size };
    let negative = if integer || a == 0.0 { negative } else { f64::NAN };
    let value = if x.is_sign_negative() { negative } else { size };
    let value = if y == 0.0 || x == 1.0 { 1.0 } else { value };
    if x.is_nan() && y != 0.0 { x } else { value }
}
