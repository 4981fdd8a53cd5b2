//! What each key of a scenario means: the words of `fpsolve list` and of `docs/keys.md`. A test holds them to the keys that are read.

use fpsolve_solvers::formula::function_names;
use fpsolve_validation::metric::METRICS;
use fpsolve_validation::verdict::limit_keys;

use super::data::load::{extensions, named};
use crate::analysis::ANALYSES;
use crate::engine;

/// The keys with their meanings, but for those that the tables of analyses and metrics name; `…` stands for a number or a chosen name.
const WORDS: &[(&str, &str)] = &[
    ("schema", "version of this format: 1"),
    ("name", "short name of the run, and of its record [the file name]"),
    ("description", "what it is about"),
    ("seed", "the one seed of all random numbers [0]"),
    ("engines", "which engines run [all default ones that can]"),
    ("model", "the loss or the drift"),
    ("model.kind", "\"formula\" [default], \"sample-loss\", \"tanh-regression\", \"table\", \"traces\""),
    ("model.variables", "names of the components of θ, 1 to 3; Greek letters and subscripts are letters"),
    ("model.parameters", "constants that formulas know by name: { a = 1.2 }"),
    ("model.loss", "L(θ) as a formula"),
    ("model.drift", "a general drift b(θ) instead: one formula for each variable"),
    ("model.sample_loss", "loss of one sample, of the variables and the columns of the data"),
    ("model.stride", "steps between two rows of traces [that of the file, else 1]"),
    ("model.learning_rate", "η of the optimizer that made the traces [that of the file]"),
    ("model.batch_size", "B of the optimizer that made the traces [that of the file, else 1]"),
    ("model.bandwidth", "share of the box that drift and D are estimated from to each side [chosen]"),
    ("model.file", "file of the arrays of a table or of traces, below the scenario's folder (else --data-folder)"),
    ("model.group", "group of an HDF5 file that holds them [the root]"),
    ("model.centers", "fixed centres b_j of the units"),
    ("model.slopes", "\"shared\" [default], \"free\", or the group of each unit"),
    ("model.amplitudes", "\"projected\" [default: solved for], or fixed numbers"),
    ("model.sample_gradient", "with projected amplitudes: \"total\" [default], \"envelope\", \"batch\""),
    ("model.data", "where the samples come from: one of file, points, teacher"),
    ("model.data.file", "path below the scenario's folder (else --data-folder)"),
    ("model.data.columns", "columns by the model's names: { x = \"header\", y = 2 } [every column by its own name]"),
    ("model.data.separator", "\",\", \";\", \"tab\" or \"space\" [found in the first two lines]"),
    (
        "model.data.standardize",
        "true: every column, the target too, to mean 0 and variance 1; or a list of columns [false]",
    ),
    ("model.data.points", "the samples themselves: { x = [ … ], y = [ … ] }"),
    ("model.data.teacher", "samples y = function(x) + noise of a known function"),
    ("model.data.teacher.inputs", "the x: { from, to, samples, spacing }"),
    ("model.data.teacher.inputs.from", "first input"),
    ("model.data.teacher.inputs.to", "last input"),
    ("model.data.teacher.inputs.samples", "how many"),
    ("model.data.teacher.inputs.spacing", "\"even\" [default] or \"random\""),
    ("model.data.teacher.function", "formula of x"),
    ("model.data.teacher.noise_std", "standard deviation of the noise"),
    ("model.data.teacher.outliers", "list of { index, shift }"),
    ("model.data.teacher.outliers[…].index", "number of the sample, from 0"),
    ("model.data.teacher.outliers[…].shift", "what is added to its y"),
    ("noise", "the diffusion matrix D(θ)"),
    (
        "noise.kind",
        "\"minibatch\" [default with data], \"decomposed\", \"formula\", \"isotropic\" [default without], \"table\" [default for a table with D]",
    ),
    ("noise.interpretation", "sense of the equation: \"ito\" [default], \"stratonovich\", \"haenggi-klimontovich\""),
    ("noise.floor", "injected beside it: added to the diagonal of D, for every engine [0]"),
    ("noise.weights", "parts of minibatch noise at weights \"fixed\" [default] or \"trained\" to the data"),
    ("noise.parts", "which parts are kept: \"intrinsic\", \"exploration\", \"mean-gradient\" [all]"),
    ("noise.diffusion", "D as formulas: one, or rows of a symmetric matrix"),
    ("noise.variance", "D = variance · identity [1]"),
    ("dynamics", "learning rate and batches, or the temperature"),
    ("dynamics.learning_rate", "η; T = η/(2B), and one step of SGD lasts η"),
    ("dynamics.batch_size", "B [1]"),
    ("dynamics.temperature", "T itself, without SGD"),
    ("dynamics.order", "1 [default], or 2 or 3: stochastic modified equation, corrected for the length of the step"),
    ("dynamics.replacement", "batches drawn with replacement: true [default], false, or \"epoch\": reshuffled epochs"),
    ("dynamics.importance", "samples drawn by importance: { scheme, c, scale, exponent, uniform, clip, reweight }"),
    (
        "dynamics.importance.scheme",
        "p ~ exp(−loss/(c·U)) \"soft-min\" [default], exp(+loss/(c·U)) \"soft-max\", loss^exponent \"power\", |g| \"gradient-norm\", 1 \"uniform\"",
    ),
    ("dynamics.importance.c", "smoothing c of \"soft-min\" and \"soft-max\""),
    ("dynamics.importance.exponent", "exponent of the losses under \"power\""),
    ("dynamics.importance.uniform", "share of draws that are uniform: p is mixed with 1/m [0]"),
    ("dynamics.importance.clip", "largest length of a sample's gradient: longer ones are shortened to it [none]"),
    ("dynamics.importance.scale", "U: \"mean-loss\" [default], \"max-loss\" or a number"),
    ("dynamics.importance.reweight", "whether gradients are weighted by 1/(m p) [false]"),
    ("grid", "the box and its cells: axes, or bounds with cells"),
    ("grid.axes", "one { from, to, cells } or { edges } for each variable"),
    ("grid.axes[…].from", "lower end"),
    ("grid.axes[…].to", "upper end"),
    ("grid.axes[…].cells", "number of cells"),
    ("grid.axes[…].boundary", "\"reflecting\" [default], \"absorbing\", \"periodic\", or two of them: [lower, upper]"),
    (
        "grid.axes[…].grading",
        "narrow cells around a point: { center, width }; \"auto\": where a pilot solution has its error",
    ),
    ("grid.axes[…].grading.center", "where cells are narrowest"),
    ("grid.axes[…].grading.width", "distance up to which they stay narrow"),
    (
        "grid.axes[…].scale",
        "coordinate with equal cells: \"linear\" [default], \"log\", \"sinh\", \"power\" or \"noise\"",
    ),
    ("grid.axes[…].center", "of scale \"sinh\": where cells are narrowest [the middle of the axis]"),
    ("grid.axes[…].width", "of scale \"sinh\": distance up to which they stay narrow [1/50 of the axis]"),
    ("grid.axes[…].exponent", "of scale \"power\": p of θ = u^p [2]"),
    ("grid.axes[…].edges", "the edges of all cells themselves, instead of from, to and cells"),
    ("grid.bounds", "\"auto\": the box is looked for"),
    ("grid.cells", "with bounds: cells for each variable"),
    ("grid.grading", "with bounds: \"auto\" puts the cells where a pilot solution has its error"),
    (
        "grid.tolerance",
        "instead of cells: refined until the run's own L1 estimate is below; without axes the box is looked for",
    ),
    ("initial", "the law of θ at t = 0"),
    ("initial.kind", "\"gaussian\" [default], \"point\", \"uniform\", \"formula\""),
    ("initial.mean", "mean, one number for each variable"),
    ("initial.std", "standard deviations"),
    ("initial.covariance", "covariance matrix, instead of std"),
    ("initial.at", "the point"),
    ("initial.density", "density as a formula; it is scaled to probability 1"),
    ("time", "the output times"),
    ("time.end", "last time"),
    ("time.outputs", "number of times, 0 and the end among them [40]"),
    ("time.spacing", "\"linear\" [default] or \"log\""),
    ("time.first", "with spacing = \"log\": first time after 0 [end/1000]"),
    ("time.at", "the times themselves, instead of the other four"),
    ("fokker_planck", "how the Fokker-Planck engine computes"),
    ("fokker_planck.discretisation", "\"auto\" [default], \"edges\", \"chain\""),
    ("fokker_planck.method", "integrator in time: \"auto\" [default], or one of those below"),
    ("fokker_planck.tolerance", "L1 error of the integration in time, 1e-13 to 0.1 [1e-6]"),
    ("fokker_planck.stationary", "whether the stationary density is computed [true]"),
    (
        "fokker_planck.walls",
        "whether all walls belong to the problem and cut no tail: \"auto\" [default] or \"physical\"",
    ),
    ("fokker_planck.unresolved", "a density that the grid does not resolve: \"fail\" [default] or \"accept\""),
    (
        "fokker_planck.budget",
        "time that building and advancing may take, such as \"60 s\", of which the choice of a discretisation gets half [none]",
    ),
    ("langevin", "how the Langevin engine computes"),
    ("langevin.walkers", "number of walkers [100000]"),
    ("langevin.step", "longest step in time [chosen]"),
    ("langevin.scheme", "scheme of the stochastic equation [\"euler-maruyama\"]"),
    ("langevin.coefficients", "from where drift and D are taken: \"auto\" [default], \"exact\" or \"table\""),
    ("langevin.trajectories", "walkers whose paths are kept [0]"),
    ("sgd", "how the engines that descend step by step compute"),
    ("sgd.walkers", "number of walkers [100000]"),
    ("sgd.optimizer", "{ kind = \"…\", and its parameters }"),
    ("sgd.optimizer.kind", "one of those below [\"sgd\"]"),
    ("sgd.optimizer.mu", "momentum μ of \"momentum\", \"nesterov\" and \"ema\""),
    ("sgd.optimizer.rho", "memory ρ of \"rmsprop\""),
    ("sgd.optimizer.epsilon", "ε of \"rmsprop\" and \"adam\""),
    ("sgd.optimizer.beta1", "β₁ of \"adam\""),
    ("sgd.optimizer.beta2", "β₂ of \"adam\""),
    ("sgd.optimizer.l", "l of \"svag\""),
    ("sgd.trajectories", "walkers whose paths are kept [0]"),
    ("sgd.amplitude_rate", "learning rate of amplitudes that descend too, instead of being solved for"),
    ("transfer_operator", "how the law of SGD is computed"),
    ("transfer_operator.rows", "what a row of the operator keeps of a step [\"moments\"]"),
    ("transfer_operator.stationary", "whether the laws of the long run are computed [true]"),
    ("analysis", "questions to the finished run"),
    ("analysis.first_passage[…].name", "name of its group in the record"),
    ("analysis.first_passage[…].from", "starting point"),
    ("analysis.first_passage[…].target", "a condition such as \"x > 1\""),
    ("analysis.first_passage[…].avoid", "a condition that must not hold before"),
    ("analysis.first_passage[…].walkers", "walkers of each ensemble [10000]"),
    ("analysis.first_passage[…].sgd", "whether walkers of SGD answer too, where that engine runs [true]"),
    ("analysis.first_passage[…].horizon", "time up to which they are followed [20 times the last output time]"),
    ("analysis.rare_event[…].name", "name of its group in the record"),
    ("analysis.rare_event[…].from", "starting point"),
    ("analysis.rare_event[…].target", "a condition such as \"x > 0.9\""),
    (
        "analysis.rare_event[…].score",
        "a formula that rises towards the target such as \"x\", or \"committor\": the grid's",
    ),
    ("analysis.rare_event[…].engine", "\"sgd\" or \"langevin\" [sgd where batches are drawn]"),
    ("analysis.rare_event[…].replicas", "replicas of a repetition [200]"),
    ("analysis.rare_event[…].repetitions", "independent repetitions, which give the bars [10]"),
    ("analysis.quasi_stationary[…].name", "name of its group in the record"),
    ("analysis.quasi_stationary[…].basin", "a condition such as \"x < 0\""),
    ("analysis.reactions[…].name", "name of its group in the record"),
    ("analysis.reactions[…].from", "a condition that holds in the set that is left"),
    ("analysis.reactions[…].to", "a condition that holds in the set that is reached"),
    ("analysis.relaxation.mixing", "total variations at which a law counts as mixed [0.25, 0.05]"),
    ("analysis.escape_rates.walkers", "walkers of each ensemble for each pair of minima [0]"),
    ("analysis.escape_rates.horizon", "time up to which they are followed [20 mean times on the grid]"),
    ("analysis.sampling_schemes.from", "the starting point of the time to a set"),
    ("analysis.sampling_schemes.target", "a condition that holds in the set"),
    ("analysis.sampling_schemes.schemes", "list of { name, scheme, … }, the keys as in `dynamics.importance`"),
    ("analysis.sampling_schemes.schemes[…].name", "name in the record"),
    ("analysis.sampling_schemes.schemes[…].scheme", "as `dynamics.importance.scheme`"),
    ("analysis.sampling_schemes.schemes[…].c", "as `dynamics.importance.c`"),
    ("analysis.sampling_schemes.schemes[…].scale", "as `dynamics.importance.scale`"),
    ("analysis.sampling_schemes.schemes[…].exponent", "as `dynamics.importance.exponent`"),
    ("analysis.sampling_schemes.schemes[…].uniform", "as `dynamics.importance.uniform`"),
    ("analysis.sampling_schemes.schemes[…].clip", "as `dynamics.importance.clip`"),
    ("analysis.sampling_schemes.schemes[…].reweight", "as `dynamics.importance.reweight`"),
    ("analysis.outliers.at", "\"minima\" [default] or points"),
    ("analysis.outliers.q", "level of m·p below which a sample counts [0.5]"),
    ("analysis.outliers.c", "smoothing c [that of dynamics.importance, else 1]"),
    ("analysis.outliers.scale", "U [that of dynamics.importance, else \"mean-loss\"]"),
    ("genesis", "what fpsolve genesis follows critical points over"),
    (
        "genesis.parameter",
        "\"data.weight.K\" (weight of sample K, from 0), \"data.noise\" (of a teacher), or the path of a number: \"model.parameters.a\", \"dynamics.importance.c\"",
    ),
    ("genesis.from", "first value of the parameter [0 for a weight]"),
    ("genesis.to", "last value [1 for a weight]"),
    (
        "genesis.leave_one_out",
        "true: which sample makes which minimum, for the 10 that move it most; or how many of them [false]",
    ),
    ("validity", "what fpsolve validity maps, and how much SDE and SGD may differ"),
    ("validity.learning_rate", "{ from, to, points, spacing } or a list of rates"),
    ("validity.learning_rate.from", "smallest rate"),
    ("validity.learning_rate.to", "largest rate"),
    ("validity.learning_rate.points", "number of rates [8]"),
    ("validity.learning_rate.spacing", "\"log\" [default] or \"linear\""),
    ("validity.batch_size", "list of batch sizes"),
    ("validity.max_total_variation", "largest total variation of the laws of the long run [0.05]"),
    ("validity.max_log_ratio", "largest |ln(mean time of SGD / of the SDE)| of the one first passage [0.1]"),
    ("validity.every", "whether every cell is computed, not only those along boundaries [false]"),
    ("sweep", "what fpsolve sweep varies and collects"),
    (
        "sweep.over",
        "keys that vary independently: { \"dynamics.batch_size\" = [1, 2, 4] }, or { from, to, points, spacing } for each",
    ),
    ("sweep.zip", "keys that vary together, from case to case: lists of one length"),
    ("sweep.collect", "paths of the numbers that are collected, as in [expect]: [\"stationary/mean/x\"]"),
    ("compare", "limits of the distances between engines; each becomes a verdict"),
    ("expect", "numbers that the record must have, by their paths: \"stationary/mean/x\" = { value, atol }"),
    ("expect.….value", "the number"),
    ("expect.….rtol", "relative tolerance"),
    ("expect.….atol", "absolute tolerance"),
    ("output", "the record"),
    ("output.file", "its file name [NAME.h5]"),
    (
        "output.checkpoint",
        "time between two checkpoints from which `fpsolve resume` goes on, such as \"10 min\" [none]",
    ),
];

/// All keys that a scenario may have, by their paths, with their meanings.
pub fn keys() -> Vec<(String, String)> {
    let mut keys: Vec<(String, String)> =
        WORDS.iter().map(|(key, about)| (key.to_string(), about.to_string())).collect();
    let end =
        |keys: &[(String, String)], table: &str| keys.iter().position(|(key, _)| key == table).map_or(0, |i| i + 1);
    let at = end(&keys, "analysis");
    let analyses =
        ANALYSES.iter().filter_map(|entry| Some((format!("analysis.{}", entry.key?), entry.about.to_string())));
    keys.splice(at..at, analyses);
    let at = end(&keys, "compare");
    let metrics = limit_keys()
        .into_iter()
        .zip(METRICS)
        .map(|(key, metric)| (format!("compare.{key}"), metric.definition.to_string()));
    keys.splice(at..at, metrics);
    for (named, extensions) in [("model.data.file", extensions()), ("model.file", named::extensions())] {
        if let Some((_, about)) = keys.iter_mut().find(|(key, _)| key == named) {
            *about += &format!("; one of .{}", extensions.join(", ."));
        }
    }
    keys
}

/// The page `docs/keys.md`.
pub fn page() -> String {
    let mut text = "# The keys of a scenario\n\nMade from the program's own table (`fpsolve list` prints it); a test holds both to \
                    the keys that are read.\nBrackets hold defaults, `…` stands for a number or a name.\n"
        .to_string();
    for (key, about) in keys() {
        if !key.contains('.') && keys().iter().any(|(other, _)| other.starts_with(&format!("{key}."))) {
            text += &format!("\n## `[{key}]`\n\n{about}\n\n| key | meaning |\n|---|---|\n");
        } else {
            if key == "schema" {
                text += "\n## At the top\n\n| key | meaning |\n|---|---|\n";
            }
            text += &format!("| `{key}` | {} |\n", about.replace('|', "\\|"));
        }
    }
    text += &format!("\n## Functions of formulas\n\n{}\n", function_names().join(", "));
    text += "\n## Words that keys choose from\n";
    for table in engine::tables() {
        for (key, rows) in table.choices {
            text += &format!("\n`{}.{key}`\n\n", table.key);
            rows().iter().for_each(|(word, about)| text += &format!("* `{word}`: {about}\n"));
        }
    }
    text
}
