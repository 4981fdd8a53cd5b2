//! Slices: exact for a linear network with squared loss; read by the engines; directions are what they say.

use burn_tensor::Device;
use fpsolve::reader::Source;
use fpsolve::record::Record;
use fpsolve::record::hdf5::{self, Existing};
use fpsolve::run::Reached;
use fpsolve_networks::network::flat;
use fpsolve_networks::network::pass::Mode;
use fpsolve_networks::progress::Progress;
use fpsolve_networks::scenario::Scenario;
use fpsolve_networks::session::network;
use fpsolve_networks::slice::{Cut, cut};
use fpsolve_networks::train::{RunState, Trainer};
use fpsolve_solvers::engine::State;
use fpsolve_solvers::model::{Model, SampleModel};
use fpsolve_solvers::numerics::random::Stream;

use crate::{data, digits};

const TRAINED: &str = "samples = 120\ntest_samples = 20\n[training]\nepochs = 4\nbatch_size = 20\nlearning_rate = 0.01\n[runs]\nseeds = [1, 2, 3]\n";

/// Trains all runs of a scenario, cuts its slices, and looks at them.
fn with_cuts<T>(scenario: &Scenario, look: impl FnOnce(&Trainer, Vec<RunState>, Vec<Cut>) -> T) -> T {
    let data = data(scenario);
    let network = network(scenario, &data).map_err(|f| f.report).unwrap();
    let trainer = Trainer { scenario, data: &data, network: &network, device: Device::flex(), keep_path: true };
    let mut runs: Vec<RunState> = scenario.seeds.iter().map(|&seed| trainer.start(0, seed)).collect();
    for run in &mut runs {
        trainer.advance(run, &mut |_, _| ()).map_err(|f| f.report).unwrap();
    }
    let one = |slice| cut(&trainer, &runs, slice, &mut Progress::new(true)).map_err(|f| f.report).unwrap().unwrap();
    let cuts = scenario.slices.iter().map(one).collect();
    look(&trainer, runs, cuts)
}

/// All runs of a scenario and its slices.
fn cuts(scenario: &Scenario) -> (Vec<RunState>, Vec<Cut>) {
    with_cuts(scenario, |_, runs, cuts| (runs, cuts))
}

fn slice(name: &str, more: &str, [from, to]: [f64; 2]) -> String {
    let axis = format!("{{ from = {from:?}, to = {to:?}, nodes = 15 }}");
    format!("[[slice]]\nname = \"{name}\"\n{more}\nsamples = 60\naxes = [{axis}, {axis}]\n")
}

const WIDE: [f64; 2] = [-0.5, 1.25];

#[test]
fn the_slice_of_a_linear_network_is_a_quadratic_function() {
    let minima = slice("minima", "directions = \"minima\"\nothers = [{ seed = 2 }, { seed = 3 }]", WIDE);
    let rest = TRAINED.replace("learning_rate = 0.01", "learning_rate = 0.01\nloss = \"squared\"");
    let (_, cuts) = cuts(&digits("kind = \"linear\"", &format!("{rest}{minima}")));
    let (table, model) = (&cuts[0].table, cuts[0].table.model().map_err(|f| f.report).unwrap());
    // l_i is a quadratic function of (s, t): six values give it everywhere
    let n = table.nodes[1].len();
    let h = table.nodes[0][1] - table.nodes[0][0];
    let (mut worst, points) = (0.0_f64, [[0.13, -0.4], [1.1, 0.77], [-0.31, 1.2]]);
    for (k, losses) in table.losses.chunks(n * n).enumerate() {
        let at = |i: usize, j: usize| losses[i * n + j];
        let second = |a: f64, b: f64, c: f64| (a - 2.0 * b + c) / (49.0 * h * h);
        let (ss, tt) = (second(at(0, 0), at(7, 0), at(14, 0)), second(at(0, 0), at(0, 7), at(0, 14)));
        let st = (at(14, 14) - at(14, 0) - at(0, 14) + at(0, 0)) / (196.0 * h * h);
        let s = (at(14, 0) - at(0, 0)) / (14.0 * h) - 0.5 * ss * 14.0 * h;
        let t = (at(0, 14) - at(0, 0)) / (14.0 * h) - 0.5 * tt * 14.0 * h;
        for [x, y] in points {
            let (u, v) = (x + 0.5, y + 0.5);
            let exact = at(0, 0) + s * u + t * v + 0.5 * ss * u * u + 0.5 * tt * v * v + st * u * v;
            let mut told = vec![0.0; table.samples.len()];
            model.sample_losses(&[x, y], &mut told);
            worst = worst.max((told[k] - exact).abs() / (1.0 + exact.abs()));
        }
    }
    assert!(worst < 1e-10, "{worst}");
}

#[test]
fn planes_go_through_what_they_name() {
    let named =
        slice("minima", "directions = \"minima\"\nothers = [{ seed = 2 }, { seed = 3 }]\northogonal = false", WIDE);
    let others = ["pca", "random"].map(|word| slice(word, &format!("directions = \"{word}\""), WIDE));
    let scenario =
        digits("kind = \"cnn\"\nchannels = [4]\nhidden = 8", &format!("{TRAINED}{named}{}", others.concat()));
    let (runs, cuts) = cuts(&scenario);
    for (k, point) in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]].iter().enumerate() {
        let there = cuts[0].plane.at(point[0], point[1]);
        let far = there.iter().zip(&runs[k].theta).map(|(a, b)| (a - f64::from(*b)).abs()).fold(0.0, f64::max);
        assert!(far < 1e-6, "run {k}: {far}");
        let told = cuts[0].plane.points[k].1;
        assert!((told[0] - point[0]).abs() + (told[1] - point[1]).abs() < 1e-6);
    }
    for cut in &cuts[1..] {
        let [a, b] = &cut.plane.directions;
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!(product(a, b).abs() < 1e-9 * product(a, a));
        assert!((product(a, a) / product(b, b) - 1.0).abs() < 1e-9);
        // the losses of the table are those of the network, and its D is near that of differences
        assert!(cut.group.attributes.iter().any(|(name, _)| name == "error_D"));
    }
    assert!(fpsolve::record::read::float(&cuts[1].group, "explained").unwrap() > 0.8);
}

#[test]
fn the_curvature_along_an_eigenvector_is_its_eigenvalue() {
    // a smooth loss: ReLU makes second differences depend on their scale
    let hessian = slice("hessian", "directions = \"hessian\"", [-0.05, 0.05]);
    let (_, cuts) = cuts(&digits("kind = \"linear\"", &format!("{TRAINED}{hessian}")));
    let number = |name: &str| fpsolve::record::read::float(&cuts[0].group, name).unwrap();
    let model = cuts[0].table.model().map_err(|f| f.report).unwrap();
    let mut found = [0.0; 3];
    model.hessian(&[0.0, 0.0], &[], &mut found);
    let square = cuts[0].plane.norms[0].powi(2);
    for (entry, eigenvalue) in [(0, number("eigenvalue_a")), (2, number("eigenvalue_b"))] {
        let curvature = found[entry] / square;
        assert!((curvature / eigenvalue - 1.0).abs() < 0.02, "{curvature} for {eigenvalue}");
    }
    assert!(number("eigenvalue_a") > number("eigenvalue_b") && number("residual_a") < 1e-3);
    assert!(found[1].abs() < 0.02 * found[0], "eigenvectors are conjugate");
}

/// The record of a scenario of fpsolve, whose files lie in a folder.
fn law(folder: &std::path::Path, text: String) -> Record {
    let law = fpsolve::scenario::Scenario::parse(Source::from_text(&folder.join("law.toml"), text)).unwrap();
    let prepared = law.problem().unwrap();
    let reached = Reached::from(&law, State::default());
    fpsolve::run::run(&prepared, &|| false, &|_| (), &reached).record
}

/// Writes a slice into `slice.h5` of a folder.
fn keep(cut: &Cut, folder: &std::path::Path) {
    let mut record = Record::new("");
    record.group_mut("slice").groups.push(cut.group.clone());
    hdf5::write(&record, &folder.join("slice.h5"), Existing::Replaced).unwrap();
}

#[test]
fn the_density_on_a_slice_of_a_linear_network_is_that_of_the_sample_loss_model() {
    let random = slice("random", "directions = \"random\"", [-1.0, 1.0]);
    let rest = TRAINED.replace("learning_rate = 0.01", "learning_rate = 0.01\nloss = \"squared\"");
    with_cuts(&digits("kind = \"linear\"", &format!("{rest}{random}")), |trainer, _, cuts| {
        let (cut, folder) = (&cuts[0], tempfile::tempdir().unwrap());
        keep(cut, folder.path());
        // the outputs of the one layer are linear in (s, t): ½ Σ (o + s p + t q)² from parameters and pixels alone, by no pass of the network
        let outputs = |theta: &[f64], image: &[f32]| -> Vec<f64> {
            let (weight, bias) = theta.split_at(10 * image.len());
            let term = |j: usize, k: usize| f64::from(image[j]) * weight[10 * j + k];
            (0..10).map(|k| bias[k] + (0..image.len()).map(|j| term(j, k)).sum::<f64>()).collect()
        };
        let theta: Vec<f64> = cut.plane.origin.iter().map(|&x| f64::from(x)).collect();
        let mut columns = vec![Vec::new(); 6];
        for &i in &cut.table.samples {
            let image = trainer.data.pixels(&trainer.data.train, &[i], None);
            let mut o = outputs(&theta, &image);
            o[usize::from(trainer.data.train.labels[i])] -= 1.0;
            let [p, q] = [0, 1].map(|k| outputs(&cut.plane.directions[k], &image));
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let row = [dot(&o, &o) / 2.0, dot(&o, &p), dot(&o, &q), dot(&p, &p) / 2.0, dot(&p, &q), dot(&q, &q) / 2.0];
            columns.iter_mut().zip(row).for_each(|(column, x)| column.push(format!("{x:?}")));
        }
        let data: Vec<String> =
            columns.iter().enumerate().map(|(k, column)| format!("c{k} = [{}]", column.join(", "))).collect();
        let table = "kind = \"table\"\nfile = \"slice.h5\"\ngroup = \"slice/random\"\n".to_string();
        let formula = format!(
            "kind = \"sample-loss\"\nsample_loss = \"c0 + c1*s + c2*t + c3*s^2 + c4*s*t + c5*t^2\"\ndata.points = {{ {} }}\n",
            data.join(", ")
        );
        let densities = [table, formula].map(|model| {
            let text = format!(
                "engines = [\"fokker-planck\"]\n[model]\n{model}variables = [\"s\", \"t\"]\n[dynamics]\nlearning_rate = 0.1\nbatch_size = 4\n\
                 [grid]\naxes = [{{ from = -0.9, to = 0.9, cells = 48 }}, {{ from = -0.9, to = 0.9, cells = 48 }}]\n\
                 [initial]\nkind = \"gaussian\"\nmean = [0.2, 0.1]\nstd = [0.1, 0.1]\n[time]\nend = 1\noutputs = 2\n"
            );
            let record = law(folder.path(), text);
            let cells = |path: &str| -> Vec<f64> {
                let all = record.dataset(path).unwrap().as_float().unwrap();
                let all: Vec<f64> = all.iter().copied().collect();
                all[all.len() - 48 * 48..].to_vec()
            };
            [cells("stationary/density"), cells("fokker_planck/density")]
        });
        for (name, (a, b)) in ["stationary", "end"].iter().zip(densities[0].iter().zip(&densities[1])) {
            let volume = (1.8_f64 / 48.0).powi(2);
            let variation = 0.5 * volume * a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>();
            let mass = volume * a.iter().sum::<f64>();
            assert!((mass - 1.0).abs() < 1e-6, "{name}: the density holds {mass}");
            assert!(variation < 1e-6, "{name}: total variation {variation:e}");
        }
    });
}

/// Where walkers of gradient descent that stays in the plane are after so many steps: gradients of minibatches by the network itself.
fn walkers(trainer: &Trainer, cut: &Cut, number: usize, steps: usize, rate: f64, batch_size: usize) -> Vec<[f64; 2]> {
    let samples = &cut.table.samples;
    let walk = |walker: u64| {
        let (mut stream, mut at) = (Stream::new(walker, "test/walker", 0), [0.0; 2]);
        for _ in 0..steps {
            let places: Vec<usize> = (0..batch_size).map(|_| samples[stream.below(samples.len())]).collect();
            let weights = trainer.network.tensors(&cut.plane.at(at[0], at[1]), &trainer.device);
            let shares = vec![1.0 / batch_size as f32; batch_size];
            let batch = trainer.batch(&trainer.data.train, &places);
            let loss = trainer.scenario.training.loss;
            let gradient: Vec<f64> =
                flat(&trainer.network.gradient(&weights, batch, &shares, loss, Mode::Frozen(&[])).1);
            for (x, direction) in at.iter_mut().zip(&cut.plane.directions) {
                *x -= rate * gradient.iter().zip(direction).map(|(g, a)| g * a).sum::<f64>();
            }
        }
        at
    };
    (0..number as u64).map(walk).collect()
}

#[test]
fn descent_of_the_network_in_a_plane_is_what_the_fokker_planck_equation_of_its_slice_says() {
    let random = slice("random", "directions = \"random\"", [-0.3, 0.3]);
    let scenario = digits("kind = \"cnn\"\nchannels = [4]\nhidden = 16", &format!("{TRAINED}{random}"));
    with_cuts(&scenario, |trainer, _, cuts| {
        let (steps, batch_size, rate) = (40, 2, 2e-3);
        let folder = tempfile::tempdir().unwrap();
        keep(&cuts[0], folder.path());
        let text = format!(
            "engines = [\"fokker-planck\"]\n[model]\nkind = \"table\"\nfile = \"slice.h5\"\ngroup = \"slice/random\"\n\
             variables = [\"s\", \"t\"]\n[dynamics]\nlearning_rate = {rate}\nbatch_size = {batch_size}\n\
             [grid]\naxes = [{{ from = -0.2, to = 0.2, cells = 96 }}, {{ from = -0.2, to = 0.2, cells = 96 }}]\n\
             [initial]\nkind = \"point\"\nat = [0, 0]\n[time]\nend = {}\noutputs = 2\n",
            rate * steps as f64
        );
        let record = law(folder.path(), text);
        let last = |name: &str, n: usize| {
            let all = fpsolve::record::read::column(record.group("fokker_planck").unwrap(), name).unwrap();
            all[all.len() - n..].to_vec()
        };
        let (mean, covariance) = (last("mean", 2), last("covariance", 4));
        let found = walkers(trainer, &cuts[0], 64, steps, rate, batch_size);
        let n = found.len() as f64;
        for k in 0..2 {
            let average = found.iter().map(|x| x[k]).sum::<f64>() / n;
            let variance = found.iter().map(|x| (x[k] - average).powi(2)).sum::<f64>() / (n - 1.0);
            let told = covariance[3 * k];
            assert!((average - mean[k]).abs() < 3.0 * (variance / n).sqrt(), "mean {k}: {average} for {}", mean[k]);
            assert!(
                (variance / told - 1.0).abs() < 3.0 * (2.0 / (n - 1.0)).sqrt(),
                "variance {k}: {variance} for {told}"
            );
        }
    });
}
