//! Vectorised evaluation on stable Rust: branch-free scalar functions, run in loops that the compiler turns into SIMD code,
//! compiled once for each instruction set and chosen at run time.
//!
//! Every level computes the same bits: fused multiply-adds are written out with [`f64::mul_add`] (which is exactly rounded
//! also where the processor has no such instruction) and the compiler never contracts or reorders floating-point operations.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// Instruction sets that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// What every processor of the target has.
    Baseline = 1,
    /// AVX2 and FMA.
    Avx2 = 2,
    /// AVX-512 (F, DQ, VL, BW, CD).
    Avx512 = 3,
}

static FORCED: AtomicU8 = AtomicU8::new(0);

/// The level in use: the best the processor has, or the lower one set by [`force_level`].
#[inline]
pub fn level() -> Level {
    static DETECTED: OnceLock<Level> = OnceLock::new();
    let detected = *DETECTED.get_or_init(detect);
    match FORCED.load(Ordering::Relaxed) {
        1 => Level::Baseline,
        2 => Level::Avx2.min(detected),
        _ => detected,
    }
}

/// Caps the level for the whole process (for tests that compare levels); None lifts the cap.
pub fn force_level(level: Option<Level>) {
    FORCED.store(level.map_or(0, |l| l as u8), Ordering::Relaxed);
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd");
    if avx512 {
        Level::Avx512
    } else if avx2 {
        Level::Avx2
    } else {
        Level::Baseline
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Baseline
}

/// Defines a function whose body is compiled for every [`Level`] and dispatched at run time.
///
/// The body must reach its hot loops through `#[inline(always)]` functions only, else those stay at the baseline.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn kernel($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx2,fma,bmi2")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { kernel($($arg),*) }
                #[target_feature(enable = "avx2,fma,bmi2")]
                fn avx2($($arg: $ty),*) $(-> $ret)? { kernel($($arg),*) }
                match $crate::lanes::level() {
                    // SAFETY: level() returns Avx512 only after every feature named above was detected.
                    $crate::lanes::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: likewise for Avx2.
                    $crate::lanes::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::lanes::Level::Baseline => {}
                }
            }
            kernel($($arg),*)
        }
    };
}
pub(crate) use dispatch;

/// a·b + c with one rounding.
#[inline(always)]
pub fn fma(a: f64, b: f64, c: f64) -> f64 {
    a.mul_add(b, c)
}

const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5·2^52: adding it rounds to an integer in the low mantissa bits

/// 2^y for |y| ≤ 1000 (clamped beyond), relative error below 3e-16.
#[inline(always)]
pub fn exp2(y: f64) -> f64 {
    let y = y.max(-1000.0).min(1000.0);
    let k = y + ROUND;
    let f = (y - (k - ROUND)) * std::f64::consts::LN_2;
    let mut p = fma(1.0 / 39_916_800.0, f, 1.0 / 3_628_800.0);
    p = fma(p, f, 1.0 / 362_880.0);
    p = fma(p, f, 1.0 / 40_320.0);
    p = fma(p, f, 1.0 / 5_040.0);
    p = fma(p, f, 1.0 / 720.0);
    p = fma(p, f, 1.0 / 120.0);
    p = fma(p, f, 1.0 / 24.0);
    p = fma(p, f, 1.0 / 6.0);
    p = fma(p, f, 0.5);
    p = fma(p, f, 1.0);
    p = fma(p, f, 1.0);
    f64::from_bits(p.to_bits().wrapping_add(k.to_bits() << 52))
}

/// Hyperbolic tangent, absolute error below 3e-16.
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let e = exp2((x * 2.885_390_081_777_926_8).max(-60.0).min(60.0));
    1.0 - 2.0 / (e + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    dispatch! {
        fn tanh_all(x: &[f64], out: &mut [f64]) {
            for (o, &x) in out.iter_mut().zip(x) {
                *o = tanh(x);
            }
        }
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        let x: Vec<f64> = (0..1000).map(|i| (i as f64 - 500.0) * 0.05).collect();
        let run = |level| {
            force_level(level);
            let mut out = vec![0.0; x.len()];
            tanh_all(&x, &mut out);
            force_level(None);
            out
        };
        let best = run(None);
        assert_eq!(best, run(Some(Level::Avx2)));
        assert_eq!(best, run(Some(Level::Baseline)));
        for (x, t) in x.iter().zip(&best) {
            assert!((t - x.tanh()).abs() < 4e-16, "tanh({x})");
        }
    }
}
