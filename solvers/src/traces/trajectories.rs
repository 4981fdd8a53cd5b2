//! Trajectories of several walkers at equal distances of time.

use crate::Error;
use crate::numerics::symmetric::{eigen, packed_index, packed_len};

/// Fewest rows of all walkers together that drift and diffusion are estimated from.
const FEWEST: usize = 200;

/// Least eigenvalue of the correlations of the coordinates: below it one is a linear function of the others but for rounding.
const FLAT: f64 = 1e-9;

/// Positions of walkers at rows a time τ apart. Rows that are NaN are not there: a walker that ended before the others, or a gap.
#[derive(Debug, Clone)]
pub struct Trajectories {
    walkers: usize,
    rows: usize,
    dimension: usize,
    /// Walker by walker, row by row; NaN in all coordinates of a row that is not there.
    positions: Vec<f64>,
    /// Rows that are there.
    present: usize,
    /// Time of one step.
    step: f64,
    /// Steps between two rows.
    stride: usize,
}

impl Trajectories {
    /// Trajectories (walkers × rows × d) of steps that last `step`, of which every `stride`-th was kept.
    ///
    /// # Errors
    /// No walkers; fewer than three rows each, or than 200 of all walkers; positions that are infinite; no variables, or more than three; a
    /// coordinate that never changes, or is a linear function of the others; a step that is no time.
    pub fn new(
        walkers: usize,
        rows: usize,
        dimension: usize,
        mut positions: Vec<f64>,
        step: f64,
        stride: usize,
    ) -> Result<Self, Error> {
        if walkers == 0 || !(1..=3).contains(&dimension) || positions.len() != walkers * rows * dimension {
            let what = format!("trajectories of {walkers} walkers in {dimension} variables");
            return Err(Error::invalid(what, "give positions of at least one walker in 1 to 3 variables"));
        }
        if rows < 3 || walkers * rows < FEWEST {
            let what = format!("the traces are too short: {walkers} walkers with {rows} rows each");
            return Err(Error::invalid(
                what,
                format!("give at least {FEWEST} rows of all walkers together, 3 of each"),
            ));
        }
        if !(step > 0.0 && step.is_finite()) || stride == 0 {
            let what = format!("steps that last {step}, of which every {stride}-th is kept");
            return Err(Error::invalid(what, "give a learning rate > 0 and a stride of at least 1"));
        }
        if let Some(i) = positions.iter().position(|x| x.is_infinite()) {
            let what = format!(
                "the traces hold {} in row {} of walker {}",
                positions[i],
                i / dimension % rows,
                i / dimension / rows
            );
            return Err(Error::invalid(what, "give finite positions, and NaN where there is no row"));
        }
        let mut present = 0;
        for row in positions.chunks_exact_mut(dimension) {
            match row.iter().any(|x| x.is_nan()) {
                true => row.fill(f64::NAN),
                false => present += 1,
            }
        }
        if present < FEWEST {
            let what =
                format!("the traces are too short: {present} of {} rows are there, the others NaN", walkers * rows);
            return Err(Error::invalid(what, format!("give at least {FEWEST} rows of all walkers together")));
        }
        let found = Self { walkers, rows, dimension, positions, present, step, stride };
        if let Some(k) = (0..dimension)
            .find(|&k| found.coordinate(k).min_by(f64::total_cmp) == found.coordinate(k).max_by(f64::total_cmp))
        {
            return Err(Error::invalid(format!("coordinate {k} of the traces never changes"), "leave it out"));
        }
        match found.linear() {
            Some(k) => {
                let what = format!(
                    "coordinate {k} of the traces is a linear function of the others: no noise leaves their plane"
                );
                Err(Error::invalid(what, "leave it out of the trace and of the variables"))
            }
            None => Ok(found),
        }
    }

    /// A coordinate that is a linear function of the others.
    fn linear(&self) -> Option<usize> {
        let (d, n) = (self.dimension, self.present as f64);
        let means: Vec<f64> = (0..d).map(|k| self.coordinate(k).sum::<f64>() / n).collect();
        let covariance = |k: usize, l: usize| {
            let both = self.coordinate(k).zip(self.coordinate(l));
            both.map(|(x, y)| (x - means[k]) * (y - means[l])).sum::<f64>() / n
        };
        let spread: Vec<f64> = (0..d).map(|k| covariance(k, k).sqrt()).collect();
        let mut packed = vec![0.0; packed_len(d)];
        for (k, l) in (0..d).flat_map(|k| (k..d).map(move |l| (k, l))) {
            packed[packed_index(d, k, l)] = covariance(k, l) / (spread[k] * spread[l]);
        }
        let (values, vectors) = eigen(d, &packed);
        let largest = || (0..d).rev().max_by(|&k, &l| vectors[k][0].abs().total_cmp(&vectors[l][0].abs()));
        if d > 1 && values[0] < FLAT { largest() } else { None }
    }

    /// Number of walkers.
    pub fn walkers(&self) -> usize {
        self.walkers
    }

    /// Rows of each walker.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of variables d.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Steps between two rows.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Time of one step.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// Time τ between two rows.
    pub fn interval(&self) -> f64 {
        self.step * self.stride as f64
    }

    /// Position of a walker in a row; NaN where that row is not there.
    #[inline]
    pub fn position(&self, walker: usize, row: usize) -> &[f64] {
        &self.positions[(walker * self.rows + row) * self.dimension..][..self.dimension]
    }

    /// Rows of all walkers that are there.
    pub fn present(&self) -> usize {
        self.present
    }

    /// Whether a row of a walker is there.
    #[inline]
    pub fn is_there(&self, walker: usize, row: usize) -> bool {
        !self.position(walker, row)[0].is_nan()
    }

    /// All values of one coordinate.
    pub fn coordinate(&self, k: usize) -> impl Iterator<Item = f64> + '_ {
        self.positions.iter().copied().skip(k).step_by(self.dimension).filter(|x| !x.is_nan())
    }

    /// Quantiles of one coordinate at these levels.
    pub fn quantiles<const N: usize>(&self, k: usize, levels: [f64; N]) -> [f64; N] {
        let mut values: Vec<f64> = self.coordinate(k).collect();
        values.sort_by(f64::total_cmp);
        levels.map(|level| {
            let at = level * (values.len() - 1) as f64;
            let below = at.floor() as usize;
            let above = (below + 1).min(values.len() - 1);
            values[below] + (at - below as f64) * (values[above] - values[below])
        })
    }
}
