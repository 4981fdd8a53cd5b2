//! What was found, as tables.

use fpsolve_solvers::landscape::genesis::{Branch, BranchPoint, End, Fate, LeaveOneOut};
use fpsolve_solvers::problem::grid::Grid;

use super::compute::{Found, Over};
use super::record::word;
use crate::analysis::critical_points::kind;
use crate::text::{count, short, table};

/// The tables of everything that was found.
pub fn report(grid: &Grid, found: &Found) -> String {
    let mut out = String::new();
    if let Some(over) = &found.over {
        branches(grid, over, &mut out);
        folds(grid, over, &mut out);
    }
    if let Some(told) = &found.left_out {
        left_out(grid, told, &mut out);
    }
    out
}

fn names(grid: &Grid) -> impl Iterator<Item = String> {
    grid.axes().iter().map(|axis| axis.variable().to_string())
}

/// What a branch is, one kind after the other.
fn kinds(branch: &Branch, d: usize) -> String {
    let mut kinds: Vec<&str> = branch.points.iter().map(|point| kind(point.index(), d)).collect();
    kinds.dedup();
    kinds.join(" – ")
}

fn branches(grid: &Grid, over: &Over, out: &mut String) {
    let range = format!("{} from {} to {}", over.name, short(over.range[0]), short(over.range[1]));
    *out += &format!("{} of critical points over {range}\n", plural(over.branches.len()));
    let mut lines = vec![["", "kind", "begins", "ends", "folds"].map(String::from).to_vec()];
    for (k, branch) in over.branches.iter().enumerate() {
        let end = |side: usize, point: &BranchPoint| {
            format!(
                "{} = {}: {} ({})",
                over.name,
                short(point.value),
                place(grid, &point.position),
                branch.ends[side].words()
            )
        };
        let (first, last) = (&branch.points[0], &branch.points[branch.points.len() - 1]);
        let ends = match branch.ends[0] {
            End::Loop => [place(grid, &first.position), "closed loop".to_string()],
            _ => [end(0, first), end(1, last)],
        };
        let [begins, ends] = ends;
        lines.push(vec![k.to_string(), kinds(branch, grid.dimension()), begins, ends, branch.turns.len().to_string()]);
    }
    table(&lines, out);
}

fn plural(n: usize) -> String {
    if n == 1 { "1 branch".into() } else { format!("{n} branches") }
}

fn place(grid: &Grid, position: &[f64]) -> String {
    let parts: Vec<String> = names(grid).zip(position).map(|(name, x)| format!("{name} = {x:.6}")).collect();
    parts.join(", ")
}

fn folds(grid: &Grid, over: &Over, out: &mut String) {
    if over.branches.iter().all(|branch| branch.turns.is_empty()) {
        return;
    }
    let head = ["", "branch", over.name.as_str()].map(String::from).into_iter().chain(names(grid));
    let mut lines = vec![head.chain(["v·∂∇L", "∇³L[v,v,v]"].map(String::from)).collect::<Vec<_>>()];
    for (k, branch) in over.branches.iter().enumerate() {
        for turn in &branch.turns {
            let place = turn.position.iter().map(|x| digits(*x));
            let row = [word(turn.kind).into(), k.to_string(), digits(turn.value)].into_iter().chain(place);
            lines.push(row.chain([short(turn.transversality), short(turn.cubic)]).collect());
        }
    }
    table(&lines, out);
}

/// Ten digits behind the point, and no minus before a zero.
fn digits(x: f64) -> String {
    format!("{:.10}", if x.abs() < 5e-11 { 0.0 } else { x })
}

fn left_out(grid: &Grid, told: &LeaveOneOut, out: &mut String) {
    for (minimum, (ranking, fates)) in told.minima.iter().zip(told.ranking.iter().zip(&told.fates)) {
        let at = place(grid, &minimum.position);
        *out += &format!("minimum {at}, L = {}, without one sample\n", short(minimum.loss));
        let head = ["sample".to_string()].into_iter().chain(names(grid).map(|name| format!("d{name}/dc")));
        let mut lines = vec![head.chain(["without it".to_string()]).collect::<Vec<_>>()];
        for one in ranking {
            let Some(fate) = fates.iter().find(|fate| fate.sample == one.sample) else { continue };
            let derivative = one.derivative.iter().map(|x| short(*x));
            let row = [one.sample.to_string()].into_iter().chain(derivative);
            lines.push(row.chain([becomes(grid, fate)]).collect());
        }
        table(&lines, out);
        let rest = ranking.len() - fates.len();
        if rest > 0 {
            *out += &format!("  and {} that move it less\n", count(rest, "sample"));
        }
    }
    for born in &told.born {
        let what = kind(born.point.index(), grid.dimension());
        let until = match born.end {
            End::Fold => format!("until a fold at a weight of {}", short(born.last.value)),
            end => format!("{} at a weight of {}", end.words(), short(born.last.value)),
        };
        *out += &format!(
            "without sample {} there is a {what} more at {}: {until}\n",
            born.sample,
            place(grid, &born.point.position)
        );
    }
}

fn becomes(grid: &Grid, fate: &Fate) -> String {
    let at = place(grid, &fate.last.position);
    match fate.end {
        End::Range => format!("stays, {at}, L = {}", short(fate.last.loss)),
        End::Fold => format!("is not there: a weight of {:.8} makes it, by a fold at {at}", fate.last.value),
        End::Box => format!("leaves the box at a weight of {}, {at}", short(fate.last.value)),
        End::Loop | End::Lost | End::Steps => {
            format!("{} at a weight of {}, {at}", fate.end.words(), short(fate.last.value))
        }
    }
}
