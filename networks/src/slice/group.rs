//! `/slice/NAME` of a record.

use fpsolve::record::scales::{array, index_scale, name_scale, vector};
use fpsolve::record::{Attribute, Dataset, Group};
use fpsolve_solvers::model::SampleModel;
use fpsolve_solvers::model::table::TableModel;

use super::Plane;
use super::accuracy::Errors;
use super::table::{AXES, Table};
use crate::record::{MOST_PARAMETERS, text};
use crate::scenario::{Directions, Norm, Slice};
use crate::train::Trainer;

pub(super) fn slice_group(
    trainer: &Trainer,
    slice: &Slice,
    plane: &Plane,
    table: &Table,
    model: &TableModel,
    errors: &Errors,
) -> Group {
    let mut group = Group::new(slice.name.clone());
    let words = match slice.directions {
        Directions::Minima(_) => "minima",
        Directions::Pca => "pca",
        Directions::Hessian => "hessian",
        Directions::Random => "random",
    };
    group.set("directions", text(words));
    group.set("run", text(plane.points[0].0.clone()));
    group.set(
        "batch_norm",
        text(match slice.norm {
            Norm::Frozen => "frozen",
            Norm::Recomputed => "recomputed",
        }),
    );
    let training = &trainer.scenario.training;
    let [a, b] = plane.norms;
    let mut numbers = vec![
        ("a_norm", a),
        ("b_norm", b),
        ("cosine", plane.cosine),
        ("error_gradient", errors.gradient),
        ("error_D", errors.diffusion),
        ("error_D_largest", errors.diffusion_largest),
        ("learning_rate", training.rate.start),
        ("weight_decay_in_losses", training.weight_decay),
    ];
    if slice.orthogonal {
        numbers.push(("learning_rate_in_plane", training.rate.start / (a * a)));
    }
    numbers.extend(&plane.found);
    numbers.iter().for_each(|&(name, value)| group.set(name, Attribute::Float(value)));
    group.set("batch_size", Attribute::Integer(trainer.batch_size() as i64));
    let (s, t, m) = (table.nodes[0].len(), table.nodes[1].len(), table.samples.len());
    let float = |name: &str, shape: &[usize], values: Vec<f64>, axes: &[&str], long_name: &str| {
        Dataset::float(name, array(shape, values), axes, "1", long_name)
    };
    let samples = table.samples.iter().map(|&i| i as i64).collect::<ndarray::Array1<i64>>().into_dyn();
    let samples = fpsolve::record::Values::Integer(samples);
    group.datasets = vec![
        vector(AXES[0], table.nodes[0].clone(), "1", "first coordinate of the plane"),
        vector(AXES[1], table.nodes[1].clone(), "1", "second coordinate of the plane"),
        Dataset::new("sample", samples, &["sample"], "1", "number of the training image"),
        name_scale("component", &AXES, "component of a vector"),
        name_scale("row", &AXES, "row of a matrix"),
        name_scale("column", &AXES, "column of a matrix"),
        float("losses", &[m, s, t], table.losses.clone(), &["sample", "s", "t"], "losses of the training images"),
        float("loss", &[s, t], table.loss(), &["s", "t"], "mean loss"),
    ];
    let points = table.nodes[0].iter().flat_map(|&x| std::iter::repeat_n(x, t));
    let points: Vec<f64> = points.chain((0..s).flat_map(|_| table.nodes[1].iter().copied())).collect();
    let (mut gradient, mut packed) = (vec![0.0; 2 * s * t], vec![0.0; 3 * s * t]);
    model.gradient_covariance(&points, &mut gradient, &mut packed);
    let part = |k: usize| packed[k * s * t..(k + 1) * s * t].to_vec();
    let full = [part(0), part(1), part(1), part(2)].concat();
    group.datasets.push(float("gradient", &[2, s, t], gradient, &["component", "s", "t"], "slope of the mean loss"));
    let axes = ["row", "column", "s", "t"];
    group.datasets.push(float("diffusion", &[2, 2, s, t], full, &axes, "covariance of the samples' slopes"));
    let names: Vec<&str> = plane.points.iter().map(|(name, _)| name.as_str()).collect();
    group.datasets.push(name_scale("point", &names, "ends of runs"));
    for (k, axis) in AXES.iter().enumerate() {
        let at = plane.points.iter().map(|(_, point)| point[k]).collect();
        group.datasets.push(float(
            &format!("point_{axis}"),
            &[names.len()],
            at,
            &["point"],
            "coordinate of the end of a run",
        ));
    }
    let d = plane.origin.len();
    if d <= MOST_PARAMETERS {
        group.datasets.push(index_scale("value", d, "number of the value, parameter by parameter"));
        for (name, direction) in ["direction_a", "direction_b"].iter().zip(&plane.directions) {
            group.datasets.push(float(name, &[d], direction.clone(), &["value"], "direction of the plane"));
        }
    }
    group
}
