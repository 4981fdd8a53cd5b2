//! Data: named columns of samples, from a table or from a teacher with known noise.

use crate::error::{Error, Setting};
use crate::numerics::random::Stream;

/// Named columns of the same length m.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    teacher: Option<Teacher>,
    standardised: Vec<Standardised>,
}

/// A column that was shifted and scaled: v → (v − mean)/deviation.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardised {
    /// Its name.
    pub name: String,
    /// Its mean before.
    pub mean: f64,
    /// Its standard deviation before (divisor m).
    pub deviation: f64,
}

/// What is known of data that a teacher made: y_i = h*(x_i) + shift_i + ε_i, ε_i ~ N(0, σ²) independent.
#[derive(Debug, Clone, PartialEq)]
pub struct Teacher {
    /// The teacher's function h*(x_i).
    pub truth: Vec<f64>,
    /// Shift of each sample; 0 except for outliers.
    pub shift: Vec<f64>,
    /// Standard deviation σ of the noise.
    pub noise_std: f64,
}

impl Teacher {
    /// Mean of y_i over the noise: h*(x_i) + shift_i.
    pub fn mean(&self) -> Vec<f64> {
        self.truth.iter().zip(&self.shift).map(|(h, s)| h + s).collect()
    }
}

impl Data {
    /// Data from named columns.
    ///
    /// # Errors
    /// No column, no row, columns of different length, a name given twice, a value that is not finite.
    pub fn new(columns: Vec<(String, Vec<f64>)>) -> Result<Self, Error> {
        let (names, columns): (Vec<String>, Vec<Vec<f64>>) = columns.into_iter().unzip();
        let samples = columns.first().map_or(0, Vec::len);
        if samples == 0 {
            return Err(Error::invalid("the data have no samples", "give at least one row"));
        }
        for (k, (name, column)) in names.iter().zip(&columns).enumerate() {
            if names[..k].contains(name) {
                return Err(Error::invalid(format!("column \"{name}\" occurs twice"), "rename one of them"));
            }
            if column.len() != samples {
                return Err(Error::invalid(
                    format!("column \"{name}\" has {} samples, \"{}\" has {samples}", column.len(), names[0]),
                    "give columns of the same length",
                ));
            }
            if let Some(row) = column.iter().position(|v| !v.is_finite()) {
                return Err(Error::invalid(
                    format!("column \"{name}\" has {} in row {}", column[row], row + 1),
                    "remove or repair that row",
                ));
            }
        }
        Ok(Self { names, columns, teacher: None, standardised: Vec::new() })
    }

    /// Data of a teacher: columns `x` (the inputs) and `y` = h* + shift + ε, with ε from the stream (seed, "teacher").
    ///
    /// `truth` are the values h*(x_i); `outliers` are pairs (sample, shift).
    ///
    /// # Errors
    /// As for [`Data::new`]; a negative or infinite `noise_std`; an outlier beyond the last sample.
    pub fn from_teacher(
        inputs: Vec<f64>,
        truth: Vec<f64>,
        noise_std: f64,
        outliers: &[(usize, f64)],
        seed: u64,
    ) -> Result<Self, Error> {
        if inputs.len() != truth.len() {
            return Err(Error::invalid(
                format!("a teacher with {} inputs and {} values", inputs.len(), truth.len()),
                "give one value for each input",
            ));
        }
        if !(noise_std >= 0.0 && noise_std.is_finite()) {
            return Err(Error::invalid(
                format!("the standard deviation of the teacher's noise is {noise_std}"),
                "give a number that is not negative",
            )
            .set_by(&[Setting::TeacherNoise]));
        }
        let mut shift = vec![0.0; truth.len()];
        for &(index, by) in outliers {
            let samples = shift.len();
            *shift.get_mut(index).ok_or_else(|| {
                Error::invalid(
                    format!("outlier {index} of a teacher with {samples} samples"),
                    "samples count from 0 to samples − 1",
                )
            })? += by;
        }
        let mut random = Stream::new(seed, "teacher", 0);
        let noise = std::iter::repeat_with(|| noise_std * random.normal());
        let y = truth.iter().zip(&shift).zip(noise).map(|((h, s), e)| h + s + e).collect();
        let mut data = Self::new(vec![("x".into(), inputs), ("y".into(), y)])?;
        data.teacher = Some(Teacher { truth, shift, noise_std });
        Ok(data)
    }

    /// Number of samples m.
    pub fn samples(&self) -> usize {
        self.columns[0].len()
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.names.iter().position(|n| n == name).map(|k| self.columns[k].as_slice())
    }

    /// What is known of the teacher, if one made the data.
    pub fn teacher(&self) -> Option<&Teacher> {
        self.teacher.as_ref()
    }

    /// The columns that were standardised.
    pub fn standardised(&self) -> &[Standardised] {
        &self.standardised
    }

    /// Shifts and scales the columns of these names to mean 0 and variance 1 (divisor m); a teacher's truth, shifts and σ follow `y`.
    ///
    /// # Errors
    /// A column that is constant.
    pub fn standardize(&mut self, wanted: &[String]) -> Result<(), Error> {
        for (name, column) in self.names.iter().zip(&mut self.columns).filter(|(name, _)| wanted.contains(name)) {
            let Some((mean, deviation)) = standardize(column) else {
                return Err(Error::invalid(
                    format!("column \"{name}\" is constant and cannot be standardised"),
                    "use another column, or leave the data as they are",
                )
                .set_by(&[Setting::Standardize]));
            };
            if let (Some(teacher), "y") = (&mut self.teacher, name.as_str()) {
                teacher.truth.iter_mut().for_each(|h| *h = (*h - mean) / deviation);
                teacher.shift.iter_mut().for_each(|s| *s /= deviation);
                teacher.noise_std /= deviation;
            }
            self.standardised.push(Standardised { name: name.clone(), mean, deviation });
        }
        Ok(())
    }
}

/// Shifts and scales to mean 0 and variance 1 (divisor m); returns the old mean and deviation, None for a constant column.
pub fn standardize(column: &mut [f64]) -> Option<(f64, f64)> {
    let m = column.len() as f64;
    let mean = column.iter().sum::<f64>() / m;
    let deviation = (column.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / m).sqrt();
    if !(deviation.is_finite() && deviation > 1e-14 * mean.abs()) {
        return None;
    }
    column.iter_mut().for_each(|v| *v = (*v - mean) / deviation);
    Some((mean, deviation))
}

/// `samples` inputs from `from` to `to`, both included.
pub fn even_inputs(from: f64, to: f64, samples: usize) -> Vec<f64> {
    let last = samples.saturating_sub(1).max(1) as f64;
    (0..samples).map(|i| from + (to - from) * i as f64 / last).collect()
}

/// `samples` inputs, independent and uniform between `from` and `to`, ascending, from the stream (seed, "teacher inputs").
pub fn random_inputs(from: f64, to: f64, samples: usize, seed: u64) -> Vec<f64> {
    let mut random = Stream::new(seed, "teacher inputs", 0);
    let mut inputs: Vec<f64> = (0..samples).map(|_| from + (to - from) * random.uniform()).collect();
    inputs.sort_by(f64::total_cmp);
    inputs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn standardised_columns_have_mean_0_and_variance_1() {
        let mut data = Data::new(vec![("a".into(), vec![1.0, 2.0, 4.0, 9.0])]).unwrap();
        data.standardize(&["a".into()]).unwrap();
        let a = data.column("a").unwrap();
        assert!(a.iter().sum::<f64>().abs() < 1e-15);
        assert!((a.iter().map(|v| v * v).sum::<f64>() / 4.0 - 1.0).abs() < 1e-15);
        let mut constant = Data::new(vec![("a".into(), vec![0.1; 7])]).unwrap();
        assert!(constant.standardize(&["a".into()]).unwrap_err().to_string().contains("constant"));
    }

    #[test]
    fn only_the_named_columns_are_standardised() {
        let mut data = Data::new(vec![("a".into(), vec![1.0, 3.0]), ("b".into(), vec![1.0, 3.0])]).unwrap();
        data.standardize(&["b".into()]).unwrap();
        assert_eq!((data.column("a"), data.column("b")), (Some(&[1.0, 3.0][..]), Some(&[-1.0, 1.0][..])));
        assert_eq!(data.standardised(), [Standardised { name: "b".into(), mean: 2.0, deviation: 1.0 }]);
    }

    #[test]
    fn teacher_noise_is_normal_and_known() {
        let samples = 20_000;
        let inputs = even_inputs(-1.0, 1.0, samples);
        let truth: Vec<f64> = inputs.iter().map(|x| x * x).collect();
        let make = |seed| Data::from_teacher(inputs.clone(), truth.clone(), 0.5, &[(7, 4.0)], seed).unwrap();
        let data = make(3);
        assert_eq!(data, make(3));
        assert_ne!(data, make(4));
        let teacher = data.teacher().unwrap();
        let y = data.column("y").unwrap();
        let noise: Vec<f64> = y.iter().zip(teacher.mean()).map(|(y, h)| (y - h) / 0.5).collect();
        // standard errors 0.0071 and 0.01: with four of them the test fails by chance once in 10⁴, fixed seed
        assert!((noise.iter().sum::<f64>() / samples as f64).abs() < 0.0283);
        assert!((noise.iter().map(|e| e * e).sum::<f64>() / samples as f64 - 1.0).abs() < 0.04);
        assert!((y[7] - teacher.truth[7] - 4.0).abs() < 2.5);
        let mut scaled = data.clone();
        scaled.standardize(&["x".into(), "y".into()]).unwrap();
        let again = scaled.teacher().unwrap();
        let residual = |d: &Data, t: &Teacher| (d.column("y").unwrap()[7] - t.mean()[7]) / t.noise_std;
        assert!((residual(&data, teacher) - residual(&scaled, again)).abs() < 1e-12);
    }

    #[test]
    fn bad_columns_are_refused() {
        let new = |columns: &[(&str, &[f64])]| {
            Data::new(columns.iter().map(|(n, c)| (n.to_string(), c.to_vec())).collect()).unwrap_err().to_string()
        };
        assert!(new(&[]).contains("no samples"));
        assert!(new(&[("x", &[1.0]), ("y", &[1.0, 2.0])]).contains("has 2 samples"));
        assert!(new(&[("x", &[1.0, f64::NAN])]).contains("row 2"));
        assert!(new(&[("x", &[1.0]), ("x", &[1.0])]).contains("twice"));
        assert!(Data::from_teacher(vec![0.0], vec![0.0], -1.0, &[], 0).is_err());
        assert!(Data::from_teacher(vec![0.0], vec![0.0], 1.0, &[(1, 2.0)], 0).is_err());
    }

    #[test]
    fn inputs_cover_their_range() {
        assert_eq!(even_inputs(-2.0, 2.0, 5), [-2.0, -1.0, 0.0, 1.0, 2.0]);
        assert_eq!(even_inputs(1.0, 2.0, 1), [1.0]);
        let x = random_inputs(-2.0, 3.0, 1000, 1);
        assert!(x.windows(2).all(|p| p[0] <= p[1]) && x[0] >= -2.0 && x[999] < 3.0);
        assert!((x.iter().sum::<f64>() / 1000.0 - 0.5).abs() < 4.0 * 5.0 / 12f64.sqrt() / 1000f64.sqrt());
    }
}
