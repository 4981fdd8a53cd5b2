//! Every integrator of the table on random generators against the dense exponential of the same generator.

use std::sync::Arc;

use proptest::prelude::*;

use super::cases;
use super::scene::scene;
use crate::fokker_planck::edges::edge_generator;
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::GeneratorBuilder;
use crate::fokker_planck::integrator::system::{System, Task};
use crate::fokker_planck::integrator::table::INTEGRATORS;
use crate::fokker_planck::stationary::solve::stationary_law;
use crate::fokker_planck::testing::fixtures::exact;
use crate::problem::density::l1;

/// Follows `start` to the times by all integrators and checks each against the exponential.
fn check(q: Arc<Generator>, shape: &[usize], start: &[f64], times: &[f64]) -> Result<(), TestCaseError> {
    let law = stationary_law(&q, shape).ok().map(Arc::new);
    let leaks = q.has_exit();
    let truths: Vec<Vec<f64>> = times.iter().map(|&t| exact(&q, start, t)).collect();
    let system = Arc::new(System::new(q, shape, law));
    for method in INTEGRATORS {
        let tolerance = if method.order == Some(1) { 1e-2 } else { 1e-5 };
        let task = Task {
            system: system.clone(),
            start: start.to_vec(),
            from: 0.0,
            times: times.to_vec(),
            tolerance,
            step: None,
        };
        let mut stepper = (method.build)(task).unwrap();
        let (mut p, mut mass) = (start.to_vec(), 1.0);
        for (&t, truth) in times.iter().zip(&truths) {
            stepper.advance(t, &|| false, &mut p).unwrap();
            let (error, now) = (l1(&p, truth), p.iter().sum::<f64>());
            prop_assert!(error < tolerance, "{} at {t:e}: {error:e}", method.name);
            // steps tell their error to leading order: less is promised of what is left of modes that they no longer resolve
            let said = stepper.error();
            let most = 3.0 * said + if method.order.is_some() { 1e-3 * tolerance } else { 1e-12 };
            prop_assert!(error < most, "{} at {t:e}: {error:e}, said {said:e}", method.name);
            if leaks {
                prop_assert!(now <= mass + 1e-12, "{} at {t:e}: mass {mass} grows to {now}", method.name);
            } else {
                prop_assert!((now - 1.0).abs() <= 1e-12, "{} at {t:e}: mass {now}", method.name);
            }
            let lowest = p.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(lowest >= if method.positive { -1e-15 } else { -tolerance }, "{}: {lowest:e}", method.name);
            mass = now;
        }
    }
    Ok(())
}

fn normalised(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let sum: f64 = values.iter().sum();
    values.iter().map(|v| v / sum).collect()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn edge_generators(scene in scene(4), width in 0.05f64..1.0, at in 0.0f64..1.0, log_t in -3.0f64..2.0) {
        let grid = scene.grid();
        let q = edge_generator(&scene.field(), scene.temperature, &grid).unwrap().generator;
        let n = grid.len() as f64;
        let start = normalised((0..grid.len()).map(|i| (-0.5 * ((i as f64 / n - at) / width).powi(2)).exp()));
        let t = 10f64.powf(log_t);
        check(q, grid.shape(), &start, &[0.1 * t, t])?;
    }

    #[test]
    fn graphs_without_geometry(
        n in 2usize..30,
        edges in prop::collection::vec((0usize..1000, 0usize..1000, -3.0f64..3.0, -3.0f64..3.0, 0usize..6), 1..80),
        exit in prop::option::of((0usize..1000, -2.0f64..2.0)),
        cell in 0usize..1000,
        log_t in -2.0f64..2.0,
    ) {
        let mut builder = GeneratorBuilder::new(n);
        for i in 1..n {
            builder.add_edge(i - 1, i, 1.0, 0.5);
        }
        for (i, j, forward, backward, one_way) in edges {
            if i % n != j % n {
                builder.add_edge(i % n, j % n, 10f64.powf(forward), if one_way == 0 { 0.0 } else { 10f64.powf(backward) });
            }
        }
        if let Some((at, rate)) = exit {
            builder.add_exit(at % n, 10f64.powf(rate));
        }
        let start: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == cell % n))).collect();
        let t = 10f64.powf(log_t);
        check(Arc::new(builder.finish()), &[n], &start, &[0.3 * t, t])?;
    }
}
