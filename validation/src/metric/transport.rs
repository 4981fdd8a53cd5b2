//! Exact optimal transport between laws gathered in few cells.

use fpsolve_solvers::numerics::random::Stream;

use super::coarse::{Coarse, distance};
use super::{Metric, Pair, Reading, Scaling, spreads};

/// The least ∫ |x − y| over all ways to carry one law into the other.
pub const METRIC: Metric = Metric {
    name: "transport",
    definition: "Wasserstein-1 in all variables at once, exact, of the laws gathered in at most 144, 12² or 6³ cells, in units of the spread \
                 along each axis, conditional on being on the grid; not meaningful on periodic axes, where it is 0",
    reference: "Kantorovich 1942; successive shortest paths: Edmonds & Karp, J. ACM 19, 1972; noise: mean over 32 drawn Gaussian bridges, tail of \
                Borell, Invent. Math. 30, 1975",
    scaling: Scaling::Root,
    quick: false,
    is_quantile: false,
    budget: |pair, g| Some(g * spreads(pair).map(|r| r * r).sum::<f64>().sqrt()),
    read,
};

/// Draws of noise that the floor is the mean of.
const DRAWS: u64 = 32;
/// Probability below which nothing is carried.
const NOTHING: f64 = 1e-13;

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    let most = [144, 12, 6][pair.marginals().len() - 1];
    let Some(coarse) = Coarse::of(pair, most) else {
        return vec![Reading { value: 0.0, noise_floor: 0.0, noise_upper: 0.0 }];
    };
    let value = cost(&coarse.points, &coarse.difference);
    let floor = if coarse.walkers.is_infinite() { 0.0 } else { noise(&coarse) / coarse.walkers.sqrt() };
    vec![Reading { value, noise_floor: floor, noise_upper: coarse.upper(floor, coarse.trace, rate) }]
}

/// Mean cost of √N times the noise of N walkers.
fn noise(coarse: &Coarse) -> f64 {
    let drawn = |draw: u64| {
        let mut stream = Stream::new(0, "transport", draw);
        let raw: Vec<f64> = coarse.law.iter().map(|p| p.max(0.0).sqrt() * stream.normal()).collect();
        let sum: f64 = raw.iter().sum();
        let tied: Vec<f64> = raw.iter().zip(&coarse.law).map(|(x, p)| x - p * sum).collect();
        cost(&coarse.points, &tied)
    };
    (0..DRAWS).map(drawn).sum::<f64>() / DRAWS as f64
}

/// The least cost of carrying what is positive to what is negative.
fn cost(points: &[[f64; 3]], surplus: &[f64]) -> f64 {
    let pick = |sign: f64| (0..points.len()).filter(|&i| sign * surplus[i] > NOTHING).collect::<Vec<_>>();
    let (sources, sinks) = (pick(1.0), pick(-1.0));
    let lengths = sources.iter().flat_map(|&s| sinks.iter().map(move |&t| distance(&points[s], &points[t]))).collect();
    let supply = sources.iter().map(|&s| surplus[s]).collect();
    let demand = sinks.iter().map(|&t| -surplus[t]).collect();
    Plan { flow: vec![0.0; sources.len() * sinks.len()], lengths, supply, demand }.complete()
}

/// A plan that grows along shortest paths: sources are nodes 0.., sinks follow.
struct Plan {
    lengths: Vec<f64>,
    flow: Vec<f64>,
    supply: Vec<f64>,
    demand: Vec<f64>,
}

impl Plan {
    /// Cost of the complete plan.
    fn complete(mut self) -> f64 {
        let (n, m) = (self.supply.len(), self.demand.len());
        let mut potential = vec![0.0; n + m];
        while let Some((sink, far, from)) = self.shortest(&potential) {
            for (node, potential) in potential.iter_mut().enumerate() {
                *potential += f64::min(far[node], far[n + sink]);
            }
            // back along the path: the least that fits, then carried
            let mut path = vec![n + sink];
            while let Some(before) = from[path[path.len() - 1]] {
                path.push(before);
            }
            let source = path[path.len() - 1];
            let mut least = f64::min(self.supply[source], self.demand[sink]);
            for arc in path.windows(2).filter(|arc| arc[0] < n) {
                least = least.min(self.flow[arc[0] * m + arc[1] - n]);
            }
            for arc in path.windows(2) {
                match arc[0] < n {
                    true => self.flow[arc[0] * m + arc[1] - n] -= least,
                    false => self.flow[arc[1] * m + arc[0] - n] += least,
                }
            }
            self.supply[source] -= least;
            self.demand[sink] -= least;
        }
        self.flow.iter().zip(&self.lengths).map(|(flow, length)| flow * length).sum()
    }

    /// The nearest sink that still asks, the reduced distance of each node and the node before it (Dijkstra); None once all is carried.
    fn shortest(&self, potential: &[f64]) -> Option<(usize, Vec<f64>, Vec<Option<usize>>)> {
        let (n, m) = (self.supply.len(), self.demand.len());
        let (mut far, mut from, mut done) = (vec![f64::INFINITY; n + m], vec![None; n + m], vec![false; n + m]);
        for s in (0..n).filter(|&s| self.supply[s] > NOTHING) {
            far[s] = 0.0;
        }
        loop {
            let open = (0..n + m).filter(|&node| !done[node] && far[node].is_finite());
            let node = open.min_by(|&a, &b| far[a].total_cmp(&far[b]))?;
            done[node] = true;
            if node >= n && self.demand[node - n] > NOTHING {
                return Some((node - n, far, from));
            }
            let others = if node < n { n..n + m } else { 0..n };
            for other in others.filter(|&other| !done[other]) {
                let (s, t) = if node < n { (node, other - n) } else { (other, node - n) };
                if node >= n && self.flow[s * m + t] <= NOTHING {
                    continue;
                }
                let length = if node < n { self.lengths[s * m + t] } else { -self.lengths[s * m + t] };
                let way = far[node] + (length + potential[node] - potential[other]).max(0.0);
                if way < far[other] {
                    (far[other], from[other]) = (way, Some(node));
                }
            }
        }
    }
}
