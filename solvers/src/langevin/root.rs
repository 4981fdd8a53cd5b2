//! A square root of D for whole blocks: the lower triangular S with S Sᵀ = D, in closed form for 1 to 3 dimensions.
//!
//! Semidefinite matrices are welcome: pivots below 0 (rounding) count as 0, and the entries below a pivot are bounded by the
//! diagonal, |S_ji|² ≤ D_jj, which exact arithmetic would guarantee.

use crate::ensemble::BLOCK;
use crate::lanes::{dispatch, fma};

type Lane = [f64; BLOCK];

/// Writes S, packed by columns (d = 2: S_00, S_10, S_11; d = 3: S_00, S_10, S_20, S_11, S_21, S_22), which is the packed
/// order of [`crate::symmetric`] with the rows and columns exchanged.
pub(super) fn root(d: usize, diffusion: &[f64], root: &mut [f64]) {
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

/// out = x + h·b + s·(S z) with S Sᵀ = D: the Euler–Maruyama update of a block, the root taken on the way. Returns whether all
/// of `out` is inside `bounds` (upper ends excluded, as for anything that is not finite).
pub(super) fn euler(
    x: &[f64],
    b: &[f64],
    diffusion: &[f64],
    z: &[f64],
    [h, s]: [f64; 2],
    out: &mut [f64],
    bounds: &[[f64; 2]],
) -> bool {
    let a = diffusion.as_chunks::<BLOCK>().0;
    if is_constant(a) {
        euler_constant(x, b, a, z, h, s, out, bounds)
    } else {
        euler_general(x, b, a, z, h, s, out, bounds)
    }
}

#[inline(always)]
fn inside(x: f64, [lower, upper]: [f64; 2]) -> bool {
    (x >= lower) & (x < upper)
}

#[inline(always)]
fn blocks<const D: usize>(x: &[f64]) -> Option<&[Lane; D]> {
    x.as_chunks::<BLOCK>().0.try_into().ok()
}

/// The update in 1 to 3 dimensions; `$root` gives S of walker i from the components of D.
macro_rules! update {
    ($x:ident, $b:ident, $a:ident, $z:ident, $h:ident, $s:ident, $out:ident, $bounds:ident; $i:ident, $at:expr) => {{
        let mut all = true;
        match ($a, $out.as_chunks_mut::<BLOCK>().0) {
            ([a], [out]) => {
                let (Some([x]), Some([b]), Some([z])) = (blocks($x), blocks($b), blocks($z)) else { return false };
                for $i in 0..BLOCK {
                    out[$i] = fma($s * positive(a[$at]).sqrt(), z[$i], fma($h, b[$i], x[$i]));
                    all &= inside(out[$i], $bounds[0]);
                }
            }
            ([a0, a1, a2], [out0, out1]) => {
                let (Some([x0, x1]), Some([b0, b1]), Some([z0, z1])) = (blocks($x), blocks($b), blocks($z)) else {
                    return false;
                };
                for $i in 0..BLOCK {
                    let [l00, l10, l11] = root_2([a0[$at], a1[$at], a2[$at]]);
                    out0[$i] = fma($s, l00 * z0[$i], fma($h, b0[$i], x0[$i]));
                    out1[$i] = fma($s, fma(l11, z1[$i], l10 * z0[$i]), fma($h, b1[$i], x1[$i]));
                    all &= inside(out0[$i], $bounds[0]) & inside(out1[$i], $bounds[1]);
                }
            }
            ([a0, a1, a2, a3, a4, a5], [out0, out1, out2]) => {
                let (Some([x0, x1, x2]), Some([b0, b1, b2]), Some([z0, z1, z2])) = (blocks($x), blocks($b), blocks($z))
                else {
                    return false;
                };
                for $i in 0..BLOCK {
                    let [l00, l10, l20, l11, l21, l22] = root_3([a0[$at], a1[$at], a2[$at], a3[$at], a4[$at], a5[$at]]);
                    out0[$i] = fma($s, l00 * z0[$i], fma($h, b0[$i], x0[$i]));
                    out1[$i] = fma($s, fma(l11, z1[$i], l10 * z0[$i]), fma($h, b1[$i], x1[$i]));
                    let noise = fma(l22, z2[$i], fma(l21, z1[$i], l20 * z0[$i]));
                    out2[$i] = fma($s, noise, fma($h, b2[$i], x2[$i]));
                    all &= inside(out0[$i], $bounds[0]) & inside(out1[$i], $bounds[1]) & inside(out2[$i], $bounds[2]);
                }
            }
            _ => return false,
        }
        all
    }};
}

dispatch! {
    fn euler_general(x: &[f64], b: &[f64], a: &[Lane], z: &[f64], h: f64, s: f64, out: &mut [f64], bounds: &[[f64; 2]]) -> bool {
        update!(x, b, a, z, h, s, out, bounds; i, i)
    }
}

dispatch! {
    /// The same with the root of the first walker for all, moved out of the loop by the compiler.
    fn euler_constant(x: &[f64], b: &[f64], a: &[Lane], z: &[f64], h: f64, s: f64, out: &mut [f64], bounds: &[[f64; 2]]) -> bool {
        update!(x, b, a, z, h, s, out, bounds; i, 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::random::Stream;

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
                                a[crate::symmetric::packed_index(d, r, c) * BLOCK + i] +=
                                    g[r] * g[c] * (1.0 + 2e-16 * random.normal());
                            }
                        }
                    }
                }
                let mut s = vec![0.0; packed * BLOCK];
                root(d, &a, &mut s);
                for i in 0..BLOCK {
                    let l = |r: usize, c: usize| {
                        if r < c { 0.0 } else { s[crate::symmetric::packed_index(d, c, r) * BLOCK + i] }
                    };
                    let at = |r, c| a[crate::symmetric::packed_index(d, r, c) * BLOCK + i];
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
            assert!(euler(&z, &z, &a, &z, [0.1, 0.7], &mut quick, &bounds));
            assert!(euler(&z, &z, &broken, &z, [0.1, 0.7], &mut general, &bounds));
            root(d, &a, &mut root_of);
            let same = |k: usize| {
                (0..BLOCK).all(|i| i == 5 || quick[k * BLOCK + i].to_bits() == general[k * BLOCK + i].to_bits())
            };
            assert!((0..d).all(same));
            let first = fma(0.7 * root_of[0], z[0], fma(0.1, z[0], z[0]));
            assert!((quick[0] - first).abs() < 1e-15);
            assert!(!euler(&z, &z, &a, &z, [0.1, 0.7], &mut quick, &[[-0.5, 9.0]; 3]));
        }
    }
}
