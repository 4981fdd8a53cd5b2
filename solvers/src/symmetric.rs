//! Symmetric d×d matrices in packed form, d ≤ 3: row-major upper triangle, each component contiguous over the points.
//!
//! Component order: d = 1: `[00]`; d = 2: `[00, 01, 11]`; d = 3: `[00, 01, 02, 11, 12, 22]`.

/// Number of components of a packed symmetric d×d matrix: d(d+1)/2.
pub const fn packed_len(d: usize) -> usize {
    d * (d + 1) / 2
}

/// Component of entry (i, j) in packed order.
pub const fn packed_index(d: usize, i: usize, j: usize) -> usize {
    let (i, j) = if i <= j { (i, j) } else { (j, i) };
    i * d - i * (i + 1) / 2 + j
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_order_is_row_major_upper() {
        for d in 1..=3 {
            let mut next = 0;
            for i in 0..d {
                for j in i..d {
                    assert_eq!(packed_index(d, i, j), next);
                    assert_eq!(packed_index(d, j, i), next);
                    next += 1;
                }
            }
            assert_eq!(next, packed_len(d));
        }
    }
}
