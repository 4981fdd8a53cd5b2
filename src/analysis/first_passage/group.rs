//! `/escape/<name>`, and what it says in words.

use fpsolve_solvers::escape::by_walkers::FirstPassage;
use fpsolve_solvers::escape::on_grid::{Absorbed, GridPassage};
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::problem::grid::Grid;

use crate::analysis::walkers::Walkers;
use crate::record::read::{float, integer, text};
use crate::record::scales::{array, field, name_scale, series, time_scale, variable_scales};
use crate::record::{Attribute, Dataset, Group, Record};
use crate::text::{short, with_error};

/// The group `/escape/<name>` with its target, avoided set, start and output times, made where it is missing.
pub fn passage_group<'a>(record: &'a mut Record, passage: &Passage, times: &[f64]) -> &'a mut Group {
    let group = record.group_mut("escape").group_mut(&passage.name);
    group.set("target", Attribute::Text(passage.target.text().to_string()));
    if let Some(avoid) = &passage.avoid {
        group.set("avoid", Attribute::Text(avoid.text().to_string()));
    }
    let from: Vec<String> = passage.from.iter().map(f64::to_string).collect();
    group.set("from", Attribute::Text(from.join(" ")));
    if !group.datasets.iter().any(|dataset| dataset.name == "time") {
        group.datasets.push(time_scale(times));
    }
    group
}

/// Adds to `/escape/<name>` what an ensemble found: `langevin_survival` and `langevin_survival_se` (or `sgd_…`) over `time`, the mean
/// time and how it was found as attributes; where something else than an arrival can happen also `langevin_committor` with its standard
/// error, of the walkers that came to the target, the avoided set or an absorbing wall, and `langevin_undecided`, the share of the
/// others.
pub fn add_walkers(group: &mut Group, kind: Walkers, passage: &Passage, times: &[f64], found: &FirstPassage) {
    let (of, whose) = (|name: &str| format!("{}_{name}", kind.word()), kind.title());
    let (survival, errors) = found.survival(times).into_iter().unzip();
    let about = format!("share of the {whose} walkers still on their way");
    group.datasets.push(series(&of("survival"), survival, &about));
    group.datasets.push(series(&of("survival_se"), errors, &format!("standard error of {}", of("survival"))));
    let times =
        [("mean", Some([found.mean, found.standard_error])), ("exit", found.exit), ("conditional", found.conditional)];
    for (name, [mean, error]) in times.into_iter().filter_map(|(name, time)| Some((name, time?))) {
        group.set(&of(name), Attribute::Float(mean));
        group.set(&of(&format!("{name}_se")), Attribute::Float(error));
    }
    let median = found.arrivals.get(found.walkers / 2);
    group.set(&of("walkers"), Attribute::Integer(found.walkers as i64));
    group.set(&of("censored"), Attribute::Float(found.censored()));
    if kind == Walkers::Langevin {
        group.set(&of("absorbed"), Attribute::Float(found.absorbed()));
    }
    median.into_iter().for_each(|median| group.set(&of("median"), Attribute::Float(*median)));
    group.set(&of("horizon"), Attribute::Float(passage.horizon));
    group.set(&of("step"), Attribute::Float(found.step));
    group.set(&of(if kind == Walkers::Langevin { "bridge" } else { "arrivals" }), Attribute::Text(found.bridge.into()));
    if let Some((committor, error)) = found.first.and_then(|first| first.committor()) {
        group.set(&of("committor"), Attribute::Float(committor));
        group.set(&of("committor_se"), Attribute::Float(error));
        group.set(&of("undecided"), Attribute::Float(found.undecided()));
    }
}

/// Adds to `/escape/<name>` what the grid says: `mean_first_passage_time` and, where something else than an arrival can happen,
/// `committor` (n…), `survival` over `time`, and the values at the starting point as attributes.
pub fn add_grid(group: &mut Group, grid: &Grid, found: &GridPassage) {
    group.set("from_value", Attribute::Float(found.from_value));
    group.set("error_grid", Attribute::Float(found.error_grid.unwrap_or(f64::NAN)));
    if let Some(value) = found.from_value_extrapolated {
        group.set("from_value_extrapolated", Attribute::Float(value));
    }
    let times = [("from_value_exit", found.from_exit), ("from_value_conditional", found.from_conditional)];
    for (name, time) in times.into_iter().filter_map(|(name, time)| Some((name, time?))) {
        group.set(name, Attribute::Float(time.value));
        group.set(&format!("{name}_error"), Attribute::Float(time.error.unwrap_or(f64::NAN)));
    }
    if !found.absorbed.is_empty() {
        let end = |upper: bool| if upper { "upper" } else { "lower" };
        let name = |wall: &Absorbed| format!("{} end of {}", end(wall.upper), grid.axes()[wall.axis].variable());
        let names: Vec<String> = found.absorbed.iter().map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        group.datasets.push(name_scale("side", &names, "absorbing wall"));
        let shares = found.absorbed.iter().map(|wall| wall.probability).collect();
        let long_name = "probability that the passage ends at this absorbing wall";
        group.datasets.push(Dataset::float("absorbed", array(&[names.len()], shares), &["side"], "1", long_name));
        let errors = found.absorbed.iter().map(|wall| wall.error.unwrap_or(f64::NAN)).collect();
        let long_name = "estimated error of absorbed by the grid";
        group.datasets.push(Dataset::float("absorbed_error", array(&[names.len()], errors), &["side"], "1", long_name));
    }
    group.set("error_time", Attribute::Float(found.error_time));
    group.datasets.extend(variable_scales(grid));
    let long_name = "mean time to the target or an absorbing wall from each cell";
    group.datasets.push(field("mean_first_passage_time", grid, &[], found.mean_time.clone(), "1", long_name));
    let fields_error = |errors: &[f64]| if errors.is_empty() { vec![f64::NAN; grid.len()] } else { errors.to_vec() };
    let (name, long_name) = ("mean_first_passage_time_error", "estimated error of mean_first_passage_time by the grid");
    group.datasets.push(field(name, grid, &[], fields_error(&found.mean_time_error), "1", long_name));
    group.datasets.push(series("survival", found.survival.clone(), "probability not to have reached the target"));
    let unknown = || vec![f64::NAN; found.survival.len()];
    let errors = if found.survival_error.is_empty() { unknown() } else { found.survival_error.clone() };
    group.datasets.push(series("survival_error", errors, "estimated error of survival by grid and time integration"));
    if let (Some(committor), Some(here)) = (&found.committor, found.from_committor) {
        group.set("from_committor", Attribute::Float(here));
        let error = found.from_committor_error_grid.unwrap_or(f64::NAN);
        group.set("from_committor_error_grid", Attribute::Float(error));
        let long_name = "probability to reach the target before the avoided set or an absorbing wall";
        group.datasets.push(field("committor", grid, &[], committor.clone(), "1", long_name));
        let long_name = "estimated error of committor by the grid";
        group.datasets.push(field("committor_error", grid, &[], fields_error(&found.committor_error), "1", long_name));
    }
}

/// Mean first-passage times, engine by engine.
pub fn words(record: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    for group in record.group("escape").iter().flat_map(|g| &g.groups) {
        let mut means = Vec::new();
        if let Some(mean) = float(group, "from_value") {
            means.push(format!("fokker-planck {} (grid)", value(mean, float(group, "error_grid"))));
        }
        means.extend(mean_of(group, Walkers::Langevin));
        means.extend(mean_of(group, Walkers::Sgd));
        means.extend(super::chain::mean(group));
        means.extend(float(group, "kramers").map(|time| format!("Kramers {} to beyond the barrier", short(time))));
        let (from, target) = (text(group, "from").unwrap_or("?"), text(group, "target").unwrap_or("?"));
        let from = from.replace(' ', ", ");
        let walls = group.datasets.iter().any(|dataset| dataset.name == "absorbed");
        let or_wall = if walls { " or an absorbing wall (unconditional)" } else { "" };
        lines.push(format!("{} from ({from}) to {target}{or_wall}: mean time {}", group.name, means.join(", ")));
        if let Some(reason) = text(group, "kramers_reason") {
            let none = if float(group, "kramers").is_some() { "" } else { "no Kramers time: " };
            lines.push(format!("  {none}{reason}"));
        }
        lines.extend(super::exponents::words(group, float(record, "learning_rate")));
        lines.extend(super::chain::how_counted(group));
        lines.extend(committor(group, target));
        lines.extend(times(group, "exit", "exit time, to whichever comes first, unconditional"));
        lines.extend(times(group, "conditional", "time to the target, conditional on reaching it first"));
    }
    lines
}

/// The mean time of an ensemble in words.
fn mean_of(group: &Group, kind: Walkers) -> Option<String> {
    let of = |name: &str| format!("{}_{name}", kind.word());
    let (mean, se) = (float(group, &of("mean"))?, float(group, &of("mean_se"))?);
    let censored = float(group, &of("censored")).is_some_and(|share| share > 0.0);
    let (bound, walkers) = (if censored { "at least " } else { "" }, integer(group, &of("walkers")).unwrap_or(0));
    Some(format!("{} {bound}{} ({walkers} walkers)", kind.word(), with_error(mean, se)))
}

/// A number, with its error where there is one.
fn value(value: f64, error: Option<f64>) -> String {
    error.map_or_else(|| short(value), |error| with_error(value, error))
}

/// A further mean time, engine by engine.
fn times(group: &Group, name: &str, words: &str) -> Option<String> {
    let one = |engine: &str, mean: String, error: String| {
        float(group, &mean).map(|mean| format!("{engine} {}", value(mean, float(group, &error))))
    };
    let grid = one("fokker-planck", format!("from_value_{name}"), format!("from_value_{name}_error"));
    let walkers = [Walkers::Langevin, Walkers::Sgd].map(|kind| {
        let engine = kind.word();
        one(engine, format!("{engine}_{name}"), format!("{engine}_{name}_se"))
    });
    let chain = super::chain::time(group, name);
    let all: Vec<String> = grid.into_iter().chain(walkers.into_iter().flatten()).chain(chain).collect();
    (!all.is_empty()).then(|| format!("  {words}: {}", all.join(", ")))
}

/// The probability to reach the target before what excludes it, engine by engine.
fn committor(group: &Group, target: &str) -> Option<String> {
    let mut shares = Vec::new();
    if let Some(share) = float(group, "from_committor") {
        shares.push(format!("fokker-planck {} (grid)", value(share, float(group, "from_committor_error_grid"))));
    }
    for engine in [Walkers::Langevin, Walkers::Sgd].map(Walkers::word) {
        let of = |name: &str| float(group, &format!("{engine}_{name}"));
        let share = of("committor").zip(of("committor_se"));
        shares.extend(share.map(|(share, se)| format!("{engine} {}", with_error(share, se))));
    }
    shares.extend(super::chain::committor(group));
    let before = text(group, "avoid").unwrap_or("an absorbing wall");
    (!shares.is_empty()).then(|| format!("  {target} before {before}: probability {}", shares.join(", ")))
}
