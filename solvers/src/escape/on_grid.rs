//! A first-passage problem as a grid sees it, and what it answers.

use super::passage::Target;

/// What the grid says about the time to a target. All times are from the start to the first of the events named.
#[derive(Debug, Clone, Default)]
pub struct GridPassage {
    /// Mean time τ to the target or an absorbing wall from each cell, 0 in the target (n); not conditional on either.
    pub mean_time: Vec<f64>,
    /// Probability to reach the target before the set that is avoided or an absorbing wall (n); None where nothing else can
    /// happen.
    pub committor: Option<Vec<f64>>,
    /// Estimated error of `mean_time` in each cell by the grid (n); empty where it is unknown.
    pub mean_time_error: Vec<f64>,
    /// Estimated error of `committor` in each cell by the grid (n); empty where it is unknown or there is no committor.
    pub committor_error: Vec<f64>,
    /// τ at the starting point, by linear interpolation between cell centres.
    pub from_value: f64,
    /// Committor at the starting point.
    pub from_committor: Option<f64>,
    /// Mean time to the target, the avoided set or an absorbing wall, whichever comes first; None where no set is avoided.
    pub from_exit: Option<Timed>,
    /// Mean time to the target given that it comes first: −Q(q τ_c) = q, q the committor; None where nothing else can happen.
    pub from_conditional: Option<Timed>,
    /// Probability that the passage ends at each absorbing wall, where the target does not come first.
    pub absorbed: Vec<Absorbed>,
    /// Probability not to have arrived at each output time, from the starting point.
    pub survival: Vec<f64>,
    /// Estimated error of the survival at each output time by the grid and the time integration; empty where it is unknown.
    pub survival_error: Vec<f64>,
    /// Estimated error of the survival by the time integration.
    pub error_time: f64,
    /// Estimated error of τ at the starting point by the grid, where it can be coarsened.
    pub error_grid: Option<f64>,
    /// τ at the starting point with the leading error of the grid taken off.
    pub from_value_extrapolated: Option<f64>,
    /// Estimated error of the committor at the starting point by the grid, where it can be coarsened.
    pub from_committor_error_grid: Option<f64>,
    /// Sentences on why it may not be trusted.
    pub warnings: Vec<String>,
}

/// A mean time at the starting point and its estimated error by the grid, where it can be coarsened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    /// Mean time.
    pub value: f64,
    /// Estimated error.
    pub error: Option<f64>,
}

impl Timed {
    /// Without an error.
    pub fn new(value: f64) -> Self {
        Self { value, error: None }
    }
}

/// The share that ends at an absorbing wall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Absorbed {
    /// The axis.
    pub axis: usize,
    /// Whether it is the upper end.
    pub upper: bool,
    /// Probability.
    pub probability: f64,
    /// Its estimated error by the grid, where it can be coarsened.
    pub error: Option<f64>,
}

/// τ and the committor at the starting point alone, each where it could be computed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AtStart {
    /// Mean first-passage time.
    pub mean_time: Option<f64>,
    /// Committor.
    pub committor: Option<f64>,
    /// Mean time to the target, the avoided set or an absorbing wall.
    pub exit: Option<f64>,
    /// Mean time to the target given that it comes first.
    pub conditional: Option<f64>,
}

impl AtStart {
    /// The part of a whole answer.
    pub fn of(found: &GridPassage) -> Self {
        Self {
            mean_time: Some(found.from_value),
            committor: found.from_committor,
            exit: found.from_exit.map(|time| time.value),
            conditional: found.from_conditional.map(|time| time.value),
        }
    }
}

impl GridPassage {
    /// Estimates the errors of the survival and the shares absorbed from a whole answer of a coarser discretisation; `error` gives that of
    /// the finer of two numbers.
    pub fn see_coarse_curve(&mut self, coarse: &Self, error: impl Fn(f64, f64) -> f64) {
        if coarse.survival.len() == self.survival.len() {
            let curves = self.survival.iter().zip(&coarse.survival);
            self.survival_error = curves.map(|(f, c)| error(*f, *c) + self.error_time).collect();
        }
        for wall in &mut self.absorbed {
            let same = |other: &&Absorbed| (other.axis, other.upper) == (wall.axis, wall.upper);
            let other = coarse.absorbed.iter().find(same);
            wall.error = other.map(|other| error(wall.probability, other.probability));
        }
    }

    /// All errors by the grid become unknown: nothing coarser resolves the way.
    pub fn forget_errors(&mut self) {
        (self.error_grid, self.from_value_extrapolated, self.from_committor_error_grid) = (None, None, None);
        [&mut self.from_exit, &mut self.from_conditional].into_iter().flatten().for_each(|time| time.error = None);
        self.absorbed.iter_mut().for_each(|wall| wall.error = None);
        [&mut self.survival_error, &mut self.mean_time_error, &mut self.committor_error]
            .into_iter()
            .for_each(Vec::clear);
    }

    /// Estimates the errors of the fields from a whole answer of a coarser discretisation; `error` gives that of the finer of two fields.
    pub fn see_coarse_fields(&mut self, coarse: &Self, error: impl Fn(&[f64], &[f64]) -> Vec<f64>) {
        self.mean_time_error = error(&self.mean_time, &coarse.mean_time);
        if let (Some(fine), Some(coarse)) = (&self.committor, &coarse.committor) {
            self.committor_error = error(fine, coarse);
        }
    }

    /// Estimates the errors from what one or two coarser discretisations say: `extrapolated` gives from the numbers of all three the one
    /// without error, and the error of the finest.
    pub fn see_coarse(
        &mut self,
        coarse: &AtStart,
        coarsest: &AtStart,
        extrapolated: impl Fn(f64, f64, Option<f64>) -> (f64, f64),
    ) {
        let known = self.error_grid.unwrap_or(0.0);
        // grids that agree in every digit were both clamped, to a probability of 0 or 1 say: that tells nothing of the error
        let told = |f: f64, c: f64, cc: Option<f64>| Some(extrapolated(f, c, cc)).filter(|(_, error)| *error > 0.0);
        let seen = coarse.mean_time.and_then(|coarse| told(self.from_value, coarse, coarsest.mean_time));
        self.error_grid = seen.map(|(_, error)| error.max(known)).or(self.error_grid);
        self.from_value_extrapolated = seen.map(|(value, _)| value);
        let times = [
            (&mut self.from_exit, coarse.exit, coarsest.exit),
            (&mut self.from_conditional, coarse.conditional, coarsest.conditional),
        ];
        for (time, coarse, coarsest) in times {
            if let (Some(time), Some(coarse)) = (time, coarse)
                && let Some((_, error)) = told(time.value, coarse, coarsest)
            {
                time.error = Some(error.max(time.error.unwrap_or(0.0)));
            }
        }
        let known = self.from_committor_error_grid.unwrap_or(0.0);
        let seen = self.from_committor.zip(coarse.committor);
        let seen = seen.and_then(|(f, c)| told(f, c, coarsest.committor)).map(|(_, error)| error.max(known));
        self.from_committor_error_grid = seen.or(self.from_committor_error_grid);
    }
}

/// The problem: from where to which set.
pub struct PassageProblem<'a> {
    /// Starting point (d), outside the target.
    pub from: &'a [f64],
    /// The set to be reached.
    pub target: &'a Target,
    /// A set that ends the passage without arrival, for the committor only.
    pub avoid: Option<&'a Target>,
    /// Output times of the survival, the first is 0.
    pub times: &'a [f64],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_that_agree_because_both_are_clamped_leave_the_error_unknown() {
        let at = |committor: f64, time: f64| AtStart {
            mean_time: Some(time),
            committor: Some(committor),
            ..AtStart::default()
        };
        let seen = |coarse: AtStart| {
            let mut found = GridPassage { from_value: 3.0, from_committor: Some(1.0), ..GridPassage::default() };
            found.see_coarse(&coarse, &AtStart::default(), |f, c, _| (f, (f - c).abs() / 3.0));
            (found.from_committor_error_grid, found.error_grid)
        };
        assert_eq!(seen(at(1.0, 3.3)).0, None);
        assert!(seen(at(0.97, 3.3)).0.is_some_and(|error| (error - 0.01).abs() < 1e-12));
        assert_eq!(seen(at(0.97, 3.0)).1, None);
    }
}
