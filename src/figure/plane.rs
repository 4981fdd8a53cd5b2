//! How cells of a plane are found among those of a grid of three axes.

/// How cells of a plane are found among those of the whole grid.
pub struct Plane {
    /// The axes of the plane.
    pub pair: [usize; 2],
    /// Cells along each of the three axes.
    pub cells: [usize; 3],
    /// The cell of the third axis in which the plane lies.
    pub through: usize,
    /// Widths of the cells along the third axis.
    pub widths: Vec<f64>,
}

impl Plane {
    fn third(&self) -> usize {
        3 - self.pair[0] - self.pair[1]
    }

    /// The index of a cell of the grid from its place in the plane and along the third axis.
    fn cell(&self, [i, j]: [usize; 2], k: usize) -> usize {
        let mut at = [0; 3];
        (at[self.pair[0]], at[self.pair[1]], at[self.third()]) = (i, j, k);
        (at[0] * self.cells[1] + at[1]) * self.cells[2] + at[2]
    }

    fn places(&self) -> impl Iterator<Item = [usize; 2]> + '_ {
        let [rows, columns] = self.pair.map(|axis| self.cells[axis]);
        (0..rows).flat_map(move |i| (0..columns).map(move |j| [i, j]))
    }

    /// The values of a field in the plane.
    pub fn slice(&self, field: &[f64]) -> Vec<f64> {
        self.places().map(|place| field[self.cell(place, self.through)]).collect()
    }

    /// The marginal of a density: its integral along the third axis.
    pub fn marginal(&self, density: &[f64]) -> Vec<f64> {
        let along = |place| self.widths.iter().enumerate().map(|(k, w)| density[self.cell(place, k)] * w).sum();
        self.places().map(along).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On 2 × 3 × 2 cells with f = 100 i + 10 j + k.
    #[test]
    fn planes_and_marginals_take_the_cells_that_they_name() {
        let index = |c: usize| (100 * (c / 6) + 10 * (c / 2 % 3) + c % 2) as f64;
        let field: Vec<f64> = (0..12).map(index).collect();
        let plane = |pair, through, widths: &[f64]| Plane { pair, cells: [2, 3, 2], through, widths: widths.to_vec() };
        assert_eq!(plane([0, 2], 1, &[]).slice(&field), [10.0, 11.0, 110.0, 111.0]);
        assert_eq!(plane([1, 2], 0, &[]).slice(&field), [0.0, 1.0, 10.0, 11.0, 20.0, 21.0]);
        assert_eq!(plane([1, 2], 0, &[1.0, 0.5]).marginal(&field)[..2], [50.0, 51.5]);
        assert_eq!(plane([0, 1], 0, &[2.0, 1.0]).marginal(&field)[5], 2.0 * 120.0 + 121.0);
    }
}
