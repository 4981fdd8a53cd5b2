//! `fpsolve plot RECORD`: the pictures of a record.

use std::path::{Path, PathBuf};

use clap::Args as _;
use clap::builder::PossibleValuesParser;

use crate::engine::ENGINES;
use crate::error::{self, Failure, Outcome};
use crate::figure::look::{Look, STYLES, Style};
use crate::figure::{Drawing, FIGURES, FORMATS, Files, Format};
use crate::reader::source::plain_io;
use crate::record::hdf5;
use crate::record::read::column;
use crate::text::{exact, wrapped};
use crate::{figure, record};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "plot",
    about: "Draw the pictures of a record",
    arguments: Args::augment_args,
    run: |matches| {
        let args: Args = super::arguments(matches);
        super::guard::guarded(&args.record, || run(&args))
    },
};

/// Arguments of `fpsolve plot`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
struct Args {
    /// The record (HDF5)
    record: PathBuf,
    /// Folder for the pictures, or FILE.png, .svg or .pdf for one of them [default: the name of the record without .h5]
    #[arg(short, long, value_name = "DIR|FILE")]
    output: Option<PathBuf>,
    /// Draw this picture alone (may be repeated)
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(names()), hide_possible_values = true)]
    only: Vec<String>,
    /// Formats of the files: png, svg, pdf [default: png,svg]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = read_format)]
    format: Vec<Format>,
    /// Width of PNG pictures in pixels [default: twice that of the SVG, 2126 on paper]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(100..=20_000))]
    width: Option<u32>,
    /// Made for a screen, or for the page of a journal: 180 mm wide, without a title
    #[arg(long, value_name = "screen|paper", value_parser = read_style, default_value = "screen")]
    style: Style,
    /// Show densities at these times, of the output times the nearest [default: those that tell most]
    #[arg(long, value_name = "TIMES", value_delimiter = ',', allow_negative_numbers = true)]
    at: Vec<f64>,
    /// List the pictures that the record has data for, draw none
    #[arg(long)]
    list: bool,
}

fn names() -> Vec<&'static str> {
    FIGURES.iter().map(|figure| figure.name).collect()
}

fn read_format(word: &str) -> Result<Format, String> {
    let known = FORMATS.iter().find(|(ending, _)| *ending == word);
    known.map(|(_, format)| *format).ok_or_else(|| "the formats are png, svg and pdf".to_string())
}

fn read_style(word: &str) -> Result<Style, String> {
    let known = STYLES.iter().find(|(name, _)| *name == word);
    known.map(|(_, style)| *style).ok_or_else(|| "the styles are screen and paper".to_string())
}

fn after_help() -> String {
    format!(
        "Pictures of an earlier run in the folder are replaced. Pictures, told in `fpsolve list`: {}.\n\nExamples:\n  \
         fpsolve plot transient.h5 -o pictures\n  \
         fpsolve plot transient.h5 --only density --width 3000 -o density.png\n  \
         fpsolve plot transient.h5 --only landscape --style paper --at 0,1,100 -o landscape.pdf",
        names().join(", ")
    )
}

/// Draws the pictures that were asked for and that the record has data for.
fn run(args: &Args) -> Result<Outcome, Failure> {
    let formats = args.formats()?;
    let record = read(&args.record)?;
    check_times(&record, &args.at)?;
    let look = Look { style: args.style, at: args.at.clone() };
    let (mut drawings, mut failed) = figure::drawings(&record, look).map_err(refused)?;
    if drawings.is_empty() && failed.is_empty() {
        let message = format!("{} holds nothing to draw", args.record.display());
        let help = "what can be drawn are densities of a run and what analyses, convergence, validity, genesis, sweep and \
                    network find: give the record of a run that came to its first output time";
        return Err(Failure::run(error::advice(message, help)));
    }
    let there: Vec<&str> = drawings.iter().map(|drawing| drawing.figure.name).collect();
    if let Some(name) = args.only.iter().find(|name| !there.contains(&name.as_str())) {
        let message = format!("{} has no data for the picture {name}", args.record.display());
        return Err(Failure::input(error::advice(message, format!("it has: {}", there.join(", ")))));
    }
    drawings.retain(|drawing| args.only.is_empty() || args.only.iter().any(|name| name == drawing.figure.name));
    if args.list {
        let line = |drawing: &Drawing| format!("{:13}  {}\n", drawing.figure.name, drawing.figure.about);
        super::print(&wrapped(&drawings.iter().map(line).collect::<String>()))?;
        return Ok(Outcome::Done);
    }
    let files = Files { formats, width: args.width.or(args.style.pixels()) };
    let written = match args.output.as_deref().filter(|path| format_of(path).is_some()) {
        Some(path) => one(&drawings, path, &files)?,
        None => {
            let beside = || PathBuf::from(args.record.file_stem().unwrap_or_default());
            let folder = args.output.clone().unwrap_or_else(beside);
            let (written, unwritten) = figure::write_all(&drawings, &folder, &files).map_err(refused)?;
            failed.extend(unwritten);
            written
        }
    };
    super::print(&written.iter().map(|file| format!("{}\n", file.display())).collect::<String>())?;
    if failed.is_empty() {
        return Ok(Outcome::Done);
    }
    let said: Vec<String> = failed.iter().map(figure::Error::to_string).collect();
    let help = "the other pictures are drawn; draw a record with fewer cells, or report it with the record";
    Err(Failure::run(error::advice(said.join("; "), help)))
}

impl Args {
    /// The formats of the files. Errors: a file of another ending than --format says, or the record itself; --width without a PNG; a folder
    /// that is none.
    fn formats(&self) -> Result<Vec<Format>, Failure> {
        let refuse = |message: String, help: &str| Err(Failure::input(error::advice(message, help)));
        let output = self.output.as_deref();
        if let Some(path) = output {
            super::output::spare(path, "the record that is read", &self.record)?;
        }
        let file = output.and_then(|path| Some((path, format_of(path)?)));
        let formats = match (file, self.format.as_slice()) {
            (None, []) => vec![Format::Png, Format::Svg],
            (None, asked) => asked.to_vec(),
            (Some((_, format)), asked) if asked.iter().all(|asked| *asked == format) => vec![format],
            (Some((path, _)), _) => {
                let message = format!("--format asks for another format than {}", path.display());
                return refuse(message, "leave out --format, give the file its ending, or write -o FOLDER");
            }
        };
        if let Some(width) = self.width.filter(|_| !formats.contains(&Format::Png)) {
            let message = format!("--width {width} is that of PNG pictures in pixels, and none is drawn");
            return refuse(message, "leave out --width: SVG and PDF have no pixels; or draw png too");
        }
        if let Some(path) = output.filter(|path| file.is_none() && path.exists() && !path.is_dir()) {
            let message = format!("{} is there already and is no folder", path.display());
            return refuse(message, "give a folder, or a file that ends in .png, .svg or .pdf, with -o");
        }
        Ok(formats)
    }
}

/// Errors: a time that the run does not have: before its first output time or after its last.
fn check_times(record: &record::Record, at: &[f64]) -> Result<(), Failure> {
    let times = ENGINES.iter().filter_map(|engine| record.group(engine.group)).find_map(|group| column(group, "time"));
    let times = times.unwrap_or_default();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(()) };
    match at.iter().find(|t| !(*first..=*last).contains(*t)) {
        None => Ok(()),
        Some(t) => {
            let message = format!("--at {}: the run has no such time", exact(*t));
            let help = format!("its output times go from {} to {}", exact(*first), exact(*last));
            Err(Failure::input(error::advice(message, help)))
        }
    }
}

/// The format that the ending of a file names; None for a folder.
fn format_of(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_str()?;
    FORMATS.iter().find(|(word, _)| *word == ending && !path.is_dir()).map(|(_, format)| *format)
}

/// The one drawing that a file can hold. Errors: there are several, or none; it cannot be written.
fn one(drawings: &[Drawing], path: &Path, files: &Files) -> Result<Vec<PathBuf>, Failure> {
    let [drawing] = drawings else {
        let message = format!("{} can hold one picture, but there are {}", path.display(), drawings.len());
        let help = "choose one with --only NAME, or write -o FOLDER for all of them";
        return Err(Failure::input(error::advice(message, help)));
    };
    drawing.write(&path.with_extension(""), files).map_err(refused)
}

fn refused(error: figure::Error) -> Failure {
    match super::output::undrawn(&error) {
        (what, Some(help)) => Failure::run(error::advice(what, help)),
        (what, None) => Failure::input(error::advice(what, "choose another folder with -o, or another record")),
    }
}

/// The record at a path. Errors: no such file, not a record.
pub(super) fn read(path: &Path) -> Result<record::Record, Failure> {
    let help = "give a record that fpsolve wrote, for example: fpsolve plot transient.h5";
    if let Err(error) = std::fs::File::open(path) {
        let message = format!("cannot read the record {}: {}", path.display(), plain_io(&error));
        return Err(Failure::input(error::advice(message, help)));
    }
    let damaged = |panic| {
        let message = format!("{}: the file is damaged: {panic}", path.display());
        Failure::input(error::advice(message, "run the scenario again, or restore the record from a copy"))
    };
    let record =
        super::guard::bounded(path, |ahead| error::caught(|| hdf5::read_telling(path, ahead))).map_err(damaged)?;
    record.map_err(|error| Failure::input(error::advice(error.to_string(), help)))
}
