//! The mean time over a saddle in the plane at low temperature, for any drift b and D(θ), by WKB.
//!
//! With H(x, p) = b·p + p·D p the quasi-potential V solves H(x, ∇V) = 0 around an attractor; the way over the saddle s follows
//! ẋ = ∂H/∂p = b + 2Dp, ṗ = −∂H/∂x, its Hessian P = ∇²V the Riccati equation Ṗ = −(H_xx + H_xp P + P H_px + 2 P D P). Then
//!
//! ```text
//! τ ≈ (2π/λ₊) √(|det P_s|/det P_a) e^{V_s/T + ∫F dt},   F = ∇·b + 2(∇·D)·p + tr(D P)
//! ```
//!
//! with the unstable eigenvalue λ₊ of ∇b at the saddle; P at the attractor and at the saddle from J C + C Jᵀ + 2D = 0, P = C⁻¹. Where D is a
//! multiple of the identity and b = −∇L this is Kramers' law; on a line F dt = d ln D. (M. Freidlin & A. Wentzell 2012, doi:10.1007/978-3-642-25847-3;
//! R. Maier & D. Stein 1997, doi:10.1137/S0036139994271753; F. Bouchet & J. Reygner 2016, doi:10.1007/s00023-016-0507-4.)
//!
//! The way is found by shooting: all ways out of the attractor leave on a circle around it, and one of them meets the saddle.

use crate::problem::dynamics::Dynamics;

/// Starting distance from the attractor in units of its distance to the saddle.
const START: f64 = 1e-4;
/// Angles at which ways leave the attractor, at first.
const ANGLES: usize = 96;
/// Steps of a way in units of the fastest rate, and most of them.
const STEP: f64 = 0.02;
const MOST_STEPS: usize = 20_000;
/// Length of differences in units of the distance of attractor and saddle.
const DIFFERENCE: f64 = 1e-3;
/// Distance from the saddle, in units of its distance from the attractor, at which P is followed no further: errors of P grow there as the
/// inverse square of the distance, and what is left of V and ∫F is known to second order.
const END: f64 = 5e-3;
/// Nearest distance to the saddle, in units of its distance from the attractor, above which a way has missed it.
const MISSED: f64 = 1e-2;

type Vector = [f64; 2];
/// Symmetric: xx, xy, yy.
type Symmetric = [f64; 3];

/// The mean time over a saddle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eyring {
    /// V at the saddle, 0 at the attractor.
    pub barrier: f64,
    /// ∫F dt along the way.
    pub correction: f64,
    /// Unstable eigenvalue of ∇b at the saddle.
    pub unstable: f64,
    /// τ.
    pub time: f64,
}

/// The mean time from an attractor to beyond a saddle. Errors, in a sentence: the points are none, noise that vanishes there, no way from
/// one to the other.
pub fn eyring(dynamics: &dyn Dynamics, temperature: f64, attractor: Vector, saddle: Vector) -> Result<Eyring, String> {
    let length = norm(minus(saddle, attractor));
    let field = Field { dynamics, h: DIFFERENCE * length };
    let (ja, js) = (field.jacobian(attractor), field.jacobian(saddle));
    let (ca, cs) = (lyapunov(ja, field.noise(attractor)), lyapunov(js, field.noise(saddle)));
    let (Some(ca), Some(cs)) = (ca, cs) else { return Err("the linear covariance at the points is not unique".into()) };
    let (Some(pa), Some(ps)) = (inverse(ca), inverse(cs)) else {
        return Err("the noise vanishes at one of the points".into());
    };
    if !(pa[0] > 0.0 && determinant(pa) > 0.0) {
        return Err("the first point is no attractor with noise".into());
    }
    let unstable = largest_eigenvalue(js).filter(|rate| *rate > 0.0).ok_or("the second point is no saddle")?;
    let fastest = [ja, js].iter().flatten().flatten().fold(0.0f64, |a, x| a.max(x.abs()));
    let shot = Shot { field: &field, attractor, saddle, pa, length, step: STEP / fastest };
    let angle = shot.aim()?;
    let end = shot.follow(angle, true);
    if end.nearest > MISSED * length {
        return Err("no way out of the attractor meets the saddle".into());
    }
    let y = minus(end.x, saddle);
    let barrier = end.potential - 0.5 * quadratic(ps, y);
    let correction = end.correction + end.last / unstable;
    let ratio = (determinant(ps).abs() / determinant(pa)).sqrt();
    let time = 2.0 * std::f64::consts::PI / unstable * ratio * (barrier / temperature + correction).exp();
    Ok(Eyring { barrier, correction, unstable, time })
}

/// Drift and noise with their differences.
struct Field<'a> {
    dynamics: &'a dyn Dynamics,
    h: f64,
}

impl Field<'_> {
    fn at(&self, x: Vector) -> (Vector, Symmetric) {
        let (mut b, mut d) = ([0.0; 2], [0.0; 3]);
        self.dynamics.drift_diffusion(&x, &mut b, &mut d);
        (b, d)
    }

    fn noise(&self, x: Vector) -> Symmetric {
        self.at(x).1
    }

    /// Values at x ± h along an axis: four points, for differences of fourth order.
    fn around(&self, x: Vector, k: usize) -> [(Vector, Symmetric); 4] {
        [-2.0, -1.0, 1.0, 2.0].map(|s| {
            let mut at = x;
            at[k] += s * self.h;
            self.at(at)
        })
    }

    /// ∂_k of a number.
    fn slope(&self, values: &[(Vector, Symmetric); 4], of: impl Fn(&(Vector, Symmetric)) -> f64) -> f64 {
        let f = values.each_ref().map(of);
        (f[0] - 8.0 * f[1] + 8.0 * f[2] - f[3]) / (12.0 * self.h)
    }

    /// ∂b_i/∂x_k.
    fn jacobian(&self, x: Vector) -> [Vector; 2] {
        let around = [self.around(x, 0), self.around(x, 1)];
        std::array::from_fn(|i| std::array::from_fn(|k| self.slope(&around[k], |value| value.0[i])))
    }

    fn hamiltonian(&self, x: Vector, p: Vector) -> f64 {
        let (b, d) = self.at(x);
        b[0] * p[0] + b[1] * p[1] + quadratic(d, p)
    }

    /// ∂²H/∂x² at fixed p.
    fn curvature(&self, x: Vector, p: Vector) -> Symmetric {
        let h = self.h;
        let at = |a: f64, b: f64| self.hamiltonian([x[0] + a * h, x[1] + b * h], p);
        let along = |f: &dyn Fn(f64) -> f64| {
            (-f(-2.0) + 16.0 * f(-1.0) - 30.0 * f(0.0) + 16.0 * f(1.0) - f(2.0)) / (12.0 * h * h)
        };
        let mixed = (at(1.0, 1.0) - at(1.0, -1.0) - at(-1.0, 1.0) + at(-1.0, -1.0)) / (4.0 * h * h);
        [along(&|s| at(s, 0.0)), mixed, along(&|s| at(0.0, s))]
    }
}

/// A state on a way: x, p, P, V, ∫F.
type State = [f64; 9];

/// Where a way came nearest to the saddle.
struct End {
    x: Vector,
    nearest: f64,
    /// On which side it passed: the product of the way to it and the velocity there.
    side: f64,
    potential: f64,
    correction: f64,
    /// F there.
    last: f64,
}

struct Shot<'a> {
    field: &'a Field<'a>,
    attractor: Vector,
    saddle: Vector,
    pa: Symmetric,
    length: f64,
    step: f64,
}

impl Shot<'_> {
    /// The angle of the way that meets the saddle, with the lowest V where several do.
    fn aim(&self) -> Result<f64, String> {
        let angle = |k: usize| 2.0 * std::f64::consts::PI * k as f64 / ANGLES as f64;
        let sides: Vec<End> = (0..=ANGLES).map(|k| self.follow(angle(k), false)).collect();
        let mut found: Option<(f64, f64)> = None;
        for k in 0..ANGLES {
            let (a, b) = (&sides[k], &sides[k + 1]);
            let sides = a.side * b.side;
            if sides > 0.0 || sides.is_nan() {
                continue;
            }
            let (mut low, mut high) = (angle(k), angle(k + 1));
            for _ in 0..50 {
                let middle = 0.5 * (low + high);
                if self.follow(middle, false).side * a.side > 0.0 { low = middle } else { high = middle }
            }
            let end = self.follow(low, false);
            if end.nearest < MISSED * self.length && found.is_none_or(|(_, lowest)| end.potential < lowest) {
                found = Some((low, end.potential));
            }
        }
        found.map(|(angle, _)| angle).ok_or_else(|| "no way out of the attractor meets the saddle".into())
    }

    /// Follows the way that leaves at an angle to where it is nearest to the saddle, with P and ∫F where they are `whole`.
    fn follow(&self, angle: f64, whole: bool) -> End {
        let (s, c) = angle.sin_cos();
        let r = START * self.length;
        let away = [r * c, r * s];
        let p = product(self.pa, away);
        let [a, b, d] = self.pa;
        let (x, y) = (self.attractor[0] + away[0], self.attractor[1] + away[1]);
        let mut state = [x, y, p[0], p[1], a, b, d, 0.5 * quadratic(self.pa, away), 0.0];
        let distance = |state: &State| norm([state[0] - self.saddle[0], state[1] - self.saddle[1]]);
        let mut best = (distance(&state), state);
        for _ in 0..MOST_STEPS {
            state = self.advanced(&state, whole);
            let now = distance(&state);
            if now < best.0 {
                best = (now, state);
            }
            if whole && now < END * self.length {
                break;
            }
            // it has passed, or gone elsewhere
            let far = norm([state[0] - self.attractor[0], state[1] - self.attractor[1]]);
            if !now.is_finite() || far > 3.0 * self.length || (now > 1.5 * best.0 && best.0 < 0.5 * self.length) {
                break;
            }
        }
        let (nearest, state) = best;
        let rate = self.rate(&state, whole);
        let away = [state[0] - self.saddle[0], state[1] - self.saddle[1]];
        End {
            x: [state[0], state[1]],
            nearest,
            side: away[0] * rate[1] - away[1] * rate[0],
            potential: state[7],
            correction: state[8],
            last: rate[8],
        }
    }

    /// A step of Runge and Kutta.
    fn advanced(&self, state: &State, whole: bool) -> State {
        let h = self.step;
        let plus = |rate: &State, share: f64| -> State { std::array::from_fn(|k| state[k] + share * h * rate[k]) };
        let k1 = self.rate(state, whole);
        let k2 = self.rate(&plus(&k1, 0.5), whole);
        let k3 = self.rate(&plus(&k2, 0.5), whole);
        let k4 = self.rate(&plus(&k3, 1.0), whole);
        std::array::from_fn(|k| state[k] + h / 6.0 * (k1[k] + 2.0 * k2[k] + 2.0 * k3[k] + k4[k]))
    }

    fn rate(&self, state: &State, whole: bool) -> State {
        let (x, p, riccati) = ([state[0], state[1]], [state[2], state[3]], [state[4], state[5], state[6]]);
        let (b, d) = self.field.at(x);
        let noise = product(d, p);
        let velocity = [b[0] + 2.0 * noise[0], b[1] + 2.0 * noise[1]];
        let around = [self.field.around(x, 0), self.field.around(x, 1)];
        let force: Vector = std::array::from_fn(|k| {
            -self.field.slope(&around[k], |(b, d)| b[0] * p[0] + b[1] * p[1] + quadratic(*d, p))
        });
        let mut rate = [0.0; 9];
        rate[..4].copy_from_slice(&[velocity[0], velocity[1], force[0], force[1]]);
        rate[7] = p[0] * velocity[0] + p[1] * velocity[1];
        if !whole {
            return rate;
        }
        // m_ik = ∂²H/∂p_i∂x_k
        let m: [Vector; 2] = std::array::from_fn(|i| {
            std::array::from_fn(|k| self.field.slope(&around[k], |(b, d)| b[i] + 2.0 * product(*d, p)[i]))
        });
        let full = [[riccati[0], riccati[1]], [riccati[1], riccati[2]]];
        let hxx = self.field.curvature(x, p);
        let entry = |i: usize, j: usize| {
            let mp = |i: usize, j: usize| (0..2).map(|k| m[k][i] * full[k][j]).sum::<f64>();
            let pdp: f64 = (0..2).map(|k| full[i][k] * product(d, [full[0][j], full[1][j]])[k]).sum();
            hxx[i + j] + mp(i, j) + mp(j, i) + 2.0 * pdp
        };
        rate[4] = -entry(0, 0);
        rate[5] = -entry(0, 1);
        rate[6] = -entry(1, 1);
        let divergence = self.field.slope(&around[0], |(b, _)| b[0]) + self.field.slope(&around[1], |(b, _)| b[1]);
        let of_noise = [
            self.field.slope(&around[0], |(_, d)| d[0]) + self.field.slope(&around[1], |(_, d)| d[1]),
            self.field.slope(&around[0], |(_, d)| d[1]) + self.field.slope(&around[1], |(_, d)| d[2]),
        ];
        let trace = d[0] * riccati[0] + 2.0 * d[1] * riccati[1] + d[2] * riccati[2];
        rate[8] = divergence + 2.0 * (of_noise[0] * p[0] + of_noise[1] * p[1]) + trace;
        rate
    }
}

fn minus(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1]]
}

fn norm(a: Vector) -> f64 {
    a[0].hypot(a[1])
}

fn product(s: Symmetric, v: Vector) -> Vector {
    [s[0] * v[0] + s[1] * v[1], s[1] * v[0] + s[2] * v[1]]
}

fn quadratic(s: Symmetric, v: Vector) -> f64 {
    let w = product(s, v);
    w[0] * v[0] + w[1] * v[1]
}

fn determinant(s: Symmetric) -> f64 {
    s[0] * s[2] - s[1] * s[1]
}

fn inverse(s: Symmetric) -> Option<Symmetric> {
    let det = determinant(s);
    (det.abs() > 1e-300 && det.is_finite()).then(|| [s[2] / det, -s[1] / det, s[0] / det])
}

/// The largest real eigenvalue of a matrix; None where both are complex.
fn largest_eigenvalue(m: [Vector; 2]) -> Option<f64> {
    let (half, det) = (0.5 * (m[0][0] + m[1][1]), m[0][0] * m[1][1] - m[0][1] * m[1][0]);
    let root = half * half - det;
    (root >= 0.0).then(|| half + root.sqrt())
}

/// C with J C + C Jᵀ + 2D = 0, three equations by Cramer's rule.
fn lyapunov(j: [Vector; 2], d: Symmetric) -> Option<Symmetric> {
    let rows = [
        [2.0 * j[0][0], 2.0 * j[0][1], 0.0],
        [j[1][0], j[0][0] + j[1][1], j[0][1]],
        [0.0, 2.0 * j[1][0], 2.0 * j[1][1]],
    ];
    let det = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = det(rows);
    let with = |k: usize| {
        let mut m = rows;
        (0..3).for_each(|i| m[i][k] = -2.0 * d[i]);
        det(m) / whole
    };
    (whole.abs() > 1e-300).then(|| [with(0), with(1), with(2)])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dynamics::FromFunctions;

    const T: f64 = 0.05;

    /// L = (x² − 1)²/4 + (y − x²/4)², from (−1, ¼) over (0, 0).
    fn slopes(t: &[f64]) -> [f64; 2] {
        let off = t[1] - t[0] * t[0] / 4.0;
        [t[0].powi(3) - t[0] - t[0] * off, 2.0 * off]
    }

    fn over(
        drift: impl Fn(&[f64], &mut [f64]) + Send + Sync + 'static,
        noise: impl Fn(&[f64], &mut [f64]) + Send + Sync + 'static,
    ) -> Eyring {
        eyring(&FromFunctions::new(2, drift, noise), T, [-1.0, 0.25], [0.0, 0.0]).unwrap()
    }

    fn unit(_: &[f64], d: &mut [f64]) {
        d.copy_from_slice(&[1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_gradient_with_isotropic_noise_has_kramers_time() {
        let found = over(|t, b| b.iter_mut().zip(slopes(t)).for_each(|(b, s)| *b = -s), unit);
        // Hessians [[2.5, −1], [−1, 2]]·… at the minimum: L_xx = 2 + ½, L_xy = 1·…; det = 2·2, at the saddle −1·2
        let kramers = 2.0 * std::f64::consts::PI * (2.0f64 / 4.0).sqrt() * (0.25f64 / T).exp();
        assert!((found.barrier - 0.25).abs() < 1e-6, "{found:?}");
        assert!((found.time / kramers - 1.0).abs() < 1e-3, "{found:?} {kramers}");
    }

    #[test]
    fn a_rotation_leaves_the_barrier_and_changes_the_rate_at_the_saddle() {
        let turn = 0.8;
        let found = over(
            move |t, b| {
                let s = slopes(t);
                b.copy_from_slice(&[-s[0] - turn * s[1], -s[1] + turn * s[0]]);
            },
            unit,
        );
        // ∇b at the saddle: [[1, −2ω], [−ω, −2]]
        let unstable = -0.5 + (0.25f64 + 2.0 + 2.0 * turn * turn).sqrt();
        let time = 2.0 * std::f64::consts::PI / unstable * 0.5f64.sqrt() * (0.25f64 / T).exp();
        assert!(
            (found.barrier - 0.25).abs() < 1e-5 && (found.unstable - unstable).abs() < 1e-6,
            "{found:?} {unstable}"
        );
        assert!((found.time / time - 1.0).abs() < 2e-3, "{found:?} {time}");
    }

    #[test]
    fn noise_that_changes_along_the_way_enters_as_on_a_line() {
        let d = |x: f64| 1.0 + 0.4 * x;
        let found = eyring(
            &FromFunctions::new(
                2,
                |t, b| b.copy_from_slice(&[t[0] - t[0].powi(3), -t[1]]),
                move |t, out| out.copy_from_slice(&[d(t[0]), 0.0, 1.0]),
            ),
            T,
            [-1.0, 0.0],
            [0.0, 0.0],
        )
        .unwrap();
        let n = 20_000;
        let barrier: f64 =
            (0..n).map(|i| -1.0 + (i as f64 + 0.5) / n as f64).map(|x: f64| (x.powi(3) - x) / d(x) / n as f64).sum();
        let time = 2.0 * std::f64::consts::PI / 2.0f64.sqrt() * (d(0.0) / d(-1.0)).sqrt() * (barrier / T).exp();
        assert!((found.barrier / barrier - 1.0).abs() < 1e-5, "{found:?} {barrier}");
        assert!((found.time / time - 1.0).abs() < 2e-3, "{found:?} {time}");
    }

    #[test]
    fn points_that_are_none_are_refused() {
        let dynamics = FromFunctions::new(2, |t, b| b.copy_from_slice(&[-t[0], -t[1]]), unit);
        assert!(eyring(&dynamics, T, [0.0, 0.0], [1.0, 0.0]).unwrap_err().contains("saddle"));
    }
}
