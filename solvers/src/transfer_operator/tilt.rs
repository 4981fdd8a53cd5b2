//! The tilt of a fitted row: the q ≠ 0 with E e^{qX} = 1 for the displacement X of a step.

/// The q of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tilt {
    /// E e^{qX} = 1 at this q ≠ 0: the stationary law falls like e^{−q} a cell there.
    At(f64),
    /// There is none, as nothing moves or no draw works against the shift.
    None,
    /// It is too large to be kept on nodes or in numbers.
    Beyond,
}

/// The greatest tilt (1/cell) that a row can keep.
pub(super) const MOST_TILT: f64 = 3.0;
/// The greatest −ln of the weights that decide E e^{qX}: squares of them are still numbers.
const MOST_RARE: f64 = 400.0;

/// The q ≠ 0 with E e^{qX} = 1 for X = shift + Z; `cumulant` gives ln E e^{qZ} and its derivative, `variance` Var Z, `hull` the least
/// and the greatest Z.
pub(super) fn tilt(cumulant: impl Fn(f64) -> (f64, f64), shift: f64, variance: f64, hull: [f64; 2]) -> Tilt {
    let against = if shift < 0.0 { shift + hull[1] } else { -(shift + hull[0]) };
    if variance == 0.0 || shift == 0.0 || against <= 0.0 {
        return Tilt::None;
    }
    let f = |q: f64| {
        let (k, d) = cumulant(q);
        (q * shift + k, shift + d)
    };
    let mut q = -2.0 * shift / variance;
    for _ in 0..60 {
        if q.abs() > 2.0 * MOST_TILT {
            return Tilt::Beyond;
        }
        let (value, slope) = f(q);
        let mut next = q - value / slope;
        if next * q <= 0.0 {
            next = if slope * q > 0.0 { q / 2.0 } else { q * 2.0 };
        }
        let settled = (next - q).abs() < 1e-14 * q.abs();
        q = next;
        if settled {
            break;
        }
    }
    let (value, mean) = f(q);
    if q.abs() <= MOST_TILT && value.abs() < 1e-10 && q * mean <= MOST_RARE { Tilt::At(q) } else { Tilt::Beyond }
}
