//! Tridiagonal solves at several complex shifts at once, one in each lane of a vector register: the recursion along the axis is
//! serial, the shifts are independent.

use std::ops::{Add, AddAssign, Div, Mul};

use faer::c64;

use crate::fokker_planck::linear::tridiagonal::{Bands, Scalar, Tridiagonal};
use crate::numerics::lanes::dispatch;

/// Shifts at a time.
pub(crate) const LANES: usize = 8;

/// A complex number for every shift.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Nodes {
    re: [f64; LANES],
    im: [f64; LANES],
}

impl Nodes {
    /// Sets one of them.
    pub fn set(&mut self, lane: usize, value: c64) {
        (self.re[lane], self.im[lane]) = (value.re, value.im);
    }
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f64, f64, f64, f64) -> (f64, f64)) -> Self {
        let mut out = self;
        for k in 0..LANES {
            (out.re[k], out.im[k]) = f(self.re[k], self.im[k], other.re[k], other.im[k]);
        }
        out
    }
}

impl From<f64> for Nodes {
    #[inline(always)]
    fn from(value: f64) -> Self {
        Self { re: [value; LANES], im: [0.0; LANES] }
    }
}
impl Add for Nodes {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b, c, d| (a + c, b + d))
    }
}
impl AddAssign for Nodes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl Mul for Nodes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b, c, d| (a * c - b * d, a * d + b * c))
    }
}
impl Div for Nodes {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b, c, d| {
            let inverse = 1.0 / (c * c + d * d);
            ((a * c + b * d) * inverse, (b * c - a * d) * inverse)
        })
    }
}
impl Scalar for Nodes {
    /// Pivots off the negative real axis are never 0.
    #[inline(always)]
    fn is_zero(self) -> bool {
        false
    }
}

dispatch! {
    /// Adds Re Σ_lanes weight·(shift − Qᵀ)⁻¹p to `out`; `x` is work space.
    pub(crate) fn add_term(bands: &Bands, shift: &Nodes, weight: &Nodes, p: &[f64], x: &mut [Nodes], out: &mut [f64]) {
        let solver = Tridiagonal::eliminate(bands, *shift, 1.0);
        x.iter_mut().zip(p).for_each(|(x, &p)| *x = Nodes::from(p));
        solver.solve_in_place(x);
        for (out, x) in out.iter_mut().zip(&*x) {
            let mut sum = 0.0;
            for k in 0..LANES {
                sum += weight.re[k] * x.re[k] - weight.im[k] * x.im[k];
            }
            *out += sum;
        }
    }
}
