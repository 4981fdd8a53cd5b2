//! First passages and stationary laws of diffusions on a line by natural scale and speed measure.
//!
//! With the stationary weight w ∝ (1/A) exp(∫ b/A), A = T·D, the scale function has s′ = 1/(A w) and the speed measure the density w:
//!
//! ```text
//! E[first time at y | x] = ∫_x^y s′(z) ∫_ℓ^z w dz          ℓ the end that is left behind, reflecting or never reached
//! q(x) = (s(x) − s(a))/(s(b) − s(a))                        b before a
//! E[f(exit time)] by ∫ G(x, z) w(z) f(z) dz,  G = (s(x∧z) − s(a))(s(b) − s(x∨z))/(s(b) − s(a))
//! ```
//!
//! Source: S. Karlin & H. M. Taylor, A Second Course in Stochastic Processes, 1981, 15.3 and 15.9.

use fpsolve_solvers::problem::grid::Grid;

use super::quadrature::integrate;

/// Panels of 8 points between two breaks.
const PANELS: usize = 12;
/// The same of a piece at an end with a power, which uᵏ crowds into the last of its length.
const STRETCHED: usize = 48;

/// A diffusion on an interval, known by its stationary weight.
pub trait NaturalScale {
    /// The ends of the interval; where it has none, points so far out that nothing lies beyond them.
    fn ends(&self) -> [f64; 2];
    /// Exponents p of the weight at the ends, w ∼ r^{p − 1} at the distance r.
    fn powers(&self) -> [f64; 2] {
        [1.0; 2]
    }
    /// Kinks of the coefficients, and points that divide long tails into pieces.
    fn breaks(&self) -> Vec<f64> {
        Vec::new()
    }
    /// w(x) up to a factor.
    fn weight(&self, x: f64) -> f64;
    /// w at a distance from the upper end, for weights that depend on it alone there.
    fn weight_below_upper(&self, distance: f64) -> f64 {
        self.weight(self.ends()[1] - distance)
    }
    /// A(x) = T·D(x).
    fn spread(&self, x: f64) -> f64;

    /// ∫_a^b f w dx.
    fn integral(&self, f: &dyn Fn(f64) -> f64, a: f64, b: f64) -> f64 {
        let middle = 0.5 * (self.ends()[0] + self.ends()[1]);
        let points = pieces(a, b, self.breaks().into_iter().chain([middle]));
        points.windows(2).map(|ends| self.piece(f, ends[0], ends[1])).sum()
    }

    /// ∫_a^b f w dx between two breaks, with x − ℓ = (b − ℓ) uᵏ at an end ℓ where w has a power.
    fn piece(&self, f: &dyn Fn(f64) -> f64, a: f64, b: f64) -> f64 {
        let (ends, powers) = (self.ends(), self.powers());
        // u^{kp − 1} is best a polynomial, whatever rounding makes of 4/p
        let stretch = |power: f64| if power.fract() == 0.0 { 1 } else { (4.0 / power - 1e-9).ceil().max(1.0) as i32 };
        let panels = |k: i32| if k > 1 { STRETCHED } else { PANELS };
        let length = b - a;
        if a == ends[0] {
            let k = stretch(powers[0]);
            let jacobian = |u: f64| f64::from(k) * u.powi(k - 1) * length;
            return integrate(
                |u| jacobian(u) * f(a + length * u.powi(k)) * self.weight(a + length * u.powi(k)),
                0.0,
                1.0,
                panels(k),
            );
        }
        if b == ends[1] {
            let k = stretch(powers[1]);
            let jacobian = |u: f64| f64::from(k) * u.powi(k - 1) * length;
            let distance = |u: f64| length * u.powi(k);
            return integrate(
                |u| jacobian(u) * f(b - distance(u)) * self.weight_below_upper(distance(u)),
                0.0,
                1.0,
                panels(k),
            );
        }
        integrate(|x| f(x) * self.weight(x), a, b, PANELS)
    }

    /// E f(x) at rest.
    fn expectation(&self, f: &dyn Fn(f64) -> f64) -> f64 {
        let [lower, upper] = self.ends();
        self.integral(f, lower, upper) / self.integral(&|_| 1.0, lower, upper)
    }

    /// Mean and variance at rest.
    fn moments_at_rest(&self) -> (f64, f64) {
        let mean = self.expectation(&|x| x);
        (mean, self.expectation(&|x| (x - mean) * (x - mean)))
    }

    /// Probabilities of the cells of `grid` under the density w f, normalised over the whole interval.
    fn cell_probability(&self, grid: &Grid, f: &dyn Fn(f64) -> f64) -> Vec<f64> {
        let [lower, upper] = self.ends();
        let total = self.integral(f, lower, upper);
        grid.axes()[0].edges().windows(2).map(|ends| self.integral(f, ends[0], ends[1]) / total).collect()
    }

    /// Probabilities of the cells at rest.
    fn at_rest(&self, grid: &Grid) -> Vec<f64> {
        self.cell_probability(grid, &|_| 1.0)
    }

    /// s(b) − s(a).
    fn scale(&self, a: f64, b: f64) -> f64 {
        let slope = |x: f64| 1.0 / (self.spread(x) * self.weight(x));
        pieces(a, b, self.breaks().into_iter()).windows(2).map(|ends| integrate(slope, ends[0], ends[1], PANELS)).sum()
    }

    /// Mean time of the first passage from x to y.
    fn mean_time(&self, x: f64, y: f64) -> f64 {
        let [lower, upper] = self.ends();
        let behind = |z: f64| match y > x {
            true => self.integral(&|_| 1.0, lower, z),
            false => self.integral(&|_| 1.0, z, upper),
        };
        let slope = |z: f64| behind(z) / (self.spread(z) * self.weight(z));
        let points = pieces(x.min(y), x.max(y), self.breaks().into_iter());
        points.windows(2).map(|ends| integrate(slope, ends[0], ends[1], PANELS)).sum()
    }

    /// What happens from x on the way out of (a, b).
    fn exit(&self, x: f64, [a, b]: [f64; 2]) -> Exit {
        let whole = self.scale(a, b);
        let share = |z: f64| self.scale(a, z) / whole; // q
        let upper = share(x);
        let green = |z: f64, weight: f64| if z < x { weight * (1.0 - upper) } else { upper * (1.0 - weight) };
        let sum = |f: &dyn Fn(f64) -> f64| {
            let integrand = |z: f64| {
                let q = share(z);
                whole * green(z, q) * f(q)
            };
            self.integral(&integrand, a, x) + self.integral(&integrand, x, b)
        };
        Exit { upper, mean_time: sum(&|_| 1.0), mean_time_upper: sum(&|q| q) / upper }
    }
}

/// The way out of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exit {
    /// Probability to leave by the upper end.
    pub upper: f64,
    /// Mean time by either end.
    pub mean_time: f64,
    /// Mean time given that it is the upper end.
    pub mean_time_upper: f64,
}

/// a, the breaks between, b.
fn pieces(a: f64, b: f64, breaks: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut points: Vec<f64> = breaks.filter(|x| *x > a && *x < b).chain([a, b]).collect();
    points.sort_by(f64::total_cmp);
    points.dedup();
    points
}
