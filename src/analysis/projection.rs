//! How well projected amplitudes are determined over the grid: rank and condition number of Φ.

use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::grid::Grid;

use super::place;
use crate::record::{Attribute, Group};
use crate::text::short;

/// Condition numbers above this are warned of: amplitudes keep fewer than eight digits.
const ILL: f64 = 1e8;

/// Sets `rank_min` and `condition_max` of `/problem`, where amplitudes are projected; returns what is to be warned of.
pub fn report(problem: &mut Group, model: &dyn Model, grid: &Grid) -> Vec<String> {
    let field = |name: &str| {
        let values = problem.datasets.iter().find(|d| d.name == name)?.as_float()?;
        Some(values.iter().copied().collect::<Vec<f64>>()).filter(|v| v.len() == grid.len())
    };
    let (Some(rank), Some(condition), Some(regression)) =
        (field("rank"), field("condition_number"), model.regression())
    else {
        return Vec::new();
    };
    let units = regression.parameters().saturating_sub(grid.dimension());
    let at = |cell: usize| place(grid, &grid.center(cell)[..grid.dimension()]);
    let lost: Vec<usize> = (0..grid.len()).filter(|&cell| rank[cell] < units as f64).collect();
    let mut warnings = Vec::new();
    if let Some(&worst) = lost.iter().min_by(|&&a, &&b| rank[a].total_cmp(&rank[b])) {
        warnings.push(format!(
            "projection: Φ has lost rank in {} of {} cells, down to {} of {units} at {}: columns that depend on earlier ones \
             are left out there, with amplitudes 0; the fit is that of the others",
            lost.len(),
            grid.len(),
            rank[worst],
            at(worst)
        ));
    }
    // where rank is lost the condition number says nothing more
    let kept = (0..grid.len()).filter(|&cell| rank[cell] >= units as f64);
    if let Some(worst) = kept.max_by(|&a, &b| condition[a].total_cmp(&condition[b])) {
        problem.set("condition_max", Attribute::Float(condition[worst]));
        if condition[worst] > ILL {
            warnings.push(format!(
                "projection: the condition number of Φ reaches {} at {}: amplitudes keep about {:.0} digits there",
                short(condition[worst]),
                at(worst),
                (16.0 - condition[worst].log10()).max(0.0)
            ));
        }
    }
    problem.set("rank_min", Attribute::Integer(rank.iter().copied().fold(f64::INFINITY, f64::min) as i64));
    warnings
}
