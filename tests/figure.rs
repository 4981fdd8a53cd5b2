//! Pictures are drawn from a record alone: every figure, both formats, whatever the record lacks.
#![allow(clippy::unwrap_used)]

mod synthetic;

use std::path::Path;

use fpsolve::engine::ENGINES;
use fpsolve::figure::{FIGURES, Figure, plot, plot_one};
use fpsolve::record::{Group, Record, Values};
use ndarray::Axis;
use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::Document;

/// Figures of groups that the synthetic records do not have; the tests of those groups draw them.
const ELSEWHERE: [&str; 15] = [
    "convergence",
    "laws",
    "validity",
    "basins",
    "bifurcation",
    "branch-fits",
    "leave-one-out",
    "sweep",
    "escape-rates",
    "relaxation",
    "currents",
    "network-curves",
    "network-losses",
    "network-outliers",
    "network-slice",
];

/// What is drawn in two dimensions only.
const PLANE: &str = "relief";

fn pictures(record: &Record, dir: &Path) -> Vec<String> {
    let (paths, failed) = plot(record, dir).unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_string()).collect()
}

/// A polyline of a picture.
struct Line {
    colour: String,
    closed: bool,
    points: Vec<[f64; 2]>,
}

/// A text of a picture that is not turned.
struct Word {
    at: [f64; 2],
    anchor: String,
    text: String,
}

/// What an SVG says, in logical pixels.
struct Picture {
    lines: Vec<Line>,
    words: Vec<Word>,
    turned: Vec<String>,
}

/// A frame with its axes: left, top, right, bottom.
type Frame = [f64; 4];

impl Picture {
    fn read(path: &Path) -> Self {
        let svg = std::fs::read_to_string(path).unwrap();
        let tree = Document::parse(&svg).unwrap();
        let mut picture = Self { lines: Vec::new(), words: Vec::new(), turned: Vec::new() };
        for node in tree.descendants() {
            let key = |name: &str| node.attribute(name).unwrap_or_default().to_string();
            let number = |name: &str| key(name).parse::<f64>().unwrap();
            let said = || node.text().unwrap_or_default().to_string();
            match node.tag_name().name() {
                "path" if key("fill") == "none" => {
                    let d = key("d");
                    let points = d.trim_matches(['M', 'Z']).split('L').map(|p| {
                        let (x, y) = p.split_once(' ').unwrap();
                        [x.parse().unwrap(), y.parse().unwrap()]
                    });
                    let points = points.collect();
                    picture.lines.push(Line { colour: key("stroke"), closed: d.ends_with('Z'), points });
                }
                "text" if node.has_attribute("transform") => picture.turned.push(said()),
                "text" => {
                    let at = [number("x"), number("y")];
                    picture.words.push(Word { at, anchor: key("text-anchor"), text: said() });
                }
                _ => {}
            }
        }
        picture
    }

    /// Frames of panels and of colour bars, in the order drawn.
    fn frames(&self) -> Vec<Frame> {
        let closed = self.lines.iter().filter(|line| line.closed && line.points.len() == 4);
        closed.map(|line| [line.points[0][0], line.points[0][1], line.points[2][0], line.points[2][1]]).collect()
    }

    /// What stands over a frame, at its left end.
    fn heading(&self, frame: Frame) -> &str {
        let above = |word: &&Word| word.at[0] == frame[0] && (5.0..9.0).contains(&(frame[1] - word.at[1]));
        &self.words.iter().find(above).unwrap().text
    }

    /// Texts of the legend with the colours of the lines before them.
    fn legend(&self) -> Vec<(&str, &str)> {
        let sample = |word: &Word| {
            let before = |line: &&Line| {
                let [.., end] = line.points[..] else { return false };
                line.points.len() == 2
                    && (word.at[0] - end[0] - 8.0).abs() < 0.02
                    && (word.at[1] - end[1] - 5.76).abs() < 0.02
            };
            self.lines.iter().find(before).map(|line| line.colour.as_str())
        };
        self.words.iter().filter_map(|word| Some((word.text.as_str(), sample(word)?))).collect()
    }

    /// The value at a height of a frame, as the tick labels at its left say; `spread` makes them even.
    fn height(&self, frame: Frame, y: f64, spread: fn(f64) -> f64) -> f64 {
        let label = |word: &&Word| {
            word.anchor == "end" && word.at[0] == frame[0] - 9.0 && word.at[1] > frame[1] && word.at[1] < frame[3] + 9.0
        };
        let ticks = self.words.iter().filter(label).map(|word| (word.at[1] - 5.04, spread(value(&word.text))));
        between(&ticks.collect::<Vec<_>>(), y)
    }

    /// The value at a place of the lowest frame, as the tick labels below it say.
    fn across(&self, x: f64) -> f64 {
        let lowest = self.frames().into_iter().map(|frame| frame[3]).fold(0.0, f64::max);
        let label = |word: &&Word| word.anchor == "middle" && (word.at[1] - lowest - 23.0).abs() < 0.02;
        between(&self.words.iter().filter(label).map(|word| (word.at[0], value(&word.text))).collect::<Vec<_>>(), x)
    }

    /// The longest line of a colour within a frame.
    fn curve(&self, frame: Frame, colour: &str) -> &[[f64; 2]] {
        let between = |x: f64, low: f64, high: f64| x >= low - 1.0 && x <= high + 1.0;
        let within = |p: &[f64; 2]| between(p[0], frame[0], frame[2]) && between(p[1], frame[1], frame[3]);
        let inside = |line: &&Line| line.colour == colour && line.points.iter().any(within);
        &self.lines.iter().filter(inside).max_by_key(|line| line.points.len()).unwrap().points
    }
}

/// The straight line through the first and the last tick.
fn between(ticks: &[(f64, f64)], at: f64) -> f64 {
    let [(a, low), .., (b, high)] = ticks[..] else { panic!("{} ticks", ticks.len()) };
    low + (at - a) / (b - a) * (high - low)
}

/// The number that a tick label says: `−1.5`, `10⁻³`, `3×10⁵`.
fn value(label: &str) -> f64 {
    const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    let text = label.replace('−', "-");
    let raised = |c: char| c == '⁻' || RAISED.contains(c);
    let Some(at) = text.find(raised) else { return text.parse().unwrap() };
    let digit = |c: char| RAISED.chars().position(|r| r == c).map_or("-".into(), |d| d.to_string());
    let power: i32 = text[at..].chars().map(digit).collect::<String>().parse().unwrap();
    let mantissa = text[..at].strip_suffix("10").unwrap().trim_end_matches('×');
    let mantissa = if mantissa.is_empty() { 1.0 } else { mantissa.parse().unwrap() };
    mantissa * 10_f64.powi(power)
}

fn numbers(record: &Record, path: &str) -> Vec<f64> {
    record.dataset(path).unwrap().as_float().unwrap().iter().copied().collect()
}

/// Frames, of panels and colour bars, in the pictures of the synthetic records: 1-D, decades, 2-D. Three engines have a
/// panel each; densities in two dimensions stand in three rows of five.
const FRAMES: [(&str, [usize; 3]); 3] = [("landscape", [3, 3, 2]), ("density", [4, 4, 14]), ("distance", [4, 4, 4])];

/// The engines of the synthetic records, and what pictures call them.
const CALLED: [(&str, &str); 3] = [
    ("fokker_planck", "Fokker–Planck"),
    ("langevin", "Langevin, 20\u{2009}000 walkers"),
    ("sgd", "SGD, 20\u{2009}000 walkers"),
];

#[test]
fn every_figure_is_drawn_in_one_and_two_dimensions() {
    let keep = std::env::var_os("FPSOLVE_KEEP_FIGURES"); // a folder, to look at them
    let folder = tempfile::tempdir().unwrap();
    let dir = keep.as_deref().map_or(folder.path(), Path::new);
    let records = [
        ("1d", synthetic::ornstein_uhlenbeck_1d()),
        ("decades", synthetic::decades_1d()),
        ("2d", synthetic::ornstein_uhlenbeck_2d()),
    ];
    for (case, (name, record)) in records.into_iter().enumerate() {
        let dir = dir.join(name);
        let files = pictures(&record, &dir);
        let drawn = |figure: &&Figure| !ELSEWHERE.contains(&figure.name) && (name == "2d" || figure.name != PLANE);
        assert_eq!(files.len(), 2 * FIGURES.iter().filter(drawn).count(), "{files:?}");
        for figure in FIGURES.iter().filter(drawn) {
            let png = Pixmap::load_png(dir.join(figure.name).with_extension("png")).unwrap();
            let (width, height) = (png.width(), png.height());
            assert!(width == 2400 && (1200..2000).contains(&height), "{}: {width} × {height}", figure.name);
            let picture = Picture::read(&dir.join(figure.name).with_extension("svg"));
            assert_eq!(missing(&png, &picture), [""; 0], "{name}, {}", figure.name);
            if let Some((_, frames)) = FRAMES.iter().find(|(shown, _)| *shown == figure.name) {
                assert_eq!(picture.frames().len(), frames[case], "{name}, {}", figure.name);
            }
            let svg = std::fs::read_to_string(dir.join(figure.name).with_extension("svg")).unwrap();
            assert!(svg.starts_with("<svg") && svg.contains("sans-serif") && svg.contains("<text"));
            let drawn = || svg.lines().filter(|line| !line.contains("data:image")); // base64 may hold any letters
            assert!(drawn().all(|line| !line.contains("NaN") && !line.contains("inf")), "{}", figure.name);
            assert!(svg.len() < 3_000_000, "{}: {} bytes", figure.name, svg.len());
        }
    }
}

/// Colours of keys of the SVG, and texts, that the PNG does not show.
fn missing(png: &Pixmap, picture: &Picture) -> Vec<String> {
    let colour = |p: &[u8]| format!("#{:02x}{:02x}{:02x}", p[0], p[1], p[2]);
    let shown: std::collections::HashSet<String> = png.data().chunks_exact(4).map(colour).collect();
    let keys = picture.legend().into_iter().filter(|(_, colour)| !shown.contains(*colour));
    let row = |y: usize| &png.data()[4 * 2400 * y..4 * 2400 * (y + 1)];
    let written = |word: &&Word| {
        let (x, y) = (2 * word.at[0] as usize, 2 * word.at[1] as usize);
        let (left, right) = match word.anchor.as_str() {
            "start" => (x, x + 40),
            "end" => (x - 20, x),
            _ => (x - 10, x + 10),
        };
        (y - 20..y)
            .any(|y| row(y)[4 * left..4 * right.min(2400)].chunks_exact(4).any(|p| p[..3].iter().any(|&c| c < 0x90)))
    };
    let texts = picture.words.iter().filter(|word| !written(word)).map(|word| word.text.clone());
    keys.map(|(text, colour)| format!("{text} {colour}")).chain(texts).collect()
}

#[test]
fn the_highest_point_of_a_density_is_drawn_where_the_axes_say() {
    let dir = tempfile::tempdir().unwrap();
    for (record, spread) in [
        (synthetic::ornstein_uhlenbeck_1d(), (|v| v) as fn(f64) -> f64),
        (synthetic::decades_1d(), f64::sqrt), // the label of the axis says so
    ] {
        plot_one(&record, "landscape", &dir.path().join("landscape")).unwrap();
        let picture = Picture::read(&dir.path().join("landscape.svg"));
        assert_eq!(picture.turned.iter().any(|label| label == "density ρ (√ scale)"), spread(4.0) == 2.0);
        let frames = picture.frames();
        let headings: Vec<&str> = frames.iter().map(|&frame| picture.heading(frame)).collect();
        assert_eq!(headings, CALLED.map(|(_, called)| called));
        let (centers, times) = (numbers(&record, "grid/w"), numbers(&record, "fokker_planck/time"));
        let cell = centers[1] - centers[0];
        let keys: Vec<_> = picture.legend().into_iter().filter(|(text, _)| text.starts_with("t = ")).collect();
        assert_eq!(keys.len(), 5);
        for (text, colour) in keys {
            let time = value(&text[4..]);
            let row = times.iter().position(|t| (t - time).abs() <= 5e-3 * time).unwrap();
            for (frame, (group, _)) in frames.iter().zip(CALLED) {
                let density = numbers(&record, &format!("{group}/density"));
                let density = &density[row * centers.len()..(row + 1) * centers.len()];
                let highest = density.iter().copied().fold(0.0, f64::max);
                let points = picture.curve(*frame, colour);
                let top = points.iter().min_by(|a, b| a[1].total_cmp(&b[1])).unwrap();
                // a curve has its top at a centre, the outline of a histogram between the two edges of a cell
                let level: Vec<f64> = points.iter().filter(|p| p[1] == top[1]).map(|p| p[0]).collect();
                let middle = if group == "fokker_planck" { level[0] } else { 0.5 * (level[0] + level[1]) };
                let (x, y) = (picture.across(middle), picture.height(*frame, top[1], spread));
                assert!((y / spread(highest) - 1.0).abs() < 2e-3, "{group}, {text}: {y}, {highest}");
                let near = |k: &usize| (centers[*k] - x).abs() < 0.1 * cell;
                assert!((0..centers.len()).filter(near).any(|k| density[k] > 0.999 * highest), "{group}, {text}: {x}");
            }
        }
    }
}

#[test]
fn distances_have_a_panel_each_and_a_curve_of_its_colour_for_each_engine() {
    let dir = tempfile::tempdir().unwrap();
    let record = synthetic::ornstein_uhlenbeck_1d();
    plot_one(&record, "distance", &dir.path().join("distance")).unwrap();
    let picture = Picture::read(&dir.path().join("distance.svg"));
    let colour = |group: &str| {
        let [r, g, b] = ENGINES.iter().find(|engine| engine.group == group).unwrap().colour;
        format!("#{r:02x}{g:02x}{b:02x}")
    };
    let wanted = CALLED.map(|(group, called)| (called.to_string(), colour(group)));
    let legend: Vec<_> =
        picture.legend().into_iter().map(|(text, colour)| (text.to_string(), colour.to_string())).collect();
    assert_eq!(legend[..3], wanted);
    assert_eq!(picture.frames().len(), 4);
    for label in ["total variation", "Kullback–Leibler divergence", "Hellinger distance", "Wasserstein-1 distance"] {
        assert!(picture.turned.iter().any(|turned| turned.starts_with(label)), "{label}: {:?}", picture.turned);
    }
    // the first panel is the total variation ½ Σ |p − π|, on a logarithmic axis
    let (density, rest) = (numbers(&record, "fokker_planck/density"), numbers(&record, "stationary/density"));
    let centers = numbers(&record, "grid/w");
    let cell = centers[1] - centers[0];
    let points = picture.curve(picture.frames()[0], &colour("fokker_planck"));
    assert_eq!(points.len(), density.len() / rest.len());
    for (row, point) in density.chunks_exact(rest.len()).zip(points) {
        let distance = 0.5 * cell * row.iter().zip(&rest).map(|(p, q)| (p - q).abs()).sum::<f64>();
        let read = 10_f64.powf(picture.height(picture.frames()[0], point[1], f64::log10));
        assert!((read / distance - 1.0).abs() < 1e-3, "{read} is drawn for {distance}");
    }
}

/// The words of a figure of a record.
fn words(record: &Record, name: &str) -> (Picture, String) {
    let dir = tempfile::tempdir().unwrap();
    plot_one(record, name, &dir.path().join(name)).unwrap();
    let picture = Picture::read(&dir.path().join(name).with_extension("svg"));
    let words = picture.words.iter().map(|word| word.text.as_str()).chain(picture.turned.iter().map(String::as_str));
    let words = words.collect::<Vec<_>>().join("\n");
    (picture, words)
}

/// Changes the numbers of a dataset; `of` is given a value and its place.
fn change(group: &mut Group, name: &str, of: impl Fn(f64, usize) -> f64) {
    let dataset = group.datasets.iter_mut().find(|dataset| dataset.name == name).unwrap();
    let Values::Float(values) = &mut dataset.values else { panic!("{name} holds no numbers") };
    values.iter_mut().enumerate().for_each(|(k, v)| *v = of(*v, k));
}

#[test]
fn legends_name_what_is_drawn() {
    let relief = words(&synthetic::ornstein_uhlenbeck_2d(), "relief").1;
    assert!(!relief.contains("saddle") && !relief.contains("minimum"), "there are no critical points: {relief}");
    let mut record = synthetic::ornstein_uhlenbeck_1d();
    let mut operator = record.group_mut("fokker_planck").clone();
    operator.name = "transfer_operator".into();
    record.groups.push(operator);
    assert!(words(&record, "laws").1.contains("band: two standard errors"), "the histogram of SGD has one");
    record.groups.retain(|group| group.name != "sgd");
    assert!(!words(&record, "laws").1.contains("band"));
}

#[test]
fn an_engine_without_a_distance_is_named() {
    let mut record = synthetic::ornstein_uhlenbeck_1d();
    record.group_mut("comparison").groups.retain(|pair| pair.name != "sgd_vs_stationary");
    let said = words(&record, "distance").1;
    assert!(said.contains("SGD: not compared") && !said.contains("Langevin: not compared"), "{said}");
}

#[test]
fn where_nearly_none_has_arrived_the_share_that_has_is_drawn() {
    let mut record = synthetic::ornstein_uhlenbeck_1d();
    let said = words(&record, "survival").1;
    assert!(said.contains("survival P(τ > t)") && !said.contains("Kramers"), "{said}");
    for passage in &mut record.group_mut("escape").groups {
        for name in ["survival", "langevin_survival", "sgd_survival"] {
            if passage.datasets.iter().any(|dataset| dataset.name == name) {
                change(passage, name, |survival, _| 1.0 - 1e-3 * (1.0 - survival));
            }
        }
    }
    let said = words(&record, "survival").1;
    assert!(said.contains("arrived, 1 − P(τ > t)") && !said.contains("survival P"), "{said}");
}

#[test]
fn negative_parts_of_d_are_drawn_by_their_size() {
    let mut record = synthetic::ornstein_uhlenbeck_1d();
    change(record.group_mut("problem"), "diffusion", |_, k| 10_f64.powi(-(k as i32 % 5)));
    change(record.group_mut("problem"), "diffusion_mean_gradient", |_, _| -0.5);
    let (picture, said) = words(&record, "diffusion");
    assert!(said.contains("size of a negative part"), "{said}");
    let frame = picture.frames()[0];
    let height = picture.curve(frame, "#cc79a7")[0][1];
    let read = 10_f64.powf(picture.height(frame, height, f64::log10));
    assert!((read / 0.5 - 1.0).abs() < 0.01, "{read}");
}

#[test]
fn few_walkers_are_drawn_in_bins_that_hold_enough() {
    let mut record = synthetic::ornstein_uhlenbeck_1d();
    assert!(!words(&record, "landscape").1.contains("bins of"));
    let walkers = &mut record.group_mut("sgd").attributes.iter_mut().find(|(name, _)| name == "walkers").unwrap().1;
    *walkers = fpsolve::record::Attribute::Integer(100);
    for figure in ["landscape", "density"] {
        let said = words(&record, figure).1;
        assert!(said.contains("SGD, 100 walkers; bins of "), "{said}");
    }
}

#[test]
fn a_record_without_engines_stationary_density_or_loss_still_gives_what_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let mut record = synthetic::ornstein_uhlenbeck_1d();
    record.groups.retain(|g| ["grid", "problem", "sgd"].contains(&g.name.as_str()));
    record.group_mut("problem").datasets.retain(|d| d.name != "loss");
    let files = pictures(&record, dir.path());
    assert_eq!(
        files,
        ["landscape", "density", "diffusion", "decomposition", "condition"]
            .map(|name| [format!("{name}.png"), format!("{name}.svg")])
            .concat()
    );
    record.groups.retain(|g| g.name == "grid");
    assert!(pictures(&record, dir.path()).is_empty());
    let error = plot(&Record::new(""), dir.path()).unwrap_err().to_string();
    assert!(error.contains("no /grid"), "{error}");
}

/// As an interrupted run leaves them: fewer times of one engine than of the other, and comparisons of those that both reached.
#[test]
fn engines_that_reached_different_times_are_drawn() {
    for (mut record, short) in [
        (synthetic::ornstein_uhlenbeck_1d(), "langevin"),
        (synthetic::decades_1d(), "fokker_planck"),
        (synthetic::ornstein_uhlenbeck_2d(), "langevin"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let whole = pictures(&record, dir.path());
        cut(record.group_mut(short));
        for pair in &mut record.group_mut("comparison").groups {
            cut(pair);
        }
        let drawn = pictures(&record, dir.path());
        assert!(whole.iter().all(|file| drawn.contains(file)), "{whole:?} {drawn:?}");
    }
}

/// Leaves the first three times of a group.
fn cut(group: &mut Group) {
    for dataset in &mut group.datasets {
        let Some(axis) = dataset.axes.iter().position(|axis| axis == "time") else { continue };
        if let Values::Float(values) = &mut dataset.values {
            *values = values.slice_axis(Axis(axis), (0..3).into()).to_owned();
        }
    }
}

#[test]
fn pictures_are_the_same_every_time() {
    let record = synthetic::ornstein_uhlenbeck_2d();
    let [a, b] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [first, second] = [&a, &b].map(|dir| plot(&record, dir.path()).unwrap().0);
    for (p, q) in first.iter().zip(&second) {
        assert_eq!(std::fs::read(p).unwrap(), std::fs::read(q).unwrap());
    }
}
