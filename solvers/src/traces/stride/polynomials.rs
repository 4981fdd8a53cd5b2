//! Products of Legendre polynomials on [−1, 1]ᵈ.

/// Most degrees of one variable.
const MOST: usize = 9;

/// Products of Legendre polynomials P_i(u₁) P_j(u₂) … of total degree at most `degree`, those of lower degree first.
pub(super) struct Polynomials {
    degrees: Vec<[usize; 3]>,
    d: usize,
}

impl Polynomials {
    /// All of them in d variables.
    pub fn new(d: usize, degree: usize) -> Self {
        let most = |k: usize| if k < d { degree } else { 0 };
        let all = (0..=most(0)).flat_map(|i| (0..=most(1)).flat_map(move |j| (0..=most(2)).map(move |k| [i, j, k])));
        let mut degrees: Vec<[usize; 3]> = all.filter(|all| all.iter().sum::<usize>() <= degree).collect();
        degrees.sort_by_key(|all| all.iter().sum::<usize>());
        Self { degrees, d }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.degrees.len()
    }

    /// Their values at u, taken to the box.
    pub fn at(&self, u: &[f64]) -> Vec<f64> {
        let on_axis: Vec<[[f64; MOST]; 2]> = u.iter().map(|x| legendre(x.clamp(-1.0, 1.0))).collect();
        let product = |all: &[usize; 3]| (0..self.d).map(|k| on_axis[k][0][all[k]]).product();
        self.degrees.iter().map(product).collect()
    }

    /// Their values at u; beyond the box they go on as straight lines.
    pub fn straight_on(&self, u: &[f64]) -> Vec<f64> {
        let on_axis: Vec<[[f64; MOST]; 2]> = u.iter().map(|x| legendre(x.clamp(-1.0, 1.0))).collect();
        let beyond: Vec<f64> = u.iter().map(|x| x - x.clamp(-1.0, 1.0)).collect();
        let value = |all: &[usize; 3]| {
            let product = |slope: Option<usize>| -> f64 {
                (0..self.d).map(|k| on_axis[k][usize::from(slope == Some(k))][all[k]]).product()
            };
            let slopes = (0..self.d).filter(|&k| beyond[k] != 0.0).map(|k| product(Some(k)) * beyond[k]);
            product(None) + slopes.sum::<f64>()
        };
        self.degrees.iter().map(value).collect()
    }
}

/// Legendre polynomials and their derivatives at x.
fn legendre(x: f64) -> [[f64; MOST]; 2] {
    let (mut values, mut slopes) = ([1.0; MOST], [0.0; MOST]);
    values[1] = x;
    slopes[1] = 1.0;
    for n in 1..MOST - 1 {
        let m = n as f64;
        values[n + 1] = ((2.0 * m + 1.0) * x * values[n] - m * values[n - 1]) / (m + 1.0);
        slopes[n + 1] = slopes[n - 1] + (2.0 * m + 1.0) * values[n];
    }
    [values, slopes]
}
