//! A record is read and drawn, or refused. The program does this in a child process, since the HDF5 library itself does not survive every
//! damaged file: a crash inside of it is no bug of fpsolve, one outside is.
#![no_main]

use fpsolve::figure;
use fpsolve::record::hdf5;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = tempfile::NamedTempFile::new() else { return };
    if std::fs::write(file.path(), bytes).is_ok()
        && let Ok(record) = hdf5::read(file.path())
    {
        let _ = figure::drawings(&record, figure::look::Look::default());
    }
});
