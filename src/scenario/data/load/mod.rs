//! Reading data files: text (CSV), .npy, .npz and .h5 columns of finite numbers, each error with file and line.

pub mod apart;
mod arrays;
mod csv;
pub mod named;

use std::path::{Path, PathBuf};

use miette::Result;

use crate::reader::overrides;
use crate::reader::source::{Located, Source, plain_io};
use crate::scenario::data::separator::Separator;
use crate::scenario::names::check_name;
use crate::text::nearest;

/// Most samples.
pub const MAX_SAMPLES: u64 = 10_000_000;
/// Largest data file, bytes.
pub const MAX_BYTES: u64 = 1 << 30;

/// A data file and the columns that are read of it.
#[derive(Debug, Clone)]
pub struct File {
    /// Relative path.
    pub file: Located<String>,
    /// Names used by the model, and the column of the file each is; empty for all columns by their own names.
    pub columns: Vec<(Located<String>, Located<Column>)>,
    /// What stands between the entries of a line; None: found in the first lines.
    pub separator: Option<Located<Separator>>,
}

/// How the wanted columns of a data file are read.
type Read = fn(&DataFile) -> Result<Columns>;

/// A kind of data file: its file name extension, whether its entries have a separator, how it is read.
struct Format(&'static str, bool, Read);

/// The kinds of data files.
const FORMATS: &[Format] = &[
    Format("csv", true, csv::read),
    Format("tsv", true, csv::read),
    Format("dat", true, csv::read),
    Format("npy", false, arrays::read_npy),
    Format("npz", false, arrays::read_npz),
    Format("h5", false, arrays::read_hdf5),
    Format("hdf5", false, arrays::read_hdf5),
];

/// The file name extensions that are known.
pub fn extensions() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.0).collect()
}

/// A column of a data file.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// By name: header of a CSV, array of an .npz, dataset of an .h5.
    Name(String),
    /// By number from 0: column of an .npy, or of any other.
    Index(usize),
}

/// Columns of numbers with the names the model uses, all of one length.
pub type Columns = Vec<(String, Vec<f64>)>;

/// A data file that is about to be read, for errors that point at the scenario.
struct DataFile<'a> {
    source: &'a Source,
    named: &'a Located<String>,
    path: PathBuf,
    columns: &'a [(Located<String>, Located<Column>)],
    separator: Option<&'a Located<Separator>>,
}

/// The path of a data file that a key names. Errors: one that may not be read, or is not there.
pub fn path(source: &Source, named: &Located<String>, key: &[&str]) -> Result<PathBuf> {
    locate(source, named, key)
}

/// Reads the columns of a data file below the scenario's folder.
///
/// Errors: a path that leads out of the folder; a file that is missing, empty, too large or of an unknown kind; columns that
/// it does not have; ragged lines, entries that are no finite numbers (with file, line and column).
pub fn load(source: &Source, written: &File) -> Result<Columns> {
    let File { file: named, columns, separator } = written;
    let file = DataFile {
        source,
        named,
        path: locate(source, named, &["model", "data", "file"])?,
        columns,
        separator: separator.as_ref(),
    };
    let extension = file.path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let Some(Format(_, separated, read)) = FORMATS.iter().find(|format| format.0 == extension) else {
        let message = format!("`{}` is no kind of data file that is known", named.value);
        let help = "use a .csv, .tsv or .dat with a header line, .npy, .npz or .h5";
        return Err(source.error(&named.span, message, "unknown file name extension", help));
    };
    if let Some(separator) = separator.as_ref().filter(|_| !separated) {
        let message = format!("a .{extension} file has no separator");
        return Err(source.error(&separator.span, message, "not read for this file", "remove `separator`"));
    }
    let loaded = read(&file)?;
    file.check(&loaded)?;
    Ok(loaded)
}

/// The path of a data file: existing, of bearable size, and below the scenario's folder or a folder of data that the command line names, or
/// written on the command line itself. A scenario of a stranger reads nothing else.
///
/// `key` is the path of the key that names it.
fn locate(source: &Source, named: &Located<String>, key: &[&str]) -> Result<PathBuf> {
    let (relative, folder) = (Path::new(&named.value), source.folder());
    let given = relative.is_absolute() && overrides::gives(&source.overrides, key, &named.value);
    let folders: Vec<&PathBuf> = std::iter::once(&folder).chain(&source.data_folders).collect();
    let outside = || {
        let help = "copy the file next to the scenario, or allow its folder on the command line: --data-folder DIR, or give its \
                    absolute path there: --set KEY=/PATH; by itself a scenario reads nothing outside its folder"
            .replace("KEY", &key.join("."));
        let message = format!("the data file `{}` lies outside the scenario's folder", named.value);
        source.error(&named.span, message, "leads out of the folder", help)
    };
    let plain =
        |part: std::path::Component| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir);
    if source.data_folders.is_empty() && !given && !relative.components().all(plain) {
        return Err(outside());
    }
    let paths = folders.iter().map(|folder| folder.join(relative));
    let path = paths.clone().find(|path| path.exists()).unwrap_or_else(|| folder.join(relative));
    let unreadable = |error: &std::io::Error| {
        let message = format!("cannot read the data file {}: {}", path.display(), plain_io(error));
        let shown: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let mut help = format!("paths are looked up from the scenario's folder, {}", shown.join(", then from "));
        if let Some(near) = neighbour(&path).filter(|_| relative.components().all(plain)) {
            help = format!("did you mean \"{}\"? {help}", relative.with_file_name(near).display());
        }
        source.error(&named.span, message, "not readable", help)
    };
    let allowed =
        |real: &Path| folders.iter().any(|folder| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)));
    // what lies outside is refused before it is said whether it exists
    let real = path.canonicalize().map_err(|error| match given || relative.components().all(plain) {
        true => unreadable(&error),
        false => outside(),
    })?;
    if !given && !allowed(&real) {
        return Err(outside());
    }
    let metadata = std::fs::metadata(&path).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        let message = format!("the data file {} is not a file", path.display());
        return Err(source.error(&named.span, message, "not a file", "give the path of a file"));
    }
    if metadata.len() > MAX_BYTES {
        let message =
            format!("the data file {} has {} bytes; {MAX_BYTES} (1 GiB) are allowed", path.display(), metadata.len());
        return Err(source.error(&named.span, message, "too large", "use a smaller sample of the data"));
    }
    Ok(path)
}

/// The file of the folder whose name is nearest to that of a missing one.
fn neighbour(path: &Path) -> Option<String> {
    let names = std::fs::read_dir(path.parent()?).ok()?.take(1000);
    let names: Vec<String> =
        names.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    nearest(&path.file_name()?.to_string_lossy(), &known).map(str::to_string)
}

impl DataFile<'_> {
    /// Name in messages.
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// An error about the file as a whole, at its name in the scenario.
    fn error(&self, message: impl Into<String>, label: &str, help: impl Into<String>) -> miette::Report {
        self.source.error(&self.named.span, message, label, help)
    }

    /// The columns wanted as (name in the model, position among `available`); all of them where none are named.
    fn wanted(&self, available: &[String]) -> Result<Vec<(String, usize)>> {
        if self.columns.is_empty() {
            for name in available {
                let own = Located { value: name.clone(), span: self.named.span.clone() };
                check_name(self.source, &own, "data column")?;
            }
            return Ok(available.iter().cloned().zip(0..).collect());
        }
        let find = |(name, column): &(Located<String>, Located<Column>)| {
            let position = match &column.value {
                Column::Name(wanted) => available.iter().position(|have| have.trim() == wanted.trim()),
                Column::Index(i) => Some(*i).filter(|&i| i < available.len()),
            };
            match position {
                Some(i) => Ok((name.value.clone(), i)),
                None => Err(self.no_column(column, available)),
            }
        };
        self.columns.iter().map(find).collect()
    }

    fn no_column(&self, column: &Located<Column>, available: &[String]) -> miette::Report {
        let known: Vec<&str> = available.iter().map(String::as_str).collect();
        let (shown, near) = match &column.value {
            Column::Name(name) => (format!("`{name}`"), nearest(name, &known)),
            Column::Index(i) => (format!("number {i}"), None),
        };
        let label = near.map_or("no such column".into(), |near| format!("did you mean \"{near}\"?"));
        let shown_names: Vec<String> = known.iter().take(20).map(|name| format!("\"{name}\"")).collect();
        let help = format!("the file has {} columns: {}", known.len(), shown_names.join(", "));
        self.source.error(&column.span, format!("{} has no column {shown}", self.name()), label, help)
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        let rows = columns.first().map_or(0, |(_, values)| values.len());
        if rows == 0 {
            return Err(self.error(
                format!("the data file {} is empty", self.name()),
                "no samples",
                "give at least one sample",
            ));
        }
        if rows as u64 > MAX_SAMPLES {
            let message = format!("the data file {} has {rows} samples; {MAX_SAMPLES} are allowed", self.name());
            return Err(self.error(message, "too many", "use a smaller sample of the data"));
        }
        for (name, values) in columns {
            if values.len() != rows {
                let message = format!(
                    "in {} the columns `{}` and `{name}` have {rows} and {} entries",
                    self.name(),
                    columns[0].0,
                    values.len()
                );
                return Err(self.error(
                    message,
                    "columns of different lengths",
                    "every sample needs a value in each column",
                ));
            }
            if let Some(row) = values.iter().position(|x| !x.is_finite()) {
                let message = format!("{}: entry {row} of column `{name}` is {}", self.name(), values[row]);
                return Err(self.error(message, "not a finite number", "remove the sample or fill in the value"));
            }
        }
        Ok(())
    }
}
