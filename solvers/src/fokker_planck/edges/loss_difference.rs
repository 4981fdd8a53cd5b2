//! Exponents of edges from differences of the potential: right across kinks and jumps, where a quadrature of the drift is not.
//!
//! With b = −∇U + c the exponent of an edge is p = −∫(1/a) dU + ∫c/a dx. The first is a Stieltjes integral of values of U, the exact
//! −(U(y) − U(x))/a where a is constant. U is looked at on a finer scale than the edge, within a bound on the number of values:
//! V(s) = −p along the edge then also gives the conductance 1/∫eⱽ of an edge that hides a barrier, and the mean of e^{−V} over the halves
//! of the two cells (see [`super::cell_weight`]).

/// Values of U along an edge, at most.
const FINEST: usize = 64;
/// Values of U on one grid, at most.
const VALUES: usize = 1 << 21;
/// |V − W| beyond which the conductance of an edge is taken from V alone.
const BUMP: f64 = 0.25;
/// Height above (below) both ends, in units of T, from which a barrier (a well) inside an edge is named.
const NAMED: f64 = 0.5;
/// Ratio of a within one edge beyond which 1/a is not interpolated.
const STEEP: f64 = 2.0;
/// Change of the slope of V from point to point over the usual one from which it counts as a kink.
const SMOOTH: f64 = 8.0;
/// Change of V from point to point from which the trapezoidal rule is left.
const COARSE: f64 = 4.0;
/// Rounding of U over a beyond which nothing finer than the exponent is read from it.
const NOISE: f64 = 1e-10;

/// Intervals into which each of `edges` edges is divided, where one value of U costs `cost`: a power of two.
pub fn intervals(edges: usize, cost: usize) -> usize {
    let affordable = VALUES / (edges * cost).max(1);
    let mut n = 2;
    while 2 * n <= affordable.min(FINEST) {
        n *= 2;
    }
    n
}

/// What the potential says of one edge; all exponents with the sign of p.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// V(s) at n + 1 equally distant points, V(0) = 0.
    v: Vec<f64>,
    /// 1/a at both ends and in the middle.
    inverse: [f64; 3],
    /// Rounding errors of V.
    noise: f64,
}

/// Something of the potential between two cell centres that neither the drift nor the values at the centres show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hidden {
    /// What.
    pub kind: Kind,
    /// Fraction of the edge where it is.
    pub at: f64,
    /// Its height or depth over T.
    pub size: f64,
    /// Whether the values along the edge are too few to know its shape.
    pub coarse: bool,
}

/// Kinds of [`Hidden`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The loss differs between the ends by another amount than the drift says.
    Jump,
    /// The loss is higher than at both ends.
    Barrier,
    /// The loss is lower than at both ends.
    Well,
}

impl Line {
    /// From U at n + 1 points of an edge (n even), 1/a at its ends and in the middle, and ∫c/a along the edge.
    ///
    /// None where U is not finite, or a changes too much within the edge for its interpolation.
    pub fn new(u: &[f64], inverse: [f64; 3], rest: f64) -> Option<Self> {
        let n = u.len() - 1;
        let [first, middle, last] = inverse;
        let (low, high) = (first.min(middle).min(last), first.max(middle).max(last));
        if !(low > 0.0 && high <= STEEP * low && rest.is_finite() && u.iter().all(|u| u.is_finite())) {
            return None;
        }
        let noise = 4.0 * f64::EPSILON * u.iter().fold(0.0f64, |most, u| most.max(u.abs())) * high;
        let mut v: Vec<f64> = u.iter().map(|x| (x - u[0]) * first).collect();
        if high > low {
            let at = |j: usize| interpolated(inverse, j as f64 / n as f64);
            let sum = |by: usize| -> f64 {
                (0..n).step_by(by).map(|j| 0.5 * (at(j) + at(j + by)) * (u[j + by] - u[j])).sum()
            };
            let correction = (sum(1) - sum(2)) / 3.0;
            for j in 0..n {
                v[j + 1] = v[j] + 0.5 * (at(j) + at(j + 1)) * (u[j + 1] - u[j]);
            }
            v.iter_mut().enumerate().for_each(|(j, v)| *v += correction * j as f64 / n as f64);
        }
        v.iter_mut().enumerate().for_each(|(j, v)| *v -= rest * j as f64 / n as f64);
        Some(Self { v, inverse, noise })
    }

    fn n(&self) -> usize {
        self.v.len() - 1
    }

    /// ∫(b/a) dx: that of the potential, but `quadrature` where the two differ by rounding only.
    pub fn integral(&self, quadrature: f64) -> f64 {
        let own = -self.v[self.n()];
        if (own - quadrature).abs() <= self.noise { quadrature } else { own }
    }

    /// V'' along the edge with the sign of the bend of [`rates`](super::weight::rates); None where it is rounding.
    pub fn bend(&self) -> Option<f64> {
        let n = self.n();
        (self.noise < NOISE).then(|| -4.0 * (self.v[n] - 2.0 * self.v[n / 2]))
    }

    /// V(s) less the parabola through V(0), V(½) and V(1), at the points of the edge.
    fn beyond(&self) -> impl Iterator<Item = f64> + '_ {
        let n = self.n();
        let (middle, end) = (self.v[n / 2], self.v[n]);
        self.v.iter().enumerate().map(move |(j, v)| {
            let s = j as f64 / n as f64;
            v - s * (4.0 * middle - end + s * (2.0 * end - 4.0 * middle))
        })
    }

    /// V(s) less the cubic through the values and slopes at both ends.
    fn beyond_ends(&self) -> impl Iterator<Item = f64> + '_ {
        let n = self.n();
        // one-sided differences of second order, so that a parabola is left with nothing
        let first = 0.5 * n as f64 * (4.0 * self.v[1] - self.v[2]);
        let last = 0.5 * n as f64 * (3.0 * self.v[n] - 4.0 * self.v[n - 1] + self.v[n - 2]);
        let end = self.v[n];
        self.v.iter().enumerate().map(move |(j, v)| {
            let s = j as f64 / n as f64;
            let (two, three) = (3.0 * end - 2.0 * first - last, first + last - 2.0 * end);
            v - s * (first + s * (two + s * three))
        })
    }

    /// How the conductance differs from that of the parabola: a factor, or the whole of it in units of the weight.
    pub fn conductance(&self) -> Conductance {
        let most = self.beyond().fold(0.0f64, |most, x| most.max(x.abs()));
        if self.noise >= NOISE || most == 0.0 {
            return Conductance::Factor(1.0);
        }
        let n = self.n() as f64;
        if most <= BUMP {
            return Conductance::Factor((-self.beyond().sum::<f64>() / n).exp()); // 0 at both ends
        }
        let top = self.v.iter().copied().fold(f64::MIN, f64::max);
        // where V changes much from point to point the trapezoidal rule would be wrong: a straight line of V takes its place
        let mean: fn(f64, f64) -> f64 =
            if (0..self.n()).all(|j| self.rise(j) < COARSE) { |a, b| 0.5 * (a + b) } else { mean_of_exponential };
        let sum: f64 = self.v.windows(2).map(|v| mean((v[0] - top).exp(), (v[1] - top).exp())).sum();
        Conductance::LogWhole(-(top + (sum / n).ln()))
    }

    /// What the cells at both ends make of the edge; None where the values are too few.
    pub fn means(&self) -> Option<EdgeMeans> {
        let (n, halves) = (self.n(), self.halves()?);
        let mut bends: Vec<f64> = (1..n).map(|j| (self.v[j + 1] - 2.0 * self.v[j] + self.v[j - 1]).abs()).collect();
        bends.sort_by(f64::total_cmp);
        let usual = bends[bends.len() / 2].max(8.0 * self.noise);
        let kinked = bends[bends.len() - 1] > SMOOTH * usual;
        Some(EdgeMeans { halves, slopes: [self.v[1] - self.v[0], self.v[n] - self.v[n - 1]], bend: usual, kinked })
    }

    /// Means of the density relative to its value at the end, over the first and the second half of the edge; None where the values
    /// are too few.
    fn halves(&self) -> Option<[f64; 2]> {
        let n = self.n();
        if n < 8 || self.noise >= NOISE {
            return None;
        }
        let density = |j: usize| (-self.v[j]).exp() * interpolated(self.inverse, j as f64 / n as f64);
        let mean = |from: usize, to: usize| {
            let inner: f64 = (from + 1..to).map(density).sum();
            (inner + 0.5 * (density(from) + density(to))) / (to - from) as f64
        };
        Some([mean(0, n / 2) / density(0), mean(n / 2, n) / density(n)])
    }

    /// What lies between the ends that neither they nor the `quadrature` of the drift show.
    pub fn hidden(&self, quadrature: f64) -> Option<Hidden> {
        let n = self.n();
        let (low, high) = (self.v[n].min(0.0), self.v[n].max(0.0));
        let fraction = |j: usize| j as f64 / n as f64;
        let top = (0..=n).max_by(|&i, &j| self.v[i].total_cmp(&self.v[j]))?;
        let bottom = (0..=n).min_by(|&i, &j| self.v[i].total_cmp(&self.v[j]))?;
        let (height, depth) = (self.v[top] - high, low - self.v[bottom]);
        let named = NAMED.max(1e3 * self.noise);
        if self.beyond_ends().fold(0.0f64, |most, x| most.max(x.abs())) < 0.5 * named {
            return None; // values and slopes at the ends show it all
        }
        if height > named && height >= depth {
            let coarse = self.v.iter().filter(|v| **v > high + 0.5 * height).count() < 3;
            return Some(Hidden { kind: Kind::Barrier, at: fraction(top), size: height, coarse });
        }
        if depth > named {
            let coarse = self.v.iter().filter(|v| **v < low - 0.5 * depth).count() < 3;
            return Some(Hidden { kind: Kind::Well, at: fraction(bottom), size: depth, coarse });
        }
        let jump = self.v[n] + quadrature;
        let steepest = (0..n).max_by(|&i, &j| self.rise(i).total_cmp(&self.rise(j)))?;
        let seen = jump.abs() > named && jump.abs() > 0.1 * quadrature.abs() && self.rise(steepest) > 0.5 * jump.abs();
        seen.then(|| Hidden { kind: Kind::Jump, at: fraction(steepest), size: jump, coarse: false })
    }

    fn rise(&self, j: usize) -> f64 {
        (self.v[j + 1] - self.v[j]).abs()
    }
}

/// What an edge says of the cells at its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgeMeans {
    /// Means of e^{−V} over both halves of the edge, relative to its ends.
    pub halves: [f64; 2],
    /// First and last change of V between neighbouring points of the edge.
    slopes: [f64; 2],
    /// How much such changes usually differ.
    bend: f64,
    /// Whether V has a kink or a jump inside.
    kinked: bool,
}

impl EdgeMeans {
    /// Whether V has a kink in the cell between this edge and the `next` one: in either of them, or where they meet.
    pub fn kinked_up_to(&self, next: &Self) -> bool {
        let turn = (next.slopes[0] - self.slopes[1]).abs();
        self.kinked || next.kinked || turn > SMOOTH * self.bend.max(next.bend)
    }
}

/// What [`Line::conductance`] found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Conductance {
    /// The law of the rates, times this.
    Factor(f64),
    /// −ln ∫₀¹ e^{V(s)} ds.
    LogWhole(f64),
}

/// Mean of an exponential between two of its values.
fn mean_of_exponential(a: f64, b: f64) -> f64 {
    let x = (a / b).ln();
    if x.abs() < 1e-8 || !x.is_finite() { 0.5 * (a + b) } else { b * x.exp_m1() / x }
}

/// The parabola through three values at 0, ½ and 1.
fn interpolated([first, middle, last]: [f64; 3], s: f64) -> f64 {
    first + s * (4.0 * middle - 3.0 * first - last + s * (2.0 * first + 2.0 * last - 4.0 * middle))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(u: impl Fn(f64) -> f64, inverse: [f64; 3]) -> Line {
        let values: Vec<f64> = (0..=64).map(|j| u(f64::from(j) / 64.0)).collect();
        Line::new(&values, inverse, 0.0).unwrap()
    }

    #[test]
    fn a_constant_noise_gives_the_difference() {
        let kink = line(|s| (s - 0.3).abs(), [1.0; 3]);
        assert!((kink.integral(0.0) + 0.4).abs() < 1e-14);
        assert!(kink.hidden(-0.4).is_none());
        // e^{−V} over the halves: V = |s − .3| − .3
        let [first, second] = kink.halves().unwrap();
        let exact = 2.0 * ((0.3f64.exp() - 1.0) + 0.3f64.exp() * (1.0 - (-0.2f64).exp()));
        assert!((first / exact - 1.0).abs() < 3e-4, "{first} {exact}");
        assert!((second / (2.0 * (0.5f64.exp() - 1.0)) - 1.0).abs() < 3e-4, "{second}");
        let Conductance::Factor(factor) = kink.conductance() else { panic!() };
        assert!((factor - 1.0).abs() < 0.1 && factor != 1.0);
    }

    #[test]
    fn a_changing_noise_is_integrated_to_fourth_order() {
        // ∫ (1 + s²/4) d(s³) = 1 + 3/20
        let bent = line(|s| s.powi(3), [1.0, 1.0625, 1.25]);
        assert!((bent.integral(0.0) + 1.15).abs() < 1e-7, "{}", bent.integral(0.0));
        assert!(Line::new(&[0.0, 1.0, 2.0], [1.0, 3.0, 9.0], 0.0).is_none());
    }

    #[test]
    fn what_lies_between_the_ends_is_named() {
        let barrier = line(|s| 5.0 * (-(s - 0.25f64).powi(2) / 0.005).exp(), [1.0; 3]);
        let found = barrier.hidden(0.0).unwrap();
        assert_eq!((found.kind, found.at, found.coarse), (Kind::Barrier, 0.25, false));
        let Conductance::LogWhole(log) = barrier.conductance() else { panic!() };
        let exact = (0..10_000).map(|i| 5.0 * (-(f64::from(i) / 1e4 - 0.25).powi(2) / 0.005).exp());
        assert!((log + (exact.map(f64::exp).sum::<f64>() / 1e4).ln()).abs() < 1e-3, "{log}");
        let jump = line(|s| if s > 0.7 { 50.0 } else { 0.0 }, [1.0; 3]).hidden(0.0).unwrap();
        assert_eq!(jump.kind, Kind::Jump);
        assert!((jump.at - 0.7).abs() < 0.02 && (jump.size - 50.0).abs() < 1e-9);
        assert!(line(|s| -9.0 * (s * 3.1).sin(), [1.0; 3]).hidden(0.0).is_some_and(|found| found.kind == Kind::Well));
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        assert_eq!(
            (intervals(300, 1), intervals(131_072, 1), intervals(400, 100), intervals(1 << 24, 1)),
            (64, 16, 32, 2)
        );
    }
}
