//! `/genesis`: branches, folds, fitted functions along the branches, and samples left out.

use fpsolve_solvers::landscape::genesis::{Branch, BranchPoint, End, LeaveOneOut, Turn, TurnKind};
use fpsolve_solvers::problem::grid::Grid;
use ndarray::Array1;

use super::compute::{Found, Over};
use crate::record::scales::{array, component_scale, index_scale, vector};
use crate::record::{Attribute, Dataset, Group, Values};

/// The group.
pub fn group(grid: &Grid, found: &Found) -> Group {
    let mut group = Group::new("genesis");
    if let Some(over) = &found.over {
        group.set("parameter", Attribute::Text(over.name.clone()));
        for (name, value) in [("from", over.range[0]), ("to", over.range[1]), ("value", over.value)] {
            group.set(name, Attribute::Float(value));
        }
        group.groups.extend([branches(grid, over), folds(grid, over)]);
        group.groups.extend(fits(over));
    }
    group.groups.extend(found.left_out.as_ref().map(|left_out| leave_one_out(grid, left_out)));
    group
}

/// The word of a fold or crossing.
pub(super) fn word(kind: TurnKind) -> &'static str {
    match kind {
        TurnKind::Fold => "fold",
        TurnKind::Crossing => "crossing",
    }
}

/// A table over one dimension, and how its columns are made.
struct Rows<'a> {
    group: Group,
    dimension: &'a str,
    n: usize,
    /// Number of variables.
    width: usize,
}

impl<'a> Rows<'a> {
    fn new(name: &str, dimension: &'a str, n: usize, long_name: &str, grid: &Grid) -> Self {
        let mut group = Group::new(name);
        group.datasets = vec![index_scale(dimension, n, long_name), component_scale(grid)];
        Self { group, dimension, n, width: grid.dimension() }
    }

    fn floats(&mut self, name: &str, values: Vec<f64>, long_name: &str) {
        let values = array(&[self.n], values);
        self.group.datasets.push(Dataset::float(name, values, &[self.dimension], "1", long_name));
    }

    fn integers(&mut self, name: &str, values: impl Iterator<Item = i64>, long_name: &str) {
        let values = Values::Integer(values.collect::<Array1<i64>>().into_dyn());
        self.group.datasets.push(Dataset::new(name, values, &[self.dimension], "1", long_name));
    }

    fn words(&mut self, name: &str, values: impl Iterator<Item = &'static str>, long_name: &str) {
        let values = Values::Text(values.map(String::from).collect());
        self.group.datasets.push(Dataset::new(name, values, &[self.dimension], "1", long_name));
    }

    fn vectors<'v>(&mut self, name: &str, rows: impl Iterator<Item = &'v [f64]>, second: &str, long_name: &str) {
        let values: Vec<f64> = rows.flatten().copied().collect();
        let axes = [self.dimension, second];
        self.group.datasets.push(Dataset::float(name, array(&[self.n, self.width], values), &axes, "1", long_name));
    }
}

fn branches(grid: &Grid, over: &Over) -> Group {
    let rows = || over.branches.iter().enumerate().flat_map(|(k, branch)| branch.points.iter().map(move |p| (k, p)));
    let mut table =
        Rows::new("branches", "branch_point", rows().count(), "points of all branches, one after another", grid);
    table.group.datasets.push(index_scale("direction", grid.dimension(), "number of the eigenvalue, ascending"));
    table.integers("branch", rows().map(|(k, _)| k as i64), "number of the branch");
    table.floats("value", rows().map(|(_, point)| point.value).collect(), &over.name);
    table.vectors("position", rows().map(|(_, point)| &point.position[..]), "component", "critical point");
    table.floats("loss", rows().map(|(_, point)| point.loss).collect(), "loss L there");
    table.vectors(
        "eigenvalues",
        rows().map(|(_, point)| &point.eigenvalues[..]),
        "direction",
        "eigenvalues of the Hessian",
    );
    table.integers(
        "index",
        rows().map(|(_, p)| p.index() as i64),
        "directions in which the loss falls: 0 for a minimum",
    );
    let mut ends = Rows::new("ends", "branch", over.branches.len(), "number of the branch", grid);
    for (side, name) in ["first", "last"].into_iter().enumerate() {
        ends.words(name, over.branches.iter().map(|branch| branch.ends[side].words()), "why the branch ends there");
    }
    table.group.groups.push(ends.group);
    table.group
}

fn folds(grid: &Grid, over: &Over) -> Group {
    let turn = |k: usize, branch: &'_ Branch| branch.turns.iter().map(|turn| (k, turn.clone())).collect::<Vec<_>>();
    let all: Vec<(usize, Turn)> = over.branches.iter().enumerate().flat_map(|(k, branch)| turn(k, branch)).collect();
    let long_name = "number of the fold";
    let mut table = Rows::new("folds", "fold_number", all.len(), long_name, grid);
    table.floats(&over.name, all.iter().map(|(_, turn)| turn.value).collect(), "value of the parameter");
    for (k, axis) in grid.axes().iter().enumerate() {
        table.floats(axis.variable(), all.iter().map(|(_, turn)| turn.position[k]).collect(), "critical point there");
    }
    // in a group of their own: variables may be called as they are
    let mut about = Rows::new("about", "fold_number", all.len(), long_name, grid);
    about.integers("branch", all.iter().map(|(k, _)| *k as i64), "number of the branch");
    about.integers("after", all.iter().map(|(_, turn)| turn.after as i64), "number of the branch's point before it");
    about.words("kind", all.iter().map(|(_, turn)| word(turn.kind)), "fold, or crossing with another branch");
    about.vectors("flat", all.iter().map(|(_, turn)| &turn.direction[..]), "component", "v with Hv = 0, |v| = 1");
    let transversality = all.iter().map(|(_, turn)| turn.transversality).collect();
    about.floats("transversality", transversality, "v·∂_c∇L, not 0 at a regular fold");
    about.floats("cubic", all.iter().map(|(_, turn)| turn.cubic).collect(), "∇³L[v, v, v], not 0 at a regular fold");
    table.group.groups.push(about.group);
    table.group
}

fn fits(over: &Over) -> Option<Group> {
    let fits = &over.fits;
    let [input, target] = fits.columns.as_ref()?;
    let (n, width) = (fits.fitted.len(), fits.inputs.len());
    let mut group = Group::new("fits");
    group.set("input_column", Attribute::Text(input.clone()));
    group.set("target_column", Attribute::Text(target.clone()));
    let point = |k: usize| -> &BranchPoint { &over.branches[fits.fitted[k].0].points[fits.fitted[k].1] };
    let numbers = |f: &dyn Fn(usize) -> i64| Values::Integer((0..n).map(f).collect::<Array1<i64>>().into_dyn());
    let values = array(&[n], (0..n).map(|k| point(k).value).collect());
    let fitted = array(&[n, width], fits.fitted.iter().flat_map(|(.., h)| h.clone()).collect());
    group.datasets = vec![
        index_scale("fit", n, "number of the fitted function"),
        vector("input", fits.inputs.clone(), "1", &format!("{input}, where fitted functions are given")),
        Dataset::new("branch", numbers(&|k| fits.fitted[k].0 as i64), &["fit"], "1", "number of the branch"),
        Dataset::new("index", numbers(&|k| point(k).index() as i64), &["fit"], "1", "0 for a minimum"),
        Dataset::float("value", values, &["fit"], "1", &over.name),
        Dataset::float("fitted", fitted, &["fit", "input"], "1", "fitted function"),
    ];
    Some(group)
}

fn leave_one_out(grid: &Grid, told: &LeaveOneOut) -> Group {
    let mut group = Group::new("leave_one_out");
    for (k, (ranking, fates)) in told.ranking.iter().zip(&told.fates).enumerate() {
        let mut table = Rows::new(&k.to_string(), "rank", ranking.len(), "the sample that moves it most first", grid);
        let minimum = &told.minima[k];
        table.group.set("loss", Attribute::Float(minimum.loss));
        let position = array(&[grid.dimension()], minimum.position.clone());
        table.group.datasets.push(Dataset::float("position", position, &["component"], "1", "the minimum"));
        let fate = |sample: usize| fates.iter().find(|fate| fate.sample == sample);
        table.integers("sample", ranking.iter().map(|one| one.sample as i64), "number of the sample");
        let derivatives = ranking.iter().map(|one| &one.derivative[..]);
        table.vectors("derivative", derivatives, "component", "derivative of the minimum by the sample's weight");
        let survives = |sample| fate(sample).map_or(-1, |fate| i64::from(fate.survives()));
        let long_name = "1 the minimum is there without the sample, 0 not, -1 not followed";
        table.integers("survives", ranking.iter().map(|one| survives(one.sample)), long_name);
        let at_fold =
            |sample| fate(sample).filter(|fate| fate.end == End::Fold).map_or(f64::NAN, |fate| fate.last.value);
        let weights = ranking.iter().map(|one| at_fold(one.sample)).collect();
        table.floats("weight_at_fold", weights, "weight of the sample below which the minimum is not there");
        let nowhere = vec![f64::NAN; grid.dimension()];
        let last = |sample| fate(sample).map_or(&nowhere[..], |fate| &fate.last.position[..]);
        let places = ranking.iter().map(|one| last(one.sample));
        table.vectors(
            "position_without",
            places,
            "component",
            "where it is without the sample, or where its branch ends",
        );
        group.groups.push(table.group);
    }
    let mut born = Rows::new("born", "born", told.born.len(), "critical points without a sample alone", grid);
    born.integers("sample", told.born.iter().map(|born| born.sample as i64), "number of the sample");
    born.vectors("position", told.born.iter().map(|born| &born.point.position[..]), "component", "where it is without");
    born.integers("index", told.born.iter().map(|born| born.point.index() as i64), "0 for a minimum");
    born.floats("weight", told.born.iter().map(|born| born.last.value).collect(), "weight up to which it is there");
    born.words("end", told.born.iter().map(|born| born.end.words()), "how it ends as the weight grows");
    group.groups.push(born.group);
    group
}
