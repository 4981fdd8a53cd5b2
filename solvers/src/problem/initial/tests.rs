#![allow(clippy::unwrap_used)]
use super::*;
use crate::numerics::random::Stream;
use crate::problem::grid::{Axis, Boundary};
use statrs::distribution::{ChiSquared, ContinuousCDF};

fn axis(from: f64, to: f64, cells: usize) -> Axis {
    Axis::uniform("x", from, to, cells, [Boundary::Reflecting; 2]).unwrap()
}

fn gaussian(mean: &[f64], covariance: &[f64]) -> Initial {
    Initial::Gaussian { mean: mean.to_vec(), covariance: covariance.to_vec() }
}

/// Φ(−30 + …): the far tail keeps its relative accuracy (reference: mpmath, ncdf(-30), ncdf(-31), ncdf(1)).
#[test]
fn tails_are_relatively_accurate() {
    let grid = Grid::new(vec![axis(-31.0, 31.0, 62)]).unwrap();
    let p = gaussian(&[0.0], &[1.0]).cell_probability(&grid).unwrap();
    let tail = 4.906713927148187e-198 - 2.952247895634e-211;
    assert!((p[0] / tail - 1.0).abs() < 1e-10, "{:e}", p[0]);
    assert!((p[61] / p[0] - 1.0).abs() < 1e-12);
    assert!((p[31] - 0.341344746068543).abs() < 1e-14);
    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-14);
}

/// Strong correlation, cells far wider than the conditional law: sums along an axis are the exact marginal.
#[test]
fn correlated_gaussians_have_exact_marginals() {
    for (rho, cells) in [(0.5, 40), (0.999, 40), (-0.9999, 8), (0.99999, 5)] {
        let grid = Grid::new(vec![axis(-9.0, 9.0, cells), axis(-9.0, 9.0, cells)]).unwrap();
        let p = gaussian(&[0.3, -0.2], &[1.0, rho, 1.0]).cell_probability(&grid).unwrap();
        for (k, mean) in [(0, 0.3), (1, -0.2)] {
            let one =
                gaussian(&[mean], &[1.0]).cell_probability(&Grid::new(vec![axis(-9.0, 9.0, cells)]).unwrap()).unwrap();
            for (a, b) in crate::problem::density::marginal(&grid, &p, k).iter().zip(&one) {
                assert!((a - b).abs() < 1e-11, "rho {rho}, axis {k}: {a} against {b}");
            }
        }
    }
    let grid = Grid::new(vec![axis(-7.0, 7.0, 14), axis(-7.0, 7.0, 10), axis(-7.0, 7.0, 12)]).unwrap();
    let p = gaussian(&[0.0, 0.1, 0.2], &[1.0, 0.6, 0.3, 1.0, -0.5, 1.0]).cell_probability(&grid).unwrap();
    let last = gaussian(&[0.2], &[1.0]).cell_probability(&Grid::new(vec![axis(-7.0, 7.0, 12)]).unwrap()).unwrap();
    for (a, b) in crate::problem::density::marginal(&grid, &p, 2).iter().zip(&last) {
        assert!((a - b).abs() < 1e-10, "{a} against {b}");
    }
}

/// Each sampler against its cell probabilities, χ² at the false-alarm rate 1e-5; 100 000 draws find a shift by a tenth of a
/// cell with probability > 0.999.
#[test]
fn samples_follow_the_cell_probabilities() {
    let graded = Axis::graded("y", vec![-1.0, -0.7, -0.1, 0.2, 1.5], [Boundary::Reflecting; 2]).unwrap();
    let grid = Grid::new(vec![axis(-2.0, 1.0, 8), graded]).unwrap();
    let weights = (0..grid.len()).map(|i| f64::from(i as u32 % 5)).collect();
    let laws = [
        gaussian(&[-1.5, 0.2], &[1.0, 0.6, 0.8]),
        gaussian(&[0.1, 0.2], &[0.01, 0.0, 0.02]),
        Initial::Uniform,
        Initial::Point { at: vec![0.3, 1.5] },
        Initial::Cells { probability: weights },
    ];
    for (i, law) in laws.iter().enumerate() {
        let n = 100_000;
        let p = law.cell_probability(&grid).unwrap();
        let mut points = vec![0.0; 2 * n];
        law.sampler(&grid).unwrap().fill(&mut Stream::new(3, "initial", i as u64), &mut points);
        let mut counts = vec![0.0; grid.len()];
        (0..n).for_each(|j| counts[grid.locate(&[points[j], points[n + j]]).unwrap()] += 1.0);
        let common: Vec<usize> = (0..p.len()).filter(|&c| p[c] * n as f64 > 5.0).collect();
        let statistic: f64 = common.iter().map(|&c| (counts[c] - p[c] * n as f64).powi(2) / (p[c] * n as f64)).sum();
        let sf = ChiSquared::new((common.len() - 1).max(1) as f64).unwrap().sf(statistic);
        assert!(sf > 1e-5, "law {i}: {statistic} in {} cells", common.len());
        assert!((0..p.len()).all(|c| p[c] > 0.0 || counts[c] == 0.0));
    }
}

#[test]
fn laws_off_the_grid_are_refused() {
    let grid = Grid::new(vec![axis(-1.0, 1.0, 10)]).unwrap();
    let bad = [
        Initial::Point { at: vec![1.1] },
        Initial::Point { at: vec![f64::NAN] },
        Initial::Point { at: vec![0.0, 0.0] },
        gaussian(&[5.0], &[1.0]),
        gaussian(&[0.0], &[0.0]),
        gaussian(&[0.0], &[-1.0]),
        Initial::Cells { probability: vec![0.0; 10] },
        Initial::Cells { probability: vec![0.1; 9] },
    ];
    for law in bad {
        assert!(law.cell_probability(&grid).is_err(), "{law:?}");
        assert!(law.sampler(&grid).is_err(), "{law:?}");
    }
    assert!(gaussian(&[2.5], &[1.0]).cell_probability(&grid).is_ok());
}
