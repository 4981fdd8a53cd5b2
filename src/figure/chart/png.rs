//! A canvas as PNG, two device pixels for each logical one.

use ab_glyph::OutlineCurve;
use tiny_skia::{
    FillRule, FilterQuality, LineCap, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, PixmapPaint, StrokeDash,
    Transform,
};

use super::canvas::{Anchor, Canvas, Rect, Shape};
use super::colour::Colour;
use super::font;

const SCALE: f64 = 2.0;

/// The PNG file. None where the canvas has no area or is too large for memory.
pub fn encode(canvas: &Canvas) -> Option<Vec<u8>> {
    let (width, height) = ((canvas.width * SCALE).round(), (canvas.height * SCALE).round());
    let mut pixmap = Pixmap::new(width as u32, height as u32)?;
    pixmap.fill(tiny_skia::Color::WHITE);
    let mut clips: Vec<(Rect, Mask)> = Vec::new();
    for shape in &canvas.shapes {
        draw(shape, &mut pixmap, &mut clips);
    }
    pixmap.encode_png().ok()
}

/// An image of RGB pixels as a PNG file.
pub fn encode_rgb(columns: usize, rows: usize, rgb: &[u8]) -> Option<Vec<u8>> {
    image(columns, rows, rgb)?.encode_png().ok()
}

fn image(columns: usize, rows: usize, rgb: &[u8]) -> Option<Pixmap> {
    let mut pixmap = Pixmap::new(columns as u32, rows as u32)?;
    for (target, pixel) in pixmap.data_mut().chunks_exact_mut(4).zip(rgb.chunks_exact(3)) {
        target.copy_from_slice(&[pixel[0], pixel[1], pixel[2], 255]);
    }
    Some(pixmap)
}

fn paint(colour: Colour) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    let [r, g, b] = colour.rgb;
    paint.set_color_rgba8(r, g, b, (255.0 * colour.opacity).round() as u8);
    paint
}

fn polygon(points: &[[f64; 2]], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let mut points = points.iter().filter(|p| p[0].is_finite() && p[1].is_finite());
    let first = points.next()?;
    builder.move_to(first[0] as f32, first[1] as f32);
    points.for_each(|p| builder.line_to(p[0] as f32, p[1] as f32));
    if closed {
        builder.close();
    }
    builder.finish()
}

/// Index of the mask that keeps what lies in `clip`, made where it is missing.
fn mask<'a>(clip: Option<Rect>, pixmap: &Pixmap, clips: &'a mut Vec<(Rect, Mask)>) -> Option<&'a Mask> {
    let clip = clip?;
    let found = clips.iter().position(|(rect, _)| *rect == clip);
    let at = match found {
        Some(at) => at,
        None => {
            let mut mask = Mask::new(pixmap.width(), pixmap.height())?;
            let path = polygon(&clip.corners(), true)?;
            mask.fill_path(&path, FillRule::Winding, true, Transform::from_scale(SCALE as f32, SCALE as f32));
            clips.push((clip, mask));
            clips.len() - 1
        }
    };
    Some(&clips[at].1)
}

fn draw(shape: &Shape, pixmap: &mut Pixmap, clips: &mut Vec<(Rect, Mask)>) {
    let scaled = Transform::from_scale(SCALE as f32, SCALE as f32);
    match shape {
        Shape::Line { points, closed, stroke, clip } => {
            let Some(path) = polygon(points, *closed) else { return };
            let dash = stroke.dash.iter().map(|&d| d as f32).collect::<Vec<_>>();
            let look = tiny_skia::Stroke {
                width: stroke.width as f32,
                line_cap: LineCap::Butt,
                line_join: LineJoin::Round,
                dash: StrokeDash::new(dash, 0.0),
                ..tiny_skia::Stroke::default()
            };
            let mask = mask(*clip, pixmap, clips);
            pixmap.stroke_path(&path, &paint(stroke.colour), &look, scaled, mask);
        }
        Shape::Fill { points, colour, clip } => {
            let Some(path) = polygon(points, true) else { return };
            let mask = mask(*clip, pixmap, clips);
            pixmap.fill_path(&path, &paint(*colour), FillRule::Winding, scaled, mask);
        }
        Shape::Text { at, text, size, colour, anchor, upwards } => {
            let width = font::width(text, *size);
            let back = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => 0.5 * width,
                Anchor::End => width,
            };
            let Some(path) = glyphs(&font::outlines(text, *size)) else { return };
            let placed = Transform::from_translate(-back as f32, 0.0)
                .post_concat(Transform::from_rotate(if *upwards { -90.0 } else { 0.0 }))
                .post_translate(at[0] as f32, at[1] as f32)
                .post_concat(scaled);
            pixmap.fill_path(&path, &paint(*colour), FillRule::Winding, placed, None);
        }
        Shape::Image { rect, columns, rows, rgb } => {
            let Some(image) = image(*columns, *rows, rgb) else { return };
            let placed = Transform::from_scale((rect.w / *columns as f64) as f32, (rect.h / *rows as f64) as f32)
                .post_translate(rect.x as f32, rect.y as f32)
                .post_concat(scaled);
            let look = PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
            pixmap.draw_pixmap(0, 0, image.as_ref(), &look, placed, None);
        }
    }
}

fn glyphs(curves: &[OutlineCurve]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let mut end = None;
    for curve in curves {
        let (start, next) = match curve {
            OutlineCurve::Line(a, b) => (a, b),
            OutlineCurve::Quad(a, _, c) => (a, c),
            OutlineCurve::Cubic(a, _, _, d) => (a, d),
        };
        if end != Some(*start) {
            builder.move_to(start.x, start.y);
        }
        match curve {
            OutlineCurve::Line(_, b) => builder.line_to(b.x, b.y),
            OutlineCurve::Quad(_, b, c) => builder.quad_to(b.x, b.y, c.x, c.y),
            OutlineCurve::Cubic(_, b, c, d) => builder.cubic_to(b.x, b.y, c.x, c.y, d.x, d.y),
        }
        end = Some(*next);
    }
    builder.finish()
}
