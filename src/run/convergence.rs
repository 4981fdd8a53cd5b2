//! What `fpsolve convergence` found: as a table for people, as rows for spreadsheets, as a group of the record.

use std::fmt::Write;

use fpsolve_solvers::fokker_planck::accuracy::convergence::{Ladder, Solved, is_declared};
use fpsolve_solvers::fokker_planck::accuracy::richardson::ORDER;
use ndarray::{ArrayD, IxDyn};

use crate::record::scales::{index_scale, name_scale};
use crate::record::{Attribute, Dataset, Group};
use crate::run::Status;
use crate::text::{short, table};

/// The grids that were reached, the coarsest first.
#[derive(Debug, Clone, Default)]
pub struct GridStudy {
    /// The solutions.
    pub solved: Vec<Solved>,
    /// Wall seconds of each.
    pub seconds: Vec<f64>,
    /// Their comparison; None for fewer than two.
    pub ladder: Option<Ladder>,
    /// Coarse grids that the discretisation cannot serve, with the reason.
    pub left_out: Vec<String>,
}

impl GridStudy {
    fn spacing(&self, level: usize) -> Vec<f64> {
        self.solved[level].grid.axes().iter().map(|axis| axis.spacing()).collect()
    }

    fn variables(&self) -> Vec<String> {
        let grid = self.solved.first().map(|s| &s.grid);
        grid.map_or(Vec::new(), |grid| grid.axes().iter().map(|axis| axis.variable().to_string()).collect())
    }

    /// The group `/convergence`; None where fewer than two grids were reached.
    ///
    /// Over `level`: `cells_<variable>`, `spacing_<variable>`, `min_density`, `error_time`, `seconds`, and for each density
    /// `<density>_error`; over `pair` (a grid and the next finer one) `<density>_change`; over `triple` `<density>_order`;
    /// `value [level, functional]`, `extrapolated`, `error` over `functional`, and `order` over `ordered`, those of the
    /// functionals whose differences are more than rounding.
    pub fn group(&self) -> Option<Group> {
        let ladder = self.ladder.as_ref()?;
        let n = self.solved.len();
        let mut group = Group::new("convergence");
        let declared = ladder.densities.first().map_or(ORDER, |d| d.declared);
        group.set("declared_order", Attribute::Integer(i64::from(declared)));
        if let Some(finest) = self.solved.last() {
            group.set("discretisation", Attribute::Text(finest.discretisation.word.to_string()));
        }
        group.set("remarks", Attribute::Text(ladder.remarks().join("\n")));
        group.datasets.push(index_scale("level", n, "grid, the coarsest first"));
        group.datasets.push(index_scale("pair", n - 1, "a grid and the next finer one"));
        if n > 2 {
            group.datasets.push(index_scale("triple", n - 2, "a grid and the two coarser ones"));
        }
        let mut row = |name: &str, axis: &str, values: Vec<f64>, long_name: &str| {
            let values = ndarray::Array1::from_vec(values).into_dyn();
            group.datasets.push(Dataset::float(name, values, &[axis], "1", long_name));
        };
        for (k, variable) in self.variables().iter().enumerate() {
            let cells = ladder.cells.iter().map(|cells| cells[k] as f64).collect();
            row(&format!("cells_{variable}"), "level", cells, &format!("cells along {variable}"));
            let spacing = (0..n).map(|level| self.spacing(level)[k]).collect();
            row(&format!("spacing_{variable}"), "level", spacing, &format!("mean cell width along {variable}"));
        }
        for d in &ladder.densities {
            let name = d.name;
            row(&format!("{name}_error"), "level", d.error.clone(), &format!("estimated L1 error, {name} density"));
            let long = format!("L1 distance to the next finer grid, {name} density");
            row(&format!("{name}_change"), "pair", d.change.clone(), &long);
            if n > 2 {
                row(&format!("{name}_order"), "triple", d.order.clone(), &format!("observed order, {name} density"));
            }
        }
        row("min_density", "level", self.solved.iter().map(|s| s.min_density).collect(), "smallest density");
        row(
            "error_time",
            "level",
            self.solved.iter().map(|s| s.error_time).collect(),
            "L1 error of the time integration",
        );
        row("seconds", "level", self.seconds.clone(), "wall seconds");
        group.datasets.extend(functionals(ladder));
        Some(group)
    }
}

fn functionals(ladder: &Ladder) -> Vec<Dataset> {
    let list = &ladder.functionals;
    let ordered: Vec<(&str, f64)> = list.iter().filter_map(|f| Some((f.name.as_str(), f.order?))).collect();
    let names: Vec<&str> = list.iter().map(|f| f.name.as_str()).collect();
    let column = |name: &str, axis: &str, values: Vec<f64>, long: &str| {
        Dataset::float(name, ndarray::Array1::from_vec(values).into_dyn(), &[axis], "1", long)
    };
    let value = ArrayD::from_shape_fn(IxDyn(&[ladder.cells.len(), list.len()]), |i| list[i[1]].values[i[0]]);
    let (extrapolated, error) = (list.iter().map(|f| f.extrapolated).collect(), list.iter().map(|f| f.error).collect());
    let mut out = vec![
        name_scale("functional", &names, "number that the solution gives"),
        Dataset::float("value", value, &["level", "functional"], "1", "functional on each grid"),
        column("extrapolated", "functional", extrapolated, "Richardson extrapolation of the two finest grids"),
        column("error", "functional", error, "estimated error on the finest grid"),
    ];
    if !ordered.is_empty() {
        let (names, orders): (Vec<&str>, Vec<f64>) = ordered.into_iter().unzip();
        out.push(name_scale("ordered", &names, "functionals with an observed order"));
        out.push(column("order", "ordered", orders, "observed order"));
    }
    out
}

/// The table for the terminal, and what a reader should know about it.
pub fn report(name: &str, study: &GridStudy, asked: usize, status: Status) -> String {
    let mut out = format!("{name}: {}; the same problem on {} grids\n", status.word(), study.solved.len());
    for left_out in &study.left_out {
        let _ = writeln!(out, "  note: left out, {left_out}");
    }
    let Some(ladder) = &study.ladder else {
        return out + "  an order needs at least two grids\n";
    };
    densities(study, ladder, &mut out);
    out.push('\n');
    numbers(ladder, &mut out);
    let n = study.solved.len();
    for d in &ladder.densities {
        let second = d.order.last().is_none_or(|&order| !is_declared(order));
        let condition = if second { format!(", if the order were {}", d.declared) } else { String::new() };
        let _ = writeln!(out, "  {} density: L1 error {} on the finest grid{condition}", d.name, short(d.error[n - 1]));
    }
    for remark in ladder.remarks() {
        let _ = writeln!(out, "  note: {remark}");
    }
    if n + study.left_out.len() < asked && status == Status::Complete {
        let _ = writeln!(
            out,
            "  note: {n} grids instead of {asked}: an axis cannot be halved further; --finer K adds K finer grids"
        );
    }
    for warning in study.solved.last().map_or(&[][..], |s| &s.warnings) {
        let _ = writeln!(out, "  warning: {warning}");
    }
    out
}

fn densities(study: &GridStudy, ladder: &Ladder, out: &mut String) {
    let mut head = vec!["cells".to_string(), "spacing".to_string()];
    for d in &ladder.densities {
        head.extend([format!("{} L1 to next", d.name), "error".into(), "order".into()]);
    }
    head.extend(["min ρ", "method", "s"].map(String::from));
    let mut rows = vec![head];
    let joined = |values: Vec<String>| values.join(" × ");
    for (level, solved) in study.solved.iter().enumerate() {
        let spacing = study.spacing(level).into_iter().map(short).collect();
        let mut row = vec![joined(ladder.cells[level].iter().map(usize::to_string).collect()), joined(spacing)];
        for d in &ladder.densities {
            row.push(d.change.get(level).copied().map_or("–".into(), short));
            row.push(short(d.error[level]));
            row.push(level.checked_sub(2).map_or("–".into(), |k| format!("{:.2}", d.order[k])));
        }
        row.extend([short(solved.min_density), solved.method.clone(), format!("{:.2}", study.seconds[level])]);
        rows.push(row);
    }
    table(&rows, out);
}

fn numbers(ladder: &Ladder, out: &mut String) {
    let mut head = vec!["at the last time; stationary; modes".to_string()];
    head.extend(ladder.cells.iter().map(|cells| format!("{} cells", cells.iter().product::<usize>())));
    head.extend(["order", "extrapolated", "error"].map(String::from));
    let mut rows = vec![head];
    for f in &ladder.functionals {
        let mut row = vec![f.name.clone()];
        // what is no more than rounding or the time integration is 0
        let digits = |v: f64| if v.abs() < f.resolution { "0".into() } else { digits(v) };
        row.extend(f.values.iter().map(|&v| digits(v)));
        row.extend([f.order.map_or("–".into(), |p| format!("{p:.2}")), digits(f.extrapolated), short(f.error)]);
        rows.push(row);
    }
    table(&rows, out);
}

/// Seven significant digits.
fn digits(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".into()
    } else if (1e-3..1e6).contains(&size) {
        format!("{x:.*}", (6 - size.log10().floor() as i32).max(0) as usize)
    } else {
        format!("{x:.6e}")
    }
}

/// One line a grid, with a header; cells without a value are empty.
pub fn csv(study: &GridStudy) -> String {
    let Some(ladder) = &study.ladder else { return String::new() };
    let mut head: Vec<String> = Vec::new();
    for variable in study.variables() {
        head.extend([format!("cells_{variable}"), format!("spacing_{variable}")]);
    }
    for d in &ladder.densities {
        head.extend(["change", "error", "order"].map(|what| format!("{}_{what}", d.name)));
    }
    head.extend(ladder.functionals.iter().map(|f| f.name.replace(", ", " ").replace(' ', "_")));
    head.extend(["min_density", "error_time", "seconds"].map(String::from));
    let mut out = head.join(",") + "\n";
    for (level, solved) in study.solved.iter().enumerate() {
        let mut row: Vec<Option<f64>> = Vec::new();
        for (&cells, spacing) in ladder.cells[level].iter().zip(study.spacing(level)) {
            row.extend([Some(cells as f64), Some(spacing)]);
        }
        for d in &ladder.densities {
            let order = level.checked_sub(2).map(|k| d.order[k]);
            row.extend([d.change.get(level).copied(), Some(d.error[level]), order]);
        }
        row.extend(ladder.functionals.iter().map(|f| Some(f.values[level])));
        row.extend([Some(solved.min_density), Some(solved.error_time), Some(study.seconds[level])]);
        let cells: Vec<String> = row.into_iter().map(|v| v.map_or(String::new(), |v| v.to_string())).collect();
        out += &(cells.join(",") + "\n");
    }
    out
}
