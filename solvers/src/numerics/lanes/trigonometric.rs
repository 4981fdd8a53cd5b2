//! Circular functions and their inverses.

use std::f64::consts::{FRAC_1_PI, FRAC_PI_2, FRAC_PI_4, PI};

use super::arithmetic::{ROUND, polynomial};

/// Largest |x| that [`sin`], [`cos`] and [`tan`] reduce exactly; beyond it their results mean nothing (loops over
/// unbounded arguments mend those lanes with the standard library afterwards).
pub const TRIGONOMETRIC_LIMIT: f64 = 1_073_741_824.0;

const PI_2ND: f64 = 1.224_646_799_147_353_2e-16; // π = PI + PI_2ND + PI_3RD
const PI_3RD: f64 = -2.994_769_809_718_339_7e-33;

/// x − nπ; the first difference is exact because n·PI has no bits below 2^−52 (Cody & Waite with fused multiply-adds).
#[inline(always)]
fn less_pi(x: f64, n: f64) -> f64 {
    n.mul_add(-PI_3RD, n.mul_add(-PI_2ND, n.mul_add(-PI, x)))
}

/// sin r for |r| ≤ π/2: minimax polynomial of degree 17, relative error 3·10⁻¹⁹ before rounding.
#[inline(always)]
fn sin_core(r: f64) -> f64 {
    let z = r * r;
    let p = polynomial!(z; -0.166_666_666_666_666_66, 0.008_333_333_333_333_212, -0.000_198_412_698_412_155_06,
        2.755_731_921_216_455_7e-6, -2.505_210_696_281_566e-8, 1.605_894_404_903_401e-10, -7.643_100_250_964_872e-13,
        2.722_279_319_593_833e-15);
    (r * z).mul_add(p, r)
}

/// sin x for |x| ≤ [`TRIGONOMETRIC_LIMIT`], relative error below 5·10⁻¹⁶.
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    let k = x.mul_add(FRAC_1_PI, ROUND);
    let s = sin_core(less_pi(x, k - ROUND));
    f64::from_bits(s.to_bits() ^ (k.to_bits() << 63))
}

/// cos x for |x| ≤ [`TRIGONOMETRIC_LIMIT`], relative error below 5·10⁻¹⁶: x = (n + ½)π + r, cos x = −(−1)^n sin r.
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    let k = x.mul_add(FRAC_1_PI, -0.5) + ROUND;
    let s = sin_core(less_pi(x, (k - ROUND) + 0.5));
    f64::from_bits(s.to_bits() ^ (!k.to_bits() << 63))
}

/// sin x and cos x.
#[inline(always)]
pub fn sin_cos(x: f64) -> (f64, f64) {
    (sin(x), cos(x))
}

/// tan x for |x| ≤ [`TRIGONOMETRIC_LIMIT`], relative error below 10⁻¹⁵.
#[inline(always)]
pub fn tan(x: f64) -> f64 {
    sin(x) / cos(x)
}

/// Arc tangent, relative error below 5·10⁻¹⁶: |x| is brought to |t| ≤ tan(π/8) by one division.
#[inline(always)]
pub fn atan(x: f64) -> f64 {
    let a = x.abs();
    let (small, large) = (a <= 0.414_213_562_373_095_03, a > 2.414_213_562_373_095);
    let over = if large { -1.0 } else { a - 1.0 };
    let over = if small { a } else { over };
    let under = if large { a } else { a + 1.0 };
    let under = if small { 1.0 } else { under };
    let base = if large { FRAC_PI_2 } else { FRAC_PI_4 };
    let base = if small { 0.0 } else { base };
    let t = over / under;
    let z = t * t;
    let p = polynomial!(z; -0.333_333_333_333_332_3, 0.199_999_999_999_616_32, -0.142_857_142_808_765_3,
        0.111_111_108_130_897_38, -0.090_908_985_187_590_54, 0.076_920_725_156_238_32, -0.066_632_327_126_270_93,
        0.058_487_591_205_891_36, -0.050_429_740_047_044_876, 0.038_152_385_266_333_716, -0.017_998_282_845_387_466);
    let low = base * (PI_2ND / PI); // what the rounded base lacks
    (base + ((t * z).mul_add(p, t) + low)).copysign(x)
}

/// Arc sine, NaN outside [−1, 1], relative error below 10⁻¹⁵.
#[inline(always)]
pub fn asin(x: f64) -> f64 {
    atan(x / ((1.0 - x) * (1.0 + x)).sqrt())
}

/// Arc cosine, NaN outside [−1, 1], relative error below 10⁻¹⁵.
#[inline(always)]
pub fn acos(x: f64) -> f64 {
    2.0 * atan(((1.0 - x) / (1.0 + x)).sqrt())
}
