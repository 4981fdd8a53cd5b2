//! Arnoldi's recursion with a weighted inner product and full reorthogonalisation.

use crate::Error;

/// A Krylov space: orthonormal vectors (one more than columns) and the Hessenberg matrix by columns.
pub(crate) struct Krylov<'a> {
    weight: &'a [f64],
    /// Every vector is kept orthogonal to this one, which belongs to the eigenvalue 0, and removed through its dual.
    pub basis: Vec<Vec<f64>>,
    pub columns: Vec<Vec<f64>>,
    remove: &'a dyn Fn(&mut [f64]),
    first_norm: f64,
}

impl<'a> Krylov<'a> {
    /// Starts from `first`; `remove` projects the known mode out.
    pub fn new(first: Vec<f64>, weight: &'a [f64], remove: &'a dyn Fn(&mut [f64])) -> Self {
        let mut krylov = Self { weight, basis: Vec::new(), columns: Vec::new(), remove, first_norm: 0.0 };
        let mut first = first;
        remove(&mut first);
        let norm = krylov.dot(&first, &first).sqrt();
        first.iter_mut().for_each(|v| *v /= norm);
        krylov.basis.push(first);
        krylov.first_norm = norm;
        krylov
    }

    /// Norm that `first` had.
    pub fn first_norm(&self) -> f64 {
        self.first_norm
    }

    pub fn dot(&self, a: &[f64], b: &[f64]) -> f64 {
        self.weight.iter().zip(a).zip(b).map(|((w, a), b)| w * a * b).sum()
    }

    /// One more vector: the operator applied to the last one. Errors: those of the operator.
    pub fn extend(&mut self, operator: &dyn Fn(&mut [f64]) -> Result<(), Error>) -> Result<(), Error> {
        let mut w = self.basis[self.basis.len() - 1].clone();
        operator(&mut w)?;
        (self.remove)(&mut w);
        let mut column = vec![0.0; self.basis.len() + 1];
        for _ in 0..2 {
            for (k, v) in self.basis.iter().enumerate() {
                let h = self.dot(v, &w);
                column[k] += h;
                w.iter_mut().zip(v).for_each(|(w, v)| *w -= h * v);
            }
        }
        let norm = self.dot(&w, &w).sqrt();
        column[self.basis.len()] = norm;
        let inverse = if norm > 0.0 { 1.0 / norm } else { 0.0 };
        w.iter_mut().for_each(|w| *w *= inverse);
        self.basis.push(w);
        self.columns.push(column);
        Ok(())
    }

    /// Σ_k c_k v_k.
    pub fn combine(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.weight.len()];
        for (v, c) in self.basis.iter().zip(coordinates) {
            out.iter_mut().zip(v).for_each(|(out, v)| *out += c * v);
        }
        out
    }
}

/// A start with something of every mode: reproducible, without a random generator.
pub(crate) fn start(n: usize) -> Vec<f64> {
    let golden = 0.618_033_988_749_894_9;
    (0..n).map(|i| (i as f64 / n as f64 - 0.5) + ((i as f64 * golden).fract() - 0.5)).collect()
}
