//! Axes, walls and the rectangular grid of cells that all engines share.

use std::ops::Range;

use ndarray::{ArrayD, ArrayViewD};

use super::scale::Scale;
use crate::error::{Error, Setting};

/// What happens at one end of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// No probability crosses; walkers are reflected.
    Reflecting,
    /// The two ends of the axis are one point (both ends must say so).
    Periodic,
    /// Probability that reaches the wall is lost to the grid and counted.
    Absorbing,
}

/// One axis: its variable, the cell edges in increasing order, and its two walls.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    variable: String,
    edges: Vec<f64>,
    boundary: [Boundary; 2],
    uniform: bool,
    scale: Scale,
    /// Centres of the cells, where they are not the middles.
    middles: Vec<f64>,
}

impl Axis {
    /// `cells` equal cells on [from, to]. Errors: bounds not finite or not increasing, no cells, one-sided periodicity.
    pub fn uniform(
        variable: impl Into<String>,
        from: f64,
        to: f64,
        cells: usize,
        boundary: [Boundary; 2],
    ) -> Result<Self, Error> {
        if !(from.is_finite() && to.is_finite() && from < to && (to - from).is_finite()) {
            return Err(Error::invalid(
                format!("an axis cannot run from {from} to {to}"),
                "write finite bounds with from < to",
            ));
        }
        if cells == 0 {
            return Err(Error::invalid("an axis with 0 cells holds nothing", "write at least 2 cells"));
        }
        let mut edges: Vec<f64> = (0..=cells).map(|i| from + (to - from) * (i as f64 / cells as f64)).collect();
        edges[cells] = to; // not one rounding beside it
        let mut axis = Self::graded(variable, edges, boundary)?;
        axis.uniform = true;
        Ok(axis)
    }

    /// `cells` cells on [from, to] that are narrowest at `center` and, beyond `width` from there, grow in proportion to the
    /// distance: edges center + width·sinh(s) at equal steps of s, a smooth map, so that second order stays second order.
    /// Errors: as for [`Axis::uniform`], a width that is not positive, a center off the axis.
    pub fn sinh(
        variable: impl Into<String>,
        [from, to]: [f64; 2],
        cells: usize,
        [center, width]: [f64; 2],
        boundary: [Boundary; 2],
    ) -> Result<Self, Error> {
        if !(width > 0.0 && width.is_finite() && center >= from && center <= to) {
            return Err(Error::invalid(
                format!("cells on [{from}, {to}] cannot be graded around {center} with the width {width}"),
                "write a center on the axis and a width > 0, the distance up to which the cells stay narrow",
            ));
        }
        let place = |x: f64| ((x - center) / width).asinh();
        let (first, last) = (place(from), place(to));
        let at = |i: usize| center + width * (first + (last - first) * (i as f64 / cells as f64)).sinh();
        let mut edges: Vec<f64> = (0..=cells).map(at).collect();
        if let [lower, .., upper] = edges.as_mut_slice() {
            (*lower, *upper) = (from, to);
        }
        Self::graded(variable, edges, boundary)
    }

    /// `cells` cells on [from, to] that are equal in the coordinate of a scale. Errors: as for [`Axis::uniform`], a periodic axis, cells
    /// that the coordinate does not tell apart.
    pub fn scaled(
        variable: impl Into<String>,
        [from, to]: [f64; 2],
        cells: usize,
        scale: Scale,
        boundary: [Boundary; 2],
    ) -> Result<Self, Error> {
        if scale.is_linear() {
            return Self::uniform(variable, from, to, cells, boundary);
        }
        if boundary.contains(&Boundary::Periodic) {
            return Err(Error::invalid(
                "a periodic axis has no other scale: the cells at its two ends would not match",
                "write scale = \"linear\", or walls",
            )
            .set_by(&[Setting::Boundary]));
        }
        let [first, last] = [from, to].map(|x| scale.coordinate(x));
        let at = |i: usize| scale.place(first + (last - first) * (i as f64 / cells as f64))[0];
        let mut edges: Vec<f64> = (0..=cells).map(at).collect();
        if let [lower, .., upper] = edges.as_mut_slice() {
            (*lower, *upper) = (from, to);
        }
        let mut axis = Self::graded(variable, edges, boundary)?;
        let middle = |i: usize| scale.place(first + (last - first) * ((i as f64 + 0.5) / cells as f64))[0];
        axis.middles = (0..cells).map(middle).collect();
        axis.scale = scale;
        Ok(axis)
    }

    /// Cells between the given increasing `edges` (a graded axis). Errors as for [`Axis::uniform`].
    pub fn graded(variable: impl Into<String>, edges: Vec<f64>, boundary: [Boundary; 2]) -> Result<Self, Error> {
        if edges.len() < 2 || edges.iter().any(|e| !e.is_finite()) || edges.windows(2).any(|w| w[0] >= w[1]) {
            return Err(Error::invalid(
                "cell edges must be finite and strictly increasing",
                "give at least two edges in increasing order, and no more cells than the bounds can resolve",
            ));
        }
        if (boundary[0] == Boundary::Periodic) != (boundary[1] == Boundary::Periodic) {
            return Err(Error::invalid(
                "only one end of the axis is periodic",
                "make both ends periodic, or give each a wall",
            )
            .set_by(&[Setting::Boundary]));
        }
        Ok(Self {
            variable: variable.into(),
            edges,
            boundary,
            uniform: false,
            scale: Scale::Linear,
            middles: Vec::new(),
        })
    }

    /// Name of the variable on this axis.
    pub fn variable(&self) -> &str {
        &self.variable
    }
    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.edges.len() - 1
    }
    /// Cell edges, cells + 1 of them.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }
    /// Lower end of the axis.
    pub fn lower(&self) -> f64 {
        self.edges[0]
    }
    /// Upper end of the axis.
    pub fn upper(&self) -> f64 {
        self.edges[self.edges.len() - 1]
    }
    /// Length of the axis.
    pub fn length(&self) -> f64 {
        self.upper() - self.lower()
    }
    /// The two walls, lower end first.
    pub fn boundary(&self) -> [Boundary; 2] {
        self.boundary
    }
    /// Whether a wall absorbs.
    pub fn absorbs(&self) -> bool {
        self.boundary.contains(&Boundary::Absorbing)
    }
    /// Whether the two ends are one point.
    pub fn is_periodic(&self) -> bool {
        self.boundary[0] == Boundary::Periodic
    }
    /// Whether all cells have the same width.
    pub fn is_uniform(&self) -> bool {
        self.uniform
    }
    /// The coordinate in which the cells are equal; linear for graded cells that have none.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }
    /// Whether all cells are equal in the coordinate of the axis.
    pub fn is_regular(&self) -> bool {
        self.uniform || !self.scale.is_linear()
    }
    /// The equal cells of the axis in its coordinate.
    fn in_coordinates(&self) -> Self {
        if self.scale.is_linear() {
            return self.clone();
        }
        let [first, last] = [self.lower(), self.upper()].map(|x| self.scale.coordinate(x));
        let cells = self.cells();
        let edges = (0..=cells).map(|i| first + (last - first) * (i as f64 / cells as f64)).collect();
        Self {
            variable: self.variable.clone(),
            edges,
            boundary: self.boundary,
            uniform: true,
            scale: Scale::Linear,
            middles: Vec::new(),
        }
    }
    /// Length in θ of a step of one cell in the coordinate, at the centre of cell i.
    pub fn step_at(&self, i: usize) -> f64 {
        if self.scale.is_linear() {
            return self.width(i);
        }
        let [first, last] = [self.lower(), self.upper()].map(|x| self.scale.coordinate(x));
        let u = first + (last - first) * ((i as f64 + 0.5) / self.cells() as f64);
        self.scale.place(u)[1] * (last - first) / self.cells() as f64
    }
    /// Mean cell width; the spacing of a uniform axis.
    pub fn spacing(&self) -> f64 {
        self.length() / self.cells() as f64
    }
    /// Centre of cell i, the middle in the coordinate of the axis.
    pub fn center(&self, i: usize) -> f64 {
        self.middles.get(i).copied().unwrap_or_else(|| 0.5 * (self.edges[i] + self.edges[i + 1]))
    }
    /// Width of cell i.
    pub fn width(&self, i: usize) -> f64 {
        if self.uniform { self.spacing() } else { self.edges[i + 1] - self.edges[i] }
    }
    /// Width of the narrowest cell.
    pub fn narrowest(&self) -> f64 {
        (0..self.cells()).map(|i| self.width(i)).fold(f64::INFINITY, f64::min)
    }
    /// All cell centres.
    pub fn centers(&self) -> Vec<f64> {
        (0..self.cells()).map(|i| self.center(i)).collect()
    }
    /// Cell that holds `x` (half-open, the last one closed), or None off the axis. Periodic axes wrap first.
    pub fn locate(&self, x: f64) -> Option<usize> {
        let x = if self.is_periodic() { self.wrap(x) } else { x };
        if !(x >= self.lower() && x <= self.upper()) {
            return None;
        }
        let last = self.cells() - 1;
        let guess = ((x - self.lower()) / self.spacing()) as usize;
        if self.uniform {
            return Some(guess.min(last));
        }
        Some(self.edges.partition_point(|&e| e <= x).saturating_sub(1).min(last))
    }
    /// `x` moved into the period [lower, upper).
    pub fn wrap(&self, x: f64) -> f64 {
        let y = self.lower() + (x - self.lower()).rem_euclid(self.length());
        if y >= self.upper() { self.lower() } else { y }
    }
}

/// A grid of 1 to 3 axes; cells are numbered in row-major order, the last axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    axes: Vec<Axis>,
    shape: Vec<usize>,
    len: usize,
}

impl Grid {
    /// The product of 1 to 3 axes. Errors: another number of axes, or more cells than a u32 can number.
    pub fn new(axes: Vec<Axis>) -> Result<Self, Error> {
        if axes.is_empty() || axes.len() > 3 {
            return Err(Error::invalid(
                format!("a grid needs 1 to 3 axes, not {}", axes.len()),
                "give one axis for each variable, at most three",
            ));
        }
        let shape: Vec<usize> = axes.iter().map(Axis::cells).collect();
        let cells: u128 = shape.iter().map(|&n| n as u128).product();
        if cells >= u128::from(u32::MAX) {
            return Err(Error::invalid(
                format!("a grid of {cells} cells is larger than this program can number"),
                "use fewer cells per axis",
            ));
        }
        let len = cells as usize;
        Ok(Self { axes, shape, len })
    }

    /// The axes in the order of the variables.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }
    /// Number of dimensions d.
    pub fn dimension(&self) -> usize {
        self.axes.len()
    }
    /// Cells per axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// Number of cells.
    #[allow(clippy::len_without_is_empty)] // a grid is never empty
    pub fn len(&self) -> usize {
        self.len
    }
    /// Index along each axis of a cell; entries beyond the dimension are 0.
    pub fn multi_index(&self, cell: usize) -> [usize; 3] {
        let mut index = [0; 3];
        let mut rest = cell;
        for k in (0..self.dimension()).rev() {
            index[k] = rest % self.shape[k];
            rest /= self.shape[k];
        }
        index
    }
    /// Number of the cell with the given index along each axis.
    pub fn cell(&self, index: &[usize]) -> usize {
        self.shape.iter().zip(index).fold(0, |cell, (&n, &i)| cell * n + i)
    }
    /// Centre of a cell; entries beyond the dimension are 0.
    pub fn center(&self, cell: usize) -> [f64; 3] {
        let index = self.multi_index(cell);
        let mut center = [0.0; 3];
        for (k, axis) in self.axes.iter().enumerate() {
            center[k] = axis.center(index[k]);
        }
        center
    }
    /// Volume of a cell.
    pub fn volume(&self, cell: usize) -> f64 {
        let index = self.multi_index(cell);
        self.axes.iter().enumerate().map(|(k, axis)| axis.width(index[k])).product()
    }
    /// Volumes of all cells.
    pub fn volumes(&self) -> Vec<f64> {
        (0..self.len).map(|cell| self.volume(cell)).collect()
    }
    /// Volume of the whole box.
    pub fn total_volume(&self) -> f64 {
        self.axes.iter().map(Axis::length).product()
    }
    /// All cell centres, coordinate-major: θ_k of cell i at `[k·len + i]`.
    pub fn centers(&self) -> Vec<f64> {
        self.centers_of(0..self.len)
    }
    /// Centres of the cells `cells` (n of them), coordinate-major: θ_k of the i-th at `[k·n + i]`.
    pub fn centers_of(&self, cells: Range<usize>) -> Vec<f64> {
        let n = cells.len();
        let mut points = vec![0.0; self.dimension() * n];
        for (i, cell) in cells.enumerate() {
            let center = self.center(cell);
            for k in 0..self.dimension() {
                points[k * n + i] = center[k];
            }
        }
        points
    }
    /// Values of the cells as an array over the axes, of shape `[n₁, …]`; c components of every cell, one after the other, as `[c, n₁, …]`.
    ///
    /// Errors: a number of values that is no multiple of the number of cells.
    pub fn view<'a>(&self, values: &'a [f64]) -> Result<ArrayViewD<'a, f64>, Error> {
        let shape = self.array_shape(values.len())?;
        ArrayViewD::from_shape(shape, values).map_err(|_| self.no_field(values.len()))
    }
    /// The same of values that are given away. Errors: as for [`Grid::view`].
    pub fn array(&self, values: Vec<f64>) -> Result<ArrayD<f64>, Error> {
        let (shape, count) = (self.array_shape(values.len())?, values.len());
        ArrayD::from_shape_vec(shape, values).map_err(|_| self.no_field(count))
    }
    fn array_shape(&self, values: usize) -> Result<Vec<usize>, Error> {
        if values == 0 || !values.is_multiple_of(self.len) {
            return Err(self.no_field(values));
        }
        let components = Some(values / self.len).filter(|&c| c > 1);
        Ok(components.into_iter().chain(self.shape.iter().copied()).collect())
    }
    fn no_field(&self, values: usize) -> Error {
        let what = format!("{values} values are no field on {} cells", self.len);
        Error::invalid(what, "give one value for each cell, or the same number of components for each")
    }
    /// Cell that holds the point, or None off the grid.
    pub fn locate(&self, point: &[f64]) -> Option<usize> {
        let mut cell = 0;
        for (axis, &x) in self.axes.iter().zip(point) {
            cell = cell * axis.cells() + axis.locate(x)?;
        }
        Some(cell)
    }
    /// Whether all axes are uniform.
    pub fn is_uniform(&self) -> bool {
        self.axes.iter().all(Axis::is_uniform)
    }
    /// Whether the cells of all axes are equal in their coordinates.
    pub fn is_regular(&self) -> bool {
        self.axes.iter().all(Axis::is_regular)
    }
    /// The grid in the coordinates of its axes; None where they are the variables themselves.
    pub fn in_coordinates(&self) -> Option<Self> {
        if self.axes.iter().all(|axis| axis.scale.is_linear()) {
            return None;
        }
        Some(Self { axes: self.axes.iter().map(Axis::in_coordinates).collect(), ..self.clone() })
    }
    /// The grid with two cells merged into one along each axis; None where an axis has an odd number of cells or fewer than 4.
    pub fn coarsened(&self) -> Option<Self> {
        let axes = self.axes.iter().map(|axis| {
            let n = axis.cells();
            if n < 4 || n % 2 == 1 {
                return None;
            }
            let edges = axis.edges.iter().step_by(2).copied().collect();
            let (variable, scale) = (axis.variable.clone(), axis.scale.clone());
            // two equal cells meet in the middle of both
            let middles =
                if scale.is_linear() { Vec::new() } else { axis.edges[1..].iter().step_by(2).copied().collect() };
            Some(Axis { variable, edges, boundary: axis.boundary, uniform: axis.uniform, scale, middles })
        });
        Self::new(axes.collect::<Option<Vec<_>>>()?).ok()
    }
    /// The same box with every cell divided into `parts`; equal parts of graded cells without a scale. None where edges would meet.
    pub fn refined(&self, parts: usize) -> Option<Self> {
        let axes = self.axes.iter().map(|axis| {
            let (ends, cells) = ([axis.lower(), axis.upper()], axis.cells() * parts);
            if axis.is_uniform() || !axis.scale.is_linear() {
                return Axis::scaled(axis.variable(), ends, cells, axis.scale.clone(), axis.boundary);
            }
            let between =
                |w: &[f64]| (0..parts).map(|i| w[0] + (w[1] - w[0]) * i as f64 / parts as f64).collect::<Vec<_>>();
            let edges = axis.edges.windows(2).flat_map(between).chain([axis.upper()]).collect();
            Axis::graded(axis.variable(), edges, axis.boundary)
        });
        Self::new(axes.collect::<Result<Vec<_>, _>>().ok()?).ok()
    }
    /// The same box in fewer cells: of each axis no more than `cells`, as evenly spread over the edges as they come.
    pub fn thinned(&self, cells: &[usize]) -> Option<Self> {
        let axes = self.axes.iter().zip(cells).map(|(axis, &cells)| {
            let (n, fewer) = (axis.cells(), cells.clamp(1, axis.cells()));
            if axis.is_uniform() {
                return Axis::uniform(axis.variable(), axis.lower(), axis.upper(), fewer, axis.boundary);
            }
            if !axis.scale.is_linear() {
                let ends = [axis.lower(), axis.upper()];
                return Axis::scaled(axis.variable(), ends, fewer, axis.scale.clone(), axis.boundary);
            }
            let edges = (0..=fewer).map(|i| axis.edges[i * n / fewer]).collect();
            Axis::graded(axis.variable(), edges, axis.boundary)
        });
        Self::new(axes.collect::<Result<Vec<_>, _>>().ok()?).ok()
    }
    /// Some of its cells, those with index `cells[k]` along axis k, within reflecting walls.
    pub fn window(&self, cells: &[Range<usize>]) -> Option<Self> {
        let axes = self.axes.iter().zip(cells).map(|(axis, cells)| {
            let edges = axis.edges.get(cells.start..=cells.end)?.to_vec();
            let boundary = [Boundary::Reflecting; 2];
            let middles = axis.middles.get(cells.clone()).unwrap_or_default().to_vec();
            let (variable, scale) = (axis.variable.clone(), axis.scale.clone());
            Some(Axis { variable, edges, boundary, uniform: axis.uniform, scale, middles })
        });
        Self::new(axes.collect::<Option<Vec<_>>>()?).ok()
    }
    /// Probability of each cell of [`Grid::coarsened`], from probabilities of the cells of this grid.
    pub fn coarsen_probability(&self, probability: &[f64]) -> Vec<f64> {
        let coarse: Vec<usize> = self.shape.iter().map(|n| n / 2).collect();
        let mut out = vec![0.0; coarse.iter().product()];
        for (cell, &p) in probability.iter().enumerate() {
            let index = self.multi_index(cell);
            let target = (0..self.dimension()).fold(0, |c, k| c * coarse[k] + index[k] / 2);
            out[target] += p;
        }
        out
    }
}
