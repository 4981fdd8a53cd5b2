//! The landscape: its merge tree, and the basins with minima, saddles and maxima; in two variables over contours of the loss, with the
//! stationary density and the way of the mean, in three through the deepest minimum in each plane.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use super::chart::colour::{self, Colour, GREY, INK, WHITE};
use super::chart::contour;
use super::chart::panel::{HEADING, Key, LABEL, Panel, legend, range};
use super::landscape::{ground, loss_lines, loss_range, remark};
use super::source::{Source, values};
use crate::record::Group;
use crate::record::read::{column, find, integers};

/// Most leaves of a tree that are told apart by colours.
const COLOURS: usize = 8;

/// A merge tree out of a record: eldest leaf first.
pub struct Tree {
    /// What its heights are.
    label: &'static str,
    height: Vec<f64>,
    pass: Vec<f64>,
    parent: Vec<Option<usize>>,
    /// Numbers of the minima among the critical points.
    minimum: Vec<Option<usize>>,
}

/// A critical point out of a record: those components that are shown.
pub struct Point {
    /// Where it is.
    pub at: Vec<f64>,
    /// Directions in which it falls, and whether those are all.
    pub index: usize,
    /// Number of variables.
    pub of: usize,
}

impl Tree {
    fn of(group: &Group, name: &str, label: &'static str) -> Option<Self> {
        let tree = group.groups.iter().find(|group| group.name == "merge_tree")?;
        let numbers =
            |name: &str| Some(integers(find(tree, name)?)?.into_iter().map(|k| usize::try_from(k).ok()).collect());
        let (parent, minimum): (Vec<_>, Vec<_>) = (numbers("parent")?, numbers("minimum")?);
        Some(Self {
            label,
            height: column(tree, name)?,
            pass: column(tree, &format!("saddle_{name}"))?,
            parent,
            minimum,
        })
    }

    /// The trees of the loss and of Φ that a record has.
    pub fn all(source: &Source) -> Vec<Self> {
        let group = source.record.group("landscape");
        let loss = group.and_then(|group| Self::of(group, "loss", "loss L"));
        let potential =
            source.record.group("landscape/potential").and_then(|group| Self::of(group, "potential", "potential Φ"));
        loss.into_iter().chain(potential).collect()
    }

    /// Leaves from left to right so that no lines cross: each is followed by those that end in it, the lowest pass first.
    fn order(&self) -> Vec<usize> {
        let mut order = Vec::new();
        let mut todo: Vec<usize> = (0..self.height.len()).filter(|&k| self.parent[k].is_none()).rev().collect();
        while let Some(leaf) = todo.pop() {
            order.push(leaf);
            let mut children: Vec<usize> = (0..self.height.len()).filter(|&k| self.parent[k] == Some(leaf)).collect();
            children.sort_by(|&a, &b| self.pass[b].total_cmp(&self.pass[a]));
            todo.extend(children);
        }
        order
    }

    fn draw(&self, canvas: &mut Canvas, rect: Rect) {
        let order = self.order();
        let (low, high) = range(self.height.iter().chain(&self.pass).copied());
        let room = 0.12 * (high - low).max(1e-12 * low.abs());
        let panel = Panel {
            rect,
            x: Axis::new(-0.6, order.len() as f64 - 0.4, Spread::Linear, ""),
            y: Axis::new(low - room, high + 1.5 * room, Spread::Linear, self.label),
        };
        panel.grid(canvas);
        let place = |leaf: usize| order.iter().position(|&k| k == leaf).unwrap_or(0) as f64;
        for &leaf in &order {
            let (x, colour) = (place(leaf), colour_of(leaf));
            let top = if self.parent[leaf].is_some() { self.pass[leaf] } else { panel.y.high };
            panel.paths(canvas, &[vec![[x, self.height[leaf]], [x, top]]], &Stroke::solid(colour, 2.4));
            if let Some(parent) = self.parent[leaf] {
                panel.paths(canvas, &[vec![[x, top], [place(parent), top]]], &Stroke::solid(colour, 2.4));
            }
            canvas.disc(panel.at(x, self.height[leaf]), 6.0, colour, Some(rect));
            let [left, down] = panel.at(x, self.height[leaf]);
            let name = self.minimum[leaf].map_or("wall".to_string(), |k| k.to_string());
            canvas.text([left, down + 8.0 + LABEL], &name, LABEL, INK, Anchor::Middle);
        }
        let bare = Panel { x: Axis { label: "minimum".into(), ..panel.x.clone() }, y: panel.y.clone(), rect };
        bare.frame(canvas, false, true);
        panel.heading(canvas, &format!("merge tree of {}", self.label));
    }
}

/// The colour of a leaf; grey where there are too many.
fn colour_of(leaf: usize) -> Colour {
    const OKABE_ITO: [u32; COLOURS] =
        [0x00_72_b2, 0xd5_5e_00, 0x00_9e_73, 0xcc_79_a7, 0xe6_9f_00, 0x56_b4_e9, 0x8a_5a_2b, 0x44_44_44];
    OKABE_ITO.get(leaf).map_or(GREY, |hex| Colour::hex(*hex))
}

/// The critical points of the loss, those components that are shown.
pub fn points(source: &Source) -> Vec<Point> {
    let Some(table) = source.record.group("landscape/critical_points") else { return Vec::new() };
    let (Some(index), Some(position)) = (find(table, "index").and_then(integers), column(table, "position")) else {
        return Vec::new();
    };
    let (d, shown) = (source.dimension(), source.components());
    let point = |(row, index): (&[f64], &i64)| Point {
        at: shown.iter().map(|&k| row[k]).collect(),
        index: usize::try_from(*index).unwrap_or(0),
        of: d,
    };
    position.chunks_exact(d).zip(&index).map(point).collect()
}

/// A sign for a critical point: a disc for a minimum, a cross for a saddle, a triangle for a maximum.
pub fn mark(canvas: &mut Canvas, [x, y]: [f64; 2], point: &Point, clip: Option<Rect>) {
    if point.index == 0 {
        canvas.disc([x, y], 7.0, WHITE, clip);
        canvas.disc([x, y], 5.5, INK, clip);
    } else if point.index == point.of {
        canvas.fill(vec![[x - 8.0, y + 6.5], [x + 8.0, y + 6.5], [x, y - 8.5]], WHITE, clip);
        canvas.fill(vec![[x - 6.0, y + 5.0], [x + 6.0, y + 5.0], [x, y - 6.0]], INK, clip);
    } else {
        for (colour, width) in [(WHITE, 5.0), (INK, 2.6)] {
            canvas.line(vec![[x - 6.0, y - 6.0], [x + 6.0, y + 6.0]], Stroke::solid(colour, width), clip);
            canvas.line(vec![[x - 6.0, y + 6.0], [x + 6.0, y - 6.0]], Stroke::solid(colour, width), clip);
        }
    }
}

/// Entries of a legend for the kinds of critical points that there are.
pub fn mark_keys(points: &[Point]) -> Vec<(Key, String)> {
    let is = |kind: fn(&Point) -> bool| points.iter().any(kind);
    let kinds = [
        (Key::Disc(INK), "minimum", is(|p| p.index == 0)),
        (Key::Cross(INK), "saddle", is(|p| p.index > 0 && p.index < p.of)),
        (Key::Triangle(INK), "maximum", is(|p| p.index > 0 && p.index == p.of)),
    ];
    kinds.into_iter().filter(|(_, _, drawn)| *drawn).map(|(key, word, _)| (key, word.to_string())).collect()
}

/// The figure; None where the record has no merge tree.
pub fn draw(source: &Source) -> Option<Canvas> {
    let trees = Tree::all(source);
    if trees.is_empty() {
        return None;
    }
    let mut all = vec![forest(source, &trees)];
    match source.axes.len() {
        1 => all.extend(line(source, &trees)),
        2 => all.extend(map(source)),
        _ => {
            let deepest = values(source.record, "landscape/merge_tree/position");
            let point = deepest.as_ref().and_then(|position| position.get(..source.axes.len()));
            all.extend(source.by_planes(point, map));
        }
    }
    Some(Canvas::below_each_other(all))
}

fn forest(source: &Source, trees: &[Tree]) -> Canvas {
    let mut canvas = Canvas::new(1200.0, 470.0, "Merge tree");
    let top = source.title(&mut canvas, &remark(source, "where basins meet, by the numbers of their minima")) + HEADING;
    let width = (1200.0 - 115.0 * trees.len() as f64 - 35.0) / trees.len() as f64;
    for (k, tree) in trees.iter().enumerate() {
        let height = canvas.height - top - 40.0;
        tree.draw(&mut canvas, Rect::new(115.0 + k as f64 * (width + 115.0), top, width, height));
    }
    canvas
}

/// One variable: the loss over its basins, Φ beside it.
fn line(source: &Source, trees: &[Tree]) -> Option<Canvas> {
    let (axis, loss) = (&source.axes[0], source.loss.as_ref()?);
    let mut canvas = Canvas::new(1200.0, 520.0, "Basins");
    let potential = values(source.record, "stationary/potential").filter(|phi| phi.len() == loss.len());
    let shown: Vec<&[f64]> = source.stationary.as_deref().into_iter().collect();
    let (low, high) = if shown.is_empty() { range(loss.iter().copied()) } else { loss_range(source, loss, &shown) };
    let marked = points(source);
    let at = |x: f64| axis.edges.partition_point(|edge| *edge <= x).clamp(1, loss.len()) - 1;
    let high = marked.iter().map(|point| loss[at(point.at[0])] + 0.2 * (high - low)).fold(high, f64::max);
    let panel = Panel {
        rect: Rect::new(105.0, 50.0, 985.0, 390.0),
        x: Axis::new(axis.edges[0], axis.edges[loss.len()], Spread::Linear, &axis.label),
        y: Axis::new(low - 0.08 * (high - low), high, Spread::Linear, "loss L"),
    };
    let basin = source.record.dataset("landscape/basin").and_then(integers).unwrap_or_default();
    for (cell, number) in basin.iter().enumerate() {
        let Ok(number) = usize::try_from(*number) else { continue };
        let leaf =
            trees.first().and_then(|tree| tree.minimum.iter().position(|m| *m == Some(number))).unwrap_or(COLOURS);
        let [left, right] = [axis.edges[cell], axis.edges[cell + 1]].map(|x| panel.at(x, low)[0]);
        let strip = Rect::new(left, panel.rect.y, right - left, panel.rect.h);
        canvas.fill(strip.corners(), colour_of(leaf).with_opacity(0.16), Some(panel.rect));
    }
    let mut keys = vec![(Key::Line(Stroke::solid(INK, 2.2)), "loss L".to_string())];
    if let Some(phi) = &potential {
        let lowest = phi.iter().copied().fold(f64::INFINITY, f64::min);
        let shifted: Vec<f64> = phi.iter().map(|p| p - lowest + low).collect();
        panel.curve(&mut canvas, &axis.centers, &shifted, Stroke::dashed(colour::engine("fokker_planck"), 2.0));
        keys.push((
            Key::Line(Stroke::dashed(colour::engine("fokker_planck"), 2.0)),
            "Φ = −T ln ρ, from the lowest L on".into(),
        ));
    }
    panel.curve(&mut canvas, &axis.centers, loss, Stroke::solid(INK, 2.2));
    for point in &marked {
        let cell = at(point.at[0]);
        let place = panel.at(point.at[0], loss[cell]);
        mark(&mut canvas, place, point, Some(panel.rect));
    }
    panel.frame(&mut canvas, true, true);
    legend(&mut canvas, &keys, 105.0, 1165.0, 14.0);
    Some(canvas)
}

/// Two variables: contours of the loss by its rank where the law is, borders of the basins, critical points, the stationary density and the
/// way of the mean.
fn map(source: &Source) -> Option<Canvas> {
    let (x, y, loss) = (&source.axes[0], &source.axes[1], source.loss.as_ref()?);
    let mut canvas = Canvas::new(1200.0, 860.0, "Basins");
    let marked = points(source);
    let mut keys = mark_keys(&marked);
    if source.plane.is_none() {
        keys.push((Key::Line(Stroke::solid(colour_of(1), 2.0)), "border of a basin".into()));
    }
    if source.stationary.is_some() {
        keys.push((Key::Line(Stroke::dashed(INK, 1.8)), "50 % and 90 % of the stationary density".into()));
    }
    let reference = source.reference().filter(|engine| engine.mean.len() > 1 && engine.mean[0].len() == 2);
    if let Some(engine) = reference {
        keys.push((Key::Line(Stroke::solid(colour::engine(engine.group), 2.0)), "way of the mean".into()));
    }
    let title = if source.plane.is_some() { source.title(&mut canvas, "basins") } else { 16.0 };
    let top = title + legend(&mut canvas, &keys, 95.0, 1165.0, title) + 12.0;
    let panel = Panel {
        rect: Rect::new(95.0, top, 960.0, canvas.height - 66.0 - top),
        x: Axis::new(x.edges[0], x.edges[x.edges.len() - 1], Spread::Linear, &x.label),
        y: Axis::new(y.edges[0], y.edges[y.edges.len() - 1], Spread::Linear, &y.label),
    };
    let shade = ground(source, loss, &panel);
    panel.smooth_heat(&mut canvas, &x.centers, &y.centers, loss, &shade);
    loss_lines(source, &panel, &mut canvas, 14, &Stroke::solid(WHITE.with_opacity(0.7), 0.8));
    shade.bar(&mut canvas, Rect::new(1075.0, panel.rect.y, 22.0, panel.rect.h));
    if source.plane.is_none() {
        borders(source, &panel, &mut canvas);
    }
    if let Some(stationary) = &source.stationary {
        for (inside, width) in [(0.9, 1.2), (0.5, 1.8)] {
            let lines = contour::lines_of_mass(&x.centers, &y.centers, stationary, &source.volumes, inside);
            panel.paths(&mut canvas, &lines, &Stroke::dashed(INK, width));
        }
    }
    if let Some(engine) = reference {
        let path: Vec<[f64; 2]> = engine.mean.iter().filter(|m| m.len() == 2).map(|m| [m[0], m[1]]).collect();
        panel.paths(&mut canvas, &[path], &Stroke::solid(colour::engine(engine.group), 2.0));
    }
    for point in &marked {
        let place = panel.at(point.at[0], point.at[1]);
        mark(&mut canvas, place, point, Some(panel.rect));
    }
    panel.frame(&mut canvas, true, true);
    Some(canvas)
}

/// Lines between cells of different basins.
fn borders(source: &Source, panel: &Panel, canvas: &mut Canvas) {
    let basin = source.record.dataset("landscape/basin").and_then(integers).unwrap_or_default();
    let (x, y) = (&source.axes[0], &source.axes[1]);
    let (rows, columns) = (x.centers.len(), y.centers.len());
    if basin.len() != rows * columns {
        return;
    }
    let stroke = Stroke::solid(colour_of(1), 2.0);
    let mut lines = Vec::new();
    for i in 0..rows {
        for j in 0..columns {
            let here = basin[i * columns + j];
            if i + 1 < rows && basin[(i + 1) * columns + j] != here {
                lines.push(vec![[x.edges[i + 1], y.edges[j]], [x.edges[i + 1], y.edges[j + 1]]]);
            }
            if j + 1 < columns && basin[i * columns + j + 1] != here {
                lines.push(vec![[x.edges[i], y.edges[j + 1]], [x.edges[i + 1], y.edges[j + 1]]]);
            }
        }
    }
    panel.paths(canvas, &lines, &stroke);
}
