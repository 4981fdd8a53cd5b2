//! Where A jumps between two cells: the part of ∇·A that no point shows.
//!
//! At a kink of the samples' losses D jumps, and ∇·A is a delta function on the surface of the kink. In a thin layer of normal n, across which A
//! goes from A₋ to A₊ = A₋ + \[A\], an edge e gets
//!
//! ```text
//! ∫ e·A⁻¹ ∇·A = ∫₀¹ e·(A₋ + s[A])⁻¹ [A] n/(e·n) ds      (on a line: ln a₊/a₋)
//! ```
//!
//! whatever the shape of the layer along s: A ρ is continuous there, as Itô's equation has it.

use super::local_slope::solve_node;

/// Change of A along an edge, relative to A, below which it is not looked at.
pub const NOTICEABLE: f64 = 0.05;
/// Change of A along an edge, relative to those along the two beside it, below which it is no jump.
pub const FASTER: f64 = 3.0;
/// Share of the change that lies in one quarter of the edge, and in ever smaller parts of it, if it is a jump.
const SUDDEN: f64 = 0.7;
/// Halvings by which a jump is found.
const HALVINGS: usize = 8;
/// Distance from the surface, in units of the edge, from which its normal is looked for.
const APART: f64 = 0.3;

/// A in units of the cells, packed, at a point given by its distance from the start of the edge in cells.
pub type Field<'a> = dyn Fn([f64; 3]) -> [f64; 6] + 'a;

/// A jump of A on an edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jump {
    /// Where, as a share of the edge.
    pub at: f64,
    before: [f64; 6],
    after: [f64; 6],
    normal: [f64; 3],
}

/// Σ |a − b|.
pub fn distance(a: &[f64; 6], b: &[f64; 6]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}

impl Jump {
    /// The jump on an edge of this offset between the values of its ends, and its normal; None where A changes gradually.
    pub fn find(d: usize, offset: &[f64; 3], ends: [[f64; 6]; 2], field: &Field) -> Option<Self> {
        let along = |t: f64| field(offset.map(|c| t * c));
        let inner: [[f64; 6]; 3] = [0.25, 0.5, 0.75].map(along);
        let places = [ends[0], inner[0], inner[1], inner[2], ends[1]];
        let changes: Vec<f64> = places.windows(2).map(|pair| distance(&pair[0], &pair[1])).collect();
        let total: f64 = changes.iter().sum();
        let quarter = (0..4).find(|&k| changes[k] > SUDDEN * total)?;
        let (mut low, mut high) = (0.25 * quarter as f64, 0.25 * (quarter + 1) as f64);
        let (mut before, mut after) = (places[quarter], places[quarter + 1]);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            let here = along(middle);
            if distance(&before, &here) > distance(&here, &after) {
                (high, after) = (middle, here);
            } else {
                (low, before) = (middle, here);
            }
        }
        if distance(&before, &after) <= SUDDEN * total {
            return None;
        }
        let at = 0.5 * (low + high);
        let normal = normal(d, offset, at, [&before, &after], field);
        Some(Self { at, before, after, normal })
    }

    /// What it takes from the exponent of the edge.
    pub fn exponent(&self, d: usize, offset: &[f64; 3], added: f64) -> f64 {
        let inner = |a: &[f64; 3], b: &[f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let change: [f64; 6] = std::array::from_fn(|c| self.after[c] - self.before[c]);
        let index = |i: usize, j: usize| crate::numerics::symmetric::packed_index(d, i, j);
        let mut source = [0.0; 3];
        for (i, source) in source.iter_mut().enumerate().take(d) {
            *source = (0..d).map(|j| change[index(i, j)] * self.normal[j]).sum::<f64>() / inner(offset, &self.normal);
        }
        // Gauss's rule of three points on [0, 1]
        let far = 0.5 * (0.6f64).sqrt();
        [(0.5 - far, 5.0), (0.5, 8.0), (0.5 + far, 5.0)]
            .iter()
            .map(|(s, weight)| {
                let m: [f64; 6] = std::array::from_fn(|c| self.before[c] + s * change[c]);
                weight / 18.0 * inner(offset, &solve_node(d, &m, added, source).gamma)
            })
            .sum()
    }
}

/// The normal of the surface: from a point on the near side its distances along the axes are in inverse proportion to the components.
fn normal(d: usize, offset: &[f64; 3], at: f64, [before, after]: [&[f64; 6]; 2], field: &Field) -> [f64; 3] {
    let from = offset.map(|c| (at - APART) * c);
    let beyond = |axis: usize, step: f64| {
        let mut point = from;
        point[axis] += step;
        let here = field(point);
        distance(&here, before) > distance(&here, after)
    };
    let mut out = [0.0; 3];
    for (axis, out) in out.iter_mut().enumerate().take(d) {
        let Some(far) = [1.0, -1.0].into_iter().find(|&far| beyond(axis, far)) else { continue };
        let (mut low, mut high) = (0.0, far);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if beyond(axis, middle) { high = middle } else { low = middle }
        }
        *out = 2.0 / (low + high);
    }
    let along: f64 = (0..3).map(|k| out[k] * offset[k]).sum();
    if along > 0.0 { out } else { *offset }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_jump_on_a_line_is_the_logarithm_and_a_steep_slope_is_none() {
        let step = |x: [f64; 3]| [if x[0] < 0.4 { 1.0 } else { 3.0 }, 0.0, 0.0, 0.0, 0.0, 0.0];
        let ends = |field: &Field| [[0.0; 3], [1.0, 0.0, 0.0]].map(field);
        let found = Jump::find(1, &[1.0, 0.0, 0.0], ends(&step), &step).unwrap();
        assert!((found.at - 0.4).abs() < 1e-3, "{found:?}");
        assert!((found.exponent(1, &[1.0, 0.0, 0.0], 0.0) - 3f64.ln()).abs() < 1e-3);
        let steep = |x: [f64; 3]| [(5.0 * x[0]).exp(), 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(Jump::find(1, &[1.0, 0.0, 0.0], ends(&steep), &steep), None);
    }

    /// Across a line x + 2 y = 0.5 every edge from one side to the other gets what keeps A ρ continuous: for A = a(x, y)·I the logarithm.
    #[test]
    fn an_oblique_jump_is_the_same_for_every_edge_across_it() {
        let field = |p: [f64; 3]| {
            let a = if p[0] + 2.0 * p[1] < 0.5 { 2.0 } else { 0.5 };
            [a, 0.0, a, 0.0, 0.0, 0.0]
        };
        for offset in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]] {
            let found = Jump::find(2, &offset, [[0.0; 3], offset].map(field), &field).unwrap();
            assert!((found.exponent(2, &offset, 0.0) - 0.25f64.ln()).abs() < 0.03, "{found:?} {offset:?}");
        }
    }
}
