//! Moments of samples with their standard errors.

/// A sample estimate with its standard error.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Estimate {
    /// Mean of coordinate i over points (coordinate-major, n of them).
    pub fn mean(points: &[f64], n: usize, i: usize) -> Self {
        let column = &points[i * n..(i + 1) * n];
        let mean = column.iter().sum::<f64>() / n as f64;
        let square = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
        Self { value: mean, error: (square / n as f64).sqrt() }
    }

    /// Covariance of the coordinates i and j over points, standard error from the sample's fourth moments.
    pub fn covariance(points: &[f64], n: usize, i: usize, j: usize) -> Self {
        let column = |k: usize| &points[k * n..(k + 1) * n];
        let mean = |k: usize| column(k).iter().sum::<f64>() / n as f64;
        let (mi, mj) = (mean(i), mean(j));
        let products: Vec<f64> = column(i).iter().zip(column(j)).map(|(x, y)| (x - mi) * (y - mj)).collect();
        let value = products.iter().sum::<f64>() / (n as f64 - 1.0);
        let square = products.iter().map(|p| (p - value).powi(2)).sum::<f64>() / (n as f64 - 1.0);
        Self { value, error: (square / n as f64).sqrt() }
    }

    /// Distance from a number in standard errors.
    pub fn off(&self, exact: f64) -> f64 {
        (self.value - exact).abs() / self.error
    }
}
