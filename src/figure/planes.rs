//! A problem in three variables, seen as three problems in two: each pair of axes, with what lies along the third one.

use super::chart::axis::number;
use super::chart::canvas::Canvas;
use super::plane::Plane;
use super::source::{Engine, Source};

/// Two axes out of three.
const PAIRS: [[usize; 2]; 3] = [[0, 1], [0, 2], [1, 2]];

impl Source<'_> {
    /// A field of the grid as the figures need it: in the plane, where they show one. None where it has another number of cells.
    pub fn field(&self, values: Vec<f64>) -> Option<Vec<f64>> {
        self.seen(values, Plane::slice)
    }

    /// A density of the grid as the figures need it: its marginal, where they show a plane.
    pub fn marginal(&self, values: Vec<f64>) -> Option<Vec<f64>> {
        self.seen(values, Plane::marginal)
    }

    fn seen(&self, values: Vec<f64>, look: fn(&Plane, &[f64]) -> Vec<f64>) -> Option<Vec<f64>> {
        match &self.plane {
            None => Some(values).filter(|values| values.len() == self.volumes.len()),
            Some(plane) => (values.len() == plane.cells.iter().product::<usize>()).then(|| look(plane, &values)),
        }
    }

    /// The variables along the axes, out of all of the problem.
    pub fn components(&self) -> Vec<usize> {
        self.plane.as_ref().map_or_else(|| (0..self.axes.len()).collect(), |plane| plane.pair.to_vec())
    }

    /// Number of cells of the whole grid.
    pub fn cells(&self) -> usize {
        self.plane.as_ref().map_or(self.volumes.len(), |plane| plane.cells.iter().product::<usize>())
    }

    /// Number of variables of the problem.
    pub fn dimension(&self) -> usize {
        self.plane.as_ref().map_or(self.axes.len(), |_| 3)
    }

    /// The whole as a picture of each plane through a point, one below the other; None but in three dimensions.
    pub fn by_planes(&self, point: Option<&[f64]>, draw: impl Fn(&Source) -> Option<Canvas>) -> Option<Canvas> {
        if self.axes.len() != 3 {
            return None;
        }
        let last = || self.reference().and_then(|engine| engine.mean.last()).filter(|mean| mean.len() == 3);
        let middle: Vec<f64> = self.axes.iter().map(|axis| axis.centers[axis.centers.len() / 2]).collect();
        let point = point.or(last().map(Vec::as_slice)).unwrap_or(&middle);
        let canvases: Vec<Canvas> = PAIRS.iter().filter_map(|&pair| draw(&self.plane_through(pair, point))).collect();
        (!canvases.is_empty()).then(|| Canvas::below_each_other(canvases))
    }

    fn plane_through(&self, pair: [usize; 2], point: &[f64]) -> Self {
        let third = 3 - pair[0] - pair[1];
        let along = &self.axes[third];
        let cells = [0, 1, 2].map(|axis| self.axes[axis].centers.len());
        let through = along.edges.partition_point(|edge| *edge <= point[third]).clamp(1, cells[third]) - 1;
        let widths = |axis: usize| self.axes[axis].edges.windows(2).map(|w| w[1] - w[0]).collect::<Vec<f64>>();
        let plane = Plane { pair, cells, through, widths: widths(third) };
        let engine = |engine: &Engine| Engine {
            density: engine.density.iter().map(|density| plane.marginal(density)).collect(),
            mean: engine.mean.iter().filter(|m| m.len() == 3).map(|m| pair.map(|k| m[k]).to_vec()).collect(),
            label: engine.label.clone(),
            times: engine.times.clone(),
            outside: engine.outside.clone(),
            ..*engine
        };
        let entry = |row: usize, column: usize| self.diffusion.get(3 * pair[row] + pair[column]);
        let diffusion = [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().filter_map(|(row, column)| entry(row, column));
        let volumes = widths(pair[0]).iter().flat_map(|a| widths(pair[1]).into_iter().map(move |b| a * b)).collect();
        let name = |axis: usize| &self.axes[axis].label;
        let place = number(along.centers[through]);
        Self {
            record: self.record,
            name: format!("{}: {} and {}, at {} = {place}", self.name, name(pair[0]), name(pair[1]), name(third)),
            axes: pair.map(|axis| self.axes[axis].clone()).to_vec(),
            volumes,
            engines: self.engines.iter().map(engine).collect(),
            loss: self.loss.as_ref().map(|loss| plane.slice(loss)),
            stationary: self.stationary.as_ref().map(|density| plane.marginal(density)),
            diffusion: diffusion.map(|field| plane.slice(field)).collect(),
            look: self.look.clone(),
            plane: Some(plane),
        }
    }
}
