//! The embedded font and the widths of texts in it. Pictures need no font of the system.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef};

/// DejaVu Sans 2.37 (licence beside it in `assets`).
pub const FILE: &[u8] = include_bytes!("../../../assets/DejaVuSans.ttf");

static FONT: LazyLock<FontRef<'static>> =
    LazyLock::new(|| FontRef::try_from_slice(FILE).expect("the embedded font is a valid TTF"));

/// Families for SVG readers, best first; the last is always there.
pub const FAMILIES: &str = "'DejaVu Sans', Verdana, Geneva, 'Liberation Sans', Arial, sans-serif";

/// Width of a text in pixels, with kerning.
pub fn width(text: &str, size: f64) -> f64 {
    let scale = size / f64::from(FONT.units_per_em().unwrap_or(2048.0));
    let (mut x, mut last) = (0.0, None);
    for c in text.chars() {
        let id = FONT.glyph_id(c);
        if let Some(last) = last {
            x += scale * f64::from(FONT.kern_unscaled(last, id));
        }
        x += scale * f64::from(FONT.h_advance_unscaled(id));
        last = Some(id);
    }
    x
}

#[cfg(test)]
/// Whether the font has a glyph for every character.
pub fn covers(text: &str) -> bool {
    text.chars().all(|c| FONT.glyph_id(c) != ab_glyph::GlyphId(0))
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
