//! The stationary law of an Itô equation on a line in closed form: ρ ∝ exp(∫ b/(T D) dθ)/D between reflecting walls.

use rayon::prelude::*;

use crate::Error;
use crate::engine::Interrupt;
use crate::numerics::quadrature::GAUSS_4;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Points of which drift and diffusion are asked for together.
const BLOCK: usize = 256;

/// Cell probabilities (n) of the stationary law of dθ = b dt + √(2T D) dW on a grid of one axis, by quadrature in every cell.
///
/// Errors: more than one axis; D that is not positive, or values that are not finite, somewhere on the grid; [`Error::Interrupted`].
pub fn stationary_on_line(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    interrupt: Interrupt,
) -> Result<Vec<f64>, Error> {
    let [axis] = grid.axes() else {
        return Err(Error::invalid("a closed form of the stationary law needs one axis", "take one variable"));
    };
    let (n, nodes) = (axis.cells(), GAUSS_4.len());
    // between its end, its nodes and its other end every cell has five pieces, each with a rule of its own
    let places = |j: usize| {
        let (a, b) = (axis.edges()[j], axis.edges()[j + 1]);
        let inner = GAUSS_4.iter().map(move |(z, _)| 0.5 * (a + b) + 0.5 * (b - a) * z);
        std::iter::once(a).chain(inner).chain(std::iter::once(b)).collect::<Vec<f64>>()
    };
    let mut points = Vec::with_capacity(n * (nodes + (nodes + 1) * nodes));
    for j in 0..n {
        let ends = places(j);
        points.extend_from_slice(&ends[1..=nodes]);
        for piece in ends.windows(2) {
            points.extend(GAUSS_4.iter().map(|(z, _)| 0.5 * (piece[0] + piece[1]) + 0.5 * (piece[1] - piece[0]) * z));
        }
    }
    let (mut b, mut d) = (vec![0.0; points.len()], vec![0.0; points.len()]);
    let drift = b.par_chunks_mut(BLOCK).zip(d.par_chunks_mut(BLOCK)).zip(points.par_chunks(BLOCK));
    drift.try_for_each(|((b, d), points)| {
        if interrupt() {
            return Err(Error::Interrupted { time: 0.0 });
        }
        dynamics.drift_diffusion(points, b, d);
        Ok(())
    })?;
    if let Some(i) = (0..points.len()).find(|&i| !(b[i].is_finite() && d[i].is_finite() && d[i] > 0.0)) {
        return Err(Error::numerical(
            "the stationary law on a line",
            format!("at θ = {}", points[i]),
            format!("the diffusion there is {}", d[i]),
            "narrow the grid, or take a smaller learning rate",
        ));
    }
    let (each, mut exponent) = (nodes + (nodes + 1) * nodes, 0.0);
    let mut logs = vec![Vec::with_capacity(nodes); n];
    for (j, log) in logs.iter_mut().enumerate() {
        let (ends, base) = (places(j), j * each);
        for (k, piece) in ends.windows(2).enumerate() {
            let at = base + nodes + k * nodes;
            let force: f64 = GAUSS_4.iter().enumerate().map(|(q, (_, w))| w * b[at + q] / d[at + q]).sum();
            exponent += 0.5 * (piece[1] - piece[0]) * force / temperature;
            if k < nodes {
                log.push(exponent - d[base + k].ln());
            }
        }
    }
    let highest = logs.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let cell = |(j, log): (usize, &Vec<f64>)| {
        axis.width(j) * log.iter().zip(&GAUSS_4).map(|(l, (_, w))| w * (l - highest).exp()).sum::<f64>()
    };
    let mut law: Vec<f64> = logs.iter().enumerate().map(cell).collect();
    let sum: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= sum);
    Ok(law)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dynamics::FromFunctions;
    use crate::problem::grid::{Axis, Boundary};

    #[test]
    fn noise_that_grows_has_the_law_of_student() {
        // b = −θ, D = 1 + θ², T = ½: ρ ∝ (1 + θ²)^{−1−1/(2T)} = (1 + θ²)⁻²
        let dynamics = FromFunctions::new(1, |t, b| b[0] = -t[0], |t, d| d[0] = 1.0 + t[0] * t[0]);
        let grid = Grid::new(vec![Axis::uniform("x", -2.0, 2.0, 20, [Boundary::Reflecting; 2]).unwrap()]).unwrap();
        let law = stationary_on_line(&dynamics, 0.5, &grid, &|| false).unwrap();
        let whole = |x: f64| 0.5 * (x / (1.0 + x * x) + x.atan());
        for (j, p) in law.iter().enumerate() {
            let (a, b) = (grid.axes()[0].edges()[j], grid.axes()[0].edges()[j + 1]);
            let exact = (whole(b) - whole(a)) / (whole(2.0) - whole(-2.0));
            assert!((p / exact - 1.0).abs() < 1e-8, "{j}: {p} {exact}");
        }
        let degenerate = FromFunctions::new(1, |t, b| b[0] = -t[0], |t, d| d[0] = t[0]);
        assert!(stationary_on_line(&degenerate, 0.5, &grid, &|| false).is_err());
    }
}
