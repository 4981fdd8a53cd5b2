//! Drift and A = T·D at the nodes of a lattice, with standard errors, from trajectories.

use super::Trajectories;
use super::fields::{filled, linear};
use super::lag::LineChain;
use super::local_linear::{Fit, regress};
use super::regions::{Region, regions};
use super::stride::one_step;
use crate::Error;
use crate::model::table::{Lattice, SplineAxis};
use crate::numerics::symmetric::{eigen, packed_index, packed_len};

/// Levels of the quantiles that bound the box of the nodes.
const BOX: [f64; 2] = [0.0005, 0.9995];
/// Nodes on each axis in one, two and three variables.
const NODES: [usize; 3] = [121, 41, 17];
/// Bandwidths that are tried, as shares of the box, each half of the one before.
const BANDWIDTHS: [f64; 5] = [0.25, 0.125, 0.0625, 0.03125, 0.015_625];
/// A half bandwidth is taken while it changes the estimates by more than this many standard errors (root mean square).
const CHANGE: f64 = 1.0;

/// The least e^{−λτ} that is told from 0.
const LEAST_LEFT: f64 = 0.02;

/// e^{−x}, x = λτ, of an estimate φ over the time τ between rows, as in a linear law: φ = φ₀ (1 − e^{−x})/x, so that φ(2τ)/φ(τ) = (1 + e^{−x})/2; the ratio is that of
/// all nodes.
fn left(values: &[f64], twice: &[f64], effective: &[f64]) -> f64 {
    let (mut both, mut square) = (0.0, 0.0);
    for ((value, twice), weight) in values.iter().zip(twice).zip(effective) {
        if (value * twice).is_finite() {
            both += weight * value * twice;
            square += weight * value * value;
        }
    }
    (2.0 * both / square - 1.0).clamp(LEAST_LEFT, 0.999)
}

/// (1 − e^{−x})/x.
fn kept(x: f64) -> f64 {
    -(-x).exp_m1() / x
}

/// Errors: regions that no walker was seen to go between, with what each covers.
fn check_crossings(traces: &Trajectories, lattice: &Lattice) -> Result<(), Error> {
    let found = regions(traces, lattice);
    if found.len() <= 1 {
        return Ok(());
    }
    let cover = |region: &Region| {
        let ends: Vec<String> = region.ends.iter().map(|[least, most]| format!("{least:.4} to {most:.4}")).collect();
        let walkers = if region.walkers == 1 { "walker" } else { "walkers" };
        format!("{} ({} {walkers})", ends.join(" × "), region.walkers)
    };
    let covers: Vec<String> = found.iter().take(6).map(cover).collect();
    let what = format!(
        "the traces lie in {} regions with holes between them, which no walker crossed: {}",
        found.len(),
        covers.join("; ")
    );
    Err(Error::invalid(what, "give traces that cross the holes, or the traces of one region alone"))
}

/// Root mean square of the changes that are known.
fn typical(change: &[f64], effective: &[f64]) -> f64 {
    let known = || change.iter().zip(effective).filter(|(change, _)| change.is_finite());
    let square: f64 = known().map(|(change, weight)| weight * change * change).sum();
    (square / known().map(|(_, weight)| weight).sum::<f64>().max(f64::MIN_POSITIVE)).sqrt()
}

/// The place of a row that is not there.
const NOWHERE: [f64; 3] = [f64::NAN; 3];

/// What trajectories say of drift and diffusion.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// The nodes.
    pub lattice: Lattice,
    /// Bandwidth on each axis.
    pub bandwidth: Vec<f64>,
    /// b̂ (d × nodes); NaN where there are too few data.
    pub drift: Vec<f64>,
    /// Its standard errors.
    pub drift_se: Vec<f64>,
    /// Â = T·D̂ (packed × nodes), positive semidefinite; NaN where there are too few data.
    pub diffusion: Vec<f64>,
    /// Standard errors of its entries.
    pub diffusion_se: Vec<f64>,
    /// Effective samples of each node.
    pub effective: Vec<f64>,
    /// Whether drift and A were corrected for rows several steps apart.
    pub corrected: bool,
}

/// Conditional moments over a lag of rows: E[Δ|θ] and Cov[Δ|θ] with their fits.
pub(super) struct Moments {
    pub mean: Fit,
    pub covariance: Fit,
}

/// Conditional moments of displacements over `lag` rows, at the nodes.
pub(super) fn moments(traces: &Trajectories, lattice: &Lattice, bandwidth: &[f64], lag: usize) -> Moments {
    let d = traces.dimension();
    let each = traces.rows() - lag;
    let count = traces.walkers() * each;
    // a displacement needs both its ends: what is nowhere is near no node
    let start = |i: usize| match traces.is_there(i / each, i % each + lag) {
        true => traces.position(i / each, i % each),
        false => &NOWHERE[..d],
    };
    let displacement = |i: usize, out: &mut [f64]| {
        let end = traces.position(i / each, i % each + lag);
        for ((out, end), start) in out.iter_mut().zip(end).zip(start(i)) {
            *out = end - start;
        }
    };
    let mean = regress(lattice, bandwidth, count, d, start, displacement);
    let filled = filled(lattice, d, &mean.values);
    let covariance = regress(lattice, bandwidth, count, packed_len(d), start, |i, out| {
        let mut off = [0.0; 3];
        displacement(i, &mut off[..d]);
        let at = start(i);
        for k in 0..d {
            off[k] -= linear(lattice, &filled[k * lattice.len()..][..lattice.len()], at);
        }
        for (k, l) in (0..d).flat_map(|k| (k..d).map(move |l| (k, l))) {
            out[packed_index(d, k, l)] = off[k] * off[l];
        }
    });
    Moments { mean, covariance }
}

impl Estimate {
    /// Drift and A of trajectories of the variables `names` (d); `bandwidth` is a share of the box, chosen where it is None.
    ///
    /// Rows several steps apart are corrected for (`stride`). Where that fails, the standard errors are widened by what the distance of the rows is seen to do.
    ///
    /// # Errors
    /// Too few data at every node; traces in regions with a hole between them, which nothing says how to cross.
    pub fn new(traces: &Trajectories, names: &[String], bandwidth: Option<f64>) -> Result<Self, Error> {
        let d = traces.dimension();
        let axis = |k: usize| {
            let [lower, upper] = traces.quantiles(k, BOX);
            let n = NODES[d - 1];
            let nodes = (0..n).map(|i| lower + (upper - lower) * i as f64 / (n - 1) as f64);
            SplineAxis::new(&names[k], nodes.collect())
        };
        let lattice = Lattice::new((0..d).map(axis).collect::<Result<_, _>>()?)?;
        check_crossings(traces, &lattice)?;
        let lengths: Vec<f64> = lattice.axes().iter().map(|axis| axis.ends()[1] - axis.ends()[0]).collect();
        let at = |share: f64| {
            let bandwidth: Vec<f64> = lengths.iter().map(|length| share * length).collect();
            let found = moments(traces, &lattice, &bandwidth, 1);
            Self::of(traces, &lattice, bandwidth, &found)
        };
        let mut estimate = at(bandwidth.unwrap_or(BANDWIDTHS[0]));
        if bandwidth.is_none() {
            for share in &BANDWIDTHS[1..] {
                let finer = at(*share);
                if finer.nodes_with_data() < estimate.nodes_with_data() * 9 / 10 || finer.regions() > estimate.regions()
                {
                    break; // what is gained in detail is lost in data
                }
                let change = estimate.change(&finer);
                estimate = finer;
                if change < CHANGE {
                    break;
                }
            }
        }
        if estimate.nodes_with_data() == 0 {
            let what = "the traces are too short: no node has 20 effective samples within the bandwidth";
            return Err(Error::invalid(what, "give longer traces or more walkers, or a larger bandwidth"));
        }
        estimate.check_holes()?;
        if traces.stride() > 1 {
            match estimate.correct(traces) {
                Err(_) if traces.rows() > 2 => estimate.widen(traces),
                corrected => corrected?,
            }
        }
        Ok(estimate)
    }

    fn of(traces: &Trajectories, lattice: &Lattice, bandwidth: Vec<f64>, found: &Moments) -> Self {
        let (d, n, tau) = (traces.dimension(), lattice.len(), traces.interval());
        let scaled = |values: &[f64], by: f64| values.iter().map(|v| v / by).collect::<Vec<f64>>();
        let mut diffusion = scaled(&found.covariance.values, 2.0 * tau);
        for node in 0..n {
            let mut packed = [0.0; 6];
            for c in 0..packed_len(d) {
                packed[c] = diffusion[c * n + node];
            }
            if !packed[0].is_finite() {
                continue;
            }
            let (values, vectors) = eigen(d, &packed[..packed_len(d)]);
            for (k, l) in (0..d).flat_map(|k| (k..d).map(move |l| (k, l))) {
                let entry = (0..d).map(|v| values[v].max(0.0) * vectors[k][v] * vectors[l][v]);
                diffusion[packed_index(d, k, l) * n + node] = entry.sum();
            }
        }
        Self {
            lattice: lattice.clone(),
            bandwidth,
            drift: scaled(&found.mean.values, tau),
            drift_se: scaled(&found.mean.errors, tau),
            diffusion,
            diffusion_se: scaled(&found.covariance.errors, 2.0 * tau),
            effective: found.mean.effective.clone(),
            corrected: false,
        }
    }

    /// Takes drift and A of one step, with their standard errors, for those over a stride. Errors: those of [`one_step`].
    fn correct(&mut self, traces: &Trajectories) -> Result<(), Error> {
        let found = one_step(traces, &self.lattice, &self.filled())?;
        let fields = [
            (&mut self.drift, &found.drift),
            (&mut self.drift_se, &found.drift_se),
            (&mut self.diffusion, &found.diffusion),
            (&mut self.diffusion_se, &found.diffusion_se),
        ];
        for (field, found) in fields {
            for (value, found) in field.iter_mut().zip(found).filter(|(value, _)| value.is_finite()) {
                *value = *found;
            }
        }
        self.corrected = true;
        Ok(())
    }

    /// Adds to the standard errors what rows several steps apart do to drift and A: the error of a linear law with the change that each is seen to have to rows twice
    /// as far apart (`left`). And half the error of a linear law that forgets as fast as any component of the drift is seen to: a small change may be two that cancel.
    pub(super) fn widen(&mut self, traces: &Trajectories) {
        let apart = moments(traces, &self.lattice, &self.bandwidth, 2);
        let (tau, d, n) = (traces.interval(), traces.dimension(), self.lattice.len());
        let steps = 1.0 - 1.0 / traces.stride() as f64;
        let over = |values: &[f64], by: f64| values.iter().map(|moment| moment / by).collect::<Vec<f64>>();
        let (drift, diffusion) = (over(&apart.mean.values, 2.0 * tau), over(&apart.covariance.values, 4.0 * tau));
        let of = |k: usize| k * n..(k + 1) * n;
        let rate = |k: usize| -left(&self.drift[of(k)], &drift[of(k)], &self.effective).ln();
        let fastest = (0..d).map(rate).fold(0.0, f64::max);
        let size = |k: usize| typical(&self.drift[of(k)], &self.effective);
        let least: Vec<f64> = (0..d).map(|k| 0.5 * steps * (1.0 / kept(fastest) - 1.0) * size(k)).collect();
        for k in 0..d {
            let range = of(k);
            let errors = Self::apart(&self.drift[range.clone()], &drift[range.clone()], &self.effective, steps);
            let both = self.drift_se[range].iter_mut().zip(errors);
            both.for_each(|(se, error)| *se = se.hypot(error).hypot(least[k]));
        }
        let share = 0.5 * steps * (1.0 / kept(2.0 * fastest) - 1.0);
        for (k, l) in (0..d).flat_map(|k| (k..d).map(move |l| (k, l))) {
            let range = of(packed_index(d, k, l));
            let errors = Self::apart(&self.diffusion[range.clone()], &diffusion[range.clone()], &self.effective, steps);
            let [first, second] = [k, l].map(|k| &self.diffusion[of(packed_index(d, k, k))]);
            let both = self.diffusion_se[range].iter_mut().zip(errors);
            for ((se, error), (first, second)) in both.zip(first.iter().zip(second)) {
                *se = se.hypot(error).hypot(share * (first * second).sqrt());
            }
        }
    }

    /// The errors of a component at the nodes, from its `values` and those over `twice` the time.
    fn apart(values: &[f64], twice: &[f64], effective: &[f64], steps: f64) -> Vec<f64> {
        let left = left(values, twice, effective);
        // in units of the change: from 1 for short times to 6 where all is forgotten
        let share = steps * 2.0 * (1.0 / kept(-left.ln()) - 1.0) / (1.0 - left);
        let change: Vec<f64> = twice.iter().zip(values).map(|(twice, value)| (twice - value).abs()).collect();
        // a node where the change happens to vanish is not better known than its neighbours
        let typical = typical(&change, effective);
        // where there are too few rows two apart, the value itself is in doubt
        let error = |(value, change): (&f64, &f64)| {
            if change.is_finite() { share * change.hypot(typical) } else { value.abs() }
        };
        values.iter().zip(&change).map(error).collect()
    }

    /// Whether a node has enough data.
    pub fn has_data(&self, node: usize) -> bool {
        self.drift[node].is_finite() && self.diffusion[node].is_finite()
    }

    /// Number of nodes with enough data.
    pub fn nodes_with_data(&self) -> usize {
        (0..self.lattice.len()).filter(|&node| self.has_data(node)).count()
    }

    /// Change to another estimate in units of its standard errors, root mean square over the nodes where both have data.
    fn change(&self, finer: &Self) -> f64 {
        let n = self.lattice.len();
        let pairs =
            [(&self.drift, &finer.drift, &finer.drift_se), (&self.diffusion, &finer.diffusion, &finer.diffusion_se)];
        let (mut sum, mut count) = (0.0, 0);
        for (a, b, se) in pairs {
            for i in 0..a.len() {
                let z = (a[i] - b[i]) / se[i];
                if self.has_data(i % n) && z.is_finite() {
                    sum += z * z;
                    count += 1;
                }
            }
        }
        (sum / f64::from(count.max(1))).sqrt()
    }

    /// The region of each node with data (nodes that share a side); None of the others.
    fn region_of_nodes(&self) -> (Vec<Option<usize>>, usize) {
        let shape = self.lattice.shape();
        let mut region = vec![None; self.lattice.len()];
        let mut regions = 0;
        for start in 0..self.lattice.len() {
            if region[start].is_some() || !self.has_data(start) {
                continue;
            }
            let mut open = vec![start];
            region[start] = Some(regions);
            while let Some(node) = open.pop() {
                let mut stride = self.lattice.len();
                for &n in &shape {
                    stride /= n;
                    let i = node / stride % n;
                    let sides = [(i > 0).then(|| node - stride), (i + 1 < n).then(|| node + stride)];
                    for near in sides.into_iter().flatten().filter(|&near| self.has_data(near)) {
                        if region[near].is_none() {
                            region[near] = Some(regions);
                            open.push(near);
                        }
                    }
                }
            }
            regions += 1;
        }
        (region, regions)
    }

    fn regions(&self) -> usize {
        self.region_of_nodes().1
    }

    /// Errors: nodes with data in more than one region, with what each covers.
    fn check_holes(&self) -> Result<(), Error> {
        let (region, regions) = self.region_of_nodes();
        if regions <= 1 {
            return Ok(());
        }
        let cover = |wanted: usize| {
            let nodes = (0..self.lattice.len()).filter(|&node| region[node] == Some(wanted));
            let positions: Vec<Vec<f64>> = nodes.map(|node| self.lattice.position(node)).collect();
            let ends = (0..self.lattice.dimension()).map(|k| {
                let values = positions.iter().map(|p| p[k]);
                let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
                format!("{least:.4} to {most:.4}")
            });
            ends.collect::<Vec<_>>().join(" × ")
        };
        let covers: Vec<String> = (0..regions.min(6)).map(cover).collect();
        let what = format!(
            "the traces lie in {regions} regions with holes between them, which were not seen crossed often enough: {}",
            covers.join("; ")
        );
        Err(Error::invalid(
            what,
            "give traces that cross the holes, a larger bandwidth, or the traces of one region alone",
        ))
    }

    /// Drift and A at every node: those without data take the values of the nearest node with data.
    pub fn filled(&self) -> (Vec<f64>, Vec<f64>) {
        let d = self.lattice.dimension();
        (filled(&self.lattice, d, &self.drift), filled(&self.lattice, packed_len(d), &self.diffusion))
    }

    /// The chain on one axis with these coefficients; None in more variables.
    pub fn line_chain(&self, step: f64) -> Option<LineChain> {
        let (drift, diffusion) = self.filled();
        (self.lattice.dimension() == 1).then(|| LineChain::new(&self.lattice.axes()[0], &drift, &diffusion, step))
    }
}
