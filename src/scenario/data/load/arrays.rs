//! Binary arrays: .npy (rows are samples), .npz (one array per column), .h5 (one dataset per column).

use std::fs::File;
use std::io::Read;

use miette::Report;
use ndarray::{Array2, ArrayD, Axis, Ix2};
use ndarray_npy::{ReadDataError, ReadNpyError, ReadNpyExt, ReadableElement};
use py_literal::Value as Descriptor;
use zip::ZipArchive;

use super::{Columns, DataFile, apart};
use crate::signal;

pub(super) const TYPES: &str = "save the array with numpy as float64, for example numpy.save(file, a.astype(float))";

/// Numbers that are read before it is asked whether to go on.
const BLOCK: usize = 1 << 19;

/// How the bytes of an entry become a number.
type Convert = fn(&[u8]) -> Option<f64>;

/// An entry of a numpy array of floats or integers, read without trusting the shape that the header claims.
#[derive(Clone, Copy)]
pub(super) struct Number(pub(super) f64);

impl ReadableElement for Number {
    fn read_to_end_exact_vec<R: Read>(reader: R, kind: &Descriptor, len: usize) -> Result<Vec<Self>, ReadDataError> {
        let Some((size, convert)) = kind.as_string().and_then(|word| conversion(word)) else {
            return Err(ReadDataError::WrongDescriptor(kind.clone()));
        };
        // no more than the shape asks for, and one byte to see that there is more
        let Some(wanted) = len.checked_mul(size).filter(|&n| n as u64 <= super::MAX_BYTES) else {
            return Err(ReadDataError::MissingData);
        };
        // by blocks: the user may end the reading of a large array
        let (mut reader, mut numbers) = (reader.take(wanted as u64 + 1), Vec::new());
        let mut block = Vec::new();
        loop {
            block.clear();
            let read = (&mut reader).take((size * BLOCK) as u64).read_to_end(&mut block).map_err(ReadDataError::Io)?;
            if signal::interrupted() {
                return Err(ReadDataError::Io(std::io::ErrorKind::Interrupted.into()));
            }
            if read == 0 {
                break;
            }
            let whole = block.chunks_exact(size);
            if !whole.remainder().is_empty() {
                return Err(ReadDataError::MissingData);
            }
            numbers.extend(whole.filter_map(convert).map(Number));
        }
        if numbers.len() == len { Ok(numbers) } else { Err(ReadDataError::MissingData) }
    }
}

/// Bytes and conversion of a numpy type: integers and floats up to double precision in either order of bytes.
fn conversion(word: &str) -> Option<(usize, Convert)> {
    macro_rules! read {
        ($kind:ty, $from:ident) => {
            |b: &[u8]| Some(<$kind>::$from(b.try_into().ok()?) as f64)
        };
    }
    macro_rules! both {
        ($kind:ty) => {
            (read!($kind, from_le_bytes) as Convert, read!($kind, from_be_bytes) as Convert)
        };
    }
    let (order, kind) = word.split_at_checked(1)?;
    let (little, big): (Convert, Convert) = match kind {
        "f8" => both!(f64),
        "f4" => both!(f32),
        "f2" => (
            |b| Some(half(u16::from_le_bytes(b.try_into().ok()?))),
            |b| Some(half(u16::from_be_bytes(b.try_into().ok()?))),
        ),
        "i8" => both!(i64),
        "i4" => both!(i32),
        "i2" => both!(i16),
        "i1" => both!(i8),
        "u8" => both!(u64),
        "u4" => both!(u32),
        "u2" => both!(u16),
        "u1" => both!(u8),
        _ => return None,
    };
    let size = kind[1..].parse().ok()?;
    match order {
        "<" | "|" => Some((size, little)),
        ">" => Some((size, big)),
        _ => None,
    }
}

/// A number of half precision: sign, 5 bits of the exponent, 10 of the fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    let size = match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2.0_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Why an array was not read, in words; types by the names of numpy.
pub(super) fn reason(error: &ReadNpyError) -> String {
    match error {
        ReadNpyError::WrongDescriptor(kind) if kind.to_string().contains("O'") => {
            "it holds objects and not numbers: rows of different lengths are filled up with NaN to one length"
                .to_string()
        }
        ReadNpyError::WrongDescriptor(kind) => format!(
            "its numbers are of the type {kind}; integers and floats of at most 8 bytes are read, so save it with .astype(float)"
        ),
        other => other.to_string(),
    }
}

/// Longest header of an array: numpy writes about a hundred bytes.
const MAX_HEADER: u32 = 1 << 16;

/// An array whose header is of bearable length: the reader takes the memory that the header asks for before it reads.
fn array(mut reader: impl Read) -> Result<ArrayD<Number>, String> {
    let mut start = [0; 12];
    reader.read_exact(&mut start).map_err(|error| error.to_string())?;
    let header = match start[6] {
        1 => u32::from(u16::from_le_bytes([start[8], start[9]])),
        _ => u32::from_le_bytes([start[8], start[9], start[10], start[11]]),
    };
    if header > MAX_HEADER {
        return Err(format!("its header claims {header} bytes; no array has more than {MAX_HEADER}"));
    }
    ArrayD::read_npy(start.chain(reader)).map_err(|error| reason(&error))
}

/// Columns of a 2-D array, or the one column of a 1-D array. Columns are named "0", "1", ….
///
/// Errors: no such file or array; more than two axes; no `columns`, or one that is not there.
pub(super) fn read_npy(file: &DataFile) -> miette::Result<Columns> {
    let opened = File::open(&file.path).map_err(|error| broken(file, &error.to_string()))?;
    let array = array(std::io::BufReader::new(opened)).map_err(|why| broken(file, &why))?;
    let table = as_table(file, array)?;
    let names: Vec<String> = (0..table.ncols()).map(|i| i.to_string()).collect();
    if file.columns.is_empty() {
        let help = "name the columns by number: columns = { x = 0, y = 1 }";
        return Err(file.error("the columns of an .npy file have no names", "needs `columns`", help));
    }
    let wanted = file.wanted(&names)?;
    Ok(wanted.into_iter().map(|(name, i)| (name, table.index_axis(Axis(1), i).iter().map(|x| x.0).collect())).collect())
}

fn as_table(file: &DataFile, array: ArrayD<Number>) -> miette::Result<Array2<Number>> {
    let array = if array.ndim() == 1 { array.insert_axis(Axis(1)) } else { array };
    let shape = format!("{:?}", array.shape());
    array.into_dimensionality::<Ix2>().map_err(|_| {
        let message = format!("{} holds an array of shape {shape}", file.name());
        file.error(message, "neither 1-D nor 2-D", "save a 2-D array, one row per sample and one column per quantity")
    })
}

/// Most bytes of an array in an archive: the samples that are allowed, and its header.
const MOST_INFLATED: u64 = 8 * super::MAX_SAMPLES + MAX_HEADER as u64;

/// One 1-D array for each column. Errors: no such archive or array; more than one axis.
pub(super) fn read_npz(file: &DataFile) -> miette::Result<Columns> {
    let opened = File::open(&file.path).map_err(|error| broken(file, &error.to_string()))?;
    let mut archive =
        ZipArchive::new(std::io::BufReader::new(opened)).map_err(|error| broken(file, &error.to_string()))?;
    let members: Vec<String> = archive.file_names().map(str::to_string).collect();
    let names: Vec<String> = members.iter().map(|name| name.trim_end_matches(".npy").to_string()).collect();
    let wanted = file.wanted(&names)?;
    let mut columns = Columns::new();
    for (name, i) in wanted {
        let unreadable = |why: String| broken(file, &format!("array `{}`: {why}", names[i]));
        let member = archive.by_name(&members[i]).map_err(|error| unreadable(error.to_string()))?;
        // what inflates beyond the samples that are allowed ends there
        let array = array(member.take(MOST_INFLATED)).map_err(unreadable)?;
        if array.ndim() != 1 {
            let message = format!("array `{}` of {} has the shape {:?}", names[i], file.name(), array.shape());
            return Err(file.error(message, "not 1-D", "save one 1-D array for each column"));
        }
        columns.push((name, array.iter().map(|x| x.0).collect()));
    }
    Ok(columns)
}

/// One 1-D dataset of numbers for each column; columns must be named. Errors: no `columns`; no such file or dataset.
pub(super) fn read_hdf5(file: &DataFile) -> miette::Result<Columns> {
    if file.columns.is_empty() {
        let help = "name the datasets: columns = { x = \"group/x\", y = \"group/y\" }";
        return Err(file.error("an .h5 file needs `columns`", "which datasets?", help));
    }
    let mut columns = Columns::new();
    for (name, column) in file.columns {
        let super::Column::Name(path) = &column.value else {
            let message = format!("column `{}` of an .h5 file must be the path of a dataset", name.value);
            return Err(file.source.error(
                &column.span,
                message,
                "not a path",
                "write the path as a string: \"group/x\"",
            ));
        };
        let values = apart::read(&file.path, path).map_err(|error| {
            let help = "name a dataset with one axis of numbers, by its path in the file: \"group/x\"";
            file.source.error(&column.span, format!("bad data: {error}"), "not readable", help)
        })?;
        columns.push((name.value.clone(), values));
    }
    Ok(columns)
}

fn broken(file: &DataFile, why: &str) -> Report {
    file.error(format!("cannot read the data file {}: {why}", file.name()), "not readable", TYPES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_half_precision_are_exact() {
        let known = [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_953_125), (0x0001, 2.0_f64.powi(-24)), (0, 0.0)];
        assert!(known.iter().all(|(bits, value)| half(*bits) == *value));
        assert!(half(0x7c00) == f64::INFINITY && half(0x7e00).is_nan());
    }
}
