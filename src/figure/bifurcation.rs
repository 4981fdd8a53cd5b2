//! Branches of critical points over the parameter: each variable and the loss, with folds.

use super::chart::axis::{Axis, Spread};
use super::chart::canvas::{Canvas, Rect, Stroke};
use super::chart::colour::{Colour, GREY, INK, WHITE};
use super::chart::panel::{Key, Panel, legend, range};
use super::source::Source;
use crate::record::Group;
use crate::record::read::{column, find, float, integers, text};

/// Minima, saddles and maxima.
const MINIMUM: Colour = Colour::hex(0x00_72_b2);
const SADDLE: Colour = Colour::hex(0xd5_5e_00);
const MAXIMUM: Colour = Colour::hex(0x77_77_77);
/// Height of a panel, with what stands between two.
const HEIGHT: f64 = 300.0;

/// Branches out of a record.
pub struct Branches {
    /// Name of the parameter.
    pub parameter: String,
    /// Its range.
    pub range: [f64; 2],
    /// Its value in the scenario.
    pub value: f64,
    branch: Vec<i64>,
    at: Vec<f64>,
    position: Vec<f64>,
    loss: Vec<f64>,
    index: Vec<i64>,
    fold_at: Vec<f64>,
    fold_branch: Vec<i64>,
    fold_after: Vec<i64>,
}

impl Branches {
    /// Of `/genesis`; None where the record has no branches.
    pub fn of(source: &Source) -> Option<Self> {
        let group = source.record.group("genesis")?;
        let below = |name: &str| group.groups.iter().find(|group| group.name == name);
        let (rows, folds) = (below("branches")?, below("folds")?);
        let about = folds.groups.iter().find(|group| group.name == "about")?;
        let numbers = |group: &Group, name: &str| integers(find(group, name)?);
        let parameter = text(group, "parameter")?.to_string();
        let all = Self {
            range: [float(group, "from")?, float(group, "to")?],
            value: float(group, "value")?,
            branch: numbers(rows, "branch")?,
            at: column(rows, "value")?,
            position: column(rows, "position")?,
            loss: column(rows, "loss")?,
            index: numbers(rows, "index")?,
            fold_at: column(folds, &parameter)?,
            fold_branch: numbers(about, "branch")?,
            fold_after: numbers(about, "after")?,
            parameter,
        };
        let n = all.at.len();
        let whole = [all.branch.len(), all.loss.len(), all.index.len()].iter().all(|len| *len == n);
        let folds = all.fold_branch.len() == all.fold_at.len() && all.fold_after.len() == all.fold_at.len();
        (n > 0 && whole && folds && all.position.len() == n * source.dimension()).then_some(all)
    }

    /// Runs of points of one branch and one kind: their first and last. A run begins with the last point of the one before.
    fn runs(&self) -> Vec<(usize, usize)> {
        let mut runs = Vec::new();
        let mut first = 0;
        for k in 1..=self.at.len() {
            let goes_on = k < self.at.len() && self.branch[k] == self.branch[first];
            if goes_on && self.index[k] == self.index[k - 1] {
                continue;
            }
            runs.push((first, k - 1));
            first = if goes_on { k - 1 } else { k };
            if goes_on && self.index[k - 1] != self.index[k] {
                runs.push((k - 1, k));
                first = k;
            }
        }
        runs
    }

    /// Number of the point before a fold.
    fn before(&self, fold: usize) -> Option<usize> {
        let begin = self.branch.iter().position(|branch| *branch == self.fold_branch[fold])?;
        let at = begin + usize::try_from(self.fold_after[fold]).ok()?;
        (at + 1 < self.at.len()).then_some(at)
    }
}

/// The figure; None where the record has no branches.
pub fn draw(source: &Source) -> Option<Canvas> {
    let branches = Branches::of(source)?;
    let (d, n) = (source.dimension(), branches.at.len());
    let mut canvas = Canvas::new(1200.0, 130.0 + HEIGHT * (d + 1) as f64, "Bifurcations");
    let top = source.title(&mut canvas, &format!("critical points over {}", branches.parameter));
    let mut keys = vec![(Key::Line(Stroke::solid(MINIMUM, 3.0)), "minimum".to_string())];
    if d > 1 {
        keys.push((Key::Line(Stroke::dashed(SADDLE, 2.2)), "saddle".into()));
    }
    keys.push((Key::Line(Stroke::dashed(MAXIMUM, 2.2)), "maximum".into()));
    keys.push((Key::Disc(INK), "fold or crossing".into()));
    let top = top + legend(&mut canvas, &keys, 105.0, 1165.0, top) + 14.0;
    let each = (canvas.height - top - 50.0) / (d + 1) as f64;
    for panel in 0..=d {
        let (values, label): (Vec<f64>, &str) = match panel {
            p if p < d => ((0..n).map(|k| branches.position[k * d + p]).collect(), &source.axes[p].label),
            _ => (branches.loss.clone(), "loss L"),
        };
        let rect = Rect::new(105.0, top + each * panel as f64, 1060.0, each - 22.0);
        one(&mut canvas, &branches, &values, (label, rect), [d, panel]);
    }
    Some(canvas)
}

fn one(canvas: &mut Canvas, branches: &Branches, values: &[f64], (label, rect): (&str, Rect), [d, number]: [usize; 2]) {
    let (low, high) = range(values.iter().copied());
    let room = 0.05 * (high - low).max(1e-9 * low.abs()).max(f64::MIN_POSITIVE);
    let [from, to] = branches.range;
    let panel = Panel {
        rect,
        x: Axis::new(from.min(to), from.max(to), Spread::Linear, &branches.parameter),
        y: Axis::new(low - room, high + room, Spread::Linear, label),
    };
    panel.grid(canvas);
    let here = vec![vec![[branches.value, panel.y.low], [branches.value, panel.y.high]]];
    panel.paths(canvas, &here, &Stroke::dashed(GREY, 1.0));
    for (first, last) in branches.runs() {
        let points: Vec<[f64; 2]> = (first..=last).map(|k| [branches.at[k], values[k]]).collect();
        // a branch that goes round a periodic axis begins anew at its other end
        let near = |a: &[f64; 2], b: &[f64; 2]| (a[1] - b[1]).abs() < 0.5 * (high - low) || points.len() == 2;
        let stroke = match branches.index[first] {
            0 => Stroke::solid(MINIMUM, 3.0),
            index if index == d as i64 => Stroke::dashed(MAXIMUM, 2.2),
            _ => Stroke::dashed(SADDLE, 2.2),
        };
        let pieces: Vec<Vec<[f64; 2]>> = points.chunk_by(near).map(<[_]>::to_vec).collect();
        panel.paths(canvas, &pieces, &stroke);
    }
    for fold in 0..branches.fold_at.len() {
        let Some(before) = branches.before(fold) else { continue };
        let at = panel.at(branches.fold_at[fold], 0.5 * (values[before] + values[before + 1]));
        canvas.disc(at, 6.5, WHITE, Some(rect));
        canvas.disc(at, 5.0, INK, Some(rect));
    }
    panel.frame(canvas, number == d, true);
}
