//! Vectorised evaluation on stable Rust: branch-free scalar functions, run in loops that the compiler turns into SIMD code,
//! compiled once for each instruction set and chosen at run time.
//!
//! Every level computes the same bits: fused multiply-adds are written out with [`f64::mul_add`] (which is exactly rounded
//! also where the processor has no such instruction) and the compiler never contracts or reorders floating-point operations.

mod arithmetic;
mod exponential;
mod power;
#[cfg(test)]
mod tests;
mod trigonometric;

pub use arithmetic::{fma, max, min, sign};
pub use exponential::{cosh, erf, exp, exp2, sinh, tanh};
pub use power::{ln, pow};
pub use trigonometric::{TRIGONOMETRIC_LIMIT, acos, asin, atan, cos, sin, sin_cos, tan};

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
                match $crate::numerics::lanes::level() {
                    // SAFETY: level() returns Avx512 only after every feature named above was detected.
                    $crate::numerics::lanes::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: likewise for Avx2.
                    $crate::numerics::lanes::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::numerics::lanes::Level::Baseline => {}
                }
            }
            kernel($($arg),*)
        }
    };
}
pub(crate) use dispatch;
