//! From what was written to what is meant: a [`Scenario`] becomes a [`Problem`] that is safe to run.

mod dynamics;
mod fields;
pub mod grid;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::WithTable;
use fpsolve_solvers::fokker_planck::bounds::ChosenBounds;
use fpsolve_solvers::formula::Symbols;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::problem::dynamics::{Dynamics, lengths};
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial as Law;
use fpsolve_solvers::problem::{Minibatch, Problem, Replacement};
use fpsolve_validation::verdict::{Expectation, Limit};
use miette::{Report, Result};
use toml::de::DeTable;

use super::dynamics::Drive;
use super::{Scenario, data, initial, model};
use crate::analysis::{Context, Planned};
use crate::engine::sgd::SgdTable;
use crate::engine::{EngineEntry, Options, Representation};
use crate::text::short;
use grid::{Found, Layout};

/// A scenario that is ready to run: the problem, how each engine computes, and what is asked of the result.
#[derive(Clone)]
pub struct Prepared {
    /// Name of the scenario.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// The TOML as run, overrides applied.
    pub text: String,
    /// The problem that all engines share.
    pub problem: Problem,
    /// The data behind the model, where it has any.
    pub data: Option<Arc<Data>>,
    /// The engines that run, in order.
    pub engines: Vec<&'static EngineEntry>,
    /// How the engines compute.
    pub options: Options,
    /// The model of the data as it is, whatever the sampling.
    pub model: Arc<dyn Model>,
    /// `[analysis]`.
    pub analyses: Vec<Planned>,
    /// Limits of `[compare]`.
    pub compare: Vec<Limit>,
    /// Numbers of `[expect]`.
    pub expect: Vec<Expectation>,
    /// File name of the record.
    pub output: PathBuf,
    /// Sentences on what the choices in the scenario mean for the result.
    pub notes: Vec<String>,
    /// How the box was found, where the scenario leaves it to the program.
    pub box_found: Option<ChosenBounds>,
    /// What else of the grid was found.
    pub grid_found: Found,
}

impl Scenario {
    /// Builds and checks the problem: reads the data, parses the formulas, evaluates drift and diffusion on every cell.
    ///
    /// Errors point at the key that is responsible: dimensions that disagree, unknown names in formulas, values that are not
    /// finite on the grid, an indefinite D, an initial density off the grid, a batch larger than the data.
    pub fn problem(&self) -> Result<Prepared> {
        let engines = self.engines_to_run()?;
        self.check_dimensions()?;
        let layout = grid::layout(self)?;
        let data = self.samples()?;
        let given = self.given(data.as_deref(), &engines);
        let [plain, model] = self.models(&given)?;
        let (minibatch, temperature) = self.drive(model.sample_count())?;
        self.check_joint(&*model)?;
        if let Layout::Written(grid) = &layout {
            self.check_symmetry(grid)?;
        }
        let on = |lengths: &[f64]| dynamics::build(self, Arc::clone(&model), &given, temperature, lengths);
        let mut notes = self.notes();
        let (grid, box_found) = match layout {
            Layout::Written(grid) => (grid, None),
            Layout::Sought { bounds, cells } => {
                // the box is not known yet: differences are based on how far the start gets at first
                let unconverted = dynamics::unconverted(self, Arc::clone(&model), &given)?;
                let dynamics = on(&grid::lengths_at_start(self, &*unconverted, temperature))?;
                let (grid, found, cut) = grid::find(self, (bounds, &cells), &model, &dynamics, temperature, minibatch)?;
                notes.extend(cut);
                self.check_symmetry(&grid)?;
                (grid, Some(found))
            }
        };
        grid::check_table(self, &grid, &*plain)?;
        let dynamics = on(&lengths(&grid))?;
        let grid = grid::with_noise(self, grid, &*dynamics)?;
        fields::check(self, &grid, &*model, &*dynamics)?;
        let symbols = self.symbols();
        let start = |grid: &Grid| self.initial.build(&initial::Given { source: &self.source, symbols: &symbols, grid });
        let on_grid = |grid: Grid, initial: Law, dynamics: Arc<dyn Dynamics>| Problem {
            variables: self.variable_names(),
            model: Arc::clone(&model),
            dynamics,
            temperature,
            minibatch,
            grid,
            initial,
            times: self.time.at.value.clone(),
            seed: self.seed,
        };
        start(&grid)?;
        let shared: Arc<dyn Dynamics> =
            Arc::new(WithTable::new(Arc::clone(&dynamics), grid.clone(), model.sample_count()));
        let (grid, grid_found) = grid::refined(self, grid, &|grid: Grid| {
            let initial = start(&grid).map_err(|report| Error::invalid(report.to_string(), "write another start"))?;
            Ok(on_grid(grid, initial, Arc::clone(&shared)))
        })?;
        if grid_found.graded.contains(&true) {
            fields::check(self, &grid, &*model, &*dynamics)?;
        }
        if engines.iter().any(|engine| engine.representation == Representation::Density) {
            grid::check_graded(self, &grid, &*dynamics)?;
        }
        let initial = start(&grid)?;
        let dynamics = Arc::new(WithTable::new(dynamics, grid.clone(), model.sample_count()));
        let problem = on_grid(grid, initial, dynamics);
        let analyses = self.analysis.prepare(&mut Context {
            source: &self.source,
            problem: &problem,
            model: &plain,
            kind: &*self.model.kind,
            data: data.as_deref(),
            noise: &self.noise,
            importance: self.dynamics.importance.as_ref().map(|importance| &importance.value),
            parse: &|formula| self.source.parse(formula, &self.symbols()),
            notes: &mut notes,
        })?;
        Ok(Prepared {
            name: self.name.clone(),
            description: self.description.clone(),
            text: self.source.text.clone(),
            options: self.options.clone(),
            model: plain,
            analyses,
            compare: self.compare.clone(),
            expect: self.expect.clone(),
            output: self.output_file(),
            notes,
            box_found,
            grid_found,
            problem,
            data,
            engines,
        })
    }

    /// What the model is built from beside its own keys.
    pub fn given<'a>(&'a self, data: Option<&'a Data>, engines: &'a [&'static EngineEntry]) -> model::Given<'a> {
        let batch_size = self.dynamics.drive.batch_size();
        model::Given { source: &self.source, model: &self.model, data, engines, batch_size }
    }

    /// The model of the data as it is, and the one that is descended: that seen through importance sampling. Errors: those of the kind.
    pub fn models(&self, given: &model::Given) -> Result<[Arc<dyn Model>; 2]> {
        let plain = self.model.kind.build(given)?;
        let sampled = self.dynamics.sampled(&self.source, Arc::clone(&plain))?;
        Ok([plain, sampled])
    }

    /// Sentences on what the choices in the scenario mean for the result.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.dynamics.order.value > 1 {
            notes.push(format!(
                "dynamics.order = {}: the correction is right at fixed times; the stationary variance of order 2 is further \
                 from that of SGD than with order 1",
                self.dynamics.order.value
            ));
        }
        if let Drive::Steps { learning_rate, .. } = &self.dynamics.drive
            && let Ok(rate) = self.effective_rate(learning_rate.value)
            && rate != learning_rate.value
        {
            let shown = short(rate);
            notes.push(format!(
                "sgd.optimizer = \"{}\": descends at the effective rate {} η; one of its steps lasts {shown}, and Fokker-Planck \
                 and Langevin take the overdamped limit, T = {shown}/(2·batch_size)",
                self.options.of::<SgdTable>().options.optimizer,
                short(rate / learning_rate.value),
            ));
        }
        notes.extend(self.model.kind.notes());
        let written = |key: &str| DeTable::parse(&self.source.text).is_ok_and(|root| root.get_ref().contains_key(key));
        if self.engines.is_none() && !self.model.brings().samples() && written("sgd") {
            notes.push(format!(
                "[sgd] is written, but the engine \"sgd\" does not run: it needs a model with samples, and {}",
                self.model.brings().no_samples()
            ));
        }
        if let (Some(rate), Drive::Steps { learning_rate, .. }) =
            (self.options.of::<SgdTable>().options.amplitude_rate, &self.dynamics.drive)
        {
            notes.push(format!(
                "sgd.amplitude_rate: amplitudes descend {} times as fast as slopes; only much faster ones give the noise of \
                 sample_gradient = \"total\"",
                short(rate / learning_rate.value)
            ));
        }
        if self.dynamics.replacement.value == Replacement::Epoch {
            notes.push(
                "dynamics.replacement = \"epoch\": the noise of reshuffled epochs is not white; Fokker-Planck and Langevin \
                 take that of independent batches"
                    .to_string(),
            );
        }
        notes
    }

    /// Names of the variables.
    pub fn variable_names(&self) -> Vec<String> {
        self.model.variable_names()
    }

    /// Names of formulas of θ: variables and parameters.
    pub(crate) fn symbols(&self) -> Symbols {
        self.model.symbols()
    }

    /// The samples; None for a model without data. Errors: those of their origin.
    pub fn samples(&self) -> Result<Option<Arc<Data>>> {
        let Some(written) = &self.model.data else { return Ok(None) };
        let (parameters, span) = (self.model.parameters(), written.span.clone());
        let given = data::Given { source: &self.source, parameters, seed: self.seed, span };
        Ok(Some(Arc::new(written.value.build(&given)?)))
    }

    /// Errors: something with one entry for each variable that has more or fewer.
    fn check_dimensions(&self) -> Result<()> {
        let mut entries = self.grid.value.per_variable();
        entries.extend(self.initial.per_variable());
        entries.extend(self.noise.kind.per_variable());
        let variables = self.variable_names();
        entries.iter().try_for_each(|entry| entry.check(&self.source, &variables))
    }

    /// Errors: a cell of the grid where D as written is not symmetric.
    fn check_symmetry(&self, grid: &Grid) -> Result<()> {
        self.noise.kind.check_symmetry(&self.source, &self.symbols(), grid)
    }

    /// Minibatches, if any, and the temperature. Errors: a batch that the samples do not allow.
    fn drive(&self, samples: usize) -> Result<(Option<Minibatch>, f64)> {
        let (learning_rate, batch_size) = match &self.dynamics.drive {
            Drive::Temperature(temperature) => return Ok((None, temperature.value)),
            Drive::Steps { learning_rate, batch_size } => (learning_rate, batch_size),
        };
        let replacement = self.dynamics.replacement.value;
        if replacement != Replacement::With && samples > 0 && batch_size.value > samples {
            let message =
                format!("a batch of {} samples without replacement cannot be drawn from {samples}", batch_size.value);
            let help = format!("write batch_size = {samples} or less (at most {samples}), or replacement = true");
            return Err(self.source.error(&batch_size.span, message, format!("only {samples} samples"), help));
        }
        let minibatch = Minibatch { learning_rate: learning_rate.value, batch_size: batch_size.value, replacement };
        let effective_rate = self.effective_rate(learning_rate.value)?;
        let temperature = Minibatch { learning_rate: effective_rate, ..minibatch }.temperature(samples);
        if temperature <= 0.0 {
            let message = "a batch of all samples without replacement has no noise: the temperature is 0";
            let help = "write a smaller batch_size: Fokker-Planck and Langevin need noise";
            return Err(self.source.error(&batch_size.span, message, "the whole data set", help));
        }
        Ok((Some(minibatch), temperature))
    }

    /// Errors: joint descent on amplitudes that the model does not solve for, or with an optimizer that takes no single batch.
    fn check_joint(&self, model: &dyn Model) -> Result<()> {
        let sgd = self.options.of::<SgdTable>();
        let Some(rate) = &sgd.amplitude_rate else { return Ok(()) };
        sgd.options.check_joint(model).map_err(|error| self.solver_error(rate, "joint descent", &error))
    }

    /// Rate of descent of the optimizer: η, for the heavy ball η/(1 − μ). Errors: a parameter of the optimizer out of range.
    fn effective_rate(&self, learning_rate: f64) -> Result<f64> {
        let sgd = self.options.of::<SgdTable>();
        let optimizer = sgd.options.build();
        let optimizer = optimizer.map_err(|error| self.solver_error(&sgd.optimizer, "this optimizer", &error))?;
        Ok(optimizer.effective_rate(learning_rate))
    }

    /// An error of the solvers, at the place that is responsible.
    pub(crate) fn solver_error(&self, span: &Range<usize>, label: &str, error: &fpsolve_solvers::Error) -> Report {
        self.source.solver_error(span, label, error)
    }
}
