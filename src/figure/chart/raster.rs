//! An SVG as PNG, with the embedded font alone.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

use super::font;

/// Device pixels for each logical one, where no width is asked for.
const SCALE: f32 = 2.0;

/// The embedded font; no font of the system, so that a picture looks the same everywhere.
pub(super) static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(font::FILE.to_vec());
    Arc::new(fonts)
});

/// The PNG file of an SVG, so many pixels wide (by default twice its logical width). None where that is no SVG, has no area or is too
/// large for memory.
pub fn png(svg: &str, width: Option<u32>) -> Option<Vec<u8>> {
    let options = Options { fontdb: FONTS.clone(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).ok()?;
    let scale = width.map_or(SCALE, |width| width as f32 / tree.size().width());
    let size = tree.size().scale_by(scale)?;
    let mut pixmap = Pixmap::new(size.width().round() as u32, size.height().round() as u32)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().ok()
}

/// An image of RGB pixels as a PNG file.
pub fn png_of_pixels(columns: usize, rows: usize, rgb: &[u8]) -> Option<Vec<u8>> {
    let mut pixmap = Pixmap::new(columns as u32, rows as u32)?;
    for (target, pixel) in pixmap.data_mut().chunks_exact_mut(4).zip(rgb.chunks_exact(3)) {
        target.copy_from_slice(&[pixel[0], pixel[1], pixel[2], 255]);
    }
    pixmap.encode_png().ok()
}
