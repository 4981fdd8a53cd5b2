//! The drawing kit: canvas, axes, panels, colours, contours.

pub(crate) mod axis;
pub mod canvas;
pub mod colour;
pub(crate) mod contour;
pub(crate) mod font;
pub(crate) mod panel;
pub(crate) mod pdf;
pub(crate) mod raster;
pub(crate) mod svg;
