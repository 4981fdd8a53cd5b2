//! A diffusion matrix given by formulas.

use super::matrix::Diffusion;
use crate::Error;
use crate::formula::{Expression, Program};
use crate::model::Model;
use crate::numerics::symmetric::packed_len;

/// D(θ) as a symmetric matrix of formulas of the variables.
#[derive(Debug)]
pub struct FormulaDiffusion {
    dimension: usize,
    /// Upper triangle, packed.
    entries: Vec<Expression>,
    program: Program,
    divergence: Program,
    derivatives: Program,
}

impl FormulaDiffusion {
    /// The matrix with these rows (d×d formulas whose inputs 0 to d − 1 are the variables).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the matrix is not square or not symmetric: formulas (i, j) and (j, i) must be the same, or at
    /// least agree to 10⁻⁹ of the largest of their values at 64 points spread over [−3, 3]^d.
    pub fn new(rows: &[Vec<Expression>]) -> Result<Self, Error> {
        let out = Self::of_upper_triangle(rows)?;
        let d = out.dimension;
        for i in 0..d {
            for j in i + 1..d {
                agree(d, (i, j), &rows[i][j], &rows[j][i])?;
            }
        }
        Ok(out)
    }

    /// The symmetric matrix with the upper triangle of these rows, for a caller that knows that they are symmetric where it uses them.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the matrix is not square.
    pub fn of_upper_triangle(rows: &[Vec<Expression>]) -> Result<Self, Error> {
        let d = rows.len();
        if let Some(i) = rows.iter().position(|row| row.len() != d) {
            let what = format!("row {} of the diffusion has {} entries, but there are {d} rows", i + 1, rows[i].len());
            return Err(Error::invalid(what, format!("give a matrix of {d} by {d} formulas")));
        }
        let entries: Vec<Expression> = (0..d).flat_map(|i| (i..d).map(move |j| rows[i][j].clone())).collect();
        let sum = |i: usize| (0..d).fold(Expression::constant(0.0), |all, j| all.plus(&rows[i][j].derivative(j)));
        let divergence: Vec<Expression> = (0..d).map(sum).collect();
        let derivatives: Vec<Expression> = (0..d).flat_map(|j| entries.iter().map(move |e| e.derivative(j))).collect();
        Ok(Self {
            dimension: d,
            program: Program::compile(&entries),
            divergence: Program::compile(&divergence),
            derivatives: Program::compile(&derivatives),
            entries,
        })
    }

    /// Number of dimensions d.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// (∇·D)_i as a program of d outputs.
    pub(crate) fn divergence_program(&self) -> &Program {
        &self.divergence
    }

    /// The formulas of the upper triangle, packed.
    pub fn entries(&self) -> &[Expression] {
        &self.entries
    }
}

/// Whether both formulas are one function: the same after simplification, or equal at points of a low-discrepancy sequence.
fn agree(d: usize, (i, j): (usize, usize), upper: &Expression, lower: &Expression) -> Result<(), Error> {
    if upper == lower {
        return Ok(());
    }
    let place = |p: i32| -> Vec<f64> {
        let steps = [0.754_877_666_246_693, 0.569_840_290_998_053, 0.430_159_709_001_947];
        (0..d).map(|k| (0.5 + f64::from(p) * steps[k % 3]).fract() * 6.0 - 3.0).collect()
    };
    let values: Vec<(f64, f64)> = (0..64).map(place).map(|at| (upper.evaluate(&at), lower.evaluate(&at))).collect();
    let finite = values.iter().map(|(a, b)| a.abs().max(b.abs())).filter(|size| size.is_finite());
    let largest = finite.fold(0.0, f64::max);
    for (p, (a, b)) in (0..).zip(values) {
        if (a - b).abs() > 1e-9 * largest {
            let at = place(p);
            let (row, column) = (i + 1, j + 1);
            let what = format!(
                "the diffusion is not symmetric: entry ({row}, {column}) is {a:.6} and entry ({column}, {row}) is {b:.6} at {at:.3?}"
            );
            return Err(Error::invalid(what, "write the same formula in both places"));
        }
    }
    Ok(())
}

impl Diffusion for FormulaDiffusion {
    fn diffusion(&self, _model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        self.program.evaluate(points, diffusion);
    }

    fn divergence(&self, _model: &dyn Model, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        self.divergence.evaluate(points, divergence);
    }

    fn derivatives(&self, _model: &dyn Model, points: &[f64], _lengths: &[f64]) -> Vec<f64> {
        let d = self.dimension;
        let mut out = vec![0.0; packed_len(d) * points.len()];
        self.derivatives.evaluate(points, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::formula::{Symbols, parse};
    use crate::model::formula::FormulaModel;

    fn rows(texts: [[&str; 2]; 2]) -> Vec<Vec<Expression>> {
        let symbols = Symbols::new(&["x", "y"]);
        texts.iter().map(|row| row.iter().map(|t| parse(t, &symbols).unwrap()).collect()).collect()
    }

    fn model() -> FormulaModel {
        FormulaModel::loss(2, &parse("(x^2 - 1)^2/4 + x*y + y^2", &Symbols::new(&["x", "y"])).unwrap())
    }

    #[test]
    fn diffusion_and_divergence_are_those_of_the_formulas() {
        let noise = FormulaDiffusion::new(&rows([["1 + x^2", "x*y/4"], ["y*x/4", "2 + sin(x)*y^2"]])).unwrap();
        let (model, points) = (model(), [0.5, 2.0, -1.0, 0.25]); // (0.5, −1), (2, 0.25)
        let mut diffusion = [0.0; 6];
        noise.diffusion(&model, &points, &mut diffusion);
        let last = [2.0 + 0.5_f64.sin(), 2.0 + 2.0_f64.sin() / 16.0];
        for (found, expected) in diffusion.iter().zip([1.25, 5.0, -0.125, 0.125, last[0], last[1]]) {
            assert!((found - expected).abs() < 1e-15);
        }
        let mut divergence = [0.0; 4];
        noise.divergence(&model, &points, &[1.0; 2], &mut divergence); // 2x + x/4, y/4 + 2 y sin x
        let second = [-0.25 - 2.0 * 0.5_f64.sin(), 0.0625 + 0.5 * 2.0_f64.sin()];
        for (found, expected) in divergence.iter().zip([1.125, 4.5, second[0], second[1]]) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
        let derivatives = noise.derivatives(&model, &points, &[1.0; 2]);
        assert_eq!(derivatives[..4], [1.0, 4.0, -0.25, 0.0625]); // ∂_x of 1 + x², xy/4
        assert_eq!(derivatives[6..10], [0.0, 0.0, 0.125, 0.5]); // ∂_y of them
    }

    #[test]
    fn wrong_shapes_and_asymmetry_are_refused() {
        let error = FormulaDiffusion::new(&rows([["1", "x"], ["y", "1"]])).unwrap_err();
        assert!(error.to_string().contains("(1, 2)"), "{error}");
        let mut short = rows([["1", "x"], ["x", "1"]]);
        short[1].pop();
        assert!(FormulaDiffusion::new(&short).unwrap_err().to_string().contains("row 2"));
        // the same function written differently
        assert!(FormulaDiffusion::new(&rows([["1", "(x + y)^2/4"], ["x^2/4 + x*y/2 + y^2/4", "1"]])).is_ok());
    }
}
