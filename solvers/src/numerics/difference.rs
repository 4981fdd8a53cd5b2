//! Derivatives by central differences of fourth order.
//!
//! ```text
//! f'(x) = ( f(x − 2h) − 8 f(x − h) + 8 f(x + h) − f(x + 2h) )/(12 h) + h⁴ f⁽⁵⁾/30,      h = ε (1 + |x|)
//! ```
//!
//! (M. Abramowitz & I. A. Stegun 1964, table 25.2). With ε = 10⁻³ the truncation is about 10⁻¹² and the rounding 10⁻¹³/ε of
//! functions that are smooth on the scale 1.

/// ε for functions that are known to rounding.
pub const STEP: f64 = 1e-3;
/// ε for functions that may come from differences themselves.
pub const WIDE_STEP: f64 = 3e-3;

/// Shifts in units of h with their weights, over 12 h.
const STENCIL: [(f64, f64); 4] = [(-2.0, 1.0), (-1.0, -8.0), (1.0, 8.0), (2.0, -1.0)];

/// Goes through the stencils of all ∂_j at n points in d dimensions (coordinate-major, d×n) with the relative step ε.
///
/// `evaluate` fills `rows`×n values at the shifted points, and `add(j, weights, values)` gets them with the n weights by which
/// they count in ∂_j, four times for each j.
pub fn stencils(
    d: usize,
    points: &[f64],
    epsilon: f64,
    rows: usize,
    mut evaluate: impl FnMut(&[f64], &mut [f64]),
    mut add: impl FnMut(usize, &[f64], &[f64]),
) {
    let n = points.len() / d;
    let mut moved = points.to_vec();
    let (mut values, mut weights) = (vec![0.0; rows * n], vec![0.0; n]);
    for j in 0..d {
        let axis = j * n..(j + 1) * n;
        let steps: Vec<f64> = points[axis.clone()].iter().map(|x| epsilon * (1.0 + x.abs())).collect();
        for (shift, weight) in STENCIL {
            for p in 0..n {
                moved[j * n + p] = points[j * n + p] + shift * steps[p];
                weights[p] = weight / (12.0 * steps[p]);
            }
            evaluate(&moved, &mut values);
            add(j, &weights, &values);
        }
        moved[axis.clone()].copy_from_slice(&points[axis]);
    }
}

/// All ∂_j f_c of a function of `rows` components (component c, point p at `[(j·rows + c)·n + p]`), as in [`stencils`].
pub fn derivatives(
    d: usize,
    points: &[f64],
    epsilon: f64,
    rows: usize,
    evaluate: impl FnMut(&[f64], &mut [f64]),
) -> Vec<f64> {
    let n = points.len() / d;
    let mut out = vec![0.0; d * rows * n];
    stencils(d, points, epsilon, rows, evaluate, |j, weights, values| {
        for (out, values) in out[j * rows * n..(j + 1) * rows * n].chunks_mut(n).zip(values.chunks(n)) {
            out.iter_mut().zip(weights).zip(values).for_each(|((o, w), v)| *o += w * v);
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_of_smooth_functions_are_right_to_ten_digits() {
        let points = [0.3, -1.2, 2.0, 0.7]; // (0.3, 2), (−1.2, 0.7)
        let f = |x: &[f64], out: &mut [f64]| {
            for p in 0..2 {
                out[p] = x[p].sin() * x[2 + p];
                out[2 + p] = x[p].exp();
            }
        };
        let found = derivatives(2, &points, STEP, 2, f);
        for p in 0..2 {
            let (x, y) = (points[p], points[2 + p]);
            let exact = [x.cos() * y, x.exp(), x.sin(), 0.0];
            for (row, exact) in exact.into_iter().enumerate() {
                assert!((found[row * 2 + p] - exact).abs() < 1e-10, "{row}: {} {exact}", found[row * 2 + p]);
            }
        }
    }
}
