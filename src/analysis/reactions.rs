//! `analysis.reactions`: transitions from one set to another at rest, by transition-path theory; `/reactions/<name>`.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::OnGrid;
use fpsolve_solvers::escape::passage::Target;
use fpsolve_solvers::escape::reaction::Reaction;
use fpsolve_solvers::problem::{Problem, density};
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Failure, Findings, Finished, Request, Scale, Subject};
use crate::reader::Located;
use crate::reader::formula::formula;
use crate::reader::table::{Table, Value};
use crate::record::read::{float, text};
use crate::record::scales::{component_scale, field, variable_scales};
use crate::record::{Attribute, Group, Record};
use crate::scenario::names::{check_group_name, check_own_names};
use crate::text::{short, with_error};

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "reactions",
    key: Some("reactions"),
    about: "list of { name, from, to }: transitions at rest from where one condition holds to where another does, their rate, density and \
            current; /reactions",
    subject: Subject::Law,
    groups: &["reactions"],
    read,
    words,
};

/// An entry of `analysis.reactions`.
#[derive(Debug)]
struct Written {
    name: Located<String>,
    from: Located<String>,
    to: Located<String>,
}

/// The sets with their names.
struct Reactions(Vec<(String, Target, Target)>);

/// What was found: name, engine's group, sets, transitions.
struct Found {
    reactions: Vec<(String, &'static str, [String; 2], Reaction)>,
    failures: Vec<Failure>,
}

fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let list = |value: &Value| value.list()?.iter().map(read_one).collect();
    let Some(written): Option<Vec<Written>> = table.optional("reactions", list)? else { return Ok(None) };
    check_own_names(table.source(), written.iter().map(|written| &written.name), "reactions")?;
    Ok(Some(Arc::new(written)))
}

fn read_one(value: &Value) -> Result<Written> {
    let table = value.table(&["name", "from", "to"])?;
    let help = "write { name = \"over\", from = \"x < -0.9\", to = \"x > 0.9\" }";
    let name = table.require("name", help)?.string()?;
    check_group_name(table.source(), &name, "reaction")?;
    Ok(Written { name, from: formula(&table.require("from", help)?)?, to: formula(&table.require("to", help)?)? })
}

impl Request for Vec<Written> {
    /// Errors: a formula that is not one or is not a condition, a set that covers no cell, sets that overlap.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let one = |written: &Written| sets(context, written);
        let all = self.iter().map(one).collect::<Result<Vec<_>>>()?;
        Ok((!all.is_empty()).then(|| Arc::new(Reactions(all)) as Arc<dyn Analysis>))
    }

    /// Both committors, the density, the current and what the generator of the transitions holds.
    fn numbers_per_cell(&self, scale: &Scale) -> f64 {
        self.len() as f64 * (3.0 + scale.dimension as f64)
    }
}

fn sets(context: &Context, written: &Written) -> Result<(String, Target, Target)> {
    let (grid, d) = (&context.problem.grid, context.problem.dimension());
    let set = |text: &Located<String>| -> Result<(Target, Vec<f64>)> {
        let target = Target::new(&text.value, &(context.parse)(text)?, d);
        let values = target.values(&grid.centers());
        let refuse = |what: &str, help: &str| {
            Err(context.source.error(&text.span, format!("the set \"{}\" {what}", text.value), "this set", help))
        };
        if values.iter().any(|v| *v != 0.0 && *v != 1.0) {
            return refuse(
                "is not a condition",
                "write comparisons, joined by * (both) or max (either): \"(x > 1)*(y < 0)\"",
            );
        }
        if values.iter().all(|v| *v == 0.0) {
            return refuse("covers no cell of the grid", "move it into the grid, or use more cells");
        }
        Ok((target, values))
    };
    let ((from, a), (to, b)) = (set(&written.from)?, set(&written.to)?);
    if a.iter().zip(&b).any(|(a, b)| a * b > 0.0) {
        let message = format!("the sets \"{}\" and \"{}\" overlap", from.text(), to.text());
        let help = "write conditions that exclude each other: \"x < -0.9\" and \"x > 0.9\"";
        return Err(context.source.error(&written.to.span, message, "overlaps the first", help));
    }
    if a.iter().zip(&b).all(|(a, b)| a + b > 0.0) {
        let message = format!("the sets \"{}\" and \"{}\" cover every cell of the grid", from.text(), to.text());
        let help = "leave some cells between them";
        return Err(context.source.error(&written.to.span, message, "nothing between", help));
    }
    Ok((written.name.value.clone(), from, to))
}

impl Analysis for Reactions {
    /// Each by itself.
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let grid = finished.on_grid().map(|law| ("fokker_planck", law));
        let laws: Vec<(&'static str, &dyn OnGrid)> = grid.into_iter().chain(finished.chain()).collect();
        let mut found = Found { reactions: Vec::new(), failures: Vec::new() };
        for (name, from, to) in &self.0 {
            for (engine, law) in &laws {
                (finished.progress)(&format!("transitions \"{name}\""));
                match law.reaction(from, to, finished.interrupt) {
                    Ok(reaction) => {
                        let sets = [from.text().to_string(), to.text().to_string()];
                        found.reactions.push((name.clone(), *engine, sets, reaction));
                    }
                    Err(error @ Error::Interrupted { .. }) => return Err(error),
                    Err(error) => found.failures.push(Failure { group: format!("reactions/{name}"), error }),
                }
            }
        }
        Ok((!laws.is_empty()).then(|| Box::new(found) as Box<dyn Findings>))
    }

    fn growth(&self) -> f64 {
        1.2
    }
}

impl Findings for Found {
    /// `/reactions/<name>`: of the SDE `committor`, `backward_committor`, `density` (n…), `current` (d, n…) and the attributes `flux`,
    /// `flux_error`, `rate`, `share`, `relaxation`, `duration`, `residual`; of the chain of descent the same with `transfer_operator_`
    /// before it, without a current.
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        for (name, engine, sets, reaction) in &self.reactions {
            let group = record.group_mut("reactions").group_mut(name);
            let own = if *engine == "fokker_planck" { String::new() } else { format!("{engine}_") };
            add(group, &own, sets, reaction, problem);
        }
    }

    fn failures(&self) -> Vec<Failure> {
        self.failures.clone()
    }
}

fn add(group: &mut Group, own: &str, sets: &[String; 2], reaction: &Reaction, problem: &Problem) {
    let grid = &problem.grid;
    group.set("from", Attribute::Text(sets[0].clone()));
    group.set("to", Attribute::Text(sets[1].clone()));
    let numbers = [
        ("flux", reaction.flux),
        ("flux_error", reaction.flux_error.unwrap_or(f64::NAN)),
        ("rate", reaction.rate()),
        ("share", reaction.from_share),
        ("relaxation", reaction.relaxation()),
        ("duration", reaction.duration),
        ("residual", reaction.residual),
    ];
    numbers.into_iter().for_each(|(name, value)| group.set(&format!("{own}{name}"), Attribute::Float(value)));
    if !group.datasets.iter().any(|dataset| dataset.name == grid.axes()[0].variable()) {
        group.datasets.extend(variable_scales(grid));
    }
    let fields = [
        ("committor", reaction.forward.clone(), "probability to reach the second set before the first"),
        (
            "backward_committor",
            reaction.backward.clone(),
            "probability to have been in the first set after the second last",
        ),
        (
            "density",
            density::from_probability(grid, &reaction.probability),
            "density of θ on the way from the first set to the second",
        ),
    ];
    for (name, values, about) in fields {
        group.datasets.push(field(&format!("{own}{name}"), grid, &[], values, "1", about));
    }
    if !reaction.current.is_empty() {
        let d = grid.dimension();
        let about = "current of the transitions from the first set to the second";
        if d > 1 {
            group.datasets.push(component_scale(grid));
            group.datasets.push(field("current", grid, &[("component", d)], reaction.current.clone(), "1", about));
        } else {
            group.datasets.push(field("current", grid, &[], reaction.current.clone(), "1", about));
        }
    }
}

/// The rate of each, engine by engine.
fn words(record: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    for group in record.group("reactions").iter().flat_map(|group| &group.groups) {
        for (own, engine) in [("", "fokker-planck"), ("transfer_operator_", "transfer-operator")] {
            let number = |name: &str| float(group, &format!("{own}{name}"));
            let (Some(flux), Some(rate), Some(duration)) = (number("flux"), number("rate"), number("duration")) else {
                continue;
            };
            let sets = ["from", "to"].map(|name| text(group, name).unwrap_or("?"));
            if flux <= 0.0 {
                let way = format!("from {} to {}", sets[0], sets[1]);
                lines.push(format!("{}: no way leads {way} ({engine})", group.name));
                continue;
            }
            lines.push(format!(
                "{}: from {} to {} ({engine}): {} transitions per unit time at rest, rate {}, each takes {}; rates there and back add \
                 up to {}",
                group.name,
                sets[0],
                sets[1],
                with_error(flux, number("flux_error").unwrap_or(f64::NAN)),
                short(rate),
                short(duration),
                number("relaxation").map_or("?".into(), short)
            ));
        }
    }
    lines
}
