//! IDX files (MNIST, Fashion-MNIST): a magic number, sizes in big-endian order, bytes.

use std::path::{Path, PathBuf};

use fpsolve::error::Failure;

use super::{FileRead, Labelled, files, trouble};

const HELP: &str = "on Debian `apt-get install dataset-fashion-mnist` (make networks-data) brings Fashion-MNIST to /usr/share/datasets/fashion-mnist";

/// Images and labels. Errors: a file that is missing, of another kind or length; as many labels as images are not there.
pub(super) fn read([images, labels]: &[PathBuf; 2], files: &mut Vec<FileRead>) -> Result<Labelled, Failure> {
    let (sizes, pixels) = array::<3>(images, "images", files)?;
    let ([number], classes) = array::<1>(labels, "labels", files)?;
    if sizes[0] != number {
        let what = format!("{number} labels for the {} images of {}", sizes[0], images.display());
        return Err(trouble(labels, what, "give the files of one set"));
    }
    if sizes.contains(&0) {
        return Err(trouble(images, format!("no images: sizes {sizes:?} at offset 4"), HELP));
    }
    Ok(Labelled { shape: [1, sizes[1], sizes[2]], pixels, labels: classes, rows: (0..number as u32).collect() })
}

/// An array of bytes with N axes.
fn array<const N: usize>(path: &Path, what: &str, files: &mut Vec<FileRead>) -> Result<([usize; N], Vec<u8>), Failure> {
    let bytes = files::bytes(path, HELP, files)?;
    let header = 4 + 4 * N;
    let magic = [0, 0, 8, N as u8];
    if bytes.len() < header || bytes[..4] != magic {
        let found: Vec<String> = bytes.iter().take(4).map(|b| format!("{b:02x}")).collect();
        let wanted: Vec<String> = magic.iter().map(|b| format!("{b:02x}")).collect();
        let what = format!(
            "this is no IDX file of {what}: it begins with {} at offset 0, not with {}",
            found.join(" "),
            wanted.join(" ")
        );
        return Err(trouble(path, what, "give the images first, then the labels"));
    }
    let size = |k: usize| u32::from_be_bytes([0, 1, 2, 3].map(|j| bytes[4 + 4 * k + j])) as usize;
    let sizes: [usize; N] = std::array::from_fn(size);
    let wanted = sizes.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    if wanted != Some(bytes.len() - header) {
        let what = format!(
            "the sizes {sizes:?} at offset 4 ask for {} bytes from offset {header} on, but there are {}",
            wanted.map_or("too many".into(), |n| n.to_string()),
            bytes.len() - header
        );
        return Err(trouble(path, what, "the file is cut off; fetch it again"));
    }
    Ok((sizes, bytes[header..].to_vec()))
}
