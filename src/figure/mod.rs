//! Pictures from a record, never from a running solver: PNG and SVG of each figure, with an embedded font.
//!
//! A figure is one file with a `draw` function and one line in [`FIGURES`].

pub mod chart;

use std::path::{Path, PathBuf};

use crate::error::caught;
use crate::record::Record;

mod condition;
mod convergence;
mod decomposition;
mod diffusion;
mod distance;
mod fits;
mod landscape;
mod modes;
mod outliers;
mod passage;
mod residuals;
mod samples;
mod source;
mod space_time;
mod survival;
mod trajectories;

use chart::canvas::Canvas;
use chart::{raster, svg};
use source::Source;

/// A figure that can be drawn from a record.
pub struct Figure {
    /// Name of its files.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    draw: fn(&Source) -> Option<Canvas>,
}

/// All figures.
pub const FIGURES: [Figure; 14] = [
    Figure {
        name: "landscape",
        about: "the loss with the densities at several times and the stationary one over it",
        draw: landscape::draw,
    },
    Figure { name: "density", about: "the density over space and time, engine by engine", draw: space_time::draw },
    Figure {
        name: "distance",
        about: "distances to the stationary density against time, with their noise floors",
        draw: distance::draw,
    },
    Figure {
        name: "trajectories",
        about: "the walkers of langevin.trajectories on their way over the loss",
        draw: trajectories::draw,
    },
    Figure {
        name: "survival",
        about: "first passages: the share that has not reached the target yet against time",
        draw: survival::draw,
    },
    Figure {
        name: "passage",
        about: "first passages over the parameters: mean time to the target, and the probability to come there first",
        draw: passage::draw,
    },
    Figure {
        name: "modes",
        about: "the slowest relaxation modes: functions and densities, with their rates and times",
        draw: modes::draw,
    },
    Figure { name: "diffusion", about: "the diffusion matrix D over the parameters", draw: diffusion::draw },
    Figure {
        name: "convergence",
        about: "differences between successive grids, with the slope of order 2 (of fpsolve convergence)",
        draw: convergence::draw,
    },
    Figure {
        name: "decomposition",
        about: "the parts of the gradient noise over the parameters and along a path of SGD",
        draw: decomposition::draw,
    },
    Figure {
        name: "condition",
        about: "condition number and rank of the matrix of projected amplitudes",
        draw: condition::draw,
    },
    Figure {
        name: "outliers",
        about: "the share of the loss that dynamic outliers carry, and the effective sample size",
        draw: outliers::draw,
    },
    Figure { name: "fits", about: "fitted functions with the data at each minimum", draw: fits::draw },
    Figure { name: "residuals", about: "histograms of the residuals at each minimum", draw: residuals::draw },
];

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record does not hold what every figure needs.
    #[error("no picture can be drawn: {0}")]
    Record(String),
    /// The picture cannot be encoded.
    #[error("the figure {0} cannot be encoded: too large for memory")]
    Encode(&'static str),
    /// A bug in what draws it.
    #[error("the figure {figure} cannot be drawn: {panic}")]
    Bug {
        /// Its name.
        figure: &'static str,
        /// What the panic said.
        panic: String,
    },
    /// The file cannot be written.
    #[error("{path}: cannot write the figure: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The refusal.
        source: std::io::Error,
    },
}

/// Draws every figure the record has the data for into `dir` (made where it is missing), as `NAME.png` and `NAME.svg`;
/// existing files are replaced. Returns the files. Densities of three dimensions are not drawn. A figure that cannot be drawn or encoded is
/// left out, and the rest is drawn. Errors: [`Error`].
pub fn plot(record: &Record, dir: &Path) -> Result<(Vec<PathBuf>, Vec<Error>), Error> {
    let source = Source::new(record).map_err(Error::Record)?;
    std::fs::create_dir_all(dir).map_err(|source| Error::Io { path: dir.to_path_buf(), source })?;
    let (mut written, mut failed) = (Vec::new(), Vec::new());
    for figure in &FIGURES {
        match write(figure, &source, &dir.join(figure.name)) {
            Ok(files) => written.extend(files),
            Err(error @ (Error::Bug { .. } | Error::Encode(_))) => failed.push(error),
            Err(error @ (Error::Io { .. } | Error::Record(_))) => return Err(error),
        }
    }
    Ok((written, failed))
}

/// Draws the figure called `name` to `stem` with the endings png and svg; nothing where the record has no data for it.
/// Errors: [`Error`].
pub fn plot_one(record: &Record, name: &str, stem: &Path) -> Result<Vec<PathBuf>, Error> {
    let source = Source::new(record).map_err(Error::Record)?;
    let figure = FIGURES.iter().find(|figure| figure.name == name);
    figure.map_or(Ok(Vec::new()), |figure| write(figure, &source, stem))
}

fn write(figure: &Figure, source: &Source, stem: &Path) -> Result<Vec<PathBuf>, Error> {
    let bug = |panic| Error::Bug { figure: figure.name, panic };
    let Some(canvas) = caught(|| (figure.draw)(source)).map_err(bug)? else { return Ok(Vec::new()) };
    let svg = svg::encode(&canvas).ok_or(Error::Encode(figure.name))?;
    let png = raster::png(&svg).ok_or(Error::Encode(figure.name))?;
    let mut written = Vec::new();
    for (extension, bytes) in [("png", png), ("svg", svg.into_bytes())] {
        let mut path = stem.as_os_str().to_owned(); // with_extension would cut a name with dots
        path.push(format!(".{extension}"));
        let path = PathBuf::from(path);
        std::fs::write(&path, bytes).map_err(|source| Error::Io { path: path.clone(), source })?;
        written.push(path);
    }
    Ok(written)
}
