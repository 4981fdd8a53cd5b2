//! Trajectories of several walkers at equal distances of time.

use crate::Error;

/// Fewest rows of all walkers together that drift and diffusion are estimated from.
const FEWEST: usize = 200;

/// Positions of walkers at rows a time τ apart.
#[derive(Debug, Clone)]
pub struct Trajectories {
    walkers: usize,
    rows: usize,
    dimension: usize,
    /// Walker by walker, row by row.
    positions: Vec<f64>,
    /// Time of one step.
    step: f64,
    /// Steps between two rows.
    stride: usize,
}

impl Trajectories {
    /// Trajectories (walkers × rows × d) of steps that last `step`, of which every `stride`-th was kept.
    ///
    /// # Errors
    /// No walkers; fewer than three rows each, or than 200 of all walkers; positions that are not finite; no variables, or more than three; a
    /// coordinate that never changes; a step that is no time.
    pub fn new(
        walkers: usize,
        rows: usize,
        dimension: usize,
        positions: Vec<f64>,
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
        if let Some(i) = positions.iter().position(|x| !x.is_finite()) {
            let what = format!(
                "the traces hold {} in row {} of walker {}",
                positions[i],
                i / dimension % rows,
                i / dimension / rows
            );
            return Err(Error::invalid(what, "give finite positions"));
        }
        let found = Self { walkers, rows, dimension, positions, step, stride };
        if let Some(k) = (0..dimension).find(|&k| found.coordinate(k).all(|x| x == found.positions[k])) {
            return Err(Error::invalid(format!("coordinate {k} of the traces never changes"), "leave it out"));
        }
        Ok(found)
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

    /// Position of a walker in a row.
    #[inline]
    pub fn position(&self, walker: usize, row: usize) -> &[f64] {
        &self.positions[(walker * self.rows + row) * self.dimension..][..self.dimension]
    }

    /// All values of one coordinate.
    pub fn coordinate(&self, k: usize) -> impl Iterator<Item = f64> + '_ {
        self.positions.iter().copied().skip(k).step_by(self.dimension)
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
