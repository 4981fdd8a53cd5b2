//! The generator itself.

use proptest::prelude::*;

use super::cases;
use super::scene::scene;
use crate::fokker_planck::edges::connectivity::Components;
use crate::fokker_planck::edges::edge_generator;
use crate::fokker_planck::testing::test_fields::mass_defect;
use crate::problem::grid::Boundary;

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn probability_is_kept_rates_are_not_negative_and_the_graph_holds_together(scene in scene(9)) {
        let grid = scene.grid();
        let found = edge_generator(&scene.field(), scene.temperature, &grid).unwrap();
        let q = &found.generator;
        prop_assert!(mass_defect(q) < 1e-13, "{:e}", mass_defect(q));
        let mut components = Components::new(grid.len());
        for i in 0..grid.len() {
            let (cells, rates) = q.outgoing(i);
            prop_assert!(rates.iter().chain(&q.exit()[i..=i]).all(|&r| r >= 0.0 && r.is_finite()));
            for (&j, &rate) in cells.iter().zip(rates) {
                if rate > 0.0 {
                    components.join(i, j as usize);
                }
            }
        }
        // with a singular diagonal D and no drift along an axis the lines across it really are apart
        let joined = (0..grid.len()).all(|i| components.find(i) == 0);
        prop_assert!(joined || (scene.rank < scene.d && !scene.turning), "cells without a way to the others");
        prop_assert!(found.stencil_radius <= found.max_radius, "{} {}", found.stencil_radius, found.max_radius);
        let absorbs = grid.axes().iter().any(|axis| axis.boundary().contains(&Boundary::Absorbing));
        prop_assert!(absorbs || !q.has_exit());
        // singular or small D: the drift may keep all probability away from a wall, as far as doubles reach
        let spreads = scene.rank == scene.d && scene.spread < 1.0 && scene.temperature > 0.1;
        prop_assert!(!absorbs || q.has_exit() || !spreads);
    }

    #[test]
    fn no_edge_is_longer_than_the_radius_that_is_reported(scene in scene(9)) {
        let grid = scene.grid();
        let found = edge_generator(&scene.field(), scene.temperature, &grid).unwrap();
        for i in 0..grid.len() {
            let from = grid.multi_index(i);
            for &j in found.generator.outgoing(i).0 {
                let to = grid.multi_index(j as usize);
                for (k, axis) in grid.axes().iter().enumerate() {
                    let mut length = from[k].abs_diff(to[k]);
                    if axis.is_periodic() {
                        length = length.min(axis.cells() - length);
                    }
                    prop_assert!(length <= found.stencil_radius.max(1), "{length} {}", found.stencil_radius);
                }
            }
        }
    }
}
