//! Random numbers: the only file that names a generator.
//!
//! Walkers take theirs from a [`LaneStream`], eight xoshiro256++ generators side by side (Blackman & Vigna 2021,
//! doi:10.1145/3460772), seeded by SplitMix64 from (seed, engine name, block of walkers): the same numbers for every
//! number of threads and every instruction set. Set-up work takes scalar numbers from a [`Stream`] by (seed, purpose, index).
//!
//! Names in use: `langevin`, `langevin/companion` (the error of the step), `langevin/pilot` (its choice),
//! `langevin/first-passage/<name>`, `sgd`; with `/initial` after it the scalar stream of the initial positions. Golden values:
//!
//! ```
//! use fpsolve_solvers::numerics::random::LaneStream;
//! let mut z = [0.0; 16];
//! LaneStream::new(7, "langevin", 0).normals(&mut z);
//! assert_eq!(z[..3], [-0.18898173339707372, -0.44732050102112325, 0.8158882731056458]);
//! ```

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use super::lanes::{dispatch, fma};

/// Generators that run side by side in a [`LaneStream`].
pub const LANES: usize = 8;

/// Whole cache lines, one for each word of xoshiro256++.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct State([[u64; LANES]; 4]);

/// Eight independent xoshiro256++ generators in lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneStream {
    state: State,
}

impl LaneStream {
    /// The stream of one block of walkers of one engine.
    pub fn new(seed: u64, engine: &str, block: u64) -> Self {
        let mut z = stream_key(seed, engine, block);
        let mut state = State([[0; LANES]; 4]);
        state.0.iter_mut().flatten().for_each(|word| *word = split_mix(&mut z));
        Self { state }
    }

    /// Fills `out` with independent standard normal variates (Box–Muller, |z| ≤ 8.5). The length must be a multiple of 16.
    pub fn normals(&mut self, out: &mut [f64]) {
        debug_assert_eq!(out.len() % (2 * LANES), 0);
        fill_normals(&mut self.state, out);
    }

    /// Fills two arrays of one length, a multiple of 8, with independent standard normal variates: those of one place come from
    /// one pair of Box and Muller.
    pub fn normal_pairs(&mut self, first: &mut [f64], second: &mut [f64]) {
        debug_assert!(first.len() == second.len() && first.len().is_multiple_of(LANES));
        fill_normal_pairs(&mut self.state, first, second);
    }

    /// The words that all further numbers follow from.
    pub fn words_mut(&mut self) -> impl Iterator<Item = &mut [u64]> {
        self.state.0.iter_mut().map(|words| &mut words[..])
    }

    /// The generators themselves, for kernels that use up normals as they come.
    pub(crate) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// Fills `out` with ±1, each with probability ½. The length must be a multiple of 32.
    pub fn signs(&mut self, out: &mut [f64]) {
        debug_assert_eq!(out.len() % (4 * LANES), 0);
        fill_signs(&mut self.state, out);
    }

    /// Fills `out` with uniform variates in (0, 1), multiples of 2⁻⁵³. The length must be a multiple of 32.
    pub fn uniforms(&mut self, out: &mut [f64]) {
        debug_assert_eq!(out.len() % (4 * LANES), 0);
        fill_uniforms(&mut self.state, out);
    }

    /// Fills `out` with independent integers, uniform on 0 … bound − 1 without bias (Lemire's multiplication with
    /// rejection, doi:10.1145/3230636). The length must be a multiple of 64 and the bound 1 to 2²⁶.
    pub fn bounded(&mut self, bound: u32, out: &mut [u32]) {
        debug_assert!(bound > 0);
        debug_assert_eq!(out.len() % (8 * LANES), 0);
        fill_bounded(&mut self.state, bound, out);
    }
}

fn stream_key(seed: u64, name: &str, index: u64) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mut z = seed;
    z = split_mix(&mut z) ^ hash;
    z = split_mix(&mut z) ^ index;
    split_mix(&mut z)
}

fn split_mix(z: &mut u64) -> u64 {
    *z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut x = *z;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// One word of one lane.
#[inline(always)]
fn next([mut a, mut b, mut c, mut d]: [u64; 4]) -> (u64, [u64; 4]) {
    let word = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
    let t = b << 17;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = d.rotate_left(45);
    (word, [a, b, c, d])
}

/// Four words of every lane. Loop bodies over the lanes are kept long: short ones are unrolled before they are vectorised,
/// and then stay scalar.
#[inline(always)]
fn four_words(State(s): &mut State) -> [u64; 4 * LANES] {
    let mut words = [0; 4 * LANES];
    for l in 0..LANES {
        let (w0, lane) = next([s[0][l], s[1][l], s[2][l], s[3][l]]);
        let (w1, lane) = next(lane);
        let (w2, lane) = next(lane);
        let (w3, lane) = next(lane);
        [s[0][l], s[1][l], s[2][l], s[3][l]] = lane;
        words[l] = w0;
        words[LANES + l] = w1;
        words[2 * LANES + l] = w2;
        words[3 * LANES + l] = w3;
    }
    words
}

const ONE: u64 = 0x3FF0_0000_0000_0000; // bits of 1.0: pasting 52 random bits below gives [1, 2) without a conversion
const SQRT_HALF: u64 = 0x3FE6_A09E_667F_3BCD; // bits of √½
const SIGN: u64 = 1 << 63;

/// −2 ln u for u in (0, 1], relative error 3e-14: exponent split off, the rest on [√½, √2) by artanh, a polynomial fitted
/// at the Chebyshev nodes.
#[inline(always)]
fn minus_two_ln(u: f64) -> f64 {
    let bits = u.to_bits();
    let e = ((bits.wrapping_sub(SQRT_HALF)) as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((e as u64) << 52));
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let mut p = fma(-0.392_161_915_788_365_46, q, -0.443_484_998_003_434_44);
    p = fma(p, q, -0.571_443_322_922_046_6);
    p = fma(p, q, -0.799_999_897_836_606);
    p = fma(p, q, -1.333_333_333_591_585_1);
    p = fma(p, q, -3.999_999_999_999_894_3);
    let exponent = f64::from_bits((e as u64).wrapping_add(0x4338_0000_0000_0000)) - 6_755_399_441_055_744.0;
    fma(exponent, -2.0 * std::f64::consts::LN_2, s * p)
}

/// Sine and cosine of y quarter turns, y in [−½, ½), error 8e-14: polynomials fitted at the Chebyshev nodes.
#[inline(always)]
fn sine_cosine(y: f64) -> (f64, f64) {
    let t = y * y;
    let mut s = fma(t, -3.556_386_260_704_784e-6, 0.000_160_429_265_044_956_16);
    s = fma(t, s, -0.004_681_752_591_458_209);
    s = fma(t, s, 0.079_692_626_155_746_03);
    s = fma(t, s, -0.645_964_097_504_309);
    s = fma(t, s, std::f64::consts::FRAC_PI_2);
    let mut c = fma(t, -2.485_096_335_781_363_8e-5, 0.000_919_161_736_953_957_2);
    c = fma(t, c, -0.020_863_468_002_244_645);
    c = fma(t, c, 0.253_669_507_153_704_34);
    c = fma(t, c, -1.233_700_550_120_159_2);
    (y * s, fma(t, c, 0.999_999_999_999_944_4))
}

/// Two normals of lane l: radius from one word; of the other 52 bits for the angle in the quarter of the circle around the
/// first axis, one to exchange the axes, one for the sign of both.
///
/// To be called in a loop over the lanes, which the compiler then turns into whole vectors.
#[inline(always)]
pub(crate) fn normal_pair(State(s): &mut State, l: usize) -> (f64, f64) {
    let (a, lane) = next([s[0][l], s[1][l], s[2][l], s[3][l]]);
    let (b, lane) = next(lane);
    [s[0][l], s[1][l], s[2][l], s[3][l]] = lane;
    let radius = minus_two_ln(2.0 - f64::from_bits((a >> 12) | ONE)).sqrt();
    let (sine, cosine) = sine_cosine(f64::from_bits((b >> 12) | ONE) - 1.5);
    let swap = 0u64.wrapping_sub((b >> 2) & 1);
    let radius = f64::from_bits(radius.to_bits() ^ (b << 63));
    let (sine, cosine) = (sine.to_bits(), cosine.to_bits());
    let (p, q) = ((cosine & swap) | (sine & !swap), (sine & swap) | (cosine & !swap));
    (radius * f64::from_bits(p), radius * f64::from_bits(q))
}

dispatch! {
    fn fill_normal_pairs(state: &mut State, first: &mut [f64], second: &mut [f64]) {
        for (first, second) in first.as_chunks_mut::<LANES>().0.iter_mut().zip(second.as_chunks_mut::<LANES>().0) {
            for l in 0..LANES {
                (first[l], second[l]) = normal_pair(state, l);
            }
        }
    }
}

dispatch! {
    fn fill_normals(state: &mut State, out: &mut [f64]) {
        for z in out.as_chunks_mut::<{ 2 * LANES }>().0 {
            for l in 0..LANES {
                (z[l], z[LANES + l]) = normal_pair(state, l);
            }
        }
    }
}

dispatch! {
    fn fill_signs(state: &mut State, out: &mut [f64]) {
        for group in out.chunks_mut(64 * 4 * LANES) {
            let mut words = four_words(state);
            for signs in group.as_chunks_mut::<{ 4 * LANES }>().0 {
                for (sign, word) in signs.iter_mut().zip(&mut words) {
                    *sign = f64::from_bits(ONE | (*word & SIGN));
                    *word <<= 1;
                }
            }
        }
    }
}

dispatch! {
    fn fill_uniforms(state: &mut State, out: &mut [f64]) {
        for group in out.as_chunks_mut::<{ 4 * LANES }>().0 {
            let words = four_words(state);
            for (uniform, word) in group.iter_mut().zip(words) {
                *uniform = f64::from_bits((word >> 12) | ONE) - (1.0 - f64::EPSILON / 2.0);
            }
        }
    }
}

dispatch! {
    fn fill_bounded(state: &mut State, bound: u32, out: &mut [u32]) {
        let (n, reject_below) = (u64::from(bound), u64::from(bound.wrapping_neg() % bound));
        for group in out.as_chunks_mut::<{ 8 * LANES }>().0 {
            let (first, second) = group.split_at_mut(4 * LANES);
            loop {
                let words = four_words(state);
                let mut rejected = 0;
                for ((a, b), word) in first.iter_mut().zip(second.iter_mut()).zip(words) {
                    let (low, high) = ((word & 0xFFFF_FFFF) * n, (word >> 32) * n);
                    *a = (low >> 32) as u32;
                    *b = (high >> 32) as u32;
                    rejected |= u64::from((low & 0xFFFF_FFFF) < reject_below) | u64::from((high & 0xFFFF_FFFF) < reject_below);
                }
                // One rejection redraws all 64, which keeps them independent and uniform; it is rare where m ≪ 2³²/64.
                if rejected == 0 {
                    break;
                }
            }
        }
    }
}

/// Scalar random numbers for set-up work.
#[derive(Debug, Clone)]
pub struct Stream {
    generator: Xoshiro256PlusPlus,
}

impl Stream {
    /// The stream of (seed, purpose, index).
    pub fn new(seed: u64, purpose: &str, index: u64) -> Self {
        Self { generator: Xoshiro256PlusPlus::seed_from_u64(stream_key(seed, purpose, index)) }
    }
    /// A standard normal variate.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.generator)
    }
    /// A uniform variate in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.generator.random()
    }
    /// An integer, uniform on 0 … bound − 1 (bound ≥ 1).
    pub fn below(&mut self, bound: usize) -> usize {
        self.generator.random_range(0..bound)
    }
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }
}

#[cfg(test)]
mod tests;
