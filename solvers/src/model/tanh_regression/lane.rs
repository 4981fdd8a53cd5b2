//! Eight walkers side by side: the value that the kernels of the tanh regression compute with.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

/// Walkers in a lane.
pub(super) const WIDTH: usize = 8;

/// One number for each walker of a lane; every operation acts element by element.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Lane(pub(super) [f64; WIDTH]);

macro_rules! elementwise {
    ($trait:ident, $method:ident, $op:tt) => {
        impl $trait for Lane {
            type Output = Lane;
            #[inline(always)]
            fn $method(mut self, other: Lane) -> Lane {
                for l in 0..WIDTH {
                    self.0[l] $op other.0[l];
                }
                self
            }
        }
        impl $trait<f64> for Lane {
            type Output = Lane;
            #[inline(always)]
            fn $method(mut self, other: f64) -> Lane {
                for l in 0..WIDTH {
                    self.0[l] $op other;
                }
                self
            }
        }
    };
}
elementwise!(Add, add, +=);
elementwise!(Sub, sub, -=);
elementwise!(Mul, mul, *=);

impl AddAssign for Lane {
    #[inline(always)]
    fn add_assign(&mut self, other: Lane) {
        *self = *self + other;
    }
}

impl SubAssign for Lane {
    #[inline(always)]
    fn sub_assign(&mut self, other: Lane) {
        *self = *self - other;
    }
}

impl Neg for Lane {
    type Output = Lane;
    #[inline(always)]
    fn neg(mut self) -> Lane {
        for l in 0..WIDTH {
            self.0[l] = -self.0[l];
        }
        self
    }
}

impl Lane {
    pub(super) const ZERO: Lane = Lane([0.0; WIDTH]);

    #[inline(always)]
    pub(super) fn splat(x: f64) -> Lane {
        Lane([x; WIDTH])
    }

    /// self·b + c with one rounding.
    #[inline(always)]
    pub(super) fn fma(mut self, b: Lane, c: Lane) -> Lane {
        for l in 0..WIDTH {
            self.0[l] = self.0[l].mul_add(b.0[l], c.0[l]);
        }
        self
    }

    /// The n points from `first` on (coordinate k); past the end the last point is repeated.
    #[inline(always)]
    pub(super) fn load(points: &[f64], n: usize, k: usize, first: usize) -> Lane {
        let row = &points[k * n..(k + 1) * n];
        if first + WIDTH <= n {
            let mut out = [0.0; WIDTH];
            out.copy_from_slice(&row[first..first + WIDTH]);
            Lane(out)
        } else {
            Lane(std::array::from_fn(|l| row[(first + l).min(n - 1)]))
        }
    }

    /// Writes what lies inside row k of n points.
    #[inline(always)]
    pub(super) fn store(self, rows: &mut [f64], n: usize, k: usize, first: usize) {
        let row = &mut rows[k * n..(k + 1) * n];
        let count = WIDTH.min(n - first);
        if count == WIDTH {
            row[first..first + WIDTH].copy_from_slice(&self.0);
        } else {
            row[first..].copy_from_slice(&self.0[..count]);
        }
    }
}

/// Minimax coefficients of (eᶠ − 1)/f on |f| ≤ ln 2 / 2, relative error 2.4e-17.
const EXP_MINIMAX: [f64; 11] = [
    1.0,
    0.500_000_000_000_000_6,
    0.166_666_666_666_666_7,
    0.041_666_666_666_573_14,
    0.008_333_333_333_326_141,
    0.001_388_888_893_248_886,
    0.000_198_412_698_748_006_94,
    2.480_150_434_666_561_5e-5,
    2.755_725_542_549_107e-6,
    2.762_635_737_968_284e-7,
    2.510_520_648_025_926_5e-8,
];
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5·2^52: adding it rounds to an integer in the low mantissa bits

/// e^{−2|x|} − 1, relative error a few 1e-16; −1 beyond |x| = 20.8, where tanh rounds to ±1. NaN stays NaN.
#[inline(always)]
fn expm1_minus_twice(x: Lane) -> Lane {
    let mut out = x;
    for v in &mut out.0 {
        let y = v.abs() * -2.885_390_081_777_926_8; // −2|x|/ln 2
        let y = if y < -60.0 { -60.0 } else { y };
        let k = y + ROUND;
        let f = (y - (k - ROUND)) * std::f64::consts::LN_2;
        let mut p = EXP_MINIMAX[10];
        for c in EXP_MINIMAX[..10].iter().rev() {
            p = p.mul_add(f, *c);
        }
        let scale = f64::from_bits((k.to_bits() << 52).wrapping_add(1.0_f64.to_bits()));
        *v = scale.mul_add(p * f, scale - 1.0);
    }
    out
}

/// (tanh a, tanh b) with one division; odd to the bit, relative error below 1e-15 for every argument.
#[inline(always)]
pub(super) fn tanh_pair(a: Lane, b: Lane) -> (Lane, Lane) {
    let (mut ea, mut eb) = (expm1_minus_twice(a), expm1_minus_twice(b));
    for l in 0..WIDTH {
        let (da, db) = (ea.0[l] + 2.0, eb.0[l] + 2.0);
        let inverse = 1.0 / (da * db);
        ea.0[l] = (ea.0[l] * (db * inverse)).copysign(a.0[l]);
        eb.0[l] = (eb.0[l] * (da * inverse)).copysign(b.0[l]);
    }
    (ea, eb)
}

/// tanh of one lane, to the same bits as in a pair with itself.
#[inline(always)]
pub(super) fn tanh(a: Lane) -> Lane {
    let mut e = expm1_minus_twice(a);
    for l in 0..WIDTH {
        let d = e.0[l] + 2.0;
        e.0[l] = (e.0[l] * (d * (1.0 / (d * d)))).copysign(a.0[l]);
    }
    e
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_is_accurate_relative_and_odd() {
        for i in 0..4000 {
            let x = 10f64.powf(-9.0 + i as f64 * 0.0026) * if i % 2 == 0 { 1.0 } else { -1.0 };
            let (a, b) = tanh_pair(Lane::splat(x), Lane::splat(-0.37 * x));
            assert!((a.0[0] / x.tanh() - 1.0).abs() < 1e-15, "tanh({x}) = {}", a.0[0]);
            assert!((b.0[3] / (-0.37 * x).tanh() - 1.0).abs() < 1e-15, "tanh({})", -0.37 * x);
            assert_eq!(tanh_pair(Lane::splat(-x), Lane::splat(0.37 * x)).0.0, (-a).0);
        }
        assert!(tanh(Lane::splat(f64::NAN)).0[0].is_nan());
        assert_eq!(tanh(Lane::splat(f64::INFINITY)).0[0], 1.0);
    }
}
