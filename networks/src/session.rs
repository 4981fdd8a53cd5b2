//! A session: all runs of a scenario, one after the other, then its slices; what was reached is never lost.

use std::path::PathBuf;
use std::time::Instant;

use fpsolve::error::Failure;
use fpsolve::record::groups::comparison::{comparison_group, warning_rows};
use fpsolve::record::lookup::lookup;
use fpsolve::record::provenance::Provenance;
use fpsolve::record::{Attribute, Record};
use fpsolve::run::{Status, heading};
use fpsolve_validation::verdict::{Verdict, judge_expectations};

use crate::data::DataSet;
use crate::device;
use crate::network::pass::{Mode, values};
use crate::network::{Architecture, Network, flat};
use crate::progress::{Estimate, Progress};
use crate::record::{self, comparison, network_group, run_group};
use crate::scenario::{Directions, Scenario};
use crate::slice;
use crate::structure;
use crate::train::{Event, RunState, Trainer, checkpoint};

/// How a session is carried out.
pub struct Way {
    /// File of checkpoints.
    pub checkpoint: PathBuf,
    /// Goes on from it.
    pub resume: bool,
    /// Threads of the processor.
    pub threads: usize,
    /// Prints nothing but errors.
    pub quiet: bool,
}

/// What a session has made.
pub struct Finished {
    /// The record.
    pub record: Record,
    /// How it ended.
    pub status: Status,
    /// Expected numbers, judged.
    pub verdicts: Vec<Verdict>,
    /// Whether the checkpoint stays, since the record does not hold so many parameters.
    pub checkpoint_stays: bool,
}

/// Carries a scenario out. Errors: data, device or checkpoint cannot be had; losses that are no numbers.
pub fn run(scenario: &Scenario, way: &Way) -> Result<Finished, Failure> {
    let (clock, provenance) = (Instant::now(), Provenance::start());
    let data = DataSet::read(&scenario.data, &scenario.source, scenario.seed)?;
    let (device, device_name) = device::open(scenario.training.device)?;
    let network = network(scenario, &data)?;
    let keep_path = scenario.slices.iter().any(|slice| slice.directions == Directions::Pca);
    let trainer = Trainer { scenario, data: &data, network: &network, device, keep_path };
    let mut warnings = Vec::new();
    let mut runs = if way.resume { resumed(scenario, &network, way, &mut warnings)? } else { Vec::new() };
    let mut progress = Progress::new(way.quiet);
    progress.tell(&opening(&trainer, scenario, &runs)?);
    let interrupted = !train_all(&trainer, way, &mut runs, &mut progress)?;
    let checkpoint_stays = network.len() > record::MOST_PARAMETERS;
    if checkpoint_stays && !interrupted {
        checkpoint::write(&way.checkpoint, &scenario.source.text, way.threads, &mut runs)?;
    }
    let mut root = heading::root(
        &scenario.name,
        &scenario.description,
        &scenario.source.text,
        scenario.seed,
        if interrupted { Status::Interrupted } else { Status::Complete },
    );
    let mut group = network_group(scenario, &network, &data, device_name, way.threads);
    let visits: usize = runs.iter().map(|run| run.step * trainer.batch_size()).sum();
    group.set("image_visits", Attribute::Integer(visits as i64));
    if checkpoint_stays {
        let file = way.checkpoint.file_name().map(|name| name.to_string_lossy().into_owned());
        group.set("parameters_file", record::text(file.unwrap_or_default()));
    }
    group.group_mut("run").groups = runs.iter().map(|run| run_group(scenario, &data, run)).collect();
    root.groups.push(group);
    let mut status = if interrupted { Status::Interrupted } else { Status::Complete };
    if !interrupted {
        let planes = slice::all(&trainer, &runs, &mut progress)?;
        let structure = match (&planes, &scenario.structure) {
            (Some(_), Some(structure)) => structure::sweep(scenario, structure, &data, &trainer.device, &mut progress)?,
            (None, _) | (_, None) => None,
        };
        let missing = planes.is_none() || (scenario.structure.is_some() && structure.is_none());
        root.groups.extend(structure);
        if let Some((groups, more)) = planes {
            root.groups.extend((!groups.is_empty()).then(|| {
                let mut slices = fpsolve::record::Group::new("slice");
                slices.groups = groups;
                slices
            }));
            warnings.extend(more);
        }
        if missing {
            status = Status::Interrupted;
            root.set("status", record::text(status.word()));
        }
    }
    let importance = comparison(scenario, &runs);
    let finds = |verdicts: &[Verdict]| {
        let mut group = comparison_group(&[], verdicts);
        group.groups.extend(importance.clone());
        group
    };
    root.groups.push(finds(&[]));
    let mut verdicts = Vec::new();
    if status == Status::Complete {
        verdicts = judge_expectations(&scenario.expect, &|path| lookup(&root, path).ok());
        root.groups.retain(|group| group.name != "comparison");
        root.groups.push(finds(&verdicts));
    }
    root.datasets.extend(warning_rows(&warnings));
    let seen = runs.iter().map(|run| run.step * trainer.batch_size()).sum::<usize>();
    let group = root.group_mut("provenance");
    provenance.fill(group);
    group.set("images_per_second", Attribute::Float(progress.images as f64 / clock.elapsed().as_secs_f64()));
    debug_assert_eq!(seen, visits);
    Ok(Finished { record: root, status, verdicts, checkpoint_stays })
}

/// The network for the images. Errors: they are too small for it.
pub fn network(scenario: &Scenario, data: &DataSet) -> Result<Network, Failure> {
    network_of(scenario, &scenario.architecture, data)
}

/// A network of some architecture for the images. Errors: they are too small for it.
pub fn network_of(scenario: &Scenario, architecture: &Architecture, data: &DataSet) -> Result<Network, Failure> {
    Network::new(architecture.clone(), data.train.shape, data.classes).map_err(|why| {
        let message = format!("{} does not fit images of {:?}: {why}", architecture.title(), data.train.shape);
        let help = "choose another network.kind, or larger images";
        scenario.source.error(&scenario.data.origin.span, message, "these images", help).into()
    })
}

/// The runs of a checkpoint.
fn resumed(
    scenario: &Scenario,
    network: &Network,
    way: &Way,
    warnings: &mut Vec<String>,
) -> Result<Vec<RunState>, Failure> {
    let (runs, threads) = checkpoint::read(&way.checkpoint, |text| scenario.trains_as(text))?;
    if let Some(run) = runs.iter().find(|run| run.theta.len() != network.len()) {
        let what = format!("{}: {} parameters, not {}", way.checkpoint.display(), run.theta.len(), network.len());
        return Err(Failure::input(fpsolve::error::advice(what, "leave --resume out to begin anew")));
    }
    if threads != way.threads {
        let (a, b) = (threads, way.threads);
        warnings.push(format!("begun on {a} threads and gone on with on {b}: sums may differ in their last bits"));
    }
    Ok(runs)
}

/// Trains what is not trained yet; false where it was interrupted.
fn train_all(trainer: &Trainer, way: &Way, runs: &mut Vec<RunState>, progress: &mut Progress) -> Result<bool, Failure> {
    let scenario = trainer.scenario;
    let mut pairs = Vec::new();
    for &seed in &scenario.seeds {
        pairs.extend((0..scenario.importance.rules.len()).map(|rule| (rule, seed)));
    }
    for (k, &(rule, seed)) in pairs.iter().enumerate() {
        if k >= runs.len() {
            runs.push(trainer.start(rule, seed));
        }
        let title = format!("run {} of {}, {}, seed {seed}", k + 1, pairs.len(), trainer.rule(&runs[k]).title());
        let mut run = std::mem::take(&mut runs[k]);
        let mut trouble = None;
        let done = trainer.advance(&mut run, &mut |state, event| match event {
            Event::Step => progress.step(&title, state, trainer.batch_size()),
            Event::Epoch { checkpoint } => {
                progress.epoch(&title, state, scenario.training.epochs);
                if checkpoint {
                    let mut all: Vec<RunState> = runs[..k].to_vec();
                    all.push(state.clone());
                    trouble = checkpoint::write(&way.checkpoint, &scenario.source.text, way.threads, &mut all).err();
                }
            }
        });
        runs[k] = run;
        if let Some(failure) = trouble {
            return Err(failure);
        }
        if !done? {
            checkpoint::write(&way.checkpoint, &scenario.source.text, way.threads, &mut runs[..=k])?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// What will be done and how long it takes, from three measured steps.
fn opening(trainer: &Trainer, scenario: &Scenario, runs: &[RunState]) -> Result<String, Failure> {
    let batch = trainer.batch_size();
    let steps = trainer.steps() * scenario.training.epochs;
    let number = scenario.importance.rules.len() * scenario.seeds.len();
    let done: usize = runs.iter().map(|run| run.step).sum();
    let weights = trainer.network.tensors(&trainer.network.initial(scenario.seeds[0]), &trainer.device);
    let places: Vec<usize> = (0..batch).collect();
    let look = batch.min(trainer.data.test.len()).min(100);
    let (learnt, seen) =
        (trainer.batch(&trainer.data.train, &places), trainer.batch(&trainer.data.test, &places[..look]));
    let (shares, loss) = (vec![1.0 / batch as f32; batch], scenario.training.loss);
    let work = move |network: &Network| {
        let step = || flat::<f32>(&network.gradient(&weights, learnt.clone(), &shares, loss, Mode::Measuring).1);
        let forward = || values::<f32, 2>(&network.outputs(&weights, seen.images.clone(), Mode::Measuring).0);
        let mut steps = [seconds(step), seconds(step), seconds(step)];
        steps.sort_unstable_by(f64::total_cmp);
        (steps[1], seconds(forward).min(seconds(forward)) / look as f64)
    };
    let Some((step, forward)) = trainer.attended(work) else { return Ok(String::new()) };
    let evaluated = scenario.training.epochs * number * (trainer.data.train.len() + trainer.data.test.len());
    let nodes = |slice: &crate::scenario::Slice| slice.axes[0].nodes * slice.axes[1].nodes * slice.samples;
    let tabulated: usize = scenario.slices.iter().map(nodes).sum();
    Ok(Estimate {
        title: trainer.network.architecture.title(),
        parameters: trainer.network.len(),
        runs: number,
        visits: steps * number * batch,
        published: trainer.network.architecture.published_visits(),
        images_per_second: batch as f64 / step,
        // in double precision a pass takes twice as long
        seconds: (steps * number - done) as f64 * step + (evaluated + 2 * tabulated) as f64 * forward,
    }
    .to_text())
}

/// Seconds that some work takes.
fn seconds<T>(work: impl Fn() -> T) -> f64 {
    let clock = Instant::now();
    work();
    clock.elapsed().as_secs_f64()
}
