//! Samples left out one by one: how far each would move a minimum, to first order, and those without which it is not there.

use super::chart::axis::{Axis, Spread, number};
use super::chart::canvas::{Anchor, Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, INK};
use super::chart::panel::{HEADING, Key, LABEL, Panel, legend, range};
use super::source::Source;
use crate::record::Group;
use crate::record::read::{column, find, integers};

/// Samples without which the minimum stays, and is not there; those that were not followed are grey.
const STAYS: Colour = Colour::hex(0x00_72_b2);
const GONE: Colour = Colour::hex(0xd5_5e_00);
/// Most minima that are shown.
const MOST: usize = 4;
/// Height of a panel with its heading.
const HEIGHT: f64 = 330.0;

/// The figure; None where no samples were left out.
pub fn draw(source: &Source) -> Option<Canvas> {
    let group = source.record.group("genesis/leave_one_out")?;
    let minima: Vec<&Group> =
        group.groups.iter().filter(|group| group.name.parse::<usize>().is_ok()).take(MOST).collect();
    if minima.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new(1200.0, 110.0 + HEIGHT * minima.len() as f64, "Leave-one-out");
    let top = source.title(&mut canvas, "minima without one sample");
    let keys = [
        (Key::Patch(STAYS), "the minimum stays".to_string()),
        (Key::Patch(GONE), "it is not there without the sample".to_string()),
        (Key::Patch(GREY), "not followed".to_string()),
    ];
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top) + 6.0;
    let each = (canvas.height - top - 20.0) / minima.len() as f64;
    for (k, minimum) in minima.into_iter().enumerate() {
        let rect = Rect::new(105.0, top + each * k as f64 + HEADING, 1060.0, each - HEADING - 62.0);
        one(source, &mut canvas, minimum, rect)?;
    }
    Some(canvas)
}

fn one(source: &Source, canvas: &mut Canvas, minimum: &Group, rect: Rect) -> Option<()> {
    let d = source.dimension();
    let (sample, survives) = (integers(find(minimum, "sample")?)?, integers(find(minimum, "survives")?)?);
    let (derivative, weight) = (column(minimum, "derivative")?, column(minimum, "weight_at_fold")?);
    let position = column(minimum, "position")?;
    let m = sample.len();
    if m == 0 || derivative.len() != m * d || survives.len() != m || weight.len() != m || position.len() != d {
        return None;
    }
    let long: Vec<f64> = derivative.chunks_exact(d).map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
    let (_, high) = range(long.iter().copied());
    let label = if d == 1 { format!("|d{}/dc|", source.axes[0].label) } else { "|dθ/dc|".to_string() };
    let panel = Panel {
        rect,
        x: Axis::new(-0.6, m as f64 - 0.4, Spread::Whole, "sample"),
        y: Axis::new(0.0, 1.2 * high.max(f64::MIN_POSITIVE), Spread::Sqrt, &format!("{label} (√ scale)")),
    };
    panel.grid(canvas);
    for k in 0..m {
        let colour = match survives[k] {
            1 => STAYS,
            0 => GONE,
            _ => GREY,
        };
        let x = sample[k] as f64;
        let (from, to) = (panel.at(x - 0.38, 0.0), panel.at(x + 0.38, long[k]));
        let bar = Rect::new(from[0], to[1], to[0] - from[0], from[1] - to[1]);
        canvas.fill(bar.corners(), colour, Some(rect));
        canvas.outline(bar.corners(), Stroke::solid(colour, 1.0), Some(rect));
        if weight[k].is_finite() {
            let at = [0.5 * (from[0] + to[0]), to[1] - 7.0];
            canvas.text(at, &format!("needs {}", number(weight[k])), LABEL, INK, Anchor::Middle);
        }
    }
    panel.frame(canvas, true, true);
    let place: Vec<String> =
        source.axes.iter().zip(&position).map(|(axis, x)| format!("{} = {}", axis.label, number(*x))).collect();
    panel.heading(canvas, &format!("minimum {}", place.join(", ")));
    Some(())
}
