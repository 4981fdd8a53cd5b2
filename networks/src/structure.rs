//! The same planes for networks of several sizes: barriers between independently trained minima, noise, escape times.

use fpsolve::engine::fokker_planck;
use fpsolve::error::Failure;
use fpsolve::reader::Source;
use fpsolve::record::hdf5::{self, Existing};
use fpsolve::record::read::float;
use fpsolve::record::scales::{array, index_scale};
use fpsolve::record::{Attribute, Dataset, Group, Record, Values};
use fpsolve::run::Reached;
use fpsolve::signal;
use fpsolve_solvers::engine::State;
use fpsolve_solvers::model::{Model, SampleModel};

use crate::data::DataSet;
use crate::network::{Architecture, Network};
use crate::progress::Progress;
use crate::record::text;
use crate::scenario::{Directions, RunName, Scenario, Slice, Structure};
use crate::slice::{self, Cut};
use crate::train::{Curve, Event, RunState, Trainer};

/// Points of a line between two minima.
const LINE: usize = 101;
/// Cells along each axis for escape times.
const CELLS: usize = 64;

/// What is collected of a network.
const COLLECTED: [(&str, &str); 5] = [
    ("barrier", "barrier on the line"),
    ("trace_d", "tr D at a minimum"),
    ("escape_steps", "steps to escape"),
    ("test_accuracy", "test accuracy"),
    ("train_loss", "training loss"),
];

/// Trains every network from the seeds of the slice and cuts it: a table `/sweep` over the number of parameters. None where it was
/// interrupted. Errors: losses that are no numbers; images that are too small.
pub fn sweep(
    scenario: &Scenario,
    structure: &Structure,
    data: &DataSet,
    device: &burn_tensor::Device,
    progress: &mut Progress,
) -> Result<Option<Group>, Failure> {
    let slice = &scenario.slices[0];
    let mut networks: Vec<Network> = Vec::new();
    for architecture in &structure.architectures {
        networks.push(crate::session::network_of(scenario, architecture, data)?);
    }
    networks.sort_by_key(Network::len);
    let mut rows = Vec::new();
    for network in &networks {
        let trainer = Trainer { scenario, data, network, device: device.clone(), keep_path: false };
        let Some(row) = row(&trainer, slice, structure.escape, progress)? else { return Ok(None) };
        rows.push(row);
    }
    Ok(Some(table(&networks, &rows)))
}

/// The collected numbers of a network.
fn row(
    trainer: &Trainer,
    slice: &Slice,
    rates: Option<(f64, usize)>,
    progress: &mut Progress,
) -> Result<Option<[f64; 5]>, Failure> {
    let Directions::Minima(others) = slice.directions else { return Ok(None) };
    let mut runs = Vec::new();
    for RunName { rule, seed } in [slice.run, others[0], others[1]] {
        let mut run = trainer.start(rule, seed);
        let title =
            format!("{}, {} parameters, seed {seed}", words(&trainer.network.architecture), trainer.network.len());
        let epochs = trainer.scenario.training.epochs;
        let done = trainer.advance(&mut run, &mut |state, event| match event {
            Event::Step => progress.step(&title, state, trainer.batch_size()),
            Event::Epoch { .. } => progress.epoch(&title, state, epochs),
        })?;
        if !done {
            return Ok(None);
        }
        runs.push(run);
    }
    let Some(cut) = slice::cut(trainer, &runs, slice, progress)? else { return Ok(None) };
    let mean =
        |curve: Curve| runs.iter().filter_map(|run: &RunState| run.curve(curve).last().copied()).sum::<f64>() / 3.0;
    let model = cut.table.model()?;
    let barriers = [1, 2].map(|k| barrier(&model, cut.plane.points[k].1));
    let (mut slope, mut packed) = ([0.0; 2], [0.0; 3]);
    model.gradient_covariance(&[0.0, 0.0], &mut slope, &mut packed);
    let trace = packed[0] / cut.plane.norms[0].powi(2) + packed[2] / cut.plane.norms[1].powi(2);
    let steps = escape(trainer, slice, &cut, barriers[0].1, rates)?;
    Ok(Some([0.5 * (barriers[0].0 + barriers[1].0), trace, steps, mean(Curve::TestAccuracy), mean(Curve::TrainLoss)]))
}

/// Height of the loss on the line from θ₀ to a point above its higher end, and the share of the way where it is highest.
fn barrier(model: &dyn Model, end: [f64; 2]) -> (f64, f64) {
    let share = |k: usize| k as f64 / (LINE - 1) as f64;
    let points: Vec<f64> = (0..2).flat_map(|d| (0..LINE).map(move |k| share(k) * end[d])).collect();
    let mut loss = vec![0.0; LINE];
    model.loss(&points, &mut loss);
    let top = (0..LINE).max_by(|&a, &b| loss[a].total_cmp(&loss[b])).unwrap_or(0);
    (loss[top] - loss[0].max(loss[LINE - 1]), share(top))
}

/// Mean number of steps from θ₀ to where the way to the next minimum is past its highest point; NaN where the equation has no answer.
/// Errors: no folder for the table.
fn escape(
    trainer: &Trainer,
    slice: &Slice,
    cut: &Cut,
    share: f64,
    escape: Option<(f64, usize)>,
) -> Result<f64, Failure> {
    let refused = |why: String| Failure::run(fpsolve::error::advice(format!("the escape time of a slice: {why}"), ""));
    let folder = tempfile::tempdir().map_err(|error| refused(error.to_string()))?;
    let mut record = Record::new("");
    record.group_mut("slice").groups.push(cut.group.clone());
    let path = folder.path().join("slice.h5");
    hdf5::write(&record, &path, Existing::Kept).map_err(|error| refused(error.to_string()))?;
    let training = &trainer.scenario.training;
    let own = (training.rate.start / (1.0 - training.momentum) / cut.plane.norms[0].powi(2), trainer.batch_size());
    let (rate, batch_size) = escape.unwrap_or(own);
    let [x, y] = cut.plane.points[1].1;
    let target = format!("s*({x:?}) + t*({y:?}) > {:?}", share * (x * x + y * y));
    let axis =
        |k: usize| format!("{{ from = {:?}, to = {:?}, cells = {CELLS} }}", slice.axes[k].from, slice.axes[k].to);
    let law = format!(
        "engines = [\"{}\"]\n[model]\nkind = \"table\"\nfile = \"slice.h5\"\ngroup = \"slice/{}\"\nvariables = [\"s\", \"t\"]\n\
         [dynamics]\nlearning_rate = {rate:?}\nbatch_size = {}\n[grid]\naxes = [{}, {}]\n[initial]\nkind = \"point\"\nat = [0, 0]\n\
         [time]\nend = {rate:?}\noutputs = 2\n[analysis]\nfirst_passage = [{{ name = \"over\", from = [0, 0], target = \"{target}\" }}]\n",
        fokker_planck::ENTRY.word,
        slice.name,
        batch_size,
        axis(0),
        axis(1)
    );
    let law = fpsolve::scenario::Scenario::parse(Source::from_text(&folder.path().join("law.toml"), law))?;
    let prepared = law.problem()?;
    let reached = Reached::from(&law, State::default());
    let record = fpsolve::run::run(&prepared, &signal::interrupted, &|_| (), &reached).record;
    let time = record.group("escape/over").and_then(|group| float(group, "from_value"));
    Ok(time.map_or(f64::NAN, |time| time / rate))
}

/// A network in a word: its channels and hidden units.
fn words(architecture: &Architecture) -> String {
    match architecture {
        Architecture::Cnn { channels, hidden } => {
            let channels: Vec<String> = channels.iter().map(usize::to_string).collect();
            format!("{}/{hidden}", channels.join("-"))
        }
        Architecture::Linear | Architecture::AlexNet { .. } | Architecture::ResNet { .. } => architecture.title(),
    }
}

/// `/sweep` as `fpsolve sweep` writes it.
fn table(networks: &[Network], rows: &[[f64; 5]]) -> Group {
    let mut group = Group::new("sweep");
    let n = networks.len();
    let axes = ["parameters"];
    group.set("collected", text(COLLECTED.map(|(name, _)| name).join(" ")));
    let counts: ndarray::Array1<i64> = networks.iter().map(|network| network.len() as i64).collect();
    group.datasets.push(Dataset::new(axes[0], Values::Integer(counts.into_dyn()), &axes, "1", "number of parameters"));
    for (k, (name, long_name)) in COLLECTED.iter().enumerate() {
        let values = rows.iter().map(|row| row[k]).collect();
        group.datasets.push(Dataset::float(name, array(&[n], values), &axes, "1", long_name));
    }
    let names = networks.iter().map(|network| words(&network.architecture)).collect();
    group.datasets.push(Dataset::new("architecture", Values::Text(names), &axes, "1", "channels and hidden units"));
    let done = ndarray::Array1::<i64>::zeros(n).into_dyn();
    group.datasets.push(Dataset::new("status", Values::Integer(done), &axes, "1", "0: done"));
    group.datasets.push(index_scale("case", n, "number of the network"));
    group.set("of", Attribute::Text("structure".into()));
    group
}
