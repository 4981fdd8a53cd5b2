//! The engine: the law of minibatch descent of a problem, advanced from output time to output time, with its errors.

use std::sync::Arc;

use super::assignment::{LEAST_VARIANCE, Rows};
use super::averages::to_cells;
use super::level::Level;
use super::modes::slow_modes;
use super::options::TransferOperatorOptions;
use super::samples::{Draws, Rule, Samples, Step};
use super::solve::Killed;
use crate::Error;
use crate::engine::{
    Attribute, Engine, Interrupt, OnGrid, RefinedMoments, RefinedSpectrum, Snapshot, Spectrum, Stationary,
};
use crate::escape::on_grid::{AtStart, GridPassage};
use crate::escape::passage::{Passage, Target};
use crate::fokker_planck::quasi_stationary::{Basin, QuasiStationary};
use crate::model::SampleModel;
use crate::problem::density::moments;
use crate::problem::grid::{Boundary, Grid};
use crate::problem::{Problem, Replacement};

/// Name of the group in a record.
pub const NAME: &str = "transfer_operator";
/// Error on the grid 2h over that on h: between the orders 2 and 4 of what the rows promise.
const GROWTH: f64 = 8.0;
/// The same for passage times, which are second order.
const GROWTH_OF_PASSAGES: f64 = 4.0;
/// Probability that may leave the box before it is told.
const CLAMPED: f64 = 1e-8;
/// Share of the probability on nodes with too short steps above which the grid is refused.
const UNRESOLVED: f64 = 0.5;

/// The samples of a model as the operator sees them.
struct ModelSamples(Arc<dyn SampleModel>);

impl Samples for ModelSamples {
    fn count(&self) -> usize {
        self.0.samples()
    }
    fn dimension(&self) -> usize {
        self.0.dimension()
    }
    fn gradients(&self, points: &[f64], gradients: &mut [f64]) {
        self.0.sample_gradients(points, gradients);
    }
    fn probabilities(&self, points: &[f64], probabilities: &mut [f64]) -> bool {
        let weighted = !self.0.uniform_sampling();
        if weighted {
            self.0.sampling_probabilities(points, probabilities);
        }
        weighted
    }
}

/// The law of minibatch descent on the cell centres of a grid of one axis.
pub struct TransferOperator {
    problem: Problem,
    options: TransferOperatorOptions,
    samples: ModelSamples,
    step: Step,
    fine: Level,
    coarse: Option<Level>,
    /// The operator with fitted rows, for passages, and the same on the coarse grid.
    fitted: Option<Level>,
    fitted_coarse: Option<Level>,
    stationary: Option<Stationary>,
    stationary_nodes: Vec<f64>,
    class_probability: Vec<f64>,
    error_grid: Option<f64>,
    clamped: f64,
    warnings: Vec<String>,
}

impl TransferOperator {
    /// Builds the operator and its invariant laws.
    ///
    /// Errors: epoch sampling (no chain in θ), a model without samples, no learning rate, more than one axis, a graded or periodic
    /// axis or an absorbing wall, too many entries (with the grid that fits), a grid on which a step covers fewer than 0.55 cells
    /// (with the cells needed), [`Error::Interrupted`].
    pub fn new(problem: &Problem, options: TransferOperatorOptions, interrupt: Interrupt) -> Result<Self, Error> {
        let (samples, step) = chain_of(problem, &options)?;
        check_grid(&problem.grid)?;
        check_entries(&problem.grid, &samples, &step, options.max_entries)?;
        let level = |grid: &Grid, rows| Level::new(grid, &samples, &step, rows, &problem.initial, interrupt);
        let fine = level(&problem.grid, options.rows)?;
        let coarse = match problem.grid.coarsened().filter(|_| options.error_estimate) {
            Some(grid) => Some(level(&grid, options.rows)?),
            None => None,
        };
        let plain = !matches!(step.rule, Rule::Momentum { .. });
        let fitted =
            if plain && options.rows != Rows::Fitted { Some(level(&problem.grid, Rows::Fitted)?) } else { None };
        let fitted_coarse = match (&fitted, &coarse) {
            (Some(_), Some(coarse)) => Some(level(&coarse.grid, Rows::Fitted)?),
            _ => None,
        };
        let mut engine = Self {
            problem: problem.clone(),
            step,
            fine,
            coarse,
            fitted,
            fitted_coarse,
            stationary: None,
            stationary_nodes: Vec::new(),
            class_probability: Vec::new(),
            error_grid: None,
            clamped: 0.0,
            warnings: Vec::new(),
            samples,
            options,
        };
        if engine.options.stationary {
            engine.find_stationary(interrupt)?;
        }
        engine.check_resolution()?;
        engine.look();
        Ok(engine)
    }

    fn find_stationary(&mut self, interrupt: Interrupt) -> Result<(), Error> {
        let (mut laws, shares) = self.fine.invariant(interrupt)?;
        self.class_probability = shares;
        if laws.len() != 1 {
            let list: Vec<String> = self.class_probability.iter().map(|p| format!("{p:.4}")).collect();
            self.warnings.push(format!(
                "minibatch noise cannot cross between {} sets of θ: there are as many invariant laws, reached with the \
                 probabilities {}; the SDE has one",
                laws.len(),
                list.join(", ")
            ));
            return Ok(());
        }
        let nodes = laws.remove(0);
        let mut found = stationary(&self.fine.grid, &nodes, self.problem.temperature, &self.fine);
        if let Some(coarse) = &self.coarse
            && let Ok((laws, _)) = coarse.invariant(interrupt)
            && let [law] = &laws[..]
        {
            let cells = to_cells(law, coarse.grid.shape());
            found.error_grid = Some(difference(&self.fine.grid, &found.probability, &cells));
            found.refined = Some(refined(moments(&self.fine.grid, &nodes), moments(&coarse.grid, law)));
        }
        self.stationary = Some(found);
        self.stationary_nodes = nodes;
        Ok(())
    }

    /// Refuses a grid on which most of the probability takes steps too short for it.
    fn check_resolution(&self) -> Result<(), Error> {
        let cells = &self.fine.operator.step_cells;
        let short = |c: f64| c * c < LEAST_VARIANCE;
        let share = if self.stationary_nodes.len() == cells.len() {
            self.stationary_nodes.iter().zip(cells).filter(|(_, c)| short(**c)).map(|(p, _)| p).sum()
        } else {
            self.fine.unresolved()
        };
        if share <= UNRESOLVED {
            return Ok(());
        }
        let weights = if self.stationary_nodes.len() == cells.len() { &self.stationary_nodes } else { return Ok(()) };
        let typical: f64 = weights.iter().zip(cells).map(|(p, c)| p * c).sum();
        if typical <= 0.0 {
            return Err(Error::invalid(
                "the steps of this descent have no noise, so that no grid can hold their law",
                "use smaller batches, or leave this engine out",
            ));
        }
        let needed = (self.fine.nodes.count as f64 * LEAST_VARIANCE.sqrt() / typical).ceil();
        Err(Error::invalid(
            format!("a step has a standard deviation of {typical:.2} cells where the law is, fewer than 0.55"),
            format!("use at least {needed} cells, better {}", 4.0 * needed),
        ))
    }

    fn look(&mut self) {
        self.clamped = self.clamped.max(self.fine.clamped_now());
        if let Some(coarse) = &self.coarse
            && self.fine.start().is_none()
        {
            let error = difference(&self.fine.grid, &self.fine.at_cells(), &coarse.at_cells());
            self.error_grid = Some(self.error_grid.map_or(error, |worst| worst.max(error)));
        }
    }

    /// Third central moment of the stationary law, where it is unique.
    pub fn stationary_third_moment(&self) -> Option<f64> {
        let mean = self.stationary.as_ref()?.mean[0];
        let cube = |(j, p): (usize, &f64)| p * (self.fine.nodes.at(j) - mean).powi(3);
        Some(self.stationary_nodes.iter().enumerate().map(cube).sum())
    }

    /// Probabilities to end in each closed class, from the initial law.
    pub fn class_probability(&self) -> &[f64] {
        &self.class_probability
    }

    fn for_passages(&self) -> Result<(&Level, Option<&Level>), Error> {
        if matches!(self.step.rule, Rule::Momentum { .. }) {
            return Err(Error::invalid(
                "first passages of the chain on pairs (momentum) are not computed",
                "ask the sgd engine for them, or take the optimizer sgd",
            ));
        }
        Ok(match &self.fitted {
            Some(fitted) => (fitted, self.fitted_coarse.as_ref()),
            None => (&self.fine, self.coarse.as_ref()),
        })
    }

    /// τ over the nodes (time), τ and the committor from a point.
    fn passage_on(&self, level: &Level, passage: &Passage, interrupt: Interrupt) -> Result<Found, Error> {
        let shares = level.shares(&passage.target);
        let start = level.first_step(&self.samples, Rows::Moments, passage.from[0]);
        let killed = Killed::new(&level.operator.matrix, &shares, interrupt)?;
        let steps = killed.mean_steps();
        let mean: f64 = 1.0
            + start
                .iter()
                .zip(&steps)
                .zip(&shares)
                .filter(|((p, _), s)| **p > 0.0 && **s < 1.0)
                .map(|((p, t), s)| p * t * (1.0 - s))
                .sum::<f64>();
        let step = self.step.time();
        let committor = match &passage.avoid {
            Some(avoid) => Some(self.committor(level, &shares, avoid, &start, interrupt)?),
            None => None,
        };
        let alive: Vec<f64> = start.iter().zip(&shares).map(|(p, s)| p * (1.0 - s)).collect();
        let numbers: Vec<u64> = self.problem.times.iter().map(|t| (t / step).round() as u64).collect();
        let after: Vec<u64> = numbers.iter().map(|k| k.saturating_sub(1)).collect();
        let mut survival = killed.survival(&alive, &after, interrupt)?;
        survival.iter_mut().zip(&numbers).filter(|(_, k)| **k == 0).for_each(|(s, _)| *s = 1.0);
        Ok(Found { mean_time: steps.iter().map(|t| t * step).collect(), from: mean * step, committor, survival })
    }

    fn committor(
        &self,
        level: &Level,
        shares: &[f64],
        avoid: &Target,
        start: &[f64],
        interrupt: Interrupt,
    ) -> Result<(Vec<f64>, f64), Error> {
        let both: Vec<f64> = level.shares(avoid).iter().zip(shares).map(|(a, b)| (a + b).min(1.0)).collect();
        let q = Killed::new(&level.operator.matrix, &both, interrupt)?.committor(shares);
        let reach = |i: usize| shares[i] + (1.0 - both[i]) * if both[i] < 1.0 { q[i] } else { 0.0 };
        let from = start.iter().enumerate().map(|(i, p)| p * reach(i)).sum();
        Ok((q, from))
    }
}

struct Found {
    mean_time: Vec<f64>,
    from: f64,
    committor: Option<(Vec<f64>, f64)>,
    survival: Vec<f64>,
}

/// The samples and the step of a problem. Errors: see [`TransferOperator::new`].
fn chain_of(problem: &Problem, options: &TransferOperatorOptions) -> Result<(ModelSamples, Step), Error> {
    let model = Arc::clone(&problem.model).shared_data().ok_or_else(|| {
        Error::invalid(
            "the law of minibatch descent needs per-sample gradients, and the model has no samples",
            "give a model with data, or leave this engine out",
        )
    })?;
    let minibatch = problem.minibatch.ok_or_else(|| {
        Error::invalid(
            "the law of minibatch descent needs a learning rate and a batch size, not a temperature alone",
            "give both, or leave this engine out",
        )
    })?;
    let draws = match minibatch.replacement {
        Replacement::With => Draws::WithReplacement,
        Replacement::Without => Draws::WithoutReplacement,
        Replacement::Epoch => {
            return Err(Error::invalid(
                "reshuffled epochs are no Markov chain in θ: what is drawn depends on what the epoch has drawn before",
                "draw with or without replacement, or leave this engine out",
            ));
        }
    };
    let step =
        Step { learning_rate: minibatch.learning_rate, batch_size: minibatch.batch_size, draws, rule: options.rule };
    step.check(model.samples())?;
    if draws == Draws::WithoutReplacement && !model.uniform_sampling() {
        return Err(Error::invalid("importance sampling draws with replacement", "draw with replacement"));
    }
    Ok((ModelSamples(model), step))
}

fn check_grid(grid: &Grid) -> Result<(), Error> {
    let refuse = |what: &str, help: &str| Err(Error::invalid(what, help));
    if grid.dimension() != 1 {
        return refuse("the transfer operator runs on one axis", "leave this engine out in more dimensions");
    }
    let axis = &grid.axes()[0];
    if !axis.is_uniform() {
        return refuse(
            "the transfer operator needs cells of one width",
            "use a uniform axis, or leave this engine out",
        );
    }
    if axis.boundary() != [Boundary::Reflecting; 2] {
        return refuse(
            "descent knows no periodic or absorbing walls: what leaves the box is kept at its end and told",
            "use reflecting walls, or leave this engine out",
        );
    }
    if axis.cells() < 8 {
        return refuse("the transfer operator needs at least 8 cells", "use more cells");
    }
    Ok(())
}

/// Refuses an operator of too many entries before it is built.
fn check_entries(grid: &Grid, samples: &ModelSamples, step: &Step, most: usize) -> Result<(), Error> {
    const LOOKED_AT: usize = 33;
    let (axis, m) = (&grid.axes()[0], samples.count());
    let points: Vec<f64> =
        (0..LOOKED_AT).map(|k| axis.lower() + axis.length() * (k as f64 + 0.5) / LOOKED_AT as f64).collect();
    let mut gradients = vec![0.0; m * LOOKED_AT];
    samples.gradients(&points, &mut gradients);
    let b = step.batch_size as f64;
    let width = |i: usize| {
        let g = || gradients.iter().skip(i).step_by(LOOKED_AT);
        let (low, high) = g().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), g| (a.min(*g), b.max(*g)));
        let mean = g().sum::<f64>() / m as f64;
        let deviation = (g().map(|g| (g - mean).powi(2)).sum::<f64>() / m as f64 / b).sqrt();
        let range = (high - low).min(18.0 * deviation + 25.0 * (high - low) / b);
        (step.factor() * range / axis.spacing() + 6.0).min(axis.cells() as f64)
    };
    let mean = (0..LOOKED_AT).map(width).filter(|w| w.is_finite()).sum::<f64>() / LOOKED_AT as f64;
    let pairs = match step.rule {
        Rule::Sgd | Rule::Svag { .. } => 1.0,
        Rule::Momentum { mu } => 2.0 * mean / (1.0 - mu).sqrt() + 1.0,
    };
    let entries = mean * axis.cells() as f64 * pairs;
    if entries <= most as f64 {
        return Ok(());
    }
    let power = if pairs > 1.0 { 1.0 / 3.0 } else { 0.5 };
    let fits = (axis.cells() as f64 * (most as f64 / entries).powf(power)).floor();
    Err(Error::invalid(
        format!("the operator would have about {entries:.1e} entries, more than the limit of {most}"),
        format!("use at most {fits} cells"),
    ))
}

/// Estimated L1 error of cell probabilities from those of the grid of twice the spacing.
fn difference(grid: &Grid, fine: &[f64], coarse: &[f64]) -> f64 {
    let merged = grid.coarsen_probability(fine);
    merged.iter().zip(coarse).map(|(a, b)| (a - b).abs()).sum::<f64>() / (GROWTH - 1.0)
}

/// Moments with the leading error taken off.
fn refined(fine: (Vec<f64>, Vec<f64>), coarse: (Vec<f64>, Vec<f64>)) -> RefinedMoments {
    let better = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + (a - b) / (GROWTH - 1.0)).collect();
    let error = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs() / (GROWTH - 1.0)).collect();
    RefinedMoments {
        mean: better(&fine.0, &coarse.0),
        mean_error: error(&fine.0, &coarse.0),
        covariance: better(&fine.1, &coarse.1),
        covariance_error: error(&fine.1, &coarse.1),
    }
}

fn stationary(grid: &Grid, nodes: &[f64], temperature: f64, level: &Level) -> Stationary {
    let log_probability: Vec<f64> = nodes.iter().map(|p| p.ln()).collect();
    let most = log_probability.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mean, covariance) = moments(grid, nodes);
    let clamped: f64 = if nodes.len() == level.operator.clamped.len() {
        nodes.iter().zip(&level.operator.clamped).map(|(p, c)| p * c).sum()
    } else {
        0.0
    };
    let residual = if nodes.len() == level.operator.matrix.states() {
        let mut next = vec![0.0; nodes.len()];
        level.operator.matrix.forward(nodes, &mut next);
        next.iter().zip(nodes).map(|(a, b)| (a - b).abs()).sum()
    } else {
        0.0
    };
    let mut warnings = Vec::new();
    if clamped > CLAMPED {
        warnings.push(format!(
            "the stationary law leaves the box with the probability {clamped:.1e} a step and is kept at its ends: widen the \
             grid, or take a smaller learning rate (ηλ > 2 leaves every box)"
        ));
    }
    Stationary {
        potential: log_probability.iter().map(|l| temperature * (most - l)).collect(),
        log_probability,
        probability: to_cells(nodes, grid.shape()),
        mean,
        covariance,
        current: vec![0.0; nodes.len()],
        entropy_production: 0.0,
        residual,
        error_grid: None,
        refined: None,
        error_truncation: clamped,
        reversible: false,
        method: "subtraction-free elimination of the chain",
        warnings,
    }
}

impl Engine for TransferOperator {
    fn name(&self) -> &'static str {
        NAME
    }
    fn walkers(&self) -> Option<usize> {
        None
    }
    fn time(&self) -> f64 {
        self.fine.steps as f64 * self.step.time()
    }

    fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        let target = (to / self.step.time()).round().max(0.0) as u64;
        self.fine.advance(&self.samples, self.options.rows, target, interrupt)?;
        if let Some(coarse) = &mut self.coarse {
            coarse.advance(&self.samples, self.options.rows, target, interrupt)?;
        }
        self.look();
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        // node probabilities have the moments of the density itself
        let (mut mean, mut covariance) = moments(&self.fine.grid, &self.fine.at_nodes());
        if let Some(x) = self.fine.start() {
            (mean, covariance) = (vec![x], vec![0.0]);
        }
        Snapshot {
            time: self.time(),
            probability: self.fine.at_cells(),
            mean_se: vec![0.0; mean.len()],
            mean,
            covariance,
            outside: 0.0,
        }
    }

    fn refined_moments(&self) -> Option<RefinedMoments> {
        let coarse = self.coarse.as_ref()?;
        let Snapshot { mean, covariance, .. } = self.snapshot();
        if self.fine.start().is_some() {
            return Some(RefinedMoments { mean, mean_error: vec![0.0], covariance, covariance_error: vec![0.0] });
        }
        Some(refined((mean, covariance), moments(&coarse.grid, &coarse.at_nodes())))
    }

    fn on_grid(&self) -> Option<&dyn OnGrid> {
        Some(self)
    }

    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let most = |values: &[f64]| values.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        let operator = &self.fine.operator;
        let smallest = operator.step_cells.iter().copied().fold(f64::INFINITY, f64::min);
        vec![
            ("rows", Attribute::Text(self.options.rows.word().into())),
            ("step", Attribute::Float(self.step.time())),
            ("entries", Attribute::Integer(operator.matrix.entries() as i64)),
            ("states", Attribute::Integer(operator.matrix.states() as i64)),
            (
                "clamped",
                Attribute::Float(self.clamped.max(self.stationary.as_ref().map_or(0.0, |s| s.error_truncation))),
            ),
            ("variance_excess_max", Attribute::Float(most(&operator.variance_excess))),
            ("step_cells_min", Attribute::Float(smallest)),
            ("error_grid", Attribute::Float(self.error_grid.unwrap_or(f64::NAN))),
            ("classes", Attribute::Integer(self.class_probability.len() as i64)),
            ("steps", Attribute::Integer(self.fine.steps as i64)),
        ]
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        if self.clamped > CLAMPED {
            warnings.push(format!(
                "up to {:.1e} of the probability left the box in one step and was kept at its ends: widen the grid, or take \
                 a smaller learning rate (ηλ > 2 leaves every box)",
                self.clamped
            ));
        }
        let unresolved = self.fine.unresolved();
        if unresolved > 0.01 {
            warnings.push(format!(
                "{:.0} % of the probability is where a step covers fewer than 0.55 cells: the variance there is too large \
                 (variance_excess); use more cells",
                100.0 * unresolved
            ));
        }
        warnings
    }
}

impl OnGrid for TransferOperator {
    fn stationary(&self) -> Option<&Stationary> {
        self.stationary.as_ref()
    }

    fn spectrum(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
        let nodes = self.stationary_nodes.clone();
        if nodes.len() != self.fine.operator.matrix.states() || count == 0 {
            return Err(Error::numerical(
                "the slow modes of the transfer operator",
                "before they were computed",
                "they need a unique invariant law over the nodes of a line",
                "leave the modes out with momentum, or where there are several invariant laws",
            ));
        }
        let mut all = Spectrum {
            real: vec![0.0],
            imaginary: vec![0.0],
            right: vec![vec![1.0; nodes.len()]],
            left: vec![nodes.clone()],
            error: vec![0.0],
            refined: None,
        };
        if count == 1 {
            return Ok(all);
        }
        let modes = slow_modes(&self.fine.operator.matrix, &nodes, count - 1, interrupt)?;
        let scale = 1.0 / self.step.time();
        let rates: Vec<(f64, f64)> = modes.rates().iter().map(|(a, b)| (scale * a, scale * b)).collect();
        all.real.extend(rates.iter().map(|r| r.0));
        all.imaginary.extend(rates.iter().map(|r| r.1));
        all.error.extend(vec![1e-10; rates.len()]);
        all.right.extend(modes.right);
        all.left.extend(modes.left);
        if let Some(coarse) = &self.coarse
            && let Ok((laws, _)) = coarse.invariant(interrupt)
            && let [law] = &laws[..]
            && let Ok(modes) = slow_modes(&coarse.operator.matrix, law, count - 1, interrupt)
        {
            let mut refined = RefinedSpectrum { real: vec![0.0], imaginary: vec![0.0], error: vec![0.0] };
            for (fine, coarse) in rates.iter().zip(modes.rates()) {
                let off = [fine.0 - scale * coarse.0, fine.1 - scale * coarse.1].map(|d| d / (GROWTH - 1.0));
                refined.real.push(fine.0 + off[0]);
                refined.imaginary.push(fine.1 + off[1]);
                refined.error.push(off[0].hypot(off[1]));
            }
            if refined.real.len() == all.real.len() {
                all.refined = Some(refined);
            }
        }
        Ok(all)
    }

    fn first_passage(&self, passage: &Passage, interrupt: Interrupt) -> Result<GridPassage, Error> {
        let (fine, coarse) = self.for_passages()?;
        let found = self.passage_on(fine, passage, interrupt)?;
        let mut answer = GridPassage {
            mean_time: found.mean_time,
            from_value: found.from,
            from_committor: found.committor.as_ref().map(|c| c.1),
            committor: found.committor.map(|c| c.0),
            survival: found.survival,
            error_time: 0.0,
            error_grid: None,
            from_value_extrapolated: None,
            from_committor_error_grid: None,
        };
        if let Some(coarse) = coarse {
            match self.passage_on(coarse, passage, interrupt) {
                Ok(other) => {
                    let there = AtStart { mean_time: Some(other.from), committor: other.committor.map(|c| c.1) };
                    answer.see_coarse(&there, GROWTH_OF_PASSAGES);
                }
                Err(error @ Error::Interrupted { .. }) => return Err(error),
                Err(_) => {} // a target too small for the coarse grid leaves the error unknown
            }
        }
        Ok(answer)
    }

    fn quasi_stationary(&self, basin: &Basin, interrupt: Interrupt) -> Result<QuasiStationary, Error> {
        basin.check(&self.fine.grid)?;
        let (fine, coarse) = self.for_passages()?;
        let on = |level: &Level| {
            let shares = level.shares(&basin.outside);
            let killed = Killed::new(&level.operator.matrix, &shares, interrupt)?;
            let (law, rate) = killed.quasi_stationary(interrupt)?;
            let mut next = vec![0.0; law.len()];
            level.operator.matrix.forward(&law, &mut next);
            let off = |((n, l), s): ((&f64, &f64), &f64)| (n * (1.0 - s) - (1.0 - rate) * l).abs();
            let residual = next.iter().zip(&law).zip(&shares).map(off).sum::<f64>() / rate;
            Ok::<_, Error>((law, -(-rate).ln_1p() / self.step.time(), residual))
        };
        let (probability, rate, residual) = on(fine)?;
        let other = match coarse.map(on) {
            Some(Err(error @ Error::Interrupted { .. })) => return Err(error),
            Some(Ok((_, other, _))) => Some((rate - other).abs() / (GROWTH_OF_PASSAGES - 1.0)),
            Some(Err(_)) | None => None,
        };
        Ok(QuasiStationary { probability, rate, rate_error: other, residual })
    }
}
