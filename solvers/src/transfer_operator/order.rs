//! Errors on a grid from what the grids of twice and four times the spacing say.
//!
//! The rows are of order 2 to 4 where the law is smooth and of order 1 and less where it is rough; which of it holds is read from the two
//! differences: r = |a(2h) − a(4h)|/|a(h) − a(2h)|, kept between [`LEAST`] and [`MOST`]; the error is |a(h) − a(2h)|/(r − 1).

/// Least factor by which an error is taken to fall with half the spacing: first order.
const LEAST: f64 = 2.0;
/// The largest: fourth order.
const MOST: f64 = 16.0;
/// Where there is no third grid: second order.
const UNKNOWN: f64 = 4.0;

/// The factor by which the error falls, from the differences of neighbouring grids.
pub(super) fn growth(fine: f64, coarse: Option<f64>) -> f64 {
    let ratio = coarse.map(|coarse| coarse / fine);
    ratio.filter(|r| r.is_finite()).map_or(UNKNOWN, |r| r.clamp(LEAST, MOST))
}

/// The error from the differences of neighbouring grids.
pub(super) fn error(fine: f64, coarse: Option<f64>) -> f64 {
    fine / (growth(fine, coarse) - 1.0)
}

/// The number without its leading error, and the error of the one on the finest grid.
pub(super) fn refined(fine: f64, coarse: f64, coarsest: Option<f64>) -> (f64, f64) {
    let last = (fine - coarse).abs();
    if last == 0.0 {
        return (fine, 0.0);
    }
    let off = error(last, coarsest.map(|coarsest| (coarse - coarsest).abs()));
    (fine + (fine - coarse).signum() * off, off)
}

/// The same for times to a target, which are second order but not smooth in h: the larger difference counts.
pub(super) fn refined_time(fine: f64, coarse: f64, coarsest: Option<f64>) -> (f64, f64) {
    let differences = [(fine - coarse).abs(), coarsest.map_or(0.0, |coarsest| (coarse - coarsest).abs())];
    let off = differences[0].max(differences[1]) / (UNKNOWN - 1.0);
    (fine + (fine - coarse) / (UNKNOWN - 1.0), off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_read_from_three_grids_and_kept_within_reason() {
        let of = |order: i32| [1.0, 2.0, 4.0].map(|h: f64| 3.0 + 0.1 * h.powi(order));
        for order in 1..=4 {
            let [fine, coarse, coarsest] = of(order);
            let (value, error) = refined(fine, coarse, Some(coarsest));
            assert!((value - 3.0).abs() < 1e-12 && (error - 0.1).abs() < 1e-12, "order {order}: {value} {error}");
        }
        assert_eq!(refined(1.0, 2.0, Some(2.1)), (0.0, 1.0));
        assert_eq!(refined(1.0, 1.0, Some(2.1)), (1.0, 0.0));
        assert!((refined(1.0, 4.0, None).1 - 1.0).abs() < 1e-15);
        assert_eq!(refined_time(2.0, 5.0, Some(-1.0)), (1.0, 2.0));
    }
}
