//! Vectors of doubles that begin at a cache line, so that no load of a full register straddles two.

use std::ops::{Deref, DerefMut};

/// Doubles in a cache line.
const LINE: usize = 8;

/// A vector of fixed length whose first entry lies at a multiple of 64 bytes.
pub(super) struct Aligned {
    data: Vec<f64>,
    first: usize,
    len: usize,
}

impl Aligned {
    /// Zeros.
    pub fn zeros(len: usize) -> Self {
        let data = vec![0.0; len + LINE - 1];
        let first = data.as_ptr().align_offset(8 * LINE).min(LINE - 1); // the vector is never grown, so it stays where it is
        Self { data, first, len }
    }
}

impl From<&[f64]> for Aligned {
    fn from(values: &[f64]) -> Self {
        let mut out = Self::zeros(values.len());
        out.copy_from_slice(values);
        out
    }
}

impl Deref for Aligned {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.data[self.first..self.first + self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.data[self.first..self.first + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_begin_at_cache_lines() {
        for len in [0, 1, 7, 8, 1000, 100_003] {
            let vector = Aligned::from(&vec![0.5; len][..]);
            assert!(
                (vector.as_ptr() as usize).is_multiple_of(64)
                    && vector.len() == len
                    && vector.iter().all(|&v| v == 0.5)
            );
        }
    }
}
