//! A canvas as SVG: text stays text, images are embedded, neighbours with one clip share a group.

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::canvas::{Anchor, Canvas, Rect, Shape, Stroke};
use super::colour::Colour;
use super::{font, raster};
use crate::figure::look::Style;

/// The SVG file in a style. None where an image cannot be encoded.
pub fn encode(canvas: &Canvas, style: Style) -> Option<String> {
    let (w, h, title) = (canvas.width, canvas.height, escape(&canvas.title));
    let [wide, high] = style.size(w, h);
    let mut clips: Vec<Rect> = Vec::new();
    let mut body = String::new();
    for shapes in canvas.shapes.chunk_by(|a, b| a.clip() == b.clip()) {
        if let Some(clip) = shapes[0].clip() {
            let id = clips.iter().position(|known| *known == clip).unwrap_or_else(|| {
                clips.push(clip);
                clips.len() - 1
            });
            let _ = writeln!(body, "<g clip-path=\"url(#c{id})\">"); // writing to a String cannot fail
        }
        for shape in shapes {
            let _ = writeln!(body, "{}", draw(shape)?);
        }
        if shapes[0].clip().is_some() {
            body.push_str("</g>\n");
        }
    }
    let clip = |(id, rect): (usize, &Rect)| format!("<clipPath id=\"c{id}\"><rect {}/></clipPath>\n", place(*rect));
    let clips: String = clips.iter().enumerate().map(clip).collect();
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{wide}\" height=\"{high}\" role=\"img\" \
         font-family=\"{}\">\n<title>{title}</title>\n<defs>\n{clips}</defs>\n\
         <rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n{body}</svg>\n",
        font::FAMILIES
    ))
}

/// A text between tags or quotes; what XML cannot hold becomes the replacement sign.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

fn place(r: Rect) -> String {
    format!("x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\"", r.x, r.y, r.w, r.h)
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

fn stroke_attributes(stroke: &Stroke) -> String {
    let dash: Vec<String> = stroke.dash.iter().map(|d| format!("{d:.1}")).collect();
    let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", dash.join(" ")) };
    let opacity = opacity("stroke-opacity", stroke.colour);
    format!(
        "stroke=\"{}\"{opacity} stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}",
        stroke.colour.hexadecimal(),
        stroke.width
    )
}

fn opacity(name: &str, colour: Colour) -> String {
    if colour.opacity < 1.0 { format!(" {name}=\"{:.3}\"", colour.opacity) } else { String::new() }
}

fn draw(shape: &Shape) -> Option<String> {
    Some(match shape {
        Shape::Line { points, closed, stroke, clip: _ } => {
            format!("<path d=\"{}\" fill=\"none\" {}/>", path(points, *closed), stroke_attributes(stroke))
        }
        Shape::Fill { points, colour, clip: _ } => {
            let opacity = opacity("fill-opacity", *colour);
            format!("<path d=\"{}\" fill=\"{}\"{opacity}/>", path(points, true), colour.hexadecimal())
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
            let (fill, text) = (colour.hexadecimal(), escape(text));
            format!("<text {place} font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"{anchor}\">{text}</text>")
        }
        Shape::Image { rect, columns, rows, rgb } => {
            let data = BASE64_STANDARD.encode(raster::png_of_pixels(*columns, *rows, rgb)?);
            format!(
                "<image {} preserveAspectRatio=\"none\" image-rendering=\"pixelated\" \
                 href=\"data:image/png;base64,{data}\"/>",
                place(*rect)
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_text_holds_the_file_is_xml_that_says_it() {
        let text = "a<b> & \"c\" 'd' ]]> \u{0}\u{1b}\u{ffff}e";
        let mut canvas = Canvas::new(10.0, 10.0, text);
        canvas.text([0.0, 0.0], text, 10.0, Colour::hex(0), Anchor::Start);
        let svg = encode(&canvas, Style::Screen).unwrap_or_default();
        let tree = resvg::usvg::roxmltree::Document::parse(&svg).expect("the file is XML");
        let said: Vec<_> = ["title", "text"]
            .map(|tag| tree.descendants().find(|node| node.has_tag_name(tag)).and_then(|node| node.text()))
            .into();
        assert_eq!(said, [Some("a<b> & \"c\" 'd' ]]> \u{fffd}\u{fffd}\u{fffd}e"); 2]);
        assert!(raster::png(&svg, None).is_some());
    }

    #[test]
    fn shapes_with_one_clip_share_it() {
        let mut canvas = Canvas::new(10.0, 10.0, "a<b");
        let clip = Some(Rect::new(1.0, 1.0, 2.0, 2.0));
        for _ in 0..2 {
            canvas.fill(vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]], Colour::hex(0), clip);
        }
        let svg = encode(&canvas, Style::Screen).unwrap_or_default();
        assert_eq!(["<clipPath", "<g "].map(|tag| svg.matches(tag).count()), [1, 1]);
    }
}
