//! The error of one number from those on coarser grids, where orders mix and differences may change their sign.
//!
//! The norm of a difference of densities falls at one order; a moment may be the sum of an error a·h (upwind at high cell Péclet
//! numbers, noise that vanishes at a wall) and one b·h². With the numbers on h, 2h and 4h
//!
//! ```text
//! δ = f_h − f_2h = −(ah + 3bh²),   δ′ = f_2h − f_4h = −(2ah + 12bh²),   f − f_h = −(ah + bh²) = δ (5 − r)/3,   r = δ′/δ,
//! ```
//!
//! which is δ for r = 2 and δ/3 for r = 4. (L. F. Richardson, doi:10.1098/rsta.1911.0009.)

use super::richardson::ORDER;

/// Least ratio r that is believed of a slow decrease; its error is three times the last difference.
pub(super) const SLOWEST: f64 = 1.3;

/// Estimated |error| of `fine` from the numbers on the grids 2h and, if there is one, 4h, at an order of at most `highest`; without the
/// latter at the declared order.
pub fn error_of_number(fine: f64, coarse: f64, coarsest: Option<f64>, highest: f64) -> f64 {
    let last = fine - coarse;
    let declared = last.abs() / (2f64.powi(ORDER) - 1.0);
    let Some(before) = coarsest.map(|coarsest| coarse - coarsest) else { return declared };
    if last == 0.0 {
        return before.abs() / (4f64.powi(ORDER) - 1.0);
    }
    let ratio = before / last;
    if ratio > 4.0 {
        return last.abs() / (ratio.min(2f64.powf(highest)) - 1.0);
    }
    let two_terms = (last * (5.0 - ratio) / 3.0).abs();
    // one term of a low order, such as √h
    let slow = (1.0..2.0).contains(&ratio).then(|| last.abs() / (ratio.max(SLOWEST) - 1.0));
    slow.map_or(two_terms, |slow| two_terms.max(slow))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Estimated over true error of the number a h^p + b h^q at h = 1/8.
    fn of(a: f64, p: f64, b: f64, q: f64) -> f64 {
        let number = |h: f64| a * h.powf(p) + b * h.powf(q);
        error_of_number(number(0.125), number(0.25), Some(number(0.5)), 2.0) / number(0.125).abs()
    }

    #[test]
    fn orders_one_and_two_and_their_sums_are_told_exactly() {
        for (a, b) in [(1.0, 0.0), (0.0, 1.0), (1.0, 2.0), (1.0, -1.0), (1.0, -1.5)] {
            assert!((of(a, 1.0, b, 2.0) - 1.0).abs() < 1e-9, "{a} {b}: {}", of(a, 1.0, b, 2.0));
        }
    }

    #[test]
    fn low_orders_enlarge_the_estimate() {
        for order in [0.4, 0.5, 0.7] {
            assert!((of(1.0, order, 0.0, 1.0) - 1.0).abs() < 1e-9, "{order}");
        }
        assert!(of(1.0, 0.2, 0.0, 1.0) > 0.4);
        assert_eq!(error_of_number(1.3, 1.0, None, 2.0), (1.3 - 1.0) / 3.0);
        assert_eq!(error_of_number(1.0, 1.0, Some(1.0), 2.0), 0.0);
        // coarse grids beside the range of the order do not make a second-order number better
        assert_eq!(error_of_number(3.0, 0.0, Some(-90.0), 2.0), 1.0);
    }
}
