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

    /// Row k of n values, from `first` on.
    #[inline(always)]
    pub(super) fn load(rows: &[f64], n: usize, k: usize, first: usize) -> Lane {
        let mut out = [0.0; WIDTH];
        out.copy_from_slice(&rows[k * n + first..k * n + first + WIDTH]);
        Lane(out)
    }

    /// Writes into row k of n values, from `first` on.
    #[inline(always)]
    pub(super) fn store(self, rows: &mut [f64], n: usize, k: usize, first: usize) {
        rows[k * n + first..k * n + first + WIDTH].copy_from_slice(&self.0);
    }
}

/// Rows of n values, each continued with its last value to whole lanes (n > 0).
pub(super) fn pad<T: Copy>(rows: &[T], n: usize) -> Vec<T> {
    let padded = n.next_multiple_of(WIDTH);
    let row =
        |row: &'_ [T]| -> Vec<T> { row.iter().copied().chain(std::iter::repeat_n(row[n - 1], padded - n)).collect() };
    rows.chunks(n).flat_map(row).collect()
}

/// Evaluates `kernel(padded outputs)` and copies the first n values of each row to the outputs.
pub(super) fn with_padded<const K: usize>(n: usize, outputs: [&mut [f64]; K], kernel: impl FnOnce([&mut [f64]; K])) {
    let padded = n.next_multiple_of(WIDTH);
    let mut buffers = [const { Vec::new() }; K];
    for (buffer, output) in buffers.iter_mut().zip(&outputs) {
        *buffer = vec![0.0; output.len() / n * padded];
    }
    kernel(buffers.each_mut().map(Vec::as_mut_slice));
    for (buffer, output) in buffers.iter().zip(outputs) {
        for (from, to) in buffer.chunks(padded).zip(output.chunks_mut(n)) {
            to.copy_from_slice(&from[..n]);
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

/// To be called in every loop over lanes: without it the compiler vectorises such loops across iterations, with shuffles, instead
/// of across the lane. (An empty optimisation barrier; no instruction.)
#[inline(always)]
pub(super) fn keep_lanes() {
    std::hint::black_box(());
}

/// (tanh a, tanh b) with one division.
#[inline(always)]
pub(super) fn tanh_pair(a: Lane, b: Lane) -> (Lane, Lane) {
    let (ea, eb) = (expm1_minus_twice(a), expm1_minus_twice(b));
    let mut out = (Lane::ZERO, Lane::ZERO);
    for l in 0..WIDTH {
        let (da, db) = (ea.0[l] + 2.0, eb.0[l] + 2.0);
        let inverse = 1.0 / (da * db);
        out.0.0[l] = (ea.0[l] * (db * inverse)).copysign(a.0[l]);
        out.1.0[l] = (eb.0[l] * (da * inverse)).copysign(b.0[l]);
    }
    out
}

/// Replaces two columns by their tanh, one division for each pair; odd to the bit, relative error below 1e-15 for every
/// argument. (Whole columns in memory: between other arithmetic the compiler would split the lanes.)
#[inline(always)]
pub(super) fn tanh_pairs(a: &mut [Lane], b: &mut [Lane]) {
    for (a, b) in a.iter_mut().zip(b) {
        keep_lanes();
        (*a, *b) = tanh_pair(*a, *b);
    }
}

/// Replaces a column by its tanh.
#[inline(always)]
pub(super) fn tanh(a: &mut [Lane]) {
    for a in a {
        keep_lanes();
        let e = expm1_minus_twice(*a);
        let mut out = Lane::ZERO;
        for l in 0..WIDTH {
            out.0[l] = (e.0[l] / (e.0[l] + 2.0)).copysign(a.0[l]);
        }
        *a = out;
    }
}

/// Replaces u columns of length m by their tanh.
#[inline(always)]
pub(super) fn tanh_columns(columns: &mut [Lane], m: usize) {
    let mut pairs = columns.chunks_exact_mut(2 * m);
    for pair in &mut pairs {
        let (a, b) = pair.split_at_mut(m);
        tanh_pairs(a, b);
    }
    tanh(pairs.into_remainder());
}

/// 1 − h² for h = tanh: the derivative of tanh.
#[inline(always)]
pub(super) fn sech_squared(h: Lane) -> Lane {
    (-h).fma(h, Lane::splat(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_is_accurate_relative_and_odd() {
        let of = |x: f64| {
            let mut columns = [Lane::splat(x), Lane::splat(-0.37 * x), Lane::splat(x)];
            tanh_columns(&mut columns, 1);
            columns.map(|lane| lane.0[3])
        };
        for i in 0..4000 {
            let x = 10f64.powf(-9.0 + i as f64 * 0.0026) * if i % 2 == 0 { 1.0 } else { -1.0 };
            let [a, b, c] = of(x);
            assert!((a / x.tanh() - 1.0).abs() < 1e-15, "tanh({x}) = {a}");
            assert!((b / (-0.37 * x).tanh() - 1.0).abs() < 1e-15, "tanh({})", -0.37 * x);
            assert!((c / x.tanh() - 1.0).abs() < 1e-15, "tanh({x}) = {c}");
            assert_eq!(of(-x), [-a, -b, -c]);
        }
        assert!(of(f64::NAN).iter().all(|h| h.is_nan()));
        assert_eq!(of(f64::INFINITY), [1.0, -1.0, 1.0]);
    }
}
