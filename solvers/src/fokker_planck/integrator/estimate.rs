//! Error estimates of methods that go from span to span.

use crate::Error;
use crate::engine::Archive;

/// The errors of a run's spans, put together.
///
/// The errors that earlier spans hand on are added in squares: they may have decayed or not, and have any sign. For up to nine spans
/// of like errors the result is within a factor of 3 of both the sum and the largest.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spans {
    carried: f64,
    worst: f64,
}

impl Spans {
    /// Takes the errors that this span makes at its outputs.
    pub fn outputs(&mut self, errors: &[f64]) {
        self.worst = errors.iter().map(|error| error.hypot(self.carried)).fold(self.worst, f64::max);
    }

    /// Ends the span, with the error that it makes at its end.
    pub fn end(&mut self, error: f64) {
        self.carried = self.carried.hypot(error);
    }

    /// Notes them, or puts them back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.number("carried_error", &mut self.carried)?;
        archive.number("worst_error", &mut self.worst)
    }

    /// The largest error at an output so far.
    pub fn worst(&self) -> f64 {
        self.worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_spans_stay_within_a_factor_of_three_of_sum_and_maximum() {
        let mut spans = Spans::default();
        for _ in 0..9 {
            spans.outputs(&[0.5, 1.0]);
            spans.end(1.0);
        }
        assert!((spans.worst() - 3.0).abs() < 1e-15);
    }
}
