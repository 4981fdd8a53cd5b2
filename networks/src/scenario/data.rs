//! `[network.data]`: where images come from, and what is done with them.

use std::path::PathBuf;

use fpsolve::reader::{Kind, Located, Table, Value};
use miette::Result;

/// `[network.data]`.
#[derive(Debug, Clone)]
pub struct Data {
    /// Where they come from.
    pub origin: Located<Origin>,
    /// Training images: a random subset of so many, or all.
    pub samples: Option<Located<usize>>,
    /// Test images: a random subset of so many, or all.
    pub test_samples: Option<Located<usize>>,
    /// Share of the training images that get another label.
    pub wrong_labels: f64,
    /// Changes of the training images.
    pub augment: Augment,
}

/// Files with images.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The binary files of CIFAR-10 in a folder.
    Cifar(PathBuf),
    /// IDX files, gzipped or not: images and labels.
    Idx {
        /// Training images and labels.
        train: [PathBuf; 2],
        /// Test images and labels.
        test: [PathBuf; 2],
    },
    /// A CSV file without a header: pixels, row by row, then the label.
    Csv {
        /// The file.
        file: PathBuf,
        /// Height and width.
        shape: [usize; 2],
        /// Value of a white pixel.
        white: u8,
    },
}

/// Changes of training images, drawn anew each time they are seen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Augment {
    /// Pixels by which an image is shifted at most, each way.
    pub pad: usize,
    /// Whether it is mirrored half of the time.
    pub flip: bool,
}

type Read = fn(&Table) -> Result<Origin>;

const KINDS: &[Kind<'static, Read>] = &[
    Kind { word: "idx", keys: &["train", "test"], meaning: idx },
    Kind { word: "cifar10-binary", keys: &["folder"], meaning: cifar },
    Kind { word: "csv", keys: &["file", "shape", "white"], meaning: csv },
];
const COMMON: &[&str] = &["samples", "test_samples", "wrong_labels", "augment"];

/// Reads `[network.data]`. Errors: it is missing; values out of range.
pub(super) fn read(network: &Table) -> Result<Data> {
    let value = network.require("data", "write [network.data] with kind = \"idx\", \"cifar10-binary\" or \"csv\"")?;
    let table = value.open_table()?;
    let kind = table.require("kind", "write kind = \"idx\", \"cifar10-binary\" or \"csv\"")?;
    let origin = (table.kind(&KINDS[0], COMMON, KINDS)?.meaning)(&table)?;
    let number = |key: &str| table.optional(key, |v| Ok(v.count(1..=100_000_000)?.map(|n| n as usize)));
    Ok(Data {
        origin: Located { value: origin, span: kind.span() },
        samples: number("samples")?,
        test_samples: number("test_samples")?,
        wrong_labels: table.or("wrong_labels", 0.0, "0", wrong)?,
        augment: augment(&table)?,
    })
}

fn wrong(value: &Value) -> Result<f64> {
    let share = value.number()?.value;
    if (0.0..=0.9).contains(&share) {
        return Ok(share);
    }
    let message = format!("`{}` must lie between 0 and 0.9, but is {share}", value.path());
    Err(value.error(message, "no share", "write the share of labels to be replaced, for example 0.2"))
}

fn augment(table: &Table) -> Result<Augment> {
    let table = table.table("augment", &["pad", "flip"])?;
    let pad = table.or("pad", 0, "0", |v| Ok(v.count(0..=32)?.value as usize))?;
    let flip = table.or("flip", false, "false", |v| Ok(v.boolean()?.value))?;
    Ok(Augment { pad, flip })
}

/// A path, from the scenario's folder on.
fn path(value: &Value) -> Result<PathBuf> {
    Ok(value.source().folder().join(value.string()?.value))
}

fn cifar(table: &Table) -> Result<Origin> {
    let help = "write folder = \"cifar-10-batches-bin\": the folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin";
    Ok(Origin::Cifar(path(&table.require("folder", help)?)?))
}

fn idx(table: &Table) -> Result<Origin> {
    let pair = |key: &str| {
        let help = format!("write {key} = [\"images-idx3-ubyte.gz\", \"labels-idx1-ubyte.gz\"]");
        let value = table.require(key, &help)?;
        let paths = value.list()?.iter().map(path).collect::<Result<Vec<_>>>()?;
        let [images, labels] = &paths[..] else {
            let message = format!("`{}` must name two files, images and labels, not {}", value.path(), paths.len());
            return Err(value.error(message, "not a pair", help));
        };
        Ok([images.clone(), labels.clone()])
    };
    Ok(Origin::Idx { train: pair("train")?, test: pair("test")? })
}

fn csv(table: &Table) -> Result<Origin> {
    let file = path(&table.require("file", "write file = \"digits.csv\"")?)?;
    let shape = table.require("shape", "write the height and width of an image: shape = [8, 8]")?;
    let sides = shape.list()?.iter().map(|v| Ok(v.count(1..=1024)?.value as usize)).collect::<Result<Vec<_>>>()?;
    let [height, width] = sides[..] else {
        return Err(shape.error("`network.data.shape` has two numbers", "not two", "write shape = [8, 8]"));
    };
    let white = table.or("white", 255, "255", |v| Ok(v.count(1..=255)?.value as u8))?;
    Ok(Origin::Csv { file, shape: [height, width], white })
}
