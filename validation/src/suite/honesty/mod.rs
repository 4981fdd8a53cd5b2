//! True error against the error that a run reports, over all references.

mod calibration;

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::fokker_planck::FokkerPlanckOptions;
use fpsolve_solvers::problem::initial::Initial;

use super::solve::{Solved, boxed, chain, edges, line};
use super::{Rows, Setting, Suite};
use crate::reference::line::Line;
use crate::reference::linear::{Law, OrnsteinUhlenbeck};
use crate::reference::manufactured::Equilibrium;
use crate::reference::pushed_forward::{Helix, Sinh, Wave};

/// The suite.
pub(super) static SUITE: Suite = Suite {
    name: "honesty",
    about: "true error over reported error for every reference: histogram, mean, the worst ten; noise floors against noise",
    run,
};

/// True error over the run's own estimate, and its inverse, stay below this.
const HONEST: f64 = 3.0;
/// The geometric mean of the ratios of the quick references and of all, as measured, within a factor of [`MEAN_WITHIN`]: an estimate that is half of what it
/// should be moves it by two.
const MEAN: [f64; 2] = [0.948, 0.983];
const MEAN_WITHIN: f64 = 1.3;
/// Ends of the bins of the histogram.
const BINS: [f64; 7] = [1.0 / 3.0, 0.5, 1.0 / 1.5, 1.0, 1.5, 2.0, 3.0];

struct Ratio {
    what: String,
    error: f64,
    reported: f64,
}

impl Ratio {
    fn ratio(&self) -> f64 {
        self.error / self.reported
    }
}

fn run(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let mut all = Vec::new();
    in_time(setting, &mut all)?;
    at_rest(setting, &mut all)?;
    all.sort_by(|a, b| b.ratio().ln().abs().total_cmp(&a.ratio().ln().abs()));
    let dishonest = all.iter().filter(|r| !(1.0 / HONEST..=HONEST).contains(&r.ratio())).count();
    rows.near(
        format!("references, of {}, whose error is not within 3 of the reported one", all.len()),
        dishonest as f64,
        0.0,
        0.0,
        histogram(&all),
    );
    let mean = (all.iter().map(|r| r.ratio().ln()).sum::<f64>() / all.len() as f64).exp();
    let expected = MEAN[usize::from(setting.full)];
    rows.within(
        "true over reported error, geometric mean",
        mean,
        [expected / MEAN_WITHIN, expected * MEAN_WITHIN],
        format!("measured {expected}, within a factor of {MEAN_WITHIN}"),
    );
    for worst in all.iter().take(10) {
        let why = format!("true {:.2e}, reported {:.2e}; among the worst ten", worst.error, worst.reported);
        rows.within(worst.what.clone(), worst.ratio(), [1.0 / HONEST, HONEST], why);
    }
    calibration::noise(setting, rows)
}

fn histogram(all: &[Ratio]) -> String {
    let mut counts = [0; BINS.len() + 1];
    all.iter().for_each(|r| counts[BINS.partition_point(|end| *end < r.ratio())] += 1);
    let names = ["below 1/3", "to 1/2", "to 1/1.5", "to 1", "to 1.5", "to 2", "to 3", "above 3"];
    names.iter().zip(counts).map(|(name, n)| format!("{name}: {n}")).collect::<Vec<_>>().join(", ")
}

fn in_time(setting: &Setting, all: &mut Vec<Ratio>) -> Result<(), Error> {
    let mut add =
        |what: String, solved: Solved| all.push(Ratio { what, error: solved.error, reported: solved.reported });
    let fine = |options: FokkerPlanckOptions| FokkerPlanckOptions { tolerance: 1e-7, ..options };
    let process = OrnsteinUhlenbeck::b01();
    let start = Law { mean: vec![1.0], covariance: vec![0.01] };
    // the coarsest grids are not in the range of their order yet: 64 cells here .31, 32² by the chain below 3.2
    for n in [128, 256] {
        let grid = line(-1.5, 2.5, n)?;
        let exact = process.law(&start, 0.7).cell_probability(&grid)?;
        let ou = (Arc::new(process.clone()) as _, 0.1);
        add(
            format!("B01, {n} cells"),
            setting.transient(fine(edges()), ou, &grid, start.initial(), &[0.35, 0.7], &exact)?,
        );
    }
    let (sinh, start) = (Sinh { rate: 1.0, temperature: 0.2 }, (0.5, 0.1));
    for (name, options, cells) in [("edges", edges(), [64, 128, 256]), ("chain", chain(), [128, 256, 512])] {
        for n in cells {
            let grid = line(-6.0, 6.0, n)?;
            let initial = Initial::Cells { probability: sinh.cell_probability(&grid, start, 0.0) };
            let exact = sinh.cell_probability(&grid, start, 0.8);
            let problem = (Arc::new(sinh) as _, 0.2);
            add(
                format!("sinh, {name}, {n} cells"),
                setting.transient(fine(options.clone()), problem, &grid, initial, &[0.8], &exact)?,
            );
        }
    }
    let wave = Wave { rates: [1.0, 0.5], amplitude: 0.8, temperature: 0.3 };
    let start = [(0.6, 0.1), (-0.3, 0.2)];
    let cells: &[usize] = if setting.full { &[64, 128] } else { &[64] };
    for (name, options) in [("edges", edges()), ("chain", chain())] {
        for &n in cells {
            let grid = boxed(&[4.5, 4.5], n)?;
            let initial = Initial::Cells { probability: wave.cell_probability(&grid, start, 0.0) };
            let exact = wave.cell_probability(&grid, start, 0.8);
            let problem = (Arc::new(wave) as _, 0.3);
            add(
                format!("wave, {name}, {n}²"),
                setting.transient(fine(options.clone()), problem, &grid, initial, &[0.8], &exact)?,
            );
        }
    }
    if setting.full {
        let helix = Helix { rates: [1.0, 0.8, 0.6], amplitude: 0.5, temperature: 0.3 };
        let start = [(0.4, 0.2), (-0.3, 0.25), (0.2, 0.3)];
        for (name, options) in [("edges", edges()), ("chain", chain())] {
            let grid = boxed(&[3.6; 3], 32)?;
            let initial = Initial::Cells { probability: helix.cell_probability(&grid, start, 0.0) };
            let exact = helix.cell_probability(&grid, start, 0.5);
            let problem = (Arc::new(helix) as _, 0.3);
            add(
                format!("helix, {name}, 32³"),
                setting.transient(fine(options), problem, &grid, initial, &[0.5], &exact)?,
            );
        }
    }
    Ok(())
}

fn at_rest(setting: &Setting, all: &mut Vec<Ratio>) -> Result<(), Error> {
    let mut add = |what: String, (found, error): (fpsolve_solvers::fokker_planck::Stationary, f64)| {
        let reported = found.error_grid.unwrap_or(f64::NAN);
        all.push(Ratio { what, error, reported });
    };
    for (name, well, half) in [
        ("B02 T = 1", Line::b02(1.0), 4.0),
        ("B02 T = 0.1", Line::b02(0.1), 2.5),
        ("B05 β = 1", Line::b05(0.5), 6.0),
        ("B05 β = 0.2", Line::b05(0.1), 3.0),
        ("B06", Line::b06(), 4.0),
    ] {
        for n in [128, 256] {
            let grid = line(-half, half, n)?;
            let law = (Arc::new(well) as _, well.temperature);
            add(format!("{name} at rest, {n} cells"), setting.at_rest(edges(), law, &grid, &well.stationary(&grid))?);
        }
    }
    let process = OrnsteinUhlenbeck::b08();
    for (name, options) in [("edges", edges()), ("chain", chain())] {
        let grid = boxed(&[2.0, 1.7], 64)?;
        let exact = process.stationary().cell_probability(&grid)?;
        add(
            format!("B08 at rest, {name}, 64²"),
            setting.at_rest(options, (Arc::new(process.clone()), 0.1), &grid, &exact)?,
        );
    }
    if setting.full {
        for rotation in [0.0, 1.5] {
            let equilibrium = Equilibrium::b10(rotation);
            let grid = boxed(&[4.5, 4.5], 96)?;
            let law = (Arc::new(equilibrium) as _, 1.0);
            add(
                format!("B10 at rest, rotation {rotation}, 96²"),
                setting.at_rest(edges(), law, &grid, &equilibrium.stationary(&grid))?,
            );
        }
    }
    Ok(())
}
