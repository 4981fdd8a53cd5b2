//! A few walkers on their way: against time in one dimension, in the plane in two, in each plane of three; the loss behind them.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, INK, Map, WHITE};
use super::chart::panel::{Panel, Shade, quantile, range};
use super::landscape::{ground, loss_lines, remark};
use super::source::{Source, values};

/// Walkers that are drawn; more of them hide each other.
const MOST: usize = 30;

/// The followed walkers of a record: for each its positions, one row of components per time.
struct Walkers {
    times: Vec<f64>,
    all: usize,
    paths: Vec<Vec<Vec<f64>>>,
}

impl Walkers {
    fn of(source: &Source) -> Option<Self> {
        let times = values(source.record, "langevin/trajectory_time").filter(|t| t.len() > 1)?;
        let points = values(source.record, "langevin/trajectory")?;
        let (d, t, shown) = (source.dimension(), times.len(), source.components());
        let row = |row: &[f64]| shown.iter().map(|&k| row[k]).collect();
        let rows = |walker: &[f64]| walker.chunks(d).map(row).collect();
        let all = points.len() / (t * d);
        let paths: Vec<_> = points.chunks_exact(t * d).take(MOST).map(rows).collect();
        if paths.is_empty() { None } else { Some(Self { times, all, paths }) }
    }

    /// Range of a component over all walkers, with some room.
    fn window(&self, source: &Source, k: usize) -> Axis {
        let (low, high) = range(self.paths.iter().flatten().map(|row| row[k]));
        let (edges, room) = (&source.axes[k].edges, 0.06 * (high - low).max(1e-9));
        let (from, to) = ((low - room).max(edges[0]), (high + room).min(edges[edges.len() - 1]));
        Axis::new(from, to, Spread::Linear, &source.axes[k].label)
    }
}

/// The figure; None where no walkers were followed.
pub fn draw(source: &Source) -> Option<Canvas> {
    match source.axes.len() {
        1 => Some(against_time(source, &Walkers::of(source)?)),
        2 => Some(in_the_plane(source, &Walkers::of(source)?)),
        _ => source.by_planes(None, draw),
    }
}

fn heading(canvas: &mut Canvas, source: &Source, walkers: &Walkers) -> f64 {
    let mut what = match (walkers.paths.len(), walkers.all) {
        (1, _) => "one Langevin walker".to_string(),
        (n, all) if n < all => format!("{n} of {all} Langevin walkers"),
        (n, _) => format!("{n} Langevin walkers"),
    };
    if source.axes.len() == 2 {
        what += "; white dots: start, black dots: end";
    }
    source.title(canvas, &remark(source, &what))
}

/// The loss as shades of grey between its smallest and its 98 % quantile among `shown`.
fn grey(shown: &[f64]) -> Shade {
    let axis = Axis::new(range(shown.iter().copied()).0, quantile(shown, 0.98), Spread::Linear, "loss L");
    Shade { map: Map::Grey, axis }
}

fn against_time(source: &Source, walkers: &Walkers) -> Canvas {
    let mut canvas = Canvas::new(1200.0, 640.0, "Trajectories");
    let top = heading(&mut canvas, source, walkers) + 12.0;
    let (first, last) = range(walkers.times.iter().copied());
    let panel = Panel {
        rect: Rect::new(95.0, top, 960.0, canvas.height - 66.0 - top),
        x: Axis::new(first, last, Spread::Linear, "time t"),
        y: walkers.window(source, 0),
    };
    if let Some(loss) = &source.loss {
        let within = |x: &f64| *x >= panel.y.low && *x <= panel.y.high;
        let at = source.axes[0].centers.iter().zip(loss).filter(|(x, _)| within(x));
        let shade = grey(&at.map(|(_, l)| *l).collect::<Vec<f64>>());
        panel.heat(&mut canvas, &[first, last], &source.axes[0].edges, loss, &shade);
        shade.bar(&mut canvas, Rect::new(1075.0, panel.rect.y, 22.0, panel.rect.h));
    }
    for (path, colour) in walkers.paths.iter().zip(Map::Plasma.lines(walkers.paths.len())) {
        let x: Vec<f64> = path.iter().map(|row| row[0]).collect();
        panel.curve(&mut canvas, &walkers.times, &x, stroke(walkers, colour));
    }
    panel.frame(&mut canvas, true, true);
    canvas
}

/// Thin, paler lines where there are many.
fn stroke(walkers: &Walkers, colour: Colour) -> Stroke {
    let many = walkers.paths.len() > 5;
    Stroke::solid(colour.with_opacity(if many { 0.7 } else { 0.9 }), if many { 1.0 } else { 1.6 })
}

fn in_the_plane(source: &Source, walkers: &Walkers) -> Canvas {
    let (x, y) = (&source.axes[0], &source.axes[1]);
    let mut canvas = Canvas::new(1200.0, 820.0, "Trajectories");
    let top = heading(&mut canvas, source, walkers) + 12.0;
    let panel = Panel {
        rect: Rect::new(95.0, top, 960.0, canvas.height - 66.0 - top),
        x: walkers.window(source, 0),
        y: walkers.window(source, 1),
    };
    if let Some(loss) = &source.loss {
        let shade = ground(source, loss, &panel);
        panel.smooth_heat(&mut canvas, &x.centers, &y.centers, loss, &shade);
        loss_lines(source, &panel, &mut canvas, 14, &Stroke::solid(WHITE.with_opacity(0.7), 0.8));
        shade.bar(&mut canvas, Rect::new(1075.0, panel.rect.y, 22.0, panel.rect.h));
    }
    let colours = Map::Plasma.lines(walkers.paths.len());
    for (path, colour) in walkers.paths.iter().zip(&colours) {
        let points: Vec<[f64; 2]> = path.iter().map(|row| [row[0], row[1]]).collect();
        panel.paths(&mut canvas, &[points], &stroke(walkers, *colour));
    }
    for (path, colour) in walkers.paths.iter().zip(&colours) {
        for (row, inner) in [(path.first(), WHITE), (path.last(), INK)] {
            if let Some(row) = row {
                let place = panel.at(row[0], row[1]);
                canvas.disc(place, 5.5, GREY, Some(panel.rect));
                canvas.disc(place, 4.5, *colour, Some(panel.rect));
                canvas.disc(place, 3.0, inner, Some(panel.rect));
            }
        }
    }
    panel.frame(&mut canvas, true, true);
    canvas
}
