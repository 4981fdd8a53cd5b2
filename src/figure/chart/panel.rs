//! A rectangle with two axes, and what can be drawn in it; colour bars and legends beside it.

use super::axis::{Axis, Spread};
use super::canvas::{Anchor, Canvas, Rect, Stroke};
use super::colour::{Colour, FAINT, GREY, INK, Map, WHITE};
use super::font;

/// Size of axis labels and legends.
pub const LABEL: f64 = 16.0;
/// Size of tick labels.
pub const TICK: f64 = 14.0;
/// Size of titles.
pub const TITLE: f64 = 20.0;

/// Room above a panel for its heading.
pub const HEADING: f64 = 32.0;

/// A rectangle with a horizontal and a vertical axis.
pub struct Panel {
    /// Where the data are.
    pub rect: Rect,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis, upwards.
    pub y: Axis,
}

impl Panel {
    /// Where a point lies on the canvas.
    pub fn at(&self, x: f64, y: f64) -> [f64; 2] {
        // far outside is as good as infinitely far, and survives the renderer's single precision
        let place = |axis: &Axis, v: f64| axis.place(v).clamp(-10.0, 11.0);
        [self.rect.x + self.rect.w * place(&self.x, x), self.rect.bottom() - self.rect.h * place(&self.y, y)]
    }
    /// Runs of finite points; what is not finite interrupts a curve.
    fn runs(&self, x: &[f64], y: &[f64]) -> Vec<Vec<[f64; 2]>> {
        let points: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
        let runs = points.split(|p| !p.0.is_finite() || !p.1.is_finite());
        runs.filter(|run| !run.is_empty()).map(|run| run.iter().map(|p| self.at(p.0, p.1)).collect()).collect()
    }

    /// Faint lines at the ticks, below the data.
    pub fn grid(&self, canvas: &mut Canvas) {
        for (v, _) in self.x.ticks(self.columns()).0 {
            let x = self.at(v, self.y.low)[0];
            canvas.line(vec![[x, self.rect.y], [x, self.rect.bottom()]], Stroke::solid(FAINT, 1.0), None);
        }
        for (v, _) in self.y.ticks(self.rows()).0 {
            let y = self.at(self.x.low, v)[1];
            canvas.line(vec![[self.rect.x, y], [self.rect.right(), y]], Stroke::solid(FAINT, 1.0), None);
        }
    }
    fn columns(&self) -> usize {
        ((self.rect.w / 80.0) as usize).clamp(3, 10)
    }
    fn rows(&self) -> usize {
        ((self.rect.h / 52.0) as usize).clamp(2, 9)
    }

    /// The frame with ticks; labels below (`below`) and to the left (`left`) where they are asked for.
    pub fn frame(&self, canvas: &mut Canvas, below: bool, left: bool) {
        let r = self.rect;
        let (major, minor) = self.x.ticks(self.columns());
        for (v, label) in &major {
            let x = self.at(*v, self.y.low)[0];
            canvas.line(vec![[x, r.bottom()], [x, r.bottom() + 6.0]], Stroke::solid(GREY, 1.0), None);
            if below {
                canvas.text([x, r.bottom() + 9.0 + TICK], label, TICK, INK, Anchor::Middle);
            }
        }
        for v in minor {
            let x = self.at(v, self.y.low)[0];
            canvas.line(vec![[x, r.bottom()], [x, r.bottom() + 3.0]], Stroke::solid(GREY, 1.0), None);
        }
        let (major, minor) = self.y.ticks(self.rows());
        let mut widest = 0.0_f64;
        for (v, label) in &major {
            let y = self.at(self.x.low, *v)[1];
            canvas.line(vec![[r.x - 6.0, y], [r.x, y]], Stroke::solid(GREY, 1.0), None);
            if left {
                canvas.text([r.x - 9.0, y + 0.36 * TICK], label, TICK, INK, Anchor::End);
                widest = widest.max(font::width(label, TICK));
            }
        }
        for v in minor {
            let y = self.at(self.x.low, v)[1];
            canvas.line(vec![[r.x - 3.0, y], [r.x, y]], Stroke::solid(GREY, 1.0), None);
        }
        canvas.outline(r.corners(), Stroke::solid(GREY, 1.0), None);
        if below {
            let at = [r.x + 0.5 * r.w, r.bottom() + 18.0 + TICK + LABEL];
            canvas.text(at, &self.x.label, LABEL, INK, Anchor::Middle);
        }
        if left {
            let at = [r.x - 19.0 - widest, r.y + 0.5 * r.h];
            canvas.text_upwards(at, &self.y.label, LABEL, INK, Anchor::Middle);
        }
    }

    /// Ticks and label of another axis on the right.
    pub fn right_axis(&self, canvas: &mut Canvas, axis: &Axis, colour: Colour) {
        let r = self.rect;
        let mut widest = 0.0_f64;
        for (v, label) in axis.ticks(self.rows()).0 {
            let y = r.bottom() - r.h * axis.place(v);
            canvas.line(vec![[r.right(), y], [r.right() + 6.0, y]], Stroke::solid(GREY, 1.0), None);
            canvas.text([r.right() + 9.0, y + 0.36 * TICK], &label, TICK, colour, Anchor::Start);
            widest = widest.max(font::width(&label, TICK));
        }
        let at = [r.right() + 17.0 + widest + LABEL, r.y + 0.5 * r.h];
        canvas.text_upwards(at, &axis.label, LABEL, colour, Anchor::Middle);
    }

    /// A curve.
    pub fn curve(&self, canvas: &mut Canvas, x: &[f64], y: &[f64], stroke: Stroke) {
        for run in self.runs(x, y) {
            canvas.line(run, stroke.clone(), Some(self.rect));
        }
    }
    /// A curve, with a triangle at the lower edge wherever it leaves the panel there; whether it does.
    pub fn curve_with_exits(&self, canvas: &mut Canvas, x: &[f64], y: &[f64], stroke: Stroke) -> bool {
        let bottom = self.rect.bottom();
        let mut leaves = false;
        for run in self.runs(x, y) {
            for pair in run.windows(2).filter(|pair| pair[0][1] <= bottom && pair[1][1] > bottom) {
                let share = (bottom - pair[0][1]) / (pair[1][1] - pair[0][1]);
                down(canvas, [pair[0][0] + share * (pair[1][0] - pair[0][0]), bottom], stroke.colour);
                leaves = true;
            }
        }
        self.curve(canvas, x, y, stroke);
        leaves
    }
    /// The area between a curve and the lower edge.
    pub fn area(&self, canvas: &mut Canvas, x: &[f64], y: &[f64], colour: Colour) {
        for mut points in self.runs(x, y) {
            let (first, last) = (points[0][0], points[points.len() - 1][0]);
            points.extend([[last, self.rect.bottom()], [first, self.rect.bottom()]]);
            canvas.fill(points, colour, Some(self.rect));
        }
    }
    /// A histogram's outline: each value constant between two edges.
    pub fn steps(&self, canvas: &mut Canvas, edges: &[f64], values: &[f64], stroke: Stroke) {
        let x: Vec<f64> = edges.windows(2).flat_map(|w| [w[0], w[1]]).collect();
        let y: Vec<f64> = values.iter().flat_map(|&v| [v, v]).collect();
        self.curve(canvas, &x, &y, stroke);
    }
    /// Polylines in the panel's own coordinates.
    pub fn paths(&self, canvas: &mut Canvas, lines: &[Vec<[f64; 2]>], stroke: &Stroke) {
        for line in lines {
            let points = line.iter().map(|p| self.at(p[0], p[1])).collect();
            canvas.line(points, stroke.clone(), Some(self.rect));
        }
    }
    /// A heading above the panel, at its left end; `HEADING` pixels hold it.
    pub fn heading(&self, canvas: &mut Canvas, text: &str) {
        canvas.text([self.rect.x, self.rect.y - 7.0], text, LABEL, INK, Anchor::Start);
    }

    /// A heading of two lines, the second in another colour; twice `HEADING` pixels hold it.
    pub fn heading_of_two(&self, canvas: &mut Canvas, lines: &[String; 2], second: Colour) {
        let at = |line: f64| [self.rect.x, self.rect.y - 8.0 - line * 1.35 * LABEL];
        canvas.text(at(1.0), &lines[0], LABEL, INK, Anchor::Start);
        canvas.text(at(0.0), &lines[1], LABEL, second, Anchor::Start);
    }

    /// A smooth field as colours: `values[i·ny + j]` at (`x[i]`, `y[j]`), linear in between, constant from the outermost centres on.
    pub fn smooth_heat(&self, canvas: &mut Canvas, x: &[f64], y: &[f64], values: &[f64], shade: &Shade) {
        let between = |centers: &[f64], v: f64| {
            let upper = centers.partition_point(|&c| c <= v).min(centers.len() - 1);
            let lower = upper.saturating_sub(1);
            let gap = centers[upper] - centers[lower];
            (lower, upper, if gap > 0.0 { ((v - centers[lower]) / gap).clamp(0.0, 1.0) } else { 0.0 })
        };
        let value = |i: usize, j: usize| values[i * y.len() + j];
        let mix = |a: f64, b: f64, share: f64| if share == 0.0 { a } else { a + share * (b - a) };
        self.image(
            canvas,
            |v| between(x, v),
            |v| between(y, v),
            |&(left, right, over), &(below, above, up)| {
                let [low, high] = [below, above].map(|j| mix(value(left, j), value(right, j), over));
                shade.colour(mix(low, high, up))
            },
        );
    }

    /// A field as colours: `values[i·ny + j]` between the edges `x[i], x[i+1]` and `y[j], y[j+1]`.
    pub fn heat(&self, canvas: &mut Canvas, x: &[f64], y: &[f64], values: &[f64], shade: &Shade) {
        let find = |edges: &[f64], v: f64| match v >= edges[0] && v <= edges[edges.len() - 1] {
            true => Some(edges.partition_point(|&e| e <= v).clamp(1, edges.len() - 1) - 1),
            false => None,
        };
        self.image(
            canvas,
            |v| find(x, v),
            |v| find(y, v),
            |i, j| match (i, j) {
                (Some(i), Some(j)) => shade.colour(values[i * (y.len() - 1) + j]),
                _ => WHITE,
            },
        );
    }

    /// An image over the whole panel: what is found along each axis at the middle of a pixel, and the colour of both.
    fn image<P>(
        &self,
        canvas: &mut Canvas,
        along_x: impl Fn(f64) -> P,
        along_y: impl Fn(f64) -> P,
        colour: impl Fn(&P, &P) -> Colour,
    ) {
        let (columns, rows) = ((2.0 * self.rect.w).round() as usize, (2.0 * self.rect.h).round() as usize);
        let middle = |k: usize, n: usize| (k as f64 + 0.5) / n as f64;
        let at_x: Vec<P> = (0..columns).map(|k| along_x(self.x.value(middle(k, columns)))).collect();
        let mut rgb = Vec::with_capacity(3 * columns * rows);
        for k in 0..rows {
            let y = along_y(self.y.value(1.0 - middle(k, rows)));
            at_x.iter().for_each(|x| rgb.extend(colour(x, &y).rgb));
        }
        canvas.shapes.push(super::canvas::Shape::Image { rect: self.rect, columns, rows, rgb });
    }
}

/// How values become colours.
#[derive(Debug, Clone, PartialEq)]
pub struct Shade {
    /// The colour map.
    pub map: Map,
    /// Range and spread of the values.
    pub axis: Axis,
}

impl Shade {
    /// Colours for positive values: logarithmic over the top `decades` below `high`; what lies below is dark.
    pub fn decades(map: Map, high: f64, decades: f64, label: &str) -> Self {
        Self { map, axis: Axis::new(high * 10_f64.powf(-decades), high, Spread::Log, label) }
    }
    /// Colours for all values but the outermost half per cent at each end, which take the end colours; logarithmic where
    /// all are positive and span more than a factor of 30.
    pub fn fitting(map: Map, values: &[f64], label: &str) -> Self {
        let (low, high) = (quantile(values, 0.005), quantile(values, 0.995));
        let spread = if low > 0.0 && high / low > 30.0 { Spread::Log } else { Spread::Linear };
        Self { map, axis: Axis::new(low, high, spread, label) }
    }
    fn colour(&self, v: f64) -> Colour {
        self.map.at(self.axis.place(v))
    }
    /// A bar, with a triangle in the colour of an end beyond which there are values.
    pub fn bar_over(&self, canvas: &mut Canvas, rect: Rect, values: &[f64]) {
        let (low, high) = range(values.iter().copied());
        let (middle, half) = (rect.x + 0.5 * rect.w, 0.5 * rect.w);
        let mut end = |y: f64, tip: f64, colour: Colour| {
            let corners = vec![[middle - half, y], [middle + half, y], [middle, y + tip]];
            canvas.fill(corners.clone(), colour, None);
            canvas.outline(corners, Stroke::solid(GREY, 1.0), None);
        };
        if high > self.axis.high {
            end(rect.y - 3.0, -14.0, self.colour(self.axis.high));
        }
        if low < self.axis.low {
            end(rect.bottom() + 3.0, 14.0, self.colour(self.axis.low));
        }
        self.bar(canvas, rect);
    }
    /// A bar with the colours, its ticks and its label.
    pub fn bar(&self, canvas: &mut Canvas, rect: Rect) {
        let bar = Panel { rect, x: Axis::new(0.0, 1.0, Spread::Linear, ""), y: self.axis.clone() };
        let rows = (2.0 * rect.h).round().max(1.0) as usize;
        let value = |k: usize| self.axis.value(1.0 - (k as f64 + 0.5) / rows as f64);
        let rgb = (0..rows).flat_map(|k| self.colour(value(k)).rgb).collect();
        canvas.shapes.push(super::canvas::Shape::Image { rect, columns: 1, rows, rgb });
        canvas.outline(rect.corners(), Stroke::solid(GREY, 1.0), None);
        bar.right_axis(canvas, &self.axis, INK);
    }
}

/// Smallest and largest of the finite values; (0, 1) where there is none.
pub fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// The value below which the given share of the finite values lies; 0 without any.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// How an entry of a legend looks.
pub enum Key {
    /// A line.
    Line(Stroke),
    /// A filled patch.
    Patch(Colour),
    /// A disc.
    Disc(Colour),
    /// A cross.
    Cross(Colour),
    /// A triangle.
    Triangle(Colour),
    /// A triangle that points down.
    Down(Colour),
    /// An arrow as it lies on a map: white with a dark edge.
    Arrow,
    /// Words alone.
    Words,
}

/// A triangle that points down to a place.
fn down(canvas: &mut Canvas, [x, y]: [f64; 2], colour: Colour) {
    canvas.fill(vec![[x - 6.0, y - 10.0], [x + 6.0, y - 10.0], [x, y]], colour, None);
}

/// The width of rows that hold entries so wide: as many rows as `room` asks for, about as long as each other.
fn even_width(widths: &[f64], room: f64) -> f64 {
    let rows = |room: f64| {
        let place = |(rows, x), w: &f64| if x + w > room && x > 0.0 { (rows + 1, *w) } else { (rows, x + w) };
        widths.iter().fold((1, 0.0), place).0
    };
    let least = widths.iter().copied().fold(0.1 * room, f64::max);
    let mut narrowest = room;
    while narrowest - 10.0 > least && rows(narrowest - 10.0) == rows(room) {
        narrowest -= 10.0;
    }
    if rows(room) > 1 { narrowest } else { room }
}

/// A legend in rows between `left` and `right`, from `top` downwards; returns its height.
pub fn legend(canvas: &mut Canvas, entries: &[(Key, String)], left: f64, right: f64, top: f64) -> f64 {
    const ROW: f64 = 24.0;
    let (mut x, mut y) = (left, top);
    let sample = |key: &Key| if matches!(key, Key::Words) { 0.0 } else { 38.0 };
    let widths: Vec<f64> = entries.iter().map(|(key, label)| sample(key) + font::width(label, LABEL) + 22.0).collect();
    let right = left + even_width(&widths, right + 22.0 - left);
    for ((key, label), width) in entries.iter().zip(&widths) {
        if x + width > right && x > left {
            (x, y) = (left, y + ROW);
        }
        let middle = y + 0.5 * ROW;
        match key {
            Key::Line(stroke) => canvas.line(vec![[x, middle], [x + 30.0, middle]], stroke.clone(), None),
            Key::Patch(colour) => canvas.fill(Rect::new(x + 3.0, middle - 7.0, 24.0, 14.0).corners(), *colour, None),
            Key::Disc(colour) => canvas.disc([x + 15.0, middle], 5.0, *colour, None),
            Key::Cross(colour) => {
                for up in [5.0, -5.0] {
                    let ends = vec![[x + 10.0, middle - up], [x + 20.0, middle + up]];
                    canvas.line(ends, Stroke::solid(*colour, 2.6), None);
                }
            }
            Key::Triangle(colour) => {
                let corners = [[9.0, 5.0], [21.0, 5.0], [15.0, -6.0]].map(|[right, down]| [x + right, middle + down]);
                canvas.fill(corners.to_vec(), *colour, None);
            }
            Key::Arrow => {
                for (colour, width) in [(INK, 3.0), (WHITE, 1.5)] {
                    let [tip, head] = [x + 27.0, x + 20.0];
                    canvas.line(vec![[x + 3.0, middle], [tip, middle]], Stroke::solid(colour, width), None);
                    let sides = vec![[head, middle - 4.0], [tip, middle], [head, middle + 4.0]];
                    canvas.line(sides, Stroke::solid(colour, width), None);
                }
            }
            Key::Down(colour) => down(canvas, [x + 15.0, middle + 6.0], *colour),
            Key::Words => {}
        }
        canvas.text([x + sample(key), middle + 0.36 * LABEL], label, LABEL, INK, Anchor::Start);
        x += width;
    }
    if entries.is_empty() { 0.0 } else { y + ROW - top }
}

/// The title at the left upper corner, with a lighter remark after it; returns where to go on below.
pub fn title(canvas: &mut Canvas, text: &str, remark: &str) -> f64 {
    canvas.text([28.0, 38.0], text, TITLE, INK, Anchor::Start);
    let x = 28.0 + font::width(text, TITLE) + 18.0;
    canvas.text([x, 38.0], remark, LABEL, GREY, Anchor::Start);
    54.0
}
