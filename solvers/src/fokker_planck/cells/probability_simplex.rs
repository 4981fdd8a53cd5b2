//! Projection onto the probability simplex: p ↦ m·max(p, 0)/Σmax(p, 0), and what it moved.
//!
//! Integrators that are accurate but not positive leave some probability negative, or the sum m off.

/// What a projection moved.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moved {
    /// Probability that was negative.
    pub negative: f64,
    /// |Σp − mass| before.
    pub mass: f64,
}

/// Sets negative cells to 0 and scales the others so that the sum is `mass` (None: so that it stays what it was).
///
/// The result is non-negative and no farther from any probability vector than twice the input in L1: for integrators that
/// are accurate but not positive the projected vector is the better answer, and [`Moved`] bounds what was changed.
pub fn project(probability: &mut [f64], mass: Option<f64>) -> Moved {
    let (mut positive, mut negative) = (0.0, 0.0);
    for &p in probability.iter() {
        if p < 0.0 { negative -= p } else { positive += p }
    }
    let sum = positive - negative;
    // where all has left, what rounding leaves may be negative altogether
    let target = mass.unwrap_or(sum.max(0.0));
    if negative > 0.0 || (positive > 0.0 && sum != target) {
        let scale = if positive > 0.0 { target / positive } else { 0.0 };
        probability.iter_mut().for_each(|p| *p = if *p < 0.0 { 0.0 } else { *p * scale });
    }
    Moved { negative, mass: (sum - target).abs() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_cells_and_mass_are_projected_and_reported() {
        let mut p = [0.5, -0.01, 0.5, 0.02];
        let moved = project(&mut p, Some(1.0));
        assert!((moved.negative - 0.01).abs() < 1e-15 && (moved.mass - 0.01).abs() < 1e-15);
        assert!(p.iter().all(|&p| p >= 0.0) && (p.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        let mut lost = [0.25, -0.05, 0.3];
        project(&mut lost, None);
        assert!((lost.iter().sum::<f64>() - 0.5).abs() < 1e-15);
        for mut left in [[1e-17, -2e-16, 0.0], [-1e-16, -1e-16, 0.0]] {
            project(&mut left, None);
            assert_eq!(left, [0.0; 3]);
        }
    }

    #[test]
    fn a_probability_vector_stays_as_it_is() {
        let mut p = [0.25, 0.5, 0.25];
        assert_eq!(project(&mut p, Some(1.0)), Moved::default());
        assert_eq!(p, [0.25, 0.5, 0.25]);
    }
}
