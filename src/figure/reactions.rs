//! Currents: that of the stationary law as a vector field over its density in a plane, and the transitions of each reaction.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, INK, LOSS, Map, WHITE};
use super::chart::panel::{HEADING, Key, Panel, Shade, legend};
use super::landscape::{loss_lines, loss_range, remark};
use super::source::{Source, values};

const FORWARD: Colour = Colour::hex(0xcc_79_a7);
const BACKWARD: Colour = Colour::hex(0xe6_9f_00);
const DENSITY: Colour = Colour::hex(0x00_72_b2);

/// Arrows along the longer side of a picture.
const ARROWS: usize = 26;

/// One picture.
struct Field {
    heading: String,
    density: Vec<f64>,
    current: Vec<f64>,
    /// Forward and backward committor, of a reaction.
    committors: Option<[Vec<f64>; 2]>,
}

/// The figure; None where there is neither a reaction nor, in a plane, a stationary current.
pub fn draw(source: &Source) -> Option<Canvas> {
    let d = source.axes.len();
    if d > 2 || source.plane.is_some() {
        return None;
    }
    let groups = source.record.group("reactions").map(|group| group.groups.as_slice()).unwrap_or_default();
    let mut fields: Vec<Field> = groups.iter().filter_map(|group| reaction(source, &group.name)).take(3).collect();
    if d == 2
        && let Some(field) = stationary(source)
    {
        fields.insert(0, field);
    }
    if fields.is_empty() {
        return None;
    }
    let row = if d == 1 { 360.0 } else { 520.0 };
    let mut canvas = Canvas::new(1200.0, 130.0 + row * fields.len() as f64, "Currents");
    let top = source.title(&mut canvas, &remark(source, "currents at rest"));
    let top = top + legend(&mut canvas, &keys(d), 105.0, 1165.0, top);
    let height = (canvas.height - 14.0 - top) / fields.len() as f64;
    for (k, field) in fields.iter().enumerate() {
        let y = top + HEADING + k as f64 * height;
        let rect = Rect::new(110.0, y, if d == 1 { 1055.0 } else { 940.0 }, height - HEADING - 56.0);
        if d == 1 { on_a_line(source, &mut canvas, rect, field) } else { in_a_plane(source, &mut canvas, rect, field) }
    }
    Some(canvas)
}

fn keys(d: usize) -> Vec<(Key, String)> {
    let line = |colour: Colour| Key::Line(Stroke::solid(colour, 2.4));
    if d == 1 {
        return vec![
            (line(DENSITY), "density on the way (its largest value is 1)".into()),
            (line(FORWARD), "committor: comes to the second set first".into()),
            (line(BACKWARD), "backward committor: comes from the first set".into()),
            (Key::Patch(LOSS.with_opacity(0.6)), "loss L".into()),
        ];
    }
    vec![(Key::Arrow, "current: arrows, as long as it is strong".into())]
}

fn reaction(source: &Source, name: &str) -> Option<Field> {
    let at = |what: &str| values(source.record, &format!("reactions/{name}/{what}"));
    let group = source.record.group(&format!("reactions/{name}"))?;
    let text = |what: &str| crate::record::read::text(group, what).unwrap_or("?").to_string();
    let flux = crate::record::read::float(group, "flux")
        .map_or(String::new(), |flux| format!(", {} transitions per unit time", crate::text::short(flux)));
    Some(Field {
        heading: format!("{name}: from {} to {}{flux}", text("from"), text("to")),
        density: at("density")?,
        current: at("current")?,
        committors: Some([at("committor")?, at("backward_committor")?]),
    })
}

fn stationary(source: &Source) -> Option<Field> {
    let current = values(source.record, "stationary/current")?;
    let density = source.stationary.clone()?;
    let strongest = current.iter().fold(0.0f64, |a, j| a.max(j.abs()));
    // under detailed balance there is none but rounding
    let production = crate::record::read::float(source.record.group("stationary")?, "entropy_production")?;
    (strongest > 0.0 && production > 1e-9).then(|| Field {
        heading: format!("stationary density and current; entropy production {}", crate::text::short(production)),
        density,
        current,
        committors: None,
    })
}

fn on_a_line(source: &Source, canvas: &mut Canvas, rect: Rect, field: &Field) {
    let axis = &source.axes[0];
    let panel =
        Panel { rect, x: source.window(0, 0.25), y: Axis::new(0.0, 1.06, Spread::Linear, "probability, density") };
    panel.grid(canvas);
    if let Some(loss) = &source.loss {
        let (low, high) = loss_range(source, loss, &[&field.density]);
        let behind = Panel { rect, x: panel.x.clone(), y: Axis::new(low, high + (high - low), Spread::Linear, "") };
        behind.area(canvas, &axis.centers, loss, LOSS.with_opacity(0.35));
    }
    let most = field.density.iter().fold(0.0f64, |a, p| a.max(*p));
    let scaled: Vec<f64> = field.density.iter().map(|p| p / most).collect();
    panel.curve(canvas, &axis.centers, &scaled, Stroke::solid(DENSITY, 2.6));
    for (committor, colour) in field.committors.iter().flatten().zip([FORWARD, BACKWARD]) {
        panel.curve(canvas, &axis.centers, committor, Stroke::solid(colour, 2.2));
    }
    panel.frame(canvas, true, true);
    panel.heading(canvas, &field.heading);
}

fn in_a_plane(source: &Source, canvas: &mut Canvas, rect: Rect, field: &Field) {
    let (columns, rows) = (&source.axes[0], &source.axes[1]);
    let panel = Panel { rect, x: source.window(0, 0.25), y: source.window(1, 0.25) };
    let most = source.inside(&field.density, &panel.x, &panel.y).into_iter().fold(0.0, f64::max);
    let shade = Shade { map: Map::Viridis, axis: Axis::new(0.0, most, Spread::Linear, "density") };
    panel.heat(canvas, &columns.edges, &rows.edges, &field.density, &shade);
    loss_lines(source, &panel, canvas, 10, &Stroke::solid(WHITE.with_opacity(0.45), 0.9));
    arrows(canvas, &panel, [&columns.centers, &rows.centers], &field.current);
    panel.frame(canvas, true, true);
    panel.heading(canvas, &field.heading);
    shade.bar(canvas, Rect::new(rect.right() + 16.0, rect.y, 20.0, rect.h));
}

/// Arrows on a lattice of the picture: the mean of the current there, the longest as long as the lattice is wide.
fn arrows(canvas: &mut Canvas, panel: &Panel, [columns, rows]: [&[f64]; 2], current: &[f64]) {
    let (n, rect) = (columns.len() * rows.len(), panel.rect);
    let spacing = rect.w.max(rect.h) / ARROWS as f64;
    let (nx, ny) = ((rect.w / spacing) as usize, (rect.h / spacing) as usize);
    let mut sums = vec![[0.0; 3]; nx * ny];
    for (i, x) in columns.iter().enumerate() {
        for (j, y) in rows.iter().enumerate() {
            let [px, py] = panel.at(*x, *y);
            let (a, b) = ((px - rect.x) / spacing, (py - rect.y) / spacing);
            if a >= 0.0 && b >= 0.0 && (a as usize) < nx && (b as usize) < ny {
                let cell = i * rows.len() + j;
                // along the axes of the picture, whose second points down
                let origin = panel.at(0.0, 0.0);
                let unit = panel.at(1.0, 1.0);
                let sum = &mut sums[a as usize * ny + b as usize];
                sum[0] += current[cell] * (unit[0] - origin[0]);
                sum[1] += current[n + cell] * (unit[1] - origin[1]);
                sum[2] += 1.0;
            }
        }
    }
    let means: Vec<[f64; 2]> = sums.iter().map(|[x, y, n]| [x / f64::max(*n, 1.0), y / f64::max(*n, 1.0)]).collect();
    let longest = means.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max);
    for (k, [x, y]) in means.iter().enumerate() {
        let length = x.hypot(*y) / longest;
        if length.is_nan() || length <= 0.02 {
            continue;
        }
        let middle = [rect.x + ((k / ny) as f64 + 0.5) * spacing, rect.y + ((k % ny) as f64 + 0.5) * spacing];
        arrow(canvas, middle, [x / longest * spacing, y / longest * spacing], rect);
    }
}

fn arrow(canvas: &mut Canvas, middle: [f64; 2], way: [f64; 2], rect: Rect) {
    let end = |share: f64| [middle[0] + share * way[0], middle[1] + share * way[1]];
    let (from, to) = (end(-0.5), end(0.5));
    let length = way[0].hypot(way[1]);
    let head = (0.4 * length).min(7.0);
    let side = |turn: f64| {
        let (s, c) = f64::sin_cos(turn);
        let unit = [-way[0] / length, -way[1] / length];
        [to[0] + head * (c * unit[0] - s * unit[1]), to[1] + head * (s * unit[0] + c * unit[1])]
    };
    for (colour, width) in [(INK, 3.0), (WHITE, 1.5)] {
        canvas.line(vec![from, to], Stroke::solid(colour, width), Some(rect));
        canvas.line(vec![side(0.5), to, side(-0.5)], Stroke::solid(colour, width), Some(rect));
    }
}
