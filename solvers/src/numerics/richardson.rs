//! Errors from the same numbers on coarser grids (L. F. Richardson, doi:10.1098/rsta.1911.0009).
//!
//! With the densities on the grids h, 2h and 4h the observed order is r = log₂(‖ρ_4h − ρ_2h‖/‖ρ_2h − ρ_h‖), and the error at h is
//! estimated as ‖ρ_2h − ρ_h‖/(2^r − 1): right where the scheme has its declared order, where centre values make a reversible
//! density fourth order, and where high cell Péclet numbers leave the first. Where the order is low the error is large against the
//! change: an order of a number below [`LEAST`] counts as that one, 6.7 times the change.

/// The declared order of the edge generator.
pub const ORDER: i32 = 2;
/// The order that is assumed where two grids alone show none: what is said then is within a factor of two for orders of 1 to 2.
const UNOBSERVED: f64 = 1.5;
/// The least order that is believed.
pub const LEAST: f64 = 0.2;
/// The least order that is believed of densities: distances cannot exceed 2, so that coarse grids which do not resolve a density show too
/// low an order.
const LEAST_OF_DENSITIES: f64 = 0.75;
/// The least order at which a number is extrapolated.
const EXTRAPOLATED: f64 = 0.5;
/// How far above the order of the scheme an observed one may lie.
const MARGIN: f64 = 0.1;

/// A number extrapolated to no error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extrapolated {
    /// What is best believed.
    pub value: f64,
    /// Estimated |error| of the number on the finest grid.
    pub error: f64,
}

impl Extrapolated {
    /// Where the error of the coarser number is `growth` times that of the fine one.
    pub fn by_growth(fine: f64, coarse: f64, growth: f64) -> Self {
        let step = (fine - coarse) / (growth - 1.0);
        Self { value: fine + step, error: step.abs() }
    }
}

/// Error on the fine grid from the change h → 2h and, if there is one, 2h → 4h, at an order of at most `highest`.
pub fn richardson(last: f64, before: Option<f64>, highest: f64) -> f64 {
    let order = match before {
        Some(before) if before > 0.0 && last > 0.0 => (before / last).log2().clamp(LEAST_OF_DENSITIES, highest),
        _ => UNOBSERVED.min(highest),
    };
    (last / (2f64.powf(order) - 1.0)).min(2.0) // no two laws are farther apart
}

/// A number on the grids h, 2h and, if there is one, 4h extrapolated to h = 0 at the order r = log₂((f_2h − f_4h)/(f_h − f_2h)) that
/// it shows, its error |f_h − f_2h|/(2^r − 1).
///
/// Below an order of one half the number stays and its error counts at no less than [`LEAST`]. Above `highest` the order is none of the
/// scheme: 4h is not in the range of its order, or e = a h² + b h⁴ passes through 0 near h. The error is then said as
/// |f_h − f_2h|/3 + |f_2h − f_4h|/180, what second order makes of the last change and fourth order of the one before. The same holds of
/// changes of opposite signs that shrink at the declared order or faster. Where they shrink less they show no order: the last one counts as
/// where it is alone, the one before at second order, |f_2h − f_4h|/12.
pub fn extrapolated(fine: f64, coarse: f64, coarsest: Option<f64>, highest: f64) -> Extrapolated {
    let last = fine - coarse;
    let at = |order: f64| Extrapolated::by_growth(fine, coarse, order.exp2());
    let Some(before) = coarsest.map(|coarsest| coarse - coarsest) else { return at(UNOBSERVED) };
    let ratio = before / last;
    let second = f64::from(ORDER).exp2();
    let both = at(f64::from(ORDER)).error + before.abs() / 180.0;
    if ratio <= 0.0 && ratio > -second {
        return Extrapolated { value: fine, error: at(UNOBSERVED).error + before.abs() / 12.0 };
    }
    if ratio.is_nan() || ratio.is_infinite() || ratio <= 0.0 {
        return Extrapolated { value: fine, error: both };
    }
    match ratio.log2() {
        order if order > highest.max(f64::from(ORDER)) + MARGIN => Extrapolated { error: both, ..at(f64::from(ORDER)) },
        order if order >= EXTRAPOLATED => at(order),
        order => Extrapolated { value: fine, ..at(order.max(LEAST)) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_observed_order_turns_a_change_into_an_error() {
        // e(h) = C h^r: changes C h^r (2^r − 1) and 2^r times that
        for order in [1.0, 2.0, 3.0] {
            let factor = 2f64.powf(order);
            let error = richardson(1e-3 * (factor - 1.0), Some(1e-3 * factor * (factor - 1.0)), 4.0);
            assert!((error / 1e-3 - 1.0).abs() < 1e-12, "{order} {error}");
        }
        assert!((richardson(3e-3, None, 2.0) - 3e-3 / (8f64.sqrt() - 1.0)).abs() < 1e-15);
        assert_eq!(richardson(0.0, Some(1.0), 2.0), 0.0);
    }

    #[test]
    fn low_orders_enlarge_the_error_of_a_number_and_never_fall_back() {
        // f = 1 + h^r at h, 2h, 4h
        let at = |order: f64, h: f64| {
            let f = |h: f64| 1.0 + h.powf(order);
            (extrapolated(f(h), f(2.0 * h), Some(f(4.0 * h)), 4.0), h.powf(order))
        };
        for order in [0.25, 0.4, 0.7, 1.0, 2.0, 4.0] {
            let (found, error) = at(order, 1e-3);
            assert!((found.error / error - 1.0).abs() < 1e-6, "{order} {found:?}");
            assert!(order < EXTRAPOLATED || (found.value - 1.0).abs() < 1e-6 * error, "{order} {found:?}");
        }
        let (found, error) = at(0.1, 1e-3);
        assert!(found.error > 0.4 * error && found.error < error, "{found:?} {error}");
        // growing changes, changes of opposite signs
        assert!(extrapolated(3.0, 2.0, Some(1.5), 2.0).error > 6.0);
        assert_eq!(
            extrapolated(3.0, 2.0, Some(2.5), 2.0),
            Extrapolated { value: 3.0, error: 1.0 / (8f64.sqrt() - 1.0) + 0.5 / 12.0 }
        );
        // 4h far out of range: second order of the last change
        let found = extrapolated(1.003, 1.0, Some(1.1), 2.0);
        assert!((found.error - (0.001 + 0.1 / 180.0)).abs() < 1e-12, "{found:?}");
        // e = a h² + b h⁴ near its zero, for every size of a
        for k in 0..40 {
            let (a, b) = (-0.25 + 0.01 * f64::from(k), 0.05);
            let e = |h: f64| a * h * h + b * h.powi(4);
            let (found, ratio) =
                (extrapolated(e(1.0), e(2.0), Some(e(4.0)), 2.0), (e(2.0) - e(4.0)) / (e(1.0) - e(2.0)));
            let told = ratio <= -4.0 || (1.6..22.0).contains(&ratio);
            let right = !told || e(1.0).abs() < 3.1 * found.error;
            assert!(right, "{a}: {found:?} {}", e(1.0));
        }
    }
}
