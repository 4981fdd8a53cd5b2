//! The estimate of every integrator against the true error, by the dense exponential of the same generator: neither is more than
//! three times the other.
#![allow(clippy::unwrap_used)]
use super::tests::{run, system};
use std::sync::Arc;

use super::system::{Integrator, System, Task};
use super::table::INTEGRATORS;
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::GeneratorBuilder;
use crate::fokker_planck::testing::fixtures::{bump, chain, exact, plane, quartic, ring};
use crate::problem::density::l1;

struct Case {
    name: &'static str,
    system: Arc<System>,
    start: Vec<f64>,
    times: Vec<f64>,
}

fn even(end: f64) -> Vec<f64> {
    (1..=4).map(|k| end * f64::from(k) / 4.0).collect()
}

/// A copy of a generator of which the first cell leads into the cemetery.
fn leaking(generator: &Generator, rate: f64) -> Generator {
    let mut builder = GeneratorBuilder::new(generator.cells());
    for i in 0..generator.cells() {
        let ((cells, out), (_, back)) = (generator.outgoing(i), generator.incoming(i));
        for (k, &j) in cells.iter().enumerate().filter(|&(_, &j)| j as usize > i) {
            builder.add_edge(i, j as usize, out[k], back[k]);
        }
    }
    builder.add_exit(0, rate);
    builder.finish()
}

fn cases() -> Vec<Case> {
    let parabola = |x: f64| 0.5 * x * x;
    let case = |name, generator: Generator, shape: &[usize], start, times| Case {
        name,
        system: system(generator, shape),
        start,
        times,
    };
    let decades = |from: f64, to: i32| (0..=to).map(|k| from * 10f64.powi(k)).collect::<Vec<f64>>();
    let metastable = || chain(100, -2.0, 2.0, 0.05, quartic);
    let mut corner = vec![0.0; 224];
    corner[14 * 3 + 4] = 1.0;
    vec![
        case("ornstein-uhlenbeck", chain(100, -3.0, 3.0, 0.25, parabola), &[100], bump(100, 75.0, 5.0), even(2.0)),
        case("double well", chain(120, -2.2, 2.2, 0.1, quartic), &[120], bump(120, 30.0, 4.0), even(2.0)),
        case("ring with a current", ring(90, 0.7, 0.3), &[90], bump(90, 40.0, 5.0), even(1.5)),
        case("rotating current", plane(16, 14, 0.3, 0.6), &[16, 14], bump(224, 100.0, 20.0), even(1.0)),
        case("point start", plane(16, 14, 0.3, 0.6), &[16, 14], corner, even(1.0)),
        case(
            "absorbing wall",
            leaking(&chain(100, -3.0, 3.0, 0.25, parabola), 30.0),
            &[100],
            bump(100, 30.0, 5.0),
            even(2.0),
        ),
        case(
            "absorbing wall, current",
            leaking(&plane(16, 14, 0.3, 0.6), 3.0),
            &[16, 14],
            bump(224, 100.0, 20.0),
            even(2.0),
        ),
        case(
            "double well, 60 outputs",
            chain(120, -2.2, 2.2, 0.1, quartic),
            &[120],
            bump(120, 30.0, 4.0),
            (1..=60).map(|k| 0.5 * f64::from(k)).collect(),
        ),
        case(
            "plane, 60 outputs",
            plane(16, 14, 0.3, 0.6),
            &[16, 14],
            bump(224, 100.0, 20.0),
            (1..=60).map(|k| 0.2 * f64::from(k)).collect(),
        ),
        case("metastable", metastable(), &[100], bump(100, 25.0, 3.0), vec![1.0, 1e3, 1e5]),
        case("metastable, decades", metastable(), &[100], bump(100, 25.0, 3.0), decades(1e-2, 6)),
        case("leaking well", leaking(&metastable(), 1e3), &[100], bump(100, 25.0, 3.0), vec![10.0, 1e3, 1e5]),
        case("plane, decades", plane(16, 14, 0.1, 0.3), &[16, 14], bump(224, 60.0, 20.0), decades(1e-2, 4)),
    ]
}

/// Below this nothing is asked of the ratio: dense exponentials and integrators alike round about 10⁻¹⁴ per operation that matters, and
/// the polynomial sums up to 2·10⁴ terms (10⁻¹⁶ each, with the same sign where the matrix itself is rounded).
const FLOOR: f64 = 1e-12;

/// Where an estimate is known to be above three times the error, and by how much. Terms that grow, as they do at low temperature
/// where there is a current, change sign as they grow, and the sum of those left out is smaller than their norms tell.
const LOOSE: [(&str, &str, f64); 1] = [("plane, decades", "polynomial", 7.0)];

/// A first-order method takes some 10/tolerance steps: it is tested where it is usable.
fn tolerances(method: &Integrator) -> [f64; 3] {
    if method.order == Some(1) { [1e-2, 3e-3, 1e-3] } else { [1e-3, 1e-5, 1e-7] }
}

#[test]
fn the_estimate_is_within_a_factor_of_three_of_the_error() {
    for case in cases() {
        let generator = case.system.generator();
        let truths: Vec<Vec<f64>> = case.times.iter().map(|&t| exact(generator, &case.start, t)).collect();
        for method in INTEGRATORS {
            let known = LOOSE.iter().find(|loose| (loose.0, loose.1) == (case.name, method.name));
            let most = known.map_or(3.0, |loose| loose.2);
            for tolerance in tolerances(method) {
                let run = run(method, &case.system, &case.start, &case.times, tolerance, None);
                let (said, error) = (run.error, run.out.iter().zip(&truths).map(|(a, b)| l1(a, b)).fold(0.0, f64::max));
                let told = format!(
                    "{}, {} at {tolerance:.0e}: error {error:.2e}, estimate {said:.2e}, error/estimate {:.2}",
                    case.name,
                    method.name,
                    error / said
                );
                println!("{told}");
                assert!(error < tolerance, "{told}");
                assert!(error <= 3.0 * said, "{told}");
                assert!(said <= most * error.max(FLOOR), "{told}");
            }
        }
    }
}

#[test]
fn the_estimate_is_that_of_the_outputs_so_far() {
    // the error of a transient grows and decays again; estimates follow the outputs one by one
    let case = cases().swap_remove(0);
    for method in INTEGRATORS.iter().filter(|method| method.order.is_some()) {
        let times = [0.05, 0.2, 8.0];
        let task = Task {
            system: case.system.clone(),
            start: case.start.clone(),
            from: 0.0,
            times: times.to_vec(),
            tolerance: 1e-3,
            step: None,
        };
        let mut stepper = (method.build)(task).unwrap();
        let (mut out, mut worst) = (case.start.clone(), 0.0f64);
        for t in times {
            stepper.advance(t, &|| false, &mut out).unwrap();
            worst = worst.max(l1(&out, &exact(case.system.generator(), &case.start, t)));
            let said = stepper.error();
            assert!(said < 3.0 * worst && worst < 3.0 * said, "{} at {t}: {worst:e} {said:e}", method.name);
        }
    }
}
