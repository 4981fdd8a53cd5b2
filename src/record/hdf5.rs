//! How a record is stored: HDF5 with dimension scales, written whole and renamed into place, read with checks.
//!
//! Every axis of every dataset has a dimension scale in its own group, because netCDF-style readers see no sibling
//! groups; the names of the axes also stand in the attribute `axes`, from which [`read`] restores them.

use std::ffi::CStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hdf5::plist::dataset_create::Layout;
use hdf5::plist::file_create::LinkCreationOrder;
use hdf5::types::{FixedAscii, FixedUnicode, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Hyperslab, IndexType, IterationOrder, LinkType, SliceOrIndex};
use hdf5_sys::h5::herr_t;
use hdf5_sys::h5i::hid_t;
use ndarray::{Array1, ArrayD};

use super::{Attribute, Dataset, Group, Record, Values};
use crate::signal;

/// What can go wrong with a record file; each message names the file and a way out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: cannot {action} the record: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The refusal.
        source: std::io::Error,
    },
    /// The HDF5 library refused.
    #[error("{path}: HDF5 cannot {action}: {source}")]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// What was tried, with the object.
        action: String,
        /// The refusal.
        source: hdf5::Error,
    },
    /// The file or the value is no record as this program writes them.
    #[error("{path}: {what}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the object where it is.
        what: String,
    },
}

/// Result of reading or writing a record.
pub type Result<T> = std::result::Result<T, Error>;

// Limits of a file that is read: far beyond what is written here, small enough to be refused before memory is taken.
const MAX_DEPTH: usize = 8;
const MAX_OBJECTS: usize = 100_000;
const MAX_RANK: usize = 8;
const MAX_COMPRESSION: u64 = 1_100; // deflate's own limit is 1032:1
const MAX_CHUNK: usize = 1 << 24; // values; other programs may choose larger pieces than records have
const MAX_VALUE: usize = 16; // bytes of a number, or of what refers to a text
const LZF: i32 = 32_000; // number of that filter
const MOST_MISSING: usize = 16; // numbers of an attribute that says what is missing
const SMALL_FILE: u64 = 1 << 20; // attributes and headers dominate below
const COMPRESS_FROM: usize = 4096; // values
const CHUNK: usize = 1 << 17; // values, 1 MiB

/// Attributes of a dataset that belong to this file rather than to the value.
const OWN_ATTRIBUTES: [&str; 3] = ["units", "long_name", "axes"];

#[allow(unsafe_code)]
mod scale {
    use super::*;
    unsafe extern "C" {
        fn H5DSset_scale(dataset: hid_t, name: *const std::ffi::c_char) -> herr_t;
        fn H5DSattach_scale(dataset: hid_t, scale: hid_t, axis: std::ffi::c_uint) -> herr_t;
        fn H5DSis_attached(dataset: hid_t, scale: hid_t, axis: std::ffi::c_uint) -> herr_t;
    }
    /// Keeps the library from loading filters from files that the environment or a record names.
    pub fn no_plugins() {
        let _lock = hdf5_sys::LOCK.lock();
        let mut kinds: std::ffi::c_int = 0;
        // SAFETY: the library only reads the number behind the pointer, which lives until the call returns; the lock is held, as every
        // call of the library needs it
        let _ = unsafe { hdf5_sys::h5pl::H5PLset_loading_state(&raw mut kinds) };
    }
    /// Makes a dataset a dimension scale called `name`.
    pub fn set(dataset: &hdf5::Dataset, name: &CStr) -> bool {
        let _lock = hdf5_sys::LOCK.lock();
        // SAFETY: the identifier is a live dataset, the name ends with NUL, and the library's lock is held.
        unsafe { H5DSset_scale(dataset.id(), name.as_ptr()) >= 0 }
    }
    /// Attaches a scale to one axis of a dataset.
    pub fn attach(dataset: &hdf5::Dataset, scale: &hdf5::Dataset, axis: usize) -> bool {
        let Ok(axis) = std::ffi::c_uint::try_from(axis) else { return false };
        let _lock = hdf5_sys::LOCK.lock();
        // SAFETY: both identifiers are live datasets, and the library's lock is held.
        unsafe { H5DSattach_scale(dataset.id(), scale.id(), axis) >= 0 }
    }
    /// Whether a scale is attached to one axis of a dataset.
    pub fn is_attached(dataset: &hdf5::Dataset, scale: &hdf5::Dataset, axis: usize) -> bool {
        let Ok(axis) = std::ffi::c_uint::try_from(axis) else { return false };
        let _lock = hdf5_sys::LOCK.lock();
        // SAFETY: both identifiers are live datasets, and the library's lock is held.
        unsafe { H5DSis_attached(dataset.id(), scale.id(), axis) > 0 }
    }
}

/// What happens to a file that is at the path of a new record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The record takes its place.
    Replaced,
    /// It stays, and the writing is an error.
    Kept,
}

impl Error {
    /// Whether a file that was to be kept was in the way.
    pub fn is_in_the_way(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists)
    }
}

/// How unfinished files of a process on this machine begin.
fn unfinished(process: u32) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    format!(".fpsolve-{host}-{process}-")
}

/// Removes the unfinished files that processes of this machine left in a folder when they were killed.
pub fn remove_orphans(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((head, _)) = name.strip_suffix(".tmp").and_then(|name| name.rsplit_once('-')) else { continue };
        let process = head.rsplit_once('-').and_then(|(_, process)| process.parse::<u32>().ok());
        let ours = process.filter(|&process| name.starts_with(&unfinished(process)));
        if ours.is_some_and(|process| !is_alive(process)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a process of this machine is there; yes where that cannot be told.
fn is_alive(process: u32) -> bool {
    let id = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    id.is_none_or(|id| rustix::process::test_kill_process(id) != Err(rustix::io::Errno::SRCH))
}

/// Writes a record: a temporary file in the same folder, flushed to the disk, then renamed to `path`.
///
/// At `path` there is nothing, the old complete record, or the new complete one. Errors: a file at `path` that is to be kept; [`Error::Invalid`] before any
/// file is made when an axis has no scale of its length or a name appears twice; [`Error::Io`]; [`Error::Hdf5`].
pub fn write(record: &Record, path: &Path, existing: Existing) -> Result<()> {
    check_group(record, path, "")?;
    let io = |action| move |source| Error::Io { path: path.to_path_buf(), action, source };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new()
        .prefix(&unfinished(std::process::id()))
        .suffix(".tmp")
        .permissions(Permissions::from_mode(0o666)) // what the umask leaves of it, as for any new file
        .tempfile_in(folder)
        .map_err(io("create"))?;
    signal::unfinished(Some(temporary.path()));
    let written = fill(record, temporary.path())
        .map_err(|(action, source)| Error::Hdf5 { path: path.to_path_buf(), action, source })
        .and_then(|()| temporary.as_file().sync_all().map_err(io("flush")))
        .and_then(|()| {
            let named = match existing {
                Existing::Replaced => temporary.persist(path),
                Existing::Kept => temporary.persist_noclobber(path),
            };
            named.map_err(|e| e.error).map_err(io("rename"))
        });
    signal::unfinished(None);
    written?;
    fs::File::open(folder).and_then(|f| f.sync_all()).map_err(io("flush the folder of"))
}

type Step<T> = std::result::Result<T, (String, hdf5::Error)>;

/// Adds what was being done to an error of the library.
fn during<T>(result: hdf5::Result<T>, action: impl FnOnce() -> String) -> Step<T> {
    result.map_err(|e| (action(), e))
}

/// How files of records are opened: without the locks of the library, where it can. A record is written beside its path and renamed, so
/// that nobody sees half of one; many file systems of clusters have no locks, and programs that are started inherit those of open files.
fn unlocked() -> hdf5::FileBuilder {
    let mut options = hdf5::File::with_options();
    #[cfg(hdf5_without_locks)]
    options.with_fapl(|p| p.file_locking(false));
    options
}

fn fill(record: &Record, path: &Path) -> Step<()> {
    let mut options = unlocked();
    options.with_fcpl(|p| p.link_creation_order(LinkCreationOrder::Indexed));
    let file = during(options.create(path), || "create the file".into())?;
    write_group(record, &file, "")?;
    during(file.flush(), || "flush the file".into())?;
    during(file.close(), || "close the file".into())
}

fn write_group(group: &Group, target: &hdf5::Group, at: &str) -> Step<()> {
    for (name, value) in &group.attributes {
        during(write_attribute(target, name, value), || format!("write the attribute {at}/{name}"))?;
    }
    let mut written = Vec::new();
    for dataset in &group.datasets {
        written.push(during(write_dataset(dataset, target), || format!("write {at}/{}", dataset.name))?);
    }
    let failed = |name: &str| (format!("set the dimension scale of {at}/{name}"), hdf5::Error::from("H5DS"));
    for (dataset, file) in group.datasets.iter().zip(&written).filter(|(d, _)| is_scale(d)) {
        let name = std::ffi::CString::new(dataset.name.as_str()).map_err(|_| failed(&dataset.name))?;
        if !scale::set(file, &name) {
            return Err(failed(&dataset.name));
        }
    }
    for (dataset, file) in group.datasets.iter().zip(&written).filter(|(d, _)| !is_scale(d)) {
        for (axis, name) in dataset.axes.iter().enumerate() {
            let scale = group.datasets.iter().position(|d| &d.name == name).map(|i| &written[i]);
            if !scale.is_some_and(|scale| scale::attach(file, scale, axis)) {
                return Err(failed(&dataset.name));
            }
        }
    }
    for child in &group.groups {
        let name = child.name.as_str();
        let builder = target.create_group_builder().with_gcpl(|p| p.link_creation_order(LinkCreationOrder::Indexed));
        let inner = during(builder.create(name), || format!("create the group {at}/{name}"))?;
        write_group(child, &inner, &format!("{at}/{name}"))?;
    }
    Ok(())
}

fn is_scale(dataset: &Dataset) -> bool {
    dataset.axes.len() == 1 && dataset.axes[0] == dataset.name
}

fn unicode(text: &str) -> hdf5::Result<VarLenUnicode> {
    VarLenUnicode::from_str(text).map_err(|e| hdf5::Error::from(e.to_string()))
}

fn write_attribute(target: &hdf5::Location, name: &str, value: &Attribute) -> hdf5::Result<()> {
    match value {
        Attribute::Float(x) => target.new_attr::<f64>().create(name)?.as_writer().write_scalar(x),
        Attribute::Integer(n) => target.new_attr::<i64>().create(name)?.as_writer().write_scalar(n),
        Attribute::Text(s) => target.new_attr::<VarLenUnicode>().create(name)?.as_writer().write_scalar(&unicode(s)?),
    }
}

fn write_dataset(dataset: &Dataset, target: &hdf5::Group) -> hdf5::Result<hdf5::Dataset> {
    let file = match &dataset.values {
        Values::Float(a) => write_numbers(a, &dataset.name, target)?,
        Values::Integer(a) => write_numbers(a, &dataset.name, target)?,
        Values::Text(rows) => {
            let rows: Array1<VarLenUnicode> = rows.iter().map(|s| unicode(s)).collect::<hdf5::Result<_>>()?;
            target.new_dataset_builder().obj_track_times(false).with_data(&rows).create(dataset.name.as_str())?
        }
    };
    let texts = [dataset.units.clone(), dataset.long_name.clone(), dataset.axes.join(" ")];
    for (name, text) in OWN_ATTRIBUTES.iter().zip(texts) {
        write_attribute(&file, name, &Attribute::Text(text))?;
    }
    Ok(file)
}

fn write_numbers<T: hdf5::H5Type + Clone>(
    a: &ArrayD<T>,
    name: &str,
    target: &hdf5::Group,
) -> hdf5::Result<hdf5::Dataset> {
    let mut builder = target.new_dataset_builder().obj_track_times(false);
    if a.len() >= COMPRESS_FROM {
        builder = builder.chunk(chunk_shape(a.shape())).shuffle().deflate(4);
    }
    let standard = a.as_standard_layout();
    builder.with_data(&standard).create(name)
}

/// Whole trailing axes as long as they fit into a chunk, then as many rows of the next axis as fit.
fn chunk_shape(shape: &[usize]) -> Vec<usize> {
    let mut chunk = vec![1; shape.len()];
    let mut room = CHUNK;
    for k in (0..shape.len()).rev() {
        chunk[k] = shape[k].min(room);
        room /= shape[k];
        if room == 0 {
            break;
        }
    }
    chunk
}

/// Axes have scales of their length, names are unique and free of `/` and NUL.
fn check_group(group: &Group, path: &Path, at: &str) -> Result<()> {
    let invalid = |what: String| Err(Error::Invalid { path: path.to_path_buf(), what });
    let names = group.datasets.iter().map(|d| &d.name).chain(group.groups.iter().map(|g| &g.name));
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if name.is_empty() || name == "." || name.contains(['/', '\0']) {
            return invalid(format!("an object of {at}/ cannot be called {name:?}"));
        }
        if !seen.insert(name) {
            return invalid(format!("{at}/{name} would be written twice; rename the variable or column {name}"));
        }
    }
    for dataset in &group.datasets {
        let shape = dataset.shape();
        if shape.len() != dataset.axes.len() || shape.is_empty() {
            return invalid(format!(
                "{at}/{} has shape {shape:?} but axes {:?}; each axis needs one name",
                dataset.name, dataset.axes
            ));
        }
        for (name, &n) in dataset.axes.iter().zip(&shape) {
            let scale = group.datasets.iter().find(|d| &d.name == name && is_scale(d));
            if scale.is_none_or(|scale| scale.shape() != [n]) {
                return invalid(format!("{at}/{} needs a scale {at}/{name} with {n} values", dataset.name));
            }
        }
    }
    group.groups.iter().try_for_each(|child| check_group(child, path, &format!("{at}/{}", child.name)))
}

/// Reads a record. Refused: links that are not hard, virtual or external storage, filters other than shuffle, deflate
/// and fletcher32, shapes that the size of the file cannot account for, datasets without the attributes of a record.
///
/// Attributes of a group come back in the order of their names. Errors: [`Error`].
pub fn read(path: &Path) -> Result<Record> {
    read_telling(path, &mut |_| ())
}

/// As [`read`]; tells the bytes of the numbers of each dataset, as values in memory, before it asks the library for them.
pub fn read_telling(path: &Path, ahead: &mut dyn FnMut(u64)) -> Result<Record> {
    let mut reader = Reader { ahead: Some(ahead), ..Reader::of(path)? };
    let file = reader.hdf5("open the file (is it a record?)", unlocked().open(path))?;
    reader.group(&file, "", String::new(), 0)
}

/// Reads one dataset with one axis of numbers out of any HDF5 file, as data. Refused: links that are not hard anywhere on the
/// way, and what [`read`] refuses of storage, filters and shapes. Errors: [`Error`].
pub fn read_column(path: &Path, dataset: &str) -> Result<Vec<f64>> {
    let mut reader = Reader::of(path)?;
    let file = reader.hdf5("open the file (is it HDF5?)", hdf5::File::open(path))?;
    let parts: Vec<&str> = dataset.split('/').filter(|part| !part.is_empty()).collect();
    let Some((last, groups)) = parts.split_last() else { return reader.invalid("no dataset is named".to_string()) };
    let mut group: hdf5::Group = (*file).clone();
    for part in groups {
        reader.check_link(&group, part, dataset)?;
        group = reader.hdf5(&format!("open {part} of {dataset}"), group.group(part))?;
    }
    reader.check_link(&group, last, dataset)?;
    let found = reader.hdf5(&format!("open {dataset} as a dataset"), group.dataset(last))?;
    let shape = reader.checked_shape(&found, dataset)?;
    if shape.len() != 1 {
        return reader.invalid(format!("{dataset} has the shape {shape:?}, not one axis"));
    }
    let mut values = reader.hdf5(&format!("read {dataset} as numbers"), found.read_raw::<f64>())?;
    reader.packing(&found, dataset)?.unpack(&mut values);
    Ok(values)
}

/// How netCDF stores the numbers of a variable (CF conventions, chapters 2.5.1 and 8.1): value = offset + scale · stored, a stored value
/// that stands for a missing one becomes NaN.
#[derive(Debug, Default)]
struct Packing {
    /// `_FillValue` and `missing_value`.
    missing: Vec<f64>,
    /// 2ᵇ for integers of b bits whose attribute `_Unsigned` says other than their type; negative where they are signed.
    wrap: f64,
    scale: Option<f64>,
    offset: Option<f64>,
    /// Whether the stored numbers are of single precision: attributes that are doubles are compared in it.
    single: bool,
}

impl Packing {
    /// Stored integers as the attribute `_Unsigned` means them.
    fn wrapped(&self, x: f64) -> f64 {
        let below = self.wrap > 0.0 && x < 0.0;
        let above = self.wrap < 0.0 && x >= -0.5 * self.wrap;
        if below || above { x + self.wrap } else { x }
    }

    /// Stored numbers become values.
    fn unpack(&self, values: &mut [f64]) {
        if self.missing.is_empty() && self.wrap == 0.0 && self.scale.is_none() && self.offset.is_none() {
            return;
        }
        let missing: Vec<f64> = self.missing.iter().map(|m| self.wrapped(*m)).collect();
        #[allow(clippy::cast_possible_truncation)] // both are rounded to what the file holds
        let same = |x: f64, m: f64| x == m || (self.single && x as f32 == m as f32);
        let (scale, offset) = (self.scale.unwrap_or(1.0), self.offset.unwrap_or(0.0));
        for value in values {
            let stored = self.wrapped(*value);
            let lost = missing.iter().any(|m| same(stored, *m));
            *value = if lost { f64::NAN } else { stored * scale + offset };
        }
    }
}

/// The datasets of one group of any HDF5 file, as data. Refused: what [`read_column`] refuses.
pub struct Arrays {
    path: PathBuf,
    group: hdf5::Group,
    names: Vec<String>,
}

/// How the library of netCDF marks a dimension that has no variable: its dataset holds no coordinates.
const NO_VARIABLE: &str = "This is a netCDF dimension but not a netCDF variable";

impl Arrays {
    /// Opens the group at `path_of_group` (the root where it is empty). Errors: [`Error`].
    pub fn open(path: &Path, path_of_group: &str) -> Result<Self> {
        let reader = Reader::of(path)?;
        let file = reader.hdf5("open the file (is it HDF5?)", hdf5::File::open(path))?;
        let mut group: hdf5::Group = (*file).clone();
        for part in path_of_group.split('/').filter(|part| !part.is_empty()) {
            reader.check_link(&group, part, path_of_group)?;
            group = reader.hdf5(&format!("open {part} of {path_of_group} as a group"), group.group(part))?;
        }
        let links = reader.hdf5("list the datasets", group.links(IndexType::Name, IterationOrder::Increasing))?;
        let hard = links.into_iter().filter(|(_, link)| link.link_type == LinkType::Hard).map(|(name, _)| name);
        let names = hard.filter(|name| group.dataset(name).is_ok()).collect();
        Ok(Self { path: path.to_path_buf(), group, names })
    }

    /// Names of the datasets.
    pub fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// Whether a dataset is a dimension of netCDF without coordinates.
    pub fn is_bare_dimension(&self, name: &str) -> bool {
        let text = |dataset: hdf5::Dataset| text_attribute(&dataset, "NAME");
        self.group.dataset(name).ok().and_then(text).is_some_and(|text| text.starts_with(NO_VARIABLE))
    }

    /// The shape of a dataset; None of a dimension scale: the coordinates of an axis.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let dataset = self.group.dataset(name).ok()?;
        let scale = text_attribute(&dataset, "CLASS").is_some_and(|text| text == "DIMENSION_SCALE");
        (!scale).then(|| dataset.shape())
    }

    /// A dataset as numbers, unpacked and NaN where a value is missing, and for each of `scales` the axis that the dataset of this name is a dimension scale of. Errors: [`Error`].
    pub fn read(&self, name: &str, scales: &[String]) -> Result<(ArrayD<f64>, Vec<Option<usize>>)> {
        let mut reader = Reader::of(&self.path)?;
        let found = reader.hdf5(&format!("open {name} as a dataset"), self.group.dataset(name))?;
        let rank = reader.checked_shape(&found, name)?.len();
        let tie = |scale: &String| {
            let scale = self.group.dataset(scale).ok().filter(|_| scale != name)?;
            (0..rank).find(|&axis| scale::is_attached(&found, &scale, axis))
        };
        let ties = scales.iter().map(tie).collect();
        let mut values = reader.numbers(&found, name)?;
        if let Some(values) = values.as_slice_memory_order_mut() {
            reader.packing(&found, name)?.unpack(values);
        }
        Ok((values, ties))
    }
}

/// A short text of an attribute, of whatever length its type has; None where there is none.
fn text_attribute(dataset: &hdf5::Dataset, name: &str) -> Option<String> {
    const LENGTH: usize = 128;
    let attribute = dataset.attr(name).ok().filter(|attribute| attribute.size() == 1)?;
    let kind = attribute.dtype().ok()?;
    if kind.size() > LENGTH {
        return None;
    }
    let text = match kind.to_descriptor().ok()? {
        TypeDescriptor::FixedAscii(_) => attribute.read_raw::<FixedAscii<LENGTH>>().ok()?.first()?.as_str().to_string(),
        TypeDescriptor::FixedUnicode(_) => {
            String::from_utf8(attribute.read_raw::<FixedUnicode<LENGTH>>().ok()?.first()?.as_bytes().to_vec()).ok()?
        }
        TypeDescriptor::VarLenAscii => attribute.read_raw::<VarLenAscii>().ok()?.first()?.as_str().to_string(),
        TypeDescriptor::VarLenUnicode => {
            String::from_utf8(attribute.read_raw::<VarLenUnicode>().ok()?.first()?.as_bytes().to_vec()).ok()?
        }
        _ => return None,
    };
    Some(text)
}

struct Reader<'a> {
    path: &'a Path,
    objects: usize,
    /// Size of the file.
    bytes: u64,
    /// Bytes that may still be asked for.
    room: u64,
    /// Is told the bytes of the numbers that are read next.
    ahead: Option<&'a mut dyn FnMut(u64)>,
}

impl<'a> Reader<'a> {
    fn of(path: &'a Path) -> Result<Self> {
        scale::no_plugins();
        let bytes =
            fs::metadata(path).map_err(|source| Error::Io { path: path.to_path_buf(), action: "open", source })?.len();
        Ok(Self { path, objects: 0, bytes, room: bytes.max(SMALL_FILE).saturating_mul(MAX_COMPRESSION), ahead: None })
    }
    /// Refuses a member of a group that is missing or no hard link.
    fn check_link(&self, group: &hdf5::Group, member: &str, at: &str) -> Result<()> {
        let links = self.hdf5(&format!("look for {at}"), group.links(IndexType::Name, IterationOrder::Increasing))?;
        match links.iter().find(|(name, _)| name == member) {
            Some((_, link)) if link.link_type == LinkType::Hard => Ok(()),
            Some(_) => self.invalid(format!("{member} of {at} is a soft or external link")),
            None => {
                let names: Vec<&str> = links.iter().take(20).map(|(name, _)| name.as_str()).collect();
                self.invalid(format!("there is no {member} of {at}; there are {}", names.join(", ")))
            }
        }
    }
    fn invalid<T>(&self, what: String) -> Result<T> {
        Err(Error::Invalid { path: self.path.to_path_buf(), what })
    }
    fn hdf5<T>(&self, action: &str, result: hdf5::Result<T>) -> Result<T> {
        result.map_err(|source| Error::Hdf5 { path: self.path.to_path_buf(), action: action.to_string(), source })
    }

    /// The numbers of a dataset, by blocks of its first axis: the user may end the reading of a large one. Errors: not numbers; that end.
    fn numbers(&self, file: &hdf5::Dataset, at: &str) -> Result<ArrayD<f64>> {
        let (action, shape) = (format!("read {at} as numbers"), file.shape());
        let row = shape.iter().skip(1).product::<usize>().max(1);
        // whole pieces of what is compressed
        let piece = file.chunk().and_then(|chunk| chunk.first().copied()).unwrap_or(1).max(1);
        let rows = (MAX_CHUNK / 8 / row).max(1).next_multiple_of(piece);
        if shape.first().is_none_or(|n| *n <= rows) {
            return self.hdf5(&action, file.read_dyn());
        }
        let mut values = Vec::new();
        for start in (0..shape[0]).step_by(rows) {
            if signal::interrupted() {
                return self.invalid(format!("interrupted while {at} was read"));
            }
            let mut slices: Vec<SliceOrIndex> = vec![(start..shape[0].min(start + rows)).into()];
            slices.resize_with(shape.len(), || (..).into());
            let block: ArrayD<f64> = self.hdf5(&action, file.read_slice(Hyperslab::from(slices)))?;
            values.extend(block.iter());
        }
        ArrayD::from_shape_vec(shape, values).or_else(|error| self.invalid(format!("{at}: {error}")))
    }

    /// How the numbers of a variable of netCDF are stored. Errors: an attribute of that convention that holds no numbers, or too many.
    fn packing(&self, file: &hdf5::Dataset, at: &str) -> Result<Packing> {
        let action = format!("read the attributes of {at}");
        let kind = self.hdf5(&action, file.dtype().and_then(|kind| kind.to_descriptor()))?;
        let numbers = |name: &str| -> Result<Vec<f64>> {
            let Ok(attribute) = file.attr(name) else { return Ok(Vec::new()) };
            let size = self.hdf5(&action, attribute.dtype())?.size();
            // the library makes room for what is claimed before it looks at the file
            if size > MAX_VALUE || attribute.size() > MOST_MISSING {
                return self.invalid(format!("the attribute {name} of {at} is no number"));
            }
            match attribute.read_raw::<f64>() {
                Ok(numbers) => Ok(numbers),
                Err(_) => self.invalid(format!("the attribute {name} of {at} is no number")),
            }
        };
        let number = |name: &str| -> Result<Option<f64>> {
            match numbers(name)?[..] {
                [] => Ok(None),
                [number] => Ok(Some(number)),
                _ => self.invalid(format!("the attribute {name} of {at} is more than one number")),
            }
        };
        let (bits, signed) = match &kind {
            TypeDescriptor::Integer(size) => (8 * *size as i32, Some(true)),
            TypeDescriptor::Unsigned(size) => (8 * *size as i32, Some(false)),
            _ => (0, None),
        };
        let unsigned = text_attribute(file, "_Unsigned").map(|word| word.trim().to_lowercase());
        let wrap = match (signed, unsigned.as_deref()) {
            (Some(true), Some("true")) => 2.0_f64.powi(bits),
            (Some(false), Some("false")) => -(2.0_f64.powi(bits)),
            _ => 0.0,
        };
        Ok(Packing {
            missing: [numbers("_FillValue")?, numbers("missing_value")?].concat(),
            wrap,
            scale: number("scale_factor")?,
            offset: number("add_offset")?,
            single: matches!(kind, TypeDescriptor::Float(hdf5::types::FloatSize::U4)),
        })
    }

    fn group(&mut self, file: &hdf5::Group, at: &str, name: String, depth: usize) -> Result<Group> {
        if depth > MAX_DEPTH {
            return self.invalid(format!("{at} lies deeper than any group of a record"));
        }
        let mut group = Group::new(name);
        group.attributes = self.attributes(file, at)?;
        let action = format!("list {at}/");
        let links = file.links(IndexType::CreationOrder, IterationOrder::Increasing);
        let links = links.or_else(|_| file.links(IndexType::Name, IterationOrder::Increasing));
        for (child, link) in self.hdf5(&action, links)? {
            let here = format!("{at}/{child}");
            self.objects += 1;
            if self.objects > MAX_OBJECTS {
                return self.invalid(format!("more than {MAX_OBJECTS} objects"));
            }
            if link.link_type != LinkType::Hard {
                return self.invalid(format!("{here} is a soft or external link; records have none"));
            }
            if let Ok(dataset) = file.dataset(&child) {
                group.datasets.push(self.dataset(&dataset, &here, child)?);
            } else {
                let inner = self.hdf5(&format!("open {here}"), file.group(&child))?;
                group.groups.push(self.group(&inner, &here, child, depth + 1)?);
            }
        }
        Ok(group)
    }

    fn attributes(&mut self, file: &hdf5::Location, at: &str) -> Result<Vec<(String, Attribute)>> {
        let action = format!("read the attributes of {at}/");
        let names = self.hdf5(&action, file.attr_names_by(IndexType::Name, IterationOrder::Increasing))?;
        names
            .into_iter()
            .map(|name| {
                let value = self.attribute(file, &name, at)?;
                Ok((name, value))
            })
            .collect()
    }

    fn attribute(&self, file: &hdf5::Location, name: &str, at: &str) -> Result<Attribute> {
        let action = format!("read the attribute {name} of {at}/");
        let attribute = self.hdf5(&action, file.attr(name))?;
        if !attribute.is_scalar() {
            return self.invalid(format!("the attribute {name} of {at}/ is an array; records have none"));
        }
        let kind = self.hdf5(&action, attribute.dtype())?;
        // the library makes room for what a type claims before it looks at the file
        if kind.size() > MAX_VALUE {
            return self.invalid(format!("the attribute {name} of {at}/ claims a number of {} bytes", kind.size()));
        }
        match self.hdf5(&action, kind.to_descriptor())? {
            TypeDescriptor::Float(_) => Ok(Attribute::Float(self.hdf5(&action, attribute.read_scalar())?)),
            TypeDescriptor::Integer(_) => Ok(Attribute::Integer(self.hdf5(&action, attribute.read_scalar())?)),
            TypeDescriptor::VarLenUnicode => {
                let text: VarLenUnicode = self.hdf5(&action, attribute.read_scalar())?;
                Ok(Attribute::Text(self.text(&text, at)?))
            }
            other => self.invalid(format!("the attribute {name} of {at}/ has the unexpected type {other}")),
        }
    }

    /// Checks what the library does not: that the bytes are UTF-8.
    fn text(&self, text: &VarLenUnicode, at: &str) -> Result<String> {
        match String::from_utf8(text.as_bytes().to_vec()) {
            Ok(text) => Ok(text),
            Err(_) => self.invalid(format!("{at} holds text that is not UTF-8")),
        }
    }

    fn dataset(&mut self, file: &hdf5::Dataset, at: &str, name: String) -> Result<Dataset> {
        let shape = self.checked_shape(file, at)?;
        let mut own = Vec::with_capacity(3);
        for attribute in OWN_ATTRIBUTES {
            match self.attribute(file, attribute, at)? {
                Attribute::Text(text) => own.push(text),
                _ => return self.invalid(format!("the attribute {attribute} of {at} is not text")),
            }
        }
        let action = format!("read {at}");
        if let Some(ahead) = &mut self.ahead {
            ahead(8 * shape.iter().product::<usize>() as u64);
        }
        let values = match self.hdf5(&action, file.dtype().and_then(|t| t.to_descriptor()))? {
            TypeDescriptor::Float(_) => Values::Float(self.hdf5(&action, file.read_dyn())?),
            TypeDescriptor::Integer(_) => Values::Integer(self.hdf5(&action, file.read_dyn())?),
            TypeDescriptor::VarLenUnicode if shape.len() == 1 => {
                let rows = self.hdf5(&action, file.read_raw::<VarLenUnicode>())?;
                Values::Text(rows.iter().map(|row| self.text(row, at)).collect::<Result<_>>()?)
            }
            other => return self.invalid(format!("{at} has the unexpected type {other}")),
        };
        let axes: Vec<String> = own[2].split_whitespace().map(str::to_string).collect();
        if axes.len() != shape.len() {
            return self.invalid(format!("{at} has {} axes but names {}", shape.len(), axes.len()));
        }
        let [units, long_name, _] = own.try_into().unwrap_or_default();
        Ok(Dataset { name, values, axes, units, long_name })
    }

    /// The shape, once storage, filters and size are known to be harmless.
    fn checked_shape(&mut self, file: &hdf5::Dataset, at: &str) -> Result<Vec<usize>> {
        let plist = self.hdf5(&format!("open {at}"), file.create_plist())?;
        if plist.layout() == Layout::Virtual || !plist.external().is_empty() {
            return self.invalid(format!("{at} is stored in other files; records are whole"));
        }
        use hdf5::filters::Filter::{Deflate, Fletcher32, Shuffle};
        if let Some(filter) = file.filters().iter().find(|f| !matches!(f, Deflate(_) | Shuffle | Fletcher32)) {
            let by = match filter {
                hdf5::filters::Filter::User(LZF, _) => "LZF".to_string(),
                other => format!("{other:?}"),
            };
            return self
                .invalid(format!("{at} is compressed by {by}; gzip (deflate) with shuffle or fletcher32 is read"));
        }
        if file.chunk().is_some_and(|chunk| chunk.iter().product::<usize>() > MAX_CHUNK) {
            return self.invalid(format!("{at} claims pieces of more than {MAX_CHUNK} values"));
        }
        let shape = file.shape();
        // what is stored, inflated as far as can be: a shape that was damaged claims more
        let stored = file.storage_size().min(self.bytes);
        let held = if file.filters().is_empty() { stored } else { stored.saturating_mul(MAX_COMPRESSION) };
        let claimed = shape
            .iter()
            .try_fold(file.dtype().map_or(1, |of| of.size() as u64), |bytes, &n| bytes.checked_mul(n as u64));
        if claimed.is_none_or(|claimed| claimed > held.max(SMALL_FILE)) {
            return self.invalid(format!("{at} claims the shape {shape:?}, of which it does not hold the values"));
        }
        let size = shape.iter().try_fold(16_u64, |bytes, &n| bytes.checked_mul(n as u64));
        match size.and_then(|size| self.room.checked_sub(size)) {
            Some(room) if shape.len() <= MAX_RANK => self.room = room,
            _ => return self.invalid(format!("{at} claims the shape {shape:?}, which this file cannot hold")),
        }
        Ok(shape)
    }
}
