//! A square root of D for whole blocks: the lower triangular S with S Sᵀ = D, in closed form for 1 to 3 dimensions.
//!
//! Semidefinite matrices are welcome: pivots below 0 (rounding) count as 0, and the entries below a pivot are bounded by the
//! diagonal, |S_ji|² ≤ D_jj, which exact arithmetic would guarantee.

use super::block::BLOCK;
use crate::numerics::lanes::{dispatch, fma};
use crate::numerics::random::{LANES, LaneStream, State, normal_pair};

type Lane = [f64; BLOCK];

/// Writes S, packed by columns (d = 2: S_00, S_10, S_11; d = 3: S_00, S_10, S_20, S_11, S_21, S_22), which is the packed
/// order of [`crate::numerics::symmetric`] with the rows and columns exchanged.
pub(crate) fn root(d: usize, diffusion: &[f64], root: &mut [f64]) {
    let (a, s) = (diffusion.as_chunks::<BLOCK>().0, root.as_chunks_mut::<BLOCK>().0);
    match d {
        1 => roots_1(a, s),
        2 => roots_2(a, s),
        _ => roots_3(a, s),
    }
}

/// Whether D is the same for all walkers of the block; then one root does for all of them.
fn is_constant(a: &[Lane]) -> bool {
    a.iter().all(|lane| lane[0] == lane[1] && lane[0] == lane[BLOCK - 1]) && all_equal(a)
}

dispatch! {
    fn all_equal(a: &[Lane]) -> bool {
        let mut different = 0;
        for lane in a {
            let first = lane[0].to_bits();
            different |= lane.iter().fold(0, |different, &x| different | (x.to_bits() ^ first));
        }
        different == 0
    }
}

#[inline(always)]
fn positive(x: f64) -> f64 {
    if x > 0.0 { x } else { 0.0 }
}

#[inline(always)]
fn bounded(x: f64, bound: f64) -> f64 {
    let x = if x < bound { x } else { bound };
    if x > -bound { x } else { -bound }
}

#[inline(always)]
fn root_2([a, b, c]: [f64; 3]) -> [f64; 3] {
    let (l00, c) = (positive(a).sqrt(), positive(c));
    let l10 = if l00 > 0.0 { b / l00 } else { 0.0 };
    let rest = fma(-l10, l10, c);
    // Where rounding makes l10² exceed D_11 the whole of D_11 goes into l10.
    let beyond = rest < 0.0;
    let r = (if beyond { c } else { rest }).sqrt();
    [l00, if beyond { r.copysign(l10) } else { l10 }, if beyond { 0.0 } else { r }]
}

#[inline(always)]
fn root_3([a, b, c, d, e, f]: [f64; 6]) -> [f64; 6] {
    let (l00, d, f) = (positive(a).sqrt(), positive(d), positive(f));
    let (top, bottom) = (d.sqrt(), f.sqrt());
    let l10 = bounded(if l00 > 0.0 { b / l00 } else { 0.0 }, top);
    let l20 = bounded(if l00 > 0.0 { c / l00 } else { 0.0 }, bottom);
    let l11 = positive(fma(-l10, l10, d)).sqrt();
    let rest = positive(fma(-l20, l20, f));
    let l21 = if l11 > 0.0 { fma(-l10, l20, e) / l11 } else { 0.0 };
    let l21 = bounded(l21, rest.sqrt());
    [l00, l10, l20, l11, l21, positive(fma(-l21, l21, rest)).sqrt()]
}

dispatch! {
    fn roots_1(a: &[Lane], s: &mut [Lane]) {
        let (a, s) = (&a[0], &mut s[0]);
        for i in 0..BLOCK {
            s[i] = positive(a[i]).sqrt();
        }
    }
}

dispatch! {
    fn roots_2(a: &[Lane], s: &mut [Lane]) {
        let ([a0, a1, a2], [s0, s1, s2]) = (a, s) else { return };
        for i in 0..BLOCK {
            [s0[i], s1[i], s2[i]] = root_2([a0[i], a1[i], a2[i]]);
        }
    }
}

dispatch! {
    fn roots_3(a: &[Lane], s: &mut [Lane]) {
        let ([a0, a1, a2, a3, a4, a5], [s0, s1, s2, s3, s4, s5]) = (a, s) else { return };
        for i in 0..BLOCK {
            [s0[i], s1[i], s2[i], s3[i], s4[i], s5[i]] = root_3([a0[i], a1[i], a2[i], a3[i], a4[i], a5[i]]);
        }
    }
}

/// What an Euler–Maruyama update reads: the blocks of positions, drift, D and noise, the factors h and √(2Th), the box.
#[derive(Clone, Copy)]
pub(crate) struct Update<'a> {
    /// Positions (d × BLOCK).
    pub points: &'a [f64],
    /// Drift (d × BLOCK).
    pub drift: &'a [f64],
    /// D (packed × BLOCK).
    pub diffusion: &'a [f64],
    /// Noise (d × BLOCK).
    pub noise: &'a [f64],
    /// h.
    pub h: f64,
    /// √(2Th).
    pub scale: f64,
    /// Ends of the axes.
    pub bounds: &'a [[f64; 2]],
    /// Whether D is known to be the same everywhere.
    pub constant: bool,
}

impl Update<'_> {
    /// Whether one root does for all walkers of the block.
    fn one_root(&self) -> bool {
        self.constant || is_constant(self.diffusion.as_chunks::<BLOCK>().0)
    }
}

/// out = θ + h·b + √(2Th)·S z with S Sᵀ = D, the root taken on the way. Returns whether all of `out` is inside the box (upper
/// ends excluded, as is anything that is not finite).
pub(crate) fn euler(update: Update, out: &mut [f64]) -> bool {
    if update.one_root() { euler_constant(update, out) } else { euler_general(update, out) }
}

dispatch! {
    fn euler_general(update: Update, out: &mut [f64]) -> bool {
        any_dimension::<false>(update, out)
    }
}

dispatch! {
    /// The same with the root of the first walker for all, which the compiler moves out of the loop.
    fn euler_constant(update: Update, out: &mut [f64]) -> bool {
        any_dimension::<true>(update, out)
    }
}

#[inline(always)]
fn any_dimension<const CONSTANT: bool>(u: Update, out: &mut [f64]) -> bool {
    match (u.bounds, u.diffusion.as_chunks::<BLOCK>().0, out.as_chunks_mut::<BLOCK>().0) {
        (&[box0], [a], [out]) => euler_1::<CONSTANT>(u, a, out, box0),
        (&[box0, box1], [a0, a1, a2], [out0, out1]) => euler_2::<CONSTANT>(u, [a0, a1, a2], out0, out1, [box0, box1]),
        (&[box0, box1, box2], [a0, a1, a2, a3, a4, a5], [out0, out1, out2]) => {
            euler_3::<CONSTANT>(u, [a0, a1, a2, a3, a4, a5], [out0, out1, out2], [box0, box1, box2])
        }
        _ => false,
    }
}

/// The same in one or two dimensions with normals from the stream, in the order of [`LaneStream::normals`] or
/// [`LaneStream::normal_pairs`]: the update fills the waits of the generator's divisions and roots.
pub(crate) fn euler_drawn(update: Update, stream: &mut LaneStream, out: &mut [f64]) -> bool {
    if update.one_root() {
        euler_drawn_constant(update, stream.state_mut(), out)
    } else {
        euler_drawn_general(update, stream.state_mut(), out)
    }
}

dispatch! {
    fn euler_drawn_general(update: Update, state: &mut State, out: &mut [f64]) -> bool {
        drawn::<false>(update, state, out)
    }
}

dispatch! {
    fn euler_drawn_constant(update: Update, state: &mut State, out: &mut [f64]) -> bool {
        drawn::<true>(update, state, out)
    }
}

#[inline(always)]
fn drawn<const CONSTANT: bool>(u: Update, state: &mut State, out: &mut [f64]) -> bool {
    match (u.bounds, u.diffusion.as_chunks::<BLOCK>().0, out.as_chunks_mut::<BLOCK>().0) {
        (&[box0], [a], [out]) => drawn_1::<CONSTANT>(u, state, a, out, box0),
        (&[box0, box1], [a0, a1, a2], [out0, out1]) => {
            drawn_2::<CONSTANT>(u, state, [a0, a1, a2], out0, out1, [box0, box1])
        }
        _ => false,
    }
}

#[inline(always)]
fn drawn_1<const CONSTANT: bool>(u: Update, state: &mut State, a: &Lane, out: &mut Lane, box0: [f64; 2]) -> bool {
    let ([x], [b]) = (axes(u.points), axes(u.drift));
    let (h, scale) = (u.h, u.scale);
    let mut outside = [0u64; LANES]; // in lanes, since a single flag would tie every group to the one before
    for group in 0..BLOCK / (2 * LANES) {
        for l in 0..LANES {
            let (z0, z1) = normal_pair(state, l);
            let i = 2 * LANES * group + l;
            let j = i + LANES;
            let (root_i, root_j) = (if CONSTANT { a[0] } else { a[i] }, if CONSTANT { a[0] } else { a[j] });
            let (root_i, root_j) = (positive(root_i).sqrt(), positive(root_j).sqrt());
            out[i] = fma(scale * root_i, z0, fma(h, b[i], x[i]));
            out[j] = fma(scale * root_j, z1, fma(h, b[j], x[j]));
            outside[l] = if inside(out[i], box0) & inside(out[j], box0) { outside[l] } else { 1 };
        }
    }
    outside == [0; LANES]
}

#[inline(always)]
fn drawn_2<const CONSTANT: bool>(
    u: Update,
    state: &mut State,
    [a0, a1, a2]: [&Lane; 3],
    out0: &mut Lane,
    out1: &mut Lane,
    [box0, box1]: [[f64; 2]; 2],
) -> bool {
    let ([x0, x1], [b0, b1]) = (axes(u.points), axes(u.drift));
    let (h, scale) = (u.h, u.scale);
    let mut outside = [0u64; LANES];
    for group in 0..BLOCK / LANES {
        for l in 0..LANES {
            let (z0, z1) = normal_pair(state, l);
            let i = LANES * group + l;
            let at = if CONSTANT { 0 } else { i };
            let [l00, l10, l11] = root_2([a0[at], a1[at], a2[at]]);
            out0[i] = fma(scale, l00 * z0, fma(h, b0[i], x0[i]));
            out1[i] = fma(scale, fma(l11, z1, l10 * z0), fma(h, b1[i], x1[i]));
            outside[l] = if inside(out0[i], box0) & inside(out1[i], box1) { outside[l] } else { 1 };
        }
    }
    outside == [0; LANES]
}

#[inline(always)]
fn inside(x: f64, [lower, upper]: [f64; 2]) -> bool {
    (x >= lower) & (x < upper)
}

#[inline(always)]
fn axes<const D: usize>(x: &[f64]) -> [&Lane; D] {
    let blocks = x.as_chunks::<BLOCK>().0;
    std::array::from_fn(|k| &blocks[k])
}

#[inline(always)]
fn euler_1<const CONSTANT: bool>(u: Update, a: &Lane, out: &mut Lane, box0: [f64; 2]) -> bool {
    let ([x], [b], [z]) = (axes(u.points), axes(u.drift), axes(u.noise));
    let (h, scale) = (u.h, u.scale);
    let mut all = true;
    for i in 0..BLOCK {
        let root = positive(a[if CONSTANT { 0 } else { i }]).sqrt();
        out[i] = fma(scale * root, z[i], fma(h, b[i], x[i]));
        all &= inside(out[i], box0);
    }
    all
}

#[inline(always)]
fn euler_2<const CONSTANT: bool>(
    u: Update,
    [a0, a1, a2]: [&Lane; 3],
    out0: &mut Lane,
    out1: &mut Lane,
    [box0, box1]: [[f64; 2]; 2],
) -> bool {
    let ([x0, x1], [b0, b1], [z0, z1]) = (axes(u.points), axes(u.drift), axes(u.noise));
    let (h, scale) = (u.h, u.scale);
    let mut all = true;
    for i in 0..BLOCK {
        let at = if CONSTANT { 0 } else { i };
        let [l00, l10, l11] = root_2([a0[at], a1[at], a2[at]]);
        out0[i] = fma(scale, l00 * z0[i], fma(h, b0[i], x0[i]));
        out1[i] = fma(scale, fma(l11, z1[i], l10 * z0[i]), fma(h, b1[i], x1[i]));
        all &= inside(out0[i], box0) & inside(out1[i], box1);
    }
    all
}

#[inline(always)]
fn euler_3<const CONSTANT: bool>(
    u: Update,
    [a0, a1, a2, a3, a4, a5]: [&Lane; 6],
    [out0, out1, out2]: [&mut Lane; 3],
    [box0, box1, box2]: [[f64; 2]; 3],
) -> bool {
    let ([x0, x1, x2], [b0, b1, b2], [z0, z1, z2]) = (axes(u.points), axes(u.drift), axes(u.noise));
    let (h, scale) = (u.h, u.scale);
    let mut all = true;
    for i in 0..BLOCK {
        let at = if CONSTANT { 0 } else { i };
        let [l00, l10, l20, l11, l21, l22] = root_3([a0[at], a1[at], a2[at], a3[at], a4[at], a5[at]]);
        out0[i] = fma(scale, l00 * z0[i], fma(h, b0[i], x0[i]));
        out1[i] = fma(scale, fma(l11, z1[i], l10 * z0[i]), fma(h, b1[i], x1[i]));
        let noise = fma(l22, z2[i], fma(l21, z1[i], l20 * z0[i]));
        out2[i] = fma(scale, noise, fma(h, b2[i], x2[i]));
        all &= inside(out0[i], box0) & inside(out1[i], box1) & inside(out2[i], box2);
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::numerics::random::Stream;

    /// S Sᵀ = D for random matrices of every rank, and for D given with rounding errors of the size 1e-16.
    #[test]
    fn root_squares_to_d() {
        let mut random = Stream::new(1, "root", 0);
        for d in 1..=3 {
            let packed = d * (d + 1) / 2;
            for rank in 0..=d {
                let mut a = vec![0.0; packed * BLOCK];
                for i in 0..BLOCK {
                    for _ in 0..rank {
                        let g: Vec<f64> =
                            (0..d).map(|_| random.normal() * 10f64.powf(random.uniform() * 6.0 - 3.0)).collect();
                        for r in 0..d {
                            for c in r..d {
                                a[crate::numerics::symmetric::packed_index(d, r, c) * BLOCK + i] +=
                                    g[r] * g[c] * (1.0 + 2e-16 * random.normal());
                            }
                        }
                    }
                }
                let mut s = vec![0.0; packed * BLOCK];
                root(d, &a, &mut s);
                for i in 0..BLOCK {
                    let l = |r: usize, c: usize| {
                        if r < c { 0.0 } else { s[crate::numerics::symmetric::packed_index(d, c, r) * BLOCK + i] }
                    };
                    let at = |r, c| a[crate::numerics::symmetric::packed_index(d, r, c) * BLOCK + i];
                    for r in 0..d {
                        for c in r..d {
                            let square: f64 = (0..d).map(|k| l(r, k) * l(c, k)).sum();
                            let scale = f64::sqrt(at(r, r) * at(c, c));
                            assert!(
                                (square - at(r, c)).abs() <= 3e-8 * scale,
                                "d {d} rank {rank}: {square} {}",
                                at(r, c)
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn degenerate_and_indefinite_matrices_stay_bounded() {
        for a in
            [[0.0, 1e-18, 4.0], [1e-320, 1e-20, 4.0], [-1e-17, 0.0, 4.0], [4.0, 2.0, 1.0 - 1e-16], [4.0, 0.0, -1e-12]]
        {
            let [l00, l10, l11] = root_2(a);
            assert!(
                l00 <= 2.0 && l10.abs() <= 2.0 && l11 <= 2.0 && l10 * l10 + l11 * l11 <= a[2].max(0.0) + 1e-15,
                "{a:?}"
            );
        }
        let r = root_3([1e-320, 1e-20, 1e-20, 4.0, 2.0, 1.0]);
        assert!(r.iter().all(|x| x.is_finite() && x.abs() <= 2.0 + 1e-15), "{r:?}");
    }

    /// Drawing on the way gives the bits of drawing first.
    #[test]
    fn drawing_on_the_way_is_exact() {
        for (d, constant) in [(1, false), (1, true), (2, false), (2, true)] {
            let wave = |i: usize| 2.0 + if constant { 0.0 } else { (i as f64).sin() };
            let a: Vec<f64> = (0..d * (d + 1) / 2 * BLOCK).map(wave).collect();
            let x: Vec<f64> = (0..d * BLOCK).map(|i| (i as f64).cos()).collect();
            let (mut first, mut second) = (LaneStream::new(3, "root", 1), LaneStream::new(3, "root", 1));
            let (mut one, mut two, mut z) = (vec![0.0; d * BLOCK], vec![0.0; d * BLOCK], vec![0.0; d * BLOCK]);
            match z.split_at_mut(BLOCK) {
                (z0, z1) if d == 2 => first.normal_pairs(z0, z1),
                _ => first.normals(&mut z),
            }
            let bounds = [[-99.0, 99.0]; 2];
            let update = Update {
                points: &x,
                drift: &x,
                diffusion: &a,
                noise: &z,
                h: 0.1,
                scale: 0.7,
                constant: false,
                bounds: &bounds[..d],
            };
            assert!(euler(update, &mut one) && euler_drawn(update, &mut second, &mut two));
            assert!(one.iter().zip(&two).all(|(a, b)| a.to_bits() == b.to_bits()), "d = {d}, constant: {constant}");
            assert_eq!(first, second);
        }
    }

    /// The shortcut for constant D gives the bits of the general path, and both those of `root`.
    #[test]
    fn constant_shortcut_is_exact() {
        for d in 1..=3 {
            let entries = [1.3, 0.2, 0.1, 0.7, -0.3, 0.9];
            let entries = match d {
                1 => &entries[..1],
                2 => &[1.3, 0.2, 0.7],
                _ => &entries[..],
            };
            let a: Vec<f64> = entries.iter().flat_map(|&e| [e; BLOCK]).collect();
            let mut broken = a.clone();
            broken[5] += 0.5;
            let z: Vec<f64> = (0..d * BLOCK).map(|i| (i as f64).sin()).collect();
            let (mut quick, mut general, mut root_of) =
                (vec![0.0; d * BLOCK], vec![0.0; d * BLOCK], vec![0.0; a.len()]);
            let bounds = [[-9.0, 9.0]; 3];
            let update = Update {
                points: &z,
                drift: &z,
                diffusion: &a,
                noise: &z,
                h: 0.1,
                scale: 0.7,
                constant: false,
                bounds: &bounds[..d],
            };
            assert!(euler(update, &mut quick));
            assert!(euler(Update { diffusion: &broken, ..update }, &mut general));
            root(d, &a, &mut root_of);
            let same = |k: usize| {
                (0..BLOCK).all(|i| i == 5 || quick[k * BLOCK + i].to_bits() == general[k * BLOCK + i].to_bits())
            };
            assert!((0..d).all(same));
            let first = fma(0.7 * root_of[0], z[0], fma(0.1, z[0], z[0]));
            assert!((quick[0] - first).abs() < 1e-15);
            assert!(!euler(Update { bounds: &[[-0.5, 9.0]; 3][..d], ..update }, &mut quick));
        }
    }
}
