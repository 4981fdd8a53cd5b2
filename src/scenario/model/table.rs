//! `kind = "table"`: arrays of a file at the nodes of a lattice: losses or gradients of samples, or a loss or drift with D.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::model;
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::model::table::{Fields, Lattice, SplineAxis, TableModel};
use fpsolve_solvers::numerics::symmetric::packed_index;
use miette::Result;
use ndarray::{ArrayD, Axis};

use super::variables::variables;
use super::{Brought, Given, Model, ModelKind, Parameter, Read};
use crate::reader::{Kind, Located, Table};
use crate::scenario::data::Data;
use crate::scenario::data::load::named::NamedArrays;

pub(super) const KIND: Kind<'static, Read> = Kind { word: "table", keys: &["file", "group"], meaning: read };

/// Largest relative difference of D from its transpose.
const ASYMMETRY: f64 = 1e-6;
/// Arrays that are read, beside the nodes of the axes.
const FIELDS: [&str; 6] = ["losses", "gradients", "loss", "drift", "gradient", "diffusion"];
/// Largest difference of `loss` from the mean of `losses`, as a share of their range.
const DIFFERENCE: f64 = 1e-3;
/// Why a table of other arrays has no samples.
const NO_SAMPLES: &str = "this table has no `losses` or `gradients` of samples";

/// What was read of the file.
struct Tabulated {
    file: Located<String>,
    lattice: Lattice,
    fields: Fields,
    /// Arrays of the file that are not read.
    others: Vec<String>,
}

impl std::fmt::Debug for Tabulated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tabulated {{ file: {:?}, shape: {:?} }}", self.file.value, self.lattice.shape())
    }
}

fn read(table: &Table, data: Option<Located<Data>>) -> Result<Model> {
    let source = table.source();
    if let Some(data) = &data {
        let help = "remove [model.data]: a table of losses has its samples itself";
        let message = "kind = \"table\" reads its own file, but there is a [model.data]";
        return Err(source.error(&data.span, message, "not read for this kind", help));
    }
    let help = "write file = \"slice.npz\" (or .h5, .nc): one array for each variable, and `losses`, or `loss` or `drift` with `diffusion`";
    let file = table.require("file", help)?.string()?;
    let group = table.optional("group", |value| value.string())?;
    let variables = variables(table)?;
    let names: Vec<String> = variables.value.iter().map(|name| name.value.clone()).collect();
    if let Some(name) = variables.value.iter().find(|name| FIELDS.contains(&name.value.as_str())) {
        let message = format!("a variable of a table cannot be called `{}`", name.value);
        return Err(source.error(&name.span, message, "the name of an array of the table", "rename it"));
    }
    let arrays = NamedArrays::open(source, &file, &["model", "file"], group.as_ref())?;
    let axis = |name: &String| {
        let nodes = arrays.require(name, "each of `variables` names the array with the nodes of its axis")?;
        if nodes.ndim() != 1 {
            let message = format!("the axis `{name}` of {} has the shape {:?}", arrays.name(), nodes.shape());
            return Err(arrays.error(message, "not one axis", "give its nodes as an array with one axis"));
        }
        let axis = SplineAxis::new(name, nodes.into_iter().collect());
        axis.map_err(|error| source.solver_error(&file.span, &format!("the axis `{name}`"), &error))
    };
    let axes = names.iter().map(axis).collect::<Result<Vec<_>>>()?;
    let lattice = Lattice::new(axes).map_err(|error| source.solver_error(&file.span, "this table", &error))?;
    let fields = Reader { arrays: &arrays, lattice: &lattice, names: &names }.fields()?;
    let known: Vec<&str> = FIELDS.into_iter().chain(names.iter().map(String::as_str)).collect();
    let others = arrays.others(&known, &lattice.shape())?;
    let kind = Tabulated { file: file.clone(), lattice, fields, others };
    Ok(Model { variables, kind: Arc::new(kind), data: None })
}

/// Reads the arrays of a table.
struct Reader<'a> {
    arrays: &'a NamedArrays<'a>,
    lattice: &'a Lattice,
    names: &'a [String],
}

impl Reader<'_> {
    /// What the file gives. Errors: arrays of other shapes; a single sample; nothing to take a drift from; D that is not symmetric.
    fn fields(&self) -> Result<Fields> {
        let d = self.lattice.dimension();
        let losses = self.array("losses", &["m"])?;
        let gradients = self.array("gradients", &["m", "d"])?;
        let loss = self.array("loss", &[])?;
        let (drift, gradient) = (self.array("drift", &["d"])?, self.array("gradient", &["d"])?);
        let diffusion = self.array("diffusion", &["d", "d"])?;
        self.check_samples(losses.as_ref(), gradients.as_ref())?;
        if let (Some(losses), Some(loss)) = (&losses, &loss) {
            self.check_mean(losses, loss)?;
        }
        if drift.is_some() && gradient.is_some() {
            let help = "give one of them: the drift is −gradient";
            return Err(self.arrays.error(
                format!("{} has both `drift` and `gradient`", self.arrays.name()),
                "which one?",
                help,
            ));
        }
        let values = |array: Option<ArrayD<f64>>| array.map(|array| array.into_raw_vec_and_offset().0);
        let drift = values(drift).or_else(|| values(gradient).map(|g| g.into_iter().map(|g| -g).collect()));
        let diffusion = diffusion.map(|array| self.packed(d, &array)).transpose()?;
        let fields =
            Fields { losses: values(losses), gradients: values(gradients), loss: values(loss), drift, diffusion };
        if fields.losses.is_none() && fields.gradients.is_none() && fields.loss.is_none() && fields.drift.is_none() {
            let help = "with samples `losses` [m, …] or `gradients` [m, d, …], else `loss` […] or `drift` [d, …] with `diffusion` [d, d, …]";
            return Err(self.arrays.missing("losses", help));
        }
        Ok(fields)
    }

    /// An array whose axes are `leading` (m samples, d variables) and those of the lattice; in one dimension d may be left out.
    fn array(&self, name: &str, leading: &[&str]) -> Result<Option<ArrayD<f64>>> {
        let Some(array) = self.arrays.read(name, self.names)? else { return Ok(None) };
        let (shape, d) = (self.lattice.shape(), self.lattice.dimension());
        let fits = |leading: &[&str]| {
            let (front, back) = array.shape().split_at(array.ndim().saturating_sub(d));
            let sizes = front.iter().zip(leading).all(|(&n, &word)| if word == "d" { n == d } else { n > 0 });
            back == shape && front.len() == leading.len() && sizes
        };
        let samples_alone: Vec<&str> = leading.iter().copied().filter(|&word| word != "d").collect();
        if fits(leading) || (d == 1 && fits(&samples_alone)) {
            return Ok(Some(array));
        }
        let axes: Vec<String> = self.names.iter().zip(&shape).map(|(name, n)| format!("{name} ({n})")).collect();
        let sizes = leading.iter().map(|&word| if word == "d" { d.to_string() } else { word.to_string() });
        let wanted: Vec<String> = sizes.chain(shape.iter().map(usize::to_string)).collect();
        let message = format!(
            "`{name}` of {} has the shape {:?}; with {} it must be [{}]",
            self.arrays.name(),
            array.shape(),
            axes.join(" and "),
            wanted.join(", ")
        );
        let help = "the axes of the variables come last, in the order of `variables`; m is the number of samples, d of variables";
        Err(self.arrays.error(message, "wrong shape", help))
    }

    /// Errors: one sample; different numbers of samples.
    fn check_samples(&self, losses: Option<&ArrayD<f64>>, gradients: Option<&ArrayD<f64>>) -> Result<()> {
        let named = [("losses", losses), ("gradients", gradients)];
        let counts: Vec<(&str, usize)> =
            named.iter().filter_map(|(name, array)| Some((*name, array.as_ref()?.shape()[0]))).collect();
        if let Some((name, _)) = counts.iter().find(|(_, m)| *m == 1) {
            let message = format!("`{name}` of {} has one sample: batches of it have no noise", self.arrays.name());
            let help = "tabulate at least two samples, or give it as `loss` with a `diffusion`";
            return Err(self.arrays.error(message, "one sample", help));
        }
        match counts[..] {
            [(_, a), (_, b)] if a != b => {
                let message = format!("{} has `losses` of {a} samples and `gradients` of {b}", self.arrays.name());
                Err(self.arrays.error(message, "which samples?", "tabulate both for the same samples"))
            }
            _ => Ok(()),
        }
    }

    /// Errors: a `loss` that is not the mean of the `losses`.
    fn check_mean(&self, losses: &ArrayD<f64>, loss: &ArrayD<f64>) -> Result<()> {
        let Some(mean) = losses.mean_axis(Axis(0)) else { return Ok(()) };
        let [least, most] =
            [f64::min, f64::max].map(|f: fn(f64, f64) -> f64| mean.iter().copied().reduce(f).unwrap_or(0.0));
        // numbers that were saved in single precision differ by their rounding
        let bound = DIFFERENCE * (most - least) + f64::from(f32::EPSILON) * most.abs().max(least.abs()) * 8.0;
        let apart = mean.iter().zip(loss).enumerate().find(|(_, (mean, loss))| (*mean - *loss).abs() > bound);
        let Some((node, (mean, loss))) = apart else { return Ok(()) };
        let message = format!(
            "`loss` of {} is {loss} at {}, and the mean of `losses` is {mean} there",
            self.arrays.name(),
            self.lattice.place(node)
        );
        let help = "the loss of samples is their mean: leave `loss` out, or `losses`";
        Err(self.arrays.error(message, "which loss?", help))
    }

    /// D in packed form. Errors: a node where it is not symmetric.
    fn packed(&self, d: usize, array: &ArrayD<f64>) -> Result<Vec<f64>> {
        let n = self.lattice.len();
        let all: Vec<f64> = array.iter().copied().collect();
        let size = all.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let mut packed = vec![0.0; d * (d + 1) / 2 * n];
        for (i, j) in (0..d).flat_map(|i| (i..d).map(move |j| (i, j))) {
            for node in 0..n {
                let [a, b] = [all[(i * d + j) * n + node], all[(j * d + i) * n + node]];
                if (a - b).abs() > ASYMMETRY * size {
                    let place = self.lattice.place(node);
                    let message = format!(
                        "`diffusion`[{i}, {j}] of {} is {a} and [{j}, {i}] is {b} at {place}",
                        self.arrays.name()
                    );
                    return Err(self.arrays.error(message, "not symmetric", "a diffusion matrix is symmetric"));
                }
                packed[packed_index(d, i, j) * n + node] = 0.5 * (a + b);
            }
        }
        Ok(packed)
    }
}

impl ModelKind for Tabulated {
    fn parameters(&self) -> &[Parameter] {
        &[]
    }

    fn span(&self) -> Range<usize> {
        self.file.span.clone()
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn model::Model>> {
        let model = TableModel::new(self.lattice.clone(), self.fields.clone());
        Ok(Arc::new(model.map_err(|error| given.source.solver_error(&self.file.span, "this table", &error))?))
    }

    fn formulas(&self, _given: &Given) -> Result<Option<FormulaModel>> {
        Ok(None)
    }

    fn file(&self) -> Option<&Located<String>> {
        Some(&self.file)
    }

    fn notes(&self) -> Vec<String> {
        let names: Vec<String> = self.others.iter().take(10).map(|name| format!("`{name}`")).collect();
        match names.is_empty() {
            true => Vec::new(),
            false => vec![format!("table: not read of {}: {}", self.file.value, names.join(", "))],
        }
    }

    fn brings(&self, _data: bool) -> Brought {
        let fields = &self.fields;
        match (&fields.losses, &fields.gradients, &fields.diffusion) {
            (None, None, Some(_)) => Brought::Diffusion(NO_SAMPLES),
            (None, None, None) => Brought::Nothing(NO_SAMPLES),
            _ => Brought::Samples,
        }
    }
}
