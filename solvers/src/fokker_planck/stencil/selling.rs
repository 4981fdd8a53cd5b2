//! Selling's decomposition of a symmetric positive semidefinite matrix on integer offsets.
//!
//! M = Σ_e λ_e e eᵀ with λ_e ≥ 0 and at most 1, 3 or 6 offsets e ∈ ℤᵈ in 1, 2, 3 dimensions, from an obtuse superbase of ℤᵈ
//! (Conway and Sloane 1992, doi:10.1098/rspa.1992.0004; for schemes: Bonnans, Bonnet and Mirebeau 2021,
//! doi:10.1007/s10915-021-01556-z). The length of the offsets grows like √(condition number).

use crate::numerics::symmetric::{packed_index, packed_len};

/// Most offsets that a decomposition can have.
pub const MAX_OFFSETS: usize = 6;

/// M = Σ λ_e e eᵀ, possibly after `added` was put on the diagonal of M.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decomposition {
    /// Offsets; the first component that is not zero is positive. Only the first `len` count.
    pub offsets: [[i8; 3]; MAX_OFFSETS],
    /// Weights λ_e > 0.
    pub weights: [f64; MAX_OFFSETS],
    /// Number of offsets.
    pub len: usize,
    /// What was added to every diagonal entry of M to keep the offsets within the radius; 0 where nothing was needed.
    pub added: f64,
}

impl Decomposition {
    /// Largest absolute component of the offsets; 0 for the zero matrix.
    pub fn radius(&self) -> usize {
        self.offsets[..self.len].iter().flatten().map(|c| c.unsigned_abs() as usize).max().unwrap_or(0)
    }
}

/// Decomposes the packed symmetric positive semidefinite d×d matrix `m` on offsets of at most `max_radius` (1 to 100).
///
/// Where the exact decomposition is longer, the least multiple of the identity (to 1 %) is added for which it fits. Entries must be finite;
/// negative eigenvalues of the size of rounding are treated as zero.
pub fn selling(d: usize, m: &[f64], max_radius: usize) -> Decomposition {
    let max_radius = max_radius.clamp(1, 100) as i64;
    let trace: f64 = (0..d).map(|k| m[packed_index(d, k, k)]).sum();
    let unit = if trace > 0.0 { trace } else { 1.0 };
    let mut scaled = [0.0; 6];
    scaled.iter_mut().zip(m).for_each(|(s, m)| *s = m / unit);
    let mut out = bounded(d, &scaled, max_radius);
    out.weights.iter_mut().for_each(|w| *w *= unit);
    out.added *= unit;
    out
}

/// [`selling`] for a matrix of trace 1.
fn bounded(d: usize, m: &[f64], max_radius: i64) -> Decomposition {
    if let Some(exact) = reduce(d, m, 0.0, max_radius) {
        return exact;
    }
    let (mut low, mut high) = (1e-14, 1.0);
    let mut best = reduce(d, m, high, max_radius);
    while best.is_none() && high < 1e6 {
        low = high;
        high *= 4.0;
        best = reduce(d, m, high, max_radius);
    }
    while high > 1.01 * low {
        let middle = (low * high).sqrt();
        match reduce(d, m, middle, max_radius) {
            Some(fits) => (best, high) = (Some(fits), middle),
            None => low = middle,
        }
    }
    best.unwrap_or_else(|| axes(d, m))
}

/// The diagonal alone: what is left when nothing else fits.
fn axes(d: usize, m: &[f64]) -> Decomposition {
    let mut out = Decomposition { offsets: [[0; 3]; MAX_OFFSETS], weights: [0.0; MAX_OFFSETS], len: d, added: 0.0 };
    for k in 0..d {
        out.offsets[k][k] = 1;
        out.weights[k] = m[packed_index(d, k, k)].max(0.0);
    }
    out
}

type Vector = [i64; 3];

/// Decomposition of m + added·I, or None where offsets of more than `max_radius` carry weight.
fn reduce(d: usize, m: &[f64], added: f64, max_radius: i64) -> Option<Decomposition> {
    let mut full = [[0.0; 3]; 3];
    for i in 0..d {
        for j in 0..d {
            full[i][j] = m[packed_index(d, i, j)] + if i == j { added } else { 0.0 };
        }
    }
    let trace: f64 = (0..d).map(|k| full[k][k]).sum();
    let pairs = packed_len(d);
    let mut out = Decomposition { offsets: [[0; 3]; MAX_OFFSETS], weights: [0.0; MAX_OFFSETS], len: 0, added };
    let base = match d {
        1 => {
            keep(&mut out, [1, 0, 0], full[0][0], trace);
            return Some(out);
        }
        2 => obtuse_2(&full, trace),
        _ => obtuse_3(&full, trace),
    };
    for pair in 0..pairs {
        let (offset, dot) = if d == 2 { offset_2(&base, pair, &full) } else { offset_3(&base, pair, &full) };
        let length = offset.iter().map(|c| c.abs()).max().unwrap_or(0);
        // a negative weight remains only where the iteration was stopped: the matrix needs longer offsets
        if dot.abs() * ((length * length) as f64) <= 1e-13 * trace {
            continue;
        }
        if dot > 0.0 || length > max_radius {
            return None;
        }
        keep(&mut out, offset, -dot, trace);
    }
    Some(out)
}

fn keep(out: &mut Decomposition, offset: Vector, weight: f64, trace: f64) {
    if weight <= 1e-30 * trace {
        return;
    }
    let sign = offset.iter().find(|&&c| c != 0).map_or(1, |c| c.signum());
    out.offsets[out.len] = offset.map(|c| (sign * c) as i8);
    out.weights[out.len] = weight;
    out.len += 1;
}

fn dot(m: &[[f64; 3]; 3], a: Vector, b: Vector) -> f64 {
    let mut sum = 0.0;
    for i in 0..3 {
        for j in 0..3 {
            sum += a[i] as f64 * m[i][j] * b[j] as f64;
        }
    }
    sum
}

/// Pairs (i, j) of superbase vectors, and the remaining indices.
const PAIRS_2: [[usize; 3]; 3] = [[0, 1, 2], [0, 2, 1], [1, 2, 0]];
const PAIRS_3: [[usize; 4]; 6] = [[0, 1, 2, 3], [0, 2, 1, 3], [0, 3, 1, 2], [1, 2, 0, 3], [1, 3, 0, 2], [2, 3, 0, 1]];

/// Vectors longer than this are not followed any further; their offsets are beyond every radius.
const LONGEST: i64 = 4000;

/// Bound on the number of flips; condition numbers of 10⁸ need about 20.
const MOST_STEPS: usize = 400;

/// a·M b where it exceeds its rounding error, else 0.
fn acute(m: &[[f64; 3]; 3], trace: f64, a: Vector, b: Vector) -> f64 {
    let size = |v: Vector| v.iter().map(|c| c.abs()).sum::<i64>() as f64;
    let value = dot(m, a, b);
    if value <= 1e-15 * trace * size(a) * size(b) { 0.0 } else { value }
}

fn obtuse_2(m: &[[f64; 3]; 3], trace: f64) -> [Vector; 4] {
    let mut b: [Vector; 4] = [[1, 0, 0], [0, 1, 0], [-1, -1, 0], [0; 3]];
    for _ in 0..MOST_STEPS {
        let worst = PAIRS_2.map(|[i, j, _]| acute(m, trace, b[i], b[j]));
        let pair = largest(&worst);
        if worst[pair] <= 0.0 || b.iter().flatten().any(|c| c.abs() > LONGEST) {
            break;
        }
        let [i, j, k] = PAIRS_2[pair];
        (b[i], b[k]) = (b[i].map(|c| -c), difference(b[i], b[j]));
    }
    b
}

fn obtuse_3(m: &[[f64; 3]; 3], trace: f64) -> [Vector; 4] {
    let mut b: [Vector; 4] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]];
    for _ in 0..MOST_STEPS {
        let worst = PAIRS_3.map(|[i, j, _, _]| acute(m, trace, b[i], b[j]));
        let pair = largest(&worst);
        if worst[pair] <= 0.0 || b.iter().flatten().any(|c| c.abs() > LONGEST) {
            break;
        }
        let [i, _, k, l] = PAIRS_3[pair];
        let minus = b[i].map(|c| -c);
        (b[k], b[l], b[i]) = (difference(b[k], minus), difference(b[l], minus), minus);
    }
    b
}

fn largest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

fn difference(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn offset_2(b: &[Vector; 4], pair: usize, m: &[[f64; 3]; 3]) -> (Vector, f64) {
    let [i, j, k] = PAIRS_2[pair];
    ([-b[k][1], b[k][0], 0], dot(m, b[i], b[j]))
}

fn offset_3(b: &[Vector; 4], pair: usize, m: &[[f64; 3]; 3]) -> (Vector, f64) {
    let [i, j, k, l] = PAIRS_3[pair];
    let (u, v) = (b[k], b[l]);
    let cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    (cross, dot(m, b[i], b[j]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn rebuilt(d: usize, dec: &Decomposition) -> Vec<f64> {
        let mut m = vec![0.0; packed_len(d)];
        for s in 0..dec.len {
            for i in 0..d {
                for j in i..d {
                    let (a, b) = (f64::from(dec.offsets[s][i]), f64::from(dec.offsets[s][j]));
                    m[packed_index(d, i, j)] += dec.weights[s] * a * b;
                }
            }
        }
        m
    }

    fn check(d: usize, m: &[f64], radius: usize) -> Decomposition {
        let dec = selling(d, m, radius);
        assert!(dec.len <= packed_len(d) && dec.radius() <= radius);
        assert!(dec.weights[..dec.len].iter().all(|&w| w > 0.0 && w.is_finite()));
        let trace: f64 = (0..d).map(|k| m[packed_index(d, k, k)]).sum();
        for (c, (&a, b)) in m.iter().zip(rebuilt(d, &dec)).enumerate() {
            let diagonal = (0..d).any(|k| packed_index(d, k, k) == c);
            // long offsets magnify the rounding of the weights: 10⁻¹⁶ times the fourth power of the radius
            let target = a + if diagonal { dec.added } else { 0.0 };
            assert!((b - target).abs() <= 1e-8 * (trace + dec.added), "{m:?} {dec:?} {b} {target}");
        }
        dec
    }

    #[test]
    fn diagonal_matrices_use_the_axes() {
        let dec = check(2, &[3.0, 0.0, 0.5], 5);
        assert_eq!((dec.len, dec.radius()), (2, 1));
        let dec = check(3, &[3.0, 0.0, 0.0, 0.5, 0.0, 7.0], 5);
        assert_eq!((dec.len, dec.radius()), (3, 1));
        assert_eq!(check(2, &[0.0; 3], 5).len, 0);
        assert_eq!(check(1, &[2.0], 5).weights[0], 2.0);
    }

    #[test]
    fn a_rational_singular_matrix_needs_one_offset() {
        let dec = check(2, &[9.0, 6.0, 4.0], 5); // (3, 2)(3, 2)ᵀ
        assert_eq!((dec.len, dec.offsets[0], dec.added), (1, [3, 2, 0], 0.0));
        let dec = check(3, &[1.0, -1.0, 2.0, 1.0, -2.0, 4.0], 5);
        assert_eq!((dec.len, dec.offsets[0], dec.added), (1, [1, -1, 2], 0.0));
    }

    #[test]
    fn an_irrational_singular_matrix_is_widened_a_little() {
        let v = [1.0, 2f64.sqrt() - 1.0];
        let m = [v[0] * v[0], v[0] * v[1], v[1] * v[1]];
        for radius in [2, 4, 8, 16, 32] {
            let dec = check(2, &m, radius);
            assert!(dec.added > 0.0 && dec.added < 1.0 / (radius * radius) as f64, "{radius} {}", dec.added);
        }
    }

    /// Symmetric matrix with the given eigenvalues, turned by the given angles.
    pub fn turned(d: usize, eigenvalues: [f64; 3], angles: [f64; 3]) -> Vec<f64> {
        let mut r = [[0.0; 3]; 3];
        for k in 0..3 {
            r[k][k] = 1.0;
        }
        for (plane, &angle) in [(0, 1), (0, 2), (1, 2)].iter().zip(&angles) {
            if d == 2 && *plane != (0, 1) {
                continue;
            }
            let (s, c) = angle.sin_cos();
            for row in &mut r {
                (row[plane.0], row[plane.1]) =
                    (c * row[plane.0] - s * row[plane.1], s * row[plane.0] + c * row[plane.1]);
            }
        }
        let mut m = vec![0.0; packed_len(d)];
        for i in 0..d {
            for j in i..d {
                m[packed_index(d, i, j)] = (0..d).map(|k| r[i][k] * eigenvalues[k] * r[j][k]).sum();
            }
        }
        m
    }

    proptest! {
        #[test]
        fn random_matrices_are_rebuilt(
            d in 2usize..=3,
            exponents in prop::array::uniform3(-8.0f64..0.0),
            angles in prop::array::uniform3(0.0f64..7.0),
            scale in -200.0f64..200.0,
            radius in 1usize..=40,
        ) {
            let unit = 10f64.powf(scale);
            let m = turned(d, exponents.map(|e| unit * 10f64.powf(e)), angles);
            check(d, &m, radius);
        }

        #[test]
        fn moderate_conditions_are_exact(
            d in 2usize..=3,
            eigenvalues in prop::array::uniform3(0.01f64..1.0),
            angles in prop::array::uniform3(0.0f64..7.0),
        ) {
            prop_assert_eq!(check(d, &turned(d, eigenvalues, angles), 40).added, 0.0);
        }
    }
}
