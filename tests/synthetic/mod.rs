//! Records made from formulas: the Ornstein–Uhlenbeck process in one and two dimensions, with ensembles whose
//! histograms are drawn from the exact density by a small generator. Nothing here runs an engine.
#![allow(clippy::unwrap_used, clippy::type_complexity, dead_code)]

use fpsolve::analysis::outliers::{Outliers, Point};
use fpsolve::analysis::walkers::Walkers;
use fpsolve::analysis::{first_passage, modes as relaxation_modes, outliers as dynamic_outliers};
use fpsolve::record::groups::stationary::StationaryFields;
use fpsolve::record::groups::{self, ensemble};
use fpsolve::record::scales;
use fpsolve::record::{Attribute, Dataset, Record};
use fpsolve::run::seen::relaxation;
use fpsolve_solvers::engine::{Snapshot, Statistics};
use fpsolve_solvers::ensemble::Trajectories;
use fpsolve_solvers::escape::on_grid::GridPassage;
use fpsolve_solvers::escape::passage::{Passage, Target};
use fpsolve_solvers::fokker_planck::spectrum::Spectrum;
use fpsolve_solvers::formula::{Symbols, parse};
use fpsolve_solvers::langevin::first_passage::{First, FirstPassage};
use fpsolve_solvers::problem::density;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_validation::compare::{Laws, Series, Settings, compare};
use fpsolve_validation::verdict::Verdict;

const WALKERS: usize = 20_000;
const TEMPERATURE: f64 = 0.1;

/// Uniform numbers in [0, 1): a 64-bit linear congruential generator, good enough for pictures and shapes.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn wall() -> [Boundary; 2] {
    [Boundary::Reflecting; 2]
}

/// A snapshot of the given cell probabilities (normalised here).
fn snapshot(grid: &Grid, time: f64, mut probability: Vec<f64>, walkers: Option<usize>) -> Snapshot {
    let total: f64 = probability.iter().sum();
    probability.iter_mut().for_each(|p| *p /= total);
    let (mean, covariance) = density::moments(grid, &probability);
    let d = grid.dimension();
    let se = |k: usize| {
        walkers.map_or(0.0, |n| (covariance[if k == 0 { 0 } else { covariance.len() - 1 }] / n as f64).sqrt())
    };
    let mean_se = (0..d).map(se).collect();
    Snapshot { time, probability, mean, mean_se, covariance, outside: 0.0 }
}

/// Histogram of `WALKERS` draws from the cell probabilities of a snapshot.
fn sampled(grid: &Grid, exact: &Snapshot, seed: u64) -> Snapshot {
    let mut cumulative = Vec::with_capacity(grid.len());
    let mut sum = 0.0;
    for p in &exact.probability {
        sum += p;
        cumulative.push(sum);
    }
    let mut uniform = Uniform(seed);
    let mut counts = vec![0.0; grid.len()];
    for _ in 0..WALKERS {
        let u = uniform.next() * sum;
        counts[cumulative.partition_point(|&c| c <= u).min(grid.len() - 1)] += 1.0;
    }
    snapshot(grid, exact.time, counts, Some(WALKERS))
}

/// Quantiles at equal distances around the mean, standard errors of 1 %.
fn statistics(snapshots: &[Snapshot]) -> Vec<Statistics> {
    let one = |s: &Snapshot| Statistics {
        quantiles: s.mean.iter().flat_map(|m| (0..7).map(move |q| m + 0.1 * (f64::from(q) - 3.0))).collect(),
        covariance_se: s.covariance.iter().map(|c| 0.01 * c.abs()).collect(),
    };
    snapshots.iter().map(one).collect()
}

/// Three walkers about the mean.
fn trajectories(snapshots: &[Snapshot]) -> Trajectories {
    let mut uniform = Uniform(3);
    let mut kept = Trajectories { walkers: 3, ..Trajectories::default() };
    for snapshot in snapshots {
        kept.times.push(snapshot.time);
        kept.points.extend(snapshot.mean.iter().flat_map(|m| [*m; 3]).map(|m| m + 0.6 * uniform.next() - 0.3));
    }
    kept
}

/// A first passage with an exponential law.
fn add_passage(record: &mut Record, grid: &Grid, from: &[f64], times: &[f64]) {
    let variables: Vec<&str> = grid.axes().iter().map(Axis::variable).collect();
    let (near, far) = (grid.axes()[0].lower() + 1.0, grid.axes()[0].upper() - 0.3);
    let set = |text: String| Target::new(&text, &parse(&text, &Symbols::new(&variables)).unwrap(), variables.len());
    let target = set(format!("{} < {near}", variables[0]));
    let (walkers, end) = (400, times[times.len() - 1]);
    let avoid = Some(set(format!("{} > {far}", variables[0])));
    let passage = Passage { name: "out".into(), from: from.to_vec(), target, avoid, walkers, horizon: 4.0 * end };
    let arrivals: Vec<f64> =
        (1..=walkers).map(|k| -0.4 * end * (1.0 - (k as f64 - 0.5) / walkers as f64).ln()).collect();
    let found = FirstPassage {
        walkers,
        arrivals,
        absorbed: Vec::new(),
        horizon: 4.0 * end,
        step: 0.01,
        mean: 0.4 * end,
        standard_error: 0.02 * end,
        exit: None,
        conditional: None,
        bridge: "exact",
        first: Some(First { target: 300, other: 100 }),
    };
    let group = first_passage::passage_group(record, &passage, times);
    first_passage::add_walkers(group, Walkers::Langevin, &passage, times, &found);
    let over = |f: &dyn Fn(f64) -> f64| (0..grid.len()).map(|c| f(grid.center(c)[0])).collect::<Vec<f64>>();
    let by_grid = GridPassage {
        mean_time: over(&|x| if x < near { 0.0 } else { 0.4 * end * (1.0 + (x - near)).ln() }),
        committor: Some(over(&|x| ((far - x) / (far - near)).clamp(0.0, 1.0))),
        from_value: 0.4 * end,
        from_committor: Some((far - from[0]) / (far - near)),
        survival: times.iter().map(|t| (-t / (0.4 * end)).exp()).collect(),
        error_time: 1e-9,
        error_grid: Some(1e-3),
        from_committor_error_grid: Some(1e-4),
        ..GridPassage::default()
    };
    first_passage::add_grid(group, grid, &by_grid);
    group.set("kramers", Attribute::Float(0.35 * end));
    group.set("kramers_reason", Attribute::Text("over the top".into()));
}

/// A slow mode and a complex pair: waves along the first variable.
fn modes(grid: &Grid, stationary: &[f64]) -> Spectrum {
    let wave = |rate: f64, shift: f64| {
        let at = |c: usize| (rate * grid.center(c)[0] + shift).sin();
        let right: Vec<f64> = (0..grid.len()).map(at).collect();
        let left = right.iter().zip(stationary).map(|(u, p)| u * p).collect::<Vec<f64>>();
        (right, left)
    };
    let waves = vec![(vec![1.0; grid.len()], stationary.to_vec()), wave(0.8, 0.0), wave(1.6, 0.3), wave(1.6, 1.9)];
    let (right, left) = waves.into_iter().unzip();
    let (real, imaginary) = (vec![0.0, 0.1, 0.7, 0.7], vec![0.0, 0.0, 0.4, -0.4]);
    Spectrum { real, imaginary, right, left, error: vec![0.0; 4], refined: None, conserved: true }
}

/// What differs between the two records.
struct Case {
    name: &'static str,
    grid: Grid,
    times: Vec<f64>,
    loss: Box<dyn Fn(&[f64]) -> f64>,
    drift: Box<dyn Fn(&[f64]) -> Vec<f64>>,
    diffusion: Box<dyn Fn(&[f64]) -> Vec<f64>>,
    log_density: Box<dyn Fn(&[f64], f64) -> f64>,
}

/// The 1-D record: dθ = −θ dt + √(2T) dW from N(2, 0.15²).
pub fn ornstein_uhlenbeck_1d() -> Record {
    build(Case {
        name: "ornstein-uhlenbeck",
        grid: Grid::new(vec![Axis::uniform("w", -2.5, 3.0, 220, wall()).unwrap()]).unwrap(),
        times: (0..=30).map(|k| 0.2 * f64::from(k)).collect(),
        loss: Box::new(|x| 0.5 * x[0] * x[0]),
        drift: Box::new(|x| vec![-x[0]]),
        diffusion: Box::new(|x| vec![1.0 + 0.8 * x[0] * x[0]]),
        log_density: Box::new(|x, t| {
            let mean = 2.0 * (-t).exp();
            let variance = 0.15_f64.powi(2) * (-2.0 * t).exp() + TEMPERATURE * (1.0 - (-2.0 * t).exp());
            -(x[0] - mean).powi(2) / (2.0 * variance) - 0.5 * variance.ln()
        }),
    })
}

/// A record with everything on log scales: a spike that falls apart over six decades of time, D over six decades.
pub fn decades_1d() -> Record {
    let times = std::iter::once(0.0).chain((0..=36).map(|k| 1e-3 * 10_f64.powf(f64::from(k) / 6.0)));
    build(Case {
        name: "decades",
        grid: Grid::new(vec![Axis::uniform("w", 0.15, 7.85, 300, wall()).unwrap()]).unwrap(),
        times: times.collect(),
        loss: Box::new(|x| 0.2 + 0.05 * (x[0] - 2.0).powi(2) + 40.0 * (-4.0 * x[0]).exp()),
        drift: Box::new(|x| vec![-0.1 * (x[0] - 2.0)]),
        diffusion: Box::new(|x| vec![1e-3 + 500.0 * (-(x[0] - 0.2) / 0.5).exp()]),
        log_density: Box::new(|x, t| {
            let moved = t / (t + 3.0);
            let gauss = |m: f64, s: f64| (-(x[0] - m).powi(2) / (2.0 * s * s)).exp() / s;
            ((1.0 - moved) * gauss(5.0, 0.04 + 0.3 * t.sqrt().min(1.0)) + moved * gauss(2.0, 0.5) + 1e-300).ln()
        }),
    })
}

/// The 2-D record: two independent modes, rates 1 and 0.3, turned by 30°.
pub fn ornstein_uhlenbeck_2d() -> Record {
    let turn = |x: &[f64]| {
        let (s, c) = 30_f64.to_radians().sin_cos();
        [c * x[0] + s * x[1], -s * x[0] + c * x[1]]
    };
    let rates = [1.0, 0.3];
    build(Case {
        name: "ornstein-uhlenbeck-2d",
        grid: Grid::new(vec![
            Axis::uniform("w1", -2.0, 2.5, 90, wall()).unwrap(),
            Axis::uniform("w2", -2.0, 2.0, 80, wall()).unwrap(),
        ])
        .unwrap(),
        times: (0..=20).map(|k| 0.5 * f64::from(k)).collect(),
        loss: Box::new(move |x| turn(x).iter().zip(rates).map(|(y, r)| 0.5 * r * y * y).sum()),
        drift: Box::new(move |x| {
            let (s, c) = 30_f64.to_radians().sin_cos();
            let y = turn(x);
            vec![-c * y[0] + s * 0.3 * y[1], -s * y[0] - c * 0.3 * y[1]]
        }),
        diffusion: Box::new(|x| vec![1.0 + 4.0 * x[0] * x[0], 0.8 * x[0] * x[1], 0.3 + x[1] * x[1]]),
        log_density: Box::new(move |x, t| {
            let (y, start) = (turn(x), turn(&[1.6, 0.8]));
            (0..2)
                .map(|k| {
                    let decay = (-rates[k] * t).exp();
                    let variance = 0.02 * decay * decay + TEMPERATURE / rates[k] * (1.0 - decay * decay);
                    -(y[k] - start[k] * decay).powi(2) / (2.0 * variance) - 0.5 * variance.ln()
                })
                .sum()
        }),
    })
}

/// `/outliers` of a regression v = u at two points.
fn outliers(grid: &Grid, column: &[f64]) -> fpsolve::record::Group {
    let point = |at: f64| Point {
        position: vec![at; grid.dimension()],
        loss: 0.3 + 0.1 * at,
        losses: vec![0.1, 0.2 + at.abs(), 0.1],
        probabilities: vec![0.45, 0.1, 0.45],
        outlier: vec![false, true, false],
        residuals: vec![0.3, -0.5 - at.abs(), -0.3],
        fitted: vec![-1.0, 0.5 * at, 1.0],
    };
    let over = |f: fn(f64) -> f64| (0..grid.len()).map(|c| f(grid.center(c)[0])).collect::<Vec<f64>>();
    let found = Outliers {
        level: 0.5,
        smoothing: 1.0,
        scale: "mean-loss".into(),
        minima: true,
        points: vec![point(0.2), point(-1.1)],
        columns: Some(["u".into(), "v".into()]),
        inputs: vec![column[1], 0.0, column[0]],
        fields: [over(|x| 2.0 + (2.0 * x).sin()), over(|x| 0.5 + 0.4 * x.cos()), over(|x| (x > 0.0).into())],
        warnings: Vec::new(),
    };
    dynamic_outliers::group(grid, &found)
}

/// `/decomposition`: a path that falls towards the origin, exploration that ends with it.
fn noise_path(grid: &Grid, times: &[f64]) -> fpsolve::record::Group {
    let d = grid.dimension();
    let mut group = fpsolve::record::Group::new("decomposition");
    let names: Vec<&str> = grid.axes().iter().map(|axis| axis.variable()).collect();
    group.datasets = vec![scales::time_scale(times), scales::name_scale("component", &names, "component of a vector")];
    let position = times.iter().flat_map(|t| vec![1.5 * (-t).exp() + 0.1 * (7.0 * t).sin(); d]).collect();
    let position = ndarray::ArrayD::from_shape_vec(ndarray::IxDyn(&[times.len(), d]), position).unwrap();
    group.datasets.push(Dataset::float("position", position, &["time", "component"], "1", "one path of SGD"));
    let row = |f: fn(f64) -> f64| times.iter().map(|&t| f(t)).collect::<Vec<f64>>();
    group.datasets.push(scales::series("trace", row(|t| 0.12 + (-t).exp()), "trace"));
    group.datasets.push(scales::series("trace_intrinsic", row(|t| 0.1 + 0.1 * (-t).exp()), "intrinsic"));
    group.datasets.push(scales::series("trace_exploration", row(|t| 0.01 + (-t).exp()), "exploration"));
    group.datasets.push(scales::series("trace_mean_gradient", row(|t| -0.1 * (-t).exp()), "mean gradient"));
    group
}

fn build(case: Case) -> Record {
    let grid = &case.grid;
    let d = grid.dimension();
    let cells: Vec<[f64; 3]> = (0..grid.len()).map(|c| grid.center(c)).collect();
    let field = |f: &dyn Fn(&[f64]) -> Vec<f64>| {
        let rows: Vec<Vec<f64>> = cells.iter().map(|x| f(&x[..d])).collect();
        (0..rows[0].len()).flat_map(|k| rows.iter().map(move |row| row[k]).collect::<Vec<_>>()).collect::<Vec<f64>>()
    };
    let at = |t: f64| {
        let p = cells.iter().enumerate().map(|(i, x)| (case.log_density)(&x[..d], t).exp() * grid.volume(i)).collect();
        snapshot(grid, t, p, None)
    };
    let exact: Vec<Snapshot> = case.times.iter().map(|&t| at(t)).collect();
    let stationary = at(1e3).probability;
    let mut record = Record::new("");
    for (key, value) in [("name", case.name), ("status", "complete"), ("scenario", "name = \"é\" # any UTF-8")] {
        record.set(key, Attribute::Text(value.into()));
    }
    record.set("schema", Attribute::Integer(1));
    record.set("temperature", Attribute::Float(TEMPERATURE));
    record.groups.push(groups::grid::grid_group(grid));
    let loss = field(&|x| vec![(case.loss)(x)]);
    let column = [0.5, -1.0, 0.25];
    let data: [(&str, &[f64]); 2] = [("u", &column), ("v", &column)];
    // the parts as shares of D that change over the first variable
    let diffusion = field(&*case.diffusion);
    let share = |f: fn(f64) -> f64| -> Vec<f64> {
        diffusion.iter().enumerate().map(|(i, v)| v * f(cells[i % cells.len()][0])).collect()
    };
    let made = [share(|x| 0.5 + 0.2 * x.sin()), share(|x| 0.6 - 0.2 * x.sin()), share(|_| -0.1)];
    let parts: [(&str, &[f64]); 3] =
        [("diffusion_intrinsic", &made[0]), ("diffusion_exploration", &made[1]), ("diffusion_mean_gradient", &made[2])];
    record.groups.push(groups::problem::problem_group(
        grid,
        Some(&loss),
        &field(&*case.drift),
        &diffusion,
        &parts,
        &data,
    ));
    record
        .group_mut("problem")
        .set("decomposition", Attribute::Text("teacher: means over the noise of the data".into()));
    for (name, f) in
        [("condition_number", (|x| (3.0 * x).exp()) as fn(f64) -> f64), ("rank", |x| if x < -1.0 { 1.0 } else { 2.0 })]
    {
        let values = cells.iter().map(|x| f(x[0])).collect();
        record.group_mut("problem").datasets.push(scales::field(name, grid, &[], values, "1", name));
    }
    record.groups.push(noise_path(grid, &case.times));
    record.groups.push(outliers(grid, &column));
    let attributes = [("method", Attribute::Text("exact".into())), ("mass_error", Attribute::Float(0.0))];
    let mut fp = groups::engine::engine_group("fokker_planck", None, grid, &exact, &attributes, &[]);
    groups::engine::add_relaxation(&mut fp, relaxation(grid, &exact, Some(&stationary)));
    record.groups.push(fp);
    let (mean, covariance) = density::moments(grid, &stationary);
    let top = stationary.iter().copied().fold(0.0, f64::max);
    let potential: Vec<f64> = stationary.iter().map(|p| TEMPERATURE * (top / p).ln()).collect();
    let fields = StationaryFields {
        probability: &stationary,
        potential: &potential,
        current: Some(&vec![0.0; d * grid.len()]),
        mean: &mean,
        covariance: &covariance,
        refined: None,
    };
    record.groups.push(groups::stationary::stationary_group(grid, fields, &[]));
    let mut shown = vec![("fokker_planck", None, exact.clone())];
    for (seed, name) in [(1, "langevin"), (2, "sgd")] {
        let drawn: Vec<Snapshot> =
            exact.iter().enumerate().map(|(k, s)| sampled(grid, s, seed + 1000 * k as u64)).collect();
        let attributes = [("walkers", Attribute::Integer(WALKERS as i64)), ("step", Attribute::Float(0.01))];
        let warnings = ["one walker left the grid".to_string()];
        record.groups.push(groups::engine::engine_group(name, Some(WALKERS), grid, &drawn, &attributes, &warnings));
        ensemble::add_statistics(record.group_mut(name), grid, &statistics(&drawn));
        shown.push((name, Some(WALKERS), drawn));
    }
    let tables: Vec<(Vec<Vec<f64>>, Vec<f64>)> =
        shown.iter().map(|(_, _, s)| (s.iter().map(|s| s.probability.clone()).collect(), vec![0.0; s.len()])).collect();
    let series: Vec<Series> = shown
        .iter()
        .zip(&tables)
        .map(|((name, walkers, _), (probability, outside))| Series {
            name,
            walkers: *walkers,
            times: &case.times,
            probability: Laws::Held(probability),
            outside,
        })
        .collect();
    ensemble::add_trajectories(record.group_mut("langevin"), grid, &trajectories(&exact));
    add_passage(&mut record, grid, &exact[0].mean, &case.times);
    record.groups.push(relaxation_modes::group(grid, &modes(grid, &stationary)));
    let comparisons = compare(grid, &series, Some(&stationary), &Settings::default());
    let verdict = Verdict {
        name: "langevin_vs_stationary/total_variation".into(),
        value: 0.01,
        bound: 0.02,
        passed: true,
        why: "within the bound".into(),
    };
    record.groups.push(groups::comparison::comparison_group(&comparisons, &[verdict]));
    record.datasets.extend(groups::comparison::warning_rows(&["langevin: one walker left the grid".to_string()]));
    record
}
