//! Arrays of any shape by their names: of an .npz, of an HDF5 file, of a netCDF file (which is one).

use std::cell::RefCell;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use miette::{Report, Result};
use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{NpzReader, ReadNpzError};
use rayon::prelude::*;

use super::arrays::{Number, TYPES, reason};
use super::locate;
use crate::error::interrupted;
use crate::reader::{Located, Source};
use crate::record::hdf5::Arrays as Hdf5Arrays;
use crate::signal;
use crate::text::nearest;

/// File name extensions of archives of numpy.
const ARCHIVES: &[&str] = &["npz"];
/// File name extensions of HDF5 files, netCDF 4 among them.
const HIERARCHIES: &[&str] = &["h5", "hdf5", "nc", "nc4", "netcdf"];

/// The file name extensions that are known.
pub fn extensions() -> Vec<&'static str> {
    [ARCHIVES, HIERARCHIES].concat()
}

/// Numbers that are looked at together.
const CHUNK: usize = 1 << 16;

/// A file of named arrays that is open.
pub struct NamedArrays<'a> {
    source: &'a Source,
    named: &'a Located<String>,
    path: PathBuf,
    names: Vec<String>,
    store: Store,
}

/// Where the arrays lie.
enum Store {
    /// An archive of numpy.
    Archive(RefCell<NpzReader<BufReader<File>>>),
    /// A group of an HDF5 file.
    Group(Hdf5Arrays),
}

impl<'a> NamedArrays<'a> {
    /// Opens the file that `named` names, and in an HDF5 file the group; `key` is the path of the key.
    ///
    /// Errors: those of data files; a kind of file that holds no arrays; a group where there are none; a damaged file.
    pub fn open(
        source: &'a Source,
        named: &'a Located<String>,
        key: &[&str],
        group: Option<&Located<String>>,
    ) -> Result<Self> {
        let path = locate(source, named, key)?;
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let refuse = |why: String, help: &str| {
            let message = format!("cannot read the arrays of {}: {why}", path.display());
            source.error(&named.span, message, "not readable", help)
        };
        if HIERARCHIES.contains(&extension.as_str()) {
            let path_of_group = group.map_or("", |group| group.value.as_str());
            let arrays = Hdf5Arrays::open(&path, path_of_group).map_err(|error| {
                let help = match group {
                    Some(_) => "name a group of the file by its path: group = \"slice/minima\"",
                    None => "save it as HDF5, or from xarray with engine = \"h5netcdf\" or \"netcdf4\"",
                };
                refuse(error.to_string(), help)
            })?;
            return Ok(Self { source, named, names: arrays.names(), path, store: Store::Group(arrays) });
        }
        if !ARCHIVES.contains(&extension.as_str()) {
            let message = format!("`{}` is no kind of file with named arrays that is known", named.value);
            let help = format!("use one of .{}", extensions().join(", ."));
            return Err(source.error(&named.span, message, "unknown file name extension", help));
        }
        if let Some(group) = group {
            let message = "an .npz has no groups";
            return Err(source.error(&group.span, message, "not read for this file", "remove `group`"));
        }
        let open = || -> std::result::Result<_, String> {
            let file = File::open(&path).map_err(|error| error.to_string())?;
            let mut archive = NpzReader::new(BufReader::new(file)).map_err(|error| error.to_string())?;
            let names = archive.names().map_err(|error| error.to_string())?;
            Ok((archive, names.iter().map(|name| name.trim_end_matches(".npy").to_string()).collect()))
        };
        let (archive, names) = open().map_err(|why| refuse(why, "save it with numpy.savez(file, name=array, …)"))?;
        Ok(Self { source, named, names, path, store: Store::Archive(RefCell::new(archive)) })
    }

    /// The file in messages.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Names of the arrays.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// An error about the file, at its name in the scenario.
    pub fn error(&self, message: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Report {
        self.source.error(&self.named.span, message, label, help)
    }

    /// The array of this name as finite numbers, None where there is none. Errors: those of [`NamedArrays::read_with_holes`]; entries that are
    /// not finite.
    pub fn read(&self, name: &str, axes: &[String]) -> Result<Option<ArrayD<f64>>> {
        let Some(array) = self.read_with_holes(name, axes)? else { return Ok(None) };
        // the position is sought where there is one: an index of every entry takes longer than all the rest
        let finite = |values: &[f64]| values.par_chunks(CHUNK).all(|chunk| chunk.iter().all(|value| value.is_finite()));
        let bad = !array.as_slice().is_some_and(finite);
        let bad = bad.then(|| array.indexed_iter().find(|(_, value)| !value.is_finite())).flatten();
        if let Some((index, value)) = bad {
            let message = format!("{}: `{name}`{:?} is {value}", self.name(), index_of(&index));
            return Err(self.error(message, "not a finite number", "leave that node out, or fill in the value"));
        }
        Ok(Some(array))
    }

    /// The array of this name as numbers, NaN where a value is missing, None where there is none; axes that the file itself ties to the arrays `axes` (dimension
    /// scales) are moved behind all others, in that order.
    ///
    /// Errors: an array that is none of numbers; a dimension without coordinates.
    pub fn read_with_holes(&self, name: &str, axes: &[String]) -> Result<Option<ArrayD<f64>>> {
        let Some(position) = self.names.iter().position(|have| have == name) else { return Ok(None) };
        let broken = |why: String| match signal::interrupted() {
            true => interrupted(self.error(format!("interrupted while {} was read", self.name()), "not read", "")),
            false => self.error(format!("array `{name}` of {}: {why}", self.name()), "not readable", TYPES),
        };
        let array = match &self.store {
            Store::Archive(archive) => {
                let array: std::result::Result<ArrayD<Number>, _> = archive.borrow_mut().by_index(position);
                let array = array.map_err(|error| match &error {
                    ReadNpzError::Npy(error) => broken(reason(error)),
                    ReadNpzError::Zip(error) => broken(error.to_string()),
                })?;
                array.map(|number| number.0)
            }
            Store::Group(arrays) if arrays.is_bare_dimension(name) => {
                let message = format!("the dimension `{name}` of {} has no coordinates", self.name());
                return Err(self.error(
                    message,
                    "no nodes",
                    "save the nodes of the axis with it: xarray's coords = {\"x\": x}",
                ));
            }
            Store::Group(arrays) => {
                let (array, ties) = arrays.read(name, axes).map_err(|error| broken(error.to_string()))?;
                reordered(array, &ties)
            }
        };
        match signal::interrupted() {
            true => Err(broken(String::new())),
            false if array.is_standard_layout() => Ok(Some(array)),
            false => Ok(Some(array.as_standard_layout().into_owned())),
        }
    }

    /// Arrays of the file that are none of `known` and whose last axes are of this shape. Errors: one whose name is nearly that of an array
    /// that is read and that the file does not have.
    pub fn others(&self, known: &[&str], shape: &[usize]) -> Result<Vec<String>> {
        let absent = || known.iter().filter(|known| !self.names.iter().any(|name| name == *known));
        let unknown = self.names.iter().filter(|name| !known.contains(&name.as_str()));
        let mut others = Vec::new();
        for name in unknown {
            let near = absent().find(|near| strsim::damerau_levenshtein(name, near) <= (near.len() / 4).max(1));
            if let Some(near) = near {
                let message = format!("`{name}` of {} is no array that is read", self.name());
                let help = format!("rename it: to {near} if that is meant, else to a name that is less like it");
                return Err(self.error(message, format!("did you mean `{near}`?"), help));
            }
            if self.shape(name).is_some_and(|all| all.ends_with(shape)) {
                others.push(name.clone());
            }
        }
        Ok(others)
    }

    /// The shape of an array of numbers; None of what is none, and of coordinates of an axis.
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        match &self.store {
            Store::Archive(_) => Some(self.read_with_holes(name, &[]).ok()??.shape().to_vec()),
            Store::Group(arrays) => arrays.shape(name),
        }
    }

    /// The array of this name. Errors: as for [`NamedArrays::read`]; there is none.
    pub fn require(&self, name: &str, help: &str) -> Result<ArrayD<f64>> {
        match self.read(name, &[])? {
            Some(array) => Ok(array),
            None => Err(self.missing(name, help)),
        }
    }

    /// The error for an array that is not there.
    pub fn missing(&self, name: &str, help: &str) -> Report {
        let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let shown: Vec<String> = known.iter().take(20).map(|name| format!("`{name}`")).collect();
        let label = nearest(name, &known).map_or("no such array".into(), |near| format!("did you mean `{near}`?"));
        let help =
            format!("the file has {}; {help}", if shown.is_empty() { "no arrays".into() } else { shown.join(", ") });
        self.error(format!("{} has no array `{name}`", self.name()), label, help)
    }
}

fn index_of(index: &IxDyn) -> Vec<usize> {
    ndarray::Dimension::slice(index).to_vec()
}

/// Moves the axes that are tied to variables, where all are, behind the others.
fn reordered(array: ArrayD<f64>, ties: &[Option<usize>]) -> ArrayD<f64> {
    let Some(tied) = ties.iter().copied().collect::<Option<Vec<usize>>>().filter(|tied| !tied.is_empty()) else {
        return array;
    };
    let free = (0..array.ndim()).filter(|axis| !tied.contains(axis));
    let order: Vec<usize> = free.chain(tied.iter().copied()).collect();
    if order.len() == array.ndim() { array.permuted_axes(order) } else { array }
}
