//! D(θ) of a table: splines of its entries, then the nearest matrix ≥ 0.

use super::tensor::{Lattice, Splines, in_dimension, values};
use crate::Error;
use crate::numerics::symmetric::{eigen, packed_index, packed_len};

/// Negative eigenvalues of D at a node that count as rounding, in units of its largest.
const ROUNDING: f64 = 1e-9;

/// D(θ) of a table. Between nodes entries are splines; where they make a matrix with a negative eigenvalue, that is put to 0: the nearest
/// matrix ≥ 0 in the Frobenius norm, never further from the true D. Beyond the table D is that of the nearest point of it.
#[derive(Debug)]
pub struct TableDiffusion {
    lattice: Lattice,
    entries: Splines,
}

impl TableDiffusion {
    /// D from its packed entries at the nodes (packed × nodes).
    ///
    /// # Errors
    /// Another number of entries; a node where D is not positive semidefinite.
    pub fn new(lattice: Lattice, entries: Vec<f64>) -> Result<Self, Error> {
        let (n, d) = (lattice.len(), lattice.dimension());
        if entries.len() != packed_len(d) * n {
            return Err(Error::invalid("D has another shape than the table", "give d × d entries at every node"));
        }
        for node in 0..n {
            let packed: Vec<f64> = (0..packed_len(d)).map(|c| entries[c * n + node]).collect();
            let (values, _) = eigen(d, &packed);
            if values[0] < -ROUNDING * values[d - 1].abs() {
                let what = format!("D has the eigenvalue {} at {}", values[0], lattice.place(node));
                return Err(Error::invalid(what, "a diffusion matrix is positive semidefinite: check the array"));
            }
        }
        Ok(Self { entries: lattice.interpolate(entries), lattice })
    }

    /// D at n points (packed × n).
    pub fn evaluate(&self, points: &[f64], out: &mut [f64]) {
        let d = self.lattice.dimension();
        let n = points.len() / d;
        let mut inside = points.to_vec();
        for (axis, row) in self.lattice.axes().iter().zip(inside.chunks_exact_mut(n.max(1))) {
            let [lower, upper] = axis.ends();
            row.iter_mut().for_each(|x| *x = x.clamp(lower, upper));
        }
        in_dimension!(d, values(&self.lattice, &self.entries, &inside, n, out));
        for i in 0..n {
            project(d, n, i, out);
        }
    }
}

/// Puts the negative eigenvalues of matrix i of n to 0.
fn project(d: usize, n: usize, i: usize, matrices: &mut [f64]) {
    if d == 1 {
        matrices[i] = matrices[i].max(0.0);
        return;
    }
    let mut packed = [0.0; 6];
    for c in 0..packed_len(d) {
        packed[c] = matrices[c * n + i];
    }
    let (eigenvalues, vectors) = eigen(d, &packed[..packed_len(d)]);
    if eigenvalues[0] >= 0.0 {
        return;
    }
    for (k, l) in (0..d).flat_map(|k| (k..d).map(move |l| (k, l))) {
        let entry = (0..d).map(|v| eigenvalues[v].max(0.0) * vectors[k][v] * vectors[l][v]);
        matrices[packed_index(d, k, l) * n + i] = entry.sum();
    }
}
