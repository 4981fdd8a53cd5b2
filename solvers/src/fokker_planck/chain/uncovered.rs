//! The law of a cell whose noise does not cover the lattice: atoms of the Gaussian, deposited on the lattice and contracted.
//!
//! An atom between the points of the lattice is split among the 2ᵈ corners around it (linear deposit): mass, mean and covariances of
//! different axes are exact, the variance along an axis is too large by Σ q a(1 − a) with the fraction a of a cell. A move (−e, +2e, −e) along
//! the axis keeps the mean and takes 2e of variance out; with
//!
//! ```text
//! e_j = min(s·u_j, ½ min(w_{j−1}, w_{j+1}))
//! ```
//!
//! no probability w becomes negative whatever s is, which is chosen such that Σ 2e_j is the variance to be taken out. Where that
//! cannot be reached, since a law on the lattice has a least variance (a(1 − a) ≤ ¼ in one dimension), the rest is the excess of the law.

use super::rows::Entry;
use crate::numerics::small_matrix::diagonalise;

/// Reach of the atoms in standard deviations.
const REACH: f64 = 6.0;
/// Largest distance of atoms: in standard deviations (their moments are those of the Gaussian to 10⁻⁸), and in cells, so that deposits overlap.
const APART: [f64; 2] = [1.0, 0.7];
/// Standard deviation in cells up to which three atoms serve.
const NARROW: f64 = 0.3;
/// Probabilities below this are left out.
const NEGLIGIBLE: f64 = 1e-13;
/// Most steps of Newton's method for s; the function is concave and piecewise linear, so that it ends after a few.
const NEWTON: usize = 60;

/// A law on the lattice with its variance beyond the one asked for.
pub struct Contracted {
    /// Points and probabilities, sum 1.
    pub entries: Vec<Entry>,
    /// Excess of variance along each axis, in squared cells.
    pub excess: [f64; 3],
}

/// The contracted law of mean `mean` (in cells) and covariance `s` (d×d, positive semidefinite, in squared cells).
pub fn contracted(d: usize, mean: [f64; 3], s: [[f64; 3]; 3]) -> Contracted {
    let mut window = Window::around(d, mean, s);
    let mut excess = window.deposit(mean, s);
    for (axis, excess) in excess.iter_mut().enumerate().take(d) {
        *excess -= window.contract(axis, *excess);
    }
    Contracted { entries: window.entries(), excess }
}

/// A box of the lattice with its probabilities.
struct Window {
    low: [i32; 3],
    size: [usize; 3],
    weight: Vec<f64>,
}

impl Window {
    /// Room for the atoms and a cell more on every side.
    fn around(d: usize, mean: [f64; 3], s: [[f64; 3]; 3]) -> Self {
        let (mut low, mut size) = ([0; 3], [1; 3]);
        for k in 0..d {
            // every direction is cut off at REACH, so that an axis may see √d times as much
            let reach = REACH * (d as f64 * s[k][k].max(0.0)).sqrt() + 1.0;
            low[k] = (mean[k] - reach).floor() as i32 - 1;
            size[k] = ((mean[k] + reach).ceil() as i32 + 2 - low[k]) as usize;
        }
        Self { low, size, weight: vec![0.0; size.iter().product()] }
    }

    fn stride(&self, axis: usize) -> usize {
        self.size[axis + 1..].iter().product()
    }

    /// Deposits the atoms of the Gaussian; the variance along each axis beyond that of the Gaussian.
    fn deposit(&mut self, mean: [f64; 3], s: [[f64; 3]; 3]) -> [f64; 3] {
        let directions = directions(s);
        let [first, second, third] = directions.map(|(direction, sd)| (direction, atoms(sd)));
        let mut excess = [0.0; 3];
        for (a, p) in &first.1 {
            for (b, q) in &second.1 {
                for (c, r) in &third.1 {
                    let probability = p * q * r;
                    if probability > NEGLIGIBLE {
                        let at = |k: usize| mean[k] + a * first.0[k] + b * second.0[k] + c * third.0[k];
                        self.put([at(0), at(1), at(2)], probability, &mut excess);
                    }
                }
            }
        }
        let sum: f64 = self.weight.iter().sum();
        self.weight.iter_mut().for_each(|w| *w /= sum);
        excess.map(|excess| excess / sum)
    }

    fn put(&mut self, at: [f64; 3], probability: f64, excess: &mut [f64; 3]) {
        let whole = at.map(f64::floor);
        let part: [f64; 3] = std::array::from_fn(|k| at[k] - whole[k]);
        let cell = |k: usize, up: usize| (whole[k] as i32 - self.low[k]) as usize + up;
        let share = |k: usize, up: usize| if up == 1 { part[k] } else { 1.0 - part[k] };
        let ends = |k: usize| if part[k] > 0.0 { 0..2 } else { 0..1 };
        for i in ends(0) {
            for j in ends(1) {
                for l in ends(2) {
                    let place = (cell(0, i) * self.size[1] + cell(1, j)) * self.size[2] + cell(2, l);
                    self.weight[place] += probability * share(0, i) * share(1, j) * share(2, l);
                }
            }
        }
        (0..3).for_each(|k| excess[k] += probability * part[k] * (1.0 - part[k]));
    }

    /// Takes up to `wanted` of variance out along an axis; what was taken.
    fn contract(&mut self, axis: usize, wanted: f64) -> f64 {
        if wanted <= 0.0 {
            return 0.0;
        }
        let (stride, length) = (self.stride(axis), self.size[axis]);
        let inside = |place: &usize| (1..length - 1).contains(&(place / stride % length));
        let w = &self.weight;
        let places: Vec<usize> =
            (0..w.len()).filter(inside).filter(|&x| w[x - stride].min(w[x + stride]) > 0.0).collect();
        let caps: Vec<f64> = places.iter().map(|&x| 0.5 * w[x - stride].min(w[x + stride])).collect();
        let most: f64 = caps.iter().map(|cap| 2.0 * cap).sum();
        let moves: Vec<f64> = if most <= wanted {
            caps
        } else {
            let held: f64 = places.iter().zip(&caps).filter(|(x, _)| w[**x] > 0.0).map(|(_, cap)| 2.0 * cap).sum();
            // gaps between atoms, w_j = 0, can take something too where the others do not suffice
            let alone = held > wanted * (1.0 + 1e-4);
            let u: Vec<f64> = places
                .iter()
                .map(|&x| if alone { w[x] } else { 0.25 * (w[x - stride] + 2.0 * w[x] + w[x + stride]) })
                .collect();
            limited(&u, &caps, wanted)
        };
        for (&x, &e) in places.iter().zip(&moves) {
            self.weight[x] += 2.0 * e;
            self.weight[x - stride] -= e;
            self.weight[x + stride] -= e;
        }
        self.weight.iter_mut().for_each(|w| *w = w.max(0.0)); // rounding
        moves.iter().map(|e| 2.0 * e).sum()
    }

    fn entries(&self) -> Vec<Entry> {
        let mut out = Vec::new();
        for i in 0..self.size[0] {
            for j in 0..self.size[1] {
                for l in 0..self.size[2] {
                    let weight = self.weight[(i * self.size[1] + j) * self.size[2] + l];
                    if weight > NEGLIGIBLE {
                        let offset = [i as i32, j as i32, l as i32];
                        out.push((std::array::from_fn(|k| self.low[k] + offset[k]), weight));
                    }
                }
            }
        }
        let sum: f64 = out.iter().map(|entry| entry.1).sum();
        out.iter_mut().for_each(|entry| entry.1 /= sum);
        out
    }
}

/// e_j = min(s·u_j, cap_j) with Σ 2e_j = `wanted`, less than Σ 2cap_j: Newton's method from below.
fn limited(u: &[f64], caps: &[f64], wanted: f64) -> Vec<f64> {
    let mut s = 0.0;
    for _ in 0..NEWTON {
        let (mut sum, mut slope) = (0.0, 0.0);
        for (&u, &cap) in u.iter().zip(caps) {
            sum += 2.0 * (s * u).min(cap);
            slope += if s * u < cap { 2.0 * u } else { 0.0 };
        }
        let step = (wanted - sum) / slope;
        if slope <= 0.0 || step.is_nan() || step <= 1e-15 * s {
            break;
        }
        s += step;
    }
    u.iter().zip(caps).map(|(&u, &cap)| (s * u).min(cap)).collect()
}

/// Unit eigenvectors of a covariance matrix with standard deviations.
fn directions(s: [[f64; 3]; 3]) -> [([f64; 3], f64); 3] {
    let mut matrix: [f64; 9] = std::array::from_fn(|i| s[i / 3][i % 3]);
    let mut vectors = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    diagonalise(3, &mut matrix, &mut vectors);
    std::array::from_fn(|a| (std::array::from_fn(|k| vectors[3 * k + a]), matrix[4 * a].max(0.0).sqrt()))
}

/// Positions (in cells) and probabilities of the atoms of a Gaussian of mean 0.
fn atoms(sd: f64) -> Vec<(f64, f64)> {
    if sd == 0.0 {
        return vec![(0.0, 1.0)];
    }
    if sd < NARROW {
        let far = 3f64.sqrt() * sd; // Gauss's rule: moments up to the fifth
        return vec![(-far, 1.0 / 6.0), (0.0, 2.0 / 3.0), (far, 1.0 / 6.0)];
    }
    let apart = APART[0].min(APART[1] / sd);
    let most = (REACH / apart) as i32;
    let all = (-most..=most).map(|k| apart * f64::from(k));
    let weights: Vec<(f64, f64)> = all.map(|z| (sd * z, (-0.5 * z * z).exp())).collect();
    let sum: f64 = weights.iter().map(|atom| atom.1).sum();
    weights.into_iter().map(|(z, weight)| (z, weight / sum)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(law: &[Entry]) -> (f64, [f64; 3], [[f64; 3]; 3]) {
        let (mut sum, mut mean, mut square) = (0.0, [0.0; 3], [[0.0; 3]; 3]);
        for (point, weight) in law {
            sum += weight;
            for i in 0..3 {
                mean[i] += weight * f64::from(point[i]);
                (0..3).for_each(|j| square[i][j] += weight * f64::from(point[i]) * f64::from(point[j]));
            }
        }
        for i in 0..3 {
            (0..3).for_each(|j| square[i][j] -= mean[i] * mean[j]);
        }
        (sum, mean, square)
    }

    #[test]
    fn mass_mean_and_covariances_are_exact_and_variances_too_large_by_the_counted_excess() {
        let line = |v: f64| [[v, 0.0, 0.0], [0.0; 3], [0.0; 3]];
        let cases = [
            (1, [0.3, 0.0, 0.0], line(0.0)),
            (1, [0.5, 0.0, 0.0], line(0.1)),
            (1, [-7.2, 0.0, 0.0], line(0.3)),
            (2, [0.4, 3.7, 0.0], [[9.0, 5.4, 0.0], [5.4, 3.24, 0.0], [0.0; 3]]),
            (2, [0.1, 0.2, 0.0], [[30.0, 0.0, 0.0], [0.0, 0.05, 0.0], [0.0; 3]]),
            (2, [0.25, -0.4, 0.0], [[0.6, 0.2, 0.0], [0.2, 0.3, 0.0], [0.0; 3]]),
            (3, [0.5, 0.1, -0.3], [[4.0, 2.0, 0.2], [2.0, 1.1, 0.1], [0.2, 0.1, 0.02]]),
        ];
        for (d, mean, s) in cases {
            let law = contracted(d, mean, s);
            let (sum, found, covariance) = moments(&law.entries);
            assert!(law.entries.iter().all(|entry| entry.1 >= 0.0) && (sum - 1.0).abs() < 1e-14);
            for i in 0..d {
                assert!((found[i] - mean[i]).abs() < 1e-10, "{mean:?} {found:?}");
                for j in 0..d {
                    let more = if i == j { law.excess[i] } else { 0.0 };
                    let off = covariance[i][j] - s[i][j] - more;
                    assert!(off.abs() < 1e-6 * s[i][i].max(1.0), "{s:?} {i} {j}: {off:e}");
                }
                assert!((-1e-12..=0.25 + 1e-12).contains(&law.excess[i]), "{:?}", law.excess);
            }
        }
        // the least variance of a law on the integers of mean 0.3, and of one that can be contracted none
        assert!((contracted(1, [0.3, 0.0, 0.0], line(0.0)).excess[0] - 0.21).abs() < 1e-14);
        assert!(contracted(1, [-7.2, 0.0, 0.0], line(0.5)).excess[0] < 1e-9);
    }
}
