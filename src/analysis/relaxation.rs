//! `analysis.relaxation`: how each engine comes to rest: distance to its law in the long run, mixing times, occupancy of the basins of the
//! loss, relaxation times; `/relaxation`.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::problem::Problem;
use miette::Result;

use super::basins::Basins;
use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Scale, Subject};
use crate::reader::table::{Table, Value};
use crate::record::read::{column, find, floats};
use crate::record::scales::{array, component_scale, index_scale, series, time_scale};
use crate::record::{Attribute, Dataset, Record};
use crate::text::short;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "relaxation",
    key: Some("relaxation"),
    about: "true or { mixing }: distance of each engine to its law in the long run, mixing times, occupancy of the basins, relaxation times; \
            /relaxation",
    subject: Subject::Law,
    groups: &["relaxation"],
    read,
    words,
};

/// Total variations at which a law counts as mixed, unless others are written.
const MIXED: [f64; 2] = [0.25, 0.05];
/// Relaxation times that are shown.
const MODES: usize = 4;

/// What is asked.
#[derive(Debug, Clone)]
struct Relaxation {
    /// Total variations ε of the mixing times.
    mixing: Vec<f64>,
}

fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let asked = table.optional("relaxation", |value| {
        if value.is_boolean() {
            return Ok(value.boolean()?.value.then(|| Relaxation { mixing: MIXED.to_vec() }));
        }
        let table = value.table(&["mixing"])?;
        let mixing = table.or("mixing", MIXED.to_vec(), "[0.25, 0.05]", levels)?;
        Ok(Some(Relaxation { mixing }))
    })?;
    Ok(asked.flatten().map(|asked| Arc::new(asked) as Arc<dyn Request>))
}

/// Total variations between 0 and 1.
fn levels(value: &Value) -> Result<Vec<f64>> {
    let levels = value.numbers()?.value;
    if levels.is_empty() || levels.iter().any(|level| !(*level > 0.0 && *level < 1.0)) {
        let message = format!("`{}` must hold numbers between 0 and 1", value.path());
        let help = "write the total variations at which a law counts as mixed, for example [0.25, 0.05]";
        return Err(value.error(message, "total variations", help));
    }
    Ok(levels)
}

impl Request for Relaxation {
    fn prepare(&self, _context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        Ok(Some(Arc::new(self.clone())))
    }

    fn numbers_per_cell(&self, _scale: &Scale) -> f64 {
        1.0
    }
}

/// What is known of one engine.
struct Way {
    engine: &'static str,
    /// Total variation to its law in the long run at each output time, and what walkers show of it by chance.
    distance: Option<(Vec<f64>, Option<Vec<f64>>)>,
    /// First times at which that falls below each ε; NaN where it does not, or chance hides it.
    mixing: Vec<f64>,
    /// Probability of each basin at each output time (times × basins).
    occupancy: Vec<f64>,
    /// Those of its law in the long run.
    at_rest: Option<Vec<f64>>,
}

struct Found {
    times: Vec<f64>,
    mixing: Vec<f64>,
    basins: Option<Basins>,
    ways: Vec<Way>,
    /// Relaxation times 1/Re λ of the SDE, slowest first.
    relaxation: Vec<f64>,
}

impl Analysis for Relaxation {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let has_loss = finished.problem.model.has_loss();
        let basins = if has_loss { Basins::of(finished.problem).ok() } else { None };
        let going = finished.runs.iter().filter(|run| run.failure.is_none());
        let ways: Vec<Way> = going.map(|run| self.way(run, basins.as_ref(), finished)).collect();
        let relaxation = match finished.on_grid().map(|law| law.spectrum(MODES, finished.interrupt)) {
            Some(Ok(modes)) => modes.relaxation_times().into_iter().filter(|time| time.is_finite()).collect(),
            Some(Err(error @ Error::Interrupted { .. })) => return Err(error),
            Some(Err(_)) | None => Vec::new(),
        };
        let found =
            Found { times: finished.problem.times.clone(), mixing: self.mixing.clone(), basins, ways, relaxation };
        Ok((!found.ways.is_empty()).then(|| Box::new(found) as Box<dyn Findings>))
    }

    fn growth(&self) -> f64 {
        1.2
    }
}

impl Relaxation {
    fn way(&self, run: &crate::run::engine_run::EngineRun, basins: Option<&Basins>, finished: &Finished) -> Way {
        let seen = run.seen();
        let laws: Vec<&[f64]> = seen.snapshots.iter().map(|snapshot| &snapshot.probability[..]).collect();
        // walkers of SGD come to the law of SGD, where it is known
        let draws = finished.engines.iter().any(|entry| entry.group == run.engine.name() && entry.draws_batches);
        let chain = || finished.runs.iter().filter(|run| run.failure.is_none()).find_map(|run| run.engine.long_run());
        let own = run.engine.long_run().or_else(|| if draws { chain() } else { None });
        let at_rest = own.map(|law| &law.probability[..]).or(finished.stationary.map(|law| &law.probability[..]));
        let distance = at_rest.map(|rest| {
            let all: Vec<f64> = laws.iter().map(|law| total_variation(law, rest)).collect();
            let floor: Option<Vec<f64>> = run.engine.walkers().map(|walkers| {
                laws.iter().map(|law| law.iter().map(|p| by_chance(*p, walkers as f64)).sum()).collect()
            });
            (all, floor)
        });
        let mixing = self.mixing.iter().map(|level| match &distance {
            Some((distance, floor)) => mixing_time(&finished.problem.times, distance, floor.as_deref(), *level),
            None => f64::NAN,
        });
        Way {
            engine: run.engine.name(),
            mixing: mixing.collect(),
            distance,
            occupancy: basins.map_or(Vec::new(), |b| laws.iter().flat_map(|law| b.occupancy(law)).collect()),
            at_rest: basins.zip(at_rest).map(|(basins, law)| basins.occupancy(law)),
        }
    }
}

fn total_variation(a: &[f64], b: &[f64]) -> f64 {
    0.5 * a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>()
}

/// Half the mean deviation of a share p of N walkers, √(p(1 − p)/(2πN)).
fn by_chance(p: f64, walkers: f64) -> f64 {
    (p * (1.0 - p).max(0.0) / (2.0 * std::f64::consts::PI * walkers)).sqrt()
}

/// First time at which a falling distance is `level`, between output times by its logarithm; NaN where it stays above, or where that is
/// below what chance shows.
fn mixing_time(times: &[f64], distance: &[f64], floor: Option<&[f64]>, level: f64) -> f64 {
    let Some(k) = distance.iter().position(|distance| *distance <= level) else { return f64::NAN };
    if floor.is_some_and(|floor| floor[k] > level) || k >= times.len() {
        return f64::NAN;
    }
    if k == 0 || distance[k] <= 0.0 {
        return times[k];
    }
    let share = (distance[k - 1] / level).ln() / (distance[k - 1] / distance[k]).ln();
    times[k - 1] + share * (times[k] - times[k - 1])
}

impl Findings for Found {
    /// `/relaxation` over `time`, `level` and `basin`: for each engine `<engine>_total_variation`, its `_noise_floor`, `<engine>_mixing_time`,
    /// `<engine>_occupancy` and what it is at rest; `relaxation_time` over `mode`.
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        let (t, k, d) = (self.times.len(), self.basins.as_ref().map_or(0, Basins::count), problem.dimension());
        let group = record.group_mut("relaxation");
        group.datasets = vec![time_scale(&self.times)];
        let levels = array(&[self.mixing.len()], self.mixing.clone());
        group.datasets.push(Dataset::float("level", levels, &["level"], "1", "total variation that counts as mixed"));
        if let Some(basins) = &self.basins {
            group.datasets.extend([index_scale("basin", k, "number of the basin"), component_scale(&problem.grid)]);
            let places = basins.minima.iter().flat_map(|minimum| minimum.position.clone()).collect();
            let about = "minimum of the basin";
            group.datasets.push(Dataset::float(
                "position",
                array(&[k, d], places),
                &["basin", "component"],
                "1",
                about,
            ));
        }
        if !self.relaxation.is_empty() {
            let n = self.relaxation.len();
            group.datasets.push(index_scale("mode", n, "number of the mode, slowest first"));
            let about = "relaxation times 1/Re λ of the SDE";
            let values = array(&[n], self.relaxation.clone());
            group.datasets.push(Dataset::float("relaxation_time", values, &["mode"], "1", about));
        }
        for way in self.ways.iter() {
            let name = |what: &str| format!("{}_{what}", way.engine);
            if let Some((distance, floor)) = way.distance.as_ref().filter(|(distance, _)| distance.len() == t) {
                let about = "total variation to the law in the long run";
                group.datasets.push(series(&name("total_variation"), distance.clone(), about));
                if let Some(floor) = floor {
                    let about = "total variation that walkers show by chance";
                    group.datasets.push(series(&name("noise_floor"), floor.clone(), about));
                }
            }
            let about = "first time at which the total variation to the law in the long run falls below the level";
            let times = array(&[self.mixing.len()], way.mixing.clone());
            group.datasets.push(Dataset::float(&name("mixing_time"), times, &["level"], "1", about));
            if k > 0 && way.occupancy.len() == t * k {
                let about = "probability of each basin of the loss";
                let values = array(&[t, k], way.occupancy.clone());
                group.datasets.push(Dataset::float(&name("occupancy"), values, &["time", "basin"], "1", about));
            }
            if let Some(at_rest) = &way.at_rest {
                let about = "probability of each basin in the long run";
                let values = array(&[k], at_rest.clone());
                group.datasets.push(Dataset::float(&name("occupancy_at_rest"), values, &["basin"], "1", about));
            }
        }
        let engines: Vec<&str> = self.ways.iter().map(|way| way.engine).collect();
        group.set("engines", Attribute::Text(engines.join(" ")));
    }
}

/// Mixing times, occupancies at the end and at rest, and how much slower the slowest mode is than the next.
fn words(record: &Record) -> Vec<String> {
    let Some(group) = record.group("relaxation") else { return Vec::new() };
    let levels = column(group, "level").unwrap_or_default();
    let engines = crate::record::read::text(group, "engines").unwrap_or_default();
    let mut lines = Vec::new();
    for engine in engines.split_whitespace() {
        let mixing = column(group, &format!("{engine}_mixing_time")).unwrap_or_default();
        let all: Vec<String> = levels
            .iter()
            .zip(&mixing)
            .map(|(level, time)| match time.is_nan() {
                true => format!("{} not seen", short(*level)),
                false => format!("{} at t = {}", short(*level), short(*time)),
            })
            .collect();
        let mut line = format!("relaxation of {}: total variation {}", engine.replace('_', "-"), all.join(", "));
        let k = column(group, &format!("{engine}_occupancy_at_rest"));
        let last = find(group, &format!("{engine}_occupancy")).and_then(floats);
        if let (Some(rest), Some(all)) = (k, last) {
            let list = |values: &[f64]| values.iter().map(|p| short(*p)).collect::<Vec<_>>().join(", ");
            line += &format!(
                "; basins hold {} at the end, {} in the long run",
                list(&all[all.len() - rest.len()..]),
                list(&rest)
            );
        }
        lines.push(line);
    }
    if let [first, second, ..] = column(group, "relaxation_time").unwrap_or_default()[..] {
        lines.push(format!(
            "  relaxation times of the SDE {} and {}: the way between the slowest sets takes {} times as long as what is next",
            short(first),
            short(second),
            short(first / second)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_times_lie_on_the_exponential_between_outputs() {
        let (times, rate) = ([0.0, 1.0, 2.0, 4.0], 0.7f64);
        let distance: Vec<f64> = times.iter().map(|t| (-rate * t).exp()).collect();
        for level in [0.9, 0.25, 0.1] {
            let found = mixing_time(&times, &distance, None, level);
            assert!((found + f64::ln(level) / rate).abs() < 1e-12, "{level}: {found}");
        }
        assert!(mixing_time(&times, &distance, None, 0.01).is_nan());
        assert!(mixing_time(&times, &distance, Some(&[0.3; 4]), 0.25).is_nan());
        assert_eq!(mixing_time(&times, &[0.2, 0.1, 0.1, 0.1], None, 0.25), 0.0);
    }
}
