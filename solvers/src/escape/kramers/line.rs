//! Kramers' law on a line: the potential ψ' = −b/(T D) by quadrature, minima and tops where b changes its sign.

use super::pass::{Kramers, PARALLEL, Pass, SHARE, place, share_at_surface};
use crate::escape::passage::Passage;
use crate::numerics::quadrature::GAUSS_4;
use crate::problem::Problem;
use crate::problem::grid::Axis;

/// Halvings of an interval that holds a zero.
const HALVINGS: usize = 70;
/// A curvature that climbs less than this part of the barrier along the whole axis is the rounding of one that vanishes.
const FLAT: f64 = 1e-6;

/// The law on both sides of the minimum. Errors: why there is none.
pub(crate) fn kramers(problem: &Problem, passage: &Passage) -> Result<Kramers, String> {
    let line = Line::new(problem, passage)?;
    let minimum = line.minimum(passage.from[0])?;
    let (mut passes, mut uphill) = (Vec::new(), Vec::new());
    for side in [Side::Right, Side::Left] {
        match line.way(minimum, side) {
            Some(Way::Over(pass)) => passes.push(pass),
            Some(Way::Uphill(height)) => uphill.push(height),
            None => {}
        }
    }
    let lowest = passes.iter().map(|pass| pass.barrier).fold(f64::INFINITY, f64::min);
    if passes.is_empty() || uphill.iter().any(|&height| height < lowest + PARALLEL) {
        let at = place(&[minimum]);
        return Err(match uphill.is_empty() {
            true => format!("no way leads from the minimum {at} to the target"),
            false => format!("no barrier between the minimum {at} and the target: the target begins on the way up"),
        });
    }
    Ok(Kramers { minimum: vec![minimum], passes })
}

/// Which way one goes from the minimum.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn sign(self) -> f64 {
        if self == Self::Right { 1.0 } else { -1.0 }
    }
}

/// How the target is reached on one side.
enum Way {
    Over(Pass),
    /// On the way up, at this height.
    Uphill(f64),
}

/// Nodes at the edges and centres of the cells: position, drift, ψ from the first, whether in the target.
struct Line<'a> {
    problem: &'a Problem,
    passage: &'a Passage,
    axis: &'a Axis,
    at: Vec<f64>,
    drift: Vec<f64>,
    psi: Vec<f64>,
    arrived: Vec<bool>,
    /// T·D where the noise is additive and the drift −∇L: then ψ = L/(T D) holds across kinks and jumps.
    diffusivity: Option<f64>,
}

impl<'a> Line<'a> {
    fn new(problem: &'a Problem, passage: &'a Passage) -> Result<Self, String> {
        let axis = &problem.grid.axes()[0];
        let halves = axis.edges().windows(2).flat_map(|w| [w[0], 0.5 * (w[0] + w[1])]);
        let at: Vec<f64> = halves.chain([axis.upper()]).collect();
        let inside: Vec<f64> = at.windows(2).flat_map(|w| quadrature(w[0], w[1]).map(|(x, _)| x)).collect();
        let (b, d) = drift_diffusion(problem, &inside);
        if let Some(k) = (0..d.len()).find(|&k| d[k].is_nan() || d[k] <= 0.0) {
            return Err(format!("D vanishes at {}", place(&inside[k..=k])));
        }
        let diffusivity = diffusivity(problem, &inside, &d);
        let mut psi = vec![0.0];
        for (k, ends) in at.windows(2).enumerate() {
            let weights = quadrature(ends[0], ends[1]).map(|(_, w)| w);
            let slope = |j: usize| -b[4 * k + j] / (problem.temperature * d[4 * k + j]);
            psi.push(psi[k] + (0..4).map(|j| weights[j] * slope(j)).sum::<f64>());
        }
        if let Some(scale) = diffusivity {
            let loss = loss(problem, &at);
            psi = loss.iter().map(|l| (l - loss[0]) / scale).collect();
        }
        let drift = drift_diffusion(problem, &at).0;
        let arrived = passage.target.contains(&at);
        Ok(Self { problem, passage, axis, at, drift, psi, arrived, diffusivity })
    }

    /// Number of intervals.
    fn intervals(&self) -> usize {
        self.at.len() - 1
    }

    /// The intervals from that of `x` on, to one side; at the end of a periodic axis on from its other end, once round.
    fn walk(&self, x: f64, side: Side) -> impl Iterator<Item = usize> + '_ {
        let n = self.intervals();
        let first = self.interval(x);
        let periodic = self.axis.is_periodic();
        (0..=n).map_while(move |k| match side {
            Side::Right if first + k < n => Some(first + k),
            Side::Right => periodic.then(|| (first + k) % n),
            Side::Left if k <= first => Some(first - k),
            Side::Left => periodic.then(|| (first + n - k % n) % n),
        })
    }

    fn interval(&self, x: f64) -> usize {
        self.at.partition_point(|&node| node <= x).clamp(1, self.intervals()) - 1
    }

    /// The node where one leaves an interval to one side, and the one where one comes in.
    fn end(interval: usize, side: Side) -> usize {
        if side == Side::Right { interval + 1 } else { interval }
    }
    fn start(interval: usize, side: Side) -> usize {
        if side == Side::Right { interval } else { interval + 1 }
    }

    /// The minimum that a start drains to.
    fn minimum(&self, from: f64) -> Result<f64, String> {
        let from = if self.axis.is_periodic() { self.axis.wrap(from) } else { from };
        let here = drift_diffusion(self.problem, &[from]).0[0];
        if here == 0.0 {
            return match self.slope_of_drift(from) < 0.0 {
                true => Ok(from),
                false => Err(format!("the start {} is no minimum, and nothing drives it away", place(&[from]))),
            };
        }
        let side = if here > 0.0 { Side::Right } else { Side::Left };
        for interval in self.walk(from, side) {
            let end = Self::end(interval, side);
            if self.drift[end] * side.sign() <= 0.0 {
                let start = if interval == self.interval(from) { from } else { self.at[Self::start(interval, side)] };
                let minimum = self.zero(start, self.at[end]);
                return match self.passage.target.contains(&[minimum])[0] {
                    true => Err(format!("the start drains to the minimum {} in the target", place(&[minimum]))),
                    false => Ok(minimum),
                };
            }
            if self.arrived[end] {
                return Err("no barrier: the drift carries the start to the target".into());
            }
        }
        Err("the drift carries the start to a wall, not to a minimum".into())
    }

    /// From the minimum to one side: the highest top on the way to the target.
    fn way(&self, minimum: f64, side: Side) -> Option<Way> {
        let (mut height, mut from, mut arrived) = (0.0, minimum, None);
        let mut tops: Vec<(f64, f64)> = Vec::new();
        for (k, interval) in self.walk(minimum, side).enumerate() {
            let end = Self::end(interval, side);
            if k > 0 {
                from = self.at[Self::start(interval, side)];
            }
            // a drift that held back and drives on again: a top (one inside the interval of the minimum is narrower than the grid)
            let rises = k > 0 && self.drift[Self::start(interval, side)] * side.sign() < 0.0;
            if rises && self.drift[end] * side.sign() >= 0.0 {
                let top = self.zero(from, self.at[end]);
                tops.push((top, height + self.rise(from, top)));
            }
            height += self.rise(from, self.at[end]);
            if self.arrived[end] {
                arrived = arrived.or(Some(height));
                // where the way still rises, the top may lie just beyond the surface
                if self.drift[end] * side.sign() >= 0.0 {
                    break;
                }
            }
        }
        let reached = arrived?;
        let passes = tops.into_iter().map(|(top, barrier)| self.pass(minimum, top, barrier));
        let passes: Vec<Pass> = passes.filter(|pass| pass.surface > SHARE).collect();
        let barriers = passes.len();
        match passes.into_iter().max_by(|a, b| a.barrier.total_cmp(&b.barrier)) {
            Some(pass) if pass.barrier >= reached => Some(Way::Over(Pass { barriers, ..pass })),
            _ => Some(Way::Uphill(reached)),
        }
    }

    fn pass(&self, minimum: f64, top: f64, barrier: f64) -> Pass {
        if [minimum, top].iter().any(|&x| self.kink(x).is_some()) {
            return self.pass_with_kinks(minimum, top, barrier);
        }
        let (_, d) = drift_diffusion(self.problem, &[minimum, top]);
        let curvature = [minimum, top].map(|x| self.slope_of_drift(x));
        let time = std::f64::consts::TAU / (-curvature[0] * curvature[1]).sqrt() * (d[1] / d[0]).sqrt();
        let width = (self.problem.temperature * d[1] / curvature[1]).sqrt();
        let surface = share_at_surface(&self.problem.grid, &self.passage.target, &[top], &[1.0], width);
        let least = FLAT * barrier * self.problem.temperature * d[0].max(d[1]);
        let flat = curvature.iter().any(|c| c.abs() * self.axis.length().powi(2) < least);
        let rate = if flat { 0.0 } else { (-barrier).exp() / time };
        Pass { position: vec![top], barrier, rate, barriers: 1, surface }
    }

    /// The same where the minimum, the top or both are kinks: τ = ∫e^{−ψ}/(T D) about the one times ∫e^ψ about the other.
    fn pass_with_kinks(&self, minimum: f64, top: f64, barrier: f64) -> Pass {
        let [well, summit] = [minimum, top].map(|x| self.extent(x));
        let d = drift_diffusion(self.problem, &[minimum]).1[0];
        let rate = (-barrier).exp() * self.problem.temperature * d / (well * summit);
        let width = summit / std::f64::consts::TAU.sqrt();
        let surface = share_at_surface(&self.problem.grid, &self.passage.target, &[top], &[1.0], width);
        Pass { position: vec![top], barrier, rate, barriers: 1, surface }
    }

    /// ∫ e^{−|ψ − ψ(x)|} to both sides of a minimum or a top, with slope and curvature of ψ on either side.
    fn extent(&self, x: f64) -> f64 {
        let d = drift_diffusion(self.problem, &[x]).1[0];
        let scale = self.problem.temperature * d;
        let Some([before, after, step]) = self.kink(x) else {
            return (std::f64::consts::TAU * scale / self.slope_of_drift(x).abs()).sqrt();
        };
        let rising = before.abs().max(after.abs());
        let sides = [(-1.0, before), (1.0, after)].map(|(sign, slope)| {
            let farther = drift_diffusion(self.problem, &[x + sign * step]).0[0];
            // what the slope grows by; a slope that falls off only matters farther out
            let bend = ((farther.abs() - slope.abs()) / step).max(0.0);
            let slope = if slope.abs() < 1e-9 * rising { 0.0 } else { slope.abs() };
            half_extent(slope / scale, bend / scale)
        });
        sides[0] + sides[1]
    }

    /// The drift before and after a kink at x and the step over which it is told from a smooth change; None where there is none.
    fn kink(&self, x: f64) -> Option<[f64; 3]> {
        let cell = self.axis.width(self.axis.locate(x).unwrap_or(0));
        let step = (1e-3 * self.axis.length()).min(0.5 * cell);
        let near = 1e-5 * step;
        let (b, _) = drift_diffusion(self.problem, &[x - step, x - near, x + near, x + step]);
        ((b[2] - b[1]).abs() > 0.1 * (b[3] - b[0]).abs()).then_some([b[1], b[2], step])
    }

    /// ψ(to) − ψ(from) inside one interval.
    fn rise(&self, from: f64, to: f64) -> f64 {
        if let (Ok(i), Ok(j)) = (self.node(from), self.node(to)) {
            return self.psi[j] - self.psi[i];
        }
        if let Some(scale) = self.diffusivity {
            let loss = loss(self.problem, &[from, to]);
            return (loss[1] - loss[0]) / scale;
        }
        let nodes = quadrature(from, to);
        let (b, d) = drift_diffusion(self.problem, &nodes.map(|(x, _)| x));
        (0..4).map(|j| -nodes[j].1 * b[j] / (self.problem.temperature * d[j])).sum()
    }

    fn node(&self, x: f64) -> Result<usize, usize> {
        self.at.binary_search_by(|node| node.total_cmp(&x))
    }

    /// The zero of the drift between two points where it has different signs.
    fn zero(&self, from: f64, to: f64) -> f64 {
        let drift = |x: f64| drift_diffusion(self.problem, &[x]).0[0];
        let (mut low, mut high) = (from, to);
        let after = drift(to);
        if after == 0.0 {
            return to;
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if drift(middle) * after > 0.0 { high = middle } else { low = middle }
        }
        0.5 * (low + high)
    }

    /// b' by central differences of fourth order.
    fn slope_of_drift(&self, x: f64) -> f64 {
        let cell = self.axis.width(self.axis.locate(x).unwrap_or(0));
        let h = (1e-3 * self.axis.length()).min(0.5 * cell);
        let (b, _) = drift_diffusion(self.problem, &[-2.0, -1.0, 1.0, 2.0].map(|k| x + k * h));
        (8.0 * (b[2] - b[1]) - (b[3] - b[0])) / (12.0 * h)
    }
}

/// ∫₀^∞ e^{−(s y + c y²/2)} dy by Simpson's rule; infinite where both vanish.
fn half_extent(slope: f64, curvature: f64) -> f64 {
    const PANELS: usize = 2000;
    let end = (40.0 / slope).min((80.0 / curvature).sqrt());
    if !end.is_finite() {
        return f64::INFINITY;
    }
    let h = end / PANELS as f64;
    let value = |j: usize| {
        let y = j as f64 * h;
        let weight = if j == 0 || j == PANELS {
            1.0
        } else if j % 2 == 1 {
            4.0
        } else {
            2.0
        };
        weight * (-y * (slope + 0.5 * curvature * y)).exp()
    };
    (0..=PANELS).map(value).sum::<f64>() * h / 3.0
}

/// T·D where D is the same at all points and the drift is −∇L.
fn diffusivity(problem: &Problem, points: &[f64], d: &[f64]) -> Option<f64> {
    let (mut potential, mut rest) = (vec![0.0; points.len()], vec![0.0; points.len()]);
    let known = problem.dynamics.potential(points, &mut potential, &mut rest);
    let same = d.iter().all(|x| (x - d[0]).abs() <= 1e-12 * d[0]);
    (known && same && rest.iter().all(|c| *c == 0.0)).then(|| problem.temperature * d[0])
}

fn loss(problem: &Problem, points: &[f64]) -> Vec<f64> {
    let (mut potential, mut rest) = (vec![0.0; points.len()], vec![0.0; points.len()]);
    problem.dynamics.potential(points, &mut potential, &mut rest);
    potential
}

fn quadrature(from: f64, to: f64) -> [(f64, f64); 4] {
    let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
    GAUSS_4.map(|(x, w)| (middle + half * x, half * w))
}

fn drift_diffusion(problem: &Problem, points: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut drift, mut diffusion) = (vec![0.0; points.len()], vec![0.0; points.len()]);
    problem.dynamics.drift_diffusion(points, &mut drift, &mut diffusion);
    (drift, diffusion)
}
