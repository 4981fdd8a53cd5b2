//! Bytes of a file, unpacked where they are gzipped, and its SHA-256.

use std::io::Read;
use std::path::Path;

use fpsolve::error::Failure;
use fpsolve::reader::source::plain_io;
use sha2::{Digest, Sha256};

use super::{FileRead, trouble};

/// Most bytes that a file may unpack to.
const MOST: u64 = 4 << 30;

/// The bytes of a file; notes it. Errors: it cannot be read; damaged gzip; too large.
pub(super) fn bytes(path: &Path, help: &str, files: &mut Vec<FileRead>) -> Result<Vec<u8>, Failure> {
    let mut bytes = std::fs::read(path).map_err(|error| trouble(path, plain_io(&error), help))?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    files.push(FileRead { path: path.to_path_buf(), sha256 });
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let unpacked = flate2::read::MultiGzDecoder::new(&bytes[..]).take(MOST + 1).read_to_end(&mut plain);
        if let Err(error) = unpacked {
            let what = format!("damaged gzip, after {} bytes that could be unpacked: {error}", plain.len());
            return Err(trouble(path, what, "fetch the file again"));
        }
        if plain.len() as u64 > MOST {
            return Err(trouble(
                path,
                format!("it unpacks to more than {MOST} bytes"),
                "give a data set that fits into memory",
            ));
        }
        bytes = plain;
    }
    Ok(bytes)
}
