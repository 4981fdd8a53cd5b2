//! Pictures from a record, never from a running solver: PNG and SVG of each figure, with an embedded font.
//!
//! A figure is one file with a `draw` function and one line in [`FIGURES`].

pub mod chart;

use std::path::{Path, PathBuf};

use crate::error::caught;
use crate::record::Record;

mod basins;
mod bifurcation;
mod branch_fits;
mod condition;
mod convergence;
mod decomposition;
mod diffusion;
mod distance;
mod escape_rates;
mod fits;
mod landscape;
mod laws;
mod leave_one_out;
pub mod look;
mod modes;
mod network;
mod outliers;
mod passage;
mod plane;
mod planes;
mod reactions;
mod relaxation;
mod relief;
mod residuals;
mod samples;
pub(crate) mod source;
mod space_time;
mod survival;
mod sweep;
mod trajectories;
mod validity;

use chart::canvas::Canvas;
use chart::{pdf, raster, svg};
use look::Look;
use source::Source;

/// A figure that can be drawn from a record.
pub struct Figure {
    /// Name of its files.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    draw: Draw,
}

/// How a figure is drawn; nothing where the record has no data for it.
enum Draw {
    /// Of records with a grid.
    Law(fn(&Source) -> Option<Canvas>),
    /// Of records with a grid or of networks.
    Any(fn(&Source) -> Option<Canvas>),
}

/// All figures.
pub static FIGURES: [Figure; 29] = [
    Figure {
        name: "landscape",
        about: "the loss with the densities at several times and the stationary one over it",
        draw: Draw::Law(landscape::draw),
    },
    Figure {
        name: "laws",
        about: "the law of SGD, the SDE's at orders 1, 2, 3 and the histogram of SGD, with their differences",
        draw: Draw::Law(laws::draw),
    },
    Figure {
        name: "basins",
        about: "merge trees of the loss and of Φ, and the basins with minima, saddles and maxima (of analysis.merge_tree)",
        draw: Draw::Law(basins::draw),
    },
    Figure {
        name: "relief",
        about: "the loss of two variables as a relief, with critical points, the stationary density and walkers on it",
        draw: Draw::Law(relief::draw),
    },
    Figure {
        name: "bifurcation",
        about: "minima, saddles and maxima over a parameter, with their folds (of fpsolve genesis)",
        draw: Draw::Law(bifurcation::draw),
    },
    Figure {
        name: "branch-fits",
        about: "fitted functions with the data along branches of critical points (of fpsolve genesis)",
        draw: Draw::Law(branch_fits::draw),
    },
    Figure {
        name: "leave-one-out",
        about: "how far each sample moves a minimum, and without which it is not there (of fpsolve genesis)",
        draw: Draw::Law(leave_one_out::draw),
    },
    Figure {
        name: "density",
        about: "the density over space and time, engine by engine",
        draw: Draw::Law(space_time::draw),
    },
    Figure {
        name: "distance",
        about: "distances to the stationary density against time, with their noise floors",
        draw: Draw::Law(distance::draw),
    },
    Figure {
        name: "trajectories",
        about: "the walkers of langevin.trajectories, else of sgd.trajectories, on their way over the loss",
        draw: Draw::Law(trajectories::draw),
    },
    Figure {
        name: "survival",
        about: "first passages: the share that has not reached the target yet against time",
        draw: Draw::Law(survival::draw),
    },
    Figure {
        name: "passage",
        about: "first passages over the parameters: mean time to the target, and the probability to come there first",
        draw: Draw::Law(passage::draw),
    },
    Figure {
        name: "escape-rates",
        about: "mean times between all minima, way by way, and the weights of the basins that they lead to",
        draw: Draw::Law(escape_rates::draw),
    },
    Figure {
        name: "relaxation",
        about: "distance to the law in the long run with the slowest mode over it, and the occupancy of the basins",
        draw: Draw::Law(relaxation::draw),
    },
    Figure {
        name: "currents",
        about: "transitions between sets: density, committors, current; in a plane also the current at rest as arrows",
        draw: Draw::Law(reactions::draw),
    },
    Figure {
        name: "modes",
        about: "the slowest relaxation modes: functions and densities, with their rates and times",
        draw: Draw::Law(modes::draw),
    },
    Figure { name: "diffusion", about: "the diffusion matrix D over the parameters", draw: Draw::Law(diffusion::draw) },
    Figure {
        name: "convergence",
        about: "differences between successive grids, with the slope of order 2 (of fpsolve convergence)",
        draw: Draw::Law(convergence::draw),
    },
    Figure {
        name: "validity",
        about: "where over learning rate and batch size the SDE says what SGD does (of fpsolve validity)",
        draw: Draw::Law(validity::draw),
    },
    Figure {
        name: "sweep",
        about: "numbers over the swept keys, logarithms against B/η with fitted slopes (of fpsolve sweep)",
        draw: Draw::Any(sweep::draw),
    },
    Figure {
        name: "decomposition",
        about: "the parts of the gradient noise over the parameters and along a path of SGD",
        draw: Draw::Law(decomposition::draw),
    },
    Figure {
        name: "condition",
        about: "condition number and rank of the matrix of projected amplitudes",
        draw: Draw::Law(condition::draw),
    },
    Figure {
        name: "outliers",
        about: "the share of the loss that dynamic outliers carry, and the effective sample size",
        draw: Draw::Law(outliers::draw),
    },
    Figure { name: "fits", about: "fitted functions with the data at each minimum", draw: Draw::Law(fits::draw) },
    Figure {
        name: "residuals",
        about: "histograms of the residuals at each minimum",
        draw: Draw::Law(residuals::draw),
    },
    Figure {
        name: "network-curves",
        about: "accuracy, losses and effective sample size over the epochs, by ways of drawing (of fpsolve network)",
        draw: Draw::Any(network::curves::draw),
    },
    Figure {
        name: "network-losses",
        about: "histograms of the samples' losses at several epochs, wrong labels apart (of fpsolve network)",
        draw: Draw::Any(network::losses::draw),
    },
    Figure {
        name: "network-outliers",
        about: "the samples with the largest losses as images with their labels (of fpsolve network)",
        draw: Draw::Any(network::outliers::draw),
    },
    Figure {
        name: "network-slice",
        about: "the loss and the trace of D on planes through trained networks (of fpsolve network)",
        draw: Draw::Any(network::slice::draw),
    },
];

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pixels.
    Png,
    /// Lines and text.
    Svg,
    /// The same for a page of LaTeX.
    Pdf,
}

/// The formats, by the endings of their files.
pub const FORMATS: [(&str, Format); 3] = [("png", Format::Png), ("svg", Format::Svg), ("pdf", Format::Pdf)];

/// How pictures are written.
#[derive(Debug, Clone)]
pub struct Files {
    /// The formats.
    pub formats: Vec<Format>,
    /// Width of PNG in pixels; by default 2 for each logical one.
    pub width: Option<u32>,
}

impl Default for Files {
    fn default() -> Self {
        Self { formats: vec![Format::Png, Format::Svg], width: None }
    }
}

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

/// Draws the figures the record has the data for into `dir` (made where it is missing), as `NAME.png` and `NAME.svg`; existing files are
/// replaced. Returns the files, and what could not be drawn or encoded: the rest is there. Errors: [`Error`].
pub fn plot(record: &Record, dir: &Path) -> Result<(Vec<PathBuf>, Vec<Error>), Error> {
    let (drawings, mut failed) = drawings(record, Look::default())?;
    let (written, unwritten) = write_all(&drawings, dir, &Files::default())?;
    failed.extend(unwritten);
    Ok((written, failed))
}

/// Writes drawings into `dir` (made where it is missing) under the names of their figures. Returns the files, and what could not be
/// encoded. Errors: [`Error`].
pub fn write_all(drawings: &[Drawing], dir: &Path, files: &Files) -> Result<(Vec<PathBuf>, Vec<Error>), Error> {
    std::fs::create_dir_all(dir).map_err(|source| Error::Io { path: dir.to_path_buf(), source })?;
    let (mut written, mut failed) = (Vec::new(), Vec::new());
    for drawing in drawings {
        match drawing.write(&dir.join(drawing.figure.name), files) {
            Ok(paths) => written.extend(paths),
            Err(error @ (Error::Bug { .. } | Error::Encode(_))) => failed.push(error),
            Err(error @ (Error::Io { .. } | Error::Record(_))) => return Err(error),
        }
    }
    Ok((written, failed))
}

/// A figure as it was drawn from a record.
pub struct Drawing {
    /// The figure.
    pub figure: &'static Figure,
    /// The picture.
    pub svg: String,
}

impl Drawing {
    /// Writes it to `stem` with the endings of the formats; returns the files. Errors: [`Error`].
    pub fn write(&self, stem: &Path, files: &Files) -> Result<Vec<PathBuf>, Error> {
        let mut written = Vec::new();
        for (ending, _) in FORMATS.iter().filter(|(_, format)| files.formats.contains(format)) {
            let mut path = stem.as_os_str().to_owned(); // with_extension would cut a name with dots
            path.push(format!(".{ending}"));
            written.push(PathBuf::from(path));
        }
        let formats = FORMATS.iter().map(|(_, format)| format).filter(|format| files.formats.contains(format));
        for (format, path) in formats.zip(&written) {
            let bytes = match format {
                Format::Png => raster::png(&self.svg, files.width).ok_or(Error::Encode(self.figure.name))?,
                Format::Svg => self.svg.clone().into_bytes(),
                Format::Pdf => pdf::encode(&self.svg).ok_or(Error::Encode(self.figure.name))?,
            };
            std::fs::write(path, bytes).map_err(|source| Error::Io { path: path.clone(), source })?;
        }
        Ok(written)
    }
}

/// Every figure the record has the data for, as SVG, and what could not be drawn. Errors: [`Error`].
pub fn drawings(record: &Record, look: Look) -> Result<(Vec<Drawing>, Vec<Error>), Error> {
    let source = Source::new(record, look).map_err(Error::Record)?;
    let (mut drawn, mut failed) = (Vec::new(), Vec::new());
    for figure in &FIGURES {
        match draw(figure, &source) {
            Ok(drawing) => drawn.extend(drawing),
            Err(error) => failed.push(error),
        }
    }
    Ok((drawn, failed))
}

fn draw(figure: &'static Figure, source: &Source) -> Result<Option<Drawing>, Error> {
    let bug = |panic| Error::Bug { figure: figure.name, panic };
    let of = match figure.draw {
        Draw::Law(_) if source.axes.is_empty() => return Ok(None),
        Draw::Law(of) | Draw::Any(of) => of,
    };
    let Some(canvas) = caught(|| of(source)).map_err(bug)? else { return Ok(None) };
    let svg = svg::encode(&canvas, source.look.style).ok_or(Error::Encode(figure.name))?;
    Ok(Some(Drawing { figure, svg }))
}

/// Draws the figure called `name` to `stem` with the endings png and svg; nothing where the record has no data for it.
/// Errors: [`Error`].
pub fn plot_one(record: &Record, name: &str, stem: &Path) -> Result<Vec<PathBuf>, Error> {
    let source = Source::new(record, Look::default()).map_err(Error::Record)?;
    let Some(figure) = FIGURES.iter().find(|figure| figure.name == name) else { return Ok(Vec::new()) };
    draw(figure, &source)?.map_or(Ok(Vec::new()), |drawing| drawing.write(stem, &Files::default()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::{Dataset, Group};

    static BROKEN: Figure = Figure { name: "broken", about: "", draw: Draw::Law(|_| panic!("out of ink")) };

    /// A record with nothing but a grid.
    fn record() -> Record {
        let mut grid = Group::new("grid");
        let edges = ndarray::Array1::from_vec(vec![0.0, 1.0, 2.0]).into_dyn();
        let centers = ndarray::Array1::from_vec(vec![0.5, 1.5]).into_dyn();
        grid.datasets.push(Dataset::float("x", centers, &["x"], "1", "centres"));
        grid.datasets.push(Dataset::float("x_edges", edges, &["x_edge"], "1", "edges"));
        let mut record = Record::new("");
        record.groups.push(grid);
        record
    }

    #[test]
    fn a_picture_that_panics_is_lost_alone() {
        let record = record();
        let source = Source::new(&record, Look::default()).unwrap();
        let said = draw(&BROKEN, &source).err().unwrap().to_string();
        assert!(said.contains("the figure broken cannot be drawn: out of ink"), "{said}");
        assert!(drawings(&record, Look::default()).unwrap().1.is_empty());
    }
}
