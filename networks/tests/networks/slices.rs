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
    assert!(worst < 2e-6, "{worst}");
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
        let far = there.iter().zip(&runs[k].theta).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
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
            let gradient = flat(&trainer.network.gradient(&weights, batch, &shares, loss, Mode::Frozen(&[])).1);
            for (x, direction) in at.iter_mut().zip(&cut.plane.directions) {
                *x -= rate * gradient.iter().zip(direction).map(|(g, a)| f64::from(*g) * a).sum::<f64>();
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
        let mut record = Record::new("");
        record.group_mut("slice").groups.push(cuts[0].group.clone());
        hdf5::write(&record, &folder.path().join("slice.h5"), Existing::Replaced).unwrap();
        let law = format!(
            "engines = [\"fokker-planck\"]\n[model]\nkind = \"table\"\nfile = \"slice.h5\"\ngroup = \"slice/random\"\n\
             variables = [\"s\", \"t\"]\n[dynamics]\nlearning_rate = {rate}\nbatch_size = {batch_size}\n\
             [grid]\naxes = [{{ from = -0.2, to = 0.2, cells = 96 }}, {{ from = -0.2, to = 0.2, cells = 96 }}]\n\
             [initial]\nkind = \"point\"\nat = [0, 0]\n[time]\nend = {}\noutputs = 2\n",
            rate * steps as f64
        );
        let law = fpsolve::scenario::Scenario::parse(Source::from_text(&folder.path().join("law.toml"), law)).unwrap();
        let prepared = law.problem().unwrap();
        let reached = Reached::from(&law, State::default());
        let record = fpsolve::run::run(&prepared, &|| false, &|_| (), &reached).record;
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
