//! Milstein: Euler–Maruyama + ½ T ∂_k D_kk h (z_k² − 1) on every axis, for noise g_k = √(2T D_kk), g_k ∂_k g_k = T ∂_k D_kk.

use super::{Entry, Scheme, Sde, Work, add_product, axis, axis_mut};
use crate::error::{Error, Setting};
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::Problem;

pub(super) const ENTRY: Entry = Entry {
    name: "milstein",
    strong_order: 1.0,
    weak_order: 1.0,
    requirements: "one dimension, or a diagonal D whose entry D_kk depends on θ_k alone",
    reference: "Milstein 1975, doi:10.1137/1119062; Kloeden & Platen 1992, section 10.3",
    build: |problem| {
        check(problem)?;
        Ok(Box::new(Milstein))
    },
};

struct Milstein;

impl Scheme for Milstein {
    fn step(&self, sde: &Sde, h: f64, points: &[f64], work: &mut Work) -> bool {
        sde.euler(h, points, work, None);
        // D is diagonal with D_kk(θ_k), so that (∇·D)_k = ∂_k D_kk.
        sde.dynamics.diffusion_divergence(points, &sde.lengths, &mut work.stage.drift);
        work.stage.points.iter_mut().zip(work.noise.iter()).for_each(|(square, z)| *square = z * z - 1.0);
        for k in 0..sde.bounds.len() {
            let (slope, square) = (axis(&work.stage.drift, k), axis(&work.stage.points, k));
            add_product(axis_mut(&mut work.next, k), 0.5 * sde.temperature * h, slope, square);
        }
        false
    }
}

/// Looks at up to 512 cells of the grid for entries off the diagonal and for D_kk that depend on another coordinate.
fn check(problem: &Problem) -> Result<(), Error> {
    let (grid, d) = (&problem.grid, problem.dimension());
    if d == 1 {
        return Ok(());
    }
    let cells: Vec<usize> = (0..grid.len()).step_by(grid.len().div_ceil(512)).collect();
    let n = cells.len();
    let at = |shift: Option<usize>| {
        let mut points = vec![0.0; d * n];
        for (i, &cell) in cells.iter().enumerate() {
            for (k, x) in grid.center(cell)[..d].iter().enumerate() {
                let quarter = 0.25 * grid.axes()[k].spacing();
                points[k * n + i] = if shift == Some(k) { x + quarter } else { *x };
            }
        }
        let (mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
        problem.dynamics.drift_diffusion(&points, &mut drift, &mut diffusion);
        diffusion
    };
    let here = at(None);
    let entry = |values: &[f64], i: usize, r: usize, c: usize| values[packed_index(d, r, c) * n + i];
    for j in 0..d {
        let there = at(Some(j));
        for i in 0..n {
            for k in (0..d).filter(|&k| k != j) {
                let (own, other) = (entry(&here, i, k, k), entry(&here, i, j, j));
                let same = (entry(&there, i, k, k) - own).abs() <= 1e-9 * own.abs();
                if entry(&here, i, j, k).abs() > 1e-12 * (own * other).sqrt() || !same {
                    let point = grid.center(cells[i]);
                    return Err(Error::invalid(
                        format!(
                            "the Milstein scheme needs a diagonal D with D_kk(θ_k), which it is not at {:?}",
                            &point[..d]
                        ),
                        "take the scheme \"weak2\" or \"euler-maruyama\"",
                    )
                    .set_by(&[Setting::Scheme]));
                }
            }
        }
    }
    Ok(())
}
