//! `analysis.merge_tree`: the basins of the loss, over which saddles they meet and how high those are, and the same of Φ = −T ln ρ where the
//! stationary density is known; `/landscape/merge_tree`, `/landscape/potential`.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::landscape::{Leaf, PotentialLandscape, critical_points, merge_tree, potential_landscape};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::tabulate;
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;
use ndarray::Array1;

use super::critical_points::{Heights, LOSS, Landscape, fill, with_basins};
use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Scale, Subject};
use crate::reader::Located;
use crate::reader::table::{Table, Value};
use crate::record::read::{column, find, floats, integers};
use crate::record::scales::{array, component_scale, index_scale};
use crate::record::{Attribute, Dataset, Group, Record, Values};
use crate::summary::axis_lengths;
use crate::text::beside;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "merge_tree",
    key: Some("merge_tree"),
    about: "true: where the basins of the loss meet and how high the barriers are, and those of Φ = −T ln ρ; /landscape/merge_tree",
    subject: Subject::Law,
    groups: &["landscape"],
    read,
    words,
};

/// Persistence below which two heights of the loss are not told apart, in units of its range.
const ROUNDING: f64 = 1e-12;
/// Of the potential.
const POTENTIAL: Heights = Heights { name: "potential", words: "potential Φ = −T ln ρ" };
/// Names of the columns of a tree, which are its rows' numbers.
const COLUMNS: &str = "leaf saddle parent persistence";

#[derive(Debug, Clone)]
struct MergeTree {
    written: Located<bool>,
}

/// The trees that were found.
struct Trees {
    loss: Option<(Landscape, Vec<Leaf>)>,
    potential: Option<PotentialLandscape>,
}

fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let written = table.optional("merge_tree", Value::boolean)?;
    Ok(written.map(|written| Arc::new(MergeTree { written }) as Arc<dyn Request>))
}

impl Request for MergeTree {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        if self.written.value && !context.problem.model.has_loss() {
            context
                .notes
                .push("merge_tree: this drift is not the gradient of a loss: the tree is that of Φ alone".into());
        }
        Ok(self.written.value.then(|| Arc::new(self.clone()) as Arc<dyn Analysis>))
    }

    fn numbers_per_cell(&self, _scale: &Scale) -> f64 {
        6.0
    }
}

impl Analysis for MergeTree {
    /// None where there is neither a loss nor a stationary density.
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        (finished.progress)("merge tree");
        let problem = finished.problem;
        let loss = problem.model.has_loss().then(|| of_loss(problem));
        if (finished.interrupt)() {
            return Err(Error::Interrupted { time: 0.0 });
        }
        let of_law = |law: &fpsolve_solvers::fokker_planck::Stationary| {
            potential_landscape(&problem.grid, &law.potential, problem.temperature)
        };
        let potential = finished.stationary.and_then(of_law);
        let found = Trees { loss, potential };
        Ok((found.loss.is_some() || found.potential.is_some()).then(|| Box::new(found) as Box<dyn Findings>))
    }
}

fn of_loss(problem: &Problem) -> (Landscape, Vec<Leaf>) {
    let (model, grid) = (&*problem.model, &problem.grid);
    let loss = tabulate(grid, 1, 1, |points, out| model.loss(points, out));
    let mut points = critical_points(model, grid, &loss);
    let finite = || loss.iter().copied().filter(|l| l.is_finite());
    let range = finite().fold(f64::NEG_INFINITY, f64::max) - finite().fold(f64::INFINITY, f64::min);
    let tree = merge_tree(model, grid, &loss, &mut points, ROUNDING * range);
    (with_basins(grid, &loss, points), tree)
}

impl Findings for Trees {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        let group = record.group_mut("landscape");
        if let Some((landscape, tree)) = &self.loss {
            *group = Group::new("landscape"); // with the saddles that the tree needed besides
            fill(group, problem, landscape, &LOSS);
            group.groups.push(tree_group(&problem.grid, tree, &LOSS));
        }
        if let Some(PotentialLandscape { points, basin, tree }) = &self.potential {
            let inner = group.group_mut("potential");
            let landscape = Landscape { points: points.clone(), basin: basin.clone() };
            fill(inner, problem, &landscape, &POTENTIAL);
            inner.groups.push(tree_group(&problem.grid, tree, &POTENTIAL));
        }
    }
}

/// `merge_tree`: over `leaf`, eldest first, the numbers of `minimum` and `saddle` among the critical points (−1 for a place at a wall), the leaf
/// `parent` (−1 for the eldest), `persistence`, and where and how high bottoms and passes are.
fn tree_group(grid: &Grid, tree: &[Leaf], heights: &Heights) -> Group {
    let (n, d, own) = (tree.len(), grid.dimension(), ["leaf"]);
    let mut group = Group::new("merge_tree");
    group.set("columns", Attribute::Text(COLUMNS.into()));
    group.datasets = vec![index_scale("leaf", n, "number of the basin, eldest first"), component_scale(grid)];
    let mut number = |name: &str, of: &dyn Fn(&Leaf) -> Option<usize>, long_name: &str| {
        let values: Array1<i64> = tree.iter().map(|leaf| of(leaf).map_or(-1, |k| k as i64)).collect();
        group.datasets.push(Dataset::new(name, Values::Integer(values.into_dyn()), &own, "1", long_name));
    };
    number("minimum", &|leaf| leaf.minimum, "number of its critical point, −1 for a place at a wall");
    number("saddle", &|leaf| leaf.end.as_ref()?.saddle, "number of the critical point where it ends, −1 for none");
    number("parent", &|leaf| Some(leaf.end.as_ref()?.parent), "leaf in which it ends, −1 for the eldest");
    let mut height = |name: &str, of: &dyn Fn(&Leaf) -> f64, long_name: &str| {
        let values = array(&[n], tree.iter().map(of).collect());
        group.datasets.push(Dataset::float(name, values, &own, "1", long_name));
    };
    height("persistence", &Leaf::persistence, "height of the pass over the bottom, infinite for the eldest");
    height(heights.name, &|leaf| leaf.height, &format!("{} at the bottom", heights.words));
    let pass = |leaf: &Leaf| leaf.end.as_ref().map_or(f64::NAN, |pass| pass.height);
    height(&format!("saddle_{}", heights.name), &pass, &format!("{} at the pass", heights.words));
    let mut place = |name: &str, of: &dyn Fn(&Leaf) -> Vec<f64>, long_name: &str| {
        let values = array(&[n, d], tree.iter().flat_map(of).collect());
        group.datasets.push(Dataset::float(name, values, &["leaf", "component"], "1", long_name));
    };
    place("position", &|leaf| leaf.position.clone(), "the bottom");
    let at = |leaf: &Leaf| leaf.end.as_ref().map_or(vec![f64::NAN; d], |pass| pass.position.clone());
    place("saddle_position", &at, "the pass");
    group
}

/// How high the barriers are.
fn words(record: &Record) -> Vec<String> {
    let of = |path: &str, name: &str, what: &str| {
        let tree = record.group(&format!("{path}/merge_tree"))?;
        lines(record, tree, name, what)
    };
    let trees = [of("landscape", "loss", "L"), of("landscape/potential", "potential", "Φ")];
    trees.into_iter().flatten().flatten().collect()
}

/// Most leaves in words.
const LEAVES: usize = 5;

fn lines(record: &Record, tree: &Group, name: &str, what: &str) -> Option<Vec<String>> {
    let (persistence, height) = (column(tree, "persistence")?, column(tree, name)?);
    let (parent, position) = (integers(find(tree, "parent")?)?, floats(find(tree, "position")?)?);
    let lengths = axis_lengths(record);
    let d = lengths.len();
    let place = |k: usize| {
        let words = position[k * d..(k + 1) * d].iter().zip(&lengths).map(|(t, l)| beside(*t, *l));
        format!("({})", words.collect::<Vec<_>>().join(", "))
    };
    let eldest = (0..height.len()).filter(|&k| parent[k] < 0).map(place).collect::<Vec<_>>().join(", ");
    let ends = (0..height.len()).filter(|&k| parent[k] >= 0);
    let ends: Vec<String> = ends
        .map(|k| {
            format!(
                "{} ends in {} over a barrier of {}",
                place(k),
                place(parent[k] as usize),
                beside(persistence[k], 0.0)
            )
        })
        .collect();
    let more = if ends.len() > LEAVES { format!("; and {} more", ends.len() - LEAVES) } else { String::new() };
    let ends = match ends.is_empty() {
        true => "one basin".to_string(),
        false => ends.iter().take(LEAVES).cloned().collect::<Vec<_>>().join("; ") + &more,
    };
    Some(vec![format!("merge tree of {what}: eldest {eldest}; {ends}")])
}
