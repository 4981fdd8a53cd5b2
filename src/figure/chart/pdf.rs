//! An SVG as PDF: lines stay lines, text stays text in the embedded font.

use krilla::Document;
use krilla::geom::Size;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt as _, SvgSettings};
use resvg::usvg::{Options, Tree};

use super::raster::FONTS;

/// Points of a PDF for each pixel of CSS.
const POINT: f32 = 0.75;

/// The PDF file of an SVG: one page of its size. None where that is no SVG, has no area or cannot be encoded.
pub fn encode(svg: &str) -> Option<Vec<u8>> {
    let options = Options { fontdb: FONTS.clone(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).ok()?;
    let size = Size::from_wh(POINT * tree.size().width(), POINT * tree.size().height())?;
    let mut document = Document::new();
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    surface.draw_svg(&tree, size, SvgSettings::default())?;
    surface.finish();
    page.finish();
    document.finish().ok()
}
