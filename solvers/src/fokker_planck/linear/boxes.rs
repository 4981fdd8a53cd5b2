//! Coarsening of a grid by boxes of two cells along each axis, for chains that jump to neighbours along the axes alone.
//!
//! The sum of a residual over a box goes down, corrections come up by linear interpolation between the centres of boxes: together of
//! order 3 where second derivatives need more than 2 (P. Wesseling, *An Introduction to Multigrid Methods*, 1992), so that the
//! number of cycles does not grow with the grid as it does with constants on aggregates. Axes along which cells are hardly coupled stay
//! as they are until the coarser grid has made the others as weak.

use std::borrow::Cow;

use super::aggregation::Matrix;

/// Share of the strongest axis' coupling from which on an axis is coarsened.
const COUPLED: f64 = 0.25;

/// A grid and the coarser one of its boxes.
pub(super) struct Boxes {
    fine: Vec<usize>,
    coarse: Vec<usize>,
    periodic: Vec<bool>,
}

impl Boxes {
    /// Those of a grid of `shape`; None where some cells are coupled otherwise than to neighbours along an axis, or no axis is left.
    pub fn of(matrix: &Matrix, shape: &[usize]) -> Option<Self> {
        let d = shape.len();
        let strides = strides(shape);
        let (mut strength, mut periodic) = (vec![0.0; d], vec![false; d]);
        for i in 0..matrix.len() {
            for (j, rate) in matrix.row(i) {
                let (axis, wraps) = step(shape, &strides, i, j)?;
                strength[axis] += rate * matrix.inverse[i];
                periodic[axis] |= wraps;
            }
        }
        let strongest = strength.iter().copied().fold(0.0, f64::max);
        let halved =
            |axis: usize| if strength[axis] >= COUPLED * strongest { shape[axis].div_ceil(2) } else { shape[axis] };
        let coarse: Vec<usize> = (0..d).map(halved).collect();
        (coarse != shape).then(|| Self { fine: shape.to_vec(), coarse, periodic })
    }

    /// Boxes along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.coarse
    }

    /// The box of each cell.
    pub fn aggregates(&self) -> Vec<u32> {
        let mut boxes = vec![0];
        for (&fine, &coarse) in self.fine.iter().zip(&self.coarse) {
            let width = if fine == coarse { 1 } else { 2 };
            let along = |before: u32| (0..fine).map(move |i| before * coarse as u32 + (i / width) as u32);
            boxes = boxes.into_iter().flat_map(along).collect();
        }
        boxes
    }

    /// The chain of the boxes from the sums of rates between them. Boxes are twice as far apart as cells: the symmetric part, which
    /// diffuses, is halved; the antisymmetric one, the current through a face, stays; what that makes negative is left out.
    pub fn rescaled(&self, sums: Matrix) -> Matrix {
        let strides = strides(&self.coarse);
        let mut value = sums.value.clone();
        for i in 0..sums.len() {
            for k in sums.start[i] as usize..sums.start[i + 1] as usize {
                let j = sums.column[k] as usize;
                let along = step(&self.coarse, &strides, i, j);
                if along.is_some_and(|(axis, _)| self.fine[axis] != self.coarse[axis]) {
                    let back = sums.row(j).find(|&(to, _)| to == i).map_or(0.0, |(_, rate)| rate);
                    value[k] = (0.25 * (sums.value[k] + back) + 0.5 * (sums.value[k] - back)).max(0.0);
                }
            }
        }
        Matrix::new(sums.start, sums.column, value, sums.ground)
    }

    /// Adds the interpolated `correction` of the boxes to `x`, axis by axis; beyond a wall as at the wall.
    pub fn interpolate(&self, correction: &[f64], x: &mut [f64]) {
        let halved: Vec<usize> = (0..self.fine.len()).filter(|&axis| self.fine[axis] != self.coarse[axis]).collect();
        let (mut shape, mut values) = (self.coarse.clone(), Cow::Borrowed(correction));
        for (k, &axis) in halved.iter().enumerate() {
            shape[axis] = self.fine[axis];
            if k + 1 == halved.len() {
                return self.along(axis, &shape, &values, x);
            }
            let mut finer = vec![0.0; shape.iter().product()];
            self.along(axis, &shape, &values, &mut finer);
            values = Cow::Owned(finer);
        }
    }

    /// Adds what stands in boxes along an axis to the finer values of this shape.
    fn along(&self, axis: usize, shape: &[usize], boxes: &[f64], finer: &mut [f64]) {
        let (count, cells, inner) = (self.coarse[axis], self.fine[axis], shape[axis + 1..].iter().product::<usize>());
        for (from, to) in boxes.chunks_exact(count * inner).zip(finer.chunks_exact_mut(cells * inner)) {
            for (i, to) in to.chunks_exact_mut(inner).enumerate() {
                let (own, next) = (i / 2, self.beside(axis, i));
                let (own, next) = (&from[own * inner..][..inner], &from[next * inner..][..inner]);
                to.iter_mut().zip(own.iter().zip(next)).for_each(|(to, (a, b))| *to += 0.75 * a + 0.25 * b);
            }
        }
    }

    /// The box on whose side cell i lies within its own.
    fn beside(&self, axis: usize, i: usize) -> usize {
        let (own, last) = (i / 2, self.coarse[axis] - 1);
        match (i.is_multiple_of(2), self.periodic[axis]) {
            (true, true) if own == 0 => last,
            (true, _) => own.saturating_sub(1),
            (false, true) if own == last => 0,
            (false, _) => (own + 1).min(last),
        }
    }
}

fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

/// The axis along which cells i and j are neighbours, and whether around its end; None where they are not.
fn step(shape: &[usize], strides: &[usize], i: usize, j: usize) -> Option<(usize, bool)> {
    let (low, gap) = (i.min(j), i.abs_diff(j));
    for (axis, (&n, &stride)) in shape.iter().zip(strides).enumerate() {
        if gap == stride && (low / stride) % n + 1 < n {
            return Some((axis, false));
        }
        if n > 2 && gap == stride * (n - 1) && (low / stride).is_multiple_of(n) {
            return Some((axis, true));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::fokker_planck::generator::{Generator, GeneratorBuilder};
    use crate::fokker_planck::linear::dissection::Dissection;
    use crate::fokker_planck::linear::multifrontal::Multifrontal;
    use crate::fokker_planck::linear::multigrid;
    use crate::fokker_planck::testing::fixtures::bernoulli;

    /// Exponentially fitted: drift b on the box of ±2 with noise T along each axis, axis 0 periodic or not.
    fn cube(shape: [usize; 3], temperature: f64, periodic: bool, drift: impl Fn([f64; 3]) -> [f64; 3]) -> Generator {
        let strides = strides(&shape);
        let mut builder = GeneratorBuilder::new(shape.iter().product());
        for i in 0..shape.iter().product() {
            let at = |axis: usize| (i / strides[axis]) % shape[axis];
            for axis in 0..3 {
                let h = 4.0 / shape[axis] as f64;
                let last = at(axis) + 1 == shape[axis];
                if last && !(periodic && axis == 0) {
                    continue;
                }
                let next = if last { i - strides[axis] * at(axis) } else { i + strides[axis] };
                let mut x = std::array::from_fn(|k| -2.0 + 4.0 * (at(k) as f64 + 0.5) / shape[k] as f64);
                x[axis] += 0.5 * h;
                let (peclet, rate) = (drift(x)[axis] * h / temperature, temperature / (h * h));
                builder.add_edge(i, next, rate * bernoulli(-peclet), rate * bernoulli(peclet));
            }
        }
        builder.finish()
    }

    /// Weak and strong currents, cell Péclet numbers up to 25, cells of unequal lengths, a periodic axis: L1 to the law of
    /// subtraction-free elimination, and the relative error where it is above e^−20 of its maximum.
    #[test]
    fn stationary_laws_of_cubes_are_those_of_elimination() {
        let wells = |omega: f64| move |[x, y, z]: [f64; 3]| [x - x * x * x - omega * y, omega * x - y, -z];
        let around = |[x, y, z]: [f64; 3]| [1.0 + 0.3 * y, (1.57 * x).sin() - y, -z + 0.2 * x.cos()];
        let twisted = |[x, y, z]: [f64; 3]| [-x - 3.0 * y, 3.0 * x - y + 2.0 * z, -z - 2.0 * y];
        for (what, shape, generator) in [
            ("slow", [20, 16, 18], cube([20, 16, 18], 0.1, false, wells(0.5))),
            ("fast", [16, 16, 16], cube([16, 16, 16], 0.1, false, wells(5.0))),
            ("twisted", [19, 16, 13], cube([19, 16, 13], 0.2, false, twisted)),
            ("flat cells", [48, 11, 12], cube([48, 11, 12], 0.2, false, wells(1.0))),
            ("periodic", [18, 14, 12], cube([18, 14, 12], 0.2, true, around)),
        ] {
            let generator = Arc::new(generator);
            let tree = Arc::new(Dissection::new(&generator, &shape));
            let exact = Multifrontal::log_stationary(&generator, &tree, &|| false).unwrap();
            let (log, residual) = multigrid::stationary(&generator, &shape, None, &|| false).unwrap();
            let sum = |log: &[f64]| log.iter().map(|l| l.exp()).sum::<f64>().ln();
            let (a, b) = (sum(&log), sum(&exact));
            let error: f64 = log.iter().zip(&exact).map(|(x, y)| ((x - a).exp() - (y - b).exp()).abs()).sum();
            let upper = exact.iter().copied().fold(f64::NEG_INFINITY, f64::max) - 20.0;
            let high = log.iter().zip(&exact).filter(|(_, y)| **y > upper);
            let tail = high.map(|(x, y)| ((x - a) - (y - b)).abs()).fold(0.0, f64::max);
            assert!(residual < 3e-15 && error < 1e-11 && tail < 1e-8, "{what}: {residual:e}, {error:e}, {tail:e}");
        }
    }

    #[test]
    fn linear_functions_come_up_as_they_are_and_axes_hardly_coupled_stay() {
        let boxes = Boxes { fine: vec![6, 3, 4], coarse: vec![3, 3, 2], periodic: vec![true, false, false] };
        let aggregates = boxes.aggregates();
        assert_eq!((aggregates[0], aggregates[2], aggregates[71]), (0, 1, 17));
        // along axis 2 from 0.5 to 2.5, the centres of two boxes; along axis 1 the numbers themselves
        let correction: Vec<f64> = (0..18).map(|k| 10.0 * ((k / 2) % 3) as f64 + 0.5 + 2.0 * (k % 2) as f64).collect();
        let mut x = vec![0.0; 72];
        boxes.interpolate(&correction, &mut x);
        assert_eq!(x[..8], [0.5, 1.0, 2.0, 2.5, 10.5, 11.0, 12.0, 12.5]);
        let around = Boxes { fine: vec![6], coarse: vec![3], periodic: vec![true] };
        let mut x = vec![1.0; 6];
        around.interpolate(&[0.0, 4.0, 8.0], &mut x);
        assert_eq!(x, [3.0, 2.0, 4.0, 6.0, 8.0, 7.0]);

        let law = |shape: [usize; 3]| {
            let generator = cube(shape, 0.2, false, |x| x.map(|x| -x));
            multigrid::scaled(&generator, &vec![1.0; generator.cells()], 1.0, 1.0)
        };
        assert_eq!(Boxes::of(&law([12, 8, 8]), &[12, 8, 8]).unwrap().shape(), [6, 4, 4]);
        assert_eq!(Boxes::of(&law([32, 8, 8]), &[32, 8, 8]).unwrap().shape(), [16, 8, 8]);
        assert!(Boxes::of(&law([8, 8, 8]), &[16, 8, 4]).is_none());
    }
}
