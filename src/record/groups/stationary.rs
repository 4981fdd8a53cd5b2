//! `/stationary`.

use fpsolve_solvers::engine::RefinedMoments;
use fpsolve_solvers::fokker_planck::Stationary;
use fpsolve_solvers::problem::density;
use fpsolve_solvers::problem::grid::Grid;

use crate::record::scales::{array, component_scale, field, matrix_scales, unpacked, variable_scales};
use crate::record::{Attribute, Dataset, Group};

/// What `/stationary` is made of.
#[derive(Debug, Clone, Copy)]
pub struct StationaryFields<'a> {
    /// Cell probabilities (n).
    pub probability: &'a [f64],
    /// Potential Φ = −T ln ρ shifted to min Φ = 0 (n).
    pub potential: &'a [f64],
    /// Probability current (d·n, coordinate-major); None where it is not computed.
    pub current: Option<&'a [f64]>,
    /// Mean (d).
    pub mean: &'a [f64],
    /// Covariance (packed).
    pub covariance: &'a [f64],
    /// Extrapolated moments; None where nothing coarser was solved.
    pub refined: Option<&'a RefinedMoments>,
}

/// `/stationary`: density, potential, current, mean, covariance, attributes.
pub fn stationary_group(grid: &Grid, fields: StationaryFields, attributes: &[(&'static str, Attribute)]) -> Group {
    let d = grid.dimension();
    let mut group = Group::new("stationary");
    for (key, value) in attributes {
        group.set(key, value.clone());
    }
    group.datasets = variable_scales(grid);
    group.datasets.push(component_scale(grid));
    group.datasets.extend(matrix_scales(grid));
    let density = density::from_probability(grid, fields.probability);
    group.datasets.push(field("density", grid, &[], density, "1", "stationary density, cell averages"));
    group.datasets.push(field("potential", grid, &[], fields.potential.to_vec(), "1", "potential Φ = −T ln ρ"));
    if let Some(current) = fields.current {
        let long_name = "stationary probability current J";
        group.datasets.push(field("current", grid, &[("component", d)], current.to_vec(), "1", long_name));
    }
    let mean = array(&[d], fields.mean.to_vec());
    group.datasets.push(Dataset::float("mean", mean, &["component"], "1", "stationary mean"));
    let covariance = array(&[d, d], unpacked(d, fields.covariance));
    group.datasets.push(Dataset::float("covariance", covariance, &["row", "column"], "1", "stationary covariance"));
    if let Some(refined) = fields.refined {
        let mut add = |name: &str, shape: &[usize], axes: &[&str], values: Vec<f64>, long_name: &str| {
            group.datasets.push(Dataset::float(name, array(shape, values), axes, "1", long_name));
        };
        let (vector, matrix) = (["component"], ["row", "column"]);
        add("mean_extrapolated", &[d], &vector, refined.mean.clone(), "stationary mean, error of the grid taken off");
        add("mean_error", &[d], &vector, refined.mean_error.clone(), "estimated error of the mean by the grid");
        let long_name = "stationary covariance, error of the grid taken off";
        add("covariance_extrapolated", &[d, d], &matrix, unpacked(d, &refined.covariance), long_name);
        let long_name = "estimated error of the covariance by the grid";
        add("covariance_error", &[d, d], &matrix, unpacked(d, &refined.covariance_error), long_name);
    }
    group
}

/// `/stationary` with how it was found.
pub fn group(grid: &Grid, stationary: &Stationary) -> Group {
    let fields = StationaryFields {
        probability: &stationary.probability,
        potential: &stationary.potential,
        current: Some(&stationary.current),
        mean: &stationary.mean,
        covariance: &stationary.covariance,
        refined: stationary.refined.as_ref(),
    };
    let mut attributes = vec![
        ("method", Attribute::Text(stationary.method.to_string())),
        ("reversible", Attribute::Integer(i64::from(stationary.reversible))),
        ("entropy_production", Attribute::Float(stationary.entropy_production)),
        ("entropy_production_error", Attribute::Float(stationary.entropy_production_error)),
        ("current_error", Attribute::Float(stationary.current_error)),
        ("residual", Attribute::Float(stationary.residual)),
        ("error_truncation", Attribute::Float(stationary.error_truncation)),
    ];
    attributes.extend(stationary.error_grid.map(|error| ("error_grid", Attribute::Float(error))));
    stationary_group(grid, fields, &attributes)
}
