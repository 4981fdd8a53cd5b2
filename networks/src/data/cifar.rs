//! The binary files of CIFAR-10: records of one label and 32×32 pixels in red, green and blue.

use std::path::Path;

use fpsolve::error::Failure;

use super::{FileRead, Labelled, files, trouble};

const SHAPE: [usize; 3] = [3, 32, 32];
/// Bytes of a record.
const RECORD: usize = 1 + 3 * 32 * 32;
const CLASSES: u8 = 10;
const HELP: &str = "the folder must hold data_batch_1.bin to data_batch_5.bin and test_batch.bin, as in cifar-10-binary.tar.gz of \
    https://www.cs.toronto.edu/~kriz/cifar.html, or files made by tools/cifar_stand_in.py";

/// Training and test images of a folder: all files `data_batch_*.bin`, and `test_batch.bin`. Errors: a file that is missing, of another
/// length than a number of records, or with a label that is none.
pub(super) fn read(folder: &Path, files: &mut Vec<FileRead>) -> Result<[Labelled; 2], Failure> {
    if !folder.is_dir() {
        return Err(trouble(folder, "there is no such folder", HELP));
    }
    let mut train = Labelled { shape: SHAPE, ..Labelled::default() };
    let batches: Vec<_> = (1..=5).map(|k| folder.join(format!("data_batch_{k}.bin"))).collect();
    let there: Vec<_> = batches.iter().filter(|path| path.is_file()).collect();
    if there.is_empty() {
        return Err(trouble(&batches[0], "there is no such file", HELP));
    }
    there.into_iter().try_for_each(|path| append(path, &mut train, files))?;
    let mut test = Labelled { shape: SHAPE, ..Labelled::default() };
    append(&folder.join("test_batch.bin"), &mut test, files)?;
    Ok([train, test])
}

/// Adds the records of a file.
fn append(path: &Path, to: &mut Labelled, files: &mut Vec<FileRead>) -> Result<(), Failure> {
    let bytes = files::bytes(path, HELP, files)?;
    if bytes.is_empty() || bytes.len() % RECORD != 0 {
        let (whole, more) = (bytes.len() / RECORD, bytes.len() % RECORD);
        let what = format!(
            "{} bytes are no number of records of {RECORD} bytes: {whole} records, then {more} bytes from offset {} on",
            bytes.len(),
            whole * RECORD
        );
        return Err(trouble(
            path,
            what,
            "the file is cut off or not CIFAR-10 (CIFAR-100 has records of 3074 bytes); fetch it again",
        ));
    }
    for (k, record) in bytes.chunks(RECORD).enumerate() {
        if record[0] >= CLASSES {
            let what =
                format!("the label of record {k}, at offset {}, is {}; labels are 0 to 9", k * RECORD, record[0]);
            return Err(trouble(path, what, "the file is damaged or not CIFAR-10; fetch it again"));
        }
        to.rows.push(to.labels.len() as u32);
        to.labels.push(record[0]);
        to.pixels.extend(&record[1..]);
    }
    Ok(())
}
