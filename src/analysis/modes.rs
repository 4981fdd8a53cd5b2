//! `analysis.eigenpairs`: the slowest relaxation modes of the Fokker–Planck operator; `/spectrum`.

use std::any::Any;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::OnGrid;
use fpsolve_solvers::fokker_planck::spectrum::Spectrum;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::density;
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Failure, Findings, Finished, Planned, Request, Subject};
use crate::reader::{Located, Table};
use crate::record::read::{column, text};
use crate::record::scales::{array, field, index_scale, variable_scales};
use crate::record::{Attribute, Dataset, Group, Record};
use crate::text::{short, with_error};

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "modes",
    key: Some("eigenpairs"),
    about: "number of slowest relaxation modes; /spectrum",
    subject: Subject::Law,
    groups: &["spectrum"],
    read,
    words,
};

/// The slowest relaxation modes.
#[derive(Debug, Clone)]
struct Modes {
    count: Located<usize>,
}

fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let count = table.optional("eigenpairs", |value| Ok(value.count(0..=1000)?.map(|count| count as usize)))?;
    Ok(count.filter(|count| count.value > 0).map(|count| Arc::new(Modes { count }) as Arc<dyn Request>))
}

/// How many modes are asked for.
pub fn count(planned: &[Planned]) -> usize {
    let modes = |planned: &Planned| {
        (planned.analysis.as_ref() as &dyn Any).downcast_ref().map(|modes: &Modes| modes.count.value)
    };
    planned.iter().find_map(modes).unwrap_or(0)
}

impl Request for Modes {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let (count, cells) = (self.count.value, context.problem.grid.len());
        if count > cells {
            let message = format!("{count} modes of {cells} cells cannot be had");
            let help = format!("write at most {cells}, or more cells");
            return Err(context.source.error(&self.count.span, message, "more modes than cells", help));
        }
        Ok(Some(Arc::new(self.clone())))
    }
}

impl Analysis for Modes {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let (law, chain) = (finished.on_grid(), finished.chain());
        if law.is_none() && chain.is_none() {
            return Ok(None);
        }
        (finished.progress)("relaxation modes");
        let of = |law: &dyn OnGrid| law.spectrum(self.count.value, finished.interrupt);
        let mut found = Found { law: law.map(of).transpose()?, chain: None, failures: Vec::new() };
        if let Some((group, chain)) = chain {
            match of(chain) {
                Ok(spectrum) => found.chain = Some((group, spectrum)),
                Err(error) => found.failures.push(Failure { group: group.into(), error }),
            }
        }
        Ok(Some(Box::new(found)))
    }
}

/// The modes of the Fokker–Planck operator, and those of the chain of descent.
struct Found {
    law: Option<Spectrum>,
    chain: Option<(&'static str, Spectrum)>,
    failures: Vec<Failure>,
}

impl Findings for Found {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        self.law.iter().for_each(|spectrum| record.groups.push(group(&problem.grid, spectrum)));
        self.chain.iter().for_each(|(name, spectrum)| add_rates(record.group_mut(name), spectrum));
    }

    fn failures(&self) -> Vec<Failure> {
        self.failures.clone()
    }
}

/// Adds to the group of the chain `eigenvalues_real` and `eigenvalues_imag` (k), −ln λ per unit of time, with their error by the grid.
fn add_rates(group: &mut Group, spectrum: &Spectrum) {
    let k = spectrum.real.len();
    group.datasets.push(index_scale("eigenpair", k, "number of the mode, slowest first"));
    let mut row = |name: &str, values: Vec<f64>, long_name: &str| {
        group.datasets.push(Dataset::float(name, array(&[k], values), &["eigenpair"], "1", long_name));
    };
    row(
        "eigenvalues_real",
        spectrum.real.clone(),
        "relaxation rates of the chain: real parts of −ln λ per unit of time",
    );
    row("eigenvalues_imag", spectrum.imaginary.clone(), "imaginary parts of −ln λ per unit of time");
    let error = spectrum.refined.as_ref().map_or(vec![f64::NAN; k], |refined| refined.error.clone());
    row("eigenvalues_error", error, "estimated error of each eigenvalue by the grid");
}

/// `/spectrum`: the slowest modes of −𝓛, eigenvalues (k) and right and left vectors (k, n…) as functions and densities.
pub fn group(grid: &Grid, spectrum: &Spectrum) -> Group {
    let k = spectrum.real.len();
    let mut group = Group::new("spectrum");
    group.datasets = variable_scales(grid);
    group.datasets.push(index_scale("eigenpair", k, "number of the mode, slowest first"));
    let row = |name: &str, values: &[f64], long_name: &str| {
        Dataset::float(name, array(&[k], values.to_vec()), &["eigenpair"], "1", long_name)
    };
    group.datasets.push(row(
        "eigenvalues_real",
        &spectrum.real,
        "relaxation rates: real parts of the eigenvalues of −𝓛",
    ));
    group.datasets.push(row("eigenvalues_imag", &spectrum.imaginary, "imaginary parts of the eigenvalues of −𝓛"));
    group.datasets.push(row(
        "error",
        &spectrum.error,
        "relative error of each eigenvalue by its residual, not the grid",
    ));
    if let Some(refined) = &spectrum.refined {
        group.datasets.push(row(
            "eigenvalues_real_extrapolated",
            &refined.real,
            "relaxation rates, error of the grid taken off",
        ));
        let long_name = "imaginary parts, error of the grid taken off";
        group.datasets.push(row("eigenvalues_imag_extrapolated", &refined.imaginary, long_name));
        let long_name = "estimated error of each eigenvalue by the grid and its walls";
        group.datasets.push(row("error_grid", &refined.error, long_name));
    } else {
        group.datasets.push(row("error_grid", &vec![f64::NAN; k], "estimated error of each eigenvalue: unknown"));
    }
    group.set("conserved", Attribute::Text(if spectrum.conserved { "yes" } else { "no" }.into()));
    if let Some(law) = spectrum.left.first().filter(|_| !spectrum.conserved) {
        let density = density::from_probability(grid, law);
        let long_name = "quasi-stationary density: what is left between the absorbing walls after long";
        group.datasets.push(field("quasi_stationary_density", grid, &[], density, "1", long_name));
    }
    let right = spectrum.right.concat();
    group.datasets.push(field("right", grid, &[("eigenpair", k)], right, "1", "right vectors: functions"));
    let left = spectrum.left.iter().flat_map(|v| density::from_probability(grid, v)).collect();
    group.datasets.push(field("left", grid, &[("eigenpair", k)], left, "1", "left vectors: densities"));
    group
}

/// The decay rate where probability leaves at absorbing walls; the slowest rate of the chain of descent beside that of the SDE.
fn words(record: &Record) -> Vec<String> {
    let mut lines = decay(record);
    let second = |name: &str, of: &str| column(record.group(name)?, of)?.get(1).copied();
    let chain = &crate::engine::transfer_operator::ENTRY;
    if let Some(rate) = second(chain.group, "eigenvalues_real") {
        let rate = with_error(rate, second(chain.group, "eigenvalues_error").unwrap_or(f64::NAN));
        let sde = second("spectrum", "eigenvalues_real").map_or(String::new(), |rate| {
            let error = second("spectrum", "error_grid").unwrap_or(f64::NAN);
            format!("; of the SDE {}", with_error(rate, error))
        });
        lines.push(format!("slowest rate of the chain of descent: {rate}{sde}"));
    }
    lines
}

fn decay(record: &Record) -> Vec<String> {
    let Some(group) = record.group("spectrum").filter(|group| text(group, "conserved") == Some("no")) else {
        return Vec::new();
    };
    let first = |name: &str| column(group, name).and_then(|values| values.first().copied());
    let Some(rate) = first("eigenvalues_real") else { return Vec::new() };
    let rate = first("error_grid").map_or_else(|| short(rate), |error| with_error(rate, error));
    let words = "what is left between the absorbing walls decays at the rate";
    vec![format!("{words} {rate} (grid)")]
}
