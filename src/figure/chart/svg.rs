//! A canvas as SVG: text stays text, images are embedded.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::canvas::{Anchor, Canvas, Rect, Shape, Stroke};
use super::colour::Colour;
use super::{font, png};

/// The SVG file. None where an image cannot be encoded.
pub fn encode(canvas: &Canvas) -> Option<String> {
    let (w, h, title) = (canvas.width, canvas.height, escape(&canvas.title));
    let mut clips: BTreeMap<String, usize> = BTreeMap::new();
    let mut body = String::new();
    for shape in &canvas.shapes {
        body.push_str(&draw(shape, &mut clips)?);
        body.push('\n');
    }
    let clips: String =
        clips.iter().map(|(rect, id)| format!("<clipPath id=\"c{id}\"><rect {rect}/></clipPath>\n")).collect();
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
         font-family=\"{}\">\n<title>{title}</title>\n<defs>\n{clips}</defs>\n\
         <rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n{body}</svg>\n",
        font::FAMILIES
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn hex(colour: Colour) -> String {
    let [r, g, b] = colour.rgb;
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn path(points: &[[f64; 2]], closed: bool) -> String {
    let mut out = String::new();
    for (k, p) in points.iter().filter(|p| p[0].is_finite() && p[1].is_finite()).enumerate() {
        let _ = write!(out, "{}{:.2} {:.2}", if k == 0 { "M" } else { "L" }, p[0], p[1]); // writing to a String cannot fail
    }
    if closed {
        out.push('Z');
    }
    out
}

fn clip_attribute(clip: Option<Rect>, clips: &mut BTreeMap<String, usize>) -> String {
    let Some(r) = clip else { return String::new() };
    let next = clips.len();
    let key = format!("x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\"", r.x, r.y, r.w, r.h);
    format!(" clip-path=\"url(#c{})\"", clips.entry(key).or_insert(next))
}

fn stroke_attributes(stroke: &Stroke) -> String {
    let dash: Vec<String> = stroke.dash.iter().map(|d| format!("{d:.1}")).collect();
    let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", dash.join(" ")) };
    let opacity = opacity("stroke-opacity", stroke.colour);
    format!(
        "stroke=\"{}\"{opacity} stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}",
        hex(stroke.colour),
        stroke.width
    )
}

fn opacity(name: &str, colour: Colour) -> String {
    if colour.opacity < 1.0 { format!(" {name}=\"{:.3}\"", colour.opacity) } else { String::new() }
}

fn draw(shape: &Shape, clips: &mut BTreeMap<String, usize>) -> Option<String> {
    Some(match shape {
        Shape::Line { points, closed, stroke, clip } => {
            let clip = clip_attribute(*clip, clips);
            format!("<path d=\"{}\" fill=\"none\" {}{clip}/>", path(points, *closed), stroke_attributes(stroke))
        }
        Shape::Fill { points, colour, clip } => {
            let (clip, opacity) = (clip_attribute(*clip, clips), opacity("fill-opacity", *colour));
            format!("<path d=\"{}\" fill=\"{}\"{opacity}{clip}/>", path(points, true), hex(*colour))
        }
        Shape::Text { at, text, size, colour, anchor, upwards } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let place = match upwards {
                true => format!("transform=\"translate({:.2} {:.2}) rotate(-90)\"", at[0], at[1]),
                false => format!("x=\"{:.2}\" y=\"{:.2}\"", at[0], at[1]),
            };
            let (fill, text) = (hex(*colour), escape(text));
            format!("<text {place} font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"{anchor}\">{text}</text>")
        }
        Shape::Image { rect, columns, rows, rgb } => {
            let data = base64(&png::encode_rgb(*columns, *rows, rgb)?);
            format!(
                "<image x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" preserveAspectRatio=\"none\" \
                 image-rendering=\"pixelated\" href=\"data:image/png;base64,{data}\"/>",
                rect.x, rect.y, rect.w, rect.h
            )
        }
    })
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |k: usize| u32::from(chunk.get(k).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for k in 0..4 {
            let sign = char::from(SIGNS[(word >> (18 - 6 * k)) as usize & 63]);
            out.push(if k <= chunk.len() { sign } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_known_texts() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn text_is_escaped_and_shared_clips_are_written_once() {
        let mut canvas = Canvas::new(10.0, 10.0, "a<b");
        let clip = Some(Rect::new(1.0, 1.0, 2.0, 2.0));
        for _ in 0..2 {
            canvas.fill(vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]], Colour::hex(0), clip);
        }
        canvas.text([0.0, 0.0], "x & y", 10.0, Colour::hex(0), Anchor::Start);
        let svg = encode(&canvas).unwrap_or_default();
        assert!(svg.contains("<title>a&lt;b</title>") && svg.contains(">x &amp; y</text>"));
        assert_eq!(svg.matches("<clipPath").count(), 1);
    }
}
