//! Images with labels: read, cut down to a subset, with planted wrong labels, and put into batches.

mod cifar;
mod csv;
mod files;
mod idx;

use std::path::{Path, PathBuf};

use fpsolve::error::{self, Failure};
use fpsolve::reader::Source;
use fpsolve_solvers::numerics::random::Stream;

use crate::scenario::{Augment, Data, Origin};

/// Images of one shape with their labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Labelled {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Pixels, image by image, channel by channel, row by row.
    pub pixels: Vec<u8>,
    /// Classes from 0.
    pub labels: Vec<u8>,
    /// Row of each image among those of the files.
    pub rows: Vec<u32>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRead {
    /// Its path.
    pub path: PathBuf,
    /// Its SHA-256 as hexadecimal digits.
    pub sha256: String,
}

/// What a run learns from and is tested with.
#[derive(Debug, Clone)]
pub struct DataSet {
    /// Training images; labels with the planted wrong ones.
    pub train: Labelled,
    /// Test images.
    pub test: Labelled,
    /// Labels of the training images as the files have them.
    pub true_labels: Vec<u8>,
    /// Number of classes.
    pub classes: usize,
    /// Name for people: of the folder or file.
    pub name: String,
    /// The files.
    pub files: Vec<FileRead>,
    augment: Augment,
    /// What each value of a pixel becomes, by channel: (x − mean)/standard deviation over the training images.
    levels: Vec<[f32; 256]>,
}

/// A trouble with a file.
fn trouble(path: &Path, what: impl std::fmt::Display, help: &str) -> Failure {
    Failure::input(error::advice(format!("{}: {what}", path.display()), help))
}

impl Labelled {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of an image.
    pub fn image(&self, i: usize) -> &[u8] {
        let each = self.shape.iter().product::<usize>();
        &self.pixels[i * each..(i + 1) * each]
    }

    /// Those with these places.
    fn chosen(&self, places: &[usize]) -> Self {
        Self {
            shape: self.shape,
            pixels: places.iter().flat_map(|&i| self.image(i)).copied().collect(),
            labels: places.iter().map(|&i| self.labels[i]).collect(),
            rows: places.iter().map(|&i| self.rows[i]).collect(),
        }
    }
}

/// A random order of 0 … n − 1.
pub fn permutation(n: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, stream.below(i + 1));
    }
    order
}

impl DataSet {
    /// Reads what `[network.data]` names. Errors: files that are missing or damaged; fewer images than asked for.
    pub fn read(data: &Data, source: &Source, seed: u64) -> Result<Self, Failure> {
        let mut files = Vec::new();
        let (train, test, name) = match &data.origin.value {
            Origin::Cifar(folder) => {
                let [train, test] = cifar::read(folder, &mut files)?;
                (train, Some(test), folder.file_name())
            }
            Origin::Idx { train, test } => {
                let name = train[0].parent().and_then(Path::file_name);
                (idx::read(train, &mut files)?, Some(idx::read(test, &mut files)?), name)
            }
            Origin::Csv { file, shape, white } => {
                (csv::read(file, *shape, *white, &mut files)?, None, file.file_stem())
            }
        };
        let name = name.map_or("data".into(), |name| name.to_string_lossy().into_owned());
        let [train, test] = subsets(data, source, seed, train, test)?;
        if train.shape != test.shape {
            let message = format!("training images have the shape {:?}, test images {:?}", train.shape, test.shape);
            return Err(source.error(&data.origin.span, message, "of this data", "give files of one kind").into());
        }
        Ok(Self::new(data, seed, train, test, (name, files)))
    }

    /// Plants wrong labels and measures the pixels.
    fn new(data: &Data, seed: u64, mut train: Labelled, test: Labelled, from: (String, Vec<FileRead>)) -> Self {
        let classes = train.labels.iter().chain(&test.labels).max().map_or(2, |&most| usize::from(most) + 1).max(2);
        let true_labels = train.labels.clone();
        plant(&mut train.labels, data.wrong_labels, classes, seed);
        let levels = levels(&train);
        Self { train, test, true_labels, classes, name: from.0, files: from.1, augment: data.augment, levels }
    }

    /// Which training labels were planted.
    pub fn wrong(&self) -> Vec<bool> {
        self.train.labels.iter().zip(&self.true_labels).map(|(a, b)| a != b).collect()
    }

    /// Standardised pixels of images, one after the other; changed where a stream is given.
    pub fn pixels(&self, of: &Labelled, places: &[usize], mut change: Option<&mut Stream>) -> Vec<f32> {
        let [channels, height, width] = of.shape;
        let pad = if change.is_some() { self.augment.pad } else { 0 };
        let mut out = vec![0.0; places.len() * channels * height * width];
        for (image, &place) in out.chunks_mut(channels * height * width).zip(places) {
            let (shift, flip) = change.as_deref_mut().map_or(([0, 0], false), |stream| self.change(stream));
            let from = of.image(place);
            // what comes from beyond the image stays 0, the mean of all pixels
            let inside = |to: usize, shift: usize, n: usize| (to + shift).checked_sub(pad).filter(|&from| from < n);
            for (c, y) in (0..channels).flat_map(|c| (0..height).map(move |y| (c, y))) {
                let Some(row) = inside(y, shift[0], height) else { continue };
                let from = &from[(c * height + row) * width..][..width];
                for (x, to) in image[(c * height + y) * width..][..width].iter_mut().enumerate() {
                    if let Some(column) = inside(x, shift[1], width) {
                        *to = self.levels[c][usize::from(from[if flip { width - 1 - column } else { column }])];
                    }
                }
            }
        }
        out
    }

    /// A random shift and whether the image is mirrored.
    fn change(&self, stream: &mut Stream) -> ([usize; 2], bool) {
        let shift = match self.augment.pad {
            0 => [0, 0],
            pad => [stream.below(2 * pad + 1), stream.below(2 * pad + 1)],
        };
        (shift, self.augment.flip && stream.uniform() < 0.5)
    }
}

/// The random subsets that are asked for; without test images of their own, those come from the rest.
fn subsets(
    data: &Data,
    source: &Source,
    seed: u64,
    train: Labelled,
    test: Option<Labelled>,
) -> Result<[Labelled; 2], Failure> {
    let short = |key: &str, wanted: &fpsolve::reader::Located<usize>, there: usize| {
        let message = format!("`network.data.{key}` is {}, but there are {there} images", wanted.value);
        Failure::from(source.error(&wanted.span, message, "too many", format!("write at most {there}")))
    };
    let mut order = permutation(train.len(), &mut Stream::new(seed, "network/subset", 0));
    let Some(test) = test else {
        let wanted = data.test_samples.as_ref().map_or(train.len() / 5, |wanted| wanted.value);
        if let Some(asked) = data.test_samples.as_ref().filter(|asked| asked.value >= train.len()) {
            return Err(short("test_samples", asked, train.len() - 1));
        }
        let rest = train.len() - wanted;
        let samples = data.samples.as_ref().map_or(rest, |wanted| wanted.value);
        if let Some(asked) = data.samples.as_ref().filter(|asked| asked.value > rest) {
            return Err(short("samples", asked, rest));
        }
        let tested = train.chosen(&order[train.len() - wanted..]);
        return Ok([train.chosen(&order[..samples]), tested]);
    };
    let cut = |key: &str, wanted: &Option<fpsolve::reader::Located<usize>>, all: Labelled, order: &[usize]| match wanted
    {
        None => Ok(all),
        Some(wanted) if wanted.value > all.len() => Err(short(key, wanted, all.len())),
        Some(wanted) => Ok(all.chosen(&order[..wanted.value])),
    };
    let train = cut("samples", &data.samples, train, &order)?;
    order = permutation(test.len(), &mut Stream::new(seed, "network/subset", 1));
    Ok([train, cut("test_samples", &data.test_samples, test, &order)?])
}

/// Gives a share of the labels another class, each with the same probability.
fn plant(labels: &mut [u8], share: f64, classes: usize, seed: u64) {
    let mut stream = Stream::new(seed, "network/wrong-labels", 0);
    let wrong = (share * labels.len() as f64).round() as usize;
    for place in permutation(labels.len(), &mut stream).into_iter().take(wrong) {
        labels[place] = ((usize::from(labels[place]) + 1 + stream.below(classes - 1)) % classes) as u8;
    }
}

/// (x − mean)/standard deviation for each value x of a pixel, by channel.
fn levels(train: &Labelled) -> Vec<[f32; 256]> {
    let [channels, height, width] = train.shape;
    let each = height * width;
    let level = |c: usize| {
        let mut counts = [0_u64; 256];
        for image in train.pixels.chunks(channels * each) {
            image[c * each..(c + 1) * each].iter().for_each(|&x| counts[usize::from(x)] += 1);
        }
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let moment = |f: &dyn Fn(f64) -> f64| (0..256).map(|x| counts[x] as f64 * f(x as f64)).sum::<f64>() / all;
        let mean = moment(&|x| x);
        let std = moment(&|x| (x - mean).powi(2)).sqrt().max(1e-9);
        std::array::from_fn(|x| ((x as f64 - mean) / std) as f32)
    };
    (0..channels).map(level).collect()
}
