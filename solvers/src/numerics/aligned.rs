//! Arrays that start at a cache line, so that no load of a full register straddles two (which costs a fifth of the speed).

use std::ops::{Deref, DerefMut};

/// A slice of numbers that starts at a multiple of 64 bytes.
#[derive(Debug, Default)]
pub struct Aligned {
    buffer: Vec<f64>,
    first: usize,
    len: usize,
}

/// Numbers in a cache line.
const LINE: usize = 8;

impl Aligned {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let buffer = vec![0.0; len + LINE - 1];
        // align_offset may refuse (it never does at run time); then the slice is only slower.
        let first = Some(buffer.as_ptr().align_offset(LINE * size_of::<f64>())).filter(|&f| f < LINE).unwrap_or(0);
        Self { buffer, first, len }
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
        &self.buffer[self.first..self.first + self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.buffer[self.first..self.first + self.len]
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        Self::from(&self[..])
    }
    fn clone_from(&mut self, source: &Self) {
        if self.len == source.len {
            self.copy_from_slice(source);
        } else {
            *self = source.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_start_at_a_cache_line() {
        for len in [0, 1, 7, 8, 256, 1000, 100_003] {
            let vector = Aligned::from(&vec![0.5; len][..]);
            assert!(vector.len() == len && vector.iter().all(|&v| v == 0.5));
            assert!((vector.as_ptr() as usize).is_multiple_of(64));
            let mut a = Aligned::zeros(len);
            a.iter_mut().enumerate().for_each(|(i, x)| *x = i as f64);
            let mut b = a.clone();
            assert!(b[..] == a[..] && b.len() == len && (b.as_ptr() as usize).is_multiple_of(64));
            b.clone_from(&Aligned::zeros(3));
            assert!(b[..] == [0.0; 3] && (b.as_ptr() as usize).is_multiple_of(64));
        }
    }
}
