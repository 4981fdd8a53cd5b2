//! A picture as a list of shapes in logical pixels; `svg` draws the list.

use super::colour::Colour;

/// An upright rectangle: left, top, width, height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// A rectangle from its left upper corner and its size.
    pub fn new(x: f64, y: f64, w: f64, h: f64) -> Self {
        Self { x, y, w, h }
    }
    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.w
    }
    /// Lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }
    /// The corners as a closed path.
    pub fn corners(&self) -> Vec<[f64; 2]> {
        vec![[self.x, self.y], [self.right(), self.y], [self.right(), self.bottom()], [self.x, self.bottom()]]
    }
}

/// Where the given point of a text lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end.
    Start,
    /// In its middle.
    Middle,
    /// At its right end.
    End,
}

/// How a line looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub colour: Colour,
    /// Width.
    pub width: f64,
    /// Lengths of dashes and gaps in turn; empty for a full line.
    pub dash: Vec<f64>,
}

impl Stroke {
    /// A full line.
    pub fn solid(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: Vec::new() }
    }
    /// A dashed line.
    pub fn dashed(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: vec![4.0 * width, 3.0 * width] }
    }
    /// The k-th of several lines that may lie on each other, drawn in this order: the first is seen through the gaps of the others.
    pub fn told_apart(colour: Colour, width: f64, k: usize) -> Self {
        const DASHES: [&[f64]; 4] = [&[], &[4.0, 3.0], &[1.2, 2.4], &[6.0, 2.0, 1.2, 2.0]];
        Self { colour, width, dash: DASHES[k % DASHES.len()].iter().map(|part| part * width).collect() }
    }
}

/// One shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A polyline, closed when `closed`.
    Line {
        /// Corners.
        points: Vec<[f64; 2]>,
        /// Whether the last corner is joined to the first.
        closed: bool,
        /// Look.
        stroke: Stroke,
        /// What lies outside is not drawn.
        clip: Option<Rect>,
    },
    /// A filled polygon.
    Fill {
        /// Corners.
        points: Vec<[f64; 2]>,
        /// Colour.
        colour: Colour,
        /// What lies outside is not drawn.
        clip: Option<Rect>,
    },
    /// A text on its baseline.
    Text {
        /// The anchor on the baseline.
        at: [f64; 2],
        /// What it says.
        text: String,
        /// Font size.
        size: f64,
        /// Colour.
        colour: Colour,
        /// Which part of the text is at `at`.
        anchor: Anchor,
        /// Reads upwards instead of to the right.
        upwards: bool,
    },
    /// An opaque image stretched over a rectangle: rows from the top, RGB.
    Image {
        /// Where.
        rect: Rect,
        /// Pixels per row.
        columns: usize,
        /// Rows.
        rows: usize,
        /// Three bytes a pixel.
        rgb: Vec<u8>,
    },
}

impl Shape {
    /// The same shape further down.
    fn moved_down(mut self, down: f64) -> Self {
        let lower = |rect: &mut Rect| rect.y += down;
        match &mut self {
            Self::Line { points, clip, .. } | Self::Fill { points, clip, .. } => {
                points.iter_mut().for_each(|point| point[1] += down);
                clip.iter_mut().for_each(lower);
            }
            Self::Text { at, .. } => at[1] += down,
            Self::Image { rect, .. } => lower(rect),
        }
        self
    }
    /// The part of the canvas outside which the shape is not drawn; None where all of it is.
    pub fn clip(&self) -> Option<Rect> {
        match self {
            Self::Line { clip, .. } | Self::Fill { clip, .. } => *clip,
            Self::Text { .. } | Self::Image { .. } => None,
        }
    }
}

/// The picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Canvas {
    /// Width in logical pixels.
    pub width: f64,
    /// Height in logical pixels.
    pub height: f64,
    /// What it shows, in words (the title and description of the SVG).
    pub title: String,
    /// Shapes, later ones over earlier ones.
    pub shapes: Vec<Shape>,
}

impl Canvas {
    /// An empty white picture.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, title: title.into(), shapes: Vec::new() }
    }
    /// Several pictures, one below the other.
    pub fn below_each_other(pictures: Vec<Self>) -> Self {
        let mut all = Self::new(0.0, 0.0, "");
        for picture in pictures {
            let down = all.height;
            all.width = all.width.max(picture.width);
            all.height += picture.height;
            all.title = picture.title;
            all.shapes.extend(picture.shapes.into_iter().map(|shape| shape.moved_down(down)));
        }
        all
    }
    /// A polyline.
    pub fn line(&mut self, points: Vec<[f64; 2]>, stroke: Stroke, clip: Option<Rect>) {
        self.shapes.push(Shape::Line { points, closed: false, stroke, clip });
    }
    /// A closed polyline.
    pub fn outline(&mut self, points: Vec<[f64; 2]>, stroke: Stroke, clip: Option<Rect>) {
        self.shapes.push(Shape::Line { points, closed: true, stroke, clip });
    }
    /// A filled polygon.
    pub fn fill(&mut self, points: Vec<[f64; 2]>, colour: Colour, clip: Option<Rect>) {
        self.shapes.push(Shape::Fill { points, colour, clip });
    }
    /// A filled disc.
    pub fn disc(&mut self, at: [f64; 2], radius: f64, colour: Colour, clip: Option<Rect>) {
        let turn = |k: i32| f64::from(k) * std::f64::consts::TAU / 20.0;
        let points = (0..20).map(|k| [at[0] + radius * turn(k).cos(), at[1] + radius * turn(k).sin()]).collect();
        self.fill(points, colour, clip);
    }
    /// A text.
    pub fn text(&mut self, at: [f64; 2], text: &str, size: f64, colour: Colour, anchor: Anchor) {
        self.shapes.push(Shape::Text { at, text: text.into(), size, colour, anchor, upwards: false });
    }
    /// A text that reads upwards.
    pub fn text_upwards(&mut self, at: [f64; 2], text: &str, size: f64, colour: Colour, anchor: Anchor) {
        self.shapes.push(Shape::Text { at, text: text.into(), size, colour, anchor, upwards: true });
    }
}
