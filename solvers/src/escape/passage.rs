//! First-passage problems: how long does it take from a point to a set? Shared by the engines that answer.

use crate::Error;
use crate::formula::{Expression, Program};
use crate::problem::grid::{Axis, Grid};

/// A first-passage problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// Name of its group in the record.
    pub name: String,
    /// Starting point (d), on the grid and outside the target.
    pub from: Vec<f64>,
    /// The set to be reached.
    pub target: Target,
    /// A set apart from the target: asked for is also the probability to reach the target before it.
    pub avoid: Option<Target>,
    /// Walkers of an ensemble that answers it.
    pub walkers: usize,
    /// Time up to which those walkers are followed.
    pub horizon: f64,
}

impl Passage {
    /// Checks the target on a grid. Errors: as for [`Target::check`].
    pub fn check_target(&self, grid: &Grid) -> Result<(), Error> {
        let help = "start outside the target: from there the passage takes no time";
        self.target.check(grid, &self.from, "target", help)
    }

    /// Checks the avoided set, where there is one.
    ///
    /// Errors: as for [`Target::check`]; a cell in it and in the target; no cell in neither.
    pub fn check_avoid(&self, grid: &Grid) -> Result<(), Error> {
        let Some(avoid) = &self.avoid else { return Ok(()) };
        avoid.check(grid, &self.from, "avoided set", "start outside the avoided set, on the way to the target")?;
        let (target, avoided) = (self.target.cells(grid), avoid.cells(grid));
        if let Some(cell) = (0..grid.len()).find(|&cell| target[cell] && avoided[cell]) {
            let at = centre(grid, cell);
            let what = format!(
                "the avoided set \"{}\" and the target \"{}\" overlap: both hold at {at:?}",
                avoid.text(),
                self.target.text()
            );
            return Err(Error::invalid(what, "write conditions that exclude each other: \"x < -1\" and \"x > 1\""));
        }
        if (0..grid.len()).all(|cell| target[cell] || avoided[cell]) {
            let what = format!("the avoided set \"{}\" and the target cover every cell of the grid", avoid.text());
            return Err(Error::invalid(what, "leave some cells between them, or use more cells"));
        }
        Ok(())
    }
}

/// The centre of a cell without the rounding of its last digits, for messages.
fn centre(grid: &Grid, cell: usize) -> Vec<f64> {
    grid.center(cell)[..grid.dimension()].iter().map(|x| format!("{x:.6e}").parse().unwrap_or(*x)).collect()
}

/// The set of points where a condition of the variables holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    text: String,
    dimension: usize,
    condition: Program,
    boundary: Option<Boundary>,
}

/// The surface of a target as the zero of a function.
#[derive(Debug, Clone, PartialEq)]
struct Boundary {
    /// g, then ∂g/∂θ_k: g > 0 inside the target, g < 0 outside.
    program: Program,
    /// ∇g, where it is the same everywhere: the target is a half-space.
    normal: Option<Vec<f64>>,
}

impl Target {
    /// The set in d dimensions where `condition`, written as `text`, is not 0.
    pub fn new(text: impl Into<String>, condition: &Expression, d: usize) -> Self {
        let boundary = condition.boundary_function().map(|g| {
            let gradient: Vec<Expression> = (0..d).map(|k| g.derivative(k)).collect();
            let normal = gradient.iter().map(Expression::as_constant).collect();
            let formulas: Vec<Expression> = std::iter::once(g).chain(gradient).collect();
            Boundary { program: Program::compile(&formulas), normal }
        });
        let condition = Program::compile(std::slice::from_ref(condition));
        Self { text: text.into(), dimension: d, condition, boundary }
    }

    /// The condition as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// Values of the condition at n points (coordinate-major, d×n): 0 outside the target, 1 inside.
    pub fn values(&self, points: &[f64]) -> Vec<f64> {
        let mut values = vec![0.0; points.len() / self.dimension];
        self.condition.evaluate(points, &mut values);
        values
    }
    /// Whether each of n points (coordinate-major, d×n) is in the target.
    pub fn contains(&self, points: &[f64]) -> Vec<bool> {
        self.values(points).iter().map(|v| *v != 0.0).collect()
    }
    /// Whether the centre of each cell is in the target.
    pub fn cells(&self, grid: &Grid) -> Vec<bool> {
        self.contains(&grid.centers())
    }
    /// Whether the surface of the target is known as the zero of a smooth function.
    pub fn has_boundary(&self) -> bool {
        self.boundary.is_some()
    }
    /// The normal ∇g, pointing into the target, where the target is the half-space g(θ) > 0.
    pub fn normal(&self) -> Option<&[f64]> {
        self.boundary.as_ref()?.normal.as_deref()
    }
    /// The function g of the boundary (g > 0 inside, g < 0 outside) at n points, and its gradient: `values` is (1 + d)×n.
    /// False, and nothing written, where there is no such function.
    pub fn boundary(&self, points: &[f64], values: &mut [f64]) -> bool {
        let Some(boundary) = &self.boundary else { return false };
        boundary.program.evaluate(points, values);
        true
    }

    /// On a line: where the set begins below and above `from`, up to the ends of an axis, looked for between its cell centres.
    pub fn edges_around(&self, axis: &Axis, from: f64) -> [Option<f64>; 2] {
        let mut points = axis.edges().to_vec();
        points.extend(axis.centers());
        points.sort_by(f64::total_cmp);
        let inside = |x: f64| self.contains(&[x])[0];
        let edge = |mut outside: f64, mut within: f64| {
            for _ in 0..60 {
                let middle = 0.5 * (outside + within);
                if inside(middle) { within = middle } else { outside = middle }
            }
            within
        };
        let search = |way: &mut dyn Iterator<Item = f64>| {
            let mut before = from;
            for x in way {
                if inside(x) {
                    return Some(edge(before, x));
                }
                before = x;
            }
            None
        };
        let below = search(&mut points.iter().rev().copied().filter(|x| *x < from));
        [below, search(&mut points.iter().copied().filter(|x| *x > from))]
    }

    /// Checks the set on a grid for walkers that start at `from`; `role` names it in messages, `outside` is the advice for a start
    /// inside.
    ///
    /// Errors: values that are neither 0 nor 1 (or not finite), no cell whose centre is inside, no cell outside, the start
    /// inside.
    pub fn check(&self, grid: &Grid, from: &[f64], role: &str, outside: &str) -> Result<(), Error> {
        let (text, values) = (&self.text, self.values(&grid.centers()));
        if let Some(cell) = values.iter().position(|v| *v != 0.0 && *v != 1.0) {
            let at = centre(grid, cell);
            let what = format!("the {role} \"{text}\" is not a condition: its value is {} at {at:?}", values[cell]);
            return Err(Error::invalid(
                what,
                "write comparisons, joined by * (both) or max (either): \"(x > 1)*(y < 0)\"",
            ));
        }
        if values.iter().all(|v| *v == 0.0) {
            let what = format!("the {role} \"{text}\" covers no cell of the grid");
            return Err(Error::invalid(what, format!("move the {role} into the grid, or use more cells")));
        }
        if self.contains(from)[0] {
            let what = format!("the {role} \"{text}\" holds at the start {from:?}");
            return Err(Error::invalid(what, outside));
        }
        if values.iter().all(|v| *v == 1.0) {
            let what = format!("the {role} \"{text}\" covers every cell of the grid");
            return Err(Error::invalid(what, format!("leave some cells outside the {role}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::formula::{Symbols, parse};
    use crate::problem::grid::Boundary::Reflecting;

    fn target(text: &str) -> Target {
        Target::new(text, &parse(text, &Symbols::new(&["x", "y"])).unwrap(), 2)
    }

    fn passage(text: &str, avoid: Option<&str>, x: f64) -> Passage {
        let (from, avoid) = (vec![x, 0.0], avoid.map(target));
        Passage { name: "out".into(), from, target: target(text), avoid, walkers: 1, horizon: 1.0 }
    }

    #[test]
    fn half_spaces_are_known() {
        assert_eq!(target("x > 1").normal(), Some(&[1.0, 0.0][..]));
        assert_eq!(target("2*x + 1 <= 3*y").normal(), Some(&[-2.0, 3.0][..]));
        let curved = target("x^2 + y^2 < 1");
        assert!(curved.normal().is_none() && curved.has_boundary());
        let mut values = [0.0; 6];
        assert!(curved.boundary(&[0.0, 2.0, 0.5, 0.0], &mut values));
        assert_eq!(values, [0.75, -3.0, 0.0, -4.0, -1.0, 0.0]);
        assert!(!target("(x > 1) == (y > 1)").has_boundary());
    }

    #[test]
    fn cells_are_told_by_their_centres_and_bad_targets_are_named() {
        let axis = |name| Axis::uniform(name, -1.0, 1.0, 4, [Reflecting; 2]).unwrap();
        let grid = Grid::new(vec![axis("x"), axis("y")]).unwrap();
        let inside = target("(x > 0)*(y < -0.5)").cells(&grid);
        assert_eq!((0..16).filter(|&c| inside[c]).collect::<Vec<_>>(), [8, 12]);
        let check = |text: &str, x: f64| passage(text, None, x).check_target(&grid);
        let error = |text: &str| check(text, -0.5).unwrap_err().to_string();
        assert!(check("x > 0", -0.5).is_ok());
        assert!(error("x > 3").contains("no cell"));
        assert!(error("x < 0").contains("holds at the start"));
        assert!(error("x < 0.5").contains("holds at the start"));
        assert!(error("x - 0.25").contains("not a condition"));
        assert!(error("(x > 0)/(y > 0)").contains("not a condition"));
        assert!(check("x > -0.9", -0.95).unwrap_err().to_string().contains("every cell"));
    }

    #[test]
    fn edges_of_a_target_on_a_line() {
        let axis = Axis::uniform("x", -2.0, 2.0, 40, [Reflecting; 2]).unwrap();
        let edges =
            |text: &str| Target::new(text, &parse(text, &Symbols::new(&["x"])).unwrap(), 1).edges_around(&axis, 0.0);
        let near = |found: Option<f64>, x: f64| (found.unwrap() - x).abs() < 1e-12;
        assert!(edges("x > 0.9")[0].is_none() && near(edges("x > 0.9")[1], 0.9));
        let two = edges("abs(x) > 1.2345");
        assert!(near(two[0], -1.2345) && near(two[1], 1.2345));
    }

    #[test]
    fn avoided_sets_are_sets_of_their_own() {
        let axis = |name| Axis::uniform(name, -1.0, 1.0, 4, [Reflecting; 2]).unwrap();
        let grid = Grid::new(vec![axis("x"), axis("y")]).unwrap();
        let check = |avoid: &str| passage("x > 0.5", Some(avoid), 0.1).check_avoid(&grid);
        let error = |avoid: &str| check(avoid).unwrap_err().to_string();
        assert!(check("x < -0.5").is_ok() && passage("x > 0.5", None, 0.1).check_avoid(&grid).is_ok());
        assert!(error("y > 0.5").contains("\"y > 0.5\" and the target \"x > 0.5\" overlap: both hold at [0.75, 0.75]"));
        assert!(error("x < 0.2").contains("the avoided set \"x < 0.2\" holds at the start [0.1, 0.0]"));
        assert!(error("x < -2").contains("the avoided set \"x < -2\" covers no cell"));
        assert!(error("x + 0.5").contains("the avoided set \"x + 0.5\" is not a condition: its value is -0.25"));
        let all = passage("x > 0.5", Some("x < 0.3"), 0.4).check_avoid(&grid).unwrap_err().to_string();
        assert!(all.contains("cover every cell"), "{all}");
    }
}
