//! The embedded font: widths and outlines. Pictures need no font of the system.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, GlyphId, OutlineCurve};

/// DejaVu Sans 2.37 (licence beside it in `assets`).
static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../../assets/DejaVuSans.ttf")).expect("the embedded font is a valid TTF")
});

/// Families for SVG readers, best first; the last is always there.
pub const FAMILIES: &str = "'DejaVu Sans', Verdana, Geneva, 'Liberation Sans', Arial, sans-serif";

fn scale(size: f64) -> f64 {
    size / f64::from(FONT.units_per_em().unwrap_or(2048.0))
}

/// Glyphs of a text with their offsets from its start, in pixels, and its whole width.
fn advance(text: &str, size: f64) -> (Vec<(GlyphId, f64)>, f64) {
    let scale = scale(size);
    let (mut glyphs, mut x, mut last) = (Vec::new(), 0.0, None);
    for c in text.chars() {
        let id = FONT.glyph_id(c);
        if let Some(last) = last {
            x += scale * f64::from(FONT.kern_unscaled(last, id));
        }
        glyphs.push((id, x));
        x += scale * f64::from(FONT.h_advance_unscaled(id));
        last = Some(id);
    }
    (glyphs, x)
}

/// Width of a text in pixels.
pub fn width(text: &str, size: f64) -> f64 {
    advance(text, size).1
}

/// Outline curves of a text whose baseline starts at the origin; y points down.
pub fn outlines(text: &str, size: f64) -> Vec<OutlineCurve> {
    let scale = scale(size) as f32;
    let mut curves = Vec::new();
    for (id, x) in advance(text, size).0 {
        let put = |p: ab_glyph::Point| ab_glyph::point(x as f32 + scale * p.x, -scale * p.y);
        for curve in FONT.outline(id).map(|o| o.curves).unwrap_or_default() {
            curves.push(match curve {
                OutlineCurve::Line(a, b) => OutlineCurve::Line(put(a), put(b)),
                OutlineCurve::Quad(a, b, c) => OutlineCurve::Quad(put(a), put(b), put(c)),
                OutlineCurve::Cubic(a, b, c, d) => OutlineCurve::Cubic(put(a), put(b), put(c), put(d)),
            });
        }
    }
    curves
}

#[cfg(test)]
/// Whether the font has a glyph for every character.
pub fn covers(text: &str) -> bool {
    text.chars().all(|c| FONT.glyph_id(c) != GlyphId(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_of_the_figures_is_there() {
        assert!(covers("ρθηβΦλ₁₂√−–×·⟨⟩∞≤≥⁻⁰¹²³⁴⁵⁶⁷⁸⁹‖∇′"));
        assert!(width("mm", 10.0) > width("ii", 10.0));
        assert!((width("m", 20.0) - 2.0 * width("m", 10.0)).abs() < 1e-9);
    }
}
