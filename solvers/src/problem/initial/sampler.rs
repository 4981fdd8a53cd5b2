//! Sampling of the initial law.

use super::gaussian::Gaussian;
use crate::numerics::random::Stream;
use crate::problem::grid::Grid;

/// Draws independent points from the initial law, all of them on the grid.
#[derive(Debug, Clone)]
pub struct Sampler {
    law: Law,
    bounds: Vec<[f64; 2]>,
}

#[derive(Debug, Clone)]
enum Law {
    /// Rejection to the box.
    Gaussian(Gaussian),
    Point(Vec<f64>),
    Uniform,
    /// Inverse of the summed cell probabilities, then uniform in the cell.
    Cells {
        cumulative: Vec<f64>,
        grid: Grid,
    },
}

impl Sampler {
    fn new(law: Law, grid: &Grid) -> Self {
        Self { law, bounds: grid.axes().iter().map(|axis| [axis.lower(), axis.upper()]).collect() }
    }
    pub(crate) fn gaussian(gaussian: Gaussian, grid: &Grid) -> Self {
        Self::new(Law::Gaussian(gaussian), grid)
    }
    pub(crate) fn point(at: &[f64], grid: &Grid) -> Self {
        let at = grid.axes().iter().zip(at).map(|(axis, &x)| if axis.is_periodic() { axis.wrap(x) } else { x });
        Self::new(Law::Point(at.collect()), grid)
    }
    pub(crate) fn uniform(grid: &Grid) -> Self {
        Self::new(Law::Uniform, grid)
    }
    pub(crate) fn cells(probability: &[f64], grid: &Grid) -> Self {
        let mut sum = 0.0;
        let add = |p: &f64| {
            sum += p;
            sum
        };
        let cumulative = probability.iter().map(add).collect();
        Self::new(Law::Cells { cumulative, grid: grid.clone() }, grid)
    }

    /// One point (d).
    pub fn draw(&self, stream: &mut Stream, point: &mut [f64]) {
        match &self.law {
            Law::Gaussian(gaussian) => loop {
                let x = gaussian.transform(std::array::from_fn(|_| stream.normal()));
                if self.bounds.iter().zip(&x).all(|(b, x)| *x >= b[0] && *x <= b[1]) {
                    point.copy_from_slice(&x[..point.len()]);
                    return;
                }
            },
            Law::Point(at) => point.copy_from_slice(at),
            Law::Uniform => {
                for (x, b) in point.iter_mut().zip(&self.bounds) {
                    *x = b[0] + stream.uniform() * (b[1] - b[0]);
                }
            }
            Law::Cells { cumulative, grid } => {
                let u = stream.uniform() * cumulative[cumulative.len() - 1];
                let cell = cumulative.partition_point(|&c| c <= u).min(cumulative.len() - 1);
                let index = grid.multi_index(cell);
                for (k, axis) in grid.axes().iter().enumerate() {
                    point[k] = axis.edges()[index[k]] + stream.uniform() * axis.width(index[k]);
                }
            }
        }
    }

    /// n points, coordinate-major (d×n).
    pub fn fill(&self, stream: &mut Stream, points: &mut [f64]) {
        let d = self.bounds.len();
        let n = points.len() / d;
        let mut point = [0.0; 3];
        for i in 0..n {
            self.draw(stream, &mut point[..d]);
            for k in 0..d {
                points[k * n + i] = point[k];
            }
        }
    }
}
