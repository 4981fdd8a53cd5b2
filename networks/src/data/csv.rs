//! Images as rows of a CSV file without a header: pixels, row by row, then the label.

use std::path::Path;

use fpsolve::error::Failure;

use super::{FileRead, Labelled, files, trouble};

/// Grey images of a file, white stretched to 255. Errors: no UTF-8; a row of another length; a number that is no pixel or label.
pub(super) fn read(
    path: &Path,
    [height, width]: [usize; 2],
    white: u8,
    files: &mut Vec<FileRead>,
) -> Result<Labelled, Failure> {
    let bytes = files::bytes(path, "give the path of a CSV file, from the folder of the scenario on", files)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let what = format!("no UTF-8 text at offset {}", error.utf8_error().valid_up_to());
        trouble(path, what, "save the file as text")
    })?;
    let mut all = Labelled { shape: [1, height, width], ..Labelled::default() };
    let mut offset = 0;
    for (line, row) in text.split_inclusive('\n').enumerate() {
        let place = format!("line {}, offset {offset}", line + 1);
        offset += row.len();
        if row.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = row.trim_end().split(',').map(str::trim).collect();
        if cells.len() != height * width + 1 {
            let what = format!(
                "{place}: {} numbers, but {height}×{width} pixels and a label are {}",
                cells.len(),
                height * width + 1
            );
            return Err(trouble(path, what, "check network.data.shape; the file has no header"));
        }
        let number = |k: usize, most: u8, what: &str| {
            let value =
                cells[k].parse::<f64>().ok().filter(|v| v.fract() == 0.0 && (0.0..=f64::from(most)).contains(v));
            value.map(|v| v as u8).ok_or_else(|| {
                let what = format!("{place}: \"{}\" in column {} is no {what} (0 to {most})", cells[k], k + 1);
                trouble(path, what, "pixels are whole numbers from 0 to network.data.white, labels from 0 to 99")
            })
        };
        for k in 0..height * width {
            let pixel = number(k, white, "pixel")?;
            all.pixels.push((f64::from(pixel) * 255.0 / f64::from(white)).round() as u8);
        }
        all.labels.push(number(height * width, 99, "label")?);
        all.rows.push(line as u32);
    }
    if all.len() < 2 {
        return Err(trouble(path, "fewer than two images", "give a file with images"));
    }
    Ok(all)
}
